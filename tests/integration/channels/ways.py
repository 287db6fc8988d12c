"""Every channel with the other end it talks to: how to make that end accept, refuse, hang, or answer late."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hub.channel_settings import AliyunSettings, ChannelSettings, SmtpSettings, TencentSettings
from hub.channels import Channel, Means, OutboundPage, open_channels, references, vapid
from hub.config import Secrets
from hub.desk import Verb, answer
from hub.store import push as store
from tests.integration.channels.hub_side import CALLBACK_KEY, callbacks
from tests.integration.channels.provider import HANG, open_provider
from tests.integration.channels.providers import aliyun, mail, tencent
from tests.integration.channels.providers.push import PushService
from tests.integration.channels.providers.serving import Imitation, Reply, Request, push, serving
from tests.integration.incidents.world import WEBHOOK_KEY, World

PATIENT_S, IMPATIENT_S = LIMITS_S = (20.0, 1.0)  # how long a channel waits: for an end that answers, for one that hangs
NUMBER = "10000000001"  # nobody's: mobile numbers begin with 13 and above
SECRETS = Secrets(
    webhook_key=WEBHOOK_KEY, callback_key=CALLBACK_KEY, vapid_key=vapid.make_key(), smtp_username=mail.USERNAME,
    smtp_password=mail.PASSWORD, aliyun_key_id=aliyun.KEY_ID, aliyun_key_secret=aliyun.KEY_SECRET,
    tencent_id=tencent.SECRET_ID, tencent_key=tencent.SECRET_KEY,
)  # fmt: skip


async def nothing() -> None:
    """The other end does as it is."""


@dataclass(kw_only=True)
class Way:
    """A channel and its other end. `hang` and `late` are None where there is no such thing."""

    channel: Channel
    page: OutboundPage
    refuse: Callable[[], Awaitable[OutboundPage]]
    copies: Callable[[], Awaitable[set[str]]]  # what identifies the copies that reached the other end
    accept: Callable[[], Awaitable[None]] = nothing
    hang: Callable[[], Awaitable[None]] | None = None
    impatient: Channel | None = None  # the same way, for an end that hangs
    late: Callable[[], Awaitable[None]] | None = None  # the receipt, after `sent`
    others: dict[str, Any] = field(default_factory=dict)  # parts of the other end, for tests of this channel alone


def means(world: World, limit_s: float = PATIENT_S, **changes: Any) -> Means:
    values: dict[str, Any] = {"pool": world.pool, "http": world.http, "secrets": SECRETS, "webhook_key": WEBHOOK_KEY}
    settings = ChannelSettings(push_contact="mailto:desk@carehub.test", push_local=True, provider_timeout_s=limit_s)
    return Means(**(values | {"channels": settings, "webhook_timeout_s": limit_s} | changes))


def aliyun_settings(url: str) -> AliyunSettings:
    return AliyunSettings(
        sms_url=url, voice_url=url, sign_name=aliyun.SIGN_NAME, sms_alarm="SMS_1", sms_stand_down="SMS_2",
        sms_notice="SMS_2", voice_alarm="TTS_1", voice_accepted="TTS_2", voice_declined="TTS_3",
        voice_number=aliyun.SHOW_NUMBER,
    )  # fmt: skip


def tencent_settings(url: str) -> TencentSettings:
    return TencentSettings(
        sms_url=url, voice_url=url, sms_app=tencent.SMS_APP, sign_name=tencent.SIGN_NAME, sms_alarm="101",
        sms_stand_down="102", sms_notice="102", voice_app=tencent.VOICE_APP, voice_alarm="201",
    )  # fmt: skip


async def page_of(world: World, channel: str, address: str, **changes: Any) -> OutboundPage:
    """Return the daughter's alarm, as if her roster had named this channel."""
    incident = await world.press()
    ((page, person, role),) = await world.rows(
        "update page set channel = %s, address = %s where incident_id = %s and channel = %s"
        " returning id, person_id, role",
        channel, address, incident, channel if channel in ("console", "mqtt") else "webhook",
    )  # fmt: skip
    url = "http://hub.test/r/token"
    body = {
        "v": 1, "page": page, "incident": incident, "kind": "sos", "severity": 1, "test": False, "presses": 1,
        "resident": {"name": "Wang Xiulan", "address": "block 3, 501"}, "answer_url": url,
    }  # fmt: skip
    values: dict[str, Any] = {
        "page_id": page, "incident_id": incident, "key": f"{incident}.0.0.{person}.{channel}.alarm", "attempt": 1,
        "channel": channel, "address": address, "person_id": person, "role": role, "purpose": "alarm",
        "language": "zh-CN", "now": await world.now(), "text": "【紧急】Wang Xiulan一键呼叫", "body": body,
    }  # fmt: skip
    return OutboundPage(**(values | changes))


