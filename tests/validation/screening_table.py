"""Squats and step-downs against truth: writes the tables of model/screening.md.

    python tests/validation/screening_table.py [--keypoints DIR]

The clips with repetitions that stand in the shared data go through both pose models, as they are and under other
conditions (`varied_table.py`); their true joints go through the same without a pose model; motion capture is seen by
virtual cameras from aside. Keypoints are kept in DIR, so that a second run is quick.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

REPO = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPO))

from device.cameras.video import VideoSource  # noqa: E402
from device.frames import Frame  # noqa: E402
from device.mocap import read_motion  # noqa: E402
from device.screening import look_twice  # noqa: E402
from device.truth import RepComparison, compare_reps  # noqa: E402
from model import kinematics as k  # noqa: E402
from model.camera_pose import CameraPose  # noqa: E402
from model.pitch import Heights  # noqa: E402
from model.pose import Pose, Side, View  # noqa: E402
from model.runtime import ModelName, PoseNet, load_weights  # noqa: E402
from model.screening import Exercise, ScreeningSettings, screen  # noqa: E402
from model.screening_result import rep_json  # noqa: E402
from model.virtual_camera import VirtualCamera, project_motion  # noqa: E402
from tests.conftest import shared_data  # noqa: E402
from tests.validation.document import fill, mean_and_largest  # noqa: E402
from tests.validation.keypoints import kept  # noqa: E402
from tests.validation.varied_table import Variant  # noqa: E402

DOCUMENT = REPO / "model" / "screening.md"
MODELS: tuple[ModelName, ...] = ("lightning", "thunder")
VARIANTS: Mapping[str, Variant] = {
    "as it is": Variant(),
    "camera turned on the spot by 4°": Variant(yaw_deg=4),
    "camera rolled by 3°": Variant(roll_deg=3),
    "1.25 times as far": Variant(scale=0.8),
    "half the light, noise": Variant(pitch_deg=-2, scale=0.9, light=0.5),
    "half the light, 1.4 times as far, mirrored": Variant(scale=0.7, light=0.5, mirrored=True),
    "faster by 18 %": Variant(stretch=0.85),
    "slower by 25 %": Variant(stretch=1.25),
}
_HEAD = (
    "| pose model, conditions | found, invented | FPPA left, ° | FPPA right, ° | pelvic drop, ° | trunk, ° | "
    "faults missed | faults invented |\n|" + "---|" * 8
)


def poses_of(path: Path, variant: Variant, model: ModelName, keypoints: Path) -> list[Pose]:
    """What the pose model sees of a clip, from the cache where it is there; times not yet stretched."""

    def look() -> list[Pose]:
        weights = load_weights(model)
        looked = look_twice(PoseNet(weights, "litert", 1), _frames(path, variant))
        return [pose for _, pose in looked if pose is not None]

    return kept(keypoints / f"{path.stem}_{variant.picture_key()}_{model}_twice.npz", look)


def _frames(path: Path, variant: Variant) -> Iterator[Frame]:
    camera = json.loads(path.read_text("utf-8"))["camera"]
    rng = np.random.default_rng(1)
    with VideoSource(path.with_suffix(".mp4")) as source:
        for frame in source.frames(threading.Event()):
            yield replace(frame, image=variant.picture(frame.image, camera, rng))


def compared(truth: Mapping[str, Any], poses: Sequence[Pose], variant: Variant) -> RepComparison:
    """Of one clip in one variant, the camera not told. Errors have the sign of the clip as it is."""
    exercise = Exercise.STEP_DOWN if "stance_side" in truth else Exercise.SQUAT
    stretched = [Pose(p.t_s * variant.stretch, p.xy_px, p.score, p.image_size_px) for p in poses]
    reps = screen(stretched, ScreeningSettings(exercise, View(truth["view"])))
    document: dict[str, Any] = {"reps": [rep_json(rep) for rep in reps]}
    for rep in document["reps"]:
        for key in ("start_s", "bottom_s", "end_s"):
            rep[key] /= variant.stretch
        if variant.mirrored:
            rep["left"], rep["right"] = rep["right"], rep["left"]
            rep["faults"] = [_mirrored(fault) for fault in rep["faults"]]
    return compare_reps(document, truth)


def _mirrored(fault: str) -> str:
    names = {"left": "right", "right": "left"}
    return "_".join(names.get(word, word) for word in fault.split("_"))


def true_poses(truth: Mapping[str, Any]) -> list[Pose]:
    """A clip's true joints as its camera shows them."""
    size = (truth["width"], truth["height"])
    return [
        Pose(frame["t"], np.array(frame["uv"], dtype=np.float64), np.ones(17), size) for frame in truth["frames"]
    ]


def row(name: str, found: RepComparison) -> str:
    angles = [mean_and_largest(found.angles_deg[key]) for key in _ANGLES]
    missed, invented = (", ".join(faults) or "–" for faults in (found.faults_missed, found.faults_invented))
    count = f"{found.found} of {found.true}, {found.invented}"
    return f"| {name} | {count} | {' | '.join(angles)} | {missed} | {invented} |"


_ANGLES = ("left fppa_deg", "right fppa_deg", "pelvic_drop_deg", "trunk_lean_deg")


def detail(truth: Mapping[str, Any], poses: Mapping[str, Sequence[Pose]]) -> list[str]:
    """FPPA of each repetition, true and as both models have it."""
    exercise = Exercise.STEP_DOWN if "stance_side" in truth else Exercise.SQUAT
    found = {name: screen(seen, ScreeningSettings(exercise, View(truth["view"]))) for name, seen in poses.items()}
    sides = [Side(truth["stance_side"])] if "stance_side" in truth else list(Side)
    lines = [f"| repetition, knee | true | {' | '.join(found)} |", "|" + "---|" * (2 + len(found))]
    for i, true in enumerate(truth["reps"]):
        for side in sides:
            seen = [f"{reps[i].knees[side].fppa_deg:+.1f}" for reps in found.values()]
            angle = true[f"fppa_frontal3d_{side}_bottom_deg"]
            lines.append(f"| {i + 1}, {side} | {angle:+.1f} | {' | '.join(seen)} |")
    return lines


