"""A detector with a fault: the others go on, batch by batch and tick by tick."""

import numpy as np
from numpy.typing import NDArray

from alerts.detectors.detector import Columnar, Finding
from alerts.detectors.device_health import DeviceHealth
from devices.columns import Columns
from hub.detection import Detection
from tests.unit.ingest.test_columns import START_MS, columns, table_of


class Faulty(DeviceHealth):
    name = "faulty"

    def observe(self, state: Columnar, rows: NDArray[np.int64], batch: Columns) -> list[Finding]:
        raise ValueError("a fault of ours")

    def tick(self, state: Columnar, now_ms: int) -> list[Finding]:
        raise ZeroDivisionError("another")


def test_silent_device_is_noticed_although_another_detector_fails() -> None:
    one = Detection(table_of(1), (Faulty(), DeviceHealth()))
    one.states["device_health"]["deadline_s"][:] = 60
    assert one.observe(np.array([0]), columns([7])) == []
    seconds = range(0, 180, 2)
    found = [f for second in seconds for part in one.tick(START_MS + second * 1000) for f in part]
    assert [f.rule for f in found] == ["T3"]
    assert one.failed == {"faulty"}
