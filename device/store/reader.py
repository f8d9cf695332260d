"""Reads the store while the device writes it, or where there is none yet."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from device.store import training
from device.store.database import (
    COLUMNS,
    StoreDamaged,
    check_whole,
    copy_into,
    damaged,
    is_damage,
    migrations,
    open_read_only,
    plain_errors,
    used_bytes,
    version,
)
from device.store.room import was_emptied
from device.whole_file import made_whole
from model.errors import StoreError
from model.lengths import stance_with_centimetres, with_centimetres
from model.result import with_counts

_HEAD = (
    "id, uid, started_utc, ended_utc, state, mode, view, model, source, fps, frames, frames_with_runner, "
    "runner_id, height_cm, belt_speed_min_m_s, belt_speed_max_m_s"
)
_COUNTED = ("stances", "reps", "cues")
#: The rows of a session are numbered without gaps: the two ends tell how many there are without a look at them all.
_LISTED = f"{_HEAD}, summary_json, kept_back_json, " + ", ".join(
    f"coalesce((SELECT max(n) FROM {table} WHERE session_id = s.id) + 1 "
    f"- (SELECT min(n) FROM {table} WHERE session_id = s.id), 0) AS {table}"
    for table in _COUNTED
)
#: A session that was run before its runner gave a height has the runner's.
_SESSION = (
    "SELECT s.*, coalesce(s.height_cm, r.height_cm) AS tall_cm "
    "FROM sessions AS s LEFT JOIN runners AS r ON r.id = s.runner_id WHERE s.id = ?"
)


class StoreReader:
    """Reads sessions; never writes. Every call opens the file anew, so one reader may serve many threads.

    Where no database exists yet, all answers are empty.

    Raises:
        StoreError: from every method, where the file cannot be read or has another schema; with the remedy.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing stays open between two calls."""

    def list_sessions(self, limit: int = 50, offset: int = 0, runner_id: int | None = None) -> list[dict[str, Any]]:
        """Sessions, newest first: head, summary and ``kept_back`` of each, how many stances, repetitions and cues.

        ``runner_id``: of this runner only; None: of everybody.
        """
        where, whose = _of_runner(runner_id)
        # The numbers first: what is listed of a session is looked up of those alone that are asked for.
        asked = f"SELECT id FROM sessions{where} ORDER BY id DESC LIMIT ? OFFSET ?"
        sql = f"SELECT {_LISTED} FROM sessions AS s WHERE id IN ({asked}) ORDER BY id DESC"
        with self._connection() as db:
            rows = db.execute(sql, (*whose, limit, offset)).fetchall() if db else []
        return [self._unpacked(row, "summary", "kept_back") for row in rows]

    def readable_sessions(
        self, limit: int = 50, offset: int = 0, runner_id: int | None = None
    ) -> tuple[list[dict[str, Any]], int]:
        """What can be read of a damaged database, session by session: as `list_sessions`, and how many there are.

        A session of which a part cannot be read has no summary, no ``kept_back``, or no count of what is lost: None.
        """
        with self._connection() as db:
            if db is None:
                return [], 0
            newest = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'sessions'").fetchone()
            ids = range(newest[0] if newest else 0, 0, -1)
            heads = [head for session_id in ids if (head := _readable_head(db, session_id)) is not None]
            heads = [head for head in heads if runner_id in (None, head["runner_id"])]
            shown = heads[offset : offset + limit]
            for head in shown:
                head |= {name: self._readable_json(db, name, head["id"]) for name in ("summary", "kept_back")}
                for table in _COUNTED:
                    found = _readable(db, f"SELECT count(*) FROM {table} WHERE session_id = ?", head["id"])
                    head[table] = None if found is None else found[0]
        return shown, len(heads)

    def _readable_json(self, db: sqlite3.Connection, name: str, session_id: int) -> Any:
        row = _readable(db, f"SELECT {name}_json FROM sessions WHERE id = ?", session_id)
        with suppress(StoreDamaged):
            return None if row is None else self._unpacked(row, name)[name]
        return None

    def count_sessions(self, runner_id: int | None = None) -> int:
        """How many sessions there are; ``runner_id``: of this runner."""
        where, whose = _of_runner(runner_id)
        with self._connection() as db:
            return int(db.execute(f"SELECT count(*) FROM sessions{where}", whose).fetchone()[0]) if db else 0

    def used_bytes(self) -> int:
        """What the database takes of the disk; see `database.used_bytes`."""
        with self._connection() as db:
            return used_bytes(db) if db else 0

    def runs(self, runner_id: int) -> list[dict[str, Any]]:
        """A runner's runs that have ended, the oldest first: id, started_utc, view and belt; tests are none."""
        sql = (
            "SELECT id, started_utc, view, belt_speed_min_m_s, belt_speed_max_m_s FROM sessions "
            "WHERE runner_id = ? AND mode = 'run' AND state <> 'open' ORDER BY id"
        )
        with self._connection() as db:
            return [dict(row) for row in db.execute(sql, (runner_id,))] if db else []

    def result(self, session_id: int) -> dict[str, Any] | None:
        """A session as `session` has it, without its stances, repetitions and cues, and without centimetres.

        A long session's thousands of stances need not be read where its summary is enough.
        """
        with self._connection() as db:
            row = db.execute("SELECT * FROM sessions WHERE id = ?", (session_id,)).fetchone() if db else None
        return None if row is None else self._unpacked(row, "camera", "summary", "kept_back", "goals")

    def session(self, session_id: int) -> dict[str, Any] | None:
        """One session as ``kneeline.session/1``, with id, uid, times in UTC, state, runner_id and belt besides.

        The belt's speed as it was told is there as ``belt_speed_min_m_s`` and ``belt_speed_max_m_s``, the same where it
        did not change; None: not known. ``kept_back`` says for how many seconds of running cues were, and why:
        ``measuring_s``, ``fading_s`` with ``programme_session``, ``off_s``, each where there were any; None: not known.
        ``goals`` are the metrics that were coached while somebody ran; None: not known. Each stance has ``counts``
        besides: whether it is in the session's means.

        Where the runner's height is known it is there as ``height_cm``, with lengths in centimetres
        (`with_centimetres`). Returns None where there is no such session.
        """
        with self._connection() as db:
            if db is None:
                return None
            db.execute("BEGIN")  # one moment for all tables
            row = db.execute(_SESSION, (session_id,)).fetchone()
            if row is None:
                return None
            head = self._unpacked(row, "camera", "summary", "kept_back", "goals")
            rows = {
                table: db.execute(f"SELECT * FROM {table} WHERE session_id = ? ORDER BY n", (session_id,)).fetchall()
                for table in _COUNTED
            }
        document = {
            "schema": "kneeline.session/1",
            **{k: head[k] for k in ("id", "uid", "started_utc", "ended_utc", "state", "runner_id", "app_version")},
            **{k: head[k] for k in ("belt_speed_min_m_s", "belt_speed_max_m_s", "kept_back", "goals")},
            **{
                k: head[k] for k in ("source", "mode", "view", "model", "fps", "frames", "frames_with_runner", "camera")
            },
            "stances": with_counts([self._stance(r) for r in rows["stances"]]),
            "reps": [self._parsed(r["rep_json"]) for r in rows["reps"]],
            "cues": [_without_key(r) for r in rows["cues"]],
            "summary": head["summary"],
        }
        return with_centimetres(document, head["tall_cm"])

    def last_stances(self, session_id: int, most: int) -> list[dict[str, Any]]:
        """The last stances of a session that still runs, as in `session` but for ``counts``, without those before.

        None of one that has ended, or is not there.
        """
        with self._connection() as db:
            if db is None:
                return []
            db.execute("BEGIN")  # one moment for both tables
            row = db.execute(_SESSION, (session_id,)).fetchone()
            if row is None or row["state"] != "open":
                return []
            sql = "SELECT * FROM stances WHERE session_id = ? ORDER BY n DESC LIMIT ?"
            newest = db.execute(sql, (session_id, most)).fetchall()
        return [stance_with_centimetres(self._stance(one), row["tall_cm"]) for one in reversed(newest)]

    def runners(self) -> list[dict[str, Any]]:
        """All runners by name: id, name, height_cm, goal, created_utc, numbers, and when they were here last.

        ``sessions`` counts all, ``tests`` those of them that are a squat or step-down test; of a damaged database they
        are None where the sessions cannot be read.
        """
        sql = (
            "SELECT r.id, r.name, r.height_cm, r.goal, r.created_utc, "
            "count(s.id) AS sessions, count(s.id) FILTER (WHERE s.mode <> 'run') AS tests, "
            "max(s.started_utc) AS last_utc "
            "FROM runners AS r LEFT JOIN sessions AS s ON s.runner_id = r.id GROUP BY r.id "
            "ORDER BY r.name COLLATE NOCASE, r.id"
        )
        without = (
            "SELECT id, name, height_cm, goal, created_utc, NULL AS sessions, NULL AS tests, NULL AS last_utc "
            "FROM runners ORDER BY name COLLATE NOCASE, id"
        )
        with self._connection() as db:
            if db is None:
                return []
            try:
                rows = db.execute(sql).fetchall()
            except sqlite3.DatabaseError as error:
                if not is_damage(error):
                    raise
                rows = db.execute(without).fetchall()
        return [dict(row) for row in rows]

    def runner_name(self, runner_id: int | None) -> str | None:
        """What a runner is called; None where there is no such runner."""
        with self._connection() as db:
            sql = "SELECT name FROM runners WHERE id = ?"
            row = db.execute(sql, (runner_id,)).fetchone() if db else None
        return None if row is None else str(row[0])

    def programme(self, runner_id: int) -> training.StoredProgramme | None:
        """The programme that a runner is in; None for none."""
        with self._connection() as db:
            return training.read_programme(db, runner_id) if db else None

    def setting(self, key: str) -> Any:
        """The JSON value kept under a name; None where there is none."""
        with self._connection() as db:
            row = db.execute("SELECT value_json FROM settings WHERE key = ?", (key,)).fetchone() if db else None
        return self._parsed(row[0]) if row else None

    def backup(self, target: Path) -> None:
        """Copies the whole database into one new file, while the device may go on writing.

        It holds names and heights, so that only who made it may read it. It is there whole or not at all.

        Raises:
            StoreError: there is nothing to copy, it is damaged, the target exists, or it cannot be written.
        """
        with _told_of(target):
            if target.exists():
                raise StoreError(f"{target} exists already; name a new file")
        with self._connection() as db:
            if db is None:
                raise StoreError(
                    f"{self._path} does not exist yet, so there is nothing to back up; run a session first"
                )
            check_whole(db, self._path)
            with _told_of(target), made_whole(target) as part:
                copy_into(part, db)

    def check(self) -> None:
        """Reads the whole database.

        Raises:
            StoreError: it is damaged.
        """
        with self._connection() as db:
            if db is not None:
                check_whole(db, self._path)

    def _parsed(self, text: str) -> Any:
        try:
            return json.loads(text)
        except ValueError:
            raise damaged(self._path) from None

    def _unpacked(self, row: sqlite3.Row, *names: str) -> dict[str, Any]:
        """A row as a dict, with ``*_json`` columns of the given names parsed under the plain name."""
        values = dict(row)
        for name in names:
            text = values.pop(f"{name}_json")
            values[name] = None if text is None else self._parsed(text)
        return values

    def _stance(self, row: sqlite3.Row) -> dict[str, Any]:
        values = _without_key(row)
        measured = self._parsed(values.pop("values_json"))
        return {**values, **measured}

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection | None]:
        """A read-only connection, or None where the database does not exist or is still empty."""
        try:
            there = self._path.exists()
        except PermissionError:
            raise StoreError(
                f"{self._path} is not accessible to this user; use sudo, or join the group of its folder"
            ) from None
        if not there:
            yield None
            return
        if was_emptied(self._path):
            raise damaged(self._path)
        with plain_errors(self._path), closing(open_read_only(self._path)) as db:
            found = version(db, self._path, whole=COLUMNS)
            db.row_factory = sqlite3.Row
            if 0 < found < len(migrations()):
                raise StoreError(f"{self._path} has the older schema {found}; start kneeline device once")
            yield db if found else None


