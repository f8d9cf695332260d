"""Knees and ankles that jump are not believed for a moment."""

from __future__ import annotations

import numpy as np
import pytest

from model.jumps import Jumps
from model.pose import FloatArray, Joint, Pose
from model.quality import MIN_SCORE

_TORSO_PX = 100.0


def _run(ankle_px: FloatArray, fps: float = 30.0, score: float = 0.9) -> list[Pose]:
    """Poses whose left ankle is at ankle_px (n, 2), and whose right one stands 200 px farther right."""
    jumps, out = Jumps(), []
    for i, xy in enumerate(ankle_px):
        joints = np.zeros((17, 2))
        joints[Joint.LEFT_ANKLE], joints[Joint.RIGHT_ANKLE] = xy, (200.0, 0.0)
        out.append(jumps.step(Pose(i / fps, joints, np.full(17, score), (640, 480)), _TORSO_PX))
    return out


def _doubted(poses: list[Pose], joint: Joint = Joint.LEFT_ANKLE) -> list[int]:
    return [i for i, pose in enumerate(poses) if pose.score[joint] < MIN_SCORE]


def _swinging(frames: int, fps: float = 30.0) -> FloatArray:
    """An ankle that swings by a metre (two torsos) and back, 1.4 times a second."""
    t_s = np.arange(frames) / fps
    return np.stack([_TORSO_PX * np.sin(2 * np.pi * 1.4 * t_s), np.zeros(frames)], axis=1)


@pytest.mark.parametrize("fps", [15.0, 30.0, 60.0])
def test_a_swinging_leg_is_believed(fps: float) -> None:
    assert not _doubted(_run(_swinging(60, fps), fps))


def test_an_ankle_that_is_elsewhere_in_one_picture_is_not_believed_until_it_was_back_for_a_moment() -> None:
    ankle = _swinging(40)
    ankle[20] += (0.0, 60.0)
    poses = _run(ankle)
    assert _doubted(poses) == list(range(20, 25)), "out of its way in 20, back in 21 and 22, which lasts for 0.1 s"
    assert not _doubted(poses, Joint.RIGHT_ANKLE)
    assert not _doubted(poses, Joint.LEFT_KNEE)
    assert poses[20].xy_px[Joint.LEFT_ANKLE, 1] == 60.0, "where it was seen stays as it is"


def test_an_ankle_that_was_hardly_seen_is_not_believed_more_because_it_jumped() -> None:
    ankle = _swinging(40)
    ankle[20] += (0.0, 60.0)
    assert {pose.score[Joint.LEFT_ANKLE] for pose in _run(ankle, score=0.05)} == {0.05}


def test_that_a_joint_jumped_is_told_of_that_picture_alone() -> None:
    jumps, joints, told = Jumps(), np.zeros((17, 2)), []
    for i in range(12):
        moved = joints + (80.0 if i == 6 else 0.0)
        jumps.step(Pose(i / 30, moved, np.full(17, 0.9), (640, 480)), _TORSO_PX)
        told.append(jumps.jumped)
    assert told[6]
    assert not any(told[:6] + told[9:])


def test_with_few_pictures_a_second_nothing_is_told_of_a_leg() -> None:
    """From one to the next a leg goes anywhere."""
    ankle = np.stack([60.0 * np.array([0, 1, 0, 2, -1, 1, 0, 3, 0, 1]), np.zeros(10)], axis=1)
    assert not _doubted(_run(ankle, 10.0))


def test_an_ankle_that_stays_elsewhere_is_believed_there() -> None:
    ankle = _swinging(40)
    ankle[20:] += (0.0, 60.0)
    assert _doubted(_run(ankle)) == list(range(20, 24))


def test_legs_that_the_network_exchanges_do_not_jump() -> None:
    jumps = Jumps()
    poses = []
    for i in range(20):
        joints = np.zeros((17, 2))
        ends = [(0.0, 0.0), (150.0, 0.0)]
        joints[Joint.LEFT_ANKLE], joints[Joint.RIGHT_ANKLE] = ends if i % 3 else ends[::-1]
        poses.append(jumps.step(Pose(i / 30, joints, np.full(17, 0.9), (640, 480)), _TORSO_PX))
    assert not _doubted(poses)
    assert not _doubted(poses, Joint.RIGHT_ANKLE)


def test_after_a_gap_nothing_jumps() -> None:
    jumps, joints = Jumps(), np.zeros((17, 2))
    for t_s in (0.0, 1 / 30, 2 / 30):
        jumps.step(Pose(t_s, joints, np.full(17, 0.9), (640, 480)), _TORSO_PX)
    moved = joints + 80.0
    pose = jumps.step(Pose(0.5, moved, np.full(17, 0.9), (640, 480)), _TORSO_PX)
    assert pose.score.min() == 0.9
