//! Copies of the database in a folder of the server, while it runs. They have no keys, so that an erasure needs no search
//! through them: a backup is of use only together with the file of the keys.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use jiff::{Timestamp, tz::TimeZone};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use tokio::sync::Mutex;

use super::{audit, audit::Subject};
use crate::{
    access::{Actor, Role},
    error::{Error, Result},
    store::Store,
};

/// The newest backups that are kept.
pub const KEPT: usize = 7;

/// A backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Backup {
    /// The name of the file in the folder.
    pub file: String,
    /// The size, in bytes.
    pub bytes: u64,
    /// The time at which it was finished.
    #[schemars(with = "crate::schema::Time")]
    pub made: Timestamp,
}

/// The folder of the backups that a server makes.
#[derive(Clone, Debug)]
pub struct Backups {
    folder: Arc<Path>,
    /// One backup at a time.
    turn: Arc<Mutex<()>>,
}

impl Backups {
    /// Backups in this folder. It is made at the first one.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into().into(),
            turn: Arc::default(),
        }
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Copies the database, and removes all but the newest [`KEPT`] backups.
    ///
    /// # Errors
    ///
    /// 403 without the role of an admin; 503 if the disk is full.
    pub async fn make(&self, store: &Store, actor: &Actor) -> Result<Backup> {
        actor.require(&[Role::Admin])?;
        let _turn = self.turn.lock().await;
        make_folder(&self.folder).map_err(failure)?;
        let now = store.services().clock.now();
        let time = now
            .to_zoned_datetime(TimeZone::UTC)
            .strftime("%Y%m%dT%H%M%SZ");
        let mut file = format!("{PREFIX}{time}{ENDING}");
        // Two in one second.
        for number in 2.. {
            if !self.folder.join(&file).exists() {
                break;
            }
            file = format!("{PREFIX}{time}-{number}{ENDING}");
        }
        store.engine().copy_to(&self.folder.join(&file)).await?;
        let mut known = self.list(actor)?;
        let backup = known.iter().find(|backup| backup.file == file).cloned();
        let backup = backup.ok_or_else(|| Error::internal("the backup is gone"))?;
        for old in known.split_off(KEPT.min(known.len())) {
            fs::remove_file(self.folder.join(&old.file)).map_err(failure)?;
        }
        let mut tx = store.write().await?;
        let detail = json!({ "file": backup.file, "bytes": backup.bytes });
        audit::record(&mut tx, actor, "backup_made", Subject::Organisation, detail).await?;
        tx.commit().await?;
        Ok(backup)
    }

    /// The backups, the newest first.
    ///
    /// # Errors
    ///
    /// 403 without the role of an admin.
    pub fn list(&self, actor: &Actor) -> Result<Vec<Backup>> {
        actor.require(&[Role::Admin])?;
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(failure)?,
        };
        let mut backups = Vec::new();
        for entry in entries {
            let entry = entry.map_err(failure)?;
            let Ok(file) = entry.file_name().into_string() else {
                continue;
            };
            if !(file.starts_with(PREFIX) && file.ends_with(ENDING)) {
                continue;
            }
            let known = entry.metadata().map_err(failure)?;
            let made = known.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            backups.push(Backup {
                file,
                bytes: known.len(),
                made: Timestamp::try_from(made).map_err(Error::internal)?,
            });
        }
        backups.sort_by(|a, b| (b.made, &b.file).cmp(&(a.made, &a.file)));
        Ok(backups)
    }
}

const PREFIX: &str = "attendance-";
const ENDING: &str = ".db";

/// Makes a folder that only its owner can read, if it is not there.
fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn failure(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::StorageFull => Error::storage_full(),
        _ => Error::internal(error),
    }
}
