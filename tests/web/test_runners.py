"""The runners' page with the device's own half of it: real commands over the real socket into the real database."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Callable
from dataclasses import asdict
from importlib.resources import files

import pytest
from flask.testing import FlaskClient

from device.config import Config
from device.in_turn import LATE_S
from device.live import LivePublisher, Message
from device.runners import COMMANDS
from device.store import SessionHeader, Store
from model.errors import StoreError
from model.goals import GOALS
from model.programme import SESSIONS, Adherence, Attempt, in_words
from tests.web.choosing import Device
from web.hub import SILENT_REMEDY, LiveHub
from web.names import as_written, is_legible
from web.views import commands, runners


def post(client: FlaskClient, path: str, status: int = 200, **form: str) -> str:
    """Sends a form as the page does; the text of the page that follows."""
    token = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/runners").text)
    assert token is not None
    answer = client.post(path, data={**form, "csrf_token": token[1]}, follow_redirects=True)
    assert answer.status_code == status
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.text)))


def test_added_runner_is_chosen_and_confirmed(device: Device, client: FlaskClient) -> None:
    assert "Anna O'Hara runs next." in post(client, "/runners", name="  Anna   O'Hara ")
    assert device.choice.current is not None
    assert device.choice.current.name == "Anna O'Hara"


def test_nameless_runner_is_a_number(device: Device, client: FlaskClient) -> None:
    assert "Runner 1 runs next." in post(client, "/runners", name="")


def test_choice_goes_there_and_back(device: Device, client: FlaskClient) -> None:
    post(client, "/runners", name="Anna")
    post(client, "/runners", name="Ben")
    assert "Anna runs next." in post(client, "/runners/choose", runner_id="1")
    assert "The next session is anonymous." in post(client, "/runners/choose", runner_id="")
    assert device.choice.current is None


def test_name_twice_is_refused(device: Device, client: FlaskClient) -> None:
    post(client, "/runners", name="Anna")
    assert "anna is in the list already" in post(client, "/runners", 400, name="anna")


@pytest.mark.parametrize(
    "name",
    ["\u200b", "\u202eAnna", "An\0na", "An\u200bna", "\u3164", "\ue000", "\u200d", "Anna\u200d", "Anna \u200dB"],
)
def test_name_with_what_cannot_be_seen_is_refused(device: Device, client: FlaskClient, name: str) -> None:
    assert "signs that cannot be seen. Delete it" in post(client, "/runners", 400, name=name)
    assert device.choice.current is None


@pytest.mark.parametrize(
    "name", ["Łukasz Ó Súilleabháin-Żak", "Ngô Thị Hạnh", "王 小明", "میرزا\u200cقاسمی", "👩\u200d🚀", "❤\ufe0f", "7"]
)
def test_names_of_all_kinds_are_taken(name: str) -> None:
    assert is_legible(as_written(name))


def test_names_that_look_alike_are_one(device: Device, client: FlaskClient) -> None:
    assert "Zoë runs next." in post(client, "/runners", name="Zoe\u0308")  # as some keyboards send it
    for name in ("Zoë", "ZOE\u0308", "Ｚｏë", "Z\u200doë"):
        assert "is in the list already" in post(client, "/runners", 400, name=name)


def test_names_stand_in_the_order_of_the_alphabet(store: Store, client: FlaskClient) -> None:
    for name in ("Vera", "émile", "Runner 10", "Ünal", "Runner 9", "anna"):
        store.add_runner(name)
    shown = re.findall(r"<b>(.*?)</b>", client.get("/runners").text)
    assert shown == ["anna", "émile", "Runner 9", "Runner 10", "Ünal", "Vera"]


def test_form_of_an_old_page_changes_nothing_of_who_was_chosen_since(
    device: Device, client: FlaskClient, store: Store
) -> None:
    """Two browsers: one ends Anna's programme, as its page says, after the other has chosen Ben."""
    post(client, "/runners", name="Anna")
    page = client.get("/runners").text
    assert page.count('name="of" value="1"') == 6  # programme, baseline, height; one in the list, a new one, nobody
    assert 'name="of" value="1"' in client.get("/aim").text
    post(client, "/runners", name="Ben")
    post(client, "/runners/training", command="start_programme", of="2")
    for path, status, form in (
        ("/runners/training", 200, {"command": "end_programme"}),
        ("/runners/height", 400, {"height_cm": "168"}),
        ("/device/goal", 200, {"metric": "cadence_spm"}),
    ):
        assert "meanwhile somebody else was chosen, or nobody." in post(client, path, status, of="1", **form)
    ben = store.runner(2)
    assert ben is not None
    assert (ben.person.height_cm, ben.person.goal) == (None, None)
    assert store.programme(2) is not None


