"""Whole strides as curves over the gait cycle: 0 % is the strike of a foot, 100 % its next strike.

A band is mean ± SD over many strides, point by point. The frontal angle of the knee is drawn in stance only: the knee
flexed out of the picture's plane makes it explode in swing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model import kinematics as k
from model.looks import MAX_GAP_S
from model.pose import FloatArray, Pose, Side, View
from model.statistics import MIN_STANCES

POINTS = 101
_DECIMALS = 2
Angle = Callable[[FloatArray, Side], FloatArray]

_FRONTAL: Mapping[str, Angle] = {
    "fppa_image_deg": k.fppa_image_deg,
    "pelvic_drop_deg": k.pelvic_drop_deg,
    "hip_adduction_deg": k.hip_adduction_deg,
    "trunk_lean_deg": k.trunk_lean_deg,
}
_STANCE_ONLY = frozenset({"fppa_image_deg"})


def _sagittal(facing: float) -> Mapping[str, Angle]:
    return {
        "hip_extension_deg": partial(k.hip_extension_deg, facing=facing),
        "knee_flexion_deg": k.knee_flexion_deg,
        "trunk_forward_lean_deg": lambda xy, side: k.trunk_forward_lean_deg(xy, facing),
    }


@dataclass(frozen=True, slots=True)
class Stride:
    """One stride of one foot.

    Attributes:
        side: the foot.
        strike_s, next_strike_s: seconds from the first frame.
        toe_off_percent: where in the cycle the foot leaves the belt, NaN where it was not seen.
        curves: registry key to (101,) degrees; NaN where nothing was measured.
    """

    side: Side
    strike_s: float
    next_strike_s: float
    toe_off_percent: float
    curves: Mapping[str, FloatArray]


def resample(t_s: FloatArray, values: FloatArray, start_s: float, end_s: float) -> FloatArray:
    """``values`` (n,) at 101 evenly spaced instants from ``start_s`` to ``end_s``, by straight lines.

    Returns:
        (101,) NaN outside the samples and wherever two neighbouring ones are more than `MAX_GAP_S` apart.
    """
    seen = np.isfinite(values)
    t, y = t_s[seen], values[seen]
    at = np.linspace(start_s, end_s, POINTS)
    if t.size < 2:
        return np.full(POINTS, np.nan)
    after = np.searchsorted(t, at).clip(1, t.size - 1)
    known = (at >= t[0]) & (at <= t[-1]) & (t[after] - t[after - 1] <= MAX_GAP_S)
    curve: FloatArray = np.where(known, np.interp(at, t, y), np.nan)
    return curve


def measure_stride(
    side: Side,
    strike_s: float,
    toe_off_s: float,
    next_strike_s: float,
    poses: Sequence[Pose],
    view: View,
    facing: float,
) -> Stride:
    """The curves of one stride.

    Args:
        side: the foot.
        strike_s, next_strike_s: seconds.
        toe_off_s: of this stance; one that does not lie between the two (or NaN) was not seen.
        poses: in order of time, from just before ``strike_s`` until just after ``next_strike_s``.
        view: of the camera.
        facing: +1 when the runner faces the picture's right (side view).
    """
    t = np.array([pose.t_s for pose in poses])
    xy = np.stack([pose.xy_px for pose in poses])
    seen = strike_s < toe_off_s <= next_strike_s
    toe_off = 100 * (toe_off_s - strike_s) / (next_strike_s - strike_s) if seen else math.nan
    angles = _FRONTAL if view.frontal else _sagittal(facing)
    swing = ~(np.arange(POINTS) <= toe_off)
    curves = {}
    for key, angle in angles.items():
        curve = resample(t, angle(xy, side), strike_s, next_strike_s)
        curves[key] = np.where(swing, np.nan, curve) if key in _STANCE_ONLY else curve
    return Stride(side, strike_s, next_strike_s, toe_off, curves)


@dataclass(slots=True)
class _Band:
    """Running mean and sum of squares, point by point (Welford 1962), so that a session's length costs no memory."""

    n: FloatArray = field(default_factory=lambda: np.zeros(POINTS))
    mean: FloatArray = field(default_factory=lambda: np.zeros(POINTS))
    squares: FloatArray = field(default_factory=lambda: np.zeros(POINTS))

    def add(self, curve: FloatArray) -> None:
        seen = np.isfinite(curve)
        self.n += seen
        off = np.where(seen, curve - self.mean, 0.0)
        self.mean += off / np.maximum(self.n, 1)
        self.squares += off * np.where(seen, curve - self.mean, 0.0)

    def as_json(self) -> dict[str, Any]:
        enough = self.n >= MIN_STANCES
        sd = np.sqrt(self.squares / np.maximum(self.n - 1, 1))
        return {"mean": _points(self.mean, enough), "sd": _points(sd, enough), "n": int(self.n.max())}


def _points(values: FloatArray, known: NDArray[np.bool_]) -> list[float | None]:
    return [round(float(v), _DECIMALS) if ok else None for v, ok in zip(values, known, strict=True)]


class StrideBands:
    """Mean ± SD of all strides of a session."""

    def __init__(self) -> None:
        self._bands: dict[Side, dict[str, _Band]] = {side: {} for side in Side}
        self._toe_offs: dict[Side, list[float]] = {side: [] for side in Side}

    def add(self, stride: Stride) -> None:
        for key, curve in stride.curves.items():
            self._bands[stride.side].setdefault(key, _Band()).add(curve)
        if np.isfinite(stride.toe_off_percent):
            self._toe_offs[stride.side].append(stride.toe_off_percent)

    def as_json(self) -> dict[str, Any]:
        """``{side: {"toe_off_percent": mean, key: {"mean": [101], "sd": [101], "n": strides}}}``, degrees.

        Null at points that fewer than `MIN_STANCES` strides have.
        """
        return {
            str(side): {
                "toe_off_percent": round(float(np.mean(self._toe_offs[side])), 1) if self._toe_offs[side] else None,
                **{key: band.as_json() for key, band in self._bands[side].items()},
            }
            for side in Side
        }
