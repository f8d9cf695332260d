"""Motion-capture files, seen through a virtual camera, in the place of a video."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.errors import InputError
from model.pose import KEYPOINT_NAMES, FloatArray, Pose, View
from model.virtual_camera import Motion, Noise, VirtualCamera, project_motion

SUFFIX = ".npz"
_LEG_NAMES = [name for name in KEYPOINT_NAMES if name.endswith(("shoulder", "hip", "knee", "ankle"))]
_FORM = "a motion capture has t_s (n,), names (17,) and xyz_m (n, 17, 3)"
#: A body is higher than this and lower than that; what is not was not given in metres.
_BODY_M = (0.3, 3.0)
#: A capture in which samples are on the whole further apart has its times in another unit.
_MOST_APART_S = 0.1


def read_motion(path: Path) -> Motion:
    """Reads joint centres in metres: ``t_s`` (n,), ``names`` (the 17 COCO names in any order), ``xyz_m`` (n, 17, 3).

    A joint that is not finite is missing, and one at exactly 0, 0, 0: so some programs write what they lost.

    Raises:
        InputError: the file is missing, is no such archive, or what it holds is not a person's motion.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            held = {key: archive[key] for key in ("t_s", "names", "xyz_m")}
    except OSError as error:
        reason = error.strerror or "not an archive of arrays"
        raise InputError(f"{path}: {reason}: name a readable {SUFFIX} file") from error
    except (KeyError, ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: cannot be read as motion capture ({error}): {_FORM}") from error
    fault = _fault(held["t_s"], held["names"], held["xyz_m"])
    if fault is not None:
        raise InputError(f"{path}: {fault}: {_FORM}")
    order = [list(held["names"]).index(name) for name in KEYPOINT_NAMES]
    return Motion(held["t_s"].astype(np.float64), _seen(held["xyz_m"])[:, order])


def _seen(xyz_m: NDArray[Any]) -> FloatArray:
    """With NaN for all of each joint that is missing."""
    missing = ~np.isfinite(xyz_m).all(axis=2) | (xyz_m == 0).all(axis=2)
    return np.where(missing[..., None], np.nan, xyz_m.astype(np.float64))


def _fault(t_s: NDArray[Any], names: NDArray[Any], xyz_m: NDArray[Any]) -> str | None:
    """What is wrong with the arrays of a file, None where nothing is."""
    if t_s.dtype.kind not in "fiu" or xyz_m.dtype.kind not in "fiu":
        return "t_s and xyz_m must be real numbers"
    if t_s.ndim != 1 or len(t_s) < 2 or xyz_m.shape != (len(t_s), 17, 3):
        return f"t_s has shape {t_s.shape} and xyz_m {xyz_m.shape}"
    if names.shape != (17,) or sorted(map(str, names)) != sorted(KEYPOINT_NAMES):
        return "names must be the 17 COCO keypoints"
    if not np.isfinite(t_s).all() or (np.diff(t_s) <= 0).any():
        return "t_s must be seconds that increase"
    apart_s = float(t_s[-1] - t_s[0]) / (len(t_s) - 1)
    if apart_s > 1.001 * _MOST_APART_S:
        return f"samples are {apart_s:.3g} s apart by t_s, which must be in seconds, and at least 10 a second"
    body = _seen(xyz_m)[:, [list(names).index(name) for name in _LEG_NAMES]]
    whole = np.isfinite(body).all(axis=(1, 2))
    if not whole.mean() > 0.5:
        return "shoulders, hips, knees or ankles are missing in most samples"
    height_m = float(np.median(np.ptp(body[whole, :, 1], axis=1)))
    if not _BODY_M[0] < height_m < _BODY_M[1]:
        return f"the body is {height_m:.3g} m high along y, so xyz_m is not in metres with y up"
    return None


def mocap_poses(
    path: Path, camera: VirtualCamera | View, fps: float = 30.0, noise: Noise = "none", seed: int = 0
) -> Iterator[tuple[float, Pose]]:
    """Times and poses of a motion-capture file.

    Args:
        path: the file.
        camera: where the virtual camera stands; a view alone is a square camera at the default place.
        fps: pictures per second.
        noise: "measured" adds the pose model's bias and noise.
        seed: of the noise.

    Returns:
        Seconds from the first picture, and the pose.

    Raises:
        InputError: see `read_motion`; at the call, before the first pose.
    """
    motion = read_motion(path)
    place = VirtualCamera(camera) if isinstance(camera, View) else camera
    return ((pose.t_s, pose) for pose in project_motion(motion, place, fps, noise, seed))
