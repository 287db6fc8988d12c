"""Why an alert was raised, rule by rule: clauses that name the evidence. One is said only when all it names is known.

A clause names facts as `{limit_bpm}`: what the rule found, or what `hub.web.reasons` makes of it (`{still}` of
`still_min`). The first clause of a rule is what happened, and short enough for a telephone; the rest is how we know.
"""

Pair = tuple[str, str]

CLAUSES: dict[str, tuple[Pair, ...]] = {
    "V1": (
        ("静息心率 {heart_rate_bpm}", "resting heart rate {heart_rate_bpm}"),
        ("高于本人此时段的上限 {limit_bpm}", "above {limit_bpm}, this wearer's limit at this hour"),
        ("此时段平时 {usual_bpm}（{baseline}静息数据）", "usually {usual_bpm} ({baseline} of rest known)"),
        ("{known_min} 分钟数据中 {minutes} 分钟过快", "too fast in {minutes} of {known_min} minutes with data"),
        ("同时呼吸 {respiration_rpm} 次/分", "respiration {respiration_rpm} a minute"),
    ),
    "V2": (
        ("静息心率 {heart_rate_bpm}", "resting heart rate {heart_rate_bpm}"),
        ("不低于 131", "131 or more"),
        ("此时段平时 {usual_bpm}", "usually {usual_bpm} at this hour"),
        ("{known_min} 分钟数据中 {minutes} 分钟过快", "too fast in {minutes} of {known_min} minutes with data"),
    ),
    "V3": (
        ("静息心率 {heart_rate_bpm}", "resting heart rate {heart_rate_bpm}"),
        ("不高于 40", "40 or less"),
        ("本人最慢的 5 % 是 {personal_p5_bpm}", "this wearer's slowest 5 % is {personal_p5_bpm}"),
        ("此时段平时 {usual_bpm}", "usually {usual_bpm} at this hour"),
        ("{known_min} 分钟数据中 {minutes} 分钟过慢", "too slow in {minutes} of {known_min} minutes with data"),
    ),
    "V4": (
        ("静止时血氧 {spo2_pct} %", "SpO₂ at rest {spo2_pct} %"),
        ("不高于 91 %（按慢性高碳酸标准为 83 %）", "91 % or less (83 % on scale 2)"),
        ("{known_min} 次读数中 {minutes} 次过低", "too low in {minutes} of {known_min} readings"),
    ),
    "V5": (
        ("静止时血氧 {spo2_pct} %", "SpO₂ at rest {spo2_pct} %"),
        ("半小时以上不高于 93 %（按慢性高碳酸标准为 85 %）", "93 % or less for half an hour (85 % on scale 2)"),
        ("{known_min} 次读数中 {minutes} 次偏低", "low in {minutes} of {known_min} readings"),
    ),
    "V6": (
        ("呼吸 {respiration_rpm} 次/分", "respiration {respiration_rpm} a minute"),
        ("超出 9–24", "outside 9 to 24"),
        ("{known_min} 分钟数据中 {minutes} 分钟如此", "in {minutes} of {known_min} minutes with data"),
    ),
    "V7": (
        ("体温 {temperature_c} ℃", "temperature {temperature_c} °C"),
        ("超过界限 {limit_c} ℃", "beyond the limit of {limit_c} °C"),
        ("持续 {minutes} 分钟，至少两次读数", "for {minutes} minutes, at least two readings"),
    ),
    "V8": (
        ("早期预警评分至少 {total}", "early-warning score of at least {total}"),
        ("未知各项都按最坏算为 {total_upper}", "{total_upper} if all that is unknown were at its worst"),
        ("{parts}", "{parts}"),
        ("未知：{unknown}", "unknown: {unknown}"),
        ("最旧的一项是 {oldest} 分钟前测的", "the oldest value is {oldest} minutes old"),
        ("{scale2}", "{scale2}"),
        ("持续 {minutes} 分钟", "for {minutes} minutes"),
    ),
    "V9": (
        ("昨夜静息心率平均 {night_bpm}", "mean resting heart rate last night {night_bpm}"),
        ("平时夜间 {usual_bpm} ± {spread_bpm}", "usually {usual_bpm} ± {spread_bpm} at night"),
        ("偏离 {z} 个标准差", "{z} spreads above"),
        ("多夜累计 {cusum}（界限 4）", "sum over the nights {cusum} (limit 4)"),
        ("已知 {nights} 夜", "{nights} nights known"),
    ),
    "B0": (
        ("几项生活迹象同时异常：{weak}", "several signs of daily life are missing together: {weak}"),
        ("合计 {score} 分，满 {enough} 分即电话问候", "{score} points; {enough} are enough for a welfare call"),
        ("最后的动静 {last_at}（{last_sign}）", "last sign of life {last_at} ({last_sign})"),
        ("平时 {usual_at} 起床，今天的界限 {limit_at}", "usually up at {usual_at}, today's limit {limit_at}"),
        ("已知 {days_known} 天", "{days_known} days known"),
    ),
    "B1": (
        ("已有 {still}没有活动", "no movement for {still}"),
        ("最后的动静 {last_at}（{last_sign}）", "last sign of life {last_at} ({last_sign})"),
        ("其间 {unseen}没有数据", "of it {unseen} without data"),
        ("同时：{agreeing}", "at the same time: {agreeing}"),
        ("{at_home}", "{at_home}"),
        ("{moved_again_at} 又有动静", "something moved again at {moved_again_at}"),
    ),
    "B2": (
        ("今天到 {limit_at} 仍无起床活动", "no movement by {limit_at} today"),
        ("平时 {usual_at} 起床", "usually up at {usual_at}"),
        ("已知 {days_known} 天", "{days_known} days known"),
    ),
    "B3": (
        ("{hours} 小时用水不到 {below_l} 升", "less than {below_l} L of water in {hours} h"),
        ("自 {since}", "since {since}"),
        ("同时：{agreeing}", "at the same time: {agreeing}"),
        ("{moved_again_at} 又有动静", "something moved again at {moved_again_at}"),
    ),
    "B4": (
        ("用水 {used_l} 升", "{used_l} L of water used"),
        ("一天的界限 {limit_l} 升", "the limit of a day is {limit_l} L"),
        ("连续 {flowing_h} 小时每半小时都有用水", "water in every half-hour for {flowing_h} h"),
    ),
    "B5": (
        ("一天没有开门", "no door was opened for a day"),
        ("自 {since}", "since {since}"),
    ),
    "B6": (
        ("{left_at} 离床后没有回来", "left the bed at {left_at} and is not back"),
        ("已超过 {limit_min} 分钟", "longer than {limit_min} minutes"),
        ("平时最长 {usual_most_min} 分钟", "usually {usual_most_min} minutes at most"),
    ),
    "B7": (
        ("离家 {away_m} 米", "{away_m} m from home"),
        ("超出 {fence_m} 米的安全范围", "outside the safe area of {fence_m} m"),
        ("自 {outside_since}", "since {outside_since}"),
    ),
    "FALL": (
        ("本系统从手腕动作判断像跌倒", "this system found a fall in the motion of the wrist"),
        ("撞击 {peak_g} g", "impact {peak_g} g"),
        ("撞击后 {delay_s} 秒判断", "judged {delay_s} s after it"),
    ),
    "E1": (
        ("{stated}", "{stated}"),
        ("部位 {channel}", "part {channel}"),
        ("由 {from} 发出", "sent by {from}"),
    ),
    "T1": (
        ("{stated}", "{stated}"),
        ("有信号但已 {unworn}没有戴在身上", "heard, and not worn for {unworn}"),
    ),
    "T2": (
        ("电量 {battery_pct} %", "battery {battery_pct} %"),
        ("{stated}", "{stated}"),
    ),
    "T3": (
        ("已 {quiet}没有上报", "nothing heard for {quiet}"),
        ("时限 {deadline}", "the deadline is {deadline}"),
    ),
    "T4": (
        (
            "最近 {readings} 次读数中 {implausible} 次不可能",
            "{implausible} of the last {readings} readings are impossible",
        ),
    ),
    "T3G": (
        ("网关 {gateway} 失联", "gateway {gateway} is lost"),
        ("{how_known}", "{how_known}"),
        ("后面有 {devices} 台设备", "{devices} {devices:device|devices} behind it"),
        ("{silent} 台已超时：{named}", "{silent} past their deadline: {named}"),
    ),
    "T3G.back": (("网关 {gateway} 已恢复", "gateway {gateway} is back"),),
    "T5": (("{stated}", "{stated}"),),
    "unreadable": (
        ("收到一条读不懂的报警类消息", "a message that may be an alarm could not be read"),
        ("主题 {topic}", "topic {topic}"),
        ("{error}", "{error}"),
    ),
}

