"""Finds the adapter that speaks to a device by its address."""

from devices.adapter import Adapter
from devices.registry import ADAPTERS

_BY_SCHEME: dict[str, Adapter] = {adapter.scheme: adapter for adapter in ADAPTERS}


def of(address: str) -> Adapter | None:
    """Return the adapter for `scheme:native`, or None for a grammar nobody here speaks."""
    return _BY_SCHEME.get(address.partition(":")[0])
