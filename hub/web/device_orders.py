"""What an operator may have a case's device do, beside that device: the buttons it can obey, and what it answered."""

from collections.abc import Iterable, Mapping
from typing import Any

from devices.orders import Locate, Measure, Order
from hub.store import device_commands
from hub.store.console import Row, rows
from hub.store.device_commands import Q
from hub.store.pool import Connection
from hub.web import words

ORDERS: dict[str, Order] = {"locate": Locate(), "measure": Measure()}  # by the word a form sends


def offers(device: Row) -> list[str]:
    """Return which buttons this device's maker has words for, and which make sense: what hangs in a room stays there.

    Our own profile has words for everything, so of its devices those measure that have measured.
    """
    senseless = {"locate"} if device["room"] else set[str]()
    if device["address"].startswith("carehub:") and device["heart_rate_bpm"] is None:
        senseless.add("measure")
    return [
        name for name, order in ORDERS.items()
        if name not in senseless and device_commands.can(device["address"], device["model"], order)
    ]  # fmt: skip


async def told(conn: Connection, incident_id: int, language: str, *, settle: bool = True) -> dict[int, list[Row]]:
    """Return, by device, the last of each thing it was told in this case: what, when, and what came of it."""
    if settle:  # whoever only reads leaves that to those who asked
        await device_commands.settle(conn)
    said: dict[int, list[Row]] = {}
    for row in await rows(conn, Q.of_incident, incident=incident_id):
        said.setdefault(row["device_id"], []).append(_line(row, language))
    return said


def _line(row: Mapping[str, Any], language: str) -> Row:
    t = words.speaker(language)
    state = device_commands.state_of(row["failed"], row["refused"], row["answered_at"], row["sent_at"])
    at = row["result_at"] or row["answered_at"] or row["sent_at"] or row["asked_at"]
    what = t(f"order.{row['what']}") if row["what"] in ORDERS else device_commands.describe(row["what"], row["detail"])
    became = "perhaps" if row["failed"] == device_commands.PERHAPS else state
    return {"what": what, "state": state, "at": at, "text": _result(row["result"]) or t(f"told_state.{became}")}


def _result(result: Mapping[str, Any] | None) -> str:
    if not result:
        return ""
    if "lat" in result:
        return f"{result['lat']:.5f}, {result['lon']:.5f}"
    return " · ".join(_reading(result))


def _reading(result: Mapping[str, Any]) -> Iterable[str]:
    if "vital.heart_rate" in result:
        yield f"{result['vital.heart_rate']:.0f} bpm"
    if "vital.spo2" in result:
        yield f"SpO₂ {result['vital.spo2']:.0f} %"
    if "vital.bp_systolic" in result:
        yield f"{result['vital.bp_systolic']:.0f}/{result.get('vital.bp_diastolic', 0):.0f} mmHg"
    if "vital.body_temperature" in result:
        yield f"{result['vital.body_temperature']:.1f} °C"
