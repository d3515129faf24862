use super::*;
use proptest::prelude::*;

const ID: &str = "3f4b1c9d8e7a6f5b4c3d2e1f0a9b8c7d6e5f4a3b2c1d0e9f8a7b6c5d4e3f2a1b";
const UID: &str = "0b7c1f8e-1a2b-4c3d-9e8f-5a6b7c8d9e0f";

/// The control groups as the engines write them.
#[test]
fn ids_in_control_groups() {
    let systemd_uid = UID.replace('-', "_");
    for path in [
        format!("12:memory:/docker/{ID}"),
        format!("12:memory:/docker/{ID}/init"),
        format!("1:name=systemd:/system.slice/docker-{ID}.scope"),
        format!("0::/system.slice/docker-{ID}.scope"),
        format!("0::/../../cri-containerd-{ID}.scope"),
        format!("11:cpu:/kubepods/besteffort/pod{UID}/{ID}"),
        format!(
            "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{systemd_uid}.slice/cri-containerd-{ID}.scope"
        ),
        format!("0::/kubepods.slice/kubepods-pod{systemd_uid}.slice/crio-{ID}.scope"),
        format!(
            "3:pids:/system.slice/containerd.service/kubepods-burstable-pod{systemd_uid}.slice:cri-containerd:{ID}"
        ),
        format!(
            "0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{ID}.scope/container"
        ),
    ] {
        assert_eq!(id_in_cgroup(&path), Some(ID), "{path}");
        let pod = path.contains("pod0b7").then(|| UID.to_owned());
        assert_eq!(pod_in_cgroup(&path), pod, "{path}");
    }
    for path in [
        "0::/",
        "0::/user.slice/user-1000.slice/session-2.scope",
        "12:memory:/docker/3f4b1c9d",
        "nonsense",
        "::",
        "",
        "0::/kubepods/pod/x",
        "0::/kubepods/podééééééééééééééééééééééééééééé/x",
    ] {
        assert_eq!(id_in_cgroup(path), None, "{path}");
        assert_eq!(pod_in_cgroup(path), None, "{path}");
    }
    assert_eq!(id_in_cgroup(&format!("0::/crio-conmon-{ID}.scope")), None);
}

#[test]
fn ids_in_mounts() {
    let docker = format!(
        "718 702 254:1 /var/lib/docker/containers/{ID}/resolv.conf /etc/resolv.conf rw - ext4 /dev/vda1 rw\n\
         719 702 254:1 /var/lib/docker/containers/{ID}/hostname /etc/hostname rw - ext4 /dev/vda1 rw"
    );
    assert_eq!(id_in_mounts(&docker), Some(ID));
    let podman = format!(
        "9 8 0:1 /containers/storage/overlay-containers/{ID}/userdata/hostname /etc/hostname rw - tmpfs"
    );
    assert_eq!(id_in_mounts(&podman), Some(ID));
    // A container that sees the files of others is none of them.
    let host =
        format!("718 702 254:1 / /var/lib/docker/containers/{ID}/mounts/shm rw - tmpfs shm rw");
    assert_eq!(id_in_mounts(&host), None);
    // In a pod the host name belongs to the sandbox.
    let pod = format!(
        "9 8 8:1 /var/lib/kubelet/pods/{UID}/etc-hosts /etc/hosts rw - ext4\n\
         9 8 0:1 /run/containerd/io.containerd.grpc.v1.cri/sandboxes/{ID}/hostname /etc/hostname rw - tmpfs\n\
         9 8 0:1 /var/lib/docker/containers/{ID}/resolv.conf /etc/resolv.conf rw - ext4"
    );
    assert_eq!(id_in_mounts(&pod), None);
    assert_eq!(pod_in_mounts(&pod).as_deref(), Some(UID));
    for odd in [
        "",
        "1 2 3",
        "a b c d /etc/hosts",
        "a b c /pods/ /etc/hosts",
        "a b c /pods/x/etc-hosts /etc/hosts",
    ] {
        assert_eq!(
            (id_in_mounts(odd), pod_in_mounts(odd)),
            (None, None),
            "{odd}"
        );
    }
}

proptest! {
    #[test]
    fn no_file_is_too_odd(text in "([0-9]{0,2}[:/ -]|pod|kubepods|[0-9a-f]{0,64}|.scope|/etc/hosts|\n|é|\\PC){0,40}") {
        let _ = (id_in_cgroup(&text), pod_in_cgroup(&text), id_in_mounts(&text), pod_in_mounts(&text));
    }
}
