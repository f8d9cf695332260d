"""A run, pose by pose: what a missing frame costs, and what walking leaves out."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from model.analysis import SLOWED, AnalysisSettings, Outcome, RunAnalysis
from model.coach import Baseline, CoachSettings, Cue
from model.goals import Goal
from model.place import CameraPlace
from model.pose import LEGS, FloatArray, Joint, Side, View
from model.quality import COVERED, SHAKES, FrameQuality, lost_words, picture_words, slow_words
from model.stance import MIN_QUALITY, Stance
from model.virtual_camera import Motion, VirtualCamera, project_motion
from tests.model.walkers import Camera, Walker

SIDES = (Side.RIGHT, Side.LEFT)


@pytest.mark.parametrize("every_s", [math.inf, 2.0, 1.0, 0.5])
def test_frames_without_a_pose_cost_no_cue(every_s: float) -> None:
    """A knee that is always inside is cued as often as the pause between cues lets it, though single frames fail."""
    analysis = RunAnalysis(
        AnalysisSettings(view=View.FRONT, coach=CoachSettings(fppa_threshold_deg=-20.0, refractory_s=1.0)),
        CameraPlace(),
    )
    cues, missing_s = 0, every_s
    for pose in Walker().poses(30.0, 30.0, Camera(), 0.5):
        seen = pose.t_s < missing_s
        missing_s += 0.0 if seen else every_s
        cues += len(analysis.step(pose.t_s, pose if seen else None).cues)
    assert cues >= 16


@pytest.mark.parametrize("view", [View.FRONT, View.REAR])
def test_legs_taken_for_one_another_for_some_pictures_are_no_knee_that_is_shown_or_cued(view: View) -> None:
    """Amid every tenth stance of the right foot, for a tenth of a second each."""
    analysis = RunAnalysis(AnalysisSettings(view=view), CameraPlace())
    legs, other = ([part for side in sides for part in (LEGS[side].knee, LEGS[side].ankle)] for sides in (Side, SIDES))
    shown, exchanged, stances, stood = [], 0, 0, False
    for pose in Walker().poses(30.0, 60.0, Camera(view), 0.5):
        stands_s = analysis.gait.stance_elapsed_s(Side.RIGHT, pose.t_s)
        stances += stands_s is not None and not stood
        stood = stands_s is not None
        if stances % 10 == 9 and stands_s is not None and 0.05 < stands_s < 0.17:
            xy_px = pose.xy_px.copy()
            xy_px[legs] = pose.xy_px[other]
            pose, exchanged = replace(pose, xy_px=xy_px), exchanged + 1
        outcome = analysis.step(pose.t_s, pose)
        shown += [angle for angle in outcome.fppa_deg.values() if math.isfinite(angle)]
        shown += [cue.value for cue in outcome.cues]
    assert exchanged > 20
    assert len(shown) > 500
    assert max(map(abs, shown)) < 10


@pytest.mark.parametrize("metric", ["fppa_deg", "cadence_spm"])
def test_who_turns_aside_is_neither_in_the_red_nor_beaten_time_to(metric: Goal) -> None:
    """Somebody who turns to the side while they run, as to the trainer there, and stays so when they have stopped."""
    coach = CoachSettings(metric=metric, fppa_threshold_deg=-20.0, refractory_s=1.0)
    analysis = RunAnalysis(AnalysisSettings(coach=coach), CameraPlace())

    def told(outcome: Outcome) -> bool:
        return outcome.coach.metronome_spm is not None or any(v and v.alert for v in outcome.coach.verdicts.values())

    runs = [analysis.step(pose.t_s, pose) for pose in Walker().poses(30.0, 60.0, Camera(), 0.5)]
    aside = Walker(((0.0, 170.0), (3.0, 0.0))).poses(30.0, 12.0, Camera(View.SIDE), 0.5)
    turned = [analysis.step(60.0 + pose.t_s, replace(pose, t_s=60.0 + pose.t_s)) for pose in aside]
    assert told(runs[-1])
    assert turned[-1].view is View.SIDE
    assert not told(turned[-1])


def test_walking_has_no_strides_in_the_curves_of_a_run() -> None:
    for walker, least, most in ((Walker(), 40, 60), (Walker(((0.0, 110.0),), 0.6, 1.4, 0.022), 0, 0)):
        analysis = RunAnalysis(AnalysisSettings(view=View.FRONT), CameraPlace())
        strides = sum(len(analysis.step(pose.t_s, pose).strides) for pose in walker.poses(30.0, 20.0, Camera(), 0.5))
        assert least <= strides <= most


def test_many_lost_pictures_are_said_with_the_remedy() -> None:
    """Every fourth picture is missing; what is said is of the last seconds only."""
    analysis = RunAnalysis(AnalysisSettings(view=View.FRONT), CameraPlace())
    said: dict[float, str | None] = {}
    lost = 0
    for n, pose in enumerate(Walker().poses(30.0, 40.0, Camera(), 0.5)):
        if pose.t_s < 20.0 and n % 4 == 0:
            lost += 1
            continue
        said[pose.t_s] = analysis.step(pose.t_s, pose, lost=lost).message
        lost = 0
    words = "more than 20 % of the pictures are lost, for the board is too busy: steps and angles are less certain;"
    assert {message for t_s, message in said.items() if t_s < 3.0} == {None}, "a start may be hard"
    assert all(str(message).startswith(words) for t_s, message in said.items() if 4.0 < t_s < 20.0)
    assert {message for t_s, message in said.items() if t_s > 30.0} == {None}
    assert lost_words(0.1) is None
    assert str(lost_words(0.21)).startswith("more than 20 % of the pictures are lost")
    assert str(lost_words(0.11, past=True)).startswith("11 % of the pictures were lost, for the board was too busy")
    assert str(lost_words(0.11)).endswith("or lower [camera] fps")
    assert str(lost_words(0.11, film=True)).endswith("or take a film with fewer frames per second")


@pytest.mark.parametrize(
    ("film", "remedy"), [(True, "record at 30 or more"), (False, "add light, or see the page Health")]
)
def test_a_low_rate_is_said_with_what_helps_there_and_its_pictures_count(film: bool, remedy: str) -> None:
    analysis = RunAnalysis(AnalysisSettings(view=View.FRONT, film=film), CameraPlace())
    outcomes = [analysis.step(pose.t_s, pose) for pose in Walker().poses(15.0, 6.0, Camera(), 0.5)][2:]
    said = f"15 frames per second: running metrics are unreliable below 20; {remedy}"
    assert {one.message for one in outcomes} == {said}
    assert {one.unused for one in outcomes} == {None}
    assert sum(len(one.stances) for one in outcomes) > 6
    assert analysis.step(9.0, None).unused == "nobody in view"


@pytest.mark.parametrize("view", View)
@pytest.mark.parametrize(
    ("slower", "film", "counts"), [(2.0, True, 0), (1.5, True, 0), (1.0, True, 20), (2.0, False, 6)]
)
def test_a_film_in_slow_motion_counts_for_nothing(view: View, slower: float, film: bool, counts: int) -> None:
    """It would be measured as a walk. A camera's pictures are never slower than life, whatever is seen there."""
    analysis = RunAnalysis(AnalysisSettings(view=view, film=film), CameraPlace())
    stances: list[Stance] = []
    outcome = None
    walker = Walker(sway_m=0.03 if view is View.REAR else 0.0)  # by which alone it is seen from behind
    for pose in walker.poses(30.0 * slower, 12.0, Camera(view), 0.5):
        outcome = analysis.step(slower * pose.t_s, replace(pose, t_s=slower * pose.t_s))
        stances += outcome.stances
        since_s = outcome.doubted_since_s
        stances = [one for one in stances if since_s is None or one.strike_s < since_s]
    assert outcome is not None
    assert outcome.unused == (SLOWED if counts == 0 else None)
    good = [one for one in stances if one.quality >= MIN_QUALITY]
    assert len(good) == 0 if counts == 0 else len(good) > counts


