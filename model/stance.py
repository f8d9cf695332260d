"""One stance: its numbers, from the poses between strike and toe-off."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model import kinematics as k
from model.bias import Bias, unshifted
from model.looks import MAX_GAP_S, evened_px
from model.metrics import STANCE_METRICS
from model.pose import LEGS, FloatArray, Joint, Pose, Side, View
from model.quality import MIN_SCORE

#: Mid-stance values are the median over this much time to each side of the middle.
MID_WINDOW_S = 0.05
#: Below this mean confidence of hips, knee and ankle a stance is kept but not counted.
MIN_QUALITY = 0.35
#: What one has at most that is not counted, however well its leg was seen.
DOUBTED_QUALITY = MIN_QUALITY / 2
#: Peaks of the frontal plane are sought in this part of stance (`fppa_peak_deg`).
PEAK_PHASE = (0.2, 0.7)
#: Those of the knee's flexion and of the hip's extension.
_FLEXION_PHASE, _LATE_PHASE = (0.15, 0.7), (0.65, 1.0)
#: Where pictures are stamped in bursts their mean step is so many times the median; with half of them lost it is twice.
BURST = 3.0
#: Samples that are nearer, as a part of stance, tell no more of a curve than one. Those of a burst are within this.
_APART = 0.05
#: Below 30 frames per second (less what a clock may be off) a contact time says more of the camera than of the runner.
MIN_CONTACT_FPS = 29.0
#: Further from the median of this much of stance to each side no joint angle gets by itself.
_SPIKE_DEG, _SPIKE_PHASE = 12.0, 0.28
#: The same of the shank as the foot lands, where it turns and turns back fast. The other leg's is some 60° away.
_SHANK_SPIKE_DEG = 30.0
#: Knees or ankles of one body are farther from each other than this, in straight legs, wherever they pass.
_LEGS_APART = 0.1
#: Thigh plus shank at mid-stance as a share of the straight leg, as pictures show them: from front and rear the bent
#: knee comes toward the camera (rendered runners 0.81 to 0.90, motion capture 0.89).
STANCE_LEG = {View.FRONT: 0.86, View.REAR: 0.86, View.SIDE: 0.97}

#: Frontal-plane FPPA of poses (n, 17, 2) for one side at phases (n,) of stance, what the camera's place and the pose
#: model add taken out; (n,) degrees, NaN where that is not known.
FrontalFppa = Callable[[FloatArray, Side, FloatArray], FloatArray]
#: The same poses as a camera straight ahead would show them, (n, 17, 2); None while it is not known where it stands.
Rectify = Callable[[FloatArray, Side, FloatArray], FloatArray | None]


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
        fps: frames per second of the poses; of those that come in bursts, bursts.
        frontal_fppa: see `FrontalFppa`.
        rectify: see `Rectify`.
        other_ankle_x_px: the other foot's mid-stance ankle in the step before, NaN where there is none.
        leg_px: length of the straight leg in the picture.
        oscillation_px: range of mid-hip height over the last stride, or two.
        stride_s: time from this foot's strike before to this one, NaN where there was none.
        level_hips_deg: `hip_tilt_deg` of a level pelvis: in standing, else its mean over whole strides (of a drop of
            one side only, that takes half away and gives it to the other); NaN where it is not known. Both hold the
            camera's roll and place and the pose model's own tilt. A pelvis that hangs to one side all the time (legs of
            different length) cannot be told from a camera that does.
        across: share of its width that the pelvis shows to a camera that looks from aside: cosine of the azimuth, 1
            where that is not known.
        bias: of the pose model.
    """

    view: View
    facing: float
    fps: float
    frontal_fppa: FrontalFppa
    rectify: Rectify
    other_ankle_x_px: float
    leg_px: float
    oscillation_px: float
    stride_s: float
    level_hips_deg: float
    across: float
    bias: Bias


def pose_quality(pose: Pose, side: Side) -> float:
    """How well the leg of ``side`` is seen, 0 to 1; see `leg_quality`."""
    return leg_quality(pose.score, side)


def leg_quality(score: FloatArray, side: Side) -> float:
    """Mean confidence of both hips and of the knee and ankle of ``side``, 0 to 1.

    Where knee or ankle is not seen, that joint's alone: without it there is no angle, however sure the hips are.
    """
    leg = LEGS[side]
    lower = min(float(score[leg.knee]), float(score[leg.ankle]))
    if lower < MIN_SCORE:
        return lower
    return float(score[Joint.LEFT_HIP] + score[Joint.RIGHT_HIP] + score[leg.knee] + score[leg.ankle]) / 4


