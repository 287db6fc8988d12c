"""Words of the duty lists."""

WORDS: dict[str, tuple[str, str]] = {
    "roster_fault.no_column": ("缺少列“{what}”", "column “{what}” is missing"),
    "roster_fault.odd_column": ("不认识或重复的列“{what}”", "column “{what}” is unknown or there twice"),
    "roster_fault.columns": ("列数与表头不符", "not as many columns as the first line"),
    "roster_fault.not_csv": ("不是 CSV：{what}", "this is no CSV: {what}"),
    "roster_fault.not_ics": ("不是日历文件：{what}", "this is no calendar: {what}"),
    "roster_fault.no_roster": ("没有写班表", "names no duty list"),
    "roster_fault.unknown_roster": ("没有班表“{what}”，请先建立", "there is no duty list “{what}”; make it first"),
    "roster_fault.unknown_person": ("找不到“{what}”", "nobody is called “{what}”"),
    "roster_fault.ambiguous_person": (
        "“{what}”不止一人，请写编号",
        "“{what}” is more than one person; write the number",
    ),
    "roster_fault.bad_time": (
        "看不懂时间“{what}”，请写 2026-11-22 08:00",
        "“{what}” is no time; write 2026-11-22 08:00",
    ),
    "roster_fault.bad_length": ("结束须晚于开始，且不超过 31 天", "ends before it begins, or is longer than 31 days"),
    "roster_fault.twice": ("与第 {what} 行相同", "the same as line {what}"),
    "roster_fault.too_long": ("超过 {what} 行", "more than {what} lines"),
    "roster_fault.too_often": ("重复太频繁：{what}", "repeats too often: {what}"),
}
