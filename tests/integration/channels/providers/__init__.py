"""Providers imitated: real servers that check what the real ones check."""
