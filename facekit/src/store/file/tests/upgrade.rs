//! Power losses during the upgrade of a gallery of format 1.

use super::{FailingDisk, Numbers, census, contents, id, key, open, person, template};
use crate::{
    progress::Watch,
    store::{TemplateStore, file::store::FileStore},
};

/// See the tests of the gallery file, which say what it holds.
const FIXTURE: &[u8] = include_bytes!("../../../../tests/gallery_file/fixtures/format-1.gallery");

#[test]
fn an_upgrade_happens_entirely_or_not_at_all() {
    let change = |store: &FileStore| store.put(&person(1), &[template(1)]);
    let (expected, operations) = {
        let disk = FailingDisk::new(FIXTURE.to_vec(), None);
        let store = open(&disk, &key()).unwrap();
        let expected = contents(&store).unwrap();
        change(&store).unwrap();
        (expected, disk.operations())
    };
    let mut numbers = Numbers(20_261_127);
    let (mut done, mut not_done) = (0, 0);
    for round in 0..4 * operations {
        let failing = FailingDisk::new(FIXTURE.to_vec(), Some(round % operations));
        let acknowledged = open(&failing, &key()).is_ok_and(|store| change(&store).is_ok());
        let disk = FailingDisk::new(failing.after_power_loss(&mut numbers), None);
        let store = open(&disk, &key()).unwrap();
        let changed = census(&store).contains_key(&id(1));
        assert!(changed || !acknowledged);
        if changed {
            done += 1;
            store.remove(&[id(1)]).unwrap();
        } else {
            not_done += 1;
        }
        assert_eq!(contents(&store).unwrap(), expected);
        change(&store).unwrap();
        assert!(store.check(Watch::new()).unwrap().is_clean());
        drop(store);
        let store = open(&disk, &key()).unwrap();
        store.remove(&[id(1)]).unwrap();
        assert_eq!(contents(&store).unwrap(), expected);
    }
    assert!(done > 0 && not_done > 0, "{done} {not_done}");
}
