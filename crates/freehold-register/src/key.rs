//! The key that signs, and what this machine remembers.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use freehold_log::{Checkpoint, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

use crate::Trouble;

/// Longest key file, in bytes.
const KEY_BYTES_MAX: u64 = 4096;

/// A file with a private key, outside the database: who may write there is not who keeps the database.
pub struct KeyFile(PathBuf);

impl KeyFile {
    /// A file at a path, which need not be there yet.
    pub fn at(path: impl Into<PathBuf>) -> KeyFile {
        KeyFile(path.into())
    }

    /// Beside an SQLite file.
    pub fn beside(register: &str) -> KeyFile {
        KeyFile(PathBuf::from(format!("{register}.key")))
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Makes a new key under a name; a file that is there is never replaced.
    ///
    /// # Errors
    /// [`Trouble::Present`], [`Trouble::Key`].
    pub fn make(&self, name: &str) -> Result<SigningKey, Trouble> {
        let mut seed = [0_u8; 32];
        getrandom::fill(&mut seed).map_err(|e| Trouble::Key(format!("no random bytes: {e}")))?;
        let key = SigningKey::new(name, &seed).map_err(|e| Trouble::Key(e.to_string()))?;
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let shown = self.0.display();
        let mut file = options.open(&self.0).map_err(|e| match e.kind() {
            std::io::ErrorKind::AlreadyExists => Trouble::Present(shown.to_string()),
            kind => Trouble::Key(format!("{shown} cannot be written: {kind}")),
        })?;
        let written = file.write_all(format!("{}\n", key.to_secret_text()).as_bytes()).and_then(|()| file.sync_all());
        written.map_err(|e| Trouble::Key(format!("{shown} cannot be written: {}", e.kind())))?;
        Ok(key)
    }

    /// Reads the key.
    ///
    /// # Errors
    /// [`Trouble::Key`].
    pub fn read(&self) -> Result<SigningKey, Trouble> {
        let shown = self.0.display();
        let size =
            fs::metadata(&self.0).map_err(|e| Trouble::Key(format!("{shown} cannot be read: {}", e.kind())))?.len();
        if size > KEY_BYTES_MAX {
            return Err(Trouble::Key(format!("{shown} is no key")));
        }
        let text =
            fs::read_to_string(&self.0).map_err(|e| Trouble::Key(format!("{shown} cannot be read: {}", e.kind())))?;
        SigningKey::parse(text.trim()).map_err(|e| Trouble::Key(format!("{shown}: {e}")))
    }
}

/// The last checkpoint that this machine saw of each register. A register that does not begin with it has been put back, cut
/// or forked, whoever signed it.
#[derive(Clone, Debug)]
pub struct Remembered(PathBuf);

impl Remembered {
    /// In a folder, which is made when something is to be remembered.
    pub fn in_folder(folder: impl Into<PathBuf>) -> Remembered {
        Remembered(folder.into())
    }

    fn file(&self, origin: &str) -> PathBuf {
        let name: String = Sha256::digest(origin.as_bytes()).iter().take(16).map(|b| format!("{b:02x}")).collect();
        self.0.join(format!("{name}.checkpoint"))
    }

    /// What was seen last, where that is vouched for by the register's key.
    ///
    /// # Errors
    /// [`Trouble::History`] where what is remembered is of another key: then this is another register under that name.
    pub fn last(&self, origin: &str, key: &VerifyingKey) -> Result<Option<Checkpoint>, Trouble> {
        let file = self.file(origin);
        let Ok(note) = fs::read_to_string(&file) else { return Ok(None) };
        match Checkpoint::open(&note, key) {
            Ok(head) => Ok(Some(head)),
            Err(e) => Err(Trouble::History(format!(
                "what this machine remembers of {origin} was signed by another key ({e}): it is another register, or its key was \
                 replaced; if that is right, remove {}",
                file.display()
            ))),
        }
    }

    /// Remembers a signed checkpoint. A failure to remember is no failure of the register: what is remembered stays older.
    pub fn keep(&self, origin: &str, note: &str) {
        let file = self.file(origin);
        let beside = file.with_extension(format!("{}.new", std::process::id()));
        let _ = fs::create_dir_all(&self.0)
            .and_then(|()| fs::write(&beside, note))
            .and_then(|()| fs::rename(&beside, &file));
    }
}
