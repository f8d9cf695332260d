"""What the runner feels: a red (and a green) LED for each knee, and a buzzer or vibration motor.

Everything goes off when the pipeline stalls (a thread here watches for it), at exit, and on SIGTERM through
the context manager. A process that is killed outright cannot do that itself: the service's ``ExecStopPost``
runs ``kneeline cues-off`` then, which is ``all_off`` here.
"""

from __future__ import annotations

import atexit
import logging
import os
import shutil
import tempfile
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, Self

from device.config import CuesConfig
from model.pose import Side

State = Literal["good", "bad", "off"]

#: How a note ends that says that there are no pins.
PAGE_ONLY = "cues are shown on the page only"
#: The note where nothing is to be driven.
SWITCHED_OFF = "switched off by [cues] enabled = false"
#: Without ``feed`` for so long, everything goes off.
STALL_S = 0.6
#: Pins that cannot be had are tried again so often: at boot they may come late, or be another program's for a moment.
_RETRY_S = 60.0
_MOTOR_HZ = 200
_TICK_S = 0.03

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Edge:
    """A pin changed. ``t_ns`` is on the clock of ``time.monotonic_ns``, read just after the write."""

    t_ns: int
    line: str
    on: bool


class _Line:
    """One output and what it shows now. Without hardware (``device`` None) it only remembers."""

    def __init__(self, device: Any = None, value: float = 1.0) -> None:
        self._device = device
        self._value = value
        self.on = False

    def write(self, on: bool) -> None:
        self.on = on
        if self._device is not None:
            self._device.value = self._value if on else 0

    def close(self) -> None:
        if self._device is not None:
            self._device.off()
            self._device.close()


