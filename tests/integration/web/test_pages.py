"""What every answer carries, what the files are, and that both languages are whole."""

import hashlib
import re

import httpx
import pytest

from hub.catalogue import texts
from hub.web.frame import HERE
from tests.integration.web.world import World

VENDOR = HERE / "static" / "vendor"


@pytest.mark.parametrize("path", ["/login", "/", "/static/console.css", "/healthz", "/r/x", "/nowhere"])
def test_every_answer_is_hardened(visitor: httpx.Client, path: str) -> None:
    headers = visitor.get(path).headers
    rules = headers["content-security-policy"]
    assert "default-src 'none'" in rules
    assert "unsafe" not in rules
    assert "frame-ancestors 'none'" in rules
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"


def test_nonce_is_new_every_time(visitor: httpx.Client) -> None:
    rules = [visitor.get("/login").headers["content-security-policy"] for _ in range(5)]
    nonces = {re.findall(r"'nonce-([^']+)'", rule)[0] for rule in rules}
    assert len(nonces) == 5


def test_pages_hold_no_inline_script_or_style(li: httpx.Client, world: World) -> None:
    page = li.get(f"/incidents/{world.alert('watch-wang')}").text
    assert not re.findall(r"<script(?![^>]*\bsrc=)", page)
    assert not re.findall(r"\s(?:style|on\w+)=", page)


def test_every_htmx_element_carries_the_nonce(li: httpx.Client, world: World) -> None:
    page = li.get(f"/incidents/{world.alert('watch-wang')}").text
    elements = re.findall(r"<[a-z]+[^>]*\shx-(?:get|post)=[^>]*>", page)
    assert elements
    assert all("hx-nonce=" in element for element in elements)


def test_large_form_is_refused(visitor: httpx.Client) -> None:
    assert visitor.post("/login", data={"login": "x" * 70_000}).status_code == 413


def test_readiness_and_metrics_are_served(visitor: httpx.Client) -> None:
    assert visitor.get("/healthz").status_code == 200
    assert visitor.get("/readyz").status_code == 200
    assert "carehub_console_streams" in visitor.get("/metrics").text


def test_vendored_files_are_the_ones_that_were_checked() -> None:
    rows = re.findall(r"^\| (\S+) \|.*`([0-9a-f]{64})` \|$", (VENDOR / "VENDORED.md").read_text(), re.MULTILINE)
    listed = dict(rows)
    present = {str(p.relative_to(VENDOR)) for p in VENDOR.rglob("*") if p.suffix in (".js", ".css")}
    assert set(listed) == present
    assert {name: hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() for name in listed} == listed


def test_every_word_a_template_says_is_in_the_catalogue() -> None:
    said = set()
    for path in (HERE / "templates").glob("*.html"):
        said |= set(re.findall(r"\bt\('([a-z_0-9.]+)'(?!\s*~)", path.read_text()))
    assert said
    assert sorted(said - set(texts("en"))) == []


def test_nothing_personal_is_logged(li: httpx.Client, world: World, capsys: pytest.CaptureFixture[str]) -> None:
    incident = world.alert("watch-wang")
    token = re.findall(r'name="csrf" value="([^"]+)"', li.get("/").text)[0]
    for verb in ("take", "door_code", "resolve"):
        li.post(f"/incidents/{incident}/{verb}", data={"csrf": token})
    said = "".join(capsys.readouterr())
    for secret in ("王秀英", "4471#", "和平里", token):
        assert secret not in said
