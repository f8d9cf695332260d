"""Renders squats and step-downs of other bodies, with their truth beside, for `../screening_bodies_table.py`:

    bodies/bin/python tests/validation/bodies/render_screening.py --out DIR [NAME ...]

in the environment that `render.py` describes. The motion is that of the two clips with repetitions and of the captured
squats in the shared data. The feet stay where they stand, on the floor or a box; each leg reaches from hip to ankle as
in the motion with the body's own thigh and shank, its knee on the same side. So the truth is the new body's own. Films
that are there already are left as they are. A film takes two to three minutes on one x86 core.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.interpolate import CubicSpline

REPO = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(REPO))

from model import kinematics as k  # noqa: E402
from model.pose import KEYPOINT_NAMES, FloatArray, Side  # noqa: E402
from tests.validation.bodies import render  # noqa: E402
from tests.validation.bodies.body import Body  # noqa: E402
from tests.validation.bodies.render import BODIES, FPS, Camera, Clothes, Film, Stage, Track  # noqa: E402

_BROWN, _DARK = (0.35, 0.19, 0.12), (0.09, 0.045, 0.025)
_CAPTURED = "captured squats"
_MOMENTS = ("start_s", "bottom_s", "end_s")
_LEG, _ARM = ("hip", "knee", "ankle"), ("shoulder", "elbow", "wrist")
#: How far the toes point down, radians.
_FLAT = {"left": 0.0, "right": 0.0}

#: Each film begins with so long a standing still, in its first picture.
_STAND_S = 0.7
#: Three repetitions are enough, and each second takes a quarter of a minute: aligned, diving and aligned in the squats
#: of the clip; aligned, diving and leaning in its step-downs.
_SQUATS = {"last_s": 9.8}
_STEPS = {"start_s": 7.0, "last_s": 10.2}
_CAPTURES = {"last_s": 7.9}


def _film(motion: str, part: Mapping[str, float], body: str, camera: Camera, clothes: Clothes, **more: Any) -> Film:
    """``part`` in the motion's own seconds."""
    pace = more.get("pace", 1.0)
    return Film(motion, body, camera, clothes, **{key: value / pace for key, value in part.items()}, **more)


FILMS: Mapping[str, Film] = {
    "step_woman_front": _film(
        "dev_stepdown", _STEPS, "African woman", Camera("front", 0, 0, 3.0, 0.8, down_m=0.05),
        Clothes((0.8, 0.8, 0.8), (0.02, 0.02, 0.02), _DARK, 1.8), mirrored=True,
    ),
    "squat_heavy_front": _film(
        "dev_squat", _SQUATS, "heavy woman", Camera("front", height_m=1.1, down_m=0.25), Clothes((0.1, 0.35, 0.1)),
        pace=0.85,
    ),
    "squat_small_front": _film(
        _CAPTURED, _CAPTURES, "small woman", Camera("front", 0, 0, 2.8, 0.9, down_m=0.1), Clothes((0.5, 0.05, 0.1))
    ),
    "step_thin_front": _film(
        "dev_stepdown", _STEPS, "thin man", Camera("front", 0, 0, 2.9, 1.3, vfov_deg=45, down_m=0.6),
        Clothes((0.6, 0.03, 0.03), skin=_BROWN), pace=1.25, mirrored=True,
    ),
    "squat_thin_front": _film(
        "dev_squat", _SQUATS, "thin man", Camera("front", 4, height_m=1.0, down_m=0.15), Clothes((0.6, 0.6, 0.62)),
        pace=1.2, mirrored=True,
    ),
    "squat_tall_rear": _film(
        "dev_squat", _SQUATS, "tall man", Camera("rear", 0, 0, 3.4, 1.2, vfov_deg=41, down_m=0.15),
        Clothes((0.02, 0.25, 0.4)),
    ),
    "step_tall_front": _film(
        "dev_stepdown", _STEPS, "tall man", Camera("front", 0, -2, 3.3, 1.0, -0.25, 41, 0.2),
        Clothes((0.3, 0.05, 0.4)), mirrored=True, pace=0.8,
    ),
    "squat_old_front": _film(
        _CAPTURED, _CAPTURES, "old man", Camera("front", -3, 1.5, 3.0, 1.2, 0.15, down_m=0.3),
        Clothes((0.75, 0.7, 0.6), (0.1, 0.1, 0.3), legs=1.8), pace=0.7, mirrored=True,
    ),
    "step_small_front": _film(
        "dev_stepdown", _STEPS, "small woman", Camera("front", -8, 0, 3.0, 0.9, down_m=0.25),
        Clothes((0.02, 0.4, 0.4)), pace=1.1,
    ),
    "squat_woman_rear": _film(
        _CAPTURED, _CAPTURES, "African woman", Camera("rear", 2, 0, 3.0, 1.0, down_m=0.2),
        Clothes((0.8, 0.5, 0.05), (0.03, 0.03, 0.03), _DARK), pace=1.3,
    ),
    "step_heavy_front": _film(
        "dev_stepdown", _STEPS, "heavy woman", Camera("front", 5, 0, 3.3, 1.1, down_m=0.35), Clothes((0.4, 0.4, 0.05))
    ),
    "step_old_rear": _film(
        "dev_stepdown", _STEPS, "old man", Camera("rear", 0, 0, 3.2, 1.0, down_m=0.3), Clothes((0.05, 0.1, 0.3))
    ),
}  # fmt: skip


