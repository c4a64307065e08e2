//! Members: who buys, with what, at which prices.

use super::frame;
use crate::Inner;
use crate::ask::Ask;
use crate::reply::Answer;
use crate::routes::done;
use crate::show::{days_ago, duration, percent};
use crate::view::{Cell, Field, Form, Input, Part, Table, Tile, Tone, rupiah};
use office::{Actor, MemberAdd, MemberSet, Office, Operation, Permission, Problem, execute};
use reports::{Dimension, Tally};
use serde_json::Value;

fn levels(console: &Inner) -> Vec<(String, String)> {
    let catalog = console.office.handle.catalog();
    catalog.levels().values().map(|level| (level.code.to_string(), level.name.clone())).collect()
}

pub(crate) async fn list(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let actor = frame::actor(ask)?;
    let rows = execute(&console.office, actor, Operation::MemberList).await?;
    let wanted = ask.asked("q").unwrap_or_default().to_lowercase();
    let today = days_ago(console, 0);
    let week = console.reports.by_key(Dimension::Member, days_ago(console, 6), today)?;
    let catalog = console.office.handle.catalog();
    let ids: std::collections::HashMap<String, String> = catalog
        .members()
        .into_iter()
        .map(|entry| (entry.member.code.to_string(), entry.member.id.to_string()))
        .collect();
    let mut titles = vec![ask.t("Member"), ask.t("Name"), ask.t("Level"), ask.t("State")];
    let (balance, bought, earned) = (
        format!(">{}", ask.t("Balance")),
        format!(">{}", ask.t("Bought, 7 days")),
        format!(">{}", ask.t("Earned, 7 days")),
    );
    titles.extend([balance.as_str(), bought.as_str()]);
    let money = actor.role.may(Permission::SeeMoney);
    if money {
        titles.push(&earned);
    }
    let mut table = Table::new(&titles, ask.t("No member yet."));
    for row in rows.as_array().into_iter().flatten() {
        let code = row["code"].as_str().unwrap_or_default();
        let name = row["name"].as_str().unwrap_or_default();
        if !code.to_lowercase().contains(&wanted) && !name.to_lowercase().contains(&wanted) {
            continue;
        }
        let tally = ids.get(code).and_then(|id| week.get(id)).copied().unwrap_or_default();
        let mut cells = vec![
            Cell::link(code, format!("/console/members/{code}")),
            Cell::text(name),
            Cell::maybe(row["level"].as_str()),
            active(ask, row),
            Cell::Money(row["balance"].as_i64().unwrap_or_default()),
            Cell::text(tally.ok),
        ];
        if money {
            cells.push(Cell::Money(tally.margin()));
        }
        table.rows.push(cells);
        if table.rows.len() >= 500 {
            break;
        }
    }
    let search = Form {
        action: "/console/members".to_owned(),
        fields: vec![
            Field::new("q", ask.t("Code or name")).value(ask.asked("q").unwrap_or_default()),
        ],
        button: ask.t("Search").to_owned(),
        get: true,
        ..Form::default()
    };
    let mut parts = vec![Part::Form(search), Part::Table(table)];
    if actor.role.may(Permission::ManageMembers) {
        let csv = (ask.t("Download CSV").to_owned(), "/console/members.csv".to_owned(), false);
        parts.insert(1, Part::Tabs(vec![csv]));
        parts.push(Part::Fold {
            title: ask.t("Import members").to_owned(),
            parts: vec![
                Part::Note {
                    text: ask.t("Of another center with their balances, or this list after it was edited. An empty cell leaves what there is; - takes it away.").to_owned(),
                    tone: Tone::Quiet,
                },
                super::takeover::form(console, ask),
                super::takeover::headings(ask),
            ],
        });
        let downlines = console.office.rules().await?.downlines;
        let upline = downlines.then(|| {
            [
                Field::new("upline", ask.t("Upline")).hint(ask.t("empty for nobody's downline")),
                Field::new("markup", ask.t("Markup")).input(Input::Number),
            ]
        });
        parts.push(Part::Fold {
            title: ask.t("New member").to_owned(),
            parts: vec![Part::Form(Form {
                action: "/console/members".to_owned(),
                fields: [
                    vec![
                        Field::new("code", ask.t("Code")).needed().hint("OK00124"),
                        Field::new("name", ask.t("Name")).needed(),
                        Field::new("level", ask.t("Level")).choice(levels(console)),
                        Field::new("callback", ask.t("Callback URL")),
                        Field::new("ips", ask.t("Allowed addresses"))
                            .hint(ask.t("separated by spaces; empty for any")),
                    ],
                    upline.into_iter().flatten().collect(),
                ]
                .concat(),
                button: ask.t("Create").to_owned(),
                form_key: frame::key(ask),
                ..Form::default()
            })],
        });
    }
    frame::show(console, ask, ask.t("Members"), parts).await
}

