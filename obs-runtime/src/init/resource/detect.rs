//! What the process, the machine and the container say of themselves: read from files and variables, once, without
//! a network.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::container;
use crate::fork::PerProcess;
use crate::semconv::attribute as key;
use crate::trace::attribute::AttributeValue;

pub(super) type Found = Vec<(&'static str, AttributeValue)>;

/// More than any of these files has; of a longer one its begin.
const MOST_BYTES: u64 = 256 << 10;

/// Everything that is found; read once in a process.
pub(super) fn all() -> &'static Found {
    static FOUND: PerProcess<Found> = PerProcess::new(|| {
        let mut found = Found::new();
        process(&mut found);
        host(&mut found);
        os(&mut found);
        cgroups(&mut found);
        let var = |name: &str| std::env::var(name).ok();
        kubernetes(var, &mut found);
        found
    });
    &FOUND
}

/// A text file's begin; none if it cannot be read. What is no UTF-8 is replaced.
fn read(path: impl AsRef<Path>) -> Option<String> {
    let mut bytes = Vec::new();
    let file = File::open(path).ok()?;
    file.take(MOST_BYTES).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn line(path: &str) -> Option<String> {
    let text = read(path)?;
    let line = text.lines().next()?.trim();
    (!line.is_empty()).then(|| line.to_owned())
}

/// Not the command's arguments: they may hold what is nobody's business.
fn process(found: &mut Found) {
    if let Some(name) = executable() {
        found.push((key::PROCESS_EXECUTABLE_NAME, name.into()));
    }
    found.push((key::PROCESS_RUNTIME_NAME, "rust".into()));
}

/// The name of the program's file.
pub(super) fn executable() -> Option<String> {
    let exe = std::env::current_exe().ok()?;
    Some(exe.file_name()?.to_string_lossy().into_owned())
}

/// Not the machine's id: systemd asks to keep `/etc/machine-id` in the machine (machine-id(5)).
fn host(found: &mut Found) {
    let name = line("/proc/sys/kernel/hostname").or_else(|| line("/etc/hostname"));
    let name = name.or_else(|| std::env::var("COMPUTERNAME").ok());
    if let Some(name) = name {
        found.push((key::HOST_NAME, name.into()));
    }
    // The convention's words, not Rust's.
    let arch = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "arm" => "arm32",
        "powerpc64" => "ppc64",
        "powerpc" => "ppc32",
        other => other,
    };
    found.push((key::HOST_ARCH, arch.into()));
}

fn os(found: &mut Found) {
    let kind = match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    };
    found.push((key::OS_TYPE, kind.into()));
    let release = read("/etc/os-release").or_else(|| read("/usr/lib/os-release"));
    os_release(&release.unwrap_or_default(), found);
}

/// `NAME=value` lines, values perhaps in quotation marks (os-release(5)).
fn os_release(text: &str, found: &mut Found) {
    let wanted = [
        ("NAME", key::OS_NAME),
        ("VERSION_ID", key::OS_VERSION),
        ("PRETTY_NAME", key::OS_DESCRIPTION),
    ];
    for (name, key) in wanted {
        let value = text
            .lines()
            .rev()
            .find_map(|line| line.trim().strip_prefix(name)?.strip_prefix('='));
        let Some(value) = value.map(unquoted).filter(|v| !v.is_empty()) else {
            continue;
        };
        found.push((key, value.into()));
    }
}

/// A value of a shell: one pair of marks around it, and backslashes before `$`, `"`, `\` and a backquote.
fn unquoted(value: &str) -> String {
    let value = value.trim();
    for quote in ['"', '\''] {
        let inside = value
            .strip_prefix(quote)
            .and_then(|v| v.strip_suffix(quote));
        let Some(inside) = inside else { continue };
        let mut out = String::with_capacity(inside.len());
        let mut chars = inside.chars().peekable();
        while let Some(c) = chars.next() {
            let escapes = c == '\\' && quote == '"';
            match chars.peek() {
                Some(next) if escapes && matches!(next, '$' | '"' | '\\' | '`') => {
                    out.extend(chars.next());
                }
                _ => out.push(c),
            }
        }
        return out;
    }
    value.to_owned()
}

fn cgroups(found: &mut Found) {
    let mounts = read("/proc/self/mountinfo").unwrap_or_default();
    let cgroup = read("/proc/self/cgroup").unwrap_or_default();
    let id = container::id_in_cgroup(&cgroup).or_else(|| container::id_in_mounts(&mounts));
    if let Some(id) = id {
        found.push((key::CONTAINER_ID, id.to_owned().into()));
    }
    let pod = container::pod_in_cgroup(&cgroup).or_else(|| container::pod_in_mounts(&mounts));
    if let Some(pod) = pod {
        found.push((key::K8S_POD_UID, pod.into()));
    }
}

/// Variables of the downward API. Kubernetes gives them no names: these are the ones that its documentation and
/// OpenTelemetry's use.
const DOWNWARD: &[(&str, &[&str])] = &[
    (key::K8S_CLUSTER_NAME, &["K8S_CLUSTER_NAME"]),
    (key::K8S_CONTAINER_NAME, &["K8S_CONTAINER_NAME"]),
    (key::K8S_DEPLOYMENT_NAME, &["K8S_DEPLOYMENT_NAME"]),
    (
        key::K8S_NAMESPACE_NAME,
        &[
            "K8S_NAMESPACE_NAME",
            "K8S_NAMESPACE",
            "POD_NAMESPACE",
            "MY_POD_NAMESPACE",
        ],
    ),
    (
        key::K8S_NODE_NAME,
        &["K8S_NODE_NAME", "NODE_NAME", "MY_NODE_NAME"],
    ),
    (
        key::K8S_POD_NAME,
        &["K8S_POD_NAME", "POD_NAME", "MY_POD_NAME"],
    ),
    (key::K8S_POD_UID, &["K8S_POD_UID", "POD_UID", "MY_POD_UID"]),
];

fn kubernetes(var: impl Fn(&str) -> Option<String>, found: &mut Found) {
    // Set in every container of a pod; without it `POD_NAME` may mean anything.
    if var("KUBERNETES_SERVICE_HOST").is_none() {
        return;
    }
    for (key, names) in DOWNWARD {
        let mut values = names.iter().filter_map(|name| var(name));
        if let Some(value) = values.find(|v| !v.trim().is_empty()) {
            found.push((key, value.trim().to_owned().into()));
        }
    }
    if !found.iter().any(|(k, _)| *k == key::K8S_NAMESPACE_NAME)
        && let Some(namespace) = line("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
    {
        found.push((key::K8S_NAMESPACE_NAME, namespace.into()));
    }
}

#[cfg(test)]
#[path = "detect_tests.rs"]
mod tests;
