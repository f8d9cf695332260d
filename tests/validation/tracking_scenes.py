"""Whether the right person is followed, and whether bad pictures are refused."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np

from model.doubts import MAX_DOUBT
from model.movenet import RunnerTracker, Sight
from model.person import Region
from model.pose import FloatArray, Joint, Pose
from model.quality import MIN_SCORE
from model.runtime import ModelName
from tests.model.bystanders import Image, Sprite, body_mask, cut_out, mid_hip, off_px, torso_px, with_second_person
from tests.model.bystanders import Path as Way
from tests.validation.tracking_accuracy import FPS, Clip, Poses, follower, open_net, pictures, score, table

#: A runner of whom more is hidden cannot be asked for.
_COVERED = 0.3
#: Of so few stances no noise is told.
_FEW_STANCES = 0.2
#: No joint of the runner is seen so far off without another body; torsos.
_LEG_OFF = 0.35
#: At 3 m a torso is half a metre.
_TORSOS_PER_M = 2.0


# A second person.

#: The one scene in which the runner is not there from the start.
LATE, _LATE_S = "stands 0.85 m beside before the runner comes", 3.0
#: Here the second person does not move their legs.
_STOPS = ("stops in front for a second", "stops right in front")


def scenes(hip: FloatArray, torso: float) -> Mapping[str, Way]:
    """What the second person does near a runner whose hips are there."""
    x, y = hip

    def walks(speed_m_s: float, down: float, size: float, in_front: bool) -> Way:
        speed_px = speed_m_s * _TORSOS_PER_M * torso
        return lambda t_s: (-120 + (t_s - 3) * speed_px, y + down * torso, size * torso, in_front)

    def crawls(speed_m_s: float, down: float, size: float, to_the_left: bool = False) -> Way:
        """In front, through the runner's place at 6 s."""
        speed_px = (-1 if to_the_left else 1) * speed_m_s * _TORSOS_PER_M * torso
        return lambda t_s: (x + (t_s - 6) * speed_px, y + down * torso, size * torso, True)

    def stands(right: float, down: float, size: float, in_front: bool, from_s: float, to_s: float) -> Way:
        at = (x + right * torso, y + down * torso, size * torso, in_front)
        return lambda t_s: at if from_s <= t_s < to_s else None

    return {
        LATE: stands(1.7, 0.0, 0.95, False, 0.0, math.inf),
        "runs 0.85 m beside": stands(1.7, 0.0, 0.95, False, 0.0, math.inf),
        "comes up to 0.6 m beside": lambda t_s: (x + max(1.2, 6 - 2 * (t_s - 3)) * torso, y, 0.95 * torso, False),
        "walks by behind, 1.3 m/s": walks(1.3, -0.25, 0.75, False),
        "walks by in front, 1.3 m/s": walks(1.3, 0.3, 1.3, True),
        "walks by in front, 0.5 m/s": walks(0.5, 0.2, 1.25, True),
        "walks by in front, 0.35 m/s": crawls(0.35, 0.2, 1.25),
        "walks by in front to the left, 0.5 m/s": crawls(0.5, 0.2, 1.25, to_the_left=True),
        "walks by hardly nearer than the runner, 0.5 m/s": crawls(0.5, 0.05, 1.05),
        _STOPS[0]: lambda t_s: (x + _stops(t_s) * torso, y + 0.2 * torso, 1.25 * torso, True),
        _STOPS[1]: lambda t_s: (x + (_stops(t_s) + 0.45) * torso, y + 0.2 * torso, 1.25 * torso, True),
        "on the belt behind, 4 to 7 s": stands(0.6, -0.1, 0.9, False, 4.0, 7.0),
        "on the belt in front, 4 to 7 s": stands(-0.6, 0.1, 1.1, True, 4.0, 7.0),
    }


def _stops(t_s: float) -> float:
    """Torsos to the right: comes at 1 m/s from the left, stands 0.3 to the left from 5 to 6 s, walks on."""
    return -0.3 + _TORSOS_PER_M * (min(t_s - 5, 0.0) + max(t_s - 6, 0.0))


