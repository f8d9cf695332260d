"""Sign-ins that were ended, so that a copy of their cookie opens nothing any more."""

from __future__ import annotations

import logging
import threading
from collections import deque
from pathlib import Path

from device.whole_file import write_whole

ENDED_FILE = "ended-sign-ins"
#: Beyond it the oldest is forgotten; it takes the password to add one, and a month ends them all the same.
MAX_ENDED = 1000

log = logging.getLogger(__name__)


class EndedSignIns:
    """Numbers of sign-ins that hold no more, kept for after a restart. Where they cannot be, they hold until then.

    Args:
        path: of the file; may be missing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._ended: deque[str] = deque(_kept(path), MAX_ENDED)

    def __contains__(self, number: str) -> bool:
        with self._lock:
            return number in self._ended

    def add(self, number: str) -> None:
        """Ends a sign-in."""
        with self._lock:
            self._ended.append(number)
            try:
                write_whole(self._path, "\n".join(self._ended).encode(), 0o600)
            except OSError as error:
                log.warning("%s cannot be kept (%s)", self._path, error.strerror)


def _kept(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii").split()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeError) as error:
        log.warning("%s cannot be read (%s)", path, error)
        return []
