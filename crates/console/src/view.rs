//! What pages are made of. A page says what it shows; how that looks stands in `templates`.

use askama::Template;
use std::fmt;

/// How something is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tone {
    #[default]
    Plain,
    Good,
    Bad,
    Warn,
    Quiet,
}

impl fmt::Display for Tone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "plain",
            Self::Good => "good",
            Self::Bad => "bad",
            Self::Warn => "warn",
            Self::Quiet => "quiet",
        })
    }
}

/// One value in a table or a list of facts.
#[derive(Clone, Debug, Default)]
pub(crate) enum Cell {
    #[default]
    Nothing,
    Text(String),
    /// Small, for machines' words.
    Code(String),
    Link {
        text: String,
        href: String,
    },
    /// Whole rupiah, with dots.
    Money(i64),
    Badge {
        text: String,
        tone: Tone,
    },
    /// Several, one below the other.
    Many(Vec<Cell>),
    Do(Box<Form>),
}

impl Cell {
    pub(crate) fn text(text: impl ToString) -> Self {
        Self::Text(text.to_string())
    }

    pub(crate) fn maybe(text: Option<impl ToString>) -> Self {
        text.map_or(Self::Nothing, |text| Self::Text(text.to_string()))
    }

    pub(crate) fn code(text: impl ToString) -> Self {
        Self::Code(text.to_string())
    }

    pub(crate) fn link(text: impl ToString, href: impl Into<String>) -> Self {
        Self::Link { text: text.to_string(), href: href.into() }
    }

    pub(crate) fn badge(text: impl ToString, tone: Tone) -> Self {
        Self::Badge { text: text.to_string(), tone }
    }
}

/// Whole rupiah with dots, `-` in front of what is negative.
pub(crate) fn rupiah(amount: i64) -> String {
    types::Rupiah::new(amount).to_string()
}

/// The same for templates, which hand over what they hold.
fn money(amount: &i64) -> String {
    rupiah(*amount)
}

#[derive(Template)]
#[template(path = "cell.html")]
struct CellTemplate<'a> {
    cell: &'a Cell,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        CellTemplate { cell: self }.render_into(f).map_err(|_| fmt::Error)
    }
}

impl askama::FastWritable for Cell {
    fn write_into(&self, dest: &mut dyn fmt::Write, _: &dyn askama::Values) -> askama::Result<()> {
        write!(dest, "{self}").map_err(|_| askama::Error::Fmt)
    }
}

/// A column: its title, and whether its values stand to the right.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub(crate) title: String,
    pub(crate) right: bool,
}

/// A table. On a phone every row becomes a card with its titles.
#[derive(Clone, Debug, Default, Template)]
#[template(path = "table.html")]
pub(crate) struct Table {
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Vec<Cell>>,
    /// Said when there is nothing.
    pub(crate) empty: String,
    /// The next page: its text and place.
    pub(crate) next: Option<(String, String)>,
}

impl Table {
    /// Titles; one that begins with `>` stands to the right.
    pub(crate) fn new(titles: &[&str], empty: &str) -> Self {
        let columns = titles.iter().map(|title| Column {
            title: title.trim_start_matches('>').to_owned(),
            right: title.starts_with('>'),
        });
        Self { columns: columns.collect(), empty: empty.to_owned(), ..Self::default() }
    }

    /// Every cell with its column.
    fn lines(&self) -> Vec<Vec<(&Column, &Cell)>> {
        self.rows.iter().map(|row| self.columns.iter().zip(row).collect()).collect()
    }
}

/// What can be typed.
#[derive(Clone, Debug, Default)]
pub(crate) enum Input {
    #[default]
    Text,
    Number,
    Password,
    Date,
    Area,
    Hidden,
    Check,
    Choice(Vec<(String, String)>),
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) label: String,
    pub(crate) value: String,
    pub(crate) input: Input,
    pub(crate) hint: String,
    pub(crate) required: bool,
}

