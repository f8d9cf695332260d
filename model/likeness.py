"""Whose pose it is: the runner's on the treadmill, or somebody's who walks by or stops.

MoveNet shows one person, the one nearest the middle of the crop, and changes without notice to whoever steps in front.
A body does not jump, nor does it change its size at once: whoever does so is somebody else, until position, size,
clothes and legs are the runner's again.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from model.own_legs import OwnLegs
from model.passer import COVERS_TORSOS, Passer
from model.person import ACTIVE_TORSOS, Point, Sighting, weight_of_newest
from model.pose import FloatArray

#: A runner's trunk moves 0.05 to 0.1 torsos from frame to frame at 30 fps; whoever takes the pose over half a torso or
#: more. A hop makes one look at the clothes, a jump is refused. In a squat the trunk shortens by a third in a second.
_HOP_TORSOS = 0.15
_JUMP_TORSOS, _JUMP_TORSOS_PER_S, _MAX_JUMP_TORSOS = 0.2, 4.0, 0.6
_SIZE_LOG = 0.3
#: Clothes differ by this many grey levels, and by this many times what arms, folds and the background make of them.
#: The same clothes are darker or brighter by this where more of the picture is theirs, or the light changes.
_COLOUR, _COLOUR_SPREADS, _COLOUR_EVERY, _BRIGHTER = 30.0, 3.0, 5, 1.15
#: Knees and ankles move at most so far to where they or the other side's are in the next picture; one of them may err.
_LEG_TORSOS, _LEG_TORSOS_PER_S = 0.3, 12.0
#: Who is taken for the same person after they were lost to view.
_AGAIN_TORSOS, _AGAIN_SIZE_LOG, _AGAIN_LARGER_LOG = 1.2, 0.22, 0.16
_SIZE_TAU_S, _COLOUR_TAU_S, _PLACE_TAU_S = 0.3, 5.0, 1.0
#: Who slowly comes before a runner draws the pose along: larger, because nearer, or aside. Logarithm of the size and
#: torsos aside (in front and behind, and from the side, where a runner goes back and forth) from what was usual over
#: some seconds (the size over fewer, because a runner comes forward in some), without the noise of single pictures.
_LARGER_LOG, _ASIDE_TORSOS, _ALONG_TORSOS = 0.1, 0.4, 0.8
_NOW_TAU_S, _USUAL_SIZE_TAU_S, _USUAL_TAU_S = 0.15, 1.5, 5.0
#: In so many pictures in a row a runner's clothes must look like others before it is believed, and in twice as many
#: where they differ by less: as those of a runner in place do in single pictures, and of who bends for longer.
_OTHERS_CLOTHES, _OTHER_COLOUR, _BENT_LOG = 3, 12.0, 0.05
#: Who stepped before the runner may wear the same, but stands beside the runner's place or passes through it. The
#: runner is taken up again in that place only: at once as long as a passer cannot have got there, later if they stay
#: while nobody is seen beside them so near that they are covered. How long: as they were; elsewhere on the belt; in
#: clothes a little unlike, as another light makes them.
_BACK_TORSOS, _AT_ONCE_S = (0.25, 0.35), 0.12
_SETTLED_S, _MOVED_SETTLED_S, _UNLIKE_SETTLED_S = 0.25, 0.33, 1.0
_SETTLED_TORSOS, _GAP_S = 0.15, 0.15
#: Who is far nearer to the camera passes the runner while they are at most so far aside.
_PASSING_TORSOS = 1.5
#: So long after somebody was seen beside a runner the pose may still go over to them.
_PASSER_S = 1.0
#: A runner's legs go on, as those of somebody who stopped before them do not: in that time one ankle goes up and down
#: beside the other by so many times what it is above or below it in the mean. Larger they may be by so much: they may
#: have come forward on the belt.
_STRIDES_S, _STRIDES, _FORWARD_LOG = 0.5, 0.8, 0.3
#: Or have gone to the other side of it, so far, where size and clothes are theirs.
_OVER_TORSOS = 0.8
#: Before so many frames somebody is not known well enough to tell them from others.
_KNOWN_FRAMES = 8
#: So long a runner's looks are remembered while they are covered or gone.
REMEMBER_S = 4.0


class Usual:
    """Where a runner is and how large, over some seconds."""

    def __init__(self) -> None:
        self._t_s = 0.0
        self._frames = 0
        self._now = (0.0, 0.0)  # hips from left to right, and logarithm of the torso
        self._size_log = 0.0  # logarithm of the torso, over a shorter time
        self._lift = 0.0  # of one ankle over the other, whichever it is, torsos
        self._usual: tuple[float, ...] = ()  # of hips and trunk from left to right and down, and the same logarithm

    def left_by(self, who: Sighting, sideways_torsos: float) -> bool:
        """Whether the person seen now is larger, or further aside, than the runner was lately."""
        x_px, size_log = self._moved(who)
        aside = abs(x_px - self._usual[0]) / math.exp(self._usual[-1])
        return size_log - self._size_log > _LARGER_LOG or aside > sideways_torsos

    def larger(self, who: Sighting) -> bool:
        """Whether one picture of a whole body, in which all look larger than from close by, shows somebody nearer."""
        return self._larger_log(who) > _AGAIN_LARGER_LOG

    def bends(self, who: Sighting) -> bool:
        """Whether the trunk is shorter, and shows other folds than that of a runner."""
        return self._larger_log(who) < -_BENT_LOG

    def _larger_log(self, who: Sighting) -> float:
        return math.log(who.torso_px) - self._usual[-1]

    @property
    def runs(self) -> bool:
        """Whether their legs are at work."""
        return self._lift > ACTIVE_TORSOS

    def goes_on(self, ankles: Sequence[float]) -> bool:
        """Whether ankles that were so high above the other one are those of somebody who runs as they do."""
        return max(ankles) - min(ankles) > _STRIDES * self._lift

    def place(self) -> tuple[dict[str, Point], float]:
        """Hips and trunk, and the torso's length, px."""
        hip_x, hip_y, trunk_x, trunk_y, size_log = self._usual
        return {"hips": (hip_x, hip_y), "trunk": (trunk_x, trunk_y)}, math.exp(size_log)

    def _moved(self, who: Sighting) -> tuple[float, float]:
        share = weight_of_newest(who.t_s - self._t_s, _NOW_TAU_S, self._frames)
        x_px, size_log = self._now
        return x_px + share * (who.hip_px[0] - x_px), size_log + share * (math.log(who.torso_px) - size_log)

    def add(self, who: Sighting) -> None:
        self._now = self._moved(who)
        new = (*who.hip_px, *who.trunk_px, math.log(who.torso_px))
        share = weight_of_newest(who.t_s - self._t_s, _USUAL_SIZE_TAU_S, self._frames)
        self._size_log += share * (new[-1] - self._size_log)
        share = weight_of_newest(who.t_s - self._t_s, _USUAL_TAU_S, self._frames)
        self._usual = tuple(was + share * (now - was) for was, now in zip(self._usual or new, new, strict=True))
        self._lift += share * (abs(who.ankles) - self._lift)
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
        self._glided = False  # whether the pose went away from its place without a jump
        self._other_side = 0.0  # -1 where the other was seen left of the runner's place last, 1 right, 0 nowhere yet
        self._usual = Usual()
        self._may_move_torsos = math.inf
        self._trunk_is_wide = False
        self._others_clothes = 0  # twice the pictures in a row in which the clothes were others, once if a little
        # Time, place and ankles of who is where they were, and whether one looked past somebody before them.
        self._back: deque[tuple[float, float, float, bool]] = deque()
        self._jumped = False  # whether the pose was lost by a jump, not drawn along
        self._passer, self._passer_s = Passer(), -math.inf  # who was seen beside the runner, and when last
        self._legs = OwnLegs()

    def needs_colour(self, who: Sighting) -> bool:
        """Whether this sighting should tell the clothes' colour: when in doubt, and now and then to learn it."""
        often = self._frames < _KNOWN_FRAMES or self._others_clothes > 0
        return often or self._frames % _COLOUR_EVERY == 0 or self._doubts(who)

    def _doubts(self, who: Sighting) -> bool:
        return self._lost_to_another or (self._last is not None and self._away(who) > _HOP_TORSOS)

    @property
    def _in_place(self) -> bool:
        return math.isfinite(self._may_move_torsos)

    def runs_in_place(self, frontal: bool) -> None:
        """From now on they are not expected to come nearer or to go aside."""
        self._may_move_torsos = _ASIDE_TORSOS if frontal else _ALONG_TORSOS
        self._trunk_is_wide = frontal

    def fits(self, who: Sighting) -> bool:
        """Whether this is the same person, a moment later."""
        if self._last is None:
            return True
        dt_s = who.t_s - self._last.t_s
        if self._frames < _KNOWN_FRAMES:
            return self._away(who) <= _MAX_JUMP_TORSOS
        strides = (_LEG_TORSOS + _LEG_TORSOS_PER_S * dt_s) * self._torso_px
        same = (
            (self._is_back(who) if self._lost_to_another else self._moves_to(who) and self._stays(who))
            and self._is_as_large(who)
            and _way_px(who, self._last) <= strides
            and not (self._doubts(who) and not self._looks_like(who, _OTHER_COLOUR if self._in_place else _COLOUR))
        )
        if same and self._drawn_along(who):
            same, self._glided = False, True
            self._places, self._torso_px = self._usual.place()
        if not same:
            self.lose_to_another(who)
        else:
            self._lost_to_another = False
        return same

    def _drawn_along(self, who: Sighting) -> bool:
        """Whether somebody who slowly came before a runner in place has drawn the pose along."""
        if not self._in_place:
            return False
        # From the side the trunk is narrow, and an arm swings before it: its colour tells too little there.
        if who.colour is not None and self._trunk_is_wide:
            if self._looks_like(who, _OTHER_COLOUR):
                self._others_clothes = 0
            else:
                self._others_clothes += (not self._looks_like(who)) + (not self._usual.bends(who))
        return self._others_clothes >= 2 * _OTHERS_CLOTHES or self._usual.left_by(who, self._may_move_torsos)

    def has_own_legs(self, who: Sighting, frontal: bool | None) -> bool:
        """Whether no knee and no ankle of the person is somebody else's.

        Args:
            who: the person as seen now.
            frontal: whether they are seen from the front or from behind, or else from the side; None: it is not sure.
        """
        return self._legs.step(who, frontal) or not self._usual.runs  # in a squat knees go wide

    def lose_to_another(self, who: Sighting) -> None:
        """What is seen now is somebody else, however much alike."""
        if not self._lost_to_another:
            self._lost_to_another, self._jumped = True, not self._moves_to(who)
            if self._jumped:
                self._see_passer(who)

    def _stays(self, who: Sighting) -> bool:
        """Whether the pose has not gone over to somebody who was seen beside the runner of late."""
        if not self._passer.came:
            return True
        return self._is_within(who, _BACK_TORSOS[0]) and not self._passer.draws(self._aside(who))

    def _moves_to(self, who: Sighting) -> bool:
        """Whether a body moves there so fast."""
        assert self._last is not None
        dt_s = who.t_s - self._last.t_s
        return self._away(who) <= min(_JUMP_TORSOS + _JUMP_TORSOS_PER_S * dt_s, _MAX_JUMP_TORSOS)

    def may_be(self, who: Sighting, past: bool = False) -> bool:
        """Whether this may be the same person after they were lost to view; True for anybody after a while.

        Args:
            who: the person seen now.
            past: whether the crop cut off whoever is before the runner.
        """
        if not self.remembers(who.t_s):
            return True
        if self._lost_to_another:
            may_have_come = (self._glided and self._usual.runs) or not self._usual.larger(who)
            like = -_AGAIN_SIZE_LOG <= self._size_log(who) <= _FORWARD_LOG and self._looks_like(who)
            return self._is_back(who, past) and may_have_come and like
        near = self._away(who) <= _AGAIN_TORSOS and abs(self._size_log(who)) <= _AGAIN_SIZE_LOG
        return near and self._looks_like(who)

    def remembers(self, t_s: float) -> bool:
        """Whether the person was seen so lately that nobody else is taken for them."""
        return self._last is not None and t_s - self._last.t_s <= REMEMBER_S

    def note_other(self, who: Sighting) -> None:
        """Takes in where somebody was seen who is not (yet) taken for the same person."""
        if self._last is not None:
            aside_px = who.hip_px[0] - self._places["hips"][0]
            # Nearer, or alike, it may be the person, of whom it is not sure yet that they stay.
            if abs(aside_px) > _BACK_TORSOS[0] * self._torso_px and not self._is_over(who):
                self._other_side = math.copysign(1.0, aside_px)

    def note_nearer(self, who: Sighting) -> None:
        """Takes in where somebody is who is far larger than the runner, and may be on their way past them."""
        if self._lost_to_another and who.torso_px > self._torso_px and abs(self._aside(who)) < _PASSING_TORSOS:
            self._see_passer(who)

    def awaited_at(self, t_s: float) -> tuple[Point, float, float] | None:
        """Middle and length of the trunk of a runner before whom somebody stepped, and on which side that one is.

        -1 is left in the picture, 1 right, 0 neither. None where nobody stepped before them.
        """
        awaited = self._lost_to_another and self.remembers(t_s)
        return (self._places["trunk"], self._torso_px, self._other_side) if awaited else None

    def _is_back(self, who: Sighting, past: bool = False) -> bool:
        """Whether this is where the runner was before another came, and nobody on their way through it."""
        assert self._last is not None
        here, over = self._is_within(who, _BACK_TORSOS[0]), self._is_over(who)
        away = min(math.dist(point, self._places[place]) for place, point in _middles(who)) / self._torso_px
        # Somebody half before the runner's place covers it; who is farther off is another body than the one in it.
        # (Who has passed the place goes away from it: looks past them show who is there.)
        covers = not here and not over and away < COVERS_TORSOS and not (self._passer.is_beyond and not past)
        if covers or (self._back and who.t_s - self._back[-1][0] > _GAP_S):
            self._back.clear()
        if not past and not over and (self._passer.is_near or not here):
            self._see_passer(who)
        if not here and not over:
            return False
        if here and self._is_at_once(who):
            return True
        self._back.append((who.t_s, who.trunk_px[0], who.ankles, past))
        while self._back[0][0] < who.t_s - _UNLIKE_SETTLED_S - _GAP_S:
            self._back.popleft()
        settled_s = self._settled_s(who, here)
        lately = [x for t_s, x, _, was_past in self._back if t_s > who.t_s - settled_s and was_past is past]
        stays = who.t_s - self._back[0][0] >= settled_s
        stays = stays and max(lately) - min(lately) <= _SETTLED_TORSOS * self._torso_px
        ankles = [lift for t_s, _, lift, _ in self._back if t_s > who.t_s - _STRIDES_S]
        return stays and (self._usual.goes_on(ankles) or not self._usual.runs)

    def _is_at_once(self, who: Sighting) -> bool:
        """Whether the runner was seen so lately that nobody can have passed since."""
        return self._last is not None and who.t_s - self._last.t_s <= _AT_ONCE_S

    def _see_passer(self, who: Sighting) -> None:
        """Takes in where the pose is while it is not sure whose it is."""
        self._passer.see(self._aside(who), not self._jumped, others_clothes=not self._looks_like(who))
        self._passer_s = who.t_s

    def _aside(self, who: Sighting) -> float:
        """How far hips and trunk are to the right of the runner's place, torsos."""
        return sum(point[0] - self._places[place][0] for place, point in _middles(who)) / 2 / self._torso_px

    def _settled_s(self, who: Sighting, here: bool) -> float:
        """How long somebody must stay in the runner's place, or where they may have gone, to be taken for them."""
        alike = self._looks_like(who, _OTHER_COLOUR)
        if not alike or self._passer.may_be(self._aside(who), runners_clothes=who.colour is not None):
            return _UNLIKE_SETTLED_S
        return _SETTLED_S if here and not self._usual.larger(who) else _MOVED_SETTLED_S

    def _is_over(self, who: Sighting) -> bool:
        """Whether a runner may have gone there by themselves."""
        alike = abs(self._size_log(who)) <= _AGAIN_LARGER_LOG and self._looks_like(who, _OTHER_COLOUR)
        return self._glided and self._usual.runs and alike and self._is_within(who, _OVER_TORSOS)

    def _is_within(self, who: Sighting, torsos: float) -> bool:
        """Whether hips and trunk are at most so far aside of the runner's place."""
        away = [
            [abs(now - was) / self._torso_px for now, was in zip(point, self._places[place], strict=True)]
            for place, point in _middles(who)
        ]
        return all(aside <= torsos and up <= _BACK_TORSOS[1] for aside, up in away)

    def _away(self, who: Sighting) -> float:
        """Distance from where the person was last, in torsos."""
        assert self._last is not None
        return math.dist(who.trunk_px, self._last.trunk_px) / self._torso_px

    def _is_as_large(self, who: Sighting) -> bool:
        """Whether the trunk has not changed its length at once. In a squat it shortens by a third in half a second."""
        assert self._last is not None
        at_once = abs(math.log(who.torso_px / self._last.torso_px))
        return min(at_once, abs(self._size_log(who))) <= _SIZE_LOG

    def _size_log(self, who: Sighting) -> float:
        return math.log(who.torso_px / self._torso_px)

    def _looks_like(self, who: Sighting, colour: float = _COLOUR) -> bool:
        """Whether these may be the same clothes; True while too little is known."""
        off = self._colour_off(who)
        return off is None or self._frames < _KNOWN_FRAMES or off <= max(colour, _COLOUR_SPREADS * self._colour_spread)

    def _colour_off(self, who: Sighting) -> float | None:
        if who.colour is None or self._colour is None:
            return None
        brighter = float(who.colour @ self._colour) / max(float(self._colour @ self._colour), 1.0)
        brighter = min(max(brighter, 1 / _BRIGHTER), _BRIGHTER)
        return float(np.abs(who.colour - brighter * self._colour).mean())

    def add(self, who: Sighting) -> None:
        """The person as seen now."""
        retaken = self._lost_to_another
        in_place = retaken and self._is_within(who, _BACK_TORSOS[0])
        if retaken:
            self._take_up(who, in_place)
        if who.t_s - self._passer_s > _PASSER_S:
            self._passer = Passer()
        self._usual.add(who)
        # Who is seen again where they were may be half covered still: one such picture does not move them.
        dt_s = 0.0 if self._last is None or in_place else who.t_s - self._last.t_s
        share = weight_of_newest(dt_s, _SIZE_TAU_S, self._frames)
        self._torso_px += share * (who.torso_px - self._torso_px)
        share = weight_of_newest(dt_s, _PLACE_TAU_S, self._frames)
        for place, point in _middles(who):
            x, y = self._places.get(place, point)
            self._places[place] = x + share * (point[0] - x), y + share * (point[1] - y)
        if who.colour is not None and (not self._in_place or self._looks_like(who, _OTHER_COLOUR)):
            self._add_colour(who, who.colour)
        # In the next picture's closer crop the network sees knees and ankles elsewhere.
        self._last = replace(who, knees_px=(), ankles_px=()) if retaken else who
        self._frames += 1
        self._lost_to_another = self._glided = False
        self._other_side = 0.0
        self._back.clear()

    def _take_up(self, who: Sighting, in_place: bool) -> None:
        """Who is taken up again may have moved on the belt, or come into another light."""
        if self._usual.larger(who) or not in_place:
            self._usual = Usual()
        if not in_place:
            self._passer = Passer()
        # Light does not change in a moment: in such clothes it is half another.
        if not self._looks_like(who, _OTHER_COLOUR) and not self._is_at_once(who):
            self._colour = None
        self._others_clothes = 0

    def _add_colour(self, who: Sighting, colour: FloatArray) -> None:
        off = self._colour_off(who)
        if off is None or self._colour is None:
            self._colour = colour
        else:
            share = weight_of_newest(who.t_s - self._colour_s, _COLOUR_TAU_S, self._frames)
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
