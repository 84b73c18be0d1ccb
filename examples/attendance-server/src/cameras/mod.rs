//! Cameras of doors: which frame is next, what it shows, and what becomes of it.
//!
//! Each device has room for one frame. A newer frame takes the place of one that waits, so that memory is bounded and nobody
//! is shown the past. Devices take turns: the one whose frame was looked at goes to the end of the line.

mod badge;
mod camera;
mod screen;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use attendance_rules::PunchSource;
use axum::body::Bytes;
use facekit::PersonId;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use tokio::sync::{Semaphore, mpsc, oneshot};

pub use camera::{Drops, Watching};
pub use screen::{Marked, Screen};

use self::camera::{Camera, Waiting};
use crate::{
    access::{Actor, Principal, limits::Limits},
    commands::{
        refusals::{self, RefusedFace},
        sightings::{self, Answer, Identification, Seen},
        tokens,
    },
    door::{Conclusion, Decision, DoorState, Refusal},
    error::{Error, ErrorKind, Result},
    id::Id,
    recognition::{Faces, Frame, Recognition},
    store::{Store, Transaction},
};

/// The largest frame, in bytes.
pub const LARGEST_FRAME: usize = 1 << 20;

/// A frame that waited for longer is not looked at.
const OLDEST: SignedDuration = SignedDuration::from_secs(1);

/// The median liveness score of the frames of a mark is greater than this.
const LIVENESS: f32 = 0.5;

/// A frame of a device.
#[derive(Clone, Debug)]
pub struct Picture {
    /// The device, as an actor.
    pub actor: Actor,
    /// The start of the device's program.
    pub boot: String,
    /// The number of the frame since that start.
    pub sequence: i64,
    /// The time of the frame, by the device's clock.
    pub at: Timestamp,
    /// A JPEG, PNG or WebP file.
    pub image: Bytes,
    /// The subject that is looked for in it.
    pub subject: Subject,
}

/// The subject that is looked for in a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// The face of a person.
    #[default]
    Face,
    /// The QR code of a badge.
    Badge,
}

/// A frame that was looked at, for those who watch a camera.
#[derive(Clone, Debug)]
pub struct View {
    /// The frame.
    pub image: Bytes,
    /// The time at which the server got it.
    pub received: Timestamp,
    /// The faces of the last frame in which faces were looked for. While a result is shown, the door looks for none. None if
    /// faces wait for longer.
    pub faces: Option<Arc<Faces>>,
    /// The content of the screen of the door.
    pub screen: Screen,
}

/// The result of a frame.
#[derive(Debug)]
pub enum Outcome {
    /// The person is found and is being recorded. The result follows.
    Checking,
    /// The frame was looked at; the screen of the door shows this now.
    Shows(Screen),
    /// The frame was not looked at: a newer one came, it waited for too long, or recognition has too much to do.
    Dropped,
    /// The frame cannot be used.
    Failed(Error),
}

/// The cameras of all devices.
#[derive(Debug)]
pub struct Cameras {
    store: Store,
    recognition: Arc<dyn Recognition>,
    limits: Arc<Limits>,
    /// As many frames are looked at at once. Waiting devices are served in order.
    turns: Semaphore,
    cameras: Mutex<HashMap<Id, Arc<Camera>>>,
}

impl Cameras {
    /// Cameras without a frame.
    #[must_use]
    pub fn new(store: Store, recognition: Arc<dyn Recognition>, limits: Arc<Limits>) -> Self {
        let turns = thread::available_parallelism().map_or(1, usize::from);
        Self {
            store,
            recognition,
            limits,
            turns: Semaphore::new(turns),
            cameras: Mutex::default(),
        }
    }

    /// `true` if people can be marked by face.
    #[must_use]
    pub fn recognizes(&self) -> bool {
        self.recognition.models().has_liveness
    }

    /// Takes over the connection of a device: an earlier one of the same device ends. The receiver gets a message when a
    /// later one begins.
    pub fn connect(&self, device: Id) -> oneshot::Receiver<()> {
        self.camera(device).connect()
    }

    /// The newest frame of a device, and what its screen shows, from now on. The caller checks who may see it. No picture is
    /// kept for a device that nobody watches.
    #[must_use]
    pub fn watch(&self, device: Id) -> Watching {
        self.camera(device).watch()
    }

    /// The frames of a device that were not looked at.
    #[must_use]
    pub fn drops(&self, device: Id) -> Drops {
        self.camera(device).drops()
    }

