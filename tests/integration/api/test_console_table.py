"""What the console can, the API can, or one table says why not."""

from fastapi import FastAPI

from hub.api import app
from hub.web.access import TABLE
from tests.integration.api.console_table import COVERS

METHODS = ("GET ", "POST ", "PUT ", "PATCH ", "DELETE ")


def test_every_endpoint_of_the_console_has_an_operation_or_a_reason() -> None:
    assert sorted(TABLE.keys() - COVERS.keys()) == [], "add its operation, or why there is none, to console_table.py"
    assert sorted(COVERS.keys() - TABLE.keys()) == [], "the console has this no more"


def test_every_operation_the_table_names_is_there() -> None:
    paths = app.create(FastAPI()).openapi()["paths"]
    there = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    assert sorted({said for said in COVERS.values() if said.startswith(METHODS)} - there) == []
