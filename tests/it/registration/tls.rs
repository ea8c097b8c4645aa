//! TLS to a server of which nobody else knows, trusted where `SSL_CERT_FILE` says so.

use std::{
    env,
    io::{self, BufRead, BufReader, Write},
    net::TcpListener,
    path::PathBuf,
    process::{Command, Output},
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tower_webhook::providers::learn365::RegistrationError;

use super::*;

const API: &str = "TOWER_WEBHOOK_TEST_API";

/// Runs in a process of its own, started by the tests here: its environment names the roots.
#[tokio::test]
#[ignore = "a client, not a test"]
async fn client_process() {
    let Ok(base) = env::var(API) else { return };
    RegistrationClient::new(&base, KEY).unwrap().delete("7e1b").await.unwrap();
}

/// Has that process talk to the API at `base`, with the certificate `roots` for its only root.
fn client(base: &str, roots: &str) -> Output {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "registration::tls::client_process", "--ignored", "--nocapture"])
        .env(API, base)
        .env("SSL_CERT_FILE", fixture(roots))
        .env_remove("SSL_CERT_DIR")
        .output()
        .unwrap()
}

#[track_caller]
fn assert_failed(output: &Output, why: &str) {
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && told.contains(why), "{told}");
}

fn fixture(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/fixtures/tls", name].iter().collect()
}

/// A server that shows `certificate` to one client.
struct Server {
    port: u16,
    asked: mpsc::Receiver<io::Result<Vec<String>>>,
}

impl Server {
    fn showing(certificate: &str) -> Self {
        let chain = CertificateDer::from_pem_file(fixture(certificate)).unwrap();
        let key = PrivateKeyDer::from_pem_file(fixture("key.pem")).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![chain], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (told, asked) = mpsc::channel();
        thread::spawn(move || told.send(serve_one(&listener, config)));
        Self { port, asked }
    }

    /// The head of the request that arrived, or why none did.
    fn asked(&self) -> io::Result<Vec<String>> {
        self.asked.recv_timeout(Duration::from_secs(10)).expect("a connection")
    }
}

/// Answers the first request, which has no body.
fn serve_one(listener: &TcpListener, config: ServerConfig) -> io::Result<Vec<String>> {
    let (tcp, _) = listener.accept()?;
    let tls = ServerConnection::new(config.into()).map_err(io::Error::other)?;
    let mut stream = BufReader::new(StreamOwned::new(tls, tcp));
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        match line.trim_end() {
            "" => break,
            line => head.push(line.to_owned()),
        }
    }
    stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")?;
    Ok(head)
}

#[test]
fn a_server_is_trusted_by_a_root_in_ssl_cert_file() {
    for host in ["127.0.0.1", "localhost"] {
        let server = Server::showing("here.pem");
        let output = client(&format!("https://{host}:{}", server.port), "ca.pem");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let head = server.asked().unwrap();
        assert_eq!(head[0], "DELETE /webhooks/registrations/7e1b HTTP/1.1");
        assert!(head.contains(&format!("authorization: Basic {ENCODED}")), "{head:?}");
    }
}

#[tokio::test]
async fn a_server_is_not_trusted_by_default() {
    let server = Server::showing("here.pem");
    let api = RegistrationClient::new(&format!("https://127.0.0.1:{}", server.port), KEY).unwrap();
    let error = api.delete("7e1b").await.unwrap_err();
    assert!(matches!(error, RegistrationError::Connection(_)), "{error:?}");
    let cause = root_cause(&error).to_string();
    assert_eq!(cause, "invalid peer certificate: UnknownIssuer");
    assert!(server.asked().is_err());
}

#[test]
fn a_server_is_not_trusted_under_another_root_or_name() {
    for (certificate, roots, why) in [
        ("here.pem", "elsewhere.pem", "UnknownIssuer"),
        ("elsewhere.pem", "ca.pem", "NotValidForName"),
    ] {
        let server = Server::showing(certificate);
        let output = client(&format!("https://localhost:{}", server.port), roots);
        assert_failed(&output, why);
        assert!(server.asked().is_err());
    }
}

#[tokio::test]
async fn https_does_not_fall_back_to_plain_http() {
    let stub = Stub::playing([(200, "")]).await;
    let base = format!("https://{}", stub.address);
    let error = RegistrationClient::new(&base, KEY).unwrap().delete("7e1b").await.unwrap_err();
    assert!(matches!(error, RegistrationError::Connection(_)), "{error:?}");
    assert_eq!(stub.lines(), [""; 0]);
}

#[tokio::test]
async fn without_roots_only_plain_http_is_spoken() {
    let output = client("https://127.0.0.1:1", "key.pem");
    assert_failed(&output, "the system has no trusted roots for TLS");
    assert_failed(&output, "no native root CA certificates found");
    let stub = Stub::playing([(200, "")]).await;
    let base = format!("http://{}", stub.address);
    let output = tokio::task::spawn_blocking(move || client(&base, "key.pem")).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(stub.lines(), ["DELETE /webhooks/registrations/7e1b"]);
}
