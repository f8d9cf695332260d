"""The session document: its form, what it claims and what it does not."""

from __future__ import annotations

import csv
import io
import json
import math
from statistics import fmean
from typing import Any

import pytest

from model.camera_pose import CameraPose, State
from model.coach import Cue
from model.metrics import METRICS, STANCE_METRICS
from model.place import CORRECTED
from model.pose import Side, View
from model.result import cadence_spm, cue_json, doubt, stance_json, summarise, summarise_stored, take_back, walks
from model.stance import DOUBTED_QUALITY, MIN_QUALITY, Stance
from model.statistics import MIN_STANCES
from model.table import stances_csv


def stances(count: int, view: View = View.FRONT, **values: float) -> list[dict[str, Any]]:
    """``count`` for each side, 170 steps per minute; the right side's values are 1 higher."""
    found = []
    for n in range(2 * count):
        side = Side.LEFT if n % 2 == 0 else Side.RIGHT
        numbers = dict.fromkeys((spec.key for spec in STANCE_METRICS), math.nan)
        numbers |= {key: value + n % 2 + 0.1 * (n % 3) for key, value in values.items()}
        at = 1 + n * 60 / 170
        found.append(stance_json(Stance(side, at, at + 0.25, 0.8, numbers)))
    return found


def test_a_stance_has_every_key_of_the_registry_and_null_where_nothing_was_measured() -> None:
    one = stances(1, fppa_deg=4.0)[0]
    keys = {"side", "strike_s", "toe_off_s", "quality", "pelvis_level"}
    assert set(one) == keys | {spec.key for spec in STANCE_METRICS}
    assert one["fppa_deg"] == 4.0
    assert one["hip_extension_deg"] is None
    json.dumps(one, allow_nan=False)


def test_the_summary_has_the_agreed_form() -> None:
    summary = summarise(stances(8, fppa_deg=4.0), View.FRONT)
    json.dumps(summary, allow_nan=False)
    assert summary["cadence_spm"] == pytest.approx(170, abs=0.01)
    left, right = summary["left"], summary["right"]
    assert left["stances"] == right["stances"] == 8
    uneven = summarise(stances(8, fppa_deg=4.0)[:-1], View.FRONT)
    assert [uneven[side]["stances"] for side in Side] == [8, 7]
    assert set(left["fppa_deg"]) >= {"mean", "sd", "sdd", "n", "ci95", "trend"}
    assert left["fppa_deg"]["sdd"] == 8.2
    assert right["fppa_deg"]["mean"] - left["fppa_deg"]["mean"] == pytest.approx(1, abs=0.1)
    assert summary["asymmetry"]["fppa_deg"]["value"] == pytest.approx(-1, abs=0.1)


def test_left_and_right_are_not_held_against_each_other_in_the_picture() -> None:
    """A camera that stands aside makes symmetrical knees differ there."""
    summary = summarise(stances(8, fppa_image_deg=4.0), View.FRONT)
    assert summary["left"]["fppa_image_deg"]["mean"] == pytest.approx(4.0, abs=0.1)
    assert "fppa_image_deg" not in summary["asymmetry"]


def test_every_metric_is_either_there_or_unavailable_with_a_reason() -> None:
    for view in View:
        summary = summarise(stances(8, fppa_deg=4.0), view)
        for spec in STANCE_METRICS:
            known = spec.key in summary["left"]
            assert known != bool(summary["unavailable"].get(spec.key)), spec.key
    assert summarise(stances(8), View.FRONT)["unavailable"]["hip_extension_deg"] == "needs a side view"
    slow = summarise(stances(8, knee_flexion_deg=40.0), View.SIDE)["unavailable"]
    assert slow["contact_s"] == "needs 30 frames per second or more"


def walked(count: int, knee_flexion_deg: float) -> list[dict[str, Any]]:
    """The same of walking: 110 steps per minute, each foot on the ground for longer than a step."""
    found = stances(count, View.SIDE, knee_flexion_deg=knee_flexion_deg)
    return [one | {"strike_s": 60 * n / 110, "toe_off_s": 60 * n / 110 + 0.65} for n, one in enumerate(found)]


