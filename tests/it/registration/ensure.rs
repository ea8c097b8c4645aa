//! What is registered once it has been seen to, however often.

use serde_json::json;
use tower::{Layer, ServiceBuilder};
use tower_webhook::{
    EventRouter, VerifyLayer,
    providers::learn365::{Learn365, RegistrationError},
};

use super::*;
use crate::support::{Log, OTHER_SECRET, learn365, url};

/// A client of the emulator, and a receiver that notes each echo.
struct Setting {
    api: RegistrationClient,
    receiver: SocketAddr,
    echoes: Log,
}

impl Setting {
    async fn new() -> Self {
        let (_, api) = emulated().await;
        let echoes = Log::default();
        let noted = echoes.clone();
        let hook = VerifyLayer::new(learn365()).layer(EventRouter::<Learn365>::new());
        let note = move |request: Request| {
            noted.note(format!("{} {}", request.method(), request.uri().path()));
            request
        };
        let tapped = ServiceBuilder::new().map_request(note).service(hook);
        let receiver = serve(Router::new().fallback_service(tapped)).await;
        Self { api, receiver, echoes }
    }

    fn wanted(&self) -> Registration {
        self.wanted_under(SECRET, [Filter::CourseCompleted, Filter::UserCreated])
    }

    fn wanted_under<const N: usize>(&self, secret: &str, filters: [Filter; N]) -> Registration {
        let uri = url(self.receiver, "/hook").to_string();
        Registration::new(uri, secret, filters).unwrap()
    }

    /// Has `wanted` seen to, and returns its id and how many echoes that took.
    async fn ensured(&self, wanted: &Registration) -> (String, usize) {
        let before = self.echoes.seen().len();
        let registration = self.api.ensure(wanted).await.unwrap();
        assert_same(&registration, wanted);
        (registration.id().unwrap().into(), self.echoes.seen().len() - before)
    }

    /// What the sender has, by itself.
    async fn only(&self) -> Registration {
        let [only] = <[Registration; 1]>::try_from(self.api.list().await.unwrap()).unwrap();
        only
    }
}

/// Whether both are alike in all that can be seen, but for the id.
#[track_caller]
fn assert_same(one: &Registration, other: &Registration) {
    assert_eq!(one.uri(), other.uri());
    assert_eq!(one.description(), other.description());
    assert_eq!(one.is_paused(), other.is_paused());
    assert_eq!(one.filters(), other.filters());
    assert_eq!(one.headers().collect::<Vec<_>>(), other.headers().collect::<Vec<_>>());
    let properties = |of: &Registration| of.properties().parse::<Value>().unwrap();
    assert_eq!(properties(one), properties(other));
}

#[tokio::test]
async fn the_first_call_creates_and_further_ones_change_nothing() {
    let setting = Setting::new().await;
    let wanted = setting.wanted().described_as("the ledger");
    let (id, echoes) = setting.ensured(&wanted).await;
    assert_eq!((echoes, setting.echoes.seen()), (1, vec!["GET /hook".to_owned()]));
    assert_same(&setting.only().await, &wanted);
    for _ in 0..2 {
        assert_eq!(setting.ensured(&wanted).await, (id.clone(), 0));
    }
    assert_eq!(setting.only().await.id(), Some(&*id));
}

