"""Addresses of pages as QR codes, for phones that see the kiosk."""

from __future__ import annotations

import io
from urllib.parse import urlsplit

import segno
from flask import Response, request

from web.address import is_loopback, page_url


def qr_of(path: str) -> Response:
    """A page's address as others on the network reach it; the kiosk itself may use this machine's own name."""
    asked = urlsplit(request.host_url)
    host = asked.hostname or ""
    address = page_url("" if is_loopback(host) else host, asked.port or 80)
    picture = io.BytesIO()
    segno.make(address.rstrip("/") + path, error="m").save(picture, kind="svg", scale=4, border=3, light="white")
    return Response(picture.getvalue(), mimetype="image/svg+xml")
