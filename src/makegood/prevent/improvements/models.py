"""Corrective actions, and the effect that they had."""
