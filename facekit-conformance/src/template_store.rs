//! The suite for every [`TemplateStore`]. Each function takes an empty store, and panics if the store violates the contract.
#![allow(
    clippy::missing_panics_doc,
    reason = "the documentation of the module says when functions panic"
)]

use std::thread;

use facekit::{
    AlignedFace, Digest, Embedding, EmbeddingSpace, Error, Image, NewTemplate, Person, PersonId,
    Template, TemplateId, TemplateStore,
};
use jiff::Timestamp;

/// Makes a module of tests, one for each property of a [`TemplateStore`].
///
/// The second argument is a function without arguments that returns an empty store.
///
/// ```
/// use facekit::MemoryStore;
/// use facekit_conformance::template_store_suite;
///
/// template_store_suite!(memory, MemoryStore::new);
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! template_store_suite {
    ($name:ident, $store:expr $(,)?) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            $crate::template_store_suite!(@tests $store;
                starts_empty, put_then_read, put_updates_person, empty_put, people_are_in_order,
                templates_are_in_order, several_spaces, crops_come_back, removal_removes,
                removal_counts, the_removed_can_return, numbers_are_never_reused,
                one_person_is_read, templates_are_removed, removed_templates_are_gone_for_good,
                an_origin_is_added_once, origins_are_of_a_person_and_a_space,
                a_removed_origin_can_return, odd_origins_are_refused,
                visits_stop_on_error, visits_may_change_the_store, concurrent_puts,
                concurrent_changes_of_one_person,
            );
        }
    };
    (@tests $store:expr; $($test:ident),* $(,)?) => {
        $(
            #[test]
            fn $test() {
                $crate::template_store::$test(&($store)());
            }
        )*
    };
}

/// A new store holds no people and no templates.
pub fn starts_empty(store: &dyn TemplateStore) {
    assert!(store.people().unwrap().is_empty());
    assert!(templates(store).is_empty());
    assert!(crops(store).is_empty());
    assert_eq!(store.remove(&[]).unwrap(), 0);
}

/// The store returns everything that was put: every field of the person, and every field and bit of the templates.
pub fn put_then_read(store: &dyn TemplateStore) {
    let anna = Person::new(id("anna"), time(1_700_000_000_123_456_789)).with_name("Anna Weiß");
    let given = [
        NewTemplate::new(embedding("a", 512, 1), 0.0, Timestamp::MIN),
        NewTemplate::new(embedding("a", 512, 2).with_mirrored(true), 0.3, time(-1))
            .with_origin("photo ä"),
        NewTemplate::new(embedding("a", 512, 3), 1.0, Timestamp::MAX),
    ];
    let numbers = store.put(&anna, &given).unwrap();
    assert_eq!(store.people().unwrap(), [anna]);
    let found = templates(store);
    assert_eq!(found.len(), given.len());
    for ((found, given), number) in found.iter().zip(&given).zip(numbers) {
        assert_eq!(found.id, number);
        assert_eq!(found.person, id("anna"));
        assert_eq!(found.quality.to_bits(), given.quality.to_bits());
        assert_eq!(found.created, given.created);
        assert_eq!(found.origin, given.origin);
        assert_eq!(found.embedding.is_mirrored(), given.embedding.is_mirrored());
        let (space, expected) = (found.embedding.space(), given.embedding.space());
        assert_eq!(space, expected);
        assert_eq!(space.model(), expected.model());
        assert_eq!(bits(&found.embedding), bits(&given.embedding));
    }
}

/// Putting a person again replaces the person's fields and keeps the templates.
pub fn put_updates_person(store: &dyn TemplateStore) {
    let first = store.put(&person("anna"), &[template(1)]).unwrap();
    let other = store.put(&person("bert"), &[]).unwrap();
    let renamed = Person::new(id("anna"), time(5)).with_name("Anna");
    let second = store.put(&renamed, &[template(2)]).unwrap();
    assert!(other.is_empty());
    assert_eq!(store.people().unwrap(), [renamed, person("bert")]);
    assert_eq!(numbers(store), [first, second].concat());
    store.put(&person("anna"), &[]).unwrap();
    assert_eq!(store.people().unwrap(), [person("anna"), person("bert")]);
    assert_eq!(numbers(store).len(), 2);
}

