"""Which trials an installer makes of a device: what can be tried follows from what it is and what it has said. Pure."""

from dataclasses import dataclass

from devices.adapter import Command, Say
from devices.protocols import PROTOCOLS
from hub import adapters
from hub.device_life import Check

TRACKERS = frozenset({protocol.name for protocol in PROTOCOLS} | {"watchjson", "helmet"})  # they are carried about
PRESSED = frozenset({"alarm.sos", "button.press", "button.pressed"})
SENSES = (  # what begins so is said by a thing that hangs there and looks, feels or sniffs
    "presence.", "bed.", "contact.", "motion.", "env.", "sleep.", "alarm.smoke", "alarm.gas", "alarm.water_leak",
    "alarm.carbon_monoxide", "alarm.fire",
)  # fmt: skip
PLACES = frozenset({"location"})
# What says that a plug was pulled, and what only a thing with a plug says.
POWER_CUT = frozenset({"alarm.powerCut", "alarm.mains_loss"})
PLUGGED = POWER_CUT | {"alarm.powerRestored"}
MAINS = frozenset({"radar", "radarjson", "lifesos", "carelink", "bed"})  # they hang at a socket


@dataclass(frozen=True, kw_only=True)
class Tried:
    """What tells which trials apply. `plugged`: the installer's word, None when he has said none."""

    address: str
    codes: frozenset[str] = frozenset()  # of what it said lately
    no_button: bool = False
    plugged: bool | None = None

    @property
    def scheme(self) -> str:
        return self.address.partition(":")[0]


def trials(device: Tried) -> tuple[Check, ...]:
    """Return the trials that apply, in the order they are made."""
    applies = {
        Check.SOS: not device.no_button,
        Check.VOICE: speaks(device.address),
        Check.LOCATION: device.scheme in TRACKERS or bool(device.codes & PLACES),
        Check.POWER: has_plug(device) if device.plugged is None else device.plugged,
    }
    return tuple(check for check, does in applies.items() if does)


def speaks(address: str) -> bool:
    """Whether the hub has words for it: it shows them, reads them out, or blinks."""
    adapter = adapters.of(address)
    return adapter is not None and adapter.encode(Command(device=address, say=Say.MESSAGE, text="1")) is not None


def has_button(device: Tried) -> bool:
    """Guess whether there is anything to press: what it has said tells, else what its kind usually has."""
    if device.codes & PRESSED or device.scheme in TRACKERS or device.scheme == "carehub":
        return True
    return device.scheme not in MAINS and not any(code.startswith(SENSES) for code in device.codes)


def has_plug(device: Tried) -> bool:
    """Guess whether it lives off the mains."""
    return device.scheme in MAINS or bool(device.codes & PLUGGED)
