"""LoRaWAN sensors and badges behind a network server: an envelope, and in it one makers' byte grammars."""

from devices.adapters.lorawan.adapter import ADAPTER

__all__ = ["ADAPTER"]
