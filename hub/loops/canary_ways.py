"""The ways the canary goes: a device and a terminal at the MQTT listener, a browser at the console."""

import asyncio
import re
import secrets
import ssl
from contextlib import AsyncExitStack, suppress
from http.cookies import SimpleCookie
from types import TracebackType
from typing import Any, Self

import aiomqtt
import httpx
import msgspec

from hub.errors import HubError
from hub.store.canary import DEVICE_NAME, PREFIX, Canary

RETRY_S = 0.2
GOODBYE_S = 2.0  # a listener that hangs must not hold up the next round
QUIET_S = 15.0  # the console's stream beats every 4 s
HEARD_MOST = 1_000  # incidents the stream named since the round began
LEFT_MOST = 20  # open cases of earlier rounds that are closed in one

TOKEN = re.compile(r'name="csrf" (?:value|content)="([^"]+)"')
OPEN = re.compile(r'data-incident="(\d+)"')


class LostError(HubError):
    """A stage did not come through. What was seen instead: a word that `canary.<word>` tells, and its fact."""


class DeviceWay:
    """One press: an SOS button, and the terminal of the operator who is called for it."""

    def __init__(self, host: str, port: int, ca: str, limit_s: float) -> None:
        self._where: dict[str, Any] = {
            "hostname": host, "port": port, "timeout": limit_s, "keepalive": 30, "tls_context": _trust(ca),
        }  # fmt: skip
        self._identity = secrets.token_hex(12)  # no press was ever called so: this one is new, whatever was before
        self.incident = 0

    async def connect(self, stack: AsyncExitStack, who: Canary, words: dict[str, str]) -> None:
        """Connect both and subscribe. A credential issued a moment ago may not be known yet."""
        self._device = await self._client(stack, DEVICE_NAME, words["device"])
        await self._device.subscribe(f"{PREFIX}command", qos=1)
        self._terminal = await self._client(stack, who.terminal, words["terminal"])
        await self._terminal.subscribe(f"{who.terminal_prefix}page", qos=1)

    async def press(self) -> None:
        """Press, and hear the PUBACK: the incident is committed by then."""
        body = msgspec.json.encode({"event": "sos", "id": self._identity})
        await self._device.publish(f"{PREFIX}event", body, qos=1)

    async def received(self) -> None:
        """The device is told that it was heard (收到)."""
        async for message in self._device.messages:
            told = _object(message.payload)
            if told.get("say") == "received" and told.get("id") == self._identity and told.get("incident"):
                self.incident = int(told["incident"])
                return

    async def paged(self) -> None:
        """The operator's terminal is called, by the dispatcher."""
        async for message in self._terminal.messages:
            page = _object(message.payload)
            if page.get("incident") == self.incident and page.get("purpose") == "alarm":
                return

    async def _client(self, stack: AsyncExitStack, username: str, password: str) -> aiomqtt.Client:
        while True:
            client = aiomqtt.Client(**self._where, username=username, password=password, identifier=username)
            try:
                await client.__aenter__()
            except aiomqtt.MqttError:
                await asyncio.sleep(RETRY_S)  # the stage's limit ends this
                continue
            stack.push_async_callback(_leave, client)
            return client


async def _leave(client: aiomqtt.Client) -> None:
    with suppress(aiomqtt.MqttError, TimeoutError):
        async with asyncio.timeout(GOODBYE_S):
            await client.__aexit__(None, None, None)


def _object(payload: object) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(payload if isinstance(payload, bytes | str) else b"")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _trust(ca: str) -> ssl.SSLContext | None:
    """The listener's own certificate is what is trusted: it is known, whatever name it is for."""
    if not ca:
        return None
    context = ssl.create_default_context(cafile=ca)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.check_hostname = False
    return context


