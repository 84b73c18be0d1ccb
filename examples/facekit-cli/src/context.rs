//! The options that commands share, and what they stand for: models, thresholds, galleries and their keys.

use std::{
    env,
    ffi::OsString,
    fs, io,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use facekit::{
    Calibration, CancellationToken, DetectOptions, Error, ExactIndex, FileStore, Gallery,
    GalleryKey, LoadOptions, Metric, Models, Protection, ProtectionKind, Recognizer,
    RecognizerBuilder, Registry, Runtime, TemplateStore, Threshold,
};
use facekit_candle::Candle;
use facekit_ort::{Ort, Provider};
use facekit_tract::Tract;
use signal_hook::{consts, flag};

use crate::output::{Output, count, shown};

const KEY_FILE: &str = "FACEKIT_KEY_FILE";
const KEY: &str = "FACEKIT_GALLERY_KEY";

/// What every command has: a place for its answer, and whether to stop.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) output: Output,
    pub(crate) token: CancellationToken,
}

impl Session {
    /// Lets Ctrl-C and the like cancel the token; the second time they end the process at once.
    pub(crate) fn new(output: Output) -> Result<Self> {
        const INTERRUPTED: i32 = 130;
        let (token, asked) = (CancellationToken::new(), Arc::new(AtomicBool::new(false)));
        for signal in [consts::SIGINT, consts::SIGTERM] {
            flag::register_conditional_shutdown(signal, INTERRUPTED, Arc::clone(&asked))
                .and_then(|_| flag::register(signal, Arc::clone(&asked)))
                .context("Ctrl-C cannot be caught")?;
        }
        let cancelled = token.clone();
        thread::spawn(move || {
            while !asked.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(50));
            }
            cancelled.cancel();
        });
        Ok(Self { output, token })
    }
}

/// The models that are part of the program.
pub(crate) const DEFAULT_MODELS: &str = "nano";

/// Which models run, on what.
#[derive(Args, Debug)]
#[command(next_help_heading = "Models")]
pub(crate) struct ModelArgs {
    /// Sets and models, joined by commas; each overrides its part: standard,scrfd_500m
    ///
    /// A list that begins with a model takes its other parts from the set standard.
    #[arg(
        long,
        value_name = "SELECTION",
        env = "FACEKIT_SELECTION",
        default_value = DEFAULT_MODELS
    )]
    pub(crate) models: String,

    /// What runs the models
    #[arg(long, value_enum, default_value_t = RuntimeName::Tract)]
    pub(crate) runtime: RuntimeName,

    #[command(flatten)]
    pub(crate) ort: OrtArgs,

    /// Images worked on at a time [default: one for each core]
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<NonZeroUsize>,
}

/// The inference runtimes there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RuntimeName {
    /// Pure Rust, on the CPU
    Tract,
    /// ONNX Runtime, whose library must be on this machine: on CPUs and accelerators
    Ort,
    /// Candle: pure Rust, slower than tract
    Candle,
}

/// How ONNX Runtime is used.
#[derive(Args, Debug)]
#[command(next_help_heading = "Models")]
pub(crate) struct OrtArgs {
    /// With ort: what computes: cpu, cuda, cuda:1, tensorrt, openvino, coreml
    #[arg(long, value_name = "NAME")]
    pub(crate) provider: Option<Provider>,

    /// With ort: the library, instead of the one that ORT_DYLIB_PATH, the system or Python has
    #[arg(long, value_name = "FILE")]
    pub(crate) onnxruntime: Option<PathBuf>,
}

impl OrtArgs {
    /// The runtime, for so many runs of a model at a time.
    pub(crate) fn runtime(&self, runs: NonZeroUsize) -> Ort {
        let mut ort = Ort::new();
        match &self.provider {
            None | Some(Provider::Cpu) => ort = ort.with_sessions(runs),
            // An accelerator is one device, whoever calls.
            Some(provider) => ort = ort.with_provider(provider.clone()),
        }
        match &self.onnxruntime {
            Some(library) => ort.with_library(library),
            None => ort,
        }
    }
}

impl ModelArgs {
    /// How many images to work on at a time.
    pub(crate) fn jobs(&self) -> NonZeroUsize {
        self.jobs
            .or_else(|| thread::available_parallelism().ok())
            .unwrap_or(NonZeroUsize::MIN)
    }

    /// The runtime as it is written on the command line.
    pub(crate) fn runtime_name(&self) -> String {
        self.runtime().to_string()
    }

