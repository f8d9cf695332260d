"""Whose pose it is: the runner's on the treadmill, or somebody's who walks by.

MoveNet shows one person, the one nearest the middle of the crop, and changes without notice to whoever steps in front.
A body does not jump, nor does it change its size at once: whoever does so is somebody else, until position, size and
clothes are the runner's again. Who may be taken up anew is a matter of place: the region of the picture where the
runner runs, set by hand or learned from where somebody ran.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.pose import FloatArray, Joint, Pose

Point = tuple[float, float]
#: Left, top, right, bottom.
Box = tuple[float, float, float, float]

_TRUNK = (Joint.LEFT_SHOULDER, Joint.RIGHT_SHOULDER, Joint.RIGHT_HIP, Joint.LEFT_HIP)
_KNEES, _ANKLES = (Joint.LEFT_KNEE, Joint.RIGHT_KNEE), (Joint.LEFT_ANKLE, Joint.RIGHT_ANKLE)
_SURE = 0.3
#: Where on the trunk the clothes are looked at: shares from left to right and from shoulder to hip.
_ACROSS, _DOWN = (a.ravel()[:, None] for a in np.meshgrid([0.2, 0.5, 0.8], [0.2, 0.4, 0.6, 0.8]))
#: A runner's trunk moves 0.05 to 0.1 torsos from frame to frame at 30 fps; whoever takes the pose over half a torso or
#: more. A hop makes one look at the clothes, a jump is refused. In a squat the trunk shortens by a third in a second.
_HOP_TORSOS = 0.15
_JUMP_TORSOS, _JUMP_TORSOS_PER_S, _MAX_JUMP_TORSOS = 0.2, 4.0, 0.6
_SIZE_LOG = 0.3
#: Clothes differ by this many grey levels, and by this many times what arms, folds and the background make of them.
_COLOUR, _COLOUR_SPREADS, _COLOUR_EVERY = 30.0, 3.0, 5
#: Knees and ankles move at most so far to where they or the other side's are in the next picture; one of them may err.
_LEG_TORSOS, _LEG_TORSOS_PER_S = 0.3, 12.0
#: Who is taken for the same person after they were lost to view.
_AGAIN_TORSOS, _AGAIN_SIZE_LOG, _AGAIN_LARGER_LOG = 1.2, 0.22, 0.16
_SIZE_TAU_S, _COLOUR_TAU_S, _PLACE_TAU_S = 0.3, 5.0, 1.0
#: Who slowly comes before a runner draws the pose along: larger, because nearer, or aside. Logarithm of the size and
#: torsos aside (in front and behind, and from the side, where a runner goes back and forth) from what was usual over
#: some seconds, without the noise of single pictures.
_LARGER_LOG, _ASIDE_TORSOS, _ALONG_TORSOS = 0.1, 0.4, 0.8
_NOW_TAU_S, _USUAL_TAU_S = 0.15, 5.0
#: In so many pictures in a row a runner's clothes must look like others before it is believed.
_OTHERS_CLOTHES = 3
#: Who stepped before the runner may wear the same, but stands beside the runner's place or passes through it. The
#: runner is taken up again in that place only: at once as long as a passer cannot have got there, later if they stay
#: while nobody is seen beside them so near that they are covered.
_BACK_TORSOS, _AT_ONCE_S = (0.25, 0.35), 0.12
_SETTLED_S, _SETTLED_TORSOS, _GAP_S = 0.25, 0.15, 0.15
_CLEAR_TORSOS = 0.6
#: Before so many frames somebody is not known well enough to tell them from others.
_KNOWN_FRAMES = 8
#: So long a runner's looks are remembered while they are covered or gone.
REMEMBER_S = 4.0
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
_ACTIVE_TORSOS, _ACTIVE_WINDOW_S = 0.12, 2.0


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
    ankles: float
    image_size_px: tuple[int, int]


def sighting(pose: Pose) -> Sighting:
    """What is to be remembered of a person, but for the colour."""
    # Plain numbers: for so few of them numpy takes ten times as long.
    xy: list[Point] = [(x, y) for x, y in pose.xy_px.tolist()]
    score = pose.score.tolist()
    shoulders, hips = _mid(xy[_TRUNK[0]], xy[_TRUNK[1]]), _mid(xy[_TRUNK[2]], xy[_TRUNK[3]])
    torso_px = max(1.0, math.dist(shoulders, hips))
    knees, ankles = (tuple(xy[joint] for joint in pair if score[joint] > _SURE) for pair in (_KNEES, _ANKLES))
    lift = (xy[Joint.RIGHT_ANKLE][1] - xy[Joint.LEFT_ANKLE][1]) / torso_px
    size = pose.image_size_px
    return Sighting(pose.t_s, hips, _mid(shoulders, hips), torso_px, None, knees, ankles, lift, size)


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


class Usual:
    """Where a runner is and how large, over some seconds."""

    def __init__(self) -> None:
        self._t_s = 0.0
        self._frames = 0
        self._now = (0.0, 0.0)  # hips from left to right, and logarithm of the torso
        self._usual: tuple[float, ...] = ()  # of hips and trunk from left to right and down, and the same logarithm

    def left_by(self, who: Sighting, sideways_torsos: float) -> bool:
        """Whether the person seen now is larger, or further aside, than the runner was lately."""
        x_px, size_log = self._moved(who)
        aside = abs(x_px - self._usual[0]) / math.exp(self._usual[-1])
        return size_log - self._usual[-1] > _LARGER_LOG or aside > sideways_torsos

    def larger(self, who: Sighting) -> bool:
        """Whether one picture of a whole body, in which all look larger than from close by, shows somebody nearer."""
        return math.log(who.torso_px) - self._usual[-1] > _AGAIN_LARGER_LOG

    def place(self) -> tuple[dict[str, Point], float]:
        """Hips and trunk, and the torso's length, px."""
        hip_x, hip_y, trunk_x, trunk_y, size_log = self._usual
        return {"hips": (hip_x, hip_y), "trunk": (trunk_x, trunk_y)}, math.exp(size_log)

    def _moved(self, who: Sighting) -> tuple[float, float]:
        share = _share(who.t_s - self._t_s, _NOW_TAU_S, self._frames)
        x_px, size_log = self._now
        return x_px + share * (who.hip_px[0] - x_px), size_log + share * (math.log(who.torso_px) - size_log)

    def add(self, who: Sighting) -> None:
        self._now = self._moved(who)
        new = (*who.hip_px, *who.trunk_px, math.log(who.torso_px))
        share = _share(who.t_s - self._t_s, _USUAL_TAU_S, self._frames)
        self._usual = tuple(was + share * (now - was) for was, now in zip(self._usual or new, new, strict=True))
        self._t_s = who.t_s
        self._frames += 1


