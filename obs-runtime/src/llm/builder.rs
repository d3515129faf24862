//! The account of model calls as a part of an `Observability`.

use crate::init::Builder;
use crate::init::component::{Component, Environment, Startup};
use crate::llm::{LlmState, Prices};
use crate::{Error, Handle};

/// The variable that names a file of prices.
const FILE_VARIABLE: &str = "OBS_PRICES";

/// The prices beside those of the list. The account itself is there whether or not there are any.
#[derive(Default)]
pub(crate) struct PriceTable {
    own: Prices,
    file: Option<String>,
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
        startup.scope.extension::<LlmState>().configure(prices);
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

impl Handle {
    /// Replaces your own prices of models: those of the builder, and of the file that `OBS_PRICES` names.
    ///
    /// Calls that end from now on are priced by them. What was recorded stays as it is.
    pub fn set_prices(&self, prices: Prices) {
        self.scope.extension::<LlmState>().configure(prices);
    }
}
