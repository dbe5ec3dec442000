"""Learning, judging by what was learned, and going back."""

from makegood.recover.triage.services.training import Training, go_back, train

__all__ = ["Training", "go_back", "train"]
