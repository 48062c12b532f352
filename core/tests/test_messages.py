from __future__ import annotations

from churnguard_core.messages import message_for_people


def test_every_problem_has_its_line_and_the_hint_comes_last() -> None:
    assert message_for_people(["a is wrong", "b is wrong"], hint="mend them") == (
        "a is wrong\nb is wrong\nhint: mend them"
    )


def test_without_a_hint_nothing_is_said_of_it() -> None:
    assert message_for_people(["a is wrong"], hint="") == "a is wrong"


def test_more_problems_than_a_screen_holds_are_counted() -> None:
    lines = message_for_people([str(number) for number in range(14)], hint="mend them").splitlines()
    assert lines == [*map(str, range(12)), "and 2 more", "hint: mend them"]
    assert "more" not in message_for_people([str(number) for number in range(12)], hint="")
