//! The client of the registration API: list, register, update, delete.

mod answer;
mod error;

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{
    HeaderValue, Method, Request, Response, StatusCode, header,
    uri::{Authority, Scheme},
};
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use serde::Deserialize;
use zeroize::Zeroizing;

use self::answer::{judged, read};
pub use self::error::RegistrationError;
use super::{
    Filter, Registration,
    registration::{Wire, is_id, same_target, target},
};
use crate::{
    Body, BoxError,
    decode::Object,
    error::ConfigError,
    scheme::{Secret, basic, credential},
    util::client::{client, exchange, is_loopback},
};

/// Learn365's registration API: a REST API with JSON bodies, documented by the vendor and in the published source of
/// ASP.NET WebHooks. Needs feature `client-tls`.
///
/// ```no_run
/// use tower_webhook::providers::learn365::{Filter, Registration, RegistrationClient};
///
/// # async fn start(api: &str, api_key: &str, secret: &str) -> Result<(), tower_webhook::BoxError> {
/// let registrations = RegistrationClient::new(api, api_key)?;
/// let wanted = Registration::new("https://example.com/webhooks/learn365", secret, [Filter::CourseCompleted])?;
/// registrations.ensure(&wanted).await?; // at every start, once the endpoint is served
/// # Ok(()) }
/// ```
///
/// If a registration is created or updated, then the sender tries the endpoint before it answers. So the server must run
/// already.
///
/// # Retries
///
/// If a request only reads, and if there was no answer, a 429 or a 5xx, then it is sent again: up to twice, after half a
/// second and after two seconds. A request that changes something is never sent again. [`RegistrationClient::ensure`] can
/// be called again, because it first reads the registrations.
///
/// # TLS
///
/// TLS is by rustls with the system's trusted roots. `SSL_CERT_FILE` names others. Plain `http` is for this machine only,
/// because credentials and secrets are in these requests. No redirect is followed, and no proxy is used.
#[derive(Clone)]
pub struct RegistrationClient {
    base: String,
    authorization: HeaderValue,
    timeout: Duration,
    client: Client<HttpsConnector<HttpConnector>, Body>,
}

impl RegistrationClient {
    /// The API at `base`, to which `/webhooks/registrations` is added. Authenticates as user `api` with the API key as the
    /// password, as the vendor documents.
    ///
    /// # Errors
    ///
    /// A base that is not an absolute `https` URI (or `http`, to this machine), an API key that is empty or ends in a line
    /// break, or a system without trusted roots.
    pub fn new(base: &str, api_key: &str) -> Result<Self, ConfigError> {
        check_credentials("api", api_key)?;
        Self::authorized(base, &basic(&Zeroizing::new(["api:", api_key].concat())))
    }

