"""The supervisor's pages over HTTP: a whole October, every page in both languages, every file, every form."""

import csv as comma_separated
import io
import re
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest
from openpyxl import load_workbook  # type: ignore[import-untyped]

from hub.subsidies import SCHEMES
from tests.integration.supervisor.busy_month import busy_month
from tests.integration.supervisor.duty_log import DutyLog
from tests.integration.web.conftest import Served
from tests.integration.web.world import csrf_of, sign_in

PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)
PAGES = (
    "/supervisor", "/reviews", "/work-orders", "/visits", "/subsidies", "/subsidies?scheme=home_bed", "/reports",
    "/reports/month",
)  # fmt: skip
FILES = ("/supervisor/calls", "/work-orders/export", "/visits/export", "/subsidies/export", "/reports/month")


@pytest.fixture
def month(october: DutyLog) -> DutyLog:
    return busy_month(october)


@pytest.fixture
def ma(month: DutyLog) -> Iterator[httpx.Client]:
    """The supervisor's browser, on the last day of October."""
    served = Served(month.world.dsn).start()
    with served.client() as client:
        assert sign_in(client, "ma").status_code == 303
        yield client
    served.stop()


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_every_page_says_everything_in_its_language(ma: httpx.Client, month: DutyLog, language: str) -> None:
    month.world.sql("update person set language = %(l)s where login = 'ma'", l=language)
    for page in PAGES:
        answer = ma.get(page)
        assert answer.status_code == 200, page
        text = re.sub(r"<style>.*?</style>|<[^>]+>", " ", answer.text, flags=re.DOTALL)
        assert not re.search(r"\b(levels|orders|visits|reviews|subsidies|supervisor|report)\.(?!html)[a-z_]+", text), (
            page
        )
        if language == "en":
            assert "Undefined" not in text


def test_levels_on_the_page_are_those_of_the_month(ma: httpx.Client) -> None:
    page = ma.get("/supervisor?month=2026-10").text
    assert "62.5 %" in page, "five of eight calls were answered in a minute"
    assert "<small>5/8</small>" in page
    assert ma.get("/supervisor?month=2026-09").text.count("<small>0/0</small>") == 0
    assert ma.get("/supervisor?area=火星区").status_code == 404
    assert ma.get("/supervisor?month=2026-13").status_code == 422


def test_paper_nobody_has_compared_is_named_as_to_be_checked_wherever_it_stands(ma: httpx.Client) -> None:
    for scheme in SCHEMES:
        assert f'{scheme.source} <b class="tag">待主管部门核对</b>' in ma.get(f"/subsidies?scheme={scheme.key}").text
        told = ma.get(f"/subsidies/export/csv?scheme={scheme.key}").content.decode("utf-8-sig")
        assert f"{scheme.source} 待主管部门核对" in told


@pytest.mark.parametrize("path", FILES)
def test_every_table_leaves_as_csv_and_excel_and_that_is_written_down(
    ma: httpx.Client, month: DutyLog, path: str
) -> None:
    text = ma.get(f"{path}/csv?month=2026-10").content
    assert text.startswith(b"\xef\xbb\xbf")
    assert len(list(comma_separated.reader(io.StringIO(text.decode("utf-8-sig"), newline="")))) > 1
    answer = ma.get(f"{path}/xlsx?month=2026-10&area=兴庆区")
    book = load_workbook(io.BytesIO(answer.content))
    assert all(page.max_row >= 1 for page in book.worksheets)
    assert ma.get(f"{path}/pdf").status_code == 422
    kept = month.world.sql("select count(*) from access_log where what like 'export:%%' and person_id = %(p)s",
                           p=month.world.people["ma"])  # fmt: skip
    assert kept == [(2,)]


def test_calls_of_the_file_add_up_to_the_page(ma: httpx.Client) -> None:
    book = load_workbook(io.BytesIO(ma.get("/supervisor/calls/xlsx?month=2026-10").content))
    calls = list(book.worksheets[0].iter_rows(min_row=4, values_only=True))
    answered = [row[7] for row in calls if row[7] is not None]
    assert (len(calls), sum(seconds <= 60 for seconds in answered)) == (8, 5)


def test_draw_review_and_remedy_go_through_their_forms(ma: httpx.Client, month: DutyLog) -> None:
    page = ma.get("/reviews?month=2026-10").text
    people = re.findall(r'name="reviewer" value="(\d+)"', page)
    form = {"csrf": csrf_of(page), "month": "2026-10", "area": "", "wanted": "3", "seed": "7 19 23",
            "reviewer": [str(month.world.people["ma"])], "stratum": ["kind"]}  # fmt: skip
    assert set(people) == {str(month.world.people[p]) for p in ("li", "chen", "ma")}
    drawn = ma.post("/reviews", data=form)
    assert drawn.status_code == 303
    assert "重抽结果一致" in ma.get(drawn.headers["location"]).text
    ((review,),) = month.world.sql("select id from review where place = 1")
    asked = ma.get(f"/reviews/cases/{review}").text
    criteria = dict.fromkeys(re.findall(r'type="radio" name="(\w+)"', asked), "met")
    unsaid = ma.post(f"/reviews/cases/{review}", data={"csrf": csrf_of(asked), **criteria, "script": "not_met"})
    assert unsaid.status_code == 422, "what was not met has to be said"
    written = {"csrf": csrf_of(asked), **criteria, "script": "not_met", "finding": "没有问", "remedy": "培训"}
    assert ma.post(f"/reviews/cases/{review}", data=written).status_code == 303
    assert ma.post(f"/reviews/cases/{review}", data=written).status_code == 409
    assert ma.post(f"/reviews/cases/{review}/remedied", data=written).status_code == 409, "not by who asked for it"
    assert ma.post("/reviews", data={**form, "reviewer": []}).status_code == 422


