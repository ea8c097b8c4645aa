//! Do two classes of samples differ in their mean? Welch's t, at a series of cut-offs as in dudect.

/// How long one run took, in which class.
#[derive(Clone, Copy)]
pub struct Sample {
    pub ticks: u64,
    pub second: bool,
}

/// The largest |t| among the samples up to each of [`CUTS`] cut-offs, and among all. Interrupts hide small differences
/// among all, so the slower a sample, the fewer cuts it is in.
pub fn worst_t(samples: &mut [Sample]) -> f64 {
    samples.sort_unstable_by_key(|sample| sample.ticks);
    let Some(middle) = samples.get(samples.len() / 2).map(|sample| sample.ticks as f64) else {
        return 0.0;
    };
    let mut classes = [Class::default(); 2];
    let mut rest = &*samples;
    let mut worst = 0_f64;
    for cut in (1..=CUTS).map(|cut| up_to(samples, cut)) {
        let (now, later) = rest.split_at(cut - (samples.len() - rest.len()));
        for sample in now {
            classes[usize::from(sample.second)].add(sample.ticks as f64 - middle);
        }
        rest = later;
        worst = worst.max(t(&classes).abs());
    }
    worst
}

const CUTS: usize = 100;
/// Fewer of a class are not looked at.
const FEWEST: f64 = 100.0;

/// How many of the sorted samples the cut leaves: never some of those that took equally long and not the others.
fn up_to(samples: &[Sample], cut: usize) -> usize {
    if cut == CUTS {
        return samples.len();
    }
    let share = 1.0 - 0.5_f64.powf(10.0 * cut as f64 / CUTS as f64);
    let limit = samples[(samples.len() as f64 * share) as usize].ticks;
    samples.partition_point(|sample| sample.ticks <= limit)
}

/// What is known of a class so far.
#[derive(Clone, Copy, Default)]
struct Class {
    count: f64,
    sum: f64,
    squares: f64,
}

impl Class {
    fn add(&mut self, value: f64) {
        self.count += 1.0;
        self.sum += value;
        self.squares += value * value;
    }

    fn mean(&self) -> f64 {
        self.sum / self.count
    }

    /// The variance of the mean.
    fn spread(&self) -> f64 {
        (self.squares - self.sum * self.mean()) / (self.count - 1.0) / self.count
    }
}

/// Zero where there is nothing to compare.
fn t([one, other]: &[Class; 2]) -> f64 {
    let spread = one.spread() + other.spread();
    let difference = one.mean() - other.mean();
    if one.count.min(other.count) < FEWEST || difference == 0.0 {
        return 0.0;
    }
    difference / spread.max(0.0).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(classes: [&[u64]; 2]) -> Vec<Sample> {
        let [first, second] = classes.map(|class| class.iter().cycle().take(1_000));
        let first = first.map(|&ticks| Sample { ticks, second: false });
        first.chain(second.map(|&ticks| Sample { ticks, second: true })).collect()
    }

    #[test]
    fn a_difference_in_means_is_as_large_as_by_hand() {
        // Variances of 1000/999 each: 1 / sqrt(2/999).
        let t = t(&classes(&samples([&[11, 13], &[10, 12]])));
        assert!((t - (999.0_f64 / 2.0).sqrt()).abs() < 1e-9, "{t}");
    }

    #[test]
    fn what_takes_equally_long_does_not_differ() {
        assert_eq!(worst_t(&mut samples([&[7, 9], &[9, 7]])), 0.0);
        assert_eq!(worst_t(&mut samples([&[7], &[7]])), 0.0);
    }

    #[test]
    fn two_times_that_never_vary_are_two() {
        assert_eq!(worst_t(&mut samples([&[7], &[8]])), f64::INFINITY);
    }

    #[test]
    fn rare_delays_hide_no_difference() {
        let delayed = |ticks: [u64; 2]| -> Vec<u64> {
            (0..100).map(|n| if n == 50 { 1_000_000 } else { ticks[n % 2] }).collect()
        };
        let mut all = samples([&delayed([10, 12]), &delayed([11, 13])]);
        assert!(t(&classes(&all)).abs() < 1.0);
        assert!(worst_t(&mut all) > 20.0);
    }

    fn classes(all: &[Sample]) -> [Class; 2] {
        let mut classes = [Class::default(); 2];
        all.iter().for_each(|one| classes[usize::from(one.second)].add(one.ticks as f64));
        classes
    }
}
