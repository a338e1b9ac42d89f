"""The tree of filters finds what asking every filter in turn would find."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jitpbroker.engine.subscriptions import Subscriptions
from jitpbroker.mqtt.topics import matches

NAMES = st.sampled_from(["a", "b", "", "$aws"])
TOPICS = st.lists(NAMES, min_size=1, max_size=4).map("/".join).filter(bool)  # empty is not well-formed


@st.composite
def filters(draw: st.DrawFn) -> str:
    levels = draw(st.lists(st.one_of(NAMES, st.just("+")), min_size=1, max_size=4))
    return "/".join([*levels, *(["#"] if draw(st.booleans()) else [])])


HELD = st.lists(
    st.tuples(filters().filter(bool), st.sampled_from("xyz"), st.sampled_from([0, 1])), max_size=12
)


@given(HELD, HELD, TOPICS)
def test_the_tree_finds_what_a_scan_finds(
    added: list[tuple[str, str, int]], removed: list[tuple[str, str, int]], topic: str
) -> None:
    tree = Subscriptions()
    scanned: dict[tuple[str, str], int] = {}
    for wanted, client_id, qos in added:
        tree.add(wanted, client_id, qos)
        scanned[wanted, client_id] = qos
    for wanted, client_id, _ in removed:
        tree.remove(wanted, client_id)
        scanned.pop((wanted, client_id), None)
    expected: dict[str, int] = {}
    for (wanted, client_id), qos in scanned.items():
        if matches(wanted, topic):
            expected[client_id] = max(qos, expected.get(client_id, 0))

    assert tree.matching(topic) == expected


@given(HELD)
def test_a_tree_that_has_forgotten_everything_is_as_new(added: list[tuple[str, str, int]]) -> None:
    tree = Subscriptions()
    for wanted, client_id, qos in added:
        tree.add(wanted, client_id, qos)
    for wanted, client_id, _ in added:
        tree.remove(wanted, client_id)

    assert not tree._top.below
    assert not tree._top.clients
