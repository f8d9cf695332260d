"""One runner's sessions, and a run against an earlier one of the same runner, on a real database."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from device.config import Config
from device.live import Message
from device.store import SessionHeader, Store, StoreDamaged, StoreReader
from model.metrics import METRICS
from model.pose import Side, View
from model.result import summarise
from tests.web.conftest import GOOD_CAMERA
from tests.web.tested import store_test

MakeSession = Callable[..., int]
STOOD = {"knee_left_deg": 1.0, "knee_right_deg": 2.0, "hip_line_deg": 1.0, "roll_deg": 0.5}
#: Nobody, and no run, has such a number.
NOBODY = ["99", "0", "-1", "x", "1.5", "9223372036854775808", "9" * 5000]
UNKNOWN_CAMERA: Message = {**dict.fromkeys(GOOD_CAMERA), "state": "unknown", "source": "none"}


def text_of(client: FlaskClient, url: str, status: int = 200) -> str:
    answer = client.get(url)
    assert answer.status_code == status
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", answer.text)))


def listed(client: FlaskClient, url: str) -> list[int]:
    """Sessions whose rows a list shows."""
    found = re.findall(r'<th scope="row"[^>]*><a href="/sessions/(\d+)"', client.get(url).text)
    return [int(session_id) for session_id in found]


@pytest.fixture
def anna(store: Store) -> int:
    return store.add_runner("Anna O'Hara")[0]


@pytest.fixture
def make_run(make_session: MakeSession, stances: list[Message], anna: int) -> MakeSession:
    """Stores a run of Anna's, whose right knee is further inward by so much than in the clip; standing came before."""

    def make(by_deg: float = 0.0, view: str = "front", lost: int = 0, **more: object) -> int:
        by = {"right": by_deg, "left": 0.0}
        moved = [{**one, "fppa_deg": one["fppa_deg"] + by[one["side"]]} for one in stances]
        summary = summarise(moved, View(view)) | {"standing": STOOD, "frames_lost": lost}
        return make_session(view=view, more=summary, **{"runner_id": anna} | more)

    return make


def right_knee(client: FlaskClient, url: str) -> str:
    """The row of the right knee's alignment in the comparison."""
    found = re.search(r"Knee alignment \(FPPA\), right (.*?) Pelvic drop, left", text_of(client, url))
    assert found is not None
    return found[1]


def panels(client: FlaskClient, runner_id: int) -> list[str]:
    """The drawings of a runner's course, left and right."""
    return re.findall(r'<svg viewBox="0 0 420.*?</svg>', client.get(f"/sessions?runner={runner_id}").text, re.S)


def test_one_runners_sessions_are_listed_alone(
    client: FlaskClient, store: Store, make_session: MakeSession, anna: int
) -> None:
    ben, _ = store.add_runner("Ben")
    hers = [make_session(3, runner_id=anna), make_session(3, view="side", runner_id=anna)]
    make_session(3, runner_id=ben)
    make_session(3)
    tested = store_test(store, Side.RIGHT, runner_id=anna)
    assert listed(client, f"/sessions?runner={anna}") == [tested, *reversed(hers)]
    text = text_of(client, f"/sessions?runner={anna}")
    assert "Sessions of Anna O'Hara" in text
    assert "All sessions" in text
    assert "Step-down test, right leg" in text
    page = client.get(f"/sessions?runner={anna}").text
    assert '<a class="button" href="/sessions">' in page
    assert len(listed(client, "/sessions")) == 5
    assert listed(client, "/sessions?runner=") == listed(client, "/sessions")
    assert "Sessions of" not in text_of(client, "/sessions")


def test_a_runner_without_sessions_is_said_to_have_none(client: FlaskClient, anna: int) -> None:
    assert "No session of Anna O'Hara is kept." in text_of(client, f"/sessions?runner={anna}")


