"""Whether somebody else is on the belt: told by looks beside the runner, now and then and where somebody was seen."""

from __future__ import annotations

import itertools
import math

from model.person import Sighting, is_person, sighting
from model.pose import MIRROR_INDEX, Joint, Pose
from model.quality import MIN_SCORE

#: Somebody else is sought this far beside the runner in crops of these sides, in turn (there MoveNet shows the other
#: one, not the runner again; who is half hidden only in the farther ones or only in the nearer ones), and is on the
#: same belt at these distances and with these sizes; all in the runner's torsos.
_PROBE_EVERY_S = 0.35
_PROBES = ((-1.65, 3.0), (1.65, 3.0), (-1.9, 3.1), (1.9, 3.1))
_OTHER_TORSOS, _OTHER_SIZES, _OWN_TORSOS = (0.3, 1.0), (0.7, 1.3), 0.3
#: Who is larger, by up to so much, is farther off by that factor: who is nearer to the camera looks larger, and of a
#: larger body the hips are higher. They must have been within so many torsos for so long, seen again within that time.
_NEARER_SIZE, _BESIDE_TORSOS, _BESIDE_S, _BESIDE_GAP_S = 1.5, 0.3, 0.6, 1.5
#: From the side they are at most so far along the belt, of such sizes, with the lower foot at most so much higher or
#: lower than the runner's: where only one is seen, beside the runner, and farther off; and there with one foot so far
#: from the other.
_ALONG_TORSOS, _ALONG_SIZES, _HIGHER_TORSOS, _STEP_TORSOS = 2.2, (0.85, 1.25), (0.6, 0.5, 0.3), 0.5
#: Who was seen beside the runner must be seen once more in so many pictures. Then they are there for so long; who was
#: there for longer than somebody who walks by, for longer than that.
_SUSPECTED, _CROWDED_S, _STAYS_S, _STAYED_S = 5, 1.1, 1.5, 3.0
#: Of one who is half hidden behind the runner, so many joints must be seen.
_HIDDEN_JOINTS = 4
_LEGS = (
    (Joint.LEFT_HIP, Joint.LEFT_KNEE, Joint.LEFT_ANKLE), (Joint.RIGHT_HIP, Joint.RIGHT_KNEE, Joint.RIGHT_ANKLE)
)  # fmt: skip


