"""A session as a document: the exact JSON that others rely on (schema ``kneeline.session/1``)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from model.coach import Cue
from model.metrics import STANCE_METRICS, unavailable
from model.pose import Side, View
from model.stance import MIN_QUALITY, Stance

SCHEMA = "kneeline.session/1"
#: Fewer stances than this carry no claim (Dingenen 2018).
MIN_STANCES = 7
_TIME_DECIMALS = 4
_VALUE_DECIMALS = 4
#: A longer pause than this many median steps is a break, not a step.
_BREAK_STEPS = 1.6

UNKNOWN_CAMERA: Mapping[str, Any] = {
    "yaw_deg": None,
    "yaw_sd_deg": None,
    "roll_deg": None,
    "pitch_deg": None,
    "azimuth_left_deg": None,
    "azimuth_right_deg": None,
    "source": "none",
    "state": "unknown",
    "advice": None,
}


def _number(value: float | None) -> float | None:
    """Rounded for the document; null where there is no number."""
    if value is None or not math.isfinite(value):
        return None
    return round(value, _VALUE_DECIMALS) + 0.0  # no −0.0


def stance_json(stance: Stance) -> dict[str, Any]:
    """One element of ``stances``: all keys of the registry, null where nothing was measured."""
    return {
        "side": str(stance.side),
        "strike_s": round(stance.strike_s, _TIME_DECIMALS),
        "toe_off_s": round(stance.toe_off_s, _TIME_DECIMALS),
        "quality": _number(stance.quality),
        **{spec.key: _number(stance.values[spec.key]) for spec in STANCE_METRICS},
    }


def cue_json(cue: Cue) -> dict[str, Any]:
    """One element of ``cues``."""
    return {
        "t_s": round(cue.t_s, _TIME_DECIMALS),
        "side": str(cue.side),
        "metric": cue.metric,
        "value": _number(cue.value),
        "threshold": _number(cue.threshold),
    }


def cadence_spm(stances: Sequence[Mapping[str, Any]]) -> float | None:
    """Steps per minute over all stances, pauses left out; None from fewer than three."""
    strikes = np.sort([stance["strike_s"] for stance in stances])
    if len(strikes) < 3:
        return None
    steps = np.diff(strikes)
    steps = steps[steps < _BREAK_STEPS * np.median(steps)]
    return float(60.0 / steps.mean())


def summarise(stances: Sequence[Mapping[str, Any]], view: View | None) -> dict[str, Any]:
    """The ``summary`` of a session: cadence, and for each side mean, SD, SDD and number of every metric.

    Args:
        stances: elements of ``stances`` in the document, as `stance_json` makes them.
        view: the session's view; it decides what is unavailable.
    """
    return {
        "cadence_spm": _number(cadence_spm(stances)),
        **{str(side): _side_summary([s for s in stances if s["side"] == side]) for side in Side},
        "unavailable": {} if view is None else unavailable(view),
    }


def _side_summary(stances: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    summary: dict[str, Any] = {"stances": len(stances)}
    counted = [stance for stance in stances if stance["quality"] >= MIN_QUALITY]
    for spec in STANCE_METRICS:
        values = np.array([stance[spec.key] for stance in counted if stance[spec.key] is not None])
        if values.size:
            summary[spec.key] = {
                "mean": _number(float(values.mean())),
                "sd": _number(float(values.std(ddof=1))) if values.size > 1 else None,
                "sdd": spec.sdd,
                "n": int(values.size),
            }
    return summary
