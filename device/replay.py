"""A recording through the whole pipeline, by its own timestamps, never dropping a frame; the result as a document."""

from __future__ import annotations

import logging
import threading
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from device import mocap
from device.cameras.video import VideoSource
from device.config import Config
from device.film_check import PAUSE_S, FilmCheck, Use
from device.pipeline import Pipeline, analysis_settings, camera_place, open_model_for_file
from device.view_check import ViewCheck
from model.analysis import AnalysisSettings, Outcome, RunAnalysis
from model.camera_pose import CameraPose
from model.coach import Cue
from model.errors import InputError
from model.lengths import with_centimetres
from model.person import Region
from model.place import MOTION_CAPTURE, CameraPlace
from model.pose import Pose, Side, View
from model.quality import slow_words
from model.result import (
    LEVEL,
    SCHEMA,
    STOOD,
    STRIDES,
    cue_json,
    doubt,
    may_be_slowed,
    stance_json,
    summarise,
    take_back,
    with_counts,
)
from model.runtime import ModelName
from model.stance import BURST, MIN_QUALITY
from model.standing import StandingCalibration
from model.statistics import MIN_STANCES
from model.strides import StrideBands
from model.virtual_camera import Noise, VirtualCamera

_log = logging.getLogger(__name__)

#: Two samples for each step at 180 steps per minute are the least from which a step can be told.
MIN_FPS = 10.0
MAX_FPS = 240.0
#: By so many pictures a film's rate is told where its average is low.
_RATE_FRAMES = 60
#: In so many seconds everyone takes the steps that a mean of each side needs.
_LONG_ENOUGH_S = 10.0
#: So many stances of a side pass about until it is known where the camera stands.
_TO_FIND_PLACE = 3
#: Times of so many pictures are kept for their rate, eight bytes each: nine hours at 30 per second. A figure on a
#: poster that passes for a person may be in sight for weeks.
_KEPT_TIMES = 1_000_000


@dataclass(slots=True)
class Recorder:
    """Collects what the frames of one session brought.

    ``frames_gone`` and ``lost_gone``: how many of the frames and of the lost ones came since the runner was seen last.
    """

    frames: int = 0
    frames_with_runner: int = 0
    frames_lost: int = 0
    frames_gone: int = 0
    lost_gone: int = 0
    last_s: float = 0.0
    stances: list[dict[str, Any]] = field(default_factory=list)
    cues: list[Cue] = field(default_factory=list)
    bands: StrideBands = field(default_factory=StrideBands)
    standing: StandingCalibration | None = None
    use: Use = field(default_factory=Use)
    _times_s: array[float] = field(default_factory=lambda: array("d"))
    _seen_last: View | None = None
    _stances_from: Counter[View] = field(default_factory=Counter)
    _good_from: Counter[View] = field(default_factory=Counter)

    def add(self, outcome: Outcome) -> list[dict[str, Any]]:
        """Takes one frame, and returns its stances as they are in the document."""
        self.frames += 1
        self.frames_with_runner += outcome.pose is not None
        self.frames_lost += outcome.lost
        gone = outcome.pose is None
        self.use.add(outcome)
        self.frames_gone = self.frames_gone + 1 if gone else 0
        self.lost_gone = self.lost_gone + outcome.lost if gone else 0
        self.last_s = outcome.t_s
        if len(self._times_s) < _KEPT_TIMES:
            self._times_s.append(outcome.t_s)
        level = outcome.standing
        stood = level is not None and level.view is outcome.view and level.hips_level
        new = [stance_json(stance, stood) for stance in outcome.stances]
        self.stances += new
        if outcome.moved_since_s is not None:
            take_back(self.stances, outcome.moved_since_s)
        if outcome.doubted_since_s is not None:
            doubt(self.stances, outcome.doubted_since_s)
        self.cues += outcome.cues
        if outcome.view is not None:
            self._seen_last = outcome.view
            self._stances_from[outcome.view] += len(outcome.stances)
            self._good_from[outcome.view] += sum(stance.quality >= MIN_QUALITY for stance in outcome.stances)
        if outcome.stances or not self.stances:  # who stands when they have run has changed nothing that was measured
            self.standing = outcome.standing
        for stride in outcome.strides:
            self.bands.add(stride)
        return new

    @property
    def view(self) -> View | None:
        """The session's view: that of most stances that count, whichever way the runner turns before they step off."""
        for stances in (self._good_from, self._stances_from):
            if stances.total():
                return max(stances, key=stances.__getitem__)
        return self._seen_last

    def summary(self, camera: CameraPose) -> dict[str, Any]:
        """The ``summary``, with bands of the gait cycle and the standing calibration that the stances go by.

        One from another view tells nothing of them.

        Args:
            camera: where it stood in the end, of `view`.
        """
        summary = summarise(self.stances, self.view, camera, self._unused)
        held_so = summary[LEVEL] == STOOD or all(stance[LEVEL] == STRIDES for stance in self.stances)
        level = self.standing if held_so else None
        standing = None if level is None or level.view is not self.view else level.as_json()
        return summary | {"curves": self.bands.as_json(), "standing": standing}

    @property
    def _unused(self) -> str | None:
        """Why nothing was computed from most pictures of the runner; None where it was."""
        return self.use.reason if self.use.mostly_unused else None

    @property
    def fps(self) -> float:
        """See `usual_fps`."""
        return usual_fps(self._times_s)


