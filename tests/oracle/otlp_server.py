"""An OTLP receiver that shares no code with obs: HTTP/protobuf and gRPC on free loopback ports.

Prints one line of JSON, {"http": PORT, "grpc": PORT}, when it is ready; ends when its standard input does.
GET /dump answers with all that arrived, decoded, and with a list of everything that is not as the OTLP
specification (or common sense: times, parents) wants it:

    {"spans": [...], "metrics": [...], "logs": [...], "problems": ["..."], "requests": [...]}
"""

import gzip
import json
import os
import sys
import threading
from concurrent import futures
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc
from google.protobuf.message import DecodeError

import wire
from checks import Checks
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs_pb
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics_pb
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as trace_pb

# Signal -> (HTTP path, gRPC service, request type, response type).
SIGNALS = {
    "traces": ("/v1/traces", "opentelemetry.proto.collector.trace.v1.TraceService",
               trace_pb.ExportTraceServiceRequest, trace_pb.ExportTraceServiceResponse),
    "metrics": ("/v1/metrics", "opentelemetry.proto.collector.metrics.v1.MetricsService",
                metrics_pb.ExportMetricsServiceRequest, metrics_pb.ExportMetricsServiceResponse),
    "logs": ("/v1/logs", "opentelemetry.proto.collector.logs.v1.LogsService",
             logs_pb.ExportLogsServiceRequest, logs_pb.ExportLogsServiceResponse),
}


class Store:
    """Everything received, behind one lock."""

    def __init__(self):
        self.lock = threading.Lock()
        self.checks = Checks()
        self.spans, self.metrics, self.logs, self.requests = [], [], [], []

    def take(self, signal, transport, message, size):
        with self.lock:
            self.requests.append({"signal": signal, "transport": transport, "bytes": size})
            self.checks.unknown_fields(message, signal)
            if signal == "traces":
                spans = list(wire.spans(message, self.checks))
                for span in spans:
                    self.checks.span(span)
                self.spans += spans
            elif signal == "metrics":
                metrics = list(wire.metrics(message, self.checks))
                self.checks.metrics(metrics)
                self.metrics += metrics
            else:
                logs = list(wire.logs(message, self.checks))
                for record in logs:
                    self.checks.log(record)
                self.logs += logs

    def problem(self, text):
        with self.lock:
            self.checks.problem(text)

    def dump(self):
        with self.lock:
            return {
                "spans": self.spans,
                "metrics": self.metrics,
                "logs": self.logs,
                "requests": self.requests,
                "problems": self.checks.problems + self.checks.tree(self.spans),
            }


def http_handler(store):
    by_path = {path: (signal, request, response)
               for signal, (path, _, request, response) in SIGNALS.items()}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body leave as two writes: without this, each answer waits for a delayed ACK.
        disable_nagle_algorithm = True

        def answer(self, status, content_type, body):
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self):
            if self.path != "/dump":
                return self.answer(404, "text/plain", b"only /dump")
            self.answer(200, "application/json", json.dumps(store.dump()).encode())

        def body(self):
            if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
                parts = []
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    parts.append(self.rfile.read(size))
                    self.rfile.readline()
                self.rfile.readline()
                return b"".join(parts)
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))

        def do_POST(self):
            body = self.body()
            if self.path not in by_path:
                store.problem(f"POST to {self.path}")
                return self.answer(404, "text/plain", b"no such path")
            signal, request, response = by_path[self.path]
            if self.headers.get("Content-Type", "").split(";")[0].strip() != "application/x-protobuf":
                store.problem(f"{self.path}: Content-Type {self.headers.get('Content-Type')!r}")
            encoding = self.headers.get("Content-Encoding", "identity")
            try:
                if encoding == "gzip":
                    body = gzip.decompress(body)
                elif encoding != "identity":
                    raise ValueError(f"Content-Encoding {encoding!r}")
                message = request.FromString(body)
            except (DecodeError, OSError, EOFError, ValueError) as e:
                store.problem(f"{self.path}: {e}")
                return self.answer(400, "text/plain", str(e).encode())
            store.take(signal, "http", message, len(body))
            self.answer(200, "application/x-protobuf", response().SerializeToString())

        def log_message(self, *_):
            pass

    return Handler


def grpc_server(store):
    def handler(signal, request, response):
        def export(message, _context):
            store.take(signal, "grpc", message, message.ByteSize())
            return response()

        def decode(body):
            try:
                return request.FromString(body)
            except DecodeError as e:
                store.problem(f"gRPC {signal}: {e}")
                raise

        return grpc.unary_unary_rpc_method_handler(
            export, request_deserializer=decode, response_serializer=response.SerializeToString)

    server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
    for signal, (_, service, request, response) in SIGNALS.items():
        server.add_generic_rpc_handlers([
            grpc.method_handlers_generic_handler(service, {"Export": handler(signal, request, response)})])
    return server, server.add_insecure_port("127.0.0.1:0")


def main():
    store = Store()
    http = ThreadingHTTPServer(("127.0.0.1", 0), http_handler(store))
    http.daemon_threads = True
    threading.Thread(target=http.serve_forever, daemon=True).start()
    server, grpc_port = grpc_server(store)
    server.start()
    print(json.dumps({"http": http.server_address[1], "grpc": grpc_port}), flush=True)
    # The test holds the other end: when it is gone, however it went, so is this process.
    sys.stdin.buffer.read()
    os._exit(0)


main()
