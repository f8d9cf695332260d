"""The camera's place, found from runners in closed form and from motion capture seen by virtual cameras."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from device.mocap import read_motion
from model import camera_pose
from model import kinematics as k
from model.bias import Surface
from model.camera_geometry import Estimate, Scene, estimate
from model.camera_pose import TOLD_DOUBTED, CameraPose, CameraPoseEstimator, _contradiction, focal_px
from model.frontal import FrontalPlane, fppa_uncertainty_deg
from model.pose import LEGS, FloatArray, Joint, Pose, Side, View
from model.virtual_camera import Motion, Noise, VirtualCamera, project_motion
from tests.model.walkers import Walker

Contact = tuple[Side, float, float]
_SPEED_M_S = 3.0
FRONTAL = (View.FRONT, View.REAR)


@cache
def _runner(speed_m_s: float = _SPEED_M_S) -> Motion:
    walker = Walker(speed_m_s=speed_m_s)
    t_s = np.arange(0.0, 12.0, 1 / 30)
    return Motion(t_s, np.stack([walker.joints_m(float(t)) for t in t_s]))


@cache
def _contacts() -> tuple[Contact, ...]:
    walker = Walker(speed_m_s=_SPEED_M_S)
    found = []
    for side in Side:
        toe_offs_s = walker.toe_offs_s(side, 12.0)
        for strike_s in walker.strikes_s(side, 12.0):
            after_s = toe_offs_s[toe_offs_s > strike_s]
            found += [(side, float(strike_s), float(toe_off_s)) for toe_off_s in after_s[:1]]
    return tuple(sorted(found, key=lambda one: one[1]))


def _stride_s() -> float:
    left_s = [strike_s for side, strike_s, _ in _contacts() if side is Side.LEFT]
    return left_s[1] - left_s[0]


def _feed(
    estimator: CameraPoseEstimator,
    poses: Iterable[Pose],
    contacts: Iterable[Contact],
    later_s: float = 0.0,
    moves: list[tuple[float, float]] | None = None,
) -> list[CameraPose]:
    """What was known after each stance; times are moved by ``later_s``.

    To ``moves`` is added when it was found that the camera has been moved, and since when that may have been so.
    """
    known = []
    waiting = [Pose(pose.t_s + later_s, pose.xy_px, pose.score, pose.image_size_px) for pose in poses]
    for side, strike_s, toe_off_s in contacts:
        strike_s, toe_off_s = strike_s + later_s, toe_off_s + later_s
        stance = [pose for pose in waiting if strike_s <= pose.t_s <= toe_off_s]
        for pose in [pose for pose in waiting if pose.t_s <= toe_off_s]:
            estimator.step(pose)
        waiting = [pose for pose in waiting if pose.t_s > toe_off_s]
        since_s = estimator.add_stance(side, strike_s, toe_off_s, stance)
        if moves is not None and since_s is not None:
            moves.append((toe_off_s, since_s))
        known.append(estimator.current())
    return known


def _estimator(
    camera: VirtualCamera, belt: bool = True, known: CameraPose | None = None, model: str = "none"
) -> CameraPoseEstimator:
    speed = _SPEED_M_S if belt else None
    return CameraPoseEstimator(camera.view, camera.size_px, camera.focal_px, speed, model_name=model, known=known)


def _found(camera: VirtualCamera, belt: bool = True, noise: Noise = "none", seed: int = 0) -> CameraPose:
    estimator = _estimator(camera, belt, model="none" if noise == "none" else "thunder")
    _feed(estimator, project_motion(_runner(), camera, noise=noise, seed=seed), _contacts())
    return estimator.current()


def _azimuth(pose: CameraPose) -> float:
    assert pose.azimuth_left_deg is not None
    assert pose.azimuth_right_deg is not None
    return (pose.azimuth_left_deg + pose.azimuth_right_deg) / 2


@pytest.mark.parametrize("view", FRONTAL)
@pytest.mark.parametrize("belt", [True, False])
@pytest.mark.parametrize("yaw_deg", [-12.0, -6.0, 0.0, 6.0, 12.0])
def test_finds_yaw_in_front_and_behind(view: View, belt: bool, yaw_deg: float) -> None:
    found = _found(VirtualCamera(view, yaw_deg=yaw_deg, height_m=1.1), belt)
    # This runner's feet go further ahead and behind than most people's do.
    assert found.yaw_deg == pytest.approx(yaw_deg, abs=0.5 + abs(yaw_deg) * (0.13 if belt else 0.2))
    assert found.source == ("belt" if belt else "vanishing_point")


@pytest.mark.parametrize("view", FRONTAL)
def test_the_camera_s_height_and_distance_do_not_change_yaw(view: View) -> None:
    """A leg seen from above is shorter in the picture: the runner is no further away for it."""
    found = []
    for height_m, distance_m in ((0.8, 3.5), (1.2, 3.0), (1.6, 2.5)):
        camera = VirtualCamera(view, yaw_deg=12.0, height_m=height_m, distance_m=distance_m)
        estimator = CameraPoseEstimator(
            view, camera.size_px, camera.focal_px, _SPEED_M_S, camera_m=height_m, model_name="none"
        )
        _feed(estimator, project_motion(_runner(), camera), _contacts())
        found.append(estimator.current().yaw_deg or math.nan)
    assert max(found) - min(found) < 0.7


def test_a_swinging_ankle_that_is_hardly_seen_counts_less() -> None:
    """One that the knee hides is put too near it, so that the shank seems to point straight away from the camera."""
    camera = VirtualCamera(View.FRONT, yaw_deg=12.0, height_m=1.1)
    yaws = []
    for confidence in (0.7, 0.3):
        poses = []
        for pose in project_motion(_runner(), camera):
            xy_px, score = pose.xy_px.copy(), np.full(17, 0.7)
            for side, strike_s, toe_off_s in _contacts():
                leg = LEGS[side]
                if toe_off_s < pose.t_s < strike_s + _stride_s():
                    xy_px[leg.ankle, 0] += 0.35 * (xy_px[leg.knee, 0] - xy_px[leg.ankle, 0])
                    score[leg.ankle] = confidence
            poses.append(Pose(pose.t_s, xy_px, score, pose.image_size_px))
        estimator = _estimator(camera)
        _feed(estimator, poses, _contacts())
        yaws.append(estimator.current().yaw_deg or math.nan)
    assert 12.0 - yaws[1] < 0.5 * (12.0 - yaws[0])


@pytest.mark.parametrize("view", FRONTAL)
@pytest.mark.parametrize("told", [True, False])
def test_neither_a_slow_nor_a_fast_belt_need_be_told(view: View, told: bool) -> None:
    """The swinging shanks hardly mind its speed; how fast the feet rise tells it, once the lens' height is known."""
    found = []
    for height_m, speed_m_s in ((0.8, 2.4), (1.6, 2.4), (0.8, 3.3), (0.8, 4.2)):
        camera = VirtualCamera(view, yaw_deg=10.0, height_m=height_m)
        camera_m = height_m if told else None
        estimator = CameraPoseEstimator(view, camera.size_px, camera.focal_px, camera_m=camera_m, model_name="none")
        _feed(estimator, project_motion(_runner(speed_m_s), camera), _contacts())
        found.append(estimator.current())
    yaws_deg = np.array([pose.yaw_deg for pose in found], dtype=np.float64)
    sds_deg = np.array([pose.yaw_sd_deg for pose in found], dtype=np.float64)
    assert np.abs(yaws_deg - 10.0).max() < (1.5 if told else 2.5)
    assert (np.abs(yaws_deg - 10.0) < 2 * sds_deg).all()


