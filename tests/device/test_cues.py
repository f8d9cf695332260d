"""The cue output on gpiozero's mock pins: the exact list of states of every pin, and when they came."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from gpiozero.pins.mock import MockFactory

from device import cues as module
from device.config import CuesConfig
from device.cues import CueOutput, all_off
from model.pose import Side
from tests.device.mock_pins import Clock, changes, states

REPO = Path(__file__).resolve().parents[2]
LEFT, RIGHT, BUZZER, LEFT_GREEN, RIGHT_GREEN = 17, 27, 22, 5, 6
WIRED = CuesConfig(led_left_green_pin=LEFT_GREEN, led_right_green_pin=RIGHT_GREEN)


def until(condition: Callable[[], object], timeout_s: float = 5.0) -> None:
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline_s, "it did not happen in time"
        time.sleep(0.005)


def dark(output: CueOutput) -> bool:
    return not any(line.on for line in output._lines.values())


def test_a_cue_lights_its_side_and_beeps_its_pattern(clock: Clock, pins: MockFactory) -> None:
    with CueOutput(WIRED) as output:
        assert output.gpio
        assert output.gpio_note is None
        clock.advance(output, 2.0)
        assert output.cue(Side.RIGHT) == 2_000_000_000
        clock.advance(output, 2.5)
        edges = changes(output)
    assert edges == [
        ("led_right", True, 2.0),
        ("buzzer", True, 2.0),
        ("buzzer", False, 2.08),
        ("buzzer", True, 2.15),
        ("buzzer", False, 2.23),
        ("led_right", False, 2.25),
    ]
    assert states(pins, RIGHT) == [0, 1, 0]
    assert states(pins, BUZZER) == [0, 1, 0, 1, 0]
    for still in (LEFT, LEFT_GREEN, RIGHT_GREEN):
        assert states(pins, still) == [0]


def test_the_thread_of_the_cues_plays_the_pattern_and_is_never_early(pins: MockFactory) -> None:
    with CueOutput(WIRED) as output:
        start_ns = time.monotonic_ns()
        edge_ns = output.cue(Side.RIGHT)
        assert start_ns <= edge_ns <= time.monotonic_ns()
        until(lambda: dark(output))
        beeps = [(edge.on, edge.t_ns / 1e9) for edge in output.edges if edge.line == "buzzer"]
        lit_s = [edge.t_ns / 1e9 for edge in output.edges if edge.line == "led_right"]
    assert [on for on, _ in beeps] == [True, False, True, False]
    lasted_s = [end_s - begin_s for (_, begin_s), (_, end_s) in pairwise(beeps)]
    for was_s, due_s in zip([*lasted_s, lit_s[1] - lit_s[0]], [0.08, 0.07, 0.08, 0.25], strict=True):
        assert was_s >= due_s - 0.005
    assert states(pins, RIGHT) == [0, 1, 0]
    assert states(pins, BUZZER) == [0, 1, 0, 1, 0]


@pytest.mark.parametrize("late_s", [0.04, 0.09, 0.2])
def test_a_thread_that_comes_late_leaves_no_beep_out(clock: Clock, pins: MockFactory, late_s: float) -> None:
    """Two beeps that run into one would tell of the other knee."""
    with CueOutput(CuesConfig()) as output:
        output.test(Side.RIGHT)
        clock.advance(output, 1.5, late_s)
        beeps_s = [t_s for line, _, t_s in changes(output) if line == "buzzer"]
    assert states(pins, BUZZER) == [0, 1, 0, 1, 0]
    for (begin_s, end_s), part_s in zip(pairwise(beeps_s), (0.08, 0.07, 0.08), strict=True):
        assert part_s - 1e-6 <= end_s - begin_s <= part_s + late_s + 1e-6


def test_the_left_side_beeps_once(pins: MockFactory) -> None:
    with CueOutput(WIRED) as output:
        output.cue(Side.LEFT)
        until(lambda: dark(output))
    assert states(pins, LEFT) == [0, 1, 0]
    assert states(pins, BUZZER) == [0, 1, 0]
    assert states(pins, RIGHT) == [0]


def test_a_second_cue_prolongs_the_light_and_begins_its_own_pattern(clock: Clock, pins: MockFactory) -> None:
    config = CuesConfig(duration_s=0.3, pattern_left=(0.3,), pattern_right=(0.05,))
    with CueOutput(config) as output:
        output.cue(Side.LEFT)
        clock.advance(output, 0.1)
        output.cue(Side.LEFT)
        output.cue(Side.RIGHT)
        clock.advance(output, 0.5)
        edges = changes(output)
    assert [edge for edge in edges if edge[0] == "led_left"] == [("led_left", True, 0.0), ("led_left", False, 0.4)]
    assert [edge for edge in edges if edge[0] == "buzzer"] == [("buzzer", True, 0.0), ("buzzer", False, 0.15)]
    assert states(pins, LEFT) == states(pins, RIGHT) == states(pins, BUZZER) == [0, 1, 0]


def test_green_while_aligned_red_while_diving_dark_when_nobody_is_there(pins: MockFactory) -> None:
    with CueOutput(WIRED) as output:
        for state in ("good", "good", "bad", "good", "off"):
            output.set_state(Side.LEFT, state)
        assert dark(output)
    assert states(pins, LEFT_GREEN) == [0, 1, 0, 1, 0]
    assert states(pins, LEFT) == [0, 1, 0]
    assert states(pins, BUZZER) == states(pins, RIGHT) == states(pins, RIGHT_GREEN) == [0]


def test_red_and_green_are_never_lit_together_for_long(clock: Clock, pins: MockFactory) -> None:
    with CueOutput(WIRED) as output:
        output.set_state(Side.LEFT, "good")
        output.cue(Side.LEFT)
        clock.advance(output, 0.3)
        edges = changes(output)
    assert edges == [
        ("led_left_green", True, 0.0),
        ("led_left", True, 0.0),
        ("buzzer", True, 0.0),
        ("led_left_green", False, 0.0),
        ("buzzer", False, 0.12),
        ("led_left", False, 0.25),
        ("led_left_green", True, 0.25),
    ]


def test_everything_is_off_when_the_pipeline_stalls(
    clock: Clock, pins: MockFactory, caplog: pytest.LogCaptureFixture
) -> None:
    slow = CuesConfig(led_left_green_pin=LEFT_GREEN, duration_s=2.0, pattern_right=(2.0, 0.5, 2.0))
    with CueOutput(slow) as output, caplog.at_level(logging.WARNING):
        for _ in range(10):
            output.feed()
            output.set_state(Side.LEFT, "good")
            clock.advance(output, clock.now_s + 0.02)
        output.cue(Side.RIGHT)
        clock.advance(output, 0.7)
        assert not dark(output)
        clock.advance(output, 1.0)
        assert dark(output)
        assert changes(output)[-1] == ("led_left_green", False, 0.8)
        assert "the pipeline stalls: cues off" in caplog.text
        output.set_state(Side.LEFT, "good")  # it moves again
        assert states(pins, LEFT_GREEN) == [0, 1, 0, 1]
        clock.advance(output, 1.5)
        assert not output._lines["buzzer"].on
    assert states(pins, RIGHT) == states(pins, BUZZER) == [0, 1, 0]


def test_the_thread_of_the_cues_notices_a_stall(pins: MockFactory) -> None:
    with CueOutput(CuesConfig(duration_s=2.0, pattern_right=(2.0,))) as output:
        output.set_state(Side.LEFT, "bad")
        fed_ns = time.monotonic_ns()
        output.cue(Side.RIGHT)
        until(lambda: dark(output))
        assert (output.edges[-1].t_ns - fed_ns) / 1e9 >= module.STALL_S - 0.005
    for number in (LEFT, RIGHT, BUZZER):
        assert states(pins, number) == [0, 1, 0]


def test_a_pipeline_that_is_fed_keeps_its_light(clock: Clock, pins: MockFactory) -> None:
    with CueOutput(WIRED) as output:
        output.set_state(Side.RIGHT, "bad")
        for _ in range(60):
            output.feed()
            clock.advance(output, clock.now_s + 0.5)
        assert states(pins, RIGHT) == [0, 1]


def test_the_test_button_works_while_no_camera_runs(clock: Clock, pins: MockFactory) -> None:
    long = CuesConfig(duration_s=1.0)
    with CueOutput(long) as output:
        clock.advance(output, 0.8)
        output.test(Side.LEFT)
        clock.advance(output, 3.0)
        assert [edge for edge in changes(output) if edge[0] == "led_left"] == [
            ("led_left", True, 0.8),
            ("led_left", False, 1.8),
        ]
    assert states(pins, LEFT) == [0, 1, 0]


def test_a_cue_lasts_as_long_as_the_error_is_large_where_the_settings_say_so(clock: Clock, pins: MockFactory) -> None:
    """0.5 to 1.5 times as long."""
    for scaled, severity, lasts_s in ((False, 1.0, 0.12), (True, 1.0, 0.18), (True, 0.0, 0.06)):
        clock.now_s = 0.0
        with CueOutput(CuesConfig(scale_by_error=scaled, duration_s=0.05)) as output:
            output.cue(Side.LEFT, severity)
            clock.advance(output, 0.5)
            beeps = [edge for edge in changes(output) if edge[0] == "buzzer"]
        assert beeps == [("buzzer", True, 0.0), ("buzzer", False, lasts_s)]


def test_a_low_pin_lights_where_the_wiring_says_so(pins: MockFactory) -> None:
    with CueOutput(CuesConfig(active_high=False)) as output:
        assert float(pins.pin(LEFT).state) == 1
        output.cue(Side.LEFT)
        assert float(pins.pin(LEFT).state) == 0
        until(lambda: dark(output))
        assert float(pins.pin(LEFT).state) == 1


@pytest.mark.parametrize(("kind", "hz", "duty"), [("passive", 2500, 0.4), ("motor", 200, 0.8)])
def test_a_tone_or_a_motor_is_driven_by_pwm(pins: MockFactory, kind: str, hz: int, duty: float) -> None:
    config = CuesConfig.model_validate({"buzzer": kind, "tone_hz": 2500, "volume": 0.8})
    with CueOutput(config) as output:
        assert pins.pin(BUZZER).frequency == hz
        output.cue(Side.LEFT)
        until(lambda: dark(output))
    assert states(pins, BUZZER) == [0, pytest.approx(duty), 0]
    with CueOutput(config.model_copy(update={"active_high": False})) as output:
        assert float(pins.pin(BUZZER).state) == 1, "silent where a low pin switches it on"
        output.cue(Side.LEFT)
        assert float(pins.pin(BUZZER).state) == pytest.approx(1 - duty)


def test_only_what_is_wired_is_driven(pins: MockFactory) -> None:
    config = CuesConfig(led_left_pin=None, buzzer_pin=None)
    with CueOutput(config) as output:
        output.cue(Side.LEFT)
        output.cue(Side.RIGHT)
        assert [edge.line for edge in output.edges] == ["led_right"]
    assert set(pins.pins) == {pins.pin(RIGHT).info}


def test_an_error_on_the_way_leaves_everything_off(pins: MockFactory) -> None:
    with pytest.raises(RuntimeError, match="a fault"), CueOutput(WIRED) as output:  # noqa: PT012
        output.set_state(Side.LEFT, "bad")
        output.cue(Side.RIGHT)
        raise RuntimeError("a fault")
    for number in (LEFT, RIGHT, BUZZER):
        assert states(pins, number)[-1] == 0
        assert pins.pin(number).function == "input"
    output.close()


def test_a_pin_that_fails_is_told_once_and_the_rest_goes_on(
    pins: MockFactory, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with CueOutput(WIRED) as output:

        def fail(_: float) -> None:
            raise OSError("the line is gone")

        monkeypatch.setattr(pins.pin(LEFT), "_set_state", fail)
        for _ in range(3):
            output.cue(Side.LEFT)
        assert output.gpio_note == "GPIO failed (the line is gone): check the wiring, then restart the service"
        until(lambda: not output._lines["buzzer"].on)
    assert states(pins, BUZZER)[-1] == 0
    assert caplog.text.count("GPIO failed") == 1


def test_without_gpio_it_says_so_once_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def no_gpio(_: CuesConfig) -> dict[str, module._Line]:
        raise RuntimeError("Unable to load any default pin factory!")

    monkeypatch.setattr(module, "_open_lines", no_gpio)
    with CueOutput(WIRED) as output:
        assert not output.gpio
        output.cue(Side.LEFT)
        output.cue(Side.RIGHT)
        until(lambda: dark(output))
        assert [edge.line for edge in output.edges if edge.on].count("led_left") == 1
    assert len(caplog.records) == 1
    assert output.gpio_note == "no GPIO here (Unable to load any default pin factory!): cues are shown on the page only"
    assert all_off(WIRED) == "no GPIO here (Unable to load any default pin factory!)"


def test_switched_off_drives_no_pin(pins: MockFactory) -> None:
    with CueOutput(CuesConfig(enabled=False)) as output:
        output.cue(Side.LEFT)
        assert output.gpio_note == "switched off by [cues] enabled = false"
    assert not pins.pins


def test_a_pin_that_is_taken_leaves_the_others_free(pins: MockFactory, caplog: pytest.LogCaptureFixture) -> None:
    with CueOutput(CuesConfig()) as first:
        with CueOutput(CuesConfig()) as second:
            assert second.gpio_note is not None
            assert f"GPIO{LEFT}" in second.gpio_note
        first.cue(Side.LEFT)
        assert states(pins, LEFT) == [0, 1]


def test_pins_that_come_late_are_taken_up_within_a_minute(
    clock: Clock, pins: MockFactory, caplog: pytest.LogCaptureFixture
) -> None:
    """Another program has one at the start, as a boot script may: nobody comes to restart the box."""
    caplog.set_level(logging.INFO)
    with CueOutput(CuesConfig()) as first, CueOutput(CuesConfig()) as output:
        clock.advance(output, 61.0)  # still taken
        first.close()
        clock.advance(output, 119.5)
        assert f"GPIO{LEFT}" in str(output.gpio_note)
        assert pins.pin(LEFT).function == "input"
        for now_s in (120.0, 120.5, 121.0):
            output.set_state(Side.LEFT, "bad")
            clock.advance(output, now_s)
        assert output.gpio
        assert states(pins, LEFT)[-1] == 1, "what is to be shown then is shown at once"
        output.cue(Side.RIGHT)
        assert states(pins, RIGHT)[-1] == 1
        clock.advance(output, 300.0)
        assert states(pins, LEFT)[-1] == states(pins, RIGHT)[-1] == 0
    assert pins.pin(LEFT).function == "input"
    told = [message for message in caplog.messages if "stalls" not in message]
    assert [message.split(" (")[0] for message in told] == [
        "no GPIO here",
        "the pins can be driven now: cues are shown by LEDs and buzzer, too",
    ]


def test_the_thread_of_the_cues_takes_late_pins_up(pins: MockFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_RETRY_S", 0.2)
    with CueOutput(CuesConfig()) as first, CueOutput(CuesConfig()) as output:
        assert not output.gpio
        first.close()
        until(lambda: output.gpio)
        output.cue(Side.LEFT)
        assert states(pins, LEFT)[-1] == 1
    assert pins.pin(LEFT).function == "input"


def test_after_kill_9_all_pins_are_driven_off_from_outside(pins: MockFactory) -> None:
    for number in (LEFT, RIGHT, BUZZER):
        pin = pins.pin(number)
        pin.function = "output"
        pin.state = 1
    assert all_off(CuesConfig()) is None
    for number in (LEFT, RIGHT, BUZZER):
        assert states(pins, number) == [0, 1, 0]
        assert pins.pin(number).function == "input"


_CHILD = """
import signal, sys, time
from gpiozero import Device
from gpiozero.pins.mock import MockFactory, MockPWMPin

