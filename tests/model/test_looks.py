"""Pictures looked at as they are and in the mirror in turn: what is seen otherwise left than right falls out."""

from __future__ import annotations

import itertools
import math
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from device.cameras.video import VideoSource
from model.analysis import AnalysisSettings, RunAnalysis
from model.decoder import turned_back
from model.looks import evened
from model.movenet import RunnerTracker, whole_picture
from model.pose import LEGS, FloatArray, Joint, Pose, Side, View
from model.runtime import PoseNet, available_runtimes, load_weights
from model.stance import Stance
from tests.model.figures import frontal_pose, sagittal_pose

_KNEE = LEGS[Side.LEFT].knee


def poses(knee_px: FloatArray, fps: float = 30.0) -> list[Pose]:
    """A runner who stands still but for the left knee, which is ``knee_px`` (n, 2) off."""
    figure = frontal_pose(stance=Side.LEFT, fppa_deg=5, drop_deg=0, adduction_deg=8)
    found = []
    for n, off in enumerate(knee_px):
        xy = figure.copy()
        xy[_KNEE] += off
        found.append(Pose(n / fps, xy, np.full(17, 0.9), (640, 480)))
    return found


def knees(some: list[Pose]) -> FloatArray:
    return np.array([pose.xy_px[_KNEE] for pose in some])


def test_what_changes_its_sign_from_frame_to_frame_falls_out() -> None:
    """The mean of both looks, at either of them."""
    turn = np.where(np.arange(9) % 2, 3.0, 0.0)
    seen = poses(np.stack([turn, -turn], axis=1))
    mean = knees(seen)[0] + [1.5, -1.5]
    assert knees(evened(seen))[1:-1] == pytest.approx(np.tile(mean, (7, 1)))
    assert np.ptp(knees(seen), axis=0) == pytest.approx([3.0, 3.0])


def test_a_steady_motion_stays_as_it_is() -> None:
    seen = poses(np.stack([np.arange(9) * 2.0, np.arange(9) * -0.5], axis=1))
    assert knees(evened(seen)) == pytest.approx(knees(seen))
    assert [pose.t_s for pose in evened(seen)] == [pose.t_s for pose in seen]


def test_a_joint_on_the_other_leg_for_a_frame_leaves_its_neighbours_alone() -> None:
    off = np.zeros((9, 2))
    off[4, 0] = 50.0
    seen = poses(off)
    assert knees(evened(seen)) == pytest.approx(knees(seen))


def test_nothing_is_evened_across_a_gap_or_a_missing_joint() -> None:
    turn = np.where(np.arange(9) % 2, 3.0, 0.0)
    seen = poses(np.stack([turn, turn], axis=1))
    late = [replace(pose, t_s=pose.t_s + 0.5 * (n > 4)) for n, pose in enumerate(seen)]
    found = knees(evened(late))
    assert found[[4, 5]] == pytest.approx(knees(seen)[[4, 5]])
    assert found[2] != pytest.approx(knees(seen)[2])
    lost = seen[4].xy_px.copy()
    lost[_KNEE] = math.nan
    without = evened([*seen[:4], replace(seen[4], xy_px=lost), *seen[5:]])
    assert knees(without)[[3, 5]] == pytest.approx(knees(seen)[[3, 5]])
    assert not np.isfinite(without[4].xy_px[_KNEE]).any()
    assert np.isfinite(without[4].xy_px[LEGS[Side.LEFT].ankle]).all()


def test_too_few_poses_or_none_with_legs_stay_as_they_are() -> None:
    few = poses(np.zeros((2, 2)))
    assert knees(evened(few)) == pytest.approx(knees(few))
    blind = [replace(pose, xy_px=np.full((17, 2), math.nan)) for pose in poses(np.zeros((4, 2)))]
    assert all(np.isnan(pose.xy_px).all() for pose in evened(blind))
    assert evened([]) == []


