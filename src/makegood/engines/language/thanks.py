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
    obrigad\w*  obg  brigad(?:[ao]|inh[ao]|ao)  gratidao  valeu  grat[oa]s?  agradec\w+
""")
# Said with a thank you, these take nothing back; they count as content before the words below are looked for.
_HARMLESS = _any(r"""
    no (?:problems?|worries|rush|hurry|complaints?|need to (?:reply|answer|respond))  not a problem
    nothing (?:else|more|further)  no (?:further|more) (?:questions?|help|action)
    couldn ?t be (?:happier|better)  could not be (?:happier|better)  never had (?:a )?better
    would (?:recommend|buy|order|shop)  please (?:pass|thank|tell|close)  you can close  letting me know
    (?:thanks|thank you|thx) (?:so much |very much )?again
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
    question\w*  rather  prefer\w*  return(?:ing)?  attached  instead  number  address
    mas  porem  contudo  entretanto  infelizmente  exceto  ainda  nao  nunca  nem  nada  ninguem  sem  quando  onde
    porque  por que  como  quem  qual  quais  cade  sera que  se  pode  podem  poderia\w*  favor  precis[ao]
    precisamos  quero  queria  gostaria  aguard\w+  espero  esperando  desde ja  antecipad\w+  urgente
    errad\w+  quebrad\w+  danificad\w+  falt\w+  perdid\w+  atras\w+  defeito\w*  problemas  reclam\w+
    novamente  de novo  outr[ao]s?  tambem  pior  pessim\w+  horrivel  decepcion\w+  procon  advogad\w+  golpe  fraude
    solicit\w+  peca  pergunta\w*  prefiro  preferi\w+  devolver  anexo  segue  numero  endereco
""")
# Things that may be owed: named in a mere thank you only once they have come.
_OWED = _any(r"""
    refund\w*  money  credit  voucher  replacement  parcel  package  order  delivery  invoice  receipt  label
    reembols\w+  estorn\w+  dinheiro  credito  vale  troca  encomenda  pacote  pedido  entrega  nota fiscal  boleto
""")
_CAME = _any(r"""
    receiv\w+  arriv\w+  came  here  got  has come  is in  landed  delivered  sorted  solved  resolved  settled  works?
    (?:is|are) back  technician (?:came|was here)  working
    fine  perfect\w*  quick  fast  great  good  help\w*  for (?:the|my|your)
    receb\w+  cheg\w+  entregue  caiu  resolvid\w+  tudo certo  certinho  perfeit\w+  otim[ao]s?  rapid\w+  funcion\w+
    pel[oa]s?  tecnic[oa] (?:veio|esteve)
""")


# A clause that thanks for nothing says one of these, or else tells of something.
_PLEASED = _any(r"""
    obliged  wonderful  brilliant  excellent  lovely  nice  kind\w*  happy  delighted  pleased  love\w*  awesome
    amazing  best
    super  wow  bye  regards  wishes  weekend  day  evening  week  christmas  ok(?:ay)?  done  all the best  take care
    well  all good  fantastic  cool  glad  fab  appreciate\w*  closed?  back on my (?:card|account)  recommend\w*
    understood  noted  sure  yes  hi  hello  dear  hey
    bem  certo  joia  legal  maravilh\w*  excelente\w*  lind[ao]  gentil  gentis  feliz  felizes
    ador\w+  amei  nota (?:10|dez)  top  show
    abracos?  beijos?  bjs  tchau  sucesso  fim de semana  dia  tarde  noite  semana  natal  combinado  beleza  entendi
    sim  oi  ola  prezad[ao]s?  atenciosamente  cumprimentos  parabens  fechar  encerrar  caro  cara  bom  boa
""")
_SHORT = 2  # words: "and the team" belongs to what it follows
_CLAUSE = re.compile(r"[^.,;:!?()\n]+")
_JOINT = re.compile(r"\b(?:and|e|then)\b")
_NAME = re.compile(r"(?:[A-Z\u00c0-\u00dd][\w'\u2019-]*\s*){1,3}")


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
    rest = _HARMLESS.sub(_fine, folded)
    if "?" in rest or _MORE.search(rest) or (_OWED.search(rest) and not _CAME.search(rest)):
        return False
    return all(_is_pleasant(rest[c.start() : c.end()], own[c.start() : c.end()]) for c in _CLAUSE.finditer(rest))


def _fine(found: re.Match[str]) -> str:
    return "ok".ljust(len(found.group()))


def _is_pleasant(clause: str, written: str) -> bool:
    """Whether each part of a clause thanks, is pleased, or says a name."""
    if _NAME.fullmatch(written.strip()):
        return True
    parts = [part for part in _JOINT.split(clause) if len(re.findall(r"[a-z]{2,}", part)) > _SHORT or part is clause]
    return all(
        not re.search(r"[a-z]", part) or any(known.search(part) for known in (_THANKS, _CAME, _PLEASED))
        for part in parts
    )
