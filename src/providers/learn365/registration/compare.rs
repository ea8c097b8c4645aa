//! Compares a registration with the wanted one.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{Registration, same_target};

impl Registration {
    /// Whether `self` is the same as `wanted`, so that no update is needed. If the sender does not show the secret, then the
    /// two are considered different.
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

/// Whether two JSON objects have the same meaning. A setting of the sender's host drops members that are null (recorded).
fn same_properties(one: &str, other: &str) -> bool {
    let members = |json: &str| {
        let mut members: Map<String, Value> = serde_json::from_str(json).ok()?;
        members.retain(|_, value| !value.is_null());
        Some(Value::Object(members))
    };
    match members(one).zip(members(other)) {
        Some((one, other)) => same(&one, &other),
        None => one == other,
    }
}

/// Whether two JSON values are the same. Fractions are compared by value: with feature `arbitrary_precision`, which any
/// crate of the build can switch on, `serde_json` compares them as they are written.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(a), Value::Number(b)) if a.is_f64() && b.is_f64() => {
            a == b || a.as_f64().is_some_and(|value| b.as_f64() == Some(value))
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let same = |(name, one)| other.get(name).is_some_and(|other| same(one, other));
            one.len() == other.len() && one.iter().all(same)
        }
        _ => one == other,
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
            (r#"{"a":[1.50,{"b":2e1}]}"#, r#"{"a":[1.5,{"b":20.0}]}"#, true),
            (r#"{"a":[1.50,{"b":2e1}]}"#, r#"{"a":[1.5,{"b":20.5}]}"#, false),
            (r#"{"a":[1,2]}"#, r#"{"a":[1]}"#, false),
            (r#"{"a":{"b":1}}"#, r#"{"a":{"c":1}}"#, false),
            ("[1]", "[1]", true),
            ("[1]", "[2]", false),
            ("[1]", "{}", false),
        ] {
            assert_eq!(same_properties(one, other), same, "{one} {other}");
        }
    }
}
