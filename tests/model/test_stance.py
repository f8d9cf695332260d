"""A stance's numbers: at their own instants, whole runs through mirror, scale, shift and gaps."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model import kinematics as k
from model.analysis import AnalysisSettings, RunAnalysis
from model.bias import NO_BIAS, Bias, bias_of
from model.looks import MAX_GAP_S
from model.metrics import STANCE_METRICS
from model.place import CORRECTED
from model.pose import LEGS, MIRROR_INDEX, FloatArray, Joint, Pose, Side, View
from model.stance import MIN_QUALITY, Stance, StanceContext, bounce_range, measure_stance, mid_window, peak, pose_at
from tests.model.figures import SIZE_PX, frontal_pose, mirrored, sagittal_pose
from tests.model.walkers import Camera, Walker

CONTEXT = StanceContext(
    view=View.FRONT,
    facing=1.0,
    fps=30.0,
    frontal_fppa=lambda xy, side, phase: k.fppa_image_deg(xy, side),
    rectify=lambda xy, side, phase: xy,
    other_ankle_x_px=300.0,
    leg_px=160.0,
    oscillation_px=12.0,
    stride_s=0.7,
    level_hips_deg=0.0,
    across=1.0,
    bias=NO_BIAS,
)


_LEFT_SHANK, _RIGHT_SHANK = (Joint.LEFT_KNEE, Joint.LEFT_ANKLE), (Joint.RIGHT_KNEE, Joint.RIGHT_ANKLE)


def poses_of(figures: Sequence[FloatArray], fps: float, first_s: float = 0.0) -> list[Pose]:
    return [Pose(first_s + i / fps, xy, np.full(17, 0.9), SIZE_PX) for i, xy in enumerate(figures)]


@pytest.mark.parametrize("fps", [30.0, 60.0, 120.0])
@pytest.mark.parametrize("offset", [0.0, 0.3, 0.8])
def test_peaks_lie_between_frames_and_do_not_depend_on_the_rate(fps: float, offset: float) -> None:
    """Dive and adduction rise and fall as a parabola with its top at 45 % of a stance of 250 ms."""
    phase = (np.arange(-3, int(0.33 * fps)) + offset) / fps / 0.25
    angle = 10.0 - 60.0 * (phase - 0.45) ** 2
    figures = [frontal_pose(stance=Side.LEFT, fppa_deg=a, adduction_deg=a + 2) for a in angle]
    stance = measure_stance(Side.LEFT, 0.0, 0.25, poses_of(figures, fps, (offset - 3) / fps), CONTEXT)
    assert stance.values["fppa_peak_deg"] == pytest.approx(10.0, abs=1e-6)
    assert stance.values["hip_adduction_deg"] == pytest.approx(12.0, abs=1e-6)
    # Mid-stance is at 50 %; the median of a window of ± 50 ms is at most a frame's change away, and evening neighbours
    # takes half of what they curve.
    assert stance.values["fppa_deg"] == pytest.approx(10.0 - 60.0 * 0.05**2, abs=1.5)


@pytest.mark.parametrize("outside", [lambda phase: 0.13 - phase, lambda phase: phase - 0.77])
def test_what_the_knee_does_early_and_late_in_stance_is_no_peak(outside: Callable[[FloatArray], FloatArray]) -> None:
    """The peak is sought from 20 to 70 %: as a leg is loaded and leaves the belt, the picture tells little of it."""
    phase = np.arange(-3, 33) / 120 / 0.25
    figures = [frontal_pose(stance=Side.LEFT, fppa_deg=a) for a in 5 + 50 * np.maximum(outside(phase), 0)]
    values = measure_stance(Side.LEFT, 0.0, 0.25, poses_of(figures, 120.0, -3 / 120), CONTEXT).values
    assert values["fppa_peak_deg"] == pytest.approx(5.0, abs=1e-6)


@pytest.mark.parametrize("at", [0.22, 0.68])
def test_a_peak_early_or_late_in_its_part_of_stance_is_one(at: float) -> None:
    phase = np.arange(-3, 33) / 120 / 0.25
    figures = [frontal_pose(stance=Side.LEFT, fppa_deg=a) for a in 10.0 - 60.0 * (phase - at) ** 2]
    values = measure_stance(Side.LEFT, 0.0, 0.25, poses_of(figures, 120.0, -3 / 120), CONTEXT).values
    assert values["fppa_peak_deg"] == pytest.approx(10.0, abs=1e-6)


@pytest.mark.parametrize("pictures", [1, 2, 3])
def test_legs_taken_for_one_another_at_mid_stance_are_no_knee(pictures: int) -> None:
    """In single pictures the standing leg is the swinging one by its name: no knee stands so, and none is measured."""
    figures = [frontal_pose(stance=Side.LEFT, fppa_deg=5.0) for _ in range(9)]
    for figure in figures:
        figure[[*_RIGHT_SHANK]] = figure[Joint.RIGHT_HIP] + [[5.0, 80.0], [0.0, 60.0]]
    clean = measure_stance(Side.LEFT, 0.0, 8 / 30, poses_of(figures, 30.0), CONTEXT).values
    for figure in figures[4 : 4 + pictures]:
        figure[[*_LEFT_SHANK, *_RIGHT_SHANK]] = figure[[*_RIGHT_SHANK, *_LEFT_SHANK]]
        assert k.is_no_knee(figure, Side.LEFT)
    values = measure_stance(Side.LEFT, 0.0, 8 / 30, poses_of(figures, 30.0), CONTEXT).values
    for key in ("fppa_deg", "fppa_image_deg", "pelvic_drop_deg", "step_width_leg"):
        assert values[key] == pytest.approx(clean[key], abs=1e-6), key
    if pictures < 3:  # else too few are left for a peak
        assert values["fppa_peak_deg"] == pytest.approx(clean["fppa_peak_deg"])
    for figure in figures[2:7]:
        figure[[*_LEFT_SHANK]] = figure[Joint.LEFT_HIP] + [[5.0, 80.0], [0.0, 60.0]]
    assert math.isnan(measure_stance(Side.LEFT, 0.0, 8 / 30, poses_of(figures, 30.0), CONTEXT).values["fppa_deg"])


@pytest.mark.parametrize("pictures", [2, 3, 4])
def test_legs_taken_for_one_another_do_not_dive(pictures: int) -> None:
    """From behind the swinging knee is about as low as the standing one: in its place a dive of 28° is seen."""
    figures = [frontal_pose(stance=Side.LEFT, fppa_deg=5.0, front=False) for _ in range(9)]
    for figure in figures:
        figure[[*_RIGHT_SHANK]] = figure[Joint.RIGHT_HIP] + [[0.0, 75.0], [0.0, 115.0]]
    for figure in figures[3 : 3 + pictures]:
        figure[[*_LEFT_SHANK, *_RIGHT_SHANK]] = figure[[*_RIGHT_SHANK, *_LEFT_SHANK]]
        assert 20.0 < k.fppa_image_deg(figure, Side.LEFT) < 30.0
    context = replace(CONTEXT, view=View.REAR)
    values = measure_stance(Side.LEFT, 0.0, 8 / 30, poses_of(figures, 30.0), context).values
    for key in ("fppa_deg", "fppa_image_deg", "fppa_peak_deg"):
        assert math.isnan(values[key]) or values[key] == pytest.approx(5.0), key
    assert math.isnan(values["fppa_deg"]) == (pictures > 2)


def test_a_pelvis_that_is_seen_from_aside_drops_no_further() -> None:
    """Of its width a camera from aside shows a part, of a drop all: from 45° aside 5° look like 7°."""
    level = frontal_pose(stance=Side.LEFT)
    turned = level.copy()
    turned[Joint.RIGHT_HIP, 1] += 10.0
    straight, aside = (
        measure_stance(Side.LEFT, 0.0, 0.25, poses_of([turned] * 8, 30.0), replace(CONTEXT, across=across)).values
        for across in (1.0, 0.7)
    )
    seen = math.tan(math.radians(straight["pelvic_drop_deg"] - NO_BIAS.add.get("pelvic_drop_deg", 0.0)))
    assert seen > 0.1
    assert aside["pelvic_drop_deg"] == pytest.approx(math.degrees(math.atan(0.7 * seen)))


@pytest.mark.parametrize("aside_px_s", [-120.0, 120.0])
def test_a_belt_that_is_seen_from_aside_makes_no_step_wider(aside_px_s: float) -> None:
    """It takes the foot across the picture, and pictures lie to either side of mid-stance."""
    figures = []
    for at in (np.arange(8) + 0.45) / 30:
        figures.append(frontal_pose(stance=Side.LEFT))
        figures[-1][Joint.LEFT_ANKLE, 0] += aside_px_s * (at - 0.125)
    values = measure_stance(Side.LEFT, 0.0, 0.25, poses_of(figures, 30.0, 0.45 / 30), CONTEXT).values
    assert values["step_width_leg"] == pytest.approx((340.0 - 300.0) / 160.0, abs=1e-6)


def test_mid_stance_is_the_nearest_frame_where_none_is_near() -> None:
    assert mid_window(np.array([0.0, 0.1, 0.2]), 0.13).tolist() == [False, True, False]
    assert mid_window(np.array([0.0, 0.1, 0.2]), 0.16).tolist() == [False, False, True]
    assert mid_window(np.array([-0.1, 0.07, 0.2]), 0.0).tolist() == [False, True, False]
    assert mid_window(np.arange(5) / 30, 2 / 30).tolist() == [False, True, True, True, False]


@pytest.mark.parametrize("drift_px_s", [0.0, 20.0, -20.0])
def test_who_drifts_does_not_bounce_more(drift_px_s: float) -> None:
    t_s = np.arange(24) / 30
    height = 6 * np.cos(2 * math.pi * t_s / 0.35) + drift_px_s * t_s
    assert bounce_range(t_s, height, 0.35) == pytest.approx(12.0, abs=0.1)


@given(strike_s=st.floats(0.01, 0.06))
def test_strike_values_are_those_of_the_strikes_own_instant(strike_s: float) -> None:
    """Thigh and shank both turn at a constant rate; half a frame of error would be 3°."""
    t = np.arange(12) / 30
    figures = [
        sagittal_pose(thigh_deg=30 - 100 * at, flexion_deg=20 + 180 * at, trunk_deg=5) for at in t
    ]
    context = replace(CONTEXT, view=View.SIDE)
    values = measure_stance(Side.LEFT, strike_s, strike_s + 0.25, poses_of(figures, 30.0), context).values
    assert values["knee_flexion_strike_deg"] == pytest.approx(20 + 180 * strike_s, abs=0.2)
    assert values["shank_angle_deg"] == pytest.approx(10 - 280 * strike_s, abs=0.2)
    assert values["trunk_forward_lean_deg"] == pytest.approx(5)
    assert values["contact_s"] == pytest.approx(0.25)
    assert values["duty_factor"] == pytest.approx(0.25 / 0.7)
    assert values["vertical_oscillation_leg"] == pytest.approx(12 / 160)


@pytest.mark.parametrize("facing", [1.0, -1.0])
@pytest.mark.parametrize("fps", [24.0, 30.0, 60.0])
@pytest.mark.parametrize("later", [0, 1])
def test_legs_taken_for_one_another_as_the_foot_lands_make_no_strike(later: int, fps: float, facing: float) -> None:
    """In one of the two pictures around the strike, seen of a real runner: the left knee at 66°, the ankle behind."""
    strike_s = 3.5 / fps
    figures = []
    for at in np.arange(12) / fps - strike_s:
        lands = {"thigh_deg": 30 - 100 * at, "flexion_deg": 20 + 180 * at}
        figure = sagittal_pose(**lands, trunk_deg=5, facing=facing)
        trails = sagittal_pose(thigh_deg=-20, flexion_deg=60, trunk_deg=5, facing=facing)
        figure[[Joint.RIGHT_KNEE, Joint.RIGHT_ANKLE]] = trails[[Joint.RIGHT_KNEE, Joint.RIGHT_ANKLE]]
        figures.append(figure)
    mixed = list(figures)
    legs = [Joint.LEFT_KNEE, Joint.LEFT_ANKLE, Joint.RIGHT_KNEE, Joint.RIGHT_ANKLE]
    mixed[3 + later] = figures[3 + later].copy()
    mixed[3 + later][legs] = figures[3 + later][legs[2:] + legs[:2]]
    context = replace(CONTEXT, view=View.SIDE, facing=facing)
    plain, put_right = (
        measure_stance(Side.LEFT, strike_s, strike_s + 0.25, poses_of(some, fps), context).values
        for some in (figures, mixed)
    )
    assert put_right["knee_flexion_strike_deg"] == pytest.approx(plain["knee_flexion_strike_deg"], abs=1)
    assert put_right["shank_angle_deg"] == pytest.approx(plain["shank_angle_deg"], abs=1)
    assert put_right["overstride_leg"] == pytest.approx(plain["overstride_leg"], abs=0.02)


@pytest.mark.parametrize(("hidden", "seen"), [((4, 5), True), ((1, 2, 3, 4, 5, 6), False)])
def test_a_standing_leg_that_is_put_on_the_swinging_one_bends_no_knee(hidden: tuple[int, ...], seen: bool) -> None:
    """As that of a real runner behind a treadmill's console, where the camera shook: 110° for 41°."""
    figures = []
    for n in range(9):
        figure = sagittal_pose(thigh_deg=20 - 5 * n, flexion_deg=40, trunk_deg=5)
        swings = sagittal_pose(thigh_deg=10 * n - 40, flexion_deg=95, trunk_deg=5)
        figure[[Joint.RIGHT_KNEE, Joint.RIGHT_ANKLE]] = swings[[Joint.RIGHT_KNEE, Joint.RIGHT_ANKLE]]
        if n in hidden:
            figure[[Joint.LEFT_KNEE, Joint.LEFT_ANKLE]] = figure[[Joint.RIGHT_KNEE, Joint.RIGHT_ANKLE]] + 3.0
        figures.append(figure)
    context = replace(CONTEXT, view=View.SIDE)
    values = measure_stance(Side.LEFT, 0.0, 0.25, poses_of(figures, 30.0), context).values
    assert values["knee_flexion_deg"] == pytest.approx(40.0 if seen else math.nan, abs=0.5, nan_ok=True)


