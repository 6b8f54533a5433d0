"""`status`: versions side by side across environments, and one workload with its pods.

Both are a Slack `table` with a text twin: `text` says the same in lines, for screen readers and
notifications. Where Slack refuses tables, `monospace=True` gives the same rows in fixed width.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from bot.cards import buttons, signs
from bot.cards.blocks import (
    TABLE_ROWS,
    Part,
    actions,
    context,
    fit,
    header,
    preformatted,
    section,
    table,
)
from bot.cards.card import Block, Card
from bot.cards.evidence import event_parts
from bot.cards.hold import lock_values, lock_words, locked_cell
from bot.cards.mrkdwn import (
    Mrkdwn,
    clean,
    escape,
    join,
    link,
    moment,
    plain,
    say,
    say_plain,
)
from bot.domain.status import (
    Cell,
    Health,
    PodState,
    PodStatus,
    ServiceStatus,
    StatusMatrix,
    WorkloadStatus,
)
from bot.text import Texts
from bot.text.sentences import age

SUMMARY = 150
NAME, VERSION, POD = 40, 40, 63
WARNINGS = 5
PODS = 50
ROWS_BUDGET = 10_000
"""JSON of a table, so that it and its twin stay within a message."""
TWIN = 2_000

_SIGN = {
    Health.READY: signs.OK,
    Health.PARTIAL: signs.WARNING,
    Health.DOWN: signs.BAD,
    Health.ROLLING: signs.BUSY,
    Health.STUCK: signs.WARNING,
    Health.PAUSED: signs.WARNING,
    Health.ZERO: signs.OPEN,
    Health.ABSENT: signs.OPEN,
    Health.UNKNOWN: signs.WARNING,
}
_POD_SIGN = {
    PodState.READY: signs.OK,
    PodState.STARTING: signs.BUSY,
    PodState.PENDING: signs.BUSY,
    PodState.FAILING: signs.BAD,
    PodState.ENDING: signs.OPEN,
    PodState.FINISHED: signs.OPEN,
}


def status_card(
    matrix: StatusMatrix, *, line: str, texts: Texts, now: datetime, monospace: bool = False
) -> Card:
    """Services down, environments across. `line`: what was typed, for "Refresh"."""
    heading = [texts("status.service"), *matrix.environments]
    rows = [
        [
            plain(item.service, NAME),
            *(_shown_cell(cell, texts, now, monospace) for cell in item.cells),
        ]
        for item in matrix.services
    ]
    shown = _fitting(rows)
    summary = _count(matrix.services, texts)
    parts = [
        Part(header(say_plain(texts, "status.title", 150))),
        Part(section(summary)),
        Part(_grid([heading, *shown], monospace)),
        *_left_out(len(rows) - len(shown), texts),
        Part(context(say(texts, "status.read_at", at=moment(matrix.at, "seconds"))), spare=1),
        *_refresh(line, texts),
    ]
    twin = [say(texts, "status.text", counts=_plain_count(summary)), *_twin(matrix, texts)]
    return fit(join(twin, "\n"), parts, shortened=say(texts, "common.shortened_here"), limit=TWIN)


def workload_card(
    status: WorkloadStatus,
    *,
    environment_title: str,
    base_url: str,
    line: str,
    texts: Texts,
    now: datetime,
    monospace: bool = False,
) -> Card:
    """One service in one environment: its version, pods, restarts, autoscaler, warnings."""
    cell = status.cell
    names: dict[str, object] = {
        "service": plain(status.service, NAME),
        "environment": plain(environment_title, NAME),
        "word": texts(f"status.word.{cell.health}"),
        "sign": _SIGN[cell.health],
        "serving": say(texts, "status.serving", ready=cell.ready, count=cell.desired),
    }
    parts = [
        Part(header(say_plain(texts, "status.workload.title", 150, **names))),
        Part(section(join(_workload_lines(status, names, texts, now), "\n"), limit=2_000)),
        *_pod_parts(status.pods, texts, now, monospace),
        *event_parts(status.warnings[-WARNINGS:], texts),
        *_link_parts(base_url),
        *_refresh(line, texts),
    ]
    version = plain(cell.version, VERSION) or texts("status.no_version")
    summary = say(texts, "status.workload.text", version=version, **names)
    return fit(summary, parts, shortened=say(texts, "common.shortened_here"), limit=SUMMARY)


def _link_parts(base_url: str) -> list[Part]:
    shown = link(base_url, base_url.partition("://")[2].rstrip("/"))
    return [Part(context(shown), spare=1)] if shown else []


def cell_text(cell: Cell, texts: Texts, now: datetime) -> str:
    """ "✅ 2.7.4 · ready 2/2 · 3 d": a sign, a word, figures."""
    word = texts(f"status.word.{cell.health}")
    pieces = [f"{_SIGN[cell.health]} {plain(cell.version, VERSION)}".strip()]
    if cell.health in (Health.ABSENT, Health.UNKNOWN):
        pieces = [f"{_SIGN[cell.health]} {word}"]
    else:
        pieces.append(f"{word} {cell.ready}/{cell.desired}")
    if cell.autoscaler is not None:
        scaler = cell.autoscaler
        pieces.append(texts("status.scaled", minimum=scaler.minimum, maximum=scaler.maximum))
    if cell.towards:
        pieces.append(f"→ {plain(cell.towards, VERSION)}")
    elif cell.since is not None:
        pieces.append(age((now - cell.since).total_seconds(), texts))
    return " · ".join(piece for piece in pieces if piece)


def _shown_cell(cell: Cell, texts: Texts, now: datetime, monospace: bool) -> str | Block:
    text = cell_text(cell, texts, now)
    if cell.lock is None:
        return text
    if monospace:
        return f"{text} · {lock_words(cell.lock, texts)}"
    return locked_cell(text, cell.lock, texts)


def _count(services: Sequence[ServiceStatus], texts: Texts) -> Mrkdwn:
    """ "16 ready · 1 rolling out · 1 down", what needs a look last and in bold."""
    counts = Counter(cell.health for service in services for cell in service.cells)
    pieces = []
    for health in Health:
        if counts[health]:
            said = say(texts, f"status.count.{health}", count=counts[health], sign=_SIGN[health])
            pieces.append(said)
    return join(pieces) or say(texts, "status.nothing")


def _plain_count(summary: Mrkdwn) -> Mrkdwn:
    return Mrkdwn(summary.replace("*", ""))


def _twin(matrix: StatusMatrix, texts: Texts) -> list[Mrkdwn]:
    lines = []
    for item in matrix.services:
        cells = [
            join([escape(title, NAME), _spoken(cell, texts)], " ")
            for title, cell in zip(matrix.environments, item.cells, strict=False)
        ]
        lines.append(Mrkdwn(f"{escape(item.service, NAME)}: {join(cells, '; ')}"))
    return lines


def _spoken(cell: Cell, texts: Texts) -> Mrkdwn:
    """ "1.3.2 partly ready 3/4"."""
    word = Mrkdwn(texts(f"status.word.{cell.health}"))
    if cell.health in (Health.ABSENT, Health.UNKNOWN):
        return word
    counts = Mrkdwn(f"{cell.ready}/{cell.desired}")
    held = [escape(lock_words(cell.lock, texts))] if cell.lock is not None else []
    return join([escape(cell.version, VERSION), word, counts, *held], " ")


def _workload_lines(
    status: WorkloadStatus, names: dict[str, object], texts: Texts, now: datetime
) -> list[Mrkdwn]:
    cell = status.cell
    if cell.health is Health.ABSENT:
        lines = [say(texts, "status.workload.absent", **names)]
    else:
        version = plain(cell.version, VERSION) or texts("status.no_version")
        lines = [say(texts, "status.workload.state", version=version, **names)]
    if cell.lock is not None:
        values = lock_values(cell.lock, now, texts)
        lines.append(say(texts, "status.lock.line", sign=signs.LOCKED, **values))
    if status.digest:
        digest = f"{status.digest[:11]}…{status.digest[-4:]}"
        lines.append(say(texts, "status.workload.digest", digest=digest))
    if cell.since is not None:
        lines.append(say(texts, "status.workload.since", since=moment(cell.since, "date")))
    if cell.towards:
        towards = plain(cell.towards, VERSION)
        lines.append(say(texts, f"status.towards.{cell.state or Health.STUCK}", towards=towards))
    if cell.autoscaler is not None:
        scaler = cell.autoscaler
        lines.append(
            say(
                texts,
                "status.workload.autoscaler",
                minimum=scaler.minimum,
                maximum=scaler.maximum,
                wanted=scaler.desired,
            )
        )
    return lines


def _pod_parts(
    pods: Sequence[PodStatus], texts: Texts, now: datetime, monospace: bool
) -> list[Part]:
    if not pods:
        return []
    columns = ("pod", "state", "restarts", "age", "version")
    heading = [texts(f"status.pod.{column}") for column in columns]
    rows = [_pod_row(pod, texts, now) for pod in pods[:PODS]]
    return [
        Part(_grid([heading, *rows], monospace), spare=2),
        *_left_out(len(pods) - len(rows), texts),
    ]


def _pod_row(pod: PodStatus, texts: Texts, now: datetime) -> list[str]:
    word = texts(f"status.pod_state.{pod.state}")
    reason = f" ({plain(pod.word, 40)})" if pod.word else ""
    return [
        plain(pod.name, POD),
        f"{_POD_SIGN[pod.state]} {word}{reason}",
        str(pod.restarts),
        age((now - pod.since).total_seconds(), texts) if pod.since else "",
        plain(pod.version, VERSION),
    ]


def _fitting(rows: list[list[str | Block]]) -> list[list[str | Block]]:
    """As many rows as a table and a message hold."""
    used, kept = 0, []
    for row in rows[: TABLE_ROWS - 1]:
        used += sum(len(ascii(cell)) + 32 for cell in row)  # the JSON around each cell
        if used > ROWS_BUDGET:
            break
        kept.append(row)
    return kept


def _grid(rows: Sequence[Sequence[str | Block]], monospace: bool) -> Block:
    if not monospace:
        return table(rows, wrapped=range(1, 20))
    cells = [[clean(cell) if isinstance(cell, str) else "" for cell in row] for row in rows]
    widths = [max(map(_width, column)) for column in zip(*cells, strict=False)]
    lines = [
        "  ".join(_pad(cell, width) for cell, width in zip(row, widths, strict=False))
        for row in cells
    ]
    return preformatted((text.rstrip() for text in lines), last=len(lines))


def _width(text: str) -> int:
    """Columns on a screen: wide characters take two, marks none."""
    return sum(_columns(character) for character in clean(text))


def _columns(character: str) -> int:
    if unicodedata.category(character).startswith("M"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _pad(text: str, width: int) -> str:
    return text + " " * max(0, width - _width(text))


def _left_out(count: int, texts: Texts) -> list[Part]:
    return [Part(context(say(texts, "status.more", count=count)))] if count > 0 else []


def _refresh(line: str, texts: Texts) -> list[Part]:
    again = buttons.run(line, texts("button.refresh"))
    return [Part(actions(again))] if again is not None else []
