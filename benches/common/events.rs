//! Five types of events, as an enum too, and bodies made of them.

use std::{cell::Cell, hint::black_box};

use serde::{Deserialize, Serialize};
use tower_webhook::{
    Event, Payload,
    providers::{learn365, standard_webhooks::StandardWebhooks, synthesis_vr},
};

macro_rules! events {
    ($($name:ident = $wire:literal { $($field:ident: $ty:ty,)* })*) => {
        $(
            #[derive(Deserialize, Serialize)]
            pub struct $name {
                $(pub $field: $ty,)*
            }
            impl Payload for $name {
                type Provider = StandardWebhooks;
            }
            impl Event for $name {
                const TYPE: &'static str = $wire;
            }
        )*

        /// What one would write by hand.
        #[derive(Deserialize, Serialize)]
        #[serde(tag = "type", content = "data")]
        pub enum AnyEvent {
            $(#[serde(rename = $wire)] $name($name),)*
        }

        impl AnyEvent {
            /// Hands it to the code of its type.
            pub fn handled(self) {
                match self {
                    $(Self::$name(event) => handled(event),)*
                }
            }
        }
    };
}

events! {
    InvoicePaid = "invoice.paid" {
        id: String,
        customer: String,
        currency: String,
        total: u64,
        paid_at: u64,
        note: Option<String>,
    }
    UserCreated = "user.created" {
        id: String,
        name: String,
        email: String,
        verified: bool,
        roles: Vec<String>,
    }
    CourseCompleted = "course.completed" {
        course: String,
        title: String,
        user: u64,
        score: f64,
        attempts: u32,
    }
    RoomClosed = "room.closed" {
        room: String,
        host: Option<Person>,
        minutes: u32,
        peak: u32,
    }
    FileSaved = "file.saved" {
        path: String,
        owner: u64,
        bytes: u64,
        sha256: String,
    }
}

#[derive(Deserialize, Serialize)]
pub struct Person {
    pub id: u64,
    pub name: String,
}

thread_local! {
    static HANDLED: Cell<u64> = const { Cell::new(0) };
}

/// The end of every handler: the event was really made, and counted.
#[allow(clippy::needless_pass_by_value, reason = "whoever handles an event owns it")]
pub fn handled<E>(event: E) {
    black_box(&event);
    HANDLED.set(HANDLED.get() + 1);
}

/// How many events this thread has handled since it was last asked.
pub fn handled_since() -> u64 {
    HANDLED.replace(0)
}

fn quote(n: usize) -> &'static str {
    if n % 25 == 2 { "\"" } else { "" }
}

/// The event at place `n`: all five types in turn, no two alike.
fn event(n: usize) -> AnyEvent {
    let id = n as u64;
    match n % 5 {
        0 => AnyEvent::InvoicePaid(InvoicePaid {
            id: format!("inv_{n:012}"),
            customer: format!("Kunde Nr. {n} – Ærø"),
            currency: "EUR".into(),
            total: 1990 + id,
            paid_at: 1_767_225_600 + id,
            note: Some("Thank you for your order".into()),
        }),
        1 => AnyEvent::UserCreated(UserCreated {
            id: format!("7fa00242-52c6-486f-a041-{n:012}"),
            name: "Søren Ångström".into(),
            email: format!("user{n}@example.com"),
            verified: n.is_multiple_of(2),
            roles: vec!["pupil".into(), "tutor".into(), "editor".into()],
        }),
        2 => AnyEvent::CourseCompleted(CourseCompleted {
            course: format!("b7e0c1de-0000-4abc-8def-{n:012}"),
            // One event in twenty-five has something to unescape.
            title: format!("Work at {}height{}, part two", quote(n), quote(n)),
            user: 4711 + id,
            score: 87.5,
            attempts: 2,
        }),
        3 => AnyEvent::RoomClosed(RoomClosed {
            room: format!("Mathematics {n}, second term, group of Tuesday morning"),
            host: Some(Person { id, name: "Teacher of the year".into() }),
            minutes: 45,
            peak: 28,
        }),
        _ => AnyEvent::FileSaved(FileSaved {
            path: format!("/boards/{n}/drawing.svg"),
            owner: 7685,
            bytes: 123_456,
            sha256: format!("{n:064x}"),
        }),
    }
}

