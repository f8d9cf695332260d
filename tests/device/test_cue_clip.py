"""A whole clip on gpiozero's mock pins: the exact list of what every pin did, at the frames' own times.

The joints are the clip's true ones, so that no pose model's speed or rounding has a say.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gpiozero.pins.mock import MockFactory

from device.config import CuesConfig
from device.cues import CueOutput
from device.runtime import led_state
from model.analysis import AnalysisSettings, Outcome, RunAnalysis
from model.place import CameraPlace
from model.pose import Pose, Side
from tests.device.mock_pins import Clock, changes, states

LEFT, RIGHT, BUZZER, LEFT_GREEN, RIGHT_GREEN = 17, 27, 22, 5, 6
FRAME_S = 1 / 30
Edge = tuple[str, bool, float]


@pytest.fixture(scope="module")
def truth(demo_clip: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(demo_clip.with_suffix(".json").read_text("utf-8"))
    return loaded


def outcomes(truth: dict[str, Any]) -> Iterator[Outcome]:
    size = truth["width"], truth["height"]
    analysis = RunAnalysis(AnalysisSettings(), CameraPlace())
    for frame in truth["frames"]:
        pose = Pose(frame["t"], np.array(frame["uv"], dtype=np.float64), np.ones(17), size)
        yield analysis.step(pose.t_s, pose)


def play(truth: dict[str, Any], clock: Clock, config: CuesConfig) -> tuple[list[Outcome], list[Edge]]:
    """The clip through coach and pins, as the device's loop does it; edges without what opening and closing does."""
    seen = list(outcomes(truth))
    with CueOutput(config) as output:
        for outcome in seen:
            clock.advance(output, outcome.t_s)
            for side in Side:
                output.set_state(side, led_state(outcome, side))
            for cue in outcome.cues:
                output.cue(cue.side, cue.severity)
        clock.advance(output, seen[-1].t_s + 0.5)
        edges = changes(output)
    return seen, edges


def wired(**settings: Any) -> CuesConfig:
    return CuesConfig(led_left_green_pin=LEFT_GREEN, led_right_green_pin=RIGHT_GREEN, **settings)


def of(edges: list[Edge], line: str) -> list[tuple[bool, float]]:
    return [(on, t_s) for name, on, t_s in edges if name == line]


def test_the_pins_do_exactly_what_the_clip_asks_for(
    truth: dict[str, Any], clock: Clock, pins: MockFactory
) -> None:
    seen, edges = play(truth, clock, wired())
    cues_s = [cue.t_s for outcome in seen for cue in outcome.cues]
    dives = [s for s in truth["stances"] if s["valgus_added_deg"] >= 9.9]
    assert len(cues_s) == len(dives) == 11
    for cue_s, stance in zip(cues_s, dives, strict=True):
        assert stance["side"] == "right"
        # The strike is known to 1.5 frames, so the middle is too.
        assert -1.5 * FRAME_S <= cue_s - stance["mid_s"] <= 2.5 * FRAME_S
        assert cue_s <= stance["toeoff_s"]
    # Two beeps for the right knee with every cue, and not one more.
    beeps = [
        (on, round(t_s + d, 3)) for t_s in cues_s for on, d in ((True, 0), (False, 0.08), (True, 0.15), (False, 0.23))
    ]
    assert of(edges, "buzzer") == beeps
    # Red from the first cue until the first stance of that side that is within the target again.
    after_s = next(
        o.t_s for o in seen if o.t_s > cues_s[-1] and (v := o.coach.verdicts[Side.RIGHT]) is not None and not v.alert
    )
    assert after_s - cues_s[-1] < 0.8
    assert of(edges, "led_right") == [(True, round(cues_s[0], 3)), (False, round(after_s, 3))]
    # Green from the first stance that could be judged, never together with red.
    judged_s = {side: next(o.t_s for o in seen if o.coach.verdicts[side] is not None) for side in Side}
    assert of(edges, "led_left_green") == [(True, round(judged_s[Side.LEFT], 3))]
    assert of(edges, "led_right_green") == [
        (True, round(judged_s[Side.RIGHT], 3)),
        (False, round(cues_s[0], 3)),
        (True, round(after_s, 3)),
    ]
    assert of(edges, "led_left") == []
    # The same on the pins themselves, all dark at the end.
    assert states(pins, RIGHT) == [0, 1, 0]
    assert states(pins, BUZZER) == [0] + [1, 0] * 22
    assert states(pins, LEFT) == [0]
    assert states(pins, LEFT_GREEN) == [0, 1, 0]
    assert states(pins, RIGHT_GREEN) == [0, 1, 0, 1, 0]


def test_the_same_clip_brings_the_same_edges(truth: dict[str, Any], clock: Clock, pins: MockFactory) -> None:
    first = play(truth, clock, wired())[1]
    clock.now_s = 0.0
    assert play(truth, clock, wired())[1] == first


def test_the_buzzer_sounds_longer_the_further_off(truth: dict[str, Any], clock: Clock, pins: MockFactory) -> None:
    seen, edges = play(truth, clock, wired(scale_by_error=True, pattern_right=(0.1,)))
    lengths_s = [off - on for (_, on), (_, off) in zip(*[iter(of(edges, "buzzer"))] * 2, strict=True)]
    errors_deg = [cue.value - cue.threshold for outcome in seen for cue in outcome.cues]
    expected = [0.1 * (0.5 + min(error_deg / 10, 1.0)) for error_deg in errors_deg]
    assert lengths_s == pytest.approx(expected, abs=0.002)
    assert max(lengths_s) > min(lengths_s)


def fed(output: CueOutput, clock: Clock, until_s: float) -> None:
    while clock.now_s < until_s:
        output.feed()
        clock.advance(output, min(clock.now_s + FRAME_S, until_s))


def test_the_metronome_keeps_its_pace_and_ends_with_a_stall(clock: Clock, pins: MockFactory) -> None:
    with CueOutput(wired()) as output:
        output.metronome(180.0)
        fed(output, clock, 1.1)
        starts_s = [t_s for on, t_s in of([(e.line, e.on, e.t_ns / 1e9) for e in output.edges], "buzzer") if on]
        assert starts_s == pytest.approx([0.0, 1 / 3, 2 / 3, 1.0], abs=1e-6)
        clock.advance(output, 5.0)  # one more within the time that a stall takes to be noticed
        assert states(pins, BUZZER) == [0] + [1, 0] * 5
        output.metronome(120.0)
        fed(output, clock, 5.6)
        output.metronome(None)
        fed(output, clock, 7.0)
    assert states(pins, BUZZER) == [0] + [1, 0] * 7


def test_the_metronome_is_still_while_a_pattern_plays(clock: Clock, pins: MockFactory) -> None:
    """Its tick at 1.0 would fall into the pause between a right knee's two beeps."""
    with CueOutput(wired()) as output:
        output.metronome(60.0)
        fed(output, clock, 0.9)
        output.cue(Side.RIGHT)
        fed(output, clock, 1.9)
        beeps = of(changes(output), "buzzer")
    assert [on for on, _ in beeps] == [True, False] * 3
    assert [t_s for _, t_s in beeps] == pytest.approx([0.0, 0.03, 0.9, 0.98, 1.05, 1.13])
