"""The tables that may be taken into the register: their columns, what each is called, what a cell may say."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from hub import registry_ids as ids
from hub.catalogue import LANGUAGES, beginning

LONGEST = 200  # characters of a cell; of notes
LONGEST_NOTE = 4000
ABILITIES: Final = {"自理": "自理", "能力完好": "自理", "independent": "自理", "半失能": "半失能", "轻度失能": "半失能",
                    "中度失能": "半失能", "partly": "半失能", "失能": "失能", "重度失能": "失能", "完全失能": "失能",
                    "dependent": "失能"}  # fmt: skip
CLASSES: Final = {"高": "high", "高风险": "high", "high": "high", "中": "medium", "中风险": "medium",
                  "medium": "medium", "低": "low", "低风险": "low", "low": "low"}  # fmt: skip
YES: Final = {"是": True, "有": True, "yes": True, "y": True, "1": True, "true": True, "√": True,
              "否": False, "无": False, "no": False, "n": False, "0": False, "false": False}  # fmt: skip
ROLES: Final = ("community", "property", "village_doctor", "third_party", "county_centre", "ambulance", "neighbour",
                "installer")  # fmt: skip
KINDS: Final = ("community", "property", "third_party", "county_centre", "medical", "civil_affairs")
WAYS: Final = ("voice", "sms", "app")
_SPLIT = re.compile(r"[,，、;；/\n]+")


class CellError(ValueError):
    """A cell that cannot be used; `code` names the words that say what to write."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Column:
    """One column: its field, its heads in Chinese and English and as others call it, and how a cell is read."""

    name: str
    heads: tuple[str, ...]
    read: Callable[[str], Any]
    required: bool = False
    sealed: bool = False  # never shown in a preview, stored sealed
    example: str = ""


def text(said: str) -> str:
    if len(said) > LONGEST:
        raise CellError("long")
    return said


def note(said: str) -> str:
    if len(said) > LONGEST_NOTE:
        raise CellError("long")
    return said


def born(said: str) -> str:
    found = ids.day(said)
    if found is None or not ids.EARLIEST <= found <= date(2100, 1, 1):
        raise CellError("day")
    return found.isoformat()


def id_number(said: str) -> str:
    """Return the birth date: nothing else of the number goes any further."""
    number = re.sub(r"\s", "", said).upper()
    if why := ids.id_fault(number):
        raise CellError(f"id_{why}")
    return str(ids.id_born(number))


def phone(said: str) -> str:
    found = ids.phone(said)
    if found is None:
        raise CellError("phone")
    return found


def number(said: str) -> int:
    if not said.isascii() or not said.isdecimal() or len(said) > 18:
        raise CellError("number")
    return int(said)


def minutes(said: str) -> float:
    try:
        found = float(said)
    except ValueError:
        raise CellError("minutes") from None
    if not 0 <= found <= 1440:
        raise CellError("minutes")
    return found


def degrees(most: float) -> Callable[[str], float]:
    def read(said: str) -> float:
        try:
            found = float(said)
        except ValueError:
            raise CellError("degrees") from None
        if not -most <= found <= most:
            raise CellError("degrees")
        return found

    return read


def choice(words: Mapping[str, Any], code: str) -> Callable[[str], Any]:
    def read(said: str) -> Any:
        try:
            return words[said.strip().lower()]
        except KeyError:
            raise CellError(code) from None

    return read


def called(prefix: str, names: tuple[str, ...]) -> dict[str, str]:
    """Return names by what either language calls them, and by themselves."""
    found = {name: name for name in names}
    for language in LANGUAGES:
        told = beginning(prefix, language)
        found |= {told[name].lower(): name for name in names if name in told}
    return found


def listed(words: Mapping[str, str]) -> Callable[[str], list[str]]:
    """Several words in one cell; those that are known get their name, others stay as they are."""

    def read(said: str) -> list[str]:
        found = [part.strip() for part in _SPLIT.split(said) if part.strip()]
        if any(len(part) > 40 for part in found) or len(found) > 20:
            raise CellError("long")
        return list(dict.fromkeys(words.get(part.lower(), part) for part in found))

    return read


def codes(said: str) -> str:
    found = ids.uscc(said)
    if why := ids.uscc_fault(found):
        raise CellError(f"uscc_{why}")
    return found


def ways(said: str) -> list[str]:
    names = {"电话": "voice", "语音": "voice", "短信": "sms", "应用": "app", **{way: way for way in WAYS}}
    found = listed(names)(said)
    if not set(found) <= set(WAYS):
        raise CellError("ways")
    return found


def risks() -> dict[str, str]:
    return {text.lower(): name for language in LANGUAGES for name, text in beginning("risk.", language).items()}


@dataclass(frozen=True)
class Table:
    """One kind of file. `known_by`: what tells a row's subject from all others, best first."""

    kind: str
    columns: tuple[Column, ...]
    by_head: Mapping[str, Column] = field(default_factory=dict)


