"""Which language is a text written in?"""

import re
from functools import cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

# Languages of the markets a retailer is likely to hear from. A short list keeps short texts from being
# taken for Latin, Luxembourgish or Galician.
_CODES = "ar cs da de el en es fi fr he hu id it ja ko nl no pl pt ro ru sv th tr uk vi zh"
LANGUAGES = frozenset(_CODES.split(" "))

_READ_AT_MOST = 2_000
_LETTERS_AT_LEAST = 10
_SURE_FROM = 0.5
_NO_LETTERS = re.compile(r"[\W\d_]+")
_ADDRESSES = re.compile(r"https?://\S{1,500}|\S{1,100}@\S{1,100}")


def detect_language(text: str) -> str:
    """The language of a text, or "" when it is too short or not sure.

    Parameters
    ----------
    text : str
        Any string. Only its first 2,000 characters are read; web and mail addresses in it are passed over.

    Returns
    -------
    str
        ISO 639-1 code, one of `LANGUAGES`, or "" for fewer than 10 letters (4 in a script without word spaces)
        or when the likeliest language has less than half of the probability.

    Notes
    -----
    The model loads at the first call, which takes a fraction of a second and about 30 MB.

    References
    ----------
    Lui, M. and Baldwin, T. (2012). langid.py: an off-the-shelf language identification tool. ACL demos.

    Examples
    --------
    >>> detect_language("I ordered two weeks ago and nothing has arrived yet.")
    'en'
    >>> detect_language("ok")
    ''

    """
    read = _ADDRESSES.sub(" ", text[:_READ_AT_MOST]).encode("utf-8", "ignore").decode("utf-8")
    letters = _NO_LETTERS.sub("", read)
    dense = any("\u0e00" <= c <= "\u0e7f" or "\u3040" <= c <= "\ud7a3" for c in letters)
    if len(letters) < (4 if dense else _LETTERS_AT_LEAST):
        return ""
    language, probability = _identifier().classify(read.replace("\0", " "))
    return str(language) if probability >= _SURE_FROM else ""


@cache
def _identifier() -> LanguageIdentifier:
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(LANGUAGES)
    return identifier
