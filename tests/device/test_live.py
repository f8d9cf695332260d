"""The live socket: listeners hear, newcomers catch up, and none of them ever holds the device up."""

from __future__ import annotations

import json
import logging
import queue
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from device import live
from device.live import LiveError, LivePublisher, LiveSubscriber, Message

FRAME = {"type": "frame", "t_s": 1.0, "state": "running"}
STANCE = {"type": "stance", "session_id": 1, "side": "left"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "live.sock"


def until(condition: Callable[[], object], timeout_s: float = 5.0) -> None:
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline_s, "it did not happen in time"
        time.sleep(0.005)


def take(events: Iterator[Message | None], n: int) -> list[Message | None]:
    return [next(events) for _ in range(n)]


class Raw:
    """A listener that reads only when told."""

    def __init__(self, path: Path, publisher: LivePublisher) -> None:
        before = set(publisher._clients)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(5)
        self.socket.connect(str(path))
        self.lines = self.socket.makefile("rb")
        until(lambda: set(publisher._clients) - before)

    def read(self) -> Message:
        message: Message = json.loads(self.lines.readline())
        return message

    def close(self) -> None:
        self.lines.close()
        self.socket.close()


def test_a_listener_hears_every_event_in_order(path: Path) -> None:
    with LivePublisher(path) as publisher, LiveSubscriber(path) as subscriber:
        until(lambda: subscriber.latest().connected)
        events = subscriber.events()
        heard: list[Message | None] = []
        thread = threading.Thread(target=lambda: heard.extend(take(events, 20)))
        thread.start()
        until(lambda: subscriber._listeners)
        for n in range(20):
            publisher.publish({**STANCE, "n": n})
        thread.join(5)
        assert [message and message["n"] for message in heard] == list(range(20))
        snapshot = subscriber.latest()
        assert snapshot.last["stance"]["n"] == 19
        assert snapshot.age_s is not None
        assert 0 <= snapshot.age_s < 5


def test_nan_goes_out_as_null(path: Path) -> None:
    with LivePublisher(path) as publisher:
        raw = Raw(path, publisher)
        publisher.publish({**STANCE, "fppa_deg": float("nan")})
        assert raw.read() == {**STANCE, "fppa_deg": None}
        raw.close()


def test_a_newcomer_hears_the_last_state_at_once(path: Path) -> None:
    with LivePublisher(path) as publisher, LiveSubscriber(path) as earlier:
        until(lambda: earlier.latest().connected)
        publisher.publish({"type": "session", "session_id": 4, "state": "started"})
        publisher.publish(STANCE)
        publisher.publish(FRAME)
        until(lambda: len(earlier.latest().last) == 3)  # all of it has gone out
        with LiveSubscriber(path) as newcomer:
            until(lambda: len(newcomer.latest().last) == 2)
            assert set(newcomer.latest().last) == {"session", "frame"}


def test_frames_are_thinned_and_events_are_not(path: Path) -> None:
    with LivePublisher(path) as publisher:
        raw = Raw(path, publisher)
        for _ in range(30):
            publisher.publish(FRAME)
            publisher.publish(STANCE)
        kinds = [raw.read()["type"] for _ in range(31)]
        raw.close()
    assert kinds.count("stance") == 30
    assert kinds.count("frame") == 1


def test_a_listener_that_does_not_read_is_dropped_and_holds_nobody_up(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(live, "_STUCK_S", 0.3)
    monkeypatch.setattr(live, "_TICK_S", 0.05)
    with LivePublisher(path) as publisher, LiveSubscriber(path) as good, caplog.at_level(logging.WARNING):
        slow = Raw(path, publisher)
        until(lambda: len(publisher._clients) == 2)
        longest_s = 0.0
        for n in range(300):
            begin_s = time.monotonic()
            publisher.publish({**STANCE, "n": n, "padding": "x" * 20_000})
            longest_s = max(longest_s, time.monotonic() - begin_s)
            time.sleep(0.001)
        until(lambda: len(publisher._clients) == 1)
        until(lambda: good.latest().last.get("stance", {}).get("n") == 299)
        slow.close()
    assert longest_s < 0.5
    assert "hanging up" in caplog.text


def test_a_full_queue_loses_frames_before_events() -> None:
    ours, theirs = socket.socketpair()
    client = live._Client(ours)
    for n in range(live._QUEUE_LENGTH):
        client.enqueue("frame" if n == 5 else "stance", b"%d" % n)
    client.enqueue("cue", b"cue")
    client.enqueue("cue", b"cue")
    kept = [line for _, line in client.queue]
    assert kept == [b"%d" % n for n in range(1, live._QUEUE_LENGTH) if n != 5] + [b"cue", b"cue"]
    ours.close()
    theirs.close()


def test_commands_reach_the_device(path: Path) -> None:
    commands: queue.Queue[Message] = queue.Queue()
    with LiveSubscriber(path, retry_s=0.02) as subscriber:
        assert not subscriber.send({"command": "test_cue", "side": "left"})
        with LivePublisher(path, commands.put):
            until(lambda: subscriber.latest().connected)
            assert subscriber.send({"command": "test_cue", "side": "left"})
            assert commands.get(timeout=5) == {"command": "test_cue", "side": "left"}


def test_what_is_no_command_changes_nothing(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    commands: queue.Queue[Message] = queue.Queue()

    def obey(command: Message) -> None:
        if command["command"] == "fail":
            raise RuntimeError("a fault in the device's own handler")
        commands.put(command)

    with LivePublisher(path, obey) as publisher, caplog.at_level(logging.WARNING):
        raw = Raw(path, publisher)
        raw.socket.sendall(b'\xff{\n[1]\n{"a": 1}\n{"command": "fail"}\n')
        until(lambda: "lost a message" in caplog.text)
        raw.socket.sendall(b'{"comm')
        raw.socket.sendall(b'and": "calibrate"}\n')
        assert commands.get(timeout=5) == {"command": "calibrate"}
        publisher.publish(STANCE)
        assert raw.read() == STANCE
        raw.close()


def test_endless_talk_without_a_line_is_hung_up_on(path: Path) -> None:
    with LivePublisher(path) as publisher:
        raw = Raw(path, publisher)
        raw.socket.sendall(b"x" * 3 * live._MAX_COMMAND_BYTES)
        until(lambda: not publisher._clients)
        raw.close()


def test_the_subscriber_finds_the_device_again(path: Path) -> None:
    with LiveSubscriber(path, retry_s=0.02) as subscriber:
        for n in range(2):
            until(lambda: not subscriber.latest().connected)
            with LivePublisher(path) as publisher:
                publisher.publish({**FRAME, "t_s": n})
                until(lambda n=n: subscriber.latest().last.get("frame", {}).get("t_s") == n)  # type: ignore[misc]
        until(lambda: not subscriber.latest().connected)
        assert subscriber.latest().last["frame"]["t_s"] == 1


def test_what_a_device_told_is_not_taken_for_the_next_ones(path: Path) -> None:
    """It was restarted: who was chosen and which session ran before is not so any more."""
    with LiveSubscriber(path, retry_s=0.02) as subscriber:
        with LivePublisher(path) as before:
            before.publish({"type": "health", "runner": {"id": 1, "name": "Anna"}})
            until(lambda: "health" in subscriber.latest().last)
        until(lambda: not subscriber.latest().connected)
        with LivePublisher(path) as after:
            after.publish(FRAME)
            until(lambda: "frame" in subscriber.latest().last)
            assert subscriber.latest().last == {"frame": FRAME}


def test_a_faulty_message_does_not_end_the_listening(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with LivePublisher(path) as publisher, LiveSubscriber(path, retry_s=0.05) as subscriber:
        until(lambda: subscriber.latest().connected)
        publisher.publish({"type": ["odd"]})
        until(lambda: "live: listening anew" in caplog.text)
        until(lambda: subscriber.latest().connected)
        publisher.publish(STANCE)
        until(lambda: subscriber.latest().last.get("stance") == STANCE)


def test_silence_is_told_and_closing_ends_the_events(path: Path) -> None:
    subscriber = LiveSubscriber(path)
    events = subscriber.events(idle_s=0.05)
    assert next(events) is None
    threading.Timer(0.1, subscriber.close).start()
    assert [message for message in subscriber.events(idle_s=60) if message is not None] == []
    subscriber._thread.join(5)


def test_a_second_instance_is_refused_and_the_first_goes_on(path: Path) -> None:
    with LivePublisher(path) as publisher:
        with pytest.raises(LiveError, match=r"another kneeline device serves .*live.sock; stop it first"):
            LivePublisher(path)
        raw = Raw(path, publisher)
        publisher.publish(STANCE)
        assert raw.read() == STANCE
        raw.close()
    assert not path.exists()


def test_a_socket_that_a_crash_left_behind_is_replaced(path: Path) -> None:
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
        dead.bind(str(path))
    with LivePublisher(path) as publisher:
        raw = Raw(path, publisher)
        publisher.publish(STANCE)
        assert raw.read() == STANCE
        raw.close()


def test_the_group_may_connect_and_others_may_not(path: Path) -> None:
    with LivePublisher(path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        assert stat.S_IMODE(path.parent.stat().st_mode) & 0o007 == 0


@pytest.mark.parametrize("name", ["x" * 200, "file/live.sock"])
def test_an_impossible_path_is_one_clear_line(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LiveError, match=r"cannot be served \(.*\); name another one under \[live\] socket"):
        LivePublisher(tmp_path / name)


def test_publishing_after_the_end_is_harmless(path: Path) -> None:
    publisher = LivePublisher(path)
    publisher.close()
    publisher.publish(STANCE)
    publisher.close()
