"""The camera's place goes by what is told: the runner's height while that runner is there, and that of the lens."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from model.analysis import AnalysisSettings, Outcome, RunAnalysis
from model.camera_pose import CameraPose
from model.place import CameraPlace
from model.pose import Pose, Side, View
from model.virtual_camera import Motion, VirtualCamera, project_motion
from tests.model.walkers import Walker

CAMERA = VirtualCamera(View.FRONT, yaw_deg=6.0)
#: What a lens may be told to be high so that another place is found: it is 1.2 m high.
LOW_M = 0.7


def runs(place: CameraPlace, seconds: float = 12.0) -> CameraPose:
    """What is known of the camera's place after a run before it."""
    for _ in outcomes(RunAnalysis(AnalysisSettings(view=View.FRONT), place), seconds):
        pass
    return place.camera


def outcomes(analysis: RunAnalysis, seconds: float, camera: VirtualCamera = CAMERA) -> Iterator[Outcome]:
    """Of a run before the camera."""
    walker = Walker(speed_m_s=3.0)
    t_s = np.arange(0.0, seconds, 1 / 30)
    motion = Motion(t_s, np.stack([walker.joints_m(float(t)) for t in t_s]))
    for pose in project_motion(motion, camera):
        yield analysis.step(pose.t_s, pose)


def place(height_m: float | None = None) -> CameraPlace:
    return CameraPlace(None, CAMERA.vfov_deg, 3.0, height_m)


def test_a_height_that_comes_later_counts_as_one_from_the_start() -> None:
    told = place()
    told.set_height(2.1)
    tall = runs(told)
    assert tall == runs(place(2.1))
    assert tall != runs(place())


def bare(camera_m: float | None = None, known: CameraPose | None = None) -> CameraPlace:
    """Nothing is told of runner and belt."""
    return CameraPlace(None, CAMERA.vfov_deg, camera_m=camera_m, known=known)


def test_a_lens_height_that_is_told_while_running_counts_at_once_as_one_from_the_start() -> None:
    told = bare()
    without_deg, with_deg = runs(told).yaw_deg, runs(bare(LOW_M)).yaw_deg
    assert without_deg != pytest.approx(with_deg, abs=0.3)
    told.set_camera_height(LOW_M)
    assert told.camera.yaw_deg == pytest.approx(with_deg, abs=0.05)
    told.set_camera_height(None)
    assert told.camera.yaw_deg == pytest.approx(without_deg, abs=0.05)


def test_a_place_that_was_found_without_the_lens_height_does_not_pull_it_back() -> None:
    astray = CameraPose(yaw_deg=9.0, yaw_sd_deg=1.0, state="good")
    for frames_before in (True, False):
        told = bare(known=astray)
        if frames_before:
            runs(told, 1.0)
            assert told.camera.yaw_deg == 9.0
        told.set_camera_height(CAMERA.height_m)
        assert told.camera.state == "unknown"
        assert runs(told).yaw_deg == pytest.approx(runs(bare(CAMERA.height_m)).yaw_deg, abs=0.1)


def test_a_lens_height_that_is_no_news_changes_nothing() -> None:
    known = CameraPose(yaw_deg=6.0, yaw_sd_deg=1.0, state="good")
    same = bare(1.2, known)
    same.set_camera_height(1.2)
    assert same.camera == known


def test_a_height_that_goes_leaves_the_average_one_and_the_place_that_was_found() -> None:
    later = place(2.1)
    before = runs(later)
    later.set_height(None)
    assert later.camera.yaw_deg == before.yaw_deg
    assert later.camera.source == "given"
    again = place()
    again.set_height(None)
    assert runs(again) == runs(place())
    kept = runs(again)
    again.set_height(None)  # no news: nothing begins anew
    assert again.camera is kept


SIDEWAYS = VirtualCamera(View.SIDE)


def runs_on(analysis: RunAnalysis, *parts: tuple[float, VirtualCamera]) -> Iterator[tuple[float, Outcome]]:
    """One after another, seen by each camera until then (seconds): the runner turns, not the camera."""
    shown = [(until_s, list(_poses(camera, parts[-1][0]))) for until_s, camera in parts]
    for i, last in enumerate(shown[-1][1]):
        poses = next(poses for until_s, poses in shown if last.t_s < until_s)
        yield last.t_s, analysis.step(last.t_s, poses[i])


def _poses(camera: VirtualCamera, seconds: float) -> Iterator[Pose]:
    walker = Walker(speed_m_s=3.0)
    t_s = np.arange(0.0, seconds, 1 / 30)
    yield from project_motion(Motion(t_s, np.stack([walker.joints_m(float(t)) for t in t_s])), camera)


