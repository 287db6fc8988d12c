"""From the bytes of bed mats, thermometers, cuffs and watches to a case with its reasons."""

import asyncio
import time
from typing import Any

import pytest

from hub.commands import people
from tests.integration.ingest.conftest import Hub, add_resident, eventually

MINUTE = 60_000
CASES = "select a.evidence from alert a join incident i on i.id = a.incident_id where a.rule = %s and i.kind = 'vitals'"


class Home:
    """Devices of one resident, each minute of whose messages comes when it was measured."""

    def __init__(self, hub: Hub) -> None:
        self.hub, self.start = hub, int(time.time() * 1000) - 90 * MINUTE

    def says(self, minute: int, device: str, **values: float) -> None:
        at = self.start + minute * MINUTE
        self.hub.send(f"carehub/{device}/vitals", {"seq": minute, "at": at, **values}, at_ms=at + 300)

    async def evidence(self, rule: str) -> list[dict[str, Any]]:
        await self.hub.done()
        return [one for (one,) in await self.hub.rows(CASES, rule)]


async def test_fast_breath_of_a_sleeper_opens_a_case_with_its_reasons(hub: Hub, dsn: str) -> None:
    add_resident(dsn, "carehub:mat")
    home = Home(hub)
    for minute in range(30):
        home.says(minute, "mat", rr=27 if minute >= 10 else 15)
    assert await home.evidence("V6") == [{"respiration_rpm": 27, "minutes": 10, "known_min": 14, "confidence": 0.69}]


async def test_fever_measured_twice_opens_a_case(hub: Hub, dsn: str) -> None:
    add_resident(dsn, "carehub:warm")
    home = Home(hub)
    home.says(0, "warm", temp=39.3)
    home.says(40, "warm", temp=39.6)
    (found,) = await home.evidence("V7")
    assert (found["temperature_c"], found["limit_c"], found["minutes"]) == (39.6, 39.1, 40)


async def test_watch_cuff_and_thermometer_of_one_resident_open_one_case_about_her(hub: Hub, dsn: str) -> None:
    add_resident(dsn, "carehub:watch")
    resident = await hub.one("select id from resident")
    for device in ("cuff", "warm"):
        add_resident(dsn, f"carehub:{device}", resident_id=resident)
    add_resident(dsn, "carehub:neighbour")
    home = Home(hub)
    home.says(0, "cuff", sys=98, dia=60)
    home.says(2, "warm", temp=38.4)
    for minute in range(3, 20):
        home.says(minute, "watch", hr=115, rr=22, steps=0)
        home.says(minute, "neighbour", hr=115, rr=22, steps=0)
    (found,) = await home.evidence("V8")
    assert (found["total"], found["total_upper"]) == (7, 15)
    assert found["missing"] == ["spo2", "o2", "acvpu"]
    assert found["ages_min"]["systolic_mmhg"] == 8
    whose = "select i.resident_id from alert a join incident i on i.id = a.incident_id where a.rule = 'V8'"
    assert await hub.rows(whose) == [(resident,)]


async def test_saturation_is_judged_on_the_scale_her_clinician_set(
    hub: Hub, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAREHUB_DATABASE_DSN", dsn)
    add_resident(dsn, "carehub:one")
    await asyncio.to_thread(people.main, ["resident", "李秀英", "--spo2-scale", "2"])
    add_resident(dsn, "carehub:two", resident_id=await hub.one("select id from resident where spo2_scale = 2"))
    await eventually(lambda: scaled(hub))
    await asyncio.to_thread(people.main, ["spo2-scale", "李秀英", "1"])
    await eventually(lambda: scaled(hub, False))
    await asyncio.to_thread(people.main, ["spo2-scale", "李秀英", "2"])
    await eventually(lambda: scaled(hub))
    home = Home(hub)
    for minute in range(6):
        for device in ("one", "two"):
            home.says(minute, device, spo2=88, steps=0)
    assert len(await home.evidence("V4")) == 1
    raised = "select d.address from alert a join device d on d.id = a.device_id where a.rule = 'V4'"
    assert await hub.rows(raised) == [("carehub:one",)]


async def scaled(hub: Hub, second: bool = True) -> bool:
    """Whether the ingest has heard which scale is hers."""
    row = hub.ingest.table.row_of.get("carehub:two", -1)
    return row >= 0 and bool(hub.ingest.detection.states["vitals"]["spo2_scale2"][row]) is second


async def test_device_that_talks_nonsense_is_told_to_whoever_looks_after_devices(hub: Hub, dsn: str) -> None:
    add_resident(dsn, "carehub:broken")
    home = Home(hub)
    for minute in range(20):
        home.says(minute, "broken", hr=0, spo2=0)  # found nothing: no nonsense
    for minute in range(20, 40):
        home.says(minute, "broken", hr=250, spo2=12)
    await hub.done()
    assert await hub.rows("select rule, evidence from alert") == [("T4", {"implausible": 10, "readings": 20})]
