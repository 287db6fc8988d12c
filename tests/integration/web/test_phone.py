"""The responder's own phone: a link that is his alone, his calls, his duty, and what makes it ring."""

import base64
from collections.abc import Iterator

import httpx
import pytest

from hub.commands import people
from hub.store import phone
from hub.store.pool import Connection
from hub.web.app import ConsoleOptions
from tests.integration.web.conftest import Served
from tests.integration.web.seen import visible
from tests.integration.web.world import LINK_KEY, World

POINT = base64.urlsafe_b64encode(b"\x04" + bytes(range(64))).decode().rstrip("=")
AUTH = base64.urlsafe_b64encode(bytes(16)).decode().rstrip("=")
SUBSCRIPTION = {
    "endpoint": "https://fcm.googleapis.com/fcm/send/abc", "expirationTime": None,
    "keys": {"p256dh": POINT, "auth": AUTH},
}  # fmt: skip


def link_of(world: World, who: str) -> str:
    async def made(conn: Connection) -> str:
        return (await phone.make_link(conn, world.people[who]))[0]

    return f"/me/{world.run(made)}"


@pytest.fixture
def mine(world: World) -> str:
    return link_of(world, "guard")


def test_page_says_whose_it_is_and_that_nobody_calls(visitor: httpx.Client, mine: str) -> None:
    page = visible(visitor.get(mine).text)
    for words in ("赵保安", "物业", "现在没有呼叫", "装到主屏幕", "现在值班"):
        assert words in page


def test_open_call_leads_to_its_page(visitor: httpx.Client, li: httpx.Client, world: World) -> None:
    world.alert("watch-wang", "fall")
    page = visitor.get(link_of(world, "son")).text
    assert "等您回答" in visible(page)
    path = page.split('<li><a href="', 1)[1].split('"', 1)[0]
    assert "我去" in visible(visitor.get(path).text)


def test_call_whose_turn_has_not_come_is_not_listed(visitor: httpx.Client, li: httpx.Client, world: World) -> None:
    """A later turn of a sequence may never come: he must not set out before he is called."""
    world.alert("watch-wang", "fall")
    page = link_of(world, "son")
    world.sql("update page set due_at = hub_now() + interval '1 hour', state = 'ready', attempts = 0")
    assert "等您回答" not in visible(visitor.get(page).text)


def test_rider_sees_no_name_in_his_calls_either(visitor: httpx.Client, world: World) -> None:
    world.person("rider", "周骑手", "third_party", area="和平社区")
    world.contact("rider", "webhook", "http://127.0.0.1:9/rider")
    incident = world.alert("watch-wang", "vitals", 2, rule="V2")
    world.sql(
        "insert into page (incident_id, round, step, person_id, role, channel, address, due_at, created_at)"
        " values (%(i)s, 9, 0, %(p)s, 'third_party', 'webhook', '', hub_now(), hub_now())",
        i=incident, p=world.people["rider"],
    )  # fmt: skip
    page = visitor.get(link_of(world, "rider")).text
    assert "和平里 3 号楼" in page
    assert "王秀英" not in page
    assert "生命体征" not in page


@pytest.mark.parametrize("path", ["", "/manifest.json"])
def test_unknown_revoked_and_old_links_lead_nowhere(visitor: httpx.Client, world: World, path: str) -> None:
    assert visitor.get(f"/me/nobody{path}").status_code == 410
    old = link_of(world, "guard")
    assert visitor.get(old + path).status_code == 200
    world.run(lambda conn: phone.revoke_links(conn, world.people["guard"]))
    assert visitor.get(old + path).status_code == 410
    fresh = link_of(world, "guard")
    world.sql("insert into clock (at) values (clock_timestamp() + interval '181 days')")
    assert visitor.get(fresh + path).status_code == 410


def test_link_of_somebody_who_left_is_over_and_none_is_made(visitor: httpx.Client, world: World, mine: str) -> None:
    world.sql("update person set active = false where id = %(p)s", p=world.people["guard"])
    assert visitor.get(mine).status_code == 410
    with pytest.raises(Exception, match="nobody active"):
        link_of(world, "guard")


def test_sixth_phone_ends_the_first_ones_link(visitor: httpx.Client, world: World) -> None:
    links = [link_of(world, "guard") for _ in range(phone.LINKS_KEPT + 1)]
    assert [visitor.get(link).status_code for link in links] == [410, *[200] * phone.LINKS_KEPT]