    /// Gives a frame to the camera of its device. `outcomes` gets what becomes of it, if it has room: up to two messages for
    /// each frame.
    ///
    /// # Errors
    ///
    /// 403 unless the actor is a device.
    pub fn submit(
        self: &Arc<Self>,
        picture: Picture,
        outcomes: mpsc::Sender<Outcome>,
    ) -> Result<()> {
        let Principal::Device(device) = picture.actor.principal else {
            return Err(Error::forbidden());
        };
        let camera = self.camera(device);
        let waiting = Waiting {
            picture,
            received: self.now(),
            outcomes,
        };
        if camera.put(waiting) {
            tokio::spawn(Arc::clone(self).work(camera));
        }
        Ok(())
    }

    /// Takes "not me" at a device: its door does not mark this person for a while.
    ///
    /// # Errors
    ///
    /// 403 unless the actor is a device.
    pub async fn disowned(&self, actor: &Actor, person: Id) -> Result<()> {
        let Principal::Device(device) = actor.principal else {
            return Err(Error::forbidden());
        };
        let person = PersonId::new(person.to_string())?;
        let camera = self.camera(device);
        camera.visit.lock().await.disown(person, self.now());
        Ok(())
    }

    fn now(&self) -> Timestamp {
        self.store.services().clock.now()
    }

