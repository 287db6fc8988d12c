"""Telemetry in, findings out.

* `hear(telemetry, call_button=False) -> Heard(drafts, cancels)`: what a device states outright. A `Draft` has kind,
  severity, rule, identity, measured_at, countdown_s and evidence; the shell adds device, resident, area and now to make
  an `alerts.model.Alert`. An alert's id is made from device, kind, rule and identity, because one message may give
  several drafts (SOS and low battery), and they share its identity.
* `detectors(offset_min)`: what is found in columns, vectorised over devices (see `detector.Detector`); `DETECTORS`
  are those of a district on UTC.
* `home.HomeDetector`: what a resident's home tells, a row a resident; fed with `home_signs.Signs` instead of telemetry.
* `FallDetector`: one stream of wrist acceleration; the shell hands in the trained model.
"""

from alerts.detectors.detector import Detector
from alerts.detectors.device_health import DeviceHealth
from alerts.detectors.early_warning import EarlyWarning
from alerts.detectors.fall import FallDetector, FallFinding
from alerts.detectors.sos import Cancel, Draft, Heard, hear
from alerts.detectors.stillness import StillnessDetector
from alerts.detectors.vitals import VitalsDetector


def detectors(offset_min: int = 0) -> tuple[Detector, ...]:
    """Return all detectors of a district whose clock is so many minutes ahead of UTC."""
    return VitalsDetector(offset_min), EarlyWarning(), StillnessDetector(offset_min), DeviceHealth()


DETECTORS = detectors()

__all__ = ["DETECTORS", "Cancel", "Detector", "Draft", "FallDetector", "FallFinding", "Heard", "detectors", "hear"]
