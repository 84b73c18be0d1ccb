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
    private_file,
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
        let (backups, store, actor) = (self.clone(), store.clone(), actor.clone());
        // A task of its own: the copy is finished and recorded also if the caller goes away.
        let made = tokio::spawn(async move { backups.copy(&store, &actor).await });
        made.await.map_err(Error::internal)?
    }

    async fn copy(&self, store: &Store, actor: &Actor) -> Result<Backup> {
        let _turn = self.turn.lock().await;
        private_file::make_folder(&self.folder).map_err(failure)?;
        self.remove_parts()?;
        let file = self.new_name(store.services().clock.now());
        // The copy gets its name when it is whole.
        let part = self.folder.join(format!("{file}{PART}"));
        store.engine().copy_to(&part).await?;
        fs::rename(&part, self.folder.join(&file)).map_err(failure)?;
        let mut known = self.list(actor)?;
        let backup = known.iter().find(|backup| backup.file == file).cloned();
        let backup = backup.ok_or_else(|| Error::internal("the backup is gone"))?;
        let mut tx = store.write().await?;
        let detail = json!({ "file": backup.file, "bytes": backup.bytes });
        audit::record(&mut tx, actor, "backup_made", Subject::Organisation, detail).await?;
        tx.commit().await?;
        for old in known.split_off(KEPT.min(known.len())) {
            if let Err(error) = fs::remove_file(self.folder.join(&old.file)) {
                tracing::warn!(%error, file = old.file, "an old backup could not be removed");
            }
        }
        Ok(backup)
    }

    /// A name with the time. Two in one second have different ones.
    fn new_name(&self, now: Timestamp) -> String {
        let time = now
            .to_zoned_datetime(TimeZone::UTC)
            .strftime("%Y%m%dT%H%M%SZ");
        let mut file = format!("{PREFIX}{time}{ENDING}");
        for number in 2.. {
            if !self.folder.join(&file).exists() {
                break;
            }
            file = format!("{PREFIX}{time}-{number}{ENDING}");
        }
        file
    }

    /// Removes copies that a killed server left unfinished.
    fn remove_parts(&self) -> Result<()> {
        for entry in fs::read_dir(&self.folder).map_err(failure)? {
            let entry = entry.map_err(failure)?;
            let name = entry.file_name();
            if name
                .to_str()
                .is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(PART))
            {
                fs::remove_file(entry.path()).map_err(failure)?;
            }
        }
        Ok(())
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
/// The end of the name of a copy that is not whole.
const PART: &str = ".part";

fn failure(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::StorageFull => Error::storage_full(),
        _ => Error::internal(error),
    }
}
