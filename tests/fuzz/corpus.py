"""What fuzzing starts from: the project's captures, frames grown from grammars, captures brought at run time."""

import base64
import functools
import json
import os
import struct
from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from operator import xor
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from devices import families, registry
from devices.adapters.lorawan.makers import CODECS
from devices.framers import eview, gt06, jt808, xexun3
from devices.protocols import BY_NAME, PROTOCOLS
from tests.unit.devices.captures import ALL, FAMILIES, captures

LONGEST_GROWN = 60  # bytes of a frame's body
FOREIGN_MOST = 20_000  # captures brought at run time that are used


class Seed(msgspec.Struct, frozen=True, kw_only=True):
    """One message, as ingest would hand it to its grammar."""

    topic: str
    payload: bytes
    model: str | None = None
    retained: bool = False

    @property
    def grammar(self) -> str:
        """Return the name of what reads it."""
        adapter = registry.adapter_for(self.topic)
        return "nobody" if adapter is None else adapter.name


@functools.cache
def own() -> tuple[Seed, ...]:
    """Return the project's captures."""
    return tuple(Seed(topic=one.topic, payload=one.message.payload, retained=one.retained) for one in ALL)


def seeds(folder: Path | None = None) -> list[Seed]:
    """Return everything to start from. `folder`: device captures of others, which are read and never kept."""
    return [*own(), *(foreign(folder) if folder is not None else ())]


def data_folder() -> Path | None:
    """Return where others' captures are, if somebody said so."""
    folder = os.environ.get("CAREHUB_DATA")
    return Path(folder) / "devices" if folder and (Path(folder) / "devices").is_dir() else None


def foreign(folder: Path) -> Iterator[Seed]:
    """Yield the payloads of `carehub decode`'s input lines: MQTT messages, TCP frames, LoRaWAN uplinks."""
    count = 0
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                asked = json.loads(line)
            except ValueError:
                continue
            found = _brought(asked) if isinstance(asked, dict) else None
            if found is not None and registry.adapter_for(found.topic) is not None:
                yield found
                count += 1
            if count >= FOREIGN_MOST:
                return


def _brought(asked: dict[str, Any]) -> Seed | None:
    given, kind, family = asked.get("input"), asked.get("kind"), str(asked.get("type"))
    if not isinstance(given, dict):
        return None
    payload = bytes.fromhex(given["hex"]) if isinstance(given.get("hex"), str) else None
    if kind == "lorawan" and payload is not None:
        return uplink(payload, given.get("fPort") or 1, family)
    if payload is None and isinstance(said := given.get("payload", given.get("text")), str):
        payload = said.encode("utf-8", "surrogatepass")
    topic = given.get("topic")
    if kind == "tcp" and topic is None:
        protocol = BY_NAME.get(family.removeprefix("tcp."))
        topic = None if protocol is None else protocol.topic
    if payload is None or not isinstance(topic, str):
        return None
    if registry.adapter_for(topic) is None and families.adapter_of(family, topic) is None:
        return None
    return Seed(topic=topic, payload=payload, retained=given.get("retain") is True)


def streams() -> dict[str, list[bytes]]:
    """Return, for each TCP protocol, what its captures look like on the wire."""
    found: dict[str, list[bytes]] = {}
    for protocol in PROTOCOLS:
        family = {"watch3g": "watch_3g", "gl200text": "queclink", "xexun_lines": "xexun"}.get(
            protocol.name, protocol.name
        )
        if family in FAMILIES:
            said = [one.message.payload for one in captures(family) if one.topic.startswith("tcp/")]
            found[protocol.name] = [wire(protocol.name, frame) for frame in said]
    return found


ENDS = {
    "gps103": b";", "minifinder": b";", "laipac": b"\r\n", "mictrack": b"\r\n", "r12w": b"\n", "xexun_lines": b"\r\n",
    "megastek": b"\r\n", "gl200text": b"$",
}  # fmt: skip


def wire(name: str, frame: bytes) -> bytes:
    """Return a frame with what the wire adds to it: escapes and the ends that belong to no frame."""
    if name == "jt808" and frame[:1] in (b"\x7e", b"\xe7"):
        return jt808.escape(frame)
    if name == "xexun2" and len(frame) > 4:
        inner = frame[2:-2].replace(b"\xfb\xbf", b"\xfb\xbf\x02").replace(b"\xfa\xaf", b"\xfb\xbf\x01")
        return b"\xfa\xaf" + inner + b"\xfa\xaf"
    if name == "gl200text" and frame[:1] == b"+" and b":GT" not in frame[:9]:
        return frame  # a binary report says how long it is
    end = ENDS.get(name, b"")
    return frame if frame.endswith(end) else frame + end


