"""Whose pose it is: single decisions in closed form, and whole scenes with a second person."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from device.cameras.video import VideoSource
from model.analysis import AnalysisSettings, RunAnalysis
from model.company import is_another
from model.likeness import REMEMBER_S, Likeness
from model.movenet import RunnerTracker, Sight, _own_points
from model.person import Region, Sighting, Stay, trunk_colour
from model.picture_quality import frame_quality, nobody
from model.pose import FloatArray, Joint, Pose
from model.quality import COVERED, CROWDED, MIN_LEG_SCORE, MIN_SCORE, ON_ITS_SIDE, OUTSIDE, Upright
from model.runtime import PoseNet, available_runtimes, load_weights
from model.stance import MIN_QUALITY, Stance
from tests.model.bystanders import Image, Sprite, cut_out, mid_hip, off_px, torso_px, with_second_person

Film = list[tuple[float, Image, FloatArray]]
_FPS = 30


def somebody(n: int = 0, x: float = 320.0, y: float = 240.0, torso: float = 100.0, red: float = 200.0) -> Sighting:
    """A runner in frame ``n``: ankles going up and down, hips at ``x``, ``y``."""
    lift = 0.4 * float(np.sin(n * 0.6))
    knees = ((x - 15, y + 80), (x + 15, y + 80))
    ankles = ((x - 15, y + 160 - 40 * max(lift, 0)), (x + 15, y + 160 + 40 * min(lift, 0)))
    colour = np.array([red, 60.0, 60.0])
    thighs = (0.8 * torso, 0.8 * torso)
    return Sighting(n / _FPS, (x, y), (x, y - torso / 2), torso, colour, knees, ankles, thighs, lift, (640, 480))


def known(frames: int = 20) -> Likeness:
    likeness = Likeness()
    for n in range(frames):
        assert likeness.fits(somebody(n))
        likeness.add(somebody(n))
    return likeness


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({}, True),
        ({"x": 330.0}, True),
        ({"x": 370.0}, False),
        ({"torso": 115.0}, True),
        ({"torso": 150.0}, False),
        ({"red": 60.0}, True),
        ({"x": 340.0}, True),
        ({"x": 340.0, "red": 60.0}, False),
    ],
    ids=[
        "as before",
        "aside",
        "a jump",
        "leaning",
        "another size",
        "an arm before the trunk",
        "a hop",
        "hop and clothes",
    ],
)
def test_who_jumps_or_changes_size_is_somebody_else(change: dict[str, float], same: bool) -> None:
    assert known().fits(somebody(20, **change)) is same


@pytest.mark.parametrize("down_s", [0.35, 0.6, 1.0])
def test_who_squats_briskly_stays_the_same(down_s: float) -> None:
    """A trunk that leans forward looks shorter by two fifths, the faster the further from its mean of late."""
    likeness, frames = known(), round(down_s * _FPS)
    for n in range(4 * frames):
        deep = (1 - np.cos(np.pi * n / frames)) / 2
        who = somebody(20 + n, y=240.0 + 40.0 * deep, torso=100.0 * (1 - 0.4 * deep))
        assert likeness.fits(who), n
        likeness.add(who)


def test_whose_knees_go_wide_in_a_squat_has_own_legs() -> None:
    """Only of who runs they are somebody else's."""
    for runs in (False, True):
        likeness = Likeness()
        for n in range(90):
            who = somebody(n)
            who = who if runs else replace(who, ankles=0.0)
            assert likeness.has_own_legs(who, frontal=True)
            likeness.add(who)
        wide = replace(somebody(90), knees_px=((320.0 - 60, 320.0), (320.0 + 60, 320.0)))
        assert likeness.has_own_legs(wide, frontal=True) is not runs


def test_after_a_jump_only_the_same_clothes_are_taken() -> None:
    likeness = known()
    assert not likeness.fits(somebody(20, x=390.0))
    assert likeness.needs_colour(somebody(21))
    assert not likeness.fits(somebody(21, red=20.0))
    assert likeness.fits(somebody(22))


def jumped_upon() -> Likeness:
    """A runner whose pose somebody in the same clothes took over, well aside."""
    likeness = known()
    assert not likeness.fits(somebody(20, x=380.0))
    return likeness


def test_same_clothes_beside_the_runner_are_not_the_runner() -> None:
    likeness = jumped_upon()
    for n in range(21, int(REMEMBER_S * _FPS) + 15):
        assert not likeness.fits(somebody(n, x=360.0))
        assert not likeness.may_be(somebody(n, x=360.0))


def test_runner_is_taken_up_at_once_when_somebody_far_nearer_has_gone_on() -> None:
    """Twice as large they are nobody who may run there, but it counts where they went, and what they wear."""
    likeness = jumped_upon()
    for n in range(21, 36):
        likeness.note_nearer(somebody(n, x=370.0 - 10 * (n - 21), torso=220.0, red=20.0))
    taken = [likeness.may_be(somebody(n)) for n in range(37, 52)]
    assert taken.index(True) <= 9, "0.3 s"


@pytest.mark.parametrize("change", [{"x": 20.0, "torso": 220.0}, {"x": 230.0, "torso": 60.0}])
def test_who_stands_far_aside_or_behind_has_not_gone_past_the_runner(change: dict[str, float]) -> None:
    taken = []
    for told in (False, True):
        likeness = jumped_upon()
        likeness.note_nearer(somebody(21, x=340.0, torso=220.0))
        for n in range(22, 36):
            if told:
                likeness.note_nearer(somebody(n, red=20.0, **change))
        taken.append([likeness.may_be(somebody(n)) for n in range(37, 80)].index(True))
    assert taken[0] == taken[1]


