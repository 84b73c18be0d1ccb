//! The state machine of a door, by tables and by properties.

use attendance_server::door::{
    Conclusion, Decision, DoorRules, DoorState, Guide, MARK_FRAMES, Refusal, Visit,
};
use facekit::{Outcome, QualityIssue};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use crate::scenes::{Face, faces};

const RULES: DoorRules = DoorRules {
    has_liveness: true,
    liveness: 0.5,
};

/// A door with a clock.
struct Door {
    visit: Visit,
    now: Timestamp,
}

impl Door {
    fn new() -> Self {
        Self {
            visit: Visit::new(RULES),
            now: "2026-03-02T08:00:00Z".parse().unwrap(),
        }
    }

    /// A frame, some milliseconds after the last one.
    fn after(&mut self, milliseconds: i64, list: &[Face]) -> DoorState {
        self.now += SignedDuration::from_millis(milliseconds);
        self.visit.push(&faces(list), self.now)
    }

    /// The last state of frames every 200 ms for a time.
    fn for_millis(&mut self, milliseconds: i64, list: &[Face]) -> DoorState {
        let mut state = None;
        for _ in 0..(milliseconds / 200).max(1) {
            state = Some(self.after(200, list));
        }
        state.unwrap()
    }

    /// Frames every 200 ms until the door shows something else than hints.
    fn until_result(&mut self, list: &[Face], most: usize) -> Option<(usize, DoorState)> {
        (1..=most).find_map(|frame| match self.after(200, list) {
            DoorState::Guide(..) => None,
            state => Some((frame, state)),
        })
    }
}

#[test]
fn three_frames_of_one_person_are_a_mark() {
    let mut door = Door::new();
    assert_eq!(door.after(0, &[]), DoorState::Guide(Guide::Idle, 0));
    let (frames, state) = door
        .until_result(&[Face::of("anna").live(0.8)], 10)
        .unwrap();
    assert_eq!(frames, MARK_FRAMES);
    let DoorState::Decided(Decision {
        person, liveness, ..
    }) = state
    else {
        panic!("{state:?}");
    };
    assert_eq!((person.as_str(), liveness), ("anna", 0.8));
    assert_eq!(
        door.after(200, &[Face::of("anna")]),
        DoorState::Checking,
        "a decision comes once"
    );
    door.visit.conclude(Conclusion::Recorded, door.now);
    assert_eq!(door.after(1900, &[]), DoorState::Recorded);
    assert_eq!(
        door.after(200, &[Face::of("anna")]),
        DoorState::Guide(Guide::Idle, 0)
    );
}

#[test]
fn a_decision_that_could_not_be_recorded_is_tried_again() {
    let mut door = Door::new();
    door.until_result(&[Face::of("anna")], 5).unwrap();
    door.visit.conclude(Conclusion::Recorded, door.now);
    door.after(2000, &[Face::of("anna")]);
    door.until_result(&[Face::of("bela")], 5).unwrap();
    door.visit.conclude(Conclusion::Failed, door.now);
    let state = door.after(200, &[Face::of("bela")]);
    assert!(matches!(state, DoorState::Guide(_, 1)), "{state:?}");
    let (frames, state) = door.until_result(&[Face::of("bela")], 5).unwrap();
    assert_eq!(frames, MARK_FRAMES - 1);
    assert!(matches!(state, DoorState::Decided(decision) if decision.person.as_str() == "bela"));
}

#[test]
fn a_decision_that_is_refused_is_not_tried_again() {
    let mut door = Door::new();
    door.until_result(&[Face::of("anna")], 5).unwrap();
    door.visit.conclude(Conclusion::Refused, door.now);
    assert_eq!(
        door.after(1900, &[Face::of("anna")]),
        DoorState::Recorded,
        "the reason is shown"
    );
    door.after(200, &[Face::of("anna")]);
    assert_eq!(door.until_result(&[Face::of("anna")], 100), None);
}

