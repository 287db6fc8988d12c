"""The hub's errors: each carries its facts and says what to do."""


class HubError(Exception):
    """Base of every error this package raises."""
