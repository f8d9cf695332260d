"""The aiming help, on the demo clip's true keypoints and on changed ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from device.aim import AimWindow, LastAim, extent
from device.live import Message
from model.camera_pose import TOLD_DOUBTED
from model.pose import Joint
from model.words import sentence

Make = Callable[..., Message]


def report(frames: list[Message], health: Message | None = None, live: bool = True) -> dict[str, Any]:
    window = AimWindow()
    for n, message in enumerate(frames):
        window.add(message, n / 15)
    return window.report(health, live)


def checks(aim: dict[str, Any]) -> dict[str, Any]:
    return {check["key"]: check for check in aim["checks"]}


def moved(message: Message, scale: float = 1.0, right_px: float = 0.0, down_px: float = 0.0) -> Message:
    """The runner scaled about the picture's centre, then shifted."""
    points = [
        [320 + (x - 320) * scale + right_px, 240 + (y - 240) * scale + down_px, s] for x, y, s in message["keypoints"]
    ]
    return {**message, "keypoints": points}


@pytest.fixture
def stride(frame: Make) -> list[Message]:
    return [frame(n) for n in range(30)]


def test_well_placed_camera_is_good(stride: list[Message], health: Make) -> None:
    aim = report(stride, health())
    assert aim["seen"]
    assert {check["state"] for check in aim["checks"]} == {"good"}


def test_crown_and_soles_are_reckoned_in(truth: Message) -> None:
    """The demo runner's crown is 1.70 m and the sole 0 m above the belt: the eyes and ankles alone would miss both."""
    points = [[x, y, 0.8] for x, y in truth["frames"][0]["uv"]]
    reach = extent(points, (640, 480))
    assert reach is not None
    eyes, ankles = min(p[1] for p in points[1:3]), max(p[1] for p in points[15:])
    assert reach.top * 480 == pytest.approx(eyes - 0.0713 * (ankles - eyes), abs=0.5)
    assert reach.bottom * 480 == pytest.approx(ankles + 0.0435 * (ankles - eyes), abs=0.5)


@pytest.mark.parametrize(
    ("change", "state", "advice"),
    [
        ({"down_px": -90}, "bad", "Tilt the camera up"),
        ({"down_px": 60}, "bad", "Tilt the camera down"),
        ({"right_px": -290}, "bad", "Turn the camera to the left"),
        ({"right_px": 290}, "bad", "Turn the camera to the right"),
        ({"scale": 1.4}, "bad", "further away"),
    ],
)
def test_runner_cut_off_is_seen_with_the_remedy(
    stride: list[Message], change: dict[str, float], state: str, advice: str
) -> None:
    whole = checks(report([moved(message, **change) for message in stride]))["whole"]
    assert whole["state"] == state
    assert advice in whole["advice"]


def test_tallest_stride_counts(stride: list[Message]) -> None:
    """One frame at the edge is enough, although all others are well inside."""
    high = [*stride[:-1], moved(stride[-1], down_px=-90)]
    assert checks(report(high))["whole"]["state"] == "bad"


def test_small_runner_is_said(stride: list[Message]) -> None:
    size = checks(report([moved(message, scale=0.5) for message in stride]))["size"]
    assert size["state"] == "warn"
    assert "nearer" in size["advice"]


@pytest.mark.parametrize(("score", "state"), [(0.8, "good"), (0.45, "warn"), (0.31, "bad")])
def test_light_goes_by_the_joints_confidence(stride: list[Message], score: float, state: str) -> None:
    dim = [{**m, "keypoints": [[x, y, score] for x, y, _ in m["keypoints"]]} for m in stride]
    assert checks(report(dim))["light"]["state"] == state