@pytest.mark.parametrize("view", View)
@pytest.mark.parametrize("sway_m", [0.0, 0.025])
def test_who_walks_is_not_in_slow_motion(view: View, sway_m: float) -> None:
    walker = Walker(((0.0, 110.0),), 0.6, 1.4, 0.022, sway_m=sway_m)
    analysis = RunAnalysis(AnalysisSettings(view=view, film=True), CameraPlace())
    assert not any(analysis.step(p.t_s, p).unused for p in walker.poses(30.0, 12.0, Camera(view), 0.5))


@pytest.mark.parametrize(
    ("view", "stood", "right_deg", "left_deg"),
    [(View.FRONT, True, 10.0, 0.0), (View.REAR, True, 10.0, 0.0), (View.FRONT, False, 5.0, 5.0)],
)
def test_a_drop_of_one_side_only_is_its_own_where_somebody_stood_still(
    view: View, stood: bool, right_deg: float, left_deg: float
) -> None:
    """The hips are turned by 10° through every step of the right foot; the camera hangs 3° askew all the time."""
    walker = Walker(((0.0, 0.0), (4.0, 170.0)) if stood else ((0.0, 170.0),))
    strikes_s = np.sort(np.concatenate([walker.strikes_s(side, 24.0) for side in Side]))
    right_s = walker.strikes_s(Side.RIGHT, 24.0)
    analysis = RunAnalysis(AnalysisSettings(view=view), CameraPlace())
    found: dict[Side, list[float]] = {side: [] for side in Side}
    for pose in walker.poses(30.0, 24.0, Camera(view), 0.3):
        before = strikes_s[strikes_s <= pose.t_s]
        drops = before.size and before[-1] in right_s
        turned = replace(pose, xy_px=_hips_turned(pose.xy_px, 3.0 + (10.0 if drops else 0.0)))
        for stance in analysis.step(pose.t_s, turned).stances:
            if stance.strike_s > 8.0:
                found[stance.side].append(stance.values["pelvic_drop_deg"])
    assert (analysis.standing.calibration is not None) == stood
    assert np.mean(found[Side.RIGHT]) == pytest.approx(right_deg, abs=1.0)
    assert np.mean(found[Side.LEFT]) == pytest.approx(left_deg, abs=1.0)


