"""Who runs: chosen before or during a session, on the real database, and forgotten after it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from device.in_turn import LATE_S
from device.live import Message
from device.recording import SessionWriter
from device.runners import KEPT_S, RunnerChoice
from device.store import Person, SessionHeader, Store, StoreReader
from model.errors import StoreError

HEADER = SessionHeader("clip", "model", "0")


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "k.db"


@pytest.fixture
def writer(path: Path) -> Iterator[SessionWriter]:
    with Store.open(path) as store, SessionWriter(store) as writing:
        yield writing


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def answers() -> dict[str, Message]:
    """What was answered, by its request."""
    return {}


@pytest.fixture
def choice(writer: SessionWriter, clock: Clock, answers: dict[str, Message]) -> RunnerChoice:
    return RunnerChoice(writer, clock, lambda answer: answers.update({answer["request"]: answer}))


def until(true: Callable[[], object], timeout_s: float = 10.0) -> None:
    until_s = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < until_s
        time.sleep(0.01)


def add(choice: RunnerChoice, name: str) -> int:
    assert choice.obey({"command": "add_runner", "name": name})
    until(lambda: choice.current and (choice.current.name == name or not name))
    assert choice.current is not None
    return choice.current.id


def test_added_runner_is_stored_and_runs_next(choice: RunnerChoice, path: Path) -> None:
    runner_id = add(choice, "Anna")
    assert [(r["id"], r["name"], r["sessions"]) for r in StoreReader(path).runners()] == [(runner_id, "Anna", 0)]


def test_without_a_name_the_number_is_the_name(choice: RunnerChoice, path: Path) -> None:
    runner_id = add(choice, "")
    assert [r["name"] for r in StoreReader(path).runners()] == [f"Runner {runner_id}"]


def test_a_number_by_which_somebody_called_themselves_is_left_out(choice: RunnerChoice, path: Path) -> None:
    add(choice, "Anna")
    add(choice, "runner 3")
    add(choice, "")
    until(lambda: len(StoreReader(path).runners()) == 3)
    assert {r["name"]: r["id"] for r in StoreReader(path).runners()} == {"Anna": 1, "runner 3": 2, "Runner 4": 4}


def test_who_is_added_twice_at_the_same_moment_is_there_once(choice: RunnerChoice, path: Path) -> None:
    """The page has looked in the list before either was in it."""
    for name in ("Özge", "özge", "Ben"):
        assert choice.obey({"command": "add_runner", "name": name})
    until(lambda: choice.current and choice.current.name == "Ben")
    assert [r["name"] for r in StoreReader(path).runners()] == ["Ben", "Özge"]


def test_blanks_are_squeezed_and_too_long_a_name_is_refused(choice: RunnerChoice, path: Path) -> None:
    assert choice.obey({"command": "add_runner", "name": "  Anna \n Maria "})
    until(lambda: StoreReader(path).runners())
    assert StoreReader(path).runners()[0]["name"] == "Anna Maria"
    assert not choice.obey({"command": "add_runner", "name": "x" * 41})
    assert not choice.obey({"command": "add_runner", "name": "Anna \ud83d"})  # half of a character


@pytest.mark.parametrize("runner_id", ["1", 1.0, True, [1], 0, 2**63, 10**30])
def test_runner_that_is_no_number_is_refused(choice: RunnerChoice, runner_id: object) -> None:
    assert not choice.obey({"command": "select_runner", "runner_id": runner_id})


def test_other_commands_are_not_ours(choice: RunnerChoice) -> None:
    assert not choice.obey({"command": "test_cue", "side": "left"})


def test_choice_can_be_changed_and_taken_back(choice: RunnerChoice) -> None:
    anna = add(choice, "Anna")
    add(choice, "Ben")
    choice.obey({"command": "select_runner", "runner_id": anna})
    until(lambda: choice.current is not None and choice.current.name == "Anna")
    choice.obey({"command": "select_runner", "runner_id": None})
    assert choice.current is None


def test_unknown_runner_changes_nothing(
    choice: RunnerChoice, writer: SessionWriter, caplog: pytest.LogCaptureFixture
) -> None:
    anna = add(choice, "Anna")
    choice.obey({"command": "select_runner", "runner_id": anna + 1})
    until(lambda: "there is no runner" in caplog.text)
    assert choice.current is not None
    assert choice.current.id == anna


def test_choice_during_a_session_makes_it_the_runners(choice: RunnerChoice, writer: SessionWriter, path: Path) -> None:
    choice.begin_session(HEADER, lambda session_id: None)
    runner_id = add(choice, "Anna")
    writer.end(lambda session_id: None)
    until(lambda: writer.session_id is None)
    assert StoreReader(path).list_sessions()[0]["runner_id"] == runner_id
    assert StoreReader(path).runners()[0]["sessions"] == 1


@pytest.mark.parametrize("named", [True, False])
def test_who_is_chosen_when_an_anonymous_runner_has_left_is_the_next_one(
    choice: RunnerChoice, writer: SessionWriter, path: Path, named: bool
) -> None:
    """That session still waits for its end: it was taken over, and the chosen one's own run was nobody's."""
    choice.begin_session(HEADER, lambda _: None)
    choice.away = True
    if named:
        assert choice.obey({"command": "add_runner", "name": "Ben"})
        until(lambda: choice.another_chosen)
    assert choice.obey({"command": "set_height", "height_cm": 150})
    assert choice.obey({"command": "set_goal", "metric": "pelvic_drop_deg"})
    assert choice.current is None
    assert choice.person == Person()
    assert choice.another_chosen
    choice.keep()
    writer.end(lambda _: None)
    assert (choice.current is not None) is named
    assert choice.person == Person(150.0, "pelvic_drop_deg")
    choice.begin_session(HEADER, lambda _: None)
    writer.end(lambda _: None)
    until(lambda: [head["state"] for head in StoreReader(path).list_sessions()] == ["complete"] * 2)
    first, second = sorted(StoreReader(path).list_sessions(), key=lambda head: head["id"])
    assert (first["runner_id"], first["height_cm"]) == (None, None)
    assert (second["runner_id"] is not None, second["height_cm"]) == (named, 150.0)
    assert [runner["height_cm"] for runner in StoreReader(path).runners()] == [150.0] * named


def test_a_height_told_after_another_was_chosen_is_the_others(
    choice: RunnerChoice, writer: SessionWriter, path: Path
) -> None:
    """The session that runs goes on until the next picture only, and its runner stays as tall."""
    add(choice, "Anna")
    choice.begin_session(HEADER, lambda _: None)
    assert choice.obey({"command": "add_runner", "name": "Ben"})
    until(lambda: choice.another_chosen)
    assert choice.obey({"command": "set_height", "height_cm": 150})
    choice.keep()
    writer.end(lambda _: None)
    assert choice.current is not None
    assert (choice.current.name, choice.person.height_cm) == ("Ben", 150.0)
    writer.close()
    heights = {runner["name"]: runner["height_cm"] for runner in StoreReader(path).runners()}
    assert heights == {"Anna": None, "Ben": 150.0}
    assert "height_cm" not in (StoreReader(path).session(1) or {})


def test_who_is_chosen_after_a_session_and_before_it_is_closed_gets_nothing_of_it(
    choice: RunnerChoice, writer: SessionWriter, path: Path
) -> None:
    choice.begin_session(HEADER, lambda _: None)
    choice.session_ended()
    add(choice, "Ben")
    writer.end(lambda _: None)
    until(lambda: StoreReader(path).list_sessions()[0]["state"] == "complete")
    assert StoreReader(path).list_sessions()[0]["runner_id"] is None


def test_a_choice_over_a_lost_camera_lasts_a_minute(choice: RunnerChoice, clock: Clock) -> None:
    add(choice, "Anna")
    choice.begin_session(HEADER, lambda _: None)
    choice.keep()
    choice.expire(60.0)
    clock.now_s += 59.0
    assert choice.current is not None
    clock.now_s += 2.0
    assert choice.current is None


def test_choice_after_a_session_does_not_touch_it(choice: RunnerChoice, writer: SessionWriter, path: Path) -> None:
    writer.begin(HEADER, lambda session_id: None)
    writer.end(lambda session_id: choice.session_ended())
    add(choice, "Anna")
    writer.close()
    assert StoreReader(path).list_sessions()[0]["runner_id"] is None


def test_choice_is_forgotten_with_the_session_and_after_a_while(choice: RunnerChoice, clock: Clock) -> None:
    add(choice, "Anna")
    clock.now_s += KEPT_S - 1
    assert choice.current is not None
    clock.now_s += 2
    assert choice.current is None
    add(choice, "Ben")
    choice.session_ended()
    assert choice.current is None


def test_choice_outlasts_a_long_session(choice: RunnerChoice, clock: Clock, writer: SessionWriter) -> None:
    choice.begin_session(HEADER, lambda session_id: None)
    add(choice, "Anna")
    clock.now_s += 2 * KEPT_S
    assert choice.current is not None


def test_choice_outlasts_a_session_that_a_full_disk_does_not_take(
    choice: RunnerChoice, clock: Clock, writer: SessionWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(choice, "Anna")

    def full(self: Store, header: SessionHeader) -> int:
        raise StoreError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(Store, "begin_session", full)
        choice.begin_session(HEADER, lambda session_id: None)
        until(lambda: writer.fault)
        clock.now_s += 2 * KEPT_S
        assert choice.current is not None


def test_on_a_full_disk_nobody_is_chosen_nor_when_there_is_room_again(
    choice: RunnerChoice, writer: SessionWriter, answers: dict[str, Message], path: Path
) -> None:
    """By then somebody else is on the belt."""
    anna = add(choice, "Anna")
    choice.obey({"command": "select_runner", "runner_id": None})
    full = threading.Event()
    full.set()
    written: list[int] = []

    def job(store: Store, _: int | None) -> None:
        if full.is_set():
            raise StoreError("k.db cannot grow because the disk is full")
        written.append(1)

    writer.also(job)
    until(lambda: writer.stuck)
    assert choice.obey({"command": "select_runner", "runner_id": anna, "request": "anna"})
    assert choice.obey({"command": "add_runner", "name": "Ben", "request": "ben"})
    assert choice.obey({"command": "select_runner", "runner_id": None, "request": "nobody"})
    full.clear()
    until(lambda: written)
    writer.close()
    assert choice.current is None
    assert [r["name"] for r in StoreReader(path).runners()] == ["Anna"]
    said = "k.db cannot grow because the disk is full. Somebody can be chosen when that is mended."
    assert {request: (answer["done"], answer["said"]) for request, answer in answers.items()} == {
        "anna": (False, said), "ben": (False, said), "nobody": (True, None)
    }  # fmt: skip


def test_what_the_disk_refuses_is_not_tried_again(
    choice: RunnerChoice, writer: SessionWriter, answers: dict[str, Message], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first to find that it is full."""

    def full(store: Store, name: str, height_cm: float | None = None) -> tuple[int, str]:
        raise StoreError("k.db cannot grow because the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(Store, "add_runner", full)
        assert choice.obey({"command": "add_runner", "name": "Ben", "request": "ben"})
        until(lambda: answers)
    writer.close()
    assert choice.current is None
    assert answers["ben"]["said"] == "Nobody was chosen: k.db cannot grow because the disk is full."


def test_a_choice_for_which_the_disk_was_too_slow_is_none(
    choice: RunnerChoice, writer: SessionWriter, clock: Clock, answers: dict[str, Message], path: Path
) -> None:
    """Whoever asked has been told that nothing was confirmed."""
    anna = add(choice, "Anna")
    choice.session_ended()
    free = threading.Event()

    def slow(store: Store, _: int | None) -> None:
        free.wait(10.0)

    writer.also(slow)
    choice.obey({"command": "select_runner", "runner_id": anna, "request": "anna"})
    choice.obey({"command": "add_runner", "name": "Ben", "request": "ben"})
    clock.now_s += LATE_S + 1
    free.set()
    until(lambda: len(answers) == 2)
    assert choice.current is None
    assert [r["name"] for r in StoreReader(path).runners()] == ["Anna"]
    assert answers["anna"]["said"] == "Nobody was chosen: the disk was too slow; try again."


def test_a_name_is_changed_also_of_who_runs_and_who_is_next(
    choice: RunnerChoice, writer: SessionWriter, answers: dict[str, Message], path: Path
) -> None:
    anna = add(choice, "Ana")
    choice.begin_session(HEADER, lambda session_id: None)
    assert choice.obey({"command": "add_runner", "name": "Benn"})
    until(lambda: choice.another_chosen)
    for runner_id, name in ((anna, "  Anna\tMaria "), (anna + 1, "ben"), (anna + 1, "Ben")):
        assert choice.obey({"command": "rename_runner", "id": runner_id, "name": name, "request": name})
    until(lambda: len(answers) == 3)
    assert all(answer["done"] for answer in answers.values())
    assert [r["name"] for r in StoreReader(path).runners()] == ["Anna Maria", "Ben"]
    assert choice.current is not None
    assert choice.current.name == "Anna Maria"
    choice.session_ended()
    assert choice.current.name == "Ben"


def test_a_name_that_is_anothers_or_of_nobody_who_is_there_is_not_given(
    choice: RunnerChoice, writer: SessionWriter, answers: dict[str, Message], path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level("INFO")
    anna = add(choice, "Özge")
    add(choice, "Ben")
    choice.obey({"command": "rename_runner", "id": anna + 1, "name": "özge", "request": "taken"})
    choice.obey({"command": "rename_runner", "id": 7, "name": "Carl", "request": "gone"})
    until(lambda: len(answers) == 2)
    assert answers["taken"]["said"] == "The name was not changed: that name is in the list already."
    assert answers["gone"]["said"] == "The name was not changed: there is no runner 7 any more."
    writer.stuck = "the disk is full"
    choice.obey({"command": "rename_runner", "id": anna, "name": "Carl", "request": "full"})
    assert answers["full"]["said"] == "the disk is full. A name can be changed when that is mended."
    writer.close()
    assert [r["name"] for r in StoreReader(path).runners()] == ["Ben", "Özge"]
    assert not any(name in caplog.text for name in ("Ben", "Carl", "zge"))


@pytest.mark.parametrize(("runner_id", "name"), [(1, ""), (1, " "), (1, "x" * 41), (1, "Anna \ud83d"), ("1", "Anna")])
def test_what_is_no_name_and_no_runner_is_refused(choice: RunnerChoice, runner_id: object, name: str) -> None:
    assert not choice.obey({"command": "rename_runner", "id": runner_id, "name": name})


def test_a_session_that_is_anothers_stays_theirs_and_the_choice_waits_for_its_end(
    choice: RunnerChoice, writer: SessionWriter, path: Path
) -> None:
    """Somebody has left the belt, the next one is chosen, and the session is still open."""
    anna = add(choice, "Anna")
    choice.begin_session(HEADER, lambda session_id: None)
    until(lambda: writer.session_id)
    assert choice.obey({"command": "add_runner", "name": "Ben", "height_cm": 190})
    until(lambda: choice.another_chosen)
    assert choice.current is not None
    assert choice.current.name == "Anna", "whose session it is"
    choice.session_ended()
    writer.end(lambda session_id: None)
    assert choice.current is not None
    assert (choice.current.name, choice.person.height_cm, choice.another_chosen) == ("Ben", 190.0, False)
    choice.begin_session(HEADER, lambda session_id: None)
    choice.session_ended()
    assert choice.current is None
    writer.end(lambda session_id: None)
    writer.close()
    rows = [(row["runner_id"], row["height_cm"]) for row in StoreReader(path).list_sessions()]
    assert rows == [(anna + 1, 190.0), (anna, None)]


def test_who_was_anonymous_and_got_a_name_is_not_given_another(
    choice: RunnerChoice, writer: SessionWriter, path: Path
) -> None:
    choice.begin_session(HEADER, lambda session_id: None)
    anna = add(choice, "Anna")
    assert not choice.another_chosen
    choice.obey({"command": "select_runner", "runner_id": None})
    assert choice.another_chosen, "what follows is nobody's"
    choice.obey({"command": "select_runner", "runner_id": anna})
    until(lambda: not choice.another_chosen)
    choice.obey({"command": "select_runner", "runner_id": None})
    choice.session_ended()
    assert choice.current is None
    writer.end(lambda session_id: None)
    writer.close()
    assert StoreReader(path).list_sessions()[0]["runner_id"] == anna


def test_the_next_one_outlasts_a_session_that_did_not_count(choice: RunnerChoice, writer: SessionWriter) -> None:
    add(choice, "Anna")
    choice.begin_session(HEADER, lambda session_id: None)
    choice.keep()
    assert choice.current is not None
    assert choice.current.name == "Anna"
    choice.begin_session(HEADER, lambda session_id: None)
    choice.obey({"command": "add_runner", "name": "Ben"})
    until(lambda: choice.another_chosen)
    choice.keep()
    assert choice.current is not None
    assert (choice.current.name, choice.another_chosen) == ("Ben", False)


def test_who_stands_about_holds_no_choice(choice: RunnerChoice, clock: Clock) -> None:
    """Sessions in which nobody ran, one after the other: it was renewed for hours, and took another's run."""
    add(choice, "Anna")
    for _ in range(3):
        assert choice.current is not None
        clock.now_s += 0.4 * KEPT_S
        choice.begin_session(HEADER, lambda session_id: None)
        choice.keep(renew=False)
    assert choice.current is None


def test_who_is_tested_again_and_again_stays_chosen(choice: RunnerChoice, clock: Clock) -> None:
    add(choice, "Anna")
    for _ in range(3):
        clock.now_s += 0.9 * KEPT_S
        choice.begin_session(HEADER, lambda session_id: None)
        choice.keep()
    assert choice.current is not None


def test_the_store_gives_no_session_away(path: Path) -> None:
    with Store.open(path) as store:
        anna, ben = (store.runner(store.add_runner(name, 170.0)[0]) for name in ("Anna", "Ben"))
        assert anna is not None
        assert ben is not None
        session_id = store.begin_session(HEADER)
        for runner in (anna, ben):
            store.set_session_runner(session_id, runner)
    (row,) = StoreReader(path).list_sessions()
    assert (row["runner_id"], row["height_cm"]) == (anna.id, 170.0)


def test_height_of_a_named_runner_is_stored_and_comes_back_with_them(choice: RunnerChoice, path: Path) -> None:
    assert choice.obey({"command": "add_runner", "name": "Anna", "height_cm": 168})
    until(lambda: choice.current)
    assert choice.person.height_cm == 168.0
    assert choice.obey({"command": "set_height", "height_cm": 171.5})
    assert choice.person.height_cm == 171.5
    add(choice, "Ben")
    assert choice.person == Person()
    choice.obey({"command": "select_runner", "runner_id": 1})
    until(lambda: choice.current is not None and choice.current.name == "Anna")
    assert choice.person.height_cm == 171.5
    assert [r["height_cm"] for r in StoreReader(path).runners()] == [171.5, None]
    choice.obey({"command": "set_height", "height_cm": None})
    until(lambda: StoreReader(path).runners()[0]["height_cm"] is None)


def test_height_and_goal_of_an_anonymous_runner_last_for_the_session(choice: RunnerChoice, clock: Clock) -> None:
    for forget in (choice.session_ended, lambda: choice.obey({"command": "select_runner", "runner_id": None})):
        assert choice.obey({"command": "set_height", "height_cm": 190.0})
        assert choice.obey({"command": "set_goal", "metric": "cadence_spm"})
        assert choice.person == Person(190.0, "cadence_spm")
        forget()
        assert choice.person == Person()
    choice.obey({"command": "set_height", "height_cm": 190.0})
    clock.now_s += KEPT_S + 1
    assert choice.person == Person()
    choice.obey({"command": "set_height", "height_cm": 190.0})
    add(choice, "Anna")
    assert choice.person == Person()


def test_who_runs_anonymously_and_chooses_that_again_keeps_height_and_goal(
    choice: RunnerChoice, writer: SessionWriter, path: Path
) -> None:
    """The session that runs keeps its height, too, and goes on."""
    choice.obey({"command": "set_height", "height_cm": 190.0})
    choice.obey({"command": "set_goal", "metric": "cadence_spm"})
    choice.begin_session(HEADER, lambda session_id: None)
    assert choice.obey({"command": "select_runner", "runner_id": None})
    assert not choice.another_chosen
    assert choice.person == Person(190.0, "cadence_spm")
    writer.close()
    assert (StoreReader(path).session(1) or {})["height_cm"] == 190.0


@pytest.mark.parametrize("height_cm", [99.9, 230.1, 0, -170, "170", True, float("nan")])
def test_a_height_that_nobody_has_is_refused(choice: RunnerChoice, height_cm: object) -> None:
    assert not choice.obey({"command": "set_height", "height_cm": height_cm})
    assert not choice.obey({"command": "add_runner", "name": "Anna", "height_cm": height_cm})
    assert choice.person == Person()


@pytest.mark.parametrize("named", [True, False])
def test_the_open_session_is_of_that_height(
    choice: RunnerChoice, writer: SessionWriter, path: Path, named: bool
) -> None:
    choice.obey({"command": "set_height", "height_cm": 150.0})
    choice.begin_session(HEADER, lambda session_id: None)
    if named:
        add(choice, "Anna")
        until(lambda: (StoreReader(path).session(1) or {}).get("runner_id"))
        assert "height_cm" not in (StoreReader(path).session(1) or {}), "who ran before does not count"
    choice.obey({"command": "set_height", "height_cm": 181.0})
    writer.end(lambda session_id: choice.session_ended())
    writer.close()
    assert (StoreReader(path).session(1) or {})["height_cm"] == 181.0


def test_a_session_from_before_the_height_was_known_has_its_runners(
    choice: RunnerChoice, writer: SessionWriter, path: Path
) -> None:
    runner_id = add(choice, "Anna")
    writer.begin(SessionHeader("clip", "model", "0", runner_id=runner_id), lambda session_id: None)
    writer.end(lambda session_id: None)
    choice.obey({"command": "set_height", "height_cm": 165.0})
    writer.close()
    assert (StoreReader(path).session(1) or {})["height_cm"] == 165.0


def test_a_goal_is_remembered_with_the_name(choice: RunnerChoice, path: Path) -> None:
    add(choice, "Anna")
    assert choice.obey({"command": "set_goal", "metric": "pelvic_drop_deg"})
    assert not choice.obey({"command": "set_goal", "metric": "speed"})
    assert not choice.obey({"command": "set_goal"})
    choice.session_ended()
    choice.obey({"command": "select_runner", "runner_id": 1})
    until(lambda: choice.current)
    assert choice.person.goal == "pelvic_drop_deg"
    assert StoreReader(path).runners()[0]["goal"] == "pelvic_drop_deg"
