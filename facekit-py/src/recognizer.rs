//! Frames in, people out.

use std::{num::NonZeroUsize, path::PathBuf, sync::Arc, thread};

use facekit::{
    AlignedFace, Calibration, DetectOptions, EnrollOptions, Error, IdentifyOptions, ImageView,
    LoadOptions, PersonId, PixelFormat, QualityOptions, RecognizeOptions, Result, Watch, align,
    image as pixels,
};
use pyo3::prelude::*;

use crate::{
    embedding::{Embedding, EmbeddingSpace},
    engine::engine,
    errors,
    gallery::{Gallery, Shared},
    image::{self, Color, Photo},
    many::{Manner, RecognizeMany},
    models,
    options::{self, options, parse_subject, quality_options, share, threshold},
    process::OfProcess,
    reports::{EnrollReport, Verification},
    results::{self, Candidate, Detection, Recognition},
    work,
};

/// Recognises and enrols people: a detector, a quality gate, a liveness check, an embedder and a gallery, one after the other.
///
/// `models` is a selection of sets and models joined by commas, each overriding its part: `"nano"`, whose weights are part of
/// facekit, `"standard"`, `"standard,scrfd_500m"`; see `facekit.models.list()`. `models_folder` is where their files are, unless
/// FACEKIT_MODELS or the platform's cache folder is meant.
///
/// `runtime` computes: `"tract"` needs nothing, `"ort"` is ONNX Runtime and needs `pip install onnxruntime`, `"candle"` needs nothing
/// and is slower than tract. With "ort", `provider` names what computes (`"cpu"`, `"cuda"`, `"cuda:1"`, `"tensorrt"`,
/// `"openvino"`, `"coreml"`), and `onnxruntime` the library, unless the installed package's is meant.
///
/// When two faces are the same person's: `fmr`, the share of comparisons of different people that may pass (1e-4 unless something
/// is said); or `fpir`, the share of searches by strangers that may name somebody; or `score`, a raw similarity from -1 to 1. A
/// rate needs the embedder's calibration: the file `calibration`, or the one beside the gallery
/// (`people.<model>.calibration.toml`), or what comes with the model.
///
/// Faces are looked for on a copy whose longer side is at most `max_side` pixels (None: the image as it is), after equalising the
/// contrast where `equalize` is set. `detector_score` is the lowest score of a face and `detector_overlap` the overlap above which
/// the weaker of two boxes is dropped, 0 to 1, the detector's own where they are None. `quality` is what a face needs to be
/// compared: "recognition", "enrollment", "anything", or a dict of what differs from the first, such as `{"max_yaw": 30}`.
/// Where the models have a liveness check, a face needs a score of `liveness_threshold`, 0 to 1; with `liveness=False`, and with
/// models that have none, prints and screens are taken for people. The property `checks_liveness` says which it is. `subject`
/// says which faces are looked at: "all", "largest" or "central".
///
/// `threads` is how many images `recognize_many` works on at a time, one for each core unless it is given. Every other call
/// computes on the thread that makes it, with the GIL released, and a recogniser may be called from any number of threads at
/// once.
///
/// Images are what `recognize` says. Every method that takes one raises TypeError or ValueError for what is not an image,
/// ImageError for a file that cannot be decoded, and ForkedError in a process that was forked off the one that made the
/// recogniser.
///
/// Raises UnknownModelError, ModelMissingError for a model that was not fetched, LibraryUnavailableError where there is no ONNX
/// Runtime, UncalibratedError and RateOutOfRangeError for a rate that nobody has measured, InvalidArgumentError.
///
/// >>> import facekit
/// >>> recognizer = facekit.Recognizer(gallery=facekit.Gallery())
/// >>> recognizer.space.dimension
/// 128
#[pyclass(frozen, module = "facekit")]
pub(crate) struct Recognizer(OfProcess<Arc<Parts>>);

/// A recogniser, and what Python says of it.
pub(crate) struct Parts {
    pub(crate) recognizer: facekit::Recognizer,
    gallery: Option<Arc<Shared>>,
    detect_options: DetectOptions,
    pub(crate) threads: NonZeroUsize,
    selection: String,
    runtime: String,
}

