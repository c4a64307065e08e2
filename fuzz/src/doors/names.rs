//! Names of fields, read from the sources of whoever reads fields: a name that a handler learns is
//! known here with the same edit.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// Longest name that is one.
const NAME_MOST: usize = 24;

/// What is read where.
pub(super) struct Names {
    /// Words of each file of the console, by its path below `src`, without the ending.
    files: BTreeMap<String, Vec<String>>,
    /// Words that any page asks its request for.
    asked: Vec<String>,
    /// Fields of what programs send as JSON.
    json: Vec<String>,
    /// Those of each route, as its description names them.
    described: BTreeMap<String, Vec<String>>,
    /// Words of the member protocol.
    wire: Vec<String>,
    /// Fields of the members' JSON door.
    v1: Vec<String>,
}

/// All names.
pub(super) static NAMES: LazyLock<Names> = LazyLock::new(Names::read);

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates")
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap_or_else(|why| panic!("{}: {why}", folder.display())) {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

fn is_name(word: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    let starts = word.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
    starts && word.len() <= NAME_MOST && word.bytes().all(fits)
}

/// Texts in quotes that could be names.
fn words(text: &str) -> BTreeSet<String> {
    let lines = text.lines().flat_map(|line| line.split('"').skip(1).step_by(2));
    lines.filter(|word| is_name(word)).map(str::to_owned).collect()
}

/// Texts in quotes right behind a reader of the request.
fn asked(text: &str) -> BTreeSet<String> {
    let readers = ["asked(", "given(", "typed(", "number(", "place(", "day(", ">("];
    let behind = readers.iter().flat_map(|reader| text.split(reader).skip(1));
    let quoted = behind.filter_map(|rest| rest.strip_prefix('"')?.split('"').next());
    quoted.filter(|word| is_name(word)).map(str::to_owned).collect()
}

/// Fields of structures, one a line.
fn fields(text: &str) -> BTreeSet<String> {
    let named = text.lines().filter_map(|line| {
        let line = line.trim_start();
        let line = line.strip_prefix("pub ").unwrap_or(line);
        line.ends_with(',').then(|| line.split_once(": ")).flatten()
    });
    named.map(|(name, _)| name).filter(|name| is_name(name)).map(str::to_owned).collect()
}

impl Names {
    fn read() -> Self {
        let text = |path: &Path| fs::read_to_string(path).unwrap();
        let below = |name: &str| {
            let mut found = Vec::new();
            sources(&crates().join(name).join("src"), &mut found);
            found
        };
        let (mut files, mut all, mut json) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
        let root = crates().join("console/src");
        for path in below("console") {
            let text = text(&path);
            let name = path.strip_prefix(&root).unwrap().with_extension("");
            files.insert(name.to_str().unwrap().to_owned(), words(&text).into_iter().collect());
            all.extend(asked(&text));
            json.extend(fields(&text));
        }
        for path in below("office") {
            let text = text(&path);
            if text.contains("Deserialize") {
                json.extend(fields(&text));
            }
        }
        let described = text(&crates().join("console/openapi.json"));
        let described: serde_json::Value = serde_json::from_str(&described).unwrap();
        let mut routes = BTreeMap::new();
        for (path, operations) in described["paths"].as_object().unwrap() {
            let mut fields = BTreeSet::new();
            properties(&operations["post"]["requestBody"], &mut fields);
            json.extend(fields.clone());
            routes.insert(path.replace("{id}", "{}"), fields.into_iter().collect());
        }
        let wire = below("wire").iter().flat_map(|path| words(&text(path))).collect();
        let gateway = text(&crates().join("gateway/src/v1/mod.rs"));
        let wanted =
            gateway.split("struct Wanted {").nth(1).and_then(|rest| rest.split('}').next());
        Self {
            files,
            asked: all.into_iter().collect(),
            json: json.into_iter().collect(),
            described: routes,
            wire,
            v1: fields(wanted.unwrap()).into_iter().collect(),
        }
    }

    /// The words of the file that a handler stands in.
    pub(super) fn of(&self, handler: &str) -> &[String] {
        let module = handler.rsplit_once("::").map_or(handler, |(module, _)| module);
        self.files.get(&module.replace("::", "/")).map_or(&[], Vec::as_slice)
    }

    /// What pages ask for.
    pub(super) fn asked(&self) -> &[String] {
        &self.asked
    }

    /// What programs of operators send.
    pub(super) fn json(&self) -> &[String] {
        &self.json
    }

    /// The same of one route.
    pub(super) fn described(&self, path: &str) -> &[String] {
        self.described.get(path).map_or(&[], Vec::as_slice)
    }

    /// What programs of members send.
    pub(super) fn wire(&self) -> &[String] {
        &self.wire
    }

    /// What they send as JSON.
    pub(super) fn v1(&self) -> &[String] {
        &self.v1
    }
}

/// Names of the fields of bodies, and of parameters.
fn properties(value: &serde_json::Value, names: &mut BTreeSet<String>) {
    match value {
        serde_json::Value::Object(fields) => {
            if let Some(serde_json::Value::Object(known)) = fields.get("properties") {
                names.extend(known.keys().cloned());
            }
            fields.values().for_each(|value| properties(value, names));
        }
        serde_json::Value::Array(all) => all.iter().for_each(|value| properties(value, names)),
        serde_json::Value::Null
        | serde_json::Value::Bool(_)
        | serde_json::Value::Number(_)
        | serde_json::Value::String(_) => {}
    }
}
