"""What writer and reader share: the schema's version, and SQLite's errors in plain words with a remedy."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from importlib import resources
from pathlib import Path
from urllib.parse import quote

from model.errors import StoreError

#: "Knee", in the header of every database that is ours.
APPLICATION_ID = 0x4B6E6565

_REMEDIES = {
    sqlite3.SQLITE_NOTADB: "is no Kneeline database; move it away, or name another under [store] path",
    sqlite3.SQLITE_CORRUPT: "is damaged; kneeline restore brings a backup back, else move it away",
    sqlite3.SQLITE_READONLY: "is read-only; give the service's user write access to it and to its folder",
    sqlite3.SQLITE_READONLY_ROLLBACK: "was cut off amid a change; start kneeline device once, which undoes it",
    sqlite3.SQLITE_PERM: "is not accessible; give the service's user access to it and to its folder",
    sqlite3.SQLITE_FULL: "cannot grow because the disk is full; free some space, or delete old sessions on the page",
    sqlite3.SQLITE_BUSY: "is locked by another program; close that program",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened; check that its folder exists and may be written",
    sqlite3.SQLITE_IOERR: "cannot be read or written; check the disk or SD card",
}

#: What a schema is made of, row by row; and what of it reading goes by, which may be whole where the rest is not.
SCHEMA = "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL"
COLUMNS = "SELECT t.name, c.name FROM sqlite_schema AS t JOIN pragma_table_info(t.name) AS c WHERE t.type = 'table'"


class StoreDamaged(StoreError):
    """What was asked for lies on a damaged part of the database; the rest may be readable."""


@contextmanager
def plain_errors(path: Path) -> Iterator[None]:
    """Turns SQLite's errors into a ``StoreError`` with file and remedy. Wrong use of SQL stays as it is."""
    try:
        yield
    except UnicodeDecodeError as error:  # a name in a damaged schema, or SQLite's own words about it
        raise damaged(path) from error
    except sqlite3.Error as error:
        code = _code(error)
        if code not in _REMEDIES:
            raise
        kind = StoreDamaged if code == sqlite3.SQLITE_CORRUPT else StoreError
        raise kind(f"{path} {_REMEDIES[code]}") from error


def open_read_only(path: Path) -> sqlite3.Connection:
    """Opens it for reading, also in a folder without write access once the device has ended cleanly."""
    uri = f"file:{quote(str(path.absolute()))}?mode=ro"
    db = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=5.0)
    try:
        db.execute("PRAGMA user_version")
    except sqlite3.Error as error:
        db.close()
        # A log is not all written in the file yet; a journal of a power cut holds what is to come back.
        alone = not any(_holds(path.with_name(path.name + end)) for end in ("-wal", "-journal"))
        # READONLY: the folder belongs to another user; CANTOPEN: on a read-only mount; SHMSIZE: on a full one.
        code = error.sqlite_errorcode
        refused = code & 0xFF in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
        refused = refused or code == sqlite3.SQLITE_IOERR_SHMSIZE
        if not (refused and alone):
            raise
        db = sqlite3.connect(f"{uri}&immutable=1", uri=True, isolation_level=None)
    return db


def _holds(file: Path) -> bool:
    try:
        return file.stat().st_size > 0
    except FileNotFoundError:
        return False


def copy_into(file: Path, source: sqlite3.Connection) -> None:
    """Makes of an empty file all of an open database: nothing of it lies beside the file."""
    with closing(sqlite3.connect(file)) as copy:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")


def check_whole(connection: sqlite3.Connection, path: Path) -> int:
    """Reads every page, and the schema, whose version it returns; 0 for an empty database.

    Raises:
        StoreDamaged: as it says.
    """
    found = version(connection, path)
    if connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
        raise damaged(path)
    return found


def damaged(path: Path) -> StoreDamaged:
    """That the database is damaged, where SQLite itself did not see it."""
    return StoreDamaged(f"{path} {_REMEDIES[sqlite3.SQLITE_CORRUPT]}")


