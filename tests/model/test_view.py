"""From which side the camera looks, and to which side the runner faces."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from model.pose import MIRROR_INDEX, Joint, Pose, View
from model.view import ViewEstimator
from tests.model.walkers import Camera, Walker, mirrored

STANDER = Walker(((0.0, 0.0),))
SIDE = Camera(View.SIDE)
HEAD = slice(Joint.NOSE, Joint.RIGHT_EAR + 1)


def poses(walker: Walker, seconds: float, turned_deg: float = 0.0, from_s: float = 0.0) -> Iterator[Pose]:
    """Beside the camera, facing the picture's right; from then on with the head turned over the shoulder."""
    rng = np.random.default_rng(3)
    sin, cos = math.sin(math.radians(turned_deg)), math.cos(math.radians(turned_deg))
    for i in range(int(seconds * 30)):
        xyz = walker.joints_m(i / 30)
        if i / 30 >= from_s:
            neck = xyz[[Joint.LEFT_EAR, Joint.RIGHT_EAR]].mean(axis=0)
            x, y, z = (xyz[HEAD] - neck).T
            xyz[HEAD] = neck + np.stack([x * cos - z * sin, y, x * sin + z * cos], axis=1)
        xy = SIDE.project(xyz) + rng.normal(0.0, 2.0, (17, 2))
        yield Pose(i / 30, xy, np.full(17, 0.8), SIDE.size_px)


@pytest.mark.parametrize("walker", [Walker(), Walker(((0.0, 110.0),), 0.61, 1.3, 0.02)])
@pytest.mark.parametrize("turned_deg", [110.0, 150.0, -150.0])
@pytest.mark.parametrize("looks_left", [False, True])
def test_who_looks_over_the_shoulder_runs_on_the_same_way(walker: Walker, turned_deg: float, looks_left: bool) -> None:
    estimator = ViewEstimator(View.SIDE)
    facing = set()
    for pose in poses(walker, 10.0, turned_deg, from_s=3.0):
        estimator.step(mirrored(pose) if looks_left else pose)
        if pose.t_s > 0.5:
            facing.add(estimator.facing)
    assert facing == {-1.0 if looks_left else 1.0}


def test_who_steps_off_and_on_again_may_face_the_other_way() -> None:
    estimator = ViewEstimator(View.SIDE)
    for pose in poses(Walker(), 5.0):
        estimator.step(pose)
    assert estimator.facing == 1.0
    for pose in poses(Walker(), 5.0):
        estimator.step(replace(mirrored(pose), t_s=pose.t_s + 20.0))
    assert estimator.facing == -1.0


def test_before_the_knees_were_seen_bent_the_head_tells() -> None:
    """Straight legs tell nothing."""
    estimator = ViewEstimator(View.SIDE)
    for pose in poses(STANDER, 2.0):
        xy = pose.xy_px.copy()
        for hip, knee, ankle in ((11, 13, 15), (12, 14, 16)):
            xy[knee] = (xy[hip] + xy[ankle]) / 2
        estimator.step(mirrored(replace(pose, xy_px=xy)))
    assert estimator.facing == -1.0


def test_a_leg_that_is_not_seen_is_left_out() -> None:
    estimator = ViewEstimator(View.SIDE)
    for pose in poses(Walker(), 5.0, turned_deg=180.0):
        xy = pose.xy_px.copy()
        xy[Joint.LEFT_KNEE] = math.nan
        estimator.step(replace(pose, xy_px=xy))
    assert estimator.facing == 1.0


@pytest.mark.parametrize("view", View)
def test_the_view_is_told_by_the_runner(view: View) -> None:
    estimator = ViewEstimator()
    for pose in Walker().poses(30.0, 3.0, Camera(view), 2.0):
        estimator.step(pose)
    assert estimator.view is view


@pytest.mark.parametrize("fixed", [None, View.SIDE])
def test_a_body_that_is_one_point_tells_nothing(fixed: View | None) -> None:
    estimator = ViewEstimator(fixed)
    for n, pose in enumerate(poses(Walker(), 3.0)):
        estimator.step(pose if n % 10 else replace(pose, xy_px=np.full((17, 2), 100.0)))
    assert (estimator.view, estimator.facing) == (View.SIDE, 1.0)


