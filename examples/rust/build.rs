//! Asks pkg-config where libpixart is, and rustc for its version.

use std::process::Command;

fn output(command: &mut Command) -> String {
    let done = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8_lossy(&done.stdout).into_owned()
}

fn main() {
    println!("cargo:rerun-if-env-changed=PKG_CONFIG_PATH");
    println!("cargo:rerun-if-changed=build.rs");
    for flag in output(Command::new("pkg-config").args(["--libs", "pixart"])).split_whitespace() {
        if let Some(folder) = flag.strip_prefix("-L") {
            println!("cargo:rustc-link-search=native={folder}");
        } else if let Some(library) = flag.strip_prefix("-l") {
            println!("cargo:rustc-link-lib=dylib={library}");
        }
    }
    let rustc = output(Command::new(std::env::var_os("RUSTC").expect("set by cargo")).arg("--version"));
    println!("cargo:rustc-env=RUSTC_VERSION={}", rustc.split_whitespace().nth(1).unwrap_or_default());
}