def stances(clip: Path, net: PoseNet, mirrored: bool, alternating: bool) -> list[Stance]:
    """Of the first seconds of a clip or of its mirror image."""
    tracker = RunnerTracker(net, net.weights.size_px, alternating=alternating)
    analysis = RunAnalysis(AnalysisSettings(view=View.FRONT, model=net.name))
    found: list[Stance] = []
    with VideoSource(clip) as source:
        for frame in itertools.islice(source.frames(threading.Event()), 180):
            image = np.ascontiguousarray(frame.image[:, ::-1]) if mirrored else frame.image
            found += analysis.step(frame.t_ns / 1e9, tracker.step(image, frame.t_ns / 1e9)).stances
    return found


def test_a_film_and_its_mirror_image_give_the_same_sides(demo_clip: Path) -> None:
    """The left knee of the one is the right knee of the other: nearer together than with every picture as it is."""
    net = PoseNet(load_weights("lightning"), next(iter(available_runtimes())), 1)
    both = {
        alternating: (stances(demo_clip, net, False, alternating), stances(demo_clip, net, True, alternating))
        for alternating in (True, False)
    }
    for key in ("fppa_image_deg", "pelvic_drop_deg"):
        apart = {alternating: sides_apart(film, mirror, key) for alternating, (film, mirror) in both.items()}
        assert apart[True] < 0.5, key
        assert apart[True] < apart[False] / 2, key


def sides_apart(film: list[Stance], mirror_image: list[Stance], key: str) -> float:
    """Between a side's mean in the one and the other side's in the other; the larger of both sides."""
    means = [
        {side: np.mean([s.values[key] for s in some if s.side is side and s.strike_s > 1.5]) for side in Side}
        for some in (film, mirror_image)
    ]
    return float(max(abs(means[0][side] - means[1][side.other]) for side in Side))


class _Watches:
    """A network that sees the same body in every picture, and notes whether the picture is a mirror image."""

    def __init__(self, body_px: FloatArray) -> None:
        self._body_px = body_px
        self.crop = whole_picture((640, 480))
        self.turned: list[bool] = []

    def invoke(self, crop: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.turned.append(bool(crop[80:110, 86].mean() < crop[80:110, 106].mean()))
        corner = (self.crop.x_px - self.crop.side_px / 2, self.crop.y_px - self.crop.side_px / 2)
        shares = ((self._body_px - corner) / self.crop.side_px)[:, ::-1]
        seen = np.isfinite(shares).all(axis=1)
        joints = np.column_stack([np.nan_to_num(shares, nan=0.5), 0.9 * seen]).astype(np.float32)
        return turned_back(joints) if self.turned[-1] else joints


@pytest.mark.parametrize(
    ("body_px", "alternates"),
    [
        (frontal_pose(stance=Side.LEFT, fppa_deg=5, drop_deg=0, adduction_deg=8), True),
        (sagittal_pose(thigh_deg=20, flexion_deg=40, trunk_deg=8), False),
    ],
)
def test_every_second_picture_is_looked_at_in_the_mirror_from_the_front(body_px: FloatArray, alternates: bool) -> None:
    """Once the view is known; never from the side, where near and far are not alike. The joints stay where they are."""
    image = np.tile(np.linspace(250, 5, 640).astype(np.uint8)[None, :, None], (480, 1, 3))
    net = _Watches(body_px)
    tracker = RunnerTracker(net, 192)
    for n in range(60):
        sight = tracker.look(image, n / 30)
        assert sight.pose is not None
        legs = slice(Joint.LEFT_HIP, Joint.RIGHT_ANKLE + 1)
        assert sight.pose.xy_px[legs] == pytest.approx(body_px[legs], abs=1e-3)
        net.crop = tracker._crop() or net.crop
    assert not net.turned[0]
    if alternates:
        # Looks beside the runner, for somebody else, are as they are.
        assert 20 <= sum(net.turned) <= 30
    else:
        assert not any(net.turned)
