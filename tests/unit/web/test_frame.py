"""What a form may hold, and which language a page speaks."""

from http.cookies import SimpleCookie

import pytest
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from hub.web import frame
from hub.web.auth import Seat, same


def form(**fields: str) -> FormData:
    return FormData(list(fields.items()))


@pytest.mark.parametrize(
    ("sent", "kept"), [("  hello \n", "hello"), ("a\0b", "ab"), ("", ""), ("x" * 5000, "x" * 2000)]
)
def test_text_is_kept_as_the_database_can_hold_it(sent: str, kept: str) -> None:
    assert frame.text(form(note=sent), "note").replace("\ufffd", "") == kept


def test_missing_field_is_empty_text_and_no_number() -> None:
    assert frame.text(form(), "note") == ""
    assert frame.number(form(), "person") is None


@pytest.mark.parametrize(
    ("sent", "number"),
    [("17", 17), (" 17 ", 17), ("-1", None), ("1.5", None), ("0x1f", None), ("²", None), ("1_000", None),
     ("17; drop", None)],
)  # fmt: skip
def test_number_is_digits_and_nothing_else(sent: str, number: int | None) -> None:
    assert frame.number(form(person=sent), "person") == number


@pytest.mark.parametrize("sent", ["12345678901234567890", "9999999999999999999"])
def test_number_too_long_for_any_person_is_nobody_and_not_somebody_else(sent: str) -> None:
    assert frame.number(form(person=sent), "person") is None


def request(query: str = "", cookie: str = "", accept: str = "zh-CN") -> Request:
    headers = [(b"accept-language", accept.encode()), (b"cookie", cookie.encode())]
    return Request({"type": "http", "path": "/", "query_string": query.encode(), "headers": headers})


def seat(language: str) -> Seat:
    return Seat(person_id=3, name="Li", role="operator", language=language, csrf="c", token_sha256=b"")


@pytest.mark.parametrize(
    ("asked", "who", "language"),
    [
        (request(accept="en-GB,en;q=0.9"), None, "en"),
        (request(accept="en", cookie="carehub_language=zh-CN"), None, "zh-CN"),
        (request("language=en", cookie="carehub_language=zh-CN"), None, "en"),
        (request("language=en"), seat("zh-CN"), "zh-CN"),
        (request(accept="zh-CN"), seat("en"), "en"),
    ],
)
def test_persons_language_comes_before_the_browsers(asked: Request, who: Seat | None, language: str) -> None:
    assert frame.language_of(asked, who) == language


@pytest.mark.parametrize(
    ("a", "b", "equal"), [("abc", "abc", True), ("abc", "abd", False), ("é", "e", False), ("", "a", False)]
)
def test_secrets_are_compared_whole(a: str, b: str, equal: bool) -> None:
    assert same(a, b) == equal


def test_sign_in_leads_on_with_a_get() -> None:
    answer = frame.go("/incidents/3")
    assert (answer.status_code, answer.headers["location"]) == (303, "/incidents/3")


@pytest.mark.parametrize("secure", [True, False])
def test_cookie_travels_over_tls_alone_where_there_is_tls(secure: bool) -> None:
    class Has:
        def __init__(self) -> None:
            self.secure = secure

    answer = Response()
    frame.set_cookie(answer, frame.COOKIE, "t", Has())  # type: ignore[arg-type]
    morsel = SimpleCookie(answer.headers["set-cookie"])[frame.COOKIE]
    assert bool(morsel["secure"]) == secure
    assert morsel["httponly"]
    assert morsel["samesite"] == "lax"
