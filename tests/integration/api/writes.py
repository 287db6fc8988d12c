"""Every write of /api/v1, one entry each: what it stands on, what it says, what it may not say, what is seen of it.

An entry's `given` makes what the operation acts on, in a town that all entries share, and returns the numbers that
its path, its body and its question to the database name. `seen` asks for one value; `becomes` is that value once the
operation was done, and it is another one before.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import httpx

from hub import answers, scripts
from hub.store import policies as policy_store
from tests.integration.telephony.pbx import Pbx
from tests.integration.web.world import World

Things = dict[str, Any]
_numbers = count(1)


@dataclass(frozen=True, kw_only=True)
class Town:
    """What an entry may use: the world, a program that may do everything, and the account it acts as."""

    world: World
    program: httpx.Client
    me: int
    pbx: Pbx
    other: Callable[[], "Town"]  # the same town as another program acts in it

    def do(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Prepare something the way a program would."""
        told = {"Idempotency-Key": f"given-{next(_numbers)}"} | {n.replace("_", "-"): v for n, v in headers.items()}
        answer = self.program.request(method, path, json=body, headers=told)
        assert answer.status_code < 300, (method, path, answer.text)
        return answer.json() if answer.content else None

    def number(self, query: str, **values: Any) -> int:
        return int(self.world.sql(query, **values)[0][0])


@dataclass(frozen=True, kw_only=True)
class Write:
    """One operation. `wrong` is a body it refuses and the field it names; without one, a number that is none."""

    scope: str
    seen: str
    becomes: Any = 1
    given: Callable[[Town], Things] = lambda town: {}
    body: Callable[[Things], Any] | None = None
    wrong: tuple[dict[str, Any], str] | None = None
    match: str = ""  # the ETag it is based on, out of what was given


def soon(**ahead: float) -> str:
    return (datetime.now(UTC) + timedelta(**ahead)).isoformat()


def somebody(town: Town) -> Things:
    """A resident with a device and a relative, whom no other entry touches."""
    number = next(_numbers)
    short = f"of-{number}"
    town.world.resident(
        short, f"长者{number}", address=f"光明巷 {number} 号", phone=f"0951 {number:07}", door_code="1234#",
        health_notes="青霉素过敏", born=datetime(1940, 1, 1, tzinfo=UTC).date(),
    )  # fmt: skip
    town.world.device(short, short, model="腕表 W2")
    town.world.circle(short, "son", "儿子", 30)
    return {
        "resident_id": town.world.residents[short], "device_id": town.world.devices[short], "short": short,
        "son": town.world.people["son"], "guard": town.world.people["guard"], "me": town.me, "number": number,
    }  # fmt: skip


def case(town: Town) -> Things:
    her = somebody(town)
    return her | {"incident_id": town.world.alert(her["short"])}


def taken(town: Town) -> Things:
    it = case(town)
    town.do("POST", f"/incidents/{it['incident_id']}/take")
    return it


def resolved(town: Town) -> Things:
    it = taken(town)
    town.do("POST", f"/incidents/{it['incident_id']}/resolve", {"how": "voice"})
    return it


def on_scene(town: Town) -> Things:
    """The guard stands at her door."""
    it = taken(town)
    town.do("POST", f"/incidents/{it['incident_id']}/dispatch", {"person_id": it["guard"]})
    query = "select max(id) from page where incident_id = %(i)s and person_id = %(p)s"
    page = town.number(query, i=it["incident_id"], p=it["guard"])
    town.world.run(lambda conn: answers.answer(conn, it["guard"], page, "there", "arrived"))
    return it


def two_cases(town: Town) -> Things:
    it = case(town)
    return it | {"other": case(town)["incident_id"]}


def nobodys_case(town: Town) -> Things:
    her = somebody(town)
    stray = f"stray-{her['number']}"
    town.world.device(stray)
    return her | {"incident_id": town.world.alert(stray, area="")}


def counting_down(town: Town) -> Things:
    her = somebody(town)
    return her | {"incident_id": town.world.alert(her["short"], "fall", countdown_s=600.0)}


def tested_case(town: Town) -> Things:
    her = somebody(town)
    return her | {"incident_id": town.world.alert(her["short"], test=True)}


