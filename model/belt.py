"""How fast the belt ran in a session, as far as that was told: it is not measured.

A run's angles, cadence and contact times go with the speed, so runs are held against each other at the same one.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

#: Speeds that are no further apart are the same: 0.2 of 10 km/h, more than what is lost by rounding to 0.1 km/h.
_SAME = 0.02
#: The slowest and the fastest of the steps, this share each, are left out: a speed that was mistyped and put right.
_LEFT_OUT = 1 / 20
#: Of more steps than this share the speed was taken back and not told anew: then it is not known.
_MOST_UNTOLD = 1 / 10


@dataclass(frozen=True, slots=True)
class BeltSpeed:
    """The speeds at which nine tenths of a session's steps were run.

    Attributes:
        min_m_s, max_m_s: the slowest and the fastest of them; the same where the belt's speed did not change.
    """

    min_m_s: float
    max_m_s: float

    @classmethod
    def of(cls, session: Mapping[str, Any]) -> Self | None:
        """Of a stored session; None where it is not known, as of those that earlier versions have stored."""
        ends = session.get("belt_speed_min_m_s"), session.get("belt_speed_max_m_s")
        told = [float(end) for end in ends if isinstance(end, int | float) and math.isfinite(end)]
        return cls(*told) if len(told) == len(ends) else None

    @property
    def words(self) -> str:
        """In km/h, as treadmills show it."""
        slow, fast = f"{3.6 * self.min_m_s:.1f}", f"{3.6 * self.max_m_s:.1f}"
        return f"{slow} km/h" if slow == fast else f"{slow} to {fast} km/h"

    def is_same(self, other: BeltSpeed) -> bool:
        """Whether the belt ran at one and the same speed in both sessions. One in which it changed is like no other."""
        return is_same_speed(min(self.min_m_s, other.min_m_s), max(self.max_m_s, other.max_m_s))


def is_same_speed(one_m_s: float, other_m_s: float) -> bool:
    """Whether it is one and the same speed for people."""
    return max(one_m_s, other_m_s) <= (1 + _SAME) * min(one_m_s, other_m_s)


class ToldSpeeds:
    """Counts a session's steps by the speed that was told while they were run."""

    def __init__(self) -> None:
        self._steps: Counter[float | None] = Counter()
        #: Steps at a speed that was told and cannot have been.
        self._doubted = 0

    def add(self, belt_m_s: float | None, steps: int, doubted: bool = False) -> None:
        """Takes so many steps at this speed, in m/s; None: not told.

        Until one is told nothing is counted: what is told then holds for the steps before it, too. So it does for those
        at a speed before it that was ``doubted``: by how the feet go it was another one, a slip of the hand.
        """
        if not steps:
            return
        if doubted:
            self._doubted += steps + self._steps.pop(belt_m_s, 0)
        elif belt_m_s is not None or self._steps:
            self._steps[belt_m_s] += steps + self._doubted
            self._doubted = 0

    def as_json(self) -> dict[str, float | None]:
        """``belt_speed_min_m_s`` and ``belt_speed_max_m_s`` of the session; null where the speed is not known."""
        found = self._found()
        ends = {"min_m_s": None, "max_m_s": None} if found is None else asdict(found)
        return {f"belt_speed_{key}": end if end is None else round(end, 4) for key, end in ends.items()}

    def _found(self) -> BeltSpeed | None:
        speeds = sorted(speed for speed in self._steps if speed is not None)
        untold = self._steps[None] + self._doubted
        if not speeds or untold > _MOST_UNTOLD * (self._steps.total() + self._doubted):
            return None
        of_each_step = np.repeat(speeds, [self._steps[speed] for speed in speeds])
        left_out = int(_LEFT_OUT * len(of_each_step))
        return BeltSpeed(float(of_each_step[left_out]), float(of_each_step[-1 - left_out]))