fn active(ask: &Ask, row: &Value) -> Cell {
    if row["active"] == true {
        Cell::badge(ask.t("active"), Tone::Good)
    } else {
        Cell::badge(ask.t("locked"), Tone::Bad)
    }
}

pub(crate) async fn create(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let (pin, password) = Office::fresh_credentials()?;
    let code = ask.given("code").trim().to_ascii_uppercase();
    let add = MemberAdd {
        code: code.clone(),
        name: ask.given("name").trim().to_owned(),
        pin: pin.clone(),
        password: password.clone(),
        level: ask.typed("level"),
        callback: ask.typed("callback"),
        ips: ask.given("ips").split_whitespace().map(str::to_owned).collect(),
        upline: ask.typed("upline"),
        markup: ask.typed("markup"),
    };
    execute(&console.office, frame::actor(ask)?, Operation::MemberAdd(Box::new(add))).await?;
    credentials(console, ask, &code, &pin, &password).await
}

/// Credentials on a page of their own: they are shown once.
async fn credentials(
    console: &Inner,
    ask: &Ask,
    code: &str,
    pin: &str,
    password: &str,
) -> anyhow::Result<Answer> {
    let parts = vec![
        Part::Note {
            text: ask.t("Give these to the member now: they are not shown again.").to_owned(),
            tone: Tone::Warn,
        },
        Part::Facts(vec![
            (ask.t("Member").to_owned(), Cell::code(code)),
            ("PIN".to_owned(), Cell::code(pin)),
            (ask.t("Password").to_owned(), Cell::code(password)),
        ]),
        Part::Facts(vec![(
            String::new(),
            Cell::link(ask.t("To the member"), format!("/console/members/{code}")),
        )]),
    ];
    frame::show(console, ask, code, parts).await
}

