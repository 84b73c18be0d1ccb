//! Imports.

use facekit::{
    CancellationToken, Embedding, FileStore, ImportOptions, NewTemplate, OnConflict, TemplateStore,
    Watch,
};
use tempfile::tempdir;

use crate::{crop, embedding, id, ids, key, person, space, template, templates, time};

#[test]
fn new_people_and_templates_are_imported() {
    let options = ImportOptions::default();
    let folder = tempdir().unwrap();
    let ours = FileStore::create(folder.path().join("ours"), &key(1)).unwrap();
    let theirs = FileStore::create(folder.path().join("theirs"), &key(2)).unwrap();
    ours.put(
        &person("anna").with_name("Ours"),
        &[template(1), template(2)],
    )
    .unwrap();
    theirs
        .put(&person("anna"), &[template(2), template(3)])
        .unwrap();
    theirs
        .put(
            &person("bert"),
            &[template(4).with_crop(crop(4)), template(4)],
        )
        .unwrap();

    let token = CancellationToken::new();
    token.cancel();
    let watch = Watch::new().with_cancellation(&token);
    assert!(
        ours.import(&theirs, &options, watch)
            .unwrap_err()
            .is_cancelled()
    );
    assert_eq!((ids(&ours).len(), templates(&ours).len()), (1, 2));

    let report = ours.import(&theirs, &options, Watch::new()).unwrap();
    assert_eq!((report.people_added, report.people_known), (1, 1));
    assert_eq!((report.templates_added, report.templates_known), (3, 1));
    assert_eq!(ids(&ours), ["anna", "bert"]);
    assert_eq!(ours.people().unwrap()[0].name.as_deref(), Some("Ours"));
    // Equal templates of a new person are all imported.
    assert_eq!(templates(&ours).len(), 5);
    assert!(report.conflicts.is_empty());
    for again in [&theirs, &ours] {
        let report = ours.import(again, &options, Watch::new()).unwrap();
        assert_eq!((report.people_added, report.templates_added), (0, 0));
    }
    let report = ours.check(Watch::new()).unwrap();
    assert!(report.is_clean());
    assert_eq!(report.crops, 1);
    // Imported people can be removed like all others.
    assert_eq!(ours.remove(&[id("bert")]).unwrap(), 1);
    assert_eq!(templates(&ours).len(), 3);
}

/// A template with this cosine to the template along the first axis.
fn at_cosine(cosine: f32) -> NewTemplate {
    let mut values = vec![0.0; 512];
    (values[0], values[1]) = (cosine, (1.0 - cosine * cosine).sqrt());
    let embedding = Embedding::new(&space("large", 512), values).unwrap();
    NewTemplate::new(embedding, 0.75, time(42))
}

#[test]
fn people_who_may_differ_are_conflicts() {
    let folder = tempdir().unwrap();
    let theirs = FileStore::create(folder.path().join("theirs"), &key(2)).unwrap();
    let other_space = NewTemplate::new(embedding(&space("small", 512), 1), 0.5, time(0));
    for (who, name, template) in [
        ("alike", Some("A"), at_cosine(0.6)),
        ("unnamed", None, at_cosine(0.6)),
        ("unlike", None, at_cosine(0.3)),
        ("other name", Some("Other"), at_cosine(1.0)),
        ("other space", Some("A"), other_space),
        ("nothing of ours", Some("A"), at_cosine(1.0)),
        ("new", Some("Other"), at_cosine(0.1)),
    ] {
        let mut person = person(who);
        person.name = name.map(str::to_owned);
        theirs.put(&person, &[template]).unwrap();
    }
    theirs.put(&person("nothing of theirs"), &[]).unwrap();
    let ours = |name: &str| {
        let ours = FileStore::create(folder.path().join(name), &key(1)).unwrap();
        let both = ["alike", "unnamed", "unlike", "other name", "other space"];
        for who in both.into_iter().chain(["nothing of theirs"]) {
            let person = person(who).with_name("A");
            ours.put(&person, &[at_cosine(1.0)]).unwrap();
        }
        ours.put(&person("nothing of ours"), &[]).unwrap();
        ours
    };

    let store = ours("skip");
    let options = ImportOptions::default().with_resemblance(0.5);
    let report = store.import(&theirs, &options, Watch::new()).unwrap();
    assert_eq!((report.people_added, report.people_known), (1, 3));
    assert_eq!((report.templates_added, report.templates_known), (3, 0));
    let conflicts: Vec<_> = report
        .conflicts
        .iter()
        .map(|one| (one.id.as_str(), one.similarity.map(|s| (s * 10.0).round())))
        .collect();
    let expected = [
        ("unlike", Some(3.0)),
        ("other name", Some(10.0)),
        ("other space", None),
        ("nothing of ours", None),
    ];
    assert_eq!(conflicts, expected);
    assert_eq!(report.conflicts[1].our_name.as_deref(), Some("A"));
    assert_eq!(report.conflicts[1].their_name.as_deref(), Some("Other"));
    assert_eq!(templates(&store).len(), 6 + 3);

    // Without a limit for the cosine, only an equal template shows that two people are the same. The templates of the first
    // import are equal ones.
    let store_again = ours("none");
    let report = store_again
        .import(&theirs, &ImportOptions::default(), Watch::new())
        .unwrap();
    assert_eq!((report.conflicts.len(), report.templates_added), (6, 1));
    let report = store
        .import(&theirs, &ImportOptions::default(), Watch::new())
        .unwrap();
    assert_eq!((report.conflicts.len(), report.templates_known), (4, 3));

    let store = ours("merge");
    let options = options.with_on_conflict(OnConflict::Merge);
    let report = store.import(&theirs, &options, Watch::new()).unwrap();
    assert_eq!(report.conflicts.len(), 4);
    assert_eq!((report.people_added, report.people_known), (1, 7));
    assert_eq!((report.templates_added, report.templates_known), (6, 1));
    assert_eq!(store.people().unwrap()[3].name.as_deref(), Some("A"));
}
