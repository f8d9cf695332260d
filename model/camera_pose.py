"""Where the camera stands, told by the runner's own feet, stance by stance.

Angles are in degrees with the signs of `VirtualCamera`. Derivation, trials, limits: camera_pose.md.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, Self

import numpy as np

from model.camera_geometry import (
    KNOWN_LEG_SD,
    TRACK_FPS,
    USUAL_LEG_SD,
    Estimate,
    Scene,
    estimate,
    measure_swing,
    measure_track,
)
from model.pose import FloatArray, Pose, Side, View
from model.standing import LEG_PER_HEIGHT

Source = Literal["belt", "vanishing_point", "given", "none"]
State = Literal["good", "approximate", "refused", "unknown"]
_STATES = ("good", "approximate", "refused", "unknown")

#: Field of view across the picture's shorter side where nobody knows it: a 4:3 picture of 53.5° by 41.4°.
DEFAULT_FOV_DEG = 41.4
DEFAULT_HEIGHT_M = 1.72
_MEMORY_S = 1.7
#: Stances: how many are compared with those before; how many are kept; how often all is worked out again once there are
#: enough.
_RECENT, _KEPT, _EVERY = 16, 96, 6
#: The camera has been moved when the newest stances differ by this and by twice their uncertainty; while they are few
#: and all one has is what was known before, by four times.
_MOVED_DEG, _MOVED_SD, _MOVED_EARLY_SD = 3.0, 2.0, 4.0
#: So many stances, at most, were measured for a place where the camera no longer stood when that is noticed.
_STALE = _RECENT + 2 * _EVERY
#: Up to here angles are good; up to `Limits.azimuth_deg` approximate; then refused.
GOOD_AZIMUTH_DEG = 8.0
#: A camera turned further than this was told the wrong view.
_MAX_ROLL_DEG = 25.0
#: Contradictions: left and right foot, or stance and swing, of different mind; uncertainty; share of stances whose
#: feet come nearer; share of frames with left and right exchanged.
_MAX_APART_DEG, _MAX_SE_DEG, _MAX_WRONG, _MAX_EXCHANGED = 6.0, 1.0, 0.25, 0.3
_NOT_YET = "Not known yet where the camera stands"
_TOO_FEW_STEPS = "Too few steps of running were seen to tell where the camera stood."
#: Steps of who runs slowly enough are those of nobody who runs.
SLOW_MOTION = (
    "a film N times slower than life (slow motion) needs ffmpeg -itsscale 1/N -i FILM -c copy OUT.mp4, with 1/N as a "
    "number (120 frames per second shown at 30: 0.25; 240 at 30: 0.125; 60 at 30: 0.5); one that is faster than life "
    "cannot be used"
)
_TOO_FEW_PICTURES = (
    "Too few pictures a second to tell where the camera stands: 20 are needed, 30 are better. Add light, set [camera] "
    "fps = 30, or record at 30."
)
#: How what is said of a belt's speed or a lens' height that cannot be right begins.
TOLD_DOUBTED = "What was told does not fit how the feet go, and is left out"
_BELT = "belt"
#: A turn of the camera below this is not worth asking for.
_TURN_DEG = 3.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What depends on the pose model.

    Attributes:
        stances: the fewest for an estimate.
        azimuth_deg: beyond it no angle is told: 12°, and 2° that an estimate may be off. (15° for Thunder, a judgement
            from few clips, told films from 16 to 17° aside, a side by up to 5° too far outside.)
        sd_deg: what stays uncertain of yaw however many stances: rms error on rendered runners.
        seen_way: the model's ankle goes this share of the true ankle's way: rendered runners.
        seen_shank: of the swinging shank's depth, the share that is between the model's joints, which are on the body's
            surface, in front and behind: rendered runners.
    """

    stances: int
    azimuth_deg: float
    sd_deg: float
    seen_way: float
    seen_shank: tuple[float, float]


