//! What is on a disk when its power is cut: what was synced, and of the rest whatever chance leaves.
//!
//! A disk writes sectors of 512 bytes, in any order, each whole or not at all. After a sync has failed, what it was to write may
//! be on the disk or not, for ever: a later sync does not write it again.

use std::{collections::BTreeMap, mem};

use super::{
    Random,
    record::{Entry, Step},
};

const SECTOR: usize = 512;

/// What is left of that which was not synced.
#[derive(Clone, Copy, Debug)]
pub(super) enum Left {
    Nothing,
    Everything,
    /// Of each sector, with so many in a hundred.
    Some(usize),
}

impl Left {
    fn is_left(self, random: &mut Random) -> bool {
        match self {
            Self::Nothing => false,
            Self::Everything => true,
            Self::Some(percent) => random.below(100) < percent,
        }
    }
}

/// A change of a file.
#[derive(Clone, Copy)]
enum Change<'r> {
    Bytes(usize, &'r [u8]),
    Size(usize),
}

impl<'r> Change<'r> {
    fn make(self, content: &mut Vec<u8>) {
        match self {
            Self::Size(size) => content.resize(size, 0),
            Self::Bytes(place, bytes) => {
                let end = place + bytes.len();
                content.resize(content.len().max(end), 0);
                content[place..end].copy_from_slice(bytes);
            }
        }
    }

    /// The parts that are on the disk or not, each by itself.
    fn sectors(self) -> Vec<Self> {
        let Self::Bytes(mut place, mut bytes) = self else { return vec![self] };
        let mut sectors = Vec::new();
        while !bytes.is_empty() {
            let (sector, rest) = bytes.split_at(bytes.len().min(SECTOR - place % SECTOR));
            sectors.push(Self::Bytes(place, sector));
            place += sector.len();
            bytes = rest;
        }
        sectors
    }

    /// What a later change leaves of it.
    fn under(self, later: Change<'_>) -> Vec<Self> {
        let Self::Bytes(place, bytes) = self else { return vec![self] };
        let (from, to) = match later {
            Change::Bytes(from, over) => (from, from + over.len()),
            Change::Size(size) => (size, usize::MAX),
        };
        let end = place + bytes.len();
        let (from, to) = (from.clamp(place, end), to.clamp(place, end));
        let parts = [(place, from), (to, end)].into_iter().filter(|(from, to)| from < to);
        parts.map(|(from, to)| Self::Bytes(from, &bytes[from - place..to - place])).collect()
    }
}

/// A change that is not synced.
#[derive(Clone, Copy)]
struct Pending<'r> {
    place: usize,
    change: Change<'r>,
    is_given_up: bool,
}

#[derive(Default)]
struct File<'r> {
    synced: Vec<u8>,
    pending: Vec<Pending<'r>>,
}

impl<'r> File<'r> {
    /// What was written before this place of the record is on the disk now.
    fn sync(&mut self, before: usize) {
        let mut left: Vec<Pending<'r>> = Vec::new();
        for one in mem::take(&mut self.pending) {
            if one.is_given_up || one.place >= before {
                left.push(one);
                continue;
            }
            let under = |old: Pending<'r>| {
                let parts = old.change.under(one.change).into_iter();
                parts.map(move |change| Pending { change, ..old })
            };
            left = left.into_iter().flat_map(under).collect();
            one.change.make(&mut self.synced);
        }
        self.pending = left;
    }

    fn give_up(&mut self) {
        for one in &mut self.pending {
            one.is_given_up |= matches!(one.change, Change::Bytes(..));
        }
    }

    fn after_cut(&self, random: &mut Random, left: Left) -> Vec<u8> {
        let mut content = self.synced.clone();
        // The size of a file can be on the disk before the bytes.
        if left.is_left(random) {
            let ends = self.pending.iter().map(|one| match one.change {
                Change::Bytes(place, bytes) => place + bytes.len(),
                Change::Size(_) => 0,
            });
            content.resize(ends.max().unwrap_or(0).max(content.len()), 0);
        }
        for change in self.pending.iter().flat_map(|one| one.change.sectors()) {
            if left.is_left(random) {
                change.make(&mut content);
            }
        }
        content
    }
}

/// A disk at one place of a record.
#[derive(Default)]
pub(super) struct Platter<'r> {
    files: BTreeMap<usize, File<'r>>,
    names: BTreeMap<usize, &'r str>,
    folder: Option<usize>,
    /// The names that are synced.
    synced: BTreeMap<&'r str, usize>,
    /// The names that are not, with their places: made, or removed.
    pending: Vec<(usize, &'r str, Option<usize>)>,
    /// Where the sync of a descriptor has begun.
    syncs: BTreeMap<u64, usize>,
}

