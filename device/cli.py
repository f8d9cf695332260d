"""The command line: ``kneeline COMMAND``. Exit status 0: done; 2: something to be mended; 3: no runner was seen."""

from __future__ import annotations

import argparse
import ctypes
import errno
import importlib.metadata
import io
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from device.address import listen
from device.config import Config, ConfigError, config_path, load_config, parse_config, read_toml, settings
from device.whole_file import made_whole
from model.camera_pose import SLOW_MOTION, CameraPose
from model.errors import InputError, KneelineError
from model.standing import MAX_HEIGHT_CM, MIN_HEIGHT_CM
from model.words import counted

DEMO_CLIP = Path(__file__).parent / "demo" / "demo_front.mp4"
NO_RUNNER = 3
_STOP_S = 10.0
#: A camera that looks at the runner is not turned further.
_MOST_TURNED_DEG = 90.0
_GPIO_REMEDY = "stop the device if it runs, and use sudo or an account of group gpio"
_MAX_SESSION = 2**63 - 1  # of SQLite
_PR_SET_PDEATHSIG = 1


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
        print("\n".join(f"kneeline: {line}" for line in str(error).splitlines()), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        _drop_output()
        return 0
    return status


def _say(text: str, end: str = "\n") -> None:
    """Prints to standard output, at once: what cannot be written is told, not left to the end of the program.

    Raises:
        BrokenPipeError: the reader has gone.
        InputError: the disk behind it is full, or does not take it for another reason.
    """
    try:
        print(text, end=end, flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        _drop_output()
        remedy = "free some space, or send it somewhere else"
        raise InputError(f"standard output: {error.strerror}: {remedy}") from error


def _tell(text: str) -> None:
    """Prints what happens, as long as somebody takes it: whoever runs is coached all the same."""
    try:
        _say(text)
    except BrokenPipeError:
        _drop_output()
    except InputError as error:
        logging.getLogger(__name__).warning("%s; what happens is not printed any more", error)


def _drop_output() -> None:
    """What waits for standard output goes nowhere, else the interpreter tries again as it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Parser(argparse.ArgumentParser):
    """One clear line for a wrong argument, without the usage before it."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see `{self.prog} --help`\n")


class _Version(argparse.Action):
    """Looks the version up only where it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        _say(f"kneeline {importlib.metadata.version('kneeline')}")
        parser.exit()


def _session_number(text: str) -> int:
    """Reads the number of a stored session."""
    try:
        number = int(text)
    except ValueError:
        number = _MAX_SESSION + 1
    if abs(number) > _MAX_SESSION:
        raise argparse.ArgumentTypeError(f"{text}: SESSION is a number, a session's page shows it")
    return number


def _whole(low: int, high: int) -> Callable[[str], int]:
    """Reads a whole number from ``low`` to ``high``."""

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text}: must be a whole number from {low} to {high}")
        return value

    return read


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
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

    _add_replay(add("replay", _replay, "run a recorded video through the whole pipeline"))
    for name, text in (
        ("run", "the appliance: camera, cues, sessions and the web page"),
        ("demo", "the same on the clip that ships with the project; needs no hardware"),
    ):
        command = add(name, _appliance(name), text)
        command.add_argument("--port", type=_whole(1, 65535), help="port of the web page")
        command.add_argument("--host", help="address of the web page")
        command.add_argument("--source", help="a video file in the camera's place")
    device = add("device", _device, "camera, model, pins and store, without the web page")
    device.add_argument("--source", help=argparse.SUPPRESS)
    device.add_argument("--loop", action="store_true", help=argparse.SUPPRESS)
    device.add_argument("--need-camera", action="store_true", help="end where no camera, or no database, can be had")
    device.add_argument("--tell", action="store_true", help="print what happens")
    web = add("web", _web, "the web page alone")
    web.add_argument("--port", type=_whole(1, 65535))
    web.add_argument("--host")
    bench = add("bench", _bench, "time inference alone and the whole pipeline on this board, side by side")
    bench.add_argument("--json", type=Path, metavar="FILE")
    bench.add_argument("--model", choices=("lightning", "thunder"))
    bench.add_argument("--frames", type=_whole(10, 100_000), default=300, help="frames to time (default 300)")
    add("doctor", _doctor, "check camera, GPIO, model, disk, clock, temperature and services")
    export = add("export", _export, "write a stored session to stdout")
    export.add_argument("session", type=_session_number, metavar="SESSION", help="its number, as its page shows it")
    export.add_argument("--format", choices=("csv", "json"), default="json")
    check = add("config", _config_check, "check the settings")
    check.add_argument("action", choices=("check",))
    backup = add("backup", _backup, "write a copy of the database, also while it is in use")
    backup.add_argument("file", type=Path, metavar="FILE")
    password = add("set-password", _set_password, "have the page ask for a password; it is typed, or read from a pipe")
    password.add_argument("--remove", action="store_true", help="take the password away: the page is open to all again")
    add("cues-off", _cues_off, "switch every LED and the buzzer off")
    validate = add("validate", _validate, "measure every error anew and write model/validation.md (needs the sources)")
    validate.add_argument("--data", type=Path, metavar="FOLDER", help="more clips and motion capture, with their truth")
    validate.add_argument("--out", type=Path, metavar="FILE", help="where to write the table")
    test = add("test-cue", _test_cue, "light and sound the cue of one side, or of both")
    test.add_argument("side", nargs="?", choices=("left", "right", "both"), default="both")
    return parser


def _add_replay(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("video", type=Path, metavar="VIDEO")
    parser.add_argument("--view", choices=("auto", "front", "rear", "side"), help="where the camera looks from")
    parser.add_argument("--mode", choices=("run", "squat", "step-down"), default="run")
    parser.add_argument("--side", choices=("left", "right"), help="the standing leg of a step-down; default: seen")
    parser.add_argument("--model", choices=("lightning", "thunder"), help="default: as set; lightning for auto")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to write the result; default: a summary only")
    parser.add_argument("--vfov", type=float, metavar="DEG", help="the camera's vertical field of view, where known")
    tall = _whole(int(MIN_HEIGHT_CM), int(MAX_HEIGHT_CM))
    parser.add_argument("--height", type=tall, metavar="CM", help="the runner's; adds lengths in centimetres")
    parser.add_argument(
        "--camera", type=Path, metavar="RESULT.json", help="an earlier result: the camera stands where it stood then"
    )
    capture = parser.add_argument_group("a motion capture (.npz) in the video's place")
    capture.add_argument("--fps", type=float, help="frames per second of the virtual camera; default: 30")
    capture.add_argument("--camera-noise", choices=("none", "measured"), help="add its errors; default: none")
    capture.add_argument("--seed", type=_whole(0, 2**32), help="of the noise; default: 0")
    parser.add_argument("--truth", type=Path, metavar="FILE", help="print the errors against a clip's truth")


def _replay(args: argparse.Namespace) -> int:
    # Imported here: TensorFlow Lite and OpenCV take a second, which `kneeline web` and `config check` need not spend.
    from device.replay import ReplayOptions, replay_file
    from device.screening import screen_file
    from device.truth import load_truth
    from model.pose import Side

    _check_target(args.json, args.video, args.truth, args.camera)
    truth = None if args.truth is None else load_truth(args.truth, args.mode)
    if args.side is not None and args.mode != "step-down":
        raise InputError(f"--side {args.side}: only a step-down has a standing leg: use it with --mode step-down")
    capture = _capture_options(args)
    document, fault = (replay_file if args.mode == "run" else screen_file)(
        args.video,
        load_config(args.config),
        ReplayOptions(
            view=args.view,
            mode=args.mode,
            model=args.model,
            vfov_deg=_vfov(args.vfov),
            camera=None if args.camera is None else _known_camera(args.camera),
            height_cm=args.height,
            side=None if args.side is None else Side(args.side),
            **capture,
        ),
    )
    if args.json is not None:
        _write_json(args.json, document)
    _say("\n".join(_told(document) if args.mode == "run" else _told_screening(document)))
    if truth is not None:
        _say("\n".join(_errors(document, truth)))
    if not document["frames_with_runner"]:
        print(
            f"kneeline: {args.video}: no runner was seen: the whole body must be in the picture, in good light",
            file=sys.stderr,
        )
        return NO_RUNNER
    if fault is not None:
        raise InputError(fault)
    return 0


def _capture_options(args: argparse.Namespace) -> dict[str, Any]:
    """What is said of the virtual camera, by the names of `ReplayOptions`.

    Raises:
        InputError: a video has a camera of its own.
    """
    from device.mocap import SUFFIX

    options = {"fps": "--fps", "noise": "--camera-noise", "seed": "--seed"}
    said = {"fps": args.fps, "noise": args.camera_noise, "seed": args.seed}
    given = {name: value for name, value in said.items() if value is not None}
    if given and args.video.suffix != SUFFIX:
        option = options[next(iter(given))]
        raise InputError(f"{option}: is for a motion capture ({SUFFIX}), a video has its own: leave it out")
    return given


def _told(document: dict[str, Any]) -> list[str]:
    """A run in some lines: its steps, both knees, and what is odd about it."""
    cadence = document["summary"]["cadence_spm"]
    lines = [
        f"{_source(document)}, {counted(len(document['stances']), 'stance')}, {counted(len(document['cues']), 'cue')}, "
        f"cadence {'not known' if cadence is None else f'{cadence:.1f} steps per minute'}"
    ]
    if document["stances"]:
        lines += _told_knees(document["summary"])
    elif document["frames_with_runner"]:
        lines.append(
            "no steps were found: nobody runs, too little of the body is seen, or --view is not the camera's; "
            f"{SLOW_MOTION}"
        )
    return lines


def _told_knees(summary: dict[str, Any]) -> list[str]:
    """The main result: mean, spread and uncertainty of both knees' alignment, or why there is none."""
    reason = summary["unavailable"].get("fppa_deg")
    if reason is not None:
        return [f"knee alignment: not measured: {reason}"]
    knees = []
    for side in ("left", "right"):
        knee = summary[side].get("fppa_deg") or {"mean": None, "n": 0}
        if knee["mean"] is None:
            knees.append(f"{side} knee: too few stances ({knee['n']})")
        else:
            off = "" if knee["uncertainty"] is None else f", may be off by {knee['uncertainty']:.1f}°"
            knees.append(f"{side} knee {knee['mean']:+.1f}°, spread {knee['sd']:.1f}° of {knee['n']} stances{off}")
    return knees


def _told_screening(document: dict[str, Any]) -> list[str]:
    """A screening, repetition by repetition; or why there is none."""
    lines = [f"{_source(document)}, {counted(len(document['reps']), 'repetition')}"]
    for i, rep in enumerate(document["reps"], 1):
        knees = ", ".join(
            f"{side} knee {'not seen' if (angle := rep[side]['fppa_deg']) is None else f'{angle:+.1f}°'}"
            for side in ("left", "right")
            if rep.get("side") in (None, side)
        )
        faults = ", ".join(rep["faults"]) or "no fault"
        lines.append(f"{i}: {rep['start_s']:.1f} to {rep['end_s']:.1f} s, {knees}: {faults}")
    for side in ("left", "right"):
        score = document["summary"][side].get("score")
        if score is not None:
            most = "" if score["points_at_most"] == score["points"] else f" (at most {score['points_at_most']})"
            lines.append(f"{side} leg: {counted(score['points'], 'point')}{most}, {score['rating']}")
    if document["reps"] and document["camera"]["state"] == "unknown":
        lines.append(f"camera: {document['camera']['advice']}")
    advice = document["summary"]["advice"]
    if document["frames_with_runner"] and document["view"] != "side" and advice is not None:
        lines.append(advice)
    return lines


def _source(document: dict[str, Any]) -> str:
    return f"{document['source']}: {document['view'] or 'unknown'} view, {document['frames']} frames"


def _errors(document: dict[str, Any], truth: dict[str, Any]) -> list[str]:
    from device.truth import compare, compare_reps

    return compare(document, truth).lines() if document["mode"] == "run" else compare_reps(document, truth).lines()


def _vfov(vfov_deg: float | None) -> float | None:
    if vfov_deg is not None and not 10 <= vfov_deg <= 140:
        raise InputError(f"--vfov {vfov_deg:g}: must be 10 to 140 degrees")
    return vfov_deg


def _known_camera(path: Path) -> CameraPose:
    """The camera block of an earlier result."""
    try:
        block = json.loads(path.read_text("utf-8"))["camera"]
        camera = CameraPose.from_json(block)
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not the result of a replay"
        raise InputError(f"--camera {path}: {reason}: give the JSON of an earlier replay or export") from error
    if camera.yaw_deg is None:
        raise InputError(f"--camera {path}: that result does not know where the camera stood: give one that does")
    for name, value in camera.as_json().items():
        if name.endswith("_deg") and value is not None and abs(value) > _MOST_TURNED_DEG:
            raise InputError(
                f"--camera {path}: {name} = {value:g} is no place of a camera (at most {_MOST_TURNED_DEG:g}): give the "
                "JSON of an earlier replay or export"
            )
    return camera


def _write_json(path: Path, document: Any) -> None:
    """Writes the whole of it, or leaves what is there as it was."""
    text = json.dumps(document, indent=1) + "\n"
    try:
        if path.exists() and not path.is_file():  # a pipe or a terminal
            path.write_text(text, "utf-8")
            return
        target = Path(os.path.realpath(path))  # a link stays
        with made_whole(target) as part:
            _permit_as(target, part)
            part.write_text(text, "utf-8")
    except OSError as error:
        raise _not_written(path, error) from error


def _permit_as(target: Path, part: Path) -> None:
    """Gives ``part`` the owner and mode of ``target``, or where nothing is there the mode of a new file."""
    os.umask(mask := os.umask(0))
    with suppress(PermissionError):  # another's file, or a disk without owners
        if target.exists():
            old = target.stat()
            part.chmod(old.st_mode & 0o777)
            os.chown(part, old.st_uid, old.st_gid)
        else:
            part.chmod(0o666 & ~mask)


def _check_target(path: Path | None, *read: Path | None, option: str = "--json") -> None:
    """Tells before the work that its result cannot be written, or would take the place of a file that is ``read``.

    What is there stays as it is, and nothing is left.
    """
    if path is None:
        return
    for source in read:
        if source is not None and source.exists() and path.exists() and path.samefile(source):
            raise InputError(f"{option} {path}: would overwrite {source}, which is read: name another file")
    try:
        if path.is_file():
            path.open("ab").close()
            if not os.access(os.path.dirname(os.path.realpath(path)), os.W_OK):  # a new one takes its place
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        elif path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        elif not path.exists():  # else a pipe or a terminal, which may be opened only once
            missing = Path(os.path.realpath(path))  # a link may lead to where nothing is yet
            missing.open("xb").close()
            missing.unlink()
    except OSError as error:
        raise _not_written(path, error, option) from error


def _not_written(path: Path, error: OSError, option: str = "--json") -> InputError:
    return InputError(f"{option} {path}: cannot be written ({error.strerror}): name a file in a writable folder")


def _stop_on_signals() -> threading.Event:
    """An event that SIGINT and SIGTERM set."""
    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGINT, on_signal)
    signal.signal(signal.SIGTERM, on_signal)
    return stop


