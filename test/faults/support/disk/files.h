/*
 * What the shims between a process and the disk (LD_PRELOAD) have in common: they know which open files lie in the
 * folder DISK_FOLDER, and leave all others alone.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#define MAX_FD 65536
#define MAX_NAME 200

static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off64_t);
static int (*real_ftruncate)(int, off64_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_open)(const char *, int, ...);
static int (*real_close)(int);
static int (*real_unlink)(const char *);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char folder[4096];
static size_t folder_length;
/* The name of each open file of the folder; "." is the folder itself. */
static char *names[MAX_FD];

#define REAL(variable, name) *(void **)(&variable) = dlsym(RTLD_NEXT, name)

/* Runs the body alone, and hands on its `result` and its errno. */
#define LOCKED(type, body)       \
  pthread_mutex_lock(&lock);     \
  type result;                   \
  body int kept = errno;         \
  pthread_mutex_unlock(&lock);   \
  errno = kept;                  \
  return result;

static void find_files(void) {
  REAL(real_write, "write");
  REAL(real_pwrite, "pwrite64");
  REAL(real_ftruncate, "ftruncate64");
  REAL(real_fsync, "fsync");
  REAL(real_fdatasync, "fdatasync");
  REAL(real_open, "open64");
  REAL(real_close, "close");
  REAL(real_unlink, "unlink");
  const char *wanted = getenv("DISK_FOLDER");
  if (wanted == NULL || strlen(wanted) >= sizeof folder) return;
  strcpy(folder, wanted);
  folder_length = strlen(folder);
}

/* The name of a path inside the folder, NULL for every other path. */
static const char *name_of(const char *path) {
  if (folder_length == 0 || strncmp(path, folder, folder_length) != 0) return NULL;
  if (path[folder_length] == 0) return ".";
  if (path[folder_length] != '/' || strlen(path + folder_length + 1) >= MAX_NAME) return NULL;
  return path + folder_length + 1;
}

static const char *name_of_fd(int fd) { return fd >= 0 && fd < MAX_FD ? names[fd] : NULL; }

static void remember(int fd, const char *name) {
  if (fd < 0 || fd >= MAX_FD) return;
  free(names[fd]);
  names[fd] = name == NULL ? NULL : strdup(name);
}

/* The mode is only there when the file may be made. */
#define OPEN_MODE(flags, mode)                       \
  va_list arguments;                                 \
  va_start(arguments, flags);                        \
  mode_t mode = 0;                                   \
  if ((flags) & O_CREAT) mode = va_arg(arguments, mode_t); \
  va_end(arguments);

int close(int fd) {
  if (name_of_fd(fd) == NULL) return real_close(fd);
  LOCKED(int, {
    remember(fd, NULL);
    result = real_close(fd);
  })
}

/* The names that programs built without large files use. */
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset);
ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) { return pwrite64(fd, data, size, offset); }

int ftruncate64(int fd, off64_t size);
int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

int open64(const char *path, int flags, ...);
int open(const char *path, int flags, ...) {
  OPEN_MODE(flags, mode)
  return open64(path, flags, mode);
}