@pytest.mark.parametrize("speed_m_s", [0.4, 0.5, 1.3])
def test_same_clothes_on_their_way_past_the_runner_are_not_the_runner(speed_m_s: float) -> None:
    """A torso is half a metre and 100 px."""
    likeness = jumped_upon()
    for n in range(25, 120):
        who = somebody(n, x=260 + (n - 25) / _FPS * speed_m_s * 200)
        assert not likeness.may_be(who)


def test_who_leans_into_the_runner_s_place_is_not_the_runner() -> None:
    """The trunk is where the runner's was, the hips are half a torso aside."""
    likeness = jumped_upon()
    for n in range(25, 120):
        here = somebody(n)
        assert not likeness.may_be(replace(here, hip_px=(here.hip_px[0] - 50, here.hip_px[1])))


def test_who_glides_away_with_the_pose_is_not_the_runner_again_at_once() -> None:
    likeness = known()
    likeness.lose_to_another(somebody(20, x=330.0))
    assert not any(likeness.may_be(somebody(n, x=320 + 10 * (n - 20))) for n in range(24, 120))


def test_runner_uncovered_is_taken_up_within_half_a_second() -> None:
    likeness = jumped_upon()
    taken = [likeness.may_be(somebody(n)) for n in range(60, 75)]
    assert taken[-1]
    assert not taken[0]
    assert likeness.awaited_at(74 / _FPS) == ((320.0, 190.0), 100.0, 0.0)
    assert likeness.awaited_at(19 / _FPS + REMEMBER_S + 0.1) is None


def test_clothes_of_who_half_covers_the_runner_are_not_learnt_as_theirs() -> None:
    """Between two looks at the other the pose is in the runner's place, and the trunk's colour that of both."""
    likeness = jumped_upon()
    both = somebody(22, red=140.0)
    assert likeness.may_be(both)
    likeness.add(both)
    assert not likeness.fits(somebody(23, x=390.0))
    assert any(likeness.may_be(somebody(n)) for n in range(27, 38))


def half_seen(speed_m_s: float) -> Iterator[tuple[int, Sighting]]:
    """Who comes before a runner from the right in the same clothes: nearer than 0.6 torsos the pose is made of both."""
    for n in range(21, int(REMEMBER_S * _FPS)):
        aside = 0.7 - (n - 21) / _FPS * speed_m_s * 2
        yield n, somebody(n, x=320 + 100 * (aside if abs(aside) > 0.6 else 0.5 * aside))


@pytest.mark.parametrize("speed_m_s", [0.25, 0.35, 0.5])
def test_same_clothes_slowly_before_the_runner_are_not_the_runner(speed_m_s: float) -> None:
    """In a quarter of a second such a pose moves no further than a runner sways."""
    likeness = jumped_upon()
    assert not any(likeness.may_be(who) for _, who in half_seen(speed_m_s))


@pytest.mark.parametrize("speed_m_s", [0.25, 0.35, 0.5])
def test_runner_whom_the_pose_comes_back_to_is_taken_up_within_half_a_second(speed_m_s: float) -> None:
    """The passer is half a torso beyond, and still seen in every second look as long as one does not look past them."""
    likeness = jumped_upon()
    first, beyond = next(
        (n, who) for n, who in half_seen(speed_m_s) if not likeness.may_be(who) and who.hip_px[0] < 295.0
    )
    frames = range(first + 1, first + 16)
    looks = [likeness.may_be(somebody(n) if n % 2 else replace(beyond, t_s=n / _FPS), past=n % 2 > 0) for n in frames]
    assert any(looks)


def test_pose_does_not_glide_over_to_who_was_just_seen_beside_the_runner() -> None:
    """One picture shows them, the next the runner again, and then joints of both."""
    likeness = jumped_upon()
    likeness.add(somebody(21))
    assert likeness.fits(somebody(22, x=330.0))
    likeness.add(somebody(22, x=330.0))
    assert not likeness.fits(somebody(23, x=350.0))


def test_runner_who_is_taken_up_again_is_not_lost_to_legs_in_another_crop() -> None:
    likeness = jumped_upon()
    n = next(n for n in range(60, 75) if likeness.may_be(somebody(n)))
    likeness.add(somebody(n))
    here = somebody(n + 1)
    assert likeness.fits(replace(here, ankles_px=tuple((x, y - 90) for x, y in here.ankles_px)))


def taken_between(likeness: Likeness, beside: Sighting) -> bool:
    """Whether the runner is taken up within half a second in which every second look shows somebody else."""
    looks = [likeness.may_be(replace(beside, t_s=n / _FPS) if n % 2 else somebody(n)) for n in range(60, 75)]
    return any(looks)


def test_runner_is_taken_up_between_looks_at_who_goes_away_but_not_while_they_cover() -> None:
    """A torso beside the runner they hide nobody, at four tenths they do."""
    assert taken_between(jumped_upon(), somebody(x=420.0))
    assert not taken_between(jumped_upon(), somebody(x=360.0))


