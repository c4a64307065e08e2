//! Answers on the terminal: tables that fit it, colours only there, JSON on demand.

use crate::say;
use comfy_table::{
    Attribute, Cell, CellAlignment, Color, ColumnConstraint, ContentArrangement, LineStyle, Table,
    TableStyle, Width,
};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::Value;
use std::io::IsTerminal as _;
use types::Rupiah;

/// One line under the header, no other lines: rows stay short on small terminals.
const LOOK: TableStyle =
    TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// How an answer is laid out.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    Record,
    Members,
    Products,
    Prices,
    Suppliers,
    Trxs,
    Story,
    Callbacks,
    Users,
    Verdict,
    Sync,
    Plan,
    /// The text of a file, as it is.
    File,
}

/// Where answers go.
pub(super) struct Screen {
    json: bool,
    colours: bool,
}

type Column = (&'static str, &'static str);

impl Shape {
    /// Key and title of the columns of a list.
    const fn columns(self) -> &'static [Column] {
        match self {
            Self::Members => &[
                ("code", "MEMBER"),
                ("balance", "SALDO"),
                ("level", "LEVEL"),
                ("active", "ACTIVE"),
                ("name", "NAME"),
            ],
            Self::Products => &[
                ("code", "CODE"),
                ("name", "NAME"),
                ("category", "CATEGORY"),
                ("prices", "PRICE"),
                ("open", "OPEN"),
                ("routes", "ROUTES"),
            ],
            Self::Prices => &[
                ("kode", "KODE"),
                ("keterangan", "KETERANGAN"),
                ("produk", "PRODUK"),
                ("kategori", "KATEGORI"),
                ("harga", "HARGA"),
                ("status", "STATUS"),
            ],
            Self::Suppliers => &[
                ("code", "SUPPLIER"),
                ("name", "NAME"),
                ("connector", "CONNECTOR"),
                ("paused", "PAUSED"),
                ("circuit_open", "CIRCUIT OPEN"),
                ("balance", "DEPOSIT"),
                ("check_after_ms", "CHECK MS"),
                ("suspect_after_ms", "SUSPECT MS"),
                ("trusted_reversal", "AUTO REVERSAL"),
            ],
            Self::Trxs => &[
                ("trx", "TRX"),
                ("time", "TIME"),
                ("member", "MEMBER"),
                ("ref", "REF"),
                ("purchase", "PURCHASE"),
                ("price", "PRICE"),
                ("outcome", "STATE, SN OR REASON"),
                ("suspect", "SUSPECT"),
            ],
            Self::Users => &[
                ("login", "login"),
                ("name", "name"),
                ("role", "role"),
                ("second_factor", "second factor"),
                ("active", "active"),
            ],
            Self::Callbacks => &[
                ("id", "ID"),
                ("trx", "TRX"),
                ("member", "MEMBER"),
                ("state", "STATE"),
                ("tries", "TRIES"),
                ("last", "LAST"),
                ("next", "NEXT"),
                ("message", "MESSAGE"),
            ],
            Self::Sync => {
                &[("product", "PRODUCT"), ("sku", "SKU"), ("change", "CHANGE"), ("done", "DONE")]
            }
            Self::Plan => &[("code", "CODE"), ("what", "WHAT"), ("from", "FROM"), ("to", "TO")],
            Self::Record | Self::Story | Self::Verdict | Self::File => &[],
        }
    }
}

/// Numbers that are money, by key.
fn is_money(key: &str) -> bool {
    matches!(
        key,
        "balance"
            | "price"
            | "moved"
            | "balances"
            | "debts"
            | "credit_limits"
            | "gives"
            | "credit_limit"
            | "daily_limit"
            | "prices"
    )
}

/// Numbers and codes are copied from the screen: never broken over two lines.
fn stays_whole(key: &str) -> bool {
    is_money(key)
        || matches!(key, "trx" | "id" | "purchase" | "state" | "member" | "code" | "kode" | "harga")
}

