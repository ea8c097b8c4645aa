//! code: E0271

use tower_webhook::{
    EventRouter,
    providers::{learn365::CourseCompleted, loops::Loops},
};

fn main() {
    let _ = EventRouter::<Loops>::new().on(async |_: CourseCompleted| {});
}
