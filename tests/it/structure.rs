//! The shape of the source: which module knows of which, how large a file is, what is `Send`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use tower_webhook::{
    Body, Delivery, EventRouter, RawEvent, Rejection, Schedule, Sender, Verified, VerifyLayer,
    decode::{DecodeError, Envelope},
    error::ConfigError,
    providers::learn365::emulator::Emulator,
    providers::learn365::{Filter, Learn365, Registration, RegistrationClient},
    router::{self, Batch, BatchOutcome, Batches},
    scheme::{Check, HmacSha256, Keys, Secret, Token},
    sender::Deliveries,
    verify::{self, Verify},
};

/// The modules from the lowest to the highest: each may use those before it, and none that comes after. So there is no
/// arrow upwards and no circle.
const ORDER: [&str; 15] = [
    "error",
    "body",
    "util",
    "clock",
    "scheme",
    "decode",
    "rejection",
    "delivery",
    "provider",
    "event",
    "sender",
    "providers",
    "verify",
    "router",
    "inbox",
];

/// The lower modules that a module must not use all the same.
const IGNORANT: [(&str, &[&str]); 5] = [
    ("decode", &["scheme"]),
    ("rejection", &["clock"]),
    ("verify", &["decode", "sender", "providers", "event"]),
    ("router", &["sender", "providers"]),
    // Of the router, it is the worker alone that may use it: see below.
    ("inbox", &["sender", "providers"]),
];

#[test]
fn dependencies_point_one_way() {
    let (sources, exported) = (sources(), exported());
    let ignorant = BTreeMap::from(IGNORANT);
    for (place, module) in ORDER.iter().enumerate() {
        let own: Vec<_> = sources.iter().filter(|source| source.module() == *module).collect();
        assert!(!own.is_empty(), "{module} is not where it is looked for");
        let mut found: BTreeSet<_> = own.iter().flat_map(|source| source.uses(&exported)).collect();
        found.retain(|used| {
            let used = first(used);
            ORDER[place + 1..].contains(&used)
                || ignorant.get(module).is_some_and(|lower| lower.contains(&used))
        });
        assert!(found.is_empty(), "{module} uses {found:?}");
    }
}

#[test]
fn every_module_has_its_place() {
    for source in sources() {
        let module = source.module();
        let free = ["lib", "docs"].contains(&module);
        assert!(free || ORDER.contains(&module), "{module} is missing in the order of modules");
    }
}

#[test]
fn of_the_inbox_only_its_worker_uses_the_router() {
    let exported = exported();
    for source in sources() {
        assert!(keeps_to_its_part(&source, &exported), "{}", source.path.display());
    }
    // The rule is tried on files that it may have.
    let dispatching = "use crate::{EventRouter, verify::Verified};\n";
    for (path, text, keeps) in [
        ("inbox/worker/mod.rs", dispatching, true),
        ("inbox/worker.rs", dispatching, true),
        ("inbox/sqlite.rs", dispatching, false),
        ("inbox/sqlite.rs", "use crate::{Delivery, verify::Verified};\n", true),
        ("verify/read.rs", "use crate::EventRouter;\n", true),
    ] {
        let source = Source { path: path.into(), text: text.into() };
        assert_eq!(keeps_to_its_part(&source, &exported), keeps, "{path}: {text}");
    }
}

fn keeps_to_its_part(source: &Source, exported: &BTreeMap<String, String>) -> bool {
    let uses_router = source.uses(exported).iter().any(|used| first(used) == "router");
    let is_worker =
        source.path.starts_with("inbox/worker") || source.path.ends_with("inbox/worker.rs");
    source.module() != "inbox" || is_worker || !uses_router
}

#[test]
fn every_file_says_what_it_holds() {
    for source in sources() {
        let first = source.text.lines().next().unwrap_or_default();
        let says = first.starts_with("//! ") || first.starts_with("#![doc");
        assert!(says, "{} does not begin with a `//!` sentence", source.path.display());
    }
}

/// A way around the test above.
#[test]
fn nobody_reaches_the_root_from_below() {
    for source in sources() {
        let code = source.code();
        let below_root = source.path.components().count() == 1 || source.is_top_mod();
        let around =
            code.contains("super::super::") || below_root && code.contains("\nuse super::");
        assert!(!around, "{}", source.path.display());
    }
}

