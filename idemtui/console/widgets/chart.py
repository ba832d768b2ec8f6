"""A chart that fills its place; it is drawn in a thread, so a slow drawing never holds up a key."""

from __future__ import annotations

from functools import partial

from rich.text import Text
from textual import work
from textual.app import RenderResult
from textual.widget import Widget

from idemtui.console.asking import in_thread
from idemtui.console.charts import Chart, draw


class ChartPane(Widget):
    """Shows one chart, drawn anew when the chart or the size changes."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.chart: Chart | None = None
        self._drawing = Text("")

    def show_chart(self, chart: Chart) -> None:
        """Take a chart; one that equals what is shown costs nothing."""
        if chart != self.chart:
            self.chart = chart
            self._draw_soon()

    def on_resize(self) -> None:
        """Fit the new size."""
        self._draw_soon()

    def render(self) -> RenderResult:
        """The last finished drawing."""
        return self._drawing

    def _draw_soon(self) -> None:
        if self.chart is not None and self.size.area:
            self._draw(self.chart)

    @work(group="draw", exclusive=True)
    async def _draw(self, chart: Chart) -> None:
        self._drawing = await in_thread(partial(draw, chart, *self.size))
        self.refresh()
