//! Work in the background: enrolments, crops after a change of models, what recognition must know of changes, and the end of
//! erasures.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::sync::broadcast::error::RecvError;

use crate::{
    commands::{enrolments, erase, events, model_change, organisations, templates},
    error::{Error, ErrorKind, Result},
    id::Id,
    recognition::Recognition,
    store::{Event, Store},
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
    let recognition = &*recognition;
    tokio::join!(
        enrol(&store, recognition),
        follow(&store, recognition),
        embed_again(&store, recognition)
    );
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

/// After a change of models, embeds the crops of earlier templates again, one person at a time. The models are the same until
/// the server ends, so once is enough.
async fn embed_again(store: &Store, recognition: &dyn Recognition) {
    let waiting = async {
        let mut tx = store.read().await?;
        model_change::waiting(&mut tx, &recognition.models().space).await
    };
    let waiting = waiting.await.unwrap_or_else(|error: Error| {
        tracing::error!(%error, "the templates of earlier models are not known");
        Vec::new()
    });
    for (org, person) in waiting {
        while let Err(error) = model_change::embed_again(store, recognition, org, person).await {
            if error.kind != ErrorKind::Unavailable {
                tracing::error!(%error, %person, "crops could not be embedded again; the next start tries again");
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Tells recognition who changed.
async fn follow(store: &Store, recognition: &dyn Recognition) {
    let mut events = store.listen();
    // The number of the last event of each organisation that recognition knows.
    let mut known = newest(store).await.unwrap_or_else(|error| {
        tracing::error!(%error, "the newest events are not known");
        HashMap::new()
    });
    // A change was not followed. Until all are, events are read from the database, from the last one that recognition knows.
    let mut is_behind = false;
    loop {
        let event = if is_behind {
            tokio::time::sleep(PAUSE).await;
            Err(RecvError::Lagged(0))
        } else {
            events.recv().await
        };
        let followed = match &event {
            Ok(event) => follow_event(store, recognition, event).await,
            Err(RecvError::Lagged(_)) => follow_missed(store, recognition, &mut known).await,
            Err(RecvError::Closed) => return,
        };
        is_behind = followed.is_err();
        match (event, followed) {
            (_, Err(error)) => {
                tracing::error!(%error, "recognition does not know a change; the server tries again");
            }
            (Ok(event), Ok(())) => known.extend(event.org.map(|org| (org, event.seq))),
            (Err(_), Ok(())) => {}
        }
    }
}

/// The number of the newest event of each organisation.
async fn newest(store: &Store) -> Result<HashMap<Id, i64>> {
    let mut tx = store.read().await?;
    let mut newest = HashMap::new();
    for org in organisations::all(&mut tx).await? {
        newest.insert(org, events::newest(&mut tx, org).await?);
    }
    Ok(newest)
}

/// Tells recognition who changed by the events that did not arrive. The database has them.
async fn follow_missed(
    store: &Store,
    recognition: &dyn Recognition,
    known: &mut HashMap<Id, i64>,
) -> Result<()> {
    for (org, newest) in newest(store).await? {
        let after = known.get(&org).copied().unwrap_or(0);
        let mut tx = store.read().await?;
        let people = events::people_since(&mut tx, org, after, &FOLLOWED).await?;
        drop(tx);
        for person in people {
            templates::follow(store, recognition, org, person).await?;
        }
        known.insert(org, newest);
    }
    erase::finish(store).await.map(drop)
}

async fn follow_event(store: &Store, recognition: &dyn Recognition, event: &Event) -> Result<()> {
    let (Some(org), Some(person)) = (event.org, event.person) else {
        return Ok(());
    };
    if !FOLLOWED.contains(&event.kind.as_str()) {
        return Ok(());
    }
    let followed = templates::follow(store, recognition, org, person).await;
    if event.kind == "person_erased" {
        // The one who erased the person may be gone.
        if let Err(error) = erase::finish(store).await {
            tracing::error!(%error, "an erasure is not finished; the server tries again");
        }
    }
    followed
}
