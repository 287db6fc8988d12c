"""Telemetry in, findings out.

* `hear(telemetry, call_button=False) -> Heard(drafts, cancels)`: what a device states outright. A `Draft` has kind,
  severity, rule, identity, measured_at, countdown_s and evidence; the shell adds device, resident, area and now to make
  an `alerts.model.Alert`. An alert's id is made from device, kind, rule and identity, because one message may give
  several drafts (SOS and low battery), and they share its identity.
* `DETECTORS`: what is found in columns, vectorised over devices (see `detector.Detector`).
* `FallDetector`: one stream of wrist acceleration; the shell hands in the trained model.
"""

from alerts.detectors.detector import Detector
from alerts.detectors.device_health import DeviceHealth
from alerts.detectors.fall import FallDetector, FallFinding
from alerts.detectors.sos import Cancel, Draft, Heard, hear
from alerts.detectors.vitals import VitalsDetector

DETECTORS: tuple[Detector, ...] = (VitalsDetector(), DeviceHealth())

__all__ = ["DETECTORS", "Cancel", "Detector", "Draft", "FallDetector", "FallFinding", "Heard", "hear"]