#[test]
fn who_is_disowned_is_nobody_for_thirty_seconds() {
    let mut door = Door::new();
    door.until_result(&[Face::of("anna")], 5).unwrap();
    door.visit.conclude(Conclusion::Recorded, door.now);
    door.after(2000, &[Face::of("anna")]);
    let anna = facekit::PersonId::new("anna").unwrap();
    door.visit.disown(anna, door.now);
    let until = door.now + SignedDuration::from_secs(30);
    door.for_millis(3000, &[]);
    let (_, state) = door.until_result(&[Face::of("anna")], 20).unwrap();
    assert_eq!(state, DoorState::Refused(Refusal::Unknown));
    door.for_millis(3000, &[]);
    // Others are marked meanwhile.
    let (frames, state) = door.until_result(&[Face::of("bela")], 5).unwrap();
    assert_eq!(frames, MARK_FRAMES);
    assert!(matches!(state, DoorState::Decided(decision) if decision.person.as_str() == "bela"));
    door.visit.conclude(Conclusion::Recorded, door.now);
    door.for_millis(4000, &[]);
    door.now = until;
    let (frames, state) = door.until_result(&[Face::of("anna")], 5).unwrap();
    assert_eq!(frames, MARK_FRAMES);
    assert!(matches!(state, DoorState::Decided(decision) if decision.person.as_str() == "anna"));
}

#[test]
fn who_stays_is_not_marked_again_and_who_comes_back_is() {
    let mut door = Door::new();
    door.until_result(&[Face::of("anna")], 5).unwrap();
    door.visit.conclude(Conclusion::Recorded, door.now);
    door.after(2000, &[Face::of("anna")]);
    assert_eq!(
        door.until_result(&[Face::of("anna")], 100),
        None,
        "twenty seconds before the camera"
    );
    door.for_millis(1000, &[]);
    let (frames, _) = door.until_result(&[Face::of("anna")], 5).unwrap();
    assert_eq!(frames, MARK_FRAMES);
}

#[test]
fn the_next_person_need_not_wait_for_an_empty_picture() {
    let mut door = Door::new();
    door.until_result(&[Face::of("anna")], 5).unwrap();
    door.visit.conclude(Conclusion::Recorded, door.now);
    door.after(2000, &[Face::of("anna")]);
    let (frames, state) = door.until_result(&[Face::of("bela")], 5).unwrap();
    assert_eq!(frames, MARK_FRAMES);
    assert!(matches!(state, DoorState::Decided(decision) if decision.person.as_str() == "bela"));
}

#[test]
fn frames_that_are_too_far_apart_are_no_mark() {
    let mut door = Door::new();
    for _ in 0..20 {
        let state = door.after(1100, &[Face::of("anna")]);
        assert!(matches!(state, DoorState::Guide(..)), "{state:?}");
    }
}

