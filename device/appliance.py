"""``kneeline run`` and ``kneeline demo``: the device and the web as two processes, started and ended together."""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from device.address import listen
from device.config import Config, load_config
from device.output import complain
from model.errors import InputError

DEMO_CLIP = Path(__file__).parent / "demo" / "demo_front.mp4"
_STOP_S = 10.0
_PR_SET_PDEATHSIG = 1


def appliance(name: str) -> Callable[[argparse.Namespace], int]:
    """``run`` or ``demo``: the device and the web as two processes, started and ended together."""

    def run(args: argparse.Namespace) -> int:
        config = load_config(args.config)
        # Told before anything is started.
        listen(args.host or config.web.host, args.port or config.web.port).close()
        if args.source:
            _check_film(Path(args.source))
        device = [*(["--verbose"] if args.verbose else []), "device", "--tell", "--need-camera"]
        environment = dict(os.environ)
        with tempfile.TemporaryDirectory(prefix="kneeline-") as folder:
            if name == "demo":
                # A demo never mixes with the sessions, the socket or the settings of a real installation.
                environment |= {"STATE_DIRECTORY": str(demo_state(config)), "RUNTIME_DIRECTORY": folder}
                device += ["--loop", "--source", args.source or str(DEMO_CLIP)]
                args.config = _demo_settings(args.config, Path(folder))
            elif args.source:
                device += ["--source", args.source]
            if args.config is not None:
                device += ["--config", str(args.config)]
            commands = {
                "device": [sys.executable, "-m", "device", *device],
                "web": [sys.executable, "-m", "web", *web_arguments(args)],
            }
            return run_both(name, commands, environment)

    return run


def _check_film(path: Path) -> None:
    """Tells that a film cannot be played."""
    from device.cameras.video import VideoSource

    with VideoSource(path):
        pass


def _demo_settings(path: Path | None, folder: Path) -> Path:
    """The settings, but for camera and places of database and socket, as a file in ``folder``."""
    kept = load_config(path).model_dump(exclude={"camera", "store", "live"})
    lines = []
    for section, values in kept.items():
        lines.append(f"[{section}]")
        for key, value in values.items():
            if value is not None or key.endswith("_pin"):
                lines.append(f"{key} = {json.dumps(False if value is None else value)}")
    target = folder / "config.toml"
    target.write_text("\n".join(lines) + "\n", "utf-8")
    return target


def demo_state(config: Config) -> Path:
    """The folder in which a demo keeps its sessions, beside the real ones."""
    folder = config.database_path().parent / "demo"
    try:
        for one in (folder.parent, folder):  # both as the store makes its own: not for everybody to read
            one.mkdir(mode=0o750, parents=True, exist_ok=True)
    except OSError as error:
        reason = f"cannot be made ({error.strerror}): set STATE_DIRECTORY to a writable folder"
        raise InputError(f"{folder}: {reason}") from error
    return folder


def run_both(name: str, commands: dict[str, list[str]], environment: dict[str, str]) -> int:
    """Starts all, waits for the first to end or for a signal, then ends the others. The first one's status counts."""
    stop = stop_on_signals()
    children = {
        name: subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, preexec_fn=_die_with_parent)
        for name, command in commands.items()
    }
    first = None
    try:
        while first is None and not stop.wait(0.1):
            first = next((part for part, child in children.items() if child.poll() is not None), None)
    finally:
        for child in children.values():
            if child.poll() is None:
                child.terminate()
        for child in children.values():
            try:
                child.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                child.kill()
    return 0 if first is None else _last_word(name, first, children[first].returncode)


def _last_word(name: str, part: str, status: int) -> int:
    """The exit status where one of the parts has ended by itself; if in need of mending, the last line says so."""
    if status < 0:
        complain(f"kneeline {name}: ended: the {part} was killed (signal {-status}): start it again")
        return 2
    if status:
        complain(f"kneeline {name}: ended: the {part} could not start or go on, see above")
    return status


def _die_with_parent() -> None:
    """In the child: end when the parent is killed, and leave Ctrl-C to it."""
    os.setpgrp()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def web_arguments(args: argparse.Namespace) -> list[str]:
    """What of the arguments is for ``python -m web``."""
    given = (("--config", args.config), ("--host", args.host), ("--port", args.port))
    return [str(part) for name, value in given if value is not None for part in (name, value)]


def stop_on_signals() -> threading.Event:
    """An event that SIGINT and SIGTERM set."""
    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGINT, on_signal)
    signal.signal(signal.SIGTERM, on_signal)
    return stop
