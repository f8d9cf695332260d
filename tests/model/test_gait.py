"""Steps of walkers in closed form, of motion capture on force plates, and of people who do not walk."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from model.gait import GaitDetector, GaitEvent
from model.metrics import METRICS
from model.pose import KEYPOINT_NAMES, LEGS, FloatArray, Joint, Pose, Side, View
from model.virtual_camera import Motion, VirtualCamera, project_motion
from tests.model.walkers import Camera, Walker, mirrored

DEMO = Path(__file__).resolve().parents[2] / "device" / "demo" / "demo_front.json"
END_S = 6.0
#: Steps per minute, share of the stride that is contact, belt speed.
RUNS = [(120.0, 0.34, 2.0), (170.0, 0.35, 3.0), (220.0, 0.33, 4.0)]
WALK = Walker(((0.0, 110.0),), duty=0.61, speed_m_s=1.3, bounce_m=0.02)
NOISE_PX = 2.0
UNSURE_S = METRICS["contact_s"].uncertainty[View.SIDE]


def runner(spm: float, duty: float, speed_m_s: float) -> Walker:
    return Walker(((0.0, spm),), duty, speed_m_s)


def detect(poses: Iterable[Pose], view: View) -> tuple[GaitDetector, list[GaitEvent]]:
    detector = GaitDetector()
    return detector, [event for pose in poses for event in detector.step(pose, pose.t_s, view)]


def times(events: Iterable[GaitEvent], kind: str, side: Side) -> FloatArray:
    return np.array([event.t_s for event in events if event.kind == kind and event.side is side])


def errors_s(found: FloatArray, truth: FloatArray, from_s: float = 0.8, until_s: float = END_S - 0.3) -> FloatArray:
    """One error for each true event of the span; fails where one is missed or invented."""
    truth = truth[(truth >= from_s) & (truth <= until_s)]
    near = [found[np.argmin(np.abs(found - t))] for t in truth]
    assert len(set(near)) == len(truth), "two true events share one found event: one is missed"
    error = np.array(near) - truth
    assert np.abs(error).max() < 0.15, "an event is missed"
    between = found[(found > truth[0] - 0.1) & (found < truth[-1] + 0.1)]
    assert len(between) == len(truth), "an event is invented"
    return error


def strike_errors_s(events: list[GaitEvent], walker: Walker) -> FloatArray:
    return np.concatenate([errors_s(times(events, "strike", side), walker.strikes_s(side, END_S)) for side in Side])


@pytest.mark.parametrize("view", View)
@pytest.mark.parametrize(("run", "fps"), [(run, 30.0) for run in RUNS] + [(RUNS[1], 60.0), (RUNS[2], 120.0)])
def test_runner(run: tuple[float, float, float], view: View, fps: float) -> None:
    walker = runner(*run)
    detector, events = detect(walker.poses(fps, END_S, Camera(view), NOISE_PX), view)
    assert np.abs(strike_errors_s(events, walker)).mean() < (0.035 if view.frontal else 0.020)
    for side in Side:
        toe_off = errors_s(times(events, "toe_off", side), walker.toe_offs_s(side, END_S))
        assert np.abs(toe_off).mean() < 0.035
        contact_s = detector.expected_contact_s(side)
        assert contact_s == pytest.approx(walker.duty * 120 / run[0], abs=UNSURE_S)
    assert detector.cadence_spm() == pytest.approx(run[0], abs=1.0)
    assert detector.state == "running"
    late = [(event.decided_t_s - event.t_s) * fps for event in events if event.t_s > 1.5]
    assert min(late) > 0
    assert max(late) < 3.0  # the event lies up to one frame before the first one that shows it


@pytest.mark.parametrize("view", View)
def test_cadence_at_ten_frames_per_second(view: View) -> None:
    detector, _ = detect(runner(*RUNS[1]).poses(10.0, END_S, Camera(view), NOISE_PX), view)
    assert detector.cadence_spm() == pytest.approx(170.0, abs=1.0)


@pytest.mark.parametrize(("before_spm", "after_spm"), [(150.0, 180.0), (180.0, 150.0)])
@pytest.mark.parametrize("view", View)
def test_cadence_while_the_belt_changes_its_speed(view: View, before_spm: float, after_spm: float) -> None:
    """Steps of before are not counted by the length that a step has now."""
    ramp = [(6.0 + i / 4, before_spm + (after_spm - before_spm) * (i + 1) / 16) for i in range(16)]
    walker = Walker(((0.0, before_spm), *ramp))
    strikes_s = np.sort(np.concatenate([walker.strikes_s(side, 14.0) for side in Side]))
    detector = GaitDetector()
    for pose in walker.poses(30.0, 14.0, Camera(view), NOISE_PX):
        detector.step(pose, pose.t_s, view)
        last = strikes_s[strikes_s <= pose.t_s][-13:]
        if pose.t_s > 5.0:
            assert detector.cadence_spm() == pytest.approx(60.0 / np.diff(last).mean(), abs=5.0)


@pytest.mark.parametrize("fps", [30.0, 60.0])
@pytest.mark.parametrize("view", View)
def test_walker(view: View, fps: float) -> None:
    detector, events = detect(WALK.poses(fps, END_S, Camera(view), NOISE_PX), view)
    assert detector.state == "walking"
    assert np.abs(strike_errors_s(events, WALK)).mean() < 0.035
    assert detector.cadence_spm() == pytest.approx(110.0, abs=1.0)


@pytest.mark.parametrize(
    "camera",
    [
        Camera(yaw_deg=20.0),
        Camera(yaw_deg=-20.0),
        Camera(distance_m=2.0, height_m=0.6, size_px=(720, 1280), focal_px=900.0),
        Camera(distance_m=4.0, height_m=1.8, size_px=(320, 240), focal_px=320.0),
    ],
)
@pytest.mark.parametrize("view", View)
def test_other_cameras(view: View, camera: Camera) -> None:
    walker = runner(*RUNS[1])
    camera = replace(camera, view=view)
    noise_px = camera.focal_px / camera.distance_m / 100
    _, events = detect(walker.poses(30.0, END_S, camera, noise_px), view)
    assert np.abs(strike_errors_s(events, walker)).mean() < (0.035 if view.frontal else 0.020)


@pytest.mark.parametrize("view", View)
def test_mirror_swaps_sides_and_changes_nothing_else(view: View) -> None:
    poses = list(runner(*RUNS[1]).poses(30.0, 4.0, Camera(view), NOISE_PX))
    _, straight = detect(poses, view)
    _, mirror = detect(map(mirrored, poses), view)
    assert [(e.kind, e.side.other) for e in mirror] == [(e.kind, e.side) for e in straight]
    assert [e.t_s for e in mirror] == pytest.approx([e.t_s for e in straight], abs=1e-6)


@pytest.mark.parametrize(("scale", "shift_px"), [(3.0, 0.0), (0.4, 55.0), (1.0, -200.0)])
@pytest.mark.parametrize("view", View)
def test_scale_and_shift_change_nothing(view: View, scale: float, shift_px: float) -> None:
    poses = list(runner(*RUNS[1]).poses(30.0, 4.0, Camera(view), NOISE_PX))
    moved = [replace(pose, xy_px=pose.xy_px * scale + shift_px) for pose in poses]
    _, before = detect(poses, view)
    _, after = detect(moved, view)
    assert [(e.kind, e.side) for e in after] == [(e.kind, e.side) for e in before]
    assert [e.t_s for e in after] == pytest.approx([e.t_s for e in before], abs=1e-6)


def spoiled(poses: Iterable[Pose], how: str) -> list[Pose]:
    """Poses with dropped frames, joints lost for 100 ms, or legs that the pose model exchanged."""
    rng = np.random.default_rng(5)
    out = list(poses)
    if how == "dropped":
        return [pose for pose in out if rng.random() > 0.1]
    for _ in range(15):
        i = int(rng.integers(0, len(out) - 3))
        if how == "lost":
            joint = rng.integers(Joint.LEFT_SHOULDER, Joint.RIGHT_ANKLE + 1)
            for k in range(i, i + 3):
                xy = out[k].xy_px.copy()
                xy[joint] = math.nan
                out[k] = replace(out[k], xy_px=xy)
        else:
            order = [*range(13), 14, 13, 16, 15]
            out[i] = replace(out[i], xy_px=out[i].xy_px[order])
    return out


@pytest.mark.parametrize("how", ["dropped", "lost", "exchanged"])
@pytest.mark.parametrize("view", View)
def test_faults_of_camera_and_pose_model(view: View, how: str) -> None:
    walker = runner(*RUNS[1])
    poses = spoiled(walker.poses(30.0, END_S, Camera(view), NOISE_PX), how)
    _, events = detect(poses, view)
    assert all(math.isfinite(event.t_s) for event in events)
    assert np.abs(strike_errors_s(events, walker)).mean() < (0.035 if view.frontal else 0.020)


@pytest.mark.parametrize("view", View)
def test_nobody_for_a_second_and_back(view: View) -> None:
    walker = runner(*RUNS[1])
    detector = GaitDetector()
    for pose in walker.poses(30.0, END_S, Camera(view), NOISE_PX):
        gone = 3.0 < pose.t_s < 4.0
        events = detector.step(None if gone else pose, pose.t_s, view)
        assert not (events and 3.2 < pose.t_s < 4.0)
        if 3.6 < pose.t_s < 4.0:
            assert detector.state == "standing"
            assert detector.cadence_spm() is None
            assert all(detector.stance_elapsed_s(side, pose.t_s) is None for side in Side)
    assert detector.state == "running"
    assert detector.cadence_spm() == pytest.approx(170.0, abs=1.0)


def test_what_was_seen_before_the_view_was_known_counts() -> None:
    """Steps are decided from the first frame with a known view on, not half a second later."""
    walker = runner(*RUNS[1])
    detector = GaitDetector()
    events: list[GaitEvent] = []
    for pose in walker.poses(30.0, 1.5, Camera(View.SIDE), NOISE_PX):
        found = detector.step(pose, pose.t_s, View.SIDE if pose.t_s > 0.6 else None)
        assert not found or pose.t_s > 0.6
        events += found
    for side in Side:
        truth, strikes = walker.strikes_s(side, 1.4), times(events, "strike", side)
        late = truth[truth > 0.55]
        assert len(strikes) >= len(late) >= 1
        assert np.abs(strikes[-len(late) :] - late).max() < 0.04


@pytest.mark.parametrize("fps", [10.0, 30.0, 60.0])
@pytest.mark.parametrize("view", View)
def test_no_steps_while_standing(view: View, fps: float) -> None:
    detector, events = detect(Walker(((0.0, 0.0),)).poses(fps, 8.0, Camera(view), 3.0), view)
    assert events == []
    assert (detector.state, detector.cadence_spm()) == ("standing", None)
    assert [detector.expected_contact_s(side) for side in Side] == [None, None]


@pytest.mark.parametrize("view", View)
def test_no_steps_in_squats(view: View) -> None:
    camera, rng = Camera(view), np.random.default_rng(1)
    stand = Walker(((0.0, 0.0),)).joints_m(0.0)
    detector = GaitDetector()
    for t_s in np.arange(0.0, 12.0, 1 / 30):
        deep_m = 0.2 * (1 - math.cos(2 * math.pi * t_s / 2.4))
        joints = stand.copy()
        joints[: Joint.LEFT_KNEE, 1] -= deep_m
        joints[[Joint.LEFT_KNEE, Joint.RIGHT_KNEE]] += [deep_m, -deep_m / 2, 0.0]
        xy = camera.project(joints) + rng.normal(0.0, NOISE_PX, (17, 2))
        pose = Pose(float(t_s), xy, np.full(17, 0.8), camera.size_px)
        assert detector.step(pose, pose.t_s, view) == []


@pytest.mark.parametrize("view", View)
def test_starts_changes_speed_and_steps_on_the_rails(view: View) -> None:
    walker = Walker(((0.0, 0.0), (3.0, 170.0), (7.0, 0.0), (10.0, 160.0), (15.0, 180.0)), rails=True)
    detector = GaitDetector()
    events: list[GaitEvent] = []
    for pose in walker.poses(30.0, 20.0, Camera(view), NOISE_PX):
        events += detector.step(pose, pose.t_s, view)
        if pose.t_s < 3.0 or 8.0 < pose.t_s < 10.0:
            assert detector.state == "standing"
            assert all(detector.stance_elapsed_s(side, pose.t_s) is None for side in Side)
    for side in Side:
        strikes, found = walker.strikes_s(side, 20.0), times(events, "strike", side)
        for span in ((4.0, 6.9), (11.0, 15.0), (15.8, 19.5)):
            errors_s(found, strikes, *span)
        assert not ((found < 3.0) | ((found > 7.7) & (found < 10.0))).any()
    assert detector.cadence_spm() == pytest.approx(180.0, abs=1.0)


@pytest.mark.parametrize("view", View)
@pytest.mark.parametrize("stop_s", [6.0, 6.1, 6.2, 6.3, 6.4, 6.5])
def test_after_a_stop_the_first_foot_is_the_one_that_lands(view: View, stop_s: float) -> None:
    """Whichever it is: it says nothing that before the pause it was the other one's turn."""
    walker = Walker(((0.0, 170.0), (stop_s, 0.0), (stop_s + 2.0, 170.0)), rails=True)
    _, events = detect(walker.poses(30.0, 12.0, Camera(view), NOISE_PX), view)
    strikes = [event for event in events if event.kind == "strike" and event.t_s > stop_s + 2.0]
    assert len(strikes) >= 8
    landed = {side: walker.strikes_s(side, 12.0) for side in Side}
    for event in strikes:
        near_s = {side: np.abs(landed[side] - event.t_s).min() for side in Side}
        assert near_s[event.side] < near_s[event.side.other]


