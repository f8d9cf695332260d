"""How far the joints and a stance's angles are off, for the tracker as it is and for what might have been instead."""

from __future__ import annotations

import itertools
import json
import math
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from device.cameras.video import to_rgb
from model import kinematics as k
from model.looks import evened
from model.movenet import Crop, RunnerTracker, see
from model.pose import MIRROR_INDEX, FloatArray, Joint, Pose, Side, View
from model.runtime import ModelName, PoseNet, available_runtimes, load_weights
from model.stance import MID_WINDOW_S
from tests.model.bystanders import Image, torso_px

FPS = 30.0
#: No stance so near the beginning or the end is scored; a dive is at least so large.
_EDGE_S, _DIVE_DEG = 0.7, 8.0
JOINTS = {
    "shoulder": (Joint.LEFT_SHOULDER, Joint.RIGHT_SHOULDER),
    "hip": (Joint.LEFT_HIP, Joint.RIGHT_HIP),
    "knee": (Joint.LEFT_KNEE, Joint.RIGHT_KNEE),
    "ankle": (Joint.LEFT_ANKLE, Joint.RIGHT_ANKLE),
}
_CORE = [joint for pair in JOINTS.values() for joint in pair]
#: Joints (17, 2) px by clip and frame.
Poses = dict[tuple[str, int], FloatArray]
#: Makes one value of those of the frames around mid-stance.
Middle = Callable[[FloatArray], Any]


@dataclass(frozen=True, slots=True)
class Clip:
    """A rendered clip with its truth; only its first ``seconds`` are looked at."""

    path: Path
    truth: Mapping[str, Any]
    seconds: float

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def view(self) -> View:
        return View(self.truth["view"])

    @property
    def frames(self) -> int:
        return int(min(self.truth["n_frames"], self.seconds * FPS))

    @property
    def stances(self) -> list[dict[str, Any]]:
        """Those that are scored."""
        start_s, end_s = self.truth.get("runner_interval_s") or (0.0, self.truth["n_frames"] / FPS)
        end_s = min(end_s, self.seconds)
        return [s for s in self.truth["stances"] if start_s + _EDGE_S <= s["mid_s"] <= end_s - _EDGE_S]

    def true(self, frame: int) -> FloatArray:
        """(17, 2) px."""
        return np.array(self.truth["frames"][frame]["uv"], dtype=np.float64)

    def pictures(self) -> Iterator[tuple[float, Image]]:
        return itertools.takewhile(lambda picture: picture[0] < self.seconds, pictures(self.path))


def clips(own: Path, data: Path, seconds: float = math.inf) -> list[Clip]:
    """The clip that ships with the project, and all others with truth that are there."""
    found = {path.stem: path for path in (data / "clips").glob("*.mp4")} | {own.stem: own}
    return [
        Clip(path, json.loads(path.with_suffix(".json").read_text("utf-8")), seconds)
        for _, path in sorted(found.items())
    ]


def pictures(path: Path) -> Iterator[tuple[float, Image]]:
    """Time in seconds and picture, RGB."""
    capture = cv2.VideoCapture(str(path))
    fps, n = capture.get(cv2.CAP_PROP_FPS), 0
    try:
        while (read := capture.read())[0]:
            yield n / fps, to_rgb(np.asarray(read[1], np.uint8))
            n += 1
    finally:
        capture.release()


def open_net(name: ModelName, refined: bool = True, mirrored: bool = False) -> PoseNet:
    return PoseNet(load_weights(name), next(iter(available_runtimes())), 1, refined, mirrored)


def follower(net: PoseNet, alternating: bool = True) -> RunnerTracker:
    return RunnerTracker(net, net.weights.size_px, alternating=alternating)


def table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in (heads, ["---"] * len(heads), *rows))


# The error of a stance.


