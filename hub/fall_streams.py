"""The fall detectors of the wrists that are streaming now: one each, the longest silent let go first."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence

import structlog
from prometheus_client import Counter, Gauge

from alerts.detectors.detector import Finding
from alerts.detectors.fall import FallDetector
from alerts.detectors.fall_model import FallModel
from alerts.detectors.sos import COUNTDOWN_S
from alerts.model import AlertError, AlertKind, Severity
from devices.telemetry import AccelWindow

RULE = "FALL"
AT_ONCE = 16  # bursts judged before the event loop gets its turn: an impact costs up to a millisecond

STREAMS = Gauge("carehub_fall_streams", "Wrists followed now")
UNJUDGED = Counter("carehub_unjudged_bursts", "Acceleration bursts the fall detector refused")
log = structlog.get_logger()


class FallStreams:
    """One detector a device row, at most `limit` of them."""

    def __init__(self, model: FallModel | None, limit: int) -> None:
        """Without a model nothing is judged: presses must get through even where the model's file is damaged."""
        self._model, self._limit = model, limit
        self._streams: OrderedDict[int, tuple[float, FallDetector]] = OrderedDict()

    @property
    def judging(self) -> bool:
        """Whether there is a model."""
        return self._model is not None

    async def feed(self, bursts: Sequence[tuple[int, int, AccelWindow]]) -> list[Finding]:
        """Show bursts (row, received_ms, samples), in order of arrival, to their streams."""
        found: list[Finding] = []
        if self._model is None:
            UNJUDGED.inc(len(bursts))
            return found
        for at, (row, received_ms, burst) in enumerate(bursts, 1):
            found += self._judge(self._model, row, received_ms, burst)
            if at % AT_ONCE == 0:
                await asyncio.sleep(0)
        STREAMS.set(len(self._streams))
        return found

    def _judge(self, model: FallModel, row: int, received_ms: int, burst: AccelWindow) -> list[Finding]:
        try:
            stream = self._stream(model, row, burst.rate_hz)
            falls = stream.feed(burst.accel_mg, burst.gyro_2mrad, burst.first)
        except (AlertError, ValueError) as err:
            UNJUDGED.inc()
            self._streams.pop(row, None)
            log.warning("burst not judged", row=row, error=str(err)[:200])
            return []
        return [
            Finding(
                row=row, rule=RULE, kind=AlertKind.FALL, severity=Severity.HIGH, at_ms=received_ms,
                # A device may count from 0 again, so the sample alone would name another day's fall.
                identity=f"{RULE}:{fall.impact_sample}:{received_ms}", countdown_s=COUNTDOWN_S,
                evidence={**fall.evidence, "confidence": fall.confidence},
            )
            for fall in falls
        ]  # fmt: skip

    def _stream(self, model: FallModel, row: int, rate_hz: float) -> FallDetector:
        known = self._streams.get(row)
        if known is None or known[0] != rate_hz:
            known = (rate_hz, FallDetector(rate_hz, model))
            self._streams[row] = known
            if len(self._streams) > self._limit:
                self._streams.popitem(last=False)
        self._streams.move_to_end(row)
        return known[1]
