"""A telephone that rings nobody, for the demo: every call is answered after some seconds and lasts half a minute."""

from collections.abc import Mapping
from datetime import datetime

import httpx

from hub.telephony import pbx
from hub.telephony.line import Line
from hub.telephony.states import State
from hub.telephony.telephone import Asked, Order, Report

LASTS_S = 30
# Seconds after the order, and how it stands from then on.
PLAY = ((0.5, State.RINGING_DESK), (2.5, State.RINGING), (6.0, State.ANSWERED), (6.0 + LASTS_S, State.ENDED))


class Simulated:
    name = "simulated"
    patience_s = 0.5

    def __init__(self, line: Line, http: httpx.AsyncClient) -> None:
        self._key = line.key

    async def originate(self, order: Order) -> Asked:
        return Asked(reference=f"simulated-{order.ours}")

    async def hang_up(self, reference: str, now: datetime) -> bool:
        return True

    async def look(self, reference: str, ours: str, asked_at: datetime, now: datetime) -> Report | None:
        if not reference:
            return None
        since_s = (now - asked_at).total_seconds()
        state = max((s for s in PLAY if s[0] <= since_s), default=None)
        if state is None:
            return None
        return Report(state=state[1], reference=reference, seconds=LASTS_S if state[1] is State.ENDED else None)

    def read(self, body: bytes, headers: Mapping[str, str], path: str, now: datetime) -> list[Report]:
        """Calls that come in are signed like a PBX's: `carehub telephone ring` makes one."""
        return pbx.events(self._key, body, headers, path, now)