def second_people(demo: Clip, data: Path) -> dict[str, list[Sprite]]:
    """Cut-out people by what they wear."""
    frames = enumerate(itertools.islice(demo.pictures(), 30))
    same = [cut_out(image, demo.true(n)) for n, (_, image) in frames]
    found = {
        "blue for red": [replace(sprite, image=np.ascontiguousarray(sprite.image[..., ::-1])) for sprite in same],
        "the runner's": same,
    }
    film = data / "pose2sim" / "cam01.mp4"
    if film.exists():
        net = open_net("thunder")
        tracker = RunnerTracker(net, net.weights.size_px, framing="whole")
        seen = [(image, tracker.step(image, t_s)) for t_s, image in itertools.islice(pictures(film), 60)]
        found["pose2sim's man"] = [cut_out(image, pose.xy_px) for image, pose in seen[::2] if pose is not None]
    return found


@dataclass(slots=True)
class Tally:
    """Frames of a scene by what was made of them."""

    covered: int = 0
    right: int = 0
    doubtful: int = 0
    nobody: int = 0
    wrong: int = 0
    longest_s: float = 0.0
    _since_s: float | None = field(default=None)

    def add(self, sight: Sight, t_s: float, runner: FloatArray, second: FloatArray | None, covered: float) -> None:
        trusted = sight.pose is not None and sight.quality.reason is None
        self.covered += covered > _COVERED
        if sight.pose is None:
            self.nobody += 1
        elif not trusted:
            self.doubtful += 1
        else:
            off = [math.inf if xy is None else _median_off(sight.pose.xy_px, xy) for xy in (runner, second)]
            mine = off[0] <= off[1] and off[0] < torso_px(runner) / 2
            mine = mine and not (second is not None and _has_legs_of(second, sight.pose, runner))
            self.right, self.wrong = self.right + mine, self.wrong + (not mine)
        self._time(t_s, missing=sight.pose is None and covered <= _COVERED)

    def _time(self, t_s: float, missing: bool) -> None:
        if not missing:
            self._since_s = None
            return
        self._since_s = t_s if self._since_s is None else self._since_s
        self.longest_s = max(self.longest_s, t_s - self._since_s + 1 / FPS)

    def cells(self) -> list[str]:
        frames = self.right + self.doubtful + self.nobody + self.wrong
        counts = (self.covered, self.right, self.doubtful, self.nobody, self.wrong)
        return [*(f"{100 * n / frames:.1f} %" for n in counts), f"{self.longest_s:.2f}"]


def _without(image: Image, xy: FloatArray) -> Image:
    """The picture with grey where the body is."""
    body = cv2.dilate((body_mask(image.shape, xy) > 0.1).astype(np.uint8), np.ones((41, 41), np.uint8))
    return np.where(body[..., None] > 0, 140, image).astype(np.uint8)


def _median_off(seen: FloatArray, xy: FloatArray) -> float:
    """Of the joints below the head."""
    return float(np.nanmedian(np.linalg.norm((seen - xy)[Joint.LEFT_SHOULDER :], axis=1)))


def _has_legs_of(second: FloatArray, pose: Pose, runner: FloatArray) -> bool:
    """Whether two of knees and ankles are off by a third of a torso, and lie where the other one has theirs."""
    legs = [joint for joint in range(Joint.LEFT_KNEE, Joint.RIGHT_ANKLE + 1) if pose.score[joint] > MIN_SCORE]

    far = [joint for joint in legs if off_px(pose, joint, runner) > _LEG_OFF * torso_px(runner)]
    return sum(off_px(pose, joint, second) < off_px(pose, joint, runner) / 2 for joint in far) >= 2


def scenes_table(
    demo: Clip, people: Mapping[str, Sequence[Sprite]], models: Sequence[ModelName], only: Sequence[str] | None = None
) -> str:
    film = [(t_s, image, demo.true(n)) for n, (t_s, image) in enumerate(demo.pictures()) if t_s < 11]
    nets = {name: open_net(name) for name in models}
    rows: list[tuple[str, ...]] = []
    for clothes, sprites in people.items():
        for scene, way in scenes(mid_hip(film[0][2]), torso_px(film[0][2])).items():
            if only is not None and scene not in only:
                continue
            trackers, tallies = {name: follower(nets[name]) for name in nets}, {name: Tally() for name in nets}
            from_s = _LATE_S if scene == LATE else 0.0
            who = sprites[:1] if scene in (LATE, *_STOPS) else sprites
            frames = ((t_s, image if t_s >= from_s else _without(image, true), true) for t_s, image, true in film)
            for t_s, image, runner, second, covered in with_second_person(frames, who, way):
                for name, tracker in trackers.items():
                    sight = tracker.look(image, t_s)
                    if t_s >= from_s:
                        tallies[name].add(sight, t_s, runner, second, covered)
            rows += [(name, clothes, scene, *tally.cells()) for name, tally in tallies.items()]
    heads = ["model", "clothes", "the second person", "covered", "runner, trusted", "doubtful", "nobody"]
    order = list(models)
    rows.sort(key=lambda row: order.index(row[0]))  # type: ignore[arg-type]
    return table([*heads, "**wrong, trusted**", "missed for, s"], rows)


