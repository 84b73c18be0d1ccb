//! `Recognizer`: frames in, people out.

use std::{num::NonZeroUsize, path::PathBuf, sync::Arc, thread};

use facekit::{
    AlignedFace, Calibration, DetectOptions, EnrollOptions, Error, IdentifyOptions, LoadOptions,
    MirrorOptions, PersonId, QualityOptions, Result, VerifyOptions, image as pixels,
    image::DecodeLimits,
};
use pyo3::prelude::*;

use crate::{
    analysis::Analysis,
    detection::Detection,
    embedding::{Embedding, EmbeddingSpace},
    errors,
    gallery::Gallery,
    image::{self, Color, Opened, Photo},
    many::{ManyOptions, RecognizeMany},
    models,
    options::{
        self, fraction, given_roster, parse_subject, quality_options, recognize_options, threshold,
    },
    pipeline::Pipeline,
    process::ProcessLocal,
    recognition::{self, Candidate, Recognition},
    reports::{EnrollReport, Verification},
    runtime::make_runtime,
    value, work,
};

/// Recognizes and enrolls people with a detector, a quality gate, a liveness check, an embedder and a gallery.
///
/// `models` selects models: names of sets and models, separated by commas. Each name overrides its part of those before it.
/// Examples are `"nano"`, whose weights are part of facekit, `"standard"`, and `"standard,scrfd_500m"`. See
/// `facekit.models.list()`. `models_folder` is the folder of their files. The default is FACEKIT_MODELS, or else the platform's
/// cache folder.
///
/// `runtime` is the inference runtime. `"tract"` needs nothing else. `"ort"` is ONNX Runtime and needs
/// `pip install onnxruntime`. `"candle"` needs nothing else and is slower than tract. For "ort", `provider` is the device
/// (`"cpu"`, `"cuda"`, `"cuda:1"`, `"tensorrt"`, `"openvino"`, `"coreml"`), and `onnxruntime` the file of the library. The
/// default library is that of the installed package.
///
/// One of three options sets the threshold. `fmr` is the false-match rate, the share of comparisons of different people that
/// pass. `fpir` is the false-positive identification rate, the share of searches by strangers that name a person; comparisons of
/// two photos then have an `fmr` of 1e-4. `score` is a similarity from -1 to 1. By default, searches have the stricter one of
/// an `fpir` of 1 % and an `fmr` of 1e-4, and comparisons an `fmr` of 1e-4. A rate needs the embedder's calibration: the file `calibration`, or the file
/// beside the gallery (`people.<model>.calibration.toml`), or the calibration of the model.
///
/// The detector first runs on a copy of the image whose longer side has at most `max_side` pixels. With None it runs on the
/// image itself. `passes` limits the passes after the first one. With "auto", the default, an image without a face, or with one
/// of less than 20 pixels in the first pass, is searched again at its full size, and a face that fills the image is searched
/// for in a smaller copy. A number is the most megapixels of these passes together, 16.8 by default. With "one" there are none,
/// so that every image takes the same time: for video. `image_memory` is the memory in bytes that reading a file may take, 256
/// MiB by default. A JPEG that takes more is read at a reduced scale. `equalize` equalizes the contrast first, also to judge
/// brightness and contrast of a face. `detector_score` is the lowest score of a face. `detector_overlap` is the overlap of two
/// boxes above which the one with the lower score is dropped. Both are from 0 to 1; with None the detector's own values apply.
/// `quality` is the quality that a face needs to be compared: "recognition" (the default), "enrollment", "anything", or a dict
/// of differences from "recognition", such as `{"max_yaw": 30}`, with any of `min_eye_distance`, `min_sharpness`,
/// `min_brightness`, `max_brightness`, `min_contrast`, `max_yaw`, `max_pitch`, `min_visible` and `min_recognizability`; the
/// properties of `Quality` have their units. `liveness_threshold` is the lowest liveness of a face, 0 to 1. With
/// `liveness=False`, and with models that have no liveness check, prints and screens pass as people; see `checks_liveness`.
/// `subject` selects the faces to examine: "all", "largest" or "central".
///
/// The models of a set may include a second look at each face, which gives better landmarks and leaves out what is no face.
/// Templates that were made with a second look cannot be compared with others; `second_look=False` turns it off. With it, faces
/// that lie on their side or upside down are found too. `turned_faces=False` turns off this search, for cameras that are known to
/// be upright.
///
/// Each enrolled photo is embedded together with its mirror image; `mirror_templates=False` turns that off. A recognized face is also
/// embedded mirrored if its score is at most `mirror_below` below the threshold and less than `mirror_above` above it. With 0 for both, it
/// never is.
///
/// `threads` is the number of images that `recognize_many` works on at a time. The default is the number of cores. Every other
/// call runs on the calling thread, without the GIL. Any number of threads may share a recognizer.
///
/// For images, see `recognize`. Every method that takes an image raises TypeError or ValueError for an object that is not an image,
/// and ImageError for a file that cannot be decoded. Every method raises ForkedError in a process that was forked off the one
/// that made the recognizer.
///
/// Raises UnknownModelError; ModelMissingError for a model whose file is not there; LibraryUnavailableError if there is no ONNX
/// Runtime; UncalibratedError and RateOutOfRangeError for a rate that the calibration does not cover; InvalidArgumentError.
///
/// >>> import facekit
/// >>> recognizer = facekit.Recognizer(gallery=facekit.Gallery())
/// >>> recognizer.space.dimension
/// 128
#[pyclass(frozen, module = "facekit")]
pub(crate) struct Recognizer(ProcessLocal<Arc<Pipeline>>);