def test_who_turns_aside_for_a_moment_is_measured_on_as_before() -> None:
    analysis = RunAnalysis(AnalysisSettings(), bare())
    states, after = set(), []
    for t_s, outcome in runs_on(analysis, (12.0, CAMERA), (14.5, SIDEWAYS), (24.0, CAMERA)):
        if t_s > 11.5:
            states.add(outcome.view)
            assert outcome.camera.state == "good"
            assert outcome.camera.source != "given"
        after += [stance for stance in outcome.stances if t_s > 16.0 and outcome.view is View.FRONT]
    assert states == {View.FRONT, View.SIDE}
    assert len(after) >= 15
    assert all(math.isfinite(stance.values["fppa_deg"]) for stance in after)


def test_who_steps_off_sideways_leaves_the_place_that_was_found() -> None:
    analysis = RunAnalysis(AnalysisSettings(), bare())
    *_, (_, outcome) = runs_on(analysis, (12.0, CAMERA), (15.0, SIDEWAYS))
    assert outcome.view is View.SIDE
    assert analysis.place.camera.usable


def test_a_place_from_before_is_used_by_who_is_seen_sideways_first() -> None:
    known = CameraPose(yaw_deg=6.0, yaw_sd_deg=1.0, state="good", source="belt")
    analysis = RunAnalysis(AnalysisSettings(), bare(known=known))
    fppa = []
    for t_s, outcome in runs_on(analysis, (2.5, SIDEWAYS), (8.0, CAMERA)):
        fppa += [stance.values["fppa_deg"] for stance in outcome.stances if outcome.view is View.FRONT and t_s > 4.5]
    assert len(fppa) >= 8
    assert np.isfinite(fppa).all()


def test_after_a_long_time_aside_the_place_is_used_and_tried_anew() -> None:
    """Who has turned the treadmill or the camera for a run from the side may not have put it back as it was."""
    analysis = RunAnalysis(AnalysisSettings(), bare())
    *_, (_, outcome) = runs_on(analysis, (10.0, CAMERA), (75.0, SIDEWAYS), (77.0, CAMERA))
    assert outcome.view is View.FRONT
    assert outcome.camera.source == "given"
    assert outcome.camera.usable


def test_what_is_told_while_the_runner_is_aside_counts_afterwards() -> None:
    told = bare()
    for _ in runs_on(RunAnalysis(AnalysisSettings(), told), (12.0, CAMERA), (14.5, SIDEWAYS)):
        pass
    found_deg = told.camera.yaw_deg
    told.set_camera_height(LOW_M)
    assert told.camera.usable
    assert told.camera.yaw_deg != pytest.approx(found_deg, abs=0.3)
    told.set_height(2.1)
    assert told.camera.source == "given"


#: Where the camera stood once.
BEFORE = CameraPose(0.3, 1.0, azimuth_left_deg=0.3, azimuth_right_deg=0.3, state="good", source="belt")


@pytest.mark.parametrize("yaw_deg", [12.0, 20.0])
def test_a_baseline_is_not_learnt_across_a_move_of_the_camera(yaw_deg: float) -> None:
    camera = VirtualCamera(View.FRONT, yaw_deg=yaw_deg)
    learnt = []
    for known in (None, BEFORE):
        analysis = RunAnalysis(AnalysisSettings(view=View.FRONT), bare(known=known))
        analysis.coach.know({}, measure=True, schedule=None)
        moves = [one.moved_since_s for one in outcomes(analysis, 30.0, camera) if one.moved_since_s is not None]
        assert len(moves) == (known is not None)
        learnt.append({side: analysis.coach.learnt.get((side, "fppa_deg")) for side in Side})
    for side in Side:
        without, across = learnt[0][side], learnt[1][side]
        if without is None or across is None:
            assert (without, across, yaw_deg) == (None, None, 20.0)
        else:
            assert across.mean == pytest.approx(without.mean, abs=1.0)
            assert across.sd < without.sd + 0.5


def session(place: CameraPlace, *parts: tuple[float, VirtualCamera]) -> list[Outcome]:
    """A session of its own, in which the runner is seen by each camera until then (seconds)."""
    return [outcome for _, outcome in runs_on(RunAnalysis(AnalysisSettings(), place), *parts)]


BEHIND = VirtualCamera(View.REAR, yaw_deg=12.0)


def test_each_view_has_its_own_place_and_the_newest_that_was_found_is_kept() -> None:
    place = bare()
    assert place.found == {}
    outcomes = session(place, (12.0, CAMERA), (14.5, BEHIND))
    assert outcomes[-1].view is View.REAR
    assert not outcomes[-1].camera.usable
    assert place.camera_of(View.FRONT).yaw_deg == pytest.approx(6.0, abs=2.0)
    assert place.camera_of(View.REAR) == place.camera_of(None) == place.camera
    assert place.found == {View.FRONT: place.camera_of(View.FRONT)}


