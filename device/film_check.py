"""What is wrong with a film's pictures of a runner: told where many of them suffer from it."""

from __future__ import annotations

import logging
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from model.analysis import Outcome
from model.pose import Joint, Pose
from model.quality import ON_ITS_SIDE, SHAKES
from model.result import well_seen

#: From this share of the pictures of a runner on it is said that the camera shakes.
_SHAKEN_SHARE = 0.25
#: An ankle that is so near the picture's lower edge, as a share of its height, has its foot beyond it: the ankle is 4 %
#: of the body above the sole.
_EDGE = 0.02
#: A longer step between pictures is a pause.
PAUSE_S = 0.5
#: Times are uneven where so many of the steps are so far from their mean, as a share of it.
_UNEVEN_SHARE, _FAR = 0.5, 0.5
#: So many of the pictures of a runner, as a share, can be why most stances do not count.
_SOME = 0.2
#: So many cuts are told with their times.
_TOLD_CUTS = 5
_TURN = ", or the film: ffmpeg -i {} -vf transpose=1 film.mp4 (transpose=2 where that turns it upside down)"
_UNSURE = "the legs are not seen clearly enough, or pictures are missing"

_log = logging.getLogger(__name__)


class Use:
    """Of how many pictures of a runner something was computed, and why not of the others."""

    def __init__(self) -> None:
        self._why: Counter[str | None] = Counter()  # None: it was

    def add(self, outcome: Outcome) -> None:
        """Takes one frame; one in which nobody is seen counts for nothing."""
        if outcome.pose is not None:
            self._why[outcome.unused] += 1

    @property
    def count(self) -> int:
        """How many pictures of a runner there were."""
        return self._why.total()

    @property
    def unused(self) -> int:
        """How many of them are of no use."""
        return self.count - self._why[None]

    @property
    def mostly_unused(self) -> bool:
        """Whether most of them are."""
        return 2 * self.unused > self.count

    @property
    def reason(self) -> str | None:
        """Why most of those are; None where there are none."""
        return max((why for why in self._why if why is not None), key=self._why.__getitem__, default=None)


class FilmCheck:
    """Looks at the pictures of one film in which somebody is seen.

    Args:
        use: of them; counted by who records the film.
    """

    def __init__(self, use: Use) -> None:
        self._use = use
        self._shaken = 0
        self._footless = 0
        self._times_s: array[float] = array("d")
        self._cuts_s: list[float] = []

    def watch(self, outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
        """Hands ``outcomes`` on, and counts what is wrong with their pictures."""
        for outcome in outcomes:
            self._times_s.append(outcome.t_s)
            if outcome.cut:
                self._cuts_s.append(outcome.t_s)
            if outcome.pose is not None:
                self._shaken += outcome.shaken
                self._footless += _is_cut_off(outcome.pose)
            yield outcome

    def tell(self, name: str, stances: Sequence[Mapping[str, Any]]) -> None:
        """Warns of what most pictures or stances lack, of a camera that shakes, of cuts, and of uneven times.

        Args:
            name: of the film.
            stances: elements of ``stances`` in the document.
        """
        count = self._use.count
        if (poor := self._poor(stances)) is not None:
            turn = _TURN.format(name) if poor.endswith(ON_ITS_SIDE) else ""
            _log.warning("%s: %s%s", name, poor, turn)
        if count and self._shaken >= _SHAKEN_SHARE * count:
            _log.warning("%s: in %d of %d pictures of a runner %s", name, self._shaken, count, SHAKES)
        if self._cuts_s:
            times = ", ".join(f"{t_s:.1f}" for t_s in self._cuts_s[:_TOLD_CUTS])
            more = f" and {len(self._cuts_s) - _TOLD_CUTS} times more" if len(self._cuts_s) > _TOLD_CUTS else ""
            _log.warning(
                "%s: cut at %s s%s: what follows is measured anew, and all is in one mean; where the parts show other "
                "people, days or sides, replay each by itself (ffmpeg -ss FROM -to TO -i %s part.mp4)",
                name,
                times,
                more,
                name,
            )
        if (fps := self._uneven_fps()) is not None:
            _log.warning(
                "%s: uneven times: its pictures come in bursts, and what is measured may be wrong or missing; if they "
                "were taken evenly: ffmpeg -i %s -vf setpts=N/%d/TB -r %d film.mp4",
                name,
                name,
                fps,
                fps,
            )

    def _poor(self, stances: Sequence[Mapping[str, Any]]) -> str | None:
        """Why most of the pictures or of the stances are poor; None where they are not."""
        count, unused = self._use.count, self._use.unused
        if 2 * self._footless > count:
            return (
                f"in {self._footless} of {count} pictures of a runner the feet are cut off at the picture's edge: film "
                "the whole runner, with some room below the feet"
            )
        reason = self._use.reason or _UNSURE
        if self._use.mostly_unused:
            return f"{unused} of {count} pictures of a runner are of no use: {reason}"
        unclear = sum(not well_seen(stance) for stance in stances)
        if 2 * unclear > len(stances):
            why = reason if unused > _SOME * count else _UNSURE
            return f"{unclear} of {len(stances)} stances are of no use: {why}"
        return None

    def _uneven_fps(self) -> int | None:
        """Pictures per second where their times are uneven, pauses left out; None where they are not."""
        steps_s = np.diff(self._times_s)
        steps_s = steps_s[steps_s <= PAUSE_S]
        if not steps_s.size:
            return None
        mean_s = float(steps_s.mean())
        uneven = np.mean(np.abs(steps_s - mean_s) > _FAR * mean_s) >= _UNEVEN_SHARE
        return round(1 / mean_s) if uneven else None


def _is_cut_off(pose: Pose) -> bool:
    """Whether the lower foot is beyond the picture's lower edge."""
    height_px = pose.image_size_px[1]
    lower_px = max(pose.xy_px[Joint.LEFT_ANKLE, 1], pose.xy_px[Joint.RIGHT_ANKLE, 1])
    return bool(lower_px > (1 - _EDGE) * height_px)