def _device(args: argparse.Namespace) -> int:
    from device.runtime import Device, Trial, run_device

    config = load_config(args.config)
    stop = _stop_on_signals()
    told: dict[str, Any] = {"announce": _tell} if args.tell else {}
    trial = None if args.source is None else Trial(Path(args.source), loop=args.loop)
    device = Device(config, trial=trial, unattended=not args.need_camera, **told)
    return run_device(device, stop)


def _web(args: argparse.Namespace) -> int:
    os.execv(sys.executable, [sys.executable, "-m", "web", *_web_arguments(args)])


def _web_arguments(args: argparse.Namespace) -> list[str]:
    given = (("--config", args.config), ("--host", args.host), ("--port", args.port))
    return [str(part) for name, value in given if value is not None for part in (name, value)]


def _appliance(name: str) -> Callable[[argparse.Namespace], int]:
    """``run`` or ``demo``: the device and the web as two processes, started and ended together."""

    def run(args: argparse.Namespace) -> int:
        config = load_config(args.config)
        # Told before anything is started.
        listen(args.host or config.web.host, args.port or config.web.port).close()
        if args.source:
            _check_film(Path(args.source))
        device = ["device", "--tell", "--need-camera"]
        environment = dict(os.environ)
        with tempfile.TemporaryDirectory(prefix="kneeline-") as folder:
            if name == "demo":
                # A demo never mixes with the sessions, the socket or the settings of a real installation.
                environment |= {"STATE_DIRECTORY": str(_demo_state(config)), "RUNTIME_DIRECTORY": folder}
                device += ["--loop", "--source", args.source or str(DEMO_CLIP)]
                args.config = _demo_settings(args.config, Path(folder))
            elif args.source:
                device += ["--source", args.source]
            if args.config is not None:
                device += ["--config", str(args.config)]
            commands = {
                "device": [sys.executable, "-m", "device", *device],
                "web": [sys.executable, "-m", "web", *_web_arguments(args)],
            }
            return _run_both(name, commands, environment)

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


