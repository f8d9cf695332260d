"""The validation itself: its yardsticks on cases whose answer is known, and motion capture against force plates."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from device.mocap import read_motion
from model.analysis import AnalysisSettings
from model.metrics import METRICS, STANCE_METRICS
from model.pose import FloatArray, Side, View
from model.virtual_camera import Motion, VirtualCamera, project_motion
from tests.model.walkers import Walker
from tests.validation import validate as v

WALKER = Walker(duty=0.35)
END_S = 6.0


def walker_motion() -> Motion:
    t = np.arange(0, END_S, 1 / 60)
    return Motion(t, np.stack([WALKER.joints_m(float(at)) for at in t]))


def seen_from(side: Side) -> dict[str, object]:
    """The truth of a clip of the walker, by a camera far away on one side."""
    motion, outward = walker_motion(), 1.0 if side is Side.RIGHT else -1.0
    forward, up, right = np.moveaxis(motion.xyz_m, -1, 0)
    return {
        "width": 640, "height": 480,
        "frames": [
            {"t": t, "uv": uv, "xyz": xyz}
            for t, uv, xyz in zip(
                motion.t_s.tolist(),
                (np.stack([outward * forward, -up], axis=-1) * 200 + (320, 400)).tolist(),
                np.stack([forward, -right, up], axis=-1).tolist(),
                strict=True,
            )
        ],
        "foot_strikes": {str(s): events(s)[0].tolist() for s in Side},
        "toe_offs": {str(s): events(s)[1].tolist() for s in Side},
    }  # fmt: skip


def events(side: Side) -> tuple[FloatArray, FloatArray]:
    return WALKER.strikes_s(side, END_S), WALKER.toe_offs_s(side, END_S)


def test_truth_is_the_same_whichever_way_the_runner_faces() -> None:
    from_right, from_left = (v.clip_truth(seen_from(side), View.SIDE)[Side.LEFT] for side in (Side.RIGHT, Side.LEFT))
    measured = [key for key, value in from_right.items() if math.isfinite(value)]
    assert {"hip_extension_deg", "trunk_forward_lean_deg", "overstride_leg"} <= set(measured)
    assert [from_left[key] for key in measured] == pytest.approx([from_right[key] for key in measured])


def test_truth_of_a_walker_in_closed_form() -> None:
    """His knees stay between hips and ankles, his pelvis level, his trunk 0.05 ahead over 0.5."""
    strikes = {side: events(side)[0] for side in Side}
    toe_offs = {side: events(side)[1] for side in Side}
    for view in View:
        stances = v.true_stances(v.orthographic(walker_motion(), view), strikes, toe_offs, view, leg_px=860.0)
        means = v.means(stances, Side.LEFT)
        if view.frontal:
            assert means["fppa_deg"] == pytest.approx(0, abs=0.3)
            assert means["pelvic_drop_deg"] == pytest.approx(0, abs=1e-6)
            assert means["trunk_lean_deg"] == pytest.approx(0, abs=1e-6)
            assert means["step_width_leg"] == pytest.approx(0.12 / 0.86, abs=0.01)
        else:
            assert means["contact_s"] == pytest.approx(0.35 * 120 / 170, abs=2e-3)
            assert means["duty_factor"] == pytest.approx(0.35, abs=5e-3)
            assert means["trunk_forward_lean_deg"] == pytest.approx(math.degrees(math.atan2(0.05, 0.5)), abs=0.01)
            assert means["vertical_oscillation_leg"] == pytest.approx(0.07 / 0.86, abs=2e-3)


def test_a_mean_fitted_elsewhere_is_what_remains() -> None:
    errors = [v.Error(s, "m", View.FRONT, Side.LEFT, "fppa_deg", x) for s, x in (("a", 3.0), ("b", 3.0), ("c", 3.0))]
    assert v.left_out(errors, 1, 1) == "0.0"
    errors[2] = v.Error("c", "m", View.FRONT, Side.LEFT, "fppa_deg", 6.0)
    # Left out in turn: 3 − 4.5, 3 − 4.5, 6 − 3.
    assert float(v.left_out(errors, 1, 2)) == pytest.approx(math.sqrt((1.5**2 * 2 + 9) / 3), abs=0.01)
    assert v.left_out(errors[:1], 1, 1) == "one source"


def test_a_missed_goal_is_named_with_its_reason() -> None:
    goals = v.Found()
    goals.add("drop_mean", "lightning", -2.5, "somewhere")
    goals.add("drop_mean", "lightning", 0.5, "elsewhere")
    goals.add("dive", "lightning", 0.9, "somewhere")
    table = goals.table()
    assert "-2.50 | somewhere | 1 of 2 | **no**: the hip line" in table
    assert "0.90 | somewhere | 1 of 1 | yes" in table


def test_the_report_names_every_measure_and_every_goal() -> None:
    text = v.REPORT.read_text("utf-8")
    for spec in STANCE_METRICS:
        assert f"`{spec.key}`" in text
    for goal in v.GOALS.values():
        assert goal.text in text


def test_the_stated_uncertainty_covers_what_was_measured() -> None:
    """Twice the rms error of session means, rendered clips and motion capture with noise at 30 frames a second."""
    seen = set()
    for line in v.REPORT.read_text("utf-8").splitlines():
        cells = [cell.strip(" `") for cell in line.strip("|").split("|")]
        if cells[0] not in METRICS or cells[2] not in ("lightning", "thunder", "30 fps, measured"):
            continue
        scale = 1000 if cells[-1] == "ms" else 1
        spec, view = METRICS[cells[0]], View(cells[1])
        assert 2 * float(cells[5]) <= spec.uncertainty[view] * scale + 0.1, line
        seen.add((spec.key, view))
    assert seen == {(spec.key, view) for spec in STANCE_METRICS for view in spec.views}


def test_a_runner_on_force_plates(shared: Path) -> None:
    """From the side, 30 frames a second: every step, strikes within 20 ms, contact within 20 ms, cadence within 1."""
    folder = shared / "mocap"
    motion = read_motion(folder / "run_s02.npz")
    with np.load(folder / "run_s02.npz") as archive:
        strikes = {side: archive[f"{side}_strike_s"] for side in Side}
        toe_offs = {side: archive[f"{side}_toe_off_s"] for side in Side}
    end_s = float(motion.t_s[-1])
    poses = project_motion(motion, VirtualCamera(View.SIDE), 30.0)
    document = v.replace_edges(v.analyse(poses, AnalysisSettings(view=View.SIDE), "run"), end_s)
    found = v._events(document, "strike_s", strikes, end_s)
    assert (found.missed, found.invented) == (0, 0)
    assert found.mae_s < 0.020
    assert document["summary"]["cadence_spm"] == pytest.approx(v._true_cadence(strikes, end_s), abs=1.0)
    true = v._mocap_truth(motion, View.SIDE, strikes, toe_offs)
    for side in Side:
        seen = v.summary_means(document, side)
        assert seen["contact_s"] == pytest.approx(true[side]["contact_s"], abs=0.020)
        for key in ("knee_flexion_deg", "knee_flexion_strike_deg", "trunk_forward_lean_deg"):
            assert seen[key] == pytest.approx(true[side][key], abs=1.3), key
