"""Settings: one TOML file, every key checked, all faults reported at once. Defaults need no file."""

from __future__ import annotations

import difflib
import json
import os
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import annotated_types
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.fields import FieldInfo

from model.camera_pose import DEFAULT_FOV_DEG
from model.errors import InputError

#: What may be told of the treadmill and the camera, here or on the page: metres per second, metres above the belt.
BELT_SPEED_M_S = (0.3, 10.0)
CAMERA_HEIGHT_M = (0.2, 3.0)
SYSTEM_FILE = Path("/etc/kneeline/config.toml")
#: Where things are on an installed box, for both services and the command line: what the system's file leaves empty.
INSTALLED = {
    ("store", "path"): "/var/lib/kneeline/kneeline.db",
    ("live", "socket"): "/run/kneeline/live.sock",
}

_MAX_PIN = 27
#: So long may the path of a socket be on Linux.
_MAX_SOCKET_BYTES = 107


def _without_nul(path: str) -> str:
    """The path as it is.

    Raises:
        ValueError: no file can have that name.
    """
    if "\0" in path:
        raise ValueError("no file's name holds a NUL character; leave it out")
    return path


Pin = Annotated[int, Field(ge=0, le=_MAX_PIN)]
_Pattern = Annotated[
    tuple[Annotated[float, Field(ge=0.01, le=2.0)], ...], Field(strict=False, min_length=1, max_length=15)
]
_Path = Annotated[str, AfterValidator(_without_nul)]
_HostName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$")]
#: The Pi's pictures have colour for every second pixel only.
_Even = Annotated[int, Field(multiple_of=2)]
_Share = Annotated[float, Field(ge=0, le=1)]
_Region = Annotated[tuple[_Share, ...], Field(strict=False, min_length=4, max_length=4)]


class ConfigError(InputError):
    """The settings are wrong. ``faults`` holds one line for each fault; the message is all of them."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)


class Section(BaseModel):
    """Base of all sections: frozen, nothing coerced, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class CameraConfig(Section):
    source: _Path = Field(
        default="auto",
        min_length=1,
        description='Where pictures come from: "picamera", "usb", the path of a video file, or "auto" '
        "(the Pi's camera where there is one, else USB).",
    )
    device: int = Field(default=0, ge=0, le=63, description="Number of the camera: N of /dev/videoN, or the Pi's port.")
    width: _Even = Field(default=640, ge=160, le=1920, description="Width of the analysed picture, pixels.")
    height: _Even = Field(default=480, ge=160, le=1920, description="Height of the analysed picture, pixels.")
    fps: int = Field(default=30, ge=10, le=120, description="Frames per second asked of the camera.")
    height_m: float | None = Field(
        default=None,
        ge=CAMERA_HEIGHT_M[0],
        le=CAMERA_HEIGHT_M[1],
        description="Height of the lens above the belt in metres, where known; sharpens the camera's position whatever "
        "the belt's speed, and the knees of a squat or step-down test; needs measuring only once. What is typed on the "
        "page Set up wins.",
    )
    rotation: Literal[0, 180] = Field(default=0, description="180 for a camera that is mounted upside down.")
    vfov_deg: float | None = Field(
        default=None,
        ge=10,
        le=140,
        description="Vertical field of view in degrees. Unset: from the sensor where it tells, else that of "
        f"{DEFAULT_FOV_DEG} across the picture's shorter side.",
    )
    view: Literal["auto", "front", "rear", "side"] = Field(
        default="auto", description="Where the camera looks from; auto decides it from the runner."
    )
    region: _Region | None = Field(
        default=None,
        description="Where in the picture the runner's hips may be: left, top, right, bottom as shares of it. Unset: "
        "learned from where somebody ran.",
    )

    @model_validator(mode="after")
    def _region_is_an_area(self) -> CameraConfig:
        if self.region is not None:
            left, top, right, bottom = self.region
            if not (left < right and top < bottom):
                raise ValueError(f"region = {list(self.region)}: must be left, top, right, bottom")
        return self


class ModelConfig(Section):
    name: Literal["auto", "lightning", "thunder"] = Field(
        default="auto",
        description="Pose model: lightning (fast) or thunder (more exact); auto goes by the board's speed.",
    )
    runtime: Literal["auto", "tflite", "litert"] = Field(
        default="auto",
        description="Inference library; auto takes the faster one here, for a recording always the same one.",
    )
    threads: int = Field(default=0, ge=0, le=16, description="Threads for inference; 0 chooses by the machine.")
    mirrored: bool = Field(
        default=False,
        description="Look at every picture both ways, where else every second one is looked at in the mirror: noise "
        "of the knee and of the pelvic drop an eighth less with Lightning, hardly less with Thunder, for twice the "
        "time of a look.",
    )