pub(crate) async fn show(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let actor = frame::actor(ask)?;
    let code = ask.part(0).to_owned();
    let row = execute(&console.office, actor, Operation::MemberShow { code }).await?;
    let code = row["code"].as_str().unwrap_or_default().to_owned();
    let catalog = console.office.handle.catalog();
    let id = types::MemberCode::parse(&code).ok().and_then(|code| catalog.member(&code));
    let id = id.ok_or_else(|| Problem::missing("the member is gone"))?.member.id;
    let today = days_ago(console, 0);
    let key = id.to_string();
    let sum = |from: i32| -> anyhow::Result<Tally> {
        let days = console.reports.by_day(from, today, Some((Dimension::Member, &key)))?;
        let mut sum = Tally::default();
        for (_, day) in days {
            sum.add(&day);
        }
        Ok(sum)
    };
    let (day, week, month) = (sum(today)?, sum(days_ago(console, 6))?, sum(days_ago(console, 29))?);
    let mut tiles = vec![Tile {
        label: ask.t("Balance").to_owned(),
        value: rupiah(row["balance"].as_i64().unwrap_or_default()),
        href: actor
            .role
            .may(Permission::SeeMoney)
            .then(|| format!("/console/members/{code}/statement")),
        ..Tile::default()
    }];
    let periods = [(ask.t("Today"), day), (ask.t("7 days"), week), (ask.t("30 days"), month)];
    for (label, tally) in periods {
        let bought =
            format!("{} {} · {}", tally.ok, ask.t("delivered"), percent(tally.success_permille()));
        let (value, hint) = if actor.role.may(Permission::SeeMoney) {
            let earned = format!("{} {}", ask.t("earned"), rupiah(tally.margin()));
            (rupiah(tally.sales), format!("{bought} · {earned}"))
        } else {
            (tally.ok.to_string(), bought)
        };
        tiles.push(Tile { label: label.to_owned(), value, hint, ..Tile::default() });
    }
    let mut parts = vec![
        Part::Tabs(vec![
            (ask.t("Transactions").to_owned(), format!("/console/trx?member={code}"), false),
            (ask.t("Statement").to_owned(), format!("/console/members/{code}/statement"), false),
            (ask.t("Callbacks").to_owned(), format!("/console/callbacks?member={code}"), false),
        ]),
        Part::Tiles(tiles),
    ];
    if row["callback_gone"].as_bool() == Some(true) {
        let text =
            ask.t("The callback URL said 410 Gone: no callback is sent until it is changed.");
        parts.push(Part::Note { text: text.to_owned(), tone: Tone::Bad });
    }
    if !row["imported"].is_null() {
        let text = ask.t("PIN or password came with an import: until they are changed they work from the allowed addresses only, at every door. The member changes them at its portal, or make new ones here.");
        parts.push(Part::Note { text: text.to_owned(), tone: Tone::Warn });
    }
    if actor.role.may(Permission::ManageMembers) {
        parts.push(Part::Heading(ask.t("Settings").to_owned()));
        let downlines = console.office.rules().await?.downlines;
        parts.push(Part::Form(settings(console, ask, &row, &code, downlines)));
        parts.push(Part::Fold {
            title: ask.t("New credentials").to_owned(),
            parts: vec![Part::Form(Form {
                action: format!("/console/members/{code}/rotate"),
                button: ask.t("Make a new PIN and password").to_owned(),
                tone: Tone::Bad,
                form_key: frame::key(ask),
                ..Form::default()
            })],
        });
        if row["portal_password"].as_bool() == Some(true) {
            let text = ask.t("It forgot the password of its portal: it chooses a new one at its next login, with PIN and H2H password from an allowed address.");
            parts.push(Part::Fold {
                title: ask.t("Forgotten portal password").to_owned(),
                parts: vec![
                    Part::Note { text: text.to_owned(), tone: Tone::Quiet },
                    Part::Form(Form {
                        action: format!("/console/members/{code}/portal"),
                        button: ask.t("Take the portal password away").to_owned(),
                        tone: Tone::Bad,
                        form_key: frame::key(ask),
                        ..Form::default()
                    }),
                ],
            });
        }
    } else {
        parts.push(Part::Facts(vec![
            (ask.t("Name").to_owned(), Cell::maybe(row["name"].as_str())),
            (ask.t("State").to_owned(), active(ask, &row)),
            (ask.t("Level").to_owned(), Cell::maybe(row["level"].as_str())),
            (ask.t("Callback URL").to_owned(), Cell::maybe(row["callback"].as_str())),
        ]));
    }
    if actor.role.may(Permission::Replay) && !row["callback"].is_null() {
        parts.push(Part::Form(Form {
            action: format!("/console/members/{code}/ping"),
            button: ask.t("Test the callback URL").to_owned(),
            tone: Tone::Quiet,
            small: true,
            form_key: frame::key(ask),
            ..Form::default()
        }));
    }
    parts.extend(network(console, ask, id));
    if actor.role.may(Permission::ManageMembers) {
        parts.push(Part::Fold {
            title: ask.t("Credit limit").to_owned(),
            parts: vec![frame::form(
                ask,
                &format!("/console/members/{code}/limit"),
                vec![
                    Field::new("credit_limit", ask.t("Credit limit"))
                        .value(row["credit_limit"].as_i64().unwrap_or_default())
                        .input(Input::Number)
                        .needed(),
                ],
                ask.t("Save"),
            )],
        });
    }
    if actor.role.may(Permission::MoveMoney) {
        parts.push(Part::Fold {
            title: ask.t("Credit or debit").to_owned(),
            parts: vec![Part::Form(super::money::credit_form(ask, &code))],
        });
    }
    let title = format!("{code} · {}", row["name"].as_str().unwrap_or_default());
    frame::show(console, ask, &title, parts).await
}

