//! Several keys on one mount: locations, rotation, tenants.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Router,
    extract::{Path, Request, State},
    response::{IntoResponse, Response},
    routing::post,
};
use http::StatusCode;
use tower::{Layer, ServiceExt};
use tower_webhook::{
    Delivery, EventRouter, Sender, State as Kept, VerifyLayer,
    providers::{
        learn365::{CourseCompleted, Learn365},
        synthesis_vr::{SessionCreated, SynthesisVr},
    },
    scheme::{Keys, Token},
};

use crate::support::*;

/// Notes the name of the key.
async fn note<E>(_: E, Kept(log): Kept<Log>, delivery: Delivery) {
    log.note(delivery.key_id().unwrap_or("no name"));
}

#[tokio::test]
async fn two_locations_on_one_mount_are_told_apart() {
    let keys = Keys::named("sofia", TOKEN).or(Keys::named("varna", OTHER_TOKEN));
    let (provider, log) = (SynthesisVr::new(Token::path(keys).unwrap()), Log::default());
    let events = EventRouter::with_state(log.clone()).on(note::<SessionCreated>);
    let app = Router::new().route_service("/svr/{token}", VerifyLayer::new(provider).layer(events));

    let third = "a-third-token-of-32-characters-0";
    for (token, status) in [(OTHER_TOKEN, 200), (TOKEN, 200), (third, 404)] {
        let location = SynthesisVr::new(Token::path(token).unwrap());
        let sender = Sender::new(location).to("/svr".parse().unwrap());
        let request = sender.raw("create", r#"{"uuid":"u","location":"Sofia"}"#).unwrap();
        assert_eq!(answer(app.clone(), request).await.status(), status);
    }
    assert_eq!(log.seen(), ["varna", "sofia"]);
}

#[tokio::test]
async fn a_rotated_key_is_accepted_until_it_is_removed() {
    let (old, new) = (Keys::named("2024", OTHER_SECRET), Keys::named("2025", SECRET));
    let log = Log::default();
    let app = |keys: Keys| {
        let events = EventRouter::with_state(log.clone()).on(note::<CourseCompleted>);
        let hook = VerifyLayer::new(Learn365::new(keys).unwrap()).layer(events);
        Router::new().route_service("/365", hook)
    };
    let steps = [
        ("before", old.clone(), [200, 401]),
        ("both", new.clone().or(old), [200, 200]),
        ("after", new, [401, 200]),
    ];
    for (step, keys, statuses) in steps {
        for (secret, status) in [OTHER_SECRET, SECRET].into_iter().zip(statuses) {
            let sender = Sender::new(Learn365::new(secret).unwrap()).to("/365".parse().unwrap());
            let request = sender.event(&CourseCompleted::default()).unwrap();
            assert_eq!(answer(app(keys.clone()), request).await.status(), status, "{step}");
        }
    }
    assert_eq!(log.seen(), ["2024", "2024", "2025", "2025"]);
}

#[derive(Clone)]
struct App {
    tenants: Arc<tokio::sync::RwLock<HashMap<String, Arc<Learn365>>>>,
    events: EventRouter<Learn365, Log>,
}

async fn tenant(State(app): State<App>, Path(name): Path<String>, request: Request) -> Response {
    let Some(provider) = app.tenants.read().await.get(&name).cloned() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    VerifyLayer::shared(provider).layer(app.events).oneshot(request).await.into_response()
}

#[tokio::test]
async fn a_tenants_provider_is_looked_up_in_a_handler() {
    let log = Log::default();
    let app = App {
        tenants: Arc::default(),
        events: EventRouter::with_state(log.clone()).on(note::<CourseCompleted>),
    };
    let router = Router::new().route("/tenants/{name}", post(tenant)).with_state(app.clone());
    let request = |name: &str, secret: &str| {
        let sender = Sender::new(Learn365::new(secret).unwrap());
        let uri = format!("/tenants/{name}").parse().unwrap();
        sender.to(uri).event(&CourseCompleted::default()).unwrap()
    };
    assert_eq!(answer(router.clone(), request("sofia", SECRET)).await.status(), 404);

    for (name, secret) in [("sofia", SECRET), ("varna", OTHER_SECRET)] {
        let provider = Learn365::new(Keys::named(name, secret)).unwrap();
        app.tenants.write().await.insert(name.into(), provider.into());
    }
    let table = [
        ("sofia", SECRET, 200),
        ("varna", OTHER_SECRET, 200),
        ("varna", SECRET, 401),
        ("ruse", SECRET, 404),
    ];
    for (name, secret, status) in table {
        assert_eq!(answer(router.clone(), request(name, secret)).await.status(), status, "{name}");
    }
    assert_eq!(log.seen(), ["sofia", "varna"]);
}
