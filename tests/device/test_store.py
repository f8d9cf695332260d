"""The store: what is written is on the disk, whatever happens afterwards, and every fault is one clear line."""

from __future__ import annotations

import errno
import math
import os
import random
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial
from itertools import takewhile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from device.interrupted import close_interrupted
from device.store import SessionHeader, Store, StoreDamaged, StoreReader, database, reader, restore, training, writer
from model.coach import Baseline
from model.errors import StoreError
from model.pose import Side
from model.programme import Adherence, Attempt
from model.stance import DOUBTED_QUALITY
from tests.nobody import as_nobody

REPO = Path(__file__).resolve().parents[2]
HEADER = SessionHeader(source="demo_front.mp4", model="movenet-lightning-int8", app_version="0.1.0", fps=30.0)
CUE = {"t_s": 8.3, "side": "right", "metric": "fppa_deg", "value": 11.9, "threshold": 8.0}


def stance(n: int = 0, **values: Any) -> dict[str, Any]:
    head = {"side": "right" if n % 2 else "left", "strike_s": n * 0.36, "toe_off_s": n * 0.36 + 0.25, "quality": 0.83}
    return {**head, "fppa_deg": 11.9, "hip_extension_deg": None, **values}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "kneeline.db"


def test_what_the_store_makes_is_for_owner_and_group_alone(path: Path) -> None:
    """Whatever the umask of who runs it by hand. The web service reads it by its group."""
    before = os.umask(0o022)
    try:
        with Store.open(path) as store:
            store.begin_session(HEADER)
            modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    finally:
        os.umask(before)
    assert {"kneeline.db", "kneeline.db-wal", "kneeline.db.lock"} <= modes.keys()
    assert set(modes.values()) == {0o640}
    assert path.parent.stat().st_mode & 0o777 == 0o750


def test_a_session_comes_back_in_the_agreed_form(path: Path) -> None:
    camera = {"yaw_deg": None, "state": "unknown"}
    summary = {"cadence_spm": 168.1, "left": {"stances": 1}}
    with Store.open(path) as store:
        session_id = store.begin_session(HEADER)
        assert store.add_stance(session_id, stance(0)) == 1
        assert store.add_stance(session_id, stance(1)) == 2
        store.set_reps(session_id, [{"start_s": 1.0, "faults": ["knee_medial_right"]}], {})
        store.add_cue(session_id, CUE)
        store.add_cue(session_id, {**CUE, "latency_ms": 41.5})
        store.update_session(session_id, frames=600, frames_with_runner=598, view="front", camera=camera)
        store.update_session(session_id, belt={"belt_speed_min_m_s": 2.5, "belt_speed_max_m_s": 2.75})
        store.update_session(session_id, kept_back={"measuring_s": 41.2}, goals=["cadence_spm"])
        store.update_session(session_id, summary=summary)
        store.end_session(session_id)
    document = StoreReader(path).session(session_id)
    assert document is not None
    assert document["ended_utc"] >= document["started_utc"]
    for key in ("id", "uid", "started_utc", "ended_utc", "runner_id", "app_version"):
        del document[key]
    assert document == {
        "schema": "kneeline.session/1",
        "state": "complete",
        "source": "demo_front.mp4",
        "mode": "run",
        "view": "front",
        "model": "movenet-lightning-int8",
        "fps": 30.0,
        "frames": 600,
        "frames_with_runner": 598,
        "belt_speed_min_m_s": 2.5,
        "belt_speed_max_m_s": 2.75,
        "kept_back": {"measuring_s": 41.2},
        "goals": ["cadence_spm"],
        "camera": camera,
        "stances": [{**stance(0), "counts": True}, {**stance(1), "counts": True}],
        "reps": [{"start_s": 1.0, "faults": ["knee_medial_right"]}],
        "cues": [{**CUE, "latency_ms": None}, {**CUE, "latency_ms": 41.5}],
        "summary": summary,
    }
    assert list(document["stances"][0]) == [*stance(0), "counts"]


def test_the_last_stances_of_who_runs_are_read_without_those_before(path: Path) -> None:
    with Store.open(path) as store:
        before, running = (store.begin_session(replace(HEADER, height_cm=180.0)) for _ in range(2))
        for n in range(3000):
            store.add_stance(running, stance(n, step_width_leg=0.1))
            if n % 30 == 0:
                store.add_stance(before, stance(n))
        store.end_session(before)
        found = StoreReader(path)
        document = found.session(running)
        assert document is not None
        last = [{key: value for key, value in one.items() if key != "counts"} for one in document["stances"][-60:]]
        assert found.last_stances(running, 60) == last
        assert "step_width_cm" in document["stances"][-1]
        assert len(found.last_stances(running, 9999)) == 3000
        assert found.last_stances(before, 60) == []
        assert found.last_stances(99, 60) == []
        steps: list[int] = []
        genuine = database.open_read_only

        def counted(path: Path) -> sqlite3.Connection:
            db = genuine(path)
            db.set_progress_handler(lambda: steps.append(1), 100)
            return db

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(reader, "open_read_only", counted)
            found.last_stances(running, 60)
            few = len(steps)
            found.session(running)
        assert 10 * few < len(steps)
    assert StoreReader(path.with_name("none.db")).last_stances(1, 60) == []


