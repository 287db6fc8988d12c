"""What was sent, answered and received, to be held against the hub's own account afterwards."""

import json
import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FAULTS_KEPT = 50


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Press:
    """One real press, fall or cancel, whatever number of copies the device sent of it."""

    device: str
    resident: str
    what: str
    identity: str | None
    pressed_at: str
    expects: str = "incident"  # or "nothing": the hub need not open anything for it
    copies: int = 0
    saved_at: str | None = None  # the wire's own acknowledgement: PUBACK, AL
    saved_ms: float | None = None
    heard_at: str | None = None  # 收到 on the device's screen
    heard_ms: float | None = None


@dataclass
class Call:
    """One page as it reached a responder."""

    page: int
    incident: int
    person: int
    role: str
    channel: str
    purpose: str
    at: str
    copies: int = 1
    answered: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


@dataclass
class Ledger:
    """The whole play's account."""

    scenario: str = ""
    seed: int = 0
    started_at: str = field(default_factory=lambda: now().isoformat())
    presses: list[Press] = field(default_factory=list)
    calls: dict[int, Call] = field(default_factory=dict)
    operator: list[dict[str, Any]] = field(default_factory=list)
    sent: dict[str, int] = field(default_factory=dict)
    saved: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    _pressed: dict[int, float] = field(default_factory=dict)

    def press(self, device: str, resident: str, what: str, identity: str | None, expects: str = "incident") -> Press:
        """Open the account of one press."""
        moment = now().isoformat()
        press = Press(
            device=device, resident=resident, what=what, identity=identity, pressed_at=moment, expects=expects
        )
        self.presses.append(press)
        self._pressed[id(press)] = time.monotonic()
        return press

    def press_saved(self, press: Press) -> None:
        """The wire acknowledged it; the first acknowledgement counts."""
        if press.saved_at is None:
            press.saved_at, press.saved_ms = now().isoformat(), self._since(press)

    def press_heard(self, press: Press) -> None:
        """The device shows 收到."""
        if press.heard_at is None:
            press.heard_at, press.heard_ms = now().isoformat(), self._since(press)

    def called(self, call: Call) -> bool:
        """Note a page; return whether it is new (a copy under the same key is harmless and counted)."""
        known = self.calls.get(call.page)
        if known:
            known.copies += 1
            return False
        self.calls[call.page] = call
        return True

    def message_sent(self, kind: str) -> None:
        self.sent[kind] = self.sent.get(kind, 0) + 1

    def message_saved(self, kind: str) -> None:
        """The hub acknowledged a message."""
        self.saved[kind] = self.saved.get(kind, 0) + 1

    def fault(self, words: str) -> None:
        """Something went wrong on our side of the wire. Said once: a hub that is away must not fill the memory."""
        if len(self.faults) < FAULTS_KEPT and not any(fault.endswith(words) for fault in self.faults):
            self.faults.append(f"{now():%H:%M:%S} {words}")

    def report(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            "scenario": self.scenario,
            "seed": self.seed,
            "started_at": self.started_at,
            "ended_at": now().isoformat(),
            "presses": [asdict(press) for press in self.presses],
            "pages": [asdict(call) for call in self.calls.values()],
            "operator": self.operator,
            "sent": self.sent,
            "saved": self.saved,
            "saved_ms": _spread([p.saved_ms for p in self.presses if p.saved_ms is not None]),
            "heard_ms": _spread([p.heard_ms for p in self.presses if p.heard_ms is not None]),
            "faults": self.faults,
        }

    def write(self, path: Path) -> None:
        part = path.with_suffix(".part")
        part.write_text(json.dumps(self.report(), ensure_ascii=False, indent=1), encoding="utf-8")
        part.replace(path)

    def _since(self, press: Press) -> float:
        return round((time.monotonic() - self._pressed[id(press)]) * 1000, 2)


def _spread(values: list[float]) -> dict[str, float] | None:
    if not values:
        return None
    ordered = sorted(values)
    return {"n": len(ordered), "p50": ordered[len(ordered) // 2], "max": ordered[-1]}
