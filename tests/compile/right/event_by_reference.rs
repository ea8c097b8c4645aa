use tower_webhook::{
    EventRouter,
    providers::learn365::{CourseCompleted, Learn365},
};

fn main() {
    let _ = EventRouter::<Learn365>::new().on(async |_: CourseCompleted| {});
}
