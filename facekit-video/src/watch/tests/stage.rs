//! A detector that finds a face in every frame whose first pixel is white.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use facekit::{
    AlignedFace, DetectOptions, Detection, Detector, Digest, Embedder, Embedding, EmbeddingSpace,
    Image, ImageView, Landmarks, Point, Recognizer, Rect, Result, Threshold, TrackEvent,
    VideoFrame,
};
use jiff::Timestamp;

#[derive(Clone, Debug, Default)]
pub(super) struct Stage {
    pub(super) searches: Arc<AtomicUsize>,
    pub(super) panics: Arc<AtomicBool>,
}

impl Detector for Stage {
    fn detect(&self, image: ImageView<'_>, _: &DetectOptions) -> Result<Vec<Detection>> {
        self.searches.fetch_add(1, Ordering::Relaxed);
        assert!(
            !self.panics.load(Ordering::Relaxed),
            "the detector is broken"
        );
        let face = Detection {
            rect: Rect::new(20.0, 10.0, 20.0, 20.0),
            landmarks: Landmarks::from(
                [
                    (26.0, 16.0),
                    (34.0, 16.0),
                    (30.0, 20.0),
                    (27.0, 25.0),
                    (33.0, 25.0),
                ]
                .map(|(x, y)| Point::new(x, y)),
            ),
            score: 0.9,
        };
        Ok(if image.rgb8()[0] == 255 {
            vec![face]
        } else {
            Vec::new()
        })
    }

    fn largest_side(&self) -> Option<usize> {
        None
    }
}

/// Embeds all faces alike. The quality gate refuses them before.
#[derive(Debug)]
struct Alike(EmbeddingSpace);

impl Embedder for Alike {
    fn space(&self) -> &EmbeddingSpace {
        &self.0
    }

    fn face_side(&self) -> usize {
        112
    }

    fn embed(&self, faces: &[AlignedFace]) -> Result<Vec<Embedding>> {
        let embed = |_| Embedding::new(&self.0, vec![1.0, 0.0]);
        faces.iter().map(embed).collect()
    }
}

impl Stage {
    pub(super) fn recognizer(&self) -> Arc<Recognizer> {
        let space = EmbeddingSpace::new("alike", Digest::of("alike"), 2);
        let parts = Recognizer::builder()
            .detector(self.clone())
            .embedder(Alike(space))
            .threshold(Threshold::Score(0.5));
        Arc::new(parts.build().unwrap())
    }

    pub(super) fn searches(&self) -> usize {
        self.searches.load(Ordering::Relaxed)
    }
}

/// A frame with a face or without one.
pub(super) fn frame(has_face: bool, at: Timestamp, sequence: u64) -> VideoFrame {
    VideoFrame::new(picture(has_face), at, sequence)
}

pub(super) fn picture(has_face: bool) -> Image {
    let mut image = Image::filled(64, 48, [90; 3]);
    if has_face {
        image.data_mut()[..3].fill(255);
    }
    image
}

/// The events, one word each.
pub(super) fn words(events: &[TrackEvent]) -> Vec<String> {
    let word = |event: &TrackEvent| match event {
        TrackEvent::Started { track, .. } => format!("{track} started"),
        TrackEvent::Ended(track) => format!("{} ended", track.id),
        other => format!("{other:?}"),
    };
    events.iter().map(word).collect()
}
