"""Both legs in space from one picture: a bent knee's depth told by how much thigh and shank are foreshortened.

In a deep squat the knees come a third of a leg toward a camera in front, and the picture makes them larger and lower
than they are; seen from aside they move aside as well. The template of running stance (`frontal`) does not fit there.
But the lengths of thigh and shank are known from standing, the feet stay where they stood, and a knee bends forward
only: that leaves one place on its ray for the knee, and one for the hip. The trunk bends forward only, too: that leaves
one for the shoulders. Trials and limits: screening.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from model.camera_geometry import ROLL_SHARE, level_rays
from model.camera_pose import CameraPose
from model.pitch import UNKNOWN_HEIGHTS, Heights, standing_pitch
from model.pose import LEGS, FloatArray, Joint, Side, View

_HIPS = [Joint.LEFT_HIP, Joint.RIGHT_HIP]
_SHOULDERS = [Joint.LEFT_SHOULDER, Joint.RIGHT_SHOULDER]
_ANKLES = [Joint.LEFT_ANKLE, Joint.RIGHT_ANKLE]
#: A limb does not look longer than it is by more than this share, unless the camera stands elsewhere than it is taken
#: to or the pose model errs.
_TOO_LONG = 0.12


@dataclass(frozen=True, slots=True)
class StandingLegs:
    """What standing on straight legs tells.

    Attributes:
        view: front or rear.
        focal_px: of the camera.
        image_size_px: width and height.
        yaw_deg, roll_deg, pitch_deg: of the camera, signs of `CameraPose`.
        pitch_sd_deg: how uncertain the pitch is.
        distance: of the feet from the camera along the floor, in straight legs.
        thigh, shank: by side, in straight legs of the mean of both sides.
        trunk: from mid-hip to mid-shoulder, likewise; NaN where the shoulders are not seen.
    """

    view: View
    focal_px: float
    image_size_px: tuple[int, int]
    yaw_deg: float
    roll_deg: float
    pitch_deg: float
    pitch_sd_deg: float
    distance: float
    thigh: Mapping[Side, float]
    shank: Mapping[Side, float]
    trunk: float

    @classmethod
    def measure(
        cls,
        xy_px: FloatArray,
        view: View,
        focal_px: float,
        image_size_px: tuple[int, int],
        camera: CameraPose,
        tested: Side | None = None,
        heights: Heights = UNKNOWN_HEIGHTS,
    ) -> Self:
        """From one pose (17, 2) of standing; NaN where a joint is missing.

        Args:
            xy_px: the pose, the mean of many.
            view: front or rear.
            focal_px: of the camera.
            image_size_px: width and height.
            camera: where it stands. Where that is not known it is taken to be square to who stands on both feet, or to
                the standing foot, wherever in the picture they are, as level as the shoulders on both feet tell, and
                pitched as `model.pitch` finds.
            tested: the side that stands, on a box; None for both, on the floor.
            heights: of camera and person.
        """
        rays = (xy_px - np.array(image_size_px) / 2) / focal_px
        roll_deg = camera.roll_deg
        if roll_deg is None:
            roll_deg = _roll_deg(rays) if tested is None else 0.0
        pitch = standing_pitch(rays, roll_deg, camera.pitch_deg, heights, on_box=tested is not None)
        level = level_rays(rays, roll_deg, pitch.deg)
        yaw_deg = camera.yaw_deg
        if yaw_deg is None:
            toward = [*_HIPS, *_ANKLES] if tested is None else [LEGS[tested].ankle]
            yaw_deg = math.degrees(math.atan(float(level[toward, 0].mean())))
        thigh = {side: _way(level, LEGS[side].hip, LEGS[side].knee) for side in Side}
        shank = {side: _way(level, LEGS[side].knee, LEGS[side].ankle) for side in Side}
        leg = (sum(thigh.values()) + sum(shank.values())) / 2
        return cls(
            view, focal_px, image_size_px, yaw_deg, roll_deg, pitch.deg, pitch.sd_deg, 1 / leg,
            {side: value / leg for side, value in thigh.items()}, {side: value / leg for side, value in shank.items()},
            float(np.linalg.norm(level[_SHOULDERS].mean(axis=0) - level[_HIPS].mean(axis=0))) / leg,
        )  # fmt: skip

    def frontal_plane(self, xy_px: FloatArray) -> FloatArray:
        """Shoulders, hips, knees and ankles as a camera straight ahead and far away would show them.

        Args:
            xy_px: (..., 17, 2) of poses whose feet are where they stood.

        Returns:
            (..., 17, 2) straight legs, x right, y down, from the middle of the picture. NaN for all other joints, and
            where a leg's joint is missing, of the shoulders where one of both legs' is.
        """
        place = self._places(xy_px)
        yaw = math.radians(self.yaw_deg)
        near = self.distance - place[..., 2]
        # Along the runner's left: `FrontalPlane.rectify`, solved for it.
        across = math.cos(yaw) * place[..., 0] + math.sin(yaw) * near
        return np.stack([across, place[..., 1]], axis=-1)

    def too_long(self, xy_px: FloatArray, side: Side) -> NDArray[np.bool_]:
        """(...) whether thigh or shank look longer than they are in poses (..., 17, 2); False where one is missing."""
        place, leg = self._places(xy_px), LEGS[side]
        hip, knee, ankle = (place[..., joint, :] for joint in (leg.hip, leg.knee, leg.ankle))
        thigh, shank = (np.linalg.norm(a - b, axis=-1) for a, b in ((hip, knee), (knee, ankle)))
        long: NDArray[np.bool_] = (thigh > (1 + _TOO_LONG) * self.thigh[side]) | (
            shank > (1 + _TOO_LONG) * self.shank[side]
        )
        return long

    def _places(self, xy_px: FloatArray) -> FloatArray:
        """Shoulders, hips, knees and ankles (..., 17, 3) in space, depth last, straight legs; NaN for all other joints.

        Both shoulders are as far away as their middle.
        """
        rays = (xy_px - np.array(self.image_size_px) / 2) / self.focal_px
        level = level_rays(rays, self.roll_deg, self.pitch_deg)
        direction = np.concatenate([level, np.ones((*level.shape[:-1], 1))], axis=-1)
        facing = 1.0 if self.view is View.FRONT else -1.0
        place = np.full(direction.shape, np.nan)
        for side in Side:
            leg = LEGS[side]
            place[..., leg.ankle, :] = direction[..., leg.ankle, :] * self.distance
            knee = _on_ray(direction[..., leg.knee, :], place[..., leg.ankle, :], self.shank[side], facing)
            place[..., leg.knee, :] = knee
            place[..., leg.hip, :] = _on_ray(direction[..., leg.hip, :], knee, self.thigh[side], -facing)
        hips, toward = place[..., _HIPS, :].mean(axis=-2), direction[..., _SHOULDERS, :].mean(axis=-2)
        place[..., _SHOULDERS, :] = (
            direction[..., _SHOULDERS, :] * _on_ray(toward, hips, self.trunk, facing)[..., None, 2:]
        )
        return place


def _roll_deg(rays: FloatArray) -> float:
    """Roll by the shoulders of who stands on both feet; 0 where they are not seen."""
    dx, dy = rays[Joint.LEFT_SHOULDER] - rays[Joint.RIGHT_SHOULDER]
    slope_deg = math.degrees(math.atan2(math.copysign(1.0, dx) * dy, abs(dx)))
    return ROLL_SHARE * slope_deg if math.isfinite(slope_deg) else 0.0


def _way(level: FloatArray, a: int, b: int) -> float:
    return float(np.linalg.norm(level[a] - level[b]))


def _on_ray(direction: FloatArray, other: FloatArray, length: float, nearer: float) -> FloatArray:
    """The place (..., 3) on the ray ``direction`` that is ``length`` from ``other``.

    Args:
        direction: (..., 3) with 1 as its depth.
        other: (..., 3) the limb's other end.
        length: of the limb.
        nearer: +1 takes the place nearer to the camera, −1 the farther one.

    Where the limb looks longer than it is, the place on the ray that is nearest to ``other``.
    """
    square = (direction**2).sum(axis=-1)
    along = (direction * other).sum(axis=-1) / square
    rest = length**2 - ((along[..., None] * direction - other) ** 2).sum(axis=-1)
    depth = along - nearer * np.sqrt(np.maximum(rest, 0.0) / square)
    place: FloatArray = depth[..., None] * direction
    return place
