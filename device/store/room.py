"""A reserve on the disk beside the database: SQLite needs room to delete, too, and a full disk has none."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

#: Twice what SQLite's log holds, as a rule, before it goes into the database.
RESERVE_BYTES = 8 * 2**20
#: Less is of no use: SQLite's log alone is longer.
_LEAST_BYTES = 2**16
#: More than opening takes.
_OPENING_BYTES = 2**18
#: Of what was lent for opening, so much stays free to close what a power cut left open.
_CLOSING_BYTES = 2**16


def reserve_path(path: Path) -> Path:
    """The file that holds the reserve of a database."""
    return path.with_name(path.name + ".reserve")


def keep_reserve(path: Path) -> None:
    """Makes the reserve whole, or as long as half of what is free: what is not taken now may be gone when it is needed.

    Where little is free little can be written, too, so that a short one is enough.
    """
    reserve = reserve_path(path)
    size = _size(reserve)
    with suppress(OSError):
        wanted = min(RESERVE_BYTES, (size + shutil.disk_usage(path.parent).free) // 2)
        if wanted >= size + _LEAST_BYTES:
            _grow(reserve, wanted)


def take_back(path: Path, before_bytes: int, left_bytes: int = _CLOSING_BYTES) -> None:
    """Makes the reserve as long as it was before something was lent from it, or as there is room for.

    Else every start on a full disk would leave a part of it to the sessions, until nothing could be deleted any more.
    ``left_bytes`` stay free all the same; none are needed where nothing was opened.
    """
    reserve = reserve_path(path)
    size = _size(reserve)
    with suppress(OSError):
        wanted = min(before_bytes, size + shutil.disk_usage(path.parent).free - left_bytes)
        if wanted > size:
            _grow(reserve, wanted)


def _grow(reserve: Path, size_bytes: int) -> None:
    fd = os.open(reserve, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        os.posix_fallocate(fd, 0, size_bytes)
    finally:
        os.close(fd)


def lend_from_reserve(path: Path) -> int:
    """On a full disk SQLite cannot even open what a power cut left: frees a part of the reserve for that.

    Returns:
        How long the reserve was, where a part of it was freed, to be taken back; else 0.
    """
    reserve = reserve_path(path)
    size = _size(reserve)
    if not size or has_room(path, _OPENING_BYTES):
        return 0
    with suppress(OSError):
        os.truncate(reserve, max(0, size - _OPENING_BYTES))
    return size


def _size(reserve: Path) -> int:
    try:
        return reserve.stat().st_size
    except OSError:
        return 0


def give_reserve_up(path: Path) -> None:
    """Frees the reserve, for a moment when nothing else is free."""
    with suppress(OSError):
        reserve_path(path).unlink()


def was_emptied(path: Path) -> bool:
    """Whether a database without a byte once held something: by then there are bytes in it before any in SQLite's log,
    and the reserve is made last."""
    log = path.with_name(path.name + "-wal")
    return _size(path) == 0 and (reserve_path(path).exists() or _size(log) > 0)


def has_room(path: Path, wanted_bytes: int) -> bool:
    """Whether so much is free where the database is."""
    try:
        return shutil.disk_usage(path.parent).free >= wanted_bytes
    except OSError:
        return False
