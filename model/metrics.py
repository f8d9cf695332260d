"""Every measurement, declared once: page, exports, docs and tests all read this registry.

Definitions, signs and sources are the field's (Dingenen 2018, Munro 2012, Bramah 2018, Souza 2016, Brindle 2014). SDD
is the smallest detectable difference: below it, a change is not a change.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from model.pose import View

FRONTAL = frozenset({View.FRONT, View.REAR})
SAGITTAL = frozenset({View.SIDE})
ANY_VIEW = FRONTAL | SAGITTAL


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """One measurement.

    Attributes:
        key: name in code, JSON, CSV and database.
        label: name for people.
        unit: "°", "leg lengths", "s", "spm" or "" for a ratio.
        decimals: digits shown after the point.
        views: the views that can show it.
        sign: what a positive value means.
        when: the part of the gait cycle it is taken from.
        sdd: smallest detectable difference in the metric's unit, or None where no source gives one.
        source: where definition and SDD come from.
        sentence: one sentence for the runner.
        per_stance: False for a value of the whole session.
        reason_missing: why a view that can show it may still not have it.
        below_zero: what a negative value means, in words, where a sign alone is easily read over; "" elsewhere.
        uncertainty: by view, half-width of the band around a session's mean that holds the truth 95 times in 100: the
            pose model and the picture, not the number of stances (`validation.md`; twice the rms error there).
        tilts: whether a camera that hangs askew adds to one side what it takes from the other.
    """

    key: str
    label: str
    unit: str
    decimals: int
    views: frozenset[View]
    sign: str
    when: str
    sdd: float | None
    source: str
    sentence: str
    per_stance: bool = True
    reason_missing: str = "not seen in any stance"
    below_zero: str = ""
    uncertainty: Mapping[View, float] = field(default_factory=lambda: MappingProxyType({}))
    tilts: bool = False

    def unsure(self, view: View | None) -> float | None:
        """How far a mean of a session that is seen from ``view`` may be off.

        Where that view cannot show this metric, somebody turned in the session: then the largest of those that can.
        """
        return None if view is None else self.uncertainty.get(view, max(self.uncertainty.values(), default=None))

    def least_change(self, view: View | None) -> float | None:
        """What is smaller is no change on the same side and camera: the SDD, else what a mean may be off."""
        return self.unsure(view) if self.sdd is None else self.sdd

    def least_asymmetry(self, view: View | None) -> float | None:
        """What is smaller is no difference of the sides.

        Each may be off by the uncertainty in its own way, or, where the camera tilts them, both in opposite ways.
        """
        unsure = self.unsure(view)
        return self.sdd if unsure is None else max(self.sdd or 0.0, (2 if self.tilts else math.sqrt(2)) * unsure)

    def unavailable_in(self, view: View) -> str | None:
        """Why ``view`` cannot show this metric; None where it can."""
        if view in self.views:
            return None
        return "needs a side view" if self.views == SAGITTAL else "needs a front or rear view"


def _frontal_unsure(front: float, rear: float) -> Mapping[View, float]:
    return MappingProxyType({View.FRONT: front, View.REAR: rear})


_SPECS = (
    MetricSpec(
        "fppa_deg", "Knee alignment (FPPA)", "°", 1, FRONTAL, "+ knee medial of the hip-ankle line", "mid-stance", 8.2,
        "Herrington & Munro 2010; SDD 7.5–8.9 Munro 2012",
        "How far your knee moves inward from the line between hip and ankle while you stand on that leg.",
        reason_missing="where the camera stands is not known",
        uncertainty=_frontal_unsure(4.5, 5),
    ),
    MetricSpec(
        "fppa_peak_deg", "Knee alignment, peak", "°", 1, FRONTAL, "+ knee medial of the hip-ankle line",
        "peak within 20–70 % of stance", 8.2, "Herrington & Munro 2010; SDD Munro 2012",
        "The furthest inward your knee gets while you stand on that leg.",
        reason_missing="where the camera stands is not known",
        uncertainty=_frontal_unsure(4.5, 5),
    ),
    MetricSpec(
        "fppa_image_deg", "Knee alignment in the picture", "°", 1, FRONTAL, "+ knee medial of the hip-ankle line",
        "mid-stance", 8.2, "plain projection, camera position not taken out",
        "Knee alignment as the camera sees it, before its position is taken out.",
        uncertainty=_frontal_unsure(4, 9),
    ),
    MetricSpec(
        "knee_offset_leg", "Knee offset", "leg lengths", 3, FRONTAL, "+ knee medial", "mid-stance", None,
        "distance of the knee from the hip-ankle line over leg length, by FPPA: thigh and shank taken for equally long",
        "How far your knee is off the line between hip and ankle, as a share of your leg.",
        reason_missing="where the camera stands is not known",
        uncertainty=_frontal_unsure(0.03, 0.03),
    ),
    MetricSpec(
        "pelvic_drop_deg", "Pelvic drop", "°", 1, FRONTAL, "+ swing side lower", "mid-stance", 2.8,
        "Bramah 2018; SDD 2.7–2.8 Dingenen 2018",
        "How far your pelvis drops on the side of the free leg.",
        uncertainty=_frontal_unsure(3, 4),
    ),
    MetricSpec(
        "hip_adduction_deg", "Hip adduction", "°", 1, FRONTAL, "+ thigh toward the midline", "peak around mid-stance",
        3.8, "Noehren 2013; SDD 2.3–3.8 Dingenen 2018",
        "How far your thigh leans toward the middle, measured from your pelvis.",
        reason_missing="where the camera stands is not known",
        uncertainty=_frontal_unsure(3.5, 5),
    ),
    MetricSpec(
        "trunk_lean_deg", "Trunk side lean", "°", 1, FRONTAL, "+ toward the stance side", "mid-stance", 2.3,
        "SDD 1.3–2.3 Dingenen 2018",
        "How far your upper body leans over the standing leg.",
        uncertainty=_frontal_unsure(2, 3),
        tilts=True,
    ),
    MetricSpec(
        "step_width_leg", "Step width", "leg lengths", 3, FRONTAL, "+ no crossover",
        "mid-stance, against the step before", None, "Brindle 2014", "How far apart your feet land, side to side.",
        uncertainty=_frontal_unsure(0.03, 0.05),
    ),
    MetricSpec(
        "hip_extension_deg", "Hip extension", "°", 1, SAGITTAL, "+ thigh behind the trunk line", "peak in late stance",
        None, "Souza 2016", "How far your thigh gets behind you before the foot leaves the belt.",
        below_zero="hip stays flexed",
        uncertainty=MappingProxyType({View.SIDE: 9}),
    ),
    MetricSpec(
        "knee_flexion_deg", "Knee flexion in stance", "°", 1, SAGITTAL, "+ flexion", "peak in stance", 3.8,
        "Souza 2016 (about 45°); SDD 2.3–3.8 Dingenen 2018",
        "How much your knee bends while it carries you.",
        uncertainty=MappingProxyType({View.SIDE: 9}),
    ),
    MetricSpec(
        "knee_flexion_strike_deg", "Knee flexion at strike", "°", 1, SAGITTAL, "+ flexion", "strike", 3.8,
        "Souza 2016; SDD Dingenen 2018", "How much your knee is bent as the foot lands.",
        uncertainty=MappingProxyType({View.SIDE: 5}),
    ),
    MetricSpec(
        "trunk_forward_lean_deg", "Trunk forward lean", "°", 1, SAGITTAL, "+ in the direction of travel", "stance mean",
        2.3, "SDD 1.3–2.3 Dingenen 2018", "How far your upper body leans forward.",
        uncertainty=MappingProxyType({View.SIDE: 3}),
    ),
    MetricSpec(
        "overstride_leg", "Overstride", "leg lengths", 3, SAGITTAL, "+ ankle ahead of the hip", "strike", None,
        "Souza 2016", "How far in front of your hip the foot lands.",
        uncertainty=MappingProxyType({View.SIDE: 0.1}),
    ),
    MetricSpec(
        "shank_angle_deg", "Shank angle", "°", 1, SAGITTAL, "+ ankle ahead of the knee", "strike", None,
        "Souza 2016", "How far your lower leg reaches forward as the foot lands.",
        uncertainty=MappingProxyType({View.SIDE: 7}),
    ),
    MetricSpec(
        "vertical_oscillation_leg", "Vertical oscillation", "leg lengths", 3, SAGITTAL, "range of mid-hip height",
        "over the last stride, or two where one is under 16 pictures", None, "Souza 2016",
        "How much you bounce with each step.",
        reason_missing="not seen in any stance, or the camera shakes",
        uncertainty=MappingProxyType({View.SIDE: 0.025}),
    ),
    MetricSpec(
        "contact_s", "Contact time", "s", 3, SAGITTAL, "strike to toe-off", "stance", None,
        "Fellin 2010; only at 30 frames per second and more", "How long each foot stays on the belt.",
        reason_missing="needs 30 frames per second or more",
        uncertainty=MappingProxyType({View.SIDE: 0.05}),
    ),
    MetricSpec(
        "duty_factor", "Duty factor", "", 2, SAGITTAL, "contact time over stride time; below 0.5 there is a flight",
        "stance", None, "Fellin 2010; only at 30 frames per second and more",
        "How much of the time each foot is on the belt.",
        reason_missing="needs 30 frames per second or more",
        uncertainty=MappingProxyType({View.SIDE: 0.09}),
    ),
    MetricSpec(
        "cadence_spm", "Cadence", "spm", 1, ANY_VIEW, "steps per minute, both feet", "session", None,
        "Heiderscheit 2011", "How many steps you take in a minute.", per_stance=False,
        uncertainty=MappingProxyType(dict.fromkeys(View, 1.0)),
    ),
)  # fmt: skip

METRICS: Mapping[str, MetricSpec] = MappingProxyType({spec.key: spec for spec in _SPECS})
STANCE_METRICS: tuple[MetricSpec, ...] = tuple(spec for spec in _SPECS if spec.per_stance)

#: What no view of 17 keypoints can show, with the reason.
NOT_MEASURABLE: Mapping[str, str] = MappingProxyType(
    {
        "hip and knee rotation": "rotation about the leg's long axis is not visible in a 2D picture",
        "foot strike pattern, heel eversion, foot progression, heel whip": "the pose model has no foot keypoints",
    }
)


def unavailable(view: View) -> dict[str, str]:
    """Metrics that ``view`` cannot show, with the reason."""
    reasons = {spec.key: spec.unavailable_in(view) for spec in _SPECS}
    return {key: reason for key, reason in reasons.items() if reason is not None}
