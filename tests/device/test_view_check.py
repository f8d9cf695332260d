"""A view that was given wrongly is said; one that may be right is not."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from device.cli import main
from device.view_check import ViewCheck
from model.pose import KEYPOINT_NAMES, Joint, Pose, View

SAID = "said to be a rear view, but the runner is seen from the front, and what is measured may be wrong: say --view fr"


def pose(t_s: float, width_share: float) -> Pose:
    """Somebody whose left shoulder and hip are that share of the torso to the right of the right ones."""
    xy = np.zeros((len(KEYPOINT_NAMES), 2))
    for left, right, y in (
        (Joint.LEFT_SHOULDER, Joint.RIGHT_SHOULDER, 100.0),
        (Joint.LEFT_HIP, Joint.RIGHT_HIP, 200.0),
    ):
        xy[left] = 320 + 50 * width_share, y
        xy[right] = 320 - 50 * width_share, y
    return Pose(t_s, xy, np.ones(len(KEYPOINT_NAMES)), (640, 480))


def check(given: View | None, widths: Sequence[float]) -> ViewCheck:
    done = ViewCheck(given)
    for n, width in enumerate(widths):
        done.look(pose(n / 30, width))
    return done


@pytest.mark.parametrize(
    ("given", "widths", "seen"),
    [
        (View.REAR, [0.55] * 60, View.FRONT),
        (View.FRONT, [-0.55] * 60, View.REAR),
        (View.FRONT, [0.0] * 60, View.SIDE),
        (View.SIDE, [0.55] * 60, View.FRONT),
        (View.FRONT, [0.55] * 60, None),
        (View.FRONT, [0.55] * 60 + [0.0] * 60, None),  # turned round on the way: in part it is right
        (View.FRONT, [-0.55] * 10, None),  # too short to say
        (View.FRONT, [], None),
        (None, [-0.55] * 60, None),
    ],
)
def test_only_a_view_that_is_surely_another_is_said(given: View | None, widths: list[float], seen: View | None) -> None:
    assert check(given, widths).seen == seen


def test_line_names_both(caplog: pytest.LogCaptureFixture) -> None:
    check(View.FRONT, [0.55] * 60).tell("a.mp4")
    assert caplog.messages == []
    check(View.REAR, [0.55] * 60).tell("a.mp4")
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith(f"a.mp4: {SAID}")


@pytest.mark.parametrize("mode", ["run", "squat"])
def test_replay_says_it_and_writes_what_was_asked_for(
    tmp_path: Path, demo_clip: Path, caplog: pytest.LogCaptureFixture, mode: str
) -> None:
    film, settings = tmp_path / "cut.mp4", tmp_path / "config.toml"
    film.write_bytes(demo_clip.read_bytes()[:100_000])
    settings.write_text('[camera]\nview = "rear"\n')
    for view, lines in (("rear", 1), ("auto", 0), (None, 1)):
        caplog.clear()
        given = [] if view is None else ["--view", view]
        words = ["replay", str(film), "--mode", mode, "--json", str(tmp_path / "x.json"), "--config", str(settings)]
        main([*words, *given])
        told = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING and SAID in r.getMessage()]
        assert len(told) == lines, view
        document = json.loads((tmp_path / "x.json").read_text("utf-8"))
        assert document["view"] == ("front" if view == "auto" else "rear")
        assert SAID not in json.dumps(document)