    fn runtime(&self) -> Box<dyn Runtime> {
        match self.runtime {
            RuntimeName::Tract => Box::new(Tract::new()),
            RuntimeName::Ort => Box::new(self.ort.runtime(self.jobs())),
            RuntimeName::Candle => Box::new(Candle::new()),
        }
    }

    /// What was said of another runtime than the one that is chosen.
    fn check(&self) -> Result<()> {
        let given = [
            ("--provider", self.ort.provider.is_some()),
            ("--onnxruntime", self.ort.onnxruntime.is_some()),
        ];
        match given.iter().find(|(_, given)| *given) {
            Some((option, _)) if self.runtime != RuntimeName::Ort => {
                bail!("{option} goes with --runtime ort")
            }
            _ => Ok(()),
        }
    }
}

/// The models that are part of the program, and those of the user's models folder.
pub(crate) fn registry() -> Result<Registry> {
    Ok(facekit_nano::registry().read_env()?)
}

/// All models that are known, and those that are selected, loaded.
pub(crate) fn open_models(args: &ModelArgs) -> Result<(Registry, Models)> {
    args.check()?;
    let registry = registry()?;
    // Images are worked on side by side, so each run keeps to one thread.
    let options = LoadOptions::default().with_threads(1);
    let models = registry.load(&args.models, &*args.runtime(), &options)?;
    Ok((registry, models))
}

/// How faces are looked for.
#[derive(Args, Debug)]
#[command(next_help_heading = "Detection")]
pub(crate) struct DetectArgs {
    /// Look for faces on a copy of at most N pixels a side; `none` for the image as it is
    #[arg(long, value_name = "N|none", default_value = "640", value_parser = max_side)]
    pub(crate) max_side: MaxSide,

    /// Equalise the contrast first: for back light and dark rooms
    #[arg(long)]
    pub(crate) equalize: bool,

    /// The lowest score of a face, 0 to 1 [default: the detector's own]
    #[arg(long, value_name = "SCORE", value_parser = share, allow_negative_numbers = true)]
    pub(crate) det_score: Option<f32>,
}

/// A longest side in pixels, or none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MaxSide(Option<NonZeroUsize>);

fn max_side(text: &str) -> Result<MaxSide, String> {
    if text.eq_ignore_ascii_case("none") {
        return Ok(MaxSide(None));
    }
    text.parse()
        .map(|side| MaxSide(Some(side)))
        .map_err(|_| "a number of pixels above 0, or none, is needed".to_owned())
}

pub(crate) fn share(text: &str) -> Result<f32, String> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("a number from 0 to 1 is needed".to_owned()),
    }
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if rate > 0.0 && rate < 1.0 => Ok(rate),
        _ => Err("a rate between 0 and 1, such as 1e-4, is needed".to_owned()),
    }
}

fn cosine(text: &str) -> Result<f32, String> {
    match text.parse() {
        Ok(score) if (-1.0..=1.0).contains(&score) => Ok(score),
        _ => Err("a number from -1 to 1 is needed".to_owned()),
    }
}

impl DetectArgs {
    pub(crate) fn options(&self) -> DetectOptions {
        let mut options = DetectOptions::default()
            .with_max_side(self.max_side.0.map(NonZeroUsize::get))
            .with_equalize(self.equalize);
        options.score = self.det_score;
        options
    }
}

/// When two faces are the same person's.
#[derive(Args, Debug)]
#[command(next_help_heading = "Matching")]
pub(crate) struct MatchArgs {
    /// The share of comparisons of different people that may pass [default: 1e-4]
    #[arg(long, value_name = "RATE", value_parser = rate, conflicts_with_all = ["fpir", "score"])]
    pub(crate) fmr: Option<f64>,

    /// The share of searches by strangers that may name somebody
    #[arg(long, value_name = "RATE", value_parser = rate, conflicts_with = "score")]
    pub(crate) fpir: Option<f64>,

    /// A raw similarity, -1 to 1, instead of a rate
    #[arg(long, value_name = "SCORE", value_parser = cosine, allow_negative_numbers = true)]
    pub(crate) score: Option<f32>,

    /// What the scores mean, as measured by `facekit eval`
    ///
    /// Without it, the file beside the gallery counts, <gallery>.<model>.calibration.toml
    /// (for people.gallery: people.mobilefacenet.calibration.toml); without that, what
    /// comes with the model.
    #[arg(long, value_name = "FILE", verbatim_doc_comment)]
    pub(crate) calibration: Option<PathBuf>,
}

