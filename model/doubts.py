"""Which pictures of late count for nothing, and the stances with them."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import replace
from itertools import pairwise

from model.looks import MAX_GAP_S
from model.quality import CROWDED
from model.stance import DOUBTED_QUALITY, MID_WINDOW_S, Stance

#: A stance with so many doubtful frames is not counted: its quality is below `MIN_QUALITY` then.
MAX_DOUBT = 0.25
#: Who is seen on the belt beside the runner has been there for so long already.
_CROWDED_BEFORE_S = 1.5
#: Frames of a long stance at 120 per second.
_FRAMES = 150
#: Lost pictures are counted over so long, and not told from less than that.
_LOST_WINDOW_S, _LOST_FROM_S = 10.0, 3.0


class Doubts:
    """Takes of each frame whether it counts.

    Attributes:
        why: why nothing is computed from the last one, for people; None where it counts.
    """

    def __init__(self) -> None:
        self.why: str | None = None
        self._frames: deque[tuple[float, bool]] = deque(maxlen=_FRAMES)
        self._between_s = math.inf, math.inf

    def step(self, t_s: float, why: str | None, since_s: float | None = None) -> float | None:
        """Takes one frame.

        Args:
            t_s: its time.
            why: why nothing is computed from it; None where it counts.
            since_s: since when that has been so, where it is noticed late.

        Returns:
            In the frame in which it is noticed, since when nothing counts; None where since now, or where all is well.
        """
        noticed, self.why = why != self.why, why
        self._frames.append((t_s, why is not None))
        if why == CROWDED.reason:
            since_s = t_s - _CROWDED_BEFORE_S
        if why is None or not noticed or since_s is None:
            return None
        self._between_s = since_s, t_s
        return since_s

    def lower(self, stance: Stance, fps: float) -> Stance:
        """The stance with a quality that tells of frames in which the runner was not, or not surely, seen."""
        doubts = [doubt for t_s, doubt in self._frames if stance.strike_s <= t_s <= stance.toe_off_s]
        share = sum(doubts) / max(len(doubts), 1)
        quality = stance.quality * (1 - share)
        since_s, until_s = self._between_s
        counts = share < MAX_DOUBT and not self._gap_amid(stance, fps) and not since_s <= stance.strike_s <= until_s
        return replace(stance, quality=quality if counts else min(quality, DOUBTED_QUALITY))

    def _gap_amid(self, stance: Stance, fps: float) -> bool:
        """Whether pictures are missing around mid-stance: what the nearest others show is of another part of stance."""
        mid_s = (stance.strike_s + stance.toe_off_s) / 2
        longest_s = MAX_GAP_S + 0.5 / fps  # at the lowest rate the pictures are `MAX_GAP_S` apart, more or less
        return any(
            after_s - before_s > longest_s and before_s < mid_s + MID_WINDOW_S and after_s > mid_s - MID_WINDOW_S
            for (before_s, _), (after_s, _) in pairwise(self._frames)
        )


class Lost:
    """How many pictures of late were taken that nobody looked at."""

    def __init__(self) -> None:
        self._frames: deque[tuple[float, int]] = deque()

    def add(self, t_s: float, lost: int) -> None:
        """Takes one frame, and how many were lost since the one before."""
        self._frames.append((t_s, lost))
        while self._frames[0][0] < t_s - _LOST_WINDOW_S:
            self._frames.popleft()

    @property
    def share(self) -> float:
        """Of the last pictures; 0 while there are few of them."""
        if self._frames[-1][0] - self._frames[0][0] < _LOST_FROM_S:
            return 0.0
        lost = sum(n for _, n in self._frames)
        return lost / (lost + len(self._frames))
