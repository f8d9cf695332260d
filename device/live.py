"""What happens now: the device tells it to whoever listens, over a Unix socket, one JSON object in each line.

The device serves, the web listens. The pipeline only ever puts a message into a queue; sockets have a thread
of their own. A slow or dead listener loses messages or its connection; the device never loses a frame by it.
Listeners may send commands, one JSON object in each line: ``{"command": "test_cue", "side": "left"}``.
"""

from __future__ import annotations

import json
import logging
import os
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeGuard

from device.store.database import to_json
from model.errors import KneelineError

Message = dict[str, Any]

#: How a message begins that says why nothing is stored; the rest names the file.
UNSTORED = "sessions are not stored"
#: How a message begins that says why there are no pictures, with the remedy.
NO_CAMERA = "no camera"
MAX_FRAMES_PER_S = 15
#: Kept for those who connect later.
_LASTING = ("session", "health", "frame")
_QUEUE_LENGTH = 64
_STUCK_S = 5.0
_MAX_COMMAND_BYTES = 4096
_MAX_REQUEST = 64
_MAX_MESSAGE_BYTES = 1_000_000
_TICK_S = 1.0

_log = logging.getLogger(__name__)


class LiveError(KneelineError, OSError):
    """The live socket cannot be served."""


@dataclass(slots=True)
class _Client:
    """One listener: what it has yet to be sent, and what it has begun to say."""

    connection: socket.socket
    queue: deque[tuple[str, bytes]] = field(default_factory=deque)
    sending: bytes = b""
    received: bytes = b""
    progress_s: float = field(default_factory=time.monotonic)

    @property
    def waiting(self) -> bool:
        return bool(self.sending or self.queue)

    def enqueue(self, kind: str, line: bytes) -> None:
        """Adds a line; a full queue loses its oldest frame, or its oldest line if it holds no frame."""
        if not self.waiting:
            self.progress_s = time.monotonic()
        if len(self.queue) >= _QUEUE_LENGTH:
            oldest = next((n for n, (queued, _) in enumerate(self.queue) if queued == "frame"), 0)
            del self.queue[oldest]
        self.queue.append((kind, line))

    def send(self) -> None:
        """Sends as much as the socket takes."""
        while self.waiting:
            if not self.sending:
                self.sending = self.queue.popleft()[1]
            try:
                sent = self.connection.send(self.sending)
            except BlockingIOError:
                return
            self.sending = self.sending[sent:]
            self.progress_s = time.monotonic()


