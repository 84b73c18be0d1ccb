//! `/devices/{device}/frames`: frames of cameras that open no WebSocket.

use axum::extract::State;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::mpsc;

use super::{
    Api,
    answer::Found,
    input::{ById, ImageFile, Values},
};
use crate::{
    access::Principal,
    cameras::{Outcome, Picture, Screen, Subject},
    error::{Error, Result},
    http::Caller,
    server::Server,
};

pub(super) fn routes(api: Api) -> Api {
    api.post(
        "/devices/{device}/frames",
        "Looks at a frame of the device, and answers what its screen shows",
        create,
    )
}

/// The frame in the body.
#[derive(Deserialize, JsonSchema)]
struct NewFrame {
    /// The start of the device's program: any text of 1 to 64 characters that is another one after each start.
    boot: String,
    /// The number of the frame since that start.
    #[schemars(range(min = 0))]
    sequence: i64,
    /// The time of the frame, by the device's clock.
    #[schemars(with = "crate::schema::Time")]
    at: Timestamp,
}

async fn create(
    State(server): State<Server>,
    Caller(actor): Caller,
    ById(device): ById,
    Values(frame): Values<NewFrame>,
    ImageFile(image): ImageFile,
) -> Result<Found<Screen>> {
    if actor.principal != Principal::Device(device) {
        return Err(Error::not_found("device"));
    }
    let boot = crate::text::checked("/boot", &frame.boot, 64)?;
    if frame.sequence < 0 {
        let detail = "sequence is negative.";
        return Err(Error::invalid("/sequence", "negative", detail));
    }
    let picture = Picture {
        actor,
        boot,
        sequence: frame.sequence,
        at: frame.at,
        image,
        subject: Subject::Face,
    };
    let (send, mut outcomes) = mpsc::channel(2);
    server.cameras.submit(picture, send)?;
    while let Some(outcome) = outcomes.recv().await {
        match outcome {
            Outcome::Checking => {}
            Outcome::Shows(screen) => return Ok(Found(screen)),
            Outcome::Failed(error) => return Err(error),
            Outcome::Dropped => break,
        }
    }
    let detail = "A newer frame came first, or the frame waited for too long. Send the next one.";
    Err(Error::conflict("frame_dropped", detail))
}
