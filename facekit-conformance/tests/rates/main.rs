//! Rates hold on real people.

mod faces;

use faces::People;

#[test]
fn people_are_embedded() {
    let Some(data) = facekit_conformance::data("rates", &["data/lfw/pairs.txt", "models"]) else {
        return;
    };
    for set in ["standard", "nano"] {
        let people = People::of(set, &data.join("models"), &data.join("data/lfw/images"));
        let tested = people.in_folds(&data.join("data/lfw/pairs.txt"), &[4, 5]);
        println!(
            "{set}: {} people, {} in folds 4 and 5; {}",
            people.people.len(),
            tested.len(),
            people.space
        );
    }
}