@pytest.mark.parametrize("view", View)
@pytest.mark.parametrize("stop_s", [6.0, 6.1, 6.2, 6.3, 6.4, 6.5])
def test_what_the_clock_strikes_on_after_a_stop_is_told(view: View, stop_s: float) -> None:
    walker = Walker(((0.0, 170.0), (stop_s, 0.0)), rails=True)
    detector = GaitDetector()
    events: list[GaitEvent] = []
    stops: list[float] = []
    for pose in walker.poses(30.0, 12.0, Camera(view), NOISE_PX):
        events += detector.step(pose, pose.t_s, view)
        if detector.stopped_since_s is not None:
            stops.append(detector.stopped_since_s)
    (since_s,) = stops
    assert stop_s - 0.75 < since_s < stop_s + 0.05
    assert max(event.t_s for event in events if event.kind == "strike") < stop_s + 0.7
    # A foot that is down when that is noticed did not leave the belt by running on.
    assert max(event.t_s for event in events if event.kind == "toe_off") < stop_s + 1.0


@pytest.mark.parametrize("fps", [30.0, 60.0])
@pytest.mark.parametrize(
    ("spm", "duty", "speed_m_s"), [(150.0, 0.45, 2.2), (160.0, 0.42, 2.5), (180.0, 0.32, 3.5), (210.0, 0.27, 5.5)]
)
def test_contact_time_from_the_side_is_the_runner_s_own(spm: float, duty: float, speed_m_s: float, fps: float) -> None:
    """From a shuffle to a sprint; a constant share of the step would be up to 70 ms off."""
    walker = runner(spm, duty, speed_m_s)
    detector, _ = detect(walker.poses(fps, END_S, Camera(View.SIDE), 0.8), View.SIDE)
    for side in Side:
        assert detector.expected_contact_s(side) == pytest.approx(duty * 120 / spm, abs=UNSURE_S)


