"""The programme: durations and shares of the literature, blocks that cannot be foreseen, and where a runner stands."""

from __future__ import annotations

import pytest

from model.programme import (
    BLOCK_S,
    SESSIONS,
    Adherence,
    Attempt,
    FeedbackSchedule,
    StateWords,
    in_words,
    of_the_day,
    progress,
)


def blocks(n: int, seed: int = 1) -> list[bool]:
    schedule = FeedbackSchedule(SESSIONS[n - 1], seed)
    return [schedule.is_on((i + 0.5) * BLOCK_S) for i in range(round(SESSIONS[n - 1].planned_s / BLOCK_S))]


def test_eight_sessions_with_a_dose_within_the_literature() -> None:
    assert [s.planned_s / 60 for s in SESSIONS] == [15, 17, 19, 21, 24, 26, 28, 30]
    assert [s.feedback_share for s in SESSIONS] == [1, 1, 1, 1, 0.75, 0.5, 0.25, 0.1]
    assert 177 <= sum(s.planned_s for s in SESSIONS) / 60 <= 196


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_feedback_is_always_on_in_the_first_four(n: int) -> None:
    assert all(blocks(n))
    assert FeedbackSchedule(SESSIONS[n - 1], 1).is_on(10_000.0)


@pytest.mark.parametrize(("n", "share"), [(5, 0.75), (6, 0.5), (7, 0.25), (8, 0.1)])
@pytest.mark.parametrize("seed", [1, 2, 77])
def test_feedback_fades_by_the_share_and_evenly(n: int, share: float, seed: int) -> None:
    on = blocks(n, seed)
    assert abs(sum(on) - share * len(on)) <= 0.5
    half = len(on) // 2
    assert abs(sum(on[:half]) - sum(on[half:])) <= 3
    assert not FeedbackSchedule(SESSIONS[n - 1], seed).is_on(SESSIONS[n - 1].planned_s + 1)


def test_blocks_are_the_same_for_a_seed_and_others_for_another() -> None:
    assert blocks(6, 5) == blocks(6, 5)
    assert len({tuple(blocks(6, seed)) for seed in range(20)}) == 20


def test_what_comes_next_cannot_be_told_from_what_was() -> None:
    """After every pair of blocks both kinds follow, about as often as the share says."""
    follows: dict[tuple[bool, bool], list[bool]] = {}
    for seed in range(60):
        on = blocks(6, seed)
        for a, b, c in zip(on, on[1:], on[2:], strict=False):
            follows.setdefault((a, b), []).append(c)
    assert len(follows) == 4
    for after in follows.values():
        assert 0.25 < sum(after) / len(after) < 0.75


def test_a_session_that_was_cut_short_is_run_again() -> None:
    all_of_1 = Attempt(1, 15 * 60.0, Adherence(on=2000, on_within=1500))
    half_of_2 = Attempt(2, 8 * 60.0, Adherence(on=1000, on_within=900))
    assert progress([]).next == SESSIONS[0]
    assert progress([all_of_1]).next == SESSIONS[1]
    found = progress([all_of_1, half_of_2])
    assert (found.done, found.next) == (1, SESSIONS[1])
    assert found.adherence == Adherence(on=3000, on_within=2400)
    everything = [Attempt(s.n, 0.81 * s.planned_s, Adherence()) for s in SESSIONS]
    assert progress(everything).next is None


def test_one_that_was_somebody_elses_is_run_again_and_then_the_next_that_is_left() -> None:
    """The third of five was run by another, under the wrong name: it goes, and the programme goes on to its end."""
    so_far = [Attempt(n, SESSIONS[n - 1].planned_s, Adherence()) for n in (1, 2, 4, 5)]
    assert (progress(so_far).done, progress(so_far).next) == (4, SESSIONS[2])
    for n in (3, 6, 7, 8):
        assert progress(so_far).next == SESSIONS[n - 1]
        so_far.append(Attempt(n, SESSIONS[n - 1].planned_s, Adherence()))
    assert progress(so_far).next is None


@pytest.mark.parametrize(("days", "done"), [(("mon", "mon"), 1), (("mon", "tue"), 0), ((None, None), 0)])
def test_a_break_does_not_undo_what_was_run_before_it_that_day(days: tuple[str | None, ...], done: int) -> None:
    halves = [Attempt(1, 7.5 * 60.0, Adherence(on=500), day) for day in days]
    assert progress(halves).done == done
    assert progress(halves).adherence.on == 1000
    assert len(of_the_day(halves, 1, "mon")) == days.count("mon")
    assert of_the_day(halves, 2, "mon") == []


def test_feedback_goes_on_after_a_break_where_it_was() -> None:
    whole, rest = FeedbackSchedule(SESSIONS[5], 3), FeedbackSchedule(SESSIONS[5], 3, before_s=300.0)
    assert all(rest.is_on(t_s) == whole.is_on(300.0 + t_s) for t_s in range(0, 1300, 7))


def test_retention_is_told_apart_by_feedback() -> None:
    seen = Adherence()
    for feedback, within in ((True, True), (True, False), (False, True), (False, True), (False, False)):
        seen = seen.with_stance(feedback, within)
    assert seen == Adherence(on=2, on_within=1, off=3, off_within=2)
    assert seen.on_share == 0.5
    assert seen.off_share == pytest.approx(2 / 3)
    assert Adherence().on_share is Adherence().off_share is None


def test_where_a_runner_stands_is_said_in_words() -> None:
    seen = Adherence(on=1000, on_within=906, off=200, off_within=150)
    words = in_words(SESSIONS[2], 35.9, seen)
    assert (words.session, words.time) == ("session 3 of 8", "0:35 of 19:00 min run")
    assert words.on_target == "on target 91 % with cues, 75 % without"
    assert in_words(SESSIONS[0], 720.0, Adherence()) == StateWords(
        "session 1 of 8", "12:00 of 15:00 min run, counts as done", ""
    )
    assert in_words(SESSIONS[0], 719.0, Adherence()).time == "11:59 of 15:00 min run"  # less than 80 %
    assert in_words(None, 0.0, Adherence()) == StateWords("all 8 sessions done", "", "")