def test_a_kept_place_is_that_of_its_view_only() -> None:
    """Else whoever ran on the other way round after a restart would have moved the camera."""
    astray = CameraPose(yaw_deg=-12.0, yaw_sd_deg=1.0, state="good", source="belt")
    place = CameraPlace(None, CAMERA.vfov_deg, known_of={View.REAR: astray})
    assert place.camera_of(View.FRONT).state == "unknown"
    outcomes = session(place, (30.0, CAMERA))
    assert not any(outcome.moved_since_s is not None for outcome in outcomes)
    assert not any(outcome.camera.source == "given" for outcome in outcomes if outcome.view is not None)
    assert place.camera_of(View.REAR) == astray
    assert list(place.found) == [View.REAR, View.FRONT]


AHEAD = CameraPose(yaw_deg=6.0, yaw_sd_deg=1.0, state="good", source="belt")
BACK = CameraPose(yaw_deg=12.0, yaw_sd_deg=1.0, state="good", source="belt")


def known(*views: View) -> CameraPlace:
    """With what was kept of these views, the newest last."""
    kept = {View.FRONT: AHEAD, View.REAR: BACK}
    return CameraPlace(None, CAMERA.vfov_deg, known_of={view: kept[view] for view in views})


@pytest.mark.parametrize("views", [(View.FRONT, View.REAR), (View.REAR, View.FRONT)])
def test_both_kept_places_are_used_each_where_its_view_is_seen(views: tuple[View, View]) -> None:
    place = known(*views)
    assert list(place.found) == list(views)
    assert place.camera == place.camera_of(views[1])  # the newest
    outcomes = session(place, (4.0, CAMERA), (8.0, BEHIND))
    assert not any(outcome.moved_since_s is not None for outcome in outcomes)
    assert {outcome.camera.source for outcome in outcomes if outcome.view is not None} >= {"given"}
    seen = {view: [one.camera for one in outcomes if one.view is view] for view in views}
    assert (seen[View.FRONT][0].yaw_deg, seen[View.REAR][0].yaw_deg) == (6.0, 12.0)
    assert all(camera.usable for cameras in seen.values() for camera in cameras)
    assert list(place.found) == [View.FRONT, View.REAR]


def test_what_was_known_of_a_view_is_kept_on_while_another_is_seen() -> None:
    place = known(View.FRONT, View.REAR)
    session(place, (12.0, CAMERA))
    assert list(place.found.items()) == [(View.REAR, BACK), (View.FRONT, place.camera)]
    place.set_camera_height(CAMERA.height_m)  # it was found without
    assert list(place.found) == [View.FRONT]


def test_steps_that_contradict_themselves_do_not_take_what_was_known_from_the_disk() -> None:
    """Whoever's legs are confused in poor light says nothing of where the camera stands."""
    place = known(View.FRONT, View.REAR)
    session(place, (2.0, CAMERA))
    assert place._finding is not None
    refused = CameraPose(state="refused", advice="The feet tell different places of the camera.")
    place._finding.plane = replace(place._finding.plane, camera=refused)
    assert place.camera == refused
    assert list(place.found.items()) == [(View.REAR, BACK), (View.FRONT, AHEAD)]


#: The camera was moved from where it was known to be in front, to where it does not belong behind, either.
MOVED = VirtualCamera(View.FRONT, yaw_deg=-6.0)
MOVED_BEHIND = VirtualCamera(View.REAR, yaw_deg=0.0)


def test_a_camera_that_was_moved_was_moved_for_both_views() -> None:
    """The other view's place was still used, and the same move noticed a second time by it."""
    place = known(View.REAR, View.FRONT)
    outcomes = session(place, (25.0, MOVED))
    assert sum(outcome.moved_since_s is not None for outcome in outcomes) == 1
    assert list(place.found) == [View.FRONT]
    assert place.camera_of(View.REAR).state == "unknown"
    outcomes = session(place, (25.0, MOVED_BEHIND))
    assert not any(outcome.moved_since_s is not None for outcome in outcomes)
    assert not any(outcome.camera.source == "given" for outcome in outcomes if outcome.view is View.REAR)
    assert list(place.found) == [View.FRONT, View.REAR]
    assert place.found[View.REAR].yaw_deg == pytest.approx(0.0, abs=2.0)


