//! The events of Learn365, with the fields that are documented.

use super::Learn365;
use crate::providers::{Personal, lenient, objects};

macro_rules! enrollment_events {
    ($($(#[$meta:meta])* $name:ident,)*) => {
        objects! {$(
            $(#[$meta])*
            $name {
                /// How the enrollment stands; what the values mean is undocumented.
                enrollment_status: i32 = "EnrollmentStatus",
                /// The same in words.
                enrollment_status_text: String = "EnrollmentStatusText",
                /// The course.
                course: Course = "Course",
                /// The users.
                users: Vec<User> = "Users",
                /// When it happened, as the sender writes it.
                time_stamp: String = "TimeStamp",
            }
        )*}
    };
}

macro_rules! course_objects {
    ($($(#[$meta:meta])* $name:ident { $($(#[$extra_meta:meta])* $extra:ident: $extra_ty:ty = $extra_wire:literal,)* })*) => {
        objects! {$(
            $(#[$meta])*
            $name {
                /// Identifies the site.
                site_id: String = "SiteId",
                /// Identifies the web.
                web_id: String = "WebId",
                /// Identifies the course.
                id: String = "Id",
                /// What it is called.
                title: String = "Title",
                /// Where it is.
                url: String = "Url",
                /// Of which type it is: an open set.
                course_type: String = "CourseType",
                /// Whether it is published.
                published: bool = "Published",
                $(
                    $(#[$extra_meta])*
                    $extra: $extra_ty = $extra_wire,
                )*
            }
        )*}
    };
}

macro_rules! course_events {
    ($($(#[$meta:meta])* $name:ident,)*) => {
        course_objects! {$(
            $(#[$meta])*
            $name {
                /// When it happened, as the sender writes it.
                time_stamp: String = "TimeStamp",
            }
        )*}
    };
}

macro_rules! user_events {
    ($($(#[$meta:meta])* $name:ident,)*) => {
        objects! {$(
            $(#[$meta])*
            $name {
                /// Identifies the user.
                #[serde(deserialize_with = "lenient::text")]
                user_id: String = "UserId",
                /// Their login.
                login_name: Personal = "LoginName",
                /// Their address.
                email: Personal = "Email",
                /// Their name.
                title: Personal = "Title",
                /// Identifies them in the directory.
                directory_object_id: String = "DirectoryObjectId",
                /// Whether they are deleted.
                is_deleted: bool = "IsDeleted",
                /// Fields of the customer's own.
                user_field_values: Vec<UserFieldValue> = "UserFieldValues",
                /// When it happened, as the sender writes it.
                time_stamp: String = "TimeStamp",
            }
        )*}
    };
}

enrollment_events! {
    /// A user was enrolled in a course. A documented filter.
    CourseEnrollment,
    /// A user was unenrolled from a course. A documented filter.
    CourseUnenrollment,
    /// A user started a course. A documented filter.
    CourseStarted,
    /// A user completed a course. A documented filter.
    CourseCompleted,
    /// An enrollment waits for approval. A documented filter.
    EnrollmentApprovalRequest,
}

course_events! {
    /// A course was published. A documented filter.
    CoursePublished,
    /// A course was unpublished. A documented filter.
    CourseUnpublished,
    /// A course was created. From the connector's definition.
    CourseCreated,
    /// A course was deleted. From the connector's definition.
    CourseDeleted,
}

user_events! {
    /// A user was created. From the connector's definition.
    UserCreated,
    /// A user was deleted. From the connector's definition.
    UserDeleted,
}

course_objects! {
    /// A course in an enrollment event.
    Course {}
}

objects! {
    /// A user in an enrollment event. The connector's definition names these fields without a type: numbers are read too.
    User {
        /// Identifies the user.
        #[serde(deserialize_with = "lenient::text")]
        id: String = "Id",
        /// Identifies them in the directory.
        #[serde(deserialize_with = "lenient::text")]
        directory_object_id: String = "DirectoryObjectId",
        /// Identifies the enrollment.
        #[serde(deserialize_with = "lenient::text")]
        enrollment_id: String = "EnrollmentId",
        /// Their login.
        #[serde(deserialize_with = "lenient::text")]
        login_name: Personal = "LoginName",
        /// Their name.
        #[serde(deserialize_with = "lenient::text")]
        title: Personal = "Title",
        /// Their department.
        #[serde(deserialize_with = "lenient::text")]
        department: Personal = "Department",
        /// Their address.
        #[serde(deserialize_with = "lenient::text")]
        email: Personal = "Email",
    }
    /// A field of the customer's own, of a user. Named without a type, too: what is a list or an object is in the raw JSON.
    UserFieldValue {
        /// Identifies the field.
        #[serde(deserialize_with = "lenient::text")]
        field_id: String = "FieldId",
        /// What the field is called.
        #[serde(deserialize_with = "lenient::text")]
        field_title: String = "FieldTitle",
        /// What it holds for this user.
        #[serde(deserialize_with = "lenient::text")]
        value: Personal = "Value",
    }
}

crate::event! {
    CourseEnrollment: Learn365 = "CourseEnrollment",
    CourseUnenrollment: Learn365 = "CourseUnenrollment",
    CourseStarted: Learn365 = "CourseStarted",
    CourseCompleted: Learn365 = "CourseCompleted",
    EnrollmentApprovalRequest: Learn365 = "EnrollmentApprovalRequest",
    CoursePublished: Learn365 = "CoursePublished",
    CourseUnpublished: Learn365 = "CourseUnpublished",
    CourseCreated: Learn365 = "CourseCreated",
    CourseDeleted: Learn365 = "CourseDeleted",
    UserCreated: Learn365 = "UserCreated",
    UserDeleted: Learn365 = "UserDeleted",
}
