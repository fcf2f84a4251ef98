"""An export as pages, read as a browser reads it, and compared with the archive row by row."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from os.path import normpath
from pathlib import Path
from urllib.parse import unquote

from tests.support.exported import Archive, Key

_PLAIN = re.compile(r"(?!\d+[.)] )[\w,;?][\w ,;?]*", re.ASCII)  # a text that no markdown changes


@dataclass
class ShownMessage:
    """A message on a page."""

    id: str
    texts: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    reactions: int = 0
    files: int = 0


class ShownPage(HTMLParser):
    """What a browser makes of a page."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.messages: list[ShownMessage] = []
        self.forbidden: list[str] = []
        self._open: list[tuple[str, str]] = []
        self.feed(file.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        values = {name: value or "" for name, value in attrs}
        self.ids += [values["id"]] if "id" in values else []
        self.loaded += [values[name] for name in ("src",) if name in values]
        self.loaded += [values["href"]] if tag == "link" else []
        self.forbidden += [tag] if tag in ("script", "style", "iframe", "img", "form", "object") else []
        self.forbidden += [name for name in values if name.startswith("on") or name == "style"]
        if tag == "article":
            self.messages.append(ShownMessage(values["data-id"]))
        if tag == "a":
            self.links.append(values["href"])
        if self.messages and self._is_in("article"):
            self._of_message(tag, values)
        if tag not in ("meta", "link", "br", "img", "rect", "hr"):
            self._open.append((tag, values.get("class", "")))

    def handle_endtag(self, tag: str) -> None:
        """Leave an element."""
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        """Note a text."""
        if ("div", "text") in self._open:
            self.messages[-1].texts[-1] += data

    def _of_message(self, tag: str, values: dict[str, str]) -> None:
        shown = self.messages[-1]
        if tag == "a":
            shown.links.append(values["href"])
        if tag == "div" and values.get("class") == "text":
            shown.texts.append("")
        shown.files += tag == "div" and values.get("class") == "file" and not self._is_in("blockquote")
        shown.reactions += tag == "li" and ("ul", "reactions") in self._open

    def _is_in(self, tag: str) -> bool:
        return any(tag == one for one, _ in self._open)


def read_pages(folder: Path) -> dict[Path, ShownPage]:
    """Read all pages of an export; nothing on them is loaded but what lies beside, and nothing runs."""
    pages = {file: ShownPage(file) for file in sorted(folder.rglob("*.html"))}
    for file, page in pages.items():
        assert not page.forbidden, (file, page.forbidden)
        assert len(page.ids) == len(set(page.ids)), file
        for address in page.loaded:
            assert Path(normpath(file.parent / address)) in {folder / "style.css", folder / "favicon.svg"}
    return pages


def all_links_lead_somewhere(pages: dict[Path, ShownPage]) -> int:
    """Follow every link that stays in the folder, to its anchor; return how many there are."""
    anchors, followed = {file: set(page.ids) for file, page in pages.items()}, 0
    for file, page in pages.items():
        for link in page.links:
            if re.match("https?://", link):
                continue
            path, _, anchor = link.partition("#")
            there = Path(normpath(file.parent / unquote(path))) if path else file
            assert there in pages, (file, link)
            assert not anchor or anchor in anchors[there], (file, link)
            followed += 1
    return followed


def all_can_be_reached(pages: dict[Path, ShownPage], first: Path) -> None:
    """Go from the first page to every other one."""
    found, ahead = {first}, [first]
    while ahead:
        file = ahead.pop()
        paths = [link.partition("#")[0] for link in pages[file].links if not re.match("https?://", link)]
        there = {Path(normpath(file.parent / unquote(path))) for path in paths if path}
        ahead += there - found
        found |= there
    assert found == pages.keys()


def messages_shown(pages: dict[Path, ShownPage]) -> dict[Key, ShownMessage]:
    """Every message by its channel and id, each of which is on one page alone."""
    found: dict[Key, ShownMessage] = {}
    for file, page in pages.items():
        for shown in page.messages:
            key = file.parent.name.rpartition(".")[2], shown.id
            assert key not in found, f"{key} is shown twice"
            found[key] = shown
    return found


def of_pages(archive: Archive, folder: Path) -> None:
    """All messages, in words that markdown leaves alone to the letter, with their files, reactions and replies."""
    pages = read_pages(folder / "html")
    shown = messages_shown(pages)
    assert shown.keys() == archive.messages.keys()
    for key, stored in archive.messages.items():
        one = shown[key]
        content = " ".join(stored["content"].split())
        if _PLAIN.fullmatch(content):
            assert " ".join(one.texts[0].split()) == content
        assert one.files >= len(archive.attachments.get(key, []))
        assert one.reactions == len(archive.totals.get(key, []))
        reply = stored["reply_to_channel_platform_id"], stored["reply_to_message_platform_id"]
        if reply in archive.messages:
            assert any(link.endswith(f"#m-{reply[1]}") for link in one.links)
    all_links_lead_somewhere(pages)
