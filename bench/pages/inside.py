"""Processor time of one request inside this process, through the real middleware, without HTTP.

    python -m bench.pages.inside [--cases 1000000] [--requests 100] [--only case] [--profile] [--statements]

Steadier than times under load: neighbours slow it down by what they take from caches, not by what they take of the
processor.
"""

import argparse
import cProfile
import io
import pstats
import time
from typing import Any

from bench.pages.__main__ import prepare

ROUNDS = 9


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.pages.inside", description=__doc__)
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--requests", type=int, default=100)
    parser.add_argument("--only", default="", help="a page: queue, case, full case, search")
    parser.add_argument("--profile", action="store_true", help="where the time goes, instead of how much it is")
    parser.add_argument("--statements", action="store_true", help="the SQL statements of one request, with times")
    given = parser.parse_args()
    words = prepare(given.cases)
    from bench.pages import mix
    from bench.pages.measure import browsers
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from makegood.app.config.wsgi import application

    cookies = {name: client.cookies.output(header="", sep=";").strip() for name, client in browsers().items()}

    def get(question: mix.Question) -> None:
        path, _, query = question.path.partition("?")
        asked = {
            "REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": query, "SERVER_NAME": "localhost",
            "SERVER_PORT": "80", "HTTP_HOST": "localhost", "HTTP_COOKIE": cookies[question.who],
            "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(),
        }  # fmt: skip
        said = []
        response = application(asked, lambda status, _: said.append(status))
        response.close()
        if said != ["200 OK"]:
            raise RuntimeError(f"{question.path} answers {said}.")

    for page, some in mix.questions(words, cases=given.cases).items():
        if given.only not in ("", page):
            continue
        asked = (some * given.requests)[:: max(1, len(some) // given.requests)][: given.requests]

        def ask(asked: list[Any] = asked) -> None:
            for question in asked:
                get(question)

        ask()
        if given.statements:
            with CaptureQueriesContext(connection) as captured:
                get(asked[0])
            print(f"{page}: {asked[0].path}")
            for query in captured.captured_queries:
                print("  ", query["time"], " ".join(query["sql"].split())[:200])
        elif given.profile:
            with cProfile.Profile() as profile:
                ask()
            told = io.StringIO()
            pstats.Stats(profile, stream=told).sort_stats("tottime").print_stats(45)
            pstats.Stats(profile, stream=told).sort_stats("cumtime").print_stats(70)
            print(page, told.getvalue())
        else:
            # Of each question the best time: what neighbours take of a processor's caches is not the page's.
            best = [min(_spent(get, question) for _ in range(ROUNDS)) for question in asked]
            print(f"{page}: {1000 * sum(best) / len(best):.2f} ms of processor time a request")


def _spent(get: Any, question: Any) -> float:
    began = time.process_time()
    get(question)
    return time.process_time() - began


if __name__ == "__main__":
    main()