def test_order_goes_from_plan_to_check_with_evidence_and_two_people(ma: httpx.Client, month: DutyLog) -> None:
    csrf = csrf_of(ma.get("/work-orders").text)
    made = ma.post("/work-orders", data={"csrf": csrf, "kind": "repair", "scope": "修门铃", "resident": "王秀英",
                                         "due": "2026-11-05"})  # fmt: skip
    path = made.headers["location"]
    assert ma.post(f"{path}/assign", data={"csrf": csrf}).status_code == 409, "to whom?"
    assert (
        ma.post(f"{path}/assign", data={"csrf": csrf, "assignee": str(month.world.people["guard"])}).status_code == 303
    )
    for verb in ("accept", "arrive"):
        assert ma.post(f"{path}/{verb}", data={"csrf": csrf}).status_code == 303
    photo = {"file": ("door.png", PNG, "image/png")}
    assert ma.post(f"{path}/files", data={"csrf": csrf}, files=photo).status_code == 303
    assert ma.post(f"{path}/files", data={"csrf": csrf}, files=photo).status_code == 409, "it is there already"
    page = {"file": ("x.png", b"<html>", "image/png")}
    assert ma.post(f"{path}/files", data={"csrf": csrf}, files=page).status_code == 422
    large = {"file": ("x.png", PNG + bytes(2 << 20), "image/png")}
    assert ma.post(f"{path}/files", data={"csrf": csrf}, files=large).status_code == 422
    assert ma.post(f"{path}/finish", data={"csrf": csrf, "words": "换了电铃"}).status_code == 303
    assert ma.post(f"{path}/check", data={"csrf": csrf, "words": "好"}).status_code == 409, "she wrote that it is done"
    number = int(path.rpartition("/")[2])
    with ma.__class__(base_url=ma.base_url, trust_env=False) as li:
        assert sign_in(li, "li").status_code == 303
        other = csrf_of(li.get("/work-orders").text)
        assert li.post(f"{path}/check", data={"csrf": other, "words": "电话核实"}).status_code == 303
        ((file,),) = month.world.sql("select id from work_order_file where order_id = %(o)s", o=number)
        shown = li.get(f"/work-orders/files/{file}")
        assert (shown.content, shown.headers["content-type"]) == (PNG, "image/png")
        assert li.get("/supervisor").status_code == 403
    assert "指纹链完整" in ma.get(path).text
    assert month.world.sql("select count(*) from access_log where what = %(w)s", w=f"work order file: {file}") == [(1,)]
    month.world.sql(
        "update work_order_event set at = at - interval '1 hour' where order_id = %(o)s and seq = 4", o=number
    )
    assert "指纹链不完整" in ma.get(path).text


def test_visit_is_written_down_and_counts_only_with_proof(ma: httpx.Client, month: DutyLog) -> None:
    csrf = csrf_of(ma.get("/visits").text)
    at = f"{(month.now - timedelta(hours=1)):%Y-%m-%dT%H:%M}"
    form = {"csrf": csrf, "resident": "何玉兰", "at": at, "how": "visit", "outcome": "met"}
    assert ma.post("/visits", data=form).status_code == 303
    reached = "select count(*) from contact_made where how = 'visit' and evidence <> ''"
    assert month.world.sql(reached) == [(0,)]
    assert "另有 1 次未成" in ma.get("/visits?month=2026-10").text
    assert ma.post("/visits", data={**form, "evidence": "表 12"}).status_code == 303
    assert "表 12" in ma.get("/visits?month=2026-10").text
    assert ma.post("/visits", data={**form, "resident": "谁"}).status_code == 422
    assert ma.post("/visits", data={**form, "at": "2027-01-01T00:00"}).status_code == 422


def test_purchase_and_paper_change_what_is_missing(ma: httpx.Client, month: DutyLog) -> None:
    her = month.world.residents["zhang"]
    path = f"/subsidies/residents/{her}?month=2026-10"
    page = ma.get(path).text
    assert "缺困难证明" in page
    csrf = csrf_of(page)
    form = {"csrf": csrf, "scheme": "renewal", "item": "防滑扶手", "price": "1,299.90", "bought_on": "2026-10-08",
            "invoice": "25312000000012345678"}  # fmt: skip
    assert ma.post(f"/subsidies/residents/{her}/purchases", data=form).status_code == 303
    assert ma.post(f"/subsidies/residents/{her}/purchases", data=form).status_code == 409, "that item of that invoice"
    assert ma.post(f"/subsidies/residents/{her}/purchases", data={**form, "price": "-1"}).status_code == 422
    paper = {"csrf": csrf, "fact": "hardship", "value": "minimum_income", "document": "低保证 0001"}
    assert ma.post(f"/subsidies/residents/{her}/facts", data=paper).status_code == 303
    assert ma.post(f"/subsidies/residents/{her}/facts", data={**paper, "document": ""}).status_code == 422
    page = ma.get(path).text
    assert "商办消费函〔2025〕29号 · 待主管部门核对" in page
    assert "389.97" in page
    assert "缺困难证明" not in page
    ((bought,),) = month.world.sql("select id from purchase where resident_id = %(r)s", r=her)
    assert ma.post(f"/subsidies/purchases/{bought}/void", data={"csrf": csrf}).status_code == 303
    assert "389.97" not in ma.get(path).text
