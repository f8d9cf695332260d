"""A squat or step-down test from pictures to document: poses, repetitions, faults. The same from a file and live."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from device import mocap
from device.cameras.video import VideoSource
from device.config import Config
from device.frames import Frame, FrameClock, Image
from device.pipeline import open_model_for_file
from device.replay import ReplayOptions, captured, check_fps, usual_fps
from device.view_check import ViewCheck
from model.camera_pose import CameraPose
from model.errors import InputError
from model.lengths import with_centimetres
from model.movenet import RunnerTracker
from model.person import Region
from model.pitch import UNKNOWN_HEIGHTS, Heights
from model.pose import MIRROR_INDEX, FloatArray, Pose, Side, View
from model.quality import FrameQuality
from model.result import SCHEMA
from model.runtime import PoseNet
from model.screening import Exercise, Repetition, ScreeningSettings, find, screen
from model.screening_result import (
    RECORDED,
    Remedies,
    pelvis_words,
    rep_json,
    side_view_words,
    square_on_camera,
    summarise_screening,
    wrong_leg_words,
)

_MIRROR = list(MIRROR_INDEX)


@dataclass(frozen=True, slots=True)
class Task:
    """What is tested, and what is known beforehand.

    Attributes:
        exercise: what the person does.
        tested: the standing leg of every step-down; None: told by which foot stays.
        camera: where it stands; None: it is taken to stand square on.
        vfov_deg: vertical field of view, where it is known.
        remedies: what helps where the test is made.
        heights: of the camera and of who is tested, where they are known.
    """

    exercise: Exercise
    tested: Side | None = None
    camera: CameraPose | None = None
    vfov_deg: float | None = None
    remedies: Remedies = RECORDED
    heights: Heights = UNKNOWN_HEIGHTS

    def settings(self, view: View, pelvis_seen: bool = True) -> ScreeningSettings:
        """For the analysis of poses that are seen from ``view``."""
        camera = self.camera or CameraPose()
        return ScreeningSettings(
            self.exercise, view, camera, self.vfov_deg, self.tested, pelvis_seen, self.heights
        )

    def camera_json(self) -> dict[str, Any]:
        """The ``camera`` block. That a run before has noticed a move is none of the test's business."""
        if self.camera is None:
            return square_on_camera(self.remedies)
        return replace(self.camera, moved=False).as_json()


@dataclass(frozen=True, slots=True)
class Recording:
    """All poses of one file.

    Attributes:
        name: of the file.
        model: name of the pose model.
        frames: how many there are.
        fps: frames per second where none is lost; 0 for fewer than two frames.
        poses: of the frames in which somebody was seen.
        vfov_deg: vertical field of view, where it is known.
        fault: what is wrong with the file though it could be read.
    """

    name: str
    model: str
    frames: int
    fps: float
    poses: tuple[Pose, ...]
    vfov_deg: float | None
    fault: str | None = None


