"""A neighbourhood whose centre has a telephone system: the console in this process, the PBX beside it."""

from collections.abc import Iterator

import pytest

from hub.telephone_settings import TelephoneSettings
from hub.telephony import Line
from hub.web.app import ConsoleOptions
from tests.integration.telephony.pbx import KEY, Pbx, open_pbx
from tests.integration.web.conftest import Served, chen, li
from tests.integration.web.world import LINK_KEY, World, neighbourhood

__all__ = ["chen", "li"]  # the web tests' fixtures


@pytest.fixture
def world(dsn: str) -> World:
    world = neighbourhood(dsn)
    world.sql("update person set extension = '8001' where id = %(p)s", p=world.people["li"])
    world.sql("update person set extension = '8002' where id = %(p)s", p=world.people["chen"])
    world.sql("update device set sim_number = '1064 0000 00077' where id = %(d)s", d=world.devices["watch-wang"])
    return world


@pytest.fixture
def pbx() -> Iterator[Pbx]:
    with open_pbx() as pbx:
        yield pbx


@pytest.fixture
def line(pbx: Pbx) -> Line:
    return Line(settings=TelephoneSettings(provider="pbx", url=pbx.url, timeout_s=1.0, record=True), key=KEY)


@pytest.fixture
def console(world: World, pbx: Pbx, line: Line) -> Iterator[Served]:
    served = Served(world.dsn, ConsoleOptions(dsn=world.dsn, link_key=LINK_KEY, line=line)).start()
    pbx.hub = served.url
    yield served
    served.stop()
