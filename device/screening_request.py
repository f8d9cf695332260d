"""A squat or step-down test on request: begun, finished and cancelled from the page, made on the live pictures, stored.

What was counted is on the disk with each repetition, so that a power cut keeps it; the end overwrites it with the
result as a recording would give it. A test is a session of a mode of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from device.config import CameraConfig
from device.frames import Frame, FrameClock
from device.live import Message, is_request
from device.recording import SessionWriter
from device.runners import RunnerChoice
from device.screening import Task, TwoLooks
from device.screening_progress import TIMEOUT_S, ScreeningProgress
from device.store import SessionHeader, utc_now
from model.camera_pose import CameraPose
from model.pitch import UNKNOWN_HEIGHTS, Heights
from model.pose import Pose, Side, View
from model.quality import FrameQuality
from model.runtime import PoseNet
from model.screening import Exercise
from model.screening_result import LIVE, RUBRIC_REPS, test_name
from model.words import sentence

COMMANDS = ("start_screening", "finish_screening", "cancel_screening")
#: For how long it is told what came of a test.
TOLD_S = 60.0

State = Literal["done", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class Scene:
    """Where a test is made.

    Attributes:
        net: looks at each picture once.
        camera: tells where it stands for who is seen from a view (None: not known yet), as far as the installation
            knows.
        vfov_deg: vertical field of view, where it is known.
        header: of a session that begins now, but for its runner and what is the test's own.
        heights: of the camera and of who is tested, where they are known.
    """

    net: PoseNet
    camera: Callable[[View | None], CameraPose]
    vfov_deg: float | None
    header: SessionHeader
    heights: Heights = UNKNOWN_HEIGHTS


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What was asked for."""

    exercise: Exercise
    tested: Side | None

    @property
    def name(self) -> str:
        return test_name(self.exercise, self.tested)


@dataclass(slots=True)
class _Test:
    """A test from its first frame on.

    Attributes:
        scene: as it is now.
        looks, progress: from picture to repetition.
        clock: seconds from the first frame.
        stored: repetitions that were handed to the store.
        counted: repetitions when that was done last.
    """

    scene: Scene
    looks: TwoLooks
    progress: ScreeningProgress
    clock: FrameClock = field(default_factory=FrameClock)
    stored: int = 0
    counted: int = 0


@dataclass(frozen=True, slots=True)
class _Ended:
    """What came of a test, and when, by the clock."""

    state: State
    message: str
    reps: int
    at_s: float

    def as_json(self, age_s: float) -> dict[str, Any]:
        told = {"state": self.state, "age_s": round(age_s, 1), "ready": False, "left_s": 0}
        return told | {"reps": self.reps, "message": self.message}


