"""Damage, by chance but repeatably: to bytes, to text fields, to JSON, and to two messages at once."""

import json
import string
from collections.abc import Callable
from random import Random
from typing import Any

LARGEST = 1 << 20  # bytes; no way in hands on more
DEEPEST = 100_000

# Values that some language's reader or writer gets wrong.
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 255, 65_535, 2**31, 2**63, 2**64, 10**400, -(10**30), 0.1, -0.0, 1e308, float("nan"),
    float("inf"), float("-inf"), "", " ", "NaN", "Infinity", "null", "true", "1e999", "0x10",
    "٣", "１", "\x00", "\ud800",
    "\udfff\ud800", "é" * 50, "a" * 5_000, "%s%n", "2026-02-30T25:61:61Z", "9999-12-31T23:59:59.999999-23:59",
    "0001-01-01T00:00:00+23:59",
    [], {}, [[]], [None], {"": None}, [0] * 500, {"value": {"value": {"value": 1}}},
)  # fmt: skip
MARKS = (b"[", b"]", b"*", b",", b"#", b"$", b"(", b")", b"{", b"}", b'"', b"\\", b"\r\n", b"\0", b"\x7e", b"\x7d",
         b"xx", b"yy", b"gg", b"\xab", b"\xfa\xaf", b"\xfc", b"\xcf", b"!", b";", b":", b"@", b"imei:", b"+RESP:GT",
         b"$MG", b"\xe7",
         b"\xff\xff\xff\xff", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\x80")  # fmt: skip


def _cut(rng: Random, data: bytes) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def _behead(rng: Random, data: bytes) -> bytes:
    return data[rng.randrange(len(data) + 1) :]


def _flip(rng: Random, data: bytes) -> bytes:
    flipped = bytearray(data)
    for _ in range(rng.randrange(1, 5)):
        flipped[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(flipped)


def _replace(rng: Random, data: bytes) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + rng.choice((rng.randbytes(rng.randrange(1, 5)), rng.choice(MARKS))) + data[at + 1 :]


def _insert(rng: Random, data: bytes) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.choice((rng.randbytes(rng.randrange(1, 9)), rng.choice(MARKS))) + data[at:]


def _drop(rng: Random, data: bytes) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + data[at + rng.randrange(1, 9) :]


def _repeat(rng: Random, data: bytes) -> bytes:
    """Repeat a piece, now and then so often that it fills what a way in hands on."""
    start = rng.randrange(len(data))
    piece = data[start : start + rng.randrange(1, 33)]
    times = rng.choice((2, 3, 17, 300)) if rng.random() < 0.999 else LARGEST // len(piece)
    return data[:start] + piece * times + data[start:]


def _number(rng: Random, data: bytes) -> bytes:
    """Put another number where digits stand, or another length where one may."""
    digits = [at for at, byte in enumerate(data) if 0x30 <= byte <= 0x39]
    if digits and rng.random() < 0.7:
        at = rng.choice(digits)
        new = rng.choice(
            (b"", b"-", b"0", b"9" * rng.choice((1, 4, 40, 5_000)), b"00", b"FF", b".", b"1e9", b"\xd9\xa3")
        )
        return data[:at] + new + data[at + 1 :]
    at, size = rng.randrange(len(data)), rng.choice((1, 2, 4))
    word = rng.choice((b"\0", b"\xff", b"\x7f", b"\x80", b"\1")) * size
    return data[:at] + word + data[at + size :]


def _shuffle(rng: Random, data: bytes) -> bytes:
    """Exchange two fields between the same marks."""
    mark = rng.choice((b",", b"*", b";", b" ", b"&"))
    fields = data.split(mark)
    if len(fields) > 2:
        one, other = rng.sample(range(len(fields)), 2)
        fields[one], fields[other] = fields[other], rng.choice((fields[one], b"", fields[other]))
    return mark.join(fields)


def _random(rng: Random, data: bytes) -> bytes:
    return rng.randbytes(rng.randrange(300))


BYTES: tuple[Callable[[Random, bytes], bytes], ...] = (
    _cut, _behead, _flip, _flip, _replace, _insert, _drop, _repeat, _number, _number, _shuffle,
)  # fmt: skip


def splice(rng: Random, one: bytes, other: bytes) -> bytes:
    """Return the head of one and the tail of the other, or one within the other."""
    if rng.random() < 0.2:
        at = rng.randrange(len(one) + 1)
        return one[:at] + other + one[at:]
    return _cut(rng, one) + _behead(rng, other)


# JSON: what it holds is changed, so that it stays JSON.


def any_json(rng: Random, names: list[str], depth: int = 3) -> Any:
    """Return JSON of chance whose properties are called as `names` are."""
    if depth == 0 or rng.random() < 0.4:
        return rng.choice((rng.choice(ODD), rng.randrange(-300, 300), rng.random() * 400, rng.choice(names)))
    if rng.random() < 0.3:
        return [any_json(rng, names, depth - 1) for _ in range(rng.randrange(5))]
    return {rng.choice(names): any_json(rng, names, depth - 1) for _ in range(rng.randrange(6))}


def names_in(value: Any) -> list[str]:
    """Return all names and words in JSON."""
    found: list[str] = []
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            found += one
            left += one.values()
        elif isinstance(one, list):
            left += one
        elif isinstance(one, str) and len(one) < 40:
            found.append(one)
    return found


def change(rng: Random, value: Any, names: list[str]) -> Any:
    """Return the same JSON with one place in it changed."""
    if isinstance(value, dict) and value and rng.random() < 0.85:
        name = rng.choice(list(value))
        changed = dict(value)
        what = rng.random()
        if what < 0.6:
            changed[name] = change(rng, value[name], names)
        elif what < 0.75:
            changed[rng.choice(names)] = value[name]
        elif what < 0.85:
            changed[rng.choice((name.upper(), name + "_1", name + " ", "\ud83d" + name))] = changed.pop(name)
        elif what < 0.95:
            del changed[name]
        else:
            changed[name] = {name: value[name]}
        return changed
    if isinstance(value, list) and value and rng.random() < 0.7:
        at = rng.randrange(len(value))
        return [*value[:at], change(rng, value[at], names), *value[at + rng.randrange(2) :]]
    return rng.choice((
        rng.choice(ODD), rng.choice(names), any_json(rng, names), [value], {"value": value}, str(value),
        value if not isinstance(value, str) else value.swapcase(),
        value + rng.choice((-1, 1, 1000)) if isinstance(value, int | float) else value,
    ))  # fmt: skip


def json_payload(rng: Random, data: bytes, names: list[str]) -> bytes:
    """Return a JSON payload changed in one to three places; what is no JSON becomes some."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        value = any_json(rng, names)
    for _ in range(rng.randrange(1, 4)):
        value = change(rng, value, names)
    return json.dumps(value, ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")


def deep(rng: Random, data: bytes) -> bytes:
    """Return something so deep that a reader which follows it down falls."""
    depth = rng.choice((20, 400, 1_200, DEEPEST))
    opening, closing = rng.choice(((b"[", b"]"), (b'{"a":', b"}"), (b'{"params":', b"}"), (b'[{"value":', b"}]")))
    return opening * depth + rng.choice((data, b"1", b"")) + closing * rng.choice((depth, 0))


def bytes_of(rng: Random, data: bytes) -> bytes:
    """Return the payload with one to three damages."""
    for _ in range(rng.choice((1, 1, 2, 3))):
        data = (rng.choice(BYTES) if data else _random)(rng, data)[:LARGEST]
    return data


def words(rng: Random) -> str:
    """Return a word of chance."""
    return "".join(rng.choice(string.ascii_letters + string.digits + "_ -") for _ in range(rng.randrange(1, 9)))
