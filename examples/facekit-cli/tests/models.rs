//! `facekit models`, with a temporary folder and a local server.

mod common;

use std::{
    ffi::OsString,
    fs,
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    path::Path,
    thread,
};

use common::{Place, lfw};
use facekit::Digest;

const BYTES: &[u8] = b"as good as a model";

/// A place with two models: `tiny`, and `closed`, which forbids commercial use.
fn place() -> Place {
    let place = Place::new();
    let digest = Digest::of(BYTES);
    let bytes = BYTES.len();
    let model = |name: &str, commercial: bool| {
        format!(
            r#"
[[model]]
name = "{name}"
file = "{name}.onnx"
url = "http://127.0.0.1:9/{name}.onnx"
exports = [{{ sha256 = "{digest}", bytes = {bytes} }}]
license = "some license"
commercial_use = {commercial}
source = "a test"
tested = true

[model.yunet]
pixels = {{ color = "bgr" }}
strides = [8, 16, 32]
score = 0.6
overlap = 0.3
"#
        )
    };
    let manifest = model("tiny", true) + &model("closed", false);
    place.write("models/models.toml", manifest);
    place
}

/// Serves `content` for every request; returns the address.
fn serve(content: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
            while lines.next().is_some_and(|line| !line.is_empty()) {}
            let length = content.len();
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
            let _ = (&stream).write_all(&[head.as_bytes(), content].concat());
        }
    });
    address
}

#[test]
fn models_of_the_program_need_no_file() {
    let place = place();
    for line in ["models verify --json", "models verify nano --json"] {
        let report = place.line(line).ends(0).json();
        assert_eq!(report["verified"], true, "{line}");
        assert_eq!(report["models"][0]["state"], "built_in", "{line}");
    }
}

#[test]
fn list() {
    let place = place();
    place.line("models list").ends(0).says(&[
        "tiny",
        "some license",
        "missing",
        "standard",
        "models folder",
    ]);
    let names = |line: &str| -> Vec<String> {
        let document = place.line(line).ends(0).json();
        let models = document["models"].as_array().unwrap().clone();
        let name = |model: &serde_json::Value| model["name"].as_str().unwrap().to_owned();
        models.iter().map(name).collect()
    };
    let (some, all) = (
        names("models list --json"),
        names("--json models list --all"),
    );
    assert!(some.len() < all.len() && some.iter().all(|name| all.contains(name)));
    assert!(some.contains(&"tiny".to_owned()));
}

#[test]
fn pull_downloads_and_checks() {
    let place = place();
    let mirror = serve(BYTES);
    let line = format!("models pull tiny --mirror {mirror} --json");
    let report = place.line(&line).ends(0).json();
    assert_eq!(report["models"][0]["transferred"], BYTES.len());
    assert_eq!(fs::read(place.path("models/tiny.onnx")).unwrap(), BYTES);
    let report = place.line(&line).ends(0).json();
    assert_eq!(report["models"][0]["present"], true);
    place
        .line(&format!("models pull tiny --mirror {mirror}"))
        .ends(0)
        .says(&["already there"]);
    place.line("models verify tiny").ends(0).says(&["verified"]);
}

#[test]
fn pull_refuses_a_file_that_is_not_the_model() {
    let place = place();
    let mirror = serve(b"something else, hm");
    place
        .line(&format!("models pull tiny --mirror {mirror}"))
        .fails(&["error: model tiny: not downloaded: caused by", "SHA-256"]);
    assert!(!place.path("models/tiny.onnx").exists());
}

#[test]
fn pull_without_a_server() {
    let place = place();
    // The port of a closed listener.
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let line = format!("models pull tiny --mirror http://127.0.0.1:{port}");
    place
        .line(&line)
        .fails(&["model tiny: not downloaded", "caused by"]);
    place
        .line("models pull tiny --mirror nonsense")
        .fails(&["mirror: \"nonsense\" is not an http or https URL"]);
    let failed = place.line(&format!("{line} --json")).fails(&[]);
    let error: serde_json::Value =
        serde_json::from_str(failed.stderr.lines().last().unwrap()).unwrap();
    assert_eq!(error["error"], "model tiny: not downloaded");
    assert!(!error["causes"].as_array().unwrap().is_empty());
}

