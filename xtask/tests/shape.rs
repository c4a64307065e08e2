//! The shape of the code: no loops between files of a crate, and functions that fit a screen. It reads the
//! sources as the compiler does, without their tests.
#![allow(clippy::unwrap_used)]

mod imports;
mod root;

use imports::Crate;
use root::root;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};

/// Longest function; what is longer wants to be two.
const LINES_MOST: usize = 70;
/// Functions that were longer when this was written: they may only become shorter.
const LONG: &str = include_str!("long_functions.txt");
/// Files that imported each other when this was written: a line for each such group.
const LOOPS: &str = include_str!("loops.txt");

/// The folders with code: `src` of every crate.
fn crates() -> Vec<PathBuf> {
    let below = std::fs::read_dir(root().join("crates")).unwrap();
    let mut all: Vec<PathBuf> = below.map(|entry| entry.unwrap().path().join("src")).collect();
    all.extend(
        ["bench", "fuzz", "pgtest", "sim", "xtask"].map(|name| root().join(name).join("src")),
    );
    all.retain(|src| src.is_dir());
    all.sort();
    all
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().display().to_string()
}

/// What a list says, and what is so: both ways, so that a list never promises less than is reached.
fn compare(list: &str, mut known: BTreeMap<String, usize>, found: BTreeMap<String, usize>) {
    let mut wrong = Vec::new();
    for (name, size) in found {
        match known.remove(&name) {
            None => wrong.push(format!("new: {name} {size}")),
            Some(before) if before < size => {
                wrong.push(format!("{name} grew from {before} to {size}"));
            }
            Some(before) if before > size => {
                wrong.push(format!("{name} is {size} and no more {before}: say so in {list}"));
            }
            Some(_) => {}
        }
    }
    wrong.extend(known.into_keys().map(|name| format!("{name} is no more: take it out of {list}")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

struct Functions<'a> {
    file: &'a str,
    within: Vec<String>,
    long: &'a mut BTreeMap<String, usize>,
}

impl Functions<'_> {
    fn seen(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let name = &signature.ident;
        let lines = block.span().end().line - signature.span().start().line + 1;
        if lines > LINES_MOST {
            let within: String = self.within.iter().map(|name| format!("{name}::")).collect();
            self.long.insert(format!("{} {within}{name}", self.file), lines);
        }
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !imports::is_test(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let name = match &*item.self_ty {
            syn::Type::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()),
            _ => None,
        };
        self.within.push(name.unwrap_or_default());
        visit::visit_item_impl(self, item);
        self.within.pop();
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if !imports::is_test(&item.attrs) {
            self.seen(&item.sig, &item.block);
            visit::visit_item_fn(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.seen(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.seen(&item.sig, block);
        }
        visit::visit_trait_item_fn(self, item);
    }
}

#[test]
fn functions_fit_a_screen() {
    let mut long = BTreeMap::new();
    for src in crates() {
        for file in Crate::read(&src).files() {
            let mut functions =
                Functions { file: &shown(&file.path), within: Vec::new(), long: &mut long };
            functions.visit_file(&file.syntax);
        }
    }
    let line = |line: &str| {
        let (name, lines) = line.rsplit_once(' ')?;
        Some((name.to_owned(), lines.parse().unwrap()))
    };
    compare("long_functions.txt", LONG.lines().filter_map(line).collect(), long);
}

#[test]
fn no_files_of_a_crate_import_each_other_in_a_loop() {
    let mut loops = BTreeMap::new();
    let mut why = String::new();
    for src in crates() {
        let read = Crate::read(&src);
        for files in read.loops() {
            let names: Vec<String> = files.iter().map(|path| shown(path)).collect();
            let own: BTreeSet<&PathBuf> = files.iter().collect();
            for (from, to, what) in
                read.edges().filter(|(from, to, _)| own.contains(from) && own.contains(to))
            {
                why.push_str(&format!("{} -> {} for {what}\n", shown(from), shown(to)));
            }
            loops.insert(names.join(" "), files.len());
        }
    }
    if std::env::var_os("GERBANG_SHOW_LOOPS").is_some() {
        eprintln!("{why}");
    }
    let known = LOOPS.lines().map(|line| (line.to_owned(), line.split(' ').count()));
    compare("loops.txt", known.collect(), loops);
}
