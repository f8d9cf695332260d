"""The camera's pitch by who stands before it: how high the lens is above the hips, and whether the body agrees.

The hips' row in the picture and the lens' height above the hips tell the pitch. The height is told, or the lens is
taken to stand a little above the hips, as the instruction asks. A body that stands upright is a ruler of its own: from
above its upper part looks too long, from below its legs. People differ, and the pose model errs, so that this tells the
pitch to 5 to 8° only: enough to notice a camera that stands quite elsewhere, not to correct it. Trials: screening.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from model import kinematics as k
from model.camera_geometry import ANKLE_LEG, KNOWN_LEG_SD, USUAL_LEG_SD, level_rays
from model.camera_pose import DEFAULT_HEIGHT_M
from model.pose import FloatArray, Joint, Side
from model.standing import LEG_PER_HEIGHT

#: A lens whose height is not known is taken to stand this much above the hips, in straight legs (0.3 m): mostly as the
#: instruction asks, give or take (SD) the first of these, or else anywhere, give or take the second; how many do so.
_ABOVE_HIPS_LEG, _ASKED_SD_LEG, _ANYWHERE_SD_LEG, _ANYWHERE_SHARE = 0.35, 0.2, 0.8, 0.3
#: A told height is that above the belt: the floor beside it is lower, and nobody measures to the centimetre (SD). The
#: box of a step-down lifts the hips by so much.
_TOLD_SD_M, _BOX_M = 0.1, 0.175
#: What a run found by the feet's rise is uncertain by so much (SD).
_FOUND_SD_DEG = 3.0
#: What a camera may be pitched by.
_TRIED_DEG = np.arange(-50.0, 35.5, 1.0)
#: Middle of the shoulders to middle of the hips, in straight legs, as the pose models and motion capture have it on
#: people who stand, and SD of its logarithm. Thigh over shank tells nothing: a knee that is 3 cm ahead of the line
#: shows 6 %, and the pose models add 8 to 10 %.
_TRUNK_LEG, _TRUNK_SD = 0.62, 0.065
_SHOULDERS = [Joint.LEFT_SHOULDER, Joint.RIGHT_SHOULDER]
_HIPS = [Joint.LEFT_HIP, Joint.RIGHT_HIP]


@dataclass(frozen=True, slots=True)
class Heights:
    """What is known beforehand; None where it is not.

    Attributes:
        camera_m: of the lens above the belt.
        person_m: of who stands before it.
    """

    camera_m: float | None = None
    person_m: float | None = None


#: Nothing is known.
UNKNOWN_HEIGHTS = Heights()


@dataclass(frozen=True, slots=True)
class Pitch:
    """Of the camera, + looking up, degrees; NaN where who stands is not wholly seen.

    Attributes:
        deg: the best guess.
        sd_deg: how uncertain it is.
    """

    deg: float
    sd_deg: float


def standing_pitch(
    rays: FloatArray,
    roll_deg: float,
    found_deg: float | None = None,
    heights: Heights = UNKNOWN_HEIGHTS,
    on_box: bool = False,
) -> Pitch:
    """Of the camera that sees ``rays`` (17, 2) of who stands on straight legs.

    Args:
        rays: see `model.camera_geometry`.
        roll_deg: of the camera.
        found_deg: the pitch, where a run has told it: it is taken as it is.
        heights: what is known of them.
        on_box: whether they stand on the box of a step-down.
    """
    if found_deg is not None:
        return Pitch(found_deg, _FOUND_SD_DEG)
    above, trunk = np.array([_seen(level_rays(rays, roll_deg, float(deg))) for deg in _TRIED_DEG]).T
    weight = _likely(above, heights, on_box)
    if np.isfinite(trunk).all():
        weight = weight * np.exp(-((np.log(trunk / _TRUNK_LEG) / _TRUNK_SD) ** 2) / 2)
    weight /= weight.sum()
    deg = float((weight * _TRIED_DEG).sum())
    return Pitch(deg, math.sqrt(float((weight * (_TRIED_DEG - deg) ** 2).sum())))


def _likely(above: FloatArray, heights: Heights, on_box: bool) -> FloatArray:
    """(n,) how likely a lens is that much above the hips, straight legs, before the body was looked at."""
    if heights.camera_m is None:
        asked, anywhere = (_bell(above - _ABOVE_HIPS_LEG, sd) for sd in (_ASKED_SD_LEG, _ANYWHERE_SD_LEG))
        return (1 - _ANYWHERE_SHARE) * asked + _ANYWHERE_SHARE * anywhere
    leg_m = LEG_PER_HEIGHT * (heights.person_m or DEFAULT_HEIGHT_M)
    leg_sd = USUAL_LEG_SD if heights.person_m is None else KNOWN_LEG_SD
    lens_m = heights.camera_m - (_BOX_M if on_box else 0.0)
    return _bell(above - (lens_m / leg_m - 1 - ANKLE_LEG), math.hypot(_TOLD_SD_M, lens_m * leg_sd) / leg_m)


def _bell(off: FloatArray, sd: float) -> FloatArray:
    density: FloatArray = np.exp(-((off / sd) ** 2) / 2) / sd
    return density


def _seen(level: FloatArray) -> tuple[float, float]:
    """The lens above the hips, and the trunk, both in straight legs, if level rays are these."""
    leg = float(np.mean([k.leg_length_px(level, side) for side in Side]))
    hips, shoulders = level[_HIPS].mean(axis=0), level[_SHOULDERS].mean(axis=0)
    return float(hips[1]) / leg, float(np.linalg.norm(shoulders - hips)) / leg
