//! The rules for the shared arguments among themselves, whatever they are put on.

use super::{fields, labels};
use crate::ast::Function;
use crate::attr::expr::as_path;
use crate::attr::shared::Args;
use crate::errors::Errors;

/// Labels that the function metrics have already, and that of a histogram's buckets.
const RESERVED_LABELS: &[&str] = &["function", "le", "module", "result"];

/// Judges the arguments, and settles `parent = None`. The function is that below them, if they are
/// not those of an `impl` block.
pub(crate) fn judge(args: &mut Args, function: Option<&Function>, errors: &mut Errors) {
    args.declared = fields::judge(&mut args.fields, function, errors);
    if let Some(closure) = args.error_if.as_ref().filter(|_| args.ok_if.is_some()) {
        let message = "`ok_if` and `error_if` answer the same question: keep one";
        errors.push(closure.at, message);
    }
    judge_parent(args, errors);
    if let Some(at) = args.concurrency.filter(|_| args.no_metrics) {
        errors.push(
            at,
            "`track_concurrency` makes a metric, which `metrics = false` turns off: keep one of the two",
        );
    }
    if let Some(labels) = &args.labels {
        if args.no_metrics {
            errors.push(
                labels.at,
                "`labels` are those of the metrics, which `metrics = false` turns off: keep one of the two",
            );
        }
        labels::check(&labels.value, RESERVED_LABELS, errors);
    }
}

/// `parent = None` is `root`.
fn judge_parent(args: &mut Args, errors: &mut Errors) {
    let Some(parent) = &args.parent else { return };
    if args.root {
        errors.push(
            parent.at,
            "`root` says that there is no parent: keep one of the two",
        );
        args.parent = None;
    } else if as_path(&parent.value).is_some_and(|path| path.is_ident("None")) {
        args.root = true;
        args.parent = None;
    }
}
