//! A face whose landmarks are painted in colors, a detector that finds colors, and challenges with both.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

use facekit::{
    AlignedFace, Challenge, ChallengeLimits, ChallengeOptions, ChallengeOutcome, ChallengeVerdict,
    DetectOptions, Detection, Detector, Digest, Embedder, Embedding, EmbeddingSpace, Image,
    ImageView, Landmarks, Liveness, LivenessScore, Point, QualityOptions, Recognizer, Rect, Result,
    Threshold, jiff::Timestamp,
};
use presentations::{Presentation, Species};

/// The colors of the landmarks: pure hues that no other part of the picture has.
const COLORS: [[u8; 3]; 5] = [
    [230, 20, 20],
    [20, 200, 20],
    [30, 30, 240],
    [220, 200, 10],
    [200, 20, 210],
];
/// The pixels of an eye distance in the photo.
const EYES: f32 = 60.0;

/// The pixels of an eye distance in a frame of a presentation, and the width of a larger person.
const SCALE: f32 = 44.0;
const LARGER: f32 = 2.6;

/// A photo of a gray texture with five colored spots, and its landmarks.
pub(crate) fn photo() -> (Image, Landmarks) {
    let (width, height) = (320, 380);
    let mut image = Image::filled(width, height, [0; 3]);
    let mut state = 9_u32;
    let mut random = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as f32
    };
    // Patches of several sizes, as skin and hair have them.
    let mut gray = vec![0.0_f32; width * height];
    for (size, strength) in [(24, 0.35), (11, 0.3), (5, 0.25)] {
        let columns = width / size + 2;
        let cells: Vec<f32> = (0..columns * (height / size + 2))
            .map(|_| random())
            .collect();
        for (at, value) in gray.iter_mut().enumerate() {
            let (x, y) = (
                (at % width) as f32 / size as f32,
                (at / width) as f32 / size as f32,
            );
            let (column, row) = (x as usize, y as usize);
            let (dx, dy) = (x - column as f32, y - row as f32);
            let cell = |row: usize, column: usize| cells[row * columns + column];
            let line = |row| (1.0 - dx) * cell(row, column) + dx * cell(row, column + 1);
            *value += strength * ((1.0 - dy) * line(row) + dy * line(row + 1));
        }
    }
    let landmarks = [
        (-0.5, 0.0),
        (0.5, 0.0),
        (0.0, 0.571),
        (-0.414, 1.155),
        (0.414, 1.155),
    ]
    .map(|(x, y)| Point::new(160.0 + EYES * x, 160.0 + EYES * y));
    for (at, value) in gray.into_iter().enumerate() {
        let here = Point::new((at % width) as f32, (at / width) as f32);
        let spot = landmarks
            .iter()
            .position(|point| point.distance(here) < 6.0);
        let color = spot.map_or_else(|| [value.clamp(30.0, 225.0) as u8; 3], |spot| COLORS[spot]);
        image.data_mut()[3 * at..][..3].copy_from_slice(&color);
    }
    (image, landmarks.into())
}

/// The answers of the models that differ from the truth.
#[derive(Debug, Default)]
pub(crate) struct Script {
    /// There is a second person.
    pub(crate) is_crowded: AtomicBool,
    /// The second person is 2.6 times as wide as the first one.
    pub(crate) is_larger: AtomicBool,
    /// The detector misses the first person in whole frames, not in windows.
    pub(crate) is_missed: AtomicBool,
    /// The longest sides to which the detector had to reduce whole frames.
    pub(crate) sides: Mutex<Vec<usize>>,
    /// The person of the embeddings.
    pub(crate) person: AtomicU32,
    /// The liveness check refuses the face.
    pub(crate) is_print: AtomicBool,
}

#[derive(Debug)]
struct Colors(Arc<Script>);

impl Detector for Colors {
    fn detect(&self, image: ImageView<'_>, options: &DetectOptions) -> Result<Vec<Detection>> {
        // Windows have no longest side.
        let is_window = options.max_side.is_none();
        self.0.sides.lock().unwrap().extend(options.max_side);
        let pixels = image.rgb8();
        let (width, height) = (image.width(), image.height());
        let mut sums = [[0.0_f32; 3]; 5];
        for (at, pixel) in pixels.chunks_exact(3).enumerate() {
            let (least, most) = (*pixel.iter().min().unwrap(), *pixel.iter().max().unwrap());
            if u32::from(most) < 40 || u32::from(least) * 10 > u32::from(most) * 5 {
                continue;
            }
            let share = |channel: usize| f32::from(pixel[channel]) / f32::from(most);
            let away = |color: &[u8; 3]| -> f32 {
                let most = f32::from(*color.iter().max().unwrap());
                (0..3)
                    .map(|c| (share(c) - f32::from(color[c]) / most).powi(2))
                    .sum()
            };
            let nearest = (0..5).min_by(|&a, &b| away(&COLORS[a]).total_cmp(&away(&COLORS[b])));
            let sum = &mut sums[nearest.unwrap()];
            *sum = [
                sum[0] + (at % width) as f32,
                sum[1] + (at / width) as f32,
                sum[2] + 1.0,
            ];
        }
        let is_second = self.0.is_crowded.load(Ordering::Relaxed);
        let is_larger = self.0.is_larger.load(Ordering::Relaxed);
        let is_missed = self.0.is_missed.load(Ordering::Relaxed) && !is_window;
        let mut faces = Vec::new();
        if sums.iter().all(|sum| sum[2] >= 3.0) && !is_missed {
            faces.push(detection(
                sums.map(|[x, y, count]| Point::new(x / count, y / count)),
            ));
        }
        let (width, height) = (width as f32, height as f32);
        // The second person is to the left of the first one. A window has its person in the middle.
        let middle = Point::new(width / 2.0, height / 2.0);
        let is_first = faces
            .iter()
            .any(|face| face.landmarks.nose.distance(middle) < 0.25 * width);
        if is_second && !(is_window && is_first) {
            let (center, eyes) = match (is_window, is_larger) {
                (true, _) => (Point::new(width / 2.0, 0.42 * height), 0.13 * width),
                (false, true) => (Point::new(0.25 * width, 0.3 * height), LARGER * SCALE),
                (false, false) => (Point::new(0.12 * width, 0.3 * height), 0.09 * width),
            };
            faces.push(detection(
                [
                    (-0.5, 0.0),
                    (0.5, 0.0),
                    (0.0, 0.57),
                    (-0.4, 1.15),
                    (0.4, 1.15),
                ]
                .map(|(x, y)| Point::new(center.x + eyes * x, center.y + eyes * y)),
            ));
        }
        Ok(faces)
    }