@pytest.mark.parametrize("view", [View.FRONT, View.REAR])
def test_a_first_picture_with_left_and_right_exchanged_does_not_tell_the_view(view: View) -> None:
    """Of a runner far away: with its whole weight kept, it made a side view of the first second, without steps."""
    estimator = ViewEstimator()
    told = set()
    for n, pose in enumerate(Walker().poses(30.0, 3.0, Camera(view), 2.0)):
        told.add(estimator.step(pose if n else replace(pose, xy_px=pose.xy_px[list(MIRROR_INDEX)])))
    assert told == {None, view}


def seen(ratio: float, from_s: float, seconds: float, head_px: float = 0.0) -> Iterator[Pose]:
    """Shoulders and hips that are so wide, in torsos, at 20 per second; the nose so far right of straight legs."""
    for i in range(round(20 * seconds)):
        xy = np.full((17, 2), 100.0)
        xy[[Joint.LEFT_SHOULDER, Joint.RIGHT_SHOULDER], 1] = 20.0  # the torso is 80 px
        for left, right, wider in (
            (Joint.LEFT_SHOULDER, Joint.RIGHT_SHOULDER, 1.2),
            (Joint.LEFT_HIP, Joint.RIGHT_HIP, 0.8),
        ):
            xy[left, 0], xy[right, 0] = 100 + 40 * wider * ratio, 100 - 40 * wider * ratio
        for hip, knee, ankle in ((11, 13, 15), (12, 14, 16)):
            xy[[knee, ankle], 0] = xy[hip, 0]
        xy[Joint.NOSE, 0] += head_px
        yield Pose(from_s + i / 20, xy, np.full(17, 0.8), (640, 480))


@pytest.mark.parametrize(
    ("ratio", "view"),
    [(0.30, View.FRONT), (0.26, View.SIDE), (0.0, View.SIDE), (-0.26, View.SIDE), (-0.30, View.REAR)],
)
def test_how_wide_shoulders_and_hips_are_against_the_trunk_tells_the_view(ratio: float, view: View) -> None:
    estimator = ViewEstimator()
    decided = [estimator.step(pose) for pose in seen(ratio, 3.0, 1.0)]
    assert decided == [None] * 10 + [view] * 10, "half a second is looked at first"


@pytest.mark.parametrize(
    ("first", "stays", "changes", "to"),
    [(0.0, 0.32, 0.34, View.FRONT), (0.5, 0.24, 0.22, View.SIDE), (-0.5, -0.24, -0.22, View.SIDE)],
)
def test_a_view_that_is_decided_changes_later_than_it_was_decided(
    first: float, stays: float, changes: float, to: View
) -> None:
    estimator = ViewEstimator()
    for pose in seen(first, 0.0, 2.0):
        before = estimator.step(pose)
    for pose in seen(stays, 2.0, 15.0):
        assert estimator.step(pose) is before
    for pose in seen(changes, 17.0, 15.0):
        now = estimator.step(pose)
    assert (before is to, now) == (False, to)


def test_whoever_turns_is_seen_from_there_after_about_a_second() -> None:
    """From 0.6 to 0 it falls below 0.23 with e to the −0.96, one second being its time."""
    estimator = ViewEstimator()
    for pose in seen(0.6, 0.0, 10.0):
        estimator.step(pose)
    turned = [pose.t_s for pose in seen(0.0, 10.0, 3.0) if estimator.step(pose) is View.SIDE]
    assert turned[0] == pytest.approx(10.96, abs=0.06)


@pytest.mark.parametrize("head_px", [12.0, -12.0])
def test_the_nose_against_the_ears_tells_the_facing_of_straight_legs(head_px: float) -> None:
    estimator = ViewEstimator(View.SIDE)
    for pose in seen(0.0, 0.0, 1.0, head_px):
        estimator.step(pose)
    assert estimator.facing == math.copysign(1.0, head_px)
