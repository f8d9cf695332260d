"""Angles against poses whose angles were put in."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model import kinematics as k
from model.pose import LEGS, FloatArray, Joint, Side
from tests.model.figures import frontal_pose, mirrored, sagittal_pose

ANGLES = st.floats(-25, 25)
SIDES = st.sampled_from(list(Side))
FRONTAL: tuple[Callable[[FloatArray, Side], FloatArray], ...] = (
    k.fppa_image_deg,
    k.pelvic_drop_deg,
    k.hip_adduction_deg,
    k.trunk_lean_deg,
)


@given(side=SIDES, front=st.booleans(), fppa=ANGLES, drop=ANGLES, adduction=ANGLES, lean=ANGLES)
def test_frontal_angles_come_out_as_they_went_in(
    side: Side, front: bool, fppa: float, drop: float, adduction: float, lean: float
) -> None:
    xy = frontal_pose(
        stance=side, front=front, fppa_deg=fppa, drop_deg=drop, adduction_deg=adduction, lean_deg=lean
    )
    assert k.fppa_image_deg(xy, side) == pytest.approx(fppa, abs=1e-6)
    assert k.pelvic_drop_deg(xy, side) == pytest.approx(drop, abs=1e-6)
    assert k.hip_adduction_deg(xy, side) == pytest.approx(adduction, abs=1e-6)
    assert k.trunk_lean_deg(xy, side) == pytest.approx(lean, abs=1e-6)


@given(facing=st.sampled_from([-1.0, 1.0]), thigh=ANGLES, flexion=st.floats(0, 120), trunk=ANGLES)
def test_sagittal_angles_come_out_as_they_went_in(
    facing: float, thigh: float, flexion: float, trunk: float
) -> None:
    xy = sagittal_pose(thigh_deg=thigh, flexion_deg=flexion, trunk_deg=trunk, facing=facing)
    for side in Side:
        assert k.knee_flexion_deg(xy, side) == pytest.approx(flexion, abs=1e-5)
        assert k.hip_extension_deg(xy, side, facing) == pytest.approx(-thigh - trunk, abs=1e-6)
        assert k.shank_angle_deg(xy, side, facing) == pytest.approx(thigh - flexion, abs=1e-6)
        ahead = 80 * (np.sin(np.radians(thigh)) + np.sin(np.radians(thigh - flexion)))
        assert k.ankle_ahead_px(xy, side, facing) == pytest.approx(ahead, abs=1e-6)
    assert k.trunk_forward_lean_deg(xy, facing) == pytest.approx(trunk, abs=1e-6)


def test_the_thigh_is_measured_against_the_trunk_not_the_vertical() -> None:
    upright = sagittal_pose(thigh_deg=-10, flexion_deg=20, trunk_deg=0)
    leaning = sagittal_pose(thigh_deg=-10, flexion_deg=20, trunk_deg=6)
    assert k.hip_extension_deg(upright, Side.LEFT, 1.0) == pytest.approx(10)
    assert k.hip_extension_deg(leaning, Side.LEFT, 1.0) == pytest.approx(4)


@given(side=SIDES, fppa=ANGLES, drop=ANGLES, adduction=ANGLES, lean=ANGLES)
def test_a_mirror_swaps_the_sides_and_changes_nothing_else(
    side: Side, fppa: float, drop: float, adduction: float, lean: float
) -> None:
    xy = frontal_pose(stance=side, fppa_deg=fppa, drop_deg=drop, adduction_deg=adduction, lean_deg=lean)
    for angle in FRONTAL:
        assert angle(mirrored(xy), side.other) == pytest.approx(float(angle(xy, side)), abs=1e-6)


@given(side=SIDES, fppa=ANGLES, drop=ANGLES, scale=st.floats(0.2, 5), dx=st.floats(-300, 300), dy=st.floats(-300, 300))
def test_scale_and_shift_change_nothing(
    side: Side, fppa: float, drop: float, scale: float, dx: float, dy: float
) -> None:
    xy = frontal_pose(stance=side, fppa_deg=fppa, drop_deg=drop, adduction_deg=5.0, lean_deg=2.0)
    moved = xy * scale + [dx, dy]
    for angle in FRONTAL:
        assert angle(moved, side) == pytest.approx(float(angle(xy, side)), abs=1e-6)


@pytest.mark.parametrize("joint", [Joint.LEFT_HIP, Joint.LEFT_KNEE, Joint.LEFT_ANKLE])
def test_a_missing_joint_is_nan_in_every_angle_that_needs_it(joint: Joint) -> None:
    xy = frontal_pose(stance=Side.LEFT, fppa_deg=5.0)
    xy[joint] = np.nan
    assert np.isnan(k.fppa_image_deg(xy, Side.LEFT))
    assert np.isnan(k.leg_length_px(xy, Side.LEFT))
    assert np.isnan(k.pelvic_drop_deg(xy, Side.LEFT)) == (joint is Joint.LEFT_HIP)


@given(side=SIDES, drop=ANGLES, level=st.floats(-5, 5))
def test_the_drop_counts_from_a_level_pelvis(side: Side, drop: float, level: float) -> None:
    """A picture turned by ``level`` shows both sides' drops shifted the opposite way."""
    xy = frontal_pose(stance=side, drop_deg=drop + (level if side is Side.RIGHT else -level))
    assert k.pelvic_drop_deg(xy, side, level) == pytest.approx(drop, abs=1e-6)