@pytest.mark.parametrize("view", FRONTAL)
@pytest.mark.parametrize(
    ("belt_m_s", "camera_m", "doubted"),
    [
        (3 * _SPEED_M_S, None, "belt 32.4 km/h"),
        (_SPEED_M_S / 3, None, "belt 3.6 km/h"),
        (None, 0.3, "lens 30 cm"),
        (3 * _SPEED_M_S, 1.1, "belt 32.4 km/h"),
        (_SPEED_M_S, 0.3, "lens 30 cm"),
        (_SPEED_M_S / 3, 0.3, "belt 3.6 km/h, lens 30 cm"),
        (_SPEED_M_S, 1.1, None),
        (1.2 * _SPEED_M_S, None, None),
    ],
)
def test_what_was_told_and_cannot_be_is_left_out_and_said(
    view: View, belt_m_s: float | None, camera_m: float | None, doubted: str | None
) -> None:
    """A slip of the hand, as 30 for 13 km/h, may not turn left and right about."""
    camera = VirtualCamera(view, yaw_deg=8.0, height_m=1.1)
    estimator = CameraPoseEstimator(
        view, camera.size_px, camera.focal_px, belt_m_s, camera_m=camera_m, model_name="none"
    )
    _feed(estimator, project_motion(_runner(), camera), _contacts())
    found = estimator.current()
    assert found.yaw_deg == pytest.approx(8.0, abs=2.0)
    if doubted is None:
        assert TOLD_DOUBTED not in (found.advice or "")
        assert not found.doubts_belt
    else:
        assert found.advice is not None
        assert found.advice.startswith(f"{TOLD_DOUBTED}: {doubted}. Put it right")
        assert found.doubts_belt is doubted.startswith("belt")
    by_belt = belt_m_s is not None and "belt" not in (doubted or "")
    assert found.source == ("belt" if by_belt else "vanishing_point")


