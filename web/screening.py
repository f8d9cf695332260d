"""Squat and step-down tests as people read them: names, rows and words for the templates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from model import rubric
from model.camera_pose import CameraPose
from model.comparison import least_change
from model.metrics import METRICS
from model.pose import Side
from model.screening import Exercise
from model.screening_result import MIN_REPS, REP_OFF_DEG, TEST_OFF_DEG, seen_words, test_name, unjudged
from model.words import capital
from web.present import Cell, number

RUN = "run"


@dataclass(frozen=True, slots=True)
class Offer:
    """A test that can be chosen on the page. ``exercise`` and ``side`` are the device's words."""

    label: str
    exercise: Exercise
    side: Side | None = None

    @property
    def command(self) -> dict[str, Any]:
        """Begins it."""
        side = None if self.side is None else str(self.side)
        return {"command": "start_screening", "exercise": str(self.exercise), "side": side}


#: By the value of the form's field.
OFFERS: Mapping[str, Offer] = MappingProxyType(
    {
        "squat": Offer("Squat test", Exercise.SQUAT),
        "step-down-left": Offer("Step-down, left leg", Exercise.STEP_DOWN, Side.LEFT),
        "step-down-right": Offer("Step-down, right leg", Exercise.STEP_DOWN, Side.RIGHT),
    }
)
FAULT_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "knee_medial_left": "left knee inward",
        "knee_medial_right": "right knee inward",
        "pelvis_not_level": "pelvis not level",
        "trunk_lean": "trunk leans",
        "hand_leaves_waist": "a hand leaves the waist",
    }
)
#: What is judged, by the key of its fault.
_JUDGED_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "knee_medial_left": "left knee",
        "knee_medial_right": "right knee",
        "pelvis_not_level": "pelvis",
        "trunk_lean": "trunk",
    }
)
#: What a test does not tell, by the key in the summary's ``unavailable`` or in a score's ``not_judged``.
_UNSEEN_WORDS: Mapping[str, str] = MappingProxyType(
    {
        **FAULT_WORDS,
        "wavers_or_steps_down": "wavering, or weight on the free foot",
        "knee_against_toe": "knee against toe",
        "heels_rise": "heels that rise",
        "trunk_forward_lean_deg": "the trunk's forward lean",
        "left.fppa_deg": "the left leg",
        "right.fppa_deg": "the right leg",
    }
)


@dataclass(frozen=True, slots=True)
class RepRow:
    """One repetition in words; "—" for what was not seen, "" for the knee that is not tested."""

    n: int
    left: str
    right: str
    pelvis: str
    trunk: str
    faults: tuple[str, ...]
    unjudged: tuple[str, ...]

    @property
    def seen(self) -> str:
        return seen_words(self.faults, self.unjudged)


def tested_side(mode: str, summary: Mapping[str, Any]) -> Side | None:
    """The leg that a step-down test is of; None for both, for squats, and where nothing was counted."""
    sides = [side for side in Side if (summary.get(side) or {}).get("reps")]
    return sides[0] if mode == Exercise.STEP_DOWN and len(sides) == 1 else None


def title(mode: str, summary: Mapping[str, Any] | None) -> str:
    """What a session is called: "Run", "Squat test", "Step-down test, left leg"."""
    if mode == RUN:
        return "Run"
    return capital(test_name(Exercise(mode), tested_side(mode, summary or {})))


def knees(mode: str, summary: Mapping[str, Any]) -> dict[str, Cell]:
    """Mean and spread of each knee, by side; the reason where there is none."""
    tested = tested_side(mode, summary)
    return {str(side): _knee(summary, side, tested) for side in Side}


