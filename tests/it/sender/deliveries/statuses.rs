//! Answers that say something of the endpoint: 410, and `Retry-After`.

use tower_webhook::providers::cloudevents::CloudEvents;

use super::*;

/// An endpoint whose path says what it answers: the status, and the value of `Retry-After`. Once it was asked so often, it
/// answers 200.
async fn answering_by_path(most: usize) -> (SocketAddr, Arrived) {
    endpoint(move |request: &Request<Bytes>, before| {
        let mut path = request.uri().path().split('/').skip(1);
        let status = path.next().unwrap().parse().unwrap();
        let response = http::Response::builder();
        let response = match path.next() {
            Some(after) => response.header("retry-after", after.replace('_', " ")),
            None => response,
        };
        let status = if before < most { status } else { 200 };
        response.status(status).body(axum::body::Body::empty()).unwrap()
    })
    .await
}

#[tokio::test]
async fn a_410_disables_the_endpoint_of_senders_that_say_so() {
    use DeliveryStatus::{Delivered, Stopped};
    let (address, arrived) = answering_by_path(usize::MAX).await;
    let provider = standard_webhooks();
    let deliveries = pushed(&provider, address, &["/503/30", "/200"]);
    assert_eq!(deliveries.deliver_due(at(START)).await, 2);
    // At the same URL as one that will be answered 410.
    push(&deliveries, provider.clone(), address, "/410");
    push(&deliveries, provider.clone(), address, "/410?tenant=7");
    assert_eq!(deliveries.deliver_due(at(START)).await, 2);
    push(&deliveries, provider.clone(), address, "/410");
    assert!(matches!(outcomes(&deliveries)[..], [_, Delivered, Stopped, Stopped, Stopped]));
    assert_eq!(deliveries.deliver_due(at(START)).await, 0);
    assert_eq!(deliveries.next_retry(), Some(at(START + 30)));
    assert_eq!(arrived.all().len(), 4);
    assert!(deliveries.reports()[4].attempts.is_empty());
}

#[tokio::test]
async fn deliveries_that_wait_for_a_retry_end_with_their_endpoint() {
    let (address, arrived) = answering([503, 410, 200]).await;
    let deliveries = pushed(&standard_webhooks(), address, &["/hook"]);
    assert_eq!(deliveries.deliver_due(at(START)).await, 1);
    push(&deliveries, standard_webhooks(), address, "/hook");
    assert_eq!(deliveries.deliver_due(at(START)).await, 1);
    assert_eq!(outcomes(&deliveries), [DeliveryStatus::Stopped; 2]);
    assert_eq!((deliveries.next_retry(), deliveries.deliver_due(at(LATER)).await), (None, 0));
    assert_eq!(arrived.all().len(), 2);
}

/// Attempts that were begun already come to their end.
#[tokio::test]
async fn no_attempt_is_begun_at_an_endpoint_that_is_gone() {
    let (address, arrived) = answering_by_path(usize::MAX).await;
    let deliveries = pushed(&standard_webhooks(), address, &["/410"; 40]);
    let made = deliveries.deliver_due(at(START)).await;
    assert!((1..=8).contains(&made), "{made}");
    assert_eq!(arrived.all().len(), made);
    assert_eq!(outcomes(&deliveries), [DeliveryStatus::Stopped; 40]);
}

#[tokio::test]
async fn a_410_ends_one_delivery_of_other_senders() {
    let (address, arrived) = answering([410, 200]).await;
    let deliveries = pushed(&learn365(), address, &["/hook"]);
    assert_eq!(deliveries.deliver_due(at(START)).await, 1);
    push(&deliveries, learn365(), address, "/hook");
    assert_eq!(deliveries.deliver_due(at(START)).await, 1);
    assert_eq!(outcomes(&deliveries), [DeliveryStatus::Stopped, DeliveryStatus::Delivered]);
    assert_eq!(arrived.all().len(), 2);
}

#[tokio::test]
async fn retry_after_makes_a_pause_longer_and_never_shorter() {
    for (path, second) in [
        ("/503/600", 600),
        ("/429/600", 600),
        ("/500/6", 6),
        ("/302/600", 600),
        ("/429/4", 5),
        ("/429", 5),
        ("/503/-600", 5),
        ("/503/+600", 5),
        ("/503/6e2", 5),
        ("/503/Fri,_15_Jan_2027_09:00:00_GMT", 5),
    ] {
        let (address, _) = answering_by_path(1).await;
        let deliveries = pushed(&standard_webhooks(), address, &[path]);
        assert_eq!(driven(&deliveries).await, [0, second], "{path}");
        assert_eq!(only(&deliveries).status, DeliveryStatus::Delivered, "{path}");
    }
    // It is ignored, by the source of the sender.
    let (address, _) = answering_by_path(1).await;
    assert_eq!(driven(&pushed(&learn365(), address, &["/503/600"])).await, [0, 60]);
}

#[tokio::test]
async fn no_answer_delays_for_more_than_a_day() {
    let (address, _) = answering_by_path(1).await;
    let deliveries = pushed(&standard_webhooks(), address, &["/429/18446744073709551615"]);
    assert_eq!(deliveries.deliver_due(at(START)).await, 1);
    assert_eq!(only(&deliveries).status, DeliveryStatus::Retrying(at(START + 24 * 3600)));
    assert_eq!(deliveries.next_retry(), Some(at(START + 24 * 3600)));
}

/// Others of the same endpoint wait, too, if it is the endpoint that is busy.
#[tokio::test]
async fn a_busy_endpoint_gets_no_delivery_until_it_wants_one() {
    for (status, waits) in [("429", true), ("502", true), ("504", true), ("503", false)] {
        let (address, arrived) = answering_by_path(1).await;
        let path = format!("/{status}/600");
        let deliveries = pushed(&standard_webhooks(), address, &[&path]);
        assert_eq!(deliveries.deliver_due(at(START)).await, 1);
        push(&deliveries, standard_webhooks(), address, &path);
        push(&deliveries, standard_webhooks(), address, "/200");
        let made = if waits { 1 } else { 2 };
        assert_eq!(deliveries.deliver_due(at(START + 599)).await, made, "{status}");
        assert_eq!(deliveries.next_retry(), Some(at(START + 600)), "{status}");
        assert_eq!(deliveries.deliver_due(at(START + 600)).await, 3 - made, "{status}");
        assert_eq!(outcomes(&deliveries), [DeliveryStatus::Delivered; 3], "{status}");
        assert_eq!(arrived.all().len(), 4, "{status}");
        // What has passed is forgotten.
        push(&deliveries, standard_webhooks(), address, &path);
        assert_eq!(deliveries.next_retry(), None, "{status}");
    }
}

/// Without retries, too.
#[tokio::test]
async fn endpoints_of_cloudevents_can_be_gone_or_busy() {
    let (address, arrived) = answering_by_path(usize::MAX).await;
    let provider = CloudEvents::dangerous_unauthenticated();
    let deliveries = pushed(&provider, address, &["/410", "/429/600"]);
    assert_eq!(deliveries.deliver_due(at(START)).await, 2);
    for path in ["/410", "/429/600"] {
        push(&deliveries, provider.clone(), address, path);
    }
    assert_eq!(deliveries.deliver_due(at(START + 599)).await, 0);
    use DeliveryStatus::{Failed, Queued, Stopped};
    assert_eq!(outcomes(&deliveries), [Stopped, Failed, Stopped, Queued]);
    assert_eq!(arrived.all().len(), 2);
}
