//! AdamW as torch computes it, clipping by the norm of the whole gradient, and schedules of the learning rate.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::lora::{Adapter, Gradients};

/// How the learning rate moves after its warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// Stays.
    Constant,
    /// Falls evenly to 0.
    Linear,
    /// Falls to 0 along half a cosine.
    Cosine,
}

impl Schedule {
    /// The factor of the learning rate in step `step` (from 0) of `steps`, of which the first `warmup` rise from 0.
    pub fn factor(self, step: u64, warmup: u64, steps: u64) -> f64 {
        if step < warmup {
            return step as f64 / warmup.max(1) as f64;
        }
        let done = (step - warmup) as f64 / (steps.saturating_sub(warmup)).max(1) as f64;
        match self {
            Self::Constant => 1.0,
            Self::Linear => (1.0 - done).max(0.0),
            Self::Cosine => (0.5 * (1.0 + (std::f64::consts::PI * done).cos())).max(0.0),
        }
    }
}

/// AdamW's settings.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdamW {
    /// Of the running mean.
    pub beta1: f32,
    /// Of the running square.
    pub beta2: f32,
    /// Added to the root.
    pub epsilon: f32,
    /// Taken off every weight, times the learning rate.
    pub weight_decay: f32,
}

/// What AdamW remembers: of each pair, running means and squares of A, then of B.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    /// Steps taken.
    pub steps: u64,
    /// Running means.
    pub means: Gradients,
    /// Running squares.
    pub squares: Gradients,
}

impl Moments {
    /// Before the first step.
    pub fn new(adapter: &Adapter) -> Self {
        Self { steps: 0, means: adapter.gradients(), squares: adapter.gradients() }
    }
}

/// The length of the whole gradient.
pub fn length(gradients: &Gradients) -> f64 {
    let each = gradients.iter().flat_map(|(a, b)| [a, b]);
    // one sum a matrix, then over matrices in their order: the same on any number of threads
    let squares: Vec<f64> = each.map(|g| g.iter().map(|x| f64::from(*x) * f64::from(*x)).sum()).collect();
    squares.iter().sum::<f64>().sqrt()
}

/// Shortens the gradient to `most`, as torch does; gives its length before.
pub fn clip(gradients: &mut Gradients, most: f32) -> f64 {
    let length = length(gradients);
    let by = (f64::from(most) / (length + 1e-6)).min(1.0) as f32;
    if by < 1.0 {
        gradients.par_iter_mut().for_each(|(a, b)| a.iter_mut().chain(b).for_each(|g| *g *= by));
    }
    length
}

impl AdamW {
    /// One step at this learning rate.
    pub fn step(&self, adapter: &mut Adapter, gradients: &Gradients, moments: &mut Moments, rate: f64) {
        moments.steps += 1;
        let steps = moments.steps as f64;
        let first = 1.0 - f64::from(self.beta1).powf(steps);
        let second = (1.0 - f64::from(self.beta2).powf(steps)).sqrt() as f32;
        let (size, keep) = ((rate / first) as f32, (1.0 - rate * f64::from(self.weight_decay)) as f32);
        let update = |values: &mut [f32], grad: &[f32], mean: &mut [f32], square: &mut [f32]| {
            for (((p, g), m), v) in values.iter_mut().zip(grad).zip(mean).zip(square) {
                *p *= keep;
                *m += (1.0 - self.beta1) * (g - *m);
                *v = self.beta2 * *v + (1.0 - self.beta2) * g * g;
                *p -= size * *m / (v.sqrt() / second + self.epsilon);
            }
        };
        let all = adapter.pairs.par_iter_mut().zip(gradients).zip(&mut moments.means).zip(&mut moments.squares);
        all.for_each(|(((pair, g), m), v)| {
            update(&mut pair.a, &g.0, &mut m.0, &mut v.0);
            update(&mut pair.b, &g.1, &mut m.1, &mut v.1);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::Schedule;

    #[test]
    fn schedules_rise_and_fall() {
        let at = |kind: Schedule, step| kind.factor(step, 10, 110);
        for kind in [Schedule::Constant, Schedule::Linear, Schedule::Cosine] {
            assert_eq!((at(kind, 0), at(kind, 5), at(kind, 10)), (0.0, 0.5, 1.0));
        }
        assert_eq!(at(Schedule::Constant, 110), 1.0);
        assert_eq!(at(Schedule::Linear, 60), 0.5);
        assert!((at(Schedule::Cosine, 60) - 0.5).abs() < 1e-12);
        assert_eq!((at(Schedule::Linear, 110), at(Schedule::Cosine, 110)), (0.0, 0.0));
    }
}
