//! What a user reads who writes it wrong: each program in `tests/compile/wrong` fails as its head says, and its twin
//! in `tests/compile/right` compiles.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

#[test]
fn mistakes_are_told_in_our_own_words() {
    let told = Package::new().check();
    let programs = names("wrong");
    assert_eq!(programs, names("right"));
    for name in programs {
        assert_eq!(told.get(&format!("right_{name}")), None);
        let told = told.get(&format!("wrong_{name}")).unwrap_or_else(|| panic!("{name} compiles"));
        for sentence in promised(&name) {
            assert!(told.contains(&sentence), "{name} does not say: {sentence}\n{told}");
        }
        for sentence in head(&name, "//! never says: ") {
            assert!(!told.contains(&sentence), "{name} says: {sentence}\n{told}");
        }
    }
}

fn programs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compile")
}

/// The programs that are `wrong` or `right`.
fn names(kind: &str) -> Vec<String> {
    let files = fs::read_dir(programs().join(kind)).unwrap();
    let mut names: Vec<_> = files
        .map(|file| file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

/// What the head of a wrong program promises of the compiler's output.
fn promised(name: &str) -> Vec<String> {
    let mut promised = head(name, "//! says: ");
    promised.extend(head(name, "//! code: ").iter().map(|code| format!("error[{code}]")));
    promised
}

/// What follows `prefix` in the lines of a wrong program.
fn head(name: &str, prefix: &str) -> Vec<String> {
    let text = fs::read_to_string(programs().join("wrong").join(format!("{name}.rs"))).unwrap();
    text.lines().filter_map(|line| line.strip_prefix(prefix)).map(str::to_owned).collect()
}

/// A package of all programs, outside of this one.
struct Package(PathBuf);

impl Package {
    fn new() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let package = Path::new(env!("CARGO_TARGET_TMPDIR")).join("diagnostics");
        fs::create_dir_all(&package).unwrap();
        fs::copy(root.join("Cargo.lock"), package.join("Cargo.lock")).unwrap();
        fs::write(package.join("Cargo.toml"), manifest(root)).unwrap();
        Self(package)
    }

    /// What the compiler says of each program that does not compile.
    fn check(&self) -> BTreeMap<String, String> {
        let output = Command::new(env!("CARGO"))
            .args(["check", "--offline", "--quiet", "--keep-going", "--message-format=json"])
            .current_dir(&self.0)
            .env("CARGO_TARGET_DIR", self.0.join("target"))
            .env_remove("RUSTFLAGS")
            .output()
            .unwrap();
        let mut told = BTreeMap::<String, String>::new();
        let mut compiled = 0;
        for line in String::from_utf8(output.stdout).unwrap().lines() {
            let message: Value = serde_json::from_str(line).unwrap();
            compiled += usize::from(message["target"]["kind"][0] == "bin");
            if message["message"]["level"] == "error" {
                let program = message["target"]["name"].as_str().unwrap().to_owned();
                told.entry(program)
                    .or_default()
                    .push_str(message["message"]["rendered"].as_str().unwrap());
            }
        }
        assert!(compiled > 0, "{}", String::from_utf8_lossy(&output.stderr));
        told
    }
}

/// No feature beyond the default ones, to have little to compile.
fn manifest(root: &Path) -> String {
    let mut text = format!(
        r#"[package]
name = "diagnostics"
version = "0.0.0"
edition = "2024"

[workspace]

[dependencies]
axum = {{ version = "0.8", default-features = false }}
serde = {{ version = "1", features = ["derive"] }}
tower = {{ version = "0.5", default-features = false }}
tower-webhook = {{ path = {root:?} }}

[profile.dev]
debug = false
incremental = false
"#
    );
    for kind in ["wrong", "right"] {
        for name in names(kind) {
            let path = programs().join(kind).join(format!("{name}.rs"));
            text.push_str(&format!("\n[[bin]]\nname = \"{kind}_{name}\"\npath = {path:?}\n"));
        }
    }
    text
}