def test_programme_is_ended_only_after_a_warning(device: Device, client: FlaskClient) -> None:
    post(client, "/runners", name="Anna")
    page = post(client, "/runners/training", command="start_programme")
    assert "Anna would have to begin another one with its first session" in page
    assert "End it now" in page


def test_baseline_is_forgotten_only_after_a_warning(device: Device, client: FlaskClient) -> None:
    post(client, "/runners", name="Anna")
    for command in ("start_programme", "end_programme"):
        post(client, "/runners/training", command=command)
        page = client.get("/runners").text
        asked = re.search(r"<details[^>]*>\s*<summary[^>]*>Measure the baseline anew<(.*?)</details>", page, re.S)
        assert asked is not None
        assert "What is stored of how Anna usually runs is forgotten" in asked[1]
        assert page.count('value="measure_baseline"') == asked[1].count('value="measure_baseline"') == 1


def test_what_was_mistyped_stays_in_its_form_with_the_reason(device: Device, client: FlaskClient) -> None:
    post(client, "/runners", name="Anna")
    token = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/runners").text)
    assert token is not None
    form = {"csrf_token": token[1], "kiosk": "1"}
    for path, more, field, kept in (
        ("", {"name": "Ben", "height_cm": "17"}, "new-height", {"name": "Ben", "new-height": "17"}),
        ("", {"name": "anna", "height_cm": "170"}, "name", {"name": "anna", "new-height": "170"}),
        ("/height", {"height_cm": "17"}, "height-cm", {"name": "", "new-height": "", "height-cm": "17"}),
    ):
        page = client.post(f"/runners{path}", data={**form, **more})
        assert page.status_code == 400
        assert "Who runs?" in page.text
        assert "<nav" not in page.text  # on the kiosk as before
        assert re.findall(r'id="([\w-]+)-said" role="alert"', page.text) == [field]
        for name, text in kept.items():
            assert re.search(rf'id="{name}"[^>]* value="{text}"', page.text), (field, name)


def test_wrong_forms_are_refused(device: Device, client: FlaskClient) -> None:
    assert "at most 40 characters" in post(client, "/runners", 400, name="x" * 41)
    post(client, "/runners/choose", 404, runner_id="Anna")


def test_who_was_deleted_meanwhile_is_not_chosen_and_the_list_is_shown_as_it_is(
    device: Device, client: FlaskClient, store: Store
) -> None:
    """Two have the list open: one deletes, the other one chooses."""
    gone, ben = store.add_runner("Anna")[0], store.add_runner("Ben")[0]
    post(client, "/runners/choose", runner_id=str(ben))
    store.delete_runner(gone)
    said = post(client, "/runners/choose", runner_id=str(gone))
    assert "Nobody was chosen: that runner has been deleted meanwhile. Choose from the list" in said
    assert "Ben runs next." in said
    assert "← Back" in post(client, "/runners/choose", runner_id=str(gone), kiosk="1")


def _full_disk(device: Device, eventually: Callable[..., None]) -> list[bool]:
    """The disk has no room until what is returned is emptied."""
    full = [True]

    def job(store: Store, _: int | None) -> None:
        if full:
            raise StoreError("k.db cannot grow because the disk is full; free some space")

    device.writer.also(job)
    eventually(lambda: device.writer.stuck, "the full disk")
    return full