@pytest.mark.parametrize("view", FRONTAL)
@pytest.mark.parametrize("seed", [1, 2])
def test_finds_yaw_through_the_pose_models_noise(view: View, seed: int) -> None:
    found = _found(VirtualCamera(view, yaw_deg=8.0, roll_deg=2.0), noise="measured", seed=seed)
    assert found.yaw_deg == pytest.approx(8.0, abs=3.0)


@pytest.mark.parametrize("view", FRONTAL)
def test_a_camera_beside_the_belt_has_azimuth_but_no_yaw(view: View) -> None:
    found = _found(VirtualCamera(view, offset_m=0.3))
    assert found.yaw_deg == pytest.approx(0.0, abs=1.5)
    assert _azimuth(found) == pytest.approx(5.7, abs=1.5)


def test_azimuths_of_the_legs_differ_by_their_places() -> None:
    found = _found(VirtualCamera(View.FRONT))
    assert found.azimuth_left_deg is not None
    assert found.azimuth_right_deg is not None
    assert found.azimuth_left_deg < 0 < found.azimuth_right_deg


@pytest.mark.parametrize("roll_deg", [-3.0, 0.0, 3.0])
def test_finds_most_of_the_roll_and_is_not_misled_by_it(roll_deg: float) -> None:
    found = _found(VirtualCamera(View.FRONT, yaw_deg=6.0, roll_deg=roll_deg))
    assert found.roll_deg == pytest.approx(roll_deg, abs=1.2)
    assert found.yaw_deg == pytest.approx(6.0, abs=1.5)


@pytest.mark.parametrize("view", FRONTAL)
@pytest.mark.parametrize("yaw_deg", [-20.0, 20.0])
def test_refuses_beyond_the_range_and_never_flips_the_sign(view: View, yaw_deg: float) -> None:
    found = _found(VirtualCamera(view, yaw_deg=yaw_deg), belt=False)
    assert found.state == "refused"
    assert not found.usable
    assert found.advice is not None
    assert found.yaw_deg is None or found.yaw_deg * yaw_deg > 0


def test_is_unknown_before_enough_stances_and_then_known_within_twenty() -> None:
    camera = VirtualCamera(View.FRONT, yaw_deg=4.0)
    estimator = _estimator(camera)
    assert estimator.current().state == "unknown"
    states = [pose.state for pose in _feed(estimator, project_motion(_runner(), camera), _contacts())]
    assert states[0] == "unknown"
    assert set(states[19:]) == {"good"}
    assert "about 6 more steps of" in str(CameraPoseEstimator(View.REAR, (640, 480), 600.0).current().advice)


def test_the_last_step_that_is_missing_is_one_more_step() -> None:
    camera = VirtualCamera(View.FRONT, yaw_deg=4.0)
    advice = [pose.advice for pose in _feed(_estimator(camera), project_motion(_runner(), camera), _contacts())]
    said = [str(one).partition(": ")[2] for one in advice[3:5]]
    assert said == ["about 2 more steps of running.", "one more step of running."]


@pytest.mark.parametrize("fps", [10.0, 15.0])
def test_too_few_pictures_a_second_are_said_and_no_more_steps_are_promised(fps: float) -> None:
    """Of a stance at 10 a second hardly two pictures lie about its middle, and however many come, none tells."""
    camera = VirtualCamera(View.FRONT, yaw_deg=4.0)
    known = _feed(_estimator(camera), project_motion(_runner(), camera, fps), _contacts())
    assert "more step" in str(known[4].advice)
    if fps == 10:
        assert {one.state for one in known} == {"unknown"}
        assert str(known[-1].advice).startswith("Too few pictures a second to tell where the camera stands: 20 are")
        assert known[-1].in_the_end() == known[-1]
    else:
        assert known[-1].state == "good"


