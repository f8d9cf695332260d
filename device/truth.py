"""A result against a clip's truth: what was missed, invented, and how far off the rest is."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from model.errors import InputError
from model.pose import Side, View

#: A strike is the same one within this time.
_SAME_STRIKE_S = 0.15
#: The first and last strikes lie where the clip is cut; they are not scored.
EDGE_S = 0.7
#: A stance with at least this much inward dive is one that must be cued.
DIVE_DEG = 8.0
_AFTER_S = 0.1


@dataclass(frozen=True, slots=True)
class Events:
    """Detected against true instants. Errors are detected minus true, seconds."""

    true: int
    missed: int
    invented: int
    errors_s: tuple[float, ...]

    @property
    def mae_s(self) -> float:
        return float(np.mean(np.abs(self.errors_s))) if self.errors_s else float("nan")

    @property
    def bias_s(self) -> float:
        return float(np.mean(self.errors_s)) if self.errors_s else float("nan")


@dataclass(frozen=True, slots=True)
class Cueing:
    """Cues against diving stances."""

    dives: int
    cued: int
    false: int

    @property
    def recall(self) -> float:
        return self.cued / self.dives if self.dives else float("nan")


@dataclass(frozen=True, slots=True)
class Angle:
    """A metric per stance against truth, one side: mean error, and mean absolute error after the mean was taken out."""

    n: int
    true_mean: float
    mean_error: float
    spread_error: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """All errors of one result."""

    cadence_error_spm: float
    strikes: Events
    toe_offs: Events
    cueing: Cueing
    fppa: Mapping[Side, Angle]
    pelvic_drop: Mapping[Side, Angle]

    def lines(self) -> list[str]:
        """For a person to read."""
        known = math.isfinite(self.cadence_error_spm)
        out = [f"cadence error {self.cadence_error_spm:+.2f} spm" if known else "cadence: not measured, or not told"]
        for name, events in (("strikes", self.strikes), ("toe-offs", self.toe_offs)):
            out.append(f"{name}: {events.true} true, {events.missed} missed, {events.invented} invented")
            if events.errors_s:
                mean_ms, absolute_ms = events.bias_s * 1e3, events.mae_s * 1e3
                out[-1] += f", mean error {mean_ms:+.0f} ms, mean absolute error {absolute_ms:.0f} ms"
        cueing = self.cueing
        out.append(f"cues: {cueing.cued} of {cueing.dives} diving stances, {cueing.false} false")
        for name, angles in (("fppa_deg", self.fppa), ("pelvic_drop_deg", self.pelvic_drop)):
            out += [
                f"{name} {side}: true mean {a.true_mean:.1f}°, mean error {a.mean_error:+.1f}°, "
                f"per stance {a.spread_error:.1f}° (n = {a.n})"
                for side, a in angles.items()
                if a.n  # from the side there is none
            ]
        return out


def load_truth(path: Path, mode: str | None = None) -> dict[str, Any]:
    """Reads a clip's truth.

    Args:
        path: of the file.
        mode: what the person in the clip does; None: whatever the file is about.

    Raises:
        InputError: the file is missing, is no truth file, or not one of such a clip.
    """
    try:
        truth = json.loads(path.read_text("utf-8"))
        fault = _truth_fault(truth, mode)
    except (OSError, ValueError, RecursionError) as error:
        fault = (error.strerror or "cannot be read") if isinstance(error, OSError) else "not JSON"
    if fault is not None:
        raise InputError(f"--truth {path}: {fault}: give the JSON that belongs to the clip")
    return truth  # type: ignore[no-any-return]  # a dict, else it is a fault


def _truth_fault(truth: Any, mode: str | None) -> str | None:
    """Why a file is not the truth of a clip in which somebody does what ``mode`` says; None where it is."""
    if not isinstance(truth, dict):
        return "not a truth file"
    tested = truth.get("reps")
    if mode == "run" and tested and not truth.get("stances"):
        return "it has no stances, for its clip is one of a squat or step-down"
    if mode not in (None, "run") and not tested:
        return "that clip has no reps, for its clip is not one of a squat or step-down"
    if mode == "run" or (mode is None and not tested):
        return _running_fault(truth)
    return _reps_fault(truth)


def _running_fault(truth: Mapping[str, Any]) -> str | None:
    for key in ("foot_strikes", "toe_offs"):
        sides = truth.get(key)
        if not isinstance(sides, dict) or not all(_are_numbers(sides.get(str(side))) for side in Side):
            return f"{key} must be times in seconds for left and right"
    for key in ("n_frames", "fps"):
        if not (_is_number(truth.get(key)) and truth[key] > 0):
            return f"{key} must be a number above 0"
    if not _is_number(truth.get("cadence_spm", ""), or_null=True):
        return "cadence_spm must be a number or null"
    interval = truth.get("runner_interval_s")
    if interval is not None and not (_are_numbers(interval) and len(interval) == 2):
        return "runner_interval_s must be two times in seconds"
    angles = ("fppa_frontal3d_mid_deg", "pelvic_drop_mid_deg")
    return _rows_fault(truth, "stances", ("strike_s", "toeoff_s", "mid_s", "valgus_added_deg"), angles, sided=True)


def _reps_fault(truth: Mapping[str, Any]) -> str | None:
    added = ["valgus_added_deg", *_PUT_IN.values(), *(_ADDED.format(side=side) for side in Side)]
    angles = [*_TRUE_BODY.values(), *(_TRUE_FPPA.format(side=side) for side in Side)]
    fault = _rows_fault(truth, "reps", ("start_s", "bottom_s", "end_s"), [*angles, *added])
    if fault is not None:
        return fault
    one_legged = any(rep.get("valgus_added_deg") is not None for rep in truth["reps"])
    wrong = one_legged and truth.get("stance_side") not in list(Side)
    return "stance_side must be left or right" if wrong else None


def _rows_fault(
    truth: Mapping[str, Any], key: str, numbers: Sequence[str], may_be: Sequence[str], sided: bool = False
) -> str | None:
    """Which row of a table lacks one of its ``numbers``, or has no number in one of those that ``may_be`` there."""
    rows = truth.get(key)
    if not isinstance(rows, list):
        return f"{key} must be a list"
    for i, row in enumerate(rows):
        if not isinstance(row, dict):
            return f"{key}[{i}] must have names and values"
        if sided and row.get("side") not in list(Side):
            return f"{key}[{i}]: side must be left or right"
        wrong = [name for name in numbers if not _is_number(row.get(name))]
        wrong += [name for name in may_be if not _is_number(row.get(name), or_null=True)]
        if wrong:
            return f"{key}[{i}]: {wrong[0]} must be a number"
    return None


def _is_number(value: object, or_null: bool = False) -> bool:
    """Of a size that times, angles and counts have; nan is none."""
    if value is None:
        return or_null
    return isinstance(value, (int, float)) and not isinstance(value, bool) and -1e9 < value < 1e9


def _are_numbers(values: object) -> bool:
    return isinstance(values, list) and all(_is_number(value) for value in values)


def compare(document: Mapping[str, Any], truth: Mapping[str, Any]) -> Comparison:
    """The errors of a session document against a clip's truth. Both ends of the clip (0.7 s) are not scored."""
    scored = _scored(truth)
    events = {
        key: _sum_events(
            [
                match_events(
                    [s[key] for s in document["stances"] if s["side"] == side], truth[name][str(side)], scored
                )
                for side in Side
            ]
        )
        for key, name in (("strike_s", "foot_strikes"), ("toe_off_s", "toe_offs"))
    }
    cadence = document["summary"]["cadence_spm"]
    pairs = {side: paired_stances(document, truth, side) for side in Side}
    return Comparison(
        cadence_error_spm=(cadence if cadence is not None else float("nan"))
        - (truth["cadence_spm"] or float("nan")),
        strikes=events["strike_s"],
        toe_offs=events["toe_off_s"],
        cueing=_cueing(document, truth, scored),
        fppa={side: _angle(pairs[side], "fppa_deg", "fppa_frontal3d_mid_deg") for side in Side},
        pelvic_drop={side: _angle(pairs[side], "pelvic_drop_deg", "pelvic_drop_mid_deg") for side in Side},
    )


