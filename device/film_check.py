"""What is wrong with a film's pictures of a runner: told where many of them suffer from it."""

from __future__ import annotations

import logging
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator

import numpy as np

from model.analysis import Outcome
from model.quality import SHAKES

#: From this share of the pictures of a runner on it is said that the camera shakes.
_SHAKEN_SHARE = 0.25
#: A longer step between pictures is a pause.
PAUSE_S = 0.5
#: Times are uneven where so many of the steps are so far from their mean, as a share of it.
_UNEVEN_SHARE, _FAR = 0.5, 0.5

_log = logging.getLogger(__name__)


class FilmCheck:
    """Looks at the pictures of one film in which somebody is seen."""

    def __init__(self) -> None:
        self._why: Counter[str | None] = Counter()
        self._shaken = 0
        self._times_s: array[float] = array("d")

    def watch(self, outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
        """Hands ``outcomes`` on, and counts why nothing was computed from them, and in how many the camera shakes."""
        for outcome in outcomes:
            self._times_s.append(outcome.t_s)
            if outcome.pose is not None:
                self._why[outcome.unused] += 1
                self._shaken += outcome.message == SHAKES
            yield outcome

    def tell(self, name: str) -> None:
        """Warns of what most pictures lack, of a camera that shakes, and of uneven times. ``name``: of the film."""
        count = self._why.total()
        poor = count - self._why[None]
        if 2 * poor > count:
            said = max((reason for reason in self._why if reason is not None), key=self._why.__getitem__)
            _log.warning("%s: %d of %d pictures of a runner are of no use: %s", name, poor, count, said)
        if count and self._shaken >= _SHAKEN_SHARE * count:
            _log.warning("%s: in %d of %d pictures of a runner %s", name, self._shaken, count, SHAKES)
        if (fps := self._uneven_fps()) is not None:
            _log.warning(
                "%s: uneven times: its pictures come in bursts, and what is measured may be wrong or missing; if they "
                "were taken evenly: ffmpeg -i %s -vf setpts=N/%d/TB -r %d film.mp4",
                name,
                name,
                fps,
                fps,
            )

    def _uneven_fps(self) -> int | None:
        """Pictures per second where their times are uneven, pauses left out; None where they are not."""
        steps_s = np.diff(self._times_s)
        steps_s = steps_s[steps_s <= PAUSE_S]
        if not steps_s.size:
            return None
        mean_s = float(steps_s.mean())
        uneven = np.mean(np.abs(steps_s - mean_s) > _FAR * mean_s) >= _UNEVEN_SHARE
        return round(1 / mean_s) if uneven else None
