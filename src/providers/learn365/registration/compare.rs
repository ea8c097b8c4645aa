//! Whether a registration has to be told anything.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Registration, same_target};

impl Registration {
    /// Whether the sender need not be told anything to get from `self` to `wanted`. A secret that it keeps back counts as
    /// another.
    pub(crate) fn is_as_wanted(&self, wanted: &Self) -> bool {
        let secret = self.secret.as_ref().zip(wanted.secret.as_ref());
        secret.is_some_and(|(own, wanted)| own.matches(wanted))
            && same_target(&self.uri, &wanted.uri)
            && self.description == wanted.description
            && self.is_paused == wanted.is_paused
            && self.filter_names() == wanted.filter_names()
            && self.headers_by_name() == wanted.headers_by_name()
            && same_properties(self.properties(), wanted.properties())
    }

    fn filter_names(&self) -> BTreeSet<String> {
        self.filters.iter().map(|filter| filter.name().to_ascii_lowercase()).collect()
    }

    fn headers_by_name(&self) -> BTreeMap<String, &str> {
        self.headers().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect()
    }
}

/// Whether two JSON objects say the same. A setting of the sender's host drops members that are null (recorded).
fn same_properties(one: &str, other: &str) -> bool {
    let members = |json: &str| {
        let mut members: BTreeMap<String, Value> = serde_json::from_str(json).ok()?;
        members.retain(|_, value| !value.is_null());
        Some(members)
    };
    match members(one).zip(members(other)) {
        Some((one, other)) => one == other,
        None => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_are_the_same_but_for_null_and_order() {
        for (one, other, same) in [
            (r#"{"a":1,"b":null}"#, r#"{ "a": 1 }"#, true),
            (r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#, true),
            (r#"{"a":1}"#, r#"{"a":2}"#, false),
            ("[1]", "[1]", true),
            ("[1]", "[2]", false),
            ("[1]", "{}", false),
        ] {
            assert_eq!(same_properties(one, other), same, "{one} {other}");
        }
    }
}
