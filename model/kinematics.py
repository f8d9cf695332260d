"""Angles from joints: the only place where the picture's y (down) becomes up.

Every function takes ``xy`` of shape (..., 17, 2) in px (x right, y down) and returns an array of shape (...): one value
for each pose. Sides are the runner's own, and every sign is mirror-safe: medial is where the other hip lies, never
left or right of the picture. A missing joint (NaN) gives NaN. Definitions and signs: Dingenen 2018, Herrington & Munro
2010 (FPPA), Souza 2016 (sagittal).
"""

from __future__ import annotations

import math
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from model.pose import LEGS, FloatArray, Joint, Side

#: A number of one pose, or those of many.
Value = TypeVar("Value", float, FloatArray)
#: Knees go no further inward or outward than this, in the picture or in the frontal plane.
MOST_IN_DEG, MOST_OUT_DEG = 45.0, 55.0
#: Nor past one another, by more than this share of the hips' width: in 32,150 pictures of rendered runners' stances
#: (`coach.md`), both models, they never came nearer than 0.04 of it where the hips were seen in their order.
_PAST_HIPS = -0.1
_SHOULDERS = (Joint.LEFT_SHOULDER, Joint.RIGHT_SHOULDER)
_HIPS = (Joint.LEFT_HIP, Joint.RIGHT_HIP)


def _dot(a: FloatArray, b: FloatArray) -> FloatArray:
    dot: FloatArray = (a * b).sum(axis=-1)
    return dot


def _cross(a: FloatArray, b: FloatArray) -> FloatArray:
    cross: FloatArray = a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    return cross


def _angle_deg(y: Value, x: Value) -> Value:
    angle: Value = np.degrees(np.arctan2(y, x))
    return angle


def _mid(xy: FloatArray, pair: tuple[int, int]) -> FloatArray:
    mid: FloatArray = (xy[..., pair[0], :] + xy[..., pair[1], :]) / 2
    return mid


def _medial(xy: FloatArray, side: Side) -> FloatArray:
    """Unit vector along the hip line, from the hip of ``side`` to the other hip."""
    line = xy[..., LEGS[side.other].hip, :] - xy[..., LEGS[side].hip, :]
    unit: FloatArray = line / np.linalg.norm(line, axis=-1, keepdims=True)
    return unit


def near_side(facing: float) -> Side:
    """The side that a camera beside the runner sees; ``facing`` +1: they face the picture's right."""
    return Side.RIGHT if facing > 0 else Side.LEFT


def knee_flexion_deg(xy: FloatArray, side: Side) -> FloatArray:
    """180° minus the angle hip-knee-ankle in the picture, 0 to 180, + flexion. Side view only."""
    leg = LEGS[side]
    thigh = xy[..., leg.knee, :] - xy[..., leg.hip, :]
    shank = xy[..., leg.ankle, :] - xy[..., leg.knee, :]
    return _angle_deg(np.abs(_cross(thigh, shank)), _dot(thigh, shank))


def offset_of_fppa_leg(fppa_deg: float) -> float:
    """Distance of the knee from the line hip-ankle as a share of leg length (thigh + shank), + medial.

    Of a leg whose thigh and shank are of the same length and meet at this FPPA.
    """
    return math.sin(math.radians(fppa_deg) / 2) / 2


def fppa_image_deg(xy: FloatArray, side: Side) -> FloatArray:
    """Frontal plane projection angle as the picture shows it: 180° − angle hip-knee-ankle, + knee medial (valgus)."""
    return fppa_of_joints_deg(*((xy[..., joint, 0], xy[..., joint, 1]) for joint in fppa_joints(side)))


def seen_across_deg(slope_deg: float, across: float) -> float:
    """Slope of a line of which the picture shows this share of its width, and all of its height."""
    return math.degrees(math.atan(math.tan(math.radians(slope_deg)) * across))


def is_no_knee(xy: FloatArray, side: Side) -> NDArray[np.bool_]:
    """In which poses (..., 17, 2) of a stance seen from front or rear a knee stands where none goes; not where one is
    missing.

    It is a joint of the other leg: where the legs cover each other the pose model takes one for the other in single
    pictures, and the angle is up to 180° then. From behind it often is that of a dive. But no dive, however deep,
    takes the knee past the other one, which is there: exchanged knees stand past one another.
    """
    angle_deg = fppa_image_deg(xy, side)
    hips = xy[..., Joint.LEFT_HIP, :] - xy[..., Joint.RIGHT_HIP, :]
    knees = xy[..., Joint.LEFT_KNEE, :] - xy[..., Joint.RIGHT_KNEE, :]
    crossed = _dot(knees, hips) < _PAST_HIPS * _dot(hips, hips)
    beyond: NDArray[np.bool_] = (angle_deg < -MOST_OUT_DEG) | (angle_deg > MOST_IN_DEG) | crossed
    return beyond


def fppa_joints(side: Side) -> tuple[int, int, int, int]:
    """Hip, knee and ankle of ``side``, and the other hip: what FPPA is made of."""
    leg = LEGS[side]
    return leg.hip, leg.knee, leg.ankle, LEGS[side.other].hip


