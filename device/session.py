"""When a session begins and ends: by the runner's presence, by the time of the frames.

Who is seen for hours may not run: they talk beside the belt, or are a figure on a poster. No session is theirs.
"""

from __future__ import annotations

from dataclasses import dataclass

#: A gap in detection (or a flash of it) shorter than this does not count.
FLICKER_S = 0.5
#: Who has not made a step for so long does not run any more: a drink is shorter.
_STANDS_S = 300.0


@dataclass(frozen=True, slots=True)
class Started:
    """A session began. ``since_s`` is when the runner was first seen, ``t_s`` when that was long enough."""

    t_s: float
    since_s: float


@dataclass(frozen=True, slots=True)
class Ended:
    """A session ended. ``last_seen_s``: when the runner was seen last; ``t_s``: when it was noticed."""

    t_s: float
    last_seen_s: float


class SessionTracker:
    """Says when a session starts and ends. No clock of its own: same frames, same answer.

    Args:
        start_after_s: how long a runner must be seen, gaps shorter than ``FLICKER_S`` included.
        end_after_s: how long the runner must be gone. Flashes of detection shorter than ``FLICKER_S`` do not
            count as a return. So long without any frame ends a session, too. It also ends when no step has been found
            for five minutes, or so long where that is more; none starts then until somebody runs, or nobody has been
            there for so long.
    """

    def __init__(self, start_after_s: float = 3.0, end_after_s: float = 10.0) -> None:
        self._start_after_s = start_after_s
        self._end_after_s = end_after_s
        self._seen_since_s: float | None = None
        self._last_seen_s: float | None = None
        self._present_s: float | None = None
        self._held_s: float | None = None
        self._ran_s = 0.0  # since the session started, or then
        self._stepped_s: float | None = None
        self.active = False

    def step(self, t_s: float, runner_seen: bool, runs: bool = False) -> Started | Ended | None:
        """Takes one frame's answer.

        Args:
            t_s: time of the frame in seconds; never runs backwards.
            runner_seen: whether a runner was found in it.
            runs: whether a step was found in it.
        """
        paused = self._stepped_s is not None and t_s - self._stepped_s > self._end_after_s
        self._stepped_s = t_s
        if self.active and paused:  # whoever is seen now may be another
            return self._end(t_s)
        self._follow(t_s, runner_seen)
        if runs:
            self._ran_s = t_s
        if self.active:
            return self._maybe_end(t_s)
        return None if self._is_held(t_s, runner_seen, runs) else self._maybe_start(t_s, runner_seen)

    @property
    def held(self) -> bool:
        """Whether who is there must run, or have gone, before a session starts: see `hold`."""
        return self._held_s is not None

    def away_s(self, t_s: float) -> float:
        """For how long nobody has been seen in the session that runs.

        0 where none runs, or where somebody is in sight just now: a return, or a flash that will pass.
        """
        if not self.active or self._present_s is None or self._seen_since_s is not None:
            return 0.0
        return t_s - self._present_s

    def hold(self, t_s: float) -> None:
        """Whoever is there does something else than run: no session is active.

        None starts until they run, or have been gone for as long as ends a session.
        """
        self.restart()
        self._held_s = t_s

    def restart(self) -> None:
        """Another is to begin with whoever is there: as if nobody had been seen before."""
        self.active = False
        self._seen_since_s = self._last_seen_s = self._present_s = None

    def _is_held(self, t_s: float, runner_seen: bool, runs: bool) -> bool:
        if self._held_s is None:
            return False
        if runs or t_s - self._held_s >= self._end_after_s:
            self._held_s, self._seen_since_s = None, t_s if runs else self._seen_since_s
        elif runner_seen:
            self._held_s = t_s
        return self.held

    def _follow(self, t_s: float, runner_seen: bool) -> None:
        """Keeps since when the runner has been seen without a real gap, and when that was last certain."""
        if self._last_seen_s is not None and t_s - self._last_seen_s >= FLICKER_S:
            self._seen_since_s = None
        if not runner_seen:
            return
        if self._seen_since_s is None:
            self._seen_since_s = t_s
        self._last_seen_s = t_s
        if t_s - self._seen_since_s >= FLICKER_S:
            self._present_s = t_s

    def _maybe_start(self, t_s: float, runner_seen: bool) -> Started | None:
        since_s = self._seen_since_s
        if not runner_seen or since_s is None or t_s - since_s < self._start_after_s:
            return None
        self.active = True
        self._present_s = self._ran_s = t_s
        return Started(t_s, since_s)

    def _maybe_end(self, t_s: float) -> Ended | None:
        assert self._present_s is not None
        if t_s - self._ran_s >= max(_STANDS_S, self._end_after_s):
            ended = self._end(t_s)
            self.hold(t_s)
            return ended
        return self._end(t_s) if self.away_s(t_s) >= self._end_after_s else None

    def _end(self, t_s: float) -> Ended:
        assert self._present_s is not None
        ended = Ended(t_s, self._present_s)
        self.restart()
        return ended
