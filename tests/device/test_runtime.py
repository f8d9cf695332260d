"""The device's loop in this process: a camera that vanishes, and one that comes back."""

from __future__ import annotations

import itertools
import math
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from device import aim, coaching, runtime, session, stand_in, standing, whose_steps
from device.cameras.video import VideoSource
from device.config import CoachConfig, Config, SessionConfig, TreadmillConfig, parse_config
from device.cues import CueOutput
from device.frames import Frame, Image
from device.live import LiveSubscriber
from device.notify import Notifier
from device.recording import SessionWriter
from device.replay import Recorder
from device.runners import RunnerChoice
from device.runtime import Device, Trial, run_device
from device.said import cue_words, session_words
from device.screening_request import Scene, ScreeningOnRequest
from device.store import Person, SessionHeader, Store, StoreDamaged, StoreReader, writer
from model.analysis import Outcome
from model.camera_pose import CameraPose
from model.coach import CoachState, Cue
from model.errors import CameraError, StoreError
from model.pitch import Heights
from model.pose import Side, View
from model.programme import Adherence

REPO = Path(__file__).resolve().parents[2]


class Vanishing(VideoSource):
    """A camera whose cable is pulled after some seconds, which is noticed after some more."""

    def __init__(self, path: Path, seconds: float, silent_s: float = 0.0) -> None:
        super().__init__(path, paced=True)
        self._seconds, self._silent_s = seconds, silent_s
        self.last = datetime.now(UTC)
        self.lasted_s = 0.0

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        first_ns: int | None = None
        for frame in super().frames(stop):
            first_ns = frame.t_ns if first_ns is None else first_ns
            if frame.t_ns - first_ns > self._seconds * 1e9:
                stop.wait(self._silent_s)
                raise CameraError("the camera gives no pictures any more: check its cable")
            self.last, self.lasted_s = datetime.now(UTC), (frame.t_ns - first_ns) / 1e9
            yield frame


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return parse_config(
        {
            "store": {"path": str(tmp_path / "kneeline.db")},
            "live": {"socket": str(tmp_path / "live.sock")},
            "session": {"start_after_s": 1.0},
            "model": {"name": "lightning"},
            "cues": {"enabled": False},
        }
    )


def test_a_camera_that_vanishes_ends_the_session_and_is_waited_for(
    config: Config, demo_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "_RETRY_S", 2.2)
    vanishing = Vanishing(demo_clip, 5.0, silent_s=2.5)
    sources = iter([vanishing, VideoSource(demo_clip, paced=True)])
    monkeypatch.setattr(runtime, "open_source", lambda camera: next(sources))
    said: list[str] = []
    with _started(config, Device(config, unattended=False, announce=said.append)) as live:
        messages = _until(live, lambda message: message.get("session_id") == 2 and message["type"] == "session")
    assert any("no camera: the camera gives no pictures any more" in (m.get("message") or "") for m in messages)
    with StoreReader(config.database_path()) as reader:
        first = reader.session(1)
    assert first is not None
    assert first["state"] == "complete"
    assert len(first["stances"]) >= 8
    assert first["summary"]["left"]["stances"] + first["summary"]["right"]["stances"] == len(first["stances"])
    began, ended = (datetime.fromisoformat(first[name]) for name in ("started_utc", "ended_utc"))
    assert abs((vanishing.last - ended).total_seconds()) < 1.0, "it lasted as long as there were pictures"
    assert (ended - began).total_seconds() == pytest.approx(vanishing.lasted_s, abs=1.0)


