//! Makes a module of each program on a page: a block of Rust with `fn main` before a block of text, which is what it
//! prints.
//!
//! The programs stand on the pages alone, so that they cannot differ from what is tested.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

#[path = "src/blocks.rs"]
mod blocks;

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets it"));
    let mut list = String::new();
    let mut calls = String::new();
    for page in blocks::pages(&root) {
        println!("cargo::rerun-if-changed={}", page.path.display());
        for program in page.programs() {
            let name = &program.name;
            let code = format!(
                "{}\npub fn run() -> ExitCode {{\n    Termination::report(main())\n}}\n",
                program.code
            );
            std::fs::write(out.join(format!("{name}.rs")), code).expect("OUT_DIR can be written");
            let _ = writeln!(
                list,
                "mod {name} {{\n    use std::process::{{ExitCode, Termination}};\n    \
                 include!(concat!(env!(\"OUT_DIR\"), \"/{name}.rs\"));\n}}"
            );
            let _ = writeln!(calls, "        \"{name}\" => {name}::run(),");
        }
    }
    let _ = writeln!(
        list,
        "fn run(name: &str) -> std::process::ExitCode {{\n    match name {{\n{calls}        \
         _ => panic!(\"there is no program {{name}}\"),\n    }}\n}}"
    );
    std::fs::write(out.join("programs.rs"), list).expect("OUT_DIR can be written");
    println!("cargo::rerun-if-changed={}", root.join("docs").display());
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/blocks.rs");
}