#[pymethods]
impl Recognizer {
    #[new]
    #[pyo3(signature = (
        models = "nano", *, runtime = "tract", gallery = None, fmr = None, fpir = None, score = None, calibration = None,
        liveness = true, liveness_threshold = 0.5, max_side = 640, equalize = false, detector_score = None,
        detector_overlap = None, quality = None, subject = "all", threads = None, provider = None, onnxruntime = None,
        models_folder = None
    ))]
    #[allow(clippy::too_many_arguments, reason = "they have names in Python")]
    fn new(
        py: Python<'_>,
        models: &str,
        runtime: &str,
        gallery: Option<&Gallery>,
        fmr: Option<f64>,
        fpir: Option<f64>,
        score: Option<f32>,
        calibration: Option<PathBuf>,
        liveness: bool,
        liveness_threshold: f32,
        max_side: Option<i64>,
        equalize: bool,
        detector_score: Option<f32>,
        detector_overlap: Option<f32>,
        quality: Option<&Bound<'_, PyAny>>,
        subject: &str,
        threads: Option<i64>,
        provider: Option<&str>,
        onnxruntime: Option<PathBuf>,
        models_folder: Option<PathBuf>,
    ) -> PyResult<Self> {
        let threads = options::threads(py, threads)?
            .unwrap_or_else(|| thread::available_parallelism().unwrap_or(NonZeroUsize::MIN));
        let threshold = threshold(py, fmr, fpir, score)?;
        let max_side = max_side
            .map(|side| options::whole(py, "max_side", side))
            .transpose()?;
        let mut detect_options = DetectOptions::default()
            .with_max_side(max_side)
            .with_equalize(equalize);
        detect_options.score = share(py, "detector_score", detector_score)?;
        detect_options.overlap = share(py, "detector_overlap", detector_overlap)?;
        if max_side == Some(0) {
            return Err(errors::argument(
                py,
                "max_side",
                "0 given, a number of pixels or None needed",
            ));
        }
        let quality = quality_options(py, quality)?;
        let subject = parse_subject(py, subject)?;
        let engine = engine(py, runtime, provider, onnxruntime, threads)?;
        let gallery = gallery
            .map(|gallery| gallery.open_shared(py).cloned())
            .transpose()?;
        let parts = work::detached(py, || {
            // Images are worked on side by side, so each run keeps to one thread.
            let options = LoadOptions::default().with_threads(1);
            let mut loaded = models::registry(models_folder)?.load(models, &*engine, &options)?;
            if !liveness {
                loaded.liveness = None;
            }
            let space = loaded.embedder.space().clone();
            let given = match (&calibration, gallery.as_ref().and_then(|g| g.path())) {
                (Some(path), _) => Some(Calibration::open(path)?),
                (None, Some(gallery)) => Calibration::open_beside(gallery, &space)?,
                (None, None) => None,
            };
            loaded.calibration = given.or(loaded.calibration);
            let mut builder = facekit::Recognizer::builder()
                .models(loaded)
                .threshold(threshold)
                .detect_options(detect_options.clone())
                .quality(quality)
                .liveness_threshold(liveness_threshold)
                .subject(subject);
            if let Some(gallery) = &gallery {
                builder = builder.gallery(gallery.over(&space)?);
            }
            Ok(Parts {
                recognizer: builder.build()?,
                gallery,
                detect_options,
                threads,
                selection: models.to_owned(),
                runtime: runtime.to_owned(),
            })
        })?;
        Ok(Self(OfProcess::new(Arc::new(parts))))
    }

    /// Finds the faces in an image: `Faces` of `Detection`, in falling order of score.
    ///
    /// Images are as for `recognize`. Neither quality gate nor liveness check applies.
    ///
    /// >>> import facekit, numpy
    /// >>> grey = numpy.full((480, 640, 3), 128, dtype="uint8")
    /// >>> len(facekit.Recognizer().detect(grey))
    /// 0
    #[pyo3(signature = (image, *, color = "rgb"))]
    fn detect<'py>(
        &self,
        py: Python<'py>,
        image: &Bound<'py, PyAny>,
        color: &str,
    ) -> PyResult<Bound<'py, PyAny>> {
        let parts = self.parts(py)?;
        let photo = Photo::new("image", image, Color::parse(color)?)?;
        let (found, size) = work::detached(py, || {
            let image = photo.open()?;
            let found = parts
                .recognizer
                .detector()
                .detect(image.view(), &parts.detect_options)?;
            Ok((found, image.size()))
        })?;
        results::faces(py, found.into_iter().map(Detection).collect(), size)
    }

    /// Embeds faces of an image: one `Embedding` for each of `detections`, in order, or for each face that is found where they
    /// are not given.
    ///
    /// Neither quality gate nor liveness check applies; `recognize` embeds what passes them.
    ///
    /// Raises InvalidArgumentError for a given detection whose five landmarks lie on one spot.
    ///
    /// >>> import facekit
    /// >>> recognizer = facekit.Recognizer()
    /// >>> faces = recognizer.detect("anna.jpg")
    /// >>> [embedding.values.shape for embedding in recognizer.embed("anna.jpg", faces)]
    /// [(128,)]
    #[pyo3(signature = (image, detections = None, *, color = "rgb"))]
    fn embed(
        &self,
        py: Python<'_>,
        image: &Bound<'_, PyAny>,
        detections: Option<Vec<Detection>>,
        color: &str,
    ) -> PyResult<Vec<Embedding>> {
        let parts = self.parts(py)?;
        let photo = Photo::new("image", image, Color::parse(color)?)?;
        let embeddings = work::watched(py, None, |watch| {
            let image = photo.open()?;
            let ((width, height), rgb) = (image.size(), image.rgb8());
            let view = ImageView::new(&rgb, width, height, PixelFormat::Rgb8)?;
            let side = parts.recognizer.embedder().face_side();
            let crop = |face: &facekit::Detection| align(view, &face.landmarks, side);
            match detections {
                Some(given) => parts.embed_each(given.iter().map(|face| crop(&face.0)), &watch),
                // Landmarks on one spot are a detector's mistake, not a face.
                None => {
                    let detector = parts.recognizer.detector();
                    let found = detector.detect(view, &parts.detect_options)?;
                    let crops = found.iter().filter_map(|face| crop(face).ok());
                    parts.embed_each(crops.map(Ok), &watch)
                }
            }
        })?;
        Ok(embeddings.into_iter().map(Embedding::from).collect())
    }

    /// Embeds faces that are aligned already, as `facekit` and insightface align them: square crops with the eyes, the nose and
    /// the mouth where the embedder expects them. Crops of another size than the embedder's are resized.
    ///
    /// Raises InvalidArgumentError for a crop that is not square.
    ///
    /// >>> import facekit, numpy
    /// >>> crops = [numpy.full((112, 112, 3), grey, dtype="uint8") for grey in (50, 200)]
    /// >>> len(facekit.Recognizer().embed_aligned(crops))
    /// 2
    #[pyo3(signature = (crops, *, color = "rgb"))]
    fn embed_aligned(
        &self,
        py: Python<'_>,
        crops: &Bound<'_, PyAny>,
        color: &str,
    ) -> PyResult<Vec<Embedding>> {
        let parts = self.parts(py)?;
        let crops = several("crops", crops, Color::parse(color)?)?;
        let embeddings = work::watched(py, None, |watch| {
            let side = parts.recognizer.embedder().face_side();
            let crop = |photo: &Photo| {
                let crop = photo.open()?;
                match crop.size() {
                    (width, height) if width != height => Err(Error::argument(
                        "crops",
                        format!("{width} × {height} given, a square needed"),
                    )),
                    (width, _) if width == side => AlignedFace::new(crop.view().to_image()),
                    _ => AlignedFace::new(pixels::resize(crop.view(), side, side)?),
                }
            };
            parts.embed_each(crops.iter().map(crop), &watch)
        })?;
        Ok(embeddings.into_iter().map(Embedding::from).collect())
    }

    /// Whether two photos show the same person (1:1), by the largest face of each.
    ///
    /// A photo with several faces of similar size is unusable. The liveness check applies to the probe: the reference is the
    /// document, which may be a print.
    ///
    /// >>> import facekit
    /// >>> bool(facekit.Recognizer().verify("anna.jpg", "door.jpg"))
    /// True
    #[pyo3(signature = (reference, probe, *, color = "rgb"))]
    fn verify(
        &self,
        py: Python<'_>,
        reference: &Bound<'_, PyAny>,
        probe: &Bound<'_, PyAny>,
        color: &str,
    ) -> PyResult<Verification> {
        let parts = self.parts(py)?;
        let color = Color::parse(color)?;
        let reference = Photo::new("reference", reference, color)?;
        let probe = Photo::new("probe", probe, color)?;
        work::detached(py, || {
            let (reference, probe) = (reference.open()?, probe.open()?);
            parts.recognizer.verify(reference.view(), probe.view())
        })
        .map(Verification)
    }

    /// Enrols a person from photos: the largest face of each becomes a template, if it passes the quality gate and the liveness
    /// check. When this returns, the gallery's file has the templates.
    ///
    /// Refused photos are no error: the report gives a reason for each. Where all are refused, nobody is enrolled. Of three photos
    /// and more, those that do not match the others are refused.
    ///
    /// `liveness=False` is for passport photos, which are prints. `augment` makes each template the mean over small changes of its
    /// photo. `refuse_resemblance` enrols nobody whose face belongs to somebody else already; otherwise the report warns. A second
    /// face of at least `ambiguity` times the area of the largest, 0 to 1, makes a photo unusable. `progress(done, total)` is
    /// called after each photo.
    ///
    /// Raises InvalidPersonIdError; InvalidArgumentError where there is no gallery or no photo; StoreError where the file cannot
    /// be written. Nothing has changed then.
    ///
    /// >>> import facekit
    /// >>> recognizer = facekit.Recognizer(gallery=facekit.Gallery())
    /// >>> recognizer.enroll("anna", ["anna.jpg", "door.jpg"], name="Anna Weiß")
    /// <EnrollReport "anna", 2 accepted, 0 refused>
    #[pyo3(signature = (
        person, photos, *, name = None, liveness = true, augment = false, refuse_resemblance = false, ambiguity = 0.7,
        quality = None, color = "rgb", progress = None
    ))]
    #[allow(clippy::too_many_arguments, reason = "they have names in Python")]
    fn enroll(
        &self,
        py: Python<'_>,
        person: &str,
        photos: &Bound<'_, PyAny>,
        name: Option<String>,
        liveness: bool,
        augment: bool,
        refuse_resemblance: bool,
        ambiguity: f32,
        quality: Option<&Bound<'_, PyAny>>,
        color: &str,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<EnrollReport> {
        let parts = self.parts(py)?;
        let color = Color::parse(color)?;
        let photos = several("photos", photos, color)?;
        share(py, "ambiguity", Some(ambiguity))?;
        let quality = match quality {
            Some(quality) => quality_options(py, Some(quality))?,
            None => QualityOptions::enrollment(),
        };
        work::watched(py, progress, |watch| {
            let person = PersonId::new(person)?;
            let mut options = EnrollOptions::default()
                .with_quality(quality)
                .with_liveness(liveness)
                .with_augment(augment)
                .with_refuse_resemblance(refuse_resemblance)
                .with_ambiguity(ambiguity)
                .with_watch(watch);
            options.name = name;
            let photos = photos.iter().map(Photo::open);
            parts.recognizer.enroll_each(&person, photos, &options)
        })
        .map(EnrollReport)
    }

    /// Recognises the faces in an image: `Faces` of `Recognition`, one for each face with what became of it; empty where there is
    /// none.
    ///
    /// `image` is a NumPy array of uint8 with shape (height, width, 3), (height, width, 4), whose alpha is ignored, or
    /// (height, width), in any memory layout; the path of a JPEG, PNG or WebP file, or its bytes; or a PIL image. `color` is the
    /// order of an array's channels: "rgb", or "bgr", which OpenCV has. An array whose rows lie in memory as usual is not
    /// copied, so it must not be written to or reshaped in place meanwhile. `roster` limits the search to people with these ids,
    /// `subject` is as for `Recognizer`.
    ///
    /// Raises UnknownPersonError for a roster with somebody who is not in the gallery, RuntimeFailedError where a model fails,
    /// RateOutOfRangeError where `fpir` was asked for and the gallery has outgrown what the calibration can answer for.
    ///
    /// >>> import facekit, numpy
    /// >>> recognizer = facekit.Recognizer()
    /// >>> frame = numpy.zeros((480, 640, 3), dtype="uint8")
    /// >>> for face in recognizer.recognize(frame[..., ::-1], color="bgr"):
    /// ...     print(face.person or face.outcome, face.box)
    #[pyo3(signature = (image, *, roster = None, subject = None, color = "rgb"))]
    fn recognize<'py>(
        &self,
        py: Python<'py>,
        image: &Bound<'py, PyAny>,
        roster: Option<&Bound<'py, PyAny>>,
        subject: Option<&str>,
        color: &str,
    ) -> PyResult<Bound<'py, PyAny>> {
        let parts = self.parts(py)?;
        let photo = Photo::new("image", image, Color::parse(color)?)?;
        let options = options(py, &parts.recognizer, roster, subject)?;
        let (found, size) = work::detached(py, || parts.recognize(&photo, &options))?;
        results::faces(py, found.into_iter().map(Recognition::from).collect(), size)
    }

    /// Recognises the faces in many images on `threads` threads: an iterator over what `recognize` would return, in order.
    ///
    /// `images` is any iterable, a generator too. Images are taken on the thread that asks for a result, up to `ahead` of them
    /// before their own results are asked for: two for each thread and a few more where it is None. With `ahead=0` each result is
    /// given before the next image is taken, which is for cameras and queues, where that one may be long in coming; images are
    /// worked on one after the other then. Arrays must not be written to before their result has come.
    ///
    /// `errors="raise"` raises for an image that cannot be used, and the next call goes on with the one after it;
    /// `errors="return"` gives the exception in the place of the result. An exception of the iterable itself comes after the
    /// results of the images before it, except KeyboardInterrupt and the like, which end everything at once.
    ///
    /// >>> import facekit, numpy
    /// >>> frames = (numpy.full((240, 320, 3), grey, dtype="uint8") for grey in range(0, 250, 50))
    /// >>> [len(faces) for faces in facekit.Recognizer().recognize_many(frames)]
    /// [0, 0, 0, 0, 0]
    #[pyo3(signature = (
        images, *, roster = None, subject = None, color = "rgb", threads = None, ahead = None, errors = "raise"
    ))]
    #[allow(clippy::too_many_arguments, reason = "they have names in Python")]
    fn recognize_many(
        &self,
        py: Python<'_>,
        images: &Bound<'_, PyAny>,
        roster: Option<&Bound<'_, PyAny>>,
        subject: Option<&str>,
        color: &str,
        threads: Option<i64>,
        ahead: Option<i64>,
        errors: &str,
    ) -> PyResult<RecognizeMany> {
        let parts = self.parts(py)?;
        let threads = options::threads(py, threads)?.unwrap_or(parts.threads);
        let ahead = ahead
            .map(|ahead| options::whole(py, "ahead", ahead))
            .transpose()?;
        let raise = match errors {
            "raise" => true,
            "return" => false,
            _ => {
                let reason = format!("{errors:?} given, \"raise\" or \"return\" needed");
                return Err(errors::argument(py, "errors", reason));
            }
        };
        let options = options(py, &parts.recognizer, roster, subject)?;
        let manner = Manner {
            color: Color::parse(color)?,
            threads,
            ahead,
            raise,
        };
        RecognizeMany::new(images, Arc::clone(parts), options, manner)
    }

    /// The `k` people nearest to a face (1:N), nearest first, whether or not they pass the threshold.
    ///
    /// `probe` is an `Embedding`, or an image, of which the largest face counts; where that face is missing, not good enough or not
    /// live, the list is empty, and `recognize` says why. `roster` limits the search to people with these ids.
    ///
    /// Raises InvalidArgumentError where there is no gallery, SpaceMismatchError for an embedding of another model,
    /// UnknownPersonError for a roster with somebody who is not in the gallery.
    ///
    /// >>> import facekit
    /// >>> recognizer = facekit.Recognizer(gallery=facekit.Gallery())
    /// >>> report = recognizer.enroll("anna", "anna.jpg")
    /// >>> [(candidate.person, candidate.matches) for candidate in recognizer.identify("door.jpg", k=3)]
    /// [('anna', True)]
    #[pyo3(signature = (probe, k = 5, *, roster = None, color = "rgb"))]
    fn identify(
        &self,
        py: Python<'_>,
        probe: &Bound<'_, PyAny>,
        k: i64,
        roster: Option<&Bound<'_, PyAny>>,
        color: &str,
    ) -> PyResult<Vec<Candidate>> {
        let parts = self.parts(py)?;
        let k = options::whole(py, "k", k)?;
        let options = options(py, &parts.recognizer, roster, Some("largest"))?;
        if let Ok(embedding) = probe.cast::<Embedding>() {
            let embedding = &embedding.get().0;
            return work::detached(py, || parts.identify(embedding, k, &options));
        }
        let photo = Photo::new("probe", probe, Color::parse(color)?)?;
        work::detached(py, || {
            let (mut faces, _) = parts.recognize(&photo, &options)?;
            match faces.pop().and_then(|face| face.embedding) {
                Some(embedding) => parts.identify(&embedding, k, &options),
                None => Ok(Vec::new()),
            }
        })
    }

    /// Makes templates of this embedder for everyone who has none but whose crops were kept, after a change of model: the ids of
    /// who was embedded, and of who has no crops and must be enrolled again. `progress(done, None)` is called after each crop.
    ///
    /// >>> import facekit
    /// >>> facekit.Recognizer(gallery=facekit.Gallery()).embed_again()
    /// ([], [])
    #[pyo3(signature = (*, progress = None))]
    fn embed_again(
        &self,
        py: Python<'_>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<(Vec<String>, Vec<String>)> {
        let parts = self.parts(py)?;
        let report = work::watched(py, progress, |watch| parts.recognizer.embed_again(&watch))?;
        let ids = |people: Vec<PersonId>| people.into_iter().map(String::from).collect();
        Ok((ids(report.embedded), ids(report.must_enroll)))
    }

    /// The lowest score that passes in a search among `templates` templates; 1 is a comparison of two faces.
    ///
    /// >>> import facekit
    /// >>> facekit.Recognizer(fmr=1e-3).threshold() < facekit.Recognizer(fmr=1e-4).threshold()
    /// True
    /// >>> recognizer = facekit.Recognizer(fpir=1e-2)
    /// >>> recognizer.threshold(1) < recognizer.threshold(100)
    /// True
    #[pyo3(signature = (templates = 1))]
    fn threshold(&self, py: Python<'_>, templates: i64) -> PyResult<f32> {
        let templates = options::whole(py, "templates", templates)?;
        let parts = self.parts(py)?;
        parts
            .recognizer
            .score_threshold(templates)
            .map_err(|error| errors::to_python(py, &error))
    }

    /// The false-match rate of a single comparison that a score stands for; None where the space is not calibrated.
    ///
    /// >>> import facekit
    /// >>> recognizer = facekit.Recognizer(fmr=1e-3)
    /// >>> 0.5e-3 < recognizer.fmr_of(recognizer.threshold()) < 2e-3
    /// True
    fn fmr_of(&self, py: Python<'_>, score: f32) -> PyResult<Option<f64>> {
        Ok(self.parts(py)?.recognizer.fmr_of(score))
    }

    /// The space of its embeddings.
    #[getter]
    fn space(&self, py: Python<'_>) -> PyResult<EmbeddingSpace> {
        let space = self.parts(py)?.recognizer.embedder().space();
        Ok(EmbeddingSpace(space.clone()))
    }

    /// The selection of models.
    #[getter]
    fn models(&self, py: Python<'_>) -> PyResult<&str> {
        Ok(&self.parts(py)?.selection)
    }

    /// What runs the models.
    #[getter]
    fn runtime(&self, py: Python<'_>) -> PyResult<&str> {
        Ok(&self.parts(py)?.runtime)
    }

    /// Whether prints and screens are told from people: the models have a liveness check, and it is on.
    #[getter]
    fn checks_liveness(&self, py: Python<'_>) -> PyResult<bool> {
        Ok(self.parts(py)?.recognizer.liveness().is_some())
    }

    /// How many images `recognize_many` works on at a time.
    #[getter]
    fn threads(&self, py: Python<'_>) -> PyResult<usize> {
        Ok(self.parts(py)?.threads.get())
    }

    fn __repr__(&self) -> String {
        match self.0.here() {
            Some(parts) => format!(
                "<Recognizer models={:?}, runtime={:?}, threads={}>",
                parts.selection, parts.runtime, parts.threads
            ),
            None => "<Recognizer of another process>".to_owned(),
        }
    }
}

