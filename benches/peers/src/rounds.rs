//! Times in turns: whatever disturbs the machine disturbs all alike.

use std::time::Duration;

use nix::time::ClockId;

/// One who takes part: prepares `n` pieces of work, and does them.
pub struct Entrant<'a> {
    pub name: &'static str,
    round: Box<dyn FnMut(usize) -> Duration + 'a>,
    repeats: usize,
    times: Vec<f64>,
}

impl<'a> Entrant<'a> {
    /// What `prepare` makes is no part of the time; what becomes of `work`'s output is.
    pub fn new<I, O>(
        name: &'static str,
        mut prepare: impl FnMut() -> I + 'a,
        mut work: impl FnMut(I) -> O + 'a,
    ) -> Self {
        let round = move |repeats| timed((0..repeats).map(|_| prepare()).collect(), &mut work);
        Self::timing_itself(name, round)
    }

    /// `round` takes the number of repeats, and says how long they took together.
    pub fn timing_itself(name: &'static str, round: impl FnMut(usize) -> Duration + 'a) -> Self {
        Self { name, round: Box::new(round), repeats: 1, times: Vec::new() }
    }

    /// The median of the rounds, in nanoseconds for one piece of work.
    pub fn median(&self) -> f64 {
        median(self.times.iter().copied())
    }

    /// The same, [`beside`] another's.
    pub fn beside(&self, another: &Self) -> f64 {
        beside(&another.times, &self.times)
    }
}

/// How long `work` takes for all of `inputs`; what becomes of its output is part of it. Nothing here waits, so it is the time
/// of the processor: what other processes take is not in it.
pub fn timed<I, O>(inputs: Vec<I>, mut work: impl FnMut(I) -> O) -> Duration {
    let start = processor_time();
    for input in inputs {
        std::hint::black_box(work(input));
    }
    processor_time() - start
}

/// Of this thread.
fn processor_time() -> Duration {
    ClockId::CLOCK_THREAD_CPUTIME_ID.now().expect("the thread has a clock").into()
}

/// How long it may take.
#[derive(Clone, Copy)]
pub struct Effort {
    pub rounds: usize,
    pub round: Duration,
}

impl Effort {
    /// So many rounds of 6 ms. With `once`, one round: to see that it works.
    pub fn of(rounds: usize, once: bool) -> Self {
        match once {
            true => Self { rounds: 1, round: Duration::ZERO },
            false => Self { rounds, round: Duration::from_millis(6) },
        }
    }
}

/// Lets all of them work in turns, everyone as often as fits into a round.
pub fn run(effort: Effort, entrants: &mut [Entrant<'_>]) {
    for entrant in entrants.iter_mut() {
        // The first time is as long as that of the pages that are not in memory yet, and says nothing of the next.
        (entrant.round)(1);
        let (mut repeats, mut taken) = (1, (entrant.round)(1));
        while taken < effort.round / 4 && repeats < 100_000 {
            repeats *= 2;
            taken = (entrant.round)(repeats);
        }
        let one = taken.as_secs_f64() / repeats as f64;
        entrant.repeats = ((effort.round.as_secs_f64() / one) as usize).clamp(1, 100_000);
    }
    for round in 0..effort.rounds {
        // Everyone comes first in turn.
        let start = round % entrants.len().max(1);
        for index in (start..entrants.len()).chain(0..start) {
            let entrant = &mut entrants[index];
            let taken = (entrant.round)(entrant.repeats);
            entrant.times.push(taken.as_secs_f64() * 1e9 / entrant.repeats as f64);
        }
    }
}

/// The median of `own`, by way of `another`'s: that times the median of the ratios of the two, round by round. A machine
/// that is slow for a while is slow for a whole round, and drops out of the ratio.
pub fn beside(another: &[f64], own: &[f64]) -> f64 {
    median(another.iter().copied())
        * median(own.iter().zip(another).map(|(own, other)| own / other))
}

pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
