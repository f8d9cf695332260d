"""Motion in metres as a camera would show it: motion capture becomes poses, from any place, with MoveNet's own noise.

For replaying motion capture, and for trying what depends on where the camera stands. Axes of a motion: x forward, y up,
z to the runner's right; the belt is y = 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from model.looks import MAX_GAP_S
from model.pose import KEYPOINT_NAMES, FloatArray, Pose, View

Noise = Literal["none", "measured"]

#: Where the camera looks from before it is turned: unit vectors from the runner to the camera (forward, right).
_STANDS = {View.FRONT: (1.0, 0.0), View.REAR: (-1.0, 0.0), View.SIDE: (0.0, 1.0)}
#: Height on the runner at which a camera is aimed that is not told its pitch.
_AIM_M = 0.9
#: Samples further apart than this many of the usual distances are the edges of a hole.
_HOLE_SAMPLES = 2.5
#: Confidence of a joint that is seen; with noise, what Lightning gives on average.
_SCORE = {"none": 1.0, "measured": 0.6}


@dataclass(frozen=True, slots=True)
class Motion:
    """One person's joints over time.

    Attributes:
        t_s: (n,) seconds, increasing.
        xyz_m: (n, 17, 3) COCO-17 joints, metres, x forward, y up, z to the right; NaN where missing.
    """

    t_s: FloatArray
    xyz_m: FloatArray

    def at_rate(self, fps: float) -> Motion:
        """The same at ``fps`` frames per second, by straight lines between its own samples; missing where they lack."""
        count = int((self.t_s[-1] - self.t_s[0]) * fps + 1e-6) + 1
        t_s = np.arange(count) / fps
        after = np.clip(np.searchsorted(self.t_s - self.t_s[0], t_s), 1, len(self.t_s) - 1)
        start, end = (self.t_s[i] - self.t_s[0] for i in (after - 1, after))
        share = ((t_s - start) / (end - start))[:, None, None]
        # A joint that is missing in one of two samples is missing between them, but not at the other one itself.
        before_xyz, after_xyz = self.xyz_m[after - 1], self.xyz_m[after]
        # A straight line over a hole in the capture would be a movement that nobody made.
        hole = (end - start > max(MAX_GAP_S, _HOLE_SAMPLES * float(np.median(np.diff(self.t_s)))))[:, None, None]
        between = np.where(hole, np.nan, (1 - share) * before_xyz + share * after_xyz)
        return Motion(t_s, np.where(share < 1e-6, before_xyz, np.where(share > 1 - 1e-6, after_xyz, between)))


@dataclass(frozen=True, slots=True)
class VirtualCamera:
    """A pinhole camera beside a treadmill.

    Attributes:
        view: where it stands.
        yaw_deg: turn of its place about the vertical through the runner, + counterclockwise seen from above: toward the
            runner's left in front, toward the right behind.
        pitch_deg: of the optical axis, + looking up; None aims at the runner's hips.
        roll_deg: about the optical axis, + counterclockwise seen from behind the camera.
        height_m: above the belt.
        distance_m: from the runner, along the optical axis on the floor.
        offset_m: then moved aside without being turned, + to the camera's own right (adds to the azimuth like yaw).
        vfov_deg: full vertical field of view.
        size_px: width and height of its picture.
    """

    view: View
    yaw_deg: float = 0.0
    pitch_deg: float | None = None
    roll_deg: float = 0.0
    height_m: float = 1.2
    distance_m: float = 3.0
    offset_m: float = 0.0
    vfov_deg: float = 41.4
    size_px: tuple[int, int] = (640, 480)

    @property
    def focal_px(self) -> float:
        return self.size_px[1] / 2 / math.tan(math.radians(self.vfov_deg) / 2)

    @property
    def aim_deg(self) -> float:
        """Pitch, with the default worked out."""
        if self.pitch_deg is not None:
            return self.pitch_deg
        return math.degrees(math.atan2(_AIM_M - self.height_m, self.distance_m))

    def _level(self) -> tuple[FloatArray, FloatArray]:
        """Level unit vectors (3,): from the runner to the camera, and the camera's right."""
        forward, right = _STANDS[self.view]
        yaw = math.radians(self.yaw_deg)
        # Counterclockwise seen from above takes forward toward the left.
        back = (forward * math.cos(yaw) + right * math.sin(yaw), right * math.cos(yaw) - forward * math.sin(yaw))
        return np.array([back[0], 0.0, back[1]]), np.array([back[1], 0.0, -back[0]])

    def axes(self) -> FloatArray:
        """(3, 3): rows are the picture's right, the picture's up, and from the scene to the camera; in motion axes."""
        level, across = self._level()
        pitch, roll = math.radians(self.aim_deg), math.radians(self.roll_deg)
        back = math.cos(pitch) * level - math.sin(pitch) * np.array([0.0, 1.0, 0.0])
        up = np.cross(back, across)
        rolled = math.cos(roll) * across + math.sin(roll) * up, math.cos(roll) * up - math.sin(roll) * across
        return np.stack([*rolled, back])

    def place_m(self, runner_m: FloatArray) -> FloatArray:
        """Where it stands, (3,) metres, for a runner at ``runner_m`` (x, z)."""
        level, across = self._level()
        place: FloatArray = level * self.distance_m + across * self.offset_m
        place += np.array([runner_m[0], self.height_m, runner_m[1]])
        return place

    def project(self, xyz_m: FloatArray, runner_m: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Points (..., 3), for a runner at ``runner_m``.

        Returns:
            (..., 2) px from the picture's top left, and (...) px per metre there.
        """
        seen = (xyz_m - self.place_m(runner_m)) @ self.axes().T
        scale = self.focal_px / -seen[..., 2]
        centre = np.array(self.size_px) / 2
        return centre + seen[..., :2] * np.array([1.0, -1.0]) * scale[..., None], scale


@dataclass(frozen=True, slots=True)
class JointNoise:
    """How the pose model sees a joint, in centimetres on a runner of average size.

    Attributes:
        bias_cm: mean displacement forward, outward (away from the other side) and up.
        sd_cm: spread across and along the picture.
        lag1: correlation with the frame before, at 30 per second.
    """

    bias_cm: tuple[float, float, float]
    sd_cm: tuple[float, float]
    lag1: float


#: int8 MoveNet Lightning against the true joints of the rendered runners (front: 5 clips, rear: 2, each as it is and
#: mirrored; side: 1). The bias is the least-squares point in space over all their camera positions: hips and knees are
#: put on the visible surface. The spread is 1.48 times the median deviation, in front and behind within 67 ms of the
#: side's own mid-stance, where angles are taken: over the whole stride it is twice that, but what is the same in every
#: stride is bias of the phase, not noise. Left and right joints together; face joints are taken to be like the nose.
_FACE = ("nose", "eye", "ear")
MEASURED: dict[View, dict[str, JointNoise]] = {
    View.FRONT: {
        "face": JointNoise((2.7, 0.0, 1.5), (0.5, 0.5), 0.3),
        "shoulder": JointNoise((0.7, 0.5, 3.9), (0.2, 0.2), 0.6),
        "elbow": JointNoise((1.3, 0.3, 0.9), (0.4, 0.8), 0.7),
        "wrist": JointNoise((1.7, 0.1, 0.4), (0.7, 0.5), 0.5),
        "hip": JointNoise((8.7, -0.6, 3.3), (0.3, 0.4), 0.6),
        "knee": JointNoise((2.8, -0.1, 0.6), (0.5, 0.7), 0.6),
        "ankle": JointNoise((0.2, 0.3, 2.4), (0.4, 0.9), 0.6),
    },
    View.REAR: {
        "face": JointNoise((-10.2, 0.0, 4.6), (0.5, 1.0), 0.2),
        "shoulder": JointNoise((-2.2, 0.9, 4.1), (0.2, 0.3), 0.6),
        "elbow": JointNoise((0.1, -0.1, 0.7), (0.3, 0.3), 0.6),
        "wrist": JointNoise((-9.0, 0.0, -0.2), (2.7, 2.7), 0.7),
        "hip": JointNoise((-2.1, -1.5, 4.1), (0.4, 0.4), 0.7),
        "knee": JointNoise((-4.4, 0.7, 2.8), (0.3, 1.2), 0.7),
        "ankle": JointNoise((0.3, 1.2, 3.7), (0.5, 1.4), 0.7),
    },
    View.SIDE: {
        "face": JointNoise((-1.1, 0.0, 3.0), (0.6, 0.6), 0.4),
        "shoulder": JointNoise((-0.4, 0.0, 7.2), (1.5, 1.2), 0.7),
        "elbow": JointNoise((0.0, 0.0, 1.3), (2.3, 1.6), 0.6),
        "wrist": JointNoise((-2.5, 0.0, 0.7), (3.6, 2.4), 0.3),
        "hip": JointNoise((1.7, 0.0, 1.9), (2.7, 1.2), 0.8),
        "knee": JointNoise((-0.1, 0.0, 1.7), (1.2, 1.3), 0.3),
        "ankle": JointNoise((0.5, 0.0, 2.5), (1.6, 1.2), 0.4),
    },
}
_MEASURED_FPS = 30.0


def _noise_of(name: str, view: View) -> JointNoise:
    part = name.rsplit("_", 1)[-1]
    return MEASURED[view]["face" if part in _FACE else part]


def _shifted(xyz_m: FloatArray, view: View) -> FloatArray:
    """``xyz_m`` (n, 17, 3) with every joint's measured bias."""
    bias = np.array([_noise_of(name, view).bias_cm for name in KEYPOINT_NAMES]) / 100
    outward = [0.0 if name == "nose" else -1.0 if name.startswith("left") else 1.0 for name in KEYPOINT_NAMES]
    shifted: FloatArray = xyz_m + np.stack([bias[:, 0], bias[:, 2], bias[:, 1] * outward], axis=1)
    return shifted


def _wander_m(count: int, view: View, fps: float, seed: int) -> FloatArray:
    """(count, 17, 2) metres across and along the picture: noise that remembers (autoregressive, order 1)."""
    rng = np.random.default_rng(seed)
    noise = [_noise_of(name, view) for name in KEYPOINT_NAMES]
    sd = np.array([joint.sd_cm for joint in noise]) / 100
    kept = np.array([joint.lag1 ** (_MEASURED_FPS / fps) for joint in noise])[:, None]
    wander = rng.standard_normal((count, 17, 2))
    for i in range(1, count):
        wander[i] = kept * wander[i - 1] + np.sqrt(1 - kept**2) * wander[i]
    scaled: FloatArray = wander * sd
    return scaled


def project_motion(
    motion: Motion, camera: VirtualCamera, fps: float = 30.0, noise: Noise = "none", seed: int = 0
) -> Iterator[Pose]:
    """What ``camera`` shows of ``motion``, as the pose model would tell it.

    Args:
        motion: one person, staying where they are on the whole (a treadmill, or a few steps).
        camera: where it stands with respect to their mean place.
        fps: of its pictures.
        noise: "measured" adds the pose model's bias and noise.
        seed: of the noise; the same seed gives the same poses.

    Yields:
        One pose for each picture; joints outside the picture stay where they would be.
    """
    sampled = motion.at_rate(fps)
    hips = sampled.xyz_m[:, 11:13].mean(axis=1)
    runner_m = np.nanmean(hips, axis=0)[[0, 2]]
    xyz_m = _shifted(sampled.xyz_m, camera.view) if noise == "measured" else sampled.xyz_m
    xy_px, px_per_m = camera.project(xyz_m, runner_m)
    if noise == "measured":
        xy_px = xy_px + _wander_m(len(xy_px), camera.view, fps, seed) * px_per_m[..., None]
    for t_s, xy in zip(sampled.t_s, xy_px, strict=True):
        score = np.where(np.isfinite(xy).all(axis=1), _SCORE[noise], 0.0)
        yield Pose(float(t_s), xy, score, camera.size_px)
