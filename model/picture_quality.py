"""How far a pose can be trusted, by its confidence and by the pixels that it was seen in.

The pose model's own confidence in the legs tells it best: whatever is done to rendered clips (dark, hazy, blurred,
moved), the error against their truth begins to grow where it falls to about 0.5 (`model/tracking.md`). Grey levels and
sharpness only say why, and are looked at only then. But in next to no light it is sure of what it does not see.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from model.pose import Joint, Pose
from model.quality import MIN_LEG_SCORE, MIN_SCORE, NOBODY, TOO_DARK, FrameQuality, leg_confidence

#: A body of fewer pixels from crown to sole is too small: the noise of the knee's angle grows by a fifth.
MIN_BODY_PX = 75
#: Grey levels: darker, and flatter, is called so.
_DARK, _FLAT = 25.0, 9.0
#: Darker than this nothing is computed, however sure the pose model is. Where a camera smooths its noise away, the
#: model is sure of legs in a picture of two or three grey levels, and a tenth of them is 18 to 48 % of the torso off.
_BLACK = 4.0
#: Spread of the Laplacian over that of the grey levels: 0.3 to 0.8 in sharp crops.
_SOFT = 0.06
#: Body height over mid-shoulder to mid-hip, and over shoulders to ankles (Drillis & Contini 1966).
_BODY_TORSOS, _BODY_OVER_STANDING = 3.45, 1.28
_LEVELS = [5, 6, 11, 12, 15, 16]  # shoulders, hips, ankles


@dataclass(frozen=True, slots=True)
class ImageStats:
    """Of a crop: mean and standard deviation of its grey levels (0 to 255), and its sharpness (see `_SOFT`)."""

    luminance: float
    contrast: float
    sharpness: float


def image_stats(crop: NDArray[np.uint8]) -> ImageStats:
    """Brightness, contrast and sharpness of a crop (n, n, 3) RGB."""
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    mean, spread = cv2.meanStdDev(grey)
    _, edges = cv2.meanStdDev(cv2.Laplacian(grey, cv2.CV_16S))
    contrast = float(spread[0, 0])
    return ImageStats(float(mean[0, 0]), contrast, float(edges[0, 0]) / max(contrast, 1.0))


def nobody(crop: NDArray[np.uint8]) -> FrameQuality:
    """What to say where nobody is seen in a crop."""
    return FrameQuality(0.0, TOO_DARK) if _level(crop) < _DARK / 2 else NOBODY


def _level(crop: NDArray[np.uint8]) -> float:
    """Mean grey level of a crop, from some of its pixels."""
    return float(crop[::4, ::4].mean())


def frame_quality(pose: Pose, crop: NDArray[np.uint8]) -> FrameQuality:
    """How far a pose can be trusted.

    Args:
        pose: the runner's.
        crop: (n, n, 3) uint8 RGB, in which they were seen.

    Returns:
        The mean confidence in hips, knees and ankles, with a reason where the pose must not be used: that mean is too
        low, neither foot is seen, the body is too small, or there is next to no light.
    """
    score = leg_confidence(pose)
    body_px = _body_px(pose)
    if body_px < MIN_BODY_PX:
        reason = f"too far away: the runner is {body_px:.0f} px tall, at least {MIN_BODY_PX} are needed"
        return FrameQuality(min(score, MIN_LEG_SCORE) / 2, reason)
    if _level(crop) < _BLACK:
        return FrameQuality(min(score, MIN_LEG_SCORE) / 2, TOO_DARK)
    if score < MIN_LEG_SCORE:
        return FrameQuality(score, _why(image_stats(crop)))
    if max(pose.score[Joint.LEFT_ANKLE], pose.score[Joint.RIGHT_ANKLE]) < MIN_SCORE:
        # Sure hips and knees make up for them in the mean.
        return FrameQuality(MIN_LEG_SCORE / 2, _why(image_stats(crop), "feet"))
    return FrameQuality(score)


def _body_px(pose: Pose) -> float:
    """Crown to sole, by the trunk and by shoulders to ankles, whichever is longer: people bend and lift their feet."""
    xy: list[tuple[float, float]] = [(x, y) for x, y in pose.xy_px[_LEVELS].tolist()]
    shoulder_y, hip_y = (xy[0][1] + xy[1][1]) / 2, (xy[2][1] + xy[3][1]) / 2
    torso_px = math.hypot((xy[0][0] + xy[1][0] - xy[2][0] - xy[3][0]) / 2, shoulder_y - hip_y)
    return max(_BODY_TORSOS * torso_px, _BODY_OVER_STANDING * (max(xy[4][1], xy[5][1]) - shoulder_y))


def _why(stats: ImageStats, of: str = "legs") -> str:
    """The likeliest reason for a low confidence in that part of the body."""
    if stats.luminance < _DARK:
        return TOO_DARK
    if stats.contrast < _FLAT:
        return "too little contrast: light the runner from the camera's side"
    if stats.sharpness < _SOFT:
        return "blurred: clean the lens or focus it"
    return f"the {of} are hard to see: covered, blurred by motion, or out of the picture"
