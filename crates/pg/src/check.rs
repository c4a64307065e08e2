//! Settings of the server without which an answer would promise what it does not keep.

use crate::link::told;
use tokio_postgres::Client;

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

/// What is worth a line in the log at start.
pub(crate) async fn described(client: &Client) -> Result<String, tokio_postgres::Error> {
    let row = client
        .query_one(
            "SELECT current_setting('server_version'), current_setting('synchronous_commit'),
             current_setting('synchronous_standby_names'),
             (SELECT count(*) FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum'))",
            &[],
        )
        .await?;
    let (version, commit, names): (String, String, String) = (row.get(0), row.get(1), row.get(2));
    let standbys: i64 = row.get(3);
    let standby = if names.is_empty() {
        "no synchronous standby: a lost disk loses answered purchases".to_owned()
    } else {
        format!("{standbys} synchronous standbys of `{names}`")
    };
    Ok(format!("PostgreSQL {version}, synchronous_commit={commit}, {standby}"))
}