/// A list of `count` events.
pub fn list(count: usize) -> String {
    list_of((0..count).map(|n| serde_json::to_string(&event(n)).expect("serializable")))
}

/// A list of events that is as long as fits into `bytes`.
pub fn list_within(bytes: usize) -> String {
    let mut room = bytes.saturating_sub(2);
    let fitting = (0..).map(|n| serde_json::to_string(&event(n)).expect("serializable"));
    list_of(fitting.take_while(|json| match room.checked_sub(json.len() + 1) {
        Some(rest) => {
            room = rest;
            true
        }
        None => false,
    }))
}

fn list_of(events: impl Iterator<Item = String>) -> String {
    format!("[{}]", events.collect::<Vec<_>>().join(","))
}

/// A list of `count` events of `types` types in turn: `type.0` and so on, alike in all else.
pub fn list_of_types(count: usize, types: usize) -> String {
    list_of((0..count).map(|n| {
        let data = r#"{"path":"/boards/7/drawing.svg","owner":7685,"bytes":123456,"sha256":"00"}"#;
        format!(r#"{{"type":"type.{}","data":{data}}}"#, n % types)
    }))
}

/// A body of Learn365 with `count` events, each of about 650 bytes.
pub fn learn365(count: usize) -> String {
    let events = list_of((0..count).map(|n| {
        let action = if n.is_multiple_of(2) { "CourseCompleted" } else { "CourseStarted" };
        format!(
            concat!(
                r#"{{"Action":"{}","EnrollmentStatus":2,"EnrollmentStatusText":"In Progress","#,
                r#""Course":{{"SiteId":"8f4d2c10-5b1e-4c6f-9d0a-1f2e3d4c5b6a","#,
                r#""WebId":"0a1b2c3d-4e5f-4061-8273-8495a6b7c8d9","Id":"b7e0c1de-0000-4abc-8def-{:012}","#,
                r#""Title":"{}","Url":"https://contoso.sharepoint.com/sites/kursus","#,
                r#""CourseType":"ELearning","Published":true}},"#,
                r#""Users":[{{"Id":"11111111-2222-3333-4444-555555555555","EnrollmentId":"{}","#,
                r#""LoginName":"i:0#.f|membership|soeren@example.com","Title":"Søren Ångström","#,
                r#""Department":null,"Email":"soeren@example.com"}}],"#,
                r#""TimeStamp":"2026-03-14T09:26:53.5897931Z"}}"#,
            ),
            action,
            n,
            // What looks like the end of `Action`, and what could be an escaped name.
            ["Introduction to GDPR", r"GDPR \u2013 grundkursus", "GDPR – grundkursus"][n % 3],
            n
        )
    }));
    format!(
        r#"{{"Id":"f6b5366fc4ac4ac3b494e5c7038477ca","Attempt":1,"Properties":{{}},"Notifications":{events}}}"#
    )
}

/// A body of SynthesisVR with `count` sessions.
pub fn synthesis_vr(count: usize) -> String {
    list_of((0..count).map(|n| {
        format!(
            concat!(
                r#"{{"uuid":"41509791-3de8-5bb9-b4fc-{:012}","action":"create","#,
                r#""location":"Kamen Test","stations":1,"customerid":7685}}"#
            ),
            n
        )
    }))
}

/// The body of Learn365 as a plain struct.
#[derive(Deserialize)]
pub struct Learn365Body {
    #[serde(rename = "Id")]
    pub id: String,
    #[serde(rename = "Attempt")]
    pub attempt: u32,
    #[serde(rename = "Properties")]
    pub properties: Box<serde_json::value::RawValue>,
    #[serde(rename = "Notifications")]
    pub notifications: Vec<learn365::CourseCompleted>,
}

/// The body of SynthesisVR as a plain struct.
pub type SynthesisVrBody = Vec<synthesis_vr::SessionCreated>;
