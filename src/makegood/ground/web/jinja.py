"""The Jinja2 environment of every page of ours."""

import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.messages import get_messages
from django.contrib.staticfiles import finders
from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.templatetags.static import static
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import ngettext
from django_htmx.jinja import htmx_script
from jinja2 import Environment, StrictUndefined, Template
from jinja2.compiler import CodeGenerator, Frame
from jinja2.environment import TemplateModule
from jinja2.nodes import Expr
from jinja2.runtime import Context, Macro
from lucide.jinja import lucide
from markupsafe import Markup, escape
from rules.permissions import has_perm

from makegood.ground.messages.notices import count_unread
from makegood.ground.web import formats, rail, reader, vega
from makegood.ground.web.language import translated, translated_to


@lru_cache(maxsize=1024)
def icon(name: str, size: int = 16, **attributes: object) -> Markup:
    """A lucide icon, decoration only: the word beside it or an aria-label says what it means.

    Kept once drawn: drawing costs 70 microseconds, and a page shows dozens.
    """
    drawn = lucide(name, size=size, **{"stroke_width": 1.75, "aria_hidden": "true", **attributes})
    return Markup(" ".join(drawn.split()))  # noqa: S704  from our own icon set


def said(message: str, **values: Any) -> Markup:
    """What `_()` is in templates: Jinja's new-style gettext, which escapes values, in a third of its time."""
    known = reader.language()
    return Markup(translated_to(known, message)) % values if values else _said(message, known)  # noqa: S704  our own words


@lru_cache(maxsize=8192)
def _said(message: str, language: str | None) -> Markup:
    return Markup(translated_to(language, message)) % {}  # noqa: S704  our own words


def url(name: str, args: Sequence[Any] = ()) -> str:
    """The address of a page, kept: every page names a dozen, and names those of its case more than once."""
    return _url(name, *args)


@lru_cache(maxsize=4096)
def _url(name: str, *args: object) -> str:
    return reverse(name, args=args)


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


def csrf_once(request: HttpRequest) -> dict[str, object]:
    """Django's `csrf_token` and `csrf_input`, masked once a page: a mask costs 50 microseconds, a case shows five."""
    token = SimpleLazyObject(lambda: get_token(request))
    field = Markup('<input type="hidden" name="csrfmiddlewaretoken" value="{}">')
    return {"csrf_token": token, "csrf_input": SimpleLazyObject(lambda: field.format(token))}


def company() -> str:
    return str(settings.MAKEGOOD_NAME)


def language() -> str:
    return reader.language() or str(settings.LANGUAGE_CODE)


_to_escape = re.compile("[&<>'\"]").search


def piece(value: object) -> str:
    """What `{{ value }}` writes: escaped, unless it is markup."""
    if type(value) is str:
        return escape(value) if _to_escape(value) else value
    return value if type(value) is Markup else escape(value)


class Pieces(CodeGenerator):
    """Compiles `{{ value }}` to `piece(value)`.

    Jinja's own makes a Markup of every piece and forgets it when the pieces are joined: a quarter of a page's work.
    """

    def _output_child_pre(self, node: Expr, frame: Frame, finalize: CodeGenerator._FinalizeInfo) -> None:
        if frame.eval_ctx.volatile or not frame.eval_ctx.autoescape:
            super()._output_child_pre(node, frame, finalize)
        else:
            self.write("environment.piece(")


class Direct(Context):
    """Calls what needs no context without asking it twice whether it does: a page calls two hundred times."""

    def call(self, called: Any, /, *args: Any, **kwargs: Any) -> Any:
        if type(called) is not Macro and hasattr(called, "jinja_pass_arg"):
            return super().call(called, *args, **kwargs)
        kwargs.pop("_block_vars", None)
        kwargs.pop("_loop_vars", None)
        return called(*args, **kwargs)


class Imported(Template):
    """Imported once and for all: our globals are the same everywhere. Written for one reader."""

    def render(self, *args: Any, **kwargs: Any) -> str:
        with reader.one_reader():
            return super().render(*args, **kwargs)

    def _get_default_module(self, ctx: Context | None = None) -> TemplateModule:  # noqa: ARG002  globals that never differ
        return super()._get_default_module()


class Pages(Environment):
    """Strict: a misspelt name in a template is an error, not an empty string."""

    code_generator_class = Pieces
    context_class = Direct
    template_class = Imported
    piece = staticmethod(piece)


def environment(**options: Any) -> Environment:
    """What templates may use."""
    # Django's backend passes autoescape=True.
    env = Pages(
        **{**options, "undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True},
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
    )
    env.install_gettext_callables(translated, ngettext, newstyle=True)  # type: ignore[attr-defined]
    env.globals.update(
        _=said, gettext=said, static=static_url, url=url,
        icon=icon, htmx_script=htmx_script, toasts=get_messages, may=may, company=company, count_unread=count_unread,
        language=language, rail=rail.entries, on_a_phone=rail.ON_A_PHONE, vega_url=vega.url, **formats.GLOBALS
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
