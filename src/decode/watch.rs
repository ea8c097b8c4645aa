//! `Watch`: counts the members of an object that have one of two names, while `serde` reads the object.

// A flat event is decoded as soon as its type is found. It must have no second type, and serde reads the names of all its
// members anyway. So the `Deserializer` is wrapped, down to the names of the outermost object. The wrapper does not change what
// is decoded. serde resolves the escapes of a name before the wrapper sees it.
//
// The watch is believed only if it has seen the name of each member, up to the end of the object. A type can avoid that: one
// that is no object, that skips a name or takes it for a number, or that hides an error.

use std::{cell::Cell, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};

use super::flat::Keys;

/// Counts the members of one object.
pub(crate) struct Watch<'k> {
    keys: Keys<'k>,
    event_types: Cell<usize>,
    beside: Cell<usize>,
    /// The members whose name was read as text.
    named: Cell<usize>,
    /// All members.
    members: Cell<usize>,
    /// Whether the end of the object was reached.
    ended: Cell<bool>,
}

impl<'k> Watch<'k> {
    pub(super) fn new(keys: Keys<'k>) -> Self {
        Self {
            keys,
            event_types: Cell::new(0),
            beside: Cell::new(0),
            named: Cell::new(0),
            members: Cell::new(0),
            ended: Cell::new(false),
        }
    }

    /// Whether the object has each of the names once. `false` also if the watch has not seen the names of all members.
    pub(super) fn each_once(&self) -> bool {
        self.ended.get()
            && self.named.get() == self.members.get()
            && self.event_types.get() == 1
            && self.beside.get() == usize::from(self.keys.beside.is_some())
    }

    #[inline]
    fn see(&self, name: &str) {
        add_one(&self.named);
        if name == self.keys.event_type.as_str() {
            add_one(&self.event_types);
        } else if self.keys.beside.is_some_and(|beside| name == beside.as_str()) {
            add_one(&self.beside);
        }
    }
}

#[inline]
fn add_one(count: &Cell<usize>) {
    count.set(count.get() + 1);
}

/// The `Deserializer` of an object or of a name in it, and what serde makes with it: a `Visitor`, a `MapAccess`, a seed.
pub(super) struct Watched<'w, T>(pub(super) T, pub(super) &'w Watch<'w>);

/// Passes the watch on to the visitor.
macro_rules! watch {
    ($($method:ident($($argument:ident: $ty:ty),*);)*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, $($argument: $ty,)* visitor: V) -> Result<V::Value, D::Error> {
            self.0.$method($($argument,)* Watched(visitor, self.1))
        }
    )*};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Watched<'_, D> {
    type Error = D::Error;

    watch! {
        deserialize_any();
        deserialize_str();
        deserialize_string();
        deserialize_map();
        deserialize_identifier();
        deserialize_struct(name: &'static str, fields: &'static [&'static str]);
        deserialize_newtype_struct(name: &'static str);
    }
    forward! {
        deserialize_option();
    }
    forward_rest!();
}

/// Visits an object, a name, or a newtype of one of them. Nothing else is visited.
impl<'de, V: Visitor<'de>> Visitor<'de> for Watched<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    #[inline]
    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<V::Value, A::Error> {
        self.0.visit_map(Watched(object, self.1))
    }

    #[inline]
    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        self.0.visit_newtype_struct(Watched(inner, self.1))
    }

    #[inline]
    fn visit_str<E: Error>(self, name: &str) -> Result<V::Value, E> {
        self.1.see(name);
        self.0.visit_str(name)
    }

    #[inline]
    fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<V::Value, E> {
        self.1.see(name);
        self.0.visit_borrowed_str(name)
    }

    fn visit_string<E: Error>(self, name: String) -> Result<V::Value, E> {
        self.1.see(&name);
        self.0.visit_string(name)
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Watched<'_, A> {
    type Error = A::Error;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        let name = self.0.next_key_seed(Watched(seed, self.1));
        match name {
            Ok(None) => self.1.ended.set(true),
            // A name that its type refuses is one, too.
            Ok(Some(_)) | Err(_) => add_one(&self.1.members),
        }
        name
    }

    #[inline]
    fn next_value_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<K::Value, A::Error> {
        self.0.next_value_seed(seed)
    }
}

impl<'de, K: DeserializeSeed<'de>> DeserializeSeed<'de> for Watched<'_, K> {
    type Value = K::Value;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, name: D) -> Result<K::Value, D::Error> {
        self.0.deserialize(Watched(name, self.1))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::{Deserialize, de::IgnoredAny};
    use serde_json::{Value, value::RawValue};

    use super::*;
    use crate::decode::name::Name;

    #[derive(Deserialize)]
    struct Plain {
        #[serde(rename = "total")]
        _total: u8,
    }

    #[derive(Deserialize)]
    struct Newtype(#[expect(dead_code, reason = "it is only decoded")] Plain);

    /// Whether the object has each of the names once, as far as the watch has seen while a `T` was decoded.
    fn each_once<'de, T: Deserialize<'de>>(json: &'de str) -> bool {
        let (event_type, beside) = (Name::new("Action"), Name::new("id"));
        let watch = Watch::new(Keys { event_type: &event_type, beside: Some(&beside) });
        let mut json = serde_json::Deserializer::from_str(json);
        drop(T::deserialize(Watched(&mut json, &watch)));
        watch.each_once()
    }

    const ONCE: &str = r#"{"i\u0064":1,"Action":"paid","total":3,"of":{"Action":1,"id":2}}"#;

    #[test]
    fn it_is_believed_if_all_names_were_read_as_text() {
        assert!(each_once::<Plain>(ONCE));
        assert!(each_once::<Newtype>(ONCE));
        assert!(each_once::<Value>(ONCE));
        assert!(each_once::<BTreeMap<String, Value>>(ONCE));
        assert!(
            each_once::<Plain>(&ONCE.replace("total", "sum")),
            "what is missing is missed at the end"
        );
        for twice in ["Action", "A\\u0063tion", "id"] {
            let twice = ONCE.replace("}}", &format!(r#"}},"{twice}":7}}"#));
            assert!(!each_once::<Plain>(&twice), "{twice}");
        }
    }

    #[test]
    fn an_error_is_the_same_with_it() {
        fn errors<'de, T: Deserialize<'de>>(json: &'de str) -> [Option<String>; 2] {
            let event_type = Name::new("Action");
            let watch = Watch::new(Keys { event_type: &event_type, beside: None });
            let mut inner = serde_json::Deserializer::from_str(json);
            let watched = T::deserialize(Watched(&mut inner, &watch)).err();
            [watched, serde_json::from_str::<T>(json).err()].map(|e| Some(e?.to_string()))
        }
        for [watched, alone] in [
            errors::<Newtype>(r#"{"total":"x"}"#),
            errors::<Newtype>(r#"{"id":1}"#),
            errors::<String>(ONCE),
            errors::<BTreeMap<u8, u8>>(ONCE),
        ] {
            assert!(alone.is_some());
            assert_eq!(watched, alone);
        }
    }

    #[test]
    fn it_is_not_believed_if_it_could_not_see_all() {
        assert!(!each_once::<Option<Plain>>(ONCE));
        assert!(!each_once::<Box<RawValue>>(ONCE));
        assert!(!each_once::<IgnoredAny>(ONCE));
        assert!(!each_once::<Plain>(&ONCE.replace("3,", "\"x\",")), "stops at what does not fit");
    }
}