@pytest.mark.parametrize("number", NOBODY)
def test_nobodys_sessions_are_not_found(client: FlaskClient, make_session: MakeSession, anna: int, number: str) -> None:
    make_session(3, runner_id=anna)
    assert "There is no such page, session or runner here" in text_of(client, f"/sessions?runner={number}", 404)


def test_without_a_database_there_is_no_runner(client: FlaskClient, config: Config) -> None:
    assert not config.database_path().exists()
    text_of(client, "/sessions?runner=1", 404)


def test_one_runners_sessions_page(client: FlaskClient, make_session: MakeSession, anna: int) -> None:
    hers = [make_session(3, runner_id=anna) for _ in range(31)]
    make_session(3)
    first, second = (client.get(f"/sessions?runner={anna}&page={n}").text for n in (1, 2))
    assert "page 1 of 2" in first
    assert f'href="/sessions?page=2&amp;runner={anna}"' in first
    assert f'href="/sessions?page=1&amp;runner={anna}"' in second
    for _ in range(30):
        make_session(3)
    assert 'href="/sessions?page=2"' in client.get("/sessions").text
    assert listed(client, f"/sessions?runner={anna}&page=2") == hers[:1]
    assert listed(client, f"/sessions?runner={anna}&page=9") == hers[:1]


def test_links_lead_to_a_runners_sessions(
    client: FlaskClient, store: Store, make_session: MakeSession, anna: int
) -> None:
    session_id, tested = make_session(3, runner_id=anna), store_test(store, runner_id=anna)
    link = f'href="/sessions?runner={anna}"'
    for url in ("/runners", "/sessions", f"/sessions/{session_id}", f"/sessions/{tested}"):
        assert link in client.get(url).text, url
    assert 'aria-label="2 sessions of Anna O&#39;Hara"' in client.get("/runners").text
    assert link not in client.get("/runners?kiosk=1").text  # nobody navigates there
    assert "2 sessions, 2 of them" not in text_of(client, "/runners?kiosk=1")
    store.add_runner("Ben")
    assert "0 sessions" in text_of(client, "/runners")
    assert "sessions?runner=2" not in client.get("/runners").text


def test_a_mean_is_written_alike_in_the_table_and_in_the_comparison(client: FlaskClient, make_run: MakeSession) -> None:
    """Above it, the same knee has its sign and its degrees in every column."""
    make_run()
    text = text_of(client, f"/sessions/{make_run(-20.0)}")
    table, compared = text.split("Compared with")
    left, right, apart = re.findall(r"([+−][\d.]+) ± [\d.]+°", table[table.index("Summary") :])[:3]
    assert [mean[0] for mean in (left, right, apart)] == ["+", "−", "+"]
    assert f"FPPA), left + knee medial of the hip-ankle line {left}° {left}° 0.0° " in compared
    assert re.search(rf"FPPA\), right \+[\d.]+° {right}° −20.0° ", compared)
    assert re.search(r"(stances · 95 % ± [\d.]+° .*?){2}, more than noise 8.2°", table)


def test_the_smallest_real_change_is_the_same_in_the_table_and_in_the_comparison(
    client: FlaskClient, make_session: MakeSession, stances: list[Message], anna: int
) -> None:
    """From the side the table showed the SDD of 3.8°, which holds for a camera in one place, the comparison 12.7°."""
    bent = [{**one, "knee_flexion_deg": 43.0, "fppa_deg": None, "fppa_image_deg": None} for one in stances]
    runs = [make_session(view="side", frontal=False, more=summarise(bent, View.SIDE), runner_id=anna) for _ in "12"]
    table, compared = text_of(client, f"/sessions/{runs[1]}").split("Compared with")
    assert re.search(r"Knee flexion in stance How much .*? within noise 12\.7°", table)
    assert "(SDD, here no less than what the means of two such runs may be off together) is noise" in table
    assert re.search(r"Knee flexion in stance, left .*? 0\.0° 12\.7° no change", compared)
    square = text_of(client, f"/sessions/{make_session(runner_id=anna)}")
    assert re.search(r"Pelvic drop How .*? within noise 2\.8°", square)
    unplaced = text_of(client, f"/sessions/{make_session(runner_id=anna, camera=UNKNOWN_CAMERA, frontal=False)}")
    assert re.search(r"Pelvic drop How .*? within noise 4\.2°", unplaced)


