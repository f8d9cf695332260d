"""The doctor: each part checked, each fault with a remedy, and nothing taken from a running device."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime, tzinfo
from pathlib import Path

import pytest

from device import aim, doctor, health, retention
from device.board import Choice
from device.config import Config, parse_config
from device.doctor import Check, run_checks
from device.live import LivePublisher
from device.password import FILE_NAME, password_path, set_password
from device.store import SessionHeader, Store, StoreReader
from device.told import SETTING
from model.errors import WeightsError
from model.runtime import load_weights

NAMES = [
    "camera",
    "GPIO",
    "model",
    "placement",
    "picture",
    "lens",
    "database",
    "sessions",
    "sign-in",
    "disk",
    "clock",
    "temperature",
    "power",
    "services",
]


@pytest.fixture
def config(tmp_path: Path, demo_clip: Path) -> Config:
    return parse_config(
        {
            "camera": {"source": str(demo_clip)},
            "store": {"path": str(tmp_path / "kneeline.db")},
            "live": {"socket": str(tmp_path / "live.sock")},
        }
    )


def checked(config: Config) -> dict[str, Check]:
    return {check.name: check for check in run_checks(config)}


def changed(config: Config, section: str, **values: object) -> Config:
    known = config.model_dump()
    return parse_config({**known, section: {**known[section], **values}})


@pytest.mark.usefixtures("pins")
def test_a_sound_machine(config: Config) -> None:
    checks = checked(config)
    assert list(checks) == NAMES
    for name in ("camera", "GPIO", "model", "database"):
        assert checks[name].ok, checks[name]
        assert checks[name].remedy == ""
    assert checks["camera"].detail == "demo_front.mp4, 640×480 at 30 frames per second, unknown field of view"
    assert checks["GPIO"].detail == "pins 17, 27, 22 can be driven"
    assert "movenet-lightning-int8" in checks["model"].detail


def test_every_fault_has_a_remedy(config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged(_: str) -> None:
        raise WeightsError("model weights x.tflite have a wrong checksum: get it back with git")

    (tmp_path / "kneeline.db").write_text("no database, and never was one " * 100)
    (tmp_path / FILE_NAME).write_text("half a ha")
    monkeypatch.setattr(doctor, "all_off", lambda _: "no GPIO here (none)")
    monkeypatch.setattr(doctor, "load_weights", damaged)
    monkeypatch.setattr(doctor, "disk", lambda _: health.Disk(total=8_000_000_000, free=100_000_000))
    monkeypatch.setattr(doctor, "temperature_c", lambda: 84.0)
    monkeypatch.setattr(doctor, "throttling", lambda: health.complaints(0x50005))
    monkeypatch.setattr(doctor, "clock", lambda: health.Clock(datetime(2026, 1, 1), synchronised=False))
    monkeypatch.setattr(doctor, "_output", lambda _: None)
    checks = checked(changed(config, "camera", source=str(tmp_path / "absent.mp4")))
    faulty = [name for name, check in checks.items() if not check.ok]
    assert faulty == [name for name in NAMES if name != "services"]
    for name in faulty:
        assert checks[name].detail
        assert checks[name].remedy
    assert checks["camera"] == Check("camera", False, f"{tmp_path}/absent.mp4: no such file", "check the name")
    assert checks["model"].remedy == "get it back with git"
    assert checks["disk"].detail == "0.1 of 8.0 GB free"
    assert checks["sign-in"].remedy == "set it anew: kneeline set-password"
    assert checks["database"].remedy == "move it away, or name another under [store] path"


def test_camera_and_pins_are_left_to_a_running_device(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("the running device's own")

    monkeypatch.setattr(doctor, "all_off", never)
    monkeypatch.setattr(doctor, "open_source", never)
    with Store.open(config.database_path()), LivePublisher(config.socket_path()) as live:
        live.publish({"type": "health", "gpio": True, "gpio_note": None})
        live.publish({"type": "frame", "message": "too dark: more light is needed", "store_fault": None})
        checks = checked(config)
    for name in ("camera", "GPIO"):
        assert checks[name] == Check(name, True, "in use by the running device")
    assert checks["database"].ok


def test_what_the_running_device_lacks_is_a_fault(config: Config) -> None:
    lost = "sessions are not stored: k.db is read-only; give the service's user write access; then restart Kneeline"
    with LivePublisher(config.socket_path()) as live:
        live.publish({"type": "health", "gpio_note": "no GPIO here (no such chip): cues are shown on the page only"})
        live.publish(
            {
                "type": "frame",
                "message": "no camera: there is no camera at /dev/video0; plug one in",
                "store_fault": lost,
            }
        )
        checks = checked(config)
    assert checks["camera"] == Check("camera", False, "no camera: there is no camera at /dev/video0", "plug one in")
    assert not checks["GPIO"].ok
    assert "no such chip" in checks["GPIO"].detail
    assert "python3-lgpio" in checks["GPIO"].remedy
    what, _, remedy = lost.partition("; ")
    assert checks["database"] == Check("database", False, what, remedy)


@pytest.mark.parametrize(
    ("note", "detail", "remedy"),
    [
        ("GPIO failed (x): check the wiring, then restart", "GPIO failed (x)", "check the wiring, then restart"),
        ("switched off by [cues] enabled = false", "switched off by [cues] enabled = false", "restart Kneeline"),
    ],
)
def test_pins_that_the_running_device_does_not_drive(config: Config, note: str, detail: str, remedy: str) -> None:
    with LivePublisher(config.socket_path()) as live:
        live.publish({"type": "health", "gpio_note": note})
        live.publish({"type": "frame", "message": None, "store_fault": None})
        pins = checked(config)["GPIO"]
    assert (pins.ok, pins.detail) == (False, detail)
    assert pins.remedy.startswith(remedy)


def test_a_device_that_starts_has_told_nothing_yet(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "last_told", lambda _: {})
    checks = checked(config)
    for name in ("camera", "GPIO"):
        assert checks[name] == Check(name, True, "the running device starts, and has not told of it yet")


@pytest.mark.parametrize("name", ["kneeline.db", "kneeline.db.lock"])
def test_root_is_told_what_the_service_cannot_write(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Root may write everything; the device is who owns the folder."""
    Store.open(config.database_path()).close()
    file = tmp_path / name
    remedy = f"sudo chmod u+w {file}"
    if os.geteuid() == 0:
        for one in (tmp_path, *tmp_path.iterdir()):
            os.chown(one, 12345, 12345)
        os.chown(file, 0, 0)
        remedy = f"sudo chown 12345: {file}"
    file.chmod(0o444)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "access", lambda *_: True)
    found = doctor._database(config.database_path(), {})
    assert (found.ok, found.remedy) == (False, remedy)