@pytest.mark.parametrize(("of_ten", "state"), [(0, "good"), (2, "warn"), (6, "bad")])
def test_pictures_that_are_too_poor_are_said_with_their_reason(stride: list[Message], of_ten: int, state: str) -> None:
    """However surely the joints of the others are seen."""
    poor = {"quality": 0.4, "message": "too dark: more light is needed"}
    light = checks(report([{**m, **poor} if n % 10 < of_ten else m for n, m in enumerate(stride)]))["light"]
    assert light["state"] == state
    assert (light["advice"] == "Too dark: more light is needed.") is (of_ten > 0)


@pytest.mark.parametrize(("softness", "state"), [(None, "unknown"), (0.95, "good"), (1.4, "warn"), (2.5, "bad")])
def test_a_soft_lens_is_said_with_the_ring_to_turn(
    stride: list[Message], health: Make, softness: float | None, state: str
) -> None:
    focus = checks(report(stride, health(softness=softness)))["focus"]
    assert focus["state"] == state
    assert ("turn its ring" in (focus["advice"] or "")) is (state in ("warn", "bad"))
    assert softness is None or f"{softness:.2f}" in focus["value"]


def test_two_people_are_no_fault_of_the_light(stride: list[Message]) -> None:
    crowded = [{**m, "quality": 0.2, "message": "two people on the belt: nothing is counted"} for m in stride]
    assert checks(report(crowded))["light"]["state"] == "good"


@pytest.mark.parametrize(("judged", "state"), [("refused", "bad"), ("approximate", "warn")])
def test_oblique_camera_is_said_with_the_devices_advice(frame: Make, judged: str, state: str) -> None:
    advice = "turn the camera 10° to the left"
    camera = {
        "azimuth_left_deg": 9.4,
        "azimuth_right_deg": 12.6,
        "roll_deg": -3.0,
        "state": judged,
        "advice": advice,
    }
    found = report([frame(n, camera=camera) for n in range(10)])
    states = {key: check["state"] for key, check in checks(found).items()}
    assert (states["azimuth_left"], states["azimuth_right"], states["roll"]) == (state, state, "warn")
    assert checks(found)["azimuth_right"]["advice"] == advice
    assert checks(found)["azimuth_right"]["value"] == "+12.6°"
    assert checks(found)["roll"]["value"] == "−3.0°"
    assert found["advice"] == advice


def test_distance_is_told_by_the_runners_height(stride: list[Message], health: Make) -> None:
    """The demo clip's camera stands 3.3 m away; its runner's crown is 1.70 m above the belt."""
    heights = (170.0, None, 85.0, 340.0)
    of = {cm: checks(report(stride, health(height_cm=cm, vfov_deg=37.0)))["distance"] for cm in heights}
    assert float(of[170.0]["value"].split()[1]) == pytest.approx(3.3, rel=0.1)
    assert of[None]["value"].endswith("for a runner of 172 cm")
    assert [of[cm]["state"] for cm in (170.0, 85.0, 340.0)] == ["good", "warn", "warn"]
    assert "further away" in of[85.0]["advice"]
    assert "nearer" in of[340.0]["advice"]


def test_what_a_session_showed_is_kept_early_and_at_its_end(stride: list[Message], health: Make, frame: Make) -> None:
    """Each time the newest in which somebody was seen."""
    kept: list[Message] = []
    last = LastAim(kept.append)
    for n in range(25 * 15):
        last.step(stride[n % len(stride)] if n < 24 * 15 else frame(n, keypoints=None), health, n / 15)
    assert len(kept) == 1
    last.end()
    last.end()
    assert len(kept) == 2
    assert {check["state"] for check in checks(kept[1]).values()} == {"good"}


def test_camera_that_was_moved_is_said(frame: Make) -> None:
    still, moved = (checks(report([frame(n, camera={"moved": moved}) for n in range(10)])) for moved in (False, True))
    assert "moved" not in still
    assert moved["moved"]["state"] == "warn"


def test_position_not_found_yet_is_unknown_not_good(frame: Make) -> None:
    found = checks(report([frame(n, camera={"azimuth_left_deg": None}) for n in range(10)]))
    assert found["azimuth_left"]["state"] == "unknown"