class CueOutput:
    """Drives LEDs and buzzer. Use it as a context manager; safe from several threads.

    Without GPIO hardware, or where a pin is taken by another program, it logs one warning, keeps the same
    times, and ``gpio_note`` says why nothing lights. Each minute it tries again, until the pins can be had.

    Attributes:
        gpio: whether real pins are driven.
        gpio_note: why not, None where they are.
        edges: the last pin changes, oldest first.
    """

    def __init__(self, config: CuesConfig) -> None:
        self._config = config
        self.edges: deque[Edge] = deque(maxlen=1000)
        self.gpio_note: str | None = None
        self._lines = self._open()
        self._retry_at_s = time.monotonic() + _RETRY_S
        self._patterns = {Side.LEFT: config.pattern_left, Side.RIGHT: config.pattern_right}
        self._states: dict[Side, State] = dict.fromkeys(Side, "off")
        self._flash_until_s = dict.fromkeys(Side, 0.0)
        self._parts_s: deque[float] = deque()  # what follows of a pattern: seconds on, off, on, …
        self._part_ends_s: float | None = None  # None while no pattern plays
        self._sounds = False
        self._beat_s: float | None = None
        self._beat_since_s = 0.0
        self._fed_s = time.monotonic()
        self._alive = False
        self._closed = False
        self._changed = threading.Condition()
        atexit.register(self.close)
        self._thread = threading.Thread(target=self._run, name="cues", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def gpio(self) -> bool:
        return self.gpio_note is None

    def feed(self) -> None:
        """Says that the pipeline is alive; to be called with every frame."""
        self._fed_s = time.monotonic()
        self._alive = True

    def cue(self, side: Side, severity: float = 0.5) -> int:
        """Lights one knee's red LED, plays its buzzer pattern. Returns the edge's ``time.monotonic_ns``.

        Args:
            side: whose.
            severity: 0 to 1; where the settings say so, the pattern takes 0.5 to 1.5 times its time.
        """
        self.feed()
        return self._play(side, 0.5 + severity if self._config.scale_by_error else 1.0)

    def test(self, side: Side) -> int:
        """As ``cue``, on demand of the staff: also while no camera runs."""
        return self._play(side, 1.0)

    def metronome(self, beats_per_minute: float | None) -> None:
        """Ticks the buzzer at a pace until told another one; None stops it. It is still while a pattern plays."""
        beat_s = None if beats_per_minute is None else 60.0 / beats_per_minute
        if beat_s == self._beat_s:
            return
        with self._changed:
            if self._beat_s is None:
                self._beat_since_s = time.monotonic()
            self._beat_s = beat_s
            self._apply(time.monotonic())
            self._changed.notify()

    def _play(self, side: Side, stretch: float) -> int:
        with self._changed:
            now_s = time.monotonic()
            self._flash_until_s[side] = now_s + self._config.duration_s
            self._parts_s = deque(part_s * stretch for part_s in self._patterns[side])
            self._sounds, self._part_ends_s = False, now_s
            self._apply(now_s)
            edge_ns = time.monotonic_ns()
            self._changed.notify()
        return edge_ns

    def set_state(self, side: Side, state: State) -> None:
        """Shows lastingly how a knee stands: red while it dives (bad), green while aligned (good)."""
        self.feed()
        with self._changed:
            if self._states[side] != state:
                self._states[side] = state
                self._apply(time.monotonic())
                self._changed.notify()

    def close(self) -> None:
        """Everything off, pins released. May be called twice."""
        with self._changed:
            if self._closed:
                return
            self._closed = True
            self._silence()
            self._changed.notify()
        self._thread.join()
        for line in self._lines.values():
            self._guarded(line.close)
        atexit.unregister(self.close)

    def _run(self) -> None:
        while not self._closed:
            self._try_again(time.monotonic())
            with self._changed:
                if not self._closed:
                    now_s = time.monotonic()
                    self._changed.wait(max(0.0, self._step(now_s) - now_s))

    def _step(self, now_s: float) -> float:
        """Ends flashes and beeps in time, switches all off when nothing feeds any more. Returns when to look again."""
        if self._alive and now_s >= self._fed_s + STALL_S:
            self._alive = False
            if any(self._wanted(now_s).values()):
                _log.warning("the pipeline stalls: cues off")
            self._silence()
        wake_s = min(self._apply(now_s), now_s + STALL_S)
        return min(wake_s, self._fed_s + STALL_S) if self._alive else wake_s

    def _silence(self) -> None:
        self._states = dict.fromkeys(Side, "off")
        self._flash_until_s = dict.fromkeys(Side, 0.0)
        self._parts_s.clear()
        self._sounds, self._part_ends_s = False, None
        self._beat_s = None
        self._apply(time.monotonic())

    def _apply(self, now_s: float) -> float:
        """Writes what each line must show now. Returns when that changes next (infinity: not by itself)."""
        self._turn(now_s)
        for name, on in self._wanted(now_s).items():
            line = self._lines.get(name)
            if line is not None and line.on != on:
                self._guarded(lambda line=line, on=on: line.write(on))  # type: ignore[misc]
                self.edges.append(Edge(time.monotonic_ns(), name, on))
        times_s = [*self._flash_until_s.values(), *(t_s for tick in self._ticks(now_s) for t_s in tick)]
        if self._part_ends_s is not None:
            times_s.append(self._part_ends_s)
        return min((t_s for t_s in times_s if t_s > now_s), default=float("inf"))

    def _turn(self, now_s: float) -> None:
        """Goes on to the pattern's next part where the last has lasted its time.

        One at a time, and each counted from when it began: where this comes late, the pattern takes longer, but none
        of its parts is left out. How often it beeps tells the runner which knee it is.
        """
        if self._part_ends_s is None or now_s < self._part_ends_s:
            return
        if self._parts_s:
            self._sounds = not self._sounds
            self._part_ends_s = now_s + self._parts_s.popleft()
        else:
            self._sounds, self._part_ends_s = False, None

    def _wanted(self, now_s: float) -> dict[str, bool]:
        """What each line must show, in the order of writing: red before all else."""
        red = {s: now_s < self._flash_until_s[s] or self._states[s] == "bad" for s in Side}
        return {
            **{f"led_{side}": red[side] for side in Side},
            "buzzer": self._sounds or any(start_s <= now_s < end_s for start_s, end_s in self._ticks(now_s)),
            **{f"led_{side}_green": self._states[side] == "good" and not red[side] for side in Side},
        }

    def _ticks(self, now_s: float) -> list[tuple[float, float]]:
        """The metronome's tick that began last, and the next one; none while a pattern plays."""
        if self._beat_s is None or self._part_ends_s is not None:
            return []
        last_s = self._beat_since_s + (now_s - self._beat_since_s) // self._beat_s * self._beat_s
        return [(start_s, start_s + _TICK_S) for start_s in (last_s, last_s + self._beat_s)]

    def _open(self) -> dict[str, _Line]:
        names = [name.removesuffix("_pin") for name in self._config.pins()]
        if not self._config.enabled:
            self.gpio_note = SWITCHED_OFF
            return {name: _Line() for name in names}
        try:
            return _open_lines(self._config)
        except Exception as error:
            self.gpio_note = _none_here(error)
            _log.warning("%s", self.gpio_note)
            return {name: _Line() for name in names}

    def _try_again(self, now_s: float) -> None:
        """Takes pins up that could not be had before, when it is time to look. Nobody waits for that."""
        if self.gpio_note is None or not self.gpio_note.endswith(PAGE_ONLY) or now_s < self._retry_at_s:
            return
        self._retry_at_s = now_s + _RETRY_S
        try:
            lines = _open_lines(self._config)
        except Exception as error:
            self.gpio_note = _none_here(error)
            return
        with self._changed:
            self._lines, self.gpio_note = lines, None
            self._apply(time.monotonic())
        _log.info("the pins can be driven now: cues are shown by LEDs and buzzer, too")

    def _guarded(self, action: Callable[[], None]) -> None:
        """A pin that fails must not stop the pipeline: said once, then gone on without."""
        try:
            action()
        except Exception as error:
            if self.gpio_note is None:
                self.gpio_note = f"GPIO failed ({_first_line(error)}): check the wiring, then restart the service"
                _log.error("%s", self.gpio_note)


def all_off(config: CuesConfig) -> str | None:
    """Drives every configured pin off and releases it: for ``kneeline cues-off`` after a crash.

    Returns why it could not, or None where it did.
    """
    try:
        for line in _open_lines(config).values():
            line.close()
    except Exception as error:
        return f"no GPIO here ({_first_line(error)})"
    return None


def _open_lines(config: CuesConfig) -> dict[str, _Line]:
    """Opens every pin, switched off.

    Raises:
        Exception: gpiozero's own, of several families, where there is no GPIO or a pin is taken.
    """
    if "LG_WD" not in os.environ:  # lgpio wants a folder for its pipe; in a shared one another user's may be in the way
        os.environ["LG_WD"] = folder = tempfile.mkdtemp(prefix="kneeline-gpio-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # gpiozero tells of each pin library that is not there
        import gpiozero

        gpiozero.Device.ensure_pin_factory()
    lines: dict[str, _Line] = {}
    try:
        for name, pin in config.pins().items():
            lines[name.removesuffix("_pin")] = _line(gpiozero, config, name, pin)
    except BaseException:
        for line in lines.values():
            line.close()
        raise
    return lines


def _line(gpiozero: Any, config: CuesConfig, name: str, pin: int) -> _Line:
    if name != "buzzer_pin" or config.buzzer == "active":
        return _Line(gpiozero.DigitalOutputDevice(pin, active_high=config.active_high))
    tone = config.buzzer == "passive"
    pwm = gpiozero.PWMOutputDevice(pin, active_high=config.active_high, frequency=config.tone_hz if tone else _MOTOR_HZ)
    return _Line(pwm, config.volume / 2 if tone else config.volume)  # a square wave is loudest at half duty


def _none_here(error: Exception) -> str:
    return f"no GPIO here ({_first_line(error)}): {PAGE_ONLY}"


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