def test_a_full_disk_chooses_nobody_and_the_page_says_why(
    device: Device, client: FlaskClient, store: Store, eventually: Callable[..., None]
) -> None:
    """It is answered before the page gives up, and not carried out when there is room again."""
    assert commands.ANSWER_S > LATE_S
    anna, _ = store.add_runner("Anna")
    full = _full_disk(device, eventually)
    said = "k.db cannot grow because the disk is full; free some space. Somebody can be chosen when that is mended."
    assert said in post(client, "/runners/choose", runner_id=str(anna))
    assert said in post(client, "/runners", name="Ben")
    assert "The next session is anonymous." in post(client, "/runners/choose", runner_id="")
    full.clear()
    eventually(lambda: device.writer.stuck is None, "room")
    assert device.choice.current is None
    assert "Anna runs next." in post(client, "/runners/choose", runner_id=str(anna))
    assert not store.has_runner_called("Ben")


def test_a_full_disk_trains_nobody_and_the_page_says_why(
    device: Device, client: FlaskClient, store: Store, eventually: Callable[..., None]
) -> None:
    post(client, "/runners", name="Anna")
    full = _full_disk(device, eventually)
    why = "k.db cannot grow because the disk is full; free some space."
    for command, later in (("start_programme", "A programme can be begun"), ("measure_baseline", "A baseline can be")):
        said = post(client, "/runners/training", command=command, of="1")
        assert f"{why} {later}" in said
        assert "The programme begins" not in said
        assert "are measured without cues" not in said.partition("Measure the baseline anew")[0]
    full.clear()
    eventually(lambda: device.writer.stuck is None, "room")
    assert "The next 20 steps of each foot are" in post(client, "/runners/training", command="measure_baseline")
    assert store.programme(1) is None


def test_a_misspelt_name_is_changed(
    device: Device, client: FlaskClient, store: Store, make_session: Callable[..., int]
) -> None:
    post(client, "/runners", name="Ana O'Hara")
    make_session(runner_id=1)
    assert 'href="/runners/1/name" aria-label="Change the name of Ana O&#39;Hara"' in client.get("/runners").text
    assert 'href="/runners/1/name"' not in client.get("/runners?kiosk=1").text
    assert ' value="Ana O&#39;Hara"' in client.get("/runners/1/name").text
    said = post(client, "/runners/1/name", name="  Anna   O'Hara ")
    assert "Ana O'Hara is called Anna O'Hara now." in said
    assert "Anna O'Hara runs next." in said
    assert "Anna O'Hara" in html.unescape(client.get("/sessions").text)
    assert "Anna O'Hara is called anna o'hara now." in post(client, "/runners/1/name", name="anna o'hara")


def test_a_name_is_changed_by_the_rules_of_a_new_one(device: Device, client: FlaskClient, store: Store) -> None:
    path = f"/runners/{store.add_runner('Anna')[0]}/name"
    store.add_runner("Zoë")
    for name, said in (
        ("ZOE\u0308", "is in the list already: add something to tell them apart."),
        ("", "Type a name."),
        ("x" * 41, "at most 40 characters"),
        ("An\u200bna", "signs that cannot be seen"),
    ):
        page = post(client, path, 400, name=name)
        assert said in page
        assert "Change the name" in page
    assert client.post(path, data={"name": "Carl"}).status_code == 400, "no token"
    assert [store.has_runner_called(name) for name in ("Anna", "Zoë")] == [True, True]
    post(client, "/runners/99/name", 404, name="Carl")


def test_a_name_that_cannot_be_changed_now_is_said(
    client: FlaskClient, store: Store, device: Device, eventually: Callable[..., None]
) -> None:
    path = f"/runners/{store.add_runner('Anna')[0]}/name"
    device.writer.stuck = "the disk is full"
    assert "the disk is full. A name can be changed when that is mended." in post(client, path, name="Carl")
    device.close()
    eventually(lambda: "<button disabled>Change the name" in client.get(path).text, "the silence")
    assert "No name can be changed now. The device is silent." in client.get(path).text