@dataclass(slots=True)
class Score:
    """Errors per stance, each list with one array for a side of a clip."""

    error: list[FloatArray] = field(default_factory=list)
    noise: list[FloatArray] = field(default_factory=list)
    drop: list[FloatArray] = field(default_factory=list)
    separation: list[float] = field(default_factory=list)
    gain: list[float] = field(default_factory=list)

    HEADS = ("mean abs. error", "spread", "noise", "pelvic drop", "d'", "gain")

    @property
    def mean_abs_deg(self) -> float:
        return float(np.mean([abs(value) for error in self.error for value in error]))

    @property
    def noise_deg(self) -> float:
        return _spread(self.noise)

    @property
    def drop_deg(self) -> float:
        return _spread(self.drop)

    def cells(self) -> list[str]:
        spread = _spread([error - error.mean() for error in self.error])
        degrees = [self.mean_abs_deg, spread, self.noise_deg, self.drop_deg]
        dives = [f"{np.mean(values):.2f}" if values else "–" for values in (self.separation, self.gain)]
        return [*(f"{value:.2f}" for value in degrees), *dives]


def _spread(groups: Sequence[FloatArray]) -> float:
    """Standard deviation over all groups; NaN where there is none."""
    return float(np.concatenate(groups).std()) if groups else math.nan


def score(poses: Poses, of: Sequence[Clip], middle: Middle = np.nanmedian) -> Score:
    """Errors per stance of what is seen within `MID_WINDOW_S` of the true middle of stance."""
    total = Score()
    for clip in of:
        for side in Side:
            rows = list(_stances(poses, clip, side, middle))
            if rows:
                _add(total, *np.array(rows, dtype=np.float64).T)
    return total


def _stances(poses: Poses, clip: Clip, side: Side, middle: Middle) -> Iterator[tuple[float, ...]]:
    """FPPA and pelvic drop as seen, the same in truth, and the dive that was put in."""
    for stance in clip.stances:
        if stance["side"] != side:
            continue
        near = [poses[clip.name, n] for n in _mid_frames(stance["mid_s"]) if (clip.name, n) in poses]
        if near:
            xy = np.stack(near)
            yield (
                float(middle(k.fppa_image_deg(xy, side))),
                float(middle(k.pelvic_drop_deg(xy, side))),
                stance["fppa_mid_deg"],
                stance["pelvic_drop_mid_deg"],
                stance["valgus_added_deg"],
            )


def _mid_frames(mid_s: float) -> list[int]:
    first, last = np.ceil((mid_s - MID_WINDOW_S) * FPS), np.floor((mid_s + MID_WINDOW_S) * FPS)
    return list(range(int(first), int(last) + 1))


def _add(
    total: Score, fppa: FloatArray, drop: FloatArray, true: FloatArray, true_drop: FloatArray, added: FloatArray
) -> None:
    error: FloatArray = fppa - true
    dive, rest = added >= _DIVE_DEG, added == 0
    total.error.append(error)
    total.drop.append(drop - true_drop - (drop - true_drop).mean())
    total.noise += [error[part] - error[part].mean() for part in (~rest, rest) if part.sum() > 1]
    if dive.sum() > 1 and rest.sum() > 1:
        within = (fppa[dive].var() * dive.sum() + fppa[rest].var() * rest.sum()) / (dive.sum() + rest.sum() - 2)
        apart = float(fppa[dive].mean() - fppa[rest].mean())
        total.separation.append(apart / float(np.sqrt(within)))
        total.gain.append(apart / float(true[dive].mean() - true[rest].mean()))


# What pays.


@dataclass(frozen=True, slots=True)
class Nets:
    """The same weights, read from several cells and from the best one."""

    name: ModelName
    refined: PoseNet
    best_cell: PoseNet


def open_nets(name: ModelName) -> Nets:
    return Nets(name, open_net(name), open_net(name, refined=False))


Variant = Callable[[Nets, Image, Crop], FloatArray]


def _joints(net: PoseNet, image: Image, crop: Crop) -> FloatArray:
    return crop.to_picture(see(net, image, crop, net.weights.size_px)[1])


def kept(nets: Nets, image: Image, crop: Crop) -> FloatArray:
    return _joints(nets.refined, image, crop)


def _best_cell(nets: Nets, image: Image, crop: Crop) -> FloatArray:
    return _joints(nets.best_cell, image, crop)


def _whole(margin: float) -> Variant:
    """The whole body: the head is 0.23 of shoulders to ankles, which are the close crop's side over 1.08."""

    def look(nets: Nets, image: Image, crop: Crop) -> FloatArray:
        height = crop.side_px / 1.08
        whole = Crop(crop.x_px, crop.y_px - 0.23 / 2 * height, 1.23 * height * margin)
        return _best_cell(nets, image, whole)

    return look


