//! Fails unless every annotated function is in the registry, here and in the shared library beside the program.

use obs_tests_registry::{registered, EXPECTED};

fn main() {
    assert_eq!(registered(), EXPECTED);
    #[cfg(unix)]
    shared_library();
    println!("registry: complete");
}

#[cfg(unix)]
fn shared_library() {
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
    let complete = unsafe {
        let handle = libc::dlopen(library.as_ptr(), libc::RTLD_NOW);
        assert!(
            !handle.is_null(),
            "{:?}: build the examples first",
            CStr::from_ptr(libc::dlerror())
        );
        let function = libc::dlsym(handle, c"is_complete".as_ptr());
        assert!(!function.is_null(), "`is_complete` is exported");
        std::mem::transmute::<*mut libc::c_void, extern "C" fn() -> bool>(function)
    };
    assert!(complete(), "the shared library's registry is complete");
}
