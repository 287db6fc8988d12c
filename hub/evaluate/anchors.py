"""What others publish, and what was measured before on the same recordings: each with its protocol in words."""

from dataclasses import asdict, dataclass
from typing import Any

Words = tuple[str, str]  # English, Chinese


@dataclass(frozen=True, kw_only=True, slots=True)
class Anchor:
    """One figure to stand beside ours."""

    subject: str  # falls, vitals
    source: Words
    figure: Words
    protocol: Words
    comparable: Words


ANCHORS = (
    Anchor(
        subject="falls",
        source=("gradient boosting on window features", "窗口特征上的梯度提升模型"),
        figure=("sensitivity 0.93 at specificity 0.96", "灵敏度 0.93，特异度 0.96"),
        protocol=(
            "the same recordings, people it had not seen, scored per recording",
            "同样的录音，未见过的人，按每段记录计分",
        ),
        comparable=("yes, with “people left out”", "可与“留出人员”直接比较"),
    ),
    Anchor(
        subject="falls",
        source=("the same, on a make of watch it had not learnt from", "同上，用未学过的手表"),
        figure=("sensitivity 0.86 at specificity 0.97", "灵敏度 0.86，特异度 0.97"),
        protocol=("another device, scored per recording", "另一种设备，按每段记录计分"),
        comparable=("yes, with “data set left out”", "可与“留出数据集”直接比较"),
    ),
    Anchor(
        subject="falls",
        source=("Fula & Moreno 2024", "Fula & Moreno 2024"),
        figure=("recall 90.57 % at specificity 96.91 %", "召回率 90.57 %，特异度 96.91 %"),
        protocol=("wrist, scored per window of 2 s", "手腕，按 2 秒窗口计分"),
        comparable=(
            "no: a recording holds many windows, so a specificity per window flatters; and a fall has more than one chance",
            "不可直接比较：一段记录含许多窗口，按窗口的特异度偏高，一次跌倒也有多次机会",
        ),
    ),
    Anchor(
        subject="falls",
        source=("a watch app with real wearers", "真实佩戴者使用的手表应用"),
        figure=("sensitivity 77 %, specificity 99 %", "灵敏度 77 %，特异度 99 %"),
        protocol=("worn in daily life", "日常佩戴"),
        comparable=("no: real wearers, while these falls were acted", "不可直接比较：真实佩戴，而此处跌倒为表演"),
    ),
    Anchor(
        subject="falls",
        source=("AIDE-MOI", "AIDE-MOI"),
        figure=("80.0 % of falls, 0.17 false alarms a week", "发现 80.0 % 的跌倒，每周 0.17 次误报"),
        protocol=("real life, with real falls", "真实生活，真实跌倒"),
        comparable=(
            "no: nothing here can give a rate a week; it is what to expect once worn in earnest",
            "不可直接比较：此处数据无法给出每周误报率；可作为真实使用的参照",
        ),
    ),
    Anchor(
        subject="vitals",
        source=("rule V1 as written: 14-day median + max(25, 4 MAD), 10 min", "规则 V1 原文：14 天中位数 + max(25, 4 MAD)，10 分钟"),
        figure=("0.081 alerts a wearer-day; 88 % of +40 found, median 58 min", "每佩戴日 0.081 次；发现 88 % 的 +40，中位 58 分钟"),
        protocol=("the same wearers and added rises", "同样的佩戴者与叠加的升高"),
        comparable=("yes", "可直接比较"),
    ),
    Anchor(
        subject="vitals",
        source=("NEWS2 red (a single 3) for 10 min", "NEWS2 红色（单项 3 分）持续 10 分钟"),
        figure=("0.037 alerts a wearer-day; 5 % of +40 found", "每佩戴日 0.037 次；发现 5 % 的 +40"),
        protocol=("the same wearers and added rises", "同样的佩戴者与叠加的升高"),
        comparable=("yes", "可直接比较"),
    ),
    Anchor(
        subject="vitals",
        source=("published ward systems", "已发表的病房系统"),
        figure=("0.49 to about 10 alerts a patient-day", "每病人日 0.49 至约 10 次"),
        protocol=("patients in hospital, all vital signs, real deterioration", "住院病人，全部体征，真实恶化"),
        comparable=(
            "no: sick people and more signals; these wearers were mostly well and have a heart rate alone",
            "不可直接比较：病人且信号更多；此处佩戴者多为健康人，只有心率",
        ),
    ),
)  # fmt: skip


def told(subject: str) -> list[dict[str, Any]]:
    """Return the figures that stand beside one subject."""
    return [asdict(anchor) for anchor in ANCHORS if anchor.subject == subject]
