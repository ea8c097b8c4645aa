//! Standard output and standard error, either of which may be closed at any time.

use std::{fmt, io::Write};

/// Prints a line and flushes it. Waits for the reader without holding up other tasks.
pub(crate) async fn print(mut line: String) -> std::io::Result<()> {
    line.push('\n');
    tokio::task::spawn_blocking(move || {
        let mut out = std::io::stdout().lock();
        out.write_all(line.as_bytes())?;
        out.flush()
    })
    .await?
}

/// Tells the operator something.
pub(crate) fn say(what: impl fmt::Display) {
    let _ = writeln!(std::io::stderr(), "{what}");
}