def test_the_other_is_known_to_be_left_or_right_of_the_runner_s_place() -> None:
    likeness = jumped_upon()
    for x, side in ((400.0, 1.0), (330.0, 1.0), (250.0, -1.0)):
        likeness.note_other(somebody(60, x=x))
        awaited = likeness.awaited_at(2.0)
        assert awaited is not None
        assert awaited[2] == side


def frames_taken(likeness: Likeness, change: Callable[[float], dict[str, float]], seconds: float = 12.0) -> int:
    """How many pictures in a row fit, of a person who changes over time (seconds); all: as many as there are."""
    for n in range(int(seconds * _FPS)):
        who = somebody(300 + n, **change(n / _FPS))
        if not likeness.fits(who):
            return n
        likeness.add(who)
    return int(seconds * _FPS)


def runner_in_place(frontal: bool = True) -> Likeness:
    likeness = known(300)
    likeness.runs_in_place(frontal)
    return likeness


@pytest.mark.parametrize(
    ("drawn", "within_s"),
    [
        (lambda t_s: {"torso": 100 + min(25.0, 50 * t_s)}, 0.6),
        (lambda t_s: {"x": 320 + 100 * t_s}, 0.8),
        (lambda t_s: {"red": 60.0}, 0.3),
    ],
    ids=["nearer", "aside", "other clothes"],
)
def test_who_slowly_draws_the_pose_along_is_not_the_runner(
    drawn: Callable[[float], dict[str, float]], within_s: float
) -> None:
    """No frame is a jump; the runner is awaited where they were."""
    likeness = runner_in_place()
    taken = frames_taken(likeness, drawn)
    assert taken <= within_s * _FPS
    awaited = likeness.awaited_at(10 + taken / _FPS)
    assert awaited is not None
    assert awaited[0] == pytest.approx((320.0, 190.0), abs=6)
    assert awaited[1] == pytest.approx(100.0, abs=2)
    standing = [replace(somebody(330 + n, torso=125.0), ankles=0.1) for n in range(60)]
    assert not any(likeness.may_be(who) for who in standing)
    assert any(likeness.may_be(somebody(390 + n)) for n in range(15))


def longest_missed_s(likeness: Likeness, change: Callable[[float], dict[str, float]]) -> float:
    """For how long in one go somebody is not taken for the same who changes over time; they are in the end."""
    missed, longest = 0, 0
    for n in range(300, 300 + 6 * _FPS):
        who = somebody(n, **change((n - 300) / _FPS))
        if likeness.fits(who) if missed < 0.2 * _FPS else likeness.may_be(who):
            likeness.add(who)
            missed = 0
        else:
            missed += 1
            longest = max(longest, missed)
    assert missed == 0
    return longest / _FPS


@pytest.mark.parametrize("seconds", [0.7, 1.5, 3.0])
def test_who_comes_forward_or_goes_over_on_the_belt_is_missed_for_half_a_second(seconds: float) -> None:
    """By a fifth of the distance to the camera, or by 0.3 m."""
    nearer = longest_missed_s(runner_in_place(), lambda t_s: {"torso": 100 / (1 - 0.2 * min(1.0, t_s / seconds))})
    aside = longest_missed_s(runner_in_place(), lambda t_s: {"x": 320 + 60 * min(1.0, t_s / seconds)})
    assert max(nearer, aside) <= 0.5


def test_who_runs_where_it_is_an_eighth_darker_is_not_missed() -> None:
    """A camera adjusts itself to the whole picture, of which a runner who comes nearer is more."""

    def darker(likeness: Likeness, n: int) -> bool:
        who = somebody(n)
        assert who.colour is not None
        who = replace(who, colour=who.colour * 0.87)
        fits = likeness.fits(who)
        likeness.add(who)
        return fits

    likeness = runner_in_place()
    assert all(darker(likeness, n) for n in range(300, 420))


def test_who_runs_in_another_light_is_missed_once_for_a_second() -> None:
    assert 0.9 < longest_missed_s(runner_in_place(), lambda t_s: {"red": 140.0 if t_s > 0.5 else 200.0}) <= 1.2


@pytest.mark.parametrize(
    ("wanders", "frontal"),
    [
        (lambda t_s: {"x": 320 + 25 * float(np.sin(t_s)), "torso": 100 + 4 * float(np.sin(5 * t_s))}, True),
        (lambda t_s: {"torso": 100 + 1.5 * t_s, "x": 320 + 3 * t_s}, True),
        (lambda t_s: {"x": 320 + 60 * float(np.sin(t_s))}, False),
        (lambda t_s: {"red": 60.0 if t_s % 1 < 0.05 else 200.0}, True),
    ],
    ids=["sways", "comes forward slowly", "back and forth, from the side", "an arm before the trunk"],
)
def test_a_runner_may_wander_on_the_belt(wanders: Callable[[float], dict[str, float]], frontal: bool) -> None:
    assert frames_taken(runner_in_place(frontal), wanders) == 12 * _FPS


def test_who_does_not_run_in_place_may_come_nearer() -> None:
    assert frames_taken(known(300), lambda t_s: {"torso": 100 + min(25.0, 50 * t_s)}) == 12 * _FPS


def test_legs_of_somebody_else_are_not_taken_but_exchanged_ones_are() -> None:
    """One hidden joint may be anywhere; two may not. Left for right is mended elsewhere."""
    here = somebody(20)
    far = [(x + 130, y) for x, y in (*here.knees_px, *here.ankles_px)]
    likeness = known()
    assert likeness.fits(replace(here, ankles_px=here.ankles_px[::-1], knees_px=here.knees_px[::-1]))
    assert likeness.fits(replace(here, ankles_px=(far[2], here.ankles_px[1])))
    assert not likeness.fits(replace(here, ankles_px=(far[2], far[3])))


