"""What telemetry means and who must come. Pure: no network, disk, randomness or clock; `now` comes in."""

from alerts.incident import apply
from alerts.invariants import violations
from alerts.policy import PolicyError, explain, load
from alerts.ringing import open_incident
from alerts.triage import place

__all__ = ["PolicyError", "apply", "explain", "load", "open_incident", "place", "violations"]
