"""Excel files that somebody made to stop the hub: refused while they are unpacked, before anybody reads them."""

import io
import zipfile

import pytest
from openpyxl import Workbook  # type: ignore[import-untyped]

from hub.registry_read import FileError, read
from hub.registry_tables import TABLES

LAUGHS = b"".join(
    b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10 if n else b"ha" * 10) for n in range(12)
)  # 2 TB when it is unfolded
DTD = b'<?xml version="1.0"?>\n<!DOCTYPE bomb [' + LAUGHS + b"]>"
OUTSIDE = b'<?xml version="1.0"?>\n<!DOCTYPE s [<!ENTITY l11 SYSTEM "file:///etc/passwd">]>'


def book(**parts: bytes) -> bytes:
    """A good file, some parts of which are replaced."""
    made, out = io.BytesIO(), io.BytesIO()
    one = Workbook()
    one.active.append([column.heads[0] for column in TABLES["residents"].columns])
    one.active.append(["和平"] * len(TABLES["residents"].columns))
    one.save(made)
    with zipfile.ZipFile(made) as good, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as bad:
        for part in good.namelist():
            bad.writestr(part, parts.get(part.rpartition("/")[2].replace(".", "_"), good.read(part)))
    return out.getvalue()


STRINGS = b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>&l11;</t></si></sst>'
SHEET = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>&l11;</sheetData></worksheet>'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("head", [DTD, OUTSIDE], ids=["laughs", "outside"])
@pytest.mark.parametrize(("part", "body"), [("workbook_xml", STRINGS), ("sheet1_xml", SHEET)])
def test_file_that_defines_words_of_its_own_is_refused(part: str, body: bytes, head: bytes, encoding: str) -> None:
    with pytest.raises(FileError, match="bomb"):
        read(book(**{part: (head + body).decode().encode(encoding)}), TABLES["residents"])


def test_file_that_unpacks_to_gigabytes_is_refused() -> None:
    with pytest.raises(FileError, match="bomb"):
        read(book(sheet1_xml=SHEET.replace(b"&l11;", b" " * 100_000_000)), TABLES["residents"])
