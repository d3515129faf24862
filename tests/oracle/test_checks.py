"""The oracle itself: good data passes, and each kind of bad data is named."""

import unittest

import wire
from checks import Checks
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1 import metrics_pb2 as m
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status


def text(key, content):
    return KeyValue(key=key, value=AnyValue(string_value=content))


def trace_request(*spans):
    request = ExportTraceServiceRequest()
    rs = request.resource_spans.add()
    rs.resource.attributes.append(text("service.name", "s"))
    ss = rs.scope_spans.add()
    ss.scope.name = "obs"
    ss.spans.extend(spans)
    return request


def span(**changes):
    good = {
        "name": "work", "trace_id": b"\1" * 16, "span_id": b"\2" * 8, "kind": Span.SPAN_KIND_INTERNAL,
        "start_time_unix_nano": 10, "end_time_unix_nano": 20, "attributes": [text("k", "v")],
    }
    return Span(**(good | changes))


def problems(*spans):
    checks = Checks()
    request = trace_request(*spans)
    checks.unknown_fields(request, "traces")
    decoded = list(wire.spans(request, checks))
    for s in decoded:
        checks.span(s)
    return checks.problems + checks.tree(decoded)


def metric_problems(*metrics):
    """One request for each metric, so that a cumulative sum can be followed."""
    checks = Checks()
    for metric in metrics:
        request = ExportMetricsServiceRequest()
        request.resource_metrics.add().scope_metrics.add().metrics.append(metric)
        checks.unknown_fields(request, "metrics")
        checks.metrics(list(wire.metrics(request, checks)))
    return checks.problems


def counter(*values):
    points = [m.NumberDataPoint(as_int=v, start_time_unix_nano=1, time_unix_nano=2) for v in values]
    return m.Metric(name="c", sum=m.Sum(data_points=points, is_monotonic=True, aggregation_temporality=2))


def histogram(counts, count):
    p = m.HistogramDataPoint(bucket_counts=counts, explicit_bounds=[1.0], count=count, time_unix_nano=2)
    return m.Metric(name="h", histogram=m.Histogram(data_points=[p], aggregation_temporality=2))


def exponential(counts, count):
    buckets = m.ExponentialHistogramDataPoint.Buckets(offset=-2, bucket_counts=counts)
    p = m.ExponentialHistogramDataPoint(positive=buckets, zero_count=1, scale=3, count=count, time_unix_nano=2)
    return m.Metric(name="e", exponential_histogram=m.ExponentialHistogram(data_points=[p], aggregation_temporality=2))


def delta(start, end):
    p = m.NumberDataPoint(as_int=1, start_time_unix_nano=start, time_unix_nano=end)
    return m.Metric(name="d", sum=m.Sum(data_points=[p], is_monotonic=True, aggregation_temporality=1))


class Spans(unittest.TestCase):
    def test_good(self):
        child = span(span_id=b"\3" * 8, parent_span_id=b"\2" * 8, start_time_unix_nano=11)
        self.assertEqual(problems(span(), child), [])

    def test_bad(self):
        cases = {
            "no id of 16 bytes": [span(trace_id=b"\0" * 16)],
            "no id of 8 bytes": [span(span_id=b"\2" * 7)],
            "sent twice": [span(), span()],
            "starts 30, ends 20": [span(start_time_unix_nano=30)],
            "starts 0": [span(start_time_unix_nano=0)],
            "before its parent": [span(), span(span_id=b"\3" * 8, parent_span_id=b"\2" * 8, start_time_unix_nano=9)],
            "its own ancestor": [span(parent_span_id=b"\2" * 8)],
            "attribute 'k' twice": [span(attributes=[text("k", "v"), text("k", "w")])],
            "empty attribute key": [span(attributes=[text("", "v")])],
            "without a value": [span(attributes=[KeyValue(key="k")])],
            "kind is unspecified": [span(kind=0)],
            "no name": [span(name="")],
            "message without an error": [span(status=Status(message="m"))],
        }
        for expected, spans in cases.items():
            found = problems(*spans)
            self.assertTrue(any(expected in p for p in found), f"{expected}: {found}")

    def test_unknown_fields_at_any_depth(self):
        # Field 99, varint 1, appended to the encoded span.
        request = trace_request(Span.FromString(span().SerializeToString() + b"\x98\x06\x01"))
        checks = Checks()
        checks.unknown_fields(ExportTraceServiceRequest.FromString(request.SerializeToString()), "traces")
        self.assertEqual(checks.problems, ["traces.resource_spans.scope_spans.spans: unknown field 99"])


def log_problems(**changes):
    good = {
        "time_unix_nano": 10, "observed_time_unix_nano": 10, "severity_number": 9,
        "body": AnyValue(string_value="said"), "trace_id": b"\1" * 16, "span_id": b"\2" * 8,
    }
    request = ExportLogsServiceRequest()
    logs = request.resource_logs.add()
    logs.resource.attributes.append(text("service.name", "s"))
    logs.scope_logs.add().log_records.append(LogRecord(**(good | changes)))
    checks = Checks()
    checks.unknown_fields(request, "logs")
    for record in wire.logs(request, checks):
        checks.log(record)
    return checks.problems


class Logs(unittest.TestCase):
    def test_good(self):
        self.assertEqual(log_problems(), [])
        self.assertEqual(log_problems(trace_id=b"", span_id=b""), [])
        self.assertEqual(log_problems(body=None, event_name="exception"), [])

    def test_bad(self):
        cases = {
            "no observed time": {"observed_time_unix_nano": 0},
            "observed before it happened": {"time_unix_nano": 11},
            "severity 0": {"severity_number": 0},
            "one id of two": {"span_id": b""},
            "no id of 8 bytes": {"span_id": b"\1" * 7},
            "says nothing": {"body": None},
            "attribute 'k' twice": {"attributes": [text("k", "v"), text("k", "w")]},
        }
        for expected, changes in cases.items():
            found = log_problems(**changes)
            self.assertTrue(any(expected in p for p in found), f"{expected}: {found}")


class Metrics(unittest.TestCase):
    def test_good(self):
        self.assertEqual(metric_problems(counter(1), counter(2), histogram([1, 2], 3)), [])
        self.assertEqual(metric_problems(exponential([1, 0, 4], 6), delta(1, 2), delta(2, 3)), [])

    def test_bad(self):
        cases = {
            "twice in one request": [counter(1, 2)],
            "went from 2 to 1": [counter(2), counter(1)],
            "buckets hold 3, count is 4": [histogram([1, 2], 4)],
            "1 bounds, 1 buckets": [histogram([3], 3)],
            "buckets hold 5, count is 5": [exponential([1, 4], 5)],
            "more than 160 buckets": [exponential([1] * 161, 162)],
            "begins before the last one ended": [delta(1, 3), delta(2, 4)],
            "no data": [m.Metric(name="c")],
            "no name": [m.Metric(sum=m.Sum(aggregation_temporality=2))],
            "temporality is unspecified": [m.Metric(name="c", sum=m.Sum())],
        }
        for expected, metrics in cases.items():
            found = metric_problems(*metrics)
            self.assertTrue(any(expected in p for p in found), f"{expected}: {found}")


if __name__ == "__main__":
    unittest.main()