/// A person may have no templates.
pub fn empty_put(store: &dyn TemplateStore) {
    assert!(store.put(&person("anna"), &[]).unwrap().is_empty());
    assert_eq!(store.people().unwrap(), [person("anna")]);
    assert!(templates(store).is_empty());
    assert_eq!(store.remove(&[id("anna")]).unwrap(), 1);
    assert!(store.people().unwrap().is_empty());
}

/// People are in ascending order of id, compared byte by byte.
pub fn people_are_in_order(store: &dyn TemplateStore) {
    let order = ["10", "9", "Anna", "anna", "zoe", "Ärmel"];
    for index in [3, 5, 0, 4, 2, 1] {
        store.put(&person(order[index]), &[]).unwrap();
    }
    assert_eq!(ids(store), order);
}

/// Templates of all people are in ascending order of number, and later templates have greater numbers.
pub fn templates_are_in_order(store: &dyn TemplateStore) {
    let mut given = Vec::new();
    for (seed, who) in (0..).zip(["zoe", "anna", "zoe", "bert", "anna"]) {
        let new = [template(seed), template(10 + seed)];
        given.extend(store.put(&person(who), &new).unwrap());
    }
    assert!(given.is_sorted_by(|a, b| a < b));
    assert_eq!(numbers(store), given);
    let people: Vec<_> = templates(store)
        .into_iter()
        .map(|t| t.person.to_string())
        .collect();
    let expected = [
        "zoe", "zoe", "anna", "anna", "zoe", "zoe", "bert", "bert", "anna", "anna",
    ];
    assert_eq!(people, expected);
}

/// A store, and even one person, can have templates of several spaces.
pub fn several_spaces(store: &dyn TemplateStore) {
    let given: Vec<_> = [("a", 512), ("b", 512), ("a", 128), ("c", 1)]
        .into_iter()
        .map(|(model, dimension)| NewTemplate::new(embedding(model, dimension, 1), 0.5, time(0)))
        .collect();
    store.put(&person("anna"), &given[..3]).unwrap();
    store.put(&person("bert"), &given[3..]).unwrap();
    let found = templates(store);
    assert_eq!(found.len(), given.len());
    for (found, given) in found.iter().zip(&given) {
        assert_eq!(found.embedding, given.embedding);
    }
}

/// The store returns the crop of each template that has one, with all its pixels.
pub fn crops_come_back(store: &dyn TemplateStore) {
    let given = [
        template(1).with_crop(crop(112, 1)),
        template(2),
        template(3).with_crop(crop(7, 2)),
    ];
    let anna = store.put(&person("anna"), &given).unwrap();
    let bert = store
        .put(&person("bert"), &[template(4).with_crop(crop(112, 3))])
        .unwrap();
    let expected = [
        (anna[0], id("anna"), crop(112, 1)),
        (anna[2], id("anna"), crop(7, 2)),
        (bert[0], id("bert"), crop(112, 3)),
    ];
    assert_eq!(crops(store), expected);
}

/// Removing people removes their templates and crops, and those of nobody else.
pub fn removal_removes(store: &dyn TemplateStore) {
    for who in ["anna", "bert", "carl"] {
        let new = [template(1).with_crop(crop(8, 1)), template(2)];
        store.put(&person(who), &new).unwrap();
    }
    store.remove(&[id("anna"), id("carl")]).unwrap();
    assert_eq!(ids(store), ["bert"]);
    assert!(
        templates(store)
            .iter()
            .all(|template| template.person == id("bert"))
    );
    assert_eq!(templates(store).len(), 2);
    assert_eq!(crops(store).len(), 1);
    assert_eq!(crops(store)[0].1, id("bert"));
}

/// Removing returns the number of people who were in the store, each counted once.
pub fn removal_counts(store: &dyn TemplateStore) {
    store.put(&person("anna"), &[template(1)]).unwrap();
    store.put(&person("bert"), &[]).unwrap();
    assert_eq!(store.remove(&[id("nobody")]).unwrap(), 0);
    assert_eq!(
        store
            .remove(&[id("anna"), id("nobody"), id("anna")])
            .unwrap(),
        1
    );
    assert_eq!(store.remove(&[id("anna")]).unwrap(), 0);
    assert_eq!(ids(store), ["bert"]);
}

/// A removed person who is put again has only the new templates.
pub fn the_removed_can_return(store: &dyn TemplateStore) {
    store
        .put(
            &person("anna").with_name("Anna"),
            &[template(1).with_crop(crop(8, 1))],
        )
        .unwrap();
    store.remove(&[id("anna")]).unwrap();
    let new = store.put(&person("anna"), &[template(2)]).unwrap();
    assert_eq!(store.people().unwrap(), [person("anna")]);
    assert_eq!(numbers(store), new);
    assert!(crops(store).is_empty());
}

