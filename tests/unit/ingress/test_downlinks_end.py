"""The loop that offers downlinks ends when it is told to, also at the moment something wakes it."""

import asyncio

import pytest

from hub.ingress.downlinks import Downlinks
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("turns", range(5))
async def test_end_that_meets_a_wake_is_an_end(turns: int) -> None:
    """A device leaves as the process is told to stop: the wake must not swallow the word, or it would never end."""
    downlinks = Downlinks("", [])
    offering = asyncio.create_task(downlinks._offer())
    await asyncio.sleep(0)
    downlinks._wake.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    offering.cancel()
    done, _ = await asyncio.wait({offering}, timeout=PATIENCE_S)
    offering.cancel()
    assert done
    assert offering.cancelled()
