"""What a 433 MHz code means, by the model its device is registered as: a code itself says nothing. One row a model.

A transmitter with several codes (open and closed) is a device for each. A call button is not here: any press of one
rings (`call-button`).
"""

from collections.abc import Iterator, Mapping

from devices import values
from devices.telemetry import Observation, Quality

# Model, as `values.key` writes it -> code and value.
MODELS: Mapping[str, tuple[str, bool]] = {
    "doorcontact": ("contact.open", True),  # most send one code, when it is opened
    "dooropen": ("contact.open", True),
    "doorclosed": ("contact.open", False),
    "motionsensor": ("presence.motion", True),
    "smokedetector": ("alarm.smoke", True),
    "gasdetector": ("alarm.gas", True),
    "codetector": ("alarm.carbon_monoxide", True),
    "waterdetector": ("alarm.water_leak", True),
    "tamper": ("alarm.tamper", True),
    "batterylow": ("battery.low", True),
}


def meant(model: str | None, fresh: Quality) -> Iterator[Observation]:
    """Yield what the code of a device of this model says, nothing for a model that is not in the table."""
    found = MODELS.get(values.key(model or ""))
    if found is not None:
        yield Observation(code=found[0], value=found[1], native=model, quality=fresh)
