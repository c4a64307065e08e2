//! Numbers for Prometheus. No member, no reference, no secret is ever a label.

use engine::Handle;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

type Labels = [(&'static str, String); 2];

/// All metrics of the gateway.
pub struct Metrics {
    registry: Registry,
    answers: Family<Labels, Counter>,
    seconds: Histogram,
    queue: Gauge,
    pending: Gauge,
    suspect: Gauge,
    callbacks: Gauge,
    lease: Gauge,
    lanes: Gauge,
    standbys: Gauge,
    nodes: Gauge,
    lost: Gauge,
    panics: Gauge,
    gone: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("gerbang");
        let answers = Family::<Labels, Counter>::default();
        let bounds = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];
        let seconds = Histogram::new(bounds);
        let (queue, pending, suspect, callbacks) =
            (Gauge::default(), Gauge::default(), Gauge::default(), Gauge::default());
        registry.register("answers", "Answers by channel and code", answers.clone());
        registry.register("answer_seconds", "Time to an answer", seconds.clone());
        registry.register("writer_queue", "Commands waiting for the writer", queue.clone());
        registry.register("pending_trx", "Trx without a final state", pending.clone());
        registry.register("suspect_trx", "Trx that need a person", suspect.clone());
        let (lease, lanes, standbys) = (Gauge::default(), Gauge::default(), Gauge::default());
        registry.register("lease_held", "1 while this node may write", lease.clone());
        registry.register("lanes_held", "Lanes this node holds", lanes.clone());
        let (nodes, lost) = (Gauge::default(), Gauge::default());
        let help = "Journal lines since the start that are in the log only";
        registry.register("journal_lines_lost", help, lost.clone());
        registry.register("nodes", "Nodes this one hears, itself included", nodes.clone());
        let (panics, gone) = (Gauge::default(), Gauge::default());
        registry.register("panics", "What broke since the start; each is a defect", panics.clone());
        registry.register("parts_gone", "Parts of the program that are missing", gone.clone());
        let help = "Standbys that confirm a commit; -1 not known or no server";
        registry.register("synchronous_standbys", help, standbys.clone());
        registry.register("callbacks_due", "Callbacks not delivered yet", callbacks.clone());
        Self {
            registry,
            answers,
            seconds,
            queue,
            pending,
            suspect,
            callbacks,
            lease,
            lanes,
            standbys,
            nodes,
            lost,
            panics,
            gone,
        }
    }
}

impl Metrics {
    pub(crate) fn answered(&self, channel: &'static str, code: &str, seconds: f64) {
        let labels = [("channel", channel.to_owned()), ("code", code.to_owned())];
        self.answers.get_or_create(&labels).inc();
        self.seconds.observe(seconds);
    }

    pub(crate) fn print(&self, handle: &Handle, counts: store::Counts) -> String {
        let ((queue, _), standing) = (handle.queue_depth(), handle.standing());
        self.queue.set(i64::try_from(queue).unwrap_or(i64::MAX));
        self.lease.set(i64::from(handle.may_act()));
        self.lanes.set(standing.lanes);
        self.standbys.set(standing.standbys.unwrap_or(-1));
        self.nodes.set(handle.health().nodes());
        self.lost.set(i64::try_from(handle.lost_lines()).unwrap_or(i64::MAX));
        self.pending.set(counts.pending);
        self.suspect.set(counts.suspect);
        self.callbacks.set(counts.callbacks_due);
        self.panics.set(i64::try_from(handle.parts().panics()).unwrap_or(i64::MAX));
        self.gone.set(i64::try_from(handle.gone().len()).unwrap_or(i64::MAX));
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}
