"""From who runs to how they are coached: baselines and programmes through the real store, LEDs and what is told."""

from __future__ import annotations

import math
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from device.coaching import Coaching, message, side_json
from device.config import CoachConfig
from device.live import Message
from device.recording import SessionWriter
from device.runners import RunnerChoice
from device.runtime import led_state
from device.store import SessionHeader, Store, StoreReader
from device.store.training import StoredProgramme
from model.analysis import AnalysisSettings, Outcome, RunAnalysis
from model.coach import MIN_BASELINE, Baseline, Coach, CoachSettings, CoachState, Instrument, Look, Target, Verdict
from model.errors import StoreError
from model.pose import Side, View
from model.programme import SESSIONS, Adherence, Attempt, counts

HEADER = SessionHeader(source="camera", model="movenet-lightning-int8", app_version="0")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kneeline.db"


class Box:
    """A device without camera and pins: store, writer, choice of runner and coaching."""

    def __init__(self, store: Store, config: CoachConfig) -> None:
        self.store = store
        self.writer = SessionWriter(store)
        self.choice = RunnerChoice(self.writer)
        self.moves: list[int] = []
        self.uncertain = False  # whether it may still be the one before who runs
        self.answers: list[Message] = []
        self.coaching = Coaching(config, self.writer, self.choice, 0, self.moves.append, self.answers.append)
        self.restart()

    def restart(self) -> None:
        """Somebody else may come: a new session."""
        self.analysis = RunAnalysis(AnalysisSettings(model="lightning"))
        self.coaching.begin()
        self.t_s = 0.0

    def aim_for(self, metric: str) -> None:
        """Somebody chooses the goal."""
        assert self.choice.obey({"command": "set_goal", "metric": metric})

    def coached(self) -> str:
        return self.coach.metric

    def goal(self) -> tuple[str, str]:
        told = self.coaching.as_json(self.coach.state())
        return told["metric"], told["metric_from"]

    def choose(self, runner_id: int | None) -> None:
        self.choice.obey({"command": "select_runner", "runner_id": runner_id})
        self.settle()

    def ask(self, command: str) -> Message:
        """Somebody asks for it on a page; the answer."""
        assert self.coaching.obey({"command": command, "request": str(len(self.answers))})
        self.settle()
        return self.answers[-1]

    def settle(self) -> None:
        """Waits until the writer has done all it was given."""
        done: list[bool] = []
        self.writer.also(lambda *_: done.append(True))
        until_s = time.monotonic() + 10
        while not done:
            assert time.monotonic() < until_s
            time.sleep(0.002)

    def frame(self, moved: bool = False, view: View = View.FRONT) -> None:
        outcome = SimpleNamespace(view=view, moved_since_s=1.0 if moved else None, coach=self.coach.state())
        self.coaching.step(cast(Outcome, outcome), self.analysis, "camera", self.uncertain)

    @property
    def coach(self) -> Coach:
        return self.analysis.coach

    def known(self, view: View = View.FRONT) -> None:
        """Frames until the store's answer is taken up."""
        self.frame(view=view)
        self.settle()
        self.frame(view=view)

    def run(self, strides: int, left_deg: float = 4.0, right_deg: float = 4.0) -> None:
        """The same value stands for each goal."""
        for _ in range(strides):
            for side, angle_deg in ((Side.LEFT, left_deg), (Side.RIGHT, right_deg)):
                self.coach.strike(side)
                for i in range(11):
                    keys = ("fppa_deg", "fppa_image_deg") if self.coach.metric == "fppa_deg" else (self.coach.metric,)
                    look = Look(i / 30, 0.25, dict.fromkeys(keys, angle_deg))
                    self.coach.step(self.t_s, True, {side: look} if i < 8 else {}, Instrument("lightning"))
                    self.t_s += 1 / 30
            self.frame()

    def session(self) -> int:
        begun: list[int] = []
        self.choice.begin_session(HEADER, begun.append)
        self.settle()
        return begun[0]

    def end_session(self) -> None:
        self.coaching.end()
        self.writer.end(lambda _: None)
        self.settle()
        self.choice.session_ended()


@pytest.fixture
def make(path: Path) -> Iterator[Callable[..., Box]]:
    with Store.open(path) as store:
        boxes: list[Box] = []

        def box(**config: Any) -> Box:
            boxes.append(Box(store, CoachConfig.model_validate(config)))
            return boxes[-1]

        yield box
        for one in boxes:
            one.writer.close()