def capture_table(data: Path) -> list[str]:
    """Deep squats of motion capture, from aside: FPPA in the picture and in the frontal plane, camera told or not."""
    motion = read_motion(data / "mocap" / "squats_s4.npz")
    sampled = motion.at_rate(30.0)
    across = np.stack([-sampled.xyz_m[..., 2], -sampled.xyz_m[..., 1]], axis=-1)
    lines = [
        "| camera | noise | in the picture, ° | camera not told, ° | camera told, ° |",
        "|" + "---|" * 5,
    ]
    for view in (View.FRONT, View.REAR):
        for yaw_deg in (0.0, 4.0, 8.0, 12.0):
            camera = VirtualCamera(view, yaw_deg=yaw_deg)
            known = CameraPose(yaw_deg=yaw_deg, roll_deg=0.0, pitch_deg=camera.aim_deg)
            for noise in ("none", "measured"):
                poses = list(project_motion(motion, camera, 30.0, "none" if noise == "none" else "measured"))
                columns = []
                for told in (CameraPose(), known):
                    reps = screen(poses, ScreeningSettings(Exercise.SQUAT, view, told))
                    pairs = []
                    for rep in reps:
                        low = np.abs(sampled.t_s - rep.bottom_s) < 0.1
                        for side, knee in rep.knees.items():
                            true = float(np.median(k.fppa_image_deg(across[low], side)))
                            pairs.append((knee.fppa_image_deg - true, knee.fppa_deg - true))
                    columns.append(np.array(pairs))
                texts = [_rms(columns[0][:, 0]), _rms(columns[0][:, 1]), _rms(columns[1][:, 1])]
                lines.append(f"| {view}, {yaw_deg:g}° aside | {noise} | {' | '.join(texts)} |")
    return lines


def height_table(data: Path) -> list[str]:
    """The same squats from cameras at many heights, 2.5 m away and square on: FPPA, the lens' height told or not."""
    motion = read_motion(data / "mocap" / "squats_s4.npz")
    sampled = motion.at_rate(30.0)
    across = np.stack([-sampled.xyz_m[..., 2], -sampled.xyz_m[..., 1]], axis=-1)
    lines = ["| camera | height not told, ° | height told, ° |", "|" + "---|" * 3]
    for view in (View.FRONT, View.REAR):
        for height_m in (0.3, 0.6, 0.9, 1.2, 1.5, 1.8, 2.2):
            camera = VirtualCamera(view, height_m=height_m, distance_m=2.5, vfov_deg=55.0)
            poses = list(project_motion(motion, camera, 30.0))
            columns = []
            for heights in (Heights(), Heights(height_m)):
                known = ScreeningSettings(Exercise.SQUAT, view, vfov_deg=camera.vfov_deg, heights=heights)
                errors, off = [], []
                for rep in screen(poses, known):
                    low = np.abs(sampled.t_s - rep.bottom_s) < 0.1
                    for side, knee in rep.knees.items():
                        errors.append(knee.fppa_deg - float(np.median(k.fppa_image_deg(across[low], side))))
                        off.append(knee.fppa_off_deg)
                sd = f", SD {np.nanmean(off):.1f}" if np.isfinite(off).any() else ""
                columns.append(_rms(np.array(errors)) + sd)
            lines.append(f"| {view}, {height_m:g} m | {' | '.join(columns)} |")
    return lines


def _rms(errors: np.ndarray[Any, np.dtype[np.float64]]) -> str:
    told = errors[np.isfinite(errors)]
    if not told.size:
        return "not told"
    few = "" if told.size == errors.size else f" ({told.size} of {errors.size})"
    return f"{float(np.sqrt((told**2).mean())):.1f} / {float(np.abs(told).max()):.1f}{few}"


def tables(data: Path, keypoints: Path) -> str:
    text: list[str] = []
    for path in sorted((data / "clips").glob("*.json")):
        truth = json.loads(path.read_text("utf-8"))
        if not truth.get("reps"):
            continue
        plain = {model.capitalize(): poses_of(path, Variant(), model, keypoints) for model in MODELS}
        exact = true_poses(truth)
        text += [f"### {path.stem}: FPPA at the bottom, °\n", *detail(truth, {"true joints": exact, **plain})]
        text += [f"\n### {path.stem}: errors (mean / largest), and faults (repetition: fault)\n", _HEAD]
        text.append(row("true joints", compared(truth, exact, Variant())))
        for model in MODELS:
            for name, variant in VARIANTS.items():
                seen = poses_of(path, variant, model, keypoints)
                text.append(row(f"{model.capitalize()}, {name}", compared(truth, seen, variant)))
        text.append("")
    text += ["### Squats of motion capture from aside: FPPA, rms / largest error of ten knees\n", *capture_table(data)]
    text += ["\n### The same from other heights: rms / largest error, SD that is told\n", *height_table(data)]
    return "\n".join(text)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keypoints", type=Path, default=Path(tempfile.gettempdir()) / "kneeline-screening")
    keypoints: Path = parser.parse_args(argv).keypoints
    keypoints.mkdir(parents=True, exist_ok=True)
    data = shared_data()
    if data is None:
        sys.stderr.write("the shared clips are not here: set KNEELINE_SHARED\n")
        return 2
    text = tables(data, keypoints)
    fill(DOCUMENT, __file__, text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
