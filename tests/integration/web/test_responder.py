"""The responder's page: a link in a message, four buttons, and nothing he need not know."""

from typing import Any

import httpx
import pytest

from hub.web.responder import View, view
from tests.integration.web.seen import visible
from tests.integration.web.world import World, csrf_of


class Guard:
    """The guard's phone with the link of his page open."""

    def __init__(self, client: httpx.Client, world: World, incident: int, who: str = "guard") -> None:
        self.client, self.world, self.incident = client, world, incident
        row = world.sql(
            "select id from page where incident_id = %(i)s and person_id = %(p)s order by id desc limit 1",
            i=incident, p=world.people[who],
        )  # fmt: skip
        self.page = row[0][0]
        self.path = f"/r/{world.link(self.page)}"
        self.taps = 0

    def sees(self) -> str:
        return visible(self.client.get(self.path).text)

    def says(self, verb: str, nonce: str | None = None, to: str = "") -> httpx.Response:
        self.taps += 1
        body: dict[str, Any] = {"verb": verb, "nonce": nonce or f"tap-{self.taps}", "to": to}
        return self.client.post(f"{self.path}/answer", json=body)

    def state(self) -> str:
        return str(self.world.sql("select state from incident where id = %(i)s", i=self.incident)[0][0])


@pytest.fixture
def guard(visitor: httpx.Client, li: httpx.Client, world: World) -> Guard:
    incident = world.alert("watch-wang", "fall")
    token = csrf_of(li.get("/").text)
    li.post(f"/incidents/{incident}/take", data={"csrf": token})
    li.post(f"/incidents/{incident}/dispatch", data={"csrf": token, "person": str(world.people["guard"])})
    return Guard(visitor, world, incident)


def test_guard_sees_name_door_and_two_buttons(guard: Guard) -> None:
    page = guard.sees()
    for words in ("王秀英", "和平里 3 号楼 2 单元 501", "物业前台", "有狗", "我去", "去不了"):
        assert words in page


def test_guard_never_sees_the_diagnosis(guard: Guard) -> None:
    page = guard.sees()
    assert "心衰" not in page
    assert "heart_failure" not in page


def test_door_code_appears_on_the_way_and_vanishes_at_close(guard: Guard, li: httpx.Client) -> None:
    assert "4471#" not in guard.sees()
    guard.says("accept")  # the desk has sent him
    assert "4471#" in guard.sees()
    guard.says("en_route")
    assert "4471#" in guard.sees()
    guard.says("arrived")
    assert "4471#" in guard.sees()
    guard.says("handed_over", to="儿子")
    assert "4471#" not in guard.sees()
    looks = guard.world.sql("select person_id, what from access_log")
    assert looks == [(guard.world.people["guard"], "door_code: responder")]


def test_whole_visit_by_buttons(guard: Guard) -> None:
    states = []
    for verb, to in (("accept", ""), ("en_route", ""), ("arrived", ""), ("handed_over", "120 #4711")):
        assert guard.says(verb, to=to).status_code == 200
        states.append(guard.state())
    assert states[1:] == ["en_route", "on_scene", "handed_over"]
    assert "交接完成，谢谢" in guard.sees()


def test_who_was_asked_as_well_is_not_asked_after_the_hand_over() -> None:
    """The page offers nothing that would be refused: after a hand-over only operators may act."""
    asked = {
        "responder_id": 1, "person_id": 2, "purpose": "alarm", "page_state": "delivered", "answered": None,
        "stood_down": False,
    }  # fmt: skip
    assert view({**asked, "state": "on_scene"}) is View.ASKED
    assert view({**asked, "state": "on_scene", "stood_down": True}) is View.STOOD_DOWN
    assert view({**asked, "state": "handed_over"}) is View.STOOD_DOWN


def test_old_link_says_that_help_is_wanted_again_when_nobody_goes_any_more() -> None:
    stood_down = {
        "responder_id": None, "person_id": 2, "purpose": "alarm", "page_state": "delivered", "answered": None,
        "stood_down": True,
    }  # fmt: skip
    assert view({**stood_down, "state": "open"}) is View.ASKED
    assert view({**stood_down, "state": "taken"}) is View.STOOD_DOWN, "an operator has it"
    assert view({**stood_down, "state": "held"}) is View.STOOD_DOWN
    assert view({**stood_down, "state": "open", "purpose": "stand_down"}) is View.ASKED


def test_old_link_names_who_has_it(guard: Guard) -> None:
    guard.world.sql("update incident set state = 'taken', responder_id = null returning id")
    guard.world.sql("update page set state = 'withdrawn' returning id")
    assert "坐席 已经在处理" in guard.sees()
    assert "别人" not in guard.sees()


