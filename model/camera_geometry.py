"""From the feet's ways in the picture to the direction from which the camera looks. See camera_pose.md.

A *ray* is a place in the picture from its centre in focal lengths, x right, y down; it is *level* when the camera's
roll and pitch are taken out, so that y = 0 is the horizon. ``facing`` is +1 in front of the runner, −1 behind.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from model.pose import LEGS, FloatArray, Joint, Pose, Side

#: What people may tell of treadmill and camera: attributes of a `Scene`.
Told = Literal["belt_m_s", "camera_m"]
_BELT: Told = "belt_m_s"
_LENS: Told = "camera_m"
#: Where its height is not known, the lens is taken to be this high above the belt (0.8 to 1.6 m are asked for) until
#: the feet's rise says more; with the hips' row in the picture that tells its pitch. The hips in stance are
#: `_STANCE_LEG` and the ankle's height above the belt.
_USUAL_LENS_M, ANKLE_LEG = 1.15, 0.08
_USUAL_PITCH_DEG, _MAX_PITCH_DEG = -5.0, 25.0
#: Distance hip to ankle in stance as a share of the straight leg.
_STANCE_LEG = 0.92
#: The straight leg in the picture and the camera's pitch are worked out from one another so often.
_LEG_LOOKS = 3
#: This share of the shoulder line's slope is believed to be roll: cameras are mounted roughly level.
ROLL_SHARE = 0.7

#: How fast a stance foot recedes: by the belt where its speed is known; else by a usual one (8 to 13 km/h) and by how
#: fast it nears the horizon. SD of the logarithm of each; of what is usual with that of the leg, `USUAL_LEG_SD`.
_USUAL_BELT_M_S, _USUAL_BELT_SD = 2.85, 0.16
_KNOWN_BELT_SD = 0.04
#: The ankle lifts while the foot stands: so many times as fast as the foot recedes it seems to go, in front and behind;
#: SD of its logarithm.
_LIFT, _LIFT_SD = {1.0: 1.07, -1.0: 0.9}, 0.075
#: The same of the camera's height above the ankle, and of the leg by a runner's height that is told or not.
_KNOWN_HEIGHT_SD, _USUAL_HEIGHT_SD = 0.02, 0.24
KNOWN_LEG_SD, USUAL_LEG_SD = 0.03, 0.06
#: The standing ankle's track is fitted around this time after mid-stance, with weights that fall to 0 this far from it.
_TRACK_S, _TRACK_HALF_S, _MIN_TRACK_FRAMES = -0.03, 0.09, 3
#: Frames per second from which on every stance has so many; below two thirds of it none has.
TRACK_FPS = _MIN_TRACK_FRAMES / (2 * _TRACK_HALF_S)
_SPAN_S = 0.1
#: What was told of belt or lens is not believed where the feet's rise is so many SDs off from what follows from it;
#: fewer where the lens' height was not told, which is somewhere in the range asked for and so never many SDs off.
_DOUBT_SD, _DOUBT_UNTOLD_SD = 3.5, 2.8
#: The swinging ankle is this share of the leg below the standing one when their names are exchanged.
_EXCHANGED_LEG = 0.12

_PHASES = (np.arange(10, 17) + 0.5) / 24
_KNEE_AHEAD = np.array([-0.13, -0.12, -0.07, -0.01, 0.05, 0.12, 0.18])
_SHANK_BACK = np.array([0.39, 0.43, 0.47, 0.49, 0.50, 0.49, 0.47])
"""In swing, at shares `_PHASES` of the stride from strike to strike: how far the knee is ahead of the hips, and the
ankle behind the knee. Straight legs, mean of two rendered runners and motion capture, at 3.5 legs a second. The second
grows little with the belt's speed (power 0.25), because a swinging shank is about level however fast the belt runs."""
_SHANK_LEGS_S, _SHANK_POWER = 3.5, 0.25
#: SD of the logarithm of the shank's way where the speed is known exactly; and for what the pose model's confidence in
#: the swinging ankle is below the usual: one that the knee or something else hides is put too near the knee.
_SHANK_SD, _HIDDEN_SD, _USUAL_SCORE = 0.07, 2.0, 0.6
_REGRESSION = _SHANK_BACK / (_SHANK_BACK**2).sum()
#: What each of the two ways to yaw, stance and swing, has of errors of its own, in front and behind: rms on rendered
#: runners, degrees.
_OWN_SD_DEG = {1.0: (1.0, 1.6), -1.0: (1.4, 1.0)}
#: The azimuths are those of so many newest stances of a side: a runner may change their place on the belt.
_NEWEST = 16
_STRIDE_S, _MIN_SEEN = (0.4, 1.2), 0.7

