//! The odd habits of the original sender, against a receiver of this crate over TCP.

use hyper::server::conn::http1;
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tower::ServiceExt;
use tower_webhook::{
    State,
    providers::learn365::{Course, CourseCompleted},
    sender::DeliveryStatus,
};

use super::*;
use crate::{
    captures::RECORDED_SECRET,
    support::{learn365, serve, url},
};

/// A recording as it came over the wire: its head with the empty line, and its body.
fn raw(name: &str) -> (String, Vec<u8>) {
    let text = String::from_utf8(captures::recorded(name)).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    (format!("{head}\r\n\r\n"), body.into())
}

/// Receivers of the recordings, one served by axum, one by hyper alone.
async fn servers(log: &Log) -> [SocketAddr; 2] {
    let hook = hook_under(RECORDED_SECRET, log);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let bare = TowerToHyperService::new(hook.clone());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(
                http1::Builder::new().serve_connection(TokioIo::new(stream), bare.clone()),
            );
        }
    });
    [serve(axum::Router::new().fallback_service(hook)).await, address]
}

async fn connected(address: SocketAddr) -> BufReader<TcpStream> {
    BufReader::new(TcpStream::connect(address).await.unwrap())
}

/// The status line that answers a recording, of which `change` has changed the head.
async fn answered(address: SocketAddr, name: &str, change: impl Fn(String) -> String) -> String {
    let (head, body) = raw(name);
    let mut stream = connected(address).await;
    stream.write_all(change(head).as_bytes()).await.unwrap();
    stream.write_all(&body).await.unwrap();
    status(&message(&mut stream).await)
}

/// The first line of an answer.
fn status(answer: &[u8]) -> String {
    String::from_utf8_lossy(answer).lines().next().unwrap().into()
}

#[tokio::test]
async fn a_sender_may_wait_for_100_continue() {
    let log = Log::default();
    let (head, body) = raw("headers-expect-100");
    for address in servers(&log).await {
        let mut stream = connected(address).await;
        stream.write_all(head.as_bytes()).await.unwrap();
        let interim = super::head(&mut stream).await;
        assert_eq!(interim.escape_ascii().to_string(), r"HTTP/1.1 100 Continue\r\n\r\n");
        stream.write_all(&body).await.unwrap();
        assert_eq!(status(&message(&mut stream).await), "HTTP/1.1 200 OK");
    }
    assert_eq!(log.seen(), ["CourseCompleted a4392865aa3e42928e5a73a8a2a39632 1 {}"; 2]);
}

#[tokio::test]
async fn without_a_signature_no_body_is_waited_for() {
    let log = Log::default();
    let (head, _) = raw("headers-expect-100");
    for address in servers(&log).await {
        let mut stream = connected(address).await;
        stream.write_all(head.replace("ms-signature", "x-signature").as_bytes()).await.unwrap();
        assert_eq!(status(&message(&mut stream).await), "HTTP/1.1 401 Unauthorized");
    }
    assert_eq!(log.seen(), [""; 0]);
}

#[tokio::test]
async fn every_recorded_delivery_is_handled_once() {
    let log = Log::default();
    for address in servers(&log).await {
        for (name, handled) in [
            ("headers-custom", "CourseCompleted bc8e81ea893c467f9d723b4343ef97e3 1 {}"),
            ("headers-connection-close", "CourseCompleted 725154a415934922ab562b9b8086efd2 1 {}"),
            ("headers-content-md5", "CourseCompleted e844cf2f7e354b088229eedd265c416f 1 {}"),
            ("headers-crlf", "CourseCompleted c436a92d71d94631b04d26c1aae1fed9 1 {}"),
            ("headers-bad-name", "CourseCompleted a31efedb2ec44d2eabc5bf94152589be 1 {}"),
            ("headers-host", "CourseCompleted ef00b62220ca4a67a8e3ea80434004e3 1 {}"),
            ("headers-expect-100", "CourseCompleted a4392865aa3e42928e5a73a8a2a39632 1 {}"),
            ("uri-query", "CourseCompleted 1933a03bc50f43c3a0b704bb3729b05b 1 {}"),
            ("uri-userinfo", "CourseCompleted eb14044fea2d430aa2586bf602b5bbf6 1 {}"),
            ("manager-notify.2", "CourseCompleted 313d4c752ee144ab9e680557de4a918a 1 {}"),
            ("retry.3", "CourseCompleted 3039c8248ba14a81b9526343949e5c2c 3 {}"),
        ] {
            let answer =
                answered(address, name, |head| head.replace("Expect: 100-continue\r\n", "")).await;
            assert_eq!(answer, "HTTP/1.1 200 OK", "{name}");
            assert_eq!(log.seen().pop().as_deref(), Some(handled), "{name}");
        }
    }
    assert_eq!(log.seen().len(), 22);
}

