//! The other end of a connection to this machine, for what speaks HTTP by itself.

use std::{
    future::Future,
    io,
    sync::{LazyLock, Mutex},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::Runtime,
};

/// What is answered.
#[derive(Clone)]
pub enum Reply {
    /// Always this, with this status.
    Given(u16, Vec<u8>),
    /// The JSON object that was sent, with an `Id`.
    Registered,
    /// What the query's `echo` says, or not quite; with this media type.
    Echo { genuine: bool, content_type: String },
}

/// Runs `client`, and answers it.
pub fn answering<F: Future>(reply: Reply, client: F) -> F::Output {
    *REPLY.lock().expect("nothing panics under it") = Some(reply);
    PEER.runtime.block_on(client)
}

/// Where it listens: `127.0.0.1` and this port.
pub fn port() -> u16 {
    PEER.port
}

struct Peer {
    runtime: Runtime,
    port: u16,
}

static REPLY: Mutex<Option<Reply>> = Mutex::new(None);
static PEER: LazyLock<Peer> = LazyLock::new(|| listening().expect("it can listen"));

fn listening() -> io::Result<Peer> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let port = listener.local_addr()?.port();
    runtime.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // Who hangs up gets no answer.
            let _ = answer(stream).await;
        }
    });
    Ok(Peer { runtime, port })
}

async fn answer(mut stream: TcpStream) -> io::Result<()> {
    let mut request = Vec::new();
    while !is_complete(&request) && stream.read_buf(&mut request).await? > 0 {}
    let reply = REPLY.lock().expect("nothing panics under it").clone();
    stream.write_all(&written(reply, &request)).await
}

fn written(reply: Option<Reply>, request: &[u8]) -> Vec<u8> {
    let (head, body) = parts(request).unwrap_or_default();
    let mut media_type = String::from("application/json");
    let (status, body) = match reply {
        None => (503, Vec::new()),
        Some(Reply::Given(status, body)) => (status, body),
        Some(Reply::Registered) => {
            (201, [br#"{"Id":"7","#, body.strip_prefix(b"{").unwrap_or(body)].concat())
        }
        Some(Reply::Echo { genuine, content_type }) => {
            media_type = content_type;
            let echo = head.split("?echo=").nth(1).and_then(|rest| rest.split(' ').next());
            (200, echo.filter(|_| genuine).unwrap_or("no").into())
        }
    };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} x\r\ncontent-type: {media_type}\r\ncontent-length: {length}\r\n\r\n"
    );
    [head.as_bytes(), &body].concat()
}

/// The head and the body.
fn parts(request: &[u8]) -> Option<(&str, &[u8])> {
    let end = request.windows(4).position(|four| four == b"\r\n\r\n")?;
    Some((str::from_utf8(&request[..end]).ok()?, &request[end + 4..]))
}

fn is_complete(request: &[u8]) -> bool {
    let Some((head, body)) = parts(request) else { return false };
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    let length = { lines }.find(|(name, _)| *name == "content-length");
    length.is_none_or(|(_, length)| length.parse() == Ok(body.len()))
}