def test_side_view_asks_for_no_azimuth(frame: Make) -> None:
    assert "azimuth_left" not in checks(report([frame(n, view="side") for n in range(10)]))


def test_nobody_or_silence_is_unknown(frame: Make, health: Make) -> None:
    for aim in (report([]), report([frame(keypoints=None)]), report([frame()], health(), live=False)):
        assert not aim["seen"]
        assert "good" not in {c["state"] for c in aim["checks"] if c["key"] in ("whole", "size", "light", "rate")}


@pytest.mark.parametrize(
    ("told", "state", "value"),
    [
        ({"camera_height_m": None, "belt_speed_m_s": None}, "warn", "not told"),
        ({"camera_height_m": 1.185, "belt_speed_m_s": None}, "good", "lens 118.5 cm"),
        ({"camera_height_m": None, "belt_speed_m_s": 2.5}, "good", "belt 9.0 km/h"),
        ({"camera_height_m": 1.2, "belt_speed_m_s": 3.0}, "good", "belt 10.8 km/h, lens 120 cm"),
    ],
)
def test_what_is_told_of_belt_and_lens_is_said(
    stride: list[Message], health: Make, told: Message, state: str, value: str
) -> None:
    found = checks(report(stride, health(**told)))["told"]
    assert (found["state"], found["value"]) == (state, value)
    assert ("type below how high the lens is" in (found["advice"] or "")) is (state == "warn")
    said = f"{TOLD_DOUBTED}: belt 30.0 km/h. Put it right."
    doubted = [{**message, "camera": {**message["camera"], "advice": said}} for message in stride]
    found = checks(report(doubted, health(**told)))["told"]
    assert (found["state"], found["advice"] == said) == ("warn" if state == "warn" else "bad", state != "warn")
    assert "told" not in checks(report([{**message, "view": "side"} for message in stride], health(**told)))


def test_runner_without_feet_is_not_whole(frame: Make) -> None:
    message = frame()
    for joint in (Joint.LEFT_ANKLE, Joint.RIGHT_ANKLE):
        message["keypoints"][joint][2] = 0.1
    assert checks(report([message]))["whole"]["state"] == "unknown"


def test_an_upside_down_picture_says_so_and_nothing_of_sizes(stride: list[Message]) -> None:
    """Not that the runner is so many per cent of the picture's height below zero."""
    said = "the picture is upside down: set [camera] rotation = 180, or turn the camera"
    turned = [
        message
        | {"message": said, "quality": 0.2}
        | {"keypoints": [[x, message["image_size"][1] - y, score] for x, y, score in message["keypoints"]]}
        for message in stride
    ]
    said_of = checks(report(turned))
    assert said_of["whole"]["advice"] == sentence(said)
    assert {said_of[key]["state"] for key in ("whole", "size", "distance", "light")} == {"unknown"}


def test_slow_camera_is_said(stride: list[Message], health: Make) -> None:
    rate = checks(report(stride, health(fps=12.0)))["rate"]
    assert rate["state"] == "bad"
    assert rate["advice"] == "Below 20 running cannot be measured: add light, or lower [camera] fps."


def test_slow_film_is_not_laid_to_a_setting_of_the_camera(stride: list[Message], health: Make) -> None:
    rate = checks(report(stride, health(fps=12.0, film=True)))["rate"]
    assert rate["state"] == "bad"
    assert "Below 20 running cannot be measured: take a film" in rate["advice"]
    assert "[camera]" not in rate["advice"]


def test_pictures_that_are_looked_at_twice_for_a_test_are_no_slow_camera(frame: Make, health: Make) -> None:
    rate = checks(report([frame(state="testing")], health(fps=14.0)))["rate"]
    assert (rate["state"], rate["advice"]) == ("unknown", None)
