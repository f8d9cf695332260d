"""What the pose model itself adds to a measurement, as far as it is systematic, and how to take it out.

Measured on rendered runners (MakeHuman bodies of both sexes, five cameras in front, two behind, one beside), whose true
joints are known, as session mean minus projected truth (`model/validation.md` has what is left for a camera that was
left out of the fit); knee and depth also on their pictures mirrored, turned, rolled and made smaller
(`tests/validation/varied_table.py`). The rest is each metric's ``uncertainty`` in the registry.

* **Knee**: of a dive, the share ``knee_gain`` is seen; the rest of the way the knee's keypoint stays behind. A knee
  that is straight or bowed out is seen where it is, but for up to 2° too far outside (Thunder from behind by other
  bodies, too: `other_bodies.md`). What is not alike left and right falls out: every second picture is looked at in
  the mirror (`movenet.py`).
* **Depth**: hip, knee and ankle are put on the surface that the camera sees, in front of the joint or behind it.
* **Pelvis**: in front the free leg's raised thigh pulls its hip's keypoint up, so that the pelvis looks more level than
  it is; from behind Lightning hardly follows it at all. Of a change, 0.3 (Lightning) to 0.45 (Thunder) is seen on a
  step-down: the level is put right, the change is not.
* **Beside**: the shoulders' keypoints lie on top of the shoulder and the hips' in front of the joint. That takes 4° off
  the trunk's lean, and so adds them to the hip's extension. The far knee looks 5° straighter than it is, the near one
  2°: from one body and camera only, as it is and mirrored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from model.pose import LEGS, FloatArray, View
from model.virtual_camera import MEASURED

#: By part of the body, how far ahead and how far up its keypoint lies, leg lengths.
Shift = Mapping[str, tuple[float, float]]

_PARTS = {part: [getattr(leg, part) for leg in LEGS.values()] for part in ("shoulder", "hip", "knee", "ankle")}
#: Up to this FPPA a difference is seen as it is, beyond it only in part: `other_bodies.md` has it for alignments that
#: are the same throughout.
_KNEE_PIVOT_DEG = 4.5
#: Of a runner of average size.
_LEG_M = 0.85


@dataclass(frozen=True, slots=True)
class Surface:
    """How far in front of a joint's centre (from behind: + away from the camera) its keypoint lies, leg lengths."""

    hip: float
    knee: float
    ankle: float
    shoulder: float


@dataclass(frozen=True, slots=True)
class Bias:
    """Corrections of one pose model in one view.

    Attributes:
        knee_gain: seen share of what a knee's FPPA is beyond 4.5°.
        knee_add_deg: what every knee is seen too far outside; negative: inside.
        surface: front and rear: where on the body the joints are seen; None: at their centres.
        add: by metric key, what to add to the measured value.
        trunk_shift: side view: by part of the body, how far ahead and up its keypoints lie, leg lengths; for what is
            measured against the trunk.
        leg_shift: the same for what is measured of the leg alone.
        flexion_add_deg: side view: what the near and the far knee bend less in the picture, at their peak in stance.
    """

    knee_gain: float = 1.0
    knee_add_deg: float = 0.0
    surface: Surface | None = None
    add: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    trunk_shift: Shift = field(default_factory=lambda: MappingProxyType({}))
    leg_shift: Shift = field(default_factory=lambda: MappingProxyType({}))
    flexion_add_deg: tuple[float, float] = (0.0, 0.0)

    def true_fppa_deg(self, seen_deg: FloatArray) -> FloatArray:
        """FPPA with what the model adds taken out and what it holds back of a dive put back, of any shape.

        NaN stays NaN.
        """
        there_deg: FloatArray = seen_deg + self.knee_add_deg
        return there_deg + (1 / self.knee_gain - 1) * np.maximum(there_deg - _KNEE_PIVOT_DEG, 0.0)


