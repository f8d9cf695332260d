"""Small files that are there whole or not at all, also after a power cut."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def write_whole(path: Path, content: bytes, mode: int) -> None:
    """Writes beside the file, to the disk, and only then under its name: the old content stays, or the new is there.

    Where root writes, the file belongs to who owns the folder.

    Args:
        path: of the file.
        content: all of it.
        mode: its permissions.

    Raises:
        OSError: it cannot be written; the old content stays.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.unlink(missing_ok=True)
    try:
        fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(fd, "wb") as file:
            if os.geteuid() == 0:
                folder = path.parent.stat()
                os.fchown(fd, folder.st_uid, folder.st_gid)
            os.fchmod(fd, mode)
            file.write(content)
            file.flush()
            os.fsync(fd)
        os.replace(part, path)
    except BaseException:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Brings the names in a folder to the disk."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
