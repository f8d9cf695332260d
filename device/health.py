"""How the machine is: temperature, throttling, disk, clock. Whatever a machine cannot tell is None."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

#: What to do about a clock that is wrong: without a clock module, and with one that shows another time.
_NO_MODULE = "connect the network once, or fit a clock module; times of sessions are wrong until then"
_MODULE_WRONG = (
    "connect the network once; times of sessions are wrong until then; the clock module shows another time: "
    "is there a good battery in it?"
)
#: There was no Kneeline before: a Pi without a network and a clock module begins in its past.
FIRST_YEAR = 2025
#: A clock module (on a Pi 5 it is on the board) that has kept the time is no further from the machine's clock, which it
#: set at the start: they run apart by seconds a day. One without a battery begins in 1970 or 2000.
_APART_S = 300.0
_MODULES = Path("/sys/class/rtc")
_LOW_BYTES = 500_000_000
_TEMPERATURE = Path("/sys/class/thermal/thermal_zone0/temp")
_THROTTLED = (
    (0x1, "under-voltage now: use the Pi's own power supply"),
    (0x2, "clock capped now: cool it or mend its power supply"),
    (0x4, "throttled now: cool it"),
    (0x8, "near its temperature limit now: cool it"),
    (0x10000, "under-voltage since boot: use the Pi's own power supply"),
    (0x40000, "throttled since boot: cool it"),
)


@dataclass(frozen=True, slots=True)
class Disk:
    """Room where the database lies, in bytes."""

    total: int
    free: int

    @property
    def low(self) -> bool:
        """Whether it will soon be full."""
        return self.free < _LOW_BYTES


@dataclass(frozen=True, slots=True)
class Clock:
    """The machine's clock.

    Attributes:
        now: what it shows, UTC.
        synchronised: whether by the network; None where the machine does not tell.
        module: whether a clock module with a battery shows the same time; None where there is none.
    """

    now: datetime
    synchronised: bool | None
    module: bool | None = None

    @property
    def wrong(self) -> bool:
        """Whether times may be."""
        return self.now.year < FIRST_YEAR or (self.synchronised is False and not self.module)

    @property
    def words(self) -> str:
        """What it shows where this machine stands, as the times of sessions are shown, and whether to rely on it."""
        said = {True: ", synchronised", False: ", not synchronised", None: ""}[self.synchronised]
        if self.synchronised is False and self.module:
            said = ", kept by the clock module"
        return f"{self.now.astimezone():%Y-%m-%d %H:%M %Z}{said}"

    @property
    def remedy(self) -> str:
        """What to do where it is wrong; "" where it is not."""
        if not self.wrong:
            return ""
        return _NO_MODULE if self.module is None else _MODULE_WRONG


def clock() -> Clock:
    """The clock as it is now; of a machine that does not soon tell whether it is synchronised that is not known."""
    command = ["timedatectl", "show", "--property=NTPSynchronized", "--value"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, timeout=2, check=False).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        told = ""
    now = datetime.now(UTC)
    return Clock(now, {"yes": True, "no": False}.get(told), _module_agrees(now))


def _module_agrees(now: datetime) -> bool | None:
    """Whether a clock module shows this time; None where there is none. One whose battery was empty may refuse to tell.

    That it set the machine's clock at the start (``hctosys``) is not enough: one that had lost its time did so, too,
    and the system then took the time of its last shutdown.
    """
    modules = list(_MODULES.glob("rtc*"))
    return any(_agrees(module, now) for module in modules) if modules else None


def _agrees(module: Path, now: datetime) -> bool:
    try:
        shown_s = int((module / "since_epoch").read_text())
    except (OSError, ValueError):
        return False
    return abs(shown_s - now.timestamp()) <= _APART_S


def temperature_c(path: Path = _TEMPERATURE) -> float | None:
    """Temperature of the processor in °C."""
    try:
        return int(path.read_text()) / 1000
    except (OSError, ValueError):
        return None


def disk(path: Path) -> Disk | None:
    """Room on the file system of ``path``, or of its nearest folder that is there, and for this user to see."""
    for there in (path, *path.absolute().parents):
        try:
            usage = shutil.disk_usage(there)
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            continue
        except OSError:
            return None
        return Disk(usage.total, usage.free)
    return None


def throttling() -> list[str] | None:
    """What the Pi's firmware complains of, with remedies; empty: all is well; None: there is no such firmware."""
    try:
        told = subprocess.run(
            ["vcgencmd", "get_throttled"], capture_output=True, text=True, timeout=5, check=True
        ).stdout
        flags = int(told.strip().partition("=")[2], 16)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return complaints(flags)


def complaints(flags: int) -> list[str]:
    """The bits of ``vcgencmd get_throttled`` in words."""
    return [text for bit, text in _THROTTLED if flags & bit]
