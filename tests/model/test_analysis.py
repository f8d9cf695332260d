"""A run, pose by pose: what a missing frame costs, and what walking leaves out."""

from __future__ import annotations

import math

import pytest

from model.analysis import AnalysisSettings, RunAnalysis
from model.coach import CoachSettings
from model.place import CameraPlace
from model.pose import View
from tests.model.walkers import Camera, Walker


@pytest.mark.parametrize("every_s", [math.inf, 2.0, 1.0, 0.5])
def test_frames_without_a_pose_cost_no_cue(every_s: float) -> None:
    """A knee that is always inside is cued as often as the pause between cues lets it, though single frames fail."""
    analysis = RunAnalysis(
        AnalysisSettings(view=View.FRONT, coach=CoachSettings(fppa_threshold_deg=-20.0, refractory_s=1.0)),
        CameraPlace(),
    )
    cues, missing_s = 0, every_s
    for pose in Walker().poses(30.0, 30.0, Camera(), 0.5):
        seen = pose.t_s < missing_s
        missing_s += 0.0 if seen else every_s
        cues += len(analysis.step(pose.t_s, pose if seen else None).cues)
    assert cues >= 16


def test_walking_has_no_strides_in_the_curves_of_a_run() -> None:
    for walker, least, most in ((Walker(), 40, 60), (Walker(((0.0, 110.0),), 0.6, 1.4, 0.022), 0, 0)):
        analysis = RunAnalysis(AnalysisSettings(view=View.FRONT), CameraPlace())
        strides = sum(len(analysis.step(pose.t_s, pose).strides) for pose in walker.poses(30.0, 20.0, Camera(), 0.5))
        assert least <= strides <= most
