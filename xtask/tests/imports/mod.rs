//! Which file of a crate needs which other: imports and paths through `crate`, `super`, `self`, through
//! modules that were imported, and through what others hand on (`use`, `pub use`, also with `*`).

use proc_macro2::{TokenStream, TokenTree};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use syn::visit::{self, Visit};

/// A file as the compiler reads it.
pub(crate) struct File {
    pub(crate) path: PathBuf,
    pub(crate) syntax: syn::File,
}

/// The modules of one crate: files, and `mod name { .. }` within them.
pub(crate) struct Crate {
    modules: BTreeMap<Vec<String>, Module>,
    files: Vec<File>,
}

#[derive(Default)]
struct Module {
    /// Which file it stands in.
    file: usize,
    /// What it defines.
    items: BTreeSet<String>,
    /// What it imports, under which name.
    names: Vec<(String, Vec<String>)>,
    /// What it imports all of.
    globs: Vec<Vec<String>>,
    /// All paths that it uses.
    paths: Vec<Vec<String>>,
}

pub(crate) fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let text = match &attribute.meta {
            syn::Meta::List(list) => list.tokens.to_string(),
            syn::Meta::Path(_) | syn::Meta::NameValue(_) => String::new(),
        };
        attribute.path().is_ident("test") || (attribute.path().is_ident("cfg") && text == "test")
    })
}

impl Crate {
    /// A crate by its folder of sources: `lib.rs`, or `main.rs` where there is no library, and what stands
    /// below.
    pub(crate) fn read(src: &Path) -> Self {
        let mut read = Self { modules: BTreeMap::new(), files: Vec::new() };
        let roots = ["lib.rs", "main.rs"].map(|name| src.join(name));
        let root = roots.iter().find(|path| path.is_file()).unwrap();
        read.file(root, src, Vec::new());
        read
    }

    pub(crate) fn files(&self) -> &[File] {
        &self.files
    }

    fn file(&mut self, path: &Path, folder: &Path, module: Vec<String>) {
        let text = std::fs::read_to_string(path).unwrap();
        let syntax =
            syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let items = syntax.items.clone();
        self.files.push(File { path: path.to_owned(), syntax });
        let file = self.files.len() - 1;
        self.module(file, folder, module, &items);
    }

    fn module(&mut self, file: usize, folder: &Path, module: Vec<String>, items: &[syn::Item]) {
        let mut seen = Module { file, ..Module::default() };
        for item in items {
            if let syn::Item::Mod(inner) = item {
                if is_test(&inner.attrs) {
                    continue;
                }
                let name = inner.ident.to_string();
                let below = [module.as_slice(), std::slice::from_ref(&name)].concat();
                match &inner.content {
                    Some((_, items)) => self.module(file, &folder.join(&name), below, items),
                    None => {
                        let (own, with_more) =
                            (folder.join(format!("{name}.rs")), folder.join(&name).join("mod.rs"));
                        let path = if own.is_file() { own } else { with_more };
                        self.file(&path, &folder.join(&name), below);
                    }
                }
                continue;
            }
            seen.items.extend(named(item));
            seen.visit_item(item);
        }
        self.modules.insert(module, seen);
    }

    /// The module that a path leads to, or the one that defines what it names; none for other crates.
    fn resolve(&self, path: &[String], depth: usize) -> Option<usize> {
        if depth > 16 {
            return None;
        }
        let mut at: Vec<String> = Vec::new();
        for (number, name) in path.iter().enumerate() {
            let below = [at.as_slice(), std::slice::from_ref(name)].concat();
            if self.modules.contains_key(&below) {
                at = below;
                continue;
            }
            let module = self.modules.get(&at)?;
            if module.items.contains(name) {
                return Some(module.file);
            }
            let rest = &path[number + 1..];
            let handed_on = module.names.iter().find(|(known, _)| known == name);
            if let Some((_, target)) = handed_on {
                let target = self.absolute(&at, target)?;
                return self.resolve(&[&target, rest].concat(), depth + 1);
            }
            return module.globs.iter().find_map(|glob| {
                let target = self.absolute(&at, glob)?;
                self.resolve(&[&target, &path[number..]].concat(), depth + 1)
            });
        }
        self.modules.get(&at).map(|module| module.file)
    }

