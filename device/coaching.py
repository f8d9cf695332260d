"""How whoever runs is coached: their baselines and programme go to the analysis, what it learns goes to the store.

Disk work is left to the writer's thread; its answers are taken up between two frames. What is asked for on a page holds
at once or never (`device.in_turn`).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any, Literal

from device.config import CoachConfig
from device.in_turn import InTurn, Said
from device.live import Message
from device.recording import SessionWriter
from device.runners import RunnerChoice
from device.store import Store
from device.store.training import StoredProgramme
from model.analysis import Outcome, RunAnalysis
from model.coach import IN_PICTURE, KNEE, MIN_BASELINE, Baseline, CoachState
from model.goals import Goal
from model.lengths import CM_KEYS, cm
from model.pose import Side
from model.programme import (
    SESSIONS,
    Adherence,
    Attempt,
    FeedbackSchedule,
    ProgrammeSession,
    counts,
    in_words,
    progress,
)

#: Who says what is coached.
GoalFrom = Literal["programme", "runner", "session", "settings"]

COMMANDS = ("measure_baseline", "start_programme", "end_programme")
_SAVE_EVERY_S = 10.0
_WORDS: Mapping[str, Said] = {
    "measure_baseline": Said("The baseline is not measured anew", "A baseline can be measured anew"),
    "start_programme": Said("The programme has not begun", "A programme can be begun"),
    "end_programme": Said("The programme has not ended", "A programme can be ended"),
}


@dataclass(frozen=True, slots=True)
class _File:
    """What the store holds of a runner for one installation."""

    baselines: dict[tuple[Side, str], Baseline] = field(default_factory=dict)
    programme: StoredProgramme | None = None


@dataclass(frozen=True, slots=True)
class _Whose:
    """Whose coaching it is: a runner (None: anonymous) on an installation."""

    runner_id: int | None
    installation: str


class Coaching:
    """Keeps the coach of the running session supplied.

    Args:
        config: what is coached.
        writer: of the sessions.
        runner: who runs.
        installation: counts how often the camera was moved: baselines hold for one place of it.
        moved: told that number when it changes.
        answer: told what came of a command; see `InTurn`.
    """

    def __init__(
        self,
        config: CoachConfig,
        writer: SessionWriter,
        runner: RunnerChoice,
        installation: int = 0,
        moved: Callable[[int], None] = lambda _: None,
        answer: Callable[[Message], None] = lambda _: None,
    ) -> None:
        self._config = config
        self._writer = writer
        self._runner = runner
        self._installation = installation
        self._moved = moved
        self._in_turn = InTurn(writer, answer)
        #: What the store has done and is yet to be taken up: command and runner.
        self._done: deque[tuple[str, int]] = deque()
        #: Who asked to be measured anew, until that is done: whatever the settings say of those who did not ask.
        self._to_measure: int | None = None
        self.begin()

    def begin(self) -> None:
        """A session begins, or might."""
        self._whose: _Whose | None = None
        self._asked_goal: Goal = self._config.metric
        #: The newest only; the writer's thread may add one while another is taken up.
        self._answers: deque[tuple[_Whose, _File]] = deque(maxlen=1)
        self._programme: StoredProgramme | None = None
        self._session: ProgrammeSession | None = None
        self._stored: set[tuple[Side, str]] = set()
        self._saved_s = self._before_s = 0.0
        self._state: CoachState | None = None
        #: Which session of a programme has faded the feedback.
        self._faded: int | None = None
        #: What has been coached in this session.
        self.goals: list[Goal] = []
        self.camera_moved = False

    def obey(self, command: Message) -> bool:
        """Carries out a command of `COMMANDS` for the runner who is chosen; False where nobody is, or it is none."""
        runner, goal = self._runner.current, self._chosen_goal
        jobs: dict[str, Callable[[Store, int], None]] = {
            "measure_baseline": lambda store, runner_id: store.drop_baselines(runner_id),
            "start_programme": lambda store, runner_id: store.start_programme(runner_id, goal),
            "end_programme": lambda store, runner_id: store.end_programme(runner_id),
        }
        job = jobs.get(str(command["command"]))
        if job is None:
            return False
        if runner is None:
            self._in_turn.say(command, "Choose a runner first.")
            return True
        name, runner_id = str(command["command"]), runner.id

        def done(store: Store) -> None:
            job(store, runner_id)
            self._done.append((name, runner_id))

        self._in_turn.do(command, done, _WORDS[name])
        return True

    def step(self, outcome: Outcome, analysis: RunAnalysis, source: str, uncertain: bool = False) -> None:
        """After every frame: takes up who runs and what the store answered, and hands on what was learnt.

        Args:
            outcome: of the frame.
            analysis: of this session.
            source: name of the camera.
            uncertain: whether it may still be the one before who runs: nothing that is learnt is stored as long.
        """
        self._state = outcome.coach
        if outcome.moved_since_s is not None:
            self.camera_moved = True
            self._installation += 1
            self._moved(self._installation)
            self._stored.clear()  # what the coach learns from here on, or has not forgotten, is this installation's
        if outcome.view is None or not outcome.view.frontal:
            return
        runner = self._runner.current
        name = f"{source}/{self._installation}/{outcome.view}/{analysis.settings.model}"
        # A camera that was moved amid a session does not change whose session it is.
        place = self._whose.installation if self._whose is not None and self.camera_moved else name
        whose = _Whose(None if runner is None else runner.id, place)
        if self._has_trained() or whose != self._whose or self._has_new_goal:
            self._ask(whose, analysis, uncertain)
        self._take_up(analysis)
        self._state = analysis.coach.state()  # what was run until this frame may have been another's
        if self._state.run_s > 0.0 and self._state.metric not in self.goals:
            self.goals.append(self._state.metric)
        if uncertain:
            return
        self._keep(analysis, name)
        if self._state.run_s - self._saved_s >= _SAVE_EVERY_S:
            self._save(self._state)

    def end(self) -> None:
        """The session ends; to be called before it is closed in the store."""
        if self._state is not None:
            self._save(self._state)

    def _has_trained(self) -> bool:
        """Whether the store has done what was asked for meanwhile, so that it is to be asked again."""
        done = bool(self._done)
        while self._done:
            command, runner_id = self._done.popleft()
            if command == "measure_baseline":
                self._to_measure = runner_id
        return done

    def _ask(self, whose: _Whose, analysis: RunAnalysis, uncertain: bool) -> None:
        """Asks the store for what it has of a runner; nothing is cued for a named one until it has answered.

        Asked again of the same runner, their programme goes on meanwhile: so does what was run of it in this session.
        It is stored first, unless it is ``uncertain`` whose run that was.
        """
        goes_on = self._programme is not None and self._whose is not None and self._whose.runner_id == whose.runner_id
        if self._whose is not None and not uncertain:
            self._save(analysis.coach.state())
        if not goes_on:
            self._programme = self._session = None
            self._saved_s = self._before_s = 0.0
        self._whose, self._asked_goal = whose, self._chosen_goal
        self._stored.clear()
        runner_id, goal = whose.runner_id, self._goal[0]
        analysis.coach.know({}, measure=runner_id is not None, schedule=None, metric=goal, goes_on=goes_on)
        if runner_id is None:
            return

        def job(store: Store, session_id: int | None) -> None:
            baselines = dict(store.baselines(runner_id, whose.installation))
            # What this session did of the programme is counted here, not there: it would be taken for an earlier one's.
            self._answers.append((whose, _File(baselines, store.programme(runner_id, but_session=session_id))))

        if self._writer.stuck is None:
            self._writer.also(job)
        else:  # a disk that takes nothing can be read: else they would be measured anew, and without their programme
            self._writer.at_once(lambda store: job(store, self._writer.session_id))

    def _take_up(self, analysis: RunAnalysis) -> None:
        if not self._answers:
            return
        whose, file = self._answers.popleft()
        if whose is not self._whose:  # it may be of an earlier session of theirs
            return
        before, self._programme, self._session = self._programme, file.programme, None
        goes_on = before is not None and file.programme is not None and before.id == file.programme.id
        if not goes_on:
            self._saved_s = self._before_s = 0.0
        # One in the picture is of the place where the camera stood when the session began, as in `Coach.forget_place`.
        baselines = {key: b for key, b in file.baselines.items() if not (self.camera_moved and key[1] in IN_PICTURE)}
        self._stored = set(baselines)
        schedule = None
        if file.programme is not None:
            self._session = progress(file.programme.attempts).next
            if self._session is not None:
                today = file.programme.today(self._session.n)
                self._before_s = sum(attempt.run_s for attempt in today)
                seed = 100 * file.programme.id + len(file.programme.attempts) - len(today)
                schedule = FeedbackSchedule(self._session, seed, self._before_s)
                self._faded = self._session.n
        asked = whose.runner_id == self._to_measure
        measure, goal = self._config.measure_baseline or asked, self._goal[0]
        analysis.coach.know(baselines, measure=measure, schedule=schedule, metric=goal, goes_on=goes_on)

    def _keep(self, analysis: RunAnalysis, installation: str) -> None:
        """Stores baselines that were learnt since."""
        runner_id = None if self._whose is None else self._whose.runner_id
        if runner_id == self._to_measure and analysis.coach.measured is None:
            self._to_measure = None
        new = {key: b for key, b in analysis.coach.learnt.items() if key not in self._stored}
        if runner_id is None or not new:
            return
        self._stored |= set(new)
        self._writer.also(lambda store, session_id: store.add_baselines(runner_id, installation, new, session_id))

    def _save(self, state: CoachState) -> None:
        """Stores what was done of the programme so far."""
        self._saved_s = state.run_s
        if self._programme is None or self._session is None or not math.isfinite(state.run_s) or state.run_s == 0.0:
            return
        attempt = Attempt(self._session.n, state.run_s, state.adherence)
        self._writer.also(partial(_save_attempt, self._programme.id, attempt))

    @property
    def _chosen_goal(self) -> Goal:
        """What is coached without a programme: the runner's own goal, or that of the settings."""
        return self._runner.person.goal or self._config.metric

    @property
    def _has_new_goal(self) -> bool:
        """Whether another goal was chosen; a programme does not begin anew for it."""
        return self._chosen_goal != self._asked_goal and self._goal[1] != "programme"

    @property
    def _goal(self) -> tuple[Goal, GoalFrom]:
        """What is coached, and who says so. A programme keeps the goal that it was begun with."""
        if self._programme is not None and self._programme.goal is not None:
            return self._programme.goal, "programme"
        if self._runner.person.goal is None:
            return self._config.metric, "settings"
        return self._chosen_goal, "session" if self._runner.current is None else "runner"

    @property
    def kept_back(self) -> dict[str, float]:
        """For how long and why cues were kept back in this session, as the store has it (``008_kept_back.sql``)."""
        found = {} if self._state is None else self._state.kept_back_s
        kept = {f"{why}_s": rounded for why, kept_s in found.items() if (rounded := round(kept_s, 1)) > 0.0}
        return kept | ({"programme_session": self._faded} if "fading_s" in kept and self._faded is not None else {})

    # What is told.

    def as_json(self, state: CoachState | None) -> dict[str, Any]:
        """The ``coach`` block of the live message. When feedback comes and goes is not told in advance."""
        measured = None if state is None else state.measured
        goal, goal_from = self._goal
        return {
            "metric": goal,
            "metric_from": goal_from,
            "feedback": state is not None and state.feedback,
            "kept_back": None if state is None else state.kept_back,
            "measuring": None if measured is None else {"n": measured, "of": MIN_BASELINE},
            "metronome_spm": None if state is None or state.metronome_spm is None else round(state.metronome_spm, 1),
            "programme": None if state is None else self._programme_json(state),
        }

    def _programme_json(self, state: CoachState) -> dict[str, Any] | None:
        if self._programme is None:
            return None
        so_far = progress(self._programme.attempts)
        session, run_s = self._session, self._before_s + state.run_s
        adherence = so_far.adherence + state.adherence
        return {
            "session": None if session is None else session.n,
            "of": len(SESSIONS),
            "run_s": round(run_s, 1),
            "planned_s": None if session is None else session.planned_s,
            "counts": session is not None and counts(session.n, run_s),
            "retention": adherence_json(adherence),
            "words": asdict(in_words(session, run_s, adherence)),
        }


