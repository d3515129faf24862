//! Records as every program does; a panic in an annotated function ends the process as one in a plain function does.
// case: 89

use std::future::Future;
use std::pin::pin;
use std::process::Command;
use std::task::{Context, Poll, Waker};

use obs_runtime::{Observability, testing, traced};

#[traced(fields(n))]
fn half(n: u8) -> Result<u8, String> {
    if n % 2 == 0 {
        Ok(n / 2)
    } else {
        Err("odd".into())
    }
}

#[traced]
async fn quarter(n: u8) -> Result<u8, String> {
    half(half(n)?)
}

#[traced]
fn panics() -> Result<u8, String> {
    panic!("as it should")
}

fn main() {
    assert!(cfg!(panic = "abort"));
    if std::env::args().nth(1).as_deref() == Some("panic") {
        let _obs = Observability::builder().install().expect("it starts");
        let _ = panics();
        unreachable!("the process has ended");
    }
    let captured = testing::capture(|| {
        let mut future = pin!(quarter(6));
        future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
    });
    assert_eq!(captured.value, Poll::Ready(Err("odd".to_owned())));
    captured.assert_tree("quarter [error: odd]\n  half n=6\n  half [error: odd] n=3");

    let program = std::env::current_exe().expect("this program");
    let output = Command::new(program)
        .arg("panic")
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("as it should"), "{said}");
    assert_eq!(
        said.matches("panicked at").count(),
        1,
        "the hook runs once: {said}"
    );
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt;
        assert_eq!(output.status.signal(), Some(6), "{:?}", output.status);
    }
    assert!(!output.status.success());
    println!("records, and aborts");
}
