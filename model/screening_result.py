"""A screening as a document: ``reps`` and ``summary`` of the schema ``kneeline.session/1``."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from model.metrics import METRICS
from model.pose import Side
from model.result import UNKNOWN_CAMERA, number
from model.rubric import NOT_SEEN, NOT_SEEN_SQUAT, points, rating
from model.screening import Exercise, KneeAtBottom, Repetition

#: Fewer repetitions carry no mean; the rubric asks for five.
MIN_REPS, RUBRIC_REPS = 3, 5
#: How far one repetition's knee, and the mean of a test, were off at most where the camera was told, degrees
#: (screening_bodies.md).
REP_OFF_DEG, TEST_OFF_DEG = 11.0, 10.0
_TIME_DECIMALS = 4
_SQUARE_ON = (
    "where the camera stands is not known: it is taken to stand square before or behind the person; every degree that "
    "it is turned adds up to 3° to one knee that is deeply bent and takes them off the other: set it square, or "
)
#: Knees that differ by so much the same way in every squat: the person, or a camera that is turned by a third of it.
_UNLIKE_DEG = 12.0
_NAMES = {Exercise.SQUAT: ("squat", "squats"), Exercise.STEP_DOWN: ("step-down", "step-downs")}
#: What the person is to do.
HOW = {
    Exercise.SQUAT: "stand still on both feet, whole in the picture, squat and stand up again, five times, with the "
    "camera at hip height",
    Exercise.STEP_DOWN: "stand on a step of 15 to 20 cm, whole in the picture with both feet, touch the floor with the "
    "free heel and come up again, five times, with the camera at hip height",
}


@dataclass(frozen=True, slots=True)
class Remedies:
    """What helps, in the words of where a test is made.

    Attributes:
        other: names the other exercise, which stands at its end.
        place: how the camera's place is told, beside setting it square.
        side_view: what to do where the person is seen from the side.
        pelvis: what to do where the model does not follow the pelvis from behind.
        height: how the camera's height is mended.
    """

    other: str
    place: str
    side_view: str
    pelvis: str
    height: str


#: On the command line, for a file.
RECORDED = Remedies(
    other="use --mode",
    place="record a run from the same place and give its result with --camera",
    side_view="record from the front or from behind, or say --view front or rear",
    pelvis="use --model thunder, or record the front",
    height="record with the camera at hip height, 2.5 to 3.5 m away, or set [camera] height_m",
)
#: On the page, for who stands before the camera.
LIVE = Remedies(
    other="choose the test",
    place="let somebody run first, so that the camera's place is found",
    side_view="face the camera, or turn your back to it",
    pelvis='test from the front, or set [model] name = "thunder"',
    height="set the camera at hip height, 2.5 to 3.5 m away, or type the lens' height on the page Set up",
)


def test_name(exercise: Exercise, tested: Side | None) -> str:
    """What a test is called, as "step-down test, left leg"."""
    return f"{exercise} test" if tested is None else f"{exercise} test, {tested} leg"


def instruction(exercise: Exercise, tested: Side | None, camera_told: bool) -> str:
    """What the person before the camera is to do.

    Args:
        exercise: what is tested.
        tested: the standing leg of a step-down.
        camera_told: where it is known how the camera stands to the belt, the person has to stand along it.
    """
    facing = "facing as you run" if camera_told else "facing the camera, or with your back to it"
    # What a run has found of the camera holds at any height.
    camera = "" if camera_told else "Set the camera at hip height, 2.5 to 3.5 m away. "
    if exercise is Exercise.SQUAT:
        return f"{camera}Stand on both feet, {facing}, whole in the picture. Squat and stand up again, five times."
    return (
        f"{camera}Stand with the {tested} foot on a step of 15 to 20 cm, {facing}, hands at the waist, whole in the "
        "picture with both feet. Touch the floor with the free heel and come up again, five times."
    )


def side_view_words(remedies: Remedies) -> str:
    """Why there is no result from the side."""
    return f"the camera sees the person from the side, where knee alignment does not show: {remedies.side_view}"


def wrong_leg_words(tested: Side, found: int) -> str:
    """What is said where all step-downs, ``found`` of them, were made on the other leg."""
    return f"no step-down on the {tested} leg was found, but {found} on the {tested.other} leg"


def height_words(remedies: Remedies) -> str:
    """Why a knee that was seen has no angle."""
    return (
        "the camera's height above the hips is not known well enough to tell the angle of a knee that is bent so far: "
        + remedies.height
    )


def pelvis_words(remedies: Remedies) -> str:
    """Why the pelvis is not measured from behind."""
    return f"the model Lightning does not follow the pelvis from behind: {remedies.pelvis}"


def square_on_camera(remedies: Remedies = RECORDED) -> dict[str, Any]:
    """The ``camera`` block where nothing is known of the camera."""
    return dict(UNKNOWN_CAMERA) | {"advice": _SQUARE_ON + remedies.place}


def rep_json(rep: Repetition) -> dict[str, Any]:
    """One element of ``reps``; null where nothing was measured."""
    found: dict[str, Any] = {
        "start_s": round(rep.start_s, _TIME_DECIMALS),
        "bottom_s": round(rep.bottom_s, _TIME_DECIMALS),
        "end_s": round(rep.end_s, _TIME_DECIMALS),
        **{str(side): _knee_json(rep.knees[side]) for side in Side},
        "faults": list(rep.faults),
        "depth_leg": number(rep.depth_leg),
        "pelvic_drop_deg": number(rep.pelvic_drop_deg),
        "trunk_lean_deg": number(rep.trunk_lean_deg),
    }
    if rep.tested is None:
        return found | {"knee_gap_ratio": number(rep.knee_gap_ratio)}
    score = points(rep.faults, rep.knees[rep.tested].medial_peak_shank)
    return found | {"side": str(rep.tested), "hand_left_waist": rep.hand_left_waist, "score": score}


def unjudged(rep: Mapping[str, Any]) -> tuple[str, ...]:
    """Keys of the faults of knees, pelvis and trunk of which a repetition (`rep_json`) does not tell."""
    values = {_knee_fault(side): rep[side].get("fppa_peak_deg") for side in Side if rep.get("side") in (None, side)}
    values |= {"pelvis_not_level": rep["pelvic_drop_deg"], "trunk_lean": rep["trunk_lean_deg"]}
    return tuple(key for key, value in values.items() if value is None and key not in rep["faults"])


def seen_words(faults: Sequence[str], missed: Sequence[str]) -> str:
    """What was seen in a repetition: its faults, then what was not judged; neither is "no fault"."""
    return ", ".join([*faults, *(f"{what} not judged" for what in missed)]) or "no fault"


def _knee_json(knee: KneeAtBottom) -> dict[str, Any]:
    return {
        "fppa_deg": number(knee.fppa_deg),
        "fppa_off_deg": number(_off_deg(REP_OFF_DEG, knee.fppa_off_deg)),
        "fppa_peak_deg": number(knee.fppa_peak_deg),
        "fppa_image_deg": number(knee.fppa_image_deg),
        "medial_shank": number(knee.medial_shank),
        "medial_peak_shank": number(knee.medial_peak_shank),
    }


def _off_deg(usual_deg: float, camera_deg: float) -> float:
    """How far an angle may be off, with what the camera's pitch adds (its SD, twice)."""
    return math.hypot(usual_deg, 2 * camera_deg)


