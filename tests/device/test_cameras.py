"""Video files for real; the Pi's camera and USB cameras against fakes.

That of Picamera2 does what the real one was seen to do (tests/systemd/picamera_test.sh), that of OpenCV what is
documented.
"""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from itertools import chain, islice, pairwise, repeat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from device import frames as frames_module
from device.cameras import open_source, picamera, usb, video
from device.cameras.picamera import PiCamera, vfov_deg
from device.cameras.usb import UsbCamera
from device.cameras.video import VideoSource
from device.config import CameraConfig
from device.frames import Frame, FrameSource, Image, NewestFrame, is_film, on_monotonic_clock
from model.errors import CameraError, InputError

# --- frames


def picture(value: int = 0, size_px: tuple[int, int] = (64, 48)) -> Image:
    return np.full((size_px[1], size_px[0], 3), value, np.uint8)


@pytest.mark.parametrize("image", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3))])
def test_a_frame_of_another_shape_is_refused(image: Any) -> None:
    with pytest.raises(ValueError, match="must be uint8"):
        Frame(0, 0, image)


def test_a_frame_cannot_be_written_to() -> None:
    frame = Frame(0, 0, picture())
    with pytest.raises(ValueError, match="read-only"):
        frame.image[0, 0, 0] = 1


def test_a_stored_name_tells_whether_a_film_was_played(demo_clip: Path) -> None:
    assert is_film(VideoSource(demo_clip).name)
    assert not is_film(PiCamera(CameraConfig()).name)
    assert not is_film(UsbCamera(CameraConfig()).name)


def test_the_newest_frame_pushes_the_older_ones_out() -> None:
    room = NewestFrame()
    assert room.take(0) is None
    for n in range(5):
        room.put(Frame(n, n, picture()))
    taken = room.take(0)
    assert taken is not None
    assert (taken.index, room.dropped, room.ended) == (4, 4, False)
    room.end()
    assert (room.take(10), room.ended) == (None, True)


def test_stamps_of_either_clock_are_read_right(monkeypatch: pytest.MonkeyPatch) -> None:
    asleep_ns, age_ns = 3_600_000_000_000, 20_000_000
    now_ns = time.monotonic_ns()
    monkeypatch.setattr(
        frames_module,
        "time",
        SimpleNamespace(
            monotonic_ns=lambda: now_ns,
            clock_gettime_ns=lambda _: now_ns + asleep_ns,
            CLOCK_BOOTTIME=time.CLOCK_BOOTTIME,
        ),
    )
    assert on_monotonic_clock(now_ns - age_ns) == now_ns - age_ns
    assert on_monotonic_clock(now_ns + asleep_ns - age_ns) == now_ns - age_ns
    assert on_monotonic_clock(0) == now_ns
    assert on_monotonic_clock(now_ns - 1_900_000_000) == now_ns - 1_900_000_000
    assert on_monotonic_clock(now_ns - 2_100_000_000) == on_monotonic_clock(now_ns + 2_100_000_000) == now_ns


# --- video files


