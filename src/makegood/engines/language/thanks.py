"""Does somebody only say thank you?"""

import re

from makegood.engines.language.phrasebook import fold

_READ_AT_MOST = 4_000
# A longer text tells of something besides.
_WORDS_AT_MOST = 60

_QUOTED = re.compile(r"^\s*>.*$", re.MULTILINE)
_EARLIER = re.compile(
    r"^\s*(?:-{2,}\s*(?:original|forwarded|mensagem)|_{8,}"
    r"|(?:on|em|no dia)\b[^\n]{6,120}(?:wrote|escreveu)\s*:?\s*$"
    r"|--\s*$|sent from my|get outlook for|enviado d[oe] (?:meu|iphone))",
    re.MULTILINE | re.IGNORECASE,
)


def _any(phrases: str) -> re.Pattern[str]:
    """Any of these, as whole words: parted by two spaces or lines, each a small regular expression."""
    return re.compile(r"\b(?:" + "|".join(re.split(r"\s*\n\s*|\s{2,}", phrases.strip())) + r")\b")


_THANKS = _any(r"""
    thanks?  thankyou  thx  tks  ty  cheers  much appreciated  appreciat\w+  grateful
    obrigad\w*  obg  brigad[ao]  valeu  grat[oa]s?  agradec\w+
""")
# Said with a thank you, these take nothing back; they are passed over before the words below are looked for.
_HARMLESS = _any(r"""
    no (?:problems?|worries|rush|hurry|complaints?|need to (?:reply|answer|respond))  not a problem
    nothing (?:else|more|further)  no (?:further|more) (?:questions?|help|action)
    couldn ?t be (?:happier|better)  could not be (?:happier|better)  never had (?:a )?better
    would (?:recommend|buy|order|shop)  please (?:pass|thank|tell|close)  you can close  letting me know
    podem? (?:fechar|encerrar)  sem (?:problemas?|duvidas?)  nada mais
    nao (?:precisa|ha|tem|tenho|houve) (?:mais )?(?:de )?(?:nada|problemas?|responder|duvidas?|reclamac\w+)
""")
# One of these and it is no mere thank you: a question, a wish, a complaint, something still open.
_MORE = _any(r"""
    but  however  although  though  unfortunately  sadly  except  unless  until  yet  still  not  no  never  neither
    nothing  nobody  none  \w+n t  cannot  when  where  why  how  who  which  what  whether  if  can you  could  would
    should  please  pls  needs?  wants?  like to  let me know  wait  waiting  await  awaiting  expect  expecting
    look forward  looking forward  in advance  hope  hoping  asap  urgent  meanwhile
    wrong  broken?  damaged  missing  lost  late  delayed  faulty  cracked  problem  issue  complain\w*  refuse\w*
    cancel\w*  again  instead  also  another  (?:second|third) time  worst  terrible  awful  useless  disappoint\w*
    angry  lawyer  chargeback  scam  fraud
    mas  porem  contudo  entretanto  infelizmente  exceto  ainda  nao  nunca  nem  nada  ninguem  sem  quando  onde
    porque  por que  como  quem  qual  quais  cade  sera que  se  pode  podem  poderia\w*  favor  precis[ao]
    precisamos  quero  queria  gostaria  aguard\w+  espero  esperando  desde ja  antecipad\w+  urgente
    errad\w+  quebrad\w+  danificad\w+  falt\w+  perdid\w+  atras\w+  defeito\w*  problemas  reclam\w+
    novamente  de novo  outr[ao]s?  tambem  pior  pessim\w+  horrivel  decepcion\w+  procon  advogad\w+  golpe  fraude
    solicit\w+  peca
""")
# Things that may be owed: named in a mere thank you only once they have come.
_OWED = _any(r"""
    refund\w*  money  credit  voucher  replacement  parcel  package  order  delivery  invoice  receipt  label
    reembols\w+  estorn\w+  dinheiro  credito  vale  troca  encomenda  pacote  pedido  entrega  nota fiscal  boleto
""")
_CAME = _any(r"""
    receiv\w+  arriv\w+  came  here  got  has come  is in  landed  delivered  sorted  solved  resolved  settled  works?
    working  fine  perfect\w*  quick  fast  great  good  help\w*  for (?:the|my|your)
    receb\w+  cheg\w+  entregue  caiu  resolvid\w+  tudo certo  certinho  perfeit\w+  otim[ao]  rapid\w+  funcion\w+
    pel[oa]s?
""")


def only_thanks(text: str) -> bool:
    """Whether a text is gratitude and nothing else: no question, no wish, no complaint, nothing left open.

    Careful on purpose: whatever it does not understand counts as more than thanks, because an answer that nobody owes
    does less harm than a customer nobody hears. English and Portuguese; quoted mail below an answer is passed over.

    Parameters
    ----------
    text : str
        What somebody wrote. A text of more than 4,000 characters is never only thanks.

    Examples
    --------
    >>> only_thanks("Perfect, it arrived this morning. Thank you so much, Maria")
    True
    >>> only_thanks("Thanks, but where is the second parcel?")
    False
    >>> only_thanks("Muito obrigada, tudo certo!")
    True

    """
    if len(text) > _READ_AT_MOST:
        return False
    found = _EARLIER.search(text)
    own = _QUOTED.sub("", text[: found.start()] if found else text)
    folded = fold(own).replace("'", " ").replace("\u2019", " ")
    if not _THANKS.search(folded) or len(folded.split()) > _WORDS_AT_MOST:
        return False
    rest = _HARMLESS.sub(" ", folded)
    return "?" not in rest and not _MORE.search(rest) and not (_OWED.search(rest) and not _CAME.search(rest))
