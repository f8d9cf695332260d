"""Standing calibration on request, from the button to the result or the reason why there is none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from device.standing import TIMEOUT_S, TOLD_S, StandingOnRequest
from model.pose import Pose, View
from model.standing import OBSTACLES, TEST_RUNS, StandingCalibrator
from tests.model.figures import SIZE_PX
from tests.model.test_standing import stander

FPS = 30


class Belt:
    """Who stands on it, frame by frame."""

    def __init__(self) -> None:
        self.request = StandingOnRequest()
        self.calibrator = StandingCalibrator()
        self.t_s = 0.0

    def pass_s(self, seconds: float, knee_deg: float | None = 3.0, moving: bool = False) -> dict[str, Any] | None:
        """Time passes with somebody there (None: nobody); what is told at its end."""
        for _ in range(round(seconds * FPS)):
            self.t_s += 1 / FPS
            pose = None if knee_deg is None else Pose(self.t_s, stander(knee_deg), np.full(17, 0.8), SIZE_PX)
            self.calibrator.step(pose, View.FRONT, moving)
            self.request.step(self.t_s, self.calibrator)
        return self.request.as_json(180.0)

    def test_s(self, seconds: float) -> dict[str, Any] | None:
        """Time passes with a test; what is told at its end."""
        for _ in range(round(seconds * FPS)):
            self.t_s += 1 / FPS
            self.request.give_way(self.t_s)
        return self.request.as_json(180.0)

    def ask(self) -> None:
        assert self.request.obey({"command": "calibrate"})


def test_nothing_is_told_before_it_is_asked_for() -> None:
    belt = Belt()
    assert belt.pass_s(4.0) is None
    assert not belt.request.obey({"command": "test_cue"})


def test_the_next_three_seconds_are_taken() -> None:
    belt = Belt()
    belt.pass_s(2.0, knee_deg=9.0)  # without a request this stand would be taken at 3 s
    belt.ask()
    told = belt.pass_s(2.0)
    assert told is not None
    assert (told["state"], told["of_s"], told["result"]) == ("running", 3.0, None)
    assert told["held_s"] == pytest.approx(1.9, abs=0.11)
    assert told["message"].startswith("Stand still on straight legs")
    told = belt.pass_s(1.2)
    assert told is not None
    assert told["state"] == "done"
    result = told["result"]
    assert result["leg_px"] == pytest.approx(160, abs=1)
    assert result["leg_cm"] == pytest.approx(88.4, abs=0.1)
    assert result["knee_left_deg"] == pytest.approx(3.0, abs=0.2)
    assert (result["view"], result["roll_deg"]) == ("front", pytest.approx(0.0, abs=0.1))
    bare = belt.request.as_json(None)
    assert bare is not None
    assert bare["result"]["leg_cm"] is None


def test_the_result_stays_as_it_was_and_goes_after_a_while() -> None:
    belt = Belt()
    belt.ask()
    done = belt.pass_s(4.0)
    assert done is not None
    later = belt.pass_s(10.0, knee_deg=8.0)
    assert later is not None
    assert later["result"] == done["result"]
    assert belt.pass_s(TOLD_S) is None


@pytest.mark.parametrize("test_first", [True, False])
def test_a_test_is_not_disturbed_and_it_is_said(test_first: bool) -> None:
    """Whichever was asked for first; and nothing begins by itself when the test is over."""
    belt = Belt()
    if not test_first:
        belt.ask()
        belt.pass_s(1.0)
    belt.test_s(0.5)
    if test_first:
        belt.ask()
    told = belt.test_s(2.0)
    assert told is not None
    assert (told["state"], told["message"]) == ("failed", f"Not calibrated. {TEST_RUNS}")
    assert told["age_s"] == pytest.approx(2.0 if test_first else 2.5, abs=0.1), "so that the page tells it for a while"
    told = belt.pass_s(4.0)
    assert told is not None
    assert told["state"] == "failed"
    belt.ask()
    assert belt.test_s(TOLD_S + 1) is None


@pytest.mark.parametrize(
    ("knee_deg", "moving", "obstacle"), [(None, False, "nobody"), (3.0, True, "moving"), (30.0, False, "bent")]
)
def test_what_is_in_the_way_is_said_at_once_and_after_the_time_out(
    knee_deg: float | None, moving: bool, obstacle: Any
) -> None:
    belt = Belt()
    belt.pass_s(4.0)
    belt.ask()
    told = belt.pass_s(4.0, knee_deg, moving)
    assert told is not None
    assert (told["state"], told["message"]) == ("running", OBSTACLES[obstacle])
    told = belt.pass_s(TIMEOUT_S, knee_deg, moving)
    assert told is not None
    assert (told["state"], told["message"]) == ("failed", f"Not calibrated. {OBSTACLES[obstacle]}")
    assert told["result"] is None
    belt.ask()
    told = belt.pass_s(4.0)
    assert told is not None
    assert told["state"] == "done"


def test_who_has_begun_to_stand_is_waited_for() -> None:
    belt = Belt()
    belt.ask()
    belt.pass_s(TIMEOUT_S - 1, knee_deg=None)
    told = belt.pass_s(2.0)
    assert told is not None
    assert told["state"] == "running"
    told = belt.pass_s(1.5)
    assert told is not None
    assert told["state"] == "done"


def test_a_session_that_begins_meanwhile_does_not_matter() -> None:
    belt = Belt()
    belt.ask()
    belt.pass_s(5.0, knee_deg=None)
    belt.calibrator = StandingCalibrator()
    told = belt.pass_s(3.5)
    assert told is not None
    assert told["state"] == "done"


def test_a_source_that_begins_anew_keeps_the_time() -> None:
    belt = Belt()
    belt.ask()
    belt.pass_s(10.0, knee_deg=None)
    belt.t_s = 0.0
    told = belt.pass_s(5.0, knee_deg=None)
    assert told is not None
    assert told["state"] == "running"
    assert told["age_s"] == pytest.approx(15.0, abs=0.2)


def test_without_a_camera_it_fails_at_once() -> None:
    belt = Belt()
    belt.request.no_pictures("there is no camera: plug one in", belt.t_s)
    assert belt.request.as_json(None) is None
    belt.ask()
    belt.request.no_pictures("there is no camera: plug one in", belt.t_s)
    told = belt.request.as_json(None)
    assert told is not None
    assert (told["state"], told["message"]) == ("failed", "Not calibrated. There is no camera: plug one in.")


@pytest.mark.parametrize("camera_first", [True, False])
def test_what_came_of_it_grows_old_without_a_camera_too(camera_first: bool) -> None:
    """Else the page would go on saying that somebody can run, and not that the camera is missing."""
    belt, why = Belt(), "there is no camera: plug one in"
    belt.ask()
    if camera_first:
        belt.pass_s(5.0)
    for waited_s in (1.0, 9.0):
        belt.request.no_pictures(why, belt.t_s + waited_s)
        told = belt.request.as_json(None)
        assert told is not None
        assert told["state"] == ("done" if camera_first else "failed")
        assert told["age_s"] > waited_s - 2.0
    belt.request.no_pictures(why, belt.t_s + TOLD_S + 2.0)
    assert belt.request.as_json(None) is None
