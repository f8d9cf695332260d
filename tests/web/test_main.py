"""Serving: the address, the port, and the end."""

from __future__ import annotations

import errno
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

import pytest

from device import config as settings_module
from device.address import listen
from device.config import Config, WebConfig
from device.live import LivePublisher
from device.password import password_path, set_password
from model.errors import InputError
from web import faulty
from web.__main__ import main, settings_with
from web.address import lan_address, page_url
from web.app import MAX_BODY_BYTES

REPO = Path(__file__).resolve().parents[2]


@pytest.fixture
def config_file(config: Config, tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(f'[store]\npath = "{config.store.path}"\n[live]\nsocket = "{config.live.socket}"\n')
    return path


@contextmanager
def serving(config_file: Path, *program: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A real server process on a free port, and its address."""
    begun = [sys.executable, *(program or ("-m", "web"))]
    command = [*begun, "--config", str(config_file), "--host", "127.0.0.1", "--port", "0"]
    with subprocess.Popen(command, cwd=REPO, stderr=subprocess.PIPE, text=True, env=dict(os.environ)) as process:
        assert process.stderr is not None
        try:
            found = re.search(r"http://127\.0\.0\.1:\d+/", process.stderr.readline())
            assert found is not None
            yield process, found[0]
        finally:
            process.kill()


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        text: str = answer.read().decode()
        return text


def test_says_its_address_serves_and_ends_on_sigterm(config_file: Path) -> None:
    with serving(config_file) as (process, url):
        assert json.loads(get(f"{url}healthz"))["ok"] is True
        assert "Left knee" in get(url)
        with urllib.request.urlopen(f"{url}api/events", timeout=10) as stream:
            assert stream.readline() == b"retry: 1000\n"
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=20) == 0


def test_pages_answer_while_many_stream(config_file: Path, config: Config, eventually: Callable[..., None]) -> None:
    """More listeners than places: those beyond are sent to polling, and nobody keeps a page from its answer."""
    with serving(config_file) as (_, url), LivePublisher(config.socket_path()) as device:
        answers: list[int] = []

        def listen() -> None:
            try:
                with urllib.request.urlopen(f"{url}api/events", timeout=5) as stream:
                    answers.append(stream.status)
                    over.wait(20)
            except urllib.error.HTTPError as error:
                answers.append(error.code)
                error.close()

        over = threading.Event()
        listeners = [threading.Thread(target=listen, daemon=True) for _ in range(20)]
        for listener in listeners:
            listener.start()
        device.publish({"type": "health", "fps": 30.0})
        eventually(lambda: len(answers) == 20, "all answers", timeout_s=20)
        assert sorted(answers) == [200] * 12 + [503] * 8
        assert "Left knee" in get(url)
        eventually(lambda: json.loads(get(f"{url}api/live"))["health"] == {"type": "health", "fps": 30.0}, "the device")
        over.set()
        for listener in listeners:
            listener.join()


def by_half(url: str) -> socket.socket:
    """A connection on which half a request was sent."""
    host, port = urlsplit(url).netloc.split(":")
    connected = socket.create_connection((host, int(port)), timeout=10)
    connected.sendall(b"GET / HTTP/1.1\r\nHost: ")
    return connected


def test_pages_answer_while_one_client_sends_many_requests_by_half(config_file: Path) -> None:
    with serving(config_file) as (_, url), ExitStack() as all_of_them:
        for _ in range(400):
            all_of_them.enter_context(closing(by_half(url)))
        assert "Left knee" in get(url)


def test_who_asks_for_nothing_is_hung_up_on_and_who_listens_is_not(config_file: Path) -> None:
    impatient = "import web.__main__ as it; it._IDLE_S = 1; it.main()"
    with (
        serving(config_file, "-c", impatient) as (_, url),
        urllib.request.urlopen(f"{url}api/events", timeout=10) as stream,
        closing(by_half(url)) as half,
    ):
        assert half.recv(1) == b""
        told = [stream.readline() for _ in range(10)]  # the first lines, then two a second
        assert sum(line.startswith(b"data: ") for line in told) == 4


def test_what_a_proxy_on_the_box_passes_on_is_not_from_its_own_screen(
    config_file: Path, config: Config, make_session: Callable[..., int]
) -> None:
    card = f"sessions/{make_session(3)}/card"
    set_password(password_path(config), "hip over knee")
    with serving(config_file) as (_, url):
        assert "Session 1" in get(url + card)
        passed_on = urllib.request.Request(url + card, headers={"X-Forwarded-For": "192.168.1.50"})
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(passed_on, timeout=10)
        with refused.value as answer:
            assert answer.code == 401


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_large_is_refused(config_file: Path, chunked: bool) -> None:
    """In the words of the pages up to a limit, and beyond it before it is taken in."""
    with serving(config_file) as (_, url):
        for size, said in ((MAX_BODY_BYTES + 1, b"64 KiB at most"), (8 * MAX_BODY_BYTES, b"Too Large")):
            with closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)) as server:
                body = iter([b"x" * size]) if chunked else b"x" * size
                headers = {"Content-Type": "application/x-www-form-urlencoded"}
                with suppress(ConnectionError):  # it is hung up on amid the second one
                    server.request("POST", "/device/calibrate", body, headers)
                answer = server.getresponse()
                assert answer.status == 413
                assert said in answer.read()


def test_port_in_use_is_one_line_with_the_remedy(config_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["--config", str(config_file), "--host", "127.0.0.1", "--port", str(port)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert str(port) in said
    assert "another program uses this port" in said
    assert "--port" in said


def test_address_that_is_not_ours_is_said(config_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--config", str(config_file), "--host", "203.0.113.9", "--port", "0"]) == 2
    assert "0.0.0.0 for all networks" in capsys.readouterr().err


def test_host_of_the_command_line_is_that_of_the_settings(config_file: Path) -> None:
    """It is a name that leads to the page, and an address by which the box reaches itself."""
    for host, known in ((None, "0.0.0.0"), ("gym.example", "gym.example")):
        assert settings_with(config_file, host).web.host == known


@pytest.mark.parametrize("port", ["70000", "-1", "http"])
def test_port_that_is_none_is_refused(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--port", port])
    assert ended.value.code == 2
    assert "--port" in capsys.readouterr().err


def test_faulty_settings_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[web]\nport = 0\nhots = 1\n")
    assert main(["--config", str(path)]) == 2
    said = capsys.readouterr().err
    assert "[web] port = 0: must be 1 to 65535" in said
    assert "did you mean host?" in said
    assert all(line.startswith("kneeline web: ") for line in said.splitlines())


@pytest.fixture
def faulty_box(config_file: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The installed service, as systemd starts it, on settings with faults, and the page's address."""
    right = config_file.read_text()
    secret = "'hip: unknown setting; knee'"
    config_file.write_text(f"{right}[camera]\nfsp = 30\nview = '<b>'\n[web]\npassword = {secret}\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    there = f"import pathlib, device.config as it; it.SYSTEM_FILE = pathlib.Path({str(config_file)!r})"
    program = [sys.executable, "-c", f"{there}; import sys; from web.__main__ import main; sys.exit(main())"]
    by_systemd = ["sh", "-c", 'SYSTEMD_EXEC_PID=$$ exec "$@"', "sh", *program]
    command = [*by_systemd, "--config", str(config_file), "--host", "127.0.0.1", "--port", str(port)]
    with subprocess.Popen(command, cwd=REPO, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            while "http://" not in (line := process.stderr.readline()):
                assert line
            yield process, f"http://127.0.0.1:{port}/"
        finally:
            process.kill()


def told(url: str, method: str = "GET") -> tuple[int, str]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except OSError:
        return 0, ""


def test_a_box_whose_settings_have_faults_says_so_on_its_page_until_they_are_mended(
    faulty_box: tuple[subprocess.Popen[str], str], config_file: Path, eventually: Callable[..., None]
) -> None:
    """Nobody at a box without a terminal learnt why it stayed dark after a typing error and a power cut."""
    process, url = faulty_box
    with closing(by_half(url)):  # keeps nobody from the page
        for path in ("", "?kiosk=1", "healthz", "api/live", "runners"):
            status, page = told(url + path)
            assert status == 503
    assert "<h1>The settings have faults</h1>" in page
    assert "sudo kneeline config check" in page
    assert "<li>config.toml [camera] fsp: unknown setting; did you mean fps?</li>" in page
    assert "<li>config.toml [camera] view = &quot;&lt;b&gt;&quot;: must be" in page
    assert "[web] password: unknown setting; known are host" in page
    assert "knee" not in page.replace("kneeline", "")
    assert told(url, "POST") == (503, page)
    assert told(url, "HEAD") == (503, "")
    config_file.write_text("[camera\n")
    eventually(lambda: "is not valid TOML" in told(url)[1], "the fault of now", timeout_s=20)
    config_file.write_text("[store]\npath = 'k.db'\n[live]\nsocket = 'live.sock'\n")
    eventually(lambda: told(f"{url}healthz")[0] == 200, "the page itself", timeout_s=20)
    assert "Left knee" in get(url)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=20) == 0


def test_settings_that_are_being_saved_are_not_taken_by_half(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty file is right, and editors begin with one."""
    monkeypatch.setattr(faulty, "_AGAIN_S", 0.01)
    whole = Config(web=WebConfig(port=9000))
    found: Iterator[Config | InputError] = iter([Config(), InputError("half of it"), Config(), whole, whole])

    def read() -> Config:
        if isinstance(one := next(found), InputError):
            raise one
        return one

    assert faulty.serve_until_mended(listen("127.0.0.1", 0), InputError("wrong"), read) == whole
    assert next(found, None) is None


def test_a_page_of_faults_ends_when_the_service_is_stopped(faulty_box: tuple[subprocess.Popen[str], str]) -> None:
    process, url = faulty_box
    assert told(url)[0] == 503
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=20) == 0


@pytest.mark.parametrize("by_systemd", [False, True])
def test_who_starts_it_by_hand_or_on_another_file_gets_one_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], by_systemd: bool
) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[camera]\nfps = 1\n")
    monkeypatch.setattr(settings_module, "SYSTEM_FILE", tmp_path / "other.toml" if by_systemd else file)
    monkeypatch.setenv("SYSTEMD_EXEC_PID", str(os.getpid() if by_systemd else os.getppid()))
    assert main(["--config", str(file), "--host", "127.0.0.1", "--port", "0"]) == 2
    assert capsys.readouterr().err == "kneeline web: config.toml [camera] fps = 1: must be 10 to 120\n"


@pytest.mark.parametrize(
    ("host", "port", "url"),
    [
        ("192.168.1.7", 8080, "http://192.168.1.7:8080/"),
        ("kneeline.local", 80, "http://kneeline.local/"),
        ("fe80::1", 8080, "http://[fe80::1]:8080/"),
    ],
)
def test_address_for_people(host: str, port: int, url: str) -> None:
    assert page_url(host, port) == url


class Routed(socket.socket):
    """On a network of the kinds in ``kinds`` alone, where this machine itself is the way out."""

    kinds: ClassVar[dict[int, str]] = {}

    def connect(self, address: object) -> None:
        if self.family not in self.kinds:
            raise OSError(errno.ENETUNREACH, "Network is unreachable")
        super().connect((self.kinds[self.family], 9))


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def has(*kinds: str) -> None:
        known = {"127.0.0.1": socket.AF_INET, "::1": socket.AF_INET6}
        monkeypatch.setattr(Routed, "kinds", {known[kind]: kind for kind in kinds})
        monkeypatch.setattr("web.address.socket.socket", Routed)

    return has


needs_ipv6 = pytest.mark.skipif(not Path("/proc/net/if_inet6").exists(), reason="no IPv6 here")


@needs_ipv6
@pytest.mark.parametrize(
    ("kinds", "everywhere", "ipv4_alone"),
    [
        (("::1",), "http://[::1]:8080/", "http://127.0.0.1:8080/"),
        (("127.0.0.1", "::1"), "http://127.0.0.1:8080/", "http://127.0.0.1:8080/"),
        ((), "http://127.0.0.1:8080/", "http://127.0.0.1:8080/"),
    ],
)
def test_address_on_a_network_with_ipv6_alone(
    network: Callable[..., None], kinds: tuple[str, ...], everywhere: str, ipv4_alone: str
) -> None:
    network(*kinds)
    assert page_url("::", 8080) == everywhere
    assert page_url("0.0.0.0", 8080) == ipv4_alone
    assert lan_address("::") == (kinds[0] if kinds else None)
    assert lan_address("0.0.0.0") == ("127.0.0.1" if "127.0.0.1" in kinds else None)


def test_no_kind_of_address_at_all_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel without IPv6 makes no such socket."""

    def unknown(*_: object) -> None:
        raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")

    monkeypatch.setattr("web.address.socket.socket", unknown)
    assert lan_address("::") is None


@needs_ipv6
def test_a_page_for_both_kinds_of_address_answers_both(config_file: Path) -> None:
    command = [sys.executable, "-m", "web", "--config", str(config_file), "--host", "::", "--port", "0"]
    with subprocess.Popen(command, cwd=REPO, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            port = urlsplit(process.stderr.readline().split()[-1]).port
            for host in ("127.0.0.1", "[::1]"):
                assert json.loads(get(f"http://{host}:{port}/healthz"))["ok"] is True
        finally:
            process.kill()


def test_address_of_everywhere_is_one_that_can_be_opened() -> None:
    host = page_url("0.0.0.0", 80).removeprefix("http://").rstrip("/")
    with suppress(OSError), socket.socket() as probe:
        probe.bind((host, 0))
        return
    pytest.fail(f"{host} is no address of this machine")


def test_an_account_without_a_home_folder_is_told_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def unknown() -> Path:
        raise RuntimeError("Could not determine home directory.")

    for name in ("XDG_DATA_HOME", "STATE_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", unknown)
    (tmp_path / "config.toml").write_text("")
    assert main(["--config", str(tmp_path / "config.toml"), "--host", "127.0.0.1", "--port", "0"]) == 2
    said = "kneeline web: this account has no home folder for the database; set HOME, or [store] path\n"
    assert capsys.readouterr().err == said
