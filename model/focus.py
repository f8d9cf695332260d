"""How soft a picture is, and making a soft one as sharp as those on which the pose model's errors were measured.

Through a lens that is out of focus by little more than a pixel Lightning puts left and right joints elsewhere, by
degrees, and is as sure of them as ever (varied.md). Blurred edges tell by how much: blurred once more they lose the
less of their slope the softer they were (Zhuo & Sim 2011, https://doi.org/10.1016/j.patcog.2011.03.009). Noise hardly
matters, for only the steepest edges are looked at.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from model.person import weight_of_newest
from model.quality import SOFT

#: What blurs the edges of a sharp picture, SD: what is measured of a step without any blur, in px of the crop, and what
#: lens and pixels make of it, in px of the picture (rendered clips, whose runners stand in crops of 300 px; real films
#: are as sharp). Fewer px of the picture are no fault of the lens.
_STEP_PX, _LENS_PX, _CLIPS_SIDE_PX = 0.63, 0.72, 300.0
#: What a blur of this share of its own takes away is added so often for each time the edges are wider, to a limit. With
#: less joints stay where they are in the soft picture; with grain it moves them, so that less is added (varied.md).
_SHARE, _ADDED, _LIMIT, _LESS = 0.7, 5.5, 2.0, 0.55
#: Grain is the mean size of the Laplacian where the picture is flattest, at 192 px: grey levels. With more of it, as
#: sensors have in poor light, sharpening does more harm than good.
_MOST_GRAIN, _FLATTEST = 1.3, 0.5
#: The slopes are compared after these blurs, where they are among the steepest, in percent.
_ONCE_PX, _TWICE_PX, _STEEPEST = 0.7, 1.5, 96.0
#: Less of a slope than so many grey levels per pixel is no edge.
_LEAST_SLOPE = 8.0
#: It is looked at so often, and averaged over this: a lens does not change from frame to frame.
_EVERY_S, _TAU_S = 0.2, 2.0
_SOFTEST = 6.0


def softness(crop: NDArray[np.uint8], side_px: float) -> float | None:
    """By how much the steepest edges of a crop (n, n, 3) are wider than those of a sharp one; None: it has none.

    Args:
        crop: as the network sees it.
        side_px: what its side was in the picture.
    """
    grey = np.asarray(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), np.float32)
    once, twice = _slope(grey, _ONCE_PX), _slope(grey, _TWICE_PX)
    edges = once > max(float(np.percentile(once, _STEEPEST)), _LEAST_SLOPE)
    if edges.sum() < len(grey):
        return None
    less = float(np.median(once[edges] / twice[edges])) ** 2
    if less <= 1.0:
        return math.inf
    blur_px = math.sqrt(max(_TWICE_PX**2 - less * _ONCE_PX**2, 0.0) / (less - 1.0))
    return blur_px / _sharp_px(len(crop), side_px)


def grain(crop: NDArray[np.uint8]) -> float:
    """The noise of a crop (n, n, 3), as in `_MOST_GRAIN`."""
    grey = np.asarray(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), np.float32)
    bends = np.abs(cv2.Laplacian(grey, cv2.CV_32F)).ravel()
    flat = int(_FLATTEST * len(bends))
    return float(np.partition(bends, flat)[:flat].mean()) * len(crop) / 192


def _sharp_px(size_px: int, side_px: float) -> float:
    return math.hypot(_STEP_PX, _LENS_PX * size_px / min(side_px, _CLIPS_SIDE_PX))


def _slope(grey: NDArray[np.float32], blur_px: float) -> NDArray[np.float32]:
    """Grey levels per px after that blur, without the outermost px."""
    soft = cv2.GaussianBlur(grey, (0, 0), blur_px)
    across, down = (cv2.Sobel(soft, cv2.CV_32F, *axis, ksize=3, scale=1 / 8) for axis in ((1, 0), (0, 1)))
    return np.asarray(cv2.magnitude(across, down)[4:-4, 4:-4], np.float32)


def sharpened(crop: NDArray[np.uint8], side_px: float, soft: float, noise: float = 0.0) -> NDArray[np.uint8]:
    """A crop as in `softness`, which is ``soft`` and has that `grain`, made sharp; a sharp or noisy one as it is."""
    if soft <= SOFT or noise > _MOST_GRAIN:
        return crop
    wider = min(soft, _LIMIT)
    amount = _ADDED * (wider - 1) / (1 + _LESS * noise)
    blurred = cv2.GaussianBlur(crop, (0, 0), _SHARE * wider * _sharp_px(len(crop), side_px))
    return np.asarray(cv2.addWeighted(crop, 1 + amount, blurred, -amount, 0), np.uint8)


class Focus:
    """What the runner's crops are like, over some seconds.

    Attributes:
        softness: as the function; 0 where it is not known.
    """

    def __init__(self) -> None:
        self.softness = 0.0
        self._grain = 0.0
        self._measured = 0
        self._t_s = -math.inf

    def mended(self, crop: NDArray[np.uint8], side_px: float) -> NDArray[np.uint8]:
        """A crop as sharp as one that is in focus."""
        return sharpened(crop, side_px, self.softness, self._grain)

    def step(self, crop: NDArray[np.uint8], side_px: float, t_s: float) -> None:
        """Looks at the runner's crop, as the camera has shown it, now and then."""
        dt_s = t_s - self._t_s
        if dt_s < _EVERY_S:
            return
        now = softness(crop, side_px)
        if now is None:
            return
        share = weight_of_newest(dt_s, _TAU_S, self._measured)
        self.softness += share * (min(now, _SOFTEST) - self.softness)
        self._grain += share * (grain(crop) - self._grain)
        self._measured += 1
        self._t_s = t_s
