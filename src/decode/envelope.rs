//! `Envelope`: describes where the events of a body are, and where their type is.

use std::{borrow::Cow, fmt, ops::Range, sync::Arc};

use super::{Members, name::Name};
use crate::util::MAX_EVENT_TYPE;

/// Describes where the events of a body are, and where their type is.
///
/// A body is one event or a list of events. With [`Envelope::within`] the list is in an object. A byte order mark is
/// skipped. Names and types may be written with JSON escapes, and the members of an object may have any order.
///
/// No element is lost. An element without a type, with a type longer than [`Envelope::MAX_TYPE`], or that is no object,
/// is an unknown event. An element that has its type or its data twice is an event that does not fit.
///
/// ```
/// use tower_webhook::decode::{Envelope, events};
///
/// let body = br#"[{"event": "paid", "of": {"total": 3}}, {"of": [], "event": "p\u0061id"}, 7]"#;
/// let found: Vec<_> = events(&Envelope::adjacent("event", "of"), body)?.into_iter().map(|e| (e.event_type, e.range)).collect();
/// assert_eq!(found[0], (Some("paid".into()), 1..38));
/// assert_eq!(found[1].0.as_deref(), Some("paid"));
/// assert_eq!(found[2], (None, 74..75));
/// # Ok::<_, tower_webhook::decode::DecodeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Envelope {
    /// The list that holds the events.
    pub(super) list: Option<Name>,
    /// The lists around it, from the inside out. Apart from `list`, so that one list needs no allocation.
    pub(super) outer_lists: Vec<Name>,
    pub(super) layout: Layout,
    pub(super) camel_case: bool,
}

#[derive(Clone, Debug)]
pub(super) enum Layout {
    Adjacent {
        event_type: Name,
        data: Name,
        /// Whether the fast path for the most common spelling may be tried: both names are plain, and they differ.
        straight: bool,
    },
    Flat {
        event_type: Name,
        beside: Option<Name>,
    },
    Shape(Shape),
    /// Each event is of this type. `None`: it is empty or too long.
    Named(Option<Cow<'static, str>>),
}

/// Finds the type of an event by its members.
#[derive(Clone)]
pub(super) struct Shape(pub(super) Arc<Of>);

type Of = dyn for<'b> Fn(&Members<'b>) -> Option<Cow<'b, str>> + Send + Sync;

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shape")
    }
}

impl Envelope {
    /// The longest type of an event, in bytes.
    pub const MAX_TYPE: usize = MAX_EVENT_TYPE;

    /// `{"type": "paid", "data": {…}}`: the type of an event and its payload are two members. A missing `data` is read as
    /// `null`.
    pub fn adjacent(
        event_type: impl Into<Cow<'static, str>>,
        data: impl Into<Cow<'static, str>>,
    ) -> Self {
        let (event_type, data) = (Name::new(event_type), Name::new(data));
        let straight =
            event_type.is_plain() && data.is_plain() && event_type.as_str() != data.as_str();
        Layout::Adjacent { event_type, data, straight }.into()
    }

    /// `{"action": "paid", "total": 3}`: the type is a member of the payload.
    pub fn flat(event_type: impl Into<Cow<'static, str>>) -> Self {
        Layout::Flat { event_type: Name::new(event_type), beside: None }.into()
    }

    /// As [`Envelope::flat`], for senders whose events all have another member `beside`. An object without it, or that has
    /// it twice, is an unknown event.
    pub fn flat_beside(
        event_type: impl Into<Cow<'static, str>>,
        beside: impl Into<Cow<'static, str>>,
    ) -> Self {
        Layout::Flat { event_type: Name::new(event_type), beside: Some(Name::new(beside)) }.into()
    }

    /// The member that every event has beside its type, by [`Envelope::flat_beside`].
    pub(crate) fn beside(&self) -> Option<&str> {
        match &self.layout {
            Layout::Flat { beside, .. } => beside.as_ref().map(Name::as_str),
            Layout::Adjacent { .. } | Layout::Shape(_) | Layout::Named(_) => None,
        }
    }