def test_what_has_ended_promises_no_more_steps() -> None:
    camera = VirtualCamera(View.FRONT, yaw_deg=4.0)
    known = _feed(_estimator(camera), project_motion(_runner(), camera), _contacts())
    assert known[3].in_the_end().advice == "Too few steps of running were seen to tell where the camera stood."
    assert known[-1].in_the_end() == known[-1]
    assert CameraPose().in_the_end() == CameraPose()


def test_same_stances_same_result() -> None:
    camera = VirtualCamera(View.REAR, yaw_deg=5.0)
    assert _found(camera, noise="measured", seed=3) == _found(camera, noise="measured", seed=3)


def test_wrong_view_is_noticed() -> None:
    camera = VirtualCamera(View.FRONT, yaw_deg=4.0)
    estimator = CameraPoseEstimator(View.REAR, camera.size_px, camera.focal_px, _SPEED_M_S)
    _feed(estimator, project_motion(_runner(), camera), _contacts())
    assert not estimator.current().usable
    assert "view" in str(estimator.current().advice)


def test_exchanged_legs_are_noticed_or_put_right() -> None:
    camera = VirtualCamera(View.FRONT, yaw_deg=6.0)
    estimator = _estimator(camera)
    swapped = []
    legs = [Joint.LEFT_KNEE, Joint.LEFT_ANKLE]
    for i, pose in enumerate(project_motion(_runner(), camera)):
        xy = pose.xy_px.copy()
        if i % 5 == 0:
            xy[legs], xy[[j + 1 for j in legs]] = pose.xy_px[[j + 1 for j in legs]], pose.xy_px[legs]
        swapped.append(replace(pose, xy_px=xy))
    _feed(estimator, swapped, _contacts())
    found = estimator.current()
    assert not found.usable or found.yaw_deg == pytest.approx(6.0, abs=3.0)


def test_a_lost_joint_stops_nothing() -> None:
    camera = VirtualCamera(View.FRONT, yaw_deg=6.0)
    estimator = _estimator(camera)
    holes = []
    for i, pose in enumerate(project_motion(_runner(), camera)):
        xy = pose.xy_px.copy()
        xy[i % 17] = math.nan
        if 100 < i < 115:
            xy[:] = math.nan
        holes.append(replace(pose, xy_px=xy))
    _feed(estimator, holes, _contacts())
    found = estimator.current()
    assert found.yaw_deg is None or found.yaw_deg == pytest.approx(6.0, abs=2.5)


def test_a_moved_camera_is_noticed_within_a_minute_and_said() -> None:
    before, after = VirtualCamera(View.FRONT, yaw_deg=-5.0), VirtualCamera(View.FRONT, yaw_deg=6.0)
    estimator = _estimator(before)
    _feed(estimator, project_motion(_runner(), before), _contacts())
    assert not estimator.current().moved
    for again in range(1, 5):
        _feed(estimator, project_motion(_runner(), after), _contacts(), later_s=12.0 * again)
    assert estimator.current().moved
    assert estimator.current().yaw_deg == pytest.approx(6.0, abs=1.5)


def test_a_camera_that_stays_is_not_said_to_have_moved() -> None:
    camera = VirtualCamera(View.REAR, yaw_deg=5.0)
    estimator = _estimator(camera)
    for again in range(5):
        poses = project_motion(_runner(), camera, noise="measured", seed=again)
        assert not any(pose.moved for pose in _feed(estimator, poses, _contacts(), later_s=12.0 * again))


def test_a_known_place_is_used_from_the_first_stance() -> None:
    camera = VirtualCamera(View.FRONT, yaw_deg=7.0)
    known = CameraPose.from_json(_found(camera).as_json())
    estimator = _estimator(camera, known=known)
    assert estimator.current().usable
    assert estimator.current().source == "given"
    found = _feed(estimator, project_motion(_runner(), camera), _contacts())
    assert all(pose.usable and pose.yaw_deg == pytest.approx(7.0, abs=1.5) for pose in found)