def match_events(found: Sequence[float], true: Sequence[float], scored: tuple[float, float]) -> Events:
    """Pairs ``found`` with ``true`` instants of one side, seconds; only true ones within ``scored`` count."""
    inside = [t for t in true if scored[0] <= t <= scored[1]]
    left = list(found)
    errors: list[float] = []
    for t in inside:
        nearest = min(left, key=lambda f: abs(f - t), default=None)
        if nearest is not None and abs(nearest - t) <= _SAME_STRIKE_S:
            errors.append(nearest - t)
            left.remove(nearest)
    outside = [t for t in true if t not in inside]
    invented = [
        f
        for f in left
        if scored[0] <= f <= scored[1] and all(abs(f - t) > _SAME_STRIKE_S for t in outside)
    ]
    return Events(len(inside), len(inside) - len(errors), len(invented), tuple(errors))


def _sum_events(parts: Sequence[Events]) -> Events:
    return Events(
        sum(p.true for p in parts),
        sum(p.missed for p in parts),
        sum(p.invented for p in parts),
        tuple(e for p in parts for e in p.errors_s),
    )


def _scored(truth: Mapping[str, Any]) -> tuple[float, float]:
    start_s, end_s = truth.get("runner_interval_s") or (0.0, truth["n_frames"] / truth["fps"])
    return start_s + EDGE_S, end_s - EDGE_S


