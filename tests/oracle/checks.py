"""What must hold of OTLP data, whoever sent it."""

from google.protobuf.unknown_fields import UnknownFieldSet

# Values of `trace.proto` for the two bits that say whether `flags` knows of a remote parent.
HAS_IS_REMOTE, IS_REMOTE = 0x100, 0x200


class Checks:
    def __init__(self):
        self.problems = []
        self.seen_spans = set()
        self.last_sums = {}
        # When the last interval of a delta ended, by series.
        self.last_times = {}

    def problem(self, text):
        self.problems.append(text)

    def unknown_fields(self, message, where):
        for field in UnknownFieldSet(message):
            self.problem(f"{where}: unknown field {field.field_number}")
        for descriptor, content in message.ListFields():
            if descriptor.message_type is None:
                continue
            inner = content if descriptor.is_repeated else [content]
            for item in inner:
                self.unknown_fields(item, f"{where}.{descriptor.name}")

    def id(self, text, length, where):
        if len(text) != 2 * length or not text.strip("0"):
            self.problem(f"{where}: {text!r} is no id of {length} bytes")

    def span(self, span):
        where = f"span {span['name']!r} {span['span_id']}"
        if not span["name"]:
            self.problem(f"{where}: no name")
        self.id(span["trace_id"], 16, where)
        self.id(span["span_id"], 8, where)
        if span["parent_span_id"]:
            self.id(span["parent_span_id"], 8, f"{where} parent")
        if span["kind"] == "unspecified":
            self.problem(f"{where}: kind is unspecified")
        key = (span["trace_id"], span["span_id"])
        if key in self.seen_spans:
            self.problem(f"{where}: sent twice")
        self.seen_spans.add(key)
        if not 0 < span["start_unix_nanos"] <= span["end_unix_nanos"]:
            self.problem(f"{where}: starts {span['start_unix_nanos']}, ends {span['end_unix_nanos']}")
        for link in span["links"]:
            self.id(link["trace_id"], 16, f"{where} link")
            self.id(link["span_id"], 8, f"{where} link")
        for event in span["events"]:
            if not event["name"] or not event["unix_nanos"]:
                self.problem(f"{where}: event without name or time: {event}")
        if span["status"]["message"] and span["status"]["code"] != "error":
            self.problem(f"{where}: a status message without an error")
        if "service.name" not in span["resource"]:
            self.problem(f"{where}: the resource has no service.name")
        if not span["scope"]["name"]:
            self.problem(f"{where}: the scope has no name")
        if span["flags"] & IS_REMOTE and not span["flags"] & HAS_IS_REMOTE:
            self.problem(f"{where}: flags {span['flags']:#x}")

    def log(self, record):
        where = f"log record {record['body']!r} {record['event_name']!r}"
        if not record["observed_unix_nanos"]:
            self.problem(f"{where}: no observed time")
        if record["unix_nanos"] > record["observed_unix_nanos"]:
            self.problem(f"{where}: observed before it happened")
        if not 1 <= record["severity"] <= 24:
            self.problem(f"{where}: severity {record['severity']}")
        if bool(record["trace_id"]) != bool(record["span_id"]):
            self.problem(f"{where}: one id of two")
        if record["trace_id"]:
            self.id(record["trace_id"], 16, where)
            self.id(record["span_id"], 8, where)
        if record["body"] is None and not record["event_name"]:
            self.problem(f"{where}: says nothing")
        if "service.name" not in record["resource"]:
            self.problem(f"{where}: the resource has no service.name")

    def tree(self, spans):
        """Problems between spans; only known when all have come."""
        by_id = {(s["trace_id"], s["span_id"]): s for s in spans}
        out = []
        for span in spans:
            parent = by_id.get((span["trace_id"], span["parent_span_id"]))
            if parent and span["start_unix_nanos"] < parent["start_unix_nanos"]:
                early = parent["start_unix_nanos"] - span["start_unix_nanos"]
                out.append(f"span {span['name']!r} starts {early} ns before its parent {parent['name']!r}")
            # A root seen from itself: a loop would never end.
            seen, at = set(), span
            while at:
                key = (at["trace_id"], at["span_id"])
                if key in seen:
                    out.append(f"span {span['name']!r} is its own ancestor")
                    break
                seen.add(key)
                at = by_id.get((at["trace_id"], at["parent_span_id"]))
        return out

    def metrics(self, metrics):
        """One request's metrics."""
        names = set()
        for metric in metrics:
            where = f"metric {metric['name']!r}"
            if not metric["name"]:
                self.problem(f"{where}: no name")
            key = (metric["scope"], metric["name"])
            if key in names:
                self.problem(f"{where}: twice in one request")
            names.add(key)
            if metric.get("temporality") == "unspecified":
                self.problem(f"{where}: temporality is unspecified")
            series = set()
            for point in metric["points"]:
                labels = tuple(sorted((k, str(v)) for k, v in point["attributes"].items()))
                if labels in series:
                    self.problem(f"{where}: series {labels} twice in one request")
                series.add(labels)
                self.point(metric, point, labels, where)

    def point(self, metric, point, labels, where):
        if not point["unix_nanos"]:
            self.problem(f"{where}: a point without a time")
        if point["start_unix_nanos"] > point["unix_nanos"]:
            self.problem(f"{where}: a point that starts after its time")
        if metric["kind"] == "histogram":
            bounds, counts = point["bounds"], point["counts"]
            if len(counts) != len(bounds) + 1 and counts:
                self.problem(f"{where}: {len(bounds)} bounds, {len(counts)} buckets")
            if sum(counts) != point["count"]:
                self.problem(f"{where}: buckets hold {sum(counts)}, count is {point['count']}")
            if any(a >= b for a, b in zip(bounds, bounds[1:])):
                self.problem(f"{where}: bounds do not ascend: {bounds}")
            total = point["count"]
        elif metric["kind"] == "exponential_histogram":
            buckets = point["positive"] + point["negative"]
            if sum(buckets) + point["zero_count"] != point["count"]:
                self.problem(f"{where}: buckets hold {sum(buckets)}, count is {point['count']}")
            if not -10 <= point["scale"] <= 20:
                self.problem(f"{where}: scale {point['scale']}")
            if max(len(point["positive"]), len(point["negative"])) > 160:
                self.problem(f"{where}: more than 160 buckets")
            total = point["count"]
        elif point["value"] is None:
            return self.problem(f"{where}: a point without a value")
        else:
            total = point["value"] if metric.get("monotonic") else None
        if metric.get("temporality") == "delta":
            key = (metric["scope"], metric["name"], labels)
            if point["start_unix_nanos"] < self.last_times.get(key, 0):
                self.problem(f"{where}: series {labels}: an interval begins before the last one ended")
            self.last_times[key] = point["unix_nanos"]
        if total is None or metric.get("temporality") != "cumulative":
            return
        key = (metric["scope"], metric["name"], labels, point["start_unix_nanos"])
        if total < self.last_sums.get(key, 0):
            self.problem(f"{where}: series {labels} went from {self.last_sums[key]} to {total}")
        self.last_sums[key] = total