class Floor(Stage):
    """A floor, and on it the box for a step-down: its top is 0."""

    def __init__(self, film: Film, body: Body, box_m: float) -> None:
        self.floor_m = -box_m
        super().__init__(film, body)

    def _under_feet(self) -> None:
        if self.floor_m < 0:
            self._box((-0.2, -0.13, self.floor_m), (0.24, 0.13, -0.003), (0.25, 0.17, 0.08))
            self._box((-0.2, -0.13, -0.003), (0.24, 0.13, 0.0), (0.03, 0.03, 0.035))


def read_reps(data: Path, film: Film) -> tuple[Track, dict[str, Any]]:
    """The motion of a film, and its repetitions and box as in the clips' truth, at the film's pace and side."""
    if film.motion == _CAPTURED:
        with np.load(data / "mocap" / "squats_s4.npz") as held:
            track = render.captured(held)
        truth: dict[str, Any] = {"reps": _captured_reps(track)}
    else:
        track, truth = render.clip_track(data, film.motion)
    render.varied(track, film)
    reps = []
    for rep in truth["reps"]:
        found = {key: rep[key] for key in rep if key.endswith("_added_deg")}
        for side in Side:
            key = f"valgus_added_{side.other if film.mirrored else side}_deg"
            found |= {f"valgus_added_{side}_deg": rep[key]} if key in rep else {}
        found |= {key: rep[key] / film.pace - film.start_s + _STAND_S for key in _MOMENTS}
        reps.append(found)
    last_s = _STAND_S + film.last_s
    held_truth: dict[str, Any] = {"reps": [rep for rep in reps if rep["start_s"] >= 0 and rep["end_s"] <= last_s]}
    if "stance_side" in truth:
        stance = Side(truth["stance_side"])
        held_truth["stance_side"] = str(stance.other if film.mirrored else stance)
        held_truth["box_height_m"] = truth["box_height_m"]
    return track, held_truth


def _captured_reps(track: Track) -> list[dict[str, float]]:
    """Each time that the hips are lower than half way down: from where they leave the top to where they are back."""
    height_m = track.xyz_m[:, [11, 12], 2].mean(1)
    top_m, low_m = height_m.max(), height_m.min()
    edges = np.flatnonzero(np.diff((height_m < (top_m + low_m) / 2).astype(int)))
    up = np.flatnonzero(height_m > top_m - 0.03 * (top_m - low_m))
    reps = []
    for down, back in zip(edges[::2], edges[1::2], strict=False):
        moments = up[up < down][-1], down + int(np.argmin(height_m[down:back])), up[up > back][0]
        reps.append({key: float(track.t_s[moment]) for key, moment in zip(_MOMENTS, moments, strict=True)})
    return reps


def _knee(hip: FloatArray, ankle: FloatArray, as_in: FloatArray, thigh_m: float, shank_m: float) -> FloatArray:
    """Where the knee (3,) m is that bends to the same side of the line from hip to ankle as the knee ``as_in``."""
    way = ankle - hip
    apart_m = min(float(np.linalg.norm(way)), 0.9999 * (thigh_m + shank_m))
    along = way / np.linalg.norm(way)
    aside = as_in - hip - along * ((as_in - hip) @ along)
    reach_m = (thigh_m**2 - shank_m**2 + apart_m**2) / (2 * apart_m)
    bent_m = np.sqrt(max(thigh_m**2 - reach_m**2, 0.0))
    return np.asarray(hip + reach_m * along + bent_m * aside / np.linalg.norm(aside))


def with_own_legs(body: Body, joints: Mapping[str, FloatArray], scale: float) -> dict[str, FloatArray]:
    """Joints of the motion, in the body's metres, each knee where the body's own thigh and shank have it."""
    own = {name: at * scale for name, at in joints.items()}
    for side in Side:
        hip, knee, ankle = (f"{side}_{joint}" for joint in _LEG)
        thigh_m, shank_m = (
            float(np.linalg.norm(body.joints[a] - body.joints[b])) for a, b in ((hip, knee), (knee, ankle))
        )
        own[knee] = _knee(own[hip], own[ankle], own[knee], thigh_m, shank_m)
    return own


