//! D14: who hangs up, whenever it is.

use tokio::time::timeout;

use super::*;
use crate::{
    endpoint::{Endpoint, Gate, body},
    frames::*,
    raw::{Raw, good},
    server::until,
};

/// How a sender goes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    /// Its connection ends behind the last byte.
    Closes,
    /// Its process is killed.
    Resets,
}

const ENDS: [End; 2] = [End::Closes, End::Resets];

impl End {
    fn of(self, raw: Raw) {
        match self {
            Self::Closes => drop(raw),
            Self::Resets => raw.reset(),
        }
    }
}

/// A router whose handlers pass `gate`, behind a layer with one place. Served as it should be, and as hyper does by
/// default.
async fn served(gate: &Gate) -> (EventRouter<Loops, Gate>, [Server; 2]) {
    let events = gate.events();
    let hook: Endpoint<Gate> = VerifyLayer::new(loops()).max_bodies(1).layer(events.clone());
    (events, [Server::start(hook.clone()).await, Server::without_half_close(hook).await])
}

/// Nothing is under way any more, and the next request is handled.
async fn is_over(server: &Server, events: &EventRouter<Loops, Gate>, after: &str) {
    server.is_left_alone().await;
    timeout(PATIENCE, events.drain()).await.expect("no batch keeps its place");
    server.is_well(after).await;
}

#[tokio::test]
async fn d14_what_did_not_arrive_as_a_whole_is_handled_by_nobody() {
    let gate = Gate::open();
    let (events, servers) = served(&gate).await;
    // The blanks make what is cut off right before them look whole.
    let request = good(&format!("{}  ", body("half")));
    let head = request.find("\r\n\r\n").unwrap() + 4;
    let stages = [
        ("said nothing", 0),
        ("left in the request line", 6),
        ("left in the head", head / 2),
        ("left before the head's last line break", head - 2),
        ("left after the head", head),
        ("left in the body", head + 10),
        ("left before the last byte", request.len() - 1),
    ];
    for server in &servers {
        for (stage, sent) in stages {
            for end in ENDS {
                let mut raw = server.connect().await;
                raw.send(&request[..sent]).await;
                end.of(raw);
                is_over(server, &events, stage).await;
            }
        }
    }
    assert_eq!(gate.log.seen(), [""; 0], "D14");
}

#[tokio::test]
async fn d14_a_whole_request_is_handled_once_though_its_sender_is_gone() {
    let gate = Gate::open();
    let (events, [careful, default]) = served(&gate).await;
    let cases = [
        ("closes", &careful, End::Closes, true),
        ("resets", &careful, End::Resets, false),
        ("closes by default", &default, End::Closes, false),
        ("resets by default", &default, End::Resets, false),
    ];
    for (case, server, end, surely) in cases {
        for n in 0..10 {
            let name = format!("{case} {n}");
            let mut raw = server.connect().await;
            raw.send(good(&body(&name))).await;
            end.of(raw);
            is_over(server, &events, &name).await;
            let (begun, ended) = (format!("{name} begins"), format!("{name} ends"));
            assert_eq!(gate.count(&begun), gate.count(&ended), "D14: {name}");
            assert!(gate.count(&ended) <= 1, "D14: {name}");
            assert!(gate.count(&ended) == 1 || !surely, "D14: {name}");
        }
    }
    assert_eq!(gate.count("dropped"), 0, "D14");
}

#[tokio::test]
async fn d14_a_handler_comes_to_its_end_though_its_sender_is_gone() {
    let gate = Gate::closed();
    let (events, [careful, default]) = served(&gate).await;
    for (server, notices) in [(&careful, false), (&default, true)] {
        for end in ENDS {
            let name = format!("{end:?} {notices}");
            let mut raw = server.connect().await;
            raw.send(good(&body(&name))).await;
            until("its handler begins", || gate.count(&format!("{name} begins")) == 1).await;
            end.of(raw);
            if notices {
                server.is_left_alone().await;
            }
            gate.permits.add_permits(1);
            is_over(server, &events, &name).await;
            assert_eq!(gate.count(&format!("{name} ends")), 1, "D14: {name}");
        }
    }
    assert_eq!(gate.count("dropped"), 0, "D14");
}

#[tokio::test]
async fn d14_requests_are_handled_though_nobody_reads_their_answers() {
    let gate = Gate::open();
    let (events, servers) = served(&gate).await;
    let all: String = (0..100).map(|n| good(&body(&n.to_string()))).collect();
    for server in &servers {
        for end in ENDS {
            let before = server.requests();
            let mut raw = server.connect().await;
            raw.send(&all).await;
            until("the last one is handled", || server.requests() == before + 100).await;
            end.of(raw);
            is_over(server, &events, "read nothing").await;
        }
    }
    for n in 0..100 {
        assert_eq!(gate.count(&format!("{n} ends")), 4, "D14: {n}");
    }
    assert_eq!(gate.count("dropped"), 0, "D14");
}

