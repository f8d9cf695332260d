"""The folder of the store that stands in where the database cannot be had: in memory, for the disk may be at fault."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from device.config import service_folder

_IN_MEMORY = Path("/dev/shm")


def remove_left() -> None:
    """Removes what a kill has left of it in the service's own folder: with each one more memory would be taken."""
    if (folder := _in_service()) is not None:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def stand_in_folder() -> Iterator[Path]:
    """A new folder, which goes again at the end."""
    if (folder := _in_service()) is not None:
        folder.mkdir(mode=0o700, exist_ok=True)
        try:
            yield folder
        finally:
            remove_left()
        return
    with TemporaryDirectory(prefix="kneeline-", dir=_IN_MEMORY if _IN_MEMORY.is_dir() else None) as name:
        yield Path(name)


def _in_service() -> Path | None:
    run = service_folder("RUNTIME_DIRECTORY")
    return None if run is None else run / "stand-in"
