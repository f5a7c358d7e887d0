//! A training between two steps, on disk: whole or not there.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::lora::Adapter;
use crate::optimizer::Moments;

const MAGIC: &[u8] = b"freehold-studio checkpoint 1\n";

/// Everything but the numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// Digest of what the training is: another recipe, data or base is another training.
    pub training: String,
    /// Steps taken.
    pub step: u64,
    /// Tokens learned so far.
    pub tokens: u64,
    /// The lowest loss of an evaluation.
    pub best: Option<f64>,
    /// Evaluations since then.
    pub stale: u64,
    /// Whether it has come to its end.
    pub done: bool,
    /// Numbers in what follows.
    numbers: u64,
    /// SHA-256 of what follows.
    sha256: String,
}

/// A training between two steps.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// Everything but the numbers.
    pub head: Head,
    /// The adapter.
    pub adapter: Adapter,
    /// What the optimizer remembers.
    pub moments: Moments,
    /// The adapter of the best evaluation, where another than the last is kept.
    pub best: Option<Adapter>,
}

impl State {
    /// Before the first step.
    pub fn new(training: String, adapter: Adapter) -> Self {
        let head =
            Head { training, step: 0, tokens: 0, best: None, stale: 0, done: false, numbers: 0, sha256: String::new() };
        Self { head, moments: Moments::new(&adapter), adapter, best: None }
    }

    /// Writes it.
    ///
    /// # Errors
    /// What the disk says.
    pub fn save(&self, path: &Path) -> Result<(), String> {
        let mut numbers: Vec<f32> = Vec::new();
        let adapters = std::iter::once(&self.adapter).chain(&self.best);
        for pair in adapters.flat_map(|a| &a.pairs) {
            numbers.extend(&pair.a);
            numbers.extend(&pair.b);
        }
        for (a, b) in self.moments.means.iter().chain(&self.moments.squares) {
            numbers.extend(a);
            numbers.extend(b);
        }
        let bytes: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
        let head = Head {
            numbers: numbers.len() as u64,
            sha256: crate::files::hex(&<sha2::Sha256 as sha2::Digest>::digest(&bytes)),
            ..self.head.clone()
        };
        let head = serde_json::to_vec(&head).map_err(|e| e.to_string())?;
        crate::files::write(path, &[MAGIC, &(head.len() as u64).to_le_bytes(), &head, &bytes])
    }

    /// Reads the one at `path` into the shape of `self`, where it is of the same training. `None`: there is none.
    ///
    /// # Errors
    /// There is one, and it is damaged or of another training.
    pub fn load(&self, path: &Path) -> Result<Option<Self>, String> {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(format!("{}: {}", path.display(), e.kind())),
        };
        let damaged = || format!("{}: damaged; --restart begins anew", path.display());
        let rest = bytes.strip_prefix(MAGIC).ok_or_else(damaged)?;
        let (length, rest) = rest.split_first_chunk::<8>().ok_or_else(damaged)?;
        let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| damaged())?;
        let (head, rest) = rest.split_at_checked(length).ok_or_else(damaged)?;
        let head: Head = serde_json::from_slice(head).map_err(|_| damaged())?;
        if crate::files::hex(&<sha2::Sha256 as sha2::Digest>::digest(rest)) != head.sha256 {
            return Err(damaged());
        }
        if head.training != self.head.training {
            return Err(format!(
                "{}: of another training (recipe, data or base have changed); --restart begins anew",
                path.display()
            ));
        }
        let mut numbers = rest.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        let own = self.adapter.parameters();
        let adapters = match head.numbers {
            n if n == 3 * own => 1,
            n if n == 4 * own => 2,
            _ => return Err(damaged()),
        };
        if rest.len() as u64 != 4 * head.numbers {
            return Err(damaged());
        }
        let mut fill = |values: &mut Vec<f32>| values.iter_mut().for_each(|v| *v = numbers.next().unwrap_or(0.0));
        let mut read = vec![self.adapter.clone(); adapters];
        read.iter_mut().flat_map(|a| &mut a.pairs).for_each(|p| {
            fill(&mut p.a);
            fill(&mut p.b);
        });
        let mut moments = Moments::new(&self.adapter);
        moments.steps = head.step;
        for (a, b) in moments.means.iter_mut().chain(&mut moments.squares) {
            fill(a);
            fill(b);
        }
        let best = if adapters == 2 { read.pop() } else { None };
        let adapter = read.pop().ok_or_else(damaged)?;
        Ok(Some(Self { head: Head { numbers: 0, sha256: String::new(), ..head }, adapter, moments, best }))
    }
}
