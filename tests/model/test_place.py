"""The camera's place goes by what is told: the runner's height while that runner is there, and that of the lens."""

from __future__ import annotations

import math
from collections.abc import Iterator

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
    assert same.camera is known


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
