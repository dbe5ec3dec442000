"""The words that promises are made of, in English and Portuguese: what a word does in a sentence and what it is about.

Every word becomes one or more letters, so that the grammar in `promises` reads sentences as short strings:

==  ========================================  ==  ========================================
i   who writes: I, we, eu, a gente            n   not, never, nobody, unable
y   who is written to: you, você, a senhora   m   might, could, would, perhaps, talvez
c   the customer, spoken of; he, she          q   if, unless, caso
t   they                                      r   please, kindly, favor
o   who works for us: colleague, carrier      u   usually, policy, costumam
w   will, shall, vai, -rá                     D   was, did, said: told of, not promised
b   am, is, are, está                         P   promise, guarantee, agreed, told
h   have, tenho                               Q   said, wrote, thinks: what others say
v   a deed: call, send, ligar                 x   what will is no promise with: happy, closed
p   the deed of who writes: ligo, enviamos    k   receive, get, hear
s   the deed of a thing: arrives, chega       e   due, scheduled, booked, on its way
g   doing: sending, enviando                  l   let, allow, give, bear: asks for time
d   done: sent, refunded, enviado             A   arranged, asked, booked: set going
R   which, that, que                          &   and, but, so, e, mas
a   also, now, personally                     j   must, need, can: the reader's part
,   a break                                   .   any other word
==  ========================================  ==  ========================================
"""

import re
from functools import lru_cache
from typing import Final, NamedTuple


class Sense(NamedTuple):
    """What a word does, and what it is about as a deed (which decides) and as a thing."""

    tags: str
    deed: str = ""
    thing: str = ""


def words_in(said: str) -> frozenset[str]:
    """The words of a text, each once."""
    return frozenset(said.split())


