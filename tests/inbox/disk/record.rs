//! What a child has done to its disk, step by step, as its shim has recorded it.

use std::collections::{BTreeMap, BTreeSet};

/// The file in which a child notes what others have been told.
pub(super) const LEDGER: &str = "ledger";

/// See `enum kind` in `tests/disk/shim.c`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Step<'r> {
    Made(&'r str),
    Opened,
    /// By this descriptor, as the two below.
    Syncing(u64),
    Synced(u64),
    Failed,
    Written(usize, &'r [u8]),
    Resized(usize),
    Removed,
}

/// A step, and the number of its file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'r> {
    pub(super) file: usize,
    pub(super) step: Step<'r>,
}

/// `None`: another process has started.
fn step(kind: u8, place: u64, bytes: &[u8]) -> Option<Step<'_>> {
    Some(match kind {
        b'S' => return None,
        b'M' => Step::Made(std::str::from_utf8(bytes).unwrap()),
        b'O' => Step::Opened,
        b'B' => Step::Syncing(place),
        b'E' => Step::Synced(place),
        b'F' => Step::Failed,
        b'W' => Step::Written(place as usize, bytes),
        b'T' => Step::Resized(place as usize),
        b'U' => Step::Removed,
        other => panic!("a step {other}"),
    })
}

pub(super) struct Record<'r> {
    pub(super) entries: Vec<Entry<'r>>,
    /// The names of the files, by their numbers.
    names: Vec<&'r str>,
}

impl<'r> Record<'r> {
    pub(super) fn read(mut log: &'r [u8]) -> Self {
        let mut record = Self { entries: Vec::new(), names: Vec::new() };
        // By the numbers that a process gives its files.
        let mut files: BTreeMap<u8, usize> = BTreeMap::new();
        while let Some((head, rest)) = log.split_first_chunk::<16>() {
            let length = u32::from_ne_bytes(head[4..8].try_into().unwrap());
            let (bytes, rest) = rest.split_at(length as usize);
            log = rest;
            let place = u64::from_ne_bytes(head[8..].try_into().unwrap());
            match step(head[0], place, bytes) {
                None => files.clear(),
                Some(Step::Made(name)) => drop(files.insert(head[1], record.made(name))),
                Some(step) => record.entries.push(Entry { file: files[&head[1]], step }),
            }
        }
        assert!(log.is_empty(), "a part of an entry");
        record
    }

    /// The number of this file. A process before may have made it.
    fn made(&mut self, name: &'r str) -> usize {
        let newest = self.names.iter().rposition(|known| *known == name);
        let is_there = |file: &usize| {
            let is_removed = |entry: &Entry<'_>| entry.file == *file && entry.step == Step::Removed;
            !self.entries.iter().any(is_removed)
        };
        newest.filter(is_there).unwrap_or_else(|| {
            let file = self.names.len();
            self.names.push(name);
            self.entries.push(Entry { file, step: Step::Made(name) });
            file
        })
    }

    pub(super) fn name(&self, entry: &Entry<'_>) -> &'r str {
        self.names[entry.file]
    }

    /// The places of the steps of this file that are such.
    pub(super) fn places(&self, name: &str, is: impl Fn(Step<'r>) -> bool) -> Vec<usize> {
        let all = self.entries.iter().enumerate();
        all.filter(|(_, entry)| self.name(entry) == name && is(entry.step))
            .map(|(place, _)| place)
            .collect()
    }

    /// The lines of the ledger, each with its place.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &'r str)> {
        let all = self.entries.iter().enumerate();
        all.filter_map(|(place, entry)| match entry.step {
            Step::Written(_, line) if self.name(entry) == LEDGER => {
                Some((place, std::str::from_utf8(line).unwrap().trim_end()))
            }
            _ => None,
        })
    }

    /// What others have been told before this place.
    pub(super) fn told(&self, before: usize) -> Told {
        let mut told = Told::default();
        for (_, line) in self.lines().take_while(|(place, _)| *place < before) {
            let (what, number) = line.split_once(' ').unwrap();
            let numbers = if what == "done" { &mut told.done } else { &mut told.stored };
            numbers.insert(number.parse().unwrap());
        }
        told
    }
}

/// The numbers of the deliveries of which others know that they are stored, or done.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) stored: BTreeSet<usize>,
    pub(super) done: BTreeSet<usize>,
}
