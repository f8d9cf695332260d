"""The coach's decisions: when, whether, against what; on stances made up frame by frame."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest

from model.coach import (
    HYSTERESIS_DEG,
    MIN_BASELINE,
    STANCE_SD,
    Baseline,
    Coach,
    CoachSettings,
    Cue,
    Instrument,
    Look,
)
from model.goals import Goal
from model.pose import Side
from model.programme import SESSIONS, Adherence, FeedbackSchedule, ProgrammeSession

FPS = 30.0
STRIDE_S, CONTACT_S = 0.7, 0.25
LIGHTNING = Instrument("movenet-lightning-int8")
Values = dict[str, float]


def knee(angle_deg: float) -> Values:
    """Both angles of a frame, camera square."""
    return {"fppa_deg": angle_deg, "fppa_image_deg": angle_deg}


def picture_only(angle_deg: float) -> Values:
    return {"fppa_deg": math.nan, "fppa_image_deg": angle_deg}


class Belt:
    """Runs before a coach, stride by stride, and keeps what it says.

    Args:
        coach: on trial.
        instrument: what measures.
    """

    def __init__(self, coach: Coach, instrument: Instrument = LIGHTNING) -> None:
        self.coach = coach
        self.instrument = instrument
        self.t_s = 0.0
        self.cues: list[Cue] = []
        self.mids_s: list[float] = []

    def stride(self, left: Values, right: Values) -> list[Cue]:
        """One stance of each foot with the same values in all its frames; the cues it brought."""
        before = len(self.cues)
        for side, values in ((Side.LEFT, left), (Side.RIGHT, right)):
            self.stance(side, [values] * 11)
        return self.cues[before:]

    def stance(self, side: Side, frames: Sequence[Values], running: bool = True) -> None:
        """Half a stride: ``frames`` from the strike on; the foot is on the ground up to the contact time."""
        self.coach.strike(side)
        strike_s = self.t_s
        self.mids_s.append(strike_s + CONTACT_S / 2)
        for values in frames:
            elapsed_s = self.t_s - strike_s
            looks = {side: Look(elapsed_s, CONTACT_S, values)} if elapsed_s <= CONTACT_S else {}
            self.cues += self.coach.step(self.t_s, running, looks, self.instrument)
            self.t_s += 1 / FPS

    def aligned(self, strides: int = 8, angle_deg: float = 4.0) -> Belt:
        for _ in range(strides):
            self.stride(knee(angle_deg), knee(angle_deg))
        return self


def alert(belt: Belt, side: Side = Side.LEFT) -> bool:
    verdict = belt.coach.state().verdicts[side]
    return verdict is not None and verdict.alert


def test_a_dive_is_cued_in_its_first_stance_within_a_frame_of_its_middle() -> None:
    belt = Belt(Coach(CoachSettings())).aligned()
    assert belt.cues == []
    (cue,) = belt.stride(knee(14.0), knee(4.0))
    assert (cue.side, cue.metric, cue.value, cue.threshold) == (Side.LEFT, "fppa_deg", 14.0, 8.0)
    assert 0 <= cue.t_s - belt.mids_s[-2] <= 1 / FPS
    assert cue.severity == pytest.approx(0.6)


def test_dives_before_there_was_a_target_do_not_hide_later_ones() -> None:
    """Whoever dives while the camera's place is not known yet: their own level is still that of their aligned steps."""
    belt = Belt(Coach(CoachSettings()))
    for dive_deg in (12.0, 13.0, 12.0, 14.0, 12.0, 13.0):
        belt.stride(picture_only(4.0), picture_only(dive_deg))
    assert belt.aligned(3).cues == []
    assert [cue.side for cue in belt.stride(knee(4.0), knee(13.0))] == [Side.RIGHT]


def test_every_stance_of_a_dive_is_cued_and_none_after_it() -> None:
    belt = Belt(Coach(CoachSettings())).aligned()
    for _ in range(5):
        assert [cue.side for cue in belt.stride(knee(4.0), knee(12.0))] == [Side.RIGHT]
    belt.aligned(5)
    assert len(belt.cues) == 5


def test_a_single_frame_never_fires() -> None:
    belt = Belt(Coach(CoachSettings())).aligned()
    for at in range(11):
        belt.stance(Side.LEFT, [knee(60.0 if i == at else 4.0) for i in range(11)])
        belt.stance(Side.RIGHT, [knee(4.0)] * 11)
    assert belt.cues == []


