"""Who sees what on the responder's page: every role, every step, in the HTML itself and not only on the screen."""

import re

import httpx
import pytest

from alerts.model import Role
from tests.integration.web.world import World, csrf_of

NAME, TELEPHONE, KEY, SON = "王秀英", "0951 000 0001", "物业前台", "儿子"
ADDRESS, DOG, DOOR = "和平里 3 号楼 2 单元 501", "有狗", "4471#"
DIAGNOSIS = ("heart_failure", "心衰", "falls", "易跌倒", "失能", "1944")
# What the task needs: role -> name and telephone, where the key is, that it is a vital sign.
NEEDS = {
    Role.FAMILY: (True, False, True),
    Role.NEIGHBOUR: (True, True, False),
    Role.VILLAGE_DOCTOR: (True, False, True),
    Role.COUNTY_CENTRE: (True, False, True),
    Role.COMMUNITY: (True, True, False),
    Role.PROPERTY: (True, True, False),
    Role.THIRD_PARTY: (False, False, False),
    Role.AMBULANCE: (True, False, True),
}
SHELL = {"carehub-shell": "1"}


class Sent:
    """Somebody of a role who is called to Mrs Wang for a vital sign, and says yes step by step."""

    def __init__(self, client: httpx.Client, world: World, role: Role) -> None:
        self.client, self.world = client, world
        who = world.person(f"a-{role}", "某人", str(role), area="和平社区")
        found = {"heart_rate_bpm": 143, "usual_bpm": 72, "confidence": 0.87}
        self.incident = world.alert("watch-wang", "vitals", 2, rule="V2", evidence=found)
        page = world.sql(
            "insert into page (incident_id, round, step, person_id, role, channel, address, due_at, created_at, state)"
            " values (%(i)s, 9, 0, %(p)s, %(r)s, 'webhook', '', hub_now(), hub_now(), 'delivered') returning id",
            i=self.incident, p=who, r=str(role),
        )  # fmt: skip
        self.path = f"/r/{world.link(page[0][0])}"

    def says(self, verb: str, to: str = "") -> None:
        answer = self.client.post(f"{self.path}/answer", json={"verb": verb, "nonce": verb, "to": to})
        assert answer.status_code == 200, answer.text

    def html(self, **headers: str) -> str:
        return self.client.get(self.path, headers=headers).text

    def everything(self) -> str:
        """All that the phone gets: page, what its worker keeps, and state."""
        return self.html() + self.html(**SHELL) + self.client.get(f"{self.path}/state").text


def test_table_has_everybody_who_may_be_sent() -> None:
    assert set(NEEDS) == set(Role) - {Role.OPERATOR}


@pytest.mark.parametrize("role", NEEDS)
def test_each_role_gets_what_its_task_needs_and_nothing_else(visitor: httpx.Client, world: World, role: Role) -> None:
    sent = Sent(visitor, world, role)
    name, key, vitals = NEEDS[role]
    steps = ((), ("accept",), ("en_route",), ("arrived",))
    for step in steps:
        for verb in step:
            sent.says(verb)
        seen = sent.everything()
        assert ADDRESS in seen
        assert DOG in seen
        assert [word for word in DIAGNOSIS if word in seen] == []
        said = {"name": NAME in seen, "phone": TELEPHONE in seen, "key": KEY in seen, "vitals": "生命体征" in seen}
        assert said == {"name": name, "phone": name, "key": key, "vitals": vitals}, step
        assert ("静息心率 143" in seen) == vitals
        assert not {"0.87", "131"} & set(re.findall(r"[\d.]+", seen))  # neither how sure we are nor the rule's limit


@pytest.mark.parametrize("role", NEEDS)
def test_door_code_is_for_the_way_and_the_door_and_in_no_kept_copy(
    visitor: httpx.Client, world: World, role: Role
) -> None:
    sent = Sent(visitor, world, role)
    shown = []
    for verb, to in (("", ""), ("accept", ""), ("en_route", ""), ("arrived", ""), ("handed_over", "120 #4711")):
        if verb:
            sent.says(verb, to)
        assert DOOR not in sent.html(**SHELL), "what the worker keeps"
        state = sent.client.get(f"{sent.path}/state").json()["door_code"]
        assert (state == DOOR) == (DOOR in sent.html())
        shown.append(state == DOOR)
    assert shown == [False, False, True, True, False]
    looks = world.sql("select count(*) from access_log where what = 'door_code: responder'")
    assert looks == [(1,)], "one look at one case is one line"


@pytest.mark.parametrize("role", NEEDS)
def test_everybody_who_is_called_learns_that_she_did_not_answer(
    visitor: httpx.Client, li: httpx.Client, world: World, role: Role
) -> None:
    sent = Sent(visitor, world, role)
    before = visitor.get(f"{sent.path}/state").json()
    assert (before["silent"], 'id="silent" hidden' in sent.html()) == ("", True)
    sent.says("accept")  # whoever is not needed any more is told so, and nothing else
    csrf = csrf_of(li.get("/").text)
    for verb in ("take", "no_speech"):
        assert li.post(f"/incidents/{sent.incident}/{verb}", data={"csrf": csrf}).status_code == 303
    assert visitor.get(f"{sent.path}/state").json()["silent"] == "无应答"
    assert '<em id="silent">无应答</em>' in sent.html()


