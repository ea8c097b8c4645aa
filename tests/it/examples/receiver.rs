//! The receiver, poked over TCP.

mod connections;

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use http::{Request, StatusCode};
use http_body_util::BodyExt;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::mpsc,
    time::timeout,
};
use tower_webhook::{
    Body, Draft, Emit, Sender,
    clock::ManualClock,
    providers::{learn365::Learn365, loops::Loops},
    scheme::Token,
    sender::{Tamper, deliver},
};

use super::example;
use crate::support::*;

/// What the receiver's clock shows: long past, so that nothing signed by the system's is accepted.
const NOW: u64 = 1_700_000_000;
const SECRETS: [(&str, &str); 5] = [
    ("LOOPS_TOKEN", TOKEN),
    ("SYNTHESIS_VR_TOKEN", TOKEN),
    ("TEACHSTACK_TOKEN", TOKEN),
    ("LEARN365_SECRET", SECRET),
    ("STANDARD_WEBHOOKS_SECRET", WHSEC),
];
/// Longer than a machine under load takes for any single step, and for the builds of all examples.
const PATIENCE: Duration = Duration::from_secs(300);

/// Without the secrets of whoever runs the tests.
fn receiver() -> Command {
    let mut receiver = example("receiver");
    for (variable, _) in SECRETS {
        receiver.env_remove(variable);
    }
    receiver
}

/// The example `receiver` as a process.
struct Receiver {
    child: Child,
    url: String,
    out: mpsc::UnboundedReceiver<String>,
    err: mpsc::UnboundedReceiver<String>,
}

impl Receiver {
    async fn start(secrets: &[(&str, &str)]) -> Self {
        Self::start_with(secrets, &[]).await
    }