    fn largest_side(&self) -> Option<usize> {
        None
    }
}

fn detection(points: [Point; 5]) -> Detection {
    let landmarks = Landmarks::from(points);
    let size = landmarks
        .eye_distance()
        .max(landmarks.left_eye.distance(landmarks.left_mouth));
    let middle = landmarks.nose;
    Detection {
        rect: Rect::new(
            middle.x - size,
            middle.y - 1.3 * size,
            2.0 * size,
            2.6 * size,
        ),
        landmarks,
        score: 0.9,
    }
}

#[derive(Debug)]
struct OnePerson(Arc<Script>, EmbeddingSpace);

impl Embedder for OnePerson {
    fn space(&self) -> &EmbeddingSpace {
        &self.1
    }

    fn face_side(&self) -> usize {
        112
    }

    fn embed(&self, faces: &[AlignedFace]) -> Result<Vec<Embedding>> {
        let person = self.0.person.load(Ordering::Relaxed) as usize;
        let values = |_| {
            let mut values = vec![0.0; self.1.dimension()];
            values[person] = 1.0;
            Embedding::new(&self.1, values)
        };
        faces.iter().map(values).collect()
    }
}

#[derive(Debug)]
struct Prints(Arc<Script>);

impl Liveness for Prints {
    fn assess(&self, _: ImageView<'_>, faces: &[Detection]) -> Result<Vec<LivenessScore>> {
        let score = if self.0.is_print.load(Ordering::Relaxed) {
            0.1
        } else {
            0.9
        };
        Ok(vec![LivenessScore::new(score); faces.len()])
    }

    fn least_context(&self) -> f32 {
        1.0
    }
}

pub(crate) fn models(script: &Arc<Script>) -> (impl Detector + use<>, impl Embedder + use<>) {
    let space = EmbeddingSpace::new("scripted", Digest::of("scripted"), 4);
    (
        Colors(Arc::clone(script)),
        OnePerson(Arc::clone(script), space),
    )
}

pub(crate) fn recognizer(script: &Arc<Script>) -> Recognizer {
    recognizer_with(script, QualityOptions::anything())
}

/// A recognizer with limits of quality.
pub(crate) fn recognizer_with(script: &Arc<Script>, quality: QualityOptions) -> Recognizer {
    let (detector, embedder) = models(script);
    Recognizer::builder()
        .detector(detector)
        .embedder(embedder)
        .liveness(Prints(Arc::clone(script)))
        .quality(quality)
        .threshold(Threshold::Score(0.5))
        .challenge_limits(ChallengeLimits::new(0.12, "a test"))
        .build()
        .unwrap()
}

pub(crate) fn nonce(number: u8) -> [u8; 32] {
    let mut nonce = [0xa5; 32];
    nonce[0] = number;
    nonce
}

/// The verdict about a presentation of the painted face.
pub(crate) fn verdict(species: &str, number: u8) -> ChallengeVerdict {
    let recognizer = recognizer(&Arc::default());
    let (photo, landmarks) = photo();
    let species = Species::named(species).unwrap();
    let mut presentation =
        Presentation::new(species, &photo, &landmarks, u64::from(number)).unwrap();
    presentation
        .run(&recognizer, nonce(number), &ChallengeOptions::default())
        .unwrap()
}

/// A presentation of a head, frame by frame: `change` may push frames of its own. It returns true to leave out the frame.
pub(crate) fn changed(
    number: u8,
    mut change: impl FnMut(&mut Challenge, &Script, &Recognizer, usize, Timestamp, &Image) -> bool,
) -> ChallengeVerdict {
    let script = Arc::new(Script::default());
    let recognizer = recognizer(&script);
    let (photo, landmarks) = photo();
    let head = Species::named("head").unwrap();
    let mut presentation = Presentation::new(head, &photo, &landmarks, u64::from(number)).unwrap();
    let options = ChallengeOptions::default();
    let mut challenge =
        Challenge::new(nonce(number), presentation.at(), &recognizer, &options).unwrap();
    for frame in 0..220 {
        if challenge.outcome() != ChallengeOutcome::Undecided {
            break;
        }
        let at = presentation.at();
        let image = presentation.frame(&challenge.prompt(at));
        if !change(&mut challenge, &script, &recognizer, frame, at, &image) {
            challenge.push(&recognizer, image.view(), at).unwrap();
        }
    }
    challenge.verdict()
}