class ScreeningOnRequest:
    """One test at a time. Disk work is left to the writer's thread.

    Args:
        config: of the camera.
        writer: of the sessions.
        runner: who is tested; the choice outlives the test, for the next one.
        answer: told what came of a request: ``request`` as it was given, ``done``, and ``said``, why nothing was done.
        say: told the number of a test's session, and whether it has started, ended or was discarded.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        config: CameraConfig,
        writer: SessionWriter,
        runner: RunnerChoice,
        answer: Callable[[Message], None],
        say: Callable[[int, str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._writer = writer
        self._runner = runner
        self._answer = answer
        self._say = say
        self._clock = clock
        self._wanted: _Wanted | None = None
        self._test: _Test | None = None
        self._ended: _Ended | None = None

    @property
    def running(self) -> bool:
        """Whether a test takes the pictures now."""
        return self._wanted is not None and self._ended is None

    @property
    def view(self) -> View | None:
        """From where the person is seen; None while that is not known."""
        return None if self._test is None else self._test.progress.view

    def obey(self, command: Message) -> bool:
        """Carries out a command of `COMMANDS`; False where it is none of them, or is not valid."""
        request = command.get("request")
        if command["command"] not in COMMANDS or not is_request(request):
            return False
        if command["command"] == "start_screening":
            wanted = _wanted(command)
            if wanted is None:
                return False
            said = self._start(wanted)
        else:
            said = self._stop(finish=command["command"] == "finish_screening")
        self._answer({"type": "answer", "request": request, "done": said is None, "said": said})
        return True

    def step(self, frame: Frame, scene: Scene) -> tuple[Pose | None, FrameQuality]:
        """Takes a frame of the test that runs; returns who is seen, and how far to trust it."""
        if self._test is None:
            self._test = self._begin(scene)
        test = self._test
        test.scene = scene
        t_s = test.clock.t_s(frame)
        pose, quality = test.looks.look(frame.image, t_s)
        test.progress.step(t_s, pose, quality)
        if test.progress.reps > test.counted:
            self._save(test)
        if test.progress.over:
            self._end()
        elif test.progress.left_s == 0:
            self._end(f"Its time is up: {TIMEOUT_S:.0f} seconds without another repetition.")
        return pose, quality

    def interrupt(self, why: str) -> None:
        """There are no more pictures: what was counted is the result."""
        if self.running:
            self._end(sentence(why))

    def as_json(self) -> dict[str, Any] | None:
        """The ``screening`` block of the live message; null where no test runs, and some time after one."""
        if self._wanted is None:
            return None
        told = {"name": self._wanted.name, "of": RUBRIC_REPS, "state": "running", "age_s": 0.0}
        if self._ended is not None:
            age_s = self._clock() - self._ended.at_s
            return None if age_s >= TOLD_S else told | self._ended.as_json(age_s)
        if self._test is None:  # the next frame begins it
            return told | {"ready": False, "reps": 0, "left_s": TIMEOUT_S, "message": ""}
        return told | self._test.progress.as_json()

    def _start(self, wanted: _Wanted) -> str | None:
        """Why no test begins; None where one does."""
        if self.running and self._wanted is not None:
            return f"A test is made already ({self._wanted.name}): finish or cancel it first."
        self._wanted, self._ended = wanted, None
        self._runner.keep()
        return None

    def _stop(self, finish: bool) -> str | None:
        """Why nothing was stopped; None where the test has ended."""
        if not self.running:
            return "No test runs now."
        if finish:
            self._end()
            return None
        if self._test is not None and self._test.stored:
            self._writer.discard(lambda session_id: self._say(session_id, "discarded"))
        self._turn("cancelled", "Cancelled. Nothing of it is kept.")
        return None

    def _begin(self, scene: Scene) -> _Test:
        assert self._wanted is not None
        task = Task(self._wanted.exercise, self._wanted.tested, None, scene.vfov_deg, LIVE, scene.heights)
        given = None if self._config.view == "auto" else View(self._config.view)
        return _Test(
            scene,
            TwoLooks(scene.net, self._config.region),
            ScreeningProgress(task, given, scene.net.name, scene.camera),
        )

    def _save(self, test: _Test) -> None:
        """Stores what was counted so far; the first repetition opens the session."""
        test.counted = test.progress.reps
        reps, summary = test.progress.result()
        if not reps:
            return
        if not test.stored:
            self._runner.begin_session(self._header(test), lambda session_id: self._say(session_id, "started"))
        test.stored = len(reps)
        self._writer.reps(reps, summary)
        self._writer.update(**test.progress.counts(), started_utc=utc_now(ago_s=test.progress.now_s))

    def _header(self, test: _Test) -> SessionHeader:
        assert self._wanted is not None
        started_utc = utc_now(ago_s=test.progress.now_s)
        mode, model = str(self._wanted.exercise), test.scene.net.name
        return replace(test.scene.header, mode=mode, model=model, started_utc=started_utc)

    def _end(self, why: str = "") -> None:
        """Ends the test: with the repetitions that were counted, or with the reason why there are none."""
        test = self._test
        if test is not None:
            self._save(test)
        if test is None or not test.stored:
            reason = "" if test is None else test.progress.why_nothing()
            self._turn("failed", " ".join(filter(None, ["No result.", why, reason])))
            return
        self._writer.end(lambda session_id: self._say(session_id, "ended"))
        self._turn("done", " ".join(filter(None, [why, f"Done: {test.stored} of {RUBRIC_REPS} repetitions."])))

    def _turn(self, state: State, message: str) -> None:
        reps = 0 if self._test is None else self._test.stored
        self._ended = _Ended(state, message, reps, self._clock())
        self._test = None
        self._runner.keep()


def _wanted(command: Message) -> _Wanted | None:
    """What a command asks for; None where that is no test."""
    exercise, side = command.get("exercise"), command.get("side")
    if exercise == Exercise.SQUAT and side is None:
        return _Wanted(Exercise.SQUAT, None)
    if exercise == Exercise.STEP_DOWN and side in tuple(Side):
        return _Wanted(Exercise.STEP_DOWN, Side(str(side)))
    return None
