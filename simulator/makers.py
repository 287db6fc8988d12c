"""Whose devices there are: encoders by family, and an invented device of each."""

import re
from collections.abc import Iterator

from simulator.encoders.encoder import EVENTS, STATES, WORDS, Encoder, Outgoing, Transport
from simulator.encoders.registry import ENCODERS
from simulator.town_file import TownDevice

ALSO = {"watch_3g": "watch3g", "z2m": "zigbee2mqtt"}  # families by other names
MONITORED_MISSES = 3  # a device is silent when it has missed so many of its reports
SENSOR_DEADLINE_S = 86_400


class NoEncoderError(Exception):
    """Nobody plays devices of this family."""

    def __init__(self, family: str) -> None:
        super().__init__(f"{family}: no device of this family is simulated; there are {', '.join(ENCODERS)}")


def encoder(family: str) -> Encoder:
    """Return the encoder of a family.

    Raises:
        NoEncoderError: There is none.
    """
    found = ENCODERS.get(ALSO.get(family, family))
    if found is None:
        raise NoEncoderError(family)
    return found


def worn(family: str, number: int, report_every_min: int, gateway: str = "") -> TownDevice:
    """Return somebody's watch or pendant. What speaks MQTT on topics of the makers' own does so through a `gateway`."""
    made = encoder(family)
    scheme, _, native = made.example.partition(":")
    native = _numbered(native.replace(HOME, f"{gateway}/"), number)
    if family == "helmet":  # tenant and user, plain numbers
        native = f"{gateway}/7/{number}"
    elif family == "watch_json":
        native = f"{gateway}/{native}"
    return TownDevice(
        address=f"{scheme}:{native}", name=native, family=ALSO.get(family, family), adapter=f"{scheme}/1",
        model=made.model, kind="watch", transport=str(made.transport), gateway=gateway,
        deadline_s=max(900, MONITORED_MISSES * report_every_min * 60),
    )  # fmt: skip


def things(family: str, number: int, gateway: str) -> Iterator[TownDevice]:
    """Yield one of each kind of device of a maker, for one home: a door contact is no smoke detector."""
    made = encoder(family)
    scheme, _, native = made.example.partition(":")
    models = dict.fromkeys([made.model, *made.models.values()])
    for at, model in enumerate(models):
        own = _own(native.replace(HOME, f"{gateway}/"), number * MOST_MODELS + at, model)
        bound = BOUND if family in CALLS and model == made.model else model
        yield TownDevice(
            address=f"{scheme}:{own}", name=own, family=family, adapter=f"{scheme}/1", model=bound, kind="thing",
            transport=str(made.transport), gateway=gateway,
        )  # fmt: skip


def wearable(family: str) -> bool:
    """Whether it is carried about, rather than a thing at home."""
    return encoder(family).transport is Transport.TCP or family in WORN


def own_model(device: TownDevice) -> str:
    """Return what a device calls itself, however it was registered."""
    return encoder(device.family).model if device.model == BOUND else device.model


def prefix(device: TownDevice) -> str:
    """Return what a device's gateway puts before a topic that does not name the home."""
    if not device.gateway or device.family.partition(".")[0] not in NAMELESS:
        return ""
    return device.gateway if device.family == "cn_platform" else f"{device.gateway}/"


def of_gateway(message: Outgoing) -> bool:
    """Whether a message tells of the gateway rather than of the device behind it."""
    return message.topic.endswith(("/LWT", "/bridge/state")) or b'"type":"HB_Msg"' in message.payload


def words(device: TownDevice) -> tuple[str, ...]:
    """Return what a device of this model can say, in the order of the vocabulary."""
    made = encoder(device.family)
    return tuple(word for word in WORDS if word in made.says and _says(made, word, own_model(device)))


def _says(made: Encoder, word: str, model: str) -> bool:
    if word in made.models or (word in (*EVENTS, *STATES) and word != "low_battery"):
        return made.model_of(word) == model
    return True  # of charge, signs of life and farewells nobody asks the model


def sensor(kind: str, model: str, room: str, gateway: str, number: int) -> TownDevice:
    """Return a button or sensor at home, behind a Zigbee2MQTT whose base topic is below the gateway's name."""
    name = f"{number} {room}{KINDS[kind]}"
    return TownDevice(
        address=f"z2m:{gateway}/zigbee2mqtt/{name}", name=name, family="zigbee2mqtt", adapter="zigbee2mqtt/1",
        model=model, kind=kind,
        transport=str(Transport.MQTT), room=room, gateway=gateway, deadline_s=0,
    )  # fmt: skip


def apart(kind: str, room: str, number: int) -> TownDevice:
    """Return a mat or a meter, which has a line of its own: no Zigbee bridge stands before it."""
    made = encoder(APART[kind])
    scheme, _, native = made.example.partition(":")
    own = native.rpartition("/")[2] if kind == "bed" else f"meter-{number}"
    return TownDevice(
        address=f"{scheme}:home{number}/{own}", name=f"{number} {room}{KINDS[kind]}", family=made.family,
        adapter=f"{scheme}/1", model=made.model, kind=kind, transport=str(made.transport), room=room,
    )  # fmt: skip


HOME = "home7/"  # of the examples of the registry
MOST_MODELS = 8  # of one maker in one home
WORN = frozenset({"carehub", "carelink", "helmet", "watch_json"})  # of those that speak MQTT
NAMELESS = frozenset({"ble_gateway", "cn_platform", "helmet", "lorawan"})  # their topics name no home
BOUND = "call-button"  # how an installer registers a button that might as well be a light switch
CALLS = frozenset({"lorawan", "lorawan.things_stack", "openmqttgateway", "shelly", "shelly.blu", "shelly1"})
APART = {"bed": "bed", "meter": "homeassistant"}
KINDS = {
    "button": "呼叫",
    "door": "门磁",
    "motion": "红外",
    "smoke": "烟感",
    "gas": "燃气",
    "bed": "床垫",
    "meter": "水表",
}
MODELS = {"button": "TS0215A", "door": "MCCGQ11LM", "motion": "RTCGQ11LM", "smoke": "TS0205", "gas": "TS0204"}


def _numbered(native: str, number: int) -> str:
    """Return the example's name with this number in its last digits."""
    digits = re.search(r"\d+$", native)
    width = max(5, min(len(digits.group()), 8)) if digits else 5
    return f"{native[: len(native) - min(width, len(digits.group()) if digits else 0)]}{number:0{width}d}"


_HEX = re.compile(r"(?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$|[0-9a-fA-F]{12,16}$|[0-9A-F]{4,6}$")


def _own(native: str, number: int, model: str) -> str:
    """Return the example's name with this number in it, in the form it has: the end of an address, or of a name."""
    found = _HEX.search(native)
    if found and "/" not in found.group():
        digits = found.group()
        plain = f"{number:04x}"
        if ":" in digits:
            return f"{native[:-5]}{plain[:2]}:{plain[2:]}"
        return native[:-4] + (plain.upper() if digits.upper() == digits else plain)
    if native.endswith("浴室 SOS"):
        return f"{native} {number} {model}"
    return _numbered(native, number) if native[-1:].isdecimal() else native
