//! Liveness checks of the MiniFASNet family.

use serde::{Deserialize, Serialize};

use super::{Liveness, LivenessScore};
use crate::{
    detect::Detection,
    error::{Error, Result},
    geometry::Rect,
    image::{ImageView, PixelFormat, crop_and_resize},
    input::{PixelSpec, run_batches, takes_images},
    runtime::{Dim, Element, Network},
};

/// The specification of a network for [`MiniFasNet`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MiniFasNetSpec {
    /// The conversion of pixels to numbers.
    pub pixels: PixelSpec,
    /// The side, in pixels, of the crop that the network takes.
    pub side: usize,
    /// The size of the crop relative to the face box, at least 1.
    pub context: f64,
    /// The index of the output for a living face.
    pub live: usize,
}

/// Passive liveness from single frames by Minivision's MiniFASNet ("Silent Face Anti-Spoofing", 2020): several networks see
/// the face with different amounts of its surroundings, and their probabilities are averaged.
///
/// It distinguishes faces from prints and screens. Other attacks, such as masks, may pass: it was not measured on them.
#[derive(Debug)]
pub struct MiniFasNet {
    parts: Vec<Part>,
}

#[derive(Debug)]
struct Part {
    network: Box<dyn Network>,
    model: String,
    spec: MiniFasNetSpec,
}

impl MiniFasNet {
    /// Makes a check that averages networks. Each comes with its name for errors and its specification.
    ///
    /// # Errors
    ///
    /// [`Error::Model`] if a network does not take crops of its `side`, has no output `live`, or its `context` is less than
    /// 1; [`Error::InvalidArgument`] if there is no network.
    pub fn new(
        parts: impl IntoIterator<Item = (Box<dyn Network>, String, MiniFasNetSpec)>,
    ) -> Result<Self> {
        let parts: Vec<Part> = parts
            .into_iter()
            .map(|(network, model, spec)| Part {
                network,
                model,
                spec,
            })
            .collect();
        if parts.is_empty() {
            return Err(Error::argument(
                "liveness",
                "at least one network is needed",
            ));
        }
        for Part {
            network,
            model,
            spec,
        } in &parts
        {
            let signature = network.signature();
            let takes = matches!(&signature.inputs[..], [input] if takes_images(input, [Dim::Fixed(spec.side); 2]));
            let gives = signature.outputs.first().is_some_and(|output| {
                let few = |dim: &Dim| matches!(*dim, Dim::Fixed(count) if count <= spec.live);
                output.element == Element::F32
                    && output.shape.len() > 1
                    && !output.shape.last().is_some_and(few)
            });
            if !takes || !gives || spec.side == 0 || spec.context.is_nan() || spec.context < 1.0 {
                let reason = format!(
                    "does not turn [batch, 3, {0}, {0}] into more than {1} classes, as its manifest entry says",
                    spec.side, spec.live
                );
                return Err(Error::Model {
                    model: model.clone(),
                    reason,
                    source: None,
                });
            }
        }
        Ok(Self { parts })
    }
}

impl Liveness for MiniFasNet {
    fn assess(&self, image: ImageView<'_>, faces: &[Detection]) -> Result<Vec<LivenessScore>> {
        let _span = tracing::debug_span!("liveness", faces = faces.len()).entered();
        let pixels = image.rgb8();
        let image = ImageView::new(&pixels, image.width(), image.height(), PixelFormat::Rgb8)?;
        let mut sums = vec![0.0; faces.len()];
        for Part {
            network,
            model,
            spec,
        } in &self.parts
        {
            run_batches(
                &**network,
                model,
                faces.len(),
                [spec.side; 2],
                &mut |face, item| {
                    let crop = context_crop(
                        image.width(),
                        image.height(),
                        &faces[face].rect,
                        spec.context,
                    )?;
                    let patch = crop_and_resize(image, crop, spec.side, spec.side)?;
                    spec.pixels.write(patch.view(), item);
                    Ok(())
                },
                &mut |face, logits| {
                    sums[face] += softmax(logits, spec.live);
                    Ok(())
                },
            )?;
        }
        Ok(sums
            .into_iter()
            .map(|sum| LivenessScore::new(sum / self.parts.len() as f32))
            .collect())
    }

