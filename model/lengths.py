"""Shares of leg length in centimetres as well, where the runner's height is known.

Keys are added, none is changed: ``step_width_cm`` stands beside ``step_width_leg``. People's legs differ by ± 5 % from
0.491 of their height (Winter 2009), so a length in centimetres is as uncertain; changes of one person are not.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from model.metrics import METRICS
from model.pose import Side
from model.standing import centimetres

#: The key in centimetres of every metric that is a share of leg length.
CM_KEYS: Mapping[str, str] = MappingProxyType(
    {key: key.removesuffix("_leg") + "_cm" for key in METRICS if key.endswith("_leg")}
)
_DECIMALS = 2
#: What of a claim or a difference is a length.
_LENGTHS = ("mean", "sd", "sdd", "ci95", "uncertainty", "value")


def cm(share_leg: float | None, height_cm: float | None) -> float | None:
    """A share of leg length in centimetres, rounded; None where either is not known."""
    if share_leg is None or height_cm is None:
        return None
    return round(centimetres(share_leg, height_cm), _DECIMALS)


def stance_with_centimetres(stance: Mapping[str, Any], height_cm: float | None) -> dict[str, Any]:
    """An element of ``stances`` with every share of leg length in centimetres besides; as it is without a height."""
    if height_cm is None:
        return dict(stance)
    return {**stance, **{new: cm(stance[key], height_cm) for key, new in CM_KEYS.items() if key in stance}}


def with_centimetres(document: Mapping[str, Any], height_cm: float | None) -> dict[str, Any]:
    """A session document with ``height_cm``, and lengths in centimetres in its stances and summary.

    Args:
        document: as ``kneeline.session/1``.
        height_cm: of the runner; None leaves the document as it is.
    """
    if height_cm is None:
        return dict(document)
    summary = document["summary"]
    return {
        **document,
        "height_cm": height_cm,
        "stances": [stance_with_centimetres(stance, height_cm) for stance in document["stances"]],
        "summary": None if summary is None else summary_with_centimetres(summary, height_cm),
    }


def summary_with_centimetres(summary: Mapping[str, Any], height_cm: float | None) -> dict[str, Any]:
    """A session's summary with every claim of a length in centimetres besides; as it is without a height."""
    if height_cm is None:
        return dict(summary)
    blocks = [block for block in (*Side, "asymmetry") if summary.get(block) is not None]
    return {**summary, **{str(block): _block(summary[block], height_cm) for block in blocks}}


def _block(claims: Mapping[str, Any], height_cm: float) -> dict[str, Any]:
    return {**claims, **{new: _scaled(claims[key], height_cm) for key, new in CM_KEYS.items() if key in claims}}


def _scaled(claim: Mapping[str, Any], height_cm: float) -> dict[str, Any]:
    """A claim or difference with its lengths in centimetres; numbers of stances and verdicts stay."""
    scaled: dict[str, Any] = {}
    for name, value in claim.items():
        if isinstance(value, Mapping):
            scaled[name] = _scaled(value, height_cm)
        else:
            scaled[name] = cm(value, height_cm) if name in _LENGTHS else value
    return scaled
