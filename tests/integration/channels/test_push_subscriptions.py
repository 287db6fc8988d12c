"""Browsers that take pages as the responders' app: who may be subscribed, and where we agree to send."""

import base64
from typing import Any

import pytest

from hub.channel_settings import PUSH_HOSTS
from hub.channels import vapid
from hub.commands import push as command
from hub.errors import HubError
from hub.store import push
from hub.store.push import PushError, allowed
from tests.integration.incidents.world import World

POINT = base64.urlsafe_b64encode(b"\x04" + bytes(64)).decode().rstrip("=")
AUTH = base64.urlsafe_b64encode(bytes(16)).decode().rstrip("=")


def browser(number: int = 1, **changes: Any) -> dict[str, Any]:
    keys = {"p256dh": POINT, "auth": AUTH}
    return {"endpoint": f"https://fcm.googleapis.com/fcm/send/{number}", "keys": keys, "expirationTime": None} | changes


@pytest.mark.anyio
async def test_browser_that_subscribes_makes_its_person_reachable(world: World) -> None:
    guard = world.names["guard"]
    await push.subscribe(world.conn, guard, browser(), "Android 15 \x00 Chrome")
    assert await world.rows("select address from contact where person_id = %s and channel = 'app'", guard) == [("",)]
    (phone,) = await push.phones(world.conn, guard)
    assert (phone.endpoint, phone.failures, phone.ok_at) == (browser()["endpoint"], 0, None)
    assert "\x00" not in phone.user_agent


@pytest.mark.anyio
async def test_one_person_has_several_phones_and_one_phone_one_person(world: World) -> None:
    guard, daughter = world.names["guard"], world.names["daughter"]
    for number in (1, 2, 2):
        await push.subscribe(world.conn, guard, browser(number), "")
    assert len(await push.phones(world.conn, guard)) == 2
    await push.subscribe(world.conn, daughter, browser(2), "")  # she signs in on the phone he had
    assert len(await push.phones(world.conn, guard)) == 1
    assert len(await push.phones(world.conn, daughter)) == 1


@pytest.mark.anyio
async def test_last_browser_that_leaves_ends_the_channel(world: World) -> None:
    guard = world.names["guard"]
    for number in (1, 2):
        await push.subscribe(world.conn, guard, browser(number), "")
    assert not await push.unsubscribe(world.conn, browser(1)["endpoint"], world.names["daughter"])  # not hers
    assert await push.unsubscribe(world.conn, browser(1)["endpoint"], guard)
    assert await world.value("select count(*) from contact where channel = 'app'") == 1
    assert await push.unsubscribe(world.conn, browser(2)["endpoint"])
    assert await world.value("select count(*) from contact where channel = 'app'") == 0


@pytest.mark.anyio
async def test_person_subscribes_no_more_than_a_few_browsers(world: World) -> None:
    guard = world.names["guard"]
    for number in range(push.MOST):
        await push.subscribe(world.conn, guard, browser(number), "")
    await push.subscribe(world.conn, guard, browser(0), "the same again")
    with pytest.raises(PushError, match="already"):
        await push.subscribe(world.conn, guard, browser(99), "")


@pytest.mark.anyio
@pytest.mark.parametrize(
    "subscription",
    [
        {}, browser(endpoint=7), browser(endpoint="https://10.0.0.1/x"), browser(keys={}), browser(keys=[]),
        browser(keys={"p256dh": POINT, "auth": "short"}), browser(keys={"p256dh": "*" * 87, "auth": AUTH}),
    ],
)  # fmt: skip
async def test_what_is_no_subscription_is_refused(world: World, subscription: dict[str, Any]) -> None:
    with pytest.raises(PushError):
        await push.subscribe(world.conn, world.names["guard"], subscription, "")
    assert await world.value("select count(*) from push_subscription") == 0


@pytest.mark.parametrize(
    ("endpoint", "may"),
    [
        ("https://fcm.googleapis.com/fcm/send/x", True), ("https://updates.push.services.mozilla.com/wpush/v2/x", True),
        ("https://web.push.apple.com/x", True), ("https://sg2p.notify.windows.com/w/?token=x", True),
        ("https://fcm.googleapis.com:443/x", True), ("http://fcm.googleapis.com/x", False),
        ("https://fcm.googleapis.com.evil.example/x", False), ("https://evilfcm.googleapis.com.cn/x", False),
        ("https://xfcm.googleapis.com/x", False), ("https://fcm.googleapis.com@10.0.0.1/x", False),
        ("https://fcm.googleapis.com:8443/x", False), ("https://127.0.0.1/x", False), ("https://[::1]/x", False),
        ("https://169.254.169.254/latest/meta-data", False), ("http://127.0.0.1:8080/x", False), ("https://", False),
        ("https://fcm.googleapis.com/\r\nHost: x", False), ("https://[", False), ("file:///etc/passwd", False),
        ("https://fcm.googleapis.com/" + "x" * 2_000, False),
    ],
)  # fmt: skip
def test_pages_are_posted_to_push_services_only(endpoint: str, may: bool) -> None:
    assert allowed(endpoint, PUSH_HOSTS) is may


def test_a_push_service_on_this_machine_must_be_asked_for() -> None:
    assert allowed("http://127.0.0.1:9000/x", PUSH_HOSTS, local=True)
    assert not allowed("http://192.168.1.2:9000/x", PUSH_HOSTS, local=True)
    assert not allowed("http://127.0.0.1.evil.example/x", PUSH_HOSTS, local=True)


def test_new_key_pair_is_printed_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["keys"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    private = first.removeprefix("CAREHUB_SECRETS_VAPID_KEY=")
    assert vapid.public_key(private) in second
    assert len(vapid.public_key(private)) == 87
    assert vapid.public_key("") == ""


def test_broken_key_is_named_and_not_quoted() -> None:
    with pytest.raises(HubError, match="push keys") as caught:
        vapid.public_key("not-a-key-but-secret")
    assert "not-a-key" not in str(caught.value)
