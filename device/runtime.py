"""The device at work: frames in, cues out, sessions stored, the live state told. The one place that wires everything.

The loop in `Device._play` is the only one that touches frames. Whatever can be slow (disk, listeners, decoding) has a
thread of its own behind a queue; a late consumer loses the oldest frame, never the newest.
"""

from __future__ import annotations

import importlib.metadata
import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from device import aim, belonging, coaching, deletion, runners, screening_request, standing, told
from device.cameras import open_source
from device.cameras.video import VideoSource
from device.config import Config
from device.cues import CueOutput, State
from device.frames import Frame, FrameSource
from device.health import temperature_c
from device.interrupted import close_interrupted
from device.kept_camera import KeptCamera
from device.live import NO_CAMERA, UNSTORED, LivePublisher, Message
from device.meters import Meters
from device.notify import Notifier
from device.pipeline import Pipeline, analysis_settings, open_model
from device.recording import SessionWriter
from device.replay import Recorder
from device.retention import most_bytes
from device.said import cue_words, latency_words, session_words
from device.session import Ended, SessionTracker, Started
from device.stand_in import remove_left, stand_in_folder
from device.store import SessionHeader, Store, StoreInUse, StoreReader, utc_now
from device.store.database import is_full
from device.whose_steps import WhoseSteps
from model.analysis import Outcome
from model.belt import ToldSpeeds
from model.errors import CameraError, KneelineError, StoreError
from model.lengths import stance_with_centimetres
from model.person import Region
from model.pitch import Heights
from model.place import CameraPlace
from model.pose import Pose, Side
from model.result import UNKNOWN_CAMERA, cue_json
from model.runtime import PoseNet

_log = logging.getLogger(__name__)

_RETRY_S = 5.0
_RETRY_STORE_S = 60.0
#: Who has not been seen for so long has left the belt: who is chosen then is the next one.
_AWAY_S = 2.0
#: Whoever ran when the camera was lost is taken to be there still for so long.
_LOST_CAMERA_S = 60.0
#: That the camera is still missing is logged so often.
_REMIND_S = 3600.0
#: The first start on a board times every model and runtime; a slow board that is busy may take this long.
_MODEL_S = 300.0
_COUNTS_EVERY_S = 2.0
_LOOP_PAUSE_S = 1.0
#: What listeners may ask for; told with the health, so that a page shows no button without effect.
COMMANDS_WITHOUT_STORE = ("test_cue", *told.COMMANDS, *standing.COMMANDS)
COMMANDS = (
    *COMMANDS_WITHOUT_STORE,
    *screening_request.COMMANDS,
    *runners.COMMANDS,
    *coaching.COMMANDS,
    *deletion.COMMANDS,
    *belonging.COMMANDS,
)
VERSION = importlib.metadata.version("kneeline")


def _number(value: float) -> float | None:
    """For the message: null where there is no number."""
    return round(value, 1) if math.isfinite(value) else None


def _picture_message(pose: Pose | None) -> Message:
    """Who is seen, in pixels of the picture; nulls for nobody."""
    if pose is None:
        return {"image_size": None, "keypoints": None}
    joints = zip(pose.xy_px, pose.score, strict=True)
    return {
        "image_size": list(pose.image_size_px),
        "keypoints": [[_number(x), _number(y), round(s, 2)] for (x, y), s in joints],
    }


class _StoreIsBack(Exception):
    """The database can be had again: everything that rests on it is opened anew."""


@dataclass(slots=True)
class _Session:
    """What is collected while a runner is there; written once the session has started.

    Attributes:
        since_s: since when the runner has been there, in the time of the outcomes; None until the session has started.
        counted_s: when the counts were written last.
    """

    recorder: Recorder = field(default_factory=Recorder)
    belt: ToldSpeeds = field(default_factory=ToldSpeeds)
    waiting: list[tuple[Callable[[SessionWriter, Message], None], Message]] = field(default_factory=list)
    since_s: float | None = None
    counted_s: float = 0.0

    @property
    def started(self) -> bool:
        return self.since_s is not None

    @property
    def lasted_s(self) -> float | None:
        """How long the session has lasted, by the frames' times; None until it has started."""
        return None if self.since_s is None else self.recorder.last_s - self.since_s


