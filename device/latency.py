"""How long things took lately, as percentiles."""

from __future__ import annotations

from collections import deque

import numpy as np


class LatencyWindow:
    """The last few thousand durations.

    Args:
        length: how many are kept.
    """

    def __init__(self, length: int = 4096) -> None:
        self._values_ms: deque[float] = deque(maxlen=length)

    def add(self, duration_ms: float) -> None:
        self._values_ms.append(duration_ms)

    def as_json(self) -> dict[str, float | int | None]:
        """``{"p50", "p99", "max", "n"}``: milliseconds and their number; null while there are none."""
        if not self._values_ms:
            return {"p50": None, "p99": None, "max": None, "n": 0}
        p50, p99, worst = np.percentile(self._values_ms, (50, 99, 100))
        return {
            "p50": round(float(p50), 1),
            "p99": round(float(p99), 1),
            "max": round(float(worst), 1),
            "n": len(self._values_ms),
        }
