"""Duty lists and coverage over a real database."""
