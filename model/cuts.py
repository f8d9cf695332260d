"""Where a film was cut: two set-ups in one file, or a recording that was halted and went on.

No camera does that, so that only films are looked at. From one picture to the next a light that flickers changes all
of it, but not what is seen there; who walks by before the lens covers little of it; and a camera that shakes has done
so before. In a cut to another set-up most of what stands still is another thing at once. In a cut within one set-up
only the runner is elsewhere: their picture and their joints both change by more than in any picture of the last steps.
"""

from __future__ import annotations

import math
from collections import deque
from itertools import pairwise
from statistics import median
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from model.background import Box, Image, body_box, small
from model.pose import FloatArray, Joint, Pose

#: To what a film was cut: within one set-up, or to another.
Cut = Literal["jump", "scene"]
_Value = TypeVar("_Value", bound=np.generic)
#: The picture is compared by squares of so many pixels. One in which the light varies by so much holds something; what
#: it shows is another thing where the two are correlated by less.
_SQUARE_PX, _PLAIN, _ALIKE = 16, 4.0, 0.5
#: Another set-up: of at least so many squares of each half that hold something this share, and so many times what any
#: of the pictures before showed. Two cameras in one rendered room that differ by 6 to 12°: 0.3 to 0.6; where camera and
#: light stand 0 to 0.17, where the camera shakes up to 0.7, and twice what it was in the seconds before.
_FEWEST, _CHANGED, _TIMES = 4, 0.25, 2.5
#: Where the picture as a whole varies by so many times less or more than before, the light was switched.
_LIGHT = 4.0
#: The runner is elsewhere: their picture and their joints have changed by so many times the most of the pictures
#: before, and what is around them by less than this share of it, unlike where somebody passes or the camera shakes.
_JUMPED, _AROUND = 1.3, 0.12
#: The pictures before: over so long (two steps and more), at least so many. Where they are farther apart than this,
#: whoever runs is elsewhere in all of them, and who walks by may cover much from one to the next.
_BEFORE_S, _BEFORE, _LONGEST_S = 1.0, 12, 0.06
#: A camera that sways may do so more slowly than a runner.
_SWAYS_S = 3.0
#: A step between times of so many of the usual ones holds as many steps of the runner. A picture that is the last one
#: again changes by so small a share of the usual, and the next one by twice as much.
_UNEVEN, _REPEATED = 1.5, 0.3
#: So long after a cut it is seen whether it was one, and not a picture that was damaged.
_SURE_S = 1.0
_LIMBS = [
    [Joint.LEFT_KNEE, Joint.RIGHT_KNEE],
    [Joint.LEFT_ANKLE, Joint.RIGHT_ANKLE],
    [Joint.LEFT_WRIST, Joint.RIGHT_WRIST],
]
_SHOULDERS, _HIPS = [Joint.LEFT_SHOULDER, Joint.RIGHT_SHOULDER], [Joint.LEFT_HIP, Joint.RIGHT_HIP]


class _Changes:
    """How much something changed from picture to picture of late."""

    def __init__(self, over_s: float) -> None:
        self._over_s = over_s
        self._of: deque[tuple[float, float]] = deque()

    def add(self, t_s: float, change: float) -> None:
        self._of.append((t_s, change))
        while self._of[0][0] < t_s - self._over_s:
            self._of.popleft()

    @property
    def enough(self) -> bool:
        return len(self._of) >= _BEFORE

    @property
    def most(self) -> float:
        return max(change for _, change in self._of)

    @property
    def usual(self) -> float:
        return median(change for _, change in self._of)


class Cuts:
    """Looks at every picture of one film, in the order of time: `scene`, then, when who is in it is known, `jump`."""

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self._now: Image | None = None
        self._box: Box | None = None
        self._before: tuple[Image, Box | None] | None = None  # the last cut to another set-up, while it is not sure
        self._since_s = self._cut_s = math.inf
        self._times_s: deque[float] = deque(maxlen=_BEFORE)
        self._begin()

    def _begin(self) -> None:
        """What changes from picture to picture is not known yet."""
        self._last: Image | None = None
        self._scenes = _Changes(_SWAYS_S)
        self._pictures, self._joints = _Changes(_BEFORE_S), _Changes(_BEFORE_S)
        self._poses: deque[Pose] = deque(maxlen=3)
        self._repeats = False

    def scene(self, image: Image, t_s: float) -> bool:
        """Whether this picture (H, W, 3) RGB, at a time after the last one's, shows another set-up than that one."""
        now = small(image)
        if self._now is not None and (now.shape != self._now.shape or t_s <= self._times_s[-1]):
            self._forget()
        self._last, self._now = self._now, now
        self._times_s.append(t_s)
        if self._last is None or self._usual_s > _LONGEST_S:
            return False
        changed = _another(self._last, now, self._box)
        if changed is None:
            return False
        change, of_half = changed
        is_cut = self._scenes.enough and of_half > _CHANGED and change > _TIMES * self._scenes.most
        if is_cut:
            self._before = self._before or (self._last, self._box)
            self._since_s, self._cut_s = min(self._since_s, t_s), t_s
            self._begin()
        else:
            self._scenes.add(t_s, change)
        return is_cut

    def sure_since_s(self) -> float | None:
        """In the picture in which it is sure that another set-up has been seen for a while: since when."""
        if self._before is None or self._now is None or self._times_s[-1] < self._cut_s + _SURE_S:
            return None
        changed = _another(self._before[0], self._now, self._before[1])
        since_s = self._since_s
        self.tell_moved()
        return since_s if changed is not None and changed[1] > _CHANGED else None

    def tell_moved(self) -> None:
        """That another set-up is seen is known already."""
        self._before = None
        self._since_s = self._cut_s = math.inf

    def jump(self, pose: Pose | None) -> bool:
        """Whether the runner, who is seen in the last picture so, cannot have come there from the one before."""
        self._box = body_box(pose)
        if pose is None or self._last is None or self._now is None or self._box is None or not self._even:
            self._poses.clear()
            return False
        t_s = self._times_s[-1]
        self._poses.append(pose)
        picture, joints = _change(self._last, self._now, self._box), _off(self._poses)
        known = self._pictures.enough and self._joints.enough
        repeated = self._pictures.enough and picture < _REPEATED * self._pictures.usual
        repeats, self._repeats = self._repeats or repeated, repeated
        if (
            known
            and not repeats
            and joints is not None
            and picture > _JUMPED * self._pictures.most
            and joints > _JUMPED * self._joints.most
            and _around(self._last, self._now, self._box) < _AROUND * picture
        ):
            self._begin()
            return True
        self._pictures.add(t_s, picture)
        if joints is not None:
            self._joints.add(t_s, joints)
        return False

    @property
    def _usual_s(self) -> float:
        """From one picture to the next."""
        return median(after_s - before_s for before_s, after_s in pairwise(self._times_s))

    @property
    def _even(self) -> bool:
        """Whether the last picture came as soon after the one before as usual."""
        usual_s = self._usual_s
        return usual_s <= _LONGEST_S and self._times_s[-1] - self._times_s[-2] < _UNEVEN * usual_s


