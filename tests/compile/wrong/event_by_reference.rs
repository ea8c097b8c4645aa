//! code: E0277
//! says: `&CourseCompleted` is not a webhook event
//! says: the first argument of a handler is the event, by value and not by reference: a type of `tower_webhook::providers`, or one of yours that implements `Payload`
//! never says: does not document

use tower_webhook::{
    EventRouter,
    providers::learn365::{CourseCompleted, Learn365},
};

fn main() {
    let _ = EventRouter::<Learn365>::new().on(async |_: &CourseCompleted| {});
}
