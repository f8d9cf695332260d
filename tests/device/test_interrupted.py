"""Sessions that a power cut left open, closed at the next start."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from device import interrupted
from device.interrupted import close_interrupted
from device.store import SessionHeader, StillRunning, Store, StoreReader
from model.camera_pose import CameraPose

_WAITS = CameraPose(advice="Not known yet where the camera stands: about 5 more steps of running.")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "k.db"


@pytest.fixture
def anna(path: Path) -> int:
    """She runs when the power goes: the first session, still open; her number."""
    with Store.open(path) as store:
        runner_id, _ = store.add_runner("Anna")
        session_id = store.begin_session(SessionHeader("camera", "m", "0", view="front", runner_id=runner_id))
        for n in range(16):
            times = {"strike_s": n * 0.36, "toe_off_s": n * 0.36 + 0.25}
            store.add_stance(session_id, {"side": ("left", "right")[n % 2], **times, "quality": 0.9})
        store.update_session(session_id, camera=_WAITS.as_json())
    return runner_id


@pytest.fixture
def store(path: Path, anna: int) -> Iterator[Store]:
    """After the restart."""
    with Store.open(path) as opened:
        yield opened


def test_a_second_power_cut_before_the_summary_is_made_leaves_it_to_the_next_start(
    store: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def power_cut(document: Mapping[str, Any]) -> dict[str, Any]:
        raise KeyboardInterrupt

    reader, said = StoreReader(path), list[str]()
    with monkeypatch.context() as cut:
        cut.setattr(interrupted, "summarise_stored", power_cut)
        with pytest.raises(KeyboardInterrupt):
            close_interrupted(store, reader, said.append)
    assert said == []
    close_interrupted(store, reader, said.append)
    assert said == ["session 1 was cut off; closed as interrupted with 16 stances"]
    document = reader.session(1)
    assert document is not None
    assert document["state"] == "interrupted"
    assert document["summary"]["cadence_spm"] == pytest.approx(60 / 0.36)
    assert document["camera"] == _WAITS.in_the_end().as_json()
    close_interrupted(store, reader, said.append)
    assert len(said) == 1, "it is closed once"


def test_one_that_is_written_now_is_not_taken_for_one_that_was_cut_off(store: Store, path: Path) -> None:
    running = store.begin_session(SessionHeader("camera", "m", "0"))
    close_interrupted(store, StoreReader(path), lambda said: None)
    assert [row["state"] for row in StoreReader(path).list_sessions()] == ["open", "interrupted"]
    store.end_session(running)
    assert store.interrupted() == []


def test_it_can_be_deleted_before_it_is_closed(store: Store, path: Path) -> None:
    """On a full disk there may be no room to close it, and deleting is what makes some."""
    assert store.delete_session(1)
    assert StoreReader(path).list_sessions() == []


def test_so_can_whose_it_is(store: Store, path: Path, anna: int) -> None:
    running = store.begin_session(SessionHeader("camera", "m", "0", runner_id=anna))
    with pytest.raises(StillRunning):
        store.delete_runner(anna)
    store.end_session(running)
    assert store.delete_runner(anna) == 2
    assert StoreReader(path).runners() == []
