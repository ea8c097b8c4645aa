//! What was measured, as pictures.

use std::fmt::{Display, Write};

use crate::{
    contenders::{
        AXUM_STANDARDWEBHOOKS, BARE_BYTES, HYPER_BY_HAND, OCTOEVENTS, OURS, OURS_ON_HYPER,
        TOWER_GITHUB_WEBHOOK, WEBHOOK_VERIFY,
    },
    table::{Rows, significant, size},
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
         for tower-webhook and what one would use instead. The axis of sizes is logarithmic.",
    );
    grid(&mut canvas, times, &x, &y);
    for line in &lines {
        let points: Vec<_> = line.points.iter().map(|p| (x.at(p.0), y.at(p.1))).collect();
        canvas.line(&points, line.look);
    }
    labels(&mut canvas, &lines, (&x, &y));
    canvas.finish()
}

/// How long the inner service waits after the last frame.
pub fn last_frame(times: &Rows) -> String {
    const START: f64 = 190.0;
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
    canvas.text((430.0, bottom + 42.0), "middle", SOFT, "µs, logarithmic");
    for (row, (name, look, micros)) in bars.into_iter().enumerate() {
        let (top, end) = (TOP + BAR * row as f64, x.at(micros));
        canvas.text((START - 12.0, top + 20.0), "end", look, name);
        canvas.bar((START, top + 4.0), (end - START, BAR - 12.0), look);
        canvas.text((end + 8.0, top + 20.0), "start", look, significant(micros));
    }
    canvas.finish()
}

struct Line<'a> {
    name: &'a str,
    look: Look,
    /// Bytes, and nanoseconds for each of them.
    points: Vec<(f64, f64)>,
}

fn lines(times: &Rows) -> Vec<Line<'_>> {
    let works = times.sizes("request").into_iter().map(|bytes| (bytes, format!("request {bytes}")));
    let works: Vec<_> = works.collect();
    // Who decodes nothing does other work.
    let names = works.first().into_iter().flat_map(|(_, work)| times.of(work));
    let names = names.filter(|(name, _)| *name != BARE_BYTES);
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

fn grid(canvas: &mut Canvas, times: &Rows, x: &Scale, y: &Scale) {
    let ((left, right), (bottom, top)) = (x.place, y.place);
    for step in y.steps() {
        canvas.line(&[(left, y.at(step)), (right, y.at(step))], GRID);
        canvas.text((left - 8.0, y.at(step) + 4.0), "end", SOFT, plain(step));
    }
    for bytes in times.sizes("request") {
        let at = x.at(bytes as f64);
        canvas.line(&[(at, bottom), (at, top)], GRID);
        canvas.text((at, bottom + 18.0), "middle", SOFT, size(bytes));
    }
    canvas.text(((left + right) / 2.0, bottom + 40.0), "middle", SOFT, "size of the body");
    canvas.text(
        (left - 48.0, top - 12.0),
        "start",
        SOFT,
        "nanoseconds per byte, to typed events and their code",
    );
}

