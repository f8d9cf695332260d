"""Deleting sessions and runners: nothing of them stays, also on a full disk, and who runs now is not touched."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from device.deletion import Deletion
from device.live import Message
from device.recording import SessionWriter
from device.runners import RunnerChoice
from device.store import SessionHeader, StillRunning, Store, StoreReader, writer
from device.store.room import RESERVE_BYTES, give_reserve_up, reserve_path
from model.coach import Baseline
from model.errors import StoreError
from model.pose import Side
from model.programme import Adherence, Attempt, progress

REPO = Path(__file__).resolve().parents[2]
CUE = {"t_s": 8.3, "side": "right", "metric": "fppa_deg", "value": 11.9, "threshold": 8.0}


def stance(n: int = 0, note: str = "") -> dict[str, Any]:
    return {"side": "left", "strike_s": n * 0.36, "toe_off_s": n * 0.36 + 0.25, "quality": 0.83, "note": note}


def header(runner_id: int | None = None) -> SessionHeader:
    return SessionHeader(source="clip", model="m", app_version="0", runner_id=runner_id)


def session(store: Store, runner_id: int | None = None, stances: int = 2, note: str = "", end: bool = True) -> int:
    session_id = store.begin_session(header(runner_id))
    for n in range(stances):
        store.add_stance(session_id, stance(n, note))
    store.add_cue(session_id, CUE)
    store.set_reps(session_id, [{"start_s": 1.0}], {"reps": 1})
    if end:
        store.end_session(session_id)
    return session_id


def rows(path: Path, table: str) -> int:
    with closing(sqlite3.connect(path)) as raw:
        return int(raw.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def files_hold(path: Path, text: str) -> bool:
    return any(text.encode() in one.read_bytes() for one in path.parent.glob(path.name + "*"))


def trained(store: Store, name: str) -> int:
    """A runner with baselines and a programme, one session of it done."""
    runner_id, _ = store.add_runner(name, 170.0)
    store.add_baselines(runner_id, "here", {(Side.LEFT, "fppa_deg"): Baseline(3.0, 1.0, 20)})
    store.start_programme(runner_id, "fppa_deg")
    programme = store.programme(runner_id)
    assert programme is not None
    store.save_attempt(programme.id, session(store, runner_id), Attempt(1, 900.0, Adherence()))
    return runner_id


def test_what_was_run_on_one_day_counts_together_when_its_sessions_are_deleted(store: Store, path: Path) -> None:
    """A session of the programme that was run in two parts is as done afterwards as before."""
    runner_id, _ = store.add_runner("Anna")
    store.start_programme(runner_id, "fppa_deg")
    programme = store.programme(runner_id)
    assert programme is not None
    parts = [session(store, runner_id) for _ in range(2)]
    for session_id in parts:
        store.save_attempt(programme.id, session_id, Attempt(1, 450.0, Adherence(on=10, on_within=9)))
    before = store.programme(runner_id)
    assert before is not None
    assert progress(before.attempts).done == 1
    for session_id in parts:
        assert store.delete_session(session_id)
        assert store.programme(runner_id) == StoreReader(path).programme(runner_id) == before


def test_nothing_of_a_runner_stays_and_nothing_of_others_goes(store: Store, path: Path) -> None:
    ben, nobody = trained(store, "Benedikt"), session(store)
    anna = trained(store, "Annabell")
    second = session(store, anna, note="hers alone")
    tables = ("runners", "baselines", "programmes", "attempts")
    assert [rows(path, table) for table in tables] == [2, 2, 2, 2]
    assert store.delete_runner(anna) == 2
    assert [rows(path, table) for table in tables] == [1, 1, 1, 1]
    assert StoreReader(path).session(second) is None
    assert [one["runner_id"] for one in StoreReader(path).list_sessions()] == [None, ben]
    assert StoreReader(path).session(nobody) is not None
    assert [rows(path, table) for table in ("stances", "reps", "cues")] == [4, 2, 2]
    assert files_hold(path, "Annabell"), "SQLite's log has it still"
    store.shrink()
    assert not files_hold(path, "Annabell")
    assert not files_hold(path, "hers alone")
    assert files_hold(path, "Benedikt")
    assert store.delete_runner(anna) is None


def test_the_number_of_who_was_deleted_is_not_given_again(store: Store, path: Path) -> None:
    store.add_runner("Anna")
    ben, _ = store.add_runner("Ben")
    store.delete_runner(ben)
    assert store.add_runner("") == (ben + 1, f"Runner {ben + 1}")
    store.delete_runner(1)
    store.delete_runner(ben + 1)
    assert store.add_runner("Carl")[0] == ben + 2


def test_what_comes_late_for_who_was_deleted_does_no_harm(store: Store, path: Path) -> None:
    anna = trained(store, "Anna")
    runner, programme = store.runner(anna), store.programme(anna)
    assert runner is not None
    assert programme is not None
    store.delete_runner(anna)
    session_id = store.begin_session(replace(header(anna), height_cm=170.0))
    store.set_session_runner(session_id, runner)
    store.add_baselines(anna, "here", {(Side.LEFT, "fppa_deg"): Baseline(3.0, 1.0, 20)})
    store.save_attempt(programme.id, session_id, Attempt(1, 900.0, Adherence()))
    store.start_programme(anna, "fppa_deg")
    assert [rows(path, table) for table in ("baselines", "programmes", "attempts")] == [0, 0, 0]
    nobodys = StoreReader(path).session(session_id) or {}
    assert nobodys["runner_id"] is None
    assert "height_cm" not in nobodys


def test_what_runs_stays(store: Store, path: Path) -> None:
    anna, _ = store.add_runner("Anna")
    session(store, anna)
    running = session(store, anna, end=False)
    with pytest.raises(StillRunning):
        store.delete_session(running)
    with pytest.raises(StillRunning):
        store.delete_runner(anna)
    assert len(StoreReader(path).list_sessions()) == 2
    store.end_session(running)
    assert store.delete_runner(anna) == 2


@pytest.mark.parametrize("old", [False, True])
def test_the_file_becomes_smaller(path: Path, old: bool) -> None:
    if old:  # a file from before: it has no incremental vacuum
        with closing(sqlite3.connect(path)) as raw:
            raw.execute("PRAGMA journal_mode = WAL")
            raw.execute("CREATE TABLE x (y)")
            raw.execute("DROP TABLE x")
    with Store.open(path) as store:
        kept, gone = session(store), session(store, stances=300, note="x" * 3000)
        store.shrink()
        full_bytes = path.stat().st_size
        running = session(store, end=False)
        assert store.delete_session(gone)
        store.shrink()
        assert path.stat().st_size < full_bytes / 3
        store.end_session(running)
    assert len((StoreReader(path).session(kept) or {})["stances"]) == 2


_FILL = """
def fill(name):
    try:
        with open(folder / name, "wb", buffering=0) as file:
            while file.write(bytes(4096)):
                pass
    except OSError:
        pass