def write_video(path: Path, colours: list[tuple[int, int, int]], fps: float = 30.0) -> Path:
    """A video of plain frames, given as RGB."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), fps, (64, 48))
    for red, green, blue in colours:
        writer.write(np.full((48, 64, 3), (blue, green, red), np.uint8))
    writer.release()
    return path


def replayed(path: Path, **options: Any) -> list[Frame]:
    with VideoSource(path, **options) as source:
        return list(source.frames(threading.Event()))


def test_replay_gives_every_frame_with_the_containers_time(demo_clip: Path) -> None:
    with VideoSource(demo_clip) as source:
        assert (source.name, source.fps, source.size_px, source.vfov_deg) == ("demo_front.mp4", 30.0, (640, 480), None)
        frames = list(source.frames(threading.Event()))
        assert source.dropped == 0
    assert [frame.index for frame in frames] == list(range(600))
    np.testing.assert_allclose([frame.t_ns for frame in frames], np.arange(600) / 30 * 1e9, atol=1e3)
    assert frames[0].image.shape == (480, 640, 3)


def test_replay_is_the_same_each_time(demo_clip: Path) -> None:
    with VideoSource(demo_clip) as source:
        first, second = source.frames(threading.Event()), source.frames(threading.Event())
        for _ in range(20):
            one, two = next(first), next(second)
            assert one.t_ns == two.t_ns
            np.testing.assert_array_equal(one.image, two.image)


def test_colours_are_rgb_and_five_frames_a_second_are_accepted(tmp_path: Path) -> None:
    path = write_video(tmp_path / "slow.mp4", [(220, 30, 30)] * 5 + [(30, 30, 220)] * 5, fps=5)
    frames = replayed(path)
    assert [frame.t_ns for frame in frames] == [n * 200_000_000 for n in range(10)]
    assert frames[0].image[24, 32] == pytest.approx([220, 30, 30], abs=12)
    assert frames[9].image[24, 32] == pytest.approx([30, 30, 220], abs=12)


@pytest.mark.parametrize(
    ("levels", "said"),
    [
        ([*range(30), *[30] * 100], "from 1.0 to 4.3 s"),
        ([*range(30), *[30] * 100, *range(30)], "from 1.0 to 4.3 s"),
        ([30] * 130, "from 0.0 to 4.3 s"),
        ([*[30] * 100, *range(30)], None),  # a title
        ([*range(30), *[30] * 80, *range(30)], None),
    ],
)
def test_a_picture_that_stands_still_is_told(tmp_path: Path, levels: list[int], said: str | None) -> None:
    """As OpenCV shows the rest of a film whose picture has grown."""
    writer = cv2.VideoWriter(str(tmp_path / "v.mkv"), cv2.VideoWriter.fourcc(*"MJPG"), 30.0, (64, 48))
    for level in levels:
        writer.write(picture(4 * level))
    writer.release()
    with VideoSource(tmp_path / "v.mkv") as source:
        assert sum(1 for _ in source.frames(threading.Event())) == len(levels)
        fault = source.stood_still()
    assert (fault is None) is (said is None)
    assert said is None or f"the picture stands still {said}, " in (fault or "")


def test_rotation_by_the_settings(tmp_path: Path) -> None:
    writer = cv2.VideoWriter(str(tmp_path / "v.mp4"), cv2.VideoWriter.fourcc(*"mp4v"), 30, (64, 48))
    image = picture()
    image[:24] = 255
    for _ in range(3):
        writer.write(image)
    writer.release()
    upright, turned = replayed(tmp_path / "v.mp4")[0], replayed(tmp_path / "v.mp4", rotation=180)[0]
    assert upright.image[10, 32, 0] > 200 > 50 > upright.image[40, 32, 0]
    assert turned.image[40, 32, 0] > 200 > 50 > turned.image[10, 32, 0]


def test_rotation_in_the_files_metadata_is_honoured(tmp_path: Path) -> None:
    plain = write_video(tmp_path / "plain.mp4", [(10, 10, 10)] * 3)
    turned = tmp_path / "turned.mp4"
    turned.write_bytes(_turned_by_90(plain.read_bytes()))
    with VideoSource(turned) as source:
        assert source.size_px == (48, 64)
        assert next(iter(source.frames(threading.Event()))).image.shape == (64, 48, 3)


def _turned_by_90(data: bytes) -> bytes:
    """An MP4 with the display matrix of its track set to a quarter turn, as a phone held upright writes it."""
    at = data.index(b"tkhd") + 4 + 40  # version 0: 40 bytes lie between the type and the matrix
    one = 0x10000
    matrix = (0, one, 0, -one, 0, 0, 48 * one, 0, 0x40000000)
    return data[:at] + b"".join(value.to_bytes(4, "big", signed=True) for value in matrix) + data[at + 36 :]


@pytest.mark.parametrize(
    ("pixel", "turned", "size_px"),
    [
        ((1, 1), False, (64, 48)),
        ((4, 3), False, (85, 48)),
        ((8, 9), False, (57, 48)),
        ((4, 3), True, (36, 64)),
        ((201, 200), False, (64, 48)),  # a mistake of rounding, or another one
        ((99, 1), False, (64, 48)),
    ],
)
def test_pixels_are_made_square(tmp_path: Path, pixel: tuple[int, int], turned: bool, size_px: tuple[int, int]) -> None:
    plain = write_video(tmp_path / "plain.mp4", [(10, 200, 10)] * 3).read_bytes()
    wide = tmp_path / "wide.mp4"
    wide.write_bytes(_with_pixels(_turned_by_90(plain) if turned else plain, pixel))
    with VideoSource(wide) as source:
        assert source.size_px == size_px
        frames = list(source.frames(threading.Event()))
    assert [frame.image.shape for frame in frames] == [(size_px[1], size_px[0], 3)] * 3
    if size_px == (64, 48):
        for frame, other in zip(frames, replayed(tmp_path / "plain.mp4"), strict=True):
            np.testing.assert_array_equal(frame.image, other.image)


def _with_pixels(data: bytes, pixel: tuple[int, int]) -> bytes:
    """An MP4 whose pixels are so wide and high, as cameras for DV and HDV write it."""
    box = b"\0\0\0\x10pasp" + b"".join(side.to_bytes(4, "big") for side in pixel)
    if (old := data.find(b"pasp")) >= 0:
        return data[: old - 4] + box + data[old + 12 :]
    changed = bytearray(data)
    for kind in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"mp4v"):
        at = data.index(kind, data.index(b"moov")) - 4
        changed[at : at + 4] = (int.from_bytes(data[at : at + 4], "big") + len(box)).to_bytes(4, "big")
    entry = data.index(b"mp4v", data.index(b"stsd")) - 4
    end = entry + int.from_bytes(data[entry : entry + 4], "big")
    return bytes(changed[:end] + box + changed[end:])


def test_a_standing_clock_in_the_file_is_replaced_by_the_rate(demo_clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stuck:
        def __init__(self, *args: Any) -> None:
            self._inner = real(*args)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._inner, name)

        def get(self, what: int) -> float:
            return 7.0 if what == cv2.CAP_PROP_POS_MSEC else float(self._inner.get(what))

    real = cv2.VideoCapture
    monkeypatch.setattr("device.cameras.video.cv2.VideoCapture", Stuck)
    with VideoSource(demo_clip) as source:
        frames = source.frames(threading.Event())
        assert [next(frames).t_ns for _ in range(4)] == [n * 33_333_333 for n in range(4)]


def test_a_stream_without_times_is_played_at_the_rate_that_it_tells(demo_clip: Path, tmp_path: Path) -> None:
    stream = tmp_path / "bare.h264"
    stream.write_bytes(_bare_h264(demo_clip.read_bytes()))
    frames = replayed(stream)
    assert len(frames) == 600
    np.testing.assert_allclose([frame.t_ns for frame in frames], np.arange(600) / 30 * 1e9, atol=1e3)


def _bare_h264(content: bytes) -> bytes:
    """The stream in an MP4 file: its units begin with their length there, and with a mark here."""
    start, mark = content.index(b"avcC") + 4, b"\0\0\0\1"
    at, stream = start + 6, b""
    for count in (content[start + 5] & 31, 1):  # of sequences and pictures
        for _ in range(count):
            length = int.from_bytes(content[at : at + 2], "big")
            stream += mark + content[at + 2 : at + 2 + length]
            at += 2 + length
        at += 1
    at = content.index(b"mdat") + 4
    end = at - 8 + int.from_bytes(content[at - 8 : at - 4], "big")
    while at < end:
        length = int.from_bytes(content[at : at + 4], "big")
        stream += mark + content[at + 4 : at + 4 + length]
        at += 4 + length
    return stream


def test_a_stream_whose_times_and_rate_would_be_a_guess_is_refused(tmp_path: Path) -> None:
    stream = tmp_path / "bare.mjpeg"
    stream.write_bytes(b"".join(cv2.imencode(".jpg", picture(grey))[1].tobytes() for grey in range(40)))
    with pytest.raises(InputError, match=r"nor a sure rate.*: ffmpeg -r 30 -i bare.mjpeg film.mp4$"):
        replayed(stream)


@pytest.mark.parametrize("name", ["x.mkv", "x.avi", "x.mp4"])
def test_a_film_of_the_rate_that_would_be_guessed_is_played(tmp_path: Path, name: str) -> None:
    assert len(replayed(write_video(tmp_path / name, [(9, 9, 9)] * 10, fps=25))) == 10


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "no such file; check the name"),
        (b"", "is empty; copy or record it again"),
        (b"a shopping list\n" * 500, "is no video that can be decoded; give a whole file"),
        (bytes(100_000), "is no video that can be decoded; give a whole file"),
        ("folder", "is a folder; name a video file in it"),
        ("pipe", "is a pipe or a device; give a video file, or name a camera in [camera] source"),
        ("picture", "holds no moving picture; give a whole video file"),
        ("undecodable", "its kind of pictures (AV01) cannot be decoded here, or it is damaged; if other players"),
        ("headless", "is no video that can be decoded; give a whole file"),
    ],
)
def test_a_wrong_file_is_one_clear_line(
    tmp_path: Path, demo_clip: Path, content: bytes | str | None, said: str
) -> None:
    path = tmp_path / "clip.mp4"
    if content == "folder":
        path.mkdir()
    elif content == "pipe":
        os.mkfifo(path)
    elif content == "picture":
        path.write_bytes(cv2.imencode(".png", picture())[1].tobytes())
    elif content == "undecodable":
        film = write_video(tmp_path / "whole.mp4", [(1, 2, 3)] * 30).read_bytes()
        entry = film.index(b"mp4v", film.index(b"stsd"))
        path.write_bytes(film[:entry] + b"av01" + film[entry + 4 :].replace(b"esds", b"free", 1))
    elif content == "headless":
        path.write_bytes(write_video(tmp_path / "whole.mp4", [(1, 2, 3)] * 30).read_bytes()[:-100])
    elif isinstance(content, bytes):
        path.write_bytes(content)
    with pytest.raises(InputError) as caught, VideoSource(path):
        pass
    assert str(caught.value).startswith(f"{path}")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_wrong_file_leaves_no_chatter_of_the_decoder(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(bytes(100_000))
    script = (
        "import sys; from pathlib import Path; from device.cameras.video import VideoSource\n"
        "try: VideoSource(Path(sys.argv[1])).__enter__()\nexcept ValueError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).resolve().parents[2],
    )
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 1


def test_a_file_that_was_cut_off_plays_as_far_as_it_goes(demo_clip: Path, tmp_path: Path) -> None:
    path = tmp_path / "cut.mp4"
    path.write_bytes(demo_clip.read_bytes()[:300_000])
    frames = replayed(path)
    assert 100 < len(frames) < 600
    assert [frame.index for frame in frames] == list(range(len(frames)))


def test_a_clip_in_real_time_loses_the_oldest_frames_of_a_slow_consumer(demo_clip: Path) -> None:
    stop = threading.Event()
    taken: list[Frame] = []
    with VideoSource(demo_clip, paced=True) as source:
        for frame in source.frames(stop):
            assert frame.t_ns <= time.monotonic_ns()
            taken.append(frame)
            time.sleep(0.1)
            if len(taken) == 8:
                stop.set()
        missed = source.dropped
    steps = np.diff([frame.index for frame in taken])
    assert steps.min() >= 1
    assert steps.sum() >= 14
    assert missed >= steps.sum() - len(steps)
    elapsed_ns = np.array([frame.t_ns - taken[0].t_ns for frame in taken])
    due_ns = np.array([frame.index - taken[0].index for frame in taken]) / 30 * 1e9
    np.testing.assert_allclose(elapsed_ns, due_ns, atol=1e3)


def test_a_loop_goes_on_in_time_and_index(tmp_path: Path) -> None:
    path = write_video(tmp_path / "short.mp4", [(9, 9, 9)] * 5, fps=50)
    stop = threading.Event()
    with VideoSource(path, loop=True) as source:
        frames = source.frames(stop)
        taken = [next(frames) for _ in range(12)]
    assert [frame.index for frame in taken] == list(range(12))
    assert [frame.t_ns for frame in taken] == [n * 20_000_000 for n in range(12)]


def test_real_time_ends_with_the_file_and_loses_nothing_when_in_time(tmp_path: Path) -> None:
    path = write_video(tmp_path / "short.mp4", [(9, 9, 9)] * 5, fps=5)
    with VideoSource(path, paced=True) as source:
        taken = [frame.index for frame in source.frames(threading.Event())]
    assert taken == list(range(5))


def test_a_file_that_vanishes_ends_the_loop(tmp_path: Path) -> None:
    path = write_video(tmp_path / "short.mp4", [(9, 9, 9)] * 5, fps=100)
    with VideoSource(path, paced=True, loop=True) as source:
        for _ in source.frames(threading.Event()):
            path.unlink(missing_ok=True)


# --- USB cameras


class FakeCapture:
    """A USB camera as OpenCV shows one. ``script`` says, frame by frame, whether it gives a picture."""

    opened = True
    pictures = 10_000
    stamp_ms: Callable[[], float] = staticmethod(lambda: 0.0)
    instances: list[FakeCapture] = []  # noqa: RUF012 (shared on purpose: the tests look here)

    def __init__(self, number: int, backend: int) -> None:
        assert backend == cv2.CAP_V4L2
        self.number = number
        self.settings: dict[int, float] = {}
        self.count = 0
        self.released = False
        FakeCapture.instances.append(self)

    def isOpened(self) -> bool:
        return self.opened

    def set(self, what: int, value: float) -> bool:
        self.settings[what] = value
        return True

    def get(self, what: int) -> float:
        return {cv2.CAP_PROP_FPS: 25.0, cv2.CAP_PROP_POS_MSEC: self.stamp_ms()}[what]

    def read(self) -> tuple[bool, Image | None]:
        time.sleep(0.01)
        if self.count >= self.pictures:
            return False, None
        self.count += 1
        blue = np.zeros((48, 64, 3), np.uint8)
        blue[:, :, 0] = 200
        return True, blue

    def release(self) -> None:
        self.released = True


@pytest.fixture
def usb_camera(monkeypatch: pytest.MonkeyPatch) -> type[FakeCapture]:
    FakeCapture.instances.clear()
    fake = type("Fake", (FakeCapture,), {})
    monkeypatch.setattr("device.cameras.usb.cv2.VideoCapture", fake)
    return fake


def test_a_usb_camera_gives_the_newest_frame(usb_camera: type[FakeCapture]) -> None:
    with UsbCamera(CameraConfig(width=640, height=480, fps=30)) as camera:
        assert (camera.name, camera.fps, camera.size_px) == ("usb:0", 25.0, (64, 48))
        stop = threading.Event()
        taken = []
        for frame in camera.frames(stop):
            taken.append(frame)
            time.sleep(0.06)
            if len(taken) == 4:
                stop.set()
        assert camera.dropped >= 3
    capture = FakeCapture.instances[0]
    assert capture.settings[cv2.CAP_PROP_FRAME_WIDTH] == 640
    assert capture.settings[cv2.CAP_PROP_FPS] == 30
    assert capture.released
    assert taken[0].image[0, 0].tolist() == [0, 0, 200]
    assert all(b.index > a.index and b.t_ns > a.t_ns for a, b in pairwise(taken))
    assert 0 <= time.monotonic_ns() - taken[-1].t_ns < 5e9


def test_the_kernels_stamp_is_taken_where_there_is_one(usb_camera: type[FakeCapture]) -> None:
    usb_camera.stamp_ms = staticmethod(lambda: time.monotonic() * 1e3 - 500)
    with UsbCamera(CameraConfig()) as camera:
        frame = next(iter(camera.frames(threading.Event())))
        assert 0.5 <= (time.monotonic_ns() - frame.t_ns) / 1e9 < 1.9


def test_a_usb_camera_that_is_not_there(usb_camera: type[FakeCapture]) -> None:
    usb_camera.opened = False
    with pytest.raises(CameraError, match=r"there is no camera at /dev/video63; plug one in") as caught:
        UsbCamera(CameraConfig(device=63)).__enter__()
    assert "\n" not in str(caught.value)


def test_a_usb_camera_may_take_its_time_for_the_first_picture(
    usb_camera: type[FakeCapture], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usb, "SILENCE_S", 0.1)
    began_s = time.monotonic()
    slow = usb_camera.read

    def read(self: FakeCapture) -> tuple[bool, Image | None]:
        return slow(self) if time.monotonic() - began_s > 0.5 else (False, None)

    monkeypatch.setattr(usb_camera, "read", read)
    with UsbCamera(CameraConfig()) as camera:
        assert next(iter(camera.frames(threading.Event()))).image.shape == (48, 64, 3)


def test_a_usb_camera_that_gives_nothing(usb_camera: type[FakeCapture], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usb, "START_S", 0.1)
    usb_camera.pictures = 0
    with pytest.raises(CameraError, match="the USB camera 0 gives no picture; check its cable"):
        UsbCamera(CameraConfig()).__enter__()


def test_a_usb_camera_that_comes_back_under_another_number_is_found_by_its_socket(
    usb_camera: type[FakeCapture], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As after a loose contact: the number is taken for as long as the camera that has gone is held open."""
    sockets = tmp_path / "by-path"
    sockets.mkdir()
    monkeypatch.setattr(usb, "_NODES", tmp_path)
    monkeypatch.setattr(usb, "_SOCKETS", sockets)
    monkeypatch.setattr(usb, "_opened", {})

    def plug(number: int, socket: str) -> None:
        (tmp_path / f"video{number}").touch()
        (sockets / socket).unlink(missing_ok=True)
        (sockets / socket).symlink_to(tmp_path / f"video{number}")

    plug(0, "usb-0:1:1.0-video-index0")
    plug(4, "usb-0:2:1.0-video-index0")  # another one, for something else
    with UsbCamera(CameraConfig()):
        pass
    (tmp_path / "video0").unlink()
    plug(2, "usb-0:1:1.0-video-index0")
    with UsbCamera(CameraConfig()) as camera:
        assert camera.name == "usb:0", "the same installation"
    (tmp_path / "video2").unlink()
    (sockets / "usb-0:1:1.0-video-index0").unlink()
    usb_camera.opened = False
    with pytest.raises(CameraError, match="there is no camera at /dev/video0; plug one in"):
        UsbCamera(CameraConfig()).__enter__()
    assert [capture.number for capture in FakeCapture.instances] == [0, 2, 0]


