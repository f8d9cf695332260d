"""What is asked for on a page and the disk has to take: it holds soon or never, and whoever asked gets an answer.

When a full disk has room again, somebody else is on the belt.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from device.live import Message, is_request
from device.recording import SessionWriter
from device.store import Store
from model.errors import StoreError

#: What the disk has not taken by then is not carried out; the page waits longer for its answer.
LATE_S = 3.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Said:
    """What is said where the disk does not do it.

    Attributes:
        failed: what was not done.
        later: what can be done when it does again.
    """

    failed: str
    later: str


class InTurn:
    """Has the writer do it in turn with what is written.

    Args:
        writer: of the sessions.
        answer: told what came of a request: ``request`` as it was given, ``done``, and ``said``, why nothing was done.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        writer: SessionWriter,
        answer: Callable[[Message], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._writer = writer
        self._answer = answer
        self._clock = clock

    def do(self, command: Message, job: Callable[[Store], None], words: Said) -> None:
        """Does it on the writer's thread, and answers; nothing is done where that cannot be soon."""
        asked_s = self._clock()

        def soon(store: Store, _: int | None) -> None:
            try:
                if self._clock() - asked_s > LATE_S:
                    raise StoreError("the disk was too slow; try again")
                job(store)
            except StoreError as error:
                _log.warning("%s: %s", words.failed, error)
                self.say(command, f"{words.failed}: {error}.")
            else:
                self.say(command, None)

        if self._writer.stuck is None:
            self._writer.also(soon)
        else:
            self.say(command, f"{self._writer.stuck}. {words.later} when that is mended.")

    def say(self, command: Message, why_not: str | None) -> None:
        """Answers who asked; ``why_not``: None where it is done."""
        if is_request(request := command.get("request")):
            self._answer({"type": "answer", "request": request, "done": why_not is None, "said": why_not})