def summarise_screening(
    exercise: Exercise,
    reps: Sequence[Repetition],
    other: int = 0,
    pelvis_reason: str | None = None,
    camera_told: bool = False,
    remedies: Remedies = RECORDED,
) -> dict[str, Any]:
    """The ``summary``: counts, means and spread per side, faults, score, what is unavailable and why.

    Args:
        exercise: what was asked for.
        reps: what was found.
        other: how many repetitions of the other exercise are in the recording, where there are none of this one.
        pelvis_reason: why the pelvis was not measured, None where it was.
        camera_told: whether it is known where the camera stands.
        remedies: what helps where the test was made.
    """
    summary: dict[str, Any] = {"cadence_spm": None, "reps": len(reps)}
    for side in Side:
        mine = [rep for rep in reps if rep.tested in (None, side)]
        # Munro's smallest detectable difference is that of one leg.
        sdd = METRICS["fppa_deg"].sdd if exercise is Exercise.STEP_DOWN else None
        off = [rep.knees[side].fppa_off_deg for rep in mine if math.isfinite(rep.knees[side].fppa_off_deg)]
        off_deg = _off_deg(TEST_OFF_DEG, float(np.mean(off))) if len(off) >= MIN_REPS else math.nan
        summary[str(side)] = {"reps": len(mine), **_knee_means(mine, side, sdd), "fppa_off_deg": number(off_deg)}
        if exercise is Exercise.STEP_DOWN:
            summary[str(side)] |= _body_means(mine) | {"score": _score(mine, side)}
    if exercise is Exercise.SQUAT:
        summary |= _body_means(reps) | {"knee_gap_ratio": _mean(reps, lambda rep: rep.knee_gap_ratio)}
    faults = [fault for rep in reps for fault in rep.faults]
    summary["faults"] = {fault: faults.count(fault) for fault in sorted(set(faults))}
    doubt = height_words(remedies) if any(_doubtful(rep) for rep in reps) else None
    summary["unavailable"] = _unavailable(exercise, reps, pelvis_reason)
    if doubt is not None:
        summary["unavailable"]["fppa_deg"] = doubt
    turned = None if camera_told else _turned_advice(reps, remedies)
    summary["advice"] = advice(exercise, len(reps), other, remedies) or doubt or turned
    return summary