#: When, seconds, that foot's own last stances are what its strikes go by.
LEARNT_S = 4.0


@pytest.mark.parametrize("fps", [30.0, 60.0])
@pytest.mark.parametrize(("spm", "duty", "speed_m_s"), [(150.0, 0.45, 2.2), (180.0, 0.32, 3.5), (210.0, 0.27, 5.5)])
def test_strikes_from_the_side_are_the_runner_s_own(spm: float, duty: float, speed_m_s: float, fps: float) -> None:
    """From a shuffle to a sprint; a constant share of the step would be up to 33 ms off."""
    walker = runner(spm, duty, speed_m_s)
    _, events = detect(walker.poses(fps, 8.0, Camera(View.SIDE), 0.8), View.SIDE)
    for side in Side:
        error = errors_s(times(events, "strike", side), walker.strikes_s(side, 8.0), LEARNT_S, 7.7)
        assert abs(error.mean()) < 0.022
        assert error.std() < 0.004
    assert max((event.decided_t_s - event.t_s) * fps for event in events if event.t_s > 1.5) < 3.0


@pytest.mark.parametrize("left_at", [0.42, 0.46, 0.54, 0.58])
def test_a_limp_is_seen_from_the_side(left_at: float) -> None:
    """The clock is one wave for both feet; by it alone either foot would be up to 30 ms off, in opposite ways."""
    walker = Walker(((0.0, 162.0),), 0.36, 2.6, left_at=left_at)
    detector, events = detect(walker.poses(30.0, 10.0, Camera(View.SIDE), 0.8), View.SIDE)
    off_s = []
    for side in Side:
        error = errors_s(times(events, "strike", side), walker.strikes_s(side, 10.0), LEARNT_S, 9.7)
        off_s.append(error.mean())
        assert abs(error.mean()) < 0.020
    assert abs(off_s[0] - off_s[1]) < 0.018
    assert detector.cadence_spm() == pytest.approx(162.0, abs=1.0)


