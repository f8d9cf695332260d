"""Deleting a session, or a runner with all that is theirs, for whoever asks on a page. Each request gets an answer.

Who runs now, and the session that runs, cannot be deleted. A session goes before anything else is written, so that it
can be deleted where the disk is full; a runner goes in turn, after what is still to be written of them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from device.live import Message, is_number, is_request
from device.recording import SessionWriter
from device.runners import RunnerChoice
from device.store import StillRunning, Store
from model.errors import StoreError

COMMANDS = ("delete_session", "delete_runner")

_log = logging.getLogger(__name__)


class Deletion:
    """Carries the two commands out on the writer's thread.

    Args:
        writer: of the sessions.
        runner: who runs now or next.
        answer: told what came of a request: ``request`` as it was given, ``done``, ``sessions`` (how many went), and
            ``said``, why nothing was done. No name is in it.
    """

    def __init__(self, writer: SessionWriter, runner: RunnerChoice, answer: Callable[[Message], None]) -> None:
        self._writer = writer
        self._runner = runner
        self._answer = answer

    def obey(self, command: Message) -> bool:
        """Carries out a command of `COMMANDS`; False where it is none of them, or is not valid."""
        number, request = command.get("id"), command.get("request")
        if command["command"] not in COMMANDS or not is_number(number) or not is_request(request):
            return False
        if command["command"] == "delete_session":
            self._writer.at_once(lambda store: self._carry_out(store, request, lambda: _session(store, number)))
        elif self._writer.stuck is not None:
            self._refuse(request, f"{self._writer.stuck}. A runner can be deleted when that is mended.")
        else:
            self._writer.also(
                lambda store, _: self._carry_out(store, request, lambda: self._delete_runner(store, number))
            )
        return True

    def _carry_out(self, store: Store, request: str, delete: Callable[[], int]) -> None:
        """Deletes, answers, and only then gives the disk its space back, which may take a while."""
        try:
            sessions = delete()
        except StoreError as error:
            _log.warning("nothing was deleted: %s", error)
            self._refuse(request, str(error) if isinstance(error, _Refused) else f"Not deleted: {error}.")
            return
        self._answer({"type": "answer", "request": request, "done": True, "sessions": sessions, "said": None})
        store.shrink()

    def _delete_runner(self, store: Store, runner_id: int) -> int:
        if self._runner.is_awaited(runner_id):
            if self._writer.session_id is not None:
                raise _Refused("Not deleted: this runner runs now. Wait for the session's end.")
            raise _Refused("Not deleted: this runner is chosen to run next. Choose another, or an anonymous session.")
        try:
            sessions = store.delete_runner(runner_id)
        except StillRunning:
            raise _Refused("Not deleted: a session of this runner runs now. Wait for its end.") from None
        if sessions is None:
            return 0
        _log.info("deleted runner %d with %d sessions", runner_id, sessions)
        return sessions

    def _refuse(self, request: str, said: str) -> None:
        self._answer({"type": "answer", "request": request, "done": False, "sessions": 0, "said": said})


class _Refused(StoreError):
    """Not to be deleted now; the words are for the page."""


def _session(store: Store, session_id: int) -> int:
    try:
        gone = store.delete_session(session_id)
    except StillRunning:
        raise _Refused("Not deleted: this session runs now. Wait for its end.") from None
    if gone:
        _log.info("deleted session %d", session_id)
    return int(gone)
