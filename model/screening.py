"""Screening a squat and a lateral step-down: repetitions, angles at their bottom, faults.

Definitions, thresholds with their sources, trials and limits: screening.md. Deterministic, by the poses' own times. The
pose model's known errors of running stance (`model.bias`) are not taken out: measured on squats and step-downs, they
are others there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from model import kinematics as k
from model.camera_pose import CameraPose, focal_px
from model.lift import StandingLegs
from model.pitch import UNKNOWN_HEIGHTS, Heights
from model.pose import LEGS, MIRROR_INDEX, FloatArray, Joint, Pose, Side, View
from model.repetitions import Span, find_repetitions, smoothed
from model.rubric import faults_of

#: Joints that are seen less surely are missing.
_MIN_SCORE = 0.2
#: The pelvis falls at least so many straight legs: about 10 cm in a squat; a box is 15 to 20 cm high.
LEAST_FALL = {"squat": 0.12, "step-down": 0.09}
#: The ankle of a foot that stays keeps within this, straight legs; the free foot goes down by at least this share of
#: the pelvis' fall.
_STILL_LEG, _FREE_SHARE = 0.14, 0.4
#: Who is seen from another side for less than this is seen as before and after.
_FACING_S = 1.0
#: Whose feet are farther than this from a place where they mostly are, in straight legs, comes or goes. The legs'
#: length is that of who is nearer to it: on the way the legs look longer or shorter.
_PLACE_LEG, _THERE_LEG = 0.25, 0.1
#: For the other leg people go to the other end of the step: a second place is one where they are for so long.
_SECOND_S = 4.0
#: At a place where the legs look longer or shorter by more than this share than at the first, somebody may be at the
#: camera: what looks like a repetition there counts only where there is none at the first.
_SAME_LEG = 0.12
#: The place is looked for around so many of the poses.
_TRIED = 100
#: Standing is within this share of the fall from the top, this long before and after a repetition.
_STANDING_SHARE, _STANDING_S = 0.08, 0.7
#: Fewer poses than this at the bottom tell nothing.
_MIN_POSES = 3
#: The deeper part of a repetition, in which a knee's furthest place counts, begins at this share of the fall; the part
#: of which pelvis and trunk are the median, at this: they turn little there, and more poses have less noise.
_DEEP_SHARE, _DEEPEST_SHARE = 0.5, 0.8
#: Hands are at the waist when the wrists are this near to the hips, straight legs, and have left it when one of them is
#: further away by as much again.
_AT_WAIST_LEG, _LEFT_WAIST_LEG = 0.35, 0.2
#: An angle is not claimed where the camera's pitch, by one SD, moves it by more than this, degrees (of a knee far
#: outward: this share, which leaves no doubt of that); or where a limb looks too long in this share of the deeper half.
_MOST_OFF_DEG, _MOST_OFF_SHARE, _LONG_SHARE = 6.0, 0.33, 0.5
#: Share of the poses in which a wrist must be away: a single one errs.
_AWAY_SHARE = 0.2
_BODY = [i for leg in LEGS.values() for i in (leg.shoulder, leg.hip, leg.knee, leg.ankle)]
_MIRROR = list(MIRROR_INDEX)
_HIPS = [Joint.LEFT_HIP, Joint.RIGHT_HIP]
_WRISTS = [Joint.LEFT_WRIST, Joint.RIGHT_WRIST]


class Exercise(StrEnum):
    """What is screened."""

    SQUAT = "squat"
    STEP_DOWN = "step-down"


@dataclass(frozen=True, slots=True)
class ScreeningSettings:
    """What is known beforehand.

    Attributes:
        exercise: squat or step-down.
        view: front or rear.
        camera: where it stands; what is not known of it is taken as square on and level.
        vfov_deg: vertical field of view, None where it is not known.
        tested: the standing leg of every step-down; None: told by which foot stays.
        pelvis_seen: whether the pose model follows the pelvis in this view.
        heights: of camera and person.
    """

    exercise: Exercise
    view: View
    camera: CameraPose = field(default_factory=CameraPose)
    vfov_deg: float | None = None
    tested: Side | None = None
    pelvis_seen: bool = True
    heights: Heights = UNKNOWN_HEIGHTS


@dataclass(frozen=True, slots=True)
class KneeAtBottom:
    """One knee in one repetition. NaN where it was not seen; all but the picture's angle also where it is doubtful.

    Attributes:
        fppa_deg: in the frontal plane, + knee medial, at the bottom.
        fppa_image_deg: as the picture shows it.
        fppa_peak_deg: the furthest medial in the deeper half of the movement.
        medial_shank: knee medial of the ankle in the frontal plane, shank lengths, at the bottom: the proxy for knee
            against toe.
        medial_peak_shank: the furthest in the deeper half; not above 0 while the knee is outside of the line from hip
            to ankle (feet apart, a knee may be inside of its ankle and yet bend outward).
        fppa_off_deg: how far `fppa_deg` may be off because the camera's pitch is not known better (one SD).
        doubtful: it was seen, but from there the angle cannot be told.
    """

    fppa_deg: float
    fppa_image_deg: float
    fppa_peak_deg: float
    medial_shank: float
    medial_peak_shank: float
    fppa_off_deg: float = math.nan
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Repetition:
    """One repetition. NaN where something was not seen.

    Attributes:
        start_s, bottom_s, end_s: seconds, see `Span`.
        tested: the standing leg of a step-down; None in a squat.
        depth_leg: fall of the pelvis in space, straight legs.
        knees: each side's.
        knee_gap_ratio: knees' over ankles' distance in the frontal plane (KASR), < 1 knees inside; squat only.
        pelvic_drop_deg: hip line at the bottom against standing, + the free side has sunk; in a squat + the left one.
        trunk_lean_deg: trunk at the bottom against standing, + toward the standing leg; in a squat toward the left.
        hand_left_waist: None where the hands were not at the waist, or not seen.
        faults: keys, see `model.rubric`.
    """

    start_s: float
    bottom_s: float
    end_s: float
    tested: Side | None
    depth_leg: float
    knees: Mapping[Side, KneeAtBottom]
    knee_gap_ratio: float
    pelvic_drop_deg: float
    trunk_lean_deg: float
    hand_left_waist: bool | None
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Track:
    """All poses as arrays: (n,), (n, 17, 2) with what is not surely seen as NaN; the pelvis' height in px, NaN where
    the feet are not at the one place that this is of; the straight leg there."""

    t_s: FloatArray
    xy_px: FloatArray
    height_px: FloatArray
    leg_px: float
    size_px: tuple[int, int]

    def between(self, start_s: float, end_s: float) -> NDArray[np.bool_]:
        inside: NDArray[np.bool_] = (self.t_s >= start_s) & (self.t_s <= end_s)
        return inside


@dataclass(frozen=True, slots=True)
class _Set:
    """The repetitions of one leg (None: of both) at one place, and who stands there (17, 2)."""

    track: _Track
    tested: Side | None
    spans: list[Span]
    standing: FloatArray


def screen(poses: Sequence[Pose], settings: ScreeningSettings) -> tuple[Repetition, ...]:
    """Every repetition of one recording.

    Args:
        poses: of one person, in the order of time; frames in which nobody was seen are left out.
        settings: what is known beforehand.

    Returns:
        In the order of time. Empty from a side view: it does not show the frontal plane.
    """
    everywhere = [(one, _legs(one, settings)) for one in _sets(poses, settings)]
    # Who steps down at both ends of a step looks the same way at both: the camera is square to the middle.
    yaw_deg = float(np.mean([legs.yaw_deg for _, legs in everywhere])) if everywhere else math.nan
    reps: list[Repetition] = []
    for one, legs in everywhere:
        square = replace(legs, yaw_deg=yaw_deg)
        frontal = square.frontal_plane(one.track.xy_px)
        reps += [_measure(one, span, square, frontal, settings) for span in one.spans]
    return tuple(sorted(reps, key=lambda rep: rep.bottom_s))


def find(poses: Sequence[Pose], settings: ScreeningSettings) -> tuple[Span, ...]:
    """When the repetitions of `screen` were made, without what is measured of them: half the work or less."""
    return tuple(sorted((span for one in _sets(poses, settings) for span in one.spans), key=lambda span: span.bottom_s))


def _sets(poses: Sequence[Pose], settings: ScreeningSettings) -> list[_Set]:
    if not settings.view.frontal or len(poses) < _MIN_POSES:
        return []
    places: list[list[_Set]] = []
    for track in _tracks(poses):
        if not places or abs(track.leg_px / places[0][0].track.leg_px - 1) <= _SAME_LEG:
            sets = _at_one_place(track, settings)
            places += [sets] if sets else []
    return [one for sets in places for one in sets]


def _at_one_place(track: _Track, settings: ScreeningSettings) -> list[_Set]:
    spans = find_repetitions(track.t_s, track.height_px / track.leg_px, LEAST_FALL[settings.exercise])
    own = [(span, side) for span in spans for side in _sides(track, span, settings)]
    sets = []
    for tested in dict.fromkeys(side for _, side in own):
        mine = [span for span, side in own if side is tested]
        sets.append(_Set(track, tested, mine, _standing(track, mine, [span for span, _ in own])))
    return sets


def _legs(one: _Set, settings: ScreeningSettings, camera: CameraPose | None = None) -> StandingLegs:
    size_px = one.track.size_px
    focal = focal_px(size_px, settings.vfov_deg)
    return StandingLegs.measure(
        one.standing, settings.view, focal, size_px, camera or settings.camera, one.tested, settings.heights
    )


def _tracks(poses: Sequence[Pose]) -> list[_Track]:
    """One for the place where the person is most of the time, and one for another where they are long enough."""
    xy = np.stack([pose.xy_px for pose in poses])
    score = np.stack([pose.score for pose in poses])
    t_s = np.array([pose.t_s for pose in poses])
    xy = _own_sides(t_s, np.where((score >= _MIN_SCORE)[..., None], xy, np.nan))
    legs = np.stack([k.leg_length_px(xy, side) for side in Side]).mean(axis=0)
    feet = xy[:, [LEGS[side].ankle for side in Side]].mean(axis=1)
    seen = np.isfinite(legs) & np.isfinite(feet).all(axis=1)
    height_px = k.mid_hip_height_px(xy)
    places = _places(t_s, feet, legs, seen)
    # Where the feet are not seen for a moment they are where they were before.
    nearest = _nearest_seen(seen)
    away = np.array([np.linalg.norm(feet - at, axis=1)[nearest] / leg_px for at, leg_px in places])
    there = (away <= _PLACE_LEG) & (away == away.min(axis=0, initial=math.inf))
    return [
        _Track(t_s, xy, np.where(here, height_px, np.nan), leg_px, poses[0].image_size_px)
        for here, (_, leg_px) in zip(there, places, strict=True)
    ]


def _own_sides(t_s: FloatArray, xy: FloatArray) -> FloatArray:
    """Poses (n, 17, 2) with left and right as they mostly are around each moment.

    The pose models take somebody's front for their back for a few pictures now and then, all joints of them or some:
    what is right of its counterpart jumps to its left. Nobody turns about and back so quickly, nor crosses the legs.
    """
    apart = xy[:, _MIRROR, 0] - xy[..., 0]
    sums = np.concatenate([np.zeros((1, apart.shape[1])), np.cumsum(np.nan_to_num(np.sign(apart)), axis=0)])
    first, last = np.searchsorted(t_s, t_s - _FACING_S), np.searchsorted(t_s, t_s + _FACING_S, side="right")
    exchanged = apart * (sums[last] - sums[first]) < 0
    own: FloatArray = np.where(exchanged[..., None], xy[:, _MIRROR], xy)
    return own


def _places(
    t_s: FloatArray, feet: FloatArray, legs: FloatArray, seen: NDArray[np.bool_]
) -> list[tuple[FloatArray, float]]:
    """Where the feet (n, 2) mostly are, and the straight leg there, px: none to two."""
    places: list[tuple[FloatArray, float]] = []
    rest = seen.copy()
    step_s = float(np.median(np.diff(t_s)))
    while len(places) < 2 and rest.sum() * step_s >= (_SECOND_S if places else 0.0) and rest.any():
        at, leg_px = _densest(feet[rest], legs[rest])
        here = rest & (np.linalg.norm(feet - at, axis=1) <= _PLACE_LEG * leg_px)
        if places and here.sum() * step_s < _SECOND_S:
            break
        places.append((at, leg_px))
        rest &= ~here
    return places


def _densest(feet: FloatArray, legs: FloatArray) -> tuple[FloatArray, float]:
    """The middle of the densest part of ``feet`` (n, 2), and the straight leg there."""
    near_px = _PLACE_LEG / 2 * float(np.median(legs))
    tried = feet[np.linspace(0, len(feet) - 1, min(_TRIED, len(feet))).round().astype(int)]
    apart_px = np.linalg.norm(feet[None] - tried[:, None], axis=-1)
    crowd = apart_px[np.argmax((apart_px < near_px).sum(axis=1))] < near_px
    at: FloatArray = np.median(feet[crowd], axis=0)
    # Legs look longest when they are straight.
    there = np.linalg.norm(feet - at, axis=1) <= _THERE_LEG * float(np.median(legs[crowd]))
    return at, float(np.percentile(legs[there if there.any() else crowd], 90))


def _nearest_seen(seen: NDArray[np.bool_]) -> NDArray[np.intp]:
    """(n,) index of the last one before, or else the first one after, that is seen; 0 where none is."""
    last = np.maximum.accumulate(np.where(seen, np.arange(len(seen)), -1))
    found: NDArray[np.intp] = np.where(last < 0, int(np.argmax(seen)), last)
    return found


def _sides(track: _Track, span: Span, settings: ScreeningSettings) -> tuple[Side | None, ...]:
    """The leg that is tested, as the only element; () for what only looks like a repetition by the pelvis' height."""
    inside = track.between(span.start_s, span.end_s)
    moved = {side: _moved_leg(track, inside, side) for side in Side}
    if settings.exercise is Exercise.SQUAT:
        return (None,) if max(moved.values()) < _STILL_LEG else ()
    standing = settings.tested or min(Side, key=lambda side: moved[side])
    fell = _free_foot_fell(track, span, standing.other)
    return (standing,) if moved[standing] < _STILL_LEG and fell >= _FREE_SHARE * span.fall else ()