#: Columns of a stance: 1 for the right side; the track's start and end 0.1 s apart, hip, knee, shoulder line from right
#: to left and its middle, as rays; share of frames with left and right exchanged. Of the swing that ended with its
#: strike, NaN where it was not seen, for each leg that the shank goes back: how far the ankle is across and down from
#: the knee, as rays; and, times the leg in rays, what that changes because both are nearer or further than the hips;
#: and the pose model's confidence in the ankle.
SIDE = 0
_START, _END, _HIP, _KNEE, _SHOULDERS, _NECK = (slice(i, i + 2) for i in range(1, 13, 2))
_EXCHANGED = 13
_ACROSS, _NEARER, _SCORE = slice(14, 16), slice(16, 18), 18


@lru_cache(maxsize=64)
def _levelling(roll_deg: float, pitch_deg: float) -> FloatArray:
    """(3, 3): from (x, y, 1) of a ray to (x, y, 1) of the level one, times its depth."""
    cos_roll, sin_roll = math.cos(math.radians(roll_deg)), math.sin(math.radians(roll_deg))
    cos_pitch, sin_pitch = math.cos(math.radians(pitch_deg)), math.sin(math.radians(pitch_deg))
    return np.array(
        [
            [cos_roll, -cos_pitch * sin_roll, -sin_pitch * sin_roll],
            [sin_roll, cos_pitch * cos_roll, sin_pitch * cos_roll],
            [0.0, -sin_pitch, cos_pitch],
        ]
    )


def level_rays(rays: FloatArray, roll_deg: float, pitch_deg: float) -> FloatArray:
    """Rays (..., 2) with the camera's roll and pitch taken out; a level camera's rays stay as they are."""
    matrix = _levelling(roll_deg, pitch_deg)
    level = rays @ matrix[:2] + matrix[2]
    seen: FloatArray = level[..., :2] / level[..., 2:]
    return seen


def level_ray(ray: Sequence[float], roll_deg: float, pitch_deg: float) -> tuple[float, float]:
    """`level_rays` of a single one, several times as quick."""
    x, y = ray
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = _levelling(roll_deg, pitch_deg).tolist()
    away = x * xz + y * yz + zz
    return (x * xx + y * yx + zx) / away, (x * xy + y * yy + zy) / away


@dataclass(frozen=True, slots=True)
class Scene:
    """What is known beforehand.

    Attributes:
        facing: +1 in front, −1 behind.
        centre_px: (2,) of the picture.
        focal_px: focal length.
        leg_m: hip joint to ankle joint of the runner.
        leg_sd: of its logarithm.
        belt_m_s: None where it is not known.
        camera_m: height of the lens above the belt, None where it is not known.
        seen_way: share of the standing ankle's way across the picture that the pose model shows.
        seen_shank: share of the swinging shank's depth that is between the joints where the pose model puts them.
    """

    facing: float
    centre_px: FloatArray
    focal_px: float
    leg_m: float
    leg_sd: float
    belt_m_s: float | None
    camera_m: float | None
    seen_way: float
    seen_shank: float

    @property
    def told(self) -> tuple[Told, ...]:
        """What people told of the treadmill and the camera."""
        told: dict[Told, float | None] = {"belt_m_s": self.belt_m_s, "camera_m": self.camera_m}
        return tuple(name for name, value in told.items() if value is not None)

    @property
    def doubt_sd(self) -> float:
        """How many SDs the feet's rise may be off before what was told is not believed."""
        return _DOUBT_UNTOLD_SD if self.camera_m is None else _DOUBT_SD

    @property
    def above_hips_m(self) -> float:
        """Of the camera."""
        return (self.camera_m or _USUAL_LENS_M) - (_STANCE_LEG + ANKLE_LEG) * self.leg_m

    def rays(self, xy_px: FloatArray) -> FloatArray:
        """Of places (..., 2) in the picture."""
        found: FloatArray = (xy_px - self.centre_px) / self.focal_px
        return found


