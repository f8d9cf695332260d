"""Signing in and out, where a password is set."""

from __future__ import annotations

import math

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from web import access
from web.app import box

blueprint = Blueprint("sign_in", __name__)


@blueprint.get("/sign-in")
def show() -> ResponseReturnValue:
    if access.current().full:
        return redirect(_next(), 303)
    return _page(None)


@blueprint.post("/sign-in")
def enter() -> ResponseReturnValue:
    if access.current().full:
        return redirect(_next(), 303)
    tried = box().guard.try_password(request.form.get("password", ""), request.remote_addr or "")
    if tried.mark is not None:
        access.sign_in(tried.mark)
        return redirect(_next(), 303)
    if tried.wait_s <= 0:
        return _page("This is not the password."), 401
    wait_s = math.ceil(tried.wait_s)
    said = f"Too many wrong passwords. Wait {wait_s} seconds, then try again."
    return _page(said), 429, {"Retry-After": str(wait_s)}


@blueprint.post("/sign-out")
def leave() -> ResponseReturnValue:
    access.sign_out()
    flash("You are signed out.", "good")
    return redirect(url_for("pages.live"), 303)


def _page(said: str | None) -> str:
    return render_template("sign_in.html", said=said, next=_next(), fault=access.current().fault and access.NO_PASSWORD)


def _next() -> str:
    """Where to go afterwards: never away from this box."""
    return access.local_path(request.values.get("next", "")) or url_for("pages.live")