# The runner moves on the belt.

#: By what share of their distance they come nearer, and how many torsos to the right they go, in how many seconds.
_MOVES = {
    "forward by a tenth of the distance in 1.5 s": (0.1, 0.0, 1.5),
    "forward by a fifth in 3 s": (0.2, 0.0, 3.0),
    "forward by a fifth in 1.5 s": (0.2, 0.0, 1.5),
    "back by a seventh in 1.5 s": (-0.15, 0.0, 1.5),
    "0.2 m to the left in a second": (0.0, -0.4, 1.0),
    "0.3 m to the right in 2 s": (0.0, 0.6, 2.0),
    "0.3 m to the left in a second": (0.0, -0.6, 1.0),
}
_MOVES_FROM_S, _STAYS_S = 4.5, 1.5


def _gone(
    image: Image, true: FloatArray, t_s: float, nearer: float, aside: float, in_s: float
) -> tuple[Image, FloatArray]:
    """The picture and the joints of a runner who goes there, stays for a while and comes back."""
    there, back = (np.clip((t_s - from_s) / in_s, 0, 1) for from_s in (_MOVES_FROM_S, _MOVES_FROM_S + in_s + _STAYS_S))
    share = (math.cos(math.pi * back) - math.cos(math.pi * there)) / 2
    scale, (height, width) = 1 / (1 - nearer * share), image.shape[:2]
    to = np.array([aside * share * torso_px(true), 0.0]) + (1 - scale) * np.array([width / 2, height * 0.45])
    moved = cv2.warpAffine(image, np.c_[np.eye(2) * scale, to], (width, height), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.uint8), true * scale + to


def moves_table(of: Sequence[Clip], models: Sequence[ModelName], only: Sequence[str] | None = None) -> str:
    """Whether a runner who goes elsewhere on the belt is still the runner."""
    rows = []
    for name, clip in itertools.product(models, of):
        net = open_net(name)
        film = [(t_s, image, clip.true(n)) for n, (t_s, image) in enumerate(clip.pictures()) if t_s < 11]
        for move, how in _MOVES.items():
            if only is not None and move not in only:
                continue
            tracker, tally = follower(net), Tally()
            for t_s, image, true in film:
                moved, joints = _gone(image, true, t_s, *how)
                tally.add(tracker.look(moved, t_s), t_s, joints, None, 0.0)
            rows.append([name, clip.name, move, *tally.cells()[1:]])
    heads = ["model", "clip", "the runner goes", "runner, trusted", "doubtful", "nobody", "**wrong, trusted**"]
    return table([*heads, "missed for, s"], rows)


# Real films.


@dataclass(frozen=True, slots=True)
class Film:
    """A real film, and where the hips of the one to follow are, read off by eye.

    Attributes:
        hips: time in seconds, and right and down as shares of the picture; straight lines between.
        near: how far off still is the same person, as a share of the picture's height: about 0.4 torsos.
        region: set by hand.
    """

    path: str
    who: str
    hips: Sequence[tuple[float, float, float]]
    near: float
    region: tuple[float, float, float, float] | None = None

    def at(self, t_s: float) -> FloatArray | None:
        """Where the hips are; None before and after."""
        t, x, y = np.array(self.hips).T
        if not t[0] <= t_s <= t[-1]:
            return None
        return np.array([np.interp(t_s, t, x), np.interp(t_s, t, y)])


