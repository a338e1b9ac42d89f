"""Pages hold any text, load nothing and run nothing."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from jitplab.html.page import POLICY, element, page, table

#: What an HTML parser reads back as it was written: no control characters, no lone carriage return.
TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\xa0"), min_size=1)


class Reader(HTMLParser):
    """Collects what a browser would show in <p>."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self.tags.append(tag)
        self._inside = self._inside or tag == "p"

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "p"

    def handle_data(self, data: str) -> None:
        self.text += data if self._inside else ""


@given(TEXT)
def test_whatever_is_shown_is_read_as_text_and_never_as_an_element(text: str) -> None:
    reader = Reader()
    reader.feed(page("a page", element("p", text, title=text)))

    assert reader.text == text
    assert set(reader.tags) == {"html", "head", "meta", "title", "style", "body", "p"}


def test_a_page_forbids_itself_every_request_and_every_script() -> None:
    told = page("a page")

    assert told.startswith("<!doctype html>\n")
    assert POLICY in told
    assert "default-src 'none'" in POLICY
    assert "<script" not in told


def test_text_between_elements_stays_where_it_is() -> None:
    told = page("a page", element("p", "one ", element("b", "two"), " three", None, element("i", "four")))

    assert "<p>one <b>two</b> three<i>four</i></p>" in told


def test_attributes_are_named_as_html_names_them() -> None:
    told = page("a page", element("a", "x", class_="faint", aria_label="a link", href=None, tabindex=0))

    assert '<a class="faint" aria-label="a link" tabindex="0">x</a>' in told


def test_a_table_names_its_columns() -> None:
    told = page("a page", table(("slot", "holds"), ("0", element("code", "key")), caption="slots"))

    assert '<caption>slots</caption><thead><tr><th scope="col">slot</th>' in told
    assert "<td>0</td><td><code>key</code></td>" in told