def _moved_leg(track: _Track, inside: NDArray[np.bool_], side: Side) -> float:
    """Width or height of the place in which an ankle stays, straight legs; infinite where it is mostly not seen."""
    ankle = track.xy_px[inside, LEGS[side].ankle]
    ankle = ankle[np.isfinite(ankle).all(axis=1)]
    if 2 * len(ankle) < inside.sum():
        return math.inf
    low, high = np.percentile(ankle, [10, 90], axis=0)
    return float((high - low).max()) / track.leg_px


def _free_foot_fell(track: _Track, span: Span, free: Side) -> float:
    """How far the free ankle is lower at the bottom than at the ends, straight legs; 0 where it was not seen."""
    heights = -track.xy_px[:, LEGS[free].ankle, 1]
    low = heights[track.between(*span.low_s)]
    way = 0.15 * (span.end_s - span.start_s)
    ends = heights[track.between(span.start_s - way, span.start_s + way) | track.between(span.end_s - way, span.end_s)]
    low, ends = low[np.isfinite(low)], ends[np.isfinite(ends)]
    if not (low.size and ends.size):
        return 0.0
    return float(np.percentile(ends, 75) - np.median(low)) / track.leg_px


def _standing(track: _Track, spans: Sequence[Span], all_spans: Sequence[Span]) -> FloatArray:
    """Mean pose (17, 2) of standing at the tops before and after ``spans``; NaN where a joint was never seen."""
    moving = np.zeros(len(track.t_s), dtype=bool)
    for span in all_spans:
        moving |= ~(_depth(track, span) <= _STANDING_SHARE)
    near = np.zeros(len(track.t_s), dtype=bool)
    for span in spans:
        near |= track.between(span.start_s - _STANDING_S, span.end_s + _STANDING_S) & ~moving
    pose = np.full((17, 2), np.nan)
    for joint in range(17):
        seen = track.xy_px[near, joint]
        seen = seen[np.isfinite(seen).all(axis=1)]
        if len(seen) >= _MIN_POSES:
            pose[joint] = np.median(seen, axis=0)
    return pose


