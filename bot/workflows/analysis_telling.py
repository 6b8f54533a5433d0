"""What an analysis tells people: its message, its thread, and the link to its graphs. Pure."""

import re
from dataclasses import replace
from urllib.parse import quote

from bot.cards.card import Card
from bot.cards.chart import Chart, chart_of
from bot.cards.summary import summary_card, wants_chart
from bot.cards.summary_details import details_card
from bot.cards.summary_words import Shown
from bot.domain.analysis import Analysis
from bot.domain.permission import people_of
from bot.domain.policy import parity_pair
from bot.text import Texts
from config.catalog import AnalysisTimes, Catalog, Environment, UnknownNameError


def summary_of(analysis: Analysis, catalog: Catalog, *, drawn: bool) -> Card:
    """The message, in the language of its channel. `drawn`: Slack draws the chart itself."""
    shown, texts = _shown(analysis, catalog, drawn=drawn)
    card = summary_card(analysis, shown, texts)
    return replace(card, strict=drawn and shown.chart is not None)


def details_of(analysis: Analysis, catalog: Catalog) -> Card:
    """The reply in its thread."""
    shown, texts = _shown(analysis, catalog, drawn=True)
    return details_card(analysis, shown, texts)


def chart_for(analysis: Analysis, catalog: Catalog) -> Chart | None:
    """What is worth a picture; None where nothing is."""
    return _shown(analysis, catalog, drawn=False)[0].chart


def dashboard_of(analysis: Analysis, environment: Environment) -> str:
    """The address of its graphs with both windows filled in; "" where none is configured."""
    windows = analysis.windows
    if not environment.dashboard or windows is None:
        return ""
    values = {
        "service": analysis.service,
        "environment": analysis.environment,
        "namespace": environment.namespace,
        "version": analysis.version,
        "from": str(int(windows.before.start.timestamp() * 1000)),
        "to": str(int(windows.after.end.timestamp() * 1000)),
    }
    return re.sub(
        r"\{([^{}]*)\}",
        lambda name: quote(values.get(name[1], ""), safe=""),
        environment.dashboard,
    )


def _shown(analysis: Analysis, catalog: Catalog, *, drawn: bool) -> tuple[Shown, Texts]:
    environment = _environment(analysis, catalog)
    texts = Texts.of(environment.language if environment else catalog.language)
    title = catalog.title_of(analysis.environment, texts.language)
    times = (environment.analysis if environment else None) or AnalysisTimes()
    shown = Shown(
        environment_title=title,
        dashboard=dashboard_of(analysis, environment) if environment else "",
        called=_owners(analysis, catalog),
        final_at=analysis.completed + times.final if analysis.completed else None,
        chart=chart_of(analysis, title, texts) if wants_chart(analysis) else None,
        drawn=drawn,
        pair=parity_pair(environment, catalog) if environment else None,
    )
    return shown, texts


def _owners(analysis: Analysis, catalog: Catalog) -> str:
    try:
        service = catalog.service(analysis.service)
    except UnknownNameError:
        return ""
    return people_of(catalog.role(name) for name in service.owners)


def _environment(analysis: Analysis, catalog: Catalog) -> Environment | None:
    """None where `dynamo.yml` no longer has it."""
    try:
        return catalog.environment(analysis.environment)
    except UnknownNameError:
        return None
