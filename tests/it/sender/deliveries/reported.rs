//! What is told of a delivery, and in which words.

use tokio::net::TcpListener;

use super::*;
use crate::support::TOKEN;

#[test]
fn every_answer_and_outcome() {
    for (answer, text) in [
        (Answer::Status(code(200)), "200 OK"),
        (Answer::Status(code(503)), "503 Service Unavailable"),
        (Answer::Timeout, "no answer in time"),
        (Answer::Failed("why".into()), "why"),
    ] {
        assert_eq!(answer.to_string(), text);
    }
    for (outcome, text) in [
        (DeliveryStatus::Queued, "not yet attempted"),
        (DeliveryStatus::Retrying(at(START)), "to be attempted again at 2027-01-15T08:00:00Z"),
        (DeliveryStatus::Delivered, "delivered"),
        (DeliveryStatus::Lost, "lost in a redirect"),
        (DeliveryStatus::Stopped, "stopped by a 410"),
        (DeliveryStatus::Failed, "failed, without another attempt"),
    ] {
        assert_eq!(outcome.to_string(), text);
    }
}

#[tokio::test]
async fn a_report_is_a_line_and_one_for_each_attempt() {
    let (address, _) = answering([503, 404, 200]).await;
    let deliveries = Deliveries::new(learn365().schedule());
    let sender = Sender::new(learn365()).to(url(address, "/hook")).id("7");
    let events = [event(), Draft::raw("CourseStarted", "{}").unwrap()];
    deliveries.push("north", sender, events).unwrap();
    let told = "delivery 7 of invoice.paid, CourseStarted to north";
    let mut lines = Vec::new();
    for (time, line, stands) in [
        (START, "attempt 1 at 2027-01-15T08:00:00Z: 503 Service Unavailable", AGAIN_AFTER_1),
        (START + 60, "attempt 2 at 2027-01-15T08:01:00Z: 404 Not Found", AGAIN_AFTER_2),
        (START + 300, "attempt 3 at 2027-01-15T08:05:00Z: 200 OK", "delivered"),
    ] {
        deliveries.deliver_due(at(time)).await;
        lines.push(format!("\n  {line}"));
        assert_eq!(only(&deliveries).to_string(), format!("{told}: {stands}{}", lines.concat()));
    }
}

const AGAIN_AFTER_1: &str = "to be attempted again at 2027-01-15T08:01:00Z";
const AGAIN_AFTER_2: &str = "to be attempted again at 2027-01-15T08:05:00Z";

#[tokio::test]
async fn an_attempt_tells_where_redirects_led() {
    let (address, _) = endpoint(|request, _| match request.uri().path() {
        "/a" => (code(307), [("location", "/b")]),
        "/b" => (code(303), [("location", "/c")]),
        _ => (code(200), [("location", "/d")]),
    })
    .await;
    let deliveries = pushed(&learn365(), address, &["/a"]);
    deliveries.deliver_due(at(START)).await;
    let report = only(&deliveries);
    assert_eq!(
        report.to_string(),
        format!(
            "delivery {} of invoice.paid to /a: lost in a redirect\n  \
             attempt 1 at 2027-01-15T08:00:00Z: 200 OK (a GET after 2 redirects)",
            report.id
        )
    );
}

#[tokio::test]
async fn before_anything_is_attempted() {
    let (address, arrived) = answering([200]).await;
    let deliveries = Deliveries::new(standard_webhooks().schedule());
    let sender = Sender::new(standard_webhooks()).to(url(address, "/hook")).id("7");
    deliveries.push("north", sender, [event()]).unwrap();
    let report = only(&deliveries);
    assert_eq!(report.to_string(), "delivery 7 of invoice.paid to north: not yet attempted");
    assert_eq!((report.attempts.len(), arrived.all().len()), (0, 0));
}

#[tokio::test]
async fn times_that_cannot_be_written_are_told_as_the_nearest() {
    let (address, arrived) = answering([500]).await;
    let epoch = SystemTime::UNIX_EPOCH;
    let (before, last) = (epoch - Duration::from_secs(60), Duration::from_secs(i64::MAX as u64));
    for (time, told, outcome) in [
        (before, "1970-01-01T00:00:00Z", DeliveryStatus::Retrying(before + Duration::from_secs(5))),
        (
            at(253_402_300_800),
            "9999-12-31T23:59:59Z",
            DeliveryStatus::Retrying(at(253_402_300_805)),
        ),
        (epoch + last, "9999-12-31T23:59:59Z", DeliveryStatus::Failed),
    ] {
        let deliveries = pushed(&standard_webhooks(), address, &["/hook"]);
        assert_eq!(deliveries.deliver_due(time).await, 1);
        let report = only(&deliveries);
        assert_eq!(report.status, outcome);
        let line = format!("attempt 1 at {told}: 500 Internal Server Error");
        assert_eq!(report.attempts[0].to_string(), line);
        let again = format!("to be attempted again at {told}");
        let stands = if outcome == DeliveryStatus::Failed {
            "failed, without another attempt"
        } else {
            &again
        };
        assert_eq!(report.status.to_string(), stands);
    }
    let stamp = |request: &Request<_>| request.headers()["webhook-timestamp"].clone();
    let stamps: Vec<_> = arrived.all().iter().map(stamp).collect();
    assert_eq!(stamps, ["0", "253402300800", "9223372036854775807"]);
}

#[tokio::test]
async fn nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let deliveries = pushed(&synthesis_vr(), address, &["/private"]);
    assert_eq!(deliveries.deliver_due(at(START)).await, 1);
    let report = only(&deliveries);
    assert_eq!(report.status, DeliveryStatus::Failed);
    let Answer::Failed(why) = &report.attempts[0].answer else { panic!("{report}") };
    assert!(why.starts_with("the request could not be delivered: "), "{why}");
    assert!(why.contains("onnection refused"), "{why}");
    assert_eq!(why.lines().count(), 1);
    for hidden in [TOKEN, "private"] {
        assert!(!why.contains(hidden), "{why}");
        assert!(!format!("{report:?}").replace(&report.target, "").contains(hidden), "{report:?}");
    }
}

#[tokio::test]
async fn a_target_that_cannot_be_reached() {
    let deliveries = Deliveries::new(Schedule::once());
    for to in ["https://127.0.0.1:1/hook", "/hook"] {
        deliveries.push(to, Sender::new(Own).to(to.parse().unwrap()), []).unwrap();
    }
    assert_eq!(deliveries.deliver_due(at(START)).await, 2);
    let why = "the target is not `http://…`: TLS is for a proxy in between";
    for report in deliveries.reports() {
        assert_eq!(report.attempts[0].answer, Answer::Failed(why.into()), "{report}");
        assert_eq!(report.status, DeliveryStatus::Failed, "{report}");
    }
}
