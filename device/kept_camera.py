"""Where the camera stood when it was used last, of each view, and how often it was moved: kept from run to run."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from model.camera_pose import CameraPose
from model.place import CameraPlace
from model.pose import View

#: The store's names for both.
CAMERA, INSTALLATION = "camera", "installation"

_log = logging.getLogger(__name__)


class KeptCamera:
    """What the store keeps of one installation's camera. A film in its place changes nothing, and is told nothing.

    Args:
        read: what is kept under a name; None for nothing.
        write: keeps another value there.
        film: whether a film is in the camera's place.
    """

    def __init__(self, read: Callable[[str], Any], write: Callable[[str, object], None], film: bool) -> None:
        self._read = read
        self._write = write
        self._film = film

    @property
    def moves(self) -> int:
        """How often the camera has been moved since the first session."""
        number = self._read(INSTALLATION)
        return number if isinstance(number, int) else 0

    def moved(self, number: int) -> None:
        """It was moved, for the time of that number.

        What was kept of its place is no more, of either view: with the next start it would be taken for moved again.
        """
        if not self._film:
            self._write(INSTALLATION, number)
            self.forget()

    def forget(self) -> None:
        """What was kept of its place holds no more."""
        if not self._film:
            self._write(CAMERA, None)

    def keep(self, source: str, place: CameraPlace) -> None:
        """Keeps what was found of each view. ``source``: name of the camera."""
        if not self._film and (found := place.found):
            places = {str(view): camera.as_json() for view, camera in found.items()}
            self._write(CAMERA, {"installation": source, "places": places})

    def known(self, source: str) -> tuple[CameraPose | None, Mapping[View, CameraPose]]:
        """Where the camera stood when this installation was used last: of a view that is not known, and by view.

        Nothing for another source. Earlier versions have kept one place only, the first of them without its view.
        """
        kept = self._read(CAMERA)
        if self._film or not isinstance(kept, dict) or kept.get("installation") != source:
            return None, {}
        try:
            if "places" not in kept and kept.get("view") is None:
                return CameraPose.from_json(kept["camera"]), {}
            places = kept["places"] if "places" in kept else {kept["view"]: kept["camera"]}
            return None, {View(view): CameraPose.from_json(camera) for view, camera in places.items()}
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            _log.warning("the kept place of the camera cannot be read (%s); it is found anew", error)
            return None, {}