#[pymethods]
impl Recognizer {
    #[new]
    #[pyo3(signature = (
        models = "nano", *, runtime = "tract", gallery = None, fmr = None, fpir = None, score = None, calibration = None,
        liveness = true, liveness_threshold = 0.5, max_side = 640, passes = None, equalize = false, second_look = true,
        turned_faces = true, mirror_templates = true, mirror_below = 0.06, mirror_above = 0.03, detector_score = None,
        detector_overlap = None, quality = None, subject = "all", image_memory = None,
        threads = None, provider = None, onnxruntime = None, models_folder = None
    ))]
    #[allow(clippy::too_many_arguments, reason = "keyword arguments in Python")]
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
        passes: Option<&Bound<'_, PyAny>>,
        equalize: bool,
        second_look: bool,
        turned_faces: bool,
        mirror_templates: bool,
        mirror_below: f32,
        mirror_above: f32,
        detector_score: Option<f32>,
        detector_overlap: Option<f32>,
        quality: Option<&Bound<'_, PyAny>>,
        subject: &str,
        image_memory: Option<i64>,
        threads: Option<i64>,
        provider: Option<&str>,
        onnxruntime: Option<PathBuf>,
        models_folder: Option<PathBuf>,
    ) -> PyResult<Self> {
        let threads = options::thread_count(py, threads)?
            .unwrap_or_else(|| thread::available_parallelism().unwrap_or(NonZeroUsize::MIN));
        let threshold = threshold(py, fmr, fpir, score)?;
        let mirror = MirrorOptions::default()
            .with_templates(mirror_templates)
            .with_band(mirror_below, mirror_above);
        let max_side = max_side
            .map(|side| options::count(py, "max_side", side))
            .transpose()?;
        let mut detect_options = DetectOptions::default()
            .with_max_side(max_side)
            .with_passes(options::passes(py, passes)?)
            .with_equalize(equalize);
        detect_options.score = fraction(py, "detector_score", detector_score)?;
        detect_options.overlap = fraction(py, "detector_overlap", detector_overlap)?;
        if max_side == Some(0) {
            return Err(errors::argument(
                py,
                "max_side",
                "0 given, at least 1 pixel or None needed",
            ));
        }
        let mut limits = DecodeLimits::default();
        if let Some(bytes) = image_memory {
            limits = limits.with_max_memory(options::count(py, "image_memory", bytes)?);
        }
        let quality = quality_options(py, quality, QualityOptions::recognition())?;
        let subject = parse_subject(py, subject)?;
        let loader = make_runtime(py, runtime, provider, onnxruntime, threads)?;
        let gallery = gallery
            .map(|gallery| gallery.open_shared(py).cloned())
            .transpose()?;
        let pipeline = work::detached(py, || {
            // Several images are worked on at the same time, so each run uses one thread.
            let options = LoadOptions::default().with_threads(1);
            let registry = models::registry(models_folder)?;
            let mut set = registry.resolve(models)?;
            if !second_look {
                set = set.without_second_look();
            }
            let mut loaded = registry.load_set(&set, &*loader, &options)?;
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
                .detect_options(detect_options)
                .quality(quality)
                .liveness_threshold(liveness_threshold)
                .turned_faces(turned_faces)
                .mirror(mirror)
                .subject(subject);
            if let Some(gallery) = &gallery {
                builder = builder.gallery(gallery.view(&space)?);
            }
            Ok(Pipeline {
                recognizer: Arc::new(builder.build()?),
                gallery,
                limits,
                threads,
                models: models.to_owned(),
                runtime: runtime.to_owned(),
            })
        })?;
        Ok(Self(ProcessLocal::new(Arc::new(pipeline))))
    }

    /// Detects the faces in an image: `Faces` of `Detection`, best score first.
    ///
    /// For images, see `recognize`. Neither the quality gate nor the liveness check applies.
    ///
    /// >>> import facekit, numpy
    /// >>> gray = numpy.full((480, 640, 3), 128, dtype="uint8")
    /// >>> len(facekit.Recognizer().detect(gray))
    /// 0
    #[pyo3(signature = (image, *, color = "rgb"))]
    fn detect<'py>(
        &self,
        py: Python<'py>,
        image: &Bound<'py, PyAny>,
        color: &str,
    ) -> PyResult<Bound<'py, PyAny>> {
        let pipeline = self.pipeline(py)?;
        let photo = Photo::new("image", image, Color::parse(color)?)?;
        let (found, searched) = work::detached(py, || {
            let image = photo.open(&pipeline.limits)?;
            pipeline.find_faces(&image)
        })?;
        let found = found.into_iter().map(Detection).collect();
        recognition::faces(py, found, &searched)
    }

    /// Embeds faces of an image: one `Embedding` for each of `detections`, which `detect` has returned, in order. Without
    /// `detections`, one for each face that `detect` finds.
    ///
    /// Neither the quality gate nor the liveness check applies. `recognize` embeds only the faces that pass them.
    ///
    /// Raises InvalidArgumentError for a detection whose five landmarks are at the same point.
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
        let pipeline = self.pipeline(py)?;
        let photo = Photo::new("image", image, Color::parse(color)?)?;
        let embeddings = work::watched(py, None, |watch| {
            let image = photo.open(&pipeline.limits)?;
            let view = image.view();
            let faces = match detections {
                Some(given) => given.into_iter().map(|face| face.0).collect(),
                None => pipeline.recognizer.find_faces(view)?.faces,
            };
            let crops = pipeline.recognizer.align(view, &faces)?;
            pipeline.embed(crops.into_iter().map(Ok), &watch)
        })?;
        Ok(embeddings.into_iter().map(Embedding::from).collect())
    }

    /// Embeds faces that are already aligned in the way of facekit and insightface: square crops with the eyes, the nose and the
    /// mouth where the embedder expects them. Crops of another size than the embedder's are resized.
    ///
    /// Raises InvalidArgumentError for a crop that is not square.
    ///
    /// >>> import facekit, numpy
    /// >>> crops = [numpy.full((112, 112, 3), gray, dtype="uint8") for gray in (50, 200)]
    /// >>> len(facekit.Recognizer().embed_aligned(crops))
    /// 2
    #[pyo3(signature = (crops, *, color = "rgb"))]
    fn embed_aligned(
        &self,
        py: Python<'_>,
        crops: &Bound<'_, PyAny>,
        color: &str,
    ) -> PyResult<Vec<Embedding>> {
        let pipeline = self.pipeline(py)?;
        let crops = one_or_more("crops", crops, Color::parse(color)?)?;
        let embeddings = work::watched(py, None, |watch| {
            let side = pipeline.recognizer.embedder().face_side();
            let crop = |photo: &Photo| {
                let crop = photo.open(&pipeline.limits)?;
                match crop.size() {
                    (width, height) if width != height => Err(Error::argument(
                        "crops",
                        format!("{width} × {height} given, a square needed"),
                    )),
                    (width, _) if width == side => AlignedFace::new(crop.view().to_image()),
                    _ => AlignedFace::new(pixels::resize(crop.view(), side, side)?),
                }
            };
            pipeline.embed(crops.iter().map(crop), &watch)
        })?;
        Ok(embeddings.into_iter().map(Embedding::from).collect())
    }

    /// Verifies whether two photos show the same person (1:1). The largest face of each photo counts. The result has the boxes of
    /// the faces that were compared and of the others.
    ///
    /// A photo with several faces of similar size is unusable. The liveness check applies to the probe only: the reference may be a
    /// print, such as the photo of a document.
    ///
    /// With `best_pair`, each face of the reference is compared with each face of the probe, and the pair of the greatest similarity
    /// counts. A false match is then more likely: an `fmr` holds for each pair, and an `fpir` also for all pairs together.
    ///
    /// >>> import facekit
    /// >>> comparison = facekit.Recognizer().verify("anna.jpg", "door.jpg", best_pair=True)
    /// >>> bool(comparison), comparison.probe.others
    /// (True, [])
    #[pyo3(signature = (reference, probe, *, best_pair = false, color = "rgb"))]
    fn verify(
        &self,
        py: Python<'_>,
        reference: &Bound<'_, PyAny>,
        probe: &Bound<'_, PyAny>,
        best_pair: bool,
        color: &str,
    ) -> PyResult<Verification> {
        let pipeline = self.pipeline(py)?;
        let color = Color::parse(color)?;
        let reference = Photo::new("reference", reference, color)?;
        let probe = Photo::new("probe", probe, color)?;
        work::detached(py, || {
            let limits = &pipeline.limits;
            let (reference, probe) = (reference.open(limits)?, probe.open(limits)?);
            let options = VerifyOptions::default().with_best_pair(best_pair);
            pipeline
                .recognizer
                .verify_with(reference.view(), probe.view(), &options)
        })
        .map(Verification)
    }

    /// Enrolls a person from photos. The largest face of each photo becomes a template if it passes the quality gate and the
    /// liveness check. When this method returns, the templates are in the gallery's file.
    ///
    /// A refused photo is not an error: the report has the reason. If all photos are refused, the person is not enrolled. If there
    /// are three or more photos, those that do not match the others are refused.
    ///
    /// A photo is also refused if its similarity to the person's other photos and templates is below the score of a false-match
    /// rate of 1e-2. Between 1e-2 and 1e-4 it is accepted, and `mismatches` of the report lists it. `allow_mismatch=True` accepts
    /// such photos, for people who have changed much. Without a calibration, nothing is refused for this reason, and photos below
    /// the recognizer's threshold are listed.
    ///
    /// `liveness=False` skips the liveness check, for passport photos, which are prints. With `augment`, a template is the mean
    /// over small changes of its photo. With `refuse_resemblance`, photos that match another person of the gallery are
    /// refused; otherwise the report has a warning. `ambiguity` is a share from 0 to 1: a second face of at least this share of the
    /// largest face's area makes a photo unusable. `quality` is the quality that a face needs, as for `Recognizer`; the default is
    /// "enrollment", and a dict has differences from it. `progress(done, total)` is called after each photo.
    ///
    /// `request` is an id of the call, 1 to 120 bytes. A call that is repeated with the same id adds no photo twice.
    ///
    /// Raises InvalidPersonIdError; InvalidArgumentError if there is no gallery or no photo; StoreError if the file cannot be
    /// written. The gallery is then unchanged.
    ///
    /// >>> import facekit
    /// >>> recognizer = facekit.Recognizer(gallery=facekit.Gallery())
    /// >>> recognizer.enroll("anna", ["anna.jpg", "door.jpg"], name="Anna Weiß")
    /// <EnrollReport "anna", 2 accepted, 0 refused>
    #[pyo3(signature = (
        person, photos, *, name = None, request = None, liveness = true, augment = false, refuse_resemblance = false,
        allow_mismatch = false, ambiguity = 0.7, quality = None, color = "rgb", progress = None
    ))]
    #[allow(clippy::too_many_arguments, reason = "keyword arguments in Python")]
    fn enroll(
        &self,
        py: Python<'_>,
        person: &str,
        photos: &Bound<'_, PyAny>,
        name: Option<String>,
        request: Option<String>,
        liveness: bool,
        augment: bool,
        refuse_resemblance: bool,
        allow_mismatch: bool,
        ambiguity: f32,
        quality: Option<&Bound<'_, PyAny>>,
        color: &str,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<EnrollReport> {
        let photos = one_or_more("photos", photos, Color::parse(color)?)?;
        let options = enroll_options(
            py,
            name,
            request,
            liveness,
            augment,
            refuse_resemblance,
            allow_mismatch,
            ambiguity,
            quality,
        )?;
        self.with_photos(
            py,
            person,
            &photos,
            options,
            progress,
            |recognizer, person, photos, options| recognizer.enroll_each(person, photos, options),
        )
        .map(EnrollReport)
    }

    /// The first step of an enrollment: checks the photos of a person, and compares them with each other and with the gallery.
    /// Nothing is stored. Arguments, rules and errors are those of `enroll`.
    ///
    /// >>> import facekit
    /// >>> recognizer = facekit.Recognizer(gallery=facekit.Gallery())
    /// >>> analysis = recognizer.analyze("anna", ["anna.jpg", "door.jpg"])
    /// >>> [face.photo for face in analysis.faces], analysis.report.refused, analysis.report.resembles
    /// ([0, 1], [], [])
    #[pyo3(signature = (
        person, photos, *, name = None, request = None, liveness = true, augment = false, refuse_resemblance = false,
        allow_mismatch = false, ambiguity = 0.7, quality = None, color = "rgb", progress = None
    ))]
    #[allow(clippy::too_many_arguments, reason = "keyword arguments in Python")]
    fn analyze(
        &self,
        py: Python<'_>,
        person: &str,
        photos: &Bound<'_, PyAny>,
        name: Option<String>,
        request: Option<String>,
        liveness: bool,
        augment: bool,
        refuse_resemblance: bool,
        allow_mismatch: bool,
        ambiguity: f32,
        quality: Option<&Bound<'_, PyAny>>,
        color: &str,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Analysis> {
        let photos = one_or_more("photos", photos, Color::parse(color)?)?;
        let options = enroll_options(
            py,
            name,
            request,
            liveness,
            augment,
            refuse_resemblance,
            allow_mismatch,
            ambiguity,
            quality,
        )?;
        self.with_photos(
            py,
            person,
            &photos,
            options,
            progress,
            |recognizer, person, photos, options| recognizer.analyze_each(person, photos, options),
        )
        .map(|analysis| Analysis(Arc::new(analysis)))
    }

    /// The second step of an enrollment: stores the accepted photos of an analysis. The photos are compared with the gallery once
    /// more, because it may have changed, so the report can differ from that of the analysis. When this method returns, the
    /// templates are in the gallery's file.
    ///
    /// Raises InvalidArgumentError if there is no gallery; SpaceMismatchError if another embedder made the analysis; StoreError if
    /// the file cannot be written. The gallery is then unchanged.
    ///
    /// >>> import facekit
    /// >>> recognizer = facekit.Recognizer(gallery=facekit.Gallery())
    /// >>> recognizer.add(recognizer.analyze("anna", "anna.jpg"))
    /// <EnrollReport "anna", 1 accepted, 0 refused>
    fn add(&self, py: Python<'_>, analysis: &Analysis) -> PyResult<EnrollReport> {
        let pipeline = self.pipeline(py)?;
        let analysis = &analysis.0;
        work::detached(py, || pipeline.recognizer.add(analysis)).map(EnrollReport)
    }

    /// Recognizes the faces in an image: `Faces` of `Recognition`, one for each face, with its outcome. Empty if there is no face.
    ///
    /// `image` is one of these: a NumPy array of uint8 in any memory layout, with shape (height, width), (height, width, 3) or
    /// (height, width, 4), whose alpha is ignored; the path of a JPEG, PNG or WebP file; the bytes of such a file; a PIL image.
    /// `color` is the order of an array's channels: "rgb", or "bgr" as in OpenCV. An array is read in place if the pixels of each
    /// row follow each other in memory. Until the call returns, no other thread may write to it or change its shape. `roster`
    /// limits the search to people with these ids. For `subject`, `fmr`, `fpir` and `score`, see `Recognizer`, whose values apply
    /// if none is given.
    ///
    /// Raises UnknownPersonError if a person of the roster is not in the gallery; RuntimeFailedError if a model fails.
    ///
    /// >>> import facekit, numpy
    /// >>> recognizer = facekit.Recognizer()
    /// >>> frame = numpy.zeros((480, 640, 3), dtype="uint8")
    /// >>> for face in recognizer.recognize(frame[..., ::-1], color="bgr"):
    /// ...     print(face.person or face.outcome, face.box)
    #[pyo3(signature = (
        image, *, roster = None, subject = None, fmr = None, fpir = None, score = None, color = "rgb"
    ))]
    #[allow(clippy::too_many_arguments, reason = "keyword arguments in Python")]
    fn recognize<'py>(
        &self,
        py: Python<'py>,
        image: &Bound<'py, PyAny>,
        roster: Option<&Bound<'py, PyAny>>,
        subject: Option<&str>,
        fmr: Option<f64>,
        fpir: Option<f64>,
        score: Option<f32>,
        color: &str,
    ) -> PyResult<Bound<'py, PyAny>> {
        let pipeline = self.pipeline(py)?;
        let photo = Photo::new("image", image, Color::parse(color)?)?;
        let mut options = recognize_options(py, &pipeline.recognizer, roster, subject)?;
        options.threshold = options::given_threshold(py, fmr, fpir, score)?;
        let (found, searched) = work::detached(py, || pipeline.recognize(&photo, &options))?;
        let found = found.into_iter().map(Recognition::from).collect();
        recognition::faces(py, found, &searched)
    }

    /// Recognizes the faces in many images on `threads` threads: an iterator over the results of `recognize`, in order.
    ///
    /// `images` is any iterable, also a generator. An item is an image, or a tuple of an image and a dict with options of its own:
    /// `roster`, `subject`, `fmr`, `fpir` and `score`, as for `recognize`. Images are taken on the thread that asks for a result. `ahead` is the number of
    /// images that are taken before their own results are asked for. The default is two for each thread and a few more. With
    /// `ahead=0`, each result is given before the next image is taken, and images are worked on one by one. This is for cameras
    /// and queues, whose next image can be long in coming. Do not write to an array before its result is given.
    ///
    /// With `errors="raise"`, an image that cannot be used raises an exception, and the next call continues with the image after
    /// it. With `errors="return"`, the exception is returned as the image's result. An exception of the iterable itself is raised
    /// after the results of the images before it. KeyboardInterrupt and SystemExit are raised at once and end the work.
    ///
    /// >>> import facekit, numpy
    /// >>> frames = (numpy.full((240, 320, 3), gray, dtype="uint8") for gray in range(0, 250, 50))
    /// >>> [len(faces) for faces in facekit.Recognizer().recognize_many(frames)]
    /// [0, 0, 0, 0, 0]
    #[pyo3(signature = (
        images, *, roster = None, subject = None, color = "rgb", threads = None, ahead = None, errors = "raise"
    ))]
    #[allow(clippy::too_many_arguments, reason = "keyword arguments in Python")]
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
        let pipeline = self.pipeline(py)?;
        let threads = options::thread_count(py, threads)?.unwrap_or(pipeline.threads);
        let ahead = ahead
            .map(|ahead| options::count(py, "ahead", ahead))
            .transpose()?;
        let raise = match errors {
            "raise" => true,
            "return" => false,
            _ => {
                let reason = format!("{errors:?} given, \"raise\" or \"return\" needed");
                return Err(errors::argument(py, "errors", reason));
            }
        };
        let options = ManyOptions {
            recognize: recognize_options(py, &pipeline.recognizer, roster, subject)?,
            color: Color::parse(color)?,
            threads,
            ahead,
            raise,
        };
        RecognizeMany::new(images, Arc::clone(pipeline), options)
    }

    /// Identifies a face (1:N): the `k` nearest people, nearest first, also those below the threshold.
    ///
    /// `probe` is an `Embedding` or an image. In an image the largest face counts. If there is no face, or it is refused by the
    /// quality gate or the liveness check, the list is empty; `recognize` gives the reason. `roster` limits the search to people
    /// with these ids.
    ///
    /// Raises InvalidArgumentError if there is no gallery; SpaceMismatchError for an embedding of another model;
    /// UnknownPersonError if a person of the roster is not in the gallery.
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
        let pipeline = self.pipeline(py)?;
        let k = options::count(py, "k", k)?;
        let mut options = IdentifyOptions::default().with_k(k);
        options.roster = given_roster(py, &pipeline.recognizer, roster)?;
        let candidates = if let Ok(embedding) = probe.cast::<Embedding>() {
            let embedding = &embedding.get().0;
            work::detached(py, || pipeline.recognizer.identify(embedding, &options))?
        } else {
            let photo = Photo::new("probe", probe, Color::parse(color)?)?;
            work::detached(py, || match pipeline.embed_largest(&photo)? {
                Some(embedding) => pipeline.recognizer.identify(&embedding, &options),
                None => Ok(Vec::new()),
            })?
        };
        Ok(candidates.into_iter().map(Candidate).collect())
    }

    /// Embeds stored crops after a change of models: makes templates of this embedder for the people who have none but whose crops
    /// were kept. Returns two lists of ids: the people who were embedded, and the people who have no crops and must be enrolled
    /// again. `progress(done, None)` is called after each crop.
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
        let pipeline = self.pipeline(py)?;
        let report = work::watched(py, progress, |watch| {
            pipeline.recognizer.embed_again(&watch)
        })?;
        let ids = |people: Vec<PersonId>| people.into_iter().map(String::from).collect();
        Ok((ids(report.embedded), ids(report.must_enroll)))
    }

    /// Measures the false-match rates of the gallery's own people, and writes the calibration to `path`. Each photo is compared
    /// with all other people. Returns a dict: `people`, `comparisons`; `duplicates`, the pairs of ids that are probably one person,
    /// which are left out; and `spoiled`, the checks with blurred, dark and small copies of the crops, if the gallery keeps crops.
    /// `different` has pairs of ids that look alike and are two people. A recognizer uses the calibration if `path` is
    /// `people.<model>.calibration.toml` beside the gallery file, or is given to it as `calibration`. `progress(done, total)` is
    /// called after each of four steps.
    ///
    /// Raises InvalidArgumentError for a gallery of too few people: 6 million comparisons are needed, those of 2,450 people with one
    /// photo each or of 1,415 people with three. UnknownPersonError for a person of `different` who is not in the gallery.
    ///
    /// >>> import facekit
    /// >>> try:
    /// ...     facekit.Recognizer(gallery=facekit.Gallery()).calibrate_gallery("people.nano_embedder.calibration.toml")
    /// ... except facekit.errors.InvalidArgumentError as error:
    /// ...     print(error)
    /// gallery: 0 people with 0 templates make 0 comparisons, and a calibration needs 6000000: about 2450 people with as many templates each
    #[pyo3(signature = (path, *, different = Vec::new(), progress = None))]
    fn calibrate_gallery<'py>(
        &self,
        py: Python<'py>,
        path: PathBuf,
        different: Vec<(String, String)>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let pipeline = self.pipeline(py)?;
        let id = |id: String| PersonId::new(id).map_err(|error| errors::to_python(py, &error));
        let different = different.into_iter().map(|(a, b)| Ok((id(a)?, id(b)?)));
        let different = different.collect::<PyResult<Vec<_>>>()?;
        let measured = work::watched(py, progress, |watch| {
            let options = facekit::GalleryCalibrationOptions::default()
                .with_different(different)
                .with_threads(pipeline.threads)
                .with_watch(watch);
            let measured = pipeline.recognizer.calibrate_gallery(&options)?;
            measured.calibration.save(&path)?;
            Ok(measured)
        })?;
        let dict = value::to_dict(py, &measured)?;
        dict.del_item("calibration")?;
        Ok(dict)
    }

    /// The lowest score that passes. Without `people`, it is that of a comparison of two faces; with it, that of a search
    /// among so many people.
    ///
    /// >>> import facekit
    /// >>> facekit.Recognizer(fmr=1e-3).threshold() < facekit.Recognizer(fmr=1e-4).threshold()
    /// True
    /// >>> recognizer = facekit.Recognizer()
    /// >>> recognizer.threshold() == recognizer.threshold(100) < recognizer.threshold(400)
    /// True
    #[pyo3(signature = (people = None))]
    fn threshold(&self, py: Python<'_>, people: Option<i64>) -> PyResult<f32> {
        let people = people.map(|people| options::count(py, "people", people));
        let recognizer = &self.pipeline(py)?.recognizer;
        let plain = facekit::Comparison::default();
        let limit = match people.transpose()? {
            None => recognizer.comparison_limit(&plain),
            Some(people) => recognizer.search_limit(&plain, people),
        };
        let limit = limit.map_err(|error| errors::to_python(py, &error))?;
        Ok(limit.score)
    }

    /// The number of people whom a search may cover at the wanted rate: up to which the rate rests on counted comparisons, and up
    /// to which it rests on these or on extrapolation. None if the threshold is not a rate of searches. With more people, matches
    /// have the `basis` "not_met".
    ///
    /// >>> import facekit
    /// >>> counted, extrapolated = facekit.Recognizer(fpir=1e-2).capacity()
    /// >>> 0 < counted <= extrapolated
    /// True
    /// >>> facekit.Recognizer(fmr=1e-4).capacity() is None
    /// True
    fn capacity(&self, py: Python<'_>) -> PyResult<Option<(usize, usize)>> {
        let capacity = self.pipeline(py)?.recognizer.capacity();
        Ok(capacity.map(|capacity| (capacity.counted, capacity.extrapolated)))
    }

    /// The false-match rate of single comparisons if this score is the threshold. None if the space is not calibrated.
    ///
    /// >>> import facekit
    /// >>> recognizer = facekit.Recognizer(fmr=1e-3)
    /// >>> 0.5e-3 < recognizer.fmr_of(recognizer.threshold()) < 2e-3
    /// True
    fn fmr_of(&self, py: Python<'_>, score: f32) -> PyResult<Option<f64>> {
        Ok(self.pipeline(py)?.recognizer.fmr_of(score))
    }

    /// The space of its embeddings.
    #[getter]
    fn space(&self, py: Python<'_>) -> PyResult<EmbeddingSpace> {
        let space = self.pipeline(py)?.recognizer.embedder().space();
        Ok(EmbeddingSpace(space.clone()))
    }

    /// The models, as they were selected.
    #[getter]
    fn models(&self, py: Python<'_>) -> PyResult<&str> {
        Ok(&self.pipeline(py)?.models)
    }

    /// The name of the inference runtime.
    #[getter]
    fn runtime(&self, py: Python<'_>) -> PyResult<&str> {
        Ok(&self.pipeline(py)?.runtime)
    }

    /// True if prints and screens are refused: the models have a liveness check, and it is enabled.
    #[getter]
    fn checks_liveness(&self, py: Python<'_>) -> PyResult<bool> {
        Ok(self.pipeline(py)?.recognizer.liveness().is_some())
    }

    /// The number of images that `recognize_many` works on at a time.
    #[getter]
    fn threads(&self, py: Python<'_>) -> PyResult<usize> {
        Ok(self.pipeline(py)?.threads.get())
    }

    fn __repr__(&self) -> String {
        match self.0.value() {
            Some(pipeline) => format!(
                "<Recognizer models={:?}, runtime={:?}, threads={}>",
                pipeline.models, pipeline.runtime, pipeline.threads
            ),
            None => "<Recognizer of another process>".to_owned(),
        }
    }
}

