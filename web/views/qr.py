"""Addresses of pages as QR codes, for phones that see the kiosk."""

from __future__ import annotations

import io
from urllib.parse import urlsplit

import segno
from flask import Response, abort, request

from device.address import is_loopback
from web.address import lan_address, page_url
from web.app import box


def for_phones() -> str | None:
    """Where a phone gets to the pages, as ``http://192.168.1.7:8080``; None where they are this machine's only.

    By the name that was asked for; the kiosk itself may ask this machine by its own, which leads nowhere elsewhere.
    """
    asked = urlsplit(request.host_url)
    host = asked.hostname or ""
    if is_loopback(host):
        served = box().config.web.host
        if is_loopback(served) or lan_address(served) is None:
            return None
        host = ""
    return page_url(host, asked.port or 80).rstrip("/")


def qr_of(path: str) -> Response:
    """A page's address as others on the network reach it; there is none where they do not."""
    origin = for_phones() or abort(404)
    picture = io.BytesIO()
    segno.make(origin + path, error="m").save(picture, kind="svg", scale=4, border=3, light="white")
    return Response(picture.getvalue(), mimetype="image/svg+xml")