@dataclass(slots=True)
class _Scene:
    """What stands before a camera while it is open, or in one pass of a film.

    Attributes:
        session: of whoever is there, also before it has started; None before the first frame, and when one is over.
        idle: whether nobody is there, and none has started.
    """

    source: FrameSource
    pipeline: Pipeline
    presence: SessionTracker
    whose: WhoseSteps = field(default_factory=WhoseSteps)
    session: _Session | None = None
    idle: bool = False


class _Obedient(Protocol):
    """What carries commands out."""

    def obey(self, command: Message) -> bool:
        """False where the command is none of its own, or is not valid."""
        ...


@dataclass(frozen=True, slots=True)
class Trial:
    """A film in the camera's place.

    Attributes:
        path: the film.
        loop: begin again at its end, each pass a session of its own.
    """

    path: Path
    loop: bool


class Device:
    """Owns camera, model, pins and store, and runs until stopped.

    Args:
        config: the settings.
        trial: a film instead of the camera.
        unattended: keep trying where no camera is found at the start, and coach without storing where the database
            cannot be had; else both are errors.
        announce: told in plain words what happens (demo and run print it); None: it is logged, each cue only where
            more is asked for, since they would push everything else out of the log's last lines.
    """

    def __init__(
        self,
        config: Config,
        *,
        trial: Trial | None = None,
        unattended: bool = True,
        announce: Callable[[str], None] | None = None,
    ) -> None:
        self._config = config
        self._trial = trial
        self._unattended = unattended
        self._announce = announce or _log.info
        self._announce_cue = announce or _log.debug
        self._commands: list[Message] = []
        self._notify = Notifier()
        self._meters = Meters()
        self._nets: dict[tuple[float, bool], PoseNet] = {}
        self._model_name = ""
        self._place = CameraPlace()
        self._kept_camera = KeptCamera(self._kept, self._keep, film=trial is not None)
        self._standing = standing.StandingOnRequest()
        self._measured = False
        #: Why there is no camera, and when that was logged last; None while there is one.
        self._missing: tuple[str, float] | None = None

    def run(self, stop: threading.Event) -> None:
        """Works until ``stop`` is set.

        Raises:
            KneelineError: socket or weights cannot be had, the store is another's, or (at the start, where somebody
                attends to it) camera or store cannot be had.
        """
        while self._run(stop):
            self._announce("the database can be had again: sessions are stored from now on")

    def _run(self, stop: threading.Event) -> bool:
        """Works until ``stop`` is set, or until a store that was not to be had is there again: True then."""
        with ExitStack() as stack:
            store, late = self._open_store(stack)
            self._live = stack.enter_context(LivePublisher(self._config.socket_path(), self._commands.append))
            self._writer = stack.enter_context(SessionWriter(store, self._unkept, self._most_bytes()))
            if late:
                self._writer.also(lambda store, _: self._close_interrupted(store))
            self._told = told.Told(self._config, self._kept(told.SETTING), self._keep_camera_height)
            self._runner = runners.RunnerChoice(self._writer, answer=self._live.publish)
            self._coaching = coaching.Coaching(
                self._config.coach,
                self._writer,
                self._runner,
                self._kept_camera.moves,
                self._camera_moved,
                self._live.publish,
            )
            self._aim = aim.LastAim(lambda seen: self._keep(aim.SETTING, seen))
            self._deletion = deletion.Deletion(self._writer, self._runner, self._live.publish)
            self._belonging = belonging.Belonging(self._writer, self._live.publish)
            self._screening = screening_request.ScreeningOnRequest(
                self._config.camera, self._writer, self._runner, self._live.publish, self._say_session
            )
            self._cues = stack.enter_context(CueOutput(self._config.cues))
            self._notify.ready("waiting for the camera")
            self._retry_store_s = time.monotonic() + _RETRY_STORE_S
            back = False
            try:
                self._watch(stop)
            except _StoreIsBack:
                back = True
            finally:
                if not back:
                    self._notify.stopping()
                self._screening.interrupt("the pictures have ended")
                self._say_latency()
            return back

    def _open_store(self, stack: ExitStack) -> tuple[Store, bool]:
        """The store; where it cannot be had and nobody is there to mend it, one that stands in and is thrown away.

        Whoever runs is coached all the same, and the page says what is wrong. Beside it whether what a power cut left
        open has yet to be closed: a full disk has no room for that, but sessions can be deleted there all the same.
        """
        self._database, self._unkept = self._config.database_path(), None
        remove_left()
        try:
            with ExitStack() as opened:  # closed again where it cannot be used, else it would never be had again
                store = opened.enter_context(Store.open(self._database))
                left_open = not self._closed_interrupted(store)
                stack.push(opened.pop_all())
            return store, left_open
        except StoreInUse:
            raise
        except StoreError as error:
            if not self._unattended:
                raise
            _log.error("%s; until then nobody's session is stored", error)
            self._unkept = f"{UNSTORED}: {error}; that is looked at again each minute while nobody runs"
            self._database = stack.enter_context(stand_in_folder()) / "stand-in.db"
            return stack.enter_context(Store.open(self._database, reserve=False)), False

    def _look_for_store(self) -> None:
        """Nobody runs now: where the store could not be had, whether it can. It may have been a passing fault.

        Raises:
            _StoreIsBack: as it says.
        """
        if self._unkept is None or time.monotonic() < self._retry_store_s:
            return
        try:
            Store.open(self._config.database_path()).close()
        except StoreError:
            self._retry_store_s = time.monotonic() + _RETRY_STORE_S
            return
        raise _StoreIsBack

    def _most_bytes(self) -> int | None:
        """What the sessions may take; no matter where none is kept."""
        return None if self._unkept is not None else most_bytes(self._database, self._config.store.max_mb)

    @property
    def _session_id(self) -> int | None:
        """Of the session that is stored now; None for none."""
        return self._writer.session_id if self._unkept is None else None

    @property
    def _allowed(self) -> tuple[str, ...]:
        """What listeners may ask for now: nothing that needs the store where it cannot be had."""
        return COMMANDS if self._unkept is None else COMMANDS_WITHOUT_STORE

    def _camera_moved(self, number: int) -> None:
        """The background or the runner's feet say so; it is the installation of that number from now on."""
        self._kept_camera.moved(number)
        self._announce("the camera was moved: its place is found anew")

    def _kept(self, setting: str) -> Any:
        """What the store keeps from run to run under a name; None for nothing."""
        try:
            with StoreReader(self._database) as reader:
                return reader.setting(setting)
        except StoreError as error:
            _log.error("%s; what was kept as %r is not known", error, setting)
            return None

    def _keep(self, setting: str, value: object) -> None:
        """Has the store keep a value from run to run under a name."""
        self._writer.setting(setting, value)

    def _closed_interrupted(self, store: Store) -> bool:
        """Ends what a power cut left open; False where the disk is full."""
        try:
            self._close_interrupted(store)
        except StoreError as error:
            if not is_full(error):
                raise
            _log.error("%s; what a power cut left open is closed when there is room", error)
            return False
        return True

    def _close_interrupted(self, store: Store) -> None:
        close_interrupted(store, StoreReader(self._database), self._announce)

    def _watch(self, stop: threading.Event) -> None:
        """Plays the source; opens it again when it vanishes, or when a looping film has ended."""
        found = False
        while not stop.is_set():
            try:
                with self._source() as source:
                    found = True
                    self._say_camera(source)
                    self._play(source, stop)
                if self._trial is None or not self._trial.loop:
                    if not (self._measured or stop.is_set()):
                        self._say_nothing_measured(source)
                    return
                stop.wait(_LOOP_PAUSE_S)
            except CameraError as error:
                if not found and not self._unattended:
                    raise
                self._no_camera(error, stop)

    def _source(self) -> FrameSource:
        if self._trial is not None:
            camera = self._config.camera
            return VideoSource(self._trial.path, paced=True, rotation=camera.rotation, vfov_deg=camera.vfov_deg)
        return open_source(self._config.camera)

    def _no_camera(self, error: CameraError, stop: threading.Event) -> None:
        self._say_missing(str(error))
        why = f"{NO_CAMERA}: {error}"
        self._notify.status(why)
        self._dark()
        until_s = time.monotonic() + _RETRY_S
        while not stop.is_set() and time.monotonic() < until_s:
            self._obey()
            self._standing.no_pictures(str(error), time.monotonic())
            self._screening.interrupt(str(error))
            self._live.publish(self._frame_message(None, why))
            self._publish_health(None)
            self._notify.watchdog()
            self._look_for_store()
            stop.wait(1.0)

    def _play(self, source: FrameSource, stop: threading.Event) -> None:
        scene = self._scene(source)
        lost = False
        try:
            for frame, t_s in self._frames_of(source, stop):
                if scene.session is not None and (self._runner.another_chosen or self._screening.running):
                    another = self._runner.another_chosen
                    self._leave(scene, scene.session, keep_choice=True)
                    scene.whose.uncertain = another and not self._runner.away
                    scene.presence.restart()
                if self._runner.another_chosen:
                    self._screening.interrupt("another runner was chosen")
                if self._screening.running:
                    self._measured, scene.idle = True, False
                    scene.presence.hold(t_s)
                    self._standing.give_way(t_s)
                    self._screen(frame, source)
                else:
                    self._measure(frame, t_s, scene)
                    if scene.idle:
                        self._look_for_store()
        except CameraError:
            lost = True  # whoever runs runs on, and is still who they were if its cable is back soon
            raise
        finally:
            self._meters.closed(source)
            if scene.session is not None:
                ran = scene.session.started
                self._leave(scene, scene.session, keep_choice=lost)
                if lost and ran:
                    self._runner.expire(_LOST_CAMERA_S)

    def _scene(self, source: FrameSource) -> _Scene:
        """Everything anew for a camera that has been opened: only its place is known, if it stands where it stood."""
        net = self._open_net(source.fps)
        self._model_name = net.name
        self._announce(
            f"{source.name}: {source.size_px[0]}×{source.size_px[1]} at {source.fps:.0f} frames per second, "
            f"{net.name} on {net.runtime} with {net.threads} thread(s)"
        )
        self._notify.status(f"measuring with {net.name} from {source.name}")
        known, known_of = self._kept_camera.known(source.name)
        self._place = CameraPlace(
            net.name,
            source.vfov_deg,
            self._told.belt_m_s,
            camera_m=self._told.camera_m,
            known=known,
            known_of=known_of,
        )
        self._meters.opened()
        settings = analysis_settings(self._config, film=self._trial is not None)
        pipeline = Pipeline(net, settings, self._place, Region(self._config.camera.region))
        lasting = self._config.session
        return _Scene(source, pipeline, SessionTracker(lasting.start_after_s, lasting.end_after_s))

    def _measure(self, frame: Frame, t_s: float, scene: _Scene) -> None:
        """A frame of whoever runs, or of nobody: its cue first, then what is recorded and told."""
        session = scene.session or self._await_runner(scene)
        self._place.set_height(self._height_m())
        self._place.set_belt_speed(self._told.belt_m_s)
        self._place.set_camera_height(self._told.camera_m)
        outcome = scene.pipeline.step(frame)
        self._meters.softness = scene.pipeline.softness or self._meters.softness
        self._cue(frame, outcome, session)
        self._standing.step(t_s, scene.pipeline.analysis.standing)
        self._coaching.step(outcome, scene.pipeline.analysis, scene.source.name, uncertain=scene.whose.uncertain)
        self._meters.frame_ms.add((time.monotonic_ns() - frame.t_ns) / 1e6)
        self._record(outcome, session)
        change = scene.presence.step(t_s, outcome.pose is not None, bool(outcome.stances))
        self._runner.away = scene.presence.away_s(t_s) >= _AWAY_S
        if isinstance(change, Started):
            self._start(session, scene.source, outcome, change.t_s - change.since_s)
        elif scene.presence.held:
            session.recorder = Recorder()  # for as long as they only stand there
        self._tell(outcome, scene.source, session)
        self._end_if_over(t_s, scene, session, outcome, change)

    def _await_runner(self, scene: _Scene) -> _Session:
        """Whoever comes is measured from their first frame on; a session of theirs starts when they have stayed."""
        (scene.pipeline.wait if scene.idle else scene.pipeline.restart)()
        self._coaching.begin()
        scene.whose.begin()
        scene.session = _Session()
        return scene.session

    def _end_if_over(
        self, t_s: float, scene: _Scene, session: _Session, outcome: Outcome, change: Started | Ended | None
    ) -> None:
        """Ends the session where its runner has gone, or has stopped where another was chosen; also one of nobody."""
        last_steps = scene.whose.step(outcome, t_s)
        ended = isinstance(change, Ended) or last_steps
        scene.idle = not ended and not scene.presence.active and outcome.pose is None
        if not (ended or scene.idle):
            return
        gone_s = change.t_s - change.last_seen_s if isinstance(change, Ended) else 0.0
        self._leave(scene, session, last_steps=last_steps, gone_s=gone_s)
        scene.whose.over(t_s, scene.idle)
        if last_steps:
            scene.presence.restart()

    def _leave(
        self, scene: _Scene, session: _Session, keep_choice: bool = False, last_steps: bool = False, gone_s: float = 0.0
    ) -> None:
        """Ends what was collected of whoever was there, see `_end`, and keeps where the camera stands."""
        scene.session = None
        self._end(session, keep_choice or scene.whose.uncertain, last_steps, gone_s)
        if session.started or not scene.idle:
            self._kept_camera.keep(scene.source.name, self._place)

    def _open_net(self, fps: float, once: bool = False) -> PoseNet:
        """The pose network for this rate, kept for when it is needed again.

        ``once``: it looks at each picture once, whatever the settings say.
        """
        key = fps, self._config.model.mirrored and not once
        if key not in self._nets:
            with self._notify.patience(_MODEL_S):
                self._nets[key] = open_model(self._config, fps, mirrored=key[1])
        return self._nets[key]

    def _keep_camera_height(self, camera_m: float | None) -> None:
        """Keeps what the page tells of the lens; the place that was found without it is found anew."""
        self._keep(told.SETTING, camera_m)
        self._kept_camera.forget()

    def _frames_of(self, source: FrameSource, stop: threading.Event) -> Iterator[tuple[Frame, float]]:
        """Frames with their time in seconds, feeding both watchdogs."""
        for frame in source.frames(stop):
            self._meters.frame()
            self._notify.watchdog()
            self._cues.feed()
            self._obey()
            yield frame, frame.t_ns / 1e9

    def _obey(self) -> None:
        while self._commands:
            command = self._commands.pop(0)
            if command["command"] in COMMANDS and command["command"] not in self._allowed:
                _log.warning("%s: %s", command["command"], self._unkept)
            elif command["command"] == "test_cue" and command.get("side") in tuple(Side):
                self._cues.test(Side(command["side"]))
            elif not any(one.obey(command) for one in self._obedient()):
                _log.warning("command %.40r is not known, or what came with it cannot be", command["command"])

    def _obedient(self) -> tuple[_Obedient, ...]:
        chosen = self._runner, self._coaching, self._deletion, self._belonging
        return self._told, self._standing, self._screening, *chosen

    def _height_m(self) -> float | None:
        """Of whoever runs; the camera's place is the installation's, so the next one does not inherit it."""
        height_cm = self._runner.person.height_cm
        return None if height_cm is None else height_cm / 100

    def _cue(self, frame: Frame, outcome: Outcome, session: _Session) -> None:
        for side in Side:
            self._cues.set_state(side, led_state(outcome, side))
        if self._config.coach.metronome:
            self._cues.metronome(outcome.coach.metronome_spm)
        for cue in outcome.cues:
            edge_ns = self._cues.cue(cue.side, cue.severity)
            latency_ms = (edge_ns - frame.t_ns) / 1e6
            self._meters.cue_ms.add(latency_ms)
            self._announce_cue(cue_words(cue, latency_ms))
            document = cue_json(cue) | {"latency_ms": round(latency_ms, 1)}
            session.waiting.append((SessionWriter.cue, document))
            height_cm = self._runner.person.height_cm
            lengths = coaching.in_centimetres(cue.metric, cue.value, cue.threshold, height_cm)
            self._live.publish({"type": "cue", "session_id": self._session_id, **document, **lengths})

    def _dark(self) -> None:
        self._cues.metronome(None)
        for side in Side:
            self._cues.set_state(side, "off")

    def _record(self, outcome: Outcome, session: _Session) -> None:
        doubted = outcome.view is not None and outcome.view.frontal and outcome.camera.doubts_belt
        session.belt.add(self._told.belt_m_s, len(outcome.stances), doubted)
        self._told.ran(len(outcome.stances))
        for document in session.recorder.add(outcome):
            session.waiting.append((SessionWriter.stance, document))
            told = stance_with_centimetres(document, self._runner.person.height_cm)
            self._live.publish({"type": "stance", "session_id": self._session_id, **told})
        if session.started:
            self._write(session)
            if outcome.moved_since_s is not None:
                self._writer.take_back(outcome.moved_since_s)
            if outcome.doubted_since_s is not None:
                self._writer.doubt(outcome.doubted_since_s)
            if outcome.t_s - session.counted_s >= _COUNTS_EVERY_S:
                session.counted_s = outcome.t_s
                self._writer.update(**self._counts(session))

    def _write(self, session: _Session) -> None:
        for write, document in session.waiting:
            write(self._writer, document)
        session.waiting.clear()

    def _start(self, session: _Session, source: FrameSource, outcome: Outcome, ago_s: float) -> None:
        """Opens the session in the store; the runner has been there for ``ago_s`` seconds."""
        self._measured = True
        session.since_s = outcome.t_s - ago_s
        if not self._coaching.camera_moved:
            self._place.begin_session()
        view = None if outcome.view is None else str(outcome.view)
        header = replace(self._header(source), view=view, started_utc=utc_now(ago_s=ago_s))
        self._runner.begin_session(header, lambda session_id: self._say_session(session_id, "started"))
        self._write(session)

    def _header(self, source: FrameSource) -> SessionHeader:
        """Of a session that begins now, but for its runner."""
        return SessionHeader(source=source.name, model=self._model_name, app_version=VERSION, fps=source.fps)

    def _end(
        self, session: _Session, keep_choice: bool = False, last_steps: bool = False, gone_s: float = 0.0
    ) -> None:
        """One without a step was no run: it is discarded, and who was chosen stays so.

        ``last_steps``: as is one whose steps were those of who ran before. ``keep_choice``: they stay so also where it
        ends before they have gone (for a test, for another runner, with the camera) or might be another's. ``gone_s``:
        since when nobody has been there, which is no part of it.
        """
        self._dark()
        if not session.started:
            return
        ran = bool(session.recorder.stances) and not last_steps
        if ran and (self._runner.another_chosen or not keep_choice):
            self._told.run_ended()
        if keep_choice or not ran:
            self._runner.keep(renew=ran)
        else:
            self._runner.session_ended()
        self._aim.end()
        if ran:
            self._complete(session, gone_s)
        else:
            self._writer.discard(lambda session_id: self._say_session(session_id, "discarded"))

    def _complete(self, session: _Session, gone_s: float) -> None:
        """Closes a session in the store, with its summary."""
        self._write(session)
        self._coaching.end()
        summary = self._summarise(session, gone=gone_s > 0)
        self._writer.end(lambda session_id: self._say_session(session_id, "ended"), gone_s + self._meters.silent_s)
        self._announce(session_words(session.recorder, summary))

    def _summarise(self, session: _Session, gone: bool) -> dict[str, Any]:
        """``gone``: the pictures without anybody at its end are no part of the session, as that time is not."""
        recorder = session.recorder
        camera = self._place.camera_of(recorder.view)
        lost = recorder.frames_lost - (recorder.lost_gone if gone else 0)
        frames = recorder.frames - (recorder.frames_gone if gone else 0)
        summary = recorder.summary(camera) | {"frames_lost": lost}
        counts = self._counts(session) | {"frames": frames, "camera": camera.in_the_end().as_json()}
        self._writer.update(fps=round(recorder.fps, 3), summary=summary, **counts)
        return summary

    def _counts(self, session: _Session) -> dict[str, Any]:
        """What is kept up while a session runs. The summary of thousands of stances waits for its end."""
        recorder = session.recorder
        return {
            "frames": recorder.frames,
            "frames_with_runner": recorder.frames_with_runner,
            "view": None if recorder.view is None else str(recorder.view),
            "camera": self._place.camera_of(recorder.view).as_json(),
            "started_utc": utc_now(ago_s=(session.lasted_s or 0.0) + self._meters.silent_s),
            "belt": session.belt.as_json(),
            "kept_back": self._coaching.kept_back,
            "goals": self._coaching.goals,
        }

    def _screen(self, frame: Frame, source: FrameSource) -> None:
        """A frame of a test. The place of the camera is the installation's: nothing of it is learnt meanwhile."""
        net = self._open_net(source.fps, once=True)
        heights = Heights(self._told.camera_m, self._height_m())
        scene = screening_request.Scene(net, self._place.camera_of, source.vfov_deg, self._header(source), heights)
        pose, quality = self._screening.step(frame, scene)
        view = self._screening.view
        told = {
            "state": "testing",
            "view": None if view is None else str(view),
            **_picture_message(pose),
            "quality": round(quality.value, 2),
            "camera": replace(self._place.camera_of(view), moved=False).as_json(),
        }
        self._live.publish(self._frame_message(None, self._writer.fault) | told)
        self._publish_health(source)

    # What is told: to the page, to the log, to the terminal.

    def _tell(self, outcome: Outcome, source: FrameSource, session: _Session) -> None:
        message = self._frame_message(outcome, self._why(outcome), session.lasted_s)
        self._live.publish(message)
        self._publish_health(source)
        if session.started:
            self._aim.step(message, lambda: self._health_message(source), time.monotonic())

    def _why(self, outcome: Outcome) -> str | None:
        """What people should be told first: of the picture (`picture_words` says in what order), then of the store, and
        then why they are not cued; None where all is well."""
        return outcome.message or self._writer.fault or coaching.message(outcome.coach)

    def _frame_message(self, outcome: Outcome | None, message: str | None, session_s: float | None = None) -> Message:
        """What is told of a frame, or of the lack of one. ``session_s``: how long the session has lasted.

        ``store_fault`` has a place of its own: that nothing is stored must not wait until the light is better.
        """
        pose = None if outcome is None else outcome.pose
        view = None if outcome is None else outcome.view
        return {
            "type": "frame",
            "t_s": None if outcome is None else round(outcome.t_s, 3),
            "state": "waiting" if outcome is None else outcome.state,
            "view": None if view is None else str(view),
            **_picture_message(pose),
            **{str(side): self._side_message(outcome, side) for side in Side},
            "threshold_deg": self._config.coach.fppa_threshold_deg,
            "coach": self._coaching.as_json(None if outcome is None else outcome.coach),
            "cadence_spm": None if outcome is None else outcome.cadence_spm,
            "quality": 0.0 if outcome is None else round(outcome.quality, 2),
            "message": message,
            "store_fault": self._writer.fault,
            "camera": dict(UNKNOWN_CAMERA) if outcome is None else outcome.camera.as_json(),
            "calibration": self._standing.as_json(self._runner.person.height_cm),
            "screening": self._screening.as_json(),
            "session_id": self._session_id,
            "session_s": None if session_s is None else round(session_s, 1),
            "model": self._model_name,
        }

    def _side_message(self, outcome: Outcome | None, side: Side) -> Message:
        value = math.nan if outcome is None else outcome.fppa_deg[side]
        finite = math.isfinite(value)
        return {
            "fppa_deg": round(value, 1) if finite else None,
            **coaching.side_json(None if outcome is None else outcome.coach, side, self._runner.person.height_cm),
        }

    def _publish_health(self, source: FrameSource | None) -> None:
        if self._meters.due():
            self._live.publish(self._health_message(source))

    def _health_message(self, source: FrameSource | None) -> Message:
        """``source``: the camera; None while there is none."""
        runner = self._runner.current
        return {
            "type": "health",
            "film": isinstance(source, VideoSource),
            "vfov_deg": None if source is None else source.vfov_deg,
            **self._meters.as_json(source),
            "gpio": self._cues.gpio,
            "gpio_note": self._cues.gpio_note,
            "temperature_c": temperature_c(),
            "commands": list(self._allowed),
            "runner": None if runner is None else runner.as_json(),
            **asdict(self._runner.person),
            **self._told.as_json(),
            "version": VERSION,
        }

    def _say_session(self, session_id: int, state: str) -> None:
        if self._unkept is not None:  # a page would take it for the one of that number in the store
            return
        self._live.publish({"type": "session", "session_id": session_id, "state": state})
        self._announce(f"session {session_id} {state}")

    def _say_missing(self, why: str) -> None:
        """Once, not with each try, and again where the reason is another or an hour has gone by."""
        now_s = time.monotonic()
        if self._missing is None or self._missing[0] != why or now_s - self._missing[1] >= _REMIND_S:
            _log.error("%s; trying again every %.0f s", why, _RETRY_S)
            self._missing = why, now_s

    def _say_camera(self, source: FrameSource) -> None:
        """That there is one, where it was missing."""
        if self._missing is not None:
            self._announce(f"{source.name}: the camera is there")
            self._missing = None

    def _say_nothing_measured(self, source: FrameSource) -> None:
        """Of a film that has ended."""
        least_s = self._config.session.start_after_s
        self._announce(f"{source.name}: no session was made: nobody was seen for {least_s:g} s without a break")

    def _say_latency(self) -> None:
        for what, window in (("frame to decision", self._meters.frame_ms), ("frame to cue", self._meters.cue_ms)):
            if (words := latency_words(what, window)) is not None:
                self._announce(words)


def led_state(outcome: Outcome, side: Side) -> State:
    """Red from the cue until the side is within its target again, green while it is; off while it is not judged."""
    verdict = outcome.coach.verdicts[side] if outcome.coach.feedback else None
    if verdict is None:
        return "off"
    return "bad" if verdict.alert else "good"


def run_device(device: Device, stop: threading.Event) -> int:
    """Runs ``device`` and turns errors into one line and an exit status: 0, or 2 where something must be mended."""
    try:
        device.run(stop)
    except KneelineError as error:
        _log.critical("%s", error)
        return 2
    return 0
