"""Accounts, sessions, the second factor, and breaking the glass: at a real console."""

import re

import httpx
import pyotp

from hub.web.app import ConsoleOptions
from tests.integration.web.conftest import Served
from tests.integration.web.world import PASSWORD, World, csrf_of, sign_in


def post(client: httpx.Client, path: str, at: str = "/me", **fields: str) -> httpx.Response:
    return client.post(path, data={"csrf": csrf_of(client.get(at).text)} | fields)


def enrol(client: httpx.Client) -> tuple[pyotp.TOTP, list[str]]:
    """Set an authenticator up as a person does; return it and the recovery codes."""
    page = client.get("/second-factor").text
    secret = re.search(r"<code>([A-Z2-7 ]+)</code>", page)
    assert secret is not None
    app = pyotp.TOTP(secret[1].replace(" ", ""))
    done = client.post("/second-factor", data={"csrf": csrf_of(page), "code": app.now()})
    codes = re.findall(r"<code>([a-z2-7-]+)</code>", done.text)
    assert len(codes) == 10
    return app, codes


def code_of(client: httpx.Client, page: httpx.Response, code: str) -> httpx.Response:
    return client.post("/login/code", data={"csrf": csrf_of(page.text), "code": code})


def test_password_alone_opens_nothing_once_a_code_is_asked_for(console: Served, li: httpx.Client, world: World) -> None:
    app, codes = enrol(li)
    with console.client() as other:
        asked = sign_in(other, "li")
        assert asked.status_code == 200
        assert "carehub_session" not in other.cookies
        assert other.get("/queue").status_code == 401
        assert code_of(other, asked, app.now()).status_code == 401, "it was used to set the app up"
        asked = sign_in(other, "li")
        assert code_of(other, asked, codes[0]).status_code == 303
        assert other.get("/queue").status_code == 200
    with console.client() as third:
        assert code_of(third, sign_in(third, "li"), codes[0]).status_code == 401, "each recovery code works once"
    stored = world.sql("select secret from second_factor")[0][0]
    assert app.secret not in stored
    assert world.sql("select count(*) from recovery_code where used_at is not null") == [(1,)]


def test_code_of_now_signs_in_once(console: Served, li: httpx.Client, world: World) -> None:
    app, _ = enrol(li)
    world.sql("update second_factor set last_step = 0")  # half a minute later
    code = app.now()
    with console.client() as other:
        assert code_of(other, sign_in(other, "li"), code).status_code == 303
    with console.client() as thief:
        assert code_of(thief, sign_in(thief, "li"), code).status_code == 401
    assert world.sql("select count(*) from account_event where what = 'code_wrong'") == [(1,)]


def test_codes_are_tried_five_times_for_one_password(console: Served, li: httpx.Client) -> None:
    enrol(li)
    with console.client() as thief:
        page = sign_in(thief, "li")
        for _ in range(5):
            page = code_of(thief, page, "000000")
        assert code_of(thief, page, "000000").status_code == 401
        assert "carehub_session" not in thief.cookies


def test_sessions_are_listed_and_ended(console: Served, li: httpx.Client, world: World) -> None:
    with console.client() as other:
        sign_in(other, "li")
        number = world.sql("select max(id) from web_session")[0][0]
        assert "127.0.0.1" in li.get("/me").text
        assert post(li, "/me/end", session=str(number)).status_code == 303
        assert other.get("/queue").status_code == 401
    assert li.get("/queue").status_code == 200


def test_nobody_ends_the_session_of_somebody_else_by_its_number(
    li: httpx.Client, chen: httpx.Client, world: World
) -> None:
    number = world.sql("select id from web_session where person_id = %(p)s", p=world.people["chen"])[0][0]
    post(li, "/me/end", session=str(number))
    assert chen.get("/queue").status_code == 200