def basis(box: Box) -> str | None:
    target = box.coach.state().targets[Side.LEFT]
    return None if target is None else target.basis


def test_an_anonymous_runner_has_the_fixed_threshold_and_nothing_is_kept(make: Callable[..., Box], path: Path) -> None:
    box = make()
    box.run(30)
    assert box.coach.feedback
    assert basis(box) == "fixed"
    assert box.coach.learnt == {}
    assert box.coaching.as_json(box.coach.state())["programme"] is None


def test_a_named_runner_is_measured_once_and_knows_the_baseline_next_time(make: Callable[..., Box]) -> None:
    box = make()
    runner_id, _ = box.store.add_runner("Ada")
    box.choose(runner_id)
    box.known()
    assert not box.coach.feedback
    box.run(5)
    assert (
        message(box.coach.state())
        == f"measuring how you run by yourself: 3 of {MIN_BASELINE} steps of each foot, no cues yet"
    )
    told = box.coaching.as_json(box.coach.state())
    assert (told["feedback"], told["measuring"]) == (False, {"n": 3, "of": MIN_BASELINE})
    box.run(20, left_deg=7.0)
    assert box.coach.feedback
    assert message(box.coach.state()) is None
    box.settle()
    box.restart()
    box.choose(runner_id)
    box.known()
    assert box.coach.feedback
    box.run(4)
    assert basis(box) == "baseline"
    assert box.coach.learnt == {}


def test_a_baseline_that_was_broken_off_leaves_for_how_long_cues_were_kept_back(make: Callable[..., Box]) -> None:
    """Of it nothing else is left: the list would show no cues, as of somebody who runs well."""
    box = make()
    assert box.coaching.kept_back == {}
    runner_id, _ = box.store.add_runner("Ada")
    box.choose(runner_id)
    box.known()
    box.run(10)
    assert box.coach.learnt == {}
    assert box.coaching.kept_back == {"measuring_s": pytest.approx(10 * 22 / 30, abs=0.2)}
    assert box.coaching.goals == ["fppa_deg"]
    box.restart()
    assert box.coaching.goals == []
    box.choose(None)
    box.known()
    box.run(10)
    assert box.coaching.kept_back == {}


def test_the_newest_baseline_of_a_runner_counts(make: Callable[..., Box]) -> None:
    box = make()
    runner_id, _ = box.store.add_runner("Ada")
    for mean in (9.0, 3.0):
        box.store.add_baselines(runner_id, "here", {(Side.LEFT, "fppa_deg"): Baseline(mean, 1.0, 20)})
    assert box.store.baselines(runner_id, "here")[Side.LEFT, "fppa_deg"].mean == 3.0


def test_it_is_known_which_session_measured_a_baseline(make: Callable[..., Box], path: Path) -> None:
    """So that it can be told as not theirs when that session was somebody else's."""
    box = make()
    runner_id, _ = box.store.add_runner("Ada")
    box.choose(runner_id)
    session_id = box.session()
    box.choose(runner_id)
    box.known()
    box.run(MIN_BASELINE + 3)
    box.end_session()
    with closing(sqlite3.connect(path)) as raw:
        measured = raw.execute("SELECT DISTINCT runner_id, session_id FROM baselines").fetchall()
    assert measured == [(runner_id, session_id)]


def test_an_answer_that_comes_after_another_was_chosen_is_not_theirs(make: Callable[..., Box]) -> None:
    box = make()
    ada, ben = (box.store.add_runner(name)[0] for name in ("Ada", "Ben"))
    own = {(side, "fppa_deg"): Baseline(4.0, 1.0, 30) for side in Side}
    box.store.add_baselines(ada, "camera/0/front/lightning", own)
    box.choose(ada)
    box.frame()
    box.settle()
    box.choose(ben)
    box.frame()
    assert box.coach.measured == 0
    box.known()
    assert box.coach.measured == 0
    box.choose(ada)
    box.known()
    assert box.coach.measured is None


def test_what_is_learnt_anew_after_the_camera_was_moved_is_kept_for_its_new_place(make: Callable[..., Box]) -> None:
    box = make()
    runner_id, _ = box.store.add_runner("Ada")
    box.choose(runner_id)
    box.known()
    box.run(MIN_BASELINE + 3)
    box.coach.forget_place()  # as the analysis does in the frame that tells it
    box.frame(moved=True)
    box.run(MIN_BASELINE + 3, left_deg=6.0)
    box.settle()
    left = [box.store.baselines(runner_id, f"camera/{n}/front/lightning")[Side.LEFT, "fppa_deg"] for n in (0, 1)]
    assert [one.mean for one in left] == pytest.approx([4.0, 6.0])