@pytest.mark.parametrize(("sd_deg", "expected_deg"), [(0.05, 5.5), (20.0, 7.0)])
def test_a_known_place_counts_by_how_sure_it_is(sd_deg: float, expected_deg: float) -> None:
    camera = VirtualCamera(View.FRONT, yaw_deg=7.0)
    estimator = _estimator(camera, known=CameraPose(5.5, sd_deg, state="good", source="belt"))
    found = _feed(estimator, project_motion(_runner(), camera), _contacts())
    assert not found[-1].moved
    assert found[-1].yaw_deg == pytest.approx(expected_deg, abs=0.5)


_TOLD = Estimate(
    yaw=2.0, sd=0.5, se=0.9, apart=5.9, unlike=5.9, roll=-24.0, pitch=-5.0, azimuth=(2.0, 2.0), distance_m=3.0,
    wrong=0.24, exchanged=0.29,
)  # fmt: skip


@pytest.mark.parametrize(
    ("beyond", "said"),
    [
        ({}, None),
        ({"se": 1.1}, "differ too much"),
        ({"apart": 6.1}, "different places"),
        ({"unlike": 6.1}, "different places"),
        ({"wrong": 0.26}, "check that the view"),
        ({"roll": 26.0}, "check that the view"),
        ({"roll": -26.0}, "check that the view"),
        ({"exchanged": 0.31}, "often confused"),
    ],
)
def test_what_contradicts_itself_is_said(beyond: dict[str, float], said: str | None) -> None:
    """At the limits that camera_pose.md states."""
    found = _contradiction(replace(_TOLD, **beyond))  # type: ignore[arg-type]
    assert found is None if said is None else found is not None and said in found


def test_a_known_place_holds_while_the_first_stances_differ_too_much_to_tell_one() -> None:
    """It went for seconds, and with it every angle and cue, when the first six were uneven."""
    camera = VirtualCamera(View.FRONT, yaw_deg=8.0)
    uneven = np.random.default_rng(4)

    def shaken(pose: Pose) -> Pose:
        xy = pose.xy_px.copy()
        xy[[Joint.LEFT_ANKLE, Joint.RIGHT_ANKLE], 0] += uneven.normal(0, 8.0)
        return replace(pose, xy_px=xy)

    for known, states in ((_found(camera), {"good", "approximate"}), (None, {"unknown", "refused"})):
        estimator = _estimator(camera, known=known)
        after = _feed(estimator, [shaken(pose) for pose in project_motion(_runner(), camera)], _contacts())
        assert {pose.state for pose in after[:12]} <= states


def test_a_known_place_that_is_wrong_is_given_up() -> None:
    camera = VirtualCamera(View.FRONT, yaw_deg=7.0)
    estimator = _estimator(camera, known=CameraPose(-4.0, 1.0, state="good", source="belt"))
    _feed(estimator, project_motion(_runner(), camera), _contacts())
    assert estimator.current().moved
    assert estimator.current().yaw_deg == pytest.approx(7.0, abs=1.5)


@pytest.mark.parametrize("yaw_deg", [12.0, 20.0])
def test_a_known_place_that_is_far_off_is_given_up_within_ten_stances(yaw_deg: float) -> None:
    camera = VirtualCamera(View.FRONT, yaw_deg=yaw_deg)
    estimator = _estimator(camera, known=CameraPose(-1.0, 1.0, state="good", source="belt"))
    poses = _feed(estimator, project_motion(_runner(), camera, noise="measured"), _contacts())
    assert next(n for n, pose in enumerate(poses) if pose.moved) < 10
    assert all(pose.yaw_deg is None or pose.yaw_deg > yaw_deg - 3 for pose in poses[10:])


def test_with_a_known_place_the_first_stances_are_worked_out_once_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow board has a frame's time for it."""
    rows: list[int] = []

    def counted(scene: Scene, stances: FloatArray) -> Estimate | None:
        rows.append(len(stances))
        return estimate(scene, stances)

    monkeypatch.setattr(camera_pose, "estimate", counted)
    camera = VirtualCamera(View.FRONT, yaw_deg=7.0)
    estimator = _estimator(camera, known=CameraPose(7.0, 1.0, state="good", source="belt"))
    _feed(estimator, project_motion(_runner(), camera), _contacts()[:16])
    assert len(rows) == len(set(rows)) >= 8
    assert max(rows) <= 16


