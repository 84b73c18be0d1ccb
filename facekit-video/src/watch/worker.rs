//! The threads that search faces.

use std::time::{Duration, Instant};

use facekit::{Pace, Result, TrackEvent, Tracker, catch_panic};
use jiff::Timestamp;

use super::{
    camera::{Done, Work},
    shared::{Finished, Shared},
};
use crate::reason::reason;

pub(super) fn run(shared: &Shared) {
    while let Some(mut job) = shared.job() {
        let begin = Instant::now();
        let searched = job.tracker.searched();
        let (answer, last) = match &job.work {
            Work::Frame(frame) => {
                let answer = catch_panic(|| job.tracker.push_frame(frame));
                (answer, Some(frame.at))
            }
            Work::Finish => (catch_panic(|| finish(&mut job.tracker, job.last)), job.last),
        };
        let finished = Finished::new(&job, begin);
        let (mut is_examined, mut age, mut failure) = (false, None, None);
        let events = match answer {
            Ok(Ok(events)) => {
                is_examined = !finished.was_finish && job.tracker.searched() != searched;
                if let (true, Pace::Live, Some(at)) = (is_examined, job.pace, last) {
                    let age_now = Timestamp::now().duration_since(at);
                    age = Some(Duration::try_from(age_now).unwrap_or_default());
                }
                events
            }
            Ok(Err(error)) => {
                failure = Some(reason(&error));
                // The events before the error, and the ends of the tracks. The error may be that the time is before the last one.
                let last = last.max(job.last);
                let end = catch_panic(|| finish(&mut job.tracker, last));
                end.unwrap_or(Ok(Vec::new())).unwrap_or_default()
            }
            Err(message) => {
                failure = Some(format!("the recognizer panicked: {message}"));
                Vec::new()
            }
        };
        let done = Done {
            camera: job.camera,
            tracker: failure.is_none().then_some(job.tracker),
            is_examined,
            age,
            failure,
        };
        shared.done(done, &finished, events);
    }
}

/// Ends all tracks.
fn finish(tracker: &mut Tracker, last: Option<Timestamp>) -> Result<Vec<TrackEvent>> {
    last.map_or(Ok(Vec::new()), |last| tracker.finish(last))
}
