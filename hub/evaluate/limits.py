"""What the recordings cannot show, in words, English and Chinese."""

LIMITS = (
    (
        "Falls were acted, by young adults, some on a mattress. Nothing here says how an old person falls.",
        "跌倒均为年轻人表演，部分落在软垫上。数据无法说明老年人如何跌倒。",
    ),
    (
        "Daily activities were staged for minutes; nobody wore a wrist recorder for a whole day. A false alarm per recorded "
        "hour is no rate per day of life. The wearer is asked first, and what is cancelled is counted: that is the real rate.",
        "日常活动为数分钟的摆拍；没有整天的腕部录音。每录音小时的误报不等于每天的误报率。系统先询问佩戴者，取消会被计数：那才是真实误报率。",
    ),
    (
        "The shipped fall model has learnt from these very people: its figures “in sample” only show that the file works. "
        "What to expect of new people is “people left out”, of a new watch “data set left out”.",
        "出厂跌倒模型就是用这些人训练的：“样本内”数字只说明文件可用。新人的预期见“留出人员”，新手表的预期见“留出数据集”。",
    ),
    (
        "Limits were chosen on the same held-out answers, and many variants were compared on the same recordings: "
        "the best of them flatters itself a little.",
        "阈值也是在同样的留出结果上选定的，且在同样的录音上比较过许多变体：最好的一个略显乐观。",
    ),
    (
        "Eight wearers with a heart rate, adults of general age in the USA with one make of tracker, mostly well. "
        "Intervals over eight wearers are still too narrow; no old people, none with a pacemaker or on beta blockers, as far as is known.",
        "只有八名有心率的佩戴者，美国普通年龄成年人，同一品牌手环，多为健康人。按八人计算的区间仍偏窄；据所知没有老年人、起搏器或 β 受体阻滞剂使用者。",
    ),
    (
        "Rises of heart rate are added by arithmetic, not illness. Silence is steps set to 0, not a person who lies on the floor.",
        "心率升高是算术叠加，不是疾病；静默是把步数置 0，不是真的有人躺在地上。",
    ),
    (
        "No oxygen saturation, respiration, temperature or blood pressure was recorded: V4 to V8 are proved by tests and by "
        "NEWS2's table only. Nor are there doors, beds, water meters or positions of real homes.",
        "没有血氧、呼吸、体温、血压录音：V4–V8 仅由测试和 NEWS2 表证明。也没有真实住家的门、床、水表或位置数据。",
    ),
    (
        "One wearer's alert may be right: nobody knows how these people felt. Every alert on the untouched record counts as false.",
        "佩戴者的某次报警可能是对的：没有人知道当时的感受。未改动记录上的每次报警都按误报计。",
    ),
)  # fmt: skip
