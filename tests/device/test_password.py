"""The page's password: the file that holds its hash, and the command that sets it."""

from __future__ import annotations

import io
import os
import pty
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from device import password as module
from device.cli import main
from device.config import parse_config
from device.password import FILE_NAME, PasswordError, is_right, password_path, read_hash, set_password
from model.errors import InputError

REPO = Path(__file__).resolve().parents[2]
GOOD = "hip over knee"


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(f'[store]\npath = "{tmp_path}/box/k.db"\n')
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "box" / FILE_NAME


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is typed at the prompts of a terminal."""
    lines: list[str] = []

    def getpass(prompt: str) -> str:
        if not lines:
            raise EOFError
        return lines.pop(0)

    monkeypatch.setattr(module, "getpass", getpass)
    monkeypatch.setattr(sys, "stdin", Terminal())
    return lines


def test_file_holds_a_hash_and_not_the_password(path: Path) -> None:
    assert read_hash(path) is None
    set_password(path, GOOD)
    kept = read_hash(path)
    assert kept is not None
    assert kept.startswith("scrypt:")
    assert GOOD not in path.read_text()
    assert is_right(kept, GOOD)
    assert not is_right(kept, GOOD.upper())
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert stat.S_IMODE(path.parent.stat().st_mode) & 0o007 == 0
    assert [one.name for one in path.parent.iterdir()] == [FILE_NAME]


def test_same_password_twice_is_another_hash(path: Path) -> None:
    set_password(path, GOOD)
    before = read_hash(path)
    set_password(path, GOOD)
    assert read_hash(path) != before


def test_accent_typed_as_one_or_two_characters_is_the_same(path: Path) -> None:
    set_password(path, "caf\u00e9 caf\u00e9")
    assert is_right(path.read_text().strip(), "cafe\u0301 cafe\u0301")


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_power_cut_leaves_the_old_one_whole(path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    set_password(path, GOOD)

    def cut(*_: object) -> None:
        assert read_hash(path) is not None
        raise OSError(5, "the power is gone")

    with monkeypatch.context() as patched:
        patched.setattr(os, call, cut)
        with pytest.raises(InputError, match=r"cannot be changed \(the power is gone\): check the disk"):
            set_password(path, "another one")
    assert is_right(path.read_text().strip(), GOOD)
    assert [one.name for one in path.parent.iterdir()] == [FILE_NAME]


def test_foreign_folder_needs_sudo(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refused)
    with pytest.raises(InputError, match=r"cannot be changed \(Permission denied\): run it with sudo$"):
        set_password(path, GOOD)


def test_content_is_on_the_disk_before_it_has_its_name(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    def noted(name: str) -> Callable[..., None]:
        call: Callable[..., None] = getattr(os, name)

        def noting(*values: Any) -> None:
            done.append(name)
            call(*values)

        return noting

    for name in ("fsync", "replace"):
        monkeypatch.setattr(os, name, noted(name))
    set_password(path, GOOD)
    assert done == ["fsync", "replace", "fsync"]


def test_root_gives_the_file_to_the_owner_of_the_folder(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[tuple[int, int]] = []
    path.parent.mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "fchown", lambda fd, user, group: given.append((user, group)))
    set_password(path, GOOD)
    owner = path.parent.stat()
    assert given == [(owner.st_uid, owner.st_gid)]


@pytest.mark.parametrize("content", ["", "\n", "scrypt:32768:8:1$salt", GOOD, "\xff\xfe", "scrypt:32768:8:1$salt$12"])
def test_damaged_file_is_said_with_the_remedy(path: Path, content: str) -> None:
    path.parent.mkdir()
    path.write_text(content, encoding="latin-1")
    with pytest.raises(PasswordError, match=r"damaged; set it anew: kneeline set-password$"):
        read_hash(path)


@pytest.mark.parametrize(("own", "remedy"), [(True, "kneeline set-password"), (False, "sudo kneeline set-password")])
def test_remedy_needs_sudo_where_the_folder_is_the_service_s(
    path: Path, monkeypatch: pytest.MonkeyPatch, own: bool, remedy: str
) -> None:
    path.parent.mkdir()
    path.write_text("damaged")
    monkeypatch.setattr(os, "access", lambda folder, mode: own and folder == path.parent)
    with pytest.raises(PasswordError, match=rf"; set it anew: {remedy}$"):
        read_hash(path)


def test_unreadable_file_is_no_missing_file(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(PasswordError, match=r"cannot be read \(Is a directory\); set it anew"):
        read_hash(path)


def test_it_is_kept_with_the_database_and_not_with_the_web_service(monkeypatch: pytest.MonkeyPatch) -> None:
    """As installed: root, the device and the web service come to the same file."""
    installed = parse_config({"store": {"path": "/var/lib/kneeline/kneeline.db"}})
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/kneeline-web")
    assert password_path(installed) == Path("/var/lib/kneeline") / FILE_NAME


def test_command_sets_what_was_typed_twice(
    config_file: Path, path: Path, typed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    typed += [GOOD, GOOD]
    assert main(["set-password", "--config", str(config_file)]) == 0
    assert is_right(path.read_text().strip(), GOOD)
    assert capsys.readouterr().out == f"{path}: the password is set, the page asks for it from now on\n"


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([GOOD, "hip over knees"], "the two passwords differ: nothing was changed; run it again and type"),
        (["", ""], "the password is empty: take one of at least 8 characters"),
        ([" " * 9], "the password is empty"),
        (["1234567", "1234567"], "the password has 7 characters: take at least 8"),
        (["x", "x"], "the password has 1 character: take at least 8"),
        (["bad \udcff bytes"], "not UTF-8 text"),
        ([], "no password was typed: nothing was changed; run it again"),
        ([GOOD], "no password was typed"),
    ],
)
def test_what_cannot_be_a_password_is_one_line(
    config_file: Path, path: Path, typed: list[str], capsys: pytest.CaptureFixture[str], lines: list[str], said: str
) -> None:
    typed += lines
    assert main(["set-password", "--config", str(config_file)]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("kneeline: ")
    assert said in told.err
    assert told.err.count("\n") == 1
    assert not path.exists()


def run(config_file: Path, *options: str, typed: bytes) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "device", "set-password", "--config", str(config_file), *options]
    return subprocess.run(command, cwd=REPO, input=typed, capture_output=True, timeout=60, check=False)


def test_pipe_gives_one_line(config_file: Path, path: Path) -> None:
    assert run(config_file, typed=f"{GOOD}\nand more\n".encode()).returncode == 0
    assert is_right(path.read_text().strip(), GOOD)


@pytest.mark.parametrize("line", [b"", b"\n", b"short\n", b"\xff\xfe not utf-8\n"])
def test_pipe_without_a_password_changes_nothing(config_file: Path, path: Path, line: bytes) -> None:
    done = run(config_file, typed=line)
    assert done.returncode == 2
    assert done.stderr.startswith(b"kneeline: the password ")
    assert done.stderr.count(b"\n") == 1
    assert not path.exists()


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """Two ends of a real terminal: the keyboard and screen, and the program's."""
    ends = pty.openpty()
    yield ends
    for end in ends:
        os.close(end)