@dataclass(frozen=True, slots=True)
class Estimate:
    """Of a number of stances of both sides. Degrees.

    Attributes:
        yaw: of the camera.
        sd: its uncertainty, but for what the pose model always adds.
        se: standard error of the yaw by the stance feet.
        apart: difference of left and right foot, less what their spread explains.
        unlike: difference of the yaw by the standing feet and that by the swinging shanks, less what the belt's unknown
            speed explains.
        roll, pitch: of the camera.
        azimuth: of the left and the right knee.
        distance_m: from the runner, with the assumed leg.
        wrong: share of stances whose foot goes the wrong way.
        exchanged: share of frames with left and right leg exchanged.
        doubted: of what was told, what does not fit the feet's rise, and was left out.
    """

    yaw: float
    sd: float
    se: float
    apart: float
    unlike: float
    roll: float
    pitch: float
    azimuth: tuple[float, float]
    distance_m: float
    wrong: float
    exchanged: float
    doubted: tuple[Told, ...] = ()


def measure_track(
    scene: Scene, side: Side, strike_s: float, toe_off_s: float, poses: Iterable[Pose]
) -> FloatArray | None:
    """Columns `SIDE` to `_EXCHANGED` of a stance; None when it was not seen in enough frames."""
    middle_s = (strike_s + toe_off_s) / 2 + _TRACK_S
    inside = [pose for pose in poses if strike_s <= pose.t_s <= toe_off_s and abs(pose.t_s - middle_s) < _TRACK_HALF_S]
    if len(inside) < _MIN_TRACK_FRAMES:
        return None
    rays = scene.rays(np.array([pose.xy_px for pose in inside]))
    away_s = np.array([pose.t_s for pose in inside]) - middle_s
    leg, exchanged = _standing_leg(rays, side, scene.facing)
    weight = 1 - (away_s / _TRACK_HALF_S) ** 2
    weight /= weight.sum()
    hip, knee, ankle = (weight @ leg.reshape(len(leg), -1)).reshape(3, 2)
    since_s = away_s - weight @ away_s
    half = (weight * since_s) @ leg[:, 2] / (weight @ since_s**2) * _SPAN_S / 2
    left, right = weight @ rays[:, Joint.LEFT_SHOULDER], weight @ rays[:, Joint.RIGHT_SHOULDER]
    row = np.concatenate(
        [[side is Side.RIGHT], ankle - half, ankle + half, hip, knee, left - right, (left + right) / 2, [exchanged]]
    )
    return row if np.isfinite(row).all() else None


def _standing_leg(rays: FloatArray, side: Side, facing: float) -> tuple[FloatArray, float]:
    """Hip, knee and ankle (n, 3, 2) of the leg that stands, and the share of frames in which it had the other's name.

    From the front the swinging foot is well above the standing one around mid-stance. Where it is clearly below, the
    pose model has exchanged left and right. From behind the two are too much alike in height to tell.
    """
    own, other = ([LEGS[s].hip, LEGS[s].knee, LEGS[s].ankle] for s in (side, side.other))
    leg = rays[:, own]
    length = np.hypot(*(leg[:, 2] - leg[:, 0]).T)
    exchanged = (rays[:, other[2], 1] - leg[:, 2, 1] > _EXCHANGED_LEG * length) & (facing > 0)
    leg[exchanged, 1:] = rays[exchanged][:, other[1:]]
    return leg, float(exchanged.mean())


