"""How the device is doing while it works: pictures, their rate and sharpness, and how long it takes to answer them."""

from __future__ import annotations

import time
from typing import Any

from device.frames import FrameSource
from device.latency import LatencyWindow

_EVERY_S = 1.0


class Meters:
    """Counts from the start on, over all cameras.

    Attributes:
        frame_ms, cue_ms: from a picture to the decision and to the edge at the pin.
        softness: of the pictures of this camera; None until it is known.
    """

    def __init__(self) -> None:
        self.frame_ms, self.cue_ms = LatencyWindow(), LatencyWindow()
        self.softness: float | None = None
        self._started_s = self._heard_s = time.monotonic()
        self._first = False
        self._frames = 0
        self._dropped = 0
        self._fps = 0.0
        self._second: tuple[float, int] = (self._started_s, 0)

    def opened(self) -> None:
        """A camera. The rate counts from its first picture on: the pause before it is none of the camera's."""
        self.softness, self._first = None, True

    def frame(self) -> None:
        """A picture came."""
        self._heard_s = time.monotonic()
        if self._first:
            self._first, self._second = False, (self._heard_s, self._frames)
        self._frames += 1

    def closed(self, source: FrameSource) -> None:
        """A camera has gone."""
        self._dropped += source.dropped

    @property
    def silent_s(self) -> float:
        """How long ago the last picture came: seconds, where the camera has vanished."""
        return time.monotonic() - self._heard_s

    def due(self) -> bool:
        """Whether a second has gone by since this said so last; the rate is that of this second then."""
        now_s = time.monotonic()
        since_s, frames = self._second
        if now_s - since_s < _EVERY_S:
            return False
        self._fps = (self._frames - frames) / (now_s - since_s)
        self._second = (now_s, self._frames)
        return True

    def as_json(self, source: FrameSource | None) -> dict[str, Any]:
        """``source``: the camera; None while there is none. Pictures, taken and lost, are counted since the start."""
        return {
            "fps": round(self._fps, 1),
            "frames": self._frames,
            "dropped": self._dropped + (0 if source is None else source.dropped),
            "softness": None if source is None or self.softness is None else round(self.softness, 2),
            "latency_ms": self.frame_ms.as_json(),
            "frame_to_cue_ms": self.cue_ms.as_json(),
            "uptime_s": round(time.monotonic() - self._started_s, 1),
        }
