use core::fmt;
use std::io;
use std::sync::{Arc, Mutex};

use indicatif::TermLike;

use super::*;
use crate::pipeline::{ItemProgress, RunState};

fn task(name: &'static str, state: TaskState) -> TaskProgress {
    TaskProgress {
        name: name.into(),
        state,
        said: None,
        items: None,
    }
}

fn half_done() -> Progress {
    let mut embed = task("embed", TaskState::Running);
    embed.items = Some(ItemProgress {
        total: 100,
        running: 8,
        ended: 40,
        failed: 1,
    });
    let mut copy = task("co\npy", TaskState::Retrying);
    copy.said = Some((3, 10));
    let tasks = vec![
        task("load", TaskState::Succeeded),
        task("check", TaskState::Failed),
        embed,
        copy,
        task("store", TaskState::Scheduled),
    ];
    Progress {
        state: RunState::Running,
        tasks,
    }
}

fn done() -> Progress {
    let mut progress = half_done();
    progress.state = RunState::Failed;
    for task in &mut progress.tasks[2..] {
        task.state = TaskState::Succeeded;
    }
    progress
}

#[test]
fn a_line_says_how_far_the_run_and_its_tasks_are() {
    let text = line("index", &half_done());
    let expected = "index: 2 of 5 tasks, 1 failed; embed 40 of 100, co\\npy 3 of 10";
    assert_eq!(text, expected);
    let text = line("index", &done());
    assert_eq!(text, "index: 5 of 5 tasks, 1 failed, failed");
}

/// A terminal of which only what is written is kept.
#[derive(Clone, Default)]
struct Screen(Arc<Mutex<String>>);

impl fmt::Debug for Screen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Screen")
    }
}

impl TermLike for Screen {
    fn width(&self) -> u16 {
        100
    }
    fn move_cursor_up(&self, _: usize) -> io::Result<()> {
        Ok(())
    }
    fn move_cursor_down(&self, _: usize) -> io::Result<()> {
        Ok(())
    }
    fn move_cursor_right(&self, _: usize) -> io::Result<()> {
        Ok(())
    }
    fn move_cursor_left(&self, _: usize) -> io::Result<()> {
        Ok(())
    }
    fn write_line(&self, text: &str) -> io::Result<()> {
        self.write_str(text)
    }
    fn write_str(&self, text: &str) -> io::Result<()> {
        self.0.lock().unwrap().push_str(text);
        Ok(())
    }
    fn clear_line(&self) -> io::Result<()> {
        Ok(())
    }
    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn the_run_has_a_bar_and_so_has_each_task_that_says_how_far_it_is() {
    let screen = Screen::default();
    let target = ProgressDrawTarget::term_like(Box::new(screen.clone()));
    let mut bars = Bars::new("index", target);
    bars.draw(&half_done());
    assert_eq!(bars.tasks.len(), 2);
    bars.draw(&done());
    assert_eq!(bars.tasks.len(), 0);
    bars.end();
    let text = screen.0.lock().unwrap().clone();
    for part in [
        "index",
        "2/5 tasks, 1 failed",
        "embed",
        "40/100",
        "co\\npy",
        "5/5 tasks",
    ] {
        assert!(text.contains(part), "no `{part}`: {text}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_shown_last_is_the_end() {
    use crate::pipeline::TaskContext;

    let slow = |context: TaskContext| async move {
        context.progress(1, 2);
        tokio::time::sleep(WRITTEN_EVERY * 5 / 2).await;
        Ok::<_, String>(())
    };
    let pipeline = Pipeline::builder("p").task("slow", [], slow);
    let run = pipeline.build().unwrap().start().await.unwrap();
    let mut lines = Vec::new();
    follow(run.watch(), WRITTEN_EVERY, |progress| {
        lines.push(line("p", progress));
    })
    .await;
    // Nothing has changed after the first of them.
    let expected = ["p: 0 of 1 tasks; slow 1 of 2", "p: 1 of 1 tasks, succeeded"];
    assert_eq!(lines, expected);
    assert!(run.wait().await.unwrap().succeeded());
}