#[test]
fn files_are_small() {
    for source in sources() {
        let lines = source.code().lines().filter(|line| !line.trim().is_empty()).count();
        let most = if source.path == Path::new("lib.rs") { 80 } else { 350 };
        assert!(
            lines <= most,
            "{}: {lines} lines of code, more than {most}",
            source.path.display()
        );
    }
}

/// Functions that are longer, each with its reason.
const LONG: [(&str, &str, &str); 2] = [
    ("verify/future.rs", "poll", "an arm for each state of a request"),
    (
        "providers/learn365/json.rs",
        "indented",
        "an arm for each character that JSON gives a meaning",
    ),
];

#[test]
fn functions_are_short() {
    let mut long = Vec::new();
    for source in sources() {
        for (name, lines) in source.functions() {
            if lines > 35 {
                long.push((source.path.display().to_string(), name));
            }
        }
    }
    long.sort();
    let mut expected = LONG.map(|(path, name, _)| (path.to_owned(), name.to_owned())).to_vec();
    expected.sort();
    assert_eq!(long, expected);
}

#[test]
fn the_counting_of_functions_works() {
    let text = "impl X {\n    pub fn a(\n        x: u8,\n    ) {\n        // no code\n        b();\n\n    }\n\n    fn c();\n}\n\
        fn d() { e() }\npub(crate) async fn f() {\n    g()\n}\n";
    let source = Source { path: "verify/x.rs".into(), text: text.into() };
    let counted = [("a", 5), ("c", 1), ("d", 1), ("f", 3)];
    assert_eq!(source.functions(), counted.map(|(name, lines)| (name.to_owned(), lines)));
}

#[test]
fn nothing_is_unwrapped() {
    for source in sources() {
        for (at, line) in source.code().lines().enumerate() {
            assert!(!line.contains(".unwrap()"), "{}:{}", source.path.display(), at + 1);
        }
    }
}

#[test]
fn the_reading_of_paths_works() {
    let text = "use crate::{Delivery, decode::{Envelope, Members}, error::SendError};\n\
        // use crate::sender::X;\n\
        fn f() { crate::trace::lost(\"\"); }\n\
        pub(crate) use self::x;\n#[cfg(test)]\nmod tests { use crate::router::R; }\n";
    let source = Source { path: "verify/x.rs".into(), text: text.into() };
    let exported = BTreeMap::from([("Delivery".to_owned(), "delivery".to_owned())]);
    let expected = [
        "decode::Envelope",
        "decode::Members",
        "delivery::Delivery",
        "error::SendError",
        "trace::lost",
    ];
    assert_eq!(source.uses(&exported).into_iter().collect::<Vec<_>>(), expected);
    assert_eq!(source.module(), "verify");
}

/// A file under `src`.
struct Source {
    path: PathBuf,
    text: String,
}

impl Source {
    /// The module of the crate's root that it belongs to.
    fn module(&self) -> &str {
        self.path.components().next().unwrap().as_os_str().to_str().unwrap().trim_end_matches(".rs")
    }

    /// `<module>/mod.rs`
    fn is_top_mod(&self) -> bool {
        self.path.components().count() == 2 && self.path.ends_with("mod.rs")
    }

    /// The text without comments and tests, line by line.
    fn code(&self) -> String {
        let code = self.text.split("#[cfg(test)]\nmod tests").next().unwrap();
        let lines =
            code.lines().map(|line| if line.trim_start().starts_with("//") { "" } else { line });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// The functions, each with how many lines of code it has. As rustfmt writes it, the end of one is indented like its start.
    fn functions(&self) -> Vec<(String, usize)> {
        let code = self.code();
        let mut lines = code.lines().filter(|line| !line.trim().is_empty()).peekable();
        let mut found = Vec::new();
        while let Some(line) = lines.next() {
            let Some(name) = function(line) else { continue };
            let indent = line.len() - line.trim_start().len();
            let ends = |line: &str| {
                line.len() - line.trim_start().len() == indent
                    && line.trim_end().ends_with(['}', ';'])
            };
            let mut count = 1;
            let mut last = line;
            while !ends(last) {
                last = lines.next().expect("the function ends");
                count += 1;
            }
            found.push((name.to_owned(), count));
        }
        found
    }

    /// The paths from the crate's root on, those of its re-exports resolved.
    fn uses(&self, exported: &BTreeMap<String, String>) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for rest in self.code().split("crate::").skip(1) {
            flatten("", rest, &mut found);
        }
        let resolve = |path: String| match exported.get(first(&path)) {
            Some(module) => format!("{module}::{path}"),
            None => path,
        };
        found.into_iter().map(resolve).collect()
    }
}

