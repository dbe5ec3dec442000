import pytest

from makegood.engines.language import find_distress


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("My lawyer will be in touch", "legal", "lawyer"),
        ("I will file a chargeback with my bank", "chargeback", "chargeback"),
        ("I'll dispute the charge", "chargeback", "dispute the charge"),
        ("This is the third time I write", "repeated", "third time"),
        ("The battery caught fire", "safety", "caught fire"),
        ("My son was injured", "safety", "injured"),
        ("It is dangerous for children", "safety", "dangerous"),
        ("Looks like fraud to me", "fraud", "fraud"),
        ("URGENT: please call me", "urgent", "URGENT"),
        ("vou no Procon e vou processar a loja", "legal", "Procon"),
        ("É a terceira vez que não entregam", "repeated", "terceira vez"),
        ("pegou fogo na tomada da minha casa", "safety", "pegou fogo"),
        ("vou contestar a compra no cartão", "chargeback", "contestar a compra"),
        ("isso é um golpe, não comprem", "fraud", "golpe"),
        ("preciso disso com urgência, por favor", "urgent", "urgência"),
    ],
)
def test_a_sign_of_harm_is_found_with_its_kind_and_words(text, kind, words):
    assert (kind, words) in find_distress(text)


@pytest.mark.parametrize("text", ["", "Thank you very much", "It is not urgent", "Não é urgente", "There is no danger"])
def test_a_calm_text_shows_none(text):
    assert find_distress(text) == ()


def test_the_gravest_comes_first():
    found = find_distress("Third time I write, urgent! The charger caught fire, my lawyer will call.")

    assert [sign.kind for sign in found] == ["safety", "legal", "repeated", "urgent"]


def test_a_long_text_is_read_in_its_beginning_only():
    assert find_distress("x " * 4_000 + "lawyer") == ()