def test_a_run_is_compared_with_the_one_before(client: FlaskClient, make_run: MakeSession) -> None:
    make_run()
    before, now = make_run(9.0), make_run(0.5)
    page = client.get(f"/sessions/{now}").text
    assert re.search(rf'Compared with <a href="/sessions/{before}"', page)
    assert re.search(r"\+[\d.]+° \+[\d.]+° −8.5° 8.2° changed", right_knee(client, f"/sessions/{now}"))
    text = text_of(client, f"/sessions/{now}")
    assert re.search(r"Knee alignment \(FPPA\), left \+ knee medial.*? 0.0° 8.2° no change that can be told", text)
    assert re.search(r"Pelvic drop, left .*? 0.0° 2.8° no change that can be told", text)
    assert "Mind how" not in text
    assert "Hip adduction, left" not in text  # measured in neither
    assert "Compare yourself with yourself, as above" in text


def test_a_difference_below_the_sdd_is_no_change(client: FlaskClient, make_run: MakeSession) -> None:
    make_run()
    now = make_run(8.1)
    assert "+8.1° 8.2° no change that can be told" in right_knee(client, f"/sessions/{now}")
    assert "changed" not in text_of(client, f"/sessions/{now}")


def test_another_earlier_run_can_be_chosen(client: FlaskClient, make_run: MakeSession) -> None:
    first, before, now, after = make_run(9.0), make_run(), make_run(), make_run()
    page = client.get(f"/sessions/{now}?with={first}").text
    assert "−9.0° 8.2° changed" in right_knee(client, f"/sessions/{now}?with={first}")
    form = re.search(r'<form class="row choice" method="get" action="([^"]+)">.*?</form>', page, re.S)
    assert form is not None
    assert form[1] == f"/sessions/{now}#compared-h"
    assert re.findall(r'<option value="(\d+)"( selected)?', form[0]) == [(str(before), ""), (str(first), " selected")]
    assert '<label for="with">' in form[0]
    assert client.get(f"/sessions/{now}?with=").text.count(f'value="{before}" selected') == 1
    for other in (now, after, *NOBODY):
        text_of(client, f"/sessions/{now}?with={other}", 404)


def test_runs_of_others_in_other_views_and_tests_cannot_be_chosen(
    client: FlaskClient, store: Store, make_session: MakeSession, make_run: MakeSession, anna: int
) -> None:
    ben, _ = store.add_runner("Ben")
    others = [make_run(runner_id=ben), make_session(), make_run(view="rear"), store_test(store, runner_id=anna)]
    now = make_run()
    assert "Anna O'Hara was not seen from the front before: runs from another view cannot" in text_of(
        client, f"/sessions/{now}"
    )
    assert '<select id="with"' not in client.get(f"/sessions/{now}").text
    for other in others:
        text_of(client, f"/sessions/{now}?with={other}", 404)


def test_where_nothing_can_be_compared_the_page_says_why(
    client: FlaskClient, store: Store, make_session: MakeSession, make_run: MakeSession, anna: int
) -> None:
    first = make_session(5, runner_id=anna)
    assert "This is the first run of Anna O'Hara that is kept" in text_of(client, f"/sessions/{first}")
    now = make_run()
    text = text_of(client, f"/sessions/{now}")
    assert "No earlier run of Anna O'Hara from the front can be compared: it takes 7 stances" in text
    assert "not measured then" in text_of(client, f"/sessions/{now}?with={first}")  # asked for, it is shown
    nowhere = store.begin_session(SessionHeader("clip", "movenet-lightning-int8", "0.1.0", runner_id=anna))
    store.end_session(nowhere)
    assert "It is not known from where the camera looked" in text_of(client, f"/sessions/{nowhere}")