def test_the_list_is_newest_first_and_paged(path: Path) -> None:
    with Store.open(path) as store:
        ids = [store.begin_session(HEADER) for _ in range(5)]
        store.add_stance(ids[-1], stance())
        store.add_cue(ids[-1], CUE)
        for _ in range(3):
            store.add_stance(ids[3], stance())
    rows = StoreReader(path).list_sessions(limit=2, offset=1)
    assert [(row["id"], row["stances"], row["cues"]) for row in rows] == [(ids[3], 3, 0), (ids[2], 0, 0)]
    newest = StoreReader(path).list_sessions(limit=1)[0]
    assert (newest["stances"], newest["cues"], newest["state"], newest["summary"]) == (1, 1, "open", None)
    assert StoreReader(path).count_sessions() == 5


def test_a_folder_of_another_user_is_said_in_one_line(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(self: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(self))  # what stat() in a closed folder raises

    monkeypatch.setattr(Path, "exists", refused)
    with pytest.raises(StoreError, match="not accessible to this user; use sudo"):
        StoreReader(path).list_sessions()


def test_nan_becomes_null(path: Path) -> None:
    with Store.open(path) as store:
        session_id = store.begin_session(HEADER)
        store.add_stance(session_id, stance(fppa_deg=math.nan))
        store.update_session(session_id, summary={"left": {"sd": math.inf}})
    document = StoreReader(path).session(session_id)
    assert document is not None
    assert document["stances"][0]["fppa_deg"] is None
    assert document["summary"] == {"left": {"sd": None}}


def test_a_reader_before_the_first_start_finds_nothing(path: Path) -> None:
    with StoreReader(path) as none:
        assert (none.list_sessions(), none.count_sessions(), none.session(1), none.setting("x")) == ([], 0, None, None)
    assert not path.parent.exists()


def test_readers_see_each_stance_while_the_writer_writes(path: Path) -> None:
    with Store.open(path) as store:
        session_id = store.begin_session(HEADER)
        done = threading.Event()
        seen: list[int] = []

        def read() -> None:
            while not done.is_set():
                document = StoreReader(path).session(session_id)
                seen.append(-1 if document is None else len(document["stances"]))

        thread = threading.Thread(target=read)
        thread.start()
        for n in range(60):
            store.add_stance(session_id, stance(n))
            assert StoreReader(path).list_sessions()[0]["stances"] == n + 1
        done.set()
        thread.join()
    assert seen == sorted(seen)
    assert seen[0] >= 0


def test_a_session_that_is_not_there(path: Path) -> None:
    with Store.open(path) as store:
        with pytest.raises(sqlite3.IntegrityError):
            store.add_stance(7, stance())
        with pytest.raises(KeyError):
            store.end_session(7)
        assert not store.delete_session(7)
        session_id = store.begin_session(HEADER)  # the failures have left no open transaction
    assert StoreReader(path).session(session_id) is not None


def test_deleting_takes_everything_with_it(path: Path) -> None:
    with Store.open(path) as store:
        kept, gone = store.begin_session(HEADER), store.begin_session(HEADER)
        for session_id in (kept, gone):
            store.add_stance(session_id, stance())
            store.add_cue(session_id, CUE)
        with pytest.raises(StoreError, match=f"session {gone} is still running; wait"):
            store.delete_session(gone)
        store.end_session(gone)
        assert store.delete_session(gone)
        assert store.begin_session(HEADER) > gone  # numbers are not given twice
    with closing(sqlite3.connect(path)) as raw:
        assert raw.execute("SELECT session_id FROM stances").fetchall() == [(kept,)]
        assert raw.execute("SELECT session_id FROM cues").fetchall() == [(kept,)]


def test_settings_are_kept(path: Path) -> None:
    with Store.open(path) as store:
        store.set_setting("camera", {"yaw_deg": 3.0})
        store.set_setting("camera", {"yaw_deg": 4.0})
    assert StoreReader(path).setting("camera") == {"yaw_deg": 4.0}
    assert StoreReader(path).setting("other") is None


_CRASH = """
import itertools, sys
from pathlib import Path
from device.store import SessionHeader, Store
store = Store.open(Path(sys.argv[1]))
session = store.begin_session(SessionHeader(source="x", model="m", app_version="1"))
for n in itertools.count():
    store.add_stance(session, {"side": "left", "strike_s": n, "toe_off_s": n + 0.2, "quality": 1.0, "fppa_deg": n})
    print(n + 1, flush=True)
"""


def test_kill_9_leaves_an_interrupted_session_with_all_its_stances(path: Path) -> None:
    command = [sys.executable, "-c", _CRASH, str(path)]
    with subprocess.Popen(command, cwd=REPO, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        committed = [int(child.stdout.readline()) for _ in range(20)][-1]
        with pytest.raises(StoreError, match=f"another kneeline device is running .*process {child.pid}.*; stop it"):
            Store.open(path)
        child.send_signal(signal.SIGKILL)
        rest = child.stdout.read().split()
    committed = int(rest[-1]) if rest else committed
    with Store.open(path) as store:
        assert store.interrupted() == [1]
        store.close_interrupted(1)
        assert store.interrupted() == []
    document = StoreReader(path).session(1)
    assert document is not None
    assert document["state"] == "interrupted"
    assert document["ended_utc"] >= document["started_utc"]
    values = [s["fppa_deg"] for s in document["stances"]]
    assert values == list(range(len(values)))
    assert len(values) in (committed, committed + 1)  # the last may have been on the disk before it was told


class SetClock(datetime):
    """The machine's clock, which somebody sets."""

    ahead = timedelta()

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> SetClock:
        return super().now(tz) + cls.ahead


@pytest.mark.parametrize("days", [9, -9, 0, 10 / 86_400])
@pytest.mark.parametrize("killed", [True, False])
def test_a_session_is_as_long_as_it_was_though_the_clock_is_set_amid_it(
    path: Path, monkeypatch: pytest.MonkeyPatch, days: float, killed: bool
) -> None:
    monkeypatch.setattr(writer, "datetime", SetClock)
    monkeypatch.setattr(SetClock, "ahead", timedelta())
    with Store.open(path) as store:
        began_utc = writer.utc_now(ago_s=40.0)
        session_id = store.begin_session(replace(HEADER, started_utc=began_utc))
        monkeypatch.setattr(SetClock, "ahead", timedelta(days=days))
        store.add_stance(session_id, stance())
        store.update_session(session_id, frames=1200, started_utc=writer.utc_now(ago_s=40.3))
        if killed:
            store.close_interrupted(session_id)
        else:
            store.end_session(session_id)
    (row,) = StoreReader(path).list_sessions()
    started, ended = (datetime.fromisoformat(row[key]) for key in ("started_utc", "ended_utc"))
    assert 39.0 < (ended - started).total_seconds() < 45.0
    assert abs(ended - SetClock.now(UTC)) < timedelta(seconds=5)
    assert (row["started_utc"] == began_utc) is (days == 0), "it stays as it is where the clock was not set"


def test_a_clock_that_was_set_back_just_before_a_power_cut_makes_no_session_shorter_than_nothing(path: Path) -> None:
    with Store.open(path) as store:
        store.close_interrupted(store.begin_session(replace(HEADER, started_utc="2999-01-01T00:00:00.000+00:00")))
    (row,) = StoreReader(path).list_sessions()
    assert row["ended_utc"] == row["started_utc"]


def test_a_session_that_was_cut_off_ended_with_its_last_stance(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "datetime", SetClock)
    monkeypatch.setattr(SetClock, "ahead", timedelta(minutes=-20))
    with Store.open(path) as store:
        session_id = store.begin_session(replace(HEADER, started_utc=writer.utc_now()))
        monkeypatch.setattr(SetClock, "ahead", timedelta(minutes=-5))
        store.add_stance(session_id, stance())
        monkeypatch.setattr(SetClock, "ahead", timedelta())
        store.close_interrupted(session_id)
    (row,) = StoreReader(path).list_sessions()
    started, ended = (datetime.fromisoformat(row[key]) for key in ("started_utc", "ended_utc"))
    assert 899 < (ended - started).total_seconds() < 930


def test_the_day_of_an_evening_run_is_that_where_the_box_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was run before a break on the same evening counts together, though it is the next day in Greenwich."""
    evening = [datetime(2026, 11, 26, 23, 30, tzinfo=UTC), datetime(2026, 11, 27, 0, 30, tzinfo=UTC)]
    with monkeypatch.context() as there:
        there.setenv("TZ", "EST5")
        time.tzset()
        days = [training.local_day(instant) for instant in evening]
    time.tzset()
    assert days == ["2026-11-26", "2026-11-26"]


def test_what_a_session_did_of_a_programme_is_not_erased_by_another_one(path: Path) -> None:
    with Store.open(path) as store:
        programmes = []
        for name in ("Anna", "Ben"):
            runner_id, _ = store.add_runner(name)
            store.start_programme(runner_id, "fppa_deg")
            programmes.append(store.programme(runner_id))
        anna, ben = programmes
        assert anna is not None
        assert ben is not None
        for programme, run_s in ((anna, 800.0), (anna, 900.0), (ben, 10.0)):
            store.save_attempt(programme.id, 1, Attempt(1, run_s, Adherence(on=100, on_within=90)))
        kept = [store.programme(runner_id) for runner_id in (1, 2)]
    assert [[attempt.run_s for attempt in one.attempts] for one in kept if one is not None] == [[900.0], []]


@pytest.mark.parametrize("left", ["-wal", ".reserve"])
def test_a_database_that_was_emptied_is_not_silently_begun_anew(path: Path, left: str) -> None:
    """As by a power cut on a poor card. What is left of it in SQLite's log stays there, for who can read it."""
    store = Store.open(path)
    store.begin_session(HEADER)
    beside = {end: path.with_name(path.name + end) for end in ("-wal", ".reserve")}
    wal = beside["-wal"].read_bytes()
    assert len(wal) > 0
    store.close()
    for end, file in beside.items():
        file.unlink(missing_ok=True)
        if end == left:
            file.write_bytes(wal)
    os.truncate(path, 0)
    found = StoreReader(path)
    for opened in (found.check, found.list_sessions, lambda: Store.open(path), lambda: Store.open(path)):
        with pytest.raises(StoreDamaged, match="is damaged; kneeline restore brings a backup back, else move it away"):
            opened()
        assert path.stat().st_size == 0
        assert beside[left].read_bytes() == wal
    path.rename(path.with_name("away.db"))  # as the remedy says
    for _ in range(2):
        with Store.open(path) as store:
            assert store.interrupted() == []
    assert found.list_sessions() == []


def test_a_first_start_that_was_cut_off_anywhere_is_no_damage(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where another database has been moved away and its reserve is left."""
    for stage in range(6):
        path.parent.mkdir(exist_ok=True)
        path.with_name(path.name + ".reserve").write_bytes(b"left")
        with monkeypatch.context() as patch:
            patch.setattr(writer, "sqlite3", SimpleNamespace(**vars(sqlite3) | {"connect": _cut_off_after(stage)}))
            patch.setattr(writer, "_unmake", lambda path: None)
            with pytest.raises(_CutOff):
                Store.open(path)
        Store.open(path).close()
        shutil.rmtree(path.parent)


class _CutOff(BaseException):
    """As SIGKILL."""


def _cut_off_after(statements: int) -> Callable[..., sqlite3.Connection]:
    class Connection(sqlite3.Connection):
        left = statements

        def execute(self, *args: Any) -> sqlite3.Cursor:
            if self.left == 0:
                raise _CutOff
            self.left -= 1
            return super().execute(*args)

    return partial(sqlite3.connect, factory=Connection)


def test_a_start_that_fails_leaves_no_empty_database(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a full disk the reserve of one that was moved away comes back; when there is room, a new one begins."""

    def full(path: Path) -> sqlite3.Connection:
        raise StoreError(f"{path} cannot grow because the disk is full; free some space")

    path.parent.mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(writer, "_connect", full)
        with pytest.raises(StoreError, match="the disk is full"):
            Store.open(path)
    path.with_name(path.name + ".reserve").write_bytes(b"left")
    Store.open(path).close()


def test_a_second_writer_is_refused_and_the_first_goes_on(path: Path) -> None:
    with Store.open(path) as store:
        with pytest.raises(StoreError, match="another kneeline device"):
            Store.open(path)
        store.begin_session(HEADER)
    Store.open(path).close()


def test_a_lock_file_that_a_full_disk_does_not_fill_locks_all_the_same(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(fd: int, content: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        store = Store.open(path)
    with store, pytest.raises(StoreError, match=r"another kneeline device is running on .* \(process unknown\)"):
        Store.open(path)


def test_a_newer_schema_is_refused(path: Path) -> None:
    Store.open(path).close()
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("PRAGMA user_version = 99")
    for attempt in (lambda: Store.open(path), lambda: StoreReader(path).list_sessions()):
        with pytest.raises(
            StoreError,
            match=rf"has schema 99, this program knows {len(database.migrations())}: a newer Kneeline wrote it; update",
        ):
            attempt()


@pytest.mark.parametrize("content", ["text", "foreign"])
def test_another_file_is_not_touched(path: Path, content: str) -> None:
    path.parent.mkdir()
    if content == "text":
        path.write_text("no database at all, but long enough to have a header " * 50)
    else:
        with closing(sqlite3.connect(path)) as raw:
            raw.execute("CREATE TABLE sessions (x)")
            raw.commit()
    before = path.read_bytes()
    for attempt in (lambda: Store.open(path), lambda: StoreReader(path).list_sessions()):
        with pytest.raises(StoreError, match="is no Kneeline database; move it away"):
            attempt()
    if content == "text":
        assert path.read_bytes() == before


def test_a_full_disk_loses_nothing_that_was_written(path: Path) -> None:
    with Store.open(path) as store:
        session_id = store.begin_session(HEADER)
        store.add_stance(session_id, stance(0))
        pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
        store._connection.execute(f"PRAGMA max_page_count = {pages + 3}")
        written = [0]

        def fill() -> None:
            while True:
                store.add_stance(session_id, stance(len(written), note="x" * 1000))
                written.append(len(written))

        with pytest.raises(StoreError, match=r"kneeline.db cannot grow because the disk is full; free some space"):
            fill()
        held = len((StoreReader(path).session(session_id) or {})["stances"])
        assert held == len(written) > 1
        store._connection.execute("PRAGMA max_page_count = 100000")
        store.add_stance(session_id, stance(held))
        store.end_session(session_id)
    document = StoreReader(path).session(session_id)
    assert document is not None
    assert (len(document["stances"]), document["state"]) == (held + 1, "complete")


@pytest.fixture
def foreign_folder() -> Iterator[Path]:
    """A folder with a database that this user may read but not write."""
    folder = Path(tempfile.mkdtemp(prefix="kneeline-"))
    Store.open(folder / "kneeline.db").close()
    (folder / "kneeline.db.lock").unlink()
    for name in folder.iterdir():
        name.chmod(0o444)
    folder.chmod(0o555)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_a_read_only_folder_is_one_clear_line_and_still_readable(foreign_folder: Path) -> None:
    path = foreign_folder / "kneeline.db"
    with as_nobody():
        with pytest.raises(StoreError, match=r"cannot be written \(Permission denied\); check the folder's owner"):
            Store.open(path)
        assert StoreReader(path).list_sessions() == []


def test_a_folder_that_the_installed_service_may_not_write_to_is_named(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is its unit that makes it read-only: owner and mode are right."""

    def read_only(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(Path, "mkdir", read_only)
    with pytest.raises(StoreError, match="the installed service may write below /var/lib/kneeline only"):
        Store.open(path)


def test_a_read_only_file_is_one_clear_line(foreign_folder: Path) -> None:
    foreign_folder.chmod(0o777)
    with as_nobody(), pytest.raises(StoreError, match="is read-only; give the service's user write access"):
        Store.open(foreign_folder / "kneeline.db")


def test_a_backup_is_whole_and_a_single_file(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    with pytest.raises(StoreError, match="nothing to back up; run a session first"):
        StoreReader(path).backup(target)
    with Store.open(path) as store:
        session_id = store.begin_session(HEADER)
        for n in range(50):
            store.add_stance(session_id, stance(n))
        StoreReader(path).backup(target)
        store.add_stance(session_id, stance(50))
        original = StoreReader(path).session(session_id)
    assert sorted(p.name for p in tmp_path.iterdir() if p.is_file()) == ["copy.db"]
    copied = StoreReader(target).session(session_id)
    assert original is not None
    assert copied is not None
    assert copied["stances"] == original["stances"][:50]
    with closing(sqlite3.connect(target)) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    with pytest.raises(StoreError, match=r"copy.db exists already; name a new file"):
        StoreReader(path).backup(target)
    with pytest.raises(StoreError, match=r"/absent/copy\.db cannot be written \(No such file or directory\); name"):
        StoreReader(path).backup(tmp_path / "absent" / "copy.db")


def test_a_damaged_database_is_found_and_not_copied_as_if_it_were_whole(path: Path, tmp_path: Path) -> None:
    with Store.open(path) as store:
        session_id = store.begin_session(HEADER)
        for n in range(400):
            store.add_stance(session_id, stance(n))
    StoreReader(path).check()
    with path.open("r+b") as file:  # a page in the middle of the stances
        file.seek(path.stat().st_size // 4096 // 2 * 4096)
        file.write(os.urandom(4096))
    assert StoreReader(path).count_sessions() == 1
    with pytest.raises(StoreError, match="is damaged; kneeline restore brings a backup back, else move it away"):
        StoreReader(path).check()
    with pytest.raises(StoreError, match="is damaged"):
        StoreReader(path).backup(tmp_path / "copy.db")
    assert not (tmp_path / "copy.db").exists()


_DAMAGES = {"random": random.Random(7).randbytes(4096), "zero": bytes(4096), "text": b"[" * 4096}


@pytest.mark.parametrize("content", _DAMAGES.values(), ids=_DAMAGES)
def test_whichever_page_is_damaged_what_can_be_read_is_read_and_nothing_else_is_raised(
    path: Path, content: bytes
) -> None:
    with Store.open(path) as store:
        anna, _ = store.add_runner("Anna")
        for _ in range(30):
            session_id = store.begin_session(replace(HEADER, runner_id=anna))
            store.update_session(session_id, summary={"curves": "x" * 700})
            for n in range(4):
                store.add_stance(session_id, stance(n))
            store.add_cue(session_id, CUE)
            store.end_session(session_id)
    whole, reader = path.read_bytes(), StoreReader(path)
    intact, rows = reader.list_sessions(), reader.readable_sessions()
    assert rows == (intact, 30)
    assert reader.readable_sessions(limit=3, offset=20) == (intact[20:23], 30)
    read: list[int] = []
    for page in range(1, len(whole) // 4096):
        path.write_bytes(whole[: 4096 * page] + content + whole[4096 * (page + 1) :])
        fault = None
        try:
            assert len(reader.list_sessions()) <= 30
        except StoreDamaged as error:
            fault = error
        if fault is not None:
            assert "is damaged; kneeline restore brings a backup back" in str(fault)
            with suppress(StoreDamaged):  # where all tables are rooted
                found, count = reader.readable_sessions()
                assert len(found) == count
                parts = ("summary", "stances", "reps", "cues")
                assert all(one in intact for one in found if all(one[part] is not None for part in parts))
                read.append(count)
        for one in (lambda: reader.session(15), reader.runners, lambda: reader.runner_name(anna), reader.check):
            with suppress(StoreDamaged):
                one()
    assert len(read) >= 5, "most pages are no one's but a few sessions'"
    assert statistics.median(read) >= 20


def _one_bit_flipped(path: Path, whole: bytes, bit: int) -> None:
    for file in path.parent.iterdir():
        file.unlink()
    changed = bytearray(whole)
    changed[bit // 8] ^= 1 << bit % 8
    path.write_bytes(changed)


def test_whichever_bit_of_the_schema_is_flipped_that_is_said_and_nothing_else_is_raised(path: Path) -> None:
    """One letter of a column's name made every start fail. What a reader needs of it may be whole."""
    with Store.open(path) as store:
        anna, _ = store.add_runner("Anna")
        for _ in range(2):
            session_id = store.begin_session(replace(HEADER, runner_id=anna))
            store.add_stance(session_id, stance())
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("PRAGMA journal_mode = DELETE")
    whole, found = path.read_bytes(), StoreReader(path)
    one = partial(found.session, 1)
    letter = whole.index(b"last_write_utc") + 2
    version_bits, format_bit = range(60 * 8, 64 * 8), 47 * 8 + 7
    opened = refused = 0
    for bit in (letter * 8 + 7, format_bit, *version_bits, *random.Random(3).sample(range(4096 * 8), 250)):
        _one_bit_flipped(path, whole, bit)
        for read in (found.check, found.list_sessions, one, found.runners, found.readable_sessions):
            with suppress(StoreError):
                read()
        try:
            with Store.open(path) as store:
                close_interrupted(store, found, lambda said: None)
            opened += 1
        except StoreError:
            refused += 1
    assert refused > opened > 5
    _one_bit_flipped(path, whole, letter * 8 + 7)
    with pytest.raises(StoreDamaged, match="is damaged; kneeline restore brings a backup back, else move it away"):
        Store.open(path)
    for read in (found.check, one):
        with pytest.raises(StoreDamaged, match="is damaged; kneeline restore brings a backup back"):
            read()
    _one_bit_flipped(path, whole, (whole.index(b"'interrupted'") + 1) * 8)
    with pytest.raises(StoreDamaged):
        Store.open(path)
    with pytest.raises(StoreDamaged):
        found.check()
    assert len(found.list_sessions()) == 2


def test_a_table_and_an_index_of_somebody_else_are_no_damage(path: Path) -> None:
    Store.open(path).close()
    with closing(sqlite3.connect(path)) as raw:
        raw.executescript("CREATE TABLE mine (x); CREATE INDEX mine_too ON sessions (view); ANALYZE;")
    Store.open(path).close()
    StoreReader(path).check()


@pytest.mark.parametrize("call", ["unlink", "replace", "exists"])
def test_a_backup_that_the_disk_refuses_is_one_line_with_the_name_that_was_typed(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    Store.open(path).close()
    folder = tmp_path / ("absent" if call == "unlink" else "there")
    (tmp_path / "there").mkdir()
    genuine = Path.exists

    def refused(one: Path, *_: object, **__: object) -> bool:
        if str(folder) not in str(one):
            return genuine(one)
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    with monkeypatch.context() as patched:
        patched.setattr(os if call == "replace" else Path, call, refused)
        with pytest.raises(StoreError) as told:
            StoreReader(path).backup(folder / "copy.db")
    assert str(told.value).startswith(f"{folder}/copy.db cannot be written (Read-only file system); name a")
    assert not list((tmp_path / "there").iterdir())


def test_a_backup_is_its_makers_alone_and_on_the_disk_before_it_has_its_name(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds names and heights; and a power cut after it was said to be written must not leave it empty."""
    Store.open(path).close()
    target = tmp_path / "copy.db"
    seen: list[tuple[str, int]] = []
    fsync, replace_ = os.fsync, os.replace

    def synced(fd: int) -> None:
        seen.append((os.readlink(f"/proc/self/fd/{fd}"), os.fstat(fd).st_mode & 0o777))
        fsync(fd)

    def replaced(source: Path, to: Path) -> None:
        seen.append((str(to), source.stat().st_mode & 0o777))
        replace_(source, to)

    before = os.umask(0o022)
    try:
        monkeypatch.setattr(os, "fsync", synced)
        monkeypatch.setattr(os, "replace", replaced)
        StoreReader(path).backup(target)
    finally:
        os.umask(before)
    part, folder = f"{target}.{os.getpid()}.part", tmp_path.stat().st_mode & 0o777
    assert seen == [(part, 0o600), (str(target), 0o600), (str(tmp_path), folder)]
    assert StoreReader(target).list_sessions() == []


def _migrations(monkeypatch: pytest.MonkeyPatch, *more: str) -> None:
    scripts = (*database.migrations(), *more)
    monkeypatch.setattr(database, "migrations", lambda: scripts)
    monkeypatch.setattr(reader, "migrations", lambda: scripts)


def test_a_migration_keeps_what_there_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store.open(path) as store:
        session_id = store.begin_session(HEADER)
    before = len(database.migrations())
    _migrations(monkeypatch, "ALTER TABLE sessions ADD COLUMN note TEXT;")
    with pytest.raises(StoreError, match=f"has the older schema {before}; start kneeline device once"):
        StoreReader(path).list_sessions()
    Store.open(path).close()
    assert [row["id"] for row in StoreReader(path).list_sessions()] == [session_id]


def test_a_database_from_before_the_belts_speed_was_kept_is_read_and_keeps_it_from_then_on(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one that comes back from a backup."""
    backup, belt = tmp_path / "backup.db", ("belt_speed_min_m_s", "belt_speed_max_m_s")
    with monkeypatch.context() as before:
        scripts = tuple(takewhile(lambda script: "belt_speed" not in script, database.migrations()))
        before.setattr(database, "migrations", lambda: scripts)
        before.setattr(reader, "migrations", lambda: scripts)
        with Store.open(path):
            pass
    with closing(sqlite3.connect(path)) as raw, raw:
        columns = "uid, started_utc, last_write_utc, state, mode, model, source, app_version"
        values = ("u", "2026-01-01T10:00:00.000+00:00", "2026-01-01T10:20:00.000+00:00", "open", "run", "m", "s", "0")
        raw.execute(f"INSERT INTO sessions ({columns}) VALUES ({', '.join('?' * len(values))})", values)
    shutil.copy(path, backup)
    for _ in range(2):
        with Store.open(path) as store:
            assert store.interrupted() == [1]
            store.close_interrupted(1)
            store.add_stance(1, stance())
            session_id = store.begin_session(HEADER)
            store.update_session(session_id, belt=dict.fromkeys(belt, 3.0))
        found = StoreReader(path)
        old, new = found.session(1), found.session(session_id)
        assert old is not None
        assert new is not None
        assert [[one[key] for key in belt] for one in (old, new)] == [[None, None], [3.0, 3.0]]
        assert [[row[key] for key in belt] for row in found.list_sessions()] == [[3.0, 3.0], [None, None]]
        copy = tmp_path / f"copy{session_id}.db"
        found.backup(copy)
        assert StoreReader(copy).session(session_id) == new
        copy.unlink()
        restore(path, backup)


def test_baselines_that_do_not_hold_after_an_upgrade_are_measured_anew(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        scripts = tuple(takewhile(lambda script: "pelvic_drop_deg" not in script, database.migrations()))
        before.setattr(database, "migrations", lambda: scripts)
        with Store.open(path) as store:
            anna, _ = store.add_runner("Anna")
            keys = ("fppa_deg", "fppa_image_deg", "pelvic_drop_deg", "cadence_spm")
            store.add_baselines(anna, "camera", {(Side.LEFT, key): Baseline(4.0, 1.0, 20) for key in keys})
    with Store.open(path) as store:
        assert set(store.baselines(anna, "camera")) == {(Side.LEFT, "fppa_image_deg"), (Side.LEFT, "cadence_spm")}


def test_of_sessions_from_before_it_was_kept_it_is_told_whether_cues_were_kept_back_by_what_they_left(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        scripts = tuple(takewhile(lambda script: "kept_back" not in script, database.migrations()))
        before.setattr(database, "migrations", lambda: scripts)
        with Store.open(path) as store:
            anna, ben = (store.add_runner(name)[0] for name in ("Anna", "Ben"))
            measured, second, every, faded, both, anothers = (
                store.begin_session(replace(HEADER, runner_id=runner_id)) for runner_id in (anna,) * 5 + (ben,)
            )
            for session_id, key in ((measured, "fppa_image_deg"), (second, "fppa_deg"), (both, "cadence_spm")):
                store.add_baselines(anna, "camera", {(Side.LEFT, key): Baseline(4.0, 1.0, 20)}, session_id)
            store.add_baselines(anna, "camera", {(Side.LEFT, "step_width_leg"): Baseline(0.1, 0.1, 20)}, anothers)
            store.start_programme(anna, "fppa_deg")
            programme = store.programme(anna)
            assert programme is not None
            for session_id, n in ((every, 4), (faded, 6), (both, 5)):
                store.save_attempt(programme.id, session_id, Attempt(n, 900.0, Adherence()))
    counted = {"measuring_s": 41.2, "fading_s": 450.0, "programme_session": 6}
    with Store.open(path) as store:
        new = store.begin_session(HEADER)
        store.update_session(new, kept_back={})
        store.update_session(second, kept_back=counted)
        store.update_session(second, frames=1)
    expected = {
        measured: {"measuring_s": None},
        second: counted,
        every: None,
        faded: {"fading_s": None, "programme_session": 6},
        both: {"measuring_s": None, "fading_s": None, "programme_session": 5},
        anothers: None,
        new: {},
    }
    found = StoreReader(path)
    for session_id, kept_back in expected.items():
        for one in (found.session(session_id), found.result(session_id)):
            assert one is not None
            assert one["kept_back"] == kept_back
    for heads in (found.list_sessions(), found.readable_sessions()[0]):
        assert {head["id"]: head["kept_back"] for head in heads} == expected


def test_a_belt_speed_that_is_not_known_any_more_is_none(path: Path) -> None:
    with Store.open(path) as store:
        session_id = store.begin_session(HEADER)
        for end in (3.0, None):
            store.update_session(session_id, belt={"belt_speed_min_m_s": end, "belt_speed_max_m_s": end})
            store.update_session(session_id, frames=1)
            found = StoreReader(path).session(session_id)
            assert found is not None
            assert (found["belt_speed_min_m_s"], found["belt_speed_max_m_s"]) == (end, end)


def test_a_migration_that_fails_changes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Store.open(path).close()
    before = len(database.migrations())
    _migrations(monkeypatch, "ALTER TABLE sessions ADD COLUMN note TEXT; CREATE TABLE sessions (x);")
    with pytest.raises(sqlite3.OperationalError):
        Store.open(path)
    with closing(sqlite3.connect(path)) as raw:
        assert raw.execute("PRAGMA user_version").fetchone() == (before,)
        assert "note" not in [row[1] for row in raw.execute("PRAGMA table_info(sessions)")]


def test_all_migrations_are_one_step_for_a_reader(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that is opened while the device starts for the first time sees an empty store, not half of one."""
    _migrations(monkeypatch, "CREATE TABLE sessions (x);")
    with pytest.raises(sqlite3.OperationalError):
        Store.open(path)
    assert StoreReader(path).list_sessions() == []
    with closing(sqlite3.connect(path)) as raw:
        assert raw.execute("SELECT count(*) FROM sqlite_schema").fetchone() == (0,)


def test_the_database_is_set_up_for_power_cuts(path: Path) -> None:
    with Store.open(path) as store:
        settings = {
            name: store._connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
        tables = store._connection.execute(
            "SELECT name, strict FROM pragma_table_list WHERE schema = 'main'"
        ).fetchall()
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    assert all(is_strict for name, is_strict in tables if not name.startswith("sqlite_"))


def test_what_is_taken_back_is_null_from_then_on_and_nothing_else_changes(path: Path) -> None:
    with Store.open(path) as store:
        session_id = store.begin_session(HEADER)
        for n in range(4):
            store.add_stance(session_id, stance(n, pelvic_drop_deg=5.0))
        store.take_back(session_id, 2 * 0.36 + 1e-6)
    document = StoreReader(path).session(session_id)
    assert document is not None
    assert [one["fppa_deg"] for one in document["stances"]] == [11.9, 11.9, None, None]
    assert {one["pelvic_drop_deg"] for one in document["stances"]} == {5.0}
    assert list(document["stances"][3])[:6] == list(stance(3))


def test_what_is_doubted_counts_for_nothing_from_then_on_and_nothing_else_changes(path: Path) -> None:
    with Store.open(path) as store:
        session_id = store.begin_session(HEADER)
        for n in range(4):
            store.add_stance(session_id, stance(n) | {"quality": 0.1 if n == 3 else 0.8})
        store.doubt(session_id, 2 * 0.36 + 1e-6)
    document = StoreReader(path).session(session_id)
    assert document is not None
    assert [one["quality"] for one in document["stances"]] == [0.8, 0.8, DOUBTED_QUALITY, 0.1]
    assert {one["fppa_deg"] for one in document["stances"]} == {11.9}


def test_repetitions_of_a_test_are_overwritten_with_their_summary(path: Path) -> None:
    with Store.open(path) as store:
        session_id = store.begin_session(replace(HEADER, mode="squat"))
        store.set_reps(session_id, [{"start_s": 1.0}], {"reps": 1})
        store.set_reps(session_id, [{"start_s": 1.1}, {"start_s": 4.0}], {"reps": 2})
        document = StoreReader(path).session(session_id)
        assert document is not None
        assert document["reps"] == [{"start_s": 1.1}, {"start_s": 4.0}]
        assert document["summary"] == {"reps": 2}
        (row,) = StoreReader(path).list_sessions()
        assert (row["mode"], row["reps"], row["stances"]) == ("squat", 2, 0)


def test_a_session_that_runs_is_discarded_with_all_it_holds(path: Path) -> None:
    with Store.open(path) as store:
        kept, discarded = (store.begin_session(HEADER) for _ in range(2))
        store.set_reps(discarded, [{"start_s": 1.0}], {"reps": 1})
        store.discard_session(discarded)
        assert [row["id"] for row in StoreReader(path).list_sessions()] == [kept]
        assert store._connection.execute("SELECT count(*) FROM reps").fetchone() == (0,)


def test_tests_of_a_runner_are_counted_apart(path: Path) -> None:
    with Store.open(path) as store:
        anna, _ = store.add_runner("Anna")
        store.add_runner("Ben")
        for mode in ("run", "squat", "step-down"):
            store.begin_session(replace(HEADER, mode=mode, runner_id=anna))
    found = [(r["name"], r["sessions"], r["tests"]) for r in StoreReader(path).runners()]
    assert found == [("Anna", 3, 2), ("Ben", 0, 0)]


def test_one_runners_sessions_are_read_alone(path: Path) -> None:
    with Store.open(path) as store:
        anna, ben = store.add_runner("Anna")[0], store.add_runner("Ben")[0]
        headers = [replace(HEADER, runner_id=one) for one in (anna, ben, None, anna)]
        first, _, _, second = [store.begin_session(header) for header in headers]
        test = store.begin_session(replace(HEADER, mode="squat", runner_id=anna))
        store.begin_session(replace(HEADER, runner_id=anna))
        for session_id in (first, second, test):
            store.end_session(session_id)
        store.update_session(first, view="front", summary={"cadence_spm": 168.1}, camera={"state": "good"})
        stored = StoreReader(path)
        assert [one["id"] for one in stored.list_sessions(runner_id=anna)] == [6, test, second, first]
        assert [one["id"] for one in stored.list_sessions(1, 2, anna)] == [second]
        assert [stored.count_sessions(one) for one in (anna, ben, 99, None)] == [4, 1, 0, 6]
        heads, total = stored.readable_sessions(2, 1, anna)
        assert ([one["id"] for one in heads], total) == ([test, second], 4)
        ended = [(one["id"], one["view"]) for one in stored.runs(anna)]
        assert ended == [(first, "front"), (second, None)]  # no test, and none that still runs
        found, whole = stored.result(first), stored.session(first)
        assert found is not None
        assert whole is not None
        for key in ("started_utc", "state", "view", "model", "source", "app_version", "camera", "summary", "runner_id"):
            assert found[key] == whole[key]
        assert stored.result(99) is None


def test_what_is_told_of_one_runner_needs_no_look_at_everybodys_sessions(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is some 10 kB with its summary, and over years there are thousands."""
    with Store.open(path) as store:
        runner_id, _ = store.add_runner("Anna")
        store.end_session(store.begin_session(replace(HEADER, runner_id=runner_id)))
    asked: list[str] = []
    opened = database.open_read_only

    def watched(path: Path) -> sqlite3.Connection:
        connection = opened(path)
        connection.set_trace_callback(lambda sql: asked.append(sql) if sql.startswith("SELECT") else None)
        return connection

    monkeypatch.setattr(reader, "open_read_only", watched)
    found = StoreReader(path)
    assert len(found.list_sessions(30, 0, runner_id)) == found.count_sessions(runner_id) == 1
    assert len(found.runs(runner_id)) == len(found.runners()) == 1
    with closing(sqlite3.connect(path)) as raw:
        steps = [step[3] for sql in asked for step in raw.execute(f"EXPLAIN QUERY PLAN {sql}")]
    assert any("sessions_of (runner_id=?" in step for step in steps)
    assert [step for step in steps if step in ("SCAN sessions", "SCAN s")] == []


def test_without_a_database_nobody_has_sessions(path: Path) -> None:
    stored = StoreReader(path)
    assert (stored.list_sessions(runner_id=1), stored.count_sessions(1), stored.runs(1)) == ([], 0, [])
    assert stored.result(1) is None