"""


_FULL = """
import os, sys
from pathlib import Path
from device.store import SessionHeader, Store, StoreReader
from model.errors import StoreError
folder = Path(sys.argv[1])
path = folder / "k.db"
STANCE = {"side": "left", "strike_s": 1, "toe_off_s": 1.2, "quality": 1, "note": "x" * 2000}

def session(store, stances):
    session_id = store.begin_session(SessionHeader("clip", "m", "0"))
    for _ in range(stances):
        store.add_stance(session_id, STANCE)
    store.end_session(session_id)

def fill_with_sessions():
    store = Store.open(path)
    try:
        while True:
            session(store, 1200)
    except StoreError as error:
        assert "disk is full" in str(error), error

if os.fork() == 0:  # ends as by a power cut, with SQLite's log on the disk
    fill_with_sessions()
    os._exit(0)
assert os.wait()[1] == 0
(folder / "k.db-shm").unlink()
fill("other")
store = Store.open(path)
fill("another")
assert store.delete_session(1) and store.delete_session(2)
store.shrink()
assert StoreReader(path).session(1) is None
assert len(StoreReader(path).session(3)["stances"]) > 500
session(store, 500)
print("written again")
"""


_NO_RESERVE = """
import os, sys
from pathlib import Path
from device.store import SessionHeader, Store, StoreReader, writer
from model.errors import StoreError
folder = Path(sys.argv[1])
path = folder / "k.db"
STANCE = {"side": "left", "strike_s": 1, "toe_off_s": 1.2, "quality": 1, "note": "x" * 500}
CUE = {"t_s": 8.3, "side": "right", "metric": "fppa_deg", "value": 11.9, "threshold": 8.0}

