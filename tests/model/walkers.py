"""Walkers and runners whose steps are known in closed form, seen by a pinhole camera."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from model.pose import LEGS, MIRROR_INDEX, FloatArray, Pose, Side, View

_THIGH_M = _SHANK_M = 0.43
_ANKLE_M, _STAND_M = 0.08, 0.93
_HALF_HIP_M, _HALF_SHOULDER_M, _TORSO_M = 0.1, 0.18, 0.5
#: Ankles beside each other in the middle of the belt, and on the side rails.
_TRACK_M, _RAIL_M, _RAIL_HIGH_M = 0.06, 0.3, 0.1


@dataclass(frozen=True, slots=True)
class Camera:
    """Where it stands: metres from the runner, metres above the belt, degrees aside, pixels."""

    view: View = View.FRONT
    distance_m: float = 3.0
    height_m: float = 1.1
    yaw_deg: float = 0.0
    size_px: tuple[int, int] = (640, 480)
    focal_px: float = 640.0

    def project(self, xyz_m: FloatArray) -> FloatArray:
        """(..., 3) x forward, y up, z to the runner's right, to (..., 2) px."""
        azimuth = math.radians({View.FRONT: 0.0, View.REAR: 180.0, View.SIDE: 90.0}[self.view] + self.yaw_deg)
        back = np.array([math.cos(azimuth), 0.0, math.sin(azimuth)])
        across = np.array([math.sin(azimuth), 0.0, -math.cos(azimuth)])
        seen = xyz_m - back * self.distance_m - np.array([0.0, self.height_m, 0.0])
        depth = -(seen @ back)
        centre = np.array(self.size_px) / 2
        px: FloatArray = centre + self.focal_px * np.stack([seen @ across, -seen[..., 1]], -1) / depth[..., None]
        return px


