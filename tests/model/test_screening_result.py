"""The document's form, means, score and what is said when there is too little."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from model.pose import Side, View
from model.rubric import faults_of, points, rating
from model.screening import Exercise, KneeAtBottom, Repetition, ScreeningSettings, screen
from model.screening_result import (
    LIVE,
    REP_OFF_DEG,
    TEST_OFF_DEG,
    advice,
    instruction,
    rep_json,
    square_on_camera,
    summarise_screening,
    unjudged,
)
from tests.model.squatters import Exerciser, Rep

_DIVE = {Side.LEFT: -14.0, Side.RIGHT: 16.0}
_STEPS = [Rep(0.2), Rep(0.2, {Side.RIGHT: 15.0}, drop_deg=8.0), Rep(0.2, lean_deg=12.0), Rep(0.2, hand=True)]


@pytest.fixture(scope="module")
def squats() -> tuple[Repetition, ...]:
    poses = Exerciser([Rep(0.3, _DIVE)] * 4).poses()
    return screen(poses, ScreeningSettings(Exercise.SQUAT, View.FRONT))


@pytest.fixture(scope="module")
def steps() -> tuple[Repetition, ...]:
    poses = Exerciser(_STEPS, Side.RIGHT).poses()
    return screen(poses, ScreeningSettings(Exercise.STEP_DOWN, View.FRONT))


def test_a_repetition_has_the_agreed_form(squats: tuple[Repetition, ...], steps: tuple[Repetition, ...]) -> None:
    for rep in map(rep_json, (*squats, *steps)):
        assert list(rep)[:6] == ["start_s", "bottom_s", "end_s", "left", "right", "faults"]
        assert rep["start_s"] < rep["bottom_s"] < rep["end_s"]
        assert all(isinstance(rep[side]["fppa_deg"], float) for side in ("left", "right"))
        json.dumps(rep, allow_nan=False)
    assert {rep_json(rep)["side"] for rep in steps} == {"right"}
    assert all(rep_json(rep)["knee_gap_ratio"] < 1.2 for rep in squats)


def test_what_was_not_seen_is_null(squats: tuple[Repetition, ...]) -> None:
    hidden = replace(squats[0], pelvic_drop_deg=math.nan, knee_gap_ratio=math.nan)
    rep = rep_json(hidden)
    assert rep["pelvic_drop_deg"] is None
    assert rep["knee_gap_ratio"] is None


def test_summary_of_squats(squats: tuple[Repetition, ...]) -> None:
    summary = summarise_screening(Exercise.SQUAT, squats)
    assert summary["reps"] == 4
    for side, angle_deg in _DIVE.items():
        claim = summary[str(side)]["fppa_deg"]
        assert (claim["n"], claim["sdd"]) == (4, None)
        assert claim["mean"] == pytest.approx(angle_deg, abs=1.5)
        assert claim["sd"] < 0.5
    assert summary["faults"] == {"knee_medial_right": 4}
    assert "in every squat the right knee is at least" in summary["advice"]
    assert summarise_screening(Exercise.SQUAT, squats, camera_told=True)["advice"] is None
    assert summary["unavailable"]["trunk_forward_lean_deg"] == "needs a side view"


def test_summary_and_score_of_step_downs(steps: tuple[Repetition, ...]) -> None:
    summary = summarise_screening(Exercise.STEP_DOWN, steps)
    assert (summary["right"]["reps"], summary["left"]["reps"]) == (4, 0)
    assert summary["left"]["score"] is None
    assert summary["left"]["fppa_deg"]["mean"] is None
    assert summary["unavailable"]["left.fppa_deg"] == "no step-down on the left leg was recorded"
    assert summary["right"]["score"] == {
        "points": 4,
        "rating": "poor",
        "items": ["hand_leaves_waist", "knee_medial_right", "pelvis_not_level", "trunk_lean"],
        "not_judged": ["wavers_or_steps_down"],
        "points_at_most": 5,
    }
    assert [rep_json(rep)["score"] for rep in steps] == [0, 2, 1, 1]


def test_the_knee_s_points_are_those_of_its_furthest_repetition(steps: tuple[Repetition, ...]) -> None:
    """One dive beyond the foot's inner border among straight ones: two points."""
    straight, dived = steps[0], replace(steps[1], faults=("knee_medial_right",))
    far = replace(dived.knees[Side.RIGHT], medial_peak_shank=0.25)
    reps = [straight, replace(dived, knees={**dived.knees, Side.RIGHT: far}), straight]
    assert summarise_screening(Exercise.STEP_DOWN, reps)["right"]["score"]["points"] == 2


