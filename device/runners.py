"""Who runs: chosen on a page before or during a session, forgotten after it.

The choice never outlives a session, nor a while without one, so that nobody is taken for the one who ran before.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from device.live import Message
from device.recording import SessionWriter

COMMANDS = ("add_runner", "select_runner")
#: A choice that no session followed is dropped after this long.
KEPT_S = 600.0
MAX_NAME = 40

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Runner:
    """Somebody in the store."""

    id: int
    name: str

    def as_json(self) -> Message:
        return {"id": self.id, "name": self.name}


class RunnerChoice:
    """The runner of this session or the next. Disk work is left to the writer's thread.

    Args:
        writer: of the sessions.
        clock: seconds, monotonic.
    """

    def __init__(self, writer: SessionWriter, clock: Callable[[], float] = time.monotonic) -> None:
        self._writer = writer
        self._clock = clock
        self._chosen: Runner | None = None
        self._chosen_s = 0.0

    @property
    def current(self) -> Runner | None:
        """Who runs now or next; None for an anonymous runner."""
        if self._writer.session_id is None and self._clock() - self._chosen_s > KEPT_S:
            self._chosen = None
        return self._chosen

    def obey(self, command: Message) -> bool:
        """Carries out a command of `COMMANDS`; False where it is none of them, or is not valid."""
        if command["command"] == "add_runner":
            name = " ".join(str(command.get("name") or "").split())
            if len(name) > MAX_NAME:
                return False
            self._writer.add_runner(name, lambda runner_id, given: self._choose(Runner(runner_id, given)))
            return True
        if command["command"] == "select_runner":
            return self._select(command.get("runner_id"))
        return False

    def session_ended(self) -> None:
        """Forgets who ran."""
        self._chosen = None

    def _select(self, runner_id: object) -> bool:
        if runner_id is None:
            self._chosen = None
            return True
        if not isinstance(runner_id, int) or isinstance(runner_id, bool):
            return False

        def found(name: str | None) -> None:
            if name is None:
                _log.warning("there is no runner %d", runner_id)
            else:
                self._choose(Runner(runner_id, name))

        self._writer.find_runner(runner_id, found)
        return True

    def _choose(self, runner: Runner) -> None:
        self._chosen_s = self._clock()
        self._chosen = runner
        self._writer.runs(runner.id)
