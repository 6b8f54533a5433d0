"""Blocks and mrkdwn as nodes; and that no text becomes anything else."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.async_api import Page, expect

from bot.cards import signs
from bot.sandbox.slack import seed

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

# text, and what a reader sees of it as HTML; classes are left out.
MRKDWN = [
    ("plain", "plain"),
    ("*bold* _italic_ ~gone~", "<strong>bold</strong> <em>italic</em> <s>gone</s>"),
    ("*a _b_ c*", "<strong>a <em>b</em> c</strong>"),
    ("2*3*4 snake_case_name a~b", "2*3*4 snake_case_name a~b"),
    ("* not bold * and ** neither", "* not bold * and ** neither"),
    ("(*bold*), *one* *two*", "(<strong>bold</strong>), <strong>one</strong> <strong>two</strong>"),
    ("*open", "*open"),
    ("a &lt;b&gt; &amp;amp; c", "a &lt;b&gt; &amp;amp; c"),
    ("`*code* &lt;x&gt;`", "<code>*code* &lt;x&gt;</code>"),
    ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
    ("<img src=x onerror=alert(1)>", "&lt;img src=x onerror=alert(1)&gt;"),
    ("<javascript:alert(1)|click>", "&lt;javascript:alert(1)|click&gt;"),
    ("<data:text/html,x|y>", "&lt;data:text/html,x|y&gt;"),
    ("&lt;@U0ANA00000&gt;", "&lt;@U0ANA00000&gt;"),
    ("<@U0BEN00000> <@U0NOBODY00|old>", "<span>@Ben</span> <span>@old</span>"),
    ("<!here> <!subteam^S0SECURITY>", "<span>@here</span> <span>@security</span>"),
    ("<#C0GENERAL00>", '<button type="button">#general</button>'),
    ("<!date^1764000000^{date_num}|then>", "<time>2025-11-24</time>"),
    ("<!date^x^{date}|then>", "<span>then</span>"),
    ("&gt; one\n&gt; *two*\nthree", "<blockquote>one<br><strong>two</strong></blockquote>three"),
    ("```\na *b*\n&lt;i&gt;\n```after", "<pre>a *b*\n&lt;i&gt;</pre>after"),
    # As the bot writes the marks of others, so that they style nothing.
    *((f"\u2060{m}\u2060x\u2060{m}\u2060", f"\u2060{m}\u2060x\u2060{m}\u2060") for m in "*_~"),
    (":unknown_emoji: 12:30:45", ":unknown_emoji: 12:30:45"),
    ("\ue000\ue001 *x*", " <strong>x</strong>"),
]

LINKS = [
    ("<https://x.test/?a=1&amp;b=2|two *words*>", "https://x.test/?a=1&b=2", "two *words*"),
    ("see https://x.test/a_b_c, please", "https://x.test/a_b_c", "https://x.test/a_b_c"),
    ("<mailto:a@x.test|write>", "mailto:a@x.test", "write"),
    ("*<https://x.test|bold link>*", "https://x.test/", "bold link"),
]

RENDER = """async ([text]) => {
  const { mrkdwn } = await import("/page/js/render/mrkdwn.js");
  const { render } = await import("/page/js/dom.js");
  const { names } = await import("/page/js/names.js");
  const root = document.createElement("div");
  render(root, mrkdwn(text, names));
  const link = root.querySelector("a");
  for (const node of root.querySelectorAll("*")) {
    for (const { name } of [...node.attributes]) if (name !== "type") node.removeAttribute(name);
  }
  return { html: root.innerHTML, href: link && link.href, words: link && link.textContent };
}"""
# The href is read before attributes are dropped.
RENDER = RENDER.replace("link && link.href,", "href,").replace(
    "  for (const node", "  const href = link && link.href;\n  for (const node", 1
)


async def test_mrkdwn_becomes_nodes_and_never_html(page: Page) -> None:
    got = {text: (await page.evaluate(RENDER, [text]))["html"] for text, _ in MRKDWN}
    assert got == dict(MRKDWN)


async def test_links_go_where_they_say_and_open_elsewhere(page: Page) -> None:
    for text, href, words in LINKS:
        found = await page.evaluate(RENDER, [text])
        assert (found["href"], found["words"]) == (href, words), text


async def test_a_long_text_of_openers_is_read_in_linear_time(page: Page) -> None:
    text = "*a _b ~c " * 4000
    took = await page.evaluate(
        "async ([render, text]) => { const f = eval(render); const t = performance.now();"
        " await f([text]); return performance.now() - t; }",
        [f"({RENDER})", text],
    )
    assert took < 2000


HOSTILE = (
    '<script>window.hit = 1</script><img src=x onerror="window.hit = 1">'
    '<svg onload=window.hit=1> <https://x.test|"><img src=x onerror=window.hit=1>> '
    '</pre></code></div><!-- `<b>` *<b>* &lt;b&gt; <javascript:window.hit=1|go> \u202e <@U0"x>'
)


async def test_foreign_text_injects_nothing_anywhere(page: Page, sandbox: Any, make: Any) -> None:
    plain = make.text(HOSTILE[:70], "plain_text")
    option = {"text": plain, "value": "x", "description": plain}
    raw = {"type": "text", "text": HOSTILE}
    cells = [[{"type": "raw_text", "text": HOSTILE}] * 2] * 2
    blocks = [
        {"type": "header", "text": make.text(HOSTILE[:140], "plain_text")},
        {"type": "section", "text": make.text(HOSTILE), "fields": [make.text(HOSTILE)]},
        {"type": "section", "text": make.text("```" + HOSTILE + "```")},
        {"type": "context", "elements": [make.text(HOSTILE)]},
        {"type": "markdown", "text": HOSTILE + "\n[x](javascript:window.hit=1)"},
        {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [raw]}]},
        {"type": "rich_text", "elements": [{"type": "rich_text_preformatted", "elements": [raw]}]},
        {"type": "table", "rows": cells},
        {
            "type": "actions",
            "elements": [
                make.button(HOSTILE[:70], "pick", value=HOSTILE),
                {"type": "static_select", "action_id": "s", "options": [option]},
                {"type": "checkboxes", "action_id": "c", "options": [option]},
            ],
        },
    ]
    await sandbox.app.post(blocks)
    await page.get_by_label("Message #qa-deploys").fill(HOSTILE)
    await page.keyboard.press("Enter")
    await expect(page.locator(".message")).to_have_count(2)
    list_ = page.locator("#messages")
    assert await list_.locator("script, img, iframe, object, style, link").count() == 0
    bad = "[...document.querySelectorAll('*')].filter(n => [...n.attributes].some(a =>"
    bad += " /^on/.test(a.name) || /^\\s*javascript:/i.test(a.value))).length"
    assert await page.evaluate(bad) == 0
    assert await page.evaluate("window.hit") is None
    await expect(page.locator(".message .header-text")).to_contain_text("<script>window.hit = 1")


async def test_the_browser_itself_refuses_html_sinks_and_inline_scripts(page: Page) -> None:
    refused = await page.evaluate(
        "() => { try { document.body.innerHTML = '<b>x</b>'; return false } catch { return true } }"
    )
    assert refused is True
    await page.evaluate(
        "() => { const s = document.createElement('img'); s.src = 'https://elsewhere.test/x.png';"
        " s.onerror = () => { window.blocked = true }; document.body.append(s) }"
    )
    await page.wait_for_function("window.blocked === true")


async def test_every_kind_of_block_is_drawn(page: Page, sandbox: Any, make: Any) -> None:
    section = {"type": "rich_text_section", "elements": [{"type": "text", "text": "item"}]}
    styled = [
        {"type": "text", "text": "strong", "style": {"bold": True, "italic": True}},
        {"type": "emoji", "name": "white_check_mark"},
        {"type": "user", "user_id": seed.ANA},
        {"type": "link", "url": "https://x.test/", "text": "link"},
    ]
    await sandbox.app.post(
        [
            {"type": "header", "text": make.text(":clipboard: Ready? 3 of 5", "plain_text")},
            {"type": "section", "fields": [make.text("*Service*\ntasks"), make.text("*To*\nQA")]},
            {"type": "divider"},
            {
                "type": "rich_text",
                "elements": [
                    {"type": "rich_text_section", "elements": styled},
                    {"type": "rich_text_list", "style": "bullet", "elements": [section, section]},
                    {"type": "rich_text_quote", "elements": [{"type": "text", "text": "said"}]},
                ],
            },
            {"type": "markdown", "text": "# Title\n\n1. first\n2. **second**\n\n```\ncode\n```"},
            {
                "type": "image",
                "image_url": "https://elsewhere.test/chart.png",
                "alt_text": "Errors rose from 0.1 to 2.9 %",
            },
        ]
    )
    card = page.locator(".message").first
    await expect(card.get_by_role("heading", name="clipboard Ready? 3 of 5")).to_be_visible()
    await expect(card.locator(".field-cell")).to_have_text(["Servicetasks", "ToQA"])
    await expect(card.get_by_role("separator")).to_have_count(1)
    await expect(card.locator("strong", has_text="strong").locator("..")).to_have_count(1)
    await expect(card.locator(".mention.self")).to_have_text("@Ana")
    await expect(card.locator("ul li")).to_have_text(["item", "item"])
    await expect(card.locator("ol li")).to_have_text(["first", "second"])
    await expect(card.locator("pre")).to_have_text("code")
    await expect(card.get_by_role("img", name="Errors rose from 0.1 to 2.9 %")).to_be_visible()


async def test_what_agents_show_is_drawn_with_signs_and_words(
    page: Page, sandbox: Any, make: Any, until: Any
) -> None:
    def task(number: int, status: str) -> dict[str, Any]:
        return {
            "type": "task_card",
            "task_id": str(number),
            "title": f"t{number}",
            "status": status,
        }

    words = {"type": "rich_text_section", "elements": [{"type": "text", "text": "inside"}]}
    tile = {"type": "card", "title": make.text("*Tasks*"), "body": make.text("1.4.0")}
    good, bad = (
        {"text": make.text(word, "plain_text"), "value": word, "accessibility_label": f"{word}!"}
        for word in ("Good", "Bad")
    )
    own, others = make.button("For me", "mine"), make.button("For Ben", "his")
    cell = {"type": "raw_text", "text": "x"}
    await sandbox.app.post(
        [
            {
                "type": "plan",
                "title": "Two steps",
                "tasks": [task(1, "complete"), task(2, "error")],
            },
            {"type": "carousel", "elements": [{**tile, "actions": [make.button("Open", "pick")]}]},
            {
                "type": "container",
                "title": make.text("More", "plain_text"),
                "is_collapsible": True,
                "default_collapsed": True,
                "child_blocks": [{"type": "rich_text", "elements": [words]}],
            },
            {"type": "data_table", "caption": "Pods", "rows": [[cell], [cell]]},
            {
                "type": "context_actions",
                "elements": [
                    {"type": "feedback_buttons", "positive_button": good, "negative_button": bad}
                ],
            },
            {
                "type": "actions",
                "elements": [
                    {**own, "visible_to_user_ids": [seed.ANA]},
                    {**others, "visible_to_user_ids": [seed.BEN]},
                ],
            },
        ]
    )
    shown = page.locator(".message").first
    await expect(shown.locator(".task-title")).to_have_text(["✓Done t1", "✗Failed t2"])
    await expect(shown.get_by_role("table", name="Pods")).to_be_visible()
    await expect(shown.get_by_text("inside")).to_be_hidden()
    await shown.get_by_text("More").click()
    await expect(shown.get_by_text("inside")).to_be_visible()
    await expect(shown.get_by_role("button", name="For Ben")).to_have_count(0)
    await expect(shown.get_by_role("button", name="For me")).to_be_visible()
    await expect(shown.get_by_role("button", name="Good!")).to_be_visible()
    await expect(shown.locator(".unknown")).to_have_count(0)
    await shown.get_by_role("button", name="Open").click()
    await until(lambda: len(sandbox.app.acts) > 0)
    assert sandbox.app.acts[0]["actions"][0]["action_id"] == "pick"


async def test_every_sign_of_the_bots_cards_is_drawn(page: Page) -> None:
    """A machine without emoji fonts shows them all the same."""
    used = {value for value in vars(signs).values() if isinstance(value, str) and len(value) < 3}
    used |= set(signs.STATE.values())
    assert len(used) > 10
    draw = """async (text) => {
      const { withSigns } = await import("/page/js/render/signs.js");
      return withSigns(text).filter((part) => typeof part === "string").join("");
    }"""
    left = [sign for sign in sorted(used) if await page.evaluate(draw, sign)]
    assert left == []


async def test_stamps_are_written_as_the_reader_writes_them(visit: Any, sandbox: Any) -> None:
    """24 hours for a reader in Spain, am and pm for one whose browser is American."""
    await sandbox.app.client.chat_postMessage(channel=seed.QA_DEPLOYS, text="a stamp")
    american, spanish = await visit(seed.BEN, locale="en-US"), await visit(seed.ANA)
    stamp = american.locator(".message", has_text="a stamp").locator("time").first
    await expect(stamp).to_have_text(re.compile(r"^\d?\d:\d\d\s[AP]M$"))
    stamp = spanish.locator(".message", has_text="a stamp").locator("time").first
    await expect(stamp).to_have_text(re.compile(r"\d{1,2}:\d\d"))
    await expect(stamp).to_have_attribute("lang", "es-ES")
    await expect(spanish.get_by_role("separator", name="Hoy")).to_be_visible()
    await expect(american.get_by_role("separator", name="Today")).to_be_visible()