    fn least_context(&self) -> f32 {
        let widest = self.parts.iter().map(|part| part.spec.context);
        LEAST_CONTEXT.min(widest.fold(1.0, f64::max)) as f32
    }
}

/// The least size of an image relative to the face box at which scores are as good as in a larger image. Below it, more and
/// more living people get low scores; DESIGN.md has the figures.
const LEAST_CONTEXT: f64 = 1.5;

/// The box around a face, enlarged by the factor `context` about its center: left, top, width and height in whole pixels.
/// At the edges of the image it is shifted, not cut. If the image is too small, the factor is reduced.
fn context_crop(width: usize, height: usize, face: &Rect, context: f64) -> Result<[usize; 4]> {
    let sound = [face.x, face.y, face.width, face.height]
        .iter()
        .all(|number| number.is_finite());
    if !sound || face.width <= 0.0 || face.height <= 0.0 {
        return Err(Error::argument("face box", format!("{face:?} is empty")));
    }
    let (right_most, bottom_most) = (width as f64 - 1.0, height as f64 - 1.0);
    let (face_width, face_height) = (f64::from(face.width), f64::from(face.height));
    let scale = context
        .min(right_most / face_width)
        .min(bottom_most / face_height);
    let (grown_width, grown_height) = (scale * face_width, scale * face_height);
    // A crop that is as large as the image, or that was shifted to its edge, ends on a whole pixel except for rounding
    // errors, which differ between runtimes. So a coordinate that is just below a whole pixel is rounded up.
    let whole = |coordinate: f64| (coordinate + 1e-3) as usize;
    let span = |start: f32, length: f64, grown: f64, most: f64| {
        let start = (f64::from(start) + length / 2.0 - grown / 2.0)
            .min(most - grown)
            .max(0.0);
        (whole(start), whole((start + grown).min(most)))
    };
    let (left, right) = span(face.x, face_width, grown_width, right_most);
    let (top, bottom) = span(face.y, face_height, grown_height, bottom_most);
    Ok([left, top, right - left + 1, bottom - top + 1])
}

/// The probability of class `class`. NaN if the logits do not give one. The mean with the probabilities of other networks
/// is NaN then too, so a network that fails is not outvoted by others.
fn softmax(logits: &[f32], class: usize) -> f32 {
    let greatest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = logits.iter().map(|logit| (logit - greatest).exp()).sum();
    logits
        .get(class)
        .map_or(f32::NAN, |logit| (logit - greatest).exp() / sum)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_crop_is_shifted_at_the_edge() {
        let face = Rect::new(10.0, 100.0, 100.0, 100.0);
        // 2.7 × 100 = 270 pixels about (60, 150) begin at x = −75 without the shift.
        assert_eq!(
            context_crop(640, 480, &face, 2.7).unwrap(),
            [0, 15, 271, 271]
        );
        // The height of the image allows a factor of at most 299 / 100.
        assert_eq!(
            context_crop(640, 300, &face, 4.0).unwrap(),
            [0, 0, 300, 300]
        );
    }

    proptest! {
        #[test]
        fn the_crop_is_inside_the_image(
            width in 1_usize..3000, height in 1_usize..3000,
            x in -500.0_f32..3000.0, y in -500.0_f32..3000.0, w in 1.0_f32..2000.0, h in 1.0_f32..2000.0,
        ) {
            let [left, top, across, down] =
                context_crop(width, height, &Rect::new(x, y, w, h), 2.7).unwrap();
            prop_assert!(across > 0 && down > 0 && left + across <= width && top + down <= height);
        }
    }

    #[test]
    fn logits_without_a_probability_give_nan() {
        assert!(softmax(&[f32::NAN, 1.0, 2.0], 1).is_nan());
        assert!(softmax(&[1.0], 1).is_nan());
        assert!((softmax(&[0.0, 0.0], 1) - 0.5).abs() < 1e-6);
    }
}
