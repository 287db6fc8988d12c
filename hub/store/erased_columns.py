"""What an erasure does with every text that may be somebody's: gone, or kept, and then why. `*`: all that is not named.

Every column of type text, jsonb or bytea in a table that leads to a resident stands here; a test holds the database's
own catalogue against it, so that whoever adds a table decides. What is done is in queries/registry_erase.sql.
"""

from typing import Final

GONE: Final = "erased"
ROW: Final = "the whole row goes"
IDS: Final = "numbers, states and words of ours: nothing of a person"
CHAIN: Final = "the chain proves how she was helped (民法典 1165); ids and digests only"
LOOKED: Final = "who looked at what is owed for three years (个保法 56)"
THEIRS: Final = "somebody's who is not erased, or who was erased with her: then the whole person is emptied"
DEVICE: Final = "the device's own, which goes on to another home"
PROOF: Final = "that she agreed, when and to whom (个保法 69)"
MONEY: Final = "public money was paid for it: ten years (会计档案管理办法)"
SHORT: Final = "kept for days, and names nobody"

ERASURE: Final[dict[str, dict[str, str]]] = {
    # herself, and who stands around her
    "resident": {"ended_why": IDS, "area": "how many lived where", "*": GONE},
    "person": {
        "name": GONE, "phone": GONE, "extension": GONE, "role": IDS, "area": "of his post; a relative has none",
        "login": "whoever signs in is not hers alone", "password_hash": "whoever signs in is not hers alone",
        "language": IDS, "look": IDS,
    },
    "care_circle": {"*": ROW}, "contact": {"*": ROW}, "contact_asked": {"*": ROW}, "push_subscription": {"*": ROW},
    "responder_link": {"*": ROW}, "quiet_night": {"*": ROW}, "absence": {"*": ROW},
    "consent": {"*": PROOF},
    # what was measured
    "telemetry": {"*": ROW}, "observation": {"*": ROW}, "accel_window": {"*": ROW}, "unreadable": {"*": ROW},
    "telemetry_packed": {"*": ROW},
    "fall_told": {"*": IDS}, "service_case": {"*": IDS},
    # cases
    "incident": {"*": CHAIN}, "incident_event": {"*": CHAIN}, "incident_link": {"*": CHAIN}, "timer": {"*": IDS},
    "response": {"*": IDS}, "note": {"*": ROW}, "alert": {"evidence": GONE, "*": CHAIN},
    "page": {"address": GONE, "receipt": GONE, "*": IDS}, "provider_ref": {"*": SHORT},
    "handover_case": {"note": GONE}, "review": {"finding": GONE, "remedy": GONE, "*": IDS},
    "telephone_call": {"number": GONE, "recording": GONE, "*": IDS},
    "break_glass": {"*": LOOKED}, "access_log": {"*": LOOKED}, "siren_sounding": {"*": DEVICE},
    "press": {"*": IDS}, "presence": {"*": IDS},
    # work and money
    "visit": {"facts": GONE, "note": GONE, "*": IDS},
    "visiting": {"*": ROW}, "contact_made": {"evidence": GONE, "note": GONE, "*": IDS},
    "work_order": {"scope": GONE, "quality": GONE, "place": GONE, "area": "how much work was where", "*": IDS},
    "work_order_event": {"*": CHAIN}, "work_order_word": {"*": ROW}, "work_order_file": {"*": ROW},
    "work_order_notice": {"*": IDS},
    "purchase": {"*": MONEY}, "welfare_fact": {"*": ROW},
    # devices
    "device": {"*": DEVICE}, "device_battery": {"*": DEVICE}, "device_via": {"*": DEVICE},
    "gateway_loss": {"*": DEVICE}, "credential": {"*": "of a terminal: it signs in no more"},
    "device_event": {"note": GONE, "*": IDS},
    "device_command": {"detail": GONE, "answer": GONE, "result": GONE, "*": IDS},
    "downlink": {"payload": GONE, "topic": DEVICE},
    # programs of others
    "api_event": {"*": IDS}, "api_delivery": {"answer": GONE, "*": IDS}, "api_token": {"*": THEIRS},
    "api_answer": {"body": "emptied where it speaks of her; gone after a day", "*": SHORT},
    # accounts: who has one is not hers alone
    "account_event": {"*": THEIRS}, "check_in": {"*": THEIRS}, "half_sign_in": {"*": THEIRS},
    "recovery_code": {"*": THEIRS}, "second_factor": {"*": THEIRS}, "shift": {"*": THEIRS},
    "web_session": {"*": THEIRS},
    # by no key of the database
    "registry_change": {"fields": GONE, "*": IDS},
    "registry_import": {"body": "emptied where it speaks of her; the others' stay", "*": IDS},
    "exchange_record": {"answer": GONE, "*": IDS}, "exchange_subject": {"*": IDS},
    "handover": {"note": "emptied where it names her"},
}  # fmt: skip


def undecided(columns: dict[str, list[str]]) -> list[str]:
    """Return the columns of which nothing is said."""
    return [
        f"{table}.{column}"
        for table, found in sorted(columns.items())
        for column in found
        if not {column, "*"} & set(ERASURE.get(table, {}))
    ]