def test_who_stands_still_amid_a_run_is_not_cued_for_being_held_against_that() -> None:
    """A pelvis that drops by 8° on the right foot shows 4 of them before the rest, and all of them after it."""
    walker = Walker(((0.0, 170.0), (20.0, 0.0), (25.0, 170.0)))
    strikes = sorted((at_s, side) for side in Side for at_s in walker.strikes_s(side, 55.0))
    settings = AnalysisSettings(view=View.FRONT, coach=CoachSettings(metric="pelvic_drop_deg"))
    analysis = RunAnalysis(settings, CameraPlace())
    cues: list[Cue] = []
    for pose in walker.poses(30.0, 55.0, Camera(), 0.3):
        last = max((one for one in strikes if one[0] <= pose.t_s), default=None)
        drops = last is not None and last[1] is Side.RIGHT and not 20.3 < pose.t_s < 25.0
        outcome = analysis.step(pose.t_s, replace(pose, xy_px=_hips_turned(pose.xy_px, 8.0 if drops else 0.0)))
        cues += outcome.cues
        if pose.t_s < 19.0:
            learnt = outcome.coach.measured is None
    assert learnt
    assert analysis.standing.calibration is not None
    assert outcome.coach.measured is None, "measured anew"
    assert cues == []


@pytest.mark.parametrize("stood_first", [False, True])
def test_a_kept_baseline_of_the_pelvis_holds_only_where_it_is_held_against_the_same(stood_first: bool) -> None:
    """A pelvis that drops by 14° on the right foot alone: 14 and 0° against standing, 7 and 7° against whole strides.

    Whoever stands still before one run and steps onto a moving belt for the next runs no differently.
    """
    settings = AnalysisSettings(view=View.FRONT, coach=CoachSettings(metric="pelvic_drop_deg"))
    kept: dict[tuple[Side, str], Baseline] = {}
    for stands, again in ((stood_first, False), (not stood_first, False), (stood_first, True)):
        walker = Walker(((0.0, 0.0), (5.0, 170.0)) if stands else ((0.0, 170.0),))
        strikes = sorted((at_s, side) for side in Side for at_s in walker.strikes_s(side, 35.0))
        analysis = RunAnalysis(settings, CameraPlace())
        analysis.coach.know(kept, measure=True, schedule=None)
        cues: list[Cue] = []
        measured = []
        for pose in walker.poses(30.0, 35.0, Camera(), 0.3):
            last = max((one for one in strikes if one[0] <= pose.t_s), default=None)
            drops = last is not None and last[1] is Side.RIGHT
            outcome = analysis.step(pose.t_s, replace(pose, xy_px=_hips_turned(pose.xy_px, 14.0 if drops else 0.0)))
            cues += outcome.cues
            measured.append(outcome.coach.measured is None)
        assert (analysis.standing.calibration is not None) == stands
        assert cues == []
        assert measured[-1]
        assert measured[400] is again, "it was known what is usual"
        kept |= analysis.coach.learnt


