//! Work in the background: enrolments, and what recognition must know of changes.

use std::{sync::Arc, time::Duration};

use tokio::sync::broadcast::error::RecvError;

use crate::{
    commands::{enrolments, templates},
    recognition::Recognition,
    store::Store,
};

/// The kinds of events after which recognition reads the person again.
const FOLLOWED: [&str; 4] = [
    "person_changed",
    "person_erased",
    "consent_withdrawn",
    "templates_changed",
];

/// The time after which waiting enrolments are looked for without an event.
const ROUND: Duration = Duration::from_secs(60);

/// The time between two attempts after an error.
const PAUSE: Duration = Duration::from_secs(1);

/// Works until the store is closed.
pub async fn run(store: Store, recognition: Arc<dyn Recognition>) {
    tokio::join!(enrol(&store, &*recognition), follow(&store, &*recognition));
}

/// Analyses the photos of enrolments, one enrolment at a time.
async fn enrol(store: &Store, recognition: &dyn Recognition) {
    let mut events = store.listen();
    loop {
        match enrolments::run_next(store, recognition).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => {
                if error.code != "busy" {
                    tracing::error!(%error, "an enrolment could not be finished");
                }
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        }
        let next = async {
            loop {
                match events.recv().await {
                    Ok(event) if event.kind == enrolments::REQUESTED => return true,
                    Ok(_) => {}
                    Err(RecvError::Lagged(_)) => return true,
                    Err(RecvError::Closed) => return false,
                }
            }
        };
        if let Ok(false) = tokio::time::timeout(ROUND, next).await {
            return;
        }
    }
}

/// Tells recognition who changed.
async fn follow(store: &Store, recognition: &dyn Recognition) {
    let mut events = store.listen();
    loop {
        let followed = match events.recv().await {
            Ok(event) => match (event.org, event.person) {
                (Some(org), Some(person)) if FOLLOWED.contains(&event.kind.as_str()) => {
                    templates::follow(store, recognition, org, person).await
                }
                _ => Ok(()),
            },
            Err(RecvError::Lagged(_)) => templates::load_all(store, recognition).await.map(drop),
            Err(RecvError::Closed) => return,
        };
        if let Err(error) = followed {
            tracing::error!(%error, "recognition does not know a change");
        }
    }
}