#[tokio::test]
async fn a_good_signature_in_other_notations() {
    let log = Log::default();
    let hex = "51326C6C1058FC3A540472827CAA3E5ACE62078491BA1A1E2481169B1DF3CB1F";
    let notations = [
        format!("ms-signature:sha256={}", hex.to_lowercase()),
        format!("MS-Signature: SHA256={}{}", &hex[..20], hex[20..].to_lowercase()),
        format!("ms-signature: sha256 = {hex}"),
        format!("ms-signature:\tsha256\t=\t {hex} \t"),
        format!("ms-signature: sha256=={hex}="),
    ];
    for address in servers(&log).await {
        for notation in &notations {
            let good = format!("ms-signature: sha256={hex}");
            let change = |head: String| head.replacen(&good, notation, 1);
            assert_ne!(change(raw("headers-custom").0), raw("headers-custom").0);
            let answer = answered(address, "headers-custom", change).await;
            assert_eq!(answer, "HTTP/1.1 200 OK", "{notation:?}");
        }
    }
    assert_eq!(log.seen().len(), 10);
}

#[tokio::test]
async fn no_handler_runs_for_what_the_original_spoils() {
    let log = Log::default();
    for address in servers(&log).await {
        for (name, answer) in [
            ("headers-ms-signature", "HTTP/1.1 401 Unauthorized"),
            ("redirect-302.2", "HTTP/1.1 405 Method Not Allowed"),
        ] {
            assert_eq!(answered(address, name, |head| head).await, answer, "{name}");
        }
        let answer = answered(address, "retry.1", |head| {
            head.replace("\r\nms-", "\r\nms-signature: sha256=00\r\nms-")
        });
        assert_eq!(answer.await, "HTTP/1.1 401 Unauthorized", "two fields");
    }
    assert_eq!(log.seen(), [""; 0]);
}

/// What became of the first attempt at a delivery to a receiver with this header in its registration, whether it came
/// in chunks, and what was handled.
async fn delivered_with(name: &str, value: &str) -> (String, bool, usize) {
    let (handled, chunked) = (Log::default(), Log::default());
    let noted = chunked.clone();
    let hook = hook(&handled).map_request(move |request: axum::extract::Request| {
        let coding = request.headers().get("transfer-encoding");
        coding.iter().for_each(|coding| noted.note(coding.to_str().unwrap()));
        request
    });
    let uri = url(serve(axum::Router::new().fallback_service(hook)).await, "/hook").to_string();
    let emulator = emulator();
    registered(&emulator, &wanted_with(&uri, json!({"Headers": {name: value}}))).await;
    emulator.emit(&CourseCompleted::default()).unwrap();
    emulator.deliver_due(after(0)).await;
    let report = emulator.reports().pop().unwrap().to_string();
    let (_, answer) = report.rsplit_once("Z: ").unwrap();
    (answer.into(), chunked.seen() == ["chunked"], handled.seen().len())
}

#[tokio::test]
async fn headers_that_a_delivery_survives_and_others() {
    for (name, value, answer, in_chunks) in [
        ("Transfer-Encoding", "chunked", "200 OK", true),
        ("Expect", "100-continue", "200 OK", false),
        ("Connection", "close", "200 OK", false),
        ("Content-Length", "7", "200 OK", false),
        ("Content-MD5", "AAAAAAAAAAAAAAAAAAAAAA==", "200 OK", false),
        ("Host", "evil.example", "200 OK", false),
        ("ms-signature", "sha256=00", "401 Unauthorized", false),
        ("Content-Encoding", "gzip", "415 Unsupported Media Type", false),
    ] {
        let handled = usize::from(answer == "200 OK");
        assert_eq!(
            delivered_with(name, value).await,
            (answer.into(), in_chunks, handled),
            "{name}"
        );
    }
}

#[tokio::test]
async fn camel_case_reaches_typed_handlers() {
    let (log, endpoint) = (Log::default(), Endpoint::new().await);
    let events = EventRouter::with_state(log.clone()).on(
        async |event: CourseCompleted, State(log): State<Log>, delivery: Delivery| {
            let title = event.course.and_then(|course| course.title);
            let told = (delivery.id(), delivery.sender_attempt(), delivery.properties());
            log.note(format!("{title:?} {told:?}"));
        },
    );
    let typed = VerifyLayer::new(learn365()).layer(events);
    let address = serve(axum::Router::new().fallback_service(typed)).await;
    let emulator = emulator().camel_case();
    let members = json!({"Properties": {"Region": "north"}});
    for uri in [url(address, "/hook").to_string(), endpoint.url("/hook")] {
        registered(&emulator, &wanted_with(&uri, members.clone())).await;
    }
    let mut course = Course::default();
    course.title = Some("Fire safety".into());
    let mut completed = CourseCompleted::default();
    completed.course = Some(course);
    emulator.emit(&completed).unwrap();
    emulator.deliver_due(after(0)).await;
    let [first, second] = emulator.reports().try_into().unwrap();
    assert_eq!(
        (first.status, second.status),
        (DeliveryStatus::Delivered, DeliveryStatus::Delivered)
    );
    let properties = r#"{\r\n    \"Region\": \"north\"\r\n  }"#;
    let told =
        format!(r#"Some("Fire safety") (Some("{}"), Some(1), Some("{properties}"))"#, first.id);
    assert_eq!(log.seen(), [told]);
    let written: Value = serde_json::from_slice(endpoint.delivered()[0].body()).unwrap();
    assert_eq!(
        written,
        json!({
            "id": second.id,
            "attempt": 1,
            "properties": {"Region": "north"},
            "notifications": [{"action": "CourseCompleted", "Course": {"Title": "Fire safety"}}],
        })
    );
}
