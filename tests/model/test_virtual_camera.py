"""The virtual camera against the clips' own cameras, and its noise against its table."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from model.pose import Joint, View
from model.virtual_camera import MEASURED, Motion, VirtualCamera, project_motion

_BELT = np.zeros(2)


def _at(*points: tuple[float, float, float]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.array(points, dtype=np.float64)


@pytest.mark.parametrize(
    ("clip", "yaw_deg", "roll_deg", "offset_m"),
    [
        ("demo_front", 0.0, 0.0, 0.0),
        ("demo_rear", 0.0, 0.0, 0.0),
        ("demo_side", 0.0, 0.0, 0.0),
        ("dev_front_yaw", -8.0, -2.0, 0.0),
        ("dev_front_yaw6", 6.0, 0.0, 0.0),
        ("dev_rear_yaw12", 12.0, 0.0, 0.0),
        ("dev_front_offset", 0.0, 0.0, 0.5),
    ],
)
def test_shows_what_the_rendered_camera_showed(
    shared: Path, clip: str, yaw_deg: float, roll_deg: float, offset_m: float
) -> None:
    truth = json.loads((shared / "clips" / f"{clip}.json").read_text("utf-8"))
    forward, left, up = truth["camera"]["position"]
    pitch_deg = math.degrees(math.asin(-truth["camera"]["world_to_cam_blender"][2][2]))
    camera = VirtualCamera(
        View(truth["view"]), yaw_deg, pitch_deg, roll_deg, up, math.hypot(forward, left - offset_m), offset_m,
        2 * math.degrees(math.atan(240 / truth["camera"]["fy"])),
    )  # fmt: skip
    seen = [frame for frame in truth["frames"] if frame["present"]][::50]
    xyz_m = np.array([frame["xyz"] for frame in seen])[..., [0, 2, 1]] * [1.0, 1.0, -1.0]
    px, _ = camera.project(xyz_m, _BELT)
    assert np.abs(px - np.array([frame["uv"] for frame in seen])).max() < 0.05


def test_positive_yaw_stands_to_the_runners_left_in_front_and_right_behind() -> None:
    assert VirtualCamera(View.FRONT, yaw_deg=10).place_m(_BELT)[2] < 0
    assert VirtualCamera(View.REAR, yaw_deg=10).place_m(_BELT)[2] > 0


def test_offset_moves_the_camera_to_its_own_right_so_the_runner_to_the_pictures_left() -> None:
    for view in View:
        px, _ = VirtualCamera(view, offset_m=0.5).project(_at((0.0, 0.9, 0.0)), _BELT)
        assert px[0, 0] < 320


def test_roll_counterclockwise_turns_the_picture_clockwise() -> None:
    px, _ = VirtualCamera(View.FRONT, roll_deg=5).project(_at((0.0, 1.5, 0.0), (0.0, 0.1, 0.0)), _BELT)
    assert px[0, 0] > px[1, 0]


def test_default_pitch_aims_at_the_hips() -> None:
    px, _ = VirtualCamera(View.FRONT, height_m=1.6, yaw_deg=15).project(_at((0.0, 0.9, 0.0)), _BELT)
    assert px[0] == pytest.approx([320, 240])


def _still(seconds: float, missing: bool = False) -> Motion:
    t_s = np.arange(0.0, seconds, 0.01)
    xyz_m = np.zeros((len(t_s), 17, 3))
    xyz_m[..., 1] = 1.0
    xyz_m[:, Joint.LEFT_HIP] = (5.0, 0.9, 1.9)
    xyz_m[:, Joint.RIGHT_HIP] = (5.0, 0.9, 2.1)
    if missing:
        xyz_m[:, Joint.NOSE] = math.nan
    return Motion(t_s, xyz_m)


def test_is_placed_around_the_person_wherever_they_are() -> None:
    pose = next(project_motion(_still(0.1), VirtualCamera(View.FRONT)))
    assert pose.mid(Joint.LEFT_HIP, Joint.RIGHT_HIP) == pytest.approx([320, 240])


def test_a_missing_joint_stays_missing() -> None:
    pose = next(project_motion(_still(0.1, missing=True), VirtualCamera(View.FRONT), noise="measured"))
    assert np.isnan(pose.xy_px[Joint.NOSE]).all()
    assert pose.score[Joint.NOSE] == 0
    assert pose.score[Joint.LEFT_HIP] > 0


@pytest.mark.parametrize("fps", [15.0, 30.0, 120.0])
def test_resampling_keeps_a_straight_motion_straight(fps: float) -> None:
    motion = _still(1.0)
    motion.xyz_m[..., 0] += motion.t_s[:, None]
    sampled = motion.at_rate(fps)
    assert np.diff(sampled.t_s) == pytest.approx(1 / fps)
    assert sampled.xyz_m[:, 0, 0] == pytest.approx(sampled.t_s)


def test_a_joint_missing_at_one_sample_is_missing_around_it_only() -> None:
    motion = _still(0.1)
    motion.xyz_m[5, Joint.LEFT_KNEE] = math.nan
    gone = np.isnan(motion.at_rate(200.0).xyz_m[:, Joint.LEFT_KNEE, 0])
    assert list(np.flatnonzero(gone)) == [9, 10, 11]


def test_nobody_moves_over_a_hole_in_the_capture() -> None:
    motion = _still(3.0)
    kept = (motion.t_s < 1.0) | (motion.t_s > 1.65)
    sampled = Motion(motion.t_s[kept], motion.xyz_m[kept]).at_rate(50.0)
    gone = np.isnan(sampled.xyz_m[:, Joint.LEFT_KNEE, 0])
    assert (sampled.t_s[gone].min(), sampled.t_s[gone].max()) == pytest.approx((1.0, 1.65), abs=0.03)
    slow = Motion(motion.t_s[::20], motion.xyz_m[::20])  # each sample as far from the next
    assert np.isfinite(slow.at_rate(50.0).xyz_m[:, Joint.LEFT_KNEE, 0]).all()


def test_noise_has_the_measured_bias_spread_and_memory_and_follows_its_seed() -> None:
    motion, camera = _still(60.0), VirtualCamera(View.FRONT, height_m=0.9)

    def hip(noise: str, seed: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        poses = project_motion(motion, camera, noise="measured" if noise == "measured" else "none", seed=seed)
        return np.array([pose.xy_px[Joint.LEFT_HIP] for pose in poses])

    noisy, clean = hip("measured", 1), hip("none", 1)
    expected = MEASURED[View.FRONT]["hip"]
    px_per_cm = camera.focal_px / 300
    off_cm = (noisy - clean) / px_per_cm
    assert off_cm.std(axis=0) == pytest.approx(expected.sd_cm, rel=0.15)
    assert -off_cm[:, 1].mean() == pytest.approx(expected.bias_cm[2], abs=0.3)
    x = off_cm[:, 0] - off_cm[:, 0].mean()
    assert float((x[1:] * x[:-1]).mean() / (x**2).mean()) == pytest.approx(expected.lag1, abs=0.1)
    assert np.array_equal(noisy, hip("measured", 1))
    assert not np.array_equal(noisy, hip("measured", 2))
