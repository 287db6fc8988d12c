"""Watches that speak JSON over MQTT on topics they share: whose words they are stands in the message, as its IMEI."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from devices import json_words, plausible, values
from devices.adapter import Command, Downlink, Message
from devices.telemetry import Observation, Quality, Stage, Telemetry, TimeQuality

NAME = "watch_json/1"
SCHEME = "watchjson"
MARKS = frozenset({"imede_watch", "kati_watch", "kati", "imede", "watch", "watches", "wristband"})
MOST = 64  # readings kept on the watch and sent at once

# Last word of a topic -> alarm it exists for. What stands in the message only says whether it was taken back.
ALARM_TOPICS: Mapping[str, str] = {
    **dict.fromkeys(("sos", "emergency", "help", "panic"), "alarm.sos"),
    **dict.fromkeys(("falldown", "fall", "falldetection"), "alarm.fall"),
}
LINK_TOPICS = frozenset({"onlinetrigger", "online", "status", "will", "lwt"})
LINK_WORDS = {"online": True, "offline": False, "connected": True, "disconnected": False}
SETTINGS = frozenset({"sleepdata", "config", "setting", "settings", "command", "cmd", "ack", "reply", "response"})
ALARM_NAMES = ("alarm", "alarmtype", "alarmname", "event", "eventtype", "warning", "warntype")
URGENT = (b"sos", b"fall", b"alarm", b"emergency", b"panic", b"help")
_NO_LETTER = re.compile(rb"[^a-z]+")


class WatchJsonAdapter:
    """Kati/iMEDE watches, and others that put their IMEI and common names into a JSON object."""

    name = NAME
    scheme = SCHEME

    def claims(self, topic: str) -> bool:
        """Whether the topic stands below a word that says so."""
        return values.below(topic, MARKS) is not None

    def urgent(self, topic: str, payload: bytes) -> bool:
        """Whether this may be a call or a fall."""
        if values.key(topic.rpartition("/")[2]) in ALARM_TOPICS:
            return True
        plain = _NO_LETTER.sub(b"", payload.lower())  # spelling does not count when it is read either
        return b"\\u" in payload or any(word in plain for word in URGENT)

    def decode(self, message: Message) -> Sequence[Telemetry]:
        """Return the watch's telemetry.

        Raises:
            DecodeError: Not a JSON object.
        """
        if message.payload.strip() == b"":
            return ()
        said = values.fields(NAME, message.payload)
        base, _ = values.below(message.topic, MARKS) or (message.topic, "")
        kind = values.key(message.topic.rpartition("/")[2])
        own = json_words.identity(said)
        home = base.rpartition("/")[0]  # a gateway's prefix keeps one home's numbers apart from another's
        native = "/".join(part for part in (home, own) if part) if own else message.topic
        at = plausible.instant(json_words.first(said, json_words.TIMES))
        quality = _clock(said, at, message)
        fresh = values.old(message.retained)
        seen = (*values.distinct(_states(kind, said, fresh, message)), values.alive(fresh))
        return (
            Telemetry(
                device=values.address(SCHEME, native), adapter=NAME, observations=_living(seen), measured_at=at,
                time_quality=quality, identity=_identity(seen, at, quality),
            ),
        )  # fmt: skip

    def encode(self, command: Command) -> Downlink | None:
        """Return None: how such a watch is told words is in no document we have."""
        return None


def _clock(said: Mapping[str, Any], at: datetime | None, message: Message) -> TimeQuality:
    written = json_words.first(said, json_words.TIMES)
    if at is None and written is not None:
        return TimeQuality.SUSPECT  # day before month and without a zone, such as 16/06/2025 12:30:45
    return plausible.clock(at, message.received_at)


def _living(seen: tuple[Observation, ...]) -> tuple[Observation, ...]:
    """Return the observations without a sign of life where the watch is said to be gone."""
    if any(one.code == "link.online" and one.value is False for one in seen):
        return tuple(one for one in seen if one.code != "link.seen")
    return seen


def _identity(seen: Sequence[Observation], at: datetime | None, quality: TimeQuality) -> str | None:
    rung = sorted({one.code for one in seen if one.code.startswith("alarm.") and one.value is True})
    if not rung or at is None or quality is not TimeQuality.DEVICE:
        return None
    return f"{'+'.join(rung)}@{int((at - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000)}"


def _states(kind: str, said: Mapping[str, Any], fresh: Quality, message: Message) -> Iterator[Observation]:
    status = values.word(said.get("status"))
    if kind in ALARM_TOPICS:
        over = values.key(status) in json_words.CANCELS
        yield Observation(
            code=ALARM_TOPICS[kind], value=not over, stage=Stage.CANCELLED if over else None, native=status or None,
            quality=fresh,
        )  # fmt: skip
    elif kind in LINK_TOPICS or status.lower() in LINK_WORDS:
        state = LINK_WORDS.get(status.lower())
        if state is not None:
            yield Observation(code="link.online", value=state)
    elif kind not in SETTINGS:
        yield from _alarms(said, status, fresh)
    yield from json_words.observe(said, fresh)
    yield from _signal(said, fresh)
    listed = said.get("data")
    for one in [one for one in listed if isinstance(one, dict)][:MOST] if isinstance(listed, list) else []:
        yield from _kept(one, fresh, message)


def _alarms(said: Mapping[str, Any], status: str, fresh: Quality) -> Iterator[Observation]:
    """Yield an alarm that a message of no special topic tells of: by its status, or under a name that says so."""
    if values.key(status) in json_words.ALARMS and values.key(status) != "battery":
        found = json_words.alarm(status, fresh)
        if found is not None:
            yield found
    named = json_words.first(dict(json_words.flat(said)), ALARM_NAMES)
    if isinstance(named, str) and values.key(named) in json_words.ALARMS:
        found = json_words.alarm(named, fresh)
        if found is not None:
            yield found


def _signal(said: Mapping[str, Any], fresh: Quality) -> Iterator[Observation]:
    """Yield the strength of the mobile line, where it is given as a share of the best."""
    found = values.number(json_words.first(said, ("signalgsm", "gsmsignal")))
    if found is not None and 0 <= found <= 100:
        yield from values.measure("link.gsm_signal", found, native="signalGSM", fresh=fresh)


def _kept(one: Mapping[str, Any], fresh: Quality, message: Message) -> Iterator[Observation]:
    """Yield a reading that waited on the watch, with its own time."""
    at = plausible.instant(json_words.first(one, json_words.TIMES))
    for seen in json_words.observe(one, fresh):
        yield msgspec.structs.replace(seen, measured_at=at, time_quality=plausible.clock(at, message.received_at))


ADAPTER = WatchJsonAdapter()