def test_terminal_shows_nothing_of_what_is_typed(config_file: Path, path: Path, terminal: tuple[int, int]) -> None:
    keyboard, end = terminal
    command = [sys.executable, "-m", "device", "set-password", "--config", str(config_file)]
    shown = b""
    with subprocess.Popen(command, cwd=REPO, stdin=end, stdout=end, stderr=end, start_new_session=True) as process:
        for prompt in (b"New password for the page: ", b"The same again: "):
            while not shown.endswith(prompt):
                shown += os.read(keyboard, 1024)
            os.write(keyboard, f"{GOOD}\n".encode())
        while b"from now on" not in shown:
            shown += os.read(keyboard, 1024)
        assert process.wait(timeout=60) == 0
    assert GOOD.encode() not in shown
    assert is_right(path.read_text().strip(), GOOD)


def test_remove_takes_it_away(config_file: Path, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    set_password(path, GOOD)
    assert main(["set-password", "--remove", "--config", str(config_file)]) == 0
    assert "the page is open to all" in capsys.readouterr().out
    assert read_hash(path) is None
    assert main(["set-password", "--remove", "--config", str(config_file)]) == 0
    assert "no password was set" in capsys.readouterr().out


def test_folder_that_cannot_be_written_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("no folder")
    config_file = tmp_path / "config.toml"
    config_file.write_text(f'[store]\npath = "{tmp_path}/file/k.db"\n')
    for options in (["--remove"], []):
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(sys, "stdin", io.StringIO(f"{GOOD}\n"))
            assert main(["set-password", "--config", str(config_file), *options]) == 2
        said = capsys.readouterr().err
        assert "cannot be changed" in said
        assert "check the disk" in said
        assert said.count("\n") == 1
