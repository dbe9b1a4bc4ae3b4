/* The parts of a report: progress.c while the run goes on, summary.c at its end, table.c for people, json.c for
   programs, history.c for the files. Only report.c knows Residual and Problem. */
#pragma once
#include "output_impl.h"

/* One object of JSON on one line. A number that is not finite becomes null; key NULL is for entries of arrays. */
typedef struct {
  FILE *stream;
  bool comma; /* an entry precedes */
  char *text;
  size_t size;
} Json;
PetscErrorCode JsonBegin(Json *json);
PetscErrorCode JsonEnd(Json *json, char **text); /* text is freed by the caller with free() */
void JsonNumber(Json *json, const char *key, double value);
void JsonInteger(Json *json, const char *key, long long value);
void JsonText(Json *json, const char *key, const char *value); /* NULL = null */
void JsonRaw(Json *json, const char *key, const char *value);  /* a JSON value; NULL = null */
void JsonOpen(Json *json, const char *key, char bracket);      /* '{' or '[' */
void JsonClose(Json *json, char bracket);

/* All iterations of the run, in order of (stage, iteration of the stage). */
typedef struct History_s *History;
enum {
  COLUMN_ITERATION,
  COLUMN_STAGE,
  COLUMN_STAGE_ITERATION,
  COLUMN_LOSS,
  COLUMN_CONTROL,
  COLUMN_GRADIENT,
  COLUMN_MEASURES,
  N_COLUMN = COLUMN_MEASURES + N_MEASURE
};
/* n more columns after those of the enumeration; names are copied. */
PetscErrorCode HistoryCreate(int n, const char *const names[], History *history);
PetscErrorCode HistoryDestroy(History *history);
/* values [in] [N_COLUMN + n]. Rows at or after the new one's (stage, iteration) are dropped first: a resumed run writes
   them anew. */
PetscErrorCode HistoryAdd(History history, const char *stage, const double values[]);
/* details: NULL, or what goes to the group /diagnostics of the HDF5 file and comes back from it. */
PetscErrorCode HistoryWrite(History history, History details, const char *csv, const char *hdf5);
/* Rows with COLUMN_ITERATION <= iteration. Errors: not readable, other columns. */
PetscErrorCode HistoryRead(History history, History details, const char *hdf5, PetscInt iteration);
size_t HistoryRows(History history);
double HistoryValue(History history, size_t row, int column);
/* Name of a stage; NULL where none of its rows is there. Cannot fail. */
const char *HistoryStage(History history, int stage);

/* One iteration as it is shown. */
typedef struct {
  const Progress *progress;
  PetscInt iteration;  /* of the run */
  const double *rms;   /* [n_term] */
  const double *error; /* [n_field] or NULL */
  double rate;         /* rows a second, this stage */
  double seconds, remaining;
  const char *reason; /* of the stage's end, or NULL */
} Sample;

struct Report_s {
  MPI_Comm comm;
  PetscMPIInt rank;
  ReportOptions options;
  Folder folder;
  Residual residual;
  int n_term, n_field;
  int n_weight;           /* n_term where terms have weights that change, else 0 */
  char **terms, **fields; /* distinct names */
  double *rms, *error;    /* [n_term], [n_field] of the last iteration */
  bool last_has_error, last_is_shown;

  FILE *out, *err;
  bool terminal, colour;
  int width;             /* of a line */
  double (*clock)(void); /* s */
  double start, used;    /* clock at the beginning; seconds of earlier runs */
  double kept;           /* clock of the last line that was not overwritten */
  int n_line;            /* since the header */
  bool open;             /* the cursor is on a line that will be overwritten */
  int header_stage;      /* the header's stage, -1 before the first */
  bool with_error;       /* a truth is known */

  int n_stage;               /* stages seen */
  PetscInt *first_iteration; /* [n_stage] the run's iteration at which a stage began, -1 = not seen */
  PetscInt iteration;        /* of the run */
  int stage;                 /* now running, -1 before the first */
  PetscInt stage_from;       /* its iteration when this process began it */
  double stage_start, stage_rows, rows;

  History history;                /* rank 0 */
  History diagnostics;            /* of looks now and then; NULL where the case asks for none */
  int n_diagnostic;               /* their columns */
  char *start_json, *verify_json; /* for summary.json; free() */
  char *unknown_json;             /* likewise; NULL where there are none */
};

/* What ReportCreate and its companions do once they have asked residual and problem. rows: evaluated so far by all
   ranks, rank 0 only. Collective. */
PetscErrorCode ReportCreate_Names(MPI_Comm comm, const ReportOptions *options, Folder folder, int n_term,
                                  const char *const terms[], int n_field, const char *const fields[], Report *report);
/* A column for the weight of each term, before the first line. */
PetscErrorCode ReportAddWeights(Report report);
PetscErrorCode ReportProgress_Rows(Report report, const Progress *progress, const double rms[], const double error[],
                                   double rows, bool print);
PetscErrorCode ReportStageEnd_Text(Report report, const Progress *progress, const char *reason);

/* The line {"event": EVENT, members of object}; rank 0. */
void ReportPutEvent(Report report, const char *event, const char *object);

/* For people; rank 0. */
void TableBanner(Report report, int n, const char *const names[], const char *const texts[]);
void TableSample(Report report, const Sample *sample, bool keep); /* keep = never overwritten */
void TableVerification(Report report, const Verification *verification);
/* Of a number; where the truth is zero, absolute. */
double RelativeError(double value, double truth);
void TableUnknowns(Report report, int n, const char *const names[], const double values[], const double deviations[],
                   const double truths[]);
void TableCloseLine(Report report); /* leaves a line that would be overwritten */
/* "12.3s", "4m05s", "3h12m", "2d04h"; "-" where not finite. */
void FormatSeconds(double seconds, char text[16]);
/* "950", "12.3k", "4.56M", ... */
void FormatCount(double count, char text[16]);
