"""From a whole picture to one runner's pose: where to look, and what MoveNet sees there.

The crop is a square in float picture coordinates that follows the runner. From the front and from behind it holds
shoulders to feet, from the side the whole body: every pixel of the network's few that is not spent on the head goes to
hips and knees (`model/tracking.md` has what that brings). It widens at once when a joint nears its edge and narrows
slowly, so that it does not tremble with every step (a trembling crop is noise on every joint) and the legs are always
inside.

From the front and from behind every second picture is looked at in the mirror, for nothing: what the network sees
otherwise left than right changes its sign from frame to frame, and falls out of everything that is measured over more
than one of them (`model/looks.py`).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from model.company import Company
from model.decoder import turned_back
from model.focus import Focus
from model.jumps import Jumps
from model.likeness import Likeness
from model.own_legs import SETTLES_S
from model.person import CORE, Box, Point, Region, Sighting, Stay, is_person, sighting, trunk_colour
from model.picture_quality import frame_quality, nobody
from model.pose import FloatArray, Joint, Pose, View
from model.quality import COVERED, CROWDED, MIN_SCORE, OUTSIDE, FrameQuality, Upright
from model.view import ViewEstimator

Framing = Literal["auto", "whole"]
_HEAD = slice(Joint.NOSE, Joint.RIGHT_EAR + 1)
#: The crop's side over the height of what it must hold: crown and soles lie beyond the joints, feet beyond the ankles.
_WHOLE_MARGIN, _CLOSE_MARGIN = 1.15, 1.08
#: Crown above shoulders, over shoulders to ankles; hips to ankles, in torsos (Drillis & Contini 1966).
_HEAD_SHARE = 0.23
_LEG_TORSOS = 1.7
#: The crop is never narrower than this many torsos, so that someone who bends or squats still fits.
_MIN_TORSOS = 2.6
_SHRINK_TAU_S = 2.0
_DRIFT_TAU_S = 0.5
#: A runner is followed this long before the crop closes in on them.
_CLOSE_AFTER_S = 1.0
#: Where the runner was lost from one frame to the next, one looks there again for this long before looking elsewhere.
_HOLD_S = 0.2
_LEARN_EVERY_S = 0.2
#: While the one who is followed does not run, one looks so often whether somebody does at least so far from them.
_RIVAL_EVERY_S, _RIVAL_TORSOS, _RIVAL_STAY_S = 0.12, 1.0, 1.5
#: Who has one foot so far above the other may be running: so long nobody else is believed.
_STEPS_TORSOS, _RIVAL_STEPS_S = 0.25, 1.5
#: A body's height with some air, and how far below the trunk's middle its own is, in torsos.
_BODY_TORSOS, _BODY_BELOW_TRUNK_TORSOS = 4.4, 0.6
#: A look past somebody before the runner ends so far from the middle of the runner's trunk, on that one's side. MoveNet
#: shows who is in front as long as most of them is in the crop, wherever the crop's middle is.
_CUT_TORSOS = 0.6
#: No limb is longer, in torsos as they look (Drillis & Contini 1966, by 1.7 for bent trunks and near limbs).
_LIMBS = [
    (side + near, side + far, torsos)
    for side in (0, 1)
    for near, far, torsos in (
        (Joint.LEFT_SHOULDER, Joint.LEFT_ELBOW, 1.1),
        (Joint.LEFT_ELBOW, Joint.LEFT_WRIST, 0.9),
        (Joint.LEFT_HIP, Joint.LEFT_KNEE, 1.45),
        (Joint.LEFT_KNEE, Joint.LEFT_ANKLE, 1.45),
    )
]
#: From this reduction on, pixels are averaged before they are sampled.
_PREFILTER = 3.0
#: A crop that is darker than this mean grey level is brightened to it before the network sees it, by so much at most.
#: The pictures on which the network's errors were measured (`bias.py`) are about as bright, or brighter.
_LIT, _MOST_LIT = 122.0, 3.0


class Net(Protocol):
    """What the tracker needs of a network; see `model.runtime.PoseNet`."""

    def invoke(self, crop: NDArray[np.uint8]) -> NDArray[np.float32]: ...


@dataclass(frozen=True, slots=True)
class Crop:
    """A square of the picture: its centre and its side, in px, not bound to whole pixels or to the picture."""

    x_px: float
    y_px: float
    side_px: float

    def cut(self, image: NDArray[np.uint8], size_px: int) -> NDArray[np.uint8]:
        """The square resampled to (size_px, size_px, 3); black where it leaves the picture."""
        scale = size_px / self.side_px
        left, top = self.x_px - self.side_px / 2, self.y_px - self.side_px / 2
        if scale * _PREFILTER < 1:
            image, left, top, scale = _halved(image, left, top, scale, self.side_px)
        # The centre of a pixel is at its index + 0.5 on both sides.
        to_crop = np.array([[scale, 0.0, (0.5 - left) * scale - 0.5], [0.0, scale, (0.5 - top) * scale - 0.5]])
        cut = cv2.warpAffine(image, to_crop, (size_px, size_px), flags=cv2.INTER_LINEAR)
        return np.asarray(cut, dtype=np.uint8)

    def share_inside(self, image: NDArray[np.uint8]) -> float:
        """Of the square, what lies within the picture."""
        ends: tuple[tuple[float, float], ...] = ((self.x_px, image.shape[1]), (self.y_px, image.shape[0]))
        half = self.side_px / 2
        width, height = (max(0.0, min(middle + half, size) - max(middle - half, 0.0)) for middle, size in ends)
        return width * height / self.side_px**2

    def to_picture(self, joints: NDArray[np.float32]) -> FloatArray:
        """(17, 2) px x, y in the picture, from (17, ≥ 2) y, x shares of the crop."""
        corner = (self.x_px - self.side_px / 2, self.y_px - self.side_px / 2)
        xy: FloatArray = joints[:, 1::-1].astype(np.float64) * self.side_px + corner
        return xy


def see(
    net: Net, image: NDArray[np.uint8], crop: Crop, size_px: int, in_mirror: bool = False, focus: Focus | None = None
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """The crop as it is, and what the network sees there: (17, 3) y, x as shares of the crop, and confidence.

    ``focus`` tells how soft the picture is; None: not at all.
    """
    cut = crop.cut(image, size_px)
    shown = _lit(cut if focus is None else focus.mended(cut, crop.side_px), crop.share_inside(image))
    if in_mirror:
        return cut, turned_back(net.invoke(np.ascontiguousarray(shown[:, ::-1])))
    return cut, net.invoke(shown)


def _lit(cut: NDArray[np.uint8], inside: float) -> NDArray[np.uint8]:
    """A dark crop brightened, for the network puts joints elsewhere in the dark (varied.md); others as they are.

    Args:
        cut: (n, n, 3).
        inside: share of it that is not black because it is outside of the picture.
    """
    level = sum(cv2.mean(cut)[:3]) / 3 / max(inside, 1e-6)
    if level >= _LIT:
        return cut
    return np.asarray(cv2.convertScaleAbs(cut, alpha=min(_LIT / max(level, 1.0), _MOST_LIT)), np.uint8)


def _halved(
    image: NDArray[np.uint8], left: float, top: float, scale: float, side_px: float
) -> tuple[NDArray[np.uint8], float, float, float]:
    """The part of the picture that is needed at half its resolution (a quarter, …), with the crop's place in it."""
    factor = 2 ** int(math.log2(2 / _PREFILTER / scale))
    height, width = (n // factor * factor for n in image.shape[:2])
    x0, y0 = (max(0, int(v) // factor * factor) for v in (left, top))
    x1 = min(width, -int(-(left + side_px) // factor) * factor)
    y1 = min(height, -int(-(top + side_px) // factor) * factor)
    if x1 <= x0 or y1 <= y0:
        return image, left, top, scale
    size = ((x1 - x0) // factor, (y1 - y0) // factor)
    small = cv2.resize(image[y0:y1, x0:x1], size, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8), (left - x0) / factor, (top - y0) / factor, scale * factor


def whole_picture(image_size_px: tuple[int, int]) -> Crop:
    """The smallest square that holds the whole picture."""
    width, height = image_size_px
    return Crop(width / 2, height / 2, float(max(width, height)))


def search_crops(image_size_px: tuple[int, int]) -> tuple[Crop, ...]:
    """Where to look for somebody: the whole picture, then squares of its shorter side, for those who are small."""
    width, height = image_size_px
    side = float(min(width, height))
    first, last = side / 2, max(width, height) - side / 2
    whole = whole_picture(image_size_px)
    if last - first < side / 8:
        return (whole,)
    along = [(first + last) / 2, first, last]
    return (whole, *(Crop(a, side / 2, side) if width > height else Crop(side / 2, a, side) for a in along))


def _light(image: NDArray[np.uint8]) -> float:
    """Mean grey level of a picture, from some of its pixels."""
    return float(image[::16, ::16].mean())


def _around_body(trunk_px: Point, torso_px: float) -> Crop:
    """The whole body of somebody whose trunk has its middle there."""
    x, y = trunk_px
    return Crop(x, y + _BODY_BELOW_TRUNK_TORSOS * torso_px, _BODY_TORSOS * torso_px)


class _Extent:
    """The box around some joints: grows at once, shrinks slowly, and goes along with who walks."""

    def __init__(self) -> None:
        self.box: Box | None = None
        self._t_s = 0.0

    def shift(self, right_px: float) -> None:
        if self.box is not None:
            left, top, right, bottom = self.box
            self.box = (left + right_px, top, right + right_px, bottom)

    def add(self, points: Sequence[Point], t_s: float) -> None:
        x, y = zip(*points, strict=True)
        now: Box = (min(x), min(y), max(x), max(y))
        if self.box is not None:
            keep = math.exp(-(t_s - self._t_s) / _SHRINK_TAU_S)
            left, top, right, bottom = (keep * was + (1 - keep) * new for was, new in zip(self.box, now, strict=True))
            now = (min(left, now[0]), min(top, now[1]), max(right, now[2]), max(bottom, now[3]))
        self.box, self._t_s = now, t_s


@dataclass(frozen=True, slots=True)
class Sight:
    """What one picture showed.

    Attributes:
        pose: the runner's; None when they are not seen.
        quality: how far to trust it, with a reason in plain words where it must not be used.
        crop: where it was looked for.
    """

    pose: Pose | None
    quality: FrameQuality
    crop: Crop


class RunnerTracker:
    """Follows one runner from picture to picture, and nobody else.

    Args:
        net: the network.
        size_px: the side of the network's input.
        framing: "auto" closes in on shoulders to feet in frontal views, and the head's joints are missing then;
            "whole" never does.
        region: where the runner may be; it outlives the tracker where it is handed on to the next.
        alternating: whether every second picture of a frontal view is looked at in the mirror.

    Attributes:
        focus: how soft the pictures are.
    """

    def __init__(
        self,
        net: Net,
        size_px: int,
        framing: Framing = "auto",
        region: Region | None = None,
        alternating: bool = True,
    ) -> None:
        self._net = net
        self._size_px = size_px
        self._framing = framing
        self._alternating, self._in_mirror = alternating, False
        self.region = region or Region()
        self._known: Likeness | None = None
        self._outsider = Stay()
        self._upright = Upright()
        self.focus = Focus()
        self._covered_s = -math.inf  # when somebody else was last seen in the runner's place
        self._lose()

    def _lose(self) -> None:
        """Nobody is followed any more; how the last one looked is kept for a while."""
        self._body, self._core = _Extent(), _Extent()
        self._view = ViewEstimator()
        self._jumps = Jumps()
        self._torso_px = self._hip_x_px = self._drift_px_s = 0.0
        self._since_s: float | None = None
        self._seen_s = -math.inf
        self._stay = Stay()
        self._search: Iterator[Crop] | None = None
        self._learned_s = -math.inf
        self._in_place = False
        self._company = Company()
        self._elsewhere: Iterator[Crop] | None = None
        self._rival, self._rival_s, self._rival_steps_s = Stay(), -math.inf, -math.inf
        self._rival_crop: Crop | None = None  # where somebody else was seen a moment ago
        self._past = False  # whether the last look was past somebody before the runner

    def camera_moved(self) -> None:
        """Whoever was followed is elsewhere in the picture now."""
        self._known = None
        self.region.forget()
        self._lose()

    @property
    def _lost(self) -> bool:
        """Whether nobody is followed."""
        return self._since_s is None

    @property
    def close(self) -> bool:
        """Whether the crop holds shoulders to feet only."""
        return bool(
            self._framing == "auto"
            and self._frontal
            and self._since_s is not None
            and self._seen_s - self._since_s >= _CLOSE_AFTER_S
        )

    @property
    def _frontal(self) -> bool:
        """Whether who is followed is surely seen from the front or from behind."""
        return self._view.view is not None and self._view.view.frontal

    def step(self, image: NDArray[np.uint8], t_s: float) -> Pose | None:
        """The runner's pose in this picture, or None when they are not seen; see `look`."""
        return self.look(image, t_s).pose

    def look(self, image: NDArray[np.uint8], t_s: float) -> Sight:
        """Looks for the runner in this picture.

        Args:
            image: (H, W, 3) uint8 RGB.
            t_s: the picture's time in seconds, increasing.

        Returns:
            Joints that the crop does not hold are NaN with a score of 0.
        """
        size = (image.shape[1], image.shape[0])
        if self._since_s is not None and t_s - self._seen_s > self._hold_s(self._since_s, t_s):
            self._lose()
        followed = self._crop()
        awaited = None if followed else self._awaited_crop(t_s)
        crop = followed or awaited or self._next_search(size)
        self._in_mirror = self._alternating and self._frontal and not self._in_mirror
        cut, joints = see(self._net, image, crop, self._size_px, self._in_mirror, self.focus)
        pose = self._pose(joints, crop, t_s, size)
        if not is_person(pose):
            return Sight(None, nobody(cut), crop)
        who = sighting(pose)
        if self._lost or self._known is None or self._known.needs_colour(who):
            who = replace(who, colour=trunk_colour(cut, joints, _light(image)))
        refused = self._refused(who)
        quality = self._upright.step(pose) or frame_quality(pose, cut)
        if refused is None and awaited and not (self._past and quality.reason is None):
            refused = COVERED  # what shows in the runner's place may still be made of both
        if refused is not None:
            if self._known is not None:
                self._known.note_other(who)
                if refused is OUTSIDE and not self._past:
                    self._known.note_nearer(who)
            if refused is COVERED:
                self._covered_s = t_s
            return Sight(None, refused, crop)
        self.focus.step(cut, crop.side_px, t_s)
        own_legs = self._own_legs(who)
        self._remember(pose, who)
        pose = self._jumps.step(pose, who.torso_px)
        runner = self._rival_who_runs(image, who)
        if runner is not None:
            self._give_way_to(runner)
            return Sight(None, OUTSIDE, crop)
        if t_s - self._rival_steps_s < _RIVAL_STEPS_S:  # it is not sure yet which of both is the runner
            return Sight(pose, OUTSIDE, crop)
        if self._crowded(image, pose, who):
            return Sight(pose, CROWDED, crop)
        # The first pictures after somebody else's may still be made of both.
        if quality.reason is None and not (own_legs and t_s - self._covered_s > SETTLES_S):
            quality = COVERED
        return Sight(pose, quality, crop)

    def _hold_s(self, since_s: float, t_s: float) -> float:
        """How long one looks again where the runner that is followed was lost."""
        awaited = self._known and self._known.awaited_at(t_s)
        # Who was taken up a moment ago is lost to the one who goes away, and that one is still beside them.
        return 0.0 if awaited and self._seen_s - since_s < _CLOSE_AFTER_S else _HOLD_S

    def _awaited_crop(self, t_s: float) -> Crop | None:
        """The body of a runner before whom somebody stepped: in turn as it is, which shows that one, and past them."""
        awaited = self._known and self._known.awaited_at(t_s)
        if not awaited:
            return None
        (x, y), torso_px, other_side = awaited
        self._past = not self._past
        away_px = other_side * (_BODY_TORSOS / 2 - _CUT_TORSOS) * torso_px if self._past else 0.0
        return _around_body((x - away_px, y), torso_px)

    def _next_search(self, image_size_px: tuple[int, int]) -> Crop:
        if self._search is None:
            first = self._region_crop(image_size_px)
            self._search = itertools.cycle((*first, *search_crops(image_size_px)))
        return next(self._search)

    def _region_crop(self, image_size_px: tuple[int, int]) -> tuple[Crop, ...]:
        box = self.region.box_px(image_size_px)
        if box is None:
            return ()
        left, top, right, bottom = box
        body_px = _BODY_TORSOS * self.region.torso_px or min(image_size_px)
        return (Crop((left + right) / 2, (top + bottom) / 2, max(right - left, bottom - top, body_px)),)

    def _crop(self) -> Crop | None:
        """Where to look for the runner that is followed; None when nobody is."""
        box, margin = (self._core.box, _CLOSE_MARGIN) if self.close else (self._body.box, _WHOLE_MARGIN)
        if box is None:
            return None
        left, top, right, bottom = box
        side_px = max((bottom - top) * margin, (right - left) * _WHOLE_MARGIN, self._torso_px * _MIN_TORSOS)
        return Crop((left + right) / 2, (top + bottom) / 2, side_px)

    def _pose(self, joints: NDArray[np.float32], crop: Crop, t_s: float, size: tuple[int, int]) -> Pose:
        xy, score = crop.to_picture(joints), joints[:, 2].astype(np.float64)
        if self.close:
            xy[_HEAD], score[_HEAD] = np.nan, 0.0
        return Pose(t_s, xy, score, size)

    def _refused(self, who: Sighting) -> FrameQuality | None:
        """Why this is not the runner, None where it is."""
        inside = self.region.holds(who)
        if not self._lost and self._known is not None:
            if self._in_place and self._stay.passes(who):
                self._known.lose_to_another(who)
                return COVERED
            if not self._known.fits(who):
                return COVERED
            return None if inside else self._outside(who)
        if not inside:
            return self._outside(who)
        return None if self._known is None or self._known.may_be(who, self._past) else COVERED

    def _outside(self, who: Sighting) -> FrameQuality | None:
        """The same of who is not where the runner runs."""
        self._outsider.add(who)
        if self._outsider.runs(who.t_s):
            self.region.forget()  # somebody runs elsewhere while nobody is in the region: the camera was moved
        return None if self.region.holds(who) else OUTSIDE

    def _own_legs(self, who: Sighting) -> bool:
        """Whether nobody else's knees or ankles are taken for the runner's."""
        view = self._view.view
        return self._known is None or self._known.has_own_legs(who, None if view is None else view.frontal)

    def _remember(self, pose: Pose, who: Sighting) -> None:
        if self._since_s is None:
            self._since_s = self._rival_s = pose.t_s
            self._company = Company(pose.t_s)
            if self._known is None or not self._known.remembers(who.t_s):
                self._known = Likeness()
        assert self._known is not None
        self._known.add(who)
        self._stay.add(who)
        self._go_along(who)
        if pose.t_s - self._learned_s >= _LEARN_EVERY_S:
            if self._stay.runs(pose.t_s):
                self._in_place = True
                self._outsider = Stay()
                if self._view.view is not None:
                    self._known.runs_in_place(self._view.view.frontal)
                self.region.learn(who, pose.t_s - self._learned_s)
            self._learned_s = pose.t_s
        self._torso_px, self._hip_x_px, self._seen_s, self._search = who.torso_px, who.hip_px[0], pose.t_s, None
        self._view.step(pose)
        points = _own_points(pose, who.torso_px)
        if not who.ankles_px:  # else a crop that cuts off the feet would never find them
            points[Joint.LEFT_ANKLE] = (who.hip_px[0], who.hip_px[1] + _LEG_TORSOS * who.torso_px)
        self._core.add([point for joint in CORE if (point := points[joint])], pose.t_s)
        if self.close and self._core.box is not None:
            left, top, right, bottom = self._core.box
            self._body.box = (left, top - _HEAD_SHARE * (bottom - top), right, bottom)
        else:
            self._body.add([point for point in points if point], pose.t_s)

    def _go_along(self, who: Sighting) -> None:
        """Moves the boxes with somebody who walks through the picture, so that they do not grow behind them."""
        dt_s = who.t_s - self._seen_s
        if 0 < dt_s < math.inf:
            share = 1 - math.exp(-dt_s / _DRIFT_TAU_S)
            self._drift_px_s += share * ((who.hip_px[0] - self._hip_x_px) / dt_s - self._drift_px_s)
            self._body.shift(self._drift_px_s * dt_s)
            self._core.shift(self._drift_px_s * dt_s)

    def _rival_who_runs(self, image: NDArray[np.uint8], who: Sighting) -> Sighting | None:
        """Somebody nearer to the middle of the picture who runs in one place, while the one who is followed does not.

        Whoever stands beside the treadmill may have been seen before the runner stepped on it.
        """
        if self._in_place or who.t_s - self._rival_s < _RIVAL_EVERY_S:
            return None
        if self._elsewhere is None:
            crops = search_crops(who.image_size_px)
            middle = crops[min(1, len(crops) - 1)]
            self._elsewhere = itertools.chain.from_iterable(zip(itertools.repeat(middle), itertools.cycle(crops)))
        self._rival_s = who.t_s
        crop = self._rival_crop or next(self._elsewhere)
        self._rival_crop = None
        other = self._see(image, crop, who)
        if not is_person(other):
            return None
        beside, middle_px = sighting(other), who.image_size_px[0] / 2
        if (
            abs(beside.hip_px[0] - middle_px) > abs(who.hip_px[0] - middle_px)
            or math.dist(beside.hip_px, who.hip_px) < _RIVAL_TORSOS * who.torso_px
            or not self.region.holds(beside)
        ):
            return None
        self._rival.add(beside)
        if abs(beside.ankles) > _STEPS_TORSOS:
            self._rival_steps_s = who.t_s
        self._rival_crop = _around_body(beside.trunk_px, beside.torso_px)
        return beside if self._rival.runs(beside.t_s, _RIVAL_STAY_S) else None

    def _give_way_to(self, runner: Sighting) -> None:
        """The next look is at somebody else."""
        self._lose()
        self._known = None
        there = _around_body(runner.trunk_px, runner.torso_px)
        self._search = itertools.cycle((there, *search_crops(runner.image_size_px)))

    def _see(self, image: NDArray[np.uint8], crop: Crop, who: Sighting) -> Pose:
        """What is in another part of the picture in which ``who`` was seen."""
        _, joints = see(self._net, image, crop, self._size_px, focus=self.focus)
        return Pose(who.t_s, crop.to_picture(joints), joints[:, 2].astype(np.float64), who.image_size_px)

    def _crowded(self, image: NDArray[np.uint8], pose: Pose, who: Sighting) -> bool:
        """Whether somebody else is on the belt: now and then one looks beside them, left and right in turn, from the
        side when legs jump, and where somebody is seen again and again."""
        side = self._view.view is View.SIDE
        if self._company.is_sought(who.t_s, at_once=side and self._jumps.jumped):
            beside, side_px = (torsos * who.torso_px for torsos in self._company.aside)
            other = self._see(image, Crop(who.hip_px[0] + beside, who.hip_px[1], side_px), who)
            self._company.see(other, pose, who, lowest_px=self._body.box[3] if side and self._body.box else None)
        return self._company.is_there(who.t_s)


def _own_points(pose: Pose, torso_px: float) -> list[Point | None]:
    """The joints that are surely seen, without those at the end of a limb too long to be of the same body."""
    points: list[Point | None] = [
        (x, y) if score > MIN_SCORE else None
        for (x, y), score in zip(pose.xy_px.tolist(), pose.score.tolist(), strict=True)
    ]
    xy = pose.xy_px.tolist()  # where the near joint is only guessed, the far one may still be somebody else's
    for near, far, torsos in _LIMBS:
        end = points[far]
        if end is not None and math.dist(xy[near], end) > torsos * torso_px:
            points[far] = None
    return points
