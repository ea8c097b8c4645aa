//! The events of Learn365, with the fields that are documented.

use super::Learn365;
use crate::providers::{Personal, lenient, objects};

macro_rules! enrollment_events {
    ($($(#[$meta:meta])* $name:ident,)*) => {
        objects! {$(
            $(#[$meta])*
            $name {
                /// The status of the enrollment. The meaning of the values is undocumented.
                enrollment_status: i32 = "EnrollmentStatus",
                /// The status of the enrollment in words.
                enrollment_status_text: String = "EnrollmentStatusText",
                /// The course.
                course: Course = "Course",
                /// The users.
                users: Vec<User> = "Users",
                /// The time of the event, as the sender writes it.
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
                /// The title of the course.
                title: String = "Title",
                /// The URL of the course.
                url: String = "Url",
                /// The type of the course. Its values are an open set.
                course_type: String = "CourseType",
                /// Whether the course is published.
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
                /// The time of the event, as the sender writes it.
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
                /// The user's login.
                login_name: Personal = "LoginName",
                /// The user's address.
                email: Personal = "Email",
                /// The user's name.
                title: Personal = "Title",
                /// Identifies the user in the directory.
                directory_object_id: String = "DirectoryObjectId",
                /// Whether the user is deleted.
                is_deleted: bool = "IsDeleted",
                /// The customer's own fields.
                user_field_values: Vec<UserFieldValue> = "UserFieldValues",
                /// The time of the event, as the sender writes it.
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
    /// A user in an enrollment event. The connector's definition names these fields without a type, so numbers are read,
    /// too.
    User {
        /// Identifies the user.
        #[serde(deserialize_with = "lenient::text")]
        id: String = "Id",
        /// Identifies the user in the directory.
        #[serde(deserialize_with = "lenient::text")]
        directory_object_id: String = "DirectoryObjectId",
        /// Identifies the enrollment.
        #[serde(deserialize_with = "lenient::text")]
        enrollment_id: String = "EnrollmentId",
        /// The user's login.
        #[serde(deserialize_with = "lenient::text")]
        login_name: Personal = "LoginName",
        /// The user's name.
        #[serde(deserialize_with = "lenient::text")]
        title: Personal = "Title",
        /// The user's department.
        #[serde(deserialize_with = "lenient::text")]
        department: Personal = "Department",
        /// The user's address.
        #[serde(deserialize_with = "lenient::text")]
        email: Personal = "Email",
    }
    /// One of the customer's own fields of a user. It has no documented type either. If a value is a list or an object,
    /// then it is only in the raw JSON.
    UserFieldValue {
        /// Identifies the field.
        #[serde(deserialize_with = "lenient::text")]
        field_id: String = "FieldId",
        /// The title of the field.
        #[serde(deserialize_with = "lenient::text")]
        field_title: String = "FieldTitle",
        /// The value of the field for this user.
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
