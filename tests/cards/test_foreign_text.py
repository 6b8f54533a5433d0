"""Whatever stands in a name, a reason, a log line or a server's answer: the card is within Slack's
limits, mentions nobody, links nowhere, and hides nothing from the eye."""

import json
import re
import unicodedata
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bot.cards.blocks import BUDGET, BUDGET_JSON, shown_texts
from bot.cards.buttons import split_value, typed, verb_of
from bot.cards.card import Card
from bot.cards.details import details_card, ended_card
from bot.cards.help import help_card, verb_help_card
from bot.cards.mrkdwn import (
    Mrkdwn,
    _escape,
    _plain_marks,
    clean,
    code,
    cut,
    cut_mrkdwn,
    escape,
    link,
    people,
    size,
    user,
)
from bot.cards.pointer import notice_card, pointer_card
from bot.cards.refusal import dry_run_card, refusal_card
from bot.cards.rollout import rollout_card
from bot.cards.status import status_card, workload_card
from bot.cards.trouble import trouble_card
from bot.cards.usage import usage_card
from bot.domain.gate import Gate, GateResult
from bot.domain.image import Image
from bot.domain.rollout import Actor, Diagnosis, Obstacle, Rollout, Running
from bot.domain.status import (
    Cell,
    Health,
    PodState,
    PodStatus,
    ServiceStatus,
    StatusMatrix,
    WorkloadStatus,
)
from bot.domain.verdict import Finding, Outcome, Reason, Verdict
from bot.errors import PortError, Trouble
from bot.sandbox.slack.blocks import check_message_blocks
from bot.text import LANGUAGES, Texts

