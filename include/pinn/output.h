/* What a run leaves behind: the run folder with fields, history, checkpoints, resolved case and summary, and what a
   person sees on the terminal. Files are written under a temporary name, synced and renamed, so that a name always
   holds a whole file. All functions are collective; rank 0 does what is not parallel, and all ranks agree on errors. */
#pragma once
#include "pinn/optimizer.h"
#include "pinn/residual.h"

/* The run folder. */
typedef struct Folder_s *Folder;
typedef enum {
  FOLDER_NEW,       /* created with its parents; must hold no results */
  FOLDER_OVERWRITE, /* the same, but may hold results, which stay until FolderClear */
  FOLDER_RESUME,    /* must be there */
  FOLDER_ADD        /* created where it is not there; what it holds stays */
} FolderUse;
/* Opens the folder and locks it until FolderDestroy; temporary files of a killed run go. Errors: it holds results or is
   not there, against `use`; it cannot be created or written; another run has it. */
PetscErrorCode FolderCreate(MPI_Comm comm, const char *directory, FolderUse use, Folder *folder);
/* Removes this program's own files and nothing else: for --overwrite, once nothing the user wrote can be wrong. */
PetscErrorCode FolderClear(Folder folder);
PetscErrorCode FolderDestroy(Folder *folder);
const char *FolderPath(Folder folder, const char *file); /* "output/burgers/fields.vtkhdf", rotating buffers */
/* A whole text file in the folder. Collective. */
PetscErrorCode FolderWriteText(Folder folder, const char *file, const char *text);

/* Where fields are given: at the nodes of a regular grid, or of a tiling. */
typedef struct {
  int dim;
  const PetscInt *n;    /* [dim] nodes of the grid; 1 to 3 coordinates: vertices, lines, quadrilaterals, hexahedra */
  const bool *inside;   /* [local n] or NULL: cells with a node that is not are left out */
  const Tiling *tiling; /* in their place */
} FieldsMesh;
/* fields.vtkhdf: VTKHDF UnstructuredGrid 1.0 with point data, and the cells' region where there are some, plus plain
   datasets beside /VTKHDF: /coordinates [n][dim], /fields/NAME [n] and /regions. Written from each rank's share of the
   nodes (PointSetGrid, PointSetGiven); a large file by all ranks through MPI-IO. A failed write leaves what was there.
     names   [in]  [n_array] "u", "u_exact", "u_error", "residual_burgers"
     values  [in]  [n_array][local n] */
PetscErrorCode FieldsWrite(MPI_Comm comm, const char *path, const FieldsMesh *mesh, const PointSet *points, int n_array,
                           const char *const names[], const double *const values[], const char *case_text);

/* A reference file: /points (n, d), one dataset (n) a field, attribute `coordinates` "x,t" that names the columns.
   Coordinates are put into the problem's order. Every rank holds all. Errors: not HDF5, missing dataset, wrong shape,
   NaN, unknown coordinate. */
typedef struct {
  PetscInt n;
  int dim;
  double *points;  /* [n][dim] */
  double **fields; /* [n_field][n]; NULL where the file has no such field */
} Reference;
PetscErrorCode ReferenceRead(MPI_Comm comm, const char *where, const char *path, int dim,
                             const char *const coordinates[], int n_field, const char *const fields[],
                             Reference *reference);
PetscErrorCode ReferenceDestroy(Reference *reference, int n_field);
/* verify.reference or verify.points, one of which the case has, with all points on all ranks; the caller destroys it.
   Its name in words. User errors: those of ReferenceRead; both given; a point of verify.points with an unknown
   coordinate, outside the domain, or without one value a field. Collective. */
PetscErrorCode TruthRead(MPI_Comm comm, Config config, Problem problem, Domain domain, Reference *reference,
                         char name[], size_t size);

/* checkpoint-N.h5: parameters, frozen weights, stage index and state, iteration, seed, the case's resolved text, a
   format version and a checksum over everything. The newest `keep` are kept. */
typedef struct {
  PetscInt number; /* global iteration, the N of the name */
  int stage;       /* index in the solver list */
  bool stage_done; /* the stage ended; resume begins the next one */
  double seconds;  /* run time so far */
  size_t n_param, n_frozen;
  double *theta, *frozen; /* owned by whoever fills it */
  int n_scale;
  double *scales; /* of random features; NULL without */
  int n_state;
  StateEntry *state; /* n values or single in full; owned by the checkpoint when read, with the names */
  char *case_text;
} Checkpoint;
/* Keeps the newest `keep`, counted back from this one; later numbers, left behind by a run that was resumed from an
   older checkpoint, go too. A failed write (full disk) removes nothing. */
