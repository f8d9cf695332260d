"""Knees and ankles that are somebody else's."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from model.own_legs import OwnLegs
from model.person import Sighting, sighting
from model.pose import FloatArray, Joint, Pose, Side
from tests.model.figures import frontal_pose

_LEG_JOINTS = slice(Joint.LEFT_KNEE, Joint.RIGHT_ANKLE + 1)


def figure(side: Side = Side.LEFT, fppa_deg: float = 3.0) -> FloatArray:
    return frontal_pose(stance=side, fppa_deg=fppa_deg, drop_deg=4, adduction_deg=6)


def seen(t_s: float, xy: FloatArray, hidden: Sequence[Joint] = ()) -> Sighting:
    score = np.full(17, 0.9)
    score[list(hidden)] = 0.1
    return sighting(Pose(t_s, xy, score, (640, 480)))


def known(seconds: float = 3.0) -> OwnLegs:
    """After some seconds of running, left and right in turn."""
    legs = OwnLegs()
    for n in range(int(seconds * 30)):
        assert legs.step(seen(n / 30, figure(Side.LEFT if n // 10 % 2 else Side.RIGHT)))
    return legs


def with_legs_aside(xy: FloatArray, torsos: float) -> FloatArray:
    shoulders, hips = xy[[5, 6]].mean(axis=0), xy[[11, 12]].mean(axis=0)
    moved = xy.copy()
    moved[_LEG_JOINTS, 0] += torsos * math.dist(shoulders, hips)
    return moved


@pytest.mark.parametrize("torsos", [-0.6, 0.6])
def test_legs_beside_the_trunk_are_another_s(torsos: float) -> None:
    legs = known()
    assert not legs.step(seen(3.0, with_legs_aside(figure(), torsos)))


def test_one_ankle_alone_may_be_another_s() -> None:
    legs, xy = known(), figure()
    xy[Joint.RIGHT_ANKLE, 0] -= 60
    assert not legs.step(seen(3.0, xy))


def test_a_joint_that_is_hardly_seen_tells_nothing() -> None:
    legs, xy = known(), figure()
    xy[Joint.RIGHT_ANKLE, 0] -= 60
    assert legs.step(seen(3.0, xy, hidden=[Joint.RIGHT_ANKLE]))
    assert legs.step(seen(3.1, figure(), hidden=list(Joint)[Joint.LEFT_KNEE :]))


@pytest.mark.parametrize("fppa_deg", [-15.0, 25.0])
def test_a_knee_that_dives_is_the_runner_s(fppa_deg: float) -> None:
    legs = known()
    for n, side in enumerate(Side):
        assert legs.step(seen(3.0 + n / 3, figure(side, fppa_deg)))


def test_the_camera_s_roll_is_the_usual() -> None:
    """Feet that always stand aside of the hips, as a turned camera shows them, are the runner's own."""
    legs = OwnLegs()
    for n in range(90):
        assert legs.step(seen(n / 30, with_legs_aside(figure(), 0.5)))


def test_some_moments_after_another_s_legs_nothing_is_sure() -> None:
    legs = known()
    assert not legs.step(seen(3.0, with_legs_aside(figure(), 0.6)))
    assert not legs.step(seen(3.03, with_legs_aside(figure(), 0.6)))
    assert not legs.step(seen(3.1, figure()))
    assert legs.step(seen(3.3, figure()))


def test_a_single_picture_of_another_s_legs_costs_the_tenth_of_a_second_after_it() -> None:
    legs = known()
    assert not legs.step(seen(3.0, with_legs_aside(figure(), 0.6)))
    assert not legs.step(seen(3.1, figure()))
    assert legs.step(seen(3.13, figure()))


@pytest.mark.parametrize("torsos", [0.8, 2.5, -2.5])
def test_a_second_of_another_s_legs_does_not_make_them_usual(torsos: float) -> None:
    legs = known(8.0)
    for n in range(30):
        assert not legs.step(seen(8 + n / 30, with_legs_aside(figure(), torsos)))
    assert legs.step(seen(9.3, figure()))


def test_who_runs_otherwise_from_now_on_is_believed_again() -> None:
    """As after the camera was turned."""
    legs = known(8.0)
    told = [legs.step(seen(8 + n / 30, with_legs_aside(figure(), 0.5))) for n in range(300)]
    assert not told[0]
    assert told[-1]


def test_before_a_second_nothing_is_known() -> None:
    legs = known(0.8)
    assert legs.step(seen(0.9, with_legs_aside(figure(), 0.8)))


def from_the_side(t_s: float, swing_deg: float = 0.0, longer: float = 1.0, hidden: Sequence[Joint] = ()) -> Sighting:
    """One thigh before and one behind the hips, the left one so much longer."""
    xy = figure()
    hip = xy[[11, 12]].mean(axis=0)
    thigh_px = 0.85 * math.dist(xy[[5, 6]].mean(axis=0), hip)
    xy[[11, 12]] = hip
    for knee, ankle, way, share in ((13, 15, 1, longer), (14, 16, -1, 1.0)):
        along = math.radians(way * swing_deg)
        xy[knee] = hip + share * thigh_px * np.array([math.sin(along), math.cos(along)])
        xy[ankle] = xy[knee] + (0.0, 0.8 * thigh_px)
    return seen(t_s, xy, hidden)


def known_from_the_side() -> OwnLegs:
    legs = OwnLegs()
    for n in range(90):
        assert legs.step(from_the_side(n / 30, 40 * math.sin(n / 3)), frontal=False)
    return legs


@pytest.mark.parametrize("frontal", [False, None])
@pytest.mark.parametrize(("longer", "own"), [(1.0, True), (1.1, True), (1.3, False), (2.0, False), (0.6, True)])
def test_from_the_side_a_thigh_that_grows_ends_at_another_s_knee(
    longer: float, own: bool, frontal: bool | None
) -> None:
    """Also while it is not sure any more how the runner is seen, as where somebody has just covered them."""
    assert known_from_the_side().step(from_the_side(3.0, 40, longer), frontal) is own


def test_a_knee_that_is_hardly_seen_tells_no_length() -> None:
    legs = known_from_the_side()
    assert legs.step(from_the_side(3.0, 40, 2.0, hidden=[Joint.LEFT_KNEE]), frontal=False)


def test_from_the_front_no_length_is_asked_for() -> None:
    """A runner who turns to the camera has thighs as long as before, but these were not looked at there."""
    assert known_from_the_side().step(from_the_side(3.0, 0.0, 1.3), frontal=True)


def test_a_second_of_another_s_knees_does_not_make_them_usual() -> None:
    legs = known_from_the_side()
    for n in range(30):
        assert not legs.step(from_the_side(3 + n / 30, 40, 1.9), frontal=False)
    assert legs.step(from_the_side(4.3, 40), frontal=False)
    assert not legs.step(from_the_side(4.4, 40, 1.4), frontal=False)
