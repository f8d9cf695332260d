"""The camera's place as the analysis uses it: found from the stances of one session, kept for the next.

It belongs to the installation, not to a person: `RunAnalysis` begins anew with every session, this does not.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from model.bias import bias_of
from model.camera_pose import LIMITS, CameraPose, CameraPoseEstimator, focal_px
from model.frontal import FrontalPlane
from model.pose import FloatArray, Pose, Side, View

#: Name of what stands in the pose model's place where joints come from motion capture.
MOTION_CAPTURE = "mocap"
#: Metrics that are null while the camera's place is not known.
CORRECTED = ("fppa_deg", "fppa_peak_deg", "knee_offset_leg", "hip_adduction_deg")
#: What depends on the camera's place. The trunk's lean is the picture's own until that is known: from aside it holds a
#: part of the forward lean, with opposite signs left and right, by 20° up to 2° of it.
PLACED = (*CORRECTED, "trunk_lean_deg")
#: Who turns aside for so long (a drink, a word with somebody) has not moved the camera.
_ASIDE_S = 60.0


@dataclass(slots=True)
class _Finding:
    """What is known of one view, and when it was last seen."""

    estimator: CameraPoseEstimator
    plane: FrontalPlane
    seen_s: float

    @property
    def camera(self) -> CameraPose:
        return self.plane.camera

    @property
    def lasting(self) -> CameraPose | None:
        """The newest that tells yaw: what was known before, where the steps contradict themselves but not that."""
        told = (one for one in (self.camera, self.estimator.known) if one is not None and one.yaw_deg is not None)
        return next(told, None)

    def conclude(self) -> None:
        camera = self.estimator.current()
        if camera is not self.plane.camera:
            self.plane = replace(self.plane, camera=camera)


def why_not_corrected(camera: CameraPose) -> Mapping[str, str]:
    """Why what depends on the camera's place cannot be had with this one, by metric; empty where it can."""
    missing = PLACED if camera.state == "refused" else CORRECTED
    return {} if camera.usable else dict.fromkeys(missing, camera.advice or "the camera's place is not known")


