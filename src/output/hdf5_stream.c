/* A driver for HDF5 that writes to disk and never fails: after a write that did, it keeps the cause and drops what
   follows, so that HDF5 can close the file. Its own drivers would leave it with a file that it can neither flush nor
   close. Arrays go from the caller's memory to the file without a copy. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "output_impl.h"

typedef struct {
  H5FD_t base; /* first: what HDF5 sees */
  int descriptor;
  haddr_t used, end; /* what HDF5 has claimed, and the file's size */
  int *error;        /* errno of the first failure, 0 before */
} Stream;

static H5FD_t *stream_open(const char *name, unsigned flags, hid_t access, haddr_t most)
{
  int *const *error = H5Pget_driver_info(access);
  (void)flags, (void)most;
  Stream *stream = error ? calloc(1, sizeof(*stream)) : NULL;
  if (!stream) return NULL;
  stream->error = *error;
  stream->descriptor = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (stream->descriptor < 0) *stream->error = errno;
  return &stream->base;
}

static herr_t stream_close(H5FD_t *file)
{
  Stream *stream = (Stream *)file;
  /* A network file system may report a failed write only here. */
  if (stream->descriptor >= 0 && close(stream->descriptor) != 0 && !*stream->error) *stream->error = errno;
  free(stream);
  return 0;
}

static herr_t stream_query(const H5FD_t *file, unsigned long *flags)
{
  (void)file;
  *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
           H5FD_FEAT_AGGREGATE_SMALLDATA;
  return 0;
}

static haddr_t stream_get_eoa(const H5FD_t *file, H5FD_mem_t type)
{
  (void)type;
  return ((const Stream *)file)->used;
}

static herr_t stream_set_eoa(H5FD_t *file, H5FD_mem_t type, haddr_t address)
{
  (void)type;
  ((Stream *)file)->used = address;
  return 0;
}

static haddr_t stream_get_eof(const H5FD_t *file, H5FD_mem_t type)
{
  (void)type;
  return ((const Stream *)file)->end;
}

/* What is not there reads as zeros. */
static herr_t stream_read(H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t address, size_t size, void *bytes)
{
  Stream *stream = (Stream *)file;
  size_t done = 0;
  (void)type, (void)transfer;
  while (done < size && !*stream->error) {
    const ssize_t n = pread(stream->descriptor, (char *)bytes + done, size - done, (off_t)(address + done));
    if (n == 0) break;
    if (n > 0)
      done += (size_t)n;
    else if (errno != EINTR)
      *stream->error = errno;
  }
  memset((char *)bytes + done, 0, size - done);
  return 0;
}

static herr_t stream_write(H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t address, size_t size,
                           const void *bytes)
{
  Stream *stream = (Stream *)file;
  (void)type, (void)transfer;
  for (size_t done = 0; done < size && !*stream->error;) {
    const ssize_t n = pwrite(stream->descriptor, (const char *)bytes + done, size - done, (off_t)(address + done));
    if (n >= 0)
      done += (size_t)n;
    else if (errno != EINTR)
      *stream->error = errno;
  }
  stream->end = PetscMax(stream->end, address + size);
  return 0;
}

/* The size that HDF5 will look for. */
static herr_t stream_truncate(H5FD_t *file, hid_t transfer, hbool_t closing)
{
  Stream *stream = (Stream *)file;
  (void)transfer, (void)closing;
  if (stream->used == stream->end) return 0;
  if (!*stream->error && ftruncate(stream->descriptor, (off_t)stream->used) != 0) *stream->error = errno;
  stream->end = stream->used;
  return 0;
}

static PetscErrorCode get_driver(const char *path, hid_t *driver)
{
  static const H5FD_class_t class = {
      .name = "pinn-solve stream",
      .maxaddr = (haddr_t)1 << 62,
      .fc_degree = H5F_CLOSE_STRONG,
      .fapl_size = sizeof(int *),
      .open = stream_open,
      .close = stream_close,
      .query = stream_query,
      .get_eoa = stream_get_eoa,
      .set_eoa = stream_set_eoa,
      .get_eof = stream_get_eof,
      .read = stream_read,
      .write = stream_write,
      .truncate = stream_truncate,
      .fl_map = H5FD_FLMAP_DICHOTOMY,
  };
  static hid_t registered = H5I_INVALID_HID;

  PetscFunctionBegin;
  if (registered < 0) PinnCallHDF5(path, registered = H5FDregister(&class));
  *driver = registered;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode create_file(const char *path, const char *name, size_t room, hid_t access, hid_t *file)
{
  hid_t creation;

  PetscFunctionBegin;
  PinnCallHDF5(path, creation = H5Pcreate(H5P_FILE_CREATE));
  PinnCallHDF5(path, H5Pset_userblock(creation, room));
  PinnCallHDF5(path, *file = H5Fcreate(name, H5F_ACC_TRUNC, creation, access));
  PinnCallHDF5(path, H5Pclose(creation));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode HDF5Stream(const char *path, size_t room, HDF5FillFn fill, void *context)
{
  char temporary[PINN_PATH_SIZE];
  int error = 0, *const place = &error;
  hid_t access, driver, file;

  PetscFunctionBegin;
  FileTemporaryName(path, temporary);
  PetscCall(HDF5CreateAccess(path, &access));
  PetscCall(get_driver(path, &driver));
  PinnCallHDF5(path, H5Pset_driver(access, driver, &place));
  PetscCall(create_file(path, temporary, room, access, &file));
  PetscErrorCode code = fill(file, path, context);
  if (H5Fclose(file) < 0 && code == 0 && !error) error = EIO;
  H5Pclose(access);
  if (code || error) unlink(temporary);
  PetscCall(code);
  PetscCheck(!error, PETSC_COMM_SELF, PETSC_ERR_FILE_WRITE, "cannot write %s: %s", path, strerror(error));
  PetscFunctionReturn(PETSC_SUCCESS);
}