#[test]
fn each_fault_has_its_hint() {
    let dark = QualityIssue::TooDark {
        brightness: 0.01,
        minimum: 0.08,
    };
    let cut = QualityIssue::CutOff {
        visible: 0.4,
        minimum: 0.7,
    };
    let away = QualityIssue::TurnedAway {
        yaw: 70.0,
        pitch: 0.0,
    };
    let blurred = QualityIssue::Blurred {
        sharpness: 0.0,
        minimum: 0.02,
    };
    let tight = Outcome::TightCrop {
        context: 1.2,
        minimum: 2.7,
    };
    let table = [
        (vec![], Guide::Idle),
        (
            vec![Face::of("anna"), Face::of("bela").at(480.0, 220.0)],
            Guide::Several,
        ),
        (
            vec![
                Face::of("anna"),
                Face::stranger().at(500.0, 220.0).high(80.0),
            ],
            Guide::Hold,
        ),
        (vec![Face::of("anna").high(60.0)], Guide::Closer),
        (vec![Face::of("anna").high(400.0)], Guide::Back),
        (vec![Face::new(tight)], Guide::Back),
        (vec![Face::of("anna").at(120.0, 220.0)], Guide::Center),
        (vec![Face::of("anna").at(320.0, 420.0)], Guide::Center),
        (vec![Face::poor(cut)], Guide::Center),
        (vec![Face::of("anna").turned(50.0)], Guide::Turn),
        (vec![Face::poor(away)], Guide::Turn),
        (vec![Face::poor(dark)], Guide::Light),
        (vec![Face::poor(blurred)], Guide::Hold),
    ];
    for (list, guide) in table {
        let mut door = Door::new();
        if guide != Guide::Idle {
            let first = door.after(0, &list);
            assert!(
                matches!(first, DoorState::Guide(Guide::Idle, _)),
                "a hint is not shown at once: {guide:?}"
            );
            door.after(150, &list);
            let state = door.after(160, &list);
            let DoorState::Guide(shown, _) = state else {
                assert!(
                    matches!(state, DoorState::Decided(_)) && guide == Guide::Hold,
                    "{state:?}"
                );
                continue;
            };
            assert_eq!(shown, guide, "{list:?}");
        }
        if guide != Guide::Hold {
            for _ in 0..50 {
                let state = door.after(200, &list);
                assert_eq!(
                    state,
                    DoorState::Guide(guide, 0),
                    "nobody is marked or refused"
                );
            }
        }
    }
}

#[test]
fn a_hint_that_changes_quickly_is_not_shown() {
    let mut door = Door::new();
    let near = [Face::poor(QualityIssue::TooDark {
        brightness: 0.0,
        minimum: 0.08,
    })];
    door.for_millis(1000, &near);
    for _ in 0..20 {
        let far = door.after(200, &[Face::of("anna").high(60.0)]);
        assert_eq!(far, DoorState::Guide(Guide::Light, 0));
        assert_eq!(door.after(80, &near), DoorState::Guide(Guide::Light, 0));
    }
}

#[test]
fn the_median_of_the_liveness_decides() {
    let spoof = Face::picture().live(0.4);
    // One frame of four is under the limit.
    let mut door = Door::new();
    let mut states = Vec::new();
    for face in [
        Face::of("anna").live(0.7),
        spoof.clone(),
        Face::of("anna").live(0.7),
        Face::of("anna").live(0.7),
    ] {
        states.push(door.after(200, &[face]));
    }
    assert!(
        matches!(states[3], DoorState::Decided(_)),
        "a frame under the limit is no refusal: {states:?}"
    );
    // Half of them are: the lower one counts.
    let mut door = Door::new();
    let mut result = None;
    for index in 0..40 {
        let face = if index % 2 == 0 {
            spoof.clone()
        } else {
            Face::of("anna").live(0.9)
        };
        let state = door.after(100, &[face]);
        if !matches!(state, DoorState::Guide(..)) {
            result.get_or_insert(state);
        }
    }
    assert_eq!(result, Some(DoorState::Refused(Refusal::Spoof)));
    // A score on the limit is not above it.
    let mut door = Door::new();
    let (_, state) = door
        .until_result(&[Face::of("anna").live(0.5)], 20)
        .unwrap();
    assert_eq!(state, DoorState::Refused(Refusal::Spoof));
}

#[test]
fn a_face_without_a_liveness_score_is_never_marked() {
    let mut face = Face::of("anna");
    face.liveness = None;
    let mut door = Door::new();
    assert_eq!(door.until_result(&[face], 100), None);
    let mut door = Door::new();
    door.visit = Visit::new(DoorRules {
        has_liveness: false,
        ..RULES
    });
    let (frame, state) = door.until_result(&[Face::of("anna")], 3).unwrap();
    assert_eq!((frame, state), (1, DoorState::NoFaces));
}

