"""One run of a runner against an earlier one: what has changed, and what cannot be told.

A change is called one only beyond the smallest detectable difference (SDD, the registry's; Munro 2012, Dingenen 2018)
and beyond the difference's own 95 % interval (Welch), which is more where few stances vary much: the larger of both is
the least. Where no source gives an SDD, the uncertainty takes its place. Both hold for one pose model and a camera in
one place, of which few pictures were lost: their errors fall out of the difference. Else each mean is off in its own
way, and the least is the root of the sum of both uncertainties squared, where that is more.

Nor is it called one of the runner's where the belt is known to have run at another speed: that changes most of what is
measured, and by how much differs from runner to runner. Where it is not known, that is said, and the cadence, which
goes with it most of all, is not called changed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from model.belt import BeltSpeed
from model.camera_pose import CameraPose, is_elsewhere
from model.metrics import METRICS, MetricSpec
from model.place import PLACED
from model.pose import Side, View
from model.quality import many_lost
from model.result import LEVEL, STOOD, STRIDES
from model.standing import LEVELLED, told_level
from model.statistics import MIN_STANCES, Sample, difference

#: What is compared, the main thing first.
FRONTAL_KEYS = ("fppa_deg", "pelvic_drop_deg", "hip_adduction_deg", "trunk_lean_deg", "step_width_leg", "cadence_spm")
SIDE_KEYS = ("knee_flexion_deg", "hip_extension_deg", "trunk_forward_lean_deg", "overstride_leg", "cadence_spm")


@dataclass(frozen=True, slots=True)
class Change:
    """One measurement in two runs.

    Attributes:
        spec: of what.
        side: whose; None where it is of both.
        then, now: means, in the metric's unit; None where there are none.
        value: now − then; None where ``reason`` says why the two cannot be held against each other.
        least: what is smaller is no change, in the metric's unit.
        changed: whether it is one.
        kept_back: why what is beyond the least is not called one: the belt ran at another speed, or, of what is most of
            all a matter of speed, it is not known that it ran at the same; None where nothing is.
        reason: None where there is a value.
    """

    spec: MetricSpec
    side: Side | None
    then: float | None
    now: float | None
    value: float | None = None
    least: float | None = None
    changed: bool = False
    kept_back: Literal["other speed", "speed not known"] | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """A run against an earlier one.

    Attributes:
        changes: side by side, the main thing first; what was measured in neither is left out.
        unlike: why the two were not measured alike, so that more than the SDD is asked for; empty where they were.
        belt: what is known of the belt's speed in both, a sentence for people.
        other_speed: whether it is known not to have been the same, so that nothing is called a change.
    """

    changes: tuple[Change, ...]
    unlike: tuple[str, ...]
    belt: str = ""
    other_speed: bool = False

    @property
    def knees(self) -> dict[Side, Change]:
        """The main thing, by side: the knee's alignment, from the side its flexion."""
        main = FRONTAL_KEYS[0], SIDE_KEYS[0]
        return {change.side: change for change in self.changes if change.side is not None and change.spec.key in main}

    @property
    def tells(self) -> bool:
        """Whether anything of a side can be held against each other: the cadence alone is no comparison."""
        return any(change.value is not None and change.side is not None for change in self.changes)

    @property
    def knees_told(self) -> int:
        """Of how many sides the main thing can be."""
        return sum(change.value is not None for change in self.knees.values())


def compare(now: Mapping[str, Any], then: Mapping[str, Any]) -> Comparison:
    """``now`` against ``then``, two runs of one runner in the same view.

    Args:
        now, then: session documents; of each ``view``, ``model``, ``source``, ``app_version``, ``camera``, ``frames``
            and ``summary`` are read, and the belt's speed where it is there. With different views, or where one is not
            known, nothing is compared.
    """
    if now["view"] is None or now["view"] != then["view"]:
        return Comparison((), ())
    view = View(now["view"])
    cameras = _camera(now), _camera(then)
    unlike = why_unlike(now, then)
    summaries = now["summary"] or {}, then["summary"] or {}
    belts = BeltSpeed.of(now), BeltSpeed.of(then)
    found: list[Change] = []
    for key in FRONTAL_KEYS if view.frontal else SIDE_KEYS:
        spec = METRICS[key]
        if not spec.per_stance:
            found.append(_of_both(spec, *summaries, view, speed_known=None not in belts))
            continue
        why_not = _why_not(key, cameras, summaries)
        found += [_of_side(spec, side, *summaries, view, bool(unlike), why_not) for side in Side]
    other_speed = belts[0] is not None and belts[1] is not None and not belts[0].is_same(belts[1])
    if other_speed:
        found = [replace(one, changed=False, kept_back="other speed" if one.changed else None) for one in found]
    measured = tuple(one for one in found if one.now is not None or one.then is not None)
    return Comparison(measured, unlike, _belt_words(*belts), other_speed)


def _belt_words(now: BeltSpeed | None, then: BeltSpeed | None) -> str:
    """What is known of the belt's speed in both runs, and what it means for their difference."""
    if now is None or then is None:
        whose = "neither run" if now is then else "the earlier run only" if now is None else "this run only"
        return f"Compare runs of the same belt speed, which changes most of these numbers: it was told for {whose}."
    if now.is_same(then):
        return f"The belt ran at the same speed ({then.words}, now {now.words})."
    return (
        f"The belt did not run at one and the same speed ({then.words}, now {now.words}), which changes most of these "
        "numbers by itself: no difference is called a change of the runner."
    )


