"""Repetitions of a test as they are counted while it is made, and what that costs."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from device import screening_progress
from device.screening import Task
from device.screening_progress import ScreeningProgress
from model.camera_pose import CameraPose
from model.pose import Pose, Side, View
from model.quality import FrameQuality
from model.repetitions import Span
from model.screening import Exercise, ScreeningSettings, find
from tests.model.squatters import Exerciser, Rep

FPS = 15.0


def _progress(exercise: Exercise, tested: Side | None = None) -> ScreeningProgress:
    return ScreeningProgress(Task(exercise, tested), View.FRONT, "m", lambda view: CameraPose())


def _followed(progress: ScreeningProgress, poses: Sequence[Pose]) -> list[int]:
    """How many repetitions are counted after each picture, until all are."""
    counted = []
    for pose in poses:
        progress.step(pose.t_s, pose, FrameQuality(0.8))
        counted.append(progress.reps)
        if progress.over:
            break
    return counted


@pytest.mark.parametrize(
    ("exercise", "tested", "reps"),
    [
        (Exercise.SQUAT, None, [Rep(0.35, top_s=top_s) for top_s in (0.1, 4.0, 0.0, 0.3, 2.0)]),
        # Up again by less than the way down, and down once more: one repetition, found before it has ended.
        (Exercise.SQUAT, None, [Rep(0.35), Rep(0.3, back=0.8, top_s=0.0), Rep(0.35, down_s=0.6), Rep(0.2), Rep(0.4)]),
        (Exercise.STEP_DOWN, Side.RIGHT, [Rep(0.15, low_s=low_s, top_s=0.2) for low_s in (0.0, 2.0, 0.0, 0.0, 0.5)]),
    ],
)
def test_as_many_are_counted_as_all_pictures_so_far_tell(
    monkeypatch: pytest.MonkeyPatch, exercise: Exercise, tested: Side | None, reps: list[Rep]
) -> None:
    poses = Exerciser(reps, standing=tested, lead_s=1.5).poses(fps=FPS, noise_px=0.5)
    sparing = _progress(exercise, tested)
    thorough = _progress(exercise, tested)
    counted = _followed(sparing, poses)
    monkeypatch.setattr(ScreeningProgress, "_has_another", lambda self, view: True)
    assert counted == _followed(thorough, poses)
    assert counted[-1] >= 4
    assert [span.end_s for span in sparing._found[-1:]] == pytest.approx([thorough._found[-1].end_s], abs=0.05)


def test_a_long_test_is_not_looked_through_from_its_beginning_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a Pi it would take most of the time of each half second, in which no picture is looked at."""
    looked: list[float] = []

    def noted(poses: Sequence[Pose], settings: ScreeningSettings) -> tuple[Span, ...]:
        looked.append(poses[-1].t_s - poses[0].t_s)
        return find(poses, settings)

    monkeypatch.setattr(screening_progress, "find", noted)
    poses = Exerciser([Rep(0.35, top_s=20.0) for _ in range(5)], lead_s=2.0).poses(fps=FPS, noise_px=0.5)
    assert _followed(_progress(Exercise.SQUAT), poses)[-1] == 5
    assert len(looked) > 180, "it is looked twice a second"
    assert sum(length_s > 30.0 for length_s in looked) <= 4, "once for each repetition but the first"
