"""From which side the camera looks, told by the runner's own shoulders and hips."""

from __future__ import annotations

import math

from model.person import weight_of_newest
from model.pose import LEGS, Joint, Pose, View

#: Shoulder and hip width over torso length, mean of both: about 0.55 facing the camera, −0.55 from behind, 0 from the
#: side. A camera turned by 45° leaves 0.39.
_FRONTAL_RATIO = 0.28
_HYSTERESIS = 0.05
_TAU_S = 1.0
_DECIDE_AFTER_S = 0.5
#: In torsos, how far the knees are ahead of the middle between hip and ankle when they tell the facing: seen from the
#: side 0.26 to 0.38 in running and 0.13 to 0.21 in walking, whatever the head does.
_KNEES_AHEAD = 0.08


class ViewEstimator:
    """A running vote over the last second or so. Widths alone decide, so a raised knee or a blurred face do not matter.

    At first it is a plain mean: in the first picture a runner far away may be found with left and right exchanged.

    The facing goes by the knees, which bend forward only; by the head until they have been seen bent.

    Args:
        fixed: the view where it is known; then nothing is estimated but the facing.
    """

    def __init__(self, fixed: View | None = None) -> None:
        self._fixed = fixed
        self._ratio = 0.0
        self._ahead = 0.0
        self._knees_ahead = 0.0
        self._faced = 0.0
        self._poses = 0
        self._first_t_s = self._last_t_s = 0.0
        self._view: View | None = fixed

    @property
    def view(self) -> View | None:
        """The view, or None while it is not decided (half a second of seeing the runner)."""
        return self._view

    @property
    def facing(self) -> float:
        """+1 when the runner faces the picture's right, −1 for the left. For the side view."""
        return self._faced or (1.0 if self._ahead >= 0 else -1.0)

    def step(self, pose: Pose) -> View | None:
        """Takes one more pose into the vote and returns `view`."""
        ratio, ahead = _width_ratio(pose), _nose_ahead_ratio(pose)
        if not math.isfinite(ratio):
            return self._view
        if not math.isfinite(ahead):
            ahead = self._ahead  # the tracker looks at the head only from the side and in the beginning
        if not self._poses:
            self._first_t_s = self._last_t_s = pose.t_s
        elapsed_s = pose.t_s - self._last_t_s
        share = weight_of_newest(elapsed_s, _TAU_S, self._poses)
        self._ratio += share * (ratio - self._ratio)
        self._ahead += share * (ahead - self._ahead)
        self._look_at_knees(pose, 1 - math.exp(-elapsed_s / _TAU_S))
        self._poses += 1
        self._last_t_s = pose.t_s
        if self._fixed is None and pose.t_s - self._first_t_s >= _DECIDE_AFTER_S:
            self._view = self._decide()
        return self._view

    def _look_at_knees(self, pose: Pose, share: float) -> None:
        ahead = _knees_ahead_ratio(pose)
        if math.isfinite(ahead):
            self._knees_ahead += share * (ahead - self._knees_ahead)
        if abs(self._knees_ahead) > _KNEES_AHEAD:
            self._faced = math.copysign(1.0, self._knees_ahead)

    def _decide(self) -> View:
        limit = _FRONTAL_RATIO
        if self._view is not None:
            limit += _HYSTERESIS if self._view is View.SIDE else -_HYSTERESIS
        if abs(self._ratio) < limit:
            return View.SIDE
        return View.FRONT if self._ratio > 0 else View.REAR


def _torso_px(pose: Pose) -> float:
    """NaN for none, as where a motion capture has zeros for all joints that it lost."""
    top = pose.mid(Joint.LEFT_SHOULDER, Joint.RIGHT_SHOULDER)
    bottom = pose.mid(Joint.LEFT_HIP, Joint.RIGHT_HIP)
    return math.hypot(top[0] - bottom[0], top[1] - bottom[1]) or math.nan


def _width_ratio(pose: Pose) -> float:
    """Mean of shoulder and hip width, left minus right, over torso length: + facing the camera."""
    x = pose.xy_px[:, 0]
    shoulders = x[Joint.LEFT_SHOULDER] - x[Joint.RIGHT_SHOULDER]
    hips = x[Joint.LEFT_HIP] - x[Joint.RIGHT_HIP]
    return float(shoulders + hips) / 2 / _torso_px(pose)


def _nose_ahead_ratio(pose: Pose) -> float:
    x = pose.xy_px[:, 0]
    ears = (x[Joint.LEFT_EAR] + x[Joint.RIGHT_EAR]) / 2
    return float(x[Joint.NOSE] - ears) / _torso_px(pose)


def _knees_ahead_ratio(pose: Pose) -> float:
    """Mean of both knees' distance to the picture's right from the middle between hip and ankle, over torso length."""
    x = pose.xy_px[:, 0]
    ahead = [float(x[leg.knee] - (x[leg.hip] + x[leg.ankle]) / 2) for leg in LEGS.values()]
    seen = [one for one in ahead if math.isfinite(one)]
    return sum(seen) / len(seen) / _torso_px(pose) if seen else math.nan