PetscErrorCode CheckpointWrite(MPI_Comm comm, Folder folder, const Checkpoint *checkpoint, int keep);
/* path NULL: the newest readable one of the folder; broken ones are passed over with a warning line on stderr. Errors:
   none there, not a checkpoint, another format version, damaged (checksum), of another network (n_param, n_frozen). */
PetscErrorCode CheckpointRead(MPI_Comm comm, Folder folder, const char *path, size_t n_param, size_t n_frozen,
                              Checkpoint *checkpoint);
PetscErrorCode CheckpointDestroy(Checkpoint *checkpoint);

#define VERIFICATION_WARNINGS 8

/* Sums over the points of comparison of one field: what its errors are made of. */
typedef struct {
  double count, error2, truth2; /* summed */
  double error_max, truth_max;  /* maxima */
  double constant2, affine2;    /* what is left of the truth by the best constant and affine functions; NaN = unknown */
} FieldSums;

/* End-of-run verification (design section 4). Arrays have an entry a field; NaN where no truth is known. */
typedef struct {
  int n_field, n_equation;
  bool has_truth;
  const char *truth;                /* "exact solution on a grid of 101 x 101" or "burgers.h5, 25957 points" */
  double *l2_error, *max_error;     /* relative to the truth's own L2 and max norm */
  double *constant_error;           /* of the best constant in the network's place: what says nothing scores */
  double *affine_error;             /* of the best affine function there; NaN where it was not asked for */
  double *nonaffine_error;          /* the error relative to what that leaves */
  bool has_baselines;               /* some affine_error is there */
  const char *affine;               /* how it was found */
  FieldSums *sums;                  /* count 0: no truth */
  double residual_rms, heldout_rms; /* over all interior rows, unweighted */
  int n_term;
  double *term_rms, *term_max, *heldout_term_rms, *heldout_term_max; /* [n_term] */
  int n_warning;
  char warning[VERIFICATION_WARNINGS][256]; /* in words */
  int n_slab;                               /* 0: of one piece */
  double *slab_end, *slab_error;            /* [n_slab], [n_slab][n_field] relative L2 */
} Verification;
PetscErrorCode VerificationDestroy(Verification *verification);
/* That of an interval of time from those of its n slabs with these last times. Residuals: RMS of all slabs, largest
   maximum; a term that a slab does not have does not count there. truth is borrowed from the parts. */
PetscErrorCode VerificationJoin(int n, const Verification parts[], const double ends[], Verification *whole);

/* The truth of a case: exact solution on a grid, or a reference file, read at once so that its mistakes come before the
   run. Of its points, those count that the slab owns: of a domain that is no slab, all. Borrows all it is given.
   Collective. */
typedef struct Verifier_s *Verifier;
PetscErrorCode VerifierCreate(MPI_Comm comm, Config config, Problem problem, Domain domain, Domain slab,
                              Network network, Residual residual, Verifier *verifier);
PetscErrorCode VerifierDestroy(Verifier *verifier);
bool VerifierHasTruth(Verifier verifier);
double VerifierMemoryMB(Verifier verifier); /* of this rank, estimated: its points and sweeps */
/* Relative L2 errors by field, NaN without truth.  l2 [out] [n_field]. Cost: one evaluation of the fields. */
PetscErrorCode VerifierErrors(Verifier verifier, Vec theta, double l2[]);
/* Everything; free with VerificationDestroy. */
PetscErrorCode VerifierRun(Verifier verifier, Vec theta, Verification *verification);

/* Nodes a coordinate of the grid named by `path` ("verify.grid", "output.grid"), else output.grid, else a default for
   up to three coordinates; has_grid [out] is false above. Errors: the grid, at node_bytes a node, is more than
   limits.memory or the machine allows. Collective. */
PetscErrorCode OutputGrid(MPI_Comm comm, Config config, const char *path, int dim, double node_bytes, PetscInt grid[3],
                          bool *has_grid);

