//! Recognition in this process, on the synthetic people.

use attendance_server::{
    error::ErrorKind,
    id::Id,
    recognition::{Faces, Frame, LocalOptions, LocalRecognition, Recognition},
};
use axum::body::Bytes;
use facekit::{Template, TemplateId};
use jiff::Timestamp;
use proptest::{
    prelude::Rng,
    test_runner::{RngAlgorithm, TestRng},
};
use tokio::sync::watch;

use crate::support::{picture, recognition};

fn new_id() -> Id {
    Id::new(Timestamp::now())
}

/// The templates of a person from all photos but the last.
async fn templates(org: Id, person: Id, name: &str) -> Vec<Template> {
    templates_of(&*recognition(), org, person, name).await
}

async fn templates_of(
    recognition: &dyn Recognition,
    org: Id,
    person: Id,
    name: &str,
) -> Vec<Template> {
    let photos = (1..=5).map(|photo| picture(&format!("people/{name}/{photo}.jpg")));
    let (seen, progress) = watch::channel(0);
    let analyzed = recognition
        .analyze(org, person, new_id(), photos.collect(), seen)
        .await
        .unwrap();
    assert_eq!(*progress.borrow(), 5);
    assert!(analyzed.unreadable.is_empty());
    assert!(
        analyzed.templates.len() >= 3,
        "{name}: {:?}",
        analyzed.report.refused
    );
    let id = facekit::PersonId::new(person.to_string()).unwrap();
    let templates = analyzed.templates.iter().enumerate();
    templates
        .map(|(number, new)| Template::new(TemplateId(number as u64), id.clone(), new))
        .collect()
}

async fn look(org: Id, file: &str, sites: Option<Vec<Id>>) -> Faces {
    let image = picture(&format!("frames/{file}"));
    recognition()
        .recognize(Frame { org, image, sites })
        .await
        .unwrap()
}

/// The people who are known in a frame.
fn known(faces: &Faces) -> Vec<String> {
    let known = faces.faces.iter().filter_map(|face| face.known());
    let mut people: Vec<_> = known.map(|identity| identity.person.to_string()).collect();
    people.sort();
    people
}

const BELA_AND_CHI: &str = "2026-03-02T08-21-40.jpg";

#[tokio::test]
async fn enrolled_people_are_recognized_at_their_sites() {
    let recognition = recognition();
    let [org, north, south, bela, chi] = [(); 5].map(|()| new_id());
    let of_bela = templates(org, bela, "Bela").await;
    let loaded = of_bela.iter().cloned().map(|template| (north, template));
    recognition.load(org, loaded.collect()).await.unwrap();
    let of_chi = templates(org, chi, "Chi").await;
    recognition
        .follow(org, chi, south, of_chi.clone())
        .await
        .unwrap();
    let mut both = vec![bela.to_string(), chi.to_string()];
    both.sort();
    let faces = look(org, BELA_AND_CHI, None).await;
    assert_eq!(known(&faces), both);
    assert_eq!((faces.width, faces.height), (640, 480));
    assert!(faces.faces.iter().all(|face| face.liveness.is_some()));
    let room = recognition.room(org).unwrap();
    assert_eq!(room.people, 2);
    assert!(room.capacity > 50, "{room:?}");

    // A site searches its own people; a person who moves is found at the new one.
    let found = async |sites| known(&look(org, BELA_AND_CHI, Some(sites)).await);
    assert_eq!(found(vec![north]).await, [bela.to_string()]);
    assert_eq!(found(vec![south]).await, [chi.to_string()]);
    assert_eq!(found(vec![south, north]).await, both);
    assert!(found(vec![new_id()]).await.is_empty());
    recognition.follow(org, chi, north, of_chi).await.unwrap();
    assert_eq!(found(vec![north]).await, both);

    // Nobody of another organisation, and nobody without templates.
    assert!(known(&look(new_id(), BELA_AND_CHI, None).await).is_empty());
    recognition
        .follow(org, chi, north, Vec::new())
        .await
        .unwrap();
    assert_eq!(found(vec![north]).await, [bela.to_string()]);
    assert_eq!(recognition.room(org).unwrap().people, 1);
}

