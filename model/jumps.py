"""Knees and ankles that jump: where a leg is half hidden, or somebody else's is beside it, MoveNet shows it elsewhere
for a picture or a few, with as much confidence as before.

A leg has a mass. What its joint does from one picture to the next is what it did before, but for what muscles and the
ground can change in so short a time; where it is seen farther off than that, it is not believed for a moment.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import replace

from model.person import Point
from model.pose import Joint, Pose

_PAIRS = ((Joint.LEFT_KNEE, Joint.RIGHT_KNEE), (Joint.LEFT_ANKLE, Joint.RIGHT_ANKLE))
#: So far from where it would be had it gone on as before a joint is at most, in torsos: what the network trembles by,
#: and what changes within `_STEP_S`, which goes with the square of the time. From the side, where nothing hid a leg, it
#: was 0.36 in all (two rendered runners, both models, 1000 pictures); beside somebody else's legs it is up to 2.
_TREMBLES_TORSOS, _CHANGES_TORSOS, _STEP_S = 0.2, 0.2, 1 / 30
#: With fewer pictures a second nothing can be told.
_SLOWEST_S = 0.075
#: So long after it jumped a joint is not believed: the network stays with what it took for it.
_DOUBTED_S = 0.1
#: The confidence of such a joint: less than is asked of one (`quality.MIN_SCORE`).
_UNSURE = 0.2


class Jumps:
    """Follows the knees and ankles of one runner.

    Attributes:
        jumped: whether one of them jumped in the last picture.
    """

    def __init__(self) -> None:
        self._before: deque[tuple[float, list[Point]]] = deque(maxlen=2)
        self._jumped_s: dict[int, float] = {}
        self.jumped = False

    def step(self, pose: Pose, torso_px: float) -> Pose:
        """The pose with less confidence in joints that have jumped; takes poses in the order of time."""
        xy: list[Point] = [(x, y) for x, y in pose.xy_px.tolist()]
        self.jumped = False
        for pair in _PAIRS:
            for joint in self._jumping(pose.t_s, xy, pair, torso_px):
                self._jumped_s[joint] = pose.t_s
                self.jumped = True
        self._before.append((pose.t_s, xy))
        doubted = [joint for joint, at_s in self._jumped_s.items() if pose.t_s - at_s < _DOUBTED_S]
        if not doubted:
            return pose
        score = pose.score.copy()
        score[doubted] = score[doubted].clip(max=_UNSURE)
        return replace(pose, score=score)

    def _jumping(self, t_s: float, xy: list[Point], pair: tuple[int, int], torso_px: float) -> list[int]:
        """Which of left and right are too far from where they would be; the network may exchange them."""
        if len(self._before) < 2:
            return []
        (first_s, first), (last_s, last) = self._before
        if max(t_s - last_s, last_s - first_s) > _SLOWEST_S:
            return []
        there = [last[joint] for joint in pair]
        came = _paired([first[joint] for joint in pair], there)
        share = (t_s - last_s) / (last_s - first_s)
        ahead = [(x + share * (x - u), y + share * (y - v)) for (x, y), (u, v) in zip(there, came, strict=True)]
        now = [xy[joint] for joint in pair]
        most = (_TREMBLES_TORSOS + _CHANGES_TORSOS * ((t_s - last_s) / _STEP_S) ** 2) * torso_px
        off = zip(pair, now, _paired(ahead, now), strict=True)
        return [joint for joint, here, there_px in off if math.dist(here, there_px) > most]


def _paired(points: list[Point], others: list[Point]) -> list[Point]:
    """The two points in the order in which they lie nearer to the two others."""
    turned = points[::-1]
    return min(points, turned, key=lambda some: sum(map(math.dist, some, others)))