impl Field {
    pub(crate) fn new(name: &'static str, label: &str) -> Self {
        Self { name, label: label.to_owned(), ..Self::default() }
    }

    pub(crate) fn value(mut self, value: impl ToString) -> Self {
        self.value = value.to_string();
        self
    }

    pub(crate) fn input(mut self, input: Input) -> Self {
        self.input = input;
        self
    }

    pub(crate) fn hint(mut self, hint: &str) -> Self {
        hint.clone_into(&mut self.hint);
        self
    }

    pub(crate) const fn needed(mut self) -> Self {
        self.required = true;
        self
    }

    pub(crate) fn choice(self, all: impl IntoIterator<Item = (String, String)>) -> Self {
        self.input(Input::Choice(all.into_iter().collect()))
    }

    pub(crate) fn hidden(name: &'static str, value: impl ToString) -> Self {
        Self::new(name, "").value(value).input(Input::Hidden)
    }
}

/// A form. Those that change something carry the session's key.
#[derive(Clone, Debug, Default, Template)]
#[template(path = "form.html")]
pub(crate) struct Form {
    pub(crate) action: String,
    pub(crate) fields: Vec<Field>,
    pub(crate) button: String,
    pub(crate) tone: Tone,
    /// Searches: no key, values in the address.
    pub(crate) get: bool,
    pub(crate) form_key: String,
    /// One small button, for lists.
    pub(crate) small: bool,
}

/// A figure with its name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tile {
    pub(crate) label: String,
    pub(crate) value: String,
    pub(crate) hint: String,
    pub(crate) tone: Tone,
    pub(crate) href: Option<String>,
}

/// Something that happened, in a story.
#[derive(Clone, Debug, Default)]
pub(crate) struct Happening {
    pub(crate) at: String,
    pub(crate) what: String,
    pub(crate) text: String,
    pub(crate) tone: Tone,
}

/// A piece of a page.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    Heading(String),
    Note {
        text: String,
        tone: Tone,
    },
    Tiles(Vec<Tile>),
    Table(Table),
    Form(Form),
    Facts(Vec<(String, Cell)>),
    /// An SVG made by `chart`, or a QR code.
    Picture(String),
    Pre(String),
    Story(Vec<Happening>),
    /// Text, place, whether it is this page.
    Tabs(Vec<(String, String, bool)>),
    /// Beside each other where there is room.
    Columns(Vec<Vec<Part>>),
    /// Opens when asked.
    Fold {
        title: String,
        parts: Vec<Part>,
    },
}

#[derive(Template)]
#[template(path = "part.html")]
struct PartTemplate<'a> {
    part: &'a Part,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        PartTemplate { part: self }.render_into(f).map_err(|_| fmt::Error)
    }
}

/// An entry of the menu.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) text: String,
    pub(crate) href: &'static str,
    pub(crate) here: bool,
    /// How many wait there.
    pub(crate) count: i64,
}

/// A whole page.
#[derive(Template)]
#[template(path = "page.html")]
pub(crate) struct Page {
    pub(crate) lang: &'static str,
    pub(crate) title: String,
    pub(crate) parts: Vec<Part>,
    pub(crate) menu: Vec<Entry>,
    pub(crate) who: String,
    pub(crate) form_key: String,
    /// Where one logs out, and where the account is.
    pub(crate) root: &'static str,
    pub(crate) flash: Option<(String, String)>,
    /// The page is made anew when something happens.
    pub(crate) live: bool,
    pub(crate) words: Words,
    pub(crate) css: &'static str,
    pub(crate) js: &'static str,
    /// What is asked for again as soon as the page is there.
    pub(crate) once_more: Option<String>,
}

/// Words of the frame.
pub(crate) struct Words {
    pub(crate) log_out: &'static str,
    pub(crate) account: &'static str,
    pub(crate) menu: &'static str,
}