def session(store, runner_id, stances):
    session_id = store.begin_session(SessionHeader("clip", "m", "0", runner_id=runner_id))
    for n in range(stances):
        store.add_stance(session_id, STANCE)
        if n % 5 == 0:
            store.add_cue(session_id, CUE)
    store.end_session(session_id)

keep_reserve, writer.keep_reserve = writer.keep_reserve, lambda path: None
store = Store.open(path)
anna, _ = store.add_runner("Anna")
for runner_id in (None, anna, anna, None):
    session(store, runner_id, 400)
store.shrink()
fill("other")
journals = set()
some = Store._delete_some
def noted(self, *what):
    journals.add(store._connection.execute("PRAGMA journal_mode").fetchone()[0])
    return some(self, *what)
Store._delete_some = noted
assert store.delete_session(1)
assert journals == {"wal", "delete"}, journals
fill("another")
assert store.delete_runner(anna) == 2
keep_reserve(path)
assert 2**17 < (folder / "k.db.reserve").stat().st_size < 2**20
assert [row["id"] for row in StoreReader(path).list_sessions()] == [4]
assert len(StoreReader(path).session(4)["stances"]) == 400
StoreReader(path).check()
session(store, None, 10)
assert store._connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"

# Where the log holds more than the database has room for, nothing can be done here.
(folder / "k.db.reserve").unlink()
try:
    while True:
        session(store, None, 300)
except StoreError as error:
    assert "delete old sessions" in str(error), error
fill("last")
try:
    store.delete_session(4)
except StoreError as error:
    print(error)
StoreReader(path).check()
assert StoreReader(path).session(4) is not None, "it can be deleted again"
"""


def on_small_disk(tmp_path: Path, size: str, script: str) -> str:
    """What a script prints. The disk is a real one: a small file system in memory, in a name space of its own."""
    mount = f"mount -t tmpfs -o size={size} none {tmp_path}"
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-rm", "sh", "-c", mount], check=False).returncode:
        pytest.skip("this machine lets nobody mount a file system of their own")
    shell = f'{mount} && exec "$@"'
    command = ["unshare", "-rm", "sh", "-c", shell, "sh", sys.executable, "-c", script, str(tmp_path)]
    done = subprocess.run(command, cwd=REPO, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_full_disk_lets_sessions_be_deleted_and_new_ones_be_written(tmp_path: Path) -> None:
    assert on_small_disk(tmp_path, "36m", _FILL + _FULL) == "written again\n"


def test_on_a_full_disk_without_a_reserve_sessions_go_step_by_step_or_the_remedy_is_said(tmp_path: Path) -> None:
    assert on_small_disk(tmp_path, "12m", _FILL + _NO_RESERVE) == (
        "the disk is too full even to delete all of it; free some space on the box, "
        "as with sudo apt clean or sudo journalctl --vacuum-size=20M, then delete again\n"
    )


_CUT = """
import os, sys
from pathlib import Path
from device.store import SessionHeader, Store, StoreReader, writer
path = Path(sys.argv[1]) / "k.db"
STANCE = {"side": "left", "strike_s": 1, "toe_off_s": 1.2, "quality": 1, "note": "x" * 500}

def fill(name):
    try:
        with open(path.parent / name, "wb", buffering=0) as file:
            while file.write(bytes(4096)):
                pass
    except OSError:
        pass

def refused(what):
    try:
        what()
    except OSError as error:
        print(error)

writer.keep_reserve = lambda path: None
if os.fork() == 0:  # ends as by a power cut, amid a session
    store = Store.open(path)
    for n in range(2):
        for _ in range(100 * store.begin_session(SessionHeader("clip", "m", "0"))):
            store.add_stance(n + 1, STANCE)
        if n == 0:
            store.end_session(1)
    store._truncate_log()
    fill("other")
    os._exit(0)
