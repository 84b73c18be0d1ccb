//! Bad frames and wrong people: a reason for each, and never a pass.

use std::sync::{Arc, atomic::Ordering};

use facekit::{
    Challenge, ChallengeOptions, ChallengeOutcome, ChallengeReason, Image, QualityOptions,
    jiff::{SignedDuration, Timestamp},
};
use presentations::{Presentation, Species};

use crate::stage::{changed, nonce, photo, recognizer, recognizer_with, verdict};

/// A number of a presentation that passes.
const GOOD: u8 = 4;
/// A frame in the middle of the challenge.
const LATER: usize = 20;

fn assert_fails(reason: ChallengeReason, verdict: &facekit::ChallengeVerdict) {
    assert_eq!(verdict.outcome, ChallengeOutcome::Failed, "{verdict:?}");
    assert_eq!(verdict.reasons, [reason], "{verdict:?}");
}

#[test]
fn the_unchanged_presentation_passes() {
    let verdict = changed(GOOD, |_, _, _, _, _, _| false);
    assert!(verdict.passed(), "{verdict:?}");
}

#[test]
fn frames_out_of_order_fail() {
    let found = changed(GOOD, |challenge, _, recognizer, frame, at, image| {
        if frame == LATER {
            let before = at - SignedDuration::from_millis(500);
            challenge.push(recognizer, image.view(), before).unwrap();
        }
        false
    });
    assert_fails(ChallengeReason::FramesOutOfOrder, &found);
    let found = changed(GOOD, |challenge, _, recognizer, frame, at, image| {
        if frame == LATER {
            challenge.push(recognizer, image.view(), at).unwrap();
        }
        false
    });
    assert_fails(ChallengeReason::FramesOutOfOrder, &found);
}

/// Frames that come too early to be judged must be in order, too.
#[test]
fn frames_out_of_order_fail_although_they_are_left_out() {
    for (second, reason) in [(10, Some(ChallengeReason::FramesOutOfOrder)), (30, None)] {
        let found = changed(GOOD, |challenge, _, recognizer, frame, at, image| {
            if frame == LATER {
                for milliseconds in [0, 20, second] {
                    let at = at + SignedDuration::from_millis(milliseconds);
                    challenge.push(recognizer, image.view(), at).unwrap();
                }
            }
            frame == LATER
        });
        match reason {
            Some(reason) => assert_fails(reason, &found),
            None => assert!(found.passed(), "{found:?}"),
        }
    }
}

#[test]
fn a_frame_before_the_nonce_fails() {
    let script = Arc::default();
    let recognizer = recognizer(&script);
    let issued = Timestamp::from_second(1_000_000).unwrap();
    let options = ChallengeOptions::default();
    let mut challenge = Challenge::new(nonce(1), issued, &recognizer, &options).unwrap();
    let (photo, _) = photo();
    let early = issued - SignedDuration::from_millis(1);
    challenge.push(&recognizer, photo.view(), early).unwrap();
    assert_fails(ChallengeReason::FramesOutOfOrder, &challenge.verdict());
}

#[test]
fn missing_frames_fail() {
    let found = changed(GOOD, |_, _, _, frame, _, _| {
        (LATER..LATER + 3).contains(&frame)
    });
    assert_fails(ChallengeReason::FramesMissing, &found);
}

#[test]
fn a_repeated_frame_fails() {
    let mut kept = None;
    let found = changed(GOOD, |challenge, _, recognizer, frame, at, image| {
        if frame == LATER - 4 {
            kept = Some(image.clone());
        }
        if frame != LATER {
            return false;
        }
        challenge
            .push(recognizer, kept.as_ref().unwrap().view(), at)
            .unwrap();
        true
    });
    assert_fails(ChallengeReason::FrameRepeated, &found);
}

#[test]
fn another_size_fails() {
    let found = changed(GOOD, |challenge, _, recognizer, frame, at, image| {
        if frame != LATER {
            return false;
        }
        let (width, height) = (image.width(), image.height());
        let larger = facekit::image::resize(image.view(), width + 16, height).unwrap();
        challenge.push(recognizer, larger.view(), at).unwrap();
        true
    });
    assert_fails(ChallengeReason::FrameSizeChanged, &found);
}

