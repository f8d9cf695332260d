"""Where the tracker looks, that it finds the runner again, and that it stays with them."""

from __future__ import annotations

import itertools
import json
import math
import threading
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from device.cameras.video import VideoSource
from model.movenet import Crop, RunnerTracker, whole_picture
from model.person import Region, Sighting
from model.pose import MIRROR_INDEX, FloatArray, Joint, Pose
from model.quality import CROWDED, MIN_SCORE
from model.runtime import PoseNet, available_runtimes, load_weights
from tests.model.bystanders import Image, cut_out, mid_hip, torso_px, with_second_person

_BODY = [*range(Joint.LEFT_SHOULDER, Joint.RIGHT_SHOULDER + 1), *range(Joint.LEFT_HIP, Joint.RIGHT_ANKLE + 1)]


@pytest.fixture(scope="module")
def net() -> PoseNet:
    return PoseNet(load_weights("lightning"), next(iter(available_runtimes())), 1)


@pytest.fixture(scope="module")
def film(demo_clip: Path) -> list[tuple[float, Image, FloatArray]]:
    """Six seconds of the demo clip with the true joints."""
    truth = json.loads(demo_clip.with_suffix(".json").read_text("utf-8"))
    with VideoSource(demo_clip) as source:
        frames = list(itertools.islice(source.frames(threading.Event()), 180))
    return [
        (frame.t_ns / 1e9, frame.image, np.array(true["uv"]))
        for frame, true in zip(frames, truth["frames"][:180], strict=True)
    ]


@pytest.mark.parametrize("side_px", [150.0, 333.3, 500.7])
def test_a_dot_is_where_the_crop_says(side_px: float) -> None:
    """Half a crop's pixel at most between the dot's true place and where its weight lies in the crop."""
    image = np.zeros((480, 640, 3), np.uint8)
    at = np.array([301.0, 222.0])
    cv2.circle(image, (301, 222), 9, (255, 255, 255), -1)
    crop = Crop(310.25, 230.5, side_px)
    cut = crop.cut(image, 192)[..., 0].astype(np.float64)
    y, x = (np.indices(cut.shape) + 0.5) / 192
    joints = np.array([[(y * cut).sum(), (x * cut).sum(), 1.0]] * 17, np.float32) / np.float32(cut.sum())
    found = crop.to_picture(joints)[0]
    assert np.abs(found - (at + 0.5)).max() < side_px / 192 / 2


def test_mirror_swaps_sides_and_moves_nothing(net: PoseNet, film: list[tuple[float, Image, FloatArray]]) -> None:
    """As far as the network can do it: in a small picture it sees every joint half a crop's pixel to the left."""
    off = []
    for _, image, _ in film[::15]:
        crop = whole_picture((640, 480))
        straight = crop.to_picture(net.invoke(crop.cut(image, 192)))
        mirrored = crop.to_picture(net.invoke(crop.cut(np.ascontiguousarray(image[:, ::-1]), 192)))
        back = mirrored[list(MIRROR_INDEX)]
        back[:, 0] = 640 - back[:, 0]
        off.append(np.linalg.norm((back - straight)[_BODY], axis=1) / torso_px(straight))
    assert np.median(off) < 0.07


def test_runner_is_followed_with_the_legs_inside(net: PoseNet, film: list[tuple[float, Image, FloatArray]]) -> None:
    tracker = RunnerTracker(net, 192)
    off = []
    for t_s, image, true in film:
        pose = tracker.step(image, t_s)
        assert pose is not None
        seen = pose.score > MIN_SCORE
        legs = [joint for joint in range(Joint.LEFT_HIP, Joint.RIGHT_ANKLE + 1) if seen[joint]]
        assert len(legs) >= 4
        off.append(np.linalg.norm(pose.xy_px[legs] - true[legs], axis=1).mean() / torso_px(true))
    assert np.median(off) < 0.08


def test_lost_runner_is_found_within_half_a_second(net: PoseNet, film: list[tuple[float, Image, FloatArray]]) -> None:
    tracker = RunnerTracker(net, 192)
    found_s = None
    for t_s, image, _ in film:
        dark = 2.0 <= t_s < 3.5
        pose = tracker.step(np.zeros_like(image) if dark else image, t_s)
        if dark:
            assert pose is None
        elif t_s >= 3.5 and pose is not None and found_s is None:
            found_s = t_s
    assert found_s is not None
    assert found_s <= 4.0