def _demo_state(config: Config) -> Path:
    folder = config.database_path().parent / "demo"
    try:
        for one in (folder.parent, folder):  # both as the store makes its own: not for everybody to read
            one.mkdir(mode=0o750, parents=True, exist_ok=True)
    except OSError as error:
        reason = f"cannot be made ({error.strerror}): set STATE_DIRECTORY to a writable folder"
        raise InputError(f"{folder}: {reason}") from error
    return folder


def _run_both(name: str, commands: dict[str, list[str]], environment: dict[str, str]) -> int:
    """Starts all, waits for the first to end or for a signal, then ends the others. The first one's status counts."""
    stop = _stop_on_signals()
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
        print(f"kneeline {name}: ended: the {part} was killed (signal {-status}): start it again", file=sys.stderr)
        return 2
    if status:
        print(f"kneeline {name}: ended: the {part} could not start or go on, see above", file=sys.stderr)
    return status


def _die_with_parent() -> None:
    """In the child: end when the parent is killed, and leave Ctrl-C to it."""
    os.setpgrp()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _bench(args: argparse.Namespace) -> int:
    from device.bench import bench

    _check_target(args.json)
    report = bench(DEMO_CLIP, load_config(args.config), args.model, args.frames)
    _say("\n".join(report.lines()))
    if args.json is not None:
        _write_json(args.json, report.as_json())
    return 0


