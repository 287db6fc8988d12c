"""Lives a town over the wire: everybody's lines, the calendar of what happens, the people who answer, the desk."""

import asyncio
import contextlib
import json
import random
import resource
import time
import zlib
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import uvicorn

from simulator import supply
from simulator import town as towns
from simulator.breakdowns import Breakdowns, Bridge
from simulator.chronicle import Chronicle
from simulator.crowd import Crowd, Person
from simulator.desk import Operators, Seat
from simulator.encoders.encoder import Body
from simulator.happenings import Happenings, by_kind
from simulator.life.life import Life
from simulator.life.model import Floats, Illness, Minutes, Sensor, What
from simulator.life.walked import Newest, Walked
from simulator.lived import Lived
from simulator.lockstep import Lockstep
from simulator.neighbourhood import Console
from simulator.operator import ConsoleClient
from simulator.play import _Server
from simulator.speakers import Speaker
from simulator.story import Story
from simulator.town_file import AccountKey, Joined, Town, TownDevice, TownResident, Truth
from simulator.wire import MqttLine, TcpLine, Traffic

MINUTE = timedelta(minutes=1)
CONNECTING = 100  # lines opened at once
CHECK_IN_MIN = 8 * 60  # a button or sensor that sleeps says how full its battery is, whether anything happened or not
MAT_EVERY_MIN = 15  # a mat is on the mains and tells of an empty bed as well
AFTERWARDS = timedelta(hours=6)  # what is open when the last day ends is worked to its end, for so long
TRACKED_EVERY_MIN, FIXES_AT_HOME = 5, 3
STATES = {Sensor.DOOR: "door", Sensor.MOTION: "motion", Sensor.BED: "bed"}
ALARMS = {Sensor.SMOKE: "smoke", Sensor.GAS: "gas"}
FILES = 65_536


