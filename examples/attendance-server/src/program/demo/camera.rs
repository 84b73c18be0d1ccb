//! A camera that plays pictures. Its frames take the way of each device's frames: a slot, recognition, the visit at the door,
//! the record.

use std::time::Duration;

use attendance_server::{
    access::Actor,
    cameras::{Outcome, Picture, Subject},
    commands::{devices, tokens, tokens::TokenKind},
    error::Result,
    server::Server,
};
use axum::body::Bytes;
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior},
};

/// The time between two frames.
const FRAME: Duration = Duration::from_millis(200);

/// A picture is shown for this long: a door needs a second to find a person, and shows the result for two more.
const SHOWN: Duration = Duration::from_millis(3500);

/// A machine that has much to do shows a picture for longer, until this many of its frames were looked at.
const FEWEST: usize = 8;

/// But no longer than this.
const LONGEST_SHOWN: Duration = Duration::from_secs(12);

/// The time between two pictures in the first round. It grows by as much in each round, so that a demo that stays open does not
/// fill the records.
const PAUSE: Duration = Duration::from_secs(2);

/// A camera waits for the enrolment of its first people for this long.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// The longest time between two pictures.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// A camera that plays pictures, over and over.
#[derive(Debug)]
pub(super) struct Camera {
    server: Server,
    /// The token of the device.
    token: String,
    pictures: Vec<Bytes>,
    /// The picture between two others.
    empty: Bytes,
    /// The number of people who are enrolled before the first picture.
    people: usize,
    sequence: i64,
}

impl Camera {
    /// A camera that plays once this many people are enrolled.
    pub(super) fn new(
        server: Server,
        token: String,
        pictures: Vec<Bytes>,
        empty: Bytes,
        people: usize,
    ) -> Self {
        Self {
            server,
            token,
            pictures,
            empty,
            people,
            sequence: 0,
        }
    }

    /// Plays until somebody withdraws the device.
    pub(super) async fn play(mut self) {
        let mut pause = PAUSE;
        self.wait().await;
        loop {
            for picture in self.pictures.clone() {
                let empty = self.empty.clone();
                match self.actor().await {
                    Ok(Some(actor)) => {
                        self.show(&actor, &picture, SHOWN, FEWEST).await;
                        self.show(&actor, &empty, pause, 1).await;
                    }
                    Ok(None) => return,
                    Err(error) => {
                        tracing::warn!(%error, "a camera of the demo cannot be read");
                        tokio::time::sleep(PAUSE).await;
                    }
                }
            }
            pause = (pause + PAUSE).min(LONGEST_PAUSE);
        }
    }

    /// Shows nobody until the first people are enrolled.
    async fn wait(&mut self) {
        let Ok(Some(actor)) = self.actor().await else {
            return;
        };
        let (end, empty) = (Instant::now() + LONGEST_WAIT, self.empty.clone());
        while Instant::now() < end {
            let room = self.server.recognition.room(actor.org);
            // Without a calibration the number is not known.
            if room.is_none_or(|room| room.people >= self.people) {
                return;
            }
            self.show(&actor, &empty, FRAME / 4, 1).await;
        }
    }

    /// The device; none if its token does not work any more.
    async fn actor(&self) -> Result<Option<Actor>> {
        let mut tx = self.server.store.write().await?;
        let recognized = tokens::recognize(&mut tx, &self.token, TokenKind::Device).await?;
        if let Some(recognized) = &recognized
            && let attendance_server::access::Principal::Device(device) = recognized.actor.principal
        {
            devices::seen(&mut tx, recognized.actor.org, device).await?;
            tx.commit().await?;
        }
        Ok(recognized.map(|recognized| recognized.actor))
    }

    /// Sends a picture as frames for a time, and until some of them were looked at. The next frame waits for the one before.
    async fn show(&mut self, actor: &Actor, image: &Bytes, time: Duration, fewest: usize) {
        let start = Instant::now();
        let mut looked = 0;
        let mut frames = tokio::time::interval(FRAME);
        frames.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while start.elapsed() < time || (looked < fewest && start.elapsed() < LONGEST_SHOWN) {
            frames.tick().await;
            let picture = Picture {
                actor: actor.clone(),
                boot: "demo".to_owned(),
                sequence: self.sequence,
                at: self.server.store.services().clock.now(),
                image: image.clone(),
                subject: Subject::Face,
            };
            self.sequence += 1;
            let (send, mut outcomes) = mpsc::channel(2);
            if let Err(error) = self.server.cameras.submit(picture, send) {
                tracing::warn!(%error, "a frame of the demo was refused");
            }
            while let Some(outcome) = outcomes.recv().await {
                match outcome {
                    Outcome::Checking => {}
                    Outcome::Shows(_) => {
                        looked += 1;
                        break;
                    }
                    Outcome::Dropped => break,
                    Outcome::Failed(error) => {
                        tracing::warn!(%error, "a frame of the demo cannot be used");
                        break;
                    }
                }
            }
        }
    }
}
