"""Every no has words in both languages."""

import re
from pathlib import Path

import alerts
from hub import answers, desk, disaster, taps
from hub.refusals import WORDS, Refused
from hub.store import device_commands


def test_every_refusal_of_the_engine_and_the_desk_has_words() -> None:
    modules = (answers, desk, disaster, taps, device_commands)
    sources = [*Path(str(alerts.__path__[0])).glob("*.py"), *(Path(str(m.__file__)) for m in modules)]
    codes = {code for source in sources for code in re.findall(r'Refused\(\s*"([a-z_]+)"', source.read_text("utf-8"))}
    assert codes - set(WORDS) == set()
    assert set(WORDS) - codes == set()


def test_refusal_speaks_the_persons_language() -> None:
    assert Refused("ended").words("宁夏话").startswith("这起警情已结束")
    assert Refused("ended").words("en-GB").startswith("this incident has ended")
    assert Refused("something_new", "say it again").words("en") == "say it again"
