"""Renders runs whose body, motion, pace, clothes, light and camera are drawn by chance, for `../chance_table.py`:

    bodies/bin/python tests/validation/bodies/chance.py --out DIR [NAME ...]

in the environment that `render.py` describes. Nothing may be tuned on them: who has looked at why one of them fails
draws others, by another `SEED`. A film takes two to three minutes on one x86 core.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np

REPO = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(REPO))

from model.pose import FloatArray  # noqa: E402
from tests.validation.bodies.render import BODIES, SKINS, Camera, Clothes, Colour, Film, main  # noqa: E402

SEED, COUNT = 29, 10
#: Motions, and where in each the film begins, s.
_MOTIONS = (
    ("captured", 0.0), ("demo_front", 5.0), ("dev_front_yaw", 1.5), ("dev_front_yaw6", 0.0), ("dev_front_offset", 0.0),
    ("dev_rear_yaw12", 0.0),
)  # fmt: skip
#: From how far aside the camera looks, degrees: by turns, once in front and once behind; two of eight are out of range.
_AZIMUTHS_DEG = (
    (-12.0, -9.5), (9.5, 12.0), (-9.0, 9.0), (12.0, 12.0), (-12.0, -12.0), (15.5, 18.5), (-18.5, -15.5), (-8.0, 8.0)
)  # fmt: skip
#: Half of what is seen across the middle of the runner from top to bottom, m.
_HALF_SEEN_M = 1.17
#: Where the camera's middle looks, m above the belt.
_MIDDLE_M = 0.9
#: A tall man in the whole picture needs this distance, m.
_TALL_M = 3.0


def drawn(seed: int, count: int) -> Mapping[str, Film]:
    """Films by chance, by their names; the same for the same seed."""
    rng = np.random.default_rng(seed)
    films = {}
    for number in range(count):
        view = ("front", "rear")[number % 2]
        low, high = _AZIMUTHS_DEG[number // 2 % len(_AZIMUTHS_DEG)]
        azimuth_deg = rng.uniform(low, high) if low < high else low
        distance_m, height_m = rng.uniform(2.5, 3.5), rng.uniform(0.8, 1.6)
        offset_m = rng.uniform(-0.5, 0.5) if rng.random() < 0.5 else 0.0
        roll_deg = rng.uniform(-3, 3)
        yaw_deg = _yaw_deg(azimuth_deg, distance_m, offset_m if view == "front" else -offset_m)
        motion, start_s = _MOTIONS[rng.integers(len(_MOTIONS))]
        pace = rng.uniform(0.7, 1.0) if motion == "captured" else rng.uniform(0.88, 1.12)
        body = list(BODIES)[rng.integers(len(BODIES))]
        if body == "tall man":
            distance_m = max(distance_m, _TALL_M)
        skin = SKINS[int(rng.integers(len(SKINS)))]
        shirt, shorts = _colour(rng.uniform(0.02, 0.8, 3)), _colour(rng.uniform(0.02, 0.4) * rng.uniform(0.5, 1, 3))
        clothes = Clothes(shirt, shorts, skin, legs=0.6 if rng.random() < 0.75 else 1.8)
        vfov_deg = math.degrees(2 * math.atan(_HALF_SEEN_M / distance_m))
        camera = Camera(view, yaw_deg, roll_deg, distance_m, height_m, offset_m, vfov_deg, height_m - _MIDDLE_M)
        mirrored, light = bool(rng.random() < 0.5), float(rng.integers(3) - 1)
        films[f"chance_{seed}_{number:02d}_{view}"] = Film(
            motion, body, camera, clothes, start_s if pace < 1.05 else 0.9 * start_s, pace, mirrored,
            last_s=10.0, light=light,
        )  # fmt: skip
    return films


def _yaw_deg(azimuth_deg: float, distance_m: float, aside_m: float) -> float:
    """Yaw of a camera that is ``aside_m`` to the side of yaw +, so that it looks from that azimuth."""
    yaw = math.radians(azimuth_deg)
    for _ in range(50):
        across_m = distance_m * math.sin(yaw) + aside_m
        yaw += math.radians(azimuth_deg) - math.atan2(across_m, distance_m * math.cos(yaw))
    return math.degrees(yaw)


def _colour(rgb: FloatArray) -> Colour:
    red, green, blue = rgb.tolist()
    return red, green, blue


if __name__ == "__main__":
    raise SystemExit(main(films=drawn(SEED, COUNT), says=__doc__))
