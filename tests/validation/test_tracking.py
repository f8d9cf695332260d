"""That the tracker's report can still be made: each table from a few seconds of the project's own clip."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from model.movenet import Sight, whole_picture
from model.pose import FloatArray, Pose
from model.quality import FrameQuality
from model.runtime import ModelName
from tests.model.bystanders import mid_hip, torso_px, with_second_person
from tests.validation import tracking_accuracy as accuracy
from tests.validation import tracking_scenes as scenes
from tests.validation.tracking_table import DEMO, INTRO, MODELS, PARTS, REPORT, filled

NOWHERE = Path("nowhere")
LIGHTNING: tuple[ModelName, ...] = ("lightning",)


@pytest.fixture(scope="module")
def demo() -> accuracy.Clip:
    (clip,) = accuracy.clips(DEMO, NOWHERE, seconds=3.0)
    return clip


def cells(table: str) -> list[list[str]]:
    """All rows but the heads."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    assert len({len(row) for row in rows}) == 1
    return rows[2:]


def true_poses(clip: accuracy.Clip, off_px: FloatArray) -> accuracy.Poses:
    return {(clip.name, n): clip.true(n) + off_px for n in range(clip.frames)}


def test_what_is_true_has_no_error(demo: accuracy.Clip) -> None:
    """But for the angle at the very middle of stance, of which the true one is told."""
    found = accuracy.score(true_poses(demo, np.zeros(2)), [demo])
    assert found.mean_abs_deg < 0.3
    assert found.noise_deg < 0.1
    assert found.drop_deg < 0.3


def test_an_offset_is_told_in_percent_of_the_torso(demo: accuracy.Clip) -> None:
    """Two percent of the torso down, one to the right, which is outward for the one side and inward for the other."""
    torso = float(np.median([torso_px(demo.true(n)) for n in range(30, demo.frames)]))
    poses: dict[ModelName, accuracy.Poses] = {"lightning": true_poses(demo, np.array([0.01, 0.02]) * torso)}
    for row in cells(accuracy.joints_table(poses, [demo])):
        assert row[2] == "100.0 %"
        assert float(row[4]) == pytest.approx(np.hypot(1, 2), abs=0.06)
        assert float(row[6]) == 0.0
        assert float(row[8]) == pytest.approx(2.0, abs=0.06)


def test_every_table_of_accuracy_is_made() -> None:
    short = accuracy.clips(DEMO, NOWHERE, seconds=2.0)
    pays, by_clip = accuracy.what_pays(short, LIGHTNING)
    assert [row[1] for row in cells(pays)] == list(accuracy.VARIANTS)
    assert len(cells(by_clip)) == 1
    followed: dict[ModelName, accuracy.Followed] = {"lightning": accuracy.follow_all_ways("lightning", short)}
    assert len(cells(accuracy.smoothing_table(followed, short))) == 11
    poses: dict[ModelName, accuracy.Poses] = {"lightning": followed["lightning"].in_turn}
    assert len(cells(accuracy.joints_table(poses, short))) == len(accuracy.JOINTS)
    assert len(cells(accuracy.geometry_table(short[0], LIGHTNING))) == 5 * 2  # with one look and two


def test_every_table_of_scenes_is_made(demo: accuracy.Clip) -> None:
    people = scenes.second_people(demo, NOWHERE)
    one = {"the runner's": people["the runner's"]}
    (row,) = cells(scenes.scenes_table(demo, one, LIGHTNING, ["runs 0.85 m beside"]))
    assert row[4] == "100.0 %"
    rows = cells(scenes.quality_table([demo], LIGHTNING, ["as it is", "light × 0.03"]))
    assert [row[2] for row in rows] == ["100 %", "0 %"]
    assert scenes.real_table(NOWHERE, LIGHTNING)


@pytest.mark.parametrize("model", MODELS)
def test_runner_is_back_half_a_second_after_a_slow_passer_in_the_same_clothes(model: ModelName) -> None:
    """Four seconds, in which they go 0.5 m/s; Thunder shows them until they are far beside the runner."""
    (clip,) = accuracy.clips(DEMO, NOWHERE, seconds=5.2)
    film = [(t_s, image, clip.true(n)) for n, (t_s, image) in enumerate(clip.pictures()) if t_s > 0.7]
    sprites = scenes.second_people(clip, NOWHERE)["the runner's"]
    x, y, torso = *mid_hip(film[0][2]), torso_px(film[0][2])
    tracker, tally = accuracy.follower(accuracy.open_net(model)), scenes.Tally()
    for t_s, image, runner, second, covered in with_second_person(
        iter(film), sprites, lambda t_s: (x + (t_s - 3.2) * torso, y + 0.2 * torso, 1.25 * torso, True)
    ):
        tally.add(tracker.look(image, t_s), t_s, runner, second, covered)
    assert tally.longest_s <= 0.5
    assert tally.wrong == 0
    assert tally.right > 0.45 * len(film)  # their legs are beside the runner's for a third of a second before and after


@pytest.mark.parametrize("move", ["forward by a fifth in 1.5 s", "0.3 m to the right in 2 s"])
def test_runner_who_moves_on_the_belt_is_back_in_half_a_second(move: str) -> None:
    (clip,) = accuracy.clips(DEMO, NOWHERE, seconds=9.5)
    (row,) = cells(scenes.moves_table([clip], LIGHTNING, [move]))
    assert float(row[-1]) <= 0.5
    assert row[-2] == "0.0 %"


def test_tally_counts_the_other_one_as_wrong(demo: accuracy.Clip) -> None:
    tally, runner = scenes.Tally(), demo.true(0)
    other = runner + np.array([torso_px(runner), 0.0])
    for n, xy in enumerate((runner, other, None, None)):
        pose = None if xy is None else Pose(n / 30, xy, np.full(17, 0.9), (640, 480))
        tally.add(Sight(pose, FrameQuality(0.9), whole_picture((640, 480))), n / 30, runner, other, 0.0)
    assert (tally.right, tally.wrong, tally.nobody) == (1, 1, 2)
    assert tally.longest_s == pytest.approx(2 / 30)


def test_report_has_every_part() -> None:
    intro = INTRO.read_text("utf-8")
    assert all(f"<!-- {part} -->" in intro for part in PARTS)
    assert "<!--" not in filled(intro, dict.fromkeys(PARTS, ""))
    assert "<!--" not in REPORT.read_text("utf-8")