def test_hip_extension_is_the_peak_of_late_stance() -> None:
    phase = np.arange(9) / 30 / 0.25
    figures = [sagittal_pose(thigh_deg=-(12 - 80 * (p - 0.9) ** 2), flexion_deg=20, trunk_deg=4) for p in phase]
    context = replace(CONTEXT, view=View.SIDE)
    values = measure_stance(Side.LEFT, 0.0, 0.25, poses_of(figures, 30.0), context).values
    assert values["hip_extension_deg"] == pytest.approx(12 - 4, abs=1e-6)


def test_the_trunk_s_forward_lean_is_that_of_stance() -> None:
    """The pictures just before and after it are there for the strike's own instant."""
    at = np.arange(-2, 11) / 30
    trunks = np.where((at < 0.0) | (at > 0.25), 40.0, 6.0)
    figures = [sagittal_pose(thigh_deg=0, flexion_deg=20, trunk_deg=float(trunk)) for trunk in trunks]
    context = replace(CONTEXT, view=View.SIDE)
    values = measure_stance(Side.LEFT, 0.0, 0.25, poses_of(figures, 30.0, -2 / 30), context).values
    assert values["trunk_forward_lean_deg"] == pytest.approx(6.0)


def test_contact_time_is_not_claimed_below_30_frames_per_second() -> None:
    figures = [sagittal_pose(thigh_deg=0, flexion_deg=20, trunk_deg=4)] * 8
    context = replace(CONTEXT, view=View.SIDE, fps=24.0)
    values = measure_stance(Side.LEFT, 0.0, 0.25, poses_of(figures, 24.0), context).values
    assert math.isnan(values["contact_s"])
    assert math.isnan(values["duty_factor"])