def message(state: CoachState) -> str | None:
    """Why a runner is not cued though all is well; None where they are, or are not to know."""
    if state.kept_back != "measuring" or state.run_s == 0.0:
        return None
    return f"measuring how you run by yourself: {state.measured} of {MIN_BASELINE} steps of each foot, no cues yet"


def adherence_json(adherence: Adherence) -> dict[str, Any]:
    """Shares of stances within the target, feedback on and off; null without such stances."""

    def rounded(share: float | None) -> float | None:
        return None if share is None else round(share, 3)

    return {"on": rounded(adherence.on_share), "off": rounded(adherence.off_share), "stances_off": adherence.off}


def side_json(state: CoachState | None, side: Side, height_cm: float | None = None) -> dict[str, Any]:
    """How one side stands: ``alert``, ``verdict`` ("good", "bad", null), ``threshold`` with its metric and basis.

    ``value`` is the last stance's, in the threshold's metric. Verdict, value and alert are null and false while no
    feedback is given. Of a share of leg length ``value_cm`` and ``threshold_cm`` are centimetres, with a height.
    """
    target = None if state is None else state.targets[side]
    verdict = state.verdicts[side] if state is not None and state.feedback else None
    limit = None if target is None else round(target.limit, 3)
    value = None if verdict is None else round(verdict.value, 3)
    return {
        "alert": verdict is not None and verdict.alert,
        "verdict": None if verdict is None else "bad" if verdict.alert else "good",
        "threshold": limit,
        "threshold_deg": limit if target is not None and target.metric == KNEE else None,
        "threshold_metric": None if target is None else target.metric,
        "basis": None if target is None else target.basis,
        "value": value,
        **in_centimetres(None if target is None else target.metric, value, limit, height_cm),
    }


def in_centimetres(
    metric: str | None, value: float | None, threshold: float | None, height_cm: float | None
) -> dict[str, float | None]:
    """``value_cm`` and ``threshold_cm`` of a share of leg length; null for all else, and without a height."""
    tall_cm = height_cm if metric in CM_KEYS else None
    return {"value_cm": cm(value, tall_cm), "threshold_cm": cm(threshold, tall_cm)}


def _save_attempt(programme_id: int, attempt: Attempt, store: Store, session_id: int | None) -> None:
    if session_id is not None:
        store.save_attempt(programme_id, session_id, attempt)
