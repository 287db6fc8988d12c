"""A console over a small neighbourhood: in this process for speed, over real sockets all the same."""

import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from hub.commands.console import ConsoleServer, server
from hub.ports import free_port
from hub.web.app import ConsoleOptions
from tests.integration.web.world import LINK_KEY, World, eventually, neighbourhood, sign_in
from tests.patience import PATIENCE_S


class Served:
    """A console in a thread of its own."""

    def __init__(self, dsn: str, options: ConsoleOptions | None = None) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        options = options or ConsoleOptions(dsn=dsn, link_key=LINK_KEY)
        self.server: ConsoleServer = server(options, "127.0.0.1", self.port)
        self._thread = threading.Thread(target=self.server.run, name="console")

    def start(self) -> "Served":
        self._thread.start()
        eventually(
            lambda: (
                self.server.started
                and httpx.get(f"{self.url}/readyz", trust_env=False, verify=False).status_code == 200
            )
        )
        return self

    def stop(self) -> float:
        began = time.monotonic()
        self.server.should_exit = True
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()
        return time.monotonic() - began

    def client(self) -> httpx.Client:
        # Loading the certificates of the world for each client is a tenth of a test, and nothing here is https.
        return httpx.Client(base_url=self.url, trust_env=False, timeout=PATIENCE_S, verify=False)


@pytest.fixture
def world(dsn: str) -> World:
    return neighbourhood(dsn)


@pytest.fixture
def console(world: World) -> Iterator[Served]:
    served = Served(world.dsn).start()
    yield served
    if not served.server.should_exit:
        served.stop()


@pytest.fixture
def visitor(console: Served) -> Iterator[httpx.Client]:
    """A browser that nobody has signed in at."""
    with console.client() as client:
        yield client


@pytest.fixture
def li(console: Served) -> Iterator[httpx.Client]:
    """Operator Li's browser, signed in."""
    with console.client() as client:
        assert sign_in(client, "li").status_code == 303
        yield client


@pytest.fixture
def chen(console: Served) -> Iterator[httpx.Client]:
    with console.client() as client:
        assert sign_in(client, "chen").status_code == 303
        yield client


@pytest.fixture
def ma(console: Served) -> Iterator[httpx.Client]:
    """Supervisor Ma's browser, signed in."""
    with console.client() as client:
        assert sign_in(client, "ma").status_code == 303
        yield client
