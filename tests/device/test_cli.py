"""The command line: what is wrong is told in one line and the exit status, before the work where that can be."""

from __future__ import annotations

import argparse
import errno
import importlib.metadata
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from device import appliance, cli, config, cues, output, replay_command, surroundings
from device.cli import main
from device.config import parse_config
from device.store import SessionHeader, Store, StoreReader
from model.errors import InputError
from model.metrics import STANCE_METRICS
from model.pose import View
from model.result import summarise

REPO = Path(__file__).resolve().parents[2]
needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """A settings file whose store has one session with many stances."""
    database = tmp_path / "k.db"
    with Store.open(database) as store:
        session_id = store.begin_session(SessionHeader(source="a.mp4", model="m", app_version="0", fps=30.0))
        for n in range(500):
            store.add_stance(session_id, {"side": "left", "strike_s": n, "toe_off_s": n + 0.3, "quality": 0.8})
        store.end_session(session_id)
    path = tmp_path / "config.toml"
    path.write_text(f'[store]\npath = "{database}"\n')
    return path


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "device", *map(str, arguments)]


@needs_full
@pytest.mark.parametrize("words", [["export", "1"], ["export", "1", "--format", "csv"], ["--version"]])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_full_disk_behind_the_output_is_one_line(settings: Path, words: list[str], unbuffered: str) -> None:
    environment = os.environ | {"PYTHONUNBUFFERED": unbuffered}
    with open("/dev/full", "w") as full:
        ended = subprocess.run(
            command("--config", settings, *words),
            cwd=REPO, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False, env=environment,
        )  # fmt: skip
    said = "kneeline: standard output: No space left on device: free some space, or send it somewhere else\n"
    assert (ended.returncode, ended.stderr) == (2, said)