def _doubtful(rep: Repetition) -> bool:
    """Whether a knee that is tested was seen but has no angle."""
    return any(knee.doubtful for side, knee in rep.knees.items() if rep.tested in (None, side))


def advice(exercise: Exercise, found: int, other: int = 0, remedies: Remedies = RECORDED) -> str | None:
    """What is in the way of a result, with the remedy; None from `MIN_REPS` repetitions on."""
    one, many = _NAMES[exercise]
    if found == 0 and other > 0:
        rest = Exercise.SQUAT if exercise is Exercise.STEP_DOWN else Exercise.STEP_DOWN
        return f"no {one} was found, but {_count(rest, other)}: {remedies.other} {rest}"
    if found == 0:
        return f"no {one} was found: {HOW[exercise]}"
    if found < MIN_REPS:
        return f"{_count(exercise, found)} found, too few for a mean: do {RUBRIC_REPS} {many}, at least {MIN_REPS}"
    return None


def _turned_advice(reps: Sequence[Repetition], remedies: Remedies) -> str | None:
    """What to look at when one knee is further in than the other in every squat, and the camera may be the reason."""
    apart = np.array([rep.knees[Side.RIGHT].fppa_deg - rep.knees[Side.LEFT].fppa_deg for rep in reps if not rep.tested])
    apart = apart[np.isfinite(apart)]
    if len(apart) < MIN_REPS or np.abs(apart).min() < _UNLIKE_DEG or abs(np.sign(apart).sum()) < len(apart):
        return None
    side = Side.RIGHT if apart[0] > 0 else Side.LEFT
    least_deg = float(np.abs(apart).min())
    return (
        f"in every squat the {side} knee is at least {least_deg:.0f}° further in than the other: a camera that is "
        f"turned shows that too: check that it stands square, or {remedies.place}"
    )


def _count(exercise: Exercise, found: int) -> str:
    return f"{found} {_NAMES[exercise][0 if found == 1 else 1]}"


def _mean(reps: Sequence[Repetition], value: Callable[[Repetition], float], sdd: float | None = None) -> dict[str, Any]:
    """Mean and SD over the repetitions that have one; null from fewer than `MIN_REPS`."""
    values = np.array([value(rep) for rep in reps], dtype=np.float64)
    values = values[np.isfinite(values)]
    claimed = len(values) >= MIN_REPS
    return {
        "mean": number(float(values.mean()) if claimed else math.nan),
        "sd": number(float(values.std(ddof=1)) if claimed else math.nan),
        "sdd": sdd,
        "n": len(values),
    }