def test_only_a_hash_of_the_link_is_kept(world: World, mine: str) -> None:
    kept = world.sql("select row_to_json(l)::text from responder_link l")[0][0]
    assert mine.removeprefix("/me/") not in kept


def test_command_prints_a_link_that_works_and_takes_it_back(
    visitor: httpx.Client, world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAREHUB_DATABASE_DSN", world.dsn)
    monkeypatch.setenv("CAREHUB_CONSOLE_PUBLIC_URL", "https://hub.example/")
    person = str(world.people["guard"])
    assert people.main(["link", person]) == 0
    url = capsys.readouterr().out.split()[0]
    assert url.startswith("https://hub.example/me/")
    path = url.removeprefix("https://hub.example")
    assert visitor.get(path).status_code == 200
    assert people.main(["link", person, "--revoke"]) == 0
    assert "1 links of 赵保安 ended" in capsys.readouterr().out
    assert visitor.get(path).status_code == 410


def test_manifest_begins_at_his_page(visitor: httpx.Client, mine: str) -> None:
    answer = visitor.get(f"{mine}/manifest.json")
    assert answer.headers["content-type"].startswith("application/manifest+json")
    app = answer.json()
    assert (app["start_url"], app["display"]) == (mine, "standalone")
    for icon in app["icons"]:
        assert visitor.get(icon["src"]).headers["content-type"] == "image/png"


def test_check_in_proves_duty_and_check_out_cancels_no_shift(visitor: httpx.Client, world: World, mine: str) -> None:
    assert "签到：我在岗" in visible(visitor.get(mine).text)
    assert visitor.post(f"{mine}/duty", data={"say": "in"}).status_code == 303
    assert "现在值班 · 已签到" in visible(visitor.get(mine).text)
    visitor.post(f"{mine}/duty", data={"say": "out"})
    page = visible(visitor.get(mine).text)
    assert "已签到" not in page
    assert "现在值班" in page


def test_family_has_no_shifts_to_check_in_for(visitor: httpx.Client, world: World) -> None:
    son = link_of(world, "son")
    assert "您不用值班" in visible(visitor.get(son).text)
    assert visitor.post(f"{son}/duty", data={"say": "in"}).status_code == 409


def test_language_is_the_persons_everywhere(visitor: httpx.Client, world: World, mine: str) -> None:
    visitor.post(f"{mine}/language", data={"language": "en"})
    assert "Put it on the home screen" in visible(visitor.get(mine).text)
    assert world.sql("select language from person where id = %(p)s", p=world.people["guard"]) == [("en",)]


def test_without_a_key_the_page_offers_no_ringing(visitor: httpx.Client, mine: str) -> None:
    assert "本中心没有开通手机响铃" in visible(visitor.get(mine).text)


@pytest.fixture
def ringing(world: World) -> Iterator[httpx.Client]:
    """A console with Web Push switched on."""
    served = Served(world.dsn, ConsoleOptions(dsn=world.dsn, link_key=LINK_KEY, push_key=POINT)).start()
    with served.client() as client:
        yield client
    served.stop()


def test_subscribed_phone_can_be_called_until_it_is_switched_off(
    ringing: httpx.Client, world: World, mine: str
) -> None:
    channels = "select channel from contact where person_id = %(p)s order by channel"
    who = world.people["guard"]
    assert f'data-push-key="{POINT}"' in ringing.get(mine).text
    assert ringing.post(f"{mine}/push", json=SUBSCRIPTION).status_code == 200
    assert world.sql(channels, p=who) == [("app",), ("webhook",)]
    assert "已登记 1 台手机" in visible(ringing.get(mine).text)
    assert ringing.post(f"{mine}/quiet", json={"endpoint": SUBSCRIPTION["endpoint"]}).json() == {"gone": True}
    assert world.sql(channels, p=who) == [("webhook",)]


def test_another_persons_phone_is_not_switched_off(ringing: httpx.Client, world: World, mine: str) -> None:
    ringing.post(f"{mine}/push", json=SUBSCRIPTION)
    other = link_of(world, "worker")
    assert ringing.post(f"{other}/quiet", json={"endpoint": SUBSCRIPTION["endpoint"]}).json() == {"gone": False}


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b"{}", b'{"endpoint": 7, "keys": {}}', b'{"endpoint": "http://127.0.0.1:5432/", "keys": {}}']
)
def test_what_is_no_subscription_is_refused(ringing: httpx.Client, mine: str, body: bytes) -> None:
    answer = ringing.post(f"{mine}/push", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (409, 422)
