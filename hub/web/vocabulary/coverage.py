"""Words of the coverage pages."""

WORDS: dict[str, tuple[str, str]] = {
    "hole.nobody": ("无人可到", "nobody could come"),
    "hole.unproved": ("当班未签到", "on duty, not checked in"),
    "hole.unreachable": ("联系不上", "no way to reach"),
    "hole.last_resort": ("只有县级中心", "only the county centre"),
    "hole.only_family_far": ("只有远处的家属", "only family, far away"),
    "hole.far": ("超出服务半径", "too far away"),
    "hole.calendar": ("节假日未公布", "holidays not announced"),
    "hole.unknown": ("距离未知", "distance unknown"),
}
