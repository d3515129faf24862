"""OTLP messages as plain data."""


def value(any_value):
    """An AnyValue as JSON: bytes as {"bytes": hex}, an integer stays an integer."""
    kind = any_value.WhichOneof("value")
    if kind is None:
        return None
    raw = getattr(any_value, kind)
    if kind == "array_value":
        return [value(v) for v in raw.values]
    if kind == "kvlist_value":
        return {kv.key: value(kv.value) for kv in raw.values}
    if kind == "bytes_value":
        return {"bytes": raw.hex()}
    return raw


def attributes(pairs, checks, where):
    out = {}
    for pair in pairs:
        if not pair.key:
            checks.problem(f"{where}: empty attribute key")
        if pair.key in out:
            checks.problem(f"{where}: attribute {pair.key!r} twice")
        if pair.value.WhichOneof("value") is None:
            checks.problem(f"{where}: attribute {pair.key!r} without a value")
        out[pair.key] = value(pair.value)
    return out


SPAN_KINDS = ["unspecified", "internal", "server", "client", "producer", "consumer"]
STATUS_CODES = ["unset", "ok", "error"]


def enum(names, number, checks, where):
    if number < len(names):
        return names[number]
    checks.problem(f"{where}: unknown enum value {number}")
    return number


def spans(request, checks):
    for resource_spans in request.resource_spans:
        resource = attributes(resource_spans.resource.attributes, checks, "resource")
        for scope_spans in resource_spans.scope_spans:
            scope = {"name": scope_spans.scope.name, "version": scope_spans.scope.version}
            for span in scope_spans.spans:
                where = f"span {span.name!r} {span.span_id.hex()}"
                yield {
                    "name": span.name,
                    "trace_id": span.trace_id.hex(),
                    "span_id": span.span_id.hex(),
                    "parent_span_id": span.parent_span_id.hex(),
                    "trace_state": span.trace_state,
                    "flags": span.flags,
                    "kind": enum(SPAN_KINDS, span.kind, checks, where),
                    "start_unix_nanos": span.start_time_unix_nano,
                    "end_unix_nanos": span.end_time_unix_nano,
                    "status": {
                        "code": enum(STATUS_CODES, span.status.code, checks, where),
                        "message": span.status.message,
                    },
                    "attributes": attributes(span.attributes, checks, where),
                    "events": [
                        {
                            "name": event.name,
                            "unix_nanos": event.time_unix_nano,
                            "attributes": attributes(event.attributes, checks, f"{where} event {event.name!r}"),
                        }
                        for event in span.events
                    ],
                    "links": [
                        {
                            "trace_id": link.trace_id.hex(),
                            "span_id": link.span_id.hex(),
                            "attributes": attributes(link.attributes, checks, f"{where} link"),
                        }
                        for link in span.links
                    ],
                    "resource": resource,
                    "scope": scope,
                }


TEMPORALITY = ["unspecified", "delta", "cumulative"]


def metrics(request, checks):
    for resource_metrics in request.resource_metrics:
        resource = attributes(resource_metrics.resource.attributes, checks, "resource")
        for scope_metrics in resource_metrics.scope_metrics:
            for metric in scope_metrics.metrics:
                where = f"metric {metric.name!r}"
                kind = metric.WhichOneof("data")
                if kind is None:
                    checks.problem(f"{where}: no data")
                    continue
                data = getattr(metric, kind)
                out = {
                    "name": metric.name,
                    "description": metric.description,
                    "unit": metric.unit,
                    "kind": kind,
                    "resource": resource,
                    "scope": scope_metrics.scope.name,
                    "points": [point(p, kind, checks, where) for p in data.data_points],
                }
                if kind == "sum":
                    out["monotonic"] = data.is_monotonic
                if kind in ("sum", "histogram", "exponential_histogram"):
                    out["temporality"] = enum(TEMPORALITY, data.aggregation_temporality, checks, where)
                yield out


def point(p, kind, checks, where):
    out = {
        "attributes": attributes(p.attributes, checks, where),
        "start_unix_nanos": p.start_time_unix_nano,
        "unix_nanos": p.time_unix_nano,
    }
    if kind in ("sum", "gauge"):
        which = p.WhichOneof("value")
        out["value"] = getattr(p, which) if which else None
    elif kind == "histogram":
        out |= {
            "count": p.count,
            "sum": p.sum,
            "bounds": list(p.explicit_bounds),
            "counts": list(p.bucket_counts),
        }
    elif kind == "exponential_histogram":
        out |= {
            "count": p.count,
            "sum": p.sum,
            "scale": p.scale,
            "zero_count": p.zero_count,
            "positive": list(p.positive.bucket_counts),
            "negative": list(p.negative.bucket_counts),
        }
    if kind in ("sum", "gauge", "histogram", "exponential_histogram"):
        out["exemplars"] = [
            {"trace_id": e.trace_id.hex(), "span_id": e.span_id.hex()} for e in p.exemplars
        ]
    return out


def logs(request, checks):
    for resource_logs in request.resource_logs:
        resource = attributes(resource_logs.resource.attributes, checks, "resource")
        for scope_logs in resource_logs.scope_logs:
            for record in scope_logs.log_records:
                yield {
                    "unix_nanos": record.time_unix_nano,
                    "observed_unix_nanos": record.observed_time_unix_nano,
                    "severity": record.severity_number,
                    "severity_text": record.severity_text,
                    "event_name": record.event_name,
                    "flags": record.flags,
                    "scope": scope_logs.scope.name,
                    "body": value(record.body),
                    "attributes": attributes(record.attributes, checks, "log record"),
                    "trace_id": record.trace_id.hex(),
                    "span_id": record.span_id.hex(),
                    "resource": resource,
                }
