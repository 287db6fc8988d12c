"""What the wearer's own device is told: who comes, in her words."""

import pytest

from alerts import events
from alerts.model import Role
from tests.integration.incidents.world import World

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("name", "role", "language", "text"),
    [
        ("daughter", Role.FAMILY, "zh-CN", "您的女儿正在赶来"),
        ("daughter", Role.FAMILY, "en", "Your daughter is coming"),
        ("guard", Role.PROPERTY, "zh-CN", "物业保安正在赶来"),
    ],
)  # fmt: skip
async def test_device_says_who_comes(world: World, name: str, role: Role, language: str, text: str) -> None:
    await world.conn.execute("update care_circle set relation = '女儿'")
    await world.conn.execute("update resident set language = %s", (language,))
    incident = await world.press()
    await world.advance(incident, events.Taken(person_id=world.names[name], role=role))
    said = await world.rows("select payload from downlink where device_id is not null order by id")
    assert text in said[-1][0].decode()