#[cfg(unix)]
#[test]
fn an_interrupt_cancels() {
    use std::{
        process::{Command, Stdio},
        time::{Duration, Instant},
    };

    let place = place();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mirror = format!("http://{}", listener.local_addr().unwrap());
    let child = Command::new(env!("CARGO_BIN_EXE_facekit"))
        .args(["models", "pull", "tiny", "--mirror", &mirror])
        .env("FACEKIT_MODELS", place.path("models"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // One byte every three seconds: the whole file takes a minute.
    let (mut stream, _) = listener.accept().unwrap();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", BYTES.len());
    stream.write_all(head.as_bytes()).unwrap();
    thread::spawn(move || {
        for byte in BYTES {
            let _ = stream.write_all(&[*byte]);
            thread::sleep(Duration::from_secs(3));
        }
    });
    let begun = Instant::now();
    let interrupt = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(interrupt.unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.ends_with(": caused by cancelled\n"), "{error}");
}

/// Python is stopped too.
#[test]
#[cfg(unix)]
fn an_interrupt_cancels_quantizing() {
    use std::{
        os::unix::fs::PermissionsExt as _,
        process::{Command, Stdio},
        time::{Duration, Instant},
    };

    let test = "models::an_interrupt_cancels_quantizing";
    if std::env::var_os("ORT_DYLIB_PATH").is_none() {
        return facekit_conformance::skip(test, "ORT_DYLIB_PATH names no ONNX Runtime");
    }
    let place = Place::new();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/frames");
    let python = place.write(
        "python",
        "#!/bin/sh\necho started > started\nexec sleep 100\n",
    );
    fs::set_permissions(&python, fs::Permissions::from_mode(0o755)).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_facekit"))
        .current_dir(place.path(""))
        .args(["models", "quantize", "nano_detector", "--calibration"])
        .arg(data)
        .arg("--python")
        .arg(&python)
        .env("FACEKIT_MODELS", place.path("models"))
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while !place.path("started").exists() {
        assert!(begun.elapsed() < Duration::from_secs(60));
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        thread::sleep(Duration::from_millis(20));
    }
    let terminate = Command::new("kill").arg(child.id().to_string()).status();
    assert!(terminate.unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(70));
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.ends_with(": caused by cancelled\n"), "{error}");
}

#[test]
fn licenses_are_checked_before_the_first_download() {
    let place = place();
    let mirror = serve(BYTES);
    let line = format!("models pull tiny closed --mirror {mirror}");
    place.line(&line).fails(&[
        "--accept-non-commercial",
        "model closed: its license (some license)",
    ]);
    assert!(!place.path("models/tiny.onnx").exists());
    place
        .line(&format!("{line} --accept-non-commercial"))
        .ends(0);
    assert!(place.path("models/closed.onnx").exists());
}

#[test]
fn verify_reports_the_state_of_each_file() {
    let place = place();
    let states = || {
        let report = place
            .line("models verify tiny closed --json")
            .ends(1)
            .json();
        assert_eq!(report["verified"], false);
        let state = |index: usize| {
            report["models"][index]["state"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        (state(0), state(1))
    };
    assert_eq!(states(), ("missing".to_owned(), "missing".to_owned()));
    place.write("models/tiny.onnx", BYTES);
    place.write("models/closed.onnx", b"short");
    assert_eq!(states(), ("verified".to_owned(), "wrong_size".to_owned()));
    place.write("models/closed.onnx", b"As good as a model");
    assert_eq!(states().1, "wrong_hash");
    place
        .line("models verify standard")
        .ends(1)
        .says(&["4 models are missing or wrong"]);
}

#[test]
fn path() {
    let place = place();
    let folder = place.path("models");
    let said = place.line("models path").ends(0).stdout;
    assert_eq!(said.trim_end(), folder.to_str().unwrap());
    let said = place.line("models path tiny --json").ends(0).json();
    assert_eq!(said["path"], folder.join("tiny.onnx").to_str().unwrap());
    place
        .line("models path tinny")
        .fails(&["no model or set named \"tinny\", did you mean \"tiny\"?"]);
    place.line("models path nano_embedder").fails(&[
        "nano_embedder is part of this program and has no file",
        "`facekit models pull nano_embedder` writes it to",
    ]);
}

#[test]
fn a_wrong_manifest_is_named() {
    let place = Place::new();
    place.write("models/models.toml", "nonsense = [");
    place
        .line("models list")
        .fails(&["manifest", "models.toml"]);
}

#[test]
fn quantized_models_are_measured_and_kept() {
    let test = "models::quantized_models_are_measured_and_kept";
    let Some(data) = facekit_conformance::data(test, &["data/lfw/images", "models"]) else {
        return;
    };
    let Some(python) = std::env::var_os("FACEKIT_TEST_PYTHON") else {
        facekit_conformance::skip(
            test,
            "FACEKIT_TEST_PYTHON names no Python that has onnx and onnxruntime",
        );
        return;
    };
    let place = Place::new();
    for model in [
        "yunet_n_dynamic",
        "mobilefacenet",
        "minifasnet_v2",
        "minifasnet_v1se",
    ] {
        let file = format!("models/{model}.onnx");
        place.write(&file, fs::read(data.join(&file)).unwrap());
    }
    // A calibration needs different pairs of people, so there are many people with two photos each.
    let folders = fs::read_dir(data.join("data/lfw/images")).unwrap();
    let mut people: Vec<String> = folders
        .map(|folder| folder.unwrap().file_name().into_string().unwrap())
        .filter(|person| person == "Tony_Blair" || lfw(&data, person, 2).exists())
        .collect();
    people.sort_by_key(|person| (person != "Tony_Blair", person.clone()));
    for person in &people[..50] {
        for number in 1..=2 {
            let bytes = fs::read(lfw(&data, person, number)).unwrap();
            place.write(&format!("photos/{person}/{number}.jpg"), bytes);
        }
    }
    let arguments = [
        "models",
        "quantize",
        "mobilefacenet",
        "--calibration",
        "photos",
        "--json",
    ];
    let arguments = arguments.map(OsString::from);
    let python = ["--python".into(), python];
    let said = place.run(arguments.iter().chain(&python)).ends(0);
    let range = "down to a false-match rate of 1e-2";
    assert!(said.stderr.contains(range), "{}", said.stderr);
    let report = said.json();
    let variant = &report["models"][0];
    assert_eq!(variant["variant"], "mobilefacenet_int8", "{report:#}");
    // Embeddings are centered, which enlarges the angle of an error: without centering, the mean for these photos is 0.982.
    let quality = &variant["quality"];
    assert!(
        quality["cosine_mean"].as_f64().unwrap() > 0.97,
        "{report:#}"
    );
    let [f32, int8] = ["f32", "int8"].map(|it| quality["equal_error_rate"][it].as_f64().unwrap());
    assert!((f32 - int8).abs() < 2e-3, "{report:#}");
    assert_eq!(variant["calibrated"], true, "{report:#}");

    // The variant is a model like all others, with its own embedding space.
    place.line("models verify mobilefacenet_int8").ends(0);
    place
        .line("models list")
        .ends(0)
        .says(&["mobilefacenet_int8"]);
    let same = "verify photos/Tony_Blair/1.jpg photos/Tony_Blair/2.jpg --no-liveness";
    let line = format!("{same} --runtime ort --fmr 1e-2 --models mobilefacenet_int8");
    place.line(&line).ends(0);
    place
        .line("models pull mobilefacenet_int8 --mirror http://127.0.0.1:9")
        .ends(0)
        .says(&["already there"]);
    fs::remove_file(place.path("models/mobilefacenet_int8.onnx")).unwrap();
    place
        .line("models pull mobilefacenet_int8")
        .fails(&["mobilefacenet_int8", "has no URL"]);
}

#[test]
fn quantizing_names_what_is_missing() {
    let Some(data) = facekit_conformance::data(
        "models::quantizing_names_what_is_missing",
        &["data/photos", "models"],
    ) else {
        return;
    };
    let mut place = Place::new();
    place.set("FACEKIT_MODELS", data.join("models"));
    place.set("FACEKIT_SELECTION", "standard");
    place
        .line("models quantize mobilefacenet --calibration nowhere")
        .fails(&["nowhere"]);
    place
        .line("models quantize mobilfacenet --calibration nowhere")
        .fails(&["did you mean"]);
    if std::env::var_os("ORT_DYLIB_PATH").is_some() {
        let photos = data.join("data/photos");
        place
            .run([
                "models".as_ref(),
                "quantize".as_ref(),
                "mobilefacenet".as_ref(),
                "--calibration".as_ref(),
                photos.as_os_str(),
                "--python".as_ref(),
                "no-such-python".as_ref(),
            ])
            .fails(&[
                "no-such-python",
                "--python names a Python that has onnx and onnxruntime",
            ]);
    }
}
