"""A store of its own for each test, mock pins, and a clock for the cues."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from gpiozero import Device
from gpiozero.pins.mock import MockFactory, MockPWMPin

from device import cues
from device.store import Store
from tests.device.mock_pins import Clock


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "k.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with Store.open(path) as opened:
        yield opened


@pytest.fixture
def pins() -> Iterator[MockFactory]:
    before = Device.pin_factory
    factory = Device.pin_factory = MockFactory(pin_class=MockPWMPin)
    yield factory
    factory.reset()
    Device.pin_factory = before


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The cues' own; what it drives is stepped by the test alone."""
    told = Clock()
    idle = SimpleNamespace(start=lambda: None, join=lambda: None)
    threads = SimpleNamespace(Thread=lambda **_: idle, Condition=threading.Condition)
    monkeypatch.setattr(cues, "time", told)
    monkeypatch.setattr(cues, "threading", threads)
    return told