class Living:
    """One town, one story, one hub. `run` returns the truth."""

    def __init__(self, story: Story, town: Town, joined: Joined, *, seed: int, speed: float | None = None) -> None:
        self.story, self.town, self.joined, self.seed = story, town, joined, seed
        self.traffic = Traffic()
        pace = _Pace(joined.now, speed).wait if speed else None
        self.clock = Lockstep(joined.step_url, joined.step_key, joined.now, self.traffic, pace)
        self.chronicle = Chronicle(town, story.title, story.about, story.expect)
        self.life = Life(
            towns.bodies(story, seed), seed=seed, start=town.begins, by_itself=float(story.town.lives_by_itself)
        )  # fmt: skip
        self.bridges: dict[str, Bridge] = {}
        self.speakers: list[Speaker] = []
        self.worn: dict[int, Speaker] = {}
        self.terminals: list[MqttLine] = []
        self.crowd = Crowd(joined.app.key, self.clock, self.chronicle)
        self._residents = {resident.name: resident for resident in town.residents}
        self._minutes: list[Minutes] = []
        self._walked, self._newest = Walked(len(town.residents)), Newest(len(town.residents))
        self._lived = Lived(len(town.residents))
        self._fixes = np.zeros(len(town.residents), np.int64)
        self._tracked = np.array([Illness.DEMENTIA in each.illnesses for each in self.life.residents])
        self._draw = random.Random(f"{seed}:live")
        self._equip()
        supply.fit(self.speakers, towns.bodies(story, seed), story.town, seed)
        self.home = by_kind(each for each in self.speakers if each.device.kind != "watch")
        self.sleepers: dict[int, list[Speaker]] = defaultdict(list)  # by the minute at which they check in
        self.mats: dict[int, list[Speaker]] = defaultdict(list)
        for speaker in self.speakers:
            turn = zlib.crc32(speaker.device.address.encode())
            if speaker.device.kind == "bed":
                self.mats[turn % MAT_EVERY_MIN].append(speaker)
            elif speaker.device.kind != "watch":
                self.sleepers[turn % CHECK_IN_MIN].append(speaker)
        self.happenings = Happenings(
            town, story, self.life, self.clock, self.chronicle, self.worn, self.home, seed=str(seed)
        )  # fmt: skip
        self.breakdowns = Breakdowns(
            town, story, self.clock, self.chronicle, self.speakers, self.bridges, joined.listener,
            {key.address: (key.username, key.secret) for key in joined.devices if key.username}, seed=str(seed),
        )  # fmt: skip
        self.happenings.prepare()
        self.breakdowns.prepare()
        self._people()
        self.desk = self._desk()
        self.chronicle.truth.numbers = {key.key: key.resident for key in joined.residents}

    async def run(self) -> Truth:
        """Live it.

        Raises:
            TimeoutError: The hub takes no connections.
            StepError: It cannot step.
        """
        began, cpu = time.monotonic(), time.process_time()
        _many_files()
        app = self.joined.app
        config = uvicorn.Config(
            self.crowd.app, app.host, app.port, log_level="warning", lifespan="off", interface="asgi3"
        )  # fmt: skip
        server = asyncio.create_task(_Server(config).serve(), name="telephones")
        try:
            await self._connect()
            await self.desk.begin()
            self.clock.after_step.append(self.desk.look)
            self.clock.at(self.clock.now, self._next_minutes)
            await self.clock.run(self.town.ends)
            await self.clock.run(self.town.ends + AFTERWARDS, done=self._over)
        finally:
            await self._leave(server)
            self._written(time.monotonic() - began, time.process_time() - cpu)
        return self.chronicle.truth

    def _over(self) -> bool:
        return self.clock.open == 0 and self.clock.now >= self.town.ends + MINUTE

    # ---- who there is ----

    def _equip(self) -> None:
        bridges = {key.name: key for key in self.joined.gateways}
        for gateway in self.town.gateways:
            key = bridges[gateway.name]
            gone = (f"{gateway.base}/bridge/state", b'{"state":"offline"}') if gateway.family != "home" else None
            line = MqttLine(self.joined.listener, key.username, key.secret, self.traffic, will=gone)
            self.bridges[gateway.name] = Bridge(gateway, line)
        keys = {key.address: key for key in self.joined.devices}
        for resident in self.town.residents:
            for device in resident.devices:
                speaker = self._speaker(resident, device, keys)
                self.speakers.append(speaker)
                if device.kind == "watch":
                    self.worn[resident.index] = speaker

    def _speaker(self, resident: TownResident, device: TownDevice, keys: dict[str, Any]) -> Speaker:
        speaker = Speaker(
            device, resident, self.clock, self.chronicle.counted(device), seed=f"{self.seed}:{device.address}",
            asked=self._asked, measure=self._measure,
        )  # fmt: skip
        if device.gateway:
            bridge = self.bridges[device.gateway]
            speaker.mqtt = bridge.line
            bridge.speakers.append(speaker)
        elif device.transport == "tcp":
            endpoint = self.joined.trackers[device.family.partition(".")[0]]
            speaker.tcp = TcpLine(endpoint, device.name, self.traffic, speaker.hear_tcp)
        else:
            key = keys[device.address]
            speaker.mqtt = MqttLine(
                self.joined.listener, key.username, key.secret, self.traffic, hear=speaker.hear,
                subscribe=[f"carehub/{device.name}/command"] if device.family == "carehub" else (),
                will=(f"carehub/{device.name}/status", b'{"online":false}') if device.family == "carehub" else None,
            )  # fmt: skip
        return speaker

    def _people(self) -> None:
        keys = {key.key: key for key in self.joined.people}
        self.crowd.homes = {each.name: (each.lat, each.lon) for each in self.town.residents}
        for who in self.town.people:
            key = keys.get(who.key)
            if key is None:
                continue
            manners = self.story.manners(who.name, who.role, who.area)
            person = Person(
                who, manners, self.clock, self.chronicle, self.crowd, seed=f"{self.seed}:{who.key}",
                helps=self._helped, flat=random.Random(f"{self.seed}:flat:{who.key}").random() < manners.flat_phone,
            )  # fmt: skip
            if key.path:
                self.crowd.by_path[key.path] = person
            elif key.username and not person.flat:
                person.prefix = key.prefix
                person.terminal = MqttLine(
                    self.joined.listener, key.username, key.secret, self.traffic, subscribe=[f"{key.prefix}page"],
                    hear=lambda _topic, payload, person=person: _heard(person, payload),  # type: ignore[misc]
                )  # fmt: skip
                self.terminals.append(person.terminal)

    def _seats(self, role: str) -> list[Seat]:
        return [
            Seat(each.key, ConsoleClient(self.joined.console_url, _sign_in(each)))
            for each in self.joined.accounts if each.role == role
        ]  # fmt: skip

    def _desk(self) -> Operators:
        return Operators(
            self._seats("operator"), self.story.desk, self.clock, self.chronicle, seed=str(self.seed),
            matter=self._matter, session=timedelta(hours=self.joined.session_hours),
            chief=next(iter(self._seats("supervisor")), None),
        )  # fmt: skip

    def _matter(self, name: str) -> Any:
        resident = self._residents.get(name)
        return self.chronicle.matter(resident.key, self.clock.now) if resident else None

    def _helped(self, name: str) -> None:
        resident = self._residents.get(name)
        helped = getattr(What, "HELPED", None)
        if resident and helped:
            self.life.happen(resident.index, helped)

    # ---- lines ----

    async def _connect(self) -> None:
        lines = [each.mqtt for each in self.speakers if each.mqtt and not each.device.gateway]
        lines += [bridge.line for bridge in self.bridges.values()] + self.terminals
        for start in range(0, len(lines), CONNECTING):
            await asyncio.gather(*(line.open() for line in lines[start : start + CONNECTING]))
        for bridge in self.bridges.values():
            bridge.hello()
        for speaker in self.speakers:
            behind = self.bridges.get(speaker.device.gateway)
            if speaker.mqtt and (behind is None or behind.gateway.family == "home"):
                speaker.hello()
        await self.clock.quiet()

    async def _leave(self, server: "asyncio.Task[None]") -> None:
        for speaker in self.speakers:
            if speaker.mqtt:
                speaker.mqtt.close()
            if speaker.tcp:
                speaker.tcp.close()
        for line in (*self.terminals, *self.breakdowns.thieves):
            line.close()
        await self.desk.aclose()
        await self.crowd.aclose()
        await self.clock.aclose()
        server.cancel()
        with contextlib.suppress(asyncio.CancelledError, SystemExit):
            await server

    # ---- minutes ----

    def _next_minutes(self) -> None:
        """Tell of the minutes that have passed, and live the next ones: what begins in them has its own second."""
        for minute in self._minutes:
            self._tell(minute)
        if self.clock.now >= self.town.ends + AFTERWARDS:
            return
        if not self._minutes or self.clock.now.minute % 60 == 0:
            print(
                f"  {self.clock.now.astimezone(ZoneInfo(self.town.zone)):%m-%d %H:%M}  {self.traffic.sent:,} messages, "
                f"{self.clock.steps:,} steps, {len(self.chronicle.truth.sent)} alarms, {self.clock.open} cases open",
                flush=True,
            )
        self._minutes = [self.life.minute() for _ in range(self.story.town.steps_min)]
        for minute in self._minutes:
            for episode in minute.began:
                self.happenings.began(episode)
            for event in minute.events:
                if kind := ALARMS.get(event.sensor):
                    sounds = self._alarm(kind, event.resident, event.value)
                    self.clock.at(minute.at + timedelta(seconds=event.second), sounds)
        self.clock.at(self._minutes[-1].at + MINUTE, self._next_minutes)

    def _tell(self, minute: Minutes) -> None:
        every = self.story.town.reports_every_min
        turn = round(minute.at.timestamp() / 60) % every
        read = minute.readings
        told = np.flatnonzero(read.told & (np.arange(len(read.told)) % every == turn))
        self._walked.note(minute)
        self._newest.note(minute)
        self._lived.note(minute)
        newest = self._newest.told(told)
        bursts = self.story.town.motion_a_day / 1440 * every
        for place, index in enumerate(told.tolist()):
            if (speaker := self.worn.get(index)) is not None:
                at = minute.at + timedelta(seconds=int(read.second[index]))
                walked, steps = self._walked.told(index), int(read.steps[index])
                if speaker.device.family != "carehub":
                    steps = walked.sum  # theirs is a running count
                elif walked.at < minute.at and speaker.encoder.steps:
                    speaker.say(speaker.encoder.steps(speaker.words, speaker.stamp(walked.at), walked.steps))
                speaker.report(at, _reported(minute, index, newest, place), steps, worn=bool(read.worn[index]))
                if bursts and read.worn[index] and speaker.device.family == "carehub" and self._draw.random() < bursts:
                    self.happenings.artefact(speaker, at)
        if round(minute.at.timestamp() / 60) % TRACKED_EVERY_MIN == 0:
            self._track(minute)
        self._check_in(minute)
        for event in minute.events:
            if event.sensor is Sensor.WATER:
                for meter in self.home.get(event.resident, {}).get("meter", ()):
                    meter.count(minute.at + timedelta(seconds=event.second), event.value)
            kind = STATES.get(event.sensor)
            for speaker in self.home.get(event.resident, {}).get(kind, ()) if kind else ():
                if event.sensor is not Sensor.MOTION or speaker.device.room == towns.ROOMS[event.room]:
                    speaker.state(kind or "", minute.at + timedelta(seconds=event.second), on=event.value > 0)

    def _check_in(self, minute: Minutes) -> None:
        """What speaks whether anything happened or not."""
        number = round(minute.at.timestamp() / 60)
        for speaker in self.sleepers.get(number % CHECK_IN_MIN, ()):
            speaker.check_in(minute.at)
        for mat in self.mats.get(number % MAT_EVERY_MIN, ()):
            mat.state("bed", minute.at, on=bool(minute.in_bed[mat.resident.index]))

    def _track(self, minute: Minutes) -> None:
        """Watches of those who may not find home say where they are while they are out, and that they are back."""
        self._fixes = np.where(minute.away_m > 0, FIXES_AT_HOME, np.maximum(self._fixes - 1, 0))
        for index in np.flatnonzero(self._tracked & minute.readings.worn & (self._fixes > 0)).tolist():
            speaker = self.worn.get(index)
            if speaker is not None and speaker.encoder.position is not None:
                at = minute.at + timedelta(seconds=int(minute.readings.second[index]))
                fix = towns.fix(speaker.resident, float(minute.away_m[index]), float(self.life.places.bearing[index]))
                speaker.say(speaker.encoder.position(speaker.words, speaker.stamp(at), fix))

    def _alarm(self, kind: str, index: int, value: float) -> Callable[[], Awaitable[None] | None]:
        def sounds() -> None:
            for speaker in self.home.get(index, {}).get(kind, ()):
                if value > 0:
                    self.happenings.alarm(self.town.residents[index], kind, speaker)
                else:
                    speaker.state(kind, self.clock.now, on=False)

        return sounds

    def _asked(self, speaker: Speaker) -> None:
        self.happenings.asked(speaker)

    def _measure(self, speaker: Speaker) -> None:
        """The hub has told a watch to measure: it says what it sees now."""
        if self._minutes and not speaker.condition.mute:
            index = speaker.resident.index
            minute = self._minutes[-1]
            read = minute.readings
            speaker.report(
                self.clock.now, _body(minute, index), int(read.steps[index]), worn=bool(read.worn[index])
            )  # fmt: skip

    def _written(self, took_s: float, cpu_s: float) -> None:
        truth = self.chronicle.truth
        truth.took_s, truth.cpu_s, truth.steps = round(took_s, 1), round(cpu_s, 1), self.clock.steps
        truth.ended_at = self.clock.now
        self._lived.write(truth, lambda who: self.town.residents[who].key)
        for index, speaker in self.worn.items():
            speaker.counted.worn_minutes = int(self.life.truth.worn_min[index])
        self.chronicle.faults(self.traffic.faults)
        self.chronicle.faults(self.clock.faults)


