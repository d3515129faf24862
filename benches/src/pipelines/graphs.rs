//! The graphs, as pipelines and as tokio alone runs them.

use std::time::{Duration, Instant};

use obs_runtime::Error;
use obs_runtime::pipeline::{Input, Pipeline, TaskContext};
use obs_runtime::pipeline_task;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

/// How the tasks hang together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Graph {
    /// No task waits for another.
    Wide,
    /// Each task waits for the one before.
    Line,
    /// Ten layers, in which each task waits for two of the layer before.
    Layered,
    /// The items of one mapped task.
    Items,
    /// The same with a synchronous function.
    Threads,
}

const LAYERS: usize = 10;

/// The work of each task.
async fn work() -> Result<u64, Error> {
    tokio::task::yield_now().await;
    Ok(1)
}

/// The work of each task that blocks its thread: the others wait for one.
fn slow() -> u64 {
    std::thread::sleep(Duration::from_millis(1));
    1
}

/// The items of the mapped tasks.
struct Size(usize);

mod items {
    use super::*;

    #[pipeline_task(pipeline = "items")]
    async fn list(size: Input<Size>) -> Vec<u8> {
        vec![1; size.0]
    }

    #[pipeline_task(pipeline = "items", depends_on(list), map(item in list))]
    async fn each(item: &u8) -> Result<u64, Error> {
        let _ = item;
        work().await
    }
}

mod threads {
    use super::*;

    #[pipeline_task(pipeline = "threads")]
    async fn list(size: Input<Size>) -> Vec<u8> {
        vec![1; size.0]
    }

    #[pipeline_task(pipeline = "threads", depends_on(list), map(item in list))]
    fn each(item: &u8, context: &TaskContext) -> u64 {
        let asked = context.is_cancelled();
        slow() + u64::from(asked) * u64::from(*item)
    }
}

impl Graph {
    pub(crate) const ALL: [Self; 5] = [
        Self::Wide,
        Self::Line,
        Self::Layered,
        Self::Items,
        Self::Threads,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Wide => "wide",
            Self::Line => "line",
            Self::Layered => "layered",
            Self::Items => "items",
            Self::Threads => "threads",
        }
    }

    /// The same futures in the same order without pipelines.
    pub(crate) fn tokio_alone(self, runtime: &Runtime, size: usize) -> Duration {
        let start = Instant::now();
        let done = runtime.block_on(async {
            let mut sum = 0;
            match self {
                Self::Wide | Self::Items => sum += at_once(size).await,
                Self::Layered => {
                    for _ in 0..LAYERS {
                        sum += at_once(size / LAYERS).await;
                    }
                }
                Self::Line => {
                    for _ in 0..size {
                        sum += tokio::spawn(work()).await.map_or(0, |r| r.unwrap_or(0));
                    }
                }
                Self::Threads => {
                    let mut tasks = JoinSet::new();
                    for _ in 0..size {
                        tasks.spawn_blocking(slow);
                    }
                    while let Some(done) = tasks.join_next().await {
                        sum += done.unwrap_or(0);
                    }
                }
            }
            sum
        });
        assert_eq!(done, size as u64);
        start.elapsed()
    }

    /// Time to build the pipeline, and to run it.
    pub(crate) fn pipeline(
        self,
        runtime: &Runtime,
        size: usize,
    ) -> Result<(Duration, Duration), Error> {
        let start = Instant::now();
        let pipeline = match self {
            Self::Items | Self::Threads => Pipeline::named(self.name())?.input(Size(size)),
            _ => self.build(size)?,
        };
        let built = start.elapsed();
        let start = Instant::now();
        let result = runtime.block_on(pipeline.run())?;
        let ran = start.elapsed();
        assert!(result.succeeded(), "{result}");
        Ok((built, ran))
    }

    /// A pipeline of closures.
    pub(crate) fn build(self, size: usize) -> Result<Pipeline, Error> {
        let names: Vec<String> = (0..size).map(|n| format!("task_{n}")).collect();
        let mut builder = Pipeline::builder("bench");
        for (n, name) in names.iter().enumerate() {
            let before = self.before(n, size).map(|n| names[n].as_str());
            builder = builder.task(name.clone(), before, |_| work());
        }
        builder.build()
    }

    /// The tasks that one waits for.
    fn before(self, n: usize, size: usize) -> impl Iterator<Item = usize> {
        let layer = size / LAYERS;
        let (first, second) = match self {
            Self::Line if n > 0 => (Some(n - 1), None),
            Self::Layered if n >= layer => {
                let start = n - n % layer - layer;
                (Some(n - layer), Some(start + (n + 1) % layer))
            }
            _ => (None, None),
        };
        first
            .into_iter()
            .chain(second.filter(|b| Some(*b) != first))
    }
}

async fn at_once(size: usize) -> u64 {
    let mut tasks = JoinSet::new();
    for _ in 0..size {
        tasks.spawn(work());
    }
    let mut sum = 0;
    while let Some(done) = tasks.join_next().await {
        sum += done.map_or(0, |r| r.unwrap_or(0));
    }
    sum
}
