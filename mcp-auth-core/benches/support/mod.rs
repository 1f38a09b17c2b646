//! Races: several ways to do one thing, timed in turns in one run, compared as ratios.
//!
//! Absolute times on a shared machine say little; what each contestant took in the same seconds says how they
//! compare. Every round gives each contestant one short batch, in turns; the fastest batch of each counts, because
//! noise only ever adds. The median stands beside it: where the two ratios differ much, the machine was busy.
//!
//! ```ignore
//! mod support;
//!
//! fn main() -> std::process::ExitCode {
//!     let mut bench = support::Bench::new();
//!     bench
//!         .race("scan, 1 KB", body.len())
//!         .case("ours", || ours(&body))
//!         .case("theirs", || theirs(&body))
//!         .case("utf-8", || std::str::from_utf8(&body).is_ok())
//!         .at_most("ours", 1.5, &["theirs", "utf-8"])
//!         .run();
//!     bench.finish()
//! }
//! ```
//!
//! `cargo bench --bench NAME -- WORD` runs the races whose title contains WORD. With `MCP_AUTH_BENCH_ASSERT=1` a
//! missed ratio ends the run with an error. A target in nanoseconds holds for the machine it was set for: it is
//! shown, never asserted. Allocations are counted in `tests/allocations`: a counting allocator would
//! be timed too.
#![allow(dead_code, reason = "each benchmark uses a part of this")]
#![allow(unreachable_pub, clippy::expect_used, reason = "a module of a program")]
#![allow(clippy::print_stdout, reason = "a benchmark is there to print")]
#![allow(clippy::disallowed_methods, reason = "a benchmark reads the clock and its arguments")]

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How long a batch of one contestant takes, unless a single run takes longer.
const BATCH: Duration = Duration::from_micros(300);
/// How many batches each contestant gets.
const ROUNDS: u32 = 400;
/// Slow contestants get fewer: a race spends about this long on each, and at least [`MIN_ROUNDS`] batches.
const CONTESTANT: Duration = Duration::from_millis(800);
const MIN_ROUNDS: u32 = 20;

/// All races of one program.
pub struct Bench {
    filter: Option<String>,
    missed: usize,
}

impl Bench {
    /// Reads the program's arguments.
    pub fn new() -> Self {
        Self { filter: std::env::args().skip(1).find(|arg| !arg.starts_with('-')), missed: 0 }
    }

    /// Whether a part of the program with this title is to run.
    pub fn wants(&self, title: &str) -> bool {
        self.filter.as_ref().is_none_or(|word| title.contains(word.as_str()))
    }

    /// Starts a race over `bytes` bytes of input; 0 where throughput means nothing.
    pub fn race<'a>(&'a mut self, title: &str, bytes: usize) -> Race<'a> {
        Race { bench: self, title: title.to_owned(), bytes, cases: Vec::new(), targets: Vec::new() }
    }

    /// Says whether something that is not a ratio of times holds.
    pub fn check(&mut self, what: &str, holds: bool) {
        println!("  {} {what}", if holds { "ok" } else { "FAILED:" });
        self.missed += usize::from(!holds);
    }

    /// The program's exit code.
    pub fn finish(self) -> ExitCode {
        let assert = std::env::var_os("MCP_AUTH_BENCH_ASSERT").is_some_and(|v| v == "1");
        println!("\n{} ratios missed{}", self.missed, if assert { "" } else { " (not asserted)" });
        if self.missed > 0 && assert { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }
}

/// One race: contestants, and what is expected of them.
pub struct Race<'a> {
    bench: &'a mut Bench,
    title: String,
    bytes: usize,
    cases: Vec<Case<'a>>,
    targets: Vec<Target<'a>>,
}

struct Case<'a> {
    name: &'a str,
    run: Box<dyn FnMut(u32) + 'a>,
    iterations: u32,
    /// Nanoseconds of one iteration, one entry per batch.
    samples: Vec<f64>,
}

enum Target<'a> {
    Ratio { case: &'a str, limit: f64, of: Vec<&'a str> },
    Nanoseconds { case: &'a str, limit: f64 },
}