#[test]
fn a_stranger_gets_time_and_no_name() {
    let mut door = Door::new();
    let (frames, state) = door.until_result(&[Face::stranger()], 20).unwrap();
    assert_eq!(state, DoorState::Refused(Refusal::Unknown));
    assert!((6..=8).contains(&frames), "{frames} frames of 200 ms");
    assert_eq!(
        door.after(1900, &[Face::of("anna")]),
        DoorState::Refused(Refusal::Unknown)
    );
    // Somebody who is unknown in the first frames, because of motion, is marked.
    let mut door = Door::new();
    door.for_millis(600, &[Face::stranger()]);
    let (frames, state) = door.until_result(&[Face::of("anna")], 5).unwrap();
    assert_eq!(frames, MARK_FRAMES);
    assert!(matches!(state, DoorState::Decided(_)), "{state:?}");
}

#[test]
fn a_face_that_is_somebody_else_in_each_frame_is_nobody() {
    let mut door = Door::new();
    let mut refused = 0;
    for index in 0..100 {
        let person = ["anna", "bela", "chi"][index % 3];
        match door.after(200, &[Face::of(person)]) {
            DoorState::Refused(refusal) => {
                assert_eq!(refusal, Refusal::Unknown);
                refused += 1;
            }
            DoorState::Guide(..) | DoorState::CodesOnly(_) => {}
            state => panic!("{state:?}"),
        }
    }
    assert!(refused > 0);
}

#[test]
fn after_three_refusals_faces_wait_for_thirty_seconds() {
    let mut door = Door::new();
    for refusal in 1..=3 {
        let (_, state) = door.until_result(&[Face::picture()], 20).unwrap();
        assert_eq!(state, DoorState::Refused(Refusal::Spoof), "{refusal}");
        door.now += SignedDuration::from_millis(1900);
    }
    let refused = door.now - SignedDuration::from_millis(1900);
    let until = refused + SignedDuration::from_secs(30);
    for _ in 0..140 {
        let state = door.after(200, &[Face::of("anna")]);
        if door.now < until {
            let expected = DoorState::CodesOnly(until);
            if door.now >= refused + SignedDuration::from_secs(2) {
                assert_eq!(state, expected);
            }
        }
    }
    door.now = until;
    let (frames, state) = door.until_result(&[Face::of("anna")], 5).unwrap();
    assert_eq!(frames, MARK_FRAMES);
    assert!(matches!(state, DoorState::Decided(_)), "{state:?}");
}

#[test]
fn a_print_that_is_moved_about_for_a_minute_marks_nobody() {
    let mut door = Door::new();
    let mut refusals = 0;
    for index in 0..600_u16 {
        let shift = f32::from(index % 40) * 3.0;
        // One frame of five passes the check.
        let face = if index % 5 == 0 {
            Face::of("anna").live(0.6)
        } else {
            Face::picture()
        };
        match door.after(100, &[face.at(260.0 + shift, 200.0)]) {
            DoorState::Refused(_) => refusals += 1,
            DoorState::Decided(decision) => panic!("{decision:?}"),
            _ => {}
        }
    }
    assert!(refusals > 0);
}

/// A frame of a random visit.
#[derive(Clone, Debug)]
struct Shot {
    after: i64,
    list: Vec<Face>,
}

fn shot() -> impl Strategy<Value = Shot> {
    let face = (0..6_usize, 0.0..1.0_f32, 250.0..390.0_f32, 40.0..300.0_f32).prop_map(
        |(kind, liveness, x, height)| {
            let face = match kind {
                0 | 1 => Face::of("anna").live(liveness),
                2 => Face::of("bela").live(liveness),
                3 => Face::stranger().live(liveness),
                4 => Face::picture().live(liveness / 2.0),
                _ => {
                    let mut face = Face::of("anna");
                    face.liveness = None;
                    face
                }
            };
            face.at(x, 220.0).high(height)
        },
    );
    let list = prop_oneof![
        8 => face.clone().prop_map(|face| vec![face]),
        1 => Just(vec![]),
        1 => prop::collection::vec(face, 2..4),
    ];
    (50..1500_i64, list).prop_map(|(after, list)| Shot { after, list })
}

