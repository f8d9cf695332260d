"""How much the sessions may take: beyond that the oldest that are nobody's go.

A box that stands alone for years would fill its card otherwise: an hour of running takes about 6 MB. Which of them are
the oldest is told by their numbers, for the clock may be wrong.
"""

from __future__ import annotations

import logging
from pathlib import Path

from device.health import disk
from device.store import Store
from model.errors import StoreError

#: So many of the newest that are nobody's stay in any case: who ran may still be looking at them.
KEPT = 20
#: Of the disk: however much is allowed, the system needs the rest.
_MOST_OF_DISK = 0.5
MB = 1_000_000

_log = logging.getLogger(__name__)


def most_bytes(path: Path, max_mb: int) -> int:
    """What the sessions in the database ``path`` may take: ``max_mb``, and at most half of the disk."""
    room = disk(path)
    return max_mb * MB if room is None else int(min(max_mb * MB, _MOST_OF_DISK * room.total))


def keep_within(store: Store, most_bytes: int) -> int:
    """Deletes the oldest sessions that are nobody's until all fit, and returns how many went.

    Whoever has a name keeps theirs. What cannot be deleted now is deleted after a later session.
    """
    gone = 0
    try:
        while store.used_bytes() > most_bytes and (oldest := store.oldest_of_nobody(KEPT)) is not None:
            gone += store.delete_session(oldest)
    except StoreError as error:
        _log.warning("the sessions take more than they may; the oldest could not be deleted: %s", error)
    if gone:
        store.shrink()
        _log.info("the sessions took more than %d MB: the oldest %d that were nobody's went", most_bytes // MB, gone)
    return gone
