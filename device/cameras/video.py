"""A recorded video as a source: in real time for trial and demo, or frame by frame for replay."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import cv2
import numpy as np

from device.cameras.edit_list import larger_film, shown_s
from device.frames import Frame, Image, NewestFrame
from model.errors import InputError

# The chatter of OpenCV and FFmpeg about a broken file would bury our one line.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
cv2.setLogLevel(2)

_log = logging.getLogger(__name__)
_POLL_S = 0.2
#: Containers miscount by a few frames; a file with less than this share of what it announces is cut off.
_WHOLE_SHARE = 0.95
#: Pixels that are so little from square count as square; what is so far from it was written by mistake.
_SQUARE, _MOST_WIDE = 0.01, 4.0
#: FFmpeg's guess where a stream tells no rate.
_GUESSED_FPS = 25.0
#: Pictures that are the same for so long come from no camera. Every so many rows of them are compared.
_STILL_S, _STILL_ROWS = 3.0, 16
#: A picture whose levels of each colour lie closer shows nothing, as of a covered lens: it may be the same each time.
_CONTRAST = 32
#: A player that is later than this (the machine slept, or cannot decode in time) goes on from now.
_MAX_LAG_NS = 1_000_000_000


def to_rgb(bgr: Image, rotation: int = 0) -> Image:
    """OpenCV's BGR picture as a new RGB one, turned by 0 or 180 degrees."""
    rgb = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
    if rotation == 180:
        rgb = cv2.rotate(rgb, cv2.ROTATE_180)
    return rgb  # type: ignore[return-value]


class Stillness:
    """When the picture stood still, as it does where OpenCV hands out the last one again: its size has grown.

    A still title before the first picture that moves is none of it.

    Attributes:
        span_s: from when to when it stood still for `_STILL_S` or longer, the last time; None where it never did.
    """

    def __init__(self) -> None:
        self.span_s: tuple[float, float] | None = None
        self._rows: Image | None = None
        self._since_s = 0.0

    def look(self, picture: Image, t_s: float) -> None:
        """Takes one more picture. ``t_s``: its time from the first one."""
        rows = picture[::_STILL_ROWS]
        if self._rows is None or not np.array_equal(rows, self._rows):
            if self.span_s is not None and self.span_s[0] == 0:
                self.span_s = None
            self._rows, self._since_s = rows.copy(), t_s
        elif t_s - self._since_s >= _STILL_S:
            self.span_s = self._since_s, t_s


class Repetition:
    """When a camera hands out the same picture again and again, which one that works never does: its sensor has noise.

    Its driver's times go on, so that nothing else tells.
    """

    def __init__(self) -> None:
        self._stillness = Stillness()

    def look(self, frame: Frame) -> bool:
        """Takes one more picture. True where it has been the same for `_STILL_S`, and shows anything."""
        self._stillness.look(frame.image, frame.t_ns / 1e9)
        if self._stillness.span_s is None:
            return False
        self._stillness = Stillness()
        return bool(np.ptp(frame.image[::_STILL_ROWS], axis=(0, 1)).max() >= _CONTRAST)


