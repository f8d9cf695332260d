"""Which view the poses of a recording show, and whether it is the one that was given. A wrong one is used, but said."""

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
        given: the view that was given; None: nothing is to be checked.
    """

    def __init__(self, given: View | None) -> None:
        self._given = given
        self._estimator = ViewEstimator()
        self._votes: Counter[View] = Counter()

    def look(self, pose: Pose) -> View | None:
        """Takes one more pose into account; returns the view as it is now, None while that is not decided."""
        view = self._estimator.step(pose)
        if view is not None:
            self._votes[view] += 1
        return view

    def forget(self) -> None:
        """What was shown before counts no more: whoever is looked at has turned, or has only now come."""
        now = self._estimator.view
        self._votes = Counter() if now is None else Counter({now: 1})

    def watch(self, outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
        """Hands ``outcomes`` on, and looks at their poses where there is something to check."""
        for outcome in outcomes:
            if self._given is not None and outcome.pose is not None:
                self.look(outcome.pose)
            yield outcome

    @property
    def shown(self) -> View | None:
        """The view that most poses show; None where they are too few to tell."""
        return max(self._votes, key=self._votes.__getitem__, default=None)

    @property
    def seen(self) -> View | None:
        """The other view that the poses surely show; None where the given one may be right."""
        view = self.shown
        if self._given is None or view is None or view is self._given:
            return None
        return view if self._votes[view] >= _SURE_SHARE * self._votes.total() else None

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
