"""That a moved or shaken camera is told by what stands behind the runner, and nothing else is taken for it."""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from device.cameras.video import VideoSource
from model.background import Background
from model.pose import Pose
from tests.model.bystanders import Image
from tests.model.room import WORLD_PX, make_world, shown, with_person

_FPS = 12


def _film(of: Callable[[float], Image], seconds: float) -> Iterator[tuple[Image, float]]:
    return ((of(n / _FPS), n / _FPS) for n in range(int(seconds * _FPS)))


def _told(film: Iterator[tuple[Image, float]], background: Background | None = None) -> list[tuple[float, float]]:
    """When it was told that the camera was moved, and since when that may have been so."""
    background = background or Background()
    said = [(t_s, background.step(image, t_s, None)) for image, t_s in film]
    return [(t_s, t_s - ago_s) for t_s, ago_s in said if ago_s is not None]


@pytest.mark.parametrize(
    ("right_px", "down_px", "roll_deg"), [(60, 0, 0), (-90, 20, 0), (0, 50, 0), (0, 0, 4), (50, -20, -3)]
)
def test_a_moved_camera_is_told_once_it_stands_still_again(right_px: float, down_px: float, roll_deg: float) -> None:
    world = make_world()

    def knocked(t_s: float) -> Image:
        share = min(max(t_s - 4.0, 0.0) / 0.5, 1.0)
        return shown(world, share * right_px, share * down_px, share * roll_deg)

    ((told_s, since_s),) = _told(_film(knocked, 12.0))
    assert 4.5 < told_s < 6.5
    assert 3.5 < since_s <= 4.3


def test_while_it_is_moved_that_is_suspected() -> None:
    world, background = make_world(), Background()
    suspected = []
    for image, t_s in _film(lambda t_s: shown(world, 60.0 if t_s >= 4.0 else 0.0), 8.0):
        background.step(image, t_s, None)
        suspected.append((t_s, background.moving))
    times_s = [t_s for t_s, moving in suspected if moving]
    assert 4.0 <= times_s[0] < 4.3
    assert times_s[-1] < 5.5


def test_it_is_moved_again_from_where_it_was_moved_to() -> None:
    world = make_world()
    told = _told(_film(lambda t_s: shown(world, 60.0 * (t_s > 4) + 60.0 * (t_s > 9)), 14.0))
    assert [round(since_s) for _, since_s in told] == [4, 9]


@pytest.mark.parametrize("width_px", [150, 330])
def test_who_walks_by_stands_and_goes_has_not_moved_it(width_px: float) -> None:
    room = shown(make_world())

    def walks(t_s: float) -> Image:
        return with_person(room, min(-200 + 120 * t_s, 330) if t_s < 12 else 330 + 120 * (t_s - 12), width_px)

    assert _told(_film(walks, 20.0)) == []


def test_who_stands_close_before_it_and_steps_aside_has_not_moved_it() -> None:
    """Seen first, and most of the picture: what is at rest behind them speaks against it."""
    room = shown(make_world())
    assert _told(_film(lambda t_s: with_person(room, 250 if t_s < 4 else 340, 420), 10.0)) == []


def test_light_that_changes_has_not_moved_it() -> None:
    room = shown(make_world()).astype(np.float32)
    assert _told(_film(lambda t_s: (room * (1.0 if t_s < 4 else 0.4)).astype(np.uint8), 10.0)) == []


def test_a_thing_that_is_put_elsewhere_has_not_moved_it() -> None:
    room, thing = shown(make_world()), shown(make_world(5))[:200, :250]

    def put(t_s: float) -> Image:
        image, x = room.copy(), 100 if t_s < 4 else 160
        image[150:350, x : x + 250] = thing
        return image

    assert _told(_film(put, 10.0)) == []


def test_before_a_bare_wall_nothing_is_told() -> None:
    world = np.full((*WORLD_PX, 3), 150, np.uint8)
    world[600:] = 90
    background = Background()
    assert _told(_film(lambda t_s: shown(world, 60.0 * (t_s > 4)), 8.0), background) == []
    assert not background.moving
    assert not background.shaken


@pytest.mark.parametrize(("swing_px", "shaken"), [(0.0, False), (0.5, False), (4.0, True), (22.0, True)])
def test_a_camera_that_trembles_is_told(swing_px: float, shaken: bool) -> None:
    """With every step, as on a rail of the belt."""
    world, background = make_world(), Background()
    film = _film(lambda t_s: shown(world, swing_px * math.sin(2 * math.pi * 2.8 * t_s)), 15.0)
    assert _told(film, background) == []
    assert background.shaken is shaken


