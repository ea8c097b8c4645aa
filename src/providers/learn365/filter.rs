//! `Filter`: the types of events that a registration asks for.

use std::fmt;

use super::*;
use crate::Event;

macro_rules! filters {
    ($($(#[$meta:meta])* $name:ident,)*) => {
        /// The events that a [`Registration`] asks for. The sender compares whole names, in upper or lower case.
        ///
        /// ```
        /// use tower_webhook::providers::learn365::Filter;
        ///
        /// assert_eq!(Filter::CourseCompleted.name(), "CourseCompleted");
        /// assert_eq!(Filter::named("coursecompleted"), Filter::CourseCompleted);
        /// assert_eq!(Filter::named("TrainingPlanned"), Filter::Other("TrainingPlanned".into()));
        /// ```
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Filter {
            /// All events: `*`.
            All,
            $($(#[$meta])* $name,)*
            /// A filter that is not documented, but that the sender lists.
            Other(String),
        }

        impl Filter {
            /// All filters that the vendor documents, on its page or in its connector.
            pub const DOCUMENTED: &'static [Self] = &[$(Self::$name,)*];

            /// The filter with this name, in upper or lower case.
            pub fn named(name: &str) -> Self {
                match name {
                    "*" => Self::All,
                    $(_ if name.eq_ignore_ascii_case($name::TYPE) => Self::$name,)*
                    _ => Self::Other(name.into()),
                }
            }

            /// Its name on the wire.
            pub fn name(&self) -> &str {
                match self {
                    Self::All => "*",
                    $(Self::$name => $name::TYPE,)*
                    Self::Other(name) => name,
                }
            }
        }
    };
}

filters! {
    /// [`CourseEnrollment`]. Documented.
    CourseEnrollment,
    /// [`CourseUnenrollment`]. Documented.
    CourseUnenrollment,
    /// [`CourseStarted`]. Documented.
    CourseStarted,
    /// [`CourseCompleted`]. Documented.
    CourseCompleted,
    /// [`CoursePublished`]. Documented.
    CoursePublished,
    /// [`CourseUnpublished`]. Documented.
    CourseUnpublished,
    /// [`EnrollmentApprovalRequest`]. Documented.
    EnrollmentApprovalRequest,
    /// [`CourseCreated`]. From the connector's definition.
    CourseCreated,
    /// [`CourseDeleted`]. From the connector's definition.
    CourseDeleted,
    /// [`UserCreated`]. From the connector's definition.
    UserCreated,
    /// [`UserDeleted`]. From the connector's definition.
    UserDeleted,
}

impl Filter {
    /// Whether an event of this type matches the filter.
    pub fn matches(&self, event_type: &str) -> bool {
        *self == Self::All || self.name().eq_ignore_ascii_case(event_type)
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
