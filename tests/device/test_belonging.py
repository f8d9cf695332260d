"""Whose a session was is said afterwards: it is theirs with all it holds, and counts for the wrong one no more."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from device.belonging import Belonging
from device.in_turn import LATE_S
from device.live import Message
from device.recording import SessionWriter
from device.store import Runner, SessionHeader, StillRunning, Store, StoreReader, training, writer
from model.coach import Baseline
from model.pose import Side
from model.programme import Adherence, Attempt

KNEE = (Side.LEFT, "fppa_deg")


def session(store: Store, runner_id: int | None = None, end: bool = True) -> int:
    height_cm = None if runner_id is None else named(store, runner_id).person.height_cm
    session_id = store.begin_session(SessionHeader("clip", "m", "0", runner_id=runner_id, height_cm=height_cm))
    store.add_stance(session_id, {"side": "left", "strike_s": 0.4, "toe_off_s": 0.7, "quality": 0.8})
    if end:
        store.end_session(session_id)
    return session_id


def named(store: Store, runner_id: int) -> Runner:
    found = store.runner(runner_id)
    assert found is not None
    return found


def programme(store: Store, runner_id: int) -> training.StoredProgramme:
    found = store.programme(runner_id)
    assert found is not None
    return found


def document(store_path: Path, session_id: int) -> dict[str, Any]:
    found = StoreReader(store_path).session(session_id)
    assert found is not None
    return found


def test_what_the_wrong_runner_learnt_in_it_goes_and_older_things_of_theirs_count_again(
    store: Store, path: Path
) -> None:
    """Somebody ran the first session of Ben's programme under his name, and measured his baseline."""
    anna, _ = store.add_runner("Anna", 168.0)
    ben, _ = store.add_runner("Ben", 190.0)
    store.add_baselines(ben, "here", {KNEE: Baseline(3.0, 1.0, 20)})
    store.start_programme(ben, "fppa_deg")
    his, hers = session(store, ben), session(store, ben, end=False)
    for n, session_id in enumerate((his, hers), start=1):
        store.save_attempt(programme(store, ben).id, session_id, Attempt(n, 900.0, Adherence(10, 9)))
    store.add_baselines(ben, "here", {KNEE: Baseline(9.0, 2.0, 20)})
    store.end_session(hers)
    store.add_baselines(anna, "here", {KNEE: Baseline(1.0, 1.0, 20)})
    assert store.give_session(hers, anna)
    assert store.baselines(ben, "here") == {KNEE: Baseline(3.0, 1.0, 20)}
    assert store.baselines(anna, "here") == {KNEE: Baseline(1.0, 1.0, 20)}
    assert [attempt.n for attempt in programme(store, ben).attempts] == [1]
    told = document(path, hers)
    assert (told["runner_id"], told["height_cm"], len(told["stances"])) == (anna, 168.0, 1)
    assert document(path, his)["runner_id"] == ben
    assert [run["id"] for run in StoreReader(path).runs(anna)] == [hers]


def learnt(store: Store) -> tuple[int, int]:
    """Anna, who has run one session, in which her baseline was measured, the first of a programme."""
    anna, _ = store.add_runner("Anna")
    store.start_programme(anna, "fppa_deg")
    session_id = session(store, anna, end=False)
    store.add_baselines(anna, "here", {KNEE: Baseline(3.0, 1.0, 20)}, session_id)
    store.add_baselines(anna, "there", {KNEE: Baseline(4.0, 1.0, 20)})  # as from before sessions were noted
    store.save_attempt(programme(store, anna).id, session_id, Attempt(1, 900.0, Adherence(10, 9)))
    store.end_session(session_id)
    return anna, session_id


def counted(store: Store, runner_id: int) -> tuple[int, int]:
    """How many baselines and attempts of a runner count."""
    baselines = [*store.baselines(runner_id, "here"), *store.baselines(runner_id, "there")]
    return len(baselines), len(programme(store, runner_id).attempts)


@pytest.mark.parametrize("of_nobody", [True, False])
def test_a_slip_is_undone_by_giving_it_back(store: Store, path: Path, of_nobody: bool) -> None:
    anna, session_id = learnt(store)
    wrong = None if of_nobody else store.add_runner("Ben")[0]
    for _ in range(2):
        assert store.give_session(session_id, wrong)
        assert counted(store, anna) == (0, 0)
        read = StoreReader(path).programme(anna)
        assert read is not None
        assert read.attempts == ()
        assert store.give_session(session_id, anna)
        assert counted(store, anna) == (2, 1)


@pytest.mark.parametrize("with_its_runner", [True, False])
def test_what_was_learnt_in_a_session_that_was_given_away_does_not_come_back_when_it_is_deleted(
    store: Store, with_its_runner: bool
) -> None:
    anna, session_id = learnt(store)
    ben, _ = store.add_runner("Ben")
    assert store.give_session(session_id, ben)
    if with_its_runner:
        assert store.delete_runner(ben) == 1
    else:
        assert store.delete_session(session_id)
    assert counted(store, anna) == (0, 0)


