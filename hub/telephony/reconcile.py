"""Asks the provider about calls that nothing was heard of: its report was lost, or nobody knows how it ended."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from hub.store import telephony as store
from hub.store.console import Row, rows
from hub.store.pool import Pool
from hub.telephony import reports
from hub.telephony.states import State
from hub.telephony.telephone import Report, Telephone

EVERY_S = 1.0
AT_ONCE = 20
AGAIN_S, AGAIN_MOST_S = 2.0, 60.0  # between two looks at one call: twice as long each time
UNANSWERED = timedelta(minutes=5)  # nobody lets it ring for longer: what is not heard of by then is unknown
OVERTIME = timedelta(minutes=10)  # past the longest call there can be
FORGET_EVERY = 600  # passes
log = structlog.get_logger()


@dataclass(kw_only=True)
class Reconciler:
    """Follows calls until cancelled. Any number may run."""

    pool: Pool
    telephone: Telephone | None  # None: nothing is followed
    longest: timedelta

    async def run(self) -> None:
        passes = 0
        while self.telephone is not None:
            try:
                while await self.once() == AT_ONCE:
                    pass
                if passes % FORGET_EVERY == 0:
                    await self._forget()
            except Exception as err:  # whatever is wrong here, calls are made and heard of beside it
                log.warning("reconciler_waits", error=type(err).__name__)
            passes += 1
            await asyncio.sleep(EVERY_S)

    async def once(self) -> int:
        """Look at the calls that are due; returns how many there were."""
        async with self.pool.connection() as conn:
            due = await rows(conn, store.Q.due, limit=AT_ONCE, again_s=AGAIN_S)
        for call in due:
            if self.telephone is not None:
                await self._look(self.telephone, call)
        return len(due)

    async def _look(self, telephone: Telephone, call: Row) -> None:
        report = None
        if call["provider"] == telephone.name:
            report = await telephone.look(call["reference"] or "", call["ours"], call["asked_at"], call["now"])
        if report is None or report.state is None or report.state == call["state"]:
            if not self._given_up(call):
                await self._later(telephone, call)
                return
            report = Report(state=State.LOST, ours=call["ours"])
            log.warning("call_lost", call=call["id"], looks=call["looks"])
        async with self.pool.connection() as conn:
            about = Report(
                state=report.state, ours=call["ours"], at=report.at, seconds=report.seconds, why=report.why,
                recording=report.recording,
            )  # fmt: skip
            await reports.hear(conn, telephone, about)

    def _given_up(self, call: Row) -> bool:
        now: datetime = call["now"]
        if call["state"] == State.ANSWERED:
            return bool(now - (call["answered_at"] or call["asked_at"]) > self.longest + OVERTIME)
        return bool(now - call["asked_at"] > UNANSWERED)

    async def _later(self, telephone: Telephone, call: Row) -> None:
        again_s = min(AGAIN_MOST_S, max(AGAIN_S, telephone.patience_s / 4) * 2 ** min(call["looks"] - 1, 6))
        async with self.pool.connection() as conn:
            await conn.execute(store.Q.put_off, {"call": call["id"], "again_s": again_s})

    async def _forget(self) -> None:
        async with self.pool.connection() as conn:
            await conn.execute(store.Q.forget_heard)
