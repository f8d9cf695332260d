"""Joints from maps, in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from model.decoder import refine

_G = 48
Maps = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]


def maps_of(y: float, x: float, noise: float = 0.0, seed: int = 0) -> Maps:
    """All joints at (y, x) in cells: every cell's offset points there, up to noise; confidence falls with distance."""
    rng = np.random.default_rng(seed)
    row, column = np.mgrid[0:_G, 0:_G]
    confidence = np.exp(-((row - y) ** 2 + (column - x) ** 2) / 4)
    offset = np.empty((_G, _G, 34))
    offset[..., 0::2] = (y - row)[..., None] + rng.normal(0, noise, (_G, _G, 17))
    offset[..., 1::2] = (x - column)[..., None] + rng.normal(0, noise, (_G, _G, 17))
    best = np.round([y, x]).astype(int).clip(0, _G - 1)
    joints = np.full((17, 3), 0.7)
    joints[:, 0] = (best[0] + offset[best[0], best[1], 0::2]) / _G
    joints[:, 1] = (best[1] + offset[best[0], best[1], 1::2]) / _G
    return (
        joints.astype(np.float32),
        np.repeat(confidence[..., None], 17, 2).astype(np.float32),
        offset.astype(np.float32),
    )


@pytest.mark.parametrize(("y", "x"), [(20.3, 30.8), (0.2, 0.0), (47.4, 46.9)])
def test_what_all_cells_say_stays_also_at_the_edge(y: float, x: float) -> None:
    joints, confidence, offset = maps_of(y, x)
    refined = refine(joints, confidence, offset)
    assert refined[:, :2] * _G == pytest.approx(np.tile([y, x], (17, 1)), abs=1e-3)
    assert (refined[:, 2] == joints[:, 2]).all()


def test_noise_of_single_cells_is_averaged() -> None:
    """More than ten cells count, so the noise falls to less than a third."""
    before, after = [], []
    for seed in range(20):
        joints, confidence, offset = maps_of(20.3, 30.8, noise=0.5, seed=seed)
        before.append(joints[:, :2] * _G - [20.3, 30.8])
        after.append(refine(joints, confidence, offset)[:, :2] * _G - [20.3, 30.8])
    assert np.std(after) < np.std(before) / 3


def test_joints_are_not_mixed_up() -> None:
    joints, confidence, offset = maps_of(20.0, 30.0)
    for joint in range(17):
        offset[..., 2 * joint] += joint / 100
        joints[joint, 0] += joint / 100 / _G
    assert refine(joints, confidence, offset)[:, 0] * _G == pytest.approx(20 + np.arange(17) / 100, abs=1e-3)


def test_cells_count_by_the_square_of_their_confidence() -> None:
    joints, confidence, offset = maps_of(20.0, 30.0)
    confidence[:] = 0
    confidence[20, 30], confidence[20, 31] = 1.0, 0.5
    offset[20, 31, 0::2] += 1.0
    assert refine(joints, confidence, offset)[:, 0] * _G == pytest.approx(20.0 + 0.25 / 1.25, abs=1e-3)