def test_nothing_is_cued_in_swing() -> None:
    """Frames after the middle of stance count for nothing, however wild."""
    belt = Belt(Coach(CoachSettings())).aligned()
    for _ in range(6):
        belt.stance(Side.LEFT, [knee(4.0)] * 5 + [knee(80.0)] * 6)
        belt.stance(Side.RIGHT, [knee(4.0)] * 11)
    assert belt.cues == []


def test_nobody_is_cued_before_some_steady_steps_nor_when_not_running() -> None:
    belt = Belt(Coach(CoachSettings()))
    belt.stride(knee(20.0), knee(20.0))
    belt.stride(knee(20.0), knee(20.0))
    assert belt.cues == []
    assert [cue.side for cue in belt.stride(knee(20.0), knee(20.0))] == [Side.LEFT, Side.RIGHT]
    belt.stance(Side.LEFT, [knee(20.0)] * 11, running=False)
    assert belt.coach.state().verdicts == dict.fromkeys(Side)
    assert belt.stride(knee(20.0), knee(20.0)) == []


@pytest.mark.parametrize("seen", [0, 1])
def test_half_seen_is_not_judged(seen: int) -> None:
    belt = Belt(Coach(CoachSettings())).aligned()
    unseen = dict.fromkeys(("fppa_deg", "fppa_image_deg"), math.nan)
    belt.stance(Side.LEFT, [unseen] * (4 - seen) + [knee(20.0)] * seen + [unseen] * 7)
    assert belt.cues == []
    assert belt.coach.state().verdicts[Side.LEFT] is None


def test_an_alert_ends_a_little_below_the_threshold() -> None:
    belt = Belt(Coach(CoachSettings())).aligned(angle_deg=0.0)
    belt.stride(knee(12.0), knee(0.0))
    belt.stride(knee(8.0 - HYSTERESIS_DEG + 0.1), knee(0.0))
    assert alert(belt)
    assert len(belt.cues) == 1
    assert belt.stride(knee(8.1), knee(0.0))
    belt.stride(knee(8.0 - HYSTERESIS_DEG - 0.1), knee(0.0))
    assert not alert(belt)


def test_the_refractory_time_holds_for_each_side() -> None:
    belt = Belt(Coach(CoachSettings(refractory_s=2.0))).aligned()
    for _ in range(6):
        belt.stride(knee(14.0), knee(14.0))
    for side in Side:
        times_s = [cue.t_s for cue in belt.cues if cue.side is side]
        assert len(times_s) == 2
        assert np.diff(times_s).min() >= 2.0
    assert alert(belt, Side.RIGHT)


def test_an_angle_in_the_picture_is_never_held_against_the_fixed_threshold() -> None:
    belt = Belt(Coach(CoachSettings()))
    for angle_deg in [5.0] * 6 + [30.0] * 6:
        belt.stride(picture_only(angle_deg), picture_only(angle_deg))
    assert belt.cues == []
    assert belt.coach.state().targets == dict.fromkeys(Side)


def test_an_angle_in_the_picture_may_be_held_against_its_own_baseline() -> None:
    own = {(side, "fppa_image_deg"): Baseline(-6.0, 1.0, 25) for side in Side}
    belt = Belt(Coach(CoachSettings(), own))
    for _ in range(6):
        belt.stride(picture_only(-6.0), picture_only(-6.0))
    assert belt.cues == []
    (cue,) = belt.stride(picture_only(4.0), picture_only(-6.0))
    assert cue.metric == "fppa_image_deg"
    assert -6.0 < cue.threshold < 0.0


def test_a_pose_model_that_shows_a_part_of_a_dive_has_as_much_less_noise_in_the_picture() -> None:
    own = {(side, "fppa_image_deg"): Baseline(-6.0, 0.5, 25) for side in Side}
    belt = Belt(Coach(CoachSettings(), own), replace(LIGHTNING, knee_gain=0.7))
    for _ in range(6):
        belt.stride(picture_only(-6.0), picture_only(-6.0))
    target = belt.coach.state().targets[Side.LEFT]
    assert target is not None
    assert target.limit == pytest.approx(-6.0 + 0.7 * 1.96 * STANCE_SD["lightning"] * math.sqrt(1 + 1 / 25))


