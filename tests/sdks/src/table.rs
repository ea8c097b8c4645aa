//! The table of the known differences, `differences.tsv`.

/// The columns: which side is stricter, the senders, the libraries, the alteration, the reason. A `*` in an alteration stands for any text.
const TABLE: &str = include_str!("../differences.tsv");

/// Where this crate and a library differ.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Difference {
    pub(crate) side: Side,
    pub(crate) sender: String,
    pub(crate) library: String,
    pub(crate) alteration: String,
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Side {
    /// The library accepts what this crate refuses.
    Stricter,
    /// The library accepts what is authentic to this crate, but no event of the sender.
    Unreadable,
    /// This crate accepts what the library refuses.
    Wider,
    /// Both accept it, and read other types of events.
    Types,
}

struct Row {
    columns: [&'static str; 5],
    seen: usize,
}

pub(crate) struct Table(Vec<Row>);

impl Table {
    pub(crate) fn read() -> Self {
        let rows = TABLE.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        let row = |row: &'static str| {
            let columns: Vec<_> = row.split('\t').collect();
            let columns =
                columns.try_into().unwrap_or_else(|row| panic!("not five columns: {row:?}"));
            Row { columns, seen: 0 }
        };
        Self(rows.map(row).collect())
    }

    /// Whether it is known. Counts it.
    pub(crate) fn knows(&mut self, difference: &Difference) -> bool {
        let known = self.0.iter_mut().find(|row| row.is(difference));
        known.map(|row| row.seen += 1).is_some()
    }

    pub(crate) fn reason(&self, difference: &Difference) -> Option<&'static str> {
        self.0.iter().find(|row| row.is(difference)).map(|row| row.columns[4])
    }

    /// How many rows there are, and how often they were seen.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.0.len(), self.0.iter().map(|row| row.seen).sum())
    }

    /// Rows that no request needed.
    pub(crate) fn unseen(&self) -> impl Iterator<Item = String> {
        self.0.iter().filter(|row| row.seen == 0).map(|row| row.columns.join(" | "))
    }
}

impl Row {
    fn is(&self, difference: &Difference) -> bool {
        let [side, senders, libraries, alteration, _] = self.columns;
        let lists = |list: &str, name: &str| list.split(' ').any(|listed| listed == name);
        format!("{:?}", difference.side).eq_ignore_ascii_case(side)
            && lists(senders, &difference.sender)
            && (libraries == "*" || lists(libraries, &difference.library))
            && matches(alteration, &difference.alteration)
    }
}

fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|text| {
            let mut ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            ends.any(|at| matches(rest, &text[at..]))
        }),
    }
}