/// A purchase is shown as the trade writes it, CODE.dest; its outcome in one column.
fn value_of(row: &Value, key: &str) -> Value {
    let both = |first: &str, between: &str, second: &str| {
        let parts = row[first].as_str().zip(row[second].as_str());
        parts.map_or(Value::Null, |(a, b)| Value::String(format!("{a}{between}{b}")))
    };
    match key {
        "purchase" => both("product", ".", "dest"),
        "outcome" => both("state", " ", "detail"),
        _ => row[key].clone(),
    }
}

/// Control characters never reach a terminal: texts come from members and suppliers.
fn harmless(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}

fn word(key: &str, value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(number) => match number.as_i64() {
            Some(amount) if is_money(key) => Rupiah::new(amount).to_string(),
            _ => number.to_string(),
        },
        Value::String(text) => harmless(text),
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Array(items) => {
            items.iter().map(|item| word(key, item)).collect::<Vec<_>>().join("\n")
        }
        Value::Object(fields) => fields
            .iter()
            .map(|(name, field)| {
                let shown = word(key, field);
                if fields.len() == 1 { shown } else { format!("{name} {shown}") }
            })
            .collect::<Vec<_>>()
            .join("\n"),
    }
}

impl Screen {
    pub(super) fn new(json: bool) -> Self {
        let colours = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { json, colours }
    }

    /// Prints an answer. A reader that went away (`| head`) is no error.
    pub(super) fn show(&self, value: &Value, shape: Shape) -> anyhow::Result<()> {
        let mut text = if self.json {
            serde_json::to_string_pretty(value)?
        } else {
            match shape {
                Shape::File => value["csv"].as_str().unwrap_or_default().trim_end().to_owned(),
                Shape::Record | Shape::Verdict => self.record(value),
                Shape::Story => self.story(value),
                Shape::Sync => self.sync(value),
                Shape::Plan => self.plan(value),
                Shape::Members
                | Shape::Products
                | Shape::Prices
                | Shape::Suppliers
                | Shape::Trxs
                | Shape::Users
                | Shape::Callbacks => self.list(value, shape.columns()),
            }
        };
        text.push('\n');
        match say::text(&text) {
            Err(error) if error.is::<say::Unheard>() => Ok(()),
            other => other,
        }
    }

    fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_style(LOOK);
        table.set_content_arrangement(ContentArrangement::Dynamic);
        if !std::io::stdout().is_terminal() {
            table.load_style(comfy_table::presets::NOTHING);
            table.set_content_arrangement(ContentArrangement::Disabled);
        }
        if !self.colours {
            table.force_no_tty();
        }
        table
    }

    fn cell(key: &str, value: &Value) -> Cell {
        let text = word(key, value);
        let number = value.is_number() || key == "prices" || key == "harga";
        let first = if key == "outcome" { text.split(' ').next() } else { None };
        let key = if first.is_some() { "state" } else { key };
        let colour = match (key, first.unwrap_or(&text)) {
            ("state", "success" | "delivered") | ("holds", "yes") => Some(Color::Green),
            ("state", "failed" | "exhausted" | "reversed") | ("holds", "no") => Some(Color::Red),
            ("state", "pending" | "parked" | "due") => Some(Color::Yellow),
            ("open" | "active", "no") | ("paused", "yes") => Some(Color::Yellow),
            ("suspect", text) if text != "-" => Some(Color::Red),
            _ => None,
        };
        let mut cell = Cell::new(text);
        if number {
            cell = cell.set_alignment(CellAlignment::Right);
        }
        match colour {
            Some(colour) => cell.fg(colour),
            None => cell,
        }
    }

    fn list(&self, value: &Value, columns: &[Column]) -> String {
        let rows = value.as_array().map(Vec::as_slice).unwrap_or_default();
        if rows.is_empty() {
            return "nothing".to_owned();
        }
        // A column without any value says nothing.
        let columns: Vec<&Column> = columns
            .iter()
            .filter(|(key, _)| {
                let values = rows.iter().map(|row| value_of(row, key));
                values.into_iter().any(|value| !value.is_null() && value != "")
            })
            .collect();
        let mut table = self.table();
        table.set_header(
            columns.iter().map(|(_, title)| Cell::new(title).add_attribute(Attribute::Bold)),
        );
        for row in rows {
            table.add_row(columns.iter().map(|(key, _)| Self::cell(key, &value_of(row, key))));
        }
        for (at, (key, _)) in columns.iter().enumerate() {
            let constraint = match *key {
                key if stays_whole(key) => ColumnConstraint::ContentWidth,
                // Date and clock may stand below each other, each of them whole.
                "time" | "next" => ColumnConstraint::LowerBoundary(Width::Fixed(12)),
                _ => continue,
            };
            if let Some(column) = table.column_mut(at) {
                column.set_constraint(constraint);
            }
        }
        table.trim_fmt()
    }

    fn record(&self, value: &Value) -> String {
        let Some(fields) = value.as_object() else { return self.any(value) };
        let mut table = self.table();
        for (key, field) in fields.iter().filter(|(_, field)| !field.is_null()) {
            let mut cell = Self::cell(key, field);
            cell = cell.set_alignment(CellAlignment::Left);
            table.add_row([Cell::new(key.replace('_', " ")), cell]);
        }
        table.trim_fmt()
    }

    fn any(&self, value: &Value) -> String {
        match value.as_array() {
            Some(rows) => rows.iter().map(|row| self.record(row)).collect::<Vec<_>>().join("\n"),
            None => word("", value),
        }
    }

    /// A price list's head and what differs.
    fn sync(&self, value: &Value) -> String {
        let mut head = value.clone();
        let changes = head.as_object_mut().and_then(|fields| fields.remove("changes"));
        let changes = changes.unwrap_or_default();
        let odd = head.as_object_mut().and_then(|fields| fields.remove("odd"));
        let mut told =
            format!("{}\n\n{}", self.record(&head), self.list(&changes, Shape::Sync.columns()));
        for (number, row) in
            odd.as_ref().and_then(Value::as_array).into_iter().flatten().enumerate()
        {
            if number == 0 {
                told.push_str("\n\nnot understood and left out:");
            }
            told.push_str(&format!("\n  {}", word("", row)));
        }
        told
    }

    /// What an import would change, the lines that are wrong, and the products it does not name.
    fn plan(&self, value: &Value) -> String {
        let mut head = value.clone();
        let mut lists = ["changes", "wrong_lines", "not_named"].map(|name| {
            head.as_object_mut().and_then(|fields| fields.remove(name)).unwrap_or_default()
        });
        let [changes, wrong, absent] = &mut lists;
        let changes = self.list(changes, Shape::Plan.columns());
        let mut told = format!("{}\n\n{changes}", self.record(&head));
        for (list, title) in
            [(wrong, "wrong lines:"), (absent, "not in the file, stay as they are:")]
        {
            if list.as_array().is_some_and(|list| !list.is_empty()) {
                told.push_str(&format!("\n\n{title}\n{}", word("", list)));
            }
        }
        told
    }

    /// A transaction's head and its events in time order.
    fn story(&self, value: &Value) -> String {
        let mut head = value.clone();
        let events = head.as_object_mut().and_then(|fields| fields.remove("story"));
        let mut table = self.table();
        for event in events.as_ref().and_then(Value::as_array).into_iter().flatten() {
            table.add_row([
                Cell::new(word("", &event["time"])),
                Cell::new(word("", &event["what"])).add_attribute(Attribute::Bold),
                Cell::new(word("", &event["text"])),
            ]);
        }
        format!("{}\n\n{}", self.record(&head), table.trim_fmt())
    }
}

/// A progress bar on stderr; silent where nobody looks.
pub(super) fn bar(unit: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
    let style =
        ProgressStyle::with_template(&format!("{{wide_bar}} {{pos}}/{{len}} {unit} {{eta}}"));
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar
}

/// A spinner with words on stderr, for waiting; silent where nobody looks.
pub(super) fn spinner(words: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {msg}") {
        bar.set_style(style);
    }
    bar.set_message(words.to_owned());
    bar.enable_steady_tick(std::time::Duration::from_millis(100));
    bar
}