/// At the ends of their lines, or as near as they have room.
fn labels(canvas: &mut Canvas, lines: &[Line<'_>], (x, y): (&Scale, &Scale)) {
    let end = |line: &Line<'_>| line.points.last().map(|end| (x.at(end.0), y.at(end.1)));
    let mut ends: Vec<_> = lines.iter().filter_map(|line| Some((line, end(line)?))).collect();
    ends.sort_by(|a, b| a.1.1.total_cmp(&b.1.1));
    let wanted: Vec<_> = ends.iter().map(|end| end.1.1).collect();
    for ((line, end), place) in ends.iter().zip(spread(&wanted, 16.0)) {
        let beside = x.place.1 + 22.0;
        canvas.line(&[(end.0 + 3.0, end.1), (beside - 3.0, place)], line.look.leader());
        canvas.text((beside, place + 4.0), "start", line.look, bare(line.name));
    }
}

/// Moves places apart, each no farther than the others need: those that collide share the way.
fn spread(wanted: &[f64], gap: f64) -> Vec<f64> {
    let mut groups: Vec<(f64, usize)> = Vec::new();
    for &place in wanted {
        let mut last = (place, 1);
        while let Some(former) = groups.pop_if(|former| {
            let (above, below) = (former.1 as f64, last.1 as f64);
            last.0 - former.0 < gap * (above + below) / 2.0
        }) {
            last = merged(former, last);
        }
        groups.push(last);
    }
    let place = |(middle, count): (f64, usize)| {
        (0..count).map(move |index| middle + gap * (index as f64 - (count as f64 - 1.0) / 2.0))
    };
    groups.into_iter().flat_map(place).collect()
}

fn merged(above: (f64, usize), below: (f64, usize)) -> (f64, usize) {
    let count = above.1 + below.1;
    ((above.0 * above.1 as f64 + below.0 * below.1 as f64) / count as f64, count)
}

/// Where a value stands on an axis.
struct Scale {
    from: f64,
    to: f64,
    /// Of a logarithmic axis.
    base: Option<f64>,
    place: (f64, f64),
}

impl Scale {
    /// Logarithmic. Ends at powers of `base`, or at a quarter of the way between two.
    fn new(values: impl Iterator<Item = f64>, place: (f64, f64), base: f64) -> Self {
        let logs: Vec<_> = values.map(|value| value.log(base) * 4.0).collect();
        let from = logs.iter().copied().reduce(f64::min).unwrap_or_default().floor() / 4.0;
        let to = logs.iter().copied().fold(from * 4.0 + 1.0, f64::max).ceil() / 4.0;
        Self { from, to, base: Some(base), place }
    }

    /// From nought.
    fn linear(values: impl Iterator<Item = f64>, place: (f64, f64)) -> Self {
        Self { from: 0.0, to: values.fold(1.0, f64::max).ceil(), base: None, place }
    }

    fn at(&self, value: f64) -> f64 {
        let value = self.base.map_or(value, |base| value.log(base));
        let part = (value - self.from) / (self.to - self.from);
        self.place.0 + part * (self.place.1 - self.place.0)
    }

    fn steps(&self) -> impl Iterator<Item = f64> {
        let steps = self.from.ceil() as i32..=self.to.floor() as i32;
        let by = if self.base.is_none() { 2 } else { 1 };
        steps.step_by(by).map(|step| match self.base {
            Some(base) => base.powi(step),
            None => f64::from(step),
        })
    }
}

/// How something is drawn.
#[derive(Clone, Copy)]
struct Look {
    colour: &'static str,
    width: f64,
    dashes: &'static str,
}

const OUR_COLOUR: &str = "#c2255c";
const SOFT: Look = Look { colour: "#57606a", width: 1.0, dashes: "" };
const GRID: Look = Look { colour: "#e3e7eb", width: 1.0, dashes: "" };
const GREY: &str = "#6e7781";
const PEERS: [(&str, &str); 6] = [
    (OCTOEVENTS, "#2b6cb0"),
    (WEBHOOK_VERIFY, "#2f7d5b"),
    ("webhook-verify + Json", "#76902b"),
    (TOWER_GITHUB_WEBHOOK, "#0b7285"),
    ("axum-github-webhook-extract", "#6f55a3"),
    (AXUM_STANDARDWEBHOOKS, "#a1611b"),
];

fn look(name: &str) -> Look {
    let (colour, width, dashes) = match name {
        OURS => (OUR_COLOUR, 4.0, ""),
        OURS_ON_HYPER => (OUR_COLOUR, 1.5, "6 3"),
        HYPER_BY_HAND => (GREY, 1.5, "2 3"),
        _ if name.starts_with("bare") => (GREY, 1.5, "7 4"),
        _ => (PEERS.iter().find(|peer| peer.0 == name).map_or(GREY, |peer| peer.1), 1.5, ""),
    };
    Look { colour, width, dashes }
}

impl Look {
    fn leader(self) -> Self {
        Self { width: 0.75, dashes: "", ..self }
    }
}

struct Canvas {
    svg: String,
}

impl Canvas {
    /// White, whatever it stands on.
    fn new((width, height): (u32, u32), title: &str, description: &str) -> Self {
        let svg = format!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-labelledby="title description" font-family="system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif" font-size="12">
<title id="title">{title}</title>
<desc id="description">{description}</desc>
<rect width="{width}" height="{height}" rx="10" fill="#ffffff"/>
<text x="22" y="32" font-size="16" font-weight="600" fill="#1f2328">{title}</text>
"##
        );
        Self { svg }
    }

    fn line(&mut self, points: &[(f64, f64)], look: Look) {
        let points: Vec<_> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let Look { colour, width, dashes } = look;
        let _ = write!(
            self.svg,
            r#"<polyline points="{}" fill="none" stroke="{colour}" stroke-width="{width}""#,
            points.join(" ")
        );
        if !dashes.is_empty() {
            let _ = write!(self.svg, r#" stroke-dasharray="{dashes}""#);
        }
        self.svg.push_str(" stroke-linejoin=\"round\"/>\n");
    }

    fn bar(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), look: Look) {
        let _ = writeln!(
            self.svg,
            r#"<rect x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" rx="3" fill="{}"/>"#,
            look.colour
        );
    }

    /// Bold for what is thick.
    fn text(&mut self, (x, y): (f64, f64), anchor: &str, look: Look, text: impl Display) {
        let weight = if look.width > 2.0 { r#" font-weight="600""# } else { "" };
        let _ = writeln!(
            self.svg,
            r##"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}" fill="{}"{weight} paint-order="stroke" stroke="#ffffff" stroke-width="4">{text}</text>"##,
            look.colour
        );
    }

    fn finish(mut self) -> String {
        self.svg.push_str("</svg>\n");
        self.svg
    }
}

/// A name without its Markdown.
fn bare(name: &str) -> String {
    name.replace('`', "").replace('&', "&amp;").replace('<', "&lt;")
}

fn crate_of(name: &str) -> String {
    bare(name.split(" + ").next().unwrap_or(name))
}

/// A power of ten.
fn plain(value: f64) -> String {
    if value < 1.0 {
        value.to_string()
    } else {
        significant(value).replace(".00", "").replace(".0", "")
    }
}
