"""What one picture shows of a person, whether they stay in one place, and where the runner may be at all.

Whose pose it is, is decided in `likeness.py`. Who may be taken up anew is a matter of place: the region of the picture
where the runner runs, set by hand or learned from where somebody ran.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.pose import FloatArray, Joint, Pose
from model.quality import MIN_SCORE

Point = tuple[float, float]
#: Left, top, right, bottom.
Box = tuple[float, float, float, float]

_TRUNK = (Joint.LEFT_SHOULDER, Joint.RIGHT_SHOULDER, Joint.RIGHT_HIP, Joint.LEFT_HIP)
#: Shoulders, hips, knees and ankles.
CORE = [Joint.LEFT_SHOULDER, Joint.RIGHT_SHOULDER, *range(Joint.LEFT_HIP, Joint.RIGHT_ANKLE + 1)]
_KNEES, _ANKLES = (Joint.LEFT_KNEE, Joint.RIGHT_KNEE), (Joint.LEFT_ANKLE, Joint.RIGHT_ANKLE)
_THIGHS = ((Joint.LEFT_HIP, Joint.LEFT_KNEE), (Joint.RIGHT_HIP, Joint.RIGHT_KNEE))
#: Where on the trunk the clothes are looked at: shares from left to right and from shoulder to hip.
_ACROSS, _DOWN = (a.ravel()[:, None] for a in np.meshgrid([0.2, 0.5, 0.8], [0.2, 0.4, 0.6, 0.8]))
#: The region reaches beyond where the hips have been by so many torsos, and holds bodies of such sizes.
_BEYOND_TORSOS = 1.0
_SIZES = (0.6, 1.7)
#: It is learned from whoever runs in one place for this long, and from then on as long as they stay in it.
_STAY_S, _STAY_TORSOS = 3.0, 1.5
#: The region narrows again to where the runner has been lately.
_FADE_S = 60.0
#: Nobody on a treadmill goes to the side this fast for this long; whoever passes through does.
_PASSING_TORSOS_PER_S, _PASSING_S = 1.5, 0.25
#: Standard deviation of the height of one ankle over the other, in torsos, of somebody whose legs are at work.
ACTIVE_TORSOS, _ACTIVE_WINDOW_S = 0.12, 2.0


@dataclass(frozen=True, slots=True)
class Sighting:
    """What tells one person from another in one picture.

    Attributes:
        t_s: time of the picture.
        hip_px, trunk_px: middle of the hips, and of shoulders and hips, in the picture.
        torso_px: mid-shoulder to mid-hip.
        colour: (3,) RGB of the clothes on the trunk, relative to the picture's brightness (128 = as bright); None where
            it was not looked at.
        knees_px, ankles_px: left and right, those that are surely seen.
        thighs_px: lengths, left and right, of those whose ends are surely seen.
        ankles: left ankle's height over the right one's, in torsos.
        image_size_px: (width, height).
    """

    t_s: float
    hip_px: Point
    trunk_px: Point
    torso_px: float
    colour: FloatArray | None
    knees_px: tuple[Point, ...]
    ankles_px: tuple[Point, ...]
    thighs_px: tuple[float, ...]
    ankles: float
    image_size_px: tuple[int, int]


def sighting(pose: Pose) -> Sighting:
    """What is to be remembered of a person, but for the colour."""
    # Plain numbers: for so few of them numpy takes ten times as long.
    xy: list[Point] = [(x, y) for x, y in pose.xy_px.tolist()]
    score = pose.score.tolist()
    shoulders, hips = _mid(xy[_TRUNK[0]], xy[_TRUNK[1]]), _mid(xy[_TRUNK[2]], xy[_TRUNK[3]])
    torso_px = max(1.0, math.dist(shoulders, hips))
    knees, ankles = (tuple(xy[joint] for joint in pair if score[joint] > MIN_SCORE) for pair in (_KNEES, _ANKLES))
    thighs = tuple(math.dist(xy[hip], xy[knee]) for hip, knee in _THIGHS if min(score[hip], score[knee]) > MIN_SCORE)
    lift = (xy[Joint.RIGHT_ANKLE][1] - xy[Joint.LEFT_ANKLE][1]) / torso_px
    size = pose.image_size_px
    return Sighting(pose.t_s, hips, _mid(shoulders, hips), torso_px, None, knees, ankles, thighs, lift, size)


def is_person(pose: Pose) -> bool:
    """Whether enough of a person is seen to follow: a shoulder, a hip, and half of the torso's and legs' joints."""
    ok = [score > MIN_SCORE for score in pose.score.tolist()]
    shoulders = ok[Joint.LEFT_SHOULDER] or ok[Joint.RIGHT_SHOULDER]
    hips = ok[Joint.LEFT_HIP] or ok[Joint.RIGHT_HIP]
    return bool(shoulders and hips and sum(ok[joint] for joint in CORE) >= 5)


def _mid(a: Point, b: Point) -> Point:
    return (a[0] + b[0]) / 2, (a[1] + b[1]) / 2


def trunk_colour(crop: NDArray[np.uint8], joints: NDArray[np.float32], light: float) -> FloatArray:
    """(3,) RGB of the clothes, relative to the picture's brightness, so that a camera may adjust itself.

    Args:
        crop: (n, n, 3) uint8 RGB, where the person was seen.
        joints: (17, ≥ 2) y, x as shares of the crop.
        light: mean grey level of the whole picture; a crop's own changes with where it is cut.
    """
    corners = joints[list(_TRUNK), 1::-1] * len(crop)
    points = (1 - _DOWN) * ((1 - _ACROSS) * corners[0] + _ACROSS * corners[1]) + _DOWN * (
        (1 - _ACROSS) * corners[3] + _ACROSS * corners[2]
    )
    x, y = np.clip(points.astype(np.intp), 0, len(crop) - 1).T
    middle = np.sort(crop[y, x], axis=0)[len(_DOWN) // 2].astype(np.float64)
    colour: FloatArray = middle * (128.0 / max(light, 8.0))
    return colour


def _around(box: Box, point: Point) -> Box:
    """The box, grown where the point lies outside of it."""
    (left, top, right, bottom), (x, y) = box, point
    return min(left, x), min(top, y), max(right, x), max(bottom, y)


class Stay:
    """Whether somebody stays in one place or passes by, and whether their legs are at work there."""

    def __init__(self) -> None:
        self._since_s = math.inf
        self._box: Box = (0.0, 0.0, 0.0, 0.0)
        self._ankles: deque[tuple[float, float]] = deque()
        self._hips: deque[tuple[float, float]] = deque()

    def add(self, who: Sighting) -> None:
        box = _around(self._box, who.hip_px)
        if max(box[2] - box[0], box[3] - box[1]) > _STAY_TORSOS * who.torso_px or not math.isfinite(self._since_s):
            self._since_s, box = who.t_s, (*who.hip_px, *who.hip_px)
            self._ankles.clear()
        self._box = box
        self._ankles.append((who.t_s, who.ankles))
        while self._ankles[0][0] < who.t_s - _ACTIVE_WINDOW_S:
            self._ankles.popleft()
        self._hips.append((who.t_s, who.hip_px[0]))
        while self._hips[0][0] < who.t_s - 2 * _PASSING_S:
            self._hips.popleft()

    def passes(self, who: Sighting) -> bool:
        """Whether somebody walks through the picture rather than running in one place."""
        before = next(((t, x) for t, x in reversed(self._hips) if who.t_s - t >= _PASSING_S), None)
        if before is None:
            return False
        speed = abs(who.hip_px[0] - before[1]) / (who.t_s - before[0])
        return speed > _PASSING_TORSOS_PER_S * who.torso_px

    def runs(self, t_s: float, stay_s: float = _STAY_S) -> bool:
        """Whether somebody has been in one place for so many seconds and moves their legs."""
        if t_s - self._since_s < stay_s or len(self._ankles) < 4:
            return False
        return float(np.std([ankles for _, ankles in self._ankles])) > ACTIVE_TORSOS


class Region:
    """Where in the picture the runner runs.

    Args:
        shares: left, top, right, bottom as shares of the picture, set by hand: the middle of the runner's hips lies in
            it. None: learned from where somebody ran.
    """

    def __init__(self, shares: Sequence[float] | None = None) -> None:
        self._set = None if shares is None else tuple(shares)
        self._box: Box | None = None  # where the hips were, px
        self.torso_px = 0.0  # of who ran there; 0 while nobody has

    def holds(self, who: Sighting) -> bool:
        """Whether somebody is where the runner may be; True while that is not known."""
        if self._set is None and self._box is not None and not self._size_fits(who):
            return False
        box = self.box_px(who.image_size_px)
        return box is None or _around(box, who.hip_px) == box

    def _size_fits(self, who: Sighting) -> bool:
        return _SIZES[0] <= who.torso_px / self.torso_px <= _SIZES[1]

    def box_px(self, image_size_px: tuple[int, int]) -> Box | None:
        """Where the middle of the hips may be; None while that is not known."""
        if self._set is not None:
            left, top, right, bottom = self._set
            width, height = image_size_px
            return left * width, top * height, right * width, bottom * height
        if self._box is None:
            return None
        left, top, right, bottom = self._box
        beyond = _BEYOND_TORSOS * self.torso_px
        return left - beyond, top - beyond, right + beyond, bottom + beyond

    def learn(self, who: Sighting, dt_s: float) -> None:
        """Takes in where somebody is who runs in one place.

        Args:
            who: the runner.
            dt_s: time since this was last called, seconds.
        """
        here: Box = (*who.hip_px, *who.hip_px)
        if self._box is None:
            self._box, self.torso_px = here, who.torso_px
        fading = min(1.0, dt_s / _FADE_S)
        left, top, right, bottom = (was + fading * (now - was) for was, now in zip(self._box, here, strict=True))
        self._box = _around((left, top, right, bottom), who.hip_px)
        self.torso_px += fading * (who.torso_px - self.torso_px)

    def forget(self) -> None:
        """What was learned holds no more: the camera was moved."""
        self._box = None


def weight_of_newest(dt_s: float, tau_s: float, frames: int) -> float:
    """Weight of the newest sample: of a plain mean at first, of a fading one later."""
    return max(1 - math.exp(-dt_s / tau_s), 1 / (frames + 1))