async def downlinks(world: World) -> set[str]:
    return {str(i) for (i,) in await world.rows("select page_id from downlink where page_id is not null")}


def acknowledged(world: World) -> Callable[[], Awaitable[None]]:
    """The receiver of an MQTT message acknowledges it."""

    async def late() -> None:
        await world.conn.execute("update downlink set delivered_at = hub_now() where page_id is not null")

    return late


async def sent(world: World, page: OutboundPage) -> None:
    """What the dispatcher writes once a channel has said `sent`."""
    await world.conn.execute("update page set state = 'sent', attempts = 1 where id = %s", (page.page_id,))


@asynccontextmanager
async def console(world: World, folder: Path) -> AsyncIterator[Way]:
    page = await page_of(world, "console", "")

    async def accept() -> None:
        await world.at_console("operator")

    async def refuse() -> OutboundPage:
        return page

    async def copies() -> set[str]:
        return set()

    yield Way(channel=open_channels(means(world))["console"], page=page, accept=accept, refuse=refuse, copies=copies)


@asynccontextmanager
async def webhook(world: World, folder: Path) -> AsyncIterator[Way]:
    with open_provider() as provider:
        page = await page_of(world, "webhook", provider.url)

        async def refuse() -> OutboundPage:
            provider.answers.append(404)
            return page

        async def hang() -> None:
            provider.answers.append(HANG)

        async def copies() -> set[str]:
            return provider.keys

        channel, impatient = (open_channels(means(world, limit_s))["webhook"] for limit_s in LIMITS_S)
        yield Way(channel=channel, impatient=impatient, page=page, refuse=refuse, copies=copies, hang=hang)


@asynccontextmanager
async def mqtt(world: World, folder: Path) -> AsyncIterator[Way]:
    page = await page_of(world, "mqtt", "carehub/responder/1/page")

    async def refuse() -> OutboundPage:
        return replace(page, address="carehub/+/page")

    async def copies() -> set[str]:
        return await downlinks(world)

    channel = open_channels(means(world))["mqtt"]
    yield Way(channel=channel, page=page, refuse=refuse, copies=copies, late=acknowledged(world))


@asynccontextmanager
async def siren(world: World, folder: Path) -> AsyncIterator[Way]:
    page = await page_of(world, "siren", "zigbee2mqtt/hall siren/set")

    async def refuse() -> OutboundPage:
        return replace(page, address="carehub/#")

    async def copies() -> set[str]:
        return await downlinks(world)

    channel = open_channels(means(world))["siren"]
    yield Way(channel=channel, page=page, refuse=refuse, copies=copies, late=acknowledged(world))


@asynccontextmanager
async def device(world: World, folder: Path) -> AsyncIterator[Way]:
    page = await page_of(world, "device", "carehub:w-1", purpose="stand_down", text="保安正在赶来")

    async def refuse() -> OutboundPage:
        return replace(page, address="nobody:1")

    async def copies() -> set[str]:
        return await downlinks(world)

    channel = open_channels(means(world))["device"]
    yield Way(channel=channel, page=page, refuse=refuse, copies=copies, late=acknowledged(world))


@asynccontextmanager
async def app(world: World, folder: Path) -> AsyncIterator[Way]:
    service = PushService(application_server_key=vapid.public_key(SECRETS.vapid_key))
    with serving(service):
        page = await page_of(world, "app", "")
        browser = service.subscribe()
        await store.subscribe(world.conn, page.person_id, browser.subscription(), "", local=True)

        async def refuse() -> OutboundPage:
            browser.gone = True
            return page

        async def hang() -> None:
            service.next.append(HANG)

        async def copies() -> set[str]:
            return {shown["topic"] for shown in browser.shown}

        async def late() -> None:
            await answer(world.conn, page.person_id, page.page_id, "", Verb.DELIVERED)

        channel, impatient = (open_channels(means(world, limit_s))["app"] for limit_s in LIMITS_S)
        yield Way(
            channel=channel, impatient=impatient, page=page, refuse=refuse, copies=copies, hang=hang, late=late,
            others={"service": service, "browser": browser},
        )  # fmt: skip


