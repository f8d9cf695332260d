"""Single poses whose angles are known because they were put in."""

from __future__ import annotations

import math

import numpy as np

from model.pose import LEGS, MIRROR_INDEX, FloatArray, Side

SIZE_PX = (640, 480)


def frontal_pose(
    *,
    stance: Side = Side.LEFT,
    fppa_deg: float = 0.0,
    drop_deg: float = 0.0,
    adduction_deg: float = 0.0,
    lean_deg: float = 0.0,
    thigh_px: float = 80.0,
    front: bool = True,
) -> FloatArray:
    """(17, 2) px of one pose in the frontal plane, these angles in the stance leg; the other hangs straight."""
    # The runner's left is at the picture's right from the front, at its left from behind.
    out = {side: (1.0 if (side is Side.LEFT) == front else -1.0) for side in Side}
    medial = -out[stance]
    xy = np.full((17, 2), np.nan)
    middle = np.array([320.0, 240.0])
    half = 20.0
    slope = math.radians(drop_deg)
    for side in Side:
        lower = -1.0 if side is stance else 1.0
        xy[LEGS[side].hip] = middle + half * np.array([out[side] * math.cos(slope), lower * math.sin(slope)])
    # The thigh leans medially from the perpendicular of the hip line, which itself is turned by the drop.
    thigh = math.radians(adduction_deg - drop_deg)
    leg = LEGS[stance]
    xy[leg.knee] = xy[leg.hip] + thigh_px * np.array([medial * math.sin(thigh), math.cos(thigh)])
    shank = thigh - math.radians(fppa_deg)
    xy[leg.ankle] = xy[leg.knee] + thigh_px * np.array([medial * math.sin(shank), math.cos(shank)])
    free = LEGS[stance.other]
    xy[free.knee] = xy[free.hip] + [0.0, 60.0]
    xy[free.ankle] = xy[free.knee] + [0.0, 40.0]
    trunk = math.radians(lean_deg)
    top = middle + 120.0 * np.array([out[stance] * math.sin(trunk), -math.cos(trunk)])
    for side in Side:
        xy[LEGS[side].shoulder] = top + np.array([out[side] * 35.0, 0.0])
    return xy


def sagittal_pose(
    *, thigh_deg: float, flexion_deg: float, trunk_deg: float, facing: float = 1.0, thigh_px: float = 80.0
) -> FloatArray:
    """(17, 2) px from the side, both legs alike: thigh forward of the vertical, knee flexion, trunk forward lean."""
    xy = np.full((17, 2), np.nan)
    hip = np.array([320.0, 240.0])
    thigh, shank = math.radians(thigh_deg), math.radians(thigh_deg - flexion_deg)
    trunk = math.radians(trunk_deg)
    for side in Side:
        leg = LEGS[side]
        xy[leg.hip] = hip
        xy[leg.knee] = hip + thigh_px * np.array([facing * math.sin(thigh), math.cos(thigh)])
        xy[leg.ankle] = xy[leg.knee] + thigh_px * np.array([facing * math.sin(shank), math.cos(shank)])
        xy[leg.shoulder] = hip + 120.0 * np.array([facing * math.sin(trunk), -math.cos(trunk)])
    return xy


def mirrored(xy: FloatArray) -> FloatArray:
    """The same person in a mirror: left and right, of the picture and of the body, change places."""
    turned = xy[..., MIRROR_INDEX, :].copy()
    turned[..., 0] = SIZE_PX[0] - turned[..., 0]
    return turned