def _another(before: Image, now: Image, runner: Box | None) -> tuple[float, float] | None:
    """Share of what stands still that is another thing now; None where too little is seen of it, or the light went.

    Of the whole picture, and of its left or right half, where it is smaller: who walks into it is in one of them.
    """
    spread = before.std(), now.std()
    if max(spread) > _LIGHT * min(spread):
        return None
    still = np.full(before.shape, True)
    if runner is not None:
        still[runner] = False
    whole = _squares(still).all(axis=1)
    old, new = (_squares(picture)[whole].astype(np.float32) for picture in (before, now))
    old -= old.mean(axis=1, keepdims=True)
    new -= new.mean(axis=1, keepdims=True)
    old_spread, new_spread = old.std(axis=1), new.std(axis=1)
    holds = (old_spread > _PLAIN) | (new_spread > _PLAIN)
    left = _squares(np.arange(before.shape[1]) < before.shape[1] / 2 * np.ones(before.shape))[whole].mean(axis=1) > 0.5
    halves = holds & left, holds & ~left
    if min(half.sum() for half in halves) < _FEWEST:
        return None
    alike = (old * new).mean(axis=1) / np.maximum(old_spread * new_spread, 1.0)
    another = alike < _ALIKE
    return float(another[holds].mean()), float(min(another[half].mean() for half in halves))


def _squares(picture: NDArray[_Value]) -> NDArray[_Value]:
    """(n, pixels) of a picture (H, W)."""
    rows, columns = (size // _SQUARE_PX for size in picture.shape)
    whole = picture[: rows * _SQUARE_PX, : columns * _SQUARE_PX]
    squares = whole.reshape(rows, _SQUARE_PX, columns, _SQUARE_PX).swapaxes(1, 2)
    return squares.reshape(rows * columns, _SQUARE_PX * _SQUARE_PX)


def _change(before: Image, now: Image, box: Box) -> float:
    """How much a part of the picture changed, grey levels, in light that may have."""
    old, new = before[box].astype(np.float32), now[box].astype(np.float32)
    if not old.size:
        return 0.0
    return float(np.abs(new * (old.mean() / max(float(new.mean()), 1.0)) - old).mean())


def _around(before: Image, now: Image, box: Box) -> float:
    """The same of all but that part."""
    changed = np.abs(now.astype(np.float32) * (before.mean() / max(float(now.mean()), 1.0)) - before)
    changed[box] = np.nan
    around = np.isfinite(changed)
    return float(changed[around].mean()) if around.any() else 0.0


def _off(poses: deque[Pose]) -> float | None:
    """How far limbs and trunk are from where they would be had they gone on as before, torsos; None from two poses."""
    if len(poses) < 3:
        return None
    first, last, now = (pose.xy_px for pose in poses)
    shoulders, hips = now[_SHOULDERS].mean(axis=0), now[_HIPS].mean(axis=0)
    torso_px = max(1.0, math.dist(shoulders, hips))
    trunks = [(xy[_SHOULDERS].mean(axis=0) + xy[_HIPS].mean(axis=0)) / 2 for xy in (first, last, now)]
    off_px = [math.dist(trunks[2], 2 * trunks[1] - trunks[0])]
    off_px += [_pair_off(*(xy[limb] for xy in (first, last, now))) for limb in _LIMBS]
    return sum(off for off in off_px if math.isfinite(off)) / torso_px


def _pair_off(first: FloatArray, last: FloatArray, now: FloatArray) -> float:
    """The same of left and right of one limb (2, 2), which the pose model may exchange; the mean of both, px."""
    first = min(first, first[::-1], key=lambda pair: float(np.linalg.norm(pair - last)))
    ahead = 2 * last - first
    return min(float(np.linalg.norm(pair - ahead, axis=1).mean()) for pair in (now, now[::-1]))
