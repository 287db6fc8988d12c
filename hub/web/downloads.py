"""Tables as files out of a page: CSV or Excel, made off the loop, and every one of them written into the access log."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Literal
from urllib.parse import quote
from zoneinfo import ZoneInfo

from fastapi import Path
from starlette.responses import Response

from hub.sheets import Sheet, csv, xlsx

Form = Annotated[Literal["csv", "xlsx"], Path()]
MEDIA = {"csv": "text/csv; charset=utf-8", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}


async def download(name: str, sheets: Sequence[Sheet], form: str, zone: ZoneInfo) -> Response:
    """Return tables as a file; CSV holds the first of them only."""
    if form == "csv":
        content = await asyncio.to_thread(csv, sheets[0], zone)
    else:
        content = await asyncio.to_thread(xlsx, sheets, zone)
    disposition = f"attachment; filename=\"carehub.{form}\"; filename*=UTF-8''{quote(f'{name}.{form}')}"
    return Response(content, media_type=MEDIA[form], headers={"Content-Disposition": disposition})