def _camera(run: Mapping[str, Any]) -> CameraPose:
    return CameraPose.from_json(run["camera"] or {})


def why_unlike(now: Mapping[str, Any], then: Mapping[str, Any]) -> tuple[str, ...]:
    """What keeps errors from falling out of the difference of two runs in the same view, for people.

    What a run has against itself it has against every other.
    """
    runs = {"then": then, "now": now}
    cameras = _camera(now), _camera(then)
    unlike = []
    if now["model"] != then["model"]:
        unlike.append(f"the pose model was another one ({then['model']}, now {now['model']})")
    if now["app_version"] != then["app_version"]:
        unlike.append(f"Kneeline was another version ({then['app_version']}, now {now['app_version']})")
    if now["source"] != then["source"]:
        unlike.append("the pictures came from elsewhere")
    if now["view"] == View.SIDE:
        unlike.append("from the side it is not known whether the camera stood in the same place")
    elif not all(camera.usable for camera in cameras):
        unlike.append("it is not known whether the camera stood in the same place")
    elif is_elsewhere(*cameras):
        unlike.append("the camera stood elsewhere")
    lost = {when: many_lost((run["summary"] or {}).get("frames_lost"), run["frames"]) for when, run in runs.items()}
    shares = [f"{100 * share:.0f} % {when}" for when, share in lost.items() if share is not None]
    if shares:
        unlike.append(f"many pictures were lost ({', '.join(shares)})")
    return tuple(unlike)


def least_change(
    spec: MetricSpec, view: View | None, claims: Sequence[Mapping[str, Any]], unlike: bool
) -> float | None:
    """What is smaller is no change of one side's mean from run to run, in the metric's unit; None: not known.

    Args:
        spec: of what.
        view: of both runs.
        claims: of both summaries, for how far each mean may be off.
        unlike: whether each may be off in its own way, see `why_unlike`.
    """
    least = spec.least_change(view)
    found = [claim.get("uncertainty") or spec.unsure(view) for claim in claims]
    unsure = [value for value in found if value is not None]
    return max(least or 0.0, math.hypot(*unsure)) if unlike and unsure else least


def _why_not(key: str, cameras: tuple[CameraPose, CameraPose], summaries: tuple[Mapping[str, Any], ...]) -> str | None:
    """Why a metric cannot be held against itself, whatever its numbers are."""
    if key in PLACED and not all(camera.usable for camera in cameras):
        return "where the camera stood is not known"
    if key in LEVELLED:
        level = [_pelvis_level(summary) for summary in summaries]
        if None in level:
            return "not known whether the runner had stood still"
        if level[0] != level[1]:
            return "calibrated standing still in one of the runs only"
    return None


def _pelvis_level(summary: Mapping[str, Any]) -> str | None:
    """Against what a run's pelvis was held. What earlier versions have stored tells it by the calibration alone."""
    told: str | None = summary.get(LEVEL)
    if told is None and "standing" in summary:
        return STOOD if told_level(summary["standing"]) else STRIDES
    return told


def _of_side(
    spec: MetricSpec,
    side: Side,
    now: Mapping[str, Any],
    then: Mapping[str, Any],
    view: View,
    unlike: bool,
    why_not: str | None,
) -> Change:
    claims = [(summary.get(side) or {}).get(spec.key) or {} for summary in (now, then)]
    means = claims[1].get("mean"), claims[0].get("mean")
    found = difference(_sample(claims[1]), _sample(claims[0]), None)
    if why_not is not None and None not in means:
        return Change(spec, side, *means, reason=why_not)
    if found is None:
        return Change(spec, side, *means, reason=_missing(*means))
    least = least_change(spec, view, claims, unlike)
    if least is None:
        return Change(spec, side, *means, found.value)
    least = max(least, found.ci95)
    return Change(spec, side, *means, found.value, least, abs(found.value) > least)


def _of_both(
    spec: MetricSpec, now: Mapping[str, Any], then: Mapping[str, Any], view: View, speed_known: bool
) -> Change:
    """Of the whole session, which each camera counts in its own way wherever it stands: the cadence.

    The least is how well it is counted. That no source gives an SDD, and that it goes with the speed, is why a change
    of it is the runner's only at a speed that is known.
    """
    means = then.get(spec.key), now.get(spec.key)
    if means[0] is None or means[1] is None:
        return Change(spec, None, *means, reason=_missing(*means))
    value, least = means[1] - means[0], math.sqrt(2) * spec.uncertainty[view]
    if abs(value) <= least:
        return Change(spec, None, *means, value, least)
    return Change(spec, None, *means, value, least, speed_known, None if speed_known else "speed not known")


def _sample(claim: Mapping[str, Any]) -> Sample:
    """A claim of the summary; nothing is claimed where it lacks mean or spread."""
    mean, sd = claim.get("mean"), claim.get("sd")
    if mean is None or sd is None:
        return Sample(math.nan, math.nan, 0, math.nan)
    return Sample(mean, sd, int(claim.get("n", 0)), math.nan)


def _missing(then: float | None, now: float | None) -> str:
    """Which of two runs has no mean."""
    if then is None:
        return f"not measured then, or in fewer than {MIN_STANCES} stances"
    return f"not measured now, or in fewer than {MIN_STANCES} stances"