def test_times_of_a_usb_camera_never_run_backwards(usb_camera: type[FakeCapture]) -> None:
    jumps = iter([0.0, -900.0, 300.0, *[0.0] * 10_000])
    usb_camera.stamp_ms = staticmethod(lambda: time.monotonic() * 1e3 + next(jumps))
    stop = threading.Event()
    times_ns: list[int] = []
    with UsbCamera(CameraConfig()) as camera:
        for frame in camera.frames(stop):
            times_ns.append(frame.t_ns)
            if len(times_ns) == 10:
                stop.set()
    assert times_ns == sorted(set(times_ns))


def test_a_usb_camera_that_vanishes(usb_camera: type[FakeCapture], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usb, "SILENCE_S", 0.5)
    usb_camera.pictures = 5
    with UsbCamera(CameraConfig()) as camera:
        frames = camera.frames(threading.Event())
        assert next(frames).image.shape == (48, 64, 3)
        with pytest.raises(CameraError, match="the USB camera 0 has vanished; check its cable"):
            list(frames)
    deadline_s = time.monotonic() + 5
    while not FakeCapture.instances[0].released and time.monotonic() < deadline_s:
        time.sleep(0.01)
    assert FakeCapture.instances[0].released


def _until_it_fails(camera: FrameSource) -> tuple[list[Frame], str]:
    """What it gave until then, and what it said."""
    taken = []
    try:
        for frame in islice(camera.frames(threading.Event()), 1000):
            taken.append(frame)
    except CameraError as error:
        return taken, str(error)
    raise AssertionError("it was not noticed")


