//! notemill.

fn main() {}