@pytest.mark.parametrize("in_front", [False, True])
def test_somebody_walking_by_is_never_followed(
    net: PoseNet, film: list[tuple[float, Image, FloatArray]], in_front: bool
) -> None:
    """From 2 s on a second person crosses the picture within three seconds, behind the runner or before them."""
    sprites = [cut_out(image, true) for _, image, true in film[:30]]

    def path(t_s: float) -> tuple[float, float, float, bool] | None:
        x = (t_s - 2.0) / 3.0 * 640
        return (x, 250.0, 85.0, in_front) if 2.0 <= t_s <= 5.0 else None

    tracker = RunnerTracker(net, 192)
    wrong = 0
    for t_s, image, true, other, covered in with_second_person(iter(film), sprites, path):
        pose = tracker.step(image, t_s)
        if pose is None or other is None or covered > 0.3:
            continue
        mid = pose.mid(Joint.LEFT_HIP, Joint.RIGHT_HIP)
        to_runner, to_other = (
            float(np.linalg.norm(mid - xy[[Joint.LEFT_HIP, Joint.RIGHT_HIP]].mean(axis=0))) for xy in (true, other)
        )
        wrong += to_runner > torso_px(true) / 2 and to_other < to_runner
    assert wrong == 0


def test_who_stands_beside_is_not_believed_once_somebody_runs(
    net: PoseNet, film: list[tuple[float, Image, FloatArray]]
) -> None:
    """They were there first, 0.85 m beside; from 1.5 s on the runner runs, and is believed from 4 s on."""
    grey = np.full_like(film[0][1], 140)
    sprites = [cut_out(film[0][1], film[0][2])]
    (x, y), torso = mid_hip(film[0][2]), torso_px(film[0][2])
    late = ((t_s, image if t_s >= 1.5 else grey, true) for t_s, image, true in film)
    tracker, believed = RunnerTracker(net, 192), []
    for t_s, image, true, other, _ in with_second_person(late, sprites, lambda _: (x + 1.7 * torso, y, torso, False)):
        sight = tracker.look(image, t_s)
        assert other is not None
        if sight.pose is None:
            believed.append((t_s, "nobody"))
            continue
        to_runner, to_other = (math.dist(mid_hip(sight.pose.xy_px), mid_hip(xy)) for xy in (true, other))
        trusted = sight.quality.reason is None
        believed.append((t_s, ("other" if to_other < to_runner else "runner") if trusted else "doubtful"))
    first = [who for t_s, who in believed if t_s < 1.5]
    assert first.count("other") > 0.9 * len(first)
    assert {who for t_s, who in believed if 2.5 <= t_s < 4.0} <= {"doubtful", "nobody", "runner"}
    assert {who for t_s, who in believed if t_s >= 4.0} == {"runner"}


@pytest.mark.parametrize("looks", [1, 2])
def test_somebody_beside_in_a_single_look_is_nobody(
    net: PoseNet, film: list[tuple[float, Image, FloatArray]], monkeypatch: pytest.MonkeyPatch, looks: int
) -> None:
    tracker = RunnerTracker(net, 192, region=Region((0.0, 0.0, 1.0, 1.0)))
    last: list[Pose] = []
    asked: list[float] = []

    def see(image: Image, crop: Crop, who: Sighting) -> Pose:
        asked.append(who.t_s)
        away = 0.6 * who.torso_px if who.t_s > 2.0 and len(late()) <= looks else 0.0
        return replace(last[-1], xy_px=last[-1].xy_px + np.array([away, 0.0]))

    def late() -> list[float]:
        return [t_s for t_s in asked if t_s > 2.0]

    monkeypatch.setattr(tracker, "_see", see)
    monkeypatch.setattr(tracker, "_rival_who_runs", lambda *_: None)
    said = set()
    for t_s, image, true in film[:100]:
        last.append(Pose(t_s, true, np.full(17, 0.9), (640, 480)))
        said.add(tracker.look(image, t_s).quality.reason)
    assert len(late()) >= 3
    assert (CROWDED.reason in said) is (looks == 2)