def fppa_of_joints_deg(
    hip: tuple[Value, Value], knee: tuple[Value, Value], ankle: tuple[Value, Value], other_hip: tuple[Value, Value]
) -> Value:
    """`fppa_image_deg` of the x and the y of its joints: arrays of any shape, or numbers of one pose."""
    x, y = hip
    thigh_x, thigh_y, axis_x, axis_y = knee[0] - x, knee[1] - y, ankle[0] - x, ankle[1] - y
    # The knee is medial where it lies on the other hip's side of the line hip-ankle.
    medial = np.sign(axis_x * (other_hip[1] - y) - axis_y * (other_hip[0] - x))
    inward: Value = (axis_x * thigh_y - axis_y * thigh_x) * medial
    return _angle_deg(inward, thigh_x * (axis_x - thigh_x) + thigh_y * (axis_y - thigh_y))


def hip_tilt_deg(xy: FloatArray) -> FloatArray:
    """Hip line against the picture's horizontal, + the left hip is lower."""
    line = xy[..., Joint.LEFT_HIP, :] - xy[..., Joint.RIGHT_HIP, :]
    return _angle_deg(line[..., 1], np.abs(line[..., 0]))


def pelvic_drop_deg(xy: FloatArray, stance: Side, level_deg: float = 0.0) -> FloatArray:
    """Hip line against the horizontal, + the swing side's hip is lower.

    Args:
        xy: poses.
        stance: the standing side.
        level_deg: the `hip_tilt_deg` of a level pelvis.
    """
    tilt: FloatArray = hip_tilt_deg(xy) - level_deg
    return tilt if stance is Side.RIGHT else -tilt


def hip_adduction_deg(xy: FloatArray, side: Side) -> FloatArray:
    """Thigh against the perpendicular of the hip line, + thigh toward the midline."""
    leg = LEGS[side]
    medial = _medial(xy, side)
    down = np.stack([-medial[..., 1], medial[..., 0]], axis=-1)
    down = np.where(down[..., 1:] < 0, -down, down)
    thigh = xy[..., leg.knee, :] - xy[..., leg.hip, :]
    return _angle_deg(_dot(thigh, medial), _dot(thigh, down))


def trunk_lean_deg(xy: FloatArray, stance: Side) -> FloatArray:
    """Line mid-hip to mid-shoulder against the vertical, + toward the stance side. Frontal views."""
    trunk = _mid(xy, _SHOULDERS) - _mid(xy, _HIPS)
    outward = np.sign(xy[..., LEGS[stance].hip, 0] - xy[..., LEGS[stance.other].hip, 0])
    return _angle_deg(trunk[..., 0] * outward, -trunk[..., 1])


def trunk_forward_lean_deg(xy: FloatArray, facing: float) -> FloatArray:
    """Line mid-hip to mid-shoulder against the vertical, + in the direction of travel. Side view.

    Args:
        facing: +1 when the runner faces the picture's right, −1 for the left.
    """
    trunk = _mid(xy, _SHOULDERS) - _mid(xy, _HIPS)
    return _angle_deg(trunk[..., 0] * facing, -trunk[..., 1])


def hip_extension_deg(xy: FloatArray, side: Side, facing: float) -> FloatArray:
    """Thigh behind the downward prolongation of the trunk line, + extension. Side view."""
    leg = LEGS[side]
    thigh = xy[..., leg.knee, :] - xy[..., leg.hip, :]
    behind_vertical = _angle_deg(-thigh[..., 0] * facing, thigh[..., 1])
    extension: FloatArray = behind_vertical - trunk_forward_lean_deg(xy, facing)
    return extension


def shank_angle_deg(xy: FloatArray, side: Side, facing: float) -> FloatArray:
    """Shank against the vertical, + ankle ahead of the knee. Side view, at strike."""
    leg = LEGS[side]
    shank = xy[..., leg.ankle, :] - xy[..., leg.knee, :]
    return _angle_deg(shank[..., 0] * facing, shank[..., 1])


def ankle_ahead_px(xy: FloatArray, side: Side, facing: float) -> FloatArray:
    """Horizontal distance of the ankle ahead of its hip, px, + ahead. Side view."""
    leg = LEGS[side]
    ahead: FloatArray = (xy[..., leg.ankle, 0] - xy[..., leg.hip, 0]) * facing
    return ahead


def leg_length_px(xy: FloatArray, side: Side) -> FloatArray:
    """Thigh plus shank in the picture, px."""
    leg = LEGS[side]
    thigh = np.linalg.norm(xy[..., leg.knee, :] - xy[..., leg.hip, :], axis=-1)
    shank = np.linalg.norm(xy[..., leg.ankle, :] - xy[..., leg.knee, :], axis=-1)
    length: FloatArray = thigh + shank
    return length


def mid_hip_height_px(xy: FloatArray) -> FloatArray:
    """Height of the middle of the hips above the picture's lower edge up to a constant, px, + up."""
    height: FloatArray = -_mid(xy, _HIPS)[..., 1]
    return height
