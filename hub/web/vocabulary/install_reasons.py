"""Words of an installation's end: why a device is not in effect, and what to do about it."""

WORDS: dict[str, tuple[str, str]] = {
    "install.why.retired": ("设备已停用", "It is retired"),
    "install.why.unclaimed": ("还没有认领", "Nobody has claimed it"),
    "install.why.unbound": ("还没有绑定长者", "It belongs to no resident"),
    "install.why.no_credential": ("没有接入密钥", "It has no key to sign in with"),
    "install.why.never_heard": ("从未收到它的消息", "Nothing was ever heard of it"),
    "install.why.silent": ("很久没有消息", "It has been silent for too long"),
    "install.why.no_press": ("没有收到试按", "No press of it has arrived"),
    "install.why.failed": ("测试未通过：{what}", "A trial failed: {what}"),
    "install.why.untried": ("还没有测试：{what}", "Not tried: {what}"),
    "install.why.unheard": ("在{what}按，没有收到", "Pressed in {what}: it did not arrive"),
    "install.why.no_consent": ("还没有记录知情同意", "No consent is recorded"),
    "install.why.contacts_missing": (
        "确认过的联系人不足 {what} 位",
        "Fewer than {what} contacts have confirmed",
    ),
    "install.why.test_mode": ("还在测试模式", "It is still in test mode"),
    "install.why.not_live": ("还没有点“签字并完成”", "“Sign and finish” has not been tapped"),
    "install.do.retired": ("重新认领，或请中心核对。", "Claim it again, or ask the office."),
    "install.do.unclaimed": ("先认领。", "Claim it first."),
    "install.do.unbound": ("先选择长者。", "Choose the resident first."),
    "install.do.no_credential": (
        "在测试页生成密钥，写进设备。",
        "Issue a key on the trials page and put it into the device.",
    ),
    "install.do.never_heard": (
        "接通电源，查信号和 SIM 卡，查网关是否在线，查服务器地址。",
        "Switch it on; look at signal and SIM, at the gateway, at the server's address in it.",
    ),
    "install.do.silent": ("重新开机，换信号好的位置。", "Restart it; find a place with signal."),
    "install.do.no_press": (
        "按住呼叫键 3 秒；仍收不到就换一台。",
        "Hold its button for 3 s. If it still does not arrive, take another device.",
    ),
    "install.do.failed": (
        "再试一次；还不行就换设备，告诉中心。",
        "Try again. If it fails again, take another device and tell the office.",
    ),
    "install.do.untried": ("回去做这项测试。", "Go back and try it."),
    "install.do.unheard": (
        "在那里再按一次；还收不到，要补网关或换设备。",
        "Press it there again. If it still does not arrive, that place needs a gateway, or another device.",
    ),
    "install.do.no_consent": (
        "当面宣读同意书，由长者、家属或监护人答复后记录。",
        "Read the text aloud, and record what she, a relative or her guardian says.",
    ),
    "install.do.contacts_missing": (
        "给联系人发确认，或请中心补上联系人。",
        "Send the contacts the question, or ask the office to add contacts.",
    ),
    "install.do.test_mode": ("点“签字并完成”。", "Tap “Sign and finish”."),
    "install.do.not_live": ("回去点“签字并完成”。", "Go back and tap “Sign and finish”."),
    "install.doubt.consent_back": (
        "知情同意已收回，设备照常呼叫。",
        "Consent has been taken back; the device rings on.",
    ),
    "install.doubt.battery": ("电量低：先充电或换电池。", "Its battery is low: charge or replace it."),
    "install.doubt.nobody_of_her_own": (
        "没有登记家属或邻里：请中心补上联系人。",
        "No family or neighbour is registered: ask the office to add contacts.",
    ),
    "install.doubt.few_contacts": (
        "确认过的联系人不到 3 位：呼叫时可能无人接应。已记录，班长会看到。",
        "Fewer than 3 contacts have confirmed: a call may find nobody. It is recorded; the supervisor sees it.",
    ),
}