#[cfg(feature = "ort")]
#[tokio::test]
async fn onnx_runtime_recognizes_the_same_people() {
    if std::env::var_os("ORT_DYLIB_PATH").is_none() {
        return facekit_conformance::skip(
            "recognition::onnx_runtime_recognizes_the_same_people",
            "ORT_DYLIB_PATH names no library of ONNX Runtime",
        );
    }
    let options = LocalOptions {
        runtime: facekit_runtimes::RuntimeName::Ort,
        ..LocalOptions::default()
    };
    let ort = LocalRecognition::open(&options).unwrap();
    assert_eq!(ort.models().runtime, "ort");
    assert_eq!(ort.models().space, recognition().models().space);
    let [org, site, bela, chi] = [(); 4].map(|()| new_id());
    // Templates of one runtime serve the other.
    let of_bela = templates(org, bela, "Bela").await;
    let of_chi = templates_of(&ort, org, chi, "Chi").await;
    let loaded = of_bela.into_iter().chain(of_chi);
    let loaded = loaded.map(|template| (site, template));
    ort.load(org, loaded.collect()).await.unwrap();
    let frame = Frame {
        org,
        image: picture(&format!("frames/{BELA_AND_CHI}")),
        sites: None,
    };
    let mut both = vec![bela.to_string(), chi.to_string()];
    both.sort();
    assert_eq!(known(&ort.recognize(frame).await.unwrap()), both);
}

#[tokio::test]
async fn options_change_templates_and_searches() {
    let augmented = LocalOptions {
        augment: true,
        equalize: true,
        ..LocalOptions::default()
    };
    let augmented = LocalRecognition::open(&augmented).unwrap();
    let [org, site, ari] = [(); 3].map(|()| new_id());
    let plain = templates(org, ari, "Ari").await;
    let sturdy = templates_of(&augmented, org, ari, "Ari").await;
    assert_eq!(plain.len(), sturdy.len());
    for (plain, sturdy) in plain.iter().zip(&sturdy) {
        let similarity = plain.embedding.cosine(&sturdy.embedding).unwrap();
        assert!(similarity > 0.8 && similarity < 0.999, "{similarity}");
    }
    // The plain recognition finds people by sturdy templates.
    let loaded = sturdy.into_iter().map(|template| (site, template));
    recognition().load(org, loaded.collect()).await.unwrap();
    let frame = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../data/frames")).unwrap();
    let names = frame.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut found = 0;
    for name in names {
        found += known(&look(org, &name, None).await).len();
    }
    assert!(found > 0);

    // A stricter rate makes room for fewer people.
    let room = |fpir| {
        let options = LocalOptions {
            fpir,
            ..LocalOptions::default()
        };
        let strict = LocalRecognition::open(&options)?;
        anyhow::Ok(strict.room(org).unwrap().capacity)
    };
    assert!(room(0.001).unwrap() < room(0.01).unwrap());
    for wrong in [0.0, -1.0, 0.2, f64::NAN] {
        let error = room(wrong).unwrap_err().to_string();
        assert!(error.starts_with("fpir: "), "{error}");
    }
}

#[tokio::test]
async fn each_photo_has_a_result_and_other_people_who_look_alike_are_named() {
    let recognition = recognition();
    let [org, site, ari, twin] = [(); 4].map(|()| new_id());
    let of_ari = templates(org, ari, "Ari").await;
    recognition.follow(org, ari, site, of_ari).await.unwrap();
    let photos = vec![
        picture("people/Ari/6.jpg"),
        Bytes::from_static(b"GIF89a is no photo"),
        facekit::image::encode_jpeg(&facekit::Image::filled(320, 240, [90; 3]), 90).into(),
    ];
    let (seen, _) = watch::channel(0);
    let analyzed = recognition
        .analyze(org, twin, new_id(), photos, seen)
        .await
        .unwrap();
    assert_eq!(analyzed.report.accepted, [0]);
    assert_eq!(analyzed.templates.len(), 1);
    assert_eq!(analyzed.report.refused.len(), 1, "{:?}", analyzed.report);
    assert_eq!(analyzed.report.refused[0].photo, 2);
    assert_eq!(analyzed.unreadable.len(), 1);
    let unreadable = &analyzed.unreadable[0];
    assert_eq!(
        (unreadable.photo, unreadable.error.code),
        (1, "unreadable_image")
    );
    assert_eq!(
        analyzed.report.resembles[0].person.as_str(),
        ari.to_string()
    );
}

