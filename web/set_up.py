"""The page on which the camera is set up, and what its forms have to do with the runner."""

from __future__ import annotations

from flask import render_template

from device.config import CAMERA_HEIGHT_M
from model.goals import GOALS, Goal, is_goal
from web.app import box
from web.mistyped import Mistyped


def page(wrong: Mistyped | None = None) -> str:
    """As it is now; ``wrong``: what was mistyped in one of its forms."""
    hub, config = box().hub, box().config
    return render_template(
        "aim.html",
        wrong=wrong,
        dark=hub.dark(),
        told=hub.told(),
        settings_height_m=config.camera.height_m,
        settings_belt_m_s=config.treadmill.belt_speed_m_s,
        height_range_m=CAMERA_HEIGHT_M,
        lacking=hub.why_not("set_goal") if hub.offered() else None,
        offered=hub.offered(),
        runner=hub.runner(),
        goals=GOALS,
        goal=hub.goal() or config.coach.metric,
        settings_goal=config.coach.metric,
        kept_goal=programme_goal(),
    )


def coached_goal() -> Goal:
    """What is to be coached: a programme's goal, of which the device tells nothing as long as it cannot coach."""
    told = box().hub.coached()
    return programme_goal() or (told if is_goal(told) else box().config.coach.metric)


def programme_goal() -> Goal | None:
    """The goal that a programme keeps for the runner who is chosen; None without one."""
    runner = box().hub.runner()
    programme = None if runner is None else box().reader.programme(int(runner["id"]))
    return None if programme is None else programme.goal