class SessionConfig(Section):
    start_after_s: float = Field(
        default=3.0, ge=0.5, le=60, description="Seconds for which a runner is seen before a session starts."
    )
    end_after_s: float = Field(
        default=10.0,
        ge=1,
        le=600,
        description="Seconds for which the runner is gone before the session ends. It also ends after five minutes "
        "without a step, or so many seconds where that is more.",
    )


class TreadmillConfig(Section):
    belt_speed_m_s: float | None = Field(
        default=None,
        ge=BELT_SPEED_M_S[0],
        le=BELT_SPEED_M_S[1],
        description="Speed of the belt in metres per second, where known; sharpens the camera's position most. What is "
        "typed on the page Set up wins, for that run.",
    )


class CoachConfig(Section):
    enabled: bool = Field(default=True, description="Whether a runner is cued at all.")
    metric: Literal["fppa_deg", "pelvic_drop_deg", "step_width_leg", "cadence_spm"] = Field(
        default="fppa_deg",
        description="The goal where none is chosen on the page, one at a time: knee alignment, pelvic drop, step "
        "width, or cadence (5 to 10 % above one's own).",
    )
    fppa_threshold_deg: float = Field(
        default=8.0,
        ge=2,
        le=40,
        description="Cue above this angle in degrees where there is no baseline.",
    )
    baseline_k: float = Field(
        default=1.0, ge=0, le=5, description="With a baseline: cue above its mean + k standard deviations."
    )
    measure_baseline: bool = Field(
        default=True,
        description="Whether a runner with a name runs the first 20 stances of each foot without cues, "
        "where no baseline is kept yet. The page's *Measure the baseline anew* does it in any case.",
    )
    metronome: bool = Field(default=True, description="Whether the buzzer beats the pace where cadence is the goal.")
    refractory_s: float = Field(default=0.4, ge=0, le=60, description="Least seconds between two cues of a side.")


class CuesConfig(Section):
    enabled: bool = Field(default=True, description="Whether LEDs and buzzer are driven.")
    led_left_pin: Pin | None = Field(default=17, description="GPIO (BCM) of the left red LED; false: none.")
    led_right_pin: Pin | None = Field(default=27, description="GPIO of the right red LED; false: none.")
    led_left_green_pin: Pin | None = Field(default=None, description="GPIO of the left green LED, if wired.")
    led_right_green_pin: Pin | None = Field(default=None, description="GPIO of the right green LED, if wired.")
    buzzer_pin: Pin | None = Field(default=22, description="GPIO of the buzzer or motor; false: none.")
    active_high: bool = Field(default=True, description="false where a low pin switches the part on.")
    duration_s: float = Field(default=0.25, ge=0.05, le=2, description="Seconds for which a cue lights the red LED.")
    buzzer: Literal["active", "passive", "motor"] = Field(
        default="active",
        description="active beeps by itself; passive (needs a tone) and motor are driven by PWM.",
    )
    tone_hz: int = Field(default=2000, ge=100, le=8000, description="Tone of a passive buzzer in hertz.")
    volume: float = Field(default=1.0, ge=0.05, le=1, description="Strength of a passive buzzer or a motor.")
    scale_by_error: bool = Field(
        default=False, description="Whether the buzzer sounds longer the further off the target (0.5 to 1.5 times)."
    )
    pattern_left: _Pattern = Field(default=(0.12,), description="Left knee: seconds on, off, on, …")
    pattern_right: _Pattern = Field(default=(0.08, 0.07, 0.08), description="Right knee: seconds on, off, on, …")

    @model_validator(mode="before")
    @classmethod
    def _false_is_none(cls, values: Any) -> Any:
        """TOML has no null: ``led_left_pin = false`` says that the part is not wired."""
        if not isinstance(values, dict):
            return values
        return {k: None if k.endswith("_pin") and v is False else v for k, v in values.items()}

    @model_validator(mode="after")
    def _pins_differ(self) -> CuesConfig:
        for pin, n in Counter(self.pins().values()).items():
            if n > 1:
                names = ", ".join(name for name, used in self.pins().items() if used == pin)
                raise ValueError(f"{names} = {pin}: must be different pins")
        return self

    def pins(self) -> dict[str, int]:
        """The pins that are wired, by the name of their setting."""
        names = (name for name in type(self).model_fields if name.endswith("_pin"))
        return {name: pin for name in names if (pin := getattr(self, name)) is not None}