CONFIDENCE: Pair = ("可信度 {confidence}", "confidence {confidence}")

# What a device states, by its code; a fall by how sure it is.
STATED: dict[str, Pair] = {
    "alarm.sos": ("按了呼救键", "the SOS key was pressed"),
    "alarm.general": ("设备报警，没有说原因", "the device raised an alarm and gave no reason"),
    "button.press": ("按了呼叫按钮", "the call button was pressed"),
    "button.pressed": ("按了呼叫按钮", "the call button was pressed"),
    "rf.code": ("按了呼叫按钮", "the call button was pressed"),
    "alarm.smoke": ("烟雾探测器报警", "the smoke detector sounds"),
    "alarm.fire": ("火灾报警", "fire alarm"),
    "alarm.gas": ("燃气探测器报警", "the gas detector sounds"),
    "alarm.carbon_monoxide": ("一氧化碳报警", "the carbon monoxide detector sounds"),
    "alarm.water_leak": ("水浸探测器报警", "the leak detector is wet"),
    "alarm.fall": ("设备报跌倒", "the device says she fell"),
    "alarm.fall.suspected": ("设备怀疑跌倒，正在询问本人", "the device suspects a fall and asks the wearer"),
    "alarm.fall.confirmed": ("设备确认跌倒", "the device is sure of a fall"),
    "alarm.fall.calling": ("设备确认跌倒，并已自行呼叫", "the device is sure of a fall and calls by itself"),
    "alarm.man_down": ("设备报人员倒地", "the device says somebody is down"),
    "alarm.wandering": ("设备报走失", "the device says she has strayed"),
    "alarm.inactivity": ("设备报长时间未活动", "the device has seen no movement for its own time"),
    "alarm.burglar": ("门窗被强行打开", "a door or window was forced"),
    "alarm.tamper": ("设备被拆动", "the device was tampered with"),
    "alarm.tampering": ("设备被拆动", "the device was tampered with"),
    "alarm.removed": ("设备被取下", "the device was taken off"),
    "battery.low": ("设备自报电量低", "the device says its battery is low"),
}

