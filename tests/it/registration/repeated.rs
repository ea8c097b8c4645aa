//! What is sent again where it failed, and what never is.

use std::time::{Duration, Instant};

use tokio::io::AsyncReadExt;
use tower_webhook::providers::learn365::RegistrationError;

use super::*;
use crate::support::Log;

const ONE: &str = r#"{"Id":"7e1b","WebHookUri":"https://example.com"}"#;
const ONCE: Duration = Duration::from_millis(500);
const TWICE: Duration = Duration::from_millis(2500);

/// Hangs up on everybody once it was asked, and notes each request's method.
async fn hanging_up() -> (RegistrationClient, Log) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let api = registrations(listener.local_addr().unwrap());
    let asked = Log::default();
    let noted = asked.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") && !head.contains(&b'{') {
                assert_ne!(stream.read_buf(&mut head).await.unwrap(), 0, "no request");
            }
            let method = head.split(|byte| *byte == b' ').next().unwrap();
            noted.note(str::from_utf8(method).unwrap());
        }
    });
    (api, asked)
}

/// Reads where the sender plays these answers: what came of it, after how many requests, and how long that took.
async fn read<const N: usize>(
    answers: [(u16, &str); N],
) -> (Result<Option<String>, String>, usize, Duration) {
    let stub = Stub::playing(answers).await;
    let begin = Instant::now();
    let read = stub.registrations().get("7e1b").await;
    let read = read.map(|one| one.id().map(Into::into)).map_err(|error| error.to_string());
    (read, stub.asked().len(), begin.elapsed())
}

#[tokio::test]
async fn what_only_reads_is_sent_up_to_three_times() {
    let found = Ok(Some("7e1b".to_owned()));
    let hung_up = async {
        let (api, asked) = hanging_up().await;
        let error = api.list().await.unwrap_err();
        assert!(matches!(error, RegistrationError::Connection(_)), "{error:?}");
        assert_eq!(asked.seen(), ["GET"; 3]);
    };
    let unanswered = async {
        // Each connection waits to be accepted.
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let api = registrations(listener.local_addr().unwrap()).timeout(Duration::from_millis(20));
        let error = api.filters().await.unwrap_err();
        assert!(matches!(error, RegistrationError::Timeout), "{error:?}");
        let mut connections = 0;
        let wait = Duration::from_millis(20);
        while tokio::time::timeout(wait, listener.accept()).await.is_ok() {
            connections += 1;
        }
        assert_eq!(connections, 3);
    };
    let (second, third, fourth, (), ()) = tokio::join!(
        read([(503, ""), (200, ONE)]),
        read([(429, ""), (500, ""), (201, ONE)]),
        read([(500, ""), (503, ""), (502, r#"{"Message":"Late."}"#), (200, ONE)]),
        hung_up,
        unanswered,
    );
    let (result, requests, took) = second;
    assert_eq!((result, requests), (found.clone(), 2));
    assert!(ONCE <= took, "{took:?}");
    let (result, requests, took) = third;
    assert_eq!((result, requests), (found, 3));
    assert!(TWICE <= took, "{took:?}");
    let (result, requests, took) = fourth;
    assert_eq!((result, requests), (Err("the sender answered 502 Bad Gateway".into()), 3));
    assert!(TWICE <= took, "{took:?}");
}

#[tokio::test]
async fn an_answer_that_would_be_the_same_again_is_final() {
    for status in [302, 400, 401, 403, 404, 409, 410] {
        let (result, requests, _) = read([(status, ""), (200, ONE)]).await;
        assert_eq!((result.is_err(), requests), (true, 1), "{status}");
    }
    let (result, requests, _) = read([(200, "garbage"), (200, ONE)]).await;
    assert_eq!((result.is_err(), requests), (true, 1));
}

#[tokio::test]
async fn what_changes_something_is_sent_once() {
    for status in [429, 500, 503] {
        let answers = [status; 4].map(|status| (status, ""));
        let stub = Stub::playing(answers.into_iter().chain([(200, ONE); 4])).await;
        change_everything(&stub.registrations()).await;
        let methods: Vec<_> =
            stub.asked().into_iter().map(|asked| asked.0.method().clone()).collect();
        assert_eq!(methods, ["POST", "PUT", "DELETE", "DELETE"], "{status}");
    }
    let (api, asked) = hanging_up().await;
    change_everything(&api).await;
    assert_eq!(asked.seen(), ["POST", "PUT", "DELETE", "DELETE"]);
}

async fn change_everything(api: &RegistrationClient) {
    assert!(api.create(&wanted()).await.is_err());
    assert!(api.update("7e1b", &wanted()).await.is_err());
    assert!(api.delete("7e1b").await.is_err());
    assert!(api.delete_all().await.is_err());
}
