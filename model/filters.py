"""Causal estimates from samples at irregular times: a dropped frame is a missing sample, nothing is resampled."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from model.pose import FloatArray


@dataclass(frozen=True, slots=True)
class Wave:
    """``mean + amplitude · cos(omega · (t − peak_s))``.

    Attributes:
        mean, amplitude: in the signal's unit, amplitude ≥ 0.
        peak_s: time of a highest value, seconds.
        omega: rad/s.
    """

    mean: float
    amplitude: float
    peak_s: float
    omega: float

    def swing(self, t_s: float) -> float:
        """−1 to 1: where in its range the wave is at ``t_s``."""
        return math.cos(self.omega * (t_s - self.peak_s))


def fit_wave(t_s: FloatArray, y: FloatArray, omega: float, near_s: float) -> Wave | None:
    """Least-squares wave of known frequency.

    Args:
        t_s, y: (n,) samples; NaN in ``y`` are left out.
        omega: rad/s.
        near_s: the highest point within half a period of this time is given.

    Returns:
        None from fewer than four samples, or when they span less than half the period.
    """
    seen = np.isfinite(y)
    t, y = t_s[seen] - near_s, y[seen]
    if len(t) < 4 or (t[-1] - t[0]) * omega < math.pi:
        return None
    base = np.stack([np.ones_like(t), np.cos(omega * t), np.sin(omega * t)])
    # The ridge is for waves sampled twice a period, of which the cosine or the sine may be zero everywhere.
    mean, c, s = np.linalg.solve(base @ base.T + 1e-9 * np.eye(3), base @ y)
    return Wave(float(mean), math.hypot(c, s), near_s + math.atan2(s, c) / omega, omega)


def fit_line(t: FloatArray, y: FloatArray) -> tuple[float, float] | None:
    """Least-squares ``(slope, value at 0)``; NaN in ``y`` are left out; None from fewer than three samples."""
    seen = np.isfinite(y)
    if seen.sum() < 3:
        return None
    t, y = t[seen], y[seen]
    spread = t - t.mean()
    slope = float(spread @ y / (spread @ spread))
    return slope, float(y.mean() - slope * t.mean())


def explained_power(
    t_s: FloatArray, y: FloatArray, omegas: FloatArray, weight: FloatArray, drifts: bool
) -> tuple[FloatArray, FloatArray]:
    """How much of each signal's variance a wave of each frequency explains, by weighted least squares.

    Args:
        t_s: (n,) times.
        y: (m, n) signals without NaN.
        omegas: (f,) rad/s.
        weight: (f, n) ≥ 0, for each frequency its own memory.
        drifts: whether a straight line is fitted along, so that only what goes beyond it counts as explained.

    Returns:
        Explained and total variance, (m, f) each, in the square of the signal's unit.
    """
    weight = weight / weight.sum(axis=1, keepdims=True)
    phase = np.outer(omegas, t_s)
    c, s = np.cos(phase), np.sin(phase)
    for wave in (c, s):
        wave -= (wave * weight).sum(axis=1, keepdims=True)
    if drifts:
        line = t_s - (t_s * weight).sum(axis=1, keepdims=True)
        spread = (line**2 * weight).sum(axis=1, keepdims=True)
        for wave in (c, s):
            wave -= line * ((wave * line * weight).sum(axis=1, keepdims=True) / spread)
    # Both are now square to a constant (and a line), so the signals' means (and slopes) drop out.
    cw, sw = c * weight, s * weight
    cc, ss, cs = (c * cw).sum(axis=1), (s * sw).sum(axis=1), (c * sw).sum(axis=1)
    cy, sy = y @ cw.T, y @ sw.T
    total = (y**2) @ weight.T - (y @ weight.T) ** 2
    explained = (ss * cy**2 + cc * sy**2 - 2 * cs * cy * sy) / np.maximum(cc * ss - cs**2, 1e-12)
    return np.maximum(explained, 0.0), np.maximum(total, 0.0)
