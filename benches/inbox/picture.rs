//! How long a sender waits, against how many send at the same time, as a picture.

use crate::common::{
    canvas::{Canvas, GREY, GRID, Line, Look, OUR_COLOUR, SOFT, Scale, labels, plain},
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
    grid(&mut canvas, rows, &x, &y);
    for line in &lines {
        let points: Vec<_> = line.points.iter().map(|p| (x.at(p.0), y.at(p.1))).collect();
        canvas.line(&points, line.look);
    }
    labels(&mut canvas, &lines, (&x, &y));
    canvas.finish()
}

fn grid(canvas: &mut Canvas, rows: &Rows, x: &Scale, y: &Scale) {
    let ((left, right), (bottom, top)) = (x.place, y.place);
    for step in y.steps() {
        canvas.line(&[(left, y.at(step)), (right, y.at(step))], GRID);
        canvas.text((left - 8.0, y.at(step) + 4.0), "end", SOFT, plain(step));
    }
    for senders in rows.sizes("sqlite quick p99") {
        let at = x.at(senders as f64);
        canvas.line(&[(at, bottom), (at, top)], GRID);
        canvas.text((at, bottom + 18.0), "middle", SOFT, senders);
    }
    canvas.text(((left + right) / 2.0, bottom + 40.0), "middle", SOFT, "senders at the same time");
    canvas.text((left - 48.0, top - 12.0), "start", SOFT, "milliseconds, 99th percentile");
}
