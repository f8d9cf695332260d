"""The camera's place goes by the runner's height for as long as that runner is there."""

from __future__ import annotations

import numpy as np

from model.analysis import AnalysisSettings, RunAnalysis
from model.camera_pose import CameraPose
from model.place import CameraPlace
from model.pose import View
from model.virtual_camera import Motion, VirtualCamera, project_motion
from tests.model.walkers import Walker

CAMERA = VirtualCamera(View.FRONT, yaw_deg=6.0)


def runs(place: CameraPlace, seconds: float = 12.0) -> CameraPose:
    """What is known of the camera's place after a run before it."""
    walker = Walker(speed_m_s=3.0)
    t_s = np.arange(0.0, seconds, 1 / 30)
    motion = Motion(t_s, np.stack([walker.joints_m(float(t)) for t in t_s]))
    analysis = RunAnalysis(AnalysisSettings(view=View.FRONT), place)
    for pose in project_motion(motion, CAMERA):
        analysis.step(pose.t_s, pose)
    return place.camera


def place(height_m: float | None = None) -> CameraPlace:
    return CameraPlace(None, CAMERA.vfov_deg, 3.0, height_m)


def test_a_height_that_comes_later_counts_as_one_from_the_start() -> None:
    told = place()
    told.set_height(2.1)
    tall = runs(told)
    assert tall == runs(place(2.1))
    assert tall != runs(place())


def test_a_height_that_goes_leaves_the_average_one_and_the_place_that_was_found() -> None:
    later = place(2.1)
    before = runs(later)
    later.set_height(None)
    assert later.camera.yaw_deg == before.yaw_deg
    assert later.camera.source == "given"
    again = place()
    again.set_height(None)
    assert runs(again) == runs(place())
    kept = runs(again)
    again.set_height(None)  # no news: nothing begins anew
    assert again.camera is kept
