"""``kneeline replay``: a recording, or a motion capture, through the whole pipeline; its result in some lines."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from device.arguments import whole
from device.config import load_config
from device.output import check_target, complain, say, write_json
from model.camera_pose import SLOW_MOTION, CameraPose
from model.errors import InputError
from model.metrics import METRICS, MetricSpec
from model.pose import Side, View
from model.result import WALKED, may_be_slowed, walks
from model.screening_result import seen_words, unjudged
from model.standing import MAX_HEIGHT_CM, MIN_HEIGHT_CM
from model.statistics import MIN_STANCES
from model.words import counted

NO_RUNNER = 3
_VIDEO = (
    "a film. A selfie camera's may be mirrored, which cannot be seen in it: left and right are then exchanged (ffmpeg "
    "-i FILM -vf hflip OUT.mp4 turns it back). It must not be cropped to one side: the picture's middle is taken for "
    "where the camera points"
)
#: What a view from the side says of a run in short.
_BESIDE = ("hip_extension_deg", "knee_flexion_deg", "trunk_forward_lean_deg", "overstride_leg", "contact_s")
#: A camera that looks at the runner is not turned further.
_MOST_TURNED_DEG = 90.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("video", type=Path, metavar="VIDEO", help=_VIDEO)
    parser.add_argument("--view", choices=("auto", "front", "rear", "side"), help="where the camera looks from")
    parser.add_argument("--mode", choices=("run", "squat", "step-down"), default="run")
    parser.add_argument("--side", choices=("left", "right"), help="the standing leg of a step-down; default: seen")
    parser.add_argument("--model", choices=("lightning", "thunder"), help="default: as set; lightning for auto")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to write the result; default: a summary only")
    parser.add_argument("--vfov", type=float, metavar="DEG", help="the camera's vertical field of view, where known")
    tall = whole(int(MIN_HEIGHT_CM), int(MAX_HEIGHT_CM))
    parser.add_argument("--height", type=tall, metavar="CM", help="the runner's; adds lengths in centimetres")
    parser.add_argument(
        "--camera", type=Path, metavar="RESULT.json", help="an earlier result: the camera stands where it stood then"
    )
    capture = parser.add_argument_group("a motion capture (.npz) in the video's place")
    capture.add_argument("--fps", type=float, help="frames per second of the virtual camera; default: 30")
    capture.add_argument("--camera-noise", choices=("none", "measured"), help="add its errors; default: none")
    capture.add_argument("--seed", type=whole(0, 2**32), help="of the noise; default: 0")
    parser.add_argument("--truth", type=Path, metavar="FILE", help="print the errors against a clip's truth")


def run(args: argparse.Namespace) -> int:
    """Carries it out; the exit status.

    Raises:
        KneelineError: an argument or a file is wrong.
    """
    # Imported here: TensorFlow Lite and OpenCV take a second, which `kneeline web` and `config check` need not spend.
    from device.replay import ReplayOptions, replay_file
    from device.screening import screen_file
    from device.truth import load_truth
    from model.pose import Side

    check_target(args.json, args.video, args.truth, args.camera)
    truth = None if args.truth is None else load_truth(args.truth, args.mode)
    if args.side is not None and args.mode != "step-down":
        raise InputError(f"--side {args.side}: only a step-down has a standing leg: use it with --mode step-down")
    capture = _capture_options(args)
    document, fault = (replay_file if args.mode == "run" else screen_file)(
        args.video,
        load_config(args.config),
        ReplayOptions(
            view=args.view,
            mode=args.mode,
            model=args.model,
            vfov_deg=_vfov(args.vfov),
            camera=None if args.camera is None else _known_camera(args.camera),
            height_cm=args.height,
            side=None if args.side is None else Side(args.side),
            **capture,
        ),
    )
    if args.json is not None:
        write_json(args.json, document)
    say("\n".join(told(document) if args.mode == "run" else told_screening(document)))
    if truth is not None:
        say("\n".join(_errors(document, truth)))
    if not document["frames_with_runner"]:
        complain(
            f"kneeline: {args.video}: no runner was seen: the whole body must be in the picture, in good light"
        )
        return NO_RUNNER
    if fault is not None:
        raise InputError(fault)
    return 0


def _capture_options(args: argparse.Namespace) -> dict[str, Any]:
    """What is said of the virtual camera, by the names of `ReplayOptions`.

    Raises:
        InputError: a video has a camera of its own.
    """
    from device.mocap import SUFFIX

    options = {"fps": "--fps", "noise": "--camera-noise", "seed": "--seed"}
    said = {"fps": args.fps, "noise": args.camera_noise, "seed": args.seed}
    given = {name: value for name, value in said.items() if value is not None}
    if given and args.video.suffix != SUFFIX:
        option = options[next(iter(given))]
        raise InputError(f"{option}: is for a motion capture ({SUFFIX}), a video has its own: leave it out")
    return given


def told(document: dict[str, Any]) -> list[str]:
    """A run in some lines: its steps, both knees, and what is odd about it."""
    cadence = document["summary"]["cadence_spm"]
    lines = [
        f"{_source(document)}, {counted(len(document['stances']), 'stance')}, {counted(len(document['cues']), 'cue')}, "
        f"cadence {'not known' if cadence is None else f'{cadence:.1f} steps per minute'}"
    ]
    if document["stances"]:
        beside = document["view"] == View.SIDE
        lines += _told_beside(document["summary"]) if beside else _told_knees(document["summary"])
        if walks(document["stances"]):
            lines.append(WALKED)
    elif document["frames_with_runner"]:
        lines.append(
            "no steps were found: nobody runs, too little of the body is seen, or --view is not the camera's; a squat "
            f"or step-down test needs --mode; {SLOW_MOTION}"
        )
    if 0 < len(document["stances"]) < 2 * MIN_STANCES and SLOW_MOTION not in lines[-1]:
        hint = f": {SLOW_MOTION}" if may_be_slowed(document["stances"]) else ""
        lines.append(f"too few steps were found{hint}")
    return lines


def _told_knees(summary: dict[str, Any]) -> list[str]:
    """The main result: mean, spread and uncertainty of both knees' alignment, or why there is none."""
    reason = summary["unavailable"].get("fppa_deg")
    if reason is not None:
        return [f"knee alignment: not measured: {reason}"]
    knees = []
    for side in ("left", "right"):
        knee = summary[side].get("fppa_deg") or {"mean": None, "n": 0}
        if knee["mean"] is None:
            knees.append(f"{side} knee: too few stances ({knee['n']})")
        else:
            off = "" if knee["uncertainty"] is None else f", may be off by {knee['uncertainty']:.1f}°"
            knees.append(f"{side} knee {knee['mean']:+.1f}°, spread {knee['sd']:.1f}° of {knee['n']} stances{off}")
    return knees