def test_sessions_bear_the_runners_name(device: Device, client: FlaskClient, eventually: Callable[..., None]) -> None:
    post(client, "/runners", name="Anna")
    assert device.choice.current is not None
    header = SessionHeader("clip", "model", "0", view="front", runner_id=device.choice.current.id)
    device.writer.begin(header, lambda session_id: None)
    eventually(lambda: "Anna" in client.get("/sessions").text, "the session")
    assert 'href="/sessions?runner=1">Anna</a> ·' in client.get("/sessions/1").text
    assert ">1 session</a>," in client.get("/runners").text


def test_who_is_chosen_while_somebody_runs_runs_from_now_on(
    device: Device, hub: LiveHub, client: FlaskClient, eventually: Callable[..., None]
) -> None:
    post(client, "/runners", name="Anna")
    post(client, "/runners", name="Ben")
    post(client, "/runners/choose", runner_id="")
    for runner_id, said, now in (
        ("1", "The session that runs is Anna's.", "Anna runs now."),  # it was nobody's
        ("2", "Ben runs from now on.", "Ben runs next."),
    ):
        if hub.session_id() is None:
            device.choice.begin_session(SessionHeader("clip", "model", "0", view="front"), lambda session_id: None)
            eventually(hub.session_id, "the session")
        page = post(client, "/runners/choose", runner_id=runner_id)
        assert said in page
        eventually(lambda now=now: now in html.unescape(client.get("/runners").text), "what is shown then")
    assert "Choosing somebody while another runs ends that session; what follows is theirs." in page


def test_a_page_from_before_somebody_ran_ends_their_session_only_when_pressed_again(
    device: Device, hub: LiveHub, client: FlaskClient, store: Store, eventually: Callable[..., None]
) -> None:
    """A phone wakes after an hour, and shows that nobody is chosen: at the desk Anna was, who is in mid-run."""
    anna, ben = store.add_runner("Anna")[0], store.add_runner("Ben")[0]
    post(client, "/runners/choose", runner_id=str(anna), of="")
    device.choice.begin_session(SessionHeader("clip", "model", "0", view="front"), lambda session_id: None)
    eventually(hub.session_id, "the session")
    said = "Nothing was changed: meanwhile Anna runs, whose session would end. If that is meant, press again."
    assert said in post(client, "/runners/choose", runner_id=str(ben), of="")
    assert said in post(client, "/runners/choose", runner_id="", of=str(ben))
    assert said in post(client, "/runners", 400, name="Carl", of="")
    assert "Anna runs now." in html.unescape(client.get("/runners").text)
    assert hub.session_id() == 1
    assert said not in post(client, "/runners/choose", runner_id=str(anna), of="")
    assert 'name="of" value="1"' in client.get("/runners").text
    assert "Ben runs from now on." in post(client, "/runners/choose", runner_id=str(ben), of=str(anna))


def test_who_is_chosen_is_said_alike_above_and_below(
    device: Device, hub: LiveHub, client: FlaskClient, eventually: Callable[..., None]
) -> None:
    """Also where somebody is there already, before their session begins."""
    device.frame = {"keypoints": [[0.0, 0.0, 0.0]] * 17, "image_size": [640, 480]}
    eventually(hub.somebody, "somebody")
    assert post(client, "/runners", name="Anna").count("Anna runs from now on.") == 2


