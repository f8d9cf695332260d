"""Feedback that fades: eight sessions, first with every cue, then with ever fewer, so that one learns to do without.

Eight sessions of 15 to 30 minutes, feedback all the time in the first four and faded in the last four, lowered hip
adduction and pain and kept them low (Noehren 2011, Willy 2012); of all doses that were compared, faded feedback over
177 to 196 minutes worked best (Davis 2020). Durations and the shares 75, 50, 25, 10 % fit into that and are a
judgement. Feedback comes and goes in blocks that the runner cannot foresee: who knows the blocks runs for them.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

#: Length of a block: about 28 strides.
BLOCK_S = 20.0
#: Blocks are dealt out in hands of so many, each with its share of feedback, so that early is like late.
_HAND = 8
#: A session counts when so much of its time was run.
COUNTS_FROM = 0.8


@dataclass(frozen=True, slots=True)
class ProgrammeSession:
    """One session of the programme.

    Attributes:
        n: its number, from 1.
        planned_s: time of running.
        feedback_share: share of that time with feedback, 0 to 1.
    """

    n: int
    planned_s: float
    feedback_share: float


_MINUTES = (15, 17, 19, 21, 24, 26, 28, 30)
_SHARES = (1.0, 1.0, 1.0, 1.0, 0.75, 0.5, 0.25, 0.1)

SESSIONS: tuple[ProgrammeSession, ...] = tuple(
    ProgrammeSession(n, minutes * 60.0, share)
    for n, (minutes, share) in enumerate(zip(_MINUTES, _SHARES, strict=True), start=1)
)


class FeedbackSchedule:
    """When feedback is given in one session. The same seed gives the same blocks.

    Args:
        session: of the programme.
        seed: any number that differs from session to session.
        before_s: time of it that was run before a break.
    """

    def __init__(self, session: ProgrammeSession, seed: int, before_s: float = 0.0) -> None:
        self.session = session
        self._seed = seed
        self._before_s = before_s
        blocks = round(session.planned_s / BLOCK_S)
        self._on = _deal(blocks, session.feedback_share, random.Random(seed))

    def is_on(self, run_s: float) -> bool:
        """Whether there is feedback after ``run_s`` more seconds; beyond the last block where there always is."""
        if self.session.feedback_share >= 1.0:
            return True
        block = int((self._before_s + run_s) // BLOCK_S)
        return self._on[block] if 0 <= block < len(self._on) else False


def _deal(blocks: int, share: float, chance: random.Random) -> tuple[bool, ...]:
    """``blocks`` of which ``share`` (to the nearest block) are on, the same in every hand, at places left to chance."""
    on: list[bool] = []
    while len(on) < blocks:
        after = min(len(on) + _HAND, blocks)
        due = round(share * after) - sum(on)
        hand = [i < due for i in range(after - len(on))]
        chance.shuffle(hand)
        on += hand
    return tuple(on)


@dataclass(frozen=True, slots=True)
class Adherence:
    """Stances, and those of them within the target, while feedback was on and while it was off."""

    on: int = 0
    on_within: int = 0
    off: int = 0
    off_within: int = 0

    def __add__(self, other: Adherence) -> Adherence:
        return Adherence(
            self.on + other.on,
            self.on_within + other.on_within,
            self.off + other.off,
            self.off_within + other.off_within,
        )

    def with_stance(self, feedback: bool, within: bool) -> Adherence:
        """With one stance more."""
        return self + (Adherence(1, int(within)) if feedback else Adherence(0, 0, 1, int(within)))

    @property
    def on_share(self) -> float | None:
        """Share within the target while feedback was on; None without such stances."""
        return self.on_within / self.on if self.on else None

    @property
    def off_share(self) -> float | None:
        """Share within the target while feedback was off: what is retained without help; None without such stances."""
        return self.off_within / self.off if self.off else None


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a runner did in one session of the programme.

    Attributes:
        n: number of the session in the programme.
        run_s: time that was run.
        adherence: stances within the target.
        day: on which it was run, any name of it; None where that is not known.
    """

    n: int
    run_s: float
    adherence: Adherence
    day: str | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a runner stands.

    Attributes:
        done: sessions that count.
        next: the session that comes next; None when the programme is done.
        adherence: over all attempts.
    """

    done: int
    next: ProgrammeSession | None
    adherence: Adherence


def counts(n: int, run_s: float) -> bool:
    """Whether so much of session ``n`` was run that the next one follows."""
    return run_s >= COUNTS_FROM * SESSIONS[n - 1].planned_s


def of_the_day(attempts: Sequence[Attempt], n: int, day: str) -> list[Attempt]:
    """What was run of session ``n`` on a day. After a break it goes on: a drink does not undo what was run before."""
    return [attempt for attempt in attempts if attempt.n == n and attempt.day == day]


def progress(attempts: Sequence[Attempt]) -> Progress:
    """Where a runner stands after ``attempts``: a session of which too little was run on one day is run again.

    So is one of them that turned out to be somebody else's run.
    """
    run_s: dict[tuple[int, str | int], float] = {}
    for place, attempt in enumerate(attempts):
        part = attempt.n, place if attempt.day is None else attempt.day
        run_s[part] = run_s.get(part, 0.0) + attempt.run_s
    done = {n for (n, _), together_s in run_s.items() if counts(n, together_s)}
    upcoming = next((session for session in SESSIONS if session.n not in done), None)
    total = reduce(lambda all_so_far, attempt: all_so_far + attempt.adherence, attempts, Adherence())
    return Progress(len(done), upcoming, total)


@dataclass(frozen=True, slots=True)
class StateWords:
    """Where a runner stands, for people: the same on the live page and where runners are chosen.

    Attributes:
        session: which one comes next or runs now.
        time: how much of it was run on that day; "" when the programme is done.
        on_target: stances within the target; "" while there are none.
    """

    session: str
    time: str
    on_target: str


def in_words(session: ProgrammeSession | None, run_s: float, adherence: Adherence) -> StateWords:
    """Where a runner stands.

    Args:
        session: that comes next or runs now; None: the programme is done.
        run_s: time of it that was run on that day.
        adherence: over all of the programme.
    """
    shares = ((adherence.on_share, "with cues"), (adherence.off_share, "without"))
    parts = [f"{100 * share:.0f} % {when}" for share, when in shares if share is not None]
    on_target = f"on target {', '.join(parts)}" if parts else ""
    if session is None:
        return StateWords(f"all {len(SESSIONS)} sessions done", "", on_target)
    time = f"{_minutes(run_s)} of {_minutes(session.planned_s)} min run"
    counted = ", counts as done" if counts(session.n, run_s) else ""
    return StateWords(f"session {session.n} of {len(SESSIONS)}", time + counted, on_target)


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
