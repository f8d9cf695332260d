"""Standing calibration: three seconds of standing still tell leg length, each knee's own alignment and camera roll.

Taken by itself when someone stands still on straight legs, and when asked for. What legs look like at rest (bowed,
knock-kneed, clothes) is the runner's own, not their running form.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from model import kinematics as k
from model.pose import LEGS, FloatArray, Joint, Pose, Side, View
from model.quality import MIN_SCORE

STAND_S = 3.0
#: Against the pelvis in standing, or else in running: then a drop of one side shows about half as large.
LEVELLED = ("pelvic_drop_deg", "hip_adduction_deg")
#: A joint that moves more than this share of the leg (SD over the window) is not standing still. The pose model's own
#: noise is about a third of it.
_STILL_LEG = 0.02
#: Legs bent more than this in the picture are not standing (squats, a foot on the side rail).
_STRAIGHT_DEG = 20.0
#: Feet further from level than this share of the leg are not both on the belt.
_LEVEL_LEG = 0.06
#: Hips that slope by more than this against the shoulders rest on one leg. (Both slope alike with the camera; MoveNet's
#: own hips by 1°, those of a leg that is 1 cm longer by 3°.)
_HITCHED_DEG = 4.0
_MIN_FRAMES = 20
#: Share of the body's height from hip joint to ankle joint: 0.530 − 0.039 (Winter 2009).
LEG_PER_HEIGHT = 0.491
#: Heights that are taken for a runner's.
MIN_HEIGHT_CM, MAX_HEIGHT_CM = 100.0, 230.0
Obstacle = Literal["nobody", "hidden", "view", "moving", "unsteady", "bent", "uneven", "slow"]
#: Why no calibration comes, with the remedy.
OBSTACLES: Mapping[Obstacle, str] = MappingProxyType(
    {
        "nobody": "Nobody is seen: step onto the belt, whole in the picture.",
        "hidden": "Shoulders, hips, knees and ankles are not all seen: clear the view, add light.",
        "view": "It is not clear yet from where the camera looks: stand facing as you run.",
        "moving": "You are moving: stop the belt and stand on both feet.",
        "unsteady": "You are not still enough: let the arms hang and look ahead.",
        "bent": "Your legs are bent: stretch both knees.",
        "uneven": "Your feet are not level: put both side by side on the belt.",
        "slow": "There are too few pictures: more light, or see the page Health.",
    }
)
#: Why nobody is calibrated while a squat or step-down test is made: who stands still then does so for the test.
TEST_RUNS = "A test is made now: finish or cancel it first, then calibrate."
_BODY = [i for leg in LEGS.values() for i in (leg.shoulder, leg.hip, leg.knee, leg.ankle)]


@dataclass(frozen=True, slots=True)
class StandingCalibration:
    """What standing still told. NaN where the view does not show it.

    Attributes:
        t_s: when it was complete, seconds from the first frame.
        view: of the camera.
        leg_px: hip-knee-ankle in the picture, mean of both legs.
        knee_deg: alignment of each knee in the picture (front, rear: + medial; side: + flexion).
        roll_deg: slope of the shoulder line, + when the picture must be turned counterclockwise to level it.
        hip_line_deg: slope of the hip line in the picture, same sign: what counts as a level pelvis. Of who stands
            turned, too: before a high lens their hips' joints slope, but hardly what the pose models see of them, so
            that taking the turn out makes it worse (validation.md).
    """

    t_s: float
    view: View
    leg_px: float
    knee_deg: Mapping[Side, float]
    roll_deg: float
    hip_line_deg: float

    @property
    def hips_level(self) -> bool:
        """Whether the hip line is that of a level pelvis, so far as shoulders can tell."""
        return abs(self.hip_line_deg - self.roll_deg) <= _HITCHED_DEG

    def as_json(self) -> dict[str, Any]:
        """For the document: null where there is no number."""

        def number(value: float) -> float | None:
            return round(value, 3) if math.isfinite(value) else None

        return {
            "t_s": round(self.t_s, 3),
            "leg_px": number(self.leg_px),
            **{f"knee_{side}_deg": number(value) for side, value in self.knee_deg.items()},
            "roll_deg": number(self.roll_deg),
            "hip_line_deg": number(self.hip_line_deg),
        }


def told_level(block: Mapping[str, Any] | None) -> bool:
    """Whether a calibration, as `StandingCalibration.as_json` made it, told how a level pelvis looks; None: no such."""
    if block is None or block.get("hip_line_deg") is None or block.get("roll_deg") is None:
        return False
    return bool(abs(block["hip_line_deg"] - block["roll_deg"]) <= _HITCHED_DEG)


def centimetres(share_leg: float, height_cm: float) -> float:
    """A share of leg length in centimetres, of a person ``height_cm`` tall (Winter 2009; people differ by ± 5 %)."""
    return share_leg * LEG_PER_HEIGHT * height_cm


class StandingCalibrator:
    """Watches for someone who stands still.

    Each time `STAND_S` of stillness are complete a calibration comes out; a longer stand renews it every `STAND_S`.
    """

    def __init__(self) -> None:
        self._poses: deque[Pose] = deque()
        self._calibration: StandingCalibration | None = None
        self._obstacle: Obstacle | None = "nobody"

    @property
    def calibration(self) -> StandingCalibration | None:
        """The newest one."""
        return self._calibration

    @property
    def held_s(self) -> float:
        """For how long someone has stood so far, 0 to `STAND_S`; whether still enough is known at its end."""
        return self._poses[-1].t_s - self._poses[0].t_s if self._poses else 0.0

    @property
    def obstacle(self) -> Obstacle | None:
        """Why this frame, or the window before it, gives no calibration; None while all is well so far."""
        return self._obstacle

    def restart(self) -> None:
        """Forgets the window, so that the next calibration is of the next three seconds (asked for on the page)."""
        self._poses.clear()
        self._obstacle = None

    def step(self, pose: Pose | None, view: View | None, moving: bool) -> StandingCalibration | None:
        """Takes one frame.

        Args:
            pose: who is seen, None for nobody.
            view: of the camera, None while it is not decided.
            moving: whether this is walking or running.

        Returns:
            A calibration that is complete with this frame, else None.
        """
        in_the_way = _in_the_way(pose, view, moving)
        if in_the_way is not None or pose is None or view is None:
            self._poses.clear()
            self._obstacle = in_the_way
            return None
        if not self._poses:
            self._obstacle = None
        self._poses.append(pose)
        if self.held_s < STAND_S:
            return None
        found = _calibrate(self._poses, view)
        if not isinstance(found, StandingCalibration):
            self._obstacle = found
            # Standing still may have begun meanwhile: look again when another tenth of the window has passed.
            while self._poses[0].t_s < pose.t_s - 0.9 * STAND_S:
                self._poses.popleft()
            return None
        self.restart()
        self._calibration = found
        return found


def _in_the_way(pose: Pose | None, view: View | None, moving: bool) -> Obstacle | None:
    """Why one frame cannot be part of a stand."""
    if pose is None:
        return "nobody"
    if not well_seen(pose):
        return "hidden"
    if moving:
        return "moving"
    return "view" if view is None else None


def well_seen(pose: Pose) -> bool:
    """Whether shoulders, hips, knees and ankles are all surely seen."""
    return bool(np.isfinite(pose.xy_px[_BODY]).all() and (pose.score[_BODY] >= MIN_SCORE).all())


def _calibrate(poses: deque[Pose], view: View) -> StandingCalibration | Obstacle:
    if len(poses) < _MIN_FRAMES:
        return "slow"
    xy = np.stack([pose.xy_px for pose in poses])
    middle: FloatArray = np.median(xy, axis=0)
    leg_px = _leg_px(middle)
    if not is_still(xy):
        return "unsteady"
    bent = [float(k.knee_flexion_deg(middle, side)) for side in Side]
    ankles = abs(middle[Joint.LEFT_ANKLE, 1] - middle[Joint.RIGHT_ANKLE, 1])
    if max(bent) > _STRAIGHT_DEG:
        return "bent"
    if view.frontal and ankles > _LEVEL_LEG * leg_px:
        return "uneven"
    knee = k.fppa_image_deg if view.frontal else k.knee_flexion_deg
    return StandingCalibration(
        t_s=poses[-1].t_s,
        view=view,
        leg_px=leg_px,
        knee_deg={side: float(knee(middle, side)) for side in Side},
        roll_deg=_slope_deg(middle, Joint.LEFT_SHOULDER, Joint.RIGHT_SHOULDER) if view.frontal else math.nan,
        hip_line_deg=_slope_deg(middle, Joint.LEFT_HIP, Joint.RIGHT_HIP) if view.frontal else math.nan,
    )


def is_still(xy_px: FloatArray) -> bool:
    """Whether shoulders, hips, knees and ankles stay where they are in all poses (n, 17, 2); False where one is NaN."""
    spread_px = float(xy_px[:, _BODY].std(axis=0).max())
    return spread_px <= _STILL_LEG * _leg_px(np.median(xy_px, axis=0))


def _leg_px(xy_px: FloatArray) -> float:
    return float(np.mean([k.leg_length_px(xy_px, side) for side in Side]))


def _slope_deg(xy: FloatArray, a: int, b: int) -> float:
    """Slope of the line through two joints, −90 to 90, + falling to the picture's right."""
    dx, dy = xy[b] - xy[a]
    return math.degrees(math.atan2(math.copysign(1.0, dx) * dy, abs(dx)))
