"""What both readers of carehub's profile share: its names, its limits, and reading a JSON object that may be broken."""

import json
from typing import Any

from devices.adapter import DecodeError

NAME = "carehub/1"
LONGEST_PAYLOAD = 256 * 1024

# Field of a vitals or status message -> code of the observation.
NUMBERS = {
    "hr": "vital.heart_rate",
    "spo2": "vital.spo2",
    "rr": "vital.respiratory_rate",
    "temp": "vital.body_temperature",
    "sys": "vital.bp_systolic",
    "dia": "vital.bp_diastolic",
    "steps": "activity.steps_minute",
    "battery": "battery.level",
}


def read_object(payload: bytes) -> dict[str, Any]:
    """Return the JSON object in a payload; an empty payload is an empty one.

    Raises:
        DecodeError: Too long, not JSON, or not an object.
    """
    if len(payload) > LONGEST_PAYLOAD:
        raise DecodeError(NAME, f"{len(payload)} bytes, at most {LONGEST_PAYLOAD} allowed")
    if not payload.strip():
        return {}
    try:
        # Python's own parser, because it reads NaN and Infinity: the numbers beside them are then not lost.
        fields = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise DecodeError(NAME, f"not JSON: {str(error)[:120]}") from None
    if not isinstance(fields, dict):
        raise DecodeError(NAME, f"a JSON object is expected, not {type(fields).__name__}")
    return fields