def measure_swing(scene: Scene, side: Side, from_s: float, to_s: float, poses: Iterable[Pose]) -> FloatArray:
    """Columns `_ACROSS` to `_SCORE` of the swing between two strikes of a foot; NaN where it was not seen."""
    inside = [pose for pose in poses if from_s - 0.1 < pose.t_s < to_s + 0.1]
    if not _STRIDE_S[0] < to_s - from_s < _STRIDE_S[1] or not inside or inside[0].t_s > from_s:
        return np.full(5, np.nan)
    xy = np.array([pose.xy_px for pose in inside])[:, [LEGS[side].knee, LEGS[side].ankle]]
    seen = np.isfinite(xy).all(axis=(1, 2))
    if seen.mean() < _MIN_SEEN:
        return np.full(5, np.nan)
    t_s = np.array([pose.t_s for pose in inside])[seen]
    when_s = from_s + (to_s - from_s) * _PHASES
    rays = level_rays(scene.rays(xy[seen]), 0.0, _USUAL_PITCH_DEG).reshape(-1, 4).T
    knee, ankle = np.reshape([np.interp(when_s, t_s, signal) for signal in rays], (2, 2, -1))
    nearer = ankle * (_KNEE_AHEAD - _SHANK_BACK) - knee * _KNEE_AHEAD
    score = np.interp(when_s, t_s, np.array([pose.score for pose in inside])[seen, LEGS[side].ankle]).mean()
    return np.concatenate([(ankle - knee) @ _REGRESSION, nearer @ _REGRESSION, [score]])


def estimate(scene: Scene, rows: FloatArray) -> Estimate | None:
    """Where the camera stands by ``rows`` (n, 19), one for each stance; None while a side has no two of them.

    What was told of the belt's speed and the lens' height is left out where the feet speak against it: of the two that
    which fits worse, where the other fits.
    """
    right = rows[:, SIDE] > 0
    if min(right.sum(), (~right).sum()) < 2:
        return None
    found, off_sd = _estimate(scene, rows, right)
    if off_sd <= scene.doubt_sd or not scene.told:
        return found
    if len(scene.told) == 2:
        alone = (replace(scene, camera_m=None), _LENS), (replace(scene, belt_m_s=None), _BELT)
        tried = [(_estimate(one, rows, right), one, without) for one, without in alone]
        (kept, still_off_sd), fits, doubted = min(tried, key=lambda one: one[0][1])
        if still_off_sd <= fits.doubt_sd:
            return replace(kept, doubted=(doubted,))
    untold, _ = _estimate(replace(scene, belt_m_s=None, camera_m=None), rows, right)
    return replace(untold, doubted=scene.told)


def _estimate(scene: Scene, rows: FloatArray, right: NDArray[np.bool_]) -> tuple[Estimate, float]:
    """The same with all that was told, and how many SDs the feet's rise is off from it."""
    usual: list[float] = _sides_mean(rows[:, :_ACROSS.start], right).tolist()
    # First from the usual height, which gives the belt's speed and the height; then with both.
    leg, above, roll, pitch = 0.0, 0.0, 0.0, _USUAL_PITCH_DEG
    for _ in range(_LEG_LOOKS):  # the pitch is told by the distance, that by the leg, and that by the pitch
        leg = _leg(usual, roll, pitch)
        above = scene.above_hips_m / scene.leg_m * leg
        roll, pitch = _attitude(usual, scene.facing, 0.0, above)
    place, speed = _track(rows, roll, pitch)
    usual_place = _sides_mean(place, right)
    recedes, recedes_sd, higher, off_sd = _recedes(scene, usual_place, _sides_mean(speed, right), leg)
    _, sides = _track_yaws(scene, place, speed, right, recedes)
    above += (higher - 1) * float(usual_place[1])
    roll, pitch = _attitude(usual, scene.facing, sum(sides) / 2, above)
    before, leg = leg, _leg(usual, roll, pitch)
    recedes *= leg / before
    place, speed = _track(rows, roll, pitch)
    yaws, sides = _track_yaws(scene, place, speed, right, recedes)
    track_yaw = sum(sides) / 2
    se = math.hypot(*(_standard_error(yaws[mask]) for mask in (~right, right))) / 2
    off_axis = track_yaw - math.atan(_median(place[:, 0]))
    swing_yaw, shank_sd = _swing_yaw(scene, rows, right, roll, leg, recedes, _swing_depth(usual, roll, pitch))
    own_sd = [math.hypot(se, math.radians(sd)) for sd in _OWN_SD_DEG[scene.facing]]
    yaw, sd = _together(track_yaw, swing_yaw, own_sd, off_axis, recedes_sd, shank_sd)
    unlike = abs(track_yaw - swing_yaw) - 2 * abs(off_axis) * math.hypot(recedes_sd, shank_sd - _SHANK_SD)
    knee_x = [_median(level_rays(rows[mask, _KNEE][-_NEWEST:], roll, pitch)[:, 0]) for mask in (~right, right)]
    found = Estimate(
        yaw=math.degrees(yaw),
        sd=math.degrees(sd),
        se=math.degrees(se),
        apart=math.degrees(abs(sides[0] - sides[1]) - 4 * se),
        unlike=math.degrees(unlike) if math.isfinite(unlike) else 0.0,
        roll=roll,
        pitch=pitch,
        azimuth=(math.degrees(yaw - math.atan(knee_x[0])), math.degrees(yaw - math.atan(knee_x[1]))),
        distance_m=scene.leg_m / leg,
        wrong=float(np.mean(scene.facing * speed[:, 1] > 0)),
        exchanged=float(rows[:, _EXCHANGED].mean()),
    )
    return found, off_sd