#[tokio::test]
async fn whatever_differs_is_updated_under_the_same_id() {
    let setting = Setting::new().await;
    let (id, _) = setting.ensured(&setting.wanted()).await;
    for changed in [
        setting.wanted_under(SECRET, [Filter::CourseCompleted]),
        setting.wanted_under(SECRET, [Filter::CourseCompleted, Filter::All]),
        setting.wanted_under(OTHER_SECRET, [Filter::CourseCompleted, Filter::All]),
        setting.wanted(),
        setting.wanted().described_as("the ledger"),
        setting.wanted().described_as("the ledger").paused(),
        setting.wanted().described_as("the ledger"),
        setting.wanted().header("x-a", "1").unwrap(),
        setting.wanted().header("x-a", "2").unwrap(),
        setting.wanted().header("x-b", "2").unwrap(),
        setting.wanted().send_along(r#"{"a": 1}"#).unwrap(),
        setting.wanted().send_along(r#"{"a": "1"}"#).unwrap(),
        setting.wanted().send_along(r#"{"A": "1"}"#).unwrap(),
        setting.wanted(),
    ] {
        assert_eq!(setting.ensured(&changed).await, (id.clone(), 1), "{changed:?}");
        assert_same(&setting.only().await, &changed);
        assert_eq!(setting.ensured(&changed).await, (id.clone(), 0), "{changed:?}");
    }
}

/// Sees to `wanted` where the sender lists `there`, and returns what else it was asked.
async fn asked_beyond_the_list(there: Value, wanted: &Registration) -> Vec<String> {
    let stub = Stub::playing([(200, there.to_string()), (200, String::new())]).await;
    let registration = stub.registrations().ensure(wanted).await.unwrap();
    assert_eq!(registration.id(), Some("7e1b"));
    let mut lines = stub.lines();
    assert_eq!(lines.remove(0), "GET /webhooks/registrations");
    lines
}

#[tokio::test]
async fn case_order_and_spaces_make_no_difference() {
    let filters = [Filter::UserCreated, Filter::CourseCompleted, Filter::Other("Plan".into())];
    let wanted = Registration::new(URI, SECRET, filters)
        .unwrap()
        .header("X-A", "1")
        .unwrap()
        .header("x-b", "2")
        .unwrap()
        .send_along(r#"{"a": 1, "b": [{}]}"#)
        .unwrap();
    let there = json!([{
        "Id": "7e1b",
        "WebHookUri": URI,
        "Secret": SECRET,
        "Filters": ["PLAN", "coursecompleted", "UserCreated", "usercreated"],
        "Headers": {"X-B": "2", "x-a": "1"},
        "Properties": {"b": [{}], "a": 1, "c": null},
    }]);
    assert_eq!(asked_beyond_the_list(there, &wanted).await, [""; 0]);
}

/// A library's version makes the difference (recorded).
#[tokio::test]
async fn a_uri_may_come_back_as_the_sender_shows_it() {
    let given = "https://Example.com:443?tenant=l%C3%A5s";
    let wanted = Registration::new(given, SECRET, [Filter::All]).unwrap();
    let there = json!([{"Id": "7e1b", "WebHookUri": "https://example.com/?tenant=lås", "Secret": SECRET, "Filters": ["*"]}]);
    assert_eq!(asked_beyond_the_list(there, &wanted).await, [""; 0]);
}

#[tokio::test]
async fn a_registration_without_an_id_is_not_passed_off_as_ours() {
    let there = json!([{"WebHookUri": URI, "Secret": SECRET, "Filters": ["CourseCompleted"]}]);
    let stub = Stub::playing([(200, there.to_string())]).await;
    let error = stub.registrations().ensure(&wanted()).await.unwrap_err();
    assert_eq!(error.to_string(), "the sender's answer is a registration without an id");
}

#[tokio::test]
async fn a_secret_that_is_kept_back_counts_as_another() {
    let there = json!([{"Id": "7e1b", "WebHookUri": URI, "Filters": ["CourseCompleted"]}]);
    let asked = asked_beyond_the_list(there, &wanted()).await;
    assert_eq!(asked, ["PUT /webhooks/registrations/7e1b"]);
}

#[tokio::test]
async fn a_uri_that_is_registered_twice_is_ambiguous() {
    let setting = Setting::new().await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        let created = setting.api.create(&setting.wanted()).await.unwrap();
        ids.push(created.id().unwrap().to_owned());
    }
    let error = setting.api.ensure(&setting.wanted().paused()).await.unwrap_err();
    let [one, other] = &ids[..] else { unreachable!() };
    let told = format!("the URI is registered 2 times, delete all but one: {one}, {other}");
    assert_eq!(error.to_string(), told);
    assert!(matches!(error, RegistrationError::Ambiguous(all) if all == ids));
    assert_eq!(setting.echoes.seen().len(), 2);
    assert!(setting.api.list().await.unwrap().iter().all(|one| !one.is_paused()));

    setting.api.delete(one).await.unwrap();
    assert_eq!(setting.ensured(&setting.wanted()).await, (other.clone(), 0));
}

#[tokio::test]
async fn a_registration_of_another_uri_is_left_alone() {
    let setting = Setting::new().await;
    let elsewhere = url(setting.receiver, "/hook/2").to_string();
    let elsewhere = Registration::new(elsewhere, OTHER_SECRET, [Filter::All]).unwrap();
    let (first, _) = setting.ensured(&elsewhere).await;
    let (second, echoes) = setting.ensured(&setting.wanted()).await;
    assert_eq!(echoes, 1);
    assert_ne!(first, second);
    assert_eq!(setting.ensured(&setting.wanted().paused()).await, (second, 1));
    assert_same(&setting.api.get(&first).await.unwrap(), &elsewhere);
    assert_eq!(setting.ensured(&elsewhere).await, (first, 0));
    assert_eq!(setting.api.list().await.unwrap().len(), 2);
}
