"""What operators tell trackers: it goes out over their line, once, and what they answer stands beside it."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from devices.orders import Call, Find, Interval, Locate, Measure, Order, Reboot
from hub.ingest import Ingest
from hub.ingress.downlinks import Downlinks
from hub.ingress.gateway import Gateway
from hub.ingress.settings import GatewaySettings
from hub.refusals import Refused
from hub.store import device_commands
from hub.store.device_commands import Told
from hub.store.pool import connect
from tests.check_sums import crc
from tests.integration.ingest.conftest import Hub, add_resident, eventually, settings
from tests.integration.ingress.parts import Raw
from tests.integration.ingress.trackers import IMEI, gt06_login, jt808, jt808_position
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.anyio

PROTOCOLS = ("watch3g", "gt06:0", "jt808:0", "trv:0", "gl200text:0", "eelink:0", "h02:0", "tk103:0", "topin:0")
WATCH = "watch3g:8800000017"
HELLO = b"[3G*8800000017*0002*LK]"


class Centre(Hub):
    """An ingest with a gateway before it, and the way back."""

    gateway: Gateway
    dsn: str

    async def ask(self, device: str, order: Order | None, **more: Any) -> int:
        async with self.conn.transaction():
            return await device_commands.ask(self.conn, device, "command:test", order, **more)

    async def told(self, number: int) -> Told:
        row = await self.rows("select device_id from device_command where id = %s", number)
        return next(one for one in await device_commands.of_device(self.conn, row[0][0]) if one.id == number)

    async def becomes(self, number: int, state: str) -> Told:
        async def there() -> bool:
            return (await self.told(number)).state == state

        await eventually(there)
        return await self.told(number)


@pytest.fixture
async def centre(dsn: str) -> AsyncIterator[Centre]:
    async with AsyncExitStack() as stack:
        conn = await stack.enter_async_context(await connect(dsn))
        centre = Centre(await stack.enter_async_context(Ingest(settings(), dsn)), conn)
        centre.dsn = dsn
        centre.gateway = await stack.enter_async_context(
            Gateway(GatewaySettings(port=0, protocols=PROTOCOLS), centre.ingest)
        )
        await stack.enter_async_context(Downlinks(dsn, [centre.gateway]))
        yield centre


async def known(centre: Centre, address: str) -> int:
    device_id = add_resident(centre.dsn, address)

    async def loaded() -> bool:
        return address in centre.ingest.table.row_of

    await eventually(loaded)
    return device_id


async def hear(peer: Raw, form: bytes) -> re.Match[bytes]:
    """Return the first thing of this form that comes."""
    heard = b""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            found = re.search(form, heard, re.DOTALL)
            if found is not None:
                return found
            piece = await peer.reader.read(4096)
            assert piece, f"the line ended after {heard!r}"
            heard += piece


@dataclass(frozen=True)
class Scene:
    """One maker's tracker: how it says hello, what it must be told, and what it then answers."""

    address: str
    hello: bytes
    welcome: bytes  # a form
    order: Order
    told: bytes  # a form
    answer: Callable[[re.Match[bytes]], bytes]
    words: str
    result: dict[str, float] | None = None


def eelink(kind: int, number: int, content: bytes) -> bytes:
    return b"gg" + bytes((kind,)) + (len(content) + 2).to_bytes(2, "big") + number.to_bytes(2, "big") + content


def gt06_long(kind: int, content: bytes, serial: int) -> bytes:
    """A frame with two bytes of length, as answers have it."""
    inner = (len(content) + 5).to_bytes(2, "big") + bytes((kind,)) + content + serial.to_bytes(2, "big")
    return b"yy" + inner + crc(inner).to_bytes(2, "big") + b"\r\n"