def _depth(track: _Track, span: Span) -> FloatArray:
    """(n,) 0 at the top of a repetition, 1 at its bottom; 0 well before and after it, NaN where nothing was seen."""
    around = track.between(span.start_s - _STANDING_S, span.end_s + _STANDING_S)
    height = track.height_px[around]
    low = track.height_px[track.between(*span.low_s)]
    depth = np.zeros(len(track.t_s))
    depth[around] = 1 - (height - np.nanmedian(low)) / (span.fall * track.leg_px)
    return depth


def _measure(
    one: _Set, span: Span, legs: StandingLegs, frontal: FloatArray, settings: ScreeningSettings
) -> Repetition:
    """``frontal``: all poses of the place in the frontal plane."""
    track, tested, standing = one.track, one.tested, one.standing
    low = track.between(*span.low_s)
    depth = np.where(track.between(span.start_s, span.end_s), _depth(track, span), 0.0)
    deep, deepest = depth >= _DEEP_SHARE, depth >= _DEEPEST_SHARE
    seen = {side: _knee(track, frontal, low, deep, side, legs.shank[side]) for side in Side}
    knees = {side: _believed(knee, one, low, deep, side, legs, settings) for side, knee in seen.items()}
    doubtful = any(knee.doubtful for knee in knees.values())
    drop_deg = k.pelvic_drop_deg(track.xy_px, tested or Side.RIGHT, float(k.hip_tilt_deg(standing)))
    # A trunk bent forward leans sideways in the picture of a camera that looks from aside.
    told = settings.camera.yaw_deg is not None
    lean_deg = k.trunk_lean_deg(frontal if told else track.xy_px, tested or Side.LEFT)
    upright_deg = float(k.trunk_lean_deg(legs.frontal_plane(standing) if told else standing, tested or Side.LEFT))
    rep = Repetition(
        start_s=span.start_s,
        bottom_s=span.bottom_s,
        end_s=span.end_s,
        tested=tested,
        depth_leg=_depth_leg(one, span, legs, frontal),
        knees=knees,
        knee_gap_ratio=math.nan if tested is not None or doubtful else _middle(_gap_ratio(frontal)[low]),
        pelvic_drop_deg=_middle(drop_deg[deepest]) if settings.pelvis_seen else math.nan,
        trunk_lean_deg=_middle(lean_deg[deepest] - upright_deg),
        hand_left_waist=_hand_left_waist(track, span, standing) if tested is not None else None,
    )
    judged = {
        side: (knee.fppa_peak_deg, knee.medial_peak_shank) for side, knee in knees.items() if tested in (None, side)
    }
    return replace(rep, faults=faults_of(judged, rep.pelvic_drop_deg, rep.trunk_lean_deg, rep.hand_left_waist))


