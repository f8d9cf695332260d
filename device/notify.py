"""Tells systemd how the service is (sd_notify), and is silent where there is no systemd."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

_log = logging.getLogger(__name__)


class Notifier:
    """Speaks to $NOTIFY_SOCKET. Every call is cheap, never waits and never fails."""

    def __init__(self) -> None:
        name = os.environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + name[1:] if name.startswith("@") else name
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) if name else None
        if self._socket is not None:
            self._socket.setblocking(False)

    def ready(self, status: str) -> None:
        """The service has started."""
        self._send(f"READY=1\nSTATUS={_one_line(status)}")

    def status(self, status: str) -> None:
        """One line for ``systemctl status``."""
        self._send(f"STATUS={_one_line(status)}")

    def watchdog(self) -> None:
        """The service is alive; to be called only when the pipeline really moves."""
        self._send("WATCHDOG=1")

    @contextmanager
    def patience(self, limit_s: float) -> Iterator[None]:
        """Lets a step be silent towards the watchdog for ``limit_s``; after it the unit's own limit counts again."""
        own_us = os.environ.get("WATCHDOG_USEC")
        if own_us is None:
            yield
            return
        self._send(f"WATCHDOG_USEC={limit_s * 1e6:.0f}")
        try:
            yield
        finally:
            self._send(f"WATCHDOG_USEC={own_us}")

    def stopping(self) -> None:
        """The service is about to end."""
        self._send("STOPPING=1")

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send(self, message: str) -> None:
        if self._socket is None:
            return
        try:
            self._socket.sendto(message.encode(), self._address)
        except OSError as error:
            _log.debug("systemd does not listen: %s", error)


def _one_line(text: str) -> str:
    return " ".join(text.split())