def test_new_password_needs_the_old_one_and_signs_out_elsewhere(console: Served, li: httpx.Client) -> None:
    assert post(li, "/me/password", old="not it", new="another long one").status_code == 401
    with console.client() as other:
        sign_in(other, "li")
        assert post(li, "/me/password", old=PASSWORD, new="another long one").status_code == 200
        assert other.get("/queue").status_code == 401
        assert sign_in(other, "li", "another long one").status_code == 303


def test_supervisor_makes_an_operator_who_signs_in_and_switches_him_off(console: Served, world: World) -> None:
    with console.client() as ma, console.client() as fresh:
        sign_in(ma, "ma")
        made = post(ma, "/people", name="新人", role="operator", login="xinren").text
        password = re.findall(r"<code>([\w-]{16})</code>", made)[0]
        assert sign_in(fresh, "xinren", password).status_code == 303
        number = world.sql("select id from person where login = 'xinren'")[0][0]
        assert post(ma, f"/people/{number}/deactivate").status_code == 303
        assert fresh.get("/queue").status_code == 401


def test_supervisor_makes_nobody_her_equal(console: Served, world: World) -> None:
    with console.client() as ma:
        sign_in(ma, "ma")
        assert post(ma, "/people", name="新人", role="administrator", login="root").status_code == 422
        assert post(ma, f"/people/{world.people['li']}/role", role="supervisor").status_code == 422
        assert post(ma, f"/people/{world.people['ma']}/role", role="operator").status_code == 422
        assert post(ma, "/people", name="调度", role="dispatcher", login="d").status_code == 422, "of no organisation"
    assert world.sql("select count(*) from person where role = 'supervisor'") == [(1,)]


def test_locked_record_opens_with_a_reason_that_a_supervisor_signs(
    console: Served, li: httpx.Client, world: World
) -> None:
    case = world.alert("watch-wang")
    world.sql("update resident set locked = true where id = %(r)s", r=world.residents["wang"])
    assert "王秀英" in li.get(f"/incidents/{case}").text, "an open case is reason enough"
    at = f"/incidents/{case}"
    post(li, f"{at}/take", at=at)
    about = {"how": "voice", "disposition": "accidental", "done": "通话", "with_whom": "本人", "called_back": "yes"}
    assert post(li, f"{at}/close", at=at, **about).status_code == 303
    assert li.get(f"/incidents/{case}").headers["location"] == f"/glass?incident={case}"
    assert li.get(f"/incidents/{case}/vitals").status_code == 403
    form = {"incident": str(case), "reason": "太短"}
    assert post(li, "/glass", at="/glass", **form).status_code == 422
    form["reason"] = "家属来电询问昨晚的情况，需要核对"
    assert post(li, "/glass", at="/glass", **form).headers["location"] == f"/incidents/{case}"
    assert "王秀英" in li.get(f"/incidents/{case}").text
    assert [what for (what,) in world.sql("select what from access_log order by id")] == ["glass", "case: glass"]
    with console.client() as ma:
        sign_in(ma, "ma")
        assert "/glass/opened" in ma.get("/queue").text, "on her screen at once"
        assert form["reason"] in ma.get("/glass/opened").text
        assert post(ma, "/glass/1/seen", at="/glass/opened", remark="已核实").status_code == 303
        assert "/glass/opened" not in ma.get("/queue").text
        found = ma.post("/access-log", data={"csrf": csrf_of(ma.get("/access-log").text), "whom": "秀英", "as": "csv"})
        assert form["reason"] in found.text
    world.sql("update break_glass set ends_at = hub_now()")
    assert li.get(f"/incidents/{case}").status_code == 303


def test_code_that_is_required_of_supervisors_is_set_up_by_them_first_and_asked_of_nobody_else(world: World) -> None:
    served = Served(world.dsn, ConsoleOptions(dsn=world.dsn, second_factor="supervisor,administrator")).start()
    try:
        with served.client() as ma, served.client() as li:
            sign_in(ma, "ma")
            assert ma.get("/supervisor").headers["location"] == "/second-factor"
            enrol(ma)
            assert ma.get("/supervisor").status_code == 200
            sign_in(li, "li")
            assert li.get("/queue").status_code == 200
    finally:
        served.stop()
