"""The systemic summary: what a team lead or QA has to know of an incident, as Markdown made of what is on file."""

from collections.abc import Iterator, Sequence

from makegood.ground.staff.models import User
from makegood.ground.web.formats import full_time
from makegood.ground.web.language import translated as _
from makegood.prevent.incidents import extensions
from makegood.prevent.incidents.extensions import Figure
from makegood.prevent.incidents.models import Incident
from makegood.prevent.incidents.queries.one import TaskRow
from makegood.prevent.incidents.words import DISCIPLINES, LOCI, SEVERITIES, STATES, cause_in_words


def summary(
    incident: Incident, *, user: User, in_words: str, figures: Sequence[Figure], tasks: Sequence[TaskRow]
) -> str:
    """The whole text. Runs what the rooms of `extensions.summaries` run."""
    parts = [
        f"# I-{incident.number} {plain(incident.title)}",
        "\n".join(f"- {name}: {plain(value)}" for name, value in _facts(incident, in_words) if value),
        _section(_("Numbers"), (f"- {it.label}: {it.figure}{f' ({it.note})' if it.note else ''}" for it in figures)),
        _section(_("Where it stands"), [plain(incident.status_inside)]),
        _section(_("Why it happened"), _why(incident)),
        _section(_("Tasks"), (f"- [{' ' if it.state == 'open' else 'x'}] {plain(it.text)} ({it.owner}, "
                              f"{full_time(it.due_at)})" for it in tasks)),
        *(part.strip() for more in extensions.summaries if (part := more(incident, user))),
        _section(_("Review"), _review(incident)),
    ]  # fmt: skip
    return "\n\n".join(part for part in parts if part) + "\n"


def plain(words: str) -> str:
    """Words that people typed, as one line that is no Markdown of its own."""
    line = " ".join(words.split())
    for sign in "\\`*_[]<>#|":
        line = line.replace(sign, f"\\{sign}")
    return line


def _facts(incident: Incident, in_words: str) -> Iterator[tuple[str, str]]:
    yield _("What"), in_words
    yield _("State"), _(STATES[incident.state][2])
    yield _("Severity"), f"{SEVERITIES[incident.severity]}. {incident.severity_why}".strip(". ")
    yield _("Led by"), incident.commander.display_name
    yield _("Declared"), full_time(incident.declared_at)
    yield _("Contained"), f"{full_time(incident.contained_at)}: {incident.containment}" if incident.contained_at else ""
    yield _("Resolved"), full_time(incident.resolved_at)


def _why(incident: Incident) -> Iterator[str]:
    if cause := cause_in_words(incident):
        yield plain(cause)
        if incident.locus:
            yield f"- {_('Where it failed')}: {LOCI[incident.locus]}"
    yield from (f"{n}. {plain(line)}" for n, line in enumerate(incident.whys, 1))
    yield from (f"- {_('Contributed')}: {plain(line)}" for line in incident.contributing)


def _review(incident: Incident) -> Iterator[str]:
    for name, (heading, _hint) in DISCIPLINES.items():
        if words := incident.review.get(name):
            yield f"- {name.upper() if name.startswith('d') else ''} {_(heading)}: {plain(words)}".replace("-  ", "- ")


def _section(heading: str, lines: "Sequence[str] | Iterator[str]") -> str:
    said = [line for line in lines if line]
    return "\n".join([f"## {heading}", "", *said]) if said else ""