def _depth_leg(one: _Set, span: Span, legs: StandingLegs, frontal: FloatArray) -> float:
    """How far the pelvis falls in space from standing to the bottom, straight legs of who is tested.

    It goes back as it falls, so that in the picture of a camera above it in front, it falls less, and behind, more.
    Where there is no place in space, the fall in the picture.
    """
    leg = float(np.mean([legs.thigh[side] + legs.shank[side] for side in ([one.tested] if one.tested else Side)]))
    standing = legs.frontal_plane(one.standing)
    low = one.track.between(*span.low_s)
    falls = np.array([_middle(frontal[low, hip, 1]) - standing[hip, 1] for hip in _HIPS])
    told = falls[np.isfinite(falls)]
    return float(told.mean()) / leg if told.size else span.fall


def _knee(
    track: _Track, frontal: FloatArray, low: NDArray[np.bool_], deep: NDArray[np.bool_], side: Side, shank: float
) -> KneeAtBottom:
    fppa_deg = k.fppa_image_deg(frontal, side)
    leg = LEGS[side]
    medial = np.sign(frontal[:, LEGS[side.other].hip, 0] - frontal[:, leg.hip, 0])
    inside = medial * (frontal[:, leg.knee, 0] - frontal[:, leg.ankle, 0]) / shank
    return KneeAtBottom(
        fppa_deg=_middle(fppa_deg[low]),
        fppa_image_deg=_middle(k.fppa_image_deg(track.xy_px[low], side)),
        fppa_peak_deg=_peak(track.t_s[deep], fppa_deg[deep]),
        medial_shank=_middle(inside[low]),
        medial_peak_shank=_peak(track.t_s[deep], np.where(fppa_deg > 0, inside, np.minimum(inside, 0.0))[deep]),
    )


