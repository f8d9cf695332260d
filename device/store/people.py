"""What the store holds of a person: name, height and goal."""

from __future__ import annotations

import sqlite3
from dataclasses import asdict, dataclass
from typing import Any

from model.goals import Goal, is_goal


@dataclass(frozen=True, slots=True)
class Person:
    """What coaching and camera go by, of whoever runs.

    Attributes:
        height_cm: None where it is not known.
        goal: what was chosen to be coached; None: as the settings say.
    """

    height_cm: float | None = None
    goal: Goal | None = None


@dataclass(frozen=True, slots=True)
class Runner:
    """Somebody in the store.

    Attributes:
        id: in the store.
        name: as shown to everybody.
        person: what is known of them.
    """

    id: int
    name: str
    person: Person = Person()

    def as_json(self) -> dict[str, Any]:
        """For the live message."""
        return {"id": self.id, "name": self.name, **asdict(self.person)}


def read_runner(db: sqlite3.Connection, runner_id: int) -> Runner | None:
    """One runner; None where there is no such runner. A goal that this program does not know is as none."""
    sql = "SELECT id, name, height_cm, goal FROM runners WHERE id = ?"
    row = db.execute(sql, (runner_id,)).fetchone()
    return None if row is None else Runner(row[0], row[1], Person(row[2], row[3] if is_goal(row[3]) else None))


def is_called(db: sqlite3.Connection, name: str, but: int | None = None) -> bool:
    """Whether somebody ``but`` this runner has this name. SQLite itself knows the capitals of English only."""
    others = db.execute("SELECT name FROM runners WHERE id IS NOT ?", (but,))
    return any(called.casefold() == name.casefold() for (called,) in others)
