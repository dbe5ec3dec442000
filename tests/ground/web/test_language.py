"""Who is spoken to in which language: customers in theirs, colleagues in theirs."""

import re
from pathlib import Path

import pytest
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from django.test import Client
from django.utils.translation import get_language, gettext, override

from makegood.ground.messages.models import Notice
from makegood.ground.messages.notices import notify
from makegood.ground.web import language
from makegood.ground.web.language import known, speaking
from tests import factories
from tests.factories import NOON

PACKAGE = Path(language.__file__).parents[2]
CATALOGUE = PACKAGE / "ground/web/locale/pt/LC_MESSAGES/django"
FOR_CUSTOMERS = (
    "recover/intake/templates/intake/standing.html", "recover/intake/templates/intake/contact.html",
    "recover/intake/templates/intake/thanks.html", "recover/intake/standing.py", "recover/intake/views.py",
    "recover/intake/forms.py", "ground/web/throttle.py", "prevent/outreach/templates/outreach/offer.html",
    "prevent/outreach/templates/outreach/no_more.html",
)  # fmt: skip
_SAID = re.compile(r'(?:\b_|gettext_lazy)\(\s*"((?:[^"\\]|\\.)*)"')


@pytest.mark.parametrize("file", FOR_CUSTOMERS)
def test_everything_that_customers_read_is_translated(file: str):
    with CATALOGUE.with_suffix(".po").open("rb") as source:
        catalogue = read_po(source)
    said = set(_SAID.findall((PACKAGE / file).read_text()))
    assert said
    assert not [words for words in said if not (found := catalogue.get(words)) or not found.string]


def test_the_compiled_catalogue_is_that_of_the_source():
    with CATALOGUE.with_suffix(".po").open("rb") as source, CATALOGUE.with_suffix(".mo").open("rb") as made:
        texts = [
            {_plain(one.id): _plain(one.string) for one in catalogue if one.id}
            for catalogue in (read_po(source), read_mo(made))
        ]
    assert texts[0] == texts[1]


def _plain(words: object) -> object:
    return words if isinstance(words, str) else tuple(words)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("code", "means"),
    [("pt", "pt"), ("pt-BR", "pt"), ("PT_br", "pt"), ("en-GB", "en"), ("de", ""), ("", ""), ("é", "")],
)
def test_which_language_a_code_means(code: str, means: str):
    assert known(code) == means


def test_the_first_language_that_we_know_is_spoken(settings):
    with speaking("de", "", "pt-BR", "en"):
        assert get_language() == "pt"
    settings.LANGUAGE_CODE = "en"
    with override("pt"), speaking("de"):
        assert get_language() == "en"


@pytest.mark.django_db
def test_colleagues_are_told_in_their_own_language_whoever_tells():
    ana, ben = factories.colleague("ana"), factories.colleague("ben")
    ben.language = "pt"
    ben.save()
    with override("pt"):
        notify(to=[ana, ben], key="k", text=lambda: gettext("You"), link="/", about="case:1", now=NOON)
    assert dict(Notice.objects.values_list("to__username", "text")) == {"ana": "You", "ben": "Você"}


@pytest.mark.django_db
@pytest.mark.parametrize(("chosen", "shown"), [("", "en"), ("pt", "pt")])
def test_the_desk_speaks_what_its_reader_chose_not_what_the_browser_asks_for(client: Client, chosen: str, shown: str):
    ana = factories.colleague("ana")
    ana.language = chosen
    ana.save()
    client.force_login(ana, "django.contrib.auth.backends.ModelBackend")
    page = client.get("/notices/", headers={"Accept-Language": "pt-BR,pt"}).content.decode()
    assert f'<html lang="{shown}"' in page


@pytest.mark.django_db
def test_the_public_is_spoken_to_as_its_browser_asks(client: Client):
    assert "Conte-nos o que correu mal" in client.get("/contact", headers={"Accept-Language": "pt-BR"}).content.decode()
    assert "Tell us what went wrong" in client.get("/contact", headers={"Accept-Language": "de"}).content.decode()
