"""Checks what the appliance needs: one line for each part, with a remedy for each fault."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from device import aim
from device.board import Choice, best_choice, cache_path, kept_choice, sustains
from device.cameras import open_source
from device.config import Config
from device.cues import all_off
from device.health import disk, temperature_c, throttling
from device.password import password_path, read_hash
from device.store import StoreReader
from device.told import SETTING, page_height_m
from model.errors import KneelineError
from model.runtime import MIRRORED, ModelName, available_runtimes, load_weights

_MIN_FREE_BYTES = 500_000_000
_MAX_TEMPERATURE_C = 80.0
#: What of the aiming help is told of the last session.
_AIMED = ("whole", "size", "distance", "light", "roll")
_UNITS = ("kneeline-device.service", "kneeline-web.service")


@dataclass(frozen=True, slots=True)
class Check:
    """One part. ``detail`` is what was found; ``remedy`` what to do, empty where all is well."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""


def run_checks(config: Config) -> list[Check]:
    """Runs every check. While the device runs, camera and pins are its own and only that is said."""
    busy = _device_runs(config.socket_path())
    checks: tuple[tuple[str, Callable[[], Check]], ...] = (
        ("camera", lambda: _in_use("camera") if busy else _camera(config)),
        ("GPIO", lambda: _in_use("GPIO") if busy else _gpio(config)),
        ("model", lambda: _model(config, busy)),
        ("placement", lambda: _placement(config.database_path())),
        ("picture", lambda: _picture(config.database_path())),
        ("lens", lambda: _lens(config)),
        ("database", lambda: _database(config.database_path())),
        ("sign-in", lambda: _sign_in(config)),
        ("disk", lambda: _disk(config.database_path())),
        ("clock", _clock),
        ("temperature", _temperature),
        ("power", _power),
        ("services", _services),
    )
    return [_guarded(name, check) for name, check in checks]


def _guarded(name: str, check: Callable[[], Check]) -> Check:
    """Errors of ours are the finding: what, and after the last semicolon or colon the remedy."""
    try:
        return check()
    except KneelineError as error:
        said = str(error)
        detail, _, remedy = said.rpartition("; " if "; " in said else ": ")
        return Check(name, False, detail, remedy)
    except Exception as error:  # the others are to be told all the same
        said = f"could not be checked, by a fault of this program ({type(error).__name__}: {error})"
        return Check(name, False, said, "send this line to who looks after the box")


def _in_use(name: str) -> Check:
    return Check(name, True, "in use by the running device")


def _camera(config: Config) -> Check:
    with open_source(config.camera) as source:
        frame = next(source.frames(threading.Event()), None)
    if frame is None:
        return Check("camera", False, f"{source.name} gave no picture", "check its cable")
    width, height = source.size_px
    angle = "unknown field of view" if source.vfov_deg is None else f"{source.vfov_deg:.0f}° high"
    return Check("camera", True, f"{source.name}, {width}×{height} at {source.fps:.0f} frames per second, {angle}")


def _gpio(config: Config) -> Check:
    if not config.cues.enabled:
        return Check("GPIO", True, "not used: [cues] enabled = false")
    fault = all_off(config.cues)
    if fault is None:
        return Check("GPIO", True, f"pins {', '.join(map(str, config.cues.pins().values()))} can be driven")
    return Check(
        "GPIO",
        False,
        fault,
        "on a Pi: sudo apt install python3-lgpio, and put this user into group gpio; "
        "elsewhere set [cues] enabled = false",
    )


def _model(config: Config, busy: bool) -> Check:
    """While the device runs, nothing is measured: it would be slower than it is, and be kept so."""
    names = ("lightning", "thunder") if config.model.name == "auto" else (config.model.name,)
    weights = [load_weights(cast(ModelName, name)) for name in names]
    runtimes = available_runtimes()
    if not runtimes:
        return Check("model", False, "no TensorFlow Lite runtime", "pip install ai-edge-litert")
    versions = ", ".join(f"{name} {version}" for name, version in runtimes.items())
    runtime = None if config.model.runtime == "auto" else config.model.runtime
    cache = cache_path(config.database_path())
    choose = kept_choice if busy else best_choice
    chosen = [(one, choose(one, runtime, config.model.threads, cache)) for one in weights]
    measured = [(one, choice) for one, choice in chosen if choice is not None]
    if not measured:
        return Check("model", True, f"in use by the running device; not measured alone yet; installed: {versions}")
    speeds = [f"{one.name} {choice.invoke_ms:.1f} ms on {choice.label}{_slower(choice)}" for one, choice in measured]
    fps, mirrored = config.camera.fps, config.model.mirrored
    fast = [(one, choice) for one, choice in measured if sustains(choice, fps, mirrored)]
    said = f"{'; '.join(speeds)}; installed: {versions}"
    if not fast:
        slower = "set [model] mirrored = false or " if mirrored else "set "
        remedy = f"{slower}a lower [camera] fps, or take a faster board"
        return Check("model", False, f"{said}; too slow for {fps} frames per second", remedy)
    taken, choice = fast[-1]
    said += f"; takes {taken.name}{MIRRORED if mirrored else ''} at {fps} frames per second"
    if not mirrored and sustains(choice, fps, mirrored=True):
        said += ", and has the time for [model] mirrored = true"
    return Check("model", True, said)


def _slower(choice: Choice) -> str:
    """Why this one: what else was tried took longer."""
    tried = ", ".join(f"{ms:.1f} ms on {label}" for label, ms in choice.others_ms.items())
    return f" (tried: {tried})" if tried else ""


