"""Pages taken apart: their elements, and the text that people read."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = ("meta", "link", "br")
NASTY = "<script>alert('x')</script>"
"""A name that would run if it were written as it is."""


class Elements(HTMLParser):
    """All elements of a page, and whether each is closed where it should be."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data) -> None:
        if "style" not in self.open and "script" not in self.open:
            self.text += data
