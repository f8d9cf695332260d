"""The Raspberry Pi's camera through Picamera2.

The image processor scales the low-resolution stream; Python gets a picture of the size that is analysed and gives
the buffer back at once. That stream is YUV420, which all boards can deliver (before the Pi 5 it is the only choice).
Its rows may be padded to ``stride`` bytes. libcamera's names for RGB formats are the reverse of memory order
("BGR888" is R, G, B in memory), which this way never matters. What libcamera cannot give as it was asked it changes
without an error, so that format, size and turn are read back.

Picamera2 itself keeps one finished frame and recycles the older ones, so a slow consumer gets the newest.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import math
import os
import threading
import time
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Self

import cv2
import numpy as np

from device.cameras.video import Repetition
from device.config import CameraConfig
from device.frames import Frame, Image, on_monotonic_clock
from model.errors import CameraError

_log = logging.getLogger(__name__)

#: No picture for so long means that the camera is gone.
SILENCE_S = 2.0
_POLL_S = 0.2
_BUFFERS = 4
_OFF_RATE = 0.02  # the sensor counts in whole rows, and meets no rate to the last digit
_FOCUS_PER_M = 0.4  # a runner stands 2 to 3 m away; hunting autofocus would blur strides

#: How OpenCV reads what may come: YUV420 on every Pi, NV12 of libcamera's virtual camera.
_CONVERSIONS: Mapping[str, int] = {"YUV420": cv2.COLOR_YUV2RGB_I420, "NV12": cv2.COLOR_YUV2RGB_NV12}

#: Focal length in mm of cameras with a fixed lens, by libcamera's model name (Raspberry Pi's camera documentation).
#: Cameras with a lens mount (imx477, imx296) are absent: nobody knows their lens.
FOCAL_MM: Mapping[str, float] = {
    "ov5647": 3.60,
    "imx219": 3.04,
    "imx708": 4.74,
    "imx708_noir": 4.74,
    "imx708_wide": 2.75,
    "imx708_wide_noir": 2.75,
    "imx500": 4.74,
}


class PiCamera:
    """The camera on the Pi's ribbon cable.

    ``t_ns`` is the sensor's own timestamp of the frame's first row.

    Raises:
        CameraError: from ``__enter__``, where Picamera2 or the camera is missing or busy; from ``frames``, where
            there was no picture for 2 s, the same one for 3 s, or Picamera2 gives none any more.
    """

    def __init__(self, config: CameraConfig) -> None:
        self.name = f"picamera:{config.device}"
        self.vfov_deg = config.vfov_deg
        self.dropped = 0
        self._config = config
        self._fps = float(config.fps)
        self._size_px = (config.width, config.height)
        self._conversion = _CONVERSIONS["YUV420"]
        self._turn = False
        self._camera: Any = None

    @property
    def fps(self) -> float:
        return self._fps

    @property
    def size_px(self) -> tuple[int, int]:
        return self._size_px

    def __enter__(self) -> Self:
        picamera2, libcamera = _libraries()
        number = self._config.device
        count = _count(picamera2)
        if number >= count:
            raise CameraError(
                f"the Pi sees {count} camera(s), none is number {number}; "
                "check the ribbon cable at both ends, then restart the Pi"
            )
        try:
            self._camera = _opened(picamera2.Picamera2, number)
            self._start(libcamera)
        except CameraError:
            self._close()
            raise
        except Exception as error:  # Picamera2 raises RuntimeError, libcamera what it likes
            self._close()
            raise CameraError(f"the Pi camera {number} does not start: {_why(error)}") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        index, last_ns, repetition = 0, 0, Repetition()
        while (taken := self._take(stop)) is not None:
            image, metadata = taken
            stamp_ns = metadata["SensorTimestamp"]
            if last_ns:
                period_ns = metadata.get("FrameDuration", 1e6 / self._fps) * 1e3
                missed = max(0, round((stamp_ns - last_ns) / period_ns) - 1)
                self.dropped += missed
                index += 1 + missed
            last_ns = stamp_ns
            frame = Frame(index, on_monotonic_clock(stamp_ns), image)
            if repetition.look(frame):
                raise self._gives("the same picture again and again")
            yield frame

    def _start(self, libcamera: Any) -> None:
        config, camera = self._config, self._camera
        size = (config.width, config.height)
        stream = {"size": size, "format": "YUV420"}
        upside_down = config.rotation == 180
        camera.configure(
            camera.create_video_configuration(
                main=dict(stream),
                lores=dict(stream),
                sensor=self._sensor_mode(),
                colour_space=libcamera.ColorSpace.Smpte170m(),  # as OpenCV takes it; else Rec. 709 from 1280×720 on
                transform=libcamera.Transform(hflip=upside_down, vflip=upside_down),
                buffer_count=_BUFFERS,
                controls=self._controls(libcamera),
            )
        )
        given = camera.stream_configuration("lores")
        if given["format"] not in _CONVERSIONS:
            raise CameraError(
                f"the Pi camera {config.device} gives its pictures as {given['format']}, which cannot be read here; "
                "take another camera"
            )
        self._size_px = tuple(given["size"])
        self._conversion = _CONVERSIONS[given["format"]]
        turned = camera.camera_configuration()["transform"]
        self._turn = (turned.hflip, turned.vflip) == (not upside_down, not upside_down)  # not every sensor can turn
        camera.start()
        taken = self._take(threading.Event())
        assert taken is not None
        _, metadata = taken
        granted = 1e6 / metadata.get("FrameDuration", 1e6 / config.fps)
        if abs(granted / config.fps - 1) > _OFF_RATE:
            self._fps = round(granted, 1)
        if self.vfov_deg is None:
            self.vfov_deg = vfov_deg(camera.camera_properties, metadata)

    def _sensor_mode(self) -> dict[str, Any]:
        """The smallest mode that sees the sensor's whole height and keeps up with the wanted rate.

        Left to itself, Picamera2 takes a mode near the picture's size, which on some sensors is a narrow crop.
        """
        try:
            modes = [mode for mode in self._camera.sensor_modes if "size" in mode]
        except Exception as error:  # it sets up each mode in turn, for the largest of which a small board has no room
            _log.warning(
                "the Pi camera %d does not tell its modes (%s); its view may be narrower", self._config.device, error
            )
            return {}
        quick = [mode for mode in modes if mode["fps"] >= 0.98 * self._config.fps] or modes
        if not quick:
            return {}
        tallest = max(mode["crop_limits"][3] for mode in quick)
        whole = [mode for mode in quick if mode["crop_limits"][3] >= 0.95 * tallest]
        best = min(whole, key=lambda mode: mode["size"][0] * mode["size"][1])
        return {"output_size": best["size"], "bit_depth": best["bit_depth"]}

    def _controls(self, libcamera: Any) -> dict[str, Any]:
        """A fixed rate, short exposures because the legs are fast, and a fixed focus where there is a motor."""
        known = self._camera.camera_controls
        period_us = round(1e6 / self._config.fps)
        controls: dict[str, Any] = {"FrameDurationLimits": (period_us, period_us)}
        if "AeExposureMode" in known:
            controls["AeExposureMode"] = libcamera.controls.AeExposureModeEnum.Short
        if "LensPosition" in known:
            controls["AfMode"] = libcamera.controls.AfModeEnum.Manual
            controls["LensPosition"] = _FOCUS_PER_M
        return controls

    def _take(self, stop: threading.Event) -> tuple[Image, dict[str, Any]] | None:
        """The next frame with its metadata, or None once ``stop`` is set."""
        job = self._camera.capture_request(wait=False)
        deadline_s = time.monotonic() + SILENCE_S
        while not stop.is_set():
            try:
                request = self._camera.wait(job, timeout=_POLL_S)
            except TimeoutError:
                if time.monotonic() > deadline_s:
                    raise self._gives("no picture") from None
                continue
            except Exception as error:  # as in __enter__
                raise self._gives(f"no picture any more ({error})") from error
            try:
                return self._rgb(request.make_array("lores")), request.get_metadata()
            finally:
                request.release()
        return None

    def _gives(self, what: str) -> CameraError:
        return CameraError(f"the Pi camera {self._config.device} gives {what}; check its ribbon cable")

    def _rgb(self, yuv: Image) -> Image:
        """(1.5 · H, stride) planes as an RGB picture without the padding."""
        width, height = self._size_px
        rgb = cv2.cvtColor(yuv, self._conversion)[:height, :width]
        if self._turn:
            rgb = rgb[::-1, ::-1]
        return np.ascontiguousarray(rgb, dtype=np.uint8)

    def _close(self) -> None:
        camera, self._camera = self._camera, None
        if camera is None:
            return
        for step in ("cancel_all_and_flush", "close"):  # a job that still waits would keep the camera open
            try:
                getattr(camera, step)()
            except Exception as error:  # of a camera that is gone: why it is left is told already
                _log.warning("the Pi camera %d was not closed as it should be (%s)", self._config.device, error)


def vfov_deg(properties: Mapping[str, Any], metadata: Mapping[str, Any]) -> float | None:
    """The vertical field of view of the picture, in degrees; None for a lens that nobody knows.

    Args:
        properties: Picamera2's ``camera_properties``: ``Model``, ``UnitCellSize`` (pixel pitch in nm),
            ``PixelArrayActiveAreas``.
        metadata: of a frame: ``ScalerCrop`` (x, y, width, height), the part of the sensor that is shown, in its pixels.
    """
    focal_mm = FOCAL_MM.get(str(properties.get("Model")))
    areas = properties.get("PixelArrayActiveAreas")
    shown = metadata.get("ScalerCrop") or (areas[0] if areas else None)
    pitch_nm = properties.get("UnitCellSize")
    if focal_mm is None or shown is None or pitch_nm is None:
        return None
    height_mm = shown[3] * pitch_nm[1] * 1e-6
    return math.degrees(2 * math.atan(height_mm / (2 * focal_mm)))


def pi_camera_count() -> int:
    """How many cameras on a ribbon cable Picamera2 sees; 0 where it is not installed or does not work."""
    try:
        picamera2, _ = _libraries()
        return _count(picamera2)
    except CameraError:
        return 0


def _count(picamera2: Any) -> int:
    """Picamera2 lists USB cameras, too, behind the others; but the Pi's image processor does not serve them."""
    try:
        cameras = picamera2.Picamera2.global_camera_info()
    except Exception as error:  # as in __enter__
        raise CameraError(f"the Pi's cameras cannot be listed: {_why(error)}") from error
    return sum("/usb" not in camera["Id"] for camera in cameras)


