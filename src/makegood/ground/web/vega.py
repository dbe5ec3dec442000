"""The Vega scripts that draw charts in the browser, from our own address.

vl-convert carries them; they are taken out once per version, kept packed under MAKEGOOD_HOME and served with a name
that holds the version, so browsers keep them for good.
"""

import gzip
import os
import tempfile
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils.cache import patch_vary_headers

from makegood.ground.staff.access import public

VERSION = version("vl-convert-python")


def url() -> str:
    return reverse("vega", args=[VERSION])


@public
def script(request: HttpRequest, version: str) -> HttpResponseBase:
    """The bundle, packed for whoever can unpack it. No SQL."""
    packed = "gzip" in request.headers.get("accept-encoding", "")
    body = packed_bundle() if packed else gzip.decompress(packed_bundle())
    answer = HttpResponse(body, content_type="text/javascript; charset=utf-8")
    if packed:
        answer["Content-Encoding"] = "gzip"
    # An old page may ask for an older version: it gets this one, but must not keep it under that name.
    answer["Cache-Control"] = "public, max-age=31536000, immutable" if version == VERSION else "no-store"
    patch_vary_headers(answer, ["Accept-Encoding"])
    return answer


@lru_cache(maxsize=1)
def packed_bundle() -> bytes:
    """The bundle, gzipped: 0.3 MB. The first call of a new version takes about two seconds."""
    kept = Path(settings.MAKEGOOD_HOME) / "made" / f"vega-{VERSION}.js.gz"
    if kept.exists():
        return kept.read_bytes()
    import vl_convert  # noqa: PLC0415  large, and asked for once

    bundle = vl_convert.javascript_bundle()  # type: ignore[call-arg]  # optional, but its stub does not say so
    packed = gzip.compress(bundle.encode(), mtime=0)
    kept.parent.mkdir(parents=True, exist_ok=True)
    # Written beside and renamed: another process that starts now sees all of it or nothing.
    descriptor, draft = tempfile.mkstemp(dir=kept.parent)
    with os.fdopen(descriptor, "wb") as file:
        file.write(packed)
    os.replace(draft, kept)  # noqa: PTH105  the draft is a name, not a Path
    return packed