def test_programme_begins_shows_where_the_runner_stands_and_ends(
    device: Device, store: Store, client: FlaskClient, eventually: Callable[..., None]
) -> None:
    assert "Choose a runner first." in post(client, "/runners/training", command="start_programme")
    assert "Free running" in post(client, "/runners", name="Anna")
    assert "The programme begins with the next run." in post(client, "/runners/training", command="start_programme")
    eventually(lambda: store.programme(1) is not None, "the programme")
    assert "The programme is on already." in post(client, "/runners/training", command="start_programme")
    programme = store.programme(1)
    assert programme is not None
    for n in range(1, 7):
        done = Attempt(n, SESSIONS[n - 1].planned_s, Adherence(on=100, on_within=90, off=40, off_within=30))
        store.save_attempt(programme.id, 10 + n, done)
    page = re.sub(r"\s+", " ", client.get("/runners").text)
    assert "Programme: session 7 of 8<" in page
    assert "0:00 of 28:00 min run, cues 25 % of the time." in page
    assert "On target 90 % with cues, 75 % without." in page
    today = store.begin_session(SessionHeader("clip", "model", "0", view="front", runner_id=1))
    store.save_attempt(programme.id, 100 + today, Attempt(7, 600.0, Adherence()))  # on another day
    store.save_attempt(programme.id, today, Attempt(7, 65.0, Adherence()))
    assert "1:05 of 28:00 min run, cues 25 %" in client.get("/runners").text
    # While they run, and after enough of it: the session that the live page names, not the one that comes then.
    words = asdict(in_words(SESSIONS[6], 1400.0, Adherence()))
    device.frame = {"coach": {"programme": {"session": 7, "words": words}}}
    eventually(lambda: "23:20 of 28:00 min run, counts as done" in client.get("/runners").text, "what the device says")
    assert "Programme: session 7 of 8<" in client.get("/runners").text
    device.frame = {}
    post(client, "/runners/training", command="end_programme")
    eventually(lambda: store.programme(1) is None, "its end")
    post(client, "/runners/training", 400, command="make_coffee")


def test_programme_that_begins_amid_a_session_is_said_to(
    device: Device, store: Store, hub: LiveHub, client: FlaskClient, eventually: Callable[..., None]
) -> None:
    post(client, "/runners", name="Anna")
    device.choice.begin_session(SessionHeader("clip", "model", "0", view="front"), lambda session_id: None)
    eventually(hub.session_id, "the session")
    said = post(client, "/runners/training", command="start_programme")
    assert "The programme has begun, with this session." in said


def test_programme_that_begins_amid_a_test_begins_with_the_next_run(
    device: Device, hub: LiveHub, client: FlaskClient, eventually: Callable[..., None]
) -> None:
    post(client, "/runners", name="Anna")
    header = SessionHeader("clip", "model", "0", mode="step-down", view="front")
    device.choice.begin_session(header, lambda session_id: None)  # with its first repetition
    device.frame = {"screening": {"state": "running"}}
    eventually(lambda: hub.session_id() is not None and hub.testing(), "the test")
    said = post(client, "/runners/training", command="start_programme")
    assert "The programme begins with the next run." in said


def test_silent_device_can_choose_nobody(client: FlaskClient) -> None:
    assert "The device is silent" in post(client, "/runners", name="Anna")
    page = client.get("/runners").text
    assert page.count("<button") == page.count("disabled>")
    assert f"Nobody can be chosen now. The device is silent. {SILENT_REMEDY}" in page
    live = files("web").joinpath("static/js/text.js").read_text("utf-8")
    assert SILENT_REMEDY in live
    assert "Who runs is not known now." in page
    assert "is anonymous" not in page


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/runners/choose", {"runner_id": ""}),
        ("/runners/height", {"height_cm": ""}),
        ("/device/belt-speed", {"belt_speed_km_h": ""}),
        ("/device/camera-height", {"camera_height_cm": ""}),
    ],
)
def test_a_device_that_tells_nothing_confirms_nothing(
    publisher: LivePublisher, client: FlaskClient, hub: LiveHub, eventually: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch, path: str, form: dict[str, str],
) -> None:  # fmt: skip
    """It is there, and busy with its camera: nobody, or no speed, is not what it tells."""
    for views, name in ((runners, "CONFIRM_S"), (runners, "ANSWER_S"), (commands, "CONFIRM_S")):
        monkeypatch.setattr(views, name, 0.2)
    eventually(lambda: hub.send({"command": "nothing"}), "the device")
    assert "did not confirm" in post(client, path, 200, **form)