@pytest.mark.parametrize(("times", "moved"), [(1, False), (2, True)])
def test_a_camera_has_been_moved_only_where_the_steps_tell_another_place_twice(
    monkeypatch: pytest.MonkeyPatch, times: int, moved: bool
) -> None:
    told = iter([2.0] * 3 + [12.0] * times + [2.0] * 60)
    monkeypatch.setattr(camera_pose, "estimate", lambda scene, stances: replace(_TOLD, yaw=next(told)))
    camera = VirtualCamera(View.FRONT, yaw_deg=2.0)
    estimator = _estimator(camera, known=CameraPose(2.0, 0.5, state="good", source="belt"))
    found = _feed(estimator, project_motion(_runner(), camera), _contacts()[:14])
    assert any(pose.moved for pose in found) is moved


def test_since_when_the_place_may_have_been_wrong_is_told_once() -> None:
    before, after = VirtualCamera(View.FRONT, yaw_deg=-5.0), VirtualCamera(View.FRONT, yaw_deg=6.0)
    estimator = _estimator(before)
    moves: list[tuple[float, float]] = []
    for again, camera in enumerate([before, before, after, after, after]):
        _feed(estimator, project_motion(_runner(), camera), _contacts(), 12.0 * again, moves)
    assert len(moves) == 1
    found_s, since_s = moves[0]
    assert since_s <= 24.0 < found_s < 40.0


def test_times_that_begin_anew_are_a_new_session_at_the_same_place() -> None:
    camera = VirtualCamera(View.FRONT, yaw_deg=5.0)
    estimator = _estimator(camera)
    first = _feed(estimator, project_motion(_runner(), camera), _contacts())[-1]
    second = _feed(estimator, project_motion(_runner(), camera), _contacts())[0]
    assert second.yaw_deg == pytest.approx(first.yaw_deg, abs=0.3)


@pytest.mark.parametrize("view", FRONTAL)
@pytest.mark.parametrize(("yaw_deg", "offset_m"), [(10.0, 0.0), (-10.0, 0.0), (0.0, 0.55), (0.0, -0.55), (6.0, 0.25)])
def test_following_the_advice_brings_the_camera_straight(view: View, yaw_deg: float, offset_m: float) -> None:
    camera = VirtualCamera(view, yaw_deg=yaw_deg, offset_m=offset_m)
    found = _found(camera)
    advice = str(found.advice)
    moved = re.search(r"Move the camera (\d+) cm to the (left|right)", advice)
    assert moved is not None
    turned = re.search(r"turn it (\d+)° to the (left|right)", advice)
    # Seen from behind the camera its right is + offset; a turn to the left is counterclockwise from above, so + yaw.
    aside_m = float(moved[1]) / 100 * (1 if moved[2] == "right" else -1)
    turn_deg = 0.0 if turned is None else float(turned[1]) * (1 if turned[2] == "left" else -1)
    aim_m = camera.place_m(np.zeros(2)) + aside_m * camera.axes()[0]
    new_yaw_deg = yaw_deg + turn_deg
    assert abs(new_yaw_deg) <= max(3.0, abs(yaw_deg) / 2)
    toward_m, right_m = aim_m[0], aim_m[2]
    facing = 1 if view is View.FRONT else -1
    bearing_deg = math.degrees(math.atan2(-facing * right_m, facing * toward_m))
    assert abs(bearing_deg) < abs(_azimuth(found)) / 2


@pytest.mark.parametrize("pose", [CameraPose(), CameraPose(1.0, 0.5, -1.0, -5.0, 2.0, 0.1, "belt", "good", "x", True)])
def test_json_and_back(pose: CameraPose) -> None:
    assert CameraPose.from_json(pose.as_json()) == pose


def test_json_has_the_agreed_keys_and_leaves_unknown_ones_alone() -> None:
    assert set(CameraPose().as_json()) >= {
        "yaw_deg", "yaw_sd_deg", "roll_deg", "pitch_deg", "azimuth_left_deg", "azimuth_right_deg",
        "source", "state", "advice",
    }  # fmt: skip
    assert CameraPose.from_json({"yaw_deg": 2, "lens": "wide"}).yaw_deg == 2


