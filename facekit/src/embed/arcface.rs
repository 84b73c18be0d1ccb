//! Embedders of the ArcFace family.

use serde::{Deserialize, Serialize};

use super::{Embedder, Embedding, EmbeddingSpace};
use crate::{
    align::AlignedFace,
    digest::Digest,
    error::{Error, Result},
    input::{PixelSpec, run_batches, takes_images},
    runtime::{Dim, Element, Network},
};

/// The specification of a model for [`ArcFace`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArcFaceSpec {
    /// The conversion of pixels to numbers.
    pub pixels: PixelSpec,
    /// The side, in pixels, of the aligned face that the model takes.
    pub side: usize,
    /// The number of values in an embedding.
    pub dimension: usize,
}

impl ArcFaceSpec {
    /// The space of the embeddings of `model` with these `weights` and this specification.
    ///
    /// The fingerprint covers the weights and every part of the specification that changes an embedding. The same weights
    /// with two kinds of preprocessing therefore have two spaces.
    #[must_use]
    pub fn space(&self, model: &str, weights: &Digest) -> EmbeddingSpace {
        let PixelSpec { color, mean, std } = self.pixels;
        let text = format!(
            "{weights} arcface {} {} {color:?} {mean:?} {std:?}",
            self.side, self.dimension
        );
        EmbeddingSpace::new(model, Digest::of(text), self.dimension)
    }
}

/// The ArcFace family of embedders (Deng et al. 2019), among them MobileFaceNet and SFace: one aligned face to one vector.
#[derive(Debug)]
pub struct ArcFace {
    network: Box<dyn Network>,
    spec: ArcFaceSpec,
    space: EmbeddingSpace,
}

impl ArcFace {
    /// Makes an embedder from `network`, whose weights have the digest `weights`. Errors call it `model`.
    ///
    /// # Errors
    ///
    /// [`Error::Model`] if the network does not take faces of `spec.side` or does not return `spec.dimension` values.
    pub fn new(
        network: Box<dyn Network>,
        model: &str,
        weights: &Digest,
        spec: &ArcFaceSpec,
    ) -> Result<Self> {
        let signature = network.signature();
        let takes = matches!(&signature.inputs[..], [input] if takes_images(input, [Dim::Fixed(spec.side); 2]));
        let gives = signature.outputs.first().is_some_and(|output| {
            output.element == Element::F32
                && output.shape.len() > 1
                && output
                    .shape
                    .last()
                    .is_some_and(|dim| dim.accepts(spec.dimension))
        });
        if spec.side == 0 || !takes || !gives {
            let reason = format!(
                "does not turn [batch, 3, {0}, {0}] into [batch, {1}], as its manifest entry says",
                spec.side, spec.dimension
            );
            return Err(Error::Model {
                model: model.to_owned(),
                reason,
                source: None,
            });
        }
        Ok(Self {
            space: spec.space(model, weights),
            network,
            spec: spec.clone(),
        })
    }
}

impl Embedder for ArcFace {
    fn space(&self) -> &EmbeddingSpace {
        &self.space
    }

    fn face_side(&self) -> usize {
        self.spec.side
    }

    fn embed(&self, faces: &[AlignedFace]) -> Result<Vec<Embedding>> {
        let _span = tracing::debug_span!("embed", model = self.space.model(), faces = faces.len())
            .entered();
        let side = self.spec.side;
        let mut embeddings = Vec::with_capacity(faces.len());
        run_batches(
            &*self.network,
            self.space.model(),
            faces.len(),
            [side; 2],
            &mut |face, item| {
                let face = &faces[face];
                if face.side() != side {
                    let reason = format!(
                        "{0} × {0} pixels given, the embedder takes {side} × {side}",
                        face.side()
                    );
                    return Err(Error::argument("aligned face", reason));
                }
                self.spec.pixels.write(face.image().view(), item);
                Ok(())
            },
            &mut |_, row| {
                let embedding =
                    Embedding::new(&self.space, row.to_vec()).map_err(|error| Error::Model {
                        model: self.space.model().to_owned(),
                        reason: "gave a vector that is not an embedding".to_owned(),
                        source: Some(error.into()),
                    })?;
                embeddings.push(embedding);
                Ok(())
            },
        )?;
        Ok(embeddings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::ColorOrder;

    #[test]
    fn the_space_depends_on_weights_and_preprocessing() {
        let pixels = PixelSpec {
            color: ColorOrder::Rgb,
            mean: [0.0; 3],
            std: [1.0; 3],
        };
        let spec = ArcFaceSpec {
            pixels,
            side: 112,
            dimension: 128,
        };
        let space = spec.space("a", &Digest::of("weights"));
        assert_eq!(space, spec.space("another name", &Digest::of("weights")));
        assert_ne!(space, spec.space("a", &Digest::of("other weights")));
        let bgr = ArcFaceSpec {
            pixels: PixelSpec {
                color: ColorOrder::Bgr,
                ..pixels
            },
            ..spec
        };
        assert_ne!(space, bgr.space("a", &Digest::of("weights")));
        // Galleries on disk hold fingerprints, so this one must never change.
        assert_eq!(space.fingerprint().short(), "f4d7f45b");
    }
}
