"""What the pose models see in the clips, kept in files so that a second run of the tables is quick."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from device.cameras.video import VideoSource
from model.movenet import RunnerTracker
from model.pose import Pose
from model.runtime import ModelName, PoseNet, load_weights

Image = NDArray[np.uint8]


def kept(cache: Path, poses: Callable[[], Iterable[Pose]]) -> list[Pose]:
    """The poses of ``cache``, which is written first where it is missing; joints that are not seen are NaN."""
    if not cache.exists():
        seen = list(poses())
        np.savez(
            cache, xy_px=[pose.xy_px for pose in seen], score=[pose.score for pose in seen],
            t_s=[pose.t_s for pose in seen], size=seen[0].image_size_px,
        )  # fmt: skip
    with np.load(cache) as held:
        size = int(held["size"][0]), int(held["size"][1])
        rows = zip(held["t_s"], held["xy_px"], held["score"], strict=True)
        return [Pose(float(t_s), xy, score, size) for t_s, xy, score in rows if np.isfinite(xy).any()]


def see(video: Path, model: ModelName, change: Callable[[Image], Image] = lambda image: image) -> Iterator[Pose]:
    """The runner in each picture of a video, after ``change``, as the product's tracker follows them."""
    weights = load_weights(model)
    tracker = RunnerTracker(PoseNet(weights, "litert", 1), weights.size_px)
    with VideoSource(video) as source:
        for frame in source.frames(threading.Event()):
            pose = tracker.step(change(frame.image), frame.t_ns / 1e9)
            if pose is not None:
                yield pose