# The hub's own troubles say what is wrong in a text of theirs.
SYSTEM: dict[str, Pair] = {
    "broker_dropped": ("消息代理丢弃了消息", "the broker dropped messages"),
    "bridge_refused": ("消息代理拒绝订阅", "the broker refuses a subscription"),
    "bridge_disconnected": ("与消息代理断开", "no session with the broker"),
    "listener_full": ("接入连接已满", "the listener is full"),
    "fall_model": ("跌倒模型读不出来", "the fall model cannot be read"),
    "homes_over_limit": ("有传感器的住家超过上限", "more homes with sensors than can be followed"),
    "detector_failed": ("一个检测器出错", "a detector failed"),
}

SIGNS: dict[str, Pair] = {
    "late_up": ("比平时晚还没起床", "not up at the usual time"),
    "out_of_bed": ("夜里离床未归", "left the bed at night"),
    "no_water": ("今天没有用水", "no water drawn today"),
    "door_unopened": ("一天没有开门", "no door opened for a day"),
    "B1": ("没有活动", "no movement"),
    "B3": ("没有用水", "no water used"),
    "B5": ("没有开门", "no door opened"),
    "door": ("门", "the door"),
    "water": ("用水", "water"),
    "motion": ("走动", "movement"),
    "unknown": ("不详", "not known"),
    "said": ("网关自报离线", "it says so itself"),
    "silent": ("后面的设备一起没了声音", "its devices fell silent together"),
}  # fmt: skip

