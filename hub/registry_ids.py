"""Numbers that prove themselves: 统一社会信用代码 of an organisation, 公民身份号码 of a person; telephones, days.

An identity number is read to check a birth date and then forgotten: nothing here is stored (hub/decisions/0018).
"""

import re
from datetime import date

USCC_SIGNS = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # GB 32100-2015, 5: no I, O, Z, S, V
USCC_LENGTH = 18
ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # GB 11643-1999, annex A
ID_CHECKS = "10X98765432"
AREA_CODE = 12
AREA_DIGITS = {"city": 4, "county": 6, "township": 9, "community": 12}  # what tells areas of a level apart
EARLIEST = date(1900, 1, 1)
_ID = re.compile(r"[1-9]\d{16}[\dX]")
_PHONE = re.compile(r"\+?[0-9][0-9 \-()（）]{3,22}[0-9]")
_DAYS = (
    re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[ T]00:00(?::00)?)?"),
    re.compile(r"(\d{4})(\d{2})(\d{2})"),
)  # fmt: skip


def uscc(said: str) -> str:
    """Return a code as it is stored: no spaces, capital letters."""
    return re.sub(r"[\s\-]", "", said).upper()


def uscc_fault(code: str) -> str:
    """Return why this is no 统一社会信用代码: `length`, `signs`, `check`; empty when it is one."""
    if len(code) != USCC_LENGTH:
        return "length"
    if not set(code) <= set(USCC_SIGNS):
        return "signs"
    return "" if code[-1] == uscc_check(code[:-1]) else "check"


def uscc_check(first: str) -> str:
    """Return the check sign of the first 17: Σ value × 3^i mod 31, taken from 31. Source: GB 32100-2015, 7."""
    total = sum(USCC_SIGNS.index(sign) * pow(3, place, 31) for place, sign in enumerate(first))
    return USCC_SIGNS[(31 - total % 31) % 31]


def id_fault(number: str) -> str:
    """Return why this is no 公民身份号码: `length`, `check`, `day`; empty when it is one."""
    if not _ID.fullmatch(number):
        return "length"
    total = sum(int(sign) * weight for sign, weight in zip(number, ID_WEIGHTS, strict=False))
    if number[-1] != ID_CHECKS[total % 11]:
        return "check"
    return "" if id_born(number) else "day"


def id_born(number: str) -> date | None:
    """Return the birth date an identity number tells."""
    return day(number[6:14])


def area_code(said: str, level: str) -> str | None:
    """Return a 统计用区划代码 in its 12 digits, None when it is none of this level.

    What stands for smaller areas than this one is noughts and may be left out: 640121 of a county is 640121000000.
    Source: 统计用区划代码和城乡划分代码编制规则 (NBS, 2009): 2 + 2 + 2 + 3 + 3 digits.
    """
    told = AREA_DIGITS[level]
    code = re.sub(r"\s", "", said)
    if not (code.isascii() and code.isdecimal()) or len(code) not in {told, AREA_CODE}:
        return None
    code = code.ljust(AREA_CODE, "0")
    above = max((n for n in AREA_DIGITS.values() if n < told), default=2)
    own = code[above:told]
    return code if code[:2] != "00" and own.strip("0") and not code[told:].strip("0") else None


def area_inside(code: str, parent: str, parent_level: str) -> bool:
    """Whether the code of an area begins as that of the area around it; where one has none, nothing contradicts."""
    told = AREA_DIGITS[parent_level]
    return not code or not parent or code[:told] == parent.ljust(AREA_CODE, "0")[:told]


def day(said: str) -> date | None:
    """Return a day as people write it: 1944-03-12, 1944/3/12, 1944年3月12日, 19440312; None when it is none."""
    for shape in _DAYS:
        if found := shape.fullmatch(said.strip()):
            try:
                return date(int(found[1]), int(found[2]), int(found[3]))
            except ValueError:
                return None
    return None


def phone(said: str) -> str | None:
    """Return a telephone number as it is stored, None when it is none. A mobile number has its eleven digits."""
    text = re.sub(r"\s+", " ", said.strip())
    count = len(digits(text))
    if not _PHONE.fullmatch(text) or not 5 <= count <= 15:
        return None
    bare = digits(text)
    if bare.startswith("1") and not text.startswith("+") and count not in (5, 6, 11):  # 12345, 12349, 1xx…
        return None
    return text


def digits(said: str) -> str:
    """Return what tells telephones apart."""
    found = re.sub(r"\D", "", said)
    return found[2:] if len(found) == 13 and found.startswith("861") else found