class CameraPlace:
    """Finds the camera's place and takes it, and what the pose model adds, out of the knee's angle.

    Args:
        model: name of the pose model; None or `MOTION_CAPTURE` for true joint centres, "mocap-measured" for those with
            Lightning's measured errors.
        vfov_deg: vertical field of view, None where it is not known.
        belt_speed_m_s: where it is known.
        height_m: of the runner, where it is known.
        camera_m: height of the lens above the belt, where it is known.
        known: an earlier result at this place whose view is not known, so that it is that of whichever is seen first;
            used from then on, until another is found.
        known_of: the same by view, from the front or behind, the newest last; each used where its view is seen first.
    """

    def __init__(
        self,
        model: str | None = None,
        vfov_deg: float | None = None,
        belt_speed_m_s: float | None = None,
        height_m: float | None = None,
        camera_m: float | None = None,
        known: CameraPose | None = None,
        known_of: Mapping[View, CameraPose] = MappingProxyType({}),
    ) -> None:
        self._model = model
        self._vfov_deg = vfov_deg
        self._belt_m_s = belt_speed_m_s
        self._height_m = height_m
        self._camera_m = camera_m
        #: Until its view is seen. A move that an earlier session has noticed is none of those that come.
        self._known: dict[View | None, CameraPose] = {} if known is None else {None: replace(known, moved=False)}
        self._known |= {view: replace(camera, moved=False) for view, camera in known_of.items()}
        self._finding: _Finding | None = None
        self._aside: dict[View, _Finding] = {}  # of views that are not seen now, the newest last
        #: Of those the ones that the camera was moved away from: they are what this session was measured with, no more.
        self._left: set[View] = set()
        self._seen: tuple[View, tuple[int, int]] | None = None

    @property
    def camera(self) -> CameraPose:
        """The best that is known now; while the runner is seen from the side, what was known before."""
        if self._finding is not None:
            return self._finding.camera
        if self._aside:
            return next(reversed(self._aside.values())).camera
        return next(reversed(self._known.values()), CameraPose())

    def camera_of(self, view: View | None) -> CameraPose:
        """The best that is known of one view; of the side, or where it is not known which, the same as `camera`."""
        if view is None or not view.frontal:
            return self.camera
        seen = self._seen is not None and self._seen[0] is view
        finding = self._finding if seen else self._aside.get(view)
        return self._known_of(view) or CameraPose() if finding is None else finding.camera

    @property
    def found(self) -> Mapping[View, CameraPose]:
        """Of each view the newest result that tells yaw, the newest last; not what the camera was moved away from."""
        results: dict[View, CameraPose | None] = {view: one for view, one in self._known.items() if view is not None}
        results |= {view: finding.lasting for view, finding in self._aside.items() if view not in self._left}
        if self._finding is not None and self._seen is not None:
            results[self._seen[0]] = self._finding.lasting
        return {view: one for view, one in results.items() if one is not None and one.yaw_deg is not None}

    def begin_times(self) -> None:
        """The times of the poses that come begin anew: what is aside now was put there in an earlier session."""
        for view in self._left:
            self._aside.pop(view, None)
        self._left.clear()
        for finding in (self._finding, *self._aside.values()):
            if finding is not None:
                finding.estimator.begin_times()
        for finding in self._aside.values():
            finding.seen_s = -math.inf

    def begin_steps(self) -> None:
        """The poses that come do not go on from those before, within the same times."""
        if self._finding is not None:
            self._finding.estimator.begin_steps()

    def begin_session(self) -> None:
        """From now on a move of the camera is one of this session; what was noticed before is said no longer."""
        for finding in (self._finding, *self._aside.values()):
            if finding is not None:
                finding.estimator.begin_session()
                finding.conclude()

    def look(self, view: View | None, pose: Pose | None) -> None:
        """Takes every frame's pose. What was known is forgotten with another size of picture; of another view it is
        put aside, and taken up when that one is seen again."""
        if view is None or pose is None:
            return
        if self._seen != (view, pose.image_size_px):
            self._put_aside(pose.image_size_px)
            self._seen = (view, pose.image_size_px)
            if view.frontal:
                self._finding = self._taken_up(view, pose)
        if self._finding is not None:
            self._finding.seen_s = pose.t_s
            self._finding.estimator.step(pose)

    def _put_aside(self, size_px: tuple[int, int]) -> None:
        if self._seen is None:
            return
        view, seen_px = self._seen
        if self._finding is not None:
            self._aside[view] = self._finding
            self._finding = None
        if seen_px != size_px:
            self._aside.clear()
            self._known.clear()

    def _taken_up(self, view: View, pose: Pose) -> _Finding:
        before = self._aside.pop(view, None)
        if view in self._left:
            self._left.remove(view)
            before = None
        if before is None:
            known = self._known.pop(view if view in self._known else None, None)
            return self._begin(view, pose.image_size_px, known, pose.t_s)
        if pose.t_s - before.seen_s < _ASIDE_S:
            return before
        # As after an earlier session: used from the start, and soon given up where the steps contradict it.
        return self._begin(view, pose.image_size_px, before.camera, pose.t_s)

    def _known_of(self, view: View) -> CameraPose | None:
        """The earlier result that is used where this view is seen."""
        return self._known.get(view, self._known.get(None))

    @property
    def belt_speed_m_s(self) -> float | None:
        """Speed of the belt; None where it is not known."""
        return self._belt_m_s

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
        self._camera_m = camera_m
        self._known.clear()
        for finding in (self._finding, *self._aside.values()):
            if finding is not None:
                finding.estimator.set_camera_height(camera_m)
                finding.conclude()

    def _begin_again(self) -> None:
        """Finds the place anew with what is known now, from the one that was found so far."""
        if self._seen is None:
            return
        view, size_px = self._seen
        if self._finding is not None:
            self._finding = self._begin(view, size_px, self._finding.camera, self._finding.seen_s)
        self._aside = {
            view: self._begin(view, size_px, aside.camera, aside.seen_s) for view, aside in self._aside.items()
        }

    def _begin(self, view: View, size_px: tuple[int, int], known: CameraPose | None, t_s: float) -> _Finding:
        focal = focal_px(size_px, self._vfov_deg)
        name = MOTION_CAPTURE
        if self._model not in (None, MOTION_CAPTURE):
            name = next((known for known in LIMITS if known in str(self._model)), "lightning")
        heights = self._height_m, self._camera_m
        moved = known is not None and known.moved
        estimator = CameraPoseEstimator(view, size_px, focal, self._belt_m_s, *heights, name, known, moved)
        surface = bias_of(self._model, view).surface
        return _Finding(estimator, FrontalPlane(estimator.current(), view, focal, size_px, surface), t_s)

    def add_stance(self, side: Side, strike_s: float, toe_off_s: float, poses: Sequence[Pose]) -> float | None:
        """Takes one stance; ``poses`` may reach beyond it. A camera that was moved was moved for all views.

        Returns:
            Where it told that the camera has been moved: since when, see `CameraPoseEstimator.add_stance`.
        """
        if self._finding is None:
            return None
        moved_since_s = self._finding.estimator.add_stance(side, strike_s, toe_off_s, poses)
        self._finding.conclude()
        if moved_since_s is not None:
            self._leave_the_others()
        return moved_since_s

    def camera_moved(self) -> None:
        """The background tells that the camera has been moved: it is found anew, of each view."""
        if self._finding is not None:
            self._finding.estimator.forget()
            self._finding.conclude()
        self._leave_the_others()

    def _leave_the_others(self) -> None:
        self._known.clear()
        self._left = set(self._aside)

    def rectify(self, xy_px: FloatArray, side: Side, phase: FloatArray) -> FloatArray | None:
        """Poses (..., 17, 2) as a camera straight ahead would show them, see `FrontalPlane.rectify`.

        None while the place is not known or is refused.
        """
        if self._finding is None or not self._finding.camera.usable:
            return None
        return self._finding.plane.rectify(xy_px, side, phase)

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
        if self._finding is None or not self._finding.camera.usable:
            return np.full(xy_px.shape[:-2], np.nan)
        plane = self._finding.plane
        return bias_of(self._model, plane.view).true_fppa_deg(plane.fppa_deg(xy_px, side, phase))
