/* What the fuzz targets share. A target is one file: LLVMFuzzerTestOneInput hands what it is given to a reader, which
   must take it or refuse it with a sentence. fuzz.c starts PETSc once; libFuzzer has main(). */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "pinn/error.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Did the call succeed? A failure must be the user's or the environment's and have its sentence; else aborts. */
bool FuzzPassed(PetscErrorCode code);
/* A call of what cannot fail. */
#define FuzzMust(call)                                                                                                 \
  do {                                                                                                                 \
    if (call) abort();                                                                                                 \
  } while (0)

/* Aborts where memory that our sources took from PETSc was not given back; FUZZ_GO_ON=1 only tells. */
void FuzzNothingLeft(void);

/* The input as a text [size + 1]; freed by the caller. */
char *FuzzText(const uint8_t *data, size_t size);
/* The input as a file in memory: its path, the same for the same ending. Removed at the end. */
const char *FuzzFile(const char *ending, size_t size, const uint8_t *data);
