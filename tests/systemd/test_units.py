"""The units, the scripts and the settings file of an installation, as far as no boot is needed."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import gethostname

import pytest

from device.config import Config, parse_config
from web.auth import key_folder

REPO = Path(__file__).resolve().parents[2]
SYSTEMD = REPO / "systemd"
UNITS = sorted(p.name for p in (*SYSTEMD.glob("*.service"), *SYSTEMD.glob("*.target")))
SCRIPTS = [*sorted(SYSTEMD.glob("*.sh")), *sorted((REPO / "tests").rglob("*.sh")), REPO / ".ci" / "run"]


def tool(name: str) -> str:
    """The path of a program. Where it is absent, the test is skipped, but never in CI."""
    found = shutil.which(name)
    if found is None:
        assert not os.environ.get("CI"), f"{name} is missing; tests/run.sh should have installed it"
        pytest.skip(f"{name} is not installed")
    return found


def unit(name: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(SYSTEMD / name, encoding="utf-8")
    return parser


def verify(folder: Path) -> list[str]:
    """The lines that systemd's own checker says about our units (it ends with status 0 whatever it finds)."""
    done = subprocess.run(
        [tool("systemd-analyze"), "verify", "--man=no", *(str(folder / name) for name in UNITS)],
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{folder}:", "SYSTEMD_LOG_LEVEL": "notice"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return [line for line in done.stderr.splitlines() if "kneeline" in line or str(folder) in line]


def copy_units(folder: Path) -> None:
    """Copies the units, with programs that exist on every machine in place of the installed ones."""
    for name in UNITS:
        text = (SYSTEMD / name).read_text(encoding="utf-8")
        text = re.sub(r"/opt/kneeline/current/\S+|/usr/bin/chvt", "/bin/true", text)
        (folder / name).write_text(text, encoding="utf-8")


def test_systemd_finds_no_fault_in_the_units(tmp_path: Path) -> None:
    copy_units(tmp_path)
    assert verify(tmp_path) == []


def test_the_check_of_the_units_can_fail(tmp_path: Path) -> None:
    copy_units(tmp_path)
    with (tmp_path / "kneeline-device.service").open("a", encoding="utf-8") as file:
        file.write("[Service]\nWatchDogSeconds=1\n")
    assert any("WatchDogSeconds" in line for line in verify(tmp_path))


@pytest.mark.parametrize(("name", "most"), [("kneeline-device.service", 40), ("kneeline-web.service", 25)])
def test_a_service_is_not_needlessly_exposed(name: str, most: int, tmp_path: Path) -> None:
    copy_units(tmp_path)
    done = subprocess.run(
        [tool("systemd-analyze"), "security", "--offline=yes", f"--threshold={most}", str(tmp_path / name)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.name)
def test_the_shell_can_parse_the_script(script: Path) -> None:
    shell = "bash" if "bash" in script.read_text(encoding="utf-8").splitlines()[0] else "sh"
    done = subprocess.run([shell, "-n", str(script)], capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_shellcheck_finds_no_fault_in_the_scripts() -> None:
    done = subprocess.run(
        [tool("shellcheck"), "--external-sources", *(str(s.relative_to(REPO)) for s in SCRIPTS)],
        cwd=REPO,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("board", ["run", "demo"])
def test_start_knows_what_to_start_where_no_command_is_told(tmp_path: Path, board: str) -> None:
    scripts, program = tmp_path / "systemd", tmp_path / "bin" / "kneeline"
    scripts.mkdir()
    program.parent.mkdir()
    shutil.copy(SYSTEMD / "start.sh", scripts)
    told = {"venv_folder": f"echo {tmp_path}", "install_project": ":", "say": ":"}
    told["on_pi"] = "true" if board == "run" else "false"
    (scripts / "lib.sh").write_text("".join(f"{name}() {{ {does}; }}\n" for name, does in told.items()))
    program.write_text('#!/bin/sh\necho "$@"\n')
    program.chmod(0o755)
    for line, started in (
        ("", board),
        ("--port 8081", f"{board} --port 8081"),
        ("--host=127.0.0.1", f"{board} --host=127.0.0.1"),
        ("demo --port 8081", "demo --port 8081"),
        ("--config my.toml doctor", "--config my.toml doctor"),
    ):
        command = ["sh", str(scripts / "start.sh"), *line.split()]
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
        assert done.stdout.split() == started.split()


@pytest.fixture
def box(tmp_path: Path) -> Iterator[tuple[dict[str, str], list[str]]]:
    """An environment in which a screen and its browser only say what they show, and what the box was asked for.

    Whatever it is asked, the box answers that it cannot.
    """
    asked: list[str] = []

    class Refusing(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(503)

        def log_message(self, format: str, *args: object) -> None:
            pass

    programs = {
        "bin/python": f'exec {sys.executable} "$@"',
        "path/chromium": "exit 1",
        "path/cage": 'for page; do :; done; echo "$page"; exec sleep 60',
    }
    for name, does in programs.items():
        program = tmp_path / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\n{does}\n")
        program.chmod(0o755)
    shutil.copy(SYSTEMD / "kiosk.sh", tmp_path)
    with ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        yield (
            environment
            | {"http_proxy": f"http://127.0.0.1:{server.server_port}", "PYTHONPATH": str(REPO)}
            | {"PATH": f"{tmp_path / 'path'}:{os.environ['PATH']}", "KNEELINE_CONFIG": str(tmp_path / "config.toml")}
            | {"RUNTIME_DIRECTORY": str(tmp_path)},
            asked,
        )
        server.shutdown()


def test_the_kiosk_shows_the_faults_of_the_settings_and_then_the_page(
    tmp_path: Path, box: tuple[dict[str, str], list[str]]
) -> None:
    """It waited for a page at an address that it could not read, and the screen stayed dark."""
    environment, asked = box
    file = tmp_path / "config.toml"

    def shown() -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["sh", str(tmp_path / "kiosk.sh")], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True, start_new_session=True,
        )  # fmt: skip

    for text, page in (
        ("[web\nport = 9000\n", f"http://127.0.0.1:{Config().web.port}"),
        ("[web]\nport = 9000\nhost = '::'\n", "http://[::1]:9000"),
    ):
        file.write_text(text)
        with shown() as kiosk:
            try:
                assert kiosk.stdout is not None
                said = [kiosk.stdout.readline().strip() for _ in range(3)]
                assert said == [f"waiting for {page}/healthz", f"showing {page} on the screen", f"{page}/?kiosk=1"]
                assert asked[-1] == f"{page}/healthz"
                if "[web]" not in text:
                    file.write_text("[web]\nport = 9001\n")
                    assert kiosk.wait(timeout=30) == -signal.SIGTERM  # systemd starts it again
                else:
                    assert kiosk.poll() is None
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(kiosk.pid, signal.SIGKILL)


class Installer:
    """The installer's own functions on a machine in ``folder``, where pip is quick and needs no network."""

    def __init__(self, folder: Path) -> None:
        self.releases, self._clone = folder / "opt" / "releases", folder / "clone"
        for name in ("model", "device", "web", "systemd"):
            (self._clone / name).mkdir(parents=True)
        for name in ("pyproject.toml", "README.md", "model/weights.tflite"):
            (self._clone / name).write_text(name)
        for script in ("lib.sh", "kiosk.sh"):
            shutil.copy(SYSTEMD / script, self._clone / "systemd")
        text = (SYSTEMD / "install.sh").read_text("utf-8").partition("\ncheck_machine\n")[0]
        there = text.replace("prefix=/opt/kneeline", f"prefix={folder / 'opt'}").replace("/etc/", f"{folder}/etc/")
        there = there.replace("/run/systemd/system", str(folder))
        self._functions = there.replace("/usr/local/bin", str(folder))
        self.pip = 'mkdir "$1/lib"; cp "$3/model/weights.tflite" "$1/lib"'
        self.program = ":"

    def __call__(self, steps: str) -> tuple[int, list[str]]:
        """Runs steps; returns the exit status and what was said."""
        write = f"printf '%s\\n' '#!/bin/sh' '{self.program}' >\"$1/bin/kneeline\"; chmod +x \"$1/bin/kneeline\""
        fakes = [
            "python_version=3.11",
            f'make_venv() {{ mkdir -p "$1/bin"; {write}; }}',
            f"pip_install() {{ {self.pip}; }}",
            "on_pi() { false; }",
        ]
        script = self._clone / "systemd" / "install.sh"
        script.write_text("\n".join([self._functions, *fakes, steps]), "utf-8")
        temporary = {"TMPDIR": str(self.releases.parents[1])}
        # What runs in the background has interrupts ignored, which a shell cannot take back.
        heard = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            done = subprocess.run(
                ["sh", str(script)], env=os.environ | temporary, capture_output=True, text=True, timeout=60, check=False
            )
        finally:
            signal.signal(signal.SIGINT, heard)
        return done.returncode, done.stderr.splitlines()

    def there(self) -> set[str]:
        return {one.name for one in self.releases.iterdir()}


BUILD = "build_release; check_program; write_config; take_over; remove_old_releases"


@pytest.fixture
def installer(tmp_path: Path) -> Installer:
    (tmp_path / "etc" / "kneeline").mkdir(parents=True)
    (tmp_path / "etc" / "kneeline" / "config.toml").touch()
    return Installer(tmp_path)


def test_a_release_with_a_damaged_file_is_built_anew_beside_the_running_one(
    tmp_path: Path, installer: Installer
) -> None:
    """It was called up to date, though to install again is what the doctor tells to do."""
    current = tmp_path / "opt" / "current"
    assert installer(BUILD)[0] == 0
    first = current.resolve()
    (first / "bin" / "__pycache__").mkdir()
    (first / "bin" / "__pycache__" / "made.pyc").write_text("when it first ran")
    status, said = installer(BUILD)
    assert (status, said[0]) == (0, f"kneeline: the program in {first} is up to date")
    damaged = first / "lib" / "weights.tflite"
    damaged.write_bytes(b"N" + damaged.read_bytes()[1:])
    pip, installer.pip = installer.pip, "die offline"
    status, said = installer(BUILD)
    assert (status, said[0]) == (1, f"kneeline: the program in {first} is damaged")
    assert current.resolve() == first  # half a program is more than none
    installer.pip = pip
    assert installer(BUILD)[0] == 0
    second = current.resolve()
    assert (second / "lib" / "weights.tflite").read_text() == "model/weights.tflite"
    assert installer.there() == {second.name}
    assert installer(BUILD)[1][0] == f"kneeline: the program in {second} is up to date"
    (second / "kiosk.sh").unlink()
    assert installer(BUILD)[0] == 0
    assert installer.there() == {first.name}


def test_what_an_installation_that_was_cut_off_has_left_goes_before_room_is_measured(
    tmp_path: Path, installer: Installer
) -> None:
    """It stayed for ever, and a card that was full of it was refused."""
    root, pip = "id() { echo 0; }; dpkg() { echo amd64; }; systemctl() { :; }; kiosk=no; ", installer.pip
    begun = {one.name for one in tmp_path.iterdir()}
    for cut, status in (("die offline", 1), ("kill $$; sleep 9", 1), ("kill -INT $$; sleep 9", 1), ("kill -9 $$", -9)):
        installer.pip = cut
        assert installer(BUILD)[0] == status
        assert len(installer.there()) == 1
        left = {one.name for one in tmp_path.iterdir()} - begun - {"opt"}
        if status == 1:
            assert left == set()
        room = f"df() {{ ls {installer.releases} | awk '{{ exit 1 }}' && printf 'head\\n- - - 1500\\n'; }}; "
        assert installer(f"{root}{room}check_machine") == (0, [])
        assert installer.there() == set()
    installer.pip = pip
    assert installer(BUILD)[0] == 0
    current = (tmp_path / "opt" / "current").resolve()
    (current / "complete").unlink()
    (installer.releases / "half").mkdir()
    assert installer(f"{root}df() {{ printf 'head\\n- - - 1499\\n'; }}; check_machine")[0] == 1
    assert installer.there() == {current.name}


@pytest.mark.parametrize(("host", "shown"), [("fd00::7", "[fd00::7]"), ("192.168.1.7", "192.168.1.7")])
def test_the_installer_ends_with_an_address_that_can_be_opened(
    tmp_path: Path, installer: Installer, monkeypatch: pytest.MonkeyPatch, host: str, shown: str
) -> None:
    python, file = tmp_path / "bin" / "python", tmp_path / "own.toml"
    python.parent.mkdir()
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    file.write_text(f"[web]\nhost = '{host}'\nport = 9000\n")
    monkeypatch.setenv("PYTHONPATH", str(REPO))
    monkeypatch.setenv("KNEELINE_CONFIG", str(file))
    status, said = installer(f"systemctl() {{ :; }}; chosen=; release={tmp_path}; start_services")
    assert status == 0
    assert said[-1] == f"kneeline: running; the page: http://{gethostname()}.local:9000 or http://{shown}:9000/"


def test_a_program_that_does_not_run_is_not_taken_for_faulty_settings(tmp_path: Path, installer: Installer) -> None:
    works = installer.program
    installer.program = "echo no numpy here >&2; exit 1"
    status, said = installer(BUILD)
    assert status == 1
    assert "no numpy here" in said
    assert "does not run" in said[-1]
    assert "config.toml" not in said[-1]
    assert not (tmp_path / "opt" / "current").exists()
    installer.program = works
    assert installer(BUILD)[0] == 0
    installer.program = 'test "$1" = --version'
    (tmp_path / "clone" / "model" / "weights.tflite").write_text("newer")
    status, said = installer(BUILD)
    assert (status, "mend " in said[-1], "config.toml" in said[-1]) == (1, True, True)


def test_services_that_die_are_started_again_and_the_leds_go_dark() -> None:
    for name in ("kneeline-device.service", "kneeline-web.service", "kneeline-kiosk.service"):
        assert unit(name)["Service"]["Restart"] == "always"
    device = unit("kneeline-device.service")["Service"]
    assert device["Type"] == "notify"
    assert re.fullmatch(r"\d+s", device["WatchdogSec"])
    assert device["ExecStopPost"].startswith("-")
    assert " cues-off " in device["ExecStopPost"]


@pytest.mark.parametrize("drop_in", ["restart-slow.conf", "restart-steps.conf"])
def test_a_box_that_nobody_looks_at_never_gives_up(tmp_path: Path, drop_in: str) -> None:
    """What the installer puts beside the units is understood, and no start comes so soon that the cap is reached."""
    copy_units(tmp_path)
    for name in ("kneeline-device.service", "kneeline-web.service"):
        folder = tmp_path / f"{name}.d"
        folder.mkdir()
        shutil.copy(SYSTEMD / drop_in, folder / f"10-{drop_in}")
    said = verify(tmp_path)
    if drop_in == "restart-slow.conf":
        assert said == []
        assert unit(drop_in)["Unit"]["StartLimitIntervalSec"] == "0"
        return
    # Before 254 it is not known, and is not installed there.
    assert all(re.search(r"RestartSteps|RestartMaxDelaySec", line) for line in said)
    steps, service = unit(drop_in)["Service"], unit("kneeline-device.service")
    first_s, last_s, n = 2.0, 60.0, int(steps["RestartSteps"])
    assert (service["Service"]["RestartSec"], steps["RestartMaxDelaySec"]) == ("2s", "60s")
    waits_s = [first_s * (last_s / first_s) ** (min(i, n) / n) for i in range(20)]
    assert service["Unit"]["StartLimitBurst"] == "20"
    assert sum(waits_s) > 300


def test_the_web_service_has_no_way_to_camera_and_pins() -> None:
    web = unit("kneeline-web.service")["Service"]
    assert web["PrivateDevices"] == "yes"
    assert web["User"] != unit("kneeline-device.service")["Service"]["User"]
    assert not {"video", "gpio"} & set(web["SupplementaryGroups"].split())


def test_the_web_keeps_its_key_in_the_folder_of_its_own_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    assert unit("kneeline-web.service")["Service"]["StateDirectory"] == "kneeline-web"
    installed = parse_config({"store": {"path": "/var/lib/kneeline/kneeline.db"}})
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/kneeline-web")
    assert key_folder(installed) == Path("/var/lib/kneeline-web")
    monkeypatch.delenv("STATE_DIRECTORY")
    assert key_folder(installed) == Path("/var/lib/kneeline")


def default_config() -> str:
    done = subprocess.run(
        [sys.executable, str(SYSTEMD / "default_config.py")],
        env={**os.environ, "PYTHONPATH": str(REPO)},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return done.stdout


def test_the_installed_settings_file_differs_from_the_defaults_only_in_where_things_are() -> None:
    installed = parse_config(tomllib.loads(default_config()))
    assert installed.database_path() == Path("/var/lib/kneeline/kneeline.db")
    assert installed.socket_path() == Path("/run/kneeline/live.sock")
    plain = Config()
    assert installed.model_copy(update={"store": plain.store, "live": plain.live}) == plain


def test_the_values_in_the_comments_of_the_installed_settings_file_are_the_defaults() -> None:
    text = re.sub(r"^#(\w+ = )", r"\1", default_config(), flags=re.MULTILINE)
    written = tomllib.loads(text)
    for section in ("store", "live"):
        del written[section]
    assert parse_config(written) == Config()
    assert written["camera"]["fps"] == Config().camera.fps