def test_a_baseline_takes_the_place_of_the_fixed_threshold() -> None:
    own = {(Side.LEFT, "fppa_deg"): Baseline(9.0, 1.0, 40), (Side.RIGHT, "fppa_deg"): Baseline(-2.0, 1.0, 40)}
    belt = Belt(Coach(CoachSettings(), own))
    for _ in range(8):
        belt.stride(knee(9.0), knee(-2.0))
    assert belt.cues == []
    assert [cue.side for cue in belt.stride(knee(18.0), knee(7.0))] == [Side.LEFT, Side.RIGHT]
    targets = belt.coach.state().targets
    floor_deg = 1.96 * STANCE_SD["lightning"] * math.sqrt(1 + 1 / 40)
    for side, mean in ((Side.LEFT, 9.0), (Side.RIGHT, -2.0)):
        target = targets[side]
        assert target is not None
        assert (target.basis, target.level) == ("baseline", mean)
        assert target.limit == pytest.approx(mean + floor_deg)


@pytest.mark.parametrize(("k", "sd", "expected"), [(1.0, 5.0, 5.0), (2.0, 3.0, 6.0), (0.0, 9.0, 2.812)])
def test_a_threshold_is_k_sd_above_the_baseline_but_not_below_the_floor(k: float, sd: float, expected: float) -> None:
    own = {(side, "fppa_deg"): Baseline(4.0, sd, 20) for side in Side}
    belt = Belt(Coach(CoachSettings(baseline_k=k), own)).aligned()
    target = belt.coach.state().targets[Side.LEFT]
    assert target is not None
    assert target.limit == pytest.approx(4.0 + expected, abs=0.01)


def test_a_named_runner_is_measured_first_and_cued_afterwards() -> None:
    coach = Coach(CoachSettings(), measure=True)
    belt = Belt(coach)
    rng = np.random.default_rng(3)
    while coach.measured is not None:
        assert belt.stride(knee(9.0 + rng.normal(0, 1)), knee(2.0 + rng.normal(0, 1))) == []
        assert coach.measured is None or not coach.feedback
    assert coach.feedback
    assert {key[1] for key in coach.learnt} == {"fppa_deg", "fppa_image_deg"}
    left = coach.learnt[Side.LEFT, "fppa_deg"]
    assert left.n == MIN_BASELINE == 20  # as the settings' page says
    assert left.mean == pytest.approx(9.0, abs=1.0)
    assert left.sd == pytest.approx(1.0, abs=0.5)
    assert coach.adherence.on <= 2
    assert coach.adherence.off == 0, "what is measured first is not retained without help"
    assert [cue.side for cue in belt.stride(knee(9.0), knee(12.0))] == [Side.RIGHT]


def test_a_baseline_is_measured_until_both_sides_have_it() -> None:
    coach = Coach(CoachSettings(), measure=True)
    belt, unseen = Belt(coach), dict.fromkeys(knee(0.0), math.nan)
    for _ in range(MIN_BASELINE + 8):
        belt.stride(knee(4.0), unseen)
    assert {side for side, _ in coach.learnt} == {Side.LEFT}
    assert (coach.measured, coach.feedback) == (0, False)


def test_who_always_runs_far_over_the_fixed_threshold_is_cued_too() -> None:
    belt = Belt(Coach(CoachSettings()))
    for _ in range(20):
        belt.stride(knee(14.0), knee(4.0))
    late = [cue for cue in belt.cues if cue.t_s > 10 * STRIDE_S]
    assert {cue.side for cue in late} == {Side.LEFT}
    assert len(late) >= 9


def test_a_camera_that_is_off_by_two_degrees_does_not_nag() -> None:
    """Aligned, but shown around the threshold for the whole session: no stance stands out."""
    rng = np.random.default_rng(5)
    belt = Belt(Coach(CoachSettings()))
    for _ in range(400):
        belt.stride(knee(7.0 + rng.normal(0, 1.2)), knee(4.0 + rng.normal(0, 1.2)))
    assert len(belt.cues) <= 1


def test_an_alert_that_began_before_there_was_a_level_does_not_last_for_ever() -> None:
    """A camera that shows an aligned knee over the threshold, and a first stance by which an alert begins."""
    belt = Belt(Coach(CoachSettings()))
    for angle_deg in (11.0, 11.0, 11.0, *[9.0] * 40):
        belt.stride(knee(angle_deg), knee(4.0))
    assert belt.cues
    assert len(belt.cues) <= 8
    assert not alert(belt)
    assert belt.stride(knee(18.0), knee(4.0))


@pytest.mark.parametrize(("confidence", "begins"), [(0.8, True), (0.6, False)])
def test_where_the_pose_model_is_hardly_sure_an_alert_takes_more_than_a_little_over_the_threshold(
    confidence: float, begins: bool
) -> None:
    """Aligned, but shown at 10°, as noisy pictures do: a session's first stances, which nothing tells apart yet."""
    belt = Belt(Coach(CoachSettings()), replace(LIGHTNING, confidence=confidence)).aligned(8, 10.0)
    assert bool(belt.cues) is begins
    assert belt.stride(knee(18.0), knee(10.0))


