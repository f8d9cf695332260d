"""Settings: every fault named at once and in one line, defaults without a file, and a description of each setting."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from device import config as module
from device.board import cache_path
from device.cameras import open_source
from device.cli import main
from device.config import Config, ConfigError, home_folder, load_config, parse_config, read_toml, settings
from device.password import password_path
from device.pipeline import open_model_for_file
from device.surroundings import surrounding_faults
from model.coach import Baseline, Coach, CoachSettings, Instrument
from model.errors import InputError
from model.pose import Side

DOCUMENT = Path(module.__file__).with_name("config.md")


@pytest.fixture(autouse=True)
def _no_installation(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("KNEELINE_CONFIG", "STATE_DIRECTORY", "RUNTIME_DIRECTORY", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(module, "SYSTEM_FILE", tmp_path / "absent.toml")


def faults(text: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        parse_config(tomllib.loads(text))
    return caught.value.faults


def test_defaults_need_no_file() -> None:
    config = load_config()
    assert config == Config()
    assert config.camera.fps == 30
    assert config.coach.fppa_threshold_deg == 8.0
    assert config.cues.pins() == {"led_left_pin": 17, "led_right_pin": 27, "buzzer_pin": 22}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[camera]\nfps = 240", "[camera] fps = 240: must be 10 to 120"),
        ("[camera]\nfps = 29.97", "[camera] fps = 29.97: must be 10 to 120 (whole number)"),
        ("[camera]\nfps = '30'", '[camera] fps = "30": must be 10 to 120 (whole number)'),
        ("[camera]\nrotation = 90", "[camera] rotation = 90: must be 0 or 180"),
        ("[camera]\nvfov_deg = nan", "[camera] vfov_deg = NaN: must be 10 to 140"),
        ("[camera]\nview = 'back'", '[camera] view = "back": must be "auto", "front", "rear" or "side"'),
        ("[camera]\nsource = ''", '[camera] source = "": must not be empty'),
        ("[camera]\nfsp = 30", "[camera] fsp = 30: unknown setting; did you mean fps?"),
        ("[live]\nzzz = 1", "[live] zzz = 1: unknown setting; known are socket"),
        ("[camra]\nfps = 30", "[camra]: unknown section; did you mean [camera]?"),
        ("fps = 30", "fps = 30: stands outside of any section; write it under [camera]"),
        ("shoes = 1", "shoes = 1: stands outside of any section; write it under a section such as [camera]"),
        ("camera = 3", "camera = 3: must be a section, written [camera]"),
        ("[cues]\nenabled = 1", "[cues] enabled = 1: must be true or false"),
        ("[cues]\nled_left_pin = 28", "[cues] led_left_pin = 28: must be 0 to 27"),
        ("[cues]\nled_left_pin = 27", "[cues] led_left_pin, led_right_pin = 27: must be different pins"),
        ("[cues]\npattern_left = [0.1, 5]", "[cues] pattern_left[1] = 5: must be 0.01 to 2"),
        ("[cues]\npattern_left = []", "[cues] pattern_left = []: must have 1 to 15 numbers"),
        ("[cues]\npattern_left = [nan]", "[cues] pattern_left[0] = NaN: must be 0.01 to 2"),
        ("[camera]\nregion = [0, 0, 1.5, 1]", "[camera] region[2] = 1.5: must be 0 to 1"),
        ("[camera]\nregion = [0, 0, 'x', 1]", '[camera] region[2] = "x": must be 0 to 1'),
        ("[camera]\nregion = [0, 0, 1]", "[camera] region = [0, 0, 1]: must have 4 numbers"),
        ("[cues]\npattern_left = 0.1", "[cues] pattern_left = 0.1: must be 0.01 to 2"),
        ("[web]\nnames = 'gym.example'", '[web] names = "gym.example": must be a list of texts in quotes'),
        ("[web]\nnames = [3]", "[web] names[0] = 3: must be text in quotes"),
        ("[web]\nnames = ['']", '[web] names[0] = "": must be a name alone, without http:// and port'),
        ("[web]\nnames = ['a', 'b:80']", '[web] names[1] = "b:80": must be a name alone, without http:// and port'),
        ("[store]\npath = 3", "[store] path = 3: must be text in quotes"),
        ("[camera]\nwidth = 641", "[camera] width = 641: must be even"),
        ("[camera]\nheight = 100", "[camera] height = 100: must be 160 to 1920"),
    ],
)
def test_a_fault_is_one_line_with_its_remedy(text: str, fault: str) -> None:
    assert faults(text) == (f"config.toml {fault}",)


@pytest.mark.parametrize("setting", ["[camera] source", "[store] path", "[live] socket"])
def test_nul_is_in_no_path(setting: str) -> None:
    section, key = setting.split()
    said = f'config.toml {setting} = "a\\u0000": no file\'s name holds a NUL character; leave it out'
    assert faults(f'{section}\n{key} = "a\\u0000"') == (said,)


def test_list_that_is_too_short_and_has_a_wrong_value_has_two_faults() -> None:
    wrong = "config.toml [camera] region[1] = 9: must be 0 to 1"
    assert faults("[camera]\nregion = [0, 9]") == (wrong, "config.toml [camera] region = [0, 9]: must have 4 numbers")


def test_all_faults_are_reported_at_once() -> None:
    found = faults("colour = 1\n[camera]\nfps = 1\nfsp = 2\n[cues]\nbuzzer = 'loud'\n[webb]\nport = 1\n")
    assert len(found) == 5
    assert str(ConfigError(list(found))).splitlines() == list(found)


def test_false_stands_for_a_part_that_is_not_wired() -> None:
    config = parse_config({"cues": {"led_left_pin": False, "buzzer_pin": False}})
    assert config.cues.pins() == {"led_right_pin": 27}


def test_values_are_taken_from_the_file_that_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named, other = tmp_path / "named.toml", tmp_path / "other.toml"
    named.write_text("[web]\nport = 9001\n[cues]\npattern_left = [1, 0.5]\n")
    other.write_text("[web]\nport = 9002\n")
    monkeypatch.setenv("KNEELINE_CONFIG", str(other))
    assert load_config(named).web.port == 9001
    assert load_config(named).cues.pattern_left == (1.0, 0.5)
    assert load_config().web.port == 9002


def test_the_system_file_is_read_where_it_exists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    system = tmp_path / "system.toml"
    system.write_text("[web]\nport = 9003\n")
    monkeypatch.setattr(module, "SYSTEM_FILE", system)
    assert load_config().web.port == 9003


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "no such file"),
        (b"[camera\n", "is not valid TOML"),
        (b"\xff\xfe", "is not UTF-8 text"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_clear_line(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "config.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=said) as caught:
        load_config(path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_paths_follow_the_service_then_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    config = Config()
    monkeypatch.setenv("XDG_DATA_HOME", "/home/x/data")
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/7")
    assert config.database_path() == Path("/home/x/data/kneeline/kneeline.db")
    assert config.socket_path() == Path("/run/user/7/kneeline/live.sock")
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/kneeline:/var/lib/other")
    monkeypatch.setenv("RUNTIME_DIRECTORY", "/run/kneeline")
    assert config.database_path() == Path("/var/lib/kneeline/kneeline.db")
    assert config.socket_path() == Path("/run/kneeline/live.sock")
    named = parse_config({"store": {"path": "/a.db"}, "live": {"socket": "/b.sock"}})
    assert (named.database_path(), named.socket_path()) == (Path("/a.db"), Path("/b.sock"))


def test_a_short_system_file_has_both_services_and_the_command_line_meet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of them has folders of its own from systemd, or none; the page was dead, and the password without effect."""
    system, link = tmp_path / "system.toml", tmp_path / "link.toml"
    monkeypatch.setattr(module, "SYSTEM_FILE", system)
    link.symlink_to(system)
    device = {"STATE_DIRECTORY": "/var/lib/kneeline", "RUNTIME_DIRECTORY": "/run/kneeline"}
    started: tuple[tuple[Path | None, dict[str, str]], ...] = (
        (system, device),
        (system, {"STATE_DIRECTORY": "/var/lib/kneeline-web"}),
        (None, {"HOME": "/root"}),
        (link, {"HOME": "/home/pi", "XDG_DATA_HOME": "/home/pi/data", "XDG_RUNTIME_DIR": "/run/user/7"}),
    )

    def places() -> set[tuple[Path, Path, Path]]:
        found = set()
        for path, environment in started:
            with monkeypatch.context() as there:
                for name, value in environment.items():
                    there.setenv(name, value)
                config = load_config(path)
                found.add((config.database_path(), password_path(config).parent, config.socket_path()))
        return found

    installed = Path("/var/lib/kneeline")
    for text in ("[camera]\nsource = 'usb'\n", "[store]\npath = ''\n[live]\nsocket = ''\n"):
        system.write_text(text)
        assert places() == {(installed / "kneeline.db", installed, Path("/run/kneeline/live.sock"))}
    system.write_text("[store]\npath = '/srv/k.db'\n[live]\nsocket = 'b.sock'\n")
    assert places() == {(Path("/srv/k.db"), Path("/srv"), tmp_path / "b.sock")}


