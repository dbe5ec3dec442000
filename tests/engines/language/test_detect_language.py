import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from makegood.engines.language import LANGUAGES, detect_language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("I ordered two weeks ago and nothing has arrived yet.", "en"),
        ("Ainda não recebi o produto que comprei no mês passado", "pt"),
        ("AINDA NAO RECEBI O PRODUTO QUE COMPREI NO MES PASSADO", "pt"),
        ("Todavía no he recibido mi pedido y nadie contesta el teléfono", "es"),
        ("Ich habe mein Paket immer noch nicht bekommen", "de"),
        ("Je n'ai toujours pas reçu ma commande, c'est inadmissible", "fr"),
        ("Non ho ancora ricevuto il mio ordine e nessuno risponde", "it"),
        ("Ik heb mijn bestelling nog steeds niet ontvangen", "nl"),
        ("Nie otrzymałem jeszcze mojego zamówienia", "pl"),
        ("注文した商品がまだ届きません", "ja"),
        ("Я до сих пор не получил свой заказ", "ru"),
    ],
)
def test_the_language_of_a_complaint_is_told(text, language):
    assert detect_language(text) == language


@pytest.mark.parametrize(
    "text", ["", "ok", "   ", "12345 67890", "!!!!!!!!!!!!", "😡😡😡😡😡😡😡😡😡😡😡😡", "\0" * 50, "x@y.example"]
)
def test_too_little_is_not_told(text):
    assert detect_language(text) == ""


@pytest.mark.parametrize(
    "text", ["a" * 5_000_000, "\ud800 hello there my friend", "\0 never arrived, my parcel", "http://" + "a" * 10**6]
)
def test_hostile_text_is_answered_soon(text):
    detect_language("loads the model at first use")
    begun = time.process_time()

    assert detect_language(text) in LANGUAGES | {""}
    assert time.process_time() - begun < 0.5


@settings(deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_answered_with_a_known_language_or_none(text):
    assert detect_language(text) in LANGUAGES | {""}
