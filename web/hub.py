"""Spreads the device's live messages to all open pages, and never lets one of them hold up another.

One thread listens to the device. Each page that streams has its own small box: the newest frame (older ones are simply
replaced) and the last events. A page that reads slowly misses frames, nothing else.
"""

from __future__ import annotations

import itertools
import json
import logging
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from device.aim import AimWindow
from device.live import UNSTORED, LiveSubscriber
from model.words import sentence

#: Without a message for this long the device counts as silent; pages say so.
SILENT_AFTER_S = 3.0
#: Streams at once; further pages poll.
MAX_STREAMS = 12
#: Message types of which only the newest counts; all others are events, each of which counts.
STATES = ("frame", "health")
#: What tells who runs; not for every reader.
PERSONAL = ("runner",)
#: So end lengths. Beside the same one as a share of the leg, any of them tells how tall the runner is.
_CENTIMETRES = "_cm"
#: So begins what the device notes where it can drive no pin; a library's own words follow.
_NO_GPIO = "no GPIO here ("
NO_GPIO = (
    "this machine has no pins that can be driven, so that cues are shown on the page only "
    "(on a Raspberry Pi sudo kneeline doctor says what to do)"
)
#: What to do about a silent device; the live page says the same.
SILENT_REMEDY = "If this stays, check camera cable and power, then on the box: sudo kneeline doctor"
#: The same where something is to be done, which takes a device, but no camera: a film's session may be looked at alone.
DEVICE_NEEDED = (
    f"{SILENT_REMEDY}. Where kneeline web was started by hand, start kneeline device beside it: it needs no camera."
)
#: What came of a request; for who asked, not for pages.
ANSWER = "answer"
_KEPT_EVENTS = 64
_KEPT_ANSWERS = 16
_STATUS_EVERY_S = 1.0

log = logging.getLogger(__name__)

