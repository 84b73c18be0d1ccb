//! Embeddings of the photos of Labeled Faces in the Wild. They are computed once and kept outside of the repository.

use std::{
    collections::BTreeSet,
    env, fs,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    thread,
};

use facekit::{
    DetectOptions, Embedding, EmbeddingSpace, Error, ExamineOptions, LoadOptions, QualityOptions,
    Recognizer, Subject, Threshold,
    image::{self, DecodeLimits},
    work,
};
use facekit_tract::Tract;

/// The photos of one person.
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) photos: Vec<Face>,
}

/// The face nearest to the center of a photo.
pub(crate) struct Face {
    pub(crate) plain: Embedding,
    /// The normalized sum of the embedding and that of the mirror image.
    pub(crate) mirrored: Embedding,
}

impl Person {
    pub(crate) fn plain(&self) -> Vec<Embedding> {
        self.photos.iter().map(|face| face.plain.clone()).collect()
    }

    pub(crate) fn mirrored(&self) -> Vec<Embedding> {
        self.photos
            .iter()
            .map(|face| face.mirrored.clone())
            .collect()
    }
}

/// The people of a folder that has a folder for each person, as a set of models embeds them.
pub(crate) struct People {
    pub(crate) space: EmbeddingSpace,
    pub(crate) people: Vec<Person>,
}

/// The folder of the kept embeddings: `FACEKIT_RATES_CACHE`, or a folder for temporary files.
pub(crate) fn cache() -> PathBuf {
    env::var_os("FACEKIT_RATES_CACHE")
        .map_or_else(|| env::temp_dir().join("facekit-rates"), PathBuf::from)
}

impl People {
    /// The people of `images` with these names, or all. `models` is the folder of the models that the set needs.
    pub(crate) fn of(
        set: &str,
        models: &Path,
        images: &Path,
        names: Option<&BTreeSet<String>>,
    ) -> Self {
        // A folder can have a manifest of its own, with other sets.
        let registry = facekit_nano::registry().read_folder(models).unwrap();
        let models = registry
            .load(set, &Tract::new(), &LoadOptions::default().with_threads(1))
            .unwrap();
        let recognizer = Recognizer::builder()
            .models(models)
            .without_liveness()
            .detect_options(DetectOptions::default().with_score(0.5))
            .quality(QualityOptions::anything())
            .subject(Subject::Central)
            .threshold(Threshold::Score(1.0))
            .build()
            .unwrap();
        let space = recognizer.embedder().space().clone();
        let mut files = files(images);
        files.retain(|(name, _)| names.is_none_or(|names| names.contains(name)));
        let kept = cache().join(format!("{}-{}.bin", set, space.fingerprint().short()));
        let values = fs::read(&kept)
            .ok()
            .filter(|bytes| bytes.len() == files.len() * row(&space));
        let bytes = values.unwrap_or_else(|| {
            let bytes = embed(&recognizer, &files);
            fs::create_dir_all(cache()).unwrap();
            fs::write(&kept, &bytes).unwrap();
            bytes
        });
        let mut people: Vec<Person> = Vec::new();
        for (bytes, (name, _)) in bytes.chunks_exact(row(&space)).zip(&files) {
            let values: Vec<f32> = bytes
                .chunks_exact(4)
                .map(|it| f32::from_le_bytes(it.try_into().unwrap()))
                .collect();
            // A photo without a face is kept as NaN.
            if values[0].is_nan() {
                continue;
            }
            let (plain, flipped) = values.split_at(space.dimension());
            let sum = plain.iter().zip(flipped).map(|(a, b)| a + b).collect();
            let face = Face {
                plain: Embedding::new(&space, plain.to_vec()).unwrap(),
                mirrored: Embedding::new(&space, sum).unwrap(),
            };
            match people.last_mut().filter(|person| person.name == *name) {
                Some(person) => person.photos.push(face),
                None => people.push(Person {
                    name: name.clone(),
                    photos: vec![face],
                }),
            }
        }
        Self { space, people }
    }
}

/// The people of these folds of a pairs file of the form of Labeled Faces in the Wild.
pub(crate) fn in_folds(pairs: &Path, folds: &[usize]) -> BTreeSet<String> {
    let text = fs::read_to_string(pairs).unwrap();
    let mut lines = text.lines();
    let head = lines.next().unwrap();
    let each: usize = head.split_whitespace().last().unwrap().parse().unwrap();
    let lines: Vec<&str> = lines.collect();
    let mut names = BTreeSet::new();
    for fold in folds {
        for line in &lines[(fold - 1) * 2 * each..fold * 2 * each] {
            let fields: Vec<&str> = line.split('\t').map(str::trim).collect();
            names.insert(fields[0].to_owned());
            if fields.len() == 4 {
                names.insert(fields[2].to_owned());
            }
        }
    }
    names
}

/// The bytes of a photo: its embedding and that of its mirror image.
fn row(space: &EmbeddingSpace) -> usize {
    2 * 4 * space.dimension()
}

/// The photos, each with the name of the person, in order.
fn files(images: &Path) -> Vec<(String, PathBuf)> {
    let mut files = Vec::new();
    for person in fs::read_dir(images).unwrap() {
        let folder = person.unwrap().path();
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        for photo in fs::read_dir(folder).unwrap() {
            files.push((name.clone(), photo.unwrap().path()));
        }
    }
    files.sort();
    files
}

fn embed(recognizer: &Recognizer, files: &[(String, PathBuf)]) -> Vec<u8> {
    let space = recognizer.embedder().space();
    let jobs = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let mut bytes = Vec::with_capacity(files.len() * row(space));
    let token = facekit::CancellationToken::new();
    work::ordered(
        files,
        jobs,
        &token,
        |(_, path)| {
            let photo = image::open(path, &DecodeLimits::default())?;
            let options = ExamineOptions::default();
            let missing = vec![f32::NAN; 2 * space.dimension()];
            let Some(mut face) = recognizer.examine(photo.view(), &options)?.pop() else {
                return Ok(missing);
            };
            let Some(plain) = recognizer.embed_examined(photo.view(), &mut face, &options)? else {
                return Ok(missing);
            };
            let flipped = recognizer.embed(&[face.aligned.mirrored()])?;
            Ok([plain.values(), flipped[0].values()].concat())
        },
        |_, values: Result<Vec<f32>, Error>| -> Result<(), Error> {
            bytes.extend(values?.iter().flat_map(|value| value.to_le_bytes()));
            Ok(())
        },
    )
    .unwrap();
    bytes
}
