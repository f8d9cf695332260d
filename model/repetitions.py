"""Repetitions of a movement down and up again, told by the pelvis' height alone.

The pelvis falls from a top to a bottom and comes back to the top. What falls without coming back (the clip's end, a
step off the box) is no repetition; a dip on the way up belongs to the repetition that it is in.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model.pose import FloatArray

#: Heights are averaged over this time before and after.
_SMOOTH_S = 0.1
#: A gap in the poses up to this long is bridged; over a longer one no repetition is told.
MAX_GAP_S = 0.4
#: A top counts as one when it comes back to within this share of the fall; else it is a dip on the way.
_BACK_SHARE = 0.3
#: At the bottom is what is within this share of the fall from it.
_EDGE_SHARE = 0.05
#: A movement begins with constant acceleration, so it began as long before it had gone this share of the way as it took
#: from there to four times of it. That is nearer than any threshold that noise cannot reach.
_BEGUN_SHARE = 0.05
#: Down and up take at least this long and at most that long: a bounce, and what one does before a jump, is shorter.
_MIN_S, _MAX_S = 0.9, 20.0


@dataclass(frozen=True, slots=True)
class Span:
    """One movement down and up.

    Attributes:
        start_s: the pelvis leaves the top.
        bottom_s: middle of the time at the bottom (within 5 % of the fall), so that a pause there has its middle.
        end_s: the pelvis is back at the top.
        low_s: first and last instant of the time at the bottom.
        fall: from the mean of both tops to the bottom, in the unit of the heights.
    """

    start_s: float
    bottom_s: float
    end_s: float
    low_s: tuple[float, float]
    fall: float


def find_repetitions(t_s: FloatArray, height: FloatArray, least: float) -> tuple[Span, ...]:
    """Every movement down and up again.

    Args:
        t_s: (n,) seconds, increasing.
        height: (n,) of the pelvis, + up, any unit; NaN where it was not seen.
        least: what falls less is none, same unit.

    Returns:
        In the order of time, none overlapping. Empty from fewer than three seen heights.
    """
    seen = np.isfinite(height)
    t, h = t_s[seen], height[seen]
    if len(t) < 3:
        return ()
    breaks = np.flatnonzero(np.diff(t) > MAX_GAP_S) + 1
    parts = zip(np.split(t, breaks), np.split(h, breaks), strict=True)
    return tuple(span for part_t, part_h in parts for span in _in_one_piece(part_t, part_h, least))


def smoothed(t_s: FloatArray, values: FloatArray) -> FloatArray:
    """(n,) means over `_SMOOTH_S` before and after, after single outliers are taken out by a median of three."""
    if len(values) < 3:
        return values.copy()
    padded = np.concatenate([values[:1], values, values[-1:]])
    calm = np.median(np.stack([padded[:-2], padded[1:-1], padded[2:]]), axis=0)
    sums = np.concatenate([[0.0], np.cumsum(calm)])
    # As many samples before as after, so that the ends are not drawn toward the middle.
    index = np.arange(len(t_s))
    before = index - np.searchsorted(t_s, t_s - _SMOOTH_S - 1e-9)
    after = np.searchsorted(t_s, t_s + _SMOOTH_S + 1e-9) - 1 - index
    reach = np.minimum(before, after)
    mean: FloatArray = (sums[index + reach + 1] - sums[index - reach]) / (2 * reach + 1)
    return mean


def _in_one_piece(t_s: FloatArray, height: FloatArray, least: float) -> list[Span]:
    h = smoothed(t_s, height)
    turns = _without_dips(h, _turns(h, least))
    spans = []
    for top, bottom, after in zip(turns[::2], turns[1::2], turns[2::2], strict=False):
        span = _span(t_s, h, top, bottom, after)
        if span is not None and span.fall >= least and _MIN_S <= span.end_s - span.start_s <= _MAX_S:
            spans.append(span)
    return spans


def _turns(h: FloatArray, least: float) -> list[int]:
    """Indices of tops and bottoms in turn, a top first and last, that are at least ``least`` apart in height."""
    turns: list[int] = []
    top = bottom = 0
    falling = False
    for i, value in enumerate(h):
        if falling:
            bottom = i if value < h[bottom] else bottom
            if value >= h[bottom] + least:
                turns.append(bottom)
                top, falling = i, False
        else:
            top = i if value > h[top] else top
            if value <= h[top] - least:
                turns.append(top)
                bottom, falling = i, True
    # What still falls at the end, or has begun to rise by less than ``least``, has no top after it.
    return turns if falling else [*turns, top]


def _without_dips(h: FloatArray, turns: list[int]) -> list[int]:
    """``turns`` without tops that do not come back to where the fall began, each with the higher bottom beside it."""
    kept = list(turns)
    i = 2
    while i + 1 < len(kept):
        low = kept[i - 1] if h[kept[i - 1]] <= h[kept[i + 1]] else kept[i + 1]
        if h[kept[i]] < h[kept[i - 2]] - _BACK_SHARE * (h[kept[i - 2]] - h[low]):
            kept[i - 1 : i + 2] = [low]
        else:
            i += 2
    return kept


def _span(t_s: FloatArray, h: FloatArray, top: int, bottom: int, after: int) -> Span | None:
    """None where the way up does not come back to the top."""
    fall, rise = h[top] - h[bottom], h[after] - h[bottom]
    if rise < (1 - _BACK_SHARE) * fall or fall < (1 - _BACK_SHARE) * rise:
        return None
    down = h[top] - h[top : bottom + 1]
    up = (h[after] - h[bottom : after + 1])[::-1]
    start_s = _begun_s(t_s[top : bottom + 1], down, fall)
    end_s = -_begun_s(-t_s[bottom : after + 1][::-1], up, rise)
    low = np.flatnonzero(h[top : after + 1] <= h[bottom] + _EDGE_SHARE * fall) + top
    low_s = (float(t_s[low[0]]), float(t_s[low[-1]]))
    return Span(start_s, sum(low_s) / 2, end_s, low_s, (fall + rise) / 2)


def _begun_s(t_s: FloatArray, way: FloatArray, whole: float) -> float:
    """When a movement began that has gone ``way`` (n,) at ``t_s`` (n,), the top at the first sample."""
    first, second = (_passed_s(t_s, way, share * whole) for share in (_BEGUN_SHARE, 4 * _BEGUN_SHARE))
    return max(2 * first - second, float(t_s[0]))


def _passed_s(t_s: FloatArray, way: FloatArray, level: float) -> float:
    """When ``way`` last rose through ``level``, between its samples."""
    before = int(np.flatnonzero(way < level)[-1])
    if before + 1 == len(way):
        return float(t_s[before])
    share = (level - way[before]) / (way[before + 1] - way[before])
    return float(t_s[before] + share * (t_s[before + 1] - t_s[before]))
