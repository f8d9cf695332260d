"""Bent legs in space from one picture, against angles that were put in."""

from __future__ import annotations

import numpy as np
import pytest

from model import kinematics as k
from model.camera_pose import CameraPose, focal_px
from model.lift import StandingLegs
from model.pose import Joint, Side, View
from model.virtual_camera import VirtualCamera
from tests.model.squatters import Exerciser, Rep

_TURNED = [-12.0, -5.0, 0.0, 8.0]


@pytest.mark.parametrize("view", [View.FRONT, View.REAR])
@pytest.mark.parametrize("yaw_deg", _TURNED)
@pytest.mark.parametrize(("left_deg", "right_deg"), [(-40.0, -30.0), (15.0, -10.0), (0.0, 30.0)])
@pytest.mark.parametrize("depth_m", [0.2, 0.45])
def test_angle_is_that_of_the_frontal_plane(
    view: View, yaw_deg: float, left_deg: float, right_deg: float, depth_m: float
) -> None:
    true = {Side.LEFT: left_deg, Side.RIGHT: right_deg}
    camera = VirtualCamera(view, yaw_deg=yaw_deg, roll_deg=3.0, height_m=1.4, distance_m=2.6)
    who = Exerciser([Rep(depth_m, true, low_s=0.5)])
    poses = who.poses(camera)
    known = CameraPose(yaw_deg=yaw_deg, roll_deg=3.0, pitch_deg=camera.aim_deg)
    legs = StandingLegs.measure(
        poses[0].xy_px, view, focal_px(camera.size_px, camera.vfov_deg), camera.size_px, known
    )
    bottom = min(poses, key=lambda pose: abs(pose.t_s - who.bottoms_s[0]))
    for side, angle_deg in true.items():
        seen_deg = k.fppa_image_deg(legs.frontal_plane(bottom.xy_px), side)
        # What standing looks like depends a little on where a camera that stands aside sees it from.
        assert seen_deg == pytest.approx(angle_deg, abs=0.6 + 0.25 * abs(yaw_deg) + 0.03 * abs(angle_deg))


@pytest.mark.parametrize("view", [View.FRONT, View.REAR])
def test_square_camera_of_unknown_pitch_and_field_of_view(view: View) -> None:
    """What is assumed of a camera costs little as long as it stands square."""
    who = Exerciser([Rep(0.4, {Side.LEFT: -20.0, Side.RIGHT: 15.0}, low_s=0.5)])
    for height_m in (0.9, 1.5):
        camera = VirtualCamera(view, height_m=height_m, distance_m=3.2, vfov_deg=48.0)
        poses = who.poses(camera)
        legs = StandingLegs.measure(poses[0].xy_px, view, focal_px((640, 480)), (640, 480), CameraPose())
        bottom = min(poses, key=lambda pose: abs(pose.t_s - who.bottoms_s[0])).xy_px
        for side, angle_deg in ((Side.LEFT, -20.0), (Side.RIGHT, 15.0)):
            assert k.fppa_image_deg(legs.frontal_plane(bottom), side) == pytest.approx(angle_deg, abs=3.5)


def test_missing_joint_gives_no_place() -> None:
    poses = Exerciser([Rep()]).poses()
    legs = StandingLegs.measure(poses[0].xy_px, View.FRONT, 600.0, (640, 480), CameraPose())
    xy = poses[0].xy_px.copy()
    xy[Joint.LEFT_KNEE] = np.nan
    frontal = legs.frontal_plane(xy)
    assert np.isnan(frontal[[Joint.LEFT_KNEE, Joint.LEFT_HIP]]).all()
    assert np.isfinite(frontal[[Joint.RIGHT_KNEE, Joint.RIGHT_HIP, Joint.LEFT_ANKLE]]).all()
    assert np.isnan(frontal[: Joint.LEFT_HIP]).all()
    unknown = StandingLegs.measure(xy, View.FRONT, 600.0, (640, 480), CameraPose())
    assert np.isnan(unknown.frontal_plane(poses[0].xy_px)).all()


def test_limb_that_looks_too_long_is_in_the_plane() -> None:
    poses = Exerciser([Rep()]).poses()
    legs = StandingLegs.measure(poses[0].xy_px, View.FRONT, 600.0, (640, 480), CameraPose())
    long = poses[0].xy_px.copy()
    long[:, 1] = 240 + 1.1 * (long[:, 1] - 240)
    assert np.isfinite(legs.frontal_plane(long)[Joint.LEFT_HIP :]).all()


@pytest.mark.parametrize("roll_deg", [-4.0, 4.0])
def test_roll_is_told_by_the_shoulders(roll_deg: float) -> None:
    true = {Side.LEFT: -14.0, Side.RIGHT: 12.0}
    who = Exerciser([Rep(0.35, true, low_s=0.5)])
    poses = who.poses(VirtualCamera(View.FRONT, roll_deg=roll_deg, vfov_deg=37.0))
    legs = StandingLegs.measure(poses[0].xy_px, View.FRONT, focal_px((640, 480)), (640, 480), CameraPose())
    assert legs.roll_deg == pytest.approx(0.7 * roll_deg, abs=0.1)
    bottom = min(poses, key=lambda pose: abs(pose.t_s - who.bottoms_s[0])).xy_px
    for side, angle_deg in true.items():
        assert k.fppa_image_deg(legs.frontal_plane(bottom), side) == pytest.approx(angle_deg, abs=3.0)
    unseen = poses[0].xy_px.copy()
    unseen[Joint.LEFT_SHOULDER] = np.nan
    assert StandingLegs.measure(unseen, View.FRONT, 600.0, (640, 480), CameraPose()).roll_deg == 0.0


@pytest.mark.parametrize(("joint", "of"), [(Joint.LEFT_KNEE, Joint.LEFT_HIP), (Joint.LEFT_ANKLE, Joint.LEFT_KNEE)])
@pytest.mark.parametrize(("longer", "too_long"), [(1.08, False), (1.16, True)])
def test_a_limb_may_look_an_eighth_longer_than_it_is(joint: Joint, of: Joint, longer: float, too_long: bool) -> None:
    """More is a camera that stands elsewhere than it is taken to, or a joint that is none."""
    standing = Exerciser([Rep()]).poses()[0].xy_px
    legs = StandingLegs.measure(standing, View.FRONT, focal_px((640, 480)), (640, 480), CameraPose(pitch_deg=0.0))
    xy = standing.copy()
    moved = (longer - 1) * (standing[joint] - standing[of])
    xy[[Joint.LEFT_HIP] if joint is Joint.LEFT_KNEE else [Joint.LEFT_HIP, Joint.LEFT_KNEE]] -= moved
    assert legs.too_long(np.stack([standing, xy]), Side.LEFT).tolist() == [False, too_long]
    assert not legs.too_long(xy, Side.RIGHT)
    xy[joint] = np.nan
    assert not legs.too_long(xy, Side.LEFT)
