//! Parameters that `args` cannot record.
use obs_runtime::traced;

struct Conn;

#[traced(args)]
fn no_debug(id: u64, conn: &Conn, also: Option<Conn>) {}

#[traced(args)]
async fn no_debug_async((id, conn): (u64, Conn)) {}

#[traced(args)]
fn generic<T>(value: T) -> Result<(), String> {
    Ok(())
}

impl Conn {
    #[traced(args)]
    fn send(&self, text: &str) -> Result<(), String> {
        Ok(())
    }

    #[traced(args, skip(self))]
    fn receive(&self) {}
}

#[traced(args, skip(conn))]
fn skipped(conn: Conn) {}

fn main() {}
