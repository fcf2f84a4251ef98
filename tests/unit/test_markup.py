"""Archived text as a page shows it: markdown as chats have it, and nothing in it that is more than text."""

import re
import time

import pytest

from bot.pages.addresses import SiteAddresses
from bot.pages.markup import Place, as_html, as_words, channels_named

PLACE = Place(addresses=SiteAddresses(tenant_id="discord-1"), names={"5": "general & <b>"})
ANN = "a" * 64


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("a\nb", "<p>a<br>\nb</p>"),
        ("*a* **b** __c__ ~~d~~ `e*f*`", "<p><em>a</em> <strong>b</strong> <u>c</u> <s>d</s> <code>e*f*</code></p>"),
        ("_a_ snake_case_name", "<p><em>a</em> snake_case_name</p>"),
        ("||a **b**|| |c| ||", '<span class="spoiler" tabindex="0" title="spoiler">a <strong>b</strong></span> |c| ||'),
        ("> a\nb", "<blockquote>\n<p>a</p>\n</blockquote>\n<p>b</p>"),
        (">>> a\nb", "<blockquote>\n<p>a<br>\nb</p>\n</blockquote>"),
        ("```py\n> a <b>\nb\n```", '<pre><code class="language-py">&gt; a &lt;b&gt;\nb\n</code></pre>'),
        ("# a\n- b", '<p class="heading">a</p>\n<ul>\n<li>b</li>\n</ul>'),
        (f"<@{ANN}>", '<p><span class="tag"><bdi>@aaaaaaaa</bdi></span></p>'),
        (f"<@!{ANN}> <@forgotten>", "@aaaaaaaa @erased person"),
        ("<#5>", '<p><a class="tag" href="/tenants/discord-1/channels/5">#general &amp; &lt;b&gt;</a></p>'),
        ("<#6> <@&7> <a:wave:8> </go:9>", "#unknown channel @role :wave: /go"),
        ("<t:0> <t:0:d> <t:99999999999999>", "1970-01-01 00:00 UTC 1970-01-01 &lt;t:99999999999999&gt;"),
        ("see https://a.b/c_d_e*f*?g=(h)).", "https://a.b/c_d_e*f*?g=(h)"),
        ("[a](javascript:alert(1))", "<p>[a](javascript:alert(1))</p>"),
        ("<javascript:alert(1)> [a](data:text/html,x)", "<p>&lt;javascript:alert(1)&gt; [a](data:text/html,x)</p>"),
        ("![a](https://a.b/c.png)", 'href="https://a.b/c.png"'),
        ("<script>alert(1)</script><img src=x>", "&lt;script&gt;alert(1)&lt;/script&gt;&lt;img src=x&gt;"),
        ("&lt; &#60;", "<p>&amp;lt; &amp;#60;</p>"),
    ],
)  # fmt: skip
def test_what_a_text_becomes(text: str, html: str) -> None:
    found = str(as_html(text, PLACE)).strip()
    shown = found if html.startswith("<") or "=" in html else re.sub("<[^>]+>", "", found)
    assert html in shown
    assert not re.search(r"<(script|img)|\son\w+=|(href|src)=\"(?!https?:|/)", found)


def test_a_link_shows_where_it_leads() -> None:
    found = str(as_html('[https://good.example](https://evil.example/"onclick=x)', PLACE))
    assert 'href="https://evil.example/%22onclick=x" title="https://evil.example/%22onclick=x" rel="noreferrer' in found


def test_words_are_one_line() -> None:
    assert as_words(f"a\n <@{ANN}>  <#5> <nothing>", PLACE) == "a @aaaaaaaa #general & <b> <nothing>"
    assert as_words(f"{ANN} user:{ANN} https://a.b/?hm={ANN}", PLACE) == f"aaaaaaaa user:aaaaaaaa https://a.b/?hm={ANN}"
    assert channels_named("<#5> <#x> <#6>") == ["5", "6"]


def test_of_very_many_lines_none_is_parsed() -> None:
    assert as_html("# a\n" * 100, PLACE).count("heading") == 100
    assert as_html("# a\n" * 601, PLACE) == "<p>" + "# a<br>" * 601 + "</p>"


@pytest.mark.parametrize("part", ["||", "<", "[", "*", "_*", "> ", "🎉", "`", "http://", "~~a", "\u202e", "[](", "\\"])
def test_no_text_takes_long(part: str) -> None:
    began = time.process_time()
    as_html(part * (4_000 // len(part)), PLACE)
    assert time.process_time() - began < 1