def test_nothing_is_interpolated_across_a_gap_or_beyond_the_samples() -> None:
    t = np.array([0.0, MAX_GAP_S + 0.02, MAX_GAP_S + 0.04])
    xy = np.ones((3, 17, 2)) * t[:, None, None]
    assert np.isnan(pose_at(t, xy, 0.05)).all()
    assert np.isnan(pose_at(t, xy, -0.01)).all()
    assert np.isnan(pose_at(t, xy, 0.2)).all()
    assert pose_at(t, xy, t[1] + 0.01) == pytest.approx(t[1] + 0.01)


def test_a_peak_needs_three_samples_over_half_of_its_part() -> None:
    values = np.array([1.0, 2.0, 3.0])
    assert math.isnan(peak(np.array([0.3, 0.5]), values[:2], 0.2, 0.7))
    assert math.isnan(peak(np.array([0.30, 0.35, 0.40]), values, 0.2, 0.7))
    assert math.isnan(peak(np.array([0.7, 0.8, 0.9]), values, 0.2, 0.7))
    assert peak(np.array([0.2, 0.45, 0.7]), values, 0.2, 0.7) == pytest.approx(3.0)


def test_pictures_stamped_in_bursts_make_no_peak_of_two_places() -> None:
    phase = np.array([0.0, 0.02, 0.26, 0.28, 0.52, 0.54, 0.78, 0.80])
    tilted = np.array([5.0, 0.0] * 4)
    assert peak(phase, 10.0 + tilted, 0.2, 0.7) == pytest.approx(12.5, abs=1.5)
    assert math.isnan(peak(phase[2:6], tilted[2:6], 0.2, 0.7)), "a parabola through two places may be any"