def usual_fps(times_s: Sequence[float]) -> float:
    """Frames per second where none is lost; 0 for fewer than two frames.

    From the mean of the steps near the median one, which alone is off where times are whole milliseconds. Where
    pictures are stamped in bursts, from the mean of all but the pauses: the median is then that within a burst.
    """
    if len(times_s) < 2:
        return 0.0
    steps_s = np.diff(times_s)
    # One of the steps: none may be near the middle of two that differ, as where every second picture is lost with more.
    # Of pictures in pairs as many steps are short as long, and it is to be a short one.
    median_s = np.quantile(steps_s, 0.4, method="lower")
    usual_s = steps_s[np.abs(steps_s - median_s) < median_s / 2].mean()
    mean_s = steps_s[steps_s <= max(PAUSE_S, median_s)].mean()
    return float(1.0 / (mean_s if mean_s > BURST * usual_s else usual_s))


def check_fps(source: VideoSource) -> None:
    """Refuses a film that is too slow to see a step. One with a pause in its times is slow on average only.

    Raises:
        InputError: fewer than `MIN_FPS` frames per second.
    """
    if source.fps >= MIN_FPS:
        return
    first = islice(source.frames(threading.Event()), _RATE_FRAMES)
    fps = usual_fps([frame.t_ns / 1e9 for frame in first])
    if fps < MIN_FPS:
        raise InputError(
            f"{source.name}: {fps:.1f} frames per second are too few to see a step: record at 30 or more (at least 10)"
        )


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """What the command line may say beside the settings; None leaves it to them.

    Attributes:
        view: auto, front, rear or side.
        mode: what the person does.
        model: lightning or thunder; see `open_model_for_file`.
        vfov_deg: vertical field of view of the camera.
        camera: where the camera stands, from an earlier result.
        height_cm: of the runner.
        side: the standing leg of every step-down; None: told by the poses.
        fps, noise, seed: of the virtual camera that sees a motion capture.
    """

    view: str | None = None
    mode: str = "run"
    model: ModelName | None = None
    vfov_deg: float | None = None
    camera: CameraPose | None = None
    height_cm: float | None = None
    side: Side | None = None
    fps: float = 30.0
    noise: Noise = "none"
    seed: int = 0


def replay_file(path: Path, config: Config, options: ReplayOptions) -> tuple[dict[str, Any], str | None]:
    """The session document of a recorded run, and what is wrong with the file though it could be played.

    Squats and step-downs: `device.screening.screen_file`.

    Raises:
        InputError: the file is missing, no video or motion capture, or too slow.
        WeightsError: the model cannot be had.
    """
    fault: str | None = None
    if path.suffix == mocap.SUFFIX:
        document = _replay_mocap(path, config, options)
    else:
        document, fault = _replay_video(path, config, options)
    return with_centimetres(document, options.height_cm), fault


def _replay_video(path: Path, config: Config, options: ReplayOptions) -> tuple[dict[str, Any], str | None]:
    vfov_deg = options.vfov_deg or config.camera.vfov_deg
    with VideoSource(path, rotation=config.camera.rotation, vfov_deg=vfov_deg) as source:
        check_fps(source)
        net = open_model_for_file(config, source.fps, options.model)
        place = camera_place(config, net.name, source.vfov_deg, options.camera, options.height_cm)
        settings = _settings(config, options)
        pipeline = Pipeline(net, settings, place, Region(config.camera.region))
        recorder = Recorder()
        view_check, film_check = ViewCheck(settings.view), FilmCheck(recorder.use)
        looked = (pipeline.step(frame) for frame in source.frames(threading.Event()))
        outcomes = film_check.watch(view_check.watch(looked))
        document = session_document(source.name, options.mode, net.name, place, outcomes, film=True, recorder=recorder)
        view_check.tell(source.name)
        film_check.tell(source.name, document["stances"])
        if (slow := slow_words(document["fps"], film=True)) is not None:
            _log.warning("%s: %s", source.name, slow)
        fault = source.cut_off(document["frames"]) or source.stood_still()
        if fault is None:
            _tell_short(source, document["stances"])
        return document, fault


