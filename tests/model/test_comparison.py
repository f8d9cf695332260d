"""A run against an earlier one: what is called a change, and what is not."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pytest

from model.camera_pose import CameraPose, is_elsewhere
from model.comparison import FRONTAL_KEYS, SIDE_KEYS, Change, compare, least_change, why_unlike
from model.metrics import METRICS
from model.pose import Side, View
from model.statistics import MIN_STANCES

CAMERA = {"yaw_deg": 2.0, "yaw_sd_deg": 1.0, "roll_deg": 0.5, "azimuth_left_deg": 3.0, "azimuth_right_deg": 1.0,
          "state": "good"}  # fmt: skip
UNKNOWN = {"yaw_deg": None, "yaw_sd_deg": None, "roll_deg": None, "state": "unknown"}
STOOD = {"hip_line_deg": 1.0, "roll_deg": 0.5}


def claim(key: str, mean: float | None, view: View, n: int = 200, sd: float = 2.0) -> dict[str, Any]:
    unsure = METRICS[key].uncertainty[view]
    return {"mean": mean, "sd": None if mean is None else sd, "n": n, "uncertainty": unsure}


def run(
    view: View = View.FRONT, left: Mapping[str, float] | None = None, n: int = 200, **changes: Any
) -> dict[str, Any]:
    """A run whose right side is at 5 in everything, as is the left but for ``left``."""
    keys = [key for key in (FRONTAL_KEYS if view.frontal else SIDE_KEYS) if METRICS[key].per_stance]
    summary: dict[str, Any] = {"cadence_spm": 170.0, "standing": STOOD}
    for side in Side:
        means = dict.fromkeys(keys, 5.0) | (dict(left or {}) if side is Side.LEFT else {})
        claimed = n >= MIN_STANCES
        summary[side] = {key: claim(key, mean if claimed else None, view, n) for key, mean in means.items()}
    document = {"view": str(view), "model": "movenet-lightning-int8", "source": "camera", "app_version": "1",
                "frames": 900, "camera": CAMERA if view.frontal else UNKNOWN, "summary": summary}  # fmt: skip
    return document | changes


def told(now: Mapping[str, Any], then: Mapping[str, Any], key: str, side: Side | None = Side.LEFT) -> Change:
    return next(one for one in compare(now, then).changes if one.spec.key == key and one.side == side)


@pytest.mark.parametrize("key", [key for key in FRONTAL_KEYS if METRICS[key].sdd is not None])
def test_a_change_is_one_only_beyond_the_sdd(key: str) -> None:
    sdd = METRICS[key].sdd
    assert sdd is not None
    for value, changed in ((sdd - 0.05, False), (sdd + 0.05, True), (-sdd + 0.05, False), (-sdd - 0.05, True)):
        found = told(run(left={key: 5.0 + value}), run(), key)
        assert found.value == pytest.approx(value)
        assert (found.least, found.changed, found.reason) == (sdd, changed, None)
        assert found.then == 5.0
        assert found.now == pytest.approx(5.0 + value)
    assert not told(run(left={key: 5.0 + 2 * sdd}), run(), key, Side.RIGHT).changed  # each side for itself


def test_few_stances_that_vary_much_change_nothing_though_beyond_the_sdd() -> None:
    """The difference's own interval is wider, and is told as what is smaller than a change."""
    now, then = run(left={"fppa_deg": 15.0}), run()
    for one in (now, then):
        one["summary"][Side.LEFT]["fppa_deg"] |= {"n": MIN_STANCES, "sd": 15.0}
    found = told(now, then, "fppa_deg")
    assert found.value == 10.0
    assert not found.changed
    assert found.least is not None
    assert found.least > found.value
    now["summary"][Side.LEFT]["fppa_deg"]["mean"] = 5.1 + found.least
    assert told(now, then, "fppa_deg").changed


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"model": "movenet-thunder-int8"}, "pose model"),
        ({"app_version": "2"}, "version"),
        ({"source": "other"}, "elsewhere"),
        ({"camera": CAMERA | {"azimuth_left_deg": 9.0}}, "the camera stood elsewhere"),
    ],
)
def test_what_was_not_measured_alike_must_differ_by_more_and_is_said(change: dict[str, Any], said: str) -> None:
    """Each mean may then be off in its own way."""
    now, then = run(left={"pelvic_drop_deg": 8.5}), run()
    assert compare(now, then).unlike == ()
    assert told(now, then, "pelvic_drop_deg").changed
    other = then | change
    assert [said in why for why in compare(now, other).unlike] == [True]
    found = told(now, other, "pelvic_drop_deg")
    assert found.least == pytest.approx(math.sqrt(2) * METRICS["pelvic_drop_deg"].uncertainty[View.FRONT])
    assert not found.changed
    assert told(now, other, "fppa_deg").least == METRICS["fppa_deg"].sdd  # which is more here


