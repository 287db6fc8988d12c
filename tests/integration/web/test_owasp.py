"""What is tried against every web application, tried against this one."""

import json
import re
from collections.abc import Iterator
from urllib.parse import unquote

import httpx
import pytest
from structlog.testing import capture_logs

from hub.web.access import PARTS, SEATS, SIGN_IN, TABLE, Holder, Way
from tests.integration.web.conftest import Served
from tests.integration.web.test_matrix import PART, WHO, Town, lines, town
from tests.integration.web.world import PASSWORD, World, csrf_of, sign_in

__all__ = ["town"]
INLINE = re.compile(r"<[^>]+\s(?:style|on[a-z]+)\s*=", re.IGNORECASE)
SCRIPT = re.compile(r"<script(?![^>]*\bnonce=)", re.IGNORECASE)
ADDRESS = re.compile(r"\b(?:href|action|src|hx-get|hx-post|data-url)=\"([^\"]*)\"")
LARGE = b"x" * (8 << 20)  # more than any form of ours takes


def posts() -> Iterator[tuple[str, str, Holder]]:
    """Every form of those who sign in, with somebody who may send it."""
    for name, verb, holders in lines():
        if name.startswith("POST"):
            yield name, verb, next(h for h in WHO if h in holders)


def pages() -> Iterator[tuple[str, Holder]]:
    for name, line in TABLE.items():
        holders = Way(method="", path=name, line=line).everybody
        if name.startswith("GET") and holders & SIGN_IN and name[4:] not in PARTS:
            yield name, next(h for h in WHO if h in holders)


def test_every_form_without_its_sessions_token_is_refused_and_changes_nothing(town: Town) -> None:
    before = town.state()
    taken = []
    for name, verb, holder in posts():
        if name != "POST /logout" and town.ask(name, WHO[holder], verb=verb, csrf=False).status_code != 403:
            taken.append(f"{name} {verb}")
    assert not taken
    assert town.state() == before


def test_token_of_another_session_is_refused(town: Town) -> None:
    headers = {"cookie": f"carehub_session={town.sessions['li'][0]}", "x-csrf-token": town.sessions["ma"][1]}
    for path in ("/surge", f"/incidents/{town.cases['own']}/take", "/me/end", "/language"):
        assert town.client.post(path, headers=headers).status_code == 403


def test_session_that_was_planted_is_not_the_one_that_signs_in(visitor: httpx.Client, world: World) -> None:
    visitor.cookies.set("carehub_session", "planted by somebody else")
    assert sign_in(visitor, "li").status_code == 303
    given = [c.value for c in visitor.cookies.jar if c.name == "carehub_session"]
    assert "planted by somebody else" not in given[-1:]
    visitor.cookies.clear()
    visitor.cookies.set("carehub_session", "planted by somebody else")
    assert visitor.get("/queue").status_code == 401


def test_signing_in_again_ends_the_session_this_browser_had(console: Served, li: httpx.Client, world: World) -> None:
    before = li.cookies["carehub_session"]
    assert sign_in(li, "li").status_code == 303
    assert li.cookies["carehub_session"] != before
    with console.client() as thief:
        thief.cookies.set("carehub_session", before)
        assert thief.get("/queue").status_code == 401
    assert world.sql("select count(*) from web_session") == [(1,)]


def test_guessing_is_slowed_and_written_down_without_what_was_typed(visitor: httpx.Client, world: World) -> None:
    with capture_logs() as logs:
        codes = [sign_in(visitor, "li", f"guess number {n}").status_code for n in range(7)]
    assert codes[-1] == 429
    said = [entry["event"] for entry in logs]
    assert said.count("sign_in_wrong") == 5
    assert "sign_in_slowed" in said
    assert "guess number" not in json.dumps(logs, default=str)
    assert world.sql("select count(*) from account_event where what = 'password_wrong'") == [(5,)]
    with capture_logs() as logs:
        sign_in(visitor, PASSWORD, "typed into the wrong field")
    assert PASSWORD not in json.dumps(logs, default=str)


