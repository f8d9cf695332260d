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
