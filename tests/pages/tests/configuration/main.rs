//! docs/configuration.md has every variable that the sources read and every method that sets something, and no other;
//! the other pages have every method and every argument of what they are about.

mod end;
mod methods;
mod source;
mod variables;
