"""Renders a runner and a second person near them, with the truth of both beside, for `../pairs_table.py`.

    bodies/bin/python tests/validation/bodies/pairs.py --out DIR [NAME ...]

The environment is that of `render.py`, as are bodies and motions; the second one stands, walks (from the motion
capture) or runs.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.spatial.transform import Rotation

REPO = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(REPO))

from model.pose import FloatArray  # noqa: E402
from tests.validation.bodies.body import SKIN_VERTICES, Body  # noqa: E402
from tests.validation.bodies.render import (  # noqa: E402
    BODIES,
    Camera,
    Clothes,
    Film,
    Posed,
    Run,
    Track,
    captured,
    main,
    posed,
    read_track,
)

#: Where somebody is at a time: m ahead of the runner's place, m to the runner's left, and turned to the left, degrees.
Way = Callable[[float], tuple[float, float, float]]
_FLOOR_M = -0.2
_BLUE, _GREY, _GREEN = (0.05, 0.1, 0.5), (0.3, 0.3, 0.3), (0.03, 0.3, 0.08)
_RED = (0.6, 0.05, 0.05)
_BROWN, _DARK = (0.35, 0.19, 0.12), (0.09, 0.045, 0.025)


@dataclass(frozen=True, slots=True)
class Second:
    """Somebody else.

    Attributes:
        does: "stands", "walks", or a motion of `render.py`.
        body, clothes: who.
        way: where.
        up_m: how high they stand over the belt.
        start_s, pace: see `Film`.
    """

    does: str
    body: str
    clothes: Clothes
    way: Way
    up_m: float = 0.0
    start_s: float = 0.0
    pace: float = 1.0

    def posed(self, makehuman: Path, data: Path, t_s: FloatArray) -> tuple[Body, Posed]:
        """The body and how it is at each time."""
        body = Body(makehuman, BODIES[self.body])
        if self.does in ("stands", "walks"):
            own = posed(body, _stands(data, t_s) if self.does == "stands" else _walking(data, t_s), t_s)
            down_m = np.median([vertices[:SKIN_VERTICES, 2].min() for vertices in own.vertices])
        else:
            run = read_track(data, Film(self.does, self.body, _FRONT, self.clothes, pace=self.pace))
            own, down_m = posed(body, run, t_s + self.start_s), 0.0
        for i, moment_s in enumerate(t_s):
            ahead_m, left_m, turned_deg = self.way(float(moment_s))
            turn = Rotation.from_euler("z", turned_deg, degrees=True).as_matrix()
            shift = np.array([ahead_m, left_m, self.up_m - down_m])
            own.vertices[i] = own.vertices[i] @ turn.T + shift
            own.joints[i] = own.joints[i] @ turn.T + shift
        return body, own


@dataclass(frozen=True, slots=True)
class Pair(Film):
    """A film of a runner near whom somebody else is."""

    second: Second = field(kw_only=True)


def make(film: Film, makehuman: Path, data: Path, path: Path) -> None:
    """Renders one pair and writes its truth beside it, with the second one's joints in it."""
    assert isinstance(film, Pair)
    run = Run(film, makehuman, data)
    body, other = film.second.posed(makehuman, data, run.t_s)
    run.stage.add(film.second.clothes, body)
    run.stage.film(path, [run.runner.vertices, other.vertices], run.belt_m)
    seen = {"uv": run.stage.seen(other.joints).round(2).tolist(), "xyz": other.joints.round(4).tolist()}
    truth = run.truth(path.name) | {"second": {"body": film.second.body, **seen}}
    path.with_suffix(".json").write_text(json.dumps(truth), "utf-8")


def _stands(data: Path, t_s: FloatArray) -> Track:
    """The runner who stands before they run; both feet on the ground throughout."""
    track = read_track(data, Film("dev_standing_then_run", "man", _FRONT, Clothes(_RED)))
    first = track.xyz_m[15]
    always = [(side, float(t_s[0]) - 100, float(t_s[-1]) + 120, 0.0) for side in ("left", "right")]
    return Track(t_s, np.repeat(first[None], len(t_s), axis=0), always)


#: A stride of the captured walk.
_WALK_STRIDE_S = 1.095