def test_neither_a_tap_nor_a_kept_copy_is_a_look(visitor: httpx.Client, world: World) -> None:
    sent = Sent(visitor, world, Role.PROPERTY)
    sent.says("accept")
    sent.says("en_route")
    sent.html(**SHELL)
    assert world.sql("select count(*) from access_log") == [(0,)]


@pytest.mark.parametrize("role", NEEDS)
def test_once_it_is_over_nothing_of_her_is_in_the_page(visitor: httpx.Client, world: World, role: Role) -> None:
    sent = Sent(visitor, world, role)
    for verb, to in (("accept", ""), ("en_route", ""), ("arrived", ""), ("handed_over", "女儿")):
        sent.says(verb, to)
    for words in (NAME, TELEPHONE, ADDRESS, KEY, DOG, DOOR):
        assert words not in sent.everything(), words


def test_whoever_was_not_the_one_to_go_never_sees_the_door_code(visitor: httpx.Client, world: World) -> None:
    first = Sent(visitor, world, Role.PROPERTY)
    second = Sent(visitor, world, Role.COMMUNITY)
    assert first.incident == second.incident
    for verb in ("accept", "en_route"):
        first.says(verb)
    assert DOOR in first.everything()
    assert DOOR not in second.everything()


def test_script_may_ask_for_a_position_at_the_door_and_nowhere_else(visitor: httpx.Client, world: World) -> None:
    sent = Sent(visitor, world, Role.PROPERTY)
    there = visitor.get(sent.path).headers
    assert "geolocation=(self)" in there["permissions-policy"]
    assert "worker-src 'self'" in there["content-security-policy"]
    for path in ("/login", "/me/nobody"):
        assert "geolocation=()" in visitor.get(path).headers["permissions-policy"]


def test_worker_is_for_the_calls_alone_and_new_with_every_release(visitor: httpx.Client) -> None:
    answer = visitor.get("/r/worker.js")
    assert answer.headers["service-worker-allowed"] == "/r/"
    assert answer.headers["content-type"].startswith("text/javascript")
    release = answer.text.split('RELEASE = "', 1)[1].split('"', 1)[0]
    for line in answer.text.split("FILES = ", 1)[1].split(";", 1)[0].strip("[]").split(","):
        path = line.strip('"')
        assert path.endswith(f"?{release}")
        assert visitor.get(path).status_code == 200


def test_tap_says_when_and_where_it_was_made(visitor: httpx.Client, world: World) -> None:
    sent = Sent(visitor, world, Role.PROPERTY)
    sent.says("accept")
    body = {
        "verb": "arrived", "nonce": "at-the-door", "position": {"lat": 38.47004, "lon": 106.26002, "accuracy_m": 12.5},
        "tapped_at": "2026-11-21T18:00:00Z",
    }  # fmt: skip
    assert visitor.post(f"{sent.path}/answer", json=body | {"tapped_at": None}).status_code == 200
    assert world.sql("select proof from incident where id = %(i)s", i=sent.incident) == [("position",)]
    assert visitor.get(f"{sent.path}/state").json()["proof"] == "到达已证实：定位"
    kept = world.sql("select body::text from incident_event where incident_id = %(i)s", i=sent.incident)
    assert not any("38.47" in text for (text,) in kept), "the place itself is nobody's business afterwards"


@pytest.mark.parametrize(
    "more", [{"tapped_at": "2026-11-21T18:00:00"}, {"tapped_at": "now"}, {"position": {"lat": 1}}, {"position": "here"}]
)
def test_tap_that_makes_no_sense_is_refused_as_a_whole(visitor: httpx.Client, world: World, more: object) -> None:
    assert isinstance(more, dict)
    sent = Sent(visitor, world, Role.PROPERTY)
    answer = visitor.post(f"{sent.path}/answer", json={"verb": "accept", "nonce": "n", **more})
    assert answer.status_code == 422


def test_how_far_it_is_comes_from_the_circle_or_from_the_map(visitor: httpx.Client, world: World) -> None:
    guard = Sent(visitor, world, Role.PROPERTY)
    assert "分钟到" not in guard.html()
    world.sql("update person set lat = 38.475, lon = 106.262 where name = '某人'")
    assert "分钟到" in guard.html()
    world.sql(
        "insert into care_circle (resident_id, person_id, minutes_away) values (%(r)s, %(p)s, 6.4)",
        r=world.residents["wang"], p=world.people["a-property"],
    )  # fmt: skip
    assert "您约 6 分钟到" in guard.html()


def test_her_red_button_proves_that_he_is_there(visitor: httpx.Client, world: World) -> None:
    sent = Sent(visitor, world, Role.PROPERTY)
    sent.says("accept")
    sent.says("arrived")
    assert "到达尚未证实" in sent.html()
    world.alert("button-wang")
    assert "到达已证实：她的按钮" in sent.html()