class ConsoleWay:
    """A browser of the canary's operator: signed in, with the live stream open."""

    def __init__(self, url: str, login: str, password: str) -> None:
        # Behind TLS the console's cookies are for TLS only, and the canary is on this side of whoever ends it: it keeps
        # them itself, because httpx would hold them back.
        self._cookies: dict[str, str] = {}
        self._http = httpx.AsyncClient(
            base_url=url, trust_env=False, timeout=httpx.Timeout(10.0, read=QUIET_S),
            event_hooks={"request": [self._show_cookies], "response": [self._keep_cookies]},
        )  # fmt: skip
        self._login, self._password = login, password
        self._token = ""
        self._stream: asyncio.Task[None] | None = None
        self._following = asyncio.Event()
        self._heard: dict[int, None] = {}
        self._refreshed = False  # so much happens that the stream no longer names single incidents
        self._stir = asyncio.Event()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._unfollow()
        await self._http.aclose()

    async def ready(self) -> None:
        """Be signed in, hear the stream, and have no open case left from a round that was lost."""
        left = await self._there()
        if left is None or not self._token:  # a sign-in that was cut off has a cookie and no token
            await self._sign_in()
            left = await self._queue()
        if self._stream is None or self._stream.done():
            await self._unfollow()
            self._stream = asyncio.create_task(self._follow(), name="canary stream")
        await self._following.wait()
        for incident in (left or [])[:LEFT_MOST]:
            await self.close(incident)
        self._heard.clear()
        self._refreshed = False

    async def shown(self, incident: int) -> None:
        """The stream has named the incident, and the queue shows it."""
        while incident not in self._heard and not self._refreshed:
            self._stir.clear()
            if self._stream is None or self._stream.done():
                raise LostError("stream_ended")
            await self._stir.wait()
        while True:
            if incident in (await self._queue() or []):
                return
            await asyncio.sleep(RETRY_S)  # the stage's limit ends this

    async def close(self, incident: int) -> None:
        """Take it, and write that it was a test. One that is closed already is as good."""
        await self._do(incident, "take")
        await self._do(
            incident, "close", how="voice", disposition="test", done="canary", with_whom="canary", called_back="1"
        )
        if incident in (await self._queue() or []):
            raise LostError("not_closed")

    async def _show_cookies(self, request: httpx.Request) -> None:
        if self._cookies:
            request.headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self._cookies.items())

    async def _keep_cookies(self, response: httpx.Response) -> None:
        for header in response.headers.get_list("set-cookie"):
            self._cookies |= {name: morsel.value for name, morsel in SimpleCookie(header).items()}

    async def _queue(self) -> list[int] | None:
        """Return the open incidents the queue shows; None when nobody is signed in."""
        page = await self._http.get("/queue", headers={"HX-Request": "true"})
        if page.status_code == httpx.codes.UNAUTHORIZED:
            return None
        if not page.is_success:
            raise LostError(f"queue_answers {page.status_code}")
        return [int(number) for number in OPEN.findall(page.text)]

    async def _there(self) -> list[int] | None:
        """Return the queue of a console that may be starting; the stage's limit ends the waiting."""
        while True:
            try:
                return await self._queue()
            except httpx.ConnectError:
                await asyncio.sleep(RETRY_S)

    async def _do(self, incident: int, verb: str, **words: str) -> None:
        answer = await self._http.post(
            f"/incidents/{incident}/{verb}", data={"csrf": self._token, **words}, headers={"HX-Request": "true"}
        )
        if answer.status_code == httpx.codes.FORBIDDEN:
            self._token = ""
        if not answer.is_success and answer.status_code != httpx.codes.CONFLICT:
            raise LostError(f"{verb}_answers {answer.status_code}")

    async def _sign_in(self) -> None:
        form = await self._http.get("/login")
        words = {"login": self._login, "password": self._password, "csrf": _token(form.text), "next": "/"}
        answer = await self._http.post("/login", data=words)
        if answer.status_code != httpx.codes.SEE_OTHER:
            raise LostError(f"sign_in_answers {answer.status_code}")
        self._token = _token((await self._http.get("/")).text)
        await self._unfollow()

    async def _follow(self) -> None:
        """Read the stream until it ends; whoever waits for it hears that too."""
        try:
            async with self._http.stream("GET", "/stream") as stream:
                stream.raise_for_status()
                event = ""
                async for line in stream.aiter_lines():
                    if line.startswith("event:"):
                        event = line.removeprefix("event:").strip()
                        self._following.set()
                        if event == "hub:refresh":
                            self._refreshed = True
                            self._stir.set()
                    elif line.startswith("data:") and event == "hub:changed":
                        self._named(_object(line.removeprefix("data:").strip()))
        except (httpx.HTTPError, httpx.StreamError):
            pass  # the next round opens it again, and says so if it cannot
        finally:
            self._following.clear()
            self._stir.set()

    def _named(self, said: dict[str, Any]) -> None:
        if len(self._heard) > HEARD_MOST:
            self._heard.clear()
        self._heard |= dict.fromkeys(said.get("incidents", ()))
        self._stir.set()

    async def _unfollow(self) -> None:
        if self._stream is not None:
            self._stream.cancel()
            await asyncio.gather(self._stream, return_exceptions=True)
            self._stream = None


def _token(page: str) -> str:
    found = TOKEN.search(page)
    if found is None:
        raise LostError("no_token")
    return found.group(1)