@dataclass(frozen=True, slots=True)
class Walker:
    """A walker, runner or stander on a belt.

    Attributes:
        schedule: (from when, steps per minute); 0 is standing.
        duty: contact time as a share of the stride; above 0.5 is walking, unless ``grounded``.
        speed_m_s: of the belt.
        bounce_m: amplitude of the trunk; lowest amid stance when running, amid double support when walking.
        rails: whether standing is done on the side rails.
        left_at: when in the right foot's stride the left foot strikes; 0.5 but in a limp.
        sway_m: amplitude of hips and trunk across the belt, furthest over the standing foot amid its stance.
        grounded: whether it is running, though a foot is always down: a runner's trunk and legs.
    """

    schedule: tuple[tuple[float, float], ...] = ((0.0, 170.0),)
    duty: float = 0.35
    speed_m_s: float = 3.0
    bounce_m: float = 0.035
    rails: bool = False
    left_at: float = 0.5
    sway_m: float = 0.0
    grounded: bool = False
    _ramp_s: float = field(default=0.5)

    @property
    def runs(self) -> bool:
        return self.grounded or self.duty < 0.5

    def strikes_s(self, side: Side, end_s: float) -> FloatArray:
        return self._when(self._at(side), end_s)

    def toe_offs_s(self, side: Side, end_s: float) -> FloatArray:
        return self._when(self.duty + self._at(side), end_s)

    def _at(self, side: Side) -> float:
        return 0.0 if side is Side.RIGHT else self.left_at

    def _when(self, offset: float, end_s: float) -> FloatArray:
        t = np.arange(0.0, end_s, 1e-3)
        phase = np.array([self._phase(x) for x in t]) - offset
        crossing = np.flatnonzero(np.diff(np.floor(phase)) > 0)
        when: FloatArray = t[crossing + 1]
        return when

    def _phase(self, t_s: float) -> float:
        """Strides since the start; the right foot strikes at whole numbers."""
        phase = 0.25
        for (start, spm), (end, _) in zip(self.schedule, (*self.schedule[1:], (math.inf, 0.0)), strict=True):
            phase += max(0.0, min(t_s, end) - start) * spm / 120
        return phase

    def _effort(self, t_s: float) -> float:
        """0 standing to 1 moving, with a ramp."""
        effort = 1.0 if self.schedule[0][1] else 0.0
        for (start, spm), (_, before) in zip(self.schedule[1:], self.schedule, strict=False):
            share = min(max((t_s - start) / self._ramp_s, 0.0), 1.0)
            target = 1.0 if spm else 0.0
            effort += (target - (1.0 if before else 0.0)) * share
        return effort

    def stride_s(self, t_s: float) -> float:
        spm = [spm for start, spm in self.schedule if start <= t_s and spm] or [self.schedule[-1][1] or 170.0]
        return 120 / spm[-1]

    def joints_m(self, t_s: float) -> FloatArray:
        """(17, 3) x forward, y up, z to the runner's right."""
        phase, effort = self._phase(t_s), self._effort(t_s)
        lowest = self.duty / 2 if self.runs else (self.duty - 0.5) / 2
        high = _STAND_M - effort * (0.05 + self.bounce_m * math.cos(4 * math.pi * self._evened(phase - lowest)))
        aside_m = effort * self.sway_m * math.cos(2 * math.pi * (self._evened(phase) - self.duty / 2))
        xyz = np.zeros((17, 3))
        for side, sign in ((Side.LEFT, -1), (Side.RIGHT, 1)):
            leg = LEGS[side]
            along, up = self._foot_m(phase - self._at(side), self.stride_s(t_s))
            width = _TRACK_M + (1 - effort) * (_RAIL_M - _TRACK_M if self.rails else 0.0)
            floor = _ANKLE_M + (1 - effort) * (_RAIL_HIGH_M if self.rails else 0.0)
            hip = np.array([0.0, high, sign * _HALF_HIP_M + aside_m])
            ankle = np.array([effort * along, floor + effort * up, sign * width])
            xyz[leg.hip], xyz[leg.ankle], xyz[leg.knee] = hip, ankle, _knee_m(hip, ankle)
            xyz[leg.shoulder] = [0.05, high + _TORSO_M, sign * _HALF_SHOULDER_M + aside_m]
            arm = leg.shoulder
            xyz[arm + 2] = xyz[arm] + [-0.1, -0.25, sign * 0.05]
            xyz[arm + 4] = xyz[arm + 2] + [0.25, 0.05, 0.0]
        head = np.array([0.05, high + _TORSO_M + 0.2, aside_m])
        for joint, aside in ((0, 0.0), (1, -0.03), (2, 0.03), (3, -0.07), (4, 0.07)):
            xyz[joint] = head + np.array([0.1 if joint < 3 else 0.0, 0.03 if joint in (1, 2) else 0.0, aside])
        return xyz

    def _evened(self, phase: float) -> float:
        """With both steps of the stride equally long."""
        s = phase % 1.0
        return s / self.left_at / 2 if s < self.left_at else 1 - (1 - s) / (1 - self.left_at) / 2

    def _foot_m(self, phase: float, stride_s: float) -> tuple[float, float]:
        """Ankle ahead of the hip and above its height on the belt."""
        s = phase % 1.0
        contact_m = self.speed_m_s * self.duty * stride_s
        front_m, rear_m = 0.42 * contact_m, -0.58 * contact_m
        heel_m = 0.08
        if s < self.duty:
            share = s / self.duty
            return front_m - contact_m * share, heel_m * max(0.0, (share - 0.6) / 0.4) ** 2
        q = (s - self.duty) / (1 - self.duty)
        slope = -self.speed_m_s * (1 - self.duty) * stride_s
        # A runner's foot lingers behind, where its heel is high.
        late = q**1.6 if self.runs else q
        along = rear_m + (front_m - rear_m) * late**2 * (3 - 2 * late) + slope * q * (1 - q) * (1 - 2 * q)
        lift = 0.25 if self.runs else 0.08
        return along, heel_m * (1 - q) ** 2 + lift * math.sin(math.pi * q) ** 2

    def poses(self, fps: float, end_s: float, camera: Camera, noise_px: float = 0.0, seed: int = 0) -> Iterator[Pose]:
        rng = np.random.default_rng(seed)
        for i in range(int(end_s * fps)):
            xy = camera.project(self.joints_m(i / fps)) + rng.normal(0.0, noise_px, (17, 2))
            yield Pose(i / fps, xy, np.full(17, 0.8), camera.size_px)


def _knee_m(hip: FloatArray, ankle: FloatArray) -> FloatArray:
    """In front of the line from hip to ankle, as far as thigh and shank leave it."""
    reach = float(np.linalg.norm(ankle - hip))
    out = math.sqrt(max(_THIGH_M**2 - (reach / 2) ** 2, 0.0))
    down = (ankle - hip) / reach
    forward = np.array([1.0, 0.0, 0.0]) - down[0] * down
    knee: FloatArray = (hip + ankle) / 2 + out * forward / np.linalg.norm(forward)
    return knee


def mirrored(pose: Pose) -> Pose:
    """The same runner in a mirror: left and right change their places."""
    order = list(MIRROR_INDEX)
    xy = pose.xy_px[order] * [-1, 1] + [pose.image_size_px[0], 0]
    return Pose(pose.t_s, xy, pose.score[order], pose.image_size_px)