def unshifted(xy: FloatArray, shift: Shift, leg_px: float, facing: float) -> FloatArray:
    """Keypoints (..., 17, 2) px of a side view, put where the joints' centres are.

    Args:
        xy: as the model sees them.
        shift: by part of the body, how far ahead and up they lie, leg lengths.
        leg_px: leg length.
        facing: +1 when the runner faces the picture's right.
    """
    joints = xy.copy()
    for part, (ahead, up) in shift.items():
        joints[..., _PARTS[part], :] -= leg_px * np.array([facing * ahead, -up])
    return joints


#: For joints that no pose model saw (motion capture, tests).
NO_BIAS = Bias()

#: From the side, where the keypoints of both models lie against the joints' centres on the mean of the stride; what all
#: have in common is left out. A leg is seen rightly at strike all the same: its own angles get no correction.
#: The far knee is hidden behind the near leg at mid-stance and put too far back; by both models, mirrored or not.
_FLEXION_ADD_DEG = (2.2, 5.5)
_SEEN: Shift = MappingProxyType({"hip": (0.022, 0.003), "shoulder": (-0.006, 0.063), "ankle": (0.006, 0.010)})


#: Standing leg around mid-stance, by how the keypoints lie aside from the true joints as the camera looks from more to
#: one side; between the clips' four bodies and twelve others, who differ (`other_bodies.md`).
_LIGHTNING_IN_FRONT = Surface(0.098, 0.030, -0.001, 0.022)
_THUNDER_IN_FRONT = Surface(0.098, 0.038, 0.011, 0.022)
_LIGHTNING_BEHIND = Surface(-0.007, -0.054, 0.030, -0.040)
_THUNDER_BEHIND = Surface(-0.007, -0.016, 0.014, -0.040)


def _frontal(
    surface: Surface, knee: tuple[float, float], drop_deg: float, adduction_deg: float, step_width_leg: float
) -> Bias:
    add = {"pelvic_drop_deg": drop_deg, "hip_adduction_deg": adduction_deg, "step_width_leg": step_width_leg}
    return Bias(*knee, surface, MappingProxyType(add))


def _displaced(view: View) -> Surface:
    """Where `virtual_camera` puts the joints of motion capture."""
    hip, knee, ankle, shoulder = (
        MEASURED[view][part].bias_cm[0] / 100 / _LEG_M for part in ("hip", "knee", "ankle", "shoulder")
    )
    return Surface(hip, knee, ankle, shoulder)


_BIAS: Mapping[tuple[str, View], Bias] = {
    ("lightning", View.FRONT): _frontal(_LIGHTNING_IN_FRONT, (0.70, 0.8), 1.9, 1.1, 0.0),
    ("lightning", View.REAR): _frontal(_LIGHTNING_BEHIND, (0.70, 0.8), 3.6, 1.4, -0.036),
    ("lightning", View.SIDE): Bias(trunk_shift=_SEEN, flexion_add_deg=_FLEXION_ADD_DEG),
    ("thunder", View.FRONT): _frontal(_THUNDER_IN_FRONT, (0.70, -0.3), 2.6, 1.1, -0.012),
    ("thunder", View.REAR): _frontal(_THUNDER_BEHIND, (0.70, 2.3), 1.7, 3.0, -0.022),
    ("thunder", View.SIDE): Bias(trunk_shift=_SEEN, flexion_add_deg=_FLEXION_ADD_DEG),
    # Motion capture with the model's measured mean displacements has these in every phase of the stride.
    ("mocap-measured", View.FRONT): Bias(knee_add_deg=0.8, surface=_displaced(View.FRONT)),
    ("mocap-measured", View.REAR): Bias(knee_add_deg=2.9, surface=_displaced(View.REAR)),
    ("mocap-measured", View.SIDE): Bias(trunk_shift=_SEEN, leg_shift=_SEEN),
}


def bias_of(model: str | None, view: View) -> Bias:
    """Corrections for the pose model whose name holds "lightning" or "thunder", or for motion capture that was given
    their errors ("mocap-measured"); none for any other."""
    for (name, of_view), bias in _BIAS.items():
        if model is not None and name in model and of_view is view:
            return bias
    return NO_BIAS
