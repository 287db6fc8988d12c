"""Which cases belong together: two flats of one burning house, a watch that fell silent and the press of its wearer."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from alerts.model import AlertKind

TOGETHER = timedelta(minutes=15)  # opened within this of each other
MOST = 20  # links one case is given by itself: beyond it the whole area is in trouble, and links say nothing
HAZARDS = frozenset({AlertKind.SMOKE, AlertKind.GAS, AlertKind.WATER})

_BUILDING = re.compile(
    r"^.*?\d+\s*(?:号楼|号院|栋|幢|座|号|弄)|^[^,，]*?\b(?:block|building|no\.?)\s*\w+", re.IGNORECASE
)


class Why(StrEnum):
    """What two cases have in common; the strongest is written."""

    DUPLICATE = "duplicate"  # a person closed one as the same as the other
    PERSON = "person"  # a person saw that they belong together
    RESIDENT = "resident"
    ADDRESS = "address"
    GATEWAY = "gateway"
    BUILDING = "building"


@dataclass(frozen=True, kw_only=True)
class Case:
    """As much of a case as says what it has in common with another."""

    incident_id: int
    kind: AlertKind
    opened_at: datetime
    resident_id: int | None = None
    area: str = ""
    address: str = ""  # the resident's home
    device: str = ""  # scheme:native of the device that raised it


def related(case: Case, others: Iterable[Case]) -> tuple[tuple[int, Why], ...]:
    """Return which of the others belong to a case and why, nearest in time first."""
    near = sorted(others, key=lambda o: (abs(o.opened_at - case.opened_at), o.incident_id))
    found = ((other.incident_id, why) for other in near if (why := common(case, other)) is not None)
    return tuple(pair for pair, _ in zip(found, range(MOST), strict=False))


def common(a: Case, b: Case) -> Why | None:
    """What two cases have in common, if that means anything."""
    if a.incident_id == b.incident_id:
        return None
    if a.resident_id is not None and a.resident_id == b.resident_id:
        return Why.RESIDENT  # however old: her watch may have been silent since yesterday
    if abs(a.opened_at - b.opened_at) > TOGETHER:
        return None
    if a.address and a.area == b.area and a.address == b.address:
        return Why.ADDRESS
    if (gateway := gateway_of(a.device)) and gateway == gateway_of(b.device):
        return Why.GATEWAY
    house = building(a.address)
    danger = a.kind in HAZARDS or b.kind in HAZARDS
    return Why.BUILDING if danger and house and a.area == b.area and house == building(b.address) else None


def building(address: str) -> str:
    """The house of an address: "block 3" of "block 3, 501", 和平里 3 号楼 of 和平里 3 号楼 501; "" if none is named."""
    match = _BUILDING.match(address.strip())
    return " ".join(match[0].split()) if match else ""


def gateway_of(device: str) -> str:
    """The gateway a device speaks through: z2m:home7 of z2m:home7/zigbee2mqtt/SOS; "" for one that needs none."""
    scheme, _, native = device.partition(":")
    head, slash, _ = native.partition("/")
    return f"{scheme}:{head}" if slash and head else ""