def test_nobody_else_is_taken_up_while_the_runner_is_remembered() -> None:
    likeness = known()
    assert likeness.may_be(somebody(40, x=360.0))
    assert not likeness.may_be(somebody(40, red=60.0))
    assert not likeness.may_be(somebody(40, x=520.0))
    assert likeness.may_be(somebody(40 + int(REMEMBER_S * _FPS), x=520.0, red=60.0))


def stayed(place: Callable[[int], float], frames: int = 150, active: bool = True) -> tuple[Stay, Sighting]:
    stay = Stay()
    for n in range(frames):
        who = somebody(n, x=place(n))
        stay.add(who if active else replace(who, ankles=0.0))
    return stay, somebody(frames, x=place(frames))


def test_running_is_moving_the_legs_in_one_place() -> None:
    for place, active, runs in (
        (lambda n: 320.0, True, True),
        (lambda n: 320.0, False, False),
        (lambda n: 3.0 * n, True, False),
    ):
        stay, who = stayed(place, active=active)
        assert stay.runs(who.t_s) is runs


def test_who_walks_through_is_told_from_who_sways() -> None:
    stay, who = stayed(lambda n: 8.0 * n)
    assert stay.passes(who)
    stay, who = stayed(lambda n: 320 + 12 * float(np.sin(n / _FPS * 2 * np.pi * 1.4)))
    assert not stay.passes(who)


def test_region_is_learned_with_a_torso_to_spare() -> None:
    region = Region()
    assert region.holds(somebody(x=20.0))
    for n in range(30):
        region.learn(somebody(n, x=320.0 + n), 0.2)
    assert region.holds(somebody(x=430.0))
    assert not region.holds(somebody(x=470.0))
    assert not region.holds(somebody(torso=40.0))
    region.forget()
    assert region.holds(somebody(x=20.0))


def test_region_narrows_again_to_where_the_runner_is() -> None:
    region = Region()
    region.learn(somebody(x=100.0), 0.2)
    for _ in range(2000):
        region.learn(somebody(x=320.0), 0.2)
    assert not region.holds(somebody(x=150.0))


def test_region_set_by_hand_is_not_learned() -> None:
    region = Region((0.5, 0.0, 1.0, 1.0))
    region.learn(somebody(x=100.0), 0.2)
    assert not region.holds(somebody(x=100.0))
    assert region.holds(somebody(x=330.0, torso=30.0))
    assert region.box_px((1000, 500)) == (500, 0, 1000, 500)


def test_clothes_look_the_same_wherever_the_crop_is_cut() -> None:
    """Half of the second crop lies beyond the picture."""
    picture = np.full((200, 200, 3), 90, np.uint8)
    picture[60:140, :60] = (180, 60, 60)
    colours = []
    for left in (0, 100):
        cut = np.zeros_like(picture)
        cut[:, left:] = picture[:, : 200 - left]
        joints = np.zeros((17, 3), np.float32)
        for joint, x, y in ((5, 40, 70), (6, 20, 70), (11, 40, 130), (12, 20, 130)):
            joints[joint] = (y / 200, (x + left) / 200, 1.0)
        colours.append(trunk_colour(cut, joints, float(picture.mean())))
    assert colours[0].tolist() == colours[1].tolist()


# Scenes.


@pytest.fixture(scope="module")
def net() -> PoseNet:
    return PoseNet(load_weights("lightning"), next(iter(available_runtimes())), 1)


@pytest.fixture(scope="module")
def film(demo_clip: Path) -> Film:
    """Eight seconds of the demo clip with the true joints."""
    truth = json.loads(demo_clip.with_suffix(".json").read_text("utf-8"))
    with VideoSource(demo_clip) as source:
        frames = list(itertools.islice(source.frames(threading.Event()), 240))
    return [
        (frame.t_ns / 1e9, frame.image, np.array(true["uv"]))
        for frame, true in zip(frames, truth["frames"][:240], strict=True)
    ]


@pytest.fixture(scope="module")
def stranger(film: Film) -> list[Sprite]:
    """The runner cut out, in other clothes."""
    cut = [cut_out(image, true) for _, image, true in film[:30]]
    return [replace(sprite, image=np.ascontiguousarray(sprite.image[..., ::-1])) for sprite in cut]


Where = Callable[[float], tuple[float, float, float, bool] | None]


def looks(
    net: PoseNet, scene: Iterator[tuple[float, Image, FloatArray, FloatArray | None, float]]
) -> Iterator[tuple[Sight, float, float, float]]:
    """For each frame what was seen, its distance from the runner and from the other one in torsos, and the time."""
    tracker = RunnerTracker(net, net.weights.size_px)
    for t_s, image, runner, other, _ in scene:
        sight = tracker.look(image, t_s)
        away = [np.inf, np.inf]
        if sight.pose is not None:
            hip = mid_hip(sight.pose.xy_px)
            away = [
                np.inf if xy is None else float(np.linalg.norm(hip - mid_hip(xy))) / torso_px(runner)
                for xy in (runner, other)
            ]
        yield sight, away[0], away[1], t_s


