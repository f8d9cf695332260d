"""How soft a picture is, and what is made of a soft one."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from model.focus import Focus, sharpened, softness
from model.movenet import Crop, RunnerTracker, see
from model.quality import SOFT
from model.runtime import PoseNet, available_runtimes, load_weights
from tests.model.bystanders import Image
from tests.validation.tracking_accuracy import pictures

_SIZES = (192, 256)
_SIDE_PX = 300.0


@pytest.fixture(scope="module")
def film(demo_clip: Path) -> list[Image]:
    """Every fifth picture of two seconds of the demo clip."""
    return [image for _, image in itertools.islice(pictures(demo_clip), 60, 120, 5)]


def crop(image: Image, size_px: int = 192, blur_px: float = 0.0, noise: float = 0.0) -> NDArray[np.uint8]:
    """Shoulders to feet of the runner in the demo clip."""
    if noise:
        image = (image + np.random.default_rng(1).normal(0, noise, image.shape)).clip(0, 255).astype(np.uint8)
    if blur_px:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), blur_px), np.uint8)
    return Crop(320, 270, _SIDE_PX).cut(image, size_px)


def soft(image: NDArray[np.uint8]) -> float:
    found = softness(image, _SIDE_PX)
    assert found is not None
    return found


@pytest.mark.parametrize("size_px", _SIZES)
def test_the_clips_are_sharp_for_either_network(film: list[Image], size_px: int) -> None:
    found = [soft(crop(image, size_px)) for image in film]
    assert max(found) < SOFT
    assert 0.8 < np.median(found) < 1.05


@pytest.mark.parametrize("size_px", _SIZES)
def test_the_wider_the_blur_the_softer(film: list[Image], size_px: int) -> None:
    blurs_px = (0.0, 0.8, 1.3, 2.0, 3.0)
    found = [np.median([soft(crop(image, size_px, blur_px)) for image in film]) for blur_px in blurs_px]
    assert np.all(np.diff(found) > 0.1)
    assert found[2] > SOFT


def test_noise_makes_no_picture_sharp_or_soft(film: list[Image]) -> None:
    for blur_px in (0.0, 1.3):
        clean, noisy = (np.median([soft(crop(image, 192, blur_px, noise)) for image in film]) for noise in (0.0, 4.0))
        assert noisy == pytest.approx(clean, abs=0.1)


@pytest.mark.parametrize("size_px", _SIZES)
@pytest.mark.parametrize("farther", [1.25, 2.0, 3.3])
def test_who_is_far_away_is_not_out_of_focus(film: list[Image], size_px: int, farther: float) -> None:
    found = []
    for image in film:
        size = (round(640 / farther), round(480 / farther))
        far = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
        there = Crop(320 / farther, 270 / farther, _SIDE_PX / farther)
        found.append(softness(there.cut(far, size_px), there.side_px))
    assert all(one is not None and one < SOFT for one in found)


def test_a_picture_without_edges_tells_nothing() -> None:
    assert softness(np.full((192, 192, 3), 90, np.uint8), _SIDE_PX) is None
    assert softness(np.zeros((256, 256, 3), np.uint8), _SIDE_PX) is None


def test_a_sharp_picture_stays_as_it_is(film: list[Image]) -> None:
    image = crop(film[0])
    for soft_by in (0.0, 0.9, SOFT):
        assert sharpened(image, _SIDE_PX, soft_by) is image


@pytest.mark.parametrize("blur_px", [1.0, 1.3, 1.6, 2.0])
def test_a_soft_one_becomes_about_as_sharp_as_it_was(film: list[Image], blur_px: float) -> None:
    for image in film:
        blurred = crop(image, blur_px=blur_px)
        assert soft(sharpened(blurred, _SIDE_PX, soft(blurred))) == pytest.approx(1.0, abs=0.25)


def test_focus_is_of_some_seconds_and_is_looked_at_now_and_then(film: list[Image]) -> None:
    focus = Focus()
    assert focus.softness == 0.0
    sharp, blurred = crop(film[0]), crop(film[0], blur_px=2.0)
    for n in range(60):
        focus.step(sharp, _SIDE_PX, n / 30)
    assert focus.softness == pytest.approx(soft(sharp), abs=0.01)
    focus.step(blurred, _SIDE_PX, 2.0)
    assert focus.softness < SOFT
    for n in range(300):
        focus.step(blurred, _SIDE_PX, 2.0 + n / 30)
    assert focus.softness == pytest.approx(soft(blurred), rel=0.02)
    was = focus.softness
    focus.step(np.zeros((192, 192, 3), np.uint8), _SIDE_PX, 20.0)
    assert focus.softness == was


def test_noisy_pictures_are_not_sharpened(film: list[Image]) -> None:
    """The noise of a sensor comes after the lens."""
    for noise, mended in ((0.0, True), (4.0, False)):
        focus = Focus()
        for n, image in enumerate(film):
            seen = crop(np.asarray(cv2.GaussianBlur(image, (0, 0), 1.5), np.uint8), noise=noise)
            focus.step(seen, _SIDE_PX, n / 4)
        assert focus.softness > SOFT
        assert (focus.mended(seen, _SIDE_PX) is not seen) is mended


@pytest.mark.parametrize("blur_px", [1.3, 2.0])
def test_the_network_sees_joints_where_they_are_in_the_sharp_picture(film: list[Image], blur_px: float) -> None:
    """Root mean square of how far they are off, six tenths of what it is in the soft picture at most."""
    net = PoseNet(load_weights("lightning"), next(iter(available_runtimes())), 1)
    there = Crop(320, 270, _SIDE_PX)
    off: dict[bool, list[float]] = {True: [], False: []}
    for image in film:
        blurred = np.asarray(cv2.GaussianBlur(image, (0, 0), blur_px), np.uint8)
        as_it_was = see(net, image, there, 192)[1][5:, :2]
        for mended in off:
            focus = Focus()
            focus.step(there.cut(blurred, 192), _SIDE_PX, 0.0)
            joints = see(net, blurred, there, 192, focus=focus if mended else None)[1][5:, :2]
            off[mended].append(float(np.mean((joints - as_it_was) ** 2)))
    assert math.sqrt(np.mean(off[True]) / np.mean(off[False])) < 0.6


def test_the_tracker_tells_a_soft_lens(demo_clip: Path) -> None:
    net = PoseNet(load_weights("lightning"), next(iter(available_runtimes())), 1)
    told = []
    for blur_px in (0.0, 1.5):
        tracker = RunnerTracker(net, 192)
        for t_s, image in itertools.islice(pictures(demo_clip), 40):
            tracker.look(np.asarray(cv2.GaussianBlur(image, (0, 0), blur_px), np.uint8) if blur_px else image, t_s)
        told.append(tracker.focus.softness)
    assert told[0] < SOFT < told[1]
    assert math.isfinite(told[1])
