"""A second opinion on the names of model calls: pytest-genai-semconv, whose tables nobody here wrote.

Reads what otlp_server.py dumps on standard input; prints a list of [span, finding] for every span that has any
attribute `gen_ai.*`.
"""

import json
import sys
from types import SimpleNamespace

from pytest_genai_semconv import GenAISpanComplianceError, assert_chat_span, assert_genai_span_compliant


def findings(span):
    kind = SimpleNamespace(name=span["kind"].upper())
    seen = SimpleNamespace(name=span["name"], kind=kind, attributes=span["attributes"])
    checks = [assert_genai_span_compliant]
    if span["attributes"].get("gen_ai.operation.name") == "chat":
        checks.append(assert_chat_span)
    found = []
    for check in checks:
        try:
            check(seen)
        except GenAISpanComplianceError as error:
            found += [text for text in error.violations if text not in found]
    return found


spans = [s for s in json.load(sys.stdin)["spans"] if any(k.startswith("gen_ai.") for k in s["attributes"])]
if not spans:
    sys.exit("no span of a model call")
print(json.dumps([[span["name"], text] for span in spans for text in findings(span)]))