def is_full(error: StoreError) -> bool:
    """Whether the disk was full."""
    return _code(error.__cause__) == sqlite3.SQLITE_FULL


def is_busy(error: StoreError) -> bool:
    """Whether somebody else was at the database."""
    return _code(error.__cause__) == sqlite3.SQLITE_BUSY


def is_damage(error: sqlite3.Error) -> bool:
    """Whether what was to be read is damaged."""
    return _code(error) == sqlite3.SQLITE_CORRUPT


def _code(error: BaseException | None) -> int:
    """SQLite's own number; room that it did not get for the index of its log is a full disk, too.

    Text that is none is told without a number, and a format that SQLite never had as if the SQL were wrong.
    """
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        undecodable = isinstance(error, sqlite3.OperationalError) and "decode" in str(error)
        return sqlite3.SQLITE_CORRUPT if undecodable else 0
    if code == sqlite3.SQLITE_ERROR and "unsupported file format" in str(error):
        return sqlite3.SQLITE_CORRUPT
    if code == sqlite3.SQLITE_IOERR_SHMSIZE:
        return sqlite3.SQLITE_FULL
    return int(code) if code in _REMEDIES else int(code) & 0xFF


@cache
def migrations() -> tuple[str, ...]:
    """The SQL of every migration, in order; the n-th leads to version n.

    None of them is ever changed, not even a space: every database has that text in its schema, and is held against it.
    """
    folder = resources.files("device.store")
    scripts = sorted((f for f in folder.iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)
    return tuple(f.read_text(encoding="utf-8") for f in scripts)


def version(connection: sqlite3.Connection, path: Path, whole: str = SCHEMA) -> int:
    """The schema's version of an open database; 0 for an empty one.

    ``whole``: what of the schema must be whole, `SCHEMA` or `COLUMNS`.

    Raises:
        StoreError: the database is another program's, or newer than this program.
        StoreDamaged: the schema is none that any version has.
    """
    connection.execute("BEGIN")  # one moment for all of it
    found: int = connection.execute("PRAGMA user_version").fetchone()[0]
    ours = connection.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID
    if not ours and connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone():
        raise StoreError(f"{path} {_REMEDIES[sqlite3.SQLITE_NOTADB]}")
    if found > len(migrations()):
        raise StoreError(
            f"{path} has schema {found}, this program knows {len(migrations())}: a newer Kneeline wrote it; "
            "update this one, or name another file under [store] path"
        )
    there = set(map(tuple, connection.execute(whole)))
    if (ours and found < 1) or not _made(migrations()[:found], whole) <= there:
        raise damaged(path)
    connection.execute("COMMIT")
    return found


@cache
def _made(steps: tuple[str, ...], whole: str) -> frozenset[tuple[str, str]]:
    """What migrations make of an empty database."""
    with closing(sqlite3.connect(":memory:")) as empty:
        empty.executescript("".join(steps))
        return frozenset(empty.execute(whole).fetchall())


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Brings an open database to the newest version, in one transaction: readers see the old one or the new one."""
    steps = migrations()[version(connection, path) :]
    if not steps:
        return
    try:
        connection.executescript(
            "\n".join(["BEGIN IMMEDIATE;", *steps, f"PRAGMA application_id = {APPLICATION_ID};"])
            + f"PRAGMA user_version = {len(migrations())};\nCOMMIT;"
        )
    except sqlite3.Error:
        connection.rollback()
        raise


def used_bytes(connection: sqlite3.Connection) -> int:
    """What the database takes of the disk, without SQLite's log; what is free in the file is none of it."""
    names = ("page_size", "page_count", "freelist_count")
    size, pages, free = (int(connection.execute(f"PRAGMA {name}").fetchone()[0]) for name in names)
    return size * (pages - free)


def to_json(value: object) -> str:
    """JSON with null for everything that is not a finite number."""
    return json.dumps(_finite(value), allow_nan=False, ensure_ascii=False)


def _finite(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
