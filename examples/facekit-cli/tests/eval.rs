//! `facekit eval` on real photos, compared with the figures of the reference.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;
use tempfile::TempDir;

fn run(data: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_facekit"))
        .arg("eval")
        .args(arguments)
        .arg("--json")
        .env("FACEKIT_MODELS", data.join("models"))
        .env("FACEKIT_SELECTION", "standard")
        .output()
        .unwrap()
}

fn eval(data: &Path, arguments: &[&str]) -> Value {
    let output = run(data, arguments);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The figures of the reference, measured with OpenCV and ONNX Runtime: for each false-match rate, the score and the true-match
/// rate.
const REFERENCE: [(&str, f64, f64); 3] = [
    ("1e-3", 0.334, 0.988),
    ("1e-4", 0.401, 0.975),
    ("1e-5", 0.460, 0.951),
];

#[test]
fn labeled_faces_in_the_wild() {
    let Some(data) = facekit_conformance::data(
        "eval::labeled_faces_in_the_wild",
        &["data/lfw/pairs.txt", "models"],
    ) else {
        return;
    };
    let folder = TempDir::new().unwrap();
    let (images, pairs) = (
        data.join("data/lfw/images"),
        data.join("data/lfw/pairs.txt"),
    );
    let calibration = folder.path().join("calibration.toml");
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let on = |runtime: &str, more: &[&str]| {
        let (images, pairs) = (text(&images), text(&pairs));
        let arguments = ["lfw", "--images", &images, "--pairs", &pairs];
        // The reference has no second look.
        let runtime = ["--runtime", runtime, "--no-second-look"];
        let arguments = [&arguments[..], &runtime, more].concat();
        let report = eval(&data, &arguments);
        println!("{report:#}");
        report
    };
    // A calibration embeds each face twice, so the fastest runtime measures it.
    let calibrate = ["--calibrate", &text(&calibration)];
    let has_ort = std::env::var_os("ORT_DYLIB_PATH").is_some();
    let report = on("tract", if has_ort { &[] } else { &calibrate });
    assert_eq!(report["images"], 6922);
    assert_eq!(report["pairs"], 3000);
    assert_eq!(report["faces_missing"], 0);
    assert_eq!(report["genuine_comparisons"], 59_398);
    assert_eq!(report["impostor_comparisons"], 23_894_183);
    assert!(report["accuracy"].as_f64().unwrap() >= 0.990);
    for (rate, score, true_matches) in REFERENCE {
        let off = (report["thresholds"][rate].as_f64().unwrap() - score).abs();
        assert!(off <= 0.01, "the score at {rate} is {off} off");
        let off = (report["tmr_at_fmr"][rate].as_f64().unwrap() - true_matches).abs();
        assert!(off <= 0.005, "true matches at {rate} are {off} off");
        assert!(report["tmr_at_fmr_balanced"][rate].as_f64().unwrap() > 0.9);
    }
    let lookalikes = report["lookalikes"].as_array().unwrap();
    let scores: Vec<f64> = lookalikes
        .iter()
        .map(|pair| pair["score"].as_f64().unwrap())
        .collect();
    assert!(scores.len() == 20 && scores.is_sorted_by(|a, b| a >= b));
    let share = |rate: &str| {
        report["people_with_lookalike_at_fmr"][rate]
            .as_f64()
            .unwrap()
    };
    assert!(share("1e-3") > share("1e-4") && share("1e-4") > share("2e-6") && share("2e-6") > 0.0);
    // Other runtimes have the same results, except for rounding.
    let mut others = vec!["candle"];
    if has_ort {
        others.push("ort");
    } else {
        facekit_conformance::skip(
            "eval::labeled_faces_in_the_wild on ort",
            "ORT_DYLIB_PATH names no library of ONNX Runtime",
        );
    }
    for runtime in others {
        let other = on(runtime, if runtime == "ort" { &calibrate } else { &[] });
        let apart = |key: &str, rate: Option<&str>| {
            let figure = |report: &Value| match rate {
                Some(rate) => report[key][rate].as_f64().unwrap(),
                None => report[key].as_f64().unwrap(),
            };
            (figure(&report) - figure(&other)).abs()
        };
        assert_eq!(other["faces_missing"], 0, "{runtime}");
        assert!(apart("accuracy", None) <= 0.001, "{runtime}");
        for (rate, ..) in REFERENCE {
            let off = apart("thresholds", Some(rate));
            assert!(
                off <= 0.005,
                "the score at {rate} is {off} off on {runtime}"
            );
        }
    }
    // The calibration in the manifest was measured in this way.
    let measured = facekit::Calibration::open(&calibration).unwrap();
    let shipped = facekit::Registry::builtin()
        .model("mobilefacenet")
        .unwrap()
        .calibration
        .clone()
        .unwrap();
    assert_eq!(measured.space, shipped.space);
    // Mislabelled people are left out of the measurement, so the last points of the shipped calibration are higher.
    let counted = |rate: f64| rate >= 1e-5;
    for point in shipped.points().iter().filter(|point| counted(point.fmr)) {
        let off = (measured.score_at(point.fmr).unwrap() - point.score).abs();
        assert!(off <= 0.002, "the score at {:e} is {off} off", point.fmr);
    }
}

#[test]
fn attacks_and_strangers_are_counted() {
    let Some(data) = facekit_conformance::data(
        "eval::attacks_and_strangers_are_counted",
        &["data/photos/image_T1.jpg", "data/lfw/images", "models"],
    ) else {
        return;
    };
    let folder = TempDir::new().unwrap();
    let place = |file: &Path, name: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, fs::read(file).unwrap()).unwrap();
    };
    let photos = data.join("data/photos");
    place(&photos.join("image_T1.jpg"), "live/image_T1.jpg");
    place(&photos.join("image_F1.jpg"), "attacks/print/image_F1.jpg");
    place(&photos.join("image_F2.jpg"), "attacks/replay/image_F2.jpg");
    place(&photos.join("rgb_fake.jpg"), "attacks/replay/rgb_fake.jpg");
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let report = eval(
        &data,
        &[
            "liveness",
            "--live",
            &path("live"),
            "--attack",
            &path("attacks"),
        ],
    );
    assert_eq!(report["live"][0]["errors"], 0, "{report:#}");
    assert_eq!(report["attacks"].as_array().unwrap().len(), 2, "{report:#}");
    for attack in report["attacks"].as_array().unwrap() {
        assert_eq!(attack["error_rate"]["share"], 0.0, "{report:#}");
        assert!(
            attack["error_rate"]["high"].as_f64().unwrap() > 0.5,
            "the interval of one or two photos is wide"
        );
    }

    // Photos that cannot be read or have no face do not stop the evaluation.
    place(&data.join("data/lfw/pairs.txt"), "live/broken.jpg");
    let blank = facekit::Image::filled(64, 64, [90; 3]);
    fs::create_dir(folder.path().join("blank")).unwrap();
    facekit::image::save(&blank, folder.path().join("blank/1.jpg")).unwrap();
    let (live, blank) = (path("live"), path("blank"));
    let report = eval(&data, &["liveness", "--live", &live, "--attack", &blank]);
    assert_eq!(
        report["unreadable"].as_array().unwrap().len(),
        1,
        "{report:#}"
    );
    assert!(report["attacks"][0]["error_rate"]["low"].is_null());
    let nothing = run(&data, &["liveness", "--live", &blank, "--attack", &blank]);
    assert_eq!(nothing.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&nothing.stderr).contains("nothing can be measured"));

    let images = data.join("data/lfw/images");
    for person in [
        "Aaron_Peirsol",
        "Abdullah_Gul",
        "Adrien_Brody",
        "Aaron_Eckhart",
        "AJ_Cook",
        "Aaron_Sorkin",
    ] {
        let Ok(photos) = fs::read_dir(images.join(person)) else {
            continue;
        };
        for photo in photos.map(|photo| photo.unwrap().path()) {
            let name = photo.file_name().unwrap().to_str().unwrap().to_owned();
            place(&photo, &format!("people/{person}/{name}"));
        }
    }
    place(
        &data.join("data/lfw/pairs.txt"),
        "people/AJ_Cook/AJ_Cook_0002.jpg",
    );
    let pairs = folder.path().join("pairs.txt");
    fs::write(&pairs, "1\t1\nAJ_Cook\t1\t2\nAJ_Cook\t1\tAaron_Sorkin\t1\n").unwrap();
    let lfw = run(
        &data,
        &[
            "lfw",
            "--images",
            &path("people"),
            "--pairs",
            &path("pairs.txt"),
            "--calibrate",
            &path("calibration.toml"),
        ],
    );
    let told = String::from_utf8_lossy(&lfw.stderr);
    assert_eq!(lfw.status.code(), Some(2), "{told}");
    assert!(told.contains("too few for a calibration"), "{told}");
    let report: Value = serde_json::from_slice(&lfw.stdout).unwrap();
    assert!(report["accuracy"].is_null(), "{report:#}");
    assert_eq!(report["faces_missing"], 1, "{report:#}");
    assert_eq!(report["unreadable"].as_array().unwrap().len(), 1);
    assert!(!folder.path().join("calibration.toml").exists());
    fs::remove_file(folder.path().join("people/AJ_Cook/AJ_Cook_0002.jpg")).unwrap();
    let report = eval(&data, &["identify", "--images", &path("people")]);
    let point = report["points"]
        .as_array()
        .unwrap()
        .iter()
        .find(|point| point["asked"]["fmr"] == 1e-4)
        .unwrap();
    assert_eq!(point["fpir"]["count"], 0, "{report:#}");
    assert!(point["fnir"]["share"].as_f64().unwrap() < 0.2, "{report:#}");

    // The nearest template and the mean are the same thing if one photo is enrolled. Means of several photos miss no more
    // probes, and only scores in the band need a mirrored probe.
    let draws = &report["draws"];
    assert_eq!(draws["seeds"], serde_json::json!([1, 2, 3, 4, 5]));
    let rows = draws["rows"].as_array().unwrap();
    assert_eq!(rows[0]["photos"], 1, "{draws:#}");
    for row in rows {
        for rate in 0..2 {
            let missed = |way: usize| {
                let rate = &row["ways"][way]["rates"][rate];
                rate["fnir"]["share"].as_f64().unwrap()
            };
            assert!(missed(1) <= missed(0), "{row:#}");
            assert!(row["photos"] != 1 || missed(1) == missed(0), "{row:#}");
            let mirrored = &row["bands"][0]["rates"][rate]["mirrored"][0];
            assert!(mirrored.as_f64().unwrap() < 0.5, "{row:#}");
        }
    }
}