def test_device_that_does_not_confirm_is_said(
    config: Config, client: FlaskClient, publisher: LivePublisher, eventually: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(runners, "ANSWER_S", 0.1)
    publisher.publish({"type": "health", "commands": list(COMMANDS), "runner": None})
    eventually(lambda: client.get("/healthz").get_json()["device"] == "live", "the device")
    assert "did not confirm" in post(client, "/runners", name="Anna")


def test_qr_leads_to_the_page(client: FlaskClient) -> None:
    assert client.get("/runners/qr.svg").mimetype == "image/svg+xml"


@pytest.mark.parametrize(
    ("form", "status"), [({"runner_id": "Anna"}, 404), ({"runner_id": "", "csrf_token": "of another key"}, 400)]
)
def test_kiosk_finds_back_by_itself_from_what_went_wrong(
    client: FlaskClient, form: dict[str, str], status: int
) -> None:
    """The form is none of this version, or the page's key was made anew; nobody attends to that screen."""
    token = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/runners").text)
    assert token is not None
    for kiosk in ("1", ""):
        answer = client.post("/runners/choose", data={"csrf_token": token[1], **form, "kiosk": kiosk})
        assert answer.status_code == status
        assert ('http-equiv="refresh" content="20; url=/?kiosk=1"' in answer.text) is bool(kiosk)
        assert ('href="/?kiosk=1">To the live page' in answer.text) is bool(kiosk)
        assert ("<nav" in answer.text) is not bool(kiosk)


def test_kiosk_goes_back_to_its_live_page(device: Device, client: FlaskClient) -> None:
    page = client.get("/runners?kiosk=1").text
    assert "<nav" not in page
    assert 'name="kiosk" value="1"' in page
    token = re.search(r'name="csrf-token" content="([^"]+)"', page)
    assert token is not None
    answer = client.post("/runners", data={"name": "Anna", "kiosk": "1", "csrf_token": token[1]})
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/?kiosk=1"


def test_height_comes_with_the_name_and_can_be_mended(device: Device, client: FlaskClient, store: Store) -> None:
    assert "Anna 168 cm, 0 sessions" in post(client, "/runners", name="Anna", height_cm="168")
    page = post(client, "/runners/height", height_cm=" 171,5 ")
    assert "Height: 171.5 cm, kept for Anna." in page
    assert "Anna 171.5 cm, 0 sessions" in page
    assert 'value="171.5"' in client.get("/runners").text
    runner = store.runner(1)
    assert runner is not None
    assert runner.person.height_cm == 171.5
    assert "Height: not known." in post(client, "/runners/height", height_cm="")
    runner = store.runner(1)
    assert runner is not None
    assert runner.person.height_cm is None


def test_a_height_is_said_to_be_kept_when_the_list_has_it(
    device: Device, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A card that is slow to write: the device goes by the new height a moment before it is stored."""
    post(client, "/runners", name="Anna", height_cm="168")
    at_once = Store.set_height

    def later(store: Store, runner_id: int, height_cm: float | None) -> None:
        time.sleep(0.8)
        at_once(store, runner_id, height_cm)

    monkeypatch.setattr(Store, "set_height", later)
    page = post(client, "/runners/height", height_cm="171,5")
    assert "Height: 171.5 cm, kept for Anna." in page
    assert "Anna 171.5 cm, 0 sessions" in page


def test_height_of_an_anonymous_runner_is_for_the_session(device: Device, client: FlaskClient) -> None:
    assert "Height: 180 cm, this session only." in post(client, "/runners/height", height_cm="180")
    assert device.choice.person.height_cm == 180.0
    assert 'value="180"' in client.get("/runners").text


@pytest.mark.parametrize("text", ["99", "231", "1.78", "1,78", "tall", "nan", "-170"])
def test_wrong_height_is_refused_with_the_remedy(device: Device, client: FlaskClient, text: str) -> None:
    for path in ("/runners", "/runners/height"):
        assert f"'{text}' must be 100 to 230 cm, as 178, or empty" in post(client, path, 400, height_cm=text)
    assert device.choice.person.height_cm is None
    assert device.choice.current is None


def test_session_shows_centimetres_of_a_runner_whose_height_is_known(
    make_session: Callable[..., int], store: Store, client: FlaskClient
) -> None:
    width = {"mean": 0.1, "sd": 0.02, "n": 20, "ci95": 0.01, "sdd": None, "uncertainty": 0.03, "trend": None}
    summary = {"left": {"stances": 20, "step_width_leg": width}, "right": {"stances": 20, "step_width_leg": width}}
    session_id = make_session(more=summary)
    page = client.get(f"/sessions/{session_id}").text
    assert "= 8.8" not in page
    assert "Where the runner's height is told before a run ends (page Runners), its lengths" in page
    store.set_session_height(session_id, 180.0)
    page = client.get(f"/sessions/{session_id}").text
    assert "0.100 ± 0.020</span> <span class=\"cm\">= 8.8 ± 1.8 cm</span>" in page
    assert "Centimetres are for a height of 180 cm" in page
    document = client.get(f"/api/sessions/{session_id}").get_json()
    assert document["summary"]["left"]["step_width_cm"]["mean"] == 8.84
    assert "step_width_cm" in client.get(f"/api/sessions/{session_id}.csv").text


def chosen_goal(client: FlaskClient) -> list[str]:
    return re.findall(r'<option value="(\w+)" selected', client.get("/aim").text)


def test_goal_of_an_anonymous_session_is_set_shown_and_gone_with_it(device: Device, client: FlaskClient) -> None:
    page = client.get("/aim").text
    assert chosen_goal(client) == ["fppa_deg"]
    for words in GOALS.values():
        assert words.sentence in page
    assert "without a name the next one has knee alignment again" in page
    said = post(client, "/device/goal", metric="pelvic_drop_deg")
    assert "Goal: Pelvic drop, for this session." in said
    assert device.choice.person.goal == "pelvic_drop_deg"
    assert chosen_goal(client) == ["pelvic_drop_deg"]
    device.choice.session_ended()
    assert device.choice.person.goal is None


def test_goal_is_remembered_with_the_name(device: Device, client: FlaskClient, store: Store) -> None:
    post(client, "/runners", name="Anna")
    assert "Goal: Step width, remembered for Anna." in post(client, "/device/goal", metric="step_width_leg")
    post(client, "/runners/choose", runner_id="")
    assert chosen_goal(client) == ["fppa_deg"]
    page = post(client, "/runners/choose", runner_id="1")
    assert "It keeps the goal it begins with: now step width" in page
    assert chosen_goal(client) == ["step_width_leg"]


def test_goal_during_a_programme_waits_and_the_page_says_so(
    device: Device, client: FlaskClient, store: Store, eventually: Callable[..., None], frame: Callable[..., Message]
) -> None:
    """Also where the camera stands at the side, from which no programme goes on."""
    post(client, "/runners", name="Anna")
    post(client, "/runners/training", command="start_programme")
    eventually(lambda: store.programme(1) is not None, "the programme")
    said = post(client, "/device/goal", metric="cadence_spm")
    assert "Goal: Cadence, remembered for Anna. The programme that runs keeps its goal, knee alignment, to its" in said
    assert "Anna is in a programme, which keeps the goal it was begun with: Knee alignment ." in said
    assert "Its goal is knee alignment; it keeps it to its end." in post(client, "/runners/choose", runner_id="1")
    runner = store.runner(1)
    assert runner is not None
    assert runner.person.goal == "cadence_spm"
    device.frame = {**frame(), "view": "side"}
    eventually(lambda: client.get("/api/aim").get_json()["view"] == "side", "the view")
    assert client.get("/api/aim").get_json()["checks"][-1]["value"] == "Knee alignment: not from the side"


def test_a_name_is_asked_for_where_many_are_listed(client: FlaskClient, store: Store) -> None:
    for n in range(11):
        store.add_runner(f"Runner of {n}")
    assert "Find a name" not in client.get("/runners").text
    store.add_runner("One more")
    assert "Find a name" in client.get("/runners").text
