"""Who may what, asked of the running console: every endpoint of the table by everybody there is."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import httpx
import pytest

from hub.embedded import EmbeddedPostgres
from hub.simulated.drills import Drills
from hub.telephone_settings import TelephoneSettings
from hub.telephony import Line
from hub.web.access import LINK, PROVIDER, SEATS, SIGN_IN, TABLE, Holder, Way
from hub.web.app import ConsoleOptions
from tests.conftest import create, drop
from tests.integration.web.conftest import Served
from tests.integration.web.there import FORMS, MADE, Trained, make
from tests.integration.web.world import LINK_KEY, World, neighbourhood

H = Holder
PART = re.compile(r"\{(\w+)(?::\w+)?\}")
OWN_STATE = ("web_session", "presence", "heartbeat", "half_sign_in")  # move by themselves while somebody looks


@dataclass
class Town:
    """A console with somebody of every role, two organisations, and a case in each one's area."""

    world: World
    client: httpx.Client
    drills: Trained
    sessions: dict[str, tuple[str, str]] = field(default_factory=dict)
    cases: dict[str, int] = field(default_factory=dict)
    parts: dict[str, str] = field(default_factory=dict)

    def seat(self, short: str) -> None:
        token = f"session of {short}"
        self.world.sql(
            "insert into web_session (token_sha256, person_id, csrf, created_at, seen_at, expires_at) values"
            " (%(t)s, %(p)s, %(c)s, hub_now(), hub_now(), hub_now() + interval '1 day') on conflict do nothing",
            t=hashlib.sha256(token.encode()).digest(), p=self.world.people[short], c=f"csrf of {short}",
        )  # fmt: skip
        self.sessions[short] = (token, f"csrf of {short}")

    def ask(
        self, name: str, short: str, *, verb: str = "", case: str = "own", csrf: bool = True,
        more: Mapping[str, str] | None = None, form: Mapping[str, str] | None = None,
    ) -> httpx.Response:  # fmt: skip
        """Send one line's request as somebody; `short` empty: nobody is signed in."""
        method, template = name.split(" ", 1)
        parts = (
            self.parts
            | {"incident_id": str(self.cases[case])}
            | dict(more or {})
            | ({PART.findall(template)[-1]: verb} if verb else {})
        )
        path = PART.sub(lambda m: parts.get(m[1], "1"), template)
        if name == "GET /group/sheet":  # of the cases that its address names
            path += f"?ids={self.cases[case]}"
        token, key = self.sessions.get(short, ("", ""))
        headers = {"accept": "text/html"} | ({"cookie": f"carehub_session={token}"} if token else {})
        if csrf and method == "POST":
            headers["x-csrf-token"] = key
        self.client.cookies.clear()
        if path == "/stream":  # never ends by itself
            with self.client.stream(method, path, headers=headers) as answer:
                return httpx.Response(answer.status_code, headers=answer.headers, request=answer.request)
        return self.client.request(method, path, headers=headers, data=form)

    def state(self) -> dict[str, str]:
        """Return a digest of every table whose rows only people change."""
        tables = self.world.sql(
            "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
            " and not relispartition and relname <> all (%(own)s)", own=list(OWN_STATE),
        )  # fmt: skip
        each = " union all ".join(
            f"select '{t}', md5(string_agg(x::text, '|' order by x::text)) from {t} x" for (t,) in tables
        )
        return dict(self.world.sql(each))


