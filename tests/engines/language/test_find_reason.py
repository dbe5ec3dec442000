import dataclasses
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from makegood.engines.language import REASON_CODES, Finding, find_reason, find_reasons
from makegood.engines.language.phrasebook import READ_AT_MOST, Phrases, fold, phrasebooks

# Our own sentences, in the spelling of marketplace reviews.
PORTUGUESE = (
    ("Não recebi o produto", "delivery.not_received"),
    ("NAO RECEBI NADA ATE AGORA", "delivery.not_received"),
    ("ñ chegou ainda", "delivery.not_received"),
    ("o prazo ja passou e n recebi", "delivery.overdue"),
    ("entrega atrasada", "delivery.late"),
    ("comprei dois e só veio um", "delivery.partial"),
    ("Recebi apenas um dos itens", "delivery.partial"),
    ("veio errado, pedi azul", "delivery.wrong_item"),
    ("chegou quebrado", "product.damaged"),
    ("a lanterna não funciona", "product.faulty"),
    ("diferente da foto do anúncio", "product.not_as_described"),
    ("material muito ruim, péssima qualidade", "product.quality"),
    ("cancelaram meu pedido", "order.cancelled"),
    ("avisaram que não tem em estoque", "order.unavailable"),
    ("ainda não recebi o estorno", "payment.refund"),
    ("fui cobrado duas vezes", "payment.charge"),
    ("mandei e-mail e não recebi resposta", "service.no_answer"),
)


@pytest.mark.parametrize(("text", "reason"), PORTUGUESE)
def test_a_portuguese_complaint_gets_its_reason_whatever_its_spelling(text, reason):
    for spelling in (text, text.upper(), fold(text)):
        found = find_reason(spelling, language="pt-BR")
        assert found is not None, spelling
        assert found.reason == reason, spelling


def test_the_evidence_is_in_the_customers_own_words():
    found = find_reason("Olá! Até  hoje NÃO\nRECEBI o meu pedido.", language="pt")

    assert found is not None
    assert found.evidence == ("NÃO RECEBI",)


def test_decomposed_accents_are_read_like_composed_ones():
    assert find_reason("na\u0303o recebi", language="pt") == find_reason("n\u00e3o recebi", language="pt")


def test_a_missing_refund_is_not_taken_for_a_missing_parcel():
    found = find_reason("I have not received my refund")

    assert found is not None
    assert found.reason == "payment.refund"


def test_two_reasons_of_equal_weight_are_left_to_a_person():
    assert find_reason("Arrived late. Wrong size. Faulty.") is None


def test_a_language_without_phrasebook_gets_no_reason():
    assert find_reason("Das Paket ist nie angekommen", language="de") is None
    assert find_reason("not received", language="xx-YY") is None


def test_reasons_of_many_texts_are_those_of_each():
    texts = ["My parcel never arrived", "It is broken", *(text for text, _ in PORTUGUESE), "", "Hello"]

    assert find_reasons(texts) == [find_reason(text) for text in texts]
    assert find_reasons(iter(())) == []


def test_a_finding_cannot_be_changed():
    found = Finding("delivery", 0.5, ("x",), "en")

    with pytest.raises(dataclasses.FrozenInstanceError):
        found.reason = "other"  # type: ignore[misc]


def test_every_label_of_a_phrasebook_is_a_reason_code_or_a_clue_that_is_used():
    for book in phrasebooks().values():
        clues = {label for label in book.labels if label.startswith("_")}
        assert book.labels - clues <= REASON_CODES
        assert clues <= {label for one, other, _ in book.together for label in (one, other)}
        assert {means for _, _, means in book.together} <= REASON_CODES


def test_the_codes_are_those_of_the_reason_tree():
    # By path and text: engines and their tests do not import rooms.
    import ast
    from pathlib import Path

    import makegood

    tree = Path(makegood.__file__).parent / "recover" / "cases" / "reasons.py"
    calls = [node for node in ast.walk(ast.parse(tree.read_text("utf-8"))) if isinstance(node, ast.Call)]
    codes = {c.args[0].value for c in calls if isinstance(c.func, ast.Name) and c.func.id == "DefaultReason"}

    assert len(codes) > 20
    assert codes >= REASON_CODES
    # What no text can say outright: the branches that exist to hold others, and "not clear yet".
    assert codes - REASON_CODES == {"payment", "store", "service", "other", "other.unclear"}


@pytest.mark.parametrize(
    "phrase",
    ["", " late", "late ", "two  spaces", ".. late", "late ..", "late? now", "{unknown} late", "Não veio", "(a"],
)
def test_a_phrase_that_cannot_be_meant_is_refused_by_name(phrase):
    with pytest.raises(ValueError, match=r"."):
        Phrases({"delivery": {3: [phrase]}}, sets={}, negators=frozenset(), between=frozenset())


def test_phrases_find_what_their_docstring_says():
    def found(phrase, text):
        made = Phrases({"x": {3: [phrase]}}, sets={"neg": "not|never"}, negators=frozenset({"no"}), between=frozenset())
        return [text[hit.start : hit.end] for hit in made.find(text)]

    assert found("chegou", "ja chegou. chegouu") == ["chegou"]
    assert found("receb*", "recebi") == ["recebi"]
    assert found("a|b|c_d", "c d b a cd") == ["c d", "b", "a"]
    assert found("{neg} came", "it never came") == ["never came"]
    assert found("o meu? pedido", "o pedido, o meu pedido") == ["o pedido", "o meu pedido"]
    assert found("a .. b", "a 1 2 3 b") == ["a 1 2 3 b"]
    assert found("a .. b", "a 1 2 3 4 b") == []
    assert found("a ... b", "a 1 2 3 4 5 6 b") == ["a 1 2 3 4 5 6 b"]
    assert found("a .. b", "a. b") == []
    assert found("didn't", "didn't didnt didn t") == ["didn't", "didnt", "didn t"]
    assert found("broken", "no broken") == []
    assert found("broken", "no, broken") == ["broken"]


HOSTILE = {
    "five megabytes of a phrase": "nao recebi " * 500_000,
    "five megabytes of one word": "a" * 5_000_000,
    "openers only": "not never nao nem " * 2_000,
    "stems without end": ("receb" + "i" * 40 + " ") * 500,
    "gaps to try": "comprei um dois tres quatro cinco seis " * 500,
    "punctuation": "!?.," * 100_000,
    "white space": "not" + " \n\t" * 100_000 + "received",
    "nuls": "not\0received\0" * 1_000,
    "emoji": "😡" * 10_000 + "not received",
    "combining marks": "a" + "\u0301" * 100_000,
    "unpaired surrogates": "\ud800\udfff not received \udc00",
    "every plane": "".join(map(chr, range(1, 0x11000, 7))),
    "wide folding": "ﷺ" * 4_000 + "İ" * 4_000,
    "empty": "",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_no_text_takes_long(text):
    find_reason("warm up")
    begun = time.process_time()
    find_reason(text)
    # A text of 100 characters takes under 0.1 ms, so the 4,000 that are read should take a few.
    assert time.process_time() - begun < 0.5


def test_what_lies_behind_the_first_characters_is_not_read():
    assert find_reason("x " * READ_AT_MOST + "my parcel never arrived") is None


@given(st.text(max_size=300))
def test_any_text_is_answered_within_its_bounds(text):
    found = find_reason(text)

    assert len(fold(text)) == len(text)
    assert found is None or (
        found.reason in REASON_CODES and 0 < found.confidence < 1 and 1 <= len(found.evidence) <= 3
    )
