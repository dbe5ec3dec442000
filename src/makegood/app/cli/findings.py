"""What detection found, as a line of JSON: one shape for the database and for files."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from makegood.engines.statistics.detection import Finding


def print_line(finding: "Finding", signal: int | str, cases: Sequence[int | str]) -> None:
    """One finding on stdout, under the number and the case identifiers that its reader knows."""
    line = {
        "event": finding.event, "signal": signal, "at": finding.at, "since": finding.since,
        "slice": dict(finding.slice), "observed": finding.observed, "expected": finding.expected,
        "excess": round(finding.observed - finding.expected, 3), "low": finding.low, "high": finding.high,
        "evidence": finding.evidence, "cases": cases,
    }  # fmt: skip
    sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
