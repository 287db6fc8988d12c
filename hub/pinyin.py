"""Chinese names by how they sound: wxl and wangxiul find 王秀兰. Only for finding; nothing is stored."""

from collections.abc import Iterable
from functools import lru_cache
from itertools import product

NAMES_KEPT = 200_000
LONGEST_NAME = 6  # characters that are read; more would have too many readings
READINGS = 3  # of one character


def matching(names: Iterable[tuple[int, str]], wanted: str, limit: int) -> list[int]:
    """Return the numbers of the names that begin so: by initials, or written out."""
    found: list[int] = []
    for number, name in names:
        if any(sound.startswith(wanted) for sound in sounds(name)):
            found.append(number)
            if len(found) >= limit:
                break
    return found


@lru_cache(maxsize=NAMES_KEPT)
def sounds(name: str) -> tuple[str, ...]:
    """Return how a name may be typed: 王秀兰 -> (wxl, wangxiulan); surnames may have two readings."""
    from pypinyin import Style, pinyin  # noqa: PLC0415 - 0.7 s to import, and only who searches by sound needs it

    short = name[:LONGEST_NAME]
    letters = pinyin(short, style=Style.FIRST_LETTER, heteronym=True)
    spelled = pinyin(short, style=Style.NORMAL, heteronym=True)
    return tuple(
        dict.fromkeys(
            "".join(each).lower().replace(" ", "")
            for reading in (letters, spelled)
            for each in product(*(choice[:READINGS] for choice in reading))
        )
    )
