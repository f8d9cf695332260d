"""The writer's thread: a fault of this program costs what it hits, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from device import recording
from device.recording import SessionWriter
from device.store import SessionHeader, Store, StoreDamaged, StoreReader
from model.errors import StoreError
from model.stance import MIN_QUALITY

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


def test_stances_are_doubted_in_their_turn(writer: SessionWriter, path: Path) -> None:
    """Those that are still to be written, too, and none that comes after."""
    writer.begin(HEADER, lambda _: None)
    for n in range(3):
        writer.stance(stance(n))
    writer.doubt(1.0)
    writer.stance(stance(3))
    writer.end(lambda _: None)
    written(writer)
    document = StoreReader(path).session(1)
    assert document is not None
    assert [one["quality"] >= MIN_QUALITY for one in document["stances"]] == [True, False, False, True]


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


def test_what_fails_with_each_stance_is_logged_once_in_a_session(
    writer: SessionWriter, caplog: pytest.LogCaptureFixture
) -> None:
    for n in (1, 2):
        session(writer, *(stance(i, fppa_deg={1, 2}) for i in range(20)))
        assert caplog.text.count("could not be stored") == n


def test_a_store_that_stands_in_does_not_fill_the_memory(store: Store, path: Path) -> None:
    ended: list[int] = []
    with SessionWriter(store, "sessions are not stored: …") as writer:
        for _ in range(3):
            writer.begin(HEADER, lambda _: None)
            writer.stance(stance(0))
            writer.end(ended.append)
        written(writer)
    assert len(ended) == 3
    assert StoreReader(path).list_sessions() == []


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


def test_of_a_setting_that_waits_for_the_disk_the_newest_is_kept(
    store: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And no more of them wait than there are keys."""
    put, full, tried = Store.set_setting, True, []

    def set_setting(on: Store, key: str, value: object) -> None:
        tried.append((key, value))
        if full:
            raise StoreError("no room")
        put(on, key, value)

    monkeypatch.setattr(Store, "set_setting", set_setting)
    monkeypatch.setattr(recording, "_RETRY_S", 0.01)
    with SessionWriter(store) as writing:
        writing.setting("camera", 0)
        until_s = time.monotonic() + 10.0
        while not tried:
            assert time.monotonic() < until_s
            time.sleep(0.001)
        for n in range(1, 1000):
            writing.setting("camera", n)
            writing.setting("belt", n)
        full = False
        written(writing)
        held = len(tried)
    assert {key: StoreReader(path).setting(key) for key in ("camera", "belt")} == {"camera": 999, "belt": 999}
    assert held < 900


