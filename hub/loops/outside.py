"""The outside heartbeat: a watcher elsewhere is asked while all is well, and calls people when that stays away."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import httpx
import structlog
from prometheus_client import Counter

from hub.loops.findings import Finding, Standing
from hub.watch_settings import AuditSettings

LOOK_S = 0.5
ANSWER_LIMIT_S = 10.0
FAILURES = 2  # in a row, before it is a finding: one lost packet on the internet is none

BEATS = Counter("carehub_outside_heartbeats_total", "Heartbeats to the watcher elsewhere", ["outcome"])

log = structlog.get_logger()


@dataclass(kw_only=True)
class Outside:
    """Beats every `heartbeat_every_s` while nothing is wrong. Wrong is also: the last pass is too long ago."""

    settings: AuditSettings
    wrong: Callable[[], Sequence[Standing]]
    passed: Callable[[], bool]  # whether the auditor has looked at all
    name: str = "outside"
    _failures: int = 0
    _why: str = ""
    _next_at: float = 0.0
    _failed_said: bool = field(default=False)

    async def run(self) -> None:
        """Beat until cancelled."""
        if not self.settings.heartbeat_url:
            return
        logging.getLogger("httpx").setLevel(logging.WARNING)  # it would write the address, which may hold a secret
        async with httpx.AsyncClient(trust_env=False, timeout=ANSWER_LIMIT_S) as http:
            while True:
                await self._turn(http)
                await asyncio.sleep(min(LOOK_S, self.settings.heartbeat_every_s))

    async def _turn(self, http: httpx.AsyncClient) -> None:
        if not self.passed():
            return
        if self.wrong():
            if self.settings.heartbeat_fail and not self._failed_said:
                self._failed_said = await self._ask(http, self.settings.heartbeat_url + self.settings.heartbeat_fail)
            self._next_at = 0.0  # when it is over, that is said at once
        elif time.monotonic() >= self._next_at:
            self._failed_said = False
            self._next_at = time.monotonic() + self.settings.heartbeat_every_s
            await self._ask(http, self.settings.heartbeat_url)

    async def _ask(self, http: httpx.AsyncClient, url: str) -> bool:
        try:
            async with asyncio.timeout(ANSWER_LIMIT_S):
                answer = await http.get(url)
            why = "" if answer.is_success else f"answers {answer.status_code}"
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as err:
            why = type(err).__name__
        BEATS.labels("failed" if why else "heard").inc()
        self._failures = self._failures + 1 if why else 0
        if why != self._why:
            log.warning("outside_heartbeat", fault=why or None)
        self._why = why
        return not why

    def findings(self) -> Sequence[Finding]:
        if self._failures < FAILURES:
            return ()
        return (Finding(rule="heartbeat_failed", subject="outside", detail=self._why),)

    def says(self) -> str:
        if not self.settings.heartbeat_url:
            return "none"
        if self._why:
            return "failed"
        return "stopped" if self.wrong() else "beats"
