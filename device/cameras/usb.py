"""A USB camera through OpenCV and V4L2."""

from __future__ import annotations

import logging
import math
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import cv2

from device.cameras.video import Repetition, to_rgb
from device.config import CameraConfig
from device.frames import Frame, NewestFrame, on_monotonic_clock
from model.errors import CameraError

#: No picture for so long means that the camera is gone.
SILENCE_S = 2.0
#: The first one takes some cameras longer.
START_S = 6.0
_POLL_S = 0.2
_RETRY_S = 0.02
_NODES = Path("/dev")
#: Where the system names each camera by the socket that it is plugged into.
_SOCKETS = Path("/dev/v4l/by-path")
#: By number, the socket of the camera that was opened under it.
_opened: dict[int, str] = {}

_log = logging.getLogger(__name__)


class UsbCamera:
    """Reads a USB camera in a thread of its own and hands out the newest frame.

    ``t_ns`` is the kernel's stamp of the buffer where the driver gives one, else the time of its arrival.

    Raises:
        CameraError: from ``__enter__``, where there is no camera or it gives no picture; from ``frames``, where it
            has given none for 2 s, or the same for 3 s.
    """

    def __init__(self, config: CameraConfig) -> None:
        self.name = f"usb:{config.device}"
        self.vfov_deg = config.vfov_deg
        self._config = config
        self._newest = NewestFrame()
        self._halt = threading.Event()
        self._fps = float(config.fps)
        self._size_px = (config.width, config.height)
        self._reader: threading.Thread | None = None

    @property
    def fps(self) -> float:
        return self._fps

    @property
    def size_px(self) -> tuple[int, int]:
        return self._size_px

    @property
    def dropped(self) -> int:
        return self._newest.dropped

    def __enter__(self) -> Self:
        capture = self._open()
        told = capture.get(cv2.CAP_PROP_FPS)
        self._fps = told if math.isfinite(told) and told > 0 else self._fps
        self._reader = threading.Thread(target=self._read, args=(capture,), name="usb", daemon=True)
        self._reader.start()
        first = self._newest.take(START_S)
        if first is None:
            self._halt.set()
            raise CameraError(f"the USB camera {self._config.device} gives no picture; {_REPLUG}")
        height, width = first.image.shape[:2]
        self._size_px = (width, height)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._halt.set()
        if self._reader is not None:
            self._reader.join(1.0)  # a driver that hangs is left to its daemon thread

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        heard_s, repetition = time.monotonic(), Repetition()
        while not stop.is_set():
            frame = self._newest.take(_POLL_S)
            if frame is not None:
                if repetition.look(frame):
                    said = f"the USB camera {self._config.device} gives the same picture again and again"
                    raise CameraError(f"{said}; {_REPLUG}")
                yield frame
                heard_s = time.monotonic()
            elif time.monotonic() - heard_s > SILENCE_S:
                raise CameraError(f"the USB camera {self._config.device} has vanished; {_REPLUG}")

    def _open(self) -> cv2.VideoCapture:
        number = _number_now(self._config.device)
        capture = cv2.VideoCapture(number, cv2.CAP_V4L2)
        if not capture.isOpened():
            capture.release()
            there = _node(number).exists()
            raise CameraError(
                f"/dev/video{number} cannot be opened; end the program that uses it, or add this user to group video"
                if there
                else f"there is no camera at /dev/video{number}; plug one in, or set [camera] device or source"
            )
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, self._config.width)
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, self._config.height)
        capture.set(cv2.CAP_PROP_FPS, self._config.fps)
        if (socket := _socket(number)) is not None:
            _opened[self._config.device] = socket
        return capture

    def _read(self, capture: cv2.VideoCapture) -> None:
        """The reading thread. It also closes the camera, because no other may while it reads."""
        index, last_ns = 0, 0
        while not self._halt.is_set():
            read, bgr = capture.read()
            if not read:
                self._halt.wait(_RETRY_S)
                continue
            t_ns = on_monotonic_clock(round(capture.get(cv2.CAP_PROP_POS_MSEC) * 1e6))
            if t_ns <= last_ns:  # some cameras' clocks jump
                t_ns = time.monotonic_ns()
            if t_ns <= last_ns:
                continue
            last_ns = t_ns
            self._newest.put(Frame(index, t_ns, to_rgb(bgr, self._config.rotation)))  # type: ignore[arg-type]
            index += 1
        capture.release()


def _number_now(number: int) -> int:
    """The number of the camera that was opened under this one.

    It comes back under another where its cable had no contact for less than it takes to notice that.
    """
    socket = _opened.get(number)
    if _node(number).exists() or socket is None:
        return number
    found = re.fullmatch(r"video(\d+)", (_SOCKETS / socket).resolve().name)
    if found is None:
        return number
    _log.warning("the USB camera %d has come back as /dev/video%s", number, found[1])
    return int(found[1])


def _socket(number: int) -> str | None:
    """The name of the socket that a camera is plugged into; None where the system does not tell."""
    try:
        links = sorted(_SOCKETS.iterdir())
    except OSError:
        return None
    return next((link.name for link in links if link.resolve() == _node(number)), None)


def _node(number: int) -> Path:
    return _NODES / f"video{number}"


_REPLUG = "check its cable and plug it in again"
