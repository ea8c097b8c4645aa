//! Targets without a fuzzer: they try what is recorded.

use std::{env, ffi::OsString, fs, io, path::Path, process::ExitCode};

/// Tries `property` on every input, and on the files given as arguments. `--write <directory>` instead writes the inputs into
/// files, which a fuzzer can begin with.
///
/// An input that it does not hold for ends the program, like a crash under a fuzzer does; its name is printed before.
/// Of a file that it holds for, the line to record it by is printed.
pub fn replay(target: &str, inputs: &[(&str, &[u8])], property: impl Fn(&[u8])) -> ExitCode {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    let done = match &arguments[..] {
        [write, directory] if write == "--write" => write_all(inputs, directory.as_ref()),
        files => {
            inputs.iter().for_each(|(name, data)| try_one(name, data, &property));
            println!("{target}: {} inputs", inputs.len());
            try_files(files, property)
        }
    };
    match done {
        Ok(()) if inputs.is_empty() => failure(&format!("{target}: the corpus is empty")),
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure(&format!("{target}: {error}")),
    }
}

fn write_all(inputs: &[(&str, &[u8])], directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    inputs.iter().try_for_each(|(name, data)| fs::write(directory.join(name), data))
}

fn try_files(files: &[OsString], property: impl Fn(&[u8])) -> io::Result<()> {
    for file in files.iter().map(Path::new) {
        let name = file.display().to_string();
        let data = fs::read(file)
            .map_err(|error| io::Error::new(error.kind(), format!("{name}: {error}")))?;
        try_one(&name, &data, &property);
        println!("    (\"name\", b\"{}\"),", data.escape_ascii());
    }
    Ok(())
}

fn try_one(name: &str, data: &[u8], property: impl Fn(&[u8])) {
    let named = Named(name);
    property(data);
    drop(named);
}

fn failure(why: &str) -> ExitCode {
    eprintln!("{why}");
    ExitCode::FAILURE
}

/// Says which input it was if it is dropped by a panic.
struct Named<'a>(&'a str);

impl Drop for Named<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("on {}", self.0);
        }
    }
}
