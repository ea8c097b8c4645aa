//! The layer without a web framework: one sender, served by hyper.
//!
//! `cargo run --example hyper`

use http::StatusCode;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use tokio::{net::TcpListener, sync::mpsc};
use tower::Layer;
use tower_webhook::{
    BoxError, EventRouter, Sender, VerifyLayer,
    providers::learn365::{CoursePublished, Learn365},
    sender::{Tamper, deliver},
};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let learn365 = Learn365::new("invented, and as typed into the registration")?;
    let (tx, mut published) = mpsc::channel(1);
    let events = EventRouter::new().on(async move |e: CoursePublished| tx.send(e.title).await);
    let hook = TowerToHyperService::new(VerifyLayer::new(learn365.clone()).layer(events));

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url: http::Uri = format!("http://{}/", listener.local_addr()?).parse()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let hook = hook.clone();
            tokio::spawn(async move {
                let server = Builder::new(TokioExecutor::new());
                server.serve_connection(TokioIo::new(stream), hook).await
            });
        }
    });

    let course = r#"{"Id": "42", "Title": "Fire safety", "Published": true}"#;
    let sender = Sender::new(learn365).to(url);
    let answer = deliver(sender.raw("CoursePublished", course)?).await?.status();
    let title = published.try_recv()?;
    println!("genuine: {answer}, published: {title:?}");
    assert_eq!((answer, title.as_deref()), (StatusCode::OK, Some("Fire safety")));

    let forged = sender.tampered(Tamper::Unsigned).raw("CoursePublished", course)?;
    let answer = deliver(forged).await?.status();
    println!("forged: {answer}");
    assert_eq!((answer, published.try_recv().is_err()), (StatusCode::UNAUTHORIZED, true));
    Ok(())
}