def test_second_tap_is_harmless(guard: Guard) -> None:
    guard.says("accept", nonce="one")
    before = guard.world.sql("select count(*) from incident_event")
    again = guard.says("accept", nonce="one")
    assert again.json()["repeat"]
    assert guard.world.sql("select count(*) from incident_event") == before


def test_form_answer_works_without_scripts(guard: Guard) -> None:
    answer = guard.client.post(f"{guard.path}/answer", data={"verb": "accept", "nonce": "by-form"})
    assert (answer.status_code, answer.headers["location"]) == (303, guard.path)
    assert "您已答应前往" in guard.sees()


def test_leaving_before_handing_over_is_refused_in_words(guard: Guard) -> None:
    for verb in ("accept", "en_route", "arrived"):
        guard.says(verb)
    refused = guard.says("left")
    assert refused.status_code == 409
    assert refused.json()["error"] == "hand_over_first"


def test_cannot_go_is_noted_and_may_be_taken_back(guard: Guard) -> None:
    guard.says("cannot_go")
    page = guard.sees()
    assert "已记录：您去不了" in page
    assert "我去" in page


def closes(li: httpx.Client, incident: int) -> None:
    form = {
        "csrf": csrf_of(li.get("/").text), "disposition": "accidental", "done": "通话", "with_whom": "本人",
        "how": "voice", "called_back": "yes",
    }  # fmt: skip
    assert li.post(f"/incidents/{incident}/close", data=form).status_code == 303


def test_guard_who_leaves_after_the_desk_has_closed_is_thanked_and_the_case_stays_as_it_was(
    guard: Guard, li: httpx.Client
) -> None:
    for verb in ("accept", "en_route", "arrived"):
        guard.says(verb)
    closes(li, guard.incident)
    events = "select count(*) from incident_event where incident_id = %(i)s"
    before = guard.world.sql(events, i=guard.incident)
    left = guard.says("left", nonce="out")
    assert (left.status_code, left.json()["view"]) == (200, "closed")
    assert guard.says("left", nonce="out").json()["repeat"]
    by_form = guard.client.post(f"{guard.path}/answer", data={"verb": "left", "nonce": "by-form"})
    assert (by_form.status_code, by_form.headers["location"]) == (303, guard.path)
    page = guard.sees()
    assert "谢谢" in page
    assert "这起警情已结束" not in page, "no refusal"
    assert guard.world.sql(events, i=guard.incident) == before
    assert guard.says("arrived").json()["error"] == "ended", "any other tap is told so"


def test_closed_case_says_that_it_is_over(guard: Guard, li: httpx.Client) -> None:
    closes(li, guard.incident)
    page = guard.sees()
    assert "已结束" in page
    assert "我去" not in page


def test_page_is_read_when_its_script_says_so(guard: Guard) -> None:
    assert guard.says("read").status_code == 200
    assert guard.world.sql("select state from page where id = %(id)s", id=guard.page) == [("read",)]


@pytest.mark.parametrize("token", ["nonsense", "A" * 38, "%F0%9F%92%A9"])
def test_forged_link_is_refused(visitor: httpx.Client, token: str) -> None:
    answer = visitor.get(f"/r/{token}")
    assert answer.status_code == 410
    assert "链接已失效" in answer.text
    assert visitor.post(f"/r/{token}/answer", json={"verb": "accept", "nonce": "x"}).status_code == 410


def test_old_link_is_refused(guard: Guard) -> None:
    guard.world.sql("insert into clock (at) values (clock_timestamp() + interval '13 hours')")
    assert guard.client.get(guard.path).status_code == 410


def test_malformed_answer_is_refused(guard: Guard) -> None:
    for body in (b"{", b'{"verb": "read", "nonce": "n", "x": ' + b"[" * 20_000, b'{"verb": "read", "nonce": "\xff"}'):
        junk = guard.client.post(f"{guard.path}/answer", content=body, headers={"content-type": "application/json"})
        assert junk.status_code == 422
    assert guard.says("dance").status_code == 409


def test_answer_with_characters_the_database_refuses_counts_all_the_same(guard: Guard) -> None:
    assert guard.says("accept", nonce="tap\x00").status_code == 200
    assert guard.says("arrived").status_code == 200
    assert guard.says("handed_over", to="女儿\x00王丽").status_code == 200
    assert guard.state() == "handed_over"
    assert guard.says("acc\x00ept").status_code == 409


def test_name_without_end_is_cut(guard: Guard) -> None:
    guard.says("accept")
    guard.says("arrived")
    guard.says("handed_over", to="王" * 10_000)
    assert guard.world.sql("select length(handed_to) from incident where id = %(i)s", i=guard.incident) == [(200,)]
