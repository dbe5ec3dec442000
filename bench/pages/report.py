"""The figures as tables, beside the goals and beside what help desks of today reach."""

from typing import Any, Final, NamedTuple

from rich.console import Console
from rich.table import Table

Figures = dict[str, Any]


class Goal(NamedTuple):
    """At a million cases: milliseconds (median, one client), requests a second (16 clients)."""

    p50_ms: float
    per_second: float


GOALS: Final = {
    "queue": Goal(7.5, 250), "case": Goal(8, 250), "full case": Goal(8, 250), "search": Goal(20, 100),
}  # fmt: skip
STATEMENTS_AT_MOST: Final = 10
TIMES_THE_FLOOR: Final = 3  # queue
# Measured on a machine like this with 100,000 tickets.
HELP_DESKS: Final = {
    "queue": "75 to 274 ms, 6 to 20/s",
    "case": "32 to 116 ms, 15 to 63/s",
    "full case": "32 to 116 ms, 15 to 63/s",
    "search": "301 to 1440 ms, 1 to 5/s",
}


def show(found: Figures) -> None:
    """Print everything."""
    console, machine = Console(), found["machine"]
    console.width = max(console.width, 140)
    console.print(
        f"{found['cases']:,} cases, {found['events']:,} events; {found['workers']} web workers; "
        f"{machine['cores']} cores, {machine['memory_gb']} GB, "
        f"load {machine['load_before']} before; Python {machine['python']}",
        highlight=False,
    )
    console.print(_measured(found))
    console.print(_goals(found))
    console.print(_kinds(found))
    for problem in found["problems"][:5]:
        console.print(f"[red]{problem}", highlight=False)


def against_goals(found: Figures) -> list[tuple[str, str, float, bool]]:
    """What was asked for, the goal in words, what was reached, whether that is enough."""
    rows = []
    for page, goal in GOALS.items():
        one, many = found["pages"][page][1], found["pages"][page][16]
        rows += [
            (f"{page}, median at one client", f"{goal.p50_ms} ms", one["p50_ms"], one["p50_ms"] <= goal.p50_ms),
            (
                f"{page}, 16 clients",
                f"{goal.per_second:.0f}/s",
                many["per_second"],
                many["per_second"] >= goal.per_second,
            ),
        ]
    most = max(counted["most"] for counted in found["statements"].values())
    rows.append(("SQL statements of any page", f"at most {STATEMENTS_AT_MOST}", most, most <= STATEMENTS_AT_MOST))
    times = times_the_floor(found, "queue", 1)
    rows.append(("queue against its SQL", f"at most {TIMES_THE_FLOOR} times", times, times <= TIMES_THE_FLOOR))
    return rows


def times_the_floor(found: Figures, page: str, clients: int) -> float:
    """How many times as long as its hand-written SQL a page takes (medians)."""
    return round(float(found["pages"][page][clients]["p50_ms"] / found["floors"][f"{page} SQL"][clients]["p50_ms"]), 2)


def _measured(found: Figures) -> Table:
    columns = ("", "clients", "p50 ms", "p95 ms", "per second", "web CPU s", "database CPU s", "client CPU s", "bytes",
               "web MB", "database MB", "times SQL")  # fmt: skip
    table = Table(*columns, title="CPU per 1,000 requests")
    for name, cells in [*found["pages"].items(), *found["floors"].items()]:
        for clients, cell in cells.items():
            ratio = f"{times_the_floor(found, name, clients):.1f}" if name in found["pages"] else ""
            figures = (cell["p50_ms"], cell["p95_ms"], cell["per_second"], cell["web_cpu_s_per_1000"],
                       cell["database_cpu_s_per_1000"], cell["client_cpu_s_per_1000"])  # fmt: skip
            sizes = (
                f"{cell['bytes']:,}" if not name.endswith("SQL") else "",
                str(cell["web_mb"]),
                str(cell["database_mb"]),
            )
            table.add_row(name, str(clients), *(f"{figure:,.1f}" for figure in figures), *sizes, ratio)
        table.add_section()
    return table


def _goals(found: Figures) -> Table:
    table = Table("", "goal", "reached", "", "help desks of today, 100,000 tickets", title="Goals at 1,000,000 cases")
    for what, goal, reached, enough in against_goals(found):
        today = HELP_DESKS.get(what.split(",")[0], "39 to 516 on a queue page" if what.startswith("SQL") else "")
        table.add_row(what, goal, f"{reached:,}", "[green]yes" if enough else "[red]no", today)
    return table


def _kinds(found: Figures) -> Table:
    table = Table("page", "asked for", "p50 ms, one client", "its SQL", title="By what was asked for")
    for page, cells in found["pages"].items():
        floors = found["floors"][f"{page} SQL"][1]["p50_ms_by_kind"]
        for kind, milliseconds in cells[1]["p50_ms_by_kind"].items():
            table.add_row(page, kind, f"{milliseconds:.1f}", f"{floors.get(kind, float('nan')):.1f}")
        table.add_section()
    return table