class Told(MockPWMPin):
    def _change_state(self, value):
        changed = super()._change_state(value)
        if changed:
            print(self.info.name, int(value), flush=True)
        return changed

Device.pin_factory = MockFactory(pin_class=Told)
from device.config import CuesConfig
from device.cues import CueOutput
from model.pose import Side

def end(*_):
    raise SystemExit(0)

if sys.argv[1] == "sigterm":
    signal.signal(signal.SIGTERM, end)
    with CueOutput(CuesConfig(duration_s=2.0)) as output:
        output.set_state(Side.LEFT, "bad")
        print("ready", flush=True)
        while True:
            output.feed()
            time.sleep(0.02)
output = CueOutput(CuesConfig(duration_s=2.0))
output.set_state(Side.LEFT, "bad")
print("ready", flush=True)
sys.exit(1)
"""


@pytest.mark.parametrize("way", ["sigterm", "exit"])
def test_the_pins_are_off_after_the_process(way: str) -> None:
    with subprocess.Popen([sys.executable, "-c", _CHILD, way], cwd=REPO, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        heard = [child.stdout.readline().strip() for _ in range(2)]
        if way == "sigterm":
            child.send_signal(signal.SIGTERM)
        rest = child.stdout.read().split("\n")
    assert heard == [f"GPIO{LEFT} 1", "ready"]
    assert f"GPIO{LEFT} 0" in rest
