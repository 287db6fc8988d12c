"""A call of nobody known: an operator looks her up, says whose it is, and her people are called."""

import httpx

from hub import desk as hub_desk
from tests.integration.web.test_accounts import post
from tests.integration.web.world import World


def said(li: httpx.Client, case: int, resident: int) -> httpx.Response:
    return post(
        li, f"/incidents/{case}/identify", at=f"/incidents/{case}", resident=str(resident), nonce=f"i-{resident}"
    )


def events(world: World, case: int) -> list[str]:
    return [
        row[0] for row in world.sql("select what from incident_event where incident_id = %(i)s order by seq", i=case)
    ]


def test_she_is_found_by_name_telephone_and_address(li: httpx.Client, world: World) -> None:
    case = world.alert("stray", area="")
    assert "sheet/identify" in li.get(f"/incidents/{case}").text
    for wanted in ("王秀英", "wangxiuying", "0951 000 0001", "2 单元 501"):
        found = post(li, f"/incidents/{case}/whose", at=f"/incidents/{case}", q=wanted).text
        assert "王秀英" in found, wanted
        assert f'value="{world.residents["wang"]}"' in found
    assert "value=" not in post(li, f"/incidents/{case}/whose", at=f"/incidents/{case}", q="没有这个人").text


def test_her_card_is_shown_and_her_son_is_called(li: httpx.Client, world: World) -> None:
    case = world.alert("stray", area="")
    assert not world.sql(
        "select 1 from page where incident_id = %(i)s and person_id = %(p)s", i=case, p=world.people["son"]
    )
    assert said(li, case, world.residents["wang"]).status_code == 303
    assert world.sql("select resident_id, area from incident where id = %(i)s", i=case) == [
        (world.residents["wang"], "和平社区")
    ]
    assert world.sql(
        "select purpose from page where incident_id = %(i)s and person_id = %(p)s", i=case, p=world.people["son"]
    ) == [("alarm",)]  # fmt: skip
    assert "identified" in events(world, case)
    page = li.get(f"/incidents/{case}").text
    assert "王秀英" in page
    assert "心衰" in page
    again = world.alert("stray", area="")
    assert again == case, "the button is pressed again: the same case"


def test_who_has_it_keeps_it(li: httpx.Client, world: World) -> None:
    case = world.alert("stray", area="")
    world.run(lambda conn: hub_desk.take(conn, case, world.people["li"]))
    assert said(li, case, world.residents["wang"]).status_code == 303
    assert world.sql("select state, handler_id from incident where id = %(i)s", i=case) == [
        ("taken", world.people["li"])
    ]
    assert said(li, case, world.residents["wang"]).status_code == 303, "again changes nothing"
    assert events(world, case).count("identified") == 1
    assert said(li, case, world.residents["liu"]).status_code == 303, "the wrong one is put right"


def test_another_case_of_hers_is_linked(li: httpx.Client, world: World) -> None:
    hers, case = world.alert("watch-wang"), world.alert("stray", area="")
    assert said(li, case, world.residents["wang"]).status_code == 303
    assert (min(hers, case), max(hers, case)) in world.sql("select a, b from incident_link")


def test_case_of_a_known_resident_is_not_given_away(li: httpx.Client, world: World) -> None:
    case = world.alert("watch-wang")
    assert said(li, case, world.residents["liu"]).status_code == 409
    assert said(li, world.alert("stray"), 10**9).status_code == 409
    empty = post(li, f"/incidents/{case}/identify", at=f"/incidents/{case}")
    assert empty.status_code == 422


def test_locked_record_is_shown_without_a_name_and_not_taken(li: httpx.Client, world: World) -> None:
    case = world.alert("stray", area="")
    world.sql("update resident set locked = true where id = %(r)s", r=world.residents["wang"])
    found = post(li, f"/incidents/{case}/whose", at=f"/incidents/{case}", q="王秀英").text
    assert not {word for word in ("王秀英", "501") if word in found}
    assert "/glass?resident=" in found
    assert said(li, case, world.residents["wang"]).status_code == 409
    assert world.sql("select resident_id from incident where id = %(i)s", i=case) == [(None,)]