def _of_runner(runner_id: int | None) -> tuple[str, tuple[int, ...]]:
    """Which sessions are a runner's (None: all are meant), in SQL, and its values."""
    return ("", ()) if runner_id is None else (" WHERE runner_id = ?", (runner_id,))


@contextmanager
def _told_of(target: Path) -> Iterator[None]:
    """Turns what stands in the way of a copy into a ``StoreError`` with the name that was typed."""
    try:
        with plain_errors(target):
            yield
    except StoreError:
        raise
    except OSError as error:
        raise StoreError(f"{target} cannot be written ({error.strerror}); name a file in a writable folder") from error


def _readable(db: sqlite3.Connection, sql: str, session_id: int) -> sqlite3.Row | None:
    """The row; None where there is none, or where it cannot be read."""
    try:
        found: sqlite3.Row | None = db.execute(sql, (session_id,)).fetchone()
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        return None
    return found


def _readable_head(db: sqlite3.Connection, session_id: int) -> dict[str, Any] | None:
    """What is listed of a session but for summary and counts; None where that cannot be read, or makes no sense."""
    row = _readable(db, f"SELECT {_HEAD} FROM sessions WHERE id = ?", session_id)
    if row is None or row["id"] != session_id:
        return None
    try:
        for moment in (row["started_utc"], row["ended_utc"] or row["started_utc"]):
            datetime.fromisoformat(moment)
    except (TypeError, ValueError):
        return None
    return dict(row)


def _without_key(row: sqlite3.Row) -> dict[str, Any]:
    return {key: row[key] for key in row.keys() if key not in ("session_id", "n")}  # noqa: SIM118 (rows iterate values)