/// Who stands below, with what it pays more.
fn network(console: &Inner, ask: &Ask, member: types::MemberId) -> Vec<Part> {
    let all = console.office.network_of(member);
    if all.is_empty() {
        return Vec::new();
    }
    let titles =
        [ask.t("Member"), ask.t("Name"), ask.t("Upline"), &format!(">{}", ask.t("Markup"))];
    let mut table = Table::new(&titles, "");
    for downline in all.iter().take(500) {
        let member = &downline.member;
        let upline = member.upline.as_ref();
        table.rows.push(vec![
            Cell::link(&member.code, format!("/console/members/{}", member.code)),
            Cell::text(&member.name),
            upline.map_or(Cell::Nothing, |upline| crate::show::member(console, upline.member)),
            Cell::Money(upline.map_or(0, |upline| upline.markup.get())),
        ]);
    }
    let title = format!("{} · {}", ask.t("Downlines"), all.len());
    vec![Part::Fold { title, parts: vec![Part::Table(table)] }]
}

fn settings(console: &Inner, ask: &Ask, row: &Value, code: &str, downlines: bool) -> Form {
    let text = |name: &str| match &row[name] {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    };
    let check = |name: &'static str, label: &str| {
        Field::new(name, label).value(text(name)).input(Input::Check)
    };
    let sellers = ["no", "text", "json"].map(|word| (word.to_owned(), word.to_owned()));
    let upline = if downlines || !row["upline"].is_null() {
        vec![
            Field::new("upline", ask.t("Upline"))
                .value(text("upline"))
                .hint(ask.t("empty for nobody's downline")),
            Field::new("markup", ask.t("Markup")).value(text("markup")).input(Input::Number),
            Field::new("markups", ask.t("For single products"))
                .value(text("markups"))
                .hint("T1:150 T5:200"),
            Field::hidden("placed", "true"),
        ]
    } else {
        Vec::new()
    };
    Form {
        action: format!("/console/members/{code}"),
        fields: [
            vec![
                Field::new("name", ask.t("Name")).value(text("name")),
                Field::new("level", ask.t("Level")).value(text("level")).choice(levels(console)),
                Field::new("callback", ask.t("Callback URL")).value(text("callback")),
                Field::new("ips", ask.t("Allowed addresses"))
                    .value(text("ips"))
                    .hint(ask.t("separated by spaces; empty for any")),
                Field::new("daily_limit", ask.t("Daily limit"))
                    .value(text("daily_limit"))
                    .input(Input::Number)
                    .hint(ask.t("empty for none")),
                Field::new("signing", ask.t("New callback secret"))
                    .hint(ask.t("leave empty to keep the old one")),
                Field::new("dialect", ask.t("Habits of another center"))
                    .value(text("dialect"))
                    .hint(domain::Dialect::LIST),
                Field::new("seller", ask.t("Marketplace")).value(text("seller")).choice(sellers),
                check("active", ask.t("May buy")),
                check(
                    "same_day_guard",
                    ask.t("Ask for a counter on an equal purchase of the same day"),
                ),
                check("sedang", "sedang diproses"),
                check("sn_ref", "SN/Ref:"),
                check("webhook", ask.t("Callbacks as signed JSON")),
                check("sandbox", ask.t("Purchases go to the sandbox")),
            ],
            upline,
        ]
        .concat(),
        button: ask.t("Save").to_owned(),
        form_key: frame::key(ask),
        ..Form::default()
    }
}

