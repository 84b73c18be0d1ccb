//! Suppression of overlapping detections.

use super::Detection;
use crate::geometry::Rect;

/// Suppresses overlapping detections (greedy non-maximum suppression): goes through `detections` in falling order of score
/// and drops each whose intersection over union with a kept one is greater than `overlap` (0 to 1).
///
/// Equal scores keep their order.
///
/// ```
/// use facekit::{Detection, Landmarks, Rect, non_maximum_suppression};
///
/// let face = |x: f32, score: f32| Detection {
///     rect: Rect::new(x, 0.0, 10.0, 10.0),
///     landmarks: Landmarks::default(),
///     score,
/// };
/// let kept = non_maximum_suppression(vec![face(0.0, 0.8), face(1.0, 0.9), face(50.0, 0.7)], 0.3);
/// assert_eq!(kept.iter().map(|kept| kept.score).collect::<Vec<_>>(), [0.9, 0.7]);
/// ```
#[must_use]
pub fn non_maximum_suppression(mut detections: Vec<Detection>, overlap: f32) -> Vec<Detection> {
    detections.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut kept: Vec<Rect> = Vec::new();
    detections.retain(|detection| {
        let keep = kept.iter().all(|rect| rect.iou(&detection.rect) <= overlap);
        if keep {
            kept.push(detection.rect);
        }
        keep
    });
    detections
}