def _legs(nets: Nets, image: Image, crop: Crop) -> FloatArray:
    """Feet to a third of the trunk: shoulders cut off."""
    side = crop.side_px * 0.8
    return kept(nets, image, Crop(crop.x_px, crop.y_px + (crop.side_px - side) / 2, side))


def _mirrored(nets: Nets, image: Image, crop: Crop) -> FloatArray:
    """Joints seen in the mirrored picture, where they are in the straight one."""
    width = image.shape[1]
    other = kept(nets, np.ascontiguousarray(image[:, ::-1]), replace(crop, x_px=width - crop.x_px))
    other = other[list(MIRROR_INDEX)]
    other[:, 0] = width - other[:, 0]
    return other


def _aside(nets: Nets, image: Image, crop: Crop) -> FloatArray:
    """In a crop 2 px of the network's further right and down: half of one of its cells."""
    step = 2 * crop.side_px / nets.refined.weights.size_px
    return kept(nets, image, Crop(crop.x_px + step, crop.y_px + step, crop.side_px))


def _mean_with(other: Variant) -> Variant:
    def look(nets: Nets, image: Image, crop: Crop) -> FloatArray:
        mean: FloatArray = (kept(nets, image, crop) + other(nets, image, crop)) / 2
        return mean

    return look


class _Finer(Crop):
    """Sampled twice as finely, then averaged, against aliasing."""

    def cut(self, image: Image, size_px: int) -> Image:
        cut = super().cut(image, 2 * size_px)
        return np.asarray(cv2.resize(cut, (size_px, size_px), interpolation=cv2.INTER_AREA), np.uint8)


def _finer(nets: Nets, image: Image, crop: Crop) -> FloatArray:
    return kept(nets, image, _Finer(crop.x_px, crop.y_px, crop.side_px))


BEFORE, KEPT = "whole body with 25 % air, best cell (how it began)", "**shoulders to feet, 5 × 5 cells (kept)**"
VARIANTS: Mapping[str, Variant] = {
    BEFORE: _whole(1.25),
    "whole body with 10 % air, best cell": _whole(1.1),
    "shoulders to feet, best cell": _best_cell,
    KEPT: kept,
    "feet to a third of the trunk, 5 × 5 cells; no shoulders": _legs,
    "kept + anti-aliasing": _finer,
    "kept, mean with a crop 2 px aside": _mean_with(_aside),
    "kept, mean with the mirrored picture": _mean_with(_mirrored),
}


def what_pays(of: Sequence[Clip], models: Sequence[ModelName]) -> tuple[str, str]:
    """Every variant on the same frames around mid-stance, in the tracker's crops; and before and after by clip."""
    rows, by_clip = [], []
    for name in models:
        poses, cost_ms = _all_variants(open_nets(name), of)
        for key in VARIANTS:
            rows.append([name, key, *score(poses[key], of).cells(), f"{cost_ms[key]:.1f}"])
        for clip in of:
            scores = [score(poses[key], [clip]) for key in (BEFORE, KEPT)]
            numbers = [[s.mean_abs_deg, s.noise_deg, s.drop_deg] for s in scores]
            cells = [f"{before:.2f} → {after:.2f}" for before, after in zip(*numbers, strict=True)]
            by_clip.append([name, clip.name, len(clip.stances), *cells])
    return (
        table(["model", "variant", *Score.HEADS, "CPU ms"], rows),
        table(["model", "clip", "stances", "mean abs. error", "noise", "pelvic drop"], by_clip),
    )


def _all_variants(nets: Nets, of: Sequence[Clip]) -> tuple[dict[str, Poses], dict[str, float]]:
    """What each variant sees, and the median of its processor time in ms."""
    poses: dict[str, Poses] = {key: {} for key in VARIANTS}
    spent_s: dict[str, list[float]] = {key: [] for key in VARIANTS}
    for clip in of:
        tracker = follower(nets.refined)
        wanted = {n for stance in clip.stances for n in _mid_frames(stance["mid_s"])}
        for n, (t_s, image) in enumerate(clip.pictures()):
            sight = tracker.look(image, t_s)
            if sight.pose is None or n not in wanted:
                continue
            for key, variant in VARIANTS.items():
                start_s = time.process_time()
                poses[key][clip.name, n] = variant(nets, image, sight.crop)
                spent_s[key].append(time.process_time() - start_s)
    return poses, {key: statistics.median(spent) * 1e3 for key, spent in spent_s.items()}


