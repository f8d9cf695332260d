"""Repetitions by the height of the pelvis alone: heights in straight legs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest

from model.pose import FloatArray
from model.repetitions import find_repetitions
from tests.model.squatters import Exerciser, Rep

LEAST = 0.12


def heights(reps: Sequence[Rep], fps: float = 30.0, noise: float = 0.0) -> tuple[Exerciser, FloatArray, FloatArray]:
    """Of somebody whose legs are 1 m long."""
    who = Exerciser(reps)
    motion = who.motion(fps)
    high = motion.xyz_m[:, 11:13, 1].mean(axis=1)
    return who, motion.t_s, high + np.random.default_rng(1).normal(0.0, noise, len(high))


TEMPI = [
    [Rep(0.4)] * 5,
    [Rep(0.4, top_s=0.0)] * 5,
    [Rep(0.4, down_s=0.6, up_s=0.6)] * 5,
    [Rep(0.4, down_s=3.0, up_s=1.0, low_s=2.0, top_s=3.0)] * 3,
    [Rep(0.4), Rep(0.2), Rep(0.5, down_s=2.0), Rep(0.16), Rep(0.4, low_s=1.0)],
]


@pytest.mark.parametrize("reps", TEMPI)
@pytest.mark.parametrize("fps", [12.0, 30.0, 60.0])
@pytest.mark.parametrize("noise", [0.0, 0.006])
def test_every_repetition_and_no_other(reps: Sequence[Rep], fps: float, noise: float) -> None:
    who, t_s, high = heights(reps, fps, noise)
    spans = find_repetitions(t_s, high, LEAST)
    assert [span.bottom_s for span in spans] == pytest.approx(who.bottoms_s, abs=0.25)
    slowest = max(max(rep.down_s, rep.up_s) for rep in reps)
    for span, start_s, end_s, rep in zip(spans, who.starts_s, who.ends_s, reps, strict=True):
        assert span.start_s == pytest.approx(start_s, abs=0.12 * slowest + 2 / fps + 15 * noise)
        assert span.end_s == pytest.approx(end_s, abs=0.12 * slowest + 2 / fps + 15 * noise)
        assert span.fall == pytest.approx(rep.depth_m, abs=0.02 + 0.4 / fps)
    assert all(a.end_s <= b.start_s + 0.05 for a, b in pairwise(spans))


def test_pause_at_the_bottom_has_its_middle() -> None:
    who, t_s, high = heights([Rep(0.4, low_s=4.0)] * 2, noise=0.004)
    assert [span.bottom_s for span in find_repetitions(t_s, high, LEAST)] == pytest.approx(who.bottoms_s, abs=0.3)


def test_half_a_repetition_at_either_end_is_none() -> None:
    who, t_s, high = heights([Rep(0.4)] * 3)
    kept = t_s < who.bottoms_s[2] + 0.3
    assert len(find_repetitions(t_s[kept], high[kept], LEAST)) == 2
    kept = t_s > who.bottoms_s[0] - 0.1
    assert len(find_repetitions(t_s[kept], high[kept], LEAST)) == 2
    _, t_s, high = heights([Rep(0.4), Rep(0.4, back=0.4)])
    assert len(find_repetitions(t_s, high, LEAST)) == 1


def test_dip_on_the_way_up_is_part_of_its_repetition() -> None:
    t_s = np.arange(0.0, 8.0, 1 / 30)
    way = np.interp(t_s, [0, 1, 2, 3, 3.6, 4.4, 5.4, 8], [0, 0, 0.4, 0.18, 0.36, 0.36, 0, 0])
    (span,) = find_repetitions(t_s, 0.9 - way, LEAST)
    assert (span.start_s, span.end_s) == pytest.approx((1.0, 5.4), abs=0.15)
    assert span.bottom_s == pytest.approx(2.0, abs=0.1)


def test_bounce_and_shifting_weight_are_none() -> None:
    t_s = np.arange(0.0, 20.0, 1 / 30)
    for height, hz in ((0.1, 2.8), (0.16, 2.8), (0.05, 1.8), (0.08, 0.3)):
        assert find_repetitions(t_s, height / 2 * np.cos(2 * np.pi * hz * t_s), LEAST) == ()


def test_gaps() -> None:
    who, t_s, high = heights([Rep(0.4)] * 3)
    short, long = high.copy(), high.copy()
    for bottom_s in who.bottoms_s:
        short[np.abs(t_s - bottom_s - 0.5) < 0.15] = np.nan
    assert len(find_repetitions(t_s, short, LEAST)) == 3
    long[np.abs(t_s - who.bottoms_s[1]) < 0.6] = np.nan
    assert [span.bottom_s for span in find_repetitions(t_s, long, LEAST)] == pytest.approx(
        [who.bottoms_s[0], who.bottoms_s[2]], abs=0.05
    )
    assert find_repetitions(t_s, np.full(len(t_s), np.nan), LEAST) == ()
    assert find_repetitions(np.empty(0), np.empty(0), LEAST) == ()


@pytest.mark.parametrize(
    ("way", "found"),
    [
        ([(1, 0), (2, 0.4), (3, 0.1), (5, 0.1)], 1),  # back to within 30 % of the way
        ([(1, 0), (2, 0.4), (3, 0.14), (5, 0.14)], 0),
        ([(1, 0.1), (2, 0.4), (3, 0), (5, 0)], 1),
        ([(1, 0.14), (2, 0.4), (3, 0), (5, 0)], 0),  # who bends and stands up began below
        ([(1, 0), (1.65, 0.4), (2.3, 0), (5, 0)], 1),  # from 0.9 s
        ([(1, 0), (1.3, 0.4), (1.6, 0), (5, 0)], 0),
        ([(1, 0), (2, 0.4), (19, 0.4), (20, 0), (25, 0)], 1),  # to 20 s
        ([(1, 0), (2, 0.4), (21, 0.4), (22, 0), (25, 0)], 0),
    ],
)
def test_how_far_it_comes_back_and_how_long_it_may_take(way: Sequence[tuple[float, float]], found: int) -> None:
    t_s = np.arange(0.0, way[-1][0], 1 / 30)
    down = np.interp(t_s, *np.transpose([(0.0, way[0][1]), *way]))
    assert len(find_repetitions(t_s, 0.9 - down, LEAST)) == found


@pytest.mark.parametrize(("gap_s", "found"), [(0.3, 1), (0.5, 0)])
def test_only_a_short_gap_is_bridged(gap_s: float, found: int) -> None:
    t_s = np.arange(0.0, 5.0, 1 / 30)
    high = 0.9 - np.interp(t_s, [0, 1, 2, 3, 5], [0, 0, 0.4, 0, 0])
    high[np.abs(t_s - 1.6) < gap_s / 2] = np.nan
    assert len(find_repetitions(t_s, high, LEAST)) == found