def test_one_wild_stance_moves_no_strike() -> None:
    """An ankle that the pose model holds back before it lands, in one stance of eleven."""
    walker = runner(*RUNS[1])
    wild_s = walker.strikes_s(Side.LEFT, 10.0)[8]
    straight = list(walker.poses(30.0, 10.0, Camera(View.SIDE), 0.8))
    spoilt = []
    for pose in straight:
        xy = pose.xy_px.copy()
        if -0.12 < pose.t_s - wild_s < 0.02:
            xy[Joint.LEFT_ANKLE, 0] += 900.0 * (pose.t_s - wild_s)
        spoilt.append(replace(pose, xy_px=xy))
    found = [times(detect(poses, View.SIDE)[1], "strike", Side.LEFT) for poses in (straight, spoilt)]
    assert len(found[0]) == len(found[1])
    assert np.abs(found[0] - found[1])[found[0] > wild_s + 0.5].max() < 0.004


@pytest.mark.parametrize("view", [View.FRONT, View.SIDE])
@pytest.mark.parametrize("spm", [122.0, 132.0, 140.0])
def test_brisk_walking_is_no_running_however_much_it_bounces(view: View, spm: float) -> None:
    walker = Walker(((0.0, spm),), duty=0.58, speed_m_s=spm / 70, bounce_m=spm / 4500)
    detector = GaitDetector()
    states = []
    for pose in walker.poses(30.0, 10.0, Camera(view), NOISE_PX):
        detector.step(pose, pose.t_s, view)
        states.append(detector.state)
    assert set(states[60:]) == {"walking"}


