use facekit::{
    Challenge, ChallengeDepth, ChallengeDot, ChallengeOptions, ChallengeOutcome, ChallengePrompt,
    ChallengeVerdict, Error, Image, ImageView, Landmarks, Recognizer, Result,
    image::{self, DecodeLimits},
    jiff::{SignedDuration, Timestamp},
};

use crate::{
    camera::Camera,
    dice::Dice,
    heads::head,
    motion::Motion,
    render::{self, Pose, Texture, draw},
    species::Species,
    surface::Surface,
};

/// The pixels of an eye distance, and of a side of a frame.
const SCALE: f32 = 44.0;
const SIDE: usize = 224;
/// The time of the first frame: 2026-03-02T08:00:00Z.
const BEGINNING: Timestamp = Timestamp::constant(1_772_438_400, 0);
/// The time between two frames, in milliseconds.
const FRAME: [f32; 2] = [75.0, 105.0];

/// A presentation: what a camera sees of a person, or of an attack, during a [`Challenge`]. It is computed from one photo. Heads are the
/// photo on the depth of one of six heads of MakeHuman (CC0); light, blur, noise, the quality of JPEG and the resolution differ from presentation to presentation.
///
/// ```no_run
/// # fn example(recognizer: &facekit::Recognizer, photo: &facekit::Image) -> facekit::Result<()> {
/// use facekit::ChallengeOptions;
/// use presentations::{Presentation, Species};
///
/// let face = recognizer.find_faces(photo.view())?.faces[0];
/// let species = Species::named("tilted")?;
/// let mut presentation = Presentation::new(species, photo, &face.landmarks, 1)?;
/// let verdict = presentation.run(recognizer, [0; 32], &ChallengeOptions::default())?;
/// assert!(!verdict.passed());
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Presentation<'a> {
    texture: Texture<'a>,
    surface: Surface,
    motion: Motion,
    camera: Camera,
    /// A second camera, which records a screen.
    screen: Option<Camera>,
    is_jpeg: bool,
    is_half: bool,
    dice: Dice,
    at: Timestamp,
    landmarks: Landmarks,
}

impl<'a> Presentation<'a> {
    /// A presentation of the face with these landmarks. The same arguments give the same presentation.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if the landmarks coincide, or if the photo has fewer than two pixels a side.
    pub fn new(
        species: Species,
        photo: &'a Image,
        landmarks: &Landmarks,
        seed: u64,
    ) -> Result<Self> {
        let texture = Texture::new(photo, landmarks)
            .ok_or_else(|| Error::argument("landmarks", "coincide, or the photo has no pixels"))?;
        let mut dice = Dice::new(seed);
        let surface = species.surface(&mut dice);
        let motion = Motion::new(species.behavior(), surface, &mut dice);
        let camera = Camera::draw(&mut dice);
        let screen = species.is_replay().then(|| Camera::draw(&mut dice));
        Ok(Self {
            texture,
            surface,
            motion,
            camera,
            screen,
            is_jpeg: dice.is(0.5),
            is_half: dice.is(0.25),
            dice,
            at: BEGINNING,
            landmarks: Landmarks::default(),
        })
    }

    /// The name of the head; `None` for a picture.
    #[must_use]
    pub fn head(&self) -> Option<&'static str> {
        match self.surface {
            Surface::Head { head: number, .. } => Some(head(number).name),
            _ => None,
        }
    }

    /// The time of the next frame. Frames are about 0.09 s apart.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// The next frame, for a person who sees `prompt` at the time [`at`](Self::at).
    pub fn frame(&mut self, prompt: &ChallengePrompt) -> Image {
        let pose = self.motion.pose(prompt, self.at);
        self.take(pose)
    }

    /// The landmarks of the face in the last frame, as they are: no detector is as exact.
    #[must_use]
    pub fn landmarks(&self) -> Landmarks {
        self.landmarks
    }

    fn take(&mut self, pose: Pose) -> Image {
        let share = if self.is_half { 2 } else { 1 };
        let (side, scale) = (SIDE / share, SCALE / share as f32);
        self.landmarks = render::landmarks(self.surface, pose, side, scale);
        let canvas = draw(&self.texture, self.surface, pose, side, scale);
        let canvas = match &self.screen {
            Some(screen) => screen.show(&canvas),
            None => canvas,
        };
        let image = self.camera.take(&canvas, &mut self.dice);
        let [least, most] = FRAME;
        self.at += SignedDuration::from_millis(self.dice.within(least, most) as i64);
        if self.is_jpeg {
            let file = image::encode_jpeg(&image, self.camera.quality);
            image::decode(&file, &DecodeLimits::default()).unwrap_or(image)
        } else {
            image
        }
    }

    /// Measures the depth alone, as if all moves were answered: from a view of the middle and four views of each side. Landmarks of flat
    /// pictures do not turn as those of heads do, so a whole challenge often ends before its depth is measured. `None` if too few
    /// points are tracked, which refuses the face.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if the recognizer offers no challenge, [`Error::Runtime`] if a model fails.
    pub fn depth(&mut self, recognizer: &Recognizer) -> Result<Option<ChallengeDepth>> {
        let mut views = |dot: ChallengeDot, count: usize| -> Vec<Image> {
            let place = self.motion.place_of(dot);
            // A head that is held to a side still moves a little.
            let shares = [1.0, 0.85, 0.9, 0.95].into_iter().take(count).enumerate();
            let poses = shares.map(|(number, share)| {
                let seconds = 0.4 * number as f32 + place.abs() / 100.0;
                self.motion.held(place * share, seconds)
            });
            let poses: Vec<Pose> = poses.collect();
            poses.into_iter().map(|pose| self.take(pose)).collect()
        };
        let front = views(ChallengeDot::Middle, 1);
        // The left of a person is the right of the image.
        let [left, right] = [ChallengeDot::Right, ChallengeDot::Left].map(|dot| views(dot, 4));
        let [left, right] = [&left, &right]
            .map(|frames| -> Vec<ImageView<'_>> { frames.iter().map(Image::view).collect() });
        ChallengeDepth::measure(recognizer, front[0].view(), &left, &right)
    }

    /// Shows the frames to a new challenge until it is decided.
    ///
    /// # Errors
    ///
    /// Those of [`Challenge::new`] and [`Challenge::push`].
    pub fn run(
        &mut self,
        recognizer: &Recognizer,
        nonce: [u8; 32],
        options: &ChallengeOptions,
    ) -> Result<ChallengeVerdict> {
        let mut challenge = Challenge::new(nonce, self.at, recognizer, options)?;
        while challenge.outcome() == ChallengeOutcome::Undecided {
            let at = self.at;
            let frame = self.frame(&challenge.prompt(at));
            challenge.push(recognizer, frame.view(), at)?;
        }
        Ok(challenge.verdict())
    }
}
