"""Who lives here and how their devices reach the hub: the file that `carehub up --demo` writes."""

from pathlib import Path

import msgspec


class Endpoint(msgspec.Struct, frozen=True):
    """Where something listens."""

    host: str
    port: int


class FamilyApp(msgspec.Struct, frozen=True):
    """Where the families' telephones are reached, and the key that proves a page is the hub's."""

    host: str
    port: int
    key: str


class Body(msgspec.Struct, frozen=True):
    """What is lasting about a resident's body."""

    resting_bpm: float = 68.0
    spo2_pct: float = 96.5
    breaths_rpm: float = 15.0
    frailty: float = 0.3


class Device(msgspec.Struct, frozen=True):
    """One device. `kind` is watch, watch3g or zigbee; a zigbee device speaks through its home's gateway."""

    kind: str
    address: str
    name: str
    username: str = ""
    secret: str = ""
    prefix: str = ""
    model: str = ""
    base: str = ""


class Resident(msgspec.Struct, frozen=True):
    name: str
    place: tuple[float, float]
    devices: tuple[Device, ...]
    body: Body = Body()


class HomeGateway(msgspec.Struct, frozen=True):
    """A Zigbee2MQTT in somebody's home."""

    name: str
    base: str
    username: str
    secret: str


class Responder(msgspec.Struct, frozen=True):
    """Somebody who is called, and on what: `webhook` is an app on a telephone, `mqtt` a terminal."""

    person: int
    name: str
    role: str
    channel: str
    path: str = ""
    username: str = ""
    secret: str = ""
    prefix: str = ""


class Console(msgspec.Struct, frozen=True):
    """Somebody who signs in at the console."""

    person: int
    role: str
    login: str
    password: str


class Neighbourhood(msgspec.Struct, frozen=True):
    """Everything the simulator may know. It never learns where the database is."""

    listener: Endpoint
    gateway: Endpoint
    console_url: str
    family_app: FamilyApp
    residents: tuple[Resident, ...]
    gateways: tuple[HomeGateway, ...]
    responders: tuple[Responder, ...]
    consoles: tuple[Console, ...]


def read(path: Path) -> Neighbourhood:
    """Read the file.

    Raises:
        OSError: It cannot be read.
        msgspec.MsgspecError: It is not such a file.
    """
    return msgspec.json.decode(path.read_bytes(), type=Neighbourhood)