class Company:
    """Follows whoever else is on the belt.

    Args:
        since_s: since when the runner is followed; the first look comes as long after that as others after the last.

    Attributes:
        aside: where the next look is: how far to the right of the runner's hips, and its side, torsos.
    """

    def __init__(self, since_s: float = -math.inf) -> None:
        self._sought_s, self._asides = since_s, itertools.cycle(_PROBES)
        self.aside = next(self._asides)
        self._since_s = self._until_s = -math.inf
        self._suspected = 0  # in how many pictures more one looks for who was seen in one
        # Since when, when last, and how far aside somebody was seen who may be on the belt, and in how many sure looks.
        self._beside = (math.inf, -math.inf, 0.0, 0)

    def is_there(self, t_s: float) -> bool:
        """Whether somebody was seen there lately."""
        return t_s < self._until_s

    def is_sought(self, t_s: float, at_once: bool) -> bool:
        """Whether to look beside the runner in this picture; ``at_once``: whether there is a reason to."""
        sought = bool(self._suspected) or at_once or t_s - self._sought_s >= _PROBE_EVERY_S
        if sought:
            self._sought_s = t_s
        return sought

    def see(self, other: Pose, pose: Pose, who: Sighting, lowest_px: float | None) -> None:
        """Takes in what is beside the runner.

        Args:
            other: who is seen there, the runner again or nobody.
            pose, who: the runner.
            lowest_px: from the side, how far down in the picture the runner's feet go; None from elsewhere.
        """
        if not (self._on_same_belt(other, pose, who, lowest_px) and is_another(other, pose, who.torso_px)):
            self._suspected = max(0, self._suspected - 1)
            if not self._suspected:
                self.aside = next(self._asides)
        elif not self._suspected:
            self._suspected = _SUSPECTED  # a single picture may deceive
        else:
            self._suspected = 0
            if who.t_s >= self._until_s:
                self._since_s = who.t_s
            stays = who.t_s - self._since_s >= _STAYS_S
            self._until_s = who.t_s + (_STAYED_S if stays else _CROWDED_S)

    def _on_same_belt(self, other: Pose, pose: Pose, who: Sighting, lowest_px: float | None) -> bool:
        """Whether somebody else is so near that they are on the belt.

        From the side a belt is long, and a neighbour's is beside it in the picture: on the runner's own is who is as
        large, has their feet as low, does not walk by, and takes a step, for nobody stands there; or who is half hidden
        by the runner.
        """
        beside, torso_px = sighting(other), who.torso_px
        away, size = math.dist(beside.hip_px, who.hip_px) / torso_px, beside.torso_px / torso_px
        if lowest_px is None:
            size = _size(other, pose)
            if not _OTHER_TORSOS[0] <= away <= max(1.0, size) * _OTHER_TORSOS[1]:
                return False
            near = away <= _OTHER_TORSOS[1] and size <= _OTHER_SIZES[1]
            sized = _OTHER_SIZES[0] <= size <= _NEARER_SIZE
            return sized and (near or self._stays_beside(beside, who, sure=True))
        near = _OTHER_TORSOS[0] <= away <= _OTHER_TORSOS[1] and _OTHER_SIZES[0] <= size <= _OTHER_SIZES[1]
        if not beside.ankles_px:
            return near
        higher = min(abs(y - lowest_px) for _, y in beside.ankles_px) / torso_px
        if len(beside.ankles_px) == 1:  # it may be the one in the air
            return near and higher <= _HIGHER_TORSOS[0]
        alike = _ALONG_SIZES[0] <= size <= _ALONG_SIZES[1]
        if away <= _OTHER_TORSOS[1]:
            sure = near and higher <= _HIGHER_TORSOS[1]
        else:
            steps = math.dist(*beside.ankles_px) >= _STEP_TORSOS * torso_px
            sure = away <= _ALONG_TORSOS and steps and higher <= _HIGHER_TORSOS[2]
        return alike and self._stays_beside(beside, who, sure)

    def _stays_beside(self, beside: Sighting, who: Sighting, sure: bool) -> bool:
        """Whether somebody has been seen at the same place beside the runner before, as those who walk by are not.

        ``sure``: whether this look alone tells that they may be on the belt, as two must.
        """
        aside = (beside.hip_px[0] - who.hip_px[0]) / who.torso_px
        since_s, last_s, was, looks = self._beside
        if who.t_s - last_s > _BESIDE_GAP_S or abs(aside - was) > _BESIDE_TORSOS:
            if not sure:
                return False
            since_s, was, looks = who.t_s, aside, 0
        looks += sure
        self._beside = (since_s, who.t_s, was, looks)
        return looks > 1 and who.t_s - since_s >= _BESIDE_S


def is_another(other: Pose, pose: Pose, torso_px: float) -> bool:
    """Whether this is another body: a third of its joints, or half of those of one who is half hidden, lie where the
    runner has neither their left nor their right.

    At the edge of a crop the network sees a bent runner with hips elsewhere, but with the same limbs.
    """
    away = [
        min(math.dist(xy, pose.xy_px[joint]), math.dist(xy, pose.xy_px[MIRROR_INDEX[joint]])) > _OWN_TORSOS * torso_px
        for joint, (xy, score) in enumerate(zip(other.xy_px.tolist(), other.score.tolist(), strict=True))
        if joint >= Joint.LEFT_SHOULDER and score > MIN_SCORE
    ]
    own = sum(away)
    return (is_person(other) and 3 * own >= len(away)) or (own >= _HIDDEN_JOINTS and 2 * own >= len(away))


def _size(other: Pose, pose: Pose) -> float:
    """How large somebody beside the runner looks against them: by the trunks, or where the other's shoulders are not
    seen, as those of a far larger body are not in such a crop, by the longer leg of each."""
    if max(other.score[[Joint.LEFT_SHOULDER, Joint.RIGHT_SHOULDER]]) <= MIN_SCORE:
        legs = _leg_px(other), _leg_px(pose)
        if min(legs) > 0:
            return legs[0] / legs[1]
    return sighting(other).torso_px / sighting(pose).torso_px


def _leg_px(pose: Pose) -> float:
    """The longer one of the legs that are seen, from hip over knee to ankle; 0 where none is."""
    xy = pose.xy_px.tolist()
    legs = [
        math.dist(xy[hip], xy[knee]) + math.dist(xy[knee], xy[ankle])
        for hip, knee, ankle in _LEGS
        if min(pose.score[[hip, knee, ankle]]) > MIN_SCORE
    ]
    return max(legs, default=0.0)
