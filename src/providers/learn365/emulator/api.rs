//! The registration API that the emulator serves.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::SystemTime,
};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header, request::Parts};
use http_body::Body;
use http_body_util::{BodyExt, Limited};
use serde::Serialize;
use serde_json::{json, value::RawValue};
use tower::Service;

use super::Emulator;
use crate::{
    BoxError,
    providers::learn365::{Filter, Registration, Wire},
    scheme::Head,
    sender::random_id,
    util::client::is_loopback,
};

impl<B> Service<Request<B>> for Emulator
where
    B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    type Response = Response<crate::Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let emulator = self.clone();
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let answer = emulator.answer(&head, body).await;
            Ok(answer.unwrap_or_else(|refusal| emulator.refused(&refusal)).map(crate::Body::from))
        })
    }
}

/// Why a request was refused, without an effect.
enum Refusal {
    Credentials,
    NotFound,
    /// The path has only these methods.
    Method(&'static str),
    /// The id in the body is not the id in the path.
    OtherId,
    Invalid(String),
    Full,
}

impl Emulator {
    async fn answer<B>(&self, head: &Parts, body: B) -> Result<Response<Bytes>, Refusal>
    where
        B: Body<Error: Into<BoxError>>,
    {
        if self.credentials.verify(&Head::new(head, SystemTime::now())).is_err() {
            return Err(Refusal::Credentials);
        }
        let path = head.uri.path().trim_end_matches('/');
        let (_, below) = path.split_once("/webhooks/").ok_or(Refusal::NotFound)?;
        let (place, id) = below.split_once('/').unwrap_or((below, ""));
        match (place, id, &head.method) {
            ("filters", "", &Method::GET) => Ok(self.filters()),
            ("registrations", "", &Method::GET) => Ok(self.list()),
            ("registrations", "", &Method::POST) => self.create(read(body).await?).await,
            ("registrations", "", &Method::DELETE) => {
                self.registrations().clear();
                Ok(empty(StatusCode::OK))
            }
            ("registrations", "", _) => Err(Refusal::Method("GET, POST, DELETE")),
            ("registrations", id, &Method::GET) => self.look_up(id),
            ("registrations", id, &Method::PUT) => self.update(id, read(body).await?).await,
            ("registrations", id, &Method::DELETE) => self.delete(id),
            ("filters", "", _) => Err(Refusal::Method("GET")),
            ("registrations", ..) => Err(Refusal::Method("GET, PUT, DELETE")),
            _ => Err(Refusal::NotFound),
        }
    }

    fn filters(&self) -> Response<Bytes> {
        let all = [Filter::All].into_iter().chain(Filter::DOCUMENTED.iter().cloned());
        let listed = |filter: Filter| {
            let description = match filter {
                Filter::All => "Every event.".into(),
                _ => format!("Every {filter}."),
            };
            self.spelled(&json!({"Name": filter.name(), "Description": description}))
        };
        json(StatusCode::OK, list(all.map(listed)))
    }

    fn list(&self) -> Response<Bytes> {
        json(StatusCode::OK, list(self.registrations().iter().map(|one| self.written(one))))
    }

    fn look_up(&self, id: &str) -> Result<Response<Bytes>, Refusal> {
        let registrations = self.registrations();
        let found = registrations.iter().find(|one| is(one, id)).ok_or(Refusal::NotFound)?;
        Ok(json(StatusCode::OK, self.written(found)))
    }

    async fn create(&self, given: Registration) -> Result<Response<Bytes>, Refusal> {
        let id = random_id();
        let registration = self.judged(given).await?.with_id(&id);
        let mut registrations = self.registrations();
        if registrations.len() >= Self::MAX_REGISTRATIONS {
            return Err(Refusal::Full);
        }
        let mut answer = json(StatusCode::CREATED, self.written(&registration));
        registrations.push(registration);
        if let Ok(location) = format!("/webhooks/registrations/{id}").parse() {
            answer.headers_mut().insert(header::LOCATION, location);
        }
        Ok(answer)
    }

    async fn update(&self, id: &str, given: Registration) -> Result<Response<Bytes>, Refusal> {
        if !is(&given, id) {
            return Err(Refusal::OtherId);
        }
        let registration = self.judged(given).await?;
        let mut registrations = self.registrations();
        let found = registrations.iter_mut().find(|one| is(one, id)).ok_or(Refusal::NotFound)?;
        *found = registration.with_id(found.id().unwrap_or(id));
        Ok(empty(StatusCode::OK))
    }

    fn delete(&self, id: &str) -> Result<Response<Bytes>, Refusal> {
        let mut registrations = self.registrations();
        let found = registrations.iter().position(|one| is(one, id)).ok_or(Refusal::NotFound)?;
        registrations.remove(found);
        Ok(empty(StatusCode::OK))
    }

