/* A folder of its own for each test, and files as bytes. */
#pragma once
#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The name of a fresh empty directory, below TMPDIR. */
static inline const char *fixture_directory(void)
{
  static char path[256];
  const char *base = getenv("TMPDIR");
  snprintf(path, sizeof(path), "%s/pinn-output-XXXXXX", base ? base : "/tmp");
  ck_assert_msg(mkdtemp(path) != NULL, "cannot make %s", path);
  return path;
}

static inline const char *fixture_path(const char *directory, const char *file)
{
  static char paths[8][512];
  static int next;
  char *path = paths[next++ % 8];
  snprintf(path, sizeof(paths[0]), "%s/%s", directory, file);
  return path;
}

static inline char *fixture_read(const char *path, size_t *size)
{
  FILE *stream = fopen(path, "rb");
  ck_assert_msg(stream != NULL, "cannot open %s", path);
  fseek(stream, 0, SEEK_END);
  *size = (size_t)ftell(stream);
  rewind(stream);
  char *bytes = malloc(*size + 1);
  ck_assert_uint_eq(fread(bytes, 1, *size, stream), *size);
  bytes[*size] = '\0';
  fclose(stream);
  return bytes;
}

static inline void fixture_write(const char *path, const char *bytes, size_t size)
{
  FILE *stream = fopen(path, "wb");
  ck_assert_msg(stream != NULL, "cannot write %s", path);
  ck_assert_uint_eq(fwrite(bytes, 1, size, stream), size);
  fclose(stream);
}

static inline bool fixture_exists(const char *directory, const char *file)
{
  return access(fixture_path(directory, file), F_OK) == 0;
}

static inline int fixture_count(const char *directory)
{
  DIR *stream = opendir(directory);
  int n = 0;
  for (struct dirent *entry; (entry = readdir(stream)) != NULL;) n += entry->d_name[0] != '.';
  closedir(stream);
  return n;
}

static inline int fixture_unlink(const char *path, const struct stat *status, int type, struct FTW *position)
{
  (void)status, (void)type, (void)position;
  return remove(path);
}

static inline void fixture_remove(const char *directory)
{
  nftw(directory, fixture_unlink, 8, FTW_DEPTH | FTW_PHYS);
}