def _opened(kind: Any, number: int) -> Any:
    """A ``Picamera2``. One that cannot be opened leaves nothing behind.

    By itself it leaves an open pipe, and where it fails late the camera, of which nobody has a handle then. A device
    that tries again every few seconds would run out of files within hours, or find the camera busy for ever.
    """
    camera = kind.__new__(kind)
    try:
        camera.__init__(number)
    except Exception:
        with contextlib.suppress(Exception):
            camera.close()
        if hasattr(camera, "notifymeread") and not camera.notifymeread.closed:
            camera.notifymeread.close()
            os.close(camera.notifyme_w)
        raise
    return camera


def _why(error: BaseException) -> str:
    """What Picamera2's error came from (itself says only that it did not complete), and what to do."""
    while (cause := error.__cause__ or (None if error.__suppress_context__ else error.__context__)) is not None:
        error = cause
    if isinstance(error, (AttributeError, TypeError)):  # a call that the one has and the other has not
        remedy = "Picamera2 is too old, or does not fit libcamera: sudo apt update && sudo apt full-upgrade"
    elif isinstance(error, PermissionError):
        remedy = "put who runs this into group video"
    else:
        remedy = "end the program that uses it, or restart the Pi"
    return f"{error}; {remedy}"


def _libraries() -> tuple[Any, Any]:
    """Picamera2 and libcamera, which come with Raspberry Pi OS and not from a package index.

    Both tell of every step, and Picamera2 of every error that it raises: unless more was asked for, ours are enough.
    """
    if not _log.isEnabledFor(logging.DEBUG):
        os.environ.setdefault("LIBCAMERA_LOG_LEVELS", "*:ERROR")
        logging.getLogger("picamera2").setLevel(logging.WARNING)
        logging.getLogger("picamera2.picamera2").setLevel(logging.CRITICAL)
    try:
        return importlib.import_module("picamera2"), importlib.import_module("libcamera")
    except Exception as error:  # also of modules that are there and do not fit each other, or numpy
        raise CameraError(
            f"Picamera2 cannot be loaded ({error}); sudo apt install python3-picamera2, "
            "in an environment that sees the system's packages"
        ) from None
