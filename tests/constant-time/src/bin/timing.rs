//! Measures whether the time of a comparison tells how much of a secret was guessed. `timing [samples]`

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    hint::black_box,
    process::ExitCode,
};

use constant_time::{
    controls,
    request::{Case, now},
    statistics::{Sample, worst_t},
    subjects::{self, BODY, Subject, Verify},
    ticks::ticks,
};
use http::request::Parts;
use tower_webhook::scheme::Head;

/// Below this, no difference is found.
const NONE: f64 = 5.0;
/// Of a request that is accepted, which key it was may show, in less than this share of what a search that stops early
/// shows: the name of the key is looked up, and how far its address lies from those of the stack can cost some cycles.
const ACCEPTED: f64 = 0.1;
/// Above this, one is beyond doubt.
const CERTAIN: f64 = 20.0;
/// A busy machine may show a difference that is none. One that is there shows each time.
const ATTEMPTS: usize = 3;

fn main() -> ExitCode {
    let count = std::env::args()
        .nth(1)
        .map_or(1_000_000, |count| count.parse().expect("a number of samples"));
    println!(
        "demanded in one of {ATTEMPTS} attempts, since a leak stays: below {NONE}; accepted: below {ACCEPTED} of \
        the leaky search; leaky: above {CERTAIN}"
    );
    println!("{:<30} {:>9} {:>9} {:>8}", "comparison", "samples", "worst |t|", "attempts");
    let search = controls(count);
    let accepted = search.map_or(NONE, |search| NONE.max(search * ACCEPTED));
    let fine = |one: &Subject| {
        let limit = if one.accepted { accepted } else { NONE };
        shown(one, count, |t| t < limit).is_some()
    };
    let faults = subjects::all().iter().filter(|one| !fine(one)).count();
    // Afterwards, too: a machine that has become busy hides leaks.
    if search.and(controls(count)).is_none() {
        eprintln!(
            "a control does not reach {CERTAIN}: this machine shows no leak, and proves nothing"
        );
        return ExitCode::FAILURE;
    }
    if faults > 0 {
        eprintln!(
            "a comparison is not as demanded in any of {ATTEMPTS} attempts: its time depends on the secret"
        );
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// The |t| of the last control, the search that stops early; none if any of them hides its leak.
fn controls(count: usize) -> Option<f64> {
    let all = controls::leaky();
    all.iter().map(|one| shown(one, count, |t| t > CERTAIN)).reduce(Option::and).flatten()
}

/// The first |t| that is as demanded.
fn shown(subject: &Subject, count: usize, demanded: impl Fn(f64) -> bool) -> Option<f64> {
    (1..=ATTEMPTS).find_map(|attempt| {
        let t = worst_t(&mut measured(subject, count));
        println!("{:<30} {count:>9} {t:>9.2} {attempt:>8}", subject.name);
        demanded(t).then_some(t)
    })
}

/// Both classes in random order, after as many runs again, but at most 100,000, to warm up.
fn measured(subject: &Subject, count: usize) -> Vec<Sample> {
    let mut random = Random::new();
    let batch = || {
        let ready: Vec<_> = (0..BATCH).map(|_| ready(subject, random.next() % 2 == 1)).collect();
        let sample = |(verify, parts, second): (Verify, Parts, bool)| {
            let depth = random.next() % DEPTHS;
            let (ticks, verdict) = at_depth(depth, &mut || timed(&verify, &parts));
            assert_eq!(verdict, subject.accepted, "{}", subject.name);
            Sample { ticks, second }
        };
        ready.into_iter().map(sample).collect::<Vec<_>>()
    };
    std::iter::repeat_with(batch).flatten().skip(count.min(100_000)).take(count).collect()
}

/// A receiver looks at its secrets when it starts, which leaves the processor in a state of its own. So many, in random
/// classes, are made ready before any is measured.
const BATCH: usize = 16;

fn ready(subject: &Subject, second: bool) -> (Verify, Parts, bool) {
    let Case { request, secrets } = Case::one_of(&subject.cases, second);
    ((subject.prepare)(&secrets), request.head(), second)
}

/// How many ticks it takes, and whether it is accepted.
fn timed(verify: &Verify, parts: &Parts) -> (u64, bool) {
    let head = Head::new(parts, now());
    let start = ticks();
    let verdict = black_box(verify(black_box(&head), BODY));
    (ticks() - start, verdict.is_ok())
}

/// At some 64 bytes each they make a page: a distance from the heap that slows down one key is not there all the time.
const DEPTHS: u64 = 64;

/// So many calls down the stack.
#[inline(never)]
fn at_depth<T>(depth: u64, work: &mut dyn FnMut() -> T) -> T {
    let frame = black_box([0_u8; 24]);
    let made = if depth == 0 { work() } else { at_depth(depth - 1, work) };
    black_box(frame);
    made
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn new() -> Self {
        Self(RandomState::new().build_hasher().finish())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