@pytest.mark.parametrize("block", [{"yaw_deg": "2"}, {"yaw_deg": math.nan}, {"roll_deg": True}, {"state": "fine"}])
def test_json_with_a_wrong_value_is_refused(block: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="camera"):
        CameraPose.from_json(block)


def test_a_side_view_is_refused() -> None:
    with pytest.raises(ValueError, match="front"):
        CameraPoseEstimator(View.SIDE, (640, 480), 600.0)


def test_focal_length_from_the_field_of_view_or_a_stated_default() -> None:
    assert focal_px((640, 480), 41.4) == pytest.approx(focal_px((640, 480)))
    assert focal_px((640, 480), 53.13) == pytest.approx(480, abs=0.1)
    assert focal_px((480, 640)) == pytest.approx(focal_px((640, 480)))


def _true_fppa(xyz_m: np.ndarray[tuple[int, ...], np.dtype[np.float64]], side: Side) -> float:
    return float(k.fppa_image_deg(np.stack([xyz_m[:, 2], -xyz_m[:, 1]], axis=-1), side))


@pytest.mark.parametrize("view", FRONTAL)
@pytest.mark.parametrize("yaw_deg", [-12.0, 0.0, 12.0])
@pytest.mark.parametrize("dive_m", [0.0, 0.035])
def test_the_frontal_angle_does_not_depend_on_the_camera(view: View, yaw_deg: float, dive_m: float) -> None:
    motion = Motion(_runner().t_s, _runner().xyz_m.copy())
    motion.xyz_m[:, Joint.LEFT_KNEE, 2] += dive_m
    camera = VirtualCamera(view, yaw_deg=yaw_deg, height_m=1.1, roll_deg=2.0)
    known = CameraPose(yaw_deg, 0.5, 2.0, camera.aim_deg, yaw_deg, yaw_deg, "given", "good")
    plane = FrontalPlane(known, view, camera.focal_px, camera.size_px)
    poses = list(project_motion(motion, camera))
    for side, strike_s, toe_off_s in _contacts()[4:10]:
        i = int(np.argmin(np.abs(motion.t_s - (strike_s + toe_off_s) / 2)))
        xy = plane.rectify(poses[i].xy_px, side)
        assert float(plane.fppa_deg(poses[i].xy_px, side)) == pytest.approx(_true_fppa(motion.xyz_m[i], side), abs=3.0)
        assert float(k.pelvic_drop_deg(xy, side)) == pytest.approx(0.0, abs=1.5)
        assert float(k.trunk_lean_deg(xy, side)) == pytest.approx(0.0, abs=2.5)


def test_nothing_is_told_of_a_camera_that_is_not_known() -> None:
    pose = next(project_motion(_runner(), VirtualCamera(View.FRONT)))
    unknown = FrontalPlane(CameraPose(), View.FRONT, 600.0, (640, 480))
    assert np.isnan(unknown.fppa_deg(pose.xy_px, Side.LEFT))


@pytest.mark.parametrize("view", [View.FRONT, View.REAR])
def test_one_pose_has_the_same_angle_alone_as_among_others(view: View) -> None:
    camera = CameraPose(7.0, 1.0, 2.0, -6.0, 7.0, 7.0, "given", "good")
    plane = FrontalPlane(camera, view, 600.0, (640, 480), Surface(0.09, 0.05, 0.01, 0.02))
    rng = np.random.default_rng(5)
    poses, phases = rng.uniform(50.0, 430.0, (20, 17, 2)), rng.uniform(-0.2, 1.2, 20)
    poses[18, Joint.LEFT_KNEE] = np.nan
    phases[19] = np.nan
    for side in Side:
        many = plane.fppa_deg(poses, side, phases)
        one_by_one = [float(plane.fppa_deg(*each)) for each in zip(poses, [side] * 20, phases, strict=True)]
        assert one_by_one == pytest.approx(many, abs=1e-9, nan_ok=True)
    nowhere = poses[0].copy()
    nowhere[Joint.LEFT_ANKLE] = nowhere[Joint.LEFT_HIP]
    assert np.isnan(plane.fppa_deg(nowhere, Side.LEFT))


