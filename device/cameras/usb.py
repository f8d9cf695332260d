"""A USB camera through OpenCV and V4L2."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import cv2

from device.cameras.video import to_rgb
from device.config import CameraConfig
from device.frames import Frame, NewestFrame, on_monotonic_clock
from model.errors import CameraError

#: No picture for so long means that the camera is gone.
SILENCE_S = 2.0
_POLL_S = 0.2
_RETRY_S = 0.02


class UsbCamera:
    """Reads a USB camera in a thread of its own and hands out the newest frame.

    ``t_ns`` is the kernel's stamp of the buffer where the driver gives one, else the time of its arrival.

    Raises:
        CameraError: from ``__enter__``, where there is no camera or it gives no picture; from ``frames``, where it
            has given none for 2 s.
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
        first = self._newest.take(SILENCE_S)
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
        heard_s = time.monotonic()
        while not stop.is_set():
            frame = self._newest.take(_POLL_S)
            if frame is not None:
                yield frame
                heard_s = time.monotonic()
            elif time.monotonic() - heard_s > SILENCE_S:
                raise CameraError(f"the USB camera {self._config.device} has vanished; {_REPLUG}")

    def _open(self) -> cv2.VideoCapture:
        number = self._config.device
        capture = cv2.VideoCapture(number, cv2.CAP_V4L2)
        if not capture.isOpened():
            capture.release()
            there = Path(f"/dev/video{number}").exists()
            raise CameraError(
                f"/dev/video{number} cannot be opened; end the program that uses it, or add this user to group video"
                if there
                else f"there is no camera at /dev/video{number}; plug one in, or set [camera] device or source"
            )
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, self._config.width)
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, self._config.height)
        capture.set(cv2.CAP_PROP_FPS, self._config.fps)
        return capture

    def _read(self, capture: cv2.VideoCapture) -> None:
        """The reading thread. It also closes the camera, because no other may while it reads."""
        index = 0
        while not self._halt.is_set():
            read, bgr = capture.read()
            if not read:
                self._halt.wait(_RETRY_S)
                continue
            t_ns = on_monotonic_clock(round(capture.get(cv2.CAP_PROP_POS_MSEC) * 1e6))
            self._newest.put(Frame(index, t_ns, to_rgb(bgr, self._config.rotation)))  # type: ignore[arg-type]
            index += 1
        capture.release()


_REPLUG = "check its cable and plug it in again"