/// No number is used twice, not even the greatest after its template was removed.
pub fn numbers_are_never_reused(store: &dyn TemplateStore) {
    let mut given = Vec::new();
    for round in 0..4 {
        for who in ["anna", "bert"] {
            given.extend(
                store
                    .put(&person(who), &[template(round), template(round)])
                    .unwrap(),
            );
        }
        let gone = if round % 2 == 0 {
            &["bert"][..]
        } else {
            &["anna", "bert"]
        };
        store
            .remove(&gone.iter().map(|who| id(who)).collect::<Vec<_>>())
            .unwrap();
    }
    let count = given.len();
    given.sort();
    given.dedup();
    assert_eq!(given.len(), count);
}

/// A person and the person's templates can be read alone.
pub fn one_person_is_read(store: &dyn TemplateStore) {
    let anna = person("anna").with_name("Anna");
    let first = store.put(&anna, &[template(1)]).unwrap();
    store.put(&person("bert"), &[template(2)]).unwrap();
    let other_space = NewTemplate::new(embedding("b", 64, 3), 0.5, time(0)).with_origin("3");
    let second = store.put(&anna, &[other_space, template(4)]).unwrap();
    store.put(&person("carl"), &[]).unwrap();

    assert_eq!(store.person(&id("anna")).unwrap(), Some(anna));
    assert_eq!(store.person(&id("carl")).unwrap(), Some(person("carl")));
    assert_eq!(store.person(&id("nobody")).unwrap(), None);
    let of = |who| store.templates_of(&id(who)).unwrap();
    let numbers: Vec<_> = of("anna").iter().map(|template| template.id).collect();
    assert_eq!(numbers, [first, second].concat());
    let all = templates(store);
    for found in of("anna") {
        let expected = all.iter().find(|template| template.id == found.id).unwrap();
        assert_eq!(found.person, id("anna"));
        assert_eq!(bits(&found.embedding), bits(&expected.embedding));
        assert_eq!(found.origin, expected.origin);
    }
    assert!(of("carl").is_empty() && of("nobody").is_empty());
    store.remove(&[id("anna")]).unwrap();
    assert_eq!(store.person(&id("anna")).unwrap(), None);
    assert!(of("anna").is_empty());
}

/// Removing templates removes their crops, keeps the people, and counts the templates that there were.
pub fn templates_are_removed(store: &dyn TemplateStore) {
    let with_crop = |seed| template(seed).with_crop(crop(8, seed as u8));
    let anna = store
        .put(&person("anna"), &[with_crop(1), with_crop(2)])
        .unwrap();
    let bert = store.put(&person("bert"), &[with_crop(3)]).unwrap();
    assert_eq!(store.remove_templates(&[]).unwrap(), 0);
    assert_eq!(store.remove_templates(&[TemplateId(1 << 40)]).unwrap(), 0);
    let gone = [anna[0], bert[0], anna[0], TemplateId(1 << 40)];
    assert_eq!(store.remove_templates(&gone).unwrap(), 2);
    assert_eq!(store.remove_templates(&gone).unwrap(), 0);

    assert_eq!(store.people().unwrap(), [person("anna"), person("bert")]);
    assert_eq!(numbers(store), [anna[1]]);
    assert_eq!(crops(store), [(anna[1], id("anna"), crop(8, 2))]);
    let left = store.templates_of(&id("anna")).unwrap();
    assert_eq!(bits(&left[0].embedding), bits(&template(2).embedding));
    assert!(store.templates_of(&id("bert")).unwrap().is_empty());
}

/// The numbers of removed templates are not used again, and the person can have new templates.
pub fn removed_templates_are_gone_for_good(store: &dyn TemplateStore) {
    let first = store.put(&person("anna"), &[template(1)]).unwrap();
    assert_eq!(store.remove_templates(&first).unwrap(), 1);
    let second = store.put(&person("anna"), &[template(2)]).unwrap();
    assert!(second[0] > first[0]);
    assert_eq!(numbers(store), second);
    assert_eq!(store.remove(&[id("anna")]).unwrap(), 1);
    assert!(templates(store).is_empty());
}

