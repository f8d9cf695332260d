"""What the store holds of a runner's training: baselines, and the programme with what was done of it.

What was measured and done in a session that was somebody else's stays, and counts as long as the session is its
runner's: so it counts again where the session is given back.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from model.coach import Baseline
from model.goals import Goal, is_goal
from model.pose import Side
from model.programme import Adherence, Attempt, of_the_day, progress

Baselines = Mapping[tuple[Side, str], Baseline]

#: Of a session that is there, ``s``, and not this runner's; one that is not known, or was deleted, was theirs.
_ANOTHERS = "(s.id IS NOT NULL AND s.runner_id IS NOT ?)"


@dataclass(frozen=True, slots=True)
class StoredProgramme:
    """A programme that a runner is in.

    Attributes:
        id: in the store.
        metric: the goal.
        started_utc: ISO 8601.
        attempts: in the order of time.
    """

    id: int
    metric: str
    started_utc: str
    attempts: tuple[Attempt, ...]

    def today(self, n: int) -> list[Attempt]:
        """What was run of session ``n`` today, where this machine stands."""
        return of_the_day(self.attempts, n, local_day(datetime.now(UTC)))

    @property
    def goal(self) -> Goal | None:
        """What is coached for as long as sessions are left; None when all are done."""
        return self.metric if is_goal(self.metric) and progress(self.attempts).next is not None else None


def read_baselines(db: sqlite3.Connection, runner_id: int, installation: str) -> dict[tuple[Side, str], Baseline]:
    """A runner's newest baselines on an installation, by side and metric."""
    sql = (
        "SELECT side, metric, mean, sd, n FROM baselines AS b LEFT JOIN sessions AS s ON s.id = b.session_id "
        f"WHERE b.runner_id = ? AND installation = ? AND NOT {_ANOTHERS} ORDER BY b.id"
    )
    rows = db.execute(sql, (runner_id, installation, runner_id)).fetchall()
    return {(Side(side), metric): Baseline(mean, sd, n) for side, metric, mean, sd, n in rows}


def write_baselines(
    db: sqlite3.Connection,
    runner_id: int,
    installation: str,
    baselines: Baselines,
    session_id: int | None,
    created_utc: str,
) -> None:
    """Adds baselines that a session measured; older ones of the same kind stay, and no longer count."""
    whence = session_id, created_utc
    db.executemany(
        "INSERT INTO baselines (runner_id, installation, side, metric, mean, sd, n, session_id, created_utc) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [(runner_id, installation, str(s), m, b.mean, b.sd, b.n, *whence) for (s, m), b in baselines.items()],
    )


def read_programme(
    db: sqlite3.Connection, runner_id: int, but_session: int | None = None
) -> StoredProgramme | None:
    """The programme that a runner is in, without what session ``but_session`` did of it; None for none."""
    sql = "SELECT id, metric, started_utc FROM programmes WHERE runner_id = ? AND ended_utc IS NULL"
    head = db.execute(sql, (runner_id,)).fetchone()
    if head is None:
        return None
    sql = (
        "SELECT coalesce(s.started_utc, began_utc), n, run_s, "
        "stances_on, stances_on_within, stances_off, stances_off_within "
        "FROM attempts LEFT JOIN sessions AS s ON s.id = session_id "
        f"WHERE programme_id = ? AND session_id IS NOT ? AND NOT {_ANOTHERS} ORDER BY session_id"
    )
    rows = db.execute(sql, (head[0], but_session, runner_id)).fetchall()
    attempts = tuple(
        Attempt(n, run_s, Adherence(*stances), None if began is None else local_day(datetime.fromisoformat(began)))
        for began, n, run_s, *stances in rows
    )
    return StoredProgramme(head[0], head[1], head[2], attempts)


def local_day(instant: datetime) -> str:
    """The day of an instant where this machine stands: ``2026-11-26``."""
    return instant.astimezone().date().isoformat()


def write_attempt(db: sqlite3.Connection, programme_id: int, session_id: int, attempt: Attempt) -> None:
    """Adds or overwrites what a session did of a programme.

    What it did of one that has ended, which counts no more, gives way to a new one of the same runner; another runner's
    stays.
    """
    did = attempt.adherence
    names = ("programme_id", "n", "run_s", "stances_on", "stances_on_within", "stances_off", "stances_off_within")
    gives_way = (
        "SELECT old.id FROM programmes AS old JOIN programmes AS new USING (runner_id) "
        "WHERE new.id = excluded.programme_id AND (old.id = new.id OR old.ended_utc IS NOT NULL)"
    )
    db.execute(
        f"INSERT INTO attempts (session_id, {', '.join(names)}) VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
        f"ON CONFLICT (session_id) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in names)} "
        f"WHERE programme_id IN ({gives_way})",
        (session_id, programme_id, attempt.n, attempt.run_s, did.on, did.on_within, did.off, did.off_within),
    )


def measured_in(
    db: sqlite3.Connection, session_id: int, runner_id: int | None, started_utc: str, ended_utc: str
) -> None:
    """Says of a runner's baselines of which it is not known which session measured them whether it was this one.

    They go by its start and its end.
    """
    in_it = "session_id IS NULL AND created_utc BETWEEN ? AND ?"
    sql = f"UPDATE baselines SET session_id = ? WHERE runner_id = ? AND {in_it}"
    db.execute(sql, (session_id, runner_id, started_utc, ended_utc))


def forget_anothers(db: sqlite3.Connection, session_id: int) -> None:
    """Deletes what a session that is about to be deleted measured and did of another's than whose it is.

    That could not be told from their own any more.
    """
    its_runner = "(SELECT runner_id FROM sessions WHERE id = session_id)"
    db.execute(f"DELETE FROM baselines WHERE session_id = ? AND runner_id IS NOT {its_runner}", (session_id,))
    of = "(SELECT runner_id FROM programmes WHERE id = programme_id)"
    db.execute(f"DELETE FROM attempts WHERE session_id = ? AND {of} IS NOT {its_runner}", (session_id,))