def test_a_whole_session_of_a_damaged_database_is_exported(
    settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Store.open(tmp_path / "k.db") as store:
        store.end_session(store.begin_session(SessionHeader(source="b.mp4", model="m", app_version="0")))
    with (tmp_path / "k.db").open("r+b") as file:  # a leaf of the first session's stances
        pages = iter(lambda: file.read(4096), b"")
        leaf = next(n for n, page in enumerate(pages) if page[0] == 10 and b"left" in page)
        file.seek(4096 * leaf)
        file.write(bytes(4096))
    assert main(["--config", str(settings), "export", "2", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["source"] == "b.mp4"
    assert main(["--config", str(settings), "export", "1"]) == 2
    assert "k.db is damaged; kneeline restore brings a backup back, else move it away" in capsys.readouterr().err


def test_reader_that_has_read_enough_hears_nothing(settings: Path) -> None:
    line = command("export", 1, "--config", settings)
    with subprocess.Popen(line, cwd=REPO, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as export:
        assert export.stdout is not None
        assert export.stderr is not None
        export.stdout.read(10)
        export.stdout.close()
        assert export.stderr.read() == b""
        assert export.wait(timeout=60) == 0


@needs_full
@pytest.mark.parametrize("full", [False, True])
def test_session_goes_on_when_nobody_takes_what_is_printed(settings: Path, demo_clip: Path, full: bool) -> None:
    film = settings.with_name("film.mp4")
    film.write_bytes(demo_clip.read_bytes()[:400_000])  # on a busy machine few pictures of each second are seen
    settings.write_text(f'{settings.read_text()}[live]\nsocket = "live.sock"\n[model]\nname = "lightning"\n')
    line = command("device", "--tell", "--source", film, "--config", settings)
    out = open("/dev/full", "w") if full else subprocess.PIPE  # noqa: SIM115 (closed below)
    with subprocess.Popen(line, cwd=REPO, stdout=out, stderr=subprocess.PIPE, text=True) as device:
        taken = out if not isinstance(out, int) else device.stdout
        assert taken is not None
        taken.close()
        assert device.stderr is not None
        said = device.stderr.read()
        assert device.wait(timeout=60) == 0
    assert "Traceback" not in said
    assert said.count("standard output: No space left on device") == full
    assert "lost" not in said
    with StoreReader(settings.with_name("k.db")) as reader:
        session = reader.session(2)
    assert session is not None
    assert session["state"] == "complete"
    assert session["stances"]


def test_what_an_encoding_cannot_show_is_replaced(tmp_path: Path) -> None:
    file = tmp_path / "20°.toml"
    file.write_text("")
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    ended = subprocess.run(
        command("config", "check", "--config", file),
        cwd=REPO, capture_output=True, text=True, timeout=60, check=False, env=environment,
    )  # fmt: skip
    said = f"{tmp_path}/20?.toml: all settings are right\n"
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, said, "")


def test_every_fault_of_the_settings_has_the_same_beginning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[web]\nport = 0\n[camera]\nfps = 1\n")
    assert main(["config", "check", "--config", str(path)]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert all(line.startswith("kneeline: config.toml [") for line in lines)


class Refusing(socket.socket):
    """A port that needs root, whoever asks."""

    def bind(self, address: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")


@pytest.mark.parametrize("name", ["run", "demo"])
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--port", "80"], "port = 80: this port needs root; take one above 1023 with --port or [web] port"),
        (["--host", "203.0.113.9"], "203.0.113.9, port = 8080: cannot be served at (Cannot assign requested address)"),
        (["--host", "a" * 64], "port = 8080: no such address (not a valid name); use 0.0.0.0 for all networks"),
    ],
)
def test_address_that_cannot_be_had_is_told_as_by_the_web(
    settings: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    options: list[str],
    said: str,
) -> None:
    monkeypatch.setattr(appliance, "run_both", lambda *_: pytest.fail("nothing may be started"))
    if "80" in options:
        monkeypatch.setattr(socket, "socket", Refusing)
    assert main([name, "--config", str(settings), *options]) == 2
    told = capsys.readouterr().err
    assert told.startswith("kneeline: [web] host = ")
    assert said in told
    assert told.count("\n") == 1


@pytest.mark.parametrize(
    ("script", "status", "last"),
    [
        ("raise SystemExit(2)", 2, "kneeline run: ended: the device could not start or go on, see above\n"),
        ("import os; os.kill(os.getpid(), 9)", 2, "kneeline run: ended: the device was killed (signal 9): start it"),
        ("", 0, ""),
    ],
)
def test_last_line_says_that_it_ended_and_why(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, script: str, status: int, last: str
) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    waiting = [sys.executable, "-c", "import time; time.sleep(60)"]
    parts = {"device": [sys.executable, "-c", script], "web": waiting}
    assert appliance.run_both("run", parts, dict(os.environ)) == status
    said = capfd.readouterr().err
    assert said.startswith(last)
    assert said.count("\n") == bool(last)


def test_run_without_its_film_ends_with_a_line_that_says_so(settings: Path, tmp_path: Path) -> None:
    settings.write_text(f'{settings.read_text()}[live]\nsocket = "{tmp_path}/live.sock"\n')
    port = free_port()
    line = command("run", "--source", tmp_path / "none.mp4", "--port", port, "--host", "127.0.0.1")
    ended = subprocess.run(
        [*line, "--config", str(settings)], cwd=REPO, capture_output=True, text=True, timeout=60, check=False
    )
    said = f"kneeline: {tmp_path}/none.mp4: no such file; check the name\n"  # and no word of a page
    assert (ended.returncode, ended.stderr) == (2, said)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.mark.parametrize(
    ("name", "reason"),
    [("none/x.json", "No such file or directory"), ("", "Is a directory"), ("config.toml/x.json", "Not a directory")],
)
@pytest.mark.parametrize("words", [["replay", "film.mp4"], ["replay", "film.mp4", "--mode", "squat"], ["bench"]])
def test_result_that_cannot_be_written_is_told_before_the_work(
    settings: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    reason: str,
    words: list[str],
) -> None:
    for work in ("replay.replay_file", "screening.screen_file", "bench.bench"):
        monkeypatch.setattr(f"device.{work}", lambda *_: pytest.fail("no work may be begun"))
    before = sorted(settings.parent.iterdir())
    target = settings.parent / name
    assert main([*words, "--json", str(target), "--config", str(settings)]) == 2
    told = capsys.readouterr().err
    assert told == f"kneeline: --json {target}: cannot be written ({reason}): name a file in a writable folder\n"
    assert sorted(settings.parent.iterdir()) == before


def test_a_table_that_cannot_be_written_is_told_before_everything_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("no work may be begun"))
    target = tmp_path / "none" / "x.md"
    assert main(["validate", "--out", str(target)]) == 2
    told = capsys.readouterr().err
    said = "cannot be written (No such file or directory): name a file in a writable folder"
    assert told == f"kneeline: --out {target}: {said}\n"


@pytest.mark.parametrize("option", ["--fps=60", "--camera-noise=measured", "--seed=0"])
def test_what_is_said_of_the_virtual_camera_is_refused_for_a_video(
    capsys: pytest.CaptureFixture[str], option: str
) -> None:
    assert main(["replay", "film.mp4", option]) == 2
    said = "is for a motion capture (.npz), a video has its own: leave it out"
    assert capsys.readouterr().err == f"kneeline: {option.partition('=')[0]}: {said}\n"


def test_the_folders_of_a_demo_are_not_for_everybody_to_read(tmp_path: Path) -> None:
    """It is often what is run first: the real sessions are kept beside its own."""
    config = parse_config({"store": {"path": str(tmp_path / "kneeline" / "kneeline.db")}})
    before = os.umask(0o022)
    try:
        folder = appliance.demo_state(config)
    finally:
        os.umask(before)
    assert {one.stat().st_mode & 0o777 for one in (folder, folder.parent)} == {0o750}


def steps(count: int, step_s: float = 0.35, contact_s: float = 0.2) -> list[dict[str, Any]]:
    return [
        {"side": ("left", "right")[n % 2], "strike_s": n * step_s, "toe_off_s": n * step_s + contact_s, "quality": 0.8}
        for n in range(count)
    ]


def test_a_run_is_told_with_both_knees_and_their_uncertainty() -> None:
    document: dict[str, Any] = {
        "source": "a.mp4",
        "view": "front",
        "frames": 600,
        "frames_with_runner": 600,
        "stances": steps(22),
        "cues": [],
        "summary": {
            "cadence_spm": 167.9962,
            "left": {"fppa_deg": {"mean": 1.14, "sd": 1.62, "n": 20, "uncertainty": 3.2}},
            "right": {"fppa_deg": {"mean": None, "sd": None, "n": 2, "uncertainty": 3.2}},
            "unavailable": {},
        },
    }
    assert replay_command.told(document) == [
        "a.mp4: front view, 600 frames, 22 stances, 0 cues, cadence 168.0 steps per minute",
        "left knee +1.1°, spread 1.6° of 20 stances, may be off by 3.2°",
        "right knee: too few stances (2)",
    ]
    document["summary"] |= {"cadence_spm": None, "unavailable": {"fppa_deg": "needs a view from the front"}}
    assert replay_command.told(document) == [
        "a.mp4: front view, 600 frames, 22 stances, 0 cues, cadence not known",
        "knee alignment: not measured: needs a view from the front",
    ]
    assert replay_command.told(document | {"stances": steps(22, 0.55, 0.65)})[2:] == [
        "these are steps of walking, or of running that hardly leaves the ground: contact times, hips and pelvis are a "
        "walker's, and compare with no run"
    ]


def test_a_run_seen_from_the_side_is_told_by_what_that_view_shows() -> None:
    both = {"hip_extension_deg": {"mean": 11.26, "n": 7}, "overstride_leg": {"mean": 0.2134, "n": 7}}
    document = {
        "source": "a.mp4", "view": "side", "frames": 300, "frames_with_runner": 300, "stances": steps(14), "cues": [],
        "summary": {
            "cadence_spm": 168.7, "left": both | {"trunk_forward_lean_deg": {"mean": -1.0, "n": 7}},
            "right": both | {"trunk_forward_lean_deg": {"mean": None, "n": 2}},
            "unavailable": {
                "fppa_deg": "needs a front or rear view", "knee_flexion_deg": "too few stances: 3 of 7",
                "contact_s": "the runner was not seen",
            },
        },
    }  # fmt: skip
    assert replay_command.told(document)[1:] == [
        "Hip extension: left 11.3°, right 11.3°",
        "Knee flexion in stance: not measured: too few stances: 3 of 7",
        "Trunk forward lean: left -1.0°, right too few stances (2)",
        "Overstride: left 0.213 leg lengths, right 0.213 leg lengths",
        "Contact time: not measured: the runner was not seen",
    ]


@pytest.mark.parametrize(("quality", "unused"), [(0.2, "too dark: more light is needed"), (0.2, None), (0.8, None)])
def test_why_nothing_is_known_from_the_side_is_told_as_in_the_result(quality: float, unused: str | None) -> None:
    """It said "too few stances" beside forty of them."""
    blank = dict.fromkeys(spec.key for spec in STANCE_METRICS)
    stances = [
        {**blank, "side": side, "strike_s": n * 0.35, "toe_off_s": n * 0.35 + 0.2, "quality": quality}
        for n, side in enumerate(["left", "right"] * 20)
    ]
    summary = summarise(stances, View.SIDE, unused=unused)
    document = {
        "source": "a.mp4", "view": "side", "frames": 300, "frames_with_runner": 300, "stances": stances, "cues": [],
        "summary": summary,
    }  # fmt: skip
    (said,) = (line for line in replay_command.told(document) if line.startswith("Knee flexion in stance: "))
    assert said == f"Knee flexion in stance: not measured: {summary['unavailable']['knee_flexion_deg']}"
    assert unused is None or said.endswith(unused)
    assert "too few" not in said


@pytest.mark.parametrize(
    ("stances", "step_s", "told"),
    [(1, 0.8, True), (2, 0.8, True), (13, 0.8, True), (14, 0.8, False), (2, 0.35, False), (13, 0.35, False)],
)
def test_slow_motion_is_named_where_a_view_from_the_side_shows_too_few_steps(
    stances: int, step_s: float, told: bool
) -> None:
    """Few steps at a runner's pace are those of a short film."""
    document = {
        "source": "a.mp4", "view": "side", "frames": 600, "frames_with_runner": 600,
        "stances": steps(stances, step_s),
        "cues": [], "summary": {"cadence_spm": None, "left": {}, "right": {}, "unavailable": {}},
    }  # fmt: skip
    last = replay_command.told(document)[-1]
    assert last.startswith("too few steps were found: a film N times slower than life (slow motion)") is told
    assert ("240 at 30: 0.125" in last) is told
    assert last.startswith("too few steps were found") is (stances < 14)


def test_one_point_of_a_step_down_is_one_point() -> None:
    leg = {"score": {"points": 1, "points_at_most": 2, "rating": "good"}}
    summary = {"left": {}, "right": leg, "advice": None}
    document = {"source": "a.mp4", "view": "front", "frames": 600, "frames_with_runner": 600, "reps": []}
    told = replay_command.told_screening(document | {"summary": summary})
    assert told[-1] == "right leg: 1 point (at most 2), good"


def test_fault_found_before_the_work_leaves_the_target_as_it_was(tmp_path: Path) -> None:
    old, new, link = tmp_path / "old.json", tmp_path / "new.json", tmp_path / "link.json"
    old.write_text("an earlier result")
    link.symlink_to(tmp_path / "elsewhere.json")
    for target in (old, new, link):
        assert main(["replay", str(tmp_path / "none.mp4"), "--json", str(target)]) == 2
    assert old.read_text() == "an earlier result"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["link.json", "old.json"]


def test_pipe_as_the_target_is_not_opened_twice(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert main(["replay", str(tmp_path / "none.mp4"), "--json", str(pipe)]) == 2


def test_result_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    target, link = tmp_path / "result.json", tmp_path / "link.json"
    output.write_json(target, {"a": 1})
    assert json.loads(target.read_text()) == {"a": 1}
    (tmp_path / "plain").touch()
    assert target.stat().st_mode == (tmp_path / "plain").stat().st_mode
    target.chmod(0o640)
    link.symlink_to(target)
    output.write_json(link, {"a": 2})
    assert link.is_symlink()
    assert target.stat().st_mode & 0o777 == 0o640
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50, limits[1]))  # as a full disk
    try:
        with pytest.raises(InputError, match=r"result.json: cannot be written \(File too large\)"):
            output.write_json(target, {"a": list(range(100))})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert json.loads(target.read_text()) == {"a": 2}
    assert sorted(file.name for file in tmp_path.iterdir()) == ["link.json", "plain", "result.json"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_result_in_a_folder_that_takes_no_new_file_is_told_before_the_work(tmp_path: Path) -> None:
    target = tmp_path / "result.json"
    target.touch()
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(InputError, match="Permission denied"):
            output.check_target(target)
    finally:
        tmp_path.chmod(0o700)


def checked(path: Path, text: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The faults that ``config check`` tells."""
    path.write_text(text)
    status = main(["config", "check", "--config", str(path)])
    told = capsys.readouterr()
    lines = told.err.splitlines()
    assert status == (2 if lines else 0)
    assert bool(told.out) != bool(lines)
    return [line.removeprefix("kneeline: config.toml ") for line in lines]


def nobody_known(host: str, *_: object, **__: object) -> list[object]:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[web]\nhost = 'nonsense'", '[web] host = "nonsense": no such address (Name or service not known); use 0.0'),
        ("[web]\nhost = 'a..b'", '[web] host = "a..b": no such address (not a valid name); use 0.0.0.0 for all'),
        ("[camera]\nsource = '/nofile.mp4'", '[camera] source = "/nofile.mp4": no such file; write "auto", "picam'),
        ("[camera]\nsource = '/dev/null'", '[camera] source = "/dev/null": is a pipe or a device; write "usb" with'),
        ("[camera]\nsource = 'webcam'", '[camera] source = "webcam": no such file; write "auto", "picamera", "usb"'),
        ("[camera]\nsource = '/'", '[camera] source = "/": is a folder; name a video file in it'),
        ("[store]\npath = '/proc/x/y.db'", '[store] path = "/proc/x/y.db": its folder cannot be made ('),
        ("[store]\npath = 'config.toml/y.db'", '[store] path = "config.toml/y.db": its folder cannot be made (Not a d'),
        ("[store]\npath = '/dev/null/y.db'", '[store] path = "/dev/null/y.db": its folder cannot be made (Not a dire'),
        ("[store]\npath = '/'", '[store] path = "/": is a folder; name a file in it'),
        ("[store]\npath = '~nobody-such/y.db'", '[store] path = "~nobody-such/y.db": that home folder is not known'),
        ("[camera]\nsource = '~nobody-such/f.mp4'", '[camera] source = "~nobody-such/f.mp4": that home folder is'),
    ],
)
def test_what_the_machine_does_not_have_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str, fault: str
) -> None:
    monkeypatch.chdir(tmp_path)
    if "nonsense" in text:
        monkeypatch.setattr(socket, "getaddrinfo", nobody_known)
    lines = checked(tmp_path / "config.toml", text, capsys)
    assert len(lines) == 1
    assert lines[0].startswith(fault)


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("[web]\nport = 80", ["[web] port = 80: the service may not take a port below 1024; take one above 1023"]),
        (
            "[live]\nsocket = '/tmp/live.sock'",
            [
                '[live] socket = "/tmp/live.sock": the services do not meet there; name one below /run/kneeline, '
                "or leave it out"
            ],
        ),
        (
            "[store]\npath = '/var/tmp/k.db'\n[live]\nsocket = 'live.sock'\n[web]\nport = 1023",
            [
                '[store] path = "/var/tmp/k.db": the services share nothing below /var/tmp; name a file below '
                "/var/lib/kneeline, or leave it out",
                '[live] socket = "live.sock": the services do not meet there; name one below /run/kneeline, '
                "or leave it out",
                "[web] port = 1023: the service may not take a port below 1024; take one above 1023",
            ],
        ),
        ("[live]\nsocket = '/run/kneeline/../other/l.sock'\n", ['[live] socket = "/run/kneeline/../other/l.sock": ']),
        ("[live]\nsocket = '/run/kneeline/l.sock'\n[web]\nport = 1024", []),
        ("[live]\nsocket = '/var/lib/kneeline/l.sock'\n[store]\npath = '/var/lib/kneeline.db'", []),
    ],
)
def test_what_the_installed_services_may_not_do_is_a_fault_of_the_systems_file(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    text: str,
    faults: list[str],
) -> None:
    """As their units have it; who starts the program by hand may well do so."""
    file = tmp_path / "config.toml"
    assert checked(file, text, capsys) == []
    monkeypatch.setattr(config, "SYSTEM_FILE", file)
    lines = checked(file, text, capsys)
    assert len(lines) == len(faults)
    assert all(line.startswith(fault) for line, fault in zip(lines, faults, strict=True))


def test_a_database_elsewhere_is_right_with_what_else_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file, right = tmp_path / "config.toml", f"{tmp_path}/config.toml: all settings are right"
    monkeypatch.setattr(config, "SYSTEM_FILE", file)
    monkeypatch.setattr(surroundings, "database_fault", lambda *_: None)  # not everybody may make a folder there
    for path in ("", "/var/lib/kneeline/other.db", "/srv/kneeline/k.db"):
        file.write_text(f"[store]\npath = '{path}'\n")
        assert main(["config", "check", "--config", str(file)]) == 0
        said = capsys.readouterr().out.splitlines()
        assert said[0] == right
        if not path.startswith("/srv"):
            assert said[1:] == []
            continue
        (needs,) = said[1:]
        assert needs.startswith('mind: config.toml [store] path = "/srv/kneeline/k.db": the device may write below')
        assert "RequiresMountsFor=/srv/kneeline under [Unit] and ReadWritePaths=/srv/kneeline under [Service]" in needs


def test_faults_of_the_machine_are_told_with_all_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", nobody_known)
    text = "[camera]\nsource = 'webcam'\nfps = 1\n[store]\npath = 3\n[web]\nhost = 'nonsense'\nport = 0\n"
    lines = checked(tmp_path / "config.toml", text, capsys)
    assert [line.split(" = ")[0] for line in lines] == [
        "[camera] fps", "[store] path", "[web] port", "[camera] source", "[web] host",
    ]  # fmt: skip


@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1", "::", "localhost"])
@pytest.mark.parametrize("source", ["auto", "picamera", "usb", "config.toml"])
def test_what_is_there_or_can_be_made_is_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], host: str, source: str
) -> None:
    monkeypatch.chdir(tmp_path)
    text = f"[camera]\nsource = '{source}'\n[web]\nhost = '{host}'\n[store]\npath = '{tmp_path}/new/folder/y.db'\n"
    assert checked(tmp_path / "config.toml", text, capsys) == []
    assert [one.name for one in tmp_path.iterdir()] == ["config.toml"]


def test_folder_of_the_service_is_not_for_every_user_to_see(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(path: Path) -> bool:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "is_dir", refused)
    text = "[store]\npath = '/var/lib/kneeline/kneeline.db'\n[camera]\nsource = '/var/lib/kneeline/film.mp4'\n"
    assert checked(tmp_path / "config.toml", text, capsys) == []


def test_name_is_believed_where_there_is_no_network_to_ask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def no_network(host: str, *_: object, **__: object) -> list[object]:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    assert checked(tmp_path / "config.toml", "[web]\nhost = 'gym.example'", capsys) == []


@pytest.mark.parametrize("name", ["config", "export"])
def test_settings_file_may_be_named_before_or_after_the_command(
    settings: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    words = {"config": ["config", "check"], "export": ["export", "1"]}[name]
    assert main(["--config", str(settings), *words]) == 0
    before = capsys.readouterr().out
    assert main([*words, "--config", str(settings)]) == 0
    assert capsys.readouterr().out == before
    assert ("right" if name == "config" else "kneeline.session/1") in before
    assert main(["--config", str(settings.with_name("none.toml")), *words, "--config", str(settings)]) == 0


def test_settings_file_that_is_missing_is_told_before_the_command_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--config", str(tmp_path / "none.toml"), "config", "check"]) == 2
    assert "none.toml: no such file" in capsys.readouterr().err


def test_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"kneeline {importlib.metadata.version('kneeline')}\n"


@pytest.mark.parametrize("number", ["abc", "1.5", str(2**63), ""])
def test_session_that_is_no_number_is_told(capsys: pytest.CaptureFixture[str], number: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["export", number])
    assert ended.value.code == 2
    said = f"argument SESSION: {number}: SESSION is a number, a session's page shows it; see `kneeline export --help`"
    assert capsys.readouterr().err == f"kneeline export: {said}\n"


def test_session_that_is_not_there_is_told_with_those_that_are(
    settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(2**63 - 1), "--config", str(settings)]) == 2
    assert "no such session; the newest are: 1" in capsys.readouterr().err


def test_pins_that_cannot_be_switched_off_are_told(
    settings: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cues, "all_off", lambda _: "no GPIO here (GPIO busy)")
    assert main(["cues-off", "--config", str(settings)]) == 2
    said = capsys.readouterr().err
    assert said.startswith("kneeline: cues-off: no GPIO here (GPIO busy): nothing was switched off; stop the device")
    assert said.count("\n") == 1
    monkeypatch.setattr(cues, "all_off", lambda _: None)
    assert main(["cues-off", "--config", str(settings)]) == 0
    assert capsys.readouterr().out == "LEDs and buzzer are off\n"


@pytest.mark.parametrize(
    ("note", "said"),
    [
        (f"no GPIO here (GPIO busy): {cues.PAGE_ONLY}", "no GPIO here (GPIO busy): nothing was lit; stop the device "),
        (cues.SWITCHED_OFF, f"{cues.SWITCHED_OFF}: set it to true\n"),
    ],
)
def test_cue_that_lights_nothing_is_told_with_the_remedy(
    settings: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], note: str, said: str
) -> None:
    def without_pins(output: cues.CueOutput) -> dict[str, object]:
        output.gpio_note = note
        return {}

    monkeypatch.setattr(cues.CueOutput, "_open", without_pins)
    assert main(["test-cue", "--config", str(settings)]) == 2
    assert capsys.readouterr().err.startswith(f"kneeline: test-cue: {said}")


@pytest.mark.parametrize("name", ["yaw_deg", "roll_deg", "azimuth_left_deg"])
def test_camera_that_could_see_no_runner_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    known = tmp_path / "camera.json"
    known.write_text(json.dumps({"camera": {"yaw_deg": 5.0, "state": "good", name: 1e9}}))
    assert main(["replay", str(tmp_path / "film.mp4"), "--camera", str(known)]) == 2
    said = f"camera.json: {name} = 1e+09 is no place of a camera (at most 90): give the JSON of an earlier replay"
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    "lines", ["enabled = false", "led_left_pin = false\nled_right_pin = false\nbuzzer_pin = false"]
)
def test_without_pins_there_is_nothing_to_switch_off(
    settings: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], lines: str
) -> None:
    def never(_: object) -> str:
        raise AssertionError("those pins may be another program's")

    monkeypatch.setattr(cues, "all_off", never)
    with settings.open("a") as file:
        file.write(f"[cues]\n{lines}\n")
    assert main(["cues-off", "--config", str(settings)]) == 0
    assert capsys.readouterr().out == "nothing to switch off: the settings use no pin\n"


@pytest.mark.parametrize("module", ["device.cli", "device.config", "web.app"])
def test_who_looks_at_no_picture_does_not_load_opencv(module: str) -> None:
    """It takes a second and a fifth of the web's memory."""
    code = f"import {module}, sys; sys.exit('cv2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=REPO, check=False).returncode == 0


def test_every_command_and_option_is_in_the_readme() -> None:
    table = (REPO / "README.md").read_text("utf-8").partition("## Commands\n")[2].partition("\n## ")[0]
    parser = cli._parser()
    commands = next(action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    for name, command in commands.choices.items():
        assert f"`kneeline {name}" in table, name
        shown = [action for action in command._actions if action.help != argparse.SUPPRESS]
        for option in (action.option_strings[-1] for action in shown if action.option_strings):
            assert option == "--help" or re.search(rf"{option}(?![\w-])", table), f"{name} {option}"
    for option in ("--version", "--verbose"):
        assert option in table
