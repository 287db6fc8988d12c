"""A hub without a demo gets its people from the command line, and they can work it."""

import json

import psycopg
import pytest

from hub.__main__ import main as carehub
from hub.channels.addresses import CHECKS
from hub.commands import people
from hub.errors import HubError
from hub.passwords import verify


@pytest.fixture(autouse=True)
def _database(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAREHUB_DATABASE_DSN", dsn)


def rows(dsn: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(dsn) as conn:
        return conn.execute(query.encode()).fetchall()


def test_resident_with_her_daughter_and_a_guard(dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    people.main(
        ["resident", "马秀兰", "--area", "和平社区", "--address", "3-2-501", "--risk", "falls", "--risk", "dog"]
    )
    assert capsys.readouterr().out == "resident 1\n"
    people.main(
        ["person", "马丽", "--role", "family", "--for", "1", "--relation", "女儿", "--minutes", "20",
         "--contact", "webhook=https://example.org/page"]
    )  # fmt: skip
    people.main(["person", "赵", "--role", "property", "--area", "和平社区", "--contact", "mqtt", "--on-duty", "7"])
    assert "carehub/responder/2/" in capsys.readouterr().out
    assert rows(dsn, "select name, risks from resident") == [("马秀兰", ["falls", "dog"])]
    assert rows(dsn, "select resident_id, person_id, relation, minutes_away from care_circle") == [(1, 1, "女儿", 20.0)]
    assert rows(dsn, "select person_id, channel, address from contact order by 1") == [
        (1, "webhook", "https://example.org/page"),
        (2, "mqtt", "carehub/responder/2/page"),
    ]
    assert rows(dsn, "select kind, topic_prefix, person_id from credential") == [
        ("responder", "carehub/responder/2/", 2)
    ]
    assert rows(dsn, "select during @> hub_now() + interval '6 days' from shift") == [(True,)]


def test_risk_in_other_words_is_kept_and_said_to_be_unknown(dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    people.main(["resident", "马秀兰", "--risk", "falls", "--risk", "loose_carpet"])
    resident, unknown = capsys.readouterr().out.splitlines()
    assert resident == "resident 1"
    assert "'loose_carpet' is shown as written" in unknown
    assert "lives_alone" in unknown
    assert rows(dsn, "select risks from resident") == [(["falls", "loose_carpet"],)]


def test_operator_gets_a_password_once_and_a_console(dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    people.main(["person", "李雪", "--role", "operator", "--login", "lixue"])
    password = capsys.readouterr().out.split("password  ")[1].split()[0]
    ((stored,),) = rows(dsn, "select password_hash from person")
    assert verify(str(stored), password)
    assert rows(dsn, "select channel from contact") == [("console",)]
    with pytest.raises(HubError, match="choose another login"):
        people.main(["person", "别人", "--role", "operator", "--login", "lixue"])


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--role", "family", "--login", "x"], "sign in at the console"),
        (["--role", "family", "--contact", "pigeon=roof"], "no contact"),
        (["--role", "family", "--contact", "webhook=ftp://x"], "no contact"),
        (["--role", "family", "--for", "99"], "there is no resident '99'"),
        (["--role", "family", "--for", "马秀兰"], "there is no resident '马秀兰'"),
    ],
)
def test_what_cannot_work_is_refused_and_nothing_stays(dsn: str, words: list[str], reason: str) -> None:
    with pytest.raises(HubError, match=reason):
        people.main(["person", "某人", *words])
    assert rows(dsn, "select count(*) from person") == [(0,)]


def test_a_way_that_nobody_told_is_unknown_and_not_at_her_door(dsn: str) -> None:
    people.main(["resident", "马秀兰"])
    people.main(["person", "马丽", "--role", "family", "--for", "1", "--contact", "webhook=https://example.org/page"])
    assert rows(dsn, "select minutes_away from care_circle") == [(None,)]


def registered(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert carehub(["people", *words]) == 0
    return capsys.readouterr().out


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert carehub(["people", *words]) == 2
    return capsys.readouterr().err


def test_list_tells_who_is_called_for_whom_how_and_who_is_on_duty(dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    registered(capsys, "resident", "马秀兰", "--area", "和平社区", "--address", "3-2-501")
    registered(capsys, "person", "马丽", "--role", "family", "--for", "马秀兰", "--relation", "女儿", "--minutes", "20",
               "--contact", "sms=13800000001", "--contact", "webhook=https://example.org/secret")  # fmt: skip
    registered(capsys, "person", "赵", "--role", "property", "--area", "和平社区", "--contact", "app", "--on-duty", "7")
    registered(capsys, "person", "白", "--role", "community", "--area", "和平社区")
    registered(capsys, "person", "远", "--role", "community", "--area", "东风社区")
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute("insert into clock (at) values ('2026-11-22T02:00Z')")
        conn.execute("update shift set during = '[2026-11-22T00:00Z, 2026-11-24T00:00Z)'")
        conn.execute("insert into shift (person_id, during) values (4, '[2026-11-23T00:00Z, 2026-11-24T00:00Z)')")
    told = registered(capsys, "list")
    assert told.splitlines() == [
        "residents",
        "no.  name    area      address  called for her, in this order",
        "  1  马秀兰  和平社区  3-2-501  马丽 (女儿, 20 min)",
        "",
        "people",
        "no.  name  role       area      reached by                            called for  duty (Asia/Shanghai)",
        "  1  马丽  family     -         sms 13800000001, webhook example.org  马秀兰      any hour",
        "  2  赵    property   和平社区  app                                   -           on until 11-24 08:00",
        "  3  白    community  和平社区  NOTHING                               -           NEVER",
        "  4  远    community  东风社区  NOTHING                               -           from 11-23 08:00",
    ]
    assert "远" not in registered(capsys, "list", "--area", "和平社区")
    assert registered(capsys, "list", "--area", "?").count("(none)") == 2
    found = json.loads(registered(capsys, "list", "--json"))
    assert found["residents"][0]["circle"] == [{"person": 1, "name": "马丽", "relation": "女儿", "minutes": 20}]
    assert found["people"][0]["contacts"][1] == {"channel": "webhook", "address": "https://example.org/secret"}
    assert found["people"][1]["until"] == "2026-11-24T00:00:00+00:00"


def test_canary_is_nobodys_neighbour_and_not_listed(dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    registered(capsys, "resident", "测试")
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute("update resident set canary = true")
    assert "测试" not in registered(capsys, "list")


def test_name_of_several_is_refused_with_who_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    for area in ("和平社区", "东风社区"):
        registered(capsys, "resident", "王秀兰", "--address", f"{area} 1-101", "--area", area)
        registered(capsys, "person", "王伟", "--role", "community", "--area", area)
    told = refused(capsys, "person", "王丽", "--role", "family", "--for", "王秀兰")
    assert (
        "several residents are called '王秀兰': give the number, one of 1 (和平社区 1-101), 2 (东风社区 1-101)" in told
    )
    told = refused(capsys, "link", "王伟")
    assert "'王伟' is more than one person; give the number of one of 1 王伟 (community, 和平社区), 2 王伟" in told
    assert "carehub people list" in refused(capsys, "link", "没有")
    assert "carehub people list" in refused(capsys, "person", "王丽", "--role", "family", "--for", "没有")


@pytest.mark.parametrize("said", ["1", "李雪", "LIXUE", "13800000001", "138 0000 0001"])
def test_link_is_made_for_a_person_by_anything_he_is_called(said: str, capsys: pytest.CaptureFixture[str]) -> None:
    registered(capsys, "person", "李雪", "--role", "operator", "--login", "lixue", "--phone", "138 0000 0001")
    told = registered(capsys, "link", said)
    assert "/me/" in told
    assert "for       李雪" in told
    assert registered(capsys, "link", said, "--revoke") == "1 links of 李雪 ended\n"


def test_person_is_given_another_way_another_resident_and_duty_later(
    dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    registered(capsys, "resident", "马秀兰")
    told = registered(capsys, "person", "马丽", "--role", "family")
    assert "nothing reaches 马丽 yet: carehub people change 1 --contact" in told
    assert "carehub people change 1 --for RESIDENT" in told
    told = registered(capsys, "change", "马丽", "--contact", "sms=13800000001", "--for", "马秀兰", "--relation", "女儿")
    assert told == "person 1: 马丽\n"
    registered(capsys, "change", "1", "--contact", "sms=13800000002", "--lat", "38.4", "--lon", "106.2")
    assert rows(dsn, "select lat, lon from person") == [(38.4, 106.2)]
    assert rows(dsn, "select channel, address from contact") == [("sms", "13800000002")]
    assert rows(dsn, "select resident_id, relation from care_circle") == [(1, "女儿")]
    assert "say what changes: --contact, --for" in refused(capsys, "change", "马丽")
    assert "a number is written" in refused(capsys, "change", "马丽", "--contact", "sms=?")


def test_help_names_every_channel_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        carehub(["people", "person", "--help"])
    told = capsys.readouterr().out
    assert [channel for channel in CHECKS if channel not in told] == []


def test_minutes_are_worked_out_from_where_she_lives_and_where_he_starts(dsn: str) -> None:
    people.main(["resident", "马秀兰", "--lat", "38.4872", "--lon", "106.2309"])
    people.main(["person", "赵", "--role", "property", "--lat", "38.4962", "--lon", "106.2309"])
    assert rows(dsn, "select r.lat, p.lat, p.lon from resident r, person p") == [(38.4872, 38.4962, 106.2309)]


def test_consent_is_taken_back_by_a_call_and_the_history_of_person_and_device_tells_it(
    dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    people.main(["resident", "马秀兰"])
    people.main(["person", "李雪", "--role", "operator", "--login", "lixue"])
    with psycopg.connect(dsn) as conn:
        conn.execute(
            "insert into device (address, state, resident_id, created_at) values ('z2m:h/b', 'live', 1, hub_now())"
        )
    with pytest.raises(HubError, match="--said-by and --by"):
        people.main(["consent", "马秀兰", "--no"])
    people.main(["consent", "1", "--yes", "--said-by", "herself", "--by", "lixue"])
    capsys.readouterr()
    people.main(["consent", "马秀兰", "--no", "--said-by", "relative", "--by", "lixue"])
    assert "z2m:h/b: rings on" in capsys.readouterr().out
    people.main(["consent", "马秀兰"])
    last, first = capsys.readouterr().out.splitlines()
    assert last.endswith("no   said by relative, heard by 李雪")
    assert first.endswith("yes  said by herself, heard by 李雪")
    assert rows(dsn, "select actor, facts->>'given' from device_event where action = 'consent' order by id") == [
        ("person:1", "true"), ("person:1", "false"),
    ]  # fmt: skip
    assert rows(dsn, "select state from device") == [("live",)]
    carehub(["devices", "show", "z2m:h/b"])
    shown = capsys.readouterr().out
    assert "consent   taken back on" in shown
    assert "by relative, heard by 李雪" in shown


def test_who_is_no_contact_is_taken_out_of_the_circle(dsn: str) -> None:
    people.main(["resident", "马秀兰"])
    people.main(["person", "马丽", "--role", "family", "--for", "1", "--contact", "webhook=https://example.org/page"])
    people.main(["change", "马丽", "--not-for", "马秀兰"])
    assert rows(dsn, "select count(*) from care_circle") == [(0,)]
    with pytest.raises(HubError, match="is not called for"):
        people.main(["change", "马丽", "--not-for", "马秀兰"])
