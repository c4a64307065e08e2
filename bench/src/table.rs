//! What is printed: a head that says on what, when and how it was measured, and a table in Markdown, so that
//! both can be pasted as they are. Every figure is the median of the rounds, with the lowest and the highest
//! of them behind it.

use crate::Plan;
use crate::meter::{Measured, Spread};
use anyhow::bail;
use std::path::Path;
use std::process::Command;

/// One row: answers, or a figure of another kind with its unit.
enum Row {
    Answers(Vec<Measured>),
    Figure(&'static str, Vec<f64>),
}

/// Rows in the order in which they first had a round.
pub(crate) struct Table {
    /// The row that the others are compared with.
    base: &'static str,
    rows: Vec<(String, Row)>,
}

impl Table {
    /// Compared with this row.
    pub(crate) fn against(base: &'static str) -> Self {
        Self { base, rows: Vec::new() }
    }

    /// A round of a row.
    pub(crate) fn add(&mut self, name: &str, round: Measured) {
        match self.rows.iter_mut().find(|(known, _)| known == name) {
            Some((_, Row::Answers(rounds))) => rounds.push(round),
            Some((_, Row::Figure(..))) | None => {
                self.rows.push((name.to_owned(), Row::Answers(vec![round])));
            }
        }
    }

    /// A round of a figure that is not about answers.
    pub(crate) fn figure(&mut self, name: &str, unit: &'static str, value: f64) {
        match self.rows.iter_mut().find(|(known, _)| known == name) {
            Some((_, Row::Figure(_, rounds))) => rounds.push(value),
            Some((_, Row::Answers(_))) | None => {
                self.rows.push((name.to_owned(), Row::Figure(unit, vec![value])));
            }
        }
    }

    /// Answers a second of a row, the median.
    pub(crate) fn rate(&self, name: &str) -> Option<f64> {
        match self.rows.iter().find(|(known, _)| known == name)? {
            (_, Row::Answers(rounds)) => rates(rounds),
            (_, Row::Figure("/s", rounds)) => Spread::of(rounds.iter().copied()),
            (_, Row::Figure(..)) => None,
        }
        .map(|spread| spread.median)
    }

    /// Prints it; an error when an answer was wrong.
    pub(crate) fn finish(&self) -> anyhow::Result<()> {
        println!("{}", self.text());
        for (name, row) in &self.rows {
            let Row::Answers(rounds) = row else { continue };
            let wrong: u64 = rounds.iter().map(|round| round.wrong).sum();
            if let Some(example) = rounds.iter().find_map(|round| round.example.as_ref()) {
                bail!("{name}: {wrong} answers were not what they had to be, the first: {example}");
            }
        }
        Ok(())
    }

    fn text(&self) -> String {
        let base = self.rate(self.base);
        let of = if base.is_some() { format!("of \"{}\"", self.base) } else { String::new() };
        let mut text = format!(
            "| measurement | per second | {of} | p50 ms | p99 ms | p99.9 ms | slowest ms | server's CPU ms each |\n\
             | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
        );
        for (name, row) in &self.rows {
            let share = match (self.rate(name), base) {
                (Some(rate), Some(base)) if base > 0.0 => format!("{:.0} %", rate / base * 100.0),
                _ => String::new(),
            };
            let cells = match row {
                Row::Figure(unit, rounds) => {
                    let digits =
                        if rounds.iter().any(|value| value.abs() >= 100.0) { 0 } else { 2 };
                    let shown = cell(Spread::of(rounds.iter().copied()), digits);
                    let shown = format!("{shown} {unit}");
                    format!("{} | {share} | | | | | |", shown.trim_end())
                }
                Row::Answers(rounds) => {
                    let ms = |quantile| {
                        cell(Spread::of(rounds.iter().map(|round| round.ms(quantile))), 2)
                    };
                    let cpu = Spread::of(rounds.iter().filter_map(Measured::cpu_ms));
                    format!(
                        "{} | {share} | {} | {} | {} | {} | {} |",
                        cell(rates(rounds), 0),
                        ms(0.50),
                        ms(0.99),
                        ms(0.999),
                        ms(1.0),
                        cell(cpu, 3)
                    )
                }
            };
            text.push_str(&format!("\n| {name} | {cells}"));
        }
        text
    }
}

fn rates(rounds: &[Measured]) -> Option<Spread> {
    Spread::of(rounds.iter().map(Measured::rate))
}

fn cell(spread: Option<Spread>, digits: usize) -> String {
    let Some(Spread { median, lowest, highest }) = spread else { return String::new() };
    let show = |value| grouped(value, digits);
    if show(lowest) == show(highest) {
        return show(median);
    }
    format!("{} ({}-{})", show(median), show(lowest), show(highest))
}

/// 18,712 or 3.02.
fn grouped(value: f64, digits: usize) -> String {
    let plain = format!("{value:.digits$}");
    let (whole, rest) = plain.split_once('.').unwrap_or((&plain, ""));
    let mut text = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if (whole.len() - at).is_multiple_of(3)
            && text.ends_with(|last: char| last.is_ascii_digit())
        {
            text.push(',');
        }
        text.push(digit);
    }
    if rest.is_empty() { text } else { format!("{text}.{rest}") }
}