def test_an_earlier_run_that_tells_nothing_of_the_knees_is_passed_over(
    client: FlaskClient, make_run: MakeSession, make_session: MakeSession, anna: int
) -> None:
    before = make_run()
    make_session(5, runner_id=anna)
    make_session(runner_id=anna, camera=UNKNOWN_CAMERA, frontal=False)
    now = make_run()
    assert f'Compared with <a href="/sessions/{before}"' in client.get(f"/sessions/{now}").text


def test_anonymous_runs_those_that_still_run_and_cards_are_not_compared(
    client: FlaskClient, make_run: MakeSession, make_session: MakeSession
) -> None:
    before, still = make_run(), make_run(state="open")
    for url in (f"/sessions/{make_session()}", f"/sessions/{still}", f"/sessions/{still}?with={before}"):
        assert "Compared with" not in text_of(client, url)
    assert "Compared with" not in text_of(client, f"/sessions/{make_run()}/card")
    assert "under a name of your own" in text_of(client, f"/sessions/{make_session()}")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"model": "movenet-thunder-int8"}, "the pose model was another one (movenet-thunder-int8, now movenet-light"),
        ({"camera": GOOD_CAMERA | {"yaw_deg": 8.0}}, "the camera stood elsewhere."),
        ({"source": "camera"}, "the pictures came from elsewhere."),
        ({"lost": 200}, "many pictures were lost (25 % then)."),
    ],
)
def test_what_was_not_measured_alike_is_said(
    client: FlaskClient, make_run: MakeSession, more: Message, said: str
) -> None:
    make_run(**more)
    text = text_of(client, f"/sessions/{make_run()}")
    assert f"Mind how the two were measured: {said}" in text
    assert re.search(r"Pelvic drop, left .*? 0.0° 4.2° no change", text)


FAST, SLOW, BOTH = (3.0, 3.0), (2.5, 2.5), (2.5, 3.0)


@pytest.mark.parametrize(("then", "words"), [(SLOW, "9.0 km/h"), (BOTH, "9.0 to 10.8 km/h")])
def test_at_another_speed_no_difference_is_called_a_change(
    client: FlaskClient, make_run: MakeSession, anna: int, then: tuple[float, float], words: str
) -> None:
    alike, _, now = make_run(9.0, belt_m_s=FAST), make_run(9.0, belt_m_s=then), make_run(belt_m_s=FAST)
    text = text_of(client, f"/sessions/{now}")
    assert f"one and the same speed ({words}, now 10.8 km/h), which changes most" in text
    assert "−9.0° 8.2° beyond noise, but at another speed" in right_knee(client, f"/sessions/{now}")
    assert "changed" not in right_knee(client, f"/sessions/{now}")
    form = client.get(f"/sessions/{now}").text.partition('<select id="with"')[2]
    options = re.findall(r"<option [^>]*>(.*?)</option>", form)
    assert [option.partition(", session ")[0][-len(words) - 3 :] for option in options[:1]] == [f", {words})"]
    assert "at the same speed (10.8 km/h, now 10.8 km/h)" in text_of(client, f"/sessions/{now}?with={alike}")
    assert "−9.0° 8.2° changed" in right_knee(client, f"/sessions/{now}?with={alike}")


def test_a_speed_that_was_not_told_is_said_and_changes_are_called_so_as_before(
    client: FlaskClient, make_run: MakeSession
) -> None:
    make_run(9.0)
    now = make_run(belt_m_s=FAST)
    assert "which changes most of these numbers: it was told for this run only." in text_of(client, f"/sessions/{now}")
    assert "−9.0° 8.2° changed" in right_knee(client, f"/sessions/{now}")


