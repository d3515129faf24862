//! The account of model calls as a part of an `Observability`.

use crate::Error;
use crate::init::Builder;
use crate::init::component::{Component, Startup};
use crate::llm::{LlmState, Prices};

/// The account itself is there whether or not the program has prices of its own.
impl Component for Prices {
    fn start(&mut self, startup: &mut Startup) -> Result<(), Error> {
        let state = startup.scope.extension::<LlmState>();
        state.configure(std::mem::take(self));
        Ok(())
    }
}

impl Builder {
    /// Sets your own prices of models, which come before those of the price list.
    pub fn prices(mut self, prices: Prices) -> Self {
        *self.component() = prices;
        self
    }
}