def belt(slow_m_s: float, fast_m_s: float | None = None) -> dict[str, float]:
    return {"belt_speed_min_m_s": slow_m_s, "belt_speed_max_m_s": slow_m_s if fast_m_s is None else fast_m_s}


def test_at_the_same_speed_a_change_is_one_and_that_is_said() -> None:
    now, then = run(left={"fppa_deg": 15.0}) | belt(2.778), run() | belt(2.8)
    found = compare(now, then)
    assert (found.belt, found.other_speed) == ("The belt ran at the same speed (10.1 km/h, now 10.0 km/h).", False)
    assert told(now, then, "fppa_deg").changed
    assert told(now, then, "fppa_deg").kept_back is None


@pytest.mark.parametrize(
    ("then_belt", "words"), [(belt(2.5), "9.0 km/h"), (belt(2.0, 2.778), "7.2 to 10.0 km/h")], ids=["other", "changed"]
)
@pytest.mark.parametrize("turned", [False, True])
def test_at_another_speed_nothing_is_a_change_of_the_runner(
    then_belt: dict[str, float], words: str, turned: bool
) -> None:
    """Nor where the speed changed within one of the runs: its means are of all of them."""
    now, then = run(left={"fppa_deg": 15.0}) | belt(2.778), run() | then_belt
    now["summary"]["cadence_spm"] = 180.0
    speeds = f"({words}, now 10.0 km/h)"
    if turned:
        now, then, speeds = then, now, f"(10.0 km/h, now {words})"
    found = compare(now, then)
    assert found.other_speed
    assert f"did not run at one and the same speed {speeds}" in found.belt
    assert found.unlike == ()  # both were measured alike
    assert not any(change.changed for change in found.changes)
    beyond = {(change.spec.key, change.side) for change in found.changes if change.kept_back == "other speed"}
    assert beyond == {("fppa_deg", Side.LEFT), ("cadence_spm", None)}
    assert told(now, then, "fppa_deg").value == pytest.approx(-10.0 if turned else 10.0)


def test_two_runs_in_which_the_speed_changed_were_not_at_one_speed() -> None:
    changed = run() | belt(2.0, 2.8)
    assert compare(changed, changed).other_speed


@pytest.mark.parametrize(
    ("now_belt", "then_belt", "whose"),
    [
        ({}, {}, "neither run"),
        (belt(3.0), {}, "this run only"),
        ({"belt_speed_min_m_s": None, "belt_speed_max_m_s": None}, belt(3.0), "the earlier run only"),
    ],
)
def test_a_speed_that_is_not_known_is_said_and_changes_count_as_before(
    now_belt: dict[str, Any], then_belt: dict[str, Any], whose: str
) -> None:
    now, then = run(left={"fppa_deg": 15.0}) | now_belt, run() | then_belt
    found = compare(now, then)
    assert found.belt.endswith(f": it was told for {whose}.")
    assert not found.other_speed
    assert told(now, then, "fppa_deg").changed


def test_a_camera_whose_place_makes_a_mean_less_sure_counts() -> None:
    now, then = run(left={"fppa_deg": 15.0}, camera=CAMERA | {"azimuth_left_deg": 12.0}), run()
    now["summary"][Side.LEFT]["fppa_deg"]["uncertainty"] = 9.0
    assert told(now, then, "fppa_deg").least == pytest.approx(math.hypot(9.0, 4.5))


def test_without_a_known_camera_nothing_is_said_of_what_needs_one() -> None:
    now, then = run(), run(camera=UNKNOWN)
    for key in ("fppa_deg", "hip_adduction_deg", "trunk_lean_deg"):
        found = told(now, then, key)
        assert (found.value, found.changed) == (None, False)
        assert found.reason == "where the camera stood is not known"
    assert told(now, then, "pelvic_drop_deg").value == 0.0
    assert compare(now, then).knees_told == 0
    assert compare(now, then).tells
    assert compare(now, now | {"camera": None}).unlike  # stored by nobody who knew one


@pytest.mark.parametrize(
    ("standing", "comparable"),
    [(STOOD, True), (None, False), ({"hip_line_deg": 9.0, "roll_deg": 0.5}, False), ({"hip_line_deg": None}, False)],
)
def test_a_pelvis_is_compared_only_where_both_are_against_the_same(standing: object, comparable: bool) -> None:
    """Against its own mean in running a drop of one side shows about half as large."""
    now, then = run(), run()
    then["summary"]["standing"] = standing
    for key in ("pelvic_drop_deg", "hip_adduction_deg"):
        assert (told(now, then, key).value is not None) is comparable
    assert told(now, then, "trunk_lean_deg").value == 0.0
    now["summary"]["standing"] = standing
    assert told(now, then, "pelvic_drop_deg").value == 0.0


