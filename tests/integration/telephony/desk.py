"""What an operator presses, and what stands in the database afterwards."""

from typing import Any

import httpx

from tests.integration.web.world import World

COLUMNS = "state", "reference", "party", "number", "seconds", "why", "recording", "operator_id", "incident_id"


def csrf(client: httpx.Client) -> str:
    return client.get("/").text.split('<meta name="csrf" content="', 1)[1].split('"', 1)[0]


def press(client: httpx.Client, path: str, **fields: Any) -> httpx.Response:
    return client.post(path, data={"csrf": csrf(client), **{k: str(v) for k, v in fields.items()}})


def call_son(client: httpx.Client, world: World, incident: int, nonce: str = "") -> httpx.Response:
    path = f"/telephone/cases/{incident}/call"
    return press(client, path, party="contact", id=world.people["son"], nonce=nonce)


def calls(world: World) -> list[dict[str, Any]]:
    found = world.sql(f"select id, {', '.join(COLUMNS)} from telephone_call order by id")
    return [dict(zip(("id", *COLUMNS), row, strict=True)) for row in found]


def told(world: World, incident: int) -> list[tuple[str, dict[str, Any], str]]:
    """What the chain tells of calls."""
    return world.sql(
        "select what, body, actor from incident_event where incident_id = %(i)s and what like 'call\\_%%' order by seq",
        i=incident,
    )  # fmt: skip


def chain_of(world: World, incident: int) -> list[str]:
    return [what for what, _, _ in told(world, incident)]