impl Recognizer {
    /// The pipeline. An error if another process made it, or if the gallery is closed.
    pub(crate) fn pipeline(&self, py: Python<'_>) -> PyResult<&Arc<Pipeline>> {
        let pipeline = self.0.require(py, "Recognizer")?;
        pipeline.check_open(py)?;
        Ok(pipeline)
    }

    /// Calls `run` with the core's recognizer, the person and the photos, which are opened one by one.
    fn with_photos<T: Send>(
        &self,
        py: Python<'_>,
        person: &str,
        photos: &[Photo],
        options: EnrollOptions<'_>,
        progress: Option<&Bound<'_, PyAny>>,
        run: impl FnOnce(
            &facekit::Recognizer,
            &PersonId,
            &mut dyn ExactSizeIterator<Item = Result<Opened<'_>>>,
            &EnrollOptions<'_>,
        ) -> Result<T>
        + Send,
    ) -> PyResult<T> {
        let pipeline = self.pipeline(py)?;
        work::watched(py, progress, |watch| {
            let person = PersonId::new(person)?;
            let options = options.with_watch(watch);
            let mut photos = photos.iter().map(|photo| photo.open(&pipeline.limits));
            run(&pipeline.recognizer, &person, &mut photos, &options)
        })
    }
}

/// The options of an enrollment, as the caller gave them.
#[allow(clippy::too_many_arguments, reason = "keyword arguments in Python")]
fn enroll_options(
    py: Python<'_>,
    name: Option<String>,
    request: Option<String>,
    liveness: bool,
    augment: bool,
    refuse_resemblance: bool,
    allow_mismatch: bool,
    ambiguity: f32,
    quality: Option<&Bound<'_, PyAny>>,
) -> PyResult<EnrollOptions<'static>> {
    fraction(py, "ambiguity", Some(ambiguity))?;
    let mut options = EnrollOptions::default()
        .with_quality(quality_options(py, quality, QualityOptions::enrollment())?)
        .with_liveness(liveness)
        .with_augment(augment)
        .with_refuse_resemblance(refuse_resemblance)
        .with_allow_mismatch(allow_mismatch)
        .with_ambiguity(ambiguity);
    options.name = name;
    options.request = request;
    Ok(options)
}

/// The photos of an iterable, or a single photo.
fn one_or_more(
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
