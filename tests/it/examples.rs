//! The examples do what they say, run as processes the way a reader runs them.

#[cfg(unix)] // stopped by signals
mod receiver;

use std::process::Command;

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

#[track_caller]
fn says(name: &str, lines: &[&str]) {
    let output = example(name).output().unwrap();
    let (out, err) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{name}: {}\n{out}{err}", output.status);
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let said: Vec<_> = out.lines().map(words).collect();
    for line in lines {
        assert!(said.contains(&words(line)), "{name} does not say {line:?}:\n{out}");
    }
}

#[test]
fn quickstart_shows_five_senders() {
    says(
        "quickstart",
        &[
            r#"Loops: SESSION_STARTED 200 OK "Digital Tools - Fall 2021" started, 2 invited"#,
            "Loops: a token with one bit flipped 404 Not Found -",
            r#"SynthesisVR: create 200 OK "Kamen Test": 1 station"#,
            r#"SynthesisVR: delete 200 OK "Kamen Test": session removed"#,
            "SynthesisVR: a token cut short 404 Not Found -",
            "Teachstack: peer.joined 200 OK ada joined room-7",
            "Teachstack: a token that is a guess 404 Not Found -",
            r#"Learn365: CourseCompleted 200 OK "Fire safety" completed by 1"#,
            "Learn365: an altered body 401 Unauthorized -",
            "Standard Webhooks: invoice.paid 200 OK invoice over 2432 paid",
            "Standard Webhooks: signed ten years ago 401 Unauthorized -",
            "Everything genuine was handled, and everything forged was refused.",
        ],
    );
}

#[test]
fn learn365_is_delivered_at_the_third_attempt() {
    let handled = |attempt: u32| {
        format!(
            r#"handler: "Fire safety" completed, attempt {attempt}, properties {{ "region": "north" }}"#
        )
    };
    says(
        "learn365",
        &[
            &handled(1),
            &handled(2),
            &handled(3),
            "All as expected: two failures, and delivered on the third attempt.",
        ],
    );
}

#[test]
fn hyper_needs_no_framework() {
    says(
        "hyper",
        &[r#"genuine: 200 OK, published: Some("Fire safety")"#, "forged: 401 Unauthorized"],
    );
}

#[test]
fn axum_handlers_get_bytes_and_delivery() {
    says(
        "axum_handler",
        &["genuine: 200 OK, 15 bytes in delivery msg_7", "forged: 401 Unauthorized"],
    );
}

#[test]
fn a_sender_of_ones_own_is_thirty_lines() {
    says(
        "own_provider",
        &[
            "other-key: passed (1 requests)",
            r#"genuine: 200 OK, 3 parcels in delivery Some("order-7")"#,
            "forged: 401 Unauthorized",
        ],
    );
    let source = include_str!("../../examples/own_provider.rs");
    let (_, after) = source.split_once("// -- begin\n").unwrap();
    let (sender, _) = after.split_once("// -- end\n").unwrap();
    for part in ["impl Provider for", "event!("] {
        assert!(sender.contains(part), "{part} stands outside of the markers");
    }
    let lines = sender.lines().filter(|line| !line.trim().is_empty()).count();
    assert!(lines <= 30, "{lines} lines");
}
