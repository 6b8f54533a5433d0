"""The chart of an analysis as a picture, drawn in the workbench's process and nowhere else:
matplotlib takes longer to load than a bot may stand still.

Readable on a light and on a dark page (a ground of its own) and without colour: the versions differ
by line, mark and name, the rollout is a hatched band, the limit a dotted line with its name.
"""

from __future__ import annotations

import io

from bot.cards.chart import Chart, Point

_INK, _SOFT, _GRID = "#1b1f2a", "#474e60", "#d5d9e2"
_GROUND = "#f6f7fa"
_OLD, _NEW, _LIMIT = "#3949c4", "#b9243a", "#474e60"


def draw(chart: Chart) -> bytes:
    """A PNG of 1,200 × 520 pixels."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 3.25), dpi=160, facecolor=_GROUND, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_facecolor(_GROUND)
    _line(axes, chart.before, chart.before_name, _OLD, "--", "o")
    _line(axes, chart.after, chart.after_name, _NEW, "-", "s")
    axes.axvspan(
        0,
        max(chart.rolled, 0.3),
        facecolor="none",
        edgecolor=_SOFT,
        hatch="////",
        linewidth=0.8,
        label=chart.rollout_name,
    )
    if chart.limit is not None:
        axes.axhline(
            chart.limit, color=_LIMIT, linestyle=":", linewidth=1.6, label=chart.limit_name
        )
    axes.set_title(chart.title, color=_INK, fontsize=11, fontweight="bold", loc="left", pad=26)
    axes.set_xlabel(chart.minutes_name, color=_SOFT, fontsize=9)
    axes.set_ylabel(chart.y_label, color=_SOFT, fontsize=9)
    axes.tick_params(colors=_SOFT, labelsize=8.5)
    axes.grid(visible=True, color=_GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(_GRID)
    top = max((point.value for point in (*chart.before, *chart.after)), default=1.0)
    axes.set_ylim(0, max(top, chart.limit or 0.0) * 1.12 or 1.0)
    axes.legend(
        loc=3,  # its lower left corner
        bbox_to_anchor=(0, 1.0),
        ncols=4,
        frameon=False,
        fontsize=8.5,
        labelcolor=_INK,
        handlelength=2.6,
        borderaxespad=0.2,
    )
    file = io.BytesIO()
    canvas.print_png(file)  # type: ignore[no-untyped-call]
    return file.getvalue()


def _line(
    axes: object, points: tuple[Point, ...], name: str, colour: str, style: str, mark: str
) -> None:
    axes.plot(  # type: ignore[attr-defined]
        [point.minutes for point in points],
        [point.value for point in points],
        color=colour,
        linestyle=style,
        linewidth=1.8,
        marker=mark,
        markersize=3.6,
        label=name,
    )