impl Recognizer {
    /// For use: an error in another process, and where the gallery was closed.
    fn parts(&self, py: Python<'_>) -> PyResult<&Arc<Parts>> {
        let parts = self.0.get(py, "Recognizer")?;
        parts.check_open(py)?;
        Ok(parts)
    }
}

impl Parts {
    /// An error where the gallery was closed.
    pub(crate) fn check_open(&self, py: Python<'_>) -> PyResult<()> {
        match &self.gallery {
            Some(gallery) => gallery.check_open(py),
            None => Ok(()),
        }
    }

    /// Embeds crops, some at a time, and tells of it in between.
    fn embed_each(
        &self,
        crops: impl Iterator<Item = Result<AlignedFace>>,
        watch: &Watch<'_>,
    ) -> Result<Vec<facekit::Embedding>> {
        const AT_A_TIME: usize = 32;
        let (mut crops, mut embeddings) = (crops, Vec::new());
        loop {
            let some: Vec<AlignedFace> = crops.by_ref().take(AT_A_TIME).collect::<Result<_>>()?;
            if some.is_empty() {
                return Ok(embeddings);
            }
            embeddings.extend(self.recognizer.embedder().embed(&some)?);
            watch.report(embeddings.len() as u64, None)?;
        }
    }

    /// The faces in a photo, and its width and height.
    pub(crate) fn recognize(
        &self,
        photo: &Photo,
        options: &RecognizeOptions,
    ) -> Result<(Vec<facekit::Recognition>, (usize, usize))> {
        let image = photo.open()?;
        let faces = self.recognizer.recognize_with(image.view(), options)?;
        Ok((faces, image.size()))
    }

    fn identify(
        &self,
        probe: &facekit::Embedding,
        k: usize,
        options: &RecognizeOptions,
    ) -> Result<Vec<Candidate>> {
        let mut identify = IdentifyOptions::default().with_k(k);
        identify.roster.clone_from(&options.roster);
        let candidates = self.recognizer.identify(probe, &identify)?;
        Ok(candidates.into_iter().map(Candidate).collect())
    }
}

/// The photos of an iterable; a single one stands for itself.
fn several(
    argument: &'static str,
    photos: &Bound<'_, PyAny>,
    color: Color,
) -> PyResult<Vec<Photo>> {
    let class = photos.get_type();
    if image::is_single(photos)? || !class.hasattr("__iter__")? && !class.hasattr("__getitem__")? {
        return Photo::new(argument, photos, color).map(|photo| vec![photo]);
    }
    let photos = photos.try_iter()?;
    photos
        .map(|photo| Photo::new(argument, &photo?, color))
        .collect()
}
