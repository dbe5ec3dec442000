"""Telling and compensating the affected before they ask."""
