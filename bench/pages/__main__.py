"""Measure the queue page, the case page and search: `python -m bench.pages [--cases N] [--seconds S] [--json]`."""

import argparse
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from bench.pages import report

ROOT = Path(__file__).resolve().parents[2]
CONCURRENCY = (1, 4, 16)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.pages", description=__doc__)
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=4, help="of each of the 27 measurements")
    parser.add_argument("--workers", type=int, default=2, help="web processes")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    words = prepare(given.cases)
    from bench.pages.measure import measure  # reads Django's settings

    found = measure(words, cases=given.cases, seconds=given.seconds, workers=given.workers)
    if given.json:
        print(json.dumps(found, indent=2))
    else:
        report.show(found)
    if found["problems"]:
        sys.exit("Some requests failed: the figures do not count.")


def prepare(cases: int) -> dict[str, list[str]]:
    """Start a database of its own that holds so many cases, made now if need be. Returns words to search for.

    What was made by an older version of the generator is thrown away.
    """
    home = Path(os.environ.get("MAKEGOOD_HOME", ROOT / ".makegood-bench")) / f"pages-{cases}"
    os.environ |= {
        "MAKEGOOD_HOME": str(home),
        "DJANGO_SETTINGS_MODULE": "bench.pages.settings",
        "MAKEGOOD_LOG_LEVEL": "ERROR",
    }
    os.environ.pop("DATABASE_URL", None)
    from bench.pages.generate import fingerprint, generate

    from makegood.app.cli.start import set_up

    kept = home / "made.json"
    made: dict[str, Any] = json.loads(kept.read_text()) if kept.exists() else {}
    if made.get("made_by") != fingerprint():
        shutil.rmtree(home, ignore_errors=True)
        set_up()
        made = {"made_by": fingerprint(), "words": generate(cases=cases)}
        kept.write_text(json.dumps(made))
    else:
        set_up()
    words: dict[str, list[str]] = made["words"]
    return words


if __name__ == "__main__":
    main()
