//! Settings of the server without which an answer would promise what it does not keep.

use crate::link::told;
use std::fmt;
use tokio_postgres::Client;

/// Set at the start of a session: a pooler between us and the server refuses it or forgets it.
pub(crate) const DIRECT: &str = "gerbang.direct";

/// Sessions of a pooler are shared: locks, prepared statements and notices get lost between them.
pub(crate) async fn no_pooler(client: &Client) -> Result<(), String> {
    let row = client
        .query_one("SELECT current_setting($1, true)", &[&DIRECT])
        .await
        .map_err(|error| told(&error))?;
    match row.get::<_, Option<&str>>(0) {
        Some("on") => Ok(()),
        Some(_) | None => Err(POOLER.to_owned()),
    }
}

/// Why a pooler is refused.
pub(crate) const POOLER: &str = "a pooler (pgbouncer or the like) stands between Gerbang and the \
     server: its sessions are shared, and locks, leases and notices need sessions of their own. Name \
     the server itself in the URL";

/// Refuses a server or session that acknowledges commits it may lose.
pub(crate) async fn durable(client: &Client) -> Result<(), String> {
    let rows = client
        .query(
            "SELECT name, setting FROM pg_settings WHERE name IN
             ('synchronous_commit', 'fsync', 'full_page_writes', 'server_version_num')",
            &[],
        )
        .await
        .map_err(|error| told(&error))?;
    for row in &rows {
        let (name, setting): (&str, &str) = (row.get(0), row.get(1));
        match (name, setting) {
            ("synchronous_commit", "off") => {
                return Err("synchronous_commit is off: the server acknowledges commits it may \
                            lose; set it to on (or remote_apply) for this role and database"
                    .to_owned());
            }
            ("fsync" | "full_page_writes", "off") => {
                return Err(format!("{name} is off: a power loss would damage the books"));
            }
            ("server_version_num", version)
                if version.parse::<u32>().is_ok_and(|number| number < 130_000) =>
            {
                return Err(format!("the server is version {version}; 13 is the oldest tried"));
            }
            _ => {}
        }
    }
    Ok(())
}

/// The standbys that confirm a commit before it is answered, as far as this role may know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standbys {
    /// None is asked for.
    None,
    /// Named, and this role may not see who is there.
    Unknown(String),
    /// So many are there of those that are named.
    There(i64, String),
}

impl Standbys {
    /// How many there are; -1 when nobody knows.
    pub(crate) const fn confirmed(&self) -> i64 {
        match self {
            Self::None => 0,
            Self::Unknown(_) => -1,
            Self::There(count, _) => *count,
        }
    }

    /// True when the loss of the server loses nothing that was answered.
    pub(crate) const fn is_safe(&self) -> bool {
        match self {
            Self::None | Self::Unknown(_) => false,
            Self::There(count, _) => *count > 0,
        }
    }
}

impl fmt::Display for Standbys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => {
                f.write_str("no synchronous standby: a lost disk loses answered purchases")
            }
            Self::Unknown(names) => write!(
                f,
                "synchronous standbys of `{names}` unknown: GRANT pg_monitor to this role shows them"
            ),
            Self::There(0, names) => {
                write!(f, "no synchronous standby of `{names}` is there: commits wait for one")
            }
            Self::There(count, names) => write!(f, "{count} synchronous standbys of `{names}`"),
        }
    }
}

/// Who confirms commits now.
pub(crate) async fn standbys(client: &Client) -> Result<Standbys, tokio_postgres::Error> {
    let row = client
        .query_one(
            "SELECT current_setting('synchronous_standby_names'),
             pg_has_role('pg_read_all_stats', 'USAGE'),
             (SELECT count(*) FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum'))",
            &[],
        )
        .await?;
    let (names, may_see, count): (String, bool, i64) = (row.get(0), row.get(1), row.get(2));
    Ok(match (names.is_empty(), may_see) {
        (true, _) => Standbys::None,
        (false, false) => Standbys::Unknown(names),
        (false, true) => Standbys::There(count, names),
    })
}

/// What is worth a line in the log at start.
pub(crate) async fn described(client: &Client) -> Result<String, tokio_postgres::Error> {
    let row = client
        .query_one(
            "SELECT current_setting('server_version'), current_setting('synchronous_commit')",
            &[],
        )
        .await?;
    let (version, commit): (String, String) = (row.get(0), row.get(1));
    let standbys = standbys(client).await?;
    Ok(format!("PostgreSQL {version}, synchronous_commit={commit}, {standbys}"))
}
