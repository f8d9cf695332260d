"""Curves over the gait cycle and their bands."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.looks import MAX_GAP_S
from model.pose import Pose, Side, View
from model.statistics import MIN_STANCES
from model.strides import POINTS, StrideBands, measure_stride, resample
from tests.model.figures import SIZE_PX, frontal_pose, sagittal_pose


def side_poses(offset: float = 0.0) -> list[Pose]:
    """Knee flexion rises by 1° in each 10 ms."""
    t = np.arange(0, 1.0, 1 / 30)
    return [
        Pose(at, sagittal_pose(thigh_deg=5, flexion_deg=100 * at + offset, trunk_deg=4), np.ones(17), SIZE_PX)
        for at in t
    ]


def test_a_curve_runs_from_strike_to_strike() -> None:
    stride = measure_stride(Side.LEFT, 0.111, 0.35, 0.811, side_poses(), View.SIDE, 1.0)
    curve = stride.curves["knee_flexion_deg"]
    assert curve.shape == (POINTS,)
    assert curve == pytest.approx(np.linspace(11.1, 81.1, POINTS), abs=1e-6)
    assert stride.toe_off_percent == pytest.approx(100 * 0.239 / 0.7)
    assert stride.curves["trunk_forward_lean_deg"] == pytest.approx(4)
    assert stride.curves["hip_extension_deg"] == pytest.approx(-9)


def test_the_frontal_knee_is_drawn_in_stance_only() -> None:
    poses = [Pose(i / 30, frontal_pose(fppa_deg=6, drop_deg=3), np.ones(17), SIZE_PX) for i in range(30)]
    curves = measure_stride(Side.LEFT, 0.1, 0.345, 0.8, poses, View.FRONT, 1.0).curves
    assert curves["fppa_image_deg"][:35] == pytest.approx(6)
    assert np.isnan(curves["fppa_image_deg"][36:]).all()
    assert curves["pelvic_drop_deg"] == pytest.approx(3)
    unseen = measure_stride(Side.LEFT, 0.1, np.nan, 0.8, poses, View.FRONT, 1.0)
    assert np.isnan(unseen.curves["fppa_image_deg"]).all()


@pytest.mark.parametrize("toe_off_s", [0.05, 0.85])
def test_a_toe_off_outside_of_the_stride_is_none_of_it(toe_off_s: float) -> None:
    poses = [Pose(i / 30, frontal_pose(fppa_deg=6), np.ones(17), SIZE_PX) for i in range(30)]
    stride = measure_stride(Side.LEFT, 0.1, toe_off_s, 0.8, poses, View.FRONT, 1.0)
    assert np.isnan(stride.toe_off_percent)
    assert np.isnan(stride.curves["fppa_image_deg"]).all()


@given(st.lists(st.floats(0, 1), min_size=2, max_size=40, unique=True))
def test_gaps_stay_empty(times: list[float]) -> None:
    t = np.sort(times)
    curve = resample(t, np.full(len(t), 7.0), 0.0, 1.0)
    at = np.linspace(0, 1, POINTS)
    after = np.searchsorted(t, at).clip(1, len(t) - 1)
    inside = (at >= t[0]) & (at <= t[-1]) & (t[after] - t[after - 1] <= MAX_GAP_S)
    assert curve[inside] == pytest.approx(7.0)
    assert np.isnan(curve[~inside]).all()


def test_a_band_is_mean_and_sd_of_at_least_seven() -> None:
    bands, offsets = StrideBands(), np.array([0.0, 1.0, -2.0, 3.0, 5.0, -1.0, 2.0, 4.0])
    for n, offset in enumerate(offsets, start=1):
        bands.add(measure_stride(Side.LEFT, 0.1, 0.35, 0.8, side_poses(5 + offset), View.SIDE, 1.0))
        found = bands.as_json()["left"]["knee_flexion_deg"]
        assert found["n"] == n
        assert (found["mean"][50] is None) == (n < MIN_STANCES)
    curve = np.array(found["mean"])
    assert curve == pytest.approx(np.linspace(15, 85, POINTS) + offsets.mean(), abs=0.01)
    assert np.array(found["sd"]) == pytest.approx(offsets.std(ddof=1), abs=0.01)
    assert bands.as_json()["right"] == {"toe_off_percent": None}