def test_who_is_shown_far_over_the_threshold_by_a_pose_model_that_is_hardly_sure_is_not_cued_for_it() -> None:
    sure, unsure = (
        Belt(Coach(CoachSettings()), replace(LIGHTNING, confidence=c)).aligned(20, 11.5) for c in (0.8, 0.6)
    )
    assert sure.cues[-1].t_s > 15 * STRIDE_S
    assert unsure.aligned(20, 11.5).cues[16:] == []


def test_who_always_runs_far_over_the_fixed_threshold_is_cued_again_where_a_stance_was_not_seen() -> None:
    belt = Belt(Coach(CoachSettings()))
    for _ in range(8):
        belt.stride(knee(14.0), knee(4.0))
    belt.stride(dict.fromkeys(knee(0.0), math.nan), knee(4.0))
    assert not alert(belt)
    late = [bool(belt.stride(knee(14.0), knee(4.0))) for _ in range(12)]
    assert late == [False] * 8 + [True] * 4
    belt.stride(knee(8.0 - HYSTERESIS_DEG + 0.1), knee(4.0))
    assert alert(belt)


@pytest.mark.parametrize(("before_deg", "cued"), [(7.9, False), (8.3, True)])
def test_two_stances_that_are_both_over_the_threshold_tell_more_than_one(before_deg: float, cued: bool) -> None:
    belt = Belt(Coach(CoachSettings())).aligned(20, 3.5)
    assert belt.stride(knee(before_deg), knee(3.5)) == []
    assert bool(belt.stride(knee(9.5), knee(3.5))) is cued


@pytest.mark.parametrize(("strides", "cued"), [(5, False), (20, True)])
def test_an_own_level_of_few_stances_is_less_sure(strides: int, cued: bool) -> None:
    belt = Belt(Coach(CoachSettings())).aligned(strides)
    assert bool(belt.stride(knee(11.4), knee(4.0))) is cued


def test_the_newest_frames_count_twice_because_a_dive_grows() -> None:
    belt = Belt(Coach(CoachSettings())).aligned()
    belt.stance(Side.LEFT, [knee(4.0 + n) for n in range(11)])
    verdict = belt.coach.state().verdicts[Side.LEFT]
    assert verdict is not None
    assert verdict.value == pytest.approx((5.5 + 6.5 + 7.5 + 7.5) / 4)


def test_a_stance_whose_middle_is_seen_only_in_swing_is_not_judged() -> None:
    """As where pictures were lost: a knee in swing explodes."""
    belt = Belt(Coach(CoachSettings())).aligned()
    belt.coach.strike(Side.LEFT)
    for elapsed_s in (0.05, 0.09, 0.205):
        looks = {Side.LEFT: Look(elapsed_s, 0.2, knee(20.0))}
        assert belt.coach.step(belt.t_s + elapsed_s, True, looks, LIGHTNING) == ()


def test_dives_with_which_a_session_begins_are_cued_to_their_end() -> None:
    belt = Belt(Coach(CoachSettings())).aligned(2)
    for _ in range(5):
        assert belt.stride(knee(15.0), knee(4.0))
    assert belt.aligned(5).cues == belt.cues[:5]


def test_a_long_block_of_dives_after_two_steps_is_cued_to_its_end() -> None:
    """The two steps are an eighth of all: far below the others, they still tell the own level."""
    belt = Belt(Coach(CoachSettings())).aligned(2)
    for _ in range(2):
        belt.stride(picture_only(4.0), picture_only(4.0))
    for _ in range(14):
        assert [cue.side for cue in belt.stride(knee(4.0), knee(13.0))] == [Side.RIGHT]
    assert belt.aligned(5).cues == belt.cues[:14]


def test_dives_from_the_second_step_on_are_no_level_of_their_own_before_eight_were_judged() -> None:
    """Those that came before it was known where the camera stands are none of the eight; more might be how they run."""
    belt = Belt(Coach(CoachSettings())).aligned(2)
    belt.stride(picture_only(4.0), picture_only(4.0))
    for _ in range(5):
        belt.stride(picture_only(4.0), picture_only(13.0))
    for _ in range(8):
        assert [cue.side for cue in belt.stride(knee(4.0), knee(10.5))] == [Side.RIGHT]
    for _ in range(20):
        assert belt.stride(knee(4.0), knee(10.5)) == []