def run(poses: Iterable[Pose], view: View) -> list[Stance]:
    analysis = RunAnalysis(AnalysisSettings(view=view))
    return [stance for pose in poses for stance in analysis.step(pose.t_s, pose).stances]


def walk(view: View, seconds: float = 7.0, noise_px: float = 0.4) -> list[Pose]:
    return list(Walker().poses(30.0, seconds, Camera(view), noise_px=noise_px))


@pytest.mark.parametrize("view", list(View))
def test_a_mirrored_run_swaps_the_sides_and_changes_nothing_else(view: View) -> None:
    poses = walk(view)
    turned = [Pose(p.t_s, mirrored(p.xy_px), p.score[list(MIRROR_INDEX)], p.image_size_px) for p in poses]
    plain, mirror = run(poses, view), run(turned, view)
    assert len(plain) > 12
    assert [s.side.other for s in plain] == [s.side for s in mirror]
    _same_numbers(plain, mirror)


@pytest.mark.parametrize("view", list(View))
@pytest.mark.parametrize("scale", [0.5, 2.0])
def test_a_picture_of_another_size_changes_nothing(view: View, scale: float) -> None:
    poses = walk(view, 5.0)
    size = (round(SIZE_PX[0] * scale), round(SIZE_PX[1] * scale))
    _same_numbers(run(poses, view), run([Pose(p.t_s, p.xy_px * scale, p.score, size) for p in poses], view))


