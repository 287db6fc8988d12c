"""One alert for a gateway that is lost, in one transaction with its loss; and a line in its case when it is back."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from alerts.model import Alert, AlertKind, Severity
from hub import clock, incidents
from hub.alerts_made import alert_of
from hub.device_table import DeviceTable
from hub.jobs import FINDINGS
from hub.store import supervision as store
from hub.store.pool import Connection, hub_now
from hub.store.telemetry import moment
from hub.supervision import Gateway, Loss
from hub.urgent_lane import Line

RULE, RULE_BACK = "T3G", "T3G.back"  # the domain's T3 of a gateway
MODEL = "gateway"  # of a gateway nobody has heard by itself


class TellLoss:
    """The gateway becomes a device if it was none, its case is opened or joined, the loss is written."""

    line = Line.FINDING
    alone = True  # it may have to register the gateway first

    def __init__(self, table: DeviceTable, loss: Loss, grown: Callable[[], None]) -> None:
        self.key = f"gateway:{loss.gateway.address}"
        self._table, self._loss, self._grown = table, loss, grown
        self._id: int | None = None

    async def prepare(self, conn: Connection) -> None:
        address = self._loss.gateway.address
        if address not in self._table.row_of:
            await self._table.register(conn, [(address, "", MODEL)], await hub_now(conn))
            self._grown()

    async def run(self, conn: Connection) -> None:
        loss, alert = self._loss, self._alert()
        await incidents.raise_alert(conn, alert)
        assert alert.device_id is not None
        self._id = await store.lose(
            conn, loss.gateway.address, device_id=alert.device_id, why=loss.why.value, began=moment(loss.began_ms),
            members=loss.members, silent=loss.silent,
        )  # fmt: skip

    def committed(self) -> None:
        FINDINGS.labels(RULE).inc()
        if self._loss.gateway.why is not None:
            self._loss.gateway.loss_id = self._id

    async def give_up(self, conn: Connection, error: Exception) -> None:
        """It is our fault, not a message's: it stays and is tried again."""
        raise error

    def _alert(self) -> Alert:
        loss = self._loss
        more = (loss.silent or loss.members) - len(loss.named)
        named = ", ".join(loss.named) + (f" … +{more}" if more > 0 else "")
        evidence = {
            "gateway": loss.gateway.address, "why": loss.why.value, "devices": loss.members, "silent": loss.silent,
            "named": named,
        }  # fmt: skip
        alert = _about(self._table, loss.gateway, RULE, loss.began_ms, evidence)
        return replace(alert, area=alert.area or loss.area)


class TellBack:
    """The loss has ended. A case that is still open is told so; closing it is a person's."""

    line = Line.FINDING
    alone = True

    def __init__(self, table: DeviceTable, gateway: Gateway) -> None:
        self.key = f"gateway:{gateway.address}"
        self._table, self._gateway, self._began_ms = table, gateway, gateway.began_ms

    async def prepare(self, conn: Connection) -> None:
        """Nothing to do before."""

    async def run(self, conn: Connection) -> None:
        await store.found_again(conn, self._gateway.address)
        row = self._table.row_of[self._gateway.address]
        if await store.technical_case(conn, int(self._table.device_id[row])) is not None:
            evidence = {"gateway": self._gateway.address}
            alert = _about(self._table, self._gateway, RULE_BACK, self._began_ms, evidence)
            await incidents.raise_alert(conn, alert)

    def committed(self) -> None:
        FINDINGS.labels(RULE_BACK).inc()

    async def give_up(self, conn: Connection, error: Exception) -> None:
        raise error


def _about(table: DeviceTable, gateway: Gateway, rule: str, began_ms: int, evidence: Mapping[str, object]) -> Alert:
    return alert_of(
        table, table.row_of[gateway.address], kind=AlertKind.SYSTEM, severity=Severity.TECHNICAL, rule=rule,
        identity=str(began_ms), at=moment(clock.now_ms()), measured_at=moment(began_ms), evidence=evidence,
    )  # fmt: skip


__all__ = ["RULE", "RULE_BACK", "TellBack", "TellLoss"]
