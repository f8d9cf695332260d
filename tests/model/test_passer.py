"""Who comes before the runner: whether the pose that is seen may be theirs."""

from __future__ import annotations

import pytest

from model.passer import Passer


def after(*aside_torsos: float, leaving: bool = False) -> Passer:
    passer = Passer()
    for aside in aside_torsos:
        passer.see(aside, leaving)
    return passer


def test_nobody_came() -> None:
    assert not Passer().came
    assert not Passer().may_be(0.0)
    assert not Passer().draws(0.3)


@pytest.mark.parametrize("side", [-1, 1], ids=["from the left", "from the right"])
def test_who_was_not_seen_beyond_may_still_be_there(side: int) -> None:
    """The pose goes along with them into the runner's place, or shows the runner once more."""
    coming = after(*(side * aside for aside in (0.7, 0.5, 0.3, 0.2)))
    assert coming.came
    assert coming.may_be(side * 0.1)
    assert coming.may_be(0.0)
    assert not coming.draws(side * 0.3)


def test_who_was_only_seen_clear_of_the_runner_covers_nobody() -> None:
    beside = after(0.9, 0.65)
    assert beside.came
    assert not beside.may_be(0.0)


@pytest.mark.parametrize("side", [-1, 1], ids=["from the left", "from the right"])
def test_pose_that_is_back_from_beyond_is_the_runner_s(side: int) -> None:
    passed = after(*(side * aside for aside in (0.7, 0.3, 0.0, -0.2, -0.4)))
    assert passed.may_be(side * -0.35)
    assert not passed.may_be(side * -0.1)
    assert not passed.may_be(0.0)
    assert passed.draws(side * -0.5)
    assert not passed.draws(side * 0.5)


def test_a_runner_s_sway_is_not_drawn_along() -> None:
    passed = after(0.7, 0.0, -0.16)
    assert passed.may_be(-0.12)
    assert not passed.draws(-0.12)


def test_who_drew_the_pose_along_is_beyond_at_once() -> None:
    assert not after(0.45, 0.5, leaving=True).may_be(0.0)


@pytest.mark.parametrize("side", [-1, 1], ids=["from the left", "from the right"])
def test_who_turns_back_goes_as_if_they_had_come_from_the_other_side(side: int) -> None:
    turned = after(*(side * aside for aside in (0.5, 0.3, 0.1, 0.1, 0.2, 0.28, 0.36)))
    assert turned.is_beyond
    assert not turned.may_be(0.0)
    assert turned.draws(side * 0.4)
    assert after(*(side * aside for aside in (0.5, 0.3, 0.1, 0.12, 0.1, 0.13))).may_be(0.0)


def test_pose_that_jumps_to_the_runner_s_middle_is_theirs_while_it_stays() -> None:
    assert not after(0.5, 0.48, 0.05).may_be(0.05)
    assert after(0.5, 0.48, 0.05, 0.2).may_be(0.1)
    assert after(0.5, 0.3, 0.1).may_be(0.1)


def test_trunk_in_the_runner_s_clothes_is_not_theirs_who_wear_others() -> None:
    passer = Passer()
    passer.see(0.3, leaving=False, others_clothes=True)
    passer.see(0.2, leaving=False)
    assert passer.may_be(0.0)
    assert not passer.may_be(0.0, runners_clothes=True)
    assert after(0.3, 0.2).may_be(0.0, runners_clothes=True)