FILMS: Sequence[Film] = (
    Film(
        "pose2sim/cam01.mp4",
        "the man on the treadmill",
        [
            (0.0, 0.39, 0.396),
            (0.2, 0.42, 0.400),
            (0.4, 0.42, 0.405),
            (0.6, 0.42, 0.405),
            (0.8, 0.44, 0.400),
            (1.0, 0.42, 0.410),
            (1.2, 0.46, 0.418),
            (1.4, 0.56, 0.430),
            (1.7, 0.57, 0.450),
        ],
        0.06,
    ),
    Film(
        "pose2sim/cam03.mp4",
        "the man on the treadmill",
        [
            (0.0, 0.59, 0.484),
            (0.2, 0.56, 0.472),
            (0.4, 0.53, 0.457),
            (0.6, 0.51, 0.445),
            (0.8, 0.50, 0.437),
            (1.0, 0.50, 0.432),
            (1.2, 0.45, 0.436),
            (1.4, 0.39, 0.436),
            (1.7, 0.33, 0.440),
        ],
        0.06,
    ),
    Film("real/male_side.mp4", "the runner", [(0.0, 0.42, 0.69), (12.0, 0.42, 0.69)], 0.06),
    Film(
        "real/walk_side_outdoor.mp4",
        "the man on the roof",
        [
            (0.0, 0.365, 0.25),
            (1.0, 0.346, 0.24),
            (2.0, 0.346, 0.29),
            (2.5, 0.357, 0.26),
            (3.5, 0.368, 0.25),
            (4.0, 0.412, 0.25),
            (4.5, 0.43, 0.25),
            (5.0, 0.44, 0.27),
            (5.5, 0.453, 0.33),
        ],
        0.07,
    ),
    Film(
        "real/walk_side_outdoor.mp4",
        "the woman on the lawn",
        [
            (1.5, 0.85, 0.74),
            (2.5, 0.72, 0.735),
            (3.5, 0.55, 0.725),
            (4.5, 0.385, 0.735),
            (5.5, 0.206, 0.735),
            (6.3, 0.06, 0.735),
        ],
        0.07,
        (0.0, 0.45, 1.0, 1.0),
    ),
)


def real_table(data: Path, models: Sequence[ModelName]) -> str:
    """Who is followed in real films."""
    rows = []
    for name, film in itertools.product(models, FILMS):
        if not (data / film.path).exists():
            continue
        net = open_net(name)
        tracker = RunnerTracker(net, net.weights.size_px, region=Region(film.region))
        count = dict.fromkeys(("right", "doubtful", "nobody", "other"), 0)
        for t_s, image in pictures(data / film.path):
            sight, true = tracker.look(image, t_s), film.at(t_s)
            if true is None:
                continue
            if sight.pose is None:
                count["nobody"] += 1
                continue
            size = np.array(image.shape[1::-1])
            away = float(np.linalg.norm(mid_hip(sight.pose.xy_px) - true * size)) / size[1]
            trusted = "right" if sight.quality.reason is None else "doubtful"
            count["other" if away > film.near else trusted] += 1
        frames = sum(count.values())
        shares = [f"{100 * n / frames:.1f} %" for n in count.values()]
        rows.append([name, film.path, film.who, "set" if film.region else "none", frames, *shares])
    heads = ["model", "film", "to be followed", "region", "frames", "followed", "doubtful", "nobody", "somebody else"]
    return table(heads, rows) if rows else "(The films are not here.)"


# Dark, blurred, too far.


@dataclass(frozen=True, slots=True)
class Spoiler:
    """What is done to a picture, and the factor by which the runner shrinks."""

    spoil: Callable[[Image], FloatArray]
    factor: float = 1.0


def spoilers() -> dict[str, Spoiler]:
    found = {"as it is": Spoiler(lambda image: image.astype(np.float64))}
    found |= {f"light × {share}": Spoiler(_dimmed(share)) for share in (0.3, 0.15, 0.08, 0.05, 0.03)}
    found |= {f"contrast × {share}": Spoiler(_hazy(share)) for share in (0.15, 0.08)}
    found |= {f"out of focus, σ {sigma} px": Spoiler(_unfocused(sigma)) for sigma in (4, 8, 12)}
    found |= {f"moved by {length} px": Spoiler(_moved(length)) for length in (21, 41)}
    return found | {f"{1 / factor:.1f} times as far": Spoiler(_far(factor), factor) for factor in (0.5, 0.3, 0.2, 0.15)}


def _noisy(rng: np.random.Generator, image: FloatArray) -> FloatArray:
    """The sensor's noise of two grey levels stays when the light goes."""
    noisy: FloatArray = image + rng.normal(0, 2.0, image.shape[:2])[..., None]
    return noisy


def _dimmed(share: float) -> Callable[[Image], FloatArray]:
    rng = np.random.default_rng(0)
    return lambda image: _noisy(rng, image.astype(np.float64) * share)


