"""Makegood's own settings, plus one route that exists here only."""

from makegood.app.config.settings import *  # noqa: F403

ROOT_URLCONF = "bench.pages.urls"