/// The conclusion of each decision of a random visit; none if it does not come.
fn conclusion() -> impl Strategy<Value = Option<Conclusion>> {
    prop::sample::select(vec![
        None,
        Some(Conclusion::Recorded),
        Some(Conclusion::Refused),
        Some(Conclusion::Failed),
    ])
}

proptest! {
    #[test]
    fn each_mark_has_its_reasons(shots in prop::collection::vec(shot(), 1..80), conclusion in conclusion()) {
        let mut door = Door::new();
        let mut past: Vec<(Timestamp, Vec<Face>)> = Vec::new();
        let mut counted: Vec<Timestamp> = Vec::new();
        let mut last: Option<Timestamp> = None;
        let mut pause = Timestamp::MIN;
        let mut open = false;
        for shot in shots {
            let state = door.after(shot.after, &shot.list);
            past.push((door.now, shot.list));
            match state {
                DoorState::Decided(decision) => {
                    prop_assert!(!open, "a second decision before the first one is recorded");
                    open = true;
                    prop_assert!(decision.liveness > RULES.liveness);
                    // The latest frames with the person, with a face alone and within two seconds.
                    let recent: Vec<_> = past
                        .iter()
                        .rev()
                        .take_while(|(at, _)| door.now.duration_since(*at) <= SignedDuration::from_secs(2))
                        .collect();
                    let named = |list: &[Face]| match list {
                        [face] => match &face.outcome {
                            Outcome::Known(identity) if face.liveness.is_some() => Some(identity.person.clone()),
                            _ => None,
                        },
                        _ => None,
                    };
                    let same = recent.iter().filter(|(_, list)| named(list).as_ref() == Some(&decision.person)).count();
                    prop_assert!(same >= MARK_FRAMES, "{same} frames: {recent:?}");
                    prop_assert_eq!(named(&recent[0].1), Some(decision.person));
                    prop_assert!(door.now >= pause, "faces wait after three refusals");
                    if let Some(conclusion) = conclusion {
                        door.visit.conclude(conclusion, door.now);
                        open = false;
                    }
                    if conclusion == Some(Conclusion::Recorded) {
                        counted.clear();
                    }
                }
                DoorState::Refused(_) => {
                    let is_new = last
                        .is_none_or(|last| door.now.duration_since(last) >= SignedDuration::from_secs(2));
                    if is_new {
                        last = Some(door.now);
                        counted.retain(|&at| door.now.duration_since(at) < SignedDuration::from_secs(60));
                        counted.push(door.now);
                    }
                    if counted.len() == 3 {
                        pause = door.now + SignedDuration::from_secs(30);
                        counted.clear();
                    }
                }
                DoorState::Guide(guide, progress) => {
                    prop_assert!(progress <= MARK_FRAMES);
                    prop_assert!(guide != Guide::Several || past.iter().any(|(_, list)| list.len() > 1));
                }
                DoorState::Checking => prop_assert!(open),
                DoorState::Recorded => prop_assert!(
                    matches!(conclusion, Some(Conclusion::Recorded | Conclusion::Refused)),
                    "a failure has no result"
                ),
                DoorState::CodesOnly(until) => {
                    prop_assert_eq!(until, pause);
                    prop_assert!(until > door.now);
                }
                DoorState::NoFaces => prop_assert!(false, "there is a liveness check"),
            }
        }
    }

    #[test]
    fn strangers_and_pictures_are_never_named(shots in prop::collection::vec(shot(), 1..80)) {
        let mut door = Door::new();
        for mut shot in shots {
            shot.list.retain(|face| !matches!(face.outcome, Outcome::Known(_)));
            let state = door.after(shot.after, &shot.list);
            prop_assert!(!matches!(state, DoorState::Decided(_)));
        }
    }
}