def _leg(usual: Sequence[float], roll: float, pitch: float) -> float:
    """The straight leg in the usual stance, as level rays: a camera that looks down shows it shorter than it is."""
    ankle = [(start + end) / 2 for start, end in zip(usual[_START], usual[_END], strict=True)]
    return math.dist(level_ray(ankle, roll, pitch), level_ray(usual[_HIP], roll, pitch)) / _STANCE_LEG


def _swing_depth(usual: Sequence[float], roll: float, pitch: float) -> float:
    """How many times as far away the shanks are with a usual pitch, with which the swings were measured, as with this.

    They swing about as high as the knee stands.
    """
    _, down = level_ray(usual[_KNEE], roll, pitch)
    off = math.radians(_USUAL_PITCH_DEG - pitch)
    return math.cos(off) + down * math.sin(off)


def _attitude(usual: Sequence[float], facing: float, yaw: float, above: float) -> tuple[float, float]:
    """Roll and pitch in degrees by the usual stance, for a yaw in radians and a camera that is ``above`` times its
    distance above the hips."""
    pitch = math.degrees(math.atan(usual[_HIP][1]) - math.atan(above))
    pitch = min(max(pitch, -_MAX_PITCH_DEG), _MAX_PITCH_DEG)
    across, down = usual[_SHOULDERS]
    slope_deg = math.degrees(math.atan2(facing * down, facing * across))
    # A level line that is turned away slopes, but on the horizon.
    x, y = level_ray(usual[_NECK], ROLL_SHARE * slope_deg, pitch)
    turned_deg = math.degrees(math.atan(y * math.tan(yaw - math.atan(x))))
    return ROLL_SHARE * (slope_deg - turned_deg), pitch


def _track(rows: FloatArray, roll: float, pitch: float) -> tuple[FloatArray, FloatArray]:
    """Where the standing ankles are and how fast they go, (n, 2), as level rays."""
    start, end = (level_rays(rows[:, part], roll, pitch) for part in (_START, _END))
    return (start + end) / 2, (end - start) / _SPAN_S


def _track_yaws(
    scene: Scene, place: FloatArray, speed: FloatArray, right: NDArray[np.bool_], recedes: float
) -> tuple[FloatArray, list[float]]:
    """Yaw by each standing foot, radians; and of the left and the right side."""
    yaws = _direction(place[:, 0], scene.facing * speed[:, 0] / (recedes * scene.seen_way))
    return yaws, [_median(yaws[mask]) for mask in (~right, right)]


def _recedes(scene: Scene, place: FloatArray, speed: FloatArray, leg: float) -> tuple[float, float, float, float]:
    """What share of its distance a stance foot recedes (behind: nears) in a second, and SD of its logarithm; how many
    times as high above the ankle the camera is as it was taken to be; and how many SDs the rise is off.

    What the feet's rise is off from what was taken for granted is shared out by the variances.
    """
    belt_sd = _USUAL_BELT_SD if scene.belt_m_s is None else math.hypot(_KNOWN_BELT_SD, scene.leg_sd)
    height_sd = _USUAL_HEIGHT_SD if scene.camera_m is None else math.hypot(_KNOWN_HEIGHT_SD, scene.leg_sd)
    belt = (scene.belt_m_s or _USUAL_BELT_M_S) * leg / scene.leg_m
    rise = -scene.facing * float(speed[1] / place[1]) / _LIFT[scene.facing]
    if not 0.3 < rise / belt < 3.0:
        return belt, belt_sd, 1.0, math.inf
    variance = belt_sd**2 + _LIFT_SD**2 + height_sd**2
    off = math.log(rise / belt) / variance
    sd = (belt_sd**-2 + (_LIFT_SD**2 + height_sd**2) ** -1) ** -0.5
    off_sd = abs(off) * math.sqrt(variance)
    return belt * math.exp(belt_sd**2 * off), sd, math.exp(height_sd**2 * off), off_sd


