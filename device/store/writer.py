"""The one writer of the store: sessions, stances, cues, each committed to the disk when the call returns."""

from __future__ import annotations

import errno
import os
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from device.store import people, training
from device.store.database import damaged, is_busy, is_full, migrate, plain_errors, to_json, used_bytes
from device.store.lock import lock
from device.store.room import give_reserve_up, has_room, keep_reserve, lend_from_reserve, take_back, was_emptied
from model.errors import StoreError
from model.goals import Goal
from model.place import CORRECTED
from model.programme import Attempt
from model.result import TIME_DECIMALS
from model.stance import DOUBTED_QUALITY

_READ_ONLY = (
    "the installed service may write below /var/lib/kneeline only: name a file there, or let it write elsewhere (see "
    "[store] in config.md)"
)
_STANCE_COLUMNS = ("side", "strike_s", "toe_off_s", "quality")
_COUNTS = ("fps", "frames", "frames_with_runner", "view")
_BELT = ("belt_speed_min_m_s", "belt_speed_max_m_s")
#: What belongs to one session, row by row.
_OF_A_SESSION = ("stances", "reps", "cues")
#: Rows that are deleted at once where the disk is full; fewer where it has no room for that.
_STEP_ROWS = 500
#: Someone who reads keeps the database from leaving SQLite's log; nobody reads for so long.
_READERS_S = 5.0
#: More than SQLite's log and its index take at first.
_LOG_BYTES = 2**16
#: What can be done without this program, where it finds no room to delete.
_FREE_SOME = "free some space on the box, as with sudo apt clean or sudo journalctl --vacuum-size=20M"
_INCREMENTAL = 2
#: Times of the frames and of the clock that are further apart: the clock has been set.
_CLOCK_SET_S = 2.0
#: The highest number that a runner ever had, kept when somebody is deleted.
_LAST_RUNNER_SETTING = "last_runner_id"


def utc_now(ago_s: float = 0.0) -> str:
    """Now, or some seconds ago, as ``2026-11-23T21:24:05.123+00:00``."""
    return (datetime.now(UTC) - timedelta(seconds=ago_s)).isoformat(timespec="milliseconds")


@dataclass(frozen=True, slots=True)
class SessionHeader:
    """What is known when a session begins. The names are those of the columns.

    Attributes:
        source: name of the camera or file.
        model: name of the pose model, as ``movenet-lightning-int8``.
        app_version: version of this program.
        mode: run, squat or step-down.
        view: front, rear or side; None while undecided.
        fps: nominal rate of the source; None while unknown.
        runner_id: who runs; None for an anonymous runner.
        height_cm: of who runs, None where it is not known.
        started_utc: ISO 8601.
    """

    source: str
    model: str
    app_version: str
    mode: str = "run"
    view: str | None = None
    fps: float | None = None
    runner_id: int | None = None
    height_cm: float | None = None
    started_utc: str = field(default_factory=utc_now)


class StillRunning(StoreError):
    """What is to be deleted is being written."""