def test_dives_from_the_second_step_on_end_with_the_first_steps_below_them() -> None:
    """As soon as two are a gap below them it is known what the dives are: here the knee is shown 5° too far inside."""
    belt = Belt(Coach(CoachSettings())).aligned(2)
    belt.stride(picture_only(4.0), picture_only(9.0))
    for _ in range(6):
        assert [cue.side for cue in belt.stride(knee(4.0), knee(20.0))] == [Side.RIGHT]
    for angle_deg in (9.5, 9.0, 9.5, 8.5, 9.0):
        assert belt.stride(knee(4.0), knee(angle_deg)) == []
    assert [cue.side for cue in belt.stride(knee(4.0), knee(20.0))] == [Side.RIGHT]


def test_the_picture_need_be_less_sure_of_a_dive_that_is_clear_with_the_camera_taken_out() -> None:
    """The own level is 4°, σ 1.4°: 6.7° more in the picture are four σ of it and of the level's quartile; 5.0 three."""

    def cued(knee_deg: float, picture_deg: float) -> bool:
        belt = Belt(Coach(CoachSettings())).aligned(9)
        return bool(belt.stride({"fppa_deg": knee_deg, "fppa_image_deg": picture_deg}, knee(4.0)))

    assert cued(12.0, 10.5)
    assert not cued(12.0, 8.5)
    assert not cued(10.5, 12.0)


def test_a_spread_in_the_picture_counts_in_degrees_of_what_it_is_held_against() -> None:
    """What is put back of a dive makes the picture's spread larger; that of a knee about its level it does not."""
    belt = Belt(Coach(CoachSettings()), replace(LIGHTNING, knee_gain=0.7))
    for stride in range(12):
        belt.stride(knee(4.0 + 0.75 * (-1) ** stride), knee(4.0))
    assert belt.stride({"fppa_deg": 12.0, "fppa_image_deg": 14.0}, knee(4.0))


@pytest.mark.parametrize("first_deg", [-3.0, 3.0])
def test_what_the_looks_in_turn_differ_by_falls_out(first_deg: float) -> None:
    """Whichever of them is the last before the middle of stance."""
    belt = Belt(Coach(CoachSettings())).aligned()
    belt.stance(Side.LEFT, [knee(4.0 + first_deg * (-1) ** n) for n in range(11)])
    verdict = belt.coach.state().verdicts[Side.LEFT]
    assert verdict is not None
    assert verdict.value == pytest.approx(4.0)


@pytest.mark.parametrize("aside_deg", [-5.0, 5.0])
def test_a_runner_who_moves_aside_is_not_cued_for_noise(aside_deg: float) -> None:
    """The picture's angle changes with the place on the belt; with the camera taken out it stays."""
    rng, belt = np.random.default_rng(4), Belt(Coach(CoachSettings()))
    for stride in range(400):
        off_deg = aside_deg if stride // 20 % 2 else 0.0
        values = []
        for _ in Side:
            angle_deg = float(rng.normal(6.0, 1.4))
            values.append({"fppa_deg": angle_deg, "fppa_image_deg": angle_deg + off_deg})
        belt.stride(values[0], values[1])
    assert belt.cues == []
    dive = {"fppa_deg": 17.0, "fppa_image_deg": 17.0 + max(0.0, aside_deg)}
    assert belt.stride(dive, knee(6.0))


def noisy(rng: np.random.Generator, mean: float, sd: float) -> Values:
    return knee(mean + float(rng.normal(0, sd)))


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize(("model", "sd"), [("lightning", 1.7), ("thunder", 1.3)])
def test_the_goals_hold_for_the_measured_noise(own: bool, model: str, sd: float) -> None:
    """Recall of dives of 10° in blocks of five, and false cues of an hour of aligned running."""
    rng = np.random.default_rng(8)
    baselines = {(side, "fppa_deg"): Baseline(4.5, sd, 20) for side in Side} if own else {}
    dived, belt = 0, Belt(Coach(CoachSettings(), baselines), Instrument(model)).aligned(10, 4.5)
    for i in range(600):
        dive_deg = 10.0 if i % 15 < 5 else 0.0
        dived += dive_deg > 0
        belt.stride(noisy(rng, 4.5 + dive_deg, sd), noisy(rng, 4.5, sd))
    assert sum(cue.side is Side.LEFT for cue in belt.cues) >= 0.95 * dived
    false = Belt(Coach(CoachSettings(), baselines), Instrument(model))
    minutes = 60.0
    while false.t_s < minutes * 60:
        false.stride(noisy(rng, 4.5, sd), noisy(rng, 4.5, sd))
    assert len(false.cues) <= minutes / 10