@pytest.mark.parametrize("view", list(View))
def test_a_runner_elsewhere_in_the_picture_changes_nothing(view: View) -> None:
    poses = walk(view, 5.0)
    moved = [Pose(p.t_s, p.xy_px + np.array([-70.0, 35.0]), p.score, p.image_size_px) for p in poses]
    # Where in the picture a leg is tells from where the camera looks at it.
    _same_numbers(run(poses, view), run(moved, view), without=(*CORRECTED, "trunk_lean_deg"))


def _same_numbers(a: Sequence[Stance], b: Sequence[Stance], without: Sequence[str] = ()) -> None:
    assert len(a) == len(b) > 0
    for one, other in zip(a, b, strict=True):
        assert other.strike_s == pytest.approx(one.strike_s, abs=1e-6)
        for key in {spec.key for spec in STANCE_METRICS} - set(without):
            assert other.values[key] == pytest.approx(one.values[key], abs=1e-5, nan_ok=True), key


@pytest.mark.parametrize(
    ("joint", "untouched"),
    [(Joint.LEFT_KNEE, {"pelvic_drop_deg", "trunk_lean_deg", "step_width_leg"}), (Joint.LEFT_HIP, set())],
)
def test_a_joint_that_is_never_seen_gives_no_number_that_needs_it(joint: Joint, untouched: set[str]) -> None:
    figure = frontal_pose(stance=Side.LEFT, fppa_deg=5, drop_deg=3, adduction_deg=8, lean_deg=2)
    figure[joint] = np.nan
    stance = measure_stance(Side.LEFT, 0.0, 0.25, poses_of([figure] * 8, 30.0), CONTEXT)
    assert {key for key, value in stance.values.items() if math.isfinite(value)} == untouched