def test_a_thing_that_trembles_far_from_the_others_does_not_shake_the_camera() -> None:
    """As a towel on the belt's rail: the others are all where they were, but cannot outweigh it for where it is."""
    room = np.full((480, 640, 3), 150, np.uint8)
    for x, y in [(40, 60), (40, 160), (40, 260), (130, 60)]:
        room[y : y + 40, x : x + 50] = 40

    def trembles(t_s: float) -> Image:
        image, down = room.copy(), round(4 * math.sin(2 * math.pi * 2.8 * t_s)) if t_s > 0.5 else 0
        image[400 + down : 440 + down, 540 + down : 590 + down] = 40
        return image

    background = Background()
    assert _told(_film(trembles, 8.0), background) == []
    assert not background.shaken


def test_a_camera_that_is_never_still_is_told() -> None:
    """In somebody's hand: no two pictures show a corner in the same place, but all corners go as one."""
    world, background = make_world(), Background()
    aside_px = np.random.default_rng(2).uniform(3.0, 8.0, 400).cumsum() % 20.0 - 10.0
    film = _film(lambda t_s: shown(world, float(aside_px[round(t_s * _FPS)])), 15.0)
    assert _told(film, background) == []
    assert background.shaken


_JOINTS_PX = np.random.default_rng(1).uniform((240, 80), (400, 440), (17, 2))


def _somebody(t_s: float, right_px: float = 0.0, roll_deg: float = 0.0) -> Pose:
    """Who stands still in the room, as `shown` shows it."""
    turn = cv2.getRotationMatrix2D((320, 240), roll_deg, 1.0)
    turned = _JOINTS_PX @ turn[:, :2].T + turn[:, 2]
    return Pose(t_s, np.asarray(turned - (right_px, 0.0), np.float64), np.ones(17), (640, 480))


@pytest.mark.parametrize(("swing_px", "swing_deg"), [(4.0, 0.0), (8.0, 0.0), (4.0, 1.0)])
def test_what_a_camera_that_trembles_saw_is_steadied(swing_px: float, swing_deg: float) -> None:
    """Within a few seconds, and for the long time in which the background is looked up anew."""
    world, background, fps = make_world(), Background(), 30
    seen, steadied = [], []
    for n in range(fps * 40):
        swing = math.sin(2 * math.pi * 2.8 * n / fps)
        pose = _somebody(n / fps, swing * swing_px, swing * swing_deg)
        background.step(shown(world, swing * swing_px, 0.0, swing * swing_deg), n / fps, pose)
        if n > fps * 4:
            seen.append(pose.xy_px)
            steadied.append(background.steadied(pose).xy_px)
    assert np.std(steadied, axis=0).max() < 0.15 * np.std(seen, axis=0).max()
    assert np.abs(np.mean(steadied, axis=0) - _JOINTS_PX).max() < 1.0


def test_what_a_camera_that_stands_saw_is_left_as_it_is() -> None:
    world, background = make_world(), Background()
    for n in range(90):
        pose = _somebody(n / 30)
        background.step(shown(world), n / 30, pose)
        assert background.steadied(pose) is pose


def test_where_the_background_is_lost_from_sight_nothing_is_steadied() -> None:
    world, background = make_world(), Background()
    for n in range(150):
        background.step(shown(world, 6 * math.sin(2 * math.pi * 2.8 * n / 30)), n / 30, None)
    assert background.shaken
    for n in range(150, 156):
        background.step(np.zeros((480, 640, 3), np.uint8), n / 30, None)
        assert np.array_equal(background.steadied(_somebody(n / 30)).xy_px, _JOINTS_PX)


def test_a_picture_that_is_stamped_before_the_last_one_begins_nothing_anew() -> None:
    world, background = make_world(), Background()
    film = [(shown(world, 60.0 * (t_s > 4)), t_s) for t_s in np.arange(0.0, 8.0, 0.1)]
    film[42:44] = [film[43], film[42]]
    assert len(_told(iter(film), background)) == 1


def test_a_film_that_begins_anew_or_has_another_size_is_another_one() -> None:
    world, background = make_world(), Background()
    assert _told(_film(lambda _: shown(world), 5.0), background) == []
    assert _told(_film(lambda _: shown(world, 60.0), 5.0), background) == []
    half = (shown(world)[::2, ::2] for _ in itertools.count())
    assert _told(zip(half, (5.0 + n / _FPS for n in range(60)), strict=False), background) == []


def test_real_films_of_cameras_that_stand_have_moved_none(shared: Path) -> None:
    films = sorted([*shared.glob("real/*.mp4"), *shared.glob("pose2sim/*.mp4")])
    assert films
    for path in films:
        with VideoSource(path) as source:
            film = ((frame.image, frame.t_ns / 1e9) for frame in source.frames(threading.Event()))
            assert _told(film) == [], path.name
