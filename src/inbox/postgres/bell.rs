//! The bell: wakes the workers of all processes when a delivery has come. It is a hint: workers look by themselves, too.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{sleep, timeout},
};

use super::{dial::Wake, link::Link, live::Live, task::Task, trouble::Trouble};

/// The shortest time between two notifications. Each is a commit, and those of all processes come one after the other.
const PAUSE: Duration = Duration::from_millis(10);
/// The time between two looks at the connection, and before it is made again.
const LOOK: Duration = Duration::from_secs(1);

/// Has the workers woken, soon.
#[derive(Clone, Debug, Default)]
pub(super) struct Ring(Arc<Notify>);

impl Ring {
    pub(super) fn ring(&self) {
        self.0.notify_one();
    }
}

/// Those who are woken in this process.
#[derive(Clone, Default)]
pub(super) struct Sleepers(Arc<Mutex<Vec<Wake>>>);

impl Sleepers {
    pub(super) fn add(&self, wake: Wake) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(wake);
    }

    pub(super) fn wake(&self) {
        // A copy: one of them may add another.
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        all.iter().for_each(|wake| wake());
    }
}

impl fmt::Debug for Sleepers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sleepers(..)")
    }
}

/// Serves the connection for notifications.
pub(super) fn bell(link: Arc<Link>, ring: Ring, sleepers: Sleepers) -> Task {
    Task::new(async move {
        loop {
            if let Ok(live) = link.shared().await
                && live.batch("LISTEN tower_webhook").await.is_ok()
            {
                // Some may have come while nobody listened.
                sleepers.wake();
                // An error: the connection is lost, and so may be a notification.
                let _ = serve(&live, &ring).await;
                ring.ring();
            }
            sleep(LOOK).await;
        }
    })
}

async fn serve(live: &Live, ring: &Ring) -> Result<(), Trouble> {
    while !live.is_closed() {
        if timeout(LOOK, ring.0.notified()).await.is_ok() {
            live.batch("NOTIFY tower_webhook").await?;
            sleep(PAUSE).await;
        }
    }
    Ok(())
}
