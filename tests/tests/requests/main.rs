//! Requests over HTTP and gRPC, on both sides.

mod grpc_server;
mod http_client;
mod http_off;
