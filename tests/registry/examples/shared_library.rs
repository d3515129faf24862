//! The same functions in a library that is loaded at run time.

use obs_tests_registry::{registered, EXPECTED};

/// Whether the library's own registry is complete.
#[no_mangle]
pub extern "C" fn is_complete() -> bool {
    registered() == EXPECTED
}