#[test]
fn two_people_fail() {
    for begin in [0, LATER] {
        let found = changed(GOOD, |_, script, _, frame, _, _| {
            script.is_crowded.store(frame >= begin, Ordering::Relaxed);
            false
        });
        assert_fails(ChallengeReason::SeveralPeople, &found);
    }
}

/// A second person who is there for half a second, in the last frames or in the deciding frame is seen.
#[test]
fn a_second_person_for_some_frames_fails() {
    let mut frames = 0;
    let whole = changed(GOOD, |_, _, _, _, _, _| {
        frames += 1;
        false
    });
    assert!(whole.passed(), "{whole:?}");
    for (begin, end) in [
        (LATER, LATER + 6),
        (LATER + 13, LATER + 19),
        (frames - 5, frames),
        (frames - 1, frames),
    ] {
        let found = changed(GOOD, |_, script, _, frame, _, _| {
            let is_there = (begin..end).contains(&frame);
            script.is_crowded.store(is_there, Ordering::Relaxed);
            false
        });
        assert_fails(ChallengeReason::SeveralPeople, &found);
    }
}

/// A frame of a presentation at the right of a large gray frame.
fn beside_room(image: &Image) -> Image {
    let mut room = Image::filled(672, 448, [90; 3]);
    let (left, top) = (672 - image.width(), 448 - image.height());
    for (y, row) in image.data().chunks_exact(3 * image.width()).enumerate() {
        room.data_mut()[3 * (672 * (top + y) + left)..][..row.len()].copy_from_slice(row);
    }
    room
}

/// A second person counts beside the person who is followed, not beside the widest face that is found.
#[test]
fn a_larger_second_person_fails() {
    for (begin, is_missed) in [
        (usize::MAX, true),
        (0, false),
        (LATER, false),
        (LATER, true),
    ] {
        let found = changed(GOOD, |challenge, script, recognizer, frame, at, image| {
            script.is_larger.store(true, Ordering::Relaxed);
            script.is_crowded.store(frame >= begin, Ordering::Relaxed);
            let is_missed = is_missed && frame >= LATER;
            script.is_missed.store(is_missed, Ordering::Relaxed);
            let room = beside_room(image);
            challenge.push(recognizer, room.view(), at).unwrap();
            true
        });
        if begin == usize::MAX {
            assert!(found.passed(), "{found:?}");
        } else {
            assert_fails(ChallengeReason::SeveralPeople, &found);
        }
    }
}

/// The frame is searched for other people at the size at which they are found, also if the recognizer's options say a smaller one.
#[test]
fn the_search_is_as_fine_as_the_face_is_small() {
    let (photo, _) = photo();
    for (percent, expected) in [(80, 1280), (100, 1280), (200, 640), (300, 320)] {
        let script = Arc::default();
        let recognizer = recognizer(&script);
        let (width, height) = (
            photo.width() * percent / 100,
            photo.height() * percent / 100,
        );
        let photo = facekit::image::resize(photo.view(), width, height).unwrap();
        let mut frame = Image::filled(1280, 1200, [90; 3]);
        for (y, row) in photo.data().chunks_exact(3 * width).enumerate() {
            frame.data_mut()[3 * 1280 * y..][..row.len()].copy_from_slice(row);
        }
        let issued = Timestamp::UNIX_EPOCH;
        let options = ChallengeOptions::default();
        let mut challenge = Challenge::new(nonce(1), issued, &recognizer, &options).unwrap();
        for number in 0..2 {
            let last = frame.data().len() - 1;
            frame.data_mut()[last] = number;
            let at = issued + SignedDuration::from_millis(100 * i64::from(number));
            challenge.push(&recognizer, frame.view(), at).unwrap();
        }
        let sides = script.sides.lock().unwrap();
        assert_eq!(*sides, [640, expected], "{percent} %");
    }
}