# Deeds that say themselves what is promised; English by its plain form, Portuguese by its stem and vowel.
_DEEDS_EN: Final = {
    "call": "call phone ring telephone",
    "answer": "answer reply respond update email mail write message msg text ping inform notify contact report tell",
    "refund": "refund reimburse repay reverse",
    "replacement": "replace exchange swap substitute",
    "repair": "repair mend",
    "credit": "credit",
    "delivery": "redeliver collect",
    "other": "check chk investigate look chase escalate raise cancel correct speak ask pass log flag nudge review",
    "": "send ship post dispatch despatch deliver bring arrive reach drop pick travel courier leave get give have make "
    "issue put add process arrange organise organize sort resolve solve fix finish find book schedule order take apply "
    "return pay transfer release settle approve handle deal do prepare complete provide offer decide close open waive "
    "change move come go be try receive hear visit follow land show appear hit follow continue start begin redo remove "
    "confirm forward cover push expedite keep see turn hand set",
}  # fmt: skip
_IRREGULAR: Final = {
    "sent": "send", "paid": "pay", "made": "make", "given": "give", "taken": "take", "found": "find", "done": "do",
    "brought": "bring", "written": "write", "gone": "go", "gotten": "get", "got": "get", "left": "leave", "put": "put",
    "kept": "keep", "told": "tell", "rung": "ring", "spoken": "speak", "had": "have", "heard": "hear",
}  # fmt: skip
_DEEDS_PT: Final = {
    "call": "lig:a telefon:a",
    "answer": """
        retorn:a respond:e avis:a inform:a contat:a contact:a notific:a escrev:e comunic:a atualiz:a mant:e cham:a
    """,
    "refund": "reembols:a estorn:a ressarc:i",
    "replacement": "troc:a substitu:i",
    "repair": "consert:a repar:a arrum:a",
    "credit": "credit:a bonific:a",
    "other": "verific:a analis:a escal:a cancel:a investig:a cobr:a apur:a checa:a abr:i averigu:a corrig:i reclam:a",
    "": "envi:a mand:a entreg:a despach:a cheg:a devolv:e lanc:a emit:i agend:a provid:e providenci:a encaminh:a "
    "coloc:a resolv:e faz:e receb:e coloc:a acion:a volt:a fic:a sai:i cai:i entr:a pass:a ger:a process:a "
    "deposit:a pag:a post:a recolh:e colet:a visit:a repo:e repass:a decid:i conclu:i finaliz:a finaliz:a segu:i "
    "trat:a proced:e expedi:i registr:a regist:a solicit:a ped:i libe:e liber:a marc:a efetu:a realiz:a concret:i "
    "busc:a lev:a cubr:i cobri:i aprov:a oferec:e cumpr:i confirm:a complet:a aparec:e acompanh:a ajust:a gerar:a",
}  # fmt: skip
_ENDINGS_PT: Final = (
    ("iw", ("rei", "remos")),
    ("w", ("ra", "rao")),
    ("m", ("ria", "riam", "riamos")),
    ("v", ("r", "rmos")),
    ("g", ("ndo",)),
    ("d", ("do", "da", "dos", "das")),
    ("D", ("ram", "va", "vam")),
)
_THINGS: Final = {
    "call": "mobile celular callback callbacks bell telefonema telefonemas ligacao ligada chamada",
    "answer": """
        news decision outcome touch reply answer response word contato contacto retorno resposta posicao noticia
    """
    "noticias decisao parecer posicionamento know informed posted back informado informada devolutiva update",
    "refund": "refund refunds money reimbursement reembolso estorno dinheiro valor pagamento payment reversal "
    "costs card visa mastercard pix ressarcimento cobranca fatura",
    "replacement": "replacement replacements exchange swap substitution troca substituicao reposicao substituto",
    "repair": "repair repairs repaired technician engineer conserto reparo tecnico tecnica reparacao fixed",
    "credit": "voucher vouchers goodwill credit coupon vale cupom credito points pontos discount desconto bonus "
    "giftcard presente",
    "delivery": """
        parcel package order delivery redelivery delivered deliver shipment pallet collection encomenda pedido
    """
    "entrega entregue pacote coleta recolha envio despacho mercadoria produto driver van courier send ship shipped "
    "shipping dispatch despatch post posted sent sends ships arrive arrives arriving arrival reach bring chega chegam "
    """
        chegar chegada chegara entregar entregaremos entregara enviar enviaremos enviamos despacharemos despachar
        mandar mandamos
    """
    """
        units unidades express part parts peca pecas item items artigo dispatched despatched delivering leaves depot
        brings doorstep
    """,
    "paper": """
        label labels code invoice tracking number receipt copy etiqueta codigo comprovante nota rastreio link form
    """
    "formulario",
}  # fmt: skip
# Of a new one of these nobody is sent a replacement.
NOT_REPLACED: Final = words_in("""
    parcel date label attempt delivery address courier driver appointment hour tentativa data entrega envio hora
    email prazo previsao horario update year ano agendamento reason day week month time look moment call dia semana
    vez
""")
NEW: Final = words_in("""
    new another fresh novo nova outro outra novos novas outros outras correct certo
""")

