//! The same work on many things, on as many threads as there are cores.

/// What `work` makes of each, in their order.
pub fn in_order<T: Send, U: Send>(items: Vec<T>, work: impl Fn(T) -> U + Sync) -> Vec<U> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let size = items.len().div_ceil(threads).max(1);
    let work = &work;
    let mut rest = items.into_iter().peekable();
    std::thread::scope(|scope| {
        let mut handles = Vec::with_capacity(threads);
        while rest.peek().is_some() {
            let part: Vec<T> = rest.by_ref().take(size).collect();
            handles.push(scope.spawn(move || part.into_iter().map(work).collect::<Vec<U>>()));
        }
        let mut out = Vec::new();
        for handle in handles {
            match handle.join() {
                Ok(part) => out.extend(part),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        out
    })
}
