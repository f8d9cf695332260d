"""Checks what the appliance needs: one line for each part, with a remedy for each fault."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from device import aim
from device.address import is_loopback
from device.board import Choice, best_choice, cache_path, kept_choice, sustains
from device.cameras import open_source
from device.config import Config
from device.cues import PAGE_ONLY, all_off
from device.health import clock, disk, temperature_c, throttling
from device.live import NO_CAMERA, Message, last_told
from device.password import password_path, read_hash
from device.retention import MB, most_bytes
from device.store import StoreReader
from device.surroundings import database_fault
from device.told import SETTING, page_height_m
from model.errors import KneelineError
from model.runtime import MIRRORED, ModelName, available_runtimes, load_weights
from model.words import counted

_MAX_TEMPERATURE_C = 80.0
#: What of the aiming help is told of the last session.
_AIMED = ("whole", "size", "distance", "light", "focus", "roll")
#: What the store keeps beside the database: its lock, SQLite's log, index and journal.
_BESIDE = (".lock", "-wal", "-shm", "-journal")
_NO_PINS = (
    "on a Pi: sudo apt install python3-lgpio, and put the device's user into group gpio; "
    "elsewhere set [cues] enabled = false"
)
_UNITS = ("kneeline-device.service", "kneeline-web.service", "kneeline-kiosk.service")


@dataclass(frozen=True, slots=True)
class Check:
    """One part. ``detail`` is what was found; ``remedy`` what to do, empty where all is well."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""


def run_checks(config: Config) -> list[Check]:
    """Runs every check. While the device runs, camera and pins are its own: then what it tells of them is told."""
    told = last_told(config.socket_path())
    checks: tuple[tuple[str, Callable[[], Check]], ...] = (
        ("camera", lambda: _camera(config) if told is None else _camera_in_use(told)),
        ("GPIO", lambda: _gpio(config, told)),
        ("model", lambda: _model(config, busy=told is not None)),
        ("placement", lambda: _placement(config.database_path())),
        ("picture", lambda: _picture(config.database_path())),
        ("lens", lambda: _lens(config)),
        ("database", lambda: _database(config.database_path(), told or {})),
        ("sessions", lambda: _sessions(config)),
        ("sign-in", lambda: _sign_in(config)),
        ("disk", lambda: _disk(config.database_path())),
        ("clock", _clock),
        ("temperature", _temperature),
        ("power", _power),
        ("services", _services),
    )
    return [_guarded(name, check) for name, check in checks]


def _guarded(name: str, check: Callable[[], Check]) -> Check:
    """Errors of ours are the finding."""
    try:
        return check()
    except KneelineError as error:
        return _fault(name, str(error))
    except Exception as error:  # the others are to be told all the same
        said = f"could not be checked, by a fault of this program ({type(error).__name__}: {error})"
        return Check(name, False, said, "send this line to who looks after the box")


def _fault(name: str, said: str) -> Check:
    """A fault in our words: what, and after the last semicolon or colon the remedy."""
    detail, _, remedy = said.rpartition("; " if "; " in said else ": ")
    return Check(name, False, detail, remedy)


def _camera_in_use(told: Mapping[str, Message]) -> Check:
    if "frame" not in told:
        return Check("camera", True, "the running device starts, and has not told of it yet")
    said = told["frame"].get("message") or ""
    if said.startswith(NO_CAMERA):
        return _fault("camera", said)
    return Check("camera", True, "in use by the running device")


def _camera(config: Config) -> Check:
    with open_source(config.camera) as source:
        frame = next(source.frames(threading.Event()), None)
    if frame is None:
        return Check("camera", False, f"{source.name} gave no picture", "check its cable")
    width, height = source.size_px
    angle = "unknown field of view" if source.vfov_deg is None else f"{source.vfov_deg:.0f}° high"
    return Check("camera", True, f"{source.name}, {width}×{height} at {source.fps:.0f} frames per second, {angle}")


def _gpio(config: Config, told: Mapping[str, Message] | None) -> Check:
    if not config.cues.enabled:
        return Check("GPIO", True, "not used: [cues] enabled = false")
    if told is not None:
        return _gpio_in_use(told)
    fault = all_off(config.cues)
    if fault is None:
        return Check("GPIO", True, f"pins {', '.join(map(str, config.cues.pins().values()))} can be driven")
    return Check("GPIO", False, fault, _NO_PINS)


def _gpio_in_use(told: Mapping[str, Message]) -> Check:
    if "health" not in told:
        return Check("GPIO", True, "the running device starts, and has not told of it yet")
    note = told["health"].get("gpio_note")
    if note is None:
        return Check("GPIO", True, "in use by the running device")
    if note.endswith(PAGE_ONLY):
        return Check("GPIO", False, note, f"{_NO_PINS}; then restart Kneeline")
    what, _, remedy = note.partition(": ")
    return Check("GPIO", False, what, remedy or "restart Kneeline, so that it takes the settings of now")