/// The name of the function that begins in this line.
fn function(line: &str) -> Option<&str> {
    let (before, after) = line.trim_start().split_once("fn ")?;
    let known = ["pub", "async", "const"];
    let is_known = |word: &str| known.iter().any(|known| word.split('(').next() == Some(known));
    let name = after.split(|c: char| !c.is_alphanumeric() && c != '_').next()?;
    (before.replace("in crate", "").split_whitespace().all(is_known) && !name.is_empty())
        .then_some(name)
}

fn first(path: &str) -> &str {
    path.split("::").next().unwrap()
}

/// Adds the paths that `text` begins with: `a::b`, or a tree `a::{b, c::d}`. Returns what follows.
fn flatten<'t>(prefix: &str, text: &'t str, found: &mut BTreeSet<String>) -> &'t str {
    let text = text.trim_start();
    if let Some(mut rest) = text.strip_prefix('{') {
        loop {
            rest = flatten(prefix, rest, found).trim_start().trim_start_matches(',').trim_start();
            if let Some(rest) = rest.strip_prefix('}') {
                return rest;
            }
        }
    }
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    assert!(!name.is_empty(), "no path: {}", text.lines().next().unwrap_or_default());
    let path = format!("{prefix}{name}");
    match rest.strip_prefix("::").filter(|rest| !rest.starts_with('<')) {
        Some(rest) => flatten(&format!("{path}::"), rest, found),
        None => {
            found.insert(path);
            rest
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn sources() -> Vec<Source> {
    let (mut folders, mut sources) = (vec![root()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                sources.push(Source { path: path.strip_prefix(root()).unwrap().into(), text });
            }
        }
    }
    assert!(sources.len() > 40, "{}", sources.len());
    sources
}

/// The modules that the re-exports of `lib.rs` come from.
fn exported() -> BTreeMap<String, String> {
    let lib = fs::read_to_string(root().join("lib.rs")).unwrap();
    let mut paths = BTreeSet::new();
    for rest in lib.split("pub use self::").skip(1) {
        flatten("", rest, &mut paths);
    }
    assert!(!paths.is_empty());
    paths
        .into_iter()
        .map(|path| {
            let (module, name) = path.rsplit_once("::").unwrap();
            (name.to_owned(), first(module).to_owned())
        })
        .collect()
}

const fn send<T: Send>() {}
const fn shared<T: Send + Sync>() {}
const fn cloned<T: Send + Sync + Clone>() {}

type Hook = Verify<Learn365, EventRouter<Learn365>>;

const _: () = {
    cloned::<VerifyLayer<Learn365>>();
    cloned::<Hook>();
    cloned::<EventRouter<Learn365>>();
    cloned::<EventRouter<Learn365, String>>();
    cloned::<Delivery>();
    cloned::<RawEvent>();
    cloned::<Envelope>();
    cloned::<DecodeError>();
    cloned::<ConfigError>();
    cloned::<Rejection>();
    cloned::<Learn365>();
    cloned::<HmacSha256>();
    cloned::<Token>();
    cloned::<Secret>();
    cloned::<Keys>();
    cloned::<Schedule>();
    cloned::<Sender<Learn365>>();
    cloned::<Deliveries<Learn365>>();
    cloned::<Emulator>();
    cloned::<Filter>();
    cloned::<Registration>();
    cloned::<RegistrationClient>();
    shared::<Verified<Learn365>>();
    cloned::<Batches>();
    shared::<BatchOutcome>();
    send::<Check>();
    shared::<Batch<()>>();
    shared::<Batch<String>>();
    send::<router::ResponseFuture<()>>();
    send::<verify::ResponseFuture<Learn365, EventRouter<Learn365>, Body>>();
};