def _hips_turned(xy_px: FloatArray, deg: float) -> FloatArray:
    """The left hip, wherever in the picture it is, goes down."""
    turned = xy_px.copy()
    half = abs(xy_px[Joint.LEFT_HIP, 0] - xy_px[Joint.RIGHT_HIP, 0]) / 2 * math.tan(math.radians(deg))
    turned[Joint.LEFT_HIP, 1] += half
    turned[Joint.RIGHT_HIP, 1] -= half
    return turned


@pytest.mark.parametrize("view", [View.SIDE, View.FRONT])
@pytest.mark.parametrize("gap_s", [0.3, 0.4, 0.6])
def test_two_strides_are_no_stride(view: View, gap_s: float) -> None:
    """Steps that fall into a gap of the poses make neither a stride of twice the length nor half a duty factor."""
    analysis = RunAnalysis(AnalysisSettings(view=view), CameraPlace())
    strides, duties = [], []
    for pose in Walker().poses(30.0, 30.0, Camera(view), 0.5):
        gap = pose.t_s > 3.0 and pose.t_s % 2.3 < gap_s
        outcome = analysis.step(pose.t_s, None if gap else pose)
        strides += [stride.next_strike_s - stride.strike_s for stride in outcome.strides]
        duties += [stance.values["duty_factor"] for stance in outcome.stances]
    assert len(strides) >= 10
    assert max(strides) < 0.8
    if view is View.SIDE:
        assert np.nanmin(duties) > 0.3


def test_the_first_step_after_a_pause_has_no_width() -> None:
    """The runner comes back 0.4 m aside: where the other foot stood before the pause is no step away."""
    analysis = RunAnalysis(AnalysisSettings(view=View.FRONT), CameraPlace())
    walker = Walker(((0.0, 170.0), (8.0, 0.0), (11.0, 170.0)))
    widths = {}
    for pose in walker.poses(30.0, 16.0, Camera(), 0.5):
        moved = replace(pose, xy_px=pose.xy_px + np.array([85.0 if pose.t_s > 9.5 else 0.0, 0.0]))
        for stance in analysis.step(pose.t_s, moved).stances:
            widths[stance.strike_s] = stance.values["step_width_leg"]
    after = [width for strike_s, width in widths.items() if strike_s > 10.5]
    assert math.isnan(after[0])
    assert np.array(after[1:]) == pytest.approx(0.14, abs=0.03)


@pytest.mark.parametrize("fps", [24.0, 30.0, 60.0])
@pytest.mark.parametrize("spm", [160.0, 172.0, 180.0])
def test_steps_of_one_width_are_that_wide_from_aside_too_whenever_the_pictures_fall(fps: float, spm: float) -> None:
    """The foot goes with the belt by 0.1 m from one picture to the next; a camera 10° aside sees a sixth of that."""
    analysis = RunAnalysis(AnalysisSettings(view=View.FRONT), CameraPlace())
    widths: dict[Side, list[float]] = {side: [] for side in Side}
    for pose in Walker(((0.0, spm),)).poses(fps, 20.0, Camera(yaw_deg=10.0)):
        for stance in analysis.step(pose.t_s, pose).stances:
            if stance.strike_s > 4.0:
                widths[stance.side].append(stance.values["step_width_leg"])
    left, right = (np.array(widths[side]) for side in Side)
    assert max(left.std(), right.std()) < 0.004
    assert left.mean() == pytest.approx(right.mean(), abs=0.006)


