//! Which format a client wants (RFC 9110, section 12.5.1; Prometheus documentation, "Content
//! negotiation").

use super::{CONTENT_TYPE, Format};

/// What to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Negotiated {
    /// How to write the metrics.
    pub format: Format,
    /// The value of the header `Content-Type`.
    pub content_type: &'static str,
}

const TEXT: Negotiated = Negotiated {
    format: Format::Text,
    content_type: CONTENT_TYPE,
};

/// Returns the best format for the header `Accept`: the one with the highest weight, the first of equals. Prometheus'
/// text format 0.0.4 where there is no header (an empty text), or nothing fits.
///
/// Every name is written with underscores, which is also what the parameter `escaping` makes of
/// it, whether it says `underscores`, `values` or `allow-utf-8`; the answer repeats it.
/// `escaping=dots` is answered with `underscores`.
///
/// ```
/// use obs_runtime::exporter::prometheus::{Format, negotiate};
///
/// let wanted = negotiate("application/openmetrics-text; version=1.0.0, text/plain; q=0.5");
/// assert_eq!(wanted.format, Format::OpenMetrics);
/// assert_eq!(negotiate("").content_type, "text/plain; version=0.0.4; charset=utf-8");
/// ```
pub fn negotiate(accept: &str) -> Negotiated {
    let mut best = (0.0, TEXT);
    for range in weighted(accept) {
        if range.weight > best.0
            && let Some(answer) = offer(&range)
        {
            best = (range.weight, answer);
        }
    }
    best.1
}

/// A content type with each escaping that a client may ask for: all of them give the same text.
macro_rules! escaping {
    ($range:expr, $content_type:literal) => {
        match $range.parameter("escaping") {
            Some("allow-utf-8") => concat!($content_type, "; escaping=allow-utf-8"),
            Some("values") => concat!($content_type, "; escaping=values"),
            _ => concat!($content_type, "; escaping=underscores"),
        }
    };
}

/// Returns what we have of a media range.
fn offer(range: &Weighted<'_>) -> Option<Negotiated> {
    let version = range.parameter("version").unwrap_or_default();
    let (format, content_type) = match (&*range.name, version) {
        ("application/openmetrics-text", "0.0.1") => (
            Format::OpenMetrics,
            "application/openmetrics-text; version=0.0.1; charset=utf-8",
        ),
        ("application/openmetrics-text", "" | "1.0.0") | ("application/*", "") => (
            Format::OpenMetrics,
            escaping!(
                range,
                "application/openmetrics-text; version=1.0.0; charset=utf-8"
            ),
        ),
        // Like 0.0.4 as long as no name needs quotes.
        ("text/plain", "1.0.0") => (
            Format::Text,
            escaping!(range, "text/plain; version=1.0.0; charset=utf-8"),
        ),
        ("text/plain", "" | "0.0.4") | ("text/*" | "*/*", _) => (Format::Text, CONTENT_TYPE),
        _ => return None,
    };
    Some(Negotiated {
        format,
        content_type,
    })
}

/// One element of a header such as `Accept` or `Accept-Encoding`.
pub(crate) struct Weighted<'a> {
    /// In lower case.
    pub(crate) name: String,
    parameters: &'a str,
    /// 0 (never) to 1; an element without a valid one has 1.
    pub(crate) weight: f32,
}

impl Weighted<'_> {
    fn parameter(&self, name: &str) -> Option<&str> {
        parameter(self.parameters, name)
    }
}

fn parameter<'a>(parameters: &'a str, name: &str) -> Option<&'a str> {
    let mut pairs = parameters.split(';').filter_map(|p| p.split_once('='));
    let found = pairs.find(|(key, _)| key.trim().eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.trim().trim_matches('"'))
}

/// Returns the elements of a header with their weights (RFC 9110, section 12.4.2).
pub(crate) fn weighted(header: &str) -> impl Iterator<Item = Weighted<'_>> {
    header.split(',').map(|element| {
        let (name, parameters) = element.split_once(';').unwrap_or((element, ""));
        let weight = parameter(parameters, "q").and_then(|q| q.parse::<f32>().ok());
        Weighted {
            name: name.trim().to_ascii_lowercase(),
            parameters,
            weight: weight.filter(|q| (0.0..=1.0).contains(q)).unwrap_or(1.0),
        }
    })
}

#[cfg(test)]
#[path = "negotiate_tests.rs"]
mod tests;