LIMITS: Mapping[str, Limits] = {
    "lightning": Limits(6, 14.0, 1.0, 0.87, (1.1, 0.93)),
    "thunder": Limits(6, 14.0, 0.8, 0.92, (1.1, 0.93)),
    # Its noise displaces joints, but leaves them their way.
    "mocap-measured": Limits(6, 14.0, 1.0, 0.98, (1.06, 0.89)),
}
#: For joints that no model saw (motion capture).
EXACT = Limits(6, 15.0, 0.4, 0.98, (1.0, 1.0))


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
        pitch_deg: + looking up. By the hips' row in the picture and the camera's height: told, or by the feet's rise.
        azimuth_left_deg, azimuth_right_deg: from where the camera looks at each leg, sign of yaw: what leaks into FPPA.
        source: how yaw was found.
        state: good, approximate, refused (angles must not be shown) or unknown (not enough stances).
        advice: why, and what to do, for people; None where all is well.
        moved: the camera has been moved since the first estimate, or since this session began.
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

    @property
    def doubts_belt(self) -> bool:
        """Whether the belt's speed as it was told is left out, because it does not fit how the feet go."""
        return self.advice is not None and self.advice.startswith(f"{TOLD_DOUBTED}: {_BELT} ")

    def in_the_end(self, slowed: bool = False) -> Self:
        """The same of a session that has ended: no more steps will come.

        ``slowed``: of a film that may be in slow motion.
        """
        waits = self.advice is not None and self.advice.startswith(_NOT_YET)
        few = f"{_TOO_FEW_STEPS[:-1]}; {SLOW_MOTION}" if slowed else _TOO_FEW_STEPS
        return replace(self, advice=few) if waits else self

    def as_json(self) -> dict[str, Any]:
        """The ``camera`` block of a session document."""
        held = asdict(self)
        return {key: round(value, 2) + 0.0 if isinstance(value, float) else value for key, value in held.items()}

    @classmethod
    def from_json(cls, block: Mapping[str, Any]) -> Self:
        """Reads such a block; keys that it does not know are left alone.

        Raises:
            ValueError: an angle is no number, or the state is none of the four.
        """
        known = {field.name: block[field.name] for field in fields(cls) if field.name in block}
        for key, value in known.items():
            number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
            if key.endswith("_deg") and not (number or value is None):
                raise ValueError(f"camera.{key} = {value!r}: must be a number or null")
        if known.get("state", "unknown") not in _STATES:
            raise ValueError(f"camera.state = {known['state']!r}: must be one of {', '.join(_STATES)}")
        return cls(**known)


def is_elsewhere(one: CameraPose, other: CameraPose) -> bool:
    """Whether two sessions were seen by a camera that was moved between them, as far as both places are known.

    A runner who runs further aside on the belt counts, too: the camera looks at them from elsewhere.
    """
    unsure_deg = _MOVED_SD * math.hypot(one.yaw_sd_deg or 0.0, other.yaw_sd_deg or 0.0)
    for name in ("yaw_deg", "roll_deg", "azimuth_left_deg", "azimuth_right_deg"):
        first, second = getattr(one, name), getattr(other, name)
        if first is not None and second is not None and abs(first - second) > max(_MOVED_DEG, unsure_deg):
            return True
    return False