Message = Mapping[str, Any]
#: What came of a command that the device confirms.
Answer = Literal["done", "unconfirmed", "silent"]


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom live messages are.

    Attributes:
        names: whether they may know who runs, and how tall they are.
        version: goes with the version of their page.
        holds: whether that is so still; a stream ends where it is not, and the page opens another.
    """

    names: bool = True
    version: str = ""
    holds: Callable[[], bool] = lambda: True


ALL_OF_IT = Reader()


class Stream:
    """What one streaming page is yet to be sent; iterates over encoded server-sent events until closed.

    Args:
        status: makes the status message; sent first, then once a second, so that a page that has gone is noticed.
        on_close: called once with this stream when it ends, also where it never began.
        reader: for whom it is.
    """

    def __init__(
        self, status: Callable[[], Message], on_close: Callable[[Stream], None], reader: Reader = ALL_OF_IT
    ) -> None:
        self.reader = reader
        self._status = status
        self._on_close = on_close
        self._news = threading.Condition()
        self._events: deque[bytes] = deque(maxlen=_KEPT_EVENTS)
        self._states: dict[str, bytes] = {}
        self._closed = False
        self._status_due_s = 0.0

    def put(self, kind: str, encoded: bytes) -> None:
        """Adds a message; never blocks."""
        with self._news:
            if kind in STATES:
                self._states[kind] = encoded
            else:
                self._events.append(encoded)
            self._news.notify()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        """All that is new, and the status where it is due; waits for one or the other."""
        with self._news:
            wait_s = self._status_due_s - time.monotonic()
            self._news.wait_for(lambda: self._events or self._states or self._closed, max(wait_s, 0.0))
            if self._closed:
                raise StopIteration
            news = b"".join([*self._events, *self._states.values()])
            self._events.clear()
            self._states.clear()
        now_s = time.monotonic()
        if now_s < self._status_due_s:
            return news
        if not self.reader.holds():
            self.close()
            raise StopIteration
        first = b"" if self._status_due_s else b"retry: 1000\n\n"
        self._status_due_s = now_s + _STATUS_EVERY_S
        return first + encode(self._status()) + news

    def close(self) -> None:
        """Ends the stream; who waits for it goes on at once. May be called twice."""
        with self._news:
            if self._closed:
                return
            self._closed = True
            self._news.notify_all()
        self._on_close(self)


class LiveHub:
    """What the pages know of the device.

    Args:
        subscriber: the connection to the device; closed with the hub.
        version: of page and program; a page of another version reloads itself.
        max_streams: how many pages may stream at once.
    """

    def __init__(self, subscriber: LiveSubscriber, version: str, max_streams: int = MAX_STREAMS) -> None:
        self.version = version
        self._subscriber = subscriber
        self._max_streams = max_streams
        self._lock = threading.Lock()
        self._streams: set[Stream] = set()
        self._events: deque[Message] = deque(maxlen=_KEPT_EVENTS)
        self._answers: deque[Message] = deque(maxlen=_KEPT_ANSWERS)
        self._count = itertools.count(1)
        self._epoch = secrets.token_hex(8)
        self._aim = AimWindow()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="live-hub", daemon=True)
        self._thread.start()

    def status(self, reader: Reader = ALL_OF_IT) -> dict[str, Any]:
        """Whether the device is heard, and how long ago it was (null: never since this server started).

        Events are numbered anew after a restart: their numbers go with the ``epoch``. A clock would not do in its
        place: a box without a network may come back from a power cut in its own past.
        """
        heard = self._subscriber.latest()
        live = heard.connected and heard.age_s is not None and heard.age_s <= SILENT_AFTER_S
        return {
            "type": "status",
            "device": "live" if live else "silent",
            "age_s": None if heard.age_s is None else round(heard.age_s, 1),
            "version": self.version + reader.version,
            "epoch": self._epoch,
        }

    def snapshot(self, reader: Reader = ALL_OF_IT) -> dict[str, Any]:
        """Everything known now, for pages that poll: status, newest states, and the last events with their numbers.

        While the device is silent there is no frame and no health: old ones would look like new ones.
        """
        with self._lock:
            events = [for_reader(reader, event) for event in self._events]
        status, last = self.status(reader), self._subscriber.latest().last  # no older than the events
        states: dict[str, Message | None] = dict.fromkeys(STATES)
        if status["device"] == "live":
            states |= {kind: for_reader(reader, last[kind]) for kind in STATES if kind in last}
        session = for_reader(reader, last["session"]) if "session" in last else None
        return {"status": status, **states, "session": session, "events": events}

    def aim(self) -> dict[str, Any]:
        """What the last seconds say about where the camera stands; see `device.aim`."""
        live = self.status()["device"] == "live"
        with self._lock:
            return self._aim.report(self._subscriber.latest().last.get("health"), live)

    def offered(self) -> frozenset[str]:
        """The commands that the device says it obeys, in its health message; none while it is silent."""
        health = self.snapshot()["health"] or {}
        return frozenset(health.get("commands", ()))

    def why_not(self, command: str) -> str | None:
        """Why the device does not obey a command now, as a sentence; None where it does."""
        snapshot = self.snapshot()
        health = snapshot["health"]
        if health is None:
            return f"The device is silent. {DEVICE_NEEDED}"
        if command in health.get("commands", ()):
            return None
        fault = (snapshot["frame"] or {}).get("store_fault")
        return sentence(fault) if fault else "The device runs without its store."

    def runner(self) -> Mapping[str, Any] | None:
        """Who runs now or next: id, name, height_cm, goal. None for an anonymous runner and from a silent device."""
        found: Mapping[str, Any] | None = (self.snapshot()["health"] or {}).get("runner")
        return found

    def height_cm(self) -> float | None:
        """How tall who runs now or next is; None where that is not known, and while the device is silent."""
        found: float | None = (self.snapshot()["health"] or {}).get("height_cm")
        return found

    def goal(self) -> str | None:
        """The goal that was chosen for who runs now or next; None: as the settings say, or the device is silent."""
        found: str | None = (self.snapshot()["health"] or {}).get("goal")
        return found

    def coached(self) -> str | None:
        """The goal that is coached now, as in a programme; else as `goal`."""
        coach = (self.snapshot()["frame"] or {}).get("coach") or {}
        found: str | None = coach.get("metric") or self.goal()
        return found

    def programme(self) -> Mapping[str, Any] | None:
        """How far who runs is in their programme; None where nobody runs in one, and while the device is silent."""
        coach = (self.snapshot()["frame"] or {}).get("coach") or {}
        found: Mapping[str, Any] | None = coach.get("programme")
        return found

    def testing(self) -> bool:
        """Whether a squat or step-down test is made now."""
        screening = (self.snapshot()["frame"] or {}).get("screening") or {}
        return bool(screening.get("state") == "running")

    def session_id(self) -> int | None:
        """The id of the session that runs; None for none, and while the device is silent."""
        found: int | None = (self.snapshot()["frame"] or {}).get("session_id")
        return found

    def runs(self, session_id: int) -> bool:
        """Whether a session that has not ended runs, as far as the device tells: else a power cut left it open."""
        return self.snapshot()["frame"] is None or self.session_id() == session_id

    def somebody(self) -> bool:
        """Whether somebody is seen."""
        return bool((self.snapshot()["frame"] or {}).get("keypoints"))

    def dark(self) -> str | None:
        """Why no light and no buzzer gives a cue, in the device's words; None where they do, or it is silent."""
        health = self.snapshot()["health"] or {}
        return health.get("gpio_note") or "no GPIO" if health.get("gpio") is False else None

    def told(self) -> Mapping[str, Any]:
        """What the device was told of belt and lens, see `device.told`; nothing while it is silent."""
        health = self.snapshot()["health"] or {}
        return {key: health.get(key) for key in ("belt_speed_m_s", "camera_height_m", "camera_height_from")}

    def ask(self, command: Mapping[str, Any], done: Callable[[], bool], within_s: float) -> Answer:
        """Sends a command and waits as `tells`."""
        if not self.send(command):
            return "silent"
        return "done" if self.tells(done, within_s) else "unconfirmed"

    def tells(self, done: Callable[[], bool], within_s: float) -> bool:
        """Waits until ``done`` says that the device tells it is so; False where it does not in time.

        As long as the device tells nothing it confirms nothing: that no runner is told of does not mean that there is
        none.
        """
        return _comes(lambda: self.snapshot()["health"] is not None and done(), within_s)

    def request(self, command: Mapping[str, Any], within_s: float) -> Message | Literal["unconfirmed", "silent"]:
        """Sends a command that the device answers, and waits for the answer: ``done``, ``said`` and more."""
        request = secrets.token_hex(8)

        def answer() -> Message | None:
            with self._lock:
                return next((one for one in self._answers if one["request"] == request), None)

        if not self.send({**command, "request": request}):
            return "silent"
        _comes(lambda: answer() is not None, within_s)
        return answer() or "unconfirmed"

    def send(self, command: Mapping[str, Any]) -> bool:
        """Hands a command to the device. False where it cannot be reached."""
        return self._subscriber.send(dict(command))

    def stream(self, reader: Reader = ALL_OF_IT) -> Stream | None:
        """Server-sent events from now on, or None where too many pages stream already."""
        stream = Stream(lambda: self.status(reader), self._forget, reader)
        with self._lock:
            if len(self._streams) >= self._max_streams or self._closed.is_set():
                return None
            self._streams.add(stream)
        if self.status()["device"] == "live":
            for kind, message in self._subscriber.latest().last.items():
                if kind in (*STATES, "session"):
                    stream.put(kind, encode(for_reader(reader, message)))
        return stream

    def close(self) -> None:
        """Ends all streams and the connection. May be called twice."""
        self._closed.set()
        with self._lock:
            streams = list(self._streams)
        for stream in streams:
            stream.close()
        self._subscriber.close()
        self._thread.join(timeout=2.0)

    def _forget(self, stream: Stream) -> None:
        with self._lock:
            self._streams.discard(stream)

    def _listen(self) -> None:
        """Takes every message. A faulty one, as of a device of another version, must not end it: all pages go by it."""
        said = False
        for message in self._subscriber.events():
            try:
                if message is not None:
                    self._receive(message)
            except Exception:
                if not said:  # others like it follow, some each second
                    log.exception("the device told what cannot be read")
                said = True

    def _receive(self, message: Message) -> None:
        kind = str(message["type"])
        with self._lock:
            if kind == ANSWER:
                self._answers.append(message)
                return
            if kind not in STATES:
                message = {**message, "seq": next(self._count)}
                self._events.append(message)
            elif kind == "frame":
                self._aim.add(message, time.monotonic())
            encoded: dict[bool, bytes] = {}  # by whether names are told; each once, however many read it
            for stream in self._streams:
                names = stream.reader.names
                if names not in encoded:
                    encoded[names] = encode(for_reader(stream.reader, message))
                stream.put(kind, encoded[names])


