//! Senders, those that the crate has and others, each written as its user would write it: the rules that hold for all of them.

mod bigbluebutton;
mod body_token;
mod cloudevents;
mod discord;
mod github;
mod gzip;
mod jwt;
mod learn365;
mod lines;
mod livekit;
mod loops;
mod matrix;
mod meta;
mod microsoft_graph;
mod sendgrid;
mod shopify;
mod slack;
mod standard_webhooks;
mod stripe;
mod synthesis_vr;
mod teachstack;
mod twilio;
mod woocommerce;
mod zoom;

use std::{collections::BTreeSet, fs, path::Path};

use crate::list::every_sender;

/// The most lines of code that the receiving half of a sender may need.
const MAX_LINES: usize = 30;
/// Those that need more: a token's own header and times.
const LONGER: [(&str, usize); 1] = [("jwt", 48)];

/// Tries every rule of the matrix on each subject: the module of a sender, and the functions there that make its subjects.
macro_rules! matrix {
    ($($sender:ident { $($subject:ident $(: $provider:ty = $made:expr)?,)* })*) => {
        const LISTED: &[&str] = &[$(stringify!($sender)),*];

        mod each {$(mod $sender {$(
            mod $subject {
                use super::super::super::{matrix::*, $sender::$subject as subject};

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
        )*})*}
    };
}

every_sender!(matrix! {
    body_token { subject, }
    gzip { subject, }
    jwt { subject, }
    lines { subject, }
});

#[test]
fn every_sender_is_in_the_matrix() {
    let names = sources().into_iter().map(|(name, _)| name).collect::<BTreeSet<_>>();
    assert_eq!(names, LISTED.iter().map(|&name| name.to_owned()).collect());
}

/// All code of the receiving half counts: the type, its `impl Provider`, and the functions that this calls.
#[test]
fn each_provider_of_ones_own_is_short() {
    let own = sources().into_iter().filter(|(_, text)| text.contains("impl Provider for"));
    for (name, text) in own {
        let own = code(&text).skip_while(|line| !line.contains("struct "));
        let lines = own.take_while(|line| !line.starts_with("impl Emit for")).count();
        let longer = LONGER.iter().find(|(longer, _)| *longer == name);
        let most = longer.map_or(MAX_LINES, |(_, most)| *most);
        assert!((1..=most).contains(&lines), "{name}: {lines} lines of code");
        assert!(longer.is_none() || lines > MAX_LINES, "{name} is no longer");
    }
}

/// Files of `src/providers` that are no senders.
const NO_SENDERS: [&str; 4] = ["lenient", "mod", "personal", "wire"];

macro_rules! names {
    ($($sender:ident { $($subject:tt)* })*) => { [$(stringify!($sender)),*] };
}

/// A sender is its file, a row in each table of the docs, and a line in the list.
#[test]
fn every_sender_of_this_crate_is_listed() {
    let mut files = files("src/providers");
    files.retain(|(name, _)| !NO_SENDERS.contains(&&**name));
    let names: BTreeSet<_> = files.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names, every_sender!(names! {}).into());
    for (name, text) in &files {
        let lines = code(text).count();
        assert!(lines <= 150, "{name}: {lines} lines of code");
        let page = format!("](../../providers/{name}/index.html)");
        let links = [format!("](crate::providers::{name})"), page];
        let rows = rows().filter(|row| links.iter().any(|link| row.contains(link)));
        assert_eq!(rows.count(), 2, "{name}");
    }
    assert_eq!(rows().count(), 2 * files.len());
}

/// The rows of the docs that begin with the name of a sender.
fn rows() -> impl Iterator<Item = &'static str> {
    include_str!("../../src/docs/senders.md").lines().filter(|line| line.starts_with("| ["))
}

fn code(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with("//"))
}

/// The files of the senders, by name.
fn sources() -> Vec<(String, String)> {
    files("tests/it/senders").into_iter().filter(|(name, _)| name != "matrix").collect()
}

/// Of a folder in it, that is `mod.rs`.
fn files(folder: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: std::path::PathBuf| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let file = if path.is_dir() { path.join("mod.rs") } else { path };
        (name, fs::read_to_string(file).unwrap_or_default())
    };
    paths.map(read).collect()
}