class CameraPoseEstimator:
    """Finds out where the camera stands, stance by stance. Deterministic.

    Args:
        view: front or rear.
        image_size_px: width and height.
        focal_px: see `focal_px`.
        belt_speed_m_s: where it is known.
        height_m: of the runner, where it is known.
        camera_m: height of the lens above the belt, where it is known.
        model_name: of `LIMITS`; any other for joints that no model saw.
        known: an earlier result at this place: used from the start, re-checked by the stances that come.
        moved: whether it has been noticed already that the camera was moved since this session began.

    Raises:
        ValueError: a side view shows nothing of the frontal plane.
    """

    def __init__(
        self,
        view: View,
        image_size_px: tuple[int, int],
        focal_px: float,
        belt_speed_m_s: float | None = None,
        height_m: float | None = None,
        camera_m: float | None = None,
        model_name: str = "lightning",
        known: CameraPose | None = None,
        moved: bool = False,
    ) -> None:
        if not view.frontal:
            raise ValueError("the camera's place is found from the front and from behind only")
        self._limits = LIMITS.get(model_name, EXACT)
        self._scene = Scene(
            facing=1.0 if view is View.FRONT else -1.0,
            centre_px=np.array(image_size_px) / 2,
            focal_px=focal_px,
            leg_m=LEG_PER_HEIGHT * (height_m or DEFAULT_HEIGHT_M),
            leg_sd=USUAL_LEG_SD if height_m is None else KNOWN_LEG_SD,
            belt_m_s=belt_speed_m_s,
            camera_m=camera_m,
            seen_way=self._limits.seen_way,
            seen_shank=self._limits.seen_shank[view is View.REAR],
        )
        self._known = known if known is not None and known.yaw_deg is not None else None
        self._poses: deque[Pose] = deque()
        self._strikes_s: dict[Side, float] = {}
        self._stances: deque[FloatArray] = deque(maxlen=_KEPT)
        self._newest_s: deque[float] = deque(maxlen=_STALE)
        self._unmeasured = 0
        self._since = 0
        self._suspicions = 0
        self._moved = moved
        self._current = self._not_found()
        if self._known is not None:
            self._current = replace(self._known, source="given", moved=moved)

    def current(self) -> CameraPose:
        """The best that is known now."""
        return self._current

    @property
    def known(self) -> CameraPose | None:
        """The earlier result, as long as it is not given up."""
        return self._known

    def begin_session(self) -> None:
        """A move that was noticed so far is none of the session that begins."""
        self._moved = False
        self._current = replace(self._current, moved=False)

    def begin_times(self) -> None:
        """The times of the poses that come begin anew; what was found, and the stances it was found from, stay."""
        self.begin_steps()
        self._newest_s.clear()

    def begin_steps(self) -> None:
        """The poses that come do not go on from those before."""
        self._poses.clear()
        self._strikes_s.clear()

    def forget(self) -> None:
        """The camera has been moved, and all that was found before tells nothing of where it stands now."""
        self.begin_times()
        self._stances.clear()
        self._known, self._moved = None, True
        self._since = self._suspicions = self._unmeasured = 0
        self._current = self._not_found()

    def set_camera_height(self, camera_m: float | None) -> None:
        """The lens is so high above the belt; None: not known. The stances so far are worked out anew with it.

        An earlier result is forgotten: it was found with another height, and would pull the new one back.
        """
        self._scene = replace(self._scene, camera_m=camera_m)
        self._known, self._suspicions = None, 0
        self._current = self._conclude(self._worked_out())

    def step(self, pose: Pose) -> None:
        """Takes every frame's pose, in order of time; a time before the last one begins a new session."""
        if self._poses and pose.t_s < self._poses[-1].t_s:
            self.begin_times()
        self._poses.append(pose)
        while self._poses[0].t_s < pose.t_s - _MEMORY_S:
            self._poses.popleft()

    def add_stance(self, side: Side, strike_s: float, toe_off_s: float, poses: Sequence[Pose]) -> float | None:
        """Takes one stance, after the poses of its time were taken by `step`.

        Args:
            side: the standing leg.
            strike_s, toe_off_s: seconds.
            poses: in order of time; those from strike to toe-off count.

        Returns:
            Where this stance told that the camera has been moved: since which strike of this session, in seconds, that
            may have been so. None otherwise.
        """
        before_s = self._strikes_s.get(side, -math.inf)
        self._strikes_s[side] = strike_s
        track = measure_track(self._scene, side, strike_s, toe_off_s, poses)
        if track is None:
            self._unmeasured += 1
            if len(self._stances) < self._limits.stances:
                self._current = self._conclude(None)
            return None
        swing = measure_swing(self._scene, side, before_s, strike_s, self._poses)
        self._stances.append(np.concatenate([track, swing]))
        self._newest_s.append(strike_s)
        self._since += 1
        count = len(self._stances)
        if count > _RECENT and self._since < _EVERY:
            return None
        self._since = 0
        found = self._worked_out()
        moved = self._look_for_a_move(found)
        self._current = self._conclude(self._worked_out() if moved else found)
        return self._newest_s[0] if moved else None

    def _worked_out(self) -> Estimate | None:
        """What all stances tell; None while there are too few, or where they tell nothing."""
        if len(self._stances) < self._limits.stances:
            return None
        return estimate(self._scene, np.array(self._stances))

    def _look_for_a_move(self, found: Estimate | None) -> bool:
        """Forgets the past when the newest stances contradict it twice. Returns whether they did.

        ``found`` is what all of them tell.
        """
        count = len(self._stances)
        if count < self._limits.stances or (self._known is None and count < 2 * _RECENT):
            return False
        rows = np.array(self._stances)
        now = found if count <= _RECENT else estimate(self._scene, rows[-_RECENT:])
        if now is None:
            return False
        allowed_sd = _MOVED_SD if count >= _RECENT else _MOVED_EARLY_SD
        if count >= 2 * _RECENT:
            before = estimate(self._scene, rows[:-_RECENT])
            if before is None:
                return False
            off_deg, sd_deg = now.yaw - before.yaw, math.hypot(now.se, before.se)
        else:
            assert self._known is not None
            assert self._known.yaw_deg is not None
            off_deg, sd_deg = now.yaw - self._known.yaw_deg, math.hypot(now.se, self._limits.sd_deg)
        self._suspicions = self._suspicions + 1 if abs(off_deg) > _MOVED_DEG + allowed_sd * sd_deg else 0
        if self._suspicions < 2:
            return False
        self._suspicions, self._moved, self._known = 0, True, None
        newest = list(self._stances)[-_RECENT:]
        self._stances.clear()
        self._stances.extend(newest)
        return True

    def _conclude(self, found: Estimate | None) -> CameraPose:
        if found is None:
            return self._current if self._known else self._not_found()
        if self._known is not None and found.se > _MAX_SE_DEG and len(self._stances) < _RECENT:
            return self._current  # so few stances that differ so much say nothing against what was known before
        contradiction = _contradiction(found)
        if contradiction is not None:
            state: State = "refused" if found.se <= _MAX_SE_DEG else "unknown"
            advice = _joined(self._doubt(found), contradiction)
            return CameraPose(roll_deg=found.roll, state=state, advice=advice, moved=self._moved)
        yaw_deg, sd_deg = self._with_known(found.yaw, math.hypot(found.sd, self._limits.sd_deg / 2))
        left_deg, right_deg = (azimuth + yaw_deg - found.yaw for azimuth in found.azimuth)
        state = self._state((left_deg + right_deg) / 2)
        by_belt = self._scene.belt_m_s is not None and "belt_m_s" not in found.doubted
        move = _advice((left_deg + right_deg) / 2, yaw_deg, found.distance_m, state)
        return CameraPose(
            yaw_deg=yaw_deg,
            yaw_sd_deg=sd_deg,
            roll_deg=found.roll,
            pitch_deg=found.pitch,
            azimuth_left_deg=left_deg,
            azimuth_right_deg=right_deg,
            source="belt" if by_belt else "vanishing_point",
            state=state,
            advice=_joined(self._doubt(found), move),
            moved=self._moved,
        )

    def _doubt(self, found: Estimate) -> str | None:
        """What to say of what was told and cannot be right; None where it fits."""
        belt_m_s = self._scene.belt_m_s if "belt_m_s" in found.doubted else None
        camera_m = self._scene.camera_m if "camera_m" in found.doubted else None
        told = told_words(belt_m_s, camera_m)
        remedy = "Put it right on the page Set up or in the settings; the runner's height helps to tell."
        return f"{TOLD_DOUBTED}: {told}. {remedy}" if told else None

    def _not_found(self) -> CameraPose:
        """What to say before the first result: how many steps are missing, or why none of them tells anything."""
        if self._unmeasured >= self._limits.stances and self._fps() < TRACK_FPS:
            return CameraPose(advice=_TOO_FEW_PICTURES, moved=self._moved)
        missing = self._limits.stances - len(self._stances)
        steps = f"about {missing} more steps" if missing > 1 else "one more step"
        return CameraPose(advice=f"{_NOT_YET}: {steps} of running.", moved=self._moved)

    def _fps(self) -> float:
        """Of the last poses."""
        return 1.0 / float(np.median(np.diff([pose.t_s for pose in self._poses]))) if len(self._poses) > 1 else math.inf

    def _with_known(self, yaw_deg: float, sd_deg: float) -> tuple[float, float]:
        """Yaw and its uncertainty together with the earlier result. Most of their errors are the same ones."""
        if self._known is None or self._known.yaw_deg is None:
            return yaw_deg, sd_deg
        known_sd_deg = self._known.yaw_sd_deg or self._limits.sd_deg
        share = known_sd_deg**2 / (sd_deg**2 + known_sd_deg**2)
        return share * yaw_deg + (1 - share) * self._known.yaw_deg, min(sd_deg, known_sd_deg)

    def _state(self, azimuth_deg: float) -> State:
        if abs(azimuth_deg) <= GOOD_AZIMUTH_DEG:
            return "good"
        return "approximate" if abs(azimuth_deg) <= self._limits.azimuth_deg else "refused"