def test_who_warms_up_walking_is_measured_running() -> None:
    found, times = stances(40, View.SIDE, knee_flexion_deg=54), ("strike_s", "toe_off_s")
    ran = [one | {key: one[key] + 60 for key in times} for one in found]
    alone = summarise(ran, View.SIDE)
    both = summarise([*walked(40, 37.0), *ran], View.SIDE)
    assert both["left"]["stances"] == 80
    assert both["left"]["knee_flexion_deg"] == alone["left"]["knee_flexion_deg"]
    assert both["cadence_spm"] == alone["cadence_spm"] == pytest.approx(170, abs=0.1)
    long = summarise([*walked(500, 37.0), *(one | {key: one[key] + 500 for key in times} for one in ran)], View.SIDE)
    assert long["left"]["knee_flexion_deg"] == alone["left"]["knee_flexion_deg"]
    assert long["cadence_spm"] == alone["cadence_spm"]
    only = summarise(walked(40, 37.0), View.SIDE)
    assert only["left"]["knee_flexion_deg"]["n"] == 40
    assert only["cadence_spm"] == pytest.approx(110, abs=0.1)
    assert walks(walked(40, 37.0))
    assert not walks([*walked(40, 37.0), *ran])
    assert not walks(walked(2, 37.0))
    short = [one | {key: one[key] + 90 for key in times} for one in found[:30]]
    mixed = summarise([*walked(165, 37.0), *short], View.SIDE)  # ten seconds of running after a minute and a half
    assert mixed["cadence_spm"] == pytest.approx(170, abs=0.1)
    mistaken = walked(200, 37.0)
    for one in mistaken[::10]:
        one["toe_off_s"] = one["strike_s"] + 0.3
    assert summarise(mistaken, View.SIDE)["left"]["knee_flexion_deg"]["n"] == 200  # single steps are no run
    few = walked(20, 37.0)
    for one in few[::3][:12]:
        one["toe_off_s"] = one["strike_s"] + 0.3
    assert summarise(few, View.SIDE)["left"]["knee_flexion_deg"]["n"] == 20  # nor are fewer than tell anything


@pytest.mark.parametrize(
    ("key", "view", "apart", "changed"),
    [
        ("hip_extension_deg", View.SIDE, 4.0, False),  # no SDD; each side may be off by 9°
        ("hip_extension_deg", View.SIDE, 14.0, True),
        ("fppa_deg", View.FRONT, 8.0, False),  # SDD 8.2°
        ("fppa_deg", View.FRONT, 9.0, True),
        ("knee_offset_leg", View.FRONT, 0.03, False),
        ("trunk_lean_deg", View.FRONT, 3.9, False),  # a camera askew by 2° more than was seen adds that on both sides
        ("trunk_lean_deg", View.FRONT, 4.1, True),
    ],
)
def test_left_and_right_differ_only_beyond_sdd_and_what_each_may_be_off(
    key: str, view: View, apart: float, changed: bool
) -> None:
    found = [one | {key: 1.0 + apart * (one["side"] == "left")} for one in stances(8)]
    assert summarise(found, view)["asymmetry"][key] == {"value": apart, "ci95": 0.0, "changed": changed}


def test_who_turns_has_the_measures_of_both_views_with_what_they_may_be_off() -> None:
    front, side = stances(9, fppa_deg=4.0), stances(8, hip_extension_deg=10.0, knee_flexion_deg=45.0, contact_s=0.24)
    for one in side:
        one |= {"strike_s": one["strike_s"] + 8, "toe_off_s": one["toe_off_s"] + 8}
        one["knee_flexion_deg"] += 5.0 * (one["side"] == "left")  # beyond the SDD, but not beyond what each may be off
    summary = summarise(front + side, View.FRONT)
    claimed = {key for key, claim in summary["left"].items() if isinstance(claim, dict) and claim["mean"] is not None}
    assert claimed == {"fppa_deg", "hip_extension_deg", "knee_flexion_deg", "contact_s"}
    assert not claimed & set(summary["unavailable"])
    assert summary["unavailable"]["overstride_leg"] == "needs a side view"
    assert [summary["left"][key]["uncertainty"] for key in ("fppa_deg", "knee_flexion_deg")] == [4.5, 9]
    assert summary["asymmetry"]["knee_flexion_deg"]["value"] == pytest.approx(4.0, abs=0.1)
    assert not summary["asymmetry"]["knee_flexion_deg"]["changed"]
    from_the_side = summarise(side + front, View.SIDE)
    assert "fppa_deg" not in from_the_side["unavailable"]
    assert from_the_side["left"]["fppa_deg"]["uncertainty"] == 5, "from the front or from behind: the larger one"


