"""The demo's neighbourhood in a real database, and the verdict that must not let anything pass."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import pytest
from argon2 import PasswordHasher

from alerts import coverage
from alerts.holes import Hole, HoleKind, holes
from alerts.model import Alert, AlertKind, Severity
from hub import demo
from hub.config import Secrets, Settings
from hub.incidents import raise_alert
from hub.policies import review
from hub.store import policies
from hub.store.coverage import town
from hub.store.pool import Connection, connect, hub_now
from simulator import neighbourhood, scenario

SETTINGS = Settings(secrets=Secrets(webhook_key="k" * 32, link_key="l" * 32))
T = TypeVar("T")


def on(dsn: str, work: Callable[[Connection], Awaitable[T]]) -> T:
    async def run() -> T:
        async with await connect(dsn) as conn:
            return await work(conn)

    return asyncio.run(run())


def seeded(dsn: str, folder: Path) -> dict[str, Any]:
    path = on(dsn, lambda conn: demo.seed(conn, folder, SETTINGS))
    book: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return book


def test_demo_has_one_hole_and_its_work_to_do(dsn: str, tmp_path: Path) -> None:
    seeded(dsn, tmp_path)

    async def found(conn: Connection) -> tuple[Hole, ...]:
        return holes(coverage.coverage(await town(conn)))

    (hole,) = on(dsn, found)
    assert hole.kind is HoleKind.FAR
    assert hole.last_hour - hole.first_hour == timedelta(hours=2)
    assert hole.first_hour.astimezone(ZoneInfo("Asia/Shanghai")).strftime("%a %H:%M") == "Sun 02:00"
    assert len(hole.residents) == 1


def counts(dsn: str) -> list[int]:
    tables = ("resident", "person", "contact", "care_circle", "shift", "device", "credential", "policy_version")

    async def count(conn: Connection) -> list[int]:
        rows = [await (await conn.execute(f"select count(*) from {t}".encode())).fetchone() for t in tables]
        return [int(row[0]) for row in rows if row]

    return on(dsn, count)


def test_seeding_again_changes_nothing_and_keeps_the_secrets(dsn: str, tmp_path: Path) -> None:
    first = seeded(dsn, tmp_path)
    before = counts(dsn)
    assert before[0] == 12
    second = seeded(dsn, tmp_path)
    assert counts(dsn) == before
    assert second["secrets"] == first["secrets"]
    assert second["consoles"] == first["consoles"]
    assert len({console["password"] for console in first["consoles"]}) == 1
    assert second["family_app"]["port"] == first["family_app"]["port"]


@pytest.mark.parametrize(
    "text", [policies.standard(), (resources.files("hub.demo") / "policy.toml").read_text("utf-8")]
)
def test_its_people_keep_what_the_policies_promise(dsn: str, tmp_path: Path, text: str) -> None:
    """Both are published without insisting: somebody is registered whom `auto_after` calls."""
    seeded(dsn, tmp_path)
    assert on(dsn, lambda conn: review(conn, text)).doubts == ()


def test_neighbourhood_file_is_the_owner_s_alone(dsn: str, tmp_path: Path) -> None:
    seeded(dsn, tmp_path)
    assert (tmp_path / demo.NEIGHBOURHOOD_FILE).stat().st_mode & 0o777 == 0o600


def test_lost_file_means_new_secrets_that_work(dsn: str, tmp_path: Path) -> None:
    first = seeded(dsn, tmp_path)
    (tmp_path / demo.NEIGHBOURHOOD_FILE).unlink()
    second = seeded(dsn, tmp_path)
    assert second["secrets"] != first["secrets"]
    operator = second["consoles"][0]

    async def stored(conn: Connection) -> str:
        row = await (await conn.execute("select password_hash from person where login = 'operator'")).fetchone()
        assert row is not None
        return str(row[0])

    assert PasswordHasher().verify(on(dsn, stored), operator["password"])
    assert demo.sign_in(tmp_path).startswith(f"operator / {operator['password']}")


def test_simulator_reads_the_file_and_finds_everybody_its_scenarios_name(dsn: str, tmp_path: Path) -> None:
    seeded(dsn, tmp_path)
    place = neighbourhood.read(tmp_path / demo.NEIGHBOURHOOD_FILE)
    residents = [resident.name for resident in place.residents]
    callable_ = {who.name for who in place.responders} | {who.role for who in place.responders}
    for name in ("one_night", "quiet_evening"):
        path = scenario.find(name)
        play = scenario.read(path.read_text(encoding="utf-8"), path.name, residents)
        assert set(play.people) <= callable_
    assert {device.kind for resident in place.residents for device in resident.devices} == {
        "watch",
        "watch3g",
        "zigbee",
    }


async def sos(conn: Connection) -> int:
    """王秀兰 presses: one incident."""
    found = await conn.execute(
        "select d.id, r.id, r.area from device d join resident r on r.id = d.resident_id"
        " where d.address = 'carehub:w-0401'"
    )
    row = await found.fetchone()
    assert row is not None
    async with conn.transaction():
        raised = await raise_alert(conn, Alert(
            alert_id="1:sos", kind=AlertKind.SOS, severity=Severity.CRITICAL, raised_at=await hub_now(conn), rule="E1",
            device_id=row[0], resident_id=row[1], area=row[2], identity="sos:81",
        ))  # fmt: skip
    assert raised.incident_id is not None
    return raised.incident_id


def pressed(**more: Any) -> dict[str, Any]:
    moment = datetime.now(UTC).isoformat()
    return {
        "device": "carehub:w-0401", "what": "sos", "identity": "sos:81", "pressed_at": moment, "saved_at": moment,
        "expects": "incident", **more,
    }  # fmt: skip


def test_verdict_names_an_open_incident_and_a_press_that_was_lost(dsn: str, tmp_path: Path) -> None:
    seeded(dsn, tmp_path)
    number = on(dsn, sos)
    report = {"presses": [pressed()], "faults": []}
    problems = on(dsn, lambda conn: demo.verdict(conn, report))
    assert f"incident {number}: is still open" in problems
    assert any("none of its" in problem and "pages was delivered" in problem for problem in problems)
    assert any("acknowledged, and has 0 incidents" in problem for problem in problems)


def test_verdict_finds_a_press_without_identity_by_its_device_and_time(dsn: str, tmp_path: Path) -> None:
    seeded(dsn, tmp_path)
    on(dsn, sos)
    report = {"presses": [pressed(identity=None)], "faults": []}
    assert not any("acknowledged" in problem for problem in on(dsn, lambda conn: demo.verdict(conn, report)))


def test_verdict_forgives_a_press_the_hub_never_acknowledged(dsn: str, tmp_path: Path) -> None:
    seeded(dsn, tmp_path)
    on(dsn, sos)
    report = {"presses": [pressed(identity="sos:82", saved_at=None)], "faults": []}
    assert not any("acknowledged" in problem for problem in on(dsn, lambda conn: demo.verdict(conn, report)))


def test_verdict_notices_a_changed_event(dsn: str, tmp_path: Path) -> None:
    seeded(dsn, tmp_path)
    number = on(dsn, sos)

    async def tamper(conn: Connection) -> None:
        await conn.execute("update incident_event set actor = 'person:1' where incident_id = %s and seq = 1", (number,))

    on(dsn, tamper)
    problems = on(dsn, lambda conn: demo.verdict(conn, {"presses": [], "faults": []}))
    assert any("was changed after it was written" in problem for problem in problems)


@pytest.mark.parametrize(
    ("report", "problem"), [({}, "it left no report"), ({"faults": ["the wire burnt"]}, "the wire burnt")]
)
def test_verdict_tells_what_the_simulator_complained_of(
    dsn: str, tmp_path: Path, report: dict[str, Any], problem: str
) -> None:
    seeded(dsn, tmp_path)
    assert on(dsn, lambda conn: demo.verdict(conn, report)) == [f"simulator: {problem}"]


def test_timeline_tells_who_was_called_in_both_languages(dsn: str, tmp_path: Path) -> None:
    seeded(dsn, tmp_path)
    number = on(dsn, sos)
    table = on(dsn, demo.timelines)
    assert f"── 警情 incident {number}  呼救 SOS" in table
    assert "和平社区 3 号楼 2 单元 501" in table
    assert "开案 opened" in table
    assert "王秀兰" not in table  # identifiers, never names