def test_a_baseline_in_the_picture_is_of_the_cameras_old_place_though_the_store_is_asked_again(
    make: Callable[..., Box],
) -> None:
    """As when a programme is begun after the move: the knee would be held against an angle seen from elsewhere."""
    box = make()
    anna, _ = box.store.add_runner("Anna")
    old = {(side, key): Baseline(3.0, 1.0, 20) for side in Side for key in ("fppa_deg", "fppa_image_deg")}
    box.store.add_baselines(anna, f"camera/0/front/{box.analysis.settings.model}", old)
    box.choose(anna)
    box.known()
    assert set(box.coach._stored) == set(old)
    box.coach.forget_place()
    box.frame(moved=True)
    box.ask("start_programme")
    box.known()
    assert box.coaching.as_json(box.coach.state())["programme"] is not None
    assert {key for _, key in box.coach._stored} == {"fppa_deg"}


def test_step_width_is_measured_anew_and_kept_for_the_cameras_new_place(make: Callable[..., Box]) -> None:
    """The old place's was held against steps seen from the new one, and stored as the new one's."""
    box = make(metric="step_width_leg")
    anna, _ = box.store.add_runner("Anna")
    box.choose(anna)
    box.known()
    box.run(MIN_BASELINE + 3, left_deg=0.048, right_deg=0.034)
    assert box.coach.measured is None
    box.coach.forget_place()
    box.frame(moved=True)
    assert box.coach.measured == 0
    box.ask("start_programme")  # so that the store is asked again, which still has the old place's
    box.known()
    assert box.coach.measured == 0
    box.run(MIN_BASELINE + 3, left_deg=0.033, right_deg=0.05)
    box.settle()
    kept = box.store.baselines(anna, "camera/1/front/lightning")
    assert {side: one.mean for (side, _), one in kept.items()} == pytest.approx({Side.LEFT: 0.033, Side.RIGHT: 0.05})


def test_what_is_learnt_while_it_may_be_the_one_before_who_runs_waits_until_that_is_sure(
    make: Callable[..., Box],
) -> None:
    box = make()
    runner_id, _ = box.store.add_runner("Ada")
    box.choose(runner_id)
    box.known()
    box.uncertain = True
    box.run(MIN_BASELINE + 3)
    box.settle()
    assert box.coach.learnt
    assert box.store.baselines(runner_id, "camera/0/front/lightning") == {}
    box.uncertain = False
    box.frame()
    box.settle()
    assert len(box.store.baselines(runner_id, "camera/0/front/lightning")) == 4


def test_baselines_belong_to_a_runner_and_to_a_place_of_the_camera(make: Callable[..., Box]) -> None:
    box = make()
    ada, ben = (box.store.add_runner(name)[0] for name in ("Ada", "Ben"))
    box.choose(ada)
    box.known()
    box.run(MIN_BASELINE + 3)
    box.settle()
    box.restart()
    box.choose(ben)
    box.known()
    assert box.coach.measured == 0
    box.frame(moved=True)
    assert box.moves == [1]
    box.frame()
    assert box.moves == [1]
    box.restart()
    box.choose(ada)
    box.known()
    assert box.coach.measured == 0


def test_a_runner_who_says_so_during_the_run_is_coached_from_then_on(make: Callable[..., Box]) -> None:
    box = make()
    runner_id, _ = box.store.add_runner("")
    own = {(side, "fppa_deg"): Baseline(2.0, 1.0, 30) for side in Side}
    box.store.add_baselines(runner_id, "camera/0/front/lightning", own)
    box.run(6)
    assert basis(box) == "fixed"
    box.choose(runner_id)
    box.known()
    box.run(4)
    assert basis(box) == "baseline"
    box.choose(None)
    box.run(4)
    assert basis(box) == "fixed"