@pytest.mark.parametrize(("view", "fps"), [(View.FRONT, 30.0), (View.FRONT, 60.0), (View.REAR, 60.0)])
@pytest.mark.parametrize("yaw_deg", [-12.0, 12.0])
def test_the_coach_sees_steps_as_wide_from_aside_as_they_are_stored(view: View, fps: float, yaw_deg: float) -> None:
    """A foot that is looked at before mid-stance is still further ahead on the belt: one side narrower, one wider."""
    coached = AnalysisSettings(view=view, coach=CoachSettings(metric="step_width_leg"))
    analysis, walker, t_s = RunAnalysis(coached, CameraPlace()), Walker(((0.0, 172.0),)), np.arange(0.0, 24.0, 1 / 120)
    motion = Motion(t_s, np.stack([walker.joints_m(float(t)) for t in t_s]))
    off: dict[Side, list[float]] = {side: [] for side in Side}
    for pose in project_motion(motion, VirtualCamera(view, yaw_deg=yaw_deg), fps):
        outcome = analysis.step(pose.t_s, pose)
        for stance in outcome.stances:
            verdict = outcome.coach.verdicts[stance.side]
            if verdict is not None:
                off[stance.side].append(verdict.value - stance.values["step_width_leg"])
    for side in Side:
        assert len(off[side]) >= 8
        assert abs(np.mean(off[side])) < 0.007


def test_the_cadence_is_measured_anew_where_another_speed_of_the_belt_is_told() -> None:
    place = CameraPlace(belt_speed_m_s=3.0)
    coached = AnalysisSettings(view=View.FRONT, coach=CoachSettings(metric="cadence_spm"))
    analysis = RunAnalysis(coached, place)
    beats, measured = [], []
    for pose in Walker().poses(30.0, 24.0, Camera(), 0.5):
        if pose.t_s > 22.0:
            place.set_belt_speed(3.5)
        state = analysis.step(pose.t_s, pose).coach
        beats.append(state.metronome_spm)
        measured.append(state.measured)
    assert beats[650] == pytest.approx(1.075 * 170.0, abs=0.5)
    assert (beats[-1], measured[662]) == (None, 0)


@pytest.mark.parametrize(("fps", "spm"), [(24.0, 200.0), (25.0, 210.0), (20.0, 170.0)])
def test_a_bounce_is_measured_at_low_frame_rates_too(fps: float, spm: float) -> None:
    """One stride is fewer than 16 pictures there."""
    analysis = RunAnalysis(AnalysisSettings(view=View.SIDE), CameraPlace())
    found = []
    for pose in Walker(((0.0, spm),)).poses(fps, 10.0, Camera(View.SIDE), 0.3):
        stances = analysis.step(pose.t_s, pose).stances
        found += [stance.values["vertical_oscillation_leg"] for stance in stances if stance.strike_s > 3.0]
    assert np.mean(found) == pytest.approx(0.07 / 0.86, abs=0.012)


@pytest.mark.parametrize(
    ("fps", "burst", "measured"),
    [(30.0, 1, True), (30.0, 2, False), (30.0, 3, False), (60.0, 2, True), (60.0, 3, False)],
)
def test_contact_time_of_pictures_in_bursts_is_claimed_where_the_bursts_are_enough(
    fps: float, burst: int, measured: bool
) -> None:
    analysis = RunAnalysis(AnalysisSettings(view=View.SIDE), CameraPlace())
    found: list[float] = []
    for n, pose in enumerate(Walker().poses(fps, 8.0, Camera(View.SIDE), 0.3)):
        t_s = (n - n % burst) / fps + 0.004 * (n % burst)
        found += [one.values["contact_s"] for one in analysis.step(t_s, replace(pose, t_s=t_s)).stances]
    assert len(found) > 12
    assert np.isfinite(found).all() if measured else np.isnan(found).all()


