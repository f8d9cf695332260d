"""How far a test on live pictures is: what is in the way, whether the person is ready, repetitions so far, its end.

Poses in, answers out, by the poses' own times: the analysis itself is that of a recording (`device.screening`).
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from device.replay import MIN_FPS, usual_fps
from device.screening import Task, screened
from device.view_check import ViewCheck
from model.camera_pose import CameraPose
from model.pose import Pose, View
from model.quality import NOBODY, FrameQuality
from model.repetitions import Span
from model.screening import find
from model.screening_result import LIVE, RUBRIC_REPS, instruction, side_view_words
from model.standing import is_still, well_seen
from model.words import sentence

#: Repetitions count once the person has stood still for so long: what is seen of them on the way to their place would
#: spoil the legs' length in the picture, by which all is measured.
READY_S = 0.5
#: Without a step forward (ready, another repetition) for so long the test ends: long enough to walk to the place.
TIMEOUT_S = 45.0
#: Repetitions are looked for this often.
_LOOK_EVERY_S = 0.5
#: Once one was found, from so long before the last one on: not in all the pictures of a test of five minutes.
_BEFORE_S = 2.0
#: Standing after the last repetition is measured too; so long after its end the test is over.
_SETTLE_S = 1.0
#: What is in the way for less than this is a flicker, and not said.
_SAID_AFTER_S = 1.0
_FEWEST_STILL = 5
#: So many of the newest frames tell whether there are enough of them.
_RATE_FRAMES = 15

Obstacle = Literal["nobody", "hidden", "view", "side", "slow"]


#: What is in the way, with the remedy.
OBSTACLES: Mapping[Obstacle, str] = MappingProxyType(
    {
        "nobody": "Nobody is seen: stand before the camera, whole in the picture.",
        "hidden": "Shoulders, hips, knees and ankles are not all seen: clear the view, add light.",
        "view": "It is not clear yet from where the camera looks: face it, or turn your back to it.",
        "side": sentence(side_view_words(LIVE)),
        "slow": "There are too few pictures: more light, or see the page Health.",
    }
)
_STAND_STILL = "Stand still for a moment: counting begins then."


class ScreeningProgress:
    """Follows one test.

    Args:
        task: what is tested; its camera goes by the view.
        given: the view, where it is known; None: told by the poses.
        model: name of the pose model.
        camera: tells where it stands for who is seen from a view; one that is of no use is not used.
    """

    def __init__(
        self, task: Task, given: View | None, model: str, camera: Callable[[View | None], CameraPose]
    ) -> None:
        self._asked = task
        self._camera = camera
        self._given = given
        self._model = model
        self._check = ViewCheck(given)
        self._poses: list[Pose] = []
        self._times_s: list[float] = []
        self._seen = 0
        self._ready = False
        self._found: tuple[Span, ...] = ()
        self._forward_s = 0.0  # when they were ready, or another repetition was found
        self._looked_s = 0.0
        self._obstacle: Obstacle | None = None
        self._reason: str | None = None
        self._obstacle_since_s = 0.0

    @property
    def now_s(self) -> float:
        """Seconds from the first frame."""
        return self._times_s[-1] if self._times_s else 0.0

    @property
    def view(self) -> View | None:
        """From where the person is seen; None while that is not known."""
        return self._given or self._check.shown

    @property
    def _task(self) -> Task:
        camera = self._camera(self.view)
        return replace(self._asked, camera=camera if camera.usable else None)

    @property
    def reps(self) -> int:
        """Repetitions so far."""
        return len(self._found)

    @property
    def over(self) -> bool:
        """Whether all repetitions were made, and what comes after them was seen."""
        return self.reps >= RUBRIC_REPS and self.now_s - self._found[RUBRIC_REPS - 1].end_s >= _SETTLE_S

    @property
    def left_s(self) -> float:
        """Seconds until the test ends by itself, unless something happens; 0 when its time is up."""
        return max(0.0, TIMEOUT_S - (self.now_s - self._forward_s))

    @property
    def message(self) -> str:
        """What to do now, or what is in the way."""
        if self._obstacle is not None and self.now_s - self._obstacle_since_s >= _SAID_AFTER_S:
            return self._in_words(self._obstacle)
        if self.reps:
            return f"{RUBRIC_REPS - self.reps} more, at your own pace." if self.reps < RUBRIC_REPS else "Stand still."
        how = instruction(self._task.exercise, self._task.tested, self._task.camera is not None)
        return how if self._ready else f"{how} {_STAND_STILL}"

    def as_json(self) -> dict[str, Any]:
        """Part of the ``screening`` block of the live message. ``ready``: whether repetitions count."""
        return {"ready": self._ready, "reps": self.reps, "left_s": round(self.left_s), "message": self.message}

    def step(self, t_s: float, pose: Pose | None, quality: FrameQuality) -> None:
        """Takes one frame.

        Args:
            t_s: seconds from the first frame of the test, increasing.
            pose: who is seen; None for nobody.
            quality: of the picture, with the reason where nobody is seen.
        """
        self._times_s.append(t_s)
        self._seen += pose is not None
        self._reason = None if quality in (NOBODY, FrameQuality(0.0)) else quality.reason
        now = None if pose is None else self._check.look(pose)
        if self._has_turned(now):
            self._ready = False
            self._poses.clear()
        self._note(self._in_the_way(pose, self._given or now), t_s)
        if self._ready:
            self._poses += [] if pose is None else [pose]
            if t_s - self._looked_s >= _LOOK_EVERY_S:
                self._count(t_s)
        elif self._obstacle is None and pose is not None:
            self._wait_for_stillness(pose)
        else:
            self._poses.clear()

    def result(self) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """``reps`` and ``summary`` of what was seen up to shortly after the last repetition.

        Who then comes up to the camera does not change what was measured. One that was found later than that, as where
        the person has changed their place, is measured in the pictures by which it was found.
        """
        until_s = max(self._found[-1].end_s + _SETTLE_S, self._forward_s) if self._found else math.inf
        poses = [pose for pose in self._poses if pose.t_s <= until_s]
        return screened(poses, self.view, self._model, self._task)

    def counts(self) -> dict[str, Any]:
        """What a session document says of the frames, and of the camera."""
        return {
            "fps": round(usual_fps(self._times_s), 3),
            "frames": len(self._times_s),
            "frames_with_runner": self._seen,
            "view": None if self.view is None else str(self.view),
            "camera": self._task.camera_json(),
        }

    def why_nothing(self) -> str:
        """Why there is no result, in a sentence."""
        if self._obstacle is not None:
            return self._in_words(self._obstacle)
        if not self._ready:
            return "Nobody stood still: counting begins when you do."
        return sentence(str(self.result()[1]["advice"]))

    def _in_the_way(self, pose: Pose | None, view: View | None) -> Obstacle | None:
        if pose is None:
            return "nobody"
        if view is None:
            return "view"
        if not view.frontal:
            return "side"
        if usual_fps(self._times_s[-_RATE_FRAMES:]) < MIN_FPS and len(self._times_s) >= _RATE_FRAMES:
            return "slow"
        # At the bottom of a deep squat a joint may be less sure for a moment, and is measured all the same.
        return None if self._ready or well_seen(pose) else "hidden"

    def _has_turned(self, now: View | None) -> bool:
        """Whether who stood ready has turned their back before the first repetition, or their face: so they are tested.

        What was seen of them the other way round would be taken for their standing.
        """
        waits = self._ready and not self._found and self._given is None
        return waits and now is not None and now.frontal and now is not self.view

    def _note(self, obstacle: Obstacle | None, t_s: float) -> None:
        if obstacle != self._obstacle:
            self._obstacle, self._obstacle_since_s = obstacle, t_s

    def _in_words(self, obstacle: Obstacle) -> str:
        if obstacle == "nobody" and self._reason is not None:
            return sentence(self._reason)
        return OBSTACLES[obstacle]

    def _wait_for_stillness(self, pose: Pose) -> None:
        self._poses.append(pose)
        if pose.t_s - self._poses[0].t_s < READY_S:
            return
        if len(self._poses) >= _FEWEST_STILL and is_still(np.stack([one.xy_px for one in self._poses])):
            self._ready = True
            self._check.forget()  # they may have looked into the camera before, and turned to the belt
            self._forward_s = self._looked_s = pose.t_s
        else:
            self._poses = [one for one in self._poses if one.t_s > pose.t_s - 0.9 * READY_S]

    def _count(self, t_s: float) -> None:
        """All pictures are looked through where the newest ones tell of another repetition."""
        self._looked_s = t_s
        if self.view is None or not self._has_another(self.view):
            return
        found = find(self._poses, self._task.settings(self.view))
        if len(found) > len(self._found):
            self._forward_s = t_s
        if len(found) >= len(self._found):
            self._found = found

    def _has_another(self, view: View) -> bool:
        """Whether there may be a repetition after the last one.

        Else the last one's end is told anew: it is found before the person is wholly up.
        """
        if not self._found:
            return True
        last = self._found[-1]
        since = bisect_left(self._poses, last.start_s - _BEFORE_S, key=lambda pose: pose.t_s)
        lately = find(self._poses[since:], self._task.settings(view))
        if any(span.bottom_s > last.end_s for span in lately):
            return True
        again = [span for span in lately if span.bottom_s > last.start_s]
        self._found = (*self._found[:-1], *(again[-1:] or [last]))
        return False
