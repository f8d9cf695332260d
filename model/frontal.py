"""The runner's frontal plane from a camera that looks from aside: joints as one straight ahead and far away shows them.

A bent knee stands in front of the leg's line; a camera from aside sees that as knee motion to the side, about 1° of
FPPA for each degree of azimuth. How far each joint stands in front or behind is nearly the same in all runners at the
same part of stance, so the projection can be inverted joint by joint. What comes out has the form of a picture, so that
every function of `kinematics` applies to it. Trials and limits: camera_pose.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np

from model import kinematics as k
from model.bias import Surface
from model.camera_geometry import level_ray, level_rays
from model.camera_pose import CameraPose
from model.pose import LEGS, FloatArray, Joint, Side, View

#: Shares of the straight leg in front of the hip joints at mid-stance, and their change from strike to toe-off:
#: rendered runners and motion capture, which agree within 0.03 at mid-stance.
_KNEE_AHEAD, _KNEE_DRIFT = 0.18, -0.28
_ANKLE_AHEAD, _ANKLE_DRIFT = -0.06, -0.65
_SHOULDERS_AHEAD = 0.09
#: FPPA's uncertainty: what is left of each degree of azimuth; rms of a clip's mean on aligned rendered runners with the
#: true camera taken out; share of a dive that the pose model shows, its spread over dives, and the FPPA of no dive.
_LEFT_OVER, _MODEL_SD_DEG = 0.1, 1.4
_SEEN_SHARE, _SEEN_SHARE_SD, _ALIGNED_DEG = 0.75, 0.15, 4.5
#: Distance hip to ankle in stance as a share of the straight leg: the same sources.
_STANCE_LEG = 0.905


#: Joints at their centres.
_CENTRES = Surface(0.0, 0.0, 0.0, 0.0)


@cache
def _ahead(surface: Surface, side: Side, facing: float) -> tuple[FloatArray, FloatArray]:
    """How much nearer to the camera each joint (17,) is than the middle of the hip joints at mid-stance, in straight
    legs, and how that changes from strike to toe-off, ``side`` standing."""
    usual, drift = np.zeros(17), np.zeros(17)
    usual[[Joint.LEFT_HIP, Joint.RIGHT_HIP]] = surface.hip
    usual[[Joint.LEFT_SHOULDER, Joint.RIGHT_SHOULDER]] = _SHOULDERS_AHEAD + surface.shoulder
    usual[LEGS[side].knee], drift[LEGS[side].knee] = _KNEE_AHEAD + surface.knee, _KNEE_DRIFT
    usual[LEGS[side].ankle], drift[LEGS[side].ankle] = _ANKLE_AHEAD + surface.ankle, _ANKLE_DRIFT
    return facing * usual, facing * drift


@dataclass(frozen=True, slots=True)
class FrontalPlane:
    """Takes one camera out of poses.

    Attributes:
        camera: where it stands.
        view: front or rear.
        focal_px: focal length.
        image_size_px: width and height of the pictures.
        surface: where on the body the pose model sees the joints (`Bias.surface`); None for true joint centres.
    """

    camera: CameraPose
    view: View
    focal_px: float
    image_size_px: tuple[int, int]
    surface: Surface | None = None

    def rectify(self, xy_px: FloatArray, side: Side, phase: FloatArray | float = 0.5) -> FloatArray:
        """Joints in the frontal plane.

        Args:
            xy_px: (..., 17, 2).
            side: the standing leg. The depth of the other knee and ankle is not known: they are left in the plane of
                the hips.
            phase: (...) 0 at strike, 1 at toe-off.

        Returns:
            (..., 17, 2) in px of the standing leg's distance, x right, y down, from an arbitrary origin. NaN where the
            joint or the standing leg is missing, and everywhere when the camera's yaw is not known.
        """
        if self.camera.yaw_deg is None:
            return np.full(xy_px.shape, np.nan)
        rays = (xy_px - np.array(self.image_size_px) / 2) / self.focal_px
        level = level_rays(rays, self.camera.roll_deg or 0.0, self.camera.pitch_deg or 0.0)
        x, y = level[..., 0], level[..., 1]
        leg = level[..., LEGS[side].ankle, :] - level[..., LEGS[side].hip, :]
        distance = (_STANCE_LEG / np.hypot(leg[..., 0], leg[..., 1]))[..., None]
        usual, drift = _ahead(self.surface or _CENTRES, side, self._facing)
        ahead = usual + drift * (np.minimum(np.maximum(phase, 0.0), 1.0) - 0.5)[..., None]
        hips_x = (x[..., Joint.LEFT_HIP] + x[..., Joint.RIGHT_HIP])[..., None] / 2
        seen, scale = np.empty(xy_px.shape), self.focal_px / distance
        right, down = _straight_ahead(x, y, ahead, distance, hips_x, math.radians(self.camera.yaw_deg))
        seen[..., 0], seen[..., 1] = right * scale, down * scale
        return seen

    def fppa_deg(self, xy_px: FloatArray, side: Side, phase: FloatArray | float = 0.5) -> FloatArray:
        """FPPA in the frontal plane, (...), + knee medial; NaN as `rectify`."""
        if xy_px.ndim == 2:
            return np.array(self._fppa_of_one_deg(xy_px, side, float(phase)))
        return k.fppa_image_deg(self.rectify(xy_px, side, phase), side)

    def _fppa_of_one_deg(self, xy_px: FloatArray, side: Side, phase: float) -> float:
        """The same of one pose (17, 2), which is asked for in every picture: of four joints, without arrays."""
        if self.camera.yaw_deg is None:
            return math.nan
        joints = k.fppa_joints(side)
        centre_x, centre_y = self.image_size_px[0] / 2, self.image_size_px[1] / 2
        hip, knee, ankle, other_hip = (
            level_ray(
                ((x - centre_x) / self.focal_px, (y - centre_y) / self.focal_px),
                self.camera.roll_deg or 0.0,
                self.camera.pitch_deg or 0.0,
            )
            for x, y in xy_px[joints, :].tolist()
        )
        distance = _STANCE_LEG / (math.dist(hip, ankle) or math.nan)
        usual, drift = _ahead(self.surface or _CENTRES, side, self._facing)
        late = min(max(phase, 0.0), 1.0) - 0.5
        hips_x, yaw = (hip[0] + other_hip[0]) / 2, math.radians(self.camera.yaw_deg)
        seen = (
            _straight_ahead(*ray, float(usual[joint] + drift[joint] * late), distance, hips_x, yaw)
            for joint, ray in zip(joints, (hip, knee, ankle, other_hip), strict=True)
        )
        return k.fppa_of_joints_deg(*seen)

    @property
    def _facing(self) -> float:
        return 1.0 if self.view is View.FRONT else -1.0


def _straight_ahead(
    x: k.Value, y: k.Value, ahead: k.Value, distance: k.Value, hips_x: k.Value, yaw: float
) -> tuple[k.Value, k.Value]:
    """How far to the picture's right and below the horizon joints are, in straight legs, the camera taken out.

    Args:
        x, y: level rays.
        ahead: how much nearer to the camera than the hips, in straight legs.
        distance: from the camera, in straight legs.
        hips_x: ray of the middle of the hips, where the runner's frame has its origin.
        yaw: radians.
    """
    sin, cos = math.sin(yaw), math.cos(yaw)
    near = distance - cos * ahead
    # The ray x = across / depth, with across = hips_x · distance + cos · right − sin · ahead and depth = near − sin ·
    # right, solved for how far to the picture's right the joint is.
    right = (x * near - hips_x * distance + sin * ahead) / (cos + x * sin)
    return right, y * (near - sin * right)


def fppa_uncertainty_deg(camera: CameraPose, side: Side, fppa_deg: float, seen_by_model: bool = True) -> float:
    """SD of a session's mean FPPA that more stances would not mend; NaN where the camera's place is not known.

    Args:
        camera: where it stood.
        side: of the knee.
        fppa_deg: its mean, the pose model's share of a dive put back.
        seen_by_model: whether a pose model saw the joints; False: they are motion capture's own.
    """
    azimuth_deg = camera.azimuth_left_deg if side is Side.LEFT else camera.azimuth_right_deg
    if azimuth_deg is None or camera.yaw_sd_deg is None:
        return math.nan
    # One degree of azimuth is about one degree of FPPA, and as much more as a dive is shown too small.
    model_sd_deg = _MODEL_SD_DEG if seen_by_model else 0.0
    seen_deg = math.hypot(camera.yaw_sd_deg, _LEFT_OVER * azimuth_deg, model_sd_deg)
    return math.hypot(seen_deg / _SEEN_SHARE, _SEEN_SHARE_SD * max(0.0, fppa_deg - _ALIGNED_DEG))
