//! Who somebody is, asked again in the forms of what matters most.

use super::frame;
use crate::Inner;
use crate::ask::Ask;
use crate::view::{Field, Input};
use office::{Proof, Proven};

/// One's own password, and a code where a second factor is on.
pub(crate) fn fields(ask: &Ask) -> Vec<Field> {
    fields_named(ask, ask.t("Your own password, to confirm"))
}

/// The same under another name.
pub(crate) fn fields_named(ask: &Ask, password: &str) -> Vec<Field> {
    let is_on = ask.signed.as_ref().is_some_and(|signed| signed.second_factor)
        || ask.member.as_ref().is_some_and(|member| member.second_factor);
    let mut all = vec![Field::new("own_password", password).input(Input::Password).needed()];
    if is_on {
        let code = Field::new("own_code", ask.t("Code of your app"));
        all.push(code.hint(ask.t("the next one, if you just used one")).needed());
    }
    all
}

/// What was typed there.
pub(crate) fn given(ask: &Ask) -> Proof<'_> {
    Proof { password: ask.given("own_password"), code: ask.given("own_code").trim() }
}

/// It was right.
pub(crate) async fn proven(
    console: &Inner,
    ask: &Ask,
    what: &'static str,
) -> anyhow::Result<Proven> {
    console.office.step_up(frame::actor(ask)?, given(ask), what).await
}
