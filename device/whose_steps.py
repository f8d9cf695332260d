"""Whose the steps are after another was chosen while somebody ran: the one before may run on, and then stop."""

from __future__ import annotations

import math

from model.analysis import Outcome

#: Whoever is on the belt when another is chosen may run on for so long; then it is the other.
LAST_STEPS_S = 60.0
#: Who has not run for so long has stopped: the belt is free for the next one.
STOPPED_S = 3.0


class WhoseSteps:
    """Before one camera, over all that is collected there, run by run.

    Attributes:
        uncertain: whether what is collected, or the next there is, began because another was chosen while somebody ran,
            who may still be the one before: until they stop, or have run for so long that they are the other.
    """

    def __init__(self) -> None:
        self.uncertain = False
        self._ran_s: float | None = None
        self._seen_s = -math.inf

    def begin(self) -> None:
        """What is collected now begins anew."""
        self._ran_s = None

    def step(self, outcome: Outcome, t_s: float) -> bool:
        """Takes a frame, ``t_s`` its own time; True where who was on the belt when another was chosen has stopped.

        They were the one before. Whose these steps were nobody can tell for sure, so they are to be nobody's. What
        follows is the other's.
        """
        if outcome.pose is not None:
            self._seen_s = t_s
        if not self.uncertain:
            return False
        if outcome.state == "running":
            self._ran_s = outcome.t_s
        stopped = outcome.t_s - (self._ran_s or 0.0) >= STOPPED_S
        self.uncertain = not stopped and outcome.t_s < LAST_STEPS_S
        return stopped and self._ran_s is not None

    def over(self, t_s: float, idle: bool) -> None:
        """What was collected has ended, as a session or, ``idle``, as nobody's.

        The belt is empty then, but who is not seen for a moment has not stopped.
        """
        self.uncertain = idle and self.uncertain and t_s - self._seen_s < STOPPED_S