def _told_beside(summary: dict[str, Any]) -> list[str]:
    """What a view from the side is for: the means of both legs, a line for each measure; or why there is none."""
    lines = []
    for spec in (METRICS[key] for key in _BESIDE):
        reason = summary["unavailable"].get(spec.key)
        legs = ", ".join(_told_leg(spec, side, summary[side].get(spec.key)) for side in Side)
        lines.append(f"{spec.label}: {legs if reason is None else f'not measured: {reason}'}")
    return lines


def _told_leg(spec: MetricSpec, side: Side, claim: Mapping[str, Any] | None) -> str:
    if claim is None or claim["mean"] is None:
        return f"{side} too few stances ({0 if claim is None else claim['n']})"
    return f"{side} {claim['mean']:.{spec.decimals}f}{spec.unit if spec.unit == '°' else f' {spec.unit}'}"


def told_screening(document: dict[str, Any]) -> list[str]:
    """A screening, repetition by repetition; or why there is none."""
    lines = [f"{_source(document)}, {counted(len(document['reps']), 'repetition')}"]
    for i, rep in enumerate(document["reps"], 1):
        knees = ", ".join(
            f"{side} knee {'not seen' if (angle := rep[side]['fppa_deg']) is None else f'{angle:+.1f}°'}"
            for side in ("left", "right")
            if rep.get("side") in (None, side)
        )
        seen = seen_words(rep["faults"], unjudged(rep))
        lines.append(f"{i}: {rep['start_s']:.1f} to {rep['end_s']:.1f} s, {knees}: {seen}")
    for side in ("left", "right"):
        score = document["summary"][side].get("score")
        if score is not None:
            most = "" if score["points_at_most"] == score["points"] else f" (at most {score['points_at_most']})"
            rating = score["rating"] or "knee not judged"
            lines.append(f"{side} leg: {counted(score['points'], 'point')}{most}, {rating}")
    if document["reps"] and document["camera"]["state"] == "unknown":
        lines.append(f"camera: {document['camera']['advice']}")
    advice = document["summary"]["advice"]
    if document["frames_with_runner"] and document["view"] != "side" and advice is not None:
        lines.append(advice)
    return lines


def _source(document: dict[str, Any]) -> str:
    return f"{document['source']}: {document['view'] or 'unknown'} view, {document['frames']} frames"


def _errors(document: dict[str, Any], truth: dict[str, Any]) -> list[str]:
    from device.truth import compare, compare_reps

    return compare(document, truth).lines() if document["mode"] == "run" else compare_reps(document, truth).lines()


def _vfov(vfov_deg: float | None) -> float | None:
    if vfov_deg is not None and not 10 <= vfov_deg <= 140:
        raise InputError(f"--vfov {vfov_deg:g}: must be 10 to 140 degrees")
    return vfov_deg


def _known_camera(path: Path) -> CameraPose:
    """The camera block of an earlier result."""
    try:
        block = json.loads(path.read_text("utf-8"))["camera"]
        camera = CameraPose.from_json(block)
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not the result of a replay"
        raise InputError(f"--camera {path}: {reason}: give the JSON of an earlier replay or export") from error
    if camera.yaw_deg is None:
        raise InputError(f"--camera {path}: that result does not know where the camera stood: give one that does")
    for name, value in camera.as_json().items():
        if name.endswith("_deg") and value is not None and abs(value) > _MOST_TURNED_DEG:
            raise InputError(
                f"--camera {path}: {name} = {value:g} is no place of a camera (at most {_MOST_TURNED_DEG:g}): give the "
                "JSON of an earlier replay or export"
            )
    return camera
