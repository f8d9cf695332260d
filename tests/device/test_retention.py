"""A box that nobody looks after does not fill its card: the oldest sessions that are nobody's go, and no others."""

from __future__ import annotations

from pathlib import Path

import pytest

from device import retention
from device.health import Disk
from device.recording import SessionWriter
from device.retention import KEPT, MB, keep_within, most_bytes
from device.store import SessionHeader, Store, StoreReader
from model.errors import StoreError

STANCE = {"side": "left", "strike_s": 1.0, "toe_off_s": 1.25, "quality": 0.8, "note": "x" * 4000}


def header(runner_id: int | None = None) -> SessionHeader:
    return SessionHeader(source="clip", model="m", app_version="0", runner_id=runner_id)


def session(store: Store, runner_id: int | None = None, end: bool = True) -> int:
    session_id = store.begin_session(header(runner_id))
    for _ in range(10):
        store.add_stance(session_id, STANCE)
    if end:
        store.end_session(session_id)
    return session_id


def ids(path: Path) -> set[int]:
    with StoreReader(path) as reader:
        return {one["id"] for one in reader.list_sessions(limit=1000)}


def test_the_oldest_of_nobody_go_until_the_rest_fits(tmp_path: Path) -> None:
    path = tmp_path / "k.db"
    with Store.open(path) as store:
        runner_id, _ = store.add_runner("Ann")
        hers = session(store, runner_id)
        nobodys = [session(store) for _ in range(KEPT + 6)]
        used = store.used_bytes()
        one = (used - 2**16) / (KEPT + 7)
        most = used - int(2.5 * one)
        assert keep_within(store, most) == 3
        assert store.used_bytes() <= most
        assert ids(path) == {hers, *nobodys[3:]}
        assert path.stat().st_size == store.used_bytes()  # the disk has got back what went


def test_nothing_goes_while_all_fits(tmp_path: Path) -> None:
    path = tmp_path / "k.db"
    with Store.open(path) as store:
        all_of_them = {session(store) for _ in range(KEPT + 2)}
        assert keep_within(store, store.used_bytes()) == 0
    assert ids(path) == all_of_them


def test_the_newest_and_the_named_and_the_running_stay_however_little_is_allowed(tmp_path: Path) -> None:
    path = tmp_path / "k.db"
    with Store.open(path) as store:
        runner_id, _ = store.add_runner("Ann")
        hers = [session(store, runner_id) for _ in range(3)]
        running = session(store, end=False)
        nobodys = [session(store) for _ in range(KEPT + 1)]
        assert keep_within(store, 0) == 1
    assert ids(path) == {*hers, running, *nobodys[1:]}


def test_a_session_that_was_cut_off_goes_as_any_other(tmp_path: Path) -> None:
    with Store.open(tmp_path / "k.db") as store:
        cut_off = session(store, end=False)
        store.close_interrupted(cut_off)
        for _ in range(KEPT):
            session(store)
        assert store.oldest_of_nobody(KEPT) == cut_off
        assert keep_within(store, 0) == 1
        assert store.oldest_of_nobody(KEPT) is None


def test_what_cannot_be_deleted_now_ends_no_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(store: Store, session_id: int) -> bool:
        raise StoreError("the disk is full")

    with Store.open(tmp_path / "k.db") as store:
        for _ in range(KEPT + 1):
            session(store)
        monkeypatch.setattr(Store, "delete_session", refuse)
        assert keep_within(store, 0) == 0


def test_at_most_half_of_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "disk", lambda path: Disk(total=6000 * MB, free=10 * MB))
    assert most_bytes(tmp_path / "k.db", 4000) == 3000 * MB
    assert most_bytes(tmp_path / "k.db", 2000) == 2000 * MB
    monkeypatch.setattr(retention, "disk", lambda path: None)
    assert most_bytes(tmp_path / "k.db", 4000) == 4000 * MB


def test_the_writer_makes_room_at_the_start_and_after_each_session(tmp_path: Path) -> None:
    path = tmp_path / "k.db"
    with Store.open(path) as store:
        nobodys = [session(store) for _ in range(KEPT + 2)]
        with SessionWriter(store, most_bytes=0):
            pass
        assert ids(path) == set(nobodys[2:])
        with SessionWriter(store, most_bytes=0) as writing:
            writing.begin(header(), lambda _: None)
            writing.stance(STANCE)
            writing.end(lambda _: None)
        assert ids(path) == {*nobodys[3:], nobodys[-1] + 1}


def test_without_a_limit_all_stay(tmp_path: Path) -> None:
    path = tmp_path / "k.db"
    with Store.open(path) as store:
        for _ in range(KEPT + 2):
            session(store)
        with SessionWriter(store):
            pass
    assert len(ids(path)) == KEPT + 2
