"""People who squat or step down in closed form: every angle of theirs was put in."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from model.pose import LEGS, FloatArray, Pose, Side, View
from model.virtual_camera import Motion, VirtualCamera, project_motion

_LIMB_M = 0.42
_ANKLE_M, _TORSO_M, _HALF_HIP_M, _HALF_SHOULDER_M = 0.08, 0.5, 0.1, 0.18
#: Who stands on one leg has its foot under the body's middle.
_ONE_FOOT_M = 0.02
_OUT = {Side.LEFT: -1.0, Side.RIGHT: 1.0}


@dataclass(frozen=True, slots=True)
class Rep:
    """One repetition.

    Attributes:
        depth_m: fall of the pelvis.
        fppa_deg: by side, in the frontal plane at the bottom; it grows with the depth.
        drop_deg: hip line at the bottom, + the side that does not stand is lower; squat: the left one.
        lean_deg: trunk at the bottom, + toward the standing leg; squat: the left one.
        bend_deg: trunk at the bottom, forward.
        hand: whether a hand leaves the waist.
        down_s, low_s, up_s, top_s: time down, at the bottom, up, and at the top after it.
        back: share of the way up that is made.
    """

    depth_m: float = 0.35
    fppa_deg: dict[Side, float] = field(default_factory=dict)
    drop_deg: float = 0.0
    lean_deg: float = 0.0
    bend_deg: float = 0.0
    hand: bool = False
    down_s: float = 1.2
    low_s: float = 0.0
    up_s: float = 1.2
    top_s: float = 0.6
    back: float = 1.0

    @property
    def whole_s(self) -> float:
        return self.down_s + self.low_s + self.up_s + self.top_s

    def share(self, t_s: float) -> float:
        """0 at the top, 1 at the bottom."""
        if t_s <= 0:
            return 0.0
        if t_s < self.down_s:
            return (1 - math.cos(math.pi * t_s / self.down_s)) / 2
        t_s -= self.down_s + self.low_s
        if t_s <= 0:
            return 1.0
        return 1 - self.back * (1 - math.cos(math.pi * min(t_s / self.up_s, 1.0))) / 2


@dataclass(frozen=True, slots=True)
class Exerciser:
    """Stands, and does what ``reps`` say.

    Attributes:
        reps: one after the other.
        standing: the leg on the box; None squats on both.
        lead_s: standing before the first.
        feet_m: half the distance of the ankles.
    """

    reps: Sequence[Rep]
    standing: Side | None = None
    lead_s: float = 1.0
    feet_m: float = 0.14

    @property
    def starts_s(self) -> list[float]:
        times = [self.lead_s]
        for rep in self.reps[:-1]:
            times.append(times[-1] + rep.whole_s)
        return times

    @property
    def bottoms_s(self) -> list[float]:
        return [start + rep.down_s + rep.low_s / 2 for start, rep in zip(self.starts_s, self.reps, strict=True)]

    @property
    def ends_s(self) -> list[float]:
        return [start + rep.whole_s - rep.top_s for start, rep in zip(self.starts_s, self.reps, strict=True)]

    def motion(self, fps: float = 30.0) -> Motion:
        end_s = self.starts_s[-1] + self.reps[-1].whole_s
        t_s = np.arange(0.0, end_s, 1 / fps)
        return Motion(t_s, np.stack([self._joints_m(float(t)) for t in t_s]))

    def _joints_m(self, t_s: float) -> FloatArray:
        i = max(sum(start <= t_s for start in self.starts_s) - 1, 0)
        rep = self.reps[i]
        share = rep.share(t_s - self.starts_s[i])
        # A hair short of straight, so that a knee has a place.
        high = _ANKLE_M + 2 * _LIMB_M * 0.999 - share * rep.depth_m
        turn = math.radians(share * rep.drop_deg) * (-1.0 if (self.standing or Side.RIGHT) is Side.LEFT else 1.0)
        xyz = np.zeros((17, 3))
        for side in Side:
            leg, out = LEGS[side], _OUT[side]
            # Turned so that the left hip is lower where ``turn`` is positive.
            hip = np.array([0.0, high + out * _HALF_HIP_M * math.sin(turn), out * _HALF_HIP_M * math.cos(turn)])
            ankle = np.array([0.0, _ANKLE_M, out * (self.feet_m if self.standing is None else _ONE_FOOT_M)])
            if self.standing is side.other:
                ankle = hip - [0.0, 2 * _LIMB_M * 0.99, 0.0]
            fppa_deg = share * rep.fppa_deg.get(side, 0.0) if self.standing in (None, side) else 0.0
            xyz[leg.hip], xyz[leg.ankle] = hip, ankle
            xyz[leg.knee] = _knee_m(hip, ankle, fppa_deg, out)
        self._upper_body(xyz, rep, share, high)
        return xyz

    def _upper_body(self, xyz: FloatArray, rep: Rep, share: float, high: float) -> None:
        lean, bend = math.radians(share * rep.lean_deg), math.radians(share * rep.bend_deg)
        to, tall_m = _OUT[self.standing or Side.LEFT], _TORSO_M * math.cos(bend)
        top = np.array([_TORSO_M * math.sin(bend), high + tall_m * math.cos(lean), to * tall_m * math.sin(lean)])
        for side in Side:
            leg, out = LEGS[side], _OUT[side]
            xyz[leg.shoulder] = top + np.array([0.0, 0.0, out * _HALF_SHOULDER_M])
            xyz[leg.shoulder + 2] = top + np.array([0.0, -0.25, out * 0.3])
            away = 0.4 * share if rep.hand and side is Side.LEFT else 0.0
            xyz[leg.shoulder + 4] = xyz[leg.hip] + [0.0, 0.1, out * (0.06 + away)]
        xyz[:5] = top + np.array([0.05, 0.2, 0.0])
        xyz[[1, 3], 2] -= 0.05
        xyz[[2, 4], 2] += 0.05

    def poses(
        self, camera: VirtualCamera | View = View.FRONT, fps: float = 30.0, noise_px: float = 0.0, seed: int = 0
    ) -> list[Pose]:
        place = VirtualCamera(camera) if isinstance(camera, View) else camera
        rng = np.random.default_rng(seed)
        seen = project_motion(self.motion(fps), place, fps)
        return [
            Pose(pose.t_s, pose.xy_px + rng.normal(0.0, noise_px, (17, 2)), pose.score, pose.image_size_px)
            for pose in seen
        ]


def _knee_m(hip: FloatArray, ankle: FloatArray, fppa_deg: float, out: float) -> FloatArray:
    """As far medial of the middle of the line hip-ankle as the angle asks for, as far in front as the limbs reach."""
    line = ankle - hip
    half = float(np.linalg.norm(line)) / 2
    across = np.array([0.0, line[2], -line[1]]) / (2 * half)  # toward the runner's right, square to the line
    medial_m = half * math.tan(math.radians(fppa_deg) / 2)
    knee: FloatArray = (hip + ankle) / 2 - out * medial_m * across
    knee[0] += math.sqrt(max(_LIMB_M**2 - half**2 - medial_m**2, 0.0))
    return knee
