//! Targets without a fuzzer: they try what is recorded.

use std::{fs, io, path::PathBuf, process::ExitCode};

/// Tries `property` on every file of `corpus/<target>` and on those given as arguments.
///
/// A file that it does not hold for ends the program, like a crash under a fuzzer does; its name is printed before.
pub fn replay(target: &str, property: impl Fn(&[u8])) -> ExitCode {
    match inputs(target) {
        Err(error) => failure(&format!("{target}: {error}")),
        Ok(paths) if paths.is_empty() => failure(&format!("{target}: the corpus is empty")),
        Ok(paths) => {
            for path in &paths {
                let Ok(data) = fs::read(path) else {
                    return failure(&format!("{target}: cannot read {}", path.display()));
                };
                let named = Named(path);
                property(&data);
                drop(named);
            }
            println!("{target}: {} inputs", paths.len());
            ExitCode::SUCCESS
        }
    }
}

fn inputs(target: &str) -> io::Result<Vec<PathBuf>> {
    let corpus = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let mut paths = fs::read_dir(corpus)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    paths.extend(std::env::args_os().skip(1).map(PathBuf::from));
    Ok(paths)
}

fn failure(why: &str) -> ExitCode {
    eprintln!("{why}");
    ExitCode::FAILURE
}

/// Says which file it was if it is dropped by a panic.
struct Named<'a>(&'a PathBuf);

impl Drop for Named<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("on {}", self.0.display());
        }
    }
}