@given(fppa=ANGLES)
def test_offset_from_the_angle(fppa: float) -> None:
    """How far the knee lies from the line hip-ankle, toward the other hip."""
    xy = frontal_pose(stance=Side.LEFT, fppa_deg=fppa)
    hip, knee, ankle, other_hip = xy[[Joint.LEFT_HIP, Joint.LEFT_KNEE, Joint.LEFT_ANKLE, Joint.RIGHT_HIP]]
    across = (ankle - hip)[::-1] * [1, -1] / np.linalg.norm(ankle - hip)
    toward = np.sign(across @ (other_hip - hip))
    offset_leg = toward * (across @ (knee - hip)) / float(k.leg_length_px(xy, Side.LEFT))
    assert k.offset_of_fppa_leg(fppa) == pytest.approx(offset_leg, abs=1e-9)


def _with_free_leg(xy: FloatArray, stance: Side, aside_px: float, down_px: float) -> FloatArray:
    """The swinging knee so far below its hip and to the midline, its ankle behind it and little lower."""
    medial = float(np.sign(xy[LEGS[stance].hip, 0] - xy[LEGS[stance.other].hip, 0]))
    free = LEGS[stance.other]
    xy[free.knee] = xy[free.hip] + [medial * aside_px, down_px]
    xy[free.ankle] = xy[free.knee] + [0.0, down_px / 2]
    return xy


@given(side=SIDES, front=st.booleans(), fppa=st.floats(0, 25), aside_px=st.floats(-15, 5), down_px=st.floats(60, 90))
def test_legs_taken_for_one_another_are_no_knee_though_the_angle_may_be_that_of_a_dive(
    side: Side, front: bool, fppa: float, aside_px: float, down_px: float
) -> None:
    """Exchanged as a whole, or only the knees."""
    xy = frontal_pose(stance=side, front=front, fppa_deg=fppa, adduction_deg=fppa / 2)
    xy = _with_free_leg(xy, side, aside_px, down_px)
    assert not k.is_no_knee(xy, side)
    for joints in (("knee", "ankle"), ("knee",)):
        own, other = ([getattr(LEGS[one], part) for part in joints] for one in (side, side.other))
        exchanged = xy.copy()
        exchanged[own], exchanged[other] = xy[other], xy[own]
        assert k.is_no_knee(exchanged, side)


def test_exchanged_legs_may_look_like_a_dive() -> None:
    xy = _with_free_leg(frontal_pose(front=False), Side.LEFT, 0.0, 80.0)
    xy[[Joint.LEFT_KNEE, Joint.LEFT_ANKLE]] = xy[[Joint.RIGHT_KNEE, Joint.RIGHT_ANKLE]]
    assert 20 < k.fppa_image_deg(xy, Side.LEFT) < k.MOST_IN_DEG


@given(side=SIDES, front=st.booleans(), adduction=st.floats(0, 15), fppa=st.floats(10, 30), turned=st.floats(-20, 20))
def test_a_knee_that_dives_as_far_as_the_other_one_is_a_knee(
    side: Side, front: bool, adduction: float, fppa: float, turned: float
) -> None:
    """However the camera hangs; a knee that is not seen is none that is elsewhere."""
    xy = frontal_pose(stance=side, front=front, fppa_deg=fppa, adduction_deg=adduction)
    medial = float(np.sign(xy[LEGS[side.other].hip, 0] - xy[LEGS[side].hip, 0]))
    xy[LEGS[side.other].knee] = xy[LEGS[side].knee] + [medial, -15.0]
    c, s = np.cos(np.radians(turned)), np.sin(np.radians(turned))
    assert not k.is_no_knee(xy @ np.array([[c, s], [-s, c]]), side)
    xy[LEGS[side.other].knee] = np.nan
    assert not k.is_no_knee(xy, side)


def test_many_poses_give_one_value_each() -> None:
    xy = np.stack([frontal_pose(fppa_deg=angle) for angle in (-4.0, 0.0, 8.0)])
    assert k.fppa_image_deg(xy, Side.LEFT) == pytest.approx([-4.0, 0.0, 8.0])
    assert k.mid_hip_height_px(xy).shape == (3,)
