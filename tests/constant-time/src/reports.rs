//! Reads what memcheck reports, and tells a verdict from a leak.

use std::{fmt, fs};

/// Something was decided, or addressed, by secret bytes.
pub struct Report {
    what: String,
    /// The innermost first; what was inlined has its own.
    frames: Vec<Frame>,
}

struct Frame {
    function: String,
    file: String,
    line: usize,
}

/// All reports in memcheck's output.
pub fn parse(output: &str) -> Vec<Report> {
    let mut all: Vec<Report> = Vec::new();
    let from_memcheck = |line: &str| Some(line.strip_prefix("==")?.split_once("== ")?.1.to_owned());
    for text in output.lines().filter_map(from_memcheck) {
        let place = text.trim_start();
        match (place.strip_prefix("at ").or(place.strip_prefix("by ")), all.last_mut()) {
            (Some(place), Some(report)) => report.frames.push(Frame::parse(place)),
            _ => all.push(Report { what: text, frames: Vec::new() }),
        }
    }
    all.retain(|report| !report.frames.is_empty());
    all
}

impl Report {
    /// Whether this is the decision that has to be made. Only the line itself decides, or what [`Frame::decides`] in it:
    /// a comparison that was inlined there has a frame of its own. Where a request is accepted, the name of the key that
    /// did it is looked up, too. What is inlined there is seen where requests are refused, for it is the same code.
    pub fn is_verdict(&self, accepted: bool) -> bool {
        let foreign = |frame: &&Frame| frame.file.contains("/library/") || frame.is_of_subtle();
        let (inner, outer) = self.frames.split_at(self.frames.iter().take_while(foreign).count());
        let decides = inner.len() < 2 && inner.iter().all(Frame::decides);
        outer.first().is_some_and(|line| {
            (decides && line.is_one_of(&VERDICTS)) || (accepted && line.is_one_of(&LOOK_UPS))
        })
    }
}

impl Frame {
    /// Of `0x13CA97: function (file:line)`.
    fn parse(text: &str) -> Self {
        let (function, place) = text.rsplit_once(" (").unwrap_or((text, ""));
        let (file, line) = place.trim_end_matches(')').rsplit_once(':').unwrap_or((place, ""));
        let function = function.split_once(": ").map_or(function, |(_, name)| name).to_owned();
        Self { function, file: file.to_owned(), line: line.parse().unwrap_or(0) }
    }

    /// Whether this makes an answer of a finished comparison: a method of `Option` or `bool`, or `bool::from(Choice)`.
    fn decides(&self) -> bool {
        let ends = |file| self.file.ends_with(file);
        ends("/core/src/option.rs")
            || ends("/core/src/bool.rs")
            || (self.is_of_subtle() && self.function == "from")
    }

    fn is_of_subtle(&self) -> bool {
        self.file.contains("/subtle")
    }

    fn is_one_of(&self, places: &[(&str, &str)]) -> bool {
        places.iter().any(|(file, text)| self.file.ends_with(file) && self.source() == *text)
    }

    /// What stands in the line.
    fn source(&self) -> String {
        let file = fs::read_to_string(&self.file).unwrap_or_default();
        let line = self.line.checked_sub(1).and_then(|index| file.lines().nth(index));
        line.unwrap_or_default().trim().to_owned()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        self.frames.iter().take(SHOWN).try_for_each(|frame| {
            let Frame { function, file, line } = frame;
            write!(f, "\n    {function} ({file}:{line}) {}", frame.source())
        })
    }
}

const SHOWN: usize = 6;
const HMAC: &str = "/src/scheme/hmac.rs";
const KEYS: &str = "/src/scheme/keys.rs";
const TOKEN: &str = "/src/scheme/token.rs";
const CONTROLS: &str = "/src/controls.rs";
/// Where the verdict becomes an answer.
const VERDICTS: [(&str, &str); 6] = [
    (KEYS, "if self.0 == Self::NONE.0 { None } else { usize::try_from(self.0).ok() }"),
    (HMAC, "let index = found.index().ok_or(VerifyError::SignatureMismatch)?;"),
    (TOKEN, "let index = found.index()?;"),
    (CONTROLS, "bool::from(ours.ct_eq(theirs))"),
    (CONTROLS, "let _index = found.ok_or(VerifyError::SignatureMismatch)?;"),
    (CONTROLS, "let _index = found.ok_or(VerifyError::TokenMismatch)?;"),
];
/// Where the name of the key is looked up.
const LOOK_UPS: [(&str, &str); 3] = [
    (HMAC, "Ok((self.names.and_then(|names| names.get(index)?.clone()), index))"),
    (TOKEN, "let (id, _) = self.keys.get(index)?;"),
    (TOKEN, "Some(Authentic::by(id.clone(), index))"),
];
