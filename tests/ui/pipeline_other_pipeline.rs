use obs_runtime::pipeline_task;

#[pipeline_task(pipeline = "nightly")]
async fn extract() {}

#[pipeline_task(pipeline = "hourly", depends_on(extract))]
async fn load() {}

fn main() {}