def test_every_page_runs_scripts_of_its_own_only(town: Town) -> None:
    faults = []
    for name, holder in [*pages(), ("GET /login", Holder.OPERATOR)]:
        answer = town.ask(name, WHO[holder], verb="take" if "{verb}" in name else "")
        rule = answer.headers["content-security-policy"]
        script = next(part for part in rule.split("; ") if part.startswith("script-src"))
        if (
            "unsafe" in rule
            or "default-src 'none'" not in rule
            or not re.fullmatch(r"script-src 'nonce-[\w-]+'", script)
        ):
            faults.append(f"{name}: {rule}")
        if "text/html" in answer.headers.get("content-type", "") and (
            INLINE.search(answer.text) or SCRIPT.search(answer.text)
        ):
            faults.append(f"{name}: something inline")
    assert not faults


def test_nothing_personal_stands_in_an_address_or_in_the_log(town: Town) -> None:
    """A log and a browser's history are read by people who may see no resident."""
    private = [
        str(value)
        for row in town.world.sql("select name, phone, address, door_code from resident union all"
                                  " select name, phone, login, '' from person where role = 'family'")
        for value in row if value and (len(str(value)) > 4 or not str(value).isascii())
    ]  # fmt: skip
    addresses: list[str] = []
    with capture_logs() as logs:
        for name, holder in pages():
            answer = town.ask(name, WHO[holder])
            addresses += [name, answer.headers.get("location", ""), str(answer.url) if answer.is_success else ""]
            addresses += ADDRESS.findall(answer.text if "html" in answer.headers.get("content-type", "") else "")
        for name, verb, holder in posts():
            if name not in ("POST /logout", "POST /people/{person_id}/{verb}"):
                town.seat(WHO[holder])
                addresses.append(town.ask(name, WHO[holder], verb=verb).headers.get("location", ""))
    written = json.dumps(logs, default=str, ensure_ascii=False)
    assert [word for word in private if word in written] == []
    linked = [unquote(address) for address in addresses if not address.startswith(("tel:", "data:"))]
    assert [(word, address) for word in private for address in linked if word in address] == []


def test_what_is_posted_is_bounded_everywhere(town: Town) -> None:
    for name in (
        "POST /login",
        "POST /surge",
        "POST /rosters/import",
        "POST /policies",
        "POST /access-log",
        "POST /glass",
    ):
        headers = {"cookie": f"carehub_session={town.sessions['ma'][0]}", "x-csrf-token": town.sessions["ma"][1]}
        headers["content-type"] = "application/x-www-form-urlencoded"
        answer = town.client.post(PART.sub("1", name[5:]), content=LARGE, headers=headers)
        assert answer.status_code == 413, name


def test_headers_keep_pages_out_of_frames_caches_and_other_sites(town: Town) -> None:
    headers = town.ask("GET /", "li").headers
    assert headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"


@pytest.mark.parametrize("holder", sorted(SEATS - SIGN_IN))
def test_whoever_is_no_person_signs_in_to_nothing_else(holder: str) -> None:
    """The canary's lines are a handful, and none reads a resident's card."""
    own = {name for name, _, holders in lines() if holder in holders}
    assert own <= {
        "GET /",
        "GET /queue",
        "GET /queue/rows",
        "GET /stream",
        "POST /seen",
        "POST /incidents/{incident_id}/{verb}",
    }


def test_error_says_nothing_about_the_inside(town: Town) -> None:
    for path in ("/incidents/999999999999999999999", "/incidents/x", "/nowhere", "/people/0", "/access-log?x=%00"):
        answer = town.client.get(path, headers={"cookie": f"carehub_session={town.sessions['ma'][0]}"})
        assert answer.status_code < 500
        assert "Traceback" not in answer.text
        assert "psycopg" not in answer.text


def test_second_step_is_no_way_round_the_first(visitor: httpx.Client) -> None:
    token = csrf_of(visitor.get("/login").text)
    visitor.cookies.set("carehub_half", "made up")
    assert visitor.post("/login/code", data={"csrf": token, "code": "123456"}).status_code == 401
    assert "carehub_session" not in visitor.cookies