def test_bystanders_and_passers_by_cost_no_frame(net: PoseNet, film: Film, stranger: list[Sprite]) -> None:
    """One stands beside the treadmill from the start, one crosses behind it."""
    hip, torso = mid_hip(film[0][2]), torso_px(film[0][2])
    scenes: list[Where] = [
        lambda t_s: (hip[0] + 1.7 * torso, hip[1], 0.95 * torso, False),
        lambda t_s: (260 * (t_s - 2), hip[1] - 0.25 * torso, 0.75 * torso, False) if t_s > 2 else None,
    ]
    for where in scenes:
        seen = list(looks(net, with_second_person(iter(film), stranger, where)))
        assert all(away < 0.3 for _, away, _, _ in seen)
        assert sum(sight.quality.reason is None for sight, *_ in seen) > 0.97 * len(seen)


def test_who_runs_is_followed_though_somebody_else_was_there_first(
    net: PoseNet, film: Film, stranger: list[Sprite]
) -> None:
    """Somebody stands two torsos beside the empty treadmill, then the runner comes; the other one stays."""
    hip, torso = mid_hip(film[0][2]), torso_px(film[0][2])
    tracker = RunnerTracker(net, net.weights.size_px)
    scene = with_second_person(
        iter(film), stranger[:1], lambda _: (hip[0] + 2.0 * torso, hip[1], 0.95 * torso, False)
    )
    followed = []
    for t_s, image, runner, _, _ in scene:
        if t_s < 1.0:
            image = image.copy()
            image[:, : int(hip[0] + 1.2 * torso)] = 140
        pose = tracker.look(image, t_s).pose
        followed.append(pose is not None and float(np.linalg.norm(mid_hip(pose.xy_px) - mid_hip(runner))) < torso)
    assert not any(followed[:_FPS])
    assert all(followed[6 * _FPS :])


@pytest.mark.parametrize(("speed_m_s", "nearer"), [(0.35, 0.05), (0.35, 0.25), (0.5, 0.25), (1.3, 0.25)])
def test_who_walks_by_in_front_in_the_same_clothes_is_not_followed(
    net: PoseNet, film: Film, speed_m_s: float, nearer: float
) -> None:
    """No frame is theirs, and half a second after they let the runner be seen the runner is back."""
    hip, torso = mid_hip(film[0][2]), torso_px(film[0][2])
    same = [cut_out(image, true) for _, image, true in film[:30]]

    def where(t_s: float) -> tuple[float, float, float, bool]:
        x = hip[0] + 2 * torso * speed_m_s * (t_s - 5.5)
        return x, hip[1] + 0.8 * nearer * torso, (1 + nearer) * torso, True

    seen = list(looks(net, with_second_person(iter(film), same, where)))
    assert all(away < 0.35 for sight, away, _, _ in seen if sight.pose is not None)
    clear_s = 5.5 + 1.0 / (2 * speed_m_s)  # the other one is a torso aside
    assert all(sight.pose is not None for sight, _, _, t_s in seen if t_s > clear_s + 0.5)


def test_covered_runner_is_waited_for(net: PoseNet, film: Film, stranger: list[Sprite]) -> None:
    """Somebody stops before the runner for a second: no frame is theirs, and the runner is back in half a second."""
    hip, torso = mid_hip(film[0][2]), torso_px(film[0][2])

    def where(t_s: float) -> tuple[float, float, float, bool] | None:
        return (hip[0] - 0.3 * torso, hip[1] + 0.2 * torso, 1.25 * torso, True) if 4.0 <= t_s < 5.0 else None

    seen = list(looks(net, with_second_person(iter(film), stranger, where)))
    during = [(sight, away, other) for sight, away, other, t_s in seen if 4.0 <= t_s < 5.0]
    assert not any(other < away for _, away, other in during)
    assert any(sight.quality == COVERED for sight, *_ in during)
    assert all(sight.pose is not None for sight, _, _, t_s in seen if t_s > 5.5)
    # The first pictures in which they are seen again may still be made of both.
    covered_s = max(t_s for sight, _, _, t_s in seen if sight.pose is None and sight.quality == COVERED)
    again = [sight.quality for sight, _, _, t_s in seen if covered_s < t_s < covered_s + 0.3 and sight.pose is not None]
    assert again[:3] == [COVERED] * 3
    assert again[-1].reason is None


def test_second_person_on_the_belt_is_noticed_and_nothing_counted(
    net: PoseNet, film: Film, stranger: list[Sprite]
) -> None:
    hip, torso = mid_hip(film[0][2]), torso_px(film[0][2])

    def where(t_s: float) -> tuple[float, float, float, bool] | None:
        return (hip[0] - 0.8 * torso, hip[1] - 0.1 * torso, 0.9 * torso, False) if t_s >= 4.0 else None

    analysis = RunAnalysis(AnalysisSettings())
    stances: list[Stance] = []
    doubted: list[tuple[float, float]] = []
    for sight, away, _, t_s in looks(net, with_second_person(iter(film), stranger, where)):
        assert away < 0.3
        if t_s > 5.2:
            assert sight.quality == CROWDED
        outcome = analysis.step(t_s, sight.pose, sight.quality)
        stances += outcome.stances
        assert outcome.message == sight.quality.reason
        if outcome.doubted_since_s is not None:
            doubted.append((t_s, outcome.doubted_since_s))
    ((told_s, since_s),) = doubted
    assert 4.0 < told_s <= 5.2
    assert told_s - since_s == pytest.approx(1.5), "they had come when they were seen"
    assert [stance.quality for stance in stances if stance.toe_off_s < 4.0]
    assert all(stance.quality >= MIN_QUALITY for stance in stances if stance.toe_off_s < 4.0)
    assert [stance.quality for stance in stances if stance.strike_s > 5.2]
    assert all(stance.quality < MIN_QUALITY for stance in stances if stance.strike_s > 5.2)