def _scene(noise: int = 0) -> Image:
    """A picture with something in it; of ``noise`` differs one level of one of the rows that are looked at."""
    scene = np.zeros((48, 64, 3), np.uint8)
    scene[:, 32:] = 180
    scene[16, 20, 1] = noise
    return scene


def test_a_usb_camera_that_repeats_one_picture_is_as_one_that_has_gone(
    usb_camera: type[FakeCapture], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(video, "_STILL_S", 0.4)
    shown: Iterator[Image] = chain((_scene(n % 2) for n in range(100)), repeat(_scene()))

    def read(_: FakeCapture) -> tuple[bool, Image | None]:
        time.sleep(0.01)
        return True, next(shown)

    monkeypatch.setattr(usb_camera, "read", read)
    with UsbCamera(CameraConfig()) as camera:
        taken, told = _until_it_fails(camera)
    assert told == "the USB camera 0 gives the same picture again and again; check its cable and plug it in again"
    assert len({frame.image.tobytes() for frame in taken[:50]}) == 2
    alike = [frame.t_ns for frame in taken if np.array_equal(frame.image, taken[-1].image)]
    assert taken[-1].t_ns - taken[0].t_ns > 0.9e9, "noise keeps it going"
    assert alike[-1] - alike[0] > 0.3e9


def test_a_covered_lens_is_no_repeated_picture(usb_camera: type[FakeCapture], monkeypatch: pytest.MonkeyPatch) -> None:
    """It is too dark, which the page says by itself."""
    monkeypatch.setattr(video, "_STILL_S", 0.1)
    with UsbCamera(CameraConfig()) as camera:
        taken = list(islice(camera.frames(threading.Event()), 60))
    assert len({frame.image.tobytes() for frame in taken}) == 1
    assert taken[-1].t_ns - taken[0].t_ns > 0.3e9


# --- the Pi's camera


class FakeRequest:
    def __init__(self, camera: FakePicamera2, n: int) -> None:
        self._camera, self.n, self.released = camera, n, 0

    def make_array(self, name: str) -> Image:
        """Red above, blue below; as the real one does, with YUV420's padding and without that of NV12."""
        assert not self.released
        config = self._camera.config[name]
        (width, height), stride = config["size"], config["stride"]
        red, blue = (81, 90, 240), (41, 240, 110)  # Y, U, V in BT.601, limited range
        below = height // 4 * 2
        planes = np.full((height * 3 // 2, stride), 77, np.uint8)  # 77 is what padding holds: never to be seen
        planes[:below, :width], planes[below:height, :width] = red[0], blue[0]
        if config["format"] == "NV12":
            for of_two in (0, 1):
                planes[height : height + below // 2, of_two:width:2] = red[1 + of_two]
                planes[height + below // 2 :, of_two:width:2] = blue[1 + of_two]
            return np.ascontiguousarray(planes[:, :width])
        assert config["format"] == "YUV420"
        colour = planes[height:].reshape(2, height // 2, stride // 2)
        for of_two in (0, 1):
            colour[of_two, : below // 2, : width // 2] = red[1 + of_two]
            colour[of_two, below // 2 :, : width // 2] = blue[1 + of_two]
        return planes

    def get_metadata(self) -> dict[str, Any]:
        return {
            "SensorTimestamp": self._camera.begin_ns + self.n * 33_333_000,
            "FrameDuration": self._camera.period_us,
            "ScalerCrop": self._camera.crop,
        }

    def release(self) -> None:
        self.released += 1


class FakePicamera2:
    """Picamera2 0.3.38 as far as it is used, and as picamera_test.sh has seen it.

    That is what it leaves open where it fails, what it changes of what is asked, its job queue, streams with stride,
    metadata, and one frame kept back.
    """

    infos: list[dict[str, Any]] = [  # noqa: RUF012
        {"Model": "imx219", "Location": 2, "Rotation": 180, "Id": "/base/soc/i2c0mux/i2c@1/imx219@10", "Num": 0}
    ]
    busy = False
    no_memory = False
    silent = False
    turns = True
    format = "YUV420"
    period_us = 33_333
    crop = (0, 0, 3280, 2464)
    properties: dict[str, Any] = {  # noqa: RUF012
        "Model": "imx219",
        "UnitCellSize": (1120, 1120),
        "PixelArrayActiveAreas": [(8, 8, 3280, 2464)],
    }
    controls: dict[str, Any] = {"FrameDurationLimits": (4839, 11767556, None), "AeExposureMode": (0, 3, 0)}  # noqa: RUF012
    instances: list[FakePicamera2] = []  # noqa: RUF012

    @classmethod
    def global_camera_info(cls) -> list[dict[str, Any]]:
        return list(cls.infos)

    def __init__(self, number: int) -> None:
        FakePicamera2.instances.append(self)
        self.closed = self.is_open = False
        self.notifyme_r, self.notifyme_w = os.pipe2(os.O_NONBLOCK)
        self.notifymeread = os.fdopen(self.notifyme_r, "rb")
        if self.busy:
            cause = RuntimeError("Failed to acquire camera: Device or resource busy")
            raise RuntimeError("Camera __init__ sequence did not complete.") from cause
        self.number = number
        self.is_open = True
        if self.no_memory:
            raise PermissionError(13, "Permission denied", "/dev/dma_heap/linux,cma")
        self.config: dict[str, Any] = {}
        self.started = self.flushed = False
        self.skip: list[int] = []
        self.requests: list[FakeRequest] = []
        self.begin_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME) - 40_000_000
        self.next = 0

    camera_properties = property(lambda self: self.properties)
    camera_controls = property(lambda self: self.controls)

    @property
    def sensor_modes(self) -> list[dict[str, Any]]:
        whole, narrow = (0, 0, 3280, 2464), (1000, 752, 1280, 960)
        return [
            {"format": "not raw"},
            {"size": (640, 480), "bit_depth": 10, "fps": 206.65, "crop_limits": narrow},
            {"size": (1640, 1232), "bit_depth": 10, "fps": 41.85, "crop_limits": whole},
            {"size": (3280, 2464), "bit_depth": 10, "fps": 21.19, "crop_limits": whole},
        ]

    def create_video_configuration(self, main: Any, lores: Any, **rest: Any) -> dict[str, Any]:
        assert set(rest) == {"sensor", "colour_space", "transform", "buffer_count", "controls"}
        return {"main": main, "lores": lores, **rest, "raw": None, "display": "main", "encode": "main", "queue": True}

    def configure(self, config: dict[str, Any]) -> None:
        assert not self.started
        for name in config["controls"]:
            if name not in self.controls:
                raise RuntimeError(f"Control {name} is not advertised by libcamera")
        self.config = dict(config)
        if not self.turns:
            self.config["transform"] = FakeTransform()
        for name in ("main", "lores"):
            width, height = config[name]["size"]
            stride = (width + 63) // 64 * 64
            config[name].update(format=self.format, stride=stride, framesize=stride * height * 3 // 2)

    def camera_configuration(self) -> dict[str, Any]:
        return self.config

    def stream_configuration(self, name: str) -> dict[str, Any]:
        stream: dict[str, Any] = self.config[name]
        return stream

    def start(self) -> None:
        self.started = True

    def capture_request(self, wait: bool) -> Future[FakeRequest]:
        assert wait is False
        job: Future[FakeRequest] = Future()
        if not self.silent:
            while self.next in self.skip:
                self.next += 1
            request = FakeRequest(self, self.next)
            self.requests.append(request)
            self.next += 1
            job.set_result(request)
        return job

    def wait(self, job: Future[FakeRequest], timeout: float) -> FakeRequest:
        return job.result(timeout=timeout)

    def cancel_all_and_flush(self) -> None:
        self.flushed = True

    def close(self) -> None:
        if not self.is_open:
            return
        self.notifymeread.close()
        os.close(self.notifyme_w)
        self.is_open, self.closed = False, True


class FakeTransform:
    def __init__(self, hflip: bool = False, vflip: bool = False) -> None:
        self.hflip, self.vflip = hflip, vflip


@pytest.fixture
def pi(monkeypatch: pytest.MonkeyPatch) -> type[FakePicamera2]:
    FakePicamera2.instances.clear()
    fake = type("Fake", (FakePicamera2,), {})
    libcamera = SimpleNamespace(
        Transform=FakeTransform,
        ColorSpace=SimpleNamespace(Smpte170m=lambda: "SMPTE170M"),
        controls=SimpleNamespace(AeExposureModeEnum=SimpleNamespace(Short=1), AfModeEnum=SimpleNamespace(Manual=0)),
    )
    monkeypatch.setitem(sys.modules, "picamera2", SimpleNamespace(Picamera2=fake))
    monkeypatch.setitem(sys.modules, "libcamera", libcamera)
    monkeypatch.setenv("LIBCAMERA_LOG_LEVELS", "*:WARN")
    for name in ("picamera2", "picamera2.picamera2"):
        monkeypatch.setattr(logging.getLogger(name), "level", logging.NOTSET)
    return fake


RED, BLUE = [254, 0, 0], [0, 0, 255]


def first_picture(config: CameraConfig) -> Image:
    with PiCamera(config) as camera:
        image = next(iter(camera.frames(threading.Event()))).image
        assert camera.size_px == (image.shape[1], image.shape[0])
        return image


def assert_two_colours(image: Image, above: list[int], below: list[int]) -> None:
    middle = image.shape[0] // 4 * 2
    for half, colour in ((image[:middle], above), (image[middle:], below)):
        assert half.reshape(-1, 3).min(axis=0) == pytest.approx(colour, abs=3)
        assert half.reshape(-1, 3).max(axis=0) == pytest.approx(colour, abs=3)


@pytest.mark.parametrize("size_px", [(640, 480), (600, 480), (602, 482)])
def test_the_pi_camera_gives_rgb_without_padding(pi: type[FakePicamera2], size_px: tuple[int, int]) -> None:
    image = first_picture(CameraConfig(width=size_px[0], height=size_px[1]))
    assert image.shape == (size_px[1], size_px[0], 3)
    assert_two_colours(image, RED, BLUE)


@pytest.mark.parametrize("width", [640, 600])
def test_pictures_of_libcameras_other_format_have_the_same_colours(
    pi: type[FakePicamera2], monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setattr(pi, "format", "NV12")
    assert_two_colours(first_picture(CameraConfig(width=width)), RED, BLUE)


def test_pictures_that_cannot_be_read_are_refused(pi: type[FakePicamera2], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pi, "format", "MJPEG")
    with pytest.raises(CameraError, match="the Pi camera 0 gives its pictures as MJPEG, which cannot be read here"):
        PiCamera(CameraConfig()).__enter__()
    assert FakePicamera2.instances[0].closed


@pytest.mark.parametrize("turns", [True, False])
def test_what_the_sensor_cannot_turn_is_turned_here(
    pi: type[FakePicamera2], monkeypatch: pytest.MonkeyPatch, turns: bool
) -> None:
    monkeypatch.setattr(
        pi, "turns", turns
    )  # the fake's pictures stay as they are: what a sensor turned is not turned back
    above, below = (RED, BLUE) if turns else (BLUE, RED)
    assert_two_colours(first_picture(CameraConfig(rotation=180)), above, below)
    assert_two_colours(first_picture(CameraConfig()), RED, BLUE)


def test_the_pi_camera_is_asked_for_the_whole_view_and_a_fixed_rate(pi: type[FakePicamera2]) -> None:
    with PiCamera(CameraConfig(rotation=180)):
        config = FakePicamera2.instances[0].config
    assert config["sensor"] == {"output_size": (1640, 1232), "bit_depth": 10}
    assert config["controls"] == {"FrameDurationLimits": (33333, 33333), "AeExposureMode": 1}
    assert (config["transform"].hflip, config["transform"].vflip) == (True, True)
    assert config["colour_space"] == "SMPTE170M"
    assert config["buffer_count"] >= 4


def test_a_lens_with_a_motor_is_set_to_a_fixed_distance(
    pi: type[FakePicamera2], monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {"FrameDurationLimits": (4839, 11767556, None), "LensPosition": (0.0, 32.0, 1.0), "AfMode": (0, 2, 0)}
    monkeypatch.setattr(pi, "controls", known)
    with PiCamera(CameraConfig()):
        controls = FakePicamera2.instances[0].config["controls"]
    assert controls == {"FrameDurationLimits": (33333, 33333), "AfMode": 0, "LensPosition": 0.4}


def test_a_rate_that_only_a_narrow_mode_reaches_takes_that_mode(pi: type[FakePicamera2]) -> None:
    with PiCamera(CameraConfig(fps=90)):
        assert FakePicamera2.instances[0].config["sensor"]["output_size"] == (640, 480)


@pytest.mark.parametrize(("period_us", "fps"), [(33_341, 30.0), (47_181, 21.2)])
def test_a_rate_that_no_mode_reaches_is_told_as_it_is(
    pi: type[FakePicamera2], monkeypatch: pytest.MonkeyPatch, period_us: int, fps: float
) -> None:
    monkeypatch.setattr(pi, "period_us", period_us)
    with PiCamera(CameraConfig(fps=30)) as camera:
        assert camera.fps == fps


def test_modes_that_a_small_board_has_no_room_for_do_not_keep_the_camera_from_starting(
    pi: type[FakePicamera2], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(self: FakePicamera2) -> None:
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(pi, "sensor_modes", property(fails))
    with PiCamera(CameraConfig()):
        assert FakePicamera2.instances[0].config["sensor"] == {}
    assert caplog.messages == [
        "the Pi camera 0 does not tell its modes ([Errno 12] Cannot allocate memory); its view may be narrower"
    ]


def test_the_sensors_time_buffers_and_gaps(pi: type[FakePicamera2]) -> None:
    with PiCamera(CameraConfig()) as camera:
        fake = FakePicamera2.instances[0]
        fake.skip = [3, 4]
        frames = camera.frames(threading.Event())
        taken = []
        for _ in range(4):
            taken.append(next(frames))
            assert all(request.released == 1 for request in fake.requests)
        assert [frame.index for frame in taken] == [0, 1, 4, 5]
        assert camera.dropped == 2
        age_s = (time.monotonic_ns() - taken[0].t_ns) / 1e9
        assert -0.1 < age_s < 5
        np.testing.assert_allclose(np.diff([f.t_ns for f in taken]), [33_333_000, 99_999_000, 33_333_000], atol=2e6)
    assert fake.closed
    assert fake.flushed


def test_stopping_ends_the_frames(pi: type[FakePicamera2]) -> None:
    stop = threading.Event()
    with PiCamera(CameraConfig()) as camera:
        for n, _ in enumerate(camera.frames(stop)):
            if n == 2:
                stop.set()
    assert n == 2


def test_the_pi_camera_vanishes(pi: type[FakePicamera2], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picamera, "SILENCE_S", 0.1)
    monkeypatch.setattr(picamera, "_POLL_S", 0.02)
    with PiCamera(CameraConfig()) as camera:
        frames = camera.frames(threading.Event())
        next(frames)
        FakePicamera2.instances[0].silent = True
        with pytest.raises(CameraError, match="the Pi camera 0 gives no picture; check its ribbon cable"):
            next(frames)
    assert FakePicamera2.instances[0].closed


def test_a_pi_camera_that_repeats_one_picture_is_as_one_that_has_gone(
    pi: type[FakePicamera2], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(video, "_STILL_S", 1.0)
    with PiCamera(CameraConfig()) as camera:
        taken, told = _until_it_fails(camera)
    assert told == "the Pi camera 0 gives the same picture again and again; check its ribbon cable"
    assert 0.9 < (taken[-1].t_ns - taken[0].t_ns) / 1e9 < 1.1
    assert FakePicamera2.instances[0].closed


def test_the_pi_camera_fails_amid_the_pictures_and_is_closed_all_the_same(
    pi: type[FakePicamera2], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the frontend is gone")

    told = r"gives no picture any more \(the frontend is gone\); check its ribbon cable"
    with PiCamera(CameraConfig()) as camera:
        monkeypatch.setattr(pi, "wait", broken)
        monkeypatch.setattr(pi, "cancel_all_and_flush", broken)
        with pytest.raises(CameraError, match=told):
            next(camera.frames(threading.Event()))
    assert FakePicamera2.instances[0].closed
    assert caplog.messages == ["the Pi camera 0 was not closed as it should be (the frontend is gone)"]


def test_the_pi_camera_is_silent_from_the_start(pi: type[FakePicamera2], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picamera, "SILENCE_S", 0.1)
    monkeypatch.setattr(picamera, "_POLL_S", 0.02)
    monkeypatch.setattr(pi, "silent", True)
    with pytest.raises(CameraError, match="gives no picture"), PiCamera(CameraConfig()):
        pass
    assert FakePicamera2.instances[0].closed


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_the_pi_camera_is_absent_or_busy(pi: type[FakePicamera2], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CameraError, match=r"the Pi sees 1 camera\(s\), none is number 1; check the ribbon cable"):
        PiCamera(CameraConfig(device=1)).__enter__()
    monkeypatch.setattr(pi, "busy", True)
    files = open_files()
    told = r"the Pi camera 0 does not start: Failed to acquire camera: Device or resource busy; end the program that"
    for _ in range(3):
        with pytest.raises(CameraError, match=told):
            PiCamera(CameraConfig()).__enter__()
    assert open_files() == files


def test_the_pi_camera_fails_after_it_was_taken_and_is_given_back(
    pi: type[FakePicamera2], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pi, "no_memory", True)
    files = open_files()
    with pytest.raises(
        CameraError, match=r"does not start: \[Errno 13\] Permission denied.*; put who runs this into group video"
    ):
        PiCamera(CameraConfig()).__enter__()
    assert FakePicamera2.instances[0].closed
    assert open_files() == files


@pytest.mark.parametrize(
    "fault", [ImportError("no module"), ValueError("numpy.dtype size changed"), AttributeError("x")]
)
def test_picamera2_cannot_be_loaded(monkeypatch: pytest.MonkeyPatch, fault: Exception) -> None:
    def load(name: str) -> None:
        raise fault

    monkeypatch.setattr(picamera, "importlib", SimpleNamespace(import_module=load))
    with pytest.raises(CameraError, match=r"Picamera2 cannot be loaded .*; sudo apt install python3-picamera2"):
        PiCamera(CameraConfig()).__enter__()
    assert picamera.pi_camera_count() == 0


def test_libcamera_cannot_list_the_cameras(pi: type[FakePicamera2], monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> None:
        raise RuntimeError("Failed to start CameraManager: Permission denied")

    monkeypatch.setattr(pi, "global_camera_info", fails)
    with pytest.raises(CameraError, match=r"the Pi's cameras cannot be listed: Failed to start CameraManager: Perm"):
        PiCamera(CameraConfig()).__enter__()
    assert picamera.pi_camera_count() == 0


def test_a_picamera2_that_lacks_a_call_is_to_be_renewed(
    pi: type[FakePicamera2], monkeypatch: pytest.MonkeyPatch
) -> None:
    def older(self: FakePicamera2, main: Any, lores: Any, transform: Any, buffer_count: int, controls: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(pi, "create_video_configuration", older)
    with pytest.raises(CameraError, match=r"unexpected keyword argument .*; Picamera2 is too old, .* full-upgrade$"):
        PiCamera(CameraConfig()).__enter__()
    assert FakePicamera2.instances[0].closed


def test_a_picamera2_without_cancelling_is_closed(
    pi: type[FakePicamera2], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delattr(FakePicamera2, "cancel_all_and_flush")  # as in 0.3.17
    with PiCamera(CameraConfig()):
        pass
    assert FakePicamera2.instances[0].closed
    assert "was not closed as it should be" in caplog.text


@pytest.mark.parametrize(("asked", "level"), [(logging.INFO, logging.CRITICAL), (logging.DEBUG, logging.NOTSET)])
def test_picamera2_and_libcamera_are_quiet_unless_more_is_asked(
    pi: type[FakePicamera2], monkeypatch: pytest.MonkeyPatch, asked: int, level: int
) -> None:
    monkeypatch.delenv("LIBCAMERA_LOG_LEVELS")
    monkeypatch.setattr(picamera._log, "level", asked)
    monkeypatch.setattr(picamera._log, "_cache", {})
    picamera.pi_camera_count()
    assert logging.getLogger("picamera2.picamera2").level == level
    assert os.environ.get("LIBCAMERA_LOG_LEVELS") == ("*:ERROR" if asked == logging.INFO else None)


def test_picamera2_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "picamera2", None)
    with pytest.raises(CameraError, match=r"Picamera2 cannot be loaded .*; sudo apt install python3-picamera2"):
        PiCamera(CameraConfig()).__enter__()
    assert picamera.pi_camera_count() == 0


@pytest.mark.parametrize(
    ("model", "pitch_nm", "crop", "expected"),
    [  # the makers' figures: Camera Module 2 48.8°, 3 41°, 3 wide 67°
        ("imx219", 1120, (0, 0, 3280, 2464), 48.8),
        ("imx708", 1400, (0, 0, 4608, 2592), 41.9),
        ("imx708_wide", 1400, (0, 0, 4608, 2592), 66.8),
        ("imx708", 1400, (768, 432, 3072, 1728), 28.6),
        ("imx477", 1550, (0, 0, 4056, 3040), None),
    ],
)
def test_the_field_of_view_follows_lens_and_crop(
    model: str, pitch_nm: int, crop: tuple[int, int, int, int], expected: float | None
) -> None:
    properties = {"Model": model, "UnitCellSize": (pitch_nm, pitch_nm), "PixelArrayActiveAreas": [crop]}
    assert vfov_deg(properties, {"ScalerCrop": crop}) == (expected and pytest.approx(expected, abs=0.15))
    assert vfov_deg(properties, {}) == (expected and pytest.approx(expected, abs=0.15))
    assert vfov_deg({"Model": model}, {}) is None


def test_the_field_of_view_of_the_settings_comes_first(pi: type[FakePicamera2]) -> None:
    with PiCamera(CameraConfig()) as camera:
        assert camera.vfov_deg == pytest.approx(48.8, abs=0.1)
    with PiCamera(CameraConfig(vfov_deg=60.0)) as camera:
        assert camera.vfov_deg == 60.0


# --- the choice


def test_auto_takes_the_pi_camera_where_there_is_one(pi: type[FakePicamera2], monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(open_source(CameraConfig()), PiCamera)
    assert isinstance(open_source(CameraConfig(source="usb")), UsbCamera)
    webcam = {"Model": "HD Webcam", "Location": 2, "Id": r"\_SB_.PCI0/usb@0-1:1.0-046d:0825", "Num": 0}
    for infos in ([], [webcam]):
        monkeypatch.setattr(pi, "infos", infos)
        assert isinstance(open_source(CameraConfig()), UsbCamera)
        assert isinstance(open_source(CameraConfig(source="picamera")), PiCamera)
        with pytest.raises(CameraError, match=r"the Pi sees 0 camera\(s\)"):
            PiCamera(CameraConfig()).__enter__()


def test_a_path_is_a_video_in_real_time(demo_clip: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(demo_clip, tmp_path / "usb.mp4"))
    with open_source(CameraConfig(source=str(path), vfov_deg=44.0)) as source:
        assert (source.name, source.vfov_deg) == ("usb.mp4", 44.0)
        frame = next(iter(source.frames(threading.Event())))
        assert abs(time.monotonic_ns() - frame.t_ns) < 5e9
