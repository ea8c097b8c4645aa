//! The list that the cases were collected in: which rows have a test, and why the others have none yet.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use Row::*;

enum Row {
    /// All of it is tested.
    Tested,
    /// It is tested, but for this.
    But(&'static str),
    /// It does not apply yet, for this reason.
    Later(&'static str),
}

const INBOX: Row = Later("with the inbox: nothing is stored yet");
const NO_STORE: Row = But("nothing is stored or kept aside before there is an inbox");

const ROWS: [(&str, &str, Row); 119] = [
    ("a1", "no signature", Tested),
    ("a2", "an empty one, or blanks", Tested),
    ("a3", "a name and nothing behind it", Tested),
    ("a4", "cut short", Tested),
    ("a6", "not hex, not base64", Tested),
    ("a7", "hex of either case", Tested),
    ("a9", "no name of the hash", Tested),
    ("a10", "a weaker hash", Tested),
    ("a11", "only a version that is not known", But("Stripe itself is no sender yet")),
    ("a12", "unknown versions, and many, beside a good one", Tested),
    ("a14", "a signature of a megabyte", Tested),
    ("a15", "the header twice", Tested),
    ("a17", "the time twice", But("Stripe itself is no sender yet")),
    ("a19", "commas for blanks", Tested),
    ("a20", "line breaks in a header", Tested),
    ("a21", "odd case of a name", Tested),
    ("a23", "two families of headers", Tested),
    ("a24", "an asymmetric signature for a shared secret", Tested),
    ("a25", "a public key as the secret", Tested),
    ("a26", "tokens that name their own algorithm", Later("no sender signs with JWT")),
    ("a27", "a key's address in the request", Later("no scheme fetches a key")),
    ("a28", "weak points of a curve", Later("no scheme with Ed25519")),
    ("a30", "how far a comparison got", But("time itself is measured apart from tests")),
    ("a32", "failures that can be told apart", Tested),
    ("a34", "changed headers that nobody signed", Tested),
    ("a35", "components that are not covered", Later("no scheme of RFC 9421")),
    ("b1", "an empty secret", Tested),
    ("b2", "a prefix and nothing behind it", Tested),
    ("b3", "not base64", Tested),
    ("b5", "base64 for URLs", Tested),
    ("b6", "a version in front", Tested),
    ("b8", "a short secret", Tested),
    ("b9", "a secret that is not set", Tested),
    ("b10", "a published secret", Tested),
    ("b11", "a word that turns checks off", Tested),
    ("b13", "two good keys", Tested),
    ("b14", "a retired key", Tested),
    ("b16", "a vault that is down", Later("keys are in memory: no vault is asked")),
    ("b18", "very many tenants", Later("tenants are looked up by the receiver's own handler")),
    ("b19", "a tenant named by the body", Tested),
    ("c2", "UTF-16 and UTF-32", NO_STORE),
    ("c3", "broken UTF-8 under a good MAC", NO_STORE),
    ("c5", "half a surrogate pair", Tested),
    ("c6", "one name twice", But("nothing is told apart by an id before there is an inbox")),
    ("c8", "numbers out of range", Tested),
    ("c9", "a million elements, 200,000 levels", Tested),
    ("c10", "an empty list", But("nothing is recorded before there is an inbox")),
    ("c11", "an empty body", Tested),
    ("c13", "text behind the end", Tested),
    ("c14", "one JSON text a line", Tested),
    ("c15", "a line break that is signed", Tested),
    ("c17", "a form", But("no sender posts forms: they are refused")),
    ("c18", "a multipart body", But("no sender posts them: they are refused")),
    ("c19", "a compressed body", Tested),
    ("c25", "a length over the limit", Tested),
    ("c26", "a body that never ends", Tested),
    ("c27", "two ways to say the length", But("hyper reads the chunks, and closes behind them")),
    ("c30", "another media type, or none", Tested),
    ("c31", "JSON in other spellings", Tested),
    ("c32", "two media types", But("who documents none takes any")),
    ("c33", "broken JSON", NO_STORE),
    ("c35", "a type that is long or odd", But("there are no metrics yet")),
    ("c37", "a field of another type", NO_STORE),
    ("c38", "fields that are not known", Tested),
    ("d1", "other methods", Tested),
    ("d3", "a handshake by OPTIONS", But("no sender has it: it is refused")),
    ("d4", "a challenge that is markup", Tested),
    ("d6", "a challenge as a key", But("no handshake compares a token yet")),
    ("d7", "other paths", Tested),
    ("d8", "another host, by a proxy's word", Tested),
    ("d9", "a query in other words", But("no scheme signs a URL yet")),
    ("d11", "other versions of HTTP", Tested),
    ("d12", "heads and bodies by the byte", But("slow heads are the server's to end")),
    ("d14", "a sender that hangs up", But("a repetition is told with the inbox only")),
    ("d15", "ten thousand strangers at once", Tested),
    ("d17", "redirects", Tested),
    ("d18", "answers that tell", Tested),
    ("e1", "exactly the tolerance", Tested),
    ("e2", "too old", Tested),
    ("e3", "in the future", Tested),
    ("e5", "milliseconds", Tested),
    ("e6", "other ways to write a time", Tested),
    ("e8", "a clock that is off", But("there are no metrics yet: the trace says it")),
    ("e9", "a clock that jumps", But("there are no leases yet")),
    ("e10", "the same bytes twice", INBOX),
    ("e12", "the same after a restart", INBOX),
    ("e14", "a replay under another query", INBOX),
    ("e15", "a replay under another id", INBOX),
    ("e16", "an id made at random", INBOX),
    ("e18", "one id, two tenants", INBOX),
    ("e20", "the id of a thing for that of a delivery", INBOX),
    ("e21", "an id for each attempt", INBOX),
    ("e22", "no time at all", INBOX),
    ("e24", "a forgery before the real one", INBOX),
    ("f1", "many identical at once", INBOX),
    ("f3", "a repetition while it is handled", INBOX),
    ("f4", "a crash before the answer", INBOX),
    ("f5", "a crash before the commit", INBOX),
    ("f6", "a crash before the queue", INBOX),
    ("f8", "done before it is", INBOX),
    ("f9", "acknowledged before it is kept", INBOX),
    ("f10", "a handler that panics", But("there are no attempts before there is an inbox")),
    ("f11", "a handler that never ends", But("there are no leases before there is an inbox")),
    ("f13", "one of two handlers", INBOX),
    ("f15", "a message that always fails", INBOX),
    ("f16", "no room for what failed", INBOX),
    ("f17", "a store that is down", INBOX),
    ("f18", "a store that is slow", INBOX),
    ("f20", "out of order", INBOX),
    ("f21", "old after new", INBOX),
    ("f23", "a repetition within a list", INBOX),
    ("f25", "a shutdown", But("there are no leases before there is an inbox")),
    ("f26", "a storm of retries", INBOX),
    ("f27", "a replay by the operator", INBOX),
    ("f30", "a handler that is gone", INBOX),
    ("g1", "secrets and bodies in what is told", But("there are no metrics yet")),
    ("g2", "credentials in what is kept", But("nothing is stored yet: what handlers see")),
    (
        "g4",
        "words of strangers as labels",
        But("there are no metrics yet: traces, which say by how much a clock is off"),
    ),
    ("g5", "an open inspector", Later("there is no inspector")),
];

/// The rows that each test function of this suite is for, by the ids that its name is made of.
fn tests() -> BTreeMap<String, BTreeSet<String>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let texts: Vec<_> = files.map(|path| fs::read_to_string(path).unwrap()).collect();
    texts.iter().flat_map(|text| names(text)).map(|name| (name.to_owned(), ids(name))).collect()
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

/// `a12` and the like.
fn ids(name: &str) -> BTreeSet<String> {
    let is_id = |word: &&str| {
        let number = word.trim_start_matches(|c: char| ('a'..='g').contains(&c));
        word.len() == number.len() + 1 && number.parse::<u8>().is_ok()
    };
    name.split('_').filter(is_id).map(str::to_owned).collect()
}

#[test]
fn each_row_that_applies_has_a_test_and_no_other_has() {
    let tests = tests();
    let named: BTreeSet<_> = tests.values().flatten().map(String::as_str).collect();
    let applies = |row: &Row| matches!(row, Tested | But(_));
    let due: BTreeSet<_> =
        ROWS.iter().filter(|(.., row)| applies(row)).map(|(id, ..)| *id).collect();
    let missing: Vec<_> = due.difference(&named).collect();
    let surplus: Vec<_> = named.difference(&due).collect();
    assert!(missing.is_empty(), "of {} rows, these have no test: {missing:?}", due.len());
    assert!(surplus.is_empty(), "tested, but unknown or not due: {surplus:?}");
    assert_eq!((ROWS.len(), due.len()), (119, 84), "the rows of the list, and those that apply");
}

#[test]
fn each_row_stands_once_and_in_order_and_says_what_it_is() {
    let order = |id: &str| (id[..1].to_owned(), id[1..].parse::<u32>().unwrap());
    assert!(ROWS.is_sorted_by(|(one, ..), (next, ..)| order(one) < order(next)));
    for (id, words, row) in &ROWS {
        let reason = match row {
            Tested => words,
            But(reason) | Later(reason) => reason,
        };
        assert!(words.len() > 5 && reason.len() > 5, "{id}");
    }
}

#[test]
fn names_of_tests_are_found() {
    let text = "#[tokio::test(start_paused = true)]\n#[should_panic]\nasync fn a1_b22_is_c() {}\n#[test]\nfn x() {}\nfn a3() {}\n#[test]\n#[ignore = \"why\"]\nfn a4() {}\n#[test]\nfn a5() {}\n";
    assert_eq!(names(text), ["a1_b22_is_c", "x", "a5"]);
    assert_eq!(ids("a1_b22_is_a_a3b_h1_c9").into_iter().collect::<Vec<_>>(), ["a1", "b22", "c9"]);
}