def told_words(belt_m_s: float | None, camera_m: float | None) -> str:
    """What was told of the treadmill and the camera, for people; empty where nothing was."""
    belt = [] if belt_m_s is None else [f"{_BELT} {3.6 * belt_m_s:.1f} km/h"]
    return ", ".join(belt if camera_m is None else [*belt, f"lens {100 * camera_m:g} cm"])


def _joined(*said: str | None) -> str | None:
    """One text of all that is to be said; None where nothing is."""
    return " ".join(one for one in said if one is not None) or None


def _contradiction(found: Estimate) -> str | None:
    if found.exchanged > _MAX_EXCHANGED:
        return "Left and right leg are often confused: move the camera to straight in front or behind, add light."
    if found.wrong > _MAX_WRONG or abs(found.roll) > _MAX_ROLL_DEG:
        return (
            "The feet do not go back with the belt as they should: check that the view (front or rear) is right, "
            "and that the camera stands 2.5 m away or more, at hip height."
        )
    if found.se > _MAX_SE_DEG:
        return "The steps differ too much to tell where the camera stands: run on steadily, amid the belt."
    if max(found.apart, found.unlike) > _MAX_APART_DEG:
        return "The feet tell different places of the camera: move it to straight in front or behind."
    return None


def _advice(azimuth_deg: float, yaw_deg: float, distance_m: float, state: State) -> str | None:
    """What to do about the camera, seen from behind it.

    Only its place matters: a camera at + azimuth stands too far to its own right. Turning it on the spot does not
    change the azimuth, but after the move it should look along the belt again.
    """
    if state == "good":
        return None
    aside_cm = max(5, 5 * round(20 * distance_m * math.tan(math.radians(abs(azimuth_deg)))))
    move = f"Move the camera {aside_cm} cm to the {'left' if azimuth_deg > 0 else 'right'}"
    if abs(yaw_deg) >= _TURN_DEG:
        move += f" and turn it {abs(yaw_deg):.0f}° to the {'right' if yaw_deg > 0 else 'left'}"
    why = "angles are approximate" if state == "approximate" else "too far for angles"
    return f"The camera looks {abs(azimuth_deg):.0f}° from aside, {why}. {move} (seen from behind it)."
