"""What may be coached, one goal at a time, and how people are told of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeGuard

Goal = Literal["fppa_deg", "pelvic_drop_deg", "step_width_leg", "cadence_spm"]


@dataclass(frozen=True, slots=True)
class GoalWords:
    """One goal in words.

    Attributes:
        label: its name.
        sentence: what is cued, for runner and trainer.
        good: said of a side that is within its target.
        bad: said of a side that is not.
        cue: said with a cue; ``{side}`` stands for left or right.
        too_little: whether values below the target are cued, not those above it.
    """

    label: str
    sentence: str
    good: str
    bad: str
    cue: str
    too_little: bool = False


GOALS: Mapping[Goal, GoalWords] = MappingProxyType(
    {
        "fppa_deg": GoalWords(
            "Knee alignment",
            "Keep each knee in line between hip and foot; a cue comes when it dives inward.",
            "aligned",
            "knee inward",
            "{side} knee out",
        ),
        "pelvic_drop_deg": GoalWords(
            "Pelvic drop",
            "Keep the pelvis level; a cue comes when it drops on the side of the free leg.",
            "pelvis level",
            "pelvis drops",
            "{side} side: pelvis up",
        ),
        "step_width_leg": GoalWords(
            "Step width",
            "Let the feet land apart; a cue comes when a step is narrower than your own.",
            "wide enough",
            "step too narrow",
            "{side} foot wider",
            too_little=True,
        ),
        "cadence_spm": GoalWords(
            "Cadence",
            "Take 5 to 10 % more steps a minute than by yourself at the same speed; the buzzer can beat the pace.",
            "quick enough",
            "steps too slow",
            "quicker steps",
            too_little=True,
        ),
    }
)


def is_goal(value: object) -> TypeGuard[Goal]:
    """Whether a value from outside is the key of a goal."""
    return isinstance(value, str) and value in GOALS
