//! Labels, call sites and function metrics, and the endpoints that serve them.

mod call_sites;
mod endpoint;
mod exemplars_off;
mod former_names;
mod from_zero;
mod function_labels;
mod in_flight;
mod labels;
mod process;
mod scrape;
mod statsd;
