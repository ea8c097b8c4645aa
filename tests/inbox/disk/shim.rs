//! The disk of a child: `tests/disk/shim.c`, which is loaded before its C library and records what is done.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use crate::{
    sqlite::{Folder, Process},
    support::or_skipped,
};

/// The compiled shim, or the line that says why there is none.
fn compiled(compiler: &str) -> Result<PathBuf, String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/disk/shim.c");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let own = folder.join(format!("shim-{}.so", std::process::id()));
    let compile = Command::new(compiler)
        .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"])
        .args([&own, &source])
        .args(["-ldl", "-pthread"])
        .status();
    let status = compile.map_err(|error| {
        format!("\nSKIPPED: no C compiler `{compiler}` for the shim ({error})\n")
    })?;
    assert!(status.success(), "the shim is not compiled");
    // Another process may use the one that was there before.
    let shared = folder.join("shim.so");
    fs::rename(own, &shared).unwrap();
    Ok(shared)
}

/// A disk, and aside from it the record of what a child does to it.
pub(super) struct Disk {
    pub(super) folder: Folder,
    aside: Folder,
    shim: &'static Path,
}

impl Disk {
    /// `None` if there is no compiler: then the test was skipped.
    pub(super) fn new() -> Option<Self> {
        static SHIM: OnceLock<Option<PathBuf>> = OnceLock::new();
        let shim = SHIM.get_or_init(|| or_skipped(compiled("cc"))).as_deref()?;
        Some(Self { folder: Folder::in_memory(), aside: Folder::in_memory(), shim })
    }

    /// This program once more, with one of its tests.
    pub(super) fn child(&self, test: &str, sync_delay_us: u32) -> Process {
        let mut program = Command::new("env");
        program
            .env("LD_PRELOAD", self.shim)
            .env("SHIM_FOLDER", &self.folder.0)
            .env("SHIM_LOG", self.log())
            .env("SHIM_SYNC_DELAY_US", sync_delay_us.to_string());
        Process::by(program, &self.folder, test)
    }

    /// Waits for such a child. Returns what it has done to the disk.
    pub(super) fn record_of(&self, test: &str, sync_delay_us: u32) -> Vec<u8> {
        let mut child = self.child(test, sync_delay_us);
        child.line_with("end");
        assert!(child.ended().success());
        self.record()
    }

    /// What children have done to the disk: see `Record`.
    pub(super) fn record(&self) -> Vec<u8> {
        fs::read(self.log()).unwrap()
    }

    fn log(&self) -> PathBuf {
        self.aside.0.join("log")
    }
}

#[test]
fn without_a_compiler_the_test_says_so() {
    let skipped = compiled("no-such-compiler").unwrap_err();
    assert!(skipped.starts_with("\nSKIPPED: no C compiler `no-such-compiler`"), "{skipped}");
}
