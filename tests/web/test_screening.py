"""Tests on the pages: begun and ended by the device's answer, shown in words, never taken for a run."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable, Iterator

import pytest
from flask.testing import FlaskClient

from device.config import Config
from device.live import LivePublisher, Message
from device.store import Store
from model.pose import Side, View
from model.rubric import PELVIS_DEG, PELVIS_SQUAT_DEG, faults_of
from model.screening_result import REP_OFF_DEG, TEST_OFF_DEG
from model.virtual_camera import VirtualCamera
from tests.web.conftest import GOOD_CAMERA
from tests.web.test_commands import token
from tests.web.tested import store_test
from web.hub import LiveHub
from web.screening import FAULT_WORDS, OFFERS, off_deg, result, title

Eventually = Callable[..., None]
MakeSession = Callable[..., int]


class Answering:
    """A device that answers each request, with ``said`` as its refusal."""

    def __init__(self) -> None:
        self.asked: list[Message] = []
        self.said: str | None = None


@pytest.fixture
def answering(
    config: Config, hub: LiveHub, health: Callable[..., Message], eventually: Eventually
) -> Iterator[Answering]:
    device = Answering()

    def obey(command: Message) -> None:
        request = command.pop("request")
        device.asked.append(command)
        told.publish({"type": "answer", "request": request, "done": device.said is None, "said": device.said})

    with LivePublisher(config.socket_path(), obey) as told:
        told.publish(health())
        eventually(lambda: hub.status()["device"] == "live", "the device")
        yield device


@pytest.mark.parametrize(
    ("path", "form", "command", "said"),
    [
        ("", {"test": "squat"}, {"command": "start_screening", "exercise": "squat", "side": None}, "Squat test: what"),
        (
            "",
            {"test": "step-down-left"},
            {"command": "start_screening", "exercise": "step-down", "side": "left"},
            "Step-down, left leg: what",
        ),
        ("/finish", {}, {"command": "finish_screening"}, "The test is finished."),
        ("/cancel", {}, {"command": "cancel_screening"}, "The test is cancelled"),
    ],
)
def test_a_test_is_asked_of_the_device(
    answering: Answering, client: FlaskClient, path: str, form: Message, command: Message, said: str
) -> None:
    data = {**form, "csrf_token": token(client)}
    answer = client.post(f"/device/screening{path}", data=data)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert answering.asked == [command]
    assert said in client.get("/").text
    answering.said = "A test is made already (squat test): finish or cancel it first."
    answer = client.post(f"/device/screening{path}", data=data, headers={"Accept": "application/json"})
    assert answer.get_json() == {"sent": False, "message": answering.said}


def test_no_such_test_and_a_silent_device(client: FlaskClient) -> None:
    form = {"test": "jump", "csrf_token": token(client)}
    answer = client.post("/device/screening", data=form)
    assert answer.status_code == 400
    assert "must be one of squat, step-down-left, step-down-right" in answer.text
    answer = client.post("/device/screening", data={**form, "test": "squat"}, follow_redirects=True)
    assert "The device is silent" in answer.text


def test_every_offer_is_a_test_of_the_devices(client: FlaskClient) -> None:
    page = client.get("/").text
    for key, offer in OFFERS.items():
        assert f'<option value="{key}">{offer.label}</option>' in page
    knees = dict.fromkeys(Side, (20.0, 0.0))
    assert set(faults_of(knees, 9.0, 9.0, True)) == set(FAULT_WORDS)


def test_step_downs_in_words(client: FlaskClient, store: Store) -> None:
    session_id = store_test(store, Side.RIGHT)
    page = client.get(f"/sessions/{session_id}").text
    assert "<h1>Step-down test, right leg</h1>" in page
    assert "Left knee" not in page
    for words in (
        "right knee inward, pelvis not level",
        "lower on the free side",
        "away from the standing leg",
        "Trunk leans in 1 of 5",
        "3 points, medium",
        "at most 4",
        "Between two tests of a leg a difference below 14° is noise: where the camera stood is not known",
        "may be off by 11°, the mean of a test by 10°",
        "<b>Wavering, or weight on the free foot</b>",
        "<b>no medical device</b>",
        "let somebody run first",
    ):
        assert words in page, words
    assert "stance by stance" not in page
    assert "the left leg" not in page, "a test of one leg lacks nothing of the other"
    card = client.get(f"/sessions/{session_id}/card").text
    assert "3 points, medium" in card
    assert "no medical device" in card
    assert card.count("<tr>") == 6


@pytest.mark.parametrize(
    ("tested", "said"),
    [
        (Side.RIGHT, ("a difference below 8.2° is noise;", "or its place is not known, below 14°.")),
        (None, ("compare with care, and where", "or its place is not known, take a difference below 14° for noise.")),
    ],
)
def test_a_smaller_difference_of_two_tests_tells_where_the_cameras_place_is_known(
    client: FlaskClient, store: Store, tested: Side | None, said: tuple[str, ...]
) -> None:
    """Each mean may be off by 10°: that falls out of the difference only where both were seen from one place."""
    session_id = store_test(store, tested)
    for camera, known in ((None, False), (GOOD_CAMERA, True)):
        store.update_session(session_id, camera=camera)
        page = client.get(f"/sessions/{session_id}").text
        assert [words in page for words in said] == [known] * 2


def test_a_camera_far_from_hip_height_gives_a_reason_in_place_of_a_number(client: FlaskClient, store: Store) -> None:
    session_id = store_test(store, camera=VirtualCamera(View.FRONT, height_m=3.0, distance_m=2.0))
    for path in ("", "/card"):
        page = client.get(f"/sessions/{session_id}{path}").text
        assert "height above the hips is not known well enough" in page
        assert "set the camera at hip height, 2.5 to 3.5 m away" in page
        assert "of 3 repetitions" not in page
        assert "knee inward in" not in page.lower()
        for knee in ("Left", "Right"):
            assert f"{knee} knee not judged in 5 of 5" in page
        assert "no fault" not in page.lower()
        assert page.count("left knee not judged, right knee not judged") == 5


def test_a_step_down_whose_knee_was_not_judged_is_not_called_good(client: FlaskClient, store: Store) -> None:
    session_id = store_test(store, Side.RIGHT, camera=VirtualCamera(View.FRONT, height_m=3.0, distance_m=2.0))
    score = client.get(f"/api/sessions/{session_id}").get_json()["summary"]["right"]["score"]
    assert score["rating"] is None
    assert "knee_medial_right" in score["not_judged"]
    for path in ("", "/card"):
        page = client.get(f"/sessions/{session_id}{path}").text
        assert f"{score['points']} points, knee not judged" in page
        assert f"at most {score['points_at_most']}; not judged: " in page
        assert "Right knee not judged in 5 of 5" in page


def test_one_repetition_that_was_not_judged_is_told_beside_the_others() -> None:
    knee, lost = {"fppa_deg": 2.0, "fppa_peak_deg": 3.0}, {"fppa_deg": None, "fppa_peak_deg": None}
    level = {"left": knee, "right": knee, "pelvic_drop_deg": 0.0, "trunk_lean_deg": 0.0, "faults": []}
    reps = [level, level | {"right": lost}, level | {"left": lost, "faults": ["trunk_lean"]}]
    shown = result({"mode": "squat", "reps": reps, "camera": None}, {"faults": {"trunk_lean": 1}})
    assert [row.seen for row in shown["reps"]] == [
        "no fault", "right knee not judged", "trunk leans, left knee not judged"
    ]  # fmt: skip
    assert shown["unjudged"] == {"right knee": 1, "left knee": 1}


def test_squats_in_words_and_too_few_of_them(client: FlaskClient, store: Store) -> None:
    page = client.get(f"/sessions/{store_test(store)}").text
    assert "<h1>Squat test</h1>" in page
    assert "Right knee inward in 1 of 5" in page
    assert "Score of" not in page
    page = client.get(f"/sessions/{store_test(store, reps=2)}").text
    assert "too few: 2 of 3 repetitions" in page
    assert "2 squats found, too few for a mean: do 5 squats, at least 3." in page


@pytest.mark.parametrize(
    ("sign", "pelvis", "trunk"), [(1, "lower left", "to the left"), (-1, "lower right", "to the right")]
)
def test_a_squat_tells_the_side_by_its_name(sign: int, pelvis: str, trunk: str) -> None:
    knee = {"fppa_deg": None}
    rep = {"left": knee, "right": knee, "pelvic_drop_deg": sign * 6.0, "trunk_lean_deg": sign * 9.0, "faults": []}
    shown = result({"mode": "squat", "reps": [rep], "camera": None}, {})
    (row,) = shown["reps"]
    assert (row.pelvis, row.trunk) == (f"6.0° {pelvis}", f"9.0° {trunk}")
    assert shown["limits"]["pelvis_deg"] == PELVIS_SQUAT_DEG
    assert result({"mode": "step-down", "reps": [], "camera": None}, {})["limits"]["pelvis_deg"] == PELVIS_DEG


def test_how_far_a_knee_may_be_off_is_that_of_the_least_sure_one() -> None:
    """More than usual where the camera's height is not known well; of a test of one leg, that leg's alone."""
    reps = [{"left": {"fppa_off_deg": off_deg}, "right": {"fppa_off_deg": 30.0}} for off_deg in (3.0, 14.0, None)]
    summary = {"left": {"reps": 3, "fppa_off_deg": 12.0}, "right": {"reps": 0, "fppa_off_deg": 30.0}}
    step_down = off_deg({"mode": "step-down", "reps": reps}, summary)
    assert (step_down["rep"], step_down["test"]) == (14.0, 12.0)
    assert step_down["change"] == pytest.approx(math.sqrt(2) * 12.0)
    squat = off_deg({"mode": "squat", "reps": reps[:1]}, {})
    assert (squat["rep"], squat["test"]) == (30.0, TEST_OFF_DEG)
    usual = off_deg({"mode": "squat", "reps": []}, {})
    assert (usual["rep"], usual["test"]) == (REP_OFF_DEG, TEST_OFF_DEG)


def test_a_test_that_was_cut_off_before_its_first_result_has_a_page(client: FlaskClient, store: Store) -> None:
    session_id = store_test(store)
    with store._transaction() as db:
        db.execute("UPDATE sessions SET summary_json = NULL, camera_json = NULL WHERE id = ?", (session_id,))
    for path in ("", "/card", "/delete"):
        assert client.get(f"/sessions/{session_id}{path}").status_code == 200
    assert client.get("/sessions").status_code == 200


def test_a_test_is_no_run_in_the_lists(client: FlaskClient, store: Store, make_session: MakeSession) -> None:
    anna, _ = store.add_runner("Anna")
    run, squats = make_session(), store_test(store, runner_id=anna)
    page = client.get("/sessions").text
    assert page.count('<span class="chip">Squat test</span>') == 1
    row = page.split(f'href="/sessions/{squats}"')[1].split("</tr>")[0]
    assert 'data-label="Cadence" class="num">—' in row
    assert 'data-label="Cues" class="num">—' in row
    assert ">1 test</a>, last" in client.get("/runners").text
    heads = client.get("/api/sessions").get_json()["sessions"]
    assert [(head["id"], head["mode"], head["reps"]) for head in heads] == [(squats, "squat", 5), (run, "run", 0)]
    page = client.get(f"/sessions/{squats}/delete").text
    assert "squat test, 5 repetitions" in page
    assert "Its repetitions and result are deleted" in page


def test_repetitions_as_a_table_and_as_a_document(client: FlaskClient, store: Store) -> None:
    session_id = store_test(store, Side.RIGHT)
    document = client.get(f"/api/sessions/{session_id}").get_json()
    rows = list(csv.DictReader(io.StringIO(client.get(f"/api/sessions/{session_id}.csv").text)))
    assert len(rows) == len(document["reps"]) == 5
    for n, (row, rep) in enumerate(zip(rows, document["reps"], strict=True), start=1):
        assert (row["n"], row["side"]) == (str(n), "right")
        assert float(row["right_fppa_deg"]) == rep["right"]["fppa_deg"]
        assert row["knee_gap_ratio"] == ""
        assert row["faults"].split() == rep["faults"]
        assert row["score"] == str(rep["score"])


def test_live_page_has_the_form_for_who_may_use_it(client: FlaskClient) -> None:
    assert "data-tests" in client.get("/").text
    kiosk = client.get("/?kiosk=1").text
    assert "data-tests" not in kiosk
    assert re.search(r"data-test hidden", kiosk)


def test_names_of_sessions() -> None:
    assert title("run", None) == "Run"
    assert title("squat", None) == "Squat test"
    assert title("step-down", None) == "Step-down test"
    assert title("step-down", {"left": {"reps": 2}, "right": {"reps": 0}}) == "Step-down test, left leg"
