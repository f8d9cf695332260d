"""A backup comes back in place of the database. What was there is put aside, whole or damaged, and never deleted."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path

from device.store.database import check_whole, copy_into, open_read_only, plain_errors
from device.store.lock import lock
from device.whole_file import give_to_folders_owner, made_whole, sync_folder
from model.errors import StoreError

#: SQLite's own files: what is in its log or journal is not in the database yet.
_GO_ALONG = ("-wal", "-journal")
_MODE = 0o640


def restore(path: Path, backup: Path) -> Path | None:
    """Puts a copy of a backup, also of an older version's, where the database is.

    The backup is read to its end and its copy lies whole on the disk before anything is touched. Where root restores,
    the database belongs to who owns its folder.

    Returns:
        Where the database is now that was there; None where there was none.

    Raises:
        StoreError: the backup is none, is damaged, or newer than this program; a device writes the database; its folder
            cannot be written, or has no room. Nothing was changed then.
    """
    with _told_of(path):
        path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        lock_fd = lock(path)
    try:
        with _told_of(path), _whole(backup, path) as source:
            new = path.with_name(f"{path.name}.new")
            with made_whole(new) as part:
                with plain_errors(path):
                    copy_into(part, source)
                with part.open("rb") as file:
                    give_to_folders_owner(file.fileno(), path.parent)
                    os.fchmod(file.fileno(), _MODE)
            try:
                aside = _put_aside(path)
                try:
                    os.replace(new, path)
                except OSError:
                    if aside is not None:
                        _rename(aside, path)
                    raise
            finally:
                new.unlink(missing_ok=True)
            sync_folder(path.parent)
            return aside
    finally:
        os.close(lock_fd)


@contextmanager
def _told_of(path: Path) -> Iterator[None]:
    try:
        yield
    except StoreError:
        raise
    except OSError as error:
        remedy = "use sudo, or check the folder's owner, its room and the disk"
        raise StoreError(f"{path} cannot be written ({error.strerror}); {remedy}. Nothing was changed") from error


@contextmanager
def _whole(backup: Path, path: Path) -> Iterator[sqlite3.Connection]:
    """The backup, read to its end, as a connection."""
    another = "name another that kneeline backup has written. Nothing was changed"
    try:
        if not backup.is_file():
            raise StoreError(f"{backup} is not there; {another}")
        if path.exists() and path.samefile(backup):
            raise StoreError(f"{backup} is the database itself; {another}")
        backup.open("rb").close()
    except StoreError:
        raise
    except OSError as error:
        raise StoreError(f"{backup} cannot be read ({error.strerror}); use sudo, or {another}") from error
    source = None
    try:
        with plain_errors(backup):
            source = open_read_only(backup)
            found = check_whole(source, backup)
        if not found:
            raise StoreError(f"{backup} is empty")
    except StoreError as error:
        if source is not None:
            source.close()
        what = str(error).partition(";")[0]  # the remedy there is that of a database in use
        raise StoreError(f"{what}; {another}") from error
    with closing(source):
        yield source


def _put_aside(path: Path) -> Path | None:
    """Gives the database another name, and returns that; None where there is none."""
    if not path.exists():
        return None
    # One file then, so that a power cut cannot part them; what is damaged goes as it is.
    with suppress(sqlite3.Error), closing(sqlite3.connect(path, timeout=5.0)) as db:
        db.execute("PRAGMA journal_mode = DELETE")
    aside = path.with_name(f"{path.name}.{datetime.now():%Y-%m-%dT%H-%M-%S}")
    _rename(path, aside)
    path.with_name(f"{path.name}-shm").unlink(missing_ok=True)
    return aside


def _rename(path: Path, to: Path) -> None:
    """A database with its log and journal: those first, for without it SQLite throws them away."""
    for end in (*_GO_ALONG, ""):
        one = path.with_name(path.name + end)
        if one.exists():
            os.replace(one, to.with_name(to.name + end))
