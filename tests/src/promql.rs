//! The query language of Prometheus, and of those who speak it too.

use serde_json::Value;

use crate::http;
use crate::server::until;

/// A server that answers queries.
#[derive(Clone, Copy, Debug)]
pub struct PromQl {
    port: u16,
}

impl PromQl {
    /// At that port of this machine.
    pub fn new(port: u16) -> Self {
        Self { port }
    }

    /// The result of an instant query: the series with their values.
    ///
    /// # Panics
    /// When the server refuses the query.
    pub fn query(self, promql: &str) -> Vec<(Value, f64)> {
        let json = self.ask(promql, "query", "");
        let series = json["data"]["result"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let value = |s: &Value| s["value"][1].as_str().and_then(|v| v.parse().ok());
        series
            .iter()
            .map(|s| (s["metric"].clone(), value(s).expect("a number")))
            .collect()
    }

    /// The only series of a query.
    ///
    /// # Panics
    /// When there is none, or more than one.
    pub fn only(self, promql: &str) -> (Value, f64) {
        let result = self.query(promql);
        let [(labels, value)] = &result[..] else {
            panic!("{promql}: {result:?}");
        };
        (labels.clone(), *value)
    }

    /// Asks until the query has a result.
    ///
    /// # Panics
    /// When there is none after five minutes.
    pub fn query_until_result(self, promql: &str) -> Vec<(Value, f64)> {
        until(promql, || {
            let result = self.query(promql);
            (!result.is_empty()).then_some(result)
        })
    }

    /// Asks until a series that the query selects has exemplars: each with its series' labels.
    ///
    /// # Panics
    /// When there is none after five minutes.
    pub fn exemplars_until_result(self, promql: &str) -> Vec<(Value, Value)> {
        until(promql, || {
            // All of time: the tests' clocks are their own.
            let json = self.ask(promql, "query_exemplars", "&start=0&end=99999999999");
            let series = json["data"].as_array().cloned().unwrap_or_default();
            let all: Vec<_> = series
                .iter()
                .flat_map(|s| {
                    let exemplars = s["exemplars"].as_array().cloned().unwrap_or_default();
                    exemplars
                        .into_iter()
                        .map(|e| (s["seriesLabels"].clone(), e))
                })
                .collect();
            (!all.is_empty()).then_some(all)
        })
    }

    fn ask(self, promql: &str, endpoint: &str, more: &str) -> Value {
        let encoded: Vec<_> = promql.bytes().map(|b| format!("%{b:02X}")).collect();
        let path = format!("/api/v1/{endpoint}?query={}{more}", encoded.concat());
        let answer = http::get(self.port, &path, "").expect("the server answers");
        // Long answers are chunked; the JSON lies between the lengths.
        let head = answer.head.to_ascii_lowercase();
        let body = if head.contains("transfer-encoding: chunked") {
            unchunked(&answer.body)
        } else {
            answer.body
        };
        let json: Value = serde_json::from_str(&body).expect("the server speaks JSON");
        assert_eq!(json["status"], "success", "{promql}: {json}");
        json
    }
}

/// The content of a chunked body (RFC 9112, section 7.1).
fn unchunked(body: &str) -> String {
    let mut out = String::new();
    let mut rest = body;
    while let Some((length, after)) = rest.split_once("\r\n") {
        let length = usize::from_str_radix(length, 16).expect("a chunk's length");
        out.push_str(&after[..length]);
        rest = after[length..].trim_start_matches("\r\n");
    }
    out
}
