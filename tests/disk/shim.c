/* A disk as the tests need it: loaded before libc (LD_PRELOAD), so that SQLite's calls come here first.
 *
 * SHIM_SYNC_DELAY_US: each fsync and fdatasync takes so many microseconds more.
 * SHIM_FOLDER: this folder and the files in it are the disk. It is empty when the first program starts.
 * SHIM_LOG: what is done to that disk is recorded in this file, in one order: `struct entry`, each with its bytes.
 *
 * What the program writes into the file `shim` of the folder is an order, which is obeyed at once:
 *   swallow         from now on a sync does nothing, and says that it did.
 *   room N          the files can grow by N bytes in all, then the disk is full. -1: there is room.
 *   fail FILE N     the Nth sync of this file from now on fails. So does the next one of each of its other descriptors, as
 *                   in Linux.
 *   die FILE N      the Nth sync of this file from now on fails, and the process is killed.
 *   bad FILE AT N   N bytes of this file cannot be read.
 *
 * The files `*-shm` take room, but are not recorded: SQLite makes them anew after a crash. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define REAL(name)                                                                                 \
    ({                                                                                             \
        static __typeof__(&name) real;                                                             \
        if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name);                              \
        real;                                                                                      \
    })
#define FILES 256
#define DESCRIPTORS 1024
#define NAME 64

enum kind {
    STARTED = 'S',  /* A process, which counts its files anew. */
    MADE = 'M',     /* The bytes are the name of a file that is new to this process. Empty: the folder. */
    OPENED = 'O',   /* `place` is the descriptor, here and in the next three. */
    SYNCING = 'B',  /* A sync has begun. */
    SYNCED = 'E',   /* It has ended, and what was written before it began is on the disk. */
    FAILED = 'F',   /* It has failed. What was not on the disk is not written again. */
    WRITTEN = 'W',  /* The bytes are at `place` now. */
    RESIZED = 'T',  /* `place` is the size. */
    REMOVED = 'U',
};
struct entry {
    uint8_t kind, file, zero[2];
    uint32_t length;
    uint64_t place;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *folder;
static int log_file = -1;
static useconds_t pause_us;
static char names[FILES][NAME]; /* In the order in which the files were made. */
static int count;
static int file_of[DESCRIPTORS]; /* A place in `names` + 1, or 0: no file of the disk. */
static int owes_error[DESCRIPTORS];

static int swallows;
static long room = -1;
static struct { char name[NAME]; int after, dies; } failing;
static struct { char name[NAME]; long from, length; } bad;

/* A disk that cannot be simulated must not look like one without faults. */
static void give_up(const char *why) {
    fprintf(stderr, "shim: %s\n", why);
    abort();
}

static const char *name_on_disk(const char *path) {
    size_t length = folder ? strlen(folder) : 0;
    if (!length || strncmp(path, folder, length)) return NULL;
    if (path[length] == '\0') return "";
    return path[length] == '/' ? path + length + 1 : NULL;
}

static int file_at(int descriptor) {
    return descriptor >= 0 && descriptor < DESCRIPTORS ? file_of[descriptor] : 0;
}

static const char *name_at(int descriptor) {
    return names[file_at(descriptor) - 1];
}

static void log_entry(struct entry entry, const void *data) {
    struct iovec parts[] = {{&entry, sizeof entry}, {(void *)data, entry.length}};
    if (log_file >= 0 && writev(log_file, parts, 2) != (ssize_t)(sizeof entry + entry.length)) give_up("no room for the log");
}

static void record(enum kind kind, int file, uint64_t place, const void *data, size_t length) {
    size_t end = strlen(names[file - 1]);
    if (end > 4 && !strcmp(names[file - 1] + end - 4, "-shm")) return;
    log_entry((struct entry){kind, file - 1, {0}, length, place}, data);
}

__attribute__((constructor)) static void start(void) {
    const char *text = getenv("SHIM_SYNC_DELAY_US"), *path = getenv("SHIM_LOG");
    pause_us = text ? atol(text) : 0;
    folder = getenv("SHIM_FOLDER");
    if (path) log_file = REAL(open)(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    log_entry((struct entry){.kind = STARTED}, NULL);
}

/* The newest file with this name. */
static int file_named(const char *name) {
    for (int file = count; file > 0; file--)
        if (!strcmp(names[file - 1], name)) return file;
    return 0;
}

static int open_here(const char *path, int flags, mode_t mode) {
    const char *name = name_on_disk(path);
    if (!name) return REAL(open)(path, flags, mode);
    pthread_mutex_lock(&lock);
    int is_new = access(path, F_OK) != 0, opened = REAL(open)(path, flags, mode), error = errno;
    if (opened >= 0) {
        int file = is_new ? 0 : file_named(name);
        if (!file) {
            if (count == FILES || opened >= DESCRIPTORS || strlen(name) >= NAME) give_up("too many files");
            file = ++count;
            strcpy(names[file - 1], name);
            record(MADE, file, 0, name, strlen(name));
        }
        file_of[opened] = file;
        owes_error[opened] = 0;
        record(OPENED, file, opened, NULL, 0);
        if (flags & O_TRUNC && !is_new) record(RESIZED, file, 0, NULL, 0);
    }
    pthread_mutex_unlock(&lock);
    errno = error;
    return opened;
}

static mode_t mode_of(int flags, va_list rest) {
    return flags & O_CREAT ? va_arg(rest, mode_t) : 0;
}

#define OPEN(name)                                                                                 \
    int name(const char *path, int flags, ...) {                                                   \
        va_list rest;                                                                              \
        va_start(rest, flags);                                                                     \
        mode_t mode = mode_of(flags, rest);                                                        \
        va_end(rest);                                                                              \
        return open_here(path, flags, mode);                                                       \
    }
OPEN(open)
OPEN(open64)

int close(int file) {
    if (file_at(file)) file_of[file] = 0;
    return REAL(close)(file);
}

static int is_known(const char *order) {
    if (!strcmp(order, "swallow")) {
        swallows = 1;
        return 1;
    }
    if (sscanf(order, "room %ld", &room) == 1) return 1;
    if (sscanf(order, "bad %63s %ld %ld", bad.name, &bad.from, &bad.length) == 3) return 1;
    failing.dies = !strncmp(order, "die ", 4);
    return (failing.dies || !strncmp(order, "fail ", 5))
           && sscanf(order, "%*s %63s %d", failing.name, &failing.after) == 2;
}

static ssize_t obey(const char *data, size_t length) {
    char order[256] = {0};
    memcpy(order, data, length < sizeof order ? length : sizeof order - 1);
    pthread_mutex_lock(&lock);
    if (!is_known(order)) give_up(order);
    pthread_mutex_unlock(&lock);
    return length;
}

/* So many of the bytes have room. */
static size_t fitting(int file, size_t length, off_t place) {
    struct stat now;
    if (room < 0 || fstat(file, &now)) return length;
    off_t more = place + (off_t)length - now.st_size, missing = more - room;
    if (more <= 0) return length;
    room = missing <= 0 ? room - more : 0;
    if (missing <= 0) return length;
    return missing < (off_t)length ? length - missing : 0;
}

static ssize_t write_here(int file, const void *data, size_t length, off_t place) {
    pthread_mutex_lock(&lock);
    size_t fits = fitting(file, length, place);
    ssize_t done = fits || !length ? REAL(pwrite)(file, data, fits, place) : -1;
    int error = fits || !length ? errno : ENOSPC;
    if (done > 0) record(WRITTEN, file_at(file), place, data, done);
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}

#define PWRITE(name)                                                                               \
    ssize_t name(int file, const void *data, size_t length, off_t place) {                         \
        return file_at(file) ? write_here(file, data, length, place)                               \
                             : REAL(pwrite)(file, data, length, place);                            \
    }
PWRITE(pwrite)
PWRITE(pwrite64)

/* SQLite says where it writes. So this is an order, or what the program appends to a ledger, which takes no room. */
ssize_t write(int file, const void *data, size_t length) {
    if (!file_at(file)) return REAL(write)(file, data, length);
    if (!strcmp(name_at(file), "shim")) return obey(data, length);
    pthread_mutex_lock(&lock);
    ssize_t done = REAL(write)(file, data, length);
    int error = errno;
    if (done > 0) record(WRITTEN, file_at(file), 0, data, done);
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}

static ssize_t read_here(int file, void *data, size_t length, off_t place) {
    int is_bad = file_at(file) && bad.length && !strcmp(name_at(file), bad.name)
                 && place < bad.from + bad.length && bad.from < place + (off_t)length;
    if (!is_bad) return REAL(pread)(file, data, length, place);
    errno = EIO;
    return -1;
}

ssize_t pread(int file, void *data, size_t length, off_t place) {
    return read_here(file, data, length, place);
}

ssize_t pread64(int file, void *data, size_t length, off_t place) {
    return read_here(file, data, length, place);
}

#define TRUNCATE(name)                                                                             \
    int name(int file, off_t size) {                                                               \
        if (!file_at(file)) return REAL(ftruncate)(file, size);                                    \
        pthread_mutex_lock(&lock);                                                                 \
        int failed = REAL(ftruncate)(file, size), error = errno;                                   \
        if (!failed) record(RESIZED, file_at(file), size, NULL, 0);                                \
        pthread_mutex_unlock(&lock);                                                               \
        errno = error;                                                                             \
        return failed;                                                                             \
    }
TRUNCATE(ftruncate)
TRUNCATE(ftruncate64)

int unlink(const char *path) {
    const char *name = name_on_disk(path);
    if (!name) return REAL(unlink)(path);
    pthread_mutex_lock(&lock);
    int failed = REAL(unlink)(path), error = errno;
    if (!failed && file_named(name)) record(REMOVED, file_named(name), 0, NULL, 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return failed;
}

/* Whether this sync fails. */
static int fails(int file) {
    if (owes_error[file]) {
        owes_error[file] = 0;
        return 1;
    }
    if (!failing.after || strcmp(name_at(file), failing.name) || --failing.after) return 0;
    record(FAILED, file_at(file), file, NULL, 0);
    if (failing.dies) raise(SIGKILL);
    for (int other = 0; other < DESCRIPTORS; other++)
        owes_error[other] = other != file && file_of[other] == file_of[file];
    return 1;
}

static int sync_here(int file, int (*real)(int)) {
    struct timespec pause = {pause_us / 1000000, pause_us % 1000000 * 1000};
    int on_disk = file_at(file), failed = 0;
    pthread_mutex_lock(&lock);
    int does_nothing = on_disk && swallows;
    if (on_disk && !does_nothing) {
        failed = fails(file);
        if (!failed) record(SYNCING, on_disk, file, NULL, 0);
    }
    pthread_mutex_unlock(&lock);
    if (pause_us) nanosleep(&pause, NULL);
    if (does_nothing) return 0;
    if (!on_disk) return real(file);
    if (failed) {
        errno = EIO;
        return -1;
    }
    if (real(file)) give_up("a real sync has failed");
    pthread_mutex_lock(&lock);
    record(SYNCED, on_disk, file, NULL, 0);
    pthread_mutex_unlock(&lock);
    return 0;
}

int fsync(int file) {
    return sync_here(file, REAL(fsync));
}

int fdatasync(int file) {
    return sync_here(file, REAL(fdatasync));
}