def _tell_short(source: VideoSource, stances: Sequence[Mapping[str, Any]]) -> None:
    """Warns where a film is too short for a mean of each side: some steps tell where the camera stands, the next count.

    Else who sees that nothing was measured looks for slow motion, or a wrong view.
    """
    sides = Counter(stance["side"] for stance in stances)
    if source.played_s < _LONG_ENOUGH_S and min(sides[side] for side in Side) < MIN_STANCES + _TO_FIND_PLACE:
        _log.warning(
            "%s: only %.1f s long: film %.0f s of running or more", source.name, source.played_s, _LONG_ENOUGH_S
        )


@dataclass(frozen=True, slots=True)
class Captured:
    """Motion capture in the place of a video.

    Attributes:
        model: stands in the pose model's place.
        vfov_deg: vertical field of view of the virtual camera.
        poses: time and pose of each frame; None where all joints are lost.
    """

    model: str
    vfov_deg: float
    poses: Iterator[tuple[float, Pose | None]]


def captured(path: Path, options: ReplayOptions) -> Captured:
    """Motion capture as a virtual camera shows it.

    Raises:
        InputError: no view is named, the rate is out of range, or the file cannot be read.
    """
    if options.view in (None, "auto"):
        raise InputError(f"{path}: a motion capture has no picture: say --view front, rear or side")
    if not MIN_FPS <= options.fps <= MAX_FPS:
        raise InputError(f"--fps {options.fps:g}: must be {MIN_FPS:g} to {MAX_FPS:g}")
    view = View(options.view)
    camera = VirtualCamera(view) if options.vfov_deg is None else VirtualCamera(view, vfov_deg=options.vfov_deg)
    looks = mocap.mocap_poses(path, camera, options.fps, options.noise, options.seed)
    poses = ((t_s, pose if pose.score.any() else None) for t_s, pose in looks)
    model = MOTION_CAPTURE if options.noise == "none" else f"{MOTION_CAPTURE}-{options.noise}"
    return Captured(model, camera.vfov_deg, poses)


def _replay_mocap(path: Path, config: Config, options: ReplayOptions) -> dict[str, Any]:
    """The same from the analysis on: the joints come from motion capture, seen by a virtual camera."""
    seen = captured(path, options)
    place = camera_place(config, seen.model, seen.vfov_deg, options.camera, options.height_cm)
    analysis = RunAnalysis(replace(_settings(config, options), model=seen.model), place)
    outcomes = (analysis.step(t_s, pose) for t_s, pose in seen.poses)
    return session_document(path.name, options.mode, seen.model, place, outcomes)


def _settings(config: Config, options: ReplayOptions) -> AnalysisSettings:
    view = options.view or config.camera.view
    return replace(analysis_settings(config, film=True), view=None if view == "auto" else View(view))


def session_document(
    source: str,
    mode: str,
    model: str,
    place: CameraPlace,
    outcomes: Iterable[Outcome],
    film: bool = False,
    recorder: Recorder | None = None,
) -> dict[str, Any]:
    """The session document of all ``outcomes``.

    Args:
        source: name of the file.
        mode: what the person does.
        model: name of the pose model.
        place: of the camera, as ``outcomes`` find it.
        outcomes: one for each frame.
        film: whether they come from a video.
        recorder: that collects them, where somebody else asks it, too.
    """
    recorder = recorder or Recorder()
    for outcome in outcomes:
        recorder.add(outcome)
    camera = place.camera_of(recorder.view).in_the_end(film and may_be_slowed(recorder.stances))
    return {
        "schema": SCHEMA,
        "source": source,
        "mode": mode,
        "view": None if recorder.view is None else str(recorder.view),
        "model": model,
        "fps": round(recorder.fps, 3),
        "frames": recorder.frames,
        "frames_with_runner": recorder.frames_with_runner,
        "camera": camera.as_json(),
        "stances": with_counts(recorder.stances),
        "reps": [],
        "cues": [cue_json(cue) for cue in recorder.cues],
        "summary": recorder.summary(camera),
    }