def jogger(spm: float, duty: float, bounce_m_s2: float) -> Walker:
    """One who runs but hardly leaves the ground, or does not leave it."""
    bounce_m = bounce_m_s2 / (2 * math.pi * spm / 60) ** 2
    return Walker(((0.0, spm),), duty, 2.0, bounce_m, sway_m=0.02, grounded=True)


def brisk(spm: float, bounce_m: float) -> Walker:
    """A walker whose hips sway, as everybody's do."""
    return Walker(((0.0, spm),), 0.58, spm / 70, bounce_m, sway_m=0.025)


def middles(events: Iterable[GaitEvent]) -> list[tuple[Side, float]]:
    """Whose stances they are, and when the middle of each is."""
    out, down_s = [], {}
    for event in events:
        if event.kind == "strike":
            down_s[event.side] = event.t_s
        elif event.side in down_s:
            out.append((event.side, (down_s.pop(event.side) + event.t_s) / 2))
    return out


def own_legs(events: Iterable[GaitEvent], walker: Walker, from_s: float, until_s: float) -> None:
    """Fails where a stance's middle is not nearly that of the same leg."""
    told = [(side, mid_s) for side, mid_s in middles(events) if from_s < mid_s < until_s]
    assert len(told) >= 0.9 * (until_s - from_s) * walker.schedule[0][1] / 60
    for side, mid_s in told:
        true_s = walker.strikes_s(side, until_s + 1) + walker.duty / 2 * walker.stride_s(0.0)
        assert np.abs(true_s - mid_s).min() < 0.07


