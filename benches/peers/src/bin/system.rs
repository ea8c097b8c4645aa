//! How long a request takes with the allocator of the system.

fn main() {
    peers::measure::under("system");
}