    /// For objects that have no member with their type: `of` finds the type by their members, or returns `None` for an
    /// unknown event. If it panics, the body is refused. The closure may capture. It is kept in an `Arc`: a provider that keeps its envelope and clones it
    /// saves an allocation for each request.
    ///
    /// ```
    /// use tower_webhook::decode::{Envelope, events};
    ///
    /// let prefix = "order";
    /// let envelope = Envelope::shape(move |members| Some(format!("{prefix}.{}", members.text("state")?).into()));
    /// let found = events(&envelope, br#"[{"state": "paid"}, {"total": 3}]"#)?;
    /// assert_eq!(found[0].event_type.as_deref(), Some("order.paid"));
    /// assert_eq!(found[1].event_type, None);
    /// # Ok::<_, tower_webhook::decode::DecodeError>(())
    /// ```
    pub fn shape(
        of: impl for<'b> Fn(&Members<'b>) -> Option<Cow<'b, str>> + Send + Sync + 'static,
    ) -> Self {
        Layout::Shape(Shape(Arc::new(of))).into()
    }

    /// The body is one event of this type, whatever JSON it is: an object, a list, a number. For senders that say the type
    /// outside of the body only. Nothing in the body is taken for a type, and no member is looked for.
    ///
    /// With [`Envelope::within`] each element of the list is an event of this type. If `event_type` is empty or longer than
    /// [`Envelope::MAX_TYPE`], then the events are unknown and have no type.
    ///
    /// ```
    /// use tower_webhook::decode::{Envelope, events};
    ///
    /// let found = events(&Envelope::named("orders/create"), b"[1, 2]")?;
    /// assert_eq!((found[0].event_type.as_deref(), found[0].range.clone()), (Some("orders/create"), 0..6));
    /// # Ok::<_, tower_webhook::decode::DecodeError>(())
    /// ```
    pub fn named(event_type: impl Into<Cow<'static, str>>) -> Self {
        let event_type = event_type.into();
        let fits = (1..=Self::MAX_TYPE).contains(&event_type.len());
        Layout::Named(fits.then_some(event_type)).into()
    }

    /// The type is in the head of each request: see [`Check::named`](crate::scheme::Check::named). This envelope is used only
    /// for a request that the provider did not name. Its body is one event of an unknown type.
    pub fn by_head() -> Self {
        Self::named("")
    }

    /// The events are in the list `name` of an outer object.
    ///
    /// Said again, it wraps one level further outward: then each element of the further list is an object that has the list
    /// named before. The outermost object must have its list. An element further in that is no object, or in which there is
    /// no such list, is kept as one unknown event.
    ///
    /// # Example: the lists `changes` of all objects in the list `entry`
    ///
    /// ```
    /// use tower_webhook::decode::{Envelope, events};
    ///
    /// let envelope = Envelope::adjacent("field", "value").within("changes").within("entry");
    /// let body = br#"{"entry": [{"id": "1", "changes": [{"field": "about", "value": 7}, {"field": "feed"}]}]}"#;
    /// let types: Vec<_> = events(&envelope, body)?.into_iter().map(|event| event.event_type).collect();
    /// assert_eq!(types, [Some("about".into()), Some("feed".into())]);
    /// # Ok::<_, tower_webhook::decode::DecodeError>(())
    /// ```
    #[must_use]
    pub fn within(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        match self.list {
            None => self.list = Some(Name::new(name)),
            Some(_) => self.outer_lists.push(Name::new(name)),
        }
        self
    }

    /// The list at this level: 0 is the one that holds the events.
    pub(super) fn list(&self, level: usize) -> Option<&Name> {
        match level.checked_sub(1) {
            None => self.list.as_ref(),
            Some(outer) => self.outer_lists.get(outer),
        }
    }

    /// Also accepts the names of this envelope with their first letter in lower case. If an object has both spellings of a
    /// name, then the exact one is used.
    #[must_use]
    pub fn camel_case(self) -> Self {
        Self { camel_case: true, ..self }
    }
}

impl From<Layout> for Envelope {
    fn from(layout: Layout) -> Self {
        Self { list: None, outer_lists: Vec::new(), layout, camel_case: false }
    }
}

/// One event of a body: its type and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Element<'b> {
    /// Its type. `None` if it has no type, or one that is no string, is no Unicode text, or is too long.
    pub event_type: Option<Cow<'b, str>>,
    /// The range of its bytes in the body.
    pub range: Range<usize>,
}