@asynccontextmanager
async def email(world: World, folder: Path) -> AsyncIterator[Way]:
    with mail.open_mail_server(folder) as (server, certificate):
        settings = SmtpSettings(
            host="127.0.0.1", port=server.port, sender="hub@carehub.test", ca_file=str(certificate),
            timeout_s=PATIENT_S,
        )  # fmt: skip
        page = await page_of(world, "email", "daughter@family.test")

        async def refuse() -> OutboundPage:
            server.say.append("550 5.1.1 daughter@family.test: no such mailbox")
            return page

        async def hang() -> None:
            server.say.append(mail.HANG)

        async def copies() -> set[str]:
            return set(server.boxes)

        channel, impatient = (
            open_channels(means(world, smtp=replace(settings, timeout_s=limit_s)))["email"] for limit_s in LIMITS_S
        )
        others = {"server": server, "settings": settings}
        yield Way(
            channel=channel, impatient=impatient, page=page, refuse=refuse, copies=copies, hang=hang, others=others
        )


def provided(name: str, channel_name: str) -> Callable[[World, Path], AbstractAsyncContextManager[Way]]:
    """Return the way of SMS or voice through one provider."""

    @asynccontextmanager
    async def way(world: World, folder: Path) -> AsyncIterator[Way]:
        provider = aliyun.Aliyun() if name == "aliyun" else tencent.Tencent()
        with ExitStack() as stack:
            stack.enter_context(serving(provider))
            served = stack.enter_context(callbacks(world.dsn))
            page = await page_of(world, channel_name, NUMBER)
            provider.now = page.now

            def through(limit_s: float) -> Channel:
                settings = ChannelSettings(**{channel_name: (name,), "provider_timeout_s": limit_s})  # type: ignore[arg-type]
                at = {"aliyun": aliyun_settings(provider.url), "tencent": tencent_settings(provider.url)}
                return open_channels(means(world, limit_s, channels=settings, **at))[channel_name]

            url = f"{served}/callbacks/{channel_name}/{name}/{references.path(CALLBACK_KEY, channel_name, name)}"

            async def refuse() -> OutboundPage:
                return replace(page, address="nobody")

            async def hang() -> None:
                provider.next.append(HANG)

            async def copies() -> set[str]:
                assert not provider.faults
                return {heard.get("OutId") or heard["SessionContext"] for heard in provider.heard}

            async def late() -> None:
                await sent(world, page)
                report = provider.sms_report if channel_name == "sms" else provider.call_report
                assert push(url, report(provider.heard[0]), times=2) == [200, 200]

            others = {"provider": provider, "url": url}
            channel, impatient = map(through, LIMITS_S)
            yield Way(
                channel=channel, impatient=impatient, page=page, refuse=refuse, copies=copies, hang=hang, late=late,
                others=others,
            )  # fmt: skip

    return way


class Group(Imitation):
    """A chat group behind apprise's JSON target."""

    def answer(self, request: Request) -> Reply | None:
        told = self.told()
        if told == HANG:
            return None
        if isinstance(told, int):
            return Reply(code=told)
        self.heard.append(json.loads(request.body))
        return Reply()


@asynccontextmanager
async def apprise(world: World, folder: Path) -> AsyncIterator[Way]:
    group = Group()
    with serving(group):
        page = await page_of(world, "apprise", "GROUP")

        async def refuse() -> OutboundPage:
            return replace(page, address="unknown")

        async def hang() -> None:
            group.next.append(HANG)

        async def copies() -> set[str]:
            return {heard["message"] for heard in group.heard}

        def through(limit_s: float) -> Channel:
            targets = {"group": f"json://127.0.0.1:{group.port}/token-that-only-tests-have?rto={limit_s}"}
            return open_channels(means(world, secrets=replace(SECRETS, apprise=targets)))["apprise"]

        channel, impatient = map(through, LIMITS_S)
        others = {"group": group}
        yield Way(
            channel=channel, impatient=impatient, page=page, refuse=refuse, copies=copies, hang=hang, others=others
        )


WAYS: dict[str, Callable[[World, Path], AbstractAsyncContextManager[Way]]] = {
    "console": console, "app": app, "sms": provided("aliyun", "sms"), "sms of tencent": provided("tencent", "sms"),
    "voice": provided("aliyun", "voice"), "voice of tencent": provided("tencent", "voice"), "email": email,
    "webhook": webhook, "mqtt": mqtt, "siren": siren, "apprise": apprise, "device": device,
}  # fmt: skip