def test_the_speed_is_on_a_runs_page_and_in_the_list_of_its_runner(
    client: FlaskClient, store: Store, make_run: MakeSession, anna: int
) -> None:
    runs = [make_run(), make_run(belt_m_s=FAST), make_run(belt_m_s=BOTH)]
    store_test(store, runner_id=anna)
    shown = [text_of(client, f"/sessions/{run}") for run in runs]
    for page, words in zip(shown, ("belt speed not told", "belt 10.8 km/h", "belt 9.0 to 10.8 km/h"), strict=True):
        assert f"front view · {words} · " in page
    page = client.get(f"/sessions?runner={anna}").text
    assert re.findall(r'<td data-label="Belt">(.*?)</td>', page) == ["—", "9.0 to 10.8 km/h", "10.8 km/h", "—"]
    assert "belt" not in text_of(client, f"/sessions/{runs[-1] + 1}").split("Model")[0].partition("·")[0]
    kept = client.get(f"/api/sessions/{runs[-1]}").get_json()
    assert (kept["belt_speed_min_m_s"], kept["belt_speed_max_m_s"]) == BOTH


def test_the_list_does_not_mark_a_knee_at_another_speed(client: FlaskClient, make_run: MakeSession, anna: int) -> None:
    make_run(belt_m_s=SLOW)
    make_run(9.0, belt_m_s=FAST)
    text = text_of(client, f"/sessions?runner={anna}")
    assert "changed +" not in text
    right = panels(client, anna)[1]
    assert 'class="changed"' not in right
    assert "in the newest: beyond noise, but at another speed." in right
    make_run(9.0, belt_m_s=SLOW)
    assert text_of(client, f"/sessions?runner={anna}").count("changed +9.0°") == 1


def test_a_run_whose_summary_a_power_cut_prevented_is_summed_up_from_its_stances(
    client: FlaskClient, make_run: MakeSession, make_session: MakeSession, anna: int
) -> None:
    before = make_session(state="interrupted", summary=False, runner_id=anna)
    now = make_run(9.0)
    assert f'Compared with <a href="/sessions/{before}"' in client.get(f"/sessions/{now}").text
    assert "+9.0° 8.2° changed" in right_knee(client, f"/sessions/{now}")
    assert "not known whether the runner had stood still" in text_of(client, f"/sessions/{now}")


def test_the_list_marks_a_knee_that_has_changed_since_the_first_run(
    client: FlaskClient, make_run: MakeSession, make_session: MakeSession, anna: int
) -> None:
    make_session(5, runner_id=anna)  # too few stances to be the first
    first, alike, changed = make_run(), make_run(8.0), make_run(-9.0)
    make_run(20.0, view="rear")
    text = text_of(client, f"/sessions?runner={anna}")
    assert text.count("° changed ") == 1
    assert "° changed −9.0°" in text
    assert text.count("first in this view") == 2
    assert "Knee alignment (FPPA), run by run, from the front" in text
    left, right = panels(client, anna)
    assert 'aria-label="Right: ' in right
    assert re.search(r"Right: \+[\d.]+° in the first, \+[\d.]+° in the newest: changed\.", right)
    assert re.search(r"Left: (\+[\d.]+)° in the first, \1° in the newest: no change that can be told\.", left)
    assert [len(re.findall("<circle", panel)) for panel in (left, right)] == [3, 3]
    assert [panel.count('class="changed"') for panel in (left, right)] == [0, 1]
    assert listed(client, f"/sessions?runner={anna}")[1:4] == [changed, alike, first]
    assert "changed" not in text_of(client, "/sessions")
    assert "run by run" not in text_of(client, "/sessions")


def test_the_list_marks_runs_of_which_many_pictures_were_lost(
    client: FlaskClient, make_run: MakeSession, anna: int
) -> None:
    make_run()
    for lost in (60, 200):
        make_run(lost=lost)
    for url in ("/sessions", f"/sessions?runner={anna}"):
        assert re.findall(r"complete( \d+ % of its pictures lost)?", text_of(client, url)) == [
            " 25 % of its pictures lost", "", "",
        ]  # fmt: skip


