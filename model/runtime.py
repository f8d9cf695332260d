"""TensorFlow Lite behind one small interface: weights checked against their manifest, a network from crop to joints.

Two runtimes carry the same file: ``tflite-runtime`` (Python up to 3.11) and its successor ``ai-edge-litert``. Which is
faster depends on the board; the choice is made by whoever has a clock (``device.board``), never here.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.metadata
import os
import sys
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from model.decoder import refine, turned_back
from model.errors import WeightsError

#: Behind the model's name where the mirrored picture is looked at as well.
MIRRORED = "-mirrored"
WEIGHTS_DIR = Path(__file__).parent / "weights"
ModelName = Literal["lightning", "thunder"]
RuntimeName = Literal["tflite", "litert"]
#: The network's joints lie so many of its pixels too far to the left, and by its build as far too high: half of what a
#: mirrored picture puts them too far to the right (mean over joints and pictures; `model/tracking.md`).
_OUTPUT_OFFSET_PX = {192: 0.30, 256: 0.19}
_MODULES: dict[RuntimeName, tuple[str, str]] = {
    "litert": ("ai_edge_litert.interpreter", "ai-edge-litert"),
    "tflite": ("tflite_runtime.interpreter", "tflite-runtime"),
}


@dataclass(frozen=True, slots=True)
class Weights:
    """One verified weights file. ``size_px`` is the side of its square input."""

    name: str
    path: Path
    sha256: str
    size_px: int


def load_weights(name: ModelName, folder: Path = WEIGHTS_DIR) -> Weights:
    """The int8 weights called ``name``, after their checksum was compared with the manifest's.

    Raises:
        WeightsError: the manifest or the file is missing, or the file is not the one the manifest speaks of.
    """
    key = f"movenet-{name}-int8"
    manifest = folder / "manifest.toml"
    remedy = "run `git checkout model/weights` in the clone, and `sudo sh systemd/install.sh` there if it is installed"
    try:
        entry = tomllib.loads(manifest.read_text("utf-8"))[key]
        path, sha256, size_px = folder / entry["file"], entry["sha256"], int(entry["input"]["size_px"])
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError as error:
        raise WeightsError(f"model weights {error.filename} are missing: {remedy}") from error
    except (tomllib.TOMLDecodeError, KeyError) as error:
        raise WeightsError(f"{manifest} does not describe {key} ({error}): {remedy}") from error
    if digest != sha256:
        raise WeightsError(f"model weights {path} have a wrong checksum (damaged or altered): {remedy}")
    return Weights(key, path, digest, size_px)


@cache
def available_runtimes() -> dict[RuntimeName, str]:
    """The installed runtimes with their versions. An import is no proof that inference works: see `PoseNet`."""
    found: dict[RuntimeName, str] = {}
    for name, (module, distribution) in _MODULES.items():
        try:
            import_runtime(module)
            found[name] = importlib.metadata.version(distribution)
        except (ImportError, AttributeError, importlib.metadata.PackageNotFoundError):
            continue
    return found


def import_runtime(module: str) -> ModuleType:
    """A runtime, imported on a thread of its own.

    tflite-runtime's build for ARM makes the processor take numbers next to zero for zero, on the thread that imports it
    and those that it starts later. Nothing of ours is to depend on which runtimes are installed, and numpy warns of it.
    """
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(importlib.import_module, module).result()


@contextmanager
def _quiet_stderr() -> Iterator[None]:
    """The runtimes greet on the C level's stderr, with no setting against it; it would bury our own lines."""
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


class PoseNet:
    """MoveNet single-pose: a square RGB picture in, 17 joints out.

    Args:
        weights: a verified file.
        runtime: which TensorFlow Lite to use.
        threads: CPU threads, at least 1.
        refined: read each joint from several cells of the network's maps; False: as its own post-processing has it.
        mirrored: look at the mirrored picture as well and take the mean: quieter and alike left and right, for twice
            the time.

    Raises:
        WeightsError: the runtime is not installed or refuses the file.
    """

    def __init__(
        self,
        weights: Weights,
        runtime: RuntimeName,
        threads: int = 1,
        refined: bool = True,
        mirrored: bool = False,
    ) -> None:
        self.weights = weights
        self.mirrored = mirrored
        self.runtime = runtime
        self.threads = threads
        module, distribution = _MODULES[runtime]
        try:
            with _quiet_stderr():
                interpreter: Any = import_runtime(module).Interpreter(model_path=str(weights.path), num_threads=threads)
                interpreter.allocate_tensors()
        except ImportError as error:
            raise WeightsError(
                f"model runtime {distribution} is not installed ({error}): `pip install {distribution}`"
            ) from error
        except (RuntimeError, ValueError) as error:
            raise WeightsError(
                f"{distribution} cannot load {weights.path.name} ({error}): set [model] runtime to the other one"
            ) from error
        self._interpreter = interpreter
        self._input: int = interpreter.get_input_details()[0]["index"]
        joints, *maps = (int(output["index"]) for output in interpreter.get_output_details())
        self._output: int = joints
        self._maps: list[int] = maps if refined else []

    @property
    def name(self) -> str:
        """Of the weights, and how they are used where that is not as usual."""
        return self.weights.name + (MIRRORED if self.mirrored else "")

    def invoke(self, crop: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Joints of the person nearest the middle of ``crop``.

        Args:
            crop: (size_px, size_px, 3) uint8, RGB.

        Returns:
            (17, 3) float32: y, x as shares of the crop, and confidence 0 to 1.
        """
        joints = self._look(crop)
        if self.mirrored:
            joints = ((joints + turned_back(self._look(crop[:, ::-1]))) / 2).astype(np.float32)
        return joints

    def _look(self, crop: NDArray[np.uint8]) -> NDArray[np.float32]:
        self._interpreter.set_tensor(self._input, crop[np.newaxis])
        self._interpreter.invoke()
        joints: NDArray[np.float32] = self._interpreter.get_tensor(self._output)[0, 0]
        if self._maps:
            # Views of the runtime's own memory: they must be gone before the next inference.
            confidence, offset = (self._interpreter.tensor(index)()[0] for index in self._maps)
            joints = refine(joints, confidence, offset)
        joints[:, :2] += _OUTPUT_OFFSET_PX[self.weights.size_px] / self.weights.size_px
        return joints
