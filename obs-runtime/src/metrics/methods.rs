//! The methods that instruments have in common, as macros: each instrument is a type of its own,
//! whose documentation shows all of them.

/// The methods of instruments that have one number: it can be added to and read.
macro_rules! numeric {
    ($instrument:ident, $bound:ident, $read:ident $(, $dec:ident)?) => {
        impl $instrument {
            /// Adds 1 to a metric without labels; with labels nothing can be counted without
            /// [`with`](Self::with), and the call is [`refused`](Self::refused).
            #[inline]
            pub fn inc(&self) {
                match &self.only {
                    Some(only) => only.inc(),
                    None => self.core.shared.refuse(),
                }
            }

            $(/// Takes 1 from a metric without labels; refused if it has labels.
            #[inline]
            pub fn $dec(&self) {
                match &self.only {
                    Some(only) => only.$dec(),
                    None => self.core.shared.refuse(),
                }
            })?

            /// Adds an amount to a metric without labels. What is no valid amount is
            /// [`refused`](Self::refused), and so is every amount if the metric has labels.
            #[inline]
            pub fn add(&self, amount: impl Into<Number>) {
                match &self.only {
                    Some(only) => only.add(amount),
                    None => self.core.shared.refuse(),
                }
            }

            /// Returns the sum over all series.
            pub fn value(&self) -> f64 {
                self.core.sum($read)
            }

            /// Returns the value of the series with these label values; 0 if there is none, and
            /// reading does not create it.
            ///
            /// # Errors
            /// When the number of values is not that of the labels.
            #[allow(
                clippy::needless_pass_by_value,
                reason = "an array of values reads better without `&`"
            )]
            pub fn get<const N: usize, V: AsRef<str>>(&self, values: [V; N]) -> Result<f64, Error> {
                let series = self.core.find(&values.each_ref().map(AsRef::as_ref))?;
                Ok(series.map_or(0.0, |s| $read(&s, &Reader::new()).as_f64()))
            }
        }

        impl $bound {
            /// Returns the series' value.
            pub fn value(&self) -> f64 {
                let series = self.series.as_ref();
                series.map_or(0.0, |s| $read(s, &Reader::new()).as_f64())
            }
        }
    };
}
pub(super) use numeric;

/// The methods that each instrument has: its handles by label values.
macro_rules! instrument {
    ($instrument:ident, $bound:ident, $kind:ident) => {
        impl $instrument {
            /// Returns the handle of the series with these label values, in the order of the
            /// metric's labels. Keep it: counting through it costs a few nanoseconds and cannot
            /// fail.
            ///
            /// An empty value means that the series does not have the label. When the metric has
            /// its most series already, new label values share one series with the label
            /// `otel.metric.overflow`.
            ///
            /// # Errors
            /// When the number of values is not that of the labels.
            pub fn with<const N: usize, V: AsRef<str>>(
                &self,
                values: [V; N],
            ) -> Result<$bound, Error> {
                let values = values.each_ref().map(AsRef::as_ref);
                Ok($bound::new(self.core.bind(&values)?))
            }

            /// Does the same as `with` for labels that are given by name, in any order.
            ///
            /// # Errors
            /// When a label is missing, unknown or given twice.
            pub fn with_labels(&self, labels: &[(&str, &str)]) -> Result<$bound, Error> {
                Ok($bound::new(self.core.bind_labels(labels)?))
            }

            /// Returns the metric's name.
            pub fn name(&self) -> &str {
                self.core.name()
            }

            /// Returns how many values were refused because they were no valid amount for this
            /// metric.
            pub fn refused(&self) -> u64 {
                self.core.refused()
            }
        }

        impl $bound {
            fn new(series: Arc<Series>) -> Self {
                Self {
                    slot: series.slot(),
                    series: Some(series),
                }
            }
        }

        impl crate::metrics::bound::Bound for $bound {
            const NOWHERE: Self = Self {
                slot: crate::metrics::cells::Slot::NOWHERE,
                series: None,
            };

            type Instrument = $instrument;

            const KIND: crate::metrics::instrument::Kind = crate::metrics::instrument::Kind::$kind;

            fn instrument(
                collector: &crate::metrics::MetricsCollector,
                name: &'static str,
                own: Option<&crate::semconv::MetricDef>,
                labels: &[&str],
            ) -> Result<$instrument, Error> {
                let keys = labels.iter().map(|key| (*key).to_owned());
                let builder =
                    crate::metrics::InstrumentBuilder::<$instrument>::new(collector, name.into());
                let builder = match own {
                    Some(def) => builder.description(def.description).unit(def.unit),
                    None => builder,
                };
                builder.labels(keys).in_any_order().build()
            }

            fn order(instrument: &$instrument, labels: &[&str]) -> Box<[usize]> {
                instrument.core.positions(labels)
            }

            fn bind(instrument: &$instrument, values: &[&str]) -> Result<Self, Error> {
                Ok(Self::new(instrument.core.bind(values)?))
            }

            fn add_ahead(instrument: &$instrument, values: &[&str]) {
                instrument.core.series.insert_ahead(values);
            }

            fn declare(instrument: &$instrument, at: usize, all: &[&'static str]) {
                instrument.core.series.declare(at, all);
            }

            fn detached(name: &'static str) -> Self {
                Self::new(Series::detached(name, |buckets| {
                    crate::metrics::instrument::Kind::$kind.cells(buckets)
                }))
            }
        }

        impl crate::metrics::builder::Instrument for $instrument {
            const KIND: crate::metrics::instrument::Kind = crate::metrics::instrument::Kind::$kind;

            fn from_core(core: Arc<crate::metrics::instrument::Core>) -> Self {
                let only = core.only().map($bound::new);
                Self { core, only }
            }
        }
    };
}
pub(super) use instrument;