# The tracker as it is.


def follow(net: PoseNet, of: Sequence[Clip], alternating: bool = True) -> Poses:
    """What the tracker sees in every frame; ``alternating``: looking at every second one in the mirror."""
    poses: Poses = {}
    for clip in of:
        tracker = follower(net, alternating)
        for n, (t_s, image) in enumerate(clip.pictures()):
            if (pose := tracker.step(image, t_s)) is not None:
                poses[clip.name, n] = pose.xy_px
    return poses


def joints_table(poses: Mapping[ModelName, Poses], of: Sequence[Clip]) -> str:
    """By joint and view, in % of each clip's torso; both sides and all clips together."""
    rows = []
    for name, found in poses.items():
        for view in View:
            films = [clip for clip in of if clip.view is view]
            seen = sum((clip.name, n) in found for clip in films for n in range(clip.frames))
            off = [part for clip in films if (part := _off(found, clip)).size]
            if not off:
                continue
            share = f"{100 * seen / sum(clip.frames for clip in films):.1f} %"
            for joint, pair in JOINTS.items():
                mine = [part[:, pair] for part in off]
                away = np.concatenate([np.linalg.norm(part, axis=-1).ravel() for part in mine])
                usual = np.median(np.concatenate([part.reshape(-1, 2) for part in mine]), axis=0)
                spread = np.concatenate(
                    [np.linalg.norm(part - np.median(part, axis=0), axis=-1).ravel() for part in mine]
                )
                sizes = [f"{value:.1f}" for value in (*np.percentile(away, [50, 90]), np.median(spread))]
                rows.append([name, view, share, joint, *sizes, *(f"{value:+.1f}" for value in usual)])
    heads = ["model", "view", "seen", "joint", "off, median", "p90", "spread", "outward (side: forward)", "down"]
    return table(heads, rows)


def _off(poses: Poses, clip: Clip) -> FloatArray:
    """(n, 17, 2) how far each joint is outward (from the side: forward) and down of its true place, % of the torso."""
    numbers = [n for n in range(int(FPS), clip.frames) if (clip.name, n) in poses]
    if not numbers:
        return np.empty((0, 17, 2))
    true = np.stack([clip.true(n) for n in numbers])
    off: FloatArray = np.stack([poses[clip.name, n] for n in numbers]) - true
    if clip.view is View.SIDE:
        off[..., 0] *= np.sign(np.median(true[:, Joint.NOSE, 0] - true[:, _CORE, 0].mean(axis=1)))
    else:
        off[..., 0] *= np.sign(np.median(true[..., 0] - true[:, list(MIRROR_INDEX), 0], axis=0))
    off *= 100 / np.median([torso_px(xy) for xy in true])
    return off


@dataclass(frozen=True, slots=True)
class Followed:
    """What the tracker sees in every frame: as it is, looking at every picture as it is, and at every one both ways."""

    in_turn: Poses
    plain: Poses
    both: Poses


def follow_all_ways(name: ModelName, of: Sequence[Clip]) -> Followed:
    net, both = open_net(name), open_net(name, mirrored=True)
    return Followed(follow(net, of), follow(net, of, alternating=False), follow(both, of))


def smoothing_table(followed: Mapping[ModelName, Followed], of: Sequence[Clip]) -> str:
    """What is made of the frames of mid-stance."""
    rows: list[list[str]] = []
    for name, found in followed.items():
        plain = found.plain
        ways: Mapping[str, tuple[Poses, Middle]] = {
            "median": (plain, np.nanmedian),
            "mean": (plain, np.nanmean),
            "median of joints faded, 0.7 new": (_faded(plain, 0.7), np.nanmedian),
            "median of joints faded, 0.5 new": (_faded(plain, 0.5), np.nanmedian),
            "median of 3-frame medians, a frame late": (_medians(plain), np.nanmedian),
            "mean of 3-frame means, a frame late": (_means(plain), np.nanmean),
            "median of ¼, ½, ¼": (_evened(plain), np.nanmedian),
            "every second picture in the mirror, median": (found.in_turn, np.nanmedian),
            "**every second picture in the mirror, median of ¼, ½, ¼ (kept)**": (_evened(found.in_turn), np.nanmedian),
            "every picture both ways, median": (found.both, np.nanmedian),
            "every picture both ways, median of ¼, ½, ¼": (_evened(found.both), np.nanmedian),
        }
        rows += [[name, way, *score(those, of, middle).cells()] for way, (those, middle) in ways.items()]
    return table(["model", "over the frames of mid-stance", *Score.HEADS], rows)


