"""A real database, a real socket, and the application on them; sessions are made from the demo clip's truth."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient

from device import screening_request, told
from device.config import Config, parse_config
from device.live import LivePublisher, Message
from device.store import SessionHeader, Store
from model.metrics import STANCE_METRICS
from model.pose import Side, View
from model.result import summarise
from model.strides import Stride, StrideBands
from tests.web.choosing import Device
from web.app import Box, close_app, create_app
from web.hub import LiveHub

MakeSession = Callable[..., int]

_COMMANDS = ("test_cue", "calibrate", *told.COMMANDS, *screening_request.COMMANDS)
GOOD_CAMERA: Message = {
    "yaw_deg": -0.4,
    "yaw_sd_deg": 0.6,
    "roll_deg": 0.2,
    "pitch_deg": 5.0,
    "azimuth_left_deg": 1.2,
    "azimuth_right_deg": -2.0,
    "source": "belt",
    "state": "good",
    "advice": None,
}


@pytest.fixture(scope="session")
def truth() -> Message:
    path = Path(__file__).resolve().parents[2] / "device" / "demo" / "demo_front.json"
    found: Message = json.loads(path.read_text(encoding="utf-8"))
    return found


def _stance(of_truth: Message) -> Message:
    """A stance of the document as a perfect device would write it."""
    measured = {
        "fppa_deg": of_truth["fppa_frontal3d_mid_deg"],
        "fppa_peak_deg": of_truth["fppa_frontal3d_mid_deg"] + 1,
        "fppa_image_deg": of_truth["fppa_mid_deg"],
        "pelvic_drop_deg": of_truth["pelvic_drop_mid_deg"],
        "contact_s": of_truth["toeoff_s"] - of_truth["strike_s"],
    }
    return {
        "side": of_truth["side"],
        "strike_s": of_truth["strike_s"],
        "toe_off_s": of_truth["toeoff_s"],
        "quality": 0.83,
        **{spec.key: measured.get(spec.key) for spec in STANCE_METRICS},
    }


@pytest.fixture(scope="session")
def stances(truth: Message) -> list[Message]:
    """55 stances; from 8 to 16 s the right knee dives."""
    return [_stance(stance) for stance in truth["stances"]]


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return parse_config(
        {"store": {"path": str(tmp_path / "box" / "k.db")}, "live": {"socket": str(tmp_path / "live.sock")}}
    )


@pytest.fixture
def store(config: Config) -> Iterator[Store]:
    with Store.open(config.database_path()) as opened:
        yield opened


@pytest.fixture
def make_session(store: Store, stances: list[Message]) -> MakeSession:
    """Stores a session with the first ``n`` stances, a cue wherever the knee passes 8°, and returns its id."""

    def make(
        n: int = 99,
        state: str = "complete",
        view: str = "front",
        summary: bool = True,
        camera: Message | None = GOOD_CAMERA,
        source: str = "demo_front.mp4",
        frontal: bool = True,
        more: Message | None = None,
        runner_id: int | None = None,
        model: str = "movenet-lightning-int8",
        belt_m_s: tuple[float, float] | None = None,
    ) -> int:
        header = SessionHeader(source, model, "0.1.0", view=view, fps=30.0, runner_id=runner_id)
        session_id = store.begin_session(header)
        kept = stances[:n] if frontal else [{**s, "fppa_deg": None, "fppa_peak_deg": None} for s in stances[:n]]
        for stance in kept:
            store.add_stance(session_id, stance)
            if frontal and stance["fppa_deg"] > 8:
                cue = {"t_s": stance["strike_s"] + 0.15, "side": stance["side"], "metric": "fppa_deg"}
                store.add_cue(session_id, {**cue, "value": stance["fppa_deg"], "threshold": 8.0, "latency_ms": 31.0})
        document = summarise(kept, View(view)) | (more or {}) if summary else None
        store.update_session(session_id, frames=600, frames_with_runner=598, camera=camera, summary=document)
        if belt_m_s is not None:
            belt = {"belt_speed_min_m_s": belt_m_s[0], "belt_speed_max_m_s": belt_m_s[1]}
            store.update_session(session_id, belt=belt)
        if state == "interrupted":
            store.close_interrupted(session_id)
        elif state == "complete":
            store.end_session(session_id)
        return session_id

    return make


@pytest.fixture(scope="session")
def curves() -> Message:
    """Eight strides of a left foot, one of a right foot (too few for a band), as the device sums them up."""
    bands = StrideBands()
    cycle = np.linspace(0, 2 * np.pi, 101)
    for n in range(9):
        side = Side.RIGHT if n == 8 else Side.LEFT
        bands.add(Stride(side, n * 0.7, n * 0.7 + 0.7, 35.0, {"pelvic_drop_deg": 3 * np.sin(cycle) + 0.2 * n}))
    return bands.as_json()


@pytest.fixture
def app(config: Config) -> Iterator[Flask]:
    made = create_app(config)
    made.testing = True
    yield made
    close_app(made)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def hub(app: Flask) -> LiveHub:
    box: Box = app.extensions["kneeline"]
    return box.hub


@pytest.fixture
def device(config: Config, store: Store, hub: LiveHub, eventually: Callable[..., None]) -> Iterator[Device]:
    started = Device(config, store)
    eventually(lambda: hub.offered(), "the device")
    yield started
    started.close()


@pytest.fixture
def commands() -> list[Message]:
    """What the device has been told."""
    return []


@pytest.fixture
def publisher(config: Config, commands: list[Message]) -> Iterator[LivePublisher]:
    with LivePublisher(config.socket_path(), commands.append) as device:
        yield device


@pytest.fixture(scope="session")
def frame(truth: Message) -> Callable[..., Message]:
    """Makes the live message of the clip's n-th frame."""

    def make(n: int = 30, **changes: Any) -> Message:
        keypoints = [[x, y, 0.8] for x, y in truth["frames"][n % 600]["uv"]]
        side = {"fppa_deg": 3.0, "alert": False}
        return {
            "type": "frame",
            "t_s": n / 30,
            "state": "running",
            "view": "front",
            "image_size": [640, 480],
            "keypoints": keypoints,
            "left": side,
            "right": side,
            "threshold_deg": 8.0,
            "cadence_spm": 168.1,
            "quality": 0.8,
            "message": None,
            "camera": GOOD_CAMERA,
            "session_id": 1,
            "session_s": n / 30,
            "model": "movenet-lightning-int8",
            **changes,
        }

    return make


@pytest.fixture(scope="session")
def health() -> Callable[..., Message]:
    """Makes a health message."""

    def make(**changes: Any) -> Message:
        spread = {"p50": 24.0, "p99": 41.0, "max": 55.0, "n": 12}
        return {
            "type": "health",
            "film": False,
            "fps": 29.9,
            "frames": 900,
            "dropped": 2,
            "softness": 0.96,
            "latency_ms": spread,
            "frame_to_cue_ms": spread,
            "uptime_s": 75.0,
            "gpio": True,
            "gpio_note": None,
            "temperature_c": None,
            "commands": [*_COMMANDS, "set_goal", "set_height", "select_runner"],
            "runner": None,
            "height_cm": None,
            "goal": None,
            "belt_speed_m_s": None,
            "camera_height_m": 1.2,
            "camera_height_from": "page",
            **changes,
        }

    return make


def wait_for(true: Callable[[], object], what: str, timeout_s: float = 10.0) -> None:
    """Waits until ``true`` holds; generous, because it only costs time where it fails."""
    until_s = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < until_s, f"waited in vain for {what}"
        time.sleep(0.02)


@pytest.fixture(scope="session")
def eventually() -> Callable[..., None]:
    return wait_for
