/* Tables of the words a case file may use. A choice is one row here and one file; the command's --list and --help, the
   man page, the completion and every "did you mean" read these tables. */
#pragma once
#include <petscsys.h>

typedef struct {
  const char *name; /* the word in the case file; NULL ends the table */
  const char *help; /* one line, lower case, no final period */
  const void *data; /* the folder's own operations, borrowed */
} Choice;

typedef struct {
  const char *kind; /* "activation", "sampler" ...: what --list is asked for */
  const char *help; /* one line */
  const Choice *rows;
} ChoiceTable;

/* Each defined in the folder that owns the noun. */
extern const ChoiceTable FunctionTable;   /* formula: functions of one or two arguments */
extern const ChoiceTable DataTable;       /* problem */
extern const ChoiceTable DomainTable;     /* points */
extern const ChoiceTable RadialTable;     /* points: how the points of a ball lie along its radius */
extern const ChoiceTable SamplerTable;    /* points */
extern const ChoiceTable ActivationTable; /* network */
extern const ChoiceTable FeatureLawTable;
extern const ChoiceTable NetworkTable;   /* network */
extern const ChoiceTable QuadraticTable; /* network: forms beside it */
extern const ChoiceTable ProductsTable;  /* kernel */
extern const ChoiceTable PrecisionTable; /* network */
extern const ChoiceTable EstimatorTable; /* residual */
extern const ChoiceTable LawTable;       /* residual: of random directions */
extern const ChoiceTable AdaptTable;     /* residual: how interior points follow it */
extern const ChoiceTable BalanceTable;   /* residual: weights of equations and conditions */
extern const ChoiceTable PrecondTable;   /* precond */
extern const ChoiceTable StageTable;     /* optimizer */
extern const ChoiceTable MethodTable;    /* optimizer: how gauss-newton solves for its step */
extern const ChoiceTable KrylovTable;    /* optimizer: Krylov methods */
extern const ChoiceTable ScheduleTable;  /* optimizer */
extern const ChoiceTable DampingTable;   /* optimizer: what the damping follows */
extern const ChoiceTable LengthTable;    /* optimizer: what part of a step gauss-newton takes */
extern const ChoiceTable BaseTable;      /* optimizer: stages under fosi */
extern const ChoiceTable OutputOnTable;  /* output: where the fields are written */

/* All tables, NULL-terminated, in the order of the pipeline (src/cli). */
extern const ChoiceTable *const ChoiceTables[];

/* The row named `name`, or NULL. Cannot fail. */
const Choice *ChoiceFind(const ChoiceTable *table, const char *name);

/* Appends to `text` [size] the sentence end " (did you mean 'tanh'? known: tanh, sin ...)"; without the first part
   where no word is near. Cannot fail; truncates. */
void ChoiceSuggest(const ChoiceTable *table, const char *name, char *text, size_t size);
