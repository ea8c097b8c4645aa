//! Compares the list of cases in `rows.md` with the names of the tests.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// A line of a table in the list.
#[derive(Debug, PartialEq)]
struct Row<'a> {
    id: &'a str,
    sent: &'a str,
    expected: &'a str,
    state: State<'a>,
}

#[derive(Debug, PartialEq)]
enum State<'a> {
    Tested,
    /// Tested but for this.
    InPart(&'a str),
    /// Not tested, for this reason.
    NotYet(&'a str),
}

impl Row<'_> {
    fn is_due(&self) -> bool {
        !matches!(self.state, State::NotYet(_))
    }
}

#[test]
fn each_row_that_applies_has_a_test_and_no_other_has() {
    let (rows, tests) = (rows(LIST), tests());
    let named: BTreeSet<_> = tests.values().flatten().map(String::as_str).collect();
    let due: BTreeSet<_> = rows.iter().filter(|row| row.is_due()).map(|row| row.id).collect();
    let missing: Vec<_> = due.difference(&named).collect();
    let surplus: Vec<_> = named.difference(&due).collect();
    assert!(missing.is_empty(), "of {} rows, these have no test: {missing:?}", due.len());
    assert!(surplus.is_empty(), "these are tested, but not in the list or not due: {surplus:?}");
    let tables: BTreeSet<_> = rows.iter().map(|row| &row.id[..1]).collect();
    assert_eq!(tables.into_iter().collect::<String>(), "abcdefg", "every table has rows");
}

#[test]
fn each_row_is_there_once_and_in_order() {
    let place = |row: &Row<'_>| (row.id[..1].to_owned(), row.id[1..].parse::<u32>().unwrap());
    assert!(rows(LIST).is_sorted_by(|one, next| place(one) < place(next)));
}

#[test]
fn rows_of_a_table_are_read() {
    let text = "a | b\n\n| id | x | y | z |\n|---|---|---|---|\n| a1 | b | c | yes |\n\
        | a12 | `d` | e: f | in part: g: h |\n| b3 | i | j | not yet: k |\n";
    let row = |id, sent, expected, state| Row { id, sent, expected, state };
    let expected = [
        row("a1", "b", "c", State::Tested),
        row("a12", "`d`", "e: f", State::InPart("g: h")),
        row("b3", "i", "j", State::NotYet("k")),
    ];
    assert_eq!(rows(text), expected);
}

#[test]
fn no_row_is_passed_over() {
    for line in
        ["| a1 | b | c | maybe |", "| a1 | b | c |", "| a1 |  | c | yes |", "| h1 | b | c | yes |"]
    {
        assert_eq!(row(line), None, "{line}");
        assert!(std::panic::catch_unwind(|| rows(line)).is_err(), "{line}");
    }
}

#[test]
fn names_of_tests_are_found() {
    let text = "#[tokio::test(start_paused = true)]\n#[should_panic]\nasync fn a1_b22_is_c() {}\n#[test]\nfn x() {}\nfn a3() {}\n#[test]\n#[ignore = \"why\"]\nfn a4() {}\n#[test]\nfn a5() {}\n";
    assert_eq!(names(text), ["a1_b22_is_c", "x", "a5"]);
    assert_eq!(ids("a1_b22_is_a_a3b_h1_c9").into_iter().collect::<Vec<_>>(), ["a1", "b22", "c9"]);
}

/// The rows of all tables. A line of a table that is neither a row nor above the rows is a mistake.
fn rows(text: &str) -> Vec<Row<'_>> {
    let lines = text.lines().filter(|line| line.starts_with('|'));
    let lines = lines.filter(|line| !line.starts_with("| id |") && !line.starts_with("|---|"));
    lines.map(|line| row(line).unwrap_or_else(|| panic!("no row: {line}"))).collect()
}

fn row(line: &str) -> Option<Row<'_>> {
    let cells: Vec<_> = line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ").collect();
    let [id, sent, expected, state] = cells[..] else { return None };
    if [sent, expected, state].iter().any(|words| words.trim().is_empty()) {
        return None;
    }
    let state = match state.split_once(": ") {
        None if state == "yes" => State::Tested,
        Some(("in part", but)) => State::InPart(but),
        Some(("not yet", reason)) => State::NotYet(reason),
        _ => return None,
    };
    is_id(id).then_some(Row { id, sent, expected, state })
}

/// The rows that each test function of this suite, and of that of the inbox, is for, by the ids that its name is made of.
fn tests() -> BTreeMap<String, BTreeSet<String>> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let sources = ["hostile", "inbox"].into_iter().flat_map(|suite| sources(&tests.join(suite)));
    let texts: Vec<_> = sources.map(|path| fs::read_to_string(path).unwrap()).collect();
    texts.iter().flat_map(|text| names(text)).map(|name| (name.to_owned(), ids(name))).collect()
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let of = |path: PathBuf| match path.is_dir() {
        true => sources(&path),
        false => vec![path],
    };
    let files = paths.flat_map(of);
    files.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

/// The names of the functions that follow an attribute `test`, without those that are ignored.
fn names(text: &str) -> Vec<&str> {
    let (mut marked, mut names) = (false, Vec::new());
    for line in text.lines().map(str::trim) {
        if line.starts_with("#[test") || line.starts_with("#[tokio::test") {
            marked = true;
        } else if line.starts_with("#[ignore") {
            marked = false;
        } else if let Some((_, behind)) = line.split_once("fn ").filter(|_| marked) {
            names.extend(behind.split('(').next());
            marked = false;
        }
    }
    names
}

fn ids(name: &str) -> BTreeSet<String> {
    name.split('_').filter(|word| is_id(word)).map(str::to_owned).collect()
}

/// `a12` and the like.
fn is_id(word: &str) -> bool {
    let number = word.trim_start_matches(|c: char| ('a'..='g').contains(&c));
    word.len() == number.len() + 1 && number.parse::<u8>().is_ok()
}

const LIST: &str = include_str!("rows.md");
