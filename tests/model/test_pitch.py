"""The camera's pitch by who stands before it, against cameras that were put in."""

from __future__ import annotations

import numpy as np
import pytest

from model.pitch import Heights, standing_pitch
from model.pose import FloatArray, Joint, View
from model.virtual_camera import VirtualCamera
from tests.model.squatters import Exerciser, Rep

#: Of who is seen: 0.84 m from hip to ankle.
PERSON_M = 0.84 / 0.491


def _camera(height_m: float, distance_m: float) -> VirtualCamera:
    return VirtualCamera(View.FRONT, height_m=height_m, distance_m=distance_m, size_px=(720, 1280), vfov_deg=67.0)


def _rays(camera: VirtualCamera) -> FloatArray:
    xy_px = Exerciser([Rep()]).poses(camera)[0].xy_px
    rays: FloatArray = (xy_px - np.array(camera.size_px) / 2) / camera.focal_px
    return rays


@pytest.mark.parametrize("height_m", [0.3, 0.6, 0.9, 1.2, 1.5, 1.8, 2.2])
@pytest.mark.parametrize("distance_m", [2.0, 2.5, 3.5])
def test_height_that_is_told_tells_the_pitch(height_m: float, distance_m: float) -> None:
    camera = _camera(height_m, distance_m)
    found = standing_pitch(_rays(camera), 0.0, heights=Heights(height_m, PERSON_M))
    assert found.deg == pytest.approx(camera.aim_deg, abs=3.0)
    assert abs(found.deg - camera.aim_deg) < found.sd_deg
    assert found.sd_deg < 5.0
    usual = standing_pitch(_rays(camera), 0.0, heights=Heights(height_m))
    assert usual.deg == pytest.approx(camera.aim_deg, abs=3.5)
    assert usual.sd_deg > found.sd_deg, "a person of unknown height tells less"


@pytest.mark.parametrize("height_m", [0.3, 0.6, 0.9, 1.2, 1.5, 1.8, 2.2])
@pytest.mark.parametrize("distance_m", [2.0, 2.5, 3.5])
def test_body_tells_what_is_not_told(height_m: float, distance_m: float) -> None:
    """Roughly: a trunk of another length than usual, as here, is taken for a tilt. It knows how roughly."""
    camera = _camera(height_m, distance_m)
    found = standing_pitch(_rays(camera), 0.0)
    assert abs(found.deg - camera.aim_deg) < 3.0 * found.sd_deg
    if 0.9 <= height_m <= 1.5:
        assert abs(found.deg - camera.aim_deg) < 7.0
    if distance_m == 2.0:
        assert abs(found.deg - camera.aim_deg) < 12.0


def test_hips_alone_tell_less() -> None:
    camera = _camera(1.2, 3.0)
    rays = _rays(camera)
    rays[[Joint.LEFT_SHOULDER, Joint.RIGHT_SHOULDER]] = np.nan
    found, whole = standing_pitch(rays, 0.0), standing_pitch(_rays(camera), 0.0)
    assert abs(found.deg - camera.aim_deg) < found.sd_deg
    assert found.sd_deg > 1.5 * whole.sd_deg


def test_box_of_a_step_down_lifts_the_hips() -> None:
    rays, told = _rays(_camera(1.2, 3.0)), Heights(1.2, PERSON_M)
    lower, higher = standing_pitch(rays, 0.0, heights=told), standing_pitch(rays, 0.0, heights=told, on_box=True)
    assert higher.deg - lower.deg == pytest.approx(np.degrees(0.175 / 3.0), abs=0.7)


def test_what_a_run_has_told_is_taken() -> None:
    assert standing_pitch(_rays(_camera(1.2, 3.0)), 0.0, -9.0, Heights(2.0)).deg == -9.0


def test_who_is_not_wholly_seen_tells_nothing() -> None:
    rays = _rays(_camera(1.2, 3.0))
    rays[Joint.LEFT_KNEE] = np.nan
    assert np.isnan(standing_pitch(rays, 0.0).deg)
