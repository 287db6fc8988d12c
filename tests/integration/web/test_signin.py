"""Who gets in, who does not, and how long they may stay."""

import time

import httpx
import pytest

from tests.integration.web.world import PASSWORD, World, csrf_of, sign_in


def test_operator_signs_in_and_sees_the_queue(visitor: httpx.Client) -> None:
    answer = sign_in(visitor, "li")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "警情队列" in visitor.get("/").text


def test_session_cookie_is_kept_from_scripts_and_other_sites(visitor: httpx.Client) -> None:
    cookie = next(c for c in sign_in(visitor, "li").headers.get_list("set-cookie") if c.startswith("carehub_session"))
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie


def test_token_is_kept_as_a_hash_only(visitor: httpx.Client, world: World) -> None:
    sign_in(visitor, "li")
    token = visitor.cookies["carehub_session"].encode()
    assert world.sql("select count(*) from web_session where token_sha256 = sha256(%(t)s)", t=token) == [(1,)]


def test_page_without_session_leads_to_sign_in_and_back(visitor: httpx.Client, world: World) -> None:
    incident = world.alert("watch-wang")
    answer = visitor.get(f"/incidents/{incident}", headers={"accept": "text/html"})
    assert answer.headers["location"] == f"/login?next=/incidents/{incident}"


def test_part_without_session_is_refused(visitor: httpx.Client) -> None:
    assert visitor.get("/queue", headers={"hx-request": "true", "accept": "text/html"}).status_code == 401
    assert visitor.get("/stream").status_code == 401


def test_wrong_password_and_unknown_account_look_the_same(visitor: httpx.Client) -> None:
    wrong = sign_in(visitor, "li", "not it")
    unknown = sign_in(visitor, "nobody", "not it")
    assert wrong.status_code == unknown.status_code == 401
    assert "账号或密码不对" in wrong.text
    assert "账号或密码不对" in unknown.text


def test_unknown_account_takes_as_long_as_a_wrong_password(visitor: httpx.Client) -> None:
    def seconds(login: str) -> float:
        form = visitor.get("/login")
        began = time.perf_counter()
        visitor.post("/login", data={"csrf": csrf_of(form.text), "login": login, "password": "not it"})
        return time.perf_counter() - began

    assert min(seconds("nobody1"), seconds("nobody2")) > 0.5 * min(seconds("li"), seconds("chen"))


def test_too_many_attempts_must_wait(visitor: httpx.Client) -> None:
    codes = [sign_in(visitor, "li", "not it").status_code for _ in range(6)]
    assert codes == [401] * 5 + [429]
    late = sign_in(visitor, "li", PASSWORD)
    assert late.status_code == 429
    assert int(late.headers["retry-after"]) >= 1
    assert sign_in(visitor, "chen", PASSWORD).status_code == 303


def test_family_account_may_not_use_the_console(visitor: httpx.Client, world: World) -> None:
    assert sign_in(visitor, "son").status_code == 403
    assert world.sql("select count(*) from web_session") == [(0,)]


def test_sign_in_form_from_elsewhere_is_refused(visitor: httpx.Client) -> None:
    token = csrf_of(visitor.get("/login").text)
    words = {"login": "li", "password": PASSWORD}
    assert visitor.post("/login", data={**words, "csrf": "guessed"}).status_code == 403
    elsewhere = {"origin": "https://elsewhere.example"}
    assert visitor.post("/login", data={**words, "csrf": token}, headers=elsewhere).status_code == 403


def test_sign_in_leads_to_no_other_site(visitor: httpx.Client) -> None:
    token = csrf_of(visitor.get("/login").text)
    form = {"login": "li", "password": PASSWORD, "csrf": token, "next": "//elsewhere.example/"}
    assert visitor.post("/login", data=form).headers["location"] == "/"


def test_sign_out_ends_the_session(li: httpx.Client) -> None:
    cookie = li.cookies["carehub_session"]
    li.post("/logout", data={"csrf": csrf_of(li.get("/").text)})
    li.cookies.set("carehub_session", cookie)
    assert li.get("/queue").status_code == 401


def test_session_ends_with_the_shift_and_when_left_idle(li: httpx.Client, world: World) -> None:
    world.sql("update web_session set seen_at = hub_now() - interval '31 minutes'")
    assert li.get("/queue").status_code == 401
    world.sql("update web_session set seen_at = hub_now()")
    assert li.get("/queue").status_code == 200
    world.sql("update web_session set expires_at = hub_now() - interval '1 second'")
    assert li.get("/queue").status_code == 401


def test_account_that_was_switched_off_is_out_at_once(li: httpx.Client, world: World) -> None:
    world.sql("update person set active = false where login = 'li'")
    assert li.get("/queue").status_code == 401


def test_language_follows_the_person(li: httpx.Client) -> None:
    li.post("/language", data={"csrf": csrf_of(li.get("/").text), "language": "en", "next": "/"})
    assert "Incident queue" in li.get("/").text


def test_login_with_a_character_the_database_refuses_is_a_wrong_one(visitor: httpx.Client) -> None:
    assert sign_in(visitor, "l\x00i").status_code == 401


def test_sign_in_leads_back_to_the_supervisors_page_that_was_asked_for(visitor: httpx.Client) -> None:
    for path in ("/policies", "/policies/versions/3", "/rosters", "/coverage", "/ops"):
        form = visitor.get(f"/login?next={path}").text
        assert f'name="next" value="{path}"' in form
        posted = {"csrf": csrf_of(form), "login": "chen", "password": PASSWORD, "next": path}
        assert visitor.post("/login", data=posted).headers["location"] == path
        visitor.cookies.clear()


@pytest.mark.parametrize("who", ["ma", "li"])
def test_supervisor_and_operator_find_the_pages_of_the_office_from_the_queue(visitor: httpx.Client, who: str) -> None:
    sign_in(visitor, who)
    queue = visitor.get("/").text
    for path in ("/policies", "/rosters", "/coverage", "/ops"):
        assert f'<a href="{path}"' in queue
        assert visitor.get(path).status_code == 200


def test_language_is_chosen_on_a_page_of_the_office_and_the_page_stays(visitor: httpx.Client) -> None:
    sign_in(visitor, "ma")
    page = visitor.get("/ops").text
    assert "值守" in page
    answer = visitor.post("/language", data={"csrf": csrf_of(page), "language": "en", "next": "/ops"})
    assert answer.headers["location"] == "/ops"
    assert "Duty lists" in visitor.get("/ops").text
