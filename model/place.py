"""The camera's place as the analysis uses it: found from the stances of one session, kept for the next.

It belongs to the installation, not to a person: `RunAnalysis` begins anew with every session, this does not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from model.bias import bias_of
from model.camera_pose import LIMITS, CameraPose, CameraPoseEstimator, focal_px
from model.frontal import FrontalPlane
from model.pose import FloatArray, Pose, Side, View

#: Name of what stands in the pose model's place where joints come from motion capture.
MOTION_CAPTURE = "mocap"
#: Metrics that are null while the camera's place is not known.
CORRECTED = ("fppa_deg", "fppa_peak_deg", "knee_offset_leg", "hip_adduction_deg")


def why_not_corrected(camera: CameraPose) -> Mapping[str, str]:
    """Why the metrics of `CORRECTED` cannot be had with this camera; empty where they can."""
    return {} if camera.usable else dict.fromkeys(CORRECTED, camera.advice or "the camera's place is not known")


class CameraPlace:
    """Finds the camera's place and takes it, and what the pose model adds, out of the knee's angle.

    Args:
        model: name of the pose model; None or `MOTION_CAPTURE` for true joint centres, "mocap-measured" for those with
            Lightning's measured errors.
        vfov_deg: vertical field of view, None where it is not known.
        belt_speed_m_s: where it is known.
        height_m: of the runner, where it is known.
        camera_m: height of the lens above the belt, where it is known.
        known: an earlier result at this place, for the view that is seen first.
    """

    def __init__(
        self,
        model: str | None = None,
        vfov_deg: float | None = None,
        belt_speed_m_s: float | None = None,
        height_m: float | None = None,
        camera_m: float | None = None,
        known: CameraPose | None = None,
    ) -> None:
        self._model = model
        self._vfov_deg = vfov_deg
        self._belt_m_s = belt_speed_m_s
        self._height_m = height_m
        self._camera_m = camera_m
        self._known = known
        self._estimator: CameraPoseEstimator | None = None
        self._plane: FrontalPlane | None = None
        self._seen: tuple[View, tuple[int, int]] | None = None

    @property
    def camera(self) -> CameraPose:
        """The best that is known now."""
        if self._plane is None:
            return self._known or CameraPose()
        return self._plane.camera

    def look(self, view: View | None, pose: Pose | None) -> None:
        """Takes every frame's pose; what was known of another view or size of picture is forgotten."""
        if view is None or pose is None:
            return
        if self._seen != (view, pose.image_size_px):
            known = self._known if self._seen is None else None
            self._seen = (view, pose.image_size_px)
            self._estimator = self._plane = None
            if view.frontal:
                self._begin(view, pose.image_size_px, known)
        if self._estimator is not None:
            self._estimator.step(pose)

    def set_belt_speed(self, belt_speed_m_s: float | None) -> None:
        """From now on the belt runs at this speed; None: not known."""
        if belt_speed_m_s == self._belt_m_s:
            return
        self._belt_m_s = belt_speed_m_s
        self._begin_again()

    def set_height(self, height_m: float | None) -> None:
        """From now on a runner of this height is seen; None: not known, so that an average one is assumed."""
        if height_m == self._height_m:
            return
        self._height_m = height_m
        self._begin_again()

    def set_camera_height(self, camera_m: float | None) -> None:
        """From now on the lens is known to be so high above the belt; None: not known.

        The stances that were seen since the start still count. What was found before it does not: it cannot be worked
        out anew.
        """
        if camera_m == self._camera_m:
            return
        self._camera_m, self._known = camera_m, None
        if self._estimator is not None and self._plane is not None:
            self._estimator.set_camera_height(camera_m)
            self._plane = replace(self._plane, camera=self._estimator.current())

    def _begin_again(self) -> None:
        """Finds the place anew with what is known now, from the one that was found so far."""
        if self._seen is not None and self._seen[0].frontal:
            self._begin(*self._seen, self.camera)

    def _begin(self, view: View, size_px: tuple[int, int], known: CameraPose | None) -> None:
        focal = focal_px(size_px, self._vfov_deg)
        name = MOTION_CAPTURE
        if self._model not in (None, MOTION_CAPTURE):
            name = next((known for known in LIMITS if known in str(self._model)), "lightning")
        heights = self._height_m, self._camera_m
        self._estimator = CameraPoseEstimator(view, size_px, focal, self._belt_m_s, *heights, name, known)
        surface = bias_of(self._model, view).surface
        self._plane = FrontalPlane(self._estimator.current(), view, focal, size_px, surface)

    def add_stance(self, side: Side, strike_s: float, toe_off_s: float, poses: Sequence[Pose]) -> float | None:
        """Takes one stance; ``poses`` may reach beyond it.

        Returns:
            Where it told that the camera has been moved: since when, see `CameraPoseEstimator.add_stance`.
        """
        if self._estimator is None or self._plane is None:
            return None
        moved_since_s = self._estimator.add_stance(side, strike_s, toe_off_s, poses)
        camera = self._estimator.current()
        if camera is not self._plane.camera:
            self._plane = replace(self._plane, camera=camera)
        return moved_since_s

    def rectify(self, xy_px: FloatArray, side: Side, phase: FloatArray) -> FloatArray | None:
        """Poses (..., 17, 2) as a camera straight ahead would show them, see `FrontalPlane.rectify`.

        None while the place is not known or is refused.
        """
        if self._plane is None or not self._plane.camera.usable:
            return None
        return self._plane.rectify(xy_px, side, phase)

    def fppa_deg(self, xy_px: FloatArray, side: Side, phase: FloatArray | float) -> FloatArray:
        """FPPA in the frontal plane, camera and pose model taken out.

        Args:
            xy_px: (..., 17, 2).
            side: the standing leg.
            phase: (...) 0 at strike, 1 at toe-off.

        Returns:
            (...) degrees, + knee medial; NaN where a joint is missing, and everywhere while the camera's place is not
            known or is refused.
        """
        if self._plane is None or not self._plane.camera.usable:
            return np.full(xy_px.shape[:-2], np.nan)
        return bias_of(self._model, self._plane.view).true_fppa_deg(self._plane.fppa_deg(xy_px, side, phase))
