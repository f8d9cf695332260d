"""The belt's speed of a session: what was told of it while its steps were run."""

from __future__ import annotations

import math

import pytest

from model.belt import BeltSpeed, ToldSpeeds


def told(*parts: tuple[float | None, int]) -> tuple[float, float] | None:
    """What is kept of a session, of which so many steps were run at each speed, one after the other."""
    speeds = ToldSpeeds()
    for belt_m_s, steps in parts:
        for _ in range(steps):
            speeds.add(belt_m_s, 0)  # most pictures end no step
            speeds.add(belt_m_s, 1)
    kept = speeds.as_json()
    assert list(kept) == ["belt_speed_min_m_s", "belt_speed_max_m_s"]
    found = BeltSpeed.of(kept)
    assert (found is None) == (kept == dict.fromkeys(kept))
    return None if found is None else (found.min_m_s, found.max_m_s)


@pytest.mark.parametrize(
    ("parts", "kept"),
    [
        ([], None),
        ([(None, 500)], None),
        ([(3.0, 1)], (3.0, 3.0)),
        ([(None, 500), (3.0, 100)], (3.0, 3.0)),  # typed amid the run
        ([(None, 10), (1.0, 20), (3.0, 480)], (3.0, 3.0)),  # mistyped, and put right
        ([(2.0, 100), (3.0, 400)], (2.0, 3.0)),
        ([(3.0, 100), (2.0, 100), (2.5, 300)], (2.0, 3.0)),
        ([(3.0, 460), (None, 40)], (3.0, 3.0)),
        ([(3.0, 440), (None, 60)], None),  # taken back, and not told anew
        ([(speed / 10, 50) for speed in range(10, 40)], (1.1, 3.8)),
        ([(10 / 3.6, 7)], (2.7778, 2.7778)),
    ],
)
def test_a_sessions_speed_is_that_of_nine_tenths_of_its_steps(
    parts: list[tuple[float | None, int]], kept: tuple[float, float] | None
) -> None:
    assert told(*parts) == (None if kept is None else pytest.approx(kept))


def test_what_is_told_before_the_first_step_and_then_changed_is_forgotten() -> None:
    speeds = ToldSpeeds()
    speeds.add(2.0, 0)
    speeds.add(3.0, 1)
    assert speeds.as_json() == {"belt_speed_min_m_s": 3.0, "belt_speed_max_m_s": 3.0}


def test_steps_at_a_speed_that_is_doubted_are_those_of_the_next_one() -> None:
    """A slip of the hand is noticed after some steps; what was counted at that speed is put right, too."""
    speeds = ToldSpeeds()
    speeds.add(0.8, 20)
    speeds.add(0.8, 30, doubted=True)
    assert speeds.as_json() == dict.fromkeys(("belt_speed_min_m_s", "belt_speed_max_m_s"))
    speeds.add(9.7, 40, doubted=True)
    speeds.add(2.8, 10)
    assert speeds.as_json() == {"belt_speed_min_m_s": 2.8, "belt_speed_max_m_s": 2.8}
    speeds.add(9.7, 9, doubted=True)
    assert speeds.as_json() == {"belt_speed_min_m_s": 2.8, "belt_speed_max_m_s": 2.8}
    speeds.add(9.7, 9, doubted=True)
    assert speeds.as_json() == dict.fromkeys(("belt_speed_min_m_s", "belt_speed_max_m_s"))


@pytest.mark.parametrize("ends", [(None, None), (3.0, None), (None, 3.0), ("3", 3.0), (math.nan, 3.0)])
def test_a_session_without_both_ends_has_no_speed(ends: tuple[object, object]) -> None:
    assert BeltSpeed.of({"belt_speed_min_m_s": ends[0], "belt_speed_max_m_s": ends[1]}) is None
    assert BeltSpeed.of({}) is None


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ((2.7778, 2.7778), (2.8, 2.8), True),  # 10 km/h, and the same in metres
        ((2.7778, 2.7778), (2.85, 2.85), False),
        ((2.0, 2.8), (2.0, 2.8), False),
        ((2.0, 2.0), (2.0, 2.8), False),
    ],
)
def test_only_one_and_the_same_speed_is_the_same(
    one: tuple[float, float], other: tuple[float, float], same: bool
) -> None:
    assert BeltSpeed(*one).is_same(BeltSpeed(*other)) is same
    assert BeltSpeed(*other).is_same(BeltSpeed(*one)) is same


def test_words_are_in_the_treadmills_unit() -> None:
    assert BeltSpeed(2.7778, 2.7778).words == "10.0 km/h"
    assert BeltSpeed(2.5, 3.0).words == "9.0 to 10.8 km/h"