def test_a_database_that_cannot_be_made_is_a_fault() -> None:
    found = doctor._database(Path("/proc/x/k.db"), {})
    assert not found.ok
    assert found.detail.startswith("/proc/x/k.db: its folder cannot be made")
    assert found.remedy == "name a file in a folder that may be written"


def test_whether_the_page_asks_for_a_password_is_said(config: Config) -> None:
    assert checked(config)["sign-in"].detail == "no password is set: all on the local network may use the page"
    set_password(password_path(config), "hip over knee")
    assert checked(config)["sign-in"] == Check("sign-in", True, "a password is set")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_a_page_for_the_box_alone_is_not_said_to_be_for_all(config: Config, host: str) -> None:
    alone = config.model_copy(update={"web": config.web.model_copy(update={"host": host})})
    said = f'no password is set: [web] host = "{host}" serves this machine only'
    assert checked(alone)["sign-in"] == Check("sign-in", True, said)


def test_lens_height_is_said_and_whence(config: Config) -> None:
    assert "typed on the page Set up" in checked(config)["lens"].detail
    known = changed(config, "camera", height_m=1.1)
    assert checked(known)["lens"].detail == "110 cm above the belt, told in the settings"
    with Store.open(config.database_path()) as store:
        store.set_setting(SETTING, 1.185)
    assert checked(known)["lens"] == Check("lens", True, "118.5 cm above the belt, told on the page Set up")


def test_cues_that_are_switched_off_need_no_gpio(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "all_off", lambda _: "no GPIO here")
    assert checked(changed(config, "cues", enabled=False))["GPIO"].ok
    assert not checked(config)["GPIO"].ok


@pytest.mark.parametrize(
    ("states", "ok", "detail"),
    [
        ({}, True, "not installed: started by hand"),
        ({"kneeline-device.service": "active", "kneeline-web.service": "active"}, True, "kneeline-device active, "),
        ({"kneeline-device.service": "failed", "kneeline-web.service": "active"}, False, "kneeline-device failed, "),
        ({"kneeline-web.service": "active", "kneeline-kiosk.service": "active"}, True, "kneeline-web active, kneel"),
        ({"kneeline-web.service": "active", "kneeline-kiosk.service": "activating"}, False, "kneeline-web active, k"),
    ],
)
def test_services(monkeypatch: pytest.MonkeyPatch, states: dict[str, str], ok: bool, detail: str) -> None:
    def systemctl(command: list[str]) -> str:
        unit = command[-1]
        if command[1] == "show":
            return "loaded" if unit in states else "not-found"
        return states[unit]

    monkeypatch.setattr(doctor, "_output", systemctl)
    monkeypatch.setattr("shutil.which", lambda _: "/bin/systemctl")
    monkeypatch.setattr(Path, "exists", lambda _: True)
    check = doctor._services()
    assert (check.ok, check.detail.startswith(detail)) == (ok, True)
    faulty = next((unit for unit, state in states.items() if state != "active"), None)
    assert ok or check.remedy == f"sudo systemctl restart {faulty}; journalctl -u {faulty} -n 50"


