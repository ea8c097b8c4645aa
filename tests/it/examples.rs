//! The examples do what they say, run as processes the way a reader runs them.

#[cfg(unix)] // stopped by signals
mod receiver;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Built with the features of this test, and offline: whoever runs it has the dependencies.
fn example(name: &str) -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(env!("CARGO_MANIFEST_DIR")).args(["run", "--quiet", "--offline"]);
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    cargo.args(["--example", name, "--"]);
    cargo
}

/// Its lines, with single blanks between the words.
#[track_caller]
fn output(name: &str) -> Vec<String> {
    let output = example(name).output().unwrap();
    let (out, err) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{name}: {}\n{out}{err}", output.status);
    out.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[track_caller]
fn says(name: &str, lines: &[&str]) {
    let said = output(name);
    for line in lines {
        assert!(said.iter().any(|said| said == line), "{name} does not say {line:?}:\n{said:#?}");
    }
}

/// The files of the examples that show one idea each. Whole programs are in folders of their own.
fn files() -> Vec<PathBuf> {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let paths = fs::read_dir(examples).unwrap().map(|entry| entry.unwrap().path());
    let (files, folders): (Vec<_>, Vec<_>) = paths.partition(|path| path.is_file());
    let mut programs = folders.iter().filter(|folder| folder.join("main.rs").exists());
    let known = |folder: &Path| {
        ["durable", "postgres", "receiver"].iter().any(|name| folder.ends_with(name))
    };
    assert!(programs.all(|folder| known(folder)), "{folders:?}");
    assert!(!files.is_empty());
    files
}

#[test]
fn an_example_has_at_most_80_lines_of_code() {
    for file in files() {
        let text = fs::read_to_string(&file).unwrap();
        let code = text.lines().map(str::trim_start);
        let lines = code.filter(|line| !line.is_empty() && !line.starts_with("//")).count();
        assert!((1..=80).contains(&lines), "{}: {lines} lines of code", file.display());
    }
}

#[test]
fn the_readme_names_each_example() {
    let readme = include_str!("../../README.md");
    for file in files() {
        let name = file.file_stem().unwrap().to_str().unwrap();
        let (command, link) = (format!("--example {name}\n"), format!("(examples/{name}.rs)"));
        assert!(readme.contains(&command) || readme.contains(&link), "{name} is not in README.md");
    }
}

#[test]
fn quickstart_handles_five_senders_and_says_why_forgeries_are_refused() {
    let said = output("quickstart");
    let mut senders = said.split(String::is_empty);
    let path = "reason: not authentic: path does not end in a known token";
    let mismatch = "reason: not authentic: signature does not match";
    for (genuine, handled, forged, answer, reason) in [
        (
            "loops sends SESSION_STARTED",
            "handler: session Digital Tools - Fall 2021",
            "loops, forged: SESSION_STARTED with one bit of the token flipped",
            "answer: 404 Not Found",
            path,
        ),
        (
            "synthesis_vr sends create",
            "handler: location Kamen Test",
            "synthesis_vr, forged: create with a part of the token only",
            "answer: 404 Not Found",
            path,
        ),
        (
            "teachstack sends peer.joined",
            "handler: room room-7",
            "teachstack, forged: peer.joined without a token",
            "answer: 404 Not Found",
            path,
        ),
        (
            "learn365 sends CourseCompleted",
            "handler: status Completed",
            "learn365, forged: CourseCompleted with an altered body",
            "answer: 401 Unauthorized",
            mismatch,
        ),
    ] {
        let sender = senders.next().unwrap();
        assert_eq!(sender, [genuine, handled, "answer: 200 OK", forged, answer, reason]);
    }
    let (old, standard) = senders.next().unwrap().split_last().unwrap();
    assert_eq!(
        standard,
        [
            "standard_webhooks sends invoice.paid",
            "handler: total 2432",
            "answer: 200 OK",
            "standard_webhooks, forged: invoice.paid signed ten years ago",
            "answer: 401 Unauthorized",
        ]
    );
    assert!(old.starts_with("reason: not authentic: timestamp is "), "{old}");
    assert_eq!(
        said.last().unwrap(),
        "Next, a sender of your own: cargo run --example own_provider"
    );
}

#[test]
fn learn365_is_delivered_at_the_third_attempt() {
    let said = output("learn365");
    let handler: Vec<_> = said.iter().filter(|line| line.starts_with("handler: ")).collect();
    let handled = |attempt| {
        format!(
            r#"handler: "Fire safety" completed, attempt {attempt}, properties {{ "region": "north" }}"#
        )
    };
    assert_eq!(handler, [&handled(1), &handled(2), &handled(3)]);
    let answers: Vec<_> = said
        .iter()
        .filter_map(|line| line.strip_prefix("attempt "))
        .filter_map(|line| line.split_once("Z: "))
        .map(|(_, answer)| answer)
        .collect();
    assert_eq!(answers, ["500 Internal Server Error", "500 Internal Server Error", "200 OK"]);
}

#[test]
fn hyper_needs_no_framework() {
    says(
        "hyper",
        &[r#"genuine: 200 OK, published: Some("Fire safety")"#, "forged: 401 Unauthorized"],
    );
}

#[test]
fn one_app_takes_github_stripe_and_slack_or_names_the_secret_that_it_lacks() {
    assert_eq!(
        output("github_stripe_slack"),
        [
            "pushed: 6113728f",
            r#"not handled: Some("ping")"#,
            "paid: 2432",
            "mentioned: hello",
            "/lesson 12"
        ]
    );
    for (secret, said) in [
        (None, "GITHUB_WEBHOOK_SECRET: environment variable not found"),
        (Some("short"), "GITHUB_WEBHOOK_SECRET: the secret has 5 bytes"),
    ] {
        let mut serve = example("github_stripe_slack");
        serve.arg("serve").env_remove("GITHUB_WEBHOOK_SECRET");
        let output = serve.envs(secret.map(|secret| ("GITHUB_WEBHOOK_SECRET", secret))).output();
        let error = String::from_utf8(output.unwrap().stderr).unwrap();
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn axum_handlers_get_bytes_and_delivery() {
    says(
        "axum_handler",
        &["genuine: 200 OK, 15 bytes in delivery msg_7", "forged: 401 Unauthorized"],
    );
}

#[test]
fn an_effect_and_its_acknowledgement_are_one_transaction() {
    assert_eq!(
        output("ack"),
        [
            "answer: 200 OK",
            "attempt 1: it ended before the commit",
            "attempt 2: it ended after the commit",
            "10 points in 1 row",
        ]
    );
}

#[test]
fn a_sender_may_put_the_type_in_a_header_and_the_event_in_a_form() {
    assert_eq!(
        output("own_provider_form"),
        [
            "body: payload=%7B%22to%22%3A%22Ada+%26+Co%22%7D",
            "handler: to Ada & Co",
            "answer: 200 OK",
            r#"body: {"to": "Bob"}"#,
            "handler: to Bob",
            "answer: 200 OK",
            "body: to=Eve",
            "answer: 400 Bad Request",
            "reason: not decodable: the body has no field `payload`",
        ]
    );
}

#[test]
fn a_sender_of_ones_own_is_thirty_lines() {
    says(
        "own_provider",
        &[
            "3 parcels shipped, delivery order-7",
            "answer: 200 OK",
            "genuine: passed (1 request)",
            "other-key: passed (1 request)",
        ],
    );
    let source = include_str!("../../examples/own_provider.rs");
    let (_, after) = source.split_once("struct Acme").unwrap();
    let (sender, _) = after.split_once("impl Emit for Acme").unwrap();
    for part in ["impl Provider for", "event!("] {
        assert!(sender.contains(part), "{part} is not before `Emit`");
    }
    let lines = sender.lines().filter(|line| !line.trim().is_empty()).count();
    assert!(lines <= 30, "{lines} lines");
}