def test_a_move_does_not_take_from_the_session_what_it_was_measured_with() -> None:
    """Most of it was seen from behind; who turned then has noticed a move. The next one does not use it any more."""
    place = known(View.FRONT)
    outcomes = session(place, (12.0, BEHIND), (40.0, MOVED))
    assert sum(outcome.moved_since_s is not None for outcome in outcomes) == 1
    behind = place.camera_of(View.REAR)
    assert behind.yaw_deg == pytest.approx(12.0, abs=2.0)
    assert list(place.found) == [View.FRONT]
    place.set_height(1.9)  # whatever is told meanwhile
    assert place.camera_of(View.REAR).yaw_deg == behind.yaw_deg
    assert list(place.found) == [View.FRONT]
    RunAnalysis(AnalysisSettings(), place)
    assert place.camera_of(View.REAR).state == "unknown"


def test_who_turns_back_after_a_move_is_not_measured_with_the_place_before_it() -> None:
    place = known(View.FRONT)
    outcomes = session(place, (12.0, BEHIND), (37.0, MOVED), (62.0, MOVED_BEHIND))
    assert sum(outcome.moved_since_s is not None for outcome in outcomes) == 1
    after = [one.camera for one in outcomes if one.view is View.REAR and one.t_s > 37.0]
    assert not after[0].usable
    assert place.found[View.REAR].yaw_deg == pytest.approx(0.0, abs=2.0)


def test_a_kept_place_without_a_view_is_that_of_the_first_one_seen() -> None:
    known = CameraPose(yaw_deg=6.0, yaw_sd_deg=1.0, state="good", source="belt")
    place = bare(known=known)
    assert place.camera_of(View.FRONT) == place.camera_of(View.REAR) == known
    session(place, (1.0, SIDEWAYS), (4.0, CAMERA))
    assert place.camera_of(View.FRONT).source == "given"
    assert place.camera_of(View.REAR).state == "unknown"


def test_what_was_put_aside_in_an_earlier_session_is_tried_anew() -> None:
    """Times begin anew with each session: by them alone, it would have been aside for a moment only."""
    place = bare()
    session(place, (12.0, CAMERA), (15.0, SIDEWAYS))
    assert place.camera_of(View.FRONT).source == "vanishing_point"
    # Put aside 12 s after the start of that session, and seen again later than that in this one.
    outcomes = session(place, (14.0, SIDEWAYS), (16.5, CAMERA))
    assert outcomes[-1].view is View.FRONT
    assert outcomes[-1].camera.source == "given"


def test_steps_of_two_short_sessions_are_not_taken_for_those_of_one() -> None:
    place = bare()
    session(place, (1.0, CAMERA))
    assert place._finding is not None
    assert len(place._finding.estimator._poses) > 0
    RunAnalysis(AnalysisSettings(), place)
    assert len(place._finding.estimator._poses) == 0


def test_a_move_is_told_until_the_session_ends_whatever_is_told_meanwhile() -> None:
    place = bare(known=BEFORE)
    session(place, (30.0, VirtualCamera(View.FRONT, yaw_deg=12.0)))
    assert place.camera.moved
    place.set_height(1.9)
    assert place.camera.moved
    place.set_belt_speed(3.0)
    assert place.camera.moved
    place.begin_session()
    assert not place.camera.moved


def test_a_move_that_an_earlier_run_of_the_device_has_noticed_is_told_no_more() -> None:
    place = bare(known=replace(BEFORE, moved=True))
    assert not place.camera.moved
    assert not session(place, (3.0, SIDEWAYS))[-1].camera.moved


def test_a_move_that_the_background_tells_counts_at_once() -> None:
    """The feet would tell it some seconds later, and until then the old place would be taken out of the angles."""
    place = known(View.FRONT, View.REAR)
    analysis = RunAnalysis(AnalysisSettings(view=View.FRONT), place)
    before = list(outcomes(analysis, 6.0))
    assert before[-1].camera.usable
    after: list[Outcome] = []
    for pose in _poses(MOVED, 16.0):
        if pose.t_s > 6.0:
            after.append(analysis.step(pose.t_s, pose, moved_since_s=None if after else 5.9))
    assert after[0].moved_since_s == 5.9
    assert after[0].camera == replace(after[0].camera, state="unknown", yaw_deg=None, moved=True)
    assert place.camera_of(View.REAR).state == "unknown"
    assert not any(outcome.moved_since_s is not None for outcome in after[1:])
    found = next(outcome for outcome in after if outcome.camera.usable)
    assert found.t_s < 10.0
    assert found.camera.moved
    assert after[-1].camera.yaw_deg == pytest.approx(MOVED.yaw_deg, abs=2.0)
    assert list(place.found) == [View.FRONT]