#[test]
fn nobody_is_no_pass() {
    let empty = |number: usize| Image::filled(200, 200, [(90 + number % 60) as u8; 3]);
    let found = changed(GOOD, |challenge, _, recognizer, frame, at, _| {
        let at = at + SignedDuration::from_millis(100 * frame as i64);
        // Pixels of a camera always differ.
        let mut image = empty(frame);
        image.data_mut()[frame] = 7;
        challenge.push(recognizer, image.view(), at).unwrap();
        true
    });
    assert_fails(ChallengeReason::NoFace, &found);
}

#[test]
fn a_person_who_leaves_fails() {
    let found = changed(GOOD, |challenge, _, recognizer, frame, at, image| {
        if frame < LATER {
            return false;
        }
        let mut empty = Image::filled(image.width(), image.height(), [90; 3]);
        empty.data_mut()[frame] = 7;
        challenge.push(recognizer, empty.view(), at).unwrap();
        true
    });
    assert_fails(ChallengeReason::PersonLeft, &found);
}

#[test]
fn another_person_fails() {
    let found = changed(GOOD, |_, script, _, frame, _, _| {
        script
            .person
            .store(u32::from(frame >= LATER), Ordering::Relaxed);
        false
    });
    assert_fails(ChallengeReason::AnotherPerson, &found);
    assert_eq!(found.continuity.least_similarity, Some(0.0));
}

#[test]
fn a_face_that_was_never_checked_fails() {
    // No view is good enough to be checked for liveness, or to be compared.
    let quality = QualityOptions::anything().with_min_sharpness(0.999);
    let recognizer = recognizer_with(&Arc::default(), quality);
    let (photo, landmarks) = photo();
    let head = Species::named("head").unwrap();
    for passive in [true, false] {
        let mut presentation =
            Presentation::new(head, &photo, &landmarks, u64::from(GOOD)).unwrap();
        let options = ChallengeOptions::default().with_passive(passive);
        let found = presentation
            .run(&recognizer, nonce(GOOD), &options)
            .unwrap();
        assert_fails(ChallengeReason::FaceUnfit, &found);
        assert_eq!(found.passive, None);
        assert!(passive || found.continuity.least_similarity.is_none());
    }
}

#[test]
fn a_print_fails() {
    let found = changed(GOOD, |_, script, _, _, _, _| {
        script.is_print.store(true, Ordering::Relaxed);
        false
    });
    assert_fails(ChallengeReason::NotLive, &found);
}

#[test]
fn a_face_that_jumps_fails() {
    let found = changed(GOOD, |challenge, _, recognizer, frame, at, image| {
        if frame != LATER {
            return false;
        }
        // The picture moves by more than half an eye distance.
        let mut moved = image.clone();
        for row in moved.data_mut().chunks_exact_mut(3 * image.width()) {
            row.rotate_right(3 * image.width() / 6);
        }
        challenge.push(recognizer, moved.view(), at).unwrap();
        true
    });
    assert_fails(ChallengeReason::Jump, &found);
}

#[test]
fn frames_that_end_early_are_no_pass() {
    let found = changed(GOOD, |_, _, _, frame, _, _| frame >= LATER);
    assert_eq!(found.outcome, ChallengeOutcome::Undecided, "{found:?}");
    assert!(!found.passed());
}

#[test]
fn a_person_who_keeps_still_fails() {
    let found = verdict("still", GOOD);
    assert_fails(ChallengeReason::AnsweredTooLate, &found);
}

#[test]
fn options_out_of_range_are_errors() {
    let recognizer = recognizer(&Arc::default());
    let new = |options: &ChallengeOptions| {
        let error = Challenge::new(nonce(1), Timestamp::UNIX_EPOCH, &recognizer, options);
        error.err().unwrap().to_string()
    };
    let default = ChallengeOptions::default;
    assert_eq!(
        new(&default().with_moves(3)),
        "challenge: moves is 3, 4 or 5 is needed"
    );
    let fourth = new(&default().with_attempt(4));
    assert!(fourth.contains("attempt is 4"), "{fourth}");
}
