"""A backup comes back: whole, or nothing is touched; and what was there before is still there."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from device.cli import main
from device.store import SessionHeader, Store, StoreReader, restore
from model.errors import StoreError
from tests.nobody import as_nobody

HEADER = SessionHeader(source="demo_front.mp4", model="movenet-lightning-int8", app_version="0.1.0", fps=30.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "kneeline.db"


@pytest.fixture
def backup(path: Path, tmp_path: Path) -> Path:
    """Of two sessions; the database has a third one since."""
    target = tmp_path / "usb" / "copy.db"
    target.parent.mkdir()
    with Store.open(path) as store:
        for _ in range(2):
            store.end_session(store.begin_session(HEADER))
        StoreReader(path).backup(target)
        store.end_session(store.begin_session(HEADER))
    return target


def sessions(path: Path) -> list[int]:
    return sorted(row["id"] for row in StoreReader(path).list_sessions())


def files(path: Path) -> dict[str, bytes]:
    """All in its folder, but for the lock, which holds a number only, and what SQLite makes anew for reading."""
    passing = {f"{path.name}{end}" for end in (".lock", "-shm")}
    return {file.name: file.read_bytes() for file in path.parent.iterdir() if file.name not in passing}


def test_a_backup_comes_back_and_what_was_there_is_put_aside(path: Path, backup: Path) -> None:
    aside = restore(path, backup)
    assert aside is not None
    assert (sessions(path), sessions(aside), sessions(backup)) == ([1, 2], [1, 2, 3], [1, 2])
    with Store.open(path) as store:
        assert store.begin_session(HEADER) == 3
    assert path.stat().st_mode & 0o777 == 0o640


def test_also_where_there_is_nothing_as_on_a_new_card(path: Path, backup: Path) -> None:
    shutil.rmtree(path.parent)
    assert restore(path, backup) is None
    assert sessions(path) == [1, 2]


def test_what_a_power_cut_left_in_the_log_is_put_aside_too_and_comes_into_nothing_else(
    path: Path, backup: Path
) -> None:
    script = f"""
import os, pathlib
from device.store import SessionHeader, Store
store = Store.open(pathlib.Path({str(path)!r}))
store.begin_session(SessionHeader(source="s", model="m", app_version="0"))
os._exit(0)
"""
    subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(__file__).resolve().parents[2])
    assert path.with_name(f"{path.name}-wal").stat().st_size
    aside = restore(path, backup)
    assert aside is not None
    assert (sessions(path), sessions(aside)) == ([1, 2], [1, 2, 3, 4])
    with closing(sqlite3.connect(path)) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.parametrize("end", ["", "-wal"])
def test_a_damaged_database_is_put_aside_as_it_is(path: Path, backup: Path, end: str) -> None:
    damaged = b"not a database at all" * 300
    path.with_name(path.name + end).write_bytes(damaged)
    aside = restore(path, backup)
    assert aside is not None
    assert sessions(path) == [1, 2]
    if end:
        assert sessions(aside) == [1, 2, 3]
    else:
        assert aside.read_bytes() == damaged


def _damage(backup: Path) -> None:
    with backup.open("r+b") as file:
        file.seek(backup.stat().st_size // 4096 // 2 * 4096)
        file.write(b"[" * 4096)


def _of_a_newer_program(backup: Path) -> None:
    with closing(sqlite3.connect(backup)) as raw:
        raw.execute("PRAGMA user_version = 4711")


def _empty(backup: Path) -> None:
    backup.write_bytes(b"")


def _of_another_program(backup: Path) -> None:
    backup.unlink()
    with closing(sqlite3.connect(backup)) as raw:
        raw.execute("CREATE TABLE recipes (name)")


def _a_folder(backup: Path) -> None:
    backup.unlink()
    backup.mkdir()


def _no_database(backup: Path) -> None:
    backup.write_bytes(b"%PDF-1.7 and so on" * 1000)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_damage, "is damaged"),
        (_of_a_newer_program, "has schema 4711, this program knows .*: a newer Kneeline wrote it"),
        (_empty, "is empty"),
        (_of_another_program, "is no Kneeline database"),
        (_no_database, "is no Kneeline database"),
        (Path.unlink, "is not there"),
        (_a_folder, "is not there"),
    ],
)
def test_what_is_no_whole_backup_changes_nothing(
    path: Path, backup: Path, spoil: Callable[[Path], object], said: str
) -> None:
    spoil(backup)
    before = files(path)
    remedy = "name another that kneeline backup has written. Nothing was changed"
    with pytest.raises(StoreError, match=f"^{backup} {said}; {remedy}$"):
        restore(path, backup)
    assert files(path) == before


def test_the_database_is_no_backup_of_itself(path: Path, backup: Path) -> None:
    link = backup.with_name("link.db")
    link.symlink_to(path)
    with pytest.raises(StoreError, match="is the database itself; name another"):
        restore(path, link)
    assert sessions(path) == [1, 2, 3]


def test_while_a_device_writes_it_nothing_is_touched_and_the_remedy_is_told(
    path: Path, backup: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "config.toml"
    settings.write_text(f'[store]\npath = "{path}"\n')
    line = ["restore", str(backup), "--config", str(settings)]
    with Store.open(path):
        assert main(line) == 2
        said = capsys.readouterr().err
        assert "stop it first: sudo systemctl stop kneeline.target" in said
        assert said.count("\n") == 1
        assert sessions(path) == [1, 2, 3]
    assert main(line) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == f"{path}: is what {backup} holds"
    aside, colon, _ = told[1].partition(": what was there before")
    assert colon
    assert (sessions(path), sessions(Path(aside))) == ([1, 2], [1, 2, 3])


@pytest.mark.parametrize("failing", ["first rename", "second rename", "copy"])
def test_a_disk_that_refuses_leaves_the_database_as_it_was(
    path: Path, backup: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    before = files(path)
    genuine, fails = os.replace, {"first rename": path, "second rename": path.with_name(f"{path.name}.new")}

    def replaced(source: Path, to: Path) -> None:
        if source == fails.get(failing):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        genuine(source, to)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", replaced)
    if failing == "copy":
        monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match=r"kneeline.db cannot be written \(.*Nothing was changed$"):
        restore(path, backup)
    assert files(path).keys() == before.keys()
    assert sessions(path) == [1, 2, 3]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may restore for the service's user")
def test_where_root_restores_the_service_may_write_it_all(backup: Path) -> None:
    with tempfile.TemporaryDirectory() as name:  # where everybody may go, as not below pytest's own
        path = Path(name) / "kneeline.db"
        os.chown(name, 65534, 65534)
        restore(path, backup)
        with as_nobody():
            Store.open(path).close()
        assert sessions(path) == [1, 2]