_COMMON: Final = {
    ",": ", ; : . ( ) - \u2014 \u2013 ! *", "k": "receive get hear see receber",
}  # fmt: skip
_EN: Final = {
    "i": "i we us", "y": "you u ya yourself", "c": "customer customers cust client buyer he she him her mrs mr cx",
    "t": "they", "w": "will shall gonna", "b": "am is are be being", "h": "have has",
    "n": "not never nobody nothing none neither cannot unable unlikely without nowhere no-one",
    "m": "might could would may perhaps maybe hopefully wish hope had", "q": "if unless provided whether should",
    "r": "please pls kindly", "j": "must need needs can",
    "u": "usually normally typically generally policy standard always valid orders placed calls process",
    "D": "was were did yesterday ago thought last thank thanks",
    "P": "promise promised guarantee guaranteed assure assured undertake commit agreed word",
    "Q": "said say says wrote told thinks understand claims",
    "x": "happy glad pleased able closed open honest unavailable out assume regret appreciate look leave away sorry "
    "delighted best share sign",
    "e": "due scheduled booked expected planned estimated on set out ready", "L": "let",
    "A": "arranged asked booked scheduled ordered reserved instructed requested put",
    "R": "which that who", "&": "and but so then or once as", "a": "also now personally definitely still just "
    "certainly "
    "gladly gonna both all try to make sure intend",
    "o": """
        colleague team manager supervisor engineer technician courier carrier driver someone somebody depot
        warehouse
    """
    "store workshop lab dhl ups dpd fedex hermes evri mail factory supplier vendor seller department partner finance "
    "department agent specialist branch office",
}  # fmt: skip
_PT: Final = {
    "i": "eu gente", "y": "voce voces vc te lhe senhor senhora consigo", "c": "cliente clientes ele ela comprador",
    "t": "eles elas", "w": "vai vao ira irao", "b": "esta estao e sao sera serao ser fica ficam",
    "n": "nao nunca nem ninguem nada jamais impossivel",
    "m": "talvez poderia poderiamos gostaria teria teriamos pode podem posso seria caso", "q": "caso se",
    "r": "favor ligue troque coloque busque verifique", "j": "precisa precisam deve devem",
    "u": "normalmente geralmente costuma costumam politica normal padrao promocao garantia boleto valido valida",
    "D": "obrigado obrigada foi foram era ontem passada passado",
    "P": "prometo prometi prometemos garanto garantimos combinei combinamos combinado comprometo comprometemos "
    "comprometemos assegur conte avisado avisada prometido tranquila tranquilo",
    "Q": "disse disseram diz escreveu informou falou ficou",
    "x": "sincero ferias fechados fechada disposicao possivel folga gosto feriado",
    "e": "previsto prevista agendada agendado marcada marcado previsao programada programado",
    "A": "solicitei solicitamos pedi agendei agendamos providenciamos acionei",
    "R": "que", "&": "e mas entao assim", "a": "tambem ja ainda mesmo mesma agora logo sempre",
    "o": "colega equipe equipa gerente supervisor supervisora gestor tecnico transportadora correios fabrica loja "
    "fornecedor vendedor motorista entregador atendente alguem parceiro deposito setor departamento",
    "k": "recebe ter tem",
}  # fmt: skip
# More than one letter: first what it does, then whose deed it is.
_SPECIAL_EN: Final = {
    "ill": "iw", "i'll": "iw", "we'll": "iw", "you'll": "yw", "they'll": "tw", "it'll": ".w", "that'll": ".w",
    "he'll": "cw", "she'll": "cw", "i'm": "ib", "im": "ib", "we're": "ib", "they're": "tb", "it's": ".b",
    "you're": "yb",
    "i've": "ih", "we've": "ih", "you've": "yh", "won't": "wn", "don't": "n", "can't": "n",
    "couldn't": "mn", "i'd": "im",
    "we'd": "im", "she'd": "cm", "he'd": "cm", "isn't": "bn", "aren't": "bn", "didn't": "Dn", "wouldn't": "mn",
    "doesn't": "n", "haven't": "hn", "you'd": "ym", "they'd": "tm", "unfortunately": ".", "when": "R", "let's": "L",
    "is": "b", "aim": "w", "aims": "w", "undertakes": "w", "plan": "w", "plans": "w", "intend": "w", "intends": "w",
    "expect": "E",
    "expects": "E", "count": "E", "going": "G", "about": "T", "to": "T", "lets": "L",
}  # fmt: skip
_SPECIAL_PT: Final = {
    "vou": "iw", "vamos": "iw", "irei": "iw", "iremos": "iw", "estou": "ib", "estamos": "ib", "tenho": "ih",
    "temos": "ih", "farei": "iw", "faremos": "iw", "darei": "iw", "daremos": "iw", "fara": "w", "dara": "w",
    "manteremos": "iw", "manterei": "iw", "estarei": "iw", "estaremos": "iw", "teremos": "iw", "seremos": "iw",
    "tera": "w", "garante": "w", "estara": "w", "quando": "R", "faco": "ip", "fazemos": "ip", "dou": "ip",
    "damos": "ip",
    "vem": ".", "sai": "s", "cai": "s", "chega": "s", "segue": "s", "sera": "w", "serao": "w",
    "deve": "w", "devem": "w", "devera": "w", "voltara": "w", "prestes": "e",
}  # fmt: skip


