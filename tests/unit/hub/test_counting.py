"""The account of a simulated town counts each device's messages, also where only the frame says whose it is."""

from hub.simulated.counting import Counting

AT = 1_773_100_800_000


def counted(*said: tuple[str, bytes]) -> Counting:
    made = Counting()
    made.take([(AT + number, topic, payload) for number, (topic, payload) in enumerate(said)])
    return made


def test_vitals_are_counted_by_their_topic_and_a_copy_is_one_message_more_and_no_row_more() -> None:
    made = counted(
        ("carehub/w-1/vitals", b'{"hr":70,"seq":1}'), ("carehub/w-1/vitals", b'{"hr":70,"seq":1}'),
        ("carehub/w-1/vitals", b'{"hr":71,"seq":2}'), ("carehub/w-2/vitals", b'{"hr":80,"seq":1}'),
    )  # fmt: skip
    assert (made.messages["carehub:w-1"], made.readable("carehub:w-1")) == (3, 2)
    assert (made.messages["carehub:w-2"], made.readable("carehub:w-2")) == (1, 1)
    assert made.topics == {"carehub/w-1/vitals": 3, "carehub/w-2/vitals": 1}


def test_frames_of_trackers_on_one_topic_are_each_their_own_devices() -> None:
    made = counted(*(("tcp/watch3g", b"[3G*880000000%d*0008*LK,0,0,8%d]" % (n, n)) for n in (1, 2, 2, 3)))
    assert [made.messages[f"watch3g:880000000{n}"] for n in (1, 2, 3)] == [1, 2, 1]
    assert made.readable("watch3g:8800000002") == 2, "it does not number what it says: the same again makes a row again"
    assert made.total == 4


def test_what_nobody_can_read_is_its_devices_and_asks_for_no_row() -> None:
    made = counted(
        ("carehub/w-1/vitals", b'\xff\x00{"hr": NaN, ]'), ("carehub/w-1/event", b"half a mess"),
        ("z2m-home/zigbee2mqtt/nobody/knows", b"\xff"),
    )  # fmt: skip
    assert (made.messages["carehub:w-1"], made.unreadable["carehub:w-1"], made.readable("carehub:w-1")) == (2, 2, 0)
    assert made.total == 3


def test_farewell_is_a_message_of_its_device_and_no_row() -> None:
    topic = "home7/shelly/shellyplusi4-a1b2c3d4e5f6/online"
    made = counted((topic, b"true"), (topic, b"false"))
    whose = "shelly:home7/shelly/shellyplusi4-a1b2c3d4e5f6"
    assert (made.messages[whose], made.readable(whose), made.unreadable[whose]) == (2, 1, 0)
