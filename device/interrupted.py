"""What a crash or power cut left open: closed at the next start, with a summary of what was measured until then."""

from __future__ import annotations

import logging
from collections.abc import Callable

from device.store import Store, StoreDamaged, StoreReader
from model.camera_pose import CameraPose
from model.result import summarise_stored
from model.words import counted

_log = logging.getLogger(__name__)


def close_interrupted(store: Store, reader: StoreReader, say: Callable[[str], None]) -> None:
    """Closes all of them; one in which nobody ran is deleted. A damaged one keeps no other from being closed.

    Args:
        store, reader: of one database.
        say: told in plain words what was done.

    Raises:
        StoreError: the disk takes nothing now. What is still open can be closed later in the same way.
    """
    for session_id in store.interrupted():
        try:
            _close(store, reader, session_id, say)
        except StoreDamaged as error:
            _log.error("session %d was cut off; its summary cannot be made: %s", session_id, error)
            _close_damaged(store, session_id)


def _close(store: Store, reader: StoreReader, session_id: int, say: Callable[[str], None]) -> None:
    document = reader.session(session_id)
    if document is None:
        return
    reps, stances = len(document["reps"]), len(document["stances"])
    if not reps and not stances:
        store.delete_session(session_id)
        say(f"session {session_id} was cut off before anybody ran; discarded")
        return
    summary = camera = None
    if document["summary"] is None:  # a test keeps its own up with each repetition
        summary = summarise_stored(document)
        camera = document["camera"] and CameraPose.from_json(document["camera"]).in_the_end().as_json()
    store.close_interrupted(session_id, summary, camera)
    held = counted(reps, "repetition") if reps else counted(stances, "stance")
    say(f"session {session_id} was cut off; closed as interrupted with {held}")


def _close_damaged(store: Store, session_id: int) -> None:
    try:
        store.close_interrupted(session_id)
    except StoreDamaged as error:
        _log.error("session %d cannot be closed: %s", session_id, error)
