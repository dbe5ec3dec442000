"""The Jinja2 environment of every page of ours."""

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.messages import get_messages
from django.contrib.staticfiles import finders
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import get_language, gettext, ngettext
from django_htmx.jinja import htmx_script
from jinja2 import Environment, StrictUndefined
from lucide.jinja import lucide
from markupsafe import Markup
from rules.permissions import has_perm

from makegood.ground.messages.notices import count_unread
from makegood.ground.web import formats, rail, vega


@lru_cache(maxsize=1024)
def icon(name: str, size: int = 16, **attributes: object) -> Markup:
    """A lucide icon, decoration only: the word beside it or an aria-label says what it means.

    Kept once drawn: drawing costs 70 microseconds, and a page shows dozens.
    """
    drawn = lucide(name, size=size, **{"stroke_width": 1.75, "aria_hidden": "true", **attributes})
    return Markup(" ".join(drawn.split()))  # noqa: S704  from our own icon set


def translated(message: str) -> str:
    """gettext, remembered: catalogues do not change while we run, and a page asks a hundred times."""
    return _translated(message, get_language())


@lru_cache(maxsize=8192)
def _translated(message: str, language: str | None) -> str:  # noqa: ARG001  the language is part of the key
    return gettext(message)


def said(message: str, **values: Any) -> Markup:
    """What `_()` is in templates: Jinja's new-style gettext, which escapes values, in a third of its time."""
    known = get_language()
    return Markup(_translated(message, known)) % values if values else _said(message, known)  # noqa: S704  our own words


@lru_cache(maxsize=8192)
def _said(message: str, language: str | None) -> Markup:
    return Markup(_translated(message, language)) % {}  # noqa: S704  our own words


def url(name: str, args: Sequence[Any] = ()) -> str:
    """The address of a page. Those that take nothing are kept: every page names a dozen."""
    return reverse(name, args=args) if args else _url(name)


_url = lru_cache(maxsize=256)(reverse)


@lru_cache(maxsize=256)
def static_url(path: str) -> str:
    """The address of a static file; it changes with the content, so that browsers may keep what they have."""
    found = finders.find(path)
    if found is None:
        return static(path)
    return f"{static(path)}?v={hashlib.sha256(Path(found).read_bytes()).hexdigest()[:8]}"


def may(user: Any, permission: str) -> bool:
    """Whether the role allows it. Unlike `user.has_perm` a no costs no SQL statement."""
    return bool(has_perm(permission, user))  # type: ignore[no-untyped-call]


def company() -> str:
    return str(settings.MAKEGOOD_NAME)


def language() -> str:
    return get_language() or str(settings.LANGUAGE_CODE)


def environment(**options: Any) -> Environment:
    """Strict: a misspelt name in a template is an error, not an empty string."""
    # Django's backend passes autoescape=True.
    env = Environment(  # noqa: S701
        **{**options, "undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True},
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
    )
    env.install_gettext_callables(translated, ngettext, newstyle=True)  # type: ignore[attr-defined]
    env.globals.update(
        _=said, gettext=said, static=static_url, url=url,
        icon=icon, htmx_script=htmx_script, toasts=get_messages, may=may, company=company, count_unread=count_unread,
        language=language, rail=rail.entries, vega_url=vega.url, **formats.GLOBALS
    )  # fmt: skip
    env.filters.update(formats.FILTERS)
    drawn: dict[tuple[str, str], Markup] = {}

    def overlays(request: HttpRequest) -> Markup:
        """The dialogs of every page, drawn once for each language and role: a tenth of a page's work."""
        key = (language(), getattr(request.user, "role", ""))
        if key not in drawn or settings.DEBUG:
            drawn[key] = Markup(env.get_template("web/_overlays.html").render(request=request))  # noqa: S704  ours
        return drawn[key]

    env.globals["overlays"] = overlays
    return env
