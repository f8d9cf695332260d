"""The varied pictures: what a turned camera shows is where its truth says it is, and the table is made of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from model.pose import Pose, Side, View
from model.virtual_camera import VirtualCamera
from tests.validation import varied_table as v
from tests.validation.keypoints import kept

CAMERA = {"fx": 640.0, "fy": 640.0, "cx": 320.0, "cy": 240.0}
POINTS_M = np.array([[0.0, 0.1, -0.2], [0.1, 0.9, 0.15], [0.0, 1.4, 0.2]])


@pytest.mark.parametrize(
    "variant", [v.Variant(yaw_deg=4), v.Variant(pitch_deg=-3), v.Variant(roll_deg=3), v.Variant(yaw_deg=-4, roll_deg=2)]
)
def test_the_homography_is_that_of_a_camera_turned_on_the_spot(variant: v.Variant) -> None:
    vfov_deg = float(np.degrees(2 * np.arctan(240 / 640)))
    still = VirtualCamera(View.FRONT, pitch_deg=0.0, vfov_deg=vfov_deg)
    before, _ = still.project(POINTS_M, np.zeros(2))
    turned = VirtualCamera(
        View.FRONT, yaw_deg=variant.yaw_deg, pitch_deg=variant.pitch_deg, roll_deg=variant.roll_deg, vfov_deg=vfov_deg
    )
    # Turned on the spot: it looks along its new axes from where it stood.
    seen = (POINTS_M - still.place_m(np.zeros(2))) @ turned.axes().T
    after = np.array([320, 240]) + seen[:, :2] / -seen[:, 2:] * [640, -640]
    assert not np.allclose(before, after, atol=5)
    homogeneous = np.column_stack([before, np.ones(3)]) @ variant.homography(CAMERA).T
    assert homogeneous[:, :2] / homogeneous[:, 2:] == pytest.approx(after, abs=1e-6)


def test_a_mirror_changes_sides_and_the_sign_of_yaw() -> None:
    mirrored = v.Variant(yaw_deg=4, mirrored=True)
    assert (mirrored.side("left"), mirrored.yaw_of(2.0)) == (Side.RIGHT, -6.0)
    assert (v.Variant(yaw_deg=4).side("left"), v.Variant(yaw_deg=4).yaw_of(2.0)) == (Side.LEFT, 6.0)
    image = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    rng = np.random.default_rng(0)
    assert (v.Variant(mirrored=True).picture(image, CAMERA, rng) == image[:, ::-1]).all()


def test_the_demo_clip_and_its_mirror_image(tmp_path: Path) -> None:
    """The right knee's dives are the left one's in the mirror; all are cued and nothing else is."""
    (path,) = v.truths(None)
    for variant in (v.Variant(), v.Variant(mirrored=True)):
        found = v.analyse(path, variant, "lightning", tmp_path)
        assert found.cued(dives=True) == (11, 11)
        assert found.cued(dives=False)[0] == 0
        assert {cue.side for cue in found.cues} == {variant.side("right")}
        assert abs(found.cadence_off_spm) < 1
        line = v.row("demo", [found])
        assert line.count("|") == 11
        assert "11 of 11" in line


def test_keypoints_are_seen_once_and_kept(tmp_path: Path) -> None:
    calls = []

    def see() -> list[Pose]:
        calls.append(1)
        return [Pose(n / 30, np.full((17, 2), 5.0 + n), np.ones(17), (640, 480)) for n in range(2)]

    for _ in range(2):
        poses = kept(tmp_path / "clip.npz", see)
        assert [(pose.t_s, pose.xy_px[0, 0], pose.image_size_px) for pose in poses] == [
            (0.0, 5.0, (640, 480)),
            (1 / 30, 6.0, (640, 480)),
        ]
    assert len(calls) == 1