    async fn start_with(secrets: &[(&str, &str)], args: &[&str]) -> Self {
        let mut child = receiver()
            .args(["--listen", "127.0.0.1:0", "--clock", &NOW.to_string()])
            .args(args)
            .envs(secrets.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let out = lines(child.stdout.take().unwrap());
        let err = lines(child.stderr.take().unwrap());
        let mut receiver = Self { child, url: String::new(), out, err };
        let started = receiver.told("listening on ").await;
        receiver.url = started.strip_prefix("listening on ").unwrap().to_owned();
        receiver
    }

    /// Waits for a line on standard error.
    async fn told(&mut self, start: &str) -> String {
        loop {
            let line = next(&mut self.err).await.unwrap_or_else(|| panic!("never told `{start}`"));
            if line.starts_with(start) {
                return line;
            }
        }
    }

    fn sender<P: Emit>(&self, provider: P, path: &str) -> Sender<P> {
        let url = format!("{}{path}", self.url).parse().unwrap();
        Sender::new(provider).to(url).clock(ManualClock::at_unix_seconds(NOW)).id("delivery-7")
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.url.strip_prefix("http://").unwrap()).await.unwrap()
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// How it ended, and what it printed that nobody has read yet.
    async fn ended(mut self) -> (ExitStatus, Vec<String>) {
        let mut rest = Vec::new();
        while let Some(line) = next(&mut self.out).await {
            rest.push(line);
        }
        (self.child.wait().unwrap(), rest)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(from: impl Read + Send + 'static) -> mpsc::UnboundedReceiver<String> {
    let (tx, rx) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        BufReader::new(from).lines().try_for_each(|line| tx.send(line.unwrap()))
    });
    rx
}

/// `None` at the end.
async fn next(lines: &mut mpsc::UnboundedReceiver<String>) -> Option<String> {
    timeout(PATIENCE, lines.recv()).await.expect("a line in time")
}

async fn status(request: Request<Body>) -> u16 {
    deliver(request).await.unwrap().status().as_u16()
}

#[tokio::test]
async fn prints_what_is_genuine() {
    let mut receiver = Receiver::start(&SECRETS).await;
    let loops = receiver.sender(loops(), "/webhooks/loops");
    let learn365 = receiver.sender(learn365(), "/webhooks/learn365").attempt(2);

    let started = Draft::raw("SESSION_STARTED", r#"{"uuid":"ø","new":[1.0, 1e999]}"#).unwrap();
    let misfit = Draft::raw("SESSION_STARTED", r#"{"uuid":7}"#).unwrap();
    let batch = loops.batch(&[started, Draft::raw("NEWS", "null").unwrap(), misfit]).unwrap();
    assert_eq!(status(batch).await, 200);
    let now = next(&mut receiver.out).await.expect("flushed while it runs");
    assert_eq!(
        now,
        r#"{"provider":"loops","type":"SESSION_STARTED","delivery":null,"attempt":null,"event":{"type":"SESSION_STARTED","data":{"uuid":"ø","new":[1.0, 1e999]}}}"#
    );

    let synthesis_vr = receiver.sender(synthesis_vr(), "/webhooks/synthesis-vr");
    assert_eq!(status(synthesis_vr.body(r#"{"uuid":"u","action":"create"}"#).unwrap()).await, 200);
    let teachstack = receiver.sender(teachstack(), "/webhooks/teachstack");
    assert_eq!(status(teachstack.raw("room.created", r#"{"room_id":7}"#).unwrap()).await, 200);
    let text = r#"{"Title":"one\r\ntwo","Users":[]}"#;
    let both = [Draft::raw("CourseCompleted", text).unwrap(), Draft::raw("*", "{}").unwrap()];
    assert_eq!(status(learn365.batch(&both).unwrap()).await, 200);
    let standard = receiver.sender(standard_webhooks(), "/webhooks/standard");
    assert_eq!(status(standard.body("\n{ \"data\":\n 7 }").unwrap()).await, 200);

    receiver.signal("TERM");
    let (exit, rest) = receiver.ended().await;
    assert_eq!(
        rest,
        [
            r#"{"provider":"loops","type":"NEWS","delivery":null,"attempt":null,"event":{"type":"NEWS","data":null}}"#,
            r#"{"provider":"loops","type":"SESSION_STARTED","delivery":null,"attempt":null,"event":{"type":"SESSION_STARTED","data":{"uuid":7}},"error":"event \"SESSION_STARTED\" at `[2].data.uuid`: expected a string (byte 129)"}"#,
            r#"{"provider":"synthesis_vr","type":"create","delivery":null,"attempt":null,"event":{"uuid":"u","action":"create"}}"#,
            r#"{"provider":"teachstack","type":"room.created","delivery":null,"attempt":null,"event":{"event_name":"room.created","room_id":7},"error":"event \"room.created\" at `[0].room_id`: expected a string (byte 0)"}"#,
            r#"{"provider":"learn365","type":"CourseCompleted","delivery":"delivery-7","attempt":2,"event":{      "Action": "CourseCompleted",      "Title": "one\r\ntwo",      "Users": []    }}"#,
            r#"{"provider":"learn365","type":"*","delivery":"delivery-7","attempt":2,"event":{      "Action": "*"    }}"#,
            r#"{"provider":"standard_webhooks","type":null,"delivery":"delivery-7","attempt":null,"event":{ "data": 7 }}"#,
        ]
    );
    assert!(exit.success(), "{exit}");
}

#[tokio::test]
async fn prints_nothing_of_what_is_forged() {
    let mut receiver = Receiver::start(&SECRETS).await;
    let unknown = "status=404 reason=not authentic: path does not end in a known token";
    let mismatch = "status=401 reason=not authentic: signature does not match";
    let stale = "status=401 reason=not authentic: timestamp is 301 s in the past";
    let loops = Loops::new(Token::path(OTHER_TOKEN).unwrap());
    let synthesis_vr = receiver.sender(synthesis_vr(), "/webhooks/synthesis-vr");
    let teachstack = receiver.sender(teachstack(), "/webhooks/teachstack");
    let learn365 = Learn365::new(OTHER_SECRET).unwrap();
    let standard = receiver.sender(standard_webhooks(), "/webhooks/standard");
    let then = ManualClock::at_unix_seconds(NOW - 301);
    for (provider, why, request) in [
        ("loops", unknown, receiver.sender(loops, "/webhooks/loops").body("[7]")),
        ("synthesis_vr", unknown, synthesis_vr.tampered(Tamper::BitFlipped).body("[7]")),
        ("teachstack", unknown, teachstack.tampered(Tamper::Truncated).body("[7]")),
        (
            "learn365",
            mismatch,
            receiver.sender(learn365, "/webhooks/learn365").body(r#"{"Notifications":[7]}"#),
        ),
        ("standard_webhooks", stale, standard.clock(then).body("7")),
    ] {
        assert!([401, 404].contains(&status(request.unwrap()).await));
        let told = receiver.told("DEBUG ").await;
        assert_eq!(told, format!("DEBUG webhook refused provider=\"{provider}\" {why}"));
    }
    receiver.signal("TERM");
    let (exit, lines) = receiver.ended().await;
    assert_eq!(lines, Vec::<String>::new());
    assert!(exit.success(), "{exit}");
}

#[tokio::test]
async fn mounts_only_what_has_a_secret() {
    let mut receiver = Receiver::start(&[]).await;
    let url = receiver.url.clone();
    let paths = ["loops", "synthesis-vr", "teachstack"].map(|name| format!("{name}/{TOKEN}"));
    for path in paths.iter().map(|path| &**path).chain(["learn365", "standard"]) {
        let request =
            Request::post(format!("{url}/webhooks/{path}")).body(Body::default()).unwrap();
        assert_eq!(status(request).await, 404, "{path}");
    }
    receiver.signal("INT");
    receiver.told("stopping").await;
    assert!(receiver.ended().await.0.success());
}

#[tokio::test]
async fn finishes_what_has_begun() {
    let mut receiver = Receiver::start(&SECRETS).await;
    let address = receiver.url.strip_prefix("http://").unwrap().to_owned();
    let mut peer = TcpStream::connect(&address).await.unwrap();
    let head = format!(
        "POST /webhooks/loops/{TOKEN} HTTP/1.1\r\nhost: {address}\r\ncontent-length: 3\r\nexpect: 100-continue\r\n\r\n"
    );
    peer.write_all(head.as_bytes()).await.unwrap();
    let mut asked = [0; 25];
    peer.read_exact(&mut asked).await.unwrap();
    assert_eq!(asked, *b"HTTP/1.1 100 Continue\r\n\r\n");

    receiver.signal("TERM");
    receiver.told("stopping").await;
    assert!(TcpStream::connect(&address).await.is_err(), "accepts while it stops");

    peer.write_all(b"[7]").await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, peer.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    let (exit, lines) = receiver.ended().await;
    assert_eq!(
        lines,
        [r#"{"provider":"loops","type":null,"delivery":null,"attempt":null,"event":7}"#]
    );
    assert!(exit.success(), "{exit}");
}

#[tokio::test]
async fn speaks_http_2() {
    let mut receiver = Receiver::start(&SECRETS).await;
    let stream = TokioIo::new(receiver.connect().await);
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream);
    let (mut peer, connection) = handshake.await.unwrap();
    tokio::spawn(connection);
    for attempt in [1, 2] {
        let sender = receiver.sender(learn365(), "/webhooks/learn365").attempt(attempt);
        let answer = peer.send_request(sender.raw("a1", "{}").unwrap()).await.unwrap();
        assert_eq!((answer.status(), answer.version()), (StatusCode::OK, http::Version::HTTP_2));
        answer.into_body().collect().await.unwrap();
        let line = next(&mut receiver.out).await.unwrap();
        assert!(
            line.contains(&format!(r#""type":"a1","delivery":"delivery-7","attempt":{attempt},"#)),
            "{line}"
        );
    }
}

#[tokio::test]
async fn outlives_its_reader() {
    let mut receiver = Receiver::start(&SECRETS).await;
    let sender = receiver.sender(standard_webhooks(), "/webhooks/standard");
    assert_eq!(status(sender.body("[1]").unwrap()).await, 200);
    receiver.out.close();
    // The thread that reads notices with the next line, and hangs up.
    let refused = async { while status(sender.body("[2]").unwrap()).await != 500 {} };
    timeout(PATIENCE, refused).await.expect("a closed pipe is a failed handler");
    assert_eq!(status(sender.body("[3]").unwrap()).await, 500);
    receiver.signal("TERM");
    receiver.told("stopping").await;
    assert!(receiver.ended().await.0.success());
}

#[tokio::test]
async fn outlives_its_operator() {
    let mut child = receiver()
        .args(["--listen", "127.0.0.1:0"])
        .envs(SECRETS)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut err = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("listening on ") {
        line.clear();
        err.read_line(&mut line).unwrap();
    }
    // From here on nobody reads. A pipe holds 64 KiB, and a refusal takes a hundred bytes.
    let url = line.strip_prefix("listening on ").unwrap().trim();
    let wrong: http::Uri = format!("{url}/webhooks/loops/wrong").parse().unwrap();
    for _ in 0..2_000 {
        assert_eq!(status(Request::post(&wrong).body(Body::default()).unwrap()).await, 404);
    }
    let genuine = Sender::new(loops()).to(format!("{url}/webhooks/loops").parse().unwrap());
    assert_eq!(status(genuine.body("[]").unwrap()).await, 200);
    let receiver = Receiver {
        child,
        url: String::new(),
        out: mpsc::unbounded_channel().1,
        err: mpsc::unbounded_channel().1,
    };
    receiver.signal("TERM");
    assert!(receiver.ended().await.0.success());
    drop(err);
}

#[test]
fn names_the_variable_and_never_the_secret() {
    for (variable, bad) in [
        ("LOOPS_TOKEN", "too-short-for-a-token"),
        ("SYNTHESIS_VR_TOKEN", "has blanks, and they cannot stand in a path"),
        ("TEACHSTACK_TOKEN", "umlauts-köönnen-nicht-in-einem-pfad-stehen"),
        ("LEARN365_SECRET", "fewer than 32 characters"),
        ("STANDARD_WEBHOOKS_SECRET", "whsec_not*base64"),
    ] {
        for bad in [bad, ""] {
            let output =
                receiver().args(["--listen", "127.0.0.1:0"]).env(variable, bad).output().unwrap();
            let told = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(1), "{told}");
            assert!(told.contains(&format!("receiver: {variable}: ")), "{told}");
            assert!(bad.is_empty() || !told.contains(bad), "{told}");
        }
    }
}

#[test]
fn explains_its_arguments() {
    for (args, why) in [
        (&["--bogus"][..], "`--bogus` is not an argument"),
        (&["--listen"], "`--listen` lacks its value"),
        (&["--listen", "here"], "`here` is not an address with a port"),
        (&["--clock", "noon"], "`noon` is not a number of seconds"),
        (&["--silence", "1.5"], "`1.5` is not a number of seconds"),
        (&["--connections", "many"], "`many` is not a number of connections"),
        (&["--connections", "0"], "`0` is not a number of connections"),
    ] {
        let output = receiver().args(args).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains(&format!("receiver: {why}\nusage: receiver ")), "{told}");
    }
    let help = receiver().arg("--help").output().unwrap();
    assert!(
        help.status.success()
            && String::from_utf8(help.stderr).unwrap().contains("usage: receiver ")
    );
}
