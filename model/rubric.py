"""What counts as a fault in a squat or step-down, and the step-down's score.

The rubric of the lateral step-down (Piva 2006; Rabin 2010, 2014): a hand leaves the waist 1; the trunk leans 1; the
pelvis is not level 1; the knee is medial of the second toe 1, of the foot's inner border 2; wavers or steps down 1. 0
to 1 good, 2 to 3 medium, 4 and more poor. It is judged by eye: the numbers below that have no source are ours.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType

from model.pose import Side

#: FPPA above this is called valgus in a lateral step-down.
VALGUS_DEG = 10.0
#: Knee medial of the ankle by this share of the shank (4 cm) is taken for medial of the second toe, which lies in front
#: of the ankle or, the toes turned out, outside of it; by this and half a foot's breadth (5 cm) for medial of its inner
#: border. Ours; without foot keypoints a proxy.
MEDIAL_OF_TOE_SHANK, MEDIAL_OF_FOOT_SHANK = 0.10, 0.22
#: The pelvis is not level when the free side of a step-down has sunk by more than the smallest detectable difference of
#: 2.8° (Dingenen 2018) and by how much the pose model's answer changes with the light (0.5°, ours); in a squat, whose
#: bottom is short and where nobody gives a number, when either side has sunk by 5° (ours).
PELVIS_DEG, PELVIS_SQUAT_DEG = 3.3, 5.0
#: The trunk leans. Ours: four times the smallest detectable difference of 1.3 to 2.3° (Dingenen 2018).
TRUNK_DEG = 8.0

#: Items that 17 keypoints in one view do not show, with the reason.
NOT_SEEN: Mapping[str, str] = MappingProxyType(
    {
        "wavers_or_steps_down": "weight on the free foot is not visible; a repetition whose standing foot moves is not "
        "counted",
        "knee_against_toe": "the pose model has no foot keypoints: knee against ankle stands in for it",
    }
)
#: Of the squat's usual faults.
NOT_SEEN_SQUAT: Mapping[str, str] = MappingProxyType(
    {
        "heels_rise": "the pose model has no foot keypoints",
        "trunk_forward_lean_deg": "needs a side view",
        "knee_against_toe": "the pose model has no foot keypoints: knee against ankle stands in for it",
    }
)


def faults_of(
    knees: Mapping[Side, tuple[float, float]], drop_deg: float, lean_deg: float, hand_left_waist: bool | None
) -> tuple[str, ...]:
    """Keys of the faults in a repetition; what is NaN or None is none.

    Args:
        knees: by judged side, FPPA in degrees and knee medial of the ankle in shank lengths, both at their furthest.
        drop_deg: pelvis at the bottom against standing, + free side lower; of both sides' knees (a squat) either sign.
        lean_deg: trunk likewise.
        hand_left_waist: None where it could not be judged.
    """
    faults = [
        f"knee_medial_{side}"
        for side, (fppa_deg, medial_shank) in knees.items()
        if fppa_deg > VALGUS_DEG or medial_shank > MEDIAL_OF_TOE_SHANK
    ]
    if abs(drop_deg) > PELVIS_SQUAT_DEG if len(knees) > 1 else drop_deg > PELVIS_DEG:
        faults.append("pelvis_not_level")
    if abs(lean_deg) > TRUNK_DEG:
        faults.append("trunk_lean")
    if hand_left_waist:
        faults.append("hand_leaves_waist")
    return tuple(faults)


def points(faults: Collection[str], medial_shank: float) -> int:
    """Points of the step-down's rubric for what was seen: 0 to 5.

    Args:
        faults: of one repetition, or of all of them.
        medial_shank: the furthest that the tested knee came medial of the ankle; NaN where it was not seen.
    """
    knee = any(fault.startswith("knee_medial") for fault in faults)
    others = sum(not fault.startswith("knee_medial") for fault in faults)
    return others + (2 if knee and medial_shank > MEDIAL_OF_FOOT_SHANK else int(knee))


def rating(score: int) -> str:
    """What the score is called (Rabin 2010)."""
    return "good" if score <= 1 else "medium" if score <= 3 else "poor"