def test_a_refused_camera_claims_no_knee_angle_though_stances_hold_one() -> None:
    refused = CameraPose(yaw_deg=20.0, state="refused", advice="turn the camera 20° to the left")
    summary = summarise(stances(8, fppa_deg=4.0, pelvic_drop_deg=5.0), View.FRONT, refused)
    assert "fppa_deg" not in summary["left"]
    assert "fppa_deg" not in summary["asymmetry"]
    assert summary["unavailable"]["fppa_deg"] == "turn the camera 20° to the left"
    assert summary["left"]["pelvic_drop_deg"]["n"] == 8


@pytest.mark.parametrize("state", ["refused", "unknown", "good"])
def test_a_refused_camera_claims_no_lean_of_the_trunk_which_is_the_picture_s_own_then(state: State) -> None:
    camera = CameraPose(yaw_deg=20.0, state=state, advice="turn the camera 20° to the left")
    summary = summarise(stances(8, trunk_lean_deg=2.0, fppa_deg=4.0), View.FRONT, camera)
    claimed = state != "refused"
    assert ("trunk_lean_deg" in summary["left"]) is claimed
    assert ("trunk_lean_deg" in summary["asymmetry"]) is claimed
    assert summary["unavailable"].get("trunk_lean_deg") == (None if claimed else "turn the camera 20° to the left")


@pytest.mark.parametrize(("state", "counted", "mean"), [("good", 8, 2.1), ("unknown", 11, 3.2)])
def test_a_lean_against_the_picture_is_not_averaged_with_those_against_the_vertical(
    state: State, counted: int, mean: float
) -> None:
    """Before the camera's place was known, and after it was moved; where it is never known, that is all there is."""
    found = stances(11, trunk_lean_deg=2.0, fppa_deg=4.0)
    for one in found[:4] + found[-2:]:
        one |= dict.fromkeys(CORRECTED) | {"trunk_lean_deg": 6.0}
    claim = summarise(found, View.FRONT, CameraPose(yaw_deg=0.0, state=state))["left"]["trunk_lean_deg"]
    assert claim["n"] == counted
    assert claim["mean"] == pytest.approx(mean, abs=0.1)


def test_a_camera_that_hangs_askew_tilts_the_trunk_to_one_side_by_what_is_left_of_its_roll() -> None:
    """Of a roll of 4°, found by shoulders that are believed to 0.7: 1.7° more to the left, 1.7° less to the right."""

    def told(roll_deg: float, apart_deg: float) -> tuple[float, bool]:
        some = stances(12, trunk_lean_deg=1.0, hip_adduction_deg=10.0)
        for one in some:
            one["trunk_lean_deg"] += apart_deg if one["side"] == "left" else 0.0
        camera = CameraPose(yaw_deg=1.0, yaw_sd_deg=1.0, roll_deg=roll_deg, azimuth_left_deg=1.0, state="good")
        summary = summarise(some, View.FRONT, camera)
        return summary["left"]["trunk_lean_deg"]["uncertainty"], summary["asymmetry"]["trunk_lean_deg"]["changed"]

    assert told(0.0, 6.0) == (2.0, True)
    assert told(4.0, 6.0) == (2.6, False)
    assert told(-4.0, 7.0) == (2.6, True)


def test_the_uncertainty_of_fppa_is_that_of_the_camera_s_place_where_that_is_more() -> None:
    def said(azimuth_deg: float, sd_deg: float, fppa_deg: float) -> float:
        camera = CameraPose(azimuth_deg, sd_deg, 0.0, 0.0, azimuth_deg, azimuth_deg, "belt", "good")
        summary = summarise(stances(8, fppa_deg=fppa_deg, pelvic_drop_deg=5.0), View.FRONT, camera)
        assert summary["left"]["pelvic_drop_deg"]["uncertainty"] == METRICS["pelvic_drop_deg"].uncertainty[View.FRONT]
        value: float = summary["left"]["fppa_deg"]["uncertainty"]
        return value

    usual = METRICS["fppa_deg"].uncertainty[View.FRONT]
    assert said(0.0, 0.5, 4.0) == usual
    assert usual < said(11.0, 1.0, 4.0) < said(11.0, 2.0, 4.0) < said(11.0, 2.0, 14.0) < 9


