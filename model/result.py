"""A session as a document: the exact JSON that others rely on (schema ``kneeline.session/1``)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby, pairwise
from types import MappingProxyType
from typing import Any

import numpy as np

from model.camera_geometry import ROLL_SHARE
from model.camera_pose import CameraPose
from model.coach import KNEE_IMAGE, Cue
from model.frontal import fppa_uncertainty_deg
from model.gait import SLOWEST_RUN_SPM
from model.metrics import STANCE_METRICS, MetricSpec, unavailable
from model.place import CORRECTED, PLACED, why_not_corrected
from model.pose import FloatArray, Side, View
from model.stance import DOUBTED_QUALITY, MIN_QUALITY, Stance
from model.standing import LEVELLED
from model.statistics import MIN_STANCES, Difference, asymmetry, describe, trend

SCHEMA = "kneeline.session/1"
#: Of a stance's times.
TIME_DECIMALS = 4
_VALUE_DECIMALS = 4
#: A longer pause than this many median steps is a break, not a step.
_BREAK_STEPS = 1.6
#: What is said where `walks`.
WALKED = (
    "these are steps of walking, or of running that hardly leaves the ground: contact times, hips and pelvis are a "
    "walker's, and compare with no run"
)
#: Nobody who runs takes longer for a step.
_SLOWEST_STEP_S = 60.0 / SLOWEST_RUN_SPM
#: So many stances of running in succession (10 s) are a run, however long somebody walks besides.
_RUN_STANCES = 28

#: Against what a stance's pelvis is held: how the runner stood still, or the mean over whole strides.
LEVEL, STOOD, STRIDES = "pelvis_level", "standing", "strides"

#: Against the vertical as the camera shows it.
_TILTED = ("trunk_lean_deg", "hip_adduction_deg")

#: The ``camera`` block where nothing is known.
UNKNOWN_CAMERA: Mapping[str, Any] = MappingProxyType(CameraPose().as_json())


def number(value: float | None) -> float | None:
    """Rounded for the document; null where there is no number."""
    if value is None or not math.isfinite(value):
        return None
    return round(value, _VALUE_DECIMALS) + 0.0  # no −0.0


def stance_json(stance: Stance, stood: bool = False) -> dict[str, Any]:
    """One element of ``stances``: all keys of the registry, null where nothing was measured.

    ``stood``: whether its pelvis is held against how the runner stood still.
    """
    return {
        "side": str(stance.side),
        "strike_s": round(stance.strike_s, TIME_DECIMALS),
        "toe_off_s": round(stance.toe_off_s, TIME_DECIMALS),
        "quality": number(stance.quality),
        LEVEL: STOOD if stood else STRIDES,
        **{spec.key: number(stance.values[spec.key]) for spec in STANCE_METRICS},
    }


def cue_json(cue: Cue) -> dict[str, Any]:
    """One element of ``cues``."""
    return {
        "t_s": round(cue.t_s, TIME_DECIMALS),
        "side": str(cue.side),
        "metric": cue.metric,
        "value": number(cue.value),
        "threshold": number(cue.threshold),
    }


def cadence_spm(stances: Sequence[Mapping[str, Any]]) -> float | None:
    """Steps per minute over all stances; None from fewer than `MIN_STANCES`.

    Pauses are left out, and steps of which neither foot was seen well enough to count: those of a film that is slower
    than life there, of somebody else, of a stop. Of one leg that is never seen well the steps are known by the other.
    """
    stances = sorted(stances, key=lambda stance: float(stance["strike_s"]))
    if len(stances) < MIN_STANCES:
        return None
    steps = np.array([b["strike_s"] - a["strike_s"] for a, b in pairwise(stances) if well_seen(a) or well_seen(b)])
    if not steps.size:
        return None
    return float(60.0 / steps[steps < _BREAK_STEPS * np.median(steps)].mean())


def may_be_slowed(stances: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a film may be slower than life: most steps are farther apart than a runner's, or there are not two.

    Few steps at a runner's pace are those of a short film, or of one in which most are covered.
    """
    strikes = np.sort([stance["strike_s"] for stance in stances])
    return bool(2 * np.count_nonzero(np.diff(strikes) < _SLOWEST_STEP_S) <= max(0, len(strikes) - 1))


