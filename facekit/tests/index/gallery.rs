//! A gallery of many people takes little more time for a search than one of few.

use std::time::Instant;

use facekit::{Embedding, Gallery, MemoryStore, NewTemplate, Person, PersonId, jiff::Timestamp};

use crate::noise::{Faces, soak};

/// The median time of a search for the nearest person, in microseconds, and the share of searches that name the right one.
fn searches(gallery: &Gallery, probes: &[(usize, Embedding)]) -> (f64, f64) {
    let (mut times, mut right) = (Vec::new(), 0);
    for (person, probe) in probes {
        let begun = Instant::now();
        let nearest = gallery.nearest(probe, 1, None).unwrap();
        times.push(begun.elapsed().as_secs_f64() * 1e6);
        right += usize::from(nearest[0].person.as_str() == person.to_string());
    }
    times.sort_by(f64::total_cmp);
    (times[times.len() / 2], right as f64 / times.len() as f64)
}

#[test]
fn many_people_add_little_time() {
    let (people, rounds): (usize, usize) = if soak() { (100_000, 5) } else { (3_000, 1) };
    let mut faces = Faces::new(128, 9);
    let now = Timestamp::UNIX_EPOCH;
    let galleries = [10, people].map(|count: usize| {
        let gallery = Gallery::for_space(MemoryStore::new(), &faces.space).unwrap();
        let mut probes = Vec::new();
        for number in 0..count {
            let person = faces.person();
            let template = NewTemplate::new(faces.photo(&person), 1.0, now);
            let id = PersonId::new(number.to_string()).unwrap();
            gallery.add(&Person::new(id, now), &[template]).unwrap();
            if number % count.div_ceil(1000) == 0 {
                probes.push((number, faces.photo(&person)));
            }
        }
        (gallery, probes)
    });
    let mut times = [f64::INFINITY; 2];
    for _ in 0..rounds {
        for ((gallery, probes), least) in galleries.iter().zip(&mut times) {
            let (time, right) = searches(gallery, probes);
            assert!(right > 0.99, "{right}");
            *least = least.min(time);
        }
    }
    let [few, many] = times;
    println!("a search among 10 people: {few:.1} us, among {people}: {many:.1} us");
    // A busy machine takes several times as long.
    assert!(many - few < 3_000.0, "{few} us and {many} us");
}