impl MatchArgs {
    pub(crate) fn threshold(&self) -> Threshold {
        match (self.score, self.fpir, self.fmr) {
            (Some(score), _, _) => Threshold::Score(score),
            (_, Some(fpir), _) => Threshold::Fpir(fpir),
            (_, _, Some(fmr)) => Threshold::Fmr(fmr),
            _ => Threshold::default(),
        }
    }

    /// The calibration of the embedder's scores: the file named, else the one beside the gallery, else the manifest's. An
    /// error where it does not tell the threshold asked for, in a search among `templates`.
    pub(crate) fn calibration(
        &self,
        gallery: Option<&Path>,
        models: &Models,
        templates: usize,
    ) -> Result<Option<Calibration>> {
        let space = models.embedder.space();
        let beside = gallery.map(|gallery| calibration_beside(gallery, space.model()));
        let beside = beside.filter(|path| path.exists());
        let path = self.calibration.as_ref().or(beside.as_ref());
        let calibration = match path {
            Some(path) => {
                let calibration = Calibration::open(path)?;
                calibration
                    .check_space(space)
                    .with_context(|| format!("calibration {} cannot be used", path.display()))?;
                Some(calibration)
            }
            None => models.calibration.clone(),
        };
        let score = self
            .threshold()
            .score(calibration.as_ref(), space, templates.max(1));
        if let Err(error) = score {
            let remedy = match &error {
                Error::RateOutOfRange { low, high, .. } => self.remedy(path, *low, *high),
                _ => return Err(error.into()),
            };
            return Err(error).context(remedy);
        }
        Ok(calibration)
    }

    /// What to do where a calibration has not measured the rate asked for.
    fn remedy(&self, path: Option<&PathBuf>, low: f64, high: f64) -> String {
        let option = if self.fpir.is_some() {
            "--fpir"
        } else {
            "--fmr"
        };
        let range = format!("give {option} from {low:.2e} to {high:.2e}");
        match path {
            Some(path) if self.calibration.is_some() => format!(
                "calibration {}: does not cover this rate; {range}, or another --calibration",
                path.display()
            ),
            Some(path) => format!(
                "calibration {}, which lies beside the gallery: does not cover this rate; \
                 {range}, name another file with --calibration, or remove this one",
                path.display()
            ),
            None => format!(
                "the model's own calibration does not cover this rate; {range}, or a --calibration"
            ),
        }
    }
}

/// Where a gallery's own calibration lies: `people.gallery` has `people.<model>.calibration.toml`.
pub(crate) fn calibration_beside(gallery: &Path, model: &str) -> PathBuf {
    let mut name = gallery.file_stem().map(OsString::from).unwrap_or_default();
    name.push(format!(".{model}.calibration.toml"));
    gallery.with_file_name(name)
}

/// Whether faces must be live.
#[derive(Args, Debug)]
#[command(next_help_heading = "Liveness")]
pub(crate) struct LivenessArgs {
    /// Take prints and screens for people, too
    #[arg(long)]
    pub(crate) no_liveness: bool,

    /// The lowest liveness score that counts as live, 0 to 1
    #[arg(long, value_name = "SCORE", default_value_t = 0.5, value_parser = share,
        allow_negative_numbers = true)]
    pub(crate) liveness_threshold: f32,
}

/// Everything between an image and a person.
#[derive(Args, Debug)]
pub(crate) struct RecognizeArgs {
    #[command(flatten)]
    pub(crate) models: ModelArgs,
    #[command(flatten)]
    pub(crate) detect: DetectArgs,
    #[command(flatten)]
    pub(crate) matching: MatchArgs,
    #[command(flatten)]
    pub(crate) liveness: LivenessArgs,
}

impl RecognizeArgs {
    /// The selected models, without those that are not wanted.
    pub(crate) fn open_models(&self) -> Result<Models> {
        let (_, mut models) = open_models(&self.models)?;
        if self.liveness.no_liveness {
            models.liveness = None;
        }
        Ok(models)
    }

    /// A recogniser without a gallery. One given a gallery's path and templates looks for a calibration beside it.
    pub(crate) fn recognizer(
        &self,
        mut models: Models,
        gallery: Option<(&Path, usize)>,
    ) -> Result<RecognizerBuilder> {
        let (path, templates) = gallery.unzip();
        models.calibration = self
            .matching
            .calibration(path, &models, templates.unwrap_or(1))?;
        Ok(Recognizer::builder()
            .models(models)
            .threshold(self.matching.threshold())
            .detect_options(self.detect.options())
            .liveness_threshold(self.liveness.liveness_threshold))
    }

