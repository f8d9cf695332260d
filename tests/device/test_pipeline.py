"""The way of a frame, where the camera itself is knocked."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from device.cameras.video import VideoSource
from device.config import parse_config
from device.pipeline import Pipeline, analysis_settings, open_model_for_file
from model.analysis import Outcome
from model.pose import FloatArray
from model.quality import MOVING, SHAKES

#: Until then the runner of the demo clip is aligned.
_ALIGNED_S = 8.0
_KNOCKED_S = 4.0


def _wallpaper(height: int, width: int) -> FloatArray:
    """(height, width, 1): what the light is multiplied by, so that the wall behind the runner has something to see."""
    rng = np.random.default_rng(5)
    blots = cv2.GaussianBlur(rng.normal(size=(height, width)).astype(np.float32), (0, 0), 6)
    paper: FloatArray = 1 + 0.12 * np.clip(blots / blots.std(), -2, 2)[..., None]
    return paper


def _outcomes(film: Path, aside_px: int, trembles_px: float = 0.0) -> list[Outcome]:
    """Of the clip's aligned steps, in which the picture goes aside at `_KNOCKED_S` or with every step."""
    config = parse_config({})
    pipeline = Pipeline(open_model_for_file(config, 30.0, "lightning"), analysis_settings(config, film=True))
    found = []
    with VideoSource(film) as source:
        paper = _wallpaper(*reversed(source.size_px))
        for frame in source.frames(threading.Event()):
            t_s = frame.t_ns / 1e9
            if t_s >= _ALIGNED_S:
                break
            aside = aside_px * (t_s >= _KNOCKED_S) + round(trembles_px * np.sin(2 * np.pi * 2.8 * t_s))
            papered = np.clip(frame.image * paper, 0, 255).astype(np.uint8)
            found.append(pipeline.step(replace(frame, image=np.roll(papered, aside, axis=1))))
    return found


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


def test_a_camera_that_trembles_is_told_and_steadied(demo_clip: Path) -> None:
    still, trembling = (_outcomes(demo_clip, 0, trembles_px) for trembles_px in (0.0, 6.0))
    assert not any(outcome.moved_since_s is not None for outcome in (*still, *trembling))
    assert (still[-1].message, trembling[-1].message) == (None, SHAKES)
    yaw_deg, shaken_deg = still[-1].camera.yaw_deg, trembling[-1].camera.yaw_deg
    assert yaw_deg is not None
    assert shaken_deg is not None
    assert abs(shaken_deg - yaw_deg) < 0.8