def test_a_place_that_is_lost_in_the_end_takes_nothing_back() -> None:
    summary = summarise(stances(8, fppa_deg=4.0), View.FRONT, CameraPose(advice="the steps differ too much"))
    assert summary["left"]["fppa_deg"]["n"] == 8
    assert "fppa_deg" not in summary["unavailable"]
    assert summarise(stances(8), View.FRONT, CameraPose(advice="why"))["unavailable"]["fppa_deg"] == "why"


def test_what_was_measured_for_another_place_is_taken_back() -> None:
    found = stances(8, fppa_deg=4.0, pelvic_drop_deg=5.0)
    since_s = found[10]["strike_s"]
    take_back(found, since_s)
    assert [one["fppa_deg"] is None for one in found] == [one["strike_s"] >= since_s for one in found]
    assert all(one["pelvic_drop_deg"] is not None for one in found)


def test_stances_since_somebody_came_onto_the_belt_are_not_counted() -> None:
    found = stances(8, fppa_deg=4.0)
    since_s = found[10]["strike_s"]
    doubt(found, since_s)
    assert [one["quality"] < MIN_QUALITY for one in found] == [one["strike_s"] >= since_s for one in found]
    assert summarise(found, View.FRONT)["left"]["fppa_deg"]["n"] == 5


def test_nothing_is_claimed_from_six_stances() -> None:
    summary = summarise(stances(6, fppa_deg=4.0), View.FRONT)
    assert summary["left"]["fppa_deg"]["mean"] is None
    assert summary["left"]["fppa_deg"]["n"] == 6
    assert summary["unavailable"]["fppa_deg"] == "too few stances: 6 of 7"
    assert summary["asymmetry"] == {}


@pytest.mark.parametrize("quality", [0.1, 0.34])
def test_a_doubtful_stance_is_kept_but_not_counted(quality: float) -> None:
    found = stances(8, fppa_deg=4.0)
    found[0] |= {"quality": quality, "fppa_deg": 90.0}
    found[2] |= {"quality": 0.36}
    left = summarise(found, View.FRONT)["left"]
    assert left["stances"] == 8
    assert left["fppa_deg"]["n"] == 7
    assert left["fppa_deg"]["mean"] < 6


def test_the_view_is_the_first_reason_and_doubt_the_second() -> None:
    assert summarise(stances(8), View.SIDE, CameraPose())["unavailable"]["fppa_deg"] == "needs a front or rear view"
    blurred = [stance | {"quality": 0.1} for stance in stances(8, contact_s=0.25)]
    summary = summarise(blurred, View.SIDE)
    assert summary["cadence_spm"] is None
    missing = summary["unavailable"]
    assert missing["contact_s"] == "the runner was not seen clearly enough in any stance"
    front = [stance | {"quality": 0.1} for stance in stances(8)]
    missing = summarise(front, View.FRONT, CameraPose())["unavailable"]
    assert missing["fppa_deg"] == "the runner was not seen clearly enough in any stance", "the camera's place neither"


def test_what_kept_most_pictures_from_being_used_is_the_reason_where_no_stance_was_seen_clearly() -> None:
    why = "the picture lies on its side: turn the camera by 90°"
    missing = summarise([one | {"quality": 0.1} for one in stances(8)], View.SIDE, unused=why)["unavailable"]
    assert missing["fppa_deg"] == missing["contact_s"] == why
    assert summarise(stances(8), View.SIDE, unused=why)["unavailable"]["fppa_deg"] == "needs a front or rear view"


@pytest.mark.parametrize(("by", "changed"), [(0.02, False), (0.05, True), (-0.05, True)])
def test_a_drift_is_more_than_noise_beyond_what_a_mean_may_be_off_where_no_sdd_is_known(
    by: float, changed: bool
) -> None:
    """Step width, 0.03 leg lengths from the front."""
    found = stances(40)
    for n, one in enumerate(found):
        one["step_width_leg"] = 0.1 + by * (n >= 40) + 0.001 * (n % 3)
    trend = summarise(found, View.FRONT)["left"]["step_width_leg"]["trend"]
    assert trend["value"] == pytest.approx(by, abs=0.002)
    assert trend["changed"] is changed