class StoreConfig(Section):
    path: _Path = Field(
        default="",
        description="The database file, counted from this file's folder where it is no whole path. Empty: "
        "/var/lib/kneeline/kneeline.db in the system's own file; in another, or without one, kneeline.db in "
        "$STATE_DIRECTORY (as systemd sets it), else in ~/.local/share/kneeline.",
    )
    max_mb: int = Field(
        default=4000,
        ge=100,
        description="What the sessions may take of the disk, in millions of bytes, but never more than half of it. "
        "Beyond that the oldest without a runner's name are deleted, at the start and after each session; the 20 "
        "newest stay, and all that have a name. An hour of running takes about 6.",
    )


class LiveConfig(Section):
    socket: _Path = Field(
        default="",
        description="Socket between device and web, counted likewise, at most 107 bytes as a whole path. Empty: "
        "/run/kneeline/live.sock in the system's own file; else live.sock in $RUNTIME_DIRECTORY (set by systemd), in "
        "$XDG_RUNTIME_DIR/kneeline or in /tmp.",
    )


class WebConfig(Section):
    host: str = Field(
        default="0.0.0.0",
        min_length=1,
        description='Address to serve at; "::" listens for IPv6 and IPv4, "127.0.0.1" serves this machine only.',
    )
    port: int = Field(
        default=8080,
        ge=1,
        le=65535,
        description="Port of the web page. The service may not take one below 1024: take one above 1023.",
    )
    names: Annotated[tuple[_HostName, ...], Field(strict=False)] = Field(
        default=(),
        description="Further names that lead to the page, as a reverse proxy's. Served anyway are the box's addresses, "
        "localhost, its own name and names in .local.",
    )


class Config(Section):
    """All settings. Frozen; sections as in the file."""

    camera: CameraConfig = CameraConfig()
    model: ModelConfig = ModelConfig()
    session: SessionConfig = SessionConfig()
    treadmill: TreadmillConfig = TreadmillConfig()
    coach: CoachConfig = CoachConfig()
    cues: CuesConfig = CuesConfig()
    store: StoreConfig = StoreConfig()
    live: LiveConfig = LiveConfig()
    web: WebConfig = WebConfig()

    def database_path(self) -> Path:
        """The database file: as set, else in the service's or the user's data folder.

        Raises:
            InputError: it is in a home folder that nobody knows, as under an account without one.
        """
        if self.store.path:
            return expanded(self.store.path, "[store] path")
        if folder := service_folder("STATE_DIRECTORY"):
            return folder / "kneeline.db"
        if data := os.environ.get("XDG_DATA_HOME"):
            return Path(data) / "kneeline" / "kneeline.db"
        if (home := home_folder()) is None:
            raise InputError("this account has no home folder for the database; set HOME, or [store] path")
        return home / ".local" / "share" / "kneeline" / "kneeline.db"

    def known_database_path(self) -> Path | None:
        """The same; None where nobody knows it, for what can do without."""
        try:
            return self.database_path()
        except InputError:
            return None

    def socket_path(self) -> Path:
        """The live socket: as set, else in the service's or the user's run folder.

        Raises:
            InputError: it is set to be in a home folder that nobody knows.
        """
        if self.live.socket:
            return expanded(self.live.socket, "[live] socket")
        if folder := service_folder("RUNTIME_DIRECTORY"):
            return folder / "live.sock"
        if run := os.environ.get("XDG_RUNTIME_DIR"):
            return Path(run) / "kneeline" / "live.sock"
        return temporary_folder() / "live.sock"


def home_folder() -> Path | None:
    """The home folder of who runs this; None where neither $HOME nor the system's list of accounts names one."""
    try:
        return Path.home()
    except RuntimeError:
        return None


def temporary_folder() -> Path:
    """Where what may be lost is put for who runs this, and has no better place for it."""
    return Path(f"/tmp/kneeline-{os.getuid()}")