def _doctor(args: argparse.Namespace) -> int:
    from device.doctor import run_checks

    checks = run_checks(load_config(args.config))
    for check in checks:
        _say(f"{'ok   ' if check.ok else 'FAULT'} {check.name}: {check.detail}")
        if not check.ok:
            _say(f"      {check.remedy}")
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
    _say(session_csv(document) if args.format == "csv" else json.dumps(document, indent=1) + "\n", end="")
    return 0


def _config_check(args: argparse.Namespace) -> int:
    from device.surroundings import surrounding_faults

    path = args.config or config_path()
    if path is None:
        _say(f"no settings file; the defaults of all {len(list(settings()))} settings apply")
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
    _say(f"{path}: all settings are right")
    return 0


def _backup(args: argparse.Namespace) -> int:
    from device.store import StoreReader

    with StoreReader(load_config(args.config).database_path()) as reader:
        reader.backup(args.file)
    _say(f"{args.file}: copy of the database written")
    return 0


def _set_password(args: argparse.Namespace) -> int:
    from device.password import ask_password, password_path, remove_password, set_password

    path = password_path(load_config(args.config))
    if args.remove:
        taken = remove_password(path)
        _say(f"{path}: {'the password is removed, the page is open to all' if taken else 'no password was set'}")
        return 0
    set_password(path, ask_password(sys.stdin))
    _say(f"{path}: the password is set, the page asks for it from now on")
    return 0


def _validate(args: argparse.Namespace) -> int:
    script = Path(__file__).resolve().parents[1] / "tests" / "validation" / "validate.py"
    if not script.exists():
        raise InputError(f"validate: {script} is not there: run it from a checkout of the sources")
    _check_target(args.out, option="--out")
    given = (("--data", args.data), ("--out", args.out))
    options = [str(part) for name, value in given if value is not None for part in (name, value)]
    return subprocess.run([sys.executable, str(script), *options], check=False).returncode


def _cues_off(args: argparse.Namespace) -> int:
    from device.cues import all_off

    cues = load_config(args.config).cues
    if not cues.enabled or not cues.pins():
        _say("nothing to switch off: the settings use no pin")
        return 0
    fault = all_off(cues)
    if fault is not None:
        raise InputError(f"cues-off: {fault}: nothing was switched off; {_GPIO_REMEDY}")
    _say("LEDs and buzzer are off")
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
            _say(f"{side}: LED and buzzer now")
            cues.test(side)
            threading.Event().wait(1.5)
    return 0


if __name__ == "__main__":
    sys.exit(main())
