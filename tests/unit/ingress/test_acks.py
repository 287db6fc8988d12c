"""Answers go out in the order of arrival, whatever order the commits come in."""

import random

import pytest

from hub.ingress.acks import InOrder


class Wire:
    """Remembers what was written."""

    def __init__(self) -> None:
        self.written = b""
        self.closing = False

    def is_closing(self) -> bool:
        return self.closing

    def write(self, data: bytes) -> None:
        self.written += data


@pytest.fixture
def line() -> InOrder:
    line = InOrder()
    line.transport = Wire()  # type: ignore[assignment]
    return line


def written(line: InOrder) -> bytes:
    return line.transport.written  # type: ignore[union-attr,no-any-return]


def test_answer_waits_for_an_older_message(line: InOrder) -> None:
    first, second = line.expect(b"1"), line.expect(b"2")
    line.settle(second)
    line.flush()
    assert written(line) == b""
    line.settle(first)
    line.flush()
    assert written(line) == b"12"


def test_settling_writes_nothing_before_the_flush(line: InOrder) -> None:
    line.settle(line.expect(b"1"))
    assert written(line) == b""


def test_unknown_and_repeated_tokens_change_nothing(line: InOrder) -> None:
    token = line.expect(b"1")
    for wrong in (0, -1, 7, token, token):
        line.settle(wrong)
    line.flush()
    assert written(line) == b"1"
    assert line.unsettled == 0


def test_a_closed_connection_takes_no_answer(line: InOrder) -> None:
    token = line.expect(b"1")
    line.transport.closing = True  # type: ignore[union-attr]
    line.settle(token)
    line.flush()
    assert written(line) == b""


@pytest.mark.parametrize("seed", range(20))
def test_any_order_of_commits_gives_the_order_of_arrival(line: InOrder, seed: int) -> None:
    dice = random.Random(seed)
    waiting: list[int] = []
    sent = bytearray()
    for number in range(200):
        answer = bytes((number,))
        sent += answer
        waiting.append(line.expect(answer))
        while waiting and dice.random() < 0.5:
            line.settle(waiting.pop(dice.randrange(len(waiting))))
            if dice.random() < 0.3:
                line.flush()
        assert sent.startswith(written(line))
    for token in waiting:
        line.settle(token)
    line.flush()
    assert written(line) == bytes(sent)
