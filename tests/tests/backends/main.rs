//! What real servers, and receivers that share no code with obs, make of what it sends.

mod aimock;
mod conformance;
mod exemplars;
mod first_failures;
mod hostile_pages;
mod meters;
mod mlflow;
mod model_calls;
mod native_histograms;
mod oracle;
mod otlp;
mod otlp_metrics;
mod otlp_program;
mod phoenix;
mod prometheus;
mod rotel;
mod statsd;
mod victoria_metrics;