def _together(
    track_yaw: float, swing_yaw: float, own_sd: Sequence[float], off_axis: float, recedes_sd: float, shank_sd: float
) -> tuple[float, float]:
    """Mean of both ways to yaw with the least variance, and its SD; the first alone where the second is NaN.

    An error of the belt's speed is in both, but in the second much less.
    """
    track_sd, swing_sd = off_axis * recedes_sd, off_axis * recedes_sd * _SHANK_POWER
    if not math.isfinite(swing_yaw):
        return track_yaw, math.hypot(own_sd[0], track_sd)
    both = track_sd * swing_sd
    track, swing = own_sd[0] ** 2 + track_sd**2, own_sd[1] ** 2 + (off_axis * shank_sd) ** 2 + swing_sd**2
    share = (swing - both) / (track + swing - 2 * both)
    sd = math.sqrt(share**2 * track + (1 - share) ** 2 * swing + 2 * share * (1 - share) * both)
    return share * track_yaw + (1 - share) * swing_yaw, sd


def _swing_yaw(
    scene: Scene, rows: FloatArray, right: NDArray[np.bool_], roll: float, leg: float, recedes: float, depth: float
) -> tuple[float, float]:
    """Yaw by the swinging shanks, radians, NaN where a side has no two of them; SD of the logarithm of their way.

    While the foot is behind, the shank is about level, so that how far it goes away from the camera is known. Its own
    slant across is mirrored left and right and falls out of the mean of the sides.
    """
    seen = np.isfinite(rows[:, _ACROSS.start])
    if min((seen & right).sum(), (seen & ~right).sum()) < 2:
        return math.nan, _SHANK_SD
    *swing, score = _sides_mean(rows[seen, _ACROSS.start :], right[seen])
    across, nearer = np.reshape(swing, (2, 2)) @ [math.cos(math.radians(roll)), math.sin(math.radians(roll))] * depth
    back = scene.seen_shank * (recedes / leg / _SHANK_LEGS_S) ** _SHANK_POWER
    yaw = math.atan(scene.facing * (across / leg - scene.facing * nearer) / back)
    return yaw, _SHANK_SD + _HIDDEN_SD * max(0.0, _USUAL_SCORE - float(score))


def _direction(x: FloatArray, across: FloatArray) -> FloatArray:
    """Yaw, radians, of a camera that sees at ray ``x`` how something that recedes by its distance goes ``across``.

    From x = facing (sin yaw · back + …) / depth, differentiated: across = sin(yaw − atan x) / cos(atan x).
    """
    bearing = np.arctan(x)
    yaw: FloatArray = bearing + np.arcsin(np.clip(across * np.cos(bearing), -1.0, 1.0))
    return yaw


def _sides_mean(values: FloatArray, right: NDArray[np.bool_]) -> FloatArray:
    """Mean of the left and the right stances' medians: what is mirrored left and right falls out."""
    mean: FloatArray = (_medians(values[~right]) + _medians(values[right])) / 2
    return mean


def _median(values: FloatArray) -> float:
    return float(_medians(values))


def _medians(values: FloatArray) -> FloatArray:
    """Along the first axis: of a few dozen values sorting them is five times as quick as `numpy.median`."""
    ordered, count = np.sort(values, axis=0), len(values)
    middle: FloatArray = (ordered[(count - 1) // 2] + ordered[count // 2]) / 2
    return middle


def _standard_error(values: FloatArray) -> float:
    """Of the median of ``values``, from the median deviation, so that single bad stances do not count (Huber 1981)."""
    deviation = 1.4826 * _median(np.abs(values - _median(values)))
    return 1.2533 * deviation / math.sqrt(len(values))