    /// As [`RegistrationClient::new`], with `Authorization: Bearer`.
    ///
    /// # Errors
    ///
    /// As [`RegistrationClient::new`], or if the token is not made of visible ASCII.
    pub fn bearer(base: &str, token: &str) -> Result<Self, ConfigError> {
        check_credentials("bearer", token)?;
        if !token.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(ConfigError::new("the token is not made of visible ASCII without spaces"));
        }
        Self::authorized(base, &Zeroizing::new(["Bearer ", token].concat()))
    }

    fn authorized(base: &str, authorization: &str) -> Result<Self, ConfigError> {
        let uri = target(base)?;
        let encrypted = uri.scheme() == Some(&Scheme::HTTPS);
        if !encrypted && !is_loopback(&uri) {
            return Err(ConfigError::new(
                "the API is not `https://`: the API key and all secrets would be sent unencrypted",
            ));
        }
        let host = uri.authority().map(Authority::as_str).unwrap_or_default();
        if uri.query().is_some() || host.contains('@') {
            return Err(ConfigError::new("the base of the API has a query or a user in it"));
        }
        let authorization = credential(authorization)
            .map_err(|_| ConfigError::new("the credentials cannot be sent in a header"))?;
        let (scheme, path) = (uri.scheme_str().unwrap_or_default(), uri.path());
        Ok(Self {
            base: format!("{scheme}://{host}{}", path.trim_end_matches('/')),
            authorization,
            timeout: TIMEOUT,
            client: client(connector(encrypted)?),
        })
    }

    /// The time that one answer may take. By default 60 seconds, because the sender tries the endpoint before it answers.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Creates the registration, and returns it as the sender stored it, with its id.
    ///
    /// # Errors
    ///
    /// Any [`RegistrationError`]. After some of them, as their docs say, the registration may exist.
    pub async fn create(&self, wanted: &Registration) -> Result<Registration, RegistrationError> {
        wanted.check().map_err(RegistrationError::Invalid)?;
        let body = self.send(Method::POST, "/registrations/", Some(wanted)).await?;
        registered(&body)
    }

    /// All registrations of these credentials that have a URI.
    ///
    /// # Errors
    ///
    /// Any [`RegistrationError`].
    pub async fn list(&self) -> Result<Vec<Registration>, RegistrationError> {
        let body = self.send(Method::GET, "/registrations", None).await?;
        let all: Vec<Object<Wire>> = read(&body, "is not a list of registrations")?;
        Ok(all.into_iter().filter_map(|Object(wire)| wire.registration()).collect())
    }

    /// The registration `id`.
    ///
    /// # Errors
    ///
    /// Any [`RegistrationError`].
    pub async fn get(&self, id: &str) -> Result<Registration, RegistrationError> {
        registered(&self.send(Method::GET, &one(id)?, None).await?)
    }

    /// Replaces the registration `id` by `wanted`.
    ///
    /// # Errors
    ///
    /// Any [`RegistrationError`].
    pub async fn update(&self, id: &str, wanted: &Registration) -> Result<(), RegistrationError> {
        wanted.check().map_err(RegistrationError::Invalid)?;
        // The sender's source compares the id in the body with the id in the path.
        let wanted = wanted.clone().with_id(id);
        self.send(Method::PUT, &one(id)?, Some(&wanted)).await.map(drop)
    }

    /// Pauses the registration `id`: no event is sent to it until it is resumed.
    ///
    /// The API has no request for this, so the registration is read and written back. The sender then tries the endpoint
    /// again. If another program changes the registration in between, its change is lost.
    ///
    /// # Errors
    ///
    /// Any [`RegistrationError`].
    pub async fn pause(&self, id: &str) -> Result<(), RegistrationError> {
        self.set_pause(id, true).await
    }

    /// Resumes the registration `id`. It is read and written back as in [`RegistrationClient::pause`].
    ///
    /// # Errors
    ///
    /// Any [`RegistrationError`].
    pub async fn resume(&self, id: &str) -> Result<(), RegistrationError> {
        self.set_pause(id, false).await
    }

    async fn set_pause(&self, id: &str, is_paused: bool) -> Result<(), RegistrationError> {
        let registration = self.get(id).await?;
        if registration.is_paused() == is_paused {
            return Ok(());
        }
        self.update(id, &registration.with_pause(is_paused)).await
    }

    /// Deletes the registration `id`.
    ///
    /// # Errors
    ///
    /// Any [`RegistrationError`].
    pub async fn delete(&self, id: &str) -> Result<(), RegistrationError> {
        self.send(Method::DELETE, &one(id)?, None).await.map(drop)
    }

    /// Deletes all registrations of these credentials, including those of other programs.
    ///
    /// # Errors
    ///
    /// Any [`RegistrationError`].
    pub async fn delete_all(&self) -> Result<(), RegistrationError> {
        self.send(Method::DELETE, "/registrations", None).await.map(drop)
    }

    /// The filters that the sender knows, each with its description.
    ///
    /// # Errors
    ///
    /// Any [`RegistrationError`].
    pub async fn filters(&self) -> Result<Vec<(Filter, String)>, RegistrationError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Listed {
            #[serde(alias = "name")]
            name: String,
            #[serde(default, alias = "description")]
            description: Option<String>,
        }
        let body = self.send(Method::GET, "/filters", None).await?;
        let all: Vec<Object<Listed>> = read(&body, "is not a list of filters")?;
        let filter = |Object(one): Object<Listed>| {
            (Filter::named(&one.name), one.description.unwrap_or_default())
        };
        Ok(all.into_iter().map(filter).collect())
    }

    /// Makes sure that `wanted` is the registration of its URI, and returns it with its id. If the URI is not registered,
    /// then the registration is created. If it differs in anything, including a pause and the secret, then it is updated.
    /// This can be called at every start.
    ///
    /// # Errors
    ///
    /// Any [`RegistrationError`]. [`Ambiguous`](RegistrationError::Ambiguous) if the URI is registered several times, as
    /// when two processes call this for the first time at the same moment.
    pub async fn ensure(&self, wanted: &Registration) -> Result<Registration, RegistrationError> {
        let mut there = self.list().await?;
        there.retain(|registration| same_target(registration.uri(), wanted.uri()));
        match &there[..] {
            [] => self.create(wanted).await,
            [registration] => {
                let id = registration.id().ok_or(NO_ID)?;
                if !registration.is_as_wanted(wanted) {
                    self.update(id, wanted).await?;
                }
                Ok(wanted.clone().with_id(id))
            }
            several => {
                let ids = several.iter().filter_map(Registration::id).map(Into::into);
                Err(RegistrationError::Ambiguous(ids.collect()))
            }
        }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        registration: Option<&Registration>,
    ) -> Result<Bytes, RegistrationError> {
        let request = self.request(&method, path, registration);
        let request = request.map_err(RegistrationError::Connection)?;
        let mut pauses = PAUSES.iter().filter(|_| method == Method::GET);
        let answer = loop {
            let answer = self.exchange(request.clone()).await;
            match pauses.next() {
                Some(pause) if may_pass(&answer) => tokio::time::sleep(*pause).await,
                _ => break answer?,
            }
        };
        judged(answer, registration)
    }

    fn request(
        &self,
        method: &Method,
        path: &str,
        registration: Option<&Registration>,
    ) -> Result<Request<Body>, BoxError> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}/webhooks{path}", self.base))
            .header(header::AUTHORIZATION, &self.authorization)
            .header(header::ACCEPT, JSON);
        let mut body = Vec::new();
        if let Some(registration) = registration {
            request = request.header(header::CONTENT_TYPE, JSON);
            body = serde_json::to_vec(&Wire::from(registration))?;
        }
        Ok(request.body(Body::from(body))?)
    }

    async fn exchange(&self, request: Request<Body>) -> Result<Response<Bytes>, RegistrationError> {
        let exchange = exchange(&self.client, request, MAX_ANSWER);
        match tokio::time::timeout(self.timeout, exchange).await {
            Ok(answer) => {
                let (head, body) = answer.map_err(RegistrationError::Connection)?.into_parts();
                let body = body.ok_or(RegistrationError::Answer("is longer than 1 MiB"))?;
                Ok(Response::from_parts(head, body))
            }
            Err(_) => Err(RegistrationError::Timeout),
        }
    }
}