def test_feedback_comes_and_goes_with_the_schedule_and_verdicts_are_counted() -> None:
    schedule = FeedbackSchedule(ProgrammeSession(6, 160.0, 0.5), seed=4)
    coach = Coach(CoachSettings(), schedule=schedule)
    belt = Belt(coach).aligned()
    spoken: list[tuple[bool, bool]] = []
    while belt.t_s < 150:
        before_s = coach.run_s
        cues = belt.stride(knee(14.0), knee(4.0))
        if schedule.is_on(before_s) == schedule.is_on(coach.run_s):
            spoken.append((schedule.is_on(before_s), bool(cues)))
    assert set(spoken) == {(True, True), (False, False)}
    seen = coach.adherence
    assert seen.on_within == pytest.approx(seen.on / 2, abs=8)
    assert seen.off_within == pytest.approx(seen.off / 2, abs=8)
    assert min(seen.on, seen.off) > 100


def test_for_how_long_cues_were_kept_back_is_counted_by_the_reason_while_somebody_runs() -> None:
    """Of the whole session: what was kept back of who ran without a name was so when a name is chosen, too."""
    schedule = FeedbackSchedule(ProgrammeSession(6, 160.0, 0.5), seed=4)
    coach = Coach(CoachSettings(), measure=True)
    belt = Belt(coach).aligned(5)
    belt.stance(Side.LEFT, [knee(4.0)] * 30, running=False)
    measured_s = coach.state().kept_back_s["measuring"]
    assert measured_s == pytest.approx(5 * 22 / FPS, abs=0.1)
    coach.know({}, measure=False, schedule=None)
    belt.aligned(8)
    assert coach.state().kept_back_s == {"off": 0.0, "measuring": measured_s, "fading": 0.0}
    coach.know({}, measure=False, schedule=schedule)
    while coach.run_s < 160.0:
        belt.aligned(1)
    kept = coach.state().kept_back_s
    assert (kept["off"], kept["measuring"]) == (0.0, measured_s)
    assert kept["fading"] == pytest.approx(80.0, abs=1.0)


def test_a_new_runner_begins_anew() -> None:
    coach = Coach(CoachSettings(), schedule=FeedbackSchedule(SESSIONS[0], 1))
    belt = Belt(coach).aligned()
    assert coach.run_s > 3
    coach.know({}, measure=True, schedule=None)
    assert (coach.run_s, coach.adherence, coach.measured) == (0.0, Adherence(), 0)
    assert belt.coach.state().verdicts == dict.fromkeys(Side)


def test_a_camera_that_was_moved_ends_baselines_in_the_picture() -> None:
    own = {(side, key): Baseline(2.0, 1.0, 20) for side in Side for key in ("fppa_deg", "fppa_image_deg")}
    coach = Coach(CoachSettings(), own)
    coach.forget_place()
    belt = Belt(coach)
    for _ in range(8):
        belt.stride(picture_only(20.0), picture_only(20.0))
    assert belt.cues == []
    assert belt.stride(knee(20.0), knee(2.0))


def test_a_camera_that_was_moved_ends_what_was_learnt_of_the_knee_in_this_session() -> None:
    coach = Coach(CoachSettings(), measure=True)
    Belt(coach).aligned(MIN_BASELINE + 5)
    assert (coach.measured, len(coach.learnt)) == (None, 4)
    coach.forget_place()
    assert (coach.measured, len(coach.learnt)) == (0, 0)


@pytest.mark.parametrize("stored", [False, True])
def test_a_camera_that_was_moved_ends_what_is_known_of_step_width(stored: bool) -> None:
    """From elsewhere both feet are seen otherwise apart: it is measured anew, without cues, and cued evenly then."""
    own = {(side, "step_width_leg"): Baseline(0.04, 0.005, 20) for side in Side} if stored else {}
    coach = Coach(CoachSettings(metric="step_width_leg"), own)
    belt = Belt(coach)

    def run(left: float, right: float, strides: int) -> list[Cue]:
        before = len(belt.cues)
        for _ in range(strides):
            belt.stride({"step_width_leg": left}, {"step_width_leg": right})
        return belt.cues[before:]

    run(0.04, 0.04, 25)
    assert (coach.measured, len(coach.learnt)) == (None, 0 if stored else 2)
    coach.forget_place()
    assert (coach.measured, len(coach.learnt)) == (0, 0)
    assert run(-0.04, 0.12, 20) == []  # the very steps, seen from aside
    assert {side: one.mean for (side, _), one in coach.learnt.items()} == pytest.approx(
        {Side.LEFT: -0.04, Side.RIGHT: 0.12}
    )
    assert {cue.side for cue in run(-0.12, 0.04, 4)} == set(Side)