@pytest.mark.parametrize("view", [View.FRONT, View.REAR])
@pytest.mark.parametrize("height_m", [0.5, 1.7])
@pytest.mark.parametrize(("spm", "duty", "bounce_m_s2"), [(140.0, 0.52, 3.8), (150.0, 0.57, 3.0), (178.0, 0.57, 3.5)])
def test_who_runs_without_leaving_the_ground_runs(
    view: View, height_m: float, spm: float, duty: float, bounce_m_s2: float
) -> None:
    """As a walk it would be measured half a step off: of the other leg, from the front."""
    walker, camera = jogger(spm, duty, bounce_m_s2), Camera(view, height_m=height_m, yaw_deg=8.0)
    detector = GaitDetector()
    events: list[GaitEvent] = []
    states = []
    for pose in walker.poses(30.0, 10.0, camera, 1.0):
        events += detector.step(pose, pose.t_s, view)
        states.append(detector.state)
    assert set(states[75:]) == {"running"}
    own_legs(events, walker, 3.0, 9.5)


@pytest.mark.parametrize("height_m", [0.5, 1.7])
@pytest.mark.parametrize("spm", [122.0, 135.0, 145.0])
def test_brisk_walking_is_no_running_from_behind(height_m: float, spm: float) -> None:
    """The bounce alone would be a runner's, and the legs exchanged."""
    walker = brisk(spm, spm / 4500)
    detector = GaitDetector()
    events: list[GaitEvent] = []
    states = []
    for pose in walker.poses(30.0, 10.0, Camera(View.REAR, height_m=height_m, yaw_deg=-8.0), 1.0):
        events += detector.step(pose, pose.t_s, View.REAR)
        states.append(detector.state)
    assert set(states[60:]) == {"walking"}
    own_legs(events, walker, 3.0, 9.5)


@pytest.mark.parametrize("fps", [10.0, 30.0])
@pytest.mark.parametrize("height_m", [1.7, 2.0])
@pytest.mark.parametrize("skew_px", [-6.0, 0.0, 6.0])
def test_left_and_right_of_a_walker_from_high_and_near_behind(fps: float, height_m: float, skew_px: float) -> None:
    """The legs' heights alone tell the other leg there; the hips may go further to one side than to the other."""
    walker = brisk(122.0, 0.02)
    poses = []
    for pose in walker.poses(fps, 10.0, Camera(View.REAR, distance_m=2.0, height_m=height_m, yaw_deg=12.0), 1.0):
        skew = math.cos(4 * math.pi * (pose.t_s / walker.stride_s(0.0) + 0.25 - walker.duty / 2))
        poses.append(replace(pose, xy_px=pose.xy_px + np.array([skew_px * skew, 0.0])))
    own_legs(detect(poses, View.REAR)[1], walker, 3.0, 9.5)


@pytest.mark.parametrize("view", [View.FRONT, View.REAR])
@pytest.mark.parametrize("begun_s", [5.9, 6.1, 6.3])
@pytest.mark.parametrize("aside_px", [-45.0, 45.0])
def test_a_walker_s_step_aside_is_no_sway(view: View, begun_s: float, aside_px: float) -> None:
    """20 cm across the belt within 0.6 s: ten times as far as the hips sway."""
    walker = brisk(122.0, 0.02)
    poses = []
    for pose in walker.poses(30.0, 10.0, Camera(view), 1.0):
        moved_px = aside_px * min(max((pose.t_s - begun_s) / 0.6, 0.0), 1.0)
        poses.append(replace(pose, xy_px=pose.xy_px + np.array([moved_px, 0.0])))
    own_legs(detect(poses, view)[1], walker, 3.0, 9.5)