def test_who_is_half_hidden_on_the_belt_is_noticed_as_long_as_they_are_there(
    net: PoseNet, film: Film, stranger: list[Sprite]
) -> None:
    """A look at one distance only showed them now and then."""
    hip, torso = mid_hip(film[0][2]), torso_px(film[0][2])

    def where(t_s: float) -> tuple[float, float, float, bool] | None:
        return (hip[0] - 0.45 * torso, hip[1] - 0.1 * torso, 0.9 * torso, False) if t_s >= 4.0 else None

    seen = list(looks(net, with_second_person(iter(film), stranger, where)))
    assert all(sight.quality.reason is None for sight, *_, t_s in seen if t_s < 4.0)
    assert not any(sight.quality.reason is None for sight, *_, t_s in seen if t_s > 5.4)


@pytest.fixture(scope="module")
def side_film(shared: Path) -> Film:
    """Six seconds of a runner from the side, with their joints."""
    clip = shared / "clips" / "demo_side.mp4"
    truth = json.loads(clip.with_suffix(".json").read_text("utf-8"))
    with VideoSource(clip) as source:
        frames = itertools.islice(source.frames(threading.Event()), 6 * _FPS)
        return [
            (frame.t_ns / 1e9, frame.image, np.array(true["uv"]))
            for frame, true in zip(frames, truth["frames"], strict=False)
        ]


def beside(film: Film, along: float, up: float, size: float, running: bool = True) -> Iterator[Any]:
    """The film with a second one, cut out of it, in other clothes, behind the runner from 3 s on; torsos."""
    (x, y), torso = mid_hip(film[0][2]), torso_px(film[0][2])
    stride = film[7:49]
    if not running:
        ankles = [Joint.LEFT_ANKLE, Joint.RIGHT_ANKLE]
        stride = [min(stride, key=lambda one: float(np.ptp(one[2][ankles], axis=0).max()))]
    cut = [cut_out(image, true) for _, image, true in stride]
    others = [replace(sprite, image=np.ascontiguousarray(sprite.image[..., ::-1])) for sprite in cut]
    at = (x + along * torso, y - up * torso, size * torso, False)
    return with_second_person(iter(film), others, lambda t_s: at if t_s >= 3.0 else None)


@pytest.mark.parametrize(
    ("along", "up", "size", "running", "crowded"),
    [
        (-1.4, 0.0, 1.0, True, True),
        (1.6, 0.0, 0.95, True, True),
        (-1.4, 0.0, 0.72, True, False),
        (-1.4, -0.37, 0.78, False, False),
    ],
    ids=["behind them on the belt", "before them", "on a belt farther off", "who stands beyond it"],
)
def test_who_runs_on_the_same_belt_is_told_from_the_side(
    net: PoseNet, side_film: Film, along: float, up: float, size: float, running: bool, crowded: bool
) -> None:
    """Two on a belt are up to a metre apart along it; those beyond look smaller, and have their feet higher."""
    seen = list(looks(net, beside(side_film, along, up, size, running)))
    assert all(sight.quality.reason is None for sight, *_, t_s in seen if 0.2 < t_s < 3.0)
    late = [sight.quality == CROWDED for sight, *_, t_s in seen if t_s > 5.0]
    assert set(late) == {crowded}


def test_legs_of_who_runs_beside_the_runner_are_not_believed(net: PoseNet, side_film: Film) -> None:
    """Half a torso behind them the network puts a knee or an ankle in five on the other one's; one in ten is left."""
    theirs = sure = 0
    tracker = RunnerTracker(net, net.weights.size_px)
    for t_s, image, runner, other, _ in beside(side_film, 0.5, 0.1, 0.9):
        pose = tracker.look(image, t_s).pose
        if pose is None or other is None:
            continue
        for joint in range(Joint.LEFT_KNEE, Joint.RIGHT_ANKLE + 1):
            if pose.score[joint] > MIN_SCORE:
                sure += 1
                off, from_other = (off_px(pose, joint, xy) for xy in (runner, other))
                theirs += off > 0.35 * torso_px(runner) and from_other < off / 2
    assert sure > 200
    assert theirs < 0.15 * sure


def test_a_squat_is_not_two_people(net: PoseNet, shared: Path) -> None:
    """Beside who squats the network sees their own limbs with hips elsewhere."""
    tracker = RunnerTracker(net, net.weights.size_px)
    with VideoSource(shared / "clips" / "dev_squat.mp4") as source:
        frames = itertools.islice(source.frames(threading.Event()), 280)
        assert not any(tracker.look(frame.image, frame.t_ns / 1e9).quality == CROWDED for frame in frames)