def version(of: str) -> Callable[[Town], Things]:
    """What is changed under its ETag."""

    def given(town: Town) -> Things:
        it = somebody(town)
        if of == "organisation":
            it["organisation_id"] = organisation(town)["organisation_id"]
        if of == "person":
            it["person_id"] = town.world.person(f"p-{it['number']}", f"邻居{it['number']}", "neighbour")
        found = town.number(f"select version from {of} where id = %(id)s", id=it[f"{of}_id"])
        return it | {"etag": f'"{found}"'}

    return given


def organisation(town: Town) -> Things:
    number = next(_numbers)
    made = town.do("POST", "/organisations", {"name": f"物业{number}", "kind": "property"})
    return {"organisation_id": made["id"], "number": number}


def fresh(town: Town) -> Things:
    """Nothing but a name that nobody has."""
    return {"number": next(_numbers), "me": town.me}


def ended(town: Town) -> Things:
    it = idle(town)
    town.do("POST", f"/residents/{it['resident_id']}/end", {"why": "moved"})
    return it


def idle(town: Town) -> Things:
    """Somebody without a device in use."""
    it = somebody(town)
    town.world.sql("update device set resident_id = null, state = 'claimed' where id = %(d)s", d=it["device_id"])
    return it


def away(town: Town) -> Things:
    it = somebody(town)
    town.do("POST", f"/residents/{it['resident_id']}/absences", {"ends": soon(days=3)})
    return it


def two(town: Town) -> Things:
    return somebody(town) | {"second": somebody(town)["resident_id"]}


def together(town: Town) -> Things:
    it = two(town)
    town.do("POST", "/homes", {"residents": [it["resident_id"], it["second"]]})
    return it


def device(state: str) -> Callable[[Town], Things]:
    """A device of hers so far on its way into use."""

    def given(town: Town) -> Things:
        it = somebody(town)
        whose = it["resident_id"] if state in ("bound", "tested", "live") else None
        town.world.sql(
            "update device set state = %(s)s, resident_id = %(r)s where id = %(d)s", s=state, r=whose, d=it["device_id"]
        )
        if state == "tested":
            _pressed(town, it)
        return it

    return given


def _pressed(town: Town, it: Things) -> None:
    """It was pressed where it hangs, and was heard: nothing speaks against putting it into service."""
    town.world.heart_rates(it["short"], [70])
    town.world.sql(
        "update device set address = 'watch3g:88%(n)s', bound_at = hub_now() - interval '1 minute' where id = %(d)s",
        d=it["device_id"], n=it["number"],
    )  # fmt: skip
    town.world.sql(
        "insert into device_event (device_id, at, action, state, actor) values (%(d)s, hub_now(), 'press', 'tested',"
        " 'device')", d=it["device_id"],
    )  # fmt: skip


def telephone(town: Town) -> None:
    town.world.sql("update person set extension = '8001' where id = %(p)s", p=town.me)


def on_the_line(town: Town) -> Things:
    telephone(town)
    return taken(town)


def calling(town: Town) -> Things:
    it = on_the_line(town)
    said = {"party": "contact", "id": it["son"]}
    return it | {"call_id": town.do("POST", f"/incidents/{it['incident_id']}/calls", said)["id"]}


def incoming(**more: str) -> Callable[[Town], Things]:
    """Somebody rang; `more` are columns of the call."""

    def given(town: Town) -> Things:
        telephone(town)
        it = somebody(town)
        values = {"state": "'ringing'"} | more
        made = town.number(
            f"insert into telephone_call (direction, provider, ours, party, resident_id, asked_at, reference,"
            f" {', '.join(values)}) values ('in', 'pbx', %(o)s, 'resident', %(r)s, hub_now(), %(o)s,"
            f" {', '.join(values.values())}) returning id", o=f"in-{it['number']}", r=it["resident_id"],
        )  # fmt: skip
        return it | {"call_id": made}

    return given


def relieving(town: Town) -> Things:
    it = taken(town)
    town.do("POST", "/handovers", {"incoming": town.other().me})
    found = town.number("select id from handover where outgoing = %(p)s and ended_at is null", p=town.me)
    return it | {"handover_id": found}


def signed(town: Town) -> Things:
    other = town.other()
    it = taken(other)
    other.do("POST", "/handovers", {"incoming": town.me})
    found = town.number("select id from handover where outgoing = %(p)s and ended_at is null", p=other.me)
    other.do("POST", f"/handovers/{found}/cases/{it['incident_id']}/out", {"note": "已回拨"})
    return it | {"handover_id": found, "me": town.me}


def colleague(town: Town) -> Things:
    return {"incoming": town.other().me, "me": town.me}


