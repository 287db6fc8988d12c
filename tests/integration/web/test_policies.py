"""The policy pages: what an operator may read, what a supervisor may do, and what is refused where."""

import html
import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from hub.store import policies as store
from tests.integration.web.world import World, csrf_of

SOME_NIGHT = f"{datetime.now(UTC) + timedelta(days=9):%Y-%m-%d}T02:14"  # after every shift of the neighbourhood
POLICY = """\
[policy."急"]
when = { severity_at_least = "high" }
[[policy."急".step]]
notify = [ { role = "family" } ]
wait = "30s"
[[policy."急".step]]
notify = [ { role = "property" } ]
wait = "60s"
[[policy."急".step]]
notify = [ { role = "family" } ]

[policy."其他"]
[[policy."其他".step]]
notify = [ { role = "family" } ]
"""


@pytest.fixture
def guarded(world: World) -> World:
    """The guard is on duty for the next month: nothing speaks against the policy above."""
    world.sql("update shift set during = tstzrange(hub_now(), hub_now() + interval '30 days')")
    return world


def send(client: httpx.Client, do: str, text: str = POLICY, **fields: str) -> httpx.Response:
    page = client.get("/policies").text
    base = re.search(r'name="base" value="(\d*)"', page)
    assert base
    form = {"csrf": csrf_of(page), "base": base[1], "text": text.replace("\n", "\r\n"), "do": do} | fields
    return client.post("/policies", files={name: (None, value) for name, value in form.items()})


def seen(answer: httpx.Response) -> str:
    """Return a page's words without its tags."""
    return html.unescape(re.sub(r"<[^>]+>", " ", answer.text))


def test_nobody_reads_policies_without_signing_in(visitor: httpx.Client) -> None:
    assert visitor.get("/policies").status_code == 401


def test_page_begins_with_the_text_incidents_run_by(li: httpx.Client) -> None:
    page = li.get("/policies")
    assert page.status_code == 200
    shown = re.search(r"<textarea[^>]*>\n(.*?)</textarea>", page.text, re.DOTALL)
    assert shown
    assert html.unescape(shown[1]) == store.standard()


def test_faults_are_shown_with_the_lines_they_stand_in(li: httpx.Client) -> None:
    wrong = POLICY.replace('"property"', '"janitor"').replace('wait = "30s"', 'wait = "soon"')
    answer = send(li, "check", wrong)
    assert answer.status_code == 200
    assert re.findall(r'data-line="(\d+)"', answer.text) == ["5", "7"]
    assert 'data-bad="5 7 "' in answer.text
    assert "没有这个 role：'janitor'" in seen(answer)
    assert html.escape('wait = "soon"') in answer.text.replace("&#34;", "&quot;")


def test_sound_policy_is_said_to_be(li: httpx.Client, guarded: World) -> None:
    assert "没有问题：2 个预案" in seen(send(li, "check"))


def test_leading_blank_lines_do_not_move_the_faults(li: httpx.Client) -> None:
    answer = send(li, "check", "\n\n\n" + POLICY.replace('"property"', '"janitor"'))
    assert re.findall(r'data-line="(\d+)"', answer.text) == ["10"]


def test_gaps_are_told_beside_the_policy(li: httpx.Client) -> None:
    answer = send(li, "check")
    assert 'data-doubtful="7 "' in answer.text
    assert "物业（和平社区）在未来 14 天有空档" in seen(answer)


def test_policy_is_explained_in_the_reader_s_language(li: httpx.Client, world: World) -> None:
    assert "0:30 第 2 步，等 1 分钟" in seen(send(li, "explain")).replace("\u3000", " ")
    world.sql("update person set language = 'en' where login = 'li'")
    assert "0:30  step 2, for 1 min:" in seen(send(li, "explain"))


def test_dry_run_names_who_would_be_called(li: httpx.Client, guarded: World) -> None:
    answer = send(li, "dry_run", resident="王秀英", at=SOME_NIGHT, kind="sos")
    assert answer.status_code == 200
    words = " ".join(seen(answer).split())
    assert "王秀英，和平里 3 号楼 2 单元 501" in words
    assert "0:00 02:14:00 王小明（家属）：应用接口" in words
    assert "0:30 02:14:30 赵保安（物业）：应用接口" in words
    assert "第 3 步再响一次" in words
    assert guarded.sql("select count(*) from incident")[0][0] == 0


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"at": SOME_NIGHT}, "请选择一位长者"),
        ({"resident": "王秀英", "at": "tonight"}, "请写明日期和时间"),
        ({"resident": "王秀英", "at": "0001-01-01T00:00"}, "请写明日期和时间"),
        ({"resident": "王秀英", "at": "9999-12-31T23:59-12:00"}, "请写明日期和时间"),
        ({"resident": "无此人", "at": SOME_NIGHT}, "没有“无此人”这位长者"),
        ({"resident": "9" * 30, "at": SOME_NIGHT}, "这位长者"),
    ],
)
def test_dry_run_says_what_is_missing(li: httpx.Client, fields: dict[str, str], said: str) -> None:
    answer = send(li, "dry_run", **fields)
    assert answer.status_code == 422
    assert said in seen(answer)


def test_operator_may_not_publish(li: httpx.Client, guarded: World) -> None:
    answer = send(li, "publish", comment="why not")
    assert answer.status_code == 403
    assert "只有班长可以发布" in seen(answer)
    assert guarded.sql("select count(*) from policy_version")[0][0] == 0


