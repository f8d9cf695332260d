"""Whose a session was, said after it has ended: the wrong one had been chosen, or nobody. Each request gets an answer.

Whose a session is that runs now is said by choosing (`device.runners`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from device.live import Message, is_number, is_request
from device.recording import SessionWriter
from device.store import StillRunning, Store
from model.errors import StoreError

COMMANDS = ("give_session",)

_log = logging.getLogger(__name__)


class Belonging:
    """Carries the command out on the writer's thread, after what is still to be written of that session.

    Args:
        writer: of the sessions.
        answer: told what came of a request: ``request`` as it was given, ``done``, and ``said``, why nothing was done.
    """

    def __init__(self, writer: SessionWriter, answer: Callable[[Message], None]) -> None:
        self._writer = writer
        self._answer = answer

    def obey(self, command: Message) -> bool:
        """Carries out a command of `COMMANDS`; False where it is none of them, or is not valid."""
        number, runner_id, request = command.get("id"), command.get("runner_id"), command.get("request")
        if command["command"] not in COMMANDS or not is_number(number) or not is_request(request):
            return False
        if runner_id is not None and not is_number(runner_id):
            return False
        if self._writer.stuck is not None:
            self._say(request, f"{self._writer.stuck}. Whose a session was can be said when that is mended.")
        else:
            self._writer.also(lambda store, _: self._say(request, _give(store, number, runner_id)))
        return True

    def _say(self, request: str, why_not: str | None) -> None:
        self._answer({"type": "answer", "request": request, "done": why_not is None, "said": why_not})


def _give(store: Store, session_id: int, runner_id: int | None) -> str | None:
    """Why nothing was changed; None where it is theirs now."""
    try:
        there = store.give_session(session_id, runner_id)
    except StillRunning:
        return "Not changed: this session runs now. Choose who runs on the page Runners."
    except StoreError as error:
        _log.warning("session %d was not given to another: %s", session_id, error)
        return f"Not changed: {error}."
    return None if there else "Not changed: the session or that runner has been deleted meanwhile."
