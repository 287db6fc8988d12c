"""Every rule says why, in both languages: of its evidence, in sentences, without brackets and without silence."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts.detectors import sos
from alerts.model import AlertKind, Role
from hub.catalogue import LANGUAGES, texts
from hub.supervision_jobs import RULE, RULE_BACK
from hub.web import reasons

ROOT = Path(__file__).resolve().parents[3]
NIGHT = datetime(2026, 11, 21, 18, 14, 7, tzinfo=UTC)
V1 = {"heart_rate_bpm": 112, "minutes": 10, "known_min": 10, "limit_bpm": 101, "usual_bpm": 74, "baseline_min": 800,
      "confidence": 0.9}  # fmt: skip
V8 = {
    "total": 6, "total_upper": 14, "components": {"rr": 3, "hr": 2, "temp": 1}, "confidence": 0.43, "spo2_scale": 2,
    "respiration_rpm": 26, "heart_rate_bpm": 118, "temperature_c": 38.4, "minutes": 11,
    "missing": ["o2", "acvpu", "sbp", "spo2"],
    "ages_min": {"respiration_rpm": 2, "heart_rate_bpm": 1, "temperature_c": 41},
}  # fmt: skip
B0 = {
    "signs": [{"sign": "late_up", "since": "09:10", "weight": 2}, {"sign": "no_water", "since": "09:40", "weight": 1}],
    "score": 4, "enough": 4, "last_at": "22:41", "last": "door", "usual_at": "06:20", "limit_at": "09:20",
    "days_known": 13, "confidence": 0.9,
}  # fmt: skip
# What each rule's finding holds, as its detector makes it.
EVIDENCE: dict[str, Mapping[str, Any]] = {
    "V1": V1,
    "V2": {"heart_rate_bpm": 140, "minutes": 5, "known_min": 6, "usual_bpm": 74, "baseline_min": 800,
           "confidence": 0.75},
    "V3": {"heart_rate_bpm": 36, "minutes": 10, "known_min": 12, "personal_p5_bpm": 48.0, "usual_bpm": 60,
           "confidence": 0.79},
    "V4": {"spo2_pct": 89, "minutes": 3, "known_min": 4, "confidence": 0.67},
    "V5": {"spo2_pct": 93, "minutes": 3, "known_min": 6, "confidence": 0.5},
    "V6": {"respiration_rpm": 27, "minutes": 10, "known_min": 11, "confidence": 0.85},
    "V7": {"temperature_c": 39.3, "minutes": 6, "limit_c": 39.1, "confidence": 1.0},
    "V8": V8,
    "V9": {"night_bpm": 71.2, "usual_bpm": 62.0, "spread_bpm": 2.4, "z": 3.8, "cusum": 4.4, "nights": 24,
           "confidence": 0.86},
    "B0": B0,
    "B1": {"still_min": 720, "last_at": "21:10", "last": "water", "agree": {"B5": "18:00", "B3": "19:10"},
           "moved_again_at": "09:30", "unseen_min": 40, "home_moved": True, "confidence": 0.9},
    "B2": {"usual_at": "06:20", "limit_at": "09:20", "days_known": 13, "confidence": 0.93},
    "B3": {"hours": 12, "since": "20:00", "below_l": 10, "agree": {"B1": "21:00"}, "confidence": 0.8},
    "B4": {"used_l": 2400, "limit_l": 2000, "flowing_h": 24, "confidence": 0.8},
    "B5": {"since": "18:00"},
    "B6": {"left_at": "02:10", "limit_min": 45, "usual_most_min": None, "confidence": 0.5},
    "B7": {"outside_since": "14:05", "away_m": 820, "fence_m": 500, "confidence": 0.9},
    "FALL": {"peak_g": 3.21, "delay_s": 1.62, "confidence": 0.9341},
    "E1": {"code": "alarm.fall", "stage": "confirmed", "native": "fall_confirmed", "channel": "1"},
    "T1": {"code": "alarm.removed"},
    "T2": {"battery_pct": 18.0},
    "T3": {"silent_s": 1000, "deadline_s": 900},
    "T3G": {"gateway": "z2m:h/bridge", "why": "silent", "devices": 9, "silent": 3, "named": "a, b … +1"},
    "T3G.back": {"gateway": "z2m:h/bridge"},
    "T4": {"implausible": 11, "readings": 20},
    "T5": {"code": "alarm.tamper"},
    "unreadable": {"topic": "carehub/w1/event", "error": "not JSON"},
}  # fmt: skip


def rules() -> set[str]:
    """Every rule that detectors and the hub can raise, as their sources name them."""
    found = {RULE, RULE_BACK, "FALL", "unreadable", *(rule for _, _, rule in sos.CODES.values())}
    for path in (ROOT / "alerts" / "detectors").glob("*.py"):
        found |= set(re.findall(r"""(?:rule=|name=|f)?["']([VBTE]\d)(?=[:"'])""", path.read_text(encoding="utf-8")))
    return found


def system_rules() -> set[str]:
    calls = re.compile(r"""(?:technical|system_alert)\(\s*["'](\w+)["']""")
    return {rule for path in (ROOT / "hub").rglob("*.py") for rule in calls.findall(path.read_text(encoding="utf-8"))}


def test_rules_are_found_at_all() -> None:
    assert {"V1", "V9", "B0", "B7", "E1", "T3", "T3G", "FALL"} <= rules()
    assert {"broker_dropped", "fall_model"} <= system_rules()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("rule", sorted(rules()))
def test_every_rule_has_a_sentence_of_its_evidence(rule: str, language: str) -> None:
    text = reasons.sentence(rule, EVIDENCE[rule], language)
    assert not re.search(r"[{}\[\]_]|None|True|&#", text)
    assert (re.search(r"[一-鿿]", text) is not None) == (language == "zh-CN")
    said = {value for value in EVIDENCE[rule].values() if isinstance(value, int) and not isinstance(value, bool)}
    hidden = {
        EVIDENCE[rule].get(name) for name in ("still_min", "unseen_min", "baseline_min", "silent_s", "deadline_s")
    }
    assert [
        value for value in said - hidden if value != EVIDENCE[rule].get("spo2_scale") and str(value) not in text
    ] == []
    without = reasons.sentence(rule, {}, language)
    assert without
    assert "{" not in without


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("rule", sorted(system_rules()))
def test_the_hubs_own_trouble_says_what_it_is(rule: str, language: str) -> None:
    assert f"rule.{rule}" in texts(language)
    assert "400" in reasons.sentence(rule, {"text": "400 messages"}, language)


def test_fast_heart_says_rule_values_baseline_and_confidence() -> None:
    assert reasons.sentence("V1", V1, "zh-CN") == (
        "静息心率 112，高于本人此时段的上限 101；此时段平时 74（13.3 小时静息数据）；"
        "10 分钟数据中 10 分钟过快；可信度 0.9"
    )
    assert reasons.sentence("V1", V1, "en") == (
        "Resting heart rate 112, above 101, this wearer's limit at this hour; usually 74 (13.3 h of rest known);"
        " too fast in 10 of 10 minutes with data; confidence 0.9"
    )


def test_low_saturation_and_a_late_morning_say_how_sure_they_are() -> None:
    assert reasons.sentence("V4", EVIDENCE["V4"], "zh-CN") == (
        "静止时血氧 89 %，不高于 91 %（按慢性高碳酸标准为 83 %）；4 次读数中 3 次过低；可信度 0.67"
    )
    assert reasons.sentence("V4", EVIDENCE["V4"], "en") == (
        "SpO₂ at rest 89 %, 91 % or less (83 % on scale 2); too low in 3 of 4 readings; confidence 0.67"
    )
    assert reasons.sentence("B2", EVIDENCE["B2"], "zh-CN") == (
        "今天到 09:20 仍无起床活动，平时 06:20 起床；已知 13 天；可信度 0.93"
    )
    assert reasons.sentence("B2", EVIDENCE["B2"], "en") == (
        "No movement by 09:20 today, usually up at 06:20; 13 days known; confidence 0.93"
    )


def test_score_says_what_it_is_made_of_and_what_is_not_known() -> None:
    text = reasons.sentence("V8", V8, "zh-CN")
    assert "至少 6，未知各项都按最坏算为 14；呼吸 26（3 分）、脉搏 118（2 分）、体温 38.4（1 分）" in text
    assert "未知：吸氧、意识、收缩压、血氧；最旧的一项是 41 分钟前测的" in text
    assert "慢性高碳酸" in text


def test_clause_whose_fact_is_unknown_is_left_out() -> None:
    text = reasons.sentence("B6", EVIDENCE["B6"], "en")
    assert text == "Left the bed at 02:10 and is not back, longer than 45 minutes; confidence 0.5"


def test_watch_on_the_table_is_told_with_how_long() -> None:
    assert reasons.sentence("T1", {"unworn_min": 720}, "zh-CN") == "有信号但已 12 小时没有戴在身上"
    assert reasons.sentence("T1", {}, "en") == "Device not worn"


def test_fact_that_nobody_knows_is_told_under_a_plain_name() -> None:
    text = reasons.sentence("V1", V1 | {"new_thing": {"a_b": [1, 2.5]}, "posture": "lying", "odd": True}, "en")
    assert text.endswith("new thing a b 1, 2.5; posture lying; odd yes")


def test_rule_that_nobody_knows_is_told_by_name_and_figures() -> None:
    assert reasons.sentence("V77", {"heart_rate_bpm": 7}, "en") == "V77, heart rate 7"
    assert reasons.sentence(None, {}, "zh-CN") == "没有说明原因"


def test_facts_of_any_size_and_kind_never_break_a_page() -> None:
    odd: dict[str, Any] = {
        "still_min": "x", "ages_min": {}, "signs": ["late_up", 3], "agree": [], "components": 4, "missing": "a",
        "why": 7, "code": 1, "silent_s": -1, "x" * 400: "y" * 5000,
    }  # fmt: skip
    for rule in [*EVIDENCE, "?"]:
        for language in LANGUAGES:
            assert 0 < len(reasons.sentence(rule, odd, language)) < 2000


DEEP: dict[str, Any] = {}
for _ in range(3000):
    DEEP = {"in": DEEP}


@pytest.mark.parametrize(
    "odd",
    [
        {"components": {"hr": "x", "rr": None}}, {"components": {"hr": {}, "rr": 1}}, {"ages_min": {"a": "x", "b": 3}},
        {"still_min": 10**400}, {"devices": "two", "gateway": "g"}, {"new": DEEP}, {"signs": [DEEP]}, {"code": DEEP},
        {f"fact {k}": k for k in range(5000)},
    ],
    ids=["components", "nested", "ages", "huge", "words for numbers", "deep", "deep sign", "deep code", "many"],
)  # fmt: skip
def test_evidence_nobody_can_read_leaves_the_rule_and_the_page(odd: dict[str, Any]) -> None:
    for rule in [*EVIDENCE, None]:
        for language in LANGUAGES:
            assert 0 < len(reasons.sentence(rule, odd, language)) < 2000
            assert len(reasons.short(AlertKind.VITALS, rule, odd, Role.FAMILY, language)) < 2000


@pytest.mark.parametrize("role", list(Role))
def test_vital_signs_are_said_only_to_whom_they_help(role: Role) -> None:
    said = reasons.short(AlertKind.VITALS, "V1", V1, role, "zh-CN")
    helps = {Role.OPERATOR, Role.VILLAGE_DOCTOR, Role.COUNTY_CENTRE, Role.AMBULANCE, Role.FAMILY}
    assert said == ("静息心率 112" if role in helps else "")
    scored = reasons.short(AlertKind.VITALS, "V8", V8, role, "en")
    assert scored == ("respiration 26, pulse 118, temperature 38.4" if role in helps else "")


def test_guard_hears_where_she_was_and_how_long_she_lies_and_no_habit_of_hers() -> None:
    assert reasons.short(AlertKind.WANDERING, "B7", EVIDENCE["B7"], Role.PROPERTY, "zh-CN") == "离家 820 米"
    assert reasons.short(AlertKind.STILLNESS, "B1", EVIDENCE["B1"], Role.THIRD_PARTY, "zh-CN") == "已有 12 小时没有活动"
    assert reasons.short(AlertKind.STILLNESS, "B0", B0, Role.PROPERTY, "zh-CN") == ""
    assert reasons.short(AlertKind.FALL, "FALL", EVIDENCE["FALL"], Role.FAMILY, "zh-CN") == ""


def alert(rule: str, seconds: float, device: str = "CW-1", kind: str = "fall", **evidence: Any) -> dict[str, Any]:
    at = NIGHT + timedelta(seconds=seconds)
    return {"alert_id": f"{rule}{seconds}", "kind": kind, "severity": 2, "rule": rule, "raised_at": at,
            "evidence": evidence, "model": device, "room": "", "address": f"carehub:{device}"}  # fmt: skip


def test_fall_is_told_by_who_saw_it_when_and_who_took_it_back() -> None:
    told = [
        alert("E1", 9, "R-1", code="alarm.fall", stage="confirmed"),
        alert("FALL", 3, peak_g=3.2, confidence=0.93),
        alert("E1", 0, "R-1", code="alarm.fall", stage="suspected"),
    ]
    cancel = {"seq": 4, "at": NIGHT + timedelta(seconds=14), "what": "cancel_late", "actor": "device:1", "name": None,
              "body": {"after_s": 14}, "model": "CW-1", "room": "", "address": "carehub:CW-1"}  # fmt: skip
    (fall,) = reasons.why(told, [cancel], "zh-CN").falls
    assert (fall.number, fall.began_at) == (0, NIGHT)
    assert [(w.device, [text for _, text, _ in w.lines]) for w in fall.witnesses] == [
        ("R-1", ["设备怀疑跌倒，正在询问本人", "设备确认跌倒"]),
        ("CW-1", ["本系统从手腕动作判断像跌倒，撞击 3.2 g；可信度 0.93",
                  "取消来晚了：已在叫人，请向本人核实（报警后 14 秒）"]),
    ]  # fmt: skip


def test_second_fall_of_a_case_stands_by_itself_and_first() -> None:
    told = [alert("FALL", 0, peak_g=2.5), alert("FALL", 7200, peak_g=3.5)]
    found = reasons.why(told, [], "en").falls
    assert [(fall.number, fall.began_at - NIGHT) for fall in found] == [(2, timedelta(hours=2)), (1, timedelta(0))]


def test_presses_of_one_button_are_one_line_that_counts_them() -> None:
    told = [alert("E1", s, "B-1", "sos", code="button.press") for s in (0, 30, 61)]
    (reason,) = reasons.why(told, [], "en").reasons
    assert (reason.text, reason.times, reason.at) == ("The call button was pressed", 3, NIGHT + timedelta(seconds=61))