impl<'r> Platter<'r> {
    pub(super) fn step(&mut self, place: usize, entry: Entry<'r>) {
        let file = entry.file;
        let of = self.files.entry(file).or_default();
        let mut change = |change| of.pending.push(Pending { place, change, is_given_up: false });
        match entry.step {
            Step::Made("") => self.folder = Some(file),
            Step::Made(name) => {
                self.names.insert(file, name);
                self.pending.push((place, name, Some(file)));
            }
            Step::Opened => {}
            Step::Syncing(by) => drop(self.syncs.insert(by, place)),
            Step::Synced(by) => {
                let before = self.syncs.remove(&by).expect("a sync that has begun");
                match self.folder == Some(file) {
                    true => self.sync_names(before),
                    false => of.sync(before),
                }
            }
            Step::Failed => of.give_up(),
            Step::Written(at, bytes) => change(Change::Bytes(at, bytes)),
            Step::Resized(size) => change(Change::Size(size)),
            Step::Removed => self.pending.push((place, self.names[&file], None)),
        }
    }

    fn sync_names(&mut self, before: usize) {
        let later = self.pending.split_off(self.pending.partition_point(|one| one.0 < before));
        for (_, name, file) in mem::replace(&mut self.pending, later) {
            rename(&mut self.synced, name, file);
        }
    }

    /// The files of the store, as they can be after a cut at this place.
    pub(super) fn after_cut(&self, random: &mut Random, left: Left) -> BTreeMap<&'r str, Vec<u8>> {
        let mut names = self.synced.clone();
        for (_, name, file) in &self.pending {
            if left.is_left(random) {
                rename(&mut names, name, *file);
            }
        }
        let of_store = names.into_iter().filter(|(name, _)| name.starts_with("inbox.db"));
        of_store.map(|(name, file)| (name, self.files[&file].after_cut(random, left))).collect()
    }
}

fn rename<'r>(names: &mut BTreeMap<&'r str, usize>, name: &'r str, file: Option<usize>) {
    match file {
        Some(file) => drop(names.insert(name, file)),
        None => drop(names.remove(name)),
    }
}

/// What the file can be after a cut, with each of these left.
fn cut(steps: &[Step<'_>], left: Left) -> Option<Vec<u8>> {
    let mut platter = Platter::default();
    platter.step(0, Entry { file: 0, step: Step::Made("") });
    for (place, step) in (1..).zip(steps) {
        // The descriptor 0 is that of the folder.
        let file = usize::from(!matches!(step, Step::Syncing(0) | Step::Synced(0)));
        platter.step(place, Entry { file, step: *step });
    }
    platter.after_cut(&mut Random(1), left).remove("inbox.db")
}

const MADE: [Step<'_>; 3] = [Step::Made("inbox.db"), Step::Syncing(0), Step::Synced(0)];

#[test]
fn what_is_synced_stays() {
    let of = |steps: &[Step<'_>], left| cut(&[&MADE, steps].concat(), left).unwrap();
    let (old, new) = (Step::Written(0, b"old"), Step::Written(1, b"ew"));
    let synced = [old, Step::Syncing(3), new, Step::Synced(3)];
    assert_eq!(of(&synced, Left::Nothing), b"old");
    assert_eq!(of(&synced, Left::Everything), b"oew");
    assert_eq!(of(&[old, Step::Syncing(3)], Left::Nothing), b"");
    assert_eq!(cut(&[MADE[0]], Left::Nothing), None);
    assert_eq!(cut(&[&MADE[..], &[Step::Removed]].concat(), Left::Everything), None);
}

#[test]
fn what_a_sync_has_failed_to_write_is_never_synced() {
    let of = |steps: &[Step<'_>], left| cut(&[&MADE, steps].concat(), left).unwrap();
    let failed = [Step::Written(0, b"lost"), Step::Failed];
    let after = [&failed[..], &[Step::Syncing(3), Step::Synced(3)]].concat();
    assert_eq!(of(&after, Left::Nothing), b"");
    assert_eq!(of(&after, Left::Everything), b"lost");
    let over = [Step::Written(1, b"AK"), Step::Syncing(3), Step::Synced(3)];
    assert_eq!(of(&[&failed[..], &over].concat(), Left::Nothing), b"\0AK");
    assert_eq!(of(&[&failed[..], &over].concat(), Left::Everything), b"lAKt");
}

#[test]
fn sectors_are_on_the_disk_each_by_itself() {
    let bytes = [1; 20 * SECTOR];
    let steps = [&MADE[..], &[Step::Written(100, &bytes)]].concat();
    let content = cut(&steps, Left::Some(50)).unwrap();
    let of_sector = |at: usize| content.get(at * SECTOR + 200).copied().unwrap_or(0);
    let old = (0..20).filter(|at| of_sector(*at) == 0).count();
    assert!((1..20).contains(&old), "{old}");
}