def _walking(data: Path, t_s: FloatArray) -> Track:
    """The captured walk again and again, on the spot."""
    with np.load(data / "mocap" / "walking_s4.npz") as held:
        track = captured(held)
    xyz_m, at_s = track.xyz_m, track.t_s
    hips = xyz_m[:, [11, 12], :2].mean(1)
    way = np.linalg.lstsq(np.stack([np.ones_like(at_s), at_s], axis=1), hips, rcond=None)[0]
    xyz_m[..., :2] -= (way[0] + at_s[:, None] * way[1])[:, None]
    spline, over_s = CubicSpline(at_s, xyz_m), float(at_s[-1]) - _WALK_STRIDE_S
    phase_s = t_s % _WALK_STRIDE_S
    share = np.clip(1 - phase_s / over_s, 0, 1)[:, None, None]  # the end of a stride goes over into the next one
    joints = (1 - share) * spline(phase_s) + share * spline(np.minimum(phase_s + _WALK_STRIDE_S, at_s[-1]))
    return Track(t_s, joints)


def _at(ahead_m: float, left_m: float, turned_deg: float = 0.0) -> Way:
    return lambda t_s: (ahead_m, left_m, turned_deg)


def _walks(ahead_m: float, speed_m_s: float, through_s: float, along: bool = False, left_m: float = 0.0) -> Way:
    """Across before or behind the runner, to the left if the speed is positive; ``along``: ahead, beside the belt."""
    if along:
        return lambda t_s: (speed_m_s * (t_s - through_s), left_m, 0.0 if speed_m_s > 0 else 180.0)
    return lambda t_s: (ahead_m, speed_m_s * (t_s - through_s), 90.0 if speed_m_s > 0 else -90.0)


def _comes(ahead_m: float, left_m: float, from_left_m: float, turned_deg: float = 0.0) -> Way:
    """Steps there from the side within a second from 3 s on, stays until 6 s, and goes back."""

    def way(t_s: float) -> tuple[float, float, float]:
        share = float(np.clip(t_s - 3, 0, 1) * np.clip(7 - t_s, 0, 1))
        return (ahead_m, from_left_m + share * (left_m - from_left_m), turned_deg)

    return way


_FRONT, _REAR = Camera("front", 3), Camera("rear", -4, distance_m=3.0, height_m=1.1, vfov_deg=41)
_RIGHT, _LEFT = Camera("right", height_m=1.0, vfov_deg=41), Camera("left", height_m=1.0, vfov_deg=41)