def test_an_account_without_a_home_folder_is_told_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As in a container, or under a service of one's own: a recording needs none, and only the rest does."""

    def unknown(uid: int) -> None:
        raise KeyError(uid)

    for name in ("HOME", "XDG_DATA_HOME", "STATE_DIRECTORY", "KNEELINE_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", unknown)
    assert home_folder() is None
    said = "kneeline: this account has no home folder for the database; set HOME, or [store] path"
    for command in (["export", "1"], ["backup", str(tmp_path / "copy.db")], ["set-password", "--remove"]):
        assert main(command) == 2
        assert capsys.readouterr().err.splitlines() == [said]
    assert Config().known_database_path() is None
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache_path(None) == Path(f"/tmp/kneeline-{os.getuid()}/kneeline/board.json")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_path(None) == tmp_path / "kneeline" / "board.json"
    assert open_model_for_file(Config(), fps=30.0).name == "movenet-lightning-int8"


@pytest.mark.parametrize(
    ("section", "key", "use"),
    [
        ("store", "path", Config.database_path),
        ("camera", "source", lambda config: open_source(config.camera)),
    ],
)
def test_a_home_folder_that_nobody_has_is_refused(section: str, key: str, use: Callable[[Config], object]) -> None:
    config = parse_config({section: {key: "~nobody-of-that-name/here"}})
    with pytest.raises(InputError) as caught:
        use(config)
    said = f"[{section}] {key} = ~nobody-of-that-name/here: that home folder is not known; write the whole path"
    assert str(caught.value) == said


