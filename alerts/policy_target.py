"""Whom a step notifies and how, read from its tables: role, ladder of channels, duty list, an operator's word."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from alerts.model import Role
from alerts.policy import Order, Rung, Target
from alerts.policy_values import At, Noting, seconds_of

TARGET_KEYS = frozenset(
    {"role", "order", "channels", "next_after", "nearest", "roster", "fallback", "via", "auto_after"}
)
NO_TIME = timedelta(0)


@dataclass(frozen=True)
class Targets(Noting):
    """Reads what stands in `notify`. `window` is how long the step waits, None when nobody can say."""

    channels: tuple[str, ...]
    rosters: tuple[str, ...]

    def targets(self, notify: Sequence[Any], step: At, window: timedelta | None) -> tuple[Target, ...]:
        read = (self._target(body, (*step, "notify", number), window) for number, body in enumerate(notify))
        return tuple(target for target in read if target is not None)

    def _target(self, body: Any, at: At, window: timedelta | None) -> Target | None:
        """Return one target without what could not be read of it; None when nobody can say whom it is for."""
        if not isinstance(body, dict) or "role" not in body:
            self.note(at, "not_a_target")
        if not isinstance(body, dict):
            return None
        role: Role | None = None
        order, next_after, auto, rungs = Order.PARALLEL, NO_TIME, None, tuple[Rung, ...]()
        nearest, roster, fallback = None, None, tuple[int, ...]()
        with self.noting():
            self.keys(body, TARGET_KEYS, at)
        with self.noting():
            role = self.word(Role, body["role"], at) if "role" in body else None
        with self.noting():
            auto = self._confirmation(body, window, at)
        with self.noting():
            rungs = self._ladder(body, auto or NO_TIME, window, at)
        with self.noting():
            order = self.word(Order, body.get("order", "parallel"), at)
        with self.noting():
            next_after = self.duration(body.get("next_after", "20s"), at, spot=str(body.get("next_after")))
        with self.noting():
            nearest = self._count(body.get("nearest"), at)
        with self.noting():
            roster = self._roster(body.get("roster"), at)
        with self.noting():
            fallback = self._people(body.get("fallback", []), at)
        if role is None:
            return None
        return Target(
            role=role, order=order, channels=rungs, next_after=next_after, nearest=nearest, roster=roster,
            fallback=fallback, operator_confirms="via" in body, auto_after=auto,
        )  # fmt: skip

    def _ladder(self, body: Mapping[str, Any], auto: timedelta, window: timedelta | None, at: At) -> tuple[Rung, ...]:
        written = body.get("channels", [])
        written = written if isinstance(written, list) else [written]
        rungs = tuple(self.all_of(lambda rung: self._rung(rung, at, window), written))
        names = [r.channel for r in rungs]
        if len(set(names)) != len(names):
            self.fail(at, "channel_twice", spot=next(n for n in names if names.count(n) > 1))
        if "channels" in body and not rungs:
            self.fail(at, "empty_ladder", spot="channels")
        late = max((r.delay for r in rungs), default=NO_TIME) + auto
        if window is not None and late >= window and rungs:
            self.fail(at, "ladder_late", late=seconds_of(late), window=seconds_of(window))
        return rungs

    def _rung(self, written: Any, at: At, window: timedelta | None) -> Rung:
        if not isinstance(written, str):
            self.fail(at, "bad_rung", spot=str(written))
        name, _, after = written.partition("@")
        if name not in self.channels:
            self.note(at, "unknown_channel", spot=written, name=repr(name), known=", ".join(self.channels))
        delay = self.duration(after, at, spot=written, zero=True) if "@" in written else NO_TIME
        if window is not None and delay >= window:
            self.fail(at, "rung_late", spot=written, written=written, window=seconds_of(window))
        return Rung(channel=name, delay=delay)

    def _confirmation(self, body: Mapping[str, Any], window: timedelta | None, at: At) -> timedelta | None:
        """Return after how long it is called without an operator's word; None: never."""
        via = body.get("via")
        if via is not None and via != "operator_confirm":
            self.note(at, "bad_via", spot=str(via), via=repr(via))
        if "auto_after" not in body:
            return None
        if via is None:
            self.note(at, "auto_without_via", spot="auto_after")
        auto = self.duration(body["auto_after"], at, spot=str(body["auto_after"]))
        if window is not None and auto >= window:
            self.fail(at, "auto_late", spot="auto_after", auto=seconds_of(auto), window=seconds_of(window))
        return auto

    def _roster(self, name: Any, at: At) -> str | None:
        if name is not None and name not in self.rosters:
            known = ", ".join(self.rosters) or ("还没有", "none yet")
            self.fail(at, "unknown_roster", spot=str(name), name=repr(name), known=known)
        return name if name is None else str(name)

    def _count(self, number: Any, at: At) -> int | None:
        if number is not None and (type(number) is not int or number < 1):
            self.fail(at, "bad_nearest", spot="nearest")
        return number if number is None else int(number)

    def _people(self, ids: Any, at: At) -> tuple[int, ...]:
        if not isinstance(ids, list) or not all(type(i) is int for i in ids):
            self.fail(at, "bad_fallback", spot="fallback")
        return tuple(ids)
