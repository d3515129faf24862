use super::*;

fn tool(print: Option<u64>) -> Step {
    Step::Tool("search".into(), print)
}

#[test]
fn each_limit_stops_the_step_behind_it() {
    let mut steps = Progress::new(Limits::new().max_steps(Some(2)));
    assert_eq!(
        (steps.begin(&Step::Model), steps.begin(&tool(None))),
        (None, None)
    );
    assert_eq!(
        (steps.begin(&Step::Model), steps.steps_left()),
        (None, Some(0))
    );
    let reason = StopReason::Steps { limit: 2 };
    assert_eq!(steps.begin(&Step::Model), Some(reason.clone()));
    // Nothing begins from now on.
    assert_eq!(steps.begin(&tool(None)), Some(reason));

    let mut tools = Progress::new(Limits::new().max_tool_calls(Some(1)));
    assert_eq!(
        (tools.begin(&tool(None)), tools.tool_calls_left()),
        (None, Some(0))
    );
    assert_eq!(tools.begin(&Step::Model), None);
    assert_eq!(
        tools.begin(&tool(None)),
        Some(StopReason::ToolCalls { limit: 1 })
    );
}

#[test]
fn calls_of_a_tool_are_the_same_by_their_arguments_alone() {
    let mut same = Progress::new(Limits::new().max_same_tool_call(Some(2)));
    for print in [Some(1), Some(2), Some(1), None, None, None, Some(2)] {
        assert_eq!(same.begin(&tool(print)), None, "{print:?}");
    }
    let other = Step::Tool("fetch".into(), Some(1));
    assert_eq!(same.begin(&other), None);
    let reason = StopReason::Repeated {
        tool: "search".into(),
        limit: 2,
    };
    assert_eq!(same.begin(&tool(Some(1))), Some(reason));
}

#[test]
fn a_flag_says_the_first_reason_and_stops_nothing() {
    let limits = Limits::new()
        .max_steps(Some(1))
        .max_tool_calls(Some(1))
        .only_flags();
    let mut flagged = Progress::new(limits);
    for step in [Step::Model, tool(None), tool(None), Step::Model] {
        assert_eq!(flagged.begin(&step), None);
    }
    flagged.end();
    assert_eq!(flagged.must_end(), None);
    assert_eq!(flagged.reason(), Some(&StopReason::ToolCalls { limit: 1 }));
}

#[test]
fn an_agent_ends_by_itself_if_it_is_asked_to_or_its_time_is_over() {
    let mut asked = Progress::new(Limits::new().max_steps(Some(1)));
    asked.end();
    assert_eq!(asked.must_end(), None);
    asked.begin(&Step::Model);
    asked.begin(&Step::Model);
    assert_eq!(asked.must_end(), Some(StopReason::Steps { limit: 1 }));

    let limit = Duration::ZERO;
    let mut late = Progress::new(Limits::new().timeout(limit));
    assert_eq!(late.time_left(), Some(Duration::ZERO));
    assert_eq!(late.must_end(), Some(StopReason::Timeout { limit }));
    assert_eq!(
        late.begin(&Step::Model),
        Some(StopReason::Timeout { limit })
    );
}