@pytest.fixture
def zone() -> Iterator[Callable[[str], None]]:
    """Sets the machine's time zone."""
    with pytest.MonkeyPatch.context() as there:

        def put(name: str) -> None:
            there.setenv("TZ", name)
            time.tzset()

        yield put
    time.tzset()


@pytest.mark.parametrize(
    ("year", "told", "words"),
    [
        (1970, "yes", "1970-01-01 00:00 UTC, synchronised"),  # from before the product
        (2026, "no", "2026-01-01 00:00 UTC, not synchronised"),
        (2026, "yes", None),
        (2026, "Failed to connect to bus", None),
        (2026, None, None),
    ],
)
def test_a_clock_that_is_wrong_is_a_fault(
    zone: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    year: int,
    told: str | None,
    words: str | None,
) -> None:
    zone("UTC")

    class Set(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Set:
            return cls(year, 1, 1, tzinfo=tz)

    monkeypatch.setattr(health, "datetime", Set)
    monkeypatch.setattr(health, "_MODULES", tmp_path / "none")
    monkeypatch.setenv("PATH", f"{tmp_path}")
    if told is not None:
        program = tmp_path / "timedatectl"
        program.write_text(f"#!/bin/sh\necho '{told}'\n")
        program.chmod(0o755)
    check = doctor._clock()
    assert (check.ok, bool(check.remedy)) == (words is None, words is not None)
    assert words in (None, check.detail)


@pytest.mark.parametrize(
    ("told", "shown", "words", "remedy"),
    [
        ("no", "{now}", "kept by the clock module", ""),
        ("no", "{ahead}", "kept by the clock module", ""),
        ("yes", "1000", "synchronised", ""),  # it is set by and by
        ("no", "1000", "not synchronised", "connect the network once; .*; the clock module shows another time"),
        ("no", "", "not synchronised", "the clock module shows another time"),
        ("no", None, "not synchronised", "the clock module shows another time"),  # its battery was empty: no time
    ],
)
def test_a_clock_that_a_module_keeps_without_a_network_is_to_be_trusted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, told: str, shown: str | None, words: str, remedy: str
) -> None:
    """A box without a network had a fault for ever, though it had the clock module that the fault asked for."""
    monkeypatch.setattr(health, "_MODULES", tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}")
    program = tmp_path / "timedatectl"
    program.write_text(f"#!/bin/sh\necho '{told}'\n")
    program.chmod(0o755)
    (tmp_path / "rtc0").mkdir()
    if shown is not None:
        now = int(datetime.now(UTC).timestamp())
        (tmp_path / "rtc0" / "since_epoch").write_text(shown.format(now=now, ahead=now + 90) + "\n")
    check = doctor._clock()
    assert check.ok is not bool(remedy)
    assert check.detail.endswith(f", {words}")
    assert re.search(remedy, check.remedy) if remedy else check.remedy == ""


def test_the_clock_is_told_as_the_times_of_sessions_are_shown(zone: Callable[[str], None]) -> None:
    """Whoever sees that it is hours off finds a time zone that was never set."""
    zone("EST5")
    now = health.Clock(datetime(2026, 7, 2, 3, 5, tzinfo=UTC), synchronised=True)
    assert now.words == "2026-07-01 22:05 EST, synchronised"


def test_what_the_machine_cannot_tell_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert health.temperature_c(tmp_path / "absent") is None
    assert health.throttling() is None
    (tmp_path / "temp").write_text("48312\n")
    assert health.temperature_c(tmp_path / "temp") == pytest.approx(48.312)


def test_the_firmwares_complaints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "vcgencmd"
    tool.write_text("#!/bin/sh\necho throttled=0x50000\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert health.throttling() == [
        "under-voltage since boot: use the Pi's own power supply",
        "throttled since boot: cool it",
    ]
    assert health.complaints(0) == []


def test_room_is_that_of_the_nearest_folder(tmp_path: Path) -> None:
    near, there = health.disk(tmp_path / "a" / "b.db"), health.disk(tmp_path)
    assert near is not None
    assert there is not None
    assert near.total == there.total > near.free > 0


@pytest.mark.usefixtures("pins")
def test_model_says_what_this_board_takes(config: Config) -> None:
    detail = checked(config)["model"].detail
    assert "movenet-thunder-int8" in detail
    assert "at 30 frames per second" in detail
    assert " ms on " in detail


