"""One writer per database: a lock file beside it, which falls with the process that holds it."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from device.whole_file import give_to_folders_owner
from model.errors import StoreError


class StoreInUse(StoreError):
    """Another instance writes it."""


def lock(path: Path) -> int:
    """Takes the lock file beside the database and returns its descriptor; closing that lets go, as its end does.

    Where root takes it first, the file belongs to who owns the folder, who must be able to take it, too.

    Raises:
        StoreInUse: another process holds it.
        OSError: the file cannot be made or opened.
    """
    lock_path = path.with_name(path.name + ".lock")
    fd = os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        with suppress(OSError):  # not every file system has owners
            give_to_folders_owner(fd, path.parent)
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with suppress(OSError):  # a full disk; who holds it is only to be told
            os.ftruncate(fd, 0)
            os.write(fd, f"{os.getpid()}\n".encode())
    except BlockingIOError:
        holder = os.read(fd, 32).decode(errors="replace").strip() or "unknown"
        os.close(fd)
        raise StoreInUse(
            f"another kneeline device is running on {path} (process {holder}); stop it first, "
            "or name another file under [store] path"
        ) from None
    except OSError:
        os.close(fd)
        raise
    return fd
