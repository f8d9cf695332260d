"""A room without anybody, and with somebody, as a camera shows it that may be turned."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

from tests.model.bystanders import Image

#: Twice as large as the picture, so that the camera may look elsewhere.
WORLD_PX = (960, 1280)


def make_world(seed: int = 7, clutter: int = 250) -> Image:
    """A room with so many things in it, flat, large and small."""
    rng = np.random.default_rng(seed)
    world = np.full((*WORLD_PX, 3), 128, np.uint8)
    for _ in range(clutter):
        y, x = rng.integers(0, WORLD_PX[0]), rng.integers(0, WORLD_PX[1])
        size = rng.integers(10, 120, 2)
        world[y : y + size[0], x : x + size[1]] = rng.integers(0, 255, 3)
    return np.asarray(cv2.GaussianBlur(world, (0, 0), 1.0), np.uint8)


def shown(world: Image, right_px: float = 0.0, down_px: float = 0.0, roll_deg: float = 0.0) -> Image:
    """What a camera shows (480, 640) of it that is turned so far."""
    turn = np.asarray(cv2.getRotationMatrix2D((640, 480), roll_deg, 1.0), np.float64)
    turn[:, 2] -= (320 + right_px, 240 + down_px)
    return np.asarray(cv2.warpAffine(world, turn, (640, 480), flags=cv2.INTER_LINEAR), np.uint8)


@cache
def _clothes(seed: int) -> Image:
    return shown(make_world(seed), 200, 100)


def with_person(image: Image, x_px: float, width_px: float = 150, seed: int = 3) -> Image:
    """Somebody with clothes of their own who stands in front of it."""
    mask = np.zeros(image.shape[:2], np.uint8)
    cv2.ellipse(mask, (round(x_px), 300), (round(width_px / 2), 260), 0.0, 0.0, 360.0, (255.0,), -1)
    moved = np.roll(_clothes(seed), round(x_px), axis=1)
    return np.where(mask[..., None] > 0, moved, image).astype(np.uint8)