@given(at=st.integers(1, 8), wrong=st.sampled_from([-70.0, 60.0, math.nan]))
def test_a_joint_on_the_wrong_leg_for_a_frame_makes_no_peak(at: int, wrong: float) -> None:
    phase = np.arange(10) / 30 / 0.25
    values = 40.0 - 60.0 * (phase - 0.45) ** 2
    values[at] = values[at] + wrong
    assert peak(phase, values, 0.15, 0.7) == pytest.approx(40.0, abs=1e-6)


def test_an_unknown_camera_gives_nothing_that_hangs_on_its_place() -> None:
    figures = [frontal_pose(stance=Side.LEFT, fppa_deg=5, drop_deg=3, adduction_deg=8, lean_deg=2)] * 8
    unknown = replace(
        CONTEXT,
        frontal_fppa=lambda xy, side, phase: np.full(len(xy), np.nan),
        rectify=lambda xy, side, phase: None,
    )
    plain, blind = (
        measure_stance(Side.LEFT, 0.0, 0.25, poses_of(figures, 30.0), context).values
        for context in (CONTEXT, unknown)
    )
    dependent = {"fppa_deg", "fppa_peak_deg", "knee_offset_leg", "hip_adduction_deg"}
    for key in plain:
        assert blind[key] == pytest.approx(math.nan if key in dependent else plain[key], nan_ok=True)


def test_what_the_model_leaves_out_is_put_back() -> None:
    figures = [frontal_pose(stance=Side.LEFT, fppa_deg=9, drop_deg=1, adduction_deg=8)] * 8
    bias = bias_of("movenet-thunder-int8", View.FRONT)
    values = measure_stance(Side.LEFT, 0.0, 0.25, poses_of(figures, 30.0), replace(CONTEXT, bias=bias)).values
    assert values["fppa_image_deg"] == pytest.approx(9)
    assert values["pelvic_drop_deg"] == pytest.approx(1 + bias.add["pelvic_drop_deg"])
    assert values["hip_adduction_deg"] == pytest.approx(8 + bias.add["pelvic_drop_deg"] + bias.add["hip_adduction_deg"])
    # A dive is seen too small; a knee at 4.5° or bowed out but for what the model adds; a missing one not at all.
    put_back = bias.true_fppa_deg(np.array([14.5, 4.5, -5.5, math.nan]) - bias.knee_add_deg)
    assert put_back == pytest.approx([4.5 + 10 / bias.knee_gain, 4.5, -5.5, math.nan], nan_ok=True)
    assert 0.5 < bias.knee_gain < 0.9


def test_each_model_has_its_own_corrections_in_each_view() -> None:
    """A dive is seen too small by both, and the pelvis more level than it is: the raised thigh pulls its hip up."""
    front, rear = (bias_of("movenet-lightning-int8", view) for view in (View.FRONT, View.REAR))
    assert front.surface != rear.surface
    for model in ("movenet-lightning-int8", "movenet-thunder-int8"):
        for view in (View.FRONT, View.REAR):
            bias = bias_of(model, view)
            assert 0.6 <= bias.knee_gain <= 0.8
            assert min(bias.add["pelvic_drop_deg"], bias.add["hip_adduction_deg"]) > 0
            assert bias.add["step_width_leg"] <= 0
            assert bias.trunk_shift == {}
        assert bias_of(model, View.SIDE).add == {}
    assert bias_of("mocap", View.FRONT) == bias_of(None, View.FRONT) == NO_BIAS


@pytest.mark.parametrize("facing", [1.0, -1.0])
def test_a_trunk_that_is_seen_displaced_is_put_back_whichever_way_the_runner_faces(facing: float) -> None:
    """Shoulders seen above and hips ahead of the joints take about 4° off its lean, and add them to the extension."""
    true = sagittal_pose(thigh_deg=-10, flexion_deg=20, trunk_deg=8, facing=facing)
    seen, bias = true.copy(), bias_of("movenet-lightning-int8", View.SIDE)
    for part, (ahead, up) in bias.trunk_shift.items():
        joints = [getattr(leg, part) for leg in LEGS.values()]
        seen[joints] += CONTEXT.leg_px * np.array([facing * ahead, -up])
    context = replace(CONTEXT, view=View.SIDE, facing=facing, bias=bias)
    shown, put_right = (
        measure_stance(Side.LEFT, 0.0, 0.25, poses_of([seen] * 8, 30.0), one).values
        for one in (replace(context, bias=NO_BIAS), context)
    )
    assert put_right["trunk_forward_lean_deg"] == pytest.approx(8.0)
    assert put_right["hip_extension_deg"] == pytest.approx(10.0 - 8.0)
    assert 1.0 < 8.0 - shown["trunk_forward_lean_deg"] < 5.0
    assert shown["hip_extension_deg"] > put_right["hip_extension_deg"] + 1.0


