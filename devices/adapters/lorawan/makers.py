"""All makers' byte grammars in one visible tuple, and which of them a device's model speaks."""

import re
from collections.abc import Iterable, Mapping

from devices.adapters.lorawan import (
    abeeway,
    browan,
    cayenne,
    digital_matter,
    dragino,
    elsys,
    hkt,
    iotracker,
    mclimate,
    milesight,
    moko,
    netvox,
    nexelec,
    oxon,
    seeed,
    sensative,
    small,
    swisscom,
    tektelic,
    watteco,
    yobiiq,
)
from devices.adapters.lorawan.parts import Codec

CODECS: tuple[Codec, ...] = (
    abeeway.CODEC,
    browan.MERRY,
    browan.TABS,
    cayenne.CODEC,
    digital_matter.CODEC,
    dragino.CODEC,
    elsys.CODEC,
    hkt.CODEC,
    iotracker.CODEC,
    mclimate.CODEC,
    milesight.CODEC,
    moko.CODEC,
    netvox.CODEC,
    nexelec.CODEC,
    oxon.CODEC,
    seeed.CODEC,
    sensative.CODEC,
    small.ASCOEL,
    small.GLOBALSAT,
    swisscom.CODEC,
    tektelic.CODEC,
    watteco.CODEC,
    yobiiq.CODEC,
)
_WORDS_OF_A_MODEL = 5  # `smart room pir v3 1`
_SHORTEST_BARE = 4  # a model named without its maker must be told from a common word: `ws101`, not `ht`


def _bare(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


_ROWS: dict[str, tuple[tuple[Codec, str], ...]] = {}
for _codec in CODECS:
    for _model in _codec.models:
        _ROWS[_bare(_model)] = (*_ROWS.get(_bare(_model), ()), (_codec, _model))
_MAKERS: Mapping[str, Codec] = {_bare(name): codec for codec in CODECS for name in (codec.maker, *codec.aliases)}


def find(names: Iterable[str | None]) -> tuple[Codec, str] | None:
    """Return the grammar and the row of the first name that has one.

    A name is what somebody wrote: `milesight.ws101`, `Milesight WS101-868M`, `netvox R718WB profile`. The longest run
    of its words that is a model counts; a model that two makers have needs its maker beside it.
    """
    for name in names:
        found = _find(name) if name else None
        if found is not None:
            return found
    return None


def _find(name: str) -> tuple[Codec, str] | None:
    words = [word for word in re.split(r"[^a-z0-9]+", name.lower()) if word][:12]
    maker, at = _maker(words)
    row = _row(words[at:], maker) or _row(words, maker)
    if row is None and maker is not None and maker.others and (words[at:] or not maker.named):
        return maker, "-".join(words[at:])
    return row


def _row(words: list[str], maker: Codec | None) -> tuple[Codec, str] | None:
    for first, size in _runs(len(words)):
        bare = "".join(words[first : first + size])
        rows = _ROWS.get(bare, ())
        if maker is not None:
            rows = tuple(row for row in rows if row[0] is maker)
        elif len(bare) < _SHORTEST_BARE or not any(letter.isdigit() for letter in bare):
            continue
        if len(rows) == 1:
            return rows[0]
    return None


def _runs(count: int) -> Iterable[tuple[int, int]]:
    """Return every run of words as (first, how many), the longest first."""
    return ((first, size) for size in range(min(count, _WORDS_OF_A_MODEL), 0, -1) for first in range(count - size + 1))


def _maker(words: list[str]) -> tuple[Codec | None, int]:
    """Return the maker that is named, and where the words after its name begin."""
    for size in (3, 2, 1):
        for first in range(len(words) - size + 1):
            codec = _MAKERS.get("".join(words[first : first + size]))
            if codec is not None:
                return codec, first + size
    return None, 0