class VideoSource:
    """Plays a video file.

    Args:
        path: any file that OpenCV's FFmpeg decodes; a rotation in its metadata is honoured, and pixels that are not
            square (as of HDV and DV) are made so.
        paced: True plays in real time: ``t_ns`` is when the frame was due on the monotonic clock; a consumer
            that is late misses older frames. False hands out every frame at once; ``t_ns`` is the container's
            time from the first frame.
        loop: begin again at the end; time and index go on.
        rotation: turns every picture by 0 or 180 degrees.
        vfov_deg: vertical field of view of the camera that took it, where known.

    Attributes:
        announced_frames: how many frames the file says it shows; 0 where it does not say. Some say duration times rate.
        played_s: how much of the file was decoded when it was read last, by its own times.

    Raises:
        InputError: from ``__enter__``, where the file is missing, empty, no video, holds less than two pictures, or
            tells neither times nor a sure rate. A file that was cut off plays as far as it goes.
    """

    def __init__(
        self,
        path: Path,
        *,
        paced: bool = False,
        loop: bool = False,
        rotation: int = 0,
        vfov_deg: float | None = None,
    ) -> None:
        self.path = path
        self.vfov_deg = vfov_deg
        self._paced = paced
        self._loop = loop
        self._rotation = rotation
        self._newest = NewestFrame()
        self._halt = threading.Event()
        self._fps = 0.0
        self._size_px = (0, 0)
        self._stretched = False
        self._stillness = Stillness()
        self.announced_frames = 0
        self.played_s = 0.0

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def fps(self) -> float:
        return self._fps

    @property
    def size_px(self) -> tuple[int, int]:
        return self._size_px

    def cut_off(self, frames: int) -> str | None:
        """What is wrong with the file, of which so many frames could be read; None where it is whole.

        A whole file may lack frames that it announces (its frames' times vary), or time (its first frame comes late).
        """
        announced_s = self.announced_frames / self._fps
        if frames >= _WHOLE_SHARE * self.announced_frames or self.played_s >= _WHOLE_SHARE * announced_s:
            return None
        return (
            f"{self.path} is cut off or damaged: {frames} of {self.announced_frames} frames could be read, the result "
            "covers only those: copy or record it again"
        )

    def stood_still(self) -> str | None:
        """What is wrong with the file, where the pictures that were read last stood still; None where they did not."""
        if self._stillness.span_s is None:
            return None
        since_s, until_s = self._stillness.span_s
        return (
            f"{self.path}: the picture stands still from {since_s:.1f} to {until_s:.1f} s, the result covers only the "
            f"rest: if other players show it moving, make it anew: ffmpeg -i {self.name} -c:v libx264 film.mp4"
        )

    @property
    def dropped(self) -> int:
        return self._newest.dropped

    def __enter__(self) -> Self:
        capture = _open(self.path)
        if (larger := larger_film(self.path)) is not None:
            _log.warning(
                "%s holds several films, and its first one, which is taken, is not the largest; to take that one out: "
                "ffmpeg -i %s -map 0:v:%d -c copy film.mp4",
                self.path,
                self.name,
                larger,
            )
        try:
            read, first = capture.read()
            unshown = max(0, int(capture.get(cv2.CAP_PROP_PTS)))  # in frames, before the first one
            moves, _ = capture.read()
            second_s = capture.get(cv2.CAP_PROP_POS_MSEC) / 1e3
            nominal_fps = capture.get(cv2.CAP_PROP_FPS)
            kind = int(capture.get(cv2.CAP_PROP_FOURCC)).to_bytes(4, "little").decode("ascii", "replace")
            timeless = _is_timeless(capture)
            wide = _pixel_width(capture)
            announced = int(capture.get(cv2.CAP_PROP_FRAME_COUNT)) - unshown
        finally:
            capture.release()
        if not read:
            raise InputError(
                f"{self.path}: its kind of pictures ({kind}) cannot be decoded here, or it is damaged; if other "
                f"players show it, make it anew: ffmpeg -i {self.name} -c:v libx264 film.mp4"
            )
        if not moves:
            raise InputError(f"{self.path} holds no moving picture; give a whole video file (e.g. H.264 in MP4)")
        if timeless and nominal_fps == _GUESSED_FPS:
            raise InputError(
                f"{self.path} tells neither its pictures' times nor a sure rate, so steps would be timed wrong; if it "
                f"was recorded at 30 frames per second: ffmpeg -r 30 -i {self.name} film.mp4"
            )
        height, width = first.shape[:2]
        self._stretched = wide != 1
        self._size_px = (round(width * wide), height)
        self._fps = nominal_fps if 1 <= nominal_fps <= 1000 else 1 / second_s if second_s > 0 else 30.0
        if (only_s := shown_s(self.path)) is not None:
            announced = min(announced, round(only_s * self._fps))
        self.announced_frames = max(0, announced)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._halt.set()

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        return self._play(stop) if self._paced else self._decode(stop)

    def _decode(self, stop: threading.Event) -> Iterator[Frame]:
        """Every frame in order; ``t_ns`` runs on through the loops."""
        index, start_ns, t_ns = 0, 0, 0
        period_ns = round(1e9 / self._fps)
        while not stop.is_set():
            first = index
            for elapsed_ns, image in self._decode_once(period_ns):
                if stop.is_set():
                    return
                t_ns = start_ns + elapsed_ns
                yield Frame(index, t_ns, image)
                index += 1
            if not self._loop or index == first:
                return
            start_ns = t_ns + period_ns

    def _decode_once(self, period_ns: int) -> Iterator[tuple[int, Image]]:
        """The file once, with times from its first frame, by the rate where its time stands still."""
        capture = _open(self.path)
        try:
            first_ns: int | None = None
            last_ns = -period_ns
            self._stillness = Stillness()
            while True:
                read, bgr = capture.read()
                if not read:
                    return
                stamp_ns = round(capture.get(cv2.CAP_PROP_POS_MSEC) * 1e6)
                first_ns = stamp_ns if first_ns is None else first_ns
                elapsed_ns = stamp_ns - first_ns
                if elapsed_ns <= last_ns:
                    elapsed_ns = last_ns + period_ns
                last_ns = elapsed_ns
                self.played_s = (elapsed_ns + period_ns) / 1e9
                self._stillness.look(bgr, elapsed_ns / 1e9)  # type: ignore[arg-type]
                if self._stretched:
                    bgr = cv2.resize(bgr, self._size_px)
                yield elapsed_ns, to_rgb(bgr, self._rotation)  # type: ignore[arg-type]
        finally:
            capture.release()

    def _play(self, stop: threading.Event) -> Iterator[Frame]:
        reader = threading.Thread(target=self._read, name="video", daemon=True)
        reader.start()
        try:
            while not stop.is_set() and not self._newest.ended:
                if (frame := self._newest.take(_POLL_S)) is not None:
                    yield frame
        finally:
            self._halt.set()
            reader.join()

    def _read(self) -> None:
        """The reading thread: decodes one frame ahead, hands it over when it is due."""
        start_ns: int | None = None
        try:
            for frame in self._decode(self._halt):
                start_ns = time.monotonic_ns() if start_ns is None else start_ns
                due_ns = start_ns + frame.t_ns
                late_ns = time.monotonic_ns() - due_ns
                if late_ns > _MAX_LAG_NS:
                    start_ns, due_ns = start_ns + late_ns, due_ns + late_ns
                elif late_ns < 0 and self._halt.wait(-late_ns / 1e9):
                    break
                self._newest.put(Frame(frame.index, due_ns, frame.image))
        except InputError as error:  # the file was taken away between two loops
            _log.warning("%s", error)
        finally:
            self._newest.end()