/// A template of an origin that the person has already is not added, and its number is returned.
pub fn an_origin_is_added_once(store: &dyn TemplateStore) {
    let photos = ["one", "two"].map(|origin| template(origin.len() as u64).with_origin(origin));
    let first = store.put(&person("anna"), &photos).unwrap();
    assert_eq!(store.put(&person("anna"), &photos).unwrap(), first);
    // The earlier template stays, also if the later one differs.
    let differs = template(99).with_origin("two").with_crop(crop(8, 1));
    let again = [differs, template(5).with_origin("three"), template(6)];
    let second = store.put(&person("anna"), &again).unwrap();
    assert_eq!(second[0], first[1]);
    assert_eq!(numbers(store), [&first[..], &second[1..]].concat());
    let kept = store.templates_of(&id("anna")).unwrap();
    assert_eq!(bits(&kept[1].embedding), bits(&photos[1].embedding));
    assert!(crops(store).is_empty());
    // Within one call, too.
    let twice = [
        template(7).with_origin("four"),
        template(7).with_origin("four"),
    ];
    let third = store.put(&person("anna"), &twice).unwrap();
    assert_eq!(third[0], third[1]);
    assert_eq!(templates(store).len(), 5);
    // Templates without an origin are all kept.
    store.put(&person("anna"), &[template(6)]).unwrap();
    assert_eq!(templates(store).len(), 6);
}

/// The same origin may occur with another person and in another space.
pub fn origins_are_of_a_person_and_a_space(store: &dyn TemplateStore) {
    let photo = |model, dimension| {
        NewTemplate::new(embedding(model, dimension, 1), 0.5, time(0)).with_origin("photo")
    };
    let photos = [photo("a", 64), photo("b", 64), photo("a", 32)];
    let anna = store.put(&person("anna"), &photos).unwrap();
    let bert = store.put(&person("bert"), &photos[..1]).unwrap();
    assert_eq!(numbers(store), [anna, bert].concat());
    assert_eq!(templates(store).len(), 4);
}

/// After its template or its person was removed, an origin can be added again.
pub fn a_removed_origin_can_return(store: &dyn TemplateStore) {
    let photo = template(1).with_origin("photo");
    let put = || {
        let new = store.put(&person("anna"), std::slice::from_ref(&photo));
        new.unwrap()[0]
    };
    let first = put();
    store.remove_templates(&[first]).unwrap();
    let second = put();
    assert!(second > first);
    store.remove(&[id("anna")]).unwrap();
    let third = put();
    assert!(third > second);
    assert_eq!(numbers(store), [third]);
}

/// An origin has 1 to 128 bytes. Nothing of a refused change is stored.
pub fn odd_origins_are_refused(store: &dyn TemplateStore) {
    for odd in [String::new(), "x".repeat(129)] {
        let photos = [template(1), template(2).with_origin(odd)];
        let error = store.put(&person("anna"), &photos).unwrap_err();
        assert!(error.is_invalid_input(), "{error}");
        assert!(error.to_string().starts_with("origin: "), "{error}");
        assert!(store.people().unwrap().is_empty());
    }
    let longest = template(1).with_origin("x".repeat(128));
    store.put(&person("anna"), &[longest]).unwrap();
    assert_eq!(templates(store)[0].origin, Some("x".repeat(128)));
}

/// An error of a visit ends the visits and is returned.
pub fn visits_stop_on_error(store: &dyn TemplateStore) {
    let new: Vec<_> = (0..3)
        .map(|seed| template(seed).with_crop(crop(8, 1)))
        .collect();
    store.put(&person("anna"), &new).unwrap();
    let mut visits = 0;
    let error = store.templates(&mut |_| {
        visits += 1;
        if visits == 2 {
            Err(Error::Cancelled)
        } else {
            Ok(())
        }
    });
    assert!(error.unwrap_err().is_cancelled());
    assert_eq!(visits, 2);
    let error = store.crops(&mut |_, _, _| {
        visits += 1;
        Err(Error::Cancelled)
    });
    assert!(error.unwrap_err().is_cancelled());
    assert_eq!(visits, 3);
    assert_eq!(templates(store).len(), 3);
}

