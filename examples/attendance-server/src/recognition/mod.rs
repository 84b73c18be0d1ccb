//! Recognition of faces: the analysis of enrolment photos, and the faces in frames of cameras.
//!
//! Recognition knows no database. Commands read sealed templates, open them, and [`load`](Recognition::load) them here. After
//! each committed change the worker, or the caller of the command, calls [`follow`](Recognition::follow). The record of a
//! sighting checks the person and the consent again, so that a recognition that is behind the database records nobody who was
//! erased.

mod local;
mod pool;

use std::fmt;

use async_trait::async_trait;
use axum::body::Bytes;
use facekit::{EnrollReport, NewTemplate, Template};
use tokio::sync::watch;

pub(crate) use local::decode_frame;
pub use local::{LARGEST_PHOTO, LocalOptions, LocalRecognition};

use crate::{
    error::{Error, Result},
    id::Id,
};

/// The models of a [`Recognition`], for settings, pages and health.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Models {
    /// The name of the set, such as `nano`.
    pub name: String,
    /// The runtime, such as `tract`.
    pub runtime: String,
    /// The embedding space of new templates, as text.
    pub space: String,
    /// The names of the sets of earlier templates. During a change of models they are searched as well.
    pub earlier: Vec<String>,
    /// The embedding spaces of templates that cannot be compared, because their models are not here.
    pub missing_spaces: Vec<String>,
    /// There is a liveness check. Without it nobody is marked by face.
    pub has_liveness: bool,
}

/// A frame of a camera in which people are looked for.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The organisation.
    pub org: Id,
    /// A JPEG, PNG or WebP file.
    pub image: Bytes,
    /// The people of these home sites are searched; `None` searches the whole organisation.
    pub sites: Option<Vec<Id>>,
}

/// The faces of a frame.
#[derive(Clone, Debug)]
pub struct Faces {
    /// The width of the image, in pixels.
    pub width: usize,
    /// The height of the image, in pixels.
    pub height: usize,
    /// The faces, the largest first. The person of an identity is an [`Id`] as text.
    pub faces: Vec<facekit::Recognition>,
}

/// Another face of at least this part of the largest one's width stands there, too. Smaller ones are behind.
const WIDTH_BESIDE: f32 = 0.6;
/// Another face of at least this part of the largest one's area stands there, too.
const AREA_BESIDE: f32 = 0.5;

impl Faces {
    /// Several people stand before the camera, so that nobody knows whom it concerns.
    #[must_use]
    pub fn has_several(&self) -> bool {
        let Some((largest, others)) = self.faces.split_first() else {
            return false;
        };
        let largest = largest.detection.rect;
        others.iter().any(|other| {
            let rect = other.detection.rect;
            rect.width >= WIDTH_BESIDE * largest.width
                || rect.area() >= AREA_BESIDE * largest.area()
        })
    }
}

/// The result of an analysis. Nothing is stored yet.
#[derive(Debug)]
pub struct Analyzed {
    /// Photos that are accepted and refused, with reasons; other people who look alike.
    pub report: EnrollReport,
    /// Photos that are no images, or are too large. The report does not have them.
    pub unreadable: Vec<UnreadablePhoto>,
    /// The templates of the accepted photos, with crops.
    pub templates: Vec<NewTemplate>,
}

/// A photo that cannot be decoded.
#[derive(Debug)]
pub struct UnreadablePhoto {
    /// The position of the photo in the input, from 0.
    pub photo: usize,
    /// The reason.
    pub error: Error,
}

/// The room of a gallery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// The people with templates.
    pub people: usize,
    /// The greatest number of people for whom the wanted rate is known.
    pub capacity: u64,
}

/// Recognition of faces, in this process or elsewhere.
///
/// # Contract
///
/// - Calls do not block the threads of the async runtime.
/// - A queue is bounded: a frame or an analysis beyond it fails with 503 and the code `busy`.
/// - After [`follow`](Self::follow) returned, the next search sees the change.
/// - An organisation never sees people of another one.
#[async_trait]
pub trait Recognition: fmt::Debug + Send + Sync {
    /// The models.
    fn models(&self) -> &Models;

    /// The people that the organisation's gallery holds, and its room; `None` if the models have no calibration.
    fn room(&self, org: Id) -> Option<Room>;

    /// Opens the gallery of an organisation with these templates, in place of what was there. Each has the home site of its
    /// person.
    async fn load(&self, org: Id, templates: Vec<(Id, Template)>) -> Result<()>;

    /// Takes over the templates of a person after a change: all of them, with the home site. A person without templates is
    /// not found any more.
    async fn follow(&self, org: Id, person: Id, site: Id, templates: Vec<Template>) -> Result<()>;

    /// Checks the photos of a person, and compares them with each other and with the people of the organisation. `request`
    /// is the origin of the templates. `seen` gets the number of photos that are done.
    async fn analyze(
        &self,
        org: Id,
        person: Id,
        request: Id,
        photos: Vec<Bytes>,
        seen: watch::Sender<usize>,
    ) -> Result<Analyzed>;

    /// Embeds the crops of templates of earlier models again. Returns one template of the present models for each, in order, with
    /// the same quality, time and origin.
    ///
    /// # Errors
    ///
    /// 503 if the queue is full; if a template has no crop, or a model fails.
    async fn embed_again(&self, templates: Vec<NewTemplate>) -> Result<Vec<NewTemplate>>;

    /// Finds, checks and compares the faces of a frame.
    ///
    /// # Errors
    ///
    /// 422 if the image cannot be read; 413 if it is too large; 503 if the queue is full.
    async fn recognize(&self, frame: Frame) -> Result<Faces>;
}
