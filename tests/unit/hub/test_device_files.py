"""Device lists as files, and labels: every fault is told with its line, and no label holds a key."""

from xml.etree import ElementTree as ET

import pytest

from hub import device_files, device_label
from hub.device_files import Row

RESIDENTS = {"1": [1], "2": [2], "3": [3], "长者甲": [1], "长者乙": [2, 3]}
HEAD = "address,model,resident,room,deadline_s\n"


def speaks(address: str) -> bool:
    return address.startswith(("carehub:", "z2m:"))


def read(text: str) -> device_files.Read:
    return device_files.read(text, RESIDENTS, speaks)


def test_devices_written_and_read_again_are_the_same() -> None:
    rows = (
        Row(address="carehub:w-1", model="W-1", resident=1, room="浴室, 左", deadline_s=600),
        Row(address='z2m:home7/zigbee2mqtt/SOS "bath"'),
        Row(address="carehub:w-2", deadline_s=0),
    )
    assert read(device_files.write(rows)) == device_files.Read(rows=rows)


def test_columns_may_be_few_and_in_any_order_and_a_spreadsheets_mark_is_skipped() -> None:
    assert read("\ufeffResident,Address\r\n长者甲,carehub:w-1\r\n\r\n").rows == (
        Row(address="carehub:w-1", resident=1),
    )


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("w-1,,,,", "write scheme:native"),
        ("nobody:x,,,,", "no grammar"),
        ("carehub:bad id,,,,", "1 to 64 letters"),
        ("carehub:responder,,,,", "1 to 64 letters"),
        ("carehub:w-1,,长者丙,,", "nobody is registered"),
        ("carehub:w-1,,长者乙,,", "give the number, one of 2, 3"),
        ("carehub:w-1,,,,-5", "whole seconds"),
        ("carehub:w-1,,,,99999999999999999999", "whole seconds"),
        ("carehub:w-1,,,,９", "whole seconds"),
        ("carehub:w-1,a\x07b,,,", "cannot be printed"),
        ("carehub:w-1,,", "3 cells under 5 heads"),
        ('carehub:w-1,"x', "no CSV"),
    ],
)
def test_line_that_cannot_be_used_says_what_to_write(line: str, word: str) -> None:
    (fault,) = read(HEAD + line + "\n").faults
    assert fault.line >= 2
    assert word in fault.text


def test_all_faults_are_told_at_once_and_nothing_is_taken() -> None:
    found = read(HEAD + "carehub:w-1,,,,\nw-2,,长者丙,,\ncarehub:w-1,,,,\n")
    assert found.rows == ()
    assert [fault.line for fault in found.faults] == [3, 3, 4]
    assert "line 2 already" in found.faults[-1].text


@pytest.mark.parametrize("head", ["", "model\n", "address,colour\n", "address,address\n"])
def test_file_with_another_head_is_refused_in_its_first_line(head: str) -> None:
    (fault,) = read(head + "carehub:w-1,x\n").faults
    assert fault.line == 1


def test_label_is_one_drawing_with_the_address_in_letters() -> None:
    drawn = device_label.svg("z2m:home7/<SOS> & bath", "TS0215A", 17)
    words = [one.text for one in ET.fromstring(drawn).iter() if one.tag.endswith("text")]
    assert words == ["17  TS0215A", "z2m:home7/<SOS> & bath"]
    assert device_label.text("carehub:w-1", "W-1") == "carehub:device?a=carehub%3Aw-1&m=W-1"


def test_longest_address_still_makes_a_label_that_holds_its_letters() -> None:
    drawn = ET.fromstring(device_label.svg("z2m:" + "x" * 60_000, "M" * 500, 1))
    lines = [one.text or "" for one in drawn.iter() if one.tag.endswith("text")]
    assert len(lines) == 4
    assert max(map(len, lines)) * device_label.LETTER_PX <= int(drawn.attrib["width"])


def test_label_is_read_back_and_nothing_else_is() -> None:
    for address, model in (("z2m:home/浴室 按钮&m=x", "SOS & co"), ("carehub:w-1", "")):
        assert device_label.read(device_label.text(address, model)) == (address, model)
    for code in (
        "",
        "carehub:device?",
        "carehub:device?m=x",
        "carehub:key?u=1",
        "https://example.org",
        device_label.text("x:" + "y" * 200, ""),
    ):
        assert device_label.read(code) is None
