//! The options of recognition as a whole: models, detection, quality, matching and liveness.

use std::{path::Path, sync::Arc};

use anyhow::{Result, bail};
use clap::Args;
use facekit::{FileStore, Gallery, Models, QualityOptions, Recognizer, RecognizerBuilder};

use super::{
    detect::DetectArgs,
    matching::MatchArgs,
    models::{ModelArgs, open_models},
    number::share,
    quality::QualityArgs,
};
use crate::{
    output::{count, shown},
    session::Session,
};

/// The options of a recognizer.
#[derive(Args, Debug)]
pub(crate) struct RecognizeArgs {
    #[command(flatten)]
    pub(crate) models: ModelArgs,
    #[command(flatten)]
    pub(crate) detect: DetectArgs,
    #[command(flatten)]
    pub(crate) quality: QualityArgs,
    #[command(flatten)]
    pub(crate) matching: MatchArgs,
    #[command(flatten)]
    pub(crate) liveness: LivenessArgs,
}

/// Options of the liveness check.
#[derive(Args, Debug)]
#[command(next_help_heading = "Liveness")]
pub(crate) struct LivenessArgs {
    /// Skip the liveness check, and accept faces on prints and screens
    #[arg(long)]
    pub(crate) no_liveness: bool,

    /// The lowest liveness score of a live face, 0 to 1
    #[arg(long, value_name = "SCORE", default_value_t = 0.5, value_parser = share,
        allow_negative_numbers = true)]
    liveness_threshold: f32,
}

impl RecognizeArgs {
    /// The selected models, without a liveness check if it is not wanted.
    pub(crate) fn open_models(&self) -> Result<Models> {
        let (_, mut models) = open_models(&self.models)?;
        if self.liveness.no_liveness {
            models.liveness = None;
        }
        Ok(models)
    }

    /// A recognizer without a gallery. With the path of a gallery, a calibration beside it is used.
    pub(crate) fn recognizer(
        &self,
        mut models: Models,
        gallery: Option<&Path>,
    ) -> Result<RecognizerBuilder> {
        models.calibration = self.matching.calibration(gallery, &models)?;
        Ok(Recognizer::builder()
            .models(models)
            .threshold(self.matching.threshold())
            .detect_options(self.detect.options())
            .quality(self.quality.limits(QualityOptions::recognition()))
            .turned_faces(!self.detect.upright)
            .liveness_threshold(self.liveness.liveness_threshold))
    }

    /// A recognizer that searches an open gallery file. People who were enrolled with another embedder are not found; if that
    /// is everybody, it is an error.
    pub(crate) fn searcher(
        &self,
        session: &Session,
        models: Models,
        store: &Arc<FileStore>,
    ) -> Result<Recognizer> {
        let recognizer = self.recognizer_over(models, store, false)?;
        if let Some(gallery) = recognizer.gallery() {
            let people = gallery.unsearchable().len();
            let words = format!(
                "gallery {}: {} enrolled with another embedder than {}; select the models with --models, or see \
                 `facekit gallery reembed`",
                shown(store.path()),
                count(people, "person was", "people were"),
                gallery.space().model(),
            );
            if people > 0 && gallery.is_empty() {
                bail!(words);
            }
            if people > 0 {
                session.output.note(&words);
            }
        }
        Ok(recognizer)
    }

    /// A recognizer over an open gallery file.
    pub(crate) fn recognizer_over(
        &self,
        models: Models,
        store: &Arc<FileStore>,
        keep_crops: bool,
    ) -> Result<Recognizer> {
        let gallery = Gallery::for_space(Arc::clone(store), models.embedder.space())?;
        let gallery = gallery.with_crops(keep_crops);
        Ok(self
            .recognizer(models, Some(store.path()))?
            .gallery(gallery)
            .build()?)
    }
}
