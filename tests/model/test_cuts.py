"""That a cut in a film is told, and nothing that happens before a camera is taken for one."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from model.cuts import Cuts
from model.pose import Pose, View
from tests.model.bystanders import Image, body_mask
from tests.model.room import make_world, shown, with_person
from tests.model.walkers import Camera, Walker

_FPS = 30
_CUT_S = 3.0


def _told(of: Callable[[float], Image], seconds: float = 6.0, fps: float = _FPS) -> tuple[list[float], list[float]]:
    """When another set-up was seen, and since when it was sure to be."""
    cuts, cut_s, since_s = Cuts(), [], []
    for n in range(round(seconds * fps)):
        t_s = n / fps
        if cuts.scene(of(t_s), t_s):
            cut_s.append(t_s)
        if (sure_s := cuts.sure_since_s()) is not None:
            since_s.append(sure_s)
    return cut_s, since_s


@pytest.mark.parametrize("other", [shown(make_world(5)), shown(make_world(), 150), shown(make_world(), 0, 0, 12)])
def test_a_cut_to_another_set_up_is_told_in_its_first_picture_and_is_sure_a_second_later(other: Image) -> None:
    room = shown(make_world())
    assert _told(lambda t_s: room if t_s < _CUT_S else other) == ([_CUT_S], [_CUT_S])


def test_of_two_cuts_in_short_succession_the_camera_has_stood_elsewhere_since_the_first() -> None:
    rooms = [shown(make_world(seed)) for seed in (7, 5, 9)]
    between_s = _CUT_S + 0.6
    cut_s, since_s = _told(lambda t_s: rooms[int(t_s >= _CUT_S) + int(t_s >= between_s)])
    assert cut_s == [_CUT_S, between_s] or cut_s == [_CUT_S]
    assert since_s == [_CUT_S]


def test_a_damaged_picture_and_a_shot_between_are_no_other_set_up() -> None:
    room, other = shown(make_world()), shown(make_world(5))
    _, since_s = _told(lambda t_s: other if _CUT_S <= t_s < _CUT_S + 0.5 else room)
    assert since_s == []


def test_a_film_of_another_size_that_follows_is_no_cut() -> None:
    room, other = shown(make_world()), shown(make_world(5))[:400]
    assert _told(lambda t_s: room if t_s < _CUT_S else other) == ([], [])


def _flickers(t_s: float) -> float:
    return 0.75 + 0.25 * math.sin(2 * math.pi * 10.3 * t_s)


def _is_switched(t_s: float) -> float:
    return 0.25 if _CUT_S <= t_s < 4.5 else 1.0


def _goes_out(t_s: float) -> float:
    return 0.01 if t_s >= _CUT_S else 1.0


def _adjusts(t_s: float) -> float:
    return 1.0 if t_s < _CUT_S else max(0.5, 1.0 - 2 * (t_s - _CUT_S))


@pytest.mark.parametrize("light", [_flickers, _is_switched, _goes_out, _adjusts])
def test_light_that_changes_is_no_cut(light: Callable[[float], float]) -> None:
    room = shown(make_world()).astype(np.float32)
    assert _told(lambda t_s: (room * light(t_s)).astype(np.uint8)) == ([], [])


@pytest.mark.parametrize(("width_px", "speed_px_s"), [(150, 300), (330, 900), (500, 1500), (420, 1800)])
def test_who_walks_by_near_the_lens_is_no_cut(width_px: float, speed_px_s: float) -> None:
    """At 0.5 m from it a picture of 640 px is 0.4 m wide."""
    room = shown(make_world())
    assert _told(lambda t_s: with_person(room, -300 + speed_px_s * t_s, width_px)) == ([], [])


def test_who_walks_into_a_nearly_bare_room_is_no_cut() -> None:
    """Of the few places that hold anything, whoever comes changes a third at once."""
    bare = np.full_like(shown(make_world()), 120)
    for x, y in itertools.product((40, 120, 500, 580), (80, 240, 400)):
        bare[y : y + 12, x : x + 12] = 30
    assert _told(lambda t_s: with_person(bare, 40, 150) if t_s >= _CUT_S else bare) == ([], [])


@pytest.mark.parametrize("fps", [10.0, 15.0])
def test_who_walks_by_in_few_pictures_is_no_cut(fps: float) -> None:
    room = shown(make_world())
    assert _told(lambda t_s: with_person(room, -300 + 1500 * t_s, 500), fps=fps) == ([], [])


@pytest.mark.parametrize("swing_px", [6.0, 22.0])
def test_a_camera_that_shakes_is_no_cut(swing_px: float) -> None:
    world = make_world()
    assert _told(lambda t_s: shown(world, swing_px * math.sin(2 * math.pi * 2.8 * t_s))) == ([], [])


def test_a_camera_that_is_turned_is_no_cut() -> None:
    world = make_world()
    assert _told(lambda t_s: shown(world, 200 * min(max(t_s - _CUT_S, 0.0), 1.0))) == ([], [])


_DIM_ROOM = np.asarray(shown(make_world(clutter=60)) // 2, np.uint8)


def _drawn(pose: Pose, light: float = 1.0) -> Image:
    """Somebody in white before a room."""
    body = body_mask(_DIM_ROOM.shape, pose.xy_px)[..., None]
    return np.asarray((_DIM_ROOM * (1 - body) + 250 * body) * light, np.uint8)


def _jumps(poses: list[Pose], times_s: list[float], light: Callable[[float], float] = lambda _: 1.0) -> list[int]:
    cuts, jumps = Cuts(), []
    for n, (pose, t_s) in enumerate(zip(poses, times_s, strict=True)):
        assert not cuts.scene(_drawn(pose, light(t_s)), t_s)
        if cuts.jump(replace(pose, t_s=t_s)):
            jumps.append(n)
    return jumps


def _run(view: View, seconds: float = 5.0) -> list[Pose]:
    return list(Walker().poses(float(_FPS), seconds, Camera(view), 0.5))


@pytest.mark.parametrize(("view", "missing"), [(View.FRONT, 9), (View.SIDE, 4)])
def test_a_runner_who_is_elsewhere_at_once_tells_that_the_film_was_halted_and_went_on(view: View, missing: int) -> None:
    poses = _run(view)
    assert _jumps(poses, [pose.t_s for pose in poses]) == []
    joined = [*poses[:70], *poses[70 + missing :]]
    assert _jumps(joined, [n / _FPS for n in range(len(joined))]) == [70]


@pytest.mark.parametrize("view", [View.FRONT, View.SIDE])
def test_pictures_that_are_missing_by_their_times_and_doubled_ones_are_no_cut(view: View) -> None:
    poses = _run(view)
    missing = [*poses[:70], *poses[72:]]
    assert _jumps(missing, [pose.t_s for pose in missing]) == []
    doubled = [poses[n - (n > 60 and n % 9 == 0)] for n in range(len(poses))]
    assert _jumps(doubled, [n / _FPS for n in range(len(doubled))]) == []


def test_a_runner_in_light_that_changes_has_not_jumped() -> None:
    poses = _run(View.FRONT)
    assert _jumps(poses, [pose.t_s for pose in poses], _is_switched) == []


def test_nobody_has_not_jumped() -> None:
    cuts = Cuts()
    assert not any(cuts.scene(_DIM_ROOM, n / _FPS) or cuts.jump(None) for n in range(60))