def measure_stance(
    side: Side, strike_s: float, toe_off_s: float, poses: Sequence[Pose], context: StanceContext
) -> Stance:
    """Numbers of one stance.

    Args:
        side: the standing leg.
        strike_s, toe_off_s: seconds, strike before toe-off.
        poses: in order of time, at least one of them between the two; those just before and after make the values at
            the strike's own instant.
        context: view, camera and neighbours.
    """
    t = np.array([pose.t_s for pose in poses])
    xy = np.stack([pose.xy_px for pose in poses])
    inside = (t >= strike_s) & (t <= toe_off_s)
    phase = (t - strike_s) / (toe_off_s - strike_s)
    values = dict.fromkeys((spec.key for spec in STANCE_METRICS), math.nan)
    if context.view is View.SIDE:
        trunk, leg = (
            unshifted(xy, shift, context.leg_px, context.facing)
            for shift in (context.bias.trunk_shift, context.bias.leg_shift)
        )
        values |= _against_trunk(side, trunk, phase, inside, context.facing)
        own = _is_own_leg(side, leg, phase, context.facing)
        values |= _sagittal_leg(side, leg, phase, pose_at(t[own], leg[own], strike_s), context)
        if context.fps >= MIN_CONTACT_FPS:
            values["contact_s"] = toe_off_s - strike_s
            values["duty_factor"] = (toe_off_s - strike_s) / context.stride_s
    else:
        no_knee = k.is_no_knee(xy, side)
        for joint in (LEGS[side].knee, LEGS[side].ankle):
            xy[no_knee, joint] = math.nan
        even, mid_s = evened_px(t, xy), (strike_s + toe_off_s) / 2
        ankle_x_px = mid_x_px(t, even[:, LEGS[side].ankle, 0], mid_s)
        values |= _frontal(side, xy, even, ankle_x_px, phase, mid_window(t, mid_s), context)
    quality = leg_quality(np.stack([pose.score for pose in poses])[inside].mean(axis=0), side)
    return Stance(side, strike_s, toe_off_s, quality, values)


def mid_window(t_s: FloatArray, mid_s: float) -> NDArray[np.bool_]:
    """Which of ``t_s`` (n,) lie within `MID_WINDOW_S` of ``mid_s``; at low frame rates at least the nearest one."""
    away = np.abs(t_s - mid_s)
    mask: NDArray[np.bool_] = away <= max(MID_WINDOW_S, float(away.min()))
    return mask


def mid_x_px(t_s: FloatArray, x_px: FloatArray, mid_s: float) -> float:
    """Where a standing ankle is across the picture at mid-stance, between the pictures.

    The belt takes it along evenly, and a camera that stands aside sees a part of that across the picture: from one
    picture to the next as much as a step is wide. By the median of the slopes between any two of the pictures around
    mid-stance (Theil 1950, Sen 1968), which a single one that errs does not turn.

    Args:
        t_s: (n,) seconds, increasing.
        x_px: (n,) NaN are left out.
        mid_s: mid-stance.

    Returns:
        Pixels; NaN where the ankle was not seen within `MAX_GAP_S`.
    """
    away = np.where(np.isfinite(x_px), np.abs(t_s - mid_s), np.inf)
    nearest = np.sort(away)[:2]
    taken = away <= max(MID_WINDOW_S, float(nearest[nearest <= MAX_GAP_S].max(initial=0.0)))
    t, x = t_s[taken] - mid_s, x_px[taken]
    first, second = np.triu_indices(t.size, 1)
    slope = float(np.median((x[second] - x[first]) / (t[second] - t[first]))) if first.size else 0.0
    return _median(x - slope * t)


def pose_at(t_s: FloatArray, xy: FloatArray, when_s: float) -> FloatArray:
    """Joints at an instant between two frames, by a straight line between them.

    Args:
        t_s: (n,) seconds, increasing.
        xy: (n, 17, 2) px.
        when_s: the instant.

    Returns:
        (17, 2) px. NaN where one of the two frames lacks the joint, and everywhere when the frames are more than
        `MAX_GAP_S` apart or the instant lies outside them.
    """
    after = int(np.searchsorted(t_s, when_s))
    if after < len(t_s) and t_s[after] == when_s:
        exact: FloatArray = xy[after]
        return exact
    if not 0 < after < len(t_s) or t_s[after] - t_s[after - 1] > MAX_GAP_S:
        return np.full(xy.shape[1:], np.nan)
    share = (when_s - t_s[after - 1]) / (t_s[after] - t_s[after - 1])
    between: FloatArray = (1 - share) * xy[after - 1] + share * xy[after]
    return between


