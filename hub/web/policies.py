"""The administrator's policy pages: check, explain, dry run, publish, history."""

from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import structlog
from fastapi import APIRouter, HTTPException, Path, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from alerts import dry_run_words
from alerts import policy as pure
from alerts.model import AlertKind
from alerts.policy import PolicyError
from hub import policies
from hub.policies import DoubtfulPolicyError, NotPublishedError, Publisher, Review, WhenError, WhoError
from hub.store import policies as store
from hub.store.console import Row
from hub.store.policies import NoPolicyError
from hub.store.pool import Connection
from hub.store.telemetry import clean
from hub.web import access, glass, words
from hub.web.auth import Seat
from hub.web.frame import FormOf, Parts, PartsOf, SeatOf, go, render, text

router = APIRouter()
log = structlog.get_logger()
Version = Annotated[int, Path(ge=1, lt=2**63)]
LONGEST_TEXT = 40_000  # characters; the form's own limit is in bytes
LONGEST_COMMENT = 500
NIGHT = (2, 14)  # when a dry run is asked for first: the hour nobody thinks of


@dataclass
class Desk:
    """What the page shows: the text as it was sent, and what became of it."""

    text: str
    base: int | None
    comment: str = ""
    resident: str = ""
    at: str = ""
    kind: str = AlertKind.SOS
    review: Review | None = None
    explained: list[list[tuple[str, str]]] = field(default_factory=list)  # lines of each policy with their sort
    played: tuple[dry_run_words.Line, ...] = ()
    home: str = ""
    problem: str = ""  # a sentence for a person
    status: int = 200


@router.get("/policies")
async def page(
    request: Request, who: SeatOf, has: PartsOf, published: int | None = None, version: int | None = None
) -> Response:
    async with has.pool.connection() as conn:
        current, base = await policies.current_text(conn)
        if version is not None:
            current = (await _edition(conn, version)).text
        desk = Desk(text=current, base=base, at=_tonight(has))
        return await _show(request, who, has, conn, desk, published=published)


@router.post("/policies")
async def work(request: Request, who: SeatOf, form: FormOf, has: PartsOf) -> Response:
    """One form, several buttons: `do` says which. Only publishing changes anything."""
    do = text(form, "do", 20)
    async with has.pool.connection() as conn:
        desk = _sent(form)
        t = words.speaker(who.language)
        if len(desk.text) > LONGEST_TEXT:
            desk.problem, desk.status = t("policies.too_long", n=LONGEST_TEXT), 413
            return await _show(request, who, has, conn, desk)
        desk.review = await policies.review(conn, desk.text)
        match do:
            case "explain" if desk.review.policies is not None:
                desk.explained = [_sorted(pure.explain(one, who.language)) for one in desk.review.policies]
            case "dry_run" if desk.review.policies is not None:
                await _play(conn, desk, who)
            case "publish":
                if (number := await _publish(conn, desk, who, force=bool(text(form, "force", 5)))) is not None:
                    return go(f"/policies?published={number}")
        return await _show(request, who, has, conn, desk)


@router.get("/policies/versions/{number}")
async def version_page(request: Request, number: Version, who: SeatOf, has: PartsOf) -> Response:
    async with has.pool.connection() as conn:
        return await _version(request, who, conn, number)


@router.post("/policies/versions/{number}/rollback")
async def rollback(request: Request, number: Version, who: SeatOf, form: FormOf, has: PartsOf) -> Response:
    """Publish an old text again, as a new version."""
    t = words.speaker(who.language)
    comment = text(form, "comment", LONGEST_COMMENT)
    async with has.pool.connection() as conn:
        if who.role != "supervisor":
            return await _version(request, who, conn, number, problem=t("policies.only_supervisors"), status=403)
        if not comment:
            return await _version(request, who, conn, number, problem=t("policies.needs_comment"), status=422)
        try:
            fresh = await policies.rollback(
                conn, number, _publisher(who), comment=comment, force=bool(text(form, "force", 5))
            )
        except NoPolicyError:
            raise HTTPException(404) from None
        except NotPublishedError as refused:
            problem = t(f"policies.{refused.code}", n=refused.version)
            return await _version(request, who, conn, number, problem=problem, status=409)
        except (PolicyError, DoubtfulPolicyError):
            found = await policies.review(conn, (await _edition(conn, number)).text)
            return await _version(request, who, conn, number, review=found, status=409)
    log.info("policy_published", version=fresh, person_id=who.person_id, restored=number)
    return go(f"/policies?published={fresh}")


async def _publish(conn: Connection, desk: Desk, who: Seat, *, force: bool) -> int | None:
    """Return the new version, or None with the reason in `desk`."""
    t = words.speaker(who.language)
    if who.role != "supervisor":
        desk.problem, desk.status = t("policies.only_supervisors"), 403
        return None
    if not desk.comment:
        desk.problem, desk.status = t("policies.needs_comment"), 422
        return None
    try:
        number = await policies.publish(
            conn, desk.text, _publisher(who), comment=desk.comment, force=force, base=desk.base
        )
    except NotPublishedError as refused:
        desk.problem, desk.status = t(f"policies.{refused.code}", n=refused.version), 409
    except (PolicyError, DoubtfulPolicyError):
        desk.status = 409  # the review beside the text says why
    else:
        log.info("policy_published", version=number, person_id=who.person_id, forced=force)
        return number
    return None