impl<'a> Race<'a> {
    /// Adds a contestant. What it returns is kept from the optimizer and dropped inside the measured time.
    pub fn case<T>(mut self, name: &'a str, mut run: impl FnMut() -> T + 'a) -> Self {
        let run = move |iterations| {
            for _ in 0..iterations {
                black_box(run());
            }
        };
        self.cases.push(Case { name, run: Box::new(run), iterations: 1, samples: Vec::new() });
        self
    }

    /// `case` takes at most `limit` times what the cases in `of` take together.
    pub fn at_most(mut self, case: &'a str, limit: f64, of: &[&'a str]) -> Self {
        self.targets.push(Target::Ratio { case, limit, of: of.to_vec() });
        self
    }

    /// `case` should take at most `limit` nanoseconds on the machine that the figure was set for.
    pub fn nanoseconds_at_most(mut self, case: &'a str, limit: f64) -> Self {
        self.targets.push(Target::Nanoseconds { case, limit });
        self
    }

    /// Runs the race and prints its table.
    pub fn run(mut self) {
        if !self.bench.wants(&self.title) {
            return;
        }
        let slowest = self.cases.iter_mut().map(Case::calibrate).max().unwrap_or(BATCH).max(BATCH);
        let rounds = (CONTESTANT.as_nanos() / slowest.as_nanos().max(1)).try_into().unwrap_or(ROUNDS);
        for round in 0..rounds.clamp(MIN_ROUNDS, ROUNDS) {
            // Every second round backwards, so that nobody always follows the same one.
            if round % 2 == 0 {
                self.cases.iter_mut().for_each(Case::batch);
            } else {
                self.cases.iter_mut().rev().for_each(Case::batch);
            }
        }
        for case in &mut self.cases {
            case.samples.sort_unstable_by(f64::total_cmp);
        }
        self.print();
        self.bench.missed += self.targets.iter().filter(|target| !self.judge(target)).count();
    }

    fn print(&self) {
        let width = self.cases.iter().map(|c| c.name.chars().count()).max().unwrap_or(0);
        println!("\n{}", self.title);
        println!("  {:width$}  {:>12}  {:>12}  {:>8}", "", "min ns", "median ns", "GB/s");
        for case in &self.cases {
            let speed = match self.bytes {
                0 => "-".to_owned(),
                bytes => format!("{:.2}", bytes as f64 / case.min()),
            };
            println!("  {:width$}  {:>12.1}  {:>12.1}  {speed:>8}", case.name, case.min(), case.median());
        }
    }

    /// Says whether a target was met; only a ratio can be missed.
    fn judge(&self, target: &Target<'_>) -> bool {
        match target {
            Target::Ratio { case, limit, of } => {
                let ratio = |time: fn(&Case<'_>) -> f64| {
                    time(self.find(case)) / of.iter().map(|name| time(self.find(name))).sum::<f64>()
                };
                let (best, median) = (ratio(|case| case.min()), ratio(|case| case.median()));
                let verdict = if best <= *limit { "ok" } else { "FAILED: ratio" };
                println!(
                    "  {verdict} {case} / ({}) = {best:.3} (median {median:.3}), at most {limit:.3}",
                    of.join(" + ")
                );
                best <= *limit
            }
            Target::Nanoseconds { case, limit } => {
                let best = self.find(case).min();
                let verdict = if best <= *limit { "ok" } else { "above" };
                println!("  {verdict} {case} = {best:.0} ns, {limit:.0} ns wanted");
                true
            }
        }
    }

    fn find(&self, name: &str) -> &Case<'a> {
        self.cases.iter().find(|c| c.name == name).expect("a target names a case of its race")
    }
}

impl Case<'_> {
    /// Finds how many iterations make a batch; answers how long one takes.
    fn calibrate(&mut self) -> Duration {
        loop {
            let began = Instant::now();
            (self.run)(self.iterations);
            let took = began.elapsed();
            if took >= BATCH || self.iterations >= 1 << 24 {
                return took;
            }
            self.iterations *= 2;
        }
    }

    fn batch(&mut self) {
        let began = Instant::now();
        (self.run)(self.iterations);
        self.samples.push(began.elapsed().as_nanos() as f64 / f64::from(self.iterations));
    }

    fn min(&self) -> f64 {
        self.samples.first().copied().unwrap_or(f64::NAN)
    }

    fn median(&self) -> f64 {
        self.samples.get(self.samples.len() / 2).copied().unwrap_or(f64::NAN)
    }
}
