"""How far one picture can be trusted, 0 to 1, and in plain words why not.

The pose model's own confidence in the legs tells it best: whatever is done to rendered clips (dark, hazy, blurred,
moved), the error against their truth begins to grow where it falls to about 0.5 (`model/tracking.md`). Grey levels and
sharpness only say why, and are looked at only then.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from model.pose import Joint, Pose

#: Below this mean confidence in hips, knees and ankles nothing is computed.
MIN_LEG_SCORE = 0.48
#: A body of fewer pixels from crown to sole is too small: the noise of the knee's angle grows by a fifth.
MIN_BODY_PX = 75
#: Grey levels: darker, and flatter, is called so.
_DARK, _FLAT = 25.0, 9.0
#: Spread of the Laplacian over that of the grey levels: 0.3 to 0.8 in sharp crops.
_SOFT = 0.06
#: Body height over mid-shoulder to mid-hip, and over shoulders to ankles (Drillis & Contini 1966).
_BODY_TORSOS, _BODY_OVER_STANDING = 3.45, 1.28
_LEGS = slice(Joint.LEFT_HIP, Joint.RIGHT_ANKLE + 1)
_LEVELS = [5, 6, 11, 12, 15, 16]  # shoulders, hips, ankles


@dataclass(frozen=True, slots=True)
class ImageStats:
    """Of a crop: mean and standard deviation of its grey levels (0 to 255), and its sharpness (see `_SOFT`)."""

    luminance: float
    contrast: float
    sharpness: float


@dataclass(frozen=True, slots=True)
class FrameQuality:
    """0 to 1, and where it is too low to compute anything the reason in plain words."""

    value: float
    reason: str | None = None


NOBODY = FrameQuality(0.0, "nobody in view")
COVERED = FrameQuality(0.0, "the runner is covered by somebody or something")
OUTSIDE = FrameQuality(0.0, "somebody is in view, but not where the runner runs")
CROWDED = FrameQuality(0.2, "two people on the belt: nothing is counted")
_TOO_DARK = "too dark: more light is needed"


def image_stats(crop: NDArray[np.uint8]) -> ImageStats:
    """Brightness, contrast and sharpness of a crop (n, n, 3) RGB."""
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    mean, spread = cv2.meanStdDev(grey)
    _, edges = cv2.meanStdDev(cv2.Laplacian(grey, cv2.CV_16S))
    contrast = float(spread[0, 0])
    return ImageStats(float(mean[0, 0]), contrast, float(edges[0, 0]) / max(contrast, 1.0))


def nobody(crop: NDArray[np.uint8]) -> FrameQuality:
    """What to say where nobody is seen in a crop."""
    return FrameQuality(0.0, _TOO_DARK) if crop[::4, ::4].mean() < _DARK / 2 else NOBODY


def frame_quality(pose: Pose, crop: NDArray[np.uint8]) -> FrameQuality:
    """How far a pose can be trusted.

    Args:
        pose: the runner's.
        crop: (n, n, 3) uint8 RGB, in which they were seen.

    Returns:
        The mean confidence in hips, knees and ankles, with a reason where the pose must not be used.
    """
    score = sum(pose.score[_LEGS].tolist()) / 6
    body_px = _body_px(pose)
    if body_px < MIN_BODY_PX:
        reason = f"too far away: the runner is {body_px:.0f} px tall, at least {MIN_BODY_PX} are needed"
        return FrameQuality(min(score, MIN_LEG_SCORE) / 2, reason)
    return FrameQuality(score, None if score >= MIN_LEG_SCORE else _why(image_stats(crop)))


def _body_px(pose: Pose) -> float:
    """Crown to sole, by the trunk and by shoulders to ankles, whichever is longer: people bend and lift their feet."""
    xy: list[tuple[float, float]] = [(x, y) for x, y in pose.xy_px[_LEVELS].tolist()]
    shoulder_y, hip_y = (xy[0][1] + xy[1][1]) / 2, (xy[2][1] + xy[3][1]) / 2
    torso_px = math.hypot((xy[0][0] + xy[1][0] - xy[2][0] - xy[3][0]) / 2, shoulder_y - hip_y)
    return max(_BODY_TORSOS * torso_px, _BODY_OVER_STANDING * (max(xy[4][1], xy[5][1]) - shoulder_y))


def _why(stats: ImageStats) -> str:
    """The likeliest reason for a low confidence."""
    if stats.luminance < _DARK:
        return _TOO_DARK
    if stats.contrast < _FLAT:
        return "too little contrast: light the runner from the camera's side"
    if stats.sharpness < _SOFT:
        return "blurred: clean the lens or focus it"
    return "the legs are hard to see: covered, blurred by motion, or out of the picture"
