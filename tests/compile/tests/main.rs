//! What the compiler and its lints say of annotated code.

mod lint_comparison;
mod misuse;