class Store:
    """Writes sessions. One per machine: a lock file beside the database keeps a second one out.

    Every call is one transaction, on the disk when it returns (WAL, synchronous=FULL); safe from several
    threads. Use it as a context manager.

    Raises:
        StoreError: from every method, where the database cannot be written; the message names the remedy.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path, lock_fd: int) -> None:
        self._connection = connection
        self._path = path
        self._lock_fd = lock_fd
        self._mutex = threading.Lock()
        #: Sessions that this instance began and has not ended: of all that are open the only ones that run.
        self._running: set[int] = set()
        self._keeps_reserve = True

    @classmethod
    def open(cls, path: Path, reserve: bool = True) -> Store:
        """Opens or creates the database and brings it to the newest schema.

        ``reserve``: keep room for deleting on a full disk; False where nothing in it is worth that.

        Raises:
            StoreError: it is in use by another instance, read-only, no database, newer than this program, or
                the disk is full.
        """
        reserved_bytes = lend_from_reserve(path)
        try:
            store = cls._opened(path)
        except BaseException:
            take_back(path, reserved_bytes, left_bytes=0)
            raise
        if reserved_bytes:
            store._truncate_log()
            take_back(path, reserved_bytes)
        store._keeps_reserve = reserve
        store._keep_reserve()
        return store

    @classmethod
    def _opened(cls, path: Path) -> Store:
        try:
            path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            made = _make(path)
            lock_fd = lock(path)
        except OSError as error:
            if isinstance(error, StoreError):
                raise
            remedy = _READ_ONLY if error.errno == errno.EROFS else "check the folder's owner and mode, or the disk"
            raise StoreError(f"{path} cannot be written ({error.strerror}); {remedy}") from None
        try:
            if not made and was_emptied(path):
                raise damaged(path)
            connection = _connect(path)
        except BaseException as error:
            if made:
                _unmake(path)
            os.close(lock_fd)
            if isinstance(error, StoreError) and is_full(error):
                raise StoreError(f"{path} cannot be opened because the disk is full; {_FREE_SOME}") from error.__cause__
            raise
        return cls(connection, path, lock_fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the database and lets go of the lock. May be called twice."""
        with self._mutex:
            if self._lock_fd < 0:
                return
            self._connection.close()
            os.close(self._lock_fd)
            self._lock_fd = -1

    def begin_session(self, header: SessionHeader) -> int:
        """Opens a session and returns its id. It is nobody's where its runner has been deleted."""
        values = {"uid": uuid.uuid4().hex, "state": "open", "last_write_utc": utc_now(), **asdict(header)}
        marks = ", ".join("?" * len(values))
        with self._transaction() as db:
            if header.runner_id is not None and people.read_runner(db, header.runner_id) is None:
                values |= {"runner_id": None, "height_cm": None}
            cursor = db.execute(f"INSERT INTO sessions ({', '.join(values)}) VALUES ({marks})", tuple(values.values()))
        row_id = cursor.lastrowid
        assert row_id is not None
        self._running.add(row_id)
        return row_id

    def add_stance(self, session_id: int, stance: Mapping[str, Any]) -> int:
        """Adds an element of ``stances`` in ``kneeline.session/1``. Returns its number, from 1."""
        fixed = [stance[name] for name in _STANCE_COLUMNS]
        values = {key: value for key, value in stance.items() if key not in _STANCE_COLUMNS}
        return self._append("stances", session_id, (*_STANCE_COLUMNS, "values_json"), (*fixed, to_json(values)))

    def take_back(self, session_id: int, since_s: float) -> None:
        """Makes null what was measured for a place where the camera no longer stood; see `model.result.take_back`."""
        nulls = ", ".join(f"'$.{key}', NULL" for key in CORRECTED)
        sql = f"UPDATE stances SET values_json = json_set(values_json, {nulls}) WHERE session_id = ? AND strike_s >= ?"
        with self._transaction() as db:
            db.execute(sql, (session_id, round(since_s, TIME_DECIMALS)))

    def doubt(self, session_id: int, since_s: float) -> None:
        """Makes stances since then count for nothing; see `model.result.doubt`."""
        sql = "UPDATE stances SET quality = min(quality, ?) WHERE session_id = ? AND strike_s >= ?"
        with self._transaction() as db:
            db.execute(sql, (DOUBTED_QUALITY, session_id, round(since_s, TIME_DECIMALS)))

    def set_reps(self, session_id: int, reps: Sequence[Mapping[str, Any]], summary: Mapping[str, Any]) -> None:
        """Overwrites the repetitions of a test, elements of ``reps``, and its summary: both in one step.

        Each repetition is measured against all the standing that was seen, so all change with the next one.
        """
        rows = [(session_id, n, to_json(dict(rep))) for n, rep in enumerate(reps, start=1)]
        with self._transaction() as db:
            db.execute("DELETE FROM reps WHERE session_id = ?", (session_id,))
            db.executemany("INSERT INTO reps (session_id, n, rep_json) VALUES (?, ?, ?)", rows)
            sql = "UPDATE sessions SET summary_json = ?, last_write_utc = ? WHERE id = ?"
            db.execute(sql, (to_json(dict(summary)), utc_now(), session_id))

    def add_cue(self, session_id: int, cue: Mapping[str, Any]) -> int:
        """Adds an element of ``cues``, with ``latency_ms`` (frame to pin, or None). Returns its number."""
        columns = ("t_s", "side", "metric", "value", "threshold")
        values = (*(cue[name] for name in columns), cue.get("latency_ms"))
        return self._append("cues", session_id, (*columns, "latency_ms"), values)

    def update_session(
        self,
        session_id: int,
        *,
        fps: float | None = None,
        frames: int | None = None,
        frames_with_runner: int | None = None,
        view: str | None = None,
        camera: Mapping[str, Any] | None = None,
        summary: Mapping[str, Any] | None = None,
        started_utc: str | None = None,
        belt: Mapping[str, float | None] | None = None,
        kept_back: Mapping[str, float] | None = None,
        goals: Sequence[str] | None = None,
    ) -> None:
        """Overwrites what is given; None leaves a value as it is.

        ``belt`` has ``belt_speed_min_m_s`` and ``belt_speed_max_m_s``, None in it for not known any more.
        ``kept_back``: for how long and why cues were, as ``008_kept_back.sql`` has it; ``goals``: what was coached.
        ``started_utc`` is when the session began, counted back from now: it is taken over where the clock has been set
        since, else it stays as it is.
        """
        given: dict[str, object] = dict(zip(_COUNTS, (fps, frames, frames_with_runner, view), strict=True))
        given["camera_json"] = None if camera is None else to_json(dict(camera))
        given["summary_json"] = None if summary is None else to_json(dict(summary))
        given["kept_back_json"] = None if kept_back is None else to_json(dict(kept_back))
        given["goals_json"] = None if goals is None else to_json(list(goals))
        with self._transaction() as db:
            if started_utc is not None and _differ(_started_utc(db, session_id), started_utc):
                given["started_utc"] = started_utc
            told = {} if belt is None else {name: belt[name] for name in _BELT}
            _set(db, session_id, {name: value for name, value in given.items() if value is not None} | told)

    def end_session(self, session_id: int, ended_utc: str | None = None) -> None:
        """Closes an open session as complete; None: now."""
        with self._transaction() as db:
            _set(db, session_id, {"state": "complete", "ended_utc": ended_utc or utc_now()})
        self._running.discard(session_id)
        self._keep_reserve()  # there may be room for it by now

    def interrupted(self) -> list[int]:
        """Sessions that a crash or power cut left open: all that are open, and do not run."""
        with self._transaction() as db:
            rows = db.execute("SELECT id FROM sessions WHERE state = 'open' ORDER BY id").fetchall()
        return [session_id for (session_id,) in rows if session_id not in self._running]

    def close_interrupted(
        self, session_id: int, summary: Mapping[str, Any] | None = None, camera: Mapping[str, Any] | None = None
    ) -> None:
        """Closes a session that a crash or power cut left open, as ended at its last write.

        Its summary and camera go to the disk with that (None leaves them as they are): one that a second power cut
        left closed without them would never get them.
        """
        ended_utc = "max(started_utc, last_write_utc)"  # the clock may have been set back
        sql = (
            f"UPDATE sessions SET state = 'interrupted', ended_utc = {ended_utc}, "
            "summary_json = coalesce(?, summary_json), camera_json = coalesce(?, camera_json) "
            "WHERE id = ? AND state = 'open'"
        )
        given = (None if block is None else to_json(dict(block)) for block in (summary, camera))
        with self._transaction() as db:
            db.execute(sql, (*given, session_id))
        self._running.discard(session_id)

    def delete_session(self, session_id: int) -> bool:
        """Deletes a session with all it holds, also where the disk is full. Returns whether there was one.

        `shrink` gives the space back afterwards.

        What a power cut left open can be deleted before it is closed, for which a full disk may have no room.

        Raises:
            StillRunning: the session runs.
            StoreError: nothing could be deleted, or on a full disk not all of it.
        """
        with self._transaction() as db:
            row = db.execute("SELECT 1 FROM sessions WHERE id = ?", (session_id,)).fetchone()
        if row is None:
            return False
        if session_id in self._running:
            raise StillRunning(f"session {session_id} is still running; wait for its end and delete it then")
        self._delete([session_id], None)
        return True

    def used_bytes(self) -> int:
        """What the database takes of the disk; see `database.used_bytes`."""
        with self._mutex, plain_errors(self._path):
            return used_bytes(self._connection)

    def oldest_of_nobody(self, but_newest: int) -> int | None:
        """The oldest session that has ended and has no runner, beside so many of the newest; None for none."""
        sql = (
            "SELECT min(id) FROM (SELECT id FROM sessions WHERE runner_id IS NULL AND state != 'open' "
            "ORDER BY id DESC LIMIT -1 OFFSET ?)"
        )
        with self._transaction() as db:
            found: int | None = db.execute(sql, (but_newest,)).fetchone()[0]
        return found

    def discard_session(self, session_id: int) -> None:
        """Deletes the session that is being written, also where the disk is full: nobody wants it kept."""
        self._delete([session_id], None)

    def delete_runner(self, runner_id: int) -> int | None:
        """Deletes a runner with baselines, programmes and all their sessions, also where the disk is full.

        Returns:
            How many sessions went; None where there is no such runner.

        Raises:
            StillRunning: a session of theirs runs.
            StoreError: as for `delete_session`.
        """
        with self._transaction() as db:
            if people.read_runner(db, runner_id) is None:
                return None
            rows = db.execute("SELECT id FROM sessions WHERE runner_id = ?", (runner_id,)).fetchall()
        session_ids = [session_id for (session_id,) in rows]
        if not self._running.isdisjoint(session_ids):
            raise StillRunning("this runner runs now; wait for the session's end and delete them then")
        self._delete(session_ids, runner_id)
        return len(session_ids)

    def _delete(self, session_ids: list[int], runner_id: int | None) -> None:
        """Deletes sessions, and a runner: all in one transaction, on a full disk step by step."""
        try:
            self._delete_heads(session_ids, runner_id)
        except StoreError as error:
            if not is_full(error):
                raise
            give_reserve_up(self._path)
            self._truncate_log()
            try:
                self._delete_in_steps(session_ids, runner_id)
            except StoreError as still:
                if not is_full(still):
                    raise
                with self._without_log():
                    self._delete_in_steps(session_ids, runner_id)
        self._running.difference_update(session_ids)

    def _delete_in_steps(self, session_ids: list[int], runner_id: int | None) -> None:
        self._delete_rows(session_ids)
        self._delete_heads(session_ids, runner_id)

    @contextmanager
    def _without_log(self) -> Iterator[None]:
        """For a disk without any room, and no reserve: gives up SQLite's log and its index, 32 kB at least.

        Changes go to a rollback journal in their place, which outlives a power cut as the log does and takes only what
        a step changes.

        Raises:
            StoreError: the log cannot be given up because what it holds has no room in the database, somebody reads
                all the time, or there was no room for the smallest step.
        """
        try:
            self._leave_log()
            yield
        except StoreError as error:
            if not is_full(error):
                raise
            said = f"the disk is too full even to delete all of it; {_FREE_SOME}, then delete again"
            raise StoreError(said) from error.__cause__
        finally:
            self._return_to_log()

    def _leave_log(self) -> None:
        until_s = time.monotonic() + _READERS_S
        while True:
            try:
                with self._mutex, plain_errors(self._path):
                    self._connection.execute("PRAGMA journal_mode = DELETE")
                return
            except StoreError as error:  # SQLite itself does not wait here
                if not is_busy(error) or time.monotonic() > until_s:
                    raise
            time.sleep(0.05)

    def _return_to_log(self) -> None:
        """Where there is no room for it yet, the journal stays: as safe, but readers wait for the writer."""
        if not has_room(self._path, _LOG_BYTES):
            return
        with self._mutex, suppress(sqlite3.Error):
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("SELECT 1 FROM sessions").fetchone()  # takes the room before others do

    def _delete_heads(self, session_ids: list[int], runner_id: int | None) -> None:
        """What hangs on a session or runner goes with it."""
        with self._transaction() as db:
            for session_id in session_ids:
                training.forget_anothers(db, session_id)
                db.execute("DELETE FROM sessions WHERE id = ?", (session_id,))
            if runner_id is not None:
                sql = "INSERT OR REPLACE INTO settings (key, value_json) VALUES (?, ?)"
                db.execute(sql, (_LAST_RUNNER_SETTING, to_json(_last_runner_id(db))))
                db.execute("DELETE FROM runners WHERE id = ?", (runner_id,))

    def _delete_rows(self, session_ids: list[int]) -> None:
        """Empties sessions so slowly that SQLite's log or journal stays short: each step makes room for a longer one.

        One row may change more pages than there is room for, which is seldom so at both ends.
        """
        rows, refused, order = _STEP_ROWS, 0, "ASC"
        for session_id, table in product(session_ids, _OF_A_SESSION):
            gone = rows
            while gone:
                try:
                    gone = self._delete_some(table, session_id, rows, order)
                except StoreError as error:
                    refused += rows == 1
                    if not is_full(error) or refused == 2:
                        raise
                    rows, order = max(1, rows // 8), "DESC" if refused else "ASC"
                else:
                    rows, refused = min(2 * rows, _STEP_ROWS), 0
                self._give_back()

    def _delete_some(self, table: str, session_id: int, rows: int, order: str) -> int:
        sql = (
            f"DELETE FROM {table} WHERE session_id = ?1 "
            f"AND n IN (SELECT n FROM {table} WHERE session_id = ?1 ORDER BY n {order} LIMIT {rows})"
        )
        with self._transaction() as db:
            return db.execute(sql, (session_id,)).rowcount

    def _give_back(self) -> None:
        """Shortens the file by what is free in it, as far as there is room for that, and the log."""
        with self._mutex, suppress(sqlite3.Error):
            self._connection.executescript("PRAGMA incremental_vacuum")  # `execute` would free one page
        self._truncate_log()

    def shrink(self) -> None:
        """Gives the disk back what was deleted, as far as it can be done now; new sessions fill what stays."""
        with self._mutex, suppress(sqlite3.Error):
            self._move_to_incremental()
        self._give_back()
        self._return_to_log()
        self._keep_reserve()

    def _keep_reserve(self) -> None:
        if self._keeps_reserve:
            keep_reserve(self._path)

    def _move_to_incremental(self) -> None:
        """A file from before sessions could be deleted is written anew once, between sessions, where there is room."""
        db = self._connection
        if db.execute("PRAGMA auto_vacuum").fetchone()[0] == _INCREMENTAL:
            return
        running = db.execute("SELECT 1 FROM sessions WHERE state = 'open'").fetchone()
        if running is None and has_room(self._path, 3 * self._path.stat().st_size):
            db.execute(f"PRAGMA auto_vacuum = {_INCREMENTAL}")
            db.execute("VACUUM")

    def _truncate_log(self) -> None:
        """Brings SQLite's log into the database: it still holds what was deleted, and takes room."""
        with self._mutex:
            self._shorten_log()

    def _shorten_log(self) -> None:
        with suppress(sqlite3.Error):
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def set_session_runner(self, session_id: int, runner: people.Runner) -> None:
        """Says whose a session is that is nobody's yet; the height that was told for it goes.

        Nothing changes where it is somebody else's, or the runner has been deleted.
        """
        with self._transaction() as db:
            found = db.execute("SELECT runner_id FROM sessions WHERE id = ?", (session_id,)).fetchone()
            theirs = found is not None and found[0] in (None, runner.id)
            if theirs and people.read_runner(db, runner.id) is not None:
                _set(db, session_id, {"runner_id": runner.id, "height_cm": runner.person.height_cm})

    def give_session(self, session_id: int, runner_id: int | None) -> bool:
        """Says whose a session was that has ended; None: nobody's. The height that it has is theirs then.

        What was learnt in it of who was taken for them counts no more: their baselines that it measured, so that older
        ones count again, and what it did of their programme. It does where the session is given back. Nothing of that
        is the other's: it was run against other limits.

        Returns:
            False where there is no such session, or no such runner.

        Raises:
            StillRunning: the session is still open.
        """
        with self._transaction() as db:
            sql = "SELECT state, runner_id, started_utc, ended_utc FROM sessions WHERE id = ?"
            row = db.execute(sql, (session_id,)).fetchone()
            runner = None if runner_id is None else people.read_runner(db, runner_id)
            if row is None or (runner is None and runner_id is not None):
                return False
            state, before, *between = row
            if state == "open":
                raise StillRunning(f"session {session_id} is still running; choose who runs")
            if before != runner_id:
                training.measured_in(db, session_id, before, *between)
                height_cm = None if runner is None else runner.person.height_cm
                _set(db, session_id, {"runner_id": runner_id, "height_cm": height_cm})
        return True

    def set_session_height(self, session_id: int, height_cm: float | None) -> None:
        """Says how tall the runner of a session is; None: not known."""
        with self._transaction() as db:
            _set(db, session_id, {"height_cm": height_cm})

    def add_runner(self, name: str, height_cm: float | None = None) -> tuple[int, str]:
        """Adds a runner and returns id and name. Without a name, the runner is called by the id.

        The number of a runner who was deleted is not given again, nor one by which somebody called themselves.
        """
        with self._transaction() as db:
            runner_id = 1 + _last_runner_id(db)
            while not name and people.is_called(db, f"Runner {runner_id}"):
                runner_id += 1
            sql = "INSERT INTO runners (id, name, height_cm, created_utc) VALUES (?, ?, ?, ?)"
            db.execute(sql, (runner_id, name, height_cm, utc_now()))
            if not name:
                name = f"Runner {runner_id}"
                db.execute("UPDATE runners SET name = ? WHERE id = ?", (name, runner_id))
        return runner_id, name

    def has_runner_called(self, name: str, but: int | None = None) -> bool:
        """Whether somebody ``but`` this runner has this name, in whatever capitals."""
        with self._transaction() as db:
            return people.is_called(db, name, but)

    def rename_runner(self, runner_id: int, name: str) -> bool:
        """Changes a runner's name; False where there is no such runner."""
        with self._transaction() as db:
            return db.execute("UPDATE runners SET name = ? WHERE id = ?", (name, runner_id)).rowcount > 0

    def runner(self, runner_id: int) -> people.Runner | None:
        """A runner; None where there is no such runner."""
        with self._transaction() as db:
            return people.read_runner(db, runner_id)

    def set_height(self, runner_id: int, height_cm: float | None) -> None:
        """Keeps a runner's height; None: not known."""
        with self._transaction() as db:
            db.execute("UPDATE runners SET height_cm = ? WHERE id = ?", (height_cm, runner_id))

    def set_goal(self, runner_id: int, goal: Goal | None) -> None:
        """Keeps what a runner is coached for; None: as the settings say."""
        with self._transaction() as db:
            db.execute("UPDATE runners SET goal = ? WHERE id = ?", (goal, runner_id))

    def baselines(self, runner_id: int, installation: str) -> training.Baselines:
        """A runner's newest baselines on an installation, by side and metric."""
        with self._transaction() as db:
            return training.read_baselines(db, runner_id, installation)

    def add_baselines(
        self, runner_id: int, installation: str, baselines: training.Baselines, session_id: int | None = None
    ) -> None:
        """Adds baselines, which take the place of older ones; none where the runner has been deleted.

        ``session_id``: which session measured them; None where none had begun.
        """
        with self._transaction() as db:
            if people.read_runner(db, runner_id) is None:
                return
            training.write_baselines(db, runner_id, installation, baselines, session_id, utc_now())

    def drop_baselines(self, runner_id: int) -> None:
        """Forgets a runner's baselines, so that the next session measures them anew."""
        with self._transaction() as db:
            db.execute("DELETE FROM baselines WHERE runner_id = ?", (runner_id,))

    def programme(self, runner_id: int, but_session: int | None = None) -> training.StoredProgramme | None:
        """The programme that a runner is in, without what session ``but_session`` did of it; None for none."""
        with self._transaction() as db:
            return training.read_programme(db, runner_id, but_session)

    def start_programme(self, runner_id: int, metric: str) -> None:
        """Begins a programme; one that runs already goes on, and none begins where the runner has been deleted."""
        new = "SELECT id, ?, ? FROM runners WHERE id = ?"
        sql = f"INSERT OR IGNORE INTO programmes (runner_id, metric, started_utc) {new}"
        with self._transaction() as db:
            db.execute(sql, (metric, utc_now(), runner_id))

    def end_programme(self, runner_id: int) -> None:
        """Ends a runner's programme, if there is one."""
        sql = "UPDATE programmes SET ended_utc = ? WHERE runner_id = ? AND ended_utc IS NULL"
        with self._transaction() as db:
            db.execute(sql, (utc_now(), runner_id))

    def save_attempt(self, programme_id: int, session_id: int, attempt: Attempt) -> None:
        """Adds or overwrites what a session did of a programme.

        Nothing where the runner has been deleted, or the session did something of another runner's programme before.
        """
        with self._transaction() as db:
            if db.execute("SELECT 1 FROM programmes WHERE id = ?", (programme_id,)).fetchone() is None:
                return
            training.write_attempt(db, programme_id, session_id, attempt)

    def set_setting(self, key: str, value: object) -> None:
        """Keeps a JSON value under a name, from run to run (as the camera's pose in this installation)."""
        sql = "INSERT OR REPLACE INTO settings (key, value_json) VALUES (?, ?)"
        with self._transaction() as db:
            db.execute(sql, (key, to_json(value)))

    def _append(self, table: str, session_id: int, columns: tuple[str, ...], values: tuple[object, ...]) -> int:
        marks = ", ".join("?" * len(columns))
        sql = (
            f"INSERT INTO {table} (session_id, n, {', '.join(columns)}) "
            f"SELECT ?, coalesce(max(n), 0) + 1, {marks} FROM {table} WHERE session_id = ? RETURNING n"
        )
        with self._transaction() as db:
            n: int = db.execute(sql, (session_id, *values, session_id)).fetchone()[0]
            db.execute("UPDATE sessions SET last_write_utc = ? WHERE id = ?", (utc_now(), session_id))
        return n

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._mutex, plain_errors(self._path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException as error:
                if self._connection.in_transaction:  # a full disk has rolled back by itself
                    self._connection.execute("ROLLBACK")
                if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
                    self._shorten_log()  # the next try finds its room
                raise


def _set(db: sqlite3.Connection, session_id: int, values: Mapping[str, object]) -> None:
    named = {"last_write_utc": utc_now(), **values}
    sql = f"UPDATE sessions SET {', '.join(f'{name} = ?' for name in named)} WHERE id = ?"
    if db.execute(sql, (*named.values(), session_id)).rowcount == 0:
        raise KeyError(f"no session {session_id}")


def _started_utc(db: sqlite3.Connection, session_id: int) -> str | None:
    row = db.execute("SELECT started_utc FROM sessions WHERE id = ?", (session_id,)).fetchone()
    return None if row is None else str(row[0])


def _differ(stored_utc: str | None, counted_utc: str) -> bool:
    """Whether the clock was set between the two."""
    if stored_utc is None:
        return False
    apart = datetime.fromisoformat(counted_utc) - datetime.fromisoformat(stored_utc)
    return abs(apart.total_seconds()) > _CLOCK_SET_S


def _last_runner_id(db: sqlite3.Connection) -> int:
    """The highest number that a runner ever had; 0 before the first."""
    sql = (
        "SELECT max(coalesce((SELECT max(id) FROM runners), 0), "
        "coalesce((SELECT CAST(value_json AS INTEGER) FROM settings WHERE key = ?), 0))"
    )
    found: int = db.execute(sql, (_LAST_RUNNER_SETTING,)).fetchone()[0]
    return found


def _make(path: Path) -> bool:
    """An empty file, which SQLite takes for a new database; its own would be for everybody on the machine to read.

    The group may read it: the web service belongs to that. SQLite's log and index get the same rights. The reserve of
    one that was moved away goes. Returns whether there was none.
    """
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640))
    except FileExistsError:
        return False
    give_reserve_up(path)
    return True


def _unmake(path: Path) -> None:
    """Removes what `_make` made where nothing came of it: it would be taken for one that was emptied."""
    with suppress(OSError):
        if path.stat().st_size == 0:
            path.unlink()


def _connect(path: Path) -> sqlite3.Connection:
    with plain_errors(path):
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5.0)
        try:
            if connection.execute("PRAGMA auto_vacuum").fetchone()[0] != _INCREMENTAL:  # else it would be written again
                connection.execute(f"PRAGMA auto_vacuum = {_INCREMENTAL}")  # holds for a new file only
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA journal_mode = WAL")
            migrate(connection, path)
            _try_writing(connection)
        except BaseException:
            with suppress(sqlite3.Error):
                connection.close()
            raise
    return connection


def _try_writing(connection: sqlite3.Connection) -> None:
    """Finds a read-only file now instead of at the first session. Only a real write tells."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(f"PRAGMA user_version = {version}")
    connection.execute("ROLLBACK")
