"""Causal estimates from samples at irregular times: a dropped frame is a missing sample, nothing is ever resampled."""

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
        peak_s: time of a highest value, within half a period of the fit's own zero of time.
        omega: rad/s.
    """

    mean: float
    amplitude: float
    peak_s: float
    omega: float

    def at(self, t_s: float) -> float:
        return self.mean + self.swing(t_s) * self.amplitude

    def swing(self, t_s: float) -> float:
        """−1 to 1: where in its range the wave is."""
        return math.cos(self.omega * (t_s - self.peak_s))


def fit_wave(t_s: FloatArray, y: FloatArray, omega: float, origin_s: float) -> Wave | None:
    """Least-squares wave of known frequency.

    Args:
        t_s, y: (n,) samples; NaN in ``y`` are left out.
        omega: rad/s.
        origin_s: the peak nearest to this time is given.

    Returns:
        None from fewer than four samples, or from samples that do not span a third of the period.
    """
    ok = np.isfinite(y)
    t, y = t_s[ok] - origin_s, y[ok]
    if len(t) < 4 or (t[-1] - t[0]) * omega < 2.0:
        return None
    base = np.stack([np.ones_like(t), np.cos(omega * t), np.sin(omega * t)])
    mean, c, s = np.linalg.solve(base @ base.T, base @ y)
    return Wave(float(mean), math.hypot(c, s), origin_s + math.atan2(s, c) / omega, omega)


def explained_power(t_s: FloatArray, y: FloatArray, weight: FloatArray, omegas: FloatArray) -> FloatArray:
    """Variance that a wave of each frequency explains of each signal, by weighted least squares.

    Args:
        t_s: (n,) times.
        y: (m, n) signals without NaN.
        weight: (n,) ≥ 0.
        omegas: (f,) rad/s.

    Returns:
        (f, m), in the square of the signals' unit, 0 to the signal's weighted variance.
    """
    w = weight / weight.sum()
    centred = y - (y @ w)[:, np.newaxis]
    phase = np.outer(omegas, t_s)
    base = np.stack([np.cos(phase), np.sin(phase)])
    base = base - (base @ w)[..., np.newaxis]
    cc, ss = base**2 @ w
    cs = (base[0] * base[1]) @ w
    cy, sy = base @ (centred * w).T
    det = np.maximum(cc * ss - cs**2, 1e-12)[:, np.newaxis]
    power: FloatArray = (
        ss[:, np.newaxis] * cy**2 + cc[:, np.newaxis] * sy**2 - 2 * cs[:, np.newaxis] * cy * sy
    ) / det
    return power