@pytest.mark.parametrize("unasked", [True, False])
def test_a_baseline_is_measured_anew_on_demand(make: Callable[..., Box], unasked: bool) -> None:
    """Also where nobody is measured who did not ask for it: the old one is gone."""
    box = make(measure_baseline=unasked)
    runner_id, _ = box.store.add_runner("Ada")
    box.store.add_baselines(
        runner_id, "camera/0/front/lightning", {(s, "fppa_deg"): Baseline(2.0, 1.0, 30) for s in Side}
    )
    box.choose(runner_id)
    box.known()
    assert box.coach.measured is None
    assert box.ask("measure_baseline")["done"]
    box.known()
    assert box.coach.measured == 0
    box.run(MIN_BASELINE // 2)
    box.restart()  # they did not run for long enough
    box.known()
    assert box.coach.measured == 0
    box.run(MIN_BASELINE + 3)
    assert box.coach.measured is None
    assert basis(box) == "baseline"
    box.settle()
    assert len(box.store.baselines(runner_id, "camera/0/front/lightning")) == 4
    other, _ = box.store.add_runner("Ben")
    box.restart()
    box.choose(other)
    box.known()
    assert box.coach.measured == (0 if unasked else None)


def test_where_coaching_is_switched_off_no_cues_are_promised(make: Callable[..., Box]) -> None:
    """It said "no cues yet", and counted the steps up to them."""
    box = make()
    box.analysis = RunAnalysis(AnalysisSettings(model="lightning", coach=CoachSettings(enabled=False)))
    runner_id, _ = box.store.add_runner("Ada")
    box.choose(runner_id)
    box.known()
    box.run(5)
    state = box.coach.state()
    assert message(state) is None
    told = box.coaching.as_json(state)
    assert (told["feedback"], told["kept_back"]) == (False, "off")
    assert box.coaching.as_json(None)["kept_back"] is None


def test_without_measuring_a_named_runner_has_the_fixed_threshold(make: Callable[..., Box]) -> None:
    box = make(measure_baseline=False)
    runner_id, _ = box.store.add_runner("Ada")
    box.choose(runner_id)
    box.known()
    box.run(6)
    assert basis(box) == "fixed"


def test_commands_need_a_runner(make: Callable[..., Box]) -> None:
    box = make()
    answer = box.ask("start_programme")
    assert (answer["done"], answer["said"]) == (False, "Choose a runner first.")
    assert not box.coaching.obey({"command": "make_coffee"})


def fill(box: Box) -> list[bool]:
    """The disk takes nothing any more, until what is returned is emptied."""
    full = [True]

    def job(*_: object) -> None:
        if full:
            raise StoreError("k.db cannot grow because the disk is full")

    box.writer.also(job)
    until_s = time.monotonic() + 10
    while box.writer.stuck is None:
        assert time.monotonic() < until_s
        time.sleep(0.002)
    return full


def test_what_is_kept_of_a_runner_is_read_on_a_full_disk_too(make: Callable[..., Box]) -> None:
    """Who was chosen before it was full was measured anew, which took the place of their baseline, and had all cues."""
    box = make()
    runner_id, programme = in_a_programme(box)
    own = {(side, "fppa_deg"): Baseline(2.0, 1.0, 30) for side in Side}
    box.store.add_baselines(runner_id, "camera/0/front/lightning", own)
    box.choose(runner_id)
    fill(box)
    box.frame()
    until_s = time.monotonic() + 10
    while box.coach.measured is not None:
        assert time.monotonic() < until_s
        time.sleep(0.01)
        box.frame()
    told = box.coaching.as_json(box.coach.state())["programme"]
    assert (told["session"], programme.attempts) == (1, ())
    box.run(4)
    assert basis(box) == "baseline"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("measure_baseline", "A baseline can be measured anew when that is mended."),
        ("start_programme", "A programme can be begun when that is mended."),
        ("end_programme", "A programme can be ended when that is mended."),
    ],
)
def test_what_is_asked_for_on_a_full_disk_is_refused_and_not_done_when_there_is_room_again(
    make: Callable[..., Box], command: str, said: str
) -> None:
    """By then they have finished their run, or do not expect it any more."""
    box = make(measure_baseline=False)
    runner_id, _ = box.store.add_runner("Ada")
    if command == "end_programme":
        box.store.start_programme(runner_id, "fppa_deg")
    own = {(side, "fppa_deg"): Baseline(2.0, 1.0, 30) for side in Side}
    box.store.add_baselines(runner_id, "camera/0/front/lightning", own)
    box.choose(runner_id)
    box.known()
    full = fill(box)
    assert box.coaching.obey({"command": command, "request": "r"})
    assert box.answers == [
        {
            "type": "answer",
            "request": "r",
            "done": False,
            "said": f"k.db cannot grow because the disk is full. {said}",
        }
    ]
    full.clear()
    box.settle()
    box.known()
    assert len(box.answers) == 1
    assert set(box.store.baselines(runner_id, "camera/0/front/lightning")) == set(own)
    assert (box.store.programme(runner_id) is not None) is (command == "end_programme")
    assert box.coach.measured is None