@pytest.mark.parametrize("view", [View.FRONT, View.REAR])
@pytest.mark.parametrize("runs_first", [True, False])
@pytest.mark.parametrize("at_s", [8.0, 8.3])
def test_from_a_jog_to_a_walk_and_back(view: View, runs_first: bool, at_s: float) -> None:
    """Each is told soon, and neither foot is taken for the other then."""
    jog, walk = jogger(150.0, 0.55, 3.5), brisk(136.0, 0.013)
    first, then = (jog, walk) if runs_first else (walk, jog)
    detector = GaitDetector()
    events: list[GaitEvent] = []
    states = []
    joined = list(first.poses(30.0, at_s, Camera(view), 1.0))
    joined += [replace(p, t_s=p.t_s + len(joined) / 30) for p in then.poses(30.0, 10.0, Camera(view), 1.0, seed=1)]
    for pose in joined:
        events += detector.step(pose, pose.t_s, view)
        states.append(detector.state)
    changed_s = (len(joined) - 300) / 30
    names = ("running", "walking") if runs_first else ("walking", "running")
    assert set(states[80 : int(at_s * 30)]) == {names[0]}
    assert set(states[-225:]) == {names[1]}  # 2.5 s after the change
    own_legs([replace(e, t_s=e.t_s - changed_s) for e in events], then, 3.0, 9.5)


@pytest.mark.parametrize("view", View)
@pytest.mark.parametrize("height_m", [0.5, 0.8, 1.6])
@pytest.mark.parametrize("yaw_deg", [-12.0, 12.0])
def test_running_is_running_from_low_high_and_oblique_cameras(view: View, height_m: float, yaw_deg: float) -> None:
    detector = GaitDetector()
    camera = Camera(view, height_m=height_m, yaw_deg=yaw_deg)
    states = []
    for pose in runner(*RUNS[1]).poses(30.0, 8.0, camera, NOISE_PX):
        detector.step(pose, pose.t_s, view)
        states.append(detector.state)
    assert set(states[60:]) == {"running"}


@pytest.mark.parametrize("height_m", [0.4, 0.8, 1.2, 1.6, 1.9])
@pytest.mark.parametrize("distance_m", [2.0, 2.5, 3.5])
def test_left_and_right_from_behind_high_or_low_near_or_far(height_m: float, distance_m: float) -> None:
    """The swinging leg is nearer the camera there: from high and near it is the lower one for most of the step."""
    truth = json.loads(DEMO.read_text("utf-8"))
    frames = truth["frames"][:300]
    order = [truth["names"].index(name) for name in KEYPOINT_NAMES]
    xyz_m = np.array([frame["xyz"] for frame in frames])[:, order][..., [0, 2, 1]] * (1.0, 1.0, -1.0)
    motion = Motion(np.array([frame["t"] for frame in frames]), xyz_m)
    camera = VirtualCamera(View.REAR, yaw_deg=10.0, roll_deg=-3.0, height_m=height_m, distance_m=distance_m)
    _, events = detect(project_motion(motion, camera, noise="measured"), View.REAR)
    for side in Side:
        errors_s(times(events, "strike", side), np.array(truth["foot_strikes"][side]), from_s=1.5, until_s=9.0)


def test_stance_is_known_in_time_for_a_cue() -> None:
    """Before mid-stance is over the detector says who stands, since when, and for how long that usually lasts."""
    walker = runner(*RUNS[1])
    detector = GaitDetector()
    seen: dict[Side, int] = dict.fromkeys(Side, 0)
    for pose in walker.poses(30.0, END_S, Camera(), NOISE_PX):
        detector.step(pose, pose.t_s, View.FRONT)
        for side in Side:
            elapsed_s, contact_s = detector.stance_elapsed_s(side, pose.t_s), detector.expected_contact_s(side)
            if elapsed_s is not None and contact_s is not None and abs(elapsed_s - contact_s / 2) < 1 / 60:
                seen[side] += 1
    for side in Side:
        assert seen[side] >= len([t for t in walker.strikes_s(side, END_S) if 2.0 < t < END_S - 0.3])


