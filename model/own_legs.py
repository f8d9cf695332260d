"""Whether knees and ankles are the runner's own, where somebody comes so near that MoveNet mixes two bodies.

Who steps in front shows their legs first: the network puts the runner's trunk on these for a third of a second and
more, at no joint's jump. A runner's own knees and ankles stay near the hips, seen from the front or from behind.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from model.person import Sighting, weight_of_newest

#: So far, in torsos, a knee and an ankle lie further aside of the hips than they do in the mean, and are somebody
#: else's: in 55,000 pictures of rendered runners (varied.md) own ones were 0.14 and 0.2 at most.
_KNEE_TORSOS, _ANKLE_TORSOS = 0.2, 0.35
#: The mean fades over this, and before so long it is none.
_TAU_S, _KNOWN_S = 5.0, 1.0
#: Between pictures that show another's legs are some in which they are hardly seen: so long after two of them nothing
#: is sure. A single one may be a slip of the network.
_STILL_S = 0.2


class OwnLegs:
    """Where a runner's knees and ankles are beside the hips: the one further left in the picture, and the other."""

    def __init__(self) -> None:
        self._knees, self._ankles = _Pair(_KNEE_TORSOS), _Pair(_ANKLE_TORSOS)
        self._others_s = (-math.inf, -math.inf)  # when somebody else's were seen last, and before that

    def step(self, who: Sighting, learn: bool = True) -> bool:
        """Takes in the runner as seen now.

        Args:
            who: the runner.
            learn: whether this tells where their legs usually are.

        Returns:
            Whether all that are seen may be theirs; True while too little is known.
        """
        knees, ankles = _beside(who)
        own = self._knees.hold(knees) and self._ankles.hold(ankles)
        if not own:
            self._others_s = (who.t_s, self._others_s[0])
        if learn:
            self._knees.add(knees, who.t_s)
            self._ankles.add(ankles, who.t_s)
        return own and who.t_s - self._others_s[1] > _STILL_S


class _Pair:
    """Two joints' usual places, torsos to the right of the hips' middle.

    Args:
        reach_torsos: how far beyond them they still are the same body's.
    """

    def __init__(self, reach_torsos: float) -> None:
        self._reach = reach_torsos
        self._usual: tuple[float, float] = (0.0, 0.0)
        self._frames = 0
        self._since_s = self._t_s = 0.0

    @property
    def _known(self) -> bool:
        return self._t_s - self._since_s >= _KNOWN_S

    def add(self, aside: Sequence[float], t_s: float) -> None:
        if len(aside) < 2:
            return
        if not self._frames:
            self._since_s = self._t_s = t_s
        share = weight_of_newest(t_s - self._t_s, _TAU_S, self._frames)
        left, right = self._usual
        to_left, to_right = min(aside) - left, max(aside) - right
        if self._known:  # somebody else's move them by no more than the runner's own could
            to_left, to_right = (min(max(way, -self._reach), self._reach) for way in (to_left, to_right))
        self._usual = (left + share * to_left, right + share * to_right)
        self._t_s = t_s
        self._frames += 1

    def hold(self, aside: Sequence[float]) -> bool:
        """Whether none of them is out of reach of both places."""
        if not self._known or not aside:
            return True
        return self._usual[0] - min(aside) <= self._reach and max(aside) - self._usual[1] <= self._reach


def _beside(who: Sighting) -> tuple[list[float], list[float]]:
    """How far knees and ankles are to the right of the hips' middle, torsos."""
    knees, ankles = ([(x - who.hip_px[0]) / who.torso_px for x, _ in some] for some in (who.knees_px, who.ankles_px))
    return knees, ankles
