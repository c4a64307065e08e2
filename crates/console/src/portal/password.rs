//! The member's own way in: its portal password, and a second factor for who wants one.

use super::pages::me;
use crate::Inner;
use crate::ask::Ask;
use crate::pages::second_factor::{recovery_codes, setting_up};
use crate::pages::{frame, proof};
use crate::reply::Answer;
use crate::routes::done;
use crate::view::{Field, Input, Part, Tone};

/// Where a member may go that has no password of the portal yet.
pub(crate) const PLACES: [&str; 2] = ["/portal/password", "/portal/logout"];

fn new_password(ask: &Ask) -> Field {
    Field::new("new", ask.t("New password"))
        .input(Input::Password)
        .hint(ask.t("at least 10 characters; three or four words do well"))
        .needed()
}

/// What must be typed to change it.
pub(super) fn form(ask: &Ask) -> Part {
    let mut fields = vec![new_password(ask)];
    fields.extend(proof::fields_named(ask, ask.t("Old password")));
    frame::form(ask, "/portal/password/change", fields, ask.t("Save"))
}

pub(crate) async fn show(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    if !me(ask)?.must_set_password {
        return Ok(crate::reply::to("/portal/account"));
    }
    let text = ask.t("Choose a password for this portal. It is yours alone: your programs go on with theirs, and from now on theirs do not open the portal.");
    let parts = vec![
        Part::Note { text: text.to_owned(), tone: Tone::Warn },
        frame::form(ask, "/portal/password", vec![new_password(ask)], ask.t("Save")),
    ];
    frame::show(console, ask, ask.t("Portal password"), parts).await
}

pub(crate) async fn choose(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    console.office.choose_portal_password(me(ask)?, &ask.from, ask.given("new")).await?;
    done("/portal", ask.t("Saved."))
}

pub(crate) async fn change(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let (me, proof, new) = (me(ask)?, proof::given(ask), ask.given("new"));
    console.office.change_portal_password(me, &ask.from, proof, new).await?;
    done("/portal/account", ask.t("Saved."))
}

pub(crate) async fn second(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let me = me(ask)?;
    let mut parts = Vec::new();
    if me.second_factor {
        let text = ask.t("On: logging in needs a code of your app.").to_owned();
        parts.push(Part::Note { text, tone: Tone::Good });
    }
    if let Some(offered) = console.office.offered_portal_factor(me).await? {
        parts.extend(setting_up(ask, &offered, "/portal/second")?);
    } else {
        let button = if me.second_factor { ask.t("Set up another app") } else { ask.t("Set up") };
        parts.push(frame::form(ask, "/portal/second/offer", proof::fields(ask), button));
    }
    if me.second_factor {
        let fields = proof::fields(ask);
        parts.push(frame::form(ask, "/portal/second/off", fields, ask.t("Turn off")));
    }
    frame::show(console, ask, ask.t("Second factor"), parts).await
}

pub(crate) async fn offer(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    console.office.offer_portal_factor(me(ask)?, &ask.from, proof::given(ask)).await?;
    done("/portal/second", ask.t("Scan the picture and type the code."))
}

pub(crate) async fn confirm(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let codes =
        console.office.confirm_portal_factor(me(ask)?, &ask.from, ask.given("code")).await?;
    let parts = recovery_codes(ask, &codes, "/portal/account");
    frame::show(console, ask, ask.t("Recovery codes"), parts).await
}

pub(crate) async fn off(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    console.office.drop_portal_factor(me(ask)?, &ask.from, proof::given(ask)).await?;
    done("/portal/account", ask.t("Saved."))
}