def test_what_the_disk_refuses_first_is_not_tried_again(
    make: Callable[..., Box], monkeypatch: pytest.MonkeyPatch
) -> None:
    box = make(measure_baseline=False)
    runner_id, _ = box.store.add_runner("Ada")
    box.choose(runner_id)
    box.known()

    def full(store: Store, runner_id: int) -> None:
        raise StoreError("k.db cannot grow because the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(Store, "drop_baselines", full)
        answer = box.ask("measure_baseline")
    said = "The baseline is not measured anew: k.db cannot grow because the disk is full."
    assert (answer["done"], answer["said"]) == (False, said)
    box.known()
    assert box.coach.measured is None


def test_a_programme_goes_from_session_to_session(make: Callable[..., Box], path: Path) -> None:
    box = make(measure_baseline=False)
    runner_id, _ = box.store.add_runner("Ada")
    box.choose(runner_id)
    box.known()
    box.ask("start_programme")
    box.known()
    told = box.coaching.as_json(box.coach.state())["programme"]
    assert (told["session"], told["of"], told["planned_s"]) == (1, 8, 900.0)
    session_id = box.session()
    box.run(20)
    box.end_session()
    stored = StoreReader(path).programme(runner_id)
    assert stored is not None
    (attempt,) = stored.attempts
    assert attempt.n == 1
    assert attempt.run_s == pytest.approx(20 * 22 / 30, abs=0.5)
    assert attempt.adherence.on == attempt.adherence.on_within >= 30
    assert not counts(attempt.n, attempt.run_s)
    # It was too short, so it comes again; when enough is run, the next one comes.
    for n, share in ((1, 1.0), (2, 1.0)):
        box.restart()
        box.choose(runner_id)
        box.known()
        assert box.coaching.as_json(box.coach.state())["programme"]["session"] == n
        assert box.coach.feedback is (share == 1.0)
        done = Attempt(n, SESSIONS[n - 1].planned_s, Adherence(on=100, on_within=60))
        box.store.save_attempt(stored.id, session_id + n, done)
    box.ask("end_programme")
    box.known()
    assert box.coaching.as_json(box.coach.state())["programme"] is None
    assert StoreReader(path).programme(runner_id) is None


def in_a_programme(box: Box) -> tuple[int, StoredProgramme]:
    """A runner who has just begun one."""
    runner_id, _ = box.store.add_runner("Ada")
    box.store.start_programme(runner_id, "fppa_deg")
    programme = box.store.programme(runner_id)
    assert programme is not None
    return runner_id, programme


def test_after_a_break_a_session_of_the_programme_goes_on(make: Callable[..., Box]) -> None:
    box = make(measure_baseline=False)
    runner_id, programme = in_a_programme(box)
    box.choose(runner_id)
    box.known()
    box.store.save_attempt(programme.id, box.session(), Attempt(1, 700.0, Adherence(on=100, on_within=90)))
    box.writer.end(lambda _: None)
    box.restart()
    box.choose(runner_id)
    box.known()
    box.run(40)
    told = box.coaching.as_json(box.coach.state())["programme"]
    assert (told["session"], told["counts"]) == (1, True)
    assert told["words"]["session"] == "session 1 of 8"
    assert told["words"]["time"].endswith("of 15:00 min run, counts as done")
    assert told["run_s"] == pytest.approx(700 + 40 * 22 / 30, abs=1.0)


def test_a_programme_that_takes_the_place_of_another_amid_a_session_begins_with_it(
    make: Callable[..., Box], path: Path
) -> None:
    """Nothing was kept of it: what the session had done of the one before stood in its place."""
    box = make(measure_baseline=False)
    runner_id, old = in_a_programme(box)
    box.choose(runner_id)
    box.session()
    box.known()
    box.run(20)
    for command in ("end_programme", "start_programme"):
        box.ask(command)
        box.known()
    box.run(30)
    box.end_session()
    stored = StoreReader(path).programme(runner_id)
    assert stored is not None
    assert stored.id != old.id
    assert [attempt.run_s for attempt in stored.attempts] == [pytest.approx(30 * 22 / 30, abs=0.5)]


def turned(box: Box) -> None:
    """The runner turns round on the belt, and back."""
    box.known(View.REAR)
    box.known()


@pytest.mark.parametrize(
    "again",
    [
        turned,
        lambda box: box.ask("measure_baseline"),
        lambda box: box.ask("start_programme"),
    ],
    ids=["turned", "measured anew", "begun twice"],
)
def test_what_was_run_of_a_programme_stays_when_the_store_is_asked_again(
    make: Callable[..., Box], path: Path, again: Callable[[Box], object]
) -> None:
    """The session's own attempt was taken for an earlier one: the next session came, and overwrote it."""
    box = make(measure_baseline=False)
    runner_id, programme = in_a_programme(box)
    box.choose(runner_id)
    box.store.save_attempt(programme.id, box.session(), Attempt(1, 100.0, Adherence(on=10, on_within=5)))
    box.writer.end(lambda _: None)
    box.session()
    box.known()
    box.run(10)
    box.coach.run_s = 640.0
    box.frame()
    box.settle()
    did = box.coach.adherence
    assert did.on > 0
    again(box)
    for _ in range(2):  # also while the answer is awaited
        told = box.coaching.as_json(box.coach.state())["programme"]
        assert (told["session"], told["run_s"], told["counts"]) == (1, 740.0, True)
        box.known()
    more = MIN_BASELINE + 10  # who is measured anew is given no feedback before
    box.run(more)
    box.end_session()
    stored = StoreReader(path).programme(runner_id)
    assert stored is not None
    before, attempt = stored.attempts
    assert (before.run_s, attempt.n) == (100.0, 1)
    assert attempt.run_s == pytest.approx(640 + more * 22 / 30, abs=0.5)
    assert attempt.adherence.on > did.on
    assert attempt.adherence == box.coach.adherence


def test_what_may_have_been_run_by_who_ran_before_is_not_of_the_programme_though_the_store_is_asked_again(
    make: Callable[..., Box], path: Path
) -> None:
    """It outlived the session, which is nobody's where it turns out to have been the one before."""
    box = make(measure_baseline=False)
    runner_id, _ = in_a_programme(box)
    box.choose(runner_id)
    box.uncertain = True
    box.session()
    box.known()
    box.run(10)
    turned(box)
    box.writer.discard(lambda _: None)
    box.settle()
    stored = StoreReader(path).programme(runner_id)
    assert stored is not None
    assert stored.attempts == ()


def test_what_was_run_without_a_name_or_a_programme_is_not_of_the_programme(
    make: Callable[..., Box], path: Path
) -> None:
    box = make(measure_baseline=False)
    runner_id, _ = box.store.add_runner("Ada")
    box.session()
    box.known()
    box.coach.run_s = 300.0
    box.frame()
    box.choose(runner_id)
    box.known()
    box.coach.run_s = 200.0
    box.frame()
    box.ask("start_programme")
    box.known()
    assert box.coaching.as_json(box.coach.state())["programme"]["run_s"] == 0.0
    box.run(1)
    box.end_session()
    stored = StoreReader(path).programme(runner_id)
    assert stored is not None
    assert [attempt.run_s for attempt in stored.attempts] == [pytest.approx(22 / 30, abs=0.1)]


def test_late_sessions_fade_and_tell_what_is_retained(make: Callable[..., Box]) -> None:
    box = make(measure_baseline=False)
    runner_id, programme = in_a_programme(box)
    for n in range(1, 8):
        off = Adherence(off=100, off_within=80) if n == 7 else Adherence(on=100, on_within=90)
        box.store.save_attempt(programme.id, n, Attempt(n, SESSIONS[n - 1].planned_s, off))
    box.choose(runner_id)
    box.known()
    told = box.coaching.as_json(box.coach.state())["programme"]
    assert told["session"] == 8
    assert told["retention"] == {"on": 0.9, "off": 0.8, "stances_off": 100}
    feedback = []
    for _ in range(300):
        box.run(1)
        feedback.append(box.coach.feedback)
    assert 0.0 < sum(feedback) / len(feedback) < 0.4
    off_s = 300 * 22 / 30 * (1 - sum(feedback) / 300)
    assert box.coaching.kept_back == {"fading_s": pytest.approx(off_s, abs=5.0), "programme_session": 8}
    assert "blocks" not in str(box.coaching.as_json(box.coach.state()))


def test_a_goal_of_an_anonymous_session_is_measured_and_gone_with_it(make: Callable[..., Box]) -> None:
    box = make()
    box.run(6)
    assert box.goal() == ("fppa_deg", "settings")
    box.aim_for("pelvic_drop_deg")
    box.run(1)
    assert box.goal() == ("pelvic_drop_deg", "session")
    assert box.coached() == "pelvic_drop_deg"
    assert not box.coach.feedback
    box.run(MIN_BASELINE + 4)
    assert box.coach.feedback
    target = box.coach.state().targets[Side.LEFT]
    assert target is not None
    assert (target.metric, target.basis) == ("pelvic_drop_deg", "session")
    box.run(1, left_deg=14.0)
    state = box.coach.state()
    assert side_json(state, Side.LEFT)["verdict"] == "bad"
    assert side_json(state, Side.LEFT)["value"] == 14.0
    box.session()
    box.end_session()
    box.restart()
    box.run(6)
    assert box.goal() == ("fppa_deg", "settings")
    assert basis(box) == "fixed"


def test_a_goal_goes_with_the_name_and_has_its_own_baseline(make: Callable[..., Box]) -> None:
    box = make(measure_baseline=False)
    runner_id, _ = box.store.add_runner("Ada")
    drop = {(side, "pelvic_drop_deg"): Baseline(4.0, 1.0, 30) for side in Side}
    box.store.add_baselines(runner_id, "camera/0/front/lightning", drop)
    box.choose(runner_id)
    box.known()
    box.aim_for("pelvic_drop_deg")
    box.known()
    box.run(4)
    assert basis(box) == "baseline"
    box.choice.session_ended()
    box.restart()
    box.choose(runner_id)
    box.known()
    assert box.goal() == ("pelvic_drop_deg", "runner")
    box.aim_for("cadence_spm")
    box.known()
    assert box.coach.measured == 0
    box.choose(None)
    box.known()
    assert box.goal() == ("fppa_deg", "settings")
    assert box.coached() == "fppa_deg"


def test_pelvic_drop_has_a_baseline_for_who_stood_still_and_one_for_who_did_not(make: Callable[..., Box]) -> None:
    """A drop of one side shows about half as large where nobody stood: neither says what is usual for the other."""
    box = make(metric="pelvic_drop_deg")
    runner_id, _ = box.store.add_runner("Ada")
    for stood, known in ((False, False), (True, False), (False, True), (True, True)):
        box.restart()
        box.choose(runner_id)
        box.known()
        box.coach.stands_level(stood)
        assert (box.coach.measured is None) is known
        box.run(MIN_BASELINE + 3, left_deg=0.0 if stood else 4.0, right_deg=8.0 if stood else 4.0)
        box.settle()
    kept = box.store.baselines(runner_id, "camera/0/front/lightning")
    assert {(side, key): one.mean for (side, key), one in kept.items()} == {
        (Side.LEFT, "pelvic_drop_deg"): 4.0,
        (Side.RIGHT, "pelvic_drop_deg"): 4.0,
        (Side.LEFT, "pelvic_drop_stood_deg"): 0.0,
        (Side.RIGHT, "pelvic_drop_stood_deg"): 8.0,
    }


def test_a_cadence_is_kept_with_the_belts_speed_and_known_again_at_the_same(make: Callable[..., Box]) -> None:
    box = make(metric="cadence_spm")
    ada, _ = box.store.add_runner("Ada")
    for belt_m_s, spm, known in (
        (None, 150.0, False),
        (2.7778, 156.0, False),
        (3.6, 180.0, False),
        (2.8, 156.0, True),
        (None, 150.0, True),
    ):
        box.restart()
        box.coach.runs_at(belt_m_s)
        box.choose(ada)
        box.known()
        assert (box.coach.measured is None) is known
        box.run(MIN_BASELINE + 3, spm, spm)
        told = box.coaching.as_json(box.coach.state())
        assert told["metronome_spm"] == pytest.approx(1.075 * spm, abs=0.06)
        box.settle()
    kept = box.store.baselines(ada, "camera/0/front/lightning")
    assert {key: one.mean for (side, key), one in kept.items() if side is Side.LEFT} == {
        "cadence_spm": 150.0,
        "cadence_spm@2.7778": 156.0,
        "cadence_spm@3.6000": 180.0,
    }


def test_the_goal_of_the_settings_can_be_another(make: Callable[..., Box]) -> None:
    box = make(metric="cadence_spm")
    box.frame()
    assert box.goal() == ("cadence_spm", "settings")
    box.aim_for("fppa_deg")
    box.run(6)
    assert box.goal() == ("fppa_deg", "session")
    assert basis(box) == "fixed"


def test_a_programme_keeps_its_goal_and_its_time(make: Callable[..., Box], path: Path) -> None:
    box = make(measure_baseline=False)
    runner_id, _ = box.store.add_runner("Ada")
    box.choose(runner_id)
    box.aim_for("pelvic_drop_deg")
    box.known()
    box.ask("start_programme")
    box.known()
    box.run(10)
    before_s = box.coach.run_s
    box.aim_for("cadence_spm")
    box.known()
    box.run(1)
    assert box.goal() == ("pelvic_drop_deg", "programme")
    assert box.coached() == "pelvic_drop_deg"
    assert box.coach.run_s > before_s, "what was run of the session still counts"
    programme = StoreReader(path).programme(runner_id)
    assert programme is not None
    assert programme.metric == programme.goal == "pelvic_drop_deg"
    box.ask("end_programme")
    box.known()
    assert box.goal() == ("cadence_spm", "runner")
    assert box.coached() == "cadence_spm"


def test_a_programme_that_is_done_keeps_no_goal(make: Callable[..., Box]) -> None:
    box = make()
    runner_id, _ = box.store.add_runner("Ada")
    box.store.start_programme(runner_id, "step_width_leg")
    programme = box.store.programme(runner_id)
    assert programme is not None
    assert programme.goal == "step_width_leg"
    for n, session in enumerate(SESSIONS, start=1):
        box.store.save_attempt(programme.id, n, Attempt(n, session.planned_s, Adherence()))
    done = box.store.programme(runner_id)
    assert done is not None
    assert done.goal is None


def verdict(value: float, alert: bool) -> Verdict:
    return Verdict(value, Target("fppa_deg", 8.0, math.nan, "fixed"), value <= 8.0, alert)


STATE = CoachState(
    metric="fppa_deg",
    kept_back=None,
    measured=None,
    verdicts={Side.LEFT: verdict(14.0, True), Side.RIGHT: verdict(3.0, False)},
    targets={Side.LEFT: verdict(14.0, True).target, Side.RIGHT: None},
    run_s=20.0,
    adherence=Adherence(),
    metronome_spm=None,
    kept_back_s={},
)


def test_what_is_told_of_a_side() -> None:
    assert side_json(STATE, Side.LEFT) == {
        "alert": True,
        "verdict": "bad",
        "threshold": 8.0,
        "threshold_deg": 8.0,
        "threshold_metric": "fppa_deg",
        "basis": "fixed",
        "value": 14.0,
        "value_cm": None,
        "threshold_cm": None,
    }
    assert side_json(STATE, Side.RIGHT)["verdict"] == "good"
    noisy = side_json(replace(STATE, verdicts={Side.LEFT: verdict(8.4, False)}), Side.LEFT)
    assert (noisy["alert"], noisy["verdict"]) == (False, "good"), "a stance over the target may be noise"
    in_picture = Target("fppa_image_deg", 3.0, 1.0, "baseline")
    told = side_json(replace(STATE, targets={Side.LEFT: in_picture}), Side.LEFT)
    assert (told["threshold"], told["threshold_deg"]) == (3.0, None), "of true degrees alone"
    quiet = side_json(replace(STATE, kept_back="measuring"), Side.LEFT)
    assert (quiet["alert"], quiet["verdict"], quiet["value"]) == (False, None, None)
    assert side_json(None, Side.LEFT)["alert"] is False


@pytest.mark.parametrize(
    ("state", "left", "right"),
    [
        (STATE, "bad", "good"),
        (replace(STATE, kept_back="measuring"), "off", "off"),
        (replace(STATE, verdicts=dict.fromkeys(Side)), "off", "off"),
    ],
)
def test_leds_tell_the_verdict(state: CoachState, left: str, right: str) -> None:
    outcome = cast(Outcome, SimpleNamespace(coach=state))
    assert (led_state(outcome, Side.LEFT), led_state(outcome, Side.RIGHT)) == (left, right)


def test_a_share_of_the_leg_is_told_in_centimetres_too() -> None:
    narrow = Verdict(0.02, Target("step_width_leg", 0.05, 0.08, "session"), False, True)
    state = replace(STATE, metric="step_width_leg", verdicts={Side.LEFT: narrow}, targets={Side.LEFT: narrow.target})
    told = side_json(state, Side.LEFT, 180.0)
    assert (told["value"], told["value_cm"], told["threshold_cm"]) == (0.02, 1.77, 4.42)
    assert side_json(state, Side.LEFT)["value_cm"] is None
    assert side_json(STATE, Side.LEFT, 180.0)["value_cm"] is None