def _knee_means(reps: Sequence[Repetition], side: Side, sdd: float | None) -> dict[str, Any]:
    return {
        "fppa_deg": _mean(reps, lambda rep: rep.knees[side].fppa_deg, sdd),
        "fppa_peak_deg": _mean(reps, lambda rep: rep.knees[side].fppa_peak_deg, sdd),
        "fppa_image_deg": _mean(reps, lambda rep: rep.knees[side].fppa_image_deg, sdd),
        "medial_shank": _mean(reps, lambda rep: rep.knees[side].medial_shank),
    }


def _body_means(reps: Sequence[Repetition]) -> dict[str, Any]:
    return {
        "depth_leg": _mean(reps, lambda rep: rep.depth_leg),
        "pelvic_drop_deg": _mean(reps, lambda rep: rep.pelvic_drop_deg, METRICS["pelvic_drop_deg"].sdd),
        "trunk_lean_deg": _mean(reps, lambda rep: rep.trunk_lean_deg, METRICS["trunk_lean_deg"].sdd),
    }


def _score(reps: Sequence[Repetition], side: Side) -> dict[str, Any] | None:
    """Score of the whole test: an item counts that was seen in any repetition. None from fewer than `MIN_REPS`."""
    if len(reps) < MIN_REPS:
        return None
    seen = sorted({fault for rep in reps for fault in rep.faults})
    furthest = np.array([rep.knees[side].medial_peak_shank for rep in reps])
    furthest = furthest[np.isfinite(furthest)]
    total = points(seen, float(furthest.max()) if furthest.size else math.nan)
    unseen = sorted(_unseen_items(reps, side) - set(seen))
    return {
        "points": total,
        # Of a knee that was not judged nothing can be called good.
        "rating": None if _knee_fault(side) in unseen else rating(total),
        "items": seen,
        "not_judged": unseen,
        # Each item that could not be judged may add a point, the knee two.
        "points_at_most": total + len(unseen) + (_knee_fault(side) in unseen),
    }


def _knee_fault(side: Side) -> str:
    return f"knee_medial_{side}"


def _unseen_items(reps: Sequence[Repetition], side: Side) -> set[str]:
    unseen = {"wavers_or_steps_down"}
    if not any(math.isfinite(rep.knees[side].fppa_peak_deg) for rep in reps):
        unseen.add(_knee_fault(side))
    if all(rep.hand_left_waist is None for rep in reps):
        unseen.add("hand_leaves_waist")
    for key in ("pelvic_drop_deg", "trunk_lean_deg"):
        if not any(math.isfinite(getattr(rep, key)) for rep in reps):
            unseen.add({"pelvic_drop_deg": "pelvis_not_level", "trunk_lean_deg": "trunk_lean"}[key])
    return unseen


def _unavailable(exercise: Exercise, reps: Sequence[Repetition], pelvis_reason: str | None) -> dict[str, str]:
    missing = dict(NOT_SEEN if exercise is Exercise.STEP_DOWN else NOT_SEEN_SQUAT)
    missing["knee_flexion_deg"] = missing["hip_extension_deg"] = "needs a side view"
    missing["hip and knee rotation"] = "rotation about the leg's long axis is not visible in a 2D picture"
    if pelvis_reason is not None:
        missing["pelvic_drop_deg"] = pelvis_reason
    if exercise is Exercise.STEP_DOWN:
        if reps and all(rep.hand_left_waist is None for rep in reps):
            missing["hand_leaves_waist"] = "the hands were not at the waist at the start, or not seen"
        for side in Side:
            if reps and all(rep.tested is not side for rep in reps):
                missing[f"{side}.fppa_deg"] = f"no step-down on the {side} leg was recorded"
    return missing
