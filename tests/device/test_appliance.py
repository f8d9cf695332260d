"""The real processes: a session that is killed, one that is stopped, a second instance, a port in use."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from device import appliance, cli
from device.live import LiveSubscriber
from device.store import StoreReader

_PATIENCE_S = 60.0


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Everything a process writes goes to a folder of the test's own."""
    (tmp_path / "state").mkdir()
    return {
        **os.environ,
        "STATE_DIRECTORY": str(tmp_path / "state"),
        "RUNTIME_DIRECTORY": str(tmp_path / "run"),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }


@pytest.fixture
def start(environment: dict[str, str]) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts ``kneeline`` with the given arguments; whatever still runs at the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def run(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "device", *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def _eventually(true: Callable[[], bool], what: str) -> None:
    until_s = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until_s:
        if true():
            return
        time.sleep(0.1)
    pytest.fail(f"never: {what}")


def _session(database: Path, session_id: int) -> dict[str, Any]:
    """The stored session, empty while there is none."""
    with StoreReader(database) as reader:
        return reader.session(session_id) or {}


def _sessions(database: Path) -> list[dict[str, Any]]:
    with StoreReader(database) as reader:
        return [_session(database, row["id"]) for row in reader.list_sessions()]


def _stances(database: Path, session_id: int) -> int:
    return len(_session(database, session_id).get("stances", []))


def test_killed_session_keeps_its_stances_and_a_stopped_one_is_complete(
    tmp_path: Path, demo_clip: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    database = tmp_path / "state" / "kneeline.db"
    first = start("device", "--source", str(demo_clip))
    _eventually(lambda: _stances(database, 1) >= 8, "eight stances in the store")
    first.kill()
    first.wait()
    kept = _stances(database, 1)
    second = start("device", "--source", str(demo_clip), "--tell")
    _eventually(lambda: bool(_session(database, 1).get("summary")), "the cut-off session has its summary")
    interrupted = _session(database, 1)
    assert interrupted["state"] == "interrupted"
    assert len(interrupted["stances"]) == kept
    assert interrupted["summary"]["left"]["stances"] + interrupted["summary"]["right"]["stances"] == kept
    _eventually(lambda: _stances(database, 2) >= 8, "the next session runs")
    second.send_signal(signal.SIGTERM)
    told, errors = second.communicate(timeout=_PATIENCE_S)
    assert second.returncode == 0, errors
    assert _session(database, 2)["state"] == "complete"
    assert "session 1 was cut off" in told
    assert "frame to decision: median" in told


def test_killed_squat_test_keeps_its_repetitions(
    tmp_path: Path, shared: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    database = tmp_path / "state" / "kneeline.db"
    clip = str(shared / "clips" / "dev_squat.mp4")
    first = start("device", "--source", clip, "--loop")
    with LiveSubscriber(tmp_path / "run" / "live.sock") as live:
        _eventually(lambda: "frame" in live.latest().last, "the device sees")
        assert live.send({"command": "start_screening", "exercise": "squat", "side": None, "request": "r"})
        _eventually(lambda: any(len(one.get("reps", [])) >= 2 for one in _sessions(database)), "two squats are stored")
    first.kill()
    first.wait()
    (kept,) = (one for one in _sessions(database) if one["mode"] == "squat")
    second = start("device", "--source", clip, "--tell")
    _eventually(lambda: _session(database, kept["id"])["state"] == "interrupted", "the test is closed")
    second.send_signal(signal.SIGTERM)
    told, errors = second.communicate(timeout=_PATIENCE_S)
    assert second.returncode == 0, errors
    assert f"session {kept['id']} was cut off; closed as interrupted with {len(kept['reps'])} repetitions" in told
    closed = _session(database, kept["id"])
    assert closed["reps"] == kept["reps"]
    assert closed["summary"]["reps"] == len(kept["reps"])


def test_second_instance_is_refused_with_one_line(
    tmp_path: Path, demo_clip: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    start("device", "--source", str(demo_clip), "--loop")
    with LiveSubscriber(tmp_path / "run" / "live.sock") as live:
        _eventually(lambda: "frame" in live.latest().last, "the first one runs")
        second = start("device", "--source", str(demo_clip))
        _, errors = second.communicate(timeout=_PATIENCE_S)
    assert second.returncode == 2
    assert errors.count("\n") == 1
    assert "another kneeline device is running" in errors


def test_demo_serves_its_page_and_ends_both_processes(
    demo_clip: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    port = _free_port()
    demo = start("demo", "--port", str(port), "--host", "127.0.0.1")
    url = f"http://127.0.0.1:{port}"
    _eventually(lambda: _answers(url + "/healthz"), "the page answers")
    _eventually(lambda: b'"keypoints":[[' in _get(url + "/api/live"), "a skeleton is told")
    demo.send_signal(signal.SIGINT)
    told, errors = demo.communicate(timeout=_PATIENCE_S)
    assert demo.returncode == 0, errors
    assert url in told + errors
    assert "frame to decision: median" in told
    _eventually(lambda: not _answers(url + "/healthz"), "the page is gone")


@pytest.mark.parametrize("more", [[], ["--verbose"]])
def test_who_asks_for_more_in_the_log_gets_it_of_the_device(more: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []

    def run_both(name: str, commands: dict[str, list[str]], environment: dict[str, str]) -> int:
        started.append(commands["device"])
        return 0

    monkeypatch.setattr(appliance, "run_both", run_both)
    assert cli.main([*more, "run", "--host", "127.0.0.1", "--port", str(_free_port())]) == 0
    (command,) = started
    arguments = cli._parser().parse_args(command[3:])
    assert arguments.verbose is bool(more)


def test_port_in_use_is_one_clear_line(start: Callable[..., subprocess.Popen[str]]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        demo = start("demo", "--port", str(port), "--host", "127.0.0.1")
        _, errors = demo.communicate(timeout=_PATIENCE_S)
    assert demo.returncode == 2
    assert [line for line in errors.splitlines() if str(port) in line]


def test_no_camera_is_one_clear_line(start: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[camera]\nsource = "usb"\ndevice = 63\n')
    device = start("device", "--need-camera", "--config", str(config))
    _, errors = device.communicate(timeout=_PATIENCE_S)
    assert device.returncode == 2
    lines = [line for line in errors.splitlines() if not line.startswith("WARNING")]
    assert len(lines) == 1
    assert "/dev/video63" in lines[0]


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _answers(url: str) -> bool:
    try:
        return bool(_get(url))
    except OSError:
        return False


def _get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=5) as answer:
        body: bytes = answer.read()
        return body