def test_supervisor_publishes_with_a_comment_and_it_is_in_the_history(ma: httpx.Client, guarded: World) -> None:
    assert send(ma, "publish").status_code == 422  # without saying why
    answer = send(ma, "publish", comment="先叫物业")
    assert (answer.status_code, answer.headers["location"]) == (303, "/policies?published=1")
    row = guarded.sql("select body, published_by, published_as, comment, forced from policy_version")
    assert row == [(POLICY, guarded.people["ma"], "马班长", "先叫物业", [])]
    assert "先叫物业" in seen(ma.get("/policies?published=1"))


def test_doubts_need_a_tick_and_are_kept(ma: httpx.Client, world: World) -> None:
    answer = send(ma, "publish", comment="夜里没有保安")
    assert answer.status_code == 409
    assert 'name="force"' in answer.text
    assert send(ma, "publish", comment="夜里没有保安", force="yes").status_code == 303
    assert "在 1 处问题下发布" in seen(ma.get("/policies/versions/1"))


def test_fault_is_not_forced(ma: httpx.Client, world: World) -> None:
    answer = send(ma, "publish", POLICY.replace('"property"', '"janitor"'), comment="x", force="yes")
    assert answer.status_code == 409
    assert world.sql("select count(*) from policy_version")[0][0] == 0


def test_text_published_meanwhile_is_not_overwritten_unseen(ma: httpx.Client, guarded: World) -> None:
    assert send(ma, "publish", comment="one").status_code == 303
    assert send(ma, "publish", POLICY + "# two\n", comment="two").status_code == 303
    stale = send(ma, "publish", POLICY + "# three\n", comment="three", base="1")
    assert stale.status_code == 409
    assert "别人刚发布了版本 2" in seen(stale)
    again = send(ma, "publish", POLICY + "# two\n", comment="again")
    assert "一字不差" in seen(again)


def test_version_shows_what_it_changed_and_can_be_put_back(ma: httpx.Client, guarded: World) -> None:
    assert send(ma, "publish", comment="one").status_code == 303
    assert send(ma, "publish", POLICY.replace('wait = "60s"', 'wait = "90s"'), comment="two").status_code == 303
    page = ma.get("/policies/versions/2")
    assert '<span class="is-gone">-wait = &#34;60s&#34;</span>' in page.text
    assert '<span class="is-added">+wait = &#34;90s&#34;</span>' in page.text
    form = {"csrf": csrf_of(ma.get("/policies/versions/1").text), "comment": "back"}
    answer = ma.post("/policies/versions/1/rollback", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/policies?published=3")
    assert guarded.sql("select body, restored from policy_version where id = 3") == [(POLICY, 1)]
    assert ma.post("/policies/versions/3/rollback", data=form).status_code == 409  # it is active
    assert "恢复自版本 1" in seen(ma.get("/policies"))


def test_old_text_is_not_put_back_against_doubts_without_a_tick(ma: httpx.Client, guarded: World) -> None:
    assert send(ma, "publish", comment="one").status_code == 303
    assert send(ma, "publish", POLICY + "# two\n", comment="two").status_code == 303
    guarded.sql("delete from shift")
    form = {"csrf": csrf_of(ma.get("/policies/versions/1").text), "comment": "back"}
    refused = ma.post("/policies/versions/1/rollback", data=form)
    assert refused.status_code == 409
    assert 'name="force"' in refused.text
    assert ma.post("/policies/versions/1/rollback", data=form | {"force": "yes"}).status_code == 303


def test_operator_reads_versions_and_puts_none_back(ma: httpx.Client, li: httpx.Client, guarded: World) -> None:
    assert send(ma, "publish", comment="one").status_code == 303
    page = li.get("/policies/versions/1")
    assert page.status_code == 200
    form = {"csrf": csrf_of(page.text), "comment": "x"}
    assert li.post("/policies/versions/1/rollback", data=form).status_code == 403
    assert li.get("/policies/versions/99").status_code == 404


def test_forged_form_changes_nothing(ma: httpx.Client, guarded: World) -> None:
    answer = ma.post("/policies", files={"do": (None, "publish"), "text": (None, POLICY), "comment": (None, "x")})
    assert answer.status_code == 403
    assert guarded.sql("select count(*) from policy_version")[0][0] == 0


def test_text_that_is_too_long_is_refused(ma: httpx.Client) -> None:
    assert send(ma, "check", "#" + "x" * 45_000).status_code == 413
    assert send(ma, "check", "#" + "x" * 70_000).status_code == 413


def test_markup_in_a_policy_is_text(li: httpx.Client) -> None:
    answer = send(li, "check", POLICY.replace('"急"', '"<script>alert(1)</script></textarea>"'))
    assert "<script>alert" not in answer.text


def test_pages_hold_no_inline_script_or_style(ma: httpx.Client, guarded: World) -> None:
    assert send(ma, "publish", comment="one").status_code == 303
    for page in (ma.get("/policies").text, ma.get("/policies/versions/1").text, send(ma, "explain").text):
        assert not re.findall(r"<script(?![^>]*\bsrc=)", page)
        assert not re.findall(r"\s(?:style|on\w+)=", re.sub(r"<textarea.*?</textarea>", "", page, flags=re.DOTALL))


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_no_word_is_missing(ma: httpx.Client, world: World, language: str) -> None:
    world.sql("update person set language = %(l)s", l=language)
    assert send(ma, "publish", comment="one", force="yes").status_code == 303
    for page in (ma.get("/policies?published=1"), send(ma, "check"), ma.get("/policies/versions/1")):
        assert not re.findall(r"policies\.[a-z_]+", seen(page))
        if language == "en":
            assert "Policies" in seen(page) or "Version" in seen(page)
