"""Whether the view that was given is the one that the poses themselves show. A wrong one is used, but said."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator

from model.analysis import Outcome
from model.pose import Pose, View
from model.view import ViewEstimator

#: Less than this share of the poses for another view may be a camera far aside.
_SURE_SHARE = 0.8
_FROM = {View.FRONT: "the front", View.REAR: "behind", View.SIDE: "the side"}

_log = logging.getLogger(__name__)


class ViewCheck:
    """Looks at the poses of one recording.

    Args:
        given: the view that was given; None: it is told by the poses, and nothing is to be checked.
    """

    def __init__(self, given: View | None) -> None:
        self._given = given
        self._estimator = ViewEstimator()
        self._votes: Counter[View] = Counter()

    def look(self, pose: Pose) -> None:
        """Takes one more pose into account."""
        view = None if self._given is None else self._estimator.step(pose)
        if view is not None:
            self._votes[view] += 1

    def watch(self, outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
        """Hands ``outcomes`` on, and looks at their poses."""
        for outcome in outcomes:
            if outcome.pose is not None:
                self.look(outcome.pose)
            yield outcome

    @property
    def seen(self) -> View | None:
        """The other view that the poses surely show; None where the given one may be right."""
        view, votes = next(iter(self._votes.most_common(1)), (None, 0))
        return view if view is not self._given and votes >= _SURE_SHARE * self._votes.total() else None

    def tell(self, name: str) -> None:
        """Warns where the given view is wrong. ``name``: of the recording."""
        if self.seen is not None:
            _log.warning(
                "%s: said to be a %s view, but the runner is seen from %s, and what is measured may be wrong: "
                "say --view %s, or --view auto",
                name,
                self._given,
                _FROM[self.seen],
                self.seen,
            )