def _believed(
    knee: KneeAtBottom,
    one: _Set,
    low: NDArray[np.bool_],
    deep: NDArray[np.bool_],
    side: Side,
    legs: StandingLegs,
    settings: ScreeningSettings,
) -> KneeAtBottom:
    """The knee with how far it may be off; without its numbers where that is too far."""
    if not math.isfinite(knee.fppa_deg) or one.tested is side.other:
        return knee
    off_deg = []
    for sd in (-1, 1):
        pitch_deg = legs.pitch_deg + sd * legs.pitch_sd_deg
        camera = CameraPose(yaw_deg=legs.yaw_deg, roll_deg=legs.roll_deg, pitch_deg=pitch_deg)
        frontal = _legs(one, settings, camera).frontal_plane(one.track.xy_px[low])
        off_deg.append(abs(_middle(k.fppa_image_deg(frontal, side)) - knee.fppa_deg))
    long = legs.too_long(one.track.xy_px[deep], side).mean() > _LONG_SHARE
    possible = -k.MOST_OUT_DEG < knee.fppa_deg <= k.MOST_IN_DEG
    if possible and not long and max(off_deg) <= max(_MOST_OFF_DEG, -_MOST_OFF_SHARE * knee.fppa_deg):
        return replace(knee, fppa_off_deg=max(off_deg))
    return KneeAtBottom(math.nan, knee.fppa_image_deg, math.nan, math.nan, math.nan, math.nan, doubtful=True)


