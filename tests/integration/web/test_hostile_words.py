"""Markup and formulas in every word that people and devices bring: no page, piece, push or export lets one run."""

import csv
import io
import json
import re
import zipfile
from importlib import resources

import httpx
import pytest

from hub import desk as hub_desk
from hub.web.access import SEATS, TABLE, Holder, Way
from tests.integration.web.test_matrix import WHO, Town, lines, town
from tests.integration.web.there import make
from tests.integration.web.world import World

__all__ = ["town"]  # a fixture
NASTY = """<img src=x onerror="alert('1')"><script>alert(2)</script>{{7*7}}"""
FORMULA = '=HYPERLINK("http://evil/","x")'
# Columns that hold what somebody typed or a device sent; of what the hub itself writes there is no need.
WORDS = {
    "resident": ("name", "address", "entrance", "key_place", "phone"), "person": ("name", "phone"),
    "device": ("model", "room"), "organisation": ("name",), "landmark": ("name", "note"), "note": ("text",),
    "care_circle": ("relation",),
}  # fmt: skip
RAW = ("<img src=x", "<script>alert", 'onerror="alert')


def spoil(world: World, word: str) -> None:
    for table, columns in WORDS.items():
        sets = ", ".join(
            f"{column} = %(w)s" + (" || id" if column == "name" and table != "resident" else "") for column in columns
        )
        world.sql(f"update {table} set {sets}", w=word)


@pytest.fixture
def spoilt(town: Town) -> Town:
    world = town.world
    if not world.sql("select 1 from landmark"):
        world.sql("insert into landmark (kind, name, note, lat, lon) values ('aed', 'x', 'x', 38.4705, 106.2605)")
        case, li = town.cases["own"], world.people["li"]
        world.run(lambda conn: hub_desk.take(conn, case, li))
        world.run(lambda conn: hub_desk.note(conn, case, li, "x"))
        world.sql("insert into area (name, level) values (%(w)s, 'community')", w=NASTY)
        world.sql("update resident set area = %(w)s where id = %(r)s", w=NASTY, r=world.residents["liu"])
        world.sql(
            "insert into visiting (resident_id, since, reason, entered_by, entered_at)"
            " values (%(r)s, (hub_now() - interval '40 days')::date, 'alone', 'person:1', hub_now())",
            r=world.residents["liu"],
        )  # fmt: skip
        world.sql(
            "insert into script_version (sha256, body, published_at, comment) values ('x', %(b)s, hub_now(), %(w)s)",
            b=scripted(NASTY), w=NASTY,
        )  # fmt: skip
    spoil(world, NASTY)
    return town


def scripted(word: str) -> str:
    """The scripts as they come, with a word in what is asked first."""
    text = (resources.files("alerts") / "default_scripts.toml").read_text(encoding="utf-8")
    return re.sub(r'(?m)^(zh|en) = ".*"$', lambda found: f"{found[1]} = {json.dumps(word)}", text, count=2)


def answers(town: Town) -> list[tuple[str, httpx.Response]]:
    """Every page and piece by everybody it is for."""
    found = []
    for name, verb, holders in lines():
        if not name.startswith("GET ") or name == "GET /stream":
            continue
        for holder in sorted(holders & SEATS):
            short = WHO[Holder(holder)]
            town.seat(short)
            more = make(name, town.world, town.world.people[short], town.cases["own"], town.drills)
            found.append((f"{name} {verb} {holder}", town.ask(name, short, verb=verb, more=more)))
    return found


def test_no_page_of_anybody_lets_markup_through(spoilt: Town) -> None:
    seen, raw, broken = 0, [], []
    for name, answer in answers(spoilt):
        kind = answer.headers.get("content-type", "")
        if answer.status_code >= 500:
            broken.append(name)
        if "html" in kind:
            seen += "&lt;script&gt;alert" in answer.text
            raw += [f"{name}: {one}" for one in RAW if one in answer.text]
        elif "json" in kind:
            json.loads(answer.text)  # words in values, and no page
    assert not broken
    assert not raw
    assert seen > 15, "hardly any page shows the words: the test has lost its point"


def test_script_texts_and_the_printed_month_show_words_as_words(spoilt: Town) -> None:
    spoilt.seat("ma")
    for name in ("GET /scripts", "GET /reports/month"):
        answer = spoilt.ask(name, "ma")
        assert "&lt;script&gt;alert" in answer.text, name
        assert not [one for one in RAW if one in answer.text], name
    number = spoilt.world.sql("select id from script_version where sha256 = 'x'")[0][0]
    plain = spoilt.ask("GET /scripts/{number}", "ma", more={"number": str(number)})
    assert "<script>alert" in plain.text, "as it was published"
    assert plain.headers["content-type"].startswith("text/plain")
    assert plain.headers["x-content-type-options"] == "nosniff"


def test_words_pushed_to_consoles_are_escaped_inside_the_event(spoilt: Town) -> None:
    spoilt.seat("li")
    answer = spoilt.ask("GET /queue/rows", "li")
    assert answer.status_code == 200
    rows = spoilt.client.get(
        f"/queue/rows?ids={spoilt.cases['own']}", headers={"cookie": f"carehub_session={spoilt.sessions['li'][0]}"}
    ).text
    assert "&lt;img src=x" in rows
    assert not [one for one in RAW if one in rows]


def test_no_export_holds_a_formula(spoilt: Town) -> None:
    spoil(spoilt.world, FORMULA)
    looked = 0
    for name, line in TABLE.items():
        way = Way(method="GET", path=name[4:], line=line)
        if not name.startswith("GET ") or "{form}" not in name or not way.everybody & SEATS:
            continue
        for form in ("csv", "xlsx"):
            spoilt.parts["form"] = form
            spoilt.seat("ma")
            answer = spoilt.ask(name, "ma")
            if answer.status_code != 200:
                continue
            looked += 1
            if form == "csv":
                cells = [cell for row in csv.reader(io.StringIO(answer.text.lstrip("\ufeff"))) for cell in row]
                assert not [cell for cell in cells if cell.startswith("=")], name
            else:
                with zipfile.ZipFile(io.BytesIO(answer.content)) as book:
                    assert not [f for f in book.namelist() if "sheet" in f and b"<f>" in book.read(f)], name
    spoilt.parts["form"] = "csv"
    assert looked >= 6
