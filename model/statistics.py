"""What a session's stances say together: mean, spread, how sure the mean is, whether it drifted, left against right.

A number shown to a person is a mean over at least seven stances (Dingenen 2018); from fewer nothing is claimed. A
change is a change only above the smallest detectable difference (SDD) and beyond its own 95 % interval.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from model.pose import FloatArray

#: Fewer stances than this carry no claim (Dingenen 2018).
MIN_STANCES = 7
_Z95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Sample:
    """Values of one metric on one side.

    Attributes:
        mean, sd: in the metric's unit; NaN from fewer than `MIN_STANCES`.
        n: number of stances.
        ci95: half-width of the mean's 95 % interval (Student); NaN as above. It says how well these stances fix their
            mean, not how far the camera and the pose model may be off.
    """

    mean: float
    sd: float
    n: int
    ci95: float

    @property
    def claimed(self) -> bool:
        return self.n >= MIN_STANCES


@dataclass(frozen=True, slots=True)
class Difference:
    """One mean against another.

    Attributes:
        value: in the metric's unit.
        ci95: half-width of its 95 % interval (Welch).
        changed: whether it is beyond its interval and beyond what can be detected at all.
    """

    value: float
    ci95: float
    changed: bool


def student_95(freedom: float) -> float:
    """Two-sided 95 % quantile of Student's t.

    Cornish-Fisher expansion (Abramowitz & Stegun 26.7.5); within 0.002 from six degrees of freedom upwards.
    """
    z, v = _Z95, freedom
    return (
        z
        + (z**3 + z) / (4 * v)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * v**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * v**3)
    )


def describe(values: FloatArray) -> Sample:
    """Mean, SD, number and 95 % interval of ``values`` (n,); NaN among them are not counted."""
    values = values[np.isfinite(values)]
    n = int(values.size)
    if n < MIN_STANCES:
        return Sample(math.nan, math.nan, n, math.nan)
    sd = float(values.std(ddof=1))
    return Sample(float(values.mean()), sd, n, student_95(n - 1) * sd / math.sqrt(n))


def difference(first: Sample, second: Sample, least: float | None) -> Difference | None:
    """``second`` − ``first``, None where one of them claims nothing.

    ``least``: what is smaller is no change, in the metric's unit; None: nothing is one, as it is not known.
    """
    if not (first.claimed and second.claimed):
        return None
    a, b = first.sd**2 / first.n, second.sd**2 / second.n
    value = second.mean - first.mean
    # Welch's degrees of freedom: those of the smaller sample at least, both together at most.
    freedom = (a + b) ** 2 / (a**2 / (first.n - 1) + b**2 / (second.n - 1)) if a + b > 0 else math.inf
    ci95 = student_95(freedom) * math.sqrt(a + b)
    return Difference(value, ci95, least is not None and abs(value) > max(ci95, least))


def trend(values: FloatArray, least: float | None) -> Difference | None:
    """Last fifth minus first fifth (fatigue).

    Args:
        values: (n,) in the order of time; NaN are not counted.
        least: see `difference`.

    Returns:
        None where a fifth holds fewer than `MIN_STANCES`.
    """
    values = values[np.isfinite(values)]
    fifth = values.size // 5
    if fifth < MIN_STANCES:
        return None
    return difference(describe(values[:fifth]), describe(values[-fifth:]), least)


def asymmetry(left: FloatArray, right: FloatArray, least: float | None) -> Difference | None:
    """Left − right. 2 to 3° is normal and no reason for an alarm (Malisoux 2024); None from too few stances."""
    return difference(describe(right), describe(left), least)
