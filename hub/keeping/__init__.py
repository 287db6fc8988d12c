"""Keeping it running: backups, restoring them, and the check of an installation."""