def landmark(town: Town) -> Things:
    name = f"卫生站{next(_numbers)}"
    town.do("PUT", "/landmarks", {"kind": "aed", "name": name, "lat": 38.4, "lon": 106.2})
    return {"landmark_id": town.number("select id from landmark where name = %(n)s", n=name)}


def finding(town: Town) -> Things:
    made = town.number(
        "insert into audit_finding (rule, subject, found_at) values ('timer_late', %(s)s, hub_now()) returning id",
        s=f"incident:{next(_numbers)}",
    )  # fmt: skip
    return {"finding_id": made}


def roster(town: Town) -> Things:
    name = f"值班{next(_numbers)}"
    town.do("PUT", "/rosters", {"name": name})
    return {"roster": name, "guard": town.world.people["guard"], "worker": town.world.people["worker"]}


def shift(town: Town) -> Things:
    it = roster(town)
    said = {"roster": it["roster"], "person_id": it["guard"], "start": soon(days=1), "end": soon(days=1, hours=8)}
    town.do("POST", "/shifts", said)
    return it | {"shift_id": town.number("select id from shift where roster = %(r)s", r=it["roster"])}


def override(town: Town) -> Things:
    it = roster(town)
    said = {"roster": it["roster"], "on": it["guard"], "start": soon(days=1), "end": soon(days=1, hours=8)}
    town.do("POST", "/overrides", said)
    return it | {"override_id": town.number("select id from shift_override where roster = %(r)s", r=it["roster"])}


def rotation(town: Town) -> Things:
    it = roster(town)
    said = {"roster": it["roster"], "people": [it["guard"]], "first_day": soon(days=1)[:10]}
    town.do("POST", "/rotations", said)
    return it | {"rotation_id": town.number("select id from rotation where roster = %(r)s", r=it["roster"])}


def surge(town: Town) -> Things:
    said = {"area": area(town)["area"], "reason": "停电", "minutes": 60}
    return {"surge_id": town.do("POST", "/surges", said)["id"]}


def area(town: Town) -> Things:
    name = f"社区{next(_numbers)}"
    town.do("PUT", "/areas", {"name": name, "level": "community"})
    return {"area": name}


def visited(town: Town) -> Things:
    it = somebody(town)
    town.do("POST", "/visiting/residents", {"resident_id": it["resident_id"], "reason": "alone"})
    return it


def unbooked(town: Town) -> Things:
    """A visit to a device that has no work order yet."""
    it = somebody(town)
    town.world.sql(
        "insert into visit (device_id, resident_id, reason, booked_at, due) values"
        " (%(d)s, %(r)s, 'battery', hub_now(), current_date)", d=it["device_id"], r=it["resident_id"],
    )  # fmt: skip
    found = town.number("select max(id) from visit")
    return it | {"number_of": found, "source": f"visit:{found}"}


def bought(town: Town) -> Things:
    it = somebody(town)
    said = {"scheme": "renewal", "item": "扶手", "price_fen": 12_000, "bought_on": "2026-01-05"}
    town.do("POST", f"/residents/{it['resident_id']}/purchases", said)
    query = "select id from purchase where resident_id = %(r)s"
    return it | {"purchase_id": town.number(query, r=it["resident_id"])}


def subscription(town: Town) -> Things:
    said = {"name": "街道", "url": "https://example.org/h"}
    return {"subscription_id": town.do("POST", "/subscriptions", said)["id"]}


def order(town: Town) -> Things:
    made = town.do("POST", "/work_orders", {"kind": "repair", "scope": "更换按钮", "due": "2030-01-01"})
    return {"order_id": made["id"], "verb": "assign", "guard": town.world.people["guard"]}


def of_case(what: str) -> str:
    """How often something stands in the case's chain as this account's."""
    return (
        f"select count(*) from incident_event where incident_id = %(incident_id)s and what = '{what}'"
        " and actor = 'person:' || %(me)s"
    )


def act(what: str, given: Callable[[Town], Things] = case, **more: Any) -> Write:
    return Write(scope="incidents:act", given=given, seen=of_case(what), **{"wrong": ({"surprise": 1}, "body")} | more)


def looked(what: str) -> str:
    """How often this account looked, as the access log has it."""
    return f"select count(*) from access_log where person_id = %(me)s and what like '{what}%%'"


