"""Guessing passwords and codes: how it is slowed, by all consoles together, and for good."""

import threading
from collections.abc import Awaitable, Callable
from typing import TypeVar

import httpx
import pytest

from hub.store.pool import Pool, open_pool
from hub.web import gate as gates
from hub.web.gate import FREE, LONGEST_S, Gate
from tests.integration.web.conftest import Served
from tests.integration.web.test_accounts import code_of, enrol, post
from tests.integration.web.world import PASSWORD, World, csrf_of, sign_in

T = TypeVar("T")
HERE = "10.0.0.1"


async def _with(dsn: str, act: Callable[[Pool], Awaitable[T]]) -> T:
    async with open_pool(dsn, name="gate", largest=4) as pool:
        return await act(pool)


@pytest.mark.anyio
async def test_account_waits_longer_each_time_and_a_minute_at_most(world: World) -> None:
    async def tries(pool: Pool) -> list[float]:
        gate, waits = Gate(pool), []
        for number in range(15):
            assert await gate.enter("li", f"10.0.0.{number}") == 0
            waits.append(await gate.enter("li", "10.0.1.1"))
            world.sql("update sign_in_try set until = hub_now()")
        assert await gate.enter("chen", HERE) == 0, "nobody else waits"
        return waits

    waits = await _with(world.dsn, tries)
    assert waits[: FREE["account"] - 1] != sorted(waits, reverse=True)
    assert waits[FREE["account"]] < waits[FREE["account"] + 2]
    assert max(waits) <= LONGEST_S["account"]


@pytest.mark.anyio
async def test_two_consoles_count_together_and_a_restart_forgets_nothing(world: World) -> None:
    async def tries(pool: Pool) -> float:
        for _ in range(FREE["account"]):
            await Gate(pool).enter("li", HERE)
        return await Gate(pool).enter("li", HERE)

    assert await _with(world.dsn, tries) > 0


@pytest.mark.anyio
async def test_right_one_takes_back_its_own_try_and_no_other(world: World) -> None:
    async def tries(pool: Pool) -> None:
        gate = Gate(pool)
        await gate.enter("li", HERE)
        await gate.enter("chen", HERE)
        await gate.passed("chen", HERE)

    await _with(world.dsn, tries)
    assert world.sql("select sum(failures)::int from sign_in_try") == [(2,)], "Li's, and hers at this address"


@pytest.mark.anyio
async def test_no_more_is_remembered_than_the_limit_and_nothing_that_was_typed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gates, "KEPT", 10)

    async def tries(pool: Pool) -> None:
        gate = Gate(pool)
        for number in range(30):
            await gate.enter(f"somebody {number}", f"10.0.2.{number}")

    await _with(world.dsn, tries)
    assert world.sql("select count(*) from sign_in_try")[0][0] <= 10
    assert "somebody" not in str(world.sql("select sign_in_try::text from sign_in_try"))


def test_hundred_guesses_at_once_are_looked_at_no_oftener_than_one_after_another(console: Served, world: World) -> None:
    """They all come before the first has failed: who counts afterwards lets every one of them through."""
    codes: list[int] = []

    def guess(number: int) -> None:
        with console.client() as client:
            codes.append(sign_in(client, "li", f"guess {number}").status_code)

    threads = [threading.Thread(target=guess, args=(number,)) for number in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(codes) == {401, 429}
    looked_at = world.sql("select count(*) from account_event where what = 'password_wrong'")[0][0]
    assert looked_at <= FREE["account"] + 3, "a few more where a second passed meanwhile"


def test_guess_waits_at_the_other_console_too(console: Served, world: World) -> None:
    other = Served(world.dsn).start()
    try:
        with console.client() as one, other.client() as two:
            codes = [sign_in((one, two)[n % 2], "li", "wrong").status_code for n in range(FREE["account"] + 1)]
    finally:
        other.stop()
    assert codes[-1] == 429


def test_codes_guessed_with_one_password_after_another_are_slowed(console: Served, li: httpx.Client) -> None:
    """The password is known to the thief; each sign-in gives him five codes, but not without end."""
    enrol(li)
    with console.client() as thief:
        tried, slowed = 0, False
        while not slowed:
            page = sign_in(thief, "li")
            for _ in range(4):
                tried += 1
                page = code_of(thief, page, "000000")
                slowed |= page.status_code == 429
        assert tried <= FREE["account"] + 4


def test_new_password_ends_a_sign_in_that_waits_for_its_code(console: Served, li: httpx.Client, world: World) -> None:
    _, codes = enrol(li)
    with console.client() as thief:
        asked = sign_in(thief, "li")
        assert post(li, "/me/password", old=PASSWORD, new="another long one").status_code == 200
        assert code_of(thief, asked, codes[0]).status_code == 401
        assert "carehub_session" not in thief.cookies
    assert world.sql("select count(*) from half_sign_in") == [(0,)]


def test_account_that_was_switched_off_gets_no_further_with_its_code(
    console: Served, li: httpx.Client, world: World
) -> None:
    _, codes = enrol(li)
    with console.client() as thief:
        asked = sign_in(thief, "li")
        world.sql("update person set active = false where id = %(p)s", p=world.people["li"])
        assert code_of(thief, asked, codes[0]).status_code == 401


def test_old_password_is_not_guessed_at_an_open_screen(li: httpx.Client) -> None:
    token = csrf_of(li.get("/me").text)
    codes = [
        li.post("/me/password", data={"csrf": token, "old": f"guess {n}", "new": "another long one"}).status_code
        for n in range(FREE["account"] + 1)
    ]
    assert codes == [401] * FREE["account"] + [429]
