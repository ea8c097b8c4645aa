//! Who accepts how many, and how long a sender waits: in turns, so that whatever disturbs the machine disturbs all alike.

use crate::{
    effort::Effort,
    load::{Done, Load, SendOne, Until, median, send},
    row,
};

/// How many send at the same time.
const SENDERS: [usize; 4] = [1, 4, 16, 64];

/// One who takes part.
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    /// Opened anew for each of its turns.
    pub(crate) open: Box<dyn Fn() -> Done<Door>>,
}

/// An open door.
pub(crate) struct Door {
    pub(crate) send: SendOne,
    /// How many transactions were written so far.
    pub(crate) commits: Box<dyn Fn() -> Option<u64> + Send>,
    pub(crate) close: Done<()>,
}

/// The figures of one turn.
struct Turn {
    load: Load,
    commits: Option<f64>,
}

/// Measures all of them, and how many times as many the first one accepts as each.
pub(crate) async fn compare(work: &str, effort: Effort, contenders: &[Contender]) {
    for senders in SENDERS {
        let mut turns: Vec<Vec<Turn>> = contenders.iter().map(|_| Vec::new()).collect();
        for round in 0..effort.rounds {
            let start = round % contenders.len();
            for index in (start..contenders.len()).chain(0..start) {
                turns[index].push(turn(&contenders[index], senders, effort).await);
            }
        }
        for (contender, own) in contenders.iter().zip(&turns) {
            let print = |measure: &str, of: &dyn Fn(&Turn) -> f64| {
                let name = contender.name;
                row(&format!("{work} {measure} {senders}"), name, median(own.iter().map(of)));
            };
            print("rate", &|turn| turn.load.rate());
            print("p50", &|turn| turn.load.wait(0.5));
            print("p99", &|turn| turn.load.wait(0.99));
            if own.iter().all(|turn| turn.commits.is_some()) {
                print("commits", &|turn| turn.commits.unwrap_or_default() / turn.load.count());
            }
            let ahead = turns[0].iter().zip(own).map(|(f, own)| f.load.rate() / own.load.rate());
            row(&format!("{work} ahead {senders}"), contender.name, median(ahead));
        }
    }
}

async fn turn(contender: &Contender, senders: usize, effort: Effort) -> Turn {
    let door = (contender.open)().await;
    // What is done once for a file or a connection is no part of it.
    send(senders, Until::After(effort.turn / 10), &door.send).await;
    let before = (door.commits)();
    let load = send(senders, Until::After(effort.turn), &door.send).await;
    let after = (door.commits)();
    door.close.await;
    let commits = after.zip(before).map(|(after, before)| (after - before) as f64);
    Turn { load, commits }
}
