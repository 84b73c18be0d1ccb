//! Commands on photos, with the models of the set standard.

mod common;

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use common::{Place, lfw};
use facekit::image::{self, DecodeLimits};

/// The files that the tests read.
const NEEDED: &[&str] = &[
    "models/yunet_n_dynamic.onnx",
    "models/mobilefacenet.onnx",
    "models/minifasnet_v2.onnx",
    "models/minifasnet_v1se.onnx",
    "data/photos/t1.jpg",
    "data/photos/rgb_fake.jpg",
    "data/lfw/images/Aaron_Sorkin/Aaron_Sorkin_0002.jpg",
    "data/lfw/images/Abdullah_Gul/Abdullah_Gul_0006.jpg",
    "data/lfw/images/AJ_Cook/AJ_Cook_0001.jpg",
];

/// The lowest similarity of two faces of the same person in these tests.
const SCORE: [&str; 2] = ["--score", "0.40"];

fn place(test: &str) -> Option<(Place, PathBuf)> {
    let data = facekit_conformance::data(test, NEEDED)?;
    let mut place = Place::new();
    place.set("FACEKIT_MODELS", data.join("models"));
    place.set("FACEKIT_SELECTION", "standard");
    Some((place, data))
}

/// The words of a line, with paths instead of `{0}`, `{1}`, ….
fn words(line: &str, paths: &[&Path]) -> Vec<PathBuf> {
    let word = |word: &str| match word
        .strip_prefix('{')
        .and_then(|word| word.strip_suffix('}'))
    {
        Some(number) => paths[number.parse::<usize>().unwrap()].to_owned(),
        None => PathBuf::from(word),
    };
    let score = if line.contains("--fmr") {
        &[][..]
    } else {
        &SCORE
    };
    line.split_whitespace()
        .map(word)
        .chain(score.iter().map(PathBuf::from))
        .collect()
}

