"""What a session brought, on its way to the disk: in order, on its own thread, which outlives whatever fails."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from device.retention import keep_within
from device.store import Runner, SessionHeader, Store, StoreDamaged, utc_now
from model.errors import StoreError

_log = logging.getLogger(__name__)

_RETRY_S = 2.0
#: Two hours of running, some 50 MB: more is not kept in memory for a disk that takes nothing.
_MOST_WAITING = 25_000
_Job = Callable[[], object]


class SessionWriter:
    """Writes sessions behind the pipeline's back. Use it as a context manager.

    Every call returns at once; the thread commits it as soon as the disk takes it. A write that the disk refuses (it is
    full) is kept, in order, and tried again; of very many those go that the session's summary tells, too. One that
    fails by a fault of this program, or because that part of the database is damaged, is given up, so that all others
    go on; with a session that could not be begun goes all that belongs to it.

    Args:
        store: the open store.
        unkept: why what is written is not kept, and the remedy, where the store only stands in for another; else None.
        most_bytes: what the sessions may take, looked at now and after each one; None: as much as there is.

    Attributes:
        stuck: why the disk takes nothing now, and the remedy; None where it does.
        lost: what of this session or the last one was given up, and the remedy; None for nothing.
    """

    def __init__(self, store: Store, unkept: str | None = None, most_bytes: int | None = None) -> None:
        self._store = store
        self._unkept = unkept
        self._most_bytes = most_bytes
        self._changed = threading.Condition()
        self._jobs: deque[_Job] = deque()
        self._settings: dict[str, object] = {}  # that wait
        self._urgent: deque[_Job] = deque()
        self._closing = False
        self._session_id: int | None = None
        self.stuck: str | None = None
        self.lost: str | None = None
        self._thread = threading.Thread(target=self._run, name="store", daemon=True)
        self._thread.start()
        self._make_room()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def fault(self) -> str | None:
        """What people are to be told of the store; None where all is well."""
        return self._unkept or self.stuck or self.lost

    @property
    def session_id(self) -> int | None:
        """The id of the session that is being written; None between sessions."""
        return self._session_id

    def begin(self, header: SessionHeader, on_begun: Callable[[int], None]) -> None:
        """Opens a session; ``on_begun`` is called with its id from the writer's thread."""

        def job() -> None:
            self._session_id = self._store.begin_session(header)
            self.lost = None
            on_begun(self._session_id)

        self._put(job)

    def stance(self, stance: Mapping[str, Any]) -> None:
        """Adds a stance to the session."""
        self._put_for_session(lambda session_id: self._store.add_stance(session_id, stance), told_again=True)

    def take_back(self, since_s: float) -> None:
        """Makes null what the session's stances were measured for a place where the camera no longer stood."""
        self._put_for_session(lambda session_id: self._store.take_back(session_id, since_s))

    def doubt(self, since_s: float) -> None:
        """Makes the session's stances since then count for nothing, for somebody else was on the belt."""
        self._put_for_session(lambda session_id: self._store.doubt(session_id, since_s))

    def cue(self, cue: Mapping[str, Any]) -> None:
        """Adds a cue to the session."""
        self._put_for_session(lambda session_id: self._store.add_cue(session_id, cue), told_again=True)

    def reps(self, reps: Sequence[Mapping[str, Any]], summary: Mapping[str, Any]) -> None:
        """Overwrites the repetitions of a test, and its summary with them."""
        self._put_for_session(lambda session_id: self._store.set_reps(session_id, reps, summary))

    def update(self, **values: Any) -> None:
        """Overwrites the session's counts, camera, summary, start or belt; see `Store.update_session`."""
        told_again = "summary" not in values
        self._put_for_session(lambda session_id: self._store.update_session(session_id, **values), told_again)

    def runs(self, runner: Runner) -> None:
        """The session that is open when this is written is this runner's, if there is one and it is nobody's yet."""
        self._put_for_session(lambda session_id: self._store.set_session_runner(session_id, runner))

    def height(self, height_cm: float | None) -> None:
        """The runner of the session that is open when this is written, if any, is so tall; None: not known."""
        self._put_for_session(lambda session_id: self._store.set_session_height(session_id, height_cm))

    def also(self, job: Callable[[Store, int | None], None]) -> None:
        """Calls ``job`` from the writer's thread, with the store and the id of the session that is open then."""
        self._put(lambda: job(self._store, self._session_id))

    def at_once(self, job: Callable[[Store], None]) -> None:
        """Calls ``job`` from the writer's thread before all that waits, also where the disk takes nothing.

        It deals with errors of the store itself, and is not tried again.
        """
        with self._changed:
            self._urgent.append(lambda: job(self._store))
            self._changed.notify()

    def setting(self, key: str, value: object) -> None:
        """Keeps a value from run to run; see `Store.set_setting`. One that waits for the disk gives way to a newer."""
        with self._changed:
            waits = key in self._settings
            self._settings[key] = value
        if not waits:
            self._put(lambda: self._write_setting(key))

    def _write_setting(self, key: str) -> None:
        with self._changed:
            if key not in self._settings:  # a newer one came while the disk refused this, and went in its place
                return
            value = self._settings.pop(key)
        try:
            self._store.set_setting(key, value)
        except StoreDamaged:  # it is not tried again: what comes next is
            raise
        except StoreError:
            with self._changed:
                self._settings.setdefault(key, value)
            raise

    def end(self, on_ended: Callable[[int], None], ago_s: float = 0.0) -> None:
        """Closes the session as complete; ``on_ended`` is called with its id from the writer's thread.

        ``ago_s``: it is over since so long ago, when its runner was seen last.
        Where the store only stands in for another it goes: nobody can read it, and over weeks it would fill the memory.
        """
        if self._unkept is not None:
            self.discard(on_ended)
            return
        ended_utc = utc_now(ago_s)  # the disk may take it much later
        self._leave(lambda session_id: self._store.end_session(session_id, ended_utc), on_ended)
        self._make_room()

    def _make_room(self) -> None:
        most_bytes = self._most_bytes
        if most_bytes is not None:
            self._put(lambda: keep_within(self._store, most_bytes))

    def discard(self, on_discarded: Callable[[int], None]) -> None:
        """Deletes the session; ``on_discarded`` is called with its id from the writer's thread."""
        self._leave(self._store.discard_session, on_discarded)

    def _leave(self, how: Callable[[int], None], told: Callable[[int], None]) -> None:
        def job(session_id: int) -> None:
            try:
                how(session_id)
            except Exception as error:
                if isinstance(error, StoreDamaged) or not isinstance(error, StoreError):  # else it is tried again
                    self._session_id = None
                raise
            self._session_id = None
            told(session_id)

        self._put_for_session(job)

    def close(self) -> None:
        """Writes what is left, tries once more where the disk refused, and ends the thread.

        What it still refuses is given up, and said.
        """
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()

    def _put_for_session(self, job: Callable[[int], object], told_again: bool = False) -> None:
        """For the session that is open when it is written; nothing is done where none is.

        ``told_again``: the session's summary tells it, too, so that it goes where too much waits for the disk.
        """
        with self._changed:
            if told_again and len(self._jobs) >= _MOST_WAITING:
                if self.lost is None:
                    self.lost = "too much waits for the disk: of newer sessions only the summary is kept"
                    _log.error("%s", self.lost)
                return

        def for_session() -> None:
            if self._session_id is not None:
                job(self._session_id)

        self._put(for_session)

    def _put(self, job: _Job) -> None:
        with self._changed:
            self._jobs.append(job)
            self._changed.notify()

    def _run(self) -> None:
        last_try = False
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._urgent or self._jobs or self._closing)
                urgent = self._urgent.popleft() if self._urgent else None
                job = self._jobs[0] if self._jobs else None
            if urgent is not None:
                self._try_once(urgent)
            elif job is None:
                return
            elif self._written(job):
                last_try = False
                with self._changed:
                    self._jobs.popleft()
            elif last_try:
                _log.error("%d results of the session could not be written: %s", len(self._jobs), self.stuck)
                return
            else:
                last_try = self._is_last_try()

    def _is_last_try(self) -> bool:
        """Waits a while before the next try, or until something urgent comes; True where none will come after it."""
        with self._changed:
            self._changed.wait_for(lambda: self._closing or self._urgent, _RETRY_S)
            return self._closing

    def _try_once(self, job: _Job) -> None:
        try:
            with self._survived():
                job()
        except StoreError as error:
            _log.error("%s", error)

    def _written(self, job: _Job) -> bool:
        """False where the disk does not take it now."""
        try:
            with self._survived():
                job()
        except StoreError as error:
            if self.stuck is None:
                _log.error("%s; results are kept in memory and written when there is room", error)
            self.stuck = str(error)
            return False
        self.stuck = None
        return True

    @contextmanager
    def _survived(self) -> Iterator[None]:
        """A job that fails otherwise than for want of room would fail again. It is given up; the thread lives on.

        What fails with each stance is logged once in a session.
        """
        before = self.lost
        try:
            yield
        except StoreDamaged as error:  # nor would that part of it be whole the next time
            self.lost = str(error)
            if self.lost != before:
                _log.error("%s; what belongs there is lost", error)
        except StoreError:
            raise
        except Exception as error:
            self.lost = (
                f"something could not be stored, by a fault of this program ({type(error).__name__}); "
                "restart the device, and send its log to who looks after it"
            )
            if self.lost != before:
                _log.exception("something could not be stored, and is lost")