#[tokio::test]
async fn damaged_and_oversized_images_are_refused() {
    let recognition = recognition();
    let org = new_id();
    let whole = picture("people/Ari/1.jpg");
    let cut = whole.slice(..whole.len() / 2);
    let mut large = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    large.extend([0, 1, 0, 0, 0, 0, 0, 1, 8, 2, 0, 0, 0, 0, 0, 0, 0]);
    for (image, kind, code) in [
        (Bytes::new(), ErrorKind::Invalid, "unreadable_image"),
        (cut, ErrorKind::Invalid, "unreadable_image"),
        (
            Bytes::from_static(b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
            ErrorKind::Invalid,
            "unreadable_image",
        ),
        (large.into(), ErrorKind::TooLarge, "image_too_large"),
        (
            Bytes::from(vec![0xff; (25 << 20) + 1]),
            ErrorKind::TooLarge,
            "image_too_large",
        ),
    ] {
        let frame = Frame {
            org,
            image,
            sites: None,
        };
        let error = recognition.recognize(frame).await.unwrap_err();
        assert_eq!((error.kind, error.code), (kind, code), "{}", error.detail);
    }
}

/// A damaged upload is looked at or refused, and never a fault of the server.
#[tokio::test]
async fn random_damage_is_no_fault() {
    let recognition = recognition();
    let org = new_id();
    let whole = picture("people/Ari/1.jpg");
    let mut random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let (mut read, mut refused) = (0, 0);
    for _ in 0..300 {
        let mut file = whole.to_vec();
        let below = |random: &mut TestRng, end: usize| random.next_u64() as usize % end;
        for _ in 0..=below(&mut random, 12) {
            let at = below(&mut random, file.len());
            file[at] = random.next_u64() as u8;
        }
        match below(&mut random, 4) {
            0 => file.truncate(below(&mut random, whole.len())),
            1 => drop(file.drain(..below(&mut random, 600))),
            // The first bytes say the sizes and the tables.
            2 => file[below(&mut random, 600)] = random.next_u64() as u8,
            _ => {}
        }
        let image = Bytes::from(file);
        let (seen, _) = watch::channel(0);
        let frame = Frame {
            org,
            image: image.clone(),
            sites: None,
        };
        match recognition.recognize(frame).await {
            Ok(_) => read += 1,
            Err(error) => {
                let is_refused = matches!(error.kind, ErrorKind::Invalid | ErrorKind::TooLarge);
                assert!(is_refused, "{}", error.detail);
                refused += 1;
            }
        }
        let analyzed = recognition.analyze(org, new_id(), new_id(), vec![image], seen);
        analyzed.await.unwrap();
    }
    assert!(read > 20 && refused > 20, "{read} read, {refused} refused");
}

#[tokio::test]
async fn a_jpeg_of_108_megapixels_is_accepted() {
    // Most of it is gray, so that it stays small.
    let (width, height) = (12_000, 9_000);
    let file = facekit::image::encode_jpeg(&facekit::Image::filled(width, height, [90; 3]), 60);
    assert!(file.len() < 25 << 20);
    let frame = Frame {
        org: new_id(),
        image: file.into(),
        sites: None,
    };
    let faces = recognition().recognize(frame).await.unwrap();
    assert!(faces.faces.is_empty());
    assert!(faces.width < width, "decoded at a reduced scale");
}
