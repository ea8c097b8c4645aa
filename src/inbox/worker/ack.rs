//! `Ack`: acknowledges an event within a transaction of the handler's own.

use crate::router::{EventContext, FromContext};

/// An argument of a handler: marks its event as handled in the transaction that the handler writes its effect in. So either
/// both are kept, or none.
///
/// Run [`Ack::sql`] with [`Ack::parameters`] in your transaction, with any driver, on the database of the inbox. If it
/// affects no row, then roll back: another worker has the delivery, or the event was handled before.
///
/// ```
/// use tower_webhook::{BoxError, EventRouter, inbox::Ack, providers::learn365::CourseCompleted};
///
/// # struct Transaction;
/// # impl Transaction {
/// #     fn execute(&self, _: &str, _: impl Sized) -> Result<u64, BoxError> { Ok(1) }
/// #     fn commit(self) -> Result<(), BoxError> { Ok(()) }
/// # }
/// # fn begin() -> Result<Transaction, BoxError> { Ok(Transaction) }
/// let events = EventRouter::new().on(async |e: CourseCompleted, ack: Ack| {
///     let transaction = begin()?;
///     transaction.execute("INSERT INTO completed …", (e.course.map(|course| course.id),))?;
///     let [delivery, token, event] = ack.parameters();
///     if transaction.execute(ack.sql().ok_or("not from an inbox with SQL")?, (delivery, token, event))? != 1 {
///         return Err::<(), BoxError>("another worker has it".into()); // dropping the transaction rolls it back
///     }
///     transaction.commit()
/// });
/// ```
///
/// Keep the transaction short. With SQLite, no delivery can be stored while it is open. With PostgreSQL, one that is open for
/// minutes slows down all claims. There, the role that runs it needs `SELECT`, `INSERT` and `UPDATE` on
/// `tower_webhook.settled`, and `SELECT` and `UPDATE` on `tower_webhook.queue`.
#[derive(Clone, Copy, Debug)]
pub struct Ack {
    sql: Option<&'static str>,
    parameters: [i64; 3],
}

impl Ack {
    /// The statement, in the SQL of the inbox's database. `None` if the event comes from no inbox, or from one without SQL.
    pub fn sql(&self) -> Option<&'static str> {
        self.sql
    }

    /// The three parameters of the statement: the number of the delivery, the token of the lease, and the place of the event.
    pub fn parameters(&self) -> [i64; 3] {
        self.parameters
    }
}

impl<S> FromContext<S> for Ack {
    fn from_context(cx: &EventContext<'_, S>) -> Self {
        let event = i64::try_from(cx.index()).unwrap_or(i64::MAX);
        match cx.delivery().ack() {
            Some((sql, seq, token)) => Self { sql: Some(sql), parameters: [seq, token, event] },
            None => Self { sql: None, parameters: [0, 0, event] },
        }
    }
}
