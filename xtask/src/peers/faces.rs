//! Compares the faces that two contenders found. Times are comparable only if the work was the same.

use anyhow::{Result, bail};
use serde_json::{Map, Value, json};

/// The least intersection over union of two boxes of one face.
const OVERLAP: f64 = 0.7;
/// The least cosine of two embeddings of one face. It is not 1, because contenders make photos smaller with or without
/// antialiasing, which moves landmarks. Two people have 0.4 or more in one comparison of ten thousand.
const COSINE: f64 = 0.6;
/// The greatest share of photos on which contenders may differ: only one may find a face whose score is near the limit.
const DIFFERENT: f64 = 0.02;

/// Compares two contenders' answers to `faces`. An error if they differ too much to compare times.
pub(super) fn compare(ours: &Value, theirs: &Value, peer: &str) -> Result<Map<String, Value>> {
    if list(ours).len() != list(theirs).len() {
        bail!(
            "facekit answered for {} photos, {peer} for {}",
            list(ours).len(),
            list(theirs).len()
        );
    }
    let photos: Vec<(Vec<Face>, Vec<Face>)> = list(ours)
        .iter()
        .zip(list(theirs))
        .map(|(ours, theirs)| (faces(ours), faces(theirs)))
        .collect();
    let (mut same, mut overlap, mut cosine) = (0, 1.0_f64, 1.0_f64);
    for (ours, theirs) in &photos {
        let pairs: Vec<(f64, f64)> = ours
            .iter()
            .filter_map(|face| face.nearest(theirs))
            .collect();
        let agree = |&(overlap, cosine): &(f64, f64)| overlap >= OVERLAP && cosine >= COSINE;
        if ours.len() == theirs.len() && pairs.iter().all(agree) {
            same += 1;
            overlap = pairs.iter().fold(overlap, |least, pair| least.min(pair.0));
            cosine = pairs.iter().fold(cosine, |least, pair| least.min(pair.1));
        }
    }
    let different = photos.len() - same;
    if photos.is_empty() || different as f64 > DIFFERENT * photos.len() as f64 {
        bail!(
            "facekit and {peer} found different faces on {different} of {} photos",
            photos.len()
        );
    }
    let rounded = |value: f64| json!((value * 1e4).round() / 1e4);
    Ok(Map::from_iter([
        ("photos that differ".to_owned(), json!(different)),
        ("least overlap".to_owned(), rounded(overlap)),
        ("least cosine".to_owned(), rounded(cosine)),
    ]))
}

struct Face {
    rect: Vec<f64>,
    embedding: Vec<f64>,
}

impl Face {
    /// Overlap and cosine of the other face that overlaps most.
    fn nearest(&self, others: &[Self]) -> Option<(f64, f64)> {
        others
            .iter()
            .map(|other| {
                let products = self
                    .embedding
                    .iter()
                    .zip(&other.embedding)
                    .map(|(a, b)| a * b);
                (overlap(&self.rect, &other.rect), products.sum())
            })
            .max_by(|a, b| a.0.total_cmp(&b.0))
    }
}

/// Intersection over union of two boxes: left, top, width, height.
fn overlap(a: &[f64], b: &[f64]) -> f64 {
    let along = |axis: usize| {
        let end = (a[axis] + a[axis + 2]).min(b[axis] + b[axis + 2]);
        (end - a[axis].max(b[axis])).max(0.0)
    };
    let common = along(0) * along(1);
    common / (a[2] * a[3] + b[2] * b[3] - common)
}

fn faces(photo: &Value) -> Vec<Face> {
    let numbers = |value: &Value| list(value).iter().filter_map(Value::as_f64).collect();
    list(photo)
        .iter()
        .map(|face| Face {
            rect: numbers(&face["box"]),
            embedding: numbers(&face["embedding"]),
        })
        .collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn photos(left: f64, cosine: f64) -> Value {
        let rest = (1.0 - cosine * cosine).sqrt();
        json!([[{ "box": [left, 0, 100, 100], "embedding": [cosine, rest] }]])
    }

    #[test]
    fn the_same_faces_are_accepted() {
        let found = compare(&photos(0.0, 1.0), &photos(5.0, 0.99), "peer").unwrap();
        assert_eq!(found["photos that differ"], 0);
        assert_eq!(found["least cosine"], 0.99);
    }

    #[test]
    fn other_faces_are_refused() {
        for theirs in [photos(60.0, 1.0), photos(0.0, 0.5), json!([[]])] {
            assert!(compare(&photos(0.0, 1.0), &theirs, "peer").is_err());
        }
    }
}