@pytest.mark.parametrize("facing", [1.0, -1.0])
def test_the_far_knee_gets_what_it_bends_more_than_is_seen(facing: float) -> None:
    swings = sagittal_pose(thigh_deg=-10, flexion_deg=95, trunk_deg=8, facing=facing)
    sagittal = replace(CONTEXT, view=View.SIDE, facing=facing)
    both = replace(sagittal, bias=Bias(flexion_add_deg=(2.0, 5.0)))
    added = []
    for side in Side:
        figure, lifted = sagittal_pose(thigh_deg=20, flexion_deg=40, trunk_deg=8, facing=facing), LEGS[side.other]
        figure[[lifted.knee, lifted.ankle]] = swings[[lifted.knee, lifted.ankle]]
        poses = poses_of([figure] * 8, 30.0)
        plain, more = (measure_stance(side, 0.0, 0.25, poses, context).values for context in (sagittal, both))
        added.append(more["knee_flexion_deg"] - plain["knee_flexion_deg"])
        assert more["knee_flexion_strike_deg"] == plain["knee_flexion_strike_deg"]
    assert added == pytest.approx([5.0, 2.0] if facing > 0 else [2.0, 5.0])


def test_gaps_never_become_numbers() -> None:
    """Keypoints lost at random: what comes out is a number near the true one or NaN, never 0 or a wild value."""
    rng = np.random.default_rng(3)
    whole = run(walk(View.FRONT, noise_px=0.0), View.FRONT)
    holes = []
    for pose in walk(View.FRONT, noise_px=0.0):
        xy, lost = pose.xy_px.copy(), rng.random(17) < 0.15
        xy[lost] = np.nan
        holes.append(Pose(pose.t_s, xy, np.where(lost, 0.0, 0.9), pose.image_size_px))
    keys = ("fppa_image_deg", "pelvic_drop_deg", "trunk_lean_deg", "step_width_leg")
    usual = {key: [s.values[key] for s in whole if math.isfinite(s.values[key])] for key in keys}
    broken = run(holes, View.FRONT)
    assert len(broken) > 12
    for stance in broken:
        for key in keys:
            value = stance.values[key]
            assert math.isnan(value) or min(usual[key]) - 5 <= value <= max(usual[key]) + 5, key


@pytest.mark.parametrize(("ankles", "counts"), [(0.2, False), (0.4, True)])
def test_a_leg_whose_ankle_is_guessed_is_not_counted(ankles: float, counts: bool) -> None:
    """Feet behind a console: hips and knees are sure enough to hide in their mean that there is no ankle."""
    seen = []
    for pose in walk(View.FRONT):
        score = pose.score.copy()
        score[[Joint.LEFT_ANKLE, Joint.RIGHT_ANKLE]] = ankles
        seen.append(Pose(pose.t_s, pose.xy_px, score, pose.image_size_px))
    found = run(seen, View.FRONT)
    assert len(found) > 12
    assert {stance.quality >= MIN_QUALITY for stance in found} == {counts}


@pytest.mark.parametrize(("missing", "counts"), [((-0.02, 0.09), False), ((-0.02, 0.04), True), ((0.09, 0.2), True)])
def test_a_stance_without_pictures_of_its_middle_is_not_counted(missing: tuple[float, float], counts: bool) -> None:
    """The nearest picture shows another part of stance. A picture or two, or others at its end, are not missed."""
    poses = walk(View.FRONT)
    whole = run(poses, View.FRONT)[6]
    mid_s = (whole.strike_s + whole.toe_off_s) / 2
    left = [pose for pose in poses if not mid_s + missing[0] < pose.t_s < mid_s + missing[1]]
    broken = next(one for one in run(left, View.FRONT) if abs(one.strike_s - whole.strike_s) < 0.1)
    assert (broken.quality >= MIN_QUALITY) is counts
