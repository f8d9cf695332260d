"""What people tell of the treadmill and the camera, so that the camera's place is found better.

Both may stand in the settings; what is told on the page wins. The belt's speed changes from run to run: what is told of
it holds for the run, then the settings do again, as where no run follows: by then somebody else may have changed it.
The lens stays where it was mounted: its height is kept.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from device.config import BELT_SPEED_M_S, CAMERA_HEIGHT_M, Config
from device.live import Message
from device.runners import KEPT_S

COMMANDS = ("set_belt_speed", "set_camera_height")
#: The store's name for the lens' height that was told on the page, metres.
SETTING = "camera_height_m"

_log = logging.getLogger(__name__)


class Told:
    """What holds now, of the page and the settings.

    Args:
        config: the settings.
        kept: what the store holds under `SETTING`; None: nothing was told on the page.
        keep: keeps another value there.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        config: Config,
        kept: object,
        keep: Callable[[float | None], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings_m = config.camera.height_m
        self._keep = keep
        self._clock = clock
        self._settings_m_s = self._belt_m_s = config.treadmill.belt_speed_m_s
        self._page_m = page_height_m(kept)
        self._run_with = False
        self._belt_s = 0.0

    @property
    def belt_m_s(self) -> float | None:
        """Speed of the belt; None where it is not told.

        What was told is dropped as who was chosen is: where no step was run with it for as long.
        """
        if self._clock() - self._belt_s > KEPT_S:
            self._belt_m_s = self._settings_m_s
        return self._belt_m_s

    @property
    def camera_m(self) -> float | None:
        """Height of the lens above the belt; None where it is not told."""
        return self._settings_m if self._page_m is None else self._page_m

    def obey(self, command: Message) -> bool:
        """Carries out a command of `COMMANDS`; False where it is none of them, or is not valid."""
        jobs: dict[str, Callable[[Message], bool]] = {
            "set_belt_speed": lambda message: self._set_belt_speed(message.get("belt_speed_m_s")),
            "set_camera_height": lambda message: self._set_camera_height(message.get("camera_height_m")),
        }
        job = jobs.get(str(command["command"]))
        return job is not None and job(command)

    def ran(self, steps: int) -> None:
        """So many steps were run at the belt's speed that is told now."""
        if steps > 0:
            self._run_with, self._belt_s = True, self._clock()

    def run_ended(self) -> None:
        """The belt's speed was told for that run: one that the next does not have is worse than none.

        What was told after its last step is for the next one: a session is open for a while when its runner has gone.
        """
        if self._run_with:
            self._belt_m_s = self._settings_m_s

    def as_json(self) -> dict[str, Any]:
        """Part of the health message. ``camera_height_from``: page, settings, or null where it is not told."""
        where = "page" if self._page_m is not None else "settings" if self._settings_m is not None else None
        return {
            "belt_speed_m_s": self.belt_m_s,
            "camera_height_m": self.camera_m,
            "camera_height_from": where,
        }

    def _set_belt_speed(self, belt_m_s: object) -> bool:
        known = _within(belt_m_s, BELT_SPEED_M_S)
        if known is None and belt_m_s is not None:
            return False
        self._belt_m_s, self._run_with, self._belt_s = known, False, self._clock()
        return True

    def _set_camera_height(self, camera_m: object) -> bool:
        known = _within(camera_m, CAMERA_HEIGHT_M)
        if known is None and camera_m is not None:
            return False
        if known != self._page_m:
            self._page_m = known
            self._keep(known)
        return True


def page_height_m(kept: object) -> float | None:
    """The lens' height in metres, from what the store holds under `SETTING`; None where that is no height."""
    known = _within(kept, CAMERA_HEIGHT_M)
    if known is None and kept is not None:
        _log.warning("the kept height of the lens, %.40r, cannot be one; tell it anew on the page Set up", kept)
    return known


def _within(value: object, bounds: tuple[float, float]) -> float | None:
    """The value as a number where it is one within the bounds."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not bounds[0] <= value <= bounds[1]:
        return None
    return float(value)