def _body(minute: Minutes, index: int) -> Body:
    """What a watch read; the temperature of the skin is none of the body."""
    read = minute.readings
    return Body(
        heart_rate_bpm=_whole(read.heart_rate_bpm[index]), spo2_pct=_whole(read.spo2_pct[index]),
        respiration_rpm=_whole(read.respiration_rpm[index]), systolic_mmhg=_whole(read.systolic_mmhg[index]),
        diastolic_mmhg=_whole(read.diastolic_mmhg[index]),
    )  # fmt: skip


def _reported(minute: Minutes, index: int, newest: dict[str, Floats], place: int) -> Body:
    """A watch's regular report: its pulse of now, and of the rest the newest it has not told."""
    told = {name: _whole(values[place]) for name, values in newest.items()}
    return Body(heart_rate_bpm=_whole(minute.readings.heart_rate_bpm[index]), **told)


def _whole(value: "np.float32") -> int | None:
    return None if np.isnan(value) else round(float(value))


def _sign_in(key: AccountKey) -> Console:
    return Console(key.person, key.role, key.login, key.password)


def _heard(person: Person, payload: bytes) -> None:
    try:
        page = json.loads(payload)
    except ValueError:
        page = {}
    person.called(page if isinstance(page, dict) else {})


class _Pace:
    """Waits so that the town's time passes `speed` times as fast as ours."""

    def __init__(self, begins: datetime, speed: float) -> None:
        self._begins, self._speed = begins, speed
        self._since = time.monotonic()

    async def wait(self, goal: datetime) -> None:
        ahead = (goal - self._begins).total_seconds() / self._speed - (time.monotonic() - self._since)
        if ahead > 0:
            await asyncio.sleep(ahead)


def _many_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(FILES, hard) if hard != resource.RLIM_INFINITY else FILES
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