def _median(values: FloatArray) -> float:
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if finite.size else math.nan


def peak(phase: FloatArray, values: FloatArray, first: float, last: float) -> float:
    """Highest value within a part of stance.

    Of a parabola through the samples of this part and one more at each end (least squares). The highest sample itself
    grows with noise and with the frame rate; the parabola does neither, and finds a peak between two frames or at the
    end of the part.

    Args:
        phase: (n,) 0 at strike, 1 at toe-off, increasing.
        values: (n,) NaN are left out.
        first, last: the part of stance.

    Returns:
        NaN from fewer than three samples that are `_APART` or further apart, or when they span less than half of the
        part.
    """
    frame = _usual_step(phase)
    taken = (phase > first - frame) & (phase < last + frame) & _steady(phase, values)
    x, y = phase[taken], values[taken]
    if _far_apart(x) < 3 or min(x[-1], last) - max(x[0], first) < (last - first) / 2:
        return math.nan
    middle = (first + last) / 2
    a, b, c = np.linalg.lstsq(np.stack([(x - middle) ** 2, x - middle, np.ones_like(x)], axis=1), y, rcond=None)[0]
    start, end = max(x[0], first) - middle, min(x[-1], last) - middle
    candidates = [start, end]
    if a < 0:
        candidates.append(min(max(-b / (2 * a), start), end))
    return float(max(a * u * u + b * u + c for u in candidates))


def _usual_step(phase: FloatArray) -> float:
    """The median step between pictures; the mean one where they are stamped in bursts."""
    if phase.size < 2:
        return 0.0
    steps = np.diff(phase)
    median, mean = float(np.median(steps)), float(steps.mean())
    return mean if mean > BURST * median else median


def _far_apart(phase: FloatArray) -> int:
    """How many of the samples are `_APART` or further from the last one that was counted."""
    count, last = 0, -math.inf
    for x in phase:
        if x - last >= _APART:
            count, last = count + 1, x
    return count


def _steady(phase: FloatArray, values: FloatArray, spike_deg: float = _SPIKE_DEG) -> NDArray[np.bool_]:
    """Which of ``values`` (n,) are seen and lie within ``spike_deg`` of the median of their neighbourhood.

    A joint that the pose model puts on the other leg while the legs pass jumps for a frame or two.
    """
    near = np.abs(phase[:, None] - phase) <= _SPIKE_PHASE
    seen = np.isfinite(values)
    usual = np.array([np.median(values[row & seen]) if ok else np.nan for row, ok in zip(near, seen, strict=True)])
    steady: NDArray[np.bool_] = np.abs(values - usual) <= spike_deg
    return steady


def bounce_range(t_s: FloatArray, height: FloatArray, step_s: float) -> float:
    """Highest minus lowest of a height over a stride: of a line and waves of the stride, the step and half the step.

    The highest and the lowest sample themselves grow with the pose model's noise and shrink with the frame rate.

    Args:
        t_s: (n,) seconds.
        height: (n,) NaN are left out.
        step_s: duration of one step.

    Returns:
        In the unit of ``height``; NaN from fewer samples than twice the unknowns.
    """
    seen = np.isfinite(height)
    base = _waves(t_s[seen] - t_s[0], step_s)
    if len(base) < 2 * base.shape[1]:
        return math.nan
    fit = np.linalg.lstsq(base, height[seen], rcond=None)[0]
    fit[1] = 0.0  # the runner's drift is no bounce
    curve = _waves(np.linspace(0.0, 2 * step_s, 60), step_s) @ fit
    return float(curve.max() - curve.min())


def _waves(t_s: FloatArray, step_s: float) -> FloatArray:
    """(n, 8): one, time, and cosine and sine of the stride's, the step's and half the step's period."""
    phase = np.outer(t_s, 2 * math.pi / step_s * np.array([0.5, 1.0, 2.0]))
    base: FloatArray = np.hstack([np.stack([np.ones_like(t_s), t_s], axis=1), np.cos(phase), np.sin(phase)])
    return base