def test_uncertainty_grows_with_azimuth_dive_and_unsure_yaw() -> None:
    def of(fppa_deg: float, camera: CameraPose) -> float:
        return fppa_uncertainty_deg(camera, Side.LEFT, fppa_deg)

    square = CameraPose(0.0, 1.0, azimuth_left_deg=0.0, state="good")
    assert of(5.0, square) < of(5.0, replace(square, azimuth_left_deg=10.0))
    assert of(5.0, square) < of(5.0, replace(square, yaw_sd_deg=2.0))
    assert of(5.0, square) < of(15.0, square)
    assert math.isnan(of(5.0, CameraPose()))


def test_uncertainty_is_that_of_yaw_azimuth_model_and_dive() -> None:
    """A tenth of the azimuth is left over, and a knee is shown three quarters of what is off."""
    sure = CameraPose(0.0, 0.0, azimuth_left_deg=0.0, azimuth_right_deg=20.0, state="good")
    unsure = replace(sure, yaw_sd_deg=3.0)
    assert fppa_uncertainty_deg(sure, Side.LEFT, 4.5, seen_by_model=False) == 0.0
    assert fppa_uncertainty_deg(sure, Side.LEFT, 4.5) > 1.0
    assert fppa_uncertainty_deg(sure, Side.RIGHT, 4.5, seen_by_model=False) == pytest.approx(2.0 / 0.75)
    assert fppa_uncertainty_deg(unsure, Side.LEFT, 4.5, seen_by_model=False) == pytest.approx(3.0 / 0.75)
    # Of a dive that is put back nobody knows to a sixth or so how much was shown; of no dive that adds nothing.
    assert fppa_uncertainty_deg(unsure, Side.LEFT, -5.0, False) == fppa_uncertainty_deg(unsure, Side.LEFT, 4.5, False)
    assert fppa_uncertainty_deg(sure, Side.LEFT, 14.5, seen_by_model=False) == pytest.approx(1.5)


def _measured_contacts(path: Path) -> list[Contact]:
    """Stances of a motion capture, by its force plates."""
    with np.load(path) as held:
        spans = [
            (side, float(s), float(held[f"{side}_toe_off_s"][held[f"{side}_toe_off_s"] > s].min(initial=math.inf)))
            for side in Side
            for s in held[f"{side}_strike_s"]
        ]
    return sorted((one for one in spans if one[2] - one[1] < 0.5), key=lambda one: one[1])


@pytest.mark.parametrize("view", FRONTAL)
@pytest.mark.parametrize("yaw_deg", [-10.0, 10.0])
def test_motion_capture_seen_from_aside(shared: Path, view: View, yaw_deg: float) -> None:
    path = shared / "mocap" / "run_s02.npz"
    camera = VirtualCamera(view, yaw_deg=yaw_deg)
    estimator = CameraPoseEstimator(view, camera.size_px, camera.focal_px, 3.9, model_name="none")
    _feed(estimator, project_motion(read_motion(path), camera), _measured_contacts(path))
    assert estimator.current().yaw_deg == pytest.approx(yaw_deg, abs=1.5)


@pytest.mark.parametrize("view", FRONTAL)
@pytest.mark.parametrize("yaw_deg", [-12.0, 12.0])
def test_how_far_a_leg_is_ahead_early_and_late_in_stance_is_taken_out(
    shared: Path, view: View, yaw_deg: float
) -> None:
    """Of a real runner, whose knee and ankle go back with the belt: the thigh as a camera straight ahead shows it."""
    path = shared / "mocap" / "run_s02.npz"
    motion, camera = read_motion(path), VirtualCamera(view, yaw_deg=yaw_deg)
    known = CameraPose(yaw_deg, 0.5, 0.0, camera.aim_deg, yaw_deg, yaw_deg, "given", "good")
    plane = FrontalPlane(known, view, camera.focal_px, camera.size_px)
    poses, off_deg = list(project_motion(motion, camera, fps=60.0)), []
    for side, strike_s, toe_off_s in _measured_contacts(path)[2:22]:
        for phase in (0.2, 0.7):
            i = int(np.argmin(np.abs(motion.t_s - (strike_s + phase * (toe_off_s - strike_s)))))
            flat = np.stack([motion.xyz_m[i, :, 2], -motion.xyz_m[i, :, 1]], axis=-1)
            seen = plane.rectify(poses[i].xy_px, side, phase)
            off_deg.append(float(k.hip_adduction_deg(seen, side) - k.hip_adduction_deg(flat, side)))
    assert math.sqrt(np.square(off_deg).mean()) < 4.0
