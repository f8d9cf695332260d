"""Waves and lines through samples at irregular times."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.filters import explained_power, fit_line, fit_wave
from model.pose import FloatArray


def irregular(n: int, span_s: float, seed: int = 0) -> FloatArray:
    return np.sort(np.random.default_rng(seed).uniform(0.0, span_s, n))


@given(peak_s=st.floats(-0.15, 0.15), amplitude=st.floats(0.1, 10), mean=st.floats(-5, 5), seed=st.integers(0, 99))
def test_wave_is_found_from_irregular_samples(peak_s: float, amplitude: float, mean: float, seed: int) -> None:
    omega, t = 17.0, irregular(12, 0.5, seed)
    wave = fit_wave(t, mean + amplitude * np.cos(omega * (t - 1.0 - peak_s)), omega, near_s=1.0)
    assert wave is not None
    assert wave.peak_s == pytest.approx(1.0 + peak_s, abs=1e-6)
    assert [wave.mean, wave.amplitude] == pytest.approx([mean, amplitude], abs=1e-5)
    assert wave.swing(wave.peak_s) == pytest.approx(1.0)
    assert wave.swing(wave.peak_s + math.pi / omega) == pytest.approx(-1.0)


def test_wave_leaves_missing_samples_out() -> None:
    t = np.arange(0.0, 0.5, 0.03)
    y = np.cos(12.0 * t)
    y[3:6] = math.nan
    wave = fit_wave(t, y, 12.0, near_s=0.0)
    assert wave is not None
    assert wave.peak_s == pytest.approx(0.0, abs=1e-9)


def test_wave_sampled_twice_a_period() -> None:
    t = np.arange(0.0, 2.0, 0.125)
    wave = fit_wave(t, np.cos(8 * math.pi * t), 8 * math.pi, near_s=0.0)
    assert wave is not None
    assert wave.amplitude == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize(("n", "span_s"), [(3, 0.4), (20, 0.1)])
def test_too_little_for_a_wave(n: int, span_s: float) -> None:
    t = np.linspace(0.0, span_s, n)
    assert fit_wave(t, np.cos(12.0 * t), 12.0, near_s=0.0) is None


def test_line() -> None:
    t = irregular(9, 2.0)
    y = 3.0 - 2.0 * t
    y[4] = math.nan
    line = fit_line(t, y)
    assert line is not None
    assert list(line) == pytest.approx([-2.0, 3.0])
    assert fit_line(t[:2], y[:2]) is None


def test_power_is_all_at_the_wave_s_own_frequency() -> None:
    t = irregular(60, 2.0)
    omegas = np.linspace(6.0, 24.0, 19)
    y = np.stack([2.0 * np.cos(15.0 * t + 1.0) + 7.0, np.zeros_like(t)])
    explained, total = explained_power(t, y, omegas, np.ones((19, 60)), drifts=False)
    assert explained.shape == total.shape == (2, 19)
    assert omegas[np.argmax(explained[0])] == 15.0
    assert explained[0, 9] == pytest.approx(total[0, 9])
    assert explained[1].max() == pytest.approx(0.0, abs=1e-12)


def test_a_drift_is_no_wave() -> None:
    t = irregular(60, 1.0)
    omegas, weight = np.array([6.0, 12.0]), np.ones((2, 60))
    ramp = (5.0 * t - 1.0)[np.newaxis]
    explained, total = explained_power(t, ramp, omegas, weight, drifts=True)
    assert (explained < 1e-9).all()
    assert (total > 1.0).all()
    explained, _ = explained_power(t, ramp, omegas, weight, drifts=False)
    assert (explained > 0.1).any()