/* Errors of output.grid that SnapshotWrite would find. Collective. */
PetscErrorCode SnapshotCheck(MPI_Comm comm, Config config, Problem problem, Domain domain);
/* fields.vtkhdf of a run on output.grid: u, exact_u, error_u, residual_NAME. *written is false where there is no grid
   (more than 3 coordinates). */
PetscErrorCode SnapshotWrite(MPI_Comm comm, Config config, Problem problem, Domain domain, const Slabs *slabs,
                             const char *path, bool *written);

/* output.slices: slice-NAME.vtkhdf for each, one- or two-dimensional through any domain; coordinates that are neither
   varied nor fixed are at the center of its box. Check finds the mistakes. Collective. */
PetscErrorCode SlicesCheck(Config config, Problem problem, Domain domain);
PetscErrorCode SlicesWrite(MPI_Comm comm, Config config, Problem problem, Domain domain, const Slabs *slabs,
                           Folder folder);

/* The fields at the points of a file (ReferenceRead with no field), written to `path` in the same format; not a number
   where a field is not (problem.regions). Collective. */
PetscErrorCode EvaluationWrite(MPI_Comm comm, Problem problem, Domain domain, const Slabs *slabs, const char *points,
                               const char *path);

/* The report: header, progress table (terminal) or JSON lines, history.csv and history.h5, summary.json. Only rank 0
   prints. */
typedef struct Report_s *Report;
typedef struct {
  bool quiet, json;
} ReportOptions;
/* Borrowed: folder (NULL = no files), residual. The names of terms and fields are copied. */
PetscErrorCode ReportCreate(MPI_Comm comm, const ReportOptions *options, Folder folder, Problem problem,
                            Residual residual, Report *report);
PetscErrorCode ReportDestroy(Report *report);
/* The residual whose rows are counted from now on; borrowed. */
void ReportSetResidual(Report report, Residual residual);
/* A line about slab k that begins now; nothing where there is one slab. first: time of the case. */
PetscErrorCode ReportSlab(Report report, int k, const Slabs *slabs, double first);
/* Lines "name  value" of the banner, in order; text may have several lines. JSON: members of the "start" event. */
PetscErrorCode ReportHeader(Report report, int n, const char *const names[], const char *const texts[]);
/* One iteration, always stored in the history, shown where `print`. On a terminal a shown line is overwritten by the
   next until it is worth keeping (first and last of a stage, one a second and rarer in a long run).
     rms    [in]  [n_term] of ResidualTermRMS
     error  [in]  [n_field] relative L2, or NULL where not computed */
PetscErrorCode ReportProgress(Report report, const Progress *progress, const double rms[], const double error[],
                              bool print);
/* More columns, for looks now and then: the group /diagnostics of history.h5. Before the first line and
   ReportReadHistory.
   And one look: values [in] [n], rank 0's count. */
PetscErrorCode ReportAddDiagnostics(Report report, int n, const char *const names[]);
PetscErrorCode ReportDiagnostics(Report report, const Progress *progress, const double values[]);
/* The stage's last line, if it has not been shown, and the reason. progress may be empty: the stage made no step. */
PetscErrorCode ReportStageEnd(Report report, const Progress *progress, OptimizerReason reason);
PetscErrorCode ReportVerification(Report report, const Verification *verification);
/* Coefficients that were unknown, with their standard deviations and true values (NAN where there is none); JSON: event
   "unknowns".  values, deviations, truths [in] [n] */
PetscErrorCode ReportUnknowns(Report report, int n, const char *const names[], const double values[],
                              const double deviations[], const double truths[]);
/* A sentence to the person, on stderr (JSON: event "message"). */
PetscErrorCode ReportMessage(Report report, const char *format, ...);
/* The closing line, the "end" event and summary.json. */
PetscErrorCode ReportEnd(Report report, ExitStatus status, const char *reason, PetscInt iterations);
/* history.csv and history.h5 as they stand (also at checkpoints). On resume, rows up to `iteration` of the run are read
   back first and later ones dropped, so that the history is that of one run; without a readable one, a warning and a
   history that begins here. */
PetscErrorCode ReportWriteHistory(Report report);
PetscErrorCode ReportReadHistory(Report report, PetscInt iteration);
PetscInt
ReportIteration(Report report);      /* of the run, over all stages: the number of a checkpoint; same on all ranks */
double ReportSeconds(Report report); /* since start, plus what a resumed run had used */
void ReportSetSeconds(Report report, double used);