def _evened(poses: Poses) -> Poses:
    out: Poses = {}
    for name, frames in itertools.groupby(sorted(poses), key=lambda key: key[0]):
        keys = list(frames)
        seen = [Pose(n / FPS, poses[name, n], np.ones(17), (640, 480)) for name, n in keys]
        out |= {key: pose.xy_px for key, pose in zip(keys, evened(seen), strict=True)}
    return out


def _faded(poses: Poses, share: float) -> Poses:
    """An exponential mean of each joint."""
    out: Poses = {}
    for (name, n), xy in sorted(poses.items()):
        last = out.get((name, n - 1))
        out[name, n] = xy if last is None else np.where(np.isfinite(last), last + share * (xy - last), xy)
    return out


def _medians(poses: Poses) -> Poses:
    return {key: np.median(_around(poses, key), axis=0) for key in poses}


def _means(poses: Poses) -> Poses:
    return {key: np.mean(_around(poses, key), axis=0) for key in poses}


def _around(poses: Poses, key: tuple[str, int]) -> list[FloatArray]:
    name, n = key
    return [poses[name, m] for m in (n - 1, n, n + 1) if (name, m) in poses]


# The same picture elsewhere.


def _scaled(factor: float) -> Variant:
    def look(nets: Nets, image: Image, crop: Crop) -> FloatArray:
        how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
        other = np.asarray(cv2.resize(image, None, fx=factor, fy=factor, interpolation=how), np.uint8)
        there = Crop(factor * crop.x_px, factor * crop.y_px, factor * crop.side_px)
        return kept(nets, other, there) / factor

    return look


def _moved(nets: Nets, image: Image, crop: Crop) -> FloatArray:
    right_px, down_px = 13.3, 8.6
    move = np.array([[1.0, 0.0, right_px], [0.0, 1.0, down_px]])
    other = cv2.warpAffine(image, move, image.shape[1::-1], flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    there = Crop(crop.x_px + right_px, crop.y_px + down_px, crop.side_px)
    return kept(nets, np.asarray(other, np.uint8), there) - [right_px, down_px]


_ELSEWHERE: Mapping[str, Variant] = {
    "× 1.5": _scaled(1.5),
    "× 0.8": _scaled(0.8),
    "shifted by 13.3 and 8.6 px": _moved,
    "mirrored": _mirrored,
    "in a crop 2 px of the network's aside": _aside,
}


def geometry_table(demo: Clip, models: Sequence[ModelName]) -> str:
    """Shoulders, hips, knees and ankles against those of the picture as it is, in the crop of the second second."""
    rows = []
    images = [image for n, (_, image) in enumerate(demo.pictures()) if n % 6 == 0]
    for name, mirrored in itertools.product(models, (False, True)):
        nets = replace(open_nets(name), refined=open_net(name, mirrored=mirrored))
        tracker = follower(nets.refined)
        crop = [tracker.look(image, t_s).crop for t_s, image in itertools.islice(demo.pictures(), int(2 * FPS))][-1]
        straight = np.stack([kept(nets, image, crop) for image in images])
        torso = float(np.median([torso_px(xy) for xy in straight]))
        for what, look in _ELSEWHERE.items():
            off = np.stack([look(nets, image, crop) for image in images]) - straight
            off = off[:, _CORE] / torso * 100
            far = [f"{value:.2f}" for value in np.percentile(np.linalg.norm(off, axis=-1), [50, 90, 99])]
            label = f"{name}, mirrored look too" if mirrored else name
            rows.append([label, what, *far, f"{np.abs(off.mean(axis=(0, 1))).max():.2f}"])
    return table(["model", "the same picture", "joints off, median", "p90", "p99", "all together"], rows)
