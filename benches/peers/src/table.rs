//! What was measured, as Markdown: everyone's figures, and how they stand to the targets.

use std::{fmt::Write, io, path::Path};

use crate::{
    common::figures::{
        self,
        Bound::{self, AtLeast, AtMost},
        Judged, Rows, TIE, cell, decimal, ratio, significant, size, whole,
    },
    contenders::{
        AXUM_STANDARDWEBHOOKS, BARE_JSON, BARE_NOTHING, BY_HAND, BY_HAND_STREAMING, Contest,
        GITHUB, OURS, OURS_ON_HYPER, OURS_STANDARD, STANDARD_WEBHOOKS, WEBHOOK_VERIFY,
        github::{OCTOEVENTS, TOWER_GITHUB_WEBHOOK},
    },
};

/// All that the binaries have printed.
#[derive(Default)]
pub struct Results {
    /// Nanoseconds.
    pub times: Rows,
    /// The same, of several sittings with each allocator.
    pub allocators: Rows,
    pub allocations: Rows,
    pub load: Rows,
}

impl Results {
    /// A file that is not there is one without rows.
    pub fn read(directory: &Path) -> io::Result<Self> {
        let rows = |file| match std::fs::read_to_string(directory.join(file)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            text => Ok(Rows::parse(&text.unwrap_or_default())),
        };
        Ok(Self {
            times: rows("times.tsv")?,
            allocators: rows("allocators.tsv")?,
            allocations: rows("allocations.tsv")?,
            load: rows("load.tsv")?,
        })
    }

    pub fn markdown(&self) -> String {
        let mut text = String::new();
        if self.times.get("meta", "once") == Some(1.0) {
            text.push_str("> Everything was done once, to see that it works: **the figures mean nothing.**\n\n");
        }
        for contest in [STANDARD_WEBHOOKS, GITHUB] {
            self.requests(&mut text, &contest);
            text.push('\n');
        }
        self.allocators(&mut text);
        text.push('\n');
        self.targets(&mut text);
        text
    }

    /// This crate with each allocator, beside the system's, and beside what one would write by hand with the same allocator.
    fn allocators(&self, text: &mut String) {
        text.push_str(
            "| **tower-webhook** with the allocator | 1 KiB, µs | 64 KiB, µs | 1 MiB, µs | ÷ system | no axum: ÷ by hand, decode all | no axum: ÷ by hand, while decoding |\n\
             |---|--:|--:|--:|--:|--:|--:|\n",
        );
        for allocator in ALLOCATORS {
            let works = SIZES.map(|size| format!("{allocator} {size}"));
            let time = |work: &String, name| self.allocators.get(work, name);
            let micros =
                works.each_ref().map(|work| cell(time(work, OURS).map(|ns| ns / 1e3), significant));
            let ratios = |of, to: &dyn Fn(usize) -> Option<f64>| {
                let ratio = |at| Some(time(&works[at], of)? / to(at)?);
                [0, 1, 2].map(|at| cell(ratio(at), decimal)).join(" / ")
            };
            let figures = [
                ratios(OURS, &|at| time(&format!("{} {}", ALLOCATORS[0], SIZES[at]), OURS)),
                ratios(OURS_ON_HYPER, &|at| time(&works[at], BY_HAND)),
                ratios(OURS_ON_HYPER, &|at| time(&works[at], BY_HAND_STREAMING)),
            ];
            let figures = [&micros[..], &figures].concat().join(" | ");
            let _ = writeln!(text, "| {allocator} | {figures} |");
        }
    }

    fn requests(&self, text: &mut String, contest: &Contest) {
        let _ = writeln!(
            text,
            "| {} | 1 KiB, µs | 64 KiB, µs | 1 MiB, µs | allocations at 1 KiB | requests/s ÷ ours | p99 ÷ ours |\n\
             |---|--:|--:|--:|--:|--:|--:|",
            contest.sender
        );
        let works = SIZES.map(|size| format!("{} {size}", contest.name));
        for (name, _) in self.times.of(&works[0]) {
            let bold = if name == OURS { "**" } else { "" };
            let micros = works
                .each_ref()
                .map(|work| cell(self.times.get(work, name).map(|ns| ns / 1e3), significant));
            let allocations = cell(self.allocations.get(&works[0], name), whole);
            let load = ["rps", "p99 us"].map(|figure| {
                let work = format!("{} {figure}", contest.name);
                cell(ratio(&self.load, &work, name, OURS), decimal)
            });
            let figures = [&micros[..], &[allocations], &load].concat().join(" | ");
            let _ = writeln!(text, "| {bold}{name}{bold} | {figures} |");
        }
    }

