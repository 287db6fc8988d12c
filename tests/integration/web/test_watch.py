"""The page of the watch over HTTP, and that the canary is nobody's business but its own operator's."""

import inspect
import re

import httpx
import pytest

from hub.catalogue import LANGUAGES, texts
from hub.loops import canary as loop
from hub.loops import canary_ways as ways
from tests.integration.web.conftest import Served
from tests.integration.web.seen import visible
from tests.integration.web.world import World, csrf_of, sign_in


def finding(world: World, rule: str = "timer_late") -> int:
    row = world.sql(
        "insert into audit_finding (rule, subject, found_at) values (%(r)s, 'incident:7', hub_now()) returning id",
        r=rule,
    )
    return int(row[0][0])


def canary(world: World) -> int:
    """Register the canary as its own loop would, with the tests' password, and let it press."""
    world.person("canary", "金丝雀", "operator", login=True)
    world.sql("update person set canary = true where login = 'canary'")
    world.resident("nobody", "金丝雀", area="~canary")
    world.sql("update resident set canary = true where id = %(r)s", r=world.residents["nobody"])
    world.device("canary", "nobody")
    return world.alert("canary", area="~canary")


def test_finding_is_acknowledged_with_name_and_reason(li: httpx.Client, world: World) -> None:
    number = finding(world)
    page = li.get("/ops").text
    answer = li.post(f"/ops/findings/{number}/acknowledge", data={"csrf": csrf_of(page), "why": "已联系机房"})
    assert answer.status_code == 303
    kept = world.sql("select acknowledged_by, acknowledged_why, cleared_at from audit_finding")
    assert kept == [(world.people["li"], "已联系机房", None)]
    assert "已联系机房" in li.get("/ops").text
    assert "is-acknowledged" in li.get("/").text, "it stays on the banner until it is over"


@pytest.mark.parametrize(
    ("language", "detail", "words"),
    [("zh-CN", "silent 15", "呼叫送达 · 15 秒内没有回音"),
     ("en", "silent 15", "page delivered · nothing heard in 15 s"),
     ("zh-CN", "queue_answers 503", "队列回答 503"), ("en", "said by an older release", "said by an older release")],
)  # fmt: skip
def test_what_the_canary_met_is_said_in_the_readers_language(
    li: httpx.Client, world: World, language: str, detail: str, words: str
) -> None:
    world.sql("update person set language = %(l)s", l=language)
    world.sql(
        "insert into audit_finding (rule, subject, detail, found_at) values ('canary_lost', 'page', %(d)s, hub_now())",
        d=detail,
    )
    assert words in visible(li.get("/ops").text)


def test_every_word_of_the_canary_is_in_both_catalogues() -> None:
    source = inspect.getsource(loop) + inspect.getsource(ways)
    said = set(re.findall(r'(?:LostError\(f?"|detail=f?"|f"(?=silent|error))([a-z]\w+)', source)) | {
        "take_answers",
        "close_answers",
    }
    assert said >= {"silent", "no_round", "off", "taken", "error", "stream_ended", "not_closed", "no_token"}
    for language in LANGUAGES:
        assert [word for word in said if f"canary.{word}" not in texts(language)] == []


def test_acknowledging_without_a_reason_or_without_a_session_changes_nothing(
    li: httpx.Client, visitor: httpx.Client, world: World
) -> None:
    number = finding(world)
    page = li.get("/ops").text
    assert li.post(f"/ops/findings/{number}/acknowledge", data={"csrf": csrf_of(page), "why": " "}).status_code == 422
    assert li.post(f"/ops/findings/{number}/acknowledge", data={"csrf": "forged", "why": "x"}).status_code == 403
    assert visitor.post(f"/ops/findings/{number}/acknowledge", data={"why": "x"}).status_code == 401
    assert visitor.get("/ops").status_code == 401
    assert world.sql("select acknowledged_at from audit_finding") == [(None,)]


def test_finding_that_is_over_or_never_was_cannot_be_acknowledged(li: httpx.Client, world: World) -> None:
    number = finding(world)
    world.sql("update audit_finding set cleared_at = hub_now()")
    words = {"csrf": csrf_of(li.get("/ops").text), "why": "x"}
    assert li.post(f"/ops/findings/{number}/acknowledge", data=words).status_code == 404
    assert li.post("/ops/findings/999/acknowledge", data=words).status_code == 404


def test_auditor_that_stopped_is_on_every_desk(li: httpx.Client, world: World) -> None:
    world.sql("insert into heartbeat (role, at) values ('audit', hub_now())")
    assert "值守进程停了" not in li.get("/queue").text
    world.sql("update heartbeat set at = hub_now() - interval '11 seconds'")
    assert "值守进程停了" in li.get("/queue").text


def test_operators_do_not_see_the_canary_and_it_does_not_see_theirs(
    li: httpx.Client, console: Served, world: World
) -> None:
    real, nobodys = world.alert("watch-wang"), canary(world)
    with console.client() as hers:
        assert sign_in(hers, "canary").status_code == 303
        world.sql(
            "insert into presence (person_id, stream, seen_at) values (%(p)s, 'hers', hub_now())",
            p=world.people["canary"],
        )
        assert f'data-incident="{nobodys}"' in hers.get("/queue").text
        assert f'data-incident="{real}"' not in hers.get("/queue").text
    page = li.get("/").text
    assert f'data-incident="{real}"' in page
    assert f'data-incident="{nobodys}"' not in page
    assert "金丝雀" not in page, "nor is it a colleague on duty"


def test_whoever_has_the_canary_s_secret_learns_no_door_code_and_silences_no_device(
    console: Served, world: World
) -> None:
    real, _ = world.alert("watch-wang"), canary(world)
    device = world.devices["watch-wang"]
    with console.client() as thief:
        assert sign_in(thief, "canary").status_code == 303
        token = {"csrf": csrf_of(thief.get("/").text)}
        for path in (f"/incidents/{real}", f"/incidents/{real}/vitals", "/rosters/export", "/policies", "/ops"):
            assert thief.get(path).status_code == 403
        case = f"/incidents/{real}"
        for path in (f"{case}/door_code", f"/devices/{device}/test", f"{case}/note", "/group/take"):
            assert thief.post(path, data=token | {"minutes": "30", "ids": str(real)}).status_code == 403
        assert thief.post(f"/incidents/{real}/take", data=token).status_code == 409
    assert world.sql("select count(*) from access_log") == [(0,)]
    assert world.sql("select test_until from device where id = %(d)s", d=device) == [(None,)]


def test_canaries_that_ended_are_not_among_the_recent_ones(li: httpx.Client, world: World) -> None:
    nobodys = canary(world)
    with_it = li.get(f"/incidents/{nobodys}").text
    li.post(f"/incidents/{nobodys}/take", data={"csrf": csrf_of(with_it)})
    li.post(
        f"/incidents/{nobodys}/close",
        data={"csrf": csrf_of(with_it), "how": "voice", "disposition": "test", "done": "x", "with_whom": "x",
              "called_back": "1"},
    )  # fmt: skip
    assert world.sql("select state from incident where id = %(i)s", i=nobodys) == [("closed",)]
    assert f"/incidents/{nobodys}" not in li.get("/overview").text
