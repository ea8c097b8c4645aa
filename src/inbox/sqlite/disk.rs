//! The room on the disk of a store.

use std::path::Path;

/// The bytes that this process may still write to the disk of `path`. `None` if the system does not say.
#[cfg(unix)]
pub(super) fn free_bytes(path: &Path) -> Option<u64> {
    let disk = nix::sys::statvfs::statvfs(path).ok()?;
    // The types differ between systems.
    #[allow(clippy::useless_conversion, clippy::unnecessary_fallible_conversions)]
    let (blocks, size) =
        (u64::try_from(disk.blocks_available()).ok()?, u64::try_from(disk.fragment_size()).ok()?);
    Some(blocks.saturating_mul(size))
}

/// The bytes that this process may still write to the disk of `path`. `None` if the system does not say.
#[cfg(not(unix))]
pub(super) fn free_bytes(_: &Path) -> Option<u64> {
    None
}