def _table(kind: str, *columns: Column) -> Table:
    heads = {head(word): column for column in columns for word in (column.name, *column.heads)}
    return Table(kind, columns, heads)


def head(word: str) -> str:
    """Return a head as heads are compared: no spaces, marks or stars, small letters."""
    return re.sub(r"[\s*＊_：:\-]|[（(].*?[）)]", "", word).lower()


KIND_OF = choice(called("reg.kind.", KINDS), "kind")
ROLE_OF = choice(called("role.", ROLES), "role")
PHONE = Column("phone", ("电话", "Telephone", "联系电话", "手机"), phone, required=True, example="000 0000 1901")
LAT = Column("lat", ("纬度", "Latitude"), degrees(90), example="38.4871")
LON = Column("lon", ("经度", "Longitude"), degrees(180), example="106.2310")
TABLES: Final = {table.kind: table for table in (
    _table(
        "residents",
        Column("number", ("编号", "Number", "no."), number),
        Column("name", ("姓名", "Name"), text, required=True, example="示例一"),
        Column("id_number", ("公民身份号码", "ID card number", "身份证号", "身份证号码"), id_number, sealed=True),
        Column("born", ("出生日期", "Born", "生日", "date of birth"), born, example="1944-03-12"),
        Column("area", ("社区", "Area", "所在社区", "村居", "community"), text, required=True, example="和平社区"),
        Column("address", ("住址", "Address", "地址", "家庭住址"), text, required=True, example="3 号楼 2 单元 501"),
        Column("phone", ("电话", "Telephone", "联系电话", "手机", "手机号", "phone"), phone, example="000 0000 0901"),
        Column("risk_class", ("风险等级", "Risk class"), choice(CLASSES, "class"), example="高"),
        Column("ability", ("能力等级", "Ability", "自理能力"), choice(ABILITIES, "ability"), example="半失能"),
        Column("risks", ("风险", "Risks", "健康风险"), listed(risks()), example="独居、易跌倒"),
        Column("language", ("语言", "Language", "方言"), text, example="普通话"),
        Column("languages", ("其他语言", "Other languages"), listed({}), example=""),
        Column("entrance", ("进门方式", "Entrance", "入户说明"), text, example="五楼，无电梯"),
        Column("hazards", ("屋内危险", "Hazards", "注意事项"), text, example="厨房有燃气罐"),
        Column("key_place", ("钥匙", "Key", "钥匙存放"), text, example="物业值班室"),
        Column("door_code", ("门码", "Door code", "门禁密码"), text, sealed=True),
        Column("health_notes", ("健康备注", "Health notes", "病史"), note, sealed=True),
        LAT, LON,
    ),
    _table(
        "circle",
        Column("resident", ("长者", "Resident", "长者姓名", "长者编号"), text, required=True, example="示例一"),
        Column("resident_phone", ("长者电话", "Resident telephone"), phone, example="000 0000 0901"),
        Column("name", ("姓名", "Name", "联系人"), text, required=True, example="示例之女"),
        PHONE,
        Column("relation", ("关系", "Relation", "与长者关系"), text, example="女儿"),
        Column("role", ("身份", "Role"), choice(called("role.", ("family", "neighbour")), "role"), example="家属"),
        Column("order", ("顺序", "Order", "呼叫顺序"), number, example="1"),
        Column("minutes", ("到达分钟", "Minutes away", "分钟", "minutes"), minutes, example="25"),
        Column("has_key", ("有钥匙", "Has a key"), choice(YES, "yes"), example="是"),
        Column("ways", ("通知方式", "Reached by"), ways),
    ),
    _table(
        "organisations",
        Column("name", ("名称", "Name", "机构名称", "单位名称"), text, required=True, example="示例物业服务有限公司"),
        Column("uscc", ("统一社会信用代码", "Unified social credit code", "信用代码", "uscc"), codes),
        Column("kind", ("类型", "Kind", "机构类型"), KIND_OF, required=True, example="物业"),
        Column("phone", ("电话", "Telephone", "联系电话", "phone"), phone, example="000 0000 2901"),
        Column("areas", ("服务区域", "Areas served", "服务社区"), listed({}), example="和平社区"),
    ),
    _table(
        "people",
        Column("number", ("编号", "Number", "no."), number),
        Column("name", ("姓名", "Name"), text, required=True, example="示例保安"),
        Column("role", ("身份", "Role", "角色", "岗位"), ROLE_OF, required=True, example="物业"),
        Column("organisation", ("机构", "Organisation", "所属机构", "单位"), text, example="示例物业服务有限公司"),
        Column("area", ("区域", "Area", "社区", "服务区域"), text, example="和平社区"),
        PHONE,
        Column("ways", ("通知方式", "Reached by"), ways),
        LAT, LON,
    ),
)}  # fmt: skip