WRITES: dict[str, Write] = {
    # ---- cases ----
    "POST /incidents/{incident_id}/door_code": Write(
        scope="door_codes:read", given=case, seen=looked("door_code")
    ),
    "POST /incidents/{incident_id}/take": act("taken"),
    "POST /incidents/{incident_id}/release": act("released", taken),
    "POST /incidents/{incident_id}/dispatch": act(
        "dispatched", taken, body=lambda it: {"person_id": it["guard"]}, wrong=({"person_id": 0}, "body/person_id")
    ),
    "POST /incidents/{incident_id}/no_speech": act("no_speech", taken),
    "POST /incidents/{incident_id}/note": act(
        "noted", body=lambda it: {"text": "回拨"}, wrong=({"text": " "}, "body/text")
    ),
    "POST /incidents/{incident_id}/call": act(
        "called", taken, body=lambda it: {"service": "120"}, wrong=({"service": "911"}, "body/service")
    ),
    "POST /incidents/{incident_id}/link": Write(
        scope="incidents:act", given=two_cases, body=lambda it: {"other": it["other"]},
        wrong=({"other": "x"}, "body/other"),
        seen="select count(*) from incident_link where a = %(incident_id)s and b = %(other)s and by = %(me)s",
    ),
    "POST /incidents/{incident_id}/identify": act(
        "identified", nobodys_case, body=lambda it: {"resident_id": it["resident_id"]},
        wrong=({"resident_id": -1}, "body/resident_id"),
    ),
    "POST /incidents/{incident_id}/hold": act(
        "held", taken, body=lambda it: {"minutes": 5, "reason": "等家属"},
        wrong=({"minutes": 6, "reason": "x"}, "body/minutes"),
    ),
    "POST /incidents/{incident_id}/hand_over": act(
        "handed_over", on_scene, body=lambda it: {"to": "120 车组"}, wrong=({"to": ""}, "body/to")
    ),
    "POST /incidents/{incident_id}/resolve": act(
        "resolved", taken, body=lambda it: {"how": "voice"}, wrong=({"how": "guess"}, "body/how")
    ),
    "POST /incidents/{incident_id}/close": act(
        "closed", resolved,
        body=lambda it: {"disposition": "found_well", "done": "无事", "with_whom": "本人", "called_back": True},
        wrong=({"disposition": "bored", "done": "x", "with_whom": "x"}, "body/disposition"),
    ),
    "POST /incidents/{incident_id}/cancel": act("cancelled", counting_down),
    "POST /incidents/{incident_id}/make_real": act("made_real", tested_case),
    "POST /incidents/{incident_id}/tell_device": act(
        "device_told", taken, body=lambda it: {"device_id": it["device_id"], "order": "locate"},
        wrong=({"device_id": 1, "order": "dance"}, "body/order"),
    ),
    "POST /incidents/{incident_id}/script_step": act(
        "script_step", taken, body=lambda it: {"step": "what_is_it", "said": "yes"},
        wrong=({"step": "", "said": "yes"}, "body/step"),
    ),
    # ---- residents ----
    "POST /residents": Write(
        scope="residents:write", given=fresh, seen="select count(*) from resident where name = '新来' || %(number)s",
        body=lambda it: {"name": f"新来{it['number']}", "area": "和平社区", "address": "和平里 9 号"},
        wrong=({"name": "王", "area": "a", "address": "b", "spo2_scale": 3}, "body/spo2_scale"),
    ),
    "PATCH /residents/{resident_id}": Write(
        scope="residents:write", given=version("resident"), match="etag", body=lambda it: {"entrance": "二楼右手"},
        seen="select count(*) from resident where id = %(resident_id)s and entrance = '二楼右手' and version = 1",
        wrong=({"lat": 91, "lon": 1}, "body/lat"),
    ),
    "POST /residents/{resident_id}/door_code": Write(
        scope="door_codes:read", given=somebody, seen=looked("door_code: api")
    ),
    "POST /residents/{resident_id}/health_notes": Write(
        scope="health_notes:read", given=somebody, seen=looked("health_notes: api")
    ),
    "POST /residents/{resident_id}/consents": Write(
        scope="residents:write", given=somebody, body=lambda it: {"given": True, "said_by": "herself"},
        seen="select count(*) from consent where resident_id = %(resident_id)s and given",
        wrong=({"given": True, "said_by": "neighbour"}, "body/said_by"),
    ),
    "PUT /residents/{resident_id}/circle/{person_id}": Write(
        scope="residents:write", given=lambda town: somebody(town) | {"person_id": town.world.people["guard"]},
        body=lambda it: {"relation": "保安", "has_key": True}, wrong=({"position": 100}, "body/position"),
        seen="select count(*) from care_circle where resident_id = %(resident_id)s and person_id = %(person_id)s"
        " and has_key",
    ),
    "DELETE /residents/{resident_id}/circle/{person_id}": Write(
        scope="residents:write", given=lambda town: somebody(town) | {"person_id": town.world.people["son"]}, becomes=0,
        seen="select count(*) from care_circle where resident_id = %(resident_id)s",
    ),
    "POST /residents/{resident_id}/absences": Write(
        scope="residents:write", given=somebody, body=lambda it: {"ends": soon(days=2), "reason": "住院"},
        wrong=({"ends": "2020-01-01T00:00:00Z"}, "body/ends"),
        seen="select count(*) from absence where resident_id = %(resident_id)s and reason = '住院'",
    ),
    "POST /residents/{resident_id}/back": Write(
        scope="residents:write", given=away, body=lambda it: {}, wrong=({"everything": "perhaps"}, "body/everything"),
        seen="select count(*) from absence where resident_id = %(resident_id)s and ended_at is not null",
    ),
    "POST /residents/{resident_id}/end": Write(
        scope="residents:write", given=idle, body=lambda it: {"why": "moved"}, wrong=({"why": "bored"}, "body/why"),
        seen="select count(*) from resident where id = %(resident_id)s and ended_why = 'moved' and version = 1",
    ),
    "POST /residents/{resident_id}/again": Write(
        scope="residents:write", given=ended,
        seen="select count(*) from resident where id = %(resident_id)s and ended_at is null",
    ),
    "POST /residents/{resident_id}/facts": Write(
        scope="subsidies:write", given=somebody,
        body=lambda it: {"fact": "bed_agreement", "value": "yes", "document": "协议 7 号"},
        wrong=({"fact": "mood", "value": "x", "document": "y"}, "body/fact"),
        seen="select count(*) from welfare_fact where resident_id = %(resident_id)s",
    ),
    "POST /residents/{resident_id}/purchases": Write(
        scope="subsidies:write", given=somebody,
        body=lambda it: {"scheme": "renewal", "item": "扶手", "price_fen": 12_000, "bought_on": "2026-01-05"},
        wrong=({"scheme": "renewal", "item": "x", "price_fen": 0, "bought_on": "2026-01-05"}, "body/price_fen"),
        seen="select count(*) from purchase where resident_id = %(resident_id)s",
    ),
    "POST /purchases/{purchase_id}/void": Write(
        scope="subsidies:write", given=bought,
        seen="select count(*) from purchase where id = %(purchase_id)s and voided_by is not null",
    ),
    # ---- people, areas, organisations, homes ----
    "POST /people": Write(
        scope="people:write", given=fresh, seen="select count(*) from person where name = '邻居' || %(number)s",
        body=lambda it: {"name": f"邻居{it['number']}", "role": "neighbour", "ways": {"voice": "13900000001"}},
        wrong=({"name": "李", "role": "king"}, "body/role"),
    ),
    "PATCH /people/{person_id}": Write(
        scope="people:write", given=version("person"), match="etag", body=lambda it: {"phone": "13900000002"},
        wrong=({"phone": "no number"}, "body/phone"),
        seen="select count(*) from person where id = %(person_id)s and phone like '%%13900000002' and version = 1",
    ),
    "PUT /areas": Write(
        scope="register:write", given=fresh, seen="select count(*) from area where name = '新区' || %(number)s",
        body=lambda it: {"name": f"新区{it['number']}", "level": "community"},
        wrong=({"name": "x", "level": "planet"}, "body/level"),
    ),
    "POST /organisations": Write(
        scope="register:write", given=fresh,
        seen="select count(*) from organisation where name = '新物业' || %(number)s",
        body=lambda it: {"name": f"新物业{it['number']}", "kind": "property"},
        wrong=({"name": "x", "kind": "property", "phone": "none"}, "body/phone"),
    ),
    "PUT /organisations/{organisation_id}": Write(
        scope="register:write", given=version("organisation"), match="etag",
        body=lambda it: {"name": f"改名{it['number']}", "kind": "property"},
        wrong=({"name": "x", "kind": "circus"}, "body/kind"),
        seen="select count(*) from organisation where id = %(organisation_id)s and name like '改名%%'",
    ),
    "POST /homes": Write(
        scope="register:write", given=two, body=lambda it: {"residents": [it["resident_id"], it["second"]]},
        wrong=({"residents": []}, "body/residents"),
        seen="select count(distinct home_id) from resident where id in (%(resident_id)s, %(second)s)",
    ),
    "POST /homes/apart": Write(
        scope="register:write", given=together, body=lambda it: {"residents": [it["resident_id"]]}, becomes=0,
        wrong=({"residents": [0]}, "body/residents"),
        seen="select count(home_id) from resident where id in (%(resident_id)s, %(second)s)",
    ),
    # ---- devices ----
    "POST /devices": Write(
        scope="devices:write", given=fresh, body=lambda it: {"address": f"carehub:new-{it['number']}"},
        seen="select count(*) from device where address = 'carehub:new-' || %(number)s",
        wrong=({"address": "martian:7"}, "body/address"),
    ),
    "POST /devices/{device_id}/claim": Write(
        scope="devices:write", given=device("seen"), body=lambda it: {"model": "W3"},
        seen="select count(*) from device_event where device_id = %(device_id)s and action = 'claim'",
        wrong=({"model": "长" * 61}, "body/model"),
    ),
    "POST /devices/{device_id}/bind": Write(
        scope="devices:write", given=device("claimed"),
        body=lambda it: {"resident_id": it["resident_id"], "room": "卧室"}, wrong=({"room": "x"}, "body/resident_id"),
        seen="select count(*) from device_event where device_id = %(device_id)s and action = 'bind'",
    ),
    "POST /devices/{device_id}/check": Write(
        scope="devices:write", given=device("bound"), body=lambda it: {"check": "voice", "passed": True},
        seen="select count(*) from device_event where device_id = %(device_id)s and action = 'check'",
        wrong=({"check": "sos", "passed": "?"}, "body/passed"),
    ),
    "POST /devices/{device_id}/live": Write(
        scope="devices:write", given=device("tested"),
        seen="select count(*) from device_event where device_id = %(device_id)s and action = 'live'",
    ),
    "POST /devices/{device_id}/retire": Write(
        scope="devices:write", given=device("claimed"), body=lambda it: {"why": "坏了"},
        seen="select count(*) from device_event where device_id = %(device_id)s and action = 'retire'",
        wrong=({"why": 7}, "body/why"),
    ),
    "POST /devices/{device_id}/commands": Write(
        scope="devices:tell", given=somebody, body=lambda it: {"order": "locate"}, wrong=({}, "body/order"),
        seen="select count(*) from device_command where device_id = %(device_id)s",
    ),
    "POST /devices/{device_id}/test": Write(
        scope="devices:test", given=somebody, body=lambda it: {"minutes": 30}, wrong=({"minutes": 121}, "body/minutes"),
        seen="select count(*) from device where id = %(device_id)s and test_until > hub_now()",
    ),
    # ---- the telephone ----
    "POST /incidents/{incident_id}/calls": Write(
        scope="telephone:act", given=on_the_line, body=lambda it: {"party": "contact", "id": it["son"]},
        wrong=({"party": "cat", "id": 1}, "body/party"),
        seen="select count(*) from telephone_call where incident_id = %(incident_id)s and person_id = %(son)s",
    ),
    "POST /telephone/{call_id}/answer": Write(
        scope="telephone:act", given=incoming(),
        seen="select count(*) from telephone_call where id = %(call_id)s and operator_id = %(me)s",
    ),
    "POST /telephone/{call_id}/case": Write(
        scope="telephone:act", given=incoming(), body=lambda it: {"resident_id": it["resident_id"]},
        wrong=({"resident_id": "her"}, "body/resident_id"),
        seen="select count(*) from incident where resident_id = %(resident_id)s and handler_id = %(me)s",
    ),
    "POST /telephone/{call_id}/seen": Write(
        scope="telephone:act", given=incoming(state="'lost'"),
        seen="select count(*) from telephone_call where id = %(call_id)s and seen_by = %(me)s",
    ),
    "POST /telephone/{call_id}/hang_up": Write(
        scope="telephone:act", given=calling,
        seen="select count(*) from telephone_call where id = %(call_id)s and ended_at is not null",
    ),
    "POST /telephone/{call_id}/recording": Write(
        scope="recordings:read", given=incoming(recording="'box/7.wav'"), body=lambda it: {"reason": "投诉核查"},
        wrong=({"reason": " "}, "body/reason"), seen=looked("recording"),
    ),
    # ---- the desk ----
    "POST /scripts": Write(
        scope="scripts:publish", given=fresh, wrong=({"body": "no = [toml"}, "body/body"),
        body=lambda it: {"body": f"{scripts.standard()}\n# {it['number']}"},
        seen="select count(*) from script_version where body like '%%# ' || %(number)s",
    ),
    "POST /handovers": Write(
        scope="handover:act", given=colleague, body=lambda it: {"incoming": it["incoming"]},
        wrong=({"incoming": 0}, "body/incoming"), seen="select count(*) from handover where outgoing = %(me)s",
    ),
    "POST /handovers/{handover_id}/cases/{incident_id}/out": Write(
        scope="handover:act", given=relieving, body=lambda it: {"note": "已回拨"},
        wrong=({"note": "长" * 1001}, "body/note"),
        seen="select count(outgoing_at) from handover_case where handover_id = %(handover_id)s"
        " and incident_id = %(incident_id)s",
    ),
    "POST /handovers/{handover_id}/cases/{incident_id}/in": Write(
        scope="handover:act", given=signed,
        seen="select count(*) from incident where id = %(incident_id)s and handler_id = %(me)s",
    ),
    "POST /handovers/{handover_id}/call_off": Write(
        scope="handover:act", given=relieving,
        seen="select count(*) from handover where id = %(handover_id)s and called_off",
    ),
    "POST /search": Write(
        scope="search:read", given=fresh, body=lambda it: {"q": "王秀英"}, wrong=({"q": ""}, "body/q"),
        seen=looked("search: api"),
    ),
    "PUT /landmarks": Write(
        scope="landmarks:write", given=fresh, seen="select count(*) from landmark where name = '门' || %(number)s",
        body=lambda it: {"kind": "gate", "name": f"门{it['number']}", "lat": 38.4, "lon": 106.2},
        wrong=({"kind": "gate", "name": "x", "lat": 91, "lon": 0}, "body/lat"),
    ),
    "DELETE /landmarks/{landmark_id}": Write(
        scope="landmarks:write", given=landmark, becomes=0,
        seen="select count(*) from landmark where id = %(landmark_id)s",
    ),
    "POST /findings/{finding_id}/acknowledge": Write(
        scope="findings:act", given=finding, body=lambda it: {"why": "在查"}, wrong=({"why": ""}, "body/why"),
        seen="select count(*) from audit_finding where id = %(finding_id)s and acknowledged_why = '在查'",
    ),
    # ---- who could come ----
    "PUT /rosters": Write(
        scope="rosters:write", given=fresh, seen="select count(*) from roster where name = '新值班' || %(number)s",
        body=lambda it: {"name": f"新值班{it['number']}"}, wrong=({"name": "x", "zone": "Mars/Olympus"}, "body/zone"),
    ),
    "POST /shifts": Write(
        scope="rosters:write", given=roster, seen="select count(*) from shift where roster = %(roster)s",
        body=lambda it: {
            "roster": it["roster"], "person_id": it["guard"], "start": soon(hours=1), "end": soon(hours=9),
        },
        wrong=({"roster": "x", "person_id": 1, "start": soon(hours=2), "end": soon(hours=1)}, "body/end"),
    ),
    "DELETE /shifts/{shift_id}": Write(
        scope="rosters:write", given=shift, becomes=0, seen="select count(*) from shift where id = %(shift_id)s"
    ),
    "POST /overrides": Write(
        scope="rosters:write", given=roster, seen="select count(*) from shift_override where roster = %(roster)s",
        body=lambda it: {"roster": it["roster"], "on": it["guard"], "start": soon(hours=1), "end": soon(hours=9)},
        wrong=({"roster": "nowhere", "start": soon(hours=1), "end": soon(hours=2), "on": 1}, "body/roster"),
    ),
    "DELETE /overrides/{override_id}": Write(
        scope="rosters:write", given=override, becomes=0,
        seen="select count(*) from shift_override where id = %(override_id)s and upper(during) > hub_now()",
    ),
    "POST /rotations": Write(
        scope="rosters:write", given=roster, seen="select count(*) from rotation where roster = %(roster)s",
        body=lambda it: {"roster": it["roster"], "people": [it["guard"], it["worker"]], "first_day": soon(days=1)[:10]},
        wrong=({"roster": "x", "people": [], "first_day": "2030-01-01"}, "body/people"),
    ),
    "DELETE /rotations/{rotation_id}": Write(
        scope="rosters:write", given=rotation, becomes=0,
        seen="select count(*) from rotation where id = %(rotation_id)s and ended_at is null",
    ),
    "POST /check_ins": Write(
        scope="rosters:write", given=roster, body=lambda it: {"roster": it["roster"], "person_id": it["guard"]},
        wrong=({"roster": "nowhere", "person_id": 1}, "body/roster"),
        seen="select count(*) from check_in where roster = %(roster)s",
    ),
    "POST /policies": Write(
        scope="policies:publish", given=fresh, wrong=({"text": "no = [toml"}, "line 1"),
        body=lambda it: {"text": f"{policy_store.standard()}\n# {it['number']}", "force": True},
        seen="select count(*) from policy_version where body like '%%# ' || %(number)s",
    ),
    "POST /policies/check": Write(
        scope="policies:read", body=lambda it: {"text": policy_store.standard()}, wrong=({"text": ""}, "body/text"),
        seen="",
    ),
    "POST /surges": Write(
        scope="surges:declare", given=area, body=lambda it: {"area": it["area"], "reason": "燃气泄漏", "minutes": 60},
        wrong=({"reason": "x", "minutes": 61}, "body/minutes"), seen="select count(*) from surge where area = %(area)s",
    ),
    "POST /surges/{surge_id}/end": Write(
        scope="surges:declare", given=surge,
        seen="select count(*) from surge where id = %(surge_id)s and ended_at is not null",
    ),
    # ---- work ----
    "POST /visits/{number_of}/done": Write(
        scope="work_orders:write", given=unbooked, body=lambda it: {"note": "已换电池"},
        wrong=({"note": "长" * 501}, "body/note"),
        seen="select count(*) from visit where id = %(number_of)s and status = 'done' and note = '已换电池'",
    ),
    "POST /visiting/contacts": Write(
        scope="work_orders:write", given=somebody,
        body=lambda it: {
            "resident_id": it["resident_id"], "at": soon(minutes=-5), "how": "phone", "outcome": "spoke",
            "evidence": "通话 7",
        },
        wrong=({"resident_id": 1, "at": "yesterday", "how": "phone", "outcome": "spoke"}, "body/at"),
        seen="select count(*) from contact_made where resident_id = %(resident_id)s",
    ),
    "POST /visiting/residents": Write(
        scope="work_orders:write", given=somebody,
        body=lambda it: {"resident_id": it["resident_id"], "reason": "alone"},
        wrong=({"resident_id": 1, "reason": "bored"}, "body/reason"),
        seen="select count(*) from visiting where resident_id = %(resident_id)s",
    ),
    "DELETE /visiting/residents/{resident_id}": Write(
        scope="work_orders:write", given=visited, becomes=0,
        seen="select count(*) from visiting where resident_id = %(resident_id)s and until is null",
    ),
    "POST /visiting/book": Write(
        scope="work_orders:write", given=unbooked, seen="select count(*) from work_order where source = %(source)s"
    ),
    "POST /work_orders": Write(
        scope="work_orders:write", given=fresh, seen="select count(*) from work_order where scope = '修' || %(number)s",
        body=lambda it: {"kind": "repair", "scope": f"修{it['number']}", "due": "2030-01-01"},
        wrong=({"kind": "repair", "scope": "x", "due": "1999-01-01"}, "body/due"),
    ),
    "POST /work_orders/{order_id}/{verb}": Write(
        scope="work_orders:write", given=order, body=lambda it: {"assignee_id": it["guard"]},
        wrong=({"assignee_id": 0}, "body/assignee_id"),
        seen="select count(*) from work_order_event where order_id = %(order_id)s and what = 'assign'",
    ),
    # ---- events ----
    "POST /subscriptions": Write(
        scope="events:manage", given=fresh,
        seen="select count(*) from api_subscription where name = '平台' || %(number)s",
        body=lambda it: {"name": f"平台{it['number']}", "url": "https://example.org/h"},
        wrong=({"name": "x", "url": "http://127.0.0.1/"}, "body"),
    ),
    "POST /subscriptions/{subscription_id}/rotate": Write(
        scope="events:manage", given=subscription,
        seen="select count(*) from api_subscription where id = %(subscription_id)s and old_secret <> ''",
    ),
    "DELETE /subscriptions/{subscription_id}": Write(
        scope="events:manage", given=subscription, becomes=0,
        seen="select count(*) from api_subscription where id = %(subscription_id)s",
    ),
}  # fmt: skip
