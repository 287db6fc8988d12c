"""Puts the neighbourhood together and plays a scenario to its end."""

import asyncio
import contextlib
import random
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any

import numpy as np
import uvicorn

from simulator import home as homes
from simulator.home import Home
from simulator.ledger import Ledger, now
from simulator.neighbourhood import Device, Neighbourhood, Resident
from simulator.operator import ConsoleClient, Operator
from simulator.physiology import Body, Constitution
from simulator.responders import Families, Person, Terminal
from simulator.scenario import Event, NowAndThen, Plays, Scenario, What
from simulator.watch import Watch
from simulator.watch3g import Watch3g

CONNECT_LIMIT_S = 30.0
ENDS_WITHIN_S = 0.5  # then it is told again
QUIET_S = 4.0  # nothing open and nobody under way for this long after the last event: it is over
STORED_MINUTES = 20  # what a watch that was out of reach has to tell
ASKED_WITHIN_S = 20.0  # a watch that has no screen asks by vibrating: then the wearer answers after this long
CHANGE_OF_MIND_S = 3.0  # a fallen wearer looks at the watch this long before saying it was nothing


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: the play has its own."""

    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        yield


class Play:
    """One neighbourhood, one scenario. `run` returns when it is over."""

    def __init__(self, place: Neighbourhood, scenario: Scenario, ledger: Ledger, seed: int) -> None:
        self.place, self.scenario, self.ledger, self.seed = place, scenario, ledger, seed
        self.draw = random.Random(f"{seed}:play")
        self.watches: dict[str, Watch] = {}
        self.watches3g: dict[str, Watch3g] = {}
        self.homes: dict[str, Home] = {}
        self.people: list[Person] = []
        self.terminals: list[Terminal] = []
        self.families = Families(place.family_app.key, ledger)
        self.operator: Operator | None = None
        self._under_way: set[asyncio.Task[Any]] = set()

    async def run(self) -> None:
        """Connect everybody, then let things happen.

        Raises:
            TimeoutError: The hub did not take the devices' connections.
        """
        self._populate()
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self.families.aclose)
            await self._connect(stack)
            for device in self._devices():
                self._task(stack, self._living(device), f"life of {device.name}")
            for each in self.scenario.now_and_then:
                self._task(stack, self._keep_happening(each), "now and then")
            try:
                async with asyncio.timeout(self.scenario.at_most_s):
                    await self._events()
                    await self._end()
            except TimeoutError:
                self.ledger.fault(f"the play was not over after {self.scenario.at_most_s:.0f} s")

    def _populate(self) -> None:
        for resident in self.place.residents:
            constitution = Constitution(
                resting_bpm=resident.body.resting_bpm, spo2_pct=resident.body.spo2_pct,
                breaths_rpm=resident.body.breaths_rpm, frailty=resident.body.frailty,
            )  # fmt: skip
            body = Body(f"{self.seed}:{resident.name}", constitution)
            for device in resident.devices:
                self._equip(resident, device, body)
        for who in self.place.responders:
            behaviour = self.scenario.behaviour(who.name, who.role)
            terminal = Terminal(who, self.place.listener) if who.channel == "mqtt" else None
            answer = terminal.answer if terminal else self.families.answer
            person = Person(who, behaviour, self.ledger, answer, seed=str(self.seed))
            self.people.append(person)
            if terminal:
                terminal.person = person
                self.terminals.append(terminal)
            else:
                self.families.people[who.path] = person
        if self.scenario.operator is not Plays.BROWSER:
            desks = [each for each in self.place.consoles if each.role == "operator"]
            # The first account is the one that is printed for whoever is at the browser.
            console = desks[-1] if self.scenario.operator is Plays.COLLEAGUE else desks[0]
            client = ConsoleClient(self.place.console_url, console)
            self.operator = Operator(client, console.person, self.scenario, self.ledger, seed=str(self.seed))

    def _equip(self, resident: Resident, device: Device, body: Body) -> None:
        seed = f"{self.seed}:{device.address}"
        match device.kind:
            case "watch":
                watch = Watch(device, resident.name, self.place.listener, body, self.ledger, seed=seed)
                self.watches[resident.name] = watch
            case "watch3g":
                self.watches3g[resident.name] = Watch3g(device, resident, self.place.gateway, body, self.ledger)
            case "zigbee":
                gateway = next(each for each in self.place.gateways if each.base == device.base)
                known = self.homes.get(resident.name)
                devices = (*known.devices, device) if known else (device,)
                self.homes[resident.name] = Home(
                    gateway, devices, resident.name, self.place.listener, self.ledger, seed=seed
                )
            case _:
                raise ValueError(f"{device.address}: no device of kind {device.kind} is simulated")

    def _devices(self) -> list[Watch | Watch3g | Home]:
        return [*self.watches.values(), *self.watches3g.values(), *self.homes.values()]

    async def _connect(self, stack: AsyncExitStack) -> None:
        app = self.place.family_app
        config = uvicorn.Config(
            self.families.app, app.host, app.port, log_level="warning", lifespan="off", interface="asgi3"
        )
        self._task(stack, _Server(config).serve(), "family app")
        speakers: list[Watch | Home] = [*self.watches.values(), *self.homes.values()]
        lines = [each.line for each in (*speakers, *self.terminals)]
        for line in lines:
            self._task(stack, line.run(), f"line {line.username}")
        for watch in self.watches3g.values():
            self._task(stack, watch.run(), f"line {watch.device.name}")
        if self.operator:
            stack.push_async_callback(self.operator.client.aclose)
            self._task(stack, self.operator.run(), "operator")
        async with asyncio.timeout(CONNECT_LIMIT_S):
            await asyncio.gather(*(line.connected() for line in lines))
            for each in speakers:
                await each.start()

    def _task(self, stack: AsyncExitStack, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Run something for as long as the play lasts; if it fails, the report says so."""
        task = asyncio.create_task(work, name=name)

        async def stop() -> None:
            while not task.done():  # on Python 3.11 a wait_for inside may swallow one
                task.cancel()
                await asyncio.wait([task], timeout=ENDS_WITHIN_S)

        def ended(done: asyncio.Task[Any]) -> None:
            if not done.cancelled() and (error := done.exception()):
                self.ledger.fault(f"{name}: {error!r}")

        task.add_done_callback(ended)
        stack.push_async_callback(stop)
        return task

    async def _living(self, device: Watch | Watch3g | Home) -> None:
        """Report now and again, each device at its own moment."""
        every = self.scenario.vitals_every_s
        await asyncio.sleep(random.Random(f"{self.seed}:{device.name}").uniform(0, every))
        while True:
            await device.report(now())
            await asyncio.sleep(every)

    async def _events(self) -> None:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        for event in self.scenario.events:
            await asyncio.sleep(max(0.0, begun + event.at_s - loop.time()))
            self._begin(event)
        if self.scenario.operator is not Plays.SIMULATED and self.scenario.at_most_s is None:
            await asyncio.Event().wait()  # an evening has no end of its own
        while self._under_way:
            await asyncio.wait(self._under_way)

    def _begin(self, event: Event) -> None:
        print(f"{now():%H:%M:%S} {event.who}: {event.what}  {event.note}", flush=True)
        task = asyncio.create_task(self._happen(event), name=f"{event.who} {event.what}")
        self._under_way.add(task)
        task.add_done_callback(self._happened)

    def _happened(self, task: asyncio.Task[Any]) -> None:
        self._under_way.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self.ledger.fault(f"{task.get_name()}: {error!r}")

    async def _end(self) -> None:
        """Return when the operator's queue has stayed empty for a while."""
        loop = asyncio.get_running_loop()
        quiet_since = loop.time()
        while loop.time() - quiet_since < QUIET_S:
            await asyncio.sleep(0.2)
            if self.operator and not self.operator.queue_empty:
                quiet_since = loop.time()

    async def _keep_happening(self, each: NowAndThen) -> None:
        while True:
            await asyncio.sleep(self.draw.uniform(0.6, 1.4) * each.about_every_s)
            what = self.draw.choice(each.what)
            able = [resident.name for resident in self.place.residents if self._can(resident.name, what)]
            if able:
                self._begin(Event(at_s=0, who=self.draw.choice(able), what=what))

    def _can(self, who: str, what: What) -> bool:
        home = self.homes.get(who)
        match what:
            case What.PRESSES:
                return True
            case What.SMOKE:
                return home is not None and any(device.model in homes.SMOKE for device in home.devices)
            case What.OPENS_DOOR:
                return home is not None and any(device.model in homes.DOORS for device in home.devices)
            case _:
                return who in self.watches

    async def _happen(self, event: Event) -> None:
        match event.what:
            case What.PRESSES:
                await self._press(event)
            case What.FALLS:
                await self.watches[event.who].fall(self._rng(event))
            case What.FALLS_AND_CANCELS:
                await self._fall_and_cancel(event)
            case What.BREATHLESS:
                watch = self.watches[event.who]
                watch.body.breathless = True
                await watch.catch_up(now(), STORED_MINUTES)
            case What.SMOKE:
                await self._at_home(event, homes.SMOKE, lambda home, device: home.smoke(device, now()))
            case What.OPENS_DOOR:
                await self._at_home(event, homes.DOORS, lambda home, device: home.door(device, now(), closed=False))

    async def _press(self, event: Event) -> None:
        presses = []
        for number in range(event.times):
            if number:
                await asyncio.sleep(event.apart_s)
            presses.append(asyncio.create_task(self._press_once(event), name=f"{event.who} presses"))
        await asyncio.gather(*presses)

    async def _press_once(self, event: Event) -> None:
        home = self.homes.get(event.who)
        if home and (event.with_ or event.who not in self.watches):
            await self._at_home(event, homes.BUTTONS, lambda at, device: at.press(device, now()))
        elif event.who in self.watches3g:
            await self.watches3g[event.who].press(now(), event.copies)
        else:
            await self.watches[event.who].press(now())

    async def _fall_and_cancel(self, event: Event) -> None:
        """She falls, the watch asks, she says it was nothing; the wrist goes on being felt meanwhile."""
        watch = self.watches[event.who]
        watch.lit.clear()
        fall = asyncio.create_task(watch.fall(self._rng(event)), name=f"{event.who} falls")
        asked = asyncio.create_task(watch.lit.wait(), name=f"{event.who} is asked")
        await asyncio.wait([fall, asked], timeout=ASKED_WITHIN_S, return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        await asyncio.sleep(CHANGE_OF_MIND_S)
        await watch.cancel(now())
        (await fall).expects = "nothing"

    async def _at_home(
        self, event: Event, models: frozenset[str], do: Callable[[Home, Device], Coroutine[Any, Any, Any]]
    ) -> None:
        home = self.homes[event.who]
        able = [device for device in home.devices if device.model in models and event.with_ in device.name]
        await do(home, able[0])

    def _rng(self, event: Event) -> np.random.Generator:
        return np.random.default_rng([self.seed, *event.who.encode()])
