"""Every capture is understood as its specification means it, and answered by the grammar that its topic names."""

import pytest

from devices import registry
from devices.adapter import DecodeError
from devices.codes import CODES
from tests.unit.devices.captures import ALL, Capture


def _name(capture: Capture) -> str:
    return f"{capture.topic.split('/')[0]}: {capture.name}"


@pytest.mark.parametrize("capture", ALL, ids=_name)
def test_capture_says_what_its_specification_means(capture: Capture) -> None:
    adapter = registry.adapter_for(capture.topic)
    assert adapter is not None
    if capture.error is not None:
        with pytest.raises(DecodeError, match=capture.error):
            adapter.decode(capture.message)
        return

    said = adapter.decode(capture.message)[-1]  # of a batch, the newest

    if capture.device is not None:
        assert said.device == capture.device
    for expected in capture.says:
        seen = [one for one in said.observations if one.code == expected["code"]]
        assert seen, f"{expected['code']} was not said: {said.observations}"
        assert seen[0].value == expected["value"]
        if "quality" in expected:
            assert seen[0].quality == expected["quality"]
        if "stage" in expected:
            assert seen[0].stage == expected["stage"]
    assert not {one.code for one in said.observations} & set(capture.silent)


@pytest.mark.parametrize("capture", ALL, ids=_name)
def test_capture_speaks_only_words_of_the_vocabulary(capture: Capture) -> None:
    adapter = registry.adapter_for(capture.topic)
    assert adapter is not None
    if capture.error is None:
        for said in adapter.decode(capture.message):
            assert said.device.startswith(f"{adapter.scheme}:")
            assert said.adapter == adapter.name
            for seen in said.observations:
                assert seen.code in CODES
                assert seen.unit in (None, CODES[seen.code].unit)


@pytest.mark.parametrize("capture", ALL, ids=_name)
def test_what_rings_is_called_urgent_before_it_is_decoded(capture: Capture) -> None:
    adapter = registry.adapter_for(capture.topic)
    assert adapter is not None
    if capture.error is None:
        rings = any(
            one.value is True and one.code.startswith("alarm.") and one.code != "alarm.vibration"  # of a thing
            for said in adapter.decode(capture.message)
            for one in said.observations
        )
        assert registry.urgent(capture.topic, capture.message.payload) or not rings
