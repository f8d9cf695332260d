"""Whose a session was, said after it has ended: the wrong one had been chosen, or nobody. Each request gets an answer.

Whose a session is that runs now is said by choosing (`device.runners`).
"""

from __future__ import annotations

import time
from collections.abc import Callable

from device.in_turn import InTurn, Said
from device.live import Message, is_number, is_request
from device.recording import SessionWriter
from device.store import StillRunning, Store
from model.errors import StoreError

COMMANDS = ("give_session",)
_WORDS = Said("Not changed", "Whose a session was can be said")


class Belonging:
    """Carries the command out on the writer's thread, after what is still to be written of that session.

    Args:
        writer: of the sessions.
        answer: told what came of a request; see `InTurn`.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        writer: SessionWriter,
        answer: Callable[[Message], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._in_turn = InTurn(writer, answer, clock)

    def obey(self, command: Message) -> bool:
        """Carries out a command of `COMMANDS`; False where it is none of them, or is not valid."""
        number, runner_id = command.get("id"), command.get("runner_id")
        if command["command"] not in COMMANDS or not is_number(number) or not is_request(command.get("request")):
            return False
        if runner_id is not None and not is_number(runner_id):
            return False
        self._in_turn.do(command, lambda store: _give(store, number, runner_id), _WORDS)
        return True


def _give(store: Store, session_id: int, runner_id: int | None) -> None:
    """Raises StoreError with why nothing was changed, where it is not theirs now."""
    try:
        there = store.give_session(session_id, runner_id)
    except StillRunning:
        raise StoreError("this session runs now. Choose who runs on the page Runners") from None
    if not there:
        raise StoreError("the session or that runner has been deleted meanwhile")