/// A visit may put and remove. The visits go on with what was in the store when they began.
pub fn visits_may_change_the_store(store: &dyn TemplateStore) {
    for who in ["anna", "bert", "carl"] {
        store
            .put(&person(who), &[template(1).with_crop(crop(8, 1))])
            .unwrap();
    }
    let mut seen = Vec::new();
    store
        .templates(&mut |found| {
            let next = format!("after {}", found.person);
            store.remove(std::slice::from_ref(&found.person))?;
            store.put(&person(&next), &[template(2).with_crop(crop(8, 2))])?;
            seen.push(found.person.to_string());
            Ok(())
        })
        .unwrap();
    assert_eq!(seen, ["anna", "bert", "carl"]);
    let after = ["after anna", "after bert", "after carl"];
    assert_eq!(ids(store), after);
    let mut visits = 0;
    store
        .crops(&mut |_, _, _| {
            visits += 1;
            store.remove(&after.map(id)).map(drop)
        })
        .unwrap();
    assert_eq!(visits, 3);
    assert!(ids(store).is_empty());
}

/// Several threads put, read and remove at the same time.
pub fn concurrent_puts(store: &dyn TemplateStore) {
    let mut given: Vec<TemplateId> = thread::scope(|scope| {
        let threads = (0..4).map(|thread| {
            scope.spawn(move || {
                let mut given = Vec::new();
                for round in 0..6 {
                    let who = format!("{thread} {round}");
                    given.extend(
                        store
                            .put(&person(&who), &[template(1), template(2)])
                            .unwrap(),
                    );
                    assert!(ids(store).contains(&who));
                    assert_eq!(templates(store).len() % 2, 0, "a read saw half of a change");
                    if round % 2 == 0 {
                        assert_eq!(store.remove(&[id(&who)]).unwrap(), 1);
                    }
                }
                given
            })
        });
        let threads: Vec<_> = threads.collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    given.sort();
    given.dedup();
    assert_eq!(given.len(), 4 * 6 * 2);
    assert_eq!(ids(store).len(), 4 * 3);
    assert_eq!(templates(store).len(), 4 * 3 * 2);
}

/// Several threads put templates of one person. Afterwards the store has all templates, and the person once.
pub fn concurrent_changes_of_one_person(store: &dyn TemplateStore) {
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for round in 0..5 {
                    store.put(&person("anna"), &[template(round)]).unwrap();
                }
            });
        }
    });
    assert_eq!(ids(store), ["anna"]);
    assert_eq!(templates(store).len(), 20);
    assert_eq!(store.remove(&[id("anna")]).unwrap(), 1);
    assert!(templates(store).is_empty());
}

fn id(id: &str) -> PersonId {
    PersonId::new(id).unwrap()
}

fn time(nanosecond: i128) -> Timestamp {
    Timestamp::from_nanosecond(nanosecond).unwrap()
}

fn person(name: &str) -> Person {
    Person::new(id(name), Timestamp::UNIX_EPOCH)
}

fn embedding(model: &str, dimension: usize, seed: u64) -> Embedding {
    let name = u8::try_from(model.len()).unwrap() ^ model.as_bytes()[0];
    let space = EmbeddingSpace::new(model, Digest::from_bytes([name; 32]), dimension);
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let values = (0..dimension).map(|_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 - 8_388_607.5
    });
    Embedding::new(&space, values.collect()).unwrap()
}

fn bits(embedding: &Embedding) -> Vec<u32> {
    embedding
        .values()
        .iter()
        .map(|value| value.to_bits())
        .collect()
}

fn template(seed: u64) -> NewTemplate {
    NewTemplate::new(embedding("a", 64, seed), 0.5, time(0))
}

fn crop(side: usize, seed: u8) -> AlignedFace {
    let data = (0..side * side * 3).map(|index| (index % 251) as u8 ^ seed);
    AlignedFace::new(Image::from_rgb8(data.collect(), side, side).unwrap()).unwrap()
}

fn ids(store: &dyn TemplateStore) -> Vec<String> {
    let people = store.people().unwrap();
    people.iter().map(|person| person.id.to_string()).collect()
}

fn templates(store: &dyn TemplateStore) -> Vec<Template> {
    let mut found = Vec::new();
    store
        .templates(&mut |template| {
            found.push(template);
            Ok(())
        })
        .unwrap();
    found
}

fn numbers(store: &dyn TemplateStore) -> Vec<TemplateId> {
    templates(store)
        .iter()
        .map(|template| template.id)
        .collect()
}

fn crops(store: &dyn TemplateStore) -> Vec<(TemplateId, PersonId, AlignedFace)> {
    let mut found = Vec::new();
    store
        .crops(&mut |number, person, crop| {
            found.push((number, person.clone(), crop));
            Ok(())
        })
        .unwrap();
    found
}