#[test]
fn detect() {
    let Some((place, data)) = place("detect") else {
        return;
    };
    let group = data.join("data/photos/t1.jpg");
    let document = place
        .run(words("detect {0} --json", &[&group]))
        .ends(0)
        .json();
    let faces = document["images"][0]["faces"].as_array().unwrap();
    assert_eq!(faces.len(), 6);
    for face in faces {
        assert!(face["box"]["width"].as_f64().unwrap() > 50.0);
        assert_eq!(face["landmarks"].as_array().unwrap().len(), 5);
        assert!(face["score"].as_f64().unwrap() > 0.6);
        assert!(face["quality"]["pose"]["yaw"].is_number());
        assert!(face["liveness"].is_number() && face["recognition"].is_null());
    }
    let line = "detect {0} --json --no-liveness --detector-score 0.999 --max-side none --equalize";
    let document = place.run(words(line, &[&group])).ends(0).json();
    assert!(
        document["images"][0]["faces"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    place
        .run(words(
            "detect {0} --models standard,yunet_n --jobs 1",
            &[&group],
        ))
        .ends(0)
        .says(&["yaw", "liveness"]);
}

#[test]
fn drawings() {
    let Some((place, data)) = place("drawings") else {
        return;
    };
    let (group, one) = (data.join("data/photos/t1.jpg"), lfw(&data, "AJ_Cook", 1));
    place
        .run(words("detect {0} --draw drawn.png", &[&group]))
        .ends(0);
    let open = |path: &Path| image::open(path, &DecodeLimits::default()).unwrap();
    let (photo, drawn) = (open(&group), open(&place.path("drawn.png")));
    assert_eq!(
        (photo.width(), photo.height()),
        (drawn.width(), drawn.height())
    );
    let blue = |image: &facekit::Image| {
        let pixels = image.data().chunks_exact(3);
        pixels.filter(|pixel| **pixel == [0, 160, 255]).count()
    };
    assert!(blue(&photo) == 0 && blue(&drawn) > 5000);

    let twice = place.path("again/AJ_Cook_0001.jpg");
    fs::create_dir(place.path("again")).unwrap();
    fs::copy(&one, &twice).unwrap();
    place
        .run(words(
            "detect {0} {1} {2} --draw drawn",
            &[&group, &one, &twice],
        ))
        .ends(0);
    for name in ["t1.jpg", "AJ_Cook_0001.jpg", "AJ_Cook_0001-2.jpg"] {
        open(&place.path("drawn").join(name));
    }
    place
        .run(words("detect {0} --draw {0}", &[&twice]))
        .fails(&["the drawing would replace the photo"]);
    let gallery = place.gallery("people.jpg", &["anna"]);
    let before = fs::read(&gallery).unwrap();
    place
        .run(words("detect {0} --draw people.jpg", &[&twice]))
        .fails(&["people.jpg: not overwritten, because it is a gallery"]);
    assert_eq!(fs::read(&gallery).unwrap(), before);
    place
        .run(words("detect {0} --draw drawn.gif", &[&one]))
        .fails(&["drawn.gif"]);
}

#[test]
fn enroll_identify_verify_remove() {
    let Some((place, data)) = place("enroll_identify_verify_remove") else {
        return;
    };
    let sorkin = [1, 2].map(|number| lfw(&data, "Aaron_Sorkin", number));
    let gul = [1, 2].map(|number| lfw(&data, "Abdullah_Gul", number));
    let stranger = lfw(&data, "AJ_Cook", 1);
    let bad = place.write("bad.jpg", "not a photo");

    // A new gallery needs a protection, and is removed if nobody was enrolled.
    let line = "enroll --gallery g.gallery aaron {0} --name Aaron";
    place
        .run(words(line, &[&sorkin[0]]))
        .fails(&["--new-key-file FILE makes a key", "--no-encryption"]);
    let line = "enroll --gallery g.gallery aaron {0} --new-key-file g.key";
    place
        .run(words(line, &[&data.join("data/photos/rgb_fake.jpg")]))
        .ends(1)
        .says(&["refused: not live"]);
    place
        .run(words(line, &[&bad]))
        .fails(&["bad.jpg: not an image"]);
    assert!(!place.path("g.gallery").exists() && !place.path("g.key").exists());

    let line = "enroll --gallery g.gallery aaron {0} {1} --new-key-file g.key --name Aaron --json";
    let report = place.run(words(line, &[&sorkin[0], &bad])).ends(0).json();
    assert_eq!(
        (&report["created"], &report["people"][0]["templates"]),
        (&true.into(), &1.into())
    );
    assert!(report["people"][0]["unreadable"][0]["error"].is_string());
    place
        .run(words(line, &[&sorkin[0], &bad]))
        .fails(&["exists already", "gallery rekey"]);
    let line =
        "enroll --gallery g.gallery abdullah {0} {1} --key-file g.key --keep-crops --augment";
    place
        .run(words(line, &[&gul[0], &gul[1]]))
        .ends(0)
        .says(&["enrolled from 2 photos"]);

    // The same face under another id.
    let line = "enroll --gallery g.gallery other {0} --key-file g.key";
    place
        .run(words(&format!("{line} --refuse-resemblance"), &[&gul[0]]))
        .ends(1)
        .says(&["the face matches abdullah, who is enrolled already"]);
    place
        .run(words(line, &[&gul[0]]))
        .ends(0)
        .says(&["looks like abdullah"]);
    place
        .line("remove --gallery g.gallery --key-file g.key other")
        .ends(0);

    let line = "identify --gallery g.gallery --key-file g.key {0} {1} {2} --json";
    let found = place
        .run(words(line, &[&sorkin[1], &stranger, &bad]))
        .ends(0)
        .json();
    let who = |image: usize| &found["images"][image]["faces"][0]["recognition"];
    assert_eq!(
        (&who(0)["outcome"], &who(0)["name"]),
        (&"known".into(), &"Aaron".into())
    );
    assert_eq!(who(1)["outcome"], "unknown");
    assert_eq!(found["unreadable"].as_array().unwrap().len(), 1);
    let line = "identify --gallery g.gallery --key-file g.key {0} --largest --roster abdullah";
    place
        .run(words(line, &[&sorkin[1]]))
        .ends(1)
        .says(&["unknown"]);
    place
        .run(words(
            "identify --gallery g.gallery --key-file g.key {0} --roster zoe",
            &[&bad],
        ))
        .fails(&["roster \"zoe\"", "person zoe: not in the gallery"]);
    place
        .run(words(
            "identify --gallery g.gallery --key-file g.key {0}",
            &[&bad],
        ))
        .fails(&["bad.jpg: not an image"]);
    let line = "detect --gallery g.gallery --key-file g.key {0} --draw who.png";
    place
        .run(words(line, &[&sorkin[1]]))
        .ends(0)
        .says(&["aaron (Aaron)"]);

    let verify = |a: &Path, b: &Path| place.run(words("verify {0} {1} --json", &[a, b]));
    assert_eq!(verify(&sorkin[0], &sorkin[1]).ends(0).json()["same"], true);
    assert_eq!(verify(&sorkin[0], &stranger).ends(1).json()["same"], false);
    let fake = data.join("data/photos/rgb_fake.jpg");
    let unusable = verify(&sorkin[0], &fake).ends(1).json();
    assert_eq!(
        (&unusable["outcome"], &unusable["photo"]),
        (&"unusable".into(), &1.into())
    );
    let blank = place.path("blank.png");
    image::save(&facekit::Image::filled(200, 200, [90; 3]), &blank).unwrap();
    place
        .run(words("verify {0} {1}", &[&blank, &stranger]))
        .ends(1)
        .says(&["unusable: ", "blank.png: no face"]);

    place
        .line("gallery check --gallery g.gallery --key-file g.key")
        .ends(0)
        .says(&["mobilefacenet", "2 crops", "no damage"]);
    place
        .line("people --gallery g.gallery --key-file g.key")
        .ends(0)
        .says(&["Aaron", "1 of mobilefacenet", "2 of mobilefacenet"]);
    place
        .line("gallery export e.gallery --gallery g.gallery --key-file g.key --people aaron --no-encryption")
        .ends(0);
    place
        .line("remove --gallery g.gallery --key-file g.key aaron")
        .ends(0);
    let line = "identify --gallery g.gallery --key-file g.key {0}";
    place.run(words(line, &[&sorkin[1]])).ends(1);
    place
        .line("gallery import e.gallery --gallery g.gallery --key-file g.key")
        .ends(0)
        .says(&["1 person added"]);
    place.run(words(line, &[&sorkin[1]])).ends(0);
}

#[test]
fn another_model() {
    let Some((mut place, data)) = place("another_model") else {
        return;
    };
    // The same network with another normalization is another model.
    for file in NEEDED.iter().filter(|file| file.starts_with("models/")) {
        fs::copy(data.join(file), place.path(file)).unwrap();
    }
    let network = fs::read(place.path("models/mobilefacenet.onnx")).unwrap();
    let digest = facekit::Digest::of(&network);
    place.write("models/other.onnx", network);
    let manifest = format!(
        r#"
[[model]]
name = "other"
file = "other.onnx"
url = "https://models.example.org/other.onnx"
exports = [{{ sha256 = "{digest}" }}]
license = "Apache-2.0"
commercial_use = true
source = "a test"
tested = false

[model.arcface]
pixels = {{ color = "rgb", mean = [127.5, 127.5, 127.5], std = [60.0, 60.0, 60.0] }}
side = 112
dimension = 128
"#
    );
    place.write("models/models.toml", manifest);
    place.set("FACEKIT_MODELS", place.path("models"));

    let (sorkin, gul) = (lfw(&data, "Aaron_Sorkin", 1), lfw(&data, "Abdullah_Gul", 1));
    let line = "enroll --gallery g.gallery --no-encryption";
    place
        .run(words(
            &format!("{line} aaron {{0}} --keep-crops"),
            &[&sorkin],
        ))
        .ends(0);
    place
        .run(words(&format!("{line} abdullah {{0}}"), &[&gul]))
        .ends(0);
    let identify = "identify --gallery g.gallery {0} --models standard,other";
    place.run(words(identify, &[&sorkin])).fails(&[
        "2 people were enrolled with another embedder than other",
        "gallery reembed",
    ]);
    let report = place
        .line("gallery reembed --gallery g.gallery --models standard,other --json")
        .ends(0)
        .json();
    assert_eq!(report["embedded"], serde_json::json!(["aaron"]));
    assert_eq!(report["must_enroll"], serde_json::json!(["abdullah"]));
    let found = place
        .run(words(identify, &[&sorkin]))
        .ends(0)
        .says(&["aaron"]);
    let note = "1 person was enrolled with another embedder than other";
    assert!(found.stderr.contains(note), "{found:#?}");
    place
        .line("people --gallery g.gallery")
        .ends(0)
        .says(&["1 of mobilefacenet", "1 of other"]);
}

#[test]
fn folders_of_people() {
    let Some((place, data)) = place("folders_of_people") else {
        return;
    };
    let put = |name: &str, photo: &Path| {
        let path = place.write(name, "");
        fs::copy(photo, path).unwrap();
    };
    put("people/gul/1.jpg", &lfw(&data, "Abdullah_Gul", 1));
    put("people/gul/2.jpg", &lfw(&data, "Abdullah_Gul", 2));
    put("people/Aaron S/1.jpg", &lfw(&data, "Aaron_Sorkin", 1));
    place.write("people/Aaron S/notes.txt", "not a photo, and ignored");
    place.write("people/broken/1.heic", "not a photo");
    fs::create_dir(place.path("people/nobody")).unwrap();
    let line = "enroll --gallery g.gallery --people people --no-encryption";
    place.run(words(line, &[])).ends(0).says(&[
        "2 people enrolled from 3 photos",
        "no images in this folder",
        "unreadable: people/broken/1.heic: ",
    ]);
    let report = place
        .run(words(&format!("{line} --json"), &[]))
        .ends(0)
        .json();
    assert_eq!(report["people"].as_array().unwrap().len(), 4);
    assert_eq!(report["created"], false);
    assert_eq!(report["complete"], true);

    fs::create_dir(place.path("people/ bert")).unwrap();
    let report = place
        .run(words(&format!("{line} --json"), &[]))
        .ends(0)
        .json();
    assert_eq!(report["skipped"].as_array().unwrap().len(), 1);
    place.write("broken/anna/1.jpg", "not a photo");
    place.write("broken/bert/1.jpg", "not a photo");
    let line = "enroll --gallery new.gallery --people broken --no-encryption";
    place
        .run(words(line, &[]))
        .fails(&["none of the 2 images can be read"]);
    assert!(!place.path("new.gallery").exists());
}

#[test]
fn calibrations() {
    let Some((place, data)) = place("calibrations") else {
        return;
    };
    let photos = [1, 2].map(|number| lfw(&data, "Aaron_Sorkin", number));
    let paths: [&Path; 2] = [&photos[0], &photos[1]];
    let registry = facekit_nano::registry().with_folder(data.join("models"));
    let space = registry.resolve("standard").unwrap().space().unwrap();
    let save = |name: &str, score: f32| {
        let points = [(1e-2, score - 0.2), (1e-5, score)];
        let points = points.map(|(fmr, score)| facekit::CalibrationPoint::new(fmr, score));
        let calibration = facekit::Calibration::new(&space, points.to_vec(), "a test").unwrap();
        calibration.save(place.path(name)).unwrap();
    };
    save("strict.toml", 0.99);
    save("staff.mobilefacenet.calibration.toml", 0.5);
    let line = "verify {0} {1} --fmr 1e-5 --calibration strict.toml";
    place
        .run(words(line, &paths))
        .ends(1)
        .says(&["different", "the same person from 0.990"]);

    let line = "enroll --gallery staff.gallery aaron {0} --no-encryption --fmr 1e-4";
    place.run(words(line, &paths)).ends(0);
    let line = "identify --gallery staff.gallery {1} --fmr 1e-5";
    place.run(words(line, &paths)).ends(0).says(&["≤ 1e-5"]);
    place
        .run(words(&format!("{line} --calibration strict.toml"), &paths))
        .ends(1);
    place
        .run(words(
            "identify --gallery staff.gallery {1} --fmr 1e-9",
            &paths,
        ))
        .fails(&[
            "calibration staff.mobilefacenet.calibration.toml, which is beside the gallery",
            "give --fmr from 1.00e-5 to 1.00e-2",
            "remove this one",
            "a false-match rate of 1e-9 is outside the calibrated range",
        ]);
    let mut fpir = words("identify --gallery staff.gallery {1} --fpir 1e-9", &paths);
    fpir.truncate(fpir.len() - SCORE.len());
    place.run(fpir).fails(&["give --fpir from 1.00e-5"]);
    place.write("staff.mobilefacenet.calibration.toml", "nonsense");
    place
        .run(words(line, &paths))
        .fails(&["staff.mobilefacenet.calibration.toml: is not a calibration"]);
}

#[test]
fn attend() {
    let Some((place, data)) = place("attend") else {
        return;
    };
    let sorkin = [1, 2].map(|number| lfw(&data, "Aaron_Sorkin", number));
    let line = "enroll --gallery g.gallery aaron {0} --name Sorkin,Aaron --no-encryption";
    place.run(words(line, &[&sorkin[0]])).ends(0);
    let frame = |name: &str, photo: &Path| {
        let path = place.write(&format!("frames/{name}"), "");
        fs::copy(photo, &path).unwrap();
        path
    };
    frame("2026-03-02T09-15-00.jpg", &sorkin[1]);
    frame("IMG_20260302_171500.jpg", &sorkin[0]);
    frame("2026-03-02T12-00-00.jpg", &lfw(&data, "AJ_Cook", 1));
    let undated = frame("door.jpg", &data.join("data/photos/rgb_fake.jpg"));
    let noon = SystemTime::UNIX_EPOCH + Duration::from_secs(1_772_452_800);
    let file = File::options().write(true).open(&undated).unwrap();
    file.set_modified(noon).unwrap();
    place.write("frames/broken.png", "not an image");

    let line = "attend --gallery g.gallery --frames frames --zone Africa/Nairobi --device door";
    let sheet = place
        .run(words(&format!("{line} --json"), &[]))
        .ends(0)
        .json();
    let aaron = &sheet["people"][0];
    assert_eq!(aaron["person"], "aaron");
    assert_eq!(aaron["first"], "2026-03-02T09:15:00+03:00");
    assert_eq!(aaron["last"], "2026-03-02T17:15:00+03:00");
    assert_eq!(aaron["times"], 2);
    assert_eq!(
        (&sheet["frames"], &sheet["unknown"]),
        (&4.into(), &1.into())
    );
    assert_eq!(sheet["times_from"]["file_name"], 3);
    assert_eq!(sheet["times_from"]["modification_time"], 1);
    assert!(sheet["not_live"].as_u64().unwrap() >= 1);
    assert_eq!(sheet["unreadable"].as_array().unwrap().len(), 1);

    place.run(words(line, &[])).ends(0).says(&[
        "2026-03-02 09:15:00+03:00",
        "3 from file names, 1 from modification times",
        "1 unknown",
        "unreadable: frames/broken.png",
    ]);
    let csv = "person,name,device,first,last,times\n\
               aaron,\"Sorkin,Aaron\",door,2026-03-02T09:15:00+03:00,2026-03-02T17:15:00+03:00,2\n";
    let ran = place
        .run(words(&format!("{line} --format csv"), &[]))
        .ends(0);
    assert_eq!(ran.stdout, csv);
    assert!(ran.stderr.contains("note: unreadable: frames/broken.png"));
    place
        .run(words(&format!("{line} --sightings seen.csv"), &[]))
        .ends(0);
    let sightings = fs::read_to_string(place.path("seen.csv")).unwrap();
    let rows: Vec<Vec<&str>> = sightings
        .lines()
        .map(|line| line.split(',').collect())
        .collect();
    assert_eq!(rows[0], ["frame", "time", "person", "score", "liveness"]);
    let expected = [
        ["2026-03-02T09-15-00.jpg", "2026-03-02T06:15:00Z", "aaron"],
        ["IMG_20260302_171500.jpg", "2026-03-02T14:15:00Z", "aaron"],
    ];
    assert_eq!(rows.len(), 1 + expected.len(), "{sightings}");
    for (row, expected) in rows[1..].iter().zip(expected) {
        assert_eq!(row[..3], expected);
        let [score, liveness] = [row[3], row[4]].map(|number| number.parse::<f32>().unwrap());
        assert!(score >= 0.4 && liveness >= 0.5, "{row:?}");
    }
    place
        .run(words(&format!("{line} --format csv --out sheet.csv"), &[]))
        .ends(0)
        .says(&["sheet written: sheet.csv", "1 person seen"]);
    assert_eq!(fs::read_to_string(place.path("sheet.csv")).unwrap(), csv);
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("sheet.csv", place.path("link.csv")).unwrap();
        place.write("sheet.csv", "yesterday's");
        place.write("sheet.csv.partial", "somebody's");
        place
            .run(words(&format!("{line} --format csv --out link.csv"), &[]))
            .ends(0);
        let link = fs::symlink_metadata(place.path("link.csv")).unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(place.path("sheet.csv")).unwrap(), csv);
        assert!(place.path("sheet.csv.partial").exists());
        let line = format!("{line} --format csv --out /dev/stdout");
        let ran = place.run(words(&line, &[])).ends(0);
        assert!(ran.stdout.starts_with(csv), "{ran:#?}");
    }
    place
        .run(words(&format!("{line} --out no/such/folder.csv"), &[]))
        .fails(&["no/such/folder.csv: writing failed"]);
}

