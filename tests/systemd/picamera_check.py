"""One check of the Pi's camera against the real Picamera2 and libcamera's virtual camera: ``picamera_check.py NAME``.

For picamera_test.sh, which says what it needs. Ends with status 0 where all is as it should be.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from device.cameras import open_source
from device.cameras.picamera import PiCamera, pi_camera_count
from device.config import CameraConfig
from device.frames import Frame, Image
from model.errors import CameraError

CARD, FILM = Path("/srv/card"), Path("/srv/film")
#: Of the card, from left to right.
COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255), "white": (255, 255, 255)}


def make(clip: Path) -> None:
    """The pictures of the virtual camera, as it wants them."""
    for folder in (CARD, FILM):
        folder.mkdir(parents=True)
    card = np.zeros((480, 640, 3), np.uint8)
    for n, (red, green, blue) in enumerate(COLOURS.values()):
        card[:240, 160 * n : 160 * (n + 1)] = (blue, green, red)  # the lower half stays black: which way is up
    for n in range(2):
        cv2.imwrite(str(CARD / f"{n}.jpg"), card, [cv2.IMWRITE_JPEG_QUALITY, 95])
    film = cv2.VideoCapture(str(clip))
    for n in itertools.count():
        there, picture = film.read()
        if not there:
            break
        cv2.imwrite(str(FILM / f"{n}.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, 95])


def take(camera: PiCamera, count: int) -> list[Frame]:
    return list(itertools.islice(camera.frames(threading.Event()), count))


def colours_seen(image: Image) -> list[tuple[int, ...]]:
    """Of the middle of each field of the card."""
    high, wide = image.shape[0] // 4, image.shape[1] // 4
    fields = (image[high // 2 : high * 3 // 2, wide * n + wide // 4 : wide * n + wide * 3 // 4] for n in range(4))
    return [tuple(int(c) for c in np.median(field.reshape(-1, 3), axis=0)) for field in fields]


def expect(said: str, holds: bool) -> None:
    print(said)
    if not holds:
        sys.exit(1)


def refused(config: CameraConfig) -> str:
    try:
        with PiCamera(config):
            return "not refused"
    except CameraError as error:
        return str(error)


def open_files() -> int:
    gc.collect()
    return len(os.listdir("/proc/self/fd"))


def card() -> None:
    """Size and colours of its two sizes, and of one that it has not: libcamera takes the nearest, without an error."""
    for size_px, given_px in (((640, 480), (640, 480)), ((800, 600), (800, 600)), ((1000, 562), (800, 600))):
        with PiCamera(CameraConfig(width=size_px[0], height=size_px[1])) as camera:
            image = take(camera, 2)[-1].image
            seen = colours_seen(image)
            off = np.abs(np.array(seen) - np.array(list(COLOURS.values()))).max()
            expect(
                f"asked for {size_px}, got {camera.size_px}, {dict(zip(COLOURS, seen, strict=True))}",
                bool(off < 30 and image.shape[1::-1] == camera.size_px == given_px and image[-60:].max() < 30),
            )


def turn() -> None:
    """The virtual camera says that it turns its picture and does not."""
    with PiCamera(CameraConfig(rotation=180)) as camera:
        native: Any = camera._camera
        turned = native.camera_configuration()["transform"]
        upright = take(camera, 1)[0].image[-60:].max() < 30
        expect(f"says that it is turned: {turned}; the picture stays upright: {upright}", turned.hflip and turned.vflip)


def frames() -> None:
    """Every picture of the film once and in order, at its pace, with a stamp that is now."""
    small = [cv2.imread(str(FILM / f"{n}.jpg"))[::4, ::4, ::-1].astype(int) for n in range(60)]
    with PiCamera(CameraConfig()) as camera:
        taken = take(camera, 45)
        age_ms = (time.monotonic_ns() - taken[-1].t_ns) / 1e6
        dropped = camera.dropped
    shown = [int(np.argmin([np.abs(f.image[::4, ::4].astype(int) - one).mean() for one in small])) for f in taken]
    steps = [b - a for a, b in itertools.pairwise(shown)]
    apart_ms = float(np.median(np.diff([f.t_ns for f in taken]))) / 1e6
    expect(
        f"pictures {shown[0]} to {shown[-1]}, {steps.count(1)} of {len(steps)} follow on the last, "
        f"{apart_ms:.1f} ms apart, {dropped} dropped, {age_ms:.0f} ms old",
        min(steps) > 0 and steps.count(1) >= 40 and abs(apart_ms - 33.3) < 2 and -5 < age_ms < 500,
    )


def metadata() -> None:
    with PiCamera(CameraConfig()) as camera:
        native: Any = camera._camera
        request = native.capture_request()
        told = request.get_metadata()
        request.release()
        there = {name: name in told for name in ("SensorTimestamp", "FrameDuration", "ScalerCrop")}
        modes = native.sensor_modes if not native.started else native.sensor_modes_
        expect(f"{there}; modes {modes}; field of view {camera.vfov_deg}", there["SensorTimestamp"])


def again() -> None:
    """Opened and closed over and over, nothing is left: no file, no thread."""
    counts = []
    for _ in range(6):
        with PiCamera(CameraConfig()) as camera:
            take(camera, 3)
        counts.append((open_files(), threading.active_count()))
    # libcamera's manager is ended a little later now and then: a few files more or less, but never more and more.
    expect(f"files and threads after each closing: {counts}", max(counts[3:]) <= max(counts[:3]))


def busy() -> None:
    """For a second one in this process: each process has a virtual camera of its own."""
    with PiCamera(CameraConfig()) as camera:
        told, counts = set(), []
        for _ in range(5):
            told.add(refused(CameraConfig()))
            counts.append(open_files())
        going_on = len(take(camera, 5)) == 5
    expect(f"{told}, files open after each: {counts}, the first goes on: {going_on}", len(told) == 1 and going_on)
    only = told.pop()
    expect(only, "does not start: Failed to acquire camera: Device or resource busy; end the program" in only)
    expect("no file more is open than after the first", counts[-1] <= counts[0])


def absent() -> None:
    told = refused(CameraConfig(device=3))
    expect(told, "the Pi sees 1 camera(s), none is number 3; check the ribbon cable" in told)


def silent() -> None:
    """It gives no more pictures, then its event loop breaks: told after 2 s, closed, and it can be opened again."""
    threading.excepthook = lambda _: None  # what picamera2 says of a loop that was broken on purpose
    logging.disable()
    for broken in ("camera", "loop"):
        with PiCamera(CameraConfig()) as camera:
            take(camera, 3)
            native: Any = camera._camera
            if broken == "camera":
                native.camera._running = False
            else:
                native.process_requests = None
            begin_s = time.monotonic()
            try:
                take(camera, 50)
                told = "goes on"
            except CameraError as error:
                told = str(error)
            took_s = time.monotonic() - begin_s
        took_all_s = time.monotonic() - begin_s
        expect(
            f"{broken}: {told}, after {took_s:.1f} s, closed after {took_all_s:.1f} s",
            "gives no picture" in told and took_all_s < 6,
        )
    with PiCamera(CameraConfig()) as camera:
        expect("and again", len(take(camera, 3)) == 3)


def stopping() -> None:
    """``stop`` ends the frames while none comes."""
    stop = threading.Event()
    with PiCamera(CameraConfig()) as camera:
        native: Any = camera._camera
        taken = camera.frames(stop)
        next(taken)
        native.camera._running = False
        threading.Timer(0.5, stop.set).start()
        begin_s = time.monotonic()
        rest = len(list(taken))
        took_s = time.monotonic() - begin_s
    expect(f"{rest} more, ended after {took_s:.1f} s", took_s < 1.5)


def auto() -> None:
    source = open_source(CameraConfig())
    expect(f"{pi_camera_count()} camera, auto takes {source.name}", source.name == "picamera:0")


def quiet() -> None:
    """What the libraries say on stderr by themselves: nothing of how they get on."""
    program = (
        "import logging; logging.basicConfig(level=logging.INFO);"
        "from device.cameras.picamera import PiCamera; from device.config import CameraConfig;"
        "PiCamera(CameraConfig()).__enter__().__exit__(None, None, None)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    # This machine has no DMA heaps, of which libcamera complains; a Pi has.
    lines = [line for line in done.stderr.splitlines() if "DmaBufAllocator" not in line]
    expect(f"said: {lines}", not lines)


def same_as_replayed(live_json: Path, replayed_json: Path) -> None:
    """The session measured through the camera, beside the film measured directly."""
    live, replayed = (json.loads(path.read_text(encoding="utf-8")) for path in (live_json, replayed_json))
    knees = [
        {side: round(document["summary"][side]["fppa_deg"]["mean"], 1) for side in ("left", "right")}
        for document in (live, replayed)
    ]
    apart = max(abs(knees[0][side] - knees[1][side]) for side in ("left", "right"))
    expect(
        f"{live['source']}: {len(live['stances'])} stances, {len(live['cues'])} cues, knees {knees[0]}; "
        f"the film itself: {len(replayed['stances'])} stances, {len(replayed['cues'])} cues, knees {knees[1]}",
        live["source"] == "picamera:0" and len(live["stances"]) >= 50 and len(live["cues"]) >= 8 and apart < 2.0,
    )


CHECKS: dict[str, Callable[..., None]] = {
    one.__name__: one
    for one in (
        make,
        card,
        turn,
        frames,
        metadata,
        again,
        busy,
        absent,
        silent,
        stopping,
        auto,
        quiet,
        same_as_replayed,
    )
}


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=CHECKS)
    parser.add_argument("files", nargs="*", type=Path)
    asked = parser.parse_args()
    CHECKS[asked.name](*asked.files)
