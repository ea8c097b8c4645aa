//! Requests to memcheck, as `valgrind.h` and `memcheck.h` encode them. Outside valgrind they do nothing and answer zero.

/// Whether memcheck looks on.
pub fn is_running() -> bool {
    request(0x1001, [0; 3]) != 0
}

/// Marks the bytes as not initialised: memcheck reports what branches on them, or on anything made of them.
pub fn mark_secret(bytes: &[u8]) {
    request(MEMCHECK + 1, [bytes.as_ptr().addr(), bytes.len(), 0]);
}

/// Marks a value as initialised, once everybody may know it.
pub fn mark_public<T>(value: &T) {
    request(MEMCHECK + 2, [std::ptr::from_ref(value).addr(), size_of::<T>(), 0]);
}

/// Whether each of the bytes depends on secret ones.
pub fn all_secret(bytes: &[u8]) -> bool {
    let mut marks = vec![0_u8; bytes.len()];
    let known =
        request(MEMCHECK + 8, [bytes.as_ptr().addr(), marks.as_mut_ptr().addr(), bytes.len()]);
    known == 1 && marks.iter().all(|mark| *mark != 0)
}

/// Reports nothing of what `work` does.
pub fn unreported<T>(work: impl FnOnce() -> T) -> T {
    request(0x1801, [1, 0, 0]);
    let made = work();
    request(0x1801, [usize::MAX, 0, 0]);
    made
}

/// How often something was reported so far, repetitions included.
pub fn reports() -> usize {
    request(0x1201, [0; 3])
}

const MEMCHECK: usize = 0x4d43_0000;

#[cfg(target_arch = "x86_64")]
fn request(code: usize, [one, two, three]: [usize; 3]) -> usize {
    let request = [code, one, two, three, 0, 0];
    let mut answer = 0;
    // SAFETY: to a processor this turns `rdi` once around and exchanges `rbx` with itself. Valgrind reads the request, and
    // what it writes is either its own marks or the buffer of `all_secret`, of the length given.
    unsafe {
        std::arch::asm!(
            "rol rdi, 3",
            "rol rdi, 13",
            "rol rdi, 61",
            "rol rdi, 51",
            "xchg rbx, rbx",
            in("rax") &raw const request,
            inlateout("rdx") answer,
            options(nostack),
        );
    }
    answer
}

#[cfg(not(target_arch = "x86_64"))]
fn request(_: usize, _: [usize; 3]) -> usize {
    0
}