EVIL = "U0EVIL99"
HOSTILE = (
    "",
    " ",
    f"<@{EVIL}>",
    "<!channel> <!here|x> @channel @HERE @everyone",
    "<https://evil.example|safe.example>",
    "https://evil.example/a|b>",
    "```\nrm -rf /\n```",
    "`code` *bold* _it_ ~no~ > quote",
    "\u202egnp.exe\u202c \u2066\u2069\u200b\ufeff\u00ad",
    "\x00\x1b[31mred\x1b[0m\x1b]0;title\x07\x85\u2028",
    "\ud800 lone \udfff",
    "{service.__class__} {0} {{}} %s",
    "&lt;@U0EVIL99&gt; &amp;lt; &",
    "e\u0301" * 400,
    "👩\u200d🚀" * 3_000,
    "<" * 5_000,
    "a" * 100_000,
    "\n" * 5_000,
)
hostile = st.integers(0, len(HOSTILE) - 1).map(lambda index: HOSTILE[index])
anything = st.one_of(
    hostile,
    st.text(st.characters(exclude_categories=()), max_size=40),
    st.lists(hostile, max_size=3).map(lambda parts: "".join(parts)[:120_000]),
)
QUICK = settings(
    deadline=None,
    # Texts of 100,000 characters take minutes to shrink, and the shrunk one tells little more.
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
few = st.lists(anything, max_size=25).map(tuple)

_OURS = re.compile(
    r"<@[UW][A-Z0-9]+>|<#[CGD][A-Z0-9]+>|<!subteam\^S[A-Z0-9]+>"
    r"|<!date\^\d+\^(?:\{\w+\} ?)+\|[^<>|]+>|<https?://[^<>|\s]+\|[^<>|]*>"
)
_ENTITY = re.compile(r"&(?:amp|lt|gt);")


def assert_harmless(card: Card) -> None:
    blocks = json.loads(json.dumps(list(card.blocks)))
    check_message_blocks(blocks, lambda file: False)
    assert card.text
    assert size(card.text) <= 3_000
    assert sum(map(size, shown_texts(blocks))) <= BUDGET
    assert len(json.dumps(blocks)) <= BUDGET_JSON
    for text in [card.text, *shown_texts(blocks), *_values(blocks)]:
        text.encode("utf-8")
        assert not [c for c in text if _invisible(c)], ascii(text[:200])
    for text in [card.text, *_mrkdwn(blocks)]:
        rest = _OURS.sub("", text)
        assert "<" not in rest, ascii(text[:300])
        assert ">" not in rest, ascii(text[:300])
        assert "&" not in _ENTITY.sub("", rest), ascii(text[:300])
        assert f"<@{EVIL}>" not in text
        assert "evil.example>" not in text
        assert "<https://evil" not in text
        assert not re.search(r"@(channel|here|everyone)\b", text, re.IGNORECASE)
        assert "```" not in text


def _invisible(character: str) -> bool:
    allowed = "\n\t\u200c\u200d\u2060"
    return unicodedata.category(character) in ("Cc", "Cf", "Cs") and character not in allowed


def _mrkdwn(node: Any) -> list[str]:
    """The texts that Slack reads markup in; plain_text and rich_text are shown as they are."""
    if isinstance(node, dict):
        if node.get("type") == "mrkdwn":
            assert node["verbatim"] is True
            return [node["text"]]
        return [text for value in node.values() for text in _mrkdwn(value)]
    return [text for item in node for text in _mrkdwn(item)] if isinstance(node, list) else []


def _values(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["value"]] if isinstance(node.get("value"), str) else []
        return own + [text for value in node.values() for text in _values(value)]
    return [text for item in node for text in _values(item)] if isinstance(node, list) else []


@st.composite
def fillings(draw: st.DrawFn) -> dict[str, Any]:
    def text() -> str:
        return draw(anything)

    finding = Finding(
        draw(st.sampled_from(Reason)),
        draw(st.sampled_from([Outcome.WARN, Outcome.FAIL])),
        pods=draw(few),
        of=draw(st.integers(0, 9)),
        container=text(),
        exit_code=draw(st.none() | st.integers(-1, 300)),
        message=text(),
        values={"image": text(), "limit": text(), "config": text(), "variant": text()},
    )
    return {
        "service": text(),
        "environment": text(),
        "namespace": text(),
        "context": text(),
        "image": Image(text(), text(), text()),
        "version": text(),
        "requested_by": Actor(draw(st.just("U0REQUEST") | anything.filter(_no_id))),
        "line": text(),
        "reason": text(),
        "behind": text(),
        "before": draw(st.none() | st.builds(Running, anything, anything)),
        "verdict": Verdict(
            draw(st.sampled_from(Outcome)), finding.reason, {"message": text()}, (finding,) * 9
        ),
        "diagnosis": Diagnosis(
            text(), text(), draw(st.booleans()), draw(few), draw(few), draw(anything)
        ),
    }


def _no_id(text: str) -> bool:
    return re.fullmatch(r"[UW][A-Z0-9]{2,20}", text) is None


@settings(parent=QUICK, max_examples=30)
@given(
    filling=fillings(),
    title=anything,
    url=anything,
    language=st.sampled_from(LANGUAGES),
    which=st.integers(0, 99),
)
def test_any_words_in_a_rollout_make_a_harmless_card(
    rollouts: dict[str, Rollout],
    filling: dict[str, Any],
    title: str,
    url: str,
    language: str,
    which: int,
) -> None:
    texts = Texts.of(language)
    rollout = list(rollouts.values())[which % len(rollouts)].with_(**filling)
    if rollout.obstacle is not None:
        obstacle = Obstacle(title, url, rollout.obstacle.since, {"message": title, "verb": url})
        rollout = rollout.with_(obstacle=obstacle)
    now = rollout.requested_at
    card = rollout_card(rollout, environment_title=title, base_url=url, texts=texts, now=now)
    assert_harmless(card)
    assert size(card.text) <= 150
    assert card.blocks[0]["type"] == "header"
    if rollout.state.final:
        assert_harmless(ended_card(rollout, environment_title=title, texts=texts))
        assert_harmless(details_card(rollout, environment_title=title, texts=texts))
    assert_harmless(pointer_card(rollout, environment_title=title, permalink=url, texts=texts))


@settings(parent=QUICK, max_examples=40)
@given(a=anything, b=anything, c=anything, many=few, language=st.sampled_from(LANGUAGES))
def test_any_words_make_a_harmless_private_answer(
    a: str, b: str, c: str, many: tuple[str, ...], language: str, typo: Any
) -> None:
    texts = Texts.of(language)
    # Who may do something is the catalog's word: ids in it are meant as mentions.
    values = {
        "who": a.replace(EVIL, ""),
        "roles": b,
        "message": c,
        "owners": a,
        "path": b,
        "environment": c,
    }
    gates = [
        GateResult(Gate.PERMISSION, False, "NOT_ALLOWED", values),
        GateResult(Gate.CLUSTER, False, a, values),
        GateResult(Gate.CLUSTER, False, "REFUSED", values),
        GateResult(Gate.ORDER, False, "NOT_RUN_BEFORE", values),
        GateResult(Gate.ORDER, True, b, values),
    ]
    names: dict[str, Any] = {"service": a, "environment_title": b, "version": c, "line": a}
    assert_harmless(refusal_card(gates, texts=texts, **names))
    assert_harmless(dry_run_card(gates, texts=texts, deploy_line=b, **names))
    for wrong in ("unknown-service", "missing-arguments", "unbalanced-quote", a):
        told = {"word": a, "choices": many, "missing": many, "quote": b, "rest": c, "usage": b}
        verb = typo.verb(a, b, many)
        assert_harmless(usage_card(typo(wrong, told, many), verb=verb, texts=texts))
    assert_harmless(help_card([typo.verb(a, b, many)] * 60, texts=texts))
    assert_harmless(verb_help_card(typo.verb(a, b, many), texts=texts))
    error = PortError(a, Trouble.INVALID, temporary=False, values={"message": b})
    assert_harmless(trouble_card(error, error_id=c, line=a, texts=texts))
    assert_harmless(notice_card(texts, "not_yours", roles=a, who=people(b.replace(EVIL, ""))))


@settings(parent=QUICK, max_examples=40)
@given(
    a=anything, b=anything, many=few, language=st.sampled_from(LANGUAGES), rows=st.integers(0, 130)
)
def test_any_words_make_a_harmless_status(
    rollouts: dict[str, Rollout], a: str, b: str, many: tuple[str, ...], language: str, rows: int
) -> None:
    texts, now = Texts.of(language), rollouts["failed"].requested_at
    cell = Cell(a, Health.ROLLING, b, 1, 2, now, towards=a)
    matrix = StatusMatrix((a, b, a), (ServiceStatus(a, (cell,) * 3),) * rows, now)
    pods = (PodStatus(a, PodState.FAILING, b, 3, now, a),) * rows
    status = WorkloadStatus(a, b, cell, digest=b, pods=pods, warnings=many)
    for monospace in (False, True):
        look: dict[str, Any] = {"line": b, "texts": texts, "now": now, "monospace": monospace}
        assert_harmless(status_card(matrix, **look))
        assert_harmless(workload_card(status, environment_title=a, base_url=b, **look))


@settings(parent=QUICK)
@given(text=anything, limit=st.integers(1, 300))
def test_what_is_cut_fits_and_says_so(text: str, limit: int) -> None:
    shown = cut(clean(text), limit)
    assert size(shown) <= limit
    assert shown == clean(text) or shown.endswith("…")
    escaped = escape(text, limit)
    assert size(escaped) <= limit
    assert not re.search(r"&(?!amp;|lt;|gt;)", escaped)


@given(
    text=st.text(st.sampled_from("aZ09 .,:;()/+-@_*~`<&>hereñ\t\u200d"), max_size=40),
    limit=st.integers(1, 40),
)
def test_what_needs_no_escaping_comes_out_as_it_would_have_anyway(text: str, limit: int) -> None:
    assert escape(text, limit) == _escape(text, limit, _plain_marks)


def test_a_cut_keeps_letters_whole() -> None:
    assert cut("abcde\u0301f", 6) == "abcd…"
    assert cut("ok 👩\u200d🚀 done", 7) == "ok 👩…"
    assert cut("abc", 3) == "abc"
    assert escape("a<b<c", 9) == "a&lt;b…"
    assert cut_mrkdwn(Mrkdwn("see <@U0LEAD> now"), 9) == "see…"


def test_what_a_terminal_would_obey_is_gone() -> None:
    assert clean("\x1b[1;31mError\x1b[0m:\tno\r\n  \x00file\x07") == "Error: no file"
    assert clean("a\r\nb\tc", lines=True) == "a\nb\tc"
    assert clean("\ud83d") == "\ufffd"


def test_nobody_is_called_by_plain_words() -> None:
    assert escape("@here <!here>") == "@\u2060here &lt;!here&gt;"
    assert user("U0LEAD") == "<@U0LEAD>"
    assert user("<!channel>") == "&lt;!channel&gt;"
    assert (
        people("S0TEAM, <@U0LEAD> <!channel>") == "<!subteam^S0TEAM>, <@U0LEAD>, &lt;!channel&gt;"
    )


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://qa.yourapp.com/a?b=1&c", "<https://qa.yourapp.com/a?b=1&amp;c|qa>"),
        ("javascript:alert(1)", "qa"),
        ("https://x.example|y>", "qa"),
        ("https://x.example/\u202e", "qa"),
        ("", "qa"),
    ],
)
def test_only_a_web_address_is_a_link(url: str, shown: str) -> None:
    assert link(url, "qa") == shown


