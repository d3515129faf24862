//! The account of model calls as a part of an `Observability`.

use std::sync::Arc;

use crate::init::Builder;
use crate::init::component::{Component, Environment, Startup};
use crate::llm::account::Listener;
use crate::llm::{CallRecord, LlmState, Prices};
use crate::{Error, Handle};

/// The variable that names a file of prices.
const FILE_VARIABLE: &str = "OBS_PRICES";

/// The prices beside those of the list. The account itself is there whether or not there are any.
#[derive(Default)]
pub(crate) struct PriceTable {
    own: Prices,
    file: Option<String>,
    listeners: Vec<Listener>,
}

impl Component for PriceTable {
    fn resolve(&mut self, env: &mut Environment<'_>) {
        self.file = env.vars.text(FILE_VARIABLE);
    }

    fn start(&mut self, startup: &mut Startup) -> Result<(), Error> {
        let mut prices = Prices::new();
        if let Some(path) = &self.file {
            match Prices::from_file(path) {
                Ok(table) => prices = table,
                Err(error) => {
                    startup.problem(format!("{FILE_VARIABLE}: {error}; it is left out"))?;
                }
            }
        }
        // What the program says comes before what its environment says.
        prices.extend(std::mem::take(&mut self.own));
        let state = startup.scope.extension::<LlmState>();
        for listener in self.listeners.drain(..) {
            state.listen(listener.0);
        }
        state.configure(prices);
        Ok(())
    }
}

impl Builder {
    /// Sets your own prices of models, which come before those of the price list, and before those of the file that
    /// `OBS_PRICES` names.
    pub fn prices(mut self, prices: Prices) -> Self {
        self.component::<PriceTable>().own = prices;
        self
    }
}

impl Builder {
    /// Hands each model call to a function when it has ended, sampled or not: its attempts, usage and cost.
    ///
    /// It runs where the call ends, so it should be quick. What it panics with stays there.
    ///
    /// ```
    /// use obs_runtime::llm::{LlmCall, record_llm_call};
    ///
    /// let obs = obs_runtime::Observability::builder()
    ///     .on_llm_call(|call| println!("{}: {} in {} attempts", call.model(), call.cost(), call.attempt_count()))
    ///     .install()
    ///     .unwrap();
    /// record_llm_call(LlmCall::new("openai", "chat", "gpt-4o-mini").usage((1_200, 80)));
    /// # drop(obs);
    /// ```
    pub fn on_llm_call(mut self, listener: impl Fn(&CallRecord) + Send + Sync + 'static) -> Self {
        self.component::<PriceTable>()
            .listeners
            .push(Listener(Arc::new(listener)));
        self
    }
}

impl Handle {
    /// Replaces your own prices of models: those of the builder, and of the file that `OBS_PRICES` names.
    ///
    /// Calls that end from now on are priced by them. What was recorded stays as it is.
    pub fn set_prices(&self, prices: Prices) {
        self.scope.extension::<LlmState>().configure(prices);
    }
}
