"""One stance: its numbers, from the poses between strike and toe-off."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from model import kinematics as k
from model.metrics import STANCE_METRICS
from model.pose import LEGS, FloatArray, Joint, Pose, Side, View

#: Mid-stance values are the median over this much time to each side of the middle.
MID_WINDOW_S = 0.05
#: Below this mean confidence of hips, knee and ankle a stance is kept but not counted.
MIN_QUALITY = 0.35
#: Contact time is not told apart from its own error below this rate.
MIN_CONTACT_FPS = 25.0

#: Frontal-plane FPPA of poses (n, 17, 2) for one side, the camera's position taken out; (n,) degrees.
FrontalFppa = Callable[[FloatArray, Side], FloatArray]


@dataclass(frozen=True, slots=True)
class Stance:
    """One foot's time on the belt.

    Attributes:
        side: the runner's own side.
        strike_s, toe_off_s: seconds from the first frame, interpolated between frames.
        quality: 0 to 1, the pose model's mean confidence in the joints that matter.
        values: every per-stance key of the registry; NaN where it is not measured.
    """

    side: Side
    strike_s: float
    toe_off_s: float
    quality: float
    values: Mapping[str, float]

    @property
    def mid_s(self) -> float:
        return (self.strike_s + self.toe_off_s) / 2


@dataclass(frozen=True, slots=True)
class StanceContext:
    """What a stance's numbers depend on beside its poses.

    Attributes:
        view: the camera's view.
        facing: +1 when the runner faces the picture's right (side view).
        fps: frames per second of the poses.
        frontal_fppa: takes the camera's position out of the knee's angle; None where it is not known, then fppa is NaN.
        other_ankle_x_px: the other foot's mid-stance ankle in the step before, NaN where there is none.
        leg_px: leg length in the picture.
        oscillation_px: range of mid-hip height over the last stride.
    """

    view: View
    facing: float
    fps: float
    frontal_fppa: FrontalFppa | None
    other_ankle_x_px: float
    leg_px: float
    oscillation_px: float


def pose_quality(pose: Pose, side: Side) -> float:
    """Mean confidence of both hips and of the knee and ankle of ``side``, 0 to 1."""
    leg = LEGS[side]
    return float(pose.score[[Joint.LEFT_HIP, Joint.RIGHT_HIP, leg.knee, leg.ankle]].mean())


def measure_stance(
    side: Side, strike_s: float, toe_off_s: float, poses: Sequence[Pose], context: StanceContext
) -> Stance:
    """Numbers of one stance.

    Args:
        side: the standing leg.
        strike_s, toe_off_s: seconds, strike before toe-off.
        poses: those seen between the two, at least one.
        context: view, camera and neighbours.
    """
    t = np.array([pose.t_s for pose in poses])
    xy = np.stack([pose.xy_px for pose in poses])
    mid_s = (strike_s + toe_off_s) / 2
    window = np.abs(t - mid_s) <= MID_WINDOW_S
    if not window.any():
        window = np.abs(t - mid_s) <= np.abs(t - mid_s).min()
    measure = _sagittal if context.view is View.SIDE else _frontal
    phase = (t - strike_s) / (toe_off_s - strike_s)
    values = dict.fromkeys((spec.key for spec in STANCE_METRICS), math.nan)
    values |= measure(side, xy, phase, window, context)
    if context.fps >= MIN_CONTACT_FPS:
        values["contact_s"] = toe_off_s - strike_s
    quality = float(np.mean([pose_quality(pose, side) for pose in poses]))
    return Stance(side, strike_s, toe_off_s, quality, values)


def _median(values: FloatArray) -> float:
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if finite.size else math.nan


def _peak(values: FloatArray) -> float:
    """The highest value after one frame's outlier was taken off; NaN where nothing was seen."""
    finite = np.sort(values[np.isfinite(values)])
    return float(finite[-2] if finite.size >= 4 else finite[-1]) if finite.size else math.nan


def _frontal(
    side: Side, xy: FloatArray, phase: FloatArray, window: FloatArray, context: StanceContext
) -> dict[str, float]:
    middle = xy[window]
    late = xy[(phase >= 0.2) & (phase <= 0.7)]
    ankle_x = _median(middle[:, LEGS[side].ankle, 0])
    outward = math.copysign(1.0, _median(middle[:, LEGS[side].hip, 0] - middle[:, LEGS[side.other].hip, 0]))
    values = {
        "fppa_image_deg": _median(k.fppa_image_deg(middle, side)),
        "knee_offset_leg": _median(k.knee_offset_leg(middle, side)),
        "pelvic_drop_deg": _median(k.pelvic_drop_deg(middle, side)),
        "hip_adduction_deg": _peak(k.hip_adduction_deg(late, side)),
        "trunk_lean_deg": _median(k.trunk_lean_deg(middle, side)),
        "step_width_leg": outward * (ankle_x - context.other_ankle_x_px) / context.leg_px,
    }
    if context.frontal_fppa is not None:
        values["fppa_deg"] = _median(context.frontal_fppa(middle, side))
        values["fppa_peak_deg"] = _peak(context.frontal_fppa(late, side))
    return values


def _sagittal(
    side: Side, xy: FloatArray, phase: FloatArray, window: FloatArray, context: StanceContext
) -> dict[str, float]:
    facing = context.facing
    strike = xy[:1]
    return {
        "hip_extension_deg": _peak(k.hip_extension_deg(xy[phase >= 0.5], side, facing)),
        "knee_flexion_deg": _peak(k.knee_flexion_deg(xy[phase <= 0.7], side)),
        "knee_flexion_strike_deg": _median(k.knee_flexion_deg(strike, side)),
        "trunk_forward_lean_deg": _median(k.trunk_forward_lean_deg(xy, facing)),
        "overstride_leg": _median(k.ankle_ahead_px(strike, side, facing)) / context.leg_px,
        "shank_angle_deg": _median(k.shank_angle_deg(strike, side, facing)),
        "vertical_oscillation_leg": context.oscillation_px / context.leg_px,
    }