@pytest.fixture(scope="module")
def town(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    world = neighbourhood(create(postgres, "matrix"))
    world.sql("insert into area (name, level) values ('和平社区', 'community'), ('城东社区', 'community')")
    for name, area in (("和平物业", "和平社区"), ("城东物业", "城东社区")):
        world.sql(
            "with o as (insert into organisation (name, kind, created_at)"
            " values (%(n)s, 'property', hub_now()) returning id)"
            " insert into organisation_area select id, %(a)s from o", n=name, a=area,
        )  # fmt: skip
    for short, name, role in (
        ("gao", "高安装", "installer"), ("fitter", "和平安装", "installer"),
        ("guan", "管红", "administrator"), ("shen", "沈计", "auditor"),
        ("own", "和平调度", "dispatcher"), ("other", "城东调度", "dispatcher"), ("spare", "备用", "operator"),
        ("canary", "金丝雀", "operator"),
    ):  # fmt: skip
        world.person(short, name, role)
    world.sql("update person set canary = true where name = '金丝雀'")
    for short, organisation in (
        ("own", "和平物业"),
        ("other", "城东物业"),
        ("guard", "和平物业"),
        ("fitter", "和平物业"),
    ):
        world.sql(
            "update person set organisation_id = (select id from organisation where name = %(o)s) where id = %(p)s",
            o=organisation, p=world.people[short],
        )  # fmt: skip
    world.resident("far", "冯远方", area="城东社区", address="城东路 1 号", phone="0951 000 0009")
    world.device("watch-far", "far", model="腕表 W2")
    line = Line(settings=TelephoneSettings(provider="simulated"))
    served = Served(world.dsn, ConsoleOptions(dsn=world.dsn, link_key=LINK_KEY, line=line))
    drills = Trained(tmp_path_factory.mktemp("matrix"))
    served.server.app.state.drills = Drills(drills.run_dir)  # not by options: their folder would hold sealing keys too
    served.start()
    client = served.client()
    made = Town(world, client, drills)
    made.cases = {"own": world.alert("watch-wang"), "foreign": world.alert("watch-far", area="城东社区")}
    wang = str(world.residents["wang"])
    made.parts = {
        "device_id": str(world.devices["watch-wang"]), "person_id": str(world.people["spare"]), "resident_id": wang,
        "resident": wang, "form": "csv", "field": "door_code", "kind": "residents", "one": wang,
        "other": str(world.residents["liu"]),
    }  # fmt: skip
    for short in ("li", "ma", "gao", "guan", "shen", "own", "other", "canary"):
        made.seat(short)
    yield made
    client.close()
    served.stop()
    drills.close()
    drop(postgres, "matrix")


WHO = {
    H.OPERATOR: "li", H.SUPERVISOR: "ma", H.DISPATCHER: "own", H.INSTALLER: "gao", H.ADMINISTRATOR: "guan",
    H.AUDITOR: "shen", H.CANARY: "canary",
}  # fmt: skip
ENDS = ("POST /logout",)  # the session it is asked with


def lines() -> Iterator[tuple[str, str, frozenset[str]]]:
    """Every endpoint for those who sign in, once for each name that its line tells apart."""
    for name, line in TABLE.items():
        if name.startswith("MOUNT") or not Way(method="", path=name, line=line).everybody & SEATS or name in ENDS:
            continue
        if isinstance(line, frozenset):
            yield name, "", line
        else:
            yield from ((name, verb if verb != "*" else "anything", holders) for verb, holders in line.items())


# What stands in the parts of a path, so that what is asked for is there: a line all of whose parts are known by these
# must be found by everybody it is for. The verbs of lines that do not tell theirs apart stand in DOES.
DOES = {
    "POST /people/{person_id}/{verb}": "end_sessions", "POST /registry/residents/{resident_id}/{verb}": "lock",
    "POST /incidents/{incident_id}/{verb}": "release", "POST /group/{verb}": "note",
    "POST /install/devices/{device_id}/{verb}": "leave", "GET /incidents/{incident_id}/sheet/{name}": "hold",
    "POST /handover/{handover_id}/cases/{incident_id}/{way}": "out", "POST /work-orders/{order}/{verb}": "accept",
    "POST /telephone/{call_id}/{verb}": "seen",
}  # fmt: skip


def there(name: str, town: Town) -> bool:
    """Whether every part of this path names something that is there."""
    parts = PART.findall(name)
    made = {MADE[name][0]} if name in MADE else set()
    known = town.parts.keys() | {"incident_id"} | made | ({parts[-1]} if name in DOES else set())
    return known.issuperset(parts)


def refused(answer: httpx.Response) -> bool:
    away = answer.status_code == 303 and answer.headers["location"].startswith(("/login", "/install", "/people"))
    return answer.status_code in (401, 403) or (answer.request.method == "GET" and away)


@pytest.mark.parametrize("holder", sorted(SEATS))
def test_role_is_kept_to_what_the_table_says(town: Town, holder: str) -> None:
    before, let_in = town.state(), []
    for name, verb, holders in lines():
        if holder not in holders and not refused(answer := town.ask(name, WHO[Holder(holder)], verb=verb)):
            let_in.append(f"{name} {verb}: {answer.status_code}")
    assert not let_in
    assert town.state() == before, "what was refused has changed nothing"


def test_nobody_who_is_not_signed_in_gets_anywhere(town: Town) -> None:
    before = town.state()
    let_in = [f"{name} {verb}" for name, verb, _ in lines() if not refused(town.ask(name, "", verb=verb))]
    assert not let_in
    assert town.state() == before


@pytest.mark.parametrize("holder", sorted(SIGN_IN))
def test_role_gets_where_the_table_lets_it(town: Town, holder: str) -> None:
    """Last, because what is allowed is done."""
    kept_out = []
    for name, verb, holders in lines():
        if holder in holders:
            town.seat(WHO[Holder(holder)])
            does = DOES.get(name, "") if verb in ("", "anything") else verb
            short = WHO[Holder(holder)]
            more = make(name, town.world, town.world.people[short], town.cases["own"], town.drills)
            answer = town.ask(name, short, verb=does, more=more, form=FORMS.get(name))
            wrong = {401, 403, 404} if there(name, town) else {401, 403}
            if answer.status_code in wrong or answer.status_code >= 500:
                kept_out.append(f"{name} {does}: {answer.status_code}")
    assert not kept_out


def test_every_line_is_asked_of_what_is_there(town: Town) -> None:
    assert [name for name, _, _ in lines() if not there(name, town)] == []


def test_installer_of_an_organisation_finds_its_own_and_no_other(town: Town) -> None:
    name = "POST /install/devices/{device_id}/residents"
    stray = {"device_id": str(town.world.devices["stray"])}
    town.seat("fitter")
    own = town.ask(name, "fitter", more=stray, form={"word": "王秀英"})
    other = town.ask(name, "fitter", more=stray, form={"word": "冯"})
    assert (own.status_code, other.status_code) == (200, 200)
    assert "和平里" in own.text
    assert "冯远方" not in other.text
    given = town.ask(
        "POST /install/devices/{device_id}/{verb}", "fitter", verb="bind", more=stray,
        form={"resident": str(town.world.residents["far"]), "button": "yes"},
    )  # fmt: skip
    assert given.status_code == 422
    assert town.world.sql("select resident_id from device where id = %(d)s", d=town.world.devices["stray"]) == [(None,)]


def test_dispatcher_of_another_organisation_learns_nothing(town: Town) -> None:
    """Every line that is a dispatcher's, asked of what is the other organisation's: a page about it, a list, a deed."""
    asked = []
    for name, verb, holders in lines():
        if H.DISPATCHER not in holders or name in ("POST /look", "POST /language"):
            continue
        parts = PART.findall(name)
        made = make(name, town.world, town.world.people["spare"], town.cases["own"], town.drills)
        before = town.state()
        answer = town.ask(name, "other", verb=DOES.get(name, verb) if verb in ("", "anything") else verb, more=made,
                          form=FORMS.get(name))  # fmt: skip
        assert "王秀英" not in answer.text and "和平里" not in answer.text, name  # noqa: PT018
        if set(parts) & {"incident_id", "resident_id", "order", "file"}:
            away = answer.status_code == 303 and answer.headers["location"].startswith("/glass?")
            assert answer.status_code in (403, 404, 422) or away, f"{name} {verb}: {answer.status_code}"
            assert "看看门铃" not in answer.text, name
            assert town.state() == before, name
            asked.append(name)
    assert len(asked) >= 12


@pytest.mark.parametrize(
    "name", sorted(n for n, line in TABLE.items() if not n.startswith("GET /callbacks") and line in (LINK, PROVIDER))
)
@pytest.mark.parametrize("short", ["", "ma"])
def test_link_that_nobody_made_opens_nothing_to_anybody(town: Town, name: str, short: str) -> None:
    town.seat("ma")
    before = town.state()
    answer = town.ask(name, short)
    gone = answer.status_code == 303 and answer.headers["location"].startswith("/r/")  # where it says so
    assert gone or answer.status_code in (400, 401, 403, 404, 405, 410, 413, 422)
    assert town.state() == before
