"""Whether knees and ankles are the runner's own, where somebody comes so near that MoveNet mixes two bodies.

Who steps in front shows their legs first: the network puts the runner's trunk on these for a third of a second and
more, at no joint's jump. A runner's own knees and ankles stay near the hips, seen from the front or from behind; from
the side legs reach far before and behind them, but no thigh becomes longer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from model.person import Sighting, weight_of_newest

#: So far, in torsos, a knee and an ankle lie further aside of the hips than they do in the mean, and are somebody
#: else's: in 55,000 pictures of rendered runners (varied.md) own ones were 0.14 and 0.2 at most.
_KNEE_TORSOS, _ANKLE_TORSOS = 0.2, 0.35
#: So much longer than it is in the mean a thigh ends at somebody else's knee: a runner's own was 1.13 times at most in
#: the side views of one rendered and one real runner, with both models.
_THIGH_LONGER = 1.2
#: The mean fades over this, and before so long it is none.
_TAU_S, _KNOWN_S = 5.0, 1.0
#: Around pictures that show another's legs are some in which they are hardly seen: so long after one of them, and after
#: two, nothing is sure.
SETTLES_S, _STILL_S = 0.12, 0.2


class OwnLegs:
    """Where a runner's knees and ankles are beside the hips, the one further left in the picture, and the other; from
    the side how long the thighs are."""

    def __init__(self) -> None:
        self._knees, self._ankles = _Pair(_KNEE_TORSOS), _Pair(_ANKLE_TORSOS)
        self._thighs = _Length(_THIGH_LONGER)
        self._others_s = (-math.inf, -math.inf)  # when somebody else's were seen last, and before that

    def step(self, who: Sighting, frontal: bool | None = True) -> bool:
        """Takes in the runner as seen now.

        Args:
            who: the runner.
            frontal: whether they are seen from the front or from behind, or else from the side; None where it is not
                sure: then this does not tell how their legs usually are.

        Returns:
            Whether all that are seen may be theirs; True while too little is known.
        """
        knees, ankles = _beside(who)
        own = frontal is False or (self._knees.holds(knees) and self._ankles.holds(ankles))
        own = own and (frontal is True or self._thighs.holds(who.thighs_px))
        if not own:
            self._others_s = (who.t_s, self._others_s[0])
        if frontal is True:
            self._knees.add(knees, who.t_s)
            self._ankles.add(ankles, who.t_s)
        elif frontal is False:
            self._thighs.add(who.thighs_px, who.t_s)
        last_s, before_s = self._others_s
        return who.t_s - last_s > SETTLES_S and who.t_s - before_s > _STILL_S


class _Mean:
    """What is usual of some figures: their fading mean.

    Args:
        reach: somebody else's figures move it by no more than those of the runner's own that differ so much.
    """

    def __init__(self, reach: float) -> None:
        self.reach = reach
        self.usual: tuple[float, ...] = ()
        self._frames = 0
        self._since_s = self._t_s = 0.0

    @property
    def known(self) -> bool:
        return self._t_s - self._since_s >= _KNOWN_S

    def add(self, now: tuple[float, ...], t_s: float) -> None:
        if not self._frames:
            self.usual, self._since_s, self._t_s = now, t_s, t_s
        share = weight_of_newest(t_s - self._t_s, _TAU_S, self._frames)
        ways = [new - was for new, was in zip(now, self.usual, strict=True)]
        if self.known:
            ways = [min(max(way, -self.reach), self.reach) for way in ways]
        self.usual = tuple(was + share * way for was, way in zip(self.usual, ways, strict=True))
        self._t_s = t_s
        self._frames += 1


class _Pair:
    """Two joints' usual places, torsos to the right of the hips' middle.

    Args:
        reach_torsos: how far beyond them they still are the same body's.
    """

    def __init__(self, reach_torsos: float) -> None:
        self._mean = _Mean(reach_torsos)

    def add(self, aside: Sequence[float], t_s: float) -> None:
        if len(aside) == 2:
            self._mean.add((min(aside), max(aside)), t_s)

    def holds(self, aside: Sequence[float]) -> bool:
        """Whether none of them is out of reach of both places."""
        if not self._mean.known or not aside:
            return True
        left, right = self._mean.usual
        return max(left - min(aside), max(aside) - right) <= self._mean.reach


class _Length:
    """The usual length of two limbs, as a logarithm of px.

    Args:
        longer: by what factor they look longer at most.
    """

    def __init__(self, longer: float) -> None:
        self._mean = _Mean(math.log(longer))

    def add(self, lengths_px: Sequence[float], t_s: float) -> None:
        if len(lengths_px) == 2:
            self._mean.add((_log(sum(lengths_px) / 2),), t_s)

    def holds(self, lengths_px: Sequence[float]) -> bool:
        """Whether none of them is longer than it may be."""
        if not self._mean.known or not lengths_px:
            return True
        return _log(max(lengths_px)) - self._mean.usual[0] <= self._mean.reach


def _log(length_px: float) -> float:
    return math.log(max(length_px, 1.0))


def _beside(who: Sighting) -> tuple[list[float], list[float]]:
    """How far knees and ankles are to the right of the hips' middle, torsos."""
    knees, ankles = ([(x - who.hip_px[0]) / who.torso_px for x, _ in some] for some in (who.knees_px, who.ankles_px))
    return knees, ankles
