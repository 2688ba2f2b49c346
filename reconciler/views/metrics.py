"""Drift in the text format of Prometheus, for the textfile collector of its node exporter."""

from __future__ import annotations

from reconciler.model import Plan
from reconciler.reports.characters import visible
from reconciler.reports.drift_metrics import Metric, Sample, drift_metrics
from reconciler.views.text_layout import Page

_ESCAPED = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
"""What the format escapes in the value of a label."""


def drift(plan: Plan, page: Page) -> str:
    """Every metric with its help and type; one without a sample has neither."""
    found = (metric for metric in drift_metrics(plan, page.seconds) if metric.samples)
    return "\n".join(line for metric in found for line in _lines(metric)) + "\n"


def _lines(metric: Metric) -> list[str]:
    return [
        f"# HELP {metric.name} {metric.says}",
        f"# TYPE {metric.name} gauge",
        *(f"{metric.name}{_labels(sample)} {_number(sample.value)}" for sample in metric.samples),
    ]


def _labels(sample: Sample) -> str:
    pairs = [f'{name}="{visible(value).translate(_ESCAPED)}"' for name, value in sample.labels.items()]
    return f"{{{','.join(pairs)}}}" if pairs else ""


def _number(value: float) -> str:
    """In full: six digits of a float would move a moment by minutes."""
    return str(int(value)) if value == int(value) else repr(value)
