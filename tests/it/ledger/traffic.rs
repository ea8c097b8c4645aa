//! Senders over raw sockets that hang up whenever a fixed seed says so.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use http::Request;
use http_body_util::BodyExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};
use tower_webhook::{Body, Draft, Sender};

use super::receiver::ID;
use crate::support::*;

/// Deliveries under way at once.
const AT_ONCE: usize = 24;
const SEED: u64 = 0x5eed_0001;
const PATIENCE: Duration = Duration::from_secs(10);

/// How one delivery goes, from its id alone.
pub(super) struct Plan {
    id: u64,
    events: u64,
    learn365: bool,
    hang_up: HangUp,
}

enum HangUp {
    /// After this share of the head, in 1/256.
    InHead(usize),
    /// After this share of the body.
    InBody(usize),
    AfterBody(Duration),
    Never,
}

/// How it went, as the sender sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    HungUpBefore,
    HungUpAfterBody,
    Answered(u16),
    /// There was no receiver, or it closed the connection.
    Refused,
}

impl Plan {
    pub(super) fn new(id: u64) -> Self {
        let random = mixed(SEED ^ (id << 8));
        let share = usize::from(random.to_le_bytes()[1]);
        let pause = Duration::from_micros(random >> 16 & 0x3fff);
        let hang_up = match random % 8 {
            0 => HangUp::InHead(share),
            1 => HangUp::InBody(share),
            2 => HangUp::AfterBody(Duration::ZERO),
            3 | 4 => HangUp::AfterBody(pause),
            _ => HangUp::Never,
        };
        Self { id, events: 1 + (random >> 40) % 3, learn365: random >> 50 & 1 == 0, hang_up }
    }

    /// The ids of its events.
    pub(super) fn events(&self) -> impl Iterator<Item = String> {
        let id = self.id;
        (0..self.events).map(move |n| format!("{id}-{n}"))
    }

    fn request(&self) -> Request<Body> {
        let (name, json): (_, fn(String) -> String) = match self.learn365 {
            true => ("CourseCompleted", |id| format!(r#"{{"Course":{{"Id":"{id}"}}}}"#)),
            false => ("SESSION_STARTED", |id| format!(r#"{{"uuid":"{id}"}}"#)),
        };
        let drafts: Vec<_> = self.events().map(|id| Draft::raw(name, &json(id)).unwrap()).collect();
        let made = match self.learn365 {
            true => Sender::new(learn365()).to("/learn365".parse().unwrap()).batch(&drafts),
            false => Sender::new(loops()).to("/loops".parse().unwrap()).batch(&drafts),
        };
        made.unwrap()
    }

    /// Its head and its body, as bytes.
    async fn wire(&self) -> (Vec<u8>, Vec<u8>) {
        let (head, body) = self.request().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let mut text =
            format!("POST {} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n", head.uri);
        text.push_str(&format!("{ID}: {}\r\ncontent-length: {}\r\n", self.id, body.len()));
        for (name, value) in &head.headers {
            text.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap()));
        }
        text.push_str("\r\n");
        (text.into_bytes(), body.into())
    }

    async fn carry_out(self, address: SocketAddr) -> std::io::Result<Sent> {
        let (mut head, body) = self.wire().await;
        let mut stream = TcpStream::connect(address).await?;
        let answer_timeout = match self.hang_up {
            HangUp::InHead(share) => {
                head.truncate(head.len() * share / 256);
                stream.write_all(&head).await?;
                return Ok(Sent::HungUpBefore);
            }
            HangUp::InBody(share) => {
                head.extend_from_slice(&body[..body.len() * share / 256]);
                stream.write_all(&head).await?;
                return Ok(Sent::HungUpBefore);
            }
            HangUp::AfterBody(pause) => pause,
            HangUp::Never => PATIENCE,
        };
        head.extend_from_slice(&body);
        stream.write_all(&head).await?;
        match tokio::time::timeout(answer_timeout, status(&mut stream)).await {
            Ok(status) => status.map(Sent::Answered),
            Err(_) if answer_timeout == PATIENCE => panic!("delivery {} was not answered", self.id),
            Err(_) => Ok(Sent::HungUpAfterBody),
        }
    }
}

/// The status of the answer.
async fn status(stream: &mut TcpStream) -> std::io::Result<u16> {
    let mut line = [0; 12];
    stream.read_exact(&mut line).await?;
    Ok(str::from_utf8(&line[9..]).unwrap().parse().unwrap())
}

/// Carries out a range of plans. When the one given is reached, a process is asked to end.
pub(super) async fn send(
    address: SocketAddr,
    ids: Range<u64>,
    end: Option<(u64, u32)>,
) -> BTreeMap<u64, Sent> {
    let next = Arc::new(AtomicU64::new(ids.start));
    let mut senders = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (next, ids) = (next.clone(), ids.clone());
        senders.spawn(async move {
            let mut sent = Vec::new();
            loop {
                let id = next.fetch_add(1, Ordering::Relaxed);
                match end {
                    _ if !ids.contains(&id) => return sent,
                    Some((last, pid)) if last == id => terminate(pid),
                    _ => {}
                }
                sent.push((id, Plan::new(id).carry_out(address).await.unwrap_or(Sent::Refused)));
            }
        });
    }
    senders.join_all().await.into_iter().flatten().collect()
}

/// Splitmix64.
fn mixed(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