/// On what, when, of which commit and by which words it is measured, as it is before it begins.
pub(crate) fn occasion(folder: &Path, program: &Path) -> anyhow::Result<String> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let cores = std::thread::available_parallelism()?;
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("unknown processor", |(_, model)| model);
    let kernel = read("/proc/sys/kernel/osrelease");
    let disk = said("stat", &["-f", "-c", "%T", &folder.display().to_string()]);
    let load = read("/proc/loadavg");
    let load = load.split(' ').next().unwrap_or_default();
    let mut commit = said("git", &["rev-parse", "--short", "HEAD"]);
    if !said("git", &["status", "--porcelain"]).is_empty() {
        commit.push_str(" with changes");
    }
    Ok(format!(
        "`bench {}`, {}, commit {commit}, program built {}; {cores} cores ({model}), Linux {}, {disk}, load {load} before it",
        words.join(" "),
        said("date", &["-u", "+%F %R UTC"]),
        said("date", &["-u", "+%F %R", "-r", &program.display().to_string()]),
        kernel.trim()
    ))
}

/// The head: the occasion, and what was set.
pub(crate) fn head(plan: &Plan, set: &str) {
    println!("{}\n\n{set}\n", plan.occasion);
}

/// What a command says; "unknown" without it.
fn said(program: &str, words: &[&str]) -> String {
    let output = Command::new(program).args(words).output();
    let done = output.ok().filter(|output| output.status.success());
    done.map_or_else(
        || "unknown".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn round(count: u64) -> Measured {
        let mut round = Measured::new().unwrap();
        for _ in 0..count {
            round.add(Duration::from_millis(2));
        }
        round.time = Duration::from_secs(1);
        round
    }

    #[test]
    fn a_row_has_its_median_and_both_ends() {
        let mut table = Table::against("alone");
        for count in [2_000, 1_000, 3_000] {
            table.add("alone", round(count));
            table.add("beside", round(count / 2));
        }
        table.figure("lives", "/s", 500.0);
        let text = table.text();
        let lines: Vec<&str> = text.lines().skip(2).collect();
        assert!(lines[0].starts_with("| alone | 2,000 (1,000-3,000) | 100 % | 2.00 |"), "{text}");
        assert!(lines[1].starts_with("| beside | 1,000 (500-1,500) | 50 % |"), "{text}");
        assert_eq!(lines[2], "| lives | 500 /s | 25 % | | | | | |");
        assert!(table.finish().is_ok());
    }

    #[test]
    fn a_wrong_answer_fails_the_run() {
        let mut table = Table::against("");
        table.add("alone", round(10));
        let mut odd = round(10);
        odd.odd(|| "503 Sistem sibuk".to_owned());
        table.add("alone", odd);
        let told = table.finish().unwrap_err().to_string();
        assert!(told.contains("alone: 1 answers") && told.contains("503 Sistem sibuk"), "{told}");
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(grouped(1_234_567.0, 0), "1,234,567");
        assert_eq!(grouped(999.5, 2), "999.50");
        assert_eq!(grouped(-1_234.0, 0), "-1,234");
        assert_eq!(grouped(-123.0, 0), "-123");
    }
}