def test_a_band_is_as_high_as_no_change_and_dots_stay_in_the_drawing(
    client: FlaskClient, make_run: MakeSession, anna: int
) -> None:
    make_run()
    make_run(4.1)
    make_run(30.0)
    right = panels(client, anna)[1]
    dots = [float(y) for y in re.findall(r'<circle cx="[\d.]+" cy="([\d.]+)"', right)]
    band = re.search(r'<rect class="band" x="\d+" y="([\d.]+)" width="\d+" height="([\d.]+)"', right)
    assert band is not None
    half = float(band[2]) / 2
    assert dots[0] == pytest.approx(float(band[1]) + half, abs=0.2)
    assert dots[0] - dots[1] == pytest.approx(half * 4.1 / METRICS["fppa_deg"].sdd, abs=0.2)  # type: ignore[operator]
    assert all(0 < y < 150 for y in dots)


def test_a_course_is_drawn_once_and_says_which_runs_it_leaves_out(
    client: FlaskClient, make_run: MakeSession, make_session: MakeSession, store: Store, anna: int
) -> None:
    """Each page of the list drew another one, of its own runs, as if it were the whole."""
    for _ in range(30):
        make_run(9.0)
    store.update_session(1, started_utc="2026-09-01T12:00:00+00:00")
    assert "a run; dashed: the first run, 01 Sep 2026." in text_of(client, f"/sessions?runner={anna}")
    make_run()
    make_session(view="rear", runner_id=anna)
    said = "Each dot is the mean of a run: the 29 newest of 31 runs; dashed: the first run, 01 Sep 2026."
    assert said in text_of(client, f"/sessions?runner={anna}")
    assert panels(client, anna)[1].count("<circle") == 29
    assert "run by run" not in text_of(client, f"/sessions?runner={anna}&page=2")
    assert "first in this view" in text_of(client, f"/sessions?runner={anna}&page=2")


def test_a_single_run_makes_no_course(client: FlaskClient, make_run: MakeSession, anna: int) -> None:
    make_run()
    assert "run by run" not in text_of(client, f"/sessions?runner={anna}")


def test_the_json_of_sessions_knows_no_runner_filter(client: FlaskClient, make_run: MakeSession, anna: int) -> None:
    """It stays as others rely on it."""
    make_run()
    assert client.get("/api/sessions?runner=99").get_json() == client.get("/api/sessions").get_json()


def test_every_cell_of_the_comparison_has_a_head(client: FlaskClient, make_run: MakeSession) -> None:
    make_run()
    page = client.get(f"/sessions/{make_run()}").text
    table = re.search(r'<table class="metrics changes">.*?</table>', page, re.S)
    assert table is not None
    heads = re.findall(r'<th scope="col">', table[0])
    rows = re.findall(r"<tr>\s*(<th scope=\"row\">.*?)</tr>", table[0], re.S)
    assert rows
    for row in rows:
        cells = [int(span or 1) for span in re.findall(r'<(?:td|th)\b[^>]*?(?:colspan="(\d)")?[^>]*>', row)]
        assert sum(cells) == len(heads)
    assert 'role="region" aria-labelledby="compared-h"' in page


