"""Reads Prometheus text from standard input with the official parser; prints what it understood as JSON.

    [{"name": "rows", "type": "counter", "help": "...", "samples": [["rows_total", {"task": "load"}, "3.0"]]}]

Values are texts: JSON has no infinity and no NaN.
"""

import json
import sys

from prometheus_client.parser import text_string_to_metric_families


def main():
    text = sys.stdin.buffer.read().decode("utf-8")
    families = [
        {
            "name": family.name,
            "type": family.type,
            "help": family.documentation,
            "samples": [[s.name, s.labels, str(float(s.value))] for s in family.samples],
        }
        for family in text_string_to_metric_families(text)
    ]
    json.dump(families, sys.stdout)


if __name__ == "__main__":
    main()
