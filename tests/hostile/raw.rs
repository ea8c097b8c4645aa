//! A connection with nothing between the test and its bytes.

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::timeout,
};

use crate::{server::PATIENCE, support::TOKEN};

/// A request to a Loops endpoint: with its token, its length, and `body`.
pub(crate) fn good(body: &str) -> String {
    posted(&format!("content-length: {}\r\n", body.len()), body)
}

/// The same with other `headers`, and with whatever shall stand behind them.
pub(crate) fn posted(headers: &str, body: &str) -> String {
    format!("POST /hook/{TOKEN} HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n{body}")
}

pub(crate) struct Raw(BufReader<TcpStream>);

/// An answer as it came.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Told {
    pub(crate) fn status(&self) -> u16 {
        let status = self.head.split(' ').nth(1).and_then(|status| status.parse().ok());
        status.unwrap_or_else(|| panic!("no status line: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }
}

impl Raw {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self(BufReader::new(stream))
    }

    /// Writes all of it, unless the server has hung up before: that is its right.
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let written = timeout(PATIENCE, self.0.write_all(bytes.as_ref())).await;
        drop(written.expect("the server reads or hangs up"));
    }

    /// Writes all of it, and takes no notice of what comes back meanwhile.
    pub(crate) async fn pour(&mut self, bytes: &[u8]) {
        let (mut reader, mut writer) = self.0.get_mut().split();
        let (written, mut ignored) = (writer.write_all(bytes), tokio::io::sink());
        let told = tokio::io::copy(&mut reader, &mut ignored);
        let either = async {
            tokio::select! { _ = written => {}, _ = told => {} }
        };
        timeout(PATIENCE, either).await.expect("the server reads or hangs up");
    }

    /// Writes `bytes` again and again, with a pause behind each, until the server answers or hangs up.
    pub(crate) async fn repeat(&mut self, bytes: &[u8], pause: std::time::Duration) {
        let (reader, mut writer) = self.0.get_mut().split();
        let repeated = async {
            while writer.write_all(bytes).await.is_ok() {
                tokio::time::sleep(pause).await;
            }
        };
        let told = async { drop(reader.readable().await) };
        let either = async {
            tokio::select! { () = repeated => {}, () = told => {} }
        };
        timeout(PATIENCE, either).await.expect("the server has enough of it in time");
    }

    /// The next answer, or `None` at the end of the connection.
    pub(crate) async fn answer(&mut self) -> Option<Told> {
        let head = self.head().await;
        let told = Told { head, body: String::new() };
        if told.head.is_empty() {
            return None;
        }
        let length = told.header("content-length").map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        let read = timeout(PATIENCE, self.0.read_exact(&mut body)).await;
        read.expect("an answer in time").unwrap();
        Some(Told { body: String::from_utf8(body).unwrap(), ..told })
    }

    /// The next answer's head, as text; empty at the end of the connection.
    pub(crate) async fn head(&mut self) -> String {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            let line = timeout(PATIENCE, self.0.read_line(&mut head)).await;
            // A reset ends it as well.
            if !line.expect("an answer in time").is_ok_and(|read| read > 0) {
                break;
            }
        }
        head
    }

    /// All that is still to come, up to the end of the connection. As text, whatever it is.
    pub(crate) async fn rest(mut self) -> String {
        let mut rest = Vec::new();
        let read = timeout(PATIENCE, self.0.read_to_end(&mut rest)).await;
        // A reset ends it as well.
        drop(read.expect("the server ends the connection in time"));
        String::from_utf8_lossy(&rest).into_owned()
    }

    /// Says that nothing more will be sent, and takes the statuses of all answers up to the end of the connection.
    pub(crate) async fn statuses(mut self) -> Vec<u16> {
        self.finish().await;
        let told = self.rest().await;
        let statuses = told.split("HTTP/1.").skip(1).map(|answer| answer[2..5].parse().unwrap());
        statuses.collect()
    }

    /// Says that nothing more will be sent, unless the server has hung up before.
    pub(crate) async fn finish(&mut self) {
        drop(self.0.shutdown().await);
    }

    pub(crate) fn into_split(self) -> (OwnedReadHalf, OwnedWriteHalf) {
        self.0.into_inner().into_split()
    }

    /// Hangs up at once, as a process does that is killed.
    pub(crate) fn reset(self) {
        self.0.get_ref().set_zero_linger().unwrap();
    }
}
