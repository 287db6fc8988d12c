"""What went wrong, as RFC 9457 has it: one shape for every answer that is none, and all of them declared."""

from collections.abc import Sequence
from typing import Any, Final

import psycopg
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from hub.incidents import UnknownIncidentError
from hub.refusals import Refused
from hub.store.incidents import RaceError
from hub.web.security import BODY_LIMIT, BodyTooLargeError

MEDIA: Final = "application/problem+json"
FHIR_MEDIA: Final = "application/fhir+json"
ISSUES: Final = {  # FHIR's code of each kind of error
    400: "invalid", 401: "login", 403: "forbidden", 404: "not-found", 405: "not-supported", 409: "conflict",
    412: "conflict", 413: "too-long", 415: "not-supported", 422: "invalid", 429: "throttled", 503: "transient",
}  # fmt: skip
AGAIN_S: Final = 2
TITLES: Final = {
    400: "This is no request",
    401: "No token, or one that does not count",
    403: "The token does not hold this scope",
    404: "There is no such thing, or not for this token",
    405: "Not with this method",
    409: "The case does not allow it now",
    412: "It has changed since",
    413: "Too large",
    415: "Not in this form",
    422: "Something in the request is missing or wrong",
    429: "Too many requests",
    503: "The database is away for a moment",
}
FAULTS_SHOWN: Final = 20
log = structlog.get_logger()


class Fault(BaseModel):
    """One thing that is wrong with a request."""

    model_config = ConfigDict(extra="forbid")
    where: str = Field(description="body/minutes, query/limit …")
    what: str


class Problem(BaseModel):
    """RFC 9457. `code` is stable; `detail` is for people and may change."""

    model_config = ConfigDict(extra="forbid")
    type: str = Field("about:blank", description="what kind of problem: urn:carehub:problem:<code>")
    title: str
    status: int
    detail: str = ""
    code: str
    faults: list[Fault] = Field(default_factory=list)


class ProblemError(Exception):
    """Ends a request with a problem."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str = "",
        *,
        faults: Sequence[Fault] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail or code)
        self.status, self.code, self.detail = status, code, detail
        self.faults, self.headers = list(faults), headers


def answers(media: str = MEDIA) -> dict[int | str, dict[str, Any]]:
    """Return every problem an operation may answer with, as OpenAPI declares it; as FHIR's for operations of FHIR."""
    schema = {"$ref": f"#/components/schemas/{'Problem' if media == MEDIA else 'OperationOutcome'}"}
    return {
        status: {"description": title, "content": {media: {"schema": schema}}, **_headers(status)}
        for status, title in TITLES.items()
    }


def _headers(status: int) -> dict[str, Any]:
    if status not in (429, 503):
        return {}
    return {"headers": {"Retry-After": {"description": "seconds", "schema": {"type": "string"}}}}


def problem(
    request: Request, status: int, code: str, detail: str = "", *, faults: Sequence[Fault] = (),
    headers: dict[str, str] | None = None,
) -> Response:  # fmt: skip
    if below(request.url.path):
        return _outcome(status, code, detail, faults, headers)
    body = Problem(
        type=f"urn:carehub:problem:{code}", title=TITLES.get(status, "Not done"), status=status, detail=detail,
        code=code, faults=list(faults),
    )  # fmt: skip
    return JSONResponse(body.model_dump(), status, headers, MEDIA)


OUTCOME: Final[dict[str, Any]] = {
    "type": "object", "required": ["resourceType", "issue"], "description": "FHIR R5",
    "properties": {
        "resourceType": {"const": "OperationOutcome"},
        "issue": {"type": "array", "minItems": 1, "items": {
            "type": "object", "required": ["severity", "code"],
            "properties": {"severity": {"const": "error"}, "code": {"enum": sorted({*ISSUES.values(), "processing"})}},
        }},
    },
}  # fmt: skip


def _outcome(status: int, code: str, detail: str, faults: Sequence[Fault], headers: dict[str, str] | None) -> Response:
    """Return a problem as FHIR says it. The stable code is a coding of ours beside FHIR's own."""
    issue: dict[str, Any] = {
        "severity": "error", "code": ISSUES.get(status, "processing"),
        "diagnostics": detail or TITLES.get(status, "Not done"),
        "details": {"coding": [{"system": "urn:carehub:problem", "code": code}]},
    }  # fmt: skip
    issues = [{**issue, "expression": [one.where], "diagnostics": one.what} for one in faults] or [issue]
    return JSONResponse({"resourceType": "OperationOutcome", "issue": issues}, status, headers, FHIR_MEDIA)


def below(path: str) -> bool:
    """Whether a path is below /fhir, where errors are FHIR's."""
    return "/fhir/" in path


def install(app: FastAPI) -> None:
    """Have every error of an application answered in this shape."""
    app.add_exception_handler(ProblemError, _ours)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(UnknownIncidentError, _unknown)
    app.add_exception_handler(RaceError, _away)
    app.add_exception_handler(psycopg.OperationalError, _away)
    app.add_exception_handler(psycopg.DataError, _not_to_be_stored)


async def _ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)
    return problem(request, error.status, error.code, error.detail, faults=error.faults, headers=error.headers)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if isinstance(error.__cause__, BodyTooLargeError):  # met while the body was read
        return problem(request, 413, "too_large", f"no more than {BODY_LIMIT // 1024} kB")
    headers = dict(error.headers) if error.headers else None
    return problem(request, error.status_code, f"http_{error.status_code}", headers=headers)


async def _invalid(request: Request, error: Exception) -> Response:
    """What was sent is not said back: it may hold a name, and letters that are none."""
    assert isinstance(error, RequestValidationError)
    faults = [
        Fault(where="/".join(str(part) for part in each["loc"] if _plain(part)), what=each["msg"])
        for each in error.errors()[:FAULTS_SHOWN]
    ]
    return problem(request, 422, "invalid", faults=faults)


def _plain(part: object) -> bool:
    return isinstance(part, int) or (isinstance(part, str) and part.isascii() and part.isprintable())


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return problem(request, 409, error.code, error.words("en"))


async def _unknown(request: Request, error: Exception) -> Response:
    return problem(request, 404, "no_such_case")


async def _away(request: Request, error: Exception) -> Response:
    log.error("database_away", error=type(error).__name__)
    return problem(request, 503, "busy", headers={"Retry-After": str(AGAIN_S)})


async def _not_to_be_stored(request: Request, error: Exception) -> Response:
    log.warning("input_refused", error=type(error).__name__)
    return problem(request, 422, "not_to_be_stored", "a number or a word that is none for the database")