async def _play(conn: Connection, desk: Desk, who: Seat) -> None:
    assert desk.review is not None
    t = words.speaker(who.language)
    desk.status = 422
    if not desk.resident:
        desk.problem = t("policies.needs_resident")
        return
    try:
        at = datetime.fromisoformat(desk.at)
    except ValueError:
        desk.problem = t("policies.bad_time")
        return
    try:
        run, names, home = await policies.play(conn, desk.review.policies, desk.resident, at, AlertKind(desk.kind))
    except WhenError:
        desk.problem = t("policies.bad_time")
        return
    except WhoError as unclear:
        which = ", ".join(f"{h.resident_id} ({h.address})" for h in unclear.found)
        word = "policies.several_residents" if unclear.found else "policies.unknown_resident"
        desk.problem = t(word, who=desk.resident, which=which)
        return
    desk.status = 200
    desk.played = dry_run_words.tell(run, names, who.language)
    desk.home = t("policies.for", name=home.name, address=home.address) if home.address else home.name


async def _homes(conn: Connection, who: Seat) -> list[Row]:
    """Return whom a text may be tried for; a locked record by its number."""
    found = [asdict(one) for one in await store.residents(conn)]
    return await glass.masked(conn, who, found, empty={"address": ""}, also=access.REGISTER)


async def _show(
    request: Request, who: Seat, has: Parts, conn: Connection, desk: Desk, *, published: int | None = None
) -> Response:
    return render(
        request, "policies.html", who, status=desk.status, here="policies", desk=desk, kinds=list(AlertKind),
        history=await store.history(conn, 20), residents=await _homes(conn, who), published=published,
        faults=_said(desk.review, who),
    )  # fmt: skip


async def _version(
    request: Request, who: Seat, conn: Connection, number: int, *, problem: str = "", status: int = 200,
    review: Review | None = None,
) -> Response:  # fmt: skip
    edition = await _edition(conn, number)
    earlier = await store.before(conn, number)
    changed = policies.diff(earlier[1], edition.text, "", "").splitlines()[2:] if earlier else []
    return render(
        request, "policies_version.html", who, status=status, here="policies", edition=edition, problem=problem,
        earlier=earlier[0] if earlier else None, changed=[(_sort(line), line) for line in changed],
        review=review, faults=_said(review, who),
    )  # fmt: skip


async def _edition(conn: Connection, number: int) -> store.Edition:
    try:
        return await store.edition(conn, number)
    except NoPolicyError:
        raise HTTPException(404) from None


def _said(review: Review | None, who: Seat) -> dict[str, list[tuple[int, str]]]:
    """Return faults, doubts and notes as line and sentence."""
    if review is None:
        return {"faults": [], "doubts": [], "notes": []}
    return {
        name: [(f.line, f.words(who.language)) for f in found]
        for name, found in (("faults", review.faults), ("doubts", review.doubts), ("notes", review.notes))
    }


def _sort(line: str) -> str:
    return {"+": "added", "-": "gone", "@": "place"}.get(line[:1], "same")


def _sorted(timeline: str) -> list[tuple[str, str]]:
    """Return a timeline's lines without their indents, each with what it is: name, step, call or rule."""
    name, *lines = timeline.split("\n")
    found = [("name", name)]
    for line in lines:
        said = line.strip()
        sort = "call" if line != said else "step" if said[:1].isdigit() else "rule"
        found.append((sort, said))
    return found


def _sent(form: FormData) -> Desk:
    raw = form.get("text")
    # A browser sends line ends as CR LF; lines must keep their numbers, so nothing is trimmed.
    written = clean(raw).replace("\r\n", "\n") if isinstance(raw, str) else ""
    base = text(form, "base", 20)
    kind = text(form, "kind", 20)
    return Desk(
        text=written,
        base=int(base) if base.isdecimal() else None,
        comment=text(form, "comment", LONGEST_COMMENT),
        resident=text(form, "resident", 100),
        at=text(form, "at", 40),
        kind=kind if kind in set(AlertKind) else AlertKind.SOS,
    )


def _publisher(who: Seat) -> Publisher:
    return Publisher(name=who.name, person_id=who.person_id)


def _tonight(has: Parts) -> str:
    """The coming night's worst hour, as a browser's own field for date and time wants it."""
    now = has.live.now().astimezone(ZoneInfo(has.zone.key))
    night = now.replace(hour=NIGHT[0], minute=NIGHT[1], second=0, microsecond=0)
    return f"{night if night > now else night + timedelta(days=1):%Y-%m-%dT%H:%M}"