def _frontal(
    side: Side,
    xy: FloatArray,
    even: FloatArray,
    ankle_x_px: float,
    phase: FloatArray,
    window: NDArray[np.bool_],
    context: StanceContext,
) -> dict[str, float]:
    """Of joints as they were seen, which a peak's own curve evens, and of evened ones for what is of mid-stance."""
    middle = even[window]
    hips_x = middle[:, [LEGS[side].hip, LEGS[side.other].hip], 0]
    outward = np.sign(_median(hips_x[:, 0] - hips_x[:, 1]))
    values = {
        "fppa_deg": _median(context.frontal_fppa(middle, side, phase[window])),
        "fppa_peak_deg": peak(phase, context.frontal_fppa(xy, side, phase), *PEAK_PHASE),
        "fppa_image_deg": _median(k.fppa_image_deg(middle, side)),
        "pelvic_drop_deg": k.seen_across_deg(
            _median(k.pelvic_drop_deg(middle, side, context.level_hips_deg)), context.across
        ),
        "step_width_leg": outward * (ankle_x_px - context.other_ankle_x_px) / context.leg_px,
    }
    values["knee_offset_leg"] = k.offset_of_fppa_leg(values["fppa_deg"])
    values = _added(values, context.bias)
    against = _against_pelvis(side, xy, middle, phase, window, values["pelvic_drop_deg"], context)
    return values | _added(against, context.bias)


def _against_pelvis(
    side: Side,
    xy: FloatArray,
    middle: FloatArray,
    phase: FloatArray,
    window: NDArray[np.bool_],
    drop_deg: float,
    context: StanceContext,
) -> dict[str, float]:
    """Thigh and trunk in the frontal plane; the trunk in the picture's own while the camera is not known."""
    plane, mid_plane = context.rectify(xy, side, phase), context.rectify(middle, side, phase[window])
    if plane is None or mid_plane is None:
        return {"trunk_lean_deg": _median(k.trunk_lean_deg(middle, side))}
    # The thigh against the vertical, and then the pelvis as it was put right.
    thigh_deg = k.hip_adduction_deg(plane, side) - _median(k.pelvic_drop_deg(mid_plane, side))
    return {
        "hip_adduction_deg": peak(phase, thigh_deg, *PEAK_PHASE) + drop_deg,
        "trunk_lean_deg": _median(k.trunk_lean_deg(mid_plane, side)),
    }


def _added(values: Mapping[str, float], bias: Bias) -> dict[str, float]:
    """With what the pose model is known to leave out."""
    return {key: value + bias.add.get(key, 0.0) for key, value in values.items()}


def _against_trunk(
    side: Side, xy: FloatArray, phase: FloatArray, inside: NDArray[np.bool_], facing: float
) -> dict[str, float]:
    return {
        "hip_extension_deg": peak(phase, k.hip_extension_deg(xy, side, facing), *_LATE_PHASE),
        "trunk_forward_lean_deg": _mean(k.trunk_forward_lean_deg(xy[inside], facing)),
    }


def _is_own_leg(side: Side, xy: FloatArray, phase: FloatArray, facing: float) -> NDArray[np.bool_]:
    """In which of the poses (n, 17, 2) the shank is that of ``side``.

    As a foot lands the pose model may take the legs for one another in a frame, and a number of a single instant then
    is the other leg's: a knee at 66°, an ankle behind the hip.
    """
    return _steady(phase, k.shank_angle_deg(xy, side, facing), _SHANK_SPIKE_DEG)


def _is_apart(side: Side, xy: FloatArray, leg_px: float) -> NDArray[np.bool_]:
    """In which of the poses (n, 17, 2) the leg of ``side`` is seen elsewhere than the other one.

    Where the far leg is half hidden, and more so where the camera shakes, the pose model puts both on the swinging one
    for a while: a standing knee is then bent by 90°. Of legs that pass one another one shank is lifted.
    """
    own, other = (xy[:, [LEGS[one].knee, LEGS[one].ankle]] for one in (side, side.other))
    apart: NDArray[np.bool_] = np.linalg.norm(own - other, axis=-1).max(axis=1) > _LEGS_APART * leg_px
    return apart


def _sagittal_leg(
    side: Side,
    xy: FloatArray,
    phase: FloatArray,
    strike: FloatArray,
    context: StanceContext,
) -> dict[str, float]:
    facing = context.facing
    flexion_deg = np.where(_is_apart(side, xy, context.leg_px), k.knee_flexion_deg(xy, side), math.nan)
    return {
        "knee_flexion_deg": peak(phase, flexion_deg, *_FLEXION_PHASE)
        + context.bias.flexion_add_deg[side is not k.near_side(facing)],
        "knee_flexion_strike_deg": float(k.knee_flexion_deg(strike, side)),
        "overstride_leg": float(k.ankle_ahead_px(strike, side, facing)) / context.leg_px,
        "shank_angle_deg": float(k.shank_angle_deg(strike, side, facing)),
        "vertical_oscillation_leg": context.oscillation_px / context.leg_px,
    }


def _mean(values: FloatArray) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if finite.size else math.nan