pub(crate) async fn change(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let code = ask.part(0).to_owned();
    let given = |name: &str| Some(ask.given(name).trim().to_owned());
    let checked = |name: &str| Some(ask.given(name) == "true");
    let placed = ask.given("placed") == "true";
    let set = MemberSet {
        code: code.clone(),
        name: given("name"),
        level: ask.typed("level"),
        callback: given("callback"),
        ips: given("ips"),
        daily_limit: given("daily_limit"),
        signing: ask.typed("signing"),
        seller: ask.typed("seller"),
        dialect: given("dialect"),
        active: checked("active"),
        same_day_guard: checked("same_day_guard"),
        sedang: checked("sedang"),
        sn_ref: checked("sn_ref"),
        webhook: checked("webhook"),
        sandbox: checked("sandbox"),
        upline: given("upline").filter(|_| placed),
        markup: given("markup").filter(|_| placed),
        markups: given("markups").filter(|_| placed),
        ..MemberSet::default()
    };
    execute(&console.office, frame::actor(ask)?, Operation::MemberSet(Box::new(set))).await?;
    done(&format!("/console/members/{code}"), ask.t("Saved."))
}

/// How far below zero it may go: by itself, because it may need a second person.
pub(crate) async fn limit(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let code = ask.part(0).to_owned();
    let set = MemberSet {
        code: code.clone(),
        credit_limit: Some(ask.given("credit_limit").trim().to_owned()),
        ..MemberSet::default()
    };
    let set = Operation::MemberSet(Box::new(set));
    let told = execute(&console.office, frame::actor(ask)?, set).await?;
    let waits = told["state"] == "waiting";
    let text = if waits { super::frame::waiting(console, ask).await? } else { ask.t("Saved.") };
    done(&format!("/console/members/{code}"), text)
}

pub(crate) async fn ping(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let member = ask.part(0).to_owned();
    let place = format!("/console/members/{member}");
    let test = Operation::CallbackTest { member };
    let told = execute(&console.office, frame::actor(ask)?, test).await?;
    pinged(ask, &place, &told)
}

/// What became of a test of a callback URL.
pub(crate) fn pinged(ask: &Ask, place: &str, told: &Value) -> anyhow::Result<Answer> {
    let answer = told["answer"].as_str().unwrap_or_default();
    let millis = duration(told["millis"].as_i64());
    if told["taken"] == true {
        return done(place, &format!("{} {answer}, {millis}", ask.t("It was taken:")));
    }
    let why = format!("{} {answer} ({millis})", ask.t("It was not taken:"));
    Err(Problem::asked("callback_not_taken", why).into())
}

pub(crate) async fn rotate(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let code = ask.part(0).to_owned();
    let (pin, password) = rotated(&console.office, frame::actor(ask)?, &code).await?;
    credentials(console, ask, &code, &pin, &password).await
}

/// Takes a forgotten portal password away.
pub(crate) async fn forget_portal(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let code = ask.part(0);
    console.office.reset_portal_password(frame::actor(ask)?, code).await?;
    done(&format!("/console/members/{code}"), ask.t("Saved."))
}

/// New credentials; the old ones end at once.
pub(crate) async fn rotated(
    office: &Office,
    actor: &Actor,
    code: &str,
) -> anyhow::Result<(String, String)> {
    let (pin, password) = Office::fresh_credentials()?;
    let set = MemberSet {
        code: code.to_owned(),
        pin: Some(pin.clone()),
        password: Some(password.clone()),
        ..MemberSet::default()
    };
    execute(office, actor, Operation::MemberSet(Box::new(set))).await?;
    Ok((pin, password))
}
