"""The way of a frame, where the camera itself is knocked."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from device.cameras.video import VideoSource
from device.config import Config, parse_config
from device.frames import Frame
from device.pipeline import Pipeline, analysis_settings, open_model_for_file
from device.replay import ReplayOptions, replay_file
from model.analysis import Outcome
from model.pose import FloatArray
from model.quality import MOVING, SHAKES
from tests.conftest import warned

#: Until then the runner of the demo clip is aligned.
_ALIGNED_S = 8.0
_KNOCKED_S = 4.0


def _wallpaper(height: int, width: int) -> FloatArray:
    """(height, width, 1): what the light is multiplied by, so that the wall behind the runner has something to see."""
    rng = np.random.default_rng(5)
    blots = cv2.GaussianBlur(rng.normal(size=(height, width)).astype(np.float32), (0, 0), 6)
    paper: FloatArray = 1 + 0.12 * np.clip(blots / blots.std(), -2, 2)[..., None]
    return paper


class Unsteady(VideoSource):
    """The clip's aligned steps, in which the picture goes aside at `_KNOCKED_S` or with every step."""

    aside_px = 0
    trembles_px = 0.0

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        paper = _wallpaper(*reversed(self.size_px))
        for frame in super().frames(stop):
            t_s = frame.t_ns / 1e9
            if t_s >= _ALIGNED_S:
                return
            aside = self.aside_px * (t_s >= _KNOCKED_S) + round(self.trembles_px * np.sin(2 * np.pi * 2.8 * t_s))
            papered = np.clip(frame.image * paper, 0, 255).astype(np.uint8)
            yield replace(frame, image=np.roll(papered, aside, axis=1))

    def cut_off(self, frames: int) -> str | None:
        return None


def _outcomes(film: Path, aside_px: int, trembles_px: float = 0.0) -> list[Outcome]:
    """Of an `Unsteady` film."""
    config = parse_config({})
    pipeline = Pipeline(open_model_for_file(config, 30.0, "lightning"), analysis_settings(config, film=True))
    with Unsteady(film) as source:
        source.aside_px, source.trembles_px = aside_px, trembles_px
        return [pipeline.step(frame) for frame in source.frames(threading.Event())]


def test_a_camera_that_is_knocked_amid_a_run_makes_no_cue_and_is_told_at_once(demo_clip: Path) -> None:
    outcomes = _outcomes(demo_clip, 60)
    (told,) = (outcome for outcome in outcomes if outcome.moved_since_s is not None)
    assert told.t_s < _KNOCKED_S + 1.5
    assert told.moved_since_s is not None
    assert _KNOCKED_S - 0.3 < told.moved_since_s <= _KNOCKED_S
    assert told.camera.moved
    assert not told.camera.usable
    between = [outcome for outcome in outcomes if _KNOCKED_S + 0.3 < outcome.t_s < told.t_s]
    assert all(outcome.unused is not None for outcome in between)
    assert MOVING.reason in {outcome.unused for outcome in between}
    after = [outcome for outcome in outcomes if outcome.t_s > told.t_s + 0.5]
    assert sum(outcome.unused is None for outcome in after) > 0.9 * len(after)
    assert after[-1].camera.usable
    assert not any(outcome.cues for outcome in outcomes)


class Joined(VideoSource):
    """The clip's first seconds, cut to later ones: of the same set-up, or as another camera would show it."""

    elsewhere = False

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        paper, seen = _wallpaper(*reversed(self.size_px)), itertools.count()
        period_ns = round(1e9 / self.fps)
        for frame in super().frames(stop):
            t_s = frame.t_ns / 1e9
            if _KNOCKED_S <= t_s < _KNOCKED_S + 2.35:
                continue
            image = np.clip(frame.image * paper, 0, 255).astype(np.uint8)
            if self.elsewhere and t_s >= _KNOCKED_S:
                image = np.ascontiguousarray(image[40:, 100:])
                image = np.asarray(cv2.resize(image, self.size_px), np.uint8)
            n = next(seen)
            yield Frame(n, n * period_ns, image)


@pytest.mark.parametrize("elsewhere", [False, True])
def test_no_step_goes_on_from_before_a_cut_to_after_it(
    demo_clip: Path, monkeypatch: pytest.MonkeyPatch, elsewhere: bool
) -> None:
    config = parse_config({})
    monkeypatch.setattr(Joined, "elsewhere", elsewhere)
    pipeline = Pipeline(open_model_for_file(config, 30.0, "lightning"), analysis_settings(config, film=True))
    with Joined(demo_clip) as source:
        frames = itertools.takewhile(lambda frame: frame.t_ns < 10e9, source.frames(threading.Event()))
        outcomes = [pipeline.step(frame) for frame in frames]
    assert [outcome.t_s for outcome in outcomes if outcome.cut] == [pytest.approx(_KNOCKED_S)]
    stances = [stance for outcome in outcomes for stance in outcome.stances]
    assert not any(stance.strike_s < _KNOCKED_S < stance.toe_off_s for stance in stances)
    after_s = [stance.strike_s for stance in stances if stance.strike_s > _KNOCKED_S]
    assert after_s[0] < _KNOCKED_S + 1.0
    assert len(after_s) > 12
    moved_s = [outcome.moved_since_s for outcome in outcomes if outcome.moved_since_s is not None]
    assert moved_s == ([pytest.approx(_KNOCKED_S)] if elsewhere else [])


def test_a_camera_has_no_cuts(demo_clip: Path) -> None:
    """Whatever happens before it: it is looked for in films only."""
    config = parse_config({})
    pipeline = Pipeline(open_model_for_file(config, 30.0, "lightning"), analysis_settings(config, film=False))
    with Joined(demo_clip) as source:
        frames = itertools.takewhile(lambda frame: frame.t_ns < 6e9, source.frames(threading.Event()))
        assert not any(pipeline.step(frame).cut for frame in frames)


def test_a_camera_that_trembles_is_told_and_steadied(demo_clip: Path) -> None:
    still, trembling = (_outcomes(demo_clip, 0, trembles_px) for trembles_px in (0.0, 6.0))
    assert not any(outcome.moved_since_s is not None for outcome in (*still, *trembling))
    assert (still[-1].message, trembling[-1].message) == (None, SHAKES)
    yaw_deg, shaken_deg = still[-1].camera.yaw_deg, trembling[-1].camera.yaw_deg
    assert yaw_deg is not None
    assert shaken_deg is not None
    assert abs(shaken_deg - yaw_deg) < 0.8


@pytest.mark.parametrize(("trembles_px", "told"), [(0.0, False), (6.0, True)])
def test_a_film_whose_camera_trembles_is_said_to(
    demo_clip: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, trembles_px: float, told: bool
) -> None:
    monkeypatch.setattr("device.replay.VideoSource", Unsteady)
    monkeypatch.setattr(Unsteady, "trembles_px", trembles_px)
    replay_file(demo_clip, Config(), ReplayOptions())
    said = warned(caplog)
    assert [SHAKES in one for one in said] == [True] * told


class SlowUnsteady(Unsteady):
    """The same with every second picture only."""

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        return (replace(frame, index=frame.index // 2) for frame in super().frames(stop) if frame.index % 2 == 0)


def test_a_slow_film_whose_camera_trembles_is_said_to_be_both(
    demo_clip: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("device.replay.VideoSource", SlowUnsteady)
    monkeypatch.setattr(SlowUnsteady, "trembles_px", 6.0)
    replay_file(demo_clip, Config(), ReplayOptions())
    said = warned(caplog)
    assert any(SHAKES in one for one in said)
    assert any("frames per second: running metrics are unreliable" in one for one in said)