    /// A recogniser that looks people up in an open gallery file. Whoever another embedder enrolled is not found: where that is
    /// everybody, it is an error.
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

    /// A recogniser over an open gallery file.
    pub(crate) fn recognizer_over(
        &self,
        models: Models,
        store: &Arc<FileStore>,
        keep_crops: bool,
    ) -> Result<Recognizer> {
        let index = ExactIndex::new(models.embedder.space().clone(), Metric::Cosine);
        let gallery = Gallery::open(Arc::clone(store), index)?.with_crops(keep_crops);
        Ok(self
            .recognizer(models, Some((store.path(), gallery.len())))?
            .gallery(gallery)
            .build()?)
    }
}

/// A gallery file that exists, and its key.
#[derive(Args, Debug)]
#[command(next_help_heading = "Gallery")]
pub(crate) struct GalleryArgs {
    /// The gallery file
    #[arg(long, value_name = "FILE")]
    pub(crate) gallery: PathBuf,

    #[command(flatten)]
    pub(crate) key: KeyArgs,
}

/// The key of a gallery that exists.
#[derive(Args, Debug)]
#[command(next_help_heading = "Gallery")]
pub(crate) struct KeyArgs {
    /// The gallery's key file
    ///
    /// Without it, FACEKIT_KEY_FILE names one, or FACEKIT_GALLERY_KEY holds the key or
    /// passphrase itself.
    #[arg(long, value_name = "FILE", verbatim_doc_comment)]
    pub(crate) key_file: Option<PathBuf>,
}

impl GalleryArgs {
    pub(crate) fn open(&self, session: &Session) -> Result<Arc<FileStore>> {
        self.key.open(session, &self.gallery)
    }

    /// As [`open`](Self::open), for commands that change nothing.
    pub(crate) fn open_read_only(&self, session: &Session) -> Result<Arc<FileStore>> {
        self.key.open_read_only(session, &self.gallery)
    }
}

impl KeyArgs {
    /// Opens a gallery file with the key that it needs, if it needs one.
    pub(crate) fn open(&self, session: &Session, path: &Path) -> Result<Arc<FileStore>> {
        let protection = self.protection(session, path)?;
        Ok(Arc::new(FileStore::open(path, &protection)?))
    }

    /// As [`open`](Self::open), for commands that change nothing.
    pub(crate) fn open_read_only(&self, session: &Session, path: &Path) -> Result<Arc<FileStore>> {
        let protection = self.protection(session, path)?;
        Ok(Arc::new(FileStore::open_read_only(path, &protection)?))
    }

    fn protection(&self, session: &Session, path: &Path) -> Result<Protection> {
        Ok(match FileStore::protection_kind(path)? {
            ProtectionKind::None => {
                let note = format!("gallery {}: it is not encrypted", path.display());
                session.output.note(&note);
                Protection::None
            }
            kind => {
                let what = match kind {
                    ProtectionKind::Passphrase => "a passphrase",
                    _ => "a key",
                };
                self.given(session)?.with_context(|| {
                    format!(
                        "gallery {}: it is encrypted with {what}; give --key-file, or set {KEY_FILE} or {KEY}",
                        path.display()
                    )
                })?
            }
        })
    }

    /// The key file that the command line or the environment names.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        let file = self.key_file.clone();
        file.or_else(|| variable(KEY_FILE).map(PathBuf::from))
    }

    /// The key that the command line or the environment names.
    pub(crate) fn given(&self, session: &Session) -> Result<Option<Protection>> {
        let key = match self.file() {
            Some(file) => {
                let key = GalleryKey::from_file(&file)
                    .with_context(|| format!("key file {}: it gives no key", file.display()))?;
                if others_may_read(&file) {
                    let file = file.display();
                    let note = format!("key file {file}: others may read it; `chmod 600 {file}`");
                    session.output.note(&note);
                }
                key
            }
            None if variable(KEY).is_some() => GalleryKey::from_env(KEY)?,
            None => return Ok(None),
        };
        Ok(Some(Protection::Key(key)))
    }
}

fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

