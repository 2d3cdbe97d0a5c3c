/*
 * Records every change and every sync of the folder's files, in their order, in the file DISK_LOG. Power cuts are
 * rebuilt from it. What goes to memory that is mapped from a file is not seen.
 */
#include "files.h"

#include <sys/syscall.h>
#include <sys/uio.h>

/* What is in front of each record, followed by the file's name and the data. */
struct header {
  uint8_t operation;
  uint8_t name_length;
  uint16_t unused;
  uint32_t data_length;
  uint64_t offset;
};

static int log_fd = -1;

__attribute__((constructor)) static void start(void) {
  find_files();
  const char *path = getenv("DISK_LOG");
  if (path != NULL) log_fd = real_open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
}

static void record(char operation, const char *name, uint64_t offset, const void *data, size_t size) {
  if (log_fd < 0) return;
  struct header header = {(uint8_t)operation, (uint8_t)strlen(name), 0, (uint32_t)size, offset};
  struct iovec parts[3] = {{&header, sizeof header}, {(void *)name, header.name_length}, {(void *)data, size}};
  if (syscall(SYS_writev, log_fd, parts, 3) < 0) abort();
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset) {
  const char *name = name_of_fd(fd);
  if (name == NULL) return real_pwrite(fd, data, size, offset);
  LOCKED(ssize_t, {
    result = real_pwrite(fd, data, size, offset);
    if (result > 0) record('W', name, (uint64_t)offset, data, (size_t)result);
  })
}

ssize_t write(int fd, const void *data, size_t size) {
  const char *name = name_of_fd(fd);
  if (name == NULL) return real_write(fd, data, size);
  LOCKED(ssize_t, {
    off64_t offset = lseek64(fd, 0, SEEK_CUR);
    result = real_write(fd, data, size);
    if (result > 0) record('W', name, (uint64_t)offset, data, (size_t)result);
  })
}

int ftruncate64(int fd, off64_t size) {
  const char *name = name_of_fd(fd);
  if (name == NULL) return real_ftruncate(fd, size);
  LOCKED(int, {
    result = real_ftruncate(fd, size);
    if (result == 0) record('T', name, (uint64_t)size, NULL, 0);
  })
}

static int sync_file(int fd, int (*real)(int)) {
  const char *name = name_of_fd(fd);
  if (name == NULL) return real(fd);
  LOCKED(int, {
    result = real(fd);
    if (result == 0) record('S', name, 0, NULL, 0);
  })
}

int fsync(int fd) { return sync_file(fd, real_fsync); }
int fdatasync(int fd) { return sync_file(fd, real_fdatasync); }

int open64(const char *path, int flags, ...) {
  OPEN_MODE(flags, mode)
  const char *name = name_of(path);
  if (name == NULL) return real_open(path, flags, mode);
  LOCKED(int, {
    int is_new = (flags & O_CREAT) && access(path, F_OK) != 0;
    result = real_open(path, flags, mode);
    remember(result, name);
    if (result >= 0 && is_new) record('C', name, 0, NULL, 0);
    if (result >= 0 && !is_new && (flags & O_TRUNC)) record('T', name, 0, NULL, 0);
  })
}

int unlink(const char *path) {
  const char *name = name_of(path);
  if (name == NULL) return real_unlink(path);
  LOCKED(int, {
    result = real_unlink(path);
    if (result == 0) record('U', name, 0, NULL, 0);
  })
}