def test_a_result_is_shown_where_earlier_ones_cannot_be_read(
    client: FlaskClient, make_run: MakeSession, anna: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_run()
    now = make_run()

    def damaged(*_: object) -> None:
        raise StoreDamaged("k.db is damaged")

    monkeypatch.setattr(StoreReader, "result", damaged)
    assert "Compared with" not in text_of(client, f"/sessions/{now}")
    assert listed(client, f"/sessions?runner={anna}") == [now, now - 1]
    monkeypatch.setattr(StoreReader, "list_sessions", damaged)
    assert "Only what can still be read is listed." in text_of(client, f"/sessions?runner={anna}")
    assert listed(client, f"/sessions?runner={anna}") == [now, now - 1]


def test_cues_that_were_kept_back_are_said_where_they_are_counted(
    client: FlaskClient, store: Store, make_run: MakeSession
) -> None:
    """Else a course over weeks begins with few cues, and a programme's end looks like a success."""
    cases: dict[str, tuple[Message | None, str, str]] = {
        "from before": (None, "", ""),
        "nothing": ({}, "", ""),
        "while the store was asked": ({"measuring_s": 0.3}, "", ""),
        "broken off": ({"measuring_s": 41.2}, "for 41 s while a baseline was measured", "kept back 41 s"),
        "faded": (
            {"measuring_s": 0.3, "fading_s": 460.9, "programme_session": 6},
            "for 7 min 41 s by session 6 of the programme",
            "kept back 7 min 41 s",
        ),
        "both": (
            {"measuring_s": 41.2, "fading_s": 460.9, "programme_session": 6},
            "for 41 s while a baseline was measured, and for 7 min 41 s by session 6 of the programme",
            "kept back 8 min 22 s",
        ),
        "off": ({"off_s": 62.0}, "for 1 min 02 s because coaching is switched off", "kept back 1 min 02 s"),
        "faded before": (
            {"fading_s": None, "programme_session": 6},
            "kept back by session 6 of the programme",
            "some kept back",
        ),
    }
    for kept_back, words, short in cases.values():
        session_id = make_run()
        store.update_session(session_id, kept_back=kept_back)
        for url in (f"/sessions/{session_id}", f"/sessions/{session_id}/card"):
            text = text_of(client, url)
            assert ("ues were kept back" in text) is bool(words), url
            assert words in text, url
        row = client.get("/sessions").text.partition("<tbody>")[2].partition("</tr>")[0]
        found = re.search(r'<td data-label="Cues" class="num">(\d+)(?: <small[^>]*>([^<]*))?', row)
        assert found is not None
        assert (found[2] or "") == short
        assert client.get(f"/api/sessions/{session_id}").get_json()["kept_back"] == kept_back
        assert client.get("/api/sessions?limit=1").get_json()["sessions"][0]["kept_back"] == kept_back


def test_cues_for_another_goal_are_none_of_the_knee(client: FlaskClient, store: Store, make_run: MakeSession) -> None:
    session_id = make_run()
    before = client.get(f"/api/sessions/{session_id}").get_json()["cues"]
    assert {(cue["side"], cue["metric"]) for cue in before} == {("right", "fppa_deg")}
    for n, metric in enumerate(("cadence_spm", "cadence_spm", "fppa_image_deg")):
        cue = {"t_s": 1.0 + n, "side": "right", "metric": metric, "value": 9.0, "threshold": 8.0}
        store.add_cue(session_id, cue)
    for goals, left in ((None, "0 cues"), (["cadence_spm", "fppa_deg"], "0 cues"), (["cadence_spm"], "not coached")):
        store.update_session(session_id, goals=goals)
        page, card = (text_of(client, f"/sessions/{session_id}{part}") for part in ("", "/card"))
        assert "Cued for cadence 2 cues" in page
        assert "2 cues for cadence" in card
        for text in (page, card):
            assert f"{len(before) + 1} cues" in text.partition("(FPPA), right ")[2][:80]
            assert left in text
        assert client.get(f"/api/sessions/{session_id}").get_json()["goals"] == goals


def test_one_short_first_run_does_not_hide_the_knee_that_it_tells_nothing_of(
    client: FlaskClient, make_session: MakeSession, make_run: MakeSession, stances: list[Message], anna: int
) -> None:
    right = [one for one in stances if one["side"] == "right"]
    short = summarise([*right, *[one for one in stances if one["side"] == "left"][:4]], View.FRONT)
    first = make_session(more=short | {"standing": STOOD, "frames_lost": 0}, runner_id=anna)
    whole = [make_run(), make_run(12.0)]
    assert len(panels(client, anna)) == 2
    listed_page = text_of(client, f"/sessions?runner={anna}")
    assert "Nothing to compare" not in listed_page
    assert listed_page.count("first in this view") == 1
    assert f"/sessions/{first}" not in client.get(f"/sessions/{whole[1]}").text.partition("Compared with")[2][:200]
    assert "right" in text_of(client, f"/sessions/{whole[0]}").partition("Compared with")[2]
