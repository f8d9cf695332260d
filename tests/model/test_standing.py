"""Three seconds of standing still."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from model.analysis import AnalysisSettings, RunAnalysis
from model.pose import LEGS, FloatArray, Joint, Pose, Side, View
from model.stance import Stance
from model.standing import STAND_S, StandingCalibration, StandingCalibrator
from tests.model.figures import SIZE_PX, frontal_pose
from tests.model.walkers import Camera, Walker


def stander(knee_deg: float = 3.0, roll_deg: float = 0.0) -> FloatArray:
    """Both legs 80 + 80 px, both knees ``knee_deg`` inward, the picture turned clockwise by ``roll_deg``."""
    xy = frontal_pose(stance=Side.LEFT, fppa_deg=knee_deg)
    mirrored = frontal_pose(stance=Side.RIGHT, fppa_deg=knee_deg)
    right = LEGS[Side.RIGHT]
    for joint in (right.hip, right.knee, right.ankle):
        xy[joint] = mirrored[joint]
    turn = np.radians(roll_deg)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    turned: FloatArray = (xy - [320, 240]) @ matrix.T + [320, 240]
    return turned


def stand(figures: Sequence[FloatArray], noise_px: float = 0.5, view: View = View.FRONT) -> list[StandingCalibration]:
    rng = np.random.default_rng(0)
    calibrator = StandingCalibrator()
    found = []
    for i, xy in enumerate(figures):
        pose = Pose(i / 30, xy + rng.normal(0, noise_px, (17, 2)), np.full(17, 0.8), SIZE_PX)
        found.append(calibrator.step(pose, view, moving=False))
    return [one for one in found if one is not None]


def test_standing_tells_leg_length_knees_and_roll() -> None:
    found = stand([stander(3.0, roll_deg=2.0)] * 100)
    assert len(found) == 1
    one = found[0]
    assert one.t_s == pytest.approx(STAND_S, abs=0.04)
    assert one.leg_px == pytest.approx(160, abs=0.5)
    assert one.knee_deg[Side.LEFT] == pytest.approx(3.0, abs=0.4)
    assert one.knee_deg[Side.RIGHT] == pytest.approx(3.0, abs=0.4)
    assert one.roll_deg == pytest.approx(2.0, abs=0.2)
    assert one.hip_line_deg == pytest.approx(2.0, abs=0.5)
    assert one.as_json()["knee_left_deg"] == pytest.approx(one.knee_deg[Side.LEFT], abs=1e-3)


def test_a_longer_stand_renews_it() -> None:
    assert len(stand([stander()] * 200)) == 2


def test_fidgeting_squatting_or_a_foot_on_the_rail_is_not_standing() -> None:
    shift = [stander() + np.array([12 * np.sin(i / 8), 0.0]) for i in range(120)]
    assert stand(shift) == []
    assert stand([stander(knee_deg=30.0)] * 120) == []
    raised = stander()
    raised[Joint.LEFT_ANKLE, 1] -= 20
    assert stand([raised] * 120) == []


def test_a_stand_counts_from_when_the_fidgeting_ends() -> None:
    figures = [stander() + np.array([12 * np.sin(i / 8), 0.0]) for i in range(60)] + [stander()] * 110
    found = stand(figures)
    assert len(found) == 1
    assert found[0].t_s > 60 / 30 + 0.8 * STAND_S


def test_a_hidden_joint_gives_no_calibration() -> None:
    hidden = stander()
    hidden[Joint.LEFT_KNEE] = np.nan
    assert stand([hidden] * 120) == []


def test_it_is_taken_by_itself_before_a_run_and_not_during_it() -> None:
    walker = Walker(schedule=((0.0, 0.0), (4.0, 170.0)))
    analysis = RunAnalysis(AnalysisSettings(view=View.FRONT))
    taken = []
    for pose in walker.poses(30.0, 12.0, Camera(View.FRONT), noise_px=0.3):
        standing = analysis.step(pose.t_s, pose).standing
        if standing is not None and standing not in taken:
            taken.append(standing)
    assert len(taken) == 1
    assert taken[0].t_s < 4.2


@pytest.mark.parametrize("yaw_deg", [0.0, 12.0])
def test_who_stood_on_one_leg_before_a_run_has_no_pelvis_that_drops_on_one_side(yaw_deg: float) -> None:
    """A hitched hip of 8° was taken for a level one, and the level one of the run for a drop of 8°."""
    drops: dict[float, list[Any]] = {}
    for hitch_deg in (0.0, 8.0):
        walker = Walker(schedule=((0.0, 0.0), (4.0, 170.0)))
        analysis = RunAnalysis(AnalysisSettings(view=View.FRONT))
        stances: list[Stance] = []
        for pose in walker.poses(30.0, 16.0, Camera(View.FRONT, yaw_deg=yaw_deg), noise_px=0.3):
            xy = pose.xy_px.copy()
            if pose.t_s < 3.6:
                half_px = (xy[Joint.LEFT_HIP, 0] - xy[Joint.RIGHT_HIP, 0]) / 2 * np.tan(np.radians(hitch_deg))
                xy[Joint.LEFT_HIP, 1] += half_px
                xy[Joint.RIGHT_HIP, 1] -= half_px
            stances += analysis.step(pose.t_s, replace(pose, xy_px=xy)).stances
        standing = analysis.standing.calibration
        assert standing is not None
        assert standing.hips_level == (hitch_deg == 0)
        late = [stance for stance in stances if stance.strike_s > 7]
        drops[hitch_deg] = [np.mean([s.values["pelvic_drop_deg"] for s in late if s.side is side]) for side in Side]
    assert drops[8.0] == pytest.approx(drops[0.0], abs=1.0)


def seen(calibrator: StandingCalibrator, figures: Sequence[FloatArray | None], **last: bool) -> None:
    """The figures at 30 per second; None is nobody."""
    for i, xy in enumerate(figures):
        pose = None if xy is None else Pose(i / 30, xy, np.full(17, 0.8), SIZE_PX)
        calibrator.step(pose, None if last.get("undecided") else View.FRONT, moving=last.get("moving", False))


def _raised() -> FloatArray:
    raised = stander()
    raised[Joint.LEFT_ANKLE, 1] -= 20
    return raised


def _hidden() -> FloatArray:
    hidden = stander()
    hidden[Joint.LEFT_KNEE] = np.nan
    return hidden


@pytest.mark.parametrize(
    ("figures", "last", "obstacle"),
    [
        ([None], {}, "nobody"),
        ([_hidden()], {}, "hidden"),
        ([stander()], {"moving": True}, "moving"),
        ([stander()], {"undecided": True}, "view"),
        ([stander() + np.array([12 * np.sin(i / 8), 0.0]) for i in range(100)], {}, "unsteady"),
        ([stander(knee_deg=30.0)] * 100, {}, "bent"),
        ([_raised()] * 100, {}, "uneven"),
        ([stander()] * 50, {}, None),
    ],
)
def test_it_says_what_is_in_the_way(
    figures: list[FloatArray | None], last: dict[str, bool], obstacle: str | None
) -> None:
    calibrator = StandingCalibrator()
    seen(calibrator, figures, **last)
    assert calibrator.obstacle == obstacle
    assert calibrator.calibration is None


def test_what_was_in_the_way_is_gone_when_someone_stands_again() -> None:
    calibrator = StandingCalibrator()
    seen(calibrator, [stander(knee_deg=30.0)] * 100)
    assert calibrator.obstacle == "bent"
    assert calibrator.held_s == pytest.approx(STAND_S, abs=0.35)
    calibrator.restart()
    assert calibrator.held_s == 0.0
    seen(calibrator, [stander()] * 91)
    assert calibrator.calibration is not None
    assert calibrator.obstacle is None