#[cfg(unix)]
fn others_may_read(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(file).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn others_may_read(_file: &Path) -> bool {
    false
}

/// A gallery file that is created where there is none.
#[derive(Args, Debug)]
#[command(next_help_heading = "Gallery")]
pub(crate) struct NewGalleryArgs {
    #[command(flatten)]
    pub(crate) existing: GalleryArgs,

    /// For a new gallery: make a key and keep it in this file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["key_file", "no_encryption"])]
    pub(crate) new_key_file: Option<PathBuf>,

    /// For a new gallery: whoever has the file has the faces
    #[arg(long, conflicts_with = "key_file")]
    pub(crate) no_encryption: bool,
}

impl NewGalleryArgs {
    /// Opens the gallery, or creates it.
    pub(crate) fn open_or_create(&self, session: &Session) -> Result<OpenGallery> {
        let path = &self.existing.gallery;
        if fs::symlink_metadata(path).is_ok() {
            if self.new_key_file.is_some() {
                bail!(
                    "gallery {}: exists already, so it has a key; `facekit gallery rekey` gives it a new one",
                    path.display()
                );
            }
            let store = self.existing.open(session)?;
            return Ok(OpenGallery {
                store,
                created: None,
            });
        }
        let protection = if self.no_encryption {
            Protection::None
        } else if let Some(file) = &self.new_key_file {
            Protection::Key(new_key(file, "--key-file")?)
        } else {
            self.existing.key.given(session)?.with_context(|| {
                format!(
                    "gallery {}: there is none yet, and how to protect a new one is for you to say: \
                     --new-key-file FILE makes a key, --key-file FILE or {KEY_FILE} takes one that you have, \
                     {KEY} holds one or a passphrase, --no-encryption leaves people's faces open",
                    path.display()
                )
            })?
        };
        let created = vec![Some(path.clone()), self.new_key_file.clone()];
        let store = FileStore::create(path, &protection).inspect_err(|_| {
            // A key of nothing.
            if let Some(file) = &self.new_key_file {
                let _ = fs::remove_file(file);
            }
        })?;
        Ok(OpenGallery {
            store: Arc::new(store),
            created: Some(created.into_iter().flatten().collect()),
        })
    }
}

/// Makes a key and writes it to a new file. One that is there already is left alone: it may open another gallery. Whoever
/// was interrupted between key and gallery learns how to go on; `option` takes a key that exists.
pub(crate) fn new_key(file: &Path, option: &str) -> Result<GalleryKey> {
    let shown = file.display();
    let key = GalleryKey::generate()?;
    key.write_new_file(file).with_context(|| {
        let found = fs::metadata(file).ok().filter(fs::Metadata::is_file);
        let why = match found {
            Some(found) if found.len() == 0 => {
                "; it is there and empty, so remove it and run this again".to_owned()
            }
            Some(_) if GalleryKey::from_file(file).is_ok() => format!(
                "; it is there and holds a key, which {option} {shown} uses \
                 in place of --new-key-file"
            ),
            Some(_) => "; it is there and is no key file, so name another one".to_owned(),
            None => String::new(),
        };
        format!("key file {shown}: not created{why}")
    })?;
    Ok(key)
}

/// A gallery file in use. One that was created and got nobody disappears again, with its key.
#[derive(Debug)]
pub(crate) struct OpenGallery {
    pub(crate) store: Arc<FileStore>,
    created: Option<Vec<PathBuf>>,
}

impl OpenGallery {
    pub(crate) fn is_new(&self) -> bool {
        self.created.is_some()
    }
}

impl Drop for OpenGallery {
    fn drop(&mut self) {
        let empty = || self.store.people().is_ok_and(|people| people.is_empty());
        if let Some(created) = self.created.take().filter(|_| empty()) {
            for file in created {
                let _ = fs::remove_file(file);
            }
        }
    }
}

/// Refuses to write over a file that exists.
pub(crate) fn require_absent(what: &str, path: &Path) -> Result<()> {
    if fs::symlink_metadata(path).is_ok() {
        return Err(io::Error::from(io::ErrorKind::AlreadyExists))
            .with_context(|| format!("{what} {}: not written over", shown(path)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calibrations_lie_beside_galleries() {
        let beside = |gallery: &str| calibration_beside(Path::new(gallery), "arc.v2");
        assert_eq!(
            beside("a/people.gallery"),
            Path::new("a/people.arc.v2.calibration.toml")
        );
        assert_eq!(
            beside("people"),
            Path::new("people.arc.v2.calibration.toml")
        );
        assert_eq!(
            beside("a.b.gallery"),
            Path::new("a.b.arc.v2.calibration.toml")
        );
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        assert!(max_side("0").is_err() && max_side("-1").is_err() && max_side("x").is_err());
        assert!(max_side("none").is_ok() && max_side("320").is_ok());
        assert!(rate("0").is_err() && rate("1").is_err() && rate("nan").is_err());
        assert!(share("1.1").is_err() && share("nan").is_err() && share("1").is_ok());
        assert!(cosine("-1").is_ok() && cosine("2").is_err());
    }
}