def test_pelvis_that_the_model_does_not_follow_is_not_judged(steps: tuple[Repetition, ...]) -> None:
    blind = [replace(rep, pelvic_drop_deg=math.nan, faults=()) for rep in steps]
    summary = summarise_screening(Exercise.STEP_DOWN, blind, pelvis_reason="not followed")
    assert summary["unavailable"]["pelvic_drop_deg"] == "not followed"
    assert summary["right"]["score"]["not_judged"] == ["pelvis_not_level", "wavers_or_steps_down"]


def test_a_knee_that_is_never_seen_is_not_judged(steps: tuple[Repetition, ...]) -> None:
    """It may be the worst of all: two points, and no "good" without saying so."""
    hidden = KneeAtBottom(math.nan, math.nan, math.nan, math.nan, math.nan)
    blind = [replace(rep, knees={**rep.knees, Side.RIGHT: hidden}, faults=()) for rep in steps]
    score = summarise_screening(Exercise.STEP_DOWN, blind)["right"]["score"]
    assert score["not_judged"] == ["knee_medial_right", "wavers_or_steps_down"]
    assert (score["points"], score["points_at_most"], score["rating"]) == (0, 3, None)
    assert unjudged(rep_json(blind[0])) == ("knee_medial_right",)
    assert unjudged(rep_json(steps[1])) == ()


def test_doubtful_knees_have_no_number_but_a_reason_and_a_remedy(squats: tuple[Repetition, ...]) -> None:
    doubtful = KneeAtBottom(math.nan, 3.0, math.nan, math.nan, math.nan, doubtful=True)
    reps = [replace(rep, knees=dict.fromkeys(Side, doubtful), faults=()) for rep in squats]
    summary = summarise_screening(Exercise.SQUAT, reps)
    for side in Side:
        assert summary[side]["fppa_deg"]["mean"] is None
        assert summary[side]["fppa_off_deg"] is None
        assert rep_json(reps[0])[side]["fppa_deg"] is None
    assert "at hip height, 2.5 to 3.5 m away" in summary["unavailable"]["fppa_deg"]
    assert summary["advice"] == summary["unavailable"]["fppa_deg"]
    live = summarise_screening(Exercise.SQUAT, reps, remedies=LIVE)
    assert "page Set up" in live["advice"]
    assert "fppa_deg" not in summarise_screening(Exercise.SQUAT, squats)["unavailable"]


def test_what_is_not_known_of_the_camera_is_added_to_how_far_an_angle_may_be_off(
    squats: tuple[Repetition, ...],
) -> None:
    def off(sd_deg: float) -> tuple[float, float]:
        reps = [
            replace(rep, knees={side: replace(knee, fppa_off_deg=sd_deg) for side, knee in rep.knees.items()})
            for rep in squats
        ]
        return rep_json(reps[0])["left"]["fppa_off_deg"], summarise_screening(Exercise.SQUAT, reps)["left"][
            "fppa_off_deg"
        ]

    assert off(0.0) == (REP_OFF_DEG, TEST_OFF_DEG)
    assert off(6.0) == pytest.approx((math.hypot(REP_OFF_DEG, 12.0), math.hypot(TEST_OFF_DEG, 12.0)), abs=0.01)


def test_instruction_asks_for_a_camera_at_hip_height() -> None:
    for exercise, side in ((Exercise.SQUAT, None), (Exercise.STEP_DOWN, Side.LEFT)):
        assert "at hip height, 2.5 to 3.5 m away" in instruction(exercise, side, camera_told=False)
        assert "at hip height" not in instruction(exercise, side, camera_told=True), "a run has told where it stands"
        assert "at hip height" in str(advice(exercise, 0))


