//! Misuse of the macros, and what the compiler says.

/// `#[traced]`, `#[llm_call]`, `#[vector_op]`, `span!` and `#[main]`.
mod functions {
    #[test]
    fn misuse_is_said_at_the_users_token() {
        let cases = trybuild::TestCases::new();
        cases.compile_fail("ui/traced_*.rs");
        cases.compile_fail("ui/calls_*.rs");
        cases.compile_fail("ui/agents_*.rs");
        cases.compile_fail("ui/main_*.rs");
    }
}

/// Labels and the macros of metrics.
mod metrics {
    #[test]
    fn misuse_is_said_at_the_users_token() {
        let cases = trybuild::TestCases::new();
        cases.compile_fail("ui/label_*.rs");
        cases.compile_fail("ui/metric_*.rs");
    }
}

/// Tasks and handlers.
mod pipelines {
    #[test]
    fn misuse_is_said_at_the_users_token() {
        trybuild::TestCases::new().compile_fail("ui/pipeline_*.rs");
    }
}

/// Steps, and what puts them together.
mod steps {
    #[test]
    fn misuse_is_said_at_the_users_token() {
        trybuild::TestCases::new().compile_fail("ui/steps_*.rs");
    }
}