def expanded(path: str, setting: str) -> Path:
    """The path that is set, with ~ for the home folder written out.

    Raises:
        InputError: nobody knows that folder.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise InputError(f"{setting} = {path}: that home folder is not known; write the whole path") from None


def service_folder(variable: str) -> Path | None:
    """The first folder that systemd names in a variable like $STATE_DIRECTORY."""
    first = os.environ.get(variable, "").split(":")[0]
    return Path(first) if first else None


def settings() -> Iterator[tuple[str, str, FieldInfo]]:
    """Every setting as (section, key, field), in the order of the file."""
    for section, field in Config.model_fields.items():
        for key, setting in _section_fields(field).items():
            yield section, key, setting


def config_path() -> Path | None:
    """The file to read where none is named: $KNEELINE_CONFIG, else the system's if it exists."""
    if named := os.environ.get("KNEELINE_CONFIG"):
        return Path(named)
    return SYSTEM_FILE if SYSTEM_FILE.exists() else None


def is_systems(path: Path) -> bool:
    """Whether ``path`` is the system's file, which both services read."""
    return os.path.realpath(path) == os.path.realpath(SYSTEM_FILE)


def load_config(path: Path | None = None) -> Config:
    """Reads and checks the settings.

    Args:
        path: the TOML file; None takes that of ``config_path``, and the defaults where there is none.

    Raises:
        ConfigError: the file cannot be read or has faults; all of them, one line each.
    """
    path = path or config_path()
    if path is None:
        return Config()
    config, folder = parse_config(read_toml(path), path.name), path.absolute().parent
    if config.live.socket and (fault := socket_fault(folder, config.live.socket)) is not None:
        raise ConfigError([fault_line(path.name, "live", "socket", config.live.socket, fault)])
    return _placed(config, folder, INSTALLED if is_systems(path) else {})


def socket_fault(folder: Path, path: str) -> str | None:
    """Why nothing can be served at ``path``, counted from ``folder``; None where nothing speaks against it."""
    try:
        length = len(os.fsencode(folder / Path(path).expanduser()))
    except RuntimeError:
        return "that home folder is not known; write the whole path"
    if length <= _MAX_SOCKET_BYTES:
        return None
    return f"is {length} bytes long as a whole path, a socket's may be {_MAX_SOCKET_BYTES}; name a shorter one"


def _placed(config: Config, folder: Path, where_empty: Mapping[tuple[str, str], str]) -> Config:
    """With paths that are not whole counted from the file's own folder, and those of ``where_empty`` where none is set.

    The folder where a program is started is another for each who starts it, and the service's is emptied every time;
    those that systemd gives differ by the service.
    """

    def place(section: str, key: str, path: str) -> str:
        if not path:
            return where_empty.get((section, key), "")
        return path if path.startswith("~") else str(folder / path)

    store = config.store.model_copy(update={"path": place("store", "path", config.store.path)})
    live = config.live.model_copy(update={"socket": place("live", "socket", config.live.socket)})
    return config.model_copy(update={"store": store, "live": live})


def parse_config(values: Mapping[str, object], name: str = "config.toml") -> Config:
    """Checks settings that are already parsed; ``name`` stands in the fault lines.

    Raises:
        ConfigError: as ``load_config``.
    """
    try:
        return Config.model_validate(dict(values))
    except ValidationError as error:
        faults = [f"{name} {_fault_line(fault)}" for fault in error.errors(include_url=False) if _is_true(fault)]
        raise ConfigError(list(dict.fromkeys(faults))) from None


