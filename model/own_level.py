"""How a runner's knee usually is in this session, by stances among which there may be dives (`coach.py`).

The lower quartile tells it, because dives that came before there was a target are among them. Where a gap of 3 σ parts
the lower ones from all others these tell it: a session may begin with a long block of dives.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import quantiles

#: So many stances tell a level whatever they are.
STEADY_STANCES = 8
#: The level lies so many σ above the lower quartile; the quartile's variance is so many times that of the mean.
_ABOVE_QUARTILE, _QUARTILE_VARIANCE = 0.674, 1.86
#: So many σ are a gap; the fewest stances below it that tell the level, and their least share.
_APART, _FEWEST_LOW, _LOW_SHARE = 3.0, 2, 0.125


@dataclass(frozen=True, slots=True)
class OwnLevel:
    """The own level.

    Attributes:
        level: degrees; NaN where one of a few stances is far below all others.
        parted: whether a gap tells it.
        sd: σ of one stance, degrees.
        n: how many stances there were.
    """

    level: float
    parted: bool
    sd: float
    n: int

    @classmethod
    def of(cls, stances: Sequence[float], newest: float, sd: float) -> OwnLevel:
        """By a session's stances; the newest, which is not among them yet, may be the second one below a gap."""
        ordered = sorted(stances)
        with_newest = sorted([*stances, newest]) if newest < ordered[-1] else ordered
        for some in (ordered, with_newest):
            low = _below_gap(some, sd)
            if max(_FEWEST_LOW, _LOW_SHARE * len(some)) <= low < len(some):
                return cls(_by_quartile(some[:low], sd), True, sd, len(ordered))
        alone = _below_gap(ordered, sd) < len(ordered) < STEADY_STANCES
        return cls(math.nan if alone else _by_quartile(ordered, sd), False, sd, len(ordered))

    def beyond(self, value: float) -> float:
        """By how many σ of a single stance and of the level together a value is beyond it."""
        return (value - self.level) / (self.sd * quartile_sds(self.n))


def quartile_sds(n: int) -> float:
    """σ of a stance held against a level of ``n`` stances, in σ of a stance."""
    return math.sqrt(1 + _QUARTILE_VARIANCE / n)


def _below_gap(ordered: Sequence[float], sd: float) -> int:
    """How many lie below the widest gap; all, where noise makes it."""
    gap, low = max((after - before, n) for n, (before, after) in enumerate(pairwise(ordered), start=1))
    return low if gap > _APART * sd else len(ordered)


def _by_quartile(ordered: Sequence[float], sd: float) -> float:
    return quantiles(ordered, n=4, method="inclusive")[0] + _ABOVE_QUARTILE * sd
