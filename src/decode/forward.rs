//! `forward!`: the methods of a wrapper around a `Deserializer` that change nothing.

/// Leaves these methods to the inner deserializer.
macro_rules! forward {
    ($($method:ident($($argument:ident: $ty:ty),*);)*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, $($argument: $ty,)* visitor: V) -> Result<V::Value, D::Error> {
            self.0.$method($($argument,)* visitor)
        }
    )*};
}

/// Leaves the methods to the inner deserializer that no wrapper of this crate changes.
macro_rules! forward_rest {
    () => {
        forward! {
            deserialize_bool();
            deserialize_i8();
            deserialize_i16();
            deserialize_i32();
            deserialize_i64();
            deserialize_i128();
            deserialize_u8();
            deserialize_u16();
            deserialize_u32();
            deserialize_u64();
            deserialize_u128();
            deserialize_f32();
            deserialize_f64();
            deserialize_char();
            deserialize_bytes();
            deserialize_byte_buf();
            deserialize_unit();
            deserialize_unit_struct(name: &'static str);
            deserialize_seq();
            deserialize_tuple(len: usize);
            deserialize_tuple_struct(name: &'static str, len: usize);
            deserialize_enum(name: &'static str, variants: &'static [&'static str]);
            deserialize_ignored_any();
        }

        #[inline]
        fn is_human_readable(&self) -> bool {
            self.0.is_human_readable()
        }
    };
}