def read_toml(path: Path) -> dict[str, object]:
    """The file, parsed but not checked.

    Raises:
        ConfigError: it cannot be read, or is no TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))  # some editors mark it
    except FileNotFoundError:
        fault = "no such file; name an existing one with --config, or leave it out for the defaults"
    except OSError as error:
        fault = f"cannot be read ({error.strerror}); check its owner and mode"
    except UnicodeDecodeError:
        fault = "is not UTF-8 text; save it as UTF-8"
    except tomllib.TOMLDecodeError as error:
        fault = f"is not valid TOML: {error}; mend that line"
    raise ConfigError([f"{path}: {fault}"])


def fault_line(name: str, section: str, key: str, value: object, fault: str) -> str:
    """A fault as all are told: ``config.toml [camera] fps = 240: must be 10 to 120``."""
    return f"{name} [{section}] {key} = {_toml(value)}: {fault}"


def _section_fields(field: FieldInfo) -> dict[str, FieldInfo]:
    section = field.annotation
    assert isinstance(section, type)
    assert issubclass(section, Section)
    return section.model_fields


def _is_true(fault: Any) -> bool:
    """False for a list that is called too short only because one of its values is wrong, which is told anyway."""
    return bool(fault["type"] != "too_short" or len(fault["input"]) < fault["ctx"]["min_length"])


def _fault_line(fault: Any) -> str:
    """One fault of pydantic as ``[camera] fps = 240: must be 10 to 120``."""
    where, value = list(fault["loc"]), fault["input"]
    sections = Config.model_fields
    if len(where) == 1 and where[0] not in sections:
        return _unknown_top(str(where[0]), value)
    if len(where) == 1 and fault["type"] != "value_error":
        return f"{where[0]} = {_toml(value)}: must be a section, written [{where[0]}]"
    section, known = str(where[0]), _section_fields(sections[str(where[0])])
    if len(where) == 1:
        return f"[{section}] {fault['ctx']['error']}"
    key = str(where[1])
    said = f"[{section}] {key} = {_toml(value)}"
    if fault["type"] == "extra_forbidden":
        return f"{said}: unknown setting; {_nearest(key, known)}"
    if len(where) > 2 and isinstance(where[2], int):
        said = f"[{section}] {key}[{where[2]}] = {_toml(value)}"
    return f"{said}: {_must_be(fault, known[key])}"


def _unknown_top(name: str, value: object) -> str:
    if isinstance(value, dict):
        return f"[{name}]: unknown section; {_nearest(name, Config.model_fields, '[{}]')}"
    homes = [f"[{section}]" for section, key, _ in settings() if key == name]
    remedy = f"write it under {' or '.join(homes)}" if homes else "write it under a section such as [camera]"
    return f"{name} = {_toml(value)}: stands outside of any section; {remedy}"


def _nearest(name: str, known: Mapping[str, object], form: str = "{}") -> str:
    near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.6)
    if near:
        return f"did you mean {form.format(near[0])}?"
    return "known are " + ", ".join(form.format(k) for k in known)


_TYPES = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "string": "text in quotes",
    "tuple": "a list of texts in quotes",  # lists of numbers have a range
    "dict": "a section",
}


def _must_be(fault: Any, field: FieldInfo) -> str:
    """What the value must be: the allowed words, the range, or the type."""
    kind, context = fault["type"], fault.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        return f"must be {context['expected']}".replace("'", '"')
    if kind in ("too_short", "too_long"):
        limits = _limits(field.metadata) + _limits(_nested(field.annotation))
        least = next(limit.min_length for limit in limits if isinstance(limit, annotated_types.MinLen))
        most = next(limit.max_length for limit in limits if isinstance(limit, annotated_types.MaxLen))
        return f"must have {least} numbers" if least == most else f"must have {least} to {most} numbers"
    if kind == "string_too_short":
        return "must not be empty"
    if kind == "string_pattern_mismatch":
        return "must be a name alone, without http:// and port"
    if kind == "multiple_of":
        return "must be even"
    low, high = _range(field)
    if low is not None and high is not None:
        return f"must be {low:g} to {high:g}" + (" (whole number)" if kind.startswith("int_") else "")
    return f"must be {_TYPES.get(kind.split('_')[0], 'of another type')}"


def _range(field: FieldInfo) -> tuple[float | None, float | None]:
    """Bounds of a setting, wherever its annotation holds them."""
    low: float | None = None
    high: float | None = None
    for limit in _limits(field.metadata) + _limits(_nested(field.annotation)):
        if isinstance(limit, annotated_types.Ge):
            low = float(limit.ge)  # type: ignore[arg-type]
        elif isinstance(limit, annotated_types.Le):
            high = float(limit.le)  # type: ignore[arg-type]
    return low, high


def _limits(metadata: Any) -> list[Any]:
    """Flattens ``Field(...)`` inside ``Annotated`` to the limits it holds."""
    found: list[Any] = []
    for item in metadata:
        found += _limits(item.metadata) if isinstance(item, FieldInfo) else [item]
    return found


def _nested(annotation: Any) -> list[Any]:
    """Metadata of the types inside ``X | None`` and ``tuple[X, ...]``."""
    found = list(getattr(annotation, "__metadata__", ()))
    for inner in getattr(annotation, "__args__", ()):
        found += _nested(inner)
    return found


def _toml(value: object) -> str:
    """A value as the file has it, shortened."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."
