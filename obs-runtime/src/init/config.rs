//! The configuration of an `Observability`: what the program says, then the environment, then the defaults.

use crate::callsite::Level;
use crate::error::Error;
use crate::init::builder::Builder;
use crate::init::component::{Component, Environment};
use crate::init::resource;
use crate::init::{env, limits};
use crate::processor::tail::TailSampler;
use crate::redact::custom::Custom;
use crate::scope::Resource;
use crate::semconv::attribute as key;
use crate::trace::propagation::formats::Formats;
use crate::trace::{Sampler, SpanLimits};
use crate::vars::Vars;

/// What is to start.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch that somebody sets by itself"
)]
pub(super) struct Config {
    /// Whether nothing is to start, whatever the program says.
    pub(super) is_disabled: bool,
    pub(super) is_strict: bool,
    /// What the program and the environment say of the resource: it counts before what is detected.
    pub(super) resource: Resource,
    /// What the program says of the resource in case nobody else does.
    pub(super) fallback: Resource,
    pub(super) detects_resource: bool,
    pub(super) sampler: Sampler,
    pub(super) tail: Option<TailSampler>,
    pub(super) redaction: Custom,
    pub(super) redacts_attributes: bool,
    pub(super) level: Level,
    pub(super) memory_limit: Option<usize>,
    pub(super) span_limits: SpanLimits,
    /// Whether instruments keep examples of values in sampled spans.
    pub(super) has_exemplars: bool,
    /// The headers that carry a context.
    pub(super) formats: Formats,
    pub(super) flushes_on_panic: bool,
    /// Whether the program is shown what it records, or told how to see it, if nothing takes it.
    pub(super) shows_unconfigured: bool,
    /// Exporters and domains, in the order of their start.
    pub(super) components: Vec<Box<dyn Component>>,
}

impl Config {
    /// Decides what counts. Pure: it reads nothing but its arguments. Also returns a sentence for each value of
    /// the environment that is left out.
    ///
    /// # Errors
    /// When the program asks for what cannot be.
    pub(super) fn resolve(
        mut builder: Builder,
        vars: Vars<'_>,
    ) -> Result<(Self, Vec<String>), Error> {
        let mut env = Environment::new(vars);
        let vars = &mut env.vars;
        env::check_file(vars);
        let limits = limits::of_spans(vars);
        let sampler = builder.sampler.take().or(env::sampler(vars));
        let sampler = sampler.unwrap_or_default();
        sampler.check()?;
        let mut config = Self {
            is_disabled: env::disabled(vars),
            is_strict: builder.strict,
            resource: resource_of(&builder, env::resource(vars)),
            fallback: core::mem::take(&mut builder.fallback),
            detects_resource: builder.detect_resource.unwrap_or(true),
            sampler,
            tail: builder.tail_sampling.map(TailSampler::start).transpose()?,
            redaction: builder.redaction.check()?,
            redacts_attributes: builder.redact_attributes.unwrap_or(true),
            level: builder.max_level.or(env::level(vars)).unwrap_or_default(),
            memory_limit: builder.memory_limit,
            span_limits: builder.span_limits.unwrap_or(limits),
            has_exemplars: env::exemplars(vars),
            formats: env::formats(vars),
            flushes_on_panic: builder.flush_on_panic.unwrap_or(cfg!(panic = "abort")),
            // Who selects exporters, be it none, has decided.
            shows_unconfigured: builder.shows_unconfigured && !env.selection.says_something(),
            components: builder.components.take_all(),
        };
        for component in &mut config.components {
            component.resolve(&mut env);
        }
        Ok((config, env.vars.problems))
    }
}

/// What the program says of the resource, over what the environment does.
fn resource_of(builder: &Builder, env: Resource) -> Resource {
    let mut found = Resource::new();
    resource::set_all(&mut found, env);
    resource::set_all(&mut found, builder.resource.iter().cloned());
    let named = [
        (key::SERVICE_NAME, &builder.service_name),
        (key::SERVICE_VERSION, &builder.service_version),
        (key::DEPLOYMENT_ENVIRONMENT_NAME, &builder.environment),
    ];
    for (key, value) in named {
        let value = value.iter().map(|value| (key.into(), value.clone().into()));
        resource::set_all(&mut found, value);
    }
    found
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