AT_HOME: Pair = ("家中传感器另见有人活动", "sensors in the home saw somebody move")
SCALE_2: Pair = ("血氧按慢性高碳酸标准计分", "SpO₂ on scale 2")
SINCE: Pair = ("{what}（自 {at}）", "{what} (since {at})")
PARTS: dict[str, Pair] = {
    "rr": ("呼吸", "respiration"),
    "spo2": ("血氧", "SpO₂"),
    "o2": ("吸氧", "oxygen"),
    "sbp": ("收缩压", "systolic pressure"),
    "hr": ("脉搏", "pulse"),
    "acvpu": ("意识", "consciousness"),
    "temp": ("体温", "temperature"),
}
POINTS: Pair = ("{part} {value}（{points} 分）", "{part} {value} ({points})")
POINTS_ONLY: Pair = ("{part}（{points} 分）", "{part} ({points})")
YES_NO: tuple[Pair, Pair] = (("否", "no"), ("是", "yes"))

# Names for facts that no clause of the rule has a place for.
LABELS: dict[str, Pair] = {
    "heart_rate_bpm": ("心率", "heart rate"), "spo2_pct": ("血氧", "SpO₂"), "respiration_rpm": ("呼吸", "respiration"),
    "temperature_c": ("体温", "temperature"), "systolic_mmhg": ("收缩压", "systolic pressure"),
    "battery_pct": ("电量", "battery"), "usual_bpm": ("平时心率", "usual heart rate"), "limit_bpm": ("上限", "limit"),
    "minutes": ("分钟数", "minutes"), "known_min": ("有数据的分钟", "minutes with data"),
    "confidence": ("可信度", "confidence"), "code": ("代码", "code"), "stage": ("阶段", "stage"),
    "text": ("说明", "note"), "error": ("错误", "error"), "topic": ("主题", "topic"), "since": ("自", "since"),
    "usual_at": ("平时", "usually at"), "limit_at": ("界限", "limit"), "days_known": ("已知天数", "days known"),
    "distance_m": ("距离（米）", "distance (m)"), "still_min": ("未活动（分钟）", "still (min)"),
    "water_m3": ("用水（立方米）", "water (m³)"), "out_min": ("离床（分钟）", "out of bed (min)"),
    "home_moved": ("家中有活动", "movement in the home"), "posture": ("姿势", "posture"),
}  # fmt: skip

WORDS: dict[str, Pair] = {
    "why": ("为什么报警", "Why this alarm"),
    "why_fall": ("跌倒", "Fall"),
    "why_fall_n": ("第 {n} 次跌倒", "Fall {n}"),
    "why_times": ("{n} 次", "{n}×"),
    "why_then": ("；", "; "),
    "why_not_said": ("没有说明原因", "no reason was given"),
    "why_no_device": ("本系统", "this system"),
    "why_cancel_after": ("{what}（报警后 {n} 秒）", "{what} ({n} s after the alarm)"),
    "why_cancelled": ("按了取消，没有叫人", "Cancelled, nobody was called"),
    "why_cancel_noted": ("收回了自己的报告，另一来源仍在", "Took its report back; another source stands"),
    "why_cancel_late": ("取消来晚了：已在叫人，请向本人核实", "Cancelled too late: people are being called, ask her"),
    "falls_30": (
        "近 {days} 天另有 {n} 次跌倒报警：取消 {cancelled} 次，并未跌倒 {false} 次，属实 {real} 次——仍按真跌倒处理",
        "{n} more fall {n:alarm|alarms} in {days} days: {cancelled} cancelled, {false} no fall, {real} real;"
        " treat as real",
    ),
    "rule.B5": ("一天没有开门", "no door opened for a day"),
    **{f"rule.{name}": pair for name, pair in SYSTEM.items()},
}