def _run_until(config: Config, wanted: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
    """Runs the device until it publishes what is wanted; all that it published."""
    with _started(config, Device(config)) as live:
        return _until(live, wanted)


class _Run:
    """A device that runs on a thread of its own. It is waited for, but not for ever: one that does not end has failed.

    Args:
        device: on trial.
        stop: ends it.
    """

    def __init__(self, device: Device, stop: threading.Event) -> None:
        self._stop = stop
        self._came: list[int | BaseException] = []
        self._thread = threading.Thread(target=self._run, args=(device,), name="device on trial", daemon=True)
        self._thread.start()

    def _run(self, device: Device) -> None:
        try:
            self._came.append(run_device(device, self._stop))
        except BaseException as error:  # of a test's own, inside of a camera: it is the test that has failed
            self._came.append(error)

    def status(self, within_s: float) -> int:
        """The exit status of one that ends by itself."""
        self._thread.join(within_s)
        in_time = bool(self._came)
        self.end()
        assert in_time, f"the device did not end within {within_s:g} s"
        (came,) = self._came
        if isinstance(came, BaseException):
            raise came
        return came

    def end(self) -> None:
        """Stops it, and waits a while."""
        self._stop.set()
        self._thread.join(30.0)


@contextmanager
def _started(config: Config, device: Device, by_itself: bool = False) -> Iterator[LiveSubscriber]:
    """A device that runs, and who listens to it; it is stopped then, or (``by_itself``) ends with its film."""
    with LiveSubscriber(config.socket_path(), retry_s=0.05) as live:
        stop = threading.Event()
        run = _Run(device, stop)
        try:
            yield live
            if not by_itself:
                stop.set()
            assert run.status(60.0) == 0
        finally:
            run.end()


def _status(device: Device, stop: threading.Event, within_s: float = 120.0) -> int:
    """The exit status of a device that ends by itself, or is stopped by what it meets."""
    return _Run(device, stop).status(within_s)


class Systemd(Notifier):
    """Takes down what systemd hears; ``stop`` is set when the device says that it lives, or has tried for long."""

    def __init__(self, stop: threading.Event | None = None) -> None:
        super().__init__()
        self.heard: list[str] = []
        self._stop = stop

    def _send(self, message: str) -> None:
        self.heard.append(message)
        tries = sum(said.startswith("STATUS=no camera") for said in self.heard)
        if self._stop is not None and (message == "WATCHDOG=1" or tries > 1):
            self._stop.set()


class Late(VideoSource):
    """A camera that takes its time."""

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        time.sleep(4.0)
        yield from super().frames(stop)


def test_the_time_before_the_first_picture_does_not_make_the_camera_slow(
    config: Config, demo_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "open_source", lambda camera: Late(demo_clip, paced=True))
    health = _run_until(config, lambda m: m["type"] == "health" and m["frames"])[-1]
    assert health["fps"] > 15, "with the four seconds before it would be 6"
    assert health["film"]


class Lossy(VideoSource):
    """A camera that loses seven pictures, and then itself."""

    @property
    def dropped(self) -> int:
        return 7

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        yield from itertools.islice(super().frames(stop), 5)
        raise CameraError("the camera has vanished: plug it in")


def test_lost_pictures_are_counted_since_the_start_as_the_others(
    config: Config, demo_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "_RETRY_S", 2.2)  # told once a second: none is passed over on a busy machine
    monkeypatch.setattr(runtime, "open_source", lambda camera: Lossy(demo_clip))
    told = [m for m in _run_until(config, lambda m: m.get("dropped") == 14) if m["type"] == "health" and m["dropped"]]
    assert {(m["frames"], m["dropped"]) for m in told} == {(5, 7), (10, 14)}


class Busy(VideoSource):
    """A camera of whose pictures every third is never looked at."""

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        return (frame for frame in super().frames(stop) if frame.index % 3)


def test_lost_pictures_are_said_and_kept_with_the_session(
    config: Config, demo_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "open_source", lambda camera: Busy(demo_clip, paced=True))
    _run_until(config, lambda m: m["type"] == "frame" and "% of the pictures are lost" in (m["message"] or ""))
    with StoreReader(config.database_path()) as reader:
        session = reader.session(1)
    assert session is not None
    lost, seen = session["summary"]["frames_lost"], session["frames"]
    assert 0.3 < lost / (lost + seen) < 0.6


class SetClock(datetime):
    """The machine's clock, which the network sets."""

    ahead = timedelta()

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> SetClock:
        return super().now(tz) + cls.ahead


def test_a_session_is_as_long_as_its_frames_though_the_network_sets_the_clock(
    config: Config, demo_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a power cut the clock stands at the last shutdown until the network is there."""
    monkeypatch.setattr(writer, "datetime", SetClock)
    monkeypatch.setattr(SetClock, "ahead", timedelta(days=-9))
    with _started(config, Device(config, trial=Trial(demo_clip, loop=False))) as live:
        _until(live, lambda m: m["type"] == "frame" and (m["session_s"] or 0) > 3)
        monkeypatch.setattr(SetClock, "ahead", timedelta())
        lasted_s = _until(live, lambda m: m["type"] == "frame" and (m["session_s"] or 0) > 6)[-1]["session_s"]
        with StoreReader(config.database_path()) as reader:
            began = (reader.session(1) or {})["started_utc"]
    assert abs(datetime.now(UTC) - datetime.fromisoformat(began)) < timedelta(minutes=1), "right before its end, too"
    session = StoreReader(config.database_path()).session(1)
    assert session is not None
    length = datetime.fromisoformat(session["ended_utc"]) - datetime.fromisoformat(session["started_utc"])
    assert lasted_s - 1 < length.total_seconds() < lasted_s + 4


def test_height_goal_and_calibration_are_of_the_session(
    config: Config, demo_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standing, "TIMEOUT_S", 1.0)
    device = Device(config, trial=Trial(demo_clip, loop=False))
    with _started(config, device, by_itself=True) as live:
        _until(live, lambda message: message["type"] == "frame")
        for command in (
            {"command": "set_height", "height_cm": 190},
            {"command": "set_goal", "metric": "pelvic_drop_deg"},
            {"command": "calibrate"},
        ):
            assert live.send(command)
        _until(live, lambda m: m["type"] == "health" and (m["height_cm"], m["goal"]) == (190, "pelvic_drop_deg"))
        told = _until(live, lambda m: (m.get("calibration") or {}).get("state") == "failed")
        assert told[-1]["calibration"]["message"].startswith("Not calibrated. You are moving")
        stance = _until(live, lambda m: m["type"] == "stance" and m["step_width_leg"] is not None)[-1]
        assert stance["step_width_cm"] == pytest.approx(0.491 * 190 * stance["step_width_leg"], abs=0.01)
        frame = _until(live, lambda m: m["type"] == "frame" and m["session_id"] is not None)[-1]
        assert frame["session_s"] == pytest.approx(frame["t_s"], abs=0.5)  # the runner is there from the first picture
        assert (frame["coach"]["metric"], frame["coach"]["metric_from"]) == ("pelvic_drop_deg", "session")
        assert device._place._height_m == 1.9
        assert live.send({"command": "delete_session", "id": frame["session_id"], "request": "r1"})
        answer = _until(live, lambda m: m["type"] == "answer")[-1]
        assert (answer["request"], answer["done"]) == ("r1", False)
        assert "this session runs now" in answer["said"]
    with StoreReader(config.database_path()) as reader:
        session, aimed = reader.session(1), reader.setting(aim.SETTING)
    assert {check["key"]: check["state"] for check in aimed["checks"]}["whole"] == "good"
    assert session is not None
    assert session["height_cm"] == 190
    assert "step_width_cm" in session["summary"]["left"]


def test_what_is_told_of_belt_and_lens_holds_at_once_and_the_lens_after_a_restart(
    config: Config, demo_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "open_source", lambda camera: VideoSource(demo_clip, paced=True))
    with Store.open(config.database_path()) as store:
        store.set_setting("camera", {"installation": "demo_front.mp4", "camera": {"yaw_deg": 9.0, "state": "good"}})

    def started(**values: float) -> tuple[Device, dict[str, Any]]:
        """A device that ran until it had obeyed, and the last health it told."""
        device = Device(config)
        with _started(config, device) as live:
            _until(live, lambda message: message["type"] == "frame")
            for key, value in values.items():
                assert live.send({"command": f"set_{key.removesuffix('_m_s').removesuffix('_m')}", key: value})
            health = _until(live, lambda m: m["type"] == "health" and all(m[k] == v for k, v in values.items()))[-1]
        return device, health

    device, _ = started()
    assert device._place.camera.yaw_deg == 9.0
    device, _ = started(belt_speed_m_s=2.5, camera_height_m=1.25)
    assert (device._place._belt_m_s, device._place._camera_m) == (2.5, 1.25)
    assert device._place.camera.yaw_deg != 9.0  # found without the lens' height
    device, health = started()
    assert (device._place._belt_m_s, device._place._camera_m) == (None, 1.25)
    assert (health["camera_height_m"], health["camera_height_from"]) == (1.25, "page")


def test_what_was_measured_before_a_move_of_the_camera_was_noticed_is_taken_back(
    config: Config, demo_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the store and in the summary: since it was kept, the camera has been brought from the side to the front."""
    monkeypatch.setattr(runtime, "open_source", lambda camera: VideoSource(demo_clip))
    kept = CameraPose(-12.0, 1.0, 0.0, 0.0, -12.0, -12.0, "belt", "approximate")
    with Store.open(config.database_path()) as store:
        store.set_setting("camera", {"installation": "demo_front.mp4", "camera": kept.as_json()})
    with _started(config, Device(config)) as live:
        _until(live, lambda message: message["type"] == "session" and message["state"] == "ended")
    with StoreReader(config.database_path()) as reader:
        session = reader.session(1)
    assert session is not None
    assert session["camera"]["moved"]
    assert session["camera"]["yaw_deg"] == pytest.approx(0.0, abs=2.0)
    known = [stance["fppa_deg"] is not None for stance in session["stances"] if stance["quality"] > 0.5]
    assert not any(known[:6])
    assert all(known[16:])
    left = session["summary"]["left"]["fppa_deg"]
    assert left["n"] == sum(one["fppa_deg"] is not None for one in session["stances"] if one["side"] == "left")
    assert left["mean"] == pytest.approx(4.0, abs=3.0)


def _soon_over(config: Config) -> Config:
    """Sessions end soon after the runner has gone, so that few empty pictures are enough."""
    return config.model_copy(update={"session": SessionConfig(start_after_s=1.0, end_after_s=2.0)})


class Twice(VideoSource):
    """The clip's first ten seconds of running, nobody for five, and the same again."""

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        run = [frame for frame in super().frames(stop) if frame.t_ns < 10_000_000_000]
        empty = [replace(frame, image=np.zeros_like(frame.image)) for frame in run[: len(run) // 2]]
        for index, frame in enumerate([*run, *empty, *run, *empty]):
            yield replace(frame, index=index, t_ns=index * 1_000_000_000 // 30)


def test_a_camera_that_was_moved_once_was_moved_in_that_session_only(
    config: Config, demo_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each frame without a runner counted as another place of the camera, and every baseline was forgotten with it."""
    kept = CameraPose(-12.0, 1.0, 0.0, 0.0, -12.0, -12.0, "belt", "approximate")
    with Store.open(config.database_path()) as store:
        store.set_setting("camera", {"installation": "demo_front.mp4", "camera": kept.as_json()})
    _shown(Device(_soon_over(config)), monkeypatch, Twice(demo_clip))
    with StoreReader(config.database_path()) as reader:
        sessions = [reader.session(session_id) for session_id in (1, 2)]
        assert reader.setting("installation") == 1
    assert [session["camera"]["moved"] for session in sessions if session is not None] == [True, False]


class Act(VideoSource):
    """The clip's runner runs or stands for some seconds, and goes or not; then the cable is pulled."""

    def __init__(
        self, path: Path, over: Callable[[], None], stands: bool = False, goes: bool = True, seconds: float = 6.0
    ) -> None:
        super().__init__(path)
        self._over, self._stands, self._goes, self._until_ns = over, stands, goes, seconds * 1e9

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        there = [frame.image for frame in super().frames(stop) if frame.t_ns < self._until_ns]
        if self._stands:
            there = [there[0]] * len(there)
        gone = [np.zeros_like(there[0])] * (90 if self._goes else 0)
        for index, image in enumerate([*there, *gone]):
            yield Frame(index, index * 1_000_000_000 // 30, image)
        self._over()
        raise CameraError("the camera gives no pictures any more: check its cable")


class Amid(Act):
    """The same, and something is done after three seconds."""

    def __init__(self, path: Path, amid: Callable[[], None], over: Callable[[], None]) -> None:
        super().__init__(path, over)
        self._amid = amid

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        for frame in super().frames(stop):
            if frame.index == 90:
                self._amid()
            yield frame


def test_what_was_chosen_for_a_run_holds_until_the_runner_has_gone(
    config: Config, demo_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who runs, and how fast the belt is: neither standing there nor a loose cable ends the run."""
    quick, belt = SessionConfig(start_after_s=1.0, end_after_s=1.0), TreadmillConfig(belt_speed_m_s=3.0)
    device = Device(config.model_copy(update={"session": quick, "treadmill": belt}))
    with Store.open(config.database_path()) as store:
        anna, _ = store.add_runner("Anna")
    held: list[tuple[int | None, float | None]] = []

    def over() -> None:
        runner = device._runner.current
        held.append((None if runner is None else runner.id, device._told.belt_m_s))

    monkeypatch.setattr(runtime, "_RETRY_S", 0.1)
    device._commands.append({"command": "select_runner", "runner_id": anna})
    device._commands.append({"command": "set_belt_speed", "belt_speed_m_s": 2.5})
    acts = Act(demo_clip, over, stands=True), Act(demo_clip, over, goes=False), Act(demo_clip, over)
    _shown(device, monkeypatch, *acts)
    assert held == [(anna, 2.5), (anna, 2.5), (None, 3.0)]
    rows = StoreReader(config.database_path()).list_sessions()
    assert [row["runner_id"] for row in rows] == [anna, anna]
    assert [(row["belt_speed_min_m_s"], row["belt_speed_max_m_s"]) for row in rows] == [(2.5, 2.5), (2.5, 2.5)]
    assert [list(row["kept_back"]) for row in rows] == [["measuring_s"], ["measuring_s"]], "Anna has no baseline yet"


def test_the_belts_speed_of_a_run_and_that_cues_were_kept_back_outlive_a_power_cut_amid_it(
    config: Config, demo_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told after the first steps, it is that of all of them."""
    path, cut = config.database_path(), tmp_path / "cut"
    off = config.model_copy(update={"coach": CoachConfig(enabled=False)})
    device, stored = Device(off), StoreReader(path)

    def power_cut() -> None:
        until_s = time.monotonic() + 10.0
        while stored.list_sessions()[0]["belt_speed_max_m_s"] is None:
            assert time.monotonic() < until_s, "the speed is not on the disk while the run goes on"
            time.sleep(0.05)
        cut.mkdir()
        for file in (path, path.with_name(path.name + "-wal")):
            (cut / file.name).write_bytes(file.read_bytes())

    def tell() -> None:
        device._commands.append({"command": "set_belt_speed", "belt_speed_m_s": 2.5})

    monkeypatch.setattr(runtime, "_RETRY_S", 0.1)
    _shown(device, monkeypatch, Amid(demo_clip, tell, power_cut))
    with Store.open(cut / path.name) as store:
        assert store.interrupted() == [1]
        store.close_interrupted(1)
    for where in (path, cut / path.name):
        row = StoreReader(where).list_sessions()[0]
        assert (row["belt_speed_min_m_s"], row["belt_speed_max_m_s"]) == (2.5, 2.5)
        assert list(row["kept_back"]) == ["off_s"]
        assert (StoreReader(where).session(1) or {})["goals"] == ["fppa_deg"]


def test_a_film_in_the_cameras_place_does_not_tell_that_the_camera_was_moved(config: Config, demo_clip: Path) -> None:
    """It may be played beside the real database: all baselines were forgotten for it."""

    def written(trial: Trial | None) -> list[object]:
        kept: list[object] = []
        device = Device(config, trial=trial)
        device._writer = cast(SessionWriter, SimpleNamespace(setting=lambda *what: kept.append(what)))
        device._camera_moved(1)
        return kept

    assert written(Trial(demo_clip, loop=False)) == []
    assert written(None) == [("installation", 1), ("camera", None)]


class Moving(Twice):
    """The second time the camera has been moved: the runner is elsewhere in the picture."""

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        for frame in super().frames(stop):
            aside_px = 200 if frame.t_ns > 12_000_000_000 else 0
            yield replace(frame, image=np.roll(frame.image, aside_px, axis=1))


def test_a_camera_that_was_moved_while_nobody_ran_sees_who_comes_then_and_the_disk_has_its_rest(
    config: Config, demo_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One went on looking from the start in each picture, and never for long enough elsewhere; and kept the camera's
    place anew with each."""
    kept: list[str] = []
    put = Store.set_setting

    def counted(store: Store, key: str, value: object) -> None:
        kept.append(key)
        put(store, key, value)

    monkeypatch.setattr(Store, "set_setting", counted)
    _shown(Device(_soon_over(config)), monkeypatch, Moving(demo_clip))
    with StoreReader(config.database_path()) as reader:
        assert reader.count_sessions() == 2
    assert kept.count("camera") == 2


class Film(VideoSource):
    """Some seconds of each clip, one after the other, and then nobody for long enough to end a session."""

    def __init__(self, *parts: tuple[Path, float]) -> None:
        super().__init__(parts[0][0])
        self._parts = parts

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        for index, image in enumerate(self._images(stop)):
            yield Frame(index, index * 1_000_000_000 // 30, image)

    def _images(self, stop: threading.Event) -> Iterator[Image]:
        for clip, seconds in self._parts:
            with VideoSource(clip) as source:
                shown = [frame.image for frame in itertools.islice(source.frames(stop), round(30 * seconds))]
            yield from shown
        yield from [np.zeros_like(shown[0])] * 90


def test_who_turns_at_the_end_changes_neither_view_nor_camera_of_the_session(
    config: Config, demo_clip: Path, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _shown(Device(_soon_over(config)), monkeypatch, Film((demo_clip, 10.0), (shared / "clips" / "demo_rear.mp4", 2.0)))
    with StoreReader(config.database_path()) as reader:
        session, kept = reader.session(1), reader.setting("camera")
    assert session is not None
    assert (session["view"], session["camera"]["state"]) == ("front", "good")
    assert session["summary"]["left"]["fppa_deg"]["mean"] == pytest.approx(4.0, abs=3.0)
    assert kept == {"installation": "demo_front.mp4", "places": {"front": session["camera"]}}


def test_who_runs_the_other_way_round_after_a_restart_has_not_moved_the_camera(
    config: Config, demo_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The place that was kept is that of another view; it stays, as do its baselines."""
    kept = CameraPose(-12.0, 1.0, 0.0, 0.0, -12.0, -12.0, "belt", "approximate", moved=True)
    with Store.open(config.database_path()) as store:
        setting = {"installation": "demo_front.mp4", "view": "rear", "camera": kept.as_json()}
        store.set_setting("camera", setting)
    _shown(Device(_soon_over(config)), monkeypatch, Film((demo_clip, 10.0)))
    with StoreReader(config.database_path()) as reader:
        session, now = reader.session(1), reader.setting("camera")
        assert reader.setting("installation") is None
    assert session is not None
    assert not session["camera"]["moved"]
    assert session["camera"]["source"] == "vanishing_point"
    assert now["places"] == {"rear": replace(kept, moved=False).as_json(), "front": session["camera"]}


def test_both_views_places_outlive_restarts_and_power_cuts(
    config: Config, demo_clip: Path, shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What one start has found of one view, and another start of the other, is there from the first picture of a third.
    A power cut amid a session leaves all of what was kept before it."""
    rear_clip, path, cut = shared / "clips" / "demo_rear.mp4", config.database_path(), tmp_path / "cut.db"

    def kept(of: Path = path) -> Any:
        return StoreReader(of).setting("camera")

    _shown(Device(_soon_over(config)), monkeypatch, Film((demo_clip, 10.0)))
    assert list(kept()["places"]) == ["front"]
    # Another clip in the same camera's place.
    _shown(Device(_soon_over(config)), monkeypatch, Film((demo_clip, 0.1), (rear_clip, 12.0)))
    before = kept()
    assert list(before["places"]) == ["front", "rear"]

    def power_cut() -> None:
        until_s = time.monotonic() + 10.0
        while StoreReader(path).list_sessions()[0]["state"] != "open":
            assert time.monotonic() < until_s, "no session is on the disk"
            time.sleep(0.05)
        StoreReader(path).backup(cut)

    _shown(Device(config), monkeypatch, Amid(demo_clip, power_cut, lambda: None))
    assert kept(cut) == before
    assert StoreReader(cut).list_sessions()[0]["state"] == "open"
    after = kept()["places"]
    assert list(after) == ["rear", "front"]
    assert after["rear"] == before["places"]["rear"]
    with StoreReader(path) as reader:
        first, last = reader.session(1), reader.session(3)
        assert reader.setting("installation") is None
    assert first is not None
    assert last is not None
    assert [session["stances"][0]["fppa_deg"] is None for session in (first, last)] == [True, False]


@pytest.mark.parametrize(
    ("kept", "front_deg", "rear_deg"),
    [
        ({"camera": {"yaw_deg": 2.0, "state": "good"}}, 2.0, 2.0),
        ({"view": None, "camera": {"yaw_deg": 2.0, "state": "good"}}, 2.0, 2.0),
        ({"view": "rear", "camera": {"yaw_deg": 2.0, "state": "good"}}, None, 2.0),
        ({"places": {"rear": {"yaw_deg": 2.0}, "front": {"yaw_deg": 1.0}}}, 1.0, 2.0),
        ({"places": {}}, None, None),
        ({"places": {"rear": {"yaw_deg": 2.0}, "above": {"yaw_deg": 1.0}}}, None, None),
        ({"places": {"rear": {"yaw_deg": "2"}}}, None, None),
        ({"places": ["rear"]}, None, None),
        ({"view": 3, "camera": {"yaw_deg": 2.0}}, None, None),
        ({"installation": "another camera", "places": {"rear": {"yaw_deg": 2.0}}}, None, None),
        ({}, None, None),
        (None, None, None),
    ],
)
def test_what_earlier_versions_have_kept_of_the_camera_is_read_and_what_cannot_be_is_found_anew(
    config: Config, demo_clip: Path, monkeypatch: pytest.MonkeyPatch, kept: Any, front_deg: Any, rear_deg: Any
) -> None:
    with Store.open(config.database_path()) as store:
        store.set_setting("camera", kept if kept is None else {"installation": "demo_front.mp4", **kept})
    device, places = Device(config), []

    class Unseen(VideoSource):
        """Nobody is there."""

        def frames(self, stop: threading.Event) -> Iterator[Frame]:
            places.append([device._place.camera_of(view).yaw_deg for view in (View.FRONT, View.REAR)])
            yield from ()

    _shown(device, monkeypatch, Unseen(demo_clip))
    assert places == [[front_deg, rear_deg]]


@pytest.mark.parametrize("cut_off", [False, True])
def test_a_move_of_the_camera_takes_the_other_views_place_from_the_disk_at_once(
    config: Config, demo_clip: Path, shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut_off: bool
) -> None:
    """It was noticed anew with the next start from there, and every baseline was forgotten once more. The same after a
    power cut between the notice and the session's end."""
    rear_clip, path, cut = shared / "clips" / "demo_rear.mp4", config.database_path(), tmp_path / "cut.db"
    astray = CameraPose(-12.0, 1.0, 0.0, 0.0, -12.0, -12.0, "belt", "approximate").as_json()
    with Store.open(path) as store:
        store.set_setting("camera", {"installation": "demo_front.mp4", "places": {"rear": astray, "front": astray}})

    def power_cut() -> None:
        until_s = time.monotonic() + 10.0
        while StoreReader(path).setting("camera") is not None:
            assert time.monotonic() < until_s, "the old place is still on the disk while the run goes on"
            time.sleep(0.05)
        StoreReader(path).backup(cut)

    monkeypatch.setattr(runtime, "_RETRY_S", 0.1)
    _shown(Device(config), monkeypatch, Act(demo_clip, power_cut, seconds=8.0))
    kept = StoreReader(path).setting("camera")["places"]
    assert list(kept) == ["front"]
    assert kept["front"]["yaw_deg"] == pytest.approx(0.0, abs=2.0)
    if cut_off:
        for file in path.parent.glob(f"{path.name}*"):
            file.unlink()
        cut.rename(path)
        assert StoreReader(path).setting("camera") is None
    for _ in range(2):  # from behind, where it had been kept, too
        assert StoreReader(path).setting("installation") == 1
        _shown(Device(_soon_over(config)), monkeypatch, Film((demo_clip, 0.1), (rear_clip, 12.0)))
    assert StoreReader(path).setting("installation") == 1
    assert StoreReader(path).setting("camera")["places"]["rear"]["yaw_deg"] == pytest.approx(0.0, abs=2.0)


class Stage(VideoSource):
    """The clip's runner in front of the camera: runs, stands still, or has gone."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, paced=True, loop=True)
        self.scene = "empty"

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        first: Frame | None = None
        for frame in super().frames(stop):
            first = first or frame
            shown = {"runs": frame.image, "stands": first.image, "empty": np.zeros_like(frame.image)}
            yield Frame(frame.index, frame.t_ns, shown[self.scene])


@pytest.fixture
def stage(demo_clip: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    there = Stage(demo_clip)
    monkeypatch.setattr(runtime, "open_source", lambda camera: there)
    return there


@contextmanager
def _at_work(config: Config) -> Iterator[LiveSubscriber]:
    """A device that has its first pictures, and who listens to it."""
    with _started(config, Device(config)) as live:
        _until(live, lambda message: message["type"] == "frame")
        yield live


def _said(state: str) -> Callable[[dict[str, Any]], bool]:
    return lambda message: message["type"] == "session" and message["state"] == state


def _runs(name: str | None) -> Callable[[dict[str, Any]], bool]:
    """Whether the device tells that this is who runs, or is next."""
    return lambda message: message["type"] == "health" and (message["runner"] or {"name": None})["name"] == name


def test_a_session_is_as_long_as_its_runner_was_there(config: Config, stage: Stage) -> None:
    """And not for as long besides as an empty belt is waited for, which may be ten minutes."""
    slow = SessionConfig(start_after_s=1.0, end_after_s=5.0)
    with _at_work(config.model_copy(update={"session": slow})) as live:
        stage.scene = "runs"
        lasted_s = _until(live, lambda m: m["type"] == "frame" and (m["session_s"] or 0) > 5)[-1]["session_s"]
        stage.scene = "empty"
        _until(live, _said("ended"))
    (row,) = StoreReader(config.database_path()).list_sessions()
    length = datetime.fromisoformat(row["ended_utc"]) - datetime.fromisoformat(row["started_utc"])
    assert lasted_s - 1 < length.total_seconds() < lasted_s + 2
    assert row["frames"] / row["fps"] < length.total_seconds() + 2
    assert row["frames"] - row["frames_with_runner"] < row["fps"]


@pytest.mark.parametrize("scene", ["empty", "runs"])
def test_who_is_chosen_after_another_has_run_gets_a_session_of_their_own(
    config: Config, stage: Stage, scene: str
) -> None:
    """The belt may be empty by then, or somebody is on it; the session of who ran is open in both cases."""
    with Store.open(config.database_path()) as store:
        anna, ben = (store.add_runner(name)[0] for name in ("Anna", "Ben"))
        for runner_id in (anna, ben):
            store.start_programme(runner_id, "fppa_deg")
    with _at_work(config) as live:
        live.send({"command": "select_runner", "runner_id": anna})
        live.send({"command": "set_belt_speed", "belt_speed_m_s": 2.5})
        _until(live, _runs("Anna"))
        stage.scene = "runs"
        _until(live, lambda m: m["type"] == "frame" and ((m["coach"]["programme"] or {}).get("run_s") or 0) > 2)
        stage.scene = scene
        live.send({"command": "select_runner", "runner_id": ben})
        asked_s = time.monotonic()
        _until(live, _said("ended"))
        assert time.monotonic() - asked_s < 5, "not only when nobody was there for long"
        health = _until(live, _runs("Ben"))[-1]
        assert health["belt_speed_m_s"] is None, "it was told for Anna's run"
        stage.scene = "runs"
        _until(live, lambda m: m["type"] == "frame" and ((m["coach"]["programme"] or {}).get("run_s") or 0) > 2)
    with StoreReader(config.database_path()) as reader:
        rows = reader.list_sessions()
        attempts = [getattr(reader.programme(runner_id), "attempts", ()) for runner_id in (anna, ben)]
    assert [row["runner_id"] for row in rows] == [ben, anna]
    assert all(row["stances"] for row in rows)
    assert [len(did) for did in attempts] == [1, 1]


def test_the_speed_that_is_told_for_the_next_runner_outlives_the_run_before(config: Config, stage: Stage) -> None:
    """Anna has left the belt, and her session is open yet: the trainer sets the belt for Ben, then chooses him."""
    with Store.open(config.database_path()) as store:
        anna, ben = (store.add_runner(name)[0] for name in ("Anna", "Ben"))
    with _at_work(config) as live:
        live.send({"command": "select_runner", "runner_id": anna})
        live.send({"command": "set_belt_speed", "belt_speed_m_s": 2.5})
        _until(live, _runs("Anna"))
        stage.scene = "runs"
        _until(live, lambda m: m["type"] == "stance" and m["session_id"] is not None)
        stage.scene = "empty"
        _until(live, lambda m: m["type"] == "frame" and m["session_id"] is not None and m["state"] == "lost")
        live.send({"command": "set_belt_speed", "belt_speed_m_s": 3.5})
        live.send({"command": "select_runner", "runner_id": ben})
        _until(live, _said("ended"))
        assert _until(live, _runs("Ben"))[-1]["belt_speed_m_s"] == 3.5
    assert StoreReader(config.database_path()).list_sessions()[0]["belt_speed_max_m_s"] == 2.5


def _hand_over(live: LiveSubscriber, stage: Stage, anna: int, ben: int) -> None:
    """Anna runs, and while she does Ben is chosen."""
    live.send({"command": "select_runner", "runner_id": anna})
    _until(live, _runs("Anna"))
    stage.scene = "runs"
    _until(live, lambda m: m["type"] == "stance" and m["session_id"] is not None)
    live.send({"command": "select_runner", "runner_id": ben})


@pytest.mark.parametrize("scene", ["empty", "stands"])
def test_the_last_steps_of_who_ran_before_are_not_the_chosen_ones(
    config: Config, stage: Stage, scene: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is what was learnt from them; the choice outlasts them, and the next steps are the chosen one's."""
    monkeypatch.setattr(coaching, "_SAVE_EVERY_S", 0.5)
    monkeypatch.setattr(whose_steps, "STOPPED_S", 1.0)
    with Store.open(config.database_path()) as store:
        anna, ben = (store.add_runner(name)[0] for name in ("Anna", "Ben"))
        store.start_programme(ben, "fppa_deg")
    with _at_work(config) as live:
        _hand_over(live, stage, anna, ben)
        _until(live, lambda m: m["type"] == "session" and (m["session_id"], m["state"]) == (2, "started"))
        _until(live, lambda m: m["type"] == "frame" and ((m["coach"]["programme"] or {}).get("run_s") or 0) > 2)
        stage.scene = scene
        _until(live, lambda m: m["type"] == "session" and (m["session_id"], m["state"]) == (2, "discarded"))
        _until(live, _runs("Ben"))
        with StoreReader(config.database_path()) as reader:
            assert [row["runner_id"] for row in reader.list_sessions()] == [anna]
            assert getattr(reader.programme(ben), "attempts", None) == ()
        stage.scene = "runs"
        _until(live, lambda m: m["type"] == "frame" and ((m["coach"]["programme"] or {}).get("run_s") or 0) > 2)
    with StoreReader(config.database_path()) as reader:
        assert [row["runner_id"] for row in reader.list_sessions()] == [ben, anna]
        assert len(getattr(reader.programme(ben), "attempts", ())) == 1


@pytest.mark.parametrize(("empty", "end_after_s", "state"), [(1, 30.0, "discarded"), (45, 2.0, "ended")])
def test_whose_the_steps_are_that_follow_an_empty_belt(
    config: Config, stage: Stage, empty: int, end_after_s: float, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who was not seen for a moment before the session began is the one before; who comes onto an empty belt the other,
    however soon they go."""
    monkeypatch.setattr(whose_steps, "STOPPED_S", 1.0)
    slow = SessionConfig(start_after_s=2.0, end_after_s=end_after_s)
    with Store.open(config.database_path()) as store:
        anna, ben = (store.add_runner(name)[0] for name in ("Anna", "Ben"))
    with _at_work(config.model_copy(update={"session": slow})) as live:
        _hand_over(live, stage, anna, ben)
        _until(live, _said("ended"))
        stage.scene = "empty"
        for _ in range(empty):
            _until(live, lambda m: m["type"] == "frame" and m["keypoints"] is None)
        stage.scene = "runs"
        _until(live, lambda m: m["type"] == "session" and (m["session_id"], m["state"]) == (2, "started"))
        _until(live, lambda m: m["type"] == "stance" and m["session_id"] == 2)
        stage.scene = "empty"
        over = _until(live, lambda m: m["type"] == "session" and m["session_id"] == 2 and m["state"] != "started")[-1]
        if state == "discarded":
            _until(live, _runs("Ben"))
    assert over["state"] == state
    whose = [row["runner_id"] for row in StoreReader(config.database_path()).list_sessions()]
    assert whose == ([anna] if state == "discarded" else [ben, anna])


def test_who_runs_on_for_long_is_the_chosen_one(
    config: Config, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They had changed on the belt before somebody told the box."""
    monkeypatch.setattr(whose_steps, "LAST_STEPS_S", 4.0)
    monkeypatch.setattr(whose_steps, "STOPPED_S", 1.0)
    with Store.open(config.database_path()) as store:
        anna, ben = (store.add_runner(name)[0] for name in ("Anna", "Ben"))
    with _at_work(config) as live:
        _hand_over(live, stage, anna, ben)
        _until(live, lambda m: m["type"] == "frame" and m["session_id"] == 2 and (m["t_s"] or 0) > 5)
        stage.scene = "stands"
        _until(live, lambda m: m["type"] == "frame" and m["session_id"] == 2 and m["state"] == "standing")
    rows = StoreReader(config.database_path()).list_sessions()
    assert [(row["runner_id"], row["state"]) for row in rows] == [(ben, "complete"), (anna, "complete")]


def test_who_is_chosen_during_anothers_test_ends_it(config: Config, shared: Path) -> None:
    with Store.open(config.database_path()) as store:
        anna, ben = (store.add_runner(name)[0] for name in ("Anna", "Ben"))
    device = Device(config, trial=Trial(shared / "clips" / "dev_squat.mp4", loop=False))
    device._commands.append({"command": "select_runner", "runner_id": anna})
    device._commands.append({"command": "start_screening", "exercise": "squat", "side": None, "request": "r"})
    with _started(config, device, by_itself=True) as live:
        _until(live, lambda m: m["type"] == "frame" and (m["screening"] or {"reps": 0})["reps"] >= 2)
        live.send({"command": "select_runner", "runner_id": ben})
        told = _until(live, lambda m: m["type"] == "frame" and m["screening"]["state"] == "done")[-1]
        assert told["screening"]["message"].startswith("Another runner was chosen. Done: ")
        _until(live, _runs("Ben"))
    rows = StoreReader(config.database_path()).list_sessions()
    assert [(row["mode"], row["runner_id"]) for row in rows][-1] == ("squat", anna)


def test_who_stands_there_has_not_run_and_is_still_the_one_who_is_chosen(config: Config, stage: Stage) -> None:
    quick = SessionConfig(start_after_s=1.0, end_after_s=1.0)
    with _at_work(config.model_copy(update={"session": quick})) as live:
        live.send({"command": "add_runner", "name": "Anna"})
        stage.scene = "stands"
        _until(live, _said("started"))
        stage.scene = "empty"
        _until(live, _said("discarded"))
        assert StoreReader(config.database_path()).list_sessions() == []
        _until(live, _runs("Anna"))
        stage.scene = "runs"
        _until(live, lambda message: message["type"] == "stance" and message["session_id"] is not None)
        stage.scene = "empty"
        _until(live, _said("ended"))
        _until(live, _runs(None))
    (only,) = StoreReader(config.database_path()).list_sessions()
    assert (only["runner_id"], only["state"]) == (1, "complete")


def test_pictures_of_who_stood_there_before_they_ran_are_none_of_the_session(
    config: Config, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They may have stood there for hours; pictures that were lost meanwhile were counted in, too."""
    monkeypatch.setattr(session, "_STANDS_S", 2.0)
    quick = SessionConfig(start_after_s=1.0, end_after_s=1.0)
    with _at_work(config.model_copy(update={"session": quick})) as live:
        stage.scene = "stands"
        _until(live, _said("discarded"))
        held_s = time.monotonic()
        _until(live, lambda message: time.monotonic() > held_s + 8)
        stage.scene = "runs"
        _until(live, lambda m: m["type"] == "frame" and (m["session_s"] or 0) > 4)
        stage.scene = "empty"
        _until(live, _said("ended"))
    (row,) = StoreReader(config.database_path()).list_sessions()
    length = datetime.fromisoformat(row["ended_utc"]) - datetime.fromisoformat(row["started_utc"])
    assert row["frames"] / row["fps"] < length.total_seconds() + 4


def test_a_session_that_was_cut_off_before_a_step_is_discarded(config: Config) -> None:
    with Store.open(config.database_path()) as store:
        store.begin_session(SessionHeader("camera", "m", "0"))
    said: list[str] = []
    stop = threading.Event()
    stop.set()
    assert _status(Device(config, announce=said.append), stop) == 0
    assert said == ["session 1 was cut off before anybody ran; discarded"]
    assert StoreReader(config.database_path()).list_sessions() == []


def test_what_was_cut_off_on_a_full_disk_is_closed_when_there_is_room_and_the_store_is_the_real_one(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else nothing could be deleted on the page after a restart, which is what people try first."""
    with Store.open(config.database_path()) as store:
        store.add_stance(
            store.begin_session(SessionHeader("camera", "m", "0")),
            {"side": "left", "strike_s": 1.0, "toe_off_s": 1.2, "quality": 0.1},
        )
    genuine, tries = Store.close_interrupted, []

    def full_at_first(self: Store, session_id: int, *concluded: Mapping[str, Any] | None) -> None:
        tries.append(session_id)
        if len(tries) == 1:
            fault = sqlite3.OperationalError("database or disk is full")
            fault.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise StoreError("k.db cannot grow because the disk is full") from fault
        genuine(self, session_id, *concluded)

    monkeypatch.setattr(Store, "close_interrupted", full_at_first)
    said: list[str] = []
    device, stop = Device(config, announce=said.append), threading.Event()
    stop.set()
    assert _status(device, stop) == 0
    assert device._unkept is None
    assert said == ["session 1 was cut off; closed as interrupted with 1 stance"]
    (row,) = StoreReader(config.database_path()).list_sessions()
    assert row["state"] == "interrupted"


def test_a_session_that_was_cut_off_promises_no_more_steps(config: Config) -> None:
    with Store.open(config.database_path()) as store:
        session_id = store.begin_session(SessionHeader("camera", "m", "0", view="front"))
        store.add_stance(session_id, {"side": "left", "strike_s": 1.0, "toe_off_s": 1.2, "quality": 0.9})
        waits = CameraPose(advice="Not known yet where the camera stands: about 5 more steps of running.")
        store.update_session(session_id, camera=waits.as_json())
    stop = threading.Event()
    stop.set()
    assert _status(Device(config), stop) == 0
    document = StoreReader(config.database_path()).session(session_id)
    assert document is not None
    said = "Too few steps of running were seen to tell where the camera stood."
    assert document["camera"]["advice"] == document["summary"]["unavailable"]["fppa_deg"] == said


def test_a_session_that_was_cut_off_and_is_damaged_keeps_no_other_from_being_stored(
    config: Config, caplog: pytest.LogCaptureFixture
) -> None:
    path = config.database_path()
    with Store.open(path) as store:
        damaged, whole = (store.begin_session(SessionHeader("camera", "m", "0")) for _ in range(2))
        for session_id in (damaged, whole):
            for n in range(30):
                times = {"strike_s": n * 0.36, "toe_off_s": n * 0.36 + 0.25, "quality": 0.1}
                store.add_stance(session_id, {"side": "left", **times, "note": str(session_id) * 900})
    with path.open("r+b") as file:
        pages = iter(lambda: file.read(4096), b"")
        leaf = next(n for n, page in enumerate(pages) if page[0] == 10 and str(damaged).encode() * 900 in page)
        file.seek(4096 * leaf)
        file.write(bytes(4096))
    said: list[str] = []
    stop = threading.Event()
    stop.set()
    device = Device(config, announce=said.append)
    assert _status(device, stop) == 0
    assert device._unkept is None
    assert said == [f"session {whole} was cut off; closed as interrupted with 30 stances"]
    assert f"session {damaged} was cut off; its summary cannot be made" in caplog.text
    rows, _ = StoreReader(path).readable_sessions()
    assert [row["state"] for row in rows] == ["interrupted", "interrupted"]


def test_a_test_takes_the_pictures_from_the_run_and_gives_them_back(
    config: Config, demo_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lights: list[str] = []
    monkeypatch.setattr(CueOutput, "set_state", lambda self, side, state: lights.append(state))
    device = Device(config, trial=Trial(demo_clip, loop=False))
    with _started(config, device, by_itself=True) as live:
        _until(live, lambda message: message["type"] == "stance" and message["session_id"] is not None)
        assert live.send({"command": "start_screening", "exercise": "squat", "side": None, "request": "r1"})
        _until(live, lambda message: message["type"] == "session" and message["state"] == "ended")
        lit = len(lights)
        during = _until(live, lambda m: m["type"] == "frame" and m["t_s"] is None and m["screening"]["left_s"] <= 42)
        assert {m["type"] for m in during} <= {"frame", "health"}  # no stances, no cues
        told = during[-1]
        assert (told["state"], told["session_id"], told["coach"]["feedback"]) == ("testing", None, False)
        assert told["keypoints"] is not None
        assert told["screening"]["message"].endswith("counting begins then.")
        assert (lights[lit - 2 : lit], lights[lit:]) == (["off", "off"], [])
        assert live.send({"command": "calibrate"})
        refused = _until(live, lambda m: m["type"] == "frame" and m["calibration"] is not None)[-1]
        assert (refused["calibration"]["state"], refused["screening"]["state"]) == ("failed", "running")
        assert live.send({"command": "cancel_screening", "request": "r2"})
        after = _until(live, lambda message: message["type"] == "session" and message["state"] == "started")
        assert any((m.get("screening") or {}).get("state") == "cancelled" for m in after)
    with StoreReader(config.database_path()) as reader:
        first, second = reader.session(1), reader.session(2)
        assert reader.session(3) is None
    assert first is not None
    assert second is not None
    assert [first["mode"], second["mode"]] == ["run", "run"]
    assert first["stances"]
    assert len(second["stances"]) >= 5


def test_a_test_knows_the_height_of_the_lens_that_the_page_told(
    config: Config, demo_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Heights] = []
    stop = threading.Event()
    step = ScreeningOnRequest.step

    def watched(test: ScreeningOnRequest, frame: Frame, scene: Scene) -> Any:
        seen.append(scene.heights)
        if len(seen) == 10:
            stop.set()
        return step(test, frame, scene)

    monkeypatch.setattr(ScreeningOnRequest, "step", watched)
    device = Device(config, trial=Trial(demo_clip, loop=False))
    for command in (
        {"command": "set_camera_height", "camera_height_m": 1.45},
        {"command": "start_screening", "exercise": "squat", "side": None, "request": "r"},
    ):
        device._commands.append(command)
    assert _status(device, stop) == 0
    assert set(seen) == {Heights(1.45)}


def test_step_downs_before_the_camera_are_a_session_of_their_own(config: Config, shared: Path) -> None:
    clip = shared / "clips" / "dev_stepdown.mp4"
    device = Device(config, trial=Trial(clip, loop=False))
    wanted = {"exercise": "step-down", "side": "right", "request": "r"}
    device._commands.append({"command": "start_screening", **wanted})
    with _started(config, device, by_itself=True) as live:
        messages = _until(live, lambda message: message["type"] == "session" and message["state"] == "ended")
    counts = [m["screening"]["reps"] for m in messages if m["type"] == "frame" and m["screening"] is not None]
    assert counts == sorted(counts)
    with StoreReader(config.database_path()) as reader:
        (only,) = reader.list_sessions()
        document = reader.session(only["id"])
    assert document is not None
    assert (document["mode"], document["view"], document["state"]) == ("step-down", "front", "complete")
    assert (only["reps"], only["stances"]) == (len(document["reps"]), 0)
    # A busy machine skips pictures, and the first repetition may begin before the first one is looked at.
    assert len(document["reps"]) >= 4
    assert {rep["side"] for rep in document["reps"]} == {"right"}
    assert "trunk_lean" in document["reps"][-1]["faults"]


def test_a_test_that_was_cut_off_keeps_its_own_summary(config: Config) -> None:
    with Store.open(config.database_path()) as store:
        session_id = store.begin_session(SessionHeader("camera", "m", "0", mode="squat", view="front"))
        store.set_reps(session_id, [{"start_s": 1.0}, {"start_s": 3.0}], {"reps": 2})
    said: list[str] = []
    device, stop = Device(config, announce=said.append), threading.Event()
    stop.set()
    assert _status(device, stop) == 0
    assert said == ["session 1 was cut off; closed as interrupted with 2 repetitions"]
    with StoreReader(config.database_path()) as reader:
        document = reader.session(session_id)
    assert document is not None
    assert (document["state"], document["summary"]) == ("interrupted", {"reps": 2})


def test_whoever_runs_is_coached_though_the_database_is_damaged(
    config: Config, demo_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is there to mend it: the page says so, and offers nothing that needs it. The file stays as it is."""
    monkeypatch.setattr(runtime, "open_source", lambda camera: VideoSource(demo_clip))
    damaged = b"no database" * 1000
    config.database_path().write_bytes(damaged)
    with _started(config, Device(config)) as live:
        messages = _until(live, lambda message: message["type"] == "cue")
        assert live.send({"command": "delete_session", "id": 1, "request": "r1"})
        messages += _until(live, lambda message: message["type"] == "cue" and message["side"] == "right")
    assert {message.get("session_id") for message in messages} == {None}  # it would be another one's in the store
    assert any("sessions are not stored" in (m.get("message") or "") for m in messages if m["type"] == "frame")
    assert not any(m["type"] == "answer" for m in messages)
    (health, *_) = [m for m in messages if m["type"] == "health"]
    assert "calibrate" in health["commands"]
    assert not {"delete_session", "select_runner", "start_screening"} & set(health["commands"])
    assert config.database_path().read_bytes() == damaged
    assert _status(Device(config, unattended=False), threading.Event()) == 2


_KILLED_WITH_STAND_IN = """
import os, signal, sys
from contextlib import ExitStack
from device.config import parse_config
from device.runtime import Device

stack = ExitStack()
Device(parse_config({"store": {"path": sys.argv[1]}}))._open_store(stack)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_device_that_is_killed_without_a_database_takes_no_more_memory_each_time(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be in a loop of crashes: what is left in memory stays there until somebody restarts the box."""
    config.database_path().write_bytes(b"no database" * 1000)
    run = tmp_path / "run"
    run.mkdir()
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(run))
    for _ in range(2):
        child = [sys.executable, "-c", _KILLED_WITH_STAND_IN, str(config.database_path())]
        assert subprocess.run(child, cwd=REPO, check=False).returncode == -signal.SIGKILL
        assert [file.name for file in run.iterdir()] == ["stand-in"]
        assert 0 < sum(file.stat().st_size for file in (run / "stand-in").iterdir()) < 2**20
    config.database_path().unlink()
    with ExitStack() as stack:
        Device(config)._open_store(stack)
        assert list(run.iterdir()) == []


@pytest.mark.parametrize("service", [True, False])
def test_the_store_that_stands_in_goes_with_the_device(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, service: bool
) -> None:
    config.database_path().write_bytes(b"no database" * 1000)
    memory = tmp_path / "memory"
    memory.mkdir()
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    if service:
        monkeypatch.setenv("RUNTIME_DIRECTORY", str(memory))
    monkeypatch.setattr(stand_in, "_IN_MEMORY", memory)
    with ExitStack() as stack:
        store, _ = Device(config)._open_store(stack)
        store.end_session(store.begin_session(SessionHeader("camera", "m", "0")))
        (folder,) = memory.iterdir()
        assert {file.name for file in folder.iterdir()} >= {"stand-in.db"}
        assert not (folder / "stand-in.db.reserve").exists()
    assert list(memory.iterdir()) == []


def test_a_store_that_is_found_damaged_only_once_it_is_open_is_let_go_of(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it could neither be had again nor be restored until the device is restarted."""

    def unreadable(_: Store) -> list[int]:
        raise StoreDamaged("k.db is damaged")

    with ExitStack() as stack:
        with monkeypatch.context() as damaged:
            damaged.setattr(Store, "interrupted", unreadable)
            device = Device(config)
            assert device._open_store(stack)[0]._path != config.database_path()
        Store.open(config.database_path()).close()
        device._retry_store_s = -math.inf
        with pytest.raises(runtime._StoreIsBack):
            device._look_for_store()


def test_a_store_that_can_be_had_again_is_used_from_then_on(
    config: Config, demo_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have been a passing fault, at the moment of a power cut's end: nobody comes to restart the box."""
    stages: list[Stage] = []

    def opened(_: Any) -> Stage:
        stages.append(Stage(demo_clip))
        return stages[-1]

    monkeypatch.setattr(runtime, "open_source", opened)
    monkeypatch.setattr(runtime, "_RETRY_STORE_S", 0.5)
    config.database_path().write_bytes(b"no database" * 1000)
    with _at_work(config) as live:
        lost = _until(live, lambda m: m["type"] == "frame" and m["store_fault"] is not None)
        assert "looked at again each minute" in lost[-1]["store_fault"]
        config.database_path().unlink()
        _until(live, lambda m: m["type"] == "health" and "select_runner" in m["commands"])
        stages[-1].scene = "runs"
        _until(live, lambda m: m["type"] == "stance" and m["session_id"] is not None)
    (row,) = StoreReader(config.database_path()).list_sessions()
    assert row["stances"] > 0


def test_who_is_chosen_when_an_anonymous_runner_has_left_does_not_get_their_run(config: Config, stage: Stage) -> None:
    with Store.open(config.database_path()) as store:
        ben, _ = store.add_runner("Ben")
    slow = config.model_copy(update={"session": SessionConfig(start_after_s=1.0, end_after_s=30.0)})
    with _at_work(slow) as live:
        stage.scene = "runs"
        _until(live, lambda m: m["type"] == "stance" and m["session_id"] is not None)
        stage.scene = "empty"
        gone = _until(live, lambda m: m["type"] == "frame" and m["state"] == "lost")[-1]["t_s"]
        _until(live, lambda m: m["type"] == "frame" and m["t_s"] > gone + 3.0)
        live.send({"command": "select_runner", "runner_id": ben})
        _until(live, _said("ended"))
        stage.scene = "runs"
        _until(live, lambda m: m["type"] == "stance" and m["session_id"] is not None)
    rows = StoreReader(config.database_path()).list_sessions()
    assert [row["runner_id"] for row in rows] == [ben, None]


def test_the_store_of_another_device_is_left_alone(config: Config) -> None:
    with Store.open(config.database_path()):
        assert _status(Device(config), threading.Event()) == 2


@pytest.fixture
def none_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """No camera anywhere."""

    def open_none(camera: Any) -> Any:
        raise CameraError("there is no camera: plug one in")

    monkeypatch.setattr(runtime, "open_source", open_none)


@pytest.mark.usefixtures("none_there")
def test_a_camera_that_is_not_there_is_an_error_where_it_must_be(
    config: Config, caplog: pytest.LogCaptureFixture
) -> None:
    assert _status(Device(config, unattended=False), threading.Event()) == 2
    assert "there is no camera: plug one in" in caplog.text


def test_a_missing_camera_is_logged_once_then_seldom_and_that_it_is_there(
    config: Config, demo_clip: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    said: list[str] = []
    device, film = Device(config, announce=said.append), VideoSource(demo_clip)
    device._say_camera(film)
    for _ in range(2):
        for why in ("it has vanished", "it is not there", "it is not there", "it is not there"):
            device._say_missing(why)
        device._say_camera(film)
    logged = ["it has vanished; trying again every 5 s", "it is not there; trying again every 5 s"]
    assert caplog.messages == logged * 2
    assert said == ["demo_front.mp4: the camera is there"] * 2
    monkeypatch.setattr(runtime, "_REMIND_S", 0.0)
    for _ in range(3):
        device._say_missing("it is not there")
    assert caplog.messages == logged * 2 + logged[1:] * 3


def test_cues_are_logged_only_where_more_is_asked_for(config: Config, caplog: pytest.LogCaptureFixture) -> None:
    """Else they push all that is wrong out of the service's last lines."""
    cue = Cue(8.3, Side.RIGHT, "fppa_deg", 11.9, 8.0)
    said: list[str] = []
    for device in (Device(config), Device(config, announce=said.append)):
        device._announce_cue(cue_words(cue, 20.0))
    assert caplog.messages == []
    assert len(said) == 1


_UNJUDGED = CoachState("fppa_deg", None, None, dict.fromkeys(Side), dict.fromkeys(Side), 20.0, Adherence(), None, {})


def test_a_cue_goes_to_its_side_with_its_strength_and_how_long_it_took(config: Config) -> None:
    device = Device(config)
    told: list[dict[str, Any]] = []
    cued: list[tuple[Side, float]] = []
    lit: dict[Side, str] = {}
    outcome = SimpleNamespace(coach=_UNJUDGED, cues=[Cue(8.3, Side.RIGHT, "fppa_deg", 14.0, 8.0)])

    def cue(side: Side, severity: float) -> int:
        cued.append((side, severity))
        return 5_040_000_000

    device._unkept = None
    for name, stub in (
        ("_cues", SimpleNamespace(cue=cue, set_state=lit.__setitem__, metronome=lambda spm: None)),
        ("_live", SimpleNamespace(publish=told.append)),
        ("_writer", SimpleNamespace(session_id=7)),
        ("_runner", SimpleNamespace(person=Person())),
    ):
        setattr(device, name, stub)
    collected = runtime._Session()
    device._cue(cast(Frame, SimpleNamespace(t_ns=5_000_000_000)), cast(Outcome, outcome), collected)
    assert cued == [(Side.RIGHT, 0.6)]
    assert lit == dict.fromkeys(Side, "off")
    ((_, stored),) = collected.waiting
    for document in (stored, *told):
        assert (document["side"], document["value"], document["latency_ms"]) == ("right", 14.0, 40.0)
    assert told[0]["session_id"] == 7
    assert device._meters.cue_ms.as_json()["max"] == 40.0


def test_each_side_is_told_its_own_angle(config: Config) -> None:
    device = Device(config)
    device._runner = cast(RunnerChoice, SimpleNamespace(person=Person()))
    outcome = cast(Outcome, SimpleNamespace(fppa_deg={Side.LEFT: 3.04, Side.RIGHT: 11.96}, coach=_UNJUDGED))
    assert [device._side_message(outcome, side)["fppa_deg"] for side in Side] == [3.0, 12.0]


def test_a_session_lasts_since_its_runner_was_first_seen(
    config: Config, demo_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not since that was long enough for a session."""
    monkeypatch.setattr(runtime, "open_source", lambda camera: VideoSource(demo_clip))
    frame = _run_until(config, lambda m: m["type"] == "frame" and m["session_s"] is not None)[-1]
    assert frame["session_s"] >= config.session.start_after_s


def test_a_run_that_has_ended_is_said_with_each_knee_by_its_own_side() -> None:
    summary = {"cadence_spm": 168.2, "left": {"fppa_deg": {"mean": 3.04, "sd": 1.1}}, "right": {}}
    assert session_words(Recorder(), summary) == "  0 stances, 0 cues, 168 steps per minute, left knee 3.0 ± 1.1°"


@pytest.mark.usefixtures("none_there")
def test_who_waits_for_a_camera_tells_the_watchdog(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else systemd would kill the device every 20 seconds, and the page with it would be silent."""
    monkeypatch.setattr(runtime, "_RETRY_S", 0.1)
    device, stop = Device(config), threading.Event()
    device._notify = systemd = Systemd(stop)
    assert _status(device, stop) == 0
    assert "WATCHDOG=1" in systemd.heard


def test_the_watchdog_hears_of_each_picture_and_waits_for_the_model(
    config: Config, demo_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first start on a board tries all models and threads, for longer than systemd else waits for a word."""
    monkeypatch.setenv("WATCHDOG_USEC", "20000000")
    monkeypatch.setattr(runtime, "_RETRY_S", 0.0)
    device = Device(config)
    device._notify = systemd = Systemd()
    _shown(device, monkeypatch, Lossy(demo_clip))
    assert systemd.heard.count("WATCHDOG=1") == device._meters.as_json(None)["frames"] == 5
    told = [said for said in systemd.heard if said.startswith("WATCHDOG")]
    assert told[:3] == ["WATCHDOG_USEC=300000000", "WATCHDOG_USEC=20000000", "WATCHDOG=1"]


@pytest.mark.usefixtures("none_there")
def test_that_nothing_is_stored_is_told_beside_whatever_else_is_wrong(config: Config) -> None:
    config.database_path().write_bytes(b"no database" * 1000)
    frame = _run_until(config, lambda m: m["type"] == "frame")[-1]
    assert frame["message"] == "no camera: there is no camera: plug one in"
    assert frame["store_fault"].startswith("sessions are not stored: ")


@pytest.mark.usefixtures("none_there")
def test_without_a_camera_sessions_are_named_and_deleted(config: Config) -> None:
    """As after a film, on a machine that has none: the page says to start the device for that."""
    with Store.open(config.database_path()) as store:
        anna, _ = store.add_runner("Anna")
        session_id = store.begin_session(SessionHeader("film.mp4", "m", "0"))
        store.end_session(session_id)
    with _started(config, Device(config)) as live:
        _until(live, lambda message: message["type"] == "health")
        for command in ({"command": "give_session", "runner_id": anna}, {"command": "delete_session"}):
            live.send({**command, "id": session_id, "request": command["command"]})
            until_s = time.monotonic() + 30.0
            while live.latest().last.get("answer", {}).get("request") != command["command"]:
                assert time.monotonic() < until_s
                time.sleep(0.05)
            assert live.latest().last["answer"]["done"]
    with StoreReader(config.database_path()) as reader:
        assert reader.count_sessions() == 0


@pytest.mark.usefixtures("none_there")
def test_a_device_that_does_not_end_fails_its_test_and_does_not_hold_up_all_others(config: Config) -> None:
    device, stop = Device(config), threading.Event()
    with pytest.raises(AssertionError, match="the device did not end within 1 s"):
        _status(device, stop, within_s=1.0)
    assert stop.is_set()
    with pytest.raises(AssertionError, match="amid it"), _started(config, Device(config)):
        raise AssertionError("amid it")
    assert not any(thread.name == "device on trial" for thread in threading.enumerate())


@pytest.mark.usefixtures("none_there")
def test_a_sound_store_is_no_fault(config: Config) -> None:
    assert _run_until(config, lambda m: m["type"] == "frame")[-1]["store_fault"] is None


def _shown(device: Device, monkeypatch: pytest.MonkeyPatch, *films: VideoSource) -> None:
    """The device sees one film after the other, and is stopped at the end of the last."""
    stop, left = threading.Event(), iter(films)

    def opened(camera: object) -> VideoSource:
        if (film := next(left, None)) is not None:
            return film
        stop.set()
        raise CameraError("the film is over")

    monkeypatch.setattr(runtime, "open_source", opened)
    assert _status(device, stop) == 0


def _until(live: LiveSubscriber, done: Any) -> list[dict[str, Any]]:
    """All messages until ``done`` of one."""
    messages: list[dict[str, Any]] = []
    until_s = time.monotonic() + 90.0
    for message in live.events(idle_s=30.0):
        assert message is not None, "the device has fallen silent"
        assert time.monotonic() < until_s, "it did not come"
        messages.append(message)
        if done(message):
            break
    return messages


def test_film_that_is_too_short_for_a_session_says_so(config: Config, demo_clip: Path, tmp_path: Path) -> None:
    film = tmp_path / "short.mp4"
    film.write_bytes(demo_clip.read_bytes()[:120_000])
    said: list[str] = []
    longer = config.model_copy(update={"session": SessionConfig(start_after_s=30.0)})
    device = Device(longer, trial=Trial(film, loop=False), announce=said.append)
    assert _status(device, threading.Event()) == 0
    assert "short.mp4: no session was made: nobody was seen for 30 s without a break" in said
