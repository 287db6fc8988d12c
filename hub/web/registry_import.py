"""Files into the register: a template, an upload, what it would change with every fault by row, and the deed."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Request
from starlette.datastructures import UploadFile
from starlette.responses import Response

from hub import registry_plan, sheets
from hub.registry_plan import Fault, Plan, records
from hub.registry_read import FILE_MOST, FileError, read
from hub.registry_tables import TABLES, Table
from hub.sealed import SealError
from hub.store import registry_imports as store
from hub.store.registry_imports import ChangedSinceError
from hub.store.telemetry import clean
from hub.web import words
from hub.web.auth import Seat
from hub.web.frame import MOST, FormOf, Parts, PartsOf, SeatOf, go, render, text

router = APIRouter()
ImportId = Annotated[int, Path(ge=1, le=MOST)]
ENTRIES_SHOWN = 300
FAULTS_SHOWN = 300
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@router.get("/registry/import")
async def page(request: Request, who: SeatOf, has: PartsOf) -> Response:
    return await _page(request, who, has)


async def _page(request: Request, who: Seat, has: Parts, *, status: int = 200, **more: Any) -> Response:
    async with has.pool.connection() as conn:
        past = await store.recent(conn)
    usual: dict[str, Any] = {"kept": None, "kind": "residents", "faults": [], "doubts": [], "problem": "", "rows": 0,
                             "file_name": "", "more": 0}  # fmt: skip
    values = usual | more
    return render(
        request, "registry_import.html", who, status=status, here="registry", tab="import", kinds=tuple(TABLES),
        past=past, most_mb=FILE_MOST // 1_000_000, entries_shown=ENTRIES_SHOWN,
        heads=_heads(who.language, TABLES[values["kind"]]), **values,
    )  # fmt: skip


@router.post("/registry/import")
async def upload(request: Request, who: SeatOf, form: FormOf, has: PartsOf) -> Response:
    """Read a file and show what it would change. Nothing is changed."""
    t = words.speaker(who.language)
    kind, sent = text(form, "kind", 20), form.get("file")
    table = TABLES.get(kind)
    if table is None:
        raise HTTPException(422)
    name = clean(sent.filename or "")[-120:] if isinstance(sent, UploadFile) else ""
    body = await sent.read(FILE_MOST + 1) if isinstance(sent, UploadFile) else b""
    if isinstance(sent, UploadFile):
        await sent.close()
    said = {"kind": kind, "file_name": name}
    if not body:
        return await _page(request, who, has, status=422, problem=t("reg.file.nothing"), **said)
    try:
        # In a thread: a long file takes a second, and every operator is at this console.
        rows, faults = await asyncio.to_thread(lambda: records(read(body, table), table))
    except FileError as wrong:
        return await _page(request, who, has, status=422, problem=t(f"reg.file.{wrong.code}", **wrong.facts), **said)
    if not rows:
        return await _page(request, who, has, status=422, problem=t("reg.file.empty"), **said)
    try:
        async with has.pool.connection() as conn, conn.transaction():
            number, plan = 0, Plan()
            if faults:  # what can be read is held against the register all the same: all faults are told at once
                plan = registry_plan.plan(kind, rows, await store.register(conn))
            else:
                number, plan = await store.keep(conn, kind, name, rows, who.person_id)
    except SealError as err:
        return await _page(request, who, has, status=503, problem=str(err), **said)
    faults = sorted({*faults, *plan.faults})
    if faults:
        told = _told(faults[:FAULTS_SHOWN], who.language, table)
        return await _page(
            request, who, has, status=422, faults=told, rows=len(rows), more=len(faults) - len(told), **said
        )
    return go(f"/registry/import/{number}")


@router.get("/registry/import/{number}")
async def preview(request: Request, who: SeatOf, has: PartsOf, number: ImportId) -> Response:
    return await _preview(request, who, has, number)


async def _preview(
    request: Request, who: Seat, has: Parts, number: int, *, status: int = 200, problem: str = ""
) -> Response:  # fmt: skip
    async with has.pool.connection() as conn:
        kept = await store.kept(conn, number)
    if kept is None:
        raise HTTPException(404)
    doubts = _told(kept.plan.doubts, who.language, TABLES[kept.kind])
    return await _page(request, who, has, status=status, kept=kept, kind=kept.kind, doubts=doubts, problem=problem)


@router.post("/registry/import/{number}/confirm")
async def confirm(request: Request, who: SeatOf, form: FormOf, has: PartsOf, number: ImportId) -> Response:
    """Do exactly what was shown, or nothing."""
    try:
        async with has.pool.connection() as conn:
            await store.apply(conn, number, f"person:{who.person_id}")
    except ChangedSinceError:
        problem = words.speaker(who.language)("reg.import.changed_since")
        return await _preview(request, who, has, number, status=409, problem=problem)
    return go(f"/registry/import/{number}")


@router.get("/registry/templates/{kind}.{form}")
async def template(who: SeatOf, has: PartsOf, kind: str, form: str) -> Response:
    """A file with the heads and one example, as Excel or CSV."""
    table = TABLES.get(kind)
    if table is None or form not in ("xlsx", "csv"):
        raise HTTPException(404)
    place = 0 if words.pick(who.language) == "zh-CN" else 1
    t = words.speaker(who.language)
    head = [f"{c.heads[place]}*" if c.required else c.heads[place] for c in table.columns]
    sheet = sheets.Sheet(title=t(f"reg.import.{kind}"), head=head, rows=[[c.example for c in table.columns]])
    body = sheets.xlsx([sheet], has.zone) if form == "xlsx" else sheets.csv(sheet, has.zone)
    kinds = {"xlsx": XLSX, "csv": "text/csv; charset=utf-8"}
    return Response(body, media_type=kinds[form], headers={
        "content-disposition": f'attachment; filename="carehub-{kind}.{form}"'
    })  # fmt: skip


def _told(faults: Any, language: str, table: Table) -> list[dict[str, Any]]:
    """Return faults as sentences: where, and what to write instead."""
    t, heads = words.speaker(language), _heads(language, table)
    return [
        {"row": one.row, "column": heads.get(one.column, ""), "why": t(f"reg.fault.{one.code}", what=one.what)}
        for one in faults if isinstance(one, Fault)
    ]  # fmt: skip


def _heads(language: str, table: Table) -> dict[str, str]:
    place = 0 if words.pick(language) == "zh-CN" else 1
    return {column.name: column.heads[place] for column in table.columns}