    fn camera(&self, device: Id) -> Arc<Camera> {
        let mut cameras = self.lock();
        let camera = cameras
            .entry(device)
            .or_insert_with(|| Arc::new(Camera::new(self.recognizes(), LIVENESS)));
        Arc::clone(camera)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Id, Arc<Camera>>> {
        // Each change is one insertion.
        self.cameras.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the frames of a camera until none waits. Each one needs a turn.
    async fn work(self: Arc<Self>, camera: Arc<Camera>) {
        loop {
            let turn = self.turns.acquire().await;
            let Some(waiting) = camera.next() else {
                return;
            };
            let outcomes = waiting.outcomes.clone();
            // A task of its own: a fault in one frame does not stop the camera.
            let looking = tokio::spawn(Arc::clone(&self).look(Arc::clone(&camera), waiting));
            if let Err(fault) = looking.await {
                camera
                    .visit
                    .lock()
                    .await
                    .conclude(Conclusion::Failed, self.now());
                let _ = outcomes.try_send(Outcome::Failed(Error::internal(fault)));
            }
            drop(turn);
        }
    }

    async fn look(self: Arc<Self>, camera: Arc<Camera>, waiting: Waiting) {
        let outcomes = waiting.outcomes.clone();
        let (image, received) = (waiting.picture.image.clone(), waiting.received);
        // The picture of a badge is as good as the badge.
        let is_shown = waiting.picture.subject != Subject::Badge;
        let outcome = match self.screen(&camera, waiting).await {
            Ok(Some(screen)) => {
                if is_shown {
                    camera.show(image, received, screen.clone());
                }
                Outcome::Shows(screen)
            }
            Ok(None) => Outcome::Dropped,
            Err(error) => Outcome::Failed(error),
        };
        // The device may have gone.
        let _ = outcomes.try_send(outcome);
    }

    /// The content of the screen after a frame; none if the frame is too old, or recognition has too much to do.
    async fn screen(&self, camera: &Camera, waiting: Waiting) -> Result<Option<Screen>> {
        let Waiting {
            picture,
            received,
            outcomes,
        } = waiting;
        if self.now().duration_since(received) > OLDEST {
            camera.count_old();
            return Ok(None);
        }
        if camera.is_repeated(&picture.boot, picture.sequence) {
            // The device did not get the answer, and sends the frame again. It is not looked at twice.
            let mut tx = self.store.read().await?;
            let answer =
                sightings::answered(&mut tx, &picture.actor, &picture.boot, picture.sequence);
            return Ok(answer.await?.map(Screen::of));
        }
        if picture.subject == Subject::Badge {
            return self.badge(camera, picture).await.map(Some);
        }
        let mut visit = camera.visit.lock().await;
        let state = match visit.resting(received) {
            Some(state) => state,
            None => {
                let frame = Frame {
                    org: picture.actor.org,
                    image: picture.image.clone(),
                    sites: Some(
                        picture
                            .actor
                            .grants
                            .iter()
                            .filter_map(|it| it.site)
                            .collect(),
                    ),
                };
                let faces = match self.recognition.recognize(frame).await {
                    Ok(faces) => faces,
                    Err(error) if error.kind == ErrorKind::Unavailable => {
                        camera.count_busy();
                        return Ok(None);
                    }
                    Err(error) => return Err(error),
                };
                let state = visit.push(&faces, received);
                camera.saw(faces);
                if let DoorState::Refused(refusal) = state {
                    self.record_refusal(&picture, refusal).await?;
                }
                state
            }
        };
        let DoorState::Decided(decision) = state else {
            return Ok(Some(camera.screen(&state, received)));
        };
        camera.forget_result();
        let _ = outcomes.try_send(Outcome::Checking);
        let (conclusion, screen) = match self.record_face(&picture, &decision).await {
            Ok(answer) => (Conclusion::Recorded, Screen::of(answer)),
            // Erased since: nobody is named.
            Err(error) if error.kind == ErrorKind::NotFound => {
                (Conclusion::Refused, Screen::Unknown)
            }
            Err(error) if error.kind == ErrorKind::Invalid => {
                (Conclusion::Refused, Screen::refused(&error))
            }
            Err(error) => {
                visit.conclude(Conclusion::Failed, self.now());
                return Err(error);
            }
        };
        camera.keep(screen.clone());
        visit.conclude(conclusion, self.now());
        Ok(Some(screen))
    }

    /// Looks for the QR code of a badge, and records its person.
    async fn badge(&self, camera: &Camera, picture: Picture) -> Result<Screen> {
        let Some(code) = badge::read(picture.image.clone()).await? else {
            return Ok(Screen::Badge);
        };
        // A badge that is held before the camera is in many frames.
        if let Some(screen) = camera.known_badge(&code, self.now()) {
            return Ok(screen);
        }
        let by = Identification::Badge { code: code.clone() };
        let identified = sightings::identify(&self.store, &self.limits, &picture.actor, by).await;
        let screen = match identified {
            Ok(person) => {
                let source = PunchSource::Code;
                Screen::of(self.record(&picture, person, source, None).await?)
            }
            Err(error) if matches!(error.kind, ErrorKind::Invalid | ErrorKind::TooMany) => {
                Screen::refused(&error)
            }
            Err(error) => return Err(error),
        };
        camera.keep_badge(code, screen.clone(), self.now());
        Ok(screen)
    }

    /// Records that a face was refused.
    async fn record_refusal(&self, picture: &Picture, refusal: Refusal) -> Result<()> {
        let refused = RefusedFace {
            boot: picture.boot.clone(),
            sequence: picture.sequence,
            at: picture.at,
            code: match refusal {
                Refusal::Unknown => "unknown",
                Refusal::Spoof => "spoof",
            },
        };
        let mut tx = self.write_for(&picture.actor).await?;
        refusals::record(&mut tx, &picture.actor, refused).await?;
        tx.commit().await
    }

    /// Records the person of a decision.
    async fn record_face(&self, picture: &Picture, decision: &Decision) -> Result<Answer> {
        let person = decision.person.as_str().parse().map_err(Error::internal)?;
        self.record(picture, person, PunchSource::Face, Some(decision))
            .await
    }

    /// Begins a transaction that writes for a device, unless the device's token was withdrawn meanwhile.
    async fn write_for(&self, device: &Actor) -> Result<Transaction> {
        let mut tx = self.store.write().await?;
        let token = device.token.ok_or_else(Error::forbidden)?;
        if tokens::device_token_works(&mut tx, token).await? {
            return Ok(tx);
        }
        Err(Error::new(
            ErrorKind::Unauthenticated,
            "wrong_token",
            "The token of the device was withdrawn.",
        ))
    }

    /// Records a person.
    async fn record(
        &self,
        picture: &Picture,
        person: Id,
        source: PunchSource,
        decision: Option<&Decision>,
    ) -> Result<Answer> {
        let mut tx = self.write_for(&picture.actor).await?;
        let seen = Seen {
            person,
            boot: picture.boot.clone(),
            sequence: picture.sequence,
            at: picture.at,
            sent: picture.at,
            source,
            score: decision.map(|decision| decision.score),
            liveness: decision.map(|decision| decision.liveness),
        };
        let answer = sightings::record(&mut tx, &picture.actor, seen).await?;
        tx.commit().await?;
        Ok(answer)
    }
}
