"""A thank you reopens nothing; whatever asks, wishes or complains is no mere thank you."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from makegood.engines.language import only_thanks

THANKS = [
    "Thank you!",
    "Thanks",
    "thx",
    "Cheers, Tom",
    "Thanks a lot for your help.",
    "Thank you so much, Ana. You have been wonderful.",
    "Perfect, it arrived this morning. Thank you so much, Maria",
    "Great, the refund arrived today. Thanks!",
    "Many thanks for the quick refund.",
    "Got it, thanks.",
    "Received with thanks.",
    "Much appreciated!",
    "I really appreciate your help.",
    "Thank you, that's great. Have a lovely weekend!",
    "All sorted, thank you. You can close this.",
    "No worries at all, thanks for letting me know.",
    "Thanks, no further questions.",
    "Thank you for the replacement, it works perfectly.",
    "I couldn't be happier, thank you!",
    "Thanks to you and the team, I would recommend you to anyone.",
    "The parcel is here. Thank you very much indeed.",
    "Ok thanks 👍",
    "Thank you\n\nSent from my iPhone",
    "Thanks Ana!\n\nOn Thu, 5 Mar 2026 at 12:00, Shop <help@shop.example> wrote:\n> Where should we send it?",
    "Thank you.\n> Could you tell us when you are at home?\n> We are sorry for the delay.",
    "Please thank the driver for me, he was so kind. Many thanks",
    "Obrigada!",
    "Muito obrigado pela ajuda.",
    "Muito obrigada, tudo certo!",
    "Valeu, chegou hoje.",
    "Recebi o pedido, obrigado.",
    "O estorno caiu na minha conta. Agradeço a atenção!",
    "Obg",
    "Perfeito, muito grata pelo atendimento.",
    "Agradecemos a rapidez. Um abraço, João",
    "Sem problemas, obrigada por avisar.",
    "Obrigado, não tenho mais dúvidas.",
    "Obrigado",
    "Chegou certinho, obrigada!\n\nEm qui., 5 de mar. de 2026 às 12:00, Loja <a@b.example> escreveu:\n> Quando chega?",
    "Obrigada!\nEnviado do meu iPhone",
]
MORE = [
    "",
    "It came.",
    "Thanks, but where is the second parcel?",
    "Thank you. When will the refund arrive?",
    "Thanks for nothing.",
    "Thanks for nothing!!! Worst shop ever.",
    "Thanks in advance for the refund.",
    "Thank you for your reply. I am still waiting.",
    "Thanks, however the lid is cracked.",
    "Thank you, please also send the invoice.",
    "Could you send me the label? Thanks",
    "Please cancel my order. Thanks.",
    "Thanks. It has not arrived.",
    "Thank you, it hasn't arrived.",
    "Thanks Ana, let me know how it goes.",
    "I want my money back. Thank you.",
    "Thanks, I look forward to your call.",
    "Thank you, the wrong colour again.",
    "I would like an exchange, thanks.",
    "Thanks. My money?",
    "Refund to my card, thank you.",
    "Thank you for the parcel, one glass is broken.",
    "Thanks, if it is lost I need a new one",
    "I appreciate your help but nobody called me.",
    "Thank you. " + "The lamp stands in the hall and shines. " * 12,
    "Obrigado, mas ainda não chegou.",
    "Obrigada. Quando chega?",
    "Desde já agradeço.",
    "Obrigado, aguardo o estorno.",
    "Preciso da nota fiscal, obrigada.",
    "Gostaria de trocar o produto. Obrigado!",
    "Por favor cancelem o pedido, obrigado",
    "Obrigada, veio quebrado.",
    "Veio faltando uma peça, obrigado",
    "Agradeço se puderem me ligar",
    "Não recebi nada, obrigado por nada",
    "Obrigado. Estorno no cartão.",
    "Obrigada, porém a cor está errada.",
    "Onde está meu pedido? Obrigado",
    "Obrigado, vou procurar o Procon",
]


def test_there_are_enough_sentences_to_mean_something():
    assert len(THANKS) + len(MORE) >= 60


@pytest.mark.parametrize("text", THANKS)
def test_gratitude_alone_is_recognised(text: str):
    assert only_thanks(text)


@pytest.mark.parametrize("text", MORE)
def test_whatever_says_more_is_no_mere_thank_you(text: str):
    assert not only_thanks(text)


@given(st.sampled_from(THANKS), st.sampled_from(["Where is it?", "It is broken.", "Onde está?", "Não chegou."]))
def test_one_sentence_more_is_enough(thanks: str, more: str):
    assert not only_thanks(f"{more} {thanks}")


@given(st.text(max_size=300))
def test_any_text_is_read(text: str):
    assert only_thanks(text) in (True, False)


@pytest.mark.parametrize(
    ("said", "text"),
    [
        line.split("\t")
        for line in (Path(__file__).parent / "thanks.tsv").read_text().splitlines()
        if not line.startswith("#")
    ],
)
def test_sixty_messages(said: str, text: str):
    assert only_thanks(text) == (said == "thanks")