def paired_stances(
    document: Mapping[str, Any], truth: Mapping[str, Any], side: Side
) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Detected and true stances of one side, paired by strike; both ends of the clip are left out."""
    scored = _scored(truth)
    pairs = []
    mine = [s for s in document["stances"] if s["side"] == side]
    for true in truth["stances"]:
        if true["side"] != side or not scored[0] <= true["mid_s"] <= scored[1]:
            continue
        nearest = min(mine, key=lambda s: abs(s["strike_s"] - true["strike_s"]), default=None)
        if nearest is not None and abs(nearest["strike_s"] - true["strike_s"]) <= _SAME_STRIKE_S:
            pairs.append((nearest, true))
    return pairs


def _angle(
    pairs: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]], key: str, true_key: str
) -> Angle:
    both = [(found[key], true.get(true_key)) for found, true in pairs]
    both = [(found, true) for found, true in both if found is not None and true is not None]
    if not both:
        return Angle(0, float("nan"), float("nan"), float("nan"))
    values = np.array(both, dtype=np.float64)
    error = values[:, 0] - values[:, 1]
    return Angle(
        len(both), float(values[:, 1].mean()), float(error.mean()), float(np.abs(error - error.mean()).mean())
    )


def belongs(cue: Mapping[str, Any], stance: Mapping[str, Any]) -> bool:
    """Whether a cue of a document is of a true stance."""
    return bool(
        cue["side"] == stance["side"] and stance["strike_s"] <= cue["t_s"] <= stance["toeoff_s"] + _AFTER_S
    )


def _cueing(document: Mapping[str, Any], truth: Mapping[str, Any], scored: tuple[float, float]) -> Cueing:
    if document["view"] == View.SIDE:
        return Cueing(0, 0, len(document["cues"]))
    dives = [s for s in truth["stances"] if s["valgus_added_deg"] >= DIVE_DEG and s["mid_s"] >= scored[0]]
    cued = sum(any(belongs(cue, stance) for cue in document["cues"]) for stance in dives)
    any_dive = [s for s in truth["stances"] if s["valgus_added_deg"] > 0]
    false = sum(not any(belongs(cue, stance) for stance in any_dive) for cue in document["cues"])
    return Cueing(len(dives), cued, false)


#: Names of the true values of a repetition: for both knees, then for the body.
_TRUE_FPPA = "fppa_frontal3d_{side}_bottom_deg"
_ADDED = "valgus_added_{side}_deg"
_TRUE_BODY = {"pelvic_drop_deg": "pelvic_drop_bottom_deg", "trunk_lean_deg": "trunk_lean_bottom_deg"}
#: What was put into a clip, by the fault that must be found for it.
_PUT_IN = {"pelvis_not_level": "pelvic_drop_added_deg", "trunk_lean": "trunk_lean_added_deg"}


@dataclass(frozen=True, slots=True)
class RepComparison:
    """A screening against truth. Errors are measured minus true, one for each repetition found.

    Attributes:
        true, found: repetitions of the truth, and of them those whose bottom was found within their time.
        invented: found ones that are none.
        bottom_s: errors of the bottom's time.
        angles_deg: by name, errors in degrees.
        faults_missed, faults_invented: "repetition: fault", repetitions from 1.
    """

    true: int
    found: int
    invented: int
    bottom_s: tuple[float, ...]
    angles_deg: Mapping[str, tuple[float, ...]]
    faults_missed: tuple[str, ...]
    faults_invented: tuple[str, ...]

    def lines(self) -> list[str]:
        """For a person to read."""
        out = [f"repetitions: {self.found} of {self.true} found, {self.invented} invented"]
        if self.bottom_s:
            out[0] += f", bottom's mean absolute error {float(np.abs(self.bottom_s).mean()) * 1e3:.0f} ms"
        out += [
            f"{name}: mean error {float(np.mean(errors)):+.1f}°, largest {max(errors, key=abs):+.1f}° "
            f"(n = {len(errors)})"
            for name, errors in self.angles_deg.items()
            if errors
        ]
        for name, faults in (("missed", self.faults_missed), ("invented", self.faults_invented)):
            out.append(f"faults {name}: {', '.join(faults) or 'none'}")
        return out


def compare_reps(document: Mapping[str, Any], truth: Mapping[str, Any]) -> RepComparison:
    """The errors of a screening against a clip's truth. What was put into a repetition not found was missed."""
    found = list(document["reps"])
    pairs = []
    faults: list[tuple[str, set[str], set[str]]] = []
    for number, true in enumerate(truth["reps"], 1):
        mine = next((rep for rep in found if true["start_s"] <= rep["bottom_s"] <= true["end_s"]), None)
        if mine is not None:
            found.remove(mine)
            pairs.append((number, mine, true))
        seen = set() if mine is None else set(mine["faults"])
        faults.append((f"{number}: ", seen, _true_faults(true, truth)))
    angles = {f"{side} fppa_deg": _errors_deg(pairs, _TRUE_FPPA.format(side=side), str(side)) for side in Side}
    angles |= {key: _errors_deg(pairs, true_key, None, key) for key, true_key in _TRUE_BODY.items()}
    return RepComparison(
        true=len(truth["reps"]),
        found=len(pairs),
        invented=len(found),
        bottom_s=tuple(mine["bottom_s"] - true["bottom_s"] for _, mine, true in pairs),
        angles_deg=angles,
        faults_missed=tuple(name + fault for name, mine, true in faults for fault in sorted(true - mine)),
        faults_invented=tuple(name + fault for name, mine, true in faults for fault in sorted(mine - true)),
    )


def _errors_deg(
    pairs: Sequence[tuple[int, Mapping[str, Any], Mapping[str, Any]]],
    true_key: str,
    side: str | None,
    key: str = "fppa_deg",
) -> tuple[float, ...]:
    values = [((mine if side is None else mine[side])[key], true.get(true_key)) for _, mine, true in pairs]
    return tuple(value - true for value, true in values if value is not None and true is not None)


def _true_faults(rep: Mapping[str, Any], truth: Mapping[str, Any]) -> set[str]:
    """What was put into a repetition of a clip."""
    added = {side: rep.get(_ADDED.format(side=side)) or 0.0 for side in Side}
    if rep.get("valgus_added_deg") is not None:
        added[Side(truth["stance_side"])] = rep["valgus_added_deg"]
    faults = {f"knee_medial_{side}" for side, deg in added.items() if deg > 0}
    return faults | {fault for fault, key in _PUT_IN.items() if (rep.get(key) or 0.0) > 0}
