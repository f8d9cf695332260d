"""Files that are there whole or not at all, also after a power cut."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def made_whole(path: Path) -> Iterator[Path]:
    """An empty file beside ``path`` that its owner alone may read, to be filled by whoever uses this.

    At the end it goes to the disk, and only then under its name: the old content stays, or the new is there.

    Raises:
        OSError: it cannot be written; the old content stays.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        part.unlink(missing_ok=True)
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        yield part
        with part.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        with suppress(OSError):  # what went wrong before is told, not this
            part.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_whole(path: Path, content: bytes, mode: int) -> None:
    """Writes a file as `made_whole` does. Where root writes, the file belongs to who owns the folder.

    Args:
        path: of the file.
        content: all of it.
        mode: its permissions.

    Raises:
        OSError: it cannot be written; the old content stays.
    """
    with made_whole(path) as part, part.open("rb+") as file:
        give_to_folders_owner(file.fileno(), path.parent)
        os.fchmod(file.fileno(), mode)
        file.write(content)


def give_to_folders_owner(fd: int, folder: Path) -> None:
    """Where root writes, an open file belongs to who owns its folder.

    Raises:
        OSError: the file system has no owners.
    """
    if os.geteuid() == 0:
        owner = folder.stat()
        os.fchown(fd, owner.st_uid, owner.st_gid)


def sync_folder(folder: Path) -> None:
    """Brings the names in a folder to the disk; some network shares cannot, and do so by themselves."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
    finally:
        os.close(fd)
