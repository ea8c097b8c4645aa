//! What the answers of an endpoint mean for all deliveries to it.

use std::{collections::HashMap, time::SystemTime};

use http::Uri;

use super::report::{Answer, Attempt};
use crate::Schedule;

/// The endpoints that must not be sent to, by their URL.
#[derive(Default)]
pub(super) struct Endpoints(HashMap<Uri, Closed>);

#[derive(Clone, Copy)]
enum Closed {
    Until(SystemTime),
    ForEver,
}

impl Endpoints {
    /// Takes note of the answer to an attempt.
    pub(super) fn record(&mut self, uri: &Uri, attempt: &Attempt, schedule: &Schedule) {
        let Answer::Status(status) = attempt.answer else { return };
        match status.as_u16() {
            410 if schedule.gone_disables_endpoint => {
                self.0.insert(uri.clone(), Closed::ForEver);
            }
            429 | 502 | 504 => {
                let asked = attempt.asked_pause(schedule);
                self.close(uri, asked.and_then(|pause| attempt.at.checked_add(pause)));
            }
            _ => {}
        }
    }

    fn close(&mut self, uri: &Uri, until: Option<SystemTime>) {
        let Some(until) = until.max(self.opens_at(uri)) else { return };
        if !self.is_gone(uri) {
            self.0.insert(uri.clone(), Closed::Until(until));
        }
    }

    pub(super) fn is_gone(&self, uri: &Uri) -> bool {
        matches!(self.0.get(uri), Some(Closed::ForEver))
    }

    /// The time from which on it may be sent to again.
    pub(super) fn opens_at(&self, uri: &Uri) -> Option<SystemTime> {
        match self.0.get(uri)? {
            Closed::Until(time) => Some(*time),
            Closed::ForEver => None,
        }
    }

    /// Forgets the times that have passed.
    pub(super) fn pass(&mut self, now: SystemTime) {
        self.0.retain(|_, closed| !matches!(closed, Closed::Until(time) if *time <= now));
    }

    pub(super) fn is_open(&self, uri: &Uri) -> bool {
        !self.0.contains_key(uri)
    }
}
