"""Whether somebody else is on the belt: by looks beside the runner whose outcome is put in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from model.company import Company
from model.person import sighting
from model.pose import Joint, Pose
from tests.model.bystanders import mid_hip, torso_px
from tests.model.figures import SIZE_PX, frontal_pose

SHOULDERS = [Joint.LEFT_SHOULDER, Joint.RIGHT_SHOULDER]


def runner() -> Pose:
    """Without a head, as a close crop shows them."""
    xy = frontal_pose()
    return Pose(0.0, xy, np.where(np.isfinite(xy[:, 0]), 0.8, 0.0), SIZE_PX)


def beside(size: float, right: float, up: float, shoulders: bool = True) -> Pose:
    """Somebody so many times as large, so many torsos beside and above; without ``shoulders`` the crop cuts them off,
    and the network guesses them at its edge."""
    here = runner()
    torso, hip = torso_px(here.xy_px), mid_hip(here.xy_px)
    xy = (here.xy_px - hip) * size + hip + np.array([right, -up]) * torso
    score = here.score.copy()
    if not shoulders:
        xy[SHOULDERS, 1] = xy[[Joint.LEFT_HIP, Joint.RIGHT_HIP], 1] - 0.6 * torso
        score[SHOULDERS] = 0.1
    return Pose(0.0, xy, score, SIZE_PX)


def is_told(other: Pose, for_s: float = 2.0) -> bool:
    """Whether they are on the belt, by looks ten times a second."""
    company = Company()
    for n in range(round(10 * for_s)):
        pose = replace(runner(), t_s=n / 10)
        if company.is_sought(pose.t_s, at_once=True):
            company.see(replace(other, t_s=pose.t_s), pose, sighting(pose), lowest_px=None)
    return company.is_there(for_s)


@pytest.mark.parametrize(
    ("size", "right", "up", "told"),
    [
        (1.0, 0.6, 0.0, True),
        (1.0, 1.2, 0.0, False),  # on the next treadmill
        (0.6, 0.6, 0.3, False),  # far behind it
        (1.25, 0.6, 0.9, True),  # a large body behind a small one: its hips are higher, its size makes up for that
        (1.0, 0.6, 0.9, False),
        (1.4, 0.6, 0.9, True),
        (1.4, 1.5, 0.0, False),
        (1.7, 0.6, 0.0, False),  # far nearer to the camera
    ],
)
def test_who_is_on_the_same_belt_is_told_by_place_and_size(size: float, right: float, up: float, told: bool) -> None:
    assert is_told(beside(size, right, up)) is told


@pytest.mark.parametrize(("size", "told"), [(1.25, True), (1.4, True), (0.6, False), (1.7, False)])
def test_of_whom_the_crop_shows_no_shoulders_the_legs_tell_the_size(size: float, told: bool) -> None:
    """A heavy man behind a small woman: by where the network guessed his shoulders he was half her size."""
    assert is_told(beside(size, 0.6, 0.8, shoulders=False)) is told


def test_without_shoulders_and_legs_the_trunk_is_all_there_is() -> None:
    hidden = beside(1.25, 0.6, 0.8, shoulders=False)
    score = hidden.score.copy()
    score[[Joint.LEFT_ANKLE, Joint.RIGHT_KNEE]] = 0.1
    assert not is_told(replace(hidden, score=score))


def test_nobody_beside_the_runner_is_nobody() -> None:
    assert not is_told(runner())