    fn targets(&self, text: &mut String) {
        let results: Vec<_> = TARGETS.iter().flat_map(|target| target.results(self)).collect();
        figures::targets(text, &results);
    }
}

struct Target {
    what: &'static str,
    figure: Figure,
    bound: Bound,
}

enum Figure {
    /// Of the times of two, in each of these works.
    Ratio { works: &'static [&'static str], of: &'static str, to: &'static str },
    /// Of the last time to the first.
    Growth(&'static str),
    /// Among the allocations.
    Count { work: &'static str, name: &'static str },
}

const fn ratio_of(
    what: &'static str,
    works: &'static [&'static str],
    (of, to): (&'static str, &'static str),
    bound: Bound,
) -> Target {
    Target { what, figure: Figure::Ratio { works, of, to }, bound }
}

const fn count_of(
    what: &'static str,
    work: &'static str,
    name: &'static str,
    at_most: f64,
) -> Target {
    Target { what, figure: Figure::Count { work, name }, bound: AtMost(at_most) }
}

const SIZES: [usize; 3] = [1024, 65_536, 1_048_576];
const ALLOCATORS: [&str; 3] = ["system", "jemalloc", "mimalloc"];
const CHECKS: &[&str] = &["check 256", "check 1024"];
const REQUESTS: [&str; 3] = ["request 1024", "request 65536", "request 1048576"];
const GITHUB_REQUESTS: &[&str] = &["github 1024", "github 65536", "github 1048576"];
const LAST_FRAME: &[&str] = &["last frame 1048576"];
const DECODE: &[&str] = &["decode adjacent", "decode learn365", "decode synthesis_vr"];

#[rustfmt::skip]
const TARGETS: &[Target] = &[
    ratio_of("check alone ÷ bare primitives", CHECKS, (OURS, "bare primitives"), AtMost(1.15)),
    count_of("allocations of a check of 1 KiB", "check 1024", OURS, 0.0),
    ratio_of("request: bare `Json`, unverified ÷ ours", &REQUESTS, (BARE_JSON, OURS), AtLeast(1.0)),
    ratio_of("request: webhook-verify ÷ ours", &REQUESTS, (WEBHOOK_VERIFY, OURS), AtLeast(1.25)),
    ratio_of("request: axum-standardwebhooks ÷ ours", &REQUESTS, (AXUM_STANDARDWEBHOOKS, OURS), AtLeast(2.2)),
    ratio_of("GitHub: octoevents ÷ ours", GITHUB_REQUESTS, (OCTOEVENTS, OURS), AtLeast(1.15)),
    ratio_of("GitHub: webhook-verify ÷ ours", GITHUB_REQUESTS, (WEBHOOK_VERIFY, OURS), AtLeast(1.25)),
    count_of("allocations of a request of 1 KiB", REQUESTS[0], OURS, 36.0),
    ratio_of("request without axum: ours ÷ by hand, decode all", &REQUESTS, (OURS_ON_HYPER, BY_HAND), AtMost(1.0)),
    ratio_of("request without axum: ours ÷ by hand, while decoding", &REQUESTS, (OURS_ON_HYPER, BY_HAND_STREAMING), AtMost(1.12)),
    ratio_of("request without axum, jemalloc: ours ÷ by hand, while decoding", &["jemalloc 65536", "jemalloc 1048576"], (OURS_ON_HYPER, BY_HAND_STREAMING), AtMost(0.97)),
    ratio_of("last frame → inner service: webhook-verify ÷ ours", LAST_FRAME, (WEBHOOK_VERIFY, OURS), AtLeast(40.0)),
    ratio_of("last frame → inner service: octoevents ÷ ours", LAST_FRAME, (OCTOEVENTS, OURS), AtLeast(40.0)),
    ratio_of("last frame → inner service: axum-standardwebhooks ÷ ours", LAST_FRAME, (AXUM_STANDARDWEBHOOKS, OURS_STANDARD), AtLeast(40.0)),
    ratio_of("last frame → inner service: tower-github-webhook ÷ ours", LAST_FRAME, (TOWER_GITHUB_WEBHOOK, OURS), AtLeast(1.5)),
    ratio_of("decode and dispatch ÷ `from_slice`", DECODE, (OURS, "from_slice"), AtMost(0.85)),
    ratio_of("decode and dispatch ÷ `from_str`", DECODE, (OURS, "from_str"), AtMost(1.0)),
    ratio_of("a thousand signatures ÷ one", &["signatures"], ("1000 signatures", "1 signature"), AtMost(1.1)),
    ratio_of("sixteen signatures ÷ one", &["signatures"], ("16 signatures", "1 signature"), AtMost(1.1)),
    ratio_of("refusal of 1 MiB unsigned ÷ bare handler that ignores it", &["refusal"], (OURS, BARE_NOTHING), AtMost(1.3)),
    ratio_of("cost per event, 10⁶ against 10³", &["growth events"], ("1000000", "1000"), AtMost(1.25)),
    Target { what: "cost per byte, longest against shortest", figure: Figure::Growth("growth bytes"), bound: AtMost(1.25) },
    ratio_of("cost per event, 1,000 types against 5", &["growth types"], ("1000", "5"), AtMost(1.1)),
    count_of("peak memory over typed events ÷ body", "memory", "peak over typed events, in bodies", 2.0),
    count_of("bytes retained after the answer", "memory", "retained bytes", 0.0),
];