    /// A path as it is written in a module, from the root of the crate; none for other crates.
    fn absolute(&self, module: &[String], path: &[String]) -> Option<Vec<String>> {
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "crate" => Some(rest.to_vec()),
            "self" => Some([module, rest].concat()),
            "super" => {
                let (_, above) = module.split_last()?;
                match rest.first() {
                    Some(next) if next == "super" => self.absolute(above, rest),
                    _ => Some([above, rest].concat()),
                }
            }
            name => {
                let below = [module, std::slice::from_ref(first)].concat();
                if self.modules.contains_key(&below) {
                    return Some([module, path].concat());
                }
                let own = self.modules.get(module)?;
                let (_, target) = own.names.iter().find(|(known, _)| known == name)?;
                // An import never names itself.
                if target.first() == Some(first) {
                    return None;
                }
                Some([&self.absolute(module, target)?, rest].concat())
            }
        }
    }

    /// Who needs whom, and for what.
    pub(crate) fn edges(&self) -> impl Iterator<Item = (&PathBuf, &PathBuf, String)> {
        self.modules.iter().flat_map(move |(name, module)| {
            module.paths.iter().filter_map(move |path| {
                let absolute = self.absolute(name, path)?;
                let to = self.resolve(&absolute, 0)?;
                (to != module.file)
                    .then(|| (&self.files[module.file].path, &self.files[to].path, path.join("::")))
            })
        })
    }

    /// Groups of files of which each needs each other, directly or by others; sorted.
    pub(crate) fn loops(&self) -> Vec<Vec<PathBuf>> {
        let mut next: BTreeMap<&PathBuf, BTreeSet<&PathBuf>> = BTreeMap::new();
        for (from, to, _) in self.edges() {
            next.entry(from).or_default().insert(to);
        }
        let reach = |from: &PathBuf| {
            let (mut seen, mut left) = (BTreeSet::new(), vec![from]);
            while let Some(at) = left.pop() {
                for to in next.get(at).into_iter().flatten() {
                    if seen.insert((*to).clone()) {
                        left.push(to);
                    }
                }
            }
            seen
        };
        let reached: BTreeMap<&PathBuf, BTreeSet<PathBuf>> =
            next.keys().map(|from| (*from, reach(from))).collect();
        let groups: BTreeSet<Vec<PathBuf>> = reached
            .iter()
            .filter(|(from, to)| to.contains(**from))
            .map(|(from, to)| {
                let back =
                    |other: &&PathBuf| reached.get(other).is_some_and(|back| back.contains(*from));
                to.iter().filter(back).cloned().collect()
            })
            .collect();
        groups.into_iter().collect()
    }
}

fn named(item: &syn::Item) -> Option<String> {
    let name = match item {
        syn::Item::Const(item) => &item.ident,
        syn::Item::Enum(item) => &item.ident,
        syn::Item::Fn(item) => &item.sig.ident,
        syn::Item::Macro(item) => item.ident.as_ref()?,
        syn::Item::Static(item) => &item.ident,
        syn::Item::Struct(item) => &item.ident,
        syn::Item::Trait(item) => &item.ident,
        syn::Item::TraitAlias(item) => &item.ident,
        syn::Item::Type(item) => &item.ident,
        syn::Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}

impl Module {
    fn imports(&mut self, tree: &syn::UseTree, before: &[String]) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            syn::UseTree::Path(path) => self.imports(&path.tree, &with(&path.ident)),
            syn::UseTree::Name(name) if name.ident == "self" => {
                let own = before.last().cloned().unwrap_or_default();
                self.import(own, before.to_vec());
            }
            syn::UseTree::Name(name) => self.import(name.ident.to_string(), with(&name.ident)),
            syn::UseTree::Rename(name) => self.import(name.rename.to_string(), with(&name.ident)),
            syn::UseTree::Glob(_) => {
                self.paths.push(before.to_vec());
                self.globs.push(before.to_vec());
            }
            syn::UseTree::Group(group) => {
                for tree in &group.items {
                    self.imports(tree, before);
                }
            }
        }
    }

    fn import(&mut self, name: String, path: Vec<String>) {
        self.paths.push(path.clone());
        self.names.push((name, path));
    }

    /// Paths within a macro, of which only the words are known.
    fn words(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(name) if colons == 2 && !path.is_empty() => {
                    path.push(name.to_string())
                }
                TokenTree::Ident(name) => {
                    self.word(&mut path);
                    path.push(name.to_string());
                }
                TokenTree::Punct(sign) if sign.as_char() == ':' && !path.is_empty() => {
                    colons += 1;
                    continue;
                }
                TokenTree::Group(group) => {
                    self.word(&mut path);
                    self.words(group.stream());
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => self.word(&mut path),
            }
            colons = 0;
        }
        self.word(&mut path);
    }

    fn word(&mut self, path: &mut Vec<String>) {
        if !path.is_empty() {
            self.paths.push(std::mem::take(path));
        }
    }
}

impl<'ast> Visit<'ast> for Module {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if is_test(&item.attrs) {
            return;
        }
        let before = self.paths.len();
        self.imports(&item.tree, &[]);
        // What is only handed on is not needed here.
        if !matches!(item.vis, syn::Visibility::Inherited) {
            self.paths.truncate(before);
        }
    }

    fn visit_item_mod(&mut self, _: &'ast syn::ItemMod) {}

    /// `pub(crate)` needs nothing.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if !is_test(&item.attrs) {
            visit::visit_item_fn(self, item);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.paths.push(path.segments.iter().map(|one| one.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        self.words(item.tokens.clone());
        visit::visit_macro(self, item);
    }
}