def test_what_was_learnt_in_ones_own_session_stays_when_it_is_deleted(store: Store) -> None:
    anna, session_id = learnt(store)
    ben, _ = store.add_runner("Ben")
    for whose in (ben, anna):
        assert store.give_session(session_id, whose)
    assert store.delete_session(session_id)
    assert counted(store, anna) == (2, 1)


def test_what_it_measured_goes_though_the_clock_was_set_meanwhile_or_the_disk_was_late(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A box without a clock of its own begins in its past; a full disk takes a baseline after the session's end."""
    anna, _ = store.add_runner("Anna")
    older, session_id = session(store, anna), session(store, anna, end=False)
    store.add_baselines(anna, "here", {KNEE: Baseline(3.0, 1.0, 20)}, older)
    for said, moment in (("before it", "2020-01-01T00:00:00.000+00:00"), ("after it", "2100-01-01T00:00:00.000+00:00")):
        with monkeypatch.context() as clock:
            clock.setattr(writer, "utc_now", lambda moment=moment: moment)
            store.add_baselines(anna, said, {KNEE: Baseline(9.0, 2.0, 20)}, session_id)
    store.end_session(session_id)
    assert store.give_session(session_id, None)
    assert not store.baselines(anna, "before it")
    assert not store.baselines(anna, "after it")
    assert store.baselines(anna, "here"), "another session measured it"


def test_it_goes_to_nobody_and_back(store: Store, path: Path) -> None:
    anna, _ = store.add_runner("Anna", 168.0)
    session_id = session(store)
    assert store.give_session(session_id, anna)
    assert store.give_session(session_id, None)
    assert document(path, session_id)["runner_id"] is None
    assert document(path, session_id).get("height_cm") is None


def test_whose_it_is_already_loses_nothing(store: Store) -> None:
    anna, _ = store.add_runner("Anna")
    store.start_programme(anna, "fppa_deg")
    session_id = session(store, anna, end=False)
    store.add_baselines(anna, "here", {KNEE: Baseline(3.0, 1.0, 20)})
    store.save_attempt(programme(store, anna).id, session_id, Attempt(1, 900.0, Adherence()))
    store.end_session(session_id)
    assert store.give_session(session_id, anna)
    assert store.baselines(anna, "here")
    assert len(programme(store, anna).attempts) == 1


def test_what_is_not_there_or_runs_is_left_alone(store: Store, path: Path) -> None:
    anna, _ = store.add_runner("Anna")
    session_id, running = session(store), session(store, end=False)
    assert not store.give_session(session_id, anna + 1)
    assert not store.give_session(99, anna)
    with pytest.raises(StillRunning):
        store.give_session(running, anna)
    assert [document(path, one)["runner_id"] for one in (session_id, running)] == [None, None]


def test_each_request_gets_its_answer(store: Store, path: Path) -> None:
    anna, _ = store.add_runner("Anna")
    session_id, running = session(store), session(store, end=False)
    answers: dict[str, Message] = {}

    def ask(writer: SessionWriter, request: str, number: int, runner_id: object) -> bool:
        belonging = Belonging(writer, lambda answer: answers.update({answer["request"]: answer}))
        command = {"command": "give_session", "id": number, "runner_id": runner_id, "request": request}
        return belonging.obey(command)

    with SessionWriter(store) as writer:
        assert ask(writer, "done", session_id, anna)
        assert ask(writer, "runs", running, anna)
        assert ask(writer, "gone", session_id, 7)
        for wrong in (0, "1", True, 1.5):
            assert not ask(writer, "wrong", session_id, wrong)
        assert not ask(writer, "", session_id, None)
    with SessionWriter(store) as writer:
        writer.stuck = "the disk is full"
        assert ask(writer, "full", session_id, None)
    assert {request: answer["done"] for request, answer in answers.items()} == {
        "done": True, "runs": False, "gone": False, "full": False
    }  # fmt: skip
    assert answers["done"]["said"] is None
    assert answers["runs"]["said"] == "Not changed: this session runs now. Choose who runs on the page Runners."
    assert answers["gone"]["said"] == "Not changed: the session or that runner has been deleted meanwhile."
    assert answers["full"]["said"].startswith("the disk is full. ")
    assert document(path, session_id)["runner_id"] == anna


def test_what_the_disk_was_too_slow_for_is_not_done_later(store: Store, path: Path) -> None:
    """Whoever asked has been told that nothing was confirmed, and may have said something else since."""
    anna, _ = store.add_runner("Anna")
    session_id, now_s, free = session(store), [100.0], threading.Event()
    answers: list[Message] = []

    def slow(store: Store, _: int | None) -> None:
        free.wait(10.0)

    with SessionWriter(store) as writer:
        writer.also(slow)
        belonging = Belonging(writer, answers.append, lambda: now_s[0])
        assert belonging.obey({"command": "give_session", "id": session_id, "runner_id": anna, "request": "r"})
        now_s[0] += LATE_S + 1
        free.set()
    assert [(answer["done"], answer["said"]) for answer in answers] == [
        (False, "Not changed: the disk was too slow; try again.")
    ]
    assert document(path, session_id)["runner_id"] is None
