//! What cannot be a label, and why.
use obs_runtime::Label;

enum Region {
    Eu,
}

fn label(_: impl Label) {}

fn borrowed(text: &str) {
    label(text);
}

fn main() {
    label(String::new());
    label(404_u16);
    label(1.5);
    label(Some("eu"));
    label(Region::Eu);
    borrowed("eu");
}
