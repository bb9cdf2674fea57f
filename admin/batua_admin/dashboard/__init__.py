"""How the figures of a shop are drawn, and written as CSV. Reads nothing, and knows no page."""

from batua_admin.dashboard.charts import Bar, Chart, chart
from batua_admin.dashboard.exporting import CSV_FILES, export
from batua_admin.dashboard.spans import Span, spans, total

__all__ = ["CSV_FILES", "Bar", "Chart", "Span", "chart", "export", "spans", "total"]
