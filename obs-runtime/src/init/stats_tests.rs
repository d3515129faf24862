use serde_json::json;

use super::*;

#[test]
fn stats_are_an_object_of_their_fields() {
    let otlp = ExporterStats {
        name: "otlp",
        taken: 9,
        exported: 4,
        in_flight: 1,
        spooled: 1,
        recovered: 2,
        dropped: vec![(DropReason::QueueFull, 2), (DropReason::Timeout, 1)],
    };
    let stats = Stats {
        spans: SpanStats {
            recorded: 10,
            lost: 1,
            exporters: vec![otlp],
            ..SpanStats::default()
        },
        late: 3,
        ..Stats::default()
    };
    assert_eq!(
        serde_json::to_value(&stats).unwrap(),
        json!({
            "spans": {
                "recorded": 10,
                "lost": 1,
                "sampled_out": 0,
                "waiting": 0,
                "evicted_traces": 0,
                "exporters": [{
                    "name": "otlp",
                    "taken": 9,
                    "exported": 4,
                    "in_flight": 1,
                    "spooled": 1,
                    "recovered": 2,
                    "dropped": {"queue_full": 2, "timeout": 1},
                }],
            },
            "metrics": [],
            "logs": {"recorded": 0, "lost": 0, "exporters": []},
            "late": 3,
            "reentrant_calls": 0,
            "reentrant_values": 0,
        })
    );
}

#[test]
fn every_reason_is_written_as_it_is_shown() {
    for reason in DropReason::ALL {
        assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
    }
}

#[test]
fn health_is_a_list_of_problems() {
    let health = Health {
        problems: vec!["otlp: refused".to_owned()],
    };
    assert_eq!(
        serde_json::to_value(health).unwrap(),
        json!({"problems": ["otlp: refused"]})
    );
}