def test_no_stances_make_an_empty_summary() -> None:
    summary = summarise([], None)
    assert summary["cadence_spm"] is None
    assert summary["left"] == {"stances": 0}
    assert summary["unavailable"] == {}


def test_cadence_leaves_pauses_out() -> None:
    found = stances(10)
    for stance in found[10:]:
        stance["strike_s"] += 30
    assert cadence_spm(found) == pytest.approx(170, abs=0.01)


def test_a_step_that_was_not_seen_does_not_make_the_cadence_slower() -> None:
    found = stances(10)
    del found[7], found[3]
    assert cadence_spm(found) == pytest.approx(170, abs=0.01)


def test_steps_that_count_for_nothing_else_do_not_make_the_cadence() -> None:
    """A film is slower than life after a while; one leg that is never well seen takes no step from the other."""
    found = stances(40)
    for stance in found[40:]:
        stance["strike_s"] = found[39]["strike_s"] + 1.6 * (stance["strike_s"] - found[39]["strike_s"])
        stance["quality"] = DOUBTED_QUALITY
    assert cadence_spm(found) == pytest.approx(170, abs=0.5)
    found = stances(20)
    for stance in found[::2]:
        stance["quality"] = DOUBTED_QUALITY
    assert cadence_spm(found) == pytest.approx(170, abs=0.01)
    assert cadence_spm([stance | {"quality": DOUBTED_QUALITY} for stance in found]) is None


def test_cadence_is_claimed_from_as_many_stances_as_everything_else() -> None:
    """Of a second of running it said 56 steps per minute, beside "too few stances"."""
    found = stances(4)
    assert cadence_spm(found[: MIN_STANCES - 1]) is None
    assert cadence_spm(found[:MIN_STANCES]) == pytest.approx(170, abs=0.01)


def test_a_cue_and_the_table_have_the_agreed_form() -> None:
    assert cue_json(Cue(8.30001, Side.RIGHT, "fppa_deg", 11.9, 8.0)) == {
        "t_s": 8.3, "side": "right", "metric": "fppa_deg", "value": 11.9, "threshold": 8.0,
    }  # fmt: skip
    rows = list(csv.DictReader(io.StringIO(stances_csv({"stances": stances(2, fppa_deg=4.0)}))))
    assert len(rows) == 4
    assert float(rows[0]["fppa_deg"]) == 4.0
    assert rows[0]["hip_extension_deg"] == ""
    assert set(METRICS) - {"cadence_spm"} <= set(rows[0])


def test_the_means_are_those_of_the_lines_that_count() -> None:
    """Neither of who walks nor of who was hardly seen: a column's own mean was another than the page's."""
    times = ("strike_s", "toe_off_s")
    ran = [one | {key: one[key] + 100 for key in times} for one in stances(20, knee_flexion_deg=43.0)]
    ran[0] |= {"quality": 0.2, "knee_flexion_deg": 90.0}
    session = [*walked(40, 37.0), *ran]
    rows = list(csv.DictReader(io.StringIO(stances_csv({"stances": session}))))
    assert list(rows[0])[:6] == ["n", "side", "strike_s", "toe_off_s", "quality", "counts"]
    assert {row["counts"] for row in rows} == {"0", "1"}
    found = summarise(session, View.SIDE)
    for side in Side:
        mine = [float(row["knee_flexion_deg"]) for row in rows if row["side"] == side and row["counts"] == "1"]
        claim = found[side]["knee_flexion_deg"]
        assert len(mine) == claim["n"]
        assert fmean(mine) == pytest.approx(claim["mean"], abs=1e-4)


def test_a_session_from_before_a_metric_was_added_is_summed_up_without_it() -> None:
    """It was cut off, and this version is the first to look at it."""
    old = [{key: value for key, value in one.items() if key != "pelvic_drop_deg"} for one in stances(8, fppa_deg=4.0)]
    found = summarise_stored({"view": "front", "camera": None, "stances": old})
    assert found["left"]["fppa_deg"]["n"] == 8
    assert "pelvic_drop_deg" not in found["left"]