def test_a_click_is_read_back() -> None:
    assert verb_of("dyn:run") == verb_of("dyn:run:2") == "run"
    assert verb_of("other:run") == verb_of("") == verb_of("dyn") == ""
    assert split_value("k7m2|PROGRESSING") == ("k7m2", "PROGRESSING")
    assert typed("deploy a qa") == typed("/dynamo deploy a qa") == "/dynamo deploy a qa"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("*bold* _it_ ~x~", "|*|bold|*| |_|it|_| |~|x|~|"),
        ("(*bold*), said _he_.", "(|*|bold|*|), said |_|he|_|."),
        ("**b** *_x_*", "|*|*|b|*|*| |*|_|x|_|*|"),
        ("2 * 3 _ 4 ~ 5", "2 * 3 _ 4 ~ 5"),
        ("CONFIG_KEY a*b x~y", "CONFIG_KEY a*b x~y"),
    ],
)
def test_foreign_marks_style_nothing(text: str, shown: str) -> None:
    assert escape(text).replace("\u2060", "|") == shown
    assert "\u2060" not in code(text)


@QUICK
@given(text=st.text("*_~ab. (", max_size=30))
def test_no_foreign_mark_can_begin_or_end_a_style(text: str) -> None:
    """By Slack's own rule: before an opening mark and after a closing one stands a blank, a sign
    or nothing."""
    shown = f" {escape(text)} "
    for mark in re.finditer(r"[*_~]", shown):
        before, after = shown[mark.start() - 1], shown[mark.end()]
        assert not (before in " .(*_~" and after not in " \u2060")
        assert not (after in " .(*_~" and before not in " \u2060")