def take_back(stances: Sequence[dict[str, Any]], since_s: float) -> None:
    """Makes null, in place, what was measured for a place where the camera no longer stood.

    Args:
        stances: elements of ``stances`` in the document.
        since_s: since which strike that was so; `CameraPlace.add_stance` tells it.
    """
    for stance in _since(stances, since_s):
        stance |= dict.fromkeys(CORRECTED)


def doubt(stances: Sequence[dict[str, Any]], since_s: float) -> None:
    """Gives stances, in place, so low a quality that they are not counted.

    Args:
        stances: elements of ``stances`` in the document.
        since_s: since which strike; `Outcome.doubted_since_s` tells it.
    """
    for stance in _since(stances, since_s):
        stance["quality"] = min(stance["quality"], DOUBTED_QUALITY)


def _since(stances: Sequence[dict[str, Any]], since_s: float) -> list[dict[str, Any]]:
    """Those that began then or later."""
    return [stance for stance in stances if stance["strike_s"] >= round(since_s, TIME_DECIMALS)]


def running_stances(stances: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those of running, see `_are_run`."""
    return [one for one, is_run in zip(stances, _are_run(stances), strict=True) if is_run]


def walks(stances: Sequence[Mapping[str, Any]]) -> bool:
    """Whether most of what is in a session's means was walked: the other foot comes down before this one has left."""
    one_footed = _one_footed([one for one, counts in zip(stances, counted(stances), strict=True) if counts])
    return len(one_footed) >= MIN_STANCES and 2 * sum(one_footed) < len(one_footed)


def counted(stances: Sequence[Mapping[str, Any]]) -> list[bool]:
    """Which of a session's stances are in its means: those of running that were seen well enough."""
    are_run = _are_run(stances)
    return [is_run and well_seen(one) for one, is_run in zip(stances, are_run, strict=True)]


def with_counts(stances: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The elements of ``stances`` with ``counts``: whether they are in the session's means, see `counted`."""
    return [{**stance, "counts": counts} for stance, counts in zip(stances, counted(stances), strict=True)]


def pelvis_level(stances: Sequence[Mapping[str, Any]]) -> str | None:
    """Against what the pelvis is held in a session's means; None where it is not known.

    Who rests amid a run stands still there, and the steps before were held against the mean over strides: those count
    that are held against standing, where enough do, else the others.

    Args:
        stances: elements of ``stances`` in the document; what was stored by earlier versions does not tell.
    """
    levels = {stance.get(LEVEL) for stance in stances}
    stood = Counter(stance["side"] for stance in stances if stance.get(LEVEL) == STOOD and well_seen(stance))
    if levels == {STOOD} or all(stood[side] >= MIN_STANCES for side in Side):
        return STOOD
    return STRIDES if STRIDES in levels else None


def held_alike(stances: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """A session's stances, with no pelvis that is held against another level than that of its means."""
    level = pelvis_level(stances)
    return [one if one.get(LEVEL) in (level, None) else {**one, **dict.fromkeys(LEVELLED)} for one in stances]


def well_seen(stance: Mapping[str, Any]) -> bool:
    """Whether a stance was seen well enough to be in any mean."""
    return (stance["quality"] or 0.0) >= MIN_QUALITY


def _are_run(stances: Sequence[Mapping[str, Any]]) -> list[bool]:
    """Those in which no other foot is on the ground; all where there are too few of them to tell anything.

    Whoever warms up walking is measured as a runner all the same. Single steps of a walker that pass for running lie
    scattered; those of a run follow one another.
    """
    runs = _one_footed(stances)
    longest = max((sum(1 for _ in row) for is_run, row in groupby(runs) if is_run), default=0)
    enough = sum(runs) >= max(2 * MIN_STANCES, len(stances) // 4) or longest >= _RUN_STANCES
    return runs if enough else [True] * len(stances)


def _one_footed(stances: Sequence[Mapping[str, Any]]) -> list[bool]:
    """In which of them no other foot is on the ground."""
    return [not _overlaps(one, stances[max(0, n - 2) : n + 3]) for n, one in enumerate(stances)]


def _overlaps(stance: Mapping[str, Any], others: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the other foot comes down before this one has left the ground, or came down so long before it did."""
    contact_s = float(stance["toe_off_s"] - stance["strike_s"])
    apart_s = [abs(float(one["strike_s"] - stance["strike_s"])) for one in others if one["side"] != stance["side"]]
    return min(apart_s, default=math.inf) < contact_s


def summarise(
    stances: Sequence[Mapping[str, Any]],
    view: View | None,
    camera: CameraPose | None = None,
    unused: str | None = None,
) -> dict[str, Any]:
    """The ``summary`` of a session.

    For each side and metric: mean, SD, number, 95 % interval of the mean, SDD, how far pose model and picture may be
    off (``uncertainty``; more where the camera's place makes it so), and the trend from the first to the last
    fifth; nothing but the number from fewer than `MIN_STANCES`. For both: cadence and asymmetry. Steps of walking are
    left out, see `running_stances`; against what the pelvis is held says ``pelvis_level``, see there.

    Args:
        stances: elements of ``stances`` in the document, as `stance_json` makes them, in the order of time.
        view: the session's view; it decides what is unavailable.
        camera: where it stood, as found in the end; with one that is refused nothing is claimed of `PLACED`, and with
            one that was found nothing of stances before that, or of another place of it.
        unused: why nothing was computed from most pictures of the runner, if so. Where no stance was seen clearly, this
            is why nothing is there, whatever the view.
    """
    reasons = {} if camera is None else why_not_corrected(camera.in_the_end())
    if camera is not None:
        stances = [_as_placed(stance, camera) for stance in stances]
    counts = {str(side): sum(s["side"] == side for s in stances) for side in Side}
    level = pelvis_level(stances)
    stances = running_stances(held_alike(stances))
    values = {side: _values([s for s in stances if s["side"] == side]) for side in Side}
    blurred = bool(stances) and not any(map(well_seen, stances))
    summary: dict[str, Any] = {"cadence_spm": number(cadence_spm(stances))}
    for side in Side:
        metrics = {spec.key: _claim(values[side][spec.key], spec, view) for spec in STANCE_METRICS}
        if camera is not None and camera.usable:
            _widen(metrics, camera, side)
        summary[side] = {"stances": counts[side], **{key: claim for key, claim in metrics.items() if claim["n"]}}
    found = {
        spec.key: asymmetry(
            values[Side.LEFT][spec.key], values[Side.RIGHT][spec.key], _least_asymmetry(spec, view, camera)
        )
        for spec in STANCE_METRICS
        if spec.key != KNEE_IMAGE  # a camera aside shows more of one knee's and less of the other's
    }
    summary[LEVEL] = level
    summary["asymmetry"] = {key: _difference_json(one) for key, one in found.items() if one is not None}
    summary["unavailable"] = _unavailable(values, view, reasons, blurred)
    if blurred and unused is not None:
        summary["unavailable"] |= dict.fromkeys((spec.key for spec in STANCE_METRICS), unused)
    return summary


def summarise_stored(document: Mapping[str, Any]) -> dict[str, Any]:
    """The same of a stored session whose own was not written; keys as in the document."""
    view, camera = document["view"], document["camera"]
    return summarise(document["stances"], view and View(view), camera and CameraPose.from_json(camera))


def _as_placed(stance: Mapping[str, Any], camera: CameraPose) -> Mapping[str, Any]:
    """A stance without what it holds of a place where the camera does not stand.

    The trunk's lean is there from the first stance on, but until the place is known it is against the picture.
    """
    placed = camera.state != "refused" and any(stance.get(key) is not None for key in CORRECTED)
    return {**stance, **dict.fromkeys(PLACED)} if camera.state != "unknown" and not placed else stance


def _values(stances: Sequence[Mapping[str, Any]]) -> dict[str, FloatArray]:
    """What was measured of each metric, in the order of time, without what is not to be trusted.

    A session that an earlier version has stored may lack metrics.
    """
    seen = [stance for stance in stances if well_seen(stance)]
    return {
        spec.key: np.array([v for stance in seen if (v := stance.get(spec.key)) is not None], dtype=np.float64)
        for spec in STANCE_METRICS
    }


def _claim(values: FloatArray, spec: MetricSpec, view: View | None) -> dict[str, Any]:
    sample = describe(values)
    return {
        "mean": number(sample.mean),
        "sd": number(sample.sd),
        "sdd": spec.sdd,
        "n": sample.n,
        "ci95": number(sample.ci95),
        "uncertainty": spec.unsure(view),
        "trend": _difference_json(trend(values, spec.least_change(view))),
    }


def _widen(metrics: Mapping[str, dict[str, Any]], camera: CameraPose, side: Side) -> None:
    """Makes an uncertainty as large as this camera's place makes it, where that is more than usual."""
    for key, claim in metrics.items():
        if claim["mean"] is None or claim["uncertainty"] is None:
            continue
        if key in ("fppa_deg", "fppa_peak_deg"):
            here_deg = 1.96 * fppa_uncertainty_deg(camera, side, claim["mean"])
        else:
            here_deg = math.hypot(claim["uncertainty"], _askew_deg(key, camera))
        if here_deg > claim["uncertainty"]:
            claim["uncertainty"] = round(here_deg, 1)


def _askew_deg(key: str, camera: CameraPose | None) -> float:
    """How much of the camera's roll may be left in an angle, added to one side and taken from the other.

    Not all of the shoulders' slope is believed to be roll.
    """
    if key not in _TILTED or camera is None or camera.roll_deg is None:
        return 0.0
    return (1 / ROLL_SHARE - 1) * abs(camera.roll_deg)


def _least_asymmetry(spec: MetricSpec, view: View | None, camera: CameraPose | None) -> float | None:
    """What is no difference of the sides, with this camera."""
    least, askew_deg = spec.least_asymmetry(view), _askew_deg(spec.key, camera)
    return least if least is None else math.hypot(least, 2 * askew_deg)


def _difference_json(found: Difference | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {"value": number(found.value), "ci95": number(found.ci95), "changed": found.changed}


def _unavailable(
    values: Mapping[Side, Mapping[str, FloatArray]], view: View | None, reasons: Mapping[str, str], blurred: bool
) -> dict[str, str]:
    """Every metric that no side has a claim of, with the reason. What the view cannot show comes before all else.

    Who turns in the session shows more than its view does.
    """
    if view is None:
        return {}
    missing = unavailable(view)
    for spec in STANCE_METRICS:
        most = max(values[side][spec.key].size for side in Side)
        if most >= MIN_STANCES:
            missing.pop(spec.key, None)
        elif spec.key not in missing:
            few = f"too few stances: {most} of {MIN_STANCES}" if most else _reason(spec, blurred)
            # Where no stance was seen clearly, the camera's place is missing for that, and not the other way round.
            missing[spec.key] = few if blurred else reasons.get(spec.key, few)
    return missing


def _reason(spec: MetricSpec, blurred: bool) -> str:
    return "the runner was not seen clearly enough in any stance" if blurred else spec.reason_missing