class Likeness:
    """How the person who is followed looks and where they are, against whom a new sighting is held."""

    def __init__(self) -> None:
        self._last: Sighting | None = None
        self._torso_px = 0.0
        self._places: dict[str, Point] = {}  # of trunk and hips, without their bounce
        self._colour: FloatArray | None = None
        self._colour_spread, self._colour_s = 0.0, 0.0
        self._frames = 0
        self._lost_to_another = False
        self._other_side = 0.0  # -1 where the other was seen left of the runner's place last, 1 right, 0 nowhere yet
        self._usual = Usual()
        self._may_move_torsos = math.inf
        self._others_clothes = 0  # pictures in a row in which the clothes were others
        self._back: deque[tuple[float, float]] = deque()  # time and place of who is where the runner was

    def needs_colour(self, who: Sighting) -> bool:
        """Whether this sighting should tell the clothes' colour: when in doubt, and now and then to learn it."""
        often = self._frames < _KNOWN_FRAMES or self._others_clothes > 0
        return often or self._frames % _COLOUR_EVERY == 0 or self._doubts(who)

    def _doubts(self, who: Sighting) -> bool:
        return self._lost_to_another or (self._last is not None and self._away(who) > _HOP_TORSOS)

    def runs_in_place(self, frontal: bool) -> None:
        """From now on they are not expected to come nearer or to go aside."""
        self._may_move_torsos = _ASIDE_TORSOS if frontal else _ALONG_TORSOS

    def fits(self, who: Sighting) -> bool:
        """Whether this is the same person, a moment later."""
        if self._last is None:
            return True
        dt_s = who.t_s - self._last.t_s
        if self._frames < _KNOWN_FRAMES:
            return self._away(who) <= _MAX_JUMP_TORSOS
        moves = self._away(who) <= min(_JUMP_TORSOS + _JUMP_TORSOS_PER_S * dt_s, _MAX_JUMP_TORSOS)
        strides = (_LEG_TORSOS + _LEG_TORSOS_PER_S * dt_s) * self._torso_px
        same = (
            (self._is_back(who) if self._lost_to_another else moves)
            and abs(self._size_log(who)) <= _SIZE_LOG
            and _way_px(who, self._last) <= strides
            and not (self._doubts(who) and not self._looks_like(who))
        )
        if same and self._drawn_along(who):
            same = False
            self._places, self._torso_px = self._usual.place()
        self._lost_to_another = not same
        return same

    def _drawn_along(self, who: Sighting) -> bool:
        """Whether somebody who slowly came before a runner in place has drawn the pose along."""
        if not math.isfinite(self._may_move_torsos):
            return False
        if who.colour is not None:
            self._others_clothes = 0 if self._looks_like(who) else self._others_clothes + 1
        return self._others_clothes >= _OTHERS_CLOTHES or self._usual.left_by(who, self._may_move_torsos)

    def lose_to_another(self) -> None:
        """What is seen now is somebody else, however much alike."""
        self._lost_to_another = True

    def may_be(self, who: Sighting) -> bool:
        """Whether this may be the same person after they were lost to view; True for anybody after a while."""
        if not self.remembers(who.t_s):
            return True
        if self._lost_to_another and self._usual.larger(who):
            return False
        near = self._is_back(who) if self._lost_to_another else self._away(who) <= _AGAIN_TORSOS
        return near and abs(self._size_log(who)) <= _AGAIN_SIZE_LOG and self._looks_like(who)

    def remembers(self, t_s: float) -> bool:
        """Whether the person was seen so lately that nobody else is taken for them."""
        return self._last is not None and t_s - self._last.t_s <= REMEMBER_S

    def note_other(self, who: Sighting) -> None:
        """Takes in where somebody was seen who is not (yet) taken for the same person."""
        if self._last is not None:
            aside_px = who.hip_px[0] - self._places["hips"][0]
            # Nearer it may be the person, of whom it is not sure yet that they stay.
            if abs(aside_px) > _BACK_TORSOS[0] * self._torso_px:
                self._other_side = math.copysign(1.0, aside_px)

    def awaited_at(self, t_s: float) -> tuple[Point, float, float] | None:
        """Middle and length of the trunk of a runner before whom somebody stepped, and on which side that one is.

        -1 is left in the picture, 1 right, 0 neither. None where nobody stepped before them.
        """
        awaited = self._lost_to_another and self.remembers(t_s)
        return (self._places["trunk"], self._torso_px, self._other_side) if awaited else None

    def _is_back(self, who: Sighting) -> bool:
        """Whether this is where the runner was before another came, and nobody on their way through it."""
        assert self._last is not None
        here = all(self._is_at(place, point) for place, point in _middles(who))
        away = min(math.dist(point, self._places[place]) for place, point in _middles(who)) / self._torso_px
        # Somebody half before the runner's place covers it; who is farther off is another body than the one in it.
        if (not here and away < _CLEAR_TORSOS) or (self._back and who.t_s - self._back[-1][0] > _GAP_S):
            self._back.clear()
        if not here:
            return False
        if who.t_s - self._last.t_s <= _AT_ONCE_S:
            return True
        self._back.append((who.t_s, who.trunk_px[0]))
        while len(self._back) > 1 and self._back[1][0] <= who.t_s - _SETTLED_S:
            self._back.popleft()
        places = [x for _, x in self._back]
        stayed_s = who.t_s - self._back[0][0]
        return stayed_s >= _SETTLED_S and max(places) - min(places) <= _SETTLED_TORSOS * self._torso_px

    def _is_at(self, place: str, point: Point) -> bool:
        aside, up = (abs(now - was) / self._torso_px for now, was in zip(point, self._places[place], strict=True))
        return aside <= _BACK_TORSOS[0] and up <= _BACK_TORSOS[1]

    def _away(self, who: Sighting) -> float:
        """Distance from where the person was last, in torsos."""
        assert self._last is not None
        return math.dist(who.trunk_px, self._last.trunk_px) / self._torso_px

    def _size_log(self, who: Sighting) -> float:
        return math.log(who.torso_px / self._torso_px)

    def _looks_like(self, who: Sighting) -> bool:
        """Whether these may be the same clothes; True while too little is known."""
        off = self._colour_off(who)
        return off is None or self._frames < _KNOWN_FRAMES or off <= max(_COLOUR, _COLOUR_SPREADS * self._colour_spread)

    def _colour_off(self, who: Sighting) -> float | None:
        if who.colour is None or self._colour is None:
            return None
        return float(np.abs(who.colour - self._colour).mean())

    def add(self, who: Sighting) -> None:
        """The person as seen now."""
        self._usual.add(who)
        dt_s = 0.0 if self._last is None else who.t_s - self._last.t_s
        share = _share(dt_s, _SIZE_TAU_S, self._frames)
        self._torso_px += share * (who.torso_px - self._torso_px)
        share = _share(dt_s, _PLACE_TAU_S, self._frames)
        for place, point in _middles(who):
            x, y = self._places.get(place, point)
            self._places[place] = x + share * (point[0] - x), y + share * (point[1] - y)
        if self._lost_to_another:
            self._others_clothes = 0
        if who.colour is not None and not self._others_clothes:
            self._add_colour(who, who.colour)
        self._last = who
        self._frames += 1
        self._lost_to_another = False
        self._other_side = 0.0
        self._back.clear()

    def _add_colour(self, who: Sighting, colour: FloatArray) -> None:
        off = self._colour_off(who)
        if off is None or self._colour is None:
            self._colour = colour
        else:
            share = _share(who.t_s - self._colour_s, _COLOUR_TAU_S, self._frames)
            self._colour_spread += share * (off - self._colour_spread)
            self._colour = self._colour + share * (colour - self._colour)
        self._colour_s = who.t_s


def _middles(who: Sighting) -> tuple[tuple[str, Point], ...]:
    return ("trunk", who.trunk_px), ("hips", who.hip_px)


def _way_px(who: Sighting, before: Sighting) -> float:
    """Second largest way of knees and ankles, each from the nearer one (left, right) before; 0 where unknown.

    The nearer one, because the pose model may exchange the sides, and not the largest, because it may lose a hidden
    joint; both are mended elsewhere.
    """
    pairs = ((who.knees_px, before.knees_px), (who.ankles_px, before.ankles_px))
    ways = [min(math.dist(joint, other) for other in others) for joints, others in pairs if others for joint in joints]
    return sorted(ways)[-2] if len(ways) > 1 else 0.0


def _share(dt_s: float, tau_s: float, frames: int) -> float:
    """Weight of the newest sample: of a plain mean at first, of a fading one later."""
    return max(1 - math.exp(-dt_s / tau_s), 1 / (frames + 1))


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

    def runs(self, t_s: float) -> bool:
        """Whether somebody has been in one place for some seconds and moves their legs."""
        if t_s - self._since_s < _STAY_S or len(self._ankles) < 4:
            return False
        return float(np.std([ankles for _, ankles in self._ankles])) > _ACTIVE_TORSOS


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
