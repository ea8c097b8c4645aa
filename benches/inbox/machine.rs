//! The machine: what a sync costs at this hour, and what else the figures depend on.

use std::{
    fs::{self, File},
    io::Write,
    path::Path,
    thread,
    time::Instant,
};

use tower_webhook::BoxError;

use crate::{
    effort::{Effort, disk},
    load::{median, millis},
    row,
    sqlite::Folder,
};

/// The median of many syncs of 4 KiB that were appended to a file, in microseconds.
pub(crate) fn sync(effort: Effort) -> Result<(), BoxError> {
    let folder = Folder::new()?;
    let mut file = File::create(folder.path().join("appended"))?;
    let mut times = Vec::new();
    for _ in 0..if effort.once { 3 } else { 200 } {
        file.write_all(&[7; 4096])?;
        let begun = Instant::now();
        file.sync_data()?;
        times.push(millis(begun.elapsed()) * 1e3);
    }
    row("sync", &disk(), median(times));
    Ok(())
}

/// Its processor, system and file system, in words.
pub(crate) fn described() -> String {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let cpu = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let kernel = read("/proc/sys/kernel/osrelease");
    let kernel: Vec<_> = kernel.trim().split('.').take(2).collect();
    let file_system = Folder::new().ok().and_then(|folder| file_system(folder.path()));
    format!(
        "{cores} cores of {}, Linux {}, {}",
        cpu.map_or("an unknown processor", |cpu| cpu.1),
        kernel.join("."),
        file_system.as_deref().unwrap_or("an unknown file system"),
    )
}

/// That of the longest mount point that the path is under.
fn file_system(path: &Path) -> Option<String> {
    let path = path.canonicalize().ok()?;
    let mounts = fs::read_to_string("/proc/mounts").ok()?;
    let mounts = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        let (at, kind) = (Path::new(words.next()?), words.next()?);
        path.starts_with(at).then(|| (at.components().count(), kind.to_owned()))
    });
    mounts.max_by_key(|mount| mount.0).map(|mount| mount.1)
}
