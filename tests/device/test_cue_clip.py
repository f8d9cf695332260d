"""A whole clip on gpiozero's mock pins: the exact list of what every pin did, at the frames' own times.

The joints are the clip's true ones, so that no pose model's speed or rounding has a say.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from gpiozero import Device
from gpiozero.pins.mock import MockFactory, MockPWMPin

from device import cues as module
from device.config import CuesConfig
from device.cues import CueOutput
from device.runtime import led_state
from model.analysis import AnalysisSettings, Outcome, RunAnalysis
from model.place import CameraPlace
from model.pose import Pose, Side

LEFT, RIGHT, BUZZER, LEFT_GREEN, RIGHT_GREEN = 17, 27, 22, 5, 6
FRAME_S = 1 / 30
Edge = tuple[str, bool, float]


class FrameClock:
    """Time as the frames tell it; stands in for the module `time` and for the thread that watches it."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def monotonic(self) -> float:
        return self.now_s

    def monotonic_ns(self) -> int:
        return round(self.now_s * 1e9)

    def advance(self, output: CueOutput, until_s: float) -> None:
        """Lets time pass as the thread would: from one due change to the next."""
        while (due_s := output._apply(self.now_s)) <= until_s:
            self.now_s = due_s
        self.now_s = until_s
        output._apply(self.now_s)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FrameClock:
    fake = FrameClock()
    idle = SimpleNamespace(start=lambda: None, join=lambda: None)
    threads = SimpleNamespace(Thread=lambda **_: idle, Condition=threading.Condition)
    monkeypatch.setattr(module, "time", fake)
    monkeypatch.setattr(module, "threading", threads)
    return fake


@pytest.fixture
def pins() -> Iterator[MockFactory]:
    before = Device.pin_factory
    factory = Device.pin_factory = MockFactory(pin_class=MockPWMPin)
    yield factory
    factory.reset()
    Device.pin_factory = before


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


def play(truth: dict[str, Any], clock: FrameClock, config: CuesConfig) -> tuple[list[Outcome], list[Edge]]:
    """The clip through coach and pins, as the device's loop does it; edges without what opening and closing does."""
    seen = list(outcomes(truth))
    with CueOutput(config) as output:
        for outcome in seen:
            clock.advance(output, outcome.t_s)
            for side in Side:
                output.set_state(side, led_state(outcome, side))
            for cue in outcome.cues:
                output.cue(cue.side, cue.severity)
        clock.advance(output, seen[-1].t_s + 1.0)
        edges = [(edge.line, edge.on, round(edge.t_ns / 1e9, 3)) for edge in output.edges]
    return seen, edges


def wired(**settings: Any) -> CuesConfig:
    return CuesConfig(led_left_green_pin=LEFT_GREEN, led_right_green_pin=RIGHT_GREEN, **settings)


def of(edges: list[Edge], line: str) -> list[tuple[bool, float]]:
    return [(on, t_s) for name, on, t_s in edges if name == line]


def states(factory: MockFactory, number: int) -> list[float]:
    return [float(state.state) for state in factory.pin(number).states]


def test_the_pins_do_exactly_what_the_clip_asks_for(
    truth: dict[str, Any], clock: FrameClock, pins: MockFactory
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


def test_the_same_clip_brings_the_same_edges(truth: dict[str, Any], clock: FrameClock, pins: MockFactory) -> None:
    first = play(truth, clock, wired())[1]
    clock.now_s = 0.0
    assert play(truth, clock, wired())[1] == first


def test_the_buzzer_sounds_longer_the_further_off(truth: dict[str, Any], clock: FrameClock, pins: MockFactory) -> None:
    seen, edges = play(truth, clock, wired(scale_by_error=True, pattern_right=(0.1,)))
    lengths_s = [off - on for (_, on), (_, off) in zip(*[iter(of(edges, "buzzer"))] * 2, strict=True)]
    errors_deg = [cue.value - cue.threshold for outcome in seen for cue in outcome.cues]
    expected = [0.1 * (0.5 + min(error_deg / 10, 1.0)) for error_deg in errors_deg]
    assert lengths_s == pytest.approx(expected, abs=0.002)
    assert max(lengths_s) > min(lengths_s)


def test_the_metronome_keeps_its_pace_and_ends_with_a_stall(clock: FrameClock, pins: MockFactory) -> None:
    with CueOutput(wired()) as output:
        output.feed()
        output.metronome(180.0)
        clock.advance(output, 1.0)
        starts_s = [t_s for on, t_s in of([(e.line, e.on, e.t_ns / 1e9) for e in output.edges], "buzzer") if on]
        assert starts_s == pytest.approx([0.0, 1 / 3, 2 / 3, 1.0], abs=1e-6)
        output._silence()
        clock.advance(output, 3.0)
        assert states(pins, BUZZER) == [0] + [1, 0] * 4
        output.metronome(120.0)
        clock.advance(output, 3.6)
        output.metronome(None)
        clock.advance(output, 5.0)
    assert states(pins, BUZZER) == [0] + [1, 0] * 6
