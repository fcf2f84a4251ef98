"""Figures drawn as SVG. A page shows them as pictures: so their styles are their own, and no script in them runs."""

import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import Any, TypeAlias

from bot.wording import people

Bars: TypeAlias = Sequence[tuple[str, int]]
"""What each bar is called, and how long it is."""

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""The Content-Security-Policy of a picture that is opened by itself: the styles in it, and nothing else."""

_SCRIPT = re.compile(r"<script\b.*?</script>", re.DOTALL)  # settings for a script that is not there
_LONGEST_LABEL = 24
_MOST_LABELS = 6
_IN_THE_DARK = (
    "inline:@media (prefers-color-scheme: dark) { .axis text { fill: #e8eaed !important }"
    " .reactive { fill: #9dbdff !important; stroke: #9dbdff !important }"
    " .guide { stroke: #555c66 !important } .no_data { fill: #a9b0bb !important } }"
)


def draw_columns(bars: Bars) -> str:
    """Draw bars that stand beside each other, in the order of time; of very many some are labelled."""
    chart = _library().Bar(
        **_look(height=260), x_label_rotation=0, truncate_label=-1, x_labels_major_count=_MOST_LABELS
    )
    chart.show_minor_x_labels = len(bars) <= _MOST_LABELS
    return _drawn(chart, bars)


def draw_rows(bars: Bars) -> str:
    """Draw bars that lie below each other, the first one at the top."""
    chart = _library().HorizontalBar(**_look(height=60 + 26 * max(len(bars), 3)), truncate_label=-1)
    return _drawn(chart, list(reversed(bars)))


def _drawn(chart: Any, bars: Bars) -> str:
    chart.x_labels = [_label(name) for name, _ in bars]
    chart.add("messages", [many for _, many in bars])
    return _SCRIPT.sub("", chart.render())


def _label(name: str) -> str:
    """Return a name as XML can hold it, and as it can be read in a picture: of other categories than control."""
    shown = "".join(letter for letter in people(name) if not unicodedata.category(letter).startswith("C"))
    return shown if len(shown) <= _LONGEST_LABEL else f"{shown[: _LONGEST_LABEL - 1]}…"


def _look(height: int) -> dict[str, Any]:
    """Return what all charts look alike in."""
    return {
        "js": [],
        "css": ["file://style.css", "file://graph.css", _IN_THE_DARK],
        "style": _style(),
        "width": 700,
        "height": height,
        "margin": 8,
        "margin_right": 36,  # the last label stands out
        "show_legend": False,
        "no_data_text": "no messages",
        "max_scale": 6,
        "disable_xml_declaration": True,
    }


@cache
def _style() -> Any:
    from pygal.style import Style

    return Style(
        background="transparent",
        plot_background="transparent",
        foreground="#1b1e23",
        foreground_strong="#1b1e23",
        foreground_subtle="#555c66",
        colors=("#2a57c4",),
        font_family="system-ui, sans-serif",
        label_font_size=13,
        major_label_font_size=13,
        no_data_font_size=16,
        opacity="1",
    )


@cache
def _library() -> Any:
    """Load the library with the first chart: it takes a quarter of a second, which a start can do without."""
    import pygal

    return pygal