#[tokio::test]
async fn d14_an_answer_that_nobody_takes_keeps_no_place() {
    let gate = Gate::open();
    let layer = VerifyLayer::new(loops()).max_bodies(1).max_body_bytes(10);
    let server = Server::start(layer.layer(gate.events())).await;
    // No stream has a window: the bodies of answers do not leave.
    let no_window = frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]);
    let mut raw = server.connect().await;
    raw.send([preface(), no_window].concat()).await;
    for n in 0..50 {
        let stream = 2 * n + 1;
        let (open, long) = (head(), [b' '; 11]);
        let open = frame(HEADERS, END_HEADERS, stream, &open);
        raw.send([open, frame(DATA, END_STREAM, stream, &long)].concat()).await;
    }
    until("all are judged", || server.requests() == 50).await;
    server.is_well("fifty that take no answer").await;
    drop(raw);
    is_over(&server, &gate.events(), "took no answer").await;
}

type Frames = fn() -> Vec<u8>;

/// How a client of HTTP/2 gives up the stream 1.
const GIVE_UPS: [(&str, Frames); 3] = [
    ("resets its stream", || frame(RST_STREAM, 0, 1, &[0, 0, 0, 8])),
    ("says that it goes", || frame(GOAWAY, 0, 0, &[0; 8])),
    ("just goes", Vec::new),
];

#[tokio::test]
async fn d14_over_http2_what_did_not_arrive_as_a_whole_is_handled_by_nobody() {
    let gate = Gate::open();
    let (events, [server, _]) = served(&gate).await;
    let (open, half) = (frame(HEADERS, END_HEADERS, 1, &head()), body("half"));
    let stages = [
        ("the preface", 0, vec![]),
        ("half a head", 0, frame(HEADERS, 0, 1, &head())),
        ("a head", 1, open.clone()),
        ("half a frame", 1, [&*open, &frame(DATA, END_STREAM, 1, half.as_bytes())[..20]].concat()),
        ("all but the end", 1, [open, frame(DATA, 0, 1, half.as_bytes())].concat()),
    ];
    for (stage, begun, frames) in stages {
        for (name, give_up) in GIVE_UPS {
            let due = server.requests() + begun;
            let mut raw = server.connect().await;
            raw.send([preface(), frames.clone()].concat()).await;
            until("its head has arrived", || server.requests() == due).await;
            raw.send(give_up()).await;
            drop(raw);
            is_over(&server, &events, &format!("{name} behind {stage}")).await;
        }
    }
    assert_eq!(gate.log.seen(), [""; 0], "D14");
}

/// As hyper's body has it, the stream has just ended.
#[tokio::test]
async fn d14_over_http2_a_body_shorter_than_it_says_is_handled_by_nobody() {
    let gate = Gate::open();
    let (events, [server, _]) = served(&gate).await;
    let (half, no_error) = (body("half"), frame(RST_STREAM, 0, 1, &[0; 4]));
    let length = (half.len() + 1).to_string();
    let block = [head(), fields(&[("content-length", &length)])].concat();
    let begun = [frame(HEADERS, END_HEADERS, 1, &block), frame(DATA, 0, 1, half.as_bytes())];
    for requests in [1, 4] {
        let mut raw = server.connect().await;
        raw.send([preface(), begun.concat()].concat()).await;
        until("its body begins", || server.requests() == requests).await;
        raw.send(&no_error).await;
        drop(raw);
        is_over(&server, &events, "cut short without an error").await;
    }
    assert_eq!(gate.log.seen(), [""; 0], "D14");
}

#[tokio::test]
async fn d14_over_http2_a_handler_comes_to_its_end_though_its_sender_is_gone() {
    let gate = Gate::closed();
    let (events, [server, _]) = served(&gate).await;
    for (name, give_up) in GIVE_UPS {
        let sent = frame(DATA, END_STREAM, 1, body(name).as_bytes());
        let mut raw = server.connect().await;
        raw.send([preface(), frame(HEADERS, END_HEADERS, 1, &head()), sent].concat()).await;
        until("its handler begins", || gate.count(&format!("{name} begins")) == 1).await;
        raw.send(give_up()).await;
        drop(raw);
        server.is_left_alone().await;
        gate.permits.add_permits(1);
        is_over(&server, &events, name).await;
        assert_eq!(gate.count(&format!("{name} ends")), 1, "D14: {name}");
    }
    assert_eq!(gate.count("dropped"), 0, "D14");
}