def test_runner_who_left_is_not_replaced_by_a_bystander(net: PoseNet, film: Film, stranger: list[Sprite]) -> None:
    """After six seconds the treadmill is empty and somebody stands two torsos beside it; then the runner is back."""
    hip, torso = mid_hip(film[0][2]), torso_px(film[0][2])
    tracker = RunnerTracker(net, net.weights.size_px)
    for t_s, image, _ in film:
        assert tracker.look(image, t_s).pose is not None
    empty = np.full_like(film[0][1], 140)
    sprite, mask, _ = stranger[0].placed(empty.shape, (hip[0] + 2.2 * torso, hip[1]), 0.95 * torso)
    beside = (mask[..., None] * sprite + (1 - mask[..., None]) * empty).astype(np.uint8)
    reasons = {tracker.look(beside, 8.0 + n / _FPS).quality.reason for n in range(2 * _FPS)}
    assert tracker.look(beside, 10.0).pose is None
    assert OUTSIDE.reason in reasons
    back = [tracker.look(image, 10.0 + (n + 1) / _FPS).pose is not None for n, (_, image, _) in enumerate(film[:30])]
    assert all(back[_FPS // 2 :])


def test_region_set_by_hand_decides_who_is_followed(net: PoseNet, film: Film, stranger: list[Sprite]) -> None:
    """The one beside the runner is chosen by the region, though the runner is nearer the middle."""
    hip, torso = mid_hip(film[0][2]), torso_px(film[0][2])
    scene = with_second_person(
        iter(film[:60]), stranger, lambda t_s: (hip[0] + 2.0 * torso, hip[1], 0.95 * torso, False)
    )
    tracker = RunnerTracker(net, net.weights.size_px, region=Region(((hip[0] + torso) / 640, 0.0, 1.0, 1.0)))
    hits = []
    for t_s, image, _, other, _ in scene:
        pose = tracker.look(image, t_s).pose
        if pose is not None and other is not None:
            hits.append(float(np.linalg.norm(mid_hip(pose.xy_px) - mid_hip(other))) / torso)
    assert len(hits) > 45
    assert max(hits) < 0.4


def body(hips_px: float, limbs_px: float) -> Pose:
    """Somebody whose hips are moved to the right by so many px, and whose other joints are by so many."""
    rest = standing(300, 0.7)
    xy = rest.xy_px.copy()
    xy[:, 0] += limbs_px
    xy[Joint.LEFT_HIP : Joint.RIGHT_HIP + 1, 0] += hips_px - limbs_px
    return replace(rest, xy_px=xy)


def test_another_body_has_limbs_of_its_own() -> None:
    runner = standing(300, 0.7)
    torso = torso_px(runner.xy_px)
    assert not is_another(body(0.5 * torso, 0.0), runner, torso)
    assert is_another(body(0.5 * torso, 0.5 * torso), runner, torso)


@pytest.mark.parametrize(("seen", "another"), [(4, True), (3, False)])
def test_of_another_who_is_half_hidden_four_joints_are_enough(seen: int, another: bool) -> None:
    runner = standing(300, 0.7)
    torso = torso_px(runner.xy_px)
    beside = body(0.5 * torso, 0.5 * torso)
    score = np.full(17, 0.1)
    score[[Joint.LEFT_SHOULDER, Joint.LEFT_ELBOW, Joint.LEFT_KNEE, Joint.LEFT_ANKLE][:seen]] = 0.5
    assert is_another(replace(beside, score=score), runner, torso) is another


def test_joints_on_limbs_that_are_too_long_do_not_widen_the_crop() -> None:
    """An elbow and a wrist on somebody beside the runner."""
    rest = standing(300, 0.7)
    torso, xy = torso_px(rest.xy_px), rest.xy_px.copy()
    xy[Joint.LEFT_ELBOW], xy[Joint.LEFT_WRIST] = xy[Joint.LEFT_SHOULDER], xy[Joint.LEFT_SHOULDER] + [2 * torso, 0]
    xy[Joint.RIGHT_ELBOW] = xy[Joint.RIGHT_SHOULDER] + [0, 0.6 * torso]
    xy[Joint.RIGHT_WRIST] = xy[Joint.RIGHT_ELBOW] + [0, 0.5 * torso]
    points = _own_points(replace(rest, xy_px=xy), torso)
    assert [n for n, point in enumerate(points) if point is None] == [Joint.LEFT_WRIST]
    score = rest.score.copy()
    score[Joint.LEFT_ELBOW] = 0.2
    points = _own_points(replace(rest, xy_px=xy, score=score), torso)
    assert [n for n, point in enumerate(points) if point is None] == [Joint.LEFT_ELBOW, Joint.LEFT_WRIST]


# Dark, blurred, too far.


def standing(height_px: float, score: float) -> Pose:
    xy = np.full((17, 2), 320.0)
    for joints, share in (((5, 6), 0.0), ((11, 12), 0.37), ((13, 14), 0.68), ((15, 16), 1.0)):
        for n, joint in enumerate(joints):
            xy[joint] = (320 + 10 * n, 100 + share * height_px * 0.78)
    return Pose(0.0, xy, np.full(17, score), (640, 480))


def crop_of(mean: int, spread: int, blur: bool = False) -> Image:
    noise = np.random.default_rng(0).integers(mean - spread, mean + spread + 1, (192, 192, 1))
    if blur:
        noise = np.repeat(np.repeat(noise[::32, ::32], 32, axis=0), 32, axis=1)
    return np.repeat(noise.clip(0, 255).astype(np.uint8), 3, axis=2)


@pytest.mark.parametrize(
    ("height_px", "score", "crop", "words"),
    [
        (300, 0.7, crop_of(10, 5), None),
        (300, 0.4, crop_of(10, 5), "too dark"),
        (300, 0.7, crop_of(2, 2), "too dark"),
        (300, 0.4, crop_of(128, 8), "contrast"),
        (300, 0.4, crop_of(128, 80, blur=True), "covered"),
        (60, 0.7, crop_of(128, 60), "60 px tall, at least 75"),
    ],
)
def test_reason_is_the_likeliest_one(height_px: float, score: float, crop: Image, words: str | None) -> None:
    quality = frame_quality(standing(height_px, score), crop)
    assert 0 <= quality.value <= 1
    if words is None:
        assert quality.reason is None
    else:
        assert quality.reason is not None
        assert words in quality.reason
        assert quality.value < MIN_LEG_SCORE


def test_hips_and_knees_do_not_make_up_for_feet_that_are_not_there() -> None:
    pose = standing(300, 0.7)
    score = pose.score.copy()
    score[Joint.LEFT_ANKLE] = 0.2
    assert frame_quality(replace(pose, score=score), crop_of(128, 60)).reason is None, "one leg may be behind the other"
    score[Joint.RIGHT_ANKLE] = 0.25
    quality = frame_quality(replace(pose, score=score), crop_of(128, 60))
    assert quality.reason is not None
    assert "feet" in quality.reason
    assert quality.value < MIN_LEG_SCORE < score[-6:].mean()
    assert "too dark" in (frame_quality(replace(pose, score=score), crop_of(12, 20)).reason or "")


def test_empty_darkness_is_not_called_an_empty_treadmill() -> None:
    assert nobody(crop_of(5, 3)).reason != nobody(crop_of(120, 60)).reason


def test_runner_who_is_half_as_large_since_the_camera_was_moved_is_taken_up_after_some_seconds(
    net: PoseNet, film: Film
) -> None:
    """Some first sights of them are as large as the one before was, and are lost again at once."""
    before = RunnerTracker(net, net.weights.size_px)
    for t_s, image, _ in film[:150]:
        before.look(image, t_s)
    tracker = RunnerTracker(net, net.weights.size_px, region=before.region)
    seen = []
    for t_s, image, _ in film:
        half = np.zeros_like(image)
        half[120:360, 160:480] = cv2.resize(image, (320, 240), interpolation=cv2.INTER_AREA)
        seen.append(tracker.look(half, t_s).pose is not None)
    assert not any(seen[30:75])
    assert all(seen[int(4.5 * _FPS) :])


@pytest.mark.parametrize(
    ("spoil", "words"),
    [(lambda image: image * 0.01, "dark"), (lambda image: 128 + (image - 128.0) * 0.03, "")],
    ids=["dark", "hazy"],
)
def test_spoilt_pictures_say_why(net: PoseNet, film: Film, spoil: Callable[[Image], FloatArray], words: str) -> None:
    """The runner is followed, then the picture goes bad: nothing is computed, and the words fit."""
    tracker = RunnerTracker(net, net.weights.size_px)
    for t_s, image, _ in film[:60]:
        tracker.look(image, t_s)
    reasons = [tracker.look(spoil(image).astype(np.uint8), t_s).quality.reason for t_s, image, _ in film[60:66]]
    assert all(reason is not None and words in reason for reason in reasons)


@pytest.mark.parametrize(
    ("turns", "words"), [(0, None), (2, "upside down: set [camera] rotation"), (1, "on its side"), (3, "on its side")]
)
def test_a_camera_that_is_mounted_wrong_is_said_and_nothing_computed(
    net: PoseNet, film: Film, turns: int, words: str | None
) -> None:
    tracker = RunnerTracker(net, net.weights.size_px)
    sights = [tracker.look(np.ascontiguousarray(np.rot90(image, turns)), t_s) for t_s, image, _ in film[:90]]
    reasons = [sight.quality.reason for sight in sights[45:] if sight.pose is not None]
    if words is None:
        assert set(reasons) == {None}
    else:
        assert np.mean([reason is not None and words in reason for reason in reasons]) > 0.8


def test_who_bends_over_or_lies_down_for_a_moment_is_upright() -> None:
    upright = Upright()
    stands = standing(300, 0.7)
    over = stands.xy_px.copy()
    over[[5, 6]] = over[[11, 12]] + (85, 0)
    bent, lying = replace(stands, xy_px=over), replace(stands, xy_px=stands.xy_px[:, ::-1].copy())
    for n, pose in enumerate([*[stands] * 30, *[bent] * 60, *[stands] * 60, *[lying] * 25]):
        assert upright.step(replace(pose, t_s=n / 30)) is None, n


def test_a_picture_on_its_side_is_still_so_while_the_feet_are_hard_to_see() -> None:
    """What stands in the way changes from picture to picture; how the camera is mounted does not."""
    upright, stands = Upright(), standing(300, 0.7)
    lying = replace(stands, xy_px=stands.xy_px[:, ::-1].copy())
    faint = replace(lying, score=np.where(np.arange(17) >= Joint.LEFT_ANKLE, 0.1, lying.score))
    told = [upright.step(replace(pose, t_s=n / 30)) for n, pose in enumerate([*[lying] * 60, *[faint] * 90])]
    assert {one.reason for one in told[20:100] if one is not None} == {ON_ITS_SIDE}
    assert None not in told[20:100]
    assert told[-1] is None, "by then nothing is known"
