"""Poses of pictures that were looked at as they are and in the mirror in turn, made alike.

The network does not see left as it sees right: of one picture and its mirror image, joints differ by 1.4 % of the torso
in the median, knees by up to 5° (`model/tracking.md`). The tracker looks at every second picture in the mirror, so that
this changes its sign from frame to frame. Here half of what a frame differs from the mean of its neighbours is taken
out: the mean of both looks, as if every picture had been looked at twice, for the price of one look. It is the filter
¼, ½, ¼, which takes nothing from a straight motion, and little from the knee's around mid-stance. What is fitted by a
curve of its own (peaks, the gait's waves) holds both looks anyway.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from model.pose import LEGS, FloatArray, Pose

#: Nothing is evened or interpolated across a longer gap between frames.
MAX_GAP_S = 0.1
#: What differs by more, in lengths of the leg as it looks, is a swinging foot, or a joint put on the other leg: it
#: stays as it is, and leaves its neighbours as they are.
_MAX_LEG = 0.08
_HIPS, _ANKLES = ([getattr(leg, part) for leg in LEGS.values()] for part in ("hip", "ankle"))


def evened(poses: Sequence[Pose]) -> list[Pose]:
    """The poses with both looks in each of them but the first and the last.

    Args:
        poses: in order of time, each looked at the other way round than the one before.
    """
    if not poses:
        return []
    xy = evened_px(np.array([pose.t_s for pose in poses]), np.stack([pose.xy_px for pose in poses]))
    return [replace(pose, xy_px=joints) for pose, joints in zip(poses, xy, strict=True)]


def evened_px(t_s: FloatArray, xy_px: FloatArray) -> FloatArray:
    """The same of joints (n, 17, 2) at times (n,)."""
    xy = xy_px.copy()
    legs_px = np.linalg.norm(xy[:, _ANKLES] - xy[:, _HIPS], axis=-1)
    legs_px = legs_px[np.isfinite(legs_px)]
    if len(xy) < 3 or not legs_px.size:
        return xy
    differs = xy[1:-1] - (xy[:-2] + xy[2:]) / 2
    usual = np.linalg.norm(differs, axis=-1) < _MAX_LEG * np.median(legs_px)
    gap_s = np.diff(t_s)
    usual &= (np.maximum(gap_s[:-1], gap_s[1:]) <= MAX_GAP_S)[:, None]
    xy[1:-1] -= np.where(usual[..., None], differs / 2, 0.0)
    return xy