def test_too_few_repetitions_carry_no_mean(steps: tuple[Repetition, ...]) -> None:
    summary = summarise_screening(Exercise.STEP_DOWN, steps[:2])
    assert summary["right"]["fppa_deg"] == {"mean": None, "sd": None, "sdd": 8.2, "n": 2}
    assert summary["right"]["score"] is None
    assert summary["advice"] == "2 step-downs found, too few for a mean: do 5 step-downs, at least 3"


@pytest.mark.parametrize(
    ("exercise", "found", "other", "said"),
    [
        (Exercise.SQUAT, 0, 0, "no squat was found: stand still on both feet"),
        (Exercise.STEP_DOWN, 0, 0, "no step-down was found: stand on a step"),
        (Exercise.STEP_DOWN, 0, 6, "no step-down was found, but 6 squats: use --mode squat"),
        (Exercise.SQUAT, 0, 1, "no squat was found, but 1 step-down: use --mode step-down"),
        (Exercise.SQUAT, 1, 0, "1 squat found, too few for a mean: do 5 squats, at least 3"),
    ],
)
def test_advice_names_the_remedy(exercise: Exercise, found: int, other: int, said: str) -> None:
    assert str(advice(exercise, found, other)).startswith(said)
    assert advice(exercise, 3) is None


def test_camera_that_is_not_known_says_so() -> None:
    camera = square_on_camera()
    assert (camera["state"], camera["yaw_deg"]) == ("unknown", None)
    assert "--camera" in camera["advice"]


@pytest.mark.parametrize(
    ("apart_deg", "camera_told", "side"),
    [
        ((13.0, 20.0, 12.5), False, "right"),
        ((-13.0, -20.0, -12.5), False, "left"),
        ((13.0, 20.0, 11.5), False, None),  # it may be chance
        ((13.0, -20.0, 13.0), False, None),
        ((13.0, 20.0), False, None),
        ((13.0, 20.0, 12.5), True, None),
    ],
)
def test_knees_that_differ_the_same_way_in_every_squat_may_be_a_camera_that_is_turned(
    squats: tuple[Repetition, ...], apart_deg: tuple[float, ...], camera_told: bool, side: str | None
) -> None:
    def knee(fppa_deg: float) -> KneeAtBottom:
        return KneeAtBottom(fppa_deg, fppa_deg, fppa_deg, 0.0, 0.0, 2.0)

    reps = [replace(squats[0], knees={Side.LEFT: knee(1.0), Side.RIGHT: knee(1.0 + apart)}) for apart in apart_deg]
    reps += [replace(squats[0], knees={one: knee(math.nan) for one in Side})]  # not seen: tells nothing
    said = summarise_screening(Exercise.SQUAT, reps, camera_told=camera_told)["advice"] or ""
    assert (f"in every squat the {side} knee is at least 12° further in" in said) is (side is not None)
    assert side is not None or "further in" not in said


def test_thresholds() -> None:
    def faults(fppa: float = 0.0, medial: float = 0.0, drop: float = 0.0, lean: float = 0.0) -> tuple[str, ...]:
        return faults_of({Side.LEFT: (fppa, medial)}, drop, lean, None)

    assert faults() == faults(9.9, 0.09, 3.2, -7.9) == faults(drop=-9.0) == ()
    assert faults(fppa=10.1) == faults(medial=0.11) == ("knee_medial_left",)
    assert faults(drop=3.4) == ("pelvis_not_level",)
    assert faults(lean=-8.1) == faults(lean=8.1) == ("trunk_lean",)
    assert faults(math.nan, math.nan, math.nan, math.nan) == ()
    both = dict.fromkeys(Side, (0.0, 0.0))
    assert faults_of(both, -5.1, 0.0, True) == ("pelvis_not_level", "hand_leaves_waist")
    assert faults_of(both, -4.9, 0.0, False) == ()


def test_points_and_rating() -> None:
    assert points((), math.nan) == 0
    assert points(("knee_medial_left",), 0.21) == points(("knee_medial_left",), math.nan) == 1
    assert points(("knee_medial_left",), 0.23) == 2
    assert points(("knee_medial_left", "pelvis_not_level", "trunk_lean", "hand_leaves_waist"), 0.3) == 5
    assert [rating(score) for score in range(6)] == ["good", "good", "medium", "medium", "poor", "poor"]