impl fmt::Debug for RegistrationClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistrationClient")
            .field("base", &self.base)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// The path of one registration. With an empty id, it would be the path of all registrations.
fn one(id: &str) -> Result<String, RegistrationError> {
    if !is_id(id) {
        let why = "an id of a registration is made of `A-Z`, `a-z`, `0-9`, `-` and `_`";
        return Err(RegistrationError::Invalid(ConfigError::new(why)));
    }
    Ok(format!("/registrations/{id}"))
}

fn registered(body: &[u8]) -> Result<Registration, RegistrationError> {
    let Object(wire): Object<Wire> = read(body, NOT_ONE)?;
    let registration = wire.registration().ok_or(RegistrationError::Answer(NOT_ONE))?;
    registration.id().ok_or(NO_ID)?;
    Ok(registration)
}

/// Whether the same request may succeed a moment later.
fn may_pass(answer: &Result<Response<Bytes>, RegistrationError>) -> bool {
    match answer {
        Ok(answer) => {
            answer.status().is_server_error() || answer.status() == StatusCode::TOO_MANY_REQUESTS
        }
        Err(error) => !matches!(error, RegistrationError::Answer(_)),
    }
}

/// Connects with and without TLS. The system's trusted roots are read only if they are needed.
fn connector(encrypted: bool) -> Result<HttpsConnector<HttpConnector>, ConfigError> {
    let provider = Arc::new(ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| ConfigError::new("TLS cannot be set up").caused_by(error))?;
    let tls = match encrypted {
        true => tls.with_native_roots().map_err(|error| {
            ConfigError::new("the system has no trusted roots for TLS").caused_by(error)
        })?,
        false => tls.with_root_certificates(RootCertStore::empty()),
    };
    let connector = HttpsConnectorBuilder::new().with_tls_config(tls.with_no_client_auth());
    Ok(connector.https_or_http().enable_http1().build())
}

fn check_credentials(name: &str, text: &str) -> Result<(), ConfigError> {
    let mut secret = Secret::new(text).map_err(|error| error.of_key(Some(name)))?;
    secret.warn("learn365 registrations", Some(name));
    Ok(())
}

const NOT_ONE: &str = "is not a registration";
const NO_ID: RegistrationError = RegistrationError::Answer("is a registration without an id");
const JSON: &str = "application/json";
const TIMEOUT: Duration = Duration::from_secs(60);
/// The longest answer that is read, in bytes.
const MAX_ANSWER: usize = 1024 * 1024;
const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(2)];