    /// The registration as it is stored, if it is accepted.
    async fn judged(&self, given: Registration) -> Result<Registration, Refusal> {
        let refused =
            |why: &str| Refusal::Invalid(format!("The WebHook cannot be registered: {why}"));
        let unknown = given.filters().iter().filter(|filter| matches!(filter, Filter::Other(_)));
        let unknown: Vec<_> = unknown.map(Filter::name).collect();
        if !unknown.is_empty() {
            let unknown = unknown.join(", ");
            return Err(refused(&format!("The following filters are not valid: '{unknown}'.")));
        }
        if given.headers().count() > MAX_HEADERS {
            return Err(refused("there are too many headers"));
        }
        if given.properties().len() > MAX_PROPERTIES {
            return Err(refused("the properties have more than 64 KiB"));
        }
        let registration = given.with_some_filter();
        let uri = registration.check().map_err(|error| refused(&error.to_string()))?;
        if !self.beyond_loopback && !is_loopback(&uri) {
            return Err(refused("this emulator sends to its own machine only"));
        }
        let tried = self.try_endpoint(&registration).await;
        tried.map_err(|why| refused(&format!("WebHook verification failed: {why}")))?;
        Ok(registration)
    }

    fn written(&self, registration: &Registration) -> String {
        self.spelled(&Wire::from(registration))
    }

    /// An object as JSON. Its own members are in camelCase if [`Emulator::camel_case`] was called.
    fn spelled(&self, object: &impl Serialize) -> String {
        let pascal_case = serde_json::to_string(object).unwrap_or_default();
        match self.camel_case {
            false => pascal_case,
            true => in_camel_case(&pascal_case).unwrap_or(pascal_case),
        }
    }

    fn refused(&self, refusal: &Refusal) -> Response<Bytes> {
        let message = |status, text: &str| json(status, self.spelled(&json!({ "Message": text })));
        let with = |mut answer: Response<Bytes>, name, value| {
            answer.headers_mut().insert(name, HeaderValue::from_static(value));
            answer
        };
        match refusal {
            Refusal::Credentials => with(
                message(StatusCode::UNAUTHORIZED, "The credentials are not accepted."),
                header::WWW_AUTHENTICATE,
                r#"Basic realm="webhooks""#,
            ),
            Refusal::NotFound => empty(StatusCode::NOT_FOUND),
            Refusal::Method(possible) => {
                with(empty(StatusCode::METHOD_NOT_ALLOWED), header::ALLOW, possible)
            }
            Refusal::OtherId => empty(StatusCode::BAD_REQUEST),
            Refusal::Invalid(why) => message(StatusCode::BAD_REQUEST, why),
            Refusal::Full => {
                message(StatusCode::SERVICE_UNAVAILABLE, "There are too many registrations.")
            }
        }
    }
}

async fn read<B>(body: B) -> Result<Registration, Refusal>
where
    B: Body<Error: Into<BoxError>>,
{
    let refused = |why: &str| Refusal::Invalid(why.into());
    let body = Limited::new(body, MAX_BODY).collect().await;
    let body = body.map_err(|_| refused("The body broke off, or is too long."))?.to_bytes();
    let registration = Wire::read(&body).and_then(Wire::registration);
    registration.ok_or_else(|| refused("The body is not a registration."))
}

fn is(registration: &Registration, id: &str) -> bool {
    registration.id().is_some_and(|own| own.eq_ignore_ascii_case(id))
}

/// Turns `{"Name": …}` into `{"name": …}`. Inner objects do not change.
fn in_camel_case(object: &str) -> Option<String> {
    let members: BTreeMap<String, Box<RawValue>> = serde_json::from_str(object).ok()?;
    let renamed = members.into_iter().map(|(mut name, value)| {
        if let Some(first) = name.get_mut(..1) {
            first.make_ascii_lowercase();
        }
        (name, value)
    });
    serde_json::to_string(&renamed.collect::<BTreeMap<_, _>>()).ok()
}

fn list(elements: impl Iterator<Item = String>) -> String {
    format!("[{}]", elements.collect::<Vec<_>>().join(","))
}

fn json(status: StatusCode, json: String) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::from(json));
    *answer.status_mut() = status;
    let json = HeaderValue::from_static("application/json; charset=utf-8");
    answer.headers_mut().insert(header::CONTENT_TYPE, json);
    answer
}

fn empty(status: StatusCode) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::new());
    *answer.status_mut() = status;
    answer
}

/// The longest body that is read, in bytes.
const MAX_BODY: usize = 1024 * 1024;
const MAX_HEADERS: usize = 100;
/// The maximum length of the properties, in bytes. In a delivery they are indented, and can be 130 times as long.
const MAX_PROPERTIES: usize = 64 * 1024;
