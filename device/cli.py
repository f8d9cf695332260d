"""The command line: ``kneeline COMMAND``. Exit status 0: done; 2: something to be mended; 3: no runner was seen."""

from __future__ import annotations

import argparse
import importlib.metadata
import io
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from device import replay_command
from device.appliance import DEMO_CLIP, appliance, stop_on_signals, web_arguments
from device.arguments import Parser, session_number, whole
from device.config import ConfigError, config_path, load_config, parse_config, read_toml, settings
from device.output import check_target, complain, drop_output, say, tell, write_json
from model.errors import InputError, KneelineError

_GPIO_REMEDY = "stop the device if it runs, and use sudo or an account of group gpio"


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit status. User errors are one line on stderr, never a traceback."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # not every terminal or locale has °
    try:
        args = _parser().parse_args(argv)
        logging.basicConfig(
            level=logging.DEBUG if args.verbose else logging.INFO, format="%(levelname)s %(message)s", stream=sys.stderr
        )
        status: int = args.command(args)
    except KneelineError as error:
        complain("\n".join(f"kneeline: {line}" for line in str(error).splitlines()))
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        drop_output()
        return 0
    return status


class _Version(argparse.Action):
    """Looks the version up only where it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        say(f"kneeline {importlib.metadata.version('kneeline')}")
        parser.exit()


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="kneeline", description="Live knee alignment for treadmill runners, on this machine alone."
    )
    parser.add_argument("--verbose", action="store_true", help="log more")
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version, and end")
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings (TOML); also after the command")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, run: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(command=run)
        # Suppressed: a default here would overwrite what was given before the command.
        command.add_argument("--config", type=Path, metavar="FILE", default=argparse.SUPPRESS, help="settings (TOML)")
        return command

    replay_command.add_arguments(add("replay", replay_command.run, "run a recorded video through the whole pipeline"))
    for name, text in (
        ("run", "the appliance: camera, cues, sessions and the web page"),
        ("demo", "the same on the clip that ships with the project; needs no hardware"),
    ):
        command = add(name, appliance(name), text)
        command.add_argument("--port", type=whole(1, 65535), help="port of the web page")
        command.add_argument("--host", help="address of the web page")
        command.add_argument("--source", help="a video file in the camera's place")
    device = add("device", _device, "camera, model, pins and store, without the web page")
    device.add_argument("--source", help=argparse.SUPPRESS)
    device.add_argument("--loop", action="store_true", help=argparse.SUPPRESS)
    device.add_argument("--need-camera", action="store_true", help="end where no camera, or no database, can be had")
    device.add_argument("--tell", action="store_true", help="print what happens")
    web = add("web", _web, "the web page alone")
    web.add_argument("--port", type=whole(1, 65535))
    web.add_argument("--host")
    bench = add("bench", _bench, "time inference alone and the whole pipeline on this board, side by side")
    bench.add_argument("--json", type=Path, metavar="FILE")
    bench.add_argument("--model", choices=("lightning", "thunder"))
    bench.add_argument("--frames", type=whole(10, 100_000), default=300, help="frames to time (default 300)")
    add("doctor", _doctor, "check camera, GPIO, model, disk, clock, temperature and services")
    export = add("export", _export, "write a stored session to stdout")
    export.add_argument("session", type=session_number, metavar="SESSION", help="its number, as its page shows it")
    export.add_argument("--format", choices=("csv", "json"), default="json")
    check = add("config", _config_check, "check the settings")
    check.add_argument("action", choices=("check",))
    backup = add("backup", _backup, "write a copy of the database, also while it is in use")
    backup.add_argument("file", type=Path, metavar="FILE")
    restore = add("restore", _restore, "put a backup in the database's place; what was there is put aside")
    restore.add_argument("file", type=Path, metavar="FILE")
    password = add("set-password", _set_password, "have the page ask for a password; it is typed, or read from a pipe")
    password.add_argument("--remove", action="store_true", help="take the password away: the page is open to all again")
    add("cues-off", _cues_off, "switch every LED and the buzzer off")
    validate = add("validate", _validate, "measure every error anew and write model/validation.md (needs the sources)")
    validate.add_argument("--data", type=Path, metavar="FOLDER", help="more clips and motion capture, with their truth")
    validate.add_argument("--out", type=Path, metavar="FILE", help="where to write the table")
    test = add("test-cue", _test_cue, "light and sound the cue of one side, or of both")
    test.add_argument("side", nargs="?", choices=("left", "right", "both"), default="both")
    return parser


def _device(args: argparse.Namespace) -> int:
    from device.runtime import Device, Trial, run_device

    config = load_config(args.config)
    stop = stop_on_signals()
    told: dict[str, Any] = {"announce": tell} if args.tell else {}
    trial = None if args.source is None else Trial(Path(args.source), loop=args.loop)
    device = Device(config, trial=trial, unattended=not args.need_camera, **told)
    return run_device(device, stop)


def _web(args: argparse.Namespace) -> int:
    os.execv(sys.executable, [sys.executable, "-m", "web", *web_arguments(args)])


def _bench(args: argparse.Namespace) -> int:
    from device.bench import bench

    check_target(args.json)
    report = bench(DEMO_CLIP, load_config(args.config), args.model, args.frames)
    say("\n".join(report.lines()))
    if args.json is not None:
        write_json(args.json, report.as_json())
    return 0


def _doctor(args: argparse.Namespace) -> int:
    from device.doctor import run_checks

    checks = run_checks(load_config(args.config))
    for check in checks:
        say(f"{'ok   ' if check.ok else 'FAULT'} {check.name}: {check.detail}")
        if not check.ok:
            say(f"      {check.remedy}")
    return 0 if all(check.ok for check in checks) else 1


def _export(args: argparse.Namespace) -> int:
    from device.store import StoreReader
    from model.table import session_csv

    with StoreReader(load_config(args.config).database_path()) as reader:
        document = reader.session(args.session)
        # Of a damaged database one session may be whole though the list is not.
        known = [] if document is not None else [row["id"] for row in reader.list_sessions(limit=5, offset=0)]
    if document is None:
        some = ", ".join(str(session_id) for session_id in known) or "none"
        raise InputError(f"export {args.session}: no such session; the newest are: {some}")
    say(session_csv(document) if args.format == "csv" else json.dumps(document, indent=1) + "\n", end="")
    return 0


def _config_check(args: argparse.Namespace) -> int:
    from device.surroundings import surrounding_faults, to_mind

    path = args.config or config_path()
    if path is None:
        say(f"no settings file; the defaults of all {len(list(settings()))} settings apply")
        return 0
    values = read_toml(path)
    faults: list[str] = []
    try:
        parse_config(values, path.name)
    except ConfigError as error:
        faults += error.faults
    faults += surrounding_faults(values, path)
    if faults:
        raise ConfigError(faults)
    say("\n".join([f"{path}: all settings are right", *(f"mind: {line}" for line in to_mind(values, path))]))
    return 0


def _backup(args: argparse.Namespace) -> int:
    from device.store import StoreReader

    with StoreReader(load_config(args.config).database_path()) as reader:
        reader.backup(args.file)
    say(f"{args.file}: copy of the database written")
    return 0


def _restore(args: argparse.Namespace) -> int:
    from device.store import StoreInUse, restore

    path = load_config(args.config).database_path()
    try:
        aside = restore(path, args.file)
    except StoreInUse as error:
        stop = "sudo systemctl stop kneeline.target, or Ctrl-C where it was started by hand"
        raise InputError(f"{str(error).partition(';')[0]}; stop it first: {stop}. Nothing was changed") from error
    say(f"{path}: is what {args.file} holds")
    if aside is not None:
        say(f"{aside}: what was there before; delete it when nobody needs it any more")
    return 0


def _set_password(args: argparse.Namespace) -> int:
    from device.password import ask_password, password_path, remove_password, set_password

    path = password_path(load_config(args.config))
    if args.remove:
        taken = remove_password(path)
        say(f"{path}: {'the password is removed, the page is open to all' if taken else 'no password was set'}")
        return 0
    set_password(path, ask_password(sys.stdin))
    say(f"{path}: the password is set, the page asks for it from now on")
    return 0


def _validate(args: argparse.Namespace) -> int:
    script = Path(__file__).resolve().parents[1] / "tests" / "validation" / "validate.py"
    if not script.exists():
        raise InputError(f"validate: {script} is not there: run it from a checkout of the sources")
    check_target(args.out, option="--out")
    given = (("--data", args.data), ("--out", args.out))
    options = [str(part) for name, value in given if value is not None for part in (name, value)]
    return subprocess.run([sys.executable, str(script), *options], check=False).returncode


def _cues_off(args: argparse.Namespace) -> int:
    from device.cues import all_off

    cues = load_config(args.config).cues
    if not cues.enabled or not cues.pins():
        say("nothing to switch off: the settings use no pin")
        return 0
    fault = all_off(cues)
    if fault is not None:
        raise InputError(f"cues-off: {fault}: nothing was switched off; {_GPIO_REMEDY}")
    say("LEDs and buzzer are off")
    return 0


def _why_dark(note: str) -> str:
    """Why a cue lights nothing, with what to do."""
    from device.cues import PAGE_ONLY, SWITCHED_OFF

    if note == SWITCHED_OFF:
        return f"{note}: set it to true"
    return f"{note.removesuffix(f': {PAGE_ONLY}')}: nothing was lit; {_GPIO_REMEDY}"


def _test_cue(args: argparse.Namespace) -> int:
    from device.cues import CueOutput
    from model.pose import Side

    with CueOutput(load_config(args.config).cues) as cues:
        if not cues.gpio:
            raise InputError(f"test-cue: {_why_dark(cues.gpio_note or '')}")
        for side in Side if args.side == "both" else (Side(args.side),):
            say(f"{side}: LED and buzzer now")
            cues.test(side)
            threading.Event().wait(1.5)
    return 0


if __name__ == "__main__":
    sys.exit(main())