def screened(
    poses: Sequence[Pose], view: View | None, model: str, task: Task
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """``reps`` and ``summary`` of a test.

    Args:
        poses: of one person, in the order of time.
        view: from which they are seen; None: not told by the poses.
        model: name of the pose model.
        task: what is tested.
    """
    exercise = task.exercise
    pelvis_reason = pelvis_words(task.remedies) if view is View.REAR and "lightning" in model else None
    reps: tuple[Repetition, ...] = ()
    other = wrong_leg = 0
    if view is not None and view.frontal:
        settings = task.settings(view, pelvis_reason is None)
        reps = screen(poses, settings)
        if not reps:
            rest = Exercise.SQUAT if exercise is Exercise.STEP_DOWN else Exercise.STEP_DOWN
            other = len(find(poses, replace(settings, exercise=rest)))
        if not reps and task.tested is not None:
            wrong_leg = len(find(poses, replace(settings, tested=task.tested.other)))
    summary = summarise_screening(exercise, reps, other, pelvis_reason, task.camera is not None, task.remedies)
    if view is View.SIDE:
        summary["advice"] = side_view_words(task.remedies)
    elif task.tested is not None and wrong_leg:
        summary["advice"] = wrong_leg_words(task.tested, wrong_leg)
    return [rep_json(rep) for rep in reps], summary


def screen_file(path: Path, config: Config, options: ReplayOptions) -> tuple[dict[str, Any], str | None]:
    """The document of a recorded test, and what is wrong with the file or the view though it could be played.

    Raises:
        InputError: the file is missing, no video or motion capture, or too slow; the given camera cannot be used.
        WeightsError: the model cannot be had.
    """
    camera = options.camera
    if camera is not None and not camera.usable:
        reason = camera.advice or "it stood too far aside"
        raise InputError(f"--camera: that camera may not be used ({reason}): give a result whose camera is good")
    read = _from_mocap if path.suffix == mocap.SUFFIX else _from_video
    recording = read(path, config, options)
    given = options.view or config.camera.view
    fixed = None if given == "auto" else View(given)
    check = ViewCheck(fixed)
    for pose in recording.poses:
        check.look(pose)
    check.tell(recording.name)
    view = fixed or check.shown
    document = _document(recording, view, config, options)
    fault = f"{path}: {side_view_words(RECORDED)}" if view is View.SIDE else recording.fault
    return with_centimetres(document, options.height_cm), fault


def _document(recording: Recording, view: View | None, config: Config, options: ReplayOptions) -> dict[str, Any]:
    heights = Heights(config.camera.height_m, None if options.height_cm is None else options.height_cm / 100)
    task = Task(Exercise(options.mode), options.side, options.camera, recording.vfov_deg, heights=heights)
    reps, summary = screened(recording.poses, view, recording.model, task)
    return {
        "schema": SCHEMA,
        "source": recording.name,
        "mode": str(task.exercise),
        "view": None if view is None else str(view),
        "model": recording.model,
        "fps": round(recording.fps, 3),
        "frames": recording.frames,
        "frames_with_runner": len(recording.poses),
        "camera": task.camera_json(),
        "stances": [],
        "reps": reps,
        "cues": [],
        "summary": summary,
    }


def _from_video(path: Path, config: Config, options: ReplayOptions) -> Recording:
    vfov_deg = options.vfov_deg or config.camera.vfov_deg
    with VideoSource(path, rotation=config.camera.rotation, vfov_deg=vfov_deg) as source:
        check_fps(source)
        # `look_twice` looks at the mirrored picture itself, whatever is set.
        net = open_model_for_file(config, source.fps, options.model, mirrored=False)
        looked = list(look_twice(net, source.frames(threading.Event()), config.camera.region))
        fault = source.cut_off(len(looked)) or source.stood_still()
        return _recording(source.name, net.name, looked, source.vfov_deg, fault)


class TwoLooks:
    """Follows one person, in the picture and in its mirror image.

    The pose model puts hips and knees a little more to one side of the picture than to the other; the mean of both has
    none of that, and a mirrored film gives the mirrored result. A test has the time for it.

    Args:
        net: the pose network.
        region: left, top, right, bottom of where the person may be, as shares of the picture. None: anywhere.
    """

    def __init__(self, net: PoseNet, region: Iterable[float] | None = None) -> None:
        shares = None if region is None else tuple(region)
        turned = None if shares is None else (1 - shares[2], shares[1], 1 - shares[0], shares[3])
        self._straight, self._turned = (
            RunnerTracker(net, net.weights.size_px, region=Region(place), alternating=False)
            for place in (shares, turned)
        )

    def look(self, image: Image, t_s: float) -> tuple[Pose | None, FrameQuality]:
        """Who is seen, and how far to trust it, with the reason where nobody is.

        Args:
            image: (H, W, 3) uint8 RGB.
            t_s: the picture's time in seconds, increasing.
        """
        # A bystander does not make a repetition wrong: who is followed is told by the tracker.
        straight = self._straight.look(image, t_s)
        turned = self._turned.look(np.ascontiguousarray(image[:, ::-1]), t_s)
        pose = mean_pose(straight.pose, None if turned.pose is None else mirrored_pose(turned.pose))
        return pose, (turned if straight.pose is not None and turned.pose is None else straight).quality


def look_twice(
    net: PoseNet, frames: Iterable[Frame], region: Iterable[float] | None = None
) -> Iterator[tuple[float, Pose | None]]:
    """Seconds from the first frame, and who is seen with `TwoLooks`."""
    looks, clock = TwoLooks(net, region), FrameClock()
    for frame in frames:
        t_s = clock.t_s(frame)
        yield t_s, looks.look(frame.image, t_s)[0]


def mirrored_pose(pose: Pose) -> Pose:
    """The pose in a mirror: left and right, of picture and body, change places."""
    xy = pose.xy_px[_MIRROR] * [-1, 1] + [pose.image_size_px[0], 0]
    return Pose(pose.t_s, xy, pose.score[_MIRROR], pose.image_size_px)


def mean_pose(one: Pose | None, other: Pose | None) -> Pose | None:
    """None unless both see somebody; a joint that one of them does not hold is missing.

    Now and then one of them takes somebody's front for their back, and left for right: the mean of both would draw the
    sides together. Then the places are those of both, and which is left is told by ``one``.
    """
    if one is None or other is None:
        return None
    crossed = _fits(one.xy_px, other.xy_px[_MIRROR]) < _fits(one.xy_px, other.xy_px)
    of_other = np.where(crossed, _MIRROR, range(len(_MIRROR)))
    xy, score = (one.xy_px + other.xy_px[of_other]) / 2, np.minimum(one.score, other.score[of_other])
    return Pose(one.t_s, xy, np.where(np.isfinite(xy).all(axis=1), score, 0.0), one.image_size_px)


def _fits(one: FloatArray, other: FloatArray) -> FloatArray:
    """(17,) how far a joint and its counterpart on the other side are from those of another pose (17, 2), px."""
    apart_px = np.linalg.norm(one - other, axis=1)
    both: FloatArray = apart_px + apart_px[_MIRROR]
    return both


def _from_mocap(path: Path, config: Config, options: ReplayOptions) -> Recording:
    seen = captured(path, options)
    return _recording(path.name, seen.model, list(seen.poses), seen.vfov_deg, None)


def _recording(
    name: str,
    model: str,
    looked: list[tuple[float, Pose | None]],
    vfov_deg: float | None,
    fault: str | None,
) -> Recording:
    fps = usual_fps([t_s for t_s, _ in looked])
    poses = tuple(pose for _, pose in looked if pose is not None)
    return Recording(name, model, len(looked), fps, poses, vfov_deg, fault)
