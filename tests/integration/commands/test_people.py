"""A hub without a demo gets its people from the command line, and they can work it."""

import psycopg
import pytest

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
        (["--role", "family", "--for", "99"], "not registered"),
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


def test_list_shows_numbers(dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    people.main(["resident", "马秀兰"])
    people.main(["list"])
    assert "     1  马秀兰" in capsys.readouterr().out


def test_minutes_are_worked_out_from_where_she_lives_and_where_he_starts(dsn: str) -> None:
    people.main(["resident", "马秀兰", "--lat", "38.4872", "--lon", "106.2309"])
    people.main(["person", "赵", "--role", "property", "--lat", "38.4962", "--lon", "106.2309"])
    assert rows(dsn, "select r.lat, p.lat, p.lon from resident r, person p") == [(38.4872, 38.4962, 106.2309)]