class LivePublisher:
    """Serves the live state. Use it as a context manager.

    Args:
        path: the socket. Its folder is made where it is missing (mode 0750: the group may connect).
        on_command: called with each command, from the publisher's thread; must return at once.

    Raises:
        LiveError: another instance serves this socket, or it cannot be made.
    """

    def __init__(self, path: Path, on_command: Callable[[Message], None] | None = None) -> None:
        self._path = path
        self._on_command = on_command
        self._inbox: deque[Message] = deque(maxlen=256)
        self._lasting: dict[str, bytes] = {}
        self._clients: dict[socket.socket, _Client] = {}
        self._closing = False
        self._next_frame_s = 0.0
        self._server = _serve(path)
        self._selector = selectors.DefaultSelector()
        self._wake_in, self._wake_out = socket.socketpair()
        for listening in (self._server, self._wake_out):
            listening.setblocking(False)
            self._selector.register(listening, selectors.EVENT_READ)
        self._wake_in.setblocking(False)
        self._thread = threading.Thread(target=self._run, name="live", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def publish(self, message: Message) -> None:
        """Hands a message on and returns at once. It must have a ``type`` and not be changed afterwards.

        Of frames no more than ``MAX_FRAMES_PER_S`` go out, the others are left out.
        """
        if message["type"] == "frame":
            now_s = time.monotonic()
            if now_s < self._next_frame_s:
                return
            self._next_frame_s = now_s + 0.9 / MAX_FRAMES_PER_S  # the rest allows for jitter
        self._inbox.append(message)
        self._wake()

    def close(self) -> None:
        """Ends the thread, hangs up and removes the socket."""
        if self._closing:
            return
        self._closing = True
        self._wake()
        self._thread.join()
        self._distribute()
        for client in list(self._clients.values()):
            self._drop(client)
        self._selector.close()
        for connection in (self._server, self._wake_in, self._wake_out):
            connection.close()
        self._path.unlink(missing_ok=True)

    def _wake(self) -> None:
        with suppress(OSError):  # full: it is awake already; closed: nobody listens
            self._wake_in.send(b"\0")

    def _run(self) -> None:
        while not self._closing:
            try:
                self._turn()
            except Exception:  # a faulty message or command must not end the service
                _log.exception("live: lost a message")

    def _turn(self) -> None:
        for key, events in self._selector.select(_TICK_S):
            if key.fileobj is self._server:
                self._accept()
            elif key.fileobj is self._wake_out:
                self._wake_out.recv(4096)
            elif client := self._clients.get(key.fileobj):  # type: ignore[call-overload]
                self._serve_client(client, events)
        self._distribute()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._server.accept()
                self._welcome(connection)

    def _welcome(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        client = self._clients[connection] = _Client(connection)
        self._selector.register(connection, selectors.EVENT_READ)
        for kind in _LASTING:
            if kind in self._lasting:
                client.enqueue(kind, self._lasting[kind])

    def _serve_client(self, client: _Client, events: int) -> None:
        try:
            if events & selectors.EVENT_READ:
                self._receive(client)
            if events & selectors.EVENT_WRITE:
                client.send()
        except OSError:
            self._drop(client)

    def _receive(self, client: _Client) -> None:
        chunk = client.connection.recv(_MAX_COMMAND_BYTES)
        if not chunk:
            raise ConnectionResetError
        *lines, client.received = (client.received + chunk).split(b"\n")
        if len(client.received) > _MAX_COMMAND_BYTES:
            raise ConnectionAbortedError
        for line in lines:
            command = _parsed(line)
            if command is None or "command" not in command:
                _log.warning("a listener sent %d bytes that are no command", len(line))
            elif self._on_command is not None:
                self._on_command(command)

    def _distribute(self) -> None:
        """Queues what has come in, sends what goes, drops who has been stuck."""
        while self._inbox:
            message = self._inbox.popleft()
            kind, line = message["type"], to_json(message).encode() + b"\n"
            if kind in _LASTING:
                self._lasting[kind] = line
            for client in self._clients.values():
                client.enqueue(kind, line)
        now_s = time.monotonic()
        for client in list(self._clients.values()):
            try:
                client.send()
            except OSError:
                self._drop(client)
                continue
            if client.waiting and now_s - client.progress_s > _STUCK_S:
                _log.warning("a listener takes nothing any more: hanging up")
                self._drop(client)
                continue
            mask = selectors.EVENT_READ | (selectors.EVENT_WRITE if client.waiting else 0)
            self._selector.modify(client.connection, mask)

    def _drop(self, client: _Client) -> None:
        self._selector.unregister(client.connection)
        del self._clients[client.connection]
        client.connection.close()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The last that was heard.

    Attributes:
        connected: whether the device is there.
        age_s: seconds since its last message of any kind; None before the first.
        last: the last message of each type, from the device that is there now or was there last.
    """

    connected: bool
    age_s: float | None
    last: Mapping[str, Message]


class LiveSubscriber:
    """Listens to the device from a thread of its own, and tries again for as long as it is not there.

    Safe from several threads. Use it as a context manager.

    Args:
        path: the device's socket.
        retry_s: seconds between two tries.
    """

    def __init__(self, path: Path, retry_s: float = 0.5) -> None:
        self._path = path
        self._retry_s = retry_s
        self._lock = threading.Lock()
        self._last: dict[str, Message] = {}
        self._heard_s: float | None = None
        self._connection: socket.socket | None = None
        self._listeners: list[_Listener] = []
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="live", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def latest(self) -> Snapshot:
        """What was heard last, and how long ago."""
        with self._lock:
            age_s = None if self._heard_s is None else time.monotonic() - self._heard_s
            return Snapshot(self._connection is not None, age_s, dict(self._last))

    def events(self, idle_s: float = 5.0) -> Iterator[Message | None]:
        """Every message from now on; None after each ``idle_s`` of silence. A slow consumer misses some.

        Ends when the subscriber is closed.
        """
        listener = _Listener()
        with self._lock:
            self._listeners.append(listener)
        try:
            while not self._closing.is_set():
                yield listener.take(idle_s)
        finally:
            with self._lock:
                self._listeners.remove(listener)

    def send(self, command: Message) -> bool:
        """Sends a command to the device. Returns False where the device is not there."""
        with self._lock:
            if self._connection is None:
                return False
            try:
                self._connection.sendall(to_json(command).encode() + b"\n")
            except OSError:
                return False
            return True

    def close(self) -> None:
        """Hangs up and ends the thread."""
        self._closing.set()
        with self._lock:
            if self._connection is not None:
                with suppress(OSError):
                    self._connection.shutdown(socket.SHUT_RDWR)
            for listener in self._listeners:
                listener.wake()
        self._thread.join()

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                    connection.settimeout(2.0)
                    connection.connect(str(self._path))
                    self._listen(connection)
            except OSError:
                pass  # it is not there
            except Exception:  # a faulty message must not end the listening
                _log.exception("live: listening anew")
            with self._lock:
                self._connection = None
            self._closing.wait(self._retry_s)

    def _listen(self, connection: socket.socket) -> None:
        with self._lock:
            self._connection = connection
            self._last.clear()  # of a device that is no more: who ran then does not run now
        received = b""
        while not self._closing.is_set() and len(received) < _MAX_MESSAGE_BYTES:
            try:
                chunk = connection.recv(65536)
            except TimeoutError:
                continue
            if not chunk:
                return
            *lines, received = (received + chunk).split(b"\n")
            for line in lines:
                self._hear(_parsed(line))

    def _hear(self, message: Message | None) -> None:
        if message is None or "type" not in message:
            return
        with self._lock:
            self._last[message["type"]] = message
            self._heard_s = time.monotonic()
            for listener in self._listeners:
                listener.put(message)


class _Listener:
    """The queue of one consumer of ``LiveSubscriber.events``."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._queue: deque[Message] = deque(maxlen=_QUEUE_LENGTH)
        self._woken = False

    def put(self, message: Message) -> None:
        with self._changed:
            self._queue.append(message)
            self._changed.notify()

    def wake(self) -> None:
        with self._changed:
            self._woken = True
            self._changed.notify()

    def take(self, timeout_s: float) -> Message | None:
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._woken, timeout_s)
            return self._queue.popleft() if self._queue else None


def last_told(path: Path, timeout_s: float = 2.0) -> dict[str, Message] | None:
    """The last message of each type, as the device tells them to whoever begins to listen.

    It waits for health and frame as long as ``timeout_s``; a device that starts may have told neither. None: no device
    is there.
    """
    told: dict[str, Message] = {}
    until_s = time.monotonic() + timeout_s
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout_s)
        try:
            connection.connect(str(path))
            received = b""
            while not {"health", "frame"} <= told.keys() and time.monotonic() < until_s:
                if not (chunk := connection.recv(65536)):
                    break
                *lines, received = (received + chunk).split(b"\n")
                told |= {message["type"]: message for line in lines if (message := _parsed(line)) and "type" in message}
        except (BlockingIOError, TimeoutError):  # it is there, and says nothing
            pass
        except OSError:
            return None
    return told


def is_request(value: object) -> TypeGuard[str]:
    """Whether this can be what a command is answered by."""
    return isinstance(value, str) and value.isascii() and 0 < len(value) <= _MAX_REQUEST


def is_number(value: object) -> TypeGuard[int]:
    """Whether this can be the number of something that is stored."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63


def _parsed(line: bytes) -> Message | None:
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _serve(path: Path) -> socket.socket:
    """The listening socket. One that a crash has left behind is replaced."""
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        if path.is_socket():
            if _alive(path):
                raise LiveError(f"another kneeline device serves {path}; stop it first")
            path.unlink()
        server.bind(str(path))
        os.chmod(path, 0o660)
        server.listen(16)
    except OSError as error:
        server.close()
        if isinstance(error, LiveError):
            raise
        raise LiveError(
            f"{path} cannot be served ({error.strerror or error}); name another one under [live] socket"
        ) from None
    return server


def _alive(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            return False
        except (BlockingIOError, TimeoutError):  # its backlog is full: it lives
            return True
        return True
