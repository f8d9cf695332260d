"""``python -m web``: serves the pages. The other half, ``kneeline device``, may come, go and fail meanwhile."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

from waitress import create_server

from device.address import listen
from device.config import Config, WebConfig, config_path, is_systems, load_config
from model.errors import KneelineError
from web.address import page_url
from web.app import MAX_BODY_BYTES, close_app, create_app
from web.faulty import serve_until_mended
from web.hub import MAX_STREAMS

#: Threads for everything but the streams, each of which keeps one busy.
_OTHER_THREADS = 8
_MAX_PORT = 65_535
#: A reader that takes no bytes for this long is cut off, so that it gives its thread back.
_STALLED_MS = 20_000
#: Bytes that may wait for a slow reader; beyond it, that reader misses frames.
_WAITING_BYTES = 128 * 1024
#: Who has asked for nothing for this long, or not to the end, is hung up on; a stream is an answer that goes on.
_IDLE_S = 15
#: Connections at once: fewer than the files that a service may open (1024), more than one careless client takes.
_CONNECTIONS = 800
#: Who sends more is cut off unread; up to this the app itself says what is too large, as all else that is wrong.
_RECEIVED_BYTES = 4 * MAX_BODY_BYTES

log = logging.getLogger("kneeline.web")


def _cut_off_stalled(bound: socket.socket) -> None:
    """Connections inherit it."""
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _STALLED_MS)


def _port(text: str) -> int:
    """A port from the command line; 0 takes a free one."""
    port = int(text)
    if not 0 <= port <= _MAX_PORT:
        raise argparse.ArgumentTypeError(f"{port}: must be 0 to {_MAX_PORT}")
    return port


def settings_with(path: Path | None, host: str | None) -> Config:
    """The settings, with the host that the command line tells: pages are served under its name, too."""
    config = load_config(path)
    if host is None:
        return config
    return config.model_copy(update={"web": config.web.model_copy(update={"host": host})})


def _readable(arguments: argparse.Namespace) -> Config:
    """The settings. The installed service waits for them, with a page that says what is wrong: nobody sees its log."""

    def read() -> Config:
        config = settings_with(arguments.config, arguments.host)
        config.database_path()  # under an account without a home folder nobody knows it
        return config

    try:
        return read()
    except KneelineError as error:
        if not _is_installed_service(arguments.config):
            raise
        _complain(error)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: sys.exit())
        default = WebConfig()
        port = default.port if arguments.port is None else arguments.port
        bound = listen(arguments.host or default.host, port)
        return serve_until_mended(bound, error, read)


def _is_installed_service(file: Path | None) -> bool:
    """Whether systemd itself has started this very process, on the system's file."""
    file = file or config_path()
    return os.environ.get("SYSTEMD_EXEC_PID") == str(os.getpid()) and file is not None and is_systems(file)


def _complain(error: KneelineError) -> None:
    sys.stderr.writelines(f"kneeline web: {line}\n" for line in str(error).splitlines())


def main(argv: Sequence[str] | None = None) -> int:
    """Serves until SIGTERM or SIGINT. Returns 0 then, or 2 where settings or address are wrong."""
    parser = argparse.ArgumentParser(prog="kneeline web", description=__doc__)
    parser.add_argument("--config", type=Path, help="settings file (TOML)")
    parser.add_argument("--host", help="address to serve at, instead of [web] host")
    parser.add_argument("--port", type=_port, help="port to serve at, instead of [web] port")
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(name)s: %(message)s")
    try:
        config = _readable(arguments)
        bound = listen(config.web.host, config.web.port if arguments.port is None else arguments.port)
    except KneelineError as error:
        _complain(error)
        return 2
    _cut_off_stalled(bound)
    logging.getLogger("waitress").setLevel(logging.WARNING)  # it tells of every page that is closed
    app = create_app(config)
    server = create_server(
        app,
        sockets=[bound],
        threads=MAX_STREAMS + _OTHER_THREADS,
        connection_limit=_CONNECTIONS,
        channel_timeout=_IDLE_S,
        cleanup_interval=max(1, _IDLE_S // 5),
        asyncore_use_poll=True,  # select takes no more than 1024
        outbuf_high_watermark=_WAITING_BYTES,
        max_request_body_size=_RECEIVED_BYTES,
        ident=None,
        clear_untrusted_proxy_headers=False,  # nothing is taken from them, but a proxy is known by them
    )

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        close_app(app)
        raise SystemExit

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    log.info("the page is at %s", page_url(config.web.host, bound.getsockname()[1]))
    server.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
