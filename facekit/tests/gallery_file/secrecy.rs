//! No personal data can be read in the file.

use std::{collections::HashSet, fs, path::Path};

use facekit::{FileStore, Protection, TemplateStore, Watch};
use tempfile::tempdir;

use crate::{crop, key, person, template};

/// True if a file in `folder` contains 16 consecutive bytes of `secret`.
fn reveals(folder: &Path, secret: &[u8]) -> bool {
    let length = secret.len().min(16);
    let windows: HashSet<&[u8]> = secret.windows(length).collect();
    fs::read_dir(folder).unwrap().any(|entry| {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        bytes.windows(length).any(|window| windows.contains(window))
    })
}

#[test]
fn no_personal_data_is_in_plain_text() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("staff.gallery");
    let (person, face) = (
        person("anna.weiss@example.org").with_name("Annelise Weiss"),
        crop(9),
    );
    let template = template(1).with_crop(face.clone());
    let values = template.embedding.values().to_vec();
    let floats: Vec<u8> = values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    let halves: Vec<u8> = values
        .iter()
        .flat_map(|&value| half(value).to_le_bytes())
        .collect();
    let bytes: Vec<u8> = values
        .iter()
        .map(|value| (value * 127.0).round() as i8 as u8)
        .collect();
    let id = person.id.as_str().as_bytes();
    let name = person.name.as_deref().unwrap().as_bytes();
    let model = template.embedding.space().fingerprint().as_bytes();
    let secrets = [
        &floats,
        &halves,
        &bytes,
        id,
        name,
        model,
        face.image().data(),
    ];

    // Control: the search finds each secret in a file that contains it.
    for secret in secrets {
        fs::write(folder.path().join("control"), secret).unwrap();
        assert!(reveals(folder.path(), secret));
        fs::remove_file(folder.path().join("control")).unwrap();
    }
    for protection in [key(1), Protection::None] {
        let store = FileStore::create(&path, &protection).unwrap();
        store.put(&person, std::slice::from_ref(&template)).unwrap();
        store.put(&person, std::slice::from_ref(&template)).unwrap();
        let hidden = || secrets.iter().all(|secret| !reveals(folder.path(), secret));
        assert!(hidden());
        store
            .backup(folder.path().join("backup"), Watch::new())
            .unwrap();
        assert!(hidden());
        store.remove(std::slice::from_ref(&person.id)).unwrap();
        assert!(hidden());
        drop(store);
        assert!(hidden());
        fs::remove_file(&path).unwrap();
        fs::remove_file(folder.path().join("backup")).unwrap();
    }
}

/// A value of a unit vector in IEEE half precision, rounded to nearest.
fn half(value: f32) -> u16 {
    let bits = value.to_bits();
    let sign = (bits >> 16 & 0x8000) as u16;
    let exponent = (bits >> 23 & 0xFF) as i32 - 112;
    if exponent <= 0 {
        return sign;
    }
    sign | ((exponent as u32) << 10 | bits >> 13 & 0x3FF).wrapping_add(bits >> 12 & 1) as u16
}
