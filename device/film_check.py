"""What is wrong with a film's pictures of a runner: told where many of them suffer from it."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator

from model.analysis import Outcome
from model.quality import SHAKES

#: From this share of the pictures of a runner on it is said that the camera shakes.
_SHAKEN_SHARE = 0.25

_log = logging.getLogger(__name__)


class FilmCheck:
    """Looks at the pictures of one film in which somebody is seen."""

    def __init__(self) -> None:
        self._why: Counter[str | None] = Counter()
        self._shaken = 0

    def watch(self, outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
        """Hands ``outcomes`` on, and counts why nothing was computed from them, and in how many the camera shakes."""
        for outcome in outcomes:
            if outcome.pose is not None:
                self._why[outcome.unused] += 1
                self._shaken += outcome.message == SHAKES
            yield outcome

    def tell(self, name: str) -> None:
        """Warns of what most of the pictures lack, and of a camera that shakes. ``name``: of the film."""
        count = self._why.total()
        poor = count - self._why[None]
        if 2 * poor > count:
            said = max((reason for reason in self._why if reason is not None), key=self._why.__getitem__)
            _log.warning("%s: %d of %d pictures of a runner are of no use: %s", name, poor, count, said)
        if count and self._shaken >= _SHAKEN_SHARE * count:
            _log.warning("%s: in %d of %d pictures of a runner %s", name, self._shaken, count, SHAKES)
