"""An oracle that cannot find planted faults is broken: each is planted into an account that is right, and found."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from simulator import oracle, report
from simulator.times import spread
from simulator.town_file import (
    Account,
    AlertKept,
    Counted,
    Deed,
    DeviceKept,
    Happened,
    IncidentKept,
    Lasting,
    PageKept,
    PressKept,
    Received,
    Sent,
    Tap,
    Totals,
    Trouble,
    Truth,
)
from simulator.verdict import Verdict

NOON = datetime(2026, 3, 10, 4, tzinfo=UTC)
WATCH, BUTTON, DETECTOR = "carehub:w-00001", "z2m:gw-0-0000/2 浴室呼叫", "z2m:gw-0-0000/2 厨房烟感"
TOPICS = {"vitals": 103, "event": 1}
FAMILIES = {WATCH: "carehub", BUTTON: "zigbee2mqtt", DETECTOR: "zigbee2mqtt"}
REPLACE = msgspec.structs.replace


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def truth() -> Truth:
    """A press of a watch, one of a button, a fire, a fall that was felt; the daughter goes."""
    told = Truth(
        title="x", seed=1, begins=NOON, ends=at(86_400), ended_at=at(86_400), residents=2,
        numbers={"r00000": 11, "r00001": 12},
    )  # fmt: skip
    told.happened = [
        Happened(number=0, resident="r00000", what="presses for help", kind="sos", at=at(0)),
        Happened(number=1, resident="r00001", what="presses for help", kind="sos", at=at(600)),
        Happened(number=2, resident="r00001", what="burns the supper", kind="smoke", at=at(1200)),
        Happened(number=3, resident="r00000", what="falls", kind="fall", at=at(7200), wants="finding"),
    ]
    told.sent = [
        sent(WATCH, "r00000", "sos", 0, 0, identity="sos:81"),
        sent(BUTTON, "r00001", "sos", 1, 600),
        sent(DETECTOR, "r00001", "smoke", 2, 1200),
    ]
    told.counted = {
        WATCH: Counted(family="carehub", sent=100, saved=100, heard=104, topics=TOPICS, bursts=20, worn_minutes=1440),
        BUTTON: Counted(family="zigbee2mqtt", sent=3, saved=3, heard=3, topics={"button": 2, "bridge": 1}),
        DETECTOR: Counted(family="zigbee2mqtt", sent=2, saved=2, heard=2, topics={"smoke": 1, "bridge": 1}),
    }
    told.received = [
        Received(
            page=1, incident=1, person="family-00000-1", role="family", channel="webhook", purpose="alarm", at=at(1),
            resident="王秀兰", taps=[Tap(at=at(31), verb="accept"), Tap(at=at(900), verb="arrived")],
        )
    ]  # fmt: skip
    told.deeds = [Deed(at=at(15), operator="operator-1", incident=1, verb="take", status=204)]
    told.deeds += [Deed(at=at(second), operator="operator-1", incident=case, verb="close", status=204)
                   for case, second in ((2, 700), (3, 1300), (4, 8000))]  # fmt: skip
    return told


def sent(device: str, who: str, kind: str, happened: int, second: float, **more: Any) -> Sent:
    return Sent(
        device=device, family=FAMILIES[device], resident=who, kind=kind, happened=happened, at=at(second),
        first_at=at(second), saved_at=at(second), copies=1, **more,
    )  # fmt: skip


def case(number: int, kind: str, resident: int | None, second: float, device: str = "") -> IncidentKept:
    return IncidentKept(
        incident=number, kind=kind, severity=1, state="closed", opened_at=at(second), closed_at=at(second + 1800),
        resident=resident, device=device or None,
    )  # fmt: skip


def alert(number: int, kind: str, device: str, resident: int, second: float, **more: Any) -> AlertKept:
    return AlertKept(
        alert=f"a{number}", incident=number, kind=kind, severity=1, raised_at=at(second), device=device,
        resident=resident, **more,
    )  # fmt: skip


def account() -> Account:
    """What a hub that does everything right has of it."""
    return Account(
        start=NOON, end=at(86_400), totals=Totals(stored=109),
        topics=TOPICS | {"button": 2, "smoke": 1, "bridge": 2, "bridge/of/another": 7},
        presses=(
            PressKept(device=WATCH, identity="sos:81", kind="sos", incident=1, at=at(0)),
            PressKept(device=BUTTON, identity="~1", kind="sos", incident=2, at=at(600)),
        ),
        alerts=(
            alert(1, "sos", WATCH, 11, 0, identity="sos:81"), alert(2, "sos", BUTTON, 12, 600),
            alert(3, "smoke", DETECTOR, 12, 1200), alert(4, "fall", WATCH, 11, 7203, measured_at=at(7201)),
        ),
        incidents=(
            case(1, "sos", 11, 0), case(2, "sos", 12, 600), case(3, "smoke", 12, 1200), case(4, "fall", 11, 7203),
        ),
        pages=(
            PageKept(page=1, incident=1, person=3, role="family", channel="webhook", purpose="alarm",
                     state="delivered", due_at=at(0), sent_at=at(0), delivered_at=at(1)),
        ),
        devices=(  # four messages of the watch came twice, and one of the button nobody can read
            DeviceKept(device=WATCH, messages=104, readable=100, wide=100),
            DeviceKept(device=BUTTON, messages=3, readable=2, wide=2, unreadable=1),
            DeviceKept(device=DETECTOR, messages=2, readable=2, wide=2),
        ),
    )  # fmt: skip


def without(rows: tuple[Any, ...], number: int) -> tuple[Any, ...]:
    return rows[:number] + rows[number + 1 :]


def without_key(topics: dict[str, int], key: str) -> dict[str, int]:
    return {topic: number for topic, number in topics.items() if topic != key}


def judged(told: Truth | None = None, **changes: Any) -> Verdict:
    return oracle.judge(told or truth(), REPLACE(account(), **changes))


def test_hub_that_does_everything_right_passes() -> None:
    verdict = judged()
    assert (verdict.lost, verdict.invented, verdict.late, verdict.unended) == ([], [], [], [])
    assert verdict.passed
    assert (verdict.told, verdict.incidents) == (3, 4)
    assert [(kind.what, kind.happened, kind.found) for kind in verdict.kinds] == [
        ("burns the supper", 1, 1), ("falls", 1, 1),
    ]  # fmt: skip


Plant = Callable[[Account], dict[str, Any]]
LOST: dict[str, Plant] = {
    "a press that was acknowledged and is nowhere": lambda a: {
        "presses": without(a.presses, 0), "alerts": without(a.alerts, 0),
    },
    "a press without an identity": lambda a: {"presses": without(a.presses, 1), "alerts": without(a.alerts, 1)},
    "a fire": lambda a: {"alerts": without(a.alerts, 2)},
    "a press whose case is gone": lambda a: {"incidents": without(a.incidents, 0)},
    "telemetry of nobody knows whom": lambda a: {"totals": Totals(stored=108)},
    "everything of one device": lambda a: {"topics": without_key(a.topics, "button")},
    "one message of one device, while another has one too many": lambda a: {
        "topics": a.topics | {"vitals": 102, "button": 3},
    },
    "one of two devices' words on one topic": lambda a: {"topics": a.topics | {"bridge": 1}},
    "the row of a message that was kept as it came": lambda a: {
        "devices": (REPLACE(a.devices[0], wide=99), *a.devices[1:]),
    },
    "a page that was called delivered": lambda a: {"pages": (*a.pages, REPLACE(a.pages[0], page=2))},
}  # fmt: skip
INVENTED: dict[str, Plant] = {
    "a press nobody made": lambda a: {
        "incidents": (*a.incidents, case(9, "sos", 12, 40_000)),
        "alerts": (*a.alerts, alert(9, "sos", BUTTON, 12, 40_000)),
    },
    "a fire without smoke": lambda a: {
        "incidents": (*a.incidents, case(9, "smoke", 12, 40_000)),
        "alerts": (*a.alerts, alert(9, "smoke", DETECTOR, 12, 40_000)),
    },
    "a fall of whom no wrist was felt": lambda a: {
        "incidents": (*a.incidents, case(9, "fall", 12, 40_000)),
        "alerts": (*a.alerts, alert(9, "fall", BUTTON, 12, 40_000)),
    },
    "a case without anything": lambda a: {"incidents": (*a.incidents, case(9, "vitals", 11, 40_000))},
    "a case of a device that is none": lambda a: {
        "incidents": (*a.incidents, case(9, "vitals", None, 40_000, "carehub:w-99")),
        "alerts": (*a.alerts, alert(9, "vitals", "carehub:w-99", 99, 40_000)),
    },
    "two cases of one press": lambda a: {
        "incidents": (*a.incidents, case(9, "sos", 11, 0)),
        "alerts": (*a.alerts, alert(9, "sos", WATCH, 11, 0, identity="sos:81")),
    },
}  # fmt: skip


@pytest.mark.parametrize("name", LOST)
def test_planted_loss_is_found(name: str) -> None:
    verdict = judged(**LOST[name](account()))
    assert len(verdict.lost) == 1, verdict.words()
    assert not verdict.passed


@pytest.mark.parametrize("name", INVENTED)
def test_planted_invention_is_found(name: str) -> None:
    verdict = judged(**INVENTED[name](account()))
    assert len(verdict.invented) == 1, verdict.words()
    assert not verdict.passed


def test_page_that_the_hub_knows_nothing_of_is_invented() -> None:
    assert [found.what for found in judged(pages=()).invented] == ["page"]


def test_press_that_is_taken_late_is_told_with_its_lateness() -> None:
    rows = account().presses
    late = (REPLACE(rows[0], at=at(30)), rows[1])
    first = REPLACE(account().alerts[0], raised_at=at(30))
    verdict = judged(presses=late, alerts=(first, *account().alerts[1:]))
    assert [(found.what, found.note) for found in verdict.late] == [("sos", "by 30 s")]
    assert not verdict.passed
    assert "late: sos r00000" in "\n".join(verdict.words())


def test_press_whose_first_copies_were_in_pieces_is_late_only_after_the_first_whole_one() -> None:
    told = truth()
    told.sent[0].whole_at, told.sent[0].spoilt, told.sent[0].copies = at(26), 5, 6
    rows = account().presses
    came = (REPLACE(rows[0], at=at(30)), rows[1])
    first = REPLACE(account().alerts[0], raised_at=at(30))
    verdict = judged(told, presses=came, alerts=(first, *account().alerts[1:]))
    assert (verdict.late, verdict.passed) == ([], True)


def test_case_in_which_nobody_was_called_is_a_loss() -> None:
    told = truth()
    told.deeds = [deed for deed in told.deeds if deed.incident != 3]
    assert [(found.what, found.note) for found in judged(told).lost] == [("smoke", "case 3: nobody was called")]
    told.deeds.append(Deed(at=at(1250), operator="operator-1", incident=3, verb="take", status=409))
    assert len(judged(told).lost) == 1, "what the console refused was not done"
    told.received.append(
        Received(page=2, incident=3, person="guard", role="property", channel="mqtt", purpose="stand_down", at=at(1260))
    )
    assert len(judged(told).lost) == 1, "whoever need not come was not called"


@pytest.mark.parametrize("change", [{"severity": 4}, {"test": True}, {"state": "cancelled"}, {"kind": "device"}])
def test_nobody_has_to_be_called_where_nobody_has_to_come(change: dict[str, Any]) -> None:
    told = truth()
    told.deeds = [deed for deed in told.deeds if deed.incident != 4]
    cases = account().incidents
    assert judged(told, incidents=(*cases[:3], REPLACE(cases[3], **change))).lost == []


def test_tracker_is_missed_by_its_own_frames_also_when_it_awaits_no_answer() -> None:
    told = truth()
    told.counted[BUTTON] = Counted(family="watch3g", sent=3, saved=3, heard=4)
    told.counted[DETECTOR] = Counted(family="megastek", sent=9, saved=9, nonsense=6)
    assert [found.note for found in judged(told).lost] == ["4 acknowledged, 3 stored", "3 acknowledged, 2 stored"]


def test_case_that_has_not_ended_fails_and_says_where_it_stands() -> None:
    cases = account().incidents
    verdict = judged(incidents=(REPLACE(cases[0], state="held", closed_at=None), *cases[1:]))
    assert [found.note for found in verdict.unended] == ["case 1 is still held"]
    assert not verdict.passed


def test_press_that_never_left_the_device_is_not_lost() -> None:
    told = truth()
    told.sent.append(Sent(device=BUTTON, family="zigbee2mqtt", resident="r00001", kind="sos", happened=1, at=at(9_000)))
    verdict = judged(told)
    assert (verdict.passed, verdict.unsaid) == (True, 1)


def test_press_of_which_only_nonsense_went_out_is_not_lost() -> None:
    told = truth()
    told.sent.append(sent(WATCH, "r00000", "sos", 0, 9_000, spoilt=1))
    verdict = judged(told)
    assert (verdict.passed, verdict.spoilt) == (True, 1)


def test_press_the_hub_never_acknowledged_although_it_could_is_lost() -> None:
    told = truth()
    told.sent.append(sent(WATCH, "r00000", "sos", 0, 9_000, identity="sos:82"))
    told.sent[-1].saved_at = None
    assert [found.note for found in judged(told).lost] == ["could have been delivered, and was not taken"]


def test_wrist_taken_for_a_fall_is_a_false_alarm_and_no_invention() -> None:
    rows = account()
    more = alert(5, "fall", WATCH, 11, 50_000)
    mild = REPLACE(case(5, "fall", 11, 50_000), severity=3)
    verdict = judged(alerts=(*rows.alerts, more), incidents=(*rows.incidents, mild))
    assert verdict.passed
    falls = next(each for each in verdict.alarms if each.kind == "fall")
    assert (falls.alerts, falls.right, falls.false, falls.per_wearer_day) == (2, 1, 1, 2.0)


def test_fall_that_was_not_found_lowers_the_sensitivity_and_nothing_else() -> None:
    verdict = judged(alerts=without(account().alerts, 3), incidents=without(account().incidents, 3))
    falls = next(each for each in verdict.kinds if each.what == "falls")
    assert (falls.happened, falls.found, falls.sensitivity) == (1, 0, 0.0)
    assert verdict.passed


def test_fall_nobody_could_feel_is_counted_apart() -> None:
    told = truth()
    told.happened[3].wants = "unseen"
    falls = next(each for each in judged(told).kinds if each.what == "falls")
    assert (falls.happened, falls.unseen, falls.sensitivity) == (0, 1, None)


def test_silence_is_right_where_something_was_wrong_and_false_where_not() -> None:
    told = truth()
    told.troubles = [Trouble(what="the network is down", who="everybody", at=at(10_000), until=at(13_600))]
    rows = account()
    extra = (alert(5, "silence", WATCH, 11, 5_000), alert(6, "silence", WATCH, 11, 12_000))
    cases = (case(5, "silence", None, 5_000, WATCH), case(6, "silence", None, 12_000, WATCH))
    verdict = judged(told, alerts=(*rows.alerts, *extra), incidents=(*rows.incidents, *cases))
    silence = next(each for each in verdict.alarms if each.kind == "silence")
    assert (silence.alerts, silence.right, silence.false) == (2, 1, 1)


def test_times_are_those_of_people_and_count_who_was_never_answered() -> None:
    verdict = judged()
    assert verdict.to_human_s is not None
    assert verdict.to_door_s is not None
    assert (verdict.to_human_s.p50, verdict.to_door_s.p50, verdict.unanswered) == (15.0, 900.0, 3)
    answered = next(level for level in verdict.levels if level.within_s == 60)
    assert (answered.reached, answered.of) == (0.25, 4)


def test_answer_that_was_refused_is_none() -> None:
    told = truth()
    told.deeds = told.deeds[1:]
    told.received[0].taps = [Tap(at=at(31), verb="accept", refused="409")]
    assert judged(told).unanswered == 4


def lending() -> Truth:
    told = truth()
    told.happened.append(Happened(
        number=4, resident="r00000", what="lends the watch to somebody", kind="", at=at(20_000), until=at(27_200),
        wants="nothing",
    ))  # fmt: skip
    return told


def test_watch_on_another_wrist_is_told_with_what_went_out_under_her_name() -> None:
    rows = account()
    others = REPLACE(alert(5, "vitals", WATCH, 11, 21_000), rule="V2", severity=2)
    hers = alert(6, "vitals", WATCH, 11, 40_000)
    neighbour = alert(7, "vitals", BUTTON, 12, 21_000)
    verdict = judged(lending(), alerts=(*rows.alerts, others, hers, neighbour))
    (one,) = verdict.lent
    assert (one.who, one.at, one.shown) == ("r00000", at(20_000), ["vitals V2 10 09:50 severity 2"])
    page = report.page(lending(), verdict)
    assert "戴在别人手上" in page
    assert "vitals V2 10 09:50 severity 2" in page


def test_watch_on_another_wrist_is_told_also_when_nothing_went_out() -> None:
    (one,) = judged(lending()).lent
    assert one.shown == []
    assert "戴在别人手上" in report.page(lending(), judged(lending()))


def test_report_is_one_page_that_says_what_was_lost() -> None:
    verdict = judged(incidents=without(account().incidents, 0))
    told = truth()
    told.about = "一天 <b>"
    page = report.page(told, verdict)
    assert "acknowledged, and in no case" in page
    assert "一天 &lt;b&gt;" in page
    assert page.count("<svg") >= 2
    assert "http://" not in page
    assert "https://" not in page
    assert "<script" not in page


def test_report_says_when_people_sat_at_the_desk() -> None:
    verdict = judged()
    assert "演练 Drill" in report.page(truth(), verdict, drill=True)
    assert "演练 Drill" not in report.page(truth(), verdict)


def test_report_of_a_night_without_a_case_has_no_empty_tables() -> None:
    page = report.page(truth(), Verdict())
    assert "没有需要有人到场的警情" in page
    assert "没有告警 None" in page
    assert "<tbody></tbody>" not in page


@pytest.mark.parametrize(
    ("seconds", "words"), [(-0.3, "0 s"), (0.0, "0 s"), (-2.6, "−3 s"), (119.4, "119 s"), (240.0, "4 min")]
)
def test_a_moment_before_nothing_is_none(seconds: float, words: str) -> None:
    verdict = Verdict(to_human_s=spread([seconds]))
    page = report.page(truth(), verdict)
    assert f">{words}<" in page
    assert ">-" not in page


def test_verdict_is_told_on_a_terminal() -> None:
    assert judged(incidents=without(account().incidents, 0)).words()[1:] == [
        "lost 1, invented 0, late 0, not ended 0",
        f"lost: sos r00000 {WATCH} 10 04:00:00 acknowledged, and in no case",
    ]


@pytest.mark.parametrize(
    ("kind", "rule", "what", "why"),
    [
        ("vitals", "V5", "low saturation", "lives with low saturation"),
        ("device", "T1", "watch off", "watch lay, not worn"),
        ("stillness", "B1", "away", "away, nobody told the hub"),
    ],
)
def test_alert_that_tells_what_was_so_has_a_class_of_its_own_and_is_not_false(
    kind: str, rule: str, what: str, why: str
) -> None:
    told, kept = truth(), account()
    one = AlertKept(alert="x", incident=1, kind=kind, severity=4, raised_at=at(40_000), resident=12, rule=rule)
    kept = REPLACE(kept, alerts=(*kept.alerts, one))
    found = {each.kind: each for each in oracle.judge(told, kept).alarms}[kind]
    assert (found.false, found.explained) == (1, {})
    told.lasting = [Lasting(resident="r00001", what=what, since=at(30_000), until=at(41_000))]
    found = {each.kind: each for each in oracle.judge(told, kept).alarms}[kind]
    assert (found.right, found.false, found.explained) == (0, 0, {why: 1})
    told.lasting = [REPLACE(told.lasting[0], resident="r00000")]
    assert {each.kind: each for each in oracle.judge(told, kept).alarms}[kind].false == 1
