"""What systemd hears, and that nothing happens without it."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.notify import Notifier


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(address)
        listener.settimeout(2)
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        yield listener


def test_systemd_hears_each_word(systemd: socket.socket) -> None:
    notifier = Notifier()
    notifier.ready("waiting\nfor the camera")
    notifier.status("measuring")
    notifier.watchdog()
    notifier.stopping()
    notifier.close()
    heard = [systemd.recv(4096).decode() for _ in range(4)]
    assert heard == ["READY=1\nSTATUS=waiting for the camera", "STATUS=measuring", "WATCHDOG=1", "STOPPING=1"]


def test_a_slow_step_is_given_time_and_then_the_own_limit_counts_again(
    systemd: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "30000000")
    notifier = Notifier()
    with notifier.patience(300):
        assert systemd.recv(4096) == b"WATCHDOG_USEC=300000000"
    notifier.close()
    assert systemd.recv(4096) == b"WATCHDOG_USEC=30000000"


def test_no_time_is_asked_for_where_nothing_watches(
    systemd: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    notifier = Notifier()
    with notifier.patience(300):
        pass
    notifier.stopping()
    notifier.close()
    assert systemd.recv(4096) == b"STOPPING=1"


def test_an_abstract_address(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(f"\0kneeline-test-{os.getpid()}")
        listener.settimeout(2)
        monkeypatch.setenv("NOTIFY_SOCKET", f"@kneeline-test-{os.getpid()}")
        notifier = Notifier()
        notifier.watchdog()
        notifier.close()
        assert listener.recv(100) == b"WATCHDOG=1"


def test_nothing_happens_without_systemd(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    Notifier().watchdog()
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    notifier = Notifier()
    notifier.ready("x")
    notifier.close()
    notifier.stopping()


def test_a_full_socket_does_not_hold_the_pipeline_up(systemd: socket.socket) -> None:
    notifier = Notifier()
    for _ in range(5000):
        notifier.watchdog()
    notifier.close()
    assert systemd.recv(100) == b"WATCHDOG=1"