def test_a_summary_that_was_made_after_a_power_cut_tells_of_standing_by_its_stances_only() -> None:
    now = run()
    del now["summary"]["standing"]
    found = told(now, now, "pelvic_drop_deg")
    assert found.reason == "not known whether the runner had stood still"
    now["summary"]["pelvis_level"] = "standing"
    assert told(now, now, "pelvic_drop_deg").value == 0.0
    assert told(now, run(), "pelvic_drop_deg").value == 0.0  # a calibration tells the same
    strides = run()
    strides["summary"]["pelvis_level"] = "strides"
    assert told(now, strides, "pelvic_drop_deg").reason == "calibrated standing still in one of the runs only"


def test_too_few_stances_compare_nothing() -> None:
    now, then = run(n=MIN_STANCES - 1), run()
    assert not compare(now, then).tells
    assert told(now, then, "fppa_deg").reason == f"not measured now, or in fewer than {MIN_STANCES} stances"
    assert told(then, now, "fppa_deg").reason == f"not measured then, or in fewer than {MIN_STANCES} stances"
    assert all(one.side is None for one in compare(now, now).changes)  # measured in neither: left out


@pytest.mark.parametrize("other", [run(View.REAR), run(View.SIDE), run() | {"view": None}])
def test_another_view_compares_nothing(other: Mapping[str, Any]) -> None:
    assert compare(run(), other).changes == compare(other, run()).changes == ()
    assert not compare(run() | {"view": None}, run() | {"view": None}).tells


def test_from_the_side_each_mean_may_be_off_in_its_own_way() -> None:
    """Where the camera stands is not found out from there."""
    found = told(run(View.SIDE, {"knee_flexion_deg": 12.0}), run(View.SIDE), "knee_flexion_deg")
    assert found.value == 7.0
    assert found.least == pytest.approx(math.sqrt(2) * METRICS["knee_flexion_deg"].uncertainty[View.SIDE])
    assert not found.changed
    assert list(compare(run(View.SIDE), run(View.SIDE)).knees) == list(Side)


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        ((100, 100), ()),
        ((101, 0), ("many pictures were lost (10 % then)",)),
        ((300, 600), ("many pictures were lost (25 % then, 40 % now)",)),
    ],
)
def test_a_run_of_which_many_pictures_were_lost_is_not_like_others(
    lost: tuple[int, int], said: tuple[str, ...]
) -> None:
    """Its steps and angles are less certain, as its own page says from the same share on."""
    now, then = run(left={"pelvic_drop_deg": 8.5}), run()
    for one, frames_lost in ((then, lost[0]), (now, lost[1])):
        one["summary"]["frames_lost"] = frames_lost
    assert compare(now, then).unlike == said
    assert told(now, then, "pelvic_drop_deg").changed is not bool(said)


def test_what_a_run_has_against_itself_it_has_against_every_other() -> None:
    """So that its own page can tell the smallest real change before there is another one."""
    assert why_unlike(run(), run()) == ()
    for one in (run(View.SIDE), run(camera=UNKNOWN)):
        assert why_unlike(one, one)
    spec = METRICS["knee_flexion_deg"]
    found = least_change(spec, View.SIDE, [claim(spec.key, 40.0, View.SIDE)] * 2, unlike=True)
    assert found == told(run(View.SIDE), run(View.SIDE), spec.key).least
    assert least_change(spec, View.SIDE, [{}, {}], unlike=False) == spec.sdd
    assert least_change(spec, None, [{}, {}], unlike=True) == spec.sdd


def test_cadence_is_of_both_feet_and_counted_anew_each_time() -> None:
    now, then = run(), run()
    now["summary"]["cadence_spm"] = 171.3
    assert not told(now, then, "cadence_spm", None).changed
    now["summary"]["cadence_spm"] = 171.5
    found = told(now, then, "cadence_spm", None)
    assert (found.changed, found.kept_back) == (False, "speed not known")  # it goes with the speed most of all
    now, then = now | belt(2.8), then | belt(2.778)
    found = told(now, then, "cadence_spm", None)
    assert (found.value, found.changed, found.kept_back) == (1.5, True, None)
    now["summary"]["cadence_spm"] = None
    assert told(now, then, "cadence_spm", None).reason is not None


def test_a_run_without_a_summary_compares_nothing() -> None:
    assert not compare(run(), run() | {"summary": None}).tells


@pytest.mark.parametrize(
    ("name", "by_deg", "elsewhere"),
    [("yaw_deg", 2.5, False), ("yaw_deg", 3.5, True), ("roll_deg", -3.5, True), ("azimuth_right_deg", 3.5, True)],
)
def test_a_camera_stands_elsewhere_beyond_what_it_is_known_to(name: str, by_deg: float, elsewhere: bool) -> None:
    here = CameraPose.from_json(CAMERA)
    there = CameraPose.from_json({**CAMERA, name: float(str(CAMERA[name])) + by_deg})
    assert is_elsewhere(here, there) is elsewhere
    unsure = [CameraPose.from_json({**one.as_json(), "yaw_sd_deg": 2.0}) for one in (here, there)]
    assert not is_elsewhere(*unsure)
