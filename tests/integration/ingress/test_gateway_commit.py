"""Trackers on a real database: what they wait for comes after the commit, and what is kept is what they said."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import psycopg
import pytest

from hub.ingest import Ingest
from hub.ingress.downlinks import Downlinks
from hub.ingress.gateway import Gateway
from hub.ingress.settings import GatewaySettings
from hub.store.pool import connect
from tests.integration.ingest.conftest import Hub, add_resident, eventually, settings
from tests.integration.ingest.test_commit import Gate
from tests.integration.ingress.parts import Raw, until
from tests.integration.ingress.trackers import (
    ALARM,
    IMEI,
    LOCATION,
    gt06_answer,
    gt06_location,
    gt06_sos,
    jt808,
    jt808_heard,
    jt808_position,
    signed_in,
)

pytestmark = pytest.mark.anyio

TRV_LOGIN = b"IWAP00860000000000017#"
TRV_SOS = b"IWAP10261121A3828.0020N10616.3860E000.4215958120.0006000900600102,460,0,9360,4082,01,zh-cn,00#"


class Centre(Hub):
    """An ingest with a gateway before it, and the way back."""

    gateway: Gateway


@pytest.fixture
async def centre(dsn: str) -> AsyncIterator[Centre]:
    async with AsyncExitStack() as stack:
        conn = await stack.enter_async_context(await connect(dsn))
        centre = Centre(await stack.enter_async_context(Ingest(settings(), dsn)), conn)
        wanted = GatewaySettings(port=0, protocols=("watch3g", "gt06:0", "jt808:0", "trv:0"))
        centre.gateway = await stack.enter_async_context(Gateway(wanted, centre.ingest))
        await stack.enter_async_context(Downlinks(dsn, [centre.gateway]))
        yield centre


async def known(centre: Centre, dsn: str, address: str) -> int:
    device_id = add_resident(dsn, address)

    async def loaded() -> bool:
        return address in centre.ingest.table.row_of

    await eventually(loaded)
    return device_id


async def nothing_comes(peer: Raw) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await peer.reader.read(1)


async def test_alarm_of_a_tracker_is_answered_after_its_commit(centre: Centre, dsn: str) -> None:
    device_id = await known(centre, dsn, f"gt06:{IMEI}")
    async with await signed_in(centre.gateway) as tracker:
        tracker.say(gt06_location(2))
        assert await tracker.hear(10) == gt06_answer(LOCATION, 2)
        with psycopg.connect(dsn, autocommit=True) as conn:
            gate = Gate(conn)
            tracker.say(gt06_sos(3))
            await gate.reached()
            await nothing_comes(tracker)
            assert await centre.rows("select 1 from incident") == []
            gate.open()
            assert await tracker.hear(10) == gt06_answer(ALARM, 3)
        assert await centre.rows("select kind, device_id from incident") == [("sos", device_id)]


async def test_transaction_that_dies_at_its_commit_is_done_again_before_anybody_is_answered(
    centre: Centre, dsn: str
) -> None:
    await known(centre, dsn, f"gt06:{IMEI}")
    async with await signed_in(centre.gateway) as tracker:
        with psycopg.connect(dsn, autocommit=True) as conn:
            gate = Gate(conn)
            tracker.say(gt06_sos(2))
            await gate.reached()
            gate.kill()
            await gate.reached()
            await nothing_comes(tracker)
            gate.open()
            assert await tracker.hear(10) == gt06_answer(ALARM, 2)
        assert await centre.rows("select presses from incident") == [(1,)]


async def test_alarm_that_was_not_answered_is_sent_again_on_a_new_line_and_rings_once(centre: Centre, dsn: str) -> None:
    await known(centre, dsn, f"gt06:{IMEI}")
    sos = gt06_sos(2)
    with psycopg.connect(dsn, autocommit=True) as conn:
        async with await signed_in(centre.gateway) as tracker:
            gate = Gate(conn)
            tracker.say(sos)
            await gate.reached()
        gate.open()
    async with await signed_in(centre.gateway) as tracker:
        tracker.say(sos)
        assert await tracker.hear(10) == gt06_answer(ALARM, 2)
    assert await centre.rows("select presses from incident") == [(1,)]


async def test_sos_of_a_pendant_is_answered_and_then_spoken_to(centre: Centre, dsn: str) -> None:
    await known(centre, dsn, "jt808:13900000017")
    async with await Raw.open(centre.gateway.ports["jt808"]) as pendant:
        pendant.say(jt808(0x0102, b"13900000017", serial=1))
        assert (await jt808_heard(pendant))[0] == 0x8001
        pendant.say(jt808(0x0200, jt808_position(alarm=1), serial=2))
        heard = {kind: body for kind, _, body in [await jt808_heard(pendant), await jt808_heard(pendant)]}
        assert heard[0x8001] == bytes.fromhex("0002020000")
        assert heard[0x8300][1:].decode("gbk"), "what it shows may overtake the answer"

        async def delivered() -> bool:
            return bool(await centre.rows("select 1 from downlink where delivered_at is not null"))

        await eventually(delivered)  # while the line is there: whether its other end confirmed is asked of it


async def test_sos_of_a_text_watch_rings_for_who_signed_in(centre: Centre, dsn: str) -> None:
    device_id = await known(centre, dsn, "trv:860000000000017")
    async with await Raw.open(centre.gateway.ports["trv"]) as watch:
        watch.say(TRV_LOGIN)
        assert (await watch.reader.readuntil(b"#")).startswith(b"IWBP00,20")
        watch.say(TRV_SOS)
        while (heard := await watch.reader.readuntil(b"#")) != b"IWBP10#":
            assert heard.startswith(b"IWBP40,"), "what it shows may overtake the answer"
    assert await centre.rows("select kind, device_id from incident") == [("sos", device_id)]


async def test_alarm_of_nobody_is_kept_and_makes_no_device(centre: Centre) -> None:
    async with await Raw.open(centre.gateway.ports["gt06"]) as tracker:
        tracker.say(gt06_sos(7))
        await nothing_comes(tracker)
    await centre.done()

    async def kept() -> bool:
        rows = await centre.rows("select topic, error from unreadable where source = 'gateway'")
        return rows == [("tcp/gt06", "frame before any login")]

    await eventually(kept)
    assert await centre.rows("select address from device where address like 'gt06:%%'") == []
    assert await centre.rows("select kind from incident") == [("system",)]


async def test_unknown_tracker_s_sos_opens_a_case_all_the_same(centre: Centre) -> None:
    async with await signed_in(centre.gateway) as tracker:
        tracker.say(gt06_sos(2))
        assert await tracker.hear(10) == gt06_answer(ALARM, 2)
    rows = await centre.rows("select address, i.resident_id from incident i join device d on d.id = i.device_id")
    assert rows == [(f"gt06:{IMEI}", None)]
    await until(lambda: not centre.gateway.reaches(f"tcp/gt06/{IMEI}"))
