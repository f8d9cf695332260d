"""Somebody who comes before the runner, and whether the pose that is seen may be theirs.

While one body hides the other MoveNet shows one of them, or joints of both; in the same clothes nothing but the way
they go tells whose pose it is. Nobody vanishes: who came from one side is before the runner until they were seen
beyond, and the runner is seen again where the pose is back from there. A pose that is theirs goes on with them.
"""

from __future__ import annotations

import math

#: Torsos. A pose so far beyond the runner's middle is somebody else's, for no runner sways as far; one that is back by
#: so much is the runner's, for looks at who goes on differ by less.
_BEYOND_TORSOS, _BACK_TORSOS = 0.15, 0.1
#: Who turns back goes away so far in looks of which each shows them farther off than the one before.
_TURNED_TORSOS, _TURNED_LOOKS = 0.2, 3
#: Where the pose jumps by so much to so near the runner's middle it is the runner's, as long as it stays there.
_JUMP_TORSOS, _MIDDLE_TORSOS = 0.3, 0.12
#: Who is so near the runner's middle covers them.
COVERS_TORSOS = 0.6


class Passer:
    """One who came before the runner."""

    def __init__(self) -> None:
        self._came_from = 0.0  # -1 from the left in the picture, 1 from the right, 0 while nobody came
        self._farthest = math.inf  # on their way, torsos from the runner's middle, positive where they came from
        self._others_clothes = False  # whether they wear others than the runner
        self._jumped_back = False  # whether the pose went over to the runner's middle at once, and is there still
        self._returns: list[float] = []  # where they were in looks that showed them ever nearer to where they came from

    def see(self, aside_torsos: float, leaving: bool, others_clothes: bool = False) -> None:
        """Where the pose is that is not (yet) the runner's.

        Args:
            aside_torsos: from the runner's place, to the right in the picture.
            leaving: whether who is seen there first has been before the runner already.
            others_clothes: whether the trunk that is seen there is surely not the runner's.
        """
        self._others_clothes = self._others_clothes or others_clothes
        if not self.came:
            self._came_from = math.copysign(1.0, -aside_torsos if leaving else aside_torsos)
        here = self._came_from * aside_torsos
        jumps = bool(self._returns) and self._returns[-1] - here > _JUMP_TORSOS
        self._jumped_back = (self._jumped_back or jumps) and abs(here) < _MIDDLE_TORSOS
        self._farthest = min(self._farthest, here)
        if self._returns and here <= self._returns[-1]:
            self._returns.clear()
        self._returns.append(here)
        # From beyond it is the runner's pose that comes back.
        if not self.is_beyond and len(self._returns) > _TURNED_LOOKS and here - self._returns[0] > _TURNED_TORSOS:
            self._turn_back(here)

    def _turn_back(self, here: float) -> None:
        """From now on they go where they came from, as if they had come from the other side."""
        self._came_from, self._farthest = -self._came_from, -here
        self._returns.clear()

    @property
    def came(self) -> bool:
        """Whether anybody did."""
        return self._came_from != 0

    @property
    def is_near(self) -> bool:
        """Whether they were seen before the runner, or so far beside them that they cover them."""
        return self._farthest < COVERS_TORSOS

    @property
    def is_beyond(self) -> bool:
        """Whether they were seen on the other side."""
        return self._farthest <= -_BEYOND_TORSOS

    def may_be(self, aside_torsos: float, runners_clothes: bool = False) -> bool:
        """Whether the pose that is seen there may be theirs; ``runners_clothes``: its trunk is like the runner's."""
        if runners_clothes and self._others_clothes:
            return False
        back = self.is_beyond and self._came_from * aside_torsos >= self._farthest + _BACK_TORSOS
        return self.is_near and not back and not self._jumped_back

    def draws(self, aside_torsos: float) -> bool:
        """Whether the pose that is seen there goes along with them, who are beyond."""
        return self.is_beyond and self._came_from * aside_torsos < -_BEYOND_TORSOS and self.may_be(aside_torsos)
