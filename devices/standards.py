"""The vocabulary in LOINC and UCUM: which code is which, and of those that are none, why not. Pure.

The vital signs are those of FHIR R5's vital-sign profiles. UCUM units stand in `devices.codes`.
"""

import msgspec

from devices.codes import CODES

LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
OURS = "urn:carehub:code"


class Coding(msgspec.Struct, frozen=True, kw_only=True):
    """What a code is elsewhere. Without `loinc`, `why` says why there is none."""

    loinc: str | None = None
    display: str = ""
    also: tuple[tuple[str, str], ...] = ()  # further LOINC codes that a profile wants beside it
    why: str = ""


BLOOD_PRESSURE = Coding(loinc="85354-9", display="Blood pressure panel with all children optional")
SKIN_TEMPERATURE = Coding(loinc="61008-9", display="Body surface temperature")
_LOINC = {
    "vital.heart_rate": Coding(loinc="8867-4", display="Heart rate"),
    "vital.respiratory_rate": Coding(loinc="9279-1", display="Respiratory rate"),
    "vital.spo2": Coding(
        loinc="59408-5",
        display="Oxygen saturation in Arterial blood by Pulse oximetry",
        also=(("2708-6", "Oxygen saturation in Arterial blood"),),  # which R5's profile asks for
    ),
    "vital.body_temperature": Coding(loinc="8310-5", display="Body temperature"),
    "vital.bp_systolic": Coding(loinc="8480-6", display="Systolic blood pressure"),
    "vital.bp_diastolic": Coding(loinc="8462-4", display="Diastolic blood pressure"),
    "vital.body_weight": Coding(loinc="29463-7", display="Body weight"),
}
# What is worn on the wrist or as a patch feels the skin, which is not 8310-5. A thermometer behind a Bluetooth gateway
# says that it was held in ear or mouth, and carehub's own profile says "body". Of all others nobody knows.
SKIN = frozenset({"watch3g", "trv", "watchjson", "wristband", "carelink", "lorawan"})
BODY = frozenset({"carehub", "ble"})
WHERE_UNKNOWN = Coding(why="nobody says where on the body it was measured")
CLINICIAN = "several LOINC codes fit, by specimen and method: choose with a clinician"
_WHY = {"vital.blood_glucose": CLINICIAN, "activity.steps": CLINICIAN, "activity.steps_minute": CLINICIAN}
WHY_AREA = {
    **dict.fromkeys(
        ("accel", "battery", "device", "discovery", "electric", "link", "provision", "retained", "rf", "test"),
        "about the device, not about a person",
    ),
    **dict.fromkeys(("beacon", "contact", "env"), "about the room, not about a person"),
    **dict.fromkeys(("alarm", "button", "event", "flag"), "an alarm, not an observation of the body"),
}
NONE_FITS = "no LOINC code says the same"


def coding(code: str, scheme: str) -> Coding:
    """Return what a code is in LOINC, when devices of this scheme say it."""
    if code == "vital.body_temperature" and scheme not in BODY:
        return SKIN_TEMPERATURE if scheme in SKIN else WHERE_UNKNOWN
    return TABLE.get(code) or _none(code)


def _none(code: str) -> Coding:
    return Coding(why=_WHY.get(code) or WHY_AREA.get(code.partition(".")[0], NONE_FITS))


TABLE: dict[str, Coding] = {code: _LOINC.get(code) or _none(code) for code in CODES}
