//! What was measured, as Markdown; with `--write` into the page on performance too, and as pictures.

use std::{env, fs, path::Path};

use peers::{common::figures::replaced, picture, table::Results};
use tower_webhook::BoxError;

fn main() -> Result<(), BoxError> {
    let args: Vec<_> = env::args().skip(1).collect();
    let (directory, root) = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [directory] => (directory, None),
        [directory, "--write", root] | ["--write", root, directory] => (directory, Some(root)),
        _ => return Err("usage: report RESULTS [--write ROOT]".into()),
    };
    let results = Results::read(Path::new(directory))?;
    let figures = results.markdown();
    print!("{figures}");
    if figures.contains("| not measured |") {
        return Err("something has not been measured".into());
    }
    root.map_or(Ok(()), |root| write(&results, Path::new(root)))
}

fn write(results: &Results, root: &Path) -> Result<(), BoxError> {
    let page = root.join("src/docs/performance.md");
    let text = replaced(&fs::read_to_string(&page)?, &results.markdown())
        .ok_or("the page on performance has no place for figures")?;
    fs::write(page, text)?;
    let peers = root.join("benches/peers");
    fs::write(peers.join("cost.svg"), picture::cost(&results.times))?;
    fs::write(peers.join("last_frame.svg"), picture::last_frame(&results.times))?;
    Ok(())
}
