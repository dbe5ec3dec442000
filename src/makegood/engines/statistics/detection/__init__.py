"""Detection of patterns: more failures of one kind than what could go wrong there explains."""

from makegood.engines.statistics.detection.findings import Finding, Neighbour

__all__ = ["Finding", "Neighbour"]
