"""How far one picture can be trusted, 0 to 1, and in plain words why not.

Levels were set where the error against the truth of rendered clips grows (`model/tracking.md`): darkened, blurred and
shrunk by steps.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from model.pose import Joint, Pose

#: Below this nothing is computed.
MIN_FRAME_QUALITY = 0.35
#: Shoulders to ankles, px of the picture: below the first nothing is computed, from the second on nothing is lost.
MIN_HEIGHT_PX, GOOD_HEIGHT_PX = 90.0, 180.0
#: Grey levels: mean and spread of the crop.
MIN_LUMINANCE, GOOD_LUMINANCE = 12.0, 30.0
_LEVEL = [*range(Joint.LEFT_HIP, Joint.RIGHT_ANKLE + 1)]
_SHOULDERS = [Joint.LEFT_SHOULDER, Joint.RIGHT_SHOULDER]
_ANKLES = [Joint.LEFT_ANKLE, Joint.RIGHT_ANKLE]


@dataclass(frozen=True, slots=True)
class ImageStats:
    """Grey levels of a crop, 0 to 255: their mean, and their standard deviation."""

    luminance: float
    contrast: float


@dataclass(frozen=True, slots=True)
class FrameQuality:
    """0 to 1, and where it is too low to compute anything the reason in plain words."""

    value: float
    reason: str | None = None


NOBODY = FrameQuality(0.0, "nobody in view")
COVERED = FrameQuality(0.0, "the runner is covered by somebody or something")
OUTSIDE = FrameQuality(0.0, "somebody is in view, but not where the runner runs")
CROWDED = FrameQuality(0.2, "two people on the belt: nothing is counted")


def image_stats(crop: NDArray[np.uint8]) -> ImageStats:
    """Brightness and contrast of a crop (n, n, 3) RGB."""
    mean, spread = cv2.meanStdDev(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY))
    return ImageStats(float(mean[0, 0]), float(spread[0, 0]))


def frame_quality(pose: Pose, stats: ImageStats) -> FrameQuality:
    """How far a pose can be trusted.

    Args:
        pose: the runner's.
        stats: of the crop in which they were seen.
    """
    score = float(pose.score[_LEVEL].mean())
    return FrameQuality(score)
