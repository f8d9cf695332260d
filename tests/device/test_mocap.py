"""Motion-capture files: good ones become poses, wrong ones one clear line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from device.mocap import mocap_poses, read_motion
from model.errors import InputError
from model.pose import KEYPOINT_NAMES, Joint, View
from model.virtual_camera import VirtualCamera


def _arrays() -> dict[str, Any]:
    xyz_m = np.zeros((40, 17, 3))
    xyz_m[..., 1] = np.linspace(1.7, 0.1, 17)
    xyz_m[:, Joint.LEFT_HIP, 2] = -0.1
    return {"t_s": np.arange(40) / 60, "names": np.array(KEYPOINT_NAMES), "xyz_m": xyz_m}


def _write(path: Path, **changed: Any) -> Path:
    np.savez(path, **{key: value for key, value in (_arrays() | changed).items() if value is not None})
    return path


def test_gives_times_and_poses(tmp_path: Path) -> None:
    poses = list(mocap_poses(_write(tmp_path / "a.npz"), View.FRONT, fps=30))
    assert [t for t, _ in poses] == pytest.approx(np.arange(20) / 30)
    assert all(pose.t_s == t and pose.image_size_px == (640, 480) for t, pose in poses)


def test_names_may_come_in_any_order(tmp_path: Path) -> None:
    turned = _write(tmp_path / "b.npz", names=np.array(KEYPOINT_NAMES)[::-1], xyz_m=_arrays()["xyz_m"][:, ::-1])
    assert np.array_equal(read_motion(turned).xyz_m, read_motion(_write(tmp_path / "a.npz")).xyz_m)


def test_same_seed_same_poses(tmp_path: Path) -> None:
    path, camera = _write(tmp_path / "a.npz"), VirtualCamera(View.REAR, yaw_deg=5)
    first, again, other = (
        np.stack([pose.xy_px for _, pose in mocap_poses(path, camera, noise="measured", seed=seed)])
        for seed in (3, 3, 4)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("lost", [0.0, np.nan, np.inf])
def test_what_was_lost_is_missing_however_it_is_written(tmp_path: Path, lost: float) -> None:
    xyz_m = _arrays()["xyz_m"]
    xyz_m[10:12, Joint.LEFT_KNEE] = lost
    xyz_m[20:22] = lost
    motion = read_motion(_write(tmp_path / "a.npz", xyz_m=xyz_m))
    missing = np.isnan(motion.xyz_m).all(axis=2)
    assert missing[10:12].sum(axis=1).tolist() == [1, 1]
    assert missing[10:12, Joint.LEFT_KNEE].all()
    assert missing[20:22].all()
    assert missing.sum() == 2 + 2 * 17
    assert np.isfinite(motion.xyz_m[~missing]).all()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"xyz_m": None}, "xyz_m"),
        ({"t_s": np.zeros(40)}, "increase"),
        ({"t_s": np.arange(39) / 60}, "shape"),
        ({"t_s": np.full(40, np.nan)}, "increase"),
        ({"t_s": np.arange(40) / 60 * 1e6}, r"samples are 1.67e\+04 s apart by t_s, which must be in seconds"),
        ({"t_s": np.arange(40) * 1000 // 60}, "samples are 16.7 s apart by t_s, which must be in seconds"),
        ({"t_s": np.array(["0"] * 40)}, "real numbers"),
        ({"xyz_m": np.zeros((40, 17, 2))}, "shape"),
        ({"xyz_m": np.full((40, 17, 3), np.nan)}, "missing"),
        ({"xyz_m": _arrays()["xyz_m"] * 1000}, "metres"),
        ({"names": np.array(["nose"] * 17)}, "COCO"),
        ({"names": np.array([{}] * 17)}, "pickle"),
    ],
)
def test_says_what_is_wrong_with_a_file(tmp_path: Path, changed: dict[str, Any], said: str) -> None:
    path = _write(tmp_path / "wrong.npz", **changed)
    with pytest.raises(InputError, match=said) as caught:
        mocap_poses(path, View.FRONT)
    assert "wrong.npz" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 cut off"])
def test_says_that_a_file_is_no_archive(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "wrong.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"wrong\.npz"):
        read_motion(path)


def test_says_that_one_array_is_not_enough(tmp_path: Path) -> None:
    with (tmp_path / "one.npz").open("wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(InputError, match=r"one\.npz"):
        read_motion(tmp_path / "one.npz")


def test_says_that_a_file_is_missing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read_motion(tmp_path / "none.npz")


def test_reads_real_motion_capture(shared: Path) -> None:
    for path in sorted((shared / "mocap").glob("*.npz")):
        poses = [pose for _, pose in mocap_poses(path, View.REAR)]
        assert np.isnan(poses[0].xy_px[Joint.NOSE]).all()
        assert all(np.isfinite(pose.xy_px[Joint.LEFT_SHOULDER :]).all() for pose in poses)