def _english(plain: str) -> dict[str, str]:
    stem = plain[:-1] if plain.endswith("e") and plain not in ("be", "see") else plain
    twice = plain + plain[-1] if plain in ("get", "put", "swap", "drop", "chat", "let", "set") else stem
    by_y = plain[:-1] + "i" if plain.endswith("y") and plain[-2] not in "aeou" else ""
    return {
        plain: "v",
        (by_y + "es") if by_y else plain + ("es" if plain.endswith(("sh", "ch", "x", "o", "ss")) else "s"): "s",
        twice + "ing": "g",
        (by_y or (twice if twice != stem else stem)) + "ed": "d",
    }


def _said(words: dict[str, str]) -> dict[str, str]:
    return {word: tag for tag, said in words.items() for word in said.split()}


def _lexicon_en() -> dict[str, Sense]:
    thing = _said(_THINGS)
    deeds: dict[str, tuple[str, str]] = {}
    for kind, verbs in _DEEDS_EN.items():
        for verb in verbs.split():
            deeds |= {form: (tag, kind) for form, tag in _english(verb).items()}
    deeds |= {form: ("d", deeds[verb][1]) for form, verb in _IRREGULAR.items()}
    tags = {word: tag for word, (tag, _) in deeds.items()} | _said(_COMMON) | _said(_EN) | _SPECIAL_EN
    tags |= {"put": "v", "call": "v", "calls": "s", "open": "v", "look": "v", "leave": "v", "give": "v", "let": "L"}
    return {word: Sense(tag, deeds.get(word, ("", ""))[1], thing.get(word, "")) for word, tag in tags.items()} | {
        word: Sense(".", "", kind) for word, kind in thing.items() if word not in tags
    }


_STEMS_PT: Final = {
    stem: (vowel, kind) for kind, verbs in _DEEDS_PT.items() for stem, vowel in (it.split(":") for it in verbs.split())
}
_STEM_PT: Final = re.compile(
    r"(" + "|".join(sorted({*_STEMS_PT, "troqu", "envie", "cheg"}, key=len, reverse=True)) + r")([aei]?)(\w*)"
)
_ASKS: Final = {"a": "e", "e": "a", "i": "a"}
_PT_WORDS: Final = _said(_COMMON) | _said(_PT) | _SPECIAL_PT
_EN_WORDS: Final = _lexicon_en()
_PT_THINGS: Final = _said(_THINGS)


@lru_cache(maxsize=8_192)
def portuguese(word: str) -> Sense:
    """What a Portuguese word is: from the list, else by its stem and ending."""
    thing = _PT_THINGS.get(word, "")
    tag, deed = _deed_pt(word)
    tag = _PT_WORDS.get(word) or tag
    return Sense(tag or ".", deed, thing)


def _deed_pt(word: str) -> tuple[str, str]:
    found = _STEM_PT.fullmatch(word)
    stem, vowel, rest = found.groups() if found else ("", "", "")
    own, kind = _STEMS_PT.get(stem, ("", ""))
    tag = ""
    if not own:
        return "", ""
    if (not vowel and rest == "o") or (vowel == own and rest == "mos"):
        tag = "ip"
    elif (rest == "m" and vowel in ("a", "e")) or (not rest and vowel):
        tag = "r" if not rest and vowel == _ASKS[own] else "s"
    elif rest in ("u", "i", "ou", "iu"):
        tag = "D"
    else:
        tag = next((tag for tag, endings in _ENDINGS_PT if rest in endings), "")
    return (tag, kind) if tag else ("", "")


def english(word: str) -> Sense:
    """What an English word is."""
    return _EN_WORDS.get(word) or _EN_WORDS.get(word.removesuffix("'s"), _UNKNOWN)


_UNKNOWN: Final = Sense(".")
