"""Means, intervals and trends of a session."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from model.statistics import MIN_STANCES, asymmetry, describe, difference, student_95, trend


@given(st.floats(6, 1000))
def test_student_quantile(freedom: float) -> None:
    assert student_95(freedom) == pytest.approx(float(stats.t.ppf(0.975, freedom)), abs=2e-3)


@given(st.lists(st.floats(-50, 50), min_size=7, max_size=60))
def test_describe_agrees_with_scipy(values: list[float]) -> None:
    sample = describe(np.array([*values, math.nan]))
    assert sample.n == len(values)
    assert sample.mean == pytest.approx(np.mean(values), abs=1e-9)
    assert sample.sd == pytest.approx(np.std(values, ddof=1), abs=1e-9)
    expected = stats.t.ppf(0.975, len(values) - 1) * stats.sem(values)
    assert sample.ci95 == pytest.approx(expected, rel=1e-3, abs=1e-9)


@given(st.lists(st.floats(-50, 50), max_size=6))
def test_nothing_is_claimed_from_fewer_than_seven(values: list[float]) -> None:
    sample = describe(np.array(values, dtype=np.float64))
    assert sample.n == len(values)
    assert not sample.claimed
    assert math.isnan(sample.mean)
    assert math.isnan(sample.ci95)


def test_a_trend_needs_seven_stances_in_a_fifth() -> None:
    assert trend(np.zeros(5 * MIN_STANCES - 1), 2.0) is None
    drift = trend(np.linspace(0, 10, 5 * MIN_STANCES) + 0.3 * np.sin(np.arange(35)), 2.0)
    assert drift is not None
    assert drift.value == pytest.approx(8.2, abs=0.3)
    assert drift.changed


def test_a_change_below_the_sdd_or_within_its_noise_is_none() -> None:
    rng = np.random.default_rng(1)
    small = np.concatenate([rng.normal(0, 0.2, 28), rng.normal(1, 0.2, 28)])
    found = trend(small, 2.8)
    assert found is not None
    assert abs(found.value) > found.ci95
    assert not found.changed
    noisy = trend(rng.normal(0, 20, 56), 0.1)
    assert noisy is not None
    assert not noisy.changed


def test_asymmetry_is_left_minus_right() -> None:
    left, right = np.full(10, 5.0) + np.arange(10) / 10, np.full(12, 2.0) + np.arange(12) / 10
    found = asymmetry(left, right, 2.0)
    assert found is not None
    assert found.value == pytest.approx(left.mean() - right.mean())
    assert found.changed
    other_way = asymmetry(right, left, 2.0)
    assert other_way is not None
    assert (other_way.value, other_way.changed) == (-found.value, True)
    assert asymmetry(left, right[:6], 2.0) is None


@given(st.integers(7, 60), st.integers(7, 60), st.floats(0.1, 20))
def test_the_interval_of_a_difference_is_welch_s(first: int, second: int, spread: float) -> None:
    rng = np.random.default_rng(first)
    then, now = rng.normal(3, 1, first), rng.normal(5, spread, second)
    found = difference(describe(then), describe(now), None)
    assert found is not None
    welch = stats.ttest_ind(now, then, equal_var=False).confidence_interval(0.95)
    assert (found.value - found.ci95, found.value + found.ci95) == pytest.approx(tuple(welch), rel=2e-3, abs=2e-3)


def test_the_same_in_all_stances_has_no_interval() -> None:
    found = difference(describe(np.full(8, 1.0)), describe(np.full(9, 4.0)), 2.0)
    assert found is not None
    assert (found.value, found.ci95, found.changed) == (3.0, 0.0, True)
