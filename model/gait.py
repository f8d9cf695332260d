"""Foot strike and toe-off in real time, from any side.

A runner's trunk bounces once per step, and a camera from the front, from behind and from the side sees that bounce alike:
it does not depend on where the camera stands, as the path of the ankles in the picture does. So the bounce carries the
time, and the ankles say whose step it is:

* **period**: the frequency that explains most of the trunk's height (once per step) and of the difference between left and
  right leg (once per two steps) over the last strides;
* **phase**: a wave of this period through the trunk's height over the last step, up to the newest frame;
* **strike**: a fixed share of the step before the trunk's lowest point;
* **side**: the leg whose ankle and knee are lower while the other one swings past it;
* **running or walking**: whether the bounce needs accelerations near g, without which nobody leaves the ground.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Literal

import numpy as np

from model.filters import Wave, explained_power, fit_wave
from model.pose import FloatArray, Joint, Pose, Side, View

Moving = Literal["standing", "walking", "running"]

#: Steps per minute that are looked for, and the fineness of the search.
_SLOWEST_SPM, _FASTEST_SPM, _PRECISION = 70.0, 240.0, 0.025
_OMEGAS = (
    2
    * math.pi
    / 60
    * np.exp(np.arange(math.log(_SLOWEST_SPM), math.log(_FASTEST_SPM) + _PRECISION, _PRECISION))
)
#: How long the past counts for the period.
_MEMORY_S, _MEMORY_TAU_S = 2.4, 0.8
#: The trunk wave is fitted over this many steps, the legs' over this many strides.
_TRUNK_STEPS, _LEG_STRIDES = 1.1, 0.9
#: The period is not sought more often than this.
_SEARCH_EVERY_S = 0.03
#: Torso (mid-shoulder to mid-hip) of an adult, to turn accelerations into m/s²: 0.29 of 1.72 m (Drillis & Contini 1966).
_TORSO_M = 0.5
_RUNNING_M_S2, _RUNNING_HYSTERESIS_M_S2 = 5.5, 1.0
#: Least swing of the legs against each other, share of the torso, and least share of the motion that is periodic.
_MIN_LEGS, _MIN_PERIODIC = 0.04, 0.5
#: The bounce of one step must keep this share of its usual size, or the runner has stopped.
_MIN_BOUNCE_SHARE = 0.4
#: From strike to the lowest point of the trunk, and from strike to toe-off, in steps. Running: mean of rendered runners
#: with known contacts (0.34, 0.68) and of force plates under a real one (0.30, 0.73). Walking: the trunk is lowest amid
#: double support, which is a tenth of the stride.
_STRIKE_TO_LOWEST = {"running": 0.32, "walking": 0.10}
_CONTACT_STEPS = {"running": 0.70, "walking": 1.20}
#: When the swinging leg passes the standing one, steps after the strike.
_PASSING_STEPS = 0.3
#: Without a pose for this long there are no events, and for this long nothing is left of the past.
_BLIND_S, _LOST_S = 0.12, 0.5
_CADENCE_STEPS, _CONTACTS_KEPT, _MIN_CONTACTS = 12, 7, 2
_TRUNK = [Joint.LEFT_SHOULDER, Joint.RIGHT_SHOULDER, Joint.LEFT_HIP, Joint.RIGHT_HIP]


@dataclass(frozen=True, slots=True)
class GaitEvent:
    """A foot came down or left the ground.

    Attributes:
        kind: strike or toe_off.
        side: the runner's own.
        t_s: when, interpolated between frames.
        decided_t_s: time of the frame at which it was decided.
    """

    kind: Literal["strike", "toe_off"]
    side: Side
    t_s: float
    decided_t_s: float


class GaitDetector:
    """Events of one session, pose by pose. Deterministic; an event is decided at most two frames after it happened."""

    def __init__(self) -> None:
        self._frame_s: deque[float] = deque(maxlen=16)
        self._contacts_s: dict[Side, deque[float]] = {side: deque(maxlen=_CONTACTS_KEPT) for side in Side}
        self._torso_px: deque[float] = deque(maxlen=31)
        self._forget()

    def _forget(self) -> None:
        self._samples: deque[tuple[float, FloatArray]] = deque()
        self._last_trunk: FloatArray | None = None
        self._state: Moving = "standing"
        self._omega = math.nan
        self._bounce = math.nan
        self._searched_s = -math.inf
        self._strikes: deque[float] = deque(maxlen=_CADENCE_STEPS + 1)
        self._last_side: Side | None = None
        self._side_belief = 0.0
        self._standing: dict[Side, tuple[float, float]] = {}

    @property
    def state(self) -> Moving:
        """What the runner does."""
        return self._state

    @property
    def running(self) -> bool:
        return self._state == "running"

    def in_stance(self, side: Side) -> bool:
        """Whether the foot of ``side`` is on the ground, as far as decided."""
        return side in self._standing

    def stance_elapsed_s(self, side: Side, t_s: float) -> float | None:
        """Time since the strike of the foot of ``side``, None when it is not on the ground."""
        return t_s - self._standing[side][0] if side in self._standing else None

    def expected_contact_s(self, side: Side) -> float | None:
        """Running median of the contact time, None before two contacts."""
        contacts = self._contacts_s[side]
        return float(np.median(contacts)) if len(contacts) >= _MIN_CONTACTS else None

    def cadence_spm(self) -> float | None:
        """Steps per minute over the last twelve steps, None before three."""
        if len(self._strikes) < 4:
            return None
        return 60.0 * (len(self._strikes) - 1) / (self._strikes[-1] - self._strikes[0])

    def step(self, pose: Pose | None, t_s: float, view: View) -> list[GaitEvent]:
        """Takes one frame.

        Args:
            pose: the runner, None when nobody was seen.
            t_s: time of the frame, seconds, increasing.
            view: from where the camera looks.

        Returns:
            The events decided in this frame, in the order of their times.
        """
        self._frame_s.append(t_s)
        if pose is not None:
            self._remember(pose, t_s)
        if not self._samples or t_s - self._samples[-1][0] > _LOST_S:
            self._forget()
            return []
        if t_s - self._samples[-1][0] > _BLIND_S:
            return []
        t, signals = self._window()
        if t_s - self._searched_s >= _SEARCH_EVERY_S:
            self._searched_s = t_s
            self._judge(t, signals)
        events = self._toe_offs(t_s)
        if self._state != "standing":
            events += self._strike(t, signals, t_s)
        return sorted(events, key=lambda event: event.t_s)

    def _remember(self, pose: Pose, t_s: float) -> None:
        """Keeps trunk height (down), left minus right leg height (down), and left minus right ankle across, in torsos."""
        xy = pose.xy_px
        shoulder = pose.mid(Joint.LEFT_SHOULDER, Joint.RIGHT_SHOULDER)
        hip = pose.mid(Joint.LEFT_HIP, Joint.RIGHT_HIP)
        torso = math.hypot(*(hip - shoulder))
        if math.isfinite(torso):
            self._torso_px.append(torso)
        trunk = self._trunk_px(xy[_TRUNK, 1])
        if trunk is None or not self._torso_px:
            return
        scale = float(np.median(self._torso_px))
        ankle = xy[Joint.LEFT_ANKLE] - xy[Joint.RIGHT_ANKLE]
        knee = xy[Joint.LEFT_KNEE] - xy[Joint.RIGHT_KNEE]
        legs = np.array([trunk, (ankle[1] + knee[1]) / 2, ankle[0]]) / scale
        if self._samples and not np.isfinite(legs).all():
            legs = np.where(np.isfinite(legs), legs, self._samples[-1][1])
        if not np.isfinite(legs).all():
            return
        self._samples.append((t_s, legs))
        while self._samples[0][0] < t_s - _MEMORY_S:
            self._samples.popleft()

    def _trunk_px(self, y: FloatArray) -> float | None:
        """Mean height of shoulders and hips; a missing one is put where it last was against the others."""
        seen = np.isfinite(y)
        if not seen.any():
            return None
        if not seen.all():
            if self._last_trunk is None:
                return None
            y = np.where(seen, y, self._last_trunk + (y - self._last_trunk)[seen].mean())
        self._last_trunk = y
        return float(y.mean())

    def _window(self) -> tuple[FloatArray, FloatArray]:
        return np.array([s[0] for s in self._samples]), np.stack([s[1] for s in self._samples], axis=1)

    def _judge(self, t: FloatArray, signals: FloatArray) -> None:
        """Period, and what the runner does."""
        if t[-1] - t[0] < 0.4 or len(t) < 6:
            return
        weight = np.exp((t - t[-1]) / _MEMORY_TAU_S)
        w = weight / weight.sum()
        variance = ((signals - (signals @ w)[:, np.newaxis]) ** 2) @ w + 1e-9
        trunk = explained_power(t, signals[:1], weight, _OMEGAS)[:, 0]
        legs = explained_power(t, signals[1:], weight, _OMEGAS / 2).sum(axis=1)
        score = trunk / variance[0] + legs / variance[1:].sum()
        best = int(np.argmax(score))
        self._omega = _OMEGAS[best] * math.exp(_PRECISION * _vertex(score, best))
        swing = math.sqrt(2 * legs[best])
        if swing < _MIN_LEGS or legs[best] < _MIN_PERIODIC * variance[1:].sum():
            self._state = "standing"
            return
        self._bounce = math.sqrt(2 * trunk[best])
        limit = _RUNNING_M_S2 - (_RUNNING_HYSTERESIS_M_S2 if self._state == "running" else 0)
        needed = self._bounce * _TORSO_M * self._omega**2
        self._state = "running" if needed > limit else "walking"

    def _strike(self, t: FloatArray, signals: FloatArray, t_s: float) -> list[GaitEvent]:
        step_s = 2 * math.pi / self._omega
        recent = t > t_s - _TRUNK_STEPS * step_s
        wave = fit_wave(t[recent], signals[0, recent], self._omega, t_s)
        if wave is None or wave.amplitude < _MIN_BOUNCE_SHARE * self._bounce:
            return []
        strike_s = wave.peak_s - _STRIKE_TO_LOWEST[self._state] * step_s
        seen_s = t_s - self._frame_interval_s()
        strike_s += math.floor((seen_s - strike_s) / step_s) * step_s
        if strike_s < seen_s - 0.4 * step_s or (
            self._strikes and strike_s < self._strikes[-1] + 0.6 * step_s
        ):
            return []
        if self._strikes and strike_s > self._strikes[-1] + 2.5 * step_s:
            self._strikes.clear()
        self._strikes.append(strike_s)
        side = self._side(t, signals, t_s, strike_s + _PASSING_STEPS * step_s)
        self._standing[side] = (strike_s, strike_s + _CONTACT_STEPS[self._state] * step_s)
        return [GaitEvent("strike", side, strike_s, t_s)]

    def _side(self, t: FloatArray, signals: FloatArray, t_s: float, passing_s: float) -> Side:
        recent = t > t_s - _LEG_STRIDES * 4 * math.pi / self._omega
        wave: Wave | None = fit_wave(t[recent], signals[1, recent], self._omega / 2, passing_s)
        evidence = 0.0 if wave is None else wave.swing(passing_s)
        self._side_belief = evidence - 0.6 * self._side_belief
        self._last_side = Side.LEFT if self._side_belief > 0 else Side.RIGHT
        return self._last_side

    def _toe_offs(self, t_s: float) -> list[GaitEvent]:
        seen_s = t_s - self._frame_interval_s()
        over = [side for side, (_, end_s) in self._standing.items() if end_s <= seen_s]
        events = []
        for side in over:
            strike_s, end_s = self._standing.pop(side)
            self._contacts_s[side].append(end_s - strike_s)
            events.append(GaitEvent("toe_off", side, end_s, t_s))
        return events

    def _frame_interval_s(self) -> float:
        return float(np.median(np.diff(self._frame_s))) if len(self._frame_s) > 1 else 0.0


def _vertex(y: FloatArray, i: int) -> float:
    """Where between its neighbours the top at ``i`` lies, −0.5 to 0.5."""
    if i in (0, len(y) - 1):
        return 0.0
    a, b, c = y[i - 1 : i + 2]
    return float((a - c) / 2 / min(a - 2 * b + c, -1e-12)) if b > 0 else 0.0
