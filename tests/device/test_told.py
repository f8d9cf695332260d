"""What is told of belt and lens: the page before the settings, the lens' height from start to start."""

from __future__ import annotations

from pathlib import Path

import pytest

from device.config import Config, parse_config
from device.runners import KEPT_S
from device.store import Store, StoreReader
from device.told import SETTING, Told

SETTINGS = parse_config({"camera": {"height_m": 1.1}, "treadmill": {"belt_speed_m_s": 2.5}})


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def ignored(_: float | None) -> None:
    """Nothing is kept."""


def test_nothing_is_told_at_first() -> None:
    told = Told(Config(), None, ignored)
    assert told.as_json() == {"belt_speed_m_s": None, "camera_height_m": None, "camera_height_from": None}


def test_the_page_wins_over_the_settings_until_it_takes_it_back() -> None:
    told = Told(SETTINGS, None, ignored)
    assert told.as_json() == {"belt_speed_m_s": 2.5, "camera_height_m": 1.1, "camera_height_from": "settings"}
    assert told.obey({"command": "set_camera_height", "camera_height_m": 1.3})
    assert told.obey({"command": "set_belt_speed", "belt_speed_m_s": 3})
    assert told.as_json() == {"belt_speed_m_s": 3.0, "camera_height_m": 1.3, "camera_height_from": "page"}
    assert told.obey({"command": "set_camera_height", "camera_height_m": None})
    assert told.obey({"command": "set_belt_speed", "belt_speed_m_s": None})
    assert told.as_json() == {"belt_speed_m_s": None, "camera_height_m": 1.1, "camera_height_from": "settings"}


def test_the_speed_holds_for_the_run_and_the_lens_height_for_all() -> None:
    told = Told(SETTINGS, None, ignored)
    for belt_m_s in (3.0, None):
        assert told.obey({"command": "set_belt_speed", "belt_speed_m_s": belt_m_s})
        assert told.obey({"command": "set_camera_height", "camera_height_m": 1.3})
        told.ran(1)
        told.run_ended()
        assert (told.belt_m_s, told.camera_m) == (2.5, 1.3)


def test_a_speed_that_is_told_after_the_last_step_is_for_the_next_run() -> None:
    told = Told(SETTINGS, None, ignored)
    assert told.obey({"command": "set_belt_speed", "belt_speed_m_s": 3.0})
    told.ran(1)
    assert told.obey({"command": "set_belt_speed", "belt_speed_m_s": 3.5})
    told.ran(0)
    told.run_ended()
    assert told.belt_m_s == 3.5
    told.ran(1)
    told.run_ended()
    assert told.belt_m_s == 2.5


@pytest.mark.parametrize("belt_m_s", [3.0, None])
def test_a_speed_that_no_step_followed_is_dropped_as_a_choice_is(belt_m_s: float | None) -> None:
    """It was told, and nobody ran: whoever comes next may have set another."""
    clock = Clock()
    told = Told(SETTINGS, None, ignored, clock)
    assert told.obey({"command": "set_belt_speed", "belt_speed_m_s": belt_m_s})
    assert told.obey({"command": "set_camera_height", "camera_height_m": 1.3})
    clock.now_s += KEPT_S - 1
    told.ran(0)
    assert told.belt_m_s == belt_m_s
    clock.now_s += 2
    assert told.as_json() == {"belt_speed_m_s": 2.5, "camera_height_m": 1.3, "camera_height_from": "page"}


def test_a_speed_that_is_run_with_outlasts_a_long_run_and_a_break_in_it() -> None:
    """As for a test amid it, after which the same one runs on."""
    clock = Clock()
    told = Told(SETTINGS, None, ignored, clock)
    assert told.obey({"command": "set_belt_speed", "belt_speed_m_s": 3.0})
    for _ in range(5):
        clock.now_s += 0.9 * KEPT_S
        told.ran(1)
    assert told.belt_m_s == 3.0
    clock.now_s += KEPT_S + 1
    assert told.belt_m_s == 2.5, "they did not run on"


def test_the_lens_height_is_on_the_disk_for_the_next_start(tmp_path: Path) -> None:
    path = tmp_path / "k.db"
    with Store.open(path) as store:
        told = Told(SETTINGS, None, lambda height_m: store.set_setting(SETTING, height_m))
        for height_m, after in ((1.3, 1.3), (None, 1.1)):
            assert told.obey({"command": "set_camera_height", "camera_height_m": height_m})
            assert Told(SETTINGS, StoreReader(path).setting(SETTING), ignored).camera_m == after


def test_the_same_height_is_not_written_again() -> None:
    written: list[float | None] = []
    told = Told(Config(), 1.2, written.append)
    assert told.obey({"command": "set_camera_height", "camera_height_m": 1.2})
    assert written == []


@pytest.mark.parametrize("value", ["1.2", True, 0.19, 3.01, float("nan"), [1.2]])
def test_a_height_that_cannot_be_is_refused_and_not_taken_from_the_store(
    value: object, caplog: pytest.LogCaptureFixture
) -> None:
    told = Told(SETTINGS, value, ignored)
    assert told.camera_m == 1.1
    assert "cannot be one; tell it anew on the page Set up" in caplog.text
    assert not told.obey({"command": "set_camera_height", "camera_height_m": value})
    assert told.camera_m == 1.1


@pytest.mark.parametrize("value", ["3", True, 0.2, 11, float("nan")])
def test_a_speed_that_cannot_be_is_refused(value: object) -> None:
    told = Told(SETTINGS, None, ignored)
    assert not told.obey({"command": "set_belt_speed", "belt_speed_m_s": value})
    assert told.belt_m_s == 2.5


@pytest.mark.parametrize("kept", [None, 0.2, 3, 1.234])
def test_of_a_height_that_can_be_and_of_none_nothing_is_logged(
    kept: float | None, caplog: pytest.LogCaptureFixture
) -> None:
    assert Told(Config(), kept, ignored).camera_m == kept
    assert caplog.messages == []


def test_other_commands_are_not_ours() -> None:
    assert not Told(Config(), None, ignored).obey({"command": "test_cue", "side": "left"})