def capture(shared: Path, name: str, fps: float) -> tuple[FloatArray, FloatArray, dict[str, FloatArray]]:
    """Times, joints (t, 17, 3) about the belt's middle with the face put on, and everything in the file."""
    with np.load(shared / "mocap" / name) as file:
        data = {key: file[key] for key in file.files}
    t_s, xyz = data["t_s"] - data["t_s"][0], data["xyz_m"].copy()
    xyz[:, : Joint.LEFT_SHOULDER] = xyz[:, [Joint.LEFT_SHOULDER, Joint.RIGHT_SHOULDER]].mean(1, keepdims=True) + 0.1
    xyz -= np.median(xyz[:, [Joint.LEFT_HIP, Joint.RIGHT_HIP]], axis=(0, 1)) * [1, 0, 1]
    at_s = np.arange(0.0, t_s[-1], 1 / fps)
    flat = xyz.reshape(len(t_s), -1)
    even = np.stack([np.interp(at_s, t_s, column) for column in flat.T], axis=1)
    return at_s, even.reshape(-1, 17, 3), data


def seen_by(camera: Camera, t_s: FloatArray, xyz_m: FloatArray, noise_px: float) -> Iterable[Pose]:
    rng = np.random.default_rng(2)
    for t, joints in zip(t_s, xyz_m, strict=True):
        xy = camera.project(joints) + rng.normal(0.0, noise_px, (17, 2))
        yield Pose(float(t), xy, np.full(17, 0.8), camera.size_px)


@pytest.mark.parametrize("fps", [30.0, 60.0])
@pytest.mark.parametrize("view", View)
def test_force_plates(shared: Path, view: View, fps: float) -> None:
    t_s, xyz, data = capture(shared, "run_s02.npz", fps)
    detector, events = detect(seen_by(Camera(view), t_s, xyz, NOISE_PX), view)
    contacts = []
    for side in Side:
        start_s = data["t_s"][0]
        span = (0.8, float(t_s[-1]) - 0.5)
        strike = errors_s(times(events, "strike", side), data[f"{side}_strike_s"] - start_s, *span)
        toe_off = errors_s(times(events, "toe_off", side), data[f"{side}_toe_off_s"] - start_s, *span)
        assert np.abs(strike).mean() < (0.035 if view.frontal else 0.011)
        assert np.abs(toe_off).mean() < (0.035 if view.frontal else 0.016)
        contacts.append(detector.expected_contact_s(side))
    assert np.mean([c for c in contacts if c]) == pytest.approx(0.25, abs=0.02)
    assert detector.cadence_spm() == pytest.approx(174.5, abs=2.0)


#: The captured walk is a little longer than this, its stride.
WALKED_STRIDE_S = 1.09


@pytest.mark.parametrize("view", [View.FRONT, View.REAR])
@pytest.mark.parametrize("height_m", [0.5, 1.6, 2.0])
@pytest.mark.parametrize("distance_m", [2.0, 3.5])
def test_left_and_right_of_a_captured_walk(shared: Path, view: View, height_m: float, distance_m: float) -> None:
    """On a belt, again and again; by the legs' heights alone the high cameras in front told the other leg."""
    t_s, xyz, _ = capture(shared, "walking_s4.npz", 100.0)
    hips = xyz[:, [Joint.LEFT_HIP, Joint.RIGHT_HIP]].mean(1)
    for axis in (0, 2):
        xyz[..., axis] -= np.polyval(np.polyfit(t_s, hips[:, axis], 1), t_s)[:, None]
    at_s = np.arange(0.0, 10.0, 1 / 30)
    walk = xyz[np.round(at_s % WALKED_STRIDE_S * 100.0).astype(int)]
    camera = Camera(view, distance_m=distance_m, height_m=height_m, yaw_deg=-10.0)
    _, events = detect(seen_by(camera, at_s, walk, 1.0), view)
    told = [(side, mid_s) for side, mid_s in middles(events) if 3.0 < mid_s < 9.5]
    assert len(told) >= 11
    for side, mid_s in told:
        high_m = {leg: walk[round(mid_s * 30), LEGS[leg].ankle, 1] for leg in Side}
        assert high_m[side] < high_m[side.other]


@pytest.mark.parametrize("view", View)
def test_real_squats_have_no_steps(shared: Path, view: View) -> None:
    t_s, xyz, _ = capture(shared, "squats_s4.npz", 30.0)
    _, events = detect(seen_by(Camera(view), t_s, xyz, NOISE_PX), view)
    assert events == []
