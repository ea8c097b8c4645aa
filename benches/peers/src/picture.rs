//! What was measured, as pictures.

use crate::{
    common::{
        canvas::{self, Canvas, GREY, GRID, Line, Look, OUR_COLOUR, SOFT, Scale, bare, plain},
        figures::{Rows, significant, size},
    },
    contenders::{
        AXUM_STANDARDWEBHOOKS, BARE_BYTES, BY_HAND, BY_HAND_STREAMING, OURS, OURS_ON_HYPER,
        OURS_STANDARD, STANDARD_WEBHOOKS, WEBHOOK_VERIFY,
        github::{OCTOEVENTS, TOWER_GITHUB_WEBHOOK},
    },
};

/// What a whole request costs, against the length of its body.
pub fn cost(times: &Rows) -> String {
    let lines = lines(times);
    let all = || lines.iter().flat_map(|line| &line.points);
    let x = Scale::new(all().map(|point| point.0), (70.0, 520.0), 2.0);
    let y = Scale::linear(all().map(|point| point.1), (500.0, 66.0));
    let mut canvas = Canvas::new(
        (760, 560),
        "Cost of a webhook against the size of its body",
        "Nanoseconds for each byte of the body, from the head of a request to its answer, events decoded and handled, \
         for tower-webhook and what one would use instead. Who handles events before the end of the body was seen is \
         left out. The axis of sizes is logarithmic.",
    );
    let bytes =
        times.sizes(STANDARD_WEBHOOKS.name).into_iter().map(|bytes| (bytes as f64, size(bytes)));
    let names = ("size of the body", "nanoseconds per byte, to typed events and their code");
    canvas::grid(&mut canvas, (&x, &y), bytes, names);
    canvas::lines(&mut canvas, &lines, (&x, &y));
    canvas.finish()
}

/// How long the inner service waits after the last frame.
pub fn last_frame(times: &Rows) -> String {
    const START: f64 = 250.0;
    const TOP: f64 = 60.0;
    const BAR: f64 = 36.0;

    // Nothing is decoded here: what a name says of that is left out.
    let bar = |(name, ns): (_, f64)| (crate_of(name), look(name), ns / 1e3);
    let bars: Vec<_> = times.of("last frame 1048576").map(bar).collect();
    let bottom = TOP + BAR * bars.len() as f64;
    let mut canvas = Canvas::new(
        (760, bottom as u32 + 58),
        "From the last frame of 1 MiB to the inner service",
        "Microseconds that a verified body of 1 MiB keeps the inner service waiting after its last frame. The axis is \
         logarithmic.",
    );
    // From a power of ten on that leaves the shortest bar a length.
    let start = |micros: f64| 10_f64.powf((micros / 2.0).log10().floor());
    let values = bars.iter().flat_map(|bar| [start(bar.2), bar.2]);
    let x = Scale::new(values, (START, 670.0), 10.0);
    for step in x.steps() {
        canvas.line(&[(x.at(step), TOP - 6.0), (x.at(step), bottom)], GRID);
        canvas.text((x.at(step), bottom + 18.0), "middle", SOFT, plain(step));
    }
    canvas.text((460.0, bottom + 42.0), "middle", SOFT, "µs, logarithmic");
    for (row, (name, look, micros)) in bars.into_iter().enumerate() {
        let (top, end) = (TOP + BAR * row as f64, x.at(micros));
        canvas.text((START - 12.0, top + 20.0), "end", look, name);
        canvas.bar((START, top + 4.0), (end - START, BAR - 12.0), look);
        canvas.text((end + 8.0, top + 20.0), "start", look, significant(micros));
    }
    canvas.finish()
}

fn lines(times: &Rows) -> Vec<Line<'_>> {
    let name = STANDARD_WEBHOOKS.name;
    let works = times.sizes(name).into_iter().map(|bytes| (bytes, format!("{name} {bytes}")));
    let works: Vec<_> = works.collect();
    // Who decodes nothing, or handles events before the end of the body was seen, does other work.
    let names = works.first().into_iter().flat_map(|(_, work)| times.of(work));
    let names = names.filter(|(name, _)| ![BARE_BYTES, BY_HAND_STREAMING].contains(name));
    let line = |(name, _)| {
        let point = |(bytes, work): &(usize, String)| {
            let bytes = *bytes as f64;
            Some((bytes, times.get(work, name)? / bytes))
        };
        Line { name, look: look(name), points: works.iter().filter_map(point).collect() }
    };
    let mut lines: Vec<_> = names.map(line).collect();
    // Ours is drawn over all others.
    lines.sort_by_key(|line| line.name == OURS);
    lines
}

const PEERS: [(&str, &str); 5] = [
    (OCTOEVENTS, "#2b6cb0"),
    (WEBHOOK_VERIFY, "#2f7d5b"),
    ("webhook-verify + Json", "#76902b"),
    (TOWER_GITHUB_WEBHOOK, "#0b7285"),
    (AXUM_STANDARDWEBHOOKS, "#a1611b"),
];

fn look(name: &str) -> Look {
    let (colour, width, dashes) = match name {
        OURS | OURS_STANDARD => (OUR_COLOUR, 4.0, ""),
        OURS_ON_HYPER => (OUR_COLOUR, 1.5, "6 3"),
        BY_HAND => (GREY, 1.5, "2 3"),
        _ if name.starts_with("bare") => (GREY, 1.5, "7 4"),
        _ => (PEERS.iter().find(|peer| peer.0 == name).map_or(GREY, |peer| peer.1), 1.5, ""),
    };
    Look { colour, width, dashes }
}

fn crate_of(name: &str) -> String {
    bare(name.split(" + ").next().unwrap_or(name))
}
