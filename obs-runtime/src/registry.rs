//! Lists of statics that enter themselves before `main`: annotated functions, pipeline tasks, handlers.
//!
//! Generated code puts the address of a function into the section whose entries the system calls when it loads
//! a program or a library; the function enters one static. The link to the next entry lies in the static
//! itself, so nothing is allocated. Where there is no such section, the lists are empty.

use core::fmt;
use std::sync::{Mutex, OnceLock, PoisonError};

/// A list of statics of one type.
pub(crate) struct Registry<T: 'static> {
    head: Mutex<Option<&'static T>>,
}

/// The place of an entry in its list: unset before it is in it.
pub(crate) struct Link<T: 'static>(OnceLock<Option<&'static T>>);

/// What can be in a list.
pub(crate) trait Linked: Sync + Sized {
    fn link(&self) -> &Link<Self>;
}

impl<T> Link<T> {
    pub(crate) const fn new() -> Self {
        Self(OnceLock::new())
    }
}

impl<T> fmt::Debug for Link<T> {
    /// Not the entry behind it, which would be the whole list.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let registered = self.0.get().is_some();
        f.debug_struct("Link")
            .field("registered", &registered)
            .finish()
    }
}

impl<T: Linked> Registry<T> {
    pub(crate) const fn new() -> Self {
        Self {
            head: Mutex::new(None),
        }
    }

    /// Enters a static; again is once, as `WebAssembly` may call constructors several times.
    pub(crate) fn add(&self, entry: &'static T) {
        let mut head = self.head.lock().unwrap_or_else(PoisonError::into_inner);
        if entry.link().0.set(*head).is_ok() {
            *head = Some(entry);
        }
    }

    /// What is in the list now, in no order that means something.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &'static T> + use<T> {
        let head = *self.head.lock().unwrap_or_else(PoisonError::into_inner);
        core::iter::successors(head, |entry| entry.link().0.get().copied().flatten())
    }
}

/// Has `$register` called with `$entry` when the program or library is loaded.
///
/// The sections: ELF's `.init_array` (System V ABI, "Initialization and Termination Functions"; `WebAssembly`'s
/// linker takes the same name), Mach-O's `__mod_init_func`, and the C++ part of the Microsoft CRT's list.
#[doc(hidden)]
#[macro_export]
macro_rules! __obs_submit {
    ($register:path, $entry:expr) => {
        #[used]
        #[cfg_attr(
            any(
                target_family = "wasm",
                target_os = "android",
                target_os = "dragonfly",
                target_os = "freebsd",
                target_os = "haiku",
                target_os = "illumos",
                target_os = "linux",
                target_os = "netbsd",
                target_os = "nto",
                target_os = "openbsd",
                target_os = "redox",
                target_os = "vxworks",
            ),
            unsafe(link_section = ".init_array")
        )]
        #[cfg_attr(
            target_vendor = "apple",
            unsafe(link_section = "__DATA,__mod_init_func,mod_init_funcs")
        )]
        #[cfg_attr(windows, unsafe(link_section = ".CRT$XCU"))]
        static __OBS_REGISTER: extern "C" fn() = {
            extern "C" fn __obs_register() {
                $register($entry);
            }
            __obs_register
        };
    };
}

#[cfg(test)]
#[path = "registry_tests.rs"]
mod tests;