def test_contact_time_is_claimed_where_a_picture_is_lost_now_and_then() -> None:
    analysis = RunAnalysis(AnalysisSettings(view=View.SIDE), CameraPlace())
    found: list[float] = []
    for n, pose in enumerate(Walker().poses(30.0, 8.0, Camera(View.SIDE), 0.3)):
        if n % 7:
            found += [one.values["contact_s"] for one in analysis.step(pose.t_s, pose).stances]
    assert len(found) > 12
    assert np.isfinite(found).all()


def test_no_bounce_is_measured_while_the_camera_shakes() -> None:
    analysis = RunAnalysis(AnalysisSettings(view=View.SIDE), CameraPlace())
    found: dict[bool, list[float]] = {False: [], True: []}
    for pose in Walker().poses(30.0, 12.0, Camera(View.SIDE), 0.3):
        shaken = pose.t_s > 6.0
        for stance in analysis.step(pose.t_s, pose, shaken=shaken).stances:
            if stance.strike_s > 3.0:
                found[shaken].append(stance.values["vertical_oscillation_leg"])
    assert len(found[False]) > 5
    assert len(found[True]) > 12
    assert np.isfinite(found[False]).all()
    assert np.isnan(found[True]).all()


@pytest.mark.parametrize(("fps", "said"), [(19.97, "19"), (19.5, "19"), (19.2, "19"), (15.0, "15"), (14.999, "15")])
def test_rate_that_is_too_low_is_not_called_the_one_that_would_do(fps: float, said: str) -> None:
    assert (slow_words(fps) or "").startswith(f"{said} frames per second: running metrics are unreliable below 20; ")


@pytest.mark.parametrize(
    ("unused", "shaken", "lost", "fps", "said"),
    [
        ("too dark", True, 0.5, 15.0, "too dark"),
        (None, True, 0.5, 15.0, SHAKES),
        (None, False, 0.5, 15.0, lost_words(0.5)),
        (None, False, 0.0, 15.0, slow_words(15.0)),
        (None, False, 0.0, 30.0, None),
    ],
)
def test_what_helps_most_is_told_first(
    unused: str | None, shaken: bool, lost: float, fps: float, said: str | None
) -> None:
    """A camera that shook was called slow, if it was that, too."""
    assert picture_words(unused, shaken, lost, fps) == said


def test_a_slow_camera_that_shakes_is_told_to() -> None:
    analysis = RunAnalysis(AnalysisSettings(view=View.FRONT), CameraPlace())
    told = [analysis.step(pose.t_s, pose, shaken=True) for pose in Walker().poses(15.0, 3.0, Camera(View.FRONT), 0.3)]
    assert told[-1].message == SHAKES
    assert told[-1].shaken


@pytest.mark.parametrize("fps", [0.0, 20.0, 30.0])
def test_rate_that_will_do_is_not_spoken_of(fps: float) -> None:
    assert slow_words(fps) is None


def test_a_body_that_is_one_point_is_no_leg() -> None:
    """As where a motion capture has the same numbers for all joints: no length is measured by it."""
    analysis = RunAnalysis(AnalysisSettings(view=View.SIDE), CameraPlace())
    widths = []
    for pose in Walker().poses(30.0, 6.0, Camera(View.SIDE), 0.5):
        one_point = replace(pose, xy_px=np.full((17, 2), 100.0))
        outcome = analysis.step(pose.t_s, one_point if pose.t_s < 3.0 and analysis.gait.running else pose)
        widths += [stance.values["overstride_leg"] for stance in outcome.stances]
    assert len(widths) >= 5
    assert np.isfinite(widths[-3:]).all()


@pytest.mark.parametrize(("every", "counts"), [(6, True), (3, False)])
def test_a_stance_of_which_a_third_was_covered_is_not_counted(every: int, counts: bool) -> None:
    analysis, found = RunAnalysis(AnalysisSettings(view=View.FRONT), CameraPlace()), []
    for n, pose in enumerate(Walker().poses(60.0, 8.0, Camera(), 0.5)):
        outcome = analysis.step(pose.t_s, pose, FrameQuality(0.8) if n % every else COVERED)
        found += [stance.quality for stance in outcome.stances]
    assert len(found) >= 10
    assert all((quality >= MIN_QUALITY) is counts for quality in found)