@pytest.mark.usefixtures("pins")
def test_picture_is_what_set_up_said_in_the_last_session(config: Config) -> None:
    """But for the angles to the legs, which are the placement's."""
    assert checked(config)["picture"].detail == "not known yet: it needs a session"
    told = [
        aim.Check("whole", "Whole runner in the picture", "bad", "cut off (feet)", "Tilt the camera down a little."),
        aim.Check("distance", "Distance", "good", "about 2.9 m"),
        aim.Check("azimuth_left", "Angle to the left leg", "warn", "+9.4°", "Move it."),
    ]
    with Store.open(config.database_path()) as store:
        store.set_setting(aim.SETTING, {"utc": "2026-03-01T10:00:00Z", "checks": [asdict(check) for check in told]})
    picture = checked(config)["picture"]
    assert not picture.ok
    assert picture.remedy == "Tilt the camera down a little."
    assert picture.detail == "2026-03-01 10:00 UTC: whole runner in the picture: cut off (feet); distance: about 2.9 m"


@pytest.mark.usefixtures("pins")
def test_more_sessions_than_may_be_are_a_fault_and_the_limit_is_told(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store.open(config.database_path()) as store:
        store.end_session(store.begin_session(SessionHeader(source="clip", model="m", app_version="0")))
    assert checked(config)["sessions"] == Check("sessions", True, "1 session, 0 of at most 4000 MB")
    monkeypatch.setattr(StoreReader, "used_bytes", lambda _: 4_321_000_000)
    monkeypatch.setattr(retention, "disk", lambda _: health.Disk(total=32_000_000_000, free=10_000_000_000))
    remedy = "delete some that have a runner's name (page Sessions), or raise [store] max_mb"
    assert checked(config)["sessions"] == Check("sessions", False, "1 session, 4321 of at most 4000 MB", remedy)
    monkeypatch.setattr(retention, "disk", lambda _: health.Disk(total=6_000_000_000, free=1_000_000_000))
    assert checked(config)["sessions"].remedy.endswith("or use a larger card")


@pytest.mark.usefixtures("pins")
def test_a_check_that_fails_itself_is_a_fault_and_the_others_are_told(config: Config) -> None:
    with Store.open(config.database_path()) as store:
        store.set_setting(aim.SETTING, {"utc": "2026-03-01T10:00:00Z"})
    found = checked(config)
    assert (found["picture"].ok, found["database"].ok) == (False, True)
    assert found["picture"].detail == "could not be checked, by a fault of this program (KeyError: 'checks')"


@pytest.mark.usefixtures("pins")
def test_model_says_why_this_runtime(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    choice = Choice("litert", 2, 3.04, {"litert with 1 thread(s)": 4.1, "tflite with 1 thread(s)": 35.2})
    monkeypatch.setattr(doctor, "best_choice", lambda *_: choice)
    said = "3.0 ms on litert with 2 thread(s) (tried: 4.1 ms on litert with 1 thread(s), 35.2 ms on tflite with 1 "
    assert said in checked(config)["model"].detail


@pytest.mark.usefixtures("pins")
def test_a_board_that_is_busy_is_not_measured(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be slower than it is, and be kept so; what the running device measured before it began is told."""
    monkeypatch.setattr(doctor, "last_told", lambda _: {})
    monkeypatch.setattr(doctor, "best_choice", lambda *_: pytest.fail("measured"))
    monkeypatch.setattr(doctor, "kept_choice", lambda *_: None)
    assert "not measured alone yet" in checked(config)["model"].detail
    thunder = load_weights("thunder")
    monkeypatch.setattr(doctor, "kept_choice", lambda one, *_: Choice("litert", 2, 9.0) if one == thunder else None)
    assert "takes movenet-thunder-int8 at 30 frames" in checked(config)["model"].detail


@pytest.mark.usefixtures("pins")
@pytest.mark.parametrize(("state", "ok"), [("good", True), ("approximate", True), ("refused", False)])
def test_placement_is_that_of_the_last_session_that_could_tell(config: Config, state: str, ok: bool) -> None:
    told = {"azimuth_left_deg": 6.2, "azimuth_right_deg": 4.1, "state": state, "advice": None}
    told["moved"] = state == "approximate"
    unknown = {"state": "unknown", "advice": "Not known yet"}
    with Store.open(config.database_path()) as store:
        for camera in (told | {"advice": "Move the camera 30 cm to the left."}, unknown):
            session_id = store.begin_session(SessionHeader(source="x", model="x", app_version="1"))
            store.update_session(session_id, camera=camera)
            store.end_session(session_id)
    placement = checked(config)["placement"]
    assert placement.ok is ok
    assert "session 1" in placement.detail
    assert "Move the camera 30 cm to the left." in placement.detail + placement.remedy
    assert ("moved during it" in placement.detail) is (state == "approximate")