def _hazy(share: float) -> Callable[[Image], FloatArray]:
    rng = np.random.default_rng(0)
    return lambda image: _noisy(rng, 128 + (image.astype(np.float64) - 128.0) * share)


def _unfocused(sigma_px: float) -> Callable[[Image], FloatArray]:
    return lambda image: cv2.GaussianBlur(image, (0, 0), sigma_px).astype(np.float64)


def _moved(length_px: int) -> Callable[[Image], FloatArray]:
    """Sideways while the shutter was open."""
    kernel = np.zeros((length_px, length_px))
    kernel[length_px // 2] = 1 / length_px
    return lambda image: cv2.filter2D(image, -1, kernel).astype(np.float64)


def _far(factor: float) -> Callable[[Image], FloatArray]:
    """The whole picture, smaller, in the middle of grey."""

    def shrink(image: Image) -> FloatArray:
        small = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        out = np.full(image.shape, 128.0)
        y, x = ((a - b) // 2 for a, b in zip(image.shape[:2], small.shape[:2], strict=True))
        out[y : y + small.shape[0], x : x + small.shape[1]] = small
        return out

    return shrink


def quality_table(of: Sequence[Clip], models: Sequence[ModelName], only: Sequence[str] | None = None) -> str:
    rows = []
    for name in models:
        net = open_net(name)
        for what, spoiler in spoilers().items():
            if only is None or what in only:
                spoilt = Spoilt()
                for clip in of:
                    tracker = follower(net)
                    for n, (t_s, image) in enumerate(clip.pictures()):
                        spoilt_image = spoiler.spoil(image).clip(0, 255).astype(np.uint8)
                        spoilt.add(tracker.look(spoilt_image, t_s), clip, n, spoiler.factor)
                rows.append([name, what, *spoilt.cells(of)])
    heads = ["model", "picture", "trusted", "legs off, median", "p90", "refused", "legs off, median", "nobody"]
    return table([*heads, "stances counted", "FPPA noise", "reason, mostly"], rows)


@dataclass(slots=True)
class Spoilt:
    """What was seen in spoilt pictures."""

    trusted: Poses = field(default_factory=dict)
    off: list[FloatArray] = field(default_factory=list)
    off_refused: list[FloatArray] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    nobody: int = 0

    def add(self, sight: Sight, clip: Clip, n: int, factor: float) -> None:
        reason = sight.quality.reason
        self.reasons += [] if reason is None else [re.sub(r"\d+", "n", reason, count=1)]
        if sight.pose is None:
            self.nobody += 1
            return
        middle = np.array(sight.pose.image_size_px) / 2
        xy = (sight.pose.xy_px - middle) / factor + middle
        true = clip.true(n)
        off = np.linalg.norm((xy - true)[Joint.LEFT_HIP :], axis=1) / torso_px(true) * 100
        (self.off if reason is None else self.off_refused).append(off)
        if reason is None:
            self.trusted[clip.name, n] = xy

    def cells(self, of: Sequence[Clip]) -> list[str]:
        frames = len(self.off) + len(self.off_refused) + self.nobody
        shares = [f"{100 * n / frames:.0f} %" for n in (len(self.off), len(self.off_refused), self.nobody)]
        enough = 0.03 * frames
        good = [f"{value:.1f}" for value in np.percentile(self.off, [50, 90])] if len(self.off) > enough else ["–"] * 2
        bad = f"{np.median(self.off_refused):.1f}" if len(self.off_refused) > enough else "–"
        counted, share = self._counted(of)
        noise = f"{score(counted, of).noise_deg:.2f}" if share >= _FEW_STANCES else "–"
        reason = max(set(self.reasons), key=self.reasons.count) if self.reasons else ""
        return [shares[0], *good, shares[1], bad, shares[2], f"{100 * share:.0f} %", noise, reason]

    def _counted(self, of: Sequence[Clip]) -> tuple[Poses, float]:
        """The trusted poses of stances that are counted, and the share of these of all stances."""
        poses: Poses = {}
        counted = []
        for clip, stance in [(film, one) for film in of for one in film.stances]:
            first, last = math.ceil(stance["strike_s"] * FPS), math.floor(stance["toeoff_s"] * FPS)
            during = [(clip.name, n) for n in range(first, last + 1)]
            counted.append(sum(key not in self.trusted for key in during) < MAX_DOUBT * len(during))
            if counted[-1]:
                poses |= {key: self.trusted[key] for key in during if key in self.trusted}
        return poses, float(np.mean(counted)) if counted else 0.0
