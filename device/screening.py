"""A recorded squat or step-down test from file to document: poses, repetitions, faults."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from device import mocap
from device.cameras.video import VideoSource
from device.config import Config
from device.frames import Frame
from device.pipeline import open_model
from device.replay import ReplayOptions, captured, check_fps, cut_off
from device.view_check import ViewCheck
from model.camera_pose import CameraPose
from model.errors import InputError
from model.lengths import with_centimetres
from model.movenet import RunnerTracker
from model.person import Region
from model.pose import MIRROR_INDEX, Pose, View
from model.result import SCHEMA
from model.runtime import PoseNet
from model.screening import Exercise, Repetition, ScreeningSettings, screen
from model.screening_result import rep_json, square_on_camera, summarise_screening

_SIDE_VIEW = (
    "the camera sees the person from the side, where knee alignment does not show: record from the front or from "
    "behind, or say --view front or rear"
)
_MIRROR = list(MIRROR_INDEX)


@dataclass(frozen=True, slots=True)
class Recording:
    """All poses of one file.

    Attributes:
        name: of the file.
        model: name of the pose model.
        frames: how many there are.
        fps: from the median step between frames; 0 for fewer than two.
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
    document = _document(recording, view, options)
    fault = f"{path}: {_SIDE_VIEW}" if view is View.SIDE else recording.fault
    return with_centimetres(document, options.height_cm), fault


def _document(recording: Recording, view: View | None, options: ReplayOptions) -> dict[str, Any]:
    exercise = Exercise(options.mode)
    pelvis_reason = _pelvis_reason(recording.model, view)
    reps: tuple[Repetition, ...] = ()
    other = 0
    if view is not None and view.frontal:
        camera = options.camera or CameraPose()
        seen = pelvis_reason is None
        settings = ScreeningSettings(exercise, view, camera, recording.vfov_deg, options.side, seen)
        reps = screen(recording.poses, settings)
        if not reps:
            rest = Exercise.SQUAT if exercise is Exercise.STEP_DOWN else Exercise.STEP_DOWN
            other = len(screen(recording.poses, replace(settings, exercise=rest)))
    summary = summarise_screening(exercise, reps, other, pelvis_reason, options.camera is not None)
    if view is View.SIDE:
        summary["advice"] = _SIDE_VIEW
    return {
        "schema": SCHEMA,
        "source": recording.name,
        "mode": str(exercise),
        "view": None if view is None else str(view),
        "model": recording.model,
        "fps": round(recording.fps, 3),
        "frames": recording.frames,
        "frames_with_runner": len(recording.poses),
        "camera": square_on_camera() if options.camera is None else options.camera.as_json(),
        "stances": [],
        "reps": [rep_json(rep) for rep in reps],
        "cues": [],
        "summary": summary,
    }


def _pelvis_reason(model: str, view: View | None) -> str | None:
    if view is View.REAR and "lightning" in model:
        return "the model Lightning does not follow the pelvis from behind: use --model thunder, or record the front"
    return None


def _from_video(path: Path, config: Config, options: ReplayOptions) -> Recording:
    vfov_deg = options.vfov_deg or config.camera.vfov_deg
    with VideoSource(path, rotation=config.camera.rotation, vfov_deg=vfov_deg) as source:
        check_fps(source.name, source.fps)
        name = options.model or ("lightning" if config.model.name == "auto" else config.model.name)
        net = open_model(config, source.fps, name, mirrored=False)  # `look_twice` does that itself, whatever is set
        looked = list(look_twice(net, source.frames(threading.Event()), config.camera.region))
        fault = cut_off(path, len(looked), source.announced_frames)
        return _recording(source.name, net.name, looked, source.vfov_deg, fault)


def look_twice(
    net: PoseNet, frames: Iterable[Frame], region: Iterable[float] | None = None
) -> Iterator[tuple[float, Pose | None]]:
    """Seconds from the first frame, and who is seen: the mean of what the picture and its mirror image show.

    The pose model puts hips and knees a little more to one side of the picture than to the other; the mean has none of
    that, and a mirrored film gives the mirrored result. A recording has the time for it.
    """
    shares = None if region is None else tuple(region)
    turned = None if shares is None else (1 - shares[2], shares[1], 1 - shares[0], shares[3])
    trackers = [RunnerTracker(net, net.weights.size_px, region=Region(place)) for place in (shares, turned)]
    first_ns: int | None = None
    for frame in frames:
        first_ns = frame.t_ns if first_ns is None else first_ns
        t_s = (frame.t_ns - first_ns) / 1e9
        # A bystander does not make a repetition wrong: who is followed is told by the tracker.
        straight = trackers[0].look(frame.image, t_s).pose
        mirrored = trackers[1].look(np.ascontiguousarray(frame.image[:, ::-1]), t_s).pose
        yield t_s, _mean_pose(straight, None if mirrored is None else mirrored_pose(mirrored))


def mirrored_pose(pose: Pose) -> Pose:
    """The pose in a mirror: left and right, of picture and body, change places."""
    xy = pose.xy_px[_MIRROR] * [-1, 1] + [pose.image_size_px[0], 0]
    return Pose(pose.t_s, xy, pose.score[_MIRROR], pose.image_size_px)


def _mean_pose(one: Pose | None, other: Pose | None) -> Pose | None:
    """None unless both see somebody; a joint that one of them does not hold is missing."""
    if one is None or other is None:
        return None
    xy, score = (one.xy_px + other.xy_px) / 2, np.minimum(one.score, other.score)
    return Pose(one.t_s, xy, np.where(np.isfinite(xy).all(axis=1), score, 0.0), one.image_size_px)


def _from_mocap(path: Path, config: Config, options: ReplayOptions) -> Recording:
    seen = captured(path, options)
    return _recording(path.name, seen.model, list(seen.poses), seen.vfov_deg, None)


def _recording(
    name: str,
    model: str,
    looked: list[tuple[float, Pose]] | list[tuple[float, Pose | None]],
    vfov_deg: float | None,
    fault: str | None,
) -> Recording:
    times_s = [t_s for t_s, _ in looked]
    fps = float(1 / np.median(np.diff(times_s))) if len(times_s) > 1 else 0.0
    poses = tuple(pose for _, pose in looked if pose is not None)
    return Recording(name, model, len(looked), fps, poses, vfov_deg, fault)
