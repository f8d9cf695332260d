"""The cue output on gpiozero's mock pins: the exact list of states of every pin, and when they came."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from gpiozero import Device
from gpiozero.pins.mock import MockFactory, MockPWMPin

from device import cues as module
from device.config import CuesConfig
from device.cues import CueOutput, all_off
from model.pose import Side

REPO = Path(__file__).resolve().parents[2]
LEFT, RIGHT, BUZZER, LEFT_GREEN, RIGHT_GREEN = 17, 27, 22, 5, 6
WIRED = CuesConfig(led_left_green_pin=LEFT_GREEN, led_right_green_pin=RIGHT_GREEN)
#: A loaded machine may be late; it may never be early.
LATE_S = 0.15


@pytest.fixture
def pins() -> Iterator[MockFactory]:
    before = Device.pin_factory
    factory = Device.pin_factory = MockFactory(pin_class=MockPWMPin)
    yield factory
    factory.reset()
    Device.pin_factory = before


def states(factory: MockFactory, number: int) -> list[float]:
    """Every state a pin has had since it was opened, the first being off."""
    return [float(state.state) for state in factory.pin(number).states]


def until(condition: Callable[[], object], timeout_s: float = 5.0) -> None:
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline_s, "it did not happen in time"
        time.sleep(0.005)


def dark(output: CueOutput) -> bool:
    return not any(line.on for line in output._lines.values())


def after_s(output: CueOutput, start_ns: int) -> list[tuple[str, bool, float]]:
    return [(edge.line, edge.on, (edge.t_ns - start_ns) / 1e9) for edge in output.edges]


def test_a_cue_lights_its_side_and_beeps_its_pattern(pins: MockFactory) -> None:
    with CueOutput(WIRED) as output:
        assert output.gpio
        assert output.gpio_note is None
        start_ns = time.monotonic_ns()
        edge_ns = output.cue(Side.RIGHT)
        assert start_ns <= edge_ns <= time.monotonic_ns()
        until(lambda: dark(output))
        edges = after_s(output, start_ns)
    assert states(pins, RIGHT) == [0, 1, 0]
    assert states(pins, BUZZER) == [0, 1, 0, 1, 0]
    for still in (LEFT, LEFT_GREEN, RIGHT_GREEN):
        assert states(pins, still) == [0]
    expected = [
        ("led_right", True, 0.0),
        ("buzzer", True, 0.0),
        ("buzzer", False, 0.08),
        ("buzzer", True, 0.15),
        ("buzzer", False, 0.23),
        ("led_right", False, 0.25),
    ]
    assert [edge[:2] for edge in edges] == [edge[:2] for edge in expected]
    for (_, _, t_s), (_, _, due_s) in zip(edges, expected, strict=True):
        assert due_s - 0.005 <= t_s <= due_s + LATE_S


def test_the_left_side_beeps_once(pins: MockFactory) -> None:
    with CueOutput(WIRED) as output:
        output.cue(Side.LEFT)
        until(lambda: dark(output))
    assert states(pins, LEFT) == [0, 1, 0]
    assert states(pins, BUZZER) == [0, 1, 0]
    assert states(pins, RIGHT) == [0]


def test_a_second_cue_prolongs_the_light_and_begins_its_own_pattern(pins: MockFactory) -> None:
    config = CuesConfig(duration_s=0.3, pattern_left=(0.3,), pattern_right=(0.05,))
    with CueOutput(config) as output:
        output.cue(Side.LEFT)
        time.sleep(0.1)
        output.cue(Side.LEFT)
        output.cue(Side.RIGHT)
        until(lambda: dark(output))
        lit_s = [edge.t_ns / 1e9 for edge in output.edges if edge.line == "led_left"]
    assert states(pins, LEFT) == [0, 1, 0]
    assert lit_s[1] - lit_s[0] >= 0.39
    assert states(pins, RIGHT) == [0, 1, 0]
    assert states(pins, BUZZER) == [0, 1, 0]


def test_green_while_aligned_red_while_diving_dark_when_nobody_is_there(pins: MockFactory) -> None:
    with CueOutput(WIRED) as output:
        for state in ("good", "good", "bad", "good", "off"):
            output.set_state(Side.LEFT, state)
        assert dark(output)
    assert states(pins, LEFT_GREEN) == [0, 1, 0, 1, 0]
    assert states(pins, LEFT) == [0, 1, 0]
    assert states(pins, BUZZER) == states(pins, RIGHT) == states(pins, RIGHT_GREEN) == [0]


def test_red_and_green_are_never_lit_together_for_long(pins: MockFactory) -> None:
    with CueOutput(WIRED) as output:
        output.set_state(Side.LEFT, "good")
        output.cue(Side.LEFT)
        until(lambda: len(output.edges) >= 7)
        lines = [(edge.line, edge.on) for edge in output.edges]
    assert lines[:4] == [("led_left_green", True), ("led_left", True), ("buzzer", True), ("led_left_green", False)]
    assert lines[4:7] == [("buzzer", False), ("led_left", False), ("led_left_green", True)]


def test_everything_is_off_within_a_second_of_a_stall(pins: MockFactory, caplog: pytest.LogCaptureFixture) -> None:
    slow = CuesConfig(led_left_green_pin=LEFT_GREEN, duration_s=2.0, pattern_right=(2.0, 0.5, 2.0))
    with CueOutput(slow) as output, caplog.at_level(logging.WARNING):
        for _ in range(10):
            output.feed()
            output.set_state(Side.LEFT, "good")
            time.sleep(0.02)
        output.cue(Side.RIGHT)
        fed_ns = time.monotonic_ns()
        until(lambda: dark(output))
        off_s = (output.edges[-1].t_ns - fed_ns) / 1e9
        assert 0.55 <= off_s <= 1.0
        assert "the pipeline stalls: cues off" in caplog.text
        output.set_state(Side.LEFT, "good")  # it moves again
        assert states(pins, LEFT_GREEN) == [0, 1, 0, 1]
    assert states(pins, RIGHT) == states(pins, BUZZER) == [0, 1, 0]


def test_a_pipeline_that_is_fed_keeps_its_light(pins: MockFactory) -> None:
    with CueOutput(WIRED) as output:
        output.set_state(Side.RIGHT, "bad")
        for _ in range(60):
            output.feed()
            time.sleep(0.02)
        assert states(pins, RIGHT) == [0, 1]


def test_the_test_button_works_while_no_camera_runs(pins: MockFactory) -> None:
    long = CuesConfig(duration_s=1.0)
    with CueOutput(long) as output:
        time.sleep(0.8)
        start_ns = time.monotonic_ns()
        output.test(Side.LEFT)
        until(lambda: dark(output))
        assert (output.edges[-1].t_ns - start_ns) / 1e9 >= 0.99
    assert states(pins, LEFT) == [0, 1, 0]


def test_a_cue_lasts_as_long_as_the_error_is_large_where_the_settings_say_so(pins: MockFactory) -> None:
    """0.5 to 1.5 times as long."""
    for scaled, severity, least_s in ((False, 1.0, 0.12), (True, 1.0, 0.18), (True, 0.0, 0.06)):
        with CueOutput(CuesConfig(scale_by_error=scaled, duration_s=0.05)) as output:
            start_ns = output.cue(Side.LEFT, severity)
            planned_s = [end_s - begin_s for begin_s, end_s in output._beeps]
            until(partial(dark, output))
            (off_s,) = (at_s for line, on, at_s in after_s(output, start_ns) if line == "buzzer" and not on)
        assert planned_s == pytest.approx([least_s])
        assert least_s - 0.01 <= off_s


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
