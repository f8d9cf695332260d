"""The writer's thread: a fault of this program costs what it hits, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from device import recording
from device.recording import SessionWriter
from device.store import SessionHeader, Store, StoreReader
from model.errors import StoreError

HEADER = SessionHeader(source="camera", model="m", app_version="0")


@pytest.fixture
def writer(store: Store) -> Iterator[SessionWriter]:
    with SessionWriter(store) as writing:
        yield writing


def written(writer: SessionWriter) -> None:
    """Waits until all that was handed over has been dealt with."""
    done: list[bool] = []
    writer.also(lambda *_: done.append(True))
    until_s = time.monotonic() + 10.0
    while not done:
        assert time.monotonic() < until_s, "the writer's thread has ended"
        time.sleep(0.005)


def stance(n: int, **values: Any) -> dict[str, Any]:
    return {"side": "left", "strike_s": float(n), "toe_off_s": n + 0.3, "quality": 0.8, **values}


def session(writer: SessionWriter, *stances: dict[str, Any]) -> None:
    writer.begin(HEADER, lambda _: None)
    for one in stances:
        writer.stance(one)
    writer.end(lambda _: None)
    written(writer)


def test_what_cannot_be_stored_at_all_is_given_up_and_told_until_the_next_session(
    writer: SessionWriter, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    session(writer, stance(0), stance(1, fppa_deg={1, 2}), stance(2))
    assert writer.fault is not None
    assert writer.fault.startswith("something could not be stored, by a fault of this program (TypeError); restart")
    assert "Traceback" in caplog.text
    first = StoreReader(path).session(1)
    assert first is not None
    assert (first["state"], [s["strike_s"] for s in first["stances"]]) == ("complete", [0.0, 2.0])
    session(writer, stance(0))
    assert writer.fault is None
    assert len((StoreReader(path).session(2) or {})["stances"]) == 1


@pytest.mark.parametrize("method", ["begin_session", "end_session"])
def test_a_session_that_cannot_be_begun_or_ended_takes_no_other_with_it(
    writer: SessionWriter,
    store: Store,
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    method: str,
) -> None:
    def broken(*_: object, **__: object) -> int:
        raise ValueError("a fault of ours")

    with monkeypatch.context() as patched:
        patched.setattr(store, method, broken)
        session(writer, stance(0), stance(1))
    assert writer.session_id is None
    assert caplog.text.count("Traceback") == 1
    session(writer, stance(0))
    assert writer.fault is None
    newest = StoreReader(path).list_sessions()[0]
    assert (newest["state"], newest["stances"]) == ("complete", 1)


def test_what_is_urgent_may_fail_too(writer: SessionWriter, path: Path) -> None:
    for fault in (ValueError("of ours"), StoreError("the disk is full; free some space")):

        def fail(_: Store, fault: Exception = fault) -> None:
            raise fault

        writer.at_once(fail)
    session(writer, stance(0))
    assert StoreReader(path).count_sessions() == 1


def test_a_disk_that_is_full_loses_nothing(
    writer: SessionWriter, store: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "_RETRY_S", 0.02)
    real: Callable[..., int] = store.add_stance
    told: list[str | None] = []

    def full(session_id: int, one: dict[str, Any]) -> int:
        if len(told) < 3:
            told.append(writer.fault)
            raise StoreError("the disk is full; free some space")
        return real(session_id, one)

    monkeypatch.setattr(store, "add_stance", full)
    times = iter(["2026-05-01T10:00:00.000+00:00", "not asked for again"])
    monkeypatch.setattr(recording, "utc_now", lambda: next(times))
    session(writer, stance(0), stance(1))
    assert (StoreReader(path).session(1) or {})["ended_utc"] == "2026-05-01T10:00:00.000+00:00", "not when written"
    assert told == [None, *["the disk is full; free some space"] * 2]
    assert writer.fault is None
    assert len((StoreReader(path).session(1) or {})["stances"]) == 2
