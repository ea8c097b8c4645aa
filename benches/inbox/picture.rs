//! How long a sender waits, against how many send at the same time, as a picture.

use crate::common::{
    canvas::{self, Canvas, GREY, Line, Look, OUR_COLOUR, Scale},
    figures::Rows,
};

const LINES: [(&str, &str, &str, Look); 4] = [
    ("slow", "one transaction each", "one each, slow sync", look(GREY, 1.5, "")),
    ("slow", "group commit", "group commit, slow sync", look(OUR_COLOUR, 4.0, "")),
    ("quick", "one transaction each", "one each", look(GREY, 1.5, "6 3")),
    ("quick", "group commit", "group commit", look(OUR_COLOUR, 2.5, "6 3")),
];

const fn look(colour: &'static str, width: f64, dashes: &'static str) -> Look {
    Look { colour, width, dashes }
}

/// The p99 of SQLite.
pub(crate) fn latency(rows: &Rows) -> String {
    let lines: Vec<_> = LINES
        .iter()
        .map(|(disk, name, title, look)| {
            let work = format!("sqlite {disk} p99");
            let point =
                |senders| Some((senders as f64, rows.get(&format!("{work} {senders}"), name)?));
            Line {
                name: title,
                look: *look,
                points: rows.sizes(&work).into_iter().filter_map(point).collect(),
            }
        })
        .collect();
    let all = || lines.iter().flat_map(|line| &line.points);
    let x = Scale::new(all().map(|point| point.0), (70.0, 520.0), 2.0);
    let y = Scale::new(all().map(|point| point.1), (400.0, 66.0), 10.0);
    let mut canvas = Canvas::new(
        (760, 460),
        "How long 99 of 100 senders wait at most for their 200",
        "Milliseconds until a delivery is on stable storage in SQLite, against the number of senders at the same time, with \
         group commit and with one transaction each, on a quick disk and with each sync 2 ms slower. Both axes are \
         logarithmic.",
    );
    let senders =
        rows.sizes("sqlite quick p99").into_iter().map(|senders| (senders as f64, senders));
    let names = ("senders at the same time", "milliseconds, 99th percentile");
    canvas::grid(&mut canvas, (&x, &y), senders, names);
    canvas::lines(&mut canvas, &lines, (&x, &y));
    canvas.finish()
}
