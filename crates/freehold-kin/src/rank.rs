//! The rank of a difference: an adapter's is low, training's is full.

/// Squared singular values of a block of `rows` × `columns`, the largest first. Empty where the block is not whole.
pub(crate) fn spectrum(block: &[f64], rows: usize, columns: usize) -> Vec<f64> {
    if rows == 0 || columns == 0 || rows.checked_mul(columns) != Some(block.len()) {
        return Vec::new();
    }
    let lines: Vec<&[f64]> = block.chunks_exact(columns).collect();
    let mut gram: Vec<Vec<f64>> =
        lines.iter().map(|a| lines.iter().map(|b| a.iter().zip(*b).map(|(x, y)| x * y).sum()).collect()).collect();
    let (mut diagonal, mut below) = tridiagonal(&mut gram);
    eigenvalues(&mut diagonal, &mut below);
    let mut out: Vec<f64> = diagonal.into_iter().map(|v| if v.is_finite() { v.max(0.0) } else { 0.0 }).collect();
    out.sort_by(|a, b| b.total_cmp(a));
    out
}

/// Householder's reduction of a symmetric matrix: its diagonal, and the line below it (from index 1).
fn tridiagonal(a: &mut [Vec<f64>]) -> (Vec<f64>, Vec<f64>) {
    let n = a.len();
    let mut below = vec![0.0; n];
    for k in 0..n.saturating_sub(2) {
        let norm: f64 = (k + 1..n).map(|i| a[i][k] * a[i][k]).sum::<f64>().sqrt();
        let alpha = if a[k + 1][k] > 0.0 { -norm } else { norm };
        let mut v: Vec<f64> = (k + 1..n).map(|i| a[i][k]).collect();
        v[0] -= alpha;
        let length: f64 = v.iter().map(|x| x * x).sum();
        below[k + 1] = alpha;
        if length <= f64::MIN_POSITIVE {
            below[k + 1] = a[k + 1][k];
            continue;
        }
        let p: Vec<f64> =
            (k + 1..n).map(|i| 2.0 / length * v.iter().zip(&a[i][k + 1..]).map(|(x, y)| x * y).sum::<f64>()).collect();
        let half: f64 = v.iter().zip(&p).map(|(x, y)| x * y).sum::<f64>() / length;
        let w: Vec<f64> = p.iter().zip(&v).map(|(x, y)| x - half * y).collect();
        for i in 0..v.len() {
            for j in 0..v.len() {
                a[k + 1 + i][k + 1 + j] -= v[i] * w[j] + w[i] * v[j];
            }
        }
    }
    if n >= 2 {
        below[n - 1] = a[n - 1][n - 2];
    }
    ((0..n).map(|i| a[i][i]).collect(), below)
}

/// Steps of one eigenvalue; three are usual.
const STEPS_MAX: usize = 60;

/// The implicit QL method, eigenvalues only, left in the diagonal.
fn eigenvalues(d: &mut [f64], below: &mut [f64]) {
    let n = d.len();
    below.rotate_left(1.min(n));
    if let Some(last) = below.last_mut() {
        *last = 0.0;
    }
    for l in 0..n {
        for _ in 0..STEPS_MAX {
            let m =
                (l..n - 1).find(|m| below[*m].abs() <= f64::EPSILON * (d[*m].abs() + d[*m + 1].abs())).unwrap_or(n - 1);
            if m == l {
                break;
            }
            let mut g = (d[l + 1] - d[l]) / (2.0 * below[l]);
            let mut r = g.hypot(1.0);
            g = d[m] - d[l] + below[l] / (g + r.copysign(g));
            let (mut s, mut c, mut p) = (1.0, 1.0, 0.0);
            let mut early = false;
            for i in (l..m).rev() {
                let f = s * below[i];
                let b = c * below[i];
                r = f.hypot(g);
                below[i + 1] = r;
                if r == 0.0 {
                    d[i + 1] -= p;
                    below[m] = 0.0;
                    early = true;
                    break;
                }
                s = f / r;
                c = g / r;
                g = d[i + 1] - p;
                r = (d[i] - g) * s + 2.0 * c * b;
                p = s * r;
                d[i + 1] = g + p;
                g = c * r - b;
            }
            if !early {
                d[l] -= p;
                below[l] = g;
                below[m] = 0.0;
            }
        }
    }
}

