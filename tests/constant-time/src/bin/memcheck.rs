//! Follows secrets through every comparison, with valgrind: nothing may branch on them but the verdict.
//!
//! Under valgrind, `memcheck <comparison>` makes one. Without an argument, this runs each of them so.

use std::{
    env,
    process::{Command, ExitCode},
};

use constant_time::{
    controls,
    reports::{self, Report},
    request::{Case, now},
    subjects::{self, BODY, Prepare, Subject},
    valgrind,
};
use sha2::{Digest, Sha256};
use tower_webhook::scheme::{Head, HmacSha256};

fn main() -> ExitCode {
    match env::args().nth(1) {
        Some(name) => compare_under_valgrind(&named(&name)),
        None => judge_all(),
    }
}

fn judge_all() -> ExitCode {
    println!("{:<30} {:>8} {:>6}", "comparison", "verdicts", "leaks");
    let ours = subjects::all().into_iter().chain(controls::careful());
    let faults = ours.map(|subject| leaks(&subject)).filter(|leaks| !leaks.is_empty());
    let faults = faults.inspect(|leaks| leaks.iter().for_each(|leak| eprintln!("{leak}"))).count();
    let unseen = controls::leaky().iter().filter(|subject| leaks(subject).is_empty()).count();
    if faults > 0 {
        eprintln!("{faults} comparisons branch on secrets, or lie elsewhere than `VERDICTS` says");
    }
    if unseen > 0 {
        eprintln!("{unseen} leaky controls were not seen to leak: this proves nothing");
    }
    if faults + unseen > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// What is reported beside the verdict.
fn leaks(subject: &Subject) -> Vec<Report> {
    let output = traced(subject.name);
    let (refused, accepted) = output.split_once(ACCEPTED).expect("requests that are accepted");
    let all = [(refused, false), (accepted, true)].map(|(output, accepted)| {
        let reports = reports::parse(output).into_iter();
        reports.partition::<Vec<_>, _>(|one| one.is_verdict(accepted))
    });
    let [(verdicts, leaks), (more_verdicts, more_leaks)] = all;
    let leaks: Vec<_> = leaks.into_iter().chain(more_leaks).collect();
    println!("{:<30} {:>8} {:>6}", subject.name, verdicts.len() + more_verdicts.len(), leaks.len());
    leaks
}

/// What memcheck and the program under it print.
fn traced(name: &str) -> String {
    let this = env::current_exe().expect("the path of this program");
    let run = Command::new("valgrind").args(OPTIONS).arg(this).arg(name).output();
    let run = run.expect("valgrind is installed");
    assert!(run.status.success(), "{name}: {}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8_lossy(&run.stdout).into_owned()
}

fn compare_under_valgrind(subject: &Subject) -> ExitCode {
    assert!(valgrind::is_running(), "this is for valgrind to run");
    // Refusals first, because nothing is reported twice.
    cases(subject, false).for_each(|case| compare(&subject.prepare, case, false));
    println!("{ACCEPTED}");
    cases(subject, true).for_each(|case| compare(&subject.prepare, case, true));
    ExitCode::SUCCESS
}

#[inline(never)]
fn compare(prepare: &Prepare, case: &Case, accepted: bool) {
    let (Case { request, secrets }, body) = (case.clone(), BODY.to_vec());
    // The body too: a secret that was decoded from base64, through a table, has lost its mark.
    secrets.iter().chain([&body]).for_each(|secret| valgrind::mark_secret(secret));
    assert_marks_outlive_hashing(&secrets[0]);
    // A receiver may look at its secrets when it starts: are they long enough, and fit for their place?
    let verify = valgrind::unreported(|| prepare(&secrets));
    let (parts, before) = (request.head(), valgrind::reports());
    let verdict = verify(&Head::new(&parts, now()), &body);
    valgrind::mark_public(&verdict);
    assert_eq!(verdict.is_ok(), accepted);
    assert!(valgrind::reports() > before, "the verdict does not depend on the secret");
}

fn cases(subject: &Subject, accepted: bool) -> impl Iterator<Item = &Case> {
    let both = subject.cases.iter().filter(move |_| subject.accepted == accepted);
    both.chain(accepted.then_some(&subject.right))
}

/// Otherwise there would be nothing to see in what follows.
fn assert_marks_outlive_hashing(secret: &[u8]) {
    assert!(valgrind::all_secret(&Sha256::digest(secret)), "a digest is not secret");
    let key = valgrind::unreported(|| HmacSha256::new(secret).expect("a good secret"));
    assert!(valgrind::all_secret(key.sign([BODY]).to_hex().as_bytes()), "a MAC is not secret");
    assert!(!valgrind::all_secret(BODY), "everything is secret");
}

fn named(name: &str) -> Subject {
    let all = subjects::all().into_iter().chain(controls::careful()).chain(controls::leaky());
    all.into_iter().find(|subject| subject.name == name).expect("a comparison")
}

/// What the program prints between both verdicts.
const ACCEPTED: &str = "--- accepted ---";
const OPTIONS: [&str; 6] = [
    "--quiet",
    "--log-fd=1",
    "--error-limit=no",
    "--num-callers=16",
    "--read-inline-info=yes",
    "--fullpath-after=",
];
