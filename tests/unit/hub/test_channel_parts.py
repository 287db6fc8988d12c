"""Signatures by the providers' own published examples, references, addresses, and what may stand in settings."""

import hashlib
from pathlib import Path

import pytest

from alerts.model import Purpose, Severity
from hub.channels import addresses, references
from hub.channels.channel import Outcome
from hub.channels.provided import e164
from hub.channels.providers import READERS, ReportError, aliyun, tencent
from hub.config import ConfigError, Settings, load
from hub.loops.retries import LONGEST_WISH_S, pause_s

KEY = "a key that only tests have"


@pytest.mark.parametrize(
    "body", [b"", b"[", b"7", b'[{"a":"\xff"}]', b'{"a":"\xff"}', b'{"a":' * 12_000, b"[" * 60_000]
)
@pytest.mark.parametrize("where", READERS)
def test_report_that_is_none_is_refused_and_is_no_fault_of_ours(where: tuple[str, str], body: bytes) -> None:
    with pytest.raises(ReportError):
        READERS[where](body)


def test_aliyun_signature_is_the_one_of_its_specification() -> None:
    """The published example of signature version 3: RunInstances with fixed nonce and date."""
    headers = {
        "host": "ecs.cn-shanghai.aliyuncs.com", "x-acs-action": "RunInstances", "x-acs-version": "2014-05-26",
        "x-acs-content-sha256": hashlib.sha256(b"").hexdigest(), "x-acs-date": "2023-10-26T10:22:32Z",
        "x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d",
    }  # fmt: skip
    params = {"RegionId": "cn-shanghai", "ImageId": "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd"}
    given = aliyun.authorization("YourAccessKeyId", "YourAccessKeySecret", aliyun.canonical(params), headers)
    assert given.endswith("Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0")


def test_tencent_signature_is_the_one_of_its_specification() -> None:
    """The published example of TC3: DescribeInstances, its key masked with stars as in the text."""
    body = rb'{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}'
    given = tencent.authorization(
        "AKID", "Gu5t9xGARNpq86cd98joQYCN3*******", "cvm", "cvm.tencentcloudapi.com", "DescribeInstances", 1551113065,
        body,
    )  # fmt: skip
    assert given.startswith(
        "TC3-HMAC-SHA256 Credential=AKID/2019-02-25/cvm/tc3_request, SignedHeaders=content-type;host;"
    )
    assert given.endswith("Signature=be4f67d323c78ab9acb7395e43c0dbcf822a9cfac32fea2449a7bc7726b770a3")


@pytest.mark.parametrize("text", ["a b", "*~'()", "王秀兰 & 3+1=4", '{"who":"a/b"}'])
def test_aliyun_writes_parameters_as_rfc_3986_does(text: str) -> None:
    assert " " not in aliyun.canonical({"x": text})
    assert not set(aliyun.canonical({"x": text}).removeprefix("x=")) & set("*+'()&/\" ")


@pytest.mark.parametrize(("page", "attempt"), [(1, 1), (7, 20), (2_000_000_000, 1_295), (5, 99_999)])
def test_reference_fits_into_what_a_call_gives_back(page: int, attempt: int) -> None:
    text = references.make(KEY, "voice", page, attempt)
    assert len(text) <= references.LONGEST
    assert references.check(KEY, "voice", text) == (page, min(attempt, references.MOST_ATTEMPTS))


def test_reference_of_another_page_channel_or_hub_is_none() -> None:
    text = references.make(KEY, "voice", 7, 1)
    assert references.check(KEY, "sms", text) is None
    assert references.check("another key", "voice", text) is None
    assert references.check("", "voice", text) is None
    assert references.check(KEY, "voice", "8" + text[1:]) is None
    assert references.check(KEY, "voice", "") is None
    assert references.check(KEY, "voice", "é.1.abcde") is None


def test_every_provider_has_a_path_of_its_own_and_none_without_a_key() -> None:
    paths = {references.path(KEY, channel, name) for channel in ("sms", "voice") for name in ("aliyun", "tencent")}
    assert len(paths) == 4
    assert all(len(path) == 22 for path in paths)
    assert references.path("", "sms", "aliyun") == ""


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("100 0000 0001", "+8610000000001"), ("+86 100-0000-0001", "+8610000000001"),
        ("0571 0000 0001", "+8657100000001"),
        ("+852 0000 0001", "+85200000001"), ("110", None), ("", None), ("1000000000x", None), ("+0123456789", None),
        ("１０００００００００１", None),  # digits of another script are no digits of a telephone
    ],
)  # fmt: skip
def test_numbers_are_written_as_the_world_does(written: str, number: str | None) -> None:
    assert e164(written) == number