/// Boxes and scores of the faces on a photo.
fn faces_on(place: &Place, photo: &str, runtime: &str) -> Vec<[f64; 5]> {
    let line = format!("detect {photo} --json --runtime {runtime}");
    let report = place.line(&line).ends(0).json();
    let faces = report["images"][0]["faces"].as_array().unwrap().clone();
    assert!(!faces.is_empty(), "{report:#}");
    let number = |value: &serde_json::Value| value.as_f64().unwrap();
    faces
        .iter()
        .map(|face| {
            let side = |name: &str| number(&face["box"][name]);
            let [x, y] = [side("x"), side("y")];
            [x, y, side("width"), side("height"), number(&face["score"])]
        })
        .collect()
}

#[test]
fn runtimes_find_the_same_faces() {
    let test = "faces::runtimes_find_the_same_faces";
    let Some(data) = facekit_conformance::data(test, &["data/photos/t1.jpg", "models"]) else {
        return;
    };
    let mut place = Place::new();
    place.set("FACEKIT_MODELS", data.join("models"));
    place.set("FACEKIT_SELECTION", "standard");
    let photo = data.join("data/photos/t1.jpg");
    let photo = photo.to_str().unwrap();
    let expected = faces_on(&place, photo, "tract");
    let mut others = vec!["candle"];
    match std::env::var_os("ORT_DYLIB_PATH") {
        Some(_) => others.push("ort"),
        None => facekit_conformance::skip(test, "ORT_DYLIB_PATH names no library of ONNX Runtime"),
    }
    for runtime in others {
        let found = faces_on(&place, photo, runtime);
        assert_eq!(found.len(), expected.len(), "{runtime}");
        for (found, expected) in found.iter().zip(&expected) {
            for (found, expected) in found.iter().zip(expected) {
                assert!(
                    (found - expected).abs() < 0.1,
                    "{runtime}: {found} {expected}"
                );
            }
        }
    }
}

#[test]
fn unavailable_runtimes_are_named() {
    let mut place = Place::new();
    let Some(data) =
        facekit_conformance::data("faces::unavailable_runtimes_are_named", &["models"])
    else {
        return;
    };
    place.set("FACEKIT_MODELS", data.join("models"));
    place.set("FACEKIT_SELECTION", "standard");
    place.write("1.png", b"");
    place
        .line("detect 1.png --provider cuda")
        .fails(&["--provider goes with --runtime ort"]);
    place
        .line("detect 1.png --runtime ort --provider abacus")
        .fails(&["abacus"]);
    place
        .line("detect 1.png --runtime ort --onnxruntime nowhere.so")
        .fails(&["ort: no usable library of ONNX Runtime", "nowhere.so"]);
}
