"""Clips with a second person, composed from a runner's clip and cut-out people: made when needed, never stored.

A person is cut out along their keypoints (capsules around the limbs), scaled, and laid over or behind the runner.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from model.pose import MIRROR_INDEX, FloatArray, Joint, Pose

Image = NDArray[np.uint8]
_INK = (255,)
#: Limbs with their radius, and the head's, in torsos.
_LIMBS = [
    (Joint.LEFT_SHOULDER, Joint.LEFT_ELBOW, 0.15),
    (Joint.LEFT_ELBOW, Joint.LEFT_WRIST, 0.13),
    (Joint.RIGHT_SHOULDER, Joint.RIGHT_ELBOW, 0.15),
    (Joint.RIGHT_ELBOW, Joint.RIGHT_WRIST, 0.13),
    (Joint.LEFT_HIP, Joint.LEFT_KNEE, 0.2),
    (Joint.LEFT_KNEE, Joint.LEFT_ANKLE, 0.16),
    (Joint.RIGHT_HIP, Joint.RIGHT_KNEE, 0.2),
    (Joint.RIGHT_KNEE, Joint.RIGHT_ANKLE, 0.16),
]
_HEAD, _FOOT, _TRUNK = 0.3, 0.22, 0.2


def torso_px(xy: FloatArray) -> float:
    """Mid-shoulder to mid-hip of joints (17, 2)."""
    return float(np.linalg.norm(xy[[5, 6]].mean(axis=0) - xy[[11, 12]].mean(axis=0)))


def mid_hip(xy: FloatArray) -> FloatArray:
    """(2,) px of joints (17, 2)."""
    mid: FloatArray = xy[[Joint.LEFT_HIP, Joint.RIGHT_HIP]].mean(axis=0)
    return mid


def off_px(pose: Pose, joint: int, xy: FloatArray) -> float:
    """How far a joint is from the nearer of both sides' in ``xy`` (17, 2); the network may exchange them."""
    return min(math.dist(pose.xy_px[joint], xy[side]) for side in (joint, MIRROR_INDEX[joint]))


def body_mask(shape: tuple[int, ...], xy: FloatArray) -> FloatArray:
    """(H, W) 0 to 1: where the body with joints ``xy`` (17, 2) is."""
    mask = np.zeros(shape[:2], np.uint8)
    unit = torso_px(xy)

    def point(p: FloatArray) -> tuple[int, int]:
        return round(float(p[0])), round(float(p[1]))

    for a, b, radius in _LIMBS:
        cv2.line(mask, point(xy[a]), point(xy[b]), _INK, max(2, int(2 * radius * unit)))
    trunk = xy[[Joint.LEFT_SHOULDER, Joint.RIGHT_SHOULDER, Joint.RIGHT_HIP, Joint.LEFT_HIP]]
    hull = np.round(cv2.convexHull(trunk.astype(np.float32))).astype(np.int32)
    cv2.fillPoly(mask, [hull], _INK)
    cv2.polylines(mask, [hull], True, _INK, max(2, int(2 * _TRUNK * unit)))
    neck = xy[[5, 6]].mean(axis=0)
    face = np.nanmean(xy[:5], axis=0)
    cv2.circle(mask, point(face), int(_HEAD * unit), _INK, -1)
    cv2.line(mask, point(face), point(neck), _INK, int(0.3 * unit))
    for ankle in (Joint.LEFT_ANKLE, Joint.RIGHT_ANKLE):
        cv2.circle(mask, point(xy[ankle] + [0, 0.1 * unit]), int(_FOOT * unit), _INK, -1)
    soft: FloatArray = cv2.GaussianBlur(mask, (5, 5), 0).astype(np.float64) / 255
    return soft


@dataclass(frozen=True, slots=True)
class Sprite:
    """A cut-out person: picture (H, W, 3), mask (H, W) 0 to 1, and joints (17, 2) px in it."""

    image: Image
    mask: FloatArray
    xy: FloatArray

    def placed(
        self, shape: tuple[int, ...], hip: Sequence[float], torso: float
    ) -> tuple[Image, FloatArray, FloatArray]:
        """Picture and mask of the size ``shape``, and joints; mid-hip at ``hip``, torso ``torso`` px."""
        scale = torso / torso_px(self.xy)
        shift = np.asarray(hip) - mid_hip(self.xy) * scale
        warp = np.array([[scale, 0.0, shift[0]], [0.0, scale, shift[1]]])
        size = (shape[1], shape[0])
        image = cv2.warpAffine(self.image, warp, size, flags=cv2.INTER_LINEAR)
        mask = cv2.warpAffine(self.mask, warp, size, flags=cv2.INTER_LINEAR)
        return np.asarray(image, np.uint8), np.asarray(mask, np.float64), self.xy * scale + shift


def cut_out(image: Image, xy: FloatArray) -> Sprite:
    """The person with joints ``xy`` (17, 2) as a sprite."""
    margin = int(0.8 * torso_px(xy))
    x0, y0 = np.maximum(np.nanmin(xy, axis=0).astype(int) - margin, 0)
    x1, y1 = np.nanmax(xy, axis=0).astype(int) + margin
    mask = body_mask(image.shape, xy)
    return Sprite(image[y0:y1, x0:x1].copy(), mask[y0:y1, x0:x1], xy - [x0, y0])


#: Where someone is at a time: mid-hip x, y and torso length in px, and whether they are in front; None where absent.
Path = Callable[[float], tuple[float, float, float, bool] | None]


def with_second_person(
    frames: Iterator[tuple[float, Image, FloatArray]], sprites: Sequence[Sprite], path: Path
) -> Iterator[tuple[float, Image, FloatArray, FloatArray | None, float]]:
    """Frames of a runner (time, RGB picture, joints) with someone laid in.

    Yields:
        Time, picture, the runner's joints, the other's joints or None, and what share of the runner is covered.
    """
    for n, (t_s, image, runner) in enumerate(frames):
        at = path(t_s)
        if at is None:
            yield t_s, image, runner, None, 0.0
            continue
        x, y, torso, in_front = at
        other, mask, xy = sprites[n % len(sprites)].placed(image.shape, (x, y), torso)
        body = body_mask(image.shape, runner)
        covered = float((mask * body).sum() / body.sum()) if in_front else 0.0
        if not in_front:
            mask = mask * (1 - body)
        x0, y0, width, height = cv2.boundingRect(np.asarray(mask > 0, np.uint8))
        there = np.s_[y0 : y0 + height, x0 : x0 + width]
        alpha, mixed = mask[there][..., None], image.copy()
        mixed[there] = (alpha * other[there] + (1 - alpha) * image[there]).astype(np.uint8)
        yield t_s, mixed, runner, xy, covered
