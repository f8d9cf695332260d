"""JSON, CSV and the live stream, over a real socket."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from device.config import Config
from device.live import LivePublisher, Message
from device.store import Store, StoreReader
from model.metrics import STANCE_METRICS
from web.app import close_app, create_app
from web.hub import MAX_STREAMS, LiveHub, Stream

MakeSession = Callable[..., int]
Make = Callable[..., Message]
Eventually = Callable[..., None]


def events(stream: Iterator[bytes]) -> Iterator[Message]:
    """The messages of a stream of server-sent events."""
    for chunk in stream:
        for line in chunk.splitlines():
            if line.startswith(b"data: "):
                yield json.loads(line[6:])


def test_session_is_the_stored_document(client: FlaskClient, make_session: MakeSession, config: Config) -> None:
    session_id = make_session()
    document = client.get(f"/api/sessions/{session_id}").get_json()
    assert document == StoreReader(config.database_path()).session(session_id)
    assert document["schema"] == "kneeline.session/1"
    short = client.get(f"/api/sessions/{session_id}?stances=side,fppa_deg,none").get_json()
    assert short["stances"] == [{key: one[key] for key in ("side", "fppa_deg")} for one in document["stances"]]
    assert short["summary"] == document["summary"]
    assert client.get("/api/sessions/99").status_code == 404
    assert "error" in client.get("/api/sessions/99").get_json()


def test_stances_so_far_are_those_of_the_session_that_runs(
    client: FlaskClient, make_session: MakeSession, publisher: LivePublisher, frame: Make, stances: list[Message],
    eventually: Eventually,
) -> None:  # fmt: skip
    def told(session_id: int | None) -> tuple[int | None, int]:
        publisher.publish(frame(session_id=session_id))
        answer = client.get("/api/live/stances").get_json()
        assert answer["stances"] == stances[: len(answer["stances"])]
        return answer["session_id"], len(answer["stances"])

    ended, runs = make_session(9), make_session(20, state="open", summary=False)
    for session_id, n in ((runs, 20), (ended, 0), (99, 0), (None, 0)):
        eventually(lambda now=(session_id, n): told(now[0]) == now, "the frame")


def test_a_message_that_cannot_be_read_does_not_silence_those_that_follow(
    hub: LiveHub, publisher: LivePublisher, frame: Make, eventually: Eventually, caplog: pytest.LogCaptureFixture
) -> None:
    """As of a device of another version, amid an upgrade."""

    def comes(n: int) -> bool:
        publisher.publish(frame(n, image_size=None))
        return (hub.snapshot()["frame"] or {}).get("t_s") == n / 30

    for n in (1, 2):
        eventually(lambda n=n: comes(n), "the frame")
    publisher.publish({"type": "cue", "side": "left"})
    eventually(lambda: [one for one in hub.snapshot()["events"] if one["type"] == "cue"], "the cue")
    assert caplog.text.count("cannot be read") == 1


def test_sessions_are_listed_in_parts(client: FlaskClient, make_session: MakeSession) -> None:
    for _ in range(3):
        make_session(2)
    part = client.get("/api/sessions?limit=1&offset=1").get_json()
    assert [s["id"] for s in part["sessions"]] == [2]
    assert part["total"] == 3
    assert len(client.get("/api/sessions?limit=0&offset=-5").get_json()["sessions"]) == 1


def named(answer: TestResponse) -> str:
    return answer.headers["Content-Disposition"]


def test_files_of_a_session_have_its_day_in_their_name(
    client: FlaskClient, make_session: MakeSession, store: Store
) -> None:
    session_id = make_session(3)
    store.update_session(session_id, started_utc="2026-09-01T12:00:00+00:00")
    name = f"kneeline-session-{session_id}-2026-09-01"
    assert f'"{name}.csv"' in named(client.get(f"/api/sessions/{session_id}.csv"))
    assert f'download="{name}.json"' in client.get(f"/sessions/{session_id}").text


def test_csv_has_every_stance_and_leaves_missing_empty(
    client: FlaskClient, make_session: MakeSession, stances: list[Message]
) -> None:
    answer = client.get(f"/api/sessions/{make_session()}.csv")
    assert answer.mimetype == "text/csv"
    assert re.fullmatch(r'attachment; filename="kneeline-session-1-\d{4}-\d\d-\d\d\.csv"', named(answer))
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(rows) == len(stances)
    assert set(rows[0]) == {"n", "side", "strike_s", "toe_off_s", "quality", "counts", *(m.key for m in STANCE_METRICS)}
    assert [float(row["fppa_deg"]) for row in rows] == [s["fppa_deg"] for s in stances]
    assert {row["hip_extension_deg"] for row in rows} == {""}


def test_healthz_tells_whether_the_device_is_heard(
    publisher: LivePublisher, client: FlaskClient, health: Make, eventually: Eventually
) -> None:
    publisher.publish(health())
    eventually(lambda: client.get("/healthz").get_json()["device"] == "live", "the device")
    publisher.close()
    eventually(lambda: client.get("/healthz").get_json()["device"] == "silent", "silence")
    assert client.get("/healthz").get_json()["ok"] is True


def test_live_is_silent_without_a_device(client: FlaskClient) -> None:
    live = client.get("/api/live").get_json()
    assert live["status"]["device"] == "silent"
    assert live["status"]["age_s"] is None
    assert live["frame"] is None


def test_live_shows_the_newest_frame_and_forgets_it_in_silence(
    publisher: LivePublisher, client: FlaskClient, frame: Make, eventually: Eventually
) -> None:
    sent = frame(30)
    publisher.publish(sent)
    eventually(lambda: client.get("/api/live").get_json()["frame"] == sent, "the frame")
    publisher.close()
    eventually(lambda: client.get("/api/live").get_json()["frame"] is None, "its end")


def test_polling_pages_get_each_event_with_its_number(
    publisher: LivePublisher, client: FlaskClient, hub: LiveHub, health: Make, eventually: Eventually
) -> None:
    publisher.publish(health())
    eventually(lambda: hub.status()["device"] == "live", "the device")
    for n in range(3):
        publisher.publish({"type": "cue", "side": "left", "metric": "fppa_deg", "value": 9.0 + n, "threshold": 8.0})
    eventually(lambda: len(client.get("/api/live").get_json()["events"]) == 3, "three cues")
    found = client.get("/api/live").get_json()["events"]
    assert [(e["seq"], e["value"]) for e in found] == [(1, 9.0), (2, 10.0), (3, 11.0)]


def test_numbers_go_with_the_server_that_gives_them(client: FlaskClient, config: Config) -> None:
    """A page that is open over a restart must not take the new 1 for the old one."""

    def epoch(asked: FlaskClient) -> str:
        polled: str = asked.get("/api/live").get_json()["status"]["epoch"]
        with asked.get("/api/events", buffered=False) as answer:
            assert next(events(iter(answer.response)))["epoch"] == polled  # type: ignore[arg-type]
        return polled

    restarted = create_app(config)
    try:
        assert epoch(client) == epoch(client) != epoch(restarted.test_client())
    finally:
        close_app(restarted)


def test_stream_begins_with_the_state_and_goes_on(
    publisher: LivePublisher, client: FlaskClient, hub: LiveHub, frame: Make, eventually: Eventually
) -> None:
    publisher.publish(frame(30))
    eventually(lambda: hub.status()["device"] == "live", "the device")
    answer = client.get("/api/events", buffered=False)
    assert answer.mimetype == "text/event-stream"
    heard = events(iter(answer.response))  # type: ignore[arg-type]
    assert next(heard)["type"] == "status"
    assert next(heard) == frame(30)
    publisher.publish({"type": "cue", "side": "right", "metric": "fppa_deg", "value": 12.0, "threshold": 8.0})
    cue = next(message for message in heard if message["type"] == "cue")
    assert cue["side"] == "right"
    answer.close()


def test_stream_says_when_the_device_falls_silent(
    publisher: LivePublisher, client: FlaskClient, hub: LiveHub, frame: Make, eventually: Eventually
) -> None:
    publisher.publish(frame(30))
    eventually(lambda: hub.status()["device"] == "live", "the device")
    answer = client.get("/api/events", buffered=False)
    heard = events(iter(answer.response))  # type: ignore[arg-type]
    publisher.close()
    assert next(m for m in heard if m["type"] == "status" and m["device"] == "silent")
    answer.close()


def test_more_streams_than_allowed_are_sent_to_polling(client: FlaskClient, eventually: Eventually) -> None:
    streams = [client.get("/api/events", buffered=False) for _ in range(MAX_STREAMS)]
    for stream in streams:
        next(iter(stream.response))
    refused = client.get("/api/events")
    assert refused.status_code == 503
    assert refused.headers["Retry-After"]
    streams[0].close()
    again = client.get("/api/events", buffered=False)
    assert again.status_code == 200
    for stream in [*streams[1:], again]:
        stream.close()


def test_asking_for_the_headers_takes_no_place(client: FlaskClient) -> None:
    assert {client.head("/api/events").status_code for _ in range(MAX_STREAMS + 1)} == {200}


def test_slow_page_keeps_every_cue_and_only_the_newest_frame() -> None:
    ended: list[Stream] = []
    stream = Stream(lambda: {"type": "status"}, ended.append)
    for n in range(40):
        stream.put("frame", b"frame %d;" % n)
        if n % 10 == 0:
            stream.put("cue", b"cue %d;" % n)
    assert next(stream).endswith(b"cue 0;cue 10;cue 20;cue 30;frame 39;")
    assert next(stream) == b'data: {"type":"status"}\n\n'
    stream.close()
    stream.close()
    assert list(stream) == []
    assert ended == [stream]
