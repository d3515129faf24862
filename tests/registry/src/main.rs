//! Fails unless every annotated function is in the registry, here and in the shared library beside the program, and
//! unless that library can be unloaded and loaded again.

use obs_tests_registry::{registered, EXPECTED};

fn main() {
    assert_eq!(registered(), EXPECTED);
    #[cfg(unix)]
    {
        let library = Library::load();
        assert!(
            library.function(c"is_complete")(),
            "the shared library's registry is complete"
        );
        drop(library);
        #[cfg(target_os = "linux")]
        reload();
    }
    println!("registry: complete");
}

/// The shared library beside the program, which has an obs of its own, until it is dropped.
#[cfg(unix)]
struct Library(*mut libc::c_void);

#[cfg(unix)]
impl Library {
    fn load() -> Self {
        use std::ffi::{CStr, CString};

        let program = std::env::current_exe().expect("a path");
        let name = format!(
            "{}shared_library{}",
            std::env::consts::DLL_PREFIX,
            std::env::consts::DLL_SUFFIX
        );
        let library = program.with_file_name("examples").join(name);
        let library = CString::new(library.to_str().expect("UTF-8")).expect("no zero");
        // SAFETY: the library was built from this package; its constructors only fill its own lists.
        let handle = unsafe { libc::dlopen(library.as_ptr(), libc::RTLD_NOW) };
        // SAFETY: the text of the error is copied at once.
        let error = || unsafe { CStr::from_ptr(libc::dlerror()).to_owned() };
        assert!(!handle.is_null(), "{:?}: build the examples first", error());
        Self(handle)
    }

    fn function(&self, name: &std::ffi::CStr) -> extern "C" fn() -> bool {
        // SAFETY: the library is loaded, and its functions take nothing and return a `bool`.
        unsafe {
            let function = libc::dlsym(self.0, name.as_ptr());
            assert!(!function.is_null(), "the function is exported");
            std::mem::transmute::<*mut libc::c_void, extern "C" fn() -> bool>(function)
        }
    }
}

#[cfg(unix)]
impl Drop for Library {
    fn drop(&mut self) {
        // SAFETY: nothing of the library is used any more: its obs was shut down.
        assert_eq!(unsafe { libc::dlclose(self.0) }, 0);
    }
}

/// How many threads there are, and how many mappings of the library.
#[cfg(target_os = "linux")]
fn remains() -> (usize, usize) {
    let threads = std::fs::read_dir("/proc/self/task")
        .expect("threads")
        .count();
    let maps = std::fs::read_to_string("/proc/self/maps").expect("mappings");
    (
        threads,
        maps.lines()
            .filter(|line| line.contains("shared_library"))
            .count(),
    )
}

// bug: the drain's thread went on for ever, in code that was unmapped, or kept the library mapped.
#[cfg(target_os = "linux")]
fn reload() {
    let (threads, _) = remains();
    for round in 0..20 {
        // A thread of its own, because obs keeps something for each thread that records, until it ends.
        let library = Library::load();
        let record_and_end = library.function(c"record_and_end");
        let ended = std::thread::spawn(move || record_and_end()).join();
        assert!(ended.expect("it does not panic"), "round {round}");
        drop(library);
        assert_eq!(remains(), (threads, 0), "round {round}");
    }
}
