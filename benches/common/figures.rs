//! What was measured, how it stands to a target, and how it is written.

use std::fmt::Write;

/// Lines of `work<TAB>name<TAB>value`, in the order of their measurement.
#[derive(Default)]
pub struct Rows(Vec<(String, String, f64)>);

impl Rows {
    /// Passes over lines of any other shape.
    pub fn parse(text: &str) -> Self {
        let row = |line: &str| {
            let mut cells = line.split('\t');
            let (work, name, value) = (cells.next()?, cells.next()?, cells.next()?);
            Some((work.to_owned(), name.to_owned(), value.trim().parse().ok()?))
        };
        Self(text.lines().filter_map(row).collect())
    }

    /// The median, if it was measured several times.
    pub fn get(&self, work: &str, name: &str) -> Option<f64> {
        let mut all: Vec<_> = self.of(work).filter(|row| row.0 == name).map(|row| row.1).collect();
        all.sort_by(f64::total_cmp);
        all.get(all.len() / 2).copied()
    }

    /// Names and values of one work.
    pub fn of(&self, work: &str) -> impl Iterator<Item = (&str, f64)> {
        self.0.iter().filter(move |row| row.0 == work).map(|row| (row.1.as_str(), row.2))
    }

    /// The works whose name is this and a number, with the number, from the least to the greatest.
    pub fn sizes(&self, work: &str) -> Vec<usize> {
        let size = |row: &(String, _, _)| row.0.strip_prefix(work)?.strip_prefix(' ')?.parse().ok();
        let mut sizes: Vec<_> = self.0.iter().filter_map(size).collect();
        sizes.sort_unstable();
        sizes.dedup();
        sizes
    }
}

/// What stands in `document` between the two lines of figures, replaced.
pub fn replaced(document: &str, figures: &str) -> Option<String> {
    let (before, rest) = document.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{}\n{END}{after}", figures.trim_end()))
}

const BEGIN: &str = "<!-- figures -->";
const END: &str = "<!-- /figures -->";

/// What a figure is to reach.
#[derive(Clone, Copy)]
pub enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Held,
    Tie,
    Missed,
    NotMeasured,
}

impl Verdict {
    pub fn text(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Tie => "tie",
            Self::Missed => "missed",
            Self::NotMeasured => "not measured",
        }
    }
}

/// A miss by less than this part is a tie.
pub const TIE: f64 = 0.03;

impl Bound {
    pub fn verdict(self, figure: f64, tolerance: f64) -> Verdict {
        let (held, nearly) = match self {
            Self::AtMost(bound) => (figure <= bound, figure <= bound * (1.0 + tolerance)),
            Self::AtLeast(bound) => (figure >= bound, figure >= bound * (1.0 - tolerance)),
        };
        match (held, nearly) {
            (true, _) => Verdict::Held,
            (_, true) => Verdict::Tie,
            _ => Verdict::Missed,
        }
    }

    pub fn text(self) -> String {
        match self {
            Self::AtMost(bound) => format!("≤ {bound}"),
            Self::AtLeast(bound) => format!("≥ {bound}"),
        }
    }
}

/// A figure and its target.
pub struct Judged {
    what: String,
    figure: String,
    target: String,
    verdict: Verdict,
}

impl Judged {
    pub fn new(what: String, figure: Option<f64>, target: Bound, tolerance: f64) -> Self {
        let verdict =
            figure.map_or(Verdict::NotMeasured, |figure| target.verdict(figure, tolerance));
        Self { what, figure: cell(figure, short), target: target.text(), verdict }
    }
}

/// A table of them, folded.
pub fn targets(text: &mut String, results: &[Judged]) {
    let count = |verdict| results.iter().filter(|result| result.verdict == verdict).count();
    let summary = [Verdict::Held, Verdict::Tie, Verdict::Missed, Verdict::NotMeasured]
        .map(|verdict| format!("{} {}", count(verdict), verdict.text()))
        .join(", ");
    let _ = write!(
        text,
        "<details><summary>Targets: {summary}</summary>\n\n| what | figure | target | verdict |\n|---|--:|--:|---|\n"
    );
    for Judged { what, figure, target, verdict } in results {
        let _ = writeln!(text, "| {what} | {figure} | {target} | {} |", verdict.text());
    }
    text.push_str("\n</details>\n");
}

pub fn ratio(rows: &Rows, work: &str, of: &str, to: &str) -> Option<f64> {
    Some(rows.get(work, of)? / rows.get(work, to)?)
}

/// A number of bytes, as one says it.
pub fn size(bytes: usize) -> String {
    match bytes {
        0..0x400 => format!("{bytes} B"),
        0x400..0x10_0000 => format!("{} KiB", bytes >> 10),
        _ => format!("{} MiB", bytes >> 20),
    }
}

pub fn cell(figure: Option<f64>, text: fn(f64) -> String) -> String {
    figure.filter(|figure| figure.is_finite()).map_or("–".into(), text)
}

pub fn whole(figure: f64) -> String {
    format!("{figure:.0}")
}

pub fn decimal(figure: f64) -> String {
    format!("{figure:.2}")
}

/// Two decimals, unless they say nothing.
pub fn short(figure: f64) -> String {
    if figure.fract() == 0.0 || figure >= 100.0 { thousands(figure) } else { decimal(figure) }
}

/// Three digits at least.
pub fn significant(figure: f64) -> String {
    match figure {
        ..9.995 => decimal(figure),
        ..99.95 => format!("{figure:.1}"),
        _ => thousands(figure),
    }
}

pub fn thousands(figure: f64) -> String {
    let mut text = whole(figure);
    let mut place = text.len();
    while place > 3 {
        place -= 3;
        text.insert(place, ',');
    }
    text
}
