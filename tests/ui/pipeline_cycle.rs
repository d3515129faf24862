use obs_runtime::pipeline_task;

mod extract {
    use obs_runtime::pipeline_task;

    #[pipeline_task(pipeline = "etl")]
    pub async fn begin() {}

    #[pipeline_task(pipeline = "etl", depends_on(begin, super::store))]
    pub async fn rows() {}
}

#[pipeline_task(pipeline = "etl", depends_on(extract::rows))]
async fn transform() {}

#[pipeline_task(pipeline = "etl", depends_on(extract::begin, transform))]
async fn store() {}

#[pipeline_task(pipeline = "etl", depends_on(store))]
async fn behind_the_cycle() {}

#[pipeline_task(pipeline = "etl", depends_on(itself))]
async fn itself() {}

fn main() {}