# Frames nobody captured: an intact frame around a body of chance.


def uplink(data: bytes, port: int, model: str | None) -> Seed:
    """Return a LoRaWAN uplink as ChirpStack v4 hands it over."""
    said = {"deviceInfo": {"devEui": "0011223344556677"}, "fPort": port, "data": base64.b64encode(data).decode()}
    topic = "application/1/device/0011223344556677/event/up"
    return Seed(topic=topic, payload=json.dumps(said).encode(), model=model)


def _body(rng: Random, most: int = LONGEST_GROWN) -> bytes:
    return rng.randbytes(rng.randrange(most + 1))


def _gt06(rng: Random) -> Seed:
    frame = gt06.seal(rng.randrange(256), _body(rng), rng.randrange(1 << 16), long=rng.random() < 0.2)
    return Seed(topic="tcp/gt06/862000000000017", payload=frame)


def _topin(rng: Random) -> Seed:
    body = _body(rng)
    return Seed(topic="tcp/topin/862000000000017", payload=b"xx" + bytes((len(body),)) + body + b"\r\n")


def _jt808(rng: Random) -> Seed:
    kind = rng.choice((0x0200, 0x0704, 0x0002, 0x0100, 0x0102, 0x0900, 0x5501, rng.randrange(1 << 16)))
    body = _body(rng)
    if kind == 0x0200:  # alarms, state, place, time, then items: kind, length, content
        body = rng.randbytes(18) + bytes.fromhex("261122055958")
        for _ in range(rng.randrange(6)):
            item = _body(rng, 12)
            body += bytes((rng.randrange(256), len(item))) + item
    new = rng.random() < 0.3
    attributes = len(body) | (0x4000 if new else 0)
    number = (b"\x01" if new else b"") + bytes.fromhex("13900000017".zfill(20 if new else 12))
    inner = struct.pack(">HH", kind, attributes) + number + b"\0\7" + body
    return Seed(topic="tcp/jt808", payload=b"\x7e" + inner + bytes((reduce(xor, inner),)) + b"\x7e")


def _eview(rng: Random) -> Seed:
    content = b"\x10\x01862000000000017"
    for _ in range(rng.randrange(1, 5)):
        item = _body(rng, 20)
        content += bytes((len(item) + 1, rng.randrange(64))) + item
    return Seed(topic="tcp/eview", payload=eview.seal(1, content, rng.randrange(1 << 16)))


def _xexun3(rng: Random) -> Seed:
    inner = b"\x03" + rng.choice((b"\x20", rng.randbytes(1))) + bytes.fromhex("0408620000000000") + _body(rng)
    sealed = inner + xexun3.crc(inner).to_bytes(2, "big")
    return Seed(topic="tcp/xexun3", payload=b"\xfc" + len(inner).to_bytes(2, "big") + sealed + b"\xcf")


def _xexun2(rng: Random) -> Seed:
    body = _body(rng)
    inner = rng.choice((b"\0\x14", rng.randbytes(2))) + b"\0\2" + bytes.fromhex("8620000000000058")
    return Seed(topic="tcp/xexun2", payload=b"\xfa\xaf" + inner + struct.pack(">HH", len(body), 0) + body + b"\xfa\xaf")


def _eelink(rng: Random) -> Seed:
    body = rng.randbytes(2) + _body(rng)
    kind = rng.choice((0x02, 0x03, 0x04, 0x05, 0x12, 0x14, 0x15, rng.randrange(256)))
    frame = b"gg" + bytes((kind,)) + len(body).to_bytes(2, "big") + body
    return Seed(topic="tcp/eelink/862000000000017", payload=frame)


MODELS = [f"{codec.maker}.{model}" for codec in CODECS for model in codec.models]


def _lorawan(rng: Random) -> Seed:
    model = rng.choice((None, rng.choice(MODELS)))
    return uplink(_body(rng, 40), rng.choice((1, 2, 6, 10, 85, 102, 125, rng.randrange(1, 224))), model)


GROWN: Sequence[Callable[[Random], Seed]] = (
    _gt06, _topin, _jt808, _eview, _xexun3, _xexun2, _eelink, _lorawan,
)  # fmt: skip
GROWN_BY_GRAMMAR = {"gt06": _gt06, "jt808": _jt808, "eview": _eview, "lorawan": _lorawan}


def grown(rng: Random) -> Seed:
    """Return an intact frame with a body of chance."""
    return rng.choice(GROWN)(rng)
