//! Reads structs from JSON objects only, although serde would also read them from lists.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};

/// Decodes a `T` that is a struct from a JSON object only.
///
/// A derived `Deserialize` also reads a struct from a JSON list, by position: the list `["u-1", "Bob"]` becomes a
/// customer with the id `u-1`. PHP senders write an empty object as `[]`. The event types of this crate refuse lists at
/// any depth. In an event type of yours, the outermost struct refuses them. For a struct in a field, name this function:
///
/// ```
/// use serde::Deserialize;
/// use tower_webhook::decode::object;
///
/// #[derive(Deserialize)]
/// struct InvoicePaid {
///     #[serde(deserialize_with = "object")]
///     customer: Customer,
///     #[serde(default, deserialize_with = "object")]
///     payer: Option<Customer>,
/// }
/// #[derive(Deserialize)]
/// struct Customer {
///     id: String,
/// }
///
/// let paid: InvoicePaid = serde_json::from_str(r#"{"customer": {"id": "u-1"}}"#)?;
/// assert_eq!((&*paid.customer.id, paid.payer.is_none()), ("u-1", true));
/// for list in [r#"{"customer": ["u-1"]}"#, r#"{"customer": {"id": "u-1"}, "payer": ["u-2"]}"#] {
///     assert!(serde_json::from_str::<InvoicePaid>(list).is_err());
/// }
/// # Ok::<_, serde_json::Error>(())
/// ```
///
/// `T` may also be an `Option` or a newtype of a struct. The structs in a list are not checked, and neither are enums with
/// data: an internally tagged enum, or a struct in a variant, is still read from a list. It cannot be combined with
/// `flatten`. Formats that are not human-readable are not changed: some of them write a struct as a list.
///
/// # Errors
///
/// Those of `T`, and if there is a list where `T` needs an object.
#[inline]
pub fn object<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(Strict(deserializer))
}

/// A `T` that is read from an object only, for callers that need a type and not a function.
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    #[inline]
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        object(deserializer).map(Self)
    }
}

/// Needs an object for a struct. Everything different is left to the inner deserializer.
pub(crate) struct Strict<D>(pub(crate) D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Strict<D> {
    type Error = D::Error;

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        if self.0.is_human_readable() {
            self.0.deserialize_map(visitor)
        } else {
            self.0.deserialize_struct(name, fields, visitor)
        }
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_option(Within(visitor))
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_newtype_struct(name, Within(visitor))
    }

    forward! {
        deserialize_any();
        deserialize_str();
        deserialize_string();
        deserialize_map();
        deserialize_identifier();
    }
    forward_rest!();
}

/// Visits an option or a newtype, and is strict with its content. A raw value visits as a map.
struct Within<V>(V);

impl<'de, V: Visitor<'de>> Visitor<'de> for Within<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.0.visit_none()
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.0.visit_unit()
    }

    #[inline]
    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        self.0.visit_some(Strict(inner))
    }

    #[inline]
    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        self.0.visit_newtype_struct(Strict(inner))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<V::Value, A::Error> {
        self.0.visit_seq(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<V::Value, A::Error> {
        self.0.visit_map(object)
    }
}