PAIRS: Mapping[str, Pair] = {
    "neighbour_front": Pair(
        "dev_front_yaw6", "woman", _FRONT, Clothes((0.8, 0.8, 0.8)), last_s=9,
        second=Second("captured", "man", Clothes(_BLUE), _at(0.1, 1.2), pace=0.9),
    ),
    "behind_front": Pair(
        "captured", "man", _FRONT, Clothes(_RED, skin=_BROWN), last_s=9,
        second=Second("walks", "woman", Clothes(_GREY, legs=1.9), _walks(-2.2, 1.2, 4.5), _FLOOR_M),
    ),
    "before_front": Pair(
        "dev_front_yaw", "thin man", _FRONT, Clothes(_GREEN), last_s=9,
        second=Second("walks", "heavy man", Clothes(_GREY, legs=1.9), _walks(1.4, -0.9, 4.5), _FLOOR_M),
    ),
    "trainer_front": Pair(
        "dev_front_yaw6", "muscular man", _FRONT, Clothes(_BLUE, skin=_DARK), last_s=9,
        second=Second("stands", "woman", Clothes((0.8, 0.8, 0.8), legs=1.9), _comes(0.3, -0.65, -1.9, 90.0), _FLOOR_M),
    ),
    "belt_front": Pair(
        "dev_front_yaw", "woman", _FRONT, Clothes(_RED), last_s=9,
        second=Second("captured", "man", Clothes(_GREEN), _comes(-0.75, 0.2, 1.5), start_s=0.3, pace=0.9),
    ),
    "alike_front": Pair(
        "dev_front_yaw", "man", _FRONT, Clothes(_RED), last_s=9,
        second=Second("captured", "man", Clothes(_RED), _comes(-0.75, -0.2, -1.5), start_s=0.3, pace=0.95),
    ),
    "neighbour_rear": Pair(
        "dev_rear_yaw12", "man", _REAR, Clothes(_GREEN), last_s=9,
        second=Second("captured", "woman", Clothes(_RED), _at(0.2, -1.1), pace=0.9),
    ),
    "before_rear": Pair(
        "captured", "woman", _REAR, Clothes((0.7, 0.1, 0.3), legs=1.8), last_s=9,
        second=Second("walks", "man", Clothes(_BLUE, legs=1.9), _walks(-1.5, 0.8, 4.5), _FLOOR_M),
    ),
    "belt_rear": Pair(
        "dev_rear_yaw12", "old man", _REAR, Clothes((0.8, 0.8, 0.75)), last_s=9,
        second=Second("captured", "woman", Clothes(_BLUE), _comes(-0.7, -0.25, -1.5), pace=0.9),
    ),
    "facing_rear": Pair(
        "captured", "muscular man", _REAR, Clothes(_BLUE, skin=_DARK), last_s=9,
        second=Second("stands", "heavy woman", Clothes(_RED, legs=1.9), _comes(1.6, 0.3, 1.9, 180.0), _FLOOR_M),
    ),
    "neighbour_side": Pair(
        "dev_front_yaw6", "woman", _RIGHT, Clothes((0.8, 0.8, 0.8)), last_s=9,
        second=Second("captured", "man", Clothes(_BLUE), _at(0.15, 1.3), pace=0.9),
    ),
    "neighbour_before_side": Pair(
        "captured", "man", _LEFT, Clothes(_RED), last_s=9,
        second=Second("captured", "woman", Clothes(_GREEN), _at(-0.7, 1.2), pace=0.9),
    ),
    "before_side": Pair(
        "captured", "thin man", _RIGHT, Clothes(_GREEN), last_s=9,
        second=Second("walks", "woman", Clothes(_GREY, legs=1.9), _walks(0, -0.9, 4.5, True, -1.3), _FLOOR_M),
    ),
    "behind_side": Pair(
        "dev_front_yaw", "old woman", _LEFT, Clothes(_BLUE, skin=_BROWN), last_s=9,
        second=Second("walks", "man", Clothes(_GREY, legs=1.9), _walks(0, 1.1, 4.5, True, -1.4), _FLOOR_M),
    ),
    "belt_side": Pair(
        "dev_front_yaw", "woman", _RIGHT, Clothes(_RED), last_s=9,
        second=Second("captured", "man", Clothes(_GREEN), _comes(-0.7, 0.1, 2.0), start_s=0.3, pace=0.9),
    ),
    "trainer_side": Pair(
        "captured", "muscular man", _LEFT, Clothes(_GREY, skin=_DARK), last_s=9,
        second=Second("stands", "woman", Clothes((0.8, 0.8, 0.8), legs=1.9), _comes(0.5, -0.75, -2.2, 90.0), _FLOOR_M),
    ),
    "neighbour_tall_side": Pair(
        "captured", "old woman", _LEFT, Clothes(_RED, skin=_BROWN), last_s=9, pace=0.92,
        second=Second("captured", "tall man", Clothes(_BLUE, legs=1.8), _at(-0.1, -1.2), pace=1.05, start_s=0.4),
    ),
    "belt_ahead_side": Pair(
        "captured", "man", _LEFT, Clothes(_GREY), last_s=9,
        second=Second("dev_front_yaw", "thin man", Clothes(_RED), _comes(0.6, 0.0, -2.0), start_s=0.5),
    ),
    "behind_slow_side": Pair(
        "dev_front_yaw6", "heavy woman", _RIGHT, Clothes(_GREEN), last_s=9,
        second=Second("walks", "man", Clothes(_RED, legs=1.9), _walks(0, 0.5, 4.5, True, 1.2), _FLOOR_M),
    ),
    "before_slow_front": Pair(
        "captured", "youth", _FRONT, Clothes(_BLUE), last_s=9,
        second=Second("walks", "old woman", Clothes(_BLUE, legs=1.9), _walks(1.0, 0.6, 4.5), _FLOOR_M),
    ),
    "belt_heavy_front": Pair(
        "dev_front_yaw6", "small woman", _FRONT, Clothes(_GREY), last_s=9,
        second=Second("captured", "heavy man", Clothes(_GREEN), _comes(-0.6, -0.25, -1.5), pace=0.92),
    ),
    "belt_ahead_rear": Pair(
        "captured", "African woman", _REAR, Clothes(_GREEN, skin=_DARK, legs=1.8), last_s=9, pace=0.95,
        second=Second("captured", "man", Clothes(_RED), _comes(0.7, 0.2, 1.5), start_s=0.3),
    ),
    "trainer_near_rear": Pair(
        "dev_rear_yaw12", "thin man", _REAR, Clothes(_RED), last_s=9,
        second=Second("stands", "woman", Clothes(_GREY, legs=1.9), _comes(-0.4, 0.7, 2.0, -90.0), _FLOOR_M),
    ),
}  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main(films=PAIRS, make=make, says=__doc__))
