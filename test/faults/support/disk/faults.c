/*
 * Makes the n-th write, sync, open, truncation, read or removal of the folder's files fail. The file DISK_FAULT says
 * which, and may be written anew at any time; see `struct fault`.
 */
#include "files.h"

#include <sys/mman.h>

enum { FAIL_WRITE = 1, FAIL_SYNC, FAIL_OPEN, FAIL_TRUNCATE, FAIL_READ, FAIL_UNLINK };

/* Shared with the test. The calls of a kind are counted, and `times` of them fail from `first` on. */
struct fault {
  int32_t kind;
  int32_t first;
  int32_t times;
  int32_t error;
  int32_t count;
  int32_t hits;
};

static ssize_t (*real_pread)(int, void *, size_t, off64_t);
static ssize_t (*real_read)(int, void *, size_t);
static struct fault *fault;

__attribute__((constructor)) static void start(void) {
  find_files();
  REAL(real_pread, "pread64");
  REAL(real_read, "read");
  const char *path = getenv("DISK_FAULT");
  if (path == NULL) return;
  int fd = real_open(path, O_RDWR | O_CLOEXEC);
  void *shared = mmap(NULL, sizeof *fault, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (shared != MAP_FAILED) fault = shared;
  real_close(fd);
}

static int must_fail(int kind) {
  if (fault == NULL || fault->kind != kind) return 0;
  fault->count += 1;
  if (fault->count < fault->first || fault->count - fault->first >= fault->times) return 0;
  fault->hits += 1;
  errno = fault->error;
  return 1;
}

/* A write that fails has stored its first half, which is what a disk may do. */
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset) {
  if (name_of_fd(fd) == NULL) return real_pwrite(fd, data, size, offset);
  LOCKED(ssize_t, {
    int fails = must_fail(FAIL_WRITE);
    result = real_pwrite(fd, data, fails ? size / 2 : size, offset);
    if (fails) {
      result = -1;
      errno = fault->error;
    }
  })
}

ssize_t write(int fd, const void *data, size_t size) {
  if (name_of_fd(fd) == NULL) return real_write(fd, data, size);
  LOCKED(ssize_t, {
    int fails = must_fail(FAIL_WRITE);
    result = real_write(fd, data, fails ? size / 2 : size);
    if (fails) {
      result = -1;
      errno = fault->error;
    }
  })
}

#define FAILING(kind, call) LOCKED(int, { result = must_fail(kind) ? -1 : call; })

ssize_t pread64(int fd, void *data, size_t size, off64_t offset) {
  if (name_of_fd(fd) == NULL) return real_pread(fd, data, size, offset);
  LOCKED(ssize_t, { result = must_fail(FAIL_READ) ? -1 : real_pread(fd, data, size, offset); })
}

ssize_t read(int fd, void *data, size_t size) {
  if (name_of_fd(fd) == NULL) return real_read(fd, data, size);
  LOCKED(ssize_t, { result = must_fail(FAIL_READ) ? -1 : real_read(fd, data, size); })
}

int ftruncate64(int fd, off64_t size) {
  if (name_of_fd(fd) == NULL) return real_ftruncate(fd, size);
  FAILING(FAIL_TRUNCATE, real_ftruncate(fd, size))
}

int fsync(int fd) {
  if (name_of_fd(fd) == NULL) return real_fsync(fd);
  FAILING(FAIL_SYNC, real_fsync(fd))
}

int fdatasync(int fd) {
  if (name_of_fd(fd) == NULL) return real_fdatasync(fd);
  FAILING(FAIL_SYNC, real_fdatasync(fd))
}

int open64(const char *path, int flags, ...) {
  OPEN_MODE(flags, mode)
  const char *name = name_of(path);
  if (name == NULL) return real_open(path, flags, mode);
  LOCKED(int, {
    result = must_fail(FAIL_OPEN) ? -1 : real_open(path, flags, mode);
    remember(result, name);
  })
}

int unlink(const char *path) {
  if (name_of(path) == NULL) return real_unlink(path);
  FAILING(FAIL_UNLINK, real_unlink(path))
}