def _comes(sure: Callable[[], bool], within_s: float) -> bool:
    """Waits until it is so; False where it is not in time."""
    until_s = time.monotonic() + within_s
    while not (there := sure()) and time.monotonic() < until_s:
        time.sleep(0.05)
    return there


def for_reader(reader: Reader, message: Message) -> Message:
    """What of a message this reader may know, in words for people."""
    if str(message.get("gpio_note")).startswith(_NO_GPIO):
        message = {**message, "gpio_note": NO_GPIO}
    if reader.names:
        return message
    told = nameless(message)
    fault = told.get("store_fault")
    for key in ("message", "store_fault"):
        said = told.get(key)
        if said and (said == fault or said.startswith(UNSTORED)):  # the file's path is often somebody's name
            told[key] = f"{UNSTORED}: on the box, sudo kneeline doctor tells why"
    return told


def nameless(message: Message) -> dict[str, Any]:
    """The message without what tells who runs or how tall they are, wherever it stands; the keys stay."""
    return {
        key: None if key in PERSONAL or key.endswith(_CENTIMETRES) else _nameless(value)
        for key, value in message.items()
    }


def _nameless(value: Any) -> Any:
    if isinstance(value, Mapping):
        return nameless(value)
    return [_nameless(one) for one in value] if isinstance(value, list) else value


def encode(message: Message) -> bytes:
    """One server-sent event with the message as JSON."""
    return b"data: " + json.dumps(message, separators=(",", ":")).encode() + b"\n\n"
