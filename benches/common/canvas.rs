//! Pictures with axes and lines.

use std::fmt::{Display, Write};

use super::figures::significant;

/// What is drawn from point to point.
pub struct Line<'a> {
    pub name: &'a str,
    pub look: Look,
    /// Values, not places.
    pub points: Vec<(f64, f64)>,
}

/// Draws lines, the last one over all others, and their names.
pub fn lines(canvas: &mut Canvas, lines: &[Line<'_>], (x, y): (&Scale, &Scale)) {
    for line in lines {
        let points: Vec<_> = line.points.iter().map(|p| (x.at(p.0), y.at(p.1))).collect();
        canvas.line(&points, line.look);
    }
    labels(canvas, lines, (x, y));
}

/// A line for each step of `y`, and one for each of these values of `x` with its name. Then the names of both.
pub fn grid(
    canvas: &mut Canvas,
    (x, y): (&Scale, &Scale),
    values: impl IntoIterator<Item = (f64, impl Display)>,
    (name_of_x, name_of_y): (&str, &str),
) {
    let ((left, right), (bottom, top)) = (x.place, y.place);
    for step in y.steps() {
        canvas.line(&[(left, y.at(step)), (right, y.at(step))], GRID);
        canvas.text((left - 8.0, y.at(step) + 4.0), "end", SOFT, plain(step));
    }
    for (value, name) in values {
        let at = x.at(value);
        canvas.line(&[(at, bottom), (at, top)], GRID);
        canvas.text((at, bottom + 18.0), "middle", SOFT, name);
    }
    canvas.text(((left + right) / 2.0, bottom + 40.0), "middle", SOFT, name_of_x);
    canvas.text((left - 48.0, top - 12.0), "start", SOFT, name_of_y);
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
pub struct Scale {
    from: f64,
    to: f64,
    /// Of a logarithmic axis.
    base: Option<f64>,
    pub place: (f64, f64),
}

impl Scale {
    /// Logarithmic. Ends at powers of `base`, or at a quarter of the way between two.
    pub fn new(values: impl Iterator<Item = f64>, place: (f64, f64), base: f64) -> Self {
        let logs: Vec<_> = values.map(|value| value.log(base) * 4.0).collect();
        let from = logs.iter().copied().reduce(f64::min).unwrap_or_default().floor() / 4.0;
        let to = logs.iter().copied().fold(from * 4.0 + 1.0, f64::max).ceil() / 4.0;
        Self { from, to, base: Some(base), place }
    }

    /// From nought.
    pub fn linear(values: impl Iterator<Item = f64>, place: (f64, f64)) -> Self {
        Self { from: 0.0, to: values.fold(1.0, f64::max).ceil(), base: None, place }
    }

    pub fn at(&self, value: f64) -> f64 {
        let value = self.base.map_or(value, |base| value.log(base));
        let part = (value - self.from) / (self.to - self.from);
        self.place.0 + part * (self.place.1 - self.place.0)
    }

    pub fn steps(&self) -> impl Iterator<Item = f64> {
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
pub struct Look {
    pub colour: &'static str,
    pub width: f64,
    pub dashes: &'static str,
}

pub const OUR_COLOUR: &str = "#c2255c";
pub const SOFT: Look = Look { colour: "#57606a", width: 1.0, dashes: "" };
pub const GRID: Look = Look { colour: "#e3e7eb", width: 1.0, dashes: "" };
pub const GREY: &str = "#6e7781";

impl Look {
    fn leader(self) -> Self {
        Self { width: 0.75, dashes: "", ..self }
    }
}

pub struct Canvas {
    svg: String,
}

impl Canvas {
    /// White, whatever it stands on.
    pub fn new((width, height): (u32, u32), title: &str, description: &str) -> Self {
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

    pub fn line(&mut self, points: &[(f64, f64)], look: Look) {
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

    pub fn bar(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), look: Look) {
        let _ = writeln!(
            self.svg,
            r#"<rect x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" rx="3" fill="{}"/>"#,
            look.colour
        );
    }

    /// Bold for what is thick.
    pub fn text(&mut self, (x, y): (f64, f64), anchor: &str, look: Look, text: impl Display) {
        let weight = if look.width > 2.0 { r#" font-weight="600""# } else { "" };
        let _ = writeln!(
            self.svg,
            r##"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}" fill="{}"{weight} paint-order="stroke" stroke="#ffffff" stroke-width="4">{text}</text>"##,
            look.colour
        );
    }

    pub fn finish(mut self) -> String {
        self.svg.push_str("</svg>\n");
        self.svg
    }
}

/// A name without its Markdown.
pub fn bare(name: &str) -> String {
    name.replace('`', "").replace('&', "&amp;").replace('<', "&lt;")
}

/// A power of ten.
pub fn plain(value: f64) -> String {
    if value < 1.0 {
        value.to_string()
    } else {
        significant(value).replace(".00", "").replace(".0", "")
    }
}
