"""Value templates: what is read, and that nothing is ever run."""

import json
import time

import pytest

from devices import templates


def found(template: str, payload: str) -> object:
    parsed = templates.parse(template)
    assert parsed is not None, template
    try:
        value = json.loads(payload)
    except ValueError:
        value = None
    return templates.value(parsed, payload, value)


@pytest.mark.parametrize(
    ("template", "payload", "value"),
    [
        ("{{ value_json.battery }}", '{"battery": 81}', 81),
        ("{{value_json.a.b}}", '{"a": {"b": "x"}}', "x"),
        ("{{ value_json['DS18B20'].Temperature }}", '{"DS18B20": {"Temperature": 20.5}}', 20.5),
        ('{{ value_json["a"][1] }}', '{"a": [1, 2]}', 2),
        ("{{ value_json.t | float | round(1) }}", '{"t": "20.51"}', "20.51"),
        ("{{ value_json.v | multiply(0.001) }}", '{"v": 3000}', 3.0),
        ("{{ value | int }}", "17", "17"),
        ("", "ON", "ON"),
        ("{{ value_json.missing }}", '{"a": 1}', None),
        ("{{ value_json.a.b }}", '{"a": 1}', None),
        ("{{ 'ON' if value_json.open else 'OFF' }}", '{"open": true}', "ON"),
        ("{{ 'ON' if value_json.open else 'OFF' }}", '{"open": false}', "OFF"),
        ("{{ 'ON' if value_json.open else 'OFF' }}", "{}", None),
        ("{% if value_json.state == 'open' %}ON{% else %}OFF{% endif %}", '{"state": "open"}', "ON"),
        ("{% if value_json.n == 1 %}ON{% else %}OFF{% endif %}", '{"n": 0}', "OFF"),
    ],
)
def test_value_is_found_where_the_template_says(template: str, payload: str, value: object) -> None:
    assert found(template, payload) == value


@pytest.mark.parametrize(
    "template",
    [
        "{{ value_json.__class__.__mro__[1]() }}",
        "{{ ''.join(['a']) }}",
        "{{ value_json.a + 1 }}",
        "{{ states('sensor.x') }}",
        "{% for x in value_json %}{{ x }}{% endfor %}",
        "{{ value_json.a | map('upper') }}",
        "{{ value_json" + ".a" * 200 + " }}",
        "value_json.a",
    ],
)
def test_anything_else_is_not_understood_and_not_run(template: str) -> None:
    assert templates.parse(template) is None


def test_hostile_template_takes_no_time() -> None:
    began = time.process_time()
    for template in ("{{ value_json" + "['a'" * 90, "{{ value | " + "float | " * 40, "{% if value " + " " * 300):
        templates.parse(template)
    assert time.process_time() - began < 1
