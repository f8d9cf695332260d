"""Who runs: chosen on a page before or during a session, forgotten after it.

The choice never outlives a session, nor a while without one, so that nobody is taken for the one who ran before. A
session that runs without a name becomes that of who is chosen, unless its runner has left the belt (``away``). One that
is somebody else's stays theirs: it ends, and what follows is the chosen one's, but for the last steps of who ran
before. Height and goal go with the person: kept in the store with a name, for this session only without one.

Whoever chooses a name, or changes one, gets an answer, and it holds at once or never (`device.in_turn`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeGuard

from device.in_turn import InTurn, Said
from device.live import Message, is_number
from device.recording import SessionWriter
from device.store import Person, Runner, SessionHeader, Store
from model.errors import StoreError
from model.goals import is_goal
from model.standing import MAX_HEIGHT_CM, MIN_HEIGHT_CM
from model.words import MAX_NAME

COMMANDS = ("add_runner", "select_runner", "rename_runner", "set_height", "set_goal")
#: A choice that no session followed is dropped after this long.
KEPT_S = 600.0
_CHOOSING = Said("Nobody was chosen", "Somebody can be chosen")
_NAMING = Said("The name was not changed", "A name can be changed")


@dataclass(frozen=True, slots=True)
class _Next:
    """Who was chosen while somebody else's session runs; None for an anonymous runner, who is then ``guest``."""

    runner: Runner | None
    guest: Person = field(default_factory=Person)


class RunnerChoice:
    """The runner of this session or the next. Disk work is left to the writer's thread.

    Sessions begin here (`begin_session`), so that none is between two runners. Whoever keeps one says when it has ended
    (`session_ended`, `keep`), and ends it where `another_chosen` says so.

    Args:
        writer: of the sessions.
        clock: seconds, monotonic.
        answer: told what came of a request about a name: ``request`` as it was given, ``done``, and ``said``, why
            nothing was done. No name is in it.

    Attributes:
        away: whether nobody has been seen for a while in the session that runs; whoever keeps it says so.
    """

    def __init__(
        self,
        writer: SessionWriter,
        clock: Callable[[], float] = time.monotonic,
        answer: Callable[[Message], None] = lambda _: None,
    ) -> None:
        self._writer = writer
        self._clock = clock
        self._in_turn = InTurn(writer, answer, clock)
        self._lock = threading.Lock()  # the writer's thread chooses, too
        self._chosen: Runner | None = None
        self._next: _Next | None = None
        self._running = False
        self.away = False
        self._guest = Person()
        self._chosen_s = 0.0

    @property
    def current(self) -> Runner | None:
        """Who runs now or next; None for an anonymous runner."""
        with self._lock:
            self._drop_old()
            return self._chosen

    @property
    def person(self) -> Person:
        """Height and goal of who runs now or next, with a name or without."""
        with self._lock:
            self._drop_old()
            return self._guest if self._chosen is None else self._chosen.person

    @property
    def another_chosen(self) -> bool:
        """Whether the session that runs is to end, because another was chosen than whose it is."""
        with self._lock:
            return self._next is not None

    def obey(self, command: Message) -> bool:
        """Carries out a command of `COMMANDS`; False where it is none of them, or is not valid."""
        jobs: dict[str, Callable[[Message], bool]] = {
            "add_runner": self._add,
            "select_runner": self._select,
            "rename_runner": self._rename,
            "set_height": lambda message: self._set_height(message.get("height_cm")),
            "set_goal": lambda message: self._set_goal(message.get("metric")),
        }
        job = jobs.get(str(command["command"]))
        return job is not None and job(command)

    def begin_session(self, header: SessionHeader, on_begun: Callable[[int], None]) -> None:
        """Has the writer begin a session of who is chosen; see `SessionWriter.begin`."""
        with self._lock:
            self._drop_old()
            self._running, self.away = True, False
            runner = self._chosen
            person = self._guest if runner is None else runner.person
            runner_id = None if runner is None else runner.id
            self._writer.begin(replace(header, runner_id=runner_id, height_cm=person.height_cm), on_begun)

    def session_ended(self) -> None:
        """Forgets who ran; to be called before the writer is told of the end."""
        with self._lock:
            self._running = False
            self._take_next(_Next(None))

    def keep(self, renew: bool = True) -> None:
        """No session runs, or it did not count: the choice stays, for as long as a new one where it is renewed.

        Whoever is tested is often tested again, or runs. One in which nobody ran renews nothing: others stand about
        before the camera, too, and would hold a choice for hours until it is somebody else who runs.
        """
        with self._lock:
            self._drop_old()
            self._running = False
            if renew:
                self._chosen_s = self._clock()
            self._take_next(None)

    def _take_next(self, otherwise: _Next | None) -> None:
        """Who was chosen during the session is next; ``otherwise`` where nobody was, None: who was chosen before it."""
        following, self._next = self._next or otherwise, None
        if following is not None:
            self._chosen, self._guest = following.runner, following.guest

    def expire(self, within_s: float) -> None:
        """The choice lasts for so long yet at most, if no session follows: who was chosen may be gone."""
        with self._lock:
            self._chosen_s = min(self._chosen_s, self._clock() - KEPT_S + within_s)

    def is_awaited(self, runner_id: int) -> bool:
        """Whether this one runs now, or is chosen to run next."""
        with self._lock:
            self._drop_old()
            named = self._chosen, None if self._next is None else self._next.runner
            return any(runner is not None and runner.id == runner_id for runner in named)

    def _drop_old(self) -> None:
        if not self._running and self._clock() - self._chosen_s > KEPT_S:
            self._chosen, self._guest = None, Person()

    def _add(self, command: Message) -> bool:
        name, height_cm = _name(command), command.get("height_cm")
        if name is None or not _is_height(height_cm):
            return False
        self._in_turn.do(command, lambda store: self._found(_added(store, name, height_cm)), _CHOOSING)
        return True

    def _select(self, command: Message) -> bool:
        runner_id = command.get("runner_id")
        if runner_id is None:
            self._found(None)
            self._in_turn.say(command, None)
            return True
        if not is_number(runner_id):
            return False
        self._in_turn.do(command, lambda store: self._found(_stored(store, runner_id)), _CHOOSING)
        return True

    def _rename(self, command: Message) -> bool:
        name, runner_id = _name(command), command.get("id")
        if not name or not is_number(runner_id):
            return False

        def job(store: Store) -> None:
            _check_free(store, name, but=runner_id)
            if not store.rename_runner(runner_id, name):
                raise _gone(runner_id)
            self._renamed(runner_id, name)

        self._in_turn.do(command, job, _NAMING)
        return True

    def _renamed(self, runner_id: int, name: str) -> None:
        with self._lock:
            if self._chosen is not None and self._chosen.id == runner_id:
                self._chosen = replace(self._chosen, name=name)
            following = None if self._next is None else self._next.runner
            if following is not None and following.id == runner_id:
                self._next = _Next(replace(following, name=name))

    def _found(self, runner: Runner | None) -> None:
        with self._lock:
            self._choose(runner)

    def _choose(self, runner: Runner | None) -> None:
        """Under the lock, so that the session becomes theirs before it can end."""
        self._chosen_s = self._clock()
        if self._running and self._chosen is None and self.away:
            self._next = _Next(runner)
            return
        if self._running and (self._chosen is not None or runner is None):
            self._next = None if _same(runner, self._chosen) else _Next(runner)
            return
        self._chosen, self._guest = runner, Person()
        if runner is not None and self._running:
            self._writer.runs(runner)

    def _set_height(self, height_cm: object) -> bool:
        if not _is_height(height_cm):
            return False
        known = None if height_cm is None else float(height_cm)
        if self._change(lambda person: replace(person, height_cm=known), lambda store, n: store.set_height(n, known)):
            self._writer.height(known)
        return True

    def _set_goal(self, metric: object) -> bool:
        if not is_goal(metric):
            return False
        self._change(lambda person: replace(person, goal=metric), lambda store, n: store.set_goal(n, metric))
        return True

    def _change(self, change: Callable[[Person], Person], keep: Callable[[Store, int], None]) -> bool:
        """Changes whoever was chosen last; ``keep`` does the same in the store, for somebody with a name.

        Returns whether it is of the session that runs, if one does: neither an anonymous runner who has left is meant,
        nor anybody where another was chosen meanwhile.
        """
        with self._lock:
            self._drop_old()
            self._chosen_s = self._clock()
            following = self._next
            if following is None and self._chosen is None and self._running and self.away:
                following = _Next(None)
            runner = self._chosen if following is None else following.runner
            changed = None if runner is None else replace(runner, person=change(runner.person))
            if following is not None:
                self._next = _Next(changed, following.guest if changed else change(following.guest))
            elif changed is not None:
                self._chosen = changed
            else:
                self._guest = change(self._guest)
        if runner is not None:
            runner_id = runner.id
            self._writer.also(lambda store, _: keep(store, runner_id))
        return following is None


