"""Where the camera stands, told by the runner's own stance feet, and how to take it out of the angles.

In stance the foot goes straight back with the belt; how far it goes across the picture meanwhile tells from where the
camera looks. A *ray* is a place in the picture from its centre in focal lengths, x right, y down; it is *level* when
the camera's roll and pitch are taken out, so that y = 0 is the horizon. Angles are in degrees with the signs of
`VirtualCamera`. Derivation, trials, limits: camera_pose.md.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, Self

import numpy as np

from model.pose import LEGS, FloatArray, Joint, Pose, Side, View
from model.standing import LEG_PER_HEIGHT

Source = Literal["belt", "vanishing_point", "given", "none"]
State = Literal["good", "approximate", "refused", "unknown"]

#: Field of view across the picture's shorter side where nobody knows it: a 4:3 picture of 53.5° by 41.4°.
DEFAULT_FOV_DEG = 41.4
DEFAULT_HEIGHT_M = 1.72
#: The camera is taken to stand this much above the hips, which with their row in the picture tells its pitch.
_ABOVE_HIPS_M = 0.3
_MAX_PITCH_DEG = 25.0
#: Distance hip to ankle in stance as a share of the straight leg.
_STANCE_LEG = 0.93
#: How fast a stance foot recedes: by the belt where its speed is known; else by a usual one (8 to 14 km/h) and by how
#: fast it nears the horizon. How uncertain each is (SD of the logarithm), with assumed leg length and pitch.
_USUAL_BELT_M_S, _USUAL_BELT_SD = 2.9, 0.18
_KNOWN_BELT_SD, _RISE_SD = 0.07, 0.25
#: The pose model's ankle goes this share of the true ankle's way: rendered runners, both models.
_SEEN_WAY = 0.95
#: The ankle's track is fitted around this time after mid-stance, with weights that fall to 0 this far from it, seconds.
_TRACK_S, _TRACK_HALF_S = -0.03, 0.09
_MIN_TRACK_FRAMES = 3
#: The swinging ankle is this share of the leg below the standing one when their names are exchanged.
_EXCHANGED_LEG = 0.12
#: This share of the shoulder line's slope is believed to be roll: cameras are mounted roughly level.
_ROLL_SHARE = 0.7
#: Stances: the fewest for an estimate, in a comparison of now with before, kept at most; and how often
#: all is worked out again.
_MIN_STANCES: Mapping[str, int] = {"lightning": 10, "thunder": 8}
_RECENT, _KEPT, _EVERY = 16, 96, 4
#: The camera has been moved when the newest stances differ by this and by twice their uncertainty.
_MOVED_DEG = 3.0
#: Up to here angles are good; up to there approximate; then refused (camera_pose.md).
GOOD_AZIMUTH_DEG = 8.0
MAX_AZIMUTH_DEG: Mapping[str, float] = {"lightning": 13.0, "thunder": 15.0}
#: Contradictions: left and right foot, uncertainty, feet that come nearer, frames with left and right exchanged.
_MAX_APART_DEG, _MAX_SE_DEG, _MAX_WRONG, _MAX_EXCHANGED = 6.0, 1.0, 0.25, 0.3
#: What stays uncertain of yaw however many stances: rms error on rendered runners.
_MODEL_SD_DEG: Mapping[str, float] = {"lightning": 1.0, "thunder": 0.9}
#: +1 where + yaw stands to the runner's left.
_FACING = {View.FRONT: 1.0, View.REAR: -1.0}


def focal_px(image_size_px: tuple[int, int], vfov_deg: float | None = None) -> float:
    """Focal length in pixels from the vertical field of view; from `DEFAULT_FOV_DEG` where it is not known."""
    if vfov_deg is None:
        return min(image_size_px) / 2 / math.tan(math.radians(DEFAULT_FOV_DEG) / 2)
    return image_size_px[1] / 2 / math.tan(math.radians(vfov_deg) / 2)


@dataclass(frozen=True, slots=True)
class CameraPose:
    """Where the camera stands; None where it is not known.

    Attributes:
        yaw_deg: + the camera stands toward the runner's left in front, toward the right behind.
        yaw_sd_deg: how uncertain yaw is, with what more stances would not mend.
        roll_deg: + turned counterclockwise seen from behind the camera.
        pitch_deg: + looking up. Assumed from the runner's place in the picture, not measured.
        azimuth_left_deg, azimuth_right_deg: from where the camera looks at each leg, sign of yaw: what leaks into FPPA.
        source: how yaw was found.
        state: good, approximate, refused (the angles must not be shown) or unknown (not enough stances).
        advice: why, and what to do, for people; None where all is well.
        moved: the camera has been moved since the first estimate.
    """

    yaw_deg: float | None = None
    yaw_sd_deg: float | None = None
    roll_deg: float | None = None
    pitch_deg: float | None = None
    azimuth_left_deg: float | None = None
    azimuth_right_deg: float | None = None
    source: Source = "none"
    state: State = "unknown"
    advice: str | None = None
    moved: bool = False

    @property
    def usable(self) -> bool:
        """Whether angles with this camera taken out may be shown and held against a fixed threshold."""
        return self.state in ("good", "approximate") and self.yaw_deg is not None

    def as_json(self) -> dict[str, Any]:
        """The ``camera`` block of a session document."""
        held = asdict(self)
        return {key: round(value, 2) + 0.0 if isinstance(value, float) else value for key, value in held.items()}

    @classmethod
    def from_json(cls, block: Mapping[str, Any]) -> Self:
        """Reads such a block; keys that it does not know are left alone.

        Raises:
            ValueError: a value has the wrong type.
        """
        known = {field.name: block[field.name] for field in fields(cls) if field.name in block}
        for key, value in known.items():
            number = isinstance(value, int | float) and math.isfinite(value)
            if key.endswith("_deg") and not (number or value is None):
                raise ValueError(f"camera.{key} = {value!r}: must be a number or null")
        if known.get("state", "unknown") not in ("good", "approximate", "refused", "unknown"):
            raise ValueError(f"camera.state = {known['state']!r}: must be good, approximate, refused or unknown")
        return cls(**known)


def level_rays(rays: FloatArray, roll_deg: float, pitch_deg: float) -> FloatArray:
    """Rays (..., 2) with the camera's roll and pitch taken out; a level camera's rays stay as they are."""
    roll, pitch = math.radians(roll_deg), math.radians(pitch_deg)
    x = math.cos(roll) * rays[..., 0] + math.sin(roll) * rays[..., 1]
    y = math.cos(roll) * rays[..., 1] - math.sin(roll) * rays[..., 0]
    depth = math.cos(pitch) + math.sin(pitch) * y
    return np.stack([x / depth, (math.cos(pitch) * y - math.sin(pitch)) / depth], axis=-1)


#: Columns of what is kept of a stance: side (0 left), track's start and end 0.1 s apart, hip, knee, shoulder line,
#: neck, share of frames with left and right exchanged.
_START, _END, _HIP, _KNEE, _SHOULDERS, _NECK = (slice(i, i + 2) for i in range(1, 13, 2))
_SIDE, _EXCHANGED = 0, 13
_SPAN_S = 0.1


@dataclass(frozen=True, slots=True)
class _Estimate:
    """Of a number of stances, both sides. ``se_deg`` is the standard error of yaw by the spread of the stances."""

    yaw_deg: float
    se_deg: float
    sd_deg: float
    apart_deg: float
    roll_deg: float
    pitch_deg: float
    azimuth_deg: tuple[float, float]
    distance_m: float
    wrong: float
    exchanged: float


class CameraPoseEstimator:
    """Finds out where the camera stands, stance by stance. Deterministic.

    Args:
        view: front or rear.
        image_size_px: width and height.
        focal_px: see `focal_px`.
        belt_speed_m_s: where it is known.
        height_m: of the runner, where it is known.
        model_name: lightning or thunder.
        known: an earlier result at this place: used from the start, re-checked by the stances that come.

    Raises:
        ValueError: a side view has no frontal plane.
    """

    def __init__(
        self,
        view: View,
        image_size_px: tuple[int, int],
        focal_px: float,
        belt_speed_m_s: float | None = None,
        height_m: float | None = None,
        model_name: str = "lightning",
        known: CameraPose | None = None,
    ) -> None:
        if not view.frontal:
            raise ValueError("the camera's place is found from the front and from behind only")
        self._facing = _FACING[view]
        self._centre_px = np.array(image_size_px) / 2
        self._focal_px = focal_px
        self._belt_m_s = belt_speed_m_s
        self._leg_m = LEG_PER_HEIGHT * (height_m or DEFAULT_HEIGHT_M)
        self._model = model_name
        self._known = known if known is not None and known.yaw_deg is not None else None
        self._stances: deque[FloatArray] = deque(maxlen=_KEPT)
        self._suspicions = 0
        self._moved = False
        self._current = CameraPose(advice=_wait(_MIN_STANCES[model_name]))
        if self._known is not None:
            self._current = replace(self._known, source="given", moved=False)

    def current(self) -> CameraPose:
        """The best that is known now."""
        return self._current

    def add_stance(self, side: Side, strike_s: float, toe_off_s: float, poses: Sequence[Pose]) -> None:
        """Takes one stance.

        Args:
            side: the standing leg.
            strike_s, toe_off_s: seconds.
            poses: in order of time; those from strike to toe-off count.
        """
        row = self._row(side, strike_s, toe_off_s, poses)
        if row is None:
            return
        self._stances.append(row)
        if len(self._stances) % _EVERY == 0 or len(self._stances) <= _RECENT:
            self._look_for_a_move()
            self._current = self._conclude()

    def _row(self, side: Side, strike_s: float, toe_off_s: float, poses: Sequence[Pose]) -> FloatArray | None:
        """What is kept of a stance; None when its foot was not seen in enough frames."""
        inside = [pose for pose in poses if strike_s <= pose.t_s <= toe_off_s]
        if len(inside) < _MIN_TRACK_FRAMES:
            return None
        rays = (np.stack([pose.xy_px for pose in inside]) - self._centre_px) / self._focal_px
        away_s = np.array([pose.t_s for pose in inside]) - (strike_s + toe_off_s) / 2 - _TRACK_S
        taken = np.abs(away_s) < _TRACK_HALF_S
        rays, away_s = rays[taken], away_s[taken]
        standing, exchanged = _standing_leg(rays, side)
        if len(rays) < _MIN_TRACK_FRAMES or not np.isfinite(standing).all():
            return None
        weight = 1 - (away_s / _TRACK_HALF_S) ** 2
        weight /= weight.sum()
        hip, knee, ankle = (weight @ standing[:, i] for i in range(3))
        since_s = away_s - weight @ away_s
        speed = (weight * since_s) @ standing[:, 2] / (weight @ since_s**2)
        left, right = (weight @ rays[:, joint] for joint in (Joint.LEFT_SHOULDER, Joint.RIGHT_SHOULDER))
        ends = ankle - speed * _SPAN_S / 2, ankle + speed * _SPAN_S / 2
        row = np.concatenate(
            [[side is Side.RIGHT], *ends, hip, knee, self._facing * (left - right), (left + right) / 2, [exchanged]]
        )
        return row if np.isfinite(row).all() else None

    def _look_for_a_move(self) -> None:
        """Forgets the past when the newest stances contradict it twice."""
        count = len(self._stances)
        if count < _RECENT:
            return
        rows = np.array(self._stances)
        now = self._estimate(rows[-_RECENT:])
        before = self._estimate(rows[:-_RECENT]) if count >= 2 * _RECENT else None
        if now is None:
            return
        if before is not None:
            suspect = abs(now.yaw_deg - before.yaw_deg) > _MOVED_DEG + 2 * math.hypot(now.se_deg, before.se_deg)
        elif self._known is not None:
            off_deg = abs(now.yaw_deg - (self._known.yaw_deg or 0.0))
            suspect = off_deg > _MOVED_DEG + 2 * math.hypot(now.se_deg, _MODEL_SD_DEG[self._model])
        else:
            return
        self._suspicions = self._suspicions + 1 if suspect else 0
        if self._suspicions >= 2:
            self._suspicions, self._moved, self._known = 0, True, None
            newest = list(self._stances)[-_RECENT:]
            self._stances.clear()
            self._stances.extend(newest)

    def _estimate(self, rows: FloatArray) -> _Estimate | None:
        """Yaw and what goes with it from ``rows`` (n, 14); None while a side has no two stances."""
        right = rows[:, _SIDE] > 0
        if min(right.sum(), (~right).sum()) < 2:
            return None

        def both(values: FloatArray) -> FloatArray:
            middle: FloatArray = (np.median(values[~right], axis=0) + np.median(values[right], axis=0)) / 2
            return middle

        slope_deg = math.degrees(math.atan2(*both(rows[:, _SHOULDERS])[::-1]))
        ankle = (rows[:, _START] + rows[:, _END]) / 2
        distance_m = _STANCE_LEG * self._leg_m / float(both(np.hypot(*(ankle - rows[:, _HIP]).T)))
        yaw, roll_deg = 0.0, _ROLL_SHARE * slope_deg
        for _ in range(2):
            hips_y = float(both(rows[:, _HIP])[1])
            pitch_deg = math.degrees(math.atan(hips_y) - math.atan2(_ABOVE_HIPS_M, distance_m))
            pitch_deg = min(max(pitch_deg, -_MAX_PITCH_DEG), _MAX_PITCH_DEG)
            # Seen from above or below, a level shoulder line that is turned away slopes.
            neck = both(level_rays(rows[:, _NECK], roll_deg, pitch_deg))
            turned_deg = math.degrees(math.atan(neck[1] * math.tan(yaw - math.atan(neck[0]))))
            roll_deg = _ROLL_SHARE * (slope_deg - turned_deg)
            start, end, hip = (level_rays(rows[:, part], roll_deg, pitch_deg) for part in (_START, _END, _HIP))
            place, speed = (start + end) / 2, (end - start) / _SPAN_S
            recedes, recedes_sd = self._recedes(both(place), both(speed), both(place - hip))
            bearing = np.arctan(place[:, 0])
            across = self._facing * speed[:, 0] * np.cos(bearing) / (_SEEN_WAY * recedes)
            yaws = bearing + np.arcsin(np.clip(across, -1, 1))
            yaw = float(both(yaws))
        knee_x = level_rays(rows[-2 * _RECENT :, _KNEE], roll_deg, pitch_deg)[:, 0]
        knee_right = right[-2 * _RECENT :]
        azimuth = [math.degrees(yaw - math.atan(_middle(knee_x[mask]))) for mask in (~knee_right, knee_right)]
        spread_deg = [math.degrees(_standard_error(yaws[mask])) for mask in (~right, right)]
        se_deg = math.hypot(*spread_deg) / 2
        scale_deg = abs(sum(azimuth) / 2) * recedes_sd
        return _Estimate(
            yaw_deg=math.degrees(yaw),
            se_deg=se_deg,
            sd_deg=math.hypot(se_deg, scale_deg, _MODEL_SD_DEG[self._model]),
            apart_deg=abs(math.degrees(_middle(yaws[~right]) - _middle(yaws[right]))) - 4 * se_deg,
            roll_deg=roll_deg,
            pitch_deg=pitch_deg,
            azimuth_deg=(azimuth[0], azimuth[1]),
            distance_m=distance_m,
            wrong=float(np.mean(self._facing * speed[:, 1] > 0)),
            exchanged=float(rows[:, _EXCHANGED].mean()),
        )

    def _recedes(self, place: FloatArray, speed: FloatArray, leg: FloatArray) -> tuple[float, float]:
        """How much of its distance a stance foot recedes (rear: nears) in a second, and SD of its logarithm."""
        belt_sd = _USUAL_BELT_SD if self._belt_m_s is None else _KNOWN_BELT_SD
        belt = (self._belt_m_s or _USUAL_BELT_M_S) * math.hypot(*leg) / (_STANCE_LEG * self._leg_m)
        rise = -self._facing * float(speed[1] / place[1])
        if not 0.3 < rise / belt < 3.0:
            return belt, belt_sd
        weights = belt_sd**-2, _RISE_SD**-2
        log = (weights[0] * math.log(belt) + weights[1] * math.log(rise)) / sum(weights)
        return math.exp(log), sum(weights) ** -0.5

    def _conclude(self) -> CameraPose:
        missing = _MIN_STANCES[self._model] - len(self._stances)
        found = self._estimate(np.array(self._stances)) if missing <= 0 else None
        if found is None:
            return self._current if self._known else CameraPose(advice=_wait(max(missing, 1)), moved=self._moved)
        contradiction = self._contradiction(found)
        if contradiction is not None:
            state: State = "refused" if found.se_deg <= _MAX_SE_DEG else "unknown"
            return CameraPose(roll_deg=found.roll_deg, state=state, advice=contradiction, moved=self._moved)
        yaw_deg, sd_deg = found.yaw_deg, found.sd_deg
        if self._known is not None and self._known.yaw_deg is not None:
            weights = sd_deg**-2, (self._known.yaw_sd_deg or _MODEL_SD_DEG[self._model]) ** -2
            yaw_deg = (weights[0] * yaw_deg + weights[1] * self._known.yaw_deg) / sum(weights)
            sd_deg = max(sum(weights) ** -0.5, _MODEL_SD_DEG[self._model])
        azimuth = [angle + yaw_deg - found.yaw_deg for angle in found.azimuth_deg]
        middle_deg = sum(azimuth) / 2
        return CameraPose(
            yaw_deg=yaw_deg,
            yaw_sd_deg=sd_deg,
            roll_deg=found.roll_deg,
            pitch_deg=found.pitch_deg,
            azimuth_left_deg=azimuth[0],
            azimuth_right_deg=azimuth[1],
            source="vanishing_point" if self._belt_m_s is None else "belt",
            state=self._state(middle_deg),
            advice=_advice(middle_deg, yaw_deg, found.distance_m, self._state(middle_deg)),
            moved=self._moved,
        )

    def _state(self, azimuth_deg: float) -> State:
        if abs(azimuth_deg) <= GOOD_AZIMUTH_DEG:
            return "good"
        return "approximate" if abs(azimuth_deg) <= MAX_AZIMUTH_DEG[self._model] else "refused"

    def _contradiction(self, found: _Estimate) -> str | None:
        if found.exchanged > _MAX_EXCHANGED:
            return "Left and right leg are often confused: move the camera to straight in front or behind, add light."
        if found.wrong > _MAX_WRONG:
            return "The feet do not go back with the belt as they should: check that the view (front or rear) is right."
        if found.se_deg > _MAX_SE_DEG:
            return "The steps differ too much to tell where the camera stands: run on steadily, amid the belt."
        if found.apart_deg > _MAX_APART_DEG:
            return "Left and right foot tell different places of the camera: move it to straight in front or behind."
        return None


def _standing_leg(rays: FloatArray, side: Side) -> tuple[FloatArray, float]:
    """Hip, knee and ankle (n, 3, 2) of the leg that stands, and the share of frames in which it had the other's name.

    Around mid-stance the swinging foot is above the standing one in the picture, well above it from the front. Where it
    is clearly below, the pose model has exchanged left and right.
    """
    own, other = ([LEGS[s].hip, LEGS[s].knee, LEGS[s].ankle] for s in (side, side.other))
    below = rays[:, other[2], 1] - rays[:, own[2], 1]
    exchanged = below > _EXCHANGED_LEG * np.hypot(*(rays[:, own[2]] - rays[:, own[0]]).T)
    leg = np.where(exchanged[:, None, None], rays[:, other], rays[:, own])
    leg[:, 0] = rays[:, own[0]]
    return leg, float(exchanged.mean()) if len(exchanged) else 0.0


def _middle(values: FloatArray) -> float:
    return float(np.median(values))


def _standard_error(values: FloatArray) -> float:
    """Of the median of ``values``, from the median deviation, so that single bad stances do not count (Huber 1981)."""
    deviation = 1.4826 * _middle(np.abs(values - _middle(values)))
    return 1.2533 * deviation / math.sqrt(len(values))


def _wait(stances: int) -> str:
    return f"Not known yet where the camera stands: about {stances} more steps of running."


def _advice(azimuth_deg: float, yaw_deg: float, distance_m: float, state: State) -> str | None:
    """What to do about the camera, seen from behind it.

    Only its place matters: a camera at + azimuth stands too far to its own right. Turning it does not change the
    azimuth, but after the move it should look along the belt again.
    """
    if state == "good":
        return None
    aside_cm = max(5, 5 * round(20 * distance_m * math.tan(math.radians(abs(azimuth_deg)))))
    text = f"Move the camera {aside_cm} cm to the {'left' if azimuth_deg > 0 else 'right'}"
    if abs(yaw_deg) >= 3:
        text += f" and turn it {abs(yaw_deg):.0f}° to the {'right' if yaw_deg > 0 else 'left'}"
    text += " (seen from behind it)."
    why = f"The camera looks {abs(azimuth_deg):.0f}° from aside"
    return f"{why}: angles are approximate. {text}" if state == "approximate" else f"{why}, too far for angles. {text}"