def leaning(body: Body, joints: Mapping[str, FloatArray]) -> tuple[FloatArray, dict[str, FloatArray]]:
    """`Body.posed` with flat feet and the middle of the shoulders exactly where ``joints`` have it from the hips.

    A spine that bends between a pelvis and shoulders that lean otherwise brings the shoulders only part of the way.
    """
    aim = dict(joints)
    way = _trunk(joints)
    vertices, found = body.posed(aim, _FLAT)
    for _ in range(4):
        seen = _trunk(found)
        off = way - seen * np.linalg.norm(way) / np.linalg.norm(seen)
        aim |= {f"{side}_{joint}": aim[f"{side}_{joint}"] + off for side in Side for joint in _ARM}
        vertices, found = body.posed(aim, _FLAT)
    return vertices, found


def _trunk(joints: Mapping[str, FloatArray]) -> FloatArray:
    shoulders, hips = (joints[f"left_{joint}"] + joints[f"right_{joint}"] for joint in ("shoulder", "hip"))
    return np.asarray(shoulders - hips) / 2


def make(film: Film, makehuman: Path, data: Path, path: Path) -> None:
    """Renders one film and writes its truth beside it."""
    body = Body(makehuman, BODIES[film.body])
    track, truth = read_reps(data, film)
    t_s = film.start_s + np.maximum(np.arange(0, _STAND_S + film.last_s, 1 / FPS) - _STAND_S, 0.0)
    moved = CubicSpline(track.t_s, track.xyz_m)(t_s)
    scale = render.leg_scale(body, moved)
    standing = [f"{side}_ankle" for side in ([Side(truth["stance_side"])] if "stance_side" in truth else Side)]
    up_m = body.joints["left_ankle"][2] - body.ground_m
    pictures, joints = [], []
    for row in moved:
        own = with_own_legs(body, dict(zip(KEYPOINT_NAMES, row, strict=True)), scale)
        vertices, found = leaning(body, own)
        shift = np.array([0.0, 0.0, up_m]) - np.mean([found[ankle] for ankle in standing], axis=0)
        pictures.append(vertices + shift)
        joints.append(np.array([found[name] for name in KEYPOINT_NAMES]) + shift)
    box_m = truth.get("box_height_m", 0.0) * scale
    stage = Floor(film, body, box_m)
    stage.film(path, [pictures], np.zeros(len(pictures)))
    xyz_m = np.array(joints)
    stance = Side(truth["stance_side"]) if "stance_side" in truth else None
    truth["reps"] = [rep | true_angles(xyz_m, rep, stance, body.leg_m) for rep in truth["reps"]]
    truth |= {"clip": path.name, "body": film.body, "height_m": round(body.height_m, 3), "pace": film.pace}
    truth |= {"box_height_m": round(box_m, 3), "lens_above_floor_m": round(film.camera.height_m + box_m, 3)}
    path.with_suffix(".json").write_text(json.dumps(truth | render.seen_truth(film, stage, xyz_m)), "utf-8")


def true_angles(xyz_m: FloatArray, rep: Mapping[str, float], stance: Side | None, leg_m: float) -> dict[str, float]:
    """Of one repetition in joints (n, 17, 3) m, names and signs as in the clips' truth.

    Pelvis and trunk are told at its start, too, and how far the middle of the hips falls, in straight legs.
    """
    start, bottom = (min(round(rep[key] * FPS), len(xyz_m) - 1) for key in ("start_s", "bottom_s"))
    across = np.stack([xyz_m[..., 1], -xyz_m[..., 2]], axis=-1)
    angles = {
        f"fppa_frontal3d_{side}_bottom_deg": float(k.fppa_image_deg(across[bottom], side)) for side in Side
    }
    for name, moment in (("start", start), ("bottom", bottom)):
        angles[f"pelvic_drop_{name}_deg"] = float(k.pelvic_drop_deg(across[moment], stance or Side.RIGHT))
        angles[f"trunk_lean_{name}_deg"] = float(k.trunk_lean_deg(across[moment], stance or Side.LEFT))
    angles["depth_leg"] = float(np.ptp(xyz_m[[start, bottom]][:, [11, 12], 2].mean(1))) / leg_m
    return {key: round(value, 3) for key, value in angles.items()}


def main(argv: Sequence[str] | None = None) -> int:
    return render.main(argv, FILMS, make, __doc__)


if __name__ == "__main__":
    raise SystemExit(main())
