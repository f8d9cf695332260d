"""When to tell the runner: the knee's alignment at mid-stance against a threshold, decided within the stance.

A cue must name the side and come in the same stance, so it is decided from the strike and the contact time that this
side usually has, at the first frame at or after mid-stance: never in swing, once in a stance, and from the median of
several frames, so that a single noisy one never fires (Noehren 2011 cues live; the projected angle explodes in swing).
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np

from model.pose import Side

#: Frames of this long before the decision make its value.
_WINDOW_S = 0.085
_MIN_FRAMES = 2


@dataclass(frozen=True, slots=True)
class Cue:
    """One cue: what was seen, at which frame, against which threshold."""

    t_s: float
    side: Side
    metric: str
    value: float
    threshold: float


class KneeCoach:
    """Watches one side.

    Args:
        side: the runner's own side.
        threshold_deg: FPPA above which the knee counts as diving.
        refractory_s: least time between two cues of this side.
    """

    def __init__(self, side: Side, threshold_deg: float, refractory_s: float = 0.0) -> None:
        self.side = side
        self.threshold_deg = threshold_deg
        self._refractory_s = refractory_s
        self._recent: deque[tuple[float, float]] = deque()
        self._decided = True
        self._last_cue_s = -math.inf

    def strike(self) -> None:
        """The foot has landed: one decision is due."""
        self._decided = False
        self._recent.clear()

    def step(self, t_s: float, fppa_deg: float, elapsed_s: float, contact_s: float) -> Cue | None:
        """One frame of stance.

        Args:
            t_s: the frame's time.
            fppa_deg: knee alignment in this frame, + medial; NaN where it is not to be trusted.
            elapsed_s: time since the strike.
            contact_s: the contact time this side usually has.
        """
        if math.isfinite(fppa_deg):
            self._recent.append((t_s, fppa_deg))
        while self._recent and self._recent[0][0] < t_s - _WINDOW_S:
            self._recent.popleft()
        if self._decided or elapsed_s < contact_s / 2:
            return None
        self._decided = True
        if elapsed_s > contact_s or len(self._recent) < _MIN_FRAMES:
            return None
        value = float(np.median([angle for _, angle in self._recent]))
        if value <= self.threshold_deg or t_s - self._last_cue_s < self._refractory_s:
            return None
        self._last_cue_s = t_s
        return Cue(t_s, self.side, "fppa_deg", value, self.threshold_deg)
