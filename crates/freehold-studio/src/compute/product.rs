//! The product of two matrices, over the `gemm` crate.

/// A matrix of f32 in somebody's slice, with a stride for each direction.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    data: &'a [f32],
    /// Number of rows.
    pub rows: usize,
    /// Number of columns.
    pub columns: usize,
    row_step: usize,
    column_step: usize,
}

impl<'a> View<'a> {
    /// Rows one after another.
    pub fn new(data: &'a [f32], rows: usize, columns: usize) -> Self {
        Self::spaced(data, rows, columns, columns)
    }

    /// Rows that begin `row_step` values apart.
    pub fn spaced(data: &'a [f32], rows: usize, columns: usize, row_step: usize) -> Self {
        Self { data, rows, columns, row_step, column_step: 1 }
    }

    /// The same numbers with rows and columns exchanged.
    pub fn turned(self) -> Self {
        Self {
            data: self.data,
            rows: self.columns,
            columns: self.rows,
            row_step: self.column_step,
            column_step: self.row_step,
        }
    }

    /// Whether every element lies inside the slice.
    fn inside(&self) -> bool {
        self.rows == 0
            || self.columns == 0
            || (self.rows - 1)
                .checked_mul(self.row_step)
                .and_then(|r| r.checked_add((self.columns - 1).checked_mul(self.column_step)?))
                .is_some_and(|last| last < self.data.len())
    }
}

/// Whether a product may use every thread of the pool: not where the caller already does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threads {
    /// The calling thread alone.
    One,
    /// All of the current pool.
    All,
}

/// `to = scale * left * right`, or that added to what is there.
///
/// # Panics
/// Where the shapes do not fit each other or a slice.
pub fn multiply(to: &mut [f32], left: View<'_>, right: View<'_>, scale: f32, add: bool, threads: Threads) {
    let step = right.columns;
    multiply_into(to, step, left, right, scale, add, threads);
}

/// [`multiply`], where the rows of `to` begin `step` values apart.
///
/// # Panics
/// Where the shapes do not fit each other or a slice.
pub fn multiply_into(
    to: &mut [f32],
    step: usize,
    left: View<'_>,
    right: View<'_>,
    scale: f32,
    add: bool,
    threads: Threads,
) {
    let (m, n, k) = (left.rows, right.columns, left.columns);
    assert!(right.rows == k && step >= n, "a product of {m}x{k} and {}x{n}", right.rows);
    assert!(left.inside() && right.inside(), "a matrix that is not in its slice");
    let holds = View { data: to, rows: m, columns: n, row_step: step, column_step: 1 };
    assert!(holds.inside(), "a product that does not fit");
    if m == 0 || n == 0 {
        return;
    }
    if k == 0 {
        if !add {
            to.chunks_mut(step).take(m).for_each(|row| row[..n].fill(0.0));
        }
        return;
    }
    let parallelism = match threads {
        Threads::All if rayon::current_num_threads() > 1 && m * n * k > 1 << 16 => {
            gemm::Parallelism::Rayon(rayon::current_num_threads())
        }
        _ => gemm::Parallelism::None,
    };
    let s = |step: usize| isize::try_from(step).unwrap_or(isize::MAX);
    #[expect(unsafe_code, reason = "the library takes pointers; the asserts above keep every element inside its slice")]
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            to.as_mut_ptr(),
            1,
            s(step),
            add,
            left.data.as_ptr(),
            s(left.column_step),
            s(left.row_step),
            right.data.as_ptr(),
            s(right.column_step),
            s(right.row_step),
            1.0,
            scale,
            false,
            false,
            false,
            parallelism,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::{Threads, View, multiply, multiply_into};

    #[test]
    fn a_product_agrees_with_three_loops() {
        let value = |i: usize| ((i * 37 % 19) as f32 - 9.0) / 7.0;
        for (m, n, k) in [(1, 1, 1), (3, 5, 7), (17, 33, 9), (64, 16, 40), (2, 40, 0)] {
            let (a, b): (Vec<f32>, Vec<f32>) = ((0..m * k).map(value).collect(), (0..k * n).map(value).collect());
            let mut naive = vec![1.0f32; m * n];
            for i in 0..m {
                for j in 0..n {
                    naive[i * n + j] += 0.5 * (0..k).map(|l| a[i * k + l] * b[l * n + j]).sum::<f32>();
                }
            }
            let mut to = vec![1.0f32; m * n];
            multiply(&mut to, View::new(&a, m, k), View::new(&b, k, n), 0.5, true, Threads::One);
            assert!(to.iter().zip(&naive).all(|(x, y)| (x - y).abs() < 1e-5));
            // the right one turned, and rows apart
            let turned: Vec<f32> = (0..n * k).map(|i| b[(i % k.max(1)) * n + i / k.max(1)]).collect();
            let mut apart = vec![7.0f32; m * (n + 3)];
            let right = View::new(&turned, n, k).turned();
            multiply_into(&mut apart, n + 3, View::new(&a, m, k), right, 0.5, false, Threads::All);
            for (row, wanted) in apart.chunks(n + 3).zip(naive.chunks(n)) {
                assert!(row[..n].iter().zip(wanted).all(|(x, y)| (x + 1.0 - y).abs() < 1e-5));
                assert_eq!(row[n..], [7.0; 3]);
            }
        }
    }

    #[test]
    #[should_panic(expected = "not in its slice")]
    fn nothing_is_read_outside_a_slice() {
        multiply(&mut [0.0; 4], View::new(&[0.0; 3], 2, 2), View::new(&[0.0; 4], 2, 2), 1.0, false, Threads::One);
    }
}
