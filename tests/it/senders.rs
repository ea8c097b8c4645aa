//! Senders that the crate does not have, each written as its user would write it, and the rules that hold for all of them.

mod body_token;
mod cloudevents;
mod github;
mod gzip;
mod jwt;
mod lines;
mod matrix;
mod meta;
mod shopify;
mod slack;
mod stripe;
mod twilio;
mod zoom;

use std::{collections::BTreeSet, fs, path::Path};

/// The most lines of code that the receiving half of a sender may need.
const MAX_LINES: usize = 30;
/// Those that need more: three modes, a token's own header and times, three kinds of bodies, sorted fields and two ports.
const LONGER: [(&str, usize); 4] =
    [("cloudevents", 72), ("jwt", 48), ("slack", 45), ("twilio", 58)];

/// Tries every rule of the matrix on each subject: the name of its tests, the module of the sender, and the function there
/// that makes the subject.
macro_rules! matrix {
    ($($name:ident: $sender:ident::$subject:ident,)*) => {
        const LISTED: &[&str] = &[$(stringify!($sender)),*];

        mod each {$(
            mod $name {
                use super::super::{matrix::*, $sender::$subject as subject};

                #[test]
                fn conforms() {
                    rules::conforms(&subject());
                }

                #[tokio::test]
                async fn its_event_reaches_the_typed_handler() {
                    rules::its_event_reaches_the_typed_handler(&subject()).await;
                }

                #[tokio::test]
                async fn forgeries_reach_no_handler() {
                    rules::forgeries_reach_no_handler(&subject()).await;
                }

                #[tokio::test]
                async fn other_types_go_to_the_fallback() {
                    rules::other_types_go_to_the_fallback(&subject()).await;
                }

                #[tokio::test]
                async fn a_payload_that_does_not_fit_fails() {
                    rules::a_payload_that_does_not_fit_fails(&subject()).await;
                }

                #[tokio::test(start_paused = true)]
                async fn without_retries_the_answer_is_in_time() {
                    rules::without_retries_the_answer_is_in_time(&subject()).await;
                }

                #[tokio::test]
                async fn a_handler_outlives_its_request() {
                    rules::a_handler_outlives_its_request(&subject()).await;
                }

                #[tokio::test]
                async fn the_layer_has_its_limits() {
                    limits::the_layer_has_its_limits(&subject()).await;
                }

                #[tokio::test]
                async fn bodies_being_read_share_a_budget() {
                    limits::bodies_being_read_share_a_budget(&subject()).await;
                }

                #[tokio::test]
                async fn batches_share_a_budget() {
                    limits::batches_share_a_budget(&subject()).await;
                }

                #[tokio::test]
                async fn a_body_may_come_byte_by_byte_and_not_break_off() {
                    limits::a_body_may_come_byte_by_byte_and_not_break_off(&subject()).await;
                }

                #[tokio::test]
                async fn a_refusal_leaves_the_connection_usable() {
                    limits::a_refusal_leaves_the_connection_usable(&subject()).await;
                }
            }
        )*}
    };
}

matrix! {
    body_token: body_token::subject,
    cloudevents: cloudevents::subject,
    github: github::subject,
    github_form: github::form,
    gzip: gzip::subject,
    jwt: jwt::subject,
    lines: lines::subject,
    meta: meta::subject,
    shopify: shopify::subject,
    slack: slack::subject,
    slack_command: slack::command,
    slack_interaction: slack::interaction,
    stripe: stripe::subject,
    twilio: twilio::subject,
    zoom: zoom::subject,
}

#[test]
fn every_sender_is_in_the_matrix() {
    let names = sources().into_iter().map(|(name, _)| name).collect::<BTreeSet<_>>();
    assert_eq!(names, LISTED.iter().map(|&name| name.to_owned()).collect());
}

/// All code of the receiving half counts: the type, its `impl Provider`, and the functions that this calls.
#[test]
fn each_provider_is_short() {
    for (name, text) in sources() {
        let code =
            text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//"));
        let own = code.skip_while(|line| !line.contains("struct "));
        let lines = own.take_while(|line| !line.starts_with("impl Emit for")).count();
        let longer = LONGER.iter().find(|(longer, _)| *longer == name);
        let most = longer.map_or(MAX_LINES, |(_, most)| *most);
        assert!((1..=most).contains(&lines), "{name}: {lines} lines of code");
        assert!(longer.is_none() || lines > MAX_LINES, "{name} is no longer");
    }
}

/// The files of the senders, by name.
fn sources() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/senders");
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = paths.filter(|path| path.is_file() && path.file_stem().unwrap() != "matrix");
    files
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect()
}
