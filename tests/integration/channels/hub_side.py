"""The hub's side of a callback: a console on a real port, with the key that makes the providers' paths."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from hub.commands.console import server
from hub.ports import free_port
from hub.web.app import ConsoleOptions
from tests.integration.incidents.world import LINK_KEY
from tests.patience import PATIENCE_S

CALLBACK_KEY = "a key that only tests have: callback"


@contextmanager
def callbacks(dsn: str, key: str = CALLBACK_KEY) -> Iterator[str]:
    """Yield the address of a console that takes callbacks."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    running = server(ConsoleOptions(dsn=dsn, link_key=LINK_KEY, callback_key=key), "127.0.0.1", port)
    thread = threading.Thread(target=running.run, name="console")
    thread.start()
    try:
        deadline = time.monotonic() + PATIENCE_S
        with httpx.Client(trust_env=False) as client:
            while not running.started or client.get(f"{url}/readyz").status_code != 200:
                assert time.monotonic() < deadline, "the console did not start"
                time.sleep(0.01)
        yield url
    finally:
        running.should_exit = True
        thread.join(PATIENCE_S)
