"""What every camera, file or fake gives: frames with their time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
#: So begin cameras' names; a film is named as its file is.
_CAMERAS = ("picamera:", "usb:")
#: A picture is at least so much later than the one before.
_LEAST_STEP_NS = 1_000_000


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture.

    Attributes:
        index: number of the frame at its source, from 0; a gap means that frames were dropped.
        t_ns: when it was taken. Live: on the clock of ``time.monotonic_ns``. Replay: from the first frame.
        image: (H, W, 3) uint8, RGB, made read-only.

    Raises:
        ValueError: the image has another shape or type.
    """

    index: int
    t_ns: int
    image: Image

    def __post_init__(self) -> None:
        if self.image.dtype != np.uint8 or self.image.ndim != 3 or self.image.shape[2] != 3:
            raise ValueError(f"Frame.image is {self.image.dtype} {self.image.shape}: must be uint8 (height, width, 3)")
        self.image.flags.writeable = False


class FrameSource(Protocol):
    """A camera or a file. Entered, it is ready and knows its size; left, it has let go of its hardware."""

    @property
    def name(self) -> str:
        """What is shown and stored as the source."""

    @property
    def fps(self) -> float:
        """Nominal frames per second."""

    @property
    def size_px(self) -> tuple[int, int]:
        """(width, height) of every frame."""

    @property
    def vfov_deg(self) -> float | None:
        """Vertical field of view in degrees, None where unknown."""

    @property
    def dropped(self) -> int:
        """Frames that were taken but never handed out, so far."""

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        """Frames until the source ends or ``stop`` is set.

        Raises:
            CameraError: the camera has vanished.
        """

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def is_film(name: str) -> bool:
    """Whether a source of this name is a film, to which the camera's settings do not apply."""
    return not name.startswith(_CAMERAS)


class FrameClock:
    """Seconds from the first frame of a run or a test, each later than the one before.

    A driver may stamp two pictures alike, or the second before the first: nothing is told from no time.
    """

    def __init__(self) -> None:
        self._first_ns: int | None = None
        self._last_ns = 0

    def t_s(self, frame: Frame) -> float:
        """Of the next frame."""
        if self._first_ns is None:
            self._first_ns = self._last_ns = frame.t_ns
        else:
            self._last_ns = max(frame.t_ns, self._last_ns + _LEAST_STEP_NS)
        return (self._last_ns - self._first_ns) / 1e9


class NewestFrame:
    """Room for one frame between a reading thread and the consumer; a newer one pushes it out."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._frame: Frame | None = None
        self._ended = False
        self.dropped = 0

    def put(self, frame: Frame) -> None:
        """Offers a frame; never waits."""
        with self._changed:
            self.dropped += self._frame is not None
            self._frame = frame
            self._changed.notify()

    def end(self) -> None:
        """Says that no frame will follow."""
        with self._changed:
            self._ended = True
            self._changed.notify()

    @property
    def ended(self) -> bool:
        """Whether the last frame has been taken and none will follow."""
        return self._ended and self._frame is None

    def take(self, timeout_s: float) -> Frame | None:
        """The newest frame, waiting for it as long as ``timeout_s``; None where there is none."""
        with self._changed:
            self._changed.wait_for(lambda: self._frame is not None or self._ended, timeout_s)
            frame, self._frame = self._frame, None
            return frame


def on_monotonic_clock(stamp_ns: int) -> int:
    """A kernel timestamp on the clock of ``time.monotonic_ns``.

    Drivers stamp with CLOCK_MONOTONIC or with CLOCK_BOOTTIME, which differ by the time the machine has slept.
    The one that gives the younger age is taken; a stamp that fits neither within 2 s is replaced by now.
    """
    now_ns = time.monotonic_ns()
    asleep_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME) - now_ns
    best_ns = min((stamp_ns, stamp_ns - asleep_ns), key=lambda t_ns: abs(now_ns - t_ns))
    return best_ns if abs(now_ns - best_ns) < 2_000_000_000 else now_ns
