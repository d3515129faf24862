//! The container and the pod that a process runs in, from `/proc/self/cgroup` and `/proc/self/mountinfo`.
//!
//! A wrong id is worse than none. In a pod the mounts name the sandbox, not the container, so they are read for an id
//! outside of pods only.

/// Of 64 hexadecimal digits, as Docker, containerd, CRI-O and Podman make them.
fn is_id(text: &str) -> bool {
    text.len() == 64
        && text
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// `docker-<id>.scope`, `cri-containerd-<id>.scope`, `crio-<id>`, `libpod-<id>`, `<id>`.
fn id_of_segment(segment: &str) -> Option<&str> {
    let name = segment.strip_suffix(".scope").unwrap_or(segment);
    // containerd with systemd: `kubepods-…:cri-containerd:<id>`.
    let name = name.rsplit(':').next().unwrap_or(name);
    let id = name.rsplit('-').next().unwrap_or(name);
    // `crio-conmon-<id>` is the monitor beside the container.
    (is_id(id) && !name.starts_with("crio-conmon-")).then_some(id)
}

fn cgroup_paths(cgroup: &str) -> impl Iterator<Item = &str> {
    // `4:memory:/docker/…`; of version 2 `0::/…`.
    cgroup.lines().filter_map(|line| line.splitn(3, ':').nth(2))
}

/// The id that the paths of the control groups end in (version 1, and version 2 without a namespace of its own).
pub(super) fn id_in_cgroup(cgroup: &str) -> Option<&str> {
    cgroup_paths(cgroup).find_map(|path| path.rsplit('/').take(2).find_map(id_of_segment))
}

/// The id in the place that a file of every container, such as `/etc/hostname`, is mounted from.
pub(super) fn id_in_mounts(mounts: &str) -> Option<&str> {
    if pod_in_mounts(mounts).is_some() {
        return None;
    }
    own_files(mounts).find_map(|root| {
        let mut parts = root
            .split('/')
            .skip_while(|p| !matches!(*p, "containers" | "overlay-containers"));
        parts.find(|part| is_id(part))
    })
}

/// The roots of the mounts that a container engine makes for each container (proc_pid_mountinfo(5), fields 4 and 5).
fn own_files(mounts: &str) -> impl Iterator<Item = &str> {
    mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(3);
        let (root, point) = (fields.next()?, fields.next()?);
        matches!(point, "/etc/hostname" | "/etc/hosts" | "/etc/resolv.conf").then_some(root)
    })
}

/// The pod in the path of its control group: `/kubepods/burstable/pod<uid>/…`, with systemd
/// `kubepods-burstable-pod<uid with _>.slice`.
pub(super) fn pod_in_cgroup(cgroup: &str) -> Option<String> {
    let segments = cgroup_paths(cgroup)
        .filter(|path| path.contains("kubepods"))
        .flat_map(|path| path.split(['/', ':']));
    segments.into_iter().find_map(|segment| {
        let name = segment.strip_suffix(".slice").unwrap_or(segment);
        let uid = &name[name.rfind("pod").filter(|at| name[*at..].len() > 30)? + 3..];
        uid_of(&uid.replace('_', "-"))
    })
}

/// The pod whose files the kubelet mounted: `/var/lib/kubelet/pods/<uid>/etc-hosts`.
pub(super) fn pod_in_mounts(mounts: &str) -> Option<String> {
    own_files(mounts).find_map(|root| {
        let (_, rest) = root.split_once("/pods/")?;
        let (uid, file) = rest.split_once('/')?;
        (file == "etc-hosts").then(|| uid_of(uid)).flatten()
    })
}

/// A UUID, or the 32 digits that a static pod has.
fn uid_of(text: &str) -> Option<String> {
    let hex = |part: &str| part.bytes().all(|b| b.is_ascii_hexdigit());
    let is_uuid = || {
        let lengths = text.split('-').map(str::len);
        lengths.eq([8, 4, 4, 4, 12]) && text.split('-').all(hex)
    };
    (text.len() == 32 && hex(text) || is_uuid()).then(|| text.to_owned())
}

#[cfg(test)]
#[path = "container_tests.rs"]
mod tests;