def _model(config: Config, busy: bool) -> Check:
    """While the device runs, nothing is measured: it would be slower than it is, and be kept so."""
    names = ("lightning", "thunder") if config.model.name == "auto" else (config.model.name,)
    weights = [load_weights(cast(ModelName, name)) for name in names]
    runtimes = available_runtimes()
    if not runtimes:
        return Check("model", False, "no TensorFlow Lite runtime", "pip install ai-edge-litert")
    versions = ", ".join(f"{name} {version}" for name, version in runtimes.items())
    runtime = None if config.model.runtime == "auto" else config.model.runtime
    cache = cache_path(config.known_database_path())
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
        newest = (reader.result(row["id"]) for row in reader.list_sessions(limit=20) if row["mode"] == "run")
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
    when = datetime.fromisoformat(kept["utc"]).astimezone(UTC)
    said = "; ".join(f"{check['label'].lower()}: {check['value']}" for check in checks)
    remedy = " ".join(check["advice"] for check in checks if check["state"] in ("warn", "bad") and check["advice"])
    ok = all(check["state"] != "bad" for check in checks)
    return Check("picture", ok, f"{when:%Y-%m-%d %H:%M} UTC: {said}", remedy)


def _lens(config: Config) -> Check:
    """How high it is told to be; no fault where it is not told, the place is only less certain then."""
    with StoreReader(config.database_path()) as reader:
        page_m = page_height_m(reader.setting(SETTING))
    if page_m is not None:
        return Check("lens", True, f"{100 * page_m:g} cm above the belt, told on the page Set up")
    if config.camera.height_m is not None:
        return Check("lens", True, f"{100 * config.camera.height_m:g} cm above the belt, told in the settings")
    return Check("lens", True, "its height is not told; typed on the page Set up, it makes the placement more certain")


def _database(path: Path, told: Mapping[str, Message]) -> Check:
    """What the running device says of it counts most: who asks here may have other rights."""
    if (fault := told.get("frame", {}).get("store_fault")) is not None:
        detail, _, remedy = fault.partition("; ")
        return Check("database", False, detail, remedy or "sudo journalctl -u kneeline-device -n 50 tells more")
    with StoreReader(path) as reader:
        reader.check()
    if (nowhere := database_fault(path.parent, path.name)) is not None:
        return _fault("database", f"{path}: {nowhere}")
    beside = (path.with_name(path.name + end) for end in _BESIDE)
    for target in (one for one in (path.parent, path, *beside) if one.exists()):
        if (unwritable := _unwritable(target, path.parent)) is not None:
            return unwritable
    return Check("database", True, str(path) if path.exists() else f"{path}, not made yet")


def _sessions(config: Config) -> Check:
    """How much they take of what they may; the device itself deletes only what is nobody's."""
    path = config.database_path()
    with StoreReader(path) as reader:
        sessions, used = reader.count_sessions(), reader.used_bytes()
    most = most_bytes(path, config.store.max_mb)
    said = f"{counted(sessions, 'session')}, {used / MB:.0f} of at most {most / MB:.0f} MB"
    if used <= most:
        return Check("sessions", True, said)
    raised = "raise [store] max_mb" if most == config.store.max_mb * MB else "use a larger card"
    return Check("sessions", False, said, f"delete some that have a runner's name (page Sessions), or {raised}")


def _unwritable(target: Path, folder: Path) -> Check | None:
    """None where the device can write ``target``. To root, who may write all, its user is who owns ``folder``."""
    if os.geteuid() != 0:
        if os.access(target, os.W_OK):
            return None
        return Check("database", False, f"{target} cannot be written by this user", f"sudo chown {_user()} {target}")
    if not os.access(target, os.W_OK):
        return Check("database", False, f"{target} is on a read-only disk", "check the card, mount it writable")
    owner, found = folder.stat(), target.stat()
    same_user, same_group = found.st_uid == owner.st_uid, found.st_gid == owner.st_gid
    bit = stat.S_IWUSR if same_user else stat.S_IWGRP if same_group else stat.S_IWOTH
    if owner.st_uid == 0 or found.st_mode & bit:
        return None
    name = _name(owner.st_uid)
    remedy = f"sudo chmod u+w {target}" if same_user else f"sudo chown {name}: {target}"
    return Check("database", False, f"{target} cannot be written by {name}, to whom its folder belongs", remedy)


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _sign_in(config: Config) -> Check:
    if read_hash(password_path(config)) is None:
        host = config.web.host
        alone = f'[web] host = "{host}" serves this machine only'
        who = alone if is_loopback(host) else "all on the local network may use the page"
        return Check("sign-in", True, f"no password is set: {who}")
    return Check("sign-in", True, "a password is set")


def _user() -> str:
    return os.environ.get("USER", str(os.getuid()))


def _disk(path: Path) -> Check:
    room = disk(path)
    if room is None:
        return Check("disk", False, f"{path} is on no readable disk", "check the SD card")
    said = f"{room.free / 1e9:.1f} of {room.total / 1e9:.1f} GB free"
    if room.low:
        return Check("disk", False, said, "delete old sessions (page Sessions), or use a larger card")
    return Check("disk", True, said)


def _clock() -> Check:
    found = clock()
    return Check("clock", not found.wrong, found.words, found.remedy)


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