assert os.wait()[1] == 0
with Store.open(path) as store:
    refused(lambda: store.close_interrupted(2))
    assert store.delete_session(1)
fill("last")
refused(lambda: Store.open(path))
assert [row["id"] for row in StoreReader(path).list_sessions()] == [2], "it is readable all the same"
"""


def test_after_a_power_cut_on_a_full_disk_sessions_can_be_deleted_or_the_disk_is_said_to_be_full(
    tmp_path: Path,
) -> None:
    """Without a reserve; where nothing is free to open the database, that is no fault of the card."""
    assert on_small_disk(tmp_path, "6m", _CUT).splitlines() == [
        f"{tmp_path}/k.db cannot grow because the disk is full; free some space, or delete old sessions on the page",
        f"{tmp_path}/k.db cannot be opened because the disk is full; free some space on the box, "
        "as with sudo apt clean or sudo journalctl --vacuum-size=20M",
    ]


_LOG = """
import sys
from pathlib import Path
from device.store import SessionHeader, Store, StoreReader, writer
from model.errors import StoreError
path = Path(sys.argv[1]) / "k.db"
writer.keep_reserve = lambda path: None
store = Store.open(path)
session_id = store.begin_session(SessionHeader("clip", "m", "0"))
store._truncate_log()
try:
    with open(path.parent / "other", "wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass
except OSError:
    pass
with open(path.parent / "other", "r+b") as file:
    file.truncate((path.parent / "other").stat().st_size - 16 * 4096)
refused = 0
for n in range(60):
    try:
        store.update_session(session_id, frames=n)
    except StoreError:
        refused += 1
        store.update_session(session_id, frames=n)
assert StoreReader(path).session(session_id)["frames"] == 59
print(refused > 0)
"""


def test_on_a_full_disk_the_logs_own_room_is_used_before_results_wait(tmp_path: Path) -> None:
    assert on_small_disk(tmp_path, "1m", _LOG) == "True\n"


_STARTS = """
import os, sys
from pathlib import Path
from device.store import SessionHeader, Store, StoreReader
from device.store.room import reserve_path
from model.errors import StoreError
folder = Path(sys.argv[1])
path = folder / "k.db"
STANCE = {"side": "left", "strike_s": 1, "toe_off_s": 1.2, "quality": 1, "note": "x" * 500}

def run_until_the_disk_is_full():
    store = Store.open(path)
    for session_id in store.interrupted():
        store.close_interrupted(session_id)
    session_id = store.begin_session(SessionHeader("clip", "m", "0"))
    try:
        while True:
            store.add_stance(session_id, STANCE)
    except StoreError as error:
        assert "disk is full" in str(error), error

with Store.open(path) as store:
    store.begin_session(SessionHeader("clip", "m", "0"))
before = reserve_path(path).stat().st_size
fill("other")
for _ in range(4):
    if os.fork() == 0:  # ends as by a power cut
        run_until_the_disk_is_full()
        os._exit(0)
    assert os.wait()[1] == 0
assert reserve_path(path).stat().st_size > before - 2**18, "less than one start opens with"
with Store.open(path) as store:
    assert store.delete_session(1)
    assert store.interrupted() == [5], "it is not closed yet, for which there may be no room"
    assert store.delete_session(5)
StoreReader(path).check()
print(len(StoreReader(path).list_sessions()))
"""


def test_starts_on_a_full_disk_do_not_use_the_reserve_up(tmp_path: Path) -> None:
    assert on_small_disk(tmp_path, "1500k", _FILL + _STARTS) == "3\n"


_REFUSED = """
import sys
from pathlib import Path
from device.store import Store, StoreInUse
from device.store.room import reserve_path
folder = Path(sys.argv[1])
path = folder / "k.db"

with Store.open(path):
    before = reserve_path(path).stat().st_size
    for n in range(4):
        fill(f"other {n}")
        try:
            Store.open(path)
            raise AssertionError("it is in use")
        except StoreInUse:
            pass
    print(before - reserve_path(path).stat().st_size < 2**17)
"""


def test_starts_beside_one_that_runs_do_not_use_the_reserve_up(tmp_path: Path) -> None:
    assert on_small_disk(tmp_path, "1500k", _FILL + _REFUSED) == "True\n"


_AMID_A_STEP = """
import os, sys
from pathlib import Path
from device.store import Store
store = Store.open(Path(sys.argv[1]))
with store._without_log():
    db = store._connection
    db.execute("PRAGMA cache_size = 2")  # what is changed goes to the file before the step has ended
    db.execute("BEGIN IMMEDIATE")
    db.execute("DELETE FROM stances")
    os._exit(0)
"""


def test_a_step_that_is_cut_off_is_undone_at_the_next_start(path: Path) -> None:
    with Store.open(path) as store:
        session_id = session(store, stances=300, note="x" * 500)
    subprocess.run([sys.executable, "-c", _AMID_A_STEP, str(path)], cwd=REPO, timeout=60, check=True)
    assert path.with_name("k.db-journal").stat().st_size > 0
    with pytest.raises(StoreError, match="was cut off amid a change; start kneeline device once, which undoes it"):
        StoreReader(path).list_sessions()
    with Store.open(path) as store:
        assert store._connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        StoreReader(path).check()
        assert len((StoreReader(path).session(session_id) or {})["stances"]) == 300


def test_who_reads_is_waited_for_before_the_log_is_left(
    store: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = session(store)

    def read(for_s: float) -> None:
        with closing(sqlite3.connect(path)) as raw:
            raw.execute("SELECT count(*) FROM sessions").fetchone()
            reading.set()
            time.sleep(for_s)

    for limit_s, for_s in ((0.1, 0.5), (5.0, 0.3)):
        monkeypatch.setattr(writer, "_READERS_S", limit_s)
        reading = threading.Event()
        thread = threading.Thread(target=read, args=(for_s,))
        thread.start()
        assert reading.wait(5)
        if for_s > limit_s:
            with pytest.raises(StoreError, match="is locked"), store._without_log():
                pass
        else:
            with store._without_log():
                assert store.delete_session(gone)
        thread.join()
    assert store._connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert StoreReader(path).list_sessions() == []


def test_the_reserve_is_kept_given_up_and_made_anew(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store.open(path) as store:
        assert reserve_path(path).stat().st_size == RESERVE_BYTES
        gone = session(store, stances=1200)
        heads = Store._delete_heads
        tries: list[bool] = []

        def full_once(self: Store, session_ids: list[int], runner_id: int | None) -> None:
            tries.append(reserve_path(path).exists())
            if len(tries) == 1:
                fault = sqlite3.OperationalError("database or disk is full")
                fault.sqlite_errorcode = sqlite3.SQLITE_FULL
                raise StoreError("full") from fault
            assert rows(path, "stances") == 0, "row by row"
            heads(self, session_ids, runner_id)

        monkeypatch.setattr(Store, "_delete_heads", full_once)
        assert store.delete_session(gone)
        assert tries == [True, False]
        assert StoreReader(path).list_sessions() == []
        store.shrink()
        assert reserve_path(path).exists()
        give_reserve_up(path)
        session(store)
        assert reserve_path(path).exists(), "with the next session's end, where there is room"


# The commands, as the device carries them out.


class Box:
    """Writer, choice of the runner, and the answers."""

    def __init__(self, store: Store) -> None:
        self.writer = SessionWriter(store)
        self.choice = RunnerChoice(self.writer)
        self.answers: list[Message] = []
        self.deletion = Deletion(self.writer, self.choice, self.answers.append)

    def ask(self, command: str, number: int) -> Message:
        """The answer to a request."""
        n = len(self.answers)
        assert self.deletion.obey({"command": command, "id": number, "request": f"r{n}"})
        until(lambda: len(self.answers) > n)
        assert (self.answers[n]["type"], self.answers[n]["request"]) == ("answer", f"r{n}")
        return self.answers[n]


def until(true: Callable[[], object], timeout_s: float = 10.0) -> None:
    until_s = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < until_s
        time.sleep(0.01)


@pytest.fixture
def box(store: Store) -> Iterator[Box]:
    made = Box(store)
    yield made
    made.writer.close()


def test_a_session_is_deleted_on_request(box: Box, store: Store, path: Path) -> None:
    session_id = session(store, note="theirs alone")
    answer = box.ask("delete_session", session_id)
    assert (answer["done"], answer["sessions"], answer["said"]) == (True, 1, None)
    assert StoreReader(path).session(session_id) is None
    until(lambda: not files_hold(path, "theirs alone"))
    assert box.ask("delete_session", session_id)["sessions"] == 0


def test_the_log_tells_of_what_was_deleted_only(
    box: Box, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    """As where two ask for the same at once."""
    caplog.set_level("INFO")
    session_id, (anna, _) = session(store), store.add_runner("Anna")
    for _ in range(2):
        assert box.ask("delete_session", session_id)["done"]
        assert box.ask("delete_runner", anna)["done"]
    told = [record.message for record in caplog.records]
    assert told == [f"deleted session {session_id}", f"deleted runner {anna} with 0 sessions"]


def test_the_running_session_is_refused_and_goes_on(box: Box, path: Path) -> None:
    box.writer.begin(header(), lambda session_id: None)
    until(lambda: box.writer.session_id)
    answer = box.ask("delete_session", 1)
    assert answer["done"] is False
    assert answer["said"] == "Not deleted: this session runs now. Wait for its end."
    box.writer.stance(stance())
    box.writer.end(lambda session_id: None)
    until(lambda: box.writer.session_id is None)
    assert box.writer.fault is None
    assert len((StoreReader(path).session(1) or {})["stances"]) == 1


def test_who_is_chosen_or_runs_is_refused(box: Box, store: Store, path: Path) -> None:
    anna, _ = store.add_runner("Anna")
    # The choice waits for the disk; the request that follows it is to find it.
    box.choice.obey({"command": "select_runner", "runner_id": anna})
    assert "chosen to run next" in box.ask("delete_runner", anna)["said"]
    box.writer.begin(header(anna), lambda session_id: None)
    until(lambda: box.writer.session_id)
    assert "this runner runs now" in box.ask("delete_runner", anna)["said"]
    box.choice.obey({"command": "select_runner", "runner_id": None})
    assert "a session of this runner runs now" in box.ask("delete_runner", anna)["said"]
    box.writer.end(lambda session_id: None)
    answer = box.ask("delete_runner", anna)
    assert (answer["done"], answer["sessions"]) == (True, 1)
    assert StoreReader(path).runners() == []
    assert all("Anna" not in str(one) for one in box.answers)


def test_on_a_full_disk_sessions_go_before_what_waits(box: Box, store: Store, path: Path) -> None:
    anna, _ = store.add_runner("Anna")
    old = session(store, anna)
    full = threading.Event()
    full.set()
    written: list[str] = []

    def job(store: Store, _: int | None) -> None:
        if full.is_set():
            raise StoreError("k.db cannot grow because the disk is full")
        written.append("waited")

    box.writer.also(job)
    until(lambda: box.writer.fault)
    answer = box.ask("delete_runner", anna)
    assert answer["said"].startswith("k.db cannot grow because the disk is full. A runner can be deleted when")
    assert box.ask("delete_session", old)["done"] is True
    assert box.writer.fault is not None
    assert written == []
    full.clear()
    until(lambda: box.writer.fault is None)
    assert written == ["waited"]
    assert box.ask("delete_runner", anna)["done"] is True


def test_a_store_that_cannot_be_written_is_said(box: Box, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Store, session_id: int) -> bool:
        raise StoreError("k.db is read-only; give access")

    monkeypatch.setattr(Store, "delete_session", broken)
    assert box.ask("delete_session", 1)["said"] == "Not deleted: k.db is read-only; give access."


@pytest.mark.parametrize(
    "command",
    [
        {"command": "delete_session", "id": 1},
        {"command": "delete_session", "id": "1", "request": "r"},
        {"command": "delete_session", "id": True, "request": "r"},
        {"command": "delete_runner", "id": 0, "request": "r"},
        {"command": "delete_runner", "id": 2**63, "request": "r"},
        {"command": "delete_runner", "id": 1, "request": "r" * 65},
        {"command": "delete_runner", "id": 1, "request": "\ud83d"},
        {"command": "delete_all", "id": 1, "request": "r"},
    ],
)
def test_wrong_commands_are_none(box: Box, command: Message) -> None:
    assert not box.deletion.obey(command)