def test_a_camera_that_was_moved_changes_nothing_of_the_cadence() -> None:
    coach = Coach(CoachSettings(metric="cadence_spm"))
    belt = Belt(coach)
    for _ in range(MIN_BASELINE + 2):
        belt.stride({"cadence_spm": 160.0}, {"cadence_spm": 160.0})
    coach.forget_place()
    assert (coach.measured, len(coach.learnt)) == (None, 2)


def test_switched_off_cues_nothing() -> None:
    belt = Belt(Coach(CoachSettings(enabled=False))).aligned()
    belt.stride(knee(20.0), knee(20.0))
    assert belt.cues == []
    assert not belt.coach.feedback
    ran_s = pytest.approx(9 * 22 / FPS, abs=0.1)
    assert belt.coach.state().kept_back_s == {"off": ran_s, "measuring": 0.0, "fading": 0.0}


Reading = Callable[[float], Values]


@pytest.mark.parametrize(
    ("metric", "usual", "worse", "better"),
    [("pelvic_drop_deg", 4.0, 12.0, 0.0), ("step_width_leg", 0.06, -0.02, 0.2)],
)
def test_other_goals_are_measured_first_then_cued_one_at_a_time(
    metric: Goal, usual: float, worse: float, better: float
) -> None:
    coach = Coach(CoachSettings(metric=metric))
    belt = Belt(coach)
    for _ in range(MIN_BASELINE + 8):
        assert belt.stride({metric: usual}, {metric: usual}) == []
    (cue,) = belt.stride({metric: worse}, {metric: better})
    assert (cue.side, cue.metric, cue.value) == (Side.LEFT, metric, worse)
    target = coach.state().targets[Side.LEFT]
    assert target is not None
    assert target.basis == "session"
    assert min(usual, worse) < target.limit < max(usual, worse)


def test_cadence_has_a_pace_to_beat_and_is_cued_seldom() -> None:
    coach = Coach(CoachSettings(metric="cadence_spm"))
    belt = Belt(coach)
    own = {"cadence_spm": 160.0}
    for _ in range(MIN_BASELINE + 2):
        assert coach.state().metronome_spm is None
        belt.stride(own, own)
    assert coach.state().metronome_spm == pytest.approx(172.0)  # 5 to 10 % above one's own
    start_s = belt.t_s
    belt.cues.clear()
    while belt.t_s < start_s + 35:
        belt.stride(own, own)
    times_s = [cue.t_s for cue in belt.cues]
    assert len(times_s) >= 3
    assert np.diff(times_s).min() >= 10.0
    assert belt.cues[0].threshold == pytest.approx(168.0)
    belt.cues.clear()
    for _ in range(40):
        belt.stride({"cadence_spm": 171.0}, {"cadence_spm": 171.0})
    assert belt.cues == []


def paced(belt: Belt, spm: float, strides: int) -> float | None:
    """Runs at a cadence; the pace to beat then."""
    for _ in range(strides):
        belt.stride({"cadence_spm": spm}, {"cadence_spm": spm})
    return belt.coach.state().metronome_spm


def test_ones_own_cadence_is_that_at_the_belts_speed() -> None:
    """Who ran at 156 a minute and runs faster at 180 was told a pace of 168, and that 180 is quick enough."""
    own = {
        (side, key): Baseline(spm, 1.0, MIN_BASELINE)
        for side in Side
        for key, spm in (("cadence_spm", 150.0), ("cadence_spm@2.7778", 156.0))
    }
    coach = Coach(CoachSettings(metric="cadence_spm"), own)
    belt = Belt(coach)
    coach.runs_at(2.8)
    assert paced(belt, 156.0, 4) == pytest.approx(1.075 * 156.0)
    coach.runs_at(3.6)
    assert (coach.measured, coach.state().verdicts) == (0, dict.fromkeys(Side))
    assert paced(belt, 180.0, MIN_BASELINE - 1) is None
    assert paced(belt, 180.0, 2) == pytest.approx(1.075 * 180.0)
    target = coach.state().targets[Side.LEFT]
    assert target is not None
    assert target.limit == pytest.approx(1.05 * 180.0)
    assert target.basis == "session"
    coach.runs_at(2.75)
    assert paced(belt, 156.0, 2) == pytest.approx(1.075 * 156.0)
    coach.runs_at(None)
    assert paced(belt, 150.0, 2) == pytest.approx(1.075 * 150.0)


