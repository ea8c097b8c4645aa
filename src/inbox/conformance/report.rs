//! `StoreReport`: what became of each case.

use std::fmt;

/// The result of [`conformance`](super::conformance). `Display` shows each case on a line.
#[derive(Clone, Debug)]
pub struct StoreReport {
    pub(super) seed: u64,
    pub(super) cases: Vec<StoreCase>,
}

impl StoreReport {
    /// All cases, in a fixed order.
    pub fn cases(&self) -> &[StoreCase] {
        &self.cases
    }

    /// The names of the cases that failed.
    pub fn failures(&self) -> Vec<&'static str> {
        let failed = self.cases.iter().filter(|case| case.failure.is_some());
        failed.map(|case| case.name).collect()
    }

    /// The number that chose the steps: see [`Harness::seed`](super::Harness::seed).
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Panics if a case failed.
    ///
    /// # Panics
    ///
    /// If a case failed, with the whole report.
    #[track_caller]
    pub fn assert_passed(&self) {
        assert!(self.failures().is_empty(), "{self}");
    }
}

impl fmt::Display for StoreReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed: {:#x}", self.seed)?;
        for StoreCase { name, promise, failure } in &self.cases {
            match failure {
                None => writeln!(f, "{name}: passed")?,
                Some(why) => writeln!(f, "{name}: FAILED ({promise}): {why}")?,
            }
        }
        Ok(())
    }
}

/// One line of a [`StoreReport`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StoreCase {
    /// Its name.
    pub name: &'static str,
    /// What the store promises.
    pub promise: &'static str,
    /// What was expected, and what was seen instead. `None`: the case is passed.
    pub failure: Option<String>,
}
