//! Rules of the matrix: limits, bodies in pieces, connections.

use http::Method;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::*;

pub(crate) async fn the_layer_has_its_limits(case: &dyn Case) {
    let request = case.request();
    let length = request.body().clone().into_bytes().len();
    let default = Setup::default();
    for (setup, status) in [
        (Setup { max_body_bytes: Some(length), ..default }, 200),
        (Setup { max_body_bytes: Some(length - 1), ..default }, 413),
        (Setup { max_bodies: Some(1), ..default }, 200),
        (Setup { max_bodies: Some(0), ..default }, 503),
        (Setup { max_batches: Some(1), ..default }, 200),
        (Setup { max_batches: Some(0), ..default }, 503),
    ] {
        let receiver = case.receiver(setup);
        assert_eq!(receiver.answer(whole(request.clone())).await, status);
        assert_eq!(receiver.log.seen().is_empty(), status != 200);
    }
}

pub(crate) async fn bodies_being_read_share_a_budget(case: &dyn Case) {
    let request = case.request();
    let (first, feeder, body) = slowly(request.clone());
    // There is always room for one body.
    let most = Some(body.len());
    let setup = Setup { max_body_bytes: most, max_total_bytes: Some(0), ..Setup::default() };
    let receiver = case.receiver(setup);
    feeder.send(Ok(body.slice(1..).slice(..0))).unwrap();
    feeder.send(Ok(body.slice(..body.len() - 1))).unwrap();
    let mut first = Box::pin(receiver.answer(first));
    assert!(polled(&mut first).is_pending());
    assert_eq!(receiver.answer(whole(request.clone())).await, 503);
    feeder.send(Ok(body.slice(body.len() - 1..))).unwrap();
    drop(feeder);
    assert_eq!(first.await, 200);
    assert_eq!(receiver.answer(whole(request)).await, 200, "once the first has been read");
}

pub(crate) async fn batches_share_a_budget(case: &dyn Case) {
    let request = case.request();
    let both = 2 * case.held(&request.body().clone().into_bytes());
    for (most, is_refused) in [(both - 1, true), (both, false)] {
        let setup = Setup { max_batch_bytes: Some(most), closed: true, ..Setup::default() };
        let receiver = case.receiver(setup);
        let mut first = Box::pin(receiver.answer(whole(request.clone())));
        assert!(polled(&mut first).is_pending());
        let mut second = Box::pin(receiver.answer(whole(request.clone())));
        assert_eq!(polled(&mut second).is_ready(), is_refused, "{most} bytes");
        receiver.open();
        assert_eq!(first.await, 200);
        if !is_refused {
            assert_eq!(second.await, 200);
        }
    }
}

pub(crate) async fn a_body_may_come_byte_by_byte_and_not_break_off(case: &dyn Case) {
    let receiver = case.receiver(Setup::default());
    let (request, feeder, body) = slowly(case.request());
    let bytes = |range: std::ops::Range<usize>| range.map(|at| body.slice(at..=at));
    bytes(0..body.len()).for_each(|byte| feeder.send(Ok(byte)).unwrap());
    drop(feeder);
    assert_eq!(receiver.answer(request).await, 200);
    assert_eq!(receiver.log.seen(), [case.event()]);

    for broken in [true, false] {
        let (request, feeder, _) = slowly(case.request());
        bytes(0..body.len() / 2).for_each(|byte| feeder.send(Ok(byte)).unwrap());
        if broken {
            feeder.send(Err(io::ErrorKind::BrokenPipe.into())).unwrap();
        }
        drop(feeder);
        let status = receiver.answer(request).await;
        // With a token in the head, the rest of such a body is authentic, and not JSON.
        assert!(status == 400 || !broken && status == case.refusal(), "{status}");
    }
    assert_eq!(receiver.log.seen(), [case.event()]);
}

pub(crate) async fn a_refusal_leaves_the_connection_usable(case: &dyn Case) {
    let receiver = case.receiver(Setup::default());
    let address = serve(axum::Router::new().fallback_service(receiver.hook.clone())).await;
    let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (mut client, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    // More than the server reads at once.
    let long = || Body::from(vec![b' '; 512 * 1024]);
    let mut put = case.request().map(|_| long());
    *put.method_mut() = Method::PUT;
    let mut refused = case.foreign();
    if case.tampered(Tamper::Unsigned).is_some() {
        refused = refused.map(|_| long());
    }
    let requests = [(put, 405), (refused, case.refusal()), (case.request(), 200)];
    for (mut request, status) in requests {
        request.headers_mut().insert("host", "hooks.example".parse().unwrap());
        client.ready().await.unwrap();
        let response = client.send_request(request).await.unwrap();
        assert_eq!(response.status(), status);
        text(response).await;
    }
    assert_eq!(receiver.log.seen(), [case.event()]);
}