def test_stances_at_another_speed_are_not_of_one_baseline() -> None:
    coach = Coach(CoachSettings(metric="cadence_spm"))
    belt = Belt(coach)
    paced(belt, 156.0, MIN_BASELINE - 2)
    coach.runs_at(3.6)
    assert coach.measured == 0
    paced(belt, 180.0, 2)
    coach.runs_at(3.65)  # the same for people
    paced(belt, 180.0, MIN_BASELINE - 2)
    assert {key: one.mean for key, one in coach.learnt.items()} == {(s, "cadence_spm@3.6000"): 180.0 for s in Side}


@pytest.mark.parametrize("change_s", [0.0, 30.0])
def test_ones_own_cadence_is_that_of_steady_running(change_s: float) -> None:
    """The belt is brought from a slow speed to a fast one, at once or little by little, amid the first steps."""
    coach = Coach(CoachSettings(metric="cadence_spm"))
    belt = Belt(coach)
    paced(belt, 156.0, 10)
    start_s = belt.t_s
    while belt.t_s < start_s + change_s:
        assert paced(belt, 156.0 + 24.0 * (belt.t_s - start_s) / change_s, 1) is None
    paced(belt, 180.0, MIN_BASELINE + 1)
    for side in Side:
        assert coach.learnt[side, "cadence_spm"].mean == pytest.approx(180.0, abs=1.0)
        assert coach.learnt[side, "cadence_spm"].n == MIN_BASELINE


@pytest.mark.parametrize("seed", range(4))
def test_a_cadence_that_differs_from_step_to_step_is_measured_soon(seed: int) -> None:
    """As it is told over the last twelve steps, of which each takes 2 % longer or shorter than one's own."""
    steps_s = 60.0 / 170.0 * np.random.default_rng(seed).normal(1.0, 0.02, 200)
    told_spm = 60.0 / np.convolve(steps_s, np.full(12, 1 / 12), "valid")
    coach = Coach(CoachSettings(metric="cadence_spm"))
    belt = Belt(coach)
    strides = 0
    while coach.measured is not None:
        belt.stride({"cadence_spm": told_spm[2 * strides]}, {"cadence_spm": told_spm[2 * strides + 1]})
        strides += 1
    assert strides <= 2 * MIN_BASELINE


def test_no_pace_holds_back_who_is_quicker_than_it() -> None:
    """As where the belt runs faster than it did when they were measured, and nobody has told its speed."""
    own = {(side, "cadence_spm"): Baseline(156.0, 1.0, MIN_BASELINE) for side in Side}
    belt = Belt(Coach(CoachSettings(metric="cadence_spm"), own))
    pace_spm = pytest.approx(1.075 * 156.0)
    assert paced(belt, 156.0, 4) == pace_spm
    assert paced(belt, 180.0, 1) is None
    assert paced(belt, 180.0, 8) is None
    assert paced(belt, 168.0, 1) is None
    assert [paced(belt, spm, 1) for spm in (167.0, 168.5, 167.0, 169.0)] == [pace_spm] * 4  # who keeps to it
    paced(belt, 180.0, 1)
    belt.stance(Side.LEFT, [{"cadence_spm": math.nan}] * 11, running=False)
    assert paced(belt, 156.0, 1) == pace_spm


def test_nobody_hears_a_pace_who_does_not_run_or_is_given_no_feedback() -> None:
    settings = CoachSettings(metric="cadence_spm")
    own = {(side, "cadence_spm"): Baseline(160.0, 1.0, MIN_BASELINE) for side in Side}
    steps = {"cadence_spm": 170.0}
    belt = Belt(Coach(settings, own))
    belt.stride(steps, steps)
    assert belt.coach.state().metronome_spm is not None
    belt.stance(Side.LEFT, [steps] * 11, running=False)
    assert belt.coach.state().metronome_spm is None
    for silent in (
        Coach(replace(settings, enabled=False), own),
        Coach(settings, own, schedule=FeedbackSchedule(ProgrammeSession(8, 1800.0, 0.0), seed=1)),
    ):
        Belt(silent).stride(steps, steps)
        assert silent.state().metronome_spm is None


def test_the_same_frames_bring_the_same_cues() -> None:
    def run() -> Iterator[Cue]:
        rng = np.random.default_rng(2)
        belt = Belt(Coach(CoachSettings()))
        for i in range(100):
            belt.stride(noisy(rng, 4.0 + (i % 9 == 0) * 11, 2.0), noisy(rng, 5.0, 2.0))
        return iter(belt.cues)

    first = list(run())
    assert first
    assert first == [replace(cue) for cue in run()]
