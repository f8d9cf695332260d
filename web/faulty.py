"""The one page of a box whose settings have faults: which, and what to do, until they are mended."""

from __future__ import annotations

import html
import logging
import re
import socket
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from device.config import Config
from model.errors import KneelineError
from web.address import page_url

#: So often the settings are read anew.
_AGAIN_S = 3.0
#: Who has asked for nothing for this long is hung up on.
_IDLE_S = 15
#: What stands behind a name that is no setting may be anything, a password too: not for the whole network.
_UNKNOWN_VALUE = re.compile(r" = .*(?=: (?:unknown setting|stands outside))")
_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>The settings have faults · Kneeline</title>
<style>
:root {{ color-scheme: dark; }}
body {{ margin: 8vmin auto; padding: 0 5vmin; max-width: 60rem; background: #0d1316; color: #eef4f6;
  font: clamp(18px, 2.2vmin, 32px)/1.5 sans-serif; overflow-wrap: anywhere; }}
li, code {{ font-family: monospace; }}
li {{ color: #ffb224; }}
</style>
</head>
<body>
<h1>The settings have faults</h1>
<ul>
{faults}
</ul>
<p>Mend <code>/etc/kneeline/config.toml</code> on the box; <code>sudo kneeline config check</code> says what is still
wrong. Within a minute Kneeline starts by itself then.</p>
<script>
setInterval(() => fetch("/healthz").then((answer) => answer.ok && location.reload(), () => {{}}), 3000);
</script>
</body>
</html>
"""


log = logging.getLogger("kneeline.web")


def serve_until_mended(bound: socket.socket, error: KneelineError, read: Callable[[], Config]) -> Config:
    """Says on every page what is wrong with the settings, until they can be read, twice alike: half of a file that is
    being saved may be right, too.

    Args:
        bound: where to serve; it is closed in the end.
        error: what ``read`` has said first.
        read: reads the settings.
    """
    mended: Config | None = None
    with _Server(bound) as server:
        server.page = page_of(error)
        log.info("the page that names the faults is at %s", page_url(*bound.getsockname()[:2]))
        while True:
            server.answer_for(_AGAIN_S)
            try:
                before, mended = mended, read()
            except KneelineError as still:
                server.page, mended = page_of(still), None
            else:
                if mended == before:
                    return mended


def page_of(error: KneelineError) -> bytes:
    """The page, with a line for each fault."""
    faults = (html.escape(_UNKNOWN_VALUE.sub("", line)) for line in str(error).splitlines())
    return _PAGE.format(faults="\n".join(f"<li>{fault}</li>" for fault in faults)).encode()


class _Answer(BaseHTTPRequestHandler):
    """The same to everybody, whatever they ask."""

    server: _Server
    timeout = _IDLE_S
    server_version, sys_version = "Kneeline", ""

    def do_GET(self) -> None:
        page = self.server.page
        self.send_response(HTTPStatus.SERVICE_UNAVAILABLE)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(page)

    do_HEAD = do_POST = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing: every page asks every few seconds."""


class _Server(ThreadingHTTPServer):
    page = b""

    def __init__(self, bound: socket.socket) -> None:
        super().__init__(("", 0), _Answer, bind_and_activate=False)
        self.socket.close()
        self.socket = bound
        self.server_activate()

    def answer_for(self, time_s: float) -> None:
        until_s = time.monotonic() + time_s
        while (left_s := until_s - time.monotonic()) > 0:
            self.timeout = left_s
            self.handle_request()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing: it has gone."""