/// What the difference of two blocks is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Rank {
    /// No more than what rounding leaves.
    Rounding,
    /// What is left without this many directions is rounding.
    Low(u32),
    /// No small number of directions holds it.
    Full,
}

/// Share of the energy that single precision leaves.
const FLOAT_NOISE: f64 = 2e-7;

/// The rank of a difference by its spectrum, and the energy that rounding would have.
pub(crate) fn rank(spectrum: &[f64], rounding: f64) -> Rank {
    let total: f64 = spectrum.iter().sum();
    if total <= 4.0 * rounding || total <= 0.0 {
        return Rank::Rounding;
    }
    let enough = 2.0 * rounding + FLOAT_NOISE * total;
    let mut left = total;
    for (r, v) in spectrum.iter().enumerate().take(spectrum.len() / 3 + 1) {
        if left <= enough {
            return Rank::Low(u32::try_from(r).unwrap_or(u32::MAX));
        }
        left -= v;
    }
    Rank::Full
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(seed: &mut u64) -> f64 {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from(u32::try_from(*seed >> 33).unwrap()) / f64::from(1u32 << 30) - 1.0
    }

    #[test]
    fn singular_values_are_those_of_a_known_matrix() {
        // diag(3, 2, 1) turned by a rotation
        let (s, c) = (0.6, 0.8);
        let block = [3.0 * c, 2.0 * s, 0.0, -3.0 * s, 2.0 * c, 0.0, 0.0, 0.0, 1.0];
        let found = spectrum(&block, 3, 3);
        for (v, expected) in found.iter().zip([9.0, 4.0, 1.0]) {
            assert!((v - expected).abs() < 1e-9, "{found:?}");
        }
        assert_eq!(spectrum(&[1.0, 2.0], 3, 1), Vec::<f64>::new());
        assert_eq!(spectrum(&[0.0; 16], 4, 4), [0.0; 4]);
        assert_eq!(spectrum(&[2.0], 1, 1), [4.0]);
    }

    #[test]
    fn a_product_of_thin_matrices_is_low_and_noise_is_full() {
        let mut seed = 7;
        let n = 96;
        let thin = |seed: &mut u64| (0..n).map(|_| (0..8).map(|_| noise(seed)).collect()).collect::<Vec<Vec<f64>>>();
        let (a, b) = (thin(&mut seed), thin(&mut seed));
        let dot = |x: &Vec<f64>, y: &Vec<f64>| x.iter().zip(y).map(|(p, q)| p * q).sum::<f64>();
        let low: Vec<f64> = a.iter().flat_map(|x| b.iter().map(|y| dot(x, y)).collect::<Vec<_>>()).collect();
        assert_eq!(rank(&spectrum(&low, n, n), 0.0), Rank::Low(8));
        let rough: Vec<f64> = low.iter().map(|v| v + 0.01 * noise(&mut seed)).collect();
        let energy = 96.0 * 96.0 * 1e-4 / 3.0;
        assert_eq!(rank(&spectrum(&rough, n, n), energy), Rank::Low(8));
        assert_eq!(rank(&spectrum(&rough, n, n), 0.0), Rank::Full);
        let full: Vec<f64> = (0..n * n).map(|_| noise(&mut seed)).collect();
        assert_eq!(rank(&spectrum(&full, n, n), 1.0), Rank::Full);
        assert_eq!(rank(&spectrum(&full, n, n), 3000.0), Rank::Rounding);
    }
}
