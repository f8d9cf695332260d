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
#: Who is so near the runner's middle covers them.
COVERS_TORSOS = 0.6


class Passer:
    """One who came before the runner."""

    def __init__(self) -> None:
        self._came_from = 0.0  # -1 from the left in the picture, 1 from the right, 0 while nobody came
        self._farthest = math.inf  # on their way, torsos from the runner's middle, positive where they came from

    def see(self, aside_torsos: float, leaving: bool) -> None:
        """Where the pose is that is not (yet) the runner's.

        Args:
            aside_torsos: from the runner's place, to the right in the picture.
            leaving: whether who is seen there first has been before the runner already.
        """
        if not self.came:
            self._came_from = math.copysign(1.0, -aside_torsos if leaving else aside_torsos)
        self._farthest = min(self._farthest, self._came_from * aside_torsos)

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

    def may_be(self, aside_torsos: float) -> bool:
        """Whether the pose that is seen there may be theirs."""
        back = self.is_beyond and self._came_from * aside_torsos >= self._farthest + _BACK_TORSOS
        return self.is_near and not back

    def draws(self, aside_torsos: float) -> bool:
        """Whether the pose that is seen there goes along with them, who are beyond."""
        return self.is_beyond and self._came_from * aside_torsos < -_BEYOND_TORSOS and self.may_be(aside_torsos)