def _gap_ratio(frontal: FloatArray) -> FloatArray:
    left, right = LEGS[Side.LEFT], LEGS[Side.RIGHT]
    knees = np.abs(frontal[:, left.knee, 0] - frontal[:, right.knee, 0])
    ankles = np.abs(frontal[:, left.ankle, 0] - frontal[:, right.ankle, 0])
    ratio: FloatArray = knees / ankles
    return ratio


def _middle(values: FloatArray) -> float:
    """Median of what was seen; NaN from fewer than `_MIN_POSES`, or less than half."""
    seen = values[np.isfinite(values)]
    return float(np.median(seen)) if len(seen) >= _MIN_POSES and 2 * len(seen) >= len(values) else math.nan


def _peak(t_s: FloatArray, values: FloatArray) -> float:
    """Highest of the values, single outliers and noise smoothed; NaN as `_middle`."""
    seen = np.isfinite(values)
    if seen.sum() < _MIN_POSES or 2 * seen.sum() < len(values):
        return math.nan
    return float(smoothed(t_s[seen], values[seen]).max())


def _hand_left_waist(track: _Track, span: Span, standing: FloatArray) -> bool | None:
    """Whether a wrist goes away from its hip; None where the hands are not at the waist in standing, or not seen."""
    at_px = np.linalg.norm(standing[_WRISTS] - standing[_HIPS], axis=-1)
    if not (at_px <= _AT_WAIST_LEG * track.leg_px).all():
        return None
    inside = track.xy_px[track.between(span.start_s, span.end_s)]
    away_px = np.linalg.norm(inside[:, _WRISTS] - inside[:, _HIPS], axis=-1) - at_px
    away_px = away_px[np.isfinite(away_px).all(axis=1)]
    if len(away_px) < _MIN_POSES:
        return None
    return bool((away_px > _LEFT_WAIST_LEG * track.leg_px).mean(axis=0).max() >= _AWAY_SHARE)
