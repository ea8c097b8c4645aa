//! Standard output and standard error: whoever reads them may stop, and must not hold up anybody by that.

use std::{
    fmt::Display,
    io::Write,
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering::Relaxed},
        mpsc::{Sender, SyncSender, channel, sync_channel},
    },
    thread,
    time::Duration,
};

/// Messages that wait for the operator; further ones are counted and dropped.
const WAITING: usize = 1024;
/// How long the operator may take for the last words.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Prints a line and flushes it. Waits for the reader without holding up other tasks.
pub(crate) async fn print(mut line: String) -> std::io::Result<()> {
    line.push('\n');
    tokio::task::spawn_blocking(move || {
        let mut out = std::io::stdout().lock();
        out.write_all(line.as_bytes())?;
        out.flush()
    })
    .await?
}

/// Tells the operator something, when there is time.
pub(crate) fn say(what: impl Display) {
    if messages().try_send(Message::Line(what.to_string())).is_err() {
        DROPPED.fetch_add(1, Relaxed);
    }
}

/// Waits until the operator has been told everything, but not for ever.
pub(crate) fn finish() {
    let (told, done) = channel();
    if messages().try_send(Message::Tell(told)).is_ok() {
        let _ = done.recv_timeout(LAST_WORDS);
    }
}

enum Message {
    Line(String),
    Tell(Sender<()>),
}

static DROPPED: AtomicUsize = AtomicUsize::new(0);

fn messages() -> &'static SyncSender<Message> {
    static MESSAGES: OnceLock<SyncSender<Message>> = OnceLock::new();
    MESSAGES.get_or_init(|| {
        let (messages, waiting) = sync_channel(WAITING);
        thread::spawn(move || waiting.into_iter().for_each(told));
        messages
    })
}

fn told(message: Message) {
    let mut err = std::io::stderr();
    // Nobody may be listening any more.
    let _ = match message {
        Message::Line(line) => writeln!(err, "{line}").is_ok(),
        Message::Tell(done) => done.send(()).is_ok(),
    };
    match DROPPED.swap(0, Relaxed) {
        0 => {}
        dropped => drop(writeln!(err, "… {dropped} messages dropped")),
    }
}
