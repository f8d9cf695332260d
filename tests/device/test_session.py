"""When sessions begin and end, by the time of the frames alone."""

from __future__ import annotations

from collections.abc import Iterable

from device.session import Ended, SessionTracker, Started

FPS = 30


def told(event: Started | Ended) -> tuple[str, float, float]:
    """An event with its two times, rounded to a tenth of a second."""
    if isinstance(event, Started):
        return "started", round(event.t_s, 1), round(event.since_s, 1)
    return "ended", round(event.t_s, 1), round(event.last_seen_s, 1)


def events(seen: Iterable[bool], **limits: float) -> list[tuple[str, float, float]]:
    """What the tracker says over frames at 30 per second."""
    tracker = SessionTracker(**limits)
    said = (tracker.step(n / FPS, runner) for n, runner in enumerate(seen))
    return [told(event) for event in said if event is not None]


def stretch(*parts: tuple[float, bool]) -> list[bool]:
    return [runner for duration_s, runner in parts for _ in range(round(duration_s * FPS))]


def test_a_session_begins_after_3_s_and_ends_10_s_after_the_last_sight() -> None:
    said = events(stretch((2, False), (20, True), (15, False)))
    assert said == [("started", 5.0, 2.0), ("ended", 32.0, 22.0)]


def test_passing_by_is_no_session() -> None:
    assert events(stretch((1, False), (2.9, True), (5, False), (2.9, True), (5, False))) == []


def test_a_flicker_of_detection_does_not_begin_the_count_anew() -> None:
    assert events(stretch((1.5, True), (0.4, False), (5, True))) == [("started", 3.0, 0.0)]


def test_a_real_gap_begins_the_count_anew() -> None:
    assert events(stretch((2, True), (0.6, False), (5, True))) == [("started", 5.6, 2.6)]


def test_a_return_within_10_s_goes_on_with_the_session() -> None:
    for gone_s in (5.0, 9.5, 9.9):
        assert events(stretch((5, True), (gone_s, False), (5, True))) == [("started", 3.0, 0.0)]


def test_flashes_of_detection_do_not_keep_a_session_open() -> None:
    said = events(stretch((5, True), *[(1.9, False), (0.1, True)] * 8))
    assert said == [("started", 3.0, 0.0), ("ended", 15.5, 5.0)]


def test_two_runners_one_after_the_other_are_two_sessions() -> None:
    said = events(stretch((5, True), (12, False), (5, True), (12, False)))
    assert [name for name, *_ in said] == ["started", "ended", "started", "ended"]


def test_both_times_can_be_set() -> None:
    said = events(stretch((2, True), (3, False)), start_after_s=1, end_after_s=2)
    assert said == [("started", 1.0, 0.0), ("ended", 4.0, 2.0)]


def test_five_frames_a_second_are_enough() -> None:
    tracker = SessionTracker()
    said = [tracker.step(n / 5, True) for n in range(20)]
    assert [event for event in said if event] == [Started(3.0, 0.0)]


def test_a_session_that_is_cut_short_is_followed_by_another_of_whoever_is_there() -> None:
    tracker = SessionTracker()
    for n in range(5 * FPS):
        tracker.step(n / FPS, True)
    tracker.restart()
    assert not tracker.active
    said = (tracker.step(n / FPS, True) for n in range(5 * FPS, 10 * FPS))
    assert [told(event) for event in said if event is not None] == [("started", 8.0, 5.0)]


def test_who_stands_there_for_minutes_ends_the_session_and_begins_none_until_they_run() -> None:
    """Somebody, or a figure on a poster, may be seen all day."""
    tracker = SessionTracker()
    said = []
    for n in range(1000 * FPS):
        t_s = n / FPS
        said.append(tracker.step(t_s, True, runs=100.0 <= t_s < 200.0 or t_s >= 900.0))
    assert [told(event) for event in said if event is not None] == [
        ("started", 3.0, 0.0),
        ("ended", 500.0, 500.0),
        ("started", 903.0, 900.0),
    ]


def test_a_session_goes_on_through_a_rest_and_through_a_long_absence_where_the_settings_say_so() -> None:
    assert [name for name, *_ in events(stretch((299, True)))] == ["started"]
    said = events(stretch((10, True), (400, False), (20, True)), end_after_s=600)
    assert [name for name, *_ in said] == ["started"]


def after_a_test(seen: Iterable[bool], runs_s: float = 1e9) -> list[tuple[str, float, float]]:
    """What the tracker says after a test that ended at 0 s; steps are found from ``runs_s`` on."""
    tracker = SessionTracker()
    for n in range(5 * FPS, 0, -1):
        tracker.step(-n / FPS, True)
    tracker.hold(0.0)
    assert not tracker.active
    said = (tracker.step(n / FPS, runner, n / FPS >= runs_s) for n, runner in enumerate(seen))
    return [told(event) for event in said if event is not None]


def test_standing_there_after_a_test_is_no_session() -> None:
    assert after_a_test(stretch((60, True), (9, False), (60, True))) == []


def test_running_after_a_test_is_one() -> None:
    assert after_a_test(stretch((30, True)), runs_s=8.0) == [("started", 11.0, 8.0)]


def test_who_comes_after_the_tested_one_has_gone_is_one() -> None:
    assert after_a_test(stretch((5, True), (12, False), (5, True))) == [("started", 20.0, 17.0)]


def test_a_pause_of_all_pictures_ends_the_session_whoever_is_there_after_it() -> None:
    """The process was stopped, or the machine slept."""
    tracker = SessionTracker()
    times_s = [n / FPS for n in range(5 * FPS)] + [5.0 + gap_s + n / FPS for gap_s in (9.9, 3600.0) for n in range(150)]
    said = (tracker.step(t_s, runner_seen=True) for t_s in times_s)
    assert [told(event) for event in said if event is not None] == [
        ("started", 3.0, 0.0),
        ("ended", 3605.0, 19.9),
        ("started", 3608.0, 3605.0),
    ]


def test_who_has_left_is_away_and_who_is_only_missed_for_a_moment_is_not() -> None:
    tracker = SessionTracker()
    assert tracker.away_s(0.0) == 0.0
    away_s = []
    for n, seen in enumerate(stretch((5, True), (0.3, False), (2, True), (4, False), (1, True))):
        tracker.step(n / FPS, seen)
        away_s.append(tracker.away_s(n / FPS))
    assert max(away_s[: round(7.3 * FPS)]) == 0.0
    assert abs(away_s[round(11.2 * FPS)] - 3.9) < 0.1
    assert away_s[-1] == 0.0