impl Target {
    /// One for each of its works.
    fn results(&self, results: &Results) -> Vec<Judged> {
        let judged = |what, figure, tolerance| Judged::new(what, figure, self.bound, tolerance);
        match self.figure {
            Figure::Ratio { works, of, to } => works
                .iter()
                .map(|work| {
                    let place = if works.len() > 1 { place(work) } else { String::new() };
                    let figure = ratio(&results.times, work, of, to)
                        .or_else(|| ratio(&results.allocators, work, of, to));
                    judged(format!("{}{place}", self.what), figure, TIE)
                })
                .collect(),
            Figure::Growth(work) => {
                vec![judged(self.what.to_owned(), growth(&results.times, work), TIE)]
            }
            // Nothing disturbs a count.
            Figure::Count { work, name } => {
                vec![judged(self.what.to_owned(), results.allocations.get(work, name), 0.0)]
            }
        }
    }
}

fn growth(rows: &Rows, work: &str) -> Option<f64> {
    let mut values = rows.of(work).map(|row| row.1);
    let first = values.next()?;
    Some(values.last()? / first)
}

/// What tells a work from its likes: `request 65536` is about 64 KiB.
fn place(work: &str) -> String {
    match work.rsplit(' ').next() {
        Some(last) => format!(", {}", last.parse().map_or(last.to_owned(), size)),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::common::figures::{Verdict, replaced};

    fn results(times: &str) -> Results {
        Results { times: Rows::parse(times), ..Results::default() }
    }

    #[test]
    fn bounds_are_held_tied_or_missed() {
        use Verdict::{Held, Missed, Tie};

        for (bound, figure, verdict) in [
            (AtMost(1.15), 1.15, Held),
            (AtMost(1.15), 1.18, Tie),
            (AtMost(1.15), 1.19, Missed),
            (AtLeast(40.0), 40.0, Held),
            (AtLeast(40.0), 38.9, Tie),
            (AtLeast(40.0), 38.7, Missed),
        ] {
            assert_eq!(bound.verdict(figure, TIE), verdict, "{figure}");
        }
        assert_eq!(AtMost(40.0).verdict(41.0, 0.0), Missed);
    }

    #[test]
    fn rows_become_verdicts_and_their_absence_too() {
        let markdown = results(&format!(
            "check 256\t{OURS}\t110\ncheck 256\tbare primitives\t100\ngrowth bytes\t1024\t2\ngrowth bytes\t2048\t3\n"
        ))
        .markdown();
        for line in [
            "| check alone ÷ bare primitives, 256 B | 1.10 | ≤ 1.15 | held |",
            "| check alone ÷ bare primitives, 1 KiB | – | ≤ 1.15 | not measured |",
            "| cost per byte, longest against shortest | 1.50 | ≤ 1.25 | missed |",
        ] {
            assert!(markdown.contains(line), "{markdown}");
        }
        assert!(!markdown.contains("mean nothing"));
    }

    #[test]
    fn requests_stand_in_their_order() {
        let markdown = results(&format!(
            "meta\tonce\t1\nrequest 1024\tother\t4560\nrequest 1024\t{OURS}\t3150\nrequest 1048576\t{OURS}\t2355000\n"
        ))
        .markdown();
        assert!(markdown.contains(
            "| other | 4.56 | – | – | – | – | – |\n| **tower-webhook** | 3.15 | – | 2,355 | – | – | – |\n"
        ));
        assert!(markdown.lines().next().unwrap().contains("mean nothing"));
    }

    #[test]
    fn only_what_stands_between_the_marks_is_replaced() {
        let document = "a\n<!-- figures -->\nold\n<!-- /figures -->\nb\n";
        let new = "a\n<!-- figures -->\nnew\n<!-- /figures -->\nb\n";
        assert_eq!(replaced(document, "new\n").as_deref(), Some(new));
        assert_eq!(replaced(new, "new\n").as_deref(), Some(new));
        assert_eq!(replaced("no marks", "new"), None);
    }
}
