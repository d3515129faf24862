"""Reads Prometheus text from standard input with the official parser; prints what it understood as JSON.
With the argument "openmetrics" the text is OpenMetrics 1.0, and a sample with an exemplar has a fourth
element: its labels, value and time.

    [{"name": "rows", "type": "counter", "help": "...", "samples": [["rows_total", {"task": "load"}, "3.0"]]}]

Values are texts: JSON has no infinity and no NaN.
"""

import json
import sys

from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics_parser


def row(sample):
    row = [sample.name, sample.labels, str(float(sample.value))]
    if sample.exemplar:
        exemplar = sample.exemplar
        row.append([exemplar.labels, str(float(exemplar.value)), str(exemplar.timestamp)])
    return row


def main():
    of = openmetrics_parser if sys.argv[1:] == ["openmetrics"] else parser
    text = sys.stdin.buffer.read().decode("utf-8")
    families = [
        {
            "name": family.name,
            "type": family.type,
            "help": family.documentation,
            "unit": family.unit,
            "samples": [row(sample) for sample in family.samples],
        }
        for family in of.text_string_to_metric_families(text)
    ]
    json.dump(families, sys.stdout)


if __name__ == "__main__":
    main()