def result(document: Mapping[str, Any], summary: Mapping[str, Any]) -> dict[str, Any]:
    """What the pages of a test show.

    Args:
        document: the session.
        summary: of it.
    """
    mode = document["mode"]
    rows = [_row(n, rep) for n, rep in enumerate(document["reps"], start=1)]
    tested = tested_side(mode, summary)
    return {
        "title": title(mode, summary),
        "tested": tested,
        "knees": knees(mode, summary),
        "reps": rows,
        "faults": {FAULT_WORDS.get(key, key): n for key, n in (summary.get("faults") or {}).items()},
        "unjudged": Counter(what for row in rows for what in row.unjudged),
        "score": None if tested is None else _score(summary[tested].get("score")),
        "unseen": _unseen(summary.get("unavailable") or {}, tested),
        "advice": summary.get("advice"),
        "placed": CameraPose.from_json(document["camera"] or {}).usable,
        "sdd": METRICS["fppa_deg"].sdd if mode == Exercise.STEP_DOWN else None,
        "limits": {
            "knee_deg": rubric.VALGUS_DEG,
            "knee_percent": 100 * rubric.MEDIAL_OF_TOE_SHANK,
            "pelvis_deg": rubric.PELVIS_DEG if mode == Exercise.STEP_DOWN else rubric.PELVIS_SQUAT_DEG,
            "trunk_deg": rubric.TRUNK_DEG,
        },
    }


def off_deg(document: Mapping[str, Any], summary: Mapping[str, Any]) -> dict[str, float | None]:
    """How far one repetition's knee, and the mean of a test, may be off at most, degrees.

    ``change``: what is smaller is no change between two tests, where the camera's place is not known in one of them.
    """
    tested = tested_side(document["mode"], summary)
    sides = [str(side) for side in Side if tested in (None, side)]
    reps = [(rep.get(side) or {}).get("fppa_off_deg") for rep in document["reps"] for side in sides]
    tests = [(summary.get(side) or {}).get("fppa_off_deg") for side in sides]
    test = max([TEST_OFF_DEG, *filter(None, tests)])
    change = least_change(METRICS["fppa_deg"], None, [{"uncertainty": test}] * 2, unlike=True)
    return {"rep": max([REP_OFF_DEG, *filter(None, reps)]), "test": test, "change": change}


def _knee(summary: Mapping[str, Any], side: Side, tested: Side | None) -> Cell:
    if tested not in (None, side):
        return Cell("—", reason="not tested")
    found = (summary.get(side) or {}).get("fppa_deg") or {}
    n = int(found.get("n", 0))
    if found.get("mean") is None:
        why = (summary.get("unavailable") or {}).get("fppa_deg")
        return Cell("—", n, why or f"too few: {n} of {MIN_REPS} repetitions")
    return Cell(f"{number(found['mean'], 1, signed=True)} ± {number(found['sd'])}", n)


def _row(n: int, rep: Mapping[str, Any]) -> RepRow:
    tested = rep.get("side")
    angles = {side: "" if tested not in (None, side) else _degrees(rep[side]["fppa_deg"]) for side in Side}
    pelvis = ("lower on the free side", "higher on the free side") if tested else ("lower left", "lower right")
    trunk = ("toward the standing leg", "away from the standing leg") if tested else ("to the left", "to the right")
    return RepRow(
        n,
        angles[Side.LEFT],
        angles[Side.RIGHT],
        _sided(rep["pelvic_drop_deg"], pelvis),
        _sided(rep["trunk_lean_deg"], trunk),
        tuple(FAULT_WORDS.get(fault, fault) for fault in rep["faults"]),
        tuple(_JUDGED_WORDS[key] for key in unjudged(rep)),
    )


def _degrees(value: float | None) -> str:
    return "—" if value is None else f"{number(value, 1, signed=True)}°"


def _sided(value_deg: float | None, words: Sequence[str]) -> str:
    """Size and direction; ``words`` are those of + and of −."""
    if value_deg is None:
        return "—"
    size = number(abs(value_deg))
    return "level" if size == "0.0" else f"{size}° {words[value_deg < 0]}"


def _score(score: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if score is None:
        return None
    unseen = [_UNSEEN_WORDS.get(key, key) for key in score["not_judged"]]
    items = [FAULT_WORDS.get(key, key) for key in score["items"]]
    return {**score, "items": items, "not_judged": unseen}


def _unseen(unavailable: Mapping[str, str], tested: Side | None) -> dict[str, str]:
    """What is not told, with the reason; the other leg of a test of one is no lack."""
    other = None if tested is None else f"{tested.other}.fppa_deg"
    return {_label(key): why for key, why in unavailable.items() if key != other}


def _label(key: str) -> str:
    return _UNSEEN_WORDS.get(key) or (METRICS[key].label if key in METRICS else key)