def _placement(path: Path) -> Check:
    """Where the camera stood in the last run that could tell."""
    with StoreReader(path) as reader:
        newest = (reader.session(row["id"]) for row in reader.list_sessions(limit=20) if row["mode"] == "run")
        known = (one for one in newest if one and one["camera"] and one["camera"]["state"] != "unknown")
        last = next(((one["id"], one["camera"]) for one in known), None)
    if last is None:
        return Check("placement", True, "not known yet: it needs a session of running, seen from the front or behind")
    session_id, camera = last
    if camera["state"] == "refused":
        return Check("placement", False, f"session {session_id}: the angles could not be used", camera["advice"] or "")
    said = f"session {session_id}: {camera['azimuth_left_deg']:.0f}° and {camera['azimuth_right_deg']:.0f}° from aside"
    said += ", moved during it" if camera.get("moved") else ""
    return Check("placement", True, f"{said}, {camera['advice'] or camera['state']}")


def _picture(path: Path) -> Check:
    """What the page *Set up* would have said in the last session; the angles to the legs are told by `_placement`."""
    with StoreReader(path) as reader:
        kept = reader.setting(aim.SETTING)
    if not isinstance(kept, dict):
        return Check("picture", True, "not known yet: it needs a session")
    checks = [check for check in kept["checks"] if check["key"] in _AIMED]
    said = ", ".join(f"{check['label'].lower()}: {check['value']}" for check in checks)
    remedy = " ".join(check["advice"] for check in checks if check["state"] in ("warn", "bad") and check["advice"])
    return Check("picture", all(check["state"] != "bad" for check in checks), f"{kept['utc']}: {said}", remedy)


def _lens(config: Config) -> Check:
    """How high it is told to be; no fault where it is not told, the place is only less certain then."""
    with StoreReader(config.database_path()) as reader:
        page_m = page_height_m(reader.setting(SETTING))
    if page_m is not None:
        return Check("lens", True, f"{100 * page_m:g} cm above the belt, told on the page Set up")
    if config.camera.height_m is not None:
        return Check("lens", True, f"{100 * config.camera.height_m:g} cm above the belt, told in the settings")
    return Check("lens", True, "its height is not told; typed on the page Set up, it makes the placement more certain")


def _database(path: Path) -> Check:
    with StoreReader(path) as reader:
        reader.check()
        sessions = reader.count_sessions()
    target = path if path.exists() else next(p for p in path.absolute().parents if p.exists())
    if not os.access(target, os.W_OK) and os.geteuid() == 0:
        return Check("database", False, f"{target} is on a read-only disk", "check the card, mount it writable")
    if not os.access(target, os.W_OK):
        return Check("database", False, f"{target} cannot be written by this user", f"sudo chown {_user()} {target}")
    return Check("database", True, f"{path}, {sessions} session(s)" if path.exists() else f"{path}, not made yet")


def _sign_in(config: Config) -> Check:
    if read_hash(password_path(config)) is None:
        return Check("sign-in", True, "no password is set: all on the local network may use the page")
    return Check("sign-in", True, "a password is set")


def _user() -> str:
    return os.environ.get("USER", str(os.getuid()))


def _disk(path: Path) -> Check:
    room = disk(path)
    if room is None:
        return Check("disk", False, f"{path} is on no readable disk", "check the SD card")
    said = f"{room.free / 1e9:.1f} of {room.total / 1e9:.1f} GB free"
    if room.free < _MIN_FREE_BYTES:
        return Check("disk", False, said, "delete old sessions (page Sessions), or use a larger card")
    return Check("disk", True, said)


def _clock() -> Check:
    now = datetime.now(UTC)
    said = f"{now:%Y-%m-%d %H:%M} UTC"
    remedy = "connect the network once, or fit a clock module; times of sessions are wrong until then"
    synchronised = _output(["timedatectl", "show", "--property=NTPSynchronized", "--value"])
    if now.year < 2025:
        return Check("clock", False, said, remedy)
    if synchronised == "no":
        return Check("clock", False, f"{said}, not synchronised", remedy)
    return Check("clock", True, f"{said}, synchronised" if synchronised == "yes" else said)


def _temperature() -> Check:
    value_c = temperature_c()
    if value_c is None:
        return Check("temperature", True, "this machine does not tell")
    if value_c >= _MAX_TEMPERATURE_C:
        return Check("temperature", False, f"{value_c:.0f} °C", "fit a heat sink or fan; it slows down from 80 °C")
    return Check("temperature", True, f"{value_c:.0f} °C")


def _power() -> Check:
    found = throttling()
    if found is None:
        return Check("power", True, "this machine does not tell")
    if found:
        faults, remedies = zip(*(text.split(": ", 1) for text in found), strict=True)
        return Check("power", False, ", ".join(faults), "; ".join(dict.fromkeys(remedies)))
    return Check("power", True, "no under-voltage, no throttling")


def _services() -> Check:
    if shutil.which("systemctl") is None or not Path("/run/systemd/system").exists():
        return Check("services", True, "no systemd here: started by hand")
    states = {unit: _output(["systemctl", "is-active", unit]) for unit in _UNITS if _installed(unit)}
    if not states:
        return Check("services", True, "not installed: started by hand")
    faulty = [unit for unit, state in states.items() if state != "active"]
    said = ", ".join(f"{unit.removesuffix('.service')} {state or 'unknown'}" for unit, state in states.items())
    if faulty:
        return Check("services", False, said, f"sudo systemctl restart {faulty[0]}; journalctl -u {faulty[0]} -n 50")
    return Check("services", True, said)


def _installed(unit: str) -> bool:
    return _output(["systemctl", "show", "--property=LoadState", "--value", unit]) == "loaded"


def _output(command: list[str]) -> str | None:
    """What a command says, None where it cannot be run."""
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=False).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def _device_runs(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(str(path)) == 0
