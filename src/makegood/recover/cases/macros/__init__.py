"""Macros: words, files and deeds that recur, kept once and taken into a case."""