def _is_timeless(capture: cv2.VideoCapture) -> bool:
    """Whether a file of which the second picture was read is a bare stream of pictures, without any times.

    FFmpeg then knows no duration either; it gives the pictures the same time each, or one of ages ago.
    """
    no_duration = capture.get(cv2.CAP_PROP_FRAME_COUNT) <= 0
    return no_duration and capture.get(cv2.CAP_PROP_POS_MSEC) <= 0


def _pixel_width(capture: cv2.VideoCapture) -> float:
    """Width of a pixel over its height in a file of which a picture was read, as it is shown; 1 for square."""
    width, height = capture.get(cv2.CAP_PROP_SAR_NUM), capture.get(cv2.CAP_PROP_SAR_DEN)
    if not (width > 0 and height > 0):  # it does not say
        return 1.0
    wide = width / height
    if abs(wide - 1) < _SQUARE or not 1 / _MOST_WIDE <= wide <= _MOST_WIDE:
        return 1.0
    on_its_side = capture.get(cv2.CAP_PROP_ORIENTATION_META) in (90, 270)
    return 1 / wide if on_its_side else wide


def _open(path: Path) -> cv2.VideoCapture:
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError:  # from a disk of another system; OpenCV would crash, and Python with it
        shown = os.fsencode(path).decode("utf-8", "replace")
        raise InputError(f"{shown}: its name is not UTF-8 text; give it another") from None
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):  # a pipe would be waited for, and can be read once
            raise InputError(f"{path} is a pipe or a device; give a video file, or name a camera in [camera] source")
        with path.open("rb") as file:
            empty = not file.read(1)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; check the name") from None
    except IsADirectoryError:
        raise InputError(f"{path} is a folder; name a video file in it") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); check its owner and mode") from None
    if empty:
        raise InputError(f"{path} is empty; copy or record it again")
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    if not capture.isOpened():
        raise InputError(f"{path} is no video that can be decoded; give a whole file (e.g. H.264 in MP4)")
    capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)  # a phone held upright says so in the file
    return capture
