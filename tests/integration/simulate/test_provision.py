"""A town is registered in bulk, as if everything had been installed and tested one by one."""

import hashlib
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from hub import sealed
from hub.simulated.formats import (
    Community,
    Contact,
    Device,
    Gateway,
    Person,
    Resident,
    Shift,
    Town,
    TownError,
    TownOperator,
    read_town,
)
from hub.simulated.provision import provision
from hub.store import lockstep, people
from hub.store.pool import Connection, connect

BEGINS = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)  # 8 in the morning there
RECEIVER = "http://127.0.0.1:9"


def a_town(homes: int = 2) -> Town:
    return Town(
        title="村", seed=1, begins=BEGINS, ends=BEGINS + timedelta(days=1), zone="Asia/Shanghai",
        communities=(Community(name="和平社区"),), gateways=(Gateway(name="gw-1", base="gw-1/zigbee2mqtt"),),
        residents=tuple(
            Resident(
                key=f"r{n}", name=f"长者{n}", born="1940-01-02", community="和平社区", door_code="12#",
                lat=38.4, lon=106.2, risks=("falls",), spo2_scale=1 + n % 2,
                contacts=(Contact(person=f"f{n}", relation="女儿", minutes_away=8),),
                devices=(
                    Device(address=f"carehub:w-{n}", adapter="carehub/1", model="CW-1", deadline_s=900),
                    Device(address=f"z2m:gw-1/zigbee2mqtt/{n}", gateway="gw-1", room="浴室"),
                    Device(address=f"watch3g:88000{n:05}", transport="tcp"),
                ),
            ) for n in range(homes)
        ),
        people=(
            *(Person(key=f"f{n}", name=f"女儿{n}", role="family") for n in range(homes)),
            Person(key="guard", name="门岗", role="property", area="和平社区", organisation="物业", channels=("mqtt",),
                   shift=Shift(since="19:00", until="07:00")),
        ),
        operators=(TownOperator(key="o", login="desk1", name="坐席"),),
    )  # fmt: skip


@pytest.fixture
async def conn(anyio_backend: str, dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Connection:
    conn = await connect(dsn)
    await lockstep.begin(conn, BEGINS)
    return conn


async def test_everybody_of_a_town_is_registered_with_what_they_need_to_be_reached(conn: Connection) -> None:
    async with conn:
        made = await provision(conn, a_town(), RECEIVER)
        keys = {one.address: one for one in made.devices}
        watch, button, tracker = keys["carehub:w-0"], keys["z2m:gw-1/zigbee2mqtt/0"], keys["watch3g:8800000000"]
        assert (watch.username, watch.prefix) == ("w-0", "carehub/w-0/")
        assert not button.secret
        assert not tracker.secret
        (gateway,) = made.gateways
        assert gateway.prefix == "gw-1/zigbee2mqtt/"
        rows = await (
            await conn.execute("select username, secret_sha256, device_id, person_id from credential")
        ).fetchall()
        known = {row[0]: (bytes(row[1]), row[2], row[3]) for row in rows}
        guard = next(one for one in made.people if one.key == "guard")
        assert known["w-0"] == (hashlib.sha256(watch.secret.encode()).digest(), watch.device, None)
        assert known[guard.username][2] == guard.person
        assert set(known) == {"w-0", "w-1", "gw-1", guard.username}
        daughter = next(one for one in made.people if one.key == "f1")
        rows = await (
            await conn.execute("select address from contact where person_id = %s", (daughter.person,))
        ).fetchall()
        assert rows == [(f"{RECEIVER}{daughter.path}",)]
        scales = await (await conn.execute("select name, spo2_scale from resident order by id")).fetchall()
        assert scales == [("长者0", 1), ("长者1", 2)], "what her doctor has set"


async def test_a_night_guard_is_on_duty_by_night_and_her_daughter_is_asked_at_any_hour(conn: Connection) -> None:
    async with conn:
        made = await provision(conn, a_town(), RECEIVER)
        number = {one.key: one.resident for one in made.residents}["r1"]
        person = {one.key: one.person for one in made.people}
        for at, wanted in ((BEGINS, False), (BEGINS + timedelta(hours=12), True), (BEGINS + timedelta(hours=22), True)):
            roster = await people.roster_at(conn, number, at)
            duty = {one.person_id: one.on_duty for one in roster.responders}
            assert duty.get(person["guard"], False) is wanted, at
            assert person["f1"] in duty
            assert person["f0"] not in duty  # another's


async def test_door_codes_are_sealed_for_one_resident_alone(conn: Connection) -> None:
    async with conn:
        await provision(conn, a_town(), RECEIVER)
        rows = await (await conn.execute("select id, door_code from resident order by id")).fetchall()
        assert all(sealed.is_sealed(code) for _, code in rows)
        assert [sealed.opened("resident.door_code", number, code) for number, code in rows] == ["12#", "12#"]


async def test_two_thousand_homes_are_registered_in_seconds(conn: Connection) -> None:
    async with conn:
        began = time.process_time()
        made = await provision(conn, a_town(2_000), RECEIVER)
        assert len(made.devices) == 6_000
        assert time.process_time() - began < 10  # half a second where nobody else is at work


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"policy": "[policy"}, "policy"),
        ({"people": ()}, "who is nobody"),
        ({"residents": (Resident(key="r", name="a", born="1940-01-02"),) * 2}, "two of them have the resident key 'r'"),
        ({"operators": (TownOperator(key="o", login="d", name="x", shift=Shift(since="7h")),)}, "no time of day"),
    ],
)
async def test_a_town_that_contradicts_itself_is_refused_with_what_is_wrong(
    conn: Connection, change: dict[str, object], why: str
) -> None:
    async with conn:
        with pytest.raises(TownError, match=why):
            await provision(conn, msgspec.structs.replace(a_town(), **change), RECEIVER)
        assert await (await conn.execute("select count(*) from resident")).fetchone() == (0,)


def test_a_file_that_is_no_town_says_who_writes_one(tmp_path: Path) -> None:
    path = tmp_path / "town.json"
    path.write_text('{"title": 7}')
    with pytest.raises(TownError, match="python -m simulator plan"):
        read_town(path)