def test_a_setting_that_comes_while_the_disk_refuses_the_one_before_is_no_fault(
    writer: SessionWriter, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put, tried = Store.set_setting, []

    def set_setting(on: Store, key: str, value: object) -> None:
        tried.append(value)
        if len(tried) == 1:
            writer.setting("camera", 2)
            raise StoreError("no room")
        put(on, key, value)

    monkeypatch.setattr(Store, "set_setting", set_setting)
    monkeypatch.setattr(recording, "_RETRY_S", 0.01)
    writer.setting("camera", 1)
    written(writer)
    assert tried == [1, 2]
    assert StoreReader(path).setting("camera") == 2
    assert writer.fault is None


def test_a_setting_that_a_damaged_page_took_keeps_no_newer_one_from_being_stored(
    writer: SessionWriter, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where what is damaged is only looked at for one of them."""
    put = Store.set_setting

    def set_setting(on: Store, key: str, value: object) -> None:
        if value == 1:
            raise StoreDamaged("damaged")
        put(on, key, value)

    monkeypatch.setattr(Store, "set_setting", set_setting)
    for value in (1, 2):
        writer.setting("camera", value)
        written(writer)
    assert StoreReader(path).setting("camera") == 2


@pytest.mark.parametrize("leave", ["end", "discard"])
def test_a_session_whose_end_the_disk_refuses_is_ended_when_it_takes_it(
    writer: SessionWriter, path: Path, monkeypatch: pytest.MonkeyPatch, leave: str
) -> None:
    how = getattr(Store, f"{leave}_session")
    tried: list[tuple[Any, ...]] = []
    told: list[int] = []

    def leave_session(on: Store, *given: Any) -> None:
        tried.append(given)
        if len(tried) < 3:
            raise StoreError("no room")
        how(on, *given)

    monkeypatch.setattr(Store, f"{leave}_session", leave_session)
    monkeypatch.setattr(recording, "_RETRY_S", 0.01)
    writer.begin(HEADER, lambda _: None)
    writer.stance(stance(0))
    getattr(writer, leave)(told.append)
    written(writer)
    assert (told, len(set(tried)), len(tried)) == ([1], 1, 3)
    left = StoreReader(path).session(1)
    assert left is None if leave == "discard" else left is not None and left["state"] == "complete"


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
    monkeypatch.setattr(recording, "utc_now", lambda ago_s: next(times))
    session(writer, stance(0), stance(1))
    assert (StoreReader(path).session(1) or {})["ended_utc"] == "2026-05-01T10:00:00.000+00:00", "not when written"
    assert told == [None, *["the disk is full; free some space"] * 2]
    assert writer.fault is None
    assert len((StoreReader(path).session(1) or {})["stances"]) == 2


def test_too_much_that_waits_for_the_disk_is_not_kept_in_memory_and_summaries_are(
    writer: SessionWriter, store: Store, path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A disk may stay full for days, and the box runs on."""
    monkeypatch.setattr(recording, "_RETRY_S", 0.02)
    monkeypatch.setattr(recording, "_MOST_WAITING", 10)
    real: Callable[..., int] = store.begin_session
    full = [True]

    def begin(header: SessionHeader) -> int:
        if full[0]:
            raise StoreError("the disk is full; free some space")
        return real(header)

    monkeypatch.setattr(store, "begin_session", begin)
    for n in range(3):
        writer.begin(HEADER, lambda _: None)
        for k in range(8):
            writer.stance(stance(k))
            writer.update(frames=k)
        writer.update(frames=n, summary={"n": n})
        writer.end(lambda _: None)
    assert len(writer._jobs) <= 10 + 3 * 3
    until_s = time.monotonic() + 10.0
    while writer.stuck is None:
        assert time.monotonic() < until_s
        time.sleep(0.005)
    assert writer.fault == "the disk is full; free some space"
    assert caplog.text.count("only the summary is kept") == 1
    full[0] = False
    written(writer)
    rows = StoreReader(path).list_sessions()
    assert [(row["state"], row["summary"]["n"]) for row in rows] == [("complete", n) for n in (2, 1, 0)]
    assert [row["stances"] for row in rows] == [0, 0, 5]
    assert writer.fault is None


def test_one_damaged_page_does_not_keep_all_else_from_being_stored(
    writer: SessionWriter, store: Store, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Else it would be tried again for ever, and all that comes after it would be lost with the next power cut."""
    for n in range(3):
        session(writer, *(stance(k, note="x" * 900) for k in range(12)))
        assert writer.fault is None, n
    store.shrink()
    store._connection.execute("PRAGMA cache_size = 0")
    with path.open("r+b") as file:  # a leaf of the first session's stances
        pages = iter(lambda: file.read(4096), b"")
        leaf = next(n for n, page in enumerate(pages) if page[0] == 10 and b"x" * 900 in page)
        file.seek(4096 * leaf)
        file.write(bytes(4096))
    writer.also(lambda store, _: store.take_back(1, 0.0))
    session(writer, stance(0))
    remedy = "kneeline restore brings a backup back, else move it away"
    assert f"k.db is damaged; {remedy}; what belongs there is lost" in caplog.text
    assert writer.fault is None
    newest = StoreReader(path).readable_sessions()[0][0]
    assert (newest["id"], newest["state"], newest["stances"]) == (4, "complete", 1)


def test_at_the_end_the_disk_is_tried_once_more(
    writer: SessionWriter, store: Store, path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Somebody has made room, and restarts the box at once."""
    monkeypatch.setattr(recording, "_RETRY_S", 60.0)
    real: Callable[..., int] = store.add_stance
    full, tries = [True], []

    def add(session_id: int, one: dict[str, Any]) -> int:
        tries.append(1)
        if full[0]:
            raise StoreError("the disk is full; free some space")
        return real(session_id, one)

    monkeypatch.setattr(store, "add_stance", add)
    writer.begin(HEADER, lambda _: None)
    for n in range(3):
        writer.stance(stance(n))
    writer.end(lambda _: None)
    until_s = time.monotonic() + 10.0
    while writer.stuck is None:
        assert time.monotonic() < until_s
        time.sleep(0.005)
    full[0] = False
    writer.close()
    row = StoreReader(path).list_sessions()[0]
    assert (row["state"], row["stances"], len(tries)) == ("complete", 3, 4)
    assert "could not be written" not in caplog.text


def test_what_the_disk_still_refuses_at_the_end_is_said(
    writer: SessionWriter, store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(recording, "_RETRY_S", 60.0)

    def full(*_: object) -> int:
        raise StoreError("the disk is full; free some space")

    monkeypatch.setattr(store, "add_stance", full)
    writer.begin(HEADER, lambda _: None)
    writer.stance(stance(0))
    writer.end(lambda _: None)
    writer.close()
    assert "2 results of the session could not be written: the disk is full; free some space" in caplog.text