def test_every_setting_is_documented_as_it_is() -> None:
    rows = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("| `")]
    known = list(settings())
    assert len(rows) == len(known)
    for row, (section, key, field) in zip(rows, known, strict=True):
        value = list(field.default) if isinstance(field.default, tuple) else field.default
        shown = "not set" if value is None else f"`{json.dumps(value)}`"
        assert row.startswith(f"| `{key}` | {shown} | "), f"[{section}] {key}"
        assert row.endswith(f" | {field.description} |"), f"[{section}] {key}"


def test_what_the_mirrored_look_brings_is_said_alike_in_all_places() -> None:
    said = next(field.description for _, key, field in settings() if key == "mirrored") or ""
    gain = said.partition(": ")[2]
    repo = DOCUMENT.parents[1]
    for document in ("README.md", "device/config.md", "model/tracking.md", "tests/validation/tracking.md"):
        assert gain.rstrip(".") in " ".join((repo / document).read_text("utf-8").split()), document


def test_the_noise_of_a_baseline_is_said_as_it_is() -> None:
    """With a baseline of 20 stances that do not differ at all, the target is this far over its mean."""
    said = DOCUMENT.read_text("utf-8")
    for name in ("Lightning", "Thunder"):
        coach = Coach(CoachSettings(), {(Side.LEFT, "fppa_deg"): Baseline(0.0, 0.0, 20)})
        target = coach._target(Side.LEFT, "fppa_deg", Instrument(f"movenet-{name.lower()}-int8"))
        assert target is not None
        assert f"{target.limit:.1f}° for {name}" in said


def test_a_file_with_the_mark_of_utf_8_is_read(tmp_path: Path) -> None:
    """Windows' editors put it there."""
    file = tmp_path / "config.toml"
    file.write_text("[camera]\nfps = 60\n", "utf-8-sig")
    assert load_config(file).camera.fps == 60


def test_a_path_that_is_not_whole_is_counted_from_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not from where a program happens to be started."""
    (tmp_path / "etc").mkdir()
    file = tmp_path / "etc" / "config.toml"
    file.write_text("[store]\npath = 'k.db'\n[live]\nsocket = '../run/live.sock'\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    for given in (file, Path("etc/config.toml")):
        config = load_config(given)
        assert config.database_path() == tmp_path / "etc" / "k.db"
        assert config.socket_path().resolve() == tmp_path / "run" / "live.sock"
    file.write_text("[store]\npath = '~/k.db'\n", "utf-8")
    assert load_config(file).database_path() == Path("~/k.db").expanduser()


@pytest.mark.parametrize("socket", ["x" * 120 + "/live.sock", "~nobody-of-that-name/live.sock"])
def test_a_socket_that_cannot_be_served_is_refused_before_anything_starts(tmp_path: Path, socket: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(f"[live]\nsocket = '{socket}'\n", "utf-8")
    with pytest.raises(ConfigError, match=r"\[live\] socket = .*; (name a shorter|write the whole)") as caught:
        load_config(file)
    assert caught.value.faults == tuple(surrounding_faults(read_toml(file), file))
    file.write_text(f"[live]\nsocket = '{'x' * (106 - len(str(tmp_path)))}'\n", "utf-8")
    assert len(str(load_config(file).socket_path())) == 107
    assert surrounding_faults(read_toml(file), file) == []


def test_every_section_is_documented() -> None:
    heads = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("## ")]
    assert heads == [f"## [{section}]" for section in Config.model_fields]
