//! Folders that are read before the walk comes to them, on other threads.
//!
//! Which files make a model is decided by the walk alone, in its order; reading a folder's files decides nothing, so it
//! can be done early. What was read waits for the walk; little waits, so that memory stays bounded.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::Scope;

use freehold_base::Diagnostic;

use crate::Limits;
use crate::reader::{ReadFolder, Reader};

/// Most threads that read.
const THREADS_MAX: usize = 8;
/// Most folders of one level that are ordered before the walk comes to them.
pub(crate) const WINDOW: usize = 128;
/// Folders that a thread is handed at once: waking one for each costs as much as reading it.
pub(crate) const BATCH: usize = 32;
/// Bytes of text that wait before nothing more is ordered.
const WAITING_BYTES_MAX: usize = 8 << 20;

/// A folder's content and what is wrong with it; no content where it cannot be read.
pub(crate) type Outcome = (Option<ReadFolder>, Vec<Diagnostic>);

struct Order {
    /// Each folder's path, and the one that it is told by.
    folders: Vec<(PathBuf, String)>,
    reply: SyncSender<Vec<Outcome>>,
}

/// Folders that were ordered together.
struct Batch {
    reply: Receiver<Vec<Outcome>>,
    /// What came and was not taken yet.
    outcomes: Vec<Option<Outcome>>,
}

/// A folder that was ordered: its place in a batch.
pub(crate) struct Coming(Rc<RefCell<Batch>>, usize);

/// Threads that read folders; they end when this goes.
pub(crate) struct Ahead {
    orders: Sender<Order>,
    /// Bytes of text that were read and wait.
    waiting: Arc<AtomicUsize>,
}

impl Ahead {
    /// Starts the threads; none where there is one core, which the walk uses itself.
    pub(crate) fn start<'s, 'e: 's>(scope: &'s Scope<'s, 'e>, root: &'e Path, limits: &'e Limits) -> Option<Ahead> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX);
        if threads < 2 {
            return None;
        }
        let (orders, receive) = channel::<Order>();
        let receive = Arc::new(Mutex::new(receive));
        let waiting = Arc::new(AtomicUsize::new(0));
        for _ in 0..threads {
            let (receive, waiting) = (Arc::clone(&receive), Arc::clone(&waiting));
            scope.spawn(move || {
                loop {
                    // whoever holds the lock waits for the next; the others read
                    let next = receive.lock().map(|r| r.recv());
                    let Ok(Ok(order)) = next else { return };
                    let one = |(dir, rel): (PathBuf, String)| {
                        let mut reader = Reader::new(root, limits, limits.entries_max);
                        let read = reader.folder(&dir, &rel);
                        waiting.fetch_add(text_bytes(read.as_ref()), Ordering::Relaxed);
                        (read, reader.diagnostics)
                    };
                    // nobody waits any more where the walk has ended
                    let _ = order.reply.send(order.folders.into_iter().map(one).collect());
                }
            });
        }
        Some(Ahead { orders, waiting })
    }

    /// True where enough waits already.
    pub(crate) fn is_full(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > WAITING_BYTES_MAX
    }

    /// Has folders read; nothing comes where the threads are gone.
    pub(crate) fn order(&self, folders: Vec<(PathBuf, String)>) -> Vec<Coming> {
        let (count, (reply, receive)) = (folders.len(), sync_channel(1));
        if count == 0 || self.orders.send(Order { folders, reply }).is_err() {
            return Vec::new();
        }
        let batch = Rc::new(RefCell::new(Batch { reply: receive, outcomes: Vec::new() }));
        (0..count).map(|at| Coming(Rc::clone(&batch), at)).collect()
    }

    /// The folders below one that was ordered, where it has been read by now.
    pub(crate) fn below(&self, coming: &Coming) -> Option<Vec<(String, PathBuf)>> {
        let mut batch = coming.0.borrow_mut();
        if batch.outcomes.is_empty() {
            batch.outcomes = batch.reply.try_recv().ok()?.into_iter().map(Some).collect();
        }
        let (read, _) = batch.outcomes.get(coming.1)?.as_ref()?;
        read.as_ref().map(|r| r.folders.clone())
    }

    /// Waits for a folder; `None` where its thread is gone.
    pub(crate) fn take(&self, coming: &Coming) -> Option<Outcome> {
        let mut batch = coming.0.borrow_mut();
        if batch.outcomes.is_empty() {
            batch.outcomes = batch.reply.recv().ok()?.into_iter().map(Some).collect();
        }
        let outcome = batch.outcomes.get_mut(coming.1)?.take()?;
        self.waiting.fetch_sub(text_bytes(outcome.0.as_ref()), Ordering::Relaxed);
        Some(outcome)
    }
}

fn text_bytes(read: Option<&ReadFolder>) -> usize {
    let texts = read.into_iter().flat_map(|r| &r.own).flat_map(|f| &f.said.texts);
    texts.map(|t| t.text.len()).sum()
}
