"""Standing calibration on request: the next three seconds, what is in the way, the result, or why there is none.

It outlives sessions: who asks may still be on the way to the belt.
"""

from __future__ import annotations

from typing import Any, Literal

from device.live import Message
from model.lengths import cm
from model.standing import OBSTACLES, STAND_S, TEST_RUNS, StandingCalibration, StandingCalibrator
from model.words import sentence

COMMANDS = ("calibrate",)
#: Long enough to walk from the page to the belt.
TIMEOUT_S = 20.0
#: For how long a result, or the reason why there is none, is told.
TOLD_S = 60.0

State = Literal["running", "done", "failed"]


class StandingOnRequest:
    """One request at a time; a new one takes the place of the one before. Goes by the frames' times."""

    def __init__(self) -> None:
        self._asked = False
        self._state: State | None = None
        self._since_s = 0.0
        self._now_s = 0.0
        self._found: StandingCalibration | None = None
        self._calibrator: StandingCalibrator | None = None
        self._why = ""

    def obey(self, command: Message) -> bool:
        """Carries out a command of `COMMANDS`; False where it is none of them."""
        if command["command"] not in COMMANDS:
            return False
        self._asked = True
        return True

    def step(self, t_s: float, calibrator: StandingCalibrator) -> None:
        """After every frame.

        Args:
            t_s: the frame's time in seconds, on from session to session; begins anew with a new source.
            calibrator: of the session, after it has taken the frame.
        """
        self._pass(t_s)
        self._calibrator = calibrator
        if self._asked:
            self._asked = False
            calibrator.restart()
            self._found = calibrator.calibration
            self._turn("running")
        elif self._state == "running":
            self._follow(calibrator)
        else:
            self._forget()

    def no_pictures(self, why: str, t_s: float) -> None:
        """There is no camera: what is asked for cannot be done. Time goes on, on the frames' clock."""
        self._pass(t_s)
        self._give_up(sentence(why))
        self._forget()

    def give_way(self, t_s: float) -> None:
        """A frame of a test, whichever of both was asked for first: whoever stands still then does so for the test."""
        self._pass(t_s)
        self._give_up(TEST_RUNS)
        self._forget()

    def as_json(self, height_cm: float | None) -> dict[str, Any] | None:
        """The ``calibration`` block of the live message; null where nothing was asked for.

        Args:
            height_cm: of the runner, for the leg's length in centimetres.
        """
        if self._state is None:
            return None
        found = self._found if self._state == "done" else None
        held_s = 0.0 if self._calibrator is None or self._state != "running" else self._calibrator.held_s
        return {
            "state": self._state,
            "age_s": round(self._age_s, 1),
            "timeout_s": TIMEOUT_S,
            "held_s": round(held_s, 1),
            "of_s": STAND_S,
            "message": self._message(),
            "result": None if found is None else _result_json(found, height_cm),
        }

    def _pass(self, t_s: float) -> None:
        """Time goes on, with a new source from anew."""
        if t_s < self._now_s:
            self._since_s += t_s - self._now_s
        self._now_s = t_s

    def _give_up(self, why: str) -> None:
        if self._asked or self._state == "running":
            self._asked = False
            self._turn("failed", why)

    def _forget(self) -> None:
        """What came of it is told for a while only."""
        if self._state != "running" and self._age_s >= TOLD_S:
            self._state = None

    @property
    def _age_s(self) -> float:
        return self._now_s - self._since_s

    def _follow(self, calibrator: StandingCalibrator) -> None:
        newest = calibrator.calibration
        if newest is not None and newest is not self._found:
            self._found = newest
            self._turn("done")
        elif self._age_s >= TIMEOUT_S and calibrator.obstacle is not None:  # a stand that has begun is waited for
            self._turn("failed", OBSTACLES[calibrator.obstacle])

    def _turn(self, state: State, why: str = "") -> None:
        self._state, self._why, self._since_s = state, why, self._now_s

    def _message(self) -> str:
        if self._state == "done":
            return "Calibrated. You can run."
        if self._state == "failed":
            return f"Not calibrated. {self._why}"
        obstacle = None if self._calibrator is None else self._calibrator.obstacle
        return "Stand still on straight legs, facing as you run." if obstacle is None else OBSTACLES[obstacle]


def _result_json(found: StandingCalibration, height_cm: float | None) -> dict[str, Any]:
    return {"view": str(found.view), **found.as_json(), "leg_cm": cm(1.0, height_cm)}