@pytest.mark.parametrize(
    ("contact", "fits"),
    [
        ("sms=10000000001", True), ("sms=nobody", False), ("voice=+8610000000001", True), ("email=a@b.test", True),
        ("email=a@b.test\nBcc: c@d.test", False), ("email=a b@c.test", False), ("webhook=https://x.test/y", True),
        ("webhook=https://user:secret@x.test/", False), ("webhook=https://[", False),
        ("siren=zigbee2mqtt/hall/set", True),
        ("siren=carehub/#", False), ("siren=", False), ("apprise=GROUP", True), ("apprise=json://x/token", False),
        ("app=", True), ("app=5", False), ("console=", True), ("mqtt=", True), ("mqtt=a/+/b", False),
        ("device=x:1", False), ("pigeon=1", False),
    ],
)  # fmt: skip
def test_contact_is_checked_before_anybody_depends_on_it(contact: str, fits: bool) -> None:
    channel, _, address = contact.partition("=")
    assert (addresses.wrong(channel, address) == "") is fits


@pytest.mark.parametrize(
    ("wish_s", "attempts", "again_s"), [(0.0, 1, 1.0), (30.0, 1, 30.0), (3.0, 9, 15.0), (9_999.0, 1, LONGEST_WISH_S)]
)
def test_other_sides_wish_is_heard_up_to_a_limit(wish_s: float, attempts: int, again_s: float) -> None:
    assert pause_s(Severity.CRITICAL, Purpose.ALARM, Outcome.FAILED, attempts, wish_s) == again_s


def test_refusal_waits_as_long_as_asked_and_not_less_than_ever() -> None:
    assert pause_s(Severity.HIGH, Purpose.ALARM, Outcome.REFUSED, 1, 60.0) == 60.0
    assert pause_s(Severity.HIGH, Purpose.ALARM, Outcome.REFUSED, 1, 1.0) == 10.0
    assert pause_s(Severity.LOW, Purpose.ALARM, Outcome.REFUSED, 1, 60.0) is None


def test_secrets_and_targets_come_from_the_environment_and_stand_in_no_repr() -> None:
    environ = {
        "CAREHUB_SECRETS_SMTP_PASSWORD": "s3cret-a", "CAREHUB_SECRETS_ALIYUN_KEY_SECRET": "s3cret-b",
        "CAREHUB_SECRETS_TENCENT_KEY": "s3cret-c", "CAREHUB_SECRETS_VAPID_KEY": "s3cret-d",
        "CAREHUB_APPRISE_GROUP": "json://s3cret-e", "CAREHUB_CHANNELS_SMS": "aliyun,tencent",
    }  # fmt: skip
    settings = load(None, environ)
    assert settings.channels.sms == ("aliyun", "tencent")
    assert settings.secrets.apprise == {"group": "json://s3cret-e"}
    assert "s3cret" not in repr(settings)


def test_empty_environment_has_no_targets() -> None:
    assert load(None, {}) == Settings()


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("CAREHUB_CHANNELS_SMS", "aliyun,carrier pigeon", "is no provider"),
        ("CAREHUB_CHANNELS_PUSH_CONTACT", "desk@carehub.test", "mailto"),
        ("CAREHUB_SMTP_TLS", "maybe", "starttls"),
        ("CAREHUB_ALIYUN_SMS_URL", "http://sms.example", "https"),
        ("CAREHUB_TENCENT_VOICE_URL", "http://127.0.0.1.example", "https"),
        ("CAREHUB_SECRETS_NONSENSE", "x", "no such setting"),
    ],
)
def test_settings_that_would_fail_in_the_emergency_fail_at_start(name: str, value: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        load(None, {name: value})


def test_mail_goes_without_tls_to_this_machine_only(tmp_path: Path) -> None:
    assert load(None, {"CAREHUB_SMTP_TLS": "none", "CAREHUB_SMTP_HOST": "127.0.0.1"}).smtp.tls == "none"
    with pytest.raises(ConfigError, match="without TLS only to this machine"):
        load(None, {"CAREHUB_SMTP_TLS": "none", "CAREHUB_SMTP_HOST": "mail.example"})