PLACE = "DWXX=Lat:N38.4667,Lon:E106.2731,Course:0.00,Speed:0.0,DateTime:2026-11-21 22:00:00"
SCENES = {
    "watch3g": Scene(
        WATCH, HELLO, rb"\*LK\]", Measure(), rb"\[3G\*8800000017\*000A\*hrtstart,1\]",
        lambda _: b"[3G*8800000017*0008*hrtstart][3G*8800000017*0008*heart,72]", "hrtstart", {"vital.heart_rate": 72},
    ),
    "jt808": Scene(
        "jt808:13900000017", jt808(0x0002, b""), rb"\x7e\x80\x01.*\x7e", Locate(),
        rb"\x7e\x82\x01\x00\x00\x01\x39\x00\x00\x00\x17(?P<serial>..).\x7e",
        lambda told: jt808(0x0201, told["serial"] + jt808_position(), serial=2), "0201",
        {"lat": 38.4667, "lon": 106.2731},
    ),
    "gt06": Scene(
        f"gt06:{IMEI}", gt06_login(), rb"xx\x05\x01", Locate(), rb"xx\x10\x80\x0a(?P<flag>....)WHERE#....\r\n",
        lambda told: gt06_long(0x21, told["flag"] + b"\1" + PLACE.encode(), 2),
        PLACE, {"lat": 38.4667, "lon": 106.2731},
    ),
    "trv": Scene(
        f"trv:{IMEI}", b"IWAP00%b#" % IMEI.encode(), rb"IWBP00", Measure(),
        b"IWBPXL,%b,(?P<number>\\d{6})#" % IMEI.encode(),
        lambda told: b"IWAPXL,%b#IWAP49,68#" % told["number"], "IWAPXL", {"vital.heart_rate": 68},
    ),
    "queclink": Scene(
        f"gl200text:{IMEI}", b"+ACK:GTHBD,020102,%b,,20261121220000,0001$" % IMEI.encode(), rb"\+SACK:", Locate(),
        rb"AT\+GTRTO=gl200,1,,,,,,(?P<serial>[0-9A-F]{4})\$",
        lambda told: b"+ACK:GTRTO,020102,%b,,RTL,%b,20261121220001,0002$" % (IMEI.encode(), told["serial"]),
        "GTRTO,RTL",
    ),
    "eelink": Scene(
        f"eelink:{IMEI}", eelink(0x01, 1, bytes.fromhex(IMEI.zfill(16)) + b"\0\0"), rb"gg\x01", Reboot(),
        rb"gg\x80\x00\x0d..\x01(?P<uid>....)RESET#",
        lambda told: eelink(0x80, 2, b"\1" + told["uid"] + b"RESET OK"), "RESET OK",
    ),
    "h02": Scene(
        "h02:8620000017", b"*HQ,8620000017,HTBT#", rb"HTBT#", Interval(60),
        rb"\*HQ,8620000017,S71,(?P<time>\d{6}),22,60#",
        lambda told: b"*HQ,8620000017,V4,S71,%b,220001,A,3828.0020,N,10616.3860,E,0,0,211126,FFFFFBFF#" % told["time"],
        "V4,S71",
    ),
    "tk103": Scene(
        "tk103:013612345678", b"(013612345678BP00000013612345678HSO)", rb"AP01HSO", Reboot(),
        rb"\(013612345678AT00\)", lambda _: b"(013612345678BT00)", "BT00",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SCENES)
async def test_tracker_is_told_in_its_makers_words_and_its_answer_is_kept(centre: Centre, name: str) -> None:
    scene = SCENES[name]
    await known(centre, scene.address)
    async with await Raw.open(centre.gateway.ports[scene.address.split(":")[0]]) as tracker:
        tracker.say(scene.hello)
        await hear(tracker, scene.welcome)
        number = await centre.ask(scene.address, scene.order)
        told = await hear(tracker, scene.told)
        tracker.say(scene.answer(told))
        became = await centre.becomes(number, "answered")
    assert (became.failed, became.refused, became.tries) == (None, False, 1)
    assert became.answer.startswith(scene.words)
    if scene.result is not None:

        async def measured() -> bool:
            return (await centre.told(number)).result is not None

        await eventually(measured)
        result = (await centre.told(number)).result
        assert result is not None
        assert {name: pytest.approx(value, abs=1e-3) for name, value in scene.result.items()} == result


async def test_sleeping_watch_is_told_when_it_wakes(centre: Centre) -> None:
    await known(centre, WATCH)
    number = await centre.ask(WATCH, Find())
    assert (await centre.told(number)).state == "waiting"
    async with await Raw.open(centre.gateway.port) as watch:
        watch.say(HELLO)
        await hear(watch, rb"\[3G\*8800000017\*0004\*FIND\]")
        await centre.becomes(number, "sent")


async def test_command_whose_time_is_up_reaches_nobody_and_says_so(centre: Centre) -> None:
    await known(centre, WATCH)
    number = await centre.ask(WATCH, Find())
    await centre.rows("update device_command set expires_at = hub_now() - interval '1 second' returning 1")
    await centre.rows("update downlink set expires_at = hub_now() - interval '1 second' returning 1")
    assert (await centre.told(number)).failed == "not reached"
    async with await Raw.open(centre.gateway.port) as watch:
        watch.say(HELLO)
        await hear(watch, rb"\*LK\]")
        other = await centre.ask(WATCH, Locate())
        assert (await hear(watch, rb"\*(\w+)\]$"))[1] == b"CR"
        await centre.becomes(other, "sent")


async def test_terminal_that_refuses_is_believed(centre: Centre) -> None:
    await known(centre, "jt808:13900000017")
    async with await Raw.open(centre.gateway.ports["jt808"]) as terminal:
        terminal.say(jt808(0x0002, b""))
        await hear(terminal, rb"\x7e\x80\x01.*\x7e")
        number = await centre.ask("jt808:13900000017", Call("02150000000"))
        told = await hear(
            terminal, rb"\x7e\x84\x00\x00\x0c\x01\x39\x00\x00\x00\x17(?P<serial>..)\x00(?P<number>\d+).\x7e"
        )
        assert told["number"] == b"02150000000"
        terminal.say(jt808(0x0001, told["serial"] + b"\x84\x00\x03", serial=2))
        became = await centre.becomes(number, "refused")
    assert became.answer == "not supported"


async def test_answer_to_something_else_answers_nothing(centre: Centre) -> None:
    await known(centre, f"trv:{IMEI}")
    async with await Raw.open(centre.gateway.ports["trv"]) as watch:
        watch.say(b"IWAP00%b#" % IMEI.encode())
        await hear(watch, rb"IWBP00")
        number = await centre.ask(f"trv:{IMEI}", Locate())
        told = await hear(watch, rb"IWBP16,\d{15},(\d{6})#")
        watch.say(b"IWAP16,%06d#IWAPXL,%b#" % (int(told[1]) + 1, told[1]))
        await centre.becomes(number, "sent")
        watch.say(b"IWAP16,%b#" % told[1])
        await centre.becomes(number, "answered")


async def test_unanswered_command_is_sent_again_by_whoever_takes_over_and_no_more_once_answered(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.ingress.downlinks.AGAIN", {"tries": 3, "again_s": 0.0})
    await known(centre, WATCH)
    async with await Raw.open(centre.gateway.port) as watch:
        watch.say(HELLO)
        await hear(watch, rb"\*LK\]")
        number, once = await centre.ask(WATCH, Locate()), await centre.ask(WATCH, Find())
        await hear(watch, rb"\*CR\].*\*FIND\]")
        await centre.becomes(once, "sent")
        async with Downlinks(centre.dsn, [centre.gateway]):  # a successor looks at the table for the first time
            assert (await hear(watch, rb"\*(CR|FIND)\]"))[1] == b"CR"
            watch.say(b"[3G*8800000017*0002*CR]")
            await centre.becomes(number, "answered")
        async with Downlinks(centre.dsn, [centre.gateway]):
            last = await centre.ask(WATCH, Interval(600))
            assert (await hear(watch, rb"\*000A\*(\w+)"))[1] == b"UPLOAD"
            await centre.becomes(last, "sent")
    assert ((await centre.told(number)).tries, (await centre.told(once)).tries) == (2, 1)


async def test_successor_hears_the_answer_to_what_its_predecessor_sent(centre: Centre) -> None:
    await known(centre, WATCH)
    async with await Raw.open(centre.gateway.port) as watch:
        watch.say(HELLO)
        await hear(watch, rb"\*LK\]")
        number = await centre.ask(WATCH, Locate())
        await hear(watch, rb"\*CR\]")
        await centre.becomes(number, "sent")
        async with Downlinks(centre.dsn, [centre.gateway]):

            async def awaits() -> bool:
                return bool(centre.gateway.awaited)

            await eventually(awaits)
            watch.say(b"[3G*8800000017*0002*CR]")
            await centre.becomes(number, "answered")
    assert (await centre.told(number)).tries == 1


async def test_urgent_words_do_not_wait_behind_a_command_nobody_answers(centre: Centre) -> None:
    device_id = await known(centre, WATCH)
    async with await Raw.open(centre.gateway.port) as watch:
        watch.say(HELLO)
        await hear(watch, rb"\*LK\]")
        await centre.ask(WATCH, Locate())
        await hear(watch, rb"\*CR\]")
        with psycopg.connect(centre.dsn, autocommit=True) as conn:
            conn.execute(
                "with told as (insert into downlink (topic, payload, device_id, created_at, expires_at) values"
                " ('tcp/watch3g/8800000017', '[3G*8800000017*0010*MESSAGE,65365230]', %s, hub_now(),"
                " hub_now() + interval '1 minute') returning id)"
                " select pg_notify('carehub_downlink', id::text) from told",
                (device_id,),
            )
        await hear(watch, rb"MESSAGE")


@pytest.mark.parametrize(
    ("device", "order", "words", "code"),
    [
        ("watch3g:8800000099", Locate(), "", "no_such_device"),
        ("gps103:862000000000017", Reboot(), "", "cannot_be_told"),
        (WATCH, None, "", "words_too_long"),
        (WATCH, None, "长" * 61, "words_too_long"),
    ],
)
async def test_what_cannot_be_told_is_refused_and_leaves_nothing(
    centre: Centre, device: str, order: Order | None, words: str, code: str
) -> None:
    for address in (WATCH, "gps103:862000000000017"):
        add_resident(centre.dsn, address)
    with pytest.raises(Refused) as refusal:
        await centre.ask(device, order, words=words)
    assert refusal.value.code == code
    assert await centre.rows("select 1 from device_command") == []


async def test_two_presses_of_one_button_are_one_and_a_device_is_not_told_without_end(centre: Centre) -> None:
    add_resident(centre.dsn, WATCH)
    await centre.ask(WATCH, Locate())
    with pytest.raises(Refused) as twice:
        await centre.ask(WATCH, Locate())
    assert twice.value.code == "told_already"
    for seconds in range(60, 60 + device_commands.MOST_WAITING - 1):
        await centre.ask(WATCH, Interval(seconds))
    with pytest.raises(Refused) as many:
        await centre.ask(WATCH, Find())
    assert many.value.code == "told_too_often"


async def test_words_and_who_asked_stand_beside_the_command(centre: Centre) -> None:
    add_resident(centre.dsn, WATCH)
    number = await centre.ask(WATCH, None, words="女儿\n马上到")
    told = await centre.told(number)
    assert (told.what, told.detail, told.asked_by) == ("say", {"text": "女儿 马上到"}, "command:test")
    assert abs((datetime.now(UTC) - told.asked_at).total_seconds()) < 60
