"""Loads and whole hubs to measure."""
