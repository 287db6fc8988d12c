"""The report as files: report.json with every figure, report.html with the plots, which loads nothing from anywhere."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from hub.evaluate import pictures
from hub.evaluate.measure import Measured
from hub.evaluate.pictures import Row
from hub.evaluate.summary import summary

WAYS = {
    "in_sample": ("the shipped model, people it learnt from", "出厂模型，训练过的人"),
    "people": ("people left out", "留出人员"),
    "datasets": ("data set left out: another watch", "留出数据集：另一种手表"),
}
LOOKS = {"in_sample": "mild", "people": "ours", "datasets": "strong"}


def write(measured: Measured, folder: Path) -> tuple[Path, Path]:
    """Write both files and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    figures = measured.figures | {"summary": summary(measured.figures)}
    as_json, as_html = folder / "report.json", folder / "report.html"
    as_json.write_text(json.dumps(figures, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
    as_html.write_text(page(figures, measured), encoding="utf-8")
    return as_html, as_json


def page(figures: Mapping[str, Any], measured: Measured) -> str:
    """Return the report as one HTML page."""
    environment = Environment(
        loader=PackageLoader("hub.evaluate", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {"number": number, "interval": interval}
    ways = {**figures["falls"]["held_out"], "in_sample": figures["falls"]["in_sample"]}
    false, missed = pictures.vital_examples(measured.trial, measured.found, measured.limits)
    shown = measured.unseen or measured.outcomes
    return environment.get_template("report.html").render(
        r=figures,
        ways=ways,
        names={way: WAYS.get(way, (way, way)) for way in ways},
        plots=_plots(figures, ways),
        errors={way: _errors(told) for way, told in ways.items() if way != "in_sample" or len(ways) == 1},
        ours=_ours(figures),
        fall_missed=pictures.fall_examples(shown, missed=True),
        fall_false=pictures.fall_examples(shown, missed=False),
        fall_unseen=bool(measured.unseen),
        vital_false=false,
        vital_missed=missed,
    )


def _plots(figures: Mapping[str, Any], ways: Mapping[str, Any]) -> dict[str, Markup]:
    vitals = figures["vitals"]
    delays = (ways.get("people") or ways["in_sample"])["delays_s"]
    return {
        "sensitivity": pictures.shares(
            ("sensitivity", "灵敏度"), _rows(ways, "sensitivity"), [(0.97, "aim", ("aim 0.97", "目标 0.97"))]
        ),
        "specificity": pictures.shares(
            ("specificity", "特异度"), _rows(ways, "specificity"), [(0.99, "aim", ("aim 0.99", "目标 0.99"))]
        ),
        "delays": pictures.spread(
            ("delay of the alarm", "报警延迟"), delays, (0, 5), 50, ("seconds after the impact", "撞击后秒数")
        ),
        "alerts": pictures.shares(
            ("alerts a wearer-day", "每佩戴日报警"), _alert_rows(vitals),
            [(0.05, "aim", ("aim 0.05", "目标 0.05")), (0.081, "mark", ("V1 as written 0.081", "V1 原文 0.081"))],
            top=0.16,
        ),
        "reached": pictures.reached(("rises found", "已发现的升高"), vitals["rises"]),
    }  # fmt: skip


def _ours(figures: Mapping[str, Any]) -> dict[str, str]:
    """Return our own figures in the words of those that they stand beside."""
    out = {}
    for way, tables in figures["falls"]["held_out"].items():
        judged = (
            [s for s in tables["by_dataset"].values() if s["sensitivity"]["of"]]
            if way == "datasets"
            else [tables["all"]]
        )
        out[way] = "; ".join(
            f"{number(s['sensitivity']['share'])} at {number(s['specificity']['share'])}" for s in judged
        )
    rise = figures["vitals"]["rises"]["40"]
    if rise["windows"]:
        rate, late = figures["vitals"]["alerts"]["per_wearer_day"], number(rise["delay_median_min"], 1)
        out["heart"] = f"{number(rate)}; {100 * rise['sensitivity']:.0f} %, {late} min"
    return out


def _rows(ways: Mapping[str, Any], what: str) -> list[Row]:
    rows = []
    for way, tables in ways.items():
        for dataset, summed in tables["by_dataset"].items():
            if summed[what]["of"]:
                name = f"{dataset}"
                word = {"in_sample": ("in sample", "样本内"), "people": ("people", "留出人员")}.get(
                    way, ("data set", "留出数据集")
                )
                rows.append(
                    Row(name=(f"{name}, {word[0]}", f"{name}，{word[1]}"), share=summed[what]["share"],
                        between=summed[what]["ci95"], look=LOOKS.get(way, "ours"))
                )  # fmt: skip
    return rows


def _errors(told: Mapping[str, Any]) -> Markup:
    wrong = sorted((a for a in told["activities"] if a["wrong"]), key=lambda a: (not a["fall"], -a["wrong"]))
    return pictures.errors(wrong, ("errors by activity", "按活动统计的错误"))


def _alert_rows(vitals: Mapping[str, Any]) -> list[Row]:
    alerts = vitals["alerts"]
    rows = [
        Row(
            name=("all wearers", "全部佩戴者"),
            share=alerts["per_wearer_day"],
            between=alerts["ci95_wearers"],
            look="strong",
        )
    ]
    rows += [
        Row(name=(rule, rule), share=rate["per_wearer_day"], between=rate["ci95_wearers"], look="ours")
        for rule, rate in alerts["by_rule"].items()
    ]
    wearers = sorted(alerts["by_wearer"].items(), key=lambda item: -item[1]["per_day"])
    rows += [Row(name=(name, name), share=told["per_day"], between=None, look="mild") for name, told in wearers]
    return [row for row in rows if row.share is not None]


def number(value: float | None, digits: int = 3) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def interval(between: Sequence[float] | None, digits: int = 3) -> str:
    return "" if between is None else f"{between[0]:.{digits}f}–{between[1]:.{digits}f}"