def _name(command: Message) -> str | None:
    """The name in a command, perhaps empty; None where it cannot be one."""
    name = " ".join(str(command.get("name") or "").split())
    return name if len(name) <= MAX_NAME and _is_text(name) else None


def _check_free(store: Store, name: str, but: int | None = None) -> None:
    """The page looks before it asks, but two may ask at the same moment, or one twice while the answer is to come.

    Raises:
        StoreError: somebody ``but`` this runner has the name.
    """
    if store.has_runner_called(name, but):
        raise StoreError("that name is in the list already")


def _gone(runner_id: int) -> StoreError:
    return StoreError(f"there is no runner {runner_id} any more")


def _added(store: Store, name: str, height_cm: float | None) -> Runner:
    if name:
        _check_free(store, name)
    runner_id, given = store.add_runner(name, height_cm)
    return Runner(runner_id, given, Person(height_cm))


def _stored(store: Store, runner_id: int) -> Runner:
    runner = store.runner(runner_id)
    if runner is None:
        raise _gone(runner_id)
    return runner


def _same(one: Runner | None, other: Runner | None) -> bool:
    return (one and one.id) == (other and other.id)


def _is_text(value: str) -> bool:
    """Whether it can be stored: JSON may hold halves of characters."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_height(value: object) -> TypeGuard[float | None]:
    """Whether this is a height that a runner may have, cm, or None for unknown."""
    if value is None:
        return True
    return isinstance(value, int | float) and not isinstance(value, bool) and MIN_HEIGHT_CM <= value <= MAX_HEIGHT_CM
